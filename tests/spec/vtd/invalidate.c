/*
 * What an invalidation must drop and need not: 6.5.2, tables 23 and 24.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"
#include "lib/vtd_build.h"

static uint64_t walk_reads(World *w)
{
    return im_vtd_counters(w->r->vtd)->walk_reads;
}

/* --- required drops ----------------------------------------------------- */

typedef struct DropRow {
    ImClause clause;
    const char *name;
    WorldKind kind;
    bool pasid;
    /* What software changed, and what it then invalidates, in order. */
    enum { LEAF, TABLE, PE, CTX, ROOT } change;
    Desc (*inv[3])(const World *w);
} DropRow;

static Desc cc_global(const World *w)
{
    (void)w;
    return desc_context(CC_GLOBAL, 0, 0, 0);
}

static Desc cc_domain(const World *w)
{
    return desc_context(CC_DOMAIN, w->did, 0, 0);
}

static Desc cc_device(const World *w)
{
    return desc_context(CC_DEVICE, w->did, w->rid, 0);
}

/* TTM=01: contexts have no domain-id, every one is meant. */
static Desc cc_domain_any(const World *w)
{
    return desc_context(CC_DOMAIN, (uint16_t)~w->did, 0, 0);
}

/* ... and the domain-id of a device-selective one is ignored. */
static Desc cc_device_any(const World *w)
{
    return desc_context(CC_DEVICE, (uint16_t)~w->did, w->rid, 0);
}

/* FM=3 masks the function number: 2:0 */
static Desc cc_device_fm(const World *w)
{
    return desc_context(CC_DEVICE, w->did, w->rid ^ 7, 3);
}

static Desc pc_global(const World *w)
{
    (void)w;
    return desc_pasid_cache(PC_GLOBAL, 0, 0);
}

static Desc pc_domain(const World *w)
{
    return desc_pasid_cache(PC_DOMAIN, w->did, 0);
}

static Desc pc_pasid(const World *w)
{
    return desc_pasid_cache(PC_PASID, w->did, w->pasid);
}

static Desc io_global(const World *w)
{
    (void)w;
    return desc_iotlb(IOTLB_GLOBAL, 0, 0, 0, false);
}

static Desc io_domain(const World *w)
{
    return desc_iotlb(IOTLB_DOMAIN, w->did, 0, 0, false);
}

static Desc io_page(const World *w)
{
    uint64_t at = w->kind == W_NESTED ? w->gpa : w->iova;

    return desc_iotlb(IOTLB_PAGE, w->did, at, 0, false);
}

static Desc io_page_ih(const World *w)
{
    uint64_t at = w->kind == W_NESTED ? w->gpa : w->iova;

    return desc_iotlb(IOTLB_PAGE, w->did, at, 0, true);
}

/* Address bits above MGAW are ignored. */
static Desc io_page_high(const World *w)
{
    return desc_iotlb(IOTLB_PAGE, w->did, w->iova | UINT64_C(0xabcd) << 48, 0,
                      false);
}

/* Size-aligned region of 2^9 pages that holds the address */
static Desc io_page_am(const World *w)
{
    return desc_iotlb(IOTLB_PAGE, w->did, w->iova & ~UINT64_C(0x1fffff), 9,
                      false);
}

/* A page far away: first-stage entries go all the same. */
static Desc io_page_elsewhere(const World *w)
{
    return desc_iotlb(IOTLB_PAGE, w->did, 0x1000, 0, true);
}

static Desc pi_pasid(const World *w)
{
    return desc_piotlb(PIOTLB_PASID, w->did, w->pasid, 0, 0, false);
}

static Desc pi_page(const World *w)
{
    return desc_piotlb(PIOTLB_PAGE, w->did, w->pasid, w->iova, 0, false);
}

static Desc pi_page_ih(const World *w)
{
    return desc_piotlb(PIOTLB_PAGE, w->did, w->pasid, w->iova, 0, true);
}

/* The largest region there is: AM is not bounded by MAMV (6.5.2.4). */
static Desc pi_page_huge(const World *w)
{
    return desc_piotlb(PIOTLB_PAGE, w->did, w->pasid, 0, 52, false);
}

/* Sizes between a page and everything: 2^6, 2^15, 2^26 pages. */
static Desc pi_page_256k(const World *w)
{
    return desc_piotlb(PIOTLB_PAGE, w->did, w->pasid,
                       w->iova & ~UINT64_C(0x3ffff), 6, false);
}

static Desc pi_page_128m(const World *w)
{
    return desc_piotlb(PIOTLB_PAGE, w->did, w->pasid,
                       w->iova & ~UINT64_C(0x7ffffff), 15, false);
}

static Desc pi_page_256g(const World *w)
{
    return desc_piotlb(PIOTLB_PAGE, w->did, w->pasid,
                       w->iova & ~UINT64_C(0x3fffffffff), 26, true);
}

static Desc io_page_256k(const World *w)
{
    return desc_iotlb(IOTLB_PAGE, w->did, w->iova & ~UINT64_C(0x3ffff), 6,
                      false);
}

static Desc io_page_1g(const World *w)
{
    return desc_iotlb(IOTLB_PAGE, w->did, w->iova & ~UINT64_C(0x3fffffff), 18,
                      true);
}

static Desc pi_page_am(const World *w)
{
    return desc_piotlb(PIOTLB_PAGE, w->did, w->pasid,
                       w->iova & ~UINT64_C(0x3fff), 2, false);
}

/* clang-format off */
static const DropRow drops[] = {
    { SPEC(VTD_6_5_2_IOTLB_GLOBAL), "legacy", W_LEGACY, false, LEAF,
      { io_global } },
    { SPEC(VTD_6_5_2_IOTLB_GLOBAL), "legacy-table", W_LEGACY, false, TABLE,
      { io_global } },
    { SPEC(VTD_6_5_2_IOTLB_GLOBAL), "first-stage", W_FS, true, LEAF,
      { io_global } },
    { SPEC(VTD_6_5_2_IOTLB_GLOBAL), "first-stage-table", W_FS, true, TABLE,
      { io_global } },
    { SPEC(VTD_6_5_2_IOTLB_GLOBAL), "second-stage", W_SS, true, LEAF,
      { io_global } },
    { SPEC(VTD_6_5_2_IOTLB_GLOBAL), "nested-table", W_NESTED, true, TABLE,
      { io_global } },
    { SPEC(VTD_6_5_2_IOTLB_DOMAIN), "legacy", W_LEGACY, false, LEAF,
      { io_domain } },
    { SPEC(VTD_6_5_2_IOTLB_DOMAIN), "legacy-table", W_LEGACY, false, TABLE,
      { io_domain } },
    { SPEC(VTD_6_5_2_IOTLB_DOMAIN), "first-stage", W_FS, true, LEAF,
      { io_domain } },
    { SPEC(VTD_6_5_2_IOTLB_DOMAIN), "first-stage-table", W_FS, true, TABLE,
      { io_domain } },
    { SPEC(VTD_6_5_2_IOTLB_DOMAIN), "first-stage-rid", W_FS, false, LEAF,
      { io_domain } },
    { SPEC(VTD_6_5_2_IOTLB_DOMAIN), "second-stage-table", W_SS, false, TABLE,
      { io_domain } },
    { SPEC(VTD_6_5_2_IOTLB_DOMAIN), "nested", W_NESTED, true, LEAF,
      { io_domain } },
    { SPEC(VTD_6_5_2_IOTLB_DOMAIN), "nested-table", W_NESTED, true, TABLE,
      { io_domain } },
    { SPEC(VTD_6_5_2_IOTLB_PAGE), "legacy", W_LEGACY, false, LEAF,
      { io_page } },
    { SPEC(VTD_6_5_2_IOTLB_PAGE), "legacy-ih", W_LEGACY, false, LEAF,
      { io_page_ih } },
    { SPEC(VTD_6_5_2_IOTLB_PAGE), "legacy-am", W_LEGACY, false, LEAF,
      { io_page_am } },
    { SPEC(VTD_6_5_2_IOTLB_PAGE), "legacy-table", W_LEGACY, false, TABLE,
      { io_page } },
    { SPEC(VTD_6_5_2_IOTLB_PAGE), "address-above-mgaw", W_SS, true, LEAF,
      { io_page_high } },
    { SPEC(VTD_6_5_2_IOTLB_PAGE), "second-stage", W_SS, true, LEAF,
      { io_page } },
    { SPEC(VTD_6_5_2_IOTLB_PAGE), "second-stage-ih", W_SS, true, LEAF,
      { io_page_ih } },
    { SPEC(VTD_6_5_2_IOTLB_PAGE), "second-stage-am", W_SS, false, LEAF,
      { io_page_am } },
    { SPEC(VTD_6_5_2_IOTLB_PAGE), "second-stage-table", W_SS, true, TABLE,
      { io_page } },
    { SPEC(VTD_6_5_2_IOTLB_PAGE_FS), "first-stage-any-address", W_FS,
      true, LEAF, { io_page_elsewhere } },
    { SPEC(VTD_6_5_2_IOTLB_PAGE_FS), "first-stage-table-any-address",
      W_FS, true, TABLE, { io_page_elsewhere } },
    { SPEC(VTD_6_5_2_IOTLB_PAGE_FS), "nested-any-address", W_NESTED,
      true, LEAF, { io_page_elsewhere } },
    { SPEC(VTD_6_5_2_IOTLB_PAGE_FS), "nested-page", W_NESTED, true, LEAF,
      { io_page } },
    { SPEC(VTD_6_5_2_PIOTLB_PASID), "first-stage", W_FS, true, LEAF,
      { pi_pasid } },
    { SPEC(VTD_6_5_2_PIOTLB_PASID), "first-stage-table", W_FS, true, TABLE,
      { pi_pasid } },
    { SPEC(VTD_6_5_2_PIOTLB_PASID), "first-stage-rid", W_FS, false, LEAF,
      { pi_pasid } },
    { SPEC(VTD_6_5_2_PIOTLB_PASID), "second-stage", W_SS, true, LEAF,
      { pi_pasid } },
    { SPEC(VTD_6_5_2_PIOTLB_PASID), "nested", W_NESTED, true, LEAF,
      { pi_pasid } },
    { SPEC(VTD_6_5_2_PIOTLB_PAGE), "first-stage", W_FS, true, LEAF,
      { pi_page } },
    { SPEC(VTD_6_5_2_PIOTLB_PAGE), "first-stage-rid", W_FS, false, LEAF,
      { pi_page } },
    { SPEC(VTD_6_5_2_PIOTLB_PAGE), "first-stage-ih", W_FS, true, LEAF,
      { pi_page_ih } },
    { SPEC(VTD_6_5_2_PIOTLB_PAGE), "first-stage-am", W_FS, true, LEAF,
      { pi_page_am } },
    { SPEC(VTD_6_5_2_PIOTLB_PAGE), "first-stage-everything", W_FS, true, LEAF,
      { pi_page_huge } },
    { SPEC(VTD_6_5_2_PIOTLB_PAGE), "first-stage-table", W_FS, true, TABLE,
      { pi_page } },
    { SPEC(VTD_6_5_2_PIOTLB_PAGE), "nested", W_NESTED, true, LEAF,
      { pi_page } },
    { SPEC(VTD_6_5_2_PIOTLB_PAGE), "nested-table", W_NESTED, true, TABLE,
      { pi_page } },
    { SPEC(VTD_6_5_2_PIOTLB_PAGE), "256k", W_FS, true, LEAF,
      { pi_page_256k } },
    { SPEC(VTD_6_5_2_PIOTLB_PAGE), "128m", W_FS, true, LEAF,
      { pi_page_128m } },
    { SPEC(VTD_6_5_2_PIOTLB_PAGE), "256g", W_NESTED, true, LEAF,
      { pi_page_256g } },
    { SPEC(VTD_6_5_2_IOTLB_PAGE), "256k", W_SS, true, LEAF,
      { io_page_256k } },
    { SPEC(VTD_6_5_2_IOTLB_PAGE), "1g", W_LEGACY, false, LEAF,
      { io_page_1g } },
    { SPEC(VTD_6_5_2_PC), "pasid", W_FS, true, PE,
      { pc_pasid, pi_pasid } },
    { SPEC(VTD_6_5_2_PC), "pasid-of-rid", W_FS, false, PE,
      { pc_pasid, pi_pasid } },
    { SPEC(VTD_6_5_2_PC), "pasid-second-stage", W_SS, true, PE,
      { pc_pasid, io_domain } },
    { SPEC(VTD_6_5_2_PC), "domain", W_FS, true, PE,
      { pc_domain, io_domain } },
    { SPEC(VTD_6_5_2_PC), "global", W_FS, true, PE,
      { pc_global, io_global } },
    { SPEC(VTD_6_5_2_CC), "device", W_FS, true, CTX,
      { cc_device, pc_domain, io_domain } },
    { SPEC(VTD_6_5_2_CC), "device-function-mask", W_FS, true, CTX,
      { cc_device_fm, pc_domain, io_domain } },
    { SPEC(VTD_6_5_2_CC), "domain-is-global-in-scalable-mode", W_FS, true,
      CTX, { cc_domain_any, pc_domain, io_domain } },
    { SPEC(VTD_6_5_2_CC), "device-ignores-did-in-scalable-mode", W_FS,
      true, CTX, { cc_device_any, pc_domain, io_domain } },
    { SPEC(VTD_6_5_2_CC), "context-alone", W_FS, true, CTX,
      { cc_domain_any } },
    { SPEC(VTD_6_5_2_CC), "global", W_FS, true, CTX,
      { cc_global, pc_global, io_global } },
    { SPEC(VTD_6_5_2_CC), "root", W_FS, true, ROOT,
      { cc_global, pc_global, io_global } },
    { SPEC(VTD_6_5_2_CC), "legacy-device", W_LEGACY, false, CTX,
      { cc_device, io_domain } },
    { SPEC(VTD_6_5_2_CC), "legacy-domain", W_LEGACY, false, CTX,
      { cc_domain, io_domain } },
    { SPEC(VTD_6_5_2_CC), "legacy-global", W_LEGACY, false, CTX,
      { cc_global, io_global } },
    { SPEC(VTD_6_5_2_CC), "legacy-root", W_LEGACY, false, ROOT,
      { cc_global, io_global } },
};
/* clang-format on */

/* An entry of the stage that the request meets first is not present. */
static void unmap(World *w, unsigned level)
{
    if (w->kind == W_FS || w->kind == W_NESTED) {
        rig_put(w->r, world_fs_entry(w, w->iova, level), FSE_P, 0);
    } else {
        rig_put(w->r, world_ss_entry(w, w->iova, level), SSE_RW, 0);
    }
}

static void apply_change(World *w, unsigned change)
{
    switch (change) {
    case LEAF:
        unmap(w, 1);
        break;
    case TABLE:
        unmap(w, 3);
        break;
    case PE:
        rig_put(w->r, w->pe, PE_P, 0);
        break;
    case CTX:
        rig_put(w->r, w->ctx, CTX_P, 0);
        break;
    default:
        rig_put(w->r, w->root_entry, ROOT_P, 0);
        break;
    }
}

static void drop_row(const void *data)
{
    const DropRow *row = data;
    g_autoptr(World) w = world_new(NULL, row->kind, row->pasid);
    ImXlat x = world_dma(w, IM_READ, w->iova);

    xlat_is_ok(&x, w->hpa);
    apply_change(w, row->change);
    for (unsigned i = 0; i < 3 && row->inv[i]; i++) {
        vb_submit(w->r, row->inv[i](w));
    }
    g_assert_true(vb_wait(w->r));
    x = world_dma(w, IM_READ, w->iova);
    g_assert_cmpuint(x.status, ==, IM_FAULT);
    g_assert_cmpuint(x.addr, !=, w->hpa);
}

/*
 * The other way round: software that changed nothing relevant loses
 * nothing. Coarser is allowed by 6.5.2; this model promises exactness.
 */
typedef struct KeepRow {
    ImClause clause;
    const char *name;
    WorldKind kind;
    bool pasid;
    Desc (*inv)(const World *w);
} KeepRow;

static Desc other_domain(const World *w)
{
    return desc_iotlb(IOTLB_DOMAIN, (uint16_t)(w->did + 1), 0, 0, false);
}

static Desc other_page(const World *w)
{
    return desc_iotlb(IOTLB_PAGE, w->did, w->iova + 0x1000, 0, true);
}

static Desc other_pasid(const World *w)
{
    return desc_piotlb(PIOTLB_PASID, w->did, w->pasid + 1, 0, 0, false);
}

static Desc other_pasid_domain(const World *w)
{
    return desc_piotlb(PIOTLB_PASID, (uint16_t)(w->did + 1), w->pasid, 0, 0,
                       false);
}

static Desc other_pasid_page(const World *w)
{
    return desc_piotlb(PIOTLB_PAGE, w->did, w->pasid, w->iova + 0x1000, 0,
                       true);
}

/* A region of 2^6 pages beside that of the page. */
static Desc other_256k(const World *w)
{
    return desc_piotlb(PIOTLB_PAGE, w->did, w->pasid,
                       (w->iova & ~UINT64_C(0x3ffff)) ^ 0x40000, 6, true);
}

static const KeepRow keeps[] = {
    { SPEC(VTD_6_5_2_PIOTLB_PAGE), "other-256k-is-kept", W_FS, true,
      other_256k },
    { SPEC(VTD_6_5_2_IOTLB_DOMAIN), "other-domain-is-kept", W_SS, false,
      other_domain },
    { SPEC(VTD_6_5_2_IOTLB_PAGE), "other-page-is-kept", W_SS, false,
      other_page },
    { SPEC(VTD_6_5_2_IOTLB_PAGE), "other-page-is-kept-legacy", W_LEGACY, false,
      other_page },
    { SPEC(VTD_6_5_2_PIOTLB_PASID), "other-pasid-is-kept", W_FS, true,
      other_pasid },
    { SPEC(VTD_6_5_2_PIOTLB_PASID), "other-domain-is-kept", W_FS, true,
      other_pasid_domain },
    { SPEC(VTD_6_5_2_PIOTLB_PAGE), "other-page-is-kept", W_FS, true,
      other_pasid_page },
    { SPEC(VTD_6_5_2_PIOTLB_PAGE), "other-page-is-kept-nested", W_NESTED, true,
      other_pasid_page },
};

static void keep_row(const void *data)
{
    const KeepRow *row = data;
    g_autoptr(World) w = world_new(NULL, row->kind, row->pasid);
    uint64_t before;
    ImXlat x = world_dma(w, IM_READ, w->iova);

    xlat_is_ok(&x, w->hpa);
    vb_submit(w->r, row->inv(w));
    g_assert_true(vb_wait(w->r));
    before = walk_reads(w);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->hpa);
    g_assert_cmpuint(walk_reads(w), ==, before);
}

/* A page-selective invalidation inside a large page takes all of it. */
static void large_page_dropped_whole(const void *data)
{
    WorldKind kind = (WorldKind)GPOINTER_TO_UINT(data);
    g_autoptr(World) w = world_new_off(NULL, kind, true);
    uint64_t va = 0x40000000, pa = UINT64_C(0x140000000), e;
    ImXlat x;

    if (kind == W_FS) {
        world_fs_map(w, va, pa, 21, FS_RWU);
    } else {
        world_ss_map(w, va, pa, 21, SS_RW);
    }
    world_on(w);
    x = world_dma(w, IM_READ, va + 0x5000);
    xlat_is_ok(&x, pa + 0x5000);
    x = world_dma(w, IM_READ, va + 0x15000);
    xlat_is_ok(&x, pa + 0x15000);
    e = kind == W_FS ? world_fs_entry(w, va, 2) : world_ss_entry(w, va, 2);
    rig_put(w->r, e, SSE_RW, 0);
    vb_submit(w->r, kind == W_FS ? desc_piotlb(PIOTLB_PAGE, w->did, w->pasid,
                                               va, 9, true) :
                                   desc_iotlb(IOTLB_PAGE, w->did, va, 9, true));
    g_assert_true(vb_wait(w->r));
    x = world_dma(w, IM_READ, va + 0x15000);
    g_assert_cmpuint(x.status, ==, IM_FAULT);
    x = world_dma(w, IM_READ, va + 0x5000);
    g_assert_cmpuint(x.status, ==, IM_FAULT);
}

/* DID bits beyond ND are ignored by the hardware in a descriptor. */
static void did_above_nd_ignored(void)
{
    ImVtdConfig c = rig_vtd_config();
    ImXlat x;

    c.domain_bits = 8;
    g_autoptr(World) w = world_new(&c, W_SS, true);
    world_dma(w, IM_READ, w->iova);
    apply_change(w, LEAF);
    vb_submit(w->r, desc_iotlb(IOTLB_DOMAIN, (uint16_t)(0xab00 | w->did), 0, 0,
                               false));
    g_assert_true(vb_wait(w->r));
    x = world_dma(w, IM_READ, w->iova);
    g_assert_cmpuint(x.status, ==, IM_FAULT);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(drops); i++) {
        spec_table_row(&drops[i], drops[i].name, drop_row);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(keeps); i++) {
        spec_table_row(&keeps[i], keeps[i].name, keep_row);
    }
    spec_row(VTD_6_5_2_PIOTLB_PAGE, "large-page", large_page_dropped_whole,
             GUINT_TO_POINTER(W_FS));
    spec_row(VTD_6_5_2_IOTLB_PAGE, "large-page", large_page_dropped_whole,
             GUINT_TO_POINTER(W_SS));
    spec_test(VTD_6_5_2_IOTLB_DOMAIN, "did-above-nd-is-ignored",
              did_above_nd_ignored);
    return g_test_run();
}
