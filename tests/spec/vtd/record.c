/*
 * Fault recording and the fault event: 7.2.1, 7.3, 11.4.7.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"
#include "lib/vtd_build.h"

#define BAD     UINT64_C(0x1000)        /* never mapped by a world */

/* Fault with the requester's function number changed at will. */
static void fault_from(World *w, uint16_t rid)
{
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);

    t.rid = rid;
    t.addr = BAD;
    im_vtd_translate(w->r->vtd, &t);
}

static void fault_at(World *w, uint64_t addr)
{
    world_dma(w, IM_READ, addr);
}

static void fields_read(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    FaultRec f;

    t.addr = UINT64_C(0x123456789abc);
    t.priv = false;
    im_vtd_translate(w->r->vtd, &t);
    f = vb_fault(w->r, 0);
    g_assert_true(f.f);
    g_assert_cmphex(f.fi, ==, UINT64_C(0x123456789000));
    g_assert_cmpuint(f.type, ==, FAULT_READ);
    g_assert_true(f.pp);
    g_assert_cmphex(f.pasid, ==, w->pasid);
    g_assert_cmphex(f.sid, ==, w->rid);
    g_assert_cmpuint(f.at, ==, 0);
    g_assert_false(f.exe);
    g_assert_false(f.priv);
}

static void fields_pasid_20_bits(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_WRITE);

    t.pasid = 0xfedcb;
    t.priv = true;
    im_vtd_translate(w->r->vtd, &t);
    g_assert_cmphex(vb_fault(w->r, 0).pasid, ==, 0xfedcb);
    g_assert_true(vb_fault(w->r, 0).priv);
    g_assert_cmpuint(vb_fault(w->r, 0).type, ==, FAULT_WRITE);
}

/* 11.4.7.6: EXE is of requests that read. */
static void fields_execute(void)
{
    static const ImAccess all[] = { IM_READ, IM_WRITE };

    for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
        g_autoptr(World) w = world_new(NULL, W_FS, true);
        ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, all[i]);

        t.addr = BAD;
        t.exec = true;
        im_vtd_translate(w->r->vtd, &t);
        g_assert_true(vb_fault(w->r, 0).pp);
        g_assert_cmpint(vb_fault(w->r, 0).exe, ==, all[i] == IM_READ);
    }
}

/* ... and PV, EXE and PRIV are of requests with PASID. */
static void fields_without_pasid(void)
{
    g_autoptr(World) w = world_new(NULL, W_SS, false);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);

    t.addr = BAD;
    t.pasid = 0x321;
    t.exec = t.priv = true;
    im_vtd_translate(w->r->vtd, &t);
    g_assert_true(vb_fault(w->r, 0).f);
    g_assert_false(vb_fault(w->r, 0).pp);
    g_assert_false(vb_fault(w->r, 0).exe);
    g_assert_false(vb_fault(w->r, 0).priv);
    g_assert_cmphex(vb_fault(w->r, 0).pasid, ==, 0);
}

static void fields_atomic(void)
{
    g_autoptr(World) w = world_new(NULL, W_SS, true);

    world_dma(w, IM_ATOMIC, BAD);
    g_assert_cmpuint(vb_fault(w->r, 0).type, ==, FAULT_ATOMIC);
}

/* Not a PASID request although an entry of the PASID table served it. */
static void rid_pasid_has_no_pp(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, false);

    fault_at(w, BAD);
    g_assert_cmphex(vb_fault(w->r, 0).reason, ==, 0x71);
    g_assert_false(vb_fault(w->r, 0).pp);
}

/* A context fault happens before any PASID is looked up; PP is kept. */
static void context_fault_keeps_pasid(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);

    rig_put(w->r, w->ctx, CTX_P, 0);
    world_on(w);
    world_dma(w, IM_READ, w->iova);
    g_assert_cmphex(vb_fault(w->r, 0).reason, ==, 0x41);
    g_assert_true(vb_fault(w->r, 0).pp);
    g_assert_cmphex(vb_fault(w->r, 0).pasid, ==, w->pasid);
}

static void index_advances_and_wraps(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    for (unsigned i = 0; i < 8; i++) {
        fault_from(w, (uint16_t)(0x100 + i));
        g_assert_true(vb_fault(r, i).f);
        g_assert_cmphex(vb_fault(r, i).sid, ==, 0x100 + i);
    }
    g_assert_cmphex(rig_reg32(r, REG_FSTS), ==, FSTS_PPF);
    vb_fault_clear(r);
    fault_from(w, 0x200);
    g_assert_cmphex(vb_fault(r, 0).sid, ==, 0x200);
    g_assert_cmpuint(vb_faults(r), ==, 1);
}

static void fri_is_first_of_a_batch(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    fault_from(w, 0x100);
    fault_from(w, 0x101);
    g_assert_cmphex(rig_reg32(r, REG_FSTS) >> 8 & 0xff, ==, 0);
    vb_fault_clear(r);
    fault_from(w, 0x102);
    fault_from(w, 0x103);
    g_assert_cmphex(rig_reg32(r, REG_FSTS) >> 8 & 0xff, ==, 2);
    g_assert_cmphex(vb_fault(r, 2).sid, ==, 0x102);
    g_assert_cmphex(vb_fault(r, 3).sid, ==, 0x103);
}

/* 7.2.1: the index goes to 0 when both translations are off. */
static void index_resets_when_all_off(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    fault_from(w, 0x100);
    vb_fault_clear(r);
    vb_gcmd(r, GCMD_TE, false);
    vb_gcmd(r, GCMD_TE, true);
    fault_from(w, 0x101);
    g_assert_true(vb_fault(r, 0).f);
    g_assert_cmphex(vb_fault(r, 0).sid, ==, 0x101);
}

static void index_kept_while_ir_is_on(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    vb_irt_enable(r, 3, false);
    fault_from(w, 0x100);
    vb_fault_clear(r);
    vb_gcmd(r, GCMD_TE, false);
    vb_gcmd(r, GCMD_TE, true);
    fault_from(w, 0x101);
    g_assert_false(vb_fault(r, 0).f);
    g_assert_cmphex(vb_fault(r, 1).sid, ==, 0x101);
}

static void overflow(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    for (unsigned i = 0; i < 9; i++) {
        fault_from(w, (uint16_t)(0x100 + i));
    }
    g_assert_cmphex(rig_reg32(r, REG_FSTS) & 0xff, ==, FSTS_PPF | FSTS_PFO);
    g_assert_cmphex(vb_fault(r, 0).sid, ==, 0x100);
    g_assert_cmpuint(im_vtd_counters(r->vtd)->faults_recorded, ==, 8);
}

/* While PFO is set nothing is recorded, even into a free register. */
static void overflow_blocks_recording(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;
    uint64_t fro = (rig_reg64(r, REG_CAP) >> 24 & 0x3ff) * 16;

    for (unsigned i = 0; i < 9; i++) {
        fault_from(w, (uint16_t)(0x100 + i));
    }
    rig_set32(r, fro + 12, 0x80000000u);
    fault_from(w, 0x300);
    g_assert_false(vb_fault(r, 0).f);
    rig_set32(r, REG_FSTS, FSTS_PFO);
    fault_from(w, 0x301);
    g_assert_cmphex(vb_fault(r, 0).sid, ==, 0x301);
}

static void ppf_is_or_of_f(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;
    uint64_t fro = (rig_reg64(r, REG_CAP) >> 24 & 0x3ff) * 16;

    fault_from(w, 0x100);
    fault_from(w, 0x101);
    rig_set32(r, REG_FSTS, FSTS_PPF);           /* read-only */
    g_assert_cmphex(rig_reg32(r, REG_FSTS) & FSTS_PPF, ==, FSTS_PPF);
    rig_set32(r, fro + 12, 0x80000000u);
    g_assert_cmphex(rig_reg32(r, REG_FSTS) & FSTS_PPF, ==, FSTS_PPF);
    rig_set64(r, fro + 16 + 8, UINT64_C(1) << 63);
    g_assert_cmphex(rig_reg32(r, REG_FSTS), ==, 0);
}

/* Whichever record it is that still has F. */
static void ppf_by_the_last_record(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;
    uint64_t fro = (rig_reg64(r, REG_CAP) >> 24 & 0x3ff) * 16;

    for (unsigned i = 0; i < 8; i++) {
        fault_from(w, (uint16_t)(0x100 + i));
    }
    for (unsigned i = 0; i < 8; i++) {
        g_assert_cmphex(rig_reg32(r, REG_FSTS) & FSTS_PPF, ==, FSTS_PPF);
        rig_set32(r, fro + 16 * i + 12, 0x80000000u);
    }
    g_assert_cmphex(rig_reg32(r, REG_FSTS) & FSTS_PPF, ==, 0);
}

/* FRCD is read-only but F; F is cleared by writing 1 to it. */
static void frcd_is_w1c(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;
    uint64_t fro = (rig_reg64(r, REG_CAP) >> 24 & 0x3ff) * 16;
    uint64_t lo, hi;

    fault_from(w, 0x100);
    lo = rig_reg64(r, fro);
    hi = rig_reg64(r, fro + 8);
    rig_set64(r, fro, ~lo);
    rig_set64(r, fro + 8, ~hi & ~(UINT64_C(1) << 63));
    rig_set32(r, fro + 12, 0x7fffffff);
    g_assert_cmphex(rig_reg64(r, fro), ==, lo);
    g_assert_cmphex(rig_reg64(r, fro + 8), ==, hi);
    rig_set32(r, fro + 8, 0xffffffff);          /* lower half: no F there */
    g_assert_true(vb_fault(r, 0).f);
    rig_set32(r, fro + 12, 0x80000000u);
    g_assert_false(vb_fault(r, 0).f);
}

/* --- the event ---------------------------------------------------------- */

static void event_message(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    rig_set32(r, REG_FEDATA, 0x1234);
    rig_set32(r, REG_FEADDR, 0xfee0300c);
    rig_set32(r, REG_FEUADDR, 0x00001200);
    fault_at(w, BAD);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 1);
    g_assert_cmphex(rig_seen(r, RIG_SEEN_MSI, 0)->msi.addr, ==,
                    UINT64_C(0x00001200fee0300c));
    g_assert_cmphex(rig_seen(r, RIG_SEEN_MSI, 0)->msi.data, ==, 0x1234);
}

static void event_once(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    fault_from(w, 0x100);
    fault_from(w, 0x101);
    fault_from(w, 0x102);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 1);
    vb_fault_clear(r);
    fault_from(w, 0x103);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 2);
}

/* IQE outstanding: a fault recorded meanwhile sends nothing of its own. */
static void event_one_for_all_causes(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;
    Desc bad = { { 0xf } };

    vb_submit(r, bad);
    g_assert_cmphex(rig_reg32(r, REG_FSTS) & FSTS_IQE, ==, FSTS_IQE);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 1);
    fault_at(w, BAD);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 1);
    g_assert_cmphex(rig_reg32(r, REG_FSTS) & FSTS_PPF, ==, FSTS_PPF);
}

static void event_masked_is_pending(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    rig_set32(r, REG_FECTL, CTL_IM);
    fault_at(w, BAD);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 0);
    g_assert_cmphex(rig_reg32(r, REG_FECTL), ==, CTL_IM | CTL_IP);
    rig_set32(r, REG_FECTL, 0);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 1);
    g_assert_cmphex(rig_reg32(r, REG_FECTL), ==, 0);
    rig_set32(r, REG_FECTL, CTL_IM);
    rig_set32(r, REG_FECTL, 0);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 1);
}

static void event_ip_is_read_only(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    rig_set32(r, REG_FECTL, CTL_IM | CTL_IP);
    g_assert_cmphex(rig_reg32(r, REG_FECTL), ==, CTL_IM);
    fault_at(w, BAD);
    rig_set32(r, REG_FECTL, CTL_IM);
    g_assert_cmphex(rig_reg32(r, REG_FECTL), ==, CTL_IM | CTL_IP);
}

static void event_serviced_drops_pending(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    rig_set32(r, REG_FECTL, CTL_IM);
    fault_from(w, 0x100);
    fault_from(w, 0x101);
    vb_fault_clear(r);
    g_assert_cmphex(rig_reg32(r, REG_FECTL), ==, CTL_IM);
    rig_set32(r, REG_FECTL, 0);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 0);
}

/* F of the last record was the last condition. */
static void event_serviced_by_frcd(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    uint64_t fro = (rig_reg64(w->r, REG_CAP) >> 24 & 0x3ff) * 16;

    rig_set32(w->r, REG_FECTL, CTL_IM);
    fault_from(w, 0x100);
    rig_set32(w->r, fro + 12, 0x80000000u);
    g_assert_cmphex(rig_reg32(w->r, REG_FECTL), ==, CTL_IM);
}

static void event_partly_serviced_stays(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;
    uint64_t fro = (rig_reg64(r, REG_CAP) >> 24 & 0x3ff) * 16;

    rig_set32(r, REG_FECTL, CTL_IM);
    fault_from(w, 0x100);
    fault_from(w, 0x101);
    rig_set32(r, fro + 12, 0x80000000u);
    g_assert_cmphex(rig_reg32(r, REG_FECTL), ==, CTL_IM | CTL_IP);
}

/* --- FPD ---------------------------------------------------------------- */

static void fpd_at_exit_of_a_process(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImXlat x;

    for (unsigned i = 0; i < 8; i++) {
        rig_w64(w->r, w->pe + 8 * i, 0);
    }
    rig_w64(w->r, w->pe, 2);                    /* P=0, FPD=1 */
    x = world_dma(w, IM_WRITE, w->iova);
    xlat_is_fault(&x, IM_CPL_UR, 0x59);
    g_assert_cmpuint(vb_faults(w->r), ==, 0);
    g_assert_cmpuint(im_vtd_counters(w->r->vtd)->faults_recorded, ==, 0);
}

static void fpd_does_not_leak_to_others(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    uint64_t other = world_pasid_entry(w, w->rid, 0x322, w->did);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);

    rig_put(w->r, w->pe, PE_FPD, 1);
    rig_put(w->r, other, PE_P, 0);
    world_on(w);
    t.addr = BAD;
    im_vtd_translate(w->r->vtd, &t);
    g_assert_cmpuint(vb_faults(w->r), ==, 0);
    t.pasid = 0x322;
    im_vtd_translate(w->r->vtd, &t);
    g_assert_cmpuint(vb_faults(w->r), ==, 1);
}

/* FPD of an entry that is cached counts like that of one just read. */
static void fpd_from_the_cache(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImXlat x;

    rig_put(w->r, w->ctx, CTX_FPD, 1);
    world_on(w);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->hpa);
    x = world_dma(w, IM_READ, BAD);
    xlat_is_fault(&x, IM_CPL_UR, 0x71);
    g_assert_cmpuint(vb_faults(w->r), ==, 0);
}

/* ... and when the IOTLB alone says no. */
static void fpd_of_a_denied_hit(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_SS, true);
    ImXlat x;

    rig_put(w->r, world_leaf(w, w->iova), SSE_RW, SS_R);
    rig_put(w->r, w->pe, PE_FPD, 1);
    world_on(w);
    for (unsigned i = 0; i < 2; i++) {
        x = world_dma(w, IM_READ, w->iova);
        xlat_is_ok(&x, w->hpa);
        x = world_dma(w, IM_WRITE, w->iova);
        xlat_is_fault(&x, IM_CPL_UR, 0x85);
    }
    g_assert_cmpuint(vb_faults(w->r), ==, 0);
}

static void s0_is_silent(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImTxn t = world_txn(w, IM_AT_TRANSLATION, IM_READ);
    ImXlat x;

    t.addr = BAD;
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_nothing(&x);
    g_assert_cmpuint(vb_faults(w->r), ==, 0);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_MSI), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(VTD_REG_FRCD, "fields-of-a-read", fields_read);
    spec_test(VTD_REG_FRCD, "pasid-has-20-bits", fields_pasid_20_bits);
    spec_test(VTD_REG_FRCD, "execute", fields_execute);
    spec_test(VTD_REG_FRCD, "without-pasid", fields_without_pasid);
    spec_test(VTD_REG_FRCD, "type-of-an-atomic", fields_atomic);
    spec_test(VTD_REG_FRCD, "rid-pasid-request-has-no-pp", rid_pasid_has_no_pp);
    spec_test(VTD_REG_FRCD, "context-fault-keeps-the-pasid",
              context_fault_keeps_pasid);
    spec_test(VTD_REG_FRCD, "only-f-is-writable", frcd_is_w1c);
    spec_test(VTD_7_2_1_RECORD, "registers-in-turn", index_advances_and_wraps);
    spec_test(VTD_7_2_1_INDEX, "wraps", index_advances_and_wraps);
    spec_test(VTD_7_2_1_INDEX, "zero-when-all-is-off",
              index_resets_when_all_off);
    spec_test(VTD_7_2_1_INDEX, "kept-while-interrupts-are-remapped",
              index_kept_while_ir_is_on);
    spec_test(VTD_7_2_1_FRI, "first-of-a-batch", fri_is_first_of_a_batch);
    spec_test(VTD_7_2_1_OVERFLOW, "sets-pfo-and-drops", overflow);
    spec_test(VTD_7_2_1_OVERFLOW, "pfo-blocks-recording",
              overflow_blocks_recording);
    spec_test(VTD_7_2_1_PPF, "is-the-or-of-f", ppf_is_or_of_f);
    spec_test(VTD_7_2_1_PPF, "by-the-last-record", ppf_by_the_last_record);
    spec_test(VTD_REG_FSTS, "ppf-is-read-only", ppf_is_or_of_f);
    spec_test(VTD_REG_FEADDR, "message-address", event_message);
    spec_test(VTD_REG_FEDATA, "message-data", event_message);
    spec_test(VTD_REG_FEUADDR, "message-upper-address", event_message);
    spec_test(VTD_7_3_EVENT_ONCE, "one-for-many-faults", event_once);
    spec_test(VTD_7_3_EVENT_ONCE, "one-for-all-causes",
              event_one_for_all_causes);
    spec_test(VTD_7_3_EVENT_MASKED, "sent-when-unmasked",
              event_masked_is_pending);
    spec_test(VTD_REG_FECTL, "ip-is-read-only", event_ip_is_read_only);
    spec_test(VTD_7_3_EVENT_SERVICED, "all-serviced",
              event_serviced_drops_pending);
    spec_test(VTD_7_3_EVENT_SERVICED, "by-the-last-record",
              event_serviced_by_frcd);
    spec_test(VTD_7_3_EVENT_SERVICED, "one-left", event_partly_serviced_stays);
    spec_test(VTD_7_1_1_FPD, "p-0-fpd-1", fpd_at_exit_of_a_process);
    spec_test(VTD_7_1_1_FPD, "from-the-cache", fpd_from_the_cache);
    spec_test(VTD_7_1_1_FPD, "of-a-denied-hit", fpd_of_a_denied_hit);
    spec_test(VTD_7_1_3_FPD, "of-one-pasid-only", fpd_does_not_leak_to_others);
    spec_test(VTD_7_1_3_S0_SILENT, "no-record-no-event", s0_is_silent);
    return g_test_run();
}
