/*
 * SMMUv3 caches against a brute-force idea of each command's scope: what is
 * in it goes, what is not stays; full caches and tags that run out lose
 * entries, and never give one to another owner.
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib.h>
#include <inttypes.h>

#include "hw/smmuv3/cache.h"
#include "lib/rounds.h"

typedef enum Kind { K_VA, K_GLOBAL, K_IPA, K_KINDS } Kind;

typedef struct Entry {
    uint8_t world;
    uint16_t vmid, asid;
    Kind kind;
    bool priv;
    uint8_t cls;
    uint64_t in, out;
    bool there;
} Entry;

static const uint8_t shifts[] = { 12, 21, 30, 14, 25, 16, 29, 42 };

static ImSmmu *unit(uint32_t entries)
{
    ImSmmu *s = g_new0(ImSmmu, 1);
    ImSmmuConfig cfg = { .tlb_entries = entries };

    s->caches = im_smmu_caches_new(&cfg);
    return s;
}

static void unit_free(ImSmmu *s)
{
    im_smmu_caches_free(s->caches);
    g_free(s);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImSmmu, unit_free)

static ImSmmuCd cd_of(uint8_t world, uint16_t asid)
{
    return (ImSmmuCd) {
        .asid = asid,
        .world = world,
        .half = { { .enabled = true, .stage.fmt = &im_vmsa_s1[0] },
                  { .enabled = true, .stage.fmt = &im_vmsa_s1[0] } },
    };
}

static SmmuStream *stream(ImSmmu *s, uint32_t sid, uint8_t world, uint16_t vmid,
                          bool s1, bool s2)
{
    SmmuStream *st = im_pool_find(&s->caches->streams, sid);
    ImSmmuSte ste = {
        .config = (uint8_t)(4 | s1 | s2 << 1),
        .s1 = s1,
        .s2 = s2,
        .world = world,
        .vmid = vmid,
        .stage2.fmt = &im_vmsa_s2[0],
    };

    return st ? st : im_smmu_stream_put(s->caches, sid, &ste);
}

/* The context of SubstreamID asid, or of none without stage 1. */
static SmmuContext *context(ImSmmu *s, uint32_t sid, uint8_t world,
                            uint16_t vmid, int asid)
{
    bool s1 = asid >= 0;
    uint64_t key = im_smmu_context_key(sid, s1, s1 ? (uint32_t)asid : 0);
    SmmuContext *x = im_smmu_context_get(s->caches, key);
    SmmuStream *st;
    ImSmmuCd cd;

    if (x) {
        return x;
    }
    st = stream(s, sid, world, vmid, s1, !s1);
    cd = cd_of(world, s1 ? (uint16_t)asid : 0);
    return im_smmu_context_put(s->caches, key, st, s1 ? &cd : NULL);
}

static SmmuContext *context_of(ImSmmu *s, const Entry *e)
{
    uint32_t sid = (uint32_t)e->world << 17 | e->vmid |
                   (e->kind == K_IPA ? 1u << 16 : 0);

    return context(s, sid, e->world, e->vmid, e->kind == K_IPA ? -1 : e->asid);
}

static uint64_t base_of(uint64_t addr, unsigned cls)
{
    return addr & ~((UINT64_C(1) << shifts[cls]) - 1);
}

static void put(ImSmmu *s, const Entry *e)
{
    SmmuFill f = {
        .in = e->in,
        .out = e->out,
        .shift = shifts[e->cls],
        .whole = shifts[e->cls],
        .perm = IM_PERM_R,
        .global = e->kind == K_GLOBAL,
        .attr = 0xff,
        .share = 3,
    };

    im_smmu_tlb_put(s->caches, context_of(s, e), e->priv, &f);
}

/* Looked for under its own owner and size, past all others. */
static bool is_there(ImSmmu *s, const Entry *e)
{
    SmmuCaches *c = s->caches;
    SmmuVm *vm = im_pool_find(&c->vms, im_smmu_vm_key(e->world, e->vmid));
    SmmuSpace *sp =
        vm ? im_pool_find(&c->spaces, im_smmu_space_key(vm, e->asid)) : NULL;
    const ImOwner *o = !vm                 ? NULL :
                       e->kind == K_IPA    ? &vm->ipa :
                       e->kind == K_GLOBAL ? &vm->global[0] :
                       sp                  ? &sp->va :
                                             NULL;
    ImTlbHit hit;

    if (!o || !im_tlb_get(&c->pages.tlb, o->tag + e->priv,
                          c->pages.class_of[shifts[e->cls]], e->in, &hit)) {
        return false;
    }
    g_assert_cmphex(hit.addr, ==, e->out);
    return true;
}

/* --- scope -------------------------------------------------------------- */

static bool in_range(const Entry *e, const SmmuTlbi *t)
{
    uint64_t mask = IM_BITS(56, 0);
    uint64_t first = e->in & mask;
    uint64_t last = first | ((UINT64_C(1) << shifts[e->cls]) - 1);

    if (t->last - t->addr >= UINT64_C(1) << 56) {
        return true;
    }
    return first <= (t->addr & mask) + (t->last - t->addr) &&
           last >= (t->addr & mask);
}

static bool in_scope(const Entry *e, const SmmuTlbi *t)
{
    bool el1 = e->world == IM_SMMU_NS_EL1;
    bool vm = el1 ?
                  !t->el2 && !((e->vmid ^ t->vmid) & ~t->vmid_ignore & 0xffff) :
                  t->el2;
    bool asid = e->kind == K_VA && e->asid == t->asid;

    switch (t->scope) {
    case SMMU_TLBI_ALL:
        return vm && e->kind != K_IPA;
    case SMMU_TLBI_ASID:
        return vm && asid;
    case SMMU_TLBI_VA:
        return vm && (asid || e->kind == K_GLOBAL) && in_range(e, t);
    case SMMU_TLBI_VAA:
        return vm && e->kind != K_IPA && in_range(e, t);
    case SMMU_TLBI_VMALL:
        return vm && el1;
    case SMMU_TLBI_IPA:
        return vm && e->kind == K_IPA && in_range(e, t);
    default:
        return el1;
    }
}

static uint64_t some_address(Kind kind)
{
    uint64_t a = (uint64_t)g_test_rand_int_range(0, 64) << 12;

    a += (uint64_t)g_test_rand_int_range(0, 3) << 21;
    a += (uint64_t)g_test_rand_int_range(0, 2) << 42;
    if (kind != K_IPA && g_test_rand_int_range(0, 4) == 0) {
        a |= UINT64_C(0xffff) << 48;
    }
    return a;
}

static Entry some_entry(void)
{
    static const uint16_t vmids[] = { 0, 1, 2, 3, 0x11, 0xfff0 };
    Entry e = {
        .world = (uint8_t)g_test_rand_int_range(0, 3),
        .asid = (uint16_t)g_test_rand_int_range(1, 4),
        .kind = (Kind)g_test_rand_int_range(0, K_KINDS),
        .priv = g_test_rand_bit(),
        .cls = (uint8_t)g_test_rand_int_range(0, 8),
    };

    if (g_test_rand_int_range(0, 3)) {
        e.world = IM_SMMU_NS_EL1;
        e.vmid = vmids[g_test_rand_int_range(0, G_N_ELEMENTS(vmids))];
    } else if (e.kind == K_IPA) {
        e.world = IM_SMMU_NS_EL1;
    }
    e.in = base_of(some_address(e.kind), e.cls);
    e.out = base_of((uint64_t)(uint32_t)g_test_rand_int() << 20, e.cls);
    return e;
}

static SmmuTlbi some_tlbi(void)
{
    static const uint16_t ignore[] = { 0, 0, 0, 1, 3, 15 };
    static const uint64_t spans[] = {
        0xfff, 0x1fff, 0x4fff, 0x1fffff, 0x12345fff, UINT64_C(1) << 43,
    };
    SmmuTlbi t = {
        .scope = (uint8_t)g_test_rand_int_range(0, SMMU_TLBI_NSNH_ALL + 1),
        .asid = (uint16_t)g_test_rand_int_range(0, 5),
        .vmid = (uint16_t)g_test_rand_int_range(0, 4),
        .vmid_ignore = ignore[g_test_rand_int_range(0, G_N_ELEMENTS(ignore))],
        .leaf = g_test_rand_bit(),
    };

    t.el2 = t.scope <= SMMU_TLBI_VAA && g_test_rand_int_range(0, 4) == 0;
    t.addr = some_address(t.scope == SMMU_TLBI_IPA ? K_IPA : K_VA);
    t.last = t.addr + spans[g_test_rand_int_range(0, G_N_ELEMENTS(spans))];
    if (t.last < t.addr || g_test_rand_int_range(0, 30) == 0) {
        t.last = UINT64_MAX;
    }
    return t;
}

static void test_scope(void)
{
    g_autoptr(ImSmmu) s = unit(2048);
    Entry e[160];

    for (unsigned round = 0; round < 400; round++) {
        SmmuTlbi t = some_tlbi();

        for (unsigned i = 0; i < G_N_ELEMENTS(e); i++) {
            e[i] = some_entry();
            for (unsigned j = 0; j < i; j++) {
                /* The same once more: the first is what counts. */
                if (e[i].cls == e[j].cls && e[i].in == e[j].in &&
                    e[i].priv == e[j].priv && e[i].vmid == e[j].vmid &&
                    e[i].world == e[j].world && e[i].kind == e[j].kind &&
                    (e[i].kind != K_VA || e[i].asid == e[j].asid)) {
                    e[i] = e[j];
                }
            }
            put(s, &e[i]);
        }
        for (unsigned i = 0; i < G_N_ELEMENTS(e); i++) {
            e[i].there = is_there(s, &e[i]);
        }
        im_smmu_tlbi(s, &t);
        for (unsigned i = 0; i < G_N_ELEMENTS(e); i++) {
            bool want = e[i].there && !in_scope(&e[i], &t);

            g_test_message("scope %u el2 %u vmid %x/%x asid %x %" PRIx64
                           "..%" PRIx64 ": world %u vmid %x asid %x kind %u "
                           "%" PRIx64 " class %u",
                           t.scope, t.el2, t.vmid, t.vmid_ignore, t.asid,
                           t.addr, t.last, e[i].world, e[i].vmid, e[i].asid,
                           e[i].kind, e[i].in, e[i].cls);
            g_assert_cmpint(is_there(s, &e[i]), ==, want);
        }
        if (round % 16 == 0) {
            im_smmu_inv_everything(s);
            g_assert_cmpuint(im_smmu_cached_translations(s), ==, 0);
        }
    }
}

/* A page in pieces goes as a whole, whichever piece is named. */
static void test_pieces(void)
{
    g_autoptr(ImSmmu) s = unit(1024);
    SmmuContext *x = context(s, 1, IM_SMMU_NS_EL1, 1, 7);
    SmmuTlbi t = { .scope = SMMU_TLBI_VA,
                   .vmid = 1,
                   .asid = 7,
                   .leaf = true,
                   .addr = 0x405000,
                   .last = 0x405fff };
    ImTlbHit hit;

    for (unsigned i = 0; i < 4; i++) {
        SmmuFill f = { .in = 0x400000 + 0x1000 * i,
                       .out = 0x80000000,
                       .shift = 12,
                       .whole = 21,
                       .perm = IM_PERM_R };

        im_smmu_tlb_put(s->caches, x, false, &f);
    }
    im_smmu_tlbi(s, &t);
    for (unsigned i = 0; i < 4; i++) {
        g_assert_false(
            im_smmu_tlb_get(s->caches, x, false, 0x400000 + 0x1000 * i, &hit));
    }
}

/* --- tables ------------------------------------------------------------- */

static bool find_tables(ImSmmu *s, const SmmuContext *x, unsigned granule,
                        ImWalkPoint *got)
{
    return im_owner_find_table(&s->caches->tables, &x->space->tables, false,
                               &im_vmsa_s1[granule], 0x405678, got);
}

static void test_tables(void)
{
    g_autoptr(ImSmmu) s = unit(4096);
    SmmuContext *x = context(s, 1, IM_SMMU_NS_EL1, 1, 7);
    SmmuTlbi t = { .scope = SMMU_TLBI_VA,
                   .vmid = 1,
                   .asid = 7,
                   .leaf = true,
                   .addr = 0x405000,
                   .last = 0x405fff };
    ImWalkPoint at = { .perm = 5, .writable = true };
    ImWalkPoint got;

    for (unsigned g = 0; g < 3; g++) {
        const ImPtFormat *fmt = &im_vmsa_s1[g];

        for (unsigned level = 4; level-- > 0;) {
            at.level = (uint8_t)level;
            at.table = 0x10000 * (1 + level + 4 * g);
            im_owner_keep_table(&s->caches->tables, &x->space->tables, false,
                                fmt, 0x405000, &at);
        }
    }
    im_smmu_tlbi(s, &t);
    for (unsigned g = 0; g < 3; g++) {
        g_assert_true(find_tables(s, x, g, &got));
        g_assert_cmpuint(got.level, ==, 0);
        g_assert_cmphex(got.table, ==, 0x10000 * (1 + 4 * g));
        g_assert_cmpuint(got.perm, ==, 5);
        g_assert_true(got.writable);
    }
    t.leaf = false;
    t.asid = 8;
    im_smmu_tlbi(s, &t);
    g_assert_true(find_tables(s, x, 0, &got));
    t.asid = 7;
    im_smmu_tlbi(s, &t);
    for (unsigned g = 0; g < 3; g++) {
        g_assert_false(find_tables(s, x, g, &got));
    }
}

/* --- configuration ------------------------------------------------------ */

static bool stream_cached(ImSmmu *s, uint32_t sid)
{
    return im_pool_find(&s->caches->streams, sid);
}

static bool context_cached(ImSmmu *s, uint32_t sid, uint32_t ssid)
{
    return im_smmu_context_get(s->caches, im_smmu_context_key(sid, true, ssid));
}

/* Eight streams of two substreams each; ASIDs are shared by all. */
static void fill_config(ImSmmu *s)
{
    for (uint32_t sid = 0x40; sid < 0x48; sid++) {
        for (int asid = 5; asid < 7; asid++) {
            context(s, sid, IM_SMMU_NS_EL1, 1, asid);
        }
    }
}

static void test_config(void)
{
    g_autoptr(ImSmmu) s = unit(4096);
    SmmuFill f = { .in = 0x1000, .out = 0x2000, .shift = 12, .perm = 1 };
    ImTlbHit hit;

    fill_config(s);
    im_smmu_tlb_put(s->caches, context(s, 0x40, 0, 1, 5), false, &f);
    im_smmu_inv_cd(s, 0x41, 5, true);
    g_assert_false(context_cached(s, 0x41, 5));
    g_assert_true(context_cached(s, 0x41, 6));
    g_assert_true(context_cached(s, 0x40, 5));
    im_smmu_inv_cd_all(s, 0x42);
    g_assert_false(context_cached(s, 0x42, 5));
    g_assert_false(context_cached(s, 0x42, 6));
    g_assert_true(stream_cached(s, 0x42));
    im_smmu_inv_ste(s, 0x43, 0, true);
    g_assert_false(stream_cached(s, 0x43));
    g_assert_false(context_cached(s, 0x43, 6));
    im_smmu_inv_ste(s, 0x44, 2, false);
    for (uint32_t sid = 0x40; sid < 0x48; sid++) {
        g_assert_cmpint(stream_cached(s, sid), ==, sid < 0x43);
    }
    im_smmu_inv_ste(s, 0, 32, false);
    for (uint32_t sid = 0x40; sid < 0x48; sid++) {
        g_assert_false(stream_cached(s, sid));
        g_assert_false(context_cached(s, sid, 5));
    }
    /* Translations are apart: another stream of that ASID finds them. */
    g_assert_true(im_smmu_tlb_get(s->caches, context(s, 0x47, 0, 1, 5), false,
                                  0x1000, &hit));
    g_assert_cmphex(hit.addr, ==, 0x2000);
}

/* A request without SubstreamID may have used CD 0. */
static void test_cd_zero(void)
{
    g_autoptr(ImSmmu) s = unit(4096);
    uint64_t none = im_smmu_context_key(9, false, 0);
    SmmuStream *st = stream(s, 9, IM_SMMU_NS_EL1, 1, true, false);
    ImSmmuCd cd = cd_of(IM_SMMU_NS_EL1, 3);

    im_smmu_context_put(s->caches, none, st, &cd);
    im_smmu_inv_cd(s, 9, 1, false);
    g_assert_nonnull(im_smmu_context_get(s->caches, none));
    im_smmu_inv_cd(s, 9, 0, false);
    g_assert_null(im_smmu_context_get(s->caches, none));
    /* Nor does one that skips stage 1 depend on any CD. */
    im_smmu_context_put(s->caches, none, st, NULL);
    im_smmu_inv_cd_all(s, 9);
    g_assert_nonnull(im_smmu_context_get(s->caches, none));
}

/* --- too much of everything --------------------------------------------- */

static uint64_t out_of(uint16_t vmid, uint16_t asid)
{
    return (uint64_t)vmid << 32 | (uint64_t)asid << 16;
}

static void use(ImSmmu *s, uint32_t sid, uint16_t vmid, uint16_t asid)
{
    SmmuContext *x = context(s, sid, IM_SMMU_NS_EL1, vmid, asid);
    SmmuFill f = {
        .in = 0x1000, .out = out_of(vmid, asid), .shift = 12, .perm = IM_PERM_R
    };
    ImTlbHit hit;

    if (im_smmu_tlb_get(s->caches, x, false, 0x1000, &hit)) {
        g_assert_cmphex(hit.addr, ==, f.out);
    } else {
        im_smmu_tlb_put(s->caches, x, false, &f);
        g_assert_true(im_smmu_tlb_get(s->caches, x, false, 0x1000, &hit));
        g_assert_cmphex(hit.addr, ==, f.out);
    }
}

static void test_capacity(void)
{
    g_autoptr(ImSmmu) s = unit(64);

    for (unsigned i = 0; i < test_rounds(200000); i++) {
        uint16_t vmid = (uint16_t)g_test_rand_int_range(0, 60);
        uint16_t asid = (uint16_t)g_test_rand_int_range(0, 90);

        use(s, vmid, vmid, asid);
        if (i % 1000 == 0) {
            im_smmu_inv_ste(s, (uint32_t)i % 60, 0, true);
        }
    }
    g_assert_cmpuint(im_smmu_cached_translations(s), <=, 64);
    g_assert_cmpuint(im_smmu_cached_translations(s), >, 0);
}

/* Tags that ran out begin anew, and nobody finds what is not theirs. */
static void test_wrap(void)
{
    g_autoptr(ImSmmu) s = unit(1024);

    for (unsigned i = 0; i < 3000; i++) {
        uint16_t asid = (uint16_t)g_test_rand_int_range(0, 20);
        SmmuTlbi t = { .scope = SMMU_TLBI_ASID, .vmid = 1, .asid = asid };

        if (i % 500 == 0) {
            s->caches->pages.next_tag = IM_TLB_TAG_MAX - 40;
        }
        use(s, 1, 1, (uint16_t)g_test_rand_int_range(0, 20));
        im_smmu_tlbi(s, &t);
        g_assert_cmpuint(s->caches->pages.next_tag, <=, IM_TLB_TAG_MAX + 1);
    }
}

/* More attributes than there are ids. */
static void test_attributes(void)
{
    static const uint8_t shares[] = { 0, 2, 3 };
    g_autoptr(ImSmmu) s = unit(4096);
    SmmuContext *x = context(s, 1, IM_SMMU_NS_EL1, 1, 7);
    unsigned kept = 0;

    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 600; i++) {
            SmmuFill f = { .in = (uint64_t)i << 12,
                           .shift = 12,
                           .perm = 1,
                           .attr = (uint8_t)(i / 3),
                           .share = shares[i % 3] };
            ImTlbHit hit;
            uint8_t share;

            if (round == 0) {
                im_smmu_tlb_put(s->caches, x, false, &f);
            }
            if (im_smmu_tlb_get(s->caches, x, false, f.in, &hit)) {
                g_assert_cmphex(im_smmu_tlb_attr(s->caches, hit.flags, &share),
                                ==, f.attr);
                g_assert_cmpuint(share, ==, f.share);
                kept++;
            }
        }
        g_assert_cmpuint(kept, >=, round == 0 ? 600 : 601);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/smmuv3/cache/scope", test_scope);
    g_test_add_func("/smmuv3/cache/pieces", test_pieces);
    g_test_add_func("/smmuv3/cache/tables", test_tables);
    g_test_add_func("/smmuv3/cache/config", test_config);
    g_test_add_func("/smmuv3/cache/cd-zero", test_cd_zero);
    g_test_add_func("/smmuv3/cache/capacity", test_capacity);
    g_test_add_func("/smmuv3/cache/wrap", test_wrap);
    g_test_add_func("/smmuv3/cache/attributes", test_attributes);
    return g_test_run();
}
