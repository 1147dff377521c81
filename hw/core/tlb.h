/*
 * A translation cache: set-associative, 16 bytes an entry, four entries a
 * cache line, found by one probe for each page size in use.
 *
 * An entry belongs to a tag, which stands for one owner: a requester, an
 * address space, a privilege. Who gives an owner a new tag has invalidated
 * all it had cached, in O(1), wherever it sits; what is left of the old tag
 * is never found again and is replaced in time. A single page is dropped by
 * probing for it. Nothing is flushed because the cache is full, and nothing
 * is allocated after creation.
 *
 * The same engine caches tables on the way of a walk: a class is a level.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_CORE_TLB_H
#define HW_CORE_TLB_H

#include <stdbool.h>
#include <stdint.h>

#include "hw/core/field.h"

#define IM_TLB_CLASSES  16
#define IM_TLB_WAYS     4
#define IM_TLB_TAG_MIN  (1u << 19)
#define IM_TLB_TAG_MAX  ((1u << 23) - 1)
#define IM_TLB_FLAGS    11      /* bits that an owner may keep */
#define IM_TLB_OUT_BITS 56      /* of an output address */

typedef struct ImTlbEntry {
    uint64_t key;           /* input bits 56:12, low half of the tag */
    uint64_t val;           /* output bits 55:12, rest of the tag, flags */
} ImTlbEntry;

typedef struct ImTlb {
    ImTlbEntry *entry;      /* sets of IM_TLB_WAYS, each a cache line */
    void *memory;
    uint32_t set_mask;
    uint8_t set_bits;           /* log2 of the sets, at least 1 */
    uint8_t shift[IM_TLB_CLASSES];  /* log2 of the range of a class */
    uint32_t victim;
} ImTlb;

typedef struct ImTlbHit {
    uint64_t addr;          /* start of the output range */
    uint16_t flags;         /* as put */
    uint8_t shift;          /* log2 of its size */
} ImTlbHit;

/*
 * entries: power of two, at least IM_TLB_WAYS. shift: ranges of the
 * classes, 0 for a class that is not used; at least 12.
 */
void im_tlb_init(ImTlb *t, uint32_t entries,
                 const uint8_t shift[IM_TLB_CLASSES]);
void im_tlb_destroy(ImTlb *t);
/* Forget everything; afterwards all tags may be used again. */
void im_tlb_flush(ImTlb *t);

/* Cache addr -> out for a tag (IM_TLB_TAG_MIN .. IM_TLB_TAG_MAX), replacing an
 * entry for the same range. */
void im_tlb_put(ImTlb *t, uint32_t tag, unsigned cls, uint64_t addr,
                uint64_t out, uint16_t flags);
/*
 * Drop what a tag has in first .. last, both inclusive, and only that; bits
 * 56:0 count, and in them first is not above last. classes: bit mask of those
 * that may be present, which are used. Costs a probe for each possible entry,
 * at most one visit of every entry. Returns the number of probes.
 */
uint64_t im_tlb_drop(ImTlb *t, uint32_t tag, unsigned classes, uint64_t first,
                     uint64_t last);

/* Call fn for every entry. For dumps and tests. */
typedef void ImTlbVisit(void *opaque, uint32_t tag, uint64_t addr,
                        const ImTlbHit *hit);
void im_tlb_visit(const ImTlb *t, ImTlbVisit *fn, void *opaque);

/* --- the probe, inline because every DMA makes one ---------------------- */

#define IM_TLB_KEY(F, R, I)                                                  \
    F(IM_TLB, TAG_LO, 18, 0) F(IM_TLB, PAGE, 63, 19)
/* Rotated by four the flags are one field. */
#define IM_TLB_VAL(F, R, I)                                                  \
    F(IM_TLB, FLAGS_HI, 6, 0) F(IM_TLB, CLASS, 10, 7)                     \
    F(IM_TLB, USED, 11, 11)   F(IM_TLB, OUT, 55, 12)                      \
    F(IM_TLB, TAG_HI, 59, 56) F(IM_TLB, FLAGS_LO, 63, 60)

IM_LAYOUT(IM_TLB_KEY);
IM_LAYOUT(IM_TLB_VAL);
G_STATIC_ASSERT(sizeof(ImTlbEntry) == 16 && IM_TLB_WAYS * 16 == 64);
G_STATIC_ASSERT(IM_MASK(IM_TLB_CLASS) >> IM_TLB_CLASS_LO == IM_TLB_CLASSES - 1);
G_STATIC_ASSERT(IM_TLB_OUT_HI == IM_TLB_OUT_BITS - 1);
G_STATIC_ASSERT(IM_TLB_TAG_MIN >> (IM_TLB_TAG_LO_HI + 1) == 1);

/* What must match in ImTlbEntry.val. TAG_HI is never 0, by IM_TLB_TAG_MIN: an
 * empty entry is one without it, and is not found. */
#define IM_TLB_VAL_KEY  (IM_MASK(IM_TLB_TAG_HI) | IM_MASK(IM_TLB_CLASS))

static inline uint64_t im_tlb_entries(const ImTlb *t)
{
    return (t->set_mask + UINT64_C(1)) * IM_TLB_WAYS;
}

static inline uint16_t im_tlb_flags(uint64_t val)
{
    return (uint16_t)((val << 4 | val >> 60) & ((1u << IM_TLB_FLAGS) - 1));
}

static inline uint64_t im_tlb_put_flags(uint16_t flags)
{
    return IM_PUT(IM_TLB_FLAGS_LO, flags) | IM_PUT(IM_TLB_FLAGS_HI, flags >> 4);
}

typedef struct ImTlbKey {
    uint64_t key;
    uint64_t val;
    ImTlbEntry *set;
} ImTlbKey;

static inline ImTlbKey im_tlb_key(const ImTlb *t, uint32_t tag, unsigned cls,
                                  uint64_t addr)
{
    uint64_t page = (addr & IM_BITS(56, 12)) >> t->shift[cls];
    uint64_t low = page << t->shift[cls] >> 12;
    uint32_t where;
    ImTlbKey k;

    /* Fold, do not mix: neighbours spread evenly over the sets. */
    where = (uint32_t)(page ^ page >> t->set_bits ^ page >> 2 * t->set_bits);
    where ^= (tag * 0x9e3779b1u) >> (32 - t->set_bits);
    k.set = &t->entry[(where & t->set_mask) * IM_TLB_WAYS];
    k.key = IM_PUT(IM_TLB_PAGE, low) | IM_PUT(IM_TLB_TAG_LO, tag);
    k.val = IM_PUT(IM_TLB_TAG_HI, tag >> 19) | IM_PUT(IM_TLB_CLASS, cls);
    return k;
}

static inline ImTlbEntry *im_tlb_find(const ImTlbKey *k)
{
#pragma GCC unroll 4
    for (unsigned i = 0; i < IM_TLB_WAYS; i++) {
        if (k->set[i].key == k->key &&
            (k->set[i].val & IM_TLB_VAL_KEY) == k->val) {
            return &k->set[i];
        }
    }
    return NULL;
}

/* Begin to fetch what a put will touch. gcc takes a function that does just
 * this for one without effects, and drops calls that are not inlined. */
IM_INLINE void im_tlb_prefetch(const ImTlb *t, uint32_t tag, unsigned cls,
                               uint64_t addr)
{
    __builtin_prefetch(im_tlb_key(t, tag, cls, addr).set, 1);
}

/* Whether addr is cached for a tag in a class. */
static inline bool im_tlb_get(ImTlb *t, uint32_t tag, unsigned cls,
                              uint64_t addr, ImTlbHit *hit)
{
    ImTlbKey k = im_tlb_key(t, tag, cls, addr);
    ImTlbEntry *e = im_tlb_find(&k);

    if (!e) {
        return false;
    }
    if (!(e->val & IM_MASK(IM_TLB_USED))) {
        e->val |= IM_MASK(IM_TLB_USED);
    }
    hit->addr = e->val & IM_MASK(IM_TLB_OUT);
    hit->flags = im_tlb_flags(e->val);
    hit->shift = t->shift[cls];
    return true;
}

#endif /* HW_CORE_TLB_H */
