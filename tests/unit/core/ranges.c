/*
 * Sorted lists of ranges, against a bit for each address: at the bottom of
 * the addresses and at their top. Memory that fails changes nothing.
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib.h>
#include <string.h>

#include "hw/core/ranges.h"
#include "lib/rounds.h"

#define WIDTH  64u

/* A host's memory, every allocation of which may be the last. */
typedef struct Heap {
    unsigned left;              /* allocations until one fails */
    size_t held;                /* bytes */
} Heap;

static void *heap_alloc(void *opaque, size_t bytes)
{
    Heap *h = opaque;

    if (!h->left) {
        return NULL;
    }
    h->left--;
    h->held += bytes;
    return g_malloc(bytes);
}

static void heap_free(void *opaque, void *p, size_t bytes)
{
    Heap *h = opaque;

    g_assert_cmpuint(h->held, >=, bytes);
    h->held -= bytes;
    g_free(p);
}

typedef struct World {
    Heap heap;
    ImMemory mem;
    uint64_t base;              /* of WIDTH addresses */
    ImRanges r;
    uint64_t truth;             /* bit n: base + n is in a range */
} World;

static void world_init(World *w, uint64_t base)
{
    *w = (World) { .heap.left = UINT_MAX, .base = base };
    w->mem = (ImMemory) { heap_alloc, heap_free, &w->heap };
}

static void world_end(World *w)
{
    im_ranges_free(&w->mem, &w->r);
    g_assert_cmpuint(w->r.count, ==, 0);
    g_assert_cmpuint(w->heap.held, ==, 0);
}

static uint64_t bits(unsigned first, unsigned last)
{
    return UINT64_MAX >> (WIDTH - 1 - last) & UINT64_MAX << first;
}

/* The list says what the bits say, in order and with nothing in two. */
static void world_check(const World *w)
{
    uint64_t seen = 0;

    for (uint32_t i = 0; i < w->r.count; i++) {
        ImRange a = w->r.range[i];

        g_assert_cmpuint(a.first, >=, w->base);
        g_assert_cmpuint(a.first, <=, a.last);
        g_assert_true(!i || w->r.range[i - 1].last + 1 < a.first);
        seen |= bits((unsigned)(a.first - w->base),
                     (unsigned)(a.last - w->base));
    }
    g_assert_cmphex(seen, ==, w->truth);
}

static void world_ask(const World *w, unsigned first, unsigned last)
{
    uint64_t mask = bits(first, last);
    ImRange rest = { w->base + first, w->base + last };
    uint64_t gaps = 0;
    ImRange gap;

    g_assert_cmpint(im_ranges_meet(&w->r, rest.first, rest.last), ==,
                    (w->truth & mask) != 0);
    g_assert_cmpint(im_ranges_hold(&w->r, rest.first, rest.last), ==,
                    (w->truth & mask) == mask);
    while (im_ranges_gap(&w->r, &rest, &gap)) {
        uint64_t is = bits((unsigned)(gap.first - w->base),
                           (unsigned)(gap.last - w->base));

        g_assert_cmpuint(gap.first, <=, gap.last);
        g_assert_true(gaps < is);
        gaps |= is;
    }
    g_assert_cmphex(gaps, ==, mask & ~w->truth);
    g_assert_cmpuint(rest.first, >, rest.last);
}

static void random_rounds(uint64_t base)
{
    for (unsigned round = 0; round < test_rounds(500); round++) {
        World w;

        world_init(&w, base);
        for (unsigned i = 0; i < 12; i++) {
            unsigned a = (unsigned)g_test_rand_int_range(0, WIDTH);
            unsigned b = a + (unsigned)g_test_rand_int_range(0, 8);

            b = MIN(b, WIDTH - 1);
            g_assert_true(im_ranges_add(&w.mem, &w.r, base + a, base + b));
            w.truth |= bits(a, b);
            world_check(&w);
            world_ask(&w, a / 2, b);
            world_ask(&w, a, WIDTH - 1);
            world_ask(&w, 0, WIDTH - 1);
        }
        world_end(&w);
    }
}

static void test_bottom(void)
{
    random_rounds(0);
}

static void test_top(void)
{
    random_rounds(UINT64_MAX - (WIDTH - 1));
}

/* Everything, in one range; and none of it. */
static void test_whole(void)
{
    ImRange rest = { 0, UINT64_MAX };
    ImRange gap;
    World w;

    world_init(&w, 0);
    g_assert_true(im_ranges_gap(&w.r, &rest, &gap));
    g_assert_cmphex(gap.first, ==, 0);
    g_assert_cmphex(gap.last, ==, UINT64_MAX);
    g_assert_false(im_ranges_gap(&w.r, &rest, &gap));
    g_assert_true(im_ranges_add(&w.mem, &w.r, 7, 9));
    g_assert_true(im_ranges_add(&w.mem, &w.r, 0, UINT64_MAX));
    g_assert_cmpuint(w.r.count, ==, 1);
    rest = (ImRange) { 0, UINT64_MAX };
    g_assert_false(im_ranges_gap(&w.r, &rest, &gap));
    world_end(&w);
}

static void test_memory_fails(void)
{
    World w;

    world_init(&w, 0);
    w.heap.left = 1;
    for (unsigned n = 0; im_ranges_add(&w.mem, &w.r, 2 * n, 2 * n); n++) {
        w.truth |= bits(2 * n, 2 * n);
        world_check(&w);
    }
    world_check(&w);
    g_assert_cmpuint(w.r.count, ==, w.r.room);
    g_assert_false(im_ranges_make_room(&w.mem, &w.r, w.r.room + 1));
    world_check(&w);
    g_assert_true(im_ranges_add(&w.mem, &w.r, 1, 1));   /* joins two */
    w.truth |= bits(1, 1);
    world_check(&w);
    world_end(&w);
}

/* What there is room for cannot fail. */
static void test_room(void)
{
    World w;

    world_init(&w, 0);
    g_assert_true(im_ranges_make_room(&w.mem, &w.r, 20));
    w.heap.left = 0;
    for (unsigned n = 0; n < 20; n++) {
        g_assert_true(im_ranges_add(&w.mem, &w.r, 3 * n, 3 * n));
    }
    g_assert_cmpuint(w.r.count, ==, 20);
    world_end(&w);
}

/* --- lists that somebody wrote down ------------------------------------- */

typedef struct SortRow {
    const char *name;
    unsigned count;
    ImRange in[4];
    bool good;
    unsigned joined;            /* ranges, once those that touch are one */
} SortRow;

static const SortRow sort_rows[] = {
    { "none", 0, { { 0, 0 } }, true, 0 },
    { "one-address", 1, { { 5, 5 } }, true, 1 },
    { "reversed", 1, { { 5, 4 } }, false, 0 },
    { "reversed-between", 3, { { 9, 10 }, { 6, 5 }, { 1, 2 } }, false, 0 },
    { "in-order", 3, { { 1, 2 }, { 4, 5 }, { 7, 8 } }, true, 3 },
    { "backwards", 3, { { 7, 8 }, { 4, 5 }, { 1, 2 } }, true, 3 },
    { "touch", 4, { { 6, 7 }, { 0, 1 }, { 4, 5 }, { 2, 2 } }, true, 2 },
    { "twice", 2, { { 4, 5 }, { 4, 5 } }, false, 0 },
    { "one-shared", 2, { { 5, 9 }, { 1, 5 } }, false, 0 },
    { "one-within", 2, { { 0, UINT64_MAX }, { 1, 1 } }, false, 0 },
    { "all", 2, { { 1, UINT64_MAX }, { 0, 0 } }, true, 1 },
};

static void test_sort_row(gconstpointer data)
{
    const SortRow *row = data;
    World w;

    world_init(&w, 0);
    g_assert_true(im_ranges_make_room(&w.mem, &w.r, row->count));
    for (unsigned i = 0; i < row->count; i++) {
        w.r.range[w.r.count++] = row->in[i];
    }
    g_assert_cmpint(im_ranges_sort(&w.r), ==, row->good);
    if (row->good) {
        g_assert_cmpuint(w.r.count, ==, row->count);
        im_ranges_join(&w.r);
        g_assert_cmpuint(w.r.count, ==, row->joined);
    }
    world_end(&w);
}

/* Many, shuffled: in order afterwards, and all are still there. */
static void test_shuffled(void)
{
    World w;

    for (unsigned round = 0; round < test_rounds(100); round++) {
        unsigned n = (unsigned)g_test_rand_int_range(1, 200);

        world_init(&w, 0);
        g_assert_true(im_ranges_make_room(&w.mem, &w.r, n));
        for (unsigned i = 0; i < n; i++) {
            unsigned at = (unsigned)g_test_rand_int_range(0, (int)i + 1);

            w.r.range[i] = w.r.range[at];
            w.r.range[at] = (ImRange) { 10 * i, 10 * i + 3 };
        }
        w.r.count = n;
        g_assert_true(im_ranges_sort(&w.r));
        for (unsigned i = 0; i < n; i++) {
            g_assert_cmpuint(w.r.range[i].first, ==, 10 * i);
            g_assert_cmpuint(w.r.range[i].last, ==, 10 * i + 3);
        }
        world_end(&w);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/core/ranges/bottom", test_bottom);
    g_test_add_func("/core/ranges/top", test_top);
    g_test_add_func("/core/ranges/whole", test_whole);
    g_test_add_func("/core/ranges/memory-fails", test_memory_fails);
    g_test_add_func("/core/ranges/room", test_room);
    for (unsigned i = 0; i < G_N_ELEMENTS(sort_rows); i++) {
        g_autofree char *path = g_strdup_printf("/core/ranges/sort/%s",
                                                sort_rows[i].name);

        g_test_add_data_func(path, &sort_rows[i], test_sort_row);
    }
    g_test_add_func("/core/ranges/shuffled", test_shuffled);
    return g_test_run();
}
