/*
 * Channels: what START and STOP change and leave, which programs there are,
 * what each page may cost; and misuse as software hears of it.
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

/* --- START -------------------------------------------------------------- */

/* No result of the operation before is seen. */
static void test_start_clears(void)
{
    g_autoptr(Up) up = mapped();
    UpOp op = rd;

    op.mode = ATS;
    up->ats_ca = true;
    g_assert_cmpuint(up_do(up, &op), ==, PASID_EP_CAUSE_ATS_CA);
    g_assert_cmpuint(PASID_EP_GET(up_ch(up, 0, PASID_EP_CH_STATUS),
                                  PASID_EP_CH_STATUS_CPL),
                     ==, PASID_EP_CPL_CA);
    g_assert_cmphex(up_ch(up, 0, PASID_EP_CH_BADADDR), ==, UP_VA);
    up->ats_ca = false;
    g_assert_cmpuint(up_do(up, &op), ==, 0);
    g_assert_cmphex(up_ch(up, 0, PASID_EP_CH_STATUS), ==, PASID_EP_STATE_OK);
    g_assert_cmphex(up_ch(up, 0, PASID_EP_CH_BADADDR), ==, 0);
    g_assert_cmpuint(up_ch(up, 0, PASID_EP_CH_REQUESTS), ==, 1);
}

/* --- STOP --------------------------------------------------------------- */

/* Channels and entries of the PASID, and nobody else's. */
static void test_stop_is_of_a_pasid(void)
{
    g_autoptr(Up) up = mapped();
    UpOp op = rd, other = rd, none = rd;

    up_map(up, UP_VA, 0x100000, 4096, 6, 3);
    up_map(up, UP_VA, 0x100000, 4096, UP_NO_PASID, 3);
    op.mode = other.mode = none.mode = ATS;
    other.pasid = 6;
    none.pasid = UP_NO_PASID;
    g_assert_cmpuint(up_do(up, &op), ==, 0);
    g_assert_cmpuint(up_do(up, &other), ==, 0);
    g_assert_cmpuint(up_do(up, &none), ==, 0);
    g_assert_cmpuint(up_r(up, PASID_EP_ATC_USED), ==, 3);
    up->park = true;
    up_start(up, 0, &op);
    up_start(up, 1, &other);
    up_start(up, 2, &none);
    up_run(up);
    up_w(up, PASID_EP_ARG, 5);
    up_w(up, PASID_EP_COMMAND, PASID_EP_CMD_STOP_PASID);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_ABORTED);
    g_assert_cmpuint(up_state(up, 1), ==, PASID_EP_STATE_WAIT_DMA);
    g_assert_cmpuint(up_state(up, 2), ==, PASID_EP_STATE_WAIT_DMA);
    g_assert_cmpuint(up_r(up, PASID_EP_ATC_USED), ==, 2);
}

/* --- programs ----------------------------------------------------------- */

/* The last byte of the address space is one like others. */
static void test_last_byte(void)
{
    g_autoptr(Up) up = up_new();
    UpOp op = rd;

    up_map(up, UINT64_MAX - 4095, 0x100000, 4096, 5, 3);
    op.addr = UINT64_MAX - 63;
    g_assert_cmpuint(up_do(up, &op), ==, 0);
    op.len = 65;
    g_assert_cmpuint(up_do(up, &op), ==, PASID_EP_CAUSE_BAD_PROGRAM);
}

/* What writes does not execute: none of them. */
static void test_exec_writes(void)
{
    static const unsigned ops[] = {
        PASID_EP_OP_WRITE,
        PASID_EP_OP_STORE,
        PASID_EP_OP_FILL,
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(ops); i++) {
        g_autoptr(Up) up = mapped();
        UpOp op = rd;

        op.op = ops[i];
        g_assert_cmpuint(up_do(up, &op), ==, 0);
        op.flags = PASID_EP_CH_CTRL_EXEC;
        g_assert_cmpuint(up_do(up, &op), ==, PASID_EP_CAUSE_BAD_PROGRAM);
    }
}

/* Raw requests with an AT that is of ATS need ATS Enable. */
static void test_raw_needs_ats(void)
{
    for (uint64_t at = 0; at < 4; at++) {
        g_autoptr(Up) up = mapped();
        bool refused = at == IM_AT_TRANSLATION || at == IM_AT_TRANSLATED;
        UpOp op = rd;

        op.mode = PASID_EP_MODE_RAW;
        op.flags = PASID_EP_PUT(PASID_EP_CH_CTRL_AT, at);
        im_ep_cfg_write(up->ep, up_cap(up, 0xf) + 6, 0, 2);
        g_assert_cmpuint(up_do(up, &op) == PASID_EP_CAUSE_ATS_OFF, ==, refused);
        g_assert_cmpuint(up->dma->len + up->ats->len, ==, !refused);
        g_assert_cmphex(up_misuse(up), ==,
                        refused ? PASID_EP_MISUSE_ATS_REFUSED : 0);
    }
}

/* --- pages -------------------------------------------------------------- */

/* CH_RETRIES is what one page may cost, not all of them. */
static void test_retries_of_each_page(void)
{
    g_autoptr(Up) up = up_new();
    UpOp op = rd;

    up->serve_va = UP_VA;
    up->serve_size = 4 * 4096;
    up->serve_perm = 3;
    op.mode = PASID_EP_MODE_AUTO;
    op.len = 4 * 4096;
    up_ch_w(up, 0, PASID_EP_CH_GROUP, 1);
    up_ch_w(up, 0, PASID_EP_CH_RETRIES, 1);
    g_assert_cmpuint(up_do(up, &op), ==, 0);
    g_assert_cmpuint(up->asked->len, ==, 4);
    g_assert_cmpuint(up_ch(up, 0, PASID_EP_CH_PAGE_REQUESTS), ==, 4);
}

static void test_no_cache(void)
{
    g_autoptr(Up) up = mapped();
    UpOp op = rd;

    op.mode = ATS;
    op.flags = PASID_EP_CH_CTRL_NO_CACHE;
    for (unsigned i = 1; i < 4; i++) {
        g_assert_cmpuint(up_do(up, &op), ==, 0);
        g_assert_cmpuint(up->ats->len, ==, i);
        g_assert_cmpuint(up_r(up, PASID_EP_ATC_USED), ==, 0);
    }
}

/* --- misuse ------------------------------------------------------------- */

/* Each bit that becomes set is an occurrence; one that is set is none. */
static void test_misuse_event(void)
{
    g_autoptr(Up) up = up_new();

    up_w(up, PASID_EP_EVENT_ENABLE, PASID_EP_EVENT_MISUSE);
    up_w(up, PASID_EP_EVENT_VECTOR, 3);
    up_w(up, PASID_EP_COMMAND, 99);
    g_assert_cmphex(up_r(up, PASID_EP_EVENT), ==, PASID_EP_EVENT_MISUSE);
    g_assert_cmpuint(up->msi->len, ==, 1);
    g_assert_cmpuint(g_array_index(up->msi, unsigned, 0), ==, 3);
    up_w(up, PASID_EP_EVENT, PASID_EP_EVENT_MISUSE);
    up_w(up, PASID_EP_COMMAND, 99);             /* is set already */
    g_assert_cmphex(up_r(up, PASID_EP_EVENT), ==, 0);
    up_r(up, 0xff8);
    g_assert_cmphex(up_r(up, PASID_EP_EVENT), ==, PASID_EP_EVENT_MISUSE);
    g_assert_cmpuint(up->msi->len, ==, 2);
}

/* The last bit of MISUSE is cleared like the first. */
static void test_misuse_last_bit(void)
{
    g_autoptr(Up) up = up_new();

    up_respond(up, 9, 7, true, 5);              /* a reserved code */
    g_assert_cmphex(up_misuse(up), ==, PASID_EP_MISUSE_RESP_CODE);
    up_w(up, PASID_EP_MISUSE, PASID_EP_MISUSE_RESP_CODE);
    g_assert_cmphex(up_misuse(up), ==, 0);
}

/* VECTOR holds all that MSI-X has; what the function has not is not sent. */
static void test_event_vector(void)
{
    g_autoptr(Up) up = up_new();

    up_w(up, PASID_EP_EVENT_VECTOR, UINT64_MAX);
    g_assert_cmphex(up_r(up, PASID_EP_EVENT_VECTOR), ==, 0x7ff);
    up_w(up, PASID_EP_EVENT_ENABLE, UINT64_MAX);
    g_assert_cmphex(up_r(up, PASID_EP_EVENT_ENABLE), ==, 0x1f);
    up_w(up, PASID_EP_COMMAND, 99);
    g_assert_cmpuint(up->msi->len, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(EP_CHANNEL, "start-clears", test_start_clears);
    spec_test(EP_CHANNEL, "stop-is-of-a-pasid", test_stop_is_of_a_pasid);
    spec_test(EP_OPERATION, "last-byte", test_last_byte);
    spec_test(EP_OPERATION, "exec-and-write", test_exec_writes);
    spec_test(EP_REFUSAL, "raw-needs-ats", test_raw_needs_ats);
    spec_test(EP_MODE, "retries-of-each-page", test_retries_of_each_page);
    spec_test(EP_MODE, "no-cache", test_no_cache);
    spec_test(EP_MISUSE, "is-an-event", test_misuse_event);
    spec_test(EP_MISUSE, "last-bit", test_misuse_last_bit);
    spec_test(EP_EVENT, "vector", test_event_vector);
    return g_test_run();
}
