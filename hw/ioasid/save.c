/*
 * SAVE: a context as the commands that make it again, in their order, and
 * the little that no command makes. docs/uapi.rst, section 16.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/fault.h"
#include "hw/ioasid/handle.h"
#include "hw/ioasid/memory.h"
#include "hw/ioasid/moving.h"

#include <errno.h>
#include <string.h>

typedef struct Out {
    ImIoasidCtx *c;
    uint64_t base;              /* user address */
    uint64_t bytes;             /* so far */
    ImuRef spare;               /* a number for a space on the way */
    bool tell;                  /* else they are counted */
    int err;                    /* the first one */
} Out;

/* --- records ------------------------------------------------------------ */

static void io_save_bytes(Out *o, const void *buf, size_t n)
{
    if (o->tell && n && !o->err) {
        o->err = im_ioasid_put_user(o->c, o->base + o->bytes, buf, n);
    }
    o->bytes += n;
}

/* A structure with its own length of quads to come behind it. */
static void io_save_begin(Out *o, uint32_t what, ImuRef object, size_t behind)
{
    const ImuSaved saved = {
        .size = (uint32_t)(sizeof(saved) + behind),
        .what = what,
        .object = object,
    };

    io_save_bytes(o, &saved, sizeof(saved));
}

static void io_save_alone(Out *o, uint32_t what, ImuRef object)
{
    io_save_begin(o, what, object, 0);
}

/* A command that makes object (0, 0: none) when it is obeyed again. */
static void io_save_command(Out *o, uint32_t command, ImuRef object,
                            const void *a, size_t size)
{
    io_save_begin(o, command, object, size);
    io_save_bytes(o, a, size);
}

#define NONE  ((ImuRef) { 0 })
#define HEAD(type, bits)  .head = { .size = sizeof(type), .flags = (bits) }
#define SAVE(o, name, object, type, bits, ...)                            \
    io_save_command(o, IMU_CMD_##name, object,                            \
                    &(type) { HEAD(type, bits), __VA_ARGS__ }, sizeof(type))

/* The oldest of a list is its last; and the one that came after one. */
static const ImLink *io_save_oldest(const ImLink *l)
{
    while (l && l->next) {
        l = l->next;
    }
    return l;
}

static const ImLink *io_save_newer(ImLink *const *head, const ImLink *l)
{
    return l->pprev == head ? NULL : IM_LINK_OF(l->pprev, ImLink, next);
}

#define EACH(l, head)                                                     \
    const ImLink *l = io_save_oldest(head);                               \
    l;                                                                    \
    l = io_save_newer(&(head), l)

static ImuRef io_save_ref(const IoObject *obj)
{
    return obj->ref;
}

/* --- spaces and what they map ------------------------------------------- */

static void io_save_space_itself(Out *o, const IoSpace *s)
{
    ImuSpaceCreate a = {
        HEAD(ImuSpaceCreate, s->flags),
        .set = s->obj.set->obj.ref,
        .kind = s->kind,
        .format = s->format,
        .parent = s->parent ? io_save_ref(&s->parent->obj) : NONE,
        .faultq = s->faultq ? io_save_ref(&s->faultq->obj) : NONE,
        .tag = s->tag,
    };
    const void *said = im_ioasid_table_said(s, &a.data_size);

    io_save_begin(o, IMU_CMD_SPACE_CREATE, s->obj.ref, sizeof(a) + a.data_size);
    io_save_bytes(o, &a, sizeof(a));
    io_save_bytes(o, said, a.data_size);
}

static void io_save_mappings(Out *o, const IoSpace *s)
{
    unsigned page = o->c->host->cfg.page_shift;
    const IoArea *a = im_ioarea_from(s->map->root, 0);

    while (a) {
        SAVE(o, MAP, NONE, ImuMap, a->prot | IMU_MAP_FIXED,
             .set = s->obj.set->obj.ref, .space = s->obj.ref,
             .user = a->pages->user + (a->index << page),
             .length = a->last - a->first + 1, .iova = a->first);
        a = a->last == UINT64_MAX ? NULL :
                                    im_ioarea_from(s->map->root, a->last + 1);
    }
}

static void io_save_allowed(Out *o, const IoSpace *s)
{
    ImuAllow a = {
        HEAD(ImuAllow, 0),
        .set = s->obj.set->obj.ref,
        .space = s->obj.ref,
        .count = s->map->allowed.count,
    };

    if (!a.count) {
        return;
    }
    io_save_begin(o, IMU_CMD_ALLOW, NONE,
                  sizeof(a) + a.count * sizeof(ImuRange));
    io_save_bytes(o, &a, sizeof(a));
    for (uint32_t i = 0; i < a.count; i++) {
        const ImRange *r = &s->map->allowed.range[i];

        io_save_bytes(o, &(ImuRange) { r->first, r->last }, sizeof(ImuRange));
    }
}

/* Tracked anew, and everything that may have been written to is dirty. */
static void io_save_tracking(Out *o, const IoSpace *s)
{
    if (s->dirty_on) {
        SAVE(o, DIRTY_SET, NONE, ImuDirtySet, IMU_DIRTY_ON | IMU_DIRTY_NEW,
             .set = s->obj.set->obj.ref, .space = s->obj.ref);
    }
}

static void io_save_tracking_new(Out *o, const IoSpace *s)
{
    if (s->dirty_on && !s->dirty_new) {
        SAVE(o, DIRTY_SET, NONE, ImuDirtySet, IMU_DIRTY_ON,
             .set = s->obj.set->obj.ref, .space = s->obj.ref);
    }
}

static void io_save_space(Out *o, const IoSpace *s)
{
    io_save_space_itself(o, s);
    if (s->map) {
        io_save_tracking(o, s);
        io_save_mappings(o, s);
        io_save_tracking_new(o, s);
        io_save_allowed(o, s);
    }
}

/* Parents first: a parent has none. */
static void io_save_spaces(Out *o, const IoSet *set)
{
    for (unsigned nested = 0; nested < 2; nested++) {
        for (EACH(l, set->objects[IMU_KIND_SPACE])) {
            const IoSpace *s = IM_LINK_OF(l, IoSpace, obj.in_set);

            if (!s->parent == !nested) {
                io_save_space(o, s);
            }
        }
    }
}

/* --- devices, PASIDs, bindings ------------------------------------------ */

static void io_save_devices(Out *o, const IoSet *set)
{
    for (EACH(l, set->objects[IMU_KIND_DEV])) {
        const IoDev *dev = IM_LINK_OF(l, IoDev, obj.in_set);

        if (dev->host == o->c->host->nothing) {
            o->err = -ENODEV;
            return;
        }
        SAVE(o, DEV_BIND, dev->obj.ref, ImuDevBind, 0, .set = set->obj.ref,
             .func = dev->host->cfg.func, .cookie = dev->cookie);
    }
}

static void io_save_attach(Out *o, const IoBind *b, ImuRef space)
{
    SAVE(o, ATTACH, NONE, ImuAttach, b->flags, .set = b->dev->obj.set->obj.ref,
         .dev = b->dev->obj.ref, .pasid = b->pasid ? b->pasid->obj.ref : NONE,
         .space = space);
}

/* One that ended keeps its number: it begins, nowhere, and ends again. */
static void io_save_bindings(Out *o, const IoPasid *p, bool ended)
{
    for (EACH(l, p->binds)) {
        const IoBind *b = IM_LINK_OF(l, IoBind, by_pasid);

        if (!b->dev || b->ended != ended) {
            continue;
        }
        io_save_attach(o, b, ended || b->parked ? o->spare : b->space->obj.ref);
        if (ended) {
            SAVE(o, DETACH, NONE, ImuDetach, IMU_ATTACH_PASID,
                 .set = p->obj.set->obj.ref, .dev = b->dev->obj.ref,
                 .pasid = p->obj.ref);
        }
    }
}

static void io_save_pasid(Out *o, const IoPasid *p)
{
    const ImuRef set = p->obj.set->obj.ref;

    SAVE(o, PASID_ALLOC, p->obj.ref, ImuPasidAlloc, IMU_PASID_ALLOC_FIXED,
         .set = set, .gpasid = p->gpasid);
    io_save_bindings(o, p, true);
    if (p->cooling.pprev || p->drains) {
        io_save_alone(o, IMU_SAVED_COOLING, p->obj.ref);
    }
    io_save_bindings(o, p, false);
    if (p->state > IMU_PASID_BOUND) {
        SAVE(o, PASID_FREE, NONE, ImuPasidFree, 0, .set = set,
             .pasid = p->obj.ref);
    }
}

/* Those that were freed first: others may have their numbers now. */
static void io_save_pasids(Out *o, const IoSet *set)
{
    SAVE(o, SPACE_CREATE, o->spare, ImuSpaceCreate, 0, .set = set->obj.ref,
         .kind = IMU_SPACE_BLOCK);
    for (unsigned live = 0; live < 2; live++) {
        for (EACH(l, set->objects[IMU_KIND_PASID])) {
            const IoPasid *p = IM_LINK_OF(l, IoPasid, obj.in_set);

            if ((p->state <= IMU_PASID_BOUND) == live) {
                io_save_pasid(o, p);
            }
        }
    }
    SAVE(o, SPACE_DESTROY, NONE, ImuSpaceDestroy, 0, .set = set->obj.ref,
         .space = o->spare);
    for (EACH(l, set->objects[IMU_KIND_DEV])) {
        const IoDev *dev = IM_LINK_OF(l, IoDev, obj.in_set);

        if (dev->own) {
            io_save_attach(o, dev->own, dev->own->space->obj.ref);
        }
    }
}

/* --- what is under way -------------------------------------------------- */

static void io_save_event_queues(Out *o, const IoSet *set)
{
    for (EACH(l, set->objects[IMU_KIND_EVQ])) {
        const IoQueue *q = IM_LINK_OF(l, IoQueue, obj.in_set);
        const ImuSavedEvents events = {
            .saved = {
                .size = (uint32_t)(sizeof(events) +
                                   q->count * sizeof(ImuEvent)),
                .what = IMU_SAVED_EVENTS,
                .object = q->obj.ref,
            },
            .sequence = q->sequence,
            .count = q->count,
            .lost = q->lost,
        };

        SAVE(o, EVQ_CREATE, q->obj.ref, ImuEvqCreate, 0, .set = set->obj.ref,
             .depth = q->depth);
        io_save_bytes(o, &events, sizeof(events));
        for (uint32_t i = 0; i < q->count; i++) {
            io_save_bytes(o, &q->events[(q->head + i) % q->depth],
                          sizeof(ImuEvent));
        }
    }
}

static void io_save_group(Out *o, const IoGroup *g, uint64_t now)
{
    const ImuSavedGroup group = {
        .saved = {
            .size = (uint32_t)(sizeof(group) + g->count * sizeof(uint64_t)),
            .what = IMU_SAVED_GROUP,
            .object = g->bind->dev->obj.ref,
        },
        .flags = (g->has_pasid ? IMU_SAVED_PASID : 0) |
                 (g->whole ? IMU_SAVED_WHOLE : 0) |
                 (g->read ? IMU_SAVED_READ : 0),
        .gpasid = g->gpasid,
        .group = g->prgi,
        .count = g->count,
        .ticket = g->read ? g->ticket : 0,
        .left = g->whole && g->deadline > now ? g->deadline - now : 0,
    };

    if (g->stall || g->host) {
        o->err = -EBUSY;
    }
    io_save_bytes(o, &group, sizeof(group));
    for (const ImLink *l = g->pages.head; l; l = l->next) {
        const IoPage *page = IM_LINK_OF(l, IoPage, link);
        const uint64_t quad = page->addr | page->perm;

        io_save_bytes(o, &quad, sizeof(quad));
    }
}

static void io_save_groups_of(Out *o, const IoFifo *f, uint64_t now)
{
    for (const ImLink *l = f->head; l; l = l->next) {
        io_save_group(o, IM_LINK_OF(l, IoGroup, in_queue), now);
    }
}

/* In their order of arrival, those that were read before the others; what is
 * not whole has no order. */
static void io_save_groups(Out *o, const IoSet *set)
{
    uint64_t now = im_ioasid_now(o->c->host);

    for (EACH(l, set->objects[IMU_KIND_FAULTQ])) {
        const IoQueue *q = IM_LINK_OF(l, IoQueue, obj.in_set);

        io_save_groups_of(o, &q->read, now);
        io_save_groups_of(o, &q->unread, now);
    }
    for (EACH(l, set->objects[IMU_KIND_DEV])) {
        const IoDev *dev = IM_LINK_OF(l, IoDev, obj.in_set);
        ImuSavedGivenUp up = {
            .saved = { sizeof(up), IMU_SAVED_GIVEN_UP, dev->obj.ref },
        };

        for (unsigned i = 0; dev->groups && i < IO_PRGIS; i++) {
            if (dev->partial[i]) {
                io_save_group(o, dev->partial[i], now);
            }
        }
        memcpy(up.invalid, dev->host->invalid, sizeof(up.invalid));
        memcpy(up.failure, dev->host->failure, sizeof(up.failure));
        io_save_bytes(o, &up, sizeof(up));
    }
}

/* --- sets, and the context ---------------------------------------------- */

static void io_save_quota(Out *o, const IoSet *set)
{
    if (set->cfg.map_mode != IMU_MODE_DELEGATED) {
        SAVE(o, SET_UPDATE, NONE, ImuSetUpdate, 0, .set = set->obj.ref,
             .quota_max = set->cfg.quota_max,
             .quota_reserved = set->cfg.quota_reserved);
    }
}

static void io_save_set(Out *o, const IoSet *set)
{
    const ImuSavedFences fences = {
        .saved = { sizeof(fences), IMU_SAVED_FENCES, set->obj.ref },
        .last = set->ticket,
        .waiting = im_ioasid_fence_waiting(set),
    };

    SAVE(o, SET_CREATE, set->obj.ref, ImuSetCreate, 0,
         .gpasid_min = set->cfg.gpasid_min, .gpasid_max = set->cfg.gpasid_max,
         .map_mode = set->cfg.map_mode, .pool = set->cfg.pool,
         .user_token = set->cfg.user_token);
    for (EACH(l, set->objects[IMU_KIND_FAULTQ])) {
        const IoQueue *q = IM_LINK_OF(l, IoQueue, obj.in_set);

        SAVE(o, FAULTQ_CREATE, q->obj.ref, ImuFaultqCreate, 0,
             .set = set->obj.ref, .deadline_ns = q->deadline_ns);
    }
    io_save_spaces(o, set);
    io_save_devices(o, set);
    io_save_pasids(o, set);
    io_save_quota(o, set);
    io_save_event_queues(o, set);
    io_save_bytes(o, &fences, sizeof(fences));
    io_save_groups(o, set);
}

/* Each set's own space on the way has the number behind the last one. */
static void io_save_all(Out *o)
{
    const IoHandles *t = o->c->handles;
    uint32_t begun = im_handles_begun(t);
    ImuRef ref;

    o->bytes = 0;
    o->spare = (ImuRef) { begun, 1 };
    io_save_alone(o, IMU_SAVED_BEGIN, (ImuRef) { begun + 1, o->c->moves });
    for (EACH(l, o->c->sets)) {
        io_save_set(o, IM_LINK_OF(l, IoSet, obj.in_set));
    }
    for (uint32_t id = 1; id < begun; id++) {
        if (im_handles_free_at(t, id, &ref)) {
            io_save_alone(o, IMU_SAVED_HANDLE, ref);
        }
    }
    io_save_alone(o, IMU_SAVED_END, NONE);
}

/* It is somewhere else now, with its groups: nobody answers them here. */
static void io_save_leave(ImIoasidCtx *c)
{
    for (ImLink *l = c->sets; l; l = l->next) {
        im_ioasid_groups_leave(c->host, IM_LINK_OF(l, IoSet, obj.in_set));
    }
    im_ioasid_empty(c);
}

IM_RULE(IOASID_CMD_SAVE);
int im_ioasid_cmd_SAVE(ImIoasidCtx *c, void *arg)
{
    ImuSave *a = arg;
    Out o = { .c = c, .base = a->quads };
    uint64_t room = a->count;
    int err;

    io_save_all(&o);
    if (!o.err && im_handles_begun(c->handles) > IO_HANDLES_MAX) {
        o.err = -ENOSPC;
    }
    if (o.err) {
        return o.err;
    }
    if (o.bytes / 8 > UINT32_MAX) {
        return -ENOSPC;
    }
    a->count = (uint32_t)(o.bytes / 8);
    if (a->count > room) {
        return -EMSGSIZE;
    }
    o.tell = true;
    io_save_all(&o);
    err = o.err ? o.err : im_ioasid_respond(c, a);
    if (!err && a->head.flags & IMU_SAVE_MOVE) {
        io_save_leave(c);
    }
    return err;
}
