/*
 * A cache of decoded structures.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/pool.h"

static ImPoolSlot *pool_at(const ImPool *p, uint32_t i)
{
    return (void *)(p->slot + (size_t)(i & (p->count - 1)) * p->size);
}

static ImLink **pool_bucket(const ImPool *p, uint64_t key)
{
    return &p->bucket[im_link_hash(key) & p->mask];
}

/* Free slots are a stack by live.next. */
static void pool_push(ImPool *p, ImPoolSlot *s)
{
    s->key = IM_POOL_FREE;
    s->used = false;
    s->live.next = p->free;
    p->free = &s->live;
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

void im_pool_reclaim(ImPool *p)
{
    while (!p->free) {
        ImPoolSlot *s = pool_at(p, p->hand++);

        if (s->used) {
            s->used = false;
        } else {
            p->drop(p->opaque, s);
        }
    }
}

void *im_pool_take(ImPool *p, uint64_t key)
{
    ImPoolSlot *s = IM_LINK_OF(p->free, ImPoolSlot, live);

    p->free = s->live.next;
    s->key = key;
    s->used = true;
    im_link_in(pool_bucket(p, key), &s->by_key);
    im_link_in(&p->live, &s->live);
    p->last = s;
    return s;
}

void im_pool_free(ImPool *p, void *slot)
{
    ImPoolSlot *s = slot;

    im_link_out(&s->by_key);
    im_link_out(&s->live);
    pool_push(p, s);
}

size_t im_pool_bytes(uint32_t count, size_t size)
{
    return count * (size + 2 * sizeof(ImLink *));
}

void im_pool_init(ImPool *p, void *memory, uint32_t count, size_t size,
                  ImPoolDrop *drop, void *opaque)
{
    g_assert(count && !(count & (count - 1)) && size % 8 == 0);
    *p = (ImPool){
        .mask = 2 * count - 1, .count = count, .size = (uint32_t)size,
        .slot = memory, .bucket = (void *)((char *)memory + count * size),
        .drop = drop, .opaque = opaque,
    };
    for (uint32_t i = count; i-- > 0;) {
        pool_push(p, pool_at(p, i));
    }
    p->last = pool_at(p, 0);
}
