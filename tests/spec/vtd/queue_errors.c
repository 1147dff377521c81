/*
 * Errors of the invalidation queue and of device-TLBs, what they leave in
 * IQERCD_REG, and what becomes of waits: 6.5.2.9 to 6.5.2.12, 11.4.9.9.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"
#include "lib/vtd_build.h"

#define RID     0x3ab1

/* IQERCD_REG */
static unsigned iqei(Rig *r)
{
    return rig_reg64(r, REG_IQERCD) & 0xf;
}

static uint16_t ite_sid(Rig *r)
{
    return (uint16_t)(rig_reg64(r, REG_IQERCD) >> 32);
}

static uint16_t ice_sid(Rig *r)
{
    return (uint16_t)(rig_reg64(r, REG_IQERCD) >> 48);
}

static uint32_t fsts(Rig *r)
{
    return rig_reg32(r, REG_FSTS) & 0xff;
}

static void done(Rig *r, unsigned n)
{
    const ImAtsInv *inv = &rig_seen(r, RIG_SEEN_ATS_INV, n)->inv;

    im_vtd_ats_inv_done(r->vtd, inv->rid, 1u << inv->itag, 1);
}

/* --- IQERCD ------------------------------------------------------------- */

/* A cause of one kind leaves what another recorded. */
static void causes_side_by_side(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    vb_submit(r, desc_dev_tlb(RID, 0, false));
    rig_advance(r, r->cfg.ats_timeout_ns);
    im_vtd_ats_inv_done(r->vtd, 0x1234, 1u << 31, 1);
    g_assert_cmphex(fsts(r), ==, FSTS_ITE | FSTS_ICE);
    rig_set32(r, REG_FSTS, FSTS_ITE);
    vb_submit(r, (Desc) { { 0 } });
    g_assert_cmphex(fsts(r), ==, FSTS_IQE | FSTS_ICE);
    g_assert_cmphex(iqei(r), ==, 3);
    g_assert_cmphex(ite_sid(r), ==, RID);
    g_assert_cmphex(ice_sid(r), ==, 0x1234);
}

/* 11.4.9.9: of the first, until software clears the cause. */
static void first_time_out(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    vb_submit(r, desc_dev_tlb(RID, 0, false));
    rig_advance(r, 1);
    vb_submit(r, desc_dev_tlb(RID + 8, 0, false));
    rig_advance(r, r->cfg.ats_timeout_ns - 1);
    g_assert_cmphex(ite_sid(r), ==, RID);
    rig_advance(r, 1);
    g_assert_cmpuint(im_vtd_counters(r->vtd)->ats_timeouts, ==, 2);
    g_assert_cmphex(ite_sid(r), ==, RID);
    rig_set32(r, REG_FSTS, FSTS_ITE);
    vb_submit(r, desc_dev_tlb(RID + 16, 0, false));
    rig_advance(r, r->cfg.ats_timeout_ns);
    g_assert_cmphex(ite_sid(r), ==, RID + 16);
}

static void first_stray(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    im_vtd_ats_inv_done(r->vtd, 0x1234, 1, 1);
    im_vtd_ats_inv_done(r->vtd, 0x5678, 1, 1);
    g_assert_cmphex(ice_sid(r), ==, 0x1234);
    rig_set32(r, REG_FSTS, FSTS_ICE);
    im_vtd_ats_inv_done(r->vtd, 0x5678, 1, 1);
    g_assert_cmphex(ice_sid(r), ==, 0x5678);
}

/* --- waits -------------------------------------------------------------- */

/* What was held when the queue was switched off never completes. */
static void disabled_with_a_wait(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    vb_submit(r, desc_dev_tlb(RID, 0, false));
    vb_submit(r, desc_wait(WAIT_SW, r->status, 9));
    vb_gcmd(r, GCMD_QIE, false);
    vb_iq_enable(r, true);
    done(r, 0);
    vb_submit(r, desc_wait(WAIT_SW, r->status + 8, 10));
    g_assert_cmphex(rig_r32(r, r->status + 8), ==, 10);
    g_assert_cmphex(rig_r32(r, r->status), ==, 0);
}

/* A fence holds what follows, also when a plain wait is before it. */
static void fence_behind_a_wait(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    vb_submit(r, desc_dev_tlb(RID, 0, false));
    vb_submit(r, desc_wait(WAIT_SW, r->status, 1));
    vb_submit(r, desc_wait(WAIT_FN, 0, 0));
    vb_submit(r, desc_dev_tlb(RID, 0x1000, false));
    g_assert_cmpuint(rig_count(r, RIG_SEEN_ATS_INV), ==, 1);
    done(r, 0);
    g_assert_cmphex(rig_r32(r, r->status), ==, 1);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_ATS_INV), ==, 2);
    done(r, 1);
}

/* One completion, two waits behind it: both are done. */
static void two_waits_at_once(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    vb_submit(r, desc_dev_tlb(RID, 0, false));
    vb_submit(r, desc_wait(WAIT_SW, r->status, 1));
    vb_submit(r, desc_wait(WAIT_SW, r->status + 8, 2));
    g_assert_cmphex(rig_r32(r, r->status), ==, 0);
    done(r, 0);
    g_assert_cmphex(rig_r32(r, r->status), ==, 1);
    g_assert_cmphex(rig_r32(r, r->status + 8), ==, 2);
}

/* --- what is not valid -------------------------------------------------- */

static void abort_mode_without_adms(void)
{
    ImVtdConfig c = rig_vtd_config();

    c.abort_dma = false;
    g_autoptr(Rig) r = rig_vtd_new(&c);
    vb_iq_enable(r, true);
    vb_set_root(r, rig_alloc(r, 1, RIG_READ), TTM_ABORT);
    vb_submit(r, desc_wait(WAIT_SW, r->status, 1));
    g_assert_cmphex(fsts(r), ==, FSTS_IQE);
    g_assert_cmphex(iqei(r), ==, 7);
    g_assert_cmphex(rig_r32(r, r->status), ==, 0);
}

/* After a reset the mode is legacy, whatever it was: queues are narrow. */
static void legacy_after_a_reset(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    im_vtd_reset(r->vtd);
    vb_iq_enable(r, false);
    g_assert_true(vb_wait(r));
    vb_submit(r, desc_pasid_cache(PC_GLOBAL, 0, 0));
    g_assert_cmphex(iqei(r), ==, 3);
}

/* CAP.MAMV, and one more. */
static void address_mask(void)
{
    g_autoptr(World) w = world_new(NULL, W_SS, false);
    Rig *r = w->r;
    unsigned mamv = rig_reg64(r, REG_CAP) >> 48 & 0x3f;

    vb_submit(r, desc_iotlb(IOTLB_PAGE, w->did, 0, mamv, false));
    g_assert_cmphex(fsts(r), ==, 0);
    vb_submit(r, desc_iotlb(IOTLB_PAGE, w->did, 0, mamv + 1, false));
    g_assert_cmphex(fsts(r), ==, FSTS_IQE);
    g_assert_cmphex(iqei(r), ==, 4);
}

/* 7.6.1: with PP=0 the PASID field says nothing. */
static void response_without_pasid(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    const ImPageResp *p;

    vb_submit(w->r, desc_page_resp(RID, false, 0xfedcb, 7, 0));
    p = &rig_seen(w->r, RIG_SEEN_PAGE_RESP, 0)->resp;
    g_assert_false(p->has_pasid);
    g_assert_cmphex(p->pasid, ==, 0);
}

/* A page of the second stage may be behind any address of the first: whoever
 * listens is told of everything. */
static void listeners_in_scalable_mode(void)
{
    g_autoptr(World) w = world_new(NULL, W_NESTED, true);
    const ImUnmap *u;

    rig_log_clear(w->r);
    vb_submit(w->r, desc_iotlb(IOTLB_PAGE, w->did, w->gpa, 0, false));
    u = &rig_seen(w->r, RIG_SEEN_UNMAP, 0)->unmap;
    g_assert_cmphex(u->mask, ==, UINT64_MAX);
    g_assert_false(u->has_rid);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(VTD_REG_IQERCD, "causes-side-by-side", causes_side_by_side);
    spec_test(VTD_REG_IQERCD, "first-time-out", first_time_out);
    spec_test(VTD_REG_IQERCD, "first-stray-completion", first_stray);
    spec_test(VTD_REG_IQA, "disabled-with-a-wait", disabled_with_a_wait);
    spec_test(VTD_IQ_FENCE, "behind-a-wait", fence_behind_a_wait);
    spec_test(VTD_IQ_ORDER, "two-waits-at-once", two_waits_at_once);
    spec_test(VTD_IQEI_7, "ttm-11-without-adms", abort_mode_without_adms);
    spec_test(VTD_REG_RTADDR, "legacy-after-a-reset", legacy_after_a_reset);
    spec_test(VTD_DESC_IOTLB, "address-mask", address_mask);
    spec_test(VTD_DESC_PAGE_RESP, "without-pasid", response_without_pasid);
    spec_test(VTD_DESC_IOTLB, "listeners-in-scalable-mode",
              listeners_in_scalable_mode);
    return g_test_run();
}
