/*
 * The walker alone: formats of any shape, races with a CPU, failing reads,
 * starting in the middle, the steps it reports. VT-d's own formats are
 * tested in unit/fmt.
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib.h>
#include <string.h>

#include "hw/core/walk.h"

#define MEM_SIZE  (1u << 20)

/* Bits of a toy entry; the address is what lies above bit 11. */
#define E_P     1u
#define E_W     2u
#define E_LEAF  4u
#define E_A     8u
#define E_D     16u
#define E_RSVD  32u

typedef struct Toy {
    uint8_t *mem;
    uint64_t next;
    unsigned reads;
    unsigned updates;
    unsigned fail_at;           /* this read fails; 0: none */
    unsigned races;             /* how often the CPU gets in between */
    uint64_t race_set, race_clear;
    bool update_fails;
    uint64_t rom;               /* updates of this entry fail; 0: none */
    uint64_t forbid;            /* pages that reach this address; 0: none */
    ImWalkPoint start;          /* with start_stage */
    int start_stage;
    unsigned kept[2];
    ImWalkPoint last_kept[2];
    GString *steps;
} Toy;

static ImPteKind toy_decode(const ImPtStage *st, unsigned level,
                            uint64_t pte, ImPteView *v)
{
    bool leaf = level == 0 || (pte & E_LEAF);

    if (!(pte & E_P)) {
        return IM_PTE_FAULT;
    }
    if (pte & E_RSVD) {
        return IM_PTE_RSVD;
    }
    v->shift = (uint8_t)im_pt_level_shift(st->fmt, level);
    v->addr = pte & ~UINT64_C(0xfff);
    if (leaf) {
        v->addr &= ~((UINT64_C(1) << v->shift) - 1);
    }
    v->used = E_A;
    v->dirty = leaf ? E_A | E_D : 0;
    v->perm = (uint8_t)(IM_PERM_R | (pte & E_W ? IM_PERM_W : 0));
    v->attr = 0;
    return leaf ? IM_PTE_LEAF : IM_PTE_TABLE;
}

static const char *const toy_names[] = { "L0", "L1", "L2", "L3", "L4" };

static ImBus toy_read(void *opaque, uint64_t pa, void *buf, size_t len)
{
    Toy *t = opaque;

    t->reads++;
    if (pa + len > MEM_SIZE || t->reads == t->fail_at) {
        return IM_BUS_ERROR;
    }
    memcpy(buf, t->mem + pa, len);
    return IM_BUS_OK;
}

static ImBus toy_cmpxchg(void *opaque, uint64_t pa, uint64_t *expected,
                         uint64_t desired)
{
    Toy *t = opaque;
    uint64_t now;

    t->updates++;
    memcpy(&now, t->mem + pa, 8);
    if (t->races) {
        t->races--;
        now = (now | t->race_set) & ~t->race_clear;
        memcpy(t->mem + pa, &now, 8);
    }
    if (t->update_fails || (t->rom && pa == t->rom)) {
        return IM_BUS_ERROR;
    }
    if (now != *expected) {
        *expected = now;
        return IM_BUS_RETRY;
    }
    memcpy(t->mem + pa, &desired, 8);
    return IM_BUS_OK;
}

/* Never equal: somebody keeps changing the entry. */
static ImBus toy_never(void *opaque, uint64_t pa, uint64_t *expected,
                       uint64_t desired)
{
    (void)desired;
    ((Toy *)opaque)->updates++;
    memcpy(expected, ((Toy *)opaque)->mem + pa, 8);
    return IM_BUS_RETRY;
}

static bool toy_find(void *opaque, unsigned stage, uint64_t in,
                     ImWalkPoint *at)
{
    Toy *t = opaque;

    (void)in;
    if (t->start_stage != (int)stage) {
        return false;
    }
    *at = t->start;
    return true;
}

static void toy_keep(void *opaque, unsigned stage, uint64_t in,
                     const ImWalkPoint *at)
{
    Toy *t = opaque;

    (void)in;
    t->kept[stage]++;
    t->last_kept[stage] = *at;
}

static void toy_step(void *opaque, const ImStep *step)
{
    Toy *t = opaque;

    g_string_append_printf(t->steps, "%s:%s ", step->what, step->note);
}

static bool toy_forbid(void *opaque, uint64_t addr, unsigned shift)
{
    const Toy *t = opaque;

    return t->forbid && addr >> shift == t->forbid >> shift;
}

static const ImWalkOps toy_ops = {
    .read = toy_read, .cmpxchg64 = toy_cmpxchg, .find = toy_find,
    .keep = toy_keep, .forbid = toy_forbid,
};

static Toy *toy_new(void)
{
    Toy *t = g_new0(Toy, 1);

    t->mem = g_malloc0(MEM_SIZE);
    t->next = 0x10000;
    t->start_stage = -1;
    t->steps = g_string_new(NULL);
    return t;
}

static void toy_free(Toy *t)
{
    g_string_free(t->steps, TRUE);
    g_free(t->mem);
    g_free(t);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Toy, toy_free)

static uint64_t toy_table(Toy *t, const ImPtStage *st, unsigned level)
{
    unsigned bits = level == st->top && st->top_bits ? st->top_bits :
                    st->fmt->index_bits;
    uint64_t size = MAX((uint64_t)st->fmt->entry_size << bits, 0x1000);
    uint64_t at = (t->next + size - 1) & ~(size - 1);

    t->next = at + size;
    g_assert_cmpuint(t->next, <=, MEM_SIZE);
    return at;
}

/* Where the entry of a level for addr is; makes tables on the way. */
static uint64_t toy_entry(Toy *t, const ImPtStage *st, uint64_t addr,
                          unsigned level)
{
    const ImPtFormat *f = st->fmt;
    uint64_t table = st->root;

    for (unsigned l = st->top;; l--) {
        unsigned bits = l == st->top && st->top_bits ? st->top_bits :
                        f->index_bits;
        uint64_t index = addr >> (f->page_shift + l * f->index_bits) &
                         ((UINT64_C(1) << bits) - 1);
        uint64_t at = table + index * f->entry_size;
        uint64_t e = 0;

        if (l == level) {
            return at;
        }
        memcpy(&e, t->mem + at, f->entry_size);
        if (!(e & E_P)) {
            e = toy_table(t, st, l - 1) | E_P | E_W | E_A;
            memcpy(t->mem + at, &e, f->entry_size);
        }
        table = e & ~UINT64_C(0xfff);
    }
}

static void toy_map(Toy *t, const ImPtStage *st, uint64_t addr,
                    uint64_t out, unsigned level, uint64_t flags)
{
    uint64_t e = out | flags | (level ? E_LEAF : 0);

    memcpy(t->mem + toy_entry(t, st, addr, level), &e, st->fmt->entry_size);
}

static ImWalkOut toy_walk(Toy *t, const ImWalkOps *ops, const ImPtStage *s0,
                          const ImPtStage *s1, uint64_t addr, uint8_t need)
{
    ImWalk w = { .ops = ops, .opaque = t, .stage = { s0, s1 } };
    ImWalkOut out;

    im_walk(&w, addr, need, need & IM_PERM_W, &out);
    return out;
}

static const ImPtFormat four_k = {
    .name = "4K", .entry = toy_names, .levels = 4, .index_bits = 9,
    .page_shift = 12, .entry_size = 8, .decode = toy_decode,
};

static ImPtStage stage_of(Toy *t, const ImPtFormat *f, unsigned top)
{
    ImPtStage st = { .fmt = f, .top = (uint8_t)top, .in_last = UINT64_MAX };

    st.root = toy_table(t, &st, top);
    return st;
}

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
        .name = s->name, .entry = toy_names, .levels = 5,
        .index_bits = s->index_bits, .page_shift = s->page_shift,
        .entry_size = s->entry_size, .decode = toy_decode,
    };
    unsigned bits = s->page_shift + s->top * s->index_bits +
                    (s->top_bits ? s->top_bits : s->index_bits);
    ImWalkOps ops = toy_ops;

    ops.cmpxchg64 = NULL;
    for (unsigned i = 0; i < 200; i++) {
        g_autoptr(Toy) t = toy_new();
        ImPtStage st = stage_of(t, &f, s->top);
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
        w = toy_walk(t, &ops, &st, NULL, in ^ UINT64_C(1) << shift,
                     IM_PERM_R);
        g_assert_cmpuint(w.stop, ==, IM_WALK_ABSENT);
    }
}

/* --- flags -------------------------------------------------------------- */

static uint64_t entry_at(Toy *t, const ImPtStage *st, uint64_t addr,
                         unsigned level)
{
    uint64_t e;

    memcpy(&e, t->mem + toy_entry(t, st, addr, level), 8);
    return e;
}

static void test_flags(void)
{
    g_autoptr(Toy) t = toy_new();
    ImPtStage st = stage_of(t, &four_k, 3);
    ImWalkOut w;

    toy_map(t, &st, 0x1000, 0x8000, 0, E_P | E_W);
    w = toy_walk(t, &toy_ops, &st, NULL, 0x1000, IM_PERM_R);
    g_assert_cmpuint(w.stop, ==, IM_WALK_OK);
    g_assert_false(w.dirty);
    g_assert_cmphex(entry_at(t, &st, 0x1000, 0), ==, 0x8000 | E_P | E_W |
                    E_A);
    w = toy_walk(t, &toy_ops, &st, NULL, 0x1000, IM_PERM_W);
    g_assert_true(w.dirty);
    g_assert_cmphex(entry_at(t, &st, 0x1000, 0), ==, 0x8000 | E_P | E_W |
                    E_A | E_D);
    t->updates = 0;
    toy_walk(t, &toy_ops, &st, NULL, 0x1000, IM_PERM_W);
    g_assert_cmpuint(t->updates, ==, 0);
}

static void test_no_update(void)
{
    g_autoptr(Toy) t = toy_new();
    ImPtStage st = stage_of(t, &four_k, 3);

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
    ImPtStage st = stage_of(t, &four_k, 3);

    toy_map(t, &st, 0, 0x8000, 0, E_P);
    g_assert_cmpuint(toy_walk(t, &toy_ops, &st, NULL, 0, IM_PERM_W).stop, ==,
                     IM_WALK_PERM);
    g_assert_cmphex(entry_at(t, &st, 0, 0), ==, 0x8000 | E_P);
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
    ImPtStage st = stage_of(t, &four_k, 3);
    ImWalkOut w;

    toy_map(t, &st, 0, 0x8000, 0, E_P | E_W);
    t->races = 1;
    t->race_set = r->set;
    t->race_clear = r->clear;
    w = toy_walk(t, &toy_ops, &st, NULL, 0x10, IM_PERM_W);
    g_assert_cmpuint(w.stop, ==, r->want);
    g_assert_cmphex(entry_at(t, &st, 0, 0) & 0xfff, ==, r->after);
}

/* The page moves: the answer is of the entry whose flags were set. */
static void test_race_moves(void)
{
    g_autoptr(Toy) t = toy_new();
    ImPtStage st = stage_of(t, &four_k, 3);
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
    ImPtStage st = stage_of(t, &four_k, 3);
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
    ImPtStage st = stage_of(t, &four_k, 3);

    t->update_fails = true;
    toy_map(t, &st, 0, 0x8000, 0, E_P | E_W);
    g_assert_cmpuint(toy_walk(t, &toy_ops, &st, NULL, 0, IM_PERM_R).stop, ==,
                     IM_WALK_UPDATE);
}

/* --- nested ------------------------------------------------------------- */

#define BIAS  UINT64_C(0x400000)

/* Stage 1 maps BIAS + x to x, with the flags given, in pages of level. */
static ImPtStage nested_identity(Toy *t, const ImPtFormat *f, uint64_t flags)
{
    ImPtStage st = stage_of(t, f, 3);

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

static void test_nested(void)
{
    g_autoptr(Toy) t = toy_new();
    ImPtStage s0 = stage_of(t, &four_k, 3);
    ImPtStage s1;
    ImWalkOut w;

    toy_map(t, &s0, 0x7000, BIAS + 0x9000, 0, E_P | E_W);
    bias_tables(t, &s0, 0x7000);
    s0.root += BIAS;
    s1 = nested_identity(t, &four_k, E_P | E_W);
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
    ImPtStage s0 = stage_of(t, &four_k, 3);
    ImPtStage s1;
    ImWalkOut w;

    toy_map(t, &s0, 0x7000, BIAS + 0x9000, 0, E_P | E_W);
    bias_tables(t, &s0, 0x7000);
    s0.root += BIAS;
    s1 = nested_identity(t, &four_k, E_P | E_A);
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

/* --- what is refused is not dirty ---------------------------------------- */

typedef struct Both {
    Toy *t;
    ImPtStage s0, s1;
    uint64_t leaf0, leaf1;      /* of 0x7000, and of what it yields, 0x9000 */
} Both;

static Both both_new(Toy *t)
{
    Both b = { .t = t, .s0 = stage_of(t, &four_k, 3) };

    toy_map(t, &b.s0, 0x7000, BIAS + 0x9000, 0, E_P | E_W);
    b.leaf0 = toy_entry(t, &b.s0, 0x7000, 0);
    bias_tables(t, &b.s0, 0x7000);
    b.s0.root += BIAS;
    b.s1 = nested_identity(t, &four_k, E_P | E_W);
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
    g_assert_cmpuint(toy_walk(t, &toy_ops, &b.s0, &b.s1, 0x7000,
                              IM_PERM_R).stop, ==, IM_WALK_OK);
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
    big = stage_of(t, &four_k, 3);
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
        .name = "64K", .entry = toy_names, .levels = 3, .index_bits = 13,
        .page_shift = 16, .entry_size = 8, .decode = toy_decode,
    };
    g_autoptr(Toy) t = toy_new();
    ImPtStage s0 = stage_of(t, &big, 1);
    ImPtStage s1;
    ImWalkOut w;

    toy_map(t, &s0, 0x70000, BIAS + 0x10000, 0, E_P | E_W);
    bias_tables(t, &s0, 0x70000);
    s0.root += BIAS;
    s1 = nested_identity(t, &four_k, E_P | E_W);
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
    ImPtStage s0 = stage_of(t, &four_k, 3);
    ImPtStage s1;
    unsigned n;

    toy_map(t, &s0, 0x7000, BIAS + 0x9000, 0, E_P | E_W);
    bias_tables(t, &s0, 0x7000);
    s0.root += BIAS;
    s1 = nested_identity(t, &four_k, E_P | E_W | E_A | E_D);
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

static void test_steps(void)
{
    g_autoptr(Toy) t = toy_new();
    ImPtStage st = stage_of(t, &four_k, 3);
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
    g_test_add_func("/core/walk/every-read-may-fail",
                    test_every_read_may_fail);
    g_test_add_func("/core/walk/steps", test_steps);
    return g_test_run();
}
