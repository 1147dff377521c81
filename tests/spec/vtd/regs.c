/*
 * Register semantics: 11.2, 11.4.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"
#include "lib/vtd_build.h"

/* --- plain registers ---------------------------------------------------- */

typedef struct RegRow {
    ImClause clause;
    unsigned off;
    unsigned size;
    uint64_t reset;
    uint64_t rw;                /* bits that hold what was written */
    uint64_t free;              /* beyond HAW: kept or not, both legal */
} RegRow;

#define ADDR    UINT64_C(0x00003ffffffff000)
#define BEYOND  UINT64_C(0xffffc00000000000)
#define QUEUE   UINT64_C(0x7fff0)

static const RegRow regs[] = {
    { SPEC(VTD_REG_GCMD), REG_GCMD, 4, 0, 0, 0 },
    { SPEC(VTD_REG_GSTS), REG_GSTS, 4, 0, 0, 0 },
    { SPEC(VTD_REG_RTADDR), REG_RTADDR, 8, 0, ADDR | 0xc00, BEYOND },
    { SPEC(VTD_REG_FSTS), REG_FSTS, 4, 0, 0, 0 },
    { SPEC(VTD_REG_FECTL), REG_FECTL, 4, CTL_IM, CTL_IM, 0 },
    { SPEC(VTD_REG_FEDATA), REG_FEDATA, 4, 0, 0xffff, 0 },
    { SPEC(VTD_REG_FEADDR), REG_FEADDR, 4, 0, 0xfffffffc, 0 },
    { SPEC(VTD_REG_FEUADDR), REG_FEUADDR, 4, 0, 0xffffffff, 0 },
    { SPEC(VTD_REG_PMEN), REG_PMEN, 4, 0, 0, 0 },
    { SPEC(VTD_REG_PMEN), REG_PLMBASE, 4, 0, 0, 0 },
    { SPEC(VTD_REG_PMEN), REG_PLMLIMIT, 4, 0, 0, 0 },
    { SPEC(VTD_REG_PMEN), REG_PHMBASE, 8, 0, 0, 0 },
    { SPEC(VTD_REG_PMEN), REG_PHMLIMIT, 8, 0, 0, 0 },
    { SPEC(VTD_REG_IQH), REG_IQH, 8, 0, 0, 0 },
    { SPEC(VTD_REG_IQT), REG_IQT, 8, 0, QUEUE, 0 },
    { SPEC(VTD_REG_IQA), REG_IQA, 8, 0, ADDR | 0x807, BEYOND },
    { SPEC(VTD_REG_ICS), REG_ICS, 4, 0, 0, 0 },
    { SPEC(VTD_REG_IECTL), REG_IECTL, 4, CTL_IM, CTL_IM, 0 },
    { SPEC(VTD_REG_IEDATA), REG_IEDATA, 4, 0, 0xffff, 0 },
    { SPEC(VTD_REG_IEADDR), REG_IEADDR, 4, 0, 0xfffffffc, 0 },
    { SPEC(VTD_REG_IEUADDR), REG_IEUADDR, 4, 0, 0xffffffff, 0 },
    { SPEC(VTD_REG_IRTA), REG_IRTA, 8, 0, ADDR | 0x80f, BEYOND },
    { SPEC(VTD_REG_PQH), REG_PQH, 8, 0, 0x7ffe0, 0 },
    { SPEC(VTD_REG_PQT), REG_PQT, 8, 0, 0x7ffe0, 0 },
    { SPEC(VTD_REG_PQA), REG_PQA, 8, 0, ADDR | 7, BEYOND },
    { SPEC(VTD_REG_PRS), REG_PRS, 4, 0, 0, 0 },
    { SPEC(VTD_REG_PECTL), REG_PECTL, 4, CTL_IM, CTL_IM, 0 },
    { SPEC(VTD_REG_PEDATA), REG_PEDATA, 4, 0, 0xffff, 0 },
    { SPEC(VTD_REG_PEADDR), REG_PEADDR, 4, 0, 0xfffffffc, 0 },
    { SPEC(VTD_REG_PEUADDR), REG_PEUADDR, 4, 0, 0xffffffff, 0 },
    { SPEC(VTD_REG_IQERCD), REG_IQERCD, 8, 0, 0, 0 },
};

static uint64_t reg_read(Rig *r, const RegRow *row)
{
    return im_vtd_mmio_read(r->vtd, row->off, row->size);
}

static void reg_write(Rig *r, const RegRow *row, uint64_t val)
{
    im_vtd_mmio_write(r->vtd, row->off, val, row->size);
}

static void reg_row(const void *data)
{
    const RegRow *row = data;
    g_autoptr(Rig) r = rig_vtd_new(NULL);
    static const uint64_t pattern[] = { 0, UINT64_C(0x5555555555555555),
                                        UINT64_C(0xaaaaaaaaaaaaaaaa) };

    g_assert_cmphex(reg_read(r, row), ==, row->reset);
    if (row->off == REG_GCMD) {
        return;                         /* write-only, reads 0 */
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(pattern); i++) {
        reg_write(r, row, pattern[i]);
        g_assert_cmphex(reg_read(r, row) & ~row->free, ==,
                        pattern[i] & row->rw);
    }
    reg_write(r, row, UINT64_MAX);
    g_assert_cmphex(reg_read(r, row) & ~row->free, ==, row->rw);
    im_vtd_reset(r->vtd);
    g_assert_cmphex(reg_read(r, row), ==, row->reset);
}

/* Two halves are one register. */
static void reg_halves_row(const void *data)
{
    const RegRow *row = data;
    g_autoptr(Rig) r = rig_vtd_new(NULL);
    uint64_t v = UINT64_C(0x00001234abcd5fff) & row->rw;

    rig_set32(r, row->off, (uint32_t)v);
    rig_set32(r, row->off + 4, (uint32_t)(v >> 32));
    g_assert_cmphex(rig_reg64(r, row->off), ==, v);
    g_assert_cmphex(rig_reg32(r, row->off), ==, (uint32_t)v);
    g_assert_cmphex(rig_reg32(r, row->off + 4), ==, (uint32_t)(v >> 32));
}

/* --- access sizes ------------------------------------------------------- */

static void snapshot(Rig *r, uint32_t *word)
{
    for (unsigned off = 0; off < IM_VTD_MMIO_SIZE; off += 4) {
        word[off / 4] = rig_reg32(r, off);
    }
}

/* 11.2: only aligned DWORDs and QWORDs; im_vtd.h: the rest does nothing. */
static void odd_access(void)
{
    static uint32_t before[1024], after[1024];
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    static const unsigned sizes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 16 };
    uint64_t accesses;

    snapshot(w->r, before);
    accesses = w->r->accesses;
    for (unsigned off = 0; off < IM_VTD_MMIO_SIZE; off++) {
        for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
            unsigned n = sizes[i];

            if ((n == 4 || n == 8) && off % n == 0) {
                continue;
            }
            im_vtd_mmio_write(w->r->vtd, off, UINT64_MAX, n);
            g_assert_cmphex(im_vtd_mmio_read(w->r->vtd, off, n), ==, 0);
        }
    }
    snapshot(w->r, after);
    g_assert_true(memcmp(before, after, sizeof(before)) == 0);
    g_assert_cmpuint(w->r->accesses, ==, accesses);
}

static void beyond_the_page(void)
{
    g_autoptr(Rig) r = rig_vtd_new(NULL);

    for (uint64_t off = IM_VTD_MMIO_SIZE; off < 0x3000; off += 4) {
        im_vtd_mmio_write(r->vtd, off, UINT64_MAX, 4);
        g_assert_cmphex(im_vtd_mmio_read(r->vtd, off, 4), ==, 0);
    }
    g_assert_cmphex(im_vtd_mmio_read(r->vtd, UINT64_MAX & ~7ull, 8), ==, 0);
}

/* An 8-byte access to two registers of 4 is an access to both. */
static void qword_over_two_dwords(void)
{
    g_autoptr(Rig) r = rig_vtd_new(NULL);

    rig_set64(r, REG_FECTL, UINT64_C(0x0000123400000000));
    g_assert_cmphex(rig_reg32(r, REG_FECTL), ==, 0);
    g_assert_cmphex(rig_reg32(r, REG_FEDATA), ==, 0x1234);
    rig_set64(r, REG_IECTL, UINT64_C(0x0000567800000000));
    g_assert_cmphex(rig_reg32(r, REG_IEDATA), ==, 0x5678);
    rig_set64(r, REG_IEADDR, UINT64_C(0x00000200fee01000));
    g_assert_cmphex(rig_reg64(r, REG_IEADDR), ==, UINT64_C(0x00000200fee01000));
    rig_set64(r, REG_PEADDR, UINT64_C(0x00000300fee02000));
    g_assert_cmphex(rig_reg32(r, REG_PEUADDR), ==, 0x300);
    g_assert_cmphex(rig_reg64(r, REG_GCMD) >> 32, ==, rig_reg32(r, REG_GSTS));
}

/* Every aligned access to every offset is harmless, in any order. */
static void every_offset_every_pattern(void)
{
    static const uint64_t pattern[] = { UINT64_MAX, 0,
                                        UINT64_C(0x8000000080000000),
                                        UINT64_C(0x5555555555555555) };

    for (unsigned p = 0; p < G_N_ELEMENTS(pattern); p++) {
        g_autoptr(Rig) r = rig_vtd_new(NULL);

        r->allow_stray = true;
        for (unsigned off = 0; off < IM_VTD_MMIO_SIZE; off += 8) {
            rig_set64(r, off, pattern[p]);
            rig_set32(r, off, (uint32_t)pattern[p]);
            rig_set32(r, off + 4, (uint32_t)pattern[p]);
        }
        for (unsigned off = 0; off < IM_VTD_MMIO_SIZE; off += 4) {
            rig_reg32(r, off);
        }
        im_vtd_reset(r->vtd);
        g_assert_cmphex(rig_reg32(r, REG_GSTS), ==, 0);
        g_assert_cmphex(rig_reg32(r, REG_FECTL), ==, CTL_IM);
    }
}

static void ids_are_read_only(void)
{
    g_autoptr(Rig) r = rig_vtd_new(NULL);
    uint32_t ver = rig_reg32(r, REG_VER);
    uint64_t cap = rig_reg64(r, REG_CAP), ecap = rig_reg64(r, REG_ECAP);

    rig_set32(r, REG_VER, ~ver);
    rig_set64(r, REG_CAP, ~cap);
    rig_set64(r, REG_ECAP, ~ecap);
    g_assert_cmphex(rig_reg32(r, REG_VER), ==, ver);
    g_assert_cmphex(rig_reg64(r, REG_CAP), ==, cap);
    g_assert_cmphex(rig_reg64(r, REG_ECAP), ==, ecap);
    g_assert_cmphex(rig_reg32(r, REG_CAP), ==, (uint32_t)cap);
    g_assert_cmphex(rig_reg32(r, REG_CAP + 4), ==, (uint32_t)(cap >> 32));
}

/* Registers of absent features are reserved, read as 0. */
static void absent_features(void)
{
    ImVtdConfig c = rig_vtd_config();
    static const unsigned off[] = { REG_PQH,    REG_PQT,     REG_PQA,
                                    REG_PRS,    REG_PECTL,   REG_PEDATA,
                                    REG_PEADDR, REG_PEUADDR, REG_IRTA };

    c.page_request = c.stop_marker = false;
    c.intremap = c.eim = c.esirtps = false;
    g_autoptr(Rig) r = rig_vtd_new(&c);
    for (unsigned i = 0; i < G_N_ELEMENTS(off); i++) {
        g_assert_cmphex(rig_reg32(r, off[i]), ==, 0);
        rig_set32(r, off[i], 0xffffffff);
        g_assert_cmphex(rig_reg32(r, off[i]), ==, 0);
    }
    vb_gcmd(r, GCMD_IRE, true);
    vb_one_shot(r, GCMD_SIRTP);
    g_assert_cmphex(rig_reg32(r, REG_GSTS), ==, 0);
}

static void eime_without_eim(void)
{
    ImVtdConfig c = rig_vtd_config();

    c.eim = false;
    g_autoptr(Rig) r = rig_vtd_new(&c);
    rig_set64(r, REG_IRTA, 0x100800);
    g_assert_cmphex(rig_reg64(r, REG_IRTA), ==, 0x100000);
}

/* Unused offsets: VCMD, ECMD, MTRR, AFLOG are not advertised. */
static void unused_offsets(void)
{
    g_autoptr(Rig) r = rig_vtd_new(NULL);
    static const unsigned off[] = { REG_AFLOG, REG_MTRRCAP, REG_ECMD, REG_VCMD,
                                    REG_VCCAP, 0x048,       0x300,    0xdc0 };

    for (unsigned i = 0; i < G_N_ELEMENTS(off); i++) {
        rig_set64(r, off[i], UINT64_MAX);
        g_assert_cmphex(rig_reg64(r, off[i]), ==, 0);
    }
}

/* --- global commands ---------------------------------------------------- */

static void toggles(void)
{
    g_autoptr(Rig) r = rig_vtd_new(NULL);
    static const uint32_t bit[] = { GCMD_TE, GCMD_QIE, GCMD_IRE, GCMD_CFI };

    r->root = rig_alloc(r, 1, RIG_READ);
    for (unsigned i = 0; i < G_N_ELEMENTS(bit); i++) {
        vb_gcmd(r, bit[i], true);
        g_assert_cmphex(rig_reg32(r, REG_GSTS), ==, bit[i]);
        g_assert_cmphex(rig_reg32(r, REG_GCMD), ==, 0);
        vb_gcmd(r, bit[i], false);
        g_assert_cmphex(rig_reg32(r, REG_GSTS), ==, 0);
    }
}

static void one_shots(void)
{
    g_autoptr(Rig) r = rig_vtd_new(NULL);

    vb_one_shot(r, GCMD_SRTP);
    g_assert_cmphex(rig_reg32(r, REG_GSTS), ==, GSTS_RTPS);
    rig_set32(r, REG_GCMD, 0);
    g_assert_cmphex(rig_reg32(r, REG_GSTS), ==, GSTS_RTPS);
    vb_one_shot(r, GCMD_SIRTP);
    g_assert_cmphex(rig_reg32(r, REG_GSTS), ==, GSTS_RTPS | GSTS_IRTPS);
    rig_set32(r, REG_GCMD, 0);
    g_assert_cmphex(rig_reg32(r, REG_GSTS), ==, GSTS_RTPS | GSTS_IRTPS);
    vb_one_shot(r, GCMD_WBF);                   /* RWBF=0: nothing to do */
    g_assert_cmphex(rig_reg32(r, REG_GSTS) & GSTS_WBFS, ==, 0);
}

/* A sloppy read-modify-write repeats the commands and changes nothing. */
static void mirrored_one_shot(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImXlat x;

    rig_set32(w->r, REG_GCMD, rig_reg32(w->r, REG_GSTS));
    g_assert_cmphex(rig_reg32(w->r, REG_GSTS), ==,
                    GSTS_TES | GSTS_RTPS | GSTS_QIES);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->hpa);
}

/* RTADDR means nothing until SRTP. */
static void root_is_latched(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImXlat x;

    rig_set64(w->r, REG_RTADDR, w->r->ram_top | TTM_LEGACY);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->hpa);
    vb_one_shot(w->r, GCMD_SRTP);
    w->has_pasid = false;
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_fault(&x, IM_CPL_UR, 0x08);
}

static void irta_is_latched(void)
{
    g_autoptr(Rig) r = rig_vtd_new(NULL);
    ImMsi m = vb_msi(0x100, 3);
    ImIntOut out;

    vb_irt_enable(r, 3, false);
    vb_irte(r, 3, (Irte) { .p = true, .vector = 0x77 });
    rig_set64(r, REG_IRTA, r->ram_top | 15);
    out = im_vtd_interrupt(r->vtd, &m);
    g_assert_cmpuint(out.status, ==, IM_OK);
    g_assert_cmphex(out.vector, ==, 0x77);
    vb_one_shot(r, GCMD_SIRTP);
    out = im_vtd_interrupt(r->vtd, &m);
    g_assert_cmpuint(out.status, ==, IM_FAULT);
    g_assert_cmphex(out.fault, ==, 0x23);
}

/* Legacy to scalable and back, translation staying on (ESRTPS). */
static void mode_at_run_time(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, false);
    ImXlat x;

    vb_set_root(w->r, w->root, TTM_ABORT);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_fault(&x, IM_CPL_UR, 0x33);
    vb_set_root(w->r, w->root, TTM_SCALABLE);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->hpa);
    g_assert_cmpuint(w->r->changes, >=, 3);
}

/* --- register-based invalidation ---------------------------------------- */

static uint64_t iotlb_reg(Rig *r)
{
    return (rig_reg64(r, REG_ECAP) >> 8 & 0x3ff) * 16 + 8;
}

static World *register_world(void)
{
    World *w = world_new(NULL, W_LEGACY, false);

    vb_gcmd(w->r, GCMD_QIE, false);
    return w;
}

static unsigned iotlb_cmd(Rig *r, unsigned g, uint64_t did, uint64_t iva)
{
    uint64_t reg = iotlb_reg(r);

    rig_set64(r, reg - 8, iva);
    rig_set64(r, reg,
              UINT64_C(1) << 63 | (uint64_t)g << 60 | UINT64_C(3) << 48 |
                  did << 32);
    g_assert_cmphex(rig_reg64(r, reg) >> 63, ==, 0);
    return rig_reg64(r, reg) >> 57 & 3;
}

static unsigned ccmd(Rig *r, unsigned g, uint64_t did, uint64_t sid)
{
    rig_set64(r, REG_CCMD,
              UINT64_C(1) << 63 | (uint64_t)g << 61 | sid << 16 | did);
    g_assert_cmphex(rig_reg64(r, REG_CCMD) >> 63, ==, 0);
    return rig_reg64(r, REG_CCMD) >> 59 & 3;
}

static void register_iotlb(const void *data)
{
    unsigned g = GPOINTER_TO_UINT(data);
    g_autoptr(World) w = register_world();
    ImXlat x;

    world_dma(w, IM_READ, w->iova);
    rig_w64(w->r, world_leaf(w, w->iova), 0);
    g_assert_cmpuint(iotlb_cmd(w->r, g, w->did, w->iova), ==, g);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_fault(&x, IM_CPL_UR, 0x06);
}

static void register_context(const void *data)
{
    unsigned g = GPOINTER_TO_UINT(data);
    g_autoptr(World) w = register_world();
    ImXlat x;

    world_dma(w, IM_READ, w->iova);
    rig_put(w->r, w->ctx, CTX_P, 0);
    g_assert_cmpuint(ccmd(w->r, g, w->did, w->rid), ==, g);
    g_assert_cmpuint(iotlb_cmd(w->r, 1, 0, 0), ==, 1);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_fault(&x, IM_CPL_UR, 0x02);
}

static void register_not_in_scalable_mode(void)
{
    g_autoptr(World) w = world_new(NULL, W_SS, false);

    vb_gcmd(w->r, GCMD_QIE, false);
    g_assert_cmpuint(iotlb_cmd(w->r, 1, 0, 0), ==, 0);
    g_assert_cmpuint(ccmd(w->r, 1, 0, 0), ==, 0);
}

static void register_bad(void)
{
    g_autoptr(World) w = register_world();

    g_assert_cmpuint(iotlb_cmd(w->r, 3, w->did, w->iova | 63), ==, 0);
    g_assert_cmpuint(iotlb_cmd(w->r, 0, 0, 0), ==, 0);
    g_assert_cmpuint(ccmd(w->r, 0, 0, 0), ==, 0);
}

/* The upper half holds the command bit and is what triggers. */
static void register_halves(void)
{
    g_autoptr(World) w = register_world();
    uint64_t reg = iotlb_reg(w->r);
    ImXlat x;

    world_dma(w, IM_READ, w->iova);
    rig_w64(w->r, world_leaf(w, w->iova), 0);
    rig_set32(w->r, reg, 0);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->hpa);
    rig_set32(w->r, reg + 4, 0x80000000u | 1u << 28);
    g_assert_cmphex(rig_reg32(w->r, reg + 4) >> 25, ==, 1 << 3 | 1);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_fault(&x, IM_CPL_UR, 0x06);
}

/* Page-selective: the address and the mask of IVA_REG decide. */
static void iva_selects(void)
{
    g_autoptr(World) w = register_world();
    uint64_t near = w->iova ^ 0x1000;
    ImXlat x;

    world_map(w, near, w->hpa + 0x1000);
    world_dma(w, IM_READ, w->iova);
    world_dma(w, IM_READ, near);
    rig_w64(w->r, world_leaf(w, w->iova), 0);
    rig_w64(w->r, world_leaf(w, near), 0);
    g_assert_cmpuint(iotlb_cmd(w->r, 3, w->did, w->iova | 1u << 6), ==, 3);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_fault(&x, IM_CPL_UR, 0x06);
    world_map(w, w->iova, w->hpa);
    world_dma(w, IM_READ, w->iova);
    rig_w64(w->r, world_leaf(w, w->iova), 0);
    g_assert_cmpuint(iotlb_cmd(w->r, 3, w->did, (w->iova & ~0x1fffull) | 1), ==,
                     3);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_fault(&x, IM_CPL_UR, 0x06);
    x = world_dma(w, IM_READ, near);
    xlat_is_fault(&x, IM_CPL_UR, 0x06);
}

static void add_commands(void)
{
    spec_test(VTD_REG_GCMD, "toggles", toggles);
    spec_test(VTD_REG_GCMD, "one-shots", one_shots);
    spec_test(VTD_REG_GSTS, "mirrored-one-shots", mirrored_one_shot);
    spec_test(VTD_6_6_SRTP, "latches", root_is_latched);
    spec_test(VTD_6_6_SRTP, "mode-at-run-time", mode_at_run_time);
    spec_test(VTD_6_7_SIRTP, "latches", irta_is_latched);
    spec_row(VTD_REG_IOTLB, "global", register_iotlb, GUINT_TO_POINTER(1));
    spec_row(VTD_REG_IOTLB, "domain", register_iotlb, GUINT_TO_POINTER(2));
    spec_row(VTD_REG_IOTLB, "page", register_iotlb, GUINT_TO_POINTER(3));
    spec_row(VTD_REG_CCMD, "global", register_context, GUINT_TO_POINTER(1));
    spec_row(VTD_REG_CCMD, "domain", register_context, GUINT_TO_POINTER(2));
    spec_row(VTD_REG_CCMD, "device", register_context, GUINT_TO_POINTER(3));
    spec_test(VTD_6_5_1_REGISTER_INV, "not-in-scalable-mode",
              register_not_in_scalable_mode);
    spec_test(VTD_6_5_1_REGISTER_INV, "bad-granularity-and-am", register_bad);
    spec_test(VTD_REG_IOTLB, "halves", register_halves);
    spec_test(VTD_REG_IVA, "address-and-mask", iva_selects);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(regs); i++) {
        g_autofree char *path = g_strdup_printf("%03x", regs[i].off);
        g_autofree char *halves = g_strdup_printf("halves@%s", path);

        spec_table_row(&regs[i], path, reg_row);
        if (regs[i].size == 8) {
            spec_table_row(&regs[i], halves, reg_halves_row);
        }
    }
    spec_test(VTD_REG_ACCESS, "odd-sizes-do-nothing", odd_access);
    spec_test(VTD_REG_ACCESS, "beyond-the-page", beyond_the_page);
    spec_test(VTD_REG_ACCESS, "qword-over-two-dwords", qword_over_two_dwords);
    spec_test(VTD_REG_ACCESS, "every-offset", every_offset_every_pattern);
    spec_test(VTD_REG_ACCESS, "unused-offsets", unused_offsets);
    spec_test(VTD_REG_ACCESS, "absent-features", absent_features);
    spec_test(VTD_REG_IRTA, "eime-without-eim", eime_without_eim);
    spec_test(VTD_REG_VER, "read-only", ids_are_read_only);
    spec_test(VTD_REG_CAP, "read-only", ids_are_read_only);
    spec_test(VTD_REG_ECAP, "read-only", ids_are_read_only);
    add_commands();
    return g_test_run();
}
