/*
 * Capabilities, bit by bit: what each writes as 1, as 0, and after reset.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tests/unit/pcie/upstream.h"

/* Written down from the tables, not from the model's own masks. */
typedef struct Quad {
    const char *name;
    unsigned off;
    uint64_t reset;
    uint64_t rw;
} Quad;

static const Quad quads[] = {
    { "pasid", 0x100, UINT64_C(0x000014061081001b),
      UINT64_C(0x0007000000000000) },
    { "ats", 0x108, UINT64_C(0x000000601101000f),
      UINT64_C(0x801f000000000000) },
    { "pri", 0x110, UINT64_C(0x8100000012010013),
      UINT64_C(0x0000000100000000) },
    { "pri-counts", 0x118, UINT64_C(0x0000000000000200),
      UINT64_C(0xffffffff00000000) },
    { "acs", 0x120, UINT64_C(0x0000004c0001000d),
      UINT64_C(0x004c000000000000) },
};

/* A function that has all of them. */
static ImEpConfig whole(void)
{
    ImEpConfig cfg = IM_EP_CONFIG_DEFAULT;

    cfg.acs = true;
    return cfg;
}

static uint64_t read_quad(Up *up, unsigned off)
{
    return im_ep_cfg_read(up->ep, off, 4) |
           (uint64_t)im_ep_cfg_read(up->ep, off + 4, 4) << 32;
}

static void write_dword_of(Up *up, unsigned off, unsigned bit, uint64_t val)
{
    unsigned half = bit / 32 * 4;

    im_ep_cfg_write(up->ep, off + half, (uint32_t)(val >> (half * 8)), 4);
}

static void test_bits(const void *data)
{
    const Quad *q = data;
    const ImEpConfig cfg = whole();

    for (unsigned bit = 0; bit < 64; bit++) {
        g_autoptr(Up) up = up_new_with(&cfg);
        uint64_t mask = UINT64_C(1) << bit;
        uint64_t want = q->reset | (mask & q->rw);

        g_assert_cmphex(read_quad(up, q->off), ==, q->reset);
        write_dword_of(up, q->off, bit, mask);
        if (q->off == 0x110 && bit == 32) {
            want &= ~(UINT64_C(1) << 56);       /* Enable clears Stopped */
        }
        g_assert_cmphex(read_quad(up, q->off), ==, want);
        write_dword_of(up, q->off, bit, 0);
        g_assert_cmphex(read_quad(up, q->off), ==, q->reset);
        write_dword_of(up, q->off, bit, mask);
        im_ep_flr(up->ep);
        g_assert_cmphex(read_quad(up, q->off), ==, q->reset);
        write_dword_of(up, q->off, bit, mask);
        im_ep_reset(up->ep);
        g_assert_cmphex(read_quad(up, q->off), ==, q->reset);
    }
}

/* The same from bytes: each byte alone reaches its own bits only. */
static void test_bytes(void)
{
    const ImEpConfig cfg = whole();

    for (unsigned i = 0; i < G_N_ELEMENTS(quads); i++) {
        for (unsigned byte = 0; byte < 8; byte++) {
            g_autoptr(Up) up = up_new_with(&cfg);
            uint64_t lane = UINT64_C(0xff) << (8 * byte);
            uint64_t want = quads[i].reset | (quads[i].rw & lane);

            if (quads[i].off == 0x110 && byte == 4) {
                want &= ~(UINT64_C(1) << 56);
            }
            im_ep_cfg_write(up->ep, quads[i].off + byte, 0xff, 1);
            g_assert_cmphex(read_quad(up, quads[i].off), ==, want);
            for (unsigned b = 0; b < 8; b++) {
                g_assert_cmphex(im_ep_cfg_read(up->ep, quads[i].off + b, 1), ==,
                                want >> (8 * b) & 0xff);
            }
        }
    }
}

static void test_outside_reads_zero(void)
{
    g_autoptr(Up) up = up_new_with(&IM_EP_CONFIG_DEFAULT);

    for (unsigned off = 0; off < 0x1000; off += 4) {
        if (off >= 0x100 && off < 0x120) {
            continue;
        }
        im_ep_cfg_write(up->ep, off, UINT32_MAX, 4);
        g_assert_cmphex(im_ep_cfg_read(up->ep, off, 4), ==, 0);
    }
    g_assert_cmphex(im_ep_cfg_read(up->ep, 0x102, 4), ==, 0);
    g_assert_cmphex(im_ep_cfg_read(up->ep, 0x101, 2), ==, 0);
    g_assert_cmphex(im_ep_cfg_read(up->ep, 0x100, 3), ==, 0);
    g_assert_cmphex(im_ep_cfg_read(up->ep, 0x100, 8), ==, 0);
}

/* Every subset of the capabilities is a chain without gaps. */
static void test_chain(void)
{
    for (unsigned set = 0; set < 16; set++) {
        ImEpConfig cfg = IM_EP_CONFIG_DEFAULT;
        unsigned at = IM_EP_ECAP_BASE;

        cfg.pasid = set & 1;
        cfg.ats = set & 2;
        cfg.pri = set & 4;
        cfg.acs = set & 8;
        cfg.pasid_exec &= cfg.pasid;
        cfg.pasid_priv &= cfg.pasid;
        cfg.next_ecap = 0x148;
        if (cfg.pri && !cfg.ats) {
            continue;
        }
        g_autoptr(Up) up = up_new_with(&cfg);

        if (cfg.pasid) {
            g_assert_cmphex(up_cap(up, 0x1b), ==, at);
            at += 8;
        }
        if (cfg.ats) {
            g_assert_cmphex(up_cap(up, 0xf), ==, at);
            at += 8;
        }
        if (cfg.pri) {
            g_assert_cmphex(up_cap(up, 0x13), ==, at);
            at += 16;
        }
        if (cfg.acs) {
            g_assert_cmphex(up_cap(up, 0xd), ==, at);
            at += 8;
        }
        if (set) {
            unsigned last = cfg.pri && !cfg.acs ? at - 16 : at - 8;

            g_assert_cmphex(im_ep_cfg_read(up->ep, last, 4) >> 20, ==, 0x148);
        }
        for (; at < IM_EP_ECAP_END; at += 4) {
            g_assert_cmphex(im_ep_cfg_read(up->ep, at, 4), ==, 0);
        }
    }
}

typedef struct Bad {
    const char *name;
    ImEpConfig cfg;
} Bad;

#define BASE  .channels = 8, .buffer_size = 1 << 20
static const Bad bad[] = {
    { "pasid-bits", { BASE, .pasid = true, .pasid_bits = 21 } },
    { "exec-without-pasid", { BASE, .pasid_exec = true } },
    { "priv-without-pasid", { BASE, .pasid_priv = true } },
    { "pri-without-ats", { BASE, .pri = true, .pri_capacity = 1 } },
    { "pri-without-capacity", { BASE, .ats = true, .pri = true } },
    { "queue-depth", { BASE, .ats = true, .ats_queue_depth = 32 } },
    { "no-channels", { .buffer_size = 1 << 20 } },
    { "many-channels", { .channels = 33, .buffer_size = 1 << 20 } },
    { "small-buffer", { .channels = 1, .buffer_size = 1 << 19 } },
    { "odd-buffer", { .channels = 1, .buffer_size = 3 << 20 } },
    { "huge-atc", { BASE, .atc_entries = 2 << 20 } },
    { "next-inside", { BASE, .next_ecap = 0x120 } },
    { "next-odd", { BASE, .next_ecap = 0x142 } },
};

static void test_bad_config(const void *data)
{
    static const ImEpPort port = {
        .size = sizeof(ImEpPort),
        .dma = up_dma,
        .ats = up_ats,
        .page_request = up_page_request,
        .ats_inv_done = up_inv_done,
        .msi = up_msi,
        .kick = up_kick,
        .now = up_now,
        .deadline = up_set_deadline,
    };
    const Bad *b = data;
    ImEpPort holes = port;
    char *err = NULL;

    g_assert_null(im_ep_new(&b->cfg, &port, NULL, &err));
    g_assert_nonnull(err);
    g_clear_pointer(&err, g_free);
    g_assert_null(im_ep_new(&b->cfg, &port, NULL, NULL));
    holes.kick = NULL;
    g_assert_null(im_ep_new(&IM_EP_CONFIG_DEFAULT, &holes, NULL, &err));
    g_assert_nonnull(err);
    g_clear_pointer(&err, g_free);
    holes.size = 8;
    g_assert_null(im_ep_new(&IM_EP_CONFIG_DEFAULT, &holes, NULL, &err));
    g_assert_nonnull(err);
    g_free(err);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(quads); i++) {
        g_autofree char *path = g_strdup_printf("/pcie/cfg/bits/%s",
                                                quads[i].name);
        g_test_add_data_func(path, &quads[i], test_bits);
    }
    g_test_add_func("/pcie/cfg/bytes", test_bytes);
    g_test_add_func("/pcie/cfg/outside", test_outside_reads_zero);
    g_test_add_func("/pcie/cfg/chain", test_chain);
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *path = g_strdup_printf("/pcie/cfg/refused/%s",
                                                bad[i].name);
        g_test_add_data_func(path, &bad[i], test_bad_config);
    }
    return g_test_run();
}
