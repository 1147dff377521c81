/*
 * SMMUv3 caches, 3.17. What invalidates them is in inval.c.
 *
 * Configuration and translations are cached apart, as the architecture has
 * it. A translation belongs to a world, VMID and ASID, never to a StreamID:
 * devices of one address space share it, and it survives the invalidation
 * of a configuration. Owners carry tags; to invalidate an ASID or a VMID is
 * to give its owners new ones.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/smmuv3/cache.h"

/* --- tags -------------------------------------------------------------- */

static void smmu_cache_assign(SmmuCaches *c, SmmuOwner *o)
{
    o->tag = c->next_tag;
    o->classes = 0;
    o->whole = 0;
    c->next_tag += 2;
}

/* Forget every translation: once in 2^26 invalidations tags begin anew. */
static void smmu_cache_start_over(SmmuCaches *c)
{
    im_tlb_flush(&c->tlb);
    im_tlb_flush(&c->psc);
    c->attrs = 0;
    memset(c->attr_id, 0, sizeof(c->attr_id));
    c->next_tag = IM_TLB_TAG_MIN;
    for (uint32_t i = 0; i < c->vms; i++) {
        smmu_cache_assign(c, &c->vm[i].global[0]);
        smmu_cache_assign(c, &c->vm[i].global[1]);
        smmu_cache_assign(c, &c->vm[i].ipa);
        smmu_cache_assign(c, &c->vm[i].ipa_tables);
    }
    for (uint32_t i = 0; i < c->spaces; i++) {
        smmu_cache_assign(c, &c->space[i].va);
        smmu_cache_assign(c, &c->space[i].tables);
    }
}

void im_smmu_retag(SmmuCaches *c, SmmuOwner *o)
{
    if (c->next_tag > IM_TLB_TAG_MAX - 2) {
        smmu_cache_start_over(c);
        return;
    }
    smmu_cache_assign(c, o);
}

void im_smmu_renew_globals(SmmuCaches *c, SmmuVm *vm)
{
    im_smmu_renew(c, &vm->global[0]);
    im_smmu_renew(c, &vm->global[1]);
}

/* --- configuration ----------------------------------------------------- */

static void smmu_cache_free_link(ImLink **list, ImLink *hash)
{
    im_link_out(hash);
    im_link_in(list, hash);
}

void im_smmu_drop_context(SmmuCaches *c, SmmuContext *x)
{
    im_link_out(&x->by_stream);
    if (x->space) {
        im_link_out(&x->by_space);
    }
    smmu_cache_free_link(&c->context_free, &x->hash);
    x->key = SMMU_NO_CONTEXT;
    x->used = false;
    if (c->last == x) {
        c->last = &c->context[0];
    }
}

void im_smmu_drop_stream(SmmuCaches *c, SmmuStream *st)
{
    while (st->contexts) {
        im_smmu_drop_context(c, SMMU_CONTEXT_OF(st->contexts, by_stream));
    }
    im_link_out(&st->all);
    if (st->vm) {
        im_link_out(&st->by_vm);
    }
    smmu_cache_free_link(&c->stream_free, &st->hash);
    st->valid = false;
    st->used = false;
}

static void smmu_cache_drop_space(SmmuCaches *c, SmmuSpace *sp)
{
    while (sp->contexts) {
        im_smmu_drop_context(c, SMMU_CONTEXT_OF(sp->contexts, by_space));
    }
    im_smmu_renew(c, &sp->va);
    im_smmu_renew(c, &sp->tables);
    im_link_out(&sp->by_vm);
    smmu_cache_free_link(&c->space_free, &sp->hash);
    sp->vm = NULL;
    sp->used = false;
}

static void smmu_cache_drop_vm(SmmuCaches *c, SmmuVm *vm)
{
    while (vm->streams) {
        im_smmu_drop_stream(c, SMMU_STREAM_OF(vm->streams, by_vm));
    }
    while (vm->spaces) {
        smmu_cache_drop_space(c, SMMU_SPACE_OF(vm->spaces, by_vm));
    }
    im_smmu_renew_globals(c, vm);
    im_smmu_renew(c, &vm->ipa);
    im_smmu_renew(c, &vm->ipa_tables);
    smmu_cache_free_link(&c->vm_free, &vm->hash);
    vm->key = UINT32_MAX;
    vm->used = false;
}

/* --- worlds and VMIDs, ASIDs ------------------------------------------- */

static uint32_t smmu_cache_vm_key(uint8_t world, uint16_t vmid)
{
    return (uint32_t)world << 16 | vmid;
}

static ImLink **smmu_cache_vm_head(SmmuCaches *c, uint32_t key)
{
    return &c->vm_hash[im_link_hash(key) & (c->vms - 1)];
}

SmmuVm *im_smmu_find_vm(SmmuCaches *c, uint8_t world, uint16_t vmid)
{
    uint32_t key = smmu_cache_vm_key(world, vmid);

    for (ImLink *n = *smmu_cache_vm_head(c, key); n; n = n->next) {
        SmmuVm *vm = SMMU_VM_OF(n, hash);

        if (vm->key == key) {
            vm->used = true;
            return vm;
        }
    }
    return NULL;
}

static SmmuVm *smmu_cache_get_vm(SmmuCaches *c, uint8_t world, uint16_t vmid)
{
    SmmuVm *vm = im_smmu_find_vm(c, world, vmid);

    if (vm) {
        return vm;
    }
    while (!c->vm_free) {
        vm = &c->vm[c->vm_hand++ & (c->vms - 1)];
        if (!vm->used) {
            smmu_cache_drop_vm(c, vm);
        }
        vm->used = false;
    }
    vm = SMMU_VM_OF(c->vm_free, hash);
    im_link_out(&vm->hash);
    vm->key = smmu_cache_vm_key(world, vmid);
    vm->world = world;
    vm->vmid = vmid;
    vm->used = true;
    im_link_in(smmu_cache_vm_head(c, vm->key), &vm->hash);
    return vm;
}

static ImLink **smmu_cache_space_head(SmmuCaches *c, uint32_t key,
                                      uint16_t asid)
{
    return &c->space_hash[im_link_hash((uint64_t)key << 16 | asid) &
                          (c->spaces - 1)];
}

SmmuSpace *im_smmu_find_space(SmmuCaches *c, const SmmuVm *vm, uint16_t asid)
{
    for (ImLink *n = *smmu_cache_space_head(c, vm->key, asid); n; n = n->next) {
        SmmuSpace *sp = SMMU_SPACE_OF(n, hash);

        if (sp->vm == vm && sp->asid == asid) {
            sp->used = true;
            return sp;
        }
    }
    return NULL;
}

static SmmuSpace *smmu_cache_get_space(SmmuCaches *c, SmmuVm *vm, uint16_t asid)
{
    SmmuSpace *sp = im_smmu_find_space(c, vm, asid);

    if (sp) {
        return sp;
    }
    while (!c->space_free) {
        sp = &c->space[c->space_hand++ & (c->spaces - 1)];
        if (!sp->used) {
            smmu_cache_drop_space(c, sp);
        }
        sp->used = false;
    }
    sp = SMMU_SPACE_OF(c->space_free, hash);
    im_link_out(&sp->hash);
    sp->vm = vm;
    sp->asid = asid;
    sp->used = true;
    im_link_in(smmu_cache_space_head(c, vm->key, asid), &sp->hash);
    im_link_in(&vm->spaces, &sp->by_vm);
    return sp;
}

/* --- streams and contexts ---------------------------------------------- */

static ImLink **smmu_cache_stream_head(SmmuCaches *c, uint32_t sid)
{
    return &c->stream_hash[im_link_hash(sid) & (c->streams - 1)];
}

SmmuStream *im_smmu_stream_get(SmmuCaches *c, uint32_t sid)
{
    for (ImLink *n = *smmu_cache_stream_head(c, sid); n; n = n->next) {
        SmmuStream *st = SMMU_STREAM_OF(n, hash);

        if (st->sid == sid) {
            st->used = true;
            return st;
        }
    }
    return NULL;
}

/* The slot to be used next, which is free. */
static SmmuStream *smmu_cache_stream_slot(SmmuCaches *c)
{
    while (!c->stream_free) {
        SmmuStream *st = &c->stream[c->stream_hand++ & (c->streams - 1)];

        if (!st->used) {
            im_smmu_drop_stream(c, st);
        }
        st->used = false;
    }
    return SMMU_STREAM_OF(c->stream_free, hash);
}

ImSmmuSte *im_smmu_stream_room(SmmuCaches *c)
{
    return &smmu_cache_stream_slot(c)->ste;
}

SmmuStream *im_smmu_stream_put(SmmuCaches *c, uint32_t sid,
                               const ImSmmuSte *ste)
{
    SmmuStream *st = smmu_cache_stream_slot(c);
    SmmuVm *vm =
        ste->s1 || ste->s2 ? smmu_cache_get_vm(c, ste->world, ste->vmid) : NULL;

    if (ste != &st->ste) {
        st->ste = *ste;
    }
    im_link_out(&st->hash);
    st->sid = sid;
    st->valid = true;
    st->used = true;
    st->vm = vm;
    im_link_in(smmu_cache_stream_head(c, sid), &st->hash);
    im_link_in(&c->stream_all, &st->all);
    if (vm) {
        im_link_in(&vm->streams, &st->by_vm);
    }
    return st;
}

static ImLink **smmu_cache_context_head(SmmuCaches *c, uint64_t key)
{
    return &c->context_hash[im_link_hash(key) & (2 * c->contexts - 1)];
}

SmmuContext *im_smmu_context_get(SmmuCaches *c, uint64_t key)
{
    if (G_LIKELY(c->last->key == key)) {
        return c->last;
    }
    for (ImLink *n = *smmu_cache_context_head(c, key); n; n = n->next) {
        SmmuContext *x = SMMU_CONTEXT_OF(n, hash);

        if (x->key == key) {
            x->used = true;
            x->stream->used = true;
            if (x->space) {
                x->space->used = true;
            }
            c->last = x;
            return x;
        }
    }
    return NULL;
}

/* The slot to be used next, which is free. */
static SmmuContext *smmu_cache_context_slot(SmmuCaches *c)
{
    while (!c->context_free) {
        SmmuContext *x = &c->context[c->context_hand++ & (c->contexts - 1)];

        if (!x->used) {
            im_smmu_drop_context(c, x);
        }
        x->used = false;
    }
    return SMMU_CONTEXT_OF(c->context_free, hash);
}

ImSmmuCd *im_smmu_context_room(SmmuCaches *c)
{
    return &smmu_cache_context_slot(c)->cd;
}

SmmuContext *im_smmu_context_put(SmmuCaches *c, uint64_t key,
                                 SmmuStream *stream, const ImSmmuCd *cd)
{
    SmmuContext *x = smmu_cache_context_slot(c);
    SmmuSpace *sp = cd ? smmu_cache_get_space(c, stream->vm, cd->asid) : NULL;

    im_link_out(&x->hash);
    x->key = key;
    x->stream = stream;
    x->space = sp;
    x->used = true;
    x->s1 = cd;
    im_link_in(smmu_cache_context_head(c, key), &x->hash);
    im_link_in(&stream->contexts, &x->by_stream);
    if (cd) {
        if (cd != &x->cd) {
            x->cd = *cd;
        }
        im_link_in(&sp->contexts, &x->by_space);
    }
    c->last = x;
    return x;
}

/* --- TLB --------------------------------------------------------------- */

/* Pages and blocks of the three granules: all there are. */
static const uint8_t page_shift[IM_TLB_CLASSES] = {
    12, 21, 30, 14, 25, 16, 29, 42,
};
static const uint8_t first_class[] = { 0, 3, 5 };
/* What a table of walker's level 0 or 1 translates. Tables above are few,
 * and read again. */
#define PSC_LEVELS  2u
static const uint8_t table_shift[IM_TLB_CLASSES] = {
    21, 30, 25, 36, 29, 42,
};

/* 0, 1, 2 for 4K, 16K, 64K. */
static unsigned smmu_cache_granule(const ImPtFormat *fmt)
{
    return (fmt->page_shift - 12u) / 2;
}

static inline bool smmu_cache_probe(SmmuCaches *c, const SmmuOwner *o,
                                    bool priv, uint64_t addr, SmmuHit *hit)
{
    ImTlbHit h;

    for (unsigned left = o->classes; left; left &= left - 1) {
        unsigned cls = (unsigned)__builtin_ctz(left);

        if (im_tlb_get(&c->tlb, o->tag + priv, cls, addr, &h)) {
            hit->addr = h.addr;
            hit->flags = h.flags;
            hit->shift = page_shift[cls];
            return true;
        }
    }
    return false;
}

bool im_smmu_tlb_get_ipa(SmmuCaches *c, SmmuVm *vm, bool priv, uint64_t addr,
                         SmmuHit *hit)
{
    return smmu_cache_probe(c, &vm->ipa, priv, addr, hit);
}

bool im_smmu_tlb_get(SmmuCaches *c, const SmmuContext *x, bool priv,
                     uint64_t addr, SmmuHit *hit)
{
    SmmuVm *vm = x->stream->vm;
    SmmuOwner *global;

    if (!x->s1) {
        return x->stream->ste.s2 &&
               smmu_cache_probe(c, &vm->ipa, priv, addr, hit);
    }
    global = &vm->global[x->cd.aset];
    return smmu_cache_probe(c, &x->space->va, priv, addr, hit) ||
           (global->classes && smmu_cache_probe(c, global, priv, addr, hit));
}

void im_smmu_tlb_prefetch(SmmuCaches *c, const SmmuContext *x, bool priv,
                          uint64_t addr)
{
    const ImPtStage *st = x->s1 ? &x->cd.half[addr >> 55 & 1].stage :
                          &x->stream->ste.stage2;
    const SmmuOwner *o;

    if (!st->fmt) {
        return;                     /* bypass, or a disabled half */
    }
    o = x->s1 ? &x->space->va : &x->stream->vm->ipa;
    im_tlb_prefetch(&c->tlb, o->tag + priv,
                    first_class[smmu_cache_granule(st->fmt)], addr);
}

/* A small number for a pair, while there is one. */
IM_RULE(SMMU_TLB_ATTR);
static uint16_t smmu_cache_intern(SmmuCaches *c, uint8_t attr, uint8_t share)
{
    uint8_t *id = &c->attr_id[share & 3][attr];

    if (!*id) {
        if (c->attrs == SMMU_ATTRS) {
            smmu_cache_start_over(c);
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

static unsigned smmu_cache_class_of(unsigned shift)
{
    unsigned cls = 0;

    while (page_shift[cls] != shift) {
        cls++;
    }
    return cls;
}

static void smmu_cache_put(SmmuCaches *c, SmmuOwner *o, bool priv,
                           const SmmuFill *f)
{
    unsigned cls = smmu_cache_class_of(f->shift);
    uint16_t flags = (uint16_t)(smmu_cache_intern(c, f->attr, f->share) |
                                f->perm | (f->dirty ? SMMU_TLB_DIRTY : 0));

    o->classes |= (uint8_t)(1u << cls);
    if (f->whole > f->shift) {
        o->whole = MAX(o->whole, f->whole);
    }
    im_tlb_put(&c->tlb, o->tag + priv, cls, f->in,
               f->out & ~((UINT64_C(1) << f->shift) - 1), flags);
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

/* --- paging structures ------------------------------------------------- */

#define PSC_RAW       15u       /* raw permission bits of VMSAv8-64 */
#define PSC_WRITABLE  16u

bool im_smmu_tables_get(SmmuCaches *c, const SmmuOwner *o,
                        const ImPtFormat *fmt, uint64_t in, ImWalkPoint *at)
{
    unsigned first = PSC_LEVELS * smmu_cache_granule(fmt);
    ImTlbHit h;

    for (unsigned level = 0; level < PSC_LEVELS; level++) {
        unsigned cls = first + level;

        if ((o->classes & 1u << cls) &&
            im_tlb_get(&c->psc, o->tag, cls, in, &h)) {
            at->table = h.addr;
            at->level = (uint8_t)level;
            at->perm = h.flags & PSC_RAW;
            at->writable = h.flags & PSC_WRITABLE;
            return true;
        }
    }
    return false;
}

/* A concatenated table is the first of its walk, and never kept. */
void im_smmu_tables_put(SmmuCaches *c, SmmuOwner *o, const ImPtFormat *fmt,
                        uint64_t in, const ImWalkPoint *at)
{
    unsigned cls = PSC_LEVELS * smmu_cache_granule(fmt) + at->level;

    if (at->level >= PSC_LEVELS) {
        return;
    }
    o->classes |= (uint8_t)(1u << cls);
    im_tlb_put(&c->psc, o->tag, cls, in, at->table,
               (uint16_t)((at->perm & PSC_RAW) |
                          (at->writable ? PSC_WRITABLE : 0)));
}

/* --- life -------------------------------------------------------------- */

static void smmu_cache_new_vms(SmmuCaches *c, uint32_t n)
{
    c->vms = n;
    c->vm = g_new0(SmmuVm, n);
    c->vm_hash = g_new0(ImLink *, n);
    for (uint32_t i = 0; i < n; i++) {
        c->vm[i].key = UINT32_MAX;
        im_link_in(&c->vm_free, &c->vm[i].hash);
    }
}

static void smmu_cache_new_spaces(SmmuCaches *c, uint32_t n)
{
    c->spaces = n;
    c->space = g_new0(SmmuSpace, n);
    c->space_hash = g_new0(ImLink *, n);
    for (uint32_t i = 0; i < n; i++) {
        im_link_in(&c->space_free, &c->space[i].hash);
    }
}

static void smmu_cache_new_streams(SmmuCaches *c, uint32_t n)
{
    c->streams = n;
    c->stream = g_new0(SmmuStream, n);
    c->stream_hash = g_new0(ImLink *, n);
    for (uint32_t i = 0; i < n; i++) {
        im_link_in(&c->stream_free, &c->stream[i].hash);
    }
}

static void smmu_cache_new_contexts(SmmuCaches *c, uint32_t n)
{
    c->contexts = n;
    c->context = g_new0(SmmuContext, n);
    c->context_hash = g_new0(ImLink *, 2 * n);
    for (uint32_t i = 0; i < n; i++) {
        c->context[i].key = SMMU_NO_CONTEXT;
        im_link_in(&c->context_free, &c->context[i].hash);
    }
    c->last = &c->context[0];
}

SmmuCaches *im_smmu_caches_new(const ImSmmuConfig *cfg)
{
    SmmuCaches *c = g_new0(SmmuCaches, 1);
    uint32_t n = cfg->tlb_entries;

    im_tlb_init(&c->tlb, n, page_shift);
    im_tlb_init(&c->psc, im_cache_size(n / 16, 64, 1u << 20), table_shift);
    smmu_cache_new_vms(c, im_cache_size(n / 64, 16, 1024));
    smmu_cache_new_spaces(c, im_cache_size(n / 16, 16, 4096));
    smmu_cache_new_streams(c, im_cache_size(n / 64, 16, 1024));
    smmu_cache_new_contexts(c, im_cache_size(n / 16, 16, 4096));
    smmu_cache_start_over(c);
    return c;
}

void im_smmu_caches_free(SmmuCaches *c)
{
    if (!c) {
        return;
    }
    im_tlb_destroy(&c->tlb);
    im_tlb_destroy(&c->psc);
    g_free(c->vm);
    g_free(c->space);
    g_free(c->stream);
    g_free(c->context);
    g_free(c->vm_hash);
    g_free(c->space_hash);
    g_free(c->stream_hash);
    g_free(c->context_hash);
    g_free(c);
}
