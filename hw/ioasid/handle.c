/*
 * Numbers of the objects of a context.
 *
 * A slot holds a pointer, or is free and holds the generation of its next
 * life and the next free slot. Slots come in pages that are never given
 * back, so that generations are not forgotten.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/handle.h"

#include <errno.h>

#define SLOTS  1024u
#define PAGES  ((IO_HANDLES_MAX + 1) / SLOTS)

#define FREE_BIT  UINT64_C(1)       /* objects are aligned */

struct IoHandles {
    uint64_t *page[PAGES];
    uint32_t begun;                 /* slots below were used once */
    uint32_t free;                  /* 0: none */
    uint32_t count[IMU_KINDS];
    bool adopting;                  /* numbers are wanted, not given */
    ImuRef wanted;
};

IoHandles *im_handles_new(ImIoasid *h)
{
    IoHandles *t = im_ioasid_alloc(h, sizeof(*t));

    if (t) {
        t->begun = 1;               /* 0 is nobody */
    }
    return t;
}

void im_handles_free(ImIoasid *h, IoHandles *t)
{
    for (unsigned i = 0; i < PAGES; i++) {
        im_ioasid_release(h, t->page[i], SLOTS * sizeof(uint64_t));
    }
    im_ioasid_release(h, t, sizeof(*t));
}

uint32_t im_handles_count(const IoHandles *t, ImuKind kind)
{
    return t->count[kind];
}

static uint64_t *io_handle_slot(const IoHandles *t, uint32_t id)
{
    return &t->page[id / SLOTS][id % SLOTS];
}

IM_RULE(IOASID_HANDLES);
static IoObject *io_handle_lookup(const IoHandles *t, ImuRef ref)
{
    uint64_t v;
    IoObject *obj;

    if (ref.id == 0 || ref.id >= t->begun) {
        return NULL;
    }
    v = *io_handle_slot(t, ref.id);
    if (v & FREE_BIT) {
        return NULL;
    }
    obj = (IoObject *)(uintptr_t)v;
    return obj->ref.gen == ref.gen ? obj : NULL;
}

int im_ioasid_set_of(ImIoasidCtx *c, ImuRef ref, IoSet **set)
{
    IoSet *recent = c->recent;
    IoObject *obj;

    if (recent && recent->obj.ref.id == ref.id &&
        recent->obj.ref.gen == ref.gen) {
        *set = recent;
        return 0;
    }
    obj = io_handle_lookup(c->handles, ref);
    if (!obj || obj->kind != IMU_KIND_SET) {
        return -ENOENT;
    }
    *set = c->recent = IM_LINK_OF(obj, IoSet, obj);
    return 0;
}

int im_ioasid_find(IoSet *set, ImuKind kind, ImuRef ref, IoObject **obj)
{
    IoObject *o = io_handle_lookup(set->ctx->handles, ref);

    if (!o || o->kind != kind || o->set != set) {
        return -ENOENT;
    }
    *obj = o;
    return 0;
}

const IoObject *im_handles_from(const IoHandles *t, uint32_t id)
{
    for (; id && id < t->begun; id++) {
        uint64_t v = *io_handle_slot(t, id);

        if (!(v & FREE_BIT)) {
            return (const IoObject *)(uintptr_t)v;
        }
    }
    return NULL;
}

IoObject *im_handles_object(const IoHandles *t, ImuKind kind, ImuRef ref)
{
    IoObject *obj = io_handle_lookup(t, ref);

    return obj && obj->kind == kind ? obj : NULL;
}

/* Made as one word: it is read as one at once, and a processor that finds
 * two stores there waits for both. */
static ImuRef io_handle_whole_ref(uint32_t id, uint32_t gen)
{
    union {
        uint64_t word;
        ImuRef ref;
    /* clang-format off */
    } u = {
        .word = G_BYTE_ORDER == G_LITTLE_ENDIAN ?
                (uint64_t)gen << 32 | id : (uint64_t)id << 32 | gen,
    };
    /* clang-format on */

    return u.ref;
}

static bool io_handle_page_ready(ImIoasid *h, IoHandles *t, uint32_t id)
{
    uint64_t **page = &t->page[id / SLOTS];

    if (!*page) {
        *page = im_ioasid_alloc(h, SLOTS * sizeof(uint64_t));
    }
    return *page;
}

static bool io_handle_is_free(const IoHandles *t, uint32_t id)
{
    return id && id < t->begun && *io_handle_slot(t, id) & FREE_BIT;
}

/* A number that nobody has: 0, -ENOSPC, -ENOMEM. */
static int io_handle_take(ImIoasid *h, IoHandles *t, uint32_t *id,
                          uint32_t *gen)
{
    *id = t->free;
    *gen = 1;
    if (*id) {
        *gen = (uint32_t)(*io_handle_slot(t, *id) >> 32);
        t->free = (uint32_t)*io_handle_slot(t, *id) >> 1;
        return 0;
    }
    *id = t->begun;
    if (*id > IO_HANDLES_MAX) {
        return -ENOSPC;
    }
    if (!io_handle_page_ready(h, t, *id)) {
        return -ENOMEM;
    }
    t->begun++;
    return 0;
}

IM_RULE(IOASID_OBJECTS);
int im_ioasid_number(ImIoasidCtx *c, IoObject *obj, ImuKind kind, IoSet *set)
{
    IoHandles *t = c->handles;
    uint32_t id = t->wanted.id;
    uint32_t gen = t->wanted.gen;
    int err;

    IM_RULE(IOASID_LIMITS);
    if (kind != IMU_KIND_PASID && t->count[kind] >= IMU_OBJECTS_MAX) {
        return -ENOSPC;
    }
    err = !t->adopting ? io_handle_take(c->host, t, &id, &gen) :
          io_handle_is_free(t, id) && gen ? 0 :
                                            -EINVAL;
    if (err) {
        return err;
    }
    obj->ref = io_handle_whole_ref(id, gen);
    obj->kind = (uint8_t)kind;
    obj->set = set;
    *io_handle_slot(t, id) = (uintptr_t)obj;
    t->count[kind]++;
    return 0;
}

void im_ioasid_list(IoObject *obj)
{
    if (obj->set) {
        im_link_in(&obj->set->objects[obj->kind], &obj->in_set);
        obj->set->held[obj->kind]++;
    } else {
        im_link_in(&IM_LINK_OF(obj, IoSet, obj)->ctx->sets, &obj->in_set);
    }
}

static void io_handle_vacate(ImIoasidCtx *c, const IoObject *obj, uint32_t gen)
{
    IoHandles *t = c->handles;

    if (!obj->set) {
        c->recent = NULL;
    }
    *io_handle_slot(t, obj->ref.id) = (uint64_t)gen << 32 |
                                      (uint64_t)t->free << 1 | FREE_BIT;
    t->free = obj->ref.id;
    t->count[obj->kind]--;
}

void im_ioasid_unnumber(ImIoasidCtx *c, IoObject *obj)
{
    if (obj->in_set.pprev) {
        im_link_out(&obj->in_set);
        obj->in_set.pprev = NULL;
        if (obj->set) {
            obj->set->held[obj->kind]--;
        }
    }
    io_handle_vacate(c, obj, obj->ref.gen == UINT32_MAX ? 1 : obj->ref.gen + 1);
}

void im_ioasid_number_undo(ImIoasidCtx *c, IoObject *obj)
{
    io_handle_vacate(c, obj, obj->ref.gen);
}

/* --- as another context had them ---------------------------------------- */

bool im_handles_untouched(const IoHandles *t)
{
    return t->begun == 1;
}

uint32_t im_handles_begun(const IoHandles *t)
{
    return t->begun;
}

bool im_handles_free_at(const IoHandles *t, uint32_t id, ImuRef *ref)
{
    if (!io_handle_is_free(t, id)) {
        return false;
    }
    *ref = (ImuRef) { id, (uint32_t)(*io_handle_slot(t, id) >> 32) };
    return true;
}

int im_handles_begin(ImIoasid *h, IoHandles *t, uint32_t begun)
{
    if (!begun || begun > IO_HANDLES_MAX + 1) {
        return -EINVAL;
    }
    for (uint32_t id = 1; id < begun; id++) {
        if (!io_handle_page_ready(h, t, id)) {
            return -ENOMEM;
        }
        *io_handle_slot(t, id) = UINT64_C(1) << 32 | FREE_BIT;
    }
    t->begun = begun;
    t->adopting = true;
    return 0;
}

int im_handles_reserve(IoHandles *t, ImuRef ref)
{
    if (!io_handle_is_free(t, ref.id) || !ref.gen) {
        return -EINVAL;
    }
    *io_handle_slot(t, ref.id) = (uint64_t)ref.gen << 32 | FREE_BIT;
    return 0;
}

void im_handles_want(IoHandles *t, ImuRef ref)
{
    t->wanted = ref;
}

void im_handles_settle(IoHandles *t)
{
    t->adopting = false;
    t->wanted = (ImuRef) { 0 };
    t->free = 0;
    for (uint32_t id = t->begun - 1; id; id--) {
        if (io_handle_is_free(t, id)) {
            uint64_t *slot = io_handle_slot(t, id);

            *slot = *slot >> 32 << 32 | (uint64_t)t->free << 1 | FREE_BIT;
            t->free = id;
        }
    }
}

void im_handles_forget(IoHandles *t)
{
    t->adopting = false;
    t->wanted = (ImuRef) { 0 };
    t->begun = 1;
    t->free = 0;
}
