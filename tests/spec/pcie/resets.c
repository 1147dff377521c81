/*
 * Fault injection, resets, and Bus Master Enable.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"
#include "tests/unit/pcie/upstream.h"

static const UpOp rd = {
    PASID_EP_OP_READ, PASID_EP_MODE_UNTRANSLATED, UP_VA, 0, 64, 0, 5, 0,
};

static Up *mapped(void)
{
    Up *up = up_new();

    up_map(up, UP_VA, 0x100000, 0x100000, 5, 3);
    return up;
}

static void test_inject_completions(void)
{
    g_autoptr(Up) up = up_new();

    up_w(up, PASID_EP_INJ_INV_DROP, 1);
    up_w(up, PASID_EP_INJ_INV_DUP, 1);
    up_w(up, PASID_EP_INJ_INV_HOLD, 2);
    up_w(up, PASID_EP_INJ_INV_DELAY, 500);
    up_invalidate(up, 0, IM_INV_ALL, 5, false, 0);
    g_assert_cmpuint(up->done->len, ==, 0);
    up_invalidate(up, 0, IM_INV_ALL, 5, false, 1);
    g_assert_cmpuint(up->done->len, ==, 2);
    up_invalidate(up, 0, IM_INV_ALL, 5, false, 2);
    up_invalidate(up, 0, IM_INV_ALL, 5, false, 3);
    up_invalidate(up, 0, IM_INV_ALL, 5, false, 4);
    g_assert_cmpuint(up->done->len, ==, 3);
    g_assert_cmphex(up_r(up, PASID_EP_STATUS) & PASID_EP_STATUS_HELD, !=, 0);
    up_advance(up, 499);
    g_assert_cmpuint(up->done->len, ==, 3);
    up_advance(up, 1);
    g_assert_cmpuint(up->done->len, ==, 5);
    up_w(up, PASID_EP_INJ_INV_HOLD, 1000);
    up_w(up, PASID_EP_INJ_INV_DELAY, 0);
    for (unsigned i = 0; i < 70; i++) {             /* 64 are held */
        up_invalidate(up, 0, IM_INV_ALL, 5, false, 0);
    }
    g_assert_cmpuint(up->done->len, ==, 11);
    g_assert_cmpuint(up_r(up, PASID_EP_INJ_INV_HOLD), ==, 1000 - 64);
    g_assert_cmpuint(up->deadline, ==, IM_NEVER);
    up_w(up, PASID_EP_COMMAND, PASID_EP_CMD_RELEASE);
    g_assert_cmpuint(up->done->len, ==, 75);
}

static void test_inject_responses(void)
{
    g_autoptr(Up) up = up_new();
    UpOp op = rd;

    op.mode = PASID_EP_MODE_AUTO;
    up->serve_va = UP_VA;
    up->serve_size = 1 << 16;
    up->serve_perm = 3;
    up_w(up, PASID_EP_INJ_PRG_HOLD, 1);
    up_w(up, PASID_EP_INJ_PRG_DELAY, 300);
    up_do(up, &op);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_WAIT_PAGE);
    up_advance(up, 300);
    up_run(up);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_OK);
}

/* Each flag disobeys in its own way; with the others set it obeys. */
static void test_inject_disobedience(void)
{
    const uint64_t stale = PASID_EP_INJ_FLAGS_STALE;
    const uint64_t ats_off = PASID_EP_INJ_FLAGS_ATS_OFF;
    const uint64_t allocation = PASID_EP_INJ_FLAGS_ALLOCATION;

    for (uint64_t flags = 0; flags < 8; flags++) {
        g_autoptr(Up) up = mapped();
        unsigned ats = up_cap(up, 0xf);
        UpOp op = rd;

        op.mode = PASID_EP_MODE_ATS;
        g_assert_cmpuint(up_do(up, &op), ==, 0);
        up_w(up, PASID_EP_INJ_FLAGS, flags);
        up_invalidate(up, 0, IM_INV_ALL, UP_NO_PASID, false, 0);
        g_assert_cmpuint(up->done->len, ==, 1);
        g_assert_cmpuint(up_r(up, PASID_EP_ATC_USED), ==, (flags & stale) != 0);
        g_assert_cmpuint(up_do(up, &op), ==, 0);    /* hit or not */
        im_ep_cfg_write(up->ep, ats + 6, 0, 2);
        g_assert_cmpuint(up_r(up, PASID_EP_ATC_USED), ==,
                         (flags & ats_off) != 0);
        g_assert_cmpuint(up_do(up, &op), ==,
                         flags & ats_off ? 0 : PASID_EP_CAUSE_ATS_OFF);
        op.addr += 1 << 30;
        g_assert_cmpuint(up_do(up, &op), ==, PASID_EP_CAUSE_ATS_OFF);
        im_ep_cfg_write(up->ep, ats + 6, 0x8000, 2);
        op.mode = PASID_EP_MODE_AUTO;
        op.len = 100 * 4096;
        up_ch_w(up, 0, PASID_EP_CH_GROUP, 60);
        up_start(up, 0, &op);
        up_run(up);
        g_assert_cmpuint(up->asked->len, ==, flags & allocation ? 60 : 32);
    }
}

/* The end of a parked request: unseen until it is let go. */
static void test_inject_ends(void)
{
    g_autoptr(Up) up = mapped();
    UpOp op = rd;

    up->park = true;
    up_w(up, PASID_EP_INJ_END_HOLD, 2);
    up_w(up, PASID_EP_INJ_END_DELAY, 300);
    up_start(up, 0, &op);
    up_run(up);
    up_unpark(up, true);
    up_run(up);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_WAIT_DMA);
    g_assert_cmpuint(up_r(up, PASID_EP_INJ_END_HOLD), ==, 1);
    g_assert_cmphex(up_r(up, PASID_EP_STATUS) & PASID_EP_STATUS_HELD, !=, 0);
    g_assert_cmpuint(up_r(up, PASID_EP_STAT_DMA_UNPARKED), ==, 0);
    up_advance(up, 299);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_WAIT_DMA);
    up_advance(up, 1);
    up_run(up);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_OK);
    g_assert_cmphex(up_r(up, PASID_EP_STATUS) & PASID_EP_STATUS_HELD, ==, 0);
    up_start(up, 0, &op);                           /* aborted before */
    up_run(up);
    up_ch_w(up, 0, PASID_EP_CH_COMMAND, PASID_EP_CH_CMD_ABORT);
    up_unpark(up, true);
    g_assert_cmpuint(up_r(up, PASID_EP_STAT_DMA_UNPARKED), ==, 2);
    g_assert_cmpuint(up_r(up, PASID_EP_INJ_END_HOLD), ==, 1);
    up_w(up, PASID_EP_INJ_END_DELAY, 0);            /* aborted meanwhile */
    up_start(up, 0, &op);
    up_run(up);
    up_unpark(up, true);
    up_ch_w(up, 0, PASID_EP_CH_COMMAND, PASID_EP_CH_CMD_ABORT);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_ABORTED);
    up_w(up, PASID_EP_COMMAND, PASID_EP_CMD_RELEASE);
    g_assert_cmpuint(up_r(up, PASID_EP_STAT_DMA_UNPARKED), ==, 3);
    up_w(up, PASID_EP_INJ_END_HOLD, 1);             /* and a reset */
    up_start(up, 0, &op);
    up_run(up);
    up_unpark(up, true);
    im_ep_flr(up->ep);
    g_assert_cmpuint(up_r(up, PASID_EP_STAT_DMA_UNPARKED), ==, 4);
    g_assert_cmphex(up_r(up, PASID_EP_STATUS) & PASID_EP_STATUS_HELD, ==, 0);
}

static void test_inject_poison_and_reset(void)
{
    g_autoptr(Up) up = mapped();
    UpOp op = rd;

    up_w(up, PASID_EP_INJ_POISON, 1);
    g_assert_cmpuint(up_do(up, &op), ==, PASID_EP_CAUSE_POISONED);
    g_assert_cmpuint(up_do(up, &op), ==, 0);
    up_w(up, PASID_EP_INJ_POISON, 1);
    op.op = PASID_EP_OP_WRITE;                      /* of reads alone */
    g_assert_cmpuint(up_do(up, &op), ==, 0);
    g_assert_cmpuint(up_r(up, PASID_EP_INJ_POISON), ==, 1);
    op.op = PASID_EP_OP_READ;
    g_assert_cmpuint(up_do(up, &op), ==, PASID_EP_CAUSE_POISONED);
    op.len = 0x4000;
    up_w(up, PASID_EP_INJ_RESET, 3);
    up->dma->len = 0;
    up_start(up, 0, &op);
    up_run(up);
    g_assert_cmpuint(up->dma->len, ==, 2);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_IDLE);
    g_assert_cmphex(up_r(up, PASID_EP_EVENT), ==, PASID_EP_EVENT_RESET);
    g_assert_cmphex(im_ep_cfg_read(up->ep, 0x106, 2), ==, 0);
    g_assert_cmphex(up_r(up, PASID_EP_STATUS) & 0x3f, ==,
                    PASID_EP_STATUS_BUS_MASTER);
}

/* A request that hits the function's own registers: reset under way. */
static void reset_inside(Up *up)
{
    up_w(up, PASID_EP_COMMAND, PASID_EP_CMD_RESET);
}

static void restart_inside(Up *up)
{
    up->in_dma = NULL;
    up_ch_w(up, 0, PASID_EP_CH_COMMAND, PASID_EP_CH_CMD_ABORT);
    up_ch_w(up, 0, PASID_EP_CH_COMMAND, PASID_EP_CH_CMD_START);
}

static void test_reset_state(void)
{
    g_autoptr(Up) up = mapped();
    UpOp op = rd;

    up->in_dma = reset_inside;
    up_start(up, 0, &op);
    up_run(up);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_IDLE);
    up->park = true;                                /* and parked */
    up_enable(up, 32);
    up_start(up, 0, &op);
    up_run(up);
    up_unpark(up, true);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_IDLE);
    up->park = false;
    up->in_dma = restart_inside;
    up_enable(up, 32);
    up_start(up, 0, &op);
    up_run(up);
    g_assert_cmpuint(up_ch(up, 0, PASID_EP_CH_LAUNCHED), ==, 2);
    g_assert_cmpuint(up_ch(up, 0, PASID_EP_CH_RETURNED), ==, 2);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_OK);
    up->in_ats = reset_inside;                      /* while it asks */
    op.mode = PASID_EP_MODE_ATS;
    up->dma->len = 0;
    up_start(up, 0, &op);
    up_run(up);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_IDLE);
    g_assert_cmpuint(up->dma->len, ==, 0);
    g_assert_cmpuint(up_r(up, PASID_EP_ATC_USED), ==, 0);
    im_ep_buffer(up->ep)[5] = 5;
    uint64_t stats = up_r(up, PASID_EP_STAT_DMA_READS);
    up_w(up, PASID_EP_SCRATCH, 1);
    im_ep_flr(up->ep);
    g_assert_cmpuint(up_r(up, PASID_EP_SCRATCH), ==, 0);
    g_assert_cmpuint(up_r(up, PASID_EP_STAT_DMA_READS), ==, stats);
    g_assert_cmpuint(im_ep_buffer(up->ep)[5], ==, 5);
    g_assert_cmpuint(up_ch(up, 0, PASID_EP_CH_LAUNCHED), ==, 0);
    g_assert_cmpuint(up_ch(up, 7, PASID_EP_CH_INTR), ==, 8);
    im_ep_reset(up->ep);
    g_assert_cmpuint(up_r(up, PASID_EP_STAT_DMA_READS), ==, 0);
    g_assert_cmpuint(im_ep_buffer(up->ep)[5], ==, 0);
}

/* Bus Master Enable is of configuration space: RESET leaves it alone. What
 * ATS and PRI heard is the function's: each reset forgets it. */
static void test_reset_kinds(void)
{
    for (unsigned kind = 0; kind < 3; kind++) {
        g_autoptr(Up) up = mapped();
        UpOp op = rd;

        op.mode = PASID_EP_MODE_ATS;
        up->ats_ur = true;
        g_assert_cmpuint(up_do(up, &op), ==, PASID_EP_CAUSE_ATS_UR);
        up_respond(up, 9, IM_PAGE_RESP_SUCCESS, true, 5);
        up_respond(up, 9, IM_PAGE_RESP_FAILURE, true, 5);
        g_assert_cmphex(up_r(up, PASID_EP_STATUS) & 0x700, ==,
                        PASID_EP_STATUS_ATS_UR | PASID_EP_STATUS_PRI_UPRGI |
                            PASID_EP_STATUS_PRI_RF);
        if (kind == 0) {
            up_w(up, PASID_EP_COMMAND, PASID_EP_CMD_RESET);
        } else if (kind == 1) {
            im_ep_flr(up->ep);
        } else {
            im_ep_reset(up->ep);
        }
        g_assert_cmphex(up_r(up, PASID_EP_STATUS), ==,
                        PASID_EP_STATUS_PRI_STOPPED |
                            (kind ? 0 : PASID_EP_STATUS_BUS_MASTER));
    }
}

/* FLR with everything outstanding: late answers match nothing. */
static void test_flr(void)
{
    g_autoptr(Up) up = mapped();
    UpOp op = rd, miss = rd;

    miss.mode = PASID_EP_MODE_AUTO;
    miss.addr += 1 << 30;
    op.mode = PASID_EP_MODE_ATS;
    up->park = true;
    up_w(up, PASID_EP_INJ_INV_HOLD, 1);
    up_w(up, PASID_EP_INJ_INV_DELAY, 10);
    up_start(up, 0, &op);
    up_start(up, 1, &miss);
    up_run(up);
    up_invalidate(up, UP_VA, 12, 5, false, 1);      /* waits for 0 */
    up_invalidate(up, UP_VA + (1 << 30), 12, 5, false, 2);    /* held */
    im_ep_flr(up->ep);
    g_assert_cmphex(up_r(up, PASID_EP_STATUS), ==, PASID_EP_STATUS_PRI_STOPPED);
    up_unpark(up, true);
    up_respond(up, up_asked(up, 0)->prgi, 0, true, 5);
    up_advance(up, IM_NEVER / 2);
    g_assert_cmpuint(up->done->len, ==, 0);
    g_assert_cmpuint(up->deadline, ==, IM_NEVER);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_IDLE);
    g_assert_cmpuint(up_state(up, 1), ==, PASID_EP_STATE_IDLE);
    g_assert_cmpuint(im_ep_counters(up->ep)->responses_unexpected, ==, 1);
    g_assert_cmphex(im_ep_cfg_read(up->ep, 0x116, 2), ==, 0x8100);
    up->park = false;
    up_enable(up, 32);
    g_assert_cmpuint(up_do(up, &op), ==, 0);
}

static void test_bme(void)
{
    g_autoptr(Up) up = mapped();
    UpOp op = rd;

    up->park = true;
    up_start(up, 0, &op);
    up_run(up);
    im_ep_set_bus_master(up->ep, false);
    g_assert_cmpuint(up_cause(up, 0), ==, PASID_EP_CAUSE_NO_BUS_MASTER);
    up_unpark(up, true);
    op.flags = PASID_EP_CH_CTRL_FORCE;
    g_assert_cmpuint(up_do(up, &op), ==, PASID_EP_CAUSE_NO_BUS_MASTER);
    up_w(up, PASID_EP_ATS_CTRL, PASID_EP_ATS_CTRL_FORCE);
    up_w(up, PASID_EP_ATS_GO, 1);
    up_w(up, PASID_EP_PR_CTRL, PASID_EP_PR_CTRL_FORCE | PASID_EP_PR_CTRL_READ);
    up_w(up, PASID_EP_PR_GO, 1);
    up_w(up, PASID_EP_COMMAND, PASID_EP_CMD_INTERRUPT);
    g_assert_cmpuint(up->dma->len, ==, 1);
    g_assert_cmpuint(up->ats->len + up->asked->len + up->msi->len, ==, 0);
}

/* The Completion Count: messages, what they say, the last withheld. */
static void test_inject_count(void)
{
    static const struct {
        uint64_t reg;
        unsigned messages;
        uint64_t cc;            /* of each, 4 bits */
    } rows[] = {
        { 0, 1, 0x1 },
        { 1, 1, 0x1 },
        { 3, 3, 0x333 },
        { 8, 8, 0x88888888 },
        { 15, 8, 0x88888888 },
        { 3 | PASID_EP_INJ_INV_CC_WITHHOLD, 2, 0x33 },
        { 1 | PASID_EP_INJ_INV_CC_WITHHOLD, 0, 0 },
        { 3 | 5 << 8, 3, 0x553 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Up) up = up_new();

        up_w(up, PASID_EP_INJ_INV_CC, rows[i].reg);
        up_invalidate(up, 0, IM_INV_ALL, 5, false, 9);
        g_assert_cmpuint(up->done->len, ==, rows[i].messages);
        g_assert_cmphex(up->cc, ==, rows[i].cc);
        for (unsigned n = 0; n < up->done->len; n++) {
            g_assert_cmphex(g_array_index(up->done, uint32_t, n), ==, 1u << 9);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(EP_INJECT, "completions", test_inject_completions);
    spec_test(EP_INJECT, "completion-count", test_inject_count);
    spec_test(EP_INJECT, "responses", test_inject_responses);
    spec_test(EP_INJECT, "ends", test_inject_ends);
    spec_test(EP_INJECT, "disobedience", test_inject_disobedience);
    spec_test(EP_INJECT, "poison-and-reset", test_inject_poison_and_reset);
    spec_test(EP_RESET, "what-each-clears", test_reset_state);
    spec_test(EP_RESET, "what-was-heard", test_reset_kinds);
    spec_test(PCIE_FLR, "with-requests-outstanding", test_flr);
    spec_test(PCIE_BME, "nothing-leaves", test_bme);
    return g_test_run();
}
