/*
 * Rings in guest memory.
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib.h>

#include "hw/core/ring.h"

static const ImRing ring = { .base = 0x10000, .bytes = 0x1000, .entry = 32 };

static void test_offsets(void)
{
    g_assert_true(im_ring_inside(&ring, 0xfe0));
    g_assert_false(im_ring_inside(&ring, 0x1000));
    g_assert_false(im_ring_inside(&ring, UINT64_MAX));
    g_assert_true(im_ring_aligned(&ring, 0x40));
    g_assert_false(im_ring_aligned(&ring, 0x50));
    g_assert_cmphex(im_ring_addr(&ring, 0xfe0), ==, 0x10fe0);
    g_assert_cmpuint(im_ring_entries(&ring), ==, 128);
}

/* Whatever software writes, the result names an entry. */
static void test_wrap(void)
{
    g_assert_cmphex(im_ring_wrap(&ring, 0x1020), ==, 0x20);
    g_assert_cmphex(im_ring_wrap(&ring, 0x3f), ==, 0x20);
    g_assert_cmphex(im_ring_wrap(&ring, UINT64_MAX), ==, 0xfe0);
    g_assert_cmphex(im_ring_next(&ring, 0xfe0), ==, 0);
    g_assert_cmphex(im_ring_next(&ring, 0), ==, 0x20);
}

/* Against a count kept by hand: push until full, pop until empty. */
static void test_fill_and_drain(void)
{
    uint32_t head = 0x400, tail = 0x400, used = 0;

    while (!im_ring_full(&ring, head, tail)) {
        tail = im_ring_next(&ring, tail);
        used++;
        g_assert_cmpuint(im_ring_used(&ring, head, tail), ==, used);
    }
    g_assert_cmpuint(used, ==, 127);
    while (head != tail) {
        head = im_ring_next(&ring, head);
        used--;
        g_assert_false(im_ring_full(&ring, head, tail));
        g_assert_cmpuint(im_ring_used(&ring, head, tail), ==, used);
    }
    g_assert_cmpuint(used, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/core/ring/offsets", test_offsets);
    g_test_add_func("/core/ring/wrap", test_wrap);
    g_test_add_func("/core/ring/fill-and-drain", test_fill_and_drain);
    return g_test_run();
}
