/*
 * docs/specs/pasid-endpoint.rst, section by section.
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

/* An independent CRC-32, bit by bit. */
static uint32_t crc32_of(const uint8_t *p, size_t n)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int b = 0; b < 8; b++) {
            crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1u)));
        }
    }
    return ~crc;
}

static void test_access(void)
{
    g_autoptr(Up) up = up_new();
    static const unsigned sizes[] = { 0, 1, 2, 3, 5, 16 };

    g_assert_cmphex(up_r(up, PASID_EP_MAGIC), ==, PASID_EP_MAGIC_VALUE);
    g_assert_cmphex(im_ep_mmio_read(up->ep, PASID_EP_MAGIC, 4), ==, 0x49534150);
    up_w(up, PASID_EP_SCRATCH, UINT64_C(0x1122334455667788));
    im_ep_mmio_write(up->ep, PASID_EP_SCRATCH + 4, 0xaabbccdd, 4);
    g_assert_cmphex(up_r(up, PASID_EP_SCRATCH), ==,
                    UINT64_C(0xaabbccdd55667788));
    g_assert_cmphex(im_ep_mmio_read(up->ep, PASID_EP_SCRATCH + 4, 4), ==,
                    0xaabbccdd);
    g_assert_cmphex(up_misuse(up), ==, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        up_w(up, PASID_EP_MISUSE, UINT64_MAX);
        im_ep_mmio_write(up->ep, PASID_EP_SCRATCH, 0, sizes[i]);
        g_assert_cmphex(up_misuse(up), ==, PASID_EP_MISUSE_BAD_ACCESS);
        up_w(up, PASID_EP_MISUSE, UINT64_MAX);
        g_assert_cmphex(im_ep_mmio_read(up->ep, PASID_EP_SCRATCH, sizes[i]), ==,
                        0);
        g_assert_cmphex(up_misuse(up), ==, PASID_EP_MISUSE_BAD_ACCESS);
    }
    im_ep_mmio_write(up->ep, PASID_EP_SCRATCH + 4, 0, 8);
    g_assert_cmphex(up_r(up, PASID_EP_SCRATCH), ==,
                    UINT64_C(0xaabbccdd55667788));
    up_w(up, PASID_EP_MISUSE, UINT64_MAX);
    up_w(up, PASID_EP_CH(8, 0), 1);
    g_assert_cmphex(up_misuse(up), ==, PASID_EP_MISUSE_BAD_OFFSET);
    up_w(up, PASID_EP_MISUSE, UINT64_MAX);
    g_assert_cmphex(up_r(up, UINT64_MAX & ~7ull), ==, 0);
    g_assert_cmphex(up_misuse(up), ==, PASID_EP_MISUSE_BAD_OFFSET);
    up_w(up, PASID_EP_MAGIC, 0);
    g_assert_cmphex(up_r(up, PASID_EP_MAGIC), ==, PASID_EP_MAGIC_VALUE);
}

/* Writing the high half of a command is not a command. */
static void test_command(void)
{
    g_autoptr(Up) up = mapped();

    g_assert_cmpuint(up_do(up, &rd), ==, 0);
    im_ep_mmio_write(up->ep, PASID_EP_CH(0, PASID_EP_CH_COMMAND) + 4, 1, 4);
    g_assert_cmpuint(up_ch(up, 0, PASID_EP_CH_LAUNCHED), ==, 1);
    g_assert_cmphex(up_misuse(up), ==, 0);
    im_ep_mmio_write(up->ep, PASID_EP_CH(0, PASID_EP_CH_COMMAND), 1, 4);
    up_run(up);
    g_assert_cmpuint(up_ch(up, 0, PASID_EP_CH_LAUNCHED), ==, 2);
    g_assert_cmpuint(up_r(up, PASID_EP_STAT_DMA_READS), ==, 2);
    up_w(up, PASID_EP_COMMAND, PASID_EP_CMD_STATS_CLEAR);
    g_assert_cmpuint(up_r(up, PASID_EP_STAT_DMA_READS), ==, 0);
    up_w(up, PASID_EP_COMMAND, PASID_EP_CMD_LOG_CLEAR);
    g_assert_cmpuint(up_r(up, PASID_EP_LOG_COUNT), ==, 0);
    up_w(up, PASID_EP_ARG, 3);
    up_w(up, PASID_EP_COMMAND, PASID_EP_CMD_INTERRUPT);
    g_assert_cmpuint(up->msi->len, ==, 1);
    g_assert_cmpuint(g_array_index(up->msi, unsigned, 0), ==, 3);
    up_w(up, PASID_EP_ARG, 9);                      /* no such vector */
    up_w(up, PASID_EP_COMMAND, PASID_EP_CMD_INTERRUPT);
    g_assert_cmpuint(up->msi->len, ==, 1);
    up->park = true;
    up_start(up, 0, &rd);
    up_start(up, 1, &rd);
    up_run(up);
    up_w(up, PASID_EP_COMMAND, PASID_EP_CMD_ABORT_ALL);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_ABORTED);
    g_assert_cmpuint(up_state(up, 1), ==, PASID_EP_STATE_ABORTED);
    up_w(up, PASID_EP_COMMAND, 99);
    g_assert_cmphex(up_misuse(up), ==, PASID_EP_MISUSE_BAD_COMMAND);
}

static void test_misuse(void)
{
    g_autoptr(Up) up = up_new();

    im_ep_cfg_write(up->ep, up_cap(up, 0x1b) + 6, 1, 2);
    g_assert_cmphex(up_misuse(up), ==, PASID_EP_MISUSE_PASID_CHANGE);
    g_assert_cmphex(im_ep_cfg_read(up->ep, up_cap(up, 0x1b) + 6, 2), ==, 1);
    im_ep_cfg_write(up->ep, up_cap(up, 0x1b) + 6, 1, 2);
    up_w(up, PASID_EP_MISUSE, 0);
    g_assert_cmphex(up_misuse(up), ==, PASID_EP_MISUSE_PASID_CHANGE);
    up_w(up, PASID_EP_MISUSE, PASID_EP_MISUSE_PASID_CHANGE);
    g_assert_cmphex(up_misuse(up), ==, 0);
    im_ep_cfg_write(up->ep, up_cap(up, 0x1b) + 6, 1, 2);  /* no change */
    g_assert_cmphex(up_misuse(up), ==, 0);
}

static void test_event(void)
{
    g_autoptr(Up) up = up_new();

    up_invalidate(up, 0, IM_INV_ALL, 5, false, 0);
    g_assert_cmphex(up_r(up, PASID_EP_EVENT), ==, PASID_EP_EVENT_INVALIDATION);
    g_assert_cmpuint(up->msi->len, ==, 0);
    up_w(up, PASID_EP_EVENT_ENABLE, PASID_EP_EVENT_INVALIDATION);
    up_w(up, PASID_EP_EVENT_VECTOR, 2);
    up_invalidate(up, 0, IM_INV_ALL, 5, false, 0);
    g_assert_cmpuint(up->msi->len, ==, 0);          /* was set already */
    up_w(up, PASID_EP_EVENT, UINT64_MAX);
    up_invalidate(up, 0, IM_INV_ALL, 5, false, 0);
    up_invalidate(up, 0, IM_INV_ALL, 5, false, 0);
    g_assert_cmpuint(up->msi->len, ==, 1);
    g_assert_cmpuint(g_array_index(up->msi, unsigned, 0), ==, 2);
}

static void test_log(void)
{
    g_autoptr(Up) up = up_new();

    up->now = 77;
    up_w(up, PASID_EP_COMMAND, PASID_EP_CMD_LOG_CLEAR);
    for (unsigned i = 0; i < 100; i++) {            /* two records each */
        up_invalidate(up, UP_VA + i * 4096u, 13, i, false, 7);
    }
    g_assert_cmpuint(up_r(up, PASID_EP_LOG_COUNT), ==, 200);
    for (unsigned n = 200 - 128; n < 200; n += 2) {
        uint64_t at = PASID_EP_LOG + n % 128 * 32;
        uint64_t head = up_r(up, at);

        g_assert_cmpuint(PASID_EP_GET(head, PASID_EP_LOG_HEAD_KIND), ==,
                         PASID_EP_LOG_INVALIDATE);
        g_assert_cmpuint(PASID_EP_GET(head, PASID_EP_LOG_HEAD_CODE), ==, 13);
        g_assert_cmpuint(PASID_EP_GET(head, PASID_EP_LOG_HEAD_SEQ), ==, n);
        g_assert_cmphex(up_r(up, at + 8), ==, UP_VA + n / 2 * 4096);
        g_assert_cmphex(up_r(up, at + 16), ==, n / 2 | 7ull << 32);
        g_assert_cmpuint(up_r(up, at + 24), ==, 77);
    }
    up_w(up, PASID_EP_CONTROL, 0);
    up_invalidate(up, 0, 12, 5, false, 7);
    g_assert_cmpuint(up_r(up, PASID_EP_LOG_COUNT), ==, 200);
}

static void test_channel(void)
{
    g_autoptr(Up) up = mapped();
    UpOp op = rd;

    up_ch_w(up, 2, PASID_EP_CH_INTR, PASID_EP_CH_INTR_ENABLE | 4);
    up->park = true;
    up_start(up, 2, &op);
    up_run(up);
    g_assert_cmpuint(up_state(up, 2), ==, PASID_EP_STATE_WAIT_DMA);
    g_assert_cmphex(up_r(up, PASID_EP_STATUS) & PASID_EP_STATUS_BUSY, !=, 0);
    up_ch_w(up, 2, PASID_EP_CH_LEN, 1);             /* while it runs */
    up_ch_w(up, 2, PASID_EP_CH_COMMAND, PASID_EP_CH_CMD_START);
    g_assert_cmpuint(up_ch(up, 2, PASID_EP_CH_LEN), ==, 64);
    g_assert_cmpuint(up_ch(up, 2, PASID_EP_CH_LAUNCHED), ==, 1);
    g_assert_cmphex(
        up_ch(up, 2, PASID_EP_CH_STATUS) & PASID_EP_CH_STATUS_IGNORED, !=, 0);
    g_assert_cmphex(up_misuse(up), ==, PASID_EP_MISUSE_CH_RUNNING);
    up_unpark(up, true);
    g_assert_cmpuint(up_state(up, 2), ==, PASID_EP_STATE_OK);
    g_assert_cmpuint(up_ch(up, 2, PASID_EP_CH_RETURNED), ==, 1);
    g_assert_cmpuint(up->msi->len, ==, 1);
    g_assert_cmpuint(g_array_index(up->msi, unsigned, 0), ==, 4);
    /* ABORT at once; what was parked may come later, for nobody */
    up_start(up, 2, &op);
    up_run(up);
    up_ch_w(up, 2, PASID_EP_CH_COMMAND, PASID_EP_CH_CMD_ABORT);
    g_assert_cmpuint(up_state(up, 2), ==, PASID_EP_STATE_ABORTED);
    up_start(up, 2, &op);
    up_run(up);
    up_unpark(up, false);
    g_assert_cmpuint(up_state(up, 2), ==, PASID_EP_STATE_WAIT_DMA);
    up_unpark(up, true);
    g_assert_cmpuint(up_state(up, 2), ==, PASID_EP_STATE_OK);
    g_assert_cmpuint(up_ch(up, 2, PASID_EP_CH_RETURNED), ==, 3);
    g_assert_cmpuint(up_ch(up, 2, PASID_EP_CH_PARKED), ==, 1);
    g_assert_cmpuint(up_r(up, PASID_EP_STAT_DMA_PARKED), ==, 3);
    g_assert_cmpuint(up_r(up, PASID_EP_STAT_DMA_UNPARKED), ==, 3);
}

/* Parked requests of aborted operations do not pile up for ever. */
static void test_orphans(void)
{
    g_autoptr(Up) up = mapped();
    unsigned n = 0;

    up->park = true;
    while (n < 1000) {
        up_start(up, 0, &rd);
        up_run(up);
        if (up_cause(up, 0) == PASID_EP_CAUSE_BUSY) {
            break;
        }
        up_ch_w(up, 0, PASID_EP_CH_COMMAND, PASID_EP_CH_CMD_ABORT);
        n++;
    }
    g_assert_cmpuint(n, ==, 64);
    up_unpark(up, true);
    up->park = false;
    g_assert_cmpuint(up_do(up, &rd), ==, 0);
}

#define OP_LEN  UINT64_C(9001)

/* WRITE, READ, COPY: the pattern is at op->addr, and every CRC is its own. */
static void check_memory_operations(Up *up, UpOp *op)
{
    uint8_t *mem = up->mem + 0x100000;
    uint32_t crc;

    g_assert_cmpuint(up_do(up, op), ==, 0);
    for (uint64_t i = 0; i < OP_LEN; i++) {
        g_assert_cmphex(mem[0x7fd + i], ==, pasid_ep_pattern(99, i));
    }
    g_assert_cmphex(mem[0x7fc], ==, 0);
    g_assert_cmphex(mem[0x7fd + OP_LEN], ==, 0);
    crc = crc32_of(mem + 0x7fd, OP_LEN);
    g_assert_cmphex(up_ch(up, 0, PASID_EP_CH_CRC), ==, crc);
    op->op = PASID_EP_OP_READ;
    g_assert_cmpuint(up_do(up, op), ==, 0);
    g_assert_cmphex(up_ch(up, 0, PASID_EP_CH_CRC), ==, crc);
    op->op = PASID_EP_OP_COPY;
    op->addr2 = UP_VA + 0x20123;
    g_assert_cmpuint(up_do(up, op), ==, 0);
    g_assert_cmpmem(mem + 0x7fd, OP_LEN, mem + 0x20123, OP_LEN);
    g_assert_cmphex(up_ch(up, 0, PASID_EP_CH_CRC), ==, crc);
}

/* LOAD, STORE and the two COMPAREs, the last of which finds a difference. */
static void check_buffer_operations(Up *up, UpOp *op)
{
    uint8_t *mem = up->mem + 0x100000, *buf = im_ep_buffer(up->ep);

    op->op = PASID_EP_OP_LOAD;
    op->addr2 = (1 << 20) - OP_LEN;
    g_assert_cmpuint(up_do(up, op), ==, 0);
    g_assert_cmpmem(mem + 0x7fd, OP_LEN, buf + op->addr2, OP_LEN);
    op->op = PASID_EP_OP_STORE;
    op->addr = UP_VA + 0x30001;
    g_assert_cmpuint(up_do(up, op), ==, 0);
    g_assert_cmpmem(mem + 0x7fd, OP_LEN, mem + 0x30001, OP_LEN);
    op->op = PASID_EP_OP_COMPARE_BUF;
    g_assert_cmpuint(up_do(up, op), ==, 0);
    op->op = PASID_EP_OP_COMPARE;
    g_assert_cmpuint(up_do(up, op), ==, 0);
    mem[0x30001 + 5000] ^= 0x40;
    g_assert_cmpuint(up_do(up, op), ==, PASID_EP_CAUSE_MISMATCH);
    g_assert_cmphex(up_ch(up, 0, PASID_EP_CH_BADADDR), ==,
                    UP_VA + 0x30001 + 5000);
    g_assert_cmphex(up_ch(up, 0, PASID_EP_CH_COMPARE), ==,
                    1 << 16 | mem[0x30001 + 5000] << 8 |
                        pasid_ep_pattern(99, 5000));
    g_assert_cmpuint(up_ch(up, 0, PASID_EP_CH_DONE), ==, 5000);
}

/* FILL, ZERO_READ, which carries no byte, and NONE. */
static void check_other_operations(Up *up, UpOp *op)
{
    op->op = PASID_EP_OP_FILL;
    op->seed = UINT64_C(0x0807060504030201);
    g_assert_cmpuint(up_do(up, op), ==, 0);
    for (uint64_t i = 0; i < OP_LEN; i++) {
        g_assert_cmphex(up->mem[0x100000 + 0x30001 + i], ==, i % 8 + 1);
    }
    op->op = PASID_EP_OP_ZERO_READ;
    g_assert_cmpuint(up_do(up, op), ==, 0);
    g_assert_cmpuint(g_array_index(up->dma, ImTxn, up->dma->len - 1).len, ==,
                     0);
    g_assert_cmpuint(up_ch(up, 0, PASID_EP_CH_REQUESTS), ==, 3);
    op->op = PASID_EP_OP_NONE;
    g_assert_cmpuint(up_do(up, op), ==, 0);
}

/* Every operation, odd addresses and splits; memory checked byte by byte. */
static void test_operations(void)
{
    static const uint32_t splits[] = { 0, 1, 64, 4096 };

    for (unsigned s = 0; s < G_N_ELEMENTS(splits); s++) {
        g_autoptr(Up) up = mapped();
        UpOp op = { PASID_EP_OP_WRITE,
                    PASID_EP_MODE_ATS,
                    UP_VA + 0x7fd,
                    0,
                    OP_LEN,
                    99,
                    5,
                    0 };

        up_ch_w(up, 0, PASID_EP_CH_SPLIT, splits[s]);
        check_memory_operations(up, &op);
        check_buffer_operations(up, &op);
        check_other_operations(up, &op);
    }
}

/* 1 GiB is reached, in slices that let other things happen. */
static void test_length(void)
{
    g_autoptr(Up) up = up_new();
    UpOp op = { PASID_EP_OP_ZERO_READ,
                PASID_EP_MODE_ATS,
                UP_VA,
                0,
                UINT64_C(1) << 30,
                0,
                5,
                0 };
    unsigned slices = 0;

    up_map(up, UP_VA, 0, UINT64_C(1) << 30, 5, 3);
    up_start(up, 0, &op);
    do {
        slices++;
        g_array_set_size(up->dma, 0);
    } while (im_ep_run(up->ep) && up_state(up, 0) == PASID_EP_STATE_RUNNING);
    g_assert_cmpuint(slices, >, 2);
    up_start(up, 0, &op);
    up_ch_w(up, 0, PASID_EP_CH_COMMAND, PASID_EP_CH_CMD_ABORT);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_ABORTED);
}

typedef struct BadRow {
    const char *name;
    UpOp op;
    uint32_t split;
} BadRow;

#define UNT PASID_EP_MODE_UNTRANSLATED
static const BadRow bad[] = {
    { "op", { 11, UNT, 0, 0, 1, 0, -1, 0 }, 0 },
    { "mode", { 1, 6, 0, 0, 1, 0, -1, 0 }, 0 },
    { "wrap", { 1, UNT, UINT64_MAX, 0, 2, 0, -1, 0 }, 0 },
    { "wrap-destination", { 3, UNT, 0, UINT64_MAX - 1, 3, 0, -1, 0 }, 0 },
    { "buffer-length", { 4, UNT, 0, 0, (1 << 20) + 1, 0, -1, 0 }, 0 },
    { "buffer-end", { 5, UNT, 0, 1 << 20, 1, 0, -1, 0 }, 0 },
    { "buffer-far", { 8, UNT, 0, UINT64_MAX, 1, 0, -1, 0 }, 0 },
    { "split-odd", { 1, UNT, 0, 0, 1, 0, -1, 0 }, 3 },
    { "split-large", { 1, UNT, 0, 0, 1, 0, -1, 0 }, 8192 },
    { "exec-write", { 1, UNT, 0, 0, 1, 0, 5, PASID_EP_CH_CTRL_EXEC }, 0 },
    { "raw-at1-write", { 1, PASID_EP_MODE_RAW, 0, 0, 1, 0, -1, 0x100 }, 0 },
};

static void test_bad_program(const void *data)
{
    const BadRow *row = data;
    g_autoptr(Up) up = mapped();

    up_ch_w(up, 0, PASID_EP_CH_SPLIT, row->split);
    g_assert_cmpuint(up_do(up, &row->op), ==, PASID_EP_CAUSE_BAD_PROGRAM);
    g_assert_cmpuint(up->dma->len, ==, 0);
    g_assert_cmpuint(up_ch(up, 0, PASID_EP_CH_RETURNED), ==, 1);
}

/* Mode by what the agent answers. */
static void test_modes(void)
{
    enum { MAPPED, MISSING, UR, CA };
    static const struct {
        unsigned mode, world, cause, at;
    } rows[] = {
        { PASID_EP_MODE_ATS, MAPPED, 0, 2 },
        { PASID_EP_MODE_AUTO, MAPPED, 0, 2 },
        { PASID_EP_MODE_FALLBACK, MAPPED, 0, 2 },
        { PASID_EP_MODE_ATS, MISSING, PASID_EP_CAUSE_NO_PERMISSION, 9 },
        { PASID_EP_MODE_AUTO, MISSING, PASID_EP_CAUSE_RESP_INVALID, 9 },
        { PASID_EP_MODE_FALLBACK, MISSING, PASID_EP_CAUSE_DMA_UR, 0 },
        { PASID_EP_MODE_ATS, UR, PASID_EP_CAUSE_ATS_UR, 9 },
        { PASID_EP_MODE_AUTO, UR, PASID_EP_CAUSE_ATS_UR, 9 },
        { PASID_EP_MODE_FALLBACK, UR, 0, 0 },
        { PASID_EP_MODE_ATS, CA, PASID_EP_CAUSE_ATS_CA, 9 },
        { PASID_EP_MODE_AUTO, CA, PASID_EP_CAUSE_ATS_CA, 9 },
        { PASID_EP_MODE_FALLBACK, CA, PASID_EP_CAUSE_ATS_CA, 9 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Up) up = mapped();
        UpOp op = rd;

        op.mode = rows[i].mode;
        op.addr += rows[i].world == MISSING ? 1 << 30 : 0;
        up->ats_ur = rows[i].world == UR;
        up->ats_ca = rows[i].world == CA;
        g_assert_cmpuint(up_do(up, &op), ==, rows[i].cause);
        if (rows[i].at == 9) {
            g_assert_cmpuint(up->dma->len, ==, 0);
        } else {
            g_assert_cmpuint(g_array_index(up->dma, ImTxn, 0).at, ==,
                             rows[i].at);
        }
    }
}

/* A platform with ATS, but no page requests; then without ATS, too. */
static void test_fallback_platform(void)
{
    ImEpConfig cfg = IM_EP_CONFIG_DEFAULT;
    UpOp op = rd;

    cfg.pri = false;
    for (unsigned i = 0; i < 2; i++) {
        g_autoptr(Up) up = up_new_with(&cfg);

        up_enable(up, 0);
        up->park = true;
        op.mode = PASID_EP_MODE_FALLBACK;
        up_start(up, 0, &op);
        up_run(up);
        g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_WAIT_DMA);
        up_map(up, UP_VA, 0, 4096, 5, 3);           /* a stall is served */
        up_unpark(up, true);
        g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_OK);
        op.mode = PASID_EP_MODE_AUTO;
        op.addr = UP_VA + 4096;
        g_assert_cmpuint(up_do(up, &op), ==,
                         i ? PASID_EP_CAUSE_ATS_OFF : PASID_EP_CAUSE_PRI_OFF);
        op.addr = UP_VA;
        cfg.ats = false;
    }
}

static void test_refusal(void)
{
    static const struct {
        unsigned control;       /* PASID control */
        int64_t pasid;
        uint64_t flags;
        unsigned cause;
        uint64_t misuse;
    } rows[] = {
        { 0, 5, 0, PASID_EP_CAUSE_PASID_REFUSED,
          PASID_EP_MISUSE_PASID_REFUSED },
        { 1, 1 << 20, 0, PASID_EP_CAUSE_PASID_REFUSED,
          PASID_EP_MISUSE_PASID_REFUSED },
        { 1, 5, PASID_EP_CH_CTRL_PRIV, PASID_EP_CAUSE_PRIV_REFUSED,
          PASID_EP_MISUSE_PRIV_REFUSED },
        { 7, -1, PASID_EP_CH_CTRL_PRIV, PASID_EP_CAUSE_PRIV_REFUSED,
          PASID_EP_MISUSE_PRIV_REFUSED },
        { 5, 5, PASID_EP_CH_CTRL_EXEC, PASID_EP_CAUSE_EXEC_REFUSED,
          PASID_EP_MISUSE_EXEC_REFUSED },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Up) up = up_new_with(&IM_EP_CONFIG_DEFAULT);
        UpOp op = rd;
        const ImTxn *txn;

        im_ep_set_bus_master(up->ep, true);
        im_ep_cfg_write(up->ep, 0x106, rows[i].control, 2);
        op.pasid = rows[i].pasid;
        op.flags = rows[i].flags;
        g_assert_cmpuint(up_do(up, &op), ==, rows[i].cause);
        g_assert_cmphex(up_misuse(up), ==, rows[i].misuse);
        g_assert_cmpuint(up->dma->len, ==, 0);
        op.flags |= PASID_EP_CH_CTRL_FORCE | PASID_EP_CH_CTRL_RID_VALID |
                    PASID_EP_PUT(PASID_EP_CH_CTRL_RID, 0x1234ull);
        up_do(up, &op);
        g_assert_cmpuint(up->dma->len, ==, 1);
        txn = &g_array_index(up->dma, ImTxn, 0);
        g_assert_false(txn->no_snoop);
        g_assert_cmpint(txn->has_pasid ? (int64_t)txn->pasid : -1, ==,
                        rows[i].pasid);
        g_assert_cmphex(txn->rid, ==, 0x1234);
        g_assert_true(up->has_rid);
        op.flags |= PASID_EP_CH_CTRL_NO_SNOOP;
        up_do(up, &op);
        g_assert_cmpuint(up->dma->len, ==, 2);
        g_assert_true(g_array_index(up->dma, ImTxn, 1).no_snoop);
    }
}

static void test_raw_ats(void)
{
    g_autoptr(Up) up = mapped();

    up_w(up, PASID_EP_ATS_ADDR, UP_VA + 0x3456);
    up_w(up, PASID_EP_ATS_PASID, 1 << 20);
    up_w(up, PASID_EP_ATS_CTRL,
         PASID_EP_ATS_CTRL_PASID | PASID_EP_ATS_CTRL_CACHE);
    up_w(up, PASID_EP_ATS_GO, 1);
    g_assert_cmphex(up_r(up, PASID_EP_ATS_STATUS), ==, PASID_EP_RAW_REFUSED);
    g_assert_cmphex(up_misuse(up), ==, PASID_EP_MISUSE_PASID_REFUSED);
    up_w(up, PASID_EP_ATS_PASID, 5);
    up_w(up, PASID_EP_ATS_GO, 1);
    g_assert_cmphex(up_r(up, PASID_EP_ATS_STATUS), ==,
                    PASID_EP_RAW_SENT | 1 << 8);
    g_assert_cmphex(up_r(up, PASID_EP_ATS_RESULT), ==, 0x100000);
    g_assert_cmpuint(up_r(up, PASID_EP_ATC_USED), ==, 1);
    g_assert_cmphex(up_r(up, PASID_EP_ATC_INFO), ==,
                    1 | 2 | 0x30 | 20 << 16 | 5ull << 32);
    g_assert_cmphex(up_r(up, PASID_EP_ATC_ADDR), ==, UP_VA);
    g_assert_cmphex(up_r(up, PASID_EP_ATC_XLAT), ==, 0x100000);
    up_w(up, PASID_EP_ATC_INDEX, UINT64_MAX);
    g_assert_cmphex(up_r(up, PASID_EP_ATC_INFO), ==, 0);
    up_w(up, PASID_EP_COMMAND, PASID_EP_CMD_ATC_FLUSH);
    g_assert_cmpuint(up_r(up, PASID_EP_ATC_USED), ==, 0);
    up->ats_ca = true;
    up_w(up, PASID_EP_ATS_GO, 1);
    g_assert_cmphex(up_r(up, PASID_EP_ATS_STATUS), ==,
                    PASID_EP_RAW_SENT | PASID_EP_CPL_CA << 4);
}

/* Illegal requests go out when forced, and are accounted for. */
static void test_raw_pri(void)
{
    g_autoptr(Up) up = up_new_with(&IM_EP_CONFIG_DEFAULT);

    up_enable(up, 2);
    up_w(up, PASID_EP_PR_ADDR, UP_VA | 0xfff);
    up_w(up, PASID_EP_PR_CTRL,
         PASID_EP_PR_CTRL_READ | PASID_EP_PR_CTRL_PRGI_AUTO);
    for (unsigned i = 0; i < 3; i++) {
        up_w(up, PASID_EP_PR_GO, 1);
    }
    g_assert_cmpuint(up->asked->len, ==, 2);        /* allocation */
    g_assert_cmphex(up_asked(up, 0)->addr, ==, UP_VA);
    g_assert_cmpuint(up_asked(up, 0)->prgi, ==, up_asked(up, 1)->prgi);
    g_assert_cmphex(up_misuse(up), ==, PASID_EP_MISUSE_PRI_REFUSED);
    up_w(up, PASID_EP_PR_CTRL,
         PASID_EP_PR_CTRL_READ | PASID_EP_PR_CTRL_LAST |
             PASID_EP_PR_CTRL_PRGI_AUTO | PASID_EP_PR_CTRL_FORCE);
    up_w(up, PASID_EP_PR_GO, 1);
    g_assert_cmpuint(up->asked->len, ==, 3);
    up_respond(up, up_asked(up, 0)->prgi, 1, false, 0);
    g_assert_cmphex(up_r(up, PASID_EP_PR_RESP), ==,
                    1 | 1 << 4 | (uint64_t)up_asked(up, 0)->prgi << 16);
    g_assert_cmpuint(up_r(up, PASID_EP_PR_RESP_COUNT), ==, 1);
    g_assert_cmphex(up_r(up, PASID_EP_EVENT) & PASID_EP_EVENT_RESPONSE, !=, 0);
    g_assert_cmpuint(PASID_EP_GET(up_r(up, PASID_EP_STATUS),
                                  PASID_EP_STATUS_OUTSTANDING),
                     ==, 0);
    /* a stop marker without a PASID, PASID 2^20, all of it forced */
    up_w(up, PASID_EP_PR_CTRL, PASID_EP_PR_CTRL_LAST | PASID_EP_PR_CTRL_FORCE);
    up_w(up, PASID_EP_PR_GO, 1);
    g_assert_cmpuint(up_r(up, PASID_EP_STAT_STOP_MARKERS), ==, 1);
    up_w(up, PASID_EP_PR_PASID, 1 << 20);
    up_w(up, PASID_EP_PR_CTRL,
         PASID_EP_PR_CTRL_LAST | PASID_EP_PR_CTRL_WRITE |
             PASID_EP_PR_CTRL_PASID | PASID_EP_PR_CTRL_FORCE);
    up_w(up, PASID_EP_PR_GO, 1);
    g_assert_cmphex(up_asked(up, 4)->pasid, ==, 1 << 20);
}

/* One slice sends a bounded number of messages, whatever is programmed. */
static void test_group_bounds(void)
{
    static const struct {
        uint32_t group;
        unsigned sent;
    } rows[] = { { 0, 1 }, { 1, 1 }, { 512, 512 }, { UINT32_MAX, 512 } };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Up) up = up_new();
        UpOp op = rd;

        op.mode = PASID_EP_MODE_AUTO;
        op.len = UINT64_C(1) << 44;
        up_w(up, PASID_EP_INJ_FLAGS, PASID_EP_INJ_FLAGS_ALLOCATION);
        up_ch_w(up, 0, PASID_EP_CH_GROUP, rows[i].group);
        up_start(up, 0, &op);
        up_run(up);
        g_assert_cmpuint(up->asked->len, ==, rows[i].sent);
    }
}

static void test_pasid_registers(void)
{
    ImEpConfig cfg = IM_EP_CONFIG_DEFAULT;

    cfg.pasid_bits = 13;
    cfg.pasid_exec = false;
    g_autoptr(Up) up = up_new_with(&cfg);
    UpOp op = rd;

    g_assert_cmphex(im_ep_cfg_read(up->ep, 0x100, 4), ==, 0x1081001b);
    g_assert_cmphex(im_ep_cfg_read(up->ep, 0x104, 2), ==, 13 << 8 | 4);
    im_ep_cfg_write(up->ep, 0x106, 0xffff, 2);
    g_assert_cmphex(im_ep_cfg_read(up->ep, 0x106, 2), ==, 5);
    im_ep_set_bus_master(up->ep, true);
    op.pasid = 0x1fff;
    g_assert_cmpuint(up_do(up, &op), ==, PASID_EP_CAUSE_DMA_UR);
    op.pasid = 0x2000;
    g_assert_cmpuint(up_do(up, &op), ==, PASID_EP_CAUSE_PASID_REFUSED);
}

/* 6.12.1.2: a function that reaches its siblings redirects; what belongs to
 * ports it must not have, and Direct Translated P2P goes with ATS. */
static void test_acs_registers(void)
{
    static const struct {
        bool ats;
        unsigned bits;
    } rows[] = { { true, 0x4c }, { false, 0x0c } };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        ImEpConfig cfg = IM_EP_CONFIG_DEFAULT;

        cfg.acs = true;
        cfg.ats = cfg.pri = rows[i].ats;
        g_autoptr(Up) up = up_new_with(&cfg);
        unsigned at = up_cap(up, 0xd);

        g_assert_cmphex(im_ep_cfg_read(up->ep, at, 4), ==, 0x0001000d);
        g_assert_cmphex(im_ep_cfg_read(up->ep, at + 4, 2), ==, rows[i].bits);
        g_assert_cmphex(im_ep_cfg_read(up->ep, at + 6, 2), ==, 0);
        im_ep_cfg_write(up->ep, at + 4, UINT32_MAX, 4);
        g_assert_cmphex(im_ep_cfg_read(up->ep, at + 4, 2), ==, rows[i].bits);
        g_assert_cmphex(im_ep_cfg_read(up->ep, at + 6, 2), ==, rows[i].bits);
        im_ep_flr(up->ep);
        g_assert_cmphex(im_ep_cfg_read(up->ep, at + 6, 2), ==, 0);
    }
}

/* Whatever the control bits say, a request goes upstream and arrives. */
static void test_acs_routes_nothing(void)
{
    ImEpConfig cfg = IM_EP_CONFIG_DEFAULT;

    cfg.acs = true;
    g_autoptr(Up) up = up_new_with(&cfg);
    UpOp op = rd;

    up_enable(up, 2);
    for (unsigned bits = 0; bits < 0x80; bits++) {
        im_ep_cfg_write(up->ep, up_cap(up, 0xd) + 6, bits, 2);
        up_do(up, &op);
        g_assert_cmpuint(up->dma->len, ==, bits + 1);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(EP_ACCESS, "sizes-and-offsets", test_access);
    spec_test(EP_COMMAND, "commands", test_command);
    spec_test(EP_MISUSE, "latched-and-cleared", test_misuse);
    spec_test(EP_EVENT, "one-interrupt-each", test_event);
    spec_test(EP_LOG, "ring", test_log);
    spec_test(EP_CHANNEL, "start-abort-ignored", test_channel);
    spec_test(EP_CHANNEL, "parked-and-aborted", test_orphans);
    spec_test(EP_OPERATION, "all", test_operations);
    spec_test(EP_OPERATION, "gibibyte-in-slices", test_length);
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *path = g_strdup_printf("bad-%s", bad[i].name);
        spec_row(EP_OPERATION, path, test_bad_program, &bad[i]);
    }
    spec_test(EP_MODE, "by-answer", test_modes);
    spec_test(EP_MODE, "group-size", test_group_bounds);
    spec_test(EP_MODE, "without-pri-or-ats", test_fallback_platform);
    spec_test(EP_REFUSAL, "refused-or-forced", test_refusal);
    spec_test(EP_RAW_ATS, "results-and-cache", test_raw_ats);
    spec_test(EP_RAW_PRI, "illegal-when-forced", test_raw_pri);
    spec_test(PCIE_PASID_HEADER, "id-and-version", test_pasid_registers);
    spec_test(PCIE_PASID_CAP, "width-exec-priv", test_pasid_registers);
    spec_test(PCIE_PASID_CTRL, "writable-when-supported", test_pasid_registers);
    spec_test(PCIE_ACS_HEADER, "id-and-version", test_acs_registers);
    spec_test(PCIE_ACS_CAP, "of-a-function", test_acs_registers);
    spec_test(PCIE_ACS_CTRL, "writable-when-supported", test_acs_registers);
    spec_test(PCIE_ACS_CTRL, "changes-no-route", test_acs_routes_nothing);
    return g_test_run();
}
