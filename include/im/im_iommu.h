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

/* What the tables say of a source of requests as a whole. */
typedef enum ImBindingHow {
    IM_BINDING_FAULT, /* every request meets a fault of the tables */
    IM_BINDING_OFF, /* nothing is translated; a PASID is ignored */
    IM_BINDING_PASS, /* pass-through, bypass */
    IM_BINDING_FIRST, /* a first stage */
    IM_BINDING_SECOND, /* a second stage */
    IM_BINDING_NESTED, /* a first stage on a second one */
} ImBindingHow;

/*
 * Two bindings are the same when all members are. Unused ones are 0.
 */
typedef struct ImBinding {
    uint64_t first[4]; /* FIRST, NESTED: VT-d: FSPTPTR, and the flags
                                   IMU_VTD_FIRST_*. SMMU: words 0 and 1 of an
                                   STE, IDR0 and 1, IDR3 and 5: an ImuSmmuSte */
    uint64_t second[2]; /* SECOND, NESTED: root and format of the
                                   second stage: equal ones are one table */
    uint32_t domain; /* DID, VMID */
    uint32_t pasid; /* as invalidations name it: RID_PASID of a
                                   request without */
    uint8_t how; /* ImBindingHow */
    bool table; /* first[] is a table of all PASIDs */
    bool ats; /* translation requests are let through */
    bool pri;                   /* so are page requests, */
    bool priv;                  /* privileged requests, */
    bool exec;                  /* and requests to execute */
} ImBinding;

/* Members marked optional may be NULL, which means what is said there. */
typedef struct ImIommuOps {
    const char *name; /* "vtd" */
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
     * For who keeps what the tables say (im_viommu.h); optional, all or none.
     *
     * What they say now, from memory, without caches and without any side
     * effect. table: of the function as a whole, if it has a table of PASIDs
     * that can be used as it is (SMMU: of CDs); else of that PASID, or of
     * requests without.
     */
    void (*binding)(void *iommu, uint32_t func, bool has_pasid, uint32_t pasid,
                    bool table, ImBinding *out);
    /*
     * Walk the second stage of a binding alone, for one access to addr, and
     * set the flags that it sets. perm: what may be kept; a write only where
     * nothing remains to be set. No fault is recorded.
     */
    ImXlat (*second)(void *iommu, const ImBinding *b, uint64_t addr,
                     ImAccess access);
    /* What ImPort.fence() gave this ticket for, or an earlier one, is done. */
    void (*fenced)(void *iommu, uint64_t ticket);

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
