/*
 * What every IOMMU does, said once: one function with one address space,
 * one mapped page, queues and translation on. What the function sends goes to
 * the upward port, the same for all; what software does, which differs, is
 * IommuOps: iommu.c puts it upon the worlds of the models.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_IOMMU_H
#define TESTS_LIB_IOMMU_H

#include "lib/rig.h"

typedef struct Iommu Iommu;

/* A recorded fault, as far as both specifications agree. */
typedef struct IommuFault {
    uint32_t requester;
    uint32_t pasid;
    bool has_pasid;
    bool write;
    uint64_t page;              /* address 63:12 */
} IommuFault;

/* Software's half. */
typedef struct IommuOps {
    const char *name;
    /* Tables for one function; has_pasid: behind a PASID, else behind
     * requests without. Translation is on. */
    void (*start)(Iommu *u, bool has_pasid);
    void (*stop)(Iommu *u);
    void (*on)(Iommu *u);       /* again, after a reset */
    /* One page; behind a change of what was mapped goes invalidate(). */
    void (*map)(Iommu *u, uint64_t iova, uint64_t pa, bool writable);
    void (*unmap)(Iommu *u, uint64_t iova);
    void (*invalidate)(Iommu *u, uint64_t iova);
    /* A second address space of the same function, for another PASID, in
     * which u->iova leads to pa. */
    uint32_t (*space)(Iommu *u, uint64_t pa);
    unsigned (*faults)(Iommu *u);
    IommuFault (*fault)(Iommu *u);      /* the first; forgets all */
    /* Send an invalidation to the function's ATC, and wait for it. */
    void (*atc_invalidate)(Iommu *u, uint64_t iova);
    bool (*atc_complete)(Iommu *u);     /* the wait has ended */
    bool (*atc_failed)(Iommu *u);       /* by a time-out */
    void (*atc_recover)(Iommu *u);
    uint64_t (*atc_timeout)(const Iommu *u);
    unsigned (*requests)(Iommu *u);     /* in the queue */
    ImPageReq (*request)(Iommu *u);     /* the oldest; consumed */
    void (*respond)(Iommu *u, const ImPageReq *q, bool success);
    bool (*overflow)(Iommu *u);
    void (*overflow_clear)(Iommu *u);   /* empties the queue as well */
} IommuOps;

struct Iommu {
    const IommuOps *op;
    unsigned kind;              /* WorldKind or SwKind */
    Rig *rig;
    void *world;
    uint16_t rid;
    uint32_t pasid;
    bool has_pasid;
    uint64_t iova;
    uint64_t pa;
};

extern const IommuOps iommu_vtd, iommu_smmu, iommu_tiny;

/* --- the function's half: the upward port ------------------------------- */

static inline ImXlat iommu_translate(Iommu *u, const ImTxn *t)
{
    return u->rig->ops->translate(u->rig->iommu, t);
}

static inline void iommu_page_request(Iommu *u, const ImPageReq *q)
{
    u->rig->ops->page_request(u->rig->iommu, q);
}

/* In one message. */
static inline void iommu_complete(Iommu *u, const ImAtsInv *v)
{
    u->rig->ops->ats_inv_done(u->rig->iommu, im_func(v->segment, v->rid),
                              1u << v->itag, 1);
}

static inline void iommu_reset(Iommu *u)
{
    u->rig->ops->reset(u->rig->iommu);
}

#endif /* TESTS_LIB_IOMMU_H */
