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

/* Refuse the request; returns true, as the steps of the route do. */
bool im_ioasid_refuse(IoRoute *r, IoFaultCode code);
/* A walk stopped; nested: stage 1 of it was the map, else stage 0. */
bool im_ioasid_refuse_walk(IoRoute *r, const ImWalkOut *w, bool nested);

static inline ImIoasidMiss *im_ioasid_miss_of(IoRoute *r)
{
    return r->ex ? &r->ex->miss : &r->h->miss;
}

/* What was refused was for want of addr in the map. */
void im_ioasid_miss_map(IoRoute *r, uint64_t addr, bool for_entry,
                        bool for_update);

/* --- fill.c: maps that are filled while devices wait --------------------- */

/* The map lacks addr, and somebody fills it: true, the request asks him or
 * waits for him. */
bool im_ioasid_fill(IoRoute *r, uint64_t addr, bool for_entry, bool for_update);

/* --- guest.c: guest-owned PASID tables -------------------------------- */

/* Set v->s1 and v->cd: the CD that the request uses, read anew. */
bool im_ioasid_cd_fault(IoRoute *r, IoView *v);
/* Walk, with what side effects r may have. second == NULL: not nested. */
ImWalkOut im_ioasid_walk(IoRoute *r, const ImPtStage *first,
                         const ImPtStage *second, uint64_t addr, uint8_t need,
                         bool write);

#endif /* HW_IOASID_ROUTE_H */
