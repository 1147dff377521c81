/*
 * The walker alone, one stage behind another: what the tables' own addresses
 * need, what a refused access leaves clean, reads that fail, where it starts.
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib.h>
#include <string.h>

#include "lib/toy.h"

/* --- nested ------------------------------------------------------------- */

#define BIAS  UINT64_C(0x400000)

/* Stage 1 maps BIAS + x to x, with the flags given, in pages of level. */
static ImPtStage nested_identity(Toy *t, const ImPtFormat *f, uint64_t flags)
{
    ImPtStage st = toy_stage(t, f, 3);

    for (uint64_t a = 0; a < 0x200000; a += 1u << f->page_shift) {
        toy_map(t, &st, BIAS + a, a, 0, flags);
    }
    return st;
}

/* Let the tables on the way to addr be found through stage 1. */
static void bias_tables(Toy *t, const ImPtStage *st, uint64_t addr)
{
    uint64_t at[8];

    for (unsigned l = 1; l <= st->top; l++) {
        at[l] = toy_entry(t, st, addr, l);
    }
    for (unsigned l = 1; l <= st->top; l++) {
        uint64_t e;

        memcpy(&e, t->mem + at[l], 8);
        e += BIAS;
        memcpy(t->mem + at[l], &e, 8);
    }
}

/* Stage 0 maps va to pa, both the page and its tables behind stage 1. */
static void map_behind(Toy *t, ImPtStage *st, uint64_t va, uint64_t pa)
{
    toy_map(t, st, va, BIAS + pa, 0, E_P | E_W);
    bias_tables(t, st, va);
    st->root += BIAS;
}

static void test_nested(void)
{
    g_autoptr(Toy) t = toy_new();
    ImPtStage s0 = toy_stage(t, &toy_4k, 3);
    ImPtStage s1;
    ImWalkOut w;

    map_behind(t, &s0, 0x7000, 0x9000);
    s1 = nested_identity(t, &toy_4k, E_P | E_W);
    w = toy_walk(t, &toy_ops, &s0, &s1, 0x7123, IM_PERM_W);
    g_assert_cmpuint(w.stop, ==, IM_WALK_OK);
    g_assert_cmphex(w.addr, ==, 0x9123);
    /* Setting the flags of the page's entry marks its own page dirty, and
     * the page itself is marked once that entry is known to be writable. */
    g_assert_cmpuint(t->reads, ==, 4 * 5 + 4 + 4 + 4);
    g_assert_cmpuint(t->kept[0], ==, 3);
    g_assert_cmpuint(t->last_kept[0].level, ==, 0);

    /* From the table that was kept: one entry, one nested walk. */
    t->reads = 0;
    t->start_stage = 0;
    t->start = t->last_kept[0];
    w = toy_walk(t, &toy_ops, &s0, &s1, 0x7123, IM_PERM_W);
    g_assert_cmphex(w.addr, ==, 0x9123);
    g_assert_cmpuint(t->reads, ==, 1 + 4);
}

static void test_nested_rights(void)
{
    g_autoptr(Toy) t = toy_new();
    ImPtStage s0 = toy_stage(t, &toy_4k, 3);
    ImPtStage s1;
    ImWalkOut w;

    map_behind(t, &s0, 0x7000, 0x9000);
    s1 = nested_identity(t, &toy_4k, E_P | E_A);
    w = toy_walk(t, &toy_ops, &s0, &s1, 0x7000, IM_PERM_R);
    g_assert_cmpuint(w.stop, ==, IM_WALK_NESTED_WRITE);
    g_assert_cmpuint(w.stage, ==, 0);
    s0.nest_write = true;
    w = toy_walk(t, &toy_ops, &s0, &s1, 0x7000, IM_PERM_R);
    g_assert_cmpuint(w.stop, ==, IM_WALK_NESTED_READ);
    g_assert_true(w.top);
    s1.in_last = BIAS + 0x8fff;
    s0.nest_write = false;
    s0.no_update = false;
    {
        ImWalkOps ops = toy_ops;

        ops.cmpxchg64 = NULL;
        w = toy_walk(t, &ops, &s0, &s1, 0x7000, IM_PERM_R);
    }
    g_assert_cmpuint(w.stop, ==, IM_WALK_RANGE);
}

/* --- what is refused is not dirty --------------------------------------- */

typedef struct Both {
    Toy *t;
    ImPtStage s0, s1;
    uint64_t leaf0, leaf1;      /* of 0x7000, and of what it yields, 0x9000 */
} Both;

static Both both_new(Toy *t)
{
    Both b = { .t = t, .s0 = toy_stage(t, &toy_4k, 3) };

    toy_map(t, &b.s0, 0x7000, BIAS + 0x9000, 0, E_P | E_W);
    b.leaf0 = toy_entry(t, &b.s0, 0x7000, 0);
    bias_tables(t, &b.s0, 0x7000);
    b.s0.root += BIAS;
    b.s1 = nested_identity(t, &toy_4k, E_P | E_W);
    b.leaf1 = toy_entry(t, &b.s1, BIAS + 0x9000, 0);
    return b;
}

static ImWalkStop both_write(Both *b)
{
    return toy_walk(b->t, &toy_ops, &b->s0, &b->s1, 0x7000, IM_PERM_W).stop;
}

static bool is_dirty(const Toy *t, uint64_t entry)
{
    uint64_t e;

    memcpy(&e, t->mem + entry, 8);
    return e & E_D;
}

static void test_leaf_refuses_the_flag(void)
{
    g_autoptr(Toy) t = toy_new();
    Both b = both_new(t);

    t->rom = b.leaf0;
    g_assert_cmpuint(both_write(&b), ==, IM_WALK_UPDATE);
    g_assert_false(is_dirty(t, b.leaf0) || is_dirty(t, b.leaf1));
    t->rom = 0;
    b.s0.no_update = true;
    g_assert_cmpuint(both_write(&b), ==, IM_WALK_NO_UPDATE);
    g_assert_false(is_dirty(t, b.leaf0) || is_dirty(t, b.leaf1));
    b.s0.no_update = false;
    g_assert_cmpuint(both_write(&b), ==, IM_WALK_OK);
    g_assert_true(is_dirty(t, b.leaf0) && is_dirty(t, b.leaf1));
}

static void test_page_refuses_the_flag(void)
{
    g_autoptr(Toy) t = toy_new();
    Both b = both_new(t);

    t->rom = b.leaf1;
    g_assert_cmpuint(both_write(&b), ==, IM_WALK_UPDATE);
    g_assert_false(is_dirty(t, b.leaf0) || is_dirty(t, b.leaf1));
}

/* Another CPU takes the write permission away when the leaf is tried. */
static void test_raced_before_the_flag(void)
{
    g_autoptr(Toy) t = toy_new();
    Both b = both_new(t);
    uint64_t set = E_A;

    /* Every other entry has its flags: the next update is the leaf's. */
    g_assert_cmpuint(
        toy_walk(t, &toy_ops, &b.s0, &b.s1, 0x7000, IM_PERM_R).stop, ==,
        IM_WALK_OK);
    memcpy(&set, t->mem + b.leaf0, 8);
    g_assert_true(set & E_A);
    t->races = 1;
    t->race_clear = E_W;
    g_assert_cmpuint(both_write(&b), ==, IM_WALK_PERM);
    g_assert_false(is_dirty(t, b.leaf0) || is_dirty(t, b.leaf1));
}

static void test_forbidden(void)
{
    g_autoptr(Toy) t = toy_new();
    Both b = both_new(t);
    ImPtStage big;
    uint64_t leaf;

    t->forbid = 0x9000;
    g_assert_cmpuint(both_write(&b), ==, IM_WALK_FORBIDDEN);
    g_assert_false(is_dirty(t, b.leaf0) || is_dirty(t, b.leaf1));
    /* No larger than the smaller page: here stage 0's. */
    big = toy_stage(t, &toy_4k, 3);
    toy_map(t, &big, BIAS, 0, 1, E_P | E_W | E_LEAF);
    t->forbid = 0xa000;
    b.s1 = big;
    g_assert_cmpuint(both_write(&b), ==, IM_WALK_OK);
    /* Alone. */
    toy_map(t, &big, 0, 0x200000, 1, E_P | E_W | E_LEAF);
    leaf = toy_entry(t, &big, 0, 1);
    t->forbid = 0x3ff000;
    g_assert_cmpuint(toy_walk(t, &toy_ops, &big, NULL, 0x123, IM_PERM_W).stop,
                     ==, IM_WALK_FORBIDDEN);
    g_assert_false(is_dirty(t, leaf));
}

/* Tables of 64K behind nested pages of 4K are not one piece. */
static void test_scattered_table_is_not_kept(void)
{
    static const ImPtFormat big = {
        .name = "64K",
        .entry = toy_names,
        .levels = 3,
        .index_bits = 13,
        .page_shift = 16,
        .entry_size = 8,
        .decode = toy_decode,
    };
    g_autoptr(Toy) t = toy_new();
    ImPtStage s0 = toy_stage(t, &big, 1);
    ImPtStage s1;
    ImWalkOut w;

    map_behind(t, &s0, 0x70000, 0x10000);
    s1 = nested_identity(t, &toy_4k, E_P | E_W);
    w = toy_walk(t, &toy_ops, &s0, &s1, 0x70123, IM_PERM_R);
    g_assert_cmpuint(w.stop, ==, IM_WALK_OK);
    g_assert_cmphex(w.addr, ==, 0x10123);
    g_assert_cmpuint(w.shift, ==, 12);
    g_assert_cmpuint(w.first_shift, ==, 16);
    g_assert_cmpuint(t->kept[0], ==, 0);
    g_assert_cmpuint(t->kept[1], >, 0);
}

/* --- failing reads, steps ----------------------------------------------- */

static void test_every_read_may_fail(void)
{
    g_autoptr(Toy) t = toy_new();
    ImPtStage s0 = toy_stage(t, &toy_4k, 3);
    ImPtStage s1;
    unsigned n;

    map_behind(t, &s0, 0x7000, 0x9000);
    s1 = nested_identity(t, &toy_4k, E_P | E_W | E_A | E_D);
    for (n = 1;; n++) {
        ImWalkOut w;

        t->reads = 0;
        t->fail_at = n;
        w = toy_walk(t, &toy_ops, &s0, &s1, 0x7000, IM_PERM_R);
        if (t->reads < n) {
            g_assert_cmpuint(w.stop, ==, IM_WALK_OK);
            break;
        }
        g_assert_cmpuint(w.stop, ==, IM_WALK_ACCESS);
        g_assert_cmpuint(w.stage, ==, n % 5 || n > 20 ? 1 : 0);
        g_assert_cmpuint(t->reads, ==, n);
    }
    g_assert_cmpuint(n, ==, 25);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/core/walk/clean/leaf-refuses",
                    test_leaf_refuses_the_flag);
    g_test_add_func("/core/walk/clean/page-refuses",
                    test_page_refuses_the_flag);
    g_test_add_func("/core/walk/clean/raced", test_raced_before_the_flag);
    g_test_add_func("/core/walk/clean/forbidden", test_forbidden);
    g_test_add_func("/core/walk/nested", test_nested);
    g_test_add_func("/core/walk/nested-rights", test_nested_rights);
    g_test_add_func("/core/walk/scattered-table-is-not-kept",
                    test_scattered_table_is_not_kept);
    g_test_add_func("/core/walk/every-read-may-fail", test_every_read_may_fail);
    return g_test_run();
}
