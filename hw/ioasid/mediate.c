/*
 * What a mediator between guest and function asks.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/ledger.h"

bool im_ioasid_hides_pasids(const ImIoasid *h, uint32_t func)
{
    const IoHostDev *hd = im_ioasid_host_dev(h, func);

    return hd && hd->bound &&
           hd->bound->obj.set->cfg.map_mode == IMU_MODE_TRANSLATE;
}

bool im_ioasid_host_pasid(ImIoasid *h, uint32_t func, uint32_t gpasid,
                          uint32_t *hpasid)
{
    const IoDev *dev;
    const IoPasid *p;

    *hpasid = gpasid;
    if (!im_ioasid_hides_pasids(h, func)) {
        return true;
    }
    dev = im_ioasid_host_dev(h, func)->bound;
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
