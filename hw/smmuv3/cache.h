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
    ImPool vms;                 /* SmmuVm */
    ImPool spaces;              /* SmmuSpace */
    ImPool streams;             /* SmmuStream */
    ImPool contexts;            /* SmmuContext */
    ImOwnedTlb pages;           /* the TLB */
    ImOwnedTlb tables;          /* the paging-structure caches */
    uint8_t attrs;              /* ids in use */
    uint8_t attr_of[SMMU_ATTRS];
    uint8_t share_of[SMMU_ATTRS];
    uint8_t attr_id[4][256];    /* by SH and MAIR byte: id + 1 */
};

#define SMMU_SPACE_OF(link, m)    IM_LINK_OF(link, SmmuSpace, m)
#define SMMU_STREAM_OF(link, m)   IM_LINK_OF(link, SmmuStream, m)
#define SMMU_CONTEXT_OF(link, m)  IM_LINK_OF(link, SmmuContext, m)

static inline uint64_t im_smmu_vm_key(uint8_t world, uint16_t vmid)
{
    return (uint64_t)world << 16 | vmid;
}

static inline uint64_t im_smmu_space_key(const SmmuVm *vm, uint16_t asid)
{
    return vm->slot.key << 16 | asid;
}

/* What stage 1 has of a VM and is not by ASID is gone. */
static inline void im_smmu_renew_globals(SmmuCaches *c, SmmuVm *vm)
{
    im_owner_renew(&c->pages, &vm->global[0]);
    im_owner_renew(&c->pages, &vm->global[1]);
}

/* And all of its stage 2. */
static inline void im_smmu_renew_vm(SmmuCaches *c, SmmuVm *vm)
{
    im_smmu_renew_globals(c, vm);
    im_owner_renew(&c->pages, &vm->ipa);
    im_owner_renew(&c->tables, &vm->ipa_tables);
}

/* All of an ASID is gone. */
static inline void im_smmu_renew_space(SmmuCaches *c, SmmuSpace *sp)
{
    im_owner_renew(&c->pages, &sp->va);
    im_owner_renew(&c->tables, &sp->tables);
}

/* The slow half of im_smmu_context_get(). */
SmmuContext *im_smmu_context_find(SmmuCaches *c, uint64_t key);

/* The context of a request, or NULL: not cached. */
static inline SmmuContext *im_smmu_context_get(SmmuCaches *c, uint64_t key)
{
    SmmuContext *x = im_pool_last(&c->contexts, key);

    return x ? x : im_smmu_context_find(c, key);
}

#endif /* HW_SMMUV3_CACHE_H */
