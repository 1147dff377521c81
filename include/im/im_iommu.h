/*
 * The upward port: what an IOMMU offers to who stands above it, an emulator,
 * a tool, a rig, whatever its architecture. One table of functions each:
 * im_vtd_ops, im_smmu_ops, im_ioasid_ops. What is written against the table
 * serves all of them, and the next one. ImPort is the other half, what an
 * IOMMU needs of its host.
 *
 * iommu is what im_*_new() returned; how one is made, and what no other
 * architecture has, is in its own header, with the same functions by name and
 * type. One instance is used by one thread at a time: the host serialises.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_IOMMU_H
#define IM_IOMMU_H

#include <glib.h>

#include "im/im_explain.h"
#include "im/im_txn.h"

typedef void ImCounterFn(void *opaque, const char *name, uint64_t value);

/* Members marked optional may be NULL, which means what is said there. */
typedef struct ImIommuOps {
    const char *name;           /* "vtd" */
    /* Whether it tells functions apart by their segment; else all that it
     * serves are of one, and no message says which. */
    bool segments;

    void (*free)(void *iommu);
    /* Power-on reset. What was parked is terminated by ImPort.resume. */
    void (*reset)(void *iommu);

    /* Registers: size 4 or 8, naturally aligned; any other access reads 0 and
     * writes nothing. Optional: it has none. */
    uint64_t (*mmio_read)(void *iommu, uint64_t off, unsigned size);
    void (*mmio_write)(void *iommu, uint64_t off, uint64_t val, unsigned size);

    /* Answer one memory request, untranslated, translation request or
     * translated by txn->at, up to the end of the region that ImXlat.mask
     * describes. IM_PENDING for txn->may_stall only: ImPort.resume tells the
     * end. */
    ImXlat (*translate)(void *iommu, const ImTxn *txn);
    /* The requester of a parked request was reset or unplugged: forget it,
     * without ImPort.resume. Optional: none is ever parked. */
    void (*cancel)(void *iommu, uint64_t handle);
    /* Whether requests are judged at all; false: all pass as they are, and
     * the host may lead them past. Told by ImPort.changed. Optional:
     * always. */
    bool (*translating)(const void *iommu);

    /* A page request message has arrived (PCIe 10.4.1). */
    void (*page_request)(void *iommu, const ImPageReq *req);
    /*
     * An invalidation completion message of a function (PCIe 10.3.2). func:
     * im_func(). itags: a bit per ITag. cc: its CC field, how many such
     * messages complete an invalidation: 1 .. 7, and 0 or 8 for 8.
     */
    void (*ats_inv_done)(void *iommu, uint32_t func, uint32_t itags,
                         unsigned cc);
    /* Remap an interrupt message. Optional: they are no affair of its. */
    ImIntOut (*interrupt)(void *iommu, const ImMsi *msi);
    /* The alarm set by ImPort.deadline is due. */
    void (*deadline)(void *iommu);

    /*
     * For people: what translate() would answer with nothing cached, one step
     * for each structure read, without any side effect; the last one is named
     * "result" and its clause is what decided. fn may be NULL. The same of a
     * page request and of an interrupt message; these are optional.
     */
    ImXlat (*explain)(void *iommu, const ImTxn *txn, ImStepFn *fn,
                      void *opaque);
    ImPageFate (*explain_page_request)(void *iommu, const ImPageReq *req,
                                       ImStepFn *fn, void *opaque);
    ImIntOut (*explain_interrupt)(void *iommu, const ImMsi *msi, ImStepFn *fn,
                                  void *opaque);
    /* Name of a reason of ImXlat.fault and its like, or NULL when unknown;
     * *text receives the condition in words when text is not NULL. */
    const char *(*fault_name)(uint8_t reason, const char **text);
    /* Registers, tables, queues, caches, what is pending, decoded. */
    void (*dump)(void *iommu, GString *out);
    /* Call fn for every counter, always in the same order. */
    void (*counters)(const void *iommu, ImCounterFn *fn, void *opaque);
} ImIommuOps;

#endif /* IM_IOMMU_H */
