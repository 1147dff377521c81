/*
 * SMMUv3: the scope of each invalidation, 4.3 and 4.4.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/smmuv3/cache.h"

/* --- configuration, 4.3 ------------------------------------------------ */

/* Only commands and a reset invalidate. */
IM_RULE(SMMU_TLB_RESET);
void im_smmu_inv_everything(ImSmmu *s)
{
    SmmuCaches *c = s->caches;

    IM_POOL_EACH(&c->streams, SmmuStream, st) {
        im_pool_drop(&c->streams, st);
    }
    IM_POOL_EACH(&c->vms, SmmuVm, vm) {
        im_smmu_renew_vm(c, vm);
    }
    IM_POOL_EACH(&c->spaces, SmmuSpace, sp) {
        im_smmu_renew_space(c, sp);
    }
}

IM_RULE(SMMU_CMD_TELL_CFGI);
static void smmu_inval_tell_ste(ImSmmu *s, uint32_t sid, unsigned lg2)
{
    ImInval told = {
        .what = IM_INVAL_CONFIG | IM_INVAL_PASID,
        .by_func = lg2 < 32,
    };

    if (told.by_func) {
        told.func = sid;
        told.func_mask = (1u << lg2) - 1;
    }
    im_smmu_invalidated(s, &told);
}

/* ssid: or -1, all of them. */
static void smmu_inval_tell_cd(ImSmmu *s, uint32_t sid, int64_t ssid)
{
    ImInval told = {
        .what = IM_INVAL_PASID,
        .by_func = true,
        .func = sid,
        .by_pasid = ssid >= 0,
        .pasid = ssid >= 0 ? (uint32_t)ssid : 0,
    };

    im_smmu_invalidated(s, &told);
}

/*
 * CDs go with their STE, leaf or not: they were found through it. No L1STD is
 * cached. Translations stay.
 */
IM_RULE(SMMU_TLB_CFGI_STE);
void im_smmu_inv_ste(ImSmmu *s, uint32_t sid, unsigned lg2, bool leaf)
{
    SmmuCaches *c = s->caches;

    (void)leaf;
    s->counters.config_invalidations++;
    smmu_inval_tell_ste(s, sid, lg2);
    if (lg2 == 0) {
        SmmuStream *st = im_pool_find(&c->streams, sid);

        if (st) {
            im_pool_drop(&c->streams, st);
        }
        return;
    }
    IM_POOL_EACH(&c->streams, SmmuStream, st) {
        if (lg2 >= 32 || (st->slot.key ^ sid) >> lg2 == 0) {
            im_pool_drop(&c->streams, st);
        }
    }
}

static void smmu_inval_drop_key(SmmuCaches *c, uint64_t key)
{
    SmmuContext *x = im_smmu_context_get(c, key);

    if (x && x->s1) {
        im_pool_drop(&c->contexts, x);
    }
}

/* A request without SubstreamID may have used CD 0. No L1CD is cached. */
IM_RULE(SMMU_TLB_CFGI_CD);
void im_smmu_inv_cd(ImSmmu *s, uint32_t sid, uint32_t ssid, bool leaf)
{
    (void)leaf;
    s->counters.config_invalidations++;
    if (ssid >> SMMU_SSID_BITS) {
        return;
    }
    smmu_inval_tell_cd(s, sid, ssid);
    smmu_inval_drop_key(s->caches, im_smmu_context_key(sid, true, ssid));
    if (ssid == 0) {
        smmu_inval_drop_key(s->caches, im_smmu_context_key(sid, false, 0));
    }
}

void im_smmu_inv_cd_all(ImSmmu *s, uint32_t sid)
{
    SmmuCaches *c = s->caches;
    SmmuStream *st = im_pool_find(&c->streams, sid);
    ImLink *next;

    s->counters.config_invalidations++;
    smmu_inval_tell_cd(s, sid, -1);
    for (ImLink *n = st ? st->contexts : NULL; n; n = next) {
        SmmuContext *x = SMMU_CONTEXT_OF(n, by_stream);

        next = n->next;
        if (x->s1) {
            im_pool_drop(&c->contexts, x);
        }
    }
}

/* --- translations, 4.4 ------------------------------------------------- */

/* One command at work. */
typedef struct Tlbi {
    SmmuCaches *c;
    const SmmuTlbi *t;
    uint64_t first, last;       /* as the TLB knows addresses */
    uint32_t budget;            /* what is left to spend on probes */
} Tlbi;

/* Bits 63:56 do not take part: they may be a tag of the address (TBI). */
static uint64_t smmu_inval_sign_extend(uint64_t addr)
{
    return (uint64_t)((int64_t)(addr << 8) >> 8);
}

static void smmu_inval_drop_pages(Tlbi *b, ImOwner *o)
{
    im_owner_drop(&b->c->pages, o, b->first, b->last, &b->budget);
}

/* Commands match whatever ASET is. */
static void smmu_inval_drop_globals(Tlbi *b, SmmuVm *vm)
{
    smmu_inval_drop_pages(b, &vm->global[0]);
    smmu_inval_drop_pages(b, &vm->global[1]);
}

/* Tables may stay when only leaves have changed. */
static void smmu_inval_drop_tables(Tlbi *b, ImOwner *o)
{
    if (!b->t->leaf) {
        im_owner_drop(&b->c->tables, o, b->first, b->last, &b->budget);
    }
}

static void smmu_inval_spaces(Tlbi *b, SmmuVm *vm)
{
    for (ImLink *n = vm->spaces; n; n = n->next) {
        im_smmu_renew_space(b->c, SMMU_SPACE_OF(n, by_vm));
    }
}

/* Stage 1, alone or combined with stage 2. */
static void smmu_inval_stage1(Tlbi *b, SmmuVm *vm)
{
    smmu_inval_spaces(b, vm);
    im_smmu_renew_globals(b->c, vm);
}

static void smmu_inval_all_stages(Tlbi *b, SmmuVm *vm)
{
    smmu_inval_spaces(b, vm);
    im_smmu_renew_vm(b->c, vm);
}

/* The space of the command's ASID, or NULL: it has nothing. */
static SmmuSpace *smmu_inval_space(const Tlbi *b, const SmmuVm *vm)
{
    return im_pool_find(&b->c->spaces, im_smmu_space_key(vm, b->t->asid));
}

static void smmu_inval_asid(Tlbi *b, SmmuVm *vm)
{
    SmmuSpace *sp = smmu_inval_space(b, vm);

    if (sp) {
        im_smmu_renew_space(b->c, sp);
    }
}

static void smmu_inval_va(Tlbi *b, SmmuVm *vm)
{
    SmmuSpace *sp = smmu_inval_space(b, vm);

    if (sp) {
        smmu_inval_drop_pages(b, &sp->va);
        smmu_inval_drop_tables(b, &sp->tables);
    }
    smmu_inval_drop_globals(b, vm);
}

static void smmu_inval_vaa(Tlbi *b, SmmuVm *vm)
{
    for (ImLink *n = vm->spaces; n; n = n->next) {
        SmmuSpace *sp = SMMU_SPACE_OF(n, by_vm);

        smmu_inval_drop_pages(b, &sp->va);
        smmu_inval_drop_tables(b, &sp->tables);
    }
    smmu_inval_drop_globals(b, vm);
}

static void smmu_inval_ipa(Tlbi *b, SmmuVm *vm)
{
    smmu_inval_drop_pages(b, &vm->ipa);
    smmu_inval_drop_tables(b, &vm->ipa_tables);
}

/* What a scope drops, and how it is told. */
typedef struct Scope {
    void (*drop)(Tlbi *b, SmmuVm *vm);
    uint8_t what;               /* ImInvalWhat */
    bool by_asid;
} Scope;

#define BOTH  (IM_INVAL_STAGE1 | IM_INVAL_STAGE2)

/* By SmmuTlbiScope. */
IM_RULE(SMMU_TLB_ALL);
IM_RULE(SMMU_TLB_ASID);
IM_RULE(SMMU_TLB_VA);
IM_RULE(SMMU_TLB_VAA);
IM_RULE(SMMU_TLB_VMALL);
IM_RULE(SMMU_TLB_IPA);
IM_RULE(SMMU_TLB_NSNH_ALL);
static const Scope scopes[] = {
    [SMMU_TLBI_ALL] = { smmu_inval_stage1, IM_INVAL_STAGE1, false },
    [SMMU_TLBI_ASID] = { smmu_inval_asid, IM_INVAL_STAGE1, true },
    [SMMU_TLBI_VA] = { smmu_inval_va, IM_INVAL_STAGE1, true },
    [SMMU_TLBI_VAA] = { smmu_inval_vaa, IM_INVAL_STAGE1, false },
    [SMMU_TLBI_VMALL] = { smmu_inval_all_stages, BOTH, false },
    [SMMU_TLBI_IPA] = { smmu_inval_ipa, IM_INVAL_STAGE2, false },
    [SMMU_TLBI_NSNH_ALL] = { smmu_inval_all_stages, BOTH, false },
};

static void smmu_inval_vm(Tlbi *b, uint8_t world, uint16_t vmid)
{
    SmmuVm *vm = im_pool_find(&b->c->vms, im_smmu_vm_key(world, vmid));

    if (vm) {
        scopes[b->t->scope].drop(b, vm);
    }
}

static void smmu_inval_el1(Tlbi *b)
{
    uint16_t ignore = b->t->vmid_ignore;

    IM_RULE(SMMU_TLB_VMW);
    for (unsigned i = 0; i <= ignore; i++) {
        smmu_inval_vm(b, IM_SMMU_NS_EL1,
                      (uint16_t)((b->t->vmid & ~(unsigned)ignore) | i));
    }
}

static void smmu_inval_not_el2(Tlbi *b)
{
    IM_POOL_EACH(&b->c->vms, SmmuVm, vm) {
        if (vm->world == IM_SMMU_NS_EL1) {
            smmu_inval_all_stages(b, vm);
        }
    }
}

/* Wider in one case: who is told of all that is not EL2 is told of all. */
IM_RULE(SMMU_CMD_TELL_TLBI);
static void smmu_inval_tell_tlbi(ImSmmu *s, const SmmuTlbi *t)
{
    bool all = t->scope == SMMU_TLBI_NSNH_ALL;
    uint64_t size = t->last - t->addr;
    unsigned ignore = all || t->el2 ? 0 : t->vmid_ignore;
    ImInval told = {
        .what = scopes[t->scope].what,
        .by_domain = !all,
        .by_asid = scopes[t->scope].by_asid,
        .by_range = size < UINT64_C(1) << 55,
    };

    if (told.by_asid) {
        told.asid = t->asid;
    }
    if (told.by_range) {
        told.first = smmu_inval_sign_extend(t->addr);
        told.last = told.first + MIN(size, UINT64_MAX - told.first);
    }
    for (unsigned i = 0; i <= ignore; i++) {
        told.domain = t->el2 ? IM_SMMU_EL2 : (t->vmid & ~ignore) | i;
        im_smmu_invalidated(s, &told);
    }
}

void im_smmu_tlbi(ImSmmu *s, const SmmuTlbi *t)
{
    Tlbi b = {
        .c = s->caches,
        .t = t,
        .last = UINT64_MAX,
        .first = smmu_inval_sign_extend(t->addr) & IM_BITS(56, 0),
        .budget = IM_OWNER_BUDGET,
    };

    s->counters.tlb_invalidations++;
    smmu_inval_tell_tlbi(s, t);
    if (t->last - t->addr < UINT64_C(1) << 55) {
        b.last = MIN(b.first + (t->last - t->addr), IM_BITS(56, 0));
    }
    if (t->scope == SMMU_TLBI_NSNH_ALL) {
        smmu_inval_not_el2(&b);
    } else if (t->el2) {
        smmu_inval_vm(&b, IM_SMMU_NS_EL2, 0);
        smmu_inval_vm(&b, IM_SMMU_NS_EL2_E2H, 0);
    } else {
        smmu_inval_el1(&b);
    }
}
