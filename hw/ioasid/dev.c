/*
 * Devices of the host, and devices of sets.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/ledger.h"

#include <errno.h>
#include <string.h>

/* --- of the host -------------------------------------------------------- */

static ImLink **io_dev_bucket(const ImIoasid *h, uint32_t func)
{
    return &h->dev_bucket[im_link_hash(func) & (h->dev_buckets - 1)];
}

IoHostDev *im_ioasid_host_dev(const ImIoasid *h, uint32_t func)
{
    for (ImLink *l = *io_dev_bucket(h, func); l; l = l->next) {
        IoHostDev *hd = IM_LINK_OF(l, IoHostDev, in_bucket);

        if (hd->cfg.func == func) {
            return hd;
        }
    }
    return NULL;
}

unsigned im_ioasid_dev_width(const ImIoasid *h, const IoHostDev *hd)
{
    return !(hd->cfg.caps & IMU_DEV_CAP_PASID) ?
               0 :
               MIN(hd->cfg.pasid_bits, h->cfg.pasid_bits);
}

IoBind *im_ioasid_bind_of(ImIoasid *h, uint32_t func, bool has_pasid,
                          uint32_t hpasid)
{
    const IoHostDev *hd = im_ioasid_host_dev(h, func);

    if (!hd || !hd->bound) {
        return NULL;
    }
    return has_pasid ? im_table_get(hd->bound->by_hpasid, hpasid) :
                       hd->bound->own;
}

/* Twice as many buckets; without memory lists grow instead. */
static void io_dev_grow(ImIoasid *h)
{
    uint32_t n = h->dev_buckets * 2;
    ImLink **old = h->dev_bucket;
    ImLink **more = im_ioasid_alloc(h, n * sizeof(ImLink *));

    if (!more) {
        return;
    }
    im_ioasid_release(h, old, h->dev_buckets * sizeof(ImLink *));
    h->dev_bucket = more;
    h->dev_buckets = n;
    for (ImLink *l = h->devs; l; l = l->next) {
        IoHostDev *hd = IM_LINK_OF(l, IoHostDev, in_host);

        im_link_in(io_dev_bucket(h, hd->cfg.func), &hd->in_bucket);
    }
}

static bool io_dev_is_possible(const ImIoasidDevice *d)
{
    if (d->pasid_bits > IM_PASID_BITS ||
        !(d->caps & IMU_DEV_CAP_PASID) != !d->pasid_bits) {
        return false;
    }
    for (unsigned i = 0; i < d->reserved_count; i++) {
        if (d->reserved[i].first > d->reserved[i].last) {
            return false;
        }
    }
    return true;
}

static size_t io_dev_reserved_size(const ImIoasidDevice *d)
{
    return d->reserved_count * sizeof(ImuRange);
}

static void io_dev_host_dev_free(ImIoasid *h, IoHostDev *hd)
{
    im_numbers_free(h, hd->taken);
    im_ioasid_release(h, (void *)hd->cfg.reserved,
                      io_dev_reserved_size(&hd->cfg));
    im_ioasid_release(h, hd, sizeof(*hd));
}

/* All the memory it needs, or NULL. */
static IoHostDev *io_dev_host_dev_new(ImIoasid *h, const ImIoasidDevice *d)
{
    IoHostDev *hd = im_ioasid_alloc(h, sizeof(*hd));
    ImuRange *reserved = NULL;

    if (!hd) {
        return NULL;
    }
    if (d->reserved_count) {
        reserved = im_ioasid_alloc(h, io_dev_reserved_size(d));
        if (reserved) {
            memcpy(reserved, d->reserved, io_dev_reserved_size(d));
        }
    }
    hd->cfg = *d;
    hd->cfg.reserved = reserved;
    if (d->pasid_bits) {
        hd->taken = im_numbers_new(h);
    }
    if ((d->reserved_count && !reserved) || (d->pasid_bits && !hd->taken)) {
        io_dev_host_dev_free(h, hd);
        return NULL;
    }
    return hd;
}

int im_ioasid_device_add(ImIoasid *h, const ImIoasidDevice *dev)
{
    IoHostDev *hd;

    if (!io_dev_is_possible(dev)) {
        return -EINVAL;
    }
    if (im_ioasid_host_dev(h, dev->func)) {
        return -EEXIST;
    }
    hd = io_dev_host_dev_new(h, dev);
    if (!hd) {
        return -ENOMEM;
    }
    im_link_in(&h->devs, &hd->in_host);
    im_link_in(io_dev_bucket(h, dev->func), &hd->in_bucket);
    if (++h->dev_count > h->dev_buckets) {
        io_dev_grow(h);
    }
    return 0;
}

/* End its bindings; those of PASIDs rest. */
static void io_dev_detach_all(ImIoasid *h, IoDev *dev)
{
    if (dev->own) {
        im_ioasid_bind_end(h, dev->own);
    }
    while (dev->binds) {
        im_ioasid_bind_end(h, IM_LINK_OF(dev->binds, IoBind, by_dev));
    }
    while (dev->ended) {
        im_ioasid_bind_rest(h, IM_LINK_OF(dev->ended, IoBind, by_dev));
    }
}

IM_RULE(IOASID_HOST);
int im_ioasid_device_remove(ImIoasid *h, uint32_t func)
{
    IoHostDev *hd = im_ioasid_host_dev(h, func);
    IoDev *dev;

    if (!hd) {
        return -ENOENT;
    }
    dev = hd->bound;
    if (dev) {
        io_dev_detach_all(h, dev);
        dev->host = h->nothing;
        im_ioasid_event_post(dev->obj.set, IMU_EVENT_DEV_GONE, dev->obj.ref,
                             dev->cookie, 0, 0);
    }
    im_ioasid_dev_forgets(h, hd);
    im_ioasid_rest_end(h, hd);
    im_link_out(&hd->in_host);
    im_link_out(&hd->in_bucket);
    h->dev_count--;
    io_dev_host_dev_free(h, hd);
    im_ioasid_rearm(h);
    return 0;
}

void im_ioasid_devices_forget(ImIoasid *h)
{
    for (ImLink *l = h->devs; l; l = l->next) {
        IoHostDev *hd = IM_LINK_OF(l, IoHostDev, in_host);

        im_ioasid_dev_forgets(h, hd);
        memset(hd->invalid, 0, sizeof(hd->invalid));
        memset(hd->failure, 0, sizeof(hd->failure));
    }
    im_ioasid_rest_end(h, NULL);
}

/* --- of sets ------------------------------------------------------------ */

/* A command's device: -ENOENT no such set, or not its. */
static int io_dev_find(ImIoasidCtx *c, ImuRef set_ref, ImuRef ref, IoDev **dev)
{
    IoObject *obj;
    IoSet *set;
    int err = im_ioasid_set_of(c, set_ref, &set);

    if (!err) {
        err = im_ioasid_find(set, IMU_KIND_DEV, ref, &obj);
    }
    if (!err) {
        *dev = IM_LINK_OF(obj, IoDev, obj);
    }
    return err;
}

/* What another context has does not exist; what another set has is busy. */
IM_RULE(IOASID_ISOLATION);
static int io_dev_may_have(const ImIoasid *h, const IoSet *set,
                           const IoHostDev *hd)
{
    int err = hd->bound ? -EBUSY : 0;

    for (ImLink *l = h->devs; l; l = l->next) {
        const IoHostDev *o = IM_LINK_OF(l, IoHostDev, in_host);

        if (!o->bound || o->cfg.group != hd->cfg.group) {
            continue;
        }
        if (o->bound->obj.set->ctx != set->ctx) {
            return -ENODEV;
        }
        if (o->bound->obj.set != set) {
            err = -EBUSY;
        }
    }
    return err;
}

IM_RULE(IOASID_CMD_DEV_BIND);
int im_ioasid_cmd_DEV_BIND(ImIoasidCtx *c, void *arg)
{
    ImIoasid *h = c->host;
    ImuDevBind *a = arg;
    IoHostDev *hd;
    IoDev *dev;
    IoSet *set;
    int err = im_ioasid_set_of(c, a->set, &set);

    if (err) {
        return err;
    }
    hd = im_ioasid_host_dev(h, a->func);
    err = hd ? io_dev_may_have(h, set, hd) : -ENODEV;
    if (err) {
        return err;
    }
    dev = im_ioasid_alloc(h, sizeof(*dev));
    if (!dev) {
        return -ENOMEM;
    }
    dev->by_hpasid = im_table_new(h);
    err = dev->by_hpasid ? im_ioasid_number(c, &dev->obj, IMU_KIND_DEV, set) :
                           -ENOMEM;
    if (!err) {
        a->dev = dev->obj.ref;
        err = im_ioasid_publish(c, a, &dev->obj);
    }
    if (err) {
        im_table_free(h, dev->by_hpasid);
        im_ioasid_release(h, dev, sizeof(*dev));
        return err;
    }
    dev->host = hd;
    dev->cookie = a->cookie;
    hd->bound = dev;
    return 0;
}

void im_ioasid_dev_drop(ImIoasid *h, IoDev *dev)
{
    io_dev_detach_all(h, dev);
    dev->host->bound = NULL;
    im_ioasid_unnumber(dev->obj.set->ctx, &dev->obj);
    im_table_free(h, dev->by_hpasid);
    im_ioasid_release(h, dev, sizeof(*dev));
    im_ioasid_rearm(h);
}

IM_RULE(IOASID_CMD_DEV_UNBIND);
int im_ioasid_cmd_DEV_UNBIND(ImIoasidCtx *c, void *arg)
{
    const ImuDevUnbind *a = arg;
    IoDev *dev;
    int err = io_dev_find(c, a->set, a->dev, &dev);

    if (!err) {
        im_ioasid_dev_drop(c->host, dev);
    }
    return err;
}

IM_RULE(IOASID_CMD_DEV_RENAME);
int im_ioasid_cmd_DEV_RENAME(ImIoasidCtx *c, void *arg)
{
    const ImuDevRename *a = arg;
    IoDev *dev;
    int err = io_dev_find(c, a->set, a->dev, &dev);

    if (!err) {
        dev->cookie = a->cookie;
    }
    return err;
}

IM_RULE(IOASID_CMD_DEV_INFO);
int im_ioasid_cmd_DEV_INFO(ImIoasidCtx *c, void *arg)
{
    const ImIoasidDevice *cfg;
    ImuDevInfo *a = arg;
    IoDev *dev;
    int err = io_dev_find(c, a->set, a->dev, &dev);

    if (err) {
        return err;
    }
    cfg = &dev->host->cfg;
    a->caps = cfg->caps;
    a->pasid_bits = im_ioasid_dev_width(c->host, dev->host);
    a->group = cfg->group;
    a->pri_credit = cfg->pri_credit;
    a->page_sizes = 0;
    a->formats = 0;
    if (dev->host != c->host->nothing) {
        a->page_sizes = UINT64_C(1) << c->host->cfg.page_shift;
        a->formats = UINT64_C(1) << IMU_FORMAT_VTD_FIRST |
                     UINT64_C(1) << IMU_FORMAT_SMMU_STE;
    }
    return 0;
}
