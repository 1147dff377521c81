/*
 * Registers in use: what their values do, chapter 6.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_world.h"
#include "lib/spec.h"

/* --- queue indexes, 6.3.27, 6.3.28, 6.3.95 to 6.3.98 -------------------- */

typedef struct IndexRow {
    ImClause clause;
    const char *path;
    uint32_t base, off;
    uint32_t flag;              /* above the index, untouched by the size */
} IndexRow;

static const IndexRow index_rows[] = {
    { SPEC(SMMU_REG_CMDQ_PROD), "cmdq-prod", SR_CMDQ_BASE, SR_CMDQ_PROD, 0 },
    { SPEC(SMMU_REG_CMDQ_CONS), "cmdq-cons", SR_CMDQ_BASE, SR_CMDQ_CONS, 0 },
    { SPEC(SMMU_REG_EVENTQ_PROD), "eventq-prod", SR_EVTQ_BASE, SR_EVTQ_PROD,
      Q_OVERFLOW },
    { SPEC(SMMU_REG_EVENTQ_CONS), "eventq-cons", SR_EVTQ_BASE, SR_EVTQ_CONS,
      Q_OVERFLOW },
    { SPEC(SMMU_REG_PRIQ_PROD), "priq-prod", SR_PRIQ_BASE, SR_PRIQ_PROD,
      Q_OVERFLOW },
    { SPEC(SMMU_REG_PRIQ_CONS), "priq-cons", SR_PRIQ_BASE, SR_PRIQ_CONS,
      Q_OVERFLOW },
};

/* ERR of CMDQ_CONS may be stored. */
static uint32_t index_of(Rig *r, const IndexRow *row)
{
    return rig_reg32(r, row->off) & ~0x7f000000u;
}

/* Bits above the wrap bit read 0, whatever is written. */
static void index_size(const void *data)
{
    const IndexRow *row = data;
    ImSmmuConfig c = rig_smmu_config();

    c.cmdq_bits = c.evtq_bits = c.priq_bits = 16;
    g_autoptr(Rig) r = rig_smmu_new(&c);
    for (unsigned lg2 = 0; lg2 <= 16; lg2++) {
        rig_set64(r, row->base, lg2);
        rig_set32(r, row->off, UINT32_MAX);
        g_assert_cmphex(index_of(r, row), ==, row->flag | ((2u << lg2) - 1));
    }
    rig_set64(r, row->base, 31);        /* IDR1 says 16 */
    rig_set32(r, row->off, UINT32_MAX);
    g_assert_cmphex(index_of(r, row), ==, row->flag | 0x1ffff);
}

/* A queue that shrinks cuts its indexes, for good. */
static void index_shrinks(const void *data)
{
    const IndexRow *row = data;
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    rig_set64(r, row->base, 8);
    rig_set32(r, row->off, row->flag | 0x1a5);
    rig_set64(r, row->base, 3);
    g_assert_cmphex(index_of(r, row), ==, row->flag | 0x5);
    rig_set64(r, row->base, 8);
    g_assert_cmphex(index_of(r, row), ==, row->flag | 0x5);
}

/* --- STRTAB_BASE, 6.3.24 ------------------------------------------------ */

typedef struct AlignRow {
    const char *path;
    unsigned log2size;          /* literal; SIDSIZE is 8 */
    bool two_level;             /* SPLIT 8 */
    uint64_t low;               /* of the base, which must not count */
} AlignRow;

static const AlignRow align_rows[] = {
    { "linear", 8, false, 0x3fc0 },
    { "linear-larger", 12, false, 0x3ffc0 },
    { "linear-far-larger", 20, false, 0x3ffffc0 },
    { "two-level-small", 8, true, 0 },
    { "two-level-larger", 20, true, 0x7fc0 },
};

/* The STE at the aligned base serves StreamID 3: a bypass. */
static void strtab_align(const void *data)
{
    const AlignRow *row = data;
    uint64_t base = UINT64_C(0x100000000), ste = base + 0x100000;
    ImTxn t = { .addr = 0x7000, .len = 8, .rid = 3, .access = IM_READ };
    ImSmmuConfig c = rig_smmu_config();
    ImXlat x;

    c.sid_bits = 8;
    g_autoptr(Rig) r = rig_smmu_new(&c);
    rig_offer(r, base, 1, RIG_TABLE);
    rig_offer(r, ste, 4, RIG_TABLE);
    if (row->two_level) {
        rig_put(r, base, L1STD_SPAN, 9);
        rig_put(r, base, L1STD_L2PTR, ste >> 6);
    } else {
        ste = base;
    }
    rig_put(r, ste + 3 * 64, STE_V, 1);
    rig_put(r, ste + 3 * 64, STE_CONFIG, CONFIG_BYPASS);
    rig_put(r, ste + 3 * 64, STE_SHCFG, 1);
    rig_set64(r, SR_STRTAB_BASE, base | row->low);
    rig_set32(r, SR_STRTAB_BASE_CFG,
              row->log2size | (row->two_level ? 8 << 6 | 1 << 16 : 0));
    g_assert_cmphex(rig_reg64(r, SR_STRTAB_BASE), ==, base | row->low);
    sb_cr0(r, CR0_SMMUEN, true);
    x = im_smmu_translate(r->smmu, &t);
    xlat_is_ok(&x, t.addr);
}

/* LOG2SIZE beyond any address: nothing of the base is left. */
static void strtab_align_all(void)
{
    ImTxn t = { .addr = 0x7000, .len = 8, .rid = 3, .access = IM_READ };
    g_autoptr(Rig) r = rig_smmu_new(NULL);
    ImXlat x;

    rig_set64(r, SR_STRTAB_BASE, UINT64_C(0x7fffffffffc0));
    rig_set32(r, SR_STRTAB_BASE_CFG, 63);
    rig_offer(r, 0, 1, RIG_TABLE);
    rig_put(r, 3 * 64, STE_V, 1);
    rig_put(r, 3 * 64, STE_CONFIG, CONFIG_BYPASS);
    sb_cr0(r, CR0_SMMUEN, true);
    x = im_smmu_translate(r->smmu, &t);
    xlat_is_ok(&x, t.addr);
}

/* LOG2SIZE counts up to SIDSIZE, 8: there is an STE behind it in memory. */
static void strtab_size_is_capped(void)
{
    uint64_t base = UINT64_C(0x100000000);
    ImTxn t = { .addr = 0x7000, .len = 8, .access = IM_READ };
    ImSmmuConfig c = rig_smmu_config();
    ImXlat x;

    c.sid_bits = 8;
    g_autoptr(Rig) r = rig_smmu_new(&c);
    rig_offer(r, base, 8, RIG_TABLE);
    for (unsigned sid = 0xff; sid <= 0x100; sid++) {
        rig_put(r, base + 64 * sid, STE_V, 1);
        rig_put(r, base + 64 * sid, STE_CONFIG, CONFIG_BYPASS);
    }
    rig_set64(r, SR_STRTAB_BASE, base);
    rig_set32(r, SR_STRTAB_BASE_CFG, 9);
    g_assert_cmphex(rig_reg32(r, SR_STRTAB_BASE_CFG), ==, 9);
    sb_cr0(r, CR0_SMMUEN, true);
    t.rid = 0xff;
    x = im_smmu_translate(r->smmu, &t);
    xlat_is_ok(&x, t.addr);
    t.rid = 0x100;
    x = im_smmu_translate(r->smmu, &t);
    sx_is_abort(&x, EV_BAD_STREAMID);
}

/* A reserved FMT is 0, linear, whatever SPLIT is. */
static void strtab_format_reserved(void)
{
    for (unsigned fmt = 0; fmt < 4; fmt += fmt ? 1 : 2) {
        SwShape s = { .linear = true };
        g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, false, &s);
        ImXlat x;

        sw_on(w);
        sb_cr0(w->r, CR0_SMMUEN, false);
        rig_set32(w->r, SR_STRTAB_BASE_CFG, w->log2size | 8 << 6 | fmt << 16);
        sb_cr0(w->r, CR0_SMMUEN, true);
        x = sw_dma(w, IM_READ, w->iova);
        xlat_is_ok(&x, w->pa);
    }
}

/* --- SMMUEN, 6.3.9.6 ---------------------------------------------------- */

/* Whoever keeps translations outside hears that each change ends them. */
static void smmuen_told(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_S1, false);
    const ImUnmap *u;

    for (unsigned on = 0; on < 2; on++) {
        unsigned changes = w->r->changes;

        rig_log_clear(w->r);
        sb_cr0(w->r, CR0_SMMUEN, on);
        g_assert_cmpuint(rig_count(w->r, RIG_SEEN_UNMAP), ==, 1);
        u = &rig_seen(w->r, RIG_SEEN_UNMAP, 0)->unmap;
        g_assert_cmphex(u->mask, ==, UINT64_MAX);
        g_assert_false(u->has_rid);
        g_assert_cmpuint(w->r->changes, ==, changes + 1);
    }
}

/* --- PRIQ_IRQ_CFG2.LO, 6.3.1 and 6.3.36 --------------------------------- */

static Rig *without_msi(void)
{
    ImSmmuConfig c = rig_smmu_config();

    c.msi = false;
    return rig_smmu_new(&c);
}

static void lo_without_msi(void)
{
    g_autoptr(Rig) r = without_msi();

    rig_set32(r, SR_PRIQ_IRQ_CFG2, UINT32_MAX);
    g_assert_cmphex(rig_reg32(r, SR_PRIQ_IRQ_CFG2), ==, 1u << 31);
    sb_irq_enable(r, IRQ_PRIQ);
    rig_set32(r, SR_PRIQ_IRQ_CFG2, 0);          /* guarded */
    g_assert_cmphex(rig_reg32(r, SR_PRIQ_IRQ_CFG2), ==, 1u << 31);
}

static void request(Rig *r, bool last)
{
    ImPageReq req = { .rid = 9, .addr = 0x5000, .read = true, .last = last };

    im_smmu_page_request(r->smmu, &req);
}

/* The wire: not when the queue ceases to be empty, but with a last one. */
static void lo_wired(void)
{
    g_autoptr(Rig) r = without_msi();

    rig_set32(r, SR_PRIQ_IRQ_CFG2, 1u << 31);
    sb_priq_enable(r, 4);
    sb_irq_enable(r, IRQ_PRIQ);
    sb_cr0(r, CR0_SMMUEN, true);
    rig_log_clear(r);
    request(r, false);
    request(r, false);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_WIRE), ==, 0);
    request(r, true);
    request(r, true);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_WIRE), ==, 2);
    g_assert_cmpuint(rig_seen(r, RIG_SEEN_WIRE, 0)->val, ==, IM_SMMU_IRQ_PRIQ);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 0);
}

/* --- GERRORN.SFM_ERR, 6.3.20 -------------------------------------------- */

/* Service failure mode is never entered; the bit is there all the same. */
static void sfm_stored(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_S1, false);
    ImXlat x;

    rig_log_clear(w->r);
    rig_set32(w->r, SR_GERRORN, 1u << 8);
    g_assert_cmphex(rig_reg32(w->r, SR_GERRORN), ==, 1u << 8);
    g_assert_cmphex(rig_reg32(w->r, SR_GERROR), ==, 0);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_WIRE), ==, 0);
    x = sw_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->pa);
    sb_do(w->r, cmd_cfgi_all());
    rig_set32(w->r, SR_GERRORN, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(index_rows); i++) {
        g_autofree char *size = g_strdup_printf("size@%s", index_rows[i].path);
        g_autofree char *cut = g_strdup_printf("shrinks@%s",
                                               index_rows[i].path);

        spec_table_row(&index_rows[i], size, index_size);
        spec_table_row(&index_rows[i], cut, index_shrinks);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(align_rows); i++) {
        spec_row(SMMU_REG_STRTAB_BASE, align_rows[i].path, strtab_align,
                 &align_rows[i]);
    }
    spec_test(SMMU_REG_STRTAB_BASE, "all-of-it", strtab_align_all);
    spec_test(SMMU_REG_STRTAB_BASE_CFG, "capped", strtab_size_is_capped);
    spec_test(SMMU_REG_STRTAB_BASE_CFG, "fmt-reserved", strtab_format_reserved);
    spec_test(SMMU_REG_SMMUEN, "told", smmuen_told);
    spec_test(SMMU_REG_IRQ_CFG, "lo-without-msi", lo_without_msi);
    spec_test(SMMU_PRIQ_INTERRUPT, "lo-wired", lo_wired);
    spec_test(SMMU_REG_GERRORN, "sfm", sfm_stored);
    return g_test_run();
}
