/*
 * Page requests: who gets them, and what becomes of those that nobody gets.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/route.h"
#include "hw/ioasid/fault.h"
#include "hw/ioasid/owner.h"

#include <inttypes.h>

/* What becomes of a page request, and what its group is answered. */
typedef enum Fate {
    FATE_QUEUED,
    FATE_KEPT,
    FATE_STOP,
    FATE_NO_FUNCTION,
    FATE_NOT_BOUND,
    FATE_NOT_ATTACHED,
    FATE_PARKED,
    FATE_NO_QUEUE,
    FATE_NO_PRI,
    FATE_GIVEN_UP_INVALID,
    FATE_GIVEN_UP_FAILURE,
    FATE_MIXED,
    FATE_CREDIT,
    FATE_SET_LIMIT,
    FATE_OWNER_LIMIT,
    FATE_TOO_LONG,
    FATE_NO_TICKET,
    FATE_NO_MEMORY,             /* known by trying alone */
} Fate;

typedef struct FateDef {
    const char *name;
    const char *why;            /* for people */
    ImClause clause;            /* that decides */
    bool taken;                 /* into its group */
    bool refused;               /* so is its group, with its last page: */
    bool overflow;              /* with event FAULT_OVERFLOW */
    uint8_t code;               /* ImPageRespCode */
} FateDef;

#define TAKEN(text)                                                       \
    .name = text, .clause = IM_CLAUSE(IOASID_FAULTS), .taken = true
#define INVALID(text)                                                     \
    .name = text, .clause = IM_CLAUSE(IOASID_FAULTS), .refused = true,    \
    .code = IM_PAGE_RESP_INVALID
#define OVERFLOW                                                          \
    .name = "overflow", .clause = IM_CLAUSE(IOASID_LIMITS),               \
    .refused = true, .overflow = true, .code = IM_PAGE_RESP_FAILURE

static const FateDef fates[] = {
    [FATE_QUEUED] = {
        TAKEN("queued"), .why = "queued",
    },
    [FATE_KEPT] = {
        TAKEN("kept"), .why = "kept until the last page of its group",
    },
    [FATE_STOP] = {
        .name = "stop marker", .clause = IM_CLAUSE(IOASID_FAULTS),
        .why = "a stop marker is no group",
    },
    [FATE_NO_FUNCTION] = {
        INVALID("nobody's"), .why = "there is no such function",
    },
    [FATE_NOT_BOUND] = {
        INVALID("nobody's"), .why = "the function is bound by nobody",
    },
    [FATE_NOT_ATTACHED] = {
        INVALID("nobody's"), .why = "no space is attached there",
    },
    [FATE_PARKED] = {
        INVALID("nobody's"), .why = "the PASID was freed",
    },
    [FATE_NO_QUEUE] = {
        INVALID("nobody's"), .why = "the space has no fault queue",
    },
    [FATE_NO_PRI] = {
        INVALID("nobody's"), .why = "the function has no page requests",
    },
    [FATE_GIVEN_UP_INVALID] = {
        INVALID("given up"), .why = "its group was refused before",
    },
    [FATE_GIVEN_UP_FAILURE] = {
        .name = "given up", .clause = IM_CLAUSE(IOASID_FAULTS),
        .why = "its group was an overflow before",
        .refused = true, .code = IM_PAGE_RESP_FAILURE,
    },
    [FATE_MIXED] = {
        INVALID("mixed"), .why = "its group has another PASID",
    },
    [FATE_CREDIT] = {
        OVERFLOW, .why = "pri_credit groups of the device are outstanding",
    },
    [FATE_SET_LIMIT] = {
        OVERFLOW, .why = "pri_set_limit groups of the set are outstanding",
    },
    [FATE_OWNER_LIMIT] = {
        OVERFLOW, .why = "an owner of the context has no groups left",
    },
    [FATE_TOO_LONG] = {
        OVERFLOW, .why = "its group has 512 pages",
    },
    [FATE_NO_TICKET] = {
        OVERFLOW, .why = "every ticket is in use",
    },
    [FATE_NO_MEMORY] = {
        OVERFLOW, .why = "no memory",
    },
};

/* A page request on its way. */
typedef struct Route {
    IoHostDev *hd;              /* NULL: there is no such function */
    IoBind *bind;               /* who is asked, or NULL */
    IoGroup *group;             /* that it joins; NULL: it is the first */
} Route;

static bool io_pagereq_is_stop_marker(const ImPageReq *req)
{
    return req->last && !req->read && !req->write;
}

static uint16_t io_pagereq_prgi(const ImPageReq *req)
{
    return req->prgi % IO_PRGIS;
}

static ImPageResp io_pagereq_response(const ImPageReq *req, uint8_t code)
{
    return (ImPageResp) {
        .pasid = req->has_pasid ? req->pasid : 0,
        .rid = req->rid,
        .segment = req->segment,
        .prgi = io_pagereq_prgi(req),
        .code = code,
        .has_pasid = req->has_pasid,
    };
}

/* --- deciding: nothing changes ------------------------------------------ */

/* The binding of its PASID; or of the guest's table of all PASIDs. */
static IoBind *io_pagereq_binding(ImIoasid *h, const ImPageReq *req)
{
    uint32_t func = im_func(req->segment, req->rid);
    IoBind *b = im_ioasid_bind_of(h, func, req->has_pasid, req->pasid);

    if (!b && req->has_pasid) {
        b = im_ioasid_bind_of(h, func, false, 0);
        if (b && b->space->kind != IMU_SPACE_PASID_TABLE) {
            b = NULL;
        }
    }
    return b;
}

/* The first page of a group. */
static Fate io_pagereq_begin(const ImIoasid *h, const IoBind *b)
{
    if (!b) {
        return FATE_NOT_ATTACHED;
    }
    if (b->parked) {
        return FATE_PARKED;
    }
    if (!b->space->faultq) {
        return FATE_NO_QUEUE;
    }
    if (!(b->host->cfg.caps & IMU_DEV_CAP_PRI)) {
        return FATE_NO_PRI;
    }
    if (b->dev->groups >= b->host->cfg.pri_credit) {
        return FATE_CREDIT;
    }
    if (b->dev->obj.set->groups >= h->cfg.pri_set_limit) {
        return FATE_SET_LIMIT;
    }
    return im_ioasid_full_level(b->dev->obj.set->ctx->owner, IM_IOASID_GROUPS,
                                1) ?
               FATE_OWNER_LIMIT :
               FATE_KEPT;
}

/* A page more. */
static Fate io_pagereq_join(const IoGroup *g, const ImPageReq *req)
{
    if (g->has_pasid != req->has_pasid ||
        (g->has_pasid && g->pasid != req->pasid)) {
        return FATE_MIXED;
    }
    return g->count < IO_GROUP_PAGES ? FATE_KEPT : FATE_TOO_LONG;
}

static Fate io_pagereq_decide(ImIoasid *h, const ImPageReq *req, Route *r)
{
    uint16_t prgi = io_pagereq_prgi(req);
    Fate fate;

    r->hd = im_ioasid_host_dev(h, im_func(req->segment, req->rid));
    if (io_pagereq_is_stop_marker(req)) {
        return FATE_STOP;
    }
    if (!r->hd) {
        return FATE_NO_FUNCTION;
    }
    if (im_iogroup_given_up(r->hd->failure, prgi)) {
        return FATE_GIVEN_UP_FAILURE;
    }
    if (im_iogroup_given_up(r->hd->invalid, prgi)) {
        return FATE_GIVEN_UP_INVALID;
    }
    if (!r->hd->bound) {
        return FATE_NOT_BOUND;
    }
    r->group = r->hd->bound->partial[prgi];
    r->bind = r->group ? r->group->bind : io_pagereq_binding(h, req);
    fate = r->group ? io_pagereq_join(r->group, req) :
                      io_pagereq_begin(h, r->bind);
    if (fate != FATE_KEPT || !req->last) {
        return fate;
    }
    return im_iogroup_ticket_left(h) ? FATE_QUEUED : FATE_NO_TICKET;
}

/* --- acting ------------------------------------------------------------- */

/* The group is answered with its last page, whoever has the device then. */
static void io_pagereq_refuse(ImIoasid *h, IoHostDev *hd, const ImPageReq *req,
                              uint8_t code)
{
    uint16_t prgi = io_pagereq_prgi(req);

    if (hd && hd->bound && hd->bound->partial[prgi]) {
        im_iogroup_drop(h, hd->bound->partial[prgi]);
    }
    if (hd && !req->last) {
        im_iogroup_give_up(
            code == IM_PAGE_RESP_FAILURE ? hd->failure : hd->invalid, prgi);
    }
    if (hd && req->last) {
        im_iogroup_forgive(hd->failure, prgi);
        im_iogroup_forgive(hd->invalid, prgi);
    }
    if (req->last) {
        const ImPageResp resp = io_pagereq_response(req, code);

        h->counters.auto_responses++;
        im_iogroup_respond(h, &resp, "automatic");
    }
}

IM_RULE(IOASID_FAULTS);
void im_ioasid_page_request(ImIoasid *h, const ImPageReq *req)
{
    Route r = { 0 };
    const FateDef *fate = &fates[io_pagereq_decide(h, req, &r)];
    ImEvent ev = { .kind = IM_EVENT_PAGE_REQUEST, .req = req };

    if (fate->taken && !im_iogroup_take(h, r.group, r.bind, req)) {
        fate = &fates[FATE_NO_MEMORY];
    }
    if (fate == &fates[FATE_OWNER_LIMIT]) {
        uint32_t exhausted;

        (void)im_ioasid_may_have(r.bind->dev->obj.set, IM_IOASID_GROUPS, 1,
                                 &exhausted);   /* which is told */
    }
    if (fate->overflow) {
        const IoDev *dev = r.bind->dev;

        im_ioasid_event_post(dev->obj.set, IMU_EVENT_FAULT_OVERFLOW,
                             dev->obj.ref, dev->cookie, 0, 0);
    }
    h->counters.page_requests++;
    ev.name = fate->name;
    if (h->port.iommu.event) {
        h->port.iommu.event(h->opaque, &ev);
    }
    if (fate->refused) {
        io_pagereq_refuse(h, r.hd, req, fate->code);
    }
}

/* --- explaining --------------------------------------------------------- */

typedef struct Told {
    ImStepFn *fn;
    void *opaque;
} Told;

static void G_GNUC_PRINTF(3, 4)
    io_pagereq_tell(const Told *t, const char *what, const char *format, ...)
{
    g_autofree char *note = NULL;
    va_list args;

    va_start(args, format);
    note = g_strdup_vprintf(format, args);
    va_end(args);
    t->fn(t->opaque, &(ImStep) { .what = what, .note = note });
}

static void io_pagereq_tell_function(const Told *t, const IoHostDev *hd)
{
    if (hd->bound) {
        io_pagereq_tell(t, "function", "bound, %u of %u groups outstanding",
                        hd->bound->groups, hd->cfg.pri_credit);
    } else {
        io_pagereq_tell(t, "function", "not bound");
    }
}

static void io_pagereq_tell_binding(const Told *t, const ImIoasid *h,
                                    const IoBind *b)
{
    const IoQueue *q = b->space->faultq;

    if (b->pasid) {
        io_pagereq_tell(t, "binding", "guest PASID %u%s", b->pasid->gpasid,
                        b->parked ? ", freed" : "");
    } else {
        io_pagereq_tell(t, "binding", "the function's own");
    }
    io_pagereq_tell(t, "set", "%u of %u groups outstanding",
                    b->dev->obj.set->groups, h->cfg.pri_set_limit);
    if (q) {
        io_pagereq_tell(t, "fault queue",
                        "%u pages unread, deadline %" PRIu64 " ns", q->pages,
                        q->deadline_ns);
    }
}

static const char *io_pagereq_outcome(const ImPageFate *f, const FateDef *fate)
{
    if (f->queued) {
        return "";
    }
    if (f->answered) {
        return f->resp.code == IM_PAGE_RESP_FAILURE ?
                   "; answered with Response Failure automatically" :
                   "; answered with Invalid Request automatically";
    }
    return fate->refused ? "; dropped, not the last of its group" :
                           "; dropped, not answered";
}

ImPageFate im_ioasid_explain_page_request(ImIoasid *h, const ImPageReq *req,
                                          ImStepFn *fn, void *opaque)
{
    Told t = { .fn = fn ? fn : im_route_unheard, .opaque = opaque };
    Route r = { 0 };
    const FateDef *fate = &fates[io_pagereq_decide(h, req, &r)];
    ImPageFate f = {
        .queued = fate->taken,
        .answered = fate->refused && req->last,
    };
    g_autofree char *note = NULL;

    if (f.answered) {
        f.resp = io_pagereq_response(req, fate->code);
    }
    if (r.hd) {
        io_pagereq_tell_function(&t, r.hd);
    }
    if (r.bind) {
        io_pagereq_tell_binding(&t, h, r.bind);
    }
    note = g_strconcat(fate->why, io_pagereq_outcome(&f, fate), NULL);
    im_route_result(t.fn, opaque, 0, fate->clause, note);
    return f;
}
