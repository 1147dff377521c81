/*
 * SMMUv3 caches as those who invalidate see them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_SMMUV3_CACHE_H
#define HW_SMMUV3_CACHE_H

#include "hw/smmuv3/xlat.h"

#define SMMU_ATTRS   128        /* ids that fit in IM_TLB_FLAGS */

struct SmmuCaches {
    ImTlb tlb;
    ImTlb psc;
    SmmuContext *last;          /* found last */
    uint32_t next_tag;
    uint32_t vms, spaces, streams, contexts;    /* powers of two */
    uint32_t vm_hand, space_hand, stream_hand, context_hand;
    SmmuVm *vm;
    SmmuSpace *space;
    SmmuStream *stream;
    SmmuContext *context;
    ImLink *vm_free, *space_free, *stream_free, *context_free;  /* by hash */
    ImLink **vm_hash, **space_hash, **stream_hash, **context_hash;
    ImLink *stream_all;
    uint8_t attrs;              /* ids in use */
    uint8_t attr_of[SMMU_ATTRS];
    uint8_t share_of[SMMU_ATTRS];
    uint8_t attr_id[4][256];    /* by SH and MAIR byte: id + 1 */
};

#define SMMU_VM_OF(link, m)       IM_LINK_OF(link, SmmuVm, m)
#define SMMU_SPACE_OF(link, m)    IM_LINK_OF(link, SmmuSpace, m)
#define SMMU_STREAM_OF(link, m)   IM_LINK_OF(link, SmmuStream, m)
#define SMMU_CONTEXT_OF(link, m)  IM_LINK_OF(link, SmmuContext, m)

/* NULL: nothing is cached there. */
SmmuVm *im_smmu_find_vm(SmmuCaches *c, uint8_t world, uint16_t vmid);
SmmuSpace *im_smmu_find_space(SmmuCaches *c, const SmmuVm *vm,
                              uint16_t asid);
/* Give o a new tag, which may be a new one for everybody. */
void im_smmu_retag(SmmuCaches *c, SmmuOwner *o);
/* All that o owns is gone. */
static inline void im_smmu_renew(SmmuCaches *c, SmmuOwner *o)
{
    if (o->classes) {
        im_smmu_retag(c, o);
    }
}

void im_smmu_renew_globals(SmmuCaches *c, SmmuVm *vm);
void im_smmu_drop_context(SmmuCaches *c, SmmuContext *x);
/* With all that was found through it. */
void im_smmu_drop_stream(SmmuCaches *c, SmmuStream *st);

#endif /* HW_SMMUV3_CACHE_H */
