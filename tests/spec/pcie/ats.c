/*
 * Translation requests, what their answers allow, invalidations.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"
#include "tests/unit/pcie/upstream.h"

#define PA  UINT64_C(0x100000)

static const UpOp ats_read = {
    PASID_EP_OP_READ, PASID_EP_MODE_ATS, UP_VA, 0, 64, 0, 5, 0,
};
static const UpOp ats_write = {
    PASID_EP_OP_WRITE, PASID_EP_MODE_ATS, UP_VA, 0, 64, 0, 5, 0,
};

static Up *mapped(unsigned perm)
{
    Up *up = up_new();

    up_map(up, UP_VA, PA, 4096, 5, perm);
    return up;
}

static UpOp with(UpOp op, uint64_t flags)
{
    op.flags |= flags;
    return op;
}

static ImTxn *last(GArray *a)
{
    g_assert_cmpuint(a->len, >, 0);
    return &g_array_index(a, ImTxn, a->len - 1);
}

/* AT 0 as programmed, AT 2 with the translated address and no PASID. */
static void test_at(void)
{
    g_autoptr(Up) up = mapped(3);
    UpOp op = ats_read;

    g_assert_cmpuint(up_do(up, &op), ==, 0);
    g_assert_cmpuint(last(up->dma)->at, ==, IM_AT_TRANSLATED);
    g_assert_cmphex(last(up->dma)->addr, ==, PA);
    g_assert_false(last(up->dma)->has_pasid);
    op.mode = PASID_EP_MODE_UNTRANSLATED;
    g_assert_cmpuint(up_do(up, &op), ==, 0);
    g_assert_cmpuint(last(up->dma)->at, ==, IM_AT_UNTRANSLATED);
    g_assert_cmphex(last(up->dma)->addr, ==, UP_VA);
    g_assert_cmpuint(last(up->dma)->pasid, ==, 5);
    op.mode = PASID_EP_MODE_RAW;
    for (unsigned at = 2; at < 4; at++) {
        op.flags = PASID_EP_PUT(PASID_EP_CH_CTRL_AT, (uint64_t)at);
        up_do(up, &op);
        g_assert_cmpuint(last(up->dma)->at, ==, at);
        g_assert_cmphex(last(up->dma)->addr, ==, UP_VA);
    }
    g_assert_cmpuint(up_cause(up, 0), ==, PASID_EP_CAUSE_DMA_UR);
}

static void test_request_needs_enable(void)
{
    g_autoptr(Up) up = mapped(3);
    unsigned ats = up_cap(up, 0xf);

    im_ep_cfg_write(up->ep, ats + 6, 0, 2);
    g_assert_cmpuint(up_do(up, &ats_read), ==, PASID_EP_CAUSE_ATS_OFF);
    g_assert_cmpuint(up->ats->len, ==, 0);
    g_assert_cmphex(up_misuse(up) & PASID_EP_MISUSE_ATS_REFUSED, !=, 0);
    UpOp forced = with(ats_read, PASID_EP_CH_CTRL_FORCE);
    g_assert_cmpuint(up_do(up, &forced), ==, 0);
    g_assert_cmpuint(up->ats->len, ==, 1);
}

/* UR: the agent has ATS off for this function; it is not asked again. */
static void test_ur_and_ca(void)
{
    g_autoptr(Up) up = mapped(3);

    up->ats_ca = true;
    g_assert_cmpuint(up_do(up, &ats_read), ==, PASID_EP_CAUSE_ATS_CA);
    g_assert_cmpuint(PASID_EP_GET(up_ch(up, 0, PASID_EP_CH_STATUS),
                                  PASID_EP_CH_STATUS_CPL),
                     ==, PASID_EP_CPL_CA);
    g_assert_cmpuint(up_do(up, &ats_read), ==, PASID_EP_CAUSE_ATS_CA);
    g_assert_cmpuint(up->ats->len, ==, 2);          /* asked again */
    g_assert_cmphex(up_r(up, PASID_EP_STATUS) & PASID_EP_STATUS_ATS_UR, ==, 0);
    up->ats_ca = false;
    up->ats_ur = true;
    g_assert_cmpuint(up_do(up, &ats_read), ==, PASID_EP_CAUSE_ATS_UR);
    g_assert_cmpuint(up->ats->len, ==, 3);
    up->ats_ur = false;
    unsigned n = up->ats->len;
    g_assert_cmpuint(up_do(up, &ats_read), ==, PASID_EP_CAUSE_ATS_UR);
    g_assert_cmpuint(up->ats->len, ==, n);
    g_assert_cmphex(up_r(up, PASID_EP_STATUS) & PASID_EP_STATUS_ATS_UR, !=, 0);
    im_ep_cfg_write(up->ep, up_cap(up, 0xf) + 6, 0, 2);
    im_ep_cfg_write(up->ep, up_cap(up, 0xf) + 6, 0x8000, 2);
    g_assert_cmpuint(up_do(up, &ats_read), ==, 0);
}

static void test_page_aligned(void)
{
    g_autoptr(Up) up = mapped(3);
    UpOp op = ats_read;

    op.addr += 0x123;
    g_assert_cmpuint(up_do(up, &op), ==, 0);
    g_assert_cmphex(last(up->ats)->addr, ==, UP_VA);
    g_assert_cmphex(last(up->dma)->addr, ==, PA + 0x123);
}

/* NW is a promise of reads; a write asks again without it. */
static void test_nw(void)
{
    g_autoptr(Up) up = mapped(3);
    UpOp rd = with(ats_read, PASID_EP_CH_CTRL_NW);
    UpOp wr = with(ats_write, PASID_EP_CH_CTRL_NW);

    g_assert_cmpuint(up_do(up, &rd), ==, 0);
    g_assert_true(last(up->ats)->no_write);
    g_assert_cmpuint(up->ats->len, ==, 1);
    g_assert_cmphex(up_r(up, PASID_EP_ATC_INFO) & PASID_EP_ATC_INFO_NW, !=, 0);
    g_assert_cmpuint(up_do(up, &wr), ==, 0);
    g_assert_cmphex(up_r(up, PASID_EP_ATC_INFO) & PASID_EP_ATC_INFO_NW, ==, 0);
    g_assert_cmpuint(up->ats->len, ==, 2);
    g_assert_false(last(up->ats)->no_write);
    g_assert_cmpuint(up_do(up, &wr), ==, 0);
    g_assert_cmpuint(up->ats->len, ==, 2);
}

static void test_pasid_on_request(void)
{
    g_autoptr(Up) up = mapped(3);
    UpOp op = with(ats_read, PASID_EP_CH_CTRL_PRIV | PASID_EP_CH_CTRL_EXEC);

    up_do(up, &op);
    g_assert_true(last(up->ats)->has_pasid);
    g_assert_cmpuint(last(up->ats)->pasid, ==, 5);
    g_assert_true(last(up->ats)->priv);
    g_assert_true(last(up->ats)->exec);
    g_assert_cmpuint(last(up->ats)->access, ==, IM_READ);
    op = ats_read;
    op.pasid = UP_NO_PASID;
    up_do(up, &op);
    g_assert_false(last(up->ats)->has_pasid);
}

/* Encode by hand, by the table. */
static void test_completion(void)
{
    g_autoptr(Up) up = up_new();
    ImXlat x = {
        .status = IM_OK,
        .addr = 0x200000,
        .mask = 0x1fffff,
        .perm = 7,
        .priv = true,
        .global = true,
        .untranslated_only = true,
        .non_snoop = true,
    };

    up->override = &x;
    up_w(up, PASID_EP_ATS_ADDR, UP_VA);
    up_w(up, PASID_EP_ATS_PASID, 5);
    up_w(up, PASID_EP_ATS_CTRL, PASID_EP_ATS_CTRL_PASID);
    up_w(up, PASID_EP_ATS_GO, 1);
    /* 2 MiB: bits 19:12 ones, 20 zero; S N Global Priv Exe U W R */
    g_assert_cmphex(up_r(up, PASID_EP_ATS_RESULT + PASID_EP_ATS_RESULT_ENTRY),
                    ==,
                    0x200000 | 0xff000 | 1 << 11 | 1 << 10 | 1 << 5 | 1 << 4 |
                        1 << 3 | 1 << 2 | 1 << 1 | 1);
    g_assert_cmphex(up_r(up, PASID_EP_ATS_RESULT + PASID_EP_ATS_RESULT_SIZE),
                    ==, 0x200000);
}

typedef struct SizeRow {
    uint64_t mask;
    uint64_t addr;
    uint64_t size;              /* 0: malformed */
    uint64_t bits;              /* of the entry, 29:11 */
} SizeRow;

static const SizeRow sizes[] = {
    { 0xfff, 0x1000, 0x1000, 0x1000 },
    { 0x1fff, 0x2000, 0x2000, 0x2800 },
    { 0xffff, 0x10000, 0x10000, 0x17800 },
    { 0x3fffffff, 0x40000000, 0x40000000, 0x1ffff800 },
    { UINT64_MAX, UP_VA, 0x40000000, 0x1ffff800 },  /* pass-through */
    { 0x1fffff, 0x1000, 0x1000, 0x1000 },           /* not aligned: less */
    { 0x7ff, 0x1000, 0, 0 },
    { 0x2fff, 0x1000, 0, 0 },
    { 0, 0x1000, 0, 0 },
    { 0xfff, 0x1008, 0, 0 },
};

static void test_size(const void *data)
{
    const SizeRow *row = data;
    g_autoptr(Up) up = up_new();
    ImXlat x = {
        .status = IM_OK, .addr = row->addr, .mask = row->mask, .perm = 3
    };
    uint64_t entry;

    up->override = &x;
    up_w(up, PASID_EP_ATS_ADDR, UP_VA);
    up_w(up, PASID_EP_ATS_GO, 1);
    entry = up_r(up, PASID_EP_ATS_RESULT + PASID_EP_ATS_RESULT_ENTRY);
    g_assert_cmphex(up_r(up, PASID_EP_ATS_RESULT + PASID_EP_ATS_RESULT_SIZE),
                    ==, row->size);
    g_assert_cmphex(entry & 0x3ffff800 &
                        ~(row->size == 0x40000000 ? 0x20000000ull : 0),
                    ==, row->bits);
    if (row->size == 0) {
        UpOp op = ats_read;

        g_assert_cmpuint(PASID_EP_GET(up_r(up, PASID_EP_ATS_STATUS),
                                      PASID_EP_ATS_STATUS_COUNT),
                         ==, 0);
        g_assert_cmpuint(up_do(up, &op), ==, PASID_EP_CAUSE_ATS_MALFORMED);
    }
}

/* Answers smaller than the smallest translation unit are no answers. */
static void test_stu(void)
{
    g_autoptr(Up) up = mapped(3);
    unsigned ats = up_cap(up, 0xf);

    im_ep_cfg_write(up->ep, ats + 6, 0, 2);
    im_ep_cfg_write(up->ep, ats + 6, 0x8001, 2);
    g_assert_cmpuint(up_do(up, &ats_read), ==, PASID_EP_CAUSE_ATS_MALFORMED);
    g_array_index(up->maps, UpMap, 0).size = 8192;
    g_assert_cmpuint(up_do(up, &ats_read), ==, 0);
}

static void test_u(void)
{
    static const struct {
        unsigned mode;
        unsigned cause;
    } rows[] = {
        { PASID_EP_MODE_ATS, PASID_EP_CAUSE_U_ONLY },
        { PASID_EP_MODE_AUTO, 0 },
        { PASID_EP_MODE_FALLBACK, 0 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Up) up = mapped(3);
        UpOp op = ats_read;

        g_array_index(up->maps, UpMap, 0).u = true;
        op.mode = rows[i].mode;
        for (unsigned n = 0; n < 2; n++) {
            g_assert_cmpuint(up_do(up, &op), ==, rows[i].cause);
            g_assert_cmpuint(up->ats->len, ==, 1);          /* is cached */
        }
        if (!rows[i].cause) {
            g_assert_cmpuint(last(up->dma)->at, ==, IM_AT_UNTRANSLATED);
            g_assert_true(last(up->dma)->has_pasid);
        }
    }
}

/* Only what R and W grant; an answer of neither is not cached. */
static void test_rw(void)
{
    for (unsigned perm = 0; perm < 4; perm++) {
        g_autoptr(Up) up = mapped(perm);

        g_assert_cmpuint(up_do(up, &ats_read), ==,
                         perm & 1 ? 0 : PASID_EP_CAUSE_NO_PERMISSION);
        g_assert_cmpuint(up_do(up, &ats_write), ==,
                         perm & 2 ? 0 : PASID_EP_CAUSE_NO_PERMISSION);
        g_assert_cmpuint(up_r(up, PASID_EP_ATC_USED), ==, perm != 0);
        /* granted meanwhile, no invalidation needed: it is asked again */
        g_array_index(up->maps, UpMap, 0).perm = 3;
        g_assert_cmpuint(up_do(up, &ats_read), ==, 0);
        g_assert_cmpuint(up_do(up, &ats_write), ==, 0);
    }
}

/* Without R and W nothing else of the answer counts, U neither. */
static void test_u_without_rw(void)
{
    g_autoptr(Up) up = mapped(0);

    g_array_index(up->maps, UpMap, 0).u = true;
    g_assert_cmpuint(up_do(up, &ats_read), ==, PASID_EP_CAUSE_NO_PERMISSION);
    g_assert_cmpuint(up_r(up, PASID_EP_ATC_USED), ==, 0);
}

static void test_exe(void)
{
    g_autoptr(Up) up = mapped(3);
    UpOp exec = with(ats_read, PASID_EP_CH_CTRL_EXEC);

    g_assert_cmpuint(up_do(up, &ats_read), ==, 0);
    g_assert_cmpuint(up_do(up, &exec), ==, PASID_EP_CAUSE_NO_PERMISSION);
    g_array_index(up->maps, UpMap, 0).perm = 7;
    g_assert_cmpuint(up_do(up, &exec), ==, 0);
    g_assert_cmpuint(up_do(up, &ats_read), ==, 0);
}

/* Exe does not stand for R. */
static void test_exe_without_r(void)
{
    g_autoptr(Up) up = mapped(IM_PERM_W | IM_PERM_X);
    UpOp exec = with(ats_read, PASID_EP_CH_CTRL_EXEC);

    g_assert_cmpuint(up_do(up, &exec), ==, PASID_EP_CAUSE_NO_PERMISSION);
    g_assert_cmpuint(up->dma->len, ==, 0);
}

/* Privileged and not are separate in the ATC. */
static void test_priv(void)
{
    g_autoptr(Up) up = mapped(3);
    UpMap m = { .va = UP_VA,
                .pa = PA + 4096,
                .size = 4096,
                .pasid = 5,
                .perm = 3,
                .priv = true };
    UpOp priv = with(ats_read, PASID_EP_CH_CTRL_PRIV);

    g_array_append_val(up->maps, m);
    for (unsigned i = 0; i < 2; i++) {
        g_assert_cmpuint(up_do(up, &ats_read), ==, 0);
        g_assert_cmphex(last(up->dma)->addr, ==, PA);
        g_assert_cmpuint(up_do(up, &priv), ==, 0);
        g_assert_cmphex(last(up->dma)->addr, ==, PA + 4096);
        g_assert_cmpuint(up->ats->len, ==, 2);
    }
}

static void test_global(void)
{
    g_autoptr(Up) up = mapped(3);
    UpOp other = ats_read;

    g_array_index(up->maps, UpMap, 0).global = true;
    g_assert_cmpuint(up_do(up, &ats_read), ==, 0);
    other.pasid = 6;
    g_assert_cmpuint(up_do(up, &other), ==, 0);
    g_assert_cmpuint(up->ats->len, ==, 1);
    g_assert_cmphex(up_r(up, PASID_EP_ATC_INFO) & PASID_EP_ATC_INFO_GLOBAL, !=,
                    0);
    other.pasid = UP_NO_PASID;
    g_assert_cmpuint(up_do(up, &other), ==, PASID_EP_CAUSE_NO_PERMISSION);
    /* Global means nothing in the answer to a request without a PASID */
    g_array_index(up->maps, UpMap, 0).pasid = UP_NO_PASID;
    up_w(up, PASID_EP_COMMAND, PASID_EP_CMD_ATC_FLUSH);
    g_assert_cmpuint(up_do(up, &other), ==, 0);
    g_assert_cmphex(up_r(up, PASID_EP_ATC_INFO) & PASID_EP_ATC_INFO_GLOBAL, ==,
                    0);
}

/* Entries of one size; the list ends before pieces and after a hole. */
static void test_multiple(void)
{
    g_autoptr(Up) up = up_new();
    static const struct {
        uint64_t size[4]; /* 0: a hole */
        unsigned count;
    } rows[] = {
        { { 0x1000, 0x1000, 0x1000, 0x1000 }, 4 },
        { { 0x2000, 0x2000, 0, 0 }, 2 },
        { { 0x2000, 0x1000, 0x1000, 0 }, 1 },
        { { 0x1000, 0, 0x1000, 0 }, 2 },
        { { 0x1000, 0x1000, 0x2000, 0 }, 4 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        uint64_t va = UP_VA;

        g_array_set_size(up->maps, 0);
        for (unsigned n = 0; n < 4; n++) {
            if (rows[i].size[n]) {
                up_map(up, va, PA + (va - UP_VA), rows[i].size[n], 5, 3);
            }
            va += rows[i].size[n] ? rows[i].size[n] : 0x1000;
        }
        up_w(up, PASID_EP_ATS_ADDR, UP_VA);
        up_w(up, PASID_EP_ATS_PASID, 5);
        up_w(up, PASID_EP_ATS_CTRL,
             PASID_EP_ATS_CTRL_PASID |
                 PASID_EP_PUT(PASID_EP_ATS_CTRL_COUNT, 4ull));
        up_w(up, PASID_EP_ATS_GO, 1);
        g_assert_cmpuint(PASID_EP_GET(up_r(up, PASID_EP_ATS_STATUS),
                                      PASID_EP_ATS_STATUS_COUNT),
                         ==, rows[i].count);
        for (unsigned k = 0; k < rows[i].count; k++) {
            uint64_t at = PASID_EP_ATS_RESULT + k * 0x20u;

            g_assert_cmphex(up_r(up, at + 8), ==, rows[i].size[0]);
            if (up_r(up, at + 16) & 3) {
                g_assert_cmphex(up_r(up, at), ==, PA + k * rows[i].size[0]);
            }
        }
    }
}

/* COUNT: 0 means 1, more than 8 means 8. */
static void test_count(void)
{
    g_autoptr(Up) up = up_new();

    for (unsigned i = 0; i < 16; i++) {
        up_map(up, UP_VA + i * 0x1000u, PA + i * 0x1000u, 0x1000, 5, 3);
    }
    up_w(up, PASID_EP_ATS_ADDR, UP_VA);
    up_w(up, PASID_EP_ATS_PASID, 5);
    for (uint64_t count = 0; count < 16; count++) {
        up_w(up, PASID_EP_ATS_CTRL,
             PASID_EP_ATS_CTRL_PASID |
                 PASID_EP_PUT(PASID_EP_ATS_CTRL_COUNT, count));
        up_w(up, PASID_EP_ATS_GO, 1);
        g_assert_cmpuint(PASID_EP_GET(up_r(up, PASID_EP_ATS_STATUS),
                                      PASID_EP_ATS_STATUS_COUNT),
                         ==, CLAMP(count, 1, 8));
    }
}

static void fill(Up *up, unsigned pages, int64_t pasid)
{
    for (unsigned i = 0; i < pages; i++) {
        UpOp op = ats_read;

        op.addr = UP_VA + i * 4096u;
        op.pasid = pasid;
        up_map(up, op.addr, PA + i * 4096u, 4096, pasid, 3);
        g_assert_cmpuint(up_do(up, &op), ==, 0);
    }
}

static void test_inv_range(void)
{
    static const struct {
        uint64_t addr;
        uint8_t lg2;
        unsigned left;
    } rows[] = {
        { UP_VA, 12, 7 },          { UP_VA + 0x2000, 13, 6 }, { UP_VA, 15, 0 },
        { UP_VA + 0x8000, 15, 8 }, { 0, IM_INV_ALL, 0 },      { 0, 63, 0 },
        { UP_VA - 0x1000, 12, 8 }, { UP_VA + 0x7000, 14, 4 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Up) up = up_new();

        fill(up, 8, 5);
        up_invalidate(up, rows[i].addr, rows[i].lg2, 5, false, 0);
        g_assert_cmpuint(up_r(up, PASID_EP_ATC_USED), ==, rows[i].left);
    }
}

/* Always answered, with its own ITag, also when nothing matched. */
static void test_inv_completion(void)
{
    g_autoptr(Up) up = up_new();

    for (uint8_t tag = 0; tag < 32; tag++) {
        up_invalidate(up, 0, IM_INV_ALL, UP_NO_PASID, false, tag);
        g_assert_cmpuint(up->done->len, ==, tag + 1u);
        g_assert_cmphex(g_array_index(up->done, uint32_t, tag), ==,
                        UINT32_C(1) << tag);
    }
    im_ep_cfg_write(up->ep, up_cap(up, 0xf) + 6, 0, 2);
    up_invalidate(up, 0, IM_INV_ALL, UP_NO_PASID, false, 1);
    g_assert_cmpuint(up->done->len, ==, 33);
    g_assert_cmphex(up_misuse(up), ==, PASID_EP_MISUSE_INV_ATS_OFF);
}

/* Not before translated requests that use the translation are done. */
static void test_inv_waits_for_requests(void)
{
    g_autoptr(Up) up = mapped(3);
    UpOp other = ats_write;

    up_map(up, UP_VA + 0x5000, PA + 0x5000, 4096, 5, 3);
    other.addr += 0x5000;
    up->park = true;
    up_start(up, 0, &ats_write);
    up_start(up, 1, &other);
    up_run(up);
    g_assert_cmpuint(up->parked->len, ==, 2);
    up_invalidate(up, UP_VA, 12, 5, false, 3);
    g_assert_cmpuint(up->done->len, ==, 0);
    up_invalidate(up, UP_VA, 12, 6, false, 4); /* another PASID */
    g_assert_cmpuint(up->done->len, ==, 1);
    g_assert_cmphex(g_array_index(up->done, uint32_t, 0), ==, 1u << 4);
    up_invalidate(up, UP_VA, 12, UP_NO_PASID, false, 5);
    g_assert_cmpuint(up->done->len, ==, 1);
    /* aborted or not, the request is on its way */
    up_ch_w(up, 0, PASID_EP_CH_COMMAND, PASID_EP_CH_CMD_ABORT);
    g_assert_cmpuint(up->done->len, ==, 1);
    up_unpark(up, true);
    g_assert_cmpuint(up->done->len, ==, 3);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_ABORTED);
    up_invalidate(up, UP_VA, 12, 5, false, 6);
    g_assert_cmpuint(up->done->len, ==, 4); /* younger: no wait */
    up_unpark(up, true);
    g_assert_cmpuint(up_state(up, 1), ==, PASID_EP_STATE_OK);
}

/* Requests that were translated after the invalidation hold nothing up. */
static void test_inv_does_not_wait_for_younger(void)
{
    g_autoptr(Up) up = mapped(3);

    up->park = true;
    up_start(up, 0, &ats_write);
    up_run(up);
    up_invalidate(up, UP_VA, 12, 5, false, 3);
    up_start(up, 1, &ats_write);
    up_run(up);
    g_assert_cmpuint(up->ats->len, ==, 2);
    g_assert_cmpuint(up->done->len, ==, 0);
    up_unpark(up, true);
    g_assert_cmpuint(up->parked->len, ==, 1);
    g_assert_cmpuint(up->done->len, ==, 1);
    up_unpark(up, true);
    g_assert_cmpuint(up->done->len, ==, 1);
}

static unsigned overtakes;

static void overtake(Up *up)
{
    if (overtakes) {
        overtakes--;
        g_array_index(up->maps, UpMap, 0).pa += 4096;
        up_invalidate(up, UP_VA, 12, 5, false, 0);
    }
}

/* An answer that an invalidation overtook is thrown away, asked anew. */
static void test_inv_overtakes(void)
{
    g_autoptr(Up) up = mapped(3);

    overtakes = 3;
    up->in_ats = overtake;
    g_assert_cmpuint(up_do(up, &ats_read), ==, 0);
    g_assert_cmpuint(up->ats->len, ==, 4);
    g_assert_cmphex(last(up->dma)->addr, ==, PA + 3 * 4096);
    up_invalidate(up, UP_VA, 12, 5, false, 0);
    overtakes = 1000000; /* for ever: it ends anyway */
    g_assert_cmpuint(up_do(up, &ats_read), ==, PASID_EP_CAUSE_NO_PERMISSION);
}

static void test_implicit(void)
{
    g_autoptr(Up) up = up_new();
    unsigned ats = up_cap(up, 0xf), pasid = up_cap(up, 0x1b);

    fill(up, 4, 5);
    fill(up, 2, UP_NO_PASID);
    g_assert_cmpuint(up_r(up, PASID_EP_ATC_USED), ==, 6);
    im_ep_cfg_write(up->ep, pasid + 6, 0, 2);
    g_assert_cmpuint(up_r(up, PASID_EP_ATC_USED), ==, 2);
    im_ep_cfg_write(up->ep, ats + 6, 0, 2);
    g_assert_cmpuint(up_r(up, PASID_EP_ATC_USED), ==, 0);
    im_ep_cfg_write(up->ep, pasid + 6, 7, 2);
    im_ep_cfg_write(up->ep, ats + 6, 0x8000, 2);
    fill(up, 1, 5);
    im_ep_flr(up->ep);
    g_assert_cmpuint(up_r(up, PASID_EP_ATC_USED), ==, 0);
}

/* Without a PASID: everything. With one: that one. Global: every PASID. */
static void test_inv_pasid(void)
{
    static const struct {
        int64_t pasid;
        bool global;
        bool supported;
        unsigned left; /* of 2 of PASID 5, 6 and none each */
        /* clang-format off */
    } rows[] = {
        { UP_NO_PASID, false, true, 0 }, { 5, false, true, 4 },
        { 7, false, true, 6 }, { 5, true, true, 2 }, { 7, true, true, 2 },
        { 5, true, false, 4 }, { 7, true, false, 6 },
    };
    /* clang-format on */

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        ImEpConfig cfg = IM_EP_CONFIG_DEFAULT;

        cfg.ats_global_invalidate = rows[i].supported;
        g_autoptr(Up) up = up_new_with(&cfg);
        up_enable(up, 32);
        fill(up, 2, 5);
        fill(up, 2, 6);
        fill(up, 2, UP_NO_PASID);
        up_invalidate(up, 0, IM_INV_ALL, rows[i].pasid, rows[i].global, 0);
        g_assert_cmpuint(up_r(up, PASID_EP_ATC_USED), ==, rows[i].left);
    }
}

/* CA in one field of every kind: what each capability field says. */
static void test_ats_registers(void)
{
    ImEpConfig cfg = IM_EP_CONFIG_DEFAULT;

    cfg.ats_queue_depth = 17;
    cfg.ats_page_aligned = false;
    cfg.ats_global_invalidate = false;
    g_autoptr(Up) up = up_new_with(&cfg);
    unsigned at = up_cap(up, 0xf);

    g_assert_cmphex(im_ep_cfg_read(up->ep, at, 4) & 0xfffff, ==, 0x1000f);
    g_assert_cmphex(im_ep_cfg_read(up->ep, at + 4, 2), ==, 17);
    im_ep_cfg_write(up->ep, at + 6, 0x801f, 2);
    g_assert_cmphex(im_ep_cfg_read(up->ep, at + 6, 2), ==, 0x801f);
    im_ep_cfg_write(up->ep, at + 6, 0x8003, 2); /* illegal: kept */
    g_assert_cmphex(im_ep_cfg_read(up->ep, at + 6, 2), ==, 0x801f);
    g_assert_cmphex(up_misuse(up), ==, PASID_EP_MISUSE_STU_CHANGE);
    im_ep_cfg_write(up->ep, at + 6, 0x0003, 2);
    g_assert_cmphex(im_ep_cfg_read(up->ep, at + 6, 2), ==, 3);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(PCIE_AT_FIELD, "as-programmed-and-as-translated", test_at);
    spec_test(PCIE_ATS_REQUEST, "refused-while-disabled",
              test_request_needs_enable);
    spec_test(PCIE_ATS_REQUEST, "ur-stops-ca-does-not", test_ur_and_ca);
    spec_test(PCIE_ATS_ADDRESS, "page-aligned", test_page_aligned);
    spec_test(PCIE_ATS_NW, "write-asks-again-without", test_nw);
    spec_test(PCIE_ATS_PASID, "carried", test_pasid_on_request);
    spec_test(PCIE_ATS_COMPLETION, "entry-layout", test_completion);
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree char *path = g_strdup_printf("mask-%" G_GINT64_MODIFIER
                                                "x-at-%" G_GINT64_MODIFIER "x",
                                                sizes[i].mask, sizes[i].addr);
        spec_row(PCIE_ATS_SIZE, path, test_size, &sizes[i]);
    }
    spec_test(PCIE_ATS_SIZE, "not-below-stu", test_stu);
    spec_test(PCIE_ATS_U, "modes", test_u);
    spec_test(PCIE_ATS_RW, "grant-and-cache", test_rw);
    spec_test(PCIE_ATS_RW, "neither-and-u", test_u_without_rw);
    spec_test(PCIE_ATS_EXE, "needs-both", test_exe);
    spec_test(PCIE_ATS_EXE, "without-r", test_exe_without_r);
    spec_test(PCIE_ATS_PRIV, "separate-entries", test_priv);
    spec_test(PCIE_ATS_GLOBAL, "serves-every-pasid", test_global);
    spec_test(PCIE_ATS_MULTIPLE, "one-size", test_multiple);
    spec_test(PCIE_ATS_MULTIPLE, "count", test_count);
    spec_test(PCIE_INV_REQUEST, "range", test_inv_range);
    spec_test(PCIE_INV_COMPLETION, "always-with-own-itag", test_inv_completion);
    spec_test(PCIE_INV_SEMANTICS, "after-requests-in-flight",
              test_inv_waits_for_requests);
    spec_test(PCIE_INV_SEMANTICS, "not-after-younger-requests",
              test_inv_does_not_wait_for_younger);
    spec_test(PCIE_INV_ORDERING, "overtaken-answer-dropped",
              test_inv_overtakes);
    spec_test(PCIE_INV_IMPLICIT, "ats-off-pasid-off-flr", test_implicit);
    spec_test(PCIE_INV_PASID, "prefix-and-global", test_inv_pasid);
    spec_test(PCIE_ATS_HEADER, "id-and-version", test_ats_registers);
    spec_test(PCIE_ATS_CAP, "fields", test_ats_registers);
    spec_test(PCIE_ATS_CTRL, "stu-and-enable", test_ats_registers);
    return g_test_run();
}
