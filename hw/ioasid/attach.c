/*
 * Bindings: a device, or one of its PASIDs, and a space.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/ledger.h"

#include <errno.h>

/* A device that is unbound owes completions still: look again later. */
#define REST_AGAIN_NS  1000000u

typedef struct Names {
    IoSet *set;
    IoDev *dev;
    IoPasid *pasid;             /* NULL: the device itself */
    IoSpace *space;             /* ATTACH, REPLACE */
    IoBind *bind;               /* the one that is not ended, or NULL */
} Names;

/* The binding of n->pasid with a host device, ended or not. */
static IoBind *io_attach_claim_of(const IoPasid *p, const IoHostDev *hd)
{
    for (ImLink *l = p->binds; l; l = l->next) {
        IoBind *b = IM_LINK_OF(l, IoBind, by_pasid);

        if (b->host == hd) {
            return b;
        }
    }
    return NULL;
}

/* Set, device, PASID. */
static int io_attach_look_up(ImIoasidCtx *c, const ImuAttach *a, Names *n)
{
    bool with_pasid = a->head.flags & IMU_ATTACH_PASID;
    IoObject *obj;
    int err = im_ioasid_set_of(c, a->set, &n->set);

    if (!err) {
        err = im_ioasid_find(n->set, IMU_KIND_DEV, a->dev, &obj);
    }
    if (err) {
        return err;
    }
    n->dev = IM_LINK_OF(obj, IoDev, obj);
    n->pasid = NULL;
    if (!with_pasid) {
        n->bind = n->dev->own;
        return 0;
    }
    err = im_ioasid_find(n->set, IMU_KIND_PASID, a->pasid, &obj);
    if (err) {
        return err;
    }
    n->pasid = IM_LINK_OF(obj, IoPasid, obj);
    n->bind = io_attach_claim_of(n->pasid, n->dev->host);
    if (n->bind && n->bind->ended) {
        n->bind = NULL;
    }
    return 0;
}

static bool io_attach_is_unused(const ImuAttach *a)
{
    return !(a->head.flags & IMU_ATTACH_PASID) && (a->pasid.id || a->pasid.gen);
}

/* All that ATTACH and REPLACE have in common, before the binding's state. */
static int io_attach_judge(ImIoasidCtx *c, const ImuAttach *a, Names *n,
                           int *later)
{
    IoObject *obj;
    int err = io_attach_look_up(c, a, n);

    if (!err) {
        err = im_ioasid_find(n->set, IMU_KIND_SPACE, a->space, &obj);
    }
    if (err) {
        return err;
    }
    n->space = IM_LINK_OF(obj, IoSpace, obj);
    if (io_attach_is_unused(a)) {
        return -EINVAL;
    }
    if (n->dev->host == c->host->nothing) {
        return -ENODEV;
    }
    if (n->pasid && !im_ioasid_dev_width(c->host, n->dev->host)) {
        return -EOPNOTSUPP;
    }
    *later = im_ioasid_space_fits(n->space, n->dev, n->pasid);
    if (*later == -EINVAL) {
        return -EINVAL;
    }
    return n->pasid && n->pasid->state > IMU_PASID_BOUND ? -EBUSY : 0;
}

/* A device has PASIDs of its own set or a guest's table of them. */
static bool io_attach_delegated_otherwise(const Names *n)
{
    const IoBind *own = n->dev->own;

    return n->pasid ? own && own->space->kind == IMU_SPACE_PASID_TABLE :
                      n->space->kind == IMU_SPACE_PASID_TABLE && n->dev->binds;
}

/* --- host numbers ------------------------------------------------------- */

/* Of a PASID on a device's bus, where it has none. */
IM_RULE(IOASID_NUMBERS);
static int io_attach_host_number(ImIoasid *h, const Names *n, uint32_t *hpasid)
{
    const IoSet *set = n->set;
    const IoHostDev *hd = n->dev->host;
    uint32_t last = (1u << im_ioasid_dev_width(h, hd)) - 1;

    if (set->cfg.map_mode == IMU_MODE_TRANSLATE &&
        set->cfg.pool == IMU_POOL_DEVICE) {
        *hpasid = im_numbers_lowest(hd->taken, 1, last);
        return *hpasid == UINT32_MAX ? -ENOSPC : 0;
    }
    *hpasid = set->cfg.map_mode == IMU_MODE_IDENTITY ? n->pasid->gpasid :
                                                       n->pasid->hpasid;
    if (*hpasid > last) {
        return -EOVERFLOW;
    }
    return im_numbers_taken(hd->taken, *hpasid) ? -ENOSPC : 0;
}

/* --- a binding begins --------------------------------------------------- */

/* Out of where it is as one that ended. */
static void io_attach_wake(ImIoasid *h, IoBind *b)
{
    if (b->dev) {
        im_link_out(&b->by_dev);
    } else {
        im_fifo_out(&h->resting, &b->by_dev);
    }
}

static void io_attach_look_into(IoBind *b, IoSpace *space)
{
    b->space = space;
    space->obj.users++;
    im_link_in(&space->binds, &b->by_space);
}

static void io_attach_look_away(IoBind *b)
{
    im_link_out(&b->by_space);
    b->space->obj.users--;
}

static void io_attach_begin(ImIoasid *h, const Names *n, IoBind *b,
                            uint32_t flags)
{
    b->dev = n->dev;
    b->flags = flags;
    b->ended = false;
    io_attach_look_into(b, n->space);
    if (n->pasid) {
        im_link_in(&n->dev->binds, &b->by_dev);
        im_table_set(n->dev->by_hpasid, b->hpasid, b);
    } else {
        n->dev->own = b;
    }
    im_ioasid_bind_changed(h, b, NULL, NULL);
    if (n->pasid) {
        im_ioasid_pasid_bound(h, n->pasid);
    }
}

/* One that ended, or a new one; -ENOMEM, -ENOSPC, -EOVERFLOW. */
static int io_attach_provide(ImIoasid *h, const Names *n, IoBind **out)
{
    IoHostDev *hd = n->dev->host;
    IoBind *b = n->pasid ? io_attach_claim_of(n->pasid, hd) : NULL;
    uint32_t hpasid = 0;
    int err;

    if (b) {
        /* Bound anew, the device has a new table. */
        if (!im_table_ready(h, n->dev->by_hpasid, b->hpasid)) {
            return -ENOMEM;
        }
        io_attach_wake(h, b);
        *out = b;
        return 0;
    }
    if (n->pasid) {
        err = io_attach_host_number(h, n, &hpasid);
        if (err) {
            return err;
        }
        if (!im_numbers_ready(h, hd->taken, hpasid) ||
            !im_table_ready(h, n->dev->by_hpasid, hpasid)) {
            return -ENOMEM;
        }
    }
    b = im_ioasid_alloc(h, sizeof(*b));
    if (!b) {
        return -ENOMEM;
    }
    b->host = hd;
    b->pasid = n->pasid;
    b->hpasid = hpasid;
    if (n->pasid) {
        im_link_in(&n->pasid->binds, &b->by_pasid);
        im_numbers_take(hd->taken, hpasid);
    }
    *out = b;
    return 0;
}

/* Whether the host number will fit, asked before what is worse. */
static int io_attach_fits_bus(ImIoasid *h, const Names *n)
{
    uint32_t hpasid;
    int err = n->pasid && !io_attach_claim_of(n->pasid, n->dev->host) ?
                  io_attach_host_number(h, n, &hpasid) :
                  0;

    return err == -EOVERFLOW ? err : 0;
}

IM_RULE(IOASID_CMD_ATTACH);
int im_ioasid_cmd_ATTACH(ImIoasidCtx *c, void *arg)
{
    const ImuAttach *a = arg;
    IoBind *b;
    Names n;
    int later;
    int err = io_attach_judge(c, a, &n, &later);

    if (!err && (n.bind || io_attach_delegated_otherwise(&n))) {
        err = -EBUSY;
    }
    if (!err) {
        err = io_attach_fits_bus(c->host, &n);
    }
    if (!err) {
        err = later;
    }
    if (!err) {
        err = io_attach_provide(c->host, &n, &b);
    }
    if (!err) {
        io_attach_begin(c->host, &n, b, a->head.flags);
    }
    return err;
}

IM_RULE(IOASID_CMD_REPLACE);
int im_ioasid_cmd_REPLACE(ImIoasidCtx *c, void *arg)
{
    const ImuReplace *a = arg;
    IoSpace *old;
    Names n;
    int later;
    int err = io_attach_judge(c, a, &n, &later);

    if (!err) {
        err = !n.bind                           ? -ENOENT :
              io_attach_delegated_otherwise(&n) ? -EBUSY :
                                                  later;
    }
    if (err) {
        return err;
    }
    old = n.bind->space;
    io_attach_look_away(n.bind);
    io_attach_look_into(n.bind, n.space);
    n.bind->flags = a->head.flags;
    im_ioasid_bind_changed(c->host, n.bind, old, n.pasid);
    im_ioasid_groups_revoke(c->host, n.bind);
    return 0;
}

/* --- and ends ----------------------------------------------------------- */

static void io_attach_release(ImIoasid *h, IoBind *b)
{
    im_ioasid_bind_freed(h, b);
    im_ioasid_release(h, b, sizeof(*b));
}

void im_ioasid_bind_end(ImIoasid *h, IoBind *b)
{
    IoSpace *old = b->space;
    IoDev *dev = b->dev;

    io_attach_look_away(b);
    b->space = h->blocked;
    b->ended = true;
    b->parked = false;
    if (b->pasid) {
        im_table_set(dev->by_hpasid, b->hpasid, NULL);
        im_link_out(&b->by_dev);
        im_link_in(&dev->ended, &b->by_dev);
    } else {
        dev->own = NULL;
    }
    im_ioasid_bind_changed(h, b, old, b->pasid);
    im_ioasid_groups_revoke(h, b);
    if (b->pasid) {
        im_ioasid_pasid_unbound(h, b->pasid);       /* may free b */
    } else {
        io_attach_release(h, b);
    }
}

void im_ioasid_bind_park(ImIoasid *h, IoBind *b)
{
    IoSpace *old = b->space;

    io_attach_look_away(b);
    io_attach_look_into(b, h->blocked);
    b->parked = true;
    im_ioasid_bind_changed(h, b, old, b->pasid);
    im_ioasid_groups_revoke(h, b);
}

void im_ioasid_bind_free(ImIoasid *h, IoBind *b)
{
    io_attach_wake(h, b);
    im_link_out(&b->by_pasid);
    im_numbers_give(b->host->taken, b->hpasid);
    io_attach_release(h, b);
}

IM_RULE(IOASID_CMD_DETACH);
int im_ioasid_cmd_DETACH(ImIoasidCtx *c, void *arg)
{
    const ImuDetach *a = arg;
    const ImuAttach as = {
        .head = a->head,
        .set = a->set,
        .dev = a->dev,
        .pasid = a->pasid,
    };
    Names n;
    int err = io_attach_look_up(c, &as, &n);

    if (err) {
        return err;
    }
    if (io_attach_is_unused(&as)) {
        return -EINVAL;
    }
    if (!n.bind) {
        return -ENOENT;
    }
    im_ioasid_bind_end(c->host, n.bind);
    im_ioasid_rearm(c->host);
    return 0;
}

/* --- those whose device is unbound -------------------------------------- */

static bool io_attach_owes(const IoHostDev *hd)
{
    return hd->atc.listed;
}

void im_ioasid_bind_rest(ImIoasid *h, IoBind *b)
{
    im_link_out(&b->by_dev);
    b->dev = NULL;
    b->ripe = im_ioasid_after(h, h->cfg.quarantine_ns);
    im_fifo_in(&h->resting, &b->by_dev);
    if (!h->cfg.quarantine_ns) {
        im_ioasid_rest_due(h, b->ripe);
    }
}

void im_ioasid_rest_end(ImIoasid *h, const IoHostDev *hd)
{
    ImLink *next;

    for (ImLink *l = h->resting.head; l; l = next) {
        IoBind *b = IM_LINK_OF(l, IoBind, by_dev);

        next = l->next;
        if (!hd || b->host == hd) {
            im_ioasid_bind_free(h, b);
        }
    }
}

uint64_t im_ioasid_rest_deadline(const ImIoasid *h)
{
    return h->resting.head ? IM_LINK_OF(h->resting.head, IoBind, by_dev)->ripe :
                             IM_NEVER;
}

void im_ioasid_rest_due(ImIoasid *h, uint64_t now)
{
    while (h->resting.head) {
        IoBind *b = IM_LINK_OF(h->resting.head, IoBind, by_dev);

        if (b->ripe > now) {
            break;
        }
        if (!io_attach_owes(b->host)) {
            im_ioasid_bind_free(h, b);
            continue;
        }
        im_fifo_out(&h->resting, &b->by_dev);
        b->ripe = now > IM_NEVER - REST_AGAIN_NS ?
                      IM_NEVER :
                      now + MAX(h->cfg.quarantine_ns, REST_AGAIN_NS);
        im_fifo_in(&h->resting, &b->by_dev);
    }
}
