/*
 * The way of a request through an IOMMU: what all routes share. A route is
 * steps in the specification's order, each of which returns true when it has
 * answered the request, and ends in an ImRouteOut.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_CORE_ROUTE_H
#define HW_CORE_ROUTE_H

#include "im/im_explain.h"
#include "im/im_txn.h"

/* The largest translation request that one completion may answer: RCB is
 * 64 bytes in our root complexes. */
#define IM_RCB  64

/*
 * How a route ends; all 0: untouched so far. Not laid out like ImXlat, addr
 * and mask apart: copying what was just stored in pieces would stall every
 * hit.
 */
typedef struct ImRouteOut {
    uint64_t addr;   /* output address */
    ImClause clause; /* what decided */
    uint8_t perm;    /* ImPerm, granted */
    uint8_t fault;   /* 0, or the model's reason */
    uint8_t status;  /* ImStatus */
    uint8_t cpl;     /* ImCpl */
    uint64_t mask;
} ImRouteOut;

/* Grant addr, for the aligned 2^lg2 bytes around it. */
static inline bool im_route_grant(ImRouteOut *out, uint64_t addr, unsigned lg2,
                                  uint8_t perm)
{
    out->addr = addr;
    out->mask = UINT64_MAX >> (64 - lg2);
    out->perm = perm;
    return true;
}

/* Grant nothing: a fault, or a completion that says so. */
static inline bool im_route_refuse(ImRouteOut *out, ImStatus status, ImCpl cpl)
{
    out->perm = 0;
    out->mask = 0xfff;
    out->status = (uint8_t)status;
    out->cpl = (uint8_t)cpl;
    return true;
}

/* Initialisers of what the requester gets; the model adds what it alone
 * knows. ats: it is a translation request. */
#define IM_ROUTE_ANSWER(out, txn, ats)                                    \
    .addr = (out)->addr, .mask = (out)->mask, .status = (out)->status,    \
    .cpl = (out)->cpl, .perm = (out)->perm, .fault = (out)->fault,        \
    .priv = (ats) && (txn)->has_pasid && (txn)->priv

/* Is a translation request not a read of 8 to IM_RCB bytes, a multiple of 8? */
static inline bool im_route_malformed(const ImTxn *txn)
{
    return txn->at == IM_AT_TRANSLATION &&
           (txn->access != IM_READ || txn->len == 0 || txn->len % 8 ||
            txn->len > IM_RCB);
}

/* Are all bits from the last one that is translated on the same? */
static inline bool im_route_canonical(uint64_t addr, unsigned bits)
{
    uint64_t high = addr >> (bits - 1);

    return high == 0 || high == UINT64_MAX >> (bits - 1);
}

/* --- for people: route.c ------------------------------------------------ */

/* Who explains without a listener has this one. */
void im_route_unheard(void *opaque, const ImStep *step);
/* What perm grants, in words: "read and write granted". */
const char *im_route_granted(uint8_t perm);
/* The last step, "result". */
void im_route_result(ImStepFn *fn, void *opaque, uint64_t addr, ImClause clause,
                     const char *note);

#endif /* HW_CORE_ROUTE_H */
