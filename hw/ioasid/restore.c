/*
 * RESTORE: obey a stream of SAVE in a context that has never had anything.
 * Whatever is wrong with it, the context is empty afterwards, and nobody
 * else has seen anything. docs/uapi.rst, section 16.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/handle.h"
#include "hw/ioasid/memory.h"
#include "hw/ioasid/moving.h"
#include "hw/ioasid/owner.h"

#include <errno.h>
#include <string.h>

/* What a device's function is told once all the rest is there. */
typedef struct GivenUp {
    ImLink link;
    IoHostDev *host;
    ImuSavedGivenUp bits;
} GivenUp;

struct IoReplay {
    ImIoasidCtx *c;
    const ImuRestore *a;
    uint64_t at;                /* user address of the record */
    ImuSaved saved;             /* its head */
    ImLink *given_up;
    bool begun, ended;
};

/* --- elsewhere ---------------------------------------------------------- */

static int io_restore_func(const IoReplay *r, uint32_t *func)
{
    for (uint32_t i = 0; i < r->a->func_count; i++) {
        ImuFunc f;
        int err = im_ioasid_get_user(r->c, r->a->funcs + i * sizeof(f), &f,
                                     sizeof(f));

        if (err) {
            return err;
        }
        if (f.from == *func) {
            *func = f.to;
            return 0;
        }
    }
    return 0;
}

static int io_restore_user(const IoReplay *r, uint64_t *user, uint64_t len)
{
    for (uint32_t i = 0; i < r->a->move_count; i++) {
        ImuMove m;
        int err = im_ioasid_get_user(r->c, r->a->moves + i * sizeof(m), &m,
                                     sizeof(m));

        if (err) {
            return err;
        }
        if (*user >= m.from && *user - m.from < m.length &&
            len <= m.length - (*user - m.from)) {
            *user = m.to + (*user - m.from);
            return 0;
        }
    }
    return 0;
}

int im_ioasid_replay_adapt(const IoReplay *r, uint32_t command, void *a)
{
    ImuDevBind *bind = a;
    ImuMap *map = a;
    ImuSpaceCreate *space = a;
    ImuAllow *allow = a;

    switch (command) {
    case IMU_CMD_DEV_BIND:
        return io_restore_func(r, &bind->func);
    case IMU_CMD_MAP:
        return io_restore_user(r, &map->user, map->length);
    case IMU_CMD_SPACE_CREATE:
        space->data = space->data_size ?
                          r->at + sizeof(r->saved) + space->head.size :
                          0;
        return 0;
    case IMU_CMD_ALLOW:
        allow->ranges = r->at + sizeof(r->saved) + allow->head.size;
        return 0;
    default:
        return 0;
    }
}

/* --- records ------------------------------------------------------------ */

/* The record as a structure of size bytes: 0, -EFAULT, -EBADMSG. */
static int io_restore_read(const IoReplay *r, void *buf, size_t size)
{
    return r->saved.size < size ? -EBADMSG :
                                  im_ioasid_get_user(r->c, r->at, buf, size);
}

/* count elements of size bytes follow a structure. */
static bool io_restore_holds(const IoReplay *r, size_t structure,
                             uint64_t count, size_t size)
{
    return r->saved.size == structure + count * size;
}

static void *io_restore_object(const IoReplay *r, ImuKind kind)
{
    return im_handles_object(r->c->handles, kind, r->saved.object);
}

static int io_restore_begin(IoReplay *r)
{
    ImIoasidCtx *c = r->c;

    c->moves = r->saved.object.gen + 1;
    return im_handles_begin(c->host, c->handles, r->saved.object.id);
}

static int io_restore_handle(IoReplay *r)
{
    return im_handles_reserve(r->c->handles, r->saved.object);
}

static int io_restore_cooling(IoReplay *r)
{
    IoPasid *p = io_restore_object(r, IMU_KIND_PASID);

    if (!p || p->state != IMU_PASID_IDLE) {
        return -EBADMSG;
    }
    im_ioasid_pasid_cool(r->c->host, p);
    return 0;
}

static int io_restore_events(IoReplay *r)
{
    IoQueue *q = io_restore_object(r, IMU_KIND_EVQ);
    ImuSavedEvents in;
    int err = io_restore_read(r, &in, sizeof(in));

    if (err) {
        return err;
    }
    if (!q || q->sequence || in.count > q->depth || in.sequence < in.count ||
        in.lost > 1 ||
        !io_restore_holds(r, sizeof(in), in.count, sizeof(ImuEvent))) {
        return -EBADMSG;
    }
    for (uint32_t i = 0; i < in.count; i++) {
        ImuEvent *e = &q->events[i];

        err = im_ioasid_get_user(r->c,
                                 r->at + sizeof(in) + i * sizeof(ImuEvent), e,
                                 sizeof(*e));
        if (err || e->flags > IMU_EVENT_LOST || e->type > IMU_EVENT_LIMIT_HIT) {
            return err ? err : -EBADMSG;
        }
    }
    q->count = in.count;
    q->sequence = in.sequence;
    q->lost = in.lost;
    return 0;
}

/* No device TLB here holds what they waited for. */
static int io_restore_fences(IoReplay *r)
{
    IoSet *set = io_restore_object(r, IMU_KIND_SET);
    ImuSavedFences in;
    int err = io_restore_read(r, &in, sizeof(in));

    if (err) {
        return err;
    }
    if (!set || set->ticket || in.waiting > in.last ||
        (in.waiting && in.last - in.waiting >= IMU_EVQ_DEPTH_MAX)) {
        return -EBADMSG;
    }
    set->ticket = in.last;
    for (uint64_t t = in.waiting; t && t <= in.last; t++) {
        im_ioasid_event_post(set, IMU_EVENT_FENCE, set->obj.ref, t, 0, 0);
    }
    return 0;
}

static int io_restore_given_up(IoReplay *r)
{
    const IoDev *dev = io_restore_object(r, IMU_KIND_DEV);
    ImuSavedGivenUp in;
    GivenUp *up;
    int err = io_restore_read(r, &in, sizeof(in));

    if (err || !dev) {
        return err ? err : -EBADMSG;
    }
    up = im_ioasid_alloc(r->c->host, sizeof(*up));
    if (!up) {
        return -ENOMEM;
    }
    up->host = dev->host;
    up->bits = in;
    im_link_in(&r->given_up, &up->link);
    return 0;
}

static void io_restore_tell_given_up(IoReplay *r, bool tell)
{
    while (r->given_up) {
        GivenUp *up = IM_LINK_OF(r->given_up, GivenUp, link);

        for (unsigned i = 0; tell && i < IO_PRGIS / 64; i++) {
            up->host->invalid[i] |= up->bits.invalid[i];
            up->host->failure[i] |= up->bits.failure[i];
        }
        im_link_out(&up->link);
        im_ioasid_release(r->c->host, up, sizeof(*up));
    }
}

/* --- groups ------------------------------------------------------------- */

/* Whose page requests these are: the PASID's, or the device's own. */
static IoBind *io_restore_bind_of(const IoDev *dev, const ImuSavedGroup *in)
{
    const IoPasid *p = in->flags & IMU_SAVED_PASID ?
                           im_ioasid_by_gpasid(dev->obj.set, in->gpasid) :
                           NULL;

    for (ImLink *l = p ? p->binds : NULL; l; l = l->next) {
        IoBind *b = IM_LINK_OF(l, IoBind, by_pasid);

        if (b->dev == dev && !b->ended) {
            return b;
        }
    }
    return in->flags & IMU_SAVED_PASID && dev->own &&
                   dev->own->space->kind != IMU_SPACE_PASID_TABLE ?
               NULL :
               dev->own;
}

static int io_restore_judge_group(const IoReplay *r, const ImuSavedGroup *in,
                                  const IoBind *b)
{
    const ImIoasid *h = r->c->host;
    bool whole = in->flags & IMU_SAVED_WHOLE;
    bool read = in->flags & IMU_SAVED_READ;

    if (!b || b->parked || !b->space->faultq || in->group >= IO_PRGIS ||
        b->dev->partial[in->group] || !in->count ||
        in->count > IO_GROUP_PAGES ||
        in->flags & ~(IMU_SAVED_PASID | IMU_SAVED_WHOLE | IMU_SAVED_READ) ||
        in->gpasid >= 1u << IM_PASID_BITS || (read && !whole) ||
        read != (in->ticket != 0) || in->left > b->space->faultq->deadline_ns ||
        (read &&
         im_iogroup_epoch_of(in->ticket) == im_iogroup_epoch(r->c->moves)) ||
        !io_restore_holds(r, sizeof(*in), in->count, sizeof(uint64_t))) {
        return -EBADMSG;
    }
    if (!(b->host->cfg.caps & IMU_DEV_CAP_PRI)) {
        return -EOPNOTSUPP;
    }
    if (im_ioasid_full_level(r->c->owner, IM_IOASID_GROUPS, 1)) {
        return -EDQUOT;
    }
    return b->dev->groups >= b->host->cfg.pri_credit ||
                   b->dev->obj.set->groups >= h->cfg.pri_set_limit ||
                   !im_iogroup_ticket_left(h) ?
               -ENOSPC :
               0;
}

static int io_restore_page(IoReplay *r, const ImuSavedGroup *in, IoBind *b,
                           uint32_t n)
{
    const bool has_pasid = in->flags & IMU_SAVED_PASID;
    ImPageReq q = {
        .prgi = (uint16_t)in->group,
        .has_pasid = has_pasid,
        .pasid = !has_pasid ? 0 :
                 b->pasid   ? b->hpasid :
                              in->gpasid,
        .last = in->flags & IMU_SAVED_WHOLE && n + 1 == in->count,
    };
    uint64_t quad;
    int err = im_ioasid_get_user(r->c, r->at + sizeof(*in) + n * sizeof(quad),
                                 &quad, sizeof(quad));

    if (err) {
        return err;
    }
    q.addr = quad;
    q.read = quad & 1;
    q.write = quad >> 1 & 1;
    q.exec = quad >> 2 & 1;
    q.priv = quad >> 3 & 1;
    return im_iogroup_take(r->c->host, b->dev->partial[in->group], b, &q) ?
               0 :
               -ENOMEM;
}

static int io_restore_group(IoReplay *r)
{
    const IoDev *dev = io_restore_object(r, IMU_KIND_DEV);
    ImuSavedGroup in;
    IoGroup *g;
    IoBind *b;
    int err = io_restore_read(r, &in, sizeof(in));

    if (err || !dev) {
        return err ? err : -EBADMSG;
    }
    b = io_restore_bind_of(dev, &in);
    err = io_restore_judge_group(r, &in, b);
    for (uint32_t n = 0; !err && n < in.count; n++) {
        err = io_restore_page(r, &in, b, n);
    }
    if (err) {
        return err;
    }
    g = IM_LINK_OF(b->groups, IoGroup, by_bind);
    if (g->whole) {
        g->deadline = im_ioasid_after(r->c->host, in.left);
    }
    if (in.flags & IMU_SAVED_READ) {
        im_iogroup_was_read(g, in.ticket);
    }
    return 0;
}

/* --- commands ----------------------------------------------------------- */

static bool io_restore_makes(uint32_t command)
{
    return command == IMU_CMD_SET_CREATE || command == IMU_CMD_PASID_ALLOC ||
           command == IMU_CMD_DEV_BIND || command == IMU_CMD_SPACE_CREATE ||
           command == IMU_CMD_FAULTQ_CREATE || command == IMU_CMD_EVQ_CREATE;
}

static bool io_restore_may(uint32_t command)
{
    return io_restore_makes(command) || command == IMU_CMD_SET_UPDATE ||
           command == IMU_CMD_PASID_FREE || command == IMU_CMD_SPACE_DESTROY ||
           command == IMU_CMD_MAP || command == IMU_CMD_ALLOW ||
           command == IMU_CMD_DIRTY_SET || command == IMU_CMD_ATTACH ||
           command == IMU_CMD_DETACH;
}

/* What this host has not, as opposed to what no SAVE writes. */
static int io_restore_blame(int err)
{
    static const uint8_t here[] = {
        ENOMEM, EFAULT, ENODEV, EBUSY, EDQUOT, ENOSPC, EADDRINUSE, EOVERFLOW,
    };

    for (size_t i = 0; i < G_N_ELEMENTS(here); i++) {
        if (err == -(int)here[i]) {
            return err;
        }
    }
    return err ? -EBADMSG : 0;
}

static int io_restore_command(IoReplay *r)
{
    ImuHead head;
    int err = im_ioasid_get_user(r->c, r->at + sizeof(r->saved), &head,
                                 sizeof(head));

    if (err) {
        return err;
    }
    if (!io_restore_may(r->saved.what) ||
        head.size > r->saved.size - sizeof(r->saved) || head.size % 8) {
        return -EBADMSG;
    }
    im_handles_want(r->c->handles, io_restore_makes(r->saved.what) ?
                                       r->saved.object :
                                       (ImuRef) { 0 });
    return im_ioasid_replay(r->c, r->saved.what, r->at + sizeof(r->saved));
}

static int io_restore_end(IoReplay *r)
{
    r->ended = true;
    return 0;
}

/* BEGIN is the first, and only that. */
static int io_restore_record(IoReplay *r)
{
    static int (*const fn[])(IoReplay *r) = {
        io_restore_begin,  io_restore_handle,   io_restore_cooling,
        io_restore_fences, io_restore_given_up, io_restore_events,
        io_restore_group,  io_restore_end,
    };
    uint32_t n = r->saved.what - IMU_SAVED_BEGIN;
    bool first = !r->begun;

    r->begun = true;
    if (first != (r->saved.what == IMU_SAVED_BEGIN)) {
        return -EBADMSG;
    }
    return n < G_N_ELEMENTS(fn) ? fn[n](r) : io_restore_command(r);
}

static int io_restore_all(IoReplay *r)
{
    uint64_t left = (uint64_t)r->a->count * 8;
    int err = 0;

    for (r->at = r->a->quads; !err && left && !r->ended;
         r->at += r->saved.size) {
        err = left < sizeof(r->saved) ?
                  -EBADMSG :
                  im_ioasid_get_user(r->c, r->at, &r->saved, sizeof(r->saved));
        if (err) {
            return err;
        }
        if (r->saved.size < sizeof(r->saved) || r->saved.size % 8 ||
            r->saved.size > left) {
            return -EBADMSG;
        }
        left -= r->saved.size;
        err = io_restore_record(r);
    }
    return err ? err : r->ended && !left ? 0 : -EBADMSG;
}

/* --- the command -------------------------------------------------------- */

/* Nothing of it was ever here: nobody is told, nothing is answered. */
static void io_restore_undo(IoReplay *r)
{
    ImIoasidCtx *c = r->c;

    for (ImLink *l = c->sets; l; l = l->next) {
        IoSet *set = IM_LINK_OF(l, IoSet, obj.in_set);

        while (set->objects[IMU_KIND_EVQ]) {
            im_ioasid_queue_free(c->host, IM_LINK_OF(set->objects[IMU_KIND_EVQ],
                                                     IoQueue, obj.in_set));
        }
        im_ioasid_groups_leave(c->host, set);
    }
    im_ioasid_empty(c);
    im_ioasid_pasids_forget(c->host, c);
    im_handles_forget(c->handles);
    c->moves = 0;
}

static void io_restore_wake(const ImIoasidCtx *c)
{
    for (ImLink *s = c->sets; s; s = s->next) {
        const IoSet *set = IM_LINK_OF(s, IoSet, obj.in_set);

        for (unsigned kind = IMU_KIND_FAULTQ; kind <= IMU_KIND_EVQ; kind++) {
            for (ImLink *l = set->objects[kind]; l; l = l->next) {
                IoQueue *q = IM_LINK_OF(l, IoQueue, obj.in_set);

                if (q->pages || q->count) {
                    im_ioasid_readable(q->obj.set, q->obj.ref);
                }
            }
        }
    }
}

IM_RULE(IOASID_MOVING);
static int io_restore_obey(IoReplay *r)
{
    ImIoasidCtx *c = r->c;
    int err;

    c->replay = r;
    err = io_restore_blame(io_restore_all(r));
    if (!err) {
        im_handles_settle(c->handles);
    } else {
        io_restore_undo(r);
    }
    io_restore_tell_given_up(r, !err);
    c->replay = NULL;
    im_ioasid_rearm(c->host);
    return err;
}

IM_RULE(IOASID_CMD_RESTORE);
int im_ioasid_cmd_RESTORE(ImIoasidCtx *c, void *arg)
{
    const ImuRestore *a = arg;
    IoReplay r = { .c = c, .a = a };
    int err;

    if (a->move_count > IMU_RESTORE_LIST_MAX ||
        a->func_count > IMU_RESTORE_LIST_MAX) {
        return -EINVAL;
    }
    if (!a->count) {
        return 0;                       /* of nothing */
    }
    if (!im_handles_untouched(c->handles)) {
        return -EBUSY;
    }
    err = io_restore_obey(&r);
    if (!err) {
        io_restore_wake(c);
    }
    return err;
}
