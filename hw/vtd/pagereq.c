/*
 * Page requests and their responses: 7.4 to 7.8, 6.5.3.1.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/ring.h"
#include "hw/vtd/regs.h"
#include "im/spec/vtd_pagereq.h.inc"

#include <inttypes.h>

#define DUMP_REQUESTS  16

#define VTD_LAYOUT_ROW(l)  IM_LAYOUT(l);
VTD_PREQ_LAYOUTS(VTD_LAYOUT_ROW)
#undef VTD_LAYOUT_ROW

/* What becomes of a page request, and what its device is told. */
typedef enum Fate {
    FATE_QUEUED,
    FATE_DISABLED,          /* page requests or translation are off */
    FATE_TABLE_FAULT,
    FATE_OVERFLOW,          /* PRO was set before */
    FATE_FULL,
    FATE_UNWRITABLE,        /* no memory behind the queue */
} Fate;

typedef struct FateDef {
    const char *name;
    const char *marker;     /* name of a stop marker's */
    bool answered;          /* the unit answers in software's place */
    uint8_t code;           /* ImPageRespCode */
    uint64_t status;        /* of PRS_REG, set after the event */
} FateDef;

#define FATE(text)  text, "stop marker, " text

/*
 * Table 31. The manual is silent on the rows "disabled" and "queue not
 * writable": Invalid Request, since a failure would switch PRI off and no
 * answer would leave the device waiting.
 */
static const FateDef fates[] = {
    /* CLAUSE(VTD_PRQ_EVENT) */
    [FATE_QUEUED] = { FATE("queued"), false, 0, IM_MASK(VTD_PRS_PPR) },
    [FATE_DISABLED] = { FATE("disabled"), true, IM_PAGE_RESP_INVALID, 0 },
    [FATE_TABLE_FAULT] = { FATE("table fault"), true, IM_PAGE_RESP_INVALID,
                           0 },
    [FATE_OVERFLOW] = { FATE("overflow"), true, IM_PAGE_RESP_SUCCESS, 0 },
    /* CLAUSE(VTD_PRQ_FULL) */
    [FATE_FULL] = { FATE("queue full"), true, IM_PAGE_RESP_SUCCESS,
                    IM_MASK(VTD_PRS_PRO) },
    [FATE_UNWRITABLE] = { FATE("queue not writable"), true,
                          IM_PAGE_RESP_INVALID, 0 },
};

static bool is_stop_marker(const ImPageReq *req)
{
    return req->last && !req->read && !req->write;
}

/* CLAUSE(VTD_PRQ_STOP_MARKER): nobody is told what became of it. */
static bool quiet(const ImVtd *s, const ImPageReq *req)
{
    return is_stop_marker(req) && im_vtd_has_ecap(s, IM_MASK(VTD_ECAP_SMS));
}

void im_vtd_page_response(ImVtd *s, const ImPageResp *resp, const char *name)
{
    ImEvent ev = {
        .kind = IM_EVENT_PAGE_RESPONSE, .name = name, .resp = resp,
    };

    im_vtd_event(s, &ev);
    s->port.page_response(s->host, resp);
}

static void auto_response(ImVtd *s, const ImPageReq *req, uint8_t code)
{
    ImPageResp resp = {
        .pasid = req->has_pasid ? req->pasid : 0,
        .rid = req->rid,
        .prgi = req->prgi,
        .code = code,
        .has_pasid = req->has_pasid,
    };

    s->counters.auto_responses++;
    im_vtd_page_response(s, &resp, "automatic");
}

/* CLAUSE(VTD_PRQ_IMPLICIT_INV) */
static void implicit_invalidation(ImVtd *s, const ImPageReq *req,
                                  const VtdResolved *r)
{
    uint64_t page = req->addr & ~UINT64_C(0xfff);

    switch (r->pgtt) {
    case VTD_PGTT_FIRST:
        im_vtd_inv_piotlb(s, VTD_GRAN_PAGE, r->did, r->pasid, page, 0,
                          false);
        break;
    case VTD_PGTT_NESTED:
        im_vtd_inv_iotlb(s, VTD_GRAN_DOMAIN, r->did, 0, 0, false);
        break;
    default:
        im_vtd_inv_iotlb(s, VTD_GRAN_PAGE, r->did, page, 0, false);
        break;
    }
}

static ImRing page_queue(const ImVtd *s)
{
    uint64_t pqa = im_vtd_reg(s, VTD_R_PQA);

    return (ImRing) {
        .base = pqa & IM_MASK(VTD_PQA_PQA),
        .bytes = 0x1000u << IM_GET(pqa, VTD_PQA_PQS),
        .entry = VTD_PREQ_SIZE,
    };
}

/* CLAUSE(VTD_PRQ_DESCRIPTOR) */
static bool write_descriptor(ImVtd *s, const ImPageReq *req, uint64_t addr)
{
    uint64_t d[VTD_PREQ_SIZE / 8] = {
        IM_PUT(VTD_PREQ0_TYPE, VTD_PREQ_TYPE) |
        IM_PUT(VTD_PREQ0_PP, req->has_pasid) |
        IM_PUT(VTD_PREQ0_RID, req->rid) |
        IM_PUT(VTD_PREQ0_PASID, req->has_pasid ? req->pasid : 0) |
        IM_PUT(VTD_PREQ0_EXR, req->has_pasid && req->exec) |
        IM_PUT(VTD_PREQ0_PMR, req->has_pasid && req->priv),
        IM_PUT(VTD_PREQ1_RDR, req->read) |
        IM_PUT(VTD_PREQ1_WRR, req->write) |
        IM_PUT(VTD_PREQ1_LPIG, req->last) |
        IM_PUT(VTD_PREQ1_PRGI, req->prgi) |
        (req->addr & IM_MASK(VTD_PREQ1_ADDR)),
    };

    d[0] = GUINT64_TO_LE(d[0]);
    d[1] = GUINT64_TO_LE(d[1]);
    return im_vtd_mem_write(s, addr, d, sizeof(d)) == IM_BUS_OK;
}

/* 7.4.1: table error, overflow, full, and only then the queue. */
static Fate handle_request(ImVtd *s, const ImPageReq *req)
{
    ImRing ring = page_queue(s);
    uint32_t head = im_ring_wrap(&ring, im_vtd_reg(s, VTD_R_PQH));
    uint32_t tail = im_ring_wrap(&ring, im_vtd_reg(s, VTD_R_PQT));
    VtdResolved r;

    if (!(s->gsts & IM_MASK(VTD_GCMD_TE)) ||
        !im_vtd_has_ecap(s, IM_MASK(VTD_ECAP_PRS))) {
        return FATE_DISABLED;
    }
    r = im_vtd_resolve_page_request(s, req);
    if (r.reason) {
        if (!quiet(s, req)) {
            im_vtd_fault_page_request(s, req, r.reason, r.fpd);
        }
        return FATE_TABLE_FAULT;
    }
    if (im_vtd_reg(s, VTD_R_PRS) & IM_MASK(VTD_PRS_PRO)) {
        return FATE_OVERFLOW;           /* CLAUSE(VTD_PRQ_OVERFLOW) */
    }
    if (im_ring_full(&ring, head, tail)) {
        return FATE_FULL;
    }
    implicit_invalidation(s, req, &r);
    if (!write_descriptor(s, req, im_ring_addr(&ring, tail))) {
        return FATE_UNWRITABLE;
    }
    im_vtd_reg_set(s, VTD_R_PQT, im_ring_next(&ring, tail));
    return FATE_QUEUED;
}

/* CLAUSE(VTD_PRQ_TABLE_FAULT) */
void im_vtd_page_request(ImVtd *s, const ImPageReq *req)
{
    const FateDef *fate = &fates[handle_request(s, req)];
    bool marker = is_stop_marker(req);
    bool wants_response = req->last && !marker;
    ImEvent ev = {
        .kind = IM_EVENT_PAGE_REQUEST, .req = req,
        .name = marker ? fate->marker : fate->name,
    };

    s->counters.page_requests++;
    if (fate->answered) {
        s->counters.page_requests_dropped++;
    } else if (wants_response) {
        s->counters.page_groups++;
    }
    im_vtd_event(s, &ev);
    if (!fate->answered || !quiet(s, req)) {
        im_vtd_event_set(s, VTD_EVENT_PAGE, fate->status);
    }
    if (fate->answered && wants_response) {
        auto_response(s, req, fate->code);
    }
}

void im_vtd_page_queue_dump(ImVtd *s, GString *out)
{
    ImRing ring = page_queue(s);
    uint32_t off = im_ring_wrap(&ring, im_vtd_reg(s, VTD_R_PQH));
    uint32_t tail = im_ring_wrap(&ring, im_vtd_reg(s, VTD_R_PQT));

    if (!im_vtd_has_ecap(s, IM_MASK(VTD_ECAP_PRS))) {
        return;
    }
    g_string_append_printf(out, "page request queue: base %" PRIx64 ", %u "
                           "entries, head %x, tail %x\n", ring.base,
                           im_ring_entries(&ring), off, tail);
    for (unsigned n = 0; off != tail && n < DUMP_REQUESTS;
         n++, off = im_ring_next(&ring, off)) {
        uint64_t d[2];

        if (im_vtd_mem_peek(s, im_ring_addr(&ring, off), d, sizeof(d)) !=
            IM_BUS_OK) {
            g_string_append_printf(out, "    %05x: not readable\n", off);
            continue;
        }
        g_string_append_printf(out, "    %05x: %016" PRIx64 " %016" PRIx64
                               "\n", off, GUINT64_FROM_LE(d[0]),
                               GUINT64_FROM_LE(d[1]));
    }
}
