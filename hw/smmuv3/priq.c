/*
 * The page request queue: chapter 8.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/smmuv3/regs.h"
#include "im/spec/smmu_records.h.inc"

IM_LAYOUT(SMMU_PPR0);
IM_LAYOUT(SMMU_PPR1);

/* What becomes of a message. */
typedef enum Fate {
    FATE_QUEUED,
    FATE_DISABLED,
    FATE_ABORT_ACTIVE,
    FATE_ABORTED,
    FATE_OVERFLOW,
    FATE_FULL,
} Fate;

typedef struct FateDef {
    const char *name;
    const char *stop;           /* of a stop marker */
    bool failure;               /* answered so, whichever request it is */
    bool overflow;              /* 8.1 */
} FateDef;

static const FateDef fates[] = {
    [FATE_QUEUED] = { "queued", "stop marker queued", false, false },
    [FATE_DISABLED] = { "disabled", "stop marker: disabled", true, false },
    [FATE_ABORT_ACTIVE] = { "PRIQ_ABT_ERR", "stop marker: PRIQ_ABT_ERR",
                            true, false },
    [FATE_ABORTED] = { "write aborted", "stop marker: write aborted", true,
                       false },
    [FATE_OVERFLOW] = { "overflow", "stop marker: overflow", false, true },
    [FATE_FULL] = { "queue full", "stop marker: queue full", false, true },
};

/* CLAUSE(SMMU_PRIQ_STOP_MARKER) */
static bool is_stop_marker(const ImPageReq *req)
{
    return req->last && !req->read && !req->write && req->has_pasid;
}

static void respond(ImSmmu *s, const ImPageReq *req, uint8_t code,
                    bool with_pasid)
{
    ImPageResp resp = {
        .pasid = with_pasid ? req->pasid : 0,
        .rid = req->rid,
        .segment = req->segment,
        .prgi = req->prgi,
        .code = code,
        .has_pasid = with_pasid,
    };
    ImEvent ev = {
        .kind = IM_EVENT_PAGE_RESPONSE, .name = "automatic", .resp = &resp,
    };

    s->counters.auto_responses++;
    im_smmu_trace(s, &ev);
    s->port.page_response(s->host, &resp);
}

/* CLAUSE(SMMU_PRIQ_REC_CFG_ATS) */
static void record_ste_error(ImSmmu *s, const ImPageReq *req, uint32_t sid,
                             uint8_t code)
{
    SmmuEvent e = {
        .code = code, .sid = sid, .ssv = req->has_pasid, .ssid = req->pasid,
        .req = req,
    };

    if (!(s->cr2 & IM_MASK(SMMU_CR2_REC_CFG_ATS))) {
        im_smmu_event_hidden(s, &e, "not recorded: CR2.REC_CFG_ATS=0");
    } else if (code == SMMU_EVT_C_BAD_STREAMID &&
               !(s->cr2 & IM_MASK(SMMU_CR2_RECINVSID))) {
        im_smmu_event_hidden(s, &e, "not recorded: CR2.RECINVSID=0");
    } else {
        im_smmu_event(s, &e);
    }
}

/* CLAUSE(SMMU_PRIQ_AUTO_RESPONSE), CLAUSE(SMMU_PRIQ_PPAR) */
static void answer_overflow(ImSmmu *s, const ImPageReq *req)
{
    uint32_t sid = (uint32_t)req->segment << 16 | req->rid;
    ImSmmuSte ste;
    uint8_t code;

    if (!req->has_pasid || (s->ids.idr[3] & IM_MASK(SMMU_IDR3_PPS))) {
        respond(s, req, IM_PAGE_RESP_SUCCESS, req->has_pasid);
        return;
    }
    code = im_smmu_ste_of(s, sid, &ste);
    if (code) {
        record_ste_error(s, req, sid, code);
        respond(s, req, IM_PAGE_RESP_FAILURE, false);
        return;
    }
    respond(s, req, IM_PAGE_RESP_SUCCESS, ste.ppar);
}

/* CLAUSE(SMMU_PRIQ_ENTRY) */
static bool write_entry(ImSmmu *s, const ImPageReq *req, uint64_t addr)
{
    uint64_t d[2] = {
        IM_PUT(SMMU_PPR0_SID, (uint64_t)req->segment << 16 | req->rid) |
        IM_PUT(SMMU_PPR0_SSID, req->has_pasid ? req->pasid : 0) |
        IM_PUT(SMMU_PPR0_PRIV, req->has_pasid && req->priv) |
        IM_PUT(SMMU_PPR0_X, req->has_pasid && req->exec) |
        IM_PUT(SMMU_PPR0_READ, req->read) |
        IM_PUT(SMMU_PPR0_W, req->write) |
        IM_PUT(SMMU_PPR0_LAST, req->last) |
        IM_PUT(SMMU_PPR0_SSV, req->has_pasid),
        IM_PUT(SMMU_PPR1_PRGI, req->prgi) |
        (req->addr & IM_MASK(SMMU_PPR1_ADDR)),
    };

    d[0] = GUINT64_TO_LE(d[0]);
    d[1] = GUINT64_TO_LE(d[1]);
    return im_smmu_mem_write(s, addr, d, sizeof(d)) == IM_BUS_OK;
}

static bool last_only(const ImSmmu *s)
{
    return im_smmu_reg(s, SMMU_R_PRIQ_IRQ_CFG2) &
           IM_MASK(SMMU_IRQ_CFG2_LO);
}

static Fate enqueue(ImSmmu *s, const ImPageReq *req, const SmmuQueue *q)
{
    uint64_t prod = im_smmu_reg(s, SMMU_R_PRIQ_PROD);

    if (!write_entry(s, req, im_smmu_queue_addr(q, q->prod))) {
        im_smmu_gerror(s, IM_MASK(SMMU_GERROR_PRIQ_ABT));
        return FATE_ABORTED;            /* CLAUSE(SMMU_PRIQ_ABORT) */
    }
    im_smmu_reg_set(s, SMMU_R_PRIQ_PROD,
                    IM_SET(prod, SMMU_Q_INDEX_INDEX,
                           im_smmu_queue_next(q, q->prod)));
    if (last_only(s) ? req->last : im_smmu_queue_empty(q)) {
        im_smmu_irq(s, IM_SMMU_IRQ_PRIQ);   /* CLAUSE(SMMU_PRIQ_INTERRUPT) */
    }
    return FATE_QUEUED;
}

/* CLAUSE(SMMU_PRIQ_OVERFLOW): nothing is written until it is acknowledged. */
static Fate overflowed(ImSmmu *s, const ImPageReq *req, bool active)
{
    ImEvent ev = {
        .kind = IM_EVENT_FAULT, .name = "PRI queue overflow", .req = req,
    };

    if (!active) {
        im_smmu_trace(s, &ev);
        im_smmu_reg_set(s, SMMU_R_PRIQ_PROD,
                        im_smmu_reg(s, SMMU_R_PRIQ_PROD) ^
                        IM_MASK(SMMU_Q_INDEX_OVF));
    }
    if (last_only(s) && req->last) {
        im_smmu_irq(s, IM_SMMU_IRQ_PRIQ);
    }
    return active ? FATE_OVERFLOW : FATE_FULL;
}

/* CLAUSE(SMMU_PRIQ_ENABLE): PRIQEN counts only with SMMUEN. */
static Fate handle_request(ImSmmu *s, const ImPageReq *req)
{
    SmmuQueue q = im_smmu_queue(s, SMMU_PRIQ);
    bool active = (im_smmu_reg(s, SMMU_R_PRIQ_PROD) ^
                   im_smmu_reg(s, SMMU_R_PRIQ_CONS)) &
                  IM_MASK(SMMU_Q_INDEX_OVF);

    if (!im_smmu_on(s, IM_MASK(SMMU_CR0_SMMUEN)) ||
        !im_smmu_on(s, IM_MASK(SMMU_CR0_PRIQEN))) {
        return FATE_DISABLED;
    }
    if (im_smmu_gerror_active(s, IM_MASK(SMMU_GERROR_PRIQ_ABT))) {
        return FATE_ABORT_ACTIVE;
    }
    if (active || im_smmu_queue_full(&q)) {
        return overflowed(s, req, active);
    }
    return enqueue(s, req, &q);
}

void im_smmu_page_request(ImSmmu *s, const ImPageReq *request)
{
    ImPageReq req = *request;
    ImEvent ev = { .kind = IM_EVENT_PAGE_REQUEST, .req = &req };
    const FateDef *fate;
    bool stop;

    /* CLAUSE(SMMU_PRIQ_SSV): without substreams, without PASID. */
    req.has_pasid &= IM_GET(s->ids.idr[1], SMMU_IDR1_SSIDSIZE) != 0;
    stop = is_stop_marker(&req);
    fate = &fates[handle_request(s, &req)];
    ev.name = stop ? fate->stop : fate->name;
    s->counters.page_requests++;
    if (fate->failure || fate->overflow) {
        s->counters.page_requests_dropped++;
    } else if (req.last && !stop) {
        s->counters.page_groups++;
    }
    im_smmu_trace(s, &ev);
    if (fate->failure && !stop) {
        respond(s, &req, IM_PAGE_RESP_FAILURE, false);
    } else if (fate->overflow && req.last && !stop) {
        answer_overflow(s, &req);
    }
}
