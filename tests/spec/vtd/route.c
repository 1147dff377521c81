/*
 * The route of a request: every kind of entry, RID_PASID (3.4.3), pass-through
 * (3.9), translation off (3.1), the interrupt range (3.15).
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"
#include "lib/vtd_build.h"

#define FEE         UINT64_C(0xfee00000)

/* --- every kind, once --------------------------------------------------- */

static void kind_works(WorldKind kind, bool pasid)
{
    g_autoptr(World) w = world_new(NULL, kind, pasid);
    static const ImAccess all[] = { IM_READ, IM_WRITE, IM_ATOMIC };

    for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
        ImXlat x = world_dma(w, all[i], w->iova + 0x678);

        xlat_is_ok(&x, w->hpa + 0x678);
        g_assert_cmpuint(x.perm & all[i], ==, all[i]);
        g_assert_false(x.interrupt);
        g_assert_cmphex(x.mask & 0xfff, ==, 0xfff);
    }
    g_assert_cmpuint(vb_faults(w->r), ==, 0);
}

static void kind_row(const void *data)
{
    unsigned n = GPOINTER_TO_UINT(data);

    kind_works((WorldKind)(n >> 1), n & 1);
}

/* --- pass-through, RID_PASID, PASIDs ------------------------------------ */

static void pass_through_any_address(void)
{
    g_autoptr(World) w = world_new(NULL, W_PT, true);
    ImXlat x = world_dma(w, IM_WRITE, (UINT64_C(1) << 46) - 0x1000);

    xlat_is_ok(&x, (UINT64_C(1) << 46) - 0x1000);
    g_assert_cmpuint(x.perm & 3, ==, 3);
}

/* 9.3, TT=10: the address is below the width of AW, here 39, and below that
 * of host addresses, here 46. */
static void pass_through_aw(void)
{
    static const struct {
        unsigned aw, bits;
    } rows[] = { { 1, 39 }, { 2, 46 } };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(World) w = world_new_off(NULL, W_LEGACY_PT, false);
        uint64_t end = UINT64_C(1) << rows[i].bits;
        ImXlat x;

        rig_put(w->r, w->ctx, CTX_AW, rows[i].aw);
        world_on(w);
        x = world_dma(w, IM_READ, end - 0x1000);
        xlat_is_ok(&x, end - 0x1000);
        x = world_dma(w, IM_READ, end);
        xlat_is_fault(&x, IM_CPL_UR, 0x04);
    }
}

/* 9.3: TT=10 ignores SSPTPTR, its upper bits included. */
static void pass_through_ignores_pointer(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_LEGACY_PT, false);
    ImXlat x;

    rig_put(w->r, w->ctx, CTX_SSPTPTR, UINT64_C(0xfffffffffffff));
    rig_put(w->r, w->ctx, 70, 67, 0xf);
    world_on(w);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->iova);
}

/* FS and PT entries: AW, SSPTPTR; SS and PT: FSPM, FSPTPTR, WPE. */
static void ignored_fields(WorldKind kind)
{
    g_autoptr(World) w = world_new_off(NULL, kind, true);
    ImXlat x;

    if (kind == W_FS || kind == W_PT) {
        rig_put(w->r, w->pe, PE_AW, 7);
        rig_put(w->r, w->pe, PE_SSADE, 1);
        rig_put(w->r, w->pe, PE_SSPTPTR, w->r->ram_top >> 12);
    }
    if (kind == W_SS || kind == W_PT) {
        rig_put(w->r, w->pe, PE_WPE, 1);
        rig_put(w->r, w->pe, PE_EAFE, 1);
        rig_put(w->r, w->pe, PE_FSPTPTR, w->r->ram_top >> 12);
    }
    rig_put(w->r, w->pe, 134, 133, 3);
    world_on(w);
    x = world_dma(w, IM_WRITE, w->iova);
    xlat_is_ok(&x, w->hpa);
}

/* AW says nothing of where the first stage's own tables are. */
static void ignored_width(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    uint64_t top = UINT64_C(1) << 40;
    ImXlat x;

    w->r->ram_top = 2 * top;
    rig_offer(w->r, top, 1, RIG_TABLE);
    for (unsigned i = 0; i < 512; i++) {
        rig_w64(w->r, top + 8 * i, rig_r64(w->r, w->fs + 8 * i));
    }
    rig_put(w->r, w->pe, PE_FSPTPTR, top >> 12);
    rig_put(w->r, w->pe, PE_AW, 1);             /* 39 bits */
    world_on(w);
    x = world_dma(w, IM_WRITE, w->iova);
    xlat_is_ok(&x, w->hpa);
}

static void ignored_row(const void *data)
{
    ignored_fields((WorldKind)GPOINTER_TO_UINT(data));
}

static void rid_pasid_zero_without_rps(void)
{
    ImVtdConfig c = rig_vtd_config();

    c.rid_pasid = false;
    g_autoptr(World) w = world_new(&c, W_FS, false);
    ImXlat x = world_dma(w, IM_READ, w->iova);

    g_assert_cmphex(w->pasid, ==, 0);
    xlat_is_ok(&x, w->hpa);
}

static void rid_pasid_without_paside(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, false);
    ImXlat x;

    rig_put(w->r, w->ctx, SCTX_PASIDE, 0);
    world_on(w);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->hpa);
}

/* A bad RID_PASID entry is no concern of a request with PASID. */
static void rid_pasid_entry_not_looked_at(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    uint64_t bad = world_pasid_entry(w, w->rid, w->rid_pasid, w->did);
    ImXlat x;

    rig_put(w->r, bad, 511, 511, 1);
    world_on(w);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->hpa);
}

static void pasid_twenty_bits(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    static const uint32_t pasid[] = { 1, 0x10001, 0x80000, 0xfffff };
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);

    for (unsigned i = 0; i < G_N_ELEMENTS(pasid); i++) {
        w->fs = world_table(w);
        world_map(w, w->iova, w->hpa + 0x1000 * i);
        world_pasid_entry(w, w->rid, pasid[i], w->did);
    }
    world_on(w);
    for (unsigned i = 0; i < G_N_ELEMENTS(pasid); i++) {
        ImXlat x;

        t.pasid = pasid[i];
        x = im_vtd_translate(w->r->vtd, &t);
        xlat_is_ok(&x, w->hpa + 0x1000 * i);
    }
}

/* Reserved bits of the half that is not used are ignored. */
static void root_other_half(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImXlat x;

    rig_w64(w->r, w->root_entry - 8, UINT64_C(0xfff0000000000ffe));
    world_on(w);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->hpa);
}

/* --- translation off ---------------------------------------------------- */

static void off_is_identity(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImXlat x = world_dma(w, IM_WRITE, UINT64_C(0x123456789a0));

    xlat_is_ok(&x, UINT64_C(0x123456789a0));
    g_assert_cmpuint(x.perm & 3, ==, IM_PERM_R | IM_PERM_W);
    g_assert_cmpuint(w->r->accesses, ==, 0);
    world_on(w);
    vb_gcmd(w->r, GCMD_TE, false);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->iova);
}

/* --- interrupt range ---------------------------------------------------- */

static ImXlat fee(WorldKind kind, bool pasid, ImAccess access, uint64_t addr,
                  uint64_t len)
{
    g_autoptr(World) w = world_new(NULL, kind, pasid);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, access);

    t.addr = addr;
    t.len = len;
    return im_vtd_translate(w->r->vtd, &t);
}

static void fee_dword_write(void)
{
    static const WorldKind kind[] = { W_LEGACY, W_FS, W_SS, W_PT };

    for (unsigned i = 0; i < G_N_ELEMENTS(kind); i++) {
        ImXlat x = fee(kind[i], false, IM_WRITE, FEE + 0x1234, 4);

        xlat_is_ok(&x, FEE + 0x1234);
        g_assert_true(x.interrupt);
    }
}

static void fee_zero_length_read(void)
{
    ImXlat x = fee(W_FS, false, IM_READ, FEE, 0);

    g_assert_cmpuint(x.status, ==, IM_OK);
    g_assert_false(x.interrupt);
}

static void fee_illegal(void)
{
    static const struct {
        ImAccess access;
        uint64_t addr, len;
    } bad[] = {
        { IM_READ, FEE, 4 },
        { IM_WRITE, FEE, 8 },
        { IM_WRITE, FEE, 2 },
        { IM_ATOMIC, FEE, 4 },
        { IM_WRITE, FEE + 0xffff8, 64 },
        { IM_WRITE, FEE + 2, 4 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        ImXlat x = fee(W_SS, false, bad[i].access, bad[i].addr, bad[i].len);

        xlat_is_fault(&x, IM_CPL_UR, 0x29);
    }
}

static void fee_edges(void)
{
    ImXlat x = fee(W_PT, false, IM_READ, FEE - 0x1000, 64);

    xlat_is_ok(&x, FEE - 0x1000);
    x = fee(W_PT, false, IM_READ, FEE + 0x100000, 64);
    xlat_is_ok(&x, FEE + 0x100000);
}

/* What a covering answer says must not swallow the interrupt range. */
static void fee_not_inside_a_mask(void)
{
    g_autoptr(World) w = world_new(NULL, W_PT, false);
    ImXlat x = world_dma(w, IM_READ, UINT64_C(0xc0000000));

    xlat_is_ok(&x, UINT64_C(0xc0000000));
    g_assert_cmphex(UINT64_C(0xc0000000) | x.mask, <, FEE);
}

static void fee_with_pasid_is_translated(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_WRITE);
    ImXlat x;

    world_map(w, FEE, w->hpa);
    world_on(w);
    t.addr = FEE;
    t.len = 4;
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_ok(&x, w->hpa);
    g_assert_false(x.interrupt);
}

static void add_rows(void)
{
    static const char *const kind[W_KINDS] = {
        "legacy",       "legacy-no-ats", "legacy-pass-through", "first-stage",
        "second-stage", "nested",        "pass-through",
    };

    for (unsigned k = 0; k < W_KINDS; k++) {
        g_autofree char *path = g_strdup_printf("request@%s", kind[k]);

        spec_row(VTD_3_4_RID_PASID, path, kind_row, GUINT_TO_POINTER(k << 1));
        if (k >= W_FS) {
            g_autofree char *p2 = g_strdup_printf("pasid@%s", kind[k]);

            spec_row(VTD_3_4_RID_PASID, p2, kind_row,
                     GUINT_TO_POINTER(k << 1 | 1));
        }
    }
    spec_row(VTD_9_6_IGNORED, "first-stage", ignored_row,
             GUINT_TO_POINTER(W_FS));
    spec_test(VTD_9_6_IGNORED, "first-stage-width", ignored_width);
    spec_row(VTD_9_6_IGNORED, "second-stage", ignored_row,
             GUINT_TO_POINTER(W_SS));
    spec_row(VTD_9_6_IGNORED, "pass-through", ignored_row,
             GUINT_TO_POINTER(W_PT));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_rows();
    spec_test(VTD_3_9_PASS_THROUGH, "last-page", pass_through_any_address);
    spec_test(VTD_9_3_AW_PASS, "beyond-aw", pass_through_aw);
    spec_test(VTD_3_9_PASS_THROUGH, "ignores-the-pointer",
              pass_through_ignores_pointer);
    spec_test(VTD_3_4_RID_PASID, "zero-without-rps",
              rid_pasid_zero_without_rps);
    spec_test(VTD_3_4_RID_PASID, "without-paside", rid_pasid_without_paside);
    spec_test(VTD_3_4_RID_PASID, "bad-entry-is-not-looked-at",
              rid_pasid_entry_not_looked_at);
    spec_test(VTD_3_4_RID_PASID, "twenty-bits", pasid_twenty_bits);
    spec_test(VTD_3_4_RID_PASID, "other-half-of-root-entry", root_other_half);
    spec_test(VTD_3_1_TES0_PASID, "identity", off_is_identity);
    spec_test(VTD_3_15_INTERRUPT, "dword-write", fee_dword_write);
    spec_test(VTD_3_15_ZLR, "completes", fee_zero_length_read);
    spec_test(VTD_3_15_ILLEGAL, "everything-else", fee_illegal);
    spec_test(VTD_3_15_ILLEGAL, "edges", fee_edges);
    spec_test(VTD_3_15_ILLEGAL, "inside-an-answer", fee_not_inside_a_mask);
    spec_test(VTD_3_15_PASID, "translated", fee_with_pasid_is_translated);
    return g_test_run();
}
