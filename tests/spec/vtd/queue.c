/*
 * Invalidation queue: which descriptors are valid, what each error says
 * and how the queue goes on. 6.5.2.1 to 6.5.2.9, 6.5.2.11, 11.4.9.9.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"
#include "lib/vtd_build.h"

static unsigned iqei(Rig *r)
{
    return rig_reg64(r, REG_IQERCD) & 0xf;
}

static bool iqe(Rig *r)
{
    return rig_reg32(r, REG_FSTS) & FSTS_IQE;
}

/* --- one descriptor, one verdict ---------------------------------------- */

typedef enum Mode { SM, LEGACY_WIDE, LEGACY_NARROW, ABORT } Mode;

static Rig *queue_new(const ImVtdConfig *cfg, Mode mode)
{
    Rig *r = rig_vtd_new(cfg);
    static const uint64_t ttm[] = { TTM_SCALABLE, TTM_LEGACY, TTM_LEGACY,
                                    TTM_ABORT };

    r->root = rig_alloc(r, 1, RIG_READ);
    vb_fault_event(r, 0x4f);
    vb_iq_enable(r, mode != LEGACY_NARROW);
    vb_set_root(r, r->root, ttm[mode]);
    return r;
}

/* After an error the head stays, the error is told once, and the queue
 * resumes by itself when the slot is mended and IQE cleared. */
static void expect_error(Rig *r, Desc d, unsigned cause)
{
    uint64_t at = r->iq_tail * r->iq_width;
    uint32_t mark = 0x600d;

    vb_iq_put(r, d);
    vb_iq_put(r, desc_wait(WAIT_SW, r->status, mark));
    vb_iq_ring(r);
    g_assert_cmphex(rig_reg32(r, REG_FSTS) & 0xff, ==, FSTS_IQE);
    g_assert_cmphex(iqei(r), ==, cause);
    g_assert_cmphex(rig_reg64(r, REG_IQH), ==, at);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 1);
    g_assert_cmphex(rig_r32(r, r->status), ==, 0);
    for (unsigned i = 0; i < 4; i++) {
        rig_w64(r, r->iq + at + 8 * i, i ? 0 : 5);  /* bare wait */
        if (8 * i + 8 == r->iq_width) {
            break;
        }
    }
    rig_set32(r, REG_FSTS, FSTS_IQE);
    g_assert_false(iqe(r));
    g_assert_cmphex(rig_r32(r, r->status), ==, mark);
    g_assert_cmphex(rig_reg64(r, REG_IQH), ==, rig_reg64(r, REG_IQT));
}

static void expect_done(Rig *r, Desc d)
{
    uint64_t at = r->iq_tail * r->iq_width;

    vb_submit(r, d);
    g_assert_false(iqe(r));
    g_assert_cmphex(rig_reg64(r, REG_IQH), ==, at + r->iq_width);
}

static Desc good(unsigned type, Rig *r)
{
    switch (type) {
    case 1:
        return desc_context(CC_GLOBAL, 0, 0, 0);
    case 2:
        return desc_iotlb(IOTLB_GLOBAL, 0, 0, 0, false);
    case 3:
        return desc_dev_tlb(0x100, 0, false);
    case 4:
        return desc_iec(0, 0, 0);
    case 5:
        return desc_wait(0, r->status, 0);
    case 6:
        return desc_piotlb(PIOTLB_PASID, 1, 2, 0, 0, false);
    case 7:
        return desc_pasid_cache(PC_GLOBAL, 0, 0);
    case 8:
        return desc_pdev_tlb(0x100, 2, 0, false, false);
    default:
        return desc_page_resp(0x100, true, 2, 3, 0);
    }
}

/* --- reserved bits ------------------------------------------------------ */

typedef struct Reserved {
    ImClause clause;
    unsigned type;
    struct {
        unsigned hi, lo;
    } range[7];
} Reserved;

/* Figures 6-1 to 6-9 and 7-2; PFSID is reserved, DIT being 0. */
/* clang-format off */
static const Reserved reserved[] = {
    { SPEC(VTD_DESC_CONTEXT_CACHE), 1,
      { { 8, 6 }, { 15, 12 }, { 63, 50 }, { 127, 64 }, { 255, 128 } } },
    { SPEC(VTD_DESC_IOTLB), 2,
      { { 8, 8 }, { 15, 12 }, { 63, 32 }, { 75, 71 }, { 255, 128 } } },
    { SPEC(VTD_DESC_DEV_TLB), 3,
      { { 8, 4 }, { 15, 12 }, { 31, 21 }, { 51, 48 }, { 63, 52 },
        { 75, 65 }, { 255, 128 } } },
    { SPEC(VTD_DESC_IEC), 4,
      { { 8, 5 }, { 26, 12 }, { 63, 48 }, { 127, 64 }, { 255, 128 } } },
    { SPEC(VTD_DESC_WAIT), 5,
      { { 8, 8 }, { 31, 12 }, { 65, 64 }, { 255, 128 } } },
    { SPEC(VTD_DESC_PIOTLB), 6,
      { { 8, 6 }, { 15, 12 }, { 63, 52 }, { 75, 71 }, { 255, 128 } } },
    { SPEC(VTD_DESC_PASID_CACHE), 7,
      { { 8, 6 }, { 15, 12 }, { 63, 52 }, { 127, 64 }, { 255, 128 } } },
    { SPEC(VTD_DESC_PDEV_TLB), 8,
      { { 15, 12 }, { 63, 52 }, { 74, 65 }, { 255, 128 } } },
    { SPEC(VTD_DESC_PAGE_RESP), 9,
      { { 8, 5 }, { 63, 52 }, { 65, 64 }, { 127, 76 }, { 255, 128 } } },
};
/* clang-format on */

static void reserved_row(const void *data)
{
    const Reserved *row = data;

    for (unsigned i = 0; i < 7 && row->range[i].hi; i++) {
        for (unsigned bit = row->range[i].lo; bit <= row->range[i].hi; bit++) {
            g_autoptr(Rig) r = queue_new(NULL, SM);
            Desc d = good(row->type, r);

            desc_put(&d, bit, bit, 1);
            expect_error(r, d, 4);
        }
    }
}

static void good_row(const void *data)
{
    const Reserved *row = data;
    g_autoptr(Rig) r = queue_new(NULL, SM);

    expect_done(r, good(row->type, r));
}

/* --- granularities and fields that are reserved by value ---------------- */

typedef struct ValueRow {
    ImClause clause;
    const char *name;
    unsigned type;
    unsigned hi, lo;
    uint64_t val;
    unsigned cause;             /* 0: accepted */
    void (*config)(ImVtdConfig *c);
} ValueRow;

static void no_psi(ImVtdConfig *c)
{
    c->psi = false;
}

static void no_prs(ImVtdConfig *c)
{
    c->page_request = c->stop_marker = false;
}

static void no_dt(ImVtdConfig *c)
{
    no_prs(c);
    c->device_tlb = c->no_write_flag = false;
}

static const ValueRow values[] = {
    { SPEC(VTD_DESC_CONTEXT_CACHE), "g-00", 1, 5, 4, 0, 4 },
    { SPEC(VTD_DESC_CONTEXT_CACHE), "g-domain", 1, 5, 4, 2, 0 },
    { SPEC(VTD_DESC_CONTEXT_CACHE), "g-device", 1, 5, 4, 3, 0 },
    { SPEC(VTD_DESC_CONTEXT_CACHE), "function-mask", 1, 49, 48, 3, 0 },
    { SPEC(VTD_DESC_IOTLB), "g-00", 2, 5, 4, 0, 4 },
    { SPEC(VTD_DESC_IOTLB), "g-domain", 2, 5, 4, 2, 0 },
    { SPEC(VTD_DESC_IOTLB), "g-page", 2, 5, 4, 3, 0 },
    { SPEC(VTD_DESC_IOTLB), "g-page-without-psi", 2, 5, 4, 3, 4, no_psi },
    { SPEC(VTD_DESC_IOTLB), "drain-flags-clear", 2, 7, 6, 0, 0 },
    { SPEC(VTD_DESC_IOTLB), "domain-all-ones", 2, 31, 16, 0xffff, 0 },
    { SPEC(VTD_DESC_DEV_TLB), "mip", 3, 20, 16, 31, 0 },
    { SPEC(VTD_DESC_DEV_TLB), "without-dt", 3, 64, 64, 0, 3, no_dt },
    { SPEC(VTD_DESC_PDEV_TLB), "mip", 8, 8, 4, 31, 0 },
    { SPEC(VTD_DESC_PDEV_TLB), "without-dt", 8, 64, 64, 0, 3, no_dt },
    { SPEC(VTD_DESC_IEC), "index-selective", 4, 4, 4, 1, 0 },
    { SPEC(VTD_DESC_IEC), "index-mask", 4, 31, 27, 15, 0 },
    { SPEC(VTD_DESC_WAIT), "fence-only", 5, 6, 6, 1, 0 },
    { SPEC(VTD_DESC_WAIT), "page-drain", 5, 7, 7, 1, 0 },
    { SPEC(VTD_DESC_WAIT), "page-drain-without-pds", 5, 7, 7, 1, 4, no_prs },
    { SPEC(VTD_DESC_WAIT), "address-beyond-haw-ignored", 5, 127, 110, 0x3ffff,
      0 },
    { SPEC(VTD_DESC_PIOTLB), "g-00", 6, 5, 4, 0, 4 },
    { SPEC(VTD_DESC_PIOTLB), "g-01", 6, 5, 4, 1, 4 },
    { SPEC(VTD_DESC_PIOTLB), "g-page", 6, 5, 4, 3, 0 },
    { SPEC(VTD_DESC_PIOTLB), "any-address-mask", 6, 69, 64, 63, 0 },
    { SPEC(VTD_DESC_PASID_CACHE), "g-10", 7, 5, 4, 2, 4 },
    { SPEC(VTD_DESC_PASID_CACHE), "g-domain", 7, 5, 4, 0, 0 },
    { SPEC(VTD_DESC_PASID_CACHE), "g-pasid", 7, 5, 4, 1, 0 },
    { SPEC(VTD_DESC_PAGE_RESP), "bit-66-is-ignored", 9, 66, 66, 1, 0 },
    { SPEC(VTD_DESC_PAGE_RESP), "without-prs", 9, 4, 4, 1, 3, no_prs },
    { SPEC(VTD_DESC_PAGE_RESP), "linux-failure-code-2", 9, 15, 12, 2, 0 },
};

static void value_row(const void *data)
{
    const ValueRow *row = data;
    ImVtdConfig c = rig_vtd_config();

    if (row->config) {
        row->config(&c);
    }
    g_autoptr(Rig) r = queue_new(&c, SM);
    Desc d = good(row->type, r);

    desc_put(&d, row->hi, row->lo, row->val);
    if (row->cause) {
        expect_error(r, d, row->cause);
    } else {
        expect_done(r, d);
    }
}

/* --- table 26 ----------------------------------------------------------- */

typedef struct TypeRow {
    Mode mode;
    unsigned type;
    bool valid;
} TypeRow;

static void type_row(const void *data)
{
    const TypeRow *row = data;
    g_autoptr(Rig) r = queue_new(NULL, row->mode);
    Desc d = { { 0 } };

    if (row->valid) {
        expect_done(r, good(row->type, r));
        return;
    }
    if (row->type >= 6 && row->type <= 9) {
        d = good(row->type, r);
    }
    desc_put(&d, 3, 0, row->type & 0xf);
    desc_put(&d, 11, 9, row->type >> 4);
    expect_error(r, d, 3);
}

static void add_types(void)
{
    static const char *const name[] = { "scalable", "legacy-256", "legacy-128",
                                        "abort" };

    for (unsigned mode = SM; mode <= ABORT; mode++) {
        bool wide = mode == SM || mode == ABORT;

        for (unsigned type = 0; type < 128; type++) {
            TypeRow *row = spec_keep(g_new0(TypeRow, 1));
            g_autofree char *path = g_strdup_printf("%s@type-%02x", name[mode],
                                                    type);

            row->mode = mode;
            row->type = type;
            row->valid = type >= 1 && type <= (wide ? 9 : 5);
            spec_row(VTD_IQ_MODES, path, type_row, row);
        }
    }
}

static void hpt_without_hpts(void)
{
    g_autoptr(Rig) r = queue_new(NULL, SM);
    Desc d = { { 0x1a } };

    expect_error(r, d, 3);
}

/* --- the causes --------------------------------------------------------- */

static void bad_tail(void)
{
    g_autoptr(Rig) r = queue_new(NULL, SM);

    rig_set64(r, REG_IQT, 0x1000);              /* one page: 0 .. fe0 */
    g_assert_true(iqe(r));
    g_assert_cmphex(iqei(r), ==, 1);
    rig_set64(r, REG_IQT, 0);
    rig_set32(r, REG_FSTS, FSTS_IQE);
    g_assert_false(iqe(r));
    g_assert_true(vb_wait(r));
}

static void fetch_error(void)
{
    g_autoptr(Rig) r = rig_vtd_new(NULL);

    rig_set64(r, REG_IQA, r->ram_top | 1u << 11);
    vb_gcmd(r, GCMD_QIE, true);
    g_assert_false(iqe(r));
    rig_set64(r, REG_IQT, 32);
    g_assert_true(iqe(r));
    g_assert_cmphex(iqei(r), ==, 2);
    g_assert_cmphex(rig_reg64(r, REG_IQH), ==, 0);
}

static void invalid_type(void)
{
    g_autoptr(Rig) r = queue_new(NULL, SM);

    expect_error(r, (Desc) { { 0 } }, 3);
}

static void reserved_field(void)
{
    g_autoptr(Rig) r = queue_new(NULL, SM);
    Desc d = good(2, r);

    desc_put(&d, 255, 255, 1);
    expect_error(r, d, 4);
}

static void narrow_in(uint64_t ttm)
{
    g_autoptr(Rig) r = rig_vtd_new(NULL);

    r->root = rig_alloc(r, 1, RIG_READ);
    vb_iq_enable(r, false);
    vb_set_root(r, r->root, ttm);
    vb_submit(r, desc_wait(WAIT_SW, r->status, 1));
    g_assert_true(iqe(r));
    g_assert_cmphex(iqei(r), ==, 5);
    g_assert_cmphex(rig_r32(r, r->status), ==, 0);
}

static void narrow_queue(void)
{
    narrow_in(TTM_SCALABLE);
    narrow_in(TTM_ABORT);
}

static void wide_without_smts(void)
{
    ImVtdConfig c = rig_vtd_config();

    c.scalable = c.first_stage = c.nested = c.fs1gp = false;
    c.page_request = c.supervisor = c.ext_accessed = c.ss_dirty = false;
    c.page_walk_coherency = c.rid_pasid = c.stop_marker = false;
    c.abort_dma = false;
    c.pasid_bits = 0;
    g_autoptr(Rig) r = rig_vtd_new(&c);
    vb_iq_enable(r, true);
    vb_submit(r, desc_wait(WAIT_SW, r->status, 1));
    g_assert_true(iqe(r));
    g_assert_cmphex(iqei(r), ==, 5);
}

static void odd_tail(void)
{
    g_autoptr(Rig) r = queue_new(NULL, SM);

    vb_iq_put(r, desc_wait(WAIT_SW, r->status, 1));
    rig_set64(r, REG_IQT, 0x30);
    g_assert_true(iqe(r));
    g_assert_cmphex(iqei(r), ==, 6);
    rig_set64(r, REG_IQT, 0x20);
    rig_set32(r, REG_FSTS, FSTS_IQE);
    g_assert_cmphex(rig_r32(r, r->status), ==, 1);
}

static void reserved_ttm(void)
{
    g_autoptr(Rig) r = rig_vtd_new(NULL);

    r->root = rig_alloc(r, 1, RIG_READ);
    vb_iq_enable(r, true);
    vb_set_root(r, r->root, TTM_RESERVED);
    vb_submit(r, desc_wait(WAIT_SW, r->status, 1));
    g_assert_true(iqe(r));
    g_assert_cmphex(iqei(r), ==, 7);
    vb_set_root(r, r->root, TTM_SCALABLE);
    rig_set32(r, REG_FSTS, FSTS_IQE);
    g_assert_cmphex(rig_r32(r, r->status), ==, 1);
}

/* --- going on ----------------------------------------------------------- */

/* Tail writes while IQE is set start nothing. */
static void tail_write_while_stopped(void)
{
    g_autoptr(Rig) r = queue_new(NULL, SM);

    vb_submit(r, (Desc) { { 0 } });
    vb_submit(r, desc_wait(WAIT_SW, r->status, 7));
    g_assert_cmphex(rig_reg64(r, REG_IQH), ==, 0);
    g_assert_cmphex(rig_r32(r, r->status), ==, 0);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 1);
}

/* Cleared without mending: the same descriptor fails again. */
static void unmended_fails_again(void)
{
    g_autoptr(Rig) r = queue_new(NULL, SM);

    vb_submit(r, (Desc) { { 0 } });
    rig_set32(r, REG_FSTS, FSTS_IQE);
    g_assert_true(iqe(r));
    g_assert_cmphex(rig_reg64(r, REG_IQH), ==, 0);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 2);
}

/* Descriptors ahead of the bad one were executed. */
static void earlier_are_done(void)
{
    g_autoptr(Rig) r = queue_new(NULL, SM);

    vb_iq_put(r, desc_wait(WAIT_SW, r->status, 1));
    vb_iq_put(r, (Desc) { { 0 } });
    vb_iq_put(r, desc_wait(WAIT_SW, r->status + 4, 2));
    vb_iq_ring(r);
    g_assert_cmphex(rig_r32(r, r->status), ==, 1);
    g_assert_cmphex(rig_r32(r, r->status + 4), ==, 0);
    g_assert_cmphex(rig_reg64(r, REG_IQH), ==, 32);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(reserved); i++) {
        spec_table_row(&reserved[i], "reserved-bits", reserved_row);
        spec_table_row(&reserved[i], "accepted", good_row);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(values); i++) {
        spec_table_row(&values[i], values[i].name, value_row);
    }
    add_types();
    spec_test(VTD_DESC_HPT, "without-hpts", hpt_without_hpts);
    spec_test(VTD_IQEI_1, "tail-beyond-queue", bad_tail);
    spec_test(VTD_IQEI_2, "queue-nowhere", fetch_error);
    spec_test(VTD_IQEI_3, "type-0", invalid_type);
    spec_test(VTD_IQEI_4, "last-bit", reserved_field);
    spec_test(VTD_IQEI_5, "128-bit-in-scalable-and-abort", narrow_queue);
    spec_test(VTD_IQEI_5, "256-bit-without-smts-and-adms", wide_without_smts);
    spec_test(VTD_IQEI_6, "odd-tail", odd_tail);
    spec_test(VTD_IQEI_7, "ttm-10", reserved_ttm);
    spec_test(VTD_IQ_RESUME, "tail-write-while-stopped",
              tail_write_while_stopped);
    spec_test(VTD_IQ_RESUME, "unmended-fails-again", unmended_fails_again);
    spec_test(VTD_IQ_RESUME, "earlier-descriptors-are-done", earlier_are_done);
    return g_test_run();
}
