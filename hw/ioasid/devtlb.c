/*
 * Messages to device TLBs with their tags, completions and time-outs, and
 * the fences that wait for them.
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
#include "hw/ioasid/moving.h"

typedef struct IoFence {
    ImLink in_waiting;
    IoSet *set;
    uint64_t seq;               /* of the last invalidation it waits for */
    uint64_t first, last;       /* tickets */
} IoFence;

static IoHostDev *io_devtlb_dev_of(IoAtc *atc)
{
    return IM_LINK_OF(atc, IoHostDev, atc);
}

static bool io_devtlb_owes(const IoAtc *a)
{
    return a->own || a->guest || a->queue;
}

/* --- fences ----------------------------------------------------------- */

/* Some of a set's invalidations, by their numbers. */
typedef struct InvRange {
    const IoSet *set;
    uint64_t first, last;
} InvRange;

static bool io_devtlb_among(const IoInv *i, const InvRange *r)
{
    return i->set == r->set && i->seq >= r->first && i->seq <= r->last;
}

/* Is any of them under way? */
static bool io_devtlb_any(const ImIoasid *h, InvRange r)
{
    for (ImLink *n = h->fences->busy; n; n = n->next) {
        const IoAtc *a = IM_LINK_OF(n, IoAtc, in_busy);

        if (io_devtlb_owes(a) && io_devtlb_among(&a->owed, &r)) {
            return true;
        }
        for (uint32_t m = a->itags.busy; m; m &= m - 1) {
            if (io_devtlb_among(&a->inv[__builtin_ctz(m)], &r)) {
                return true;
            }
        }
    }
    return false;
}

static void io_devtlb_end_fence(ImIoasid *h, IoFence *f)
{
    im_fifo_out(&h->fences->waiting, &f->in_waiting);
    im_ioasid_release(h, f, sizeof(*f));
}

/* Something is complete: what waited for it? */
static void io_devtlb_settle(ImIoasid *h)
{
    ImLink *next;

    for (ImLink *n = h->fences->waiting.head; n; n = next) {
        IoFence *f = IM_LINK_OF(n, IoFence, in_waiting);

        next = n->next;
        if (io_devtlb_any(h, (InvRange) { f->set, 0, f->seq })) {
            continue;
        }
        for (uint64_t t = f->first; t <= f->last; t++) {
            im_ioasid_event_post(f->set, IMU_EVENT_FENCE, f->set->obj.ref, t, 0,
                                 0);
        }
        io_devtlb_end_fence(h, f);
    }
}

static IoFence *io_devtlb_fence_of(ImIoasid *h, const IoSet *set,
                                   uint64_t ticket)
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
static IoFence *io_devtlb_same_fence(ImIoasid *h, const IoSet *set)
{
    IoFence *f = io_devtlb_fence_of(h, set, set->ticket);

    return f && !io_devtlb_any(h, (InvRange) { set, f->seq + 1, UINT64_MAX }) ?
               f :
               NULL;
}

uint64_t im_ioasid_fence_waiting(const IoSet *set)
{
    const ImLink *n = set->ctx->host->fences->waiting.head;

    while (n && IM_LINK_OF(n, IoFence, in_waiting)->set != set) {
        n = n->next;
    }
    return !n ?
               0 :
               MAX(IM_LINK_OF(n, IoFence, in_waiting)->first,
                   MAX(set->ticket, IMU_EVQ_DEPTH_MAX) + 1 - IMU_EVQ_DEPTH_MAX);
}

IM_RULE(IOASID_CMD_FENCE);
static int io_devtlb_new_fence(ImIoasidCtx *c, ImuFence *a, IoSet *set)
{
    ImIoasid *h = c->host;
    IoFence *same = io_devtlb_same_fence(h, set);
    IoFence *f = NULL;
    int err;

    a->ticket = set->ticket + 1;
    a->done = !io_devtlb_any(h, (InvRange) { set, 0, set->inv_seq });
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
        *f = (IoFence) { .set = set,
                         .seq = set->inv_seq,
                         .first = a->ticket,
                         .last = a->ticket };
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
        return io_devtlb_new_fence(c, a, set);
    }
    if (a->ticket > set->ticket) {
        return -ENOENT;
    }
    a->done = !io_devtlb_fence_of(c->host, set, a->ticket);
    return 0;
}

/* --- messages --------------------------------------------------------- */

static void io_devtlb_list(ImIoasid *h, IoAtc *a)
{
    if (!a->listed) {
        a->listed = true;
        im_link_in(&h->fences->busy, &a->in_busy);
    }
}

static void io_devtlb_unlist(IoAtc *a)
{
    if (a->listed && !a->itags.busy && !io_devtlb_owes(a)) {
        a->listed = false;
        im_link_out(&a->in_busy);
    }
}

/* With a free tag. */
static void io_devtlb_send(ImIoasid *h, IoAtc *a, ImAtsInv *msg, IoInv inv)
{
    const IoHostDev *dev = io_devtlb_dev_of(a);
    unsigned tag = im_itags_take(&a->itags, im_ioasid_now(h),
                                 h->cfg.ats_timeout_ns);

    a->inv[tag] = inv;
    io_devtlb_list(h, a);
    msg->itag = (uint8_t)tag;
    msg->rid = im_func_rid(dev->cfg.func);
    msg->segment = im_func_segment(dev->cfg.func);
    h->counters.ats_invalidations++;
    h->port.iommu.ats_invalidate(h->opaque, msg);
}

/* The smallest aligned power of two around a range. */
static void io_devtlb_set_range(ImAtsInv *inv, uint64_t first, uint64_t last)
{
    unsigned lg2 = 12;

    while (lg2 < 64 && (first ^ last) >> lg2) {
        lg2++;
    }
    inv->lg2size = lg2 == 64 ? IM_INV_ALL : (uint8_t)lg2;
    inv->addr = lg2 == 64 ? 0 : first & ~((UINT64_C(1) << lg2) - 1);
}

static void io_devtlb_owe_guest(IoAtc *a, uint32_t first, uint32_t last)
{
    a->guest_first = a->guest ? MIN(a->guest_first, first) : first;
    a->guest_last = a->guest ? MAX(a->guest_last, last) : last;
    a->guest = true;
}

static void io_devtlb_owe(IoAtc *a, const IoAtcInv *inv, IoInv item)
{
    IoBind *b = inv->bind;

    if (!io_devtlb_owes(a)) {
        a->owed = item;
    }
    if (!inv->has_pasid) {
        a->own = true;
        return;
    }
    if (inv->pasid != b->hpasid) {
        io_devtlb_owe_guest(a, inv->pasid, inv->pasid);
        return;
    }
    if (!b->queued) {
        b->queued = true;
        im_link_in(&a->queue, &b->in_queue);
    }
    if (item.pasid && !b->drain) {
        b->drain = item.pasid;
        b->drain->drains++;
    }
}

/* A tag is free: send what is owed. */
static void io_devtlb_send_owed(ImIoasid *h, IoAtc *a)
{
    while (!im_itags_full(&a->itags) && io_devtlb_owes(a)) {
        IoInv item = a->owed;
        ImAtsInv msg = { .lg2size = IM_INV_ALL, .has_pasid = true };

        if (a->own) {
            a->own = false;
            msg.has_pasid = false;
        } else if (a->guest) {
            msg.pasid = a->guest_first++;
            a->guest = a->guest_first <= a->guest_last;
        } else {
            IoBind *b = IM_LINK_OF(a->queue, IoBind, in_queue);

            im_link_out(&b->in_queue);
            b->queued = false;
            item.pasid = b->drain;
            b->drain = NULL;
            msg.pasid = b->hpasid;
        }
        io_devtlb_send(h, a, &msg, item);
    }
}

/* An invalidation begins, unless nothing is there, or it all goes anyway. */
static bool io_devtlb_begin(const IoBind *b, IoInv *item)
{
    const IoAtc *a = &b->host->atc;
    IoSet *set = b->dev ? b->dev->obj.set : b->pasid ? b->pasid->obj.set : NULL;

    if (!(b->host->cfg.caps & IMU_DEV_CAP_ATS) ||
        (b->dev && b->dev->ats_failed) ||
        (io_devtlb_owes(a) && a->owed.set != set)) {
        return false;
    }
    *item = (IoInv) { .set = set, .seq = set ? ++set->inv_seq : 0 };
    return true;
}

static void io_devtlb_atc_inv(ImIoasid *h, const IoAtcInv *inv, IoPasid *drain)
{
    IoAtc *a = &inv->bind->host->atc;
    ImAtsInv msg = { .pasid = inv->pasid, .has_pasid = inv->has_pasid };
    IoInv item;

    if (!io_devtlb_begin(inv->bind, &item)) {
        return;
    }
    item.pasid = drain;
    if (im_itags_full(&a->itags)) {
        io_devtlb_owe(a, inv, item);
        return;
    }
    if (drain) {
        drain->drains++;
    }
    io_devtlb_set_range(&msg, inv->first, inv->last);
    io_devtlb_send(h, a, &msg, item);
}

void im_ioasid_atc_inv(ImIoasid *h, const IoAtcInv *inv)
{
    io_devtlb_atc_inv(h, inv, NULL);
}

/* The guest's PASIDs, one by one: not every device knows Global. */
static void io_devtlb_atc_inv_guest(ImIoasid *h, const IoBind *b)
{
    IoAtc *a = &b->host->atc;
    IoInv item;

    if (io_devtlb_begin(b, &item)) {
        if (!io_devtlb_owes(a)) {
            a->owed = item;
        }
        io_devtlb_owe_guest(a, b->ats_first, b->ats_last);
        io_devtlb_send_owed(h, a);
    }
}

void im_ioasid_atc_inv_bind(ImIoasid *h, IoBind *b, IoPasid *p)
{
    IoAtcInv inv = { .bind = b,
                     .last = UINT64_MAX,
                     .pasid = b->hpasid,
                     .has_pasid = b->hpasid != 0 };

    if (b->ats_used & IO_ATS_OWN) {
        io_devtlb_atc_inv(h, &inv, p);
    }
    if (b->ats_used & IO_ATS_GUEST) {
        io_devtlb_atc_inv_guest(h, b);
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
    io_devtlb_unlist(&b->host->atc);
    if (p) {
        im_ioasid_drained(h, p);
    }
}

/* These are under way no longer. */
static void io_devtlb_finish(ImIoasid *h, IoAtc *a, uint32_t itags)
{
    for (; itags; itags &= itags - 1) {
        IoInv *inv = &a->inv[__builtin_ctz(itags)];
        IoPasid *p = inv->pasid;

        *inv = (IoInv) { 0 };
        if (p) {
            im_ioasid_drained(h, p);
        }
    }
}

/* Nothing more is expected of the device. */
static void io_devtlb_give_up(ImIoasid *h, IoAtc *a)
{
    uint32_t itags = a->itags.busy;

    a->own = a->guest = false;
    im_itags_give_up(&a->itags);
    io_devtlb_finish(h, a, itags);
    while (a->queue) {
        im_ioasid_atc_unqueue(h, IM_LINK_OF(a->queue, IoBind, in_queue));
    }
    io_devtlb_unlist(a);
}

void im_ioasid_ats_inv_done(ImIoasid *h, uint32_t func, uint32_t itags,
                            unsigned count)
{
    IoHostDev *dev = im_ioasid_host_dev(h, func);
    IoAtc *a;
    uint32_t done;

    if (!dev) {
        return;
    }
    a = &dev->atc;
    done = im_itags_complete(&a->itags, itags, count);
    if (!done) {
        return;                        /* nobody waits for that, or not yet */
    }
    h->counters.ats_completions += im_itags_number(done);
    io_devtlb_finish(h, a, done);
    io_devtlb_send_owed(h, a);
    io_devtlb_unlist(a);
    io_devtlb_settle(h);
    im_ioasid_rearm(h);
}

void im_ioasid_dev_forgets(ImIoasid *h, IoHostDev *dev)
{
    io_devtlb_give_up(h, &dev->atc);
    dev->atc.itags = (ImItags) { 0 };
    io_devtlb_settle(h);
}

/* --- time ------------------------------------------------------------- */

uint64_t im_ioasid_fence_deadline(const ImIoasid *h)
{
    uint64_t when = IM_NEVER;

    for (ImLink *n = h->fences->busy; n; n = n->next) {
        when = MIN(when, im_itags_due(&IM_LINK_OF(n, IoAtc, in_busy)->itags));
    }
    return when;
}

/*
 * What a device TLB still holds is unknown: it is not asked, and not
 * believed, until the device is bound anew.
 */
static void io_devtlb_timed_out(ImIoasid *h, IoAtc *a)
{
    IoDev *dev = io_devtlb_dev_of(a)->bound;

    h->counters.ats_timeouts += im_itags_number(a->itags.busy);
    if (dev) {
        dev->ats_failed = true;
        h->caches->reach++;
        IM_POOL_EACH(&h->caches->views, IoView, v) {
            v->ats = v->ats && v->bind && v->bind->dev != dev;
        }
        im_ioasid_event_post(dev->obj.set, IMU_EVENT_INV_TIMEOUT, dev->obj.ref,
                             dev->cookie, 0, 0);
    }
    io_devtlb_give_up(h, a);
}

void im_ioasid_fence_due(ImIoasid *h, uint64_t now)
{
    ImLink *next;
    bool any = false;

    for (ImLink *n = h->fences->busy; n; n = next) {
        IoAtc *a = IM_LINK_OF(n, IoAtc, in_busy);

        next = n->next;
        if (im_itags_due(&a->itags) <= now) {
            io_devtlb_timed_out(h, a);
            any = true;
        }
    }
    if (any) {
        io_devtlb_settle(h);
    }
}

bool im_ioasid_ats_sound(const IoDev *dev)
{
    const IoAtc *a = &dev->host->atc;

    if (dev->ats_failed || (io_devtlb_owes(a) && a->owed.set != dev->obj.set)) {
        return false;
    }
    for (uint32_t m = a->itags.busy; m; m &= m - 1) {
        if (a->inv[__builtin_ctz(m)].set != dev->obj.set) {
            return false;               /* its TLB is still another's */
        }
    }
    return true;
}

/* --- life ------------------------------------------------------------- */

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
        io_devtlb_end_fence(h,
                            IM_LINK_OF(f->waiting.head, IoFence, in_waiting));
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
            io_devtlb_end_fence(h, f);
        }
    }
    for (ImLink *n = h->fences->busy; n; n = n->next) {
        IoAtc *a = IM_LINK_OF(n, IoAtc, in_busy);

        if (a->owed.set == set) {
            a->owed.set = NULL;
        }
        for (unsigned i = 0; i < IM_ITAGS; i++) {
            if (a->inv[i].set == set) {
                a->inv[i].set = NULL;
            }
        }
    }
}
