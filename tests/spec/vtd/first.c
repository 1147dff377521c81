/*
 * First-stage translation: 3.6.
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

/* --- first stage -------------------------------------------------------- */

static void fs_large(unsigned lg2, uint64_t base)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    uint64_t size = UINT64_C(1) << lg2;
    uint64_t va = UINT64_C(0x5500000000) & ~(size - 1);
    ImXlat x;

    world_fs_map(w, va, base, lg2, FS_RWU);
    world_on(w);
    x = world_dma(w, IM_WRITE, va + size - 64);
    xlat_is_ok(&x, base + size - 64);
    g_assert_cmphex(x.mask, ==, size - 1);
    x = world_dma(w, IM_READ, va);
    xlat_is_ok(&x, base);
}

static void fs_2m(void)
{
    fs_large(21, MB2_BASE);
}

static void fs_1g(void)
{
    fs_large(30, GB1_BASE);
}

/* Bit 12 of a large page is PAT, not address. */
static void fs_2m_pat(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImXlat x;

    world_fs_map(w, 0x200000, MB2_BASE | 1u << 12, 21, FS_RWU);
    world_on(w);
    x = world_dma(w, IM_READ, 0x200000);
    xlat_is_ok(&x, MB2_BASE);
}

static World *five_levels(void)
{
    ImVtdConfig c = rig_vtd_config();
    World *w;

    c.aw_bits = 57;
    c.fs5lp = true;
    w = world_new_off(&c, W_FS, true);
    w->fs_levels = 5;
    w->fs = rig_alloc(w->r, 1, RIG_TABLE);
    world_pasid_entry(w, w->rid, w->pasid, w->did);
    return w;
}

static void fs_five_levels(void)
{
    g_autoptr(World) w = five_levels();
    uint64_t low = UINT64_C(0x00a5a55555555000);
    uint64_t high = UINT64_C(0xff5a5aaaaaaaa000);
    ImXlat x;

    world_fs_map(w, low, w->hpa, 12, FS_RWU);
    world_fs_map(w, high, w->hpa + 0x1000, 12, FS_RWU);
    world_on(w);
    x = world_dma(w, IM_READ, low);
    xlat_is_ok(&x, w->hpa);
    x = world_dma(w, IM_READ, high);
    xlat_is_ok(&x, w->hpa + 0x1000);
    x = world_dma(w, IM_READ, UINT64_C(1) << 56);
    xlat_is_fault(&x, IM_CPL_UR, 0x80);
}

static void fs_five_levels_flags(void)
{
    g_autoptr(World) w = five_levels();

    world_fs_map(w, w->iova, w->hpa, 12, FS_RWU);
    world_on(w);
    world_dma(w, IM_READ, w->iova);
    for (unsigned l = 1; l <= 5; l++) {
        g_assert_cmphex(fs_e(w, l) & (FS_A | FS_D | FS_EA), ==, FS_A);
    }
}

static void fs_canonical(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    static const uint64_t va[] = {
        0,
        UINT64_C(0x00007ffffffff000),
        UINT64_C(0xffff800000000000),
        UINT64_C(0xfffffffffffff000),
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(va); i++) {
        world_fs_map(w, va[i], w->hpa + 0x1000 * i, 12, FS_RWU);
    }
    world_on(w);
    for (unsigned i = 0; i < G_N_ELEMENTS(va); i++) {
        ImXlat x = world_dma(w, IM_READ, va[i]);

        xlat_is_ok(&x, w->hpa + 0x1000 * i);
    }
}

static void fs_ignored_bits(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImXlat x;

    for (unsigned l = 1; l <= 4; l++) {
        uint64_t e = world_fs_entry(w, w->iova, l);

        rig_put(w->r, e, 63, 52, 0xfff);
        rig_put(w->r, e, 4, 3, 3);
        rig_put(w->r, e, 11, 8, 0xf);
    }
    rig_put(w->r, world_fs_entry(w, w->iova, 1), FSE_PS, 1);      /* PAT */
    world_on(w);
    x = world_dma(w, IM_WRITE, w->iova);
    xlat_is_ok(&x, w->hpa);
}

/* --- rights of the first stage ------------------------------------------ */

/* Supervisor requests; the leaf is a supervisor, read-only page. */
static ImXlat supervisor(bool wpe, ImAccess access, uint64_t flags)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, access);

    world_fs_map(w, w->iova, w->hpa, 12, flags);
    rig_put(w->r, w->pe, PE_SRE, 1);
    rig_put(w->r, w->pe, PE_WPE, wpe);
    t.priv = true;
    world_on(w);
    return im_vtd_translate(w->r->vtd, &t);
}

static void supervisor_reads_anything(void)
{
    ImXlat x = supervisor(true, IM_READ, FS_P);

    g_assert_cmpuint(x.status, ==, IM_OK);
    x = supervisor(true, IM_READ, FS_P | FS_US);
    g_assert_cmpuint(x.status, ==, IM_OK);
}

static void supervisor_write_wpe_0(void)
{
    ImXlat x = supervisor(false, IM_WRITE, FS_P);

    g_assert_cmpuint(x.status, ==, IM_OK);
    x = supervisor(false, IM_ATOMIC, FS_P | FS_US);
    g_assert_cmpuint(x.status, ==, IM_OK);
}

static void supervisor_write_wpe_1(void)
{
    ImXlat x = supervisor(true, IM_WRITE, FS_P);

    xlat_is_fault(&x, IM_CPL_UR, 0x85);
    x = supervisor(true, IM_WRITE, FS_P | FS_RW);
    g_assert_cmpuint(x.status, ==, IM_OK);
}

/* WPE is for supervisor requests only. */
static void user_write_ignores_wpe(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImXlat x;

    world_fs_map(w, w->iova, w->hpa, 12, FS_P | FS_US);
    rig_put(w->r, w->pe, PE_SRE, 1);
    world_on(w);
    x = world_dma(w, IM_WRITE, w->iova);
    xlat_is_fault(&x, IM_CPL_UR, 0x85);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->hpa);
}

/* A cached answer for one privilege is none for the other. */
static void privilege_is_checked_on_a_hit(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_WRITE);
    ImXlat x;

    world_fs_map(w, w->iova, w->hpa, 12, FS_P);
    rig_put(w->r, w->pe, PE_SRE, 1);
    world_on(w);
    t.priv = true;
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_ok(&x, w->hpa);
    t.priv = false;
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_fault(&x, IM_CPL_UR, 0x81);
    t.access = IM_READ;
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_fault(&x, IM_CPL_UR, 0x81);
}

/* A supervisor request does not widen what users get afterwards, either
 * way round. */
static void user_fault_then_supervisor(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    ImXlat x;

    world_fs_map(w, w->iova, w->hpa, 12, FS_P | FS_US);
    rig_put(w->r, w->pe, PE_SRE, 1);
    world_on(w);
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_ok(&x, w->hpa);
    t.priv = true;
    t.access = IM_WRITE;
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_ok(&x, w->hpa);
    t.priv = false;
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_fault(&x, IM_CPL_UR, 0x85);
}

/* SRE is asked of every request, also of one that a cache answers. */
static void sre_is_checked_on_a_hit(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    ImXlat x = im_vtd_translate(w->r->vtd, &t);

    xlat_is_ok(&x, w->hpa);
    t.priv = true;
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_fault(&x, IM_CPL_UR, 0x5d);
    t.priv = false;
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_ok(&x, w->hpa);
}

/* What a caller may remember: no W before D is set, else D were lost. */
static void clean_page_grants_no_write(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImXlat x = world_dma(w, IM_READ, w->iova);

    g_assert_cmpuint(x.perm, ==, IM_PERM_R);
    x = world_dma(w, IM_READ, w->iova);
    g_assert_cmpuint(x.perm, ==, IM_PERM_R);
    x = world_dma(w, IM_WRITE, w->iova);
    g_assert_cmpuint(x.perm, ==, IM_PERM_R | IM_PERM_W);
    x = world_dma(w, IM_READ, w->iova);
    g_assert_cmpuint(x.perm, ==, IM_PERM_R | IM_PERM_W);
}

/* --- flags of the first stage ------------------------------------------- */

static void fs_read_sets_a(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);

    world_dma(w, IM_READ, w->iova);
    for (unsigned l = 1; l <= 4; l++) {
        g_assert_cmphex(fs_e(w, l) & (FS_A | FS_EA), ==, FS_A);
    }
    g_assert_cmphex(fs_e(w, 1) & FS_D, ==, 0);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_WRITE), ==, 0);
}

static void fs_write_sets_d(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);

    world_dma(w, IM_WRITE, w->iova);
    g_assert_cmphex(fs_e(w, 1) & (FS_A | FS_D), ==, FS_A | FS_D);
    g_assert_cmphex(fs_e(w, 2) & FS_D, ==, 0);
}

/* D is the page's, however the translation is held. */
static void fs_write_after_read_sets_d(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);

    world_dma(w, IM_READ, w->iova);
    world_dma(w, IM_WRITE, w->iova);
    g_assert_cmphex(fs_e(w, 1) & FS_D, ==, FS_D);
}

static void fs_large_sets_d(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);

    world_fs_map(w, 0x200000, MB2_BASE, 21, FS_RWU);
    world_on(w);
    world_dma(w, IM_WRITE, 0x200000);
    g_assert_cmphex(rig_r64(w->r, world_fs_entry(w, 0x200000, 2)) &
                        (FS_A | FS_D),
                    ==, FS_A | FS_D);
}

static void fs_denied_write_sets_no_d(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);

    world_fs_map(w, w->iova, w->hpa, 12, FS_P | FS_US);
    world_on(w);
    world_dma(w, IM_WRITE, w->iova);
    g_assert_cmphex(fs_e(w, 1) & FS_D, ==, 0);
}

static void fs_eafe_sets_ea(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);

    rig_put(w->r, w->pe, PE_EAFE, 1);
    world_on(w);
    world_dma(w, IM_READ, w->iova);
    for (unsigned l = 1; l <= 4; l++) {
        g_assert_cmphex(fs_e(w, l) & (FS_A | FS_EA), ==, FS_A | FS_EA);
    }
}

static void fs_flags_set_need_no_update(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImXlat x;

    for (unsigned l = 1; l <= 4; l++) {
        rig_put(w->r, world_fs_entry(w, w->iova, l), FSE_A, 1);
    }
    rig_put(w->r, world_fs_entry(w, w->iova, 1), FSE_D, 1);
    rig_put(w->r, w->pe, PE_PWSNP, 0);            /* not even snooping */
    world_on(w);
    x = world_dma(w, IM_WRITE, w->iova);
    xlat_is_ok(&x, w->hpa);
    g_assert_cmpuint(w->r->updates, ==, 0);
}

static uint64_t race_entry;

/* The guest's CPU sets an ignored bit of its own in between. */
static void race_mark(Rig *r, uint64_t pa)
{
    if (pa == race_entry) {
        rig_put(r, pa, 55, 55, 1);
        race_entry = 0;
    }
}

static void race_unmap(Rig *r, uint64_t pa)
{
    if (pa == race_entry) {
        rig_put(r, pa, FSE_P, 0);
        race_entry = 0;
    }
}

static void fs_update_keeps_cpu_bits(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImXlat x;

    race_entry = world_fs_entry(w, w->iova, 1);
    w->r->race = race_mark;
    x = world_dma(w, IM_WRITE, w->iova);
    xlat_is_ok(&x, w->hpa);
    g_assert_cmphex(race_entry, ==, 0);
    g_assert_cmphex(fs_e(w, 1) & (FS_A | FS_D | UINT64_C(1) << 55), ==,
                    FS_A | FS_D | UINT64_C(1) << 55);
}

static void fs_update_sees_unmap(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImXlat x;

    race_entry = world_fs_entry(w, w->iova, 1);
    w->r->race = race_unmap;
    x = world_dma(w, IM_WRITE, w->iova);
    xlat_is_fault(&x, IM_CPL_UR, 0x71);
    g_assert_cmphex(fs_e(w, 1) & (FS_P | FS_A | FS_D), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(VTD_3_6_LEVELS, "2m", fs_2m);
    spec_test(VTD_3_6_LEVELS, "1g", fs_1g);
    spec_test(VTD_3_6_LEVELS, "2m-pat-bit", fs_2m_pat);
    spec_test(VTD_3_6_LEVELS, "5-levels", fs_five_levels);
    spec_test(VTD_3_6_LEVELS, "ignored-bits", fs_ignored_bits);
    spec_test(VTD_3_6_CANONICAL, "edges", fs_canonical);
    spec_test(VTD_3_6_1_SUPERVISOR, "reads-what-is-present",
              supervisor_reads_anything);
    spec_test(VTD_3_6_1_SUPERVISOR, "user-after-supervisor",
              user_fault_then_supervisor);
    spec_test(VTD_3_6_1_WPE, "0-writes-read-only", supervisor_write_wpe_0);
    spec_test(VTD_3_6_1_WPE, "1-obeys-rw", supervisor_write_wpe_1);
    spec_test(VTD_3_6_1_WPE, "not-for-users", user_write_ignores_wpe);
    spec_test(VTD_3_6_1_SUPERVISOR, "sre-checked-on-a-hit",
              sre_is_checked_on_a_hit);
    spec_test(VTD_3_6_2_DIRTY, "clean-page-grants-no-write",
              clean_page_grants_no_write);
    spec_test(VTD_3_6_1_USER, "checked-on-a-hit",
              privilege_is_checked_on_a_hit);
    spec_test(VTD_3_6_2_ACCESSED, "read", fs_read_sets_a);
    spec_test(VTD_3_6_2_ACCESSED, "5-levels", fs_five_levels_flags);
    spec_test(VTD_3_6_2_ACCESSED, "eafe", fs_eafe_sets_ea);
    spec_test(VTD_3_6_2_ACCESSED, "already-set", fs_flags_set_need_no_update);
    spec_test(VTD_3_6_2_DIRTY, "write", fs_write_sets_d);
    spec_test(VTD_3_6_2_DIRTY, "write-after-read", fs_write_after_read_sets_d);
    spec_test(VTD_3_6_2_DIRTY, "2m", fs_large_sets_d);
    spec_test(VTD_3_6_2_DIRTY, "denied-write", fs_denied_write_sets_no_d);
    spec_test(VTD_3_6_2_ATOMIC, "keeps-bits-of-the-cpu",
              fs_update_keeps_cpu_bits);
    spec_test(VTD_3_6_2_ATOMIC, "sees-an-unmap", fs_update_sees_unmap);
    return g_test_run();
}
