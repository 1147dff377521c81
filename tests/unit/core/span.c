/*
 * The tree of disjoint ranges against a list: what is found, what is free.
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib.h>

#include "hw/core/span.h"
#include "lib/rounds.h"

#define SPANS   64
/* Ranges begin and end in this many bytes. */
#define SPACE   4096

typedef struct Fixture {
    ImSpan span[SPANS];
    bool in[SPANS];
    ImSpan *root;
    bool taken[SPACE];          /* by some range */
} Fixture;

static void mark(Fixture *f, const ImSpan *a, bool taken)
{
    for (uint64_t i = a->first; i <= a->last; i++) {
        f->taken[i] = taken;
    }
}

/* A range that meets nothing there, or not. */
static bool choose(Fixture *f, ImSpan *a)
{
    a->first = (uint64_t)g_test_rand_int_range(0, SPACE);
    a->last = MIN(a->first + (uint64_t)g_test_rand_int_range(0, 80), SPACE - 1);
    for (uint64_t i = a->first; i <= a->last; i++) {
        if (f->taken[i]) {
            return false;
        }
    }
    return true;
}

static void change(Fixture *f)
{
    unsigned i = (unsigned)g_test_rand_int_range(0, SPANS);
    ImSpan *a = &f->span[i];

    if (f->in[i]) {
        f->root = im_span_remove(f->root, a);
        mark(f, a, false);
        f->in[i] = false;
    } else if (choose(f, a)) {
        f->root = im_span_insert(f->root, a);
        mark(f, a, true);
        f->in[i] = true;
    }
    g_assert_true(im_span_check(f->root));
}

static void check_from(Fixture *f, uint64_t addr)
{
    const ImSpan *got = im_span_from(f->root, addr);
    const ImSpan *want = NULL;

    for (unsigned i = 0; i < SPANS; i++) {
        const ImSpan *a = &f->span[i];

        if (f->in[i] && a->last >= addr && (!want || a->last < want->last)) {
            want = a;
        }
    }
    g_assert_true(got == want);
}

/* The lowest place that a look at every byte finds, or SPACE. */
static uint64_t lowest(const Fixture *f, uint64_t first, uint64_t last,
                       uint64_t len, uint64_t align, uint64_t rest)
{
    for (uint64_t at = first; at + len - 1 <= last; at++) {
        uint64_t n = 0;

        while (at % align == rest && n < len && !f->taken[at + n]) {
            n++;
        }
        if (n == len) {
            return at;
        }
    }
    return SPACE;
}

static void check_gap(Fixture *f)
{
    uint64_t first = (uint64_t)g_test_rand_int_range(0, SPACE);
    uint64_t last = (uint64_t)g_test_rand_int_range((int)first, SPACE);
    uint64_t len = (uint64_t)g_test_rand_int_range(1, 100);
    uint64_t align = UINT64_C(1) << g_test_rand_int_range(0, 6);
    uint64_t rest = (uint64_t)g_test_rand_int() & (align - 1);
    uint64_t want = lowest(f, first, last, len, align, rest);
    uint64_t at = SPACE;
    bool found = im_span_gap(f->root, first, last, len, align, rest, &at);

    g_assert_cmpint(found, ==, want != SPACE);
    g_assert_cmphex(at, ==, want);
}

static void test_random(void)
{
    Fixture f = { .root = NULL };

    for (unsigned i = test_rounds(20000); i > 0; i--) {
        change(&f);
        check_from(&f, (uint64_t)g_test_rand_int_range(0, SPACE));
        check_gap(&f);
    }
}

/* In order, as addresses are often given out: the tree does not degrade. */
static void test_balance(void)
{
    static ImSpan span[1023];
    ImSpan *root = NULL;

    for (unsigned i = 0; i < G_N_ELEMENTS(span); i++) {
        span[i].first = 16 * i;
        span[i].last = 16 * i + 7;
        root = im_span_insert(root, &span[i]);
    }
    g_assert_true(im_span_check(root));
    g_assert_cmpuint(root->height, ==, 10);
}

/* All of an address space, and its last byte. */
static void test_ends(void)
{
    ImSpan all = { .first = 0, .last = UINT64_MAX };
    ImSpan top = { .first = UINT64_MAX, .last = UINT64_MAX };
    ImSpan *root = im_span_insert(NULL, &all);
    uint64_t at = 5;

    g_assert_true(im_span_from(root, UINT64_MAX) == &all);
    g_assert_false(im_span_gap(root, 0, UINT64_MAX, 1, 1, 0, &at));
    root = im_span_insert(im_span_remove(root, &all), &top);
    g_assert_true(im_span_gap(root, 0, UINT64_MAX, UINT64_MAX, 1, 0, &at));
    g_assert_cmphex(at, ==, 0);
    g_assert_false(im_span_gap(root, 1, UINT64_MAX, UINT64_MAX, 1, 0, &at));
    g_assert_null(im_span_remove(root, &top));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/core/span/random", test_random);
    g_test_add_func("/core/span/balance", test_balance);
    g_test_add_func("/core/span/ends", test_ends);
    return g_test_run();
}
