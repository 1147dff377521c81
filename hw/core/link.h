/*
 * Lists whose members know their place, for caches that drop an entry from
 * every index in O(1); and a hash for their buckets.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_CORE_LINK_H
#define HW_CORE_LINK_H

#include <stddef.h>
#include <stdint.h>

/* A member of a list; heads are pointers. */
typedef struct ImLink {
    struct ImLink *next;
    struct ImLink **pprev;
} ImLink;

/* The structure that a link is a member of. */
#define IM_LINK_OF(link, type, member) \
    ((type *)(void *)((char *)(link) - offsetof(type, member)))

static inline void im_link_in(ImLink **head, ImLink *n)
{
    n->next = *head;
    n->pprev = head;
    if (n->next) {
        n->next->pprev = &n->next;
    }
    *head = n;
}

static inline void im_link_out(ImLink *n)
{
    *n->pprev = n->next;
    if (n->next) {
        n->next->pprev = n->pprev;
    }
}

/* Where v belongs; mask with the number of buckets less one. */
static inline uint32_t im_link_hash(uint64_t v)
{
    return (uint32_t)(v * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

#endif /* HW_CORE_LINK_H */
