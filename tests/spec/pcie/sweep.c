/*
 * docs/specs/pasid-endpoint.rst: operation SWEEP and mode PLAIN.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"
#include "tests/unit/pcie/upstream.h"

#define UNT PASID_EP_MODE_UNTRANSLATED

static Up *mapped(void)
{
    Up *up = up_new();

    up_map(up, UP_VA, 0x100000, 0x100000, 5, 3);
    return up;
}

#define SWEEP PASID_EP_OP_SWEEP
#define RANDOM PASID_EP_CH_CTRL_RANDOM

static void sweep(Up *up, const UpOp *op, uint64_t count, uint64_t stride,
                  uint64_t split)
{
    g_array_set_size(up->dma, 0);
    up_ch_w(up, 0, PASID_EP_CH_COUNT, count);
    up_ch_w(up, 0, PASID_EP_CH_STRIDE, stride);
    up_ch_w(up, 0, PASID_EP_CH_SPLIT, split);
    g_assert_cmpuint(up_do(up, op), ==, 0);
    g_assert_cmpuint(up->dma->len, ==, count);
    g_assert_cmpuint(up_ch(up, 0, PASID_EP_CH_DONE), ==,
                     count * (split ? split : 64));
    g_assert_cmpuint(up_ch(up, 0, PASID_EP_CH_REQUESTS), ==, count);
    g_assert_cmpuint(up_ch(up, 0, PASID_EP_CH_CRC), ==, 0);
}

static void test_sweep_order(void)
{
    g_autoptr(Up) up = mapped();
    UpOp op = { SWEEP, UNT, UP_VA + 64, 0, 0x3fff, 7, 5, 0 };
    uint64_t x = 7;

    sweep(up, &op, 10, 0x1000, 0);          /* three places */
    for (unsigned i = 0; i < 10; i++) {
        const ImTxn *t = &g_array_index(up->dma, ImTxn, i);

        g_assert_cmphex(t->addr, ==, UP_VA + 64 + i % 3 * 0x1000);
        g_assert_cmpuint(t->len, ==, 64);
        g_assert_cmpuint(t->access, ==, IM_READ);
    }
    op.flags = RANDOM;
    sweep(up, &op, 5000, 0x1000, 16);       /* more than one slice */
    for (unsigned i = 0; i < 5000; i++) {
        const ImTxn *t = &g_array_index(up->dma, ImTxn, i);

        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        g_assert_cmphex(t->addr, ==,
                        UP_VA + 64 + ((x >> 32) * 3 >> 32) * 0x1000);
        g_assert_cmpuint(t->len, ==, 16);
    }
    sweep(up, &op, 0, 0x1000, 0);
}

/* A page that is missing at the next place is asked for, then read. */
static void test_sweep_modes(void)
{
    g_autoptr(Up) up = mapped();
    UpOp op = { SWEEP, PASID_EP_MODE_AUTO, UP_VA, 0, 0x4000, 0, 5, 0 };

    up_unmap(up, UP_VA, 5);
    up->serve_perm = IM_PERM_R;
    up->serve_va = UP_VA;
    up->serve_size = 0x4000;
    up_ch_w(up, 0, PASID_EP_CH_COUNT, 8);
    up_ch_w(up, 0, PASID_EP_CH_STRIDE, 0x1000);
    up_start(up, 0, &op);
    up_pump(up);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_OK);
    g_assert_cmpuint(up->asked->len, ==, 4);
    g_assert_cmpuint(up->dma->len, ==, 8);
    up_w(up, PASID_EP_INJ_POISON, 1);
    g_assert_cmpuint(up_do(up, &op), ==, PASID_EP_CAUSE_POISONED);
    up_w(up, PASID_EP_INJ_RESET, 3);
    up_start(up, 0, &op);
    up_run(up);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_IDLE);
}

/* It ends when it is told to, and others get their turn meanwhile. */
static void test_sweep_abort(void)
{
    g_autoptr(Up) up = mapped();
    UpOp rd = { PASID_EP_OP_READ, UNT, UP_VA, 0, 64, 0, 5, 0 };
    UpOp op = { SWEEP, UNT, UP_VA, 0, 0x1000, 0, 5, 0 };

    up_ch_w(up, 0, PASID_EP_CH_COUNT, UINT32_MAX);
    up_ch_w(up, 0, PASID_EP_CH_STRIDE, 64);
    up_start(up, 0, &op);
    up_start(up, 1, &rd);
    for (unsigned i = 0; i < 4; i++) {
        g_array_set_size(up->dma, 0);
        g_assert_true(im_ep_run(up->ep));
        g_assert_cmpuint(up->dma->len, <, 5000);
    }
    g_assert_cmpuint(up_state(up, 1), ==, PASID_EP_STATE_OK);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_RUNNING);
    up_ch_w(up, 0, PASID_EP_CH_COMMAND, PASID_EP_CH_CMD_ABORT);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_ABORTED);
    up_run(up);
}

typedef struct SweepBad {
    const char *name;
    uint64_t addr;
    uint64_t len;
    uint64_t stride;
    uint64_t split;
} SweepBad;

static const SweepBad sweep_bad[] = {
    { "no-stride", 0, 4096, 0, 0 },
    { "no-place", 0, 4095, 4096, 0 },
    { "too-many-places", 0, UINT64_C(1) << 32, 1, 1 },
    { "stride-odd", 0, 4096, 96, 64 },
    { "address-odd", 32, 4096, 64, 64 },
    { "split-odd", 0, 4096, 96, 3 },
    { "wrap", UINT64_MAX - 63, 128, 64, 64 },
};

static void test_sweep_bad(const void *data)
{
    const SweepBad *b = data;
    g_autoptr(Up) up = mapped();
    UpOp op = { SWEEP, UNT, b->addr, 0, b->len, 0, -1, 0 };

    /* one more than 2^32 places */
    op.len += b->len >> 32;
    up_ch_w(up, 0, PASID_EP_CH_COUNT, 1);
    up_ch_w(up, 0, PASID_EP_CH_STRIDE, b->stride);
    up_ch_w(up, 0, PASID_EP_CH_SPLIT, b->split);
    g_assert_cmpuint(up_do(up, &op), ==, PASID_EP_CAUSE_BAD_PROGRAM);
    g_assert_cmpuint(up->dma->len, ==, 0);
}

static void test_plain(void)
{
    g_autoptr(Up) up = up_new();
    UpOp wr = {
        PASID_EP_OP_WRITE, PASID_EP_MODE_PLAIN, 0x1f00, 0, 9000, 3, -1, 0
    };
    UpOp cmp = {
        PASID_EP_OP_COMPARE, PASID_EP_MODE_PLAIN, 0x1f00, 0, 9000, 3, -1, 0
    };
    UpOp copy = {
        PASID_EP_OP_COPY, PASID_EP_MODE_PLAIN, 0x1f00, 0x8000, 9000, 3, -1, 0
    };

    up_map(up, 0, 0x100000, 0x10000, UP_NO_PASID, 3);
    up->park = true;                        /* such requests cannot be */
    g_assert_cmpuint(up_do(up, &wr), ==, 0);
    g_assert_cmpuint(up_do(up, &cmp), ==, 0);
    g_assert_cmpuint(up_do(up, &copy), ==, 0);
    cmp.addr = 0x8000;
    g_assert_cmpuint(up_do(up, &cmp), ==, 0);
    g_assert_cmpuint(up->plain, ==, up->dma->len);
    g_assert_cmpuint(up->ats->len, ==, 0);
    wr.addr = 0x100000;
    g_assert_cmpuint(up_do(up, &wr), ==, PASID_EP_CAUSE_DMA_UR);
    g_assert_cmphex(up_ch(up, 0, PASID_EP_CH_BADADDR), ==, 0x100000);
}

typedef struct PlainBad {
    const char *name;
    UpOp op;
} PlainBad;

static const PlainBad plain_bad[] = {
    { "pasid", { 2, PASID_EP_MODE_PLAIN, 0, 0, 1, 0, 5, 0 } },
    { "priv",
      { 2, PASID_EP_MODE_PLAIN, 0, 0, 1, 0, -1, PASID_EP_CH_CTRL_PRIV } },
    { "exec",
      { 2, PASID_EP_MODE_PLAIN, 0, 0, 1, 0, -1, PASID_EP_CH_CTRL_EXEC } },
    { "rid",
      { 2, PASID_EP_MODE_PLAIN, 0, 0, 1, 0, -1, PASID_EP_CH_CTRL_RID_VALID } },
    { "zero-read", { 9, PASID_EP_MODE_PLAIN, 0, 0, 1, 0, -1, 0 } },
};

static void test_plain_bad(const void *data)
{
    const PlainBad *b = data;
    g_autoptr(Up) up = mapped();

    g_assert_cmpuint(up_do(up, &b->op), ==, PASID_EP_CAUSE_BAD_PROGRAM);
    g_assert_cmpuint(up->dma->len, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(EP_SWEEP, "in-order-and-at-random", test_sweep_order);
    spec_test(EP_SWEEP, "pages-and-injection", test_sweep_modes);
    spec_test(EP_SWEEP, "slices-and-abort", test_sweep_abort);
    for (unsigned i = 0; i < G_N_ELEMENTS(sweep_bad); i++) {
        g_autofree char *path = g_strdup_printf("bad-%s", sweep_bad[i].name);
        spec_row(EP_SWEEP, path, test_sweep_bad, &sweep_bad[i]);
    }
    spec_test(EP_PLAIN, "every-operation", test_plain);
    for (unsigned i = 0; i < G_N_ELEMENTS(plain_bad); i++) {
        g_autofree char *path = g_strdup_printf("bad-%s", plain_bad[i].name);
        spec_row(EP_PLAIN, path, test_plain_bad, &plain_bad[i]);
    }
    return g_test_run();
}
