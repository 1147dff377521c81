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

    while (c->stream_all) {
        im_smmu_drop_stream(c, SMMU_STREAM_OF(c->stream_all, all));
    }
    for (uint32_t i = 0; i < c->vms; i++) {
        im_smmu_renew_globals(c, &c->vm[i]);
        im_smmu_renew(c, &c->vm[i].ipa);
        im_smmu_renew(c, &c->vm[i].ipa_tables);
    }
    for (uint32_t i = 0; i < c->spaces; i++) {
        im_smmu_renew(c, &c->space[i].va);
        im_smmu_renew(c, &c->space[i].tables);
    }
}

/*
 * CDs go with their STE, leaf or not: they were found through it. No L1STD is
 * cached. Translations stay.
 */
IM_RULE(SMMU_TLB_CFGI_STE);
void im_smmu_inv_ste(ImSmmu *s, uint32_t sid, unsigned lg2, bool leaf)
{
    SmmuCaches *c = s->caches;
    ImLink *next;

    (void)leaf;
    s->counters.config_invalidations++;
    if (lg2 == 0) {
        SmmuStream *st = im_smmu_stream_get(c, sid);

        if (st) {
            im_smmu_drop_stream(c, st);
        }
        return;
    }
    for (ImLink *n = c->stream_all; n; n = next) {
        SmmuStream *st = SMMU_STREAM_OF(n, all);

        next = n->next;
        if (lg2 >= 32 || (st->sid ^ sid) >> lg2 == 0) {
            im_smmu_drop_stream(c, st);
        }
    }
}

static void smmu_inval_drop_key(SmmuCaches *c, uint64_t key)
{
    SmmuContext *x = im_smmu_context_get(c, key);

    if (x && x->s1) {
        im_smmu_drop_context(c, x);
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
    smmu_inval_drop_key(s->caches, im_smmu_context_key(sid, true, ssid));
    if (ssid == 0) {
        smmu_inval_drop_key(s->caches, im_smmu_context_key(sid, false, 0));
    }
}

void im_smmu_inv_cd_all(ImSmmu *s, uint32_t sid)
{
    SmmuCaches *c = s->caches;
    SmmuStream *st = im_smmu_stream_get(c, sid);
    ImLink *next;

    s->counters.config_invalidations++;
    for (ImLink *n = st ? st->contexts : NULL; n; n = next) {
        SmmuContext *x = SMMU_CONTEXT_OF(n, by_stream);

        next = n->next;
        if (x->s1) {
            im_smmu_drop_context(c, x);
        }
    }
}

/* --- translations, 4.4 ------------------------------------------------- */

/* So many looks at the whole TLB are dearer than to lose what is cached. */
#define BUDGET  32

/* One command at work. */
typedef struct Tlbi {
    SmmuCaches *c;
    const SmmuTlbi *t;
    uint64_t first, last;       /* as the TLB knows addresses */
    uint64_t budget;            /* probes until new tags are cheaper */
} Tlbi;

/* Bits 63:56 do not take part: they may be a tag of the address (TBI). */
static uint64_t smmu_inval_sign_extend(uint64_t addr)
{
    return (uint64_t)((int64_t)(addr << 8) >> 8);
}

static void smmu_inval_drop_owner(Tlbi *b, ImTlb *tlb, SmmuOwner *o,
                                  unsigned tags)
{
    uint64_t first = b->first;
    uint64_t last = b->last;
    uint64_t cost;

    if (!o->classes) {
        return;
    }
    if (b->budget == 0) {
        im_smmu_renew(b->c, o);
        return;
    }
    if (o->whole) {
        /* A page cached in pieces goes with any address in it. */
        uint64_t rest = (UINT64_C(1) << o->whole) - 1;

        first &= ~rest;
        last |= rest;
    }
    cost = im_tlb_drop_range(tlb, o->tag, tags, o->classes, first, last);
    b->budget -= MIN(b->budget, cost);
}

static void smmu_inval_drop_pages(Tlbi *b, SmmuOwner *o)
{
    smmu_inval_drop_owner(b, &b->c->tlb, o, 2);
}

/* Commands match whatever ASET is. */
static void smmu_inval_drop_globals(Tlbi *b, SmmuVm *vm)
{
    smmu_inval_drop_pages(b, &vm->global[0]);
    smmu_inval_drop_pages(b, &vm->global[1]);
}

/* Tables may stay when only leaves have changed. */
static void smmu_inval_drop_tables(Tlbi *b, SmmuOwner *o)
{
    if (!b->t->leaf) {
        smmu_inval_drop_owner(b, &b->c->psc, o, 1);
    }
}

static void smmu_inval_renew_space(SmmuCaches *c, SmmuSpace *sp)
{
    im_smmu_renew(c, &sp->va);
    im_smmu_renew(c, &sp->tables);
}

/* Stage 1, alone or combined with stage 2. */
static void smmu_inval_stage1(Tlbi *b, SmmuVm *vm)
{
    for (ImLink *n = vm->spaces; n; n = n->next) {
        smmu_inval_renew_space(b->c, SMMU_SPACE_OF(n, by_vm));
    }
    im_smmu_renew_globals(b->c, vm);
}

static void smmu_inval_all_stages(Tlbi *b, SmmuVm *vm)
{
    smmu_inval_stage1(b, vm);
    im_smmu_renew(b->c, &vm->ipa);
    im_smmu_renew(b->c, &vm->ipa_tables);
}

static void smmu_inval_asid(Tlbi *b, SmmuVm *vm)
{
    SmmuSpace *sp = im_smmu_find_space(b->c, vm, b->t->asid);

    if (sp) {
        smmu_inval_renew_space(b->c, sp);
    }
}

static void smmu_inval_va(Tlbi *b, SmmuVm *vm)
{
    SmmuSpace *sp = im_smmu_find_space(b->c, vm, b->t->asid);

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

/* By SmmuTlbiScope. */
IM_RULE(SMMU_TLB_ALL);
IM_RULE(SMMU_TLB_ASID);
IM_RULE(SMMU_TLB_VA);
IM_RULE(SMMU_TLB_VAA);
IM_RULE(SMMU_TLB_VMALL);
IM_RULE(SMMU_TLB_IPA);
IM_RULE(SMMU_TLB_NSNH_ALL);
static void (*const scopes[])(Tlbi *b, SmmuVm *vm) = {
    [SMMU_TLBI_ALL] = smmu_inval_stage1,
    [SMMU_TLBI_ASID] = smmu_inval_asid,
    [SMMU_TLBI_VA] = smmu_inval_va,
    [SMMU_TLBI_VAA] = smmu_inval_vaa,
    [SMMU_TLBI_VMALL] = smmu_inval_all_stages,
    [SMMU_TLBI_IPA] = smmu_inval_ipa,
    [SMMU_TLBI_NSNH_ALL] = smmu_inval_all_stages,
};

static void smmu_inval_vm(Tlbi *b, uint8_t world, uint16_t vmid)
{
    SmmuVm *vm = im_smmu_find_vm(b->c, world, vmid);

    if (vm) {
        scopes[b->t->scope](b, vm);
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
    SmmuCaches *c = b->c;

    for (uint32_t i = 0; i < c->vms; i++) {
        if (c->vm[i].key != UINT32_MAX &&
            c->vm[i].world == IM_SMMU_NS_EL1) {
            smmu_inval_all_stages(b, &c->vm[i]);
        }
    }
}

void im_smmu_tlbi(ImSmmu *s, const SmmuTlbi *t)
{
    Tlbi b = { .c = s->caches,
               .t = t,
               .first = smmu_inval_sign_extend(t->addr) };

    s->counters.tlb_invalidations++;
    if (t->last - t->addr < UINT64_C(1) << 55) {
        uint64_t end = (b.first & IM_BITS(56, 0)) + (t->last - t->addr);

        b.last = MIN(end, IM_BITS(56, 0));
        b.budget = BUDGET * (b.c->tlb.set_mask + UINT64_C(1)) * IM_TLB_WAYS;
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
