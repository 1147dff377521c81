/*
 * Translation cache.
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib.h>
#include <string.h>

#include "hw/core/tlb.h"

/* Not used since its set was last searched, beginning at a moving way. */
static ImTlbEntry *tlb_choose_victim(ImTlb *t, ImTlbEntry *set)
{
    unsigned first = t->victim++ % IM_TLB_WAYS;

    for (unsigned i = 0; i < IM_TLB_WAYS; i++) {
        ImTlbEntry *e = &set[(first + i) % IM_TLB_WAYS];

        if (!(e->val & IM_MASK(IM_TLB_USED))) {
            return e;
        }
        e->val &= ~IM_MASK(IM_TLB_USED);
    }
    return &set[first];
}

/* Unrolled, as im_tlb_find(): a miss puts three entries. */
static inline ImTlbEntry *tlb_empty(ImTlbEntry *set)
{
#pragma GCC unroll 4
    for (unsigned i = 0; i < IM_TLB_WAYS; i++) {
        if (!set[i].val) {
            return &set[i];
        }
    }
    return NULL;
}

void im_tlb_put(ImTlb *t, uint32_t tag, unsigned cls, uint64_t addr,
                uint64_t out, uint16_t flags)
{
    ImTlbKey k = im_tlb_key(t, tag, cls, addr);
    ImTlbEntry *e = im_tlb_find(&k);

    if (!e) {
        e = tlb_empty(k.set);
    }
    if (!e) {
        e = tlb_choose_victim(t, k.set);
    }
    e->key = k.key;
    e->val = k.val | (out & IM_MASK(IM_TLB_OUT)) | im_tlb_put_flags(flags);
}

static uint32_t tlb_entry_tag(const ImTlbEntry *e)
{
    return (uint32_t)(IM_GET(e->val, IM_TLB_TAG_HI) << 19 |
                      IM_GET(e->key, IM_TLB_TAG_LO));
}

static uint64_t tlb_entry_addr(const ImTlbEntry *e)
{
    return IM_GET(e->key, IM_TLB_PAGE) << 12;
}

#define ADDRESS  IM_BITS(56, 0)

/* Many probes are dearer than to look at every entry, one after the other. */
#define VISIT_SHARE  16

static uint64_t tlb_drop_by_visit(ImTlb *t, uint32_t tag, unsigned classes,
                                  uint64_t first, uint64_t last)
{
    uint64_t n = im_tlb_entries(t);

    for (uint64_t i = 0; i < n; i++) {
        ImTlbEntry *e = &t->entry[i];
        unsigned cls = (unsigned)IM_GET(e->val, IM_TLB_CLASS);
        uint64_t start = tlb_entry_addr(e);
        uint64_t rest = (UINT64_C(1) << t->shift[cls]) - 1;

        if (tlb_entry_tag(e) == tag && (classes & 1u << cls) && start <= last &&
            (start | rest) >= first) {
            *e = (ImTlbEntry) { 0 };
        }
    }
    return n;
}

static uint64_t tlb_drop_class(ImTlb *t, uint32_t tag, unsigned cls,
                               uint64_t first, uint64_t last)
{
    unsigned shift = t->shift[cls];
    uint64_t count = (last >> shift) - (first >> shift) + 1;

    for (uint64_t i = 0; i < count; i++) {
        ImTlbKey k = im_tlb_key(t, tag, cls, first + (i << shift));
        ImTlbEntry *e = im_tlb_find(&k);

        if (e) {
            *e = (ImTlbEntry) { 0 };
        }
    }
    return count;
}

uint64_t im_tlb_drop(ImTlb *t, uint32_t tag, unsigned classes, uint64_t first,
                     uint64_t last)
{
    uint64_t most = im_tlb_entries(t) / VISIT_SHARE;
    uint64_t probes = 0;

    first &= ADDRESS;
    last &= ADDRESS;
    for (unsigned left = classes; left; left &= left - 1) {
        unsigned cls = (unsigned)__builtin_ctz(left);
        unsigned shift = t->shift[cls];

        if ((last >> shift) - (first >> shift) > most) {
            return probes + tlb_drop_by_visit(t, tag, left, first, last);
        }
        probes += tlb_drop_class(t, tag, cls, first, last);
    }
    return probes;
}

void im_tlb_init(ImTlb *t, uint32_t entries,
                 const uint8_t shift[IM_TLB_CLASSES])
{
    size_t line = sizeof(ImTlbEntry) * IM_TLB_WAYS;
    uint32_t sets = entries / IM_TLB_WAYS;

    g_assert(sets && !(sets & (sets - 1)));
    memcpy(t->shift, shift, sizeof(t->shift));
    t->set_mask = sets - 1;
    t->set_bits = (uint8_t)MAX(g_bit_storage(sets) - 1, 1);
    t->victim = 0;
    t->memory = g_malloc0((size_t)entries * sizeof(ImTlbEntry) + line - 1);
    t->entry = (void *)(((uintptr_t)t->memory + line - 1) & ~(line - 1));
}

void im_tlb_destroy(ImTlb *t)
{
    g_free(t->memory);
    t->memory = NULL;
    t->entry = NULL;
}

void im_tlb_flush(ImTlb *t)
{
    memset(t->entry, 0, im_tlb_entries(t) * sizeof(ImTlbEntry));
}

void im_tlb_visit(const ImTlb *t, ImTlbVisit *fn, void *opaque)
{
    uint64_t n = im_tlb_entries(t);

    for (uint64_t i = 0; i < n; i++) {
        const ImTlbEntry *e = &t->entry[i];
        ImTlbHit hit = {
            .addr = e->val & IM_MASK(IM_TLB_OUT),
            .flags = im_tlb_flags(e->val),
            .shift = t->shift[IM_GET(e->val, IM_TLB_CLASS)],
        };

        if (e->val) {
            fn(opaque, tlb_entry_tag(e), tlb_entry_addr(e), &hit);
        }
    }
}
