/*
 * Fail the n-th host access, for every n, of every scenario: the operation
 * ends with the cause that belongs to it, and the function works on.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tests/unit/pcie/upstream.h"

typedef struct Scenario {
    const char *name;
    UpOp op;
} Scenario;

#define LEN  (5 * 4096 + 17)
static const Scenario scenarios[] = {
    { "write-auto",
      { PASID_EP_OP_WRITE, PASID_EP_MODE_AUTO, UP_VA + 5, 0, LEN, 1, 3, 0 } },
    { "read-auto",
      { PASID_EP_OP_READ, PASID_EP_MODE_AUTO, UP_VA + 5, 0, LEN, 1, 3, 0 } },
    { "copy-auto",
      { PASID_EP_OP_COPY, PASID_EP_MODE_AUTO, UP_VA + 5, UP_VA + 0x20001, LEN,
        1, 3, 0 } },
    { "load-untranslated",
      { PASID_EP_OP_LOAD, PASID_EP_MODE_UNTRANSLATED, 0x1000, 16, LEN, 1, -1,
        0 } },
    { "copy-ats",
      { PASID_EP_OP_COPY, PASID_EP_MODE_ATS, 0x1000, 0x11003, LEN, 1, -1, 0 } },
    { "store-fallback",
      { PASID_EP_OP_STORE, PASID_EP_MODE_FALLBACK, 0x1000, 0, LEN, 1, -1, 0 } },
    { "zero-read",
      { PASID_EP_OP_ZERO_READ, PASID_EP_MODE_AUTO, UP_VA, 0, LEN, 1, 3, 0 } },
};

static Up *world(void)
{
    Up *up = up_new();

    up->serve_va = UP_VA;
    up->serve_size = 1 << 20;
    up->serve_perm = 3;
    up_map(up, 0, 0, 1 << 20, UP_NO_PASID, 3);
    return up;
}

static bool cause_fits(unsigned cause, ImCpl cpl)
{
    return cpl == IM_CPL_UR ?
               cause == PASID_EP_CAUSE_DMA_UR ||
                   cause == PASID_EP_CAUSE_ATS_UR :
               cause == PASID_EP_CAUSE_DMA_CA || cause == PASID_EP_CAUSE_ATS_CA;
}

static void sweep(const Scenario *s, ImCpl cpl, bool park)
{
    for (uint64_t n = 1;; n++) {
        g_autoptr(Up) up = world();
        unsigned cause;

        up->fail_at = n;
        up->fail_cpl = cpl;
        up_start(up, 0, &s->op);
        up->park = park;
        up_pump(up);
        while (up->parked->len) {
            up_unpark(up, true);
            up_pump(up);
        }
        cause = up_cause(up, 0);
        g_assert_cmpuint(up_ch(up, 0, PASID_EP_CH_LAUNCHED), ==, 1);
        g_assert_cmpuint(up_ch(up, 0, PASID_EP_CH_RETURNED), ==, 1);
        if (!up->failed) {
            g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_OK);
            break;
        }
        if (up_state(up, 0) == PASID_EP_STATE_OK) {
            /* only a platform without translation goes on without it */
            g_assert_cmpuint(s->op.mode, ==, PASID_EP_MODE_FALLBACK);
            g_assert_cmpuint(cpl, ==, IM_CPL_UR);
        } else {
            g_assert_true(cause_fits(cause, cpl));
            g_assert_cmpuint(up_ch(up, 0, PASID_EP_CH_DONE), <, LEN);
            g_assert_cmpuint(up_ch(up, 0, PASID_EP_CH_BADADDR), !=, 0);
        }
        /* ATS Enable off and on is what a UR asks for; then all is well. */
        up->park = false;
        up_enable(up, 32);
        im_ep_cfg_write(up->ep, up_cap(up, 0xf) + 6, 0, 2);
        im_ep_cfg_write(up->ep, up_cap(up, 0xf) + 6, 0x8000, 2);
        g_assert_cmpuint(up_do(up, &s->op), ==, 0);
    }
}

static void test_sweep(const void *data)
{
    sweep(data, IM_CPL_CA, false);
    sweep(data, IM_CPL_UR, false);
    sweep(data, IM_CPL_CA, true);
}

/* The n-th group is not answered Success, for every n. */
static void test_responses(void)
{
    static const uint8_t codes[] = { 1, 2, 0xf };
    const UpOp op = {
        PASID_EP_OP_WRITE, PASID_EP_MODE_AUTO, UP_VA, 0, 40 * 4096, 1, 3, 0
    };

    for (unsigned c = 0; c < G_N_ELEMENTS(codes); c++) {
        for (unsigned n = 0; n < 5; n++) {
            g_autoptr(Up) up = world();
            unsigned groups = 0;

            up_start(up, 0, &op);
            for (;;) {
                up_run(up);
                if (up->answered == up->asked->len) {
                    break;
                }
                while (!up_asked(up, up->answered)->last) {
                    up_serve_one(up, up_asked(up, up->answered++));
                }
                up_serve_one(up, up_asked(up, up->answered));
                if (groups++ == n) {
                    up->serve_perm = 0;
                    up_unmap(up, up_asked(up, up->answered)->addr, 3);
                }
                up_respond(up, up_asked(up, up->answered)->prgi,
                           groups > n ? codes[c] : 0, true, 3);
                up->answered++;
            }
            if (up_state(up, 0) == PASID_EP_STATE_OK) {
                g_assert_cmpuint(groups, <=, n);
                break;
            }
            g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_ERROR);
            g_assert_cmpuint(up_cause(up, 0), ==,
                             codes[c] == 1 ? PASID_EP_CAUSE_RESP_INVALID :
                                             PASID_EP_CAUSE_RESP_FAILURE);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(scenarios); i++) {
        g_autofree char *path = g_strdup_printf("/pcie/fail/%s",
                                                scenarios[i].name);
        g_test_add_data_func(path, &scenarios[i], test_sweep);
    }
    g_test_add_func("/pcie/fail/responses", test_responses);
    return g_test_run();
}
