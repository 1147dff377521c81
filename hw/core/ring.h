/*
 * Rings in guest memory: a power-of-two number of equal entries, addressed
 * by byte offsets as the registers hold them. One entry stays free, so head
 * equal to tail means empty.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_CORE_RING_H
#define HW_CORE_RING_H

#include <stdbool.h>
#include <stdint.h>

typedef struct ImRing {
    uint64_t base;          /* guest-physical */
    uint32_t bytes;         /* whole ring, a power of two */
    uint32_t entry;         /* bytes of one entry, a power of two */
} ImRing;

/* Whether an offset written by software names an entry. */
static inline bool im_ring_inside(const ImRing *r, uint64_t off)
{
    return off < r->bytes;
}

static inline bool im_ring_aligned(const ImRing *r, uint64_t off)
{
    return (off & (r->entry - 1)) == 0;
}

/* Any offset, brought to an entry of the ring. */
static inline uint32_t im_ring_wrap(const ImRing *r, uint64_t off)
{
    return (uint32_t)(off & (r->bytes - 1) & ~(uint64_t)(r->entry - 1));
}

static inline uint32_t im_ring_next(const ImRing *r, uint32_t off)
{
    return (off + r->entry) & (r->bytes - 1);
}

static inline bool im_ring_full(const ImRing *r, uint32_t head, uint32_t tail)
{
    return im_ring_next(r, tail) == head;
}

/* Entries between head and tail. */
static inline uint32_t im_ring_used(const ImRing *r, uint32_t head,
                                    uint32_t tail)
{
    return ((tail - head) & (r->bytes - 1)) / r->entry;
}

/* Entries altogether; one less can be in use. */
static inline uint32_t im_ring_entries(const ImRing *r)
{
    return r->bytes / r->entry;
}

static inline uint64_t im_ring_addr(const ImRing *r, uint32_t off)
{
    return r->base + off;
}

#endif /* HW_CORE_RING_H */
