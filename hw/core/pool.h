/*
 * A cache of decoded structures: so many slots, found by a key, the one not
 * used for long given up when another is needed (second chance).
 *
 * A slot is a structure of the caller's that begins with an ImPoolSlot:
 *
 *     typedef struct VtdCtx {
 *         ImPoolSlot slot;
 *         uint64_t dir;
 *         ...
 *     } VtdCtx;
 *     G_STATIC_ASSERT(offsetof(VtdCtx, slot) == 0);
 *
 *     VtdCtx *ctx = im_pool_find(&c->ctxs, rid);
 *
 * A slot is free, or live: found by its key. What else it is linked into is
 * the caller's business, whose drop function undoes it. Nothing is allocated
 * after creation, and a live slot stays where it is: to point at one is sound
 * until it is dropped.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_CORE_POOL_H
#define HW_CORE_POOL_H

#include <stdbool.h>

#include "hw/core/field.h"
#include "hw/core/link.h"

#define IM_POOL_FREE  UINT64_MAX        /* no key */

typedef struct ImPoolSlot {
    ImLink by_key;              /* in its bucket; free: only next */
    uint64_t key;               /* or IM_POOL_FREE */
    bool used;                  /* since the clock last came by */
} ImPoolSlot;

/* Give up a live slot: undo what links to it, then im_pool_free(). It may
 * give up others of this pool with it. */
typedef void ImPoolDrop(void *opaque, void *slot);

typedef struct ImPool {
    ImPoolSlot *last;           /* found or put last; never NULL */
    ImLink **bucket;
    uint32_t mask;              /* buckets - 1 */
    uint32_t size;              /* bytes of a slot */
    char *slot;
    char *fresh;                /* those from here on were never live */
    char *end;
    char *hand;                 /* of the clock */
    ImLink *free;               /* was live, and is not */
    ImPoolDrop *drop;
    void *opaque;
} ImPool;

/* How many slots, or entries of a TLB: n, a power of two as lo and hi are. */
static inline uint32_t im_cache_size(uint32_t n, uint32_t lo, uint32_t hi)
{
    return CLAMP(n, lo, hi);
}

/* Bytes that im_pool_init() needs. */
size_t im_pool_bytes(uint32_t count, size_t size);
/*
 * count: of slots, a power of two; size: of each, a multiple of 8. memory:
 * im_pool_bytes() of zeroes, which begin with the slots, stay the caller's
 * and are freed by it. drop is called with opaque.
 */
void im_pool_init(ImPool *p, void *memory, uint32_t count, size_t size,
                  ImPoolDrop *drop, void *opaque);
/* The same with memory of glib's; returns the slots. */
void *im_pool_new(ImPool *p, uint32_t count, size_t size, ImPoolDrop *drop,
                  void *opaque);
void im_pool_destroy(ImPool *p);

/* The live slot of a key, which counts as used; NULL: there is none. */
void *im_pool_find(ImPool *p, uint64_t key);
/* The halves of im_pool_put(): see that a slot is free; make it live. */
void im_pool_reclaim(ImPool *p);
void *im_pool_take(ImPool *p, uint64_t key);
/* The last step of an ImPoolDrop. */
void im_pool_free(ImPool *p, void *slot);
/* The live slot after one, or after NULL the first; NULL: there are no more.
 * Any may be dropped on the way. Visits as many as were ever live at once. */
void *im_pool_next(const ImPool *p, const void *slot);

#define IM_POOL_EACH(pool, type, s)                                       \
    for (type *s = im_pool_next(pool, NULL); s; s = im_pool_next(pool, s))

/* im_pool_find() for who asks for the same key again and again: inline, and
 * NULL unless it is the one found or put last. */
IM_INLINE void *im_pool_last(const ImPool *p, uint64_t key)
{
    return G_LIKELY(p->last->key == key) ? p->last : NULL;
}

/* Drop a live slot, as if for want of room. */
static inline void im_pool_drop(ImPool *p, void *slot)
{
    p->drop(p->opaque, slot);
}

/*
 * The slot that im_pool_put() takes next, which is free: drops another for
 * it when none is. Until then the caller may fill in what is its own.
 */
static inline void *im_pool_room(ImPool *p)
{
    if (!p->free) {
        im_pool_reclaim(p);
    }
    return IM_LINK_OF(p->free, ImPoolSlot, by_key);
}

/* Make im_pool_room() live under a key that is not. The caller's part of it
 * is as im_pool_room() or the slot's last life left it. */
static inline void *im_pool_put(ImPool *p, uint64_t key)
{
    im_pool_room(p);
    return im_pool_take(p, key);
}

#endif /* HW_CORE_POOL_H */
