/*
 * Sorted lists of ranges of addresses.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/ranges.h"

#include <glib.h>
#include <string.h>

/* The first that ends at or after addr. */
static uint32_t ranges_from(const ImRanges *r, uint64_t addr)
{
    uint32_t lo = 0;
    uint32_t hi = r->count;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (r->range[mid].last < addr) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

bool im_ranges_meet(const ImRanges *r, uint64_t first, uint64_t last)
{
    uint32_t i = ranges_from(r, first);

    return i < r->count && r->range[i].first <= last;
}

bool im_ranges_hold(const ImRanges *r, uint64_t first, uint64_t last)
{
    uint32_t i = ranges_from(r, first);

    return i < r->count && r->range[i].first <= first &&
           r->range[i].last >= last;
}

bool im_ranges_gap(const ImRanges *r, ImRange *rest, ImRange *gap)
{
    uint32_t i = ranges_from(r, rest->first);

    while (rest->first <= rest->last) {
        ImRange next = i < r->count ? r->range[i++] : IM_RANGE_NONE;

        *gap = *rest;
        if (next.first > next.last || next.first > rest->last) {
            *rest = IM_RANGE_NONE;
            return true;
        }
        if (next.last >= rest->last) {
            *rest = IM_RANGE_NONE;
        } else {
            rest->first = next.last + 1;
        }
        if (next.first > gap->first) {
            gap->last = next.first - 1;
            return true;
        }
    }
    return false;
}

/* --- memory ------------------------------------------------------------- */

bool im_ranges_make_room(const ImMemory *mem, ImRanges *r, uint32_t count)
{
    uint32_t room = MAX(MAX(4, count), r->room * 2);
    ImRange *more;

    if (count <= r->room) {
        return true;
    }
    more = mem->alloc(mem->opaque, room * sizeof(*more));
    if (!more) {
        return false;
    }
    if (r->count) {
        memcpy(more, r->range, r->count * sizeof(*more));
    }
    if (r->range) {
        mem->free(mem->opaque, r->range, r->room * sizeof(*more));
    }
    r->range = more;
    r->room = room;
    return true;
}

void im_ranges_free(const ImMemory *mem, ImRanges *r)
{
    if (r->range) {
        mem->free(mem->opaque, r->range, r->room * sizeof(*r->range));
    }
    *r = (ImRanges) { 0 };
}

bool im_ranges_add(const ImMemory *mem, ImRanges *r, uint64_t first,
                   uint64_t last)
{
    uint32_t i = ranges_from(r, first ? first - 1 : 0);
    uint32_t end = i;

    while (end < r->count &&
           (last == UINT64_MAX || r->range[end].first <= last + 1)) {
        first = MIN(first, r->range[end].first);
        last = MAX(last, r->range[end].last);
        end++;
    }
    if (end == i && !im_ranges_make_room(mem, r, r->count + 1)) {
        return false;
    }
    if (end < r->count) {
        memmove(&r->range[i + 1], &r->range[end],
                (r->count - end) * sizeof(*r->range));
    }
    r->count = r->count - (end - i) + 1;
    r->range[i] = (ImRange) { first, last };
    return true;
}

/* --- lists that somebody wrote down ------------------------------------- */

/* A heap with the largest at its top; the place at is wrong. */
static void ranges_sift(ImRange *r, uint32_t at, uint32_t count)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        ImRange t = r[at];

        if (child >= count) {
            return;
        }
        if (child + 1 < count && r[child + 1].first > r[child].first) {
            child++;
        }
        if (r[child].first <= t.first) {
            return;
        }
        r[at] = r[child];
        r[child] = t;
        at = child;
    }
}

/* Where it lies: qsort() of the C library may want memory. */
bool im_ranges_sort(ImRanges *r)
{
    for (uint32_t i = r->count / 2; i-- > 0;) {
        ranges_sift(r->range, i, r->count);
    }
    for (uint32_t i = r->count; i-- > 1;) {
        ImRange t = r->range[0];

        r->range[0] = r->range[i];
        r->range[i] = t;
        ranges_sift(r->range, 0, i);
    }
    for (uint32_t i = 0; i < r->count; i++) {
        if (r->range[i].first > r->range[i].last ||
            (i && r->range[i].first <= r->range[i - 1].last)) {
            return false;
        }
    }
    return true;
}

void im_ranges_join(ImRanges *r)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < r->count; i++) {
        ImRange in = r->range[i];

        if (n && in.first == r->range[n - 1].last + 1) {
            r->range[n - 1].last = in.last;
        } else {
            r->range[n++] = in;
        }
    }
    r->count = n;
}
