/*
 * A page-table format that nobody has.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/toy.h"

#define MEM_SIZE  (1u << 20)

ImPteKind toy_decode(const ImPtStage *st, unsigned level, uint64_t pte,
                     ImPteView *v)
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

const char *const toy_names[5] = { "L0", "L1", "L2", "L3", "L4" };

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
ImBus toy_never(void *opaque, uint64_t pa, uint64_t *expected, uint64_t desired)
{
    (void)desired;
    ((Toy *)opaque)->updates++;
    memcpy(expected, ((Toy *)opaque)->mem + pa, 8);
    return IM_BUS_RETRY;
}

static bool toy_find(void *opaque, unsigned stage, uint64_t in, ImWalkPoint *at)
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

void toy_step(void *opaque, const ImStep *step)
{
    Toy *t = opaque;

    g_string_append_printf(t->steps, "%s:%s ", step->what, step->note);
}

static bool toy_forbid(void *opaque, uint64_t addr, unsigned shift)
{
    const Toy *t = opaque;

    return t->forbid && addr >> shift == t->forbid >> shift;
}

const ImWalkOps toy_ops = {
    .read = toy_read,
    .cmpxchg64 = toy_cmpxchg,
    .find = toy_find,
    .keep = toy_keep,
    .forbid = toy_forbid,
};

Toy *toy_new(void)
{
    Toy *t = g_new0(Toy, 1);

    t->mem = g_malloc0(MEM_SIZE);
    t->next = 0x10000;
    t->start_stage = -1;
    t->steps = g_string_new(NULL);
    return t;
}

void toy_free(Toy *t)
{
    g_string_free(t->steps, TRUE);
    g_free(t->mem);
    g_free(t);
}

uint64_t toy_table(Toy *t, const ImPtStage *st, unsigned level)
{
    unsigned bits = level == st->top && st->top_bits ? st->top_bits :
                                                       st->fmt->index_bits;
    uint64_t size = MAX((uint64_t)st->fmt->entry_size << bits, 0x1000);
    uint64_t at = (t->next + size - 1) & ~(size - 1);

    t->next = at + size;
    g_assert_cmpuint(t->next, <=, MEM_SIZE);
    return at;
}

uint64_t toy_entry(Toy *t, const ImPtStage *st, uint64_t addr, unsigned level)
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

void toy_map(Toy *t, const ImPtStage *st, uint64_t addr, uint64_t out,
             unsigned level, uint64_t flags)
{
    uint64_t e = out | flags | (level ? E_LEAF : 0);

    memcpy(t->mem + toy_entry(t, st, addr, level), &e, st->fmt->entry_size);
}

ImWalkOut toy_walk(Toy *t, const ImWalkOps *ops, const ImPtStage *s0,
                   const ImPtStage *s1, uint64_t addr, uint8_t need)
{
    ImWalk w = { .ops = ops, .opaque = t, .stage = { s0, s1 } };
    ImWalkOut out;

    im_walk(&w, addr, need, need & IM_PERM_W, &out);
    return out;
}

const ImPtFormat toy_4k = {
    .name = "4K",
    .entry = toy_names,
    .levels = 4,
    .index_bits = 9,
    .page_shift = 12,
    .entry_size = 8,
    .decode = toy_decode,
};

ImPtStage toy_stage(Toy *t, const ImPtFormat *f, unsigned top)
{
    ImPtStage st = { .fmt = f, .top = (uint8_t)top, .in_last = UINT64_MAX };

    st.root = toy_table(t, &st, top);
    return st;
}

uint64_t toy_entry_value(Toy *t, const ImPtStage *st, uint64_t addr,
                         unsigned level)
{
    uint64_t e;

    memcpy(&e, t->mem + toy_entry(t, st, addr, level), 8);
    return e;
}
