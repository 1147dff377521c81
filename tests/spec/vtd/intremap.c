/*
 * Interrupt remapping: 5.1, 9.9, table 15 (5.1.4.1).
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"
#include "lib/vtd_told.h"

#define RID     0x3ab1

static Rig *ir_new(unsigned s, bool eime)
{
    Rig *r = rig_vtd_new(NULL);

    vb_fault_event(r, 0x4f);
    vb_iq_enable(r, true);
    vb_irt_enable(r, s, eime);
    return r;
}

static ImIntOut interrupt(Rig *r, ImMsi m)
{
    Told told;

    return told_interrupt(r, &m, &told);
}

static void blocked(Rig *r, ImMsi m, uint8_t fault)
{
    ImIntOut out = interrupt(r, m);

    g_assert_cmpuint(out.status, ==, IM_FAULT);
    g_assert_cmphex(out.fault, ==, fault);
    g_assert_cmpuint(im_vtd_counters(r->vtd)->interrupts_blocked, ==, 1);
}

static void recorded(Rig *r, uint8_t fault, uint16_t index)
{
    FaultRec f = vb_fault(r, 0);

    g_assert_cmpuint(vb_faults(r), ==, 1);
    g_assert_cmphex(f.reason, ==, fault);
    g_assert_cmphex(f.sid, ==, RID);
    if (fault != 0x20 && fault != 0x25 && fault < 0x29) {
        g_assert_cmphex(f.fi, ==, (uint64_t)index << 48);
    }
    g_assert_cmphex(rig_reg32(r, REG_FSTS), ==, FSTS_PPF);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 1);
}

/* --- formats ------------------------------------------------------------ */

static void disabled_passes_all(void)
{
    g_autoptr(Rig) r = rig_vtd_new(NULL);
    ImIntOut out = interrupt(r, vb_msi(RID, 5));

    g_assert_cmpuint(out.status, ==, IM_OK);
    g_assert_false(out.remapped);
    out = interrupt(r, (ImMsi) { .addr = 0xfee01004, .data = 0x41 });
    g_assert_cmpuint(out.status, ==, IM_OK);
    g_assert_false(out.remapped);
    g_assert_cmpuint(r->accesses, ==, 0);
}

static void compat_with_cfi(void)
{
    g_autoptr(Rig) r = ir_new(3, false);
    ImIntOut out;

    vb_gcmd(r, GCMD_CFI, true);
    out = interrupt(r,
                    (ImMsi) { .addr = 0xfee0100c, .data = 0x4041, .rid = RID });
    g_assert_cmpuint(out.status, ==, IM_OK);
    g_assert_false(out.remapped);
    g_assert_cmpuint(vb_faults(r), ==, 0);
}

static void fields(void)
{
    g_autoptr(Rig) r = ir_new(7, false);
    static const unsigned dlm[] = { 0, 1, 2, 4, 5, 7 };

    for (unsigned i = 0; i < G_N_ELEMENTS(dlm); i++) {
        ImIntOut out;

        vb_irte(r, i,
                (Irte) { .p = true,
                         .dm = i & 1,
                         .rh = i & 2,
                         .tm = i & 4,
                         .dlm = dlm[i],
                         .vector = (uint8_t)(0x30 + i),
                         .dst = 0xa500 });
        out = interrupt(r, vb_msi(RID, (uint16_t)i));
        g_assert_cmpuint(out.status, ==, IM_OK);
        g_assert_true(out.remapped);
        g_assert_cmphex(out.vector, ==, 0x30 + i);
        g_assert_cmpuint(out.delivery_mode, ==, dlm[i]);
        g_assert_cmpint(out.logical, ==, !!(i & 1));
        g_assert_cmpint(out.redirection_hint, ==, !!(i & 2));
        g_assert_cmpint(out.level, ==, !!(i & 4));
        g_assert_cmphex(out.dest, ==, 0xa5);
    }
}

static void available_bits(void)
{
    g_autoptr(Rig) r = ir_new(3, false);

    vb_irte(r, 1, (Irte) { .p = true, .vector = 0x31 });
    rig_put(r, r->irt + 16, IRTE_AVAIL, 0xf);
    g_assert_cmpuint(interrupt(r, vb_msi(RID, 1)).status, ==, IM_OK);
}

static void destination(void)
{
    g_autoptr(Rig) r = ir_new(3, true);
    ImIntOut out;

    g_assert_true(im_vtd_eim_active(r->vtd));
    vb_irte(r, 1, (Irte) { .p = true, .dst = 0x12345678 });
    out = interrupt(r, vb_msi(RID, 1));
    g_assert_cmphex(out.dest, ==, 0x12345678);
}

static void eim_active(void)
{
    g_autoptr(Rig) r = ir_new(3, false);

    g_assert_false(im_vtd_eim_active(r->vtd));
    rig_set64(r, REG_IRTA, r->irt | 1u << 11 | 3);
    g_assert_false(im_vtd_eim_active(r->vtd));
    vb_one_shot(r, GCMD_SIRTP);
    g_assert_true(im_vtd_eim_active(r->vtd));
    vb_gcmd(r, GCMD_IRE, false);
    g_assert_false(im_vtd_eim_active(r->vtd));
}

/* --- index -------------------------------------------------------------- */

static void sub_handle(void)
{
    g_autoptr(Rig) r = ir_new(7, false);
    ImIntOut out;

    vb_irte(r, 0x15, (Irte) { .p = true, .vector = 0x77 });
    out = interrupt(r, vb_msi_sub(RID, 0x12, 3));
    g_assert_cmphex(out.vector, ==, 0x77);
    out = interrupt(r, vb_msi(RID, 0x15));
    g_assert_cmphex(out.vector, ==, 0x77);
}

/* SHV=0: data is ignored, upper half and all. */
static void data_ignored_without_shv(void)
{
    g_autoptr(Rig) r = ir_new(7, false);
    ImMsi m = vb_msi(RID, 0x15);

    vb_irte(r, 0x15, (Irte) { .p = true, .vector = 0x77 });
    m.data = 0xffff0003;
    m.addr |= 3;                        /* bits 1:0 are don't care */
    g_assert_cmphex(interrupt(r, m).vector, ==, 0x77);
}

static void handle_bit_15(void)
{
    g_autoptr(Rig) r = ir_new(15, false);

    vb_irte(r, 0xfffe, (Irte) { .p = true, .vector = 0x66 });
    g_assert_cmphex(interrupt(r, vb_msi(RID, 0xfffe)).vector, ==, 0x66);
    vb_irte(r, 0xffff, (Irte) { .p = true, .vector = 0x67 });
    g_assert_cmphex(interrupt(r, vb_msi_sub(RID, 0xfff0, 15)).vector, ==, 0x67);
}

/* --- source validation -------------------------------------------------- */

typedef struct SvtRow {
    const char *name;
    unsigned svt, sq;
    uint16_t sid, rid;
    bool ok;
} SvtRow;

static const SvtRow svts[] = {
    { "none", 0, 0, 0x1234, RID, true },
    { "exact", 1, 0, RID, RID, true },
    { "exact-other-function", 1, 0, RID ^ 1, RID, false },
    { "ignore-bit-2", 1, 1, RID ^ 4, RID, true },
    { "ignore-bit-2-but-bit-1", 1, 1, RID ^ 2, RID, false },
    { "ignore-bits-2-1", 1, 2, RID ^ 6, RID, true },
    { "ignore-bits-2-1-but-bit-0", 1, 2, RID ^ 1, RID, false },
    { "ignore-function", 1, 3, RID ^ 7, RID, true },
    { "ignore-function-other-device", 1, 3, RID ^ 8, RID, false },
    { "bus-in-range", 2, 0, 0x303a, RID, true },
    { "bus-is-first", 2, 0, 0x3a40, RID, true },
    { "bus-below", 2, 0, 0x3b40, RID, false },
    { "bus-above", 2, 0, 0x3039, RID, false },
};

static void svt_row(const void *data)
{
    const SvtRow *row = data;
    g_autoptr(Rig) r = ir_new(3, false);
    ImIntOut out;

    vb_irte(r, 2,
            (Irte) { .p = true,
                     .vector = 0x31,
                     .sid = row->sid,
                     .sq = row->sq,
                     .svt = row->svt });
    if (row->ok) {
        out = interrupt(r, vb_msi(row->rid, 2));
        g_assert_cmpuint(out.status, ==, IM_OK);
        g_assert_cmphex(out.vector, ==, 0x31);
    } else {
        blocked(r, vb_msi(row->rid, 2), 0x26);
        recorded(r, 0x26, 2);
    }
}

/* A cached entry still checks its source. */
static void svt_on_a_hit(void)
{
    g_autoptr(Rig) r = ir_new(3, false);

    vb_irte(r, 2, (Irte) { .p = true, .sid = 0x100, .svt = 1 });
    g_assert_cmpuint(interrupt(r, vb_msi(0x100, 2)).status, ==, IM_OK);
    blocked(r, vb_msi(RID, 2), 0x26);
}

/* --- table 15 ----------------------------------------------------------- */

static void fault_20(void)
{
    for (unsigned bit = 16; bit < 32; bit++) {
        g_autoptr(Rig) r = ir_new(7, false);

        vb_irte(r, 1, (Irte) { .p = true });
        blocked(r, vb_msi_sub(RID, 1, 1u << bit), 0x20);
        recorded(r, 0x20, 0);
        g_assert_cmpuint(r->reads, ==, 0);      /* before any fetch */
    }
}

static void fault_21(void)
{
    g_autoptr(Rig) r = ir_new(3, false);        /* 16 entries */

    blocked(r, vb_msi(RID, 16), 0x21);
    recorded(r, 0x21, 16);
    g_assert_cmpuint(r->reads, ==, 0);
}

static void fault_21_sub_handle(void)
{
    g_autoptr(Rig) r = ir_new(15, false);

    blocked(r, vb_msi_sub(RID, 0xffff, 1), 0x21);
}

static void fault_21_beyond_haw(void)
{
    g_autoptr(Rig) r = rig_vtd_new(NULL);

    rig_set64(r, REG_IRTA, UINT64_C(1) << 46 | 3);
    vb_one_shot(r, GCMD_SIRTP);
    vb_gcmd(r, GCMD_IRE, true);
    if (rig_reg64(r, REG_IRTA) >> 46) {
        blocked(r, vb_msi(RID, 1), 0x21);
    } else {
        /* bits 63:HAW are not implemented, 11.4.10: entry 1 of table 0 */
        g_test_skip("IRTA holds no address beyond HAW");
    }
}

static void fault_22(bool fpd)
{
    g_autoptr(Rig) r = ir_new(3, false);

    vb_irte(r, 7, (Irte) { .fpd = fpd });
    blocked(r, vb_msi(RID, 7), 0x22);
    if (fpd) {
        g_assert_cmpuint(vb_faults(r), ==, 0);
    } else {
        recorded(r, 0x22, 7);
    }
}

static void fault_22_recorded(void)
{
    fault_22(false);
}

static void fault_22_fpd(void)
{
    fault_22(true);
}

/* Reserved bits of an entry with P=0 do not matter. */
static void fault_22_not_24(void)
{
    g_autoptr(Rig) r = ir_new(3, false);

    rig_w64(r, r->irt + 16 * 7, UINT64_C(0xff00000000007000));
    blocked(r, vb_msi(RID, 7), 0x22);
}

static void fault_23(void)
{
    g_autoptr(Rig) r = rig_vtd_new(NULL);

    vb_fault_event(r, 1);
    rig_set64(r, REG_IRTA, r->ram_top | 3);
    vb_one_shot(r, GCMD_SIRTP);
    vb_gcmd(r, GCMD_IRE, true);
    blocked(r, vb_msi(RID, 1), 0x23);
    recorded(r, 0x23, 1);
}

static void irte_reserved(bool eime, unsigned bit, bool fpd)
{
    g_autoptr(Rig) r = ir_new(3, eime);

    vb_irte(r, 3, (Irte) { .p = true, .fpd = fpd, .vector = 0x31 });
    rig_put(r, r->irt + 48, bit, bit, 1);
    blocked(r, vb_msi(RID, 3), 0x24);
    if (fpd) {
        g_assert_cmpuint(vb_faults(r), ==, 0);
    } else {
        recorded(r, 0x24, 3);
    }
}

static void fault_24_bits(void)
{
    static const struct {
        unsigned lo, hi;
        bool xapic;
    } range[] = {
        { 12, 14, false }, { 15, 15, false }, /* 15: IM, PI=0 */
        { 24, 31, false }, { 84, 127, false },
        { 32, 39, true },  { 48, 63, true }, /* EIME=0 */
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(range); i++) {
        for (unsigned bit = range[i].lo; bit <= range[i].hi; bit++) {
            irte_reserved(false, bit, false);
            irte_reserved(false, bit, true);
            if (!range[i].xapic) {
                irte_reserved(true, bit, false);
            }
        }
    }
}

static void fault_24_svt(void)
{
    g_autoptr(Rig) r = ir_new(3, false);

    vb_irte(r, 3, (Irte) { .p = true, .svt = 3 });
    blocked(r, vb_msi(RID, 3), 0x24);
    recorded(r, 0x24, 3);
}

static void fault_24_delivery_mode(void)
{
    static const unsigned dlm[] = { 3, 6 };

    for (unsigned i = 0; i < G_N_ELEMENTS(dlm); i++) {
        g_autoptr(Rig) r = ir_new(3, false);

        vb_irte(r, 3, (Irte) { .p = true, .dlm = dlm[i] });
        blocked(r, vb_msi(RID, 3), 0x24);
        recorded(r, 0x24, 3);
    }
}

/* 5.1.4: the source is verified before reserved fields are looked at. */
static void fault_26_before_24(void)
{
    g_autoptr(Rig) r = ir_new(3, false);

    vb_irte(r, 3, (Irte) { .p = true, .sid = RID ^ 1, .svt = 1, .dlm = 3 });
    rig_put(r, r->irt + 16 * 3, IRTE_IM, 1);
    blocked(r, vb_msi(RID, 3), 0x26);
    recorded(r, 0x26, 3);
}

static void fault_25_without_cfi(void)
{
    g_autoptr(Rig) r = ir_new(3, false);

    blocked(r, (ImMsi) { .addr = 0xfee01000, .data = 0x41, .rid = RID }, 0x25);
    recorded(r, 0x25, 0);
}

static void fault_25_with_eime(void)
{
    g_autoptr(Rig) r = ir_new(3, true);

    vb_gcmd(r, GCMD_CFI, true);
    blocked(r, (ImMsi) { .addr = 0xfee01000, .data = 0x41, .rid = RID }, 0x25);
    recorded(r, 0x25, 0);
}

static void fault_29_recorded(void)
{
    g_autoptr(World) w = world_new(NULL, W_SS, false);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_WRITE);
    ImXlat x;

    t.addr = 0xfee00000;
    t.len = 8;
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_fault(&x, IM_CPL_UR, 0x29);
    g_assert_cmphex(vb_fault(w->r, 0).reason, ==, 0x29);
    g_assert_cmphex(vb_fault(w->r, 0).sid, ==, w->rid);
}

/* EIMER and IRREQ are not advertised: neither restriction applies. */
static void eimer_absent(void)
{
    g_autoptr(Rig) r = ir_new(3, false);

    g_assert_cmphex(rig_reg64(r, REG_ECAP) >> 61 & 1, ==, 0);
    vb_irte(r, 3, (Irte) { .p = true });
    g_assert_cmpuint(interrupt(r, vb_msi(RID, 3)).status, ==, IM_OK);
}

static void irreq_absent(void)
{
    g_autoptr(Rig) r = rig_vtd_new(NULL);

    g_assert_cmphex(rig_reg64(r, REG_ECAP) >> 62 & 1, ==, 0);
    g_assert_cmpuint(interrupt(r, vb_msi(RID, 3)).status, ==, IM_OK);
}

/* EIMER: with EIME=0 nothing passes, whatever its format and the tables. */
static void eimer_blocks(void)
{
    ImVtdConfig c = rig_vtd_config();
    g_autoptr(Rig) r = NULL;

    c.eim_required = true;
    r = rig_vtd_new(&c);
    g_assert_cmphex(rig_reg64(r, REG_ECAP) >> 61 & 1, ==, 1);
    vb_fault_event(r, 0x4f);
    vb_irt_enable(r, 3, false);
    vb_gcmd(r, GCMD_CFI, true);
    vb_irte(r, 3, (Irte) { .p = true, .vector = 0x31 });
    blocked(r, vb_msi(RID, 3), 0x2a);
    recorded(r, 0x2a, 3);
    g_assert_cmpuint(
        interrupt(r, (ImMsi) { .addr = 0xfee0100c, .rid = RID }).status, ==,
        IM_FAULT);
    vb_irt_enable(r, 3, true);
    vb_irte(r, 3, (Irte) { .p = true, .vector = 0x31 });
    g_assert_cmphex(interrupt(r, vb_msi(RID, 3)).vector, ==, 0x31);
}

/* IRREQ: with IRES=0 nothing passes. */
static void irreq_blocks(void)
{
    ImVtdConfig c = rig_vtd_config();
    g_autoptr(Rig) r = NULL;

    c.intremap_required = true;
    r = rig_vtd_new(&c);
    g_assert_cmphex(rig_reg64(r, REG_ECAP) >> 62 & 1, ==, 1);
    vb_fault_event(r, 0x4f);
    blocked(r, (ImMsi) { .addr = 0xfee0100c, .rid = RID }, 0x2b);
    recorded(r, 0x2b, 0);
    vb_irt_enable(r, 3, false);
    vb_irte(r, 3, (Irte) { .p = true, .vector = 0x31 });
    g_assert_cmphex(interrupt(r, vb_msi(RID, 3)).vector, ==, 0x31);
}

/* --- interrupt entry cache ---------------------------------------------- */

/* And whoever keeps remapped messages outside is told to ask again. */
static void iec_drop(Desc d)
{
    g_autoptr(Rig) r = ir_new(7, false);
    unsigned changes = r->changes;

    vb_irte(r, 9, (Irte) { .p = true, .vector = 0x31 });
    g_assert_cmphex(interrupt(r, vb_msi(RID, 9)).vector, ==, 0x31);
    vb_irte(r, 9, (Irte) { .p = true, .vector = 0x41 });
    vb_submit(r, d);
    g_assert_true(vb_wait(r));
    g_assert_cmpuint(r->changes, ==, changes + 1);
    g_assert_cmphex(interrupt(r, vb_msi(RID, 9)).vector, ==, 0x41);
}

static void iec_invalidate(void)
{
    iec_drop(desc_iec(0, 0, 0));
    iec_drop(desc_iec(1, 0, 9));
    iec_drop(desc_iec(1, 3, 8));
    iec_drop(desc_iec(1, 3, 15));
    iec_drop(desc_iec(1, 15, 0));
}

static void iec_keeps_no_faults(void)
{
    g_autoptr(Rig) r = ir_new(3, false);

    blocked(r, vb_msi(RID, 3), 0x22);
    vb_irte(r, 3, (Irte) { .p = true, .vector = 0x31 });
    g_assert_cmphex(interrupt(r, vb_msi(RID, 3)).vector, ==, 0x31);
}

/* ESIRTPS: SIRTP drops the cache. */
static void sirtp_drops(void)
{
    g_autoptr(Rig) r = ir_new(3, false);

    vb_irte(r, 3, (Irte) { .p = true, .vector = 0x31 });
    interrupt(r, vb_msi(RID, 3));
    vb_irte(r, 3, (Irte) { .p = true, .vector = 0x41 });
    vb_one_shot(r, GCMD_SIRTP);
    g_assert_cmphex(interrupt(r, vb_msi(RID, 3)).vector, ==, 0x41);
}

/* The unit's own messages are not subject to remapping. */
static void own_messages_pass(void)
{
    g_autoptr(Rig) r = ir_new(3, false);

    blocked(r, vb_msi(RID, 3), 0x22);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 1);
    g_assert_cmphex(rig_seen(r, RIG_SEEN_MSI, 0)->msi.addr, ==, 0xfee00000);
    g_assert_cmpuint(vb_faults(r), ==, 1);
}

static void add_faults(void)
{
    spec_test(VTD_FLT_IR_20, "data-of-sub-handle", fault_20);
    spec_test(VTD_FLT_IR_21, "first-beyond", fault_21);
    spec_test(VTD_FLT_IR_21, "sub-handle-beyond", fault_21_sub_handle);
    spec_test(VTD_FLT_IR_21, "table-beyond-haw", fault_21_beyond_haw);
    spec_test(VTD_FLT_IR_22, "recorded", fault_22_recorded);
    spec_test(VTD_FLT_IR_22, "fpd", fault_22_fpd);
    spec_test(VTD_FLT_IR_22, "before-reserved-bits", fault_22_not_24);
    spec_test(VTD_FLT_IR_23, "table-nowhere", fault_23);
    spec_test(VTD_FLT_IR_24, "each-reserved-bit", fault_24_bits);
    spec_test(VTD_FLT_IR_24, "svt-11", fault_24_svt);
    spec_test(VTD_FLT_IR_24, "delivery-mode", fault_24_delivery_mode);
    spec_test(VTD_FLT_IR_26, "before-reserved-fields", fault_26_before_24);
    spec_test(VTD_FLT_IR_25, "cfi-0", fault_25_without_cfi);
    spec_test(VTD_FLT_IR_25, "eime-1", fault_25_with_eime);
    spec_test(VTD_FLT_IR_26, "on-a-hit", svt_on_a_hit);
    spec_test(VTD_FLT_IR_29, "recorded", fault_29_recorded);
    spec_test(VTD_FLT_IR_2A, "not-advertised", eimer_absent);
    spec_test(VTD_FLT_IR_2A, "eime-0", eimer_blocks);
    spec_test(VTD_FLT_IR_2B, "not-advertised", irreq_absent);
    spec_test(VTD_FLT_IR_2B, "ires-0", irreq_blocks);
}

/* A host may know better who its sources are: recorded, not verified. */
static void any_source(void)
{
    static const Irte rows[] = {
        { .p = true, .vector = 0x31, .sid = 0xff00, .svt = 1 },
        { .p = true, .vector = 0x31, .sid = 0xff00, .svt = 1, .sq = 3 },
        { .p = true, .vector = 0x31, .sid = 0x0105, .svt = 2 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Rig) r = ir_new(7, false);
        ImMsi m = vb_msi(RID, 5);
        ImIntOut out;

        vb_irte(r, 5, rows[i]);
        blocked(r, m, 0x26);
        m.any_source = true;
        out = interrupt(r, m);
        g_assert_cmpuint(out.status, ==, IM_OK);
        g_assert_cmphex(out.vector, ==, 0x31);
    }
}

/* Everything else is verified all the same, and the source is recorded. */
static void any_source_only(void)
{
    g_autoptr(Rig) r = ir_new(7, false);
    ImMsi m = vb_msi(RID, 5);

    m.any_source = true;
    vb_irte(r, 5, (Irte) { .p = true, .svt = 3 });
    blocked(r, m, 0x24);
    recorded(r, 0x24, 5);
}

/* What explain shows on the way. */
static void explained(void)
{
    g_autoptr(Rig) r = ir_new(7, false);
    ImMsi m = vb_msi_sub(RID, 4, 1);
    Told told;

    vb_irte(r, 5,
            (Irte) { .p = true,
                     .vector = 0x31,
                     .dst = 0xa500,
                     .sid = RID,
                     .svt = 1,
                     .dlm = 1,
                     .tm = true });
    told_interrupt(r, &m, &told);
    g_assert_cmpint(told.clause, ==, IM_CLAUSE(VTD_IR_IRTE));
    g_assert_cmpstr(told.note, ==,
                    "remapped: vector 31h to physical APIC ID "
                    "a5h, lowest priority, level");
    g_assert_cmpstr(told.last_read, ==, "IRTE");
    /* format, index, entry, source, result */
    g_assert_cmpuint(told.steps, ==, 5);
    rig_put(r, r->irt + 16 * 5, IRTE_IM, 1);
    told_interrupt(r, &m, &told);
    g_assert_cmpint(told.clause, ==, IM_CLAUSE(VTD_FLT_IR_24));
    g_assert_nonnull(strstr(told.note, "IM=1 is the posted format"));
    m = (ImMsi) { .addr = 0xfee01004, .data = 0x41, .rid = RID };
    told_interrupt(r, &m, &told);
    g_assert_cmpint(told.clause, ==, IM_CLAUSE(VTD_FLT_IR_25));
    vb_gcmd(r, GCMD_CFI, true);
    told_interrupt(r, &m, &told);
    g_assert_cmpint(told.clause, ==, IM_CLAUSE(VTD_IR_COMPAT));
    vb_gcmd(r, GCMD_IRE, false);
    told_interrupt(r, &m, &told);
    g_assert_cmpint(told.clause, ==, IM_CLAUSE(VTD_IR_DISABLED));
    g_assert_cmpstr(told.note, ==, "passes as it came");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(VTD_IR_DISABLED, "all-passes", disabled_passes_all);
    spec_test(VTD_IR_COMPAT, "cfi-1", compat_with_cfi);
    spec_test(VTD_IR_IRTE, "fields", fields);
    spec_test(VTD_IR_IRTE, "available-bits", available_bits);
    spec_test(VTD_IR_EIM, "destination", destination);
    spec_test(VTD_IR_EIM, "active", eim_active);
    spec_test(VTD_IR_INDEX, "sub-handle", sub_handle);
    spec_test(VTD_IR_INDEX, "bit-15", handle_bit_15);
    spec_test(VTD_IR_REMAPPABLE, "data-ignored-without-shv",
              data_ignored_without_shv);
    spec_test(VTD_IR_REMAPPABLE, "own-messages", own_messages_pass);
    for (unsigned i = 0; i < G_N_ELEMENTS(svts); i++) {
        spec_row(VTD_IR_SVT, svts[i].name, svt_row, &svts[i]);
    }
    add_faults();
    spec_test(VTD_DESC_IEC, "granularities", iec_invalidate);
    spec_test(VTD_DESC_IEC, "faults-are-not-kept", iec_keeps_no_faults);
    spec_test(VTD_6_7_SIRTP, "drops-the-cache", sirtp_drops);
    spec_test(VTD_IR_ANY_SOURCE, "passes", any_source);
    spec_test(VTD_IR_ANY_SOURCE, "rest-is-verified", any_source_only);
    spec_test(VTD_IR_IRTE, "explained", explained);
    return g_test_run();
}
