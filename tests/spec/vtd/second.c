/*
 * Second-stage and nested translation: 3.7, 3.8, zero-length reads: 3.14.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"
#include "lib/vtd_build.h"

#define MB2_BASE    UINT64_C(0x140000000)
#define GB1_BASE    UINT64_C(0x240000000)

static uint64_t fs_e(World *w, unsigned level)
{
    return rig_r64(w->r, world_fs_entry(w, w->iova, level));
}

static uint64_t ss_e(World *w, unsigned level)
{
    return rig_r64(w->r, world_ss_entry(w, w->iova, level));
}

/* --- second stage ------------------------------------------------------- */

static void ss_levels(WorldKind kind, unsigned aw)
{
    ImVtdConfig c = rig_vtd_config();
    uint64_t last = (UINT64_C(1) << aw) - 0x1000;
    ImXlat x;

    c.aw_bits = (uint8_t)aw;
    c.haw_bits = (uint8_t)MIN(aw, 46);
    c.fs5lp = false;
    g_autoptr(World) w = world_new_off(&c, kind, false);
    world_map(w, last, w->hpa);
    world_map(w, 0, w->hpa + 0x1000);
    world_on(w);
    x = world_dma(w, IM_READ, last);
    xlat_is_ok(&x, w->hpa);
    x = world_dma(w, IM_READ, 0);
    xlat_is_ok(&x, w->hpa + 0x1000);
    x = world_dma(w, IM_READ, UINT64_C(1) << aw);
    xlat_is_fault(&x, IM_CPL_UR, kind == W_SS ? 0x84 : 0x04);
}

static void ss_levels_row(const void *data)
{
    unsigned n = GPOINTER_TO_UINT(data);

    ss_levels(n & 1 ? W_SS : W_LEGACY, n >> 1);
}

/* AW of the entry, not of the unit, bounds the address. */
static void ss_narrow_aw(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_SS, false);
    ImXlat x;

    g_assert_cmphex(rig_reg64(w->r, REG_CAP) >> 9 & 1, ==, 1);  /* SAGAW */
    w->ss = rig_alloc(w->r, 1, RIG_TABLE);
    w->ss_levels = 3;
    world_pasid_entry(w, w->rid, w->pasid, w->did);
    world_map(w, 0x7000, w->hpa);
    world_on(w);
    x = world_dma(w, IM_READ, 0x7000);
    xlat_is_ok(&x, w->hpa);
    x = world_dma(w, IM_READ, UINT64_C(1) << 39);
    xlat_is_fault(&x, IM_CPL_UR, 0x84);
}

static void ss_large(unsigned lg2, uint64_t base)
{
    g_autoptr(World) w = world_new_off(NULL, W_SS, false);
    uint64_t size = UINT64_C(1) << lg2;
    uint64_t ipa = UINT64_C(0x5500000000) & ~(size - 1);
    ImXlat x;

    world_ss_map(w, ipa, base, lg2, SS_RW);
    world_on(w);
    x = world_dma(w, IM_WRITE, ipa + size - 64);
    xlat_is_ok(&x, base + size - 64);
    g_assert_cmphex(x.mask, ==, size - 1);
}

static void ss_2m(void)
{
    ss_large(21, MB2_BASE);
}

static void ss_1g(void)
{
    ss_large(30, GB1_BASE);
}

static void ss_ignored_bits(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_SS, false);
    ImXlat x;

    for (unsigned l = 1; l <= 4; l++) {
        uint64_t e = world_ss_entry(w, w->iova, l);

        rig_put(w->r, e, 2, 2, 1);
        rig_put(w->r, e, 6, 3, 0xf);
        rig_put(w->r, e, 10, 8, 7);
        rig_put(w->r, e, 60, 52, 0x1ff);
        rig_put(w->r, e, 63, 63, 1);
    }
    rig_put(w->r, world_ss_entry(w, w->iova, 1), SSE_PS, 1);
    world_on(w);
    x = world_dma(w, IM_WRITE, w->iova);
    xlat_is_ok(&x, w->hpa);
}

/* Reserved bits of an entry with R=W=0 are nobody's business. */
static void ss_absent_not_reserved(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_SS, false);
    ImXlat x;

    rig_w64(w->r, world_ss_entry(w, w->iova, 1), UINT64_C(1) << 51);
    world_on(w);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_fault(&x, IM_CPL_UR, 0x79);
}

static void ss_rights_and(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_SS, false);
    ImTxn t = world_txn(w, IM_AT_TRANSLATION, IM_READ);
    ImXlat x;

    rig_put(w->r, world_ss_entry(w, w->iova, 3), SSE_RW, SS_R);
    world_on(w);
    x = im_vtd_translate(w->r->vtd, &t);
    g_assert_cmpuint(x.perm, ==, IM_PERM_R);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->hpa);
    x = world_dma(w, IM_WRITE, w->iova);
    xlat_is_fault(&x, IM_CPL_UR, 0x85);
}

static void ss_no_flags_without_ssade(void)
{
    g_autoptr(World) w = world_new(NULL, W_SS, false);

    world_dma(w, IM_WRITE, w->iova);
    g_assert_cmpuint(w->r->updates, ==, 0);
    g_assert_cmphex(ss_e(w, 1) & (SS_A | SS_D), ==, 0);
}

static void ss_ssade_flags(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_SS, false);

    rig_put(w->r, w->pe, PE_SSADE, 1);
    world_on(w);
    world_dma(w, IM_READ, w->iova);
    for (unsigned l = 1; l <= 4; l++) {
        g_assert_cmphex(ss_e(w, l) & (SS_A | SS_D), ==, SS_A);
    }
    world_dma(w, IM_WRITE, w->iova);
    g_assert_cmphex(ss_e(w, 1) & (SS_A | SS_D), ==, SS_A | SS_D);
    g_assert_cmphex(ss_e(w, 2) & SS_D, ==, 0);
}

static void legacy_never_sets_flags(void)
{
    g_autoptr(World) w = world_new(NULL, W_LEGACY, false);

    world_dma(w, IM_WRITE, w->iova);
    g_assert_cmpuint(w->r->updates, ==, 0);
}

static void zero_length_read(WorldKind kind, bool zlr)
{
    ImVtdConfig c = rig_vtd_config();
    ImTxn t;
    ImXlat x;

    c.zlr = zlr;
    g_autoptr(World) w = world_new_off(&c, kind, false);
    rig_put(w->r, world_ss_entry(w, w->kind == W_NESTED ? w->gpa : w->iova, 1),
            SSE_RW, SS_W);
    world_on(w);
    t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    t.len = 0;
    x = im_vtd_translate(w->r->vtd, &t);
    if (zlr) {
        g_assert_cmpuint(x.status, ==, IM_OK);
    } else {
        xlat_is_fault(&x, IM_CPL_UR, kind == W_LEGACY ? 0x06 : 0x86);
    }
    t.len = 4;
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_fault(&x, IM_CPL_UR, kind == W_LEGACY ? 0x06 : 0x86);
}

static void zero_length_row(const void *data)
{
    unsigned n = GPOINTER_TO_UINT(data);

    zero_length_read((WorldKind)(n >> 1), n & 1);
}

/* --- nested ------------------------------------------------------------- */

static void nested_rights(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_NESTED, true);
    ImTxn t = world_txn(w, IM_AT_TRANSLATION, IM_READ);
    ImXlat x;

    rig_put(w->r, world_fs_entry(w, w->iova, 1), FSE_RW, 0);
    world_on(w);
    x = im_vtd_translate(w->r->vtd, &t);
    g_assert_cmpuint(x.perm, ==, IM_PERM_R);
    g_assert_cmphex(x.addr, ==, w->hpa);
}

/* Smaller of the two page sizes, whichever stage has it. */
static void nested_sizes(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_NESTED, true);
    uint64_t gpa = UINT64_C(0x1200000000);
    ImXlat x;

    world_fs_map(w, 0x40000000, gpa, 30, FS_RWU);
    world_ss_map(w, gpa, MB2_BASE, 21, SS_RW);
    world_ss_map(w, gpa + 0x40000000, GB1_BASE, 30, SS_RW);
    world_fs_map(w, 0x80000000, gpa + 0x40001000, 12, FS_RWU);
    world_on(w);
    x = world_dma(w, IM_READ, 0x40000000 + 0x12340);
    xlat_is_ok(&x, MB2_BASE + 0x12340);
    g_assert_cmphex(x.mask, ==, 0x1fffff);
    x = world_dma(w, IM_READ, 0x80000040);
    xlat_is_ok(&x, GB1_BASE + 0x1040);
    g_assert_cmphex(x.mask, ==, 0xfff);
}

static void nested_pasid_structures_are_host(void)
{
    g_autoptr(World) w = world_new(NULL, W_NESTED, true);
    ImXlat x = world_dma(w, IM_WRITE, w->iova);

    /* the world maps no directory in the second stage: it works anyway */
    xlat_is_ok(&x, w->hpa);
    for (unsigned l = 1; l <= 4; l++) {
        g_assert_cmphex(fs_e(w, l) & FS_A, ==, FS_A);
    }
    g_assert_cmphex(fs_e(w, 1) & FS_D, ==, FS_D);
}

/* Tables all accessed: with SSADE=0 reading them needs R only. */
static ImXlat nested_read_only_table(bool ssade, uint64_t *leaf)
{
    g_autoptr(World) w = world_new_off(NULL, W_NESTED, true);
    uint64_t e = world_fs_entry(w, w->iova, 1);
    ImXlat x;

    for (unsigned l = 1; l <= 4; l++) {
        rig_put(w->r, world_fs_entry(w, w->iova, l), FSE_A, 1);
    }
    *leaf = world_ss_entry(w, (e & ~UINT64_C(0xfff)) + w->bias, 1);
    rig_put(w->r, *leaf, SSE_RW, SS_R);
    rig_put(w->r, w->pe, PE_SSADE, ssade);
    world_on(w);
    x = world_dma(w, IM_READ, w->iova);
    *leaf = rig_r64(w->r, *leaf);
    return x;
}

static void nested_table_read_only(void)
{
    uint64_t leaf;
    ImXlat x = nested_read_only_table(false, &leaf);

    g_assert_cmpuint(x.status, ==, IM_OK);
}

static void nested_ssade_needs_write(void)
{
    uint64_t leaf;
    ImXlat x = nested_read_only_table(true, &leaf);

    /* an A/D update of first stage counts as a write: 76h, denied read */
    xlat_is_fault(&x, IM_CPL_UR, 0x76);
}

/* SSADE=1: the page of a first-stage table becomes dirty in stage two. */
static void nested_ssade_dirties_tables(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_NESTED, true);
    uint64_t e = world_fs_entry(w, w->iova, 1);
    uint64_t ss = world_ss_entry(w, (e & ~UINT64_C(0xfff)) + w->bias, 1);

    rig_put(w->r, w->pe, PE_SSADE, 1);
    world_on(w);
    world_dma(w, IM_READ, w->iova);
    g_assert_cmphex(rig_r64(w->r, ss) & (SS_A | SS_D), ==, SS_A | SS_D);
    ss = world_ss_entry(w, w->gpa, 1);
    g_assert_cmphex(rig_r64(w->r, ss) & (SS_A | SS_D), ==, SS_A);
}

static void add_rows(void)
{
    static const unsigned aw[] = { 39, 48, 57 };

    for (unsigned i = 0; i < G_N_ELEMENTS(aw); i++) {
        for (unsigned sm = 0; sm < 2; sm++) {
            g_autofree char *path = g_strdup_printf("%u-bits@%s", aw[i],
                                                    sm ? "scalable" : "legacy");

            spec_row(VTD_3_7_LEVELS, path, ss_levels_row,
                     GUINT_TO_POINTER(aw[i] << 1 | sm));
        }
    }
    spec_row(VTD_3_14_ZLR, "legacy-zlr", zero_length_row,
             GUINT_TO_POINTER(W_LEGACY << 1 | 1));
    spec_row(VTD_3_14_ZLR, "legacy-no-zlr", zero_length_row,
             GUINT_TO_POINTER(W_LEGACY << 1));
    spec_row(VTD_3_14_ZLR, "second-stage-zlr", zero_length_row,
             GUINT_TO_POINTER(W_SS << 1 | 1));
    spec_row(VTD_3_14_ZLR, "second-stage-no-zlr", zero_length_row,
             GUINT_TO_POINTER(W_SS << 1));
    spec_row(VTD_3_14_ZLR, "nested-zlr", zero_length_row,
             GUINT_TO_POINTER(W_NESTED << 1 | 1));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_rows();
    spec_test(VTD_3_7_LEVELS, "aw-of-the-entry", ss_narrow_aw);
    spec_test(VTD_3_7_LEVELS, "2m", ss_2m);
    spec_test(VTD_3_7_LEVELS, "1g", ss_1g);
    spec_test(VTD_3_7_LEVELS, "ignored-bits", ss_ignored_bits);
    spec_test(VTD_3_7_LEVELS, "absent-is-not-reserved", ss_absent_not_reserved);
    spec_test(VTD_3_7_1_RIGHTS, "and-of-all-levels", ss_rights_and);
    spec_test(VTD_3_7_2_AD, "ssade-0", ss_no_flags_without_ssade);
    spec_test(VTD_3_7_2_AD, "ssade-1", ss_ssade_flags);
    spec_test(VTD_3_7_2_AD, "legacy", legacy_never_sets_flags);
    spec_test(VTD_3_8_NESTED, "rights", nested_rights);
    spec_test(VTD_3_8_NESTED, "sizes", nested_sizes);
    spec_test(VTD_3_8_NESTED, "pasid-structures-are-host-addresses",
              nested_pasid_structures_are_host);
    spec_test(VTD_3_8_NESTED, "accessed-table-needs-read-only",
              nested_table_read_only);
    spec_test(VTD_3_8_1_SSADE, "table-needs-write", nested_ssade_needs_write);
    spec_test(VTD_3_8_1_SSADE, "tables-become-dirty",
              nested_ssade_dirties_tables);
    return g_test_run();
}
