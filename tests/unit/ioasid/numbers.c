/*
 * Numbers: the lowest free one, against a plain array; tables.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "hw/ioasid/numbers.h"
#include "lib/io.h"

static void test_lowest(void)
{
    g_autoptr(Io) io = io_new(NULL);
    IoNumbers *n = im_numbers_new(io->h);
    enum { COUNT = 9000 };
    bool *taken = g_new0(bool, COUNT);
    uint32_t first = 0;

    for (unsigned i = 0; i < 60000; i++) {
        uint32_t at = (uint32_t)g_test_rand_int_range(0, COUNT);
        uint32_t last, want;

        if (i % 20 == 0) {          /* most ask from one number on */
            first = (uint32_t)g_test_rand_int_range(0, COUNT);
        }
        last = (uint32_t)g_test_rand_int_range((gint32)first, COUNT);
        want = first;
        g_assert_cmpint(im_numbers_taken(n, at), ==, taken[at]);
        if (taken[at] && i % 5 == 0) {
            im_numbers_give(n, at);
            taken[at] = false;
        } else if (!taken[at]) {
            g_assert_true(im_numbers_ready(io->h, n, at));
            im_numbers_take(n, at);
            taken[at] = true;
        }
        while (want <= last && taken[want]) {
            want++;
        }
        g_assert_cmpuint(im_numbers_lowest(n, first, last), ==,
                         want <= last ? want : UINT32_MAX);
    }
    im_numbers_free(io->h, n);
    g_free(taken);
}

/* Full pages, full words, and the end of the range. */
static void test_full(void)
{
    g_autoptr(Io) io = io_new(NULL);
    IoNumbers *n = im_numbers_new(io->h);

    for (uint32_t i = 0; i < IO_NUMBERS; i++) {
        g_assert_true(im_numbers_ready(io->h, n, i));
        im_numbers_take(n, i);
    }
    g_assert_cmpuint(im_numbers_lowest(n, 0, IM_PASID_MAX), ==, UINT32_MAX);
    im_numbers_give(n, IM_PASID_MAX);
    g_assert_cmpuint(im_numbers_lowest(n, 0, IM_PASID_MAX), ==, IM_PASID_MAX);
    g_assert_cmpuint(im_numbers_lowest(n, 0, IM_PASID_MAX - 1), ==, UINT32_MAX);
    im_numbers_give(n, 4095);
    g_assert_cmpuint(im_numbers_lowest(n, 1, IM_PASID_MAX), ==, 4095);
    g_assert_cmpuint(im_numbers_lowest(n, 4096, IM_PASID_MAX), ==,
                     IM_PASID_MAX);
    im_numbers_free(io->h, n);
}

static void test_table(void)
{
    g_autoptr(Io) io = io_new(NULL);
    IoTable *t = im_table_new(io->h);

    g_assert_null(im_table_get(t, 5));
    g_assert_null(im_table_get(t, UINT32_MAX));
    g_assert_true(im_table_ready(io->h, t, IM_PASID_MAX));
    im_table_set(t, IM_PASID_MAX, io);
    g_assert_true(im_table_get(t, IM_PASID_MAX) == io);
    g_assert_null(im_table_get(t, IM_PASID_MAX - 1));
    g_assert_null(im_table_get(t, IO_NUMBERS));
    io_fail_alloc(io, 0);
    g_assert_false(im_table_ready(io->h, t, 5));
    im_table_free(io->h, t);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ioasid/numbers/lowest", test_lowest);
    g_test_add_func("/ioasid/numbers/full", test_full);
    g_test_add_func("/ioasid/numbers/table", test_table);
    return g_test_run();
}
