/*
 * A cache of decoded structures.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/pool.h"

static ImLink **pool_bucket(const ImPool *p, uint64_t key)
{
    return &p->bucket[im_link_hash(key) & p->mask];
}

/* Free slots are a stack by by_key.next. */
static void pool_push(ImPool *p, ImPoolSlot *s)
{
    s->key = IM_POOL_FREE;
    s->used = false;
    s->by_key.next = p->free;
    p->free = &s->by_key;
}

void *im_pool_find(ImPool *p, uint64_t key)
{
    for (ImLink *n = *pool_bucket(p, key); n; n = n->next) {
        ImPoolSlot *s = IM_LINK_OF(n, ImPoolSlot, by_key);

        if (s->key == key) {
            s->used = true;
            p->last = s;
            return s;
        }
    }
    return NULL;
}

/* A slot that was never live, while there is one; then the clock: drop what
 * was not used since it last came by. */
void im_pool_reclaim(ImPool *p)
{
    if (p->fresh != p->end) {
        pool_push(p, (void *)p->fresh);
        p->fresh += p->size;
    }
    while (!p->free) {
        ImPoolSlot *s = (void *)p->hand;

        p->hand += p->size;
        if (p->hand == p->end) {
            p->hand = p->slot;
        }
        if (s->used) {
            s->used = false;
        } else {
            p->drop(p->opaque, s);
        }
    }
}

void *im_pool_take(ImPool *p, uint64_t key)
{
    ImPoolSlot *s = IM_LINK_OF(p->free, ImPoolSlot, by_key);

    p->free = s->by_key.next;
    s->key = key;
    s->used = true;
    im_link_in(pool_bucket(p, key), &s->by_key);
    p->last = s;
    return s;
}

void im_pool_free(ImPool *p, void *slot)
{
    ImPoolSlot *s = slot;

    im_link_out(&s->by_key);
    pool_push(p, s);
}

void *im_pool_next(const ImPool *p, const void *slot)
{
    const char *at = slot ? (const char *)slot + p->size : p->slot;

    while (at != p->fresh && ((const ImPoolSlot *)at)->key == IM_POOL_FREE) {
        at += p->size;
    }
    return at == p->fresh ? NULL : (void *)at;
}

/* --- life --------------------------------------------------------------- */

size_t im_pool_bytes(uint32_t count, size_t size)
{
    return count * (size + 2 * sizeof(ImLink *));
}

void im_pool_init(ImPool *p, void *memory, uint32_t count, size_t size,
                  ImPoolDrop *drop, void *opaque)
{
    char *slot = memory;
    char *end = slot + count * size;

    g_assert(count && !(count & (count - 1)) && size % 8 == 0);
    *p = (ImPool) {
        .last = memory,
        .bucket = (void *)end,
        .mask = 2 * count - 1,
        .size = (uint32_t)size,
        .slot = slot,
        .fresh = slot,
        .hand = slot,
        .end = end,
        .drop = drop,
        .opaque = opaque,
    };
    p->last->key = IM_POOL_FREE;
}

void *im_pool_new(ImPool *p, uint32_t count, size_t size, ImPoolDrop *drop,
                  void *opaque)
{
    im_pool_init(p, g_malloc0(im_pool_bytes(count, size)), count, size, drop,
                 opaque);
    return p->slot;
}

void im_pool_destroy(ImPool *p)
{
    g_free(p->slot);
    p->slot = NULL;
}
