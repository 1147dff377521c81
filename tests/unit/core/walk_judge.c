/*
 * The walker alone: what each kind of entry ends in, what all entries of a
 * walk grant together, and what is true of a walk that begins at a table
 * that was kept.
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib.h>
#include <string.h>

#include "lib/toy.h"

/* Bits of an entry beside those of the toy format. */
#define X_SIZE      64u
#define X_UNUSED    128u
#define X_USER      256u
#define X_NO_READ   512u
#define X_NO_TABLES 1024u
#define X_CLEAN     2048u       /* a write clears it */

static ImPteKind judge_decode(const ImPtStage *st, unsigned level, uint64_t pte,
                              ImPteView *v)
{
    ImPteKind kind = toy_decode(st, level, pte, v);

    if (kind < IM_PTE_TABLE) {
        return kind;
    }
    v->perm = (uint8_t)((pte & X_NO_READ ? 0 : IM_PERM_R) |
                        (pte & E_W ? IM_PERM_W : 0) |
                        (pte & X_USER ? IM_PT_USER : 0));
    v->clean = kind == IM_PTE_LEAF ? pte & X_CLEAN : 0;
    v->no_tables = pte & X_NO_TABLES;
    return pte & X_SIZE ? IM_PTE_SIZE : pte & X_UNUSED ? IM_PTE_UNUSED : kind;
}

static const ImPtFormat judged = {
    .name = "judged",
    .entry = toy_names,
    .levels = 4,
    .index_bits = 9,
    .page_shift = 12,
    .entry_size = 8,
    .decode = judge_decode,
};

#define ADDR  UINT64_C(0x7123)

/* A page at ADDR, of one stage. */
static ImPtStage one_page(Toy *t)
{
    ImPtStage st = toy_stage(t, &judged, 3);

    toy_map(t, &st, ADDR, 0x9000, 0, E_P | E_W);
    return st;
}

static void change(Toy *t, const ImPtStage *st, unsigned level, uint64_t set,
                   uint64_t clear)
{
    uint64_t at = toy_entry(t, st, ADDR, level);
    uint64_t e;

    memcpy(&e, t->mem + at, 8);
    e = (e | set) & ~clear;
    memcpy(t->mem + at, &e, 8);
}

/* --- what an entry ends in ---------------------------------------------- */

typedef struct StopRow {
    const char *name;
    uint64_t set, clear;
    ImWalkStop want;
} StopRow;

static const StopRow stops[] = {
    { "absent", 0, E_P, IM_WALK_ABSENT },
    { "reserved", E_RSVD, 0, IM_WALK_RSVD },
    { "size", X_SIZE, 0, IM_WALK_SIZE },
    { "unused", X_UNUSED, 0, IM_WALK_UNUSED },
};

static void test_stop(const void *data)
{
    const StopRow *row = data;

    for (unsigned level = 0; level < 4; level++) {
        g_autoptr(Toy) t = toy_new();
        ImPtStage st = one_page(t);
        ImWalkOut w;

        change(t, &st, level, row->set, row->clear);
        w = toy_walk(t, &toy_ops, &st, NULL, ADDR, IM_PERM_R);
        g_assert_cmpuint(w.stop, ==, row->want);
        g_assert_cmpuint(w.level, ==, level);
        g_assert_cmpint(w.top, ==, level == 3);
        g_assert_cmpuint(w.stage, ==, 0);
        g_assert_cmphex(w.in, ==, ADDR);
        g_assert_cmphex(w.entry, ==, toy_entry(t, &st, ADDR, level));
    }
}

/* --- what all of them grant --------------------------------------------- */

static void test_rights_of_all_levels(void)
{
    for (unsigned level = 0; level < 4; level++) {
        g_autoptr(Toy) t = toy_new();
        ImPtStage st = one_page(t);
        ImWalkOut w;

        change(t, &st, level, 0, E_W);
        w = toy_walk(t, &toy_ops, &st, NULL, ADDR, IM_PERM_W);
        g_assert_cmpuint(w.stop, ==, IM_WALK_PERM);
        g_assert_cmpuint(w.perm & 3, ==, IM_PERM_R);
        w = toy_walk(t, &toy_ops, &st, NULL, ADDR, IM_PERM_R);
        g_assert_cmpuint(w.stop, ==, IM_WALK_OK);
        g_assert_cmpuint(w.perm & 3, ==, IM_PERM_R);
    }
}

/* Writing above, reading below: nothing, and the walk ends there. */
static void test_nothing_together(void)
{
    g_autoptr(Toy) t = toy_new();
    ImPtStage st = one_page(t);
    ImWalkOut w;

    change(t, &st, 2, X_NO_READ, 0);
    change(t, &st, 1, 0, E_W);
    w = toy_walk(t, &toy_ops, &st, NULL, ADDR, IM_PERM_R);
    g_assert_cmpuint(w.stop, ==, IM_WALK_ABSENT);
    g_assert_cmpuint(w.level, ==, 1);
    g_assert_cmpuint(w.perm, ==, 0);
}

static void test_must(void)
{
    for (unsigned level = 0; level < 4; level++) {
        g_autoptr(Toy) t = toy_new();
        ImPtStage st = one_page(t);
        ImWalkOut w;

        st.must = IM_PT_USER;
        for (unsigned l = 0; l < 4; l++) {
            change(t, &st, l, X_USER, 0);
        }
        w = toy_walk(t, &toy_ops, &st, NULL, ADDR, IM_PERM_R);
        g_assert_cmpuint(w.stop, ==, IM_WALK_OK);
        change(t, &st, level, 0, X_USER);
        w = toy_walk(t, &toy_ops, &st, NULL, ADDR, IM_PERM_R);
        g_assert_cmpuint(w.stop, ==, IM_WALK_MUST);
        g_assert_cmpuint(w.level, ==, level);
    }
}

/* --- flags -------------------------------------------------------------- */

/* Every entry on the way is used; the leaf is written, which may clear. */
static void test_marks(void)
{
    g_autoptr(Toy) t = toy_new();
    ImPtStage st = one_page(t);

    for (unsigned l = 0; l < 4; l++) {
        change(t, &st, l, l ? 0 : X_CLEAN, E_A);
    }
    g_assert_false(toy_walk(t, &toy_ops, &st, NULL, ADDR, IM_PERM_R).dirty);
    for (unsigned l = 0; l < 4; l++) {
        g_assert_cmphex(toy_entry_value(t, &st, ADDR, l) & (E_A | E_D), ==,
                        E_A);
    }
    g_assert_cmphex(toy_entry_value(t, &st, ADDR, 0) & X_CLEAN, ==, X_CLEAN);
    g_assert_true(toy_walk(t, &toy_ops, &st, NULL, ADDR, IM_PERM_W).dirty);
    g_assert_cmphex(toy_entry_value(t, &st, ADDR, 0) & (X_CLEAN | E_D), ==,
                    E_D);
    g_assert_cmphex(toy_entry_value(t, &st, ADDR, 1) & E_D, ==, 0);
}

/* --- nested ------------------------------------------------------------- */

#define BIAS  UINT64_C(0x400000)

/* Stage 1 maps BIAS + x to x; stage 0 has a page at ADDR, and its tables'
 * addresses are of stage 1's input. */
typedef struct Both {
    Toy *t;
    ImPtStage s0, s1;
    uint64_t leaf0;             /* of ADDR */
    uint64_t table0;            /* where the table of that entry is */
} Both;

static Both both_new(Toy *t)
{
    Both b = { .t = t, .s0 = one_page(t), .s1 = toy_stage(t, &judged, 3) };
    uint64_t at[4];

    toy_map(t, &b.s0, ADDR, BIAS + 0x9000, 0, E_P | E_W | E_A | E_D);
    for (unsigned l = 0; l < 4; l++) {
        at[l] = toy_entry(t, &b.s0, ADDR, l);
    }
    for (unsigned l = 1; l < 4; l++) {
        uint64_t e;

        memcpy(&e, t->mem + at[l], 8);
        e += BIAS;
        memcpy(t->mem + at[l], &e, 8);
    }
    b.leaf0 = at[0];
    b.table0 = at[0] & ~UINT64_C(0xfff);
    b.s0.root += BIAS;
    for (uint64_t a = 0; a < 0x200000; a += 0x1000) {
        toy_map(t, &b.s1, BIAS + a, a, 0, E_P | E_W | E_A);
    }
    return b;
}

static ImWalkOut both_walk(Both *b, const ImWalkOps *ops, uint8_t need)
{
    return toy_walk(b->t, ops, &b->s0, &b->s1, ADDR, need);
}

/* Stage 1's leaf that holds what is at pa. */
static uint64_t nested_leaf(Both *b, uint64_t pa)
{
    return toy_entry_value(b->t, &b->s1, BIAS + pa, 0);
}

static void nested_map(Both *b, uint64_t pa, uint64_t flags)
{
    toy_map(b->t, &b->s1, BIAS + pa, pa & ~UINT64_C(0xfff), 0, flags);
}

static void test_nested_answer(void)
{
    g_autoptr(Toy) t = toy_new();
    Both b = both_new(t);
    ImWalkOut w;

    nested_map(&b, 0x9000, E_P | E_A);          /* read-only */
    w = both_walk(&b, &toy_ops, IM_PERM_R);
    g_assert_cmpuint(w.stop, ==, IM_WALK_OK);
    g_assert_cmphex(w.addr, ==, 0x9123);
    g_assert_cmphex(w.first_addr, ==, BIAS + 0x9123);
    g_assert_cmpuint(w.perm & 3, ==, IM_PERM_R);
    w = both_walk(&b, &toy_ops, IM_PERM_W);
    g_assert_cmpuint(w.stop, ==, IM_WALK_PERM);
    g_assert_cmpuint(w.stage, ==, 1);
}

/* With nest_write a table that is read counts as written. */
static void test_nested_read_is_a_write(void)
{
    for (unsigned write = 0; write < 2; write++) {
        g_autoptr(Toy) t = toy_new();
        Both b = both_new(t);

        b.s0.nest_write = write;
        g_assert_cmpuint(both_walk(&b, &toy_ops, IM_PERM_R).stop, ==,
                         IM_WALK_OK);
        g_assert_cmpint(!!(nested_leaf(&b, b.table0) & E_D), ==, write);
        g_assert_cmphex(nested_leaf(&b, 0x9000) & E_D, ==, 0);
    }
}

/* A page that may hold no tables is good for everything else. */
static void test_no_tables(void)
{
    g_autoptr(Toy) t = toy_new();
    Both b = both_new(t);

    nested_map(&b, 0x9000, E_P | E_W | E_A | X_NO_TABLES);
    g_assert_cmpuint(both_walk(&b, &toy_ops, IM_PERM_R).stop, ==, IM_WALK_OK);
    nested_map(&b, b.table0, E_P | E_W | E_A | X_NO_TABLES);
    g_assert_cmpuint(both_walk(&b, &toy_ops, IM_PERM_R).stop, ==,
                     IM_WALK_NESTED_READ);
}

/* A CPU moves the table's page while its entry is about to change: neither
 * the old nor the new place is written to. */
static struct {
    uint64_t at, to;            /* this entry becomes that when read again */
    unsigned reads;
} moving;

static ImBus moving_read(void *opaque, uint64_t pa, void *buf, size_t len)
{
    Toy *t = opaque;

    if (pa == moving.at && ++moving.reads == 2) {
        memcpy(t->mem + pa, &moving.to, 8);
    }
    return toy_ops.read(opaque, pa, buf, len);
}

static void test_table_moves(void)
{
    g_autoptr(Toy) t = toy_new();
    Both b = both_new(t);
    ImWalkOps ops = toy_ops;
    uint64_t elsewhere = toy_table(t, &b.s1, 0);
    uint64_t old, new;

    ops.read = moving_read;
    memcpy(&old, t->mem + b.leaf0, 8);
    old &= ~(uint64_t)(E_A | E_D);
    memcpy(t->mem + b.leaf0, &old, 8);
    memcpy(t->mem + elsewhere, t->mem + b.table0, 0x1000);
    moving.at = toy_entry(t, &b.s1, BIAS + b.table0, 0);
    moving.to = elsewhere | E_P | E_W | E_A;
    moving.reads = 0;
    g_assert_cmpuint(both_walk(&b, &ops, IM_PERM_R).stop, ==, IM_WALK_UPDATE);
    g_assert_cmpuint(moving.reads, ==, 2);
    memcpy(&new, t->mem + b.leaf0, 8);
    g_assert_cmphex(new, ==, old);
    memcpy(&new, t->mem + elsewhere + (b.leaf0 - b.table0), 8);
    g_assert_cmphex(new, ==, old);
}

/* --- from a table that was kept ----------------------------------------- */

/* What the entries above it did not grant is not granted. */
static void test_kept_rights(void)
{
    g_autoptr(Toy) t = toy_new();
    ImPtStage st = one_page(t);
    ImWalkOut w;

    change(t, &st, 2, 0, E_W);
    toy_walk(t, &toy_ops, &st, NULL, ADDR, IM_PERM_R);
    g_assert_cmpuint(t->kept[0], >, 0);
    g_assert_cmpuint(t->last_kept[0].level, ==, 0);
    g_assert_cmpuint(t->last_kept[0].perm & 3, ==, IM_PERM_R);
    t->start_stage = 0;
    t->start = t->last_kept[0];
    w = toy_walk(t, &toy_ops, &st, NULL, ADDR, IM_PERM_W);
    g_assert_cmpuint(w.stop, ==, IM_WALK_PERM);
    w = toy_walk(t, &toy_ops, &st, NULL, ADDR, IM_PERM_R);
    g_assert_cmpuint(w.stop, ==, IM_WALK_OK);
    g_assert_cmpuint(w.perm & 3, ==, IM_PERM_R);
}

/* Its page is clean, and an entry in it has to change: the walk begins anew,
 * and the page becomes dirty on the way. */
static void test_kept_in_a_clean_page(void)
{
    g_autoptr(Toy) t = toy_new();
    Both b = both_new(t);
    ImWalkOut w;
    uint64_t e;

    g_assert_cmpuint(both_walk(&b, &toy_ops, IM_PERM_R).stop, ==, IM_WALK_OK);
    g_assert_false(t->last_kept[0].writable);
    t->start_stage = 0;
    t->start = t->last_kept[0];
    memcpy(&e, t->mem + b.leaf0, 8);
    e &= ~(uint64_t)E_A;
    memcpy(t->mem + b.leaf0, &e, 8);
    w = both_walk(&b, &toy_ops, IM_PERM_R);
    g_assert_cmpuint(w.stop, ==, IM_WALK_OK);
    g_assert_cmphex(w.addr, ==, 0x9123);
    memcpy(&e, t->mem + b.leaf0, 8);
    g_assert_cmphex(e & E_A, ==, E_A);
    g_assert_cmphex(nested_leaf(&b, b.table0) & E_D, ==, E_D);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(stops); i++) {
        g_autofree char *path = g_strdup_printf("/core/walk/stop/%s",
                                                stops[i].name);

        g_test_add_data_func(path, &stops[i], test_stop);
    }
    g_test_add_func("/core/walk/rights/all-levels", test_rights_of_all_levels);
    g_test_add_func("/core/walk/rights/nothing-together",
                    test_nothing_together);
    g_test_add_func("/core/walk/rights/must", test_must);
    g_test_add_func("/core/walk/marks", test_marks);
    g_test_add_func("/core/walk/nested/answer", test_nested_answer);
    g_test_add_func("/core/walk/nested/read-is-a-write",
                    test_nested_read_is_a_write);
    g_test_add_func("/core/walk/nested/no-tables", test_no_tables);
    g_test_add_func("/core/walk/nested/table-moves", test_table_moves);
    g_test_add_func("/core/walk/kept/rights", test_kept_rights);
    g_test_add_func("/core/walk/kept/in-a-clean-page",
                    test_kept_in_a_clean_page);
    return g_test_run();
}
