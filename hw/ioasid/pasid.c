/*
 * PASIDs: their numbers and their life.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/moving.h"

#include <errno.h>

static bool io_pasid_is_identity(const IoSet *set)
{
    return set->cfg.map_mode == IMU_MODE_IDENTITY;
}

static bool io_pasid_is_global(const IoSet *set)
{
    return set->cfg.pool == IMU_POOL_GLOBAL;
}

static void io_pasid_event(IoPasid *p, ImuEventType type, ImuPasidState was)
{
    IoSet *set = p->obj.set;

    im_ioasid_event_post(set, type, p->obj.ref, set->cfg.user_token, was,
                         p->state);
}

static ImuPasidState io_pasid_change(IoPasid *p, ImuPasidState state)
{
    ImuPasidState was = p->state;

    p->obj.set->count[was]--;
    p->obj.set->count[state]++;
    p->state = (uint8_t)state;
    return was;
}

static IoPasid *io_pasid_find(IoSet *set, ImuRef ref)
{
    IoObject *obj;

    return im_ioasid_find(set, IMU_KIND_PASID, ref, &obj) ?
               NULL :
               IM_LINK_OF(obj, IoPasid, obj);
}

IoPasid *im_ioasid_by_gpasid(IoSet *set, uint32_t gpasid)
{
    return im_table_get(set->gpasids, gpasid);
}

/* --- from FREE to BOUND ------------------------------------------------- */

/* What PASID_ALLOC found, before it is written to its structure. */
typedef struct Choice {
    uint32_t min, max;
    uint32_t gpasid;
    uint32_t hpasid;                /* 0 unless it is of the pool */
    bool fixed;
} Choice;

static int io_pasid_alloc_values(const IoSet *set, const ImuPasidAlloc *a,
                                 Choice *v)
{
    bool any = !a->min && !a->max;

    if (set->cfg.map_mode == IMU_MODE_DELEGATED) {
        return -EOPNOTSUPP;
    }
    v->min = any ? set->cfg.gpasid_min : a->min;
    v->max = any ? set->cfg.gpasid_max : a->max;
    v->fixed = a->head.flags & IMU_PASID_ALLOC_FIXED;
    v->gpasid = a->gpasid;
    if (v->min > v->max || v->min < set->cfg.gpasid_min ||
        v->max > set->cfg.gpasid_max) {
        return -EINVAL;
    }
    if (!v->fixed) {
        return 0;
    }
    if (v->gpasid < v->min || v->gpasid > v->max) {
        return -EINVAL;
    }
    return im_numbers_taken(set->taken, v->gpasid) ? -EEXIST : 0;
}

static int io_pasid_out_of(ImuPasidAlloc *a, uint32_t what)
{
    a->exhausted = what;
    return -ENOSPC;
}

/* Numbers that are free, and pages ready to take them. */
static int io_pasid_choose(ImIoasid *h, IoSet *set, ImuPasidAlloc *a, Choice *v)
{
    if (!v->fixed) {
        v->gpasid = im_numbers_lowest(set->taken, v->min, v->max);
        if (v->gpasid == UINT32_MAX) {
            return io_pasid_out_of(a, IMU_EXHAUSTED_RANGE);
        }
    }
    v->hpasid = 0;
    if (io_pasid_is_global(set)) {
        v->hpasid = im_numbers_lowest(h->pool, 1,
                                      (1u << h->cfg.pasid_bits) - 1);
        if (v->hpasid == UINT32_MAX || !im_ioasid_set_pool_open(set)) {
            return io_pasid_out_of(a, IMU_EXHAUSTED_POOL);
        }
    }
    return im_numbers_ready(h, set->taken, v->gpasid) &&
                   im_table_ready(h, set->gpasids, v->gpasid) &&
                   (!v->hpasid || im_numbers_ready(h, h->pool, v->hpasid)) ?
               0 :
               -ENOMEM;
}

/* Make the object; nothing is taken yet. */
static int io_pasid_make(ImIoasidCtx *c, IoSet *set, ImuPasidAlloc *a,
                         const Choice *v, IoPasid **out)
{
    IoPasid *p = im_ioasid_alloc(c->host, sizeof(*p));
    int err;

    if (!p) {
        return -ENOMEM;
    }
    err = im_ioasid_number(c, &p->obj, IMU_KIND_PASID, set);
    if (!err) {
        p->gpasid = v->gpasid;
        p->hpasid = v->hpasid;
        p->state = IMU_PASID_IDLE;
        a->gpasid = v->gpasid;
        a->exhausted = 0;
        a->pasid = p->obj.ref;
        err = im_ioasid_publish(c, a, &p->obj);
    }
    if (err) {
        im_ioasid_release(c->host, p, sizeof(*p));
        return err == -ENOSPC ? io_pasid_out_of(a, IMU_EXHAUSTED_POOL) : err;
    }
    *out = p;
    return 0;
}

IM_RULE(IOASID_CMD_PASID_ALLOC);
int im_ioasid_cmd_PASID_ALLOC(ImIoasidCtx *c, void *arg)
{
    ImuPasidAlloc *a = arg;
    Choice v;
    IoPasid *p;
    IoSet *set;
    int err = im_ioasid_set_of(c, a->set, &set);

    if (!err) {
        err = io_pasid_alloc_values(set, a, &v);
    }
    if (err) {
        return err;
    }
    err = im_ioasid_set_may_charge(set, &a->exhausted);
    if (err) {
        return err;
    }
    err = io_pasid_choose(c->host, set, a, &v);
    if (!err) {
        err = io_pasid_make(c, set, a, &v, &p);
    }
    if (err) {
        return err;
    }
    im_numbers_take(set->taken, p->gpasid);
    im_table_set(set->gpasids, p->gpasid, p);
    if (io_pasid_is_global(set)) {
        im_numbers_take(c->host->pool, p->hpasid);
    }
    im_ioasid_set_charge(set);
    io_pasid_event(p, IMU_EVENT_ALLOC, IMU_PASID_FREE);
    return 0;
}

static bool io_pasid_cools(const IoPasid *p)
{
    return p->cooling.pprev;
}

static void io_pasid_stop_cooling(ImIoasid *h, IoPasid *p)
{
    if (io_pasid_cools(p)) {
        im_fifo_out(&h->cooling, &p->cooling);
        p->cooling.pprev = NULL;
        h->quarantined -= p->state == IMU_PASID_QUARANTINE;
    }
}

void im_ioasid_pasid_bound(ImIoasid *h, IoPasid *p)
{
    io_pasid_stop_cooling(h, p);
    if (p->active++ == 0) {
        io_pasid_event(p, IMU_EVENT_BIND, io_pasid_change(p, IMU_PASID_BOUND));
    }
}

/* --- and back ----------------------------------------------------------- */

static void io_pasid_reclaim(ImIoasid *h, IoPasid *p)
{
    IoSet *set = p->obj.set;

    io_pasid_stop_cooling(h, p);
    while (p->binds) {
        im_ioasid_bind_free(h, IM_LINK_OF(p->binds, IoBind, by_pasid));
    }
    if (io_pasid_is_global(set)) {
        im_numbers_give(h->pool, p->hpasid);
    }
    if (io_pasid_is_identity(set)) {
        im_numbers_give(set->taken, p->gpasid);
    }
    im_ioasid_set_uncharge(h, set);
    h->counters.reclaims++;
    p->state = IMU_PASID_FREE;
    if (p->obj.ref.id) {
        io_pasid_event(p, IMU_EVENT_RECLAIM, IMU_PASID_QUARANTINE);
        im_ioasid_unnumber(set->ctx, &p->obj);
    } else {
        im_link_out(&p->obj.in_set);
    }
    im_ioasid_release(h, p, sizeof(*p));
    im_ioasid_set_settle(h, set);
}

/* Nothing that carries its numbers can be under way. */
IM_RULE(IOASID_QUARANTINE);
static bool io_pasid_is_quiet(const IoPasid *p, uint64_t now)
{
    return !p->drains && (!io_pasid_cools(p) || p->ripe <= now);
}

/* It is in QUARANTINE now: p may be gone when this returns. */
static void io_pasid_wait_or_reclaim(ImIoasid *h, IoPasid *p, uint64_t now)
{
    h->quarantined += io_pasid_cools(p);
    if (io_pasid_is_quiet(p, now)) {
        io_pasid_reclaim(h, p);
    } else {
        im_ioasid_rearm(h);
    }
}

void im_ioasid_pasid_cool(ImIoasid *h, IoPasid *p)
{
    if (h->cfg.quarantine_ns && !io_pasid_cools(p)) {
        p->ripe = im_ioasid_after(h, h->cfg.quarantine_ns);
        im_fifo_in(&h->cooling, &p->cooling);
    }
}

void im_ioasid_pasid_unbound(ImIoasid *h, IoPasid *p)
{
    if (--p->active) {
        return;
    }
    im_ioasid_pasid_cool(h, p);
    if (p->state == IMU_PASID_BOUND) {
        io_pasid_event(p, IMU_EVENT_UNBIND, io_pasid_change(p, IMU_PASID_IDLE));
    } else {
        (void)io_pasid_change(p, IMU_PASID_QUARANTINE);
        io_pasid_wait_or_reclaim(h, p, im_ioasid_now(h));
    }
}

void im_ioasid_drained(ImIoasid *h, IoPasid *p)
{
    p->drains--;
    if (p->state == IMU_PASID_QUARANTINE &&
        io_pasid_is_quiet(p, im_ioasid_now(h))) {
        io_pasid_reclaim(h, p);
    }
}

/* The guest's number stands for nothing any more. Another PASID may have it
 * at once, unless it is what the bus has. */
IM_RULE(IOASID_MODES);
static void io_pasid_forget_number(IoSet *set, IoPasid *p)
{
    im_table_set(set->gpasids, p->gpasid, NULL);
    if (!io_pasid_is_identity(set)) {
        im_numbers_give(set->taken, p->gpasid);
    }
}

static void io_pasid_park(ImIoasid *h, IoPasid *p)
{
    for (ImLink *l = p->binds; l; l = l->next) {
        IoBind *b = IM_LINK_OF(l, IoBind, by_pasid);

        if (!b->ended) {
            im_ioasid_bind_park(h, b);
        }
    }
}

/* p may be gone when this returns. */
IM_RULE(IOASID_STATES);
static void io_pasid_let_go(ImIoasid *h, IoPasid *p, uint64_t now)
{
    bool bound = p->state == IMU_PASID_BOUND;

    if (bound || p->state == IMU_PASID_IDLE) {
        io_pasid_forget_number(p->obj.set, p);
        io_pasid_event(p, IMU_EVENT_FREE,
                       io_pasid_change(p, bound ? IMU_PASID_PARKED :
                                                  IMU_PASID_QUARANTINE));
        if (bound) {
            io_pasid_park(h, p);
        } else {
            io_pasid_wait_or_reclaim(h, p, now);
        }
    }
}

/* What io_pasid_let_go() will make of it, said before it does. */
static ImuPasidState io_pasid_state_when_freed(const IoPasid *p, uint64_t now)
{
    switch (p->state) {
    case IMU_PASID_BOUND:
        return IMU_PASID_PARKED;
    case IMU_PASID_IDLE:
        return io_pasid_is_quiet(p, now) ? IMU_PASID_FREE :
                                           IMU_PASID_QUARANTINE;
    default:
        return p->state;
    }
}

IM_RULE(IOASID_CMD_PASID_FREE);
int im_ioasid_cmd_PASID_FREE(ImIoasidCtx *c, void *arg)
{
    ImuPasidFree *a = arg;
    uint64_t now;
    IoPasid *p;
    IoSet *set;
    int err = im_ioasid_set_of(c, a->set, &set);

    if (err) {
        return err;
    }
    p = io_pasid_find(set, a->pasid);
    if (!p) {
        return -ENOENT;
    }
    now = io_pasid_cools(p) ? im_ioasid_now(c->host) : 0;
    a->state = io_pasid_state_when_freed(p, now);
    err = im_ioasid_respond(c, a);
    if (!err) {
        io_pasid_let_go(c->host, p, now);
    }
    return err;
}

/* The handles end with the set, the numbers in their own time. */
void im_ioasid_pasids_orphan(ImIoasid *h, IoSet *set)
{
    uint64_t now = im_ioasid_now(h);

    while (set->objects[IMU_KIND_PASID]) {
        IoPasid *p = IM_LINK_OF(set->objects[IMU_KIND_PASID], IoPasid,
                                obj.in_set);

        if (p->state == IMU_PASID_IDLE) {
            io_pasid_event(p, IMU_EVENT_FREE, IMU_PASID_IDLE);
        }
        im_ioasid_unnumber(set->ctx, &p->obj);
        p->obj.ref = (ImuRef) { 0 };
        im_link_in(&set->orphans, &p->obj.in_set);
        io_pasid_let_go(h, p, now);
    }
}

/* --- time --------------------------------------------------------------- */

uint64_t im_ioasid_pasids_deadline(const ImIoasid *h)
{
    return h->quarantined ?
               IM_LINK_OF(h->cooling.head, IoPasid, cooling)->ripe :
               IM_NEVER;
}

void im_ioasid_pasids_due(ImIoasid *h, uint64_t now)
{
    while (h->cooling.head) {
        IoPasid *p = IM_LINK_OF(h->cooling.head, IoPasid, cooling);

        if (p->ripe > now) {
            break;
        }
        io_pasid_stop_cooling(h, p);
        if (p->state == IMU_PASID_QUARANTINE && !p->drains) {
            io_pasid_reclaim(h, p);
        }
    }
}

void im_ioasid_pasids_forget(ImIoasid *h, const ImIoasidCtx *c)
{
    ImLink *next;

    for (ImLink *l = h->gone; l; l = next) {
        IoSet *set = IM_LINK_OF(l, IoSet, in_gone);
        bool last = c && set->ctx != c;

        next = l->next;
        while (!last) {
            last = !set->orphans->next;
            io_pasid_reclaim(h, IM_LINK_OF(set->orphans, IoPasid, obj.in_set));
        }
    }
}

/* --- PASID_QUERY -------------------------------------------------------- */

IM_RULE(IOASID_CMD_PASID_QUERY);
int im_ioasid_cmd_PASID_QUERY(ImIoasidCtx *c, void *arg)
{
    ImuPasidQuery *a = arg;
    IoPasid *p;
    IoSet *set;
    int err = im_ioasid_set_of(c, a->set, &set);

    if (err) {
        return err;
    }
    p = a->head.flags & IMU_PASID_QUERY_BY_GPASID ?
            im_ioasid_by_gpasid(set, a->gpasid) :
            io_pasid_find(set, a->pasid);
    if (!p) {
        return -ENOENT;
    }
    a->pasid = p->obj.ref;
    a->gpasid = p->gpasid;
    a->state = p->state;
    a->binds = p->active;
    a->hpasid = !(a->head.flags & IMU_PASID_QUERY_HPASID) ? 0 :
                io_pasid_is_identity(set)                 ? p->gpasid :
                                                            p->hpasid;
    return 0;
}
