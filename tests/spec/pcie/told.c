/*
 * What the function tells of itself: statistics, the log, events, results
 * of raw requests, and the values that registers are reset to.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"
#include "tests/unit/pcie/upstream.h"

#define UNT  PASID_EP_MODE_UNTRANSLATED
#define ATS  PASID_EP_MODE_ATS

static const UpOp rd = { PASID_EP_OP_READ, UNT, UP_VA, 0, 64, 0, 5, 0 };

static Up *mapped(void)
{
    Up *up = up_new();

    up_map(up, UP_VA, 0x100000, 0x100000, 5, 3);
    return up;
}

static unsigned cpl(Up *up)
{
    return (unsigned)PASID_EP_GET(up_ch(up, 0, PASID_EP_CH_STATUS),
                                  PASID_EP_CH_STATUS_CPL);
}

/* --- statistics and results --------------------------------------------- */

/* Of what kind of request which counter counts. */
static void test_dma_counters(void)
{
    static const struct {
        unsigned op;
        unsigned reads, writes, bytes;
    } rows[] = {
        { PASID_EP_OP_READ, 1, 0, 64 },
        { PASID_EP_OP_WRITE, 0, 1, 64 },
        { PASID_EP_OP_COPY, 1, 1, 128 },
        { PASID_EP_OP_ZERO_READ, 1, 0, 0 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Up) up = mapped();
        UpOp op = rd;

        op.op = rows[i].op;
        op.addr2 = UP_VA + 0x1000;
        g_assert_cmpuint(up_do(up, &op), ==, 0);
        g_assert_cmpuint(up_r(up, PASID_EP_STAT_DMA_READS), ==, rows[i].reads);
        g_assert_cmpuint(up_r(up, PASID_EP_STAT_DMA_WRITES), ==,
                         rows[i].writes);
        g_assert_cmpuint(up_r(up, PASID_EP_STAT_DMA_BYTES), ==, rows[i].bytes);
        g_assert_cmpuint(up_r(up, PASID_EP_STAT_DMA_ERRORS), ==, 0);
    }
}

/* UR, CA and poison are errors, of which the last came successfully. */
static void test_dma_errors(void)
{
    g_autoptr(Up) up = mapped();

    up->fail_at = 1;
    up->fail_cpl = IM_CPL_UR;
    g_assert_cmpuint(up_do(up, &rd), ==, PASID_EP_CAUSE_DMA_UR);
    g_assert_cmpuint(cpl(up), ==, PASID_EP_CPL_UR);
    up->fail_at = 2;
    up->fail_cpl = IM_CPL_CA;
    g_assert_cmpuint(up_do(up, &rd), ==, PASID_EP_CAUSE_DMA_CA);
    g_assert_cmpuint(cpl(up), ==, PASID_EP_CPL_CA);
    up_w(up, PASID_EP_INJ_POISON, 1);
    g_assert_cmpuint(up_do(up, &rd), ==, PASID_EP_CAUSE_POISONED);
    g_assert_cmpuint(cpl(up), ==, PASID_EP_CPL_SC);
    g_assert_cmpuint(up_r(up, PASID_EP_STAT_DMA_ERRORS), ==, 3);
    g_assert_cmpuint(up_r(up, PASID_EP_STAT_DMA_BYTES), ==, 0);
}

/* A read of no bytes has none that could be poisoned. */
static void test_zero_read_is_clean(void)
{
    g_autoptr(Up) up = mapped();
    UpOp op = rd;

    op.op = PASID_EP_OP_ZERO_READ;
    up_w(up, PASID_EP_INJ_POISON, 1);
    g_assert_cmpuint(up_do(up, &op), ==, 0);
    g_assert_cmpuint(up_r(up, PASID_EP_INJ_POISON), ==, 1);
}

static void test_parked(void)
{
    g_autoptr(Up) up = mapped();
    UpOp op = rd;

    op.len = 3 * 4096;
    up->park = true;
    up_start(up, 0, &op);
    for (unsigned i = 1; i <= 3; i++) {
        up_run(up);
        g_assert_cmpuint(up_ch(up, 0, PASID_EP_CH_PARKED), ==, i);
        up_unpark(up, true);
    }
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_OK);
    up->park = false;
    g_assert_cmpuint(up_do(up, &op), ==, 0);
    g_assert_cmpuint(up_ch(up, 0, PASID_EP_CH_PARKED), ==, 0);
}

/* Whatever ends is counted and interrupts; what does not run cannot. */
static void test_every_end_interrupts(void)
{
    g_autoptr(Up) up = mapped();
    UpOp op = rd;

    up_ch_w(up, 0, PASID_EP_CH_INTR, PASID_EP_CH_INTR_ENABLE | 2);
    up_ch_w(up, 0, PASID_EP_CH_COMMAND, PASID_EP_CH_CMD_ABORT);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_IDLE);
    g_assert_cmpuint(up_ch(up, 0, PASID_EP_CH_RETURNED), ==, 0);
    g_assert_cmpuint(up_do(up, &op), ==, 0);
    g_assert_cmpuint(up->msi->len, ==, 1);
    up_start(up, 0, &op);
    up_ch_w(up, 0, PASID_EP_CH_COMMAND, PASID_EP_CH_CMD_ABORT);
    g_assert_cmpuint(up->msi->len, ==, 2);
    op.addr += 1 << 30;
    g_assert_cmpuint(up_do(up, &op), ==, PASID_EP_CAUSE_DMA_UR);
    g_assert_cmpuint(up->msi->len, ==, 3);
    g_assert_cmpuint(up_ch(up, 0, PASID_EP_CH_RETURNED), ==, 3);
    g_assert_cmpuint(up_r(up, PASID_EP_STAT_INTERRUPTS), ==, 3);
}

/* COPY with EXEC executes what it reads, not what it writes. */
static void test_copy_executes_its_source(void)
{
    g_autoptr(Up) up = mapped();
    UpOp op = rd;

    op.op = PASID_EP_OP_COPY;
    op.addr2 = UP_VA + 0x1000;
    op.flags = PASID_EP_CH_CTRL_EXEC;
    g_assert_cmpuint(up_do(up, &op), ==, 0);
    g_assert_cmpuint(up->dma->len, ==, 2);
    g_assert_true(g_array_index(up->dma, ImTxn, 0).exec);
    g_assert_false(g_array_index(up->dma, ImTxn, 1).exec);
}

/* --- the log ------------------------------------------------------------ */

/* The n-th record since the log was cleared. */
static uint64_t head(Up *up, unsigned n)
{
    return up_r(up, PASID_EP_LOG + n * PASID_EP_LOG_STRIDE);
}

static unsigned kind(Up *up, unsigned n)
{
    return (unsigned)PASID_EP_GET(head(up, n), PASID_EP_LOG_HEAD_KIND);
}

static unsigned code(Up *up, unsigned n)
{
    return (unsigned)PASID_EP_GET(head(up, n), PASID_EP_LOG_HEAD_CODE);
}

static unsigned flags(Up *up, unsigned n)
{
    return (unsigned)PASID_EP_GET(head(up, n), PASID_EP_LOG_HEAD_FLAGS);
}

static void clear(Up *up)
{
    up_w(up, PASID_EP_COMMAND, PASID_EP_CMD_LOG_CLEAR);
}

/* MISUSE has the number of its bit, RESET its kind. */
static void test_log_codes(void)
{
    g_autoptr(Up) up = mapped();

    clear(up);
    up_w(up, PASID_EP_COMMAND, 99);
    g_assert_cmpuint(kind(up, 0), ==, PASID_EP_LOG_MISUSE);
    g_assert_cmpuint(UINT64_C(1) << code(up, 0), ==,
                     PASID_EP_MISUSE_BAD_COMMAND);
    for (unsigned reset = 0; reset < 4; reset++) {
        im_ep_set_bus_master(up->ep, true);
        clear(up);
        if (reset == 0) {
            im_ep_reset(up->ep);
        } else if (reset == 1) {
            im_ep_flr(up->ep);
        } else if (reset == 2) {
            up_w(up, PASID_EP_COMMAND, PASID_EP_CMD_RESET);
        } else {
            up_enable(up, 32);
            up_w(up, PASID_EP_INJ_RESET, 1);
            up_do(up, &rd);
        }
        g_assert_cmpuint(up_r(up, PASID_EP_LOG_COUNT), ==, 1);
        g_assert_cmpuint(kind(up, 0), ==, PASID_EP_LOG_RESET);
        g_assert_cmpuint(code(up, 0), ==, reset);
    }
}

/* What is without a PASID shows none, and Global counts with one alone. */
static void test_log_without_pasid(void)
{
    const ImAtsInv inv = { .pasid = 9, .global = true, .lg2size = IM_INV_ALL };
    g_autoptr(Up) up = up_new();

    clear(up);
    im_ep_ats_invalidate(up->ep, &inv);
    g_assert_cmpuint(kind(up, 0), ==, PASID_EP_LOG_INVALIDATE);
    g_assert_cmphex(head(up, 0) & PASID_EP_LOG_HEAD_HAS_PASID, ==, 0);
    g_assert_cmphex(up_r(up, PASID_EP_LOG + 16) & UINT32_MAX, ==, 0);
    g_assert_cmpuint(up_r(up, PASID_EP_STAT_INVALIDATIONS_GLOBAL), ==, 0);
    up_invalidate(up, 0, IM_INV_ALL, 9, true, 0);
    g_assert_cmpuint(up_r(up, PASID_EP_STAT_INVALIDATIONS_GLOBAL), ==, 1);
    g_assert_cmpuint(up_r(up, PASID_EP_STAT_INVALIDATIONS_PASID), ==, 1);
}

/* What injection does to a completion and to a response shows in FLAGS. */
static void test_log_injection(void)
{
    static const unsigned done[] = { 1, 0, 4, 2 };  /* INV_DONE in order */
    g_autoptr(Up) up = up_new();

    up_w(up, PASID_EP_INJ_INV_DROP, 1);
    up_w(up, PASID_EP_INJ_INV_DUP, 1);
    up_w(up, PASID_EP_INJ_INV_HOLD, 1);
    up_w(up, PASID_EP_INJ_PRG_HOLD, 1);
    clear(up);
    for (unsigned i = 0; i < 3; i++) {
        up_invalidate(up, 0, IM_INV_ALL, 5, false, 0);
    }
    for (unsigned n = 0, i = 0; n < 7; n++) {
        if (kind(up, n) == PASID_EP_LOG_INV_DONE) {
            g_assert_cmpuint(i, <, G_N_ELEMENTS(done));
            g_assert_cmpuint(flags(up, n), ==, done[i++]);
        }
    }
    g_assert_cmpuint(up_r(up, PASID_EP_STAT_INV_COMPLETIONS), ==, 2);
    clear(up);
    up_respond(up, 9, 0, false, 0);
    g_assert_cmpuint(kind(up, 0), ==, PASID_EP_LOG_RESPONSE);
    g_assert_cmpuint(flags(up, 0), ==, 2);          /* held */
    up_w(up, PASID_EP_COMMAND, PASID_EP_CMD_RELEASE);
    g_assert_cmpuint(kind(up, 1), ==, PASID_EP_LOG_INV_DONE);
    g_assert_cmpuint(flags(up, 1), ==, 0);          /* let go */
    g_assert_cmpuint(kind(up, 2), ==, PASID_EP_LOG_RESPONSE);
    g_assert_cmpuint(flags(up, 2), ==, 1);          /* unexpected */
    g_assert_cmpuint(up_r(up, PASID_EP_STAT_RESPONSES_UNEXPECTED), ==, 1);
}

/* Writes of the capabilities with LOG_CFG alone. */
static void test_log_config(void)
{
    g_autoptr(Up) up = up_new();
    unsigned at = up_cap(up, 0x1b) + 6;

    clear(up);
    im_ep_cfg_write(up->ep, at, 7, 2);
    g_assert_cmpuint(up_r(up, PASID_EP_LOG_COUNT), ==, 0);
    up_w(up, PASID_EP_CONTROL, PASID_EP_CONTROL_LOG | PASID_EP_CONTROL_LOG_CFG);
    im_ep_cfg_write(up->ep, at, 7, 2);
    g_assert_cmpuint(up_r(up, PASID_EP_LOG_COUNT), ==, 1);
    g_assert_cmpuint(kind(up, 0), ==, PASID_EP_LOG_CONFIG);
    g_assert_cmpuint(code(up, 0), ==, 2);
    g_assert_cmphex(up_r(up, PASID_EP_LOG + 8), ==, at);
    g_assert_cmphex(up_r(up, PASID_EP_LOG + 16), ==, UINT64_C(7) << 32);
}

/* --- raw requests ------------------------------------------------------- */

static void page_request(Up *up, uint64_t ctrl)
{
    up_w(up, PASID_EP_PR_PASID, 5);
    up_w(up, PASID_EP_PR_CTRL,
         ctrl | PASID_EP_PR_CTRL_READ | PASID_EP_PR_CTRL_LAST |
             PASID_EP_PR_CTRL_PASID);
    up_w(up, PASID_EP_PR_GO, 1);
}

/* A response is shown as it came, a Failure too, which is an event. */
static void test_raw_response(void)
{
    g_autoptr(Up) up = up_new();

    page_request(up, 0);
    up_respond(up, 0, IM_PAGE_RESP_INVALID, true, 5);
    g_assert_cmphex(up_r(up, PASID_EP_PR_RESP), ==,
                    IM_PAGE_RESP_INVALID | PASID_EP_PR_RESP_VALID |
                        PASID_EP_PR_RESP_HAS_PASID | 5ull << 32);
    g_assert_cmphex(up_r(up, PASID_EP_EVENT), ==, PASID_EP_EVENT_RESPONSE);
    up_w(up, PASID_EP_EVENT, UINT64_MAX);
    page_request(up, 0);
    up_respond(up, 0, IM_PAGE_RESP_FAILURE, false, 0);
    g_assert_cmphex(up_r(up, PASID_EP_PR_RESP), ==,
                    IM_PAGE_RESP_FAILURE | PASID_EP_PR_RESP_VALID);
    g_assert_cmpuint(up_r(up, PASID_EP_PR_RESP_COUNT), ==, 2);
    g_assert_cmphex(up_r(up, PASID_EP_EVENT), ==,
                    PASID_EP_EVENT_RESPONSE | PASID_EP_EVENT_RF);
}

/* SENT counts what was sent, and keeps it when one is refused. */
static void test_raw_sent(void)
{
    g_autoptr(Up) up = up_new();

    page_request(up, 0);
    page_request(up, 0);                            /* index in use */
    g_assert_cmpuint(PASID_EP_GET(up_r(up, PASID_EP_PR_STATUS),
                                  PASID_EP_PR_STATUS_STATE),
                     ==, PASID_EP_RAW_REFUSED);
    g_assert_cmpuint(PASID_EP_GET(up_r(up, PASID_EP_PR_STATUS),
                                  PASID_EP_PR_STATUS_SENT),
                     ==, 1);
    page_request(up, PASID_EP_PUT(PASID_EP_PR_CTRL_PRGI, 1ull));
    g_assert_cmpuint(PASID_EP_GET(up_r(up, PASID_EP_PR_STATUS),
                                  PASID_EP_PR_STATUS_SENT),
                     ==, 2);
}

static void invalidated(Up *up)
{
    up->in_ats = NULL;
    up_invalidate(up, UP_VA, 12, 5, false, 0);
}

/* An answer that an invalidation overtook is shown, and not kept. */
static void test_raw_overtaken(void)
{
    g_autoptr(Up) up = mapped();

    up->in_ats = invalidated;
    up_w(up, PASID_EP_ATS_ADDR, UP_VA);
    up_w(up, PASID_EP_ATS_PASID, 5);
    up_w(up, PASID_EP_ATS_CTRL,
         PASID_EP_ATS_CTRL_PASID | PASID_EP_ATS_CTRL_CACHE);
    up_w(up, PASID_EP_ATS_GO, 1);
    g_assert_cmphex(up_r(up, PASID_EP_ATS_RESULT), ==, 0x100000);
    g_assert_cmpuint(up_r(up, PASID_EP_ATC_USED), ==, 0);
    up_w(up, PASID_EP_ATS_GO, 1);
    g_assert_cmpuint(up_r(up, PASID_EP_ATC_USED), ==, 1);
}

/* --- registers ---------------------------------------------------------- */

/* An entry that was fetched without a PASID shows none, whatever the
 * channel's register holds. */
static void test_atc_info(void)
{
    g_autoptr(Up) up = up_new();
    UpOp op = rd;

    up_map(up, UP_VA, 0x100000, 4096, UP_NO_PASID, 3);
    op.pasid = UP_NO_PASID;
    op.mode = ATS;
    up_ch_w(up, 0, PASID_EP_CH_PASID, 9);
    g_assert_cmpuint(up_do(up, &op), ==, 0);
    g_assert_cmphex(up_r(up, PASID_EP_ATC_INFO), ==,
                    PASID_EP_ATC_INFO_VALID | PASID_EP_ATC_INFO_R |
                        PASID_EP_ATC_INFO_W | 12 << 16);
}

static void test_reset_values(void)
{
    ImEpConfig cfg = IM_EP_CONFIG_DEFAULT;

    cfg.page_timeout_ns = 12345;
    g_autoptr(Up) up = up_new_with(&cfg);
    for (unsigned i = 0; i < cfg.channels; i++) {
        g_assert_cmpuint(up_ch(up, i, PASID_EP_CH_RETRIES), ==, 8);
        g_assert_cmpuint(up_ch(up, i, PASID_EP_CH_GROUP), ==, 8);
        g_assert_cmpuint(up_ch(up, i, PASID_EP_CH_INTR), ==, i + 1);
        g_assert_cmpuint(up_ch(up, i, PASID_EP_CH_SPLIT), ==, 0);
    }
    g_assert_cmphex(up_r(up, PASID_EP_CONTROL), ==, PASID_EP_CONTROL_LOG);
    g_assert_cmpuint(up_r(up, PASID_EP_PAGE_TIMEOUT), ==, 12345);
    g_assert_cmphex(up_r(up, PASID_EP_REVISION), ==, 0x10002);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(EP_OPERATION, "counted", test_dma_counters);
    spec_test(EP_OPERATION, "errors-counted", test_dma_errors);
    spec_test(EP_OPERATION, "copy-executes-its-source",
              test_copy_executes_its_source);
    spec_test(EP_INJECT, "no-bytes-no-poison", test_zero_read_is_clean);
    spec_test(EP_CHANNEL, "parked", test_parked);
    spec_test(EP_CHANNEL, "every-end-interrupts", test_every_end_interrupts);
    spec_test(EP_LOG, "codes", test_log_codes);
    spec_test(EP_LOG, "without-pasid", test_log_without_pasid);
    spec_test(EP_LOG, "injection", test_log_injection);
    spec_test(EP_LOG, "config", test_log_config);
    spec_test(EP_RAW_PRI, "response", test_raw_response);
    spec_test(EP_RAW_PRI, "sent", test_raw_sent);
    spec_test(EP_RAW_ATS, "overtaken", test_raw_overtaken);
    spec_test(EP_COMMAND, "atc-info-without-pasid", test_atc_info);
    spec_test(EP_RESET, "reset-values", test_reset_values);
    return g_test_run();
}
