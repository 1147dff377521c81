/*
 * Invalidation: INVALIDATE and FENCE, and the messages to device TLBs with
 * their tags, completions and time-outs.
 *
 * A device has 32 tags. What finds none is owed: a flag, or the binding
 * itself in a list, so that nothing has to be allocated, and is sent as an
 * invalidation of everything when a tag is free.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>

#include "hw/ioasid/ledger.h"
#include "hw/ioasid/memory.h"

#define ALL_TAGS  UINT32_MAX

typedef struct IoFence {
    ImLink in_waiting;
    IoSet *set;
    uint64_t seq;               /* of the last invalidation it waits for */
    uint64_t first, last;       /* tickets */
} IoFence;

static IoHostDev *dev_of(IoAtc *atc)
{
    return IM_LINK_OF(atc, IoHostDev, atc);
}

static bool owes(const IoAtc *a)
{
    return a->own || a->every || a->queue;
}

/* --- fences ------------------------------------------------------------------ */

static bool item_before(const IoItag *i, const IoSet *set, uint64_t seq)
{
    return i->set == set && i->seq <= seq;
}

static bool complete(const ImIoasid *h, const IoSet *set, uint64_t seq)
{
    for (ImLink *n = h->fences->busy; n; n = n->next) {
        const IoAtc *a = IM_LINK_OF(n, IoAtc, in_busy);

        if (owes(a) && item_before(&a->owed, set, seq)) {
            return false;
        }
        for (uint32_t m = a->busy; m; m &= m - 1) {
            if (item_before(&a->item[__builtin_ctz(m)], set, seq)) {
                return false;
            }
        }
    }
    return true;
}

static void end_fence(ImIoasid *h, IoFence *f)
{
    im_fifo_out(&h->fences->waiting, &f->in_waiting);
    im_ioasid_release(h, f, sizeof(*f));
}

/* Something is complete: what waited for it? */
static void settle(ImIoasid *h)
{
    ImLink *next;

    for (ImLink *n = h->fences->waiting.head; n; n = next) {
        IoFence *f = IM_LINK_OF(n, IoFence, in_waiting);

        next = n->next;
        if (!complete(h, f->set, f->seq)) {
            continue;
        }
        for (uint64_t t = f->first; t <= f->last; t++) {
            im_ioasid_event_post(f->set, IMU_EVENT_FENCE, f->set->obj.ref,
                                 t, 0, 0);
        }
        end_fence(h, f);
    }
}

static IoFence *fence_of(ImIoasid *h, const IoSet *set, uint64_t ticket)
{
    for (ImLink *n = h->fences->waiting.head; n; n = n->next) {
        IoFence *f = IM_LINK_OF(n, IoFence, in_waiting);

        if (f->set == set && ticket >= f->first && ticket <= f->last) {
            return f;
        }
    }
    return NULL;
}

/*
 * Does the set's last fence wait for the same as one made now? Then it
 * stands for both: there are never more fences than invalidations under
 * way.
 */
static IoFence *same_fence(ImIoasid *h, const IoSet *set)
{
    IoFence *f = fence_of(h, set, set->ticket);

    if (!f) {
        return NULL;
    }
    for (ImLink *n = h->fences->busy; n; n = n->next) {
        const IoAtc *a = IM_LINK_OF(n, IoAtc, in_busy);

        if (owes(a) && a->owed.set == set && a->owed.seq > f->seq) {
            return NULL;
        }
        for (uint32_t m = a->busy; m; m &= m - 1) {
            const IoItag *i = &a->item[__builtin_ctz(m)];

            if (i->set == set && i->seq > f->seq) {
                return NULL;
            }
        }
    }
    return f;
}

/* CLAUSE(IOASID_CMD_FENCE) */
static int new_fence(ImIoasidCtx *c, ImuFence *a, IoSet *set)
{
    ImIoasid *h = c->host;
    IoFence *same = same_fence(h, set);
    IoFence *f = NULL;
    int err;

    a->ticket = set->ticket + 1;
    a->done = complete(h, set, set->inv_seq);
    if (!a->done && !same) {
        f = im_ioasid_alloc(h, sizeof(*f));
        if (!f) {
            return -ENOMEM;
        }
    }
    err = im_ioasid_respond(c, a);
    if (err) {
        im_ioasid_release(h, f, sizeof(*f));
        return err;
    }
    set->ticket++;
    if (f) {
        *f = (IoFence){ .set = set, .seq = set->inv_seq,
                        .first = a->ticket, .last = a->ticket };
        im_fifo_in(&h->fences->waiting, &f->in_waiting);
    } else if (!a->done) {
        same->last = a->ticket;
    }
    return 0;
}

int im_ioasid_cmd_FENCE(ImIoasidCtx *c, void *arg)
{
    ImuFence *a = arg;
    IoSet *set;
    int err = im_ioasid_set_of(c, a->set, &set);

    if (err) {
        return err;
    }
    if (!a->ticket) {
        return new_fence(c, a, set);
    }
    if (a->ticket > set->ticket) {
        return -ENOENT;
    }
    a->done = !fence_of(c->host, set, a->ticket);
    return 0;
}

/* --- messages ------------------------------------------------------------------ */

static void list(ImIoasid *h, IoAtc *a)
{
    if (!a->listed) {
        a->listed = true;
        im_link_in(&h->fences->busy, &a->in_busy);
    }
}

static void unlist(IoAtc *a)
{
    if (a->listed && !a->busy && !owes(a)) {
        a->listed = false;
        im_link_out(&a->in_busy);
    }
}

/* With a free tag. */
static void send(ImIoasid *h, IoAtc *a, ImAtsInv *inv, IoItag item)
{
    const IoHostDev *dev = dev_of(a);
    unsigned tag = (unsigned)__builtin_ctz(~a->busy);

    item.due = im_ioasid_after(h, h->cfg.ats_timeout_ns);
    a->item[tag] = item;
    a->busy |= 1u << tag;
    list(h, a);
    inv->itag = (uint8_t)tag;
    inv->rid = (uint16_t)dev->cfg.func;
    inv->segment = (uint16_t)(dev->cfg.func >> 16);
    h->counters.ats_invalidations++;
    h->port.iommu.ats_invalidate(h->opaque, inv);
}

/* The smallest aligned power of two around a range. */
static void set_range(ImAtsInv *inv, uint64_t first, uint64_t last)
{
    unsigned lg2 = 12;

    while (lg2 < 64 && (first ^ last) >> lg2) {
        lg2++;
    }
    inv->lg2size = lg2 == 64 ? IM_INV_ALL : (uint8_t)lg2;
    inv->addr = lg2 == 64 ? 0 : first & ~((UINT64_C(1) << lg2) - 1);
}

static void owe(ImIoasid *h, IoAtc *a, const IoAtcInv *inv, IoItag item)
{
    IoBind *b = inv->bind;

    if (!owes(a)) {
        a->owed = item;
    }
    if (inv->every) {
        a->every = true;
    } else if (!inv->has_pasid) {
        a->own = true;
    } else if (inv->pasid != b->hpasid) {
        a->every = true;                /* of the guest's table */
    } else {
        if (!b->queued) {
            b->queued = true;
            im_link_in(&a->queue, &b->in_queue);
        }
        if (item.pasid && !b->drain) {
            b->drain = item.pasid;
            b->drain->drains++;
        }
    }
    list(h, a);
}

static void atc_inv(ImIoasid *h, const IoAtcInv *inv, IoPasid *drain)
{
    IoBind *b = inv->bind;
    IoAtc *a = &b->host->atc;
    IoSet *set = b->dev ? b->dev->obj.set : b->pasid ? b->pasid->obj.set :
                 NULL;
    IoItag item = { .set = set, .pasid = drain };
    ImAtsInv msg = {
        .pasid = inv->pasid, .has_pasid = inv->has_pasid || inv->every,
        .global = inv->every,
    };

    if (!(b->host->cfg.caps & IMU_DEV_CAP_ATS) ||
        (b->dev && b->dev->ats_failed) ||
        (owes(a) && a->owed.set != set)) {
        return;         /* nothing is there, or it will all go anyway */
    }
    if (set) {
        item.seq = ++set->inv_seq;
    }
    if (a->busy == ALL_TAGS) {
        owe(h, a, inv, item);
        return;
    }
    if (drain) {
        drain->drains++;
    }
    set_range(&msg, inv->first, inv->last);
    send(h, a, &msg, item);
}

void im_ioasid_atc_inv(ImIoasid *h, const IoAtcInv *inv)
{
    atc_inv(h, inv, NULL);
}

void im_ioasid_atc_inv_bind(ImIoasid *h, IoBind *b, IoPasid *p)
{
    IoAtcInv inv = { .bind = b, .last = UINT64_MAX, .pasid = b->hpasid,
                     .has_pasid = b->hpasid != 0 };

    if (b->ats_used & IO_ATS_OWN) {
        atc_inv(h, &inv, p);
    }
    if (b->ats_used & IO_ATS_GUEST) {
        inv.every = true;
        inv.pasid = 0;
        atc_inv(h, &inv, p);
    }
    b->ats_used = 0;
}

void im_ioasid_atc_unqueue(ImIoasid *h, IoBind *b)
{
    IoPasid *p = b->drain;

    if (!b->queued) {
        return;
    }
    im_link_out(&b->in_queue);
    b->queued = false;
    b->drain = NULL;
    unlist(&b->host->atc);
    if (p) {
        im_ioasid_drained(h, p);
    }
}

/* A tag is free again: send what is owed. */
static void send_owed(ImIoasid *h, IoAtc *a)
{
    while (a->busy != ALL_TAGS && owes(a)) {
        IoItag item = a->owed;
        ImAtsInv msg = { .lg2size = IM_INV_ALL };

        if (a->own) {
            a->own = false;
        } else if (a->every) {
            a->every = false;
            msg.has_pasid = msg.global = true;
        } else {
            IoBind *b = IM_LINK_OF(a->queue, IoBind, in_queue);

            im_link_out(&b->in_queue);
            b->queued = false;
            item.pasid = b->drain;
            b->drain = NULL;
            msg.has_pasid = true;
            msg.pasid = b->hpasid;
        }
        send(h, a, &msg, item);
    }
}

static void finish(ImIoasid *h, IoAtc *a, unsigned tag)
{
    IoPasid *p = a->item[tag].pasid;

    a->busy &= ~(1u << tag);
    a->item[tag] = (IoItag){ 0 };
    if (p) {
        im_ioasid_drained(h, p);
    }
}

/* Nothing more is expected of the device. */
static void give_up(ImIoasid *h, IoAtc *a)
{
    a->own = a->every = false;
    while (a->busy) {
        finish(h, a, (unsigned)__builtin_ctz(a->busy));
    }
    while (a->queue) {
        im_ioasid_atc_unqueue(h, IM_LINK_OF(a->queue, IoBind, in_queue));
    }
    unlist(a);
}

void im_ioasid_ats_inv_done(ImIoasid *h, uint32_t func, uint32_t itags)
{
    IoHostDev *dev = im_ioasid_host_dev(h, func);
    IoAtc *a;

    if (!dev || !(dev->atc.busy & itags)) {
        return;                         /* nobody waits for that */
    }
    a = &dev->atc;
    for (uint32_t m = a->busy & itags; m; m &= m - 1) {
        h->counters.ats_completions++;
        finish(h, a, (unsigned)__builtin_ctz(m));
    }
    send_owed(h, a);
    unlist(a);
    settle(h);
    im_ioasid_rearm(h);
}

void im_ioasid_dev_forgets(ImIoasid *h, IoHostDev *dev)
{
    give_up(h, &dev->atc);
    settle(h);
}

/* --- time ---------------------------------------------------------------------- */

static uint64_t first_due(const IoAtc *a)
{
    uint64_t when = IM_NEVER;

    for (uint32_t m = a->busy; m; m &= m - 1) {
        when = MIN(when, a->item[__builtin_ctz(m)].due);
    }
    return when;
}

uint64_t im_ioasid_fence_deadline(const ImIoasid *h)
{
    uint64_t when = IM_NEVER;

    for (ImLink *n = h->fences->busy; n; n = n->next) {
        when = MIN(when, first_due(IM_LINK_OF(n, IoAtc, in_busy)));
    }
    return when;
}

/*
 * What a device TLB still holds is unknown: it is not asked, and not
 * believed, until the device is bound anew.
 */
static void timed_out(ImIoasid *h, IoAtc *a)
{
    IoDev *dev = dev_of(a)->bound;

    h->counters.ats_timeouts += (unsigned)__builtin_popcount(a->busy);
    if (dev) {
        dev->ats_failed = true;
        h->caches->reach++;
        for (uint32_t i = 0; i < h->caches->views; i++) {
            IoView *v = &h->caches->view[i];

            v->ats = v->ats && v->bind->dev != dev;
        }
        im_ioasid_event_post(dev->obj.set, IMU_EVENT_INV_TIMEOUT,
                             dev->obj.ref, dev->cookie, 0, 0);
    }
    give_up(h, a);
}

void im_ioasid_fence_due(ImIoasid *h, uint64_t now)
{
    ImLink *next;
    bool any = false;

    for (ImLink *n = h->fences->busy; n; n = next) {
        IoAtc *a = IM_LINK_OF(n, IoAtc, in_busy);

        next = n->next;
        if (first_due(a) <= now) {
            timed_out(h, a);
            any = true;
        }
    }
    if (any) {
        settle(h);
    }
}

bool im_ioasid_ats_sound(const IoDev *dev)
{
    const IoAtc *a = &dev->host->atc;

    if (dev->ats_failed || (owes(a) && a->owed.set != dev->obj.set)) {
        return false;
    }
    for (uint32_t m = a->busy; m; m &= m - 1) {
        if (a->item[__builtin_ctz(m)].set != dev->obj.set) {
            return false;               /* its TLB is still another's */
        }
    }
    return true;
}

/* --- INVALIDATE ------------------------------------------------------------------ */

/* One command at work. */
typedef struct Inval {
    ImIoasid *h;
    IoSet *set;
    const ImuInvalidate *a;
    const IoSpace *space;       /* target */
    const IoDev *dev;
} Inval;

/* What is invalidated of a binding. */
typedef struct Part {
    uint64_t first, last;
    bool whole;                 /* of all its PASIDs */
    bool has_pasid;
    uint32_t pasid;             /* of a guest's own table */
} Part;

static bool in_scope(const Inval *v, const IoBind *b)
{
    if (b->parked || b->ended) {
        return false;
    }
    if (v->space) {
        return b->space == v->space || b->space->parent == v->space;
    }
    return !v->dev || b->dev == v->dev;
}

static bool everywhere(const Part *p)
{
    return p->first == 0 && p->last == UINT64_MAX;
}

static void drop_view(const Inval *v, IoView *view, const Part *p)
{
    if (v->a->caches & IMU_CACHE_PASID) {
        view->old = true;
    }
    if (!(v->a->caches & IMU_CACHE_IOTLB)) {
        return;
    }
    if (everywhere(p)) {
        im_ioasid_view_renew(v->h, view);
    } else {
        im_ioasid_view_drop_range(v->h, view, p->first, p->last);
    }
}

static bool guest_table(const IoBind *b)
{
    return b->space->kind == IMU_SPACE_PASID_TABLE;
}

static void tell_device(const Inval *v, IoBind *b, const Part *p)
{
    IoAtcInv inv = {
        .bind = b, .first = p->first, .last = p->last,
        .has_pasid = b->hpasid != 0, .pasid = b->hpasid,
    };

    if (b->flags & IMU_ATTACH_NO_ATS) {
        return;
    }
    if (guest_table(b) && !p->whole) {
        inv.has_pasid = p->has_pasid;
        inv.pasid = p->pasid;
    }
    im_ioasid_atc_inv(v->h, &inv);
    if (guest_table(b) && p->whole) {
        inv.every = true;
        im_ioasid_atc_inv(v->h, &inv);
    }
}

static void obey_bind(const Inval *v, IoBind *b, const Part *p)
{
    for (ImLink *n = b->views; n; n = n->next) {
        IoView *view = IM_LINK_OF(n, IoView, by_bind);

        if (p->whole || !guest_table(b) ||
            view->key == im_ioasid_key(b->host->cfg.func, p->has_pasid,
                                       p->pasid)) {
            drop_view(v, view, p);
        }
    }
    if (v->a->caches & IMU_CACHE_DEVTLB) {
        tell_device(v, b, p);
    }
}

static const Part whole = { .last = UINT64_MAX, .whole = true };

static void obey_space(const Inval *v, const IoSpace *space)
{
    for (ImLink *n = space->binds; n; n = n->next) {
        obey_bind(v, IM_LINK_OF(n, IoBind, by_space), &whole);
    }
}

static void obey_dev(const Inval *v, const IoDev *dev)
{
    if (dev->own) {
        obey_bind(v, dev->own, &whole);
    }
    for (ImLink *n = dev->binds; n; n = n->next) {
        IoBind *b = IM_LINK_OF(n, IoBind, by_dev);

        if (!b->parked) {
            obey_bind(v, b, &whole);
        }
    }
}

static void obey_all(const Inval *v)
{
    if (v->space) {
        obey_space(v, v->space);
        for (ImLink *n = v->space->children; n; n = n->next) {
            obey_space(v, IM_LINK_OF(n, IoSpace, in_parent));
        }
    } else if (v->dev) {
        obey_dev(v, v->dev);
    } else {
        for (ImLink *n = v->set->objects[IMU_KIND_DEV]; n; n = n->next) {
            obey_dev(v, IM_LINK_OF(n, IoDev, obj.in_set));
        }
    }
}

/* Requests without PASID, or with one of a guest's own table. */
static bool obey_owns(const Inval *v, const Part *p, bool tables_only)
{
    bool any = false;

    for (ImLink *n = v->set->objects[IMU_KIND_DEV]; n; n = n->next) {
        IoBind *b = IM_LINK_OF(n, IoDev, obj.in_set)->own;

        if (b && in_scope(v, b) && (!tables_only || guest_table(b))) {
            obey_bind(v, b, p);
            any = true;
        }
    }
    return any;
}

/* CLAUSE(IOASID_INVALIDATION): the guest's number, as the devices know it. */
static void obey_entry(const Inval *v, const ImuInvEntry *e)
{
    Part p = { .last = UINT64_MAX, .pasid = e->gpasid,
               .has_pasid = !(e->flags & IMU_INV_NO_PASID) };
    IoPasid *pasid = NULL;
    bool any;

    if (v->a->gran == IMU_GRAN_RANGE) {
        p.first = e->addr & ~UINT64_C(0xfff);
        p.last = (e->addr + (e->length - 1)) | 0xfff;
    }
    any = obey_owns(v, &p, p.has_pasid);
    if (p.has_pasid) {
        pasid = im_ioasid_by_gpasid(v->set, e->gpasid);
    }
    for (ImLink *n = pasid ? pasid->binds : NULL; n; n = n->next) {
        IoBind *b = IM_LINK_OF(n, IoBind, by_pasid);

        if (in_scope(v, b)) {
            obey_bind(v, b, &p);
            any = true;
        }
    }
    v->h->counters.invalidations_noop += !any;
}

#define CACHES  (IMU_CACHE_IOTLB | IMU_CACHE_DEVTLB | IMU_CACHE_PASID)

static int check_values(const ImuInvalidate *a)
{
    bool array = a->entry_size || a->count || a->entries;

    if (a->gran > IMU_GRAN_RANGE || (a->caches & ~CACHES)) {
        return -EOPNOTSUPP;
    }
    if ((a->target == IMU_INV_SET && (a->object.id || a->object.gen)) ||
        !a->caches ||
        (a->gran == IMU_GRAN_RANGE && (a->caches & IMU_CACHE_PASID))) {
        return -EINVAL;
    }
    if (a->gran == IMU_GRAN_ALL) {
        return array ? -EINVAL : 0;
    }
    if (a->entry_size < sizeof(ImuInvEntry) ||
        a->count > IMU_INV_ENTRIES_MAX) {
        return -EINVAL;
    }
    return a->entry_size > IMU_SIZE_MAX ? -E2BIG : 0;
}

static int check_entry(const ImuInvalidate *a, const ImuInvEntry *e)
{
    bool no_pasid = e->flags & IMU_INV_NO_PASID;

    if (e->flags & ~IMU_INV_NO_PASID) {
        return -EOPNOTSUPP;
    }
    if (e->gpasid > (no_pasid ? 0 : IM_PASID_MAX)) {
        return -EINVAL;
    }
    if (a->gran == IMU_GRAN_PASID) {
        return e->addr || e->length ? -EINVAL : 0;
    }
    if (!e->length) {
        return -EINVAL;
    }
    return e->addr + (e->length - 1) < e->addr ? -EOVERFLOW : 0;
}

static int get_entry(ImIoasidCtx *c, const ImuInvalidate *a, uint32_t i,
                     ImuInvEntry *e)
{
    uint64_t at = a->entries + (uint64_t)i * a->entry_size;
    uint32_t rest = a->entry_size - (uint32_t)sizeof(*e);
    int err = im_ioasid_get_user(c, at, e, sizeof(*e));

    at += sizeof(*e);
    while (!err && rest) {
        uint8_t more[64];
        uint32_t n = MIN(rest, (uint32_t)sizeof(more));

        err = im_ioasid_get_user(c, at, more, n);
        for (uint32_t k = 0; !err && k < n; k++) {
            err = more[k] ? -E2BIG : 0;
        }
        at += n;
        rest -= n;
    }
    return err ? err : check_entry(a, e);
}

static int find_target(const ImuInvalidate *a, Inval *v)
{
    IoObject *obj;
    int err;

    switch (a->target) {
    case IMU_INV_SPACE:
        err = im_ioasid_find(v->set, IMU_KIND_SPACE, a->object, &obj);
        v->space = err ? NULL : IM_LINK_OF(obj, IoSpace, obj);
        return err;
    case IMU_INV_DEV:
        err = im_ioasid_find(v->set, IMU_KIND_DEV, a->object, &obj);
        v->dev = err ? NULL : IM_LINK_OF(obj, IoDev, obj);
        return err;
    case IMU_INV_SET:
        return 0;
    default:
        return -EOPNOTSUPP;
    }
}

/*
 * CLAUSE(IOASID_CMD_INVALIDATE). What can be obeyed is counted first, so
 * that the user can be told before it is done.
 */
int im_ioasid_cmd_INVALIDATE(ImIoasidCtx *c, void *arg)
{
    ImuInvalidate *a = arg;
    Inval v = { .h = c->host, .a = a };
    ImuInvEntry e;
    uint32_t n = 0;
    int err = im_ioasid_set_of(c, a->set, &v.set);
    int told;

    if (!err) {
        err = find_target(a, &v);
    }
    if (!err) {
        err = check_values(a);
    }
    if (err) {
        return err;
    }
    while (n < a->count && !(err = get_entry(c, a, n, &e))) {
        n++;
    }
    a->count = n;
    told = im_ioasid_respond(c, a);
    if (told) {
        a->count = 0;
        return err ? err : told;
    }
    c->host->counters.invalidations++;
    if (a->gran == IMU_GRAN_ALL) {
        obey_all(&v);
    }
    for (uint32_t i = 0; i < n && !get_entry(c, a, i, &e); i++) {
        obey_entry(&v, &e);
    }
    im_ioasid_rearm(c->host);
    return err;
}

/* --- life --------------------------------------------------------------------------- */

IoFences *im_ioasid_fences_new(ImIoasid *h)
{
    IoFences *f = im_ioasid_alloc(h, sizeof(*f));

    if (f) {
        im_fifo_init(&f->waiting);
    }
    return f;
}

void im_ioasid_fences_free(ImIoasid *h, IoFences *f)
{
    if (!f) {
        return;
    }
    while (f->waiting.head) {
        end_fence(h, IM_LINK_OF(f->waiting.head, IoFence, in_waiting));
    }
    im_ioasid_release(h, f, sizeof(*f));
}

void im_ioasid_fences_forget(ImIoasid *h, IoSet *set)
{
    ImLink *next;

    for (ImLink *n = h->fences->waiting.head; n; n = next) {
        IoFence *f = IM_LINK_OF(n, IoFence, in_waiting);

        next = n->next;
        if (f->set == set) {
            end_fence(h, f);
        }
    }
    for (ImLink *n = h->fences->busy; n; n = n->next) {
        IoAtc *a = IM_LINK_OF(n, IoAtc, in_busy);

        if (a->owed.set == set) {
            a->owed.set = NULL;
        }
        for (unsigned i = 0; i < IO_ITAGS; i++) {
            if (a->item[i].set == set) {
                a->item[i].set = NULL;
            }
        }
    }
}
