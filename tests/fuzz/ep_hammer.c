/*
 * A hostile guest under a hostile host: registers, configuration, messages
 * in any order, answers of any kind. Nothing crashes, nothing loops, and
 * once the noise stops every operation ends.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tests/lib/fuzz.h"
#include "tests/unit/pcie/upstream.h"

static GRand *rnd;

static unsigned pick(unsigned n)
{
    return (unsigned)g_rand_int_range(rnd, 0, (gint32)n);
}

/* Values that mean something more often than chance would. */
static uint64_t value(void)
{
    /* clang-format off */
    static const uint64_t nice[] = {
        0, 1, 2, 3, 4, 5, 7, 8, 63, 4095, 4096, 8192, 0x10000, 1 << 20,
        UP_VA, UP_VA + 0xfff, UINT32_MAX, UINT64_MAX, UINT64_MAX - 4095,
        IM_PASID_MAX, IM_PASID_MAX + 1,
    };
    /* clang-format on */

    switch (pick(4)) {
    case 0:
        return (uint64_t)g_rand_int(rnd) << 32 | g_rand_int(rnd);
    case 1:
        return UINT64_C(1) << pick(64);
    default:
        return nice[pick(G_N_ELEMENTS(nice))];
    }
}

static uint64_t offset(void)
{
    switch (pick(8)) {
    case 0:
        return value() % (2 * IM_EP_BAR0_SIZE);
    case 1:
        return pick(0x20) * 8;
    case 2:
        return 0x300 + pick(9) * 8;
    case 3:
        return 0x400 + pick(40) * 8;
    case 4:
        return 0x600 + pick(8) * 8;
    default:
        return PASID_EP_CH(pick(9), pick(20) * 8);
    }
}

static void mmio(Up *up)
{
    static const unsigned sizes[] = { 8, 8, 8, 8, 4, 4, 1, 2, 16, 0 };
    unsigned size = sizes[pick(G_N_ELEMENTS(sizes))];

    if (pick(3) == 0) {
        im_ep_mmio_read(up->ep, offset() + pick(20) / 19, size);
    } else {
        im_ep_mmio_write(up->ep, offset() + pick(20) / 19, value(), size);
    }
}

/* A program that has a chance to work. */
static void sane_start(Up *up)
{
    UpOp op = {
        .op = pick(11),
        .mode = pick(6),
        .addr = UP_VA + pick(1 << 18),
        .len = pick(1 << 17),
        .addr2 = pick(1 << 20),
        .seed = value(),
        .pasid = (int64_t)pick(4) - 1,
        .flags = pick(2) ? 0 : value() & 0xffff00ff0300,
    };
    unsigned ch = pick(8);

    if (op.op == PASID_EP_OP_COPY) {
        op.addr2 = UP_VA + pick(1 << 18);
    }
    up_start(up, ch, &op);
}

static void config(Up *up)
{
    static const unsigned sizes[] = { 1, 2, 4, 4, 3, 8 };
    unsigned size = sizes[pick(G_N_ELEMENTS(sizes))];

    if (pick(4) == 0) {
        up_enable(up, pick(64));
    } else if (pick(3) == 0) {
        im_ep_cfg_read(up->ep, 0x100 + pick(0x48), size);
    } else {
        im_ep_cfg_write(up->ep, 0x100 + pick(0x28), (uint32_t)value(), size);
    }
}

static void message(Up *up)
{
    switch (pick(6)) {
    case 0:
        up_invalidate(up, value(), (uint8_t)pick(80), (int64_t)pick(4) - 1,
                      pick(2), (uint8_t)pick(64));
        break;
    case 1:
        up_respond(up, (uint16_t)value(),
                   (uint8_t)(pick(8) ? pick(2) : pick(256)), pick(2),
                   (uint32_t)value());
        break;
    case 2:
    case 3:
        if (up->asked->len) {
            ImPageReq r = *up_asked(up, pick(up->asked->len));
            up_respond(up, r.prgi, (uint8_t)(pick(4) == 0), r.has_pasid,
                       r.pasid);
        }
        break;
    case 4:
        if (up->parked->len) {
            up_unpark(up, pick(4));
        }
        break;
    default:                            /* a handle of nobody */
        im_ep_dma_done(up->ep, value() | UINT64_C(1) << 63, (ImStatus)pick(2),
                       (ImCpl)pick(3));
        break;
    }
}

static void mood(Up *up)
{
    up->park = pick(4) == 0;
    up->ats_ur = pick(20) == 0;
    up->ats_ca = pick(20) == 0;
    up->fail_at = up->accesses + pick(50);
    up->serve_va = UP_VA;
    up->serve_size = pick(1 << 19);
    up->serve_perm = pick(4);
    if (up->maps->len > 200) {
        g_array_set_size(up->maps, 0);
    }
    up->next_pa = UP_MEM / 2;
    if (pick(4) == 0) {
        up_map(up, UP_VA + pick(64) * 4096, pick(512) * 4096,
               UINT64_C(4096) << pick(10), (int64_t)pick(4) - 1, pick(8));
    }
}

/* The host may be re-entered by a request that hits the function. */
static unsigned depth;

static void inside(Up *up)
{
    if (depth < 3 && pick(16) == 0) {
        depth++;
        if (pick(4)) {
            mmio(up);
        } else if (pick(2)) {
            config(up);
        } else {
            message(up);
        }
        depth--;
    }
}

static void trim(Up *up)
{
    if (up->dma->len > 4096) {
        g_array_set_size(up->dma, 0);
        g_array_set_size(up->ats, 0);
        g_array_set_size(up->msi, 0);
        g_array_set_size(up->done, 0);
    }
    if (up->asked->len > 4096) {
        g_array_set_size(up->asked, 0);
        up->answered = 0;
    }
}

static void step(Up *up)
{
    switch (pick(16)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
        mmio(up);
        break;
    case 5:
    case 6:
        sane_start(up);
        break;
    case 7:
        config(up);
        break;
    case 8:
    case 9:
        message(up);
        break;
    case 10:
    case 11:
    case 12:
        im_ep_run(up->ep);
        break;
    case 13:
        up->now += value() % 1000000000;
        im_ep_deadline(up->ep);
        break;
    case 14:
        mood(up);
        break;
    default:
        if (pick(8) == 0) {
            im_ep_set_bus_master(up->ep, pick(4));
        } else if (pick(16) == 0) {
            pick(2) ? im_ep_flr(up->ep) : im_ep_reset(up->ep);
        }
        break;
    }
    trim(up);
}

/*
 * The noise is over and the host behaves: parked requests end, pages are
 * refused, time passes. Every channel comes to its end.
 */
static void calm(Up *up)
{
    up->in_ats = up->in_dma = NULL;
    up->park = false;
    up->serve_perm = 0;
    up->kicked = true;
    up_w(up, PASID_EP_PAGE_TIMEOUT, 1000);
    for (unsigned i = 0; i < 200000; i++) {
        bool busy = up_r(up, PASID_EP_STATUS) & PASID_EP_STATUS_BUSY;

        if (!busy && up->parked->len == 0) {
            break;
        }
        im_ep_run(up->ep);
        if (up->parked->len) {
            up_unpark(up, true);
        }
        up_serve(up);
        if (up->deadline != IM_NEVER) {
            up_advance(up, up->deadline > up->now ? up->deadline - up->now : 0);
        }
        trim(up);
        if (i == 100000) {          /* gigabytes, or waiting for ever */
            up_w(up, PASID_EP_COMMAND, PASID_EP_CMD_ABORT_ALL);
        }
    }
    g_assert_cmphex(up_r(up, PASID_EP_STATUS) & PASID_EP_STATUS_BUSY, ==, 0);
    for (unsigned ch = 0; ch < 8; ch++) {
        g_assert_cmpuint(up_ch(up, ch, PASID_EP_CH_LAUNCHED), ==,
                         up_ch(up, ch, PASID_EP_CH_RETURNED));
    }
    g_assert_cmpuint(up->parked->len, ==, 0);
}

static void round_with(uint32_t seed)
{
    ImEpConfig cfg = IM_EP_CONFIG_DEFAULT;
    GString *text = g_string_new(NULL);

    g_rand_set_seed(rnd, seed);
    cfg.atc_entries = pick(3) ? 1 + pick(32) : 0;
    cfg.pri_capacity = 1 + pick(600);
    cfg.pasid_bits = (uint8_t)pick(21);
    cfg.page_timeout_ns = pick(3) ? 1000000 : 0;
    cfg.pri_pasid_required = pick(2);
    cfg.pri = pick(8) != 0;
    g_autoptr(Up) up = up_new_with(&cfg);
    up->in_ats = up->in_dma = inside;
    up_enable(up, 32);
    for (unsigned i = 0; i < 1500; i++) {
        step(up);
    }
    im_ep_dump(up->ep, text);
    calm(up);
    g_string_free(text, true);
}

static void test_hammer(void)
{
    Fuzz f = fuzz_new(400);

    for (uint64_t i = 0; i < f.rounds; i++) {
        round_with((uint32_t)(f.state + i));
    }
}

/* The same seed, the same bytes: nothing depends on anything else. */
static void test_deterministic(void)
{
    char *dump[2];

    for (unsigned i = 0; i < 2; i++) {
        g_autoptr(Up) up = up_new();
        GString *text = g_string_new(NULL);

        g_rand_set_seed(rnd, 20261121);
        for (unsigned n = 0; n < 3000; n++) {
            step(up);
        }
        im_ep_dump(up->ep, text);
        dump[i] = g_string_free(text, false);
    }
    g_assert_cmpstr(dump[0], ==, dump[1]);
    g_free(dump[0]);
    g_free(dump[1]);
}

int main(int argc, char **argv)
{
    int rc;

    g_test_init(&argc, &argv, NULL);
    rnd = g_rand_new_with_seed(0);
    g_test_add_func("/pcie/hammer", test_hammer);
    g_test_add_func("/pcie/deterministic", test_deterministic);
    rc = g_test_run();
    g_rand_free(rnd);
    return rc;
}
