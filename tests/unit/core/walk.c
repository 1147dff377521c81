/*
 * The walker alone, one stage: formats of any shape, flags, races with a CPU,
 * the steps it reports. VT-d's own formats are tested in unit/fmt, nesting in
 * walk_nested.c.
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib.h>

#include "lib/toy.h"

/* --- shapes ------------------------------------------------------------- */

typedef struct Shape {
    const char *name;
    uint8_t index_bits, page_shift, entry_size, top, top_bits;
} Shape;

static const Shape shapes[] = {
    { "4k-3-levels", 9, 12, 8, 2, 0 },
    { "4k-5-levels", 9, 12, 8, 4, 0 },
    { "16k-3-levels", 11, 14, 8, 2, 0 },
    { "64k-2-levels", 13, 16, 8, 1, 0 },
    { "4k-concatenated", 9, 12, 8, 1, 12 },
    { "4-byte-entries", 10, 12, 4, 1, 0 },
    { "tiny", 3, 12, 8, 3, 0 },
};

static void test_shape(const void *data)
{
    const Shape *s = data;
    ImPtFormat f = {
        .name = s->name,
        .entry = toy_names,
        .levels = 5,
        .index_bits = s->index_bits,
        .page_shift = s->page_shift,
        .entry_size = s->entry_size,
        .decode = toy_decode,
    };
    unsigned bits = s->page_shift + s->top * s->index_bits +
                    (s->top_bits ? s->top_bits : s->index_bits);
    ImWalkOps ops = toy_ops;

    ops.cmpxchg64 = NULL;
    for (unsigned i = 0; i < 200; i++) {
        g_autoptr(Toy) t = toy_new();
        ImPtStage st = toy_stage(t, &f, s->top);
        unsigned level = (unsigned)g_test_rand_int_range(0, 2);
        unsigned shift = im_pt_level_shift(&f, level);
        uint64_t in = ((uint64_t)g_test_rand_int() << 28 ^
                       (uint32_t)g_test_rand_int()) &
                      ((UINT64_C(1) << bits) - 1);
        uint64_t out = s->entry_size == 4 ? 0x12c00000 : 0x5ac0000000;
        ImWalkOut w;

        st.top_bits = s->top_bits;
        st.root = toy_table(t, &st, s->top);
        out &= ~((UINT64_C(1) << shift) - 1);
        toy_map(t, &st, in, out, level, E_P | E_W);
        w = toy_walk(t, &ops, &st, NULL, in, IM_PERM_R);
        g_assert_cmpuint(w.stop, ==, IM_WALK_OK);
        g_assert_cmphex(w.addr, ==, out | (in & ((1u << shift) - 1)));
        g_assert_cmpuint(w.shift, ==, shift);
        g_assert_cmpuint(t->reads, ==, s->top + 1 - level);
        w = toy_walk(t, &ops, &st, NULL, in ^ UINT64_C(1) << shift, IM_PERM_R);
        g_assert_cmpuint(w.stop, ==, IM_WALK_ABSENT);
    }
}

/* --- flags -------------------------------------------------------------- */

static void test_flags(void)
{
    g_autoptr(Toy) t = toy_new();
    ImPtStage st = toy_stage(t, &toy_4k, 3);
    ImWalkOut w;

    toy_map(t, &st, 0x1000, 0x8000, 0, E_P | E_W);
    w = toy_walk(t, &toy_ops, &st, NULL, 0x1000, IM_PERM_R);
    g_assert_cmpuint(w.stop, ==, IM_WALK_OK);
    g_assert_false(w.dirty);
    g_assert_cmphex(toy_entry_value(t, &st, 0x1000, 0), ==,
                    0x8000 | E_P | E_W | E_A);
    w = toy_walk(t, &toy_ops, &st, NULL, 0x1000, IM_PERM_W);
    g_assert_true(w.dirty);
    g_assert_cmphex(toy_entry_value(t, &st, 0x1000, 0), ==,
                    0x8000 | E_P | E_W | E_A | E_D);
    t->updates = 0;
    toy_walk(t, &toy_ops, &st, NULL, 0x1000, IM_PERM_W);
    g_assert_cmpuint(t->updates, ==, 0);
}

static void test_no_update(void)
{
    g_autoptr(Toy) t = toy_new();
    ImPtStage st = toy_stage(t, &toy_4k, 3);

    st.no_update = true;
    toy_map(t, &st, 0, 0x8000, 0, E_P | E_W | E_A);
    g_assert_cmpuint(toy_walk(t, &toy_ops, &st, NULL, 0, IM_PERM_R).stop, ==,
                     IM_WALK_OK);
    g_assert_cmpuint(toy_walk(t, &toy_ops, &st, NULL, 0, IM_PERM_W).stop, ==,
                     IM_WALK_NO_UPDATE);
    g_assert_cmpuint(t->updates, ==, 0);
}

/* A read-only page is neither written nor marked so. */
static void test_denied_write_is_not_dirty(void)
{
    g_autoptr(Toy) t = toy_new();
    ImPtStage st = toy_stage(t, &toy_4k, 3);

    toy_map(t, &st, 0, 0x8000, 0, E_P);
    g_assert_cmpuint(toy_walk(t, &toy_ops, &st, NULL, 0, IM_PERM_W).stop, ==,
                     IM_WALK_PERM);
    g_assert_cmphex(toy_entry_value(t, &st, 0, 0), ==, 0x8000 | E_P);
}

/* --- races -------------------------------------------------------------- */

typedef struct Race {
    const char *name;
    uint64_t set, clear;
    ImWalkStop want;
    uint64_t after;             /* flags of the leaf */
} Race;

static const Race races[] = {
    { "cpu-marks-it", E_A | E_D | 0x400, 0, IM_WALK_OK,
      E_P | E_W | E_A | E_D | 0x400 },
    { "cpu-unmaps", 0, E_P, IM_WALK_ABSENT, E_W },
    { "cpu-protects", 0, E_W, IM_WALK_PERM, E_P },
    { "cpu-breaks-it", E_RSVD, 0, IM_WALK_RSVD, E_P | E_W | E_RSVD },
};

static void test_race(const void *data)
{
    const Race *r = data;
    g_autoptr(Toy) t = toy_new();
    ImPtStage st = toy_stage(t, &toy_4k, 3);
    ImWalkOut w;

    toy_map(t, &st, 0, 0x8000, 0, E_P | E_W);
    t->races = 1;
    t->race_set = r->set;
    t->race_clear = r->clear;
    w = toy_walk(t, &toy_ops, &st, NULL, 0x10, IM_PERM_W);
    g_assert_cmpuint(w.stop, ==, r->want);
    g_assert_cmphex(toy_entry_value(t, &st, 0, 0) & 0xfff, ==, r->after);
}

/* The page moves: the answer is of the entry whose flags were set. */
static void test_race_moves(void)
{
    g_autoptr(Toy) t = toy_new();
    ImPtStage st = toy_stage(t, &toy_4k, 3);
    ImWalkOut w;

    toy_map(t, &st, 0, 0x8000, 0, E_P | E_W);
    t->races = 1;
    t->race_set = 0x40000;
    w = toy_walk(t, &toy_ops, &st, NULL, 0x10, IM_PERM_W);
    g_assert_cmpuint(w.stop, ==, IM_WALK_OK);
    g_assert_cmphex(w.addr, ==, 0x48010);
}

static void test_endless_race(void)
{
    g_autoptr(Toy) t = toy_new();
    ImPtStage st = toy_stage(t, &toy_4k, 3);
    ImWalkOps ops = toy_ops;

    ops.cmpxchg64 = toy_never;
    toy_map(t, &st, 0, 0x8000, 0, E_P | E_W);
    g_assert_cmpuint(toy_walk(t, &ops, &st, NULL, 0, IM_PERM_W).stop, ==,
                     IM_WALK_UPDATE);
    g_assert_cmpuint(t->updates, <=, 1000);
}

static void test_update_fails(void)
{
    g_autoptr(Toy) t = toy_new();
    ImPtStage st = toy_stage(t, &toy_4k, 3);

    t->update_fails = true;
    toy_map(t, &st, 0, 0x8000, 0, E_P | E_W);
    g_assert_cmpuint(toy_walk(t, &toy_ops, &st, NULL, 0, IM_PERM_R).stop, ==,
                     IM_WALK_UPDATE);
}

/* --- steps ------------------------------------------------------------- */

static void test_steps(void)
{
    g_autoptr(Toy) t = toy_new();
    ImPtStage st = toy_stage(t, &toy_4k, 3);
    ImWalkOps ops = toy_ops;

    ops.step = toy_step;
    ops.cmpxchg64 = NULL;
    toy_map(t, &st, 0, 0x8000, 0, E_P | E_W);
    toy_walk(t, &ops, &st, NULL, 0, IM_PERM_R);
    toy_walk(t, &ops, &st, NULL, 0x1000, IM_PERM_R);
    g_assert_cmpstr(t->steps->str, ==,
                    "L3:next table L2:next table L1:next table L0:page "
                    "L3:next table L2:next table L1:next table "
                    "L0:not present ");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(shapes); i++) {
        g_autofree char *path = g_strdup_printf("/core/walk/shape/%s",
                                                shapes[i].name);

        g_test_add_data_func(path, &shapes[i], test_shape);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(races); i++) {
        g_autofree char *path = g_strdup_printf("/core/walk/race/%s",
                                                races[i].name);

        g_test_add_data_func(path, &races[i], test_race);
    }
    g_test_add_func("/core/walk/race/cpu-moves-it", test_race_moves);
    g_test_add_func("/core/walk/race/endless", test_endless_race);
    g_test_add_func("/core/walk/flags", test_flags);
    g_test_add_func("/core/walk/no-update", test_no_update);
    g_test_add_func("/core/walk/denied-write-is-not-dirty",
                    test_denied_write_is_not_dirty);
    g_test_add_func("/core/walk/update-fails", test_update_fails);
    g_test_add_func("/core/walk/steps", test_steps);
    return g_test_run();
}
