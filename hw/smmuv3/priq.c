/*
 * The page request queue: chapter 8.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/dump.h"
#include "hw/smmuv3/regs.h"
#include "hw/smmuv3/xlat.h"
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
    ImClause clause;            /* that decides */
    const char *why;            /* for people */
    bool failure;               /* answered so, whichever request it is */
    bool overflow;              /* 8.1 */
} FateDef;

#define FATE(text)  .name = text, .stop = "stop marker: " text

static const FateDef fates[] = {
    [FATE_QUEUED] = {
        .name = "queued", .stop = "stop marker queued",
        .clause = IM_CLAUSE(SMMU_PRIQ_ENTRY), .why = "queued",
    },
    [FATE_DISABLED] = {
        FATE("disabled"), .clause = IM_CLAUSE(SMMU_PRIQ_ENABLE),
        .why = "CR0.SMMUEN=0 or CR0.PRIQEN=0", .failure = true,
    },
    [FATE_ABORT_ACTIVE] = {
        FATE("PRIQ_ABT_ERR"), .clause = IM_CLAUSE(SMMU_PRIQ_ABORT),
        .why = "GERROR.PRIQ_ABT_ERR is active", .failure = true,
    },
    [FATE_ABORTED] = {
        FATE("write aborted"), .clause = IM_CLAUSE(SMMU_PRIQ_ABORT),
        .why = "PRI queue not writable, PRIQ_ABT_ERR would be set",
        .failure = true,
    },
    [FATE_OVERFLOW] = {
        FATE("overflow"), .clause = IM_CLAUSE(SMMU_PRIQ_OVERFLOW),
        .why = "PRIQ_PROD.OVFLG differs from PRIQ_CONS.OVACKFLG",
        .overflow = true,
    },
    [FATE_FULL] = {
        FATE("queue full"), .clause = IM_CLAUSE(SMMU_PRIQ_OVERFLOW),
        .why = "PRI queue full, OVFLG would be toggled", .overflow = true,
    },
};

IM_RULE(SMMU_PRIQ_STOP_MARKER);
static bool smmu_priq_is_stop_marker(const ImPageReq *req)
{
    return req->last && !req->read && !req->write && req->has_pasid;
}

static ImPageResp smmu_priq_response(const ImPageReq *req, uint8_t code,
                                     bool with_pasid)
{
    return (ImPageResp) {
        .pasid = with_pasid ? req->pasid : 0,
        .rid = req->rid,
        .segment = req->segment,
        .prgi = req->prgi,
        .code = code,
        .has_pasid = with_pasid,
    };
}

static void smmu_priq_respond(ImSmmu *s, const ImPageResp *resp)
{
    ImEvent ev = {
        .kind = IM_EVENT_PAGE_RESPONSE,
        .name = "automatic",
        .resp = resp,
    };

    s->counters.auto_responses++;
    im_smmu_trace(s, &ev);
    s->port.page_response(s->host, resp);
}

static uint32_t smmu_priq_sid_of(const ImPageReq *req)
{
    return im_func(req->segment, req->rid);
}

IM_RULE(SMMU_PRIQ_REC_CFG_ATS);
static void smmu_priq_record_ste_error(ImSmmu *s, const ImPageReq *req,
                                       uint8_t code)
{
    SmmuEvent e = {
        .code = code,
        .sid = smmu_priq_sid_of(req),
        .ssv = req->has_pasid,
        .ssid = req->pasid,
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

/*
 * The answer in software's place; *event: of an STE that could not be used,
 * or 0.
 */
IM_RULE(SMMU_PRIQ_AUTO_RESPONSE);
IM_RULE(SMMU_PRIQ_PPAR);
static ImPageResp smmu_priq_answer(ImSmmu *s, const ImPageReq *req,
                                   const FateDef *fate, SmmuExplain *ex,
                                   uint8_t *event)
{
    ImSmmuSte ste;

    *event = 0;
    if (fate->failure) {
        return smmu_priq_response(req, IM_PAGE_RESP_FAILURE, false);
    }
    if (!req->has_pasid || (s->ids.idr[3] & IM_MASK(SMMU_IDR3_PPS))) {
        return smmu_priq_response(req, IM_PAGE_RESP_SUCCESS, req->has_pasid);
    }
    *event = im_smmu_ste_of(s, smmu_priq_sid_of(req), ex, &ste);
    return *event ? smmu_priq_response(req, IM_PAGE_RESP_FAILURE, false) :
                    smmu_priq_response(req, IM_PAGE_RESP_SUCCESS, ste.ppar);
}

static bool smmu_priq_is_answered(const ImPageReq *req, const FateDef *fate)
{
    return (fate->failure || (fate->overflow && req->last)) &&
           !smmu_priq_is_stop_marker(req);
}

IM_RULE(SMMU_PRIQ_ENTRY);
static void smmu_priq_entry_of(const ImPageReq *req, uint64_t d[2])
{
    d[0] = IM_PUT(SMMU_PPR0_SID, smmu_priq_sid_of(req)) |
           IM_PUT(SMMU_PPR0_SSID, req->has_pasid ? req->pasid : 0) |
           IM_PUT(SMMU_PPR0_PRIV, req->has_pasid && req->priv) |
           IM_PUT(SMMU_PPR0_X, req->has_pasid && req->exec) |
           IM_PUT(SMMU_PPR0_READ, req->read) | IM_PUT(SMMU_PPR0_W, req->write) |
           IM_PUT(SMMU_PPR0_LAST, req->last) |
           IM_PUT(SMMU_PPR0_SSV, req->has_pasid);
    d[1] = IM_PUT(SMMU_PPR1_PRGI, req->prgi) |
           (req->addr & IM_MASK(SMMU_PPR1_ADDR));
}

static bool smmu_priq_write_entry(ImSmmu *s, const ImPageReq *req,
                                  uint64_t addr)
{
    uint64_t d[2];

    smmu_priq_entry_of(req, d);
    d[0] = GUINT64_TO_LE(d[0]);
    d[1] = GUINT64_TO_LE(d[1]);
    return im_smmu_mem_write(s, addr, d, sizeof(d)) == IM_BUS_OK;
}

static bool smmu_priq_last_only(const ImSmmu *s)
{
    return im_smmu_reg(s, SMMU_R_PRIQ_IRQ_CFG2) & IM_MASK(SMMU_IRQ_CFG2_LO);
}

static Fate smmu_priq_enqueue(ImSmmu *s, const ImPageReq *req,
                              const SmmuQueue *q)
{
    uint64_t prod = im_smmu_reg(s, SMMU_R_PRIQ_PROD);

    if (!smmu_priq_write_entry(s, req, im_smmu_queue_addr(q, q->prod))) {
        im_smmu_gerror(s, IM_MASK(SMMU_GERROR_PRIQ_ABT));
        IM_RULE(SMMU_PRIQ_ABORT);
        return FATE_ABORTED;
    }
    im_smmu_reg_set(s, SMMU_R_PRIQ_PROD,
                    IM_SET(prod, SMMU_Q_INDEX_INDEX,
                           im_smmu_queue_next(q, q->prod)));
    if (smmu_priq_last_only(s) ? req->last : im_smmu_queue_empty(q)) {
        IM_RULE(SMMU_PRIQ_INTERRUPT);
        im_smmu_irq(s, IM_SMMU_IRQ_PRIQ);
    }
    return FATE_QUEUED;
}

/* Nothing is written until it is acknowledged. */
IM_RULE(SMMU_PRIQ_OVERFLOW);
static void smmu_priq_overflowed(ImSmmu *s, const ImPageReq *req, bool active)
{
    ImEvent ev = {
        .kind = IM_EVENT_FAULT,
        .name = "PRI queue overflow",
        .req = req,
        .clause = IM_CLAUSE(SMMU_PRIQ_OVERFLOW),
    };

    if (!active) {
        im_smmu_trace(s, &ev);
        im_smmu_reg_set(s, SMMU_R_PRIQ_PROD,
                        im_smmu_reg(s, SMMU_R_PRIQ_PROD) ^
                            IM_MASK(SMMU_Q_INDEX_OVF));
    }
    if (smmu_priq_last_only(s) && req->last) {
        im_smmu_irq(s, IM_SMMU_IRQ_PRIQ);
    }
}

/* PRIQEN counts only with SMMUEN. */
IM_RULE(SMMU_PRIQ_ENABLE);
static Fate smmu_priq_decide(const ImSmmu *s, const SmmuQueue *q)
{
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
    return active                ? FATE_OVERFLOW :
           im_smmu_queue_full(q) ? FATE_FULL :
                                   FATE_QUEUED;
}

static Fate smmu_priq_handle_request(ImSmmu *s, const ImPageReq *req)
{
    SmmuQueue q = im_smmu_queue(s, SMMU_PRIQ);
    Fate fate = smmu_priq_decide(s, &q);

    if (fate == FATE_QUEUED) {
        return smmu_priq_enqueue(s, req, &q);
    }
    if (fates[fate].overflow) {
        smmu_priq_overflowed(s, req, fate == FATE_OVERFLOW);
    }
    return fate;
}

/* Without substreams, without PASID. */
IM_RULE(SMMU_PRIQ_SSV);
static ImPageReq smmu_priq_as_understood(const ImSmmu *s,
                                         const ImPageReq *request)
{
    ImPageReq req = *request;

    req.has_pasid &= IM_GET(s->ids.idr[1], SMMU_IDR1_SSIDSIZE) != 0;
    return req;
}

void im_smmu_page_request(ImSmmu *s, const ImPageReq *request)
{
    ImPageReq req = smmu_priq_as_understood(s, request);
    ImEvent ev = { .kind = IM_EVENT_PAGE_REQUEST, .req = &req };
    const FateDef *fate = &fates[smmu_priq_handle_request(s, &req)];
    bool stop = smmu_priq_is_stop_marker(&req);
    ImPageResp resp;
    uint8_t event;

    ev.name = stop ? fate->stop : fate->name;
    s->counters.page_requests++;
    if (fate->failure || fate->overflow) {
        s->counters.page_requests_dropped++;
    } else if (req.last && !stop) {
        s->counters.page_groups++;
    }
    im_smmu_trace(s, &ev);
    if (smmu_priq_is_answered(&req, fate)) {
        resp = smmu_priq_answer(s, &req, fate, NULL, &event);
        if (event) {
            smmu_priq_record_ste_error(s, &req, event);
        }
        smmu_priq_respond(s, &resp);
    }
}

/* --- explaining --------------------------------------------------------- */

/* Would the queue take it? Each quad-word that is 0 becomes 0. */
static bool smmu_priq_could_write(ImSmmu *s, uint64_t addr)
{
    for (unsigned i = 0; i < 2; i++) {
        uint64_t zero = 0;

        if (s->port.cmpxchg64(s->host, addr + 8 * i, &zero, 0) ==
            IM_BUS_ERROR) {
            return false;
        }
    }
    return true;
}

static void smmu_priq_tell_entry(const SmmuExplain *ex, const ImPageReq *req,
                                 uint64_t addr)
{
    const ImFieldRow *const fields[] = {
        IM_FIELDS(SMMU_PPR0),
        IM_FIELDS(SMMU_PPR1),
    };
    ImStep step = {
        .what = "PRI queue entry",
        .addr = addr,
        .words = 2,
        .fields = fields,
        .note = "as it would be queued",
    };

    smmu_priq_entry_of(req, step.value);
    ex->fn(ex->opaque, &step);
}

/* What the requester hears. */
static const char *smmu_priq_outcome(const ImPageReq *req, const ImPageFate *f)
{
    if (f->queued) {
        return "";
    }
    if (f->answered) {
        return f->resp.code == IM_PAGE_RESP_FAILURE ?
                   "; answered with Response Failure automatically" :
               f->resp.has_pasid ?
                   "; answered with Success automatically, with PASID" :
                   "; answered with Success automatically, without PASID";
    }
    return smmu_priq_is_stop_marker(req) ?
               "; dropped, a stop marker is not answered" :
               "; dropped, not the last of its group";
}

static void smmu_priq_tell_result(const SmmuExplain *ex, const ImPageReq *req,
                                  const FateDef *fate, const ImPageFate *f)
{
    bool by_ste = f->answered && !fate->failure && req->has_pasid;
    g_autofree char *note = g_strconcat(fate->why, f->fault ? "; " : "",
                                        f->fault ? ex->note : "",
                                        smmu_priq_outcome(req, f), NULL);

    im_route_result(ex->fn, ex->opaque, 0,
                    by_ste ? IM_CLAUSE(SMMU_PRIQ_PPAR) : fate->clause, note);
}

ImPageFate im_smmu_explain_page_request(ImSmmu *s, const ImPageReq *request,
                                        ImStepFn *fn, void *opaque)
{
    SmmuExplain ex = { .fn = fn ? fn : im_route_unheard, .opaque = opaque };
    ImPageReq req = smmu_priq_as_understood(s, request);
    SmmuQueue q = im_smmu_queue(s, SMMU_PRIQ);
    Fate fate = smmu_priq_decide(s, &q);
    ImPageFate f = { 0 };

    if (fate == FATE_QUEUED) {
        uint64_t addr = im_smmu_queue_addr(&q, q.prod);

        smmu_priq_tell_entry(&ex, &req, addr);
        fate = smmu_priq_could_write(s, addr) ? FATE_QUEUED : FATE_ABORTED;
    }
    f.queued = fate == FATE_QUEUED;
    f.answered = smmu_priq_is_answered(&req, &fates[fate]);
    if (f.answered) {
        f.resp = smmu_priq_answer(s, &req, &fates[fate], &ex, &f.fault);
    }
    smmu_priq_tell_result(&ex, &req, &fates[fate], &f);
    return f;
}
