/*
 * Caches: what may be kept and what not (6.2), and that a hit costs no
 * walk. What an invalidation drops is in invalidate.c.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"
#include "lib/vtd_build.h"

static uint64_t walk_reads(World *w)
{
    return im_vtd_counters(w->r->vtd)->walk_reads;
}

/* Do what the test did again: how many table reads does it cost? */
static uint64_t cost(World *w, uint64_t addr)
{
    uint64_t before = walk_reads(w);

    world_dma(w, IM_READ, addr);
    return walk_reads(w) - before;
}

/* --- hits --------------------------------------------------------------- */

static void hit_costs_nothing(const void *data)
{
    unsigned n = GPOINTER_TO_UINT(data);
    g_autoptr(World) w = world_new(NULL, (WorldKind)(n >> 1), n & 1);
    uint64_t hits;

    world_dma(w, IM_READ, w->iova);
    world_dma(w, IM_WRITE, w->iova);
    hits = im_vtd_counters(w->r->vtd)->iotlb_hits;
    g_assert_cmpuint(w->r->accesses, >, 0);
    for (unsigned i = 0; i < 10; i++) {
        uint64_t before = w->r->accesses;
        ImXlat x = world_dma(w, i & 1 ? IM_READ : IM_WRITE, w->iova + 64);

        xlat_is_ok(&x, w->hpa + 64);
        g_assert_cmpuint(w->r->accesses, ==, before);
    }
    if (n >> 1 != W_PT && n >> 1 != W_LEGACY_PT) {
        g_assert_cmpuint(im_vtd_counters(w->r->vtd)->iotlb_hits - hits, ==, 10);
    }
}

/* So does a translation request; it is answered from the same cache. */
static void ats_hit_costs_nothing(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImTxn t = world_txn(w, IM_AT_TRANSLATION, IM_READ);
    uint64_t before;
    ImXlat x = im_vtd_translate(w->r->vtd, &t);

    xlat_is_ok(&x, w->hpa);
    before = w->r->accesses;
    for (unsigned i = 0; i < 3; i++) {
        x = im_vtd_translate(w->r->vtd, &t);
        xlat_is_ok(&x, w->hpa);
        g_assert_cmpuint(x.perm, ==, IM_PERM_R | IM_PERM_W);
    }
    g_assert_cmpuint(w->r->accesses, ==, before);
}

/* A neighbour page shares contexts and upper tables. */
static void neighbour_walks_less(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    uint64_t first, second;

    world_map(w, w->iova + 0x1000, w->hpa + 0x1000);
    world_on(w);
    first = cost(w, w->iova);
    second = cost(w, w->iova + 0x1000);
    g_assert_cmpuint(second, >=, 1);
    g_assert_cmpuint(second, <=, 4);    /* no root, context or PASID entry */
    g_assert_cmpuint(first, >, second);
}

/* --- what may not be kept ----------------------------------------------- */

static void fault_then_map(WorldKind kind)
{
    g_autoptr(World) w = world_new(NULL, kind, true);
    uint64_t addr = 0x5000;
    ImXlat x;

    w->has_pasid = kind >= W_FS;
    x = world_dma(w, IM_READ, addr);
    g_assert_cmpuint(x.status, ==, IM_FAULT);
    world_map(w, addr, w->hpa + 0x5000);
    x = world_dma(w, IM_READ, addr);
    xlat_is_ok(&x, w->hpa + 0x5000);
}

static void fault_not_cached(void)
{
    fault_then_map(W_LEGACY);
    fault_then_map(W_FS);
    fault_then_map(W_SS);
    fault_then_map(W_NESTED);
}

/* Read-only page, denied write, upgraded: the fault was not kept. An
 * upgrade is seen at the latest after an invalidation. */
static void denied_not_cached(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImXlat x;

    rig_put(w->r, world_leaf(w, w->iova), LEAF_WRITE, 0);
    world_on(w);
    x = world_dma(w, IM_WRITE, w->iova);
    xlat_is_fault(&x, IM_CPL_UR, 0x85);
    rig_put(w->r, world_leaf(w, w->iova), LEAF_WRITE, 1);
    x = world_dma(w, IM_WRITE, w->iova);
    xlat_is_ok(&x, w->hpa);
}

static void context_fault_not_cached(const void *data)
{
    WorldKind kind = (WorldKind)GPOINTER_TO_UINT(data);
    g_autoptr(World) w = world_new_off(NULL, kind, false);
    ImXlat x;

    rig_put(w->r, w->ctx, CTX_P, 0);
    world_on(w);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_fault(&x, IM_CPL_UR, kind == W_LEGACY ? 0x02 : 0x41);
    rig_put(w->r, w->ctx, CTX_P, 1);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->hpa);
}

static void pasid_fault_not_cached(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImXlat x;

    rig_put(w->r, w->pe, PE_P, 0);
    world_on(w);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_fault(&x, IM_CPL_UR, 0x59);
    rig_put(w->r, w->pe, PE_P, 1);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->hpa);
}

static void pasid_fault_not_cached_bad(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImXlat x;

    rig_put(w->r, w->pe, 511, 511, 1);
    world_on(w);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_fault(&x, IM_CPL_UR, 0x5a);
    rig_put(w->r, w->pe, 511, 511, 0);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->hpa);
}

/* --- tags --------------------------------------------------------------- */

static void pasids_do_not_mix(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    ImXlat x;

    w->fs = world_table(w);
    world_map(w, w->iova, w->hpa + 0x9000);
    world_pasid_entry(w, w->rid, w->pasid + 1, w->did);
    world_on(w);
    for (unsigned i = 0; i < 4; i++) {
        t.pasid = w->pasid + (i & 1);
        x = im_vtd_translate(w->r->vtd, &t);
        xlat_is_ok(&x, w->hpa + (i & 1 ? 0x9000 : 0));
    }
}

/* Same PASID, another function with another directory. */
static void requesters_do_not_mix(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    uint16_t other = (uint16_t)(w->rid ^ 0x8001);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);

    w->dir = rig_alloc(w->r, 32, RIG_READ);
    w->fs = world_table(w);
    world_map(w, w->iova, w->hpa + 0x9000);
    world_pasid_entry(w, other, w->pasid, (uint16_t)(w->did + 1));
    world_context(w, other);
    world_on(w);
    for (unsigned i = 0; i < 4; i++) {
        ImXlat x;

        t.rid = i & 1 ? other : w->rid;
        x = im_vtd_translate(w->r->vtd, &t);
        xlat_is_ok(&x, w->hpa + (i & 1 ? 0x9000 : 0));
    }
}

/* PASID 5 in a PASID prefix and RID_PASID are not one address space. */
static void prefix_and_rid_pasid_do_not_mix(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, false);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    ImXlat x;

    w->fs = world_table(w);
    world_map(w, w->iova, w->hpa + 0x9000);
    world_pasid_entry(w, w->rid, 5, w->did);
    world_on(w);
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_ok(&x, w->hpa);
    t.has_pasid = true;
    t.pasid = 5;
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_ok(&x, w->hpa + 0x9000);
    t.pasid = w->rid_pasid;             /* even when the page is cached */
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_fault(&x, IM_CPL_UR, 0x48);
}

/* --- more pages than entries -------------------------------------------- */

static void eviction_is_harmless(void)
{
    ImVtdConfig c = rig_vtd_config();

    c.iotlb_entries = 16;
    g_autoptr(World) w = world_new_off(&c, W_FS, true);
    for (unsigned i = 0; i < 200; i++) {
        world_map(w, 0x10000000 + 0x1000 * (uint64_t)i,
                  w->hpa + 0x1000 * (uint64_t)(i ^ 0x55));
    }
    world_on(w);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 200; i++) {
            ImXlat x = world_dma(w, IM_READ, 0x10000000 + 0x1000 * (uint64_t)i);

            xlat_is_ok(&x, w->hpa + 0x1000 * (uint64_t)(i ^ 0x55));
        }
    }
}

/* ESRTPS=1: SRTP drops everything. ESRTPS=0: software does. */
static void srtp_drops_all(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImXlat x;

    world_dma(w, IM_READ, w->iova);
    rig_put(w->r, w->ctx, CTX_P, 0);
    vb_set_root(w->r, w->root, TTM_SCALABLE);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_fault(&x, IM_CPL_UR, 0x41);
}

/* 11.4.4.1: disabling translation drops all DMA caches (SMTS=1). */
static void te_off_drops_all(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImXlat x;

    world_dma(w, IM_READ, w->iova);
    rig_put(w->r, w->pe, PE_P, 0);
    vb_gcmd(w->r, GCMD_TE, false);
    vb_gcmd(w->r, GCMD_TE, true);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_fault(&x, IM_CPL_UR, 0x59);
}

/* By itself: without ESRTPS a new root table drops nothing. */
static void reset_drops_all(void)
{
    ImVtdConfig c = rig_vtd_config();
    ImXlat x;

    c.esrtps = false;
    g_autoptr(World) w = world_new(&c, W_FS, true);
    world_dma(w, IM_READ, w->iova);
    im_vtd_reset(w->r->vtd);
    rig_put(w->r, world_leaf(w, w->iova), LEAF_READ, 0);
    vb_iq_enable(w->r, true);
    world_on(w);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_fault(&x, IM_CPL_UR, 0x71);
}

static void add_basic(void)
{
    for (unsigned k = 0; k < W_KINDS; k++) {
        g_autofree char *path = g_strdup_printf("hit-of-kind@%u", k);

        spec_row(VTD_6_2_1_PASID_TAG, path, hit_costs_nothing,
                 GUINT_TO_POINTER(k << 1 | (k >= W_FS)));
    }
    spec_test(VTD_6_2_1_PASID_TAG, "ats-hit", ats_hit_costs_nothing);
    spec_test(VTD_6_2_1_PASID_TAG, "neighbour-walks-less",
              neighbour_walks_less);
    spec_test(VTD_6_2_1_PASID_TAG, "pasids", pasids_do_not_mix);
    spec_test(VTD_6_2_1_PASID_TAG, "requesters", requesters_do_not_mix);
    spec_test(VTD_6_2_1_PASID_TAG, "prefix-and-rid-pasid",
              prefix_and_rid_pasid_do_not_mix);
    spec_test(VTD_6_2_1_PASID_TAG, "eviction", eviction_is_harmless);
    spec_test(VTD_6_2_4_NO_FAULTING, "absent", fault_not_cached);
    spec_test(VTD_6_2_4_NO_FAULTING, "denied", denied_not_cached);
    spec_row(VTD_6_2_2_NO_FAULTING, "legacy", context_fault_not_cached,
             GUINT_TO_POINTER(W_LEGACY));
    spec_row(VTD_6_2_2_NO_FAULTING, "scalable", context_fault_not_cached,
             GUINT_TO_POINTER(W_FS));
    spec_test(VTD_6_2_3_NO_FAULTING, "absent", pasid_fault_not_cached);
    spec_test(VTD_6_2_3_NO_FAULTING, "reserved", pasid_fault_not_cached_bad);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_basic();
    spec_test(VTD_6_6_SRTP, "drops-all-with-esrtps", srtp_drops_all);
    spec_test(VTD_REG_GCMD, "te-off-drops-all", te_off_drops_all);
    spec_test(VTD_REG_GCMD, "reset-drops-all", reset_drops_all);
    return g_test_run();
}
