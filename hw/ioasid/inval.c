/*
 * INVALIDATE: which bindings it reaches, and what of theirs goes.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>

#include "hw/ioasid/memory.h"

/* One command at work. */
typedef struct Inval {
    ImIoasid *h;
    IoSet *set;
    const ImuInvalidate *a;
    const IoSpace *space;       /* target */
    const IoDev *dev;
    uint32_t *budget;           /* for probes */
} Inval;

/* What is invalidated of a binding. */
typedef struct Part {
    uint64_t first, last;
    bool whole;                 /* of all its PASIDs */
    bool has_pasid;
    uint32_t pasid;             /* of a guest's own table */
} Part;

static bool io_inval_in_scope(const Inval *v, const IoBind *b)
{
    if (b->parked || b->ended ||
        ((v->a->head.flags & IMU_INV_TAGGED) && b->space->tag != v->a->tag)) {
        return false;
    }
    if (v->space) {
        return b->space == v->space || b->space->parent == v->space;
    }
    return !v->dev || b->dev == v->dev;
}

static void io_inval_drop_view(const Inval *v, IoView *view, const Part *p)
{
    if (v->a->caches & IMU_CACHE_PASID) {
        view->old = true;
    }
    if (v->a->caches & IMU_CACHE_IOTLB) {
        im_owner_drop(&v->h->caches->pages, &view->pages, p->first, p->last,
                      v->budget);
    }
}

static bool io_inval_guest_table(const IoBind *b)
{
    return b->space->kind == IMU_SPACE_PASID_TABLE;
}

static void io_inval_tell_device(const Inval *v, IoBind *b, const Part *p)
{
    IoAtcInv inv = {
        .bind = b,
        .first = p->first,
        .last = p->last,
        .has_pasid = b->hpasid != 0,
        .pasid = b->hpasid,
    };

    if (b->flags & IMU_ATTACH_NO_ATS) {
        return;
    }
    if (io_inval_guest_table(b) && p->whole) {
        b->ats_used |= IO_ATS_OWN;
        im_ioasid_atc_inv_bind(v->h, b, NULL);
        return;
    }
    if (io_inval_guest_table(b)) {
        inv.has_pasid = p->has_pasid;
        inv.pasid = p->pasid;
    }
    im_ioasid_atc_inv(v->h, &inv);
}

static void io_inval_obey_bind(const Inval *v, IoBind *b, const Part *p)
{
    for (ImLink *n = b->views; n; n = n->next) {
        IoView *view = IM_LINK_OF(n, IoView, by_bind);

        if (p->whole || !io_inval_guest_table(b) ||
            view->slot.key ==
                im_ioasid_key(b->host->cfg.func, p->has_pasid, p->pasid)) {
            io_inval_drop_view(v, view, p);
        }
    }
    if (v->a->caches & IMU_CACHE_DEVTLB) {
        io_inval_tell_device(v, b, p);
    }
}

static const Part whole = { .last = UINT64_MAX, .whole = true };

static void io_inval_obey_space(const Inval *v, const IoSpace *space)
{
    for (ImLink *n = space->binds; n; n = n->next) {
        IoBind *b = IM_LINK_OF(n, IoBind, by_space);

        if (io_inval_in_scope(v, b)) {
            io_inval_obey_bind(v, b, &whole);
        }
    }
}

static void io_inval_obey_dev(const Inval *v, const IoDev *dev)
{
    if (dev->own && io_inval_in_scope(v, dev->own)) {
        io_inval_obey_bind(v, dev->own, &whole);
    }
    for (ImLink *n = dev->binds; n; n = n->next) {
        IoBind *b = IM_LINK_OF(n, IoBind, by_dev);

        if (io_inval_in_scope(v, b)) {
            io_inval_obey_bind(v, b, &whole);
        }
    }
}

static void io_inval_obey_all(const Inval *v)
{
    if (v->space) {
        io_inval_obey_space(v, v->space);
        for (ImLink *n = v->space->children; n; n = n->next) {
            io_inval_obey_space(v, IM_LINK_OF(n, IoSpace, in_parent));
        }
    } else if (v->dev) {
        io_inval_obey_dev(v, v->dev);
    } else {
        for (ImLink *n = v->set->objects[IMU_KIND_DEV]; n; n = n->next) {
            io_inval_obey_dev(v, IM_LINK_OF(n, IoDev, obj.in_set));
        }
    }
}

/* Requests without PASID, or with one of a guest's own table. */
static bool io_inval_obey_owns(const Inval *v, const Part *p, bool tables_only)
{
    bool any = false;

    for (ImLink *n = v->set->objects[IMU_KIND_DEV]; n; n = n->next) {
        IoBind *b = IM_LINK_OF(n, IoDev, obj.in_set)->own;

        if (b && io_inval_in_scope(v, b) &&
            (!tables_only || io_inval_guest_table(b))) {
            io_inval_obey_bind(v, b, p);
            any = true;
        }
    }
    return any;
}

/* --- by ASID: what the PASID cache knows of it -------------------------- */

static bool io_inval_obey_view(const Inval *v, const Part *p, IoView *view)
{
    const IoBind *b = view->bind;

    if (b->dev->obj.set != v->set || !io_inval_in_scope(v, b)) {
        return false;
    }
    io_inval_drop_view(v, view, p);
    return true;
}

/* A page may be of every ASID; all of an ASID are those that are not. */
IM_RULE(SMMU_TLB_VA);
static bool io_inval_obey_asid(const Inval *v, const Part *p, uint16_t asid)
{
    IoCaches *c = v->h->caches;
    bool any = false;

    for (ImLink *n = c->asids[asid % IO_ASID_BUCKETS]; n; n = n->next) {
        IoView *view = IM_LINK_OF(n, IoView, by_asid);

        any |= view->cd.asid == asid && io_inval_obey_view(v, p, view);
    }
    for (ImLink *n = v->a->gran == IMU_GRAN_RANGE ? c->globals : NULL; n;
         n = n->next) {
        any |= io_inval_obey_view(v, p, IM_LINK_OF(n, IoView, in_globals));
    }
    return any;
}

/* The guest's number, as the devices know it. */
IM_RULE(IOASID_INVALIDATION);
static void io_inval_obey_entry(const Inval *v, const ImuInvEntry *e)
{
    Part p = { .last = UINT64_MAX,
               .pasid = e->gpasid,
               .has_pasid = !(e->flags & IMU_INV_NO_PASID) };
    IoPasid *pasid = NULL;
    bool any;

    if (v->a->gran == IMU_GRAN_RANGE) {
        p.first = e->addr & ~UINT64_C(0xfff);
        p.last = (e->addr + (e->length - 1)) | 0xfff;
    }
    if (e->flags & IMU_INV_ASID) {
        v->h->counters.invalidations_noop +=
            !io_inval_obey_asid(v, &p, (uint16_t)e->gpasid);
        return;
    }
    any = io_inval_obey_owns(v, &p, p.has_pasid);
    if (p.has_pasid) {
        pasid = im_ioasid_by_gpasid(v->set, e->gpasid);
    }
    for (ImLink *n = pasid ? pasid->binds : NULL; n; n = n->next) {
        IoBind *b = IM_LINK_OF(n, IoBind, by_pasid);

        if (io_inval_in_scope(v, b)) {
            io_inval_obey_bind(v, b, &p);
            any = true;
        }
    }
    v->h->counters.invalidations_noop += !any;
}

#define CACHES  (IMU_CACHE_IOTLB | IMU_CACHE_DEVTLB | IMU_CACHE_PASID)

static int io_inval_check_values(const ImuInvalidate *a)
{
    bool array = a->entry_size || a->count || a->entries;

    if (a->gran > IMU_GRAN_RANGE || (a->caches & ~CACHES)) {
        return -EOPNOTSUPP;
    }
    if ((a->target == IMU_INV_SET && (a->object.id || a->object.gen)) ||
        !a->caches ||
        (a->gran == IMU_GRAN_RANGE && (a->caches & IMU_CACHE_PASID)) ||
        (!(a->head.flags & IMU_INV_TAGGED) && a->tag)) {
        return -EINVAL;
    }
    if (a->gran == IMU_GRAN_ALL) {
        return array ? -EINVAL : 0;
    }
    if (a->entry_size < sizeof(ImuInvEntry) || a->count > IMU_INV_ENTRIES_MAX) {
        return -EINVAL;
    }
    return a->entry_size > IMU_SIZE_MAX ? -E2BIG : 0;
}

static int io_inval_check_entry(const ImuInvalidate *a, const ImuInvEntry *e)
{
    static const uint32_t last[] = {
        [0] = IM_PASID_MAX,
        [IMU_INV_NO_PASID] = 0,
        [IMU_INV_ASID] = UINT16_MAX,
    };

    if (e->flags & ~(IMU_INV_NO_PASID | IMU_INV_ASID)) {
        return -EOPNOTSUPP;
    }
    if (e->flags >= G_N_ELEMENTS(last) || e->gpasid > last[e->flags] ||
        (e->flags == IMU_INV_ASID && a->caches != IMU_CACHE_IOTLB)) {
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

static int io_inval_get_entry(ImIoasidCtx *c, const ImuInvalidate *a,
                              uint32_t i, ImuInvEntry *e)
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
    return err ? err : io_inval_check_entry(a, e);
}

static int io_inval_find_target(const ImuInvalidate *a, Inval *v)
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
 * What can be obeyed is counted first, so that the user can be told before it
 * is done.
 */
IM_RULE(IOASID_CMD_INVALIDATE);
int im_ioasid_cmd_INVALIDATE(ImIoasidCtx *c, void *arg)
{
    ImuInvalidate *a = arg;
    uint32_t budget = IM_OWNER_BUDGET;
    Inval v = { .h = c->host, .a = a, .budget = &budget };
    ImuInvEntry e;
    uint32_t n = 0;
    int err = im_ioasid_set_of(c, a->set, &v.set);
    int told;

    if (!err) {
        err = io_inval_find_target(a, &v);
    }
    if (!err) {
        err = io_inval_check_values(a);
    }
    if (err) {
        return err;
    }
    while (n < a->count && !(err = io_inval_get_entry(c, a, n, &e))) {
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
        io_inval_obey_all(&v);
    }
    for (uint32_t i = 0; i < n; i++) {
        told = io_inval_get_entry(c, a, i, &e);
        if (told) {             /* it was good when it was counted */
            err = told;
            a->count = i;
            break;
        }
        io_inval_obey_entry(&v, &e);
    }
    im_ioasid_rearm(c->host);
    return err;
}
