/*
 * What meets on the way: answers that an invalidation overtook, completions
 * that wait for requests, groups that are answered while they are sent.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"
#include "tests/unit/pcie/upstream.h"

#define PA  UINT64_C(0x100000)

static const UpOp ats_read = {
    PASID_EP_OP_READ, PASID_EP_MODE_ATS, UP_VA, 0, 64, 0, 5, 0,
};

/* --- translation requests ----------------------------------------------- */

/* The mapping changes while the answer is on its way, and once what follows
 * from it comes first. */
static void flushed(Up *up)
{
    up->in_ats = NULL;
    g_array_index(up->maps, UpMap, 0).pa += 4096;
    up_w(up, PASID_EP_COMMAND, PASID_EP_CMD_ATC_FLUSH);
}

static void pasid_changed(Up *up)
{
    up->in_ats = NULL;
    g_array_index(up->maps, UpMap, 0).pa += 4096;
    im_ep_cfg_write(up->ep, up_cap(up, 0x1b) + 6, 1, 2);
}

static void test_overtaken(const void *data)
{
    g_autoptr(Up) up = up_new();

    up_map(up, UP_VA, PA, 4096, 5, 3);
    up->in_ats = data ? pasid_changed : flushed;
    g_assert_cmpuint(up_do(up, &ats_read), ==, 0);
    g_assert_cmpuint(up->ats->len, ==, 2);
    g_assert_cmphex(g_array_index(up->dma, ImTxn, 0).addr, ==, PA + 4096);
    g_assert_cmpuint(up_r(up, PASID_EP_ATC_USED), ==, 1);
    g_assert_cmphex(up_r(up, PASID_EP_ATC_XLAT), ==, PA + 4096);
}

/* --- invalidations ------------------------------------------------------ */

/* An ITag that is used again before its completion stands for both. */
static void test_itag_twice(void)
{
    g_autoptr(Up) up = up_new();
    UpOp far = ats_read;

    up_map(up, UP_VA, PA, 0x10000, 5, 3);
    far.addr += 0x8000;
    up->park = true;
    up_start(up, 0, &far);
    up_start(up, 1, &ats_read);
    up_run(up);
    g_assert_cmpuint(up->parked->len, ==, 2);
    up_invalidate(up, UP_VA, 12, 5, false, 3);
    up_invalidate(up, UP_VA + 0x8000, 12, 5, false, 3);
    g_assert_cmpuint(up->done->len, ==, 0);
    up_unpark(up, true);                        /* the far one */
    g_assert_cmpuint(up->done->len, ==, 0);
    up_unpark(up, true);
    g_assert_cmpuint(up->done->len, ==, 1);
    g_assert_cmphex(g_array_index(up->done, uint32_t, 0), ==, 1u << 3);
}

/* A request that was not translated used no translation of the ATC. */
static void test_untranslated_holds_nothing(void)
{
    g_autoptr(Up) up = up_new();
    UpOp op = ats_read;

    up_map(up, UP_VA, PA, 4096, 5, 3);
    op.mode = PASID_EP_MODE_UNTRANSLATED;
    up->park = true;
    up_start(up, 0, &op);
    up_run(up);
    g_assert_cmpuint(up->parked->len, ==, 1);
    up_invalidate(up, UP_VA, 12, 5, false, 3);
    g_assert_cmpuint(up->done->len, ==, 1);
}

/* Only one whose address is in the range is waited for. */
static void test_other_range(void)
{
    g_autoptr(Up) up = up_new();

    up_map(up, UP_VA, PA, 4096, 5, 3);
    up->park = true;
    up_start(up, 0, &ats_read);
    up_run(up);
    up_invalidate(up, UP_VA + 0x1000, 12, 5, false, 3);
    g_assert_cmpuint(up->done->len, ==, 1);
    up_invalidate(up, UP_VA + 0x1000, 13, 5, false, 4);     /* aligned */
    g_assert_cmpuint(up->done->len, ==, 1);
}

/* --- page request groups ------------------------------------------------ */

/* A response fails the interface at the first message of a group. */
static void fail_at_once(Up *up)
{
    up->in_asked = NULL;
    up_respond(up, up_asked(up, 0)->prgi, IM_PAGE_RESP_FAILURE, true, 5);
}

static void reset_at_once(Up *up)
{
    up->in_asked = NULL;
    im_ep_flr(up->ep);
}

/* Nothing more is sent of a group that is no more. */
static void test_group_ends(const void *data)
{
    g_autoptr(Up) up = up_new();
    UpOp op = ats_read;

    op.mode = PASID_EP_MODE_AUTO;
    op.len = 5 * 4096;
    up->in_asked = data ? reset_at_once : fail_at_once;
    up_start(up, 0, &op);
    up_run(up);
    g_assert_cmpuint(up->asked->len, ==, 1);
    g_assert_cmpuint(PASID_EP_GET(up_r(up, PASID_EP_STATUS),
                                  PASID_EP_STATUS_OUTSTANDING),
                     ==, 0);
    g_assert_cmpuint(up_state(up, 0), ==,
                     data ? PASID_EP_STATE_IDLE : PASID_EP_STATE_ERROR);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_row(PCIE_INV_ORDERING, "flush", test_overtaken, NULL);
    spec_row(PCIE_INV_IMPLICIT, "pasid-change-under-way", test_overtaken,
             "pasid");
    spec_test(PCIE_INV_COMPLETION, "itag-used-twice", test_itag_twice);
    spec_test(PCIE_INV_SEMANTICS, "untranslated",
              test_untranslated_holds_nothing);
    spec_test(PCIE_INV_SEMANTICS, "other-range", test_other_range);
    spec_row(PCIE_PRI_CODE, "failure-while-sending", test_group_ends, NULL);
    spec_row(PCIE_FLR, "while-sending", test_group_ends, "reset");
    return g_test_run();
}
