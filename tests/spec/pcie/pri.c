/*
 * Page requests, responses, allocation, and the state machine of the page
 * request interface.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"
#include "tests/unit/pcie/upstream.h"

enum { ENABLE = 1, RESET = 2 };
enum { RF = 1, UPRGI = 2, STOPPED = 0x100, PASID_REQUIRED = 0x8000 };

static const UpOp auto_write = {
    PASID_EP_OP_WRITE, PASID_EP_MODE_AUTO, UP_VA + 0x10, 0, 64, 0, 5, 0,
};

static unsigned status(Up *up)
{
    return im_ep_cfg_read(up->ep, up_cap(up, 0x13) + 6, 2);
}

static void control(Up *up, unsigned val)
{
    im_ep_cfg_write(up->ep, up_cap(up, 0x13) + 4, val, 2);
}

static void allocate(Up *up, uint32_t n)
{
    im_ep_cfg_write(up->ep, up_cap(up, 0x13) + 12, n, 4);
}

static uint64_t outstanding(Up *up)
{
    return PASID_EP_GET(up_r(up, PASID_EP_STATUS), PASID_EP_STATUS_OUTSTANDING);
}

/* A raw request of PASID 5; returns whether it was sent. */
static bool raw(Up *up, uint64_t ctrl)
{
    up_w(up, PASID_EP_PR_ADDR, UP_VA);
    up_w(up, PASID_EP_PR_PASID, 5);
    up_w(up, PASID_EP_PR_CTRL, ctrl | PASID_EP_PR_CTRL_PASID);
    up_w(up, PASID_EP_PR_GO, 1);
    return PASID_EP_GET(up_r(up, PASID_EP_PR_STATUS),
                        PASID_EP_PR_STATUS_STATE) == PASID_EP_RAW_SENT;
}

#define RL    (PASID_EP_PR_CTRL_READ | PASID_EP_PR_CTRL_LAST)
#define IDX(n) PASID_EP_PUT(PASID_EP_PR_CTRL_PRGI, (uint64_t)(n))

/* One group, one index, L on the last, all with the same PASID. */
static void test_group(void)
{
    g_autoptr(Up) up = up_new();
    UpOp op = auto_write;

    op.len = 5 * 4096;
    up_start(up, 0, &op);
    up_run(up);
    g_assert_cmpuint(up->asked->len, ==, 6);        /* 5 pages and a bit */
    for (unsigned i = 0; i < 6; i++) {
        const ImPageReq *r = up_asked(up, i);

        g_assert_cmphex(r->addr, ==, UP_VA + i * 4096u);
        g_assert_cmpuint(r->prgi, ==, up_asked(up, 0)->prgi);
        g_assert_cmpuint(r->last, ==, i == 5);
        g_assert_true(r->write && !r->read);
    }
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_WAIT_PAGE);
    g_assert_cmpuint(outstanding(up), ==, 6);
    g_assert_cmpuint(up_ch(up, 0, PASID_EP_CH_PAGE_REQUESTS), ==, 6);
}

/* An index is not used again before it is answered. */
static void test_index_reuse(void)
{
    g_autoptr(Up) up = up_new();
    bool used[512] = { false };

    for (unsigned ch = 0; ch < 8; ch++) {
        up_start(up, ch, &auto_write);
    }
    up_run(up);
    g_assert_cmpuint(up->asked->len, ==, 8);
    for (unsigned i = 0; i < 8; i++) {
        g_assert_false(used[up_asked(up, i)->prgi]);
        used[up_asked(up, i)->prgi] = true;
    }
    g_assert_false(raw(up, RL | IDX(up_asked(up, 0)->prgi)));
    g_assert_cmphex(up_misuse(up), ==, PASID_EP_MISUSE_PRI_REFUSED);
    g_assert_true(
        raw(up, RL | IDX(up_asked(up, 0)->prgi) | PASID_EP_PR_CTRL_FORCE));
}

static void test_pasid_usage(void)
{
    g_autoptr(Up) up = up_new();
    UpOp op = auto_write;

    up_start(up, 0, &op);
    op.pasid = UP_NO_PASID;
    up_start(up, 1, &op);
    up_run(up);
    g_assert_true(up_asked(up, 0)->has_pasid);
    g_assert_cmpuint(up_asked(up, 0)->pasid, ==, 5);
    g_assert_false(up_asked(up, 1)->has_pasid);
    /* a group keeps its PASID */
    g_assert_true(raw(up, PASID_EP_PR_CTRL_READ | IDX(77)));
    up_w(up, PASID_EP_PR_PASID, 6);
    up_w(up, PASID_EP_PR_GO, 1);
    g_assert_cmpuint(PASID_EP_GET(up_r(up, PASID_EP_PR_STATUS),
                                  PASID_EP_PR_STATUS_STATE),
                     ==, PASID_EP_RAW_REFUSED);
    /* and its privilege */
    g_assert_false(
        raw(up, PASID_EP_PR_CTRL_READ | PASID_EP_PR_CTRL_PRIV | IDX(77)));
    g_assert_true(raw(up, PASID_EP_PR_CTRL_READ | IDX(77)));
}

/* Indices are used in turn, all 512 of them. */
static void test_indices_in_turn(void)
{
    g_autoptr(Up) up = up_new();

    for (unsigned i = 0; i < 514; i++) {
        g_assert_true(raw(up, RL | PASID_EP_PR_CTRL_PRGI_AUTO));
        g_assert_cmpuint(up_asked(up, i)->prgi, ==, i % 512);
        up_respond(up, (uint16_t)(i % 512), 0, true, 5);
    }
    g_assert_cmphex(status(up), ==, PASID_REQUIRED);
}

/* A marker is of a PASID: without PASID Enable there is none. It needs no
 * room. */
static void test_marker_conditions(void)
{
    g_autoptr(Up) up = up_new_with(&IM_EP_CONFIG_DEFAULT);

    up_enable(up, 1);
    g_assert_true(raw(up, RL | IDX(1)));
    g_assert_false(raw(up, RL | IDX(2)));           /* no room */
    g_assert_true(raw(up, PASID_EP_PR_CTRL_LAST | IDX(1)));
    g_assert_cmpuint(up_r(up, PASID_EP_STAT_STOP_MARKERS), ==, 1);
    g_assert_cmpuint(outstanding(up), ==, 1);
    up_w(up, PASID_EP_ARG, 5);
    up_w(up, PASID_EP_COMMAND, PASID_EP_CMD_STOP_PASID);
    g_assert_cmpuint(up_r(up, PASID_EP_STAT_STOP_MARKERS), ==, 2);
    im_ep_cfg_write(up->ep, up_cap(up, 0x1b) + 6, 0, 2);
    up_w(up, PASID_EP_COMMAND, PASID_EP_CMD_STOP_PASID);
    g_assert_cmpuint(up_r(up, PASID_EP_STAT_STOP_MARKERS), ==, 2);
    g_assert_cmpuint(up->asked->len, ==, 3);
}

/* STOP: the channels of the PASID end, the marker comes last. */
static void test_stop_marker(void)
{
    g_autoptr(Up) up = up_new();
    const ImPageReq *r;

    up_start(up, 0, &auto_write);
    up_start(up, 1, &auto_write);
    up_run(up);
    up_ch_w(up, 1, PASID_EP_CH_COMMAND, PASID_EP_CH_CMD_STOP);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_ABORTED);
    g_assert_cmpuint(up_state(up, 1), ==, PASID_EP_STATE_ABORTED);
    g_assert_cmpuint(up->asked->len, ==, 3);
    r = up_asked(up, 2);
    g_assert_true(r->last && !r->read && !r->write && r->has_pasid);
    g_assert_cmpuint(r->pasid, ==, 5);
    g_assert_cmphex(r->addr, ==, 0);
    g_assert_cmpuint(outstanding(up), ==, 2);       /* takes no credit */
    up_respond(up, up_asked(up, 0)->prgi, 0, true, 5);
    up_respond(up, up_asked(up, 1)->prgi, 0, true, 5);
    g_assert_cmphex(status(up) & UPRGI, ==, 0);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_ABORTED);
    control(up, 0);
    up_ch_w(up, 0, PASID_EP_CH_COMMAND, PASID_EP_CH_CMD_STOP);
    g_assert_cmpuint(up->asked->len, ==, 3);        /* not while disabled */
}

static void test_unexpected(void)
{
    g_autoptr(Up) up = up_new();

    up_respond(up, 9, 0, true, 5);
    g_assert_cmphex(status(up), ==, PASID_REQUIRED | UPRGI);
    im_ep_cfg_write(up->ep, up_cap(up, 0x13) + 6, UPRGI, 2);
    g_assert_cmphex(status(up), ==, PASID_REQUIRED);
    /* an open group is not to be answered yet */
    g_assert_true(raw(up, PASID_EP_PR_CTRL_READ | IDX(4)));
    up_respond(up, 4, 0, true, 5);
    g_assert_cmphex(status(up), ==, PASID_REQUIRED | UPRGI);
    g_assert_cmpuint(outstanding(up), ==, 1);
    g_assert_true(raw(up, RL | IDX(4)));
    up_respond(up, 4, 0, true, 5);
    g_assert_cmpuint(outstanding(up), ==, 0);
    g_assert_cmpuint(im_ep_counters(up->ep)->responses_unexpected, ==, 2);
}

static void test_success_promises_nothing(void)
{
    g_autoptr(Up) up = up_new();

    up_ch_w(up, 0, PASID_EP_CH_RETRIES, 3);
    up_start(up, 0, &auto_write);
    up_run(up);
    for (unsigned i = 0; i < 3; i++) {
        g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_WAIT_PAGE);
        g_assert_cmpuint(up->asked->len, ==, i + 1);
        up_respond(up, up_asked(up, i)->prgi, 0, true, 5);
        up_run(up);
    }
    g_assert_cmpuint(up_cause(up, 0), ==, PASID_EP_CAUSE_RETRIES);
    g_assert_cmphex(up_ch(up, 0, PASID_EP_CH_BADADDR), ==, UP_VA + 0x10);
    g_assert_cmpuint(up->ats->len, ==, 4);
}

static void test_invalid_ends(void)
{
    g_autoptr(Up) up = up_new();

    up_start(up, 0, &auto_write);
    up_run(up);
    up_respond(up, up_asked(up, 0)->prgi, 1, true, 5);
    up_run(up);
    g_assert_cmpuint(up_cause(up, 0), ==, PASID_EP_CAUSE_RESP_INVALID);
    g_assert_cmpuint(up->asked->len, ==, 1);
    g_assert_cmphex(status(up), ==, PASID_REQUIRED);
}

/* Of a large group only the bad page fails, and its address is exact. */
static void test_invalid_is_exact(void)
{
    g_autoptr(Up) up = up_new();
    UpOp op = auto_write;

    up->serve_va = UP_VA;
    up->serve_size = 3 * 4096;
    up->serve_perm = 3;
    op.len = 6 * 4096;
    g_assert_cmpuint(up_do(up, &op), ==, PASID_EP_CAUSE_RESP_INVALID);
    g_assert_cmphex(up_ch(up, 0, PASID_EP_CH_BADADDR), ==, UP_VA + 3 * 4096);
    g_assert_cmpuint(up_ch(up, 0, PASID_EP_CH_DONE), ==, 3 * 4096 - 0x10);
    g_assert_cmpuint(PASID_EP_GET(up_ch(up, 0, PASID_EP_CH_STATUS),
                                  PASID_EP_CH_STATUS_RESPONSE),
                     ==, 1);
}

/* 1111b and every reserved code: RF, and silence until enabled anew. */
static void test_failure(void)
{
    for (uint8_t code = 2; code < 16; code++) {
        g_autoptr(Up) up = up_new();

        up_start(up, 0, &auto_write);
        up_start(up, 1, &auto_write);
        up_run(up);
        /* the index need not mean anything */
        up_respond(up, code == 15 ? 400 : up_asked(up, 0)->prgi, code, true, 5);
        g_assert_cmphex(status(up), ==, PASID_REQUIRED | RF);
        for (unsigned ch = 0; ch < 2; ch++) {
            g_assert_cmpuint(up_cause(up, ch), ==, PASID_EP_CAUSE_RESP_FAILURE);
        }
        g_assert_cmphex(up_misuse(up), ==,
                        code == 15 ? 0 : PASID_EP_MISUSE_RESP_CODE);
        up_respond(up, up_asked(up, 1)->prgi, 0, true, 5);  /* ignored */
        g_assert_cmphex(status(up), ==, PASID_REQUIRED | RF);
        g_assert_cmpuint(up_do(up, &auto_write), ==, PASID_EP_CAUSE_PRI_OFF);
        if (code & 1) {                     /* that is no revival */
            im_ep_cfg_write(up->ep, up_cap(up, 0x13) + 6, RF, 2);
            g_assert_cmphex(status(up), ==, PASID_REQUIRED);
            up->answered = up->asked->len;
            g_assert_cmpuint(up_do(up, &auto_write), ==,
                             PASID_EP_CAUSE_PRI_OFF);
        }
        control(up, 0);
        g_assert_cmphex(status(up), ==,
                        PASID_REQUIRED | STOPPED | (code & 1 ? 0 : RF));
        control(up, ENABLE);
        g_assert_cmphex(status(up), ==, PASID_REQUIRED);
        up->answered = up->asked->len;
        up->serve_va = UP_VA;
        up->serve_size = 4096;
        up->serve_perm = 3;
        g_assert_cmpuint(up_do(up, &auto_write), ==, 0);
    }
}

static void test_response_pasid(void)
{
    static const struct {
        bool required, request, response;
        uint32_t pasid;
        bool agrees;
    /* clang-format off */
    } rows[] = {
        { true, true, true, 5, true }, { true, true, true, 6, false },
        { true, true, false, 0, false }, { true, false, false, 0, true },
        { true, false, true, 5, false }, { false, true, false, 0, true },
        { false, true, true, 5, false },
    };
    /* clang-format on */

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        ImEpConfig cfg = IM_EP_CONFIG_DEFAULT;
        UpOp op = auto_write;

        cfg.pri_pasid_required = rows[i].required;
        g_autoptr(Up) up = up_new_with(&cfg);
        up_enable(up, 32);
        op.pasid = rows[i].request ? 5 : UP_NO_PASID;
        up_start(up, 0, &op);
        up_run(up);
        up_respond(up, up_asked(up, 0)->prgi, 0, rows[i].response,
                   rows[i].pasid);
        g_assert_cmphex(up_misuse(up), ==,
                        rows[i].agrees ? 0 : PASID_EP_MISUSE_RESP_PASID);
        g_assert_cmpuint(outstanding(up), ==, 0);
    }
}

static void test_header(void)
{
    g_autoptr(Up) up = up_new();

    g_assert_cmphex(im_ep_cfg_read(up->ep, up_cap(up, 0x13), 4), ==,
                    0x00010013);
    g_assert_cmpuint(im_ep_cfg_read(up->ep, up_cap(up, 0x13) + 8, 4), ==, 512);
    allocate(up, 7);                                /* illegal: kept */
    g_assert_cmpuint(im_ep_cfg_read(up->ep, up_cap(up, 0x13) + 12, 4), ==, 32);
    g_assert_cmphex(up_misuse(up), ==, PASID_EP_MISUSE_PRI_ALLOC_ON);
}

static void test_reset(void)
{
    g_autoptr(Up) up = up_new();

    up_start(up, 0, &auto_write);
    up_run(up);
    control(up, ENABLE | RESET);                    /* ignored */
    g_assert_cmphex(up_misuse(up), ==, PASID_EP_MISUSE_PRI_RESET_ON);
    g_assert_cmpuint(outstanding(up), ==, 1);
    control(up, RESET);                             /* clearing at once */
    g_assert_cmpuint(outstanding(up), ==, 0);
    g_assert_cmphex(status(up), ==, PASID_REQUIRED | STOPPED);
    g_assert_cmphex(im_ep_cfg_read(up->ep, up_cap(up, 0x13) + 4, 2), ==, 0);
    g_assert_cmpuint(up_cause(up, 0), ==, PASID_EP_CAUSE_PRI_OFF);
    g_assert_false(raw(up, RL));
}

/* The group that raw requests had open is forgotten with the others: its
 * index is anybody's. */
static void test_reset_forgets_raw(void)
{
    g_autoptr(Up) up = up_new();

    g_assert_true(raw(up, PASID_EP_PR_CTRL_READ | IDX(0)));     /* open */
    control(up, 0);
    control(up, RESET);
    control(up, ENABLE);
    up_start(up, 0, &auto_write);
    up_run(up);
    g_assert_cmpuint(up_asked(up, 1)->prgi, ==, 0);
    g_assert_true(raw(up, RL | PASID_EP_PR_CTRL_PRGI_AUTO));
    g_assert_cmpuint(up_asked(up, 2)->prgi, ==, 1);
}

/* Enable=0 and something outstanding: not Stopped, but draining. */
static void test_stopped(void)
{
    g_autoptr(Up) up = up_new();

    g_assert_cmphex(status(up), ==, PASID_REQUIRED);
    up_start(up, 0, &auto_write);
    up_run(up);
    control(up, 0);
    g_assert_cmphex(status(up), ==, PASID_REQUIRED);
    g_assert_false(raw(up, RL));
    up_respond(up, up_asked(up, 0)->prgi, 0, true, 5);
    g_assert_cmphex(status(up), ==, PASID_REQUIRED | STOPPED);
    up_run(up);
    g_assert_cmpuint(up_cause(up, 0), ==, PASID_EP_CAUSE_PRI_OFF);
    up_respond(up, 3, 0, true, 5);                  /* while disabled */
    g_assert_cmphex(status(up), ==, PASID_REQUIRED | STOPPED);
}

static void test_enable_while_draining(void)
{
    g_autoptr(Up) up = up_new();

    up_start(up, 0, &auto_write);
    up_run(up);
    up_respond(up, 300, 0, true, 5);
    g_assert_cmphex(status(up), ==, PASID_REQUIRED | UPRGI);
    control(up, 0);
    control(up, ENABLE);
    g_assert_cmphex(status(up), ==, PASID_REQUIRED);
    g_assert_cmphex(up_misuse(up), ==, PASID_EP_MISUSE_PRI_NOT_STOPPED);
    up_map(up, UP_VA, 0, 4096, 5, 3);
    up_respond(up, up_asked(up, 0)->prgi, 0, true, 5);
    up_run(up);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_OK);
}

static void test_capacity(void)
{
    ImEpConfig cfg = IM_EP_CONFIG_DEFAULT;

    cfg.pri_capacity = 3;
    g_autoptr(Up) up = up_new_with(&cfg);
    UpOp op = auto_write;

    up_enable(up, 3);
    g_assert_cmphex(up_misuse(up), ==, 0);          /* as much is fine */
    control(up, 0);
    up_enable(up, 1000);
    g_assert_cmphex(up_misuse(up), ==, PASID_EP_MISUSE_PRI_ALLOC_OVER);
    op.len = 8 * 4096;
    up_start(up, 0, &op);
    up_run(up);
    g_assert_cmpuint(up->asked->len, ==, 3);
    g_assert_true(up_asked(up, 2)->last);
}

/* Never more than allocated; groups closed before; waiting is fair. */
static void test_allocation(void)
{
    for (uint32_t n = 1; n < 9; n++) {
        g_autoptr(Up) up = up_new_with(&IM_EP_CONFIG_DEFAULT);
        UpOp op = auto_write;

        up_enable(up, n);
        up->serve_perm = 3;
        up->serve_va = UP_VA;
        up->serve_size = 1 << 22;
        op.len = 7 * 4096;
        for (unsigned ch = 0; ch < 8; ch++) {
            op.addr = UP_VA + ch * 0x10000u;
            up_start(up, ch, &op);
        }
        for (unsigned i = 0; up->kicked && i < 1000; i++) {
            up_run(up);
            g_assert_cmpuint(outstanding(up), <=, n);
            g_assert_true(up_asked(up, up->asked->len - 1)->last);
            up_serve(up);
        }
        for (unsigned ch = 0; ch < 8; ch++) {
            g_assert_cmpuint(up_state(up, ch), ==, PASID_EP_STATE_OK);
        }
    }
}

/* More outstanding than allocated: room is none, not plenty. */
static void test_over_allocation(void)
{
    g_autoptr(Up) up = up_new_with(&IM_EP_CONFIG_DEFAULT);

    up_enable(up, 2);
    for (unsigned i = 0; i < 5; i++) {
        g_assert_true(raw(up, RL | IDX(i) | PASID_EP_PR_CTRL_FORCE));
    }
    up_start(up, 0, &auto_write);
    up_run(up);
    g_assert_cmpuint(up->asked->len, ==, 5);
    for (uint16_t i = 0; i < 4; i++) {
        g_assert_cmpuint(up->asked->len, ==, 5);
        up_respond(up, i, 0, true, 5);
        up_run(up);
    }
    g_assert_cmpuint(up->asked->len, ==, 6);
}

static void test_no_allocation(void)
{
    g_autoptr(Up) up = up_new_with(&IM_EP_CONFIG_DEFAULT);

    up_enable(up, 0);
    g_assert_cmpuint(up_do(up, &auto_write), ==, PASID_EP_CAUSE_NO_ALLOCATION);
}

/* A lost response: the channel ends, index and credit stay in use. */
static void test_lost_response(void)
{
    g_autoptr(Up) up = up_new_with(&IM_EP_CONFIG_DEFAULT);

    up_enable(up, 1);
    up_w(up, PASID_EP_PAGE_TIMEOUT, 1000);
    up_start(up, 0, &auto_write);
    up_run(up);
    up_advance(up, 999);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_WAIT_PAGE);
    up_start(up, 1, &auto_write);
    up_run(up);
    up_advance(up, 1);
    g_assert_cmpuint(up_cause(up, 0), ==, PASID_EP_CAUSE_PAGE_TIMEOUT);
    g_assert_cmpuint(outstanding(up), ==, 1);
    up_advance(up, 999);
    g_assert_cmpuint(up_cause(up, 1), ==, PASID_EP_CAUSE_NO_ALLOCATION);
    up_respond(up, up_asked(up, 0)->prgi, 0, true, 5);  /* late, expected */
    g_assert_cmphex(status(up), ==, PASID_REQUIRED);
    g_assert_cmpuint(outstanding(up), ==, 0);
    g_assert_cmpuint(up->deadline, ==, IM_NEVER);
}

/* PAGE_TIMEOUT=0: it waits as long as it takes. */
static void test_no_timeout(void)
{
    g_autoptr(Up) up = up_new();

    up_w(up, PASID_EP_PAGE_TIMEOUT, 0);
    up_start(up, 0, &auto_write);
    up_run(up);
    g_assert_cmpuint(up->deadline, ==, IM_NEVER);
    up_advance(up, IM_NEVER / 2);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_WAIT_PAGE);
}

/* Who waits for room hears when there will be none. */
static void test_no_room_ever(void)
{
    g_autoptr(Up) up = up_new_with(&IM_EP_CONFIG_DEFAULT);

    up_enable(up, 1);
    g_assert_true(raw(up, RL | IDX(1)));
    up_start(up, 0, &auto_write);
    up_run(up);
    g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_WAIT_PAGE);
    control(up, 0);
    up_run(up);
    g_assert_cmpuint(up_cause(up, 0), ==, PASID_EP_CAUSE_PRI_OFF);
}

/* A wait for credit that others keep taking has an end, too. */
static void test_starving(void)
{
    g_autoptr(Up) up = up_new_with(&IM_EP_CONFIG_DEFAULT);

    up_enable(up, 1);
    up_w(up, PASID_EP_PAGE_TIMEOUT, 1000);
    g_assert_true(raw(up, RL | IDX(1)));
    up_start(up, 0, &auto_write);
    up_run(up);
    for (unsigned i = 0; i < 9; i++) {
        up_advance(up, 100);
        up_respond(up, (uint16_t)(i + 1), 0, true, 5);
        g_assert_true(raw(up, RL | IDX(i + 2)));    /* before it runs */
        up_run(up);
        g_assert_cmpuint(up_state(up, 0), ==, PASID_EP_STATE_WAIT_PAGE);
    }
    up_advance(up, 100);
    g_assert_cmpuint(up_cause(up, 0), ==, PASID_EP_CAUSE_NO_ALLOCATION);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(PCIE_PRI_REQUEST, "one-group", test_group);
    spec_test(PCIE_PRI_REQUEST, "index-not-reused", test_index_reuse);
    spec_test(PCIE_PRI_PASID, "same-in-a-group", test_pasid_usage);
    spec_test(PCIE_PRI_REQUEST, "indices-in-turn", test_indices_in_turn);
    spec_test(PCIE_PRI_STOP_MARKER, "last-and-free", test_stop_marker);
    spec_test(PCIE_PRI_STOP_MARKER, "conditions", test_marker_conditions);
    spec_test(PCIE_PRI_CTRL, "reset-forgets-raw", test_reset_forgets_raw);
    spec_test(PCIE_PRI_RESPONSE, "unexpected", test_unexpected);
    spec_test(PCIE_PRI_RESPONSE, "lost", test_lost_response);
    spec_test(PCIE_PRI_RESPONSE, "waited-for", test_no_timeout);
    spec_test(PCIE_PRI_ALLOCATION, "never", test_no_room_ever);
    spec_test(PCIE_PRI_CODE, "success-promises-nothing",
              test_success_promises_nothing);
    spec_test(PCIE_PRI_CODE, "invalid-ends", test_invalid_ends);
    spec_test(PCIE_PRI_CODE, "invalid-is-exact", test_invalid_is_exact);
    spec_test(PCIE_PRI_CODE, "failure-is-final", test_failure);
    spec_test(PCIE_PRI_RESPONSE_PASID, "iff-requested", test_response_pasid);
    spec_test(PCIE_PRI_HEADER, "id-and-version", test_header);
    spec_test(PCIE_PRI_CTRL, "reset", test_reset);
    spec_test(PCIE_PRI_CTRL, "enable-while-draining",
              test_enable_while_draining);
    spec_test(PCIE_PRI_STATUS, "stopped", test_stopped);
    spec_test(PCIE_PRI_CAPACITY, "rules-over-allocation", test_capacity);
    spec_test(PCIE_PRI_ALLOCATION, "honoured", test_allocation);
    spec_test(PCIE_PRI_ALLOCATION, "exceeded", test_over_allocation);
    spec_test(PCIE_PRI_ALLOCATION, "zero", test_no_allocation);
    spec_test(PCIE_PRI_ALLOCATION, "starving-ends", test_starving);
    return g_test_run();
}
