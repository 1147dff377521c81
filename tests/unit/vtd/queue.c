/*
 * Smoke test of the invalidation queue: a full ring, held waits, tags
 * running out, a host that answers too early, resets in between. The rules
 * themselves are the specification suite's.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/rig.h"
#include "lib/vtd_build.h"

#define RID  0x0108

static Rig *prepare(void)
{
    ImVtdConfig cfg = rig_vtd_config();
    Rig *r = rig_vtd_new(&cfg);

    vb_set_root(r, rig_alloc(r, 1, RIG_TABLE), TTM_SCALABLE);
    vb_iq_enable(r, true);
    vb_gcmd(r, GCMD_TE, true);
    return r;
}

static bool queue_empty(Rig *r)
{
    return rig_reg64(r, REG_IQH) == rig_reg64(r, REG_IQT);
}

static void test_full_ring(void)
{
    g_autoptr(Rig) r = prepare();

    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 127; i++) {
            vb_iq_put(r, desc_iotlb(IOTLB_GLOBAL, 0, 0, 0, false));
        }
        vb_iq_ring(r);
        g_assert_true(queue_empty(r));
        g_assert_cmphex(rig_reg32(r, REG_FSTS), ==, 0);
    }
    g_assert_true(vb_wait(r));
}

static void test_more_invalidations_than_tags(void)
{
    g_autoptr(Rig) r = prepare();
    uint32_t seen = 0;

    for (unsigned i = 0; i < 40; i++) {
        vb_iq_put(r, desc_dev_tlb(RID, i << 12, false));
    }
    vb_iq_ring(r);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_ATS_INV), ==, 32);
    g_assert_false(queue_empty(r));
    for (unsigned i = 0; i < 32; i++) {
        seen |= 1u << rig_seen(r, RIG_SEEN_ATS_INV, i)->inv.itag;
    }
    g_assert_cmphex(seen, ==, UINT32_MAX);
    im_vtd_ats_inv_done(r->vtd, RID, UINT32_MAX, 1);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_ATS_INV), ==, 40);
    g_assert_true(queue_empty(r));
    g_assert_cmphex(rig_reg32(r, REG_FSTS), ==, 0);
}

/* More waits than the unit can hold: none is lost. */
static void test_many_held_waits(void)
{
    g_autoptr(Rig) r = prepare();
    uint64_t status = rig_alloc(r, 1, RIG_WRITE);

    vb_iq_put(r, desc_dev_tlb(RID, 0, false));
    for (unsigned i = 0; i < 100; i++) {
        vb_iq_put(r, desc_wait(WAIT_SW, status + 4 * i, i + 1));
    }
    vb_iq_ring(r);
    g_assert_false(queue_empty(r));
    g_assert_cmpuint(rig_count(r, RIG_SEEN_WRITE), ==, 0);
    im_vtd_ats_inv_done(r->vtd, RID, 1, 1);
    g_assert_true(queue_empty(r));
    for (unsigned i = 0; i < 100; i++) {
        g_assert_cmphex(rig_r32(r, status + 4 * i), ==, i + 1);
    }
}

/* A status write that hits the queue changes descriptors, nothing else. */
static void test_status_into_the_queue(void)
{
    g_autoptr(Rig) r = prepare();

    rig_offer(r, r->iq, 1, RIG_WRITE);
    for (unsigned i = 0; i < 126; i++) {
        vb_iq_put(r, desc_wait(WAIT_SW, r->iq + 32 * (i + 1), 0x5));
    }
    vb_iq_ring(r);
    rig_assert_consistent(r);
}

/* The port forbids it; the unit survives it. */
static Rig *calling;

static void answers_at_once(void *host G_GNUC_UNUSED, const ImAtsInv *inv)
{
    im_vtd_ats_inv_done(calling->vtd, inv->rid, 1u << inv->itag, 1);
}

static void test_completion_from_inside(void)
{
    ImVtdConfig cfg = rig_vtd_config();
    g_autoptr(Rig) r = rig_vtd_new(&cfg);
    ImPort port = r->port;

    port.ats_invalidate = answers_at_once;
    im_vtd_free(r->vtd);
    r->vtd = im_vtd_new(&cfg, &port, r, NULL);
    calling = r;
    vb_set_root(r, rig_alloc(r, 1, RIG_TABLE), TTM_SCALABLE);
    vb_iq_enable(r, true);
    vb_gcmd(r, GCMD_TE, true);
    for (unsigned i = 0; i < 100; i++) {
        vb_iq_put(r, desc_dev_tlb(RID, i << 12, false));
    }
    vb_iq_ring(r);
    g_assert_true(vb_wait(r));
    g_assert_cmphex(rig_reg32(r, REG_FSTS), ==, 0);
}

static void test_reset_with_work_outstanding(void)
{
    g_autoptr(Rig) r = prepare();

    vb_iq_put(r, desc_dev_tlb(RID, 0, false));
    vb_iq_put(r, desc_wait(WAIT_SW, r->status, 0x77));
    vb_iq_ring(r);
    g_assert_cmpuint(r->deadline, !=, IM_NEVER);
    im_vtd_reset(r->vtd);
    g_assert_cmpuint(r->deadline, ==, IM_NEVER);
    im_vtd_ats_inv_done(r->vtd, RID, 1, 1);
    rig_set32(r, REG_FSTS, UINT32_MAX);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_WRITE), ==, 0);
    g_assert_cmphex(rig_reg32(r, REG_FSTS), ==, 0);
    rig_assert_consistent(r);
}

static void test_off_with_work_outstanding(void)
{
    g_autoptr(Rig) r = prepare();

    vb_iq_put(r, desc_dev_tlb(RID, 0, false));
    vb_iq_put(r, desc_wait(WAIT_SW, r->status, 0x77));
    vb_iq_ring(r);
    vb_gcmd(r, GCMD_QIE, false);
    g_assert_cmphex(rig_reg32(r, REG_GSTS) & GSTS_QIES, ==, 0);
    im_vtd_ats_inv_done(r->vtd, RID, 1, 1);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_WRITE), ==, 0);
    rig_assert_consistent(r);
}

static void test_dump_in_every_state(void)
{
    g_autoptr(Rig) r = prepare();
    g_autoptr(GString) out = g_string_new(NULL);

    im_vtd_dump(r->vtd, out);
    vb_iq_put(r, desc_dev_tlb(RID, 0, false));
    vb_iq_put(r, desc_wait(WAIT_SW | WAIT_FN, r->status, 0x77));
    vb_iq_put(r, desc_iotlb(IOTLB_GLOBAL, 0, 0, 0, false));
    vb_iq_ring(r);
    g_string_truncate(out, 0);
    im_vtd_dump(r->vtd, out);
    g_assert_nonnull(strstr(out->str, "held wait"));
    g_assert_nonnull(strstr(out->str, "requester 0108"));
    g_assert_nonnull(strstr(out->str, "iotlb_inv"));
    im_vtd_reset(r->vtd);
    im_vtd_dump(r->vtd, out);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vtd/queue/full-ring", test_full_ring);
    g_test_add_func("/vtd/queue/more-invalidations-than-tags",
                    test_more_invalidations_than_tags);
    g_test_add_func("/vtd/queue/many-held-waits", test_many_held_waits);
    g_test_add_func("/vtd/queue/status-into-the-queue",
                    test_status_into_the_queue);
    g_test_add_func("/vtd/queue/completion-from-inside",
                    test_completion_from_inside);
    g_test_add_func("/vtd/queue/reset-with-work-outstanding",
                    test_reset_with_work_outstanding);
    g_test_add_func("/vtd/queue/off-with-work-outstanding",
                    test_off_with_work_outstanding);
    g_test_add_func("/vtd/queue/dump-in-every-state", test_dump_in_every_state);
    return g_test_run();
}
