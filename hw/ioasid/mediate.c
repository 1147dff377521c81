/*
 * What a mediator between guest and function asks.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/ioasid.h"

static const IoDev *bound_dev(const ImIoasid *h, uint32_t func)
{
    for (const ImLink *l = h->devs; l; l = l->next) {
        const IoHostDev *d = IM_LINK_OF(l, IoHostDev, in_host);

        if (d->cfg.func == func) {
            return d->bound;
        }
    }
    return NULL;
}

bool im_ioasid_host_pasid(ImIoasid *h, uint32_t func, uint32_t gpasid,
                          uint32_t *hpasid)
{
    const IoDev *dev = bound_dev(h, func);
    const IoPasid *p;

    *hpasid = gpasid;
    if (!dev || dev->obj.set->cfg.map_mode != IMU_MODE_TRANSLATE) {
        return true;
    }
    p = im_ioasid_by_gpasid(dev->obj.set, gpasid);
    for (const ImLink *l = p ? p->binds : NULL; l; l = l->next) {
        const IoBind *b = IM_LINK_OF(l, IoBind, by_pasid);

        if (b->dev == dev && !b->ended) {
            *hpasid = b->hpasid;
            return true;
        }
    }
    return false;
}
