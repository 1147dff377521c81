/*
 * The host backend: one request on its way. route.c, guest.c, outcome.c.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_IOASID_ROUTE_H
#define HW_IOASID_ROUTE_H

#include "hw/core/route.h"
#include "hw/ioasid/memory.h"

#define IO_FAULT_ENUM(code, name, record, reply, text)  IO_FLT_##name = (code),
#define F  IO_FAULT_ENUM
typedef enum IoFaultCode {
#include "im/spec/ioasid_faults.h.inc"
} IoFaultCode;
#undef F

/* Who asks. */
typedef enum IoKind {
    IO_ORDINARY,                /* untranslated */
    IO_TRANSLATION,             /* ATS translation request */
    IO_TRANSLATED,
} IoKind;

/* Explaining: no cache, no side effect, steps are told. */
typedef struct IoExplain {
    ImStepFn *fn;
    void *opaque;
    IoView view;                /* instead of the caches */
    ImIoasidMiss miss;          /* instead of ImIoasid.miss */
} IoExplain;

typedef struct IoRoute {
    ImIoasid *h;
    const ImTxn *txn;
    IoExplain *ex;              /* NULL: for real */
    IoView *view;
    IoBind *bind;
    uint64_t key;
    uint32_t func;              /* whose request it is, */
    uint32_t pasid;             /* as on the host's bus */
    bool has_pasid;
    uint8_t kind;               /* IoKind */
    bool priv;                  /* as the tables see it */
    bool write;                 /* counts as a write for the dirty state */
    uint8_t need;               /* ImPerm without which it faults */
    bool less;                  /* the map denies the write alone */
    uint64_t handle;            /* it waits */
    ImRouteOut out;             /* fault: an IoFaultCode */
} IoRoute;

/* At its beginning, for real. */
static inline IoRoute im_ioasid_route_as(ImIoasid *h, uint32_t func,
                                         bool has_pasid, uint32_t pasid,
                                         const ImTxn *txn)
{
    return (IoRoute) {
        .h = h,
        .txn = txn,
        .func = func,
        .has_pasid = has_pasid,
        .pasid = pasid,
    };
}

/* Refuse the request; returns true, as the steps of the route do. */
bool im_ioasid_refuse(IoRoute *r, IoFaultCode code);
/* A walk stopped; nested: stage 1 of it was the map, else stage 0. */
bool im_ioasid_refuse_walk(IoRoute *r, const ImWalkOut *w, bool nested);

static inline ImIoasidMiss *im_ioasid_miss_of(IoRoute *r)
{
    return r->ex ? &r->ex->miss : &r->h->miss;
}

/* The same for want of addr in the map; or it waits for who fills that. */
bool im_ioasid_refuse_map(IoRoute *r, IoFaultCode code, uint64_t addr,
                          bool for_entry, bool for_update);
/* The binding that serves a request: its own, or that of the device whose
 * guest owns the PASID table. NULL: none. */
IoBind *im_ioasid_serving(ImIoasid *h, uint32_t func, bool has_pasid,
                          uint32_t hpasid);

/* A request that waited is refused for want of m, and told as any other. */
ImXlat im_ioasid_terminate(ImIoasid *h, uint32_t func, bool has_pasid,
                           uint32_t pasid, const ImTxn *txn,
                           const ImIoasidMiss *m);

/* --- fill.c: maps that are filled while devices wait --------------------- */

/* The map lacks m, and somebody fills it: true, the request asks him or waits
 * for him. */
bool im_ioasid_fill(IoRoute *r, const ImIoasidMiss *m);

/* --- guest.c: guest-owned PASID tables -------------------------------- */

/* Set v->s1 and v->cd: the CD that the request uses, read anew. */
bool im_ioasid_cd_fault(IoRoute *r, IoView *v);
/* Walk, with what side effects r may have. second == NULL: not nested. */
ImWalkOut im_ioasid_walk(IoRoute *r, const ImPtStage *first,
                         const ImPtStage *second, uint64_t addr, uint8_t need,
                         bool write);

#endif /* HW_IOASID_ROUTE_H */
