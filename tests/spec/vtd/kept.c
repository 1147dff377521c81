/*
 * What is cached answers as the tables would, no more: entries of every kind
 * are hit by a request that they do not let pass, and gone when they should
 * be. 6.2, 6.5.2, 7.1.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"
#include "lib/vtd_build.h"

#define FEE         UINT64_C(0xfee00000)
#define VA_2M       UINT64_C(0x40000000)
#define HPA_2M      UINT64_C(0x140000000)

static ImXlat ats(World *w, uint64_t addr)
{
    ImTxn t = world_txn(w, IM_AT_TRANSLATION, IM_READ);

    t.addr = addr;
    return im_vtd_translate(w->r->vtd, &t);
}

static void invalidate(World *w, Desc d)
{
    vb_submit(w->r, d);
    g_assert_true(vb_wait(w->r));
}

static uint64_t walk_reads(World *w)
{
    return im_vtd_counters(w->r->vtd)->walk_reads;
}

/* --- pages beside the interrupt range, 3.15 ----------------------------- */

/* A page of 2 MiB leads into FEEx, halfway. */
static World *half_in_fee(void)
{
    World *w = world_new_off(NULL, W_SS, false);

    world_ss_map(w, VA_2M, FEE, 21, SS_RW);
    world_on(w);
    return w;
}

static void page_half_in_fee(void)
{
    g_autoptr(World) w = half_in_fee();

    for (unsigned i = 0; i < 2; i++) {
        ImXlat x = world_dma(w, IM_WRITE, VA_2M + 0x140000);

        xlat_is_ok(&x, FEE + 0x140000);
        g_assert_cmphex(x.addr & ~x.mask, >, FEE + 0xfffff);
        x = world_dma(w, IM_WRITE, VA_2M + 0x40000);
        xlat_is_fault(&x, IM_CPL_UR, 0x87);
    }
}

/* choices.rst: for a translation request the whole page counts. */
static void page_half_in_fee_by_ats(void)
{
    g_autoptr(World) w = half_in_fee();
    ImXlat x;

    for (unsigned i = 0; i < 2; i++) {
        x = ats(w, VA_2M + 0x140000);
        xlat_is_fault(&x, IM_CPL_CA, 0x87);
        x = world_dma(w, IM_WRITE, VA_2M + 0x140000);
        xlat_is_ok(&x, FEE + 0x140000);
    }
}

/* The input side: without PASID nothing granted reaches into FEEx. */
static void answer_stops_at_fee(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_SS, false);
    uint64_t addr = FEE + 0x140000;
    ImXlat x;

    world_ss_map(w, FEE, HPA_2M, 21, SS_RW);
    world_on(w);
    x = ats(w, addr);
    xlat_is_ok(&x, HPA_2M + 0x140000);
    g_assert_cmphex(addr & ~x.mask, >, FEE + 0xfffff);
}

/* --- who asks ----------------------------------------------------------- */

static void execute_after_a_read(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    ImXlat x = im_vtd_translate(w->r->vtd, &t);

    xlat_is_ok(&x, w->hpa);
    t.exec = true;
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_fault(&x, IM_CPL_UR, 0x5c);
}

/* Without PASID a request has no privilege of its own. */
static void no_privilege_without_pasid(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, false);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);

    t.priv = true;
    for (unsigned i = 0; i < 2; i++) {
        ImXlat x = im_vtd_translate(w->r->vtd, &t);

        xlat_is_ok(&x, w->hpa);
    }
}

/* Refused by a context entry, which software then mends: PASIDE and DTE are
 * seen at once, nothing was kept of the one that refused. */
static void refusing_context_not_kept(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImXlat x;

    rig_put(w->r, w->ctx, SCTX_PASIDE, 0);
    world_on(w);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_fault(&x, IM_CPL_UR, 0x45);
    rig_put(w->r, w->ctx, SCTX_PASIDE, 1);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->hpa);
}

/* FPD of a context entry that is cached, and a PASID that has no entry. */
static void fpd_of_a_cached_context(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    ImXlat x;

    rig_put(w->r, w->ctx, CTX_FPD, 1);
    world_on(w);
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_ok(&x, w->hpa);
    t.pasid = 0x7ffff;
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_fault(&x, IM_CPL_UR, 0x51);
    t.pasid = w->rid_pasid;
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_fault(&x, IM_CPL_UR, 0x48);
    g_assert_cmpuint(vb_faults(w->r), ==, 0);
}

/* --- what a new root table finds, 6.6 ----------------------------------- */

/* Without ESRTPS software invalidates; one that forgets is to see it. */
static void root_table_without_esrtps(void)
{
    ImVtdConfig c = rig_vtd_config();
    ImXlat x;

    c.esrtps = false;
    g_autoptr(World) w = world_new(&c, W_FS, true);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->hpa);
    rig_put(w->r, w->ctx, CTX_P, 0);
    vb_set_root(w->r, w->root, TTM_SCALABLE);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->hpa);
    invalidate(w, desc_context(CC_GLOBAL, 0, 0, 0));
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_fault(&x, IM_CPL_UR, 0x41);
}

/* Never an entry of one mode in the other, even so. */
static void other_mode(WorldKind kind, uint64_t ttm, uint64_t other,
                       uint8_t reason)
{
    ImVtdConfig c = rig_vtd_config();

    c.esrtps = false;
    g_autoptr(World) w = world_new(&c, kind, false);
    uint64_t root = rig_alloc(w->r, 1, RIG_READ);       /* all absent */

    for (unsigned i = 0; i < 2; i++) {
        ImXlat x = world_dma(w, IM_READ, w->iova);

        xlat_is_ok(&x, w->hpa);
        vb_set_root(w->r, root, other);
        x = world_dma(w, IM_READ, w->iova);
        xlat_is_fault(&x, IM_CPL_UR, reason);
        vb_set_root(w->r, w->root, ttm);
    }
}

static void other_mode_without_esrtps(void)
{
    other_mode(W_FS, TTM_SCALABLE, TTM_LEGACY, 0x01);
    other_mode(W_LEGACY, TTM_LEGACY, TTM_SCALABLE, 0x39);
}

/* --- what an invalidation reaches, 6.5.2 -------------------------------- */

/* choices.rst: a page of the first stage that was cached in the pieces that
 * the second has of it goes with any address in it. */
static void page_in_pieces(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_NESTED, true);
    uint64_t gpa = UINT64_C(0x80000000);
    ImXlat x;

    world_fs_map(w, VA_2M, gpa, 21, FS_RWU);
    world_ss_map(w, gpa + 0x5000, HPA_2M, 12, SS_RW);
    world_on(w);
    x = world_dma(w, IM_READ, VA_2M + 0x5000);
    xlat_is_ok(&x, HPA_2M);
    rig_put(w->r, world_fs_entry(w, VA_2M, 2), FSE_P, 0);
    invalidate(w, desc_piotlb(PIOTLB_PAGE, w->did, w->pasid, VA_2M, 0, true));
    x = world_dma(w, IM_READ, VA_2M + 0x5000);
    xlat_is_fault(&x, IM_CPL_UR, 0x71);
}

/* What a supervisor had cached goes with the page as well. */
static void page_of_a_supervisor(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    ImXlat x;

    t.priv = true;
    rig_put(w->r, w->pe, PE_SRE, 1);
    world_on(w);
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_ok(&x, w->hpa);
    rig_put(w->r, world_leaf(w, w->iova), FSE_P, 0);
    invalidate(w, desc_piotlb(PIOTLB_PAGE, w->did, w->pasid, w->iova, 0, true));
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_fault(&x, IM_CPL_UR, 0x71);
}

/* ... and the tables on its way. */
static void tables_of_a_supervisor(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    ImXlat x;

    t.priv = true;
    rig_put(w->r, w->pe, PE_SRE, 1);
    world_on(w);
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_ok(&x, w->hpa);
    rig_put(w->r, world_fs_entry(w, w->iova, 2), FSE_P, 0);
    invalidate(w,
               desc_piotlb(PIOTLB_PAGE, w->did, w->pasid, w->iova, 0, false));
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_fault(&x, IM_CPL_UR, 0x71);
}

/* Table 18: of four levels Addr[47:12] counts, however it is extended. */
static void page_of_the_upper_half(void)
{
    static const uint64_t form[] = { UINT64_C(0xffff) << 48, 0,
                                     UINT64_C(0x1234) << 48 };
    uint64_t low = UINT64_C(0x800012345000);

    for (unsigned i = 0; i < G_N_ELEMENTS(form); i++) {
        g_autoptr(World) w = world_new_off(NULL, W_FS, true);
        uint64_t va = UINT64_C(0xffff) << 48 | low;
        ImXlat x;

        world_map(w, va, w->hpa);
        world_on(w);
        x = world_dma(w, IM_READ, va);
        xlat_is_ok(&x, w->hpa);
        rig_put(w->r, world_leaf(w, va), FSE_P, 0);
        invalidate(w, desc_piotlb(PIOTLB_PAGE, w->did, w->pasid, form[i] | low,
                                  0, true));
        x = world_dma(w, IM_READ, va);
        xlat_is_fault(&x, IM_CPL_UR, 0x71);
    }
}

/* 6.5.2.1: FM masks function bits 2, 2:1, 2:0. A device that is not meant is
 * kept, which this model promises. */
typedef struct MaskRow {
    const char *name;
    unsigned fm;
    uint16_t other;             /* of the function number */
    bool goes;
} MaskRow;

/* clang-format off */
static const MaskRow masks[] = {
    { "fm-0-other", 0, 1, false }, { "fm-1-bit-2", 1, 4, true },
    { "fm-1-bit-1", 1, 2, false }, { "fm-2-bit-2", 2, 4, true },
    { "fm-2-bit-1", 2, 2, true }, { "fm-2-bits-2-1", 2, 6, true },
    { "fm-2-bit-0", 2, 1, false }, { "fm-3-bits-2-0", 3, 7, true },
    { "fm-3-bit-0", 3, 1, true }, { "fm-3-bit-3", 3, 8, false },
};
/* clang-format on */

static void mask_row(const void *data)
{
    const MaskRow *row = data;
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    uint64_t before;

    world_dma(w, IM_READ, w->iova);
    invalidate(w,
               desc_context(CC_DEVICE, w->did, w->rid ^ row->other, row->fm));
    before = walk_reads(w);
    world_dma(w, IM_READ, w->iova);
    g_assert_cmpint(walk_reads(w) > before, ==, row->goes);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(VTD_FLT_SGN_8, "page-half-inside", page_half_in_fee);
    spec_test(VTD_FLT_SGN_8, "page-half-inside-by-ats",
              page_half_in_fee_by_ats);
    spec_test(VTD_4_2_3_SIZE, "stops-at-the-interrupt-range",
              answer_stops_at_fee);
    spec_test(VTD_FLT_SPT_5, "execute-on-a-hit", execute_after_a_read);
    spec_test(VTD_9_4_RID_PRIV, "privilege-without-pasid",
              no_privilege_without_pasid);
    spec_test(VTD_6_2_2_NO_FAULTING, "refused-by-the-entry",
              refusing_context_not_kept);
    spec_test(VTD_7_1_1_FPD, "of-a-cached-context", fpd_of_a_cached_context);
    spec_test(VTD_6_6_SRTP, "keeps-all-without-esrtps",
              root_table_without_esrtps);
    spec_test(VTD_6_6_SRTP, "other-mode-without-esrtps",
              other_mode_without_esrtps);
    spec_test(VTD_6_5_2_PIOTLB_PAGE, "page-in-pieces", page_in_pieces);
    spec_test(VTD_6_5_2_PIOTLB_PAGE, "supervisor", page_of_a_supervisor);
    spec_test(VTD_6_5_2_PIOTLB_PAGE, "supervisor-table",
              tables_of_a_supervisor);
    spec_test(VTD_6_5_2_PIOTLB_PAGE, "upper-half", page_of_the_upper_half);
    spec_rows(VTD_6_5_2_CC, masks, "mask", mask_row);
    return g_test_run();
}
