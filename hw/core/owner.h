/*
 * Who owns what a TLB holds.
 *
 * An owner is what invalidations name: the address space of a requester, an
 * ASID, a VMID. It has a pair of tags, for unprivileged and for privileged
 * requests, and knows which page sizes may be cached under each, so that a
 * lookup makes one probe for each of those and no more. To give an owner
 * new tags is to invalidate all it has, in O(1), wherever that sits; an
 * owner that has nothing keeps its tags. When all tags are used up
 * everything is forgotten and everybody gets new ones.
 *
 * A range is dropped by probing for its pages. A page that was cached in
 * pieces, because a nested stage maps smaller ones, goes with any address
 * in it. What would take too many probes gets new tags instead: that is
 * coarser than asked for, which every architecture allows.
 *
 * A second one of these caches the tables on the way of walks.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_CORE_OWNER_H
#define HW_CORE_OWNER_H

#include "hw/core/tlb.h"
#include "hw/core/walk.h"

typedef struct ImOwner {
    uint32_t tag;               /* even; + 1: of privileged requests */
    uint16_t classes[2];        /* page sizes that may be cached, by
                                   privilege */
    uint8_t whole;              /* log2 of the largest page cached in
                                   pieces, or 0 */
    uint8_t kind;               /* as added */
    struct ImOwner *next;       /* of the same TLB */
} ImOwner;

#define IM_OWNER_NO_CLASS  UINT8_MAX

/* A TLB all of whose entries are owned. */
typedef struct ImOwnedTlb {
    ImTlb tlb;
    ImOwner *owners;
    uint32_t next_tag;
    uint8_t class_of[64];       /* by log2 of a page: the largest class that
                                   is no larger, or NO_CLASS */
} ImOwnedTlb;

/* What one invalidation may spend on probes, for all the owners it meets;
 * none of them gets more than 1/32 of it. */
#define IM_OWNER_BUDGET  (1u << 17)

/* As im_tlb_init(); sizes ascend, those that are not used (0) come last. */
void im_owned_init(ImOwnedTlb *t, uint32_t entries,
                   const uint8_t shift[IM_TLB_CLASSES]);
void im_owned_destroy(ImOwnedTlb *t);
/* Forget everything. */
void im_owned_flush(ImOwnedTlb *t);

/*
 * o, which owns nothing yet, is one of t's owners until t is destroyed; it
 * stays the caller's. kind: for the caller to tell owners apart.
 */
void im_owner_add(ImOwnedTlb *t, ImOwner *o, uint8_t kind);

/*
 * Drop what o has in first .. last (bits 56:0 count; first may be above last
 * in them: then it is everything that goes). Takes probes out of *budget,
 * IM_OWNER_BUDGET when the invalidation began; drops all o has where that
 * is cheaper.
 */
void im_owner_drop_range(ImOwnedTlb *t, ImOwner *o, uint64_t first,
                         uint64_t last, uint32_t *budget);

/* --- what is cached, for dumps and tests -------------------------------- */

/* How a dump speaks of an entry. */
typedef struct ImOwnedWords {
    void (*owner)(GString *out, const ImOwner *o);
    const char *rights;         /* letters of the low flags: "rwx" */
    const char *privileged;
} ImOwnedWords;

/* Entries that a lookup can find. */
unsigned im_owned_count(const ImOwnedTlb *t);
/* A line for each, up to 64, and one that says how many there are. */
void im_owned_dump(const ImOwnedTlb *t, const ImOwnedWords *words,
                   GString *out);

/* --- inline, because requests and invalidations do little else ---------- */

/* Whether o may have something. */
static inline bool im_owner_has(const ImOwner *o)
{
    return (o->classes[0] | o->classes[1]) != 0;
}

/* The next pair of tags, of which there is one, for who has nothing yet. */
static inline void im_owner_assign(ImOwnedTlb *t, ImOwner *o)
{
    o->tag = t->next_tag;
    o->classes[0] = o->classes[1] = 0;
    o->whole = 0;
    t->next_tag += 2;
}

/* All that o has is gone. */
static inline void im_owner_renew(ImOwnedTlb *t, ImOwner *o)
{
    if (!im_owner_has(o)) {
        return;
    }
    if (G_UNLIKELY(t->next_tag >= IM_TLB_TAG_MAX)) {
        im_owned_flush(t);
    } else {
        im_owner_assign(t, o);
    }
}

/* The same of a range, see im_owner_drop_range(). */
static inline void im_owner_drop(ImOwnedTlb *t, ImOwner *o, uint64_t first,
                                 uint64_t last, uint32_t *budget)
{
    if (im_owner_has(o)) {
        im_owner_drop_range(t, o, first, last, budget);
    }
}

/* What addr is translated to; the smallest page is looked for first. */
IM_INLINE bool im_owner_get(ImOwnedTlb *t, const ImOwner *o, bool priv,
                            uint64_t addr, ImTlbHit *hit)
{
    for (unsigned left = o->classes[priv]; left; left &= left - 1) {
        if (im_tlb_get(&t->tlb, o->tag + priv, (unsigned)__builtin_ctz(left),
                       addr, hit)) {
            return true;
        }
    }
    return false;
}

/* Begin to fetch what im_owner_put() of a page of 2^shift bytes touches. */
IM_INLINE void im_owner_prefetch(const ImOwnedTlb *t, const ImOwner *o,
                                 bool priv, uint64_t addr, unsigned shift)
{
    im_tlb_prefetch(&t->tlb, o->tag + priv, t->class_of[shift], addr);
}

/*
 * Cache what addr is translated to, an address of IM_TLB_OUT_BITS, in a page
 * of 2^shift bytes: in pieces when there is no such class; not at all when
 * there is no smaller one. whole, not below shift: log2 of the page of the
 * first stage that this is a piece of.
 */
static inline void im_owner_put(ImOwnedTlb *t, ImOwner *o, bool priv,
                                uint64_t addr, uint64_t out, unsigned shift,
                                unsigned whole, uint16_t flags)
{
    unsigned cls = t->class_of[shift];
    unsigned size;

    if (cls == IM_OWNER_NO_CLASS) {
        return;
    }
    size = t->tlb.shift[cls];
    o->classes[priv] |= (uint16_t)(1u << cls);
    if (whole > size && whole > o->whole) {
        o->whole = (uint8_t)whole;
    }
    im_tlb_put(&t->tlb, o->tag + priv, cls, addr, out >> size << size, flags);
}

/* --- tables on the way of a walk ------------------------------------------
 *
 * A class is what a table translates: its level and format make it, and the
 * TLB has a class for each that comes. Only the two lowest levels are kept:
 * tables above are few, and read again; a place for each would cost every
 * miss more than it saves.
 */

#define IM_OWNER_LEVELS     2u
#define IM_OWNER_PERM       15u         /* ImWalkPoint.perm */
#define IM_OWNER_WRITABLE   16u

/* ImWalkOps.find: the deepest table on the way of addr. */
IM_INLINE bool im_owner_find_table(ImOwnedTlb *t, const ImOwner *o, bool priv,
                                   const ImPtFormat *fmt, uint64_t addr,
                                   ImWalkPoint *at)
{
    unsigned classes = o->classes[priv];
    ImTlbHit hit;

    for (unsigned level = 0; classes && level < IM_OWNER_LEVELS; level++) {
        unsigned cls = t->class_of[im_pt_level_shift(fmt, level + 1)];

        if ((classes >> cls & 1) &&
            im_tlb_get(&t->tlb, o->tag + priv, cls, addr, &hit)) {
            at->table = hit.addr;
            at->level = (uint8_t)level;
            at->perm = hit.flags & IM_OWNER_PERM;
            at->writable = hit.flags & IM_OWNER_WRITABLE;
            return true;
        }
    }
    return false;
}

/* ImWalkOps.keep. A concatenated table is the first of its walk, and is not
 * kept. */
IM_INLINE void im_owner_keep_table(ImOwnedTlb *t, ImOwner *o, bool priv,
                                   const ImPtFormat *fmt, uint64_t addr,
                                   const ImWalkPoint *at)
{
    unsigned cls;

    if (at->level >= IM_OWNER_LEVELS) {
        return;
    }
    cls = t->class_of[im_pt_level_shift(fmt, at->level + 1u)];
    o->classes[priv] |= (uint16_t)(1u << cls);
    im_tlb_put(&t->tlb, o->tag + priv, cls, addr, at->table,
               (uint16_t)(at->perm | (at->writable ? IM_OWNER_WRITABLE : 0)));
}

#endif /* HW_CORE_OWNER_H */
