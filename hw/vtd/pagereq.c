/*
 * Page requests and their responses: 7.4 to 7.8, 6.5.3.1.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/dump.h"
#include "hw/core/ring.h"
#include "hw/vtd/dma.h"
#include "hw/vtd/explain.h"
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
    ImClause clause;        /* that decides; of a table fault: its own */
    bool answered;          /* the unit answers in software's place */
    uint8_t code;           /* ImPageRespCode */
    uint64_t status;        /* of PRS_REG, set after the event */
} FateDef;

#define FATE(text)  .name = text, .marker = "stop marker, " text

/*
 * Table 31. The manual is silent on the rows "disabled" and "queue not
 * writable": Invalid Request, since a failure would switch PRI off and no
 * answer would leave the device waiting.
 */
IM_RULE(VTD_PRQ_EVENT);
static const FateDef fates[] = {
    [FATE_QUEUED] = {
        FATE("queued"), .clause = IM_CLAUSE(VTD_PRQ_DESCRIPTOR),
        .status = IM_MASK(VTD_PRS_PPR),
    },
    [FATE_DISABLED] = {
        FATE("disabled"), .clause = IM_CLAUSE(VTD_REG_GSTS),
        .answered = true, .code = IM_PAGE_RESP_INVALID,
    },
    [FATE_TABLE_FAULT] = {
        FATE("table fault"), .clause = IM_CLAUSE(VTD_PRQ_TABLE_FAULT),
        .answered = true, .code = IM_PAGE_RESP_INVALID,
    },
    [FATE_OVERFLOW] = {
        FATE("overflow"), .clause = IM_CLAUSE(VTD_PRQ_OVERFLOW),
        .answered = true, .code = IM_PAGE_RESP_SUCCESS,
    },
    [FATE_FULL] = {
        FATE("queue full"), .clause = IM_CLAUSE(VTD_PRQ_FULL),
        .answered = true, .code = IM_PAGE_RESP_SUCCESS,
        .status = IM_MASK(VTD_PRS_PRO),
    },
    [FATE_UNWRITABLE] = {
        FATE("queue not writable"), .clause = IM_CLAUSE(VTD_PRQ_DESCRIPTOR),
        .answered = true, .code = IM_PAGE_RESP_INVALID,
    },
};

static bool vtd_pagereq_is_stop_marker(const ImPageReq *req)
{
    return req->last && !req->read && !req->write;
}

/* Nobody is told what became of it. */
IM_RULE(VTD_PRQ_STOP_MARKER);
static bool vtd_pagereq_quiet(const ImVtd *s, const ImPageReq *req)
{
    return vtd_pagereq_is_stop_marker(req) &&
           im_vtd_has_ecap(s, IM_MASK(VTD_ECAP_SMS));
}

void im_vtd_page_response(ImVtd *s, const ImPageResp *resp, const char *name)
{
    ImEvent ev = {
        .kind = IM_EVENT_PAGE_RESPONSE,
        .name = name,
        .resp = resp,
    };

    im_vtd_event(s, &ev);
    s->port.page_response(s->host, resp);
}

static ImPageResp vtd_pagereq_response(const ImPageReq *req, uint8_t code)
{
    return (ImPageResp) {
        .pasid = req->has_pasid ? req->pasid : 0,
        .rid = req->rid,
        .prgi = req->prgi,
        .code = code,
        .has_pasid = req->has_pasid,
    };
}

static void vtd_pagereq_auto_response(ImVtd *s, const ImPageReq *req,
                                      uint8_t code)
{
    ImPageResp resp = vtd_pagereq_response(req, code);

    s->counters.auto_responses++;
    im_vtd_page_response(s, &resp, "automatic");
}

IM_RULE(VTD_PRQ_IMPLICIT_INV);
static void vtd_pagereq_implicit_invalidation(ImVtd *s, const ImPageReq *req,
                                              const VtdResolved *r)
{
    uint64_t page = req->addr & ~UINT64_C(0xfff);

    switch (r->pgtt) {
    case VTD_PGTT_FIRST:
        im_vtd_inv_piotlb(s, VTD_GRAN_PAGE, r->did, r->pasid, page, 0, false);
        break;
    case VTD_PGTT_NESTED:
        im_vtd_inv_iotlb(s, VTD_GRAN_DOMAIN, r->did, 0, 0, false);
        break;
    default:
        im_vtd_inv_iotlb(s, VTD_GRAN_PAGE, r->did, page, 0, false);
        break;
    }
}

static ImRing vtd_pagereq_page_queue(const ImVtd *s)
{
    uint64_t pqa = im_vtd_reg(s, VTD_R_PQA);

    return (ImRing) {
        .base = pqa & IM_MASK(VTD_PQA_PQA),
        .bytes = 0x1000u << IM_GET(pqa, VTD_PQA_PQS),
        .entry = VTD_PREQ_SIZE,
    };
}

IM_RULE(VTD_PRQ_DESCRIPTOR);
static void vtd_pagereq_descriptor_of(const ImPageReq *req, uint64_t d[2])
{
    d[0] = IM_PUT(VTD_PREQ0_TYPE, VTD_PREQ_TYPE) |
           IM_PUT(VTD_PREQ0_PP, req->has_pasid) |
           IM_PUT(VTD_PREQ0_RID, req->rid) |
           IM_PUT(VTD_PREQ0_PASID, req->has_pasid ? req->pasid : 0) |
           IM_PUT(VTD_PREQ0_EXR, req->has_pasid && req->exec) |
           IM_PUT(VTD_PREQ0_PMR, req->has_pasid && req->priv);
    d[1] = IM_PUT(VTD_PREQ1_RDR, req->read) |
           IM_PUT(VTD_PREQ1_WRR, req->write) |
           IM_PUT(VTD_PREQ1_LPIG, req->last) |
           IM_PUT(VTD_PREQ1_PRGI, req->prgi) |
           (req->addr & IM_MASK(VTD_PREQ1_ADDR));
}

static bool vtd_pagereq_write_descriptor(ImVtd *s, const ImPageReq *req,
                                         uint64_t addr)
{
    uint64_t d[VTD_PREQ_SIZE / 8] = { 0 };

    vtd_pagereq_descriptor_of(req, d);
    d[0] = GUINT64_TO_LE(d[0]);
    d[1] = GUINT64_TO_LE(d[1]);
    return im_vtd_mem_write(s, addr, d, sizeof(d)) == IM_BUS_OK;
}

/* A page request on its way. */
typedef struct Route {
    VtdExplain *ex;             /* NULL: for real */
    ImRing ring;
    uint32_t tail;
    VtdResolved resolved;       /* unless page requests are disabled */
} Route;

/* 7.4.1: table error, overflow, full, and only then the queue. */
static Fate vtd_pagereq_decide(ImVtd *s, const ImPageReq *req, Route *r)
{
    uint32_t head;

    r->ring = vtd_pagereq_page_queue(s);
    r->tail = im_ring_wrap(&r->ring, im_vtd_reg(s, VTD_R_PQT));
    head = im_ring_wrap(&r->ring, im_vtd_reg(s, VTD_R_PQH));
    if (!(s->gsts & IM_MASK(VTD_GCMD_TE)) ||
        !im_vtd_has_ecap(s, IM_MASK(VTD_ECAP_PRS))) {
        return FATE_DISABLED;
    }
    r->resolved = im_vtd_resolve_page_request(s, req, r->ex);
    if (r->resolved.reason) {
        return FATE_TABLE_FAULT;
    }
    if (im_vtd_reg(s, VTD_R_PRS) & IM_MASK(VTD_PRS_PRO)) {
        IM_RULE(VTD_PRQ_OVERFLOW);
        return FATE_OVERFLOW;
    }
    return im_ring_full(&r->ring, head, r->tail) ? FATE_FULL : FATE_QUEUED;
}

static Fate vtd_pagereq_handle_request(ImVtd *s, const ImPageReq *req)
{
    Route r = { 0 };
    Fate fate = vtd_pagereq_decide(s, req, &r);

    if (fate == FATE_TABLE_FAULT && !vtd_pagereq_quiet(s, req)) {
        im_vtd_fault_page_request(s, req, r.resolved.reason, r.resolved.fpd);
    }
    if (fate != FATE_QUEUED) {
        return fate;
    }
    vtd_pagereq_implicit_invalidation(s, req, &r.resolved);
    if (!vtd_pagereq_write_descriptor(s, req, im_ring_addr(&r.ring, r.tail))) {
        return FATE_UNWRITABLE;
    }
    im_vtd_reg_set(s, VTD_R_PQT, im_ring_next(&r.ring, r.tail));
    return FATE_QUEUED;
}

IM_RULE(VTD_PRQ_TABLE_FAULT);
void im_vtd_page_request(ImVtd *s, const ImPageReq *req)
{
    const FateDef *fate = &fates[vtd_pagereq_handle_request(s, req)];
    bool marker = vtd_pagereq_is_stop_marker(req);
    bool wants_response = req->last && !marker;
    ImEvent ev = {
        .kind = IM_EVENT_PAGE_REQUEST,
        .req = req,
        .name = marker ? fate->marker : fate->name,
    };

    s->counters.page_requests++;
    if (fate->answered) {
        s->counters.page_requests_dropped++;
    } else if (wants_response) {
        s->counters.page_groups++;
    }
    im_vtd_event(s, &ev);
    if (!fate->answered || !vtd_pagereq_quiet(s, req)) {
        im_vtd_event_set(s, VTD_EVENT_PAGE, fate->status);
    }
    if (fate->answered && wants_response) {
        vtd_pagereq_auto_response(s, req, fate->code);
    }
}

/* --- explaining --------------------------------------------------------- */

/* Would the queue take it? Each quad-word that is 0 becomes 0. */
static bool vtd_pagereq_could_write(ImVtd *s, uint64_t addr)
{
    for (unsigned i = 0; i < VTD_PREQ_SIZE / 8; i++) {
        uint64_t zero = 0;

        if (s->port.cmpxchg64(s->host, addr + 8 * i, &zero, 0) ==
            IM_BUS_ERROR) {
            return false;
        }
    }
    return true;
}

static void vtd_pagereq_tell_descriptor(const Route *r, const ImPageReq *req)
{
    const ImFieldRow *const fields[] = {
        IM_FIELDS(VTD_PREQ0),
        IM_FIELDS(VTD_PREQ1),
    };
    ImStep step = {
        .what = "page request descriptor",
        .addr = im_ring_addr(&r->ring, r->tail),
        .words = 2,
        .fields = fields,
        .note = "as it would be queued",
    };

    vtd_pagereq_descriptor_of(req, step.value);
    r->ex->fn(r->ex->opaque, &step);
}

static const char *vtd_pagereq_why(const ImVtd *s, Fate fate, uint8_t reason)
{
    const char *text;

    switch (fate) {
    case FATE_DISABLED:
        return s->gsts & IM_MASK(VTD_GCMD_TE) ? "ECAP_REG.PRS=0" :
                                                "GSTS_REG.TES=0";
    case FATE_TABLE_FAULT:
        im_vtd_fault_name(reason, &text);
        return text;
    case FATE_OVERFLOW:
        return "PRS_REG.PRO=1";
    case FATE_FULL:
        return "page request queue full, PRO would be set";
    case FATE_UNWRITABLE:
        return "page request queue not writable";
    default:
        return "queued";
    }
}

static const char *vtd_pagereq_outcome(const ImPageReq *req,
                                       const ImPageFate *f)
{
    if (f->queued) {
        return "";
    }
    if (f->answered) {
        return f->resp.code == IM_PAGE_RESP_SUCCESS ?
                   "; answered with Success automatically" :
                   "; answered with Invalid Request automatically";
    }
    return vtd_pagereq_is_stop_marker(req) ?
               "; dropped, a stop marker is not answered" :
               "; dropped, not the last of its group";
}

ImPageFate im_vtd_explain_page_request(ImVtd *s, const ImPageReq *req,
                                       ImStepFn *fn, void *opaque)
{
    VtdExplain ex = { .fn = fn ? fn : im_route_unheard, .opaque = opaque };
    Route r = { .ex = &ex };
    Fate fate = vtd_pagereq_decide(s, req, &r);
    g_autofree char *note = NULL;
    ImPageFate f;

    if (fate == FATE_QUEUED) {
        vtd_pagereq_tell_descriptor(&r, req);
        if (!vtd_pagereq_could_write(s, im_ring_addr(&r.ring, r.tail))) {
            fate = FATE_UNWRITABLE;
        }
    }
    f = (ImPageFate) {
        .fault = r.resolved.reason,
        .queued = !fates[fate].answered,
        .answered = fates[fate].answered && req->last &&
                    !vtd_pagereq_is_stop_marker(req),
    };
    if (f.answered) {
        f.resp = vtd_pagereq_response(req, fates[fate].code);
    }
    note = g_strconcat(vtd_pagereq_why(s, fate, f.fault),
                       vtd_pagereq_outcome(req, &f), NULL);
    im_route_result(ex.fn, opaque, 0,
                    f.fault ? im_vtd_fault_def(f.fault)->clause :
                              fates[fate].clause,
                    note);
    return f;
}

/* --- for people --------------------------------------------------------- */

void im_vtd_page_queue_dump(ImVtd *s, GString *out)
{
    ImRing ring = vtd_pagereq_page_queue(s);
    uint32_t off = im_ring_wrap(&ring, im_vtd_reg(s, VTD_R_PQH));
    uint32_t tail = im_ring_wrap(&ring, im_vtd_reg(s, VTD_R_PQT));

    if (!im_vtd_has_ecap(s, IM_MASK(VTD_ECAP_PRS))) {
        return;
    }
    g_string_append_printf(out,
                           "page request queue: base %" PRIx64 ", %u "
                           "entries, head %x, tail %x\n",
                           ring.base, im_ring_entries(&ring), off, tail);
    for (unsigned n = 0; off != tail && n < DUMP_REQUESTS;
         n++, off = im_ring_next(&ring, off)) {
        uint64_t d[2];

        if (im_vtd_mem_peek(s, im_ring_addr(&ring, off), d, sizeof(d)) !=
            IM_BUS_OK) {
            g_string_append_printf(out, "    %05x: not readable\n", off);
            continue;
        }
        g_string_append_printf(out, "    %05x: %016" PRIx64 " %016" PRIx64 "\n",
                               off, GUINT64_FROM_LE(d[0]),
                               GUINT64_FROM_LE(d[1]));
    }
}
