/*
 * Translation requests and translated requests: chapter 4.2.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"
#include "lib/vtd_build.h"

#define FEE     UINT64_C(0xfee00000)

static ImXlat request(World *w, uint64_t addr, bool no_write)
{
    ImTxn t = world_txn(w, IM_AT_TRANSLATION, IM_READ);

    t.addr = addr;
    t.no_write = no_write;
    return im_vtd_translate(w->r->vtd, &t);
}

static uint64_t fs_leaf(World *w)
{
    return rig_r64(w->r, world_fs_entry(w, w->iova, 1));
}

/* --- what the completion says ------------------------------------------- */

static void perm_row(const void *data)
{
    unsigned n = GPOINTER_TO_UINT(data);
    g_autoptr(World) w = world_new(NULL, (WorldKind)(n >> 1), n & 1);
    ImXlat x = request(w, w->iova, false);

    xlat_is_ok(&x, w->hpa);
    g_assert_cmpuint(x.perm, ==, IM_PERM_R | IM_PERM_W);
    g_assert_false(x.priv);
    g_assert_false(x.global);
    g_assert_false(x.untranslated_only);
    g_assert_false(x.non_snoop);
    g_assert_cmpuint(im_vtd_counters(w->r->vtd)->ats_requests, ==, 1);
}

static void perm_write_only(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_SS, false);
    ImXlat x;

    rig_put(w->r, world_ss_entry(w, w->iova, 1), SSE_RW, SS_W);
    world_on(w);
    x = request(w, w->iova, false);
    xlat_is_ok(&x, w->hpa);
    g_assert_cmpuint(x.perm, ==, IM_PERM_W);
}

static void no_write(WorldKind kind, bool nwfs, unsigned want)
{
    ImVtdConfig c = rig_vtd_config();
    ImXlat x;

    c.no_write_flag = nwfs;
    g_autoptr(World) w = world_new(&c, kind, false);
    x = request(w, w->iova, true);
    xlat_is_ok(&x, w->hpa);
    g_assert_cmpuint(x.perm, ==, want);
}

static void no_write_with_nwfs(void)
{
    no_write(W_FS, true, IM_PERM_R);
    no_write(W_SS, true, IM_PERM_R);
    no_write(W_PT, true, IM_PERM_R);
    no_write(W_LEGACY, true, IM_PERM_R);
}

static void no_write_without_nwfs(void)
{
    no_write(W_FS, false, IM_PERM_R | IM_PERM_W);
    no_write(W_LEGACY, false, IM_PERM_R | IM_PERM_W);
}

/* NW of one request says nothing about the next. */
static void no_write_is_not_cached(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImXlat x = request(w, w->iova, true);

    g_assert_cmpuint(x.perm, ==, IM_PERM_R);
    x = request(w, w->iova, false);
    g_assert_cmpuint(x.perm, ==, IM_PERM_R | IM_PERM_W);
    x = world_dma(w, IM_WRITE, w->iova);
    xlat_is_ok(&x, w->hpa);
}

static void dirty(bool nwfs, bool nw, bool want)
{
    ImVtdConfig c = rig_vtd_config();

    c.no_write_flag = nwfs;
    g_autoptr(World) w = world_new(&c, W_FS, true);
    request(w, w->iova, nw);
    g_assert_cmphex(fs_leaf(w) & FS_A, ==, FS_A);
    g_assert_cmpint(!!(fs_leaf(w) & FS_D), ==, want);
}

static void dirty_by_request(void)
{
    dirty(true, false, true);
    dirty(true, true, false);
    dirty(false, false, true);
    dirty(false, true, true);
}

/* No W granted: no D. */
static void dirty_only_with_w(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);

    rig_put(w->r, world_fs_entry(w, w->iova, 1), FSE_RW, 0);
    world_on(w);
    request(w, w->iova, false);
    g_assert_cmphex(fs_leaf(w) & FS_D, ==, 0);
}

static ImXlat privileged(bool srs, bool sre, bool pasid, uint64_t flags)
{
    ImVtdConfig c = rig_vtd_config();
    ImTxn t;

    c.supervisor = srs;
    g_autoptr(World) w = world_new_off(&c, W_FS, pasid);
    world_fs_map(w, w->iova, w->hpa, 12, flags);
    rig_put(w->r, w->pe, PE_SRE, sre);
    rig_put(w->r, w->pe, PE_WPE, 1);
    world_on(w);
    t = world_txn(w, IM_AT_TRANSLATION, IM_READ);
    t.priv = pasid;
    return im_vtd_translate(w->r->vtd, &t);
}

static void priv_granted(void)
{
    ImXlat x = privileged(true, true, true, FS_P | FS_RW);

    g_assert_true(x.priv);
    g_assert_cmpuint(x.perm, ==, IM_PERM_R | IM_PERM_W);
    x = privileged(true, true, true, FS_P);
    g_assert_true(x.priv);
    g_assert_cmpuint(x.perm, ==, IM_PERM_R);
}

static void priv_without_sre(void)
{
    ImXlat x = privileged(true, false, true, FS_RWU);

    g_assert_true(x.priv);
    xlat_is_nothing(&x);
}

static void priv_without_srs(void)
{
    ImXlat x = privileged(false, false, true, FS_RWU);

    g_assert_true(x.priv);
    xlat_is_nothing(&x);
}

static void priv_clear_for_users(void)
{
    ImXlat x = privileged(true, true, false, FS_RWU);

    g_assert_false(x.priv);
    g_assert_cmpuint(x.perm, ==, IM_PERM_R | IM_PERM_W);
}

typedef struct SnoopRow {
    const char *name;
    WorldKind kind;
    bool sc, pgsnp, snp, want;
} SnoopRow;

static const SnoopRow snoop[] = {
    { "legacy-snp", W_LEGACY, true, false, true, true },
    { "legacy", W_LEGACY, true, false, false, false },
    { "first-stage", W_FS, true, false, false, false },
    { "first-stage-pgsnp", W_FS, true, true, false, true },
    { "pass-through-pgsnp", W_PT, true, true, false, true },
    { "second-stage-pgsnp", W_SS, true, true, false, true },
    { "second-stage-snp", W_SS, true, false, true, true },
    { "second-stage", W_SS, true, false, false, false },
    { "nested-pgsnp", W_NESTED, true, true, false, true },
    { "nested-snp", W_NESTED, true, false, true, true },
    { "nested-without-sc", W_NESTED, false, false, false, false },
};

static void snoop_row(const void *data)
{
    const SnoopRow *row = data;
    ImVtdConfig c = rig_vtd_config();
    ImXlat x;

    c.snoop_control = row->sc;
    g_autoptr(World) w = world_new_off(&c, row->kind, false);
    if (row->pgsnp) {
        rig_put(w->r, w->pe, PE_PGSNP, 1);
    }
    if (row->snp) {
        uint64_t ipa = row->kind == W_NESTED ? w->gpa : w->iova;

        rig_put(w->r, world_ss_entry(w, ipa, 1), SSE_SNP, 1);
    }
    world_on(w);
    x = request(w, w->iova, false);
    xlat_is_ok(&x, w->hpa);
    g_assert_cmpint(x.non_snoop, ==, row->want);
    x = request(w, w->iova, false);             /* and from the cache */
    g_assert_cmpint(x.non_snoop, ==, row->want);
}

static void size_of_the_page(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImXlat x;

    world_fs_map(w, 0x40000000, UINT64_C(0x140000000), 21, FS_RWU);
    world_fs_map(w, 0x80000000, UINT64_C(0x240000000), 30, FS_RWU);
    world_on(w);
    x = request(w, w->iova, false);
    g_assert_cmphex(x.mask, ==, 0xfff);
    x = request(w, 0x40123000, false);
    xlat_is_ok(&x, UINT64_C(0x140123000));
    g_assert_cmphex(x.mask, ==, 0x1fffff);
    x = request(w, 0x81234000, false);
    xlat_is_ok(&x, UINT64_C(0x241234000));
    g_assert_cmphex(x.mask, ==, 0x3fffffff);
}

static void size_of_pass_through(void)
{
    g_autoptr(World) w = world_new(NULL, W_PT, true);
    ImXlat x = request(w, UINT64_C(0x240123000), false);

    xlat_is_ok(&x, UINT64_C(0x240123000));
    g_assert_cmphex(x.mask, ==, 0x3fffffff);
    g_assert_cmpuint(x.perm, ==, IM_PERM_R | IM_PERM_W);
}

/* A first stage with 1 GiB pages is enough, and so is a second. */
static void size_of_pass_through_by_one_stage(void)
{
    for (unsigned fs = 0; fs < 2; fs++) {
        ImVtdConfig c = rig_vtd_config();

        c.fs1gp = fs;
        c.ss1g = !fs;
        g_autoptr(World) w = world_new(&c, W_PT, true);
        ImXlat x = request(w, UINT64_C(0x240123000), false);

        g_assert_cmphex(x.mask, ==, 0x3fffffff);
    }
}

static void size_of_pass_through_2m(void)
{
    ImVtdConfig c = rig_vtd_config();

    c.fs1gp = c.ss1g = false;
    g_autoptr(World) w = world_new(&c, W_PT, true);
    ImXlat x = request(w, UINT64_C(0x240123000), false);

    g_assert_cmphex(x.mask, ==, 0x1fffff);
}

/* --- the interrupt range ------------------------------------------------ */

static void fee_without_pasid(WorldKind kind)
{
    g_autoptr(World) w = world_new(NULL, kind, false);
    ImXlat x = request(w, FEE + 0x3000, false);

    g_assert_cmpuint(x.status, ==, IM_OK);
    g_assert_true(x.untranslated_only);
    g_assert_cmpuint(x.perm, ==, IM_PERM_W);
    g_assert_cmphex(x.mask, ==, 0xfff);
    x = request(w, FEE + 0x3000, true);
    xlat_is_nothing(&x);
    g_assert_cmpuint(vb_faults(w->r), ==, 0);
}

static void fee_nw_0(void)
{
    fee_without_pasid(W_FS);
    fee_without_pasid(W_PT);
    fee_without_pasid(W_LEGACY);
}

static void fee_nw_1(void)
{
    g_autoptr(World) w = world_new(NULL, W_SS, false);
    ImXlat x = request(w, FEE, true);

    xlat_is_nothing(&x);
    g_assert_cmpuint(vb_faults(w->r), ==, 0);
}

/* 11.4.3, NWFS=0: NW is ignored, here too. */
static void fee_no_nwfs(void)
{
    static const WorldKind kinds[] = { W_LEGACY, W_FS, W_SS, W_NESTED, W_PT };
    ImVtdConfig c = rig_vtd_config();

    c.no_write_flag = false;
    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(World) w = world_new(&c, kinds[i], false);

        for (unsigned nw = 0; nw < 2; nw++) {
            ImXlat x = request(w, FEE, nw);

            g_assert_cmpuint(x.status, ==, IM_OK);
            g_assert_cmpuint(x.perm, ==, IM_PERM_W);
            g_assert_true(x.untranslated_only);
        }
    }
}

static void fee_with_pasid(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImXlat x;

    world_map(w, FEE, w->hpa);
    world_on(w);
    x = request(w, FEE, false);
    xlat_is_ok(&x, w->hpa);
    g_assert_false(x.untranslated_only);
}

/* --- blocked, also when a cache could answer ---------------------------- */

static void blocked_on_a_hit(WorldKind kind, uint8_t fault)
{
    g_autoptr(World) w = world_new_off(NULL, kind, false);
    ImTxn t = world_txn(w, IM_AT_TRANSLATION, IM_READ);
    ImXlat x;

    if (kind >= W_FS) {
        rig_put(w->r, w->ctx, SCTX_DTE, 0);
        rig_put(w->r, w->ctx, SCTX_PRE, 0);
    }
    world_on(w);
    for (unsigned i = 0; i < 2; i++) {
        x = world_dma(w, IM_READ, w->iova);
        xlat_is_ok(&x, w->hpa);
        x = im_vtd_translate(w->r->vtd, &t);
        xlat_is_fault(&x, IM_CPL_UR, fault);
        vb_fault_clear(w->r);
    }
    t = world_txn(w, IM_AT_TRANSLATED, IM_READ);
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_fault(&x, IM_CPL_UR, fault);
}

static void legacy_blocked_on_a_hit(void)
{
    blocked_on_a_hit(W_LEGACY_NO_ATS, 0x0d);
    blocked_on_a_hit(W_LEGACY_PT, 0x0d);
}

static void scalable_blocked_on_a_hit(void)
{
    blocked_on_a_hit(W_FS, 0x44);
    blocked_on_a_hit(W_SS, 0x44);
    blocked_on_a_hit(W_PT, 0x44);
}

/* --- translated requests ------------------------------------------------ */

static void translated_row(const void *data)
{
    WorldKind kind = (WorldKind)GPOINTER_TO_UINT(data);
    g_autoptr(World) w = world_new(NULL, kind, false);
    static const ImAccess all[] = { IM_READ, IM_WRITE, IM_ATOMIC };

    for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
        ImTxn t = world_txn(w, IM_AT_TRANSLATED, all[i]);
        ImXlat x = im_vtd_translate(w->r->vtd, &t);

        xlat_is_ok(&x, w->hpa);
        g_assert_cmpuint(x.perm & all[i], ==, all[i]);
    }
    g_assert_cmpuint(im_vtd_counters(w->r->vtd)->translated, ==, 3);
}

/* HPTE=0: nothing below the context entry is looked at. */
static void translated_needs_no_tables(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, false);
    ImTxn t = world_txn(w, IM_AT_TRANSLATED, IM_WRITE);
    ImXlat x;

    rig_put(w->r, w->pe, PE_P, 0);
    world_on(w);
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_ok(&x, w->hpa);
}

/* --- protocol errors ---------------------------------------------------- */

static void at_reserved(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImTxn t = world_txn(w, IM_AT_RESERVED, IM_READ);
    ImXlat x = im_vtd_translate(w->r->vtd, &t);

    g_assert_cmpuint(x.status, ==, IM_FAULT);
    g_assert_cmpuint(x.cpl, ==, IM_CPL_UR);
    t.access = IM_WRITE;
    x = im_vtd_translate(w->r->vtd, &t);
    g_assert_cmpuint(x.cpl, ==, IM_CPL_UR);
}

static void at_write(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImTxn t = world_txn(w, IM_AT_TRANSLATION, IM_WRITE);
    ImXlat x = im_vtd_translate(w->r->vtd, &t);

    g_assert_cmpuint(x.status, ==, IM_FAULT);
    g_assert_cmpuint(x.cpl, ==, IM_CPL_UR);
    g_assert_cmphex(fs_leaf(w) & (FS_A | FS_D), ==, 0);
}

static void malformed_length(void)
{
    static const uint64_t bad[] = { 0, 4, 12, 2, 72, 128, 4096 };
    g_autoptr(World) w = world_new(NULL, W_FS, true);

    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        ImTxn t = world_txn(w, IM_AT_TRANSLATION, IM_READ);
        ImXlat x;

        t.len = bad[i];
        x = im_vtd_translate(w->r->vtd, &t);
        g_assert_cmpuint(x.status, ==, IM_FAULT);
        g_assert_cmpuint(x.perm, ==, 0);
    }
}

static void tes_0(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    static const ImAt at[] = { IM_AT_TRANSLATION, IM_AT_TRANSLATED,
                               IM_AT_RESERVED };

    for (unsigned i = 0; i < G_N_ELEMENTS(at); i++) {
        ImTxn t = world_txn(w, at[i], IM_READ);
        ImXlat x = im_vtd_translate(w->r->vtd, &t);

        g_assert_cmpuint(x.status, ==, IM_FAULT);
        g_assert_cmpuint(x.cpl, ==, IM_CPL_UR);
    }
    g_assert_cmpuint(vb_faults(w->r), ==, 0);
    g_assert_cmpuint(w->r->accesses, ==, 0);
}

/* A page that appears later is found: nothing was remembered. */
static void miss_then_hit(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImXlat x = request(w, 0x5000, false);

    xlat_is_nothing(&x);
    world_map(w, 0x5000, w->hpa + 0x5000);
    x = request(w, 0x5000, false);
    xlat_is_ok(&x, w->hpa + 0x5000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    static const WorldKind kinds[] = { W_LEGACY, W_FS, W_SS, W_NESTED, W_PT };

    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *path = g_strdup_printf("kind@%u", kinds[i]);

        spec_row(VTD_4_2_3_PERM, path, perm_row,
                 GUINT_TO_POINTER(kinds[i] << 1));
        spec_row(VTD_4_2_3_TRANSLATED, path, translated_row,
                 GUINT_TO_POINTER(kinds[i]));
        if (kinds[i] >= W_FS) {
            g_autofree char *p2 = g_strdup_printf("%s/pasid", path);

            spec_row(VTD_4_2_3_PERM, p2, perm_row,
                     GUINT_TO_POINTER(kinds[i] << 1 | 1));
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(snoop); i++) {
        spec_row(VTD_4_2_3_N, snoop[i].name, snoop_row, &snoop[i]);
    }
    spec_test(VTD_4_2_3_PERM, "write-only", perm_write_only);
    spec_test(VTD_4_2_3_PERM, "miss-is-not-remembered", miss_then_hit);
    spec_test(VTD_4_2_3_NW, "nwfs", no_write_with_nwfs);
    spec_test(VTD_4_2_3_NW, "no-nwfs", no_write_without_nwfs);
    spec_test(VTD_4_2_3_NW, "not-cached", no_write_is_not_cached);
    spec_test(VTD_4_2_3_1_DIRTY, "by-nw", dirty_by_request);
    spec_test(VTD_4_2_3_1_DIRTY, "only-with-w", dirty_only_with_w);
    spec_test(VTD_4_2_3_PRIV, "granted", priv_granted);
    spec_test(VTD_4_2_3_PRIV, "sre-0", priv_without_sre);
    spec_test(VTD_4_2_3_PRIV, "srs-0", priv_without_srs);
    spec_test(VTD_4_2_3_PRIV, "users", priv_clear_for_users);
    spec_test(VTD_4_2_3_SIZE, "of-the-page", size_of_the_page);
    spec_test(VTD_4_2_3_PT_SIZE, "1g", size_of_pass_through);
    spec_test(VTD_4_2_3_PT_SIZE, "1g-of-one-stage",
              size_of_pass_through_by_one_stage);
    spec_test(VTD_4_2_3_PT_SIZE, "2m", size_of_pass_through_2m);
    spec_test(VTD_7_1_3_S1, "nw-0", fee_nw_0);
    spec_test(VTD_7_1_3_S2, "nw-1", fee_nw_1);
    spec_test(VTD_4_2_3_NW, "no-nwfs-interrupt-range", fee_no_nwfs);
    spec_test(VTD_3_15_PASID, "translation-request", fee_with_pasid);
    spec_test(VTD_4_2_3_TRANSLATED, "no-walk", translated_needs_no_tables);
    spec_test(VTD_FLT_LCT_5, "on-a-hit", legacy_blocked_on_a_hit);
    spec_test(VTD_FLT_SCT_5, "on-a-hit", scalable_blocked_on_a_hit);
    spec_test(VTD_4_2_1_AT_RESERVED, "ur", at_reserved);
    spec_test(VTD_4_2_1_AT_WRITE, "ur", at_write);
    spec_test(VTD_4_2_1_MALFORMED, "lengths", malformed_length);
    spec_test(VTD_4_2_1_TES0, "ur", tes_0);
    return g_test_run();
}
