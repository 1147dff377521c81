/*
 * SMMUv3 caches, 3.17. What invalidates them is in inval.c.
 *
 * Configuration and translations are cached apart, as the architecture has
 * it. A translation belongs to a world, VMID and ASID, never to a StreamID:
 * devices of one address space share it, and it survives the invalidation
 * of a configuration.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/smmuv3/cache.h"

/* --- what is dropped, and what goes with it ----------------------------- */

static void smmu_cache_drop_context(void *opaque, void *slot)
{
    SmmuCaches *c = opaque;
    SmmuContext *x = slot;

    im_link_out(&x->by_stream);
    if (x->space) {
        im_link_out(&x->by_space);
    }
    im_pool_free(&c->contexts, x);
}

/* With all that was found through it. */
static void smmu_cache_drop_stream(void *opaque, void *slot)
{
    SmmuCaches *c = opaque;
    SmmuStream *st = slot;

    while (st->contexts) {
        smmu_cache_drop_context(c, SMMU_CONTEXT_OF(st->contexts, by_stream));
    }
    if (st->vm) {
        im_link_out(&st->by_vm);
    }
    im_pool_free(&c->streams, st);
}

static void smmu_cache_drop_space(void *opaque, void *slot)
{
    SmmuCaches *c = opaque;
    SmmuSpace *sp = slot;

    while (sp->contexts) {
        smmu_cache_drop_context(c, SMMU_CONTEXT_OF(sp->contexts, by_space));
    }
    im_smmu_renew_space(c, sp);
    im_link_out(&sp->by_vm);
    im_pool_free(&c->spaces, sp);
}

static void smmu_cache_drop_vm(void *opaque, void *slot)
{
    SmmuCaches *c = opaque;
    SmmuVm *vm = slot;

    while (vm->streams) {
        smmu_cache_drop_stream(c, SMMU_STREAM_OF(vm->streams, by_vm));
    }
    while (vm->spaces) {
        smmu_cache_drop_space(c, SMMU_SPACE_OF(vm->spaces, by_vm));
    }
    im_smmu_renew_vm(c, vm);
    im_pool_free(&c->vms, vm);
}

/* --- worlds and VMIDs, ASIDs -------------------------------------------- */

static SmmuVm *smmu_cache_get_vm(SmmuCaches *c, uint8_t world, uint16_t vmid)
{
    uint64_t key = im_smmu_vm_key(world, vmid);
    SmmuVm *vm = im_pool_find(&c->vms, key);

    if (!vm) {
        vm = im_pool_put(&c->vms, key);
        vm->world = world;
        vm->vmid = vmid;
    }
    return vm;
}

static SmmuSpace *smmu_cache_get_space(SmmuCaches *c, SmmuVm *vm, uint16_t asid)
{
    uint64_t key = im_smmu_space_key(vm, asid);
    SmmuSpace *sp = im_pool_find(&c->spaces, key);

    if (!sp) {
        sp = im_pool_put(&c->spaces, key);
        sp->vm = vm;
        sp->asid = asid;
        im_link_in(&vm->spaces, &sp->by_vm);
    }
    return sp;
}

/* --- streams and contexts ----------------------------------------------- */

ImSmmuSte *im_smmu_stream_room(SmmuCaches *c)
{
    return &((SmmuStream *)im_pool_room(&c->streams))->ste;
}

SmmuStream *im_smmu_stream_put(SmmuCaches *c, uint32_t sid,
                               const ImSmmuSte *ste)
{
    SmmuStream *st = im_pool_put(&c->streams, sid);

    if (ste != &st->ste) {
        st->ste = *ste;
    }
    st->vm = NULL;
    if (ste->s1 || ste->s2) {
        st->vm = smmu_cache_get_vm(c, ste->world, ste->vmid);
        im_link_in(&st->vm->streams, &st->by_vm);
    }
    return st;
}

SmmuContext *im_smmu_context_find(SmmuCaches *c, uint64_t key)
{
    SmmuContext *x = im_pool_find(&c->contexts, key);

    if (x) {
        x->stream->slot.used = true;
        if (x->space) {
            x->space->slot.used = true;
        }
    }
    return x;
}

ImSmmuCd *im_smmu_context_room(SmmuCaches *c)
{
    return &((SmmuContext *)im_pool_room(&c->contexts))->cd;
}

SmmuContext *im_smmu_context_put(SmmuCaches *c, uint64_t key,
                                 SmmuStream *stream, const ImSmmuCd *cd)
{
    SmmuContext *x = im_pool_put(&c->contexts, key);

    x->stream = stream;
    x->s1 = cd;
    x->space = NULL;
    im_link_in(&stream->contexts, &x->by_stream);
    if (cd) {
        if (cd != &x->cd) {
            x->cd = *cd;
        }
        x->space = smmu_cache_get_space(c, stream->vm, cd->asid);
        im_link_in(&x->space->contexts, &x->by_space);
    }
    return x;
}

/* --- TLB --------------------------------------------------------------- */

bool im_smmu_tlb_get_ipa(SmmuCaches *c, SmmuVm *vm, bool priv, uint64_t addr,
                         ImTlbHit *hit)
{
    return im_owner_get(&c->pages, &vm->ipa, priv, addr, hit);
}

bool im_smmu_tlb_get(SmmuCaches *c, const SmmuContext *x, bool priv,
                     uint64_t addr, ImTlbHit *hit)
{
    SmmuVm *vm = x->stream->vm;

    if (!x->s1) {
        return x->stream->ste.s2 &&
               im_owner_get(&c->pages, &vm->ipa, priv, addr, hit);
    }
    return im_owner_get(&c->pages, &x->space->va, priv, addr, hit) ||
           im_owner_get(&c->pages, &vm->global[x->cd.aset], priv, addr, hit);
}

void im_smmu_tlb_prefetch(SmmuCaches *c, const SmmuContext *x, bool priv,
                          uint64_t addr)
{
    const ImPtStage *st = x->s1 ? &x->cd.half[addr >> 55 & 1].stage :
                                  &x->stream->ste.stage2;
    const ImOwner *o;

    if (!st->fmt) {
        return;                     /* bypass, or a disabled half */
    }
    o = x->s1 ? &x->space->va : &x->stream->vm->ipa;
    im_owner_prefetch(&c->pages, o, priv, addr, st->fmt->page_shift);
}

/* All translations, and with them the ids of attributes. */
static void smmu_cache_forget(SmmuCaches *c)
{
    im_owned_flush(&c->pages);
    c->attrs = 0;
    memset(c->attr_id, 0, sizeof(c->attr_id));
}

/* A small number for a pair, while there is one. */
IM_RULE(SMMU_TLB_ATTR);
static uint16_t smmu_cache_intern(SmmuCaches *c, uint8_t attr, uint8_t share)
{
    uint8_t *id = &c->attr_id[share & 3][attr];

    if (!*id) {
        if (c->attrs == SMMU_ATTRS) {
            smmu_cache_forget(c);
        }
        c->attr_of[c->attrs] = attr;
        c->share_of[c->attrs] = share;
        *id = ++c->attrs;
    }
    return (uint16_t)((*id - 1u) << SMMU_TLB_ATTR);
}

uint8_t im_smmu_tlb_attr(const SmmuCaches *c, uint16_t flags, uint8_t *share)
{
    unsigned id = flags >> SMMU_TLB_ATTR;

    *share = c->share_of[id];
    return c->attr_of[id];
}

static void smmu_cache_put(SmmuCaches *c, ImOwner *o, bool priv,
                           const SmmuFill *f)
{
    uint16_t flags = (uint16_t)(smmu_cache_intern(c, f->attr, f->share) |
                                f->perm | (f->dirty ? SMMU_TLB_DIRTY : 0));

    im_owner_put(&c->pages, o, priv, f->in, f->out, f->shift, f->whole, flags);
}

void im_smmu_tlb_put_ipa(SmmuCaches *c, SmmuVm *vm, bool priv,
                         const SmmuFill *f)
{
    smmu_cache_put(c, &vm->ipa, priv, f);
}

void im_smmu_tlb_put(SmmuCaches *c, SmmuContext *x, bool priv,
                     const SmmuFill *f)
{
    SmmuVm *vm = x->stream->vm;

    smmu_cache_put(c,
                   !x->s1    ? &vm->ipa :
                   f->global ? &vm->global[x->cd.aset] :
                               &x->space->va,
                   priv, f);
}

/* --- life --------------------------------------------------------------- */

/* Pages and blocks of the three granules: all there are. */
static const uint8_t page_shift[IM_TLB_CLASSES] = {
    12, 14, 16, 21, 25, 29, 30, 42,
};
/* What their tables of the walker's levels 0 and 1 translate. */
static const uint8_t table_shift[IM_TLB_CLASSES] = {
    21, 25, 29, 30, 36, 42,
};

static void smmu_cache_new_vms(SmmuCaches *c, uint32_t n)
{
    SmmuVm *vm = im_pool_new(&c->vms, n, sizeof(*vm), smmu_cache_drop_vm, c);

    for (uint32_t i = 0; i < n; i++) {
        im_owner_add(&c->pages, &vm[i].global[0], SMMU_OWNS_GLOBAL);
        im_owner_add(&c->pages, &vm[i].global[1], SMMU_OWNS_GLOBAL_ASET);
        im_owner_add(&c->pages, &vm[i].ipa, SMMU_OWNS_IPA);
        im_owner_add(&c->tables, &vm[i].ipa_tables, 0);
    }
}

static void smmu_cache_new_spaces(SmmuCaches *c, uint32_t n)
{
    SmmuSpace *sp = im_pool_new(&c->spaces, n, sizeof(*sp),
                                smmu_cache_drop_space, c);

    for (uint32_t i = 0; i < n; i++) {
        im_owner_add(&c->pages, &sp[i].va, SMMU_OWNS_VA);
        im_owner_add(&c->tables, &sp[i].tables, 0);
    }
}

SmmuCaches *im_smmu_caches_new(const ImSmmuConfig *cfg)
{
    SmmuCaches *c = g_new0(SmmuCaches, 1);
    uint32_t n = cfg->tlb_entries;

    im_owned_init(&c->pages, n, page_shift);
    im_owned_init(&c->tables, im_cache_size(n / 16, 64, 1u << 20), table_shift);
    smmu_cache_new_vms(c, im_cache_size(n / 64, 16, 1024));
    smmu_cache_new_spaces(c, im_cache_size(n / 16, 16, 4096));
    im_pool_new(&c->streams, im_cache_size(n / 64, 16, 1024),
                sizeof(SmmuStream), smmu_cache_drop_stream, c);
    im_pool_new(&c->contexts, im_cache_size(n / 16, 16, 4096),
                sizeof(SmmuContext), smmu_cache_drop_context, c);
    return c;
}

void im_smmu_caches_free(SmmuCaches *c)
{
    if (!c) {
        return;
    }
    im_owned_destroy(&c->pages);
    im_owned_destroy(&c->tables);
    im_pool_destroy(&c->vms);
    im_pool_destroy(&c->spaces);
    im_pool_destroy(&c->streams);
    im_pool_destroy(&c->contexts);
    g_free(c);
}
