/*
 * The nesting page-table walker.
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib.h>

#include "hw/core/field.h"
#include "hw/core/walk.h"

/* A guest that changes one entry this often while we look is at fault. */
#define CMPXCHG_TRIES  64

#define ANY_ACCESS  (IM_PERM_R | IM_PERM_W | IM_PERM_X)

/* One stage's walk in progress. */
typedef struct Cursor {
    const ImWalk *w;
    const ImPtStage *st;
    const ImPtFormat *fmt;
    unsigned stage;
    uint64_t in;
    uint64_t table;         /* in the stage's output space, or physical */
    uint64_t at;            /* of the entry under the cursor, as table */
    uint64_t pa;            /* the same, physical */
    uint8_t need;
    uint8_t perm;           /* granted so far */
    bool write;
    bool hold;              /* of a leaf the dirty flag is not set yet, but
                               may be refused */
    bool owes;              /* the nested stage's page is held so */
    bool again;             /* walked before: nobody is told */
    bool final;             /* what it yields is the answer's */
    uint8_t within;         /* log2 of the page of stage 0 around it */
    uint8_t level;
    uint8_t shift;          /* of the range of an entry at level, log2 */
    uint8_t bits;           /* index bits of the table */
    bool nested;            /* what it yields is input of another stage */
    bool late;              /* permission is judged at the leaf alone */
    bool physical;          /* table is a physical address */
    bool writable;
    bool fresh;             /* descended to, not found in a cache */
    bool whole;             /* the table is one piece of physical memory */
    bool lost;              /* stopped, but from the root it might not */
} Cursor;

static bool walk_stage(Cursor *c, ImWalkOut *out);

static bool walk_stop(const Cursor *c, ImWalkStop why, ImWalkOut *out)
{
    out->stop = why;
    out->in = c->in;
    out->entry = c->pa;
    out->stage = (uint8_t)c->stage;
    out->level = c->level;
    out->top = c->level == c->st->top;
    out->for_entry = false;
    out->for_update = false;
    out->perm = c->perm;
    return false;
}

/* The cursor is at a table of this level. */
static inline void walk_at_level(Cursor *c, unsigned level)
{
    c->level = (uint8_t)level;
    c->shift = (uint8_t)im_pt_level_shift(c->fmt, level);
    c->bits = level == c->st->top && c->st->top_bits ? c->st->top_bits :
                                                       c->fmt->index_bits;
}

static inline void walk_begin(Cursor *c, const ImWalk *w, unsigned stage,
                              uint64_t in, uint8_t need, bool write)
{
    const ImPtStage *st = w->stage[stage];

    *c = (Cursor) {
        .w = w,
        .st = st,
        .fmt = st->fmt,
        .stage = stage,
        .in = in,
        .need = need,
        .write = write,
        .table = st->root,
        .perm = UINT8_MAX,
        .writable = true,
        .whole = true,
        .nested = stage == 0 && w->stage[1],
        .final = stage == 0,
        .within = UINT8_MAX,
        .late = st->fmt->rights,
    };
    c->physical = !c->nested;
    walk_at_level(c, st->top);
}

/* Start at the deepest table that is known. */
static inline void walk_skip(Cursor *c)
{
    const ImWalkOps *ops = c->w->ops;
    ImWalkPoint at;

    if (ops->find && !c->st->fmt->lookup &&
        ops->find(c->w->opaque, c->stage, c->in, &at)) {
        c->table = at.table;
        c->perm = at.perm;
        c->writable = at.writable;
        c->physical = true;
        walk_at_level(c, at.level);
    }
}

static inline bool walk_nested(const Cursor *c, Cursor *n, ImWalkOut *out)
{
    if (c->late && n->in > n->st->in_last) {
        return walk_stop(n, IM_WALK_RANGE, out);
    }
    walk_skip(n);
    return walk_stage(n, out);
}

/* Take an address of an entry of stage 0 through the nested stage. */
static inline bool walk_nest(const Cursor *c, uint64_t in, uint8_t need,
                             bool write, bool again, ImWalkOut *out)
{
    Cursor n;

    walk_begin(&n, c->w, 1, in, need, write);
    n.again = again;
    return walk_nested(c, &n, out);
}

/* The same for what stage 0 yields, which is in a page of 2^within bytes. */
static inline bool walk_nest_page(const Cursor *c, uint64_t in, unsigned within,
                                  bool write, bool hold, bool again,
                                  ImWalkOut *out)
{
    Cursor n;

    walk_begin(&n, c->w, 1, in, c->need, write);
    n.final = true;
    n.within = (uint8_t)within;
    n.hold = hold;
    n.again = again;
    return walk_nested(c, &n, out);
}

/* log2 of the size of the table under the cursor, rounded up. */
static unsigned walk_table_shift(const Cursor *c)
{
    return c->bits + (c->fmt->entry_size > 4 ? 3u : 2u);
}

/* The nested stage refuses what is to be done with the entry. */
static bool walk_denied(const Cursor *c, ImWalkStop why, ImWalkOut *out)
{
    walk_stop(c, why, out);
    out->in = c->at;
    return false;
}

/* Take the entry's address through the nested stage. */
static bool walk_locate_nested(Cursor *c, ImWalkOut *out)
{
    bool both = c->st->nest_write;

    if (!walk_nest(c, c->at, both ? IM_PERM_R | IM_PERM_W : IM_PERM_R, both,
                   c->again, out)) {
        if (out->stop == IM_WALK_PERM) {
            return walk_denied(c, IM_WALK_NESTED_READ, out);
        }
        out->for_entry = true;
        return false;
    }
    if (out->no_tables) {
        return walk_denied(c, IM_WALK_NESTED_READ, out);
    }
    c->pa = out->addr;
    c->writable = (out->perm & IM_PERM_W) && out->dirty;
    c->whole = out->shift >= walk_table_shift(c);
    return true;
}

static bool walk_locate(Cursor *c, ImWalkOut *out)
{
    uint64_t index = (c->in >> c->shift) & ((UINT64_C(1) << c->bits) - 1);
    uint64_t offset = index * c->fmt->entry_size;
    ImWalkPoint at;

    c->at = c->table + offset;
    if (c->physical) {
        c->pa = c->at;
    } else if (!walk_locate_nested(c, out)) {
        return false;
    }
    if (c->fresh && c->whole && c->w->ops->keep) {
        at.table = c->pa - offset;
        at.level = c->level;
        at.perm = c->perm;
        at.writable = c->writable;
        c->w->ops->keep(c->w->opaque, c->stage, c->in, &at);
    }
    return true;
}

static void walk_report(const Cursor *c, uint64_t pte)
{
    static const char *const notes[] = {
        [IM_PTE_FAULT] = "not present",
        [IM_PTE_RSVD] = "reserved bits set",
        [IM_PTE_SIZE] = "address too large",
        [IM_PTE_UNUSED] = "access flag is 0",
        [IM_PTE_TABLE] = "next table",
        [IM_PTE_LEAF] = "page",
    };
    ImPteView v = { 0 };
    ImStep step = {
        .what = c->fmt->entry[c->level],
        .note = notes[c->fmt->decode(c->st, c->level, pte, &v)],
        .addr = c->pa,
        .value = { pte },
        .words = 1,
    };

    c->w->ops->step(c->w->opaque, &step);
}

static bool walk_read_entry(Cursor *c, uint64_t *pte, ImWalkOut *out)
{
    uint64_t raw = 0;

    if (c->w->ops->read(c->w->opaque, c->pa, &raw, c->fmt->entry_size) !=
        IM_BUS_OK) {
        return walk_stop(c, IM_WALK_ACCESS, out);
    }
    *pte = GUINT64_FROM_LE(raw);
    if (G_UNLIKELY(c->w->ops->step) && !c->again) {
        walk_report(c, *pte);
    }
    return true;
}

IM_INLINE bool walk_check(Cursor *c, ImPteKind kind, const ImPteView *v,
                          ImWalkOut *out)
{
    static const ImWalkStop stops[] = {
        [IM_PTE_FAULT] = IM_WALK_ABSENT,
        [IM_PTE_RSVD] = IM_WALK_RSVD,
        [IM_PTE_SIZE] = IM_WALK_SIZE,
        [IM_PTE_UNUSED] = IM_WALK_UNUSED,
    };

    if (kind < IM_PTE_TABLE) {
        return walk_stop(c, stops[kind], out);
    }
    if (c->late) {
        return true;
    }
    if (c->nested && v->addr > c->w->stage[1]->in_last) {
        return walk_stop(c, IM_WALK_RANGE, out);
    }
    if (c->st->must & ~v->perm) {
        return walk_stop(c, IM_WALK_MUST, out);
    }
    if (!(c->perm & v->perm & ANY_ACCESS)) {
        c->perm = 0;
        return walk_stop(c, IM_WALK_ABSENT, out);
    }
    return true;
}

/* The value of an entry after use. */
static uint64_t walk_marked(uint64_t pte, const ImPteView *v, bool write)
{
    return write ? (pte | v->used | v->dirty) & ~v->clean : pte | v->used;
}

/* Ask the nested stage once more: it may have flags of its own to set
 * before an entry can be changed. */
static G_GNUC_NO_INLINE bool walk_make_writable(Cursor *c, ImWalkOut *out)
{
    ImWalkOut n;

    if (c->physical) {
        c->lost = true;
    } else if (walk_nest(c, c->at, IM_PERM_R | IM_PERM_W, true, true, &n)) {
        if (n.addr != c->pa) {
            return walk_stop(c, IM_WALK_UPDATE, out);
        }
        c->writable = true;
        return true;
    } else if (n.stop != IM_WALK_PERM) {
        *out = n;
        out->for_entry = true;
        out->for_update = true;
        return false;
    }
    return walk_denied(c, IM_WALK_NESTED_WRITE, out);
}

/* May the entry be changed? */
static inline bool walk_may_set(Cursor *c, ImWalkOut *out)
{
    if (c->st->no_update) {
        return walk_stop(c, IM_WALK_NO_UPDATE, out);
    }
    return G_LIKELY(c->writable) || walk_make_writable(c, out);
}

/* A page that would be the answer, but must not. */
static inline bool walk_forbidden(const Cursor *c, const ImPteView *v,
                                  uint64_t addr)
{
    const ImWalkOps *ops = c->w->ops;

    return ops->forbid && c->final &&
           ops->forbid(c->w->opaque, addr, MIN(v->shift, c->within));
}

/*
 * The page is found and may be used: go through the nested stage. As long as
 * a flag of stage 0 is left to set, which may fail, the nested stage's page
 * is not yet dirty: hold.
 */
static bool walk_finish(const Cursor *c, const ImPteView *v, uint8_t perm,
                        bool hold, ImWalkOut *out)
{
    uint64_t offset = c->in & ((UINT64_C(1) << v->shift) - 1);

    out->addr = v->addr | offset;
    out->first_addr = out->addr;
    out->shift = v->shift;
    out->attr = v->attr;
    out->no_tables = v->no_tables;
    out->dirty = true;
    if (c->nested) {
        ImWalkOut last;

        if (!walk_nest_page(c, out->addr, v->shift,
                            c->write && (perm & IM_PERM_W), hold, c->again,
                            &last)) {
            *out = last;
            return false;
        }
        perm &= (uint8_t)(last.perm | IM_PT_USER);
        out->addr = last.addr;
        out->shift = MIN(v->shift, last.shift);
        out->attr = last.attr;
        out->no_tables = last.no_tables;
        out->dirty = last.dirty;
    } else if (walk_forbidden(c, v, out->addr)) {
        return walk_stop(c, IM_WALK_FORBIDDEN, out);
    }
    out->stop = IM_WALK_OK;
    out->perm = perm;
    out->first_shift = v->shift;
    out->first_attr = v->attr;
    return true;
}

static uint8_t walk_any_of(const ImWalk *w)
{
    return w->any ? w->any : ANY_ACCESS;
}

/* Whether a leaf's flags are to be set, as far as this stage knows. */
static inline bool walk_to_be_marked(const Cursor *c, uint64_t pte,
                                     const ImPteView *v, uint8_t perm)
{
    return walk_marked(pte, v, c->write && (perm & IM_PERM_W)) != pte;
}

/*
 * A leaf: *pte is what it was, and becomes what it shall be. try: flags of
 * this leaf may yet prove impossible to set; c->owes says afterwards whether
 * the nested stage's page is to become dirty once they did not.
 */
static bool walk_use_leaf(Cursor *c, uint64_t *pte, const ImPteView *v,
                          bool try, ImWalkOut *out)
{
    uint64_t was = *pte;
    uint8_t perm = c->perm & v->perm;

    if (c->late) {
        perm = c->fmt->rights(c->st, perm);
    }
    if ((c->need & ~perm) ||
        (c->late && !c->need && !(perm & walk_any_of(c->w)))) {
        walk_stop(c, IM_WALK_PERM, out);
        out->perm = perm;
        return false;
    }
    if (c->late && walk_to_be_marked(c, was, v, perm) &&
        !walk_may_set(c, out)) {
        return false;
    }
    try = try && c->nested && c->write && c->w->ops->cmpxchg64 &&
          walk_to_be_marked(c, was, v, perm);
    if (!walk_finish(c, v, perm, try, out)) {
        return false;
    }
    *pte = walk_marked(was, v, c->write && (out->perm & IM_PERM_W));
    c->owes = try && (out->perm & IM_PERM_W) && !out->dirty;
    out->dirty = (c->late && !(perm & IM_PERM_W)) ||
                 (out->dirty &&
                  walk_marked(was, v, true) == (c->hold ? was : *pte));
    return true;
}

/*
 * Judge the entry and set its flags. An entry that changed meanwhile is
 * judged again, so that no update of a CPU is lost.
 */
static bool walk_use_entry(Cursor *c, uint64_t pte, ImPteKind *kind,
                           ImPteView *v, ImWalkOut *out)
{
    const ImWalkOps *ops = c->w->ops;
    bool try = true;

    for (unsigned i = 0; i < CMPXCHG_TRIES; i++) {
        uint64_t after = pte;
        ImBus bus;

        *kind = c->fmt->decode(c->st, c->level, pte, v);
        if (!walk_check(c, *kind, v, out)) {
            return false;
        }
        if (*kind != IM_PTE_LEAF) {
            after |= v->used;
        } else if (!walk_use_leaf(c, &after, v, try, out)) {
            return false;
        }
        if (after == pte) {
            return true;
        }
        if (!walk_may_set(c, out)) {
            return false;
        }
        if (c->hold || c->owes) {
            after = walk_marked(pte, v, false);
        }
        if (!ops->cmpxchg64 || (after == pte && !c->owes)) {
            return true;
        }
        bus = ops->cmpxchg64(c->w->opaque, c->pa, &pte, after);
        if (bus != IM_BUS_RETRY && !(bus == IM_BUS_OK && c->owes)) {
            return bus == IM_BUS_OK || walk_stop(c, IM_WALK_UPDATE, out);
        }
        /* It can be set. Now both, the nested stage's page first. */
        try = bus == IM_BUS_RETRY;
        c->again = true;
        pte = try ? pte : after;
    }
    return walk_stop(c, IM_WALK_UPDATE, out);
}

/* A stage without tables. One that explains changes nothing. */
static bool walk_look_up(Cursor *c, ImWalkOut *out)
{
    const ImPtFormat *fmt = c->st->fmt;
    ImPteView v = { 0 };
    uint64_t flags = 0;

    if (!walk_check(c, fmt->lookup(c->st, c->in, &v), &v, out) ||
        !walk_use_leaf(c, &flags, &v, false, out)) {
        return false;
    }
    if (flags && c->w->ops->cmpxchg64 && !c->hold) {
        fmt->written(c->st, c->in);
    }
    return true;
}

static bool walk_stage(Cursor *c, ImWalkOut *out)
{
    ImPteView v = { 0 };

    if (c->st->fmt->lookup) {
        return walk_look_up(c, out);
    }

    for (;;) {
        ImPteKind kind;
        uint64_t pte = 0;       /* at -O1 gcc thinks it might be unset */

        if (!walk_locate(c, out) || !walk_read_entry(c, &pte, out) ||
            !walk_use_entry(c, pte, &kind, &v, out)) {
            return false;
        }
        if (kind == IM_PTE_LEAF) {
            return true;
        }
        c->perm &= v.perm;
        c->table = v.addr;
        c->physical = !c->nested;
        c->fresh = true;
        c->level--;
        c->bits = c->fmt->index_bits;
        c->shift = (uint8_t)(c->shift - c->bits);
    }
}

void im_walk(const ImWalk *w, uint64_t addr, uint8_t need, bool write,
             ImWalkOut *out)
{
    Cursor c;

    *out = (ImWalkOut) { 0 };
    walk_begin(&c, w, 0, addr, need, write);
    walk_skip(&c);
    if (!walk_stage(&c, out) && c.lost) {
        /* Where its entries are in the nested stage's input is not kept. */
        walk_begin(&c, w, 0, addr, need, write);
        walk_stage(&c, out);
    }
}
