/*
 * Sorted lists of ranges of addresses: what is reserved, what is allowed,
 * and what is left between them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_CORE_RANGES_H
#define HW_CORE_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Memory that may fail. */
typedef struct ImMemory {
    void *(*alloc)(void *opaque, size_t bytes);         /* or NULL */
    void (*free)(void *opaque, void *p, size_t bytes);
    void *opaque;
} ImMemory;

typedef struct ImRange {
    uint64_t first, last;
} ImRange;

/* first > last. */
#define IM_RANGE_NONE  ((ImRange){ 1, 0 })

/* All zero: no range, no memory. Sorted and disjoint. */
typedef struct ImRanges {
    ImRange *range;
    uint32_t count, room;
} ImRanges;

/* Room for count of them altogether, so that none of the following that adds
 * to fewer can fail. false: no memory, and nothing changed. */
bool im_ranges_make_room(const ImMemory *mem, ImRanges *r, uint32_t count);
void im_ranges_free(const ImMemory *mem, ImRanges *r);

/* Together with what is there; those that meet or touch become one. false:
 * no memory, and nothing changed. */
bool im_ranges_add(const ImMemory *mem, ImRanges *r, uint64_t first,
                   uint64_t last);

/* Sort what was filled in by hand, in any order, in place. false: one is
 * none, or two meet, and it is no such list. */
bool im_ranges_sort(ImRanges *r);
/* Those that touch become one. */
void im_ranges_join(ImRanges *r);

/* Whether any of them meets first .. last; whether one contains it. */
bool im_ranges_meet(const ImRanges *r, uint64_t first, uint64_t last);
bool im_ranges_hold(const ImRanges *r, uint64_t first, uint64_t last);

/*
 * What they leave of *rest, one gap a call, lowest first: *rest becomes what
 * is above it. false: no more.
 */
bool im_ranges_gap(const ImRanges *r, ImRange *rest, ImRange *gap);

#endif /* HW_CORE_RANGES_H */
