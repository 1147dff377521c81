/*
 * Invalidation queue at work: wait descriptors, their event, messages to
 * device-TLBs, time-outs, order. 4.3, 6.5.2.5, 6.5.2.9 to 6.5.2.12, 7.8.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"
#include "lib/vtd_build.h"

#define RID     0x3ab1

static uint32_t fsts(Rig *r)
{
    return rig_reg32(r, REG_FSTS);
}

static uint32_t status(Rig *r)
{
    return rig_r32(r, r->status);
}

static void wait_sw(Rig *r, uint32_t val)
{
    vb_submit(r, desc_wait(WAIT_SW, r->status, val));
}

static void inv_event(Rig *r)
{
    rig_set32(r, REG_IEDATA, 0x51);
    rig_set32(r, REG_IEADDR, 0xfee01000);
    rig_set32(r, REG_IEUADDR, 0x200);
    rig_set32(r, REG_IECTL, 0);
}

static const ImAtsInv *sent(Rig *r, unsigned n)
{
    const RigLog *e = rig_seen(r, RIG_SEEN_ATS_INV, n);

    return e ? &e->inv : NULL;
}

static void done(Rig *r, unsigned n)
{
    im_vtd_ats_inv_done(r->vtd, sent(r, n)->rid, 1u << sent(r, n)->itag, 1);
}

/* --- fetching ----------------------------------------------------------- */

/* Independent of TES and IRES. */
static void runs_with_all_off(void)
{
    g_autoptr(Rig) r = rig_vtd_new(NULL);

    vb_iq_enable(r, true);
    g_assert_true(vb_wait(r));
    vb_gcmd(r, GCMD_QIE, false);
    vb_iq_enable(r, false);
    g_assert_true(vb_wait(r));
}

static void enable_fetches_what_is_there(void)
{
    g_autoptr(Rig) r = rig_vtd_new(NULL);

    r->iq = rig_alloc(r, 1, RIG_READ);
    r->status = rig_alloc(r, 1, RIG_WRITE);
    r->iq_width = 32;
    r->iq_slots = 128;
    rig_set64(r, REG_IQA, r->iq | 1u << 11);
    wait_sw(r, 5);
    g_assert_cmphex(status(r), ==, 0);
    g_assert_cmpuint(r->reads, ==, 0);
    vb_gcmd(r, GCMD_QIE, true);
    g_assert_cmphex(status(r), ==, 5);
}

static void wraps(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);

    for (unsigned i = 0; i < 300; i++) {
        g_assert_true(vb_wait(w->r));
    }
    g_assert_cmphex(rig_reg64(w->r, REG_IQH), ==, 300 % 128 * 32);
}

static void large_queue(void)
{
    g_autoptr(Rig) r = rig_vtd_new(NULL);

    r->iq = rig_alloc(r, 128, RIG_READ);
    r->status = rig_alloc(r, 1, RIG_WRITE);
    r->iq_width = 16;
    r->iq_slots = 1u << 15;
    rig_set64(r, REG_IQA, r->iq | 7);
    vb_gcmd(r, GCMD_QIE, true);
    for (unsigned i = 0; i < (1u << 15) - 1; i++) {
        vb_iq_put(r, desc_wait(i % 1000 ? 0 : WAIT_SW, r->status, i));
    }
    vb_iq_ring(r);
    g_assert_cmphex(rig_reg64(r, REG_IQH), ==, 0x7fff0);
    g_assert_cmphex(status(r), ==, 32000);
}

static void disable_resets_head(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);

    g_assert_true(vb_wait(w->r));
    g_assert_cmphex(rig_reg64(w->r, REG_IQH), ==, 32);
    vb_gcmd(w->r, GCMD_QIE, false);
    g_assert_cmphex(rig_reg32(w->r, REG_GSTS) & GSTS_QIES, ==, 0);
    g_assert_cmphex(rig_reg64(w->r, REG_IQH), ==, 0);
}

/* Software that does not wait for the queue must not hang on QIES. */
static void disable_with_error_pending(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);

    vb_submit(w->r, (Desc) { { 0 } });
    vb_gcmd(w->r, GCMD_QIE, false);
    g_assert_cmphex(rig_reg32(w->r, REG_GSTS) & GSTS_QIES, ==, 0);
    rig_set32(w->r, REG_FSTS, FSTS_IQE);
    vb_iq_enable(w->r, true);
    g_assert_true(vb_wait(w->r));
}

/* --- wait --------------------------------------------------------------- */

static void wait_status_write(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    const RigLog *e;

    rig_w64(w->r, w->r->status, UINT64_MAX);
    wait_sw(w->r, 0xcafe1234);
    e = rig_seen(w->r, RIG_SEEN_WRITE, 0);
    g_assert_nonnull(e);
    g_assert_cmpuint(e->len, ==, 4);            /* a DWORD, nothing else */
    g_assert_cmphex(rig_r64(w->r, w->r->status), ==,
                    UINT64_C(0xffffffffcafe1234));
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_WRITE), ==, 1);
}

static void wait_without_sw(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);

    vb_submit(w->r, desc_wait(WAIT_FN, w->r->ram_top, 1));
    g_assert_cmphex(fsts(w->r), ==, 0);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_WRITE), ==, 0);
    g_assert_cmphex(rig_reg64(w->r, REG_IQH), ==, 32);
}

static void wait_event(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    inv_event(r);
    vb_submit(r, desc_wait(WAIT_IF, 0, 0));
    g_assert_cmphex(rig_reg32(r, REG_ICS), ==, 1);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 1);
    g_assert_cmphex(rig_seen(r, RIG_SEEN_MSI, 0)->msi.addr, ==,
                    UINT64_C(0x200fee01000));
    g_assert_cmphex(rig_seen(r, RIG_SEEN_MSI, 0)->msi.data, ==, 0x51);
    g_assert_cmphex(rig_reg32(r, REG_IECTL), ==, 0);
    vb_submit(r, desc_wait(WAIT_IF, 0, 0));     /* IWC is still set */
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 1);
    rig_set32(r, REG_ICS, 1);
    g_assert_cmphex(rig_reg32(r, REG_ICS), ==, 0);
    vb_submit(r, desc_wait(WAIT_IF, 0, 0));
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 2);
}

static void wait_event_masked(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    inv_event(r);
    rig_set32(r, REG_IECTL, CTL_IM);
    vb_submit(r, desc_wait(WAIT_IF, 0, 0));
    g_assert_cmphex(rig_reg32(r, REG_IECTL), ==, CTL_IM | CTL_IP);
    rig_set32(r, REG_IECTL, 0);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 1);
    g_assert_cmphex(rig_reg32(r, REG_IECTL), ==, 0);
}

static void wait_event_serviced(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    inv_event(r);
    rig_set32(r, REG_IECTL, CTL_IM);
    vb_submit(r, desc_wait(WAIT_IF, 0, 0));
    rig_set32(r, REG_ICS, 1);
    g_assert_cmphex(rig_reg32(r, REG_IECTL), ==, CTL_IM);
    rig_set32(r, REG_IECTL, 0);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 0);
}

/* 6.5.2.10: the interrupt pushes the status write. */
static void wait_status_before_interrupt(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    inv_event(r);
    vb_submit(r, desc_wait(WAIT_IF | WAIT_SW, r->status, 3));
    g_assert_cmpint(rig_position(r, RIG_SEEN_WRITE, 0), >=, 0);
    g_assert_cmpint(rig_position(r, RIG_SEEN_MSI, 0), >,
                    rig_position(r, RIG_SEEN_WRITE, 0));
}

/* --- device-TLB --------------------------------------------------------- */

typedef struct RangeRow {
    const char *name;
    uint64_t addr;              /* field 63:12 */
    bool s;
    uint64_t want;
    unsigned lg2;
} RangeRow;

/* PCIe ATS: S=1, size 8K << (consecutive ones from bit 12 up) */
static const RangeRow ranges[] = {
    { "4k", UINT64_C(0x123456000), false, UINT64_C(0x123456000), 12 },
    { "4k-odd", UINT64_C(0x123457000), false, UINT64_C(0x123457000), 12 },
    { "8k", UINT64_C(0x123456000), true, UINT64_C(0x123456000), 13 },
    { "16k", UINT64_C(0x123455000), true, UINT64_C(0x123454000), 14 },
    { "2m", UINT64_C(0x1232ff000), true, UINT64_C(0x123200000), 21 },
    { "1g", UINT64_C(0x15ffff000), true, UINT64_C(0x140000000), 30 },
    { "all", UINT64_C(0x7ffffffffffff000), true, 0, IM_INV_ALL },
};

static void range_row(const void *data)
{
    const RangeRow *row = data;
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    const ImAtsInv *i;

    vb_submit(w->r, desc_dev_tlb(RID, row->addr, row->s));
    i = sent(w->r, 0);
    g_assert_nonnull(i);
    g_assert_cmphex(i->rid, ==, RID);
    g_assert_false(i->has_pasid);
    g_assert_cmphex(i->addr, ==, row->want);
    g_assert_cmpuint(i->lg2size, ==, row->lg2);
    done(w->r, 0);
    vb_submit(w->r, desc_pdev_tlb(RID, 0xfabcd, row->addr, row->s, false));
    i = sent(w->r, 1);
    g_assert_nonnull(i);
    g_assert_true(i->has_pasid);
    g_assert_false(i->global);
    g_assert_cmphex(i->pasid, ==, 0xfabcd);
    g_assert_cmphex(i->addr, ==, row->want);
    g_assert_cmpuint(i->lg2size, ==, row->lg2);
    done(w->r, 1);
}

static void global_invalidate(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);

    vb_submit(w->r, desc_pdev_tlb(RID, 0, 0, false, true));
    g_assert_true(sent(w->r, 0)->has_pasid);
    g_assert_true(sent(w->r, 0)->global);
    done(w->r, 0);
}

static void wait_for_completion(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    vb_submit(r, desc_dev_tlb(RID, 0, false));
    vb_submit(r, desc_pdev_tlb(RID, 1, 0, false, false));
    wait_sw(r, 9);
    g_assert_cmphex(status(r), ==, 0);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_ATS_INV), ==, 2);
    done(r, 1);
    g_assert_cmphex(status(r), ==, 0);
    done(r, 0);
    g_assert_cmphex(status(r), ==, 9);
    g_assert_cmphex(fsts(r), ==, 0);
    g_assert_cmpuint(im_vtd_counters(r->vtd)->ats_completions, ==, 2);
}

static void one_completion_for_many(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;
    uint32_t v = 0;

    for (unsigned i = 0; i < 5; i++) {
        vb_submit(r, desc_dev_tlb(RID, 0x1000 * i, false));
        v |= 1u << sent(r, i)->itag;
    }
    g_assert_cmpuint(__builtin_popcount(v), ==, 5);
    wait_sw(r, 9);
    im_vtd_ats_inv_done(r->vtd, RID, v, 1);
    g_assert_cmphex(status(r), ==, 9);
}

/* 32 ITags; the 33rd request is deferred until one is free. */
static void itags_run_out(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    for (unsigned i = 0; i < 40; i++) {
        vb_submit(r, desc_dev_tlb(RID, 0x1000 * i, false));
    }
    wait_sw(r, 9);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_ATS_INV), ==, 32);
    for (unsigned i = 0; i < 40; i++) {
        g_assert_cmphex(status(r), ==, 0);
        g_assert_nonnull(sent(r, i));
        g_assert_cmphex(sent(r, i)->addr, ==, 0x1000 * i);
        done(r, i);
    }
    g_assert_cmphex(status(r), ==, 9);
    g_assert_cmphex(fsts(r), ==, 0);
}

/* --- errors ------------------------------------------------------------- */

static void completion_unknown(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    im_vtd_ats_inv_done(r->vtd, 0x1234, 1, 1);
    g_assert_cmphex(fsts(r), ==, FSTS_ICE);
    g_assert_cmphex(rig_reg64(r, REG_IQERCD) >> 48, ==, 0x1234);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 1);
    g_assert_true(vb_wait(r));                  /* the queue goes on */
    rig_set32(r, REG_FSTS, FSTS_ICE);
    g_assert_cmphex(fsts(r), ==, 0);
}

/* A right ITag from the wrong function completes nothing. */
static void completion_of_another(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    vb_submit(r, desc_dev_tlb(RID, 0, false));
    wait_sw(r, 9);
    im_vtd_ats_inv_done(r->vtd, RID + 1, 1u << sent(r, 0)->itag, 1);
    g_assert_cmphex(fsts(r), ==, FSTS_ICE);
    g_assert_cmphex(status(r), ==, 0);
    done(r, 0);
    g_assert_cmphex(status(r), ==, 9);
}

static void completion_twice(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);

    vb_submit(w->r, desc_dev_tlb(RID, 0, false));
    done(w->r, 0);
    g_assert_cmphex(fsts(w->r), ==, 0);
    done(w->r, 0);
    g_assert_cmphex(fsts(w->r), ==, FSTS_ICE);
}

/* 4.3: the valid ITags of a vector count although another is invalid. */
static void completion_partly_valid(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;
    unsigned itag;

    vb_submit(r, desc_dev_tlb(RID, 0, false));
    itag = sent(r, 0)->itag;
    im_vtd_ats_inv_done(r->vtd, RID, 1u << itag | 1u << (itag ^ 1), 1);
    g_assert_cmphex(fsts(r), ==, FSTS_ICE);
    rig_advance(r, 10 * r->cfg.ats_timeout_ns);
    g_assert_cmphex(fsts(r), ==, FSTS_ICE);     /* nothing timed out */
}

static void timeout(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    vb_submit(r, desc_dev_tlb(RID, 0, false));
    wait_sw(r, 9);
    rig_advance(r, r->cfg.ats_timeout_ns - 1);
    g_assert_cmphex(fsts(r), ==, 0);
    rig_advance(r, 2);
    g_assert_cmphex(fsts(r), ==, FSTS_ITE);
    g_assert_cmphex(rig_reg64(r, REG_IQERCD) >> 32 & 0xffff, ==, RID);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 1);
    g_assert_cmphex(status(r), ==, 0);          /* aborted */
    vb_submit(r, desc_wait(WAIT_SW, r->status + 8, 10));
    g_assert_cmphex(rig_r32(r, r->status + 8), ==, 0);  /* no fetching */
    rig_set32(r, REG_FSTS, FSTS_ITE);
    g_assert_cmphex(fsts(r), ==, 0);
    g_assert_cmphex(rig_r32(r, r->status + 8), ==, 10);
    g_assert_cmphex(status(r), ==, 0);          /* and stays so */
    g_assert_cmphex(rig_reg64(r, REG_IQH), ==, rig_reg64(r, REG_IQT));
}

/* After the time-out the ITag is free: a late answer matches nothing. */
static void timeout_then_answer(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    vb_submit(r, desc_dev_tlb(RID, 0, false));
    rig_advance(r, r->cfg.ats_timeout_ns + 1);
    g_assert_cmphex(fsts(r), ==, FSTS_ITE);
    done(r, 0);
    g_assert_cmphex(fsts(r), ==, FSTS_ITE | FSTS_ICE);
}

static void no_timeout_after_answer(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);

    vb_submit(w->r, desc_dev_tlb(RID, 0, false));
    done(w->r, 0);
    rig_advance(w->r, 10 * w->r->cfg.ats_timeout_ns);
    g_assert_cmphex(fsts(w->r), ==, 0);
    g_assert_cmpuint(im_vtd_counters(w->r->vtd)->ats_timeouts, ==, 0);
}

/* 4.2.1: while TES=0 a completion is an unsupported request: ignored. */
static void completion_while_off(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    vb_submit(r, desc_dev_tlb(RID, 0, false));
    wait_sw(r, 9);
    vb_gcmd(r, GCMD_TE, false);
    done(r, 0);
    im_vtd_ats_inv_done(r->vtd, 0x1234, 1, 1);
    g_assert_cmphex(fsts(r), ==, 0);
    g_assert_cmphex(status(r), ==, 0);
    vb_gcmd(r, GCMD_TE, true);
    done(r, 0);
    g_assert_cmphex(status(r), ==, 9);
}

/* Status address bits at and above HAW are ignored. */
static void wait_address_beyond_haw(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);

    vb_submit(w->r,
              desc_wait(WAIT_SW, w->r->status | UINT64_C(0x5555) << 46, 0x99));
    g_assert_cmphex(status(w->r), ==, 0x99);
}

/* im_port.h: what a listener outside must forget. */
static void listeners_are_told(void)
{
    g_autoptr(World) w = world_new(NULL, W_LEGACY, false);
    Rig *r = w->r;
    const ImUnmap *u;

    rig_log_clear(r);
    vb_submit(r,
              desc_iotlb(IOTLB_PAGE, w->did, w->iova & ~0x3fffull, 2, false));
    u = &rig_seen(r, RIG_SEEN_UNMAP, 0)->unmap;
    g_assert_cmphex(u->addr & ~u->mask, ==, w->iova & ~u->mask);
    g_assert_cmphex(u->mask, >=, 0x3fff);
    g_assert_false(u->device_tlb);
    rig_log_clear(r);
    vb_submit(r, desc_dev_tlb(RID, w->iova, false));
    u = &rig_seen(r, RIG_SEEN_UNMAP, 0)->unmap;
    g_assert_true(u->device_tlb);
    g_assert_true(u->has_rid);
    g_assert_cmphex(u->rid, ==, RID);
    g_assert_cmphex(u->addr & ~u->mask, ==, w->iova & ~u->mask);
    done(r, 0);
    rig_log_clear(r);
    vb_submit(r, desc_dev_tlb(RID, UINT64_C(0x7ffffffffffff000), true));
    g_assert_cmphex(rig_seen(r, RIG_SEEN_UNMAP, 0)->unmap.mask, ==, UINT64_MAX);
    done(r, 0);
    rig_log_clear(r);
    vb_submit(r, desc_context(CC_GLOBAL, 0, 0, 0));
    g_assert_cmpuint(rig_count(r, RIG_SEEN_UNMAP), >=, 1);
    rig_log_clear(r);
    vb_one_shot(r, GCMD_SRTP);
    g_assert_cmphex(rig_seen(r, RIG_SEEN_UNMAP, 0)->unmap.mask, ==, UINT64_MAX);
    rig_log_clear(r);
    vb_gcmd(r, GCMD_TE, false);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_UNMAP), >=, 1);
}

/* Answers that come while ITE is set are processed as usual. */
static void answers_while_stopped(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    vb_submit(r, desc_dev_tlb(RID, 0, false));
    rig_advance(r, r->cfg.ats_timeout_ns / 2);
    vb_submit(r, desc_dev_tlb(RID + 1, 0, false));
    rig_advance(r, r->cfg.ats_timeout_ns / 2 + 1);
    g_assert_cmphex(fsts(r), ==, FSTS_ITE);
    done(r, 1);
    g_assert_cmphex(fsts(r), ==, FSTS_ITE);
    rig_set32(r, REG_FSTS, FSTS_ITE);
    g_assert_true(vb_wait(r));
}

/* --- order -------------------------------------------------------------- */

static void fence(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    vb_submit(r, desc_dev_tlb(RID, 0, false));
    vb_submit(r, desc_wait(WAIT_FN | WAIT_SW, r->status, 1));
    vb_submit(r, desc_dev_tlb(RID, 0x1000, false));
    g_assert_cmpuint(rig_count(r, RIG_SEEN_ATS_INV), ==, 1);
    done(r, 0);
    g_assert_cmphex(status(r), ==, 1);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_ATS_INV), ==, 2);
    done(r, 1);
}

static void fence_without_status(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    vb_submit(r, desc_dev_tlb(RID, 0, false));
    vb_submit(r, desc_wait(WAIT_FN, 0, 0));
    wait_sw(r, 2);
    g_assert_cmphex(status(r), ==, 0);
    done(r, 0);
    g_assert_cmphex(status(r), ==, 2);
}

/* A later wait never overtakes an earlier one that still waits. */
static void waits_in_order(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    vb_submit(r, desc_dev_tlb(RID, 0, false));
    vb_submit(r, desc_wait(WAIT_SW, r->status, 1));
    vb_submit(r, desc_wait(WAIT_SW, r->status + 8, 2));
    done(r, 0);
    g_assert_cmphex(rig_seen(r, RIG_SEEN_WRITE, 0)->val & 0xff, ==, 1);
    g_assert_cmphex(rig_seen(r, RIG_SEEN_WRITE, 1)->val & 0xff, ==, 2);
}

/* 6.5.2.12: device-TLB after the IOTLB invalidation ahead of it: at the
 * time the message goes out the translation is gone already. */
static void device_tlb_after_iotlb(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;
    ImTxn t = world_txn(w, IM_AT_TRANSLATION, IM_READ);
    ImXlat x = im_vtd_translate(r->vtd, &t);

    xlat_is_ok(&x, w->hpa);
    rig_put(r, world_leaf(w, w->iova), LEAF_READ, 0);
    vb_iq_put(r, desc_piotlb(PIOTLB_PAGE, w->did, w->pasid, w->iova, 0, true));
    vb_iq_put(r, desc_pdev_tlb(w->rid, w->pasid, w->iova, false, false));
    vb_iq_ring(r);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_ATS_INV), ==, 1);
    x = im_vtd_translate(r->vtd, &t);
    xlat_is_nothing(&x);
    done(r, 0);
}

static void responses_and_messages_in_order(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;
    int at[4];

    vb_iq_put(r, desc_page_resp(RID, true, 1, 1, 0));
    vb_iq_put(r, desc_pdev_tlb(RID, 1, 0, false, false));
    vb_iq_put(r, desc_page_resp(RID, true, 1, 2, 0));
    vb_iq_put(r, desc_pdev_tlb(RID, 1, 0, false, false));
    vb_iq_ring(r);
    at[0] = rig_position(r, RIG_SEEN_PAGE_RESP, 0);
    at[1] = rig_position(r, RIG_SEEN_ATS_INV, 0);
    at[2] = rig_position(r, RIG_SEEN_PAGE_RESP, 1);
    at[3] = rig_position(r, RIG_SEEN_ATS_INV, 1);
    g_assert_cmpint(at[0], >=, 0);
    g_assert_cmpint(at[0], <, at[1]);
    g_assert_cmpint(at[1], <, at[2]);
    g_assert_cmpint(at[2], <, at[3]);
    done(r, 0);
    done(r, 1);
}

static void page_response_fields(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    static const unsigned code[] = { 0, 1, 0xf, 2 };

    for (unsigned i = 0; i < G_N_ELEMENTS(code); i++) {
        const ImPageResp *p;

        vb_submit(w->r, desc_page_resp(RID, i & 1, 0xfedcb, 0x1a5, code[i]));
        p = &rig_seen(w->r, RIG_SEEN_PAGE_RESP, i)->resp;
        g_assert_cmphex(p->rid, ==, RID);
        g_assert_cmphex(p->prgi, ==, 0x1a5);
        g_assert_cmphex(p->code, ==, code[i]);
        g_assert_cmpint(p->has_pasid, ==, i & 1);
        if (i & 1) {
            g_assert_cmphex(p->pasid, ==, 0xfedcb);
        }
    }
}

static void add_device_tlb(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(ranges); i++) {
        spec_row(VTD_DESC_DEV_TLB, ranges[i].name, range_row, &ranges[i]);
    }
    spec_test(VTD_DESC_PDEV_TLB, "global-invalidate", global_invalidate);
    spec_test(VTD_IQ_ITAG, "wait-for-completion", wait_for_completion);
    spec_test(VTD_IQ_ITAG, "one-completion-for-many", one_completion_for_many);
    spec_test(VTD_IQ_ITAG, "run-out", itags_run_out);
    spec_test(VTD_IQ_ICE, "unknown", completion_unknown);
    spec_test(VTD_IQ_ICE, "of-another-function", completion_of_another);
    spec_test(VTD_IQ_ICE, "twice", completion_twice);
    spec_test(VTD_IQ_ICE, "partly-valid", completion_partly_valid);
    spec_test(VTD_IQ_ITE, "aborts-waits", timeout);
    spec_test(VTD_IQ_ITE, "late-answer", timeout_then_answer);
    spec_test(VTD_IQ_ITE, "no-timeout-after-answer", no_timeout_after_answer);
    spec_test(VTD_4_2_1_TES0, "completion", completion_while_off);
    spec_test(VTD_DESC_IOTLB, "listeners", listeners_are_told);
    spec_test(VTD_IQ_ITE, "answers-while-stopped", answers_while_stopped);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(VTD_IQ_FETCH, "with-all-off", runs_with_all_off);
    spec_test(VTD_IQ_FETCH, "enable-fetches", enable_fetches_what_is_there);
    spec_test(VTD_IQ_FETCH, "wraps", wraps);
    spec_test(VTD_IQ_FETCH, "largest-queue", large_queue);
    spec_test(VTD_IQ_FETCH, "disable-resets-head", disable_resets_head);
    spec_test(VTD_IQ_FETCH, "disable-with-error-pending",
              disable_with_error_pending);
    spec_test(VTD_DESC_WAIT, "status-is-one-dword", wait_status_write);
    spec_test(VTD_DESC_WAIT, "address-ignored-without-sw", wait_without_sw);
    spec_test(VTD_DESC_WAIT, "address-beyond-haw", wait_address_beyond_haw);
    spec_test(VTD_IQ_EVENT, "once-while-iwc", wait_event);
    spec_test(VTD_IQ_EVENT, "masked", wait_event_masked);
    spec_test(VTD_IQ_EVENT, "serviced", wait_event_serviced);
    spec_test(VTD_IQ_EVENT, "after-the-status-write",
              wait_status_before_interrupt);
    add_device_tlb();
    spec_test(VTD_IQ_FENCE, "holds-what-follows", fence);
    spec_test(VTD_IQ_FENCE, "without-status", fence_without_status);
    spec_test(VTD_IQ_ORDER, "waits", waits_in_order);
    spec_test(VTD_IQ_ORDER, "device-tlb-after-iotlb", device_tlb_after_iotlb);
    spec_test(VTD_PRQ_RESPONSE_ORDER, "with-device-tlb",
              responses_and_messages_in_order);
    spec_test(VTD_DESC_PAGE_RESP, "fields", page_response_fields);
    return g_test_run();
}
