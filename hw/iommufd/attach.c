/*
 * iommufd: what a device, or a PASID of it, looks into.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/iommufd/dev_int.h"

/* A PASID of the set that some device uses. */
typedef struct Number {
    uint32_t pasid;
    uint32_t users;
    ImuRef ref;
    ImLink in_file;
} Number;

/* --- PASIDs ------------------------------------------------------------- */

static Number *iof_attach_number_of(ImIommufdFile *file, uint32_t pasid)
{
    for (ImLink *l = file->devs ? file->devs->numbers : NULL; l; l = l->next) {
        Number *n = IM_LINK_OF(l, Number, in_file);

        if (n->pasid == pasid) {
            return n;
        }
    }
    return NULL;
}

/* The backend's number of a PASID that is in use, {0, 0}: it is not. */
static ImuRef iof_attach_pasid_ref(ImIommufdFile *file, uint32_t pasid)
{
    Number *n = iof_attach_number_of(file, pasid);

    return n ? n->ref : (ImuRef) { 0, 0 };
}

/* What the number had before must be forgotten by every device first. */
static int iof_attach_number_error(int err)
{
    return err == -EEXIST || err == -ENOSPC || err == -EDQUOT ? -EBUSY : err;
}

static int iof_attach_number_get(ImIommufdFile *file, uint32_t pasid)
{
    ImuPasidAlloc a = { .head.flags = IMU_PASID_ALLOC_FIXED,
                        .set = file->set,
                        .gpasid = pasid };
    Number *n = iof_attach_number_of(file, pasid);
    int err;

    if (n) {
        n->users++;
        return 0;
    }
    n = im_iof_alloc(file->host, sizeof(*n));
    if (!n) {
        return -ENOMEM;
    }
    err = im_iof_backend(file, IMU_CMD_PASID_ALLOC, &a);
    if (err) {
        im_iof_release(file->host, n, sizeof(*n));
        return iof_attach_number_error(err);
    }
    *n = (Number) { .pasid = pasid, .users = 1, .ref = a.pasid };
    im_link_in(&file->devs->numbers, &n->in_file);
    return 0;
}

static void iof_attach_number_put(ImIommufdFile *file, uint32_t pasid)
{
    Number *n = iof_attach_number_of(file, pasid);
    ImuPasidFree a = { .set = file->set, .pasid = n->ref };

    if (--n->users) {
        return;
    }
    im_iof_backend(file, IMU_CMD_PASID_FREE, &a);
    im_link_out(&n->in_file);
    im_iof_release(file->host, n, sizeof(*n));
}

/* --- slots -------------------------------------------------------------- */

static IofSlot *iof_attach_slot_of(IofDevice *dev, uint32_t pasid)
{
    if (pasid == IM_IOMMUFD_NO_PASID) {
        return &dev->own;
    }
    for (ImLink *l = dev->pasids; l; l = l->next) {
        IofSlot *s = IM_LINK_OF(l, IofSlot, in_dev);

        if (s->pasid == pasid) {
            return s;
        }
    }
    return NULL;
}

/* The slot of a PASID comes and goes with what is attached. */
static int iof_attach_slot_new(IofDevice *dev, uint32_t pasid, IofSlot **out)
{
    ImIommufdFile *file = dev->file;
    IofSlot *s = iof_attach_slot_of(dev, pasid);
    int err;

    *out = s;
    if (s) {
        return 0;
    }
    s = im_iof_alloc(file->host, sizeof(*s));
    if (!s) {
        return -ENOMEM;
    }
    err = iof_attach_number_get(file, pasid);
    if (err) {
        im_iof_release(file->host, s, sizeof(*s));
        return err;
    }
    *s = (IofSlot) { .dev = dev, .pasid = pasid };
    im_link_in(&dev->pasids, &s->in_dev);
    *out = s;
    return 0;
}

static void iof_attach_slot_end(IofSlot *s)
{
    ImIommufdFile *file = s->dev->file;

    if (s->pasid != IM_IOMMUFD_NO_PASID) {
        im_link_out(&s->in_dev);
        iof_attach_number_put(file, s->pasid);
        im_iof_release(file->host, s, sizeof(*s));
    }
}

static int iof_attach_tell_backend(const IofSlot *s, const IofHwpt *hwpt,
                                   uint32_t command)
{
    const IofDevice *dev = s->dev;
    ImuAttach a = { .set = dev->file->set,
                    .dev = dev->ref,
                    .space = im_iof_hwpt_space(hwpt, dev, s->pasid) };

    if (s->pasid != IM_IOMMUFD_NO_PASID) {
        a.head.flags = IMU_ATTACH_PASID;
        a.pasid = iof_attach_pasid_ref(dev->file, s->pasid);
    }
    if (hwpt->nested && ((const ImIommufdNested *)hwpt)->meaning.no_ats) {
        a.head.flags |= IMU_ATTACH_NO_ATS;
    }
    return im_iof_backend(dev->file, command, &a);
}

/* --- may it be? --------------------------------------------------------- */

static bool iof_attach_has_pasids(const IofDevice *dev)
{
    for (const IofDevice *d = NULL; (d = im_iof_group_next(dev, d));) {
        if (d->pasids) {
            return true;
        }
    }
    return false;
}

/* Without PASID it has the guest's table of them. */
static bool iof_attach_has_table(const IofDevice *dev, const IofHwpt *hwpt)
{
    const ImIommufdNested *n = (const ImIommufdNested *)hwpt;

    return hwpt && hwpt->nested && n->table.gen &&
           (dev->fn->cfg.backend.caps & IMU_DEV_CAP_PASID);
}

/* A table for PASIDs, beside what the device has without one. */
static int iof_attach_check_pasid(const IofDevice *dev, uint32_t pasid,
                                  const IofHwpt *hwpt)
{
    const IofHwpt *own = dev->own.hwpt;
    bool flagged = hwpt->flags & IOF_HWPT_PASID;

    if (pasid == IM_IOMMUFD_NO_PASID) {
        return iof_attach_has_pasids(dev) &&
                       (!flagged || iof_attach_has_table(dev, hwpt)) ?
                   -EINVAL :
                   0;
    }
    if (!pasid || pasid >> dev->fn->cfg.pasid_bits || !flagged ||
        (own && !(own->flags & IOF_HWPT_PASID)) ||
        iof_attach_has_table(dev, own)) {
        return -EINVAL;
    }
    return 0;
}

static int iof_attach_check_vdevice(const IofDevice *dev, const IofHwpt *hwpt)
{
    const ImIommufdNested *n = (const ImIommufdNested *)hwpt;

    return hwpt->nested && n->viommu && n->meaning.needs_vdevice &&
                   (!dev->vdevice || dev->vdevice->viommu != n->viommu) ?
               -ENOENT :
               0;
}

static int iof_attach_check(IofSlot *s, IofDevice *dev, uint32_t pasid,
                            IofHwpt *hwpt)
{
    const ImIommufdDevice *cfg = &dev->fn->cfg;
    ImIommufdHw hw = im_iof_hw(dev);
    int err;

    if (hwpt->driver != cfg->driver ||
        (cfg->driver->of_one_iommu && hwpt->iommu != cfg->iommu) ||
        ((hwpt->flags & IOF_HWPT_DIRTY) && cfg->no_dirty)) {
        return -EINVAL;
    }
    err = iof_attach_check_pasid(dev, pasid, hwpt);
    if (!err && hwpt->fault && !cfg->driver->fault_without_pri &&
        !(cfg->backend.caps & IMU_DEV_CAP_PRI)) {
        err = -ENODEV;
    }
    if (!err && pasid == IM_IOMMUFD_NO_PASID) {
        err = iof_attach_check_vdevice(dev, hwpt);
    }
    if (!err && cfg->driver->attaching) {
        err = cfg->driver->attaching(&hw, pasid,
                                     hwpt->nested ? (ImIommufdNested *)hwpt :
                                                    NULL,
                                     s && s->hwpt);
    }
    return err;
}

/* A group has one table in each place. */
static int iof_attach_check_group(const IofDevice *dev, uint32_t pasid,
                                  const IofHwpt *hwpt)
{
    for (IofDevice *d = NULL; (d = im_iof_group_next(dev, d));) {
        IofSlot *s = iof_attach_slot_of(d, pasid);

        if (s && s->hwpt && s->hwpt != hwpt) {
            return -EINVAL;
        }
    }
    return 0;
}

/* --- attach ------------------------------------------------------------- */

/* What the IOMMU keeps for interrupts, and the device's own: of addresses
 * without PASID. */
static int iof_attach_reserve(IofSlot *s, IofHwpt *hwpt)
{
    const ImIommufdDriver *driver = s->dev->fn->cfg.driver;
    const ImIoasidDevice *b = &s->dev->fn->cfg.backend;
    IofIoas *ioas = im_iof_hwpt_root(hwpt)->ioas;
    int err;

    if (s->pasid != IM_IOMMUFD_NO_PASID || driver->no_iommu) {
        return 0;
    }
    err = im_iof_ioas_reserve(ioas, s, driver->reserved,
                              driver->reserved_count);
    if (!err) {
        err = im_iof_ioas_reserve(ioas, s, b->reserved, b->reserved_count);
        if (err) {
            im_iof_ioas_unreserve(ioas, s);
        }
    }
    return err;
}

static void iof_attach_unreserve(IofSlot *s, IofHwpt *hwpt)
{
    im_iof_ioas_unreserve(im_iof_hwpt_root(hwpt)->ioas, s);
}

static void iof_attach_look_into(IofSlot *s, IofHwpt *hwpt)
{
    s->hwpt = hwpt;
    hwpt->obj.users++;
    im_link_in(&hwpt->slots, &s->in_hwpt);
}

/* What is asked for by page requests has nobody to answer any more. */
static void iof_attach_look_away(IofSlot *s)
{
    IofHwpt *hwpt = s->hwpt;

    im_link_out(&s->in_hwpt);
    s->hwpt = NULL;
    if (hwpt->fault) {
        im_iof_fault_forget(hwpt->fault, s, hwpt);
    }
    im_iof_hwpt_put(hwpt);
}

/* Reserve, and find out what is against it, in Linux's order. */
static int iof_attach_prepare(IofDevice *dev, uint32_t pasid, IofHwpt *hwpt)
{
    IofSlot *s = iof_attach_slot_of(dev, pasid);
    int err = s && s->hwpt ? -EBUSY : iof_attach_check_group(dev, pasid, hwpt);

    if (!err && s) {
        err = iof_attach_reserve(s, hwpt);
    }
    if (!err) {
        err = iof_attach_check(s, dev, pasid, hwpt);
        if (err && s) {
            iof_attach_unreserve(s, hwpt);
        }
    }
    return err;
}

static int iof_attach_attach(IofDevice *dev, uint32_t pasid, IofHwpt *hwpt)
{
    IofSlot *s;
    int err = iof_attach_prepare(dev, pasid, hwpt);

    if (err) {
        return err;
    }
    err = iof_attach_slot_new(dev, pasid, &s);
    if (err) {
        return err;             /* of a PASID, which reserves nothing */
    }
    err = iof_attach_tell_backend(s, hwpt, IMU_CMD_ATTACH);
    if (err) {
        iof_attach_unreserve(s, hwpt);
        iof_attach_slot_end(s);
        return err;
    }
    iof_attach_look_into(s, hwpt);
    return 0;
}

/* --- replace ------------------------------------------------------------ */

static bool iof_attach_same_ioas(IofHwpt *a, IofHwpt *b)
{
    return im_iof_hwpt_root(a)->ioas == im_iof_hwpt_root(b)->ioas;
}

/* One that is replaced: a device and PASID, or every device of a group. */
static IofSlot *iof_attach_next_slot(IofDevice *dev, uint32_t pasid, IofSlot *s)
{
    IofDevice *d = s ? s->dev : NULL;

    if (pasid != IM_IOMMUFD_NO_PASID) {
        return s ? NULL : iof_attach_slot_of(dev, pasid);
    }
    while ((d = im_iof_group_next(dev, d))) {
        if (d->own.hwpt) {
            return &d->own;
        }
    }
    return NULL;
}

/* Ranges of the new IOAS, for all up to end. */
static void iof_attach_unreserve_all(IofDevice *dev, uint32_t pasid,
                                     IofHwpt *hwpt, const IofSlot *end)
{
    IofSlot *s = NULL;

    while ((s = iof_attach_next_slot(dev, pasid, s)) && s != end) {
        if (!iof_attach_same_ioas(s->hwpt, hwpt)) {
            iof_attach_unreserve(s, hwpt);
        }
    }
}

static int iof_attach_prepare_all(IofDevice *dev, uint32_t pasid, IofHwpt *hwpt)
{
    IofSlot *s = NULL;
    int err;

    while ((s = iof_attach_next_slot(dev, pasid, s))) {
        err = iof_attach_check(s, s->dev, pasid, hwpt);
        if (!err && !iof_attach_same_ioas(s->hwpt, hwpt)) {
            err = iof_attach_reserve(s, hwpt);
        }
        if (err) {
            iof_attach_unreserve_all(dev, pasid, hwpt, s);
            return err;
        }
    }
    return 0;
}

static int iof_attach_replace_all(IofDevice *dev, uint32_t pasid, IofHwpt *hwpt)
{
    IofSlot *s = NULL;
    IofSlot *back = NULL;
    int err;

    while ((s = iof_attach_next_slot(dev, pasid, s))) {
        err = iof_attach_tell_backend(s, hwpt, IMU_CMD_REPLACE);
        if (err) {
            while ((back = iof_attach_next_slot(dev, pasid, back)) &&
                   back != s) {
                iof_attach_tell_backend(back, back->hwpt, IMU_CMD_REPLACE);
            }
            return err;
        }
    }
    return 0;
}

static int iof_attach_replace(IofDevice *dev, uint32_t pasid, IofHwpt *hwpt)
{
    IofSlot *s = iof_attach_slot_of(dev, pasid);
    int err;

    if (s->hwpt == hwpt) {
        return 0;
    }
    err = iof_attach_prepare_all(dev, pasid, hwpt);
    if (err) {
        return err;
    }
    err = iof_attach_replace_all(dev, pasid, hwpt);
    if (err) {
        iof_attach_unreserve_all(dev, pasid, hwpt, NULL);
        return err;
    }
    hwpt->obj.users++;              /* whatever happens to the old one */
    for (s = NULL; (s = iof_attach_next_slot(dev, pasid, s));) {
        if (!iof_attach_same_ioas(s->hwpt, hwpt)) {
            iof_attach_unreserve(s, s->hwpt);
        }
        iof_attach_look_away(s);
        iof_attach_look_into(s, hwpt);
    }
    hwpt->obj.users--;
    return 0;
}

/* --- by number ---------------------------------------------------------- */

/* How a device gets to look into a table: iof_attach_attach() or this. */
typedef int (*PutInto)(IofDevice *dev, uint32_t pasid, IofHwpt *hwpt);

static int iof_attach_replace_what_is_there(IofDevice *dev, uint32_t pasid,
                                            IofHwpt *hwpt)
{
    IofSlot *s = iof_attach_slot_of(dev, pasid);

    return s && s->hwpt ? iof_attach_replace(dev, pasid, hwpt) : -EINVAL;
}

/* Linux attaches a new table before it fills it: what is against that is said
 * first. */
static int iof_attach_try_new(IofDevice *dev, uint32_t pasid, IofIoas *ioas)
{
    const ImIommufdDevice *cfg = &dev->fn->cfg;
    IofPaging p = { .base = { .file = dev->file,
                              .driver = cfg->driver,
                              .iommu = cfg->iommu },
                    .ioas = ioas };
    IofSlot *s = iof_attach_slot_of(dev, pasid);
    int err = iof_attach_prepare(dev, pasid, &p.base);

    if (!err && s) {
        iof_attach_unreserve(s, &p.base);
    }
    return err;
}

/* Into an IOAS: by a table that is there and fits, or a new one. */
static int iof_attach_put_into_ioas(IofDevice *dev, uint32_t pasid,
                                    IofIoas *ioas, PutInto put_into,
                                    IofHwpt **out)
{
    IofWish wish = { .dev = dev, .automatic = true };
    IofPaging *p;
    int err;

    for (ImLink *l = *im_iof_ioas_hwpts(ioas); l; l = l->next) {
        p = IM_LINK_OF(l, IofPaging, in_ioas);
        err = put_into(dev, pasid, &p->base);
        if (err != -EINVAL) {
            *out = &p->base;
            return err;
        }
    }
    err = put_into == iof_attach_attach ? iof_attach_try_new(dev, pasid, ioas) :
                                          0;
    if (!err) {
        err = im_iof_paging_new(ioas, &wish, &p);
    }
    if (err) {
        return err;
    }
    *out = &p->base;
    err = put_into(dev, pasid, &p->base);
    if (err) {
        im_iof_hwpt_destroy(&p->base);
    }
    return err;
}

static int iof_attach_change(ImIommufdFile *file, uint32_t id, uint32_t pasid,
                             uint32_t *pt, PutInto put_into)
{
    IofDevice *dev = im_iof_device(file, id);
    IofHwpt *hwpt = im_iof_hwpt(file, *pt);
    IofIoas *ioas = im_iof_ioas(file, *pt);
    int err;

    if (!dev) {
        return -ENOENT;
    }
    if (hwpt) {
        err = put_into(dev, pasid, hwpt);
    } else if (ioas) {
        err = iof_attach_put_into_ioas(dev, pasid, ioas, put_into, &hwpt);
    } else {
        err = im_iof_object(file, NULL, *pt) ? -EINVAL : -ENOENT;
    }
    if (!err) {
        *pt = hwpt->obj.id;
    }
    return err;
}

int im_iommufd_attach(ImIommufdFile *file, uint32_t id, uint32_t pasid,
                      uint32_t *pt)
{
    return iof_attach_change(file, id, pasid, pt, iof_attach_attach);
}

int im_iommufd_replace(ImIommufdFile *file, uint32_t id, uint32_t pasid,
                       uint32_t *pt)
{
    return iof_attach_change(file, id, pasid, pt,
                             iof_attach_replace_what_is_there);
}

static void iof_attach_detach(IofSlot *s)
{
    IofDevice *dev = s->dev;
    ImuDetach a = { .set = dev->file->set, .dev = dev->ref };

    if (s->pasid != IM_IOMMUFD_NO_PASID) {
        a.head.flags = IMU_ATTACH_PASID;
        a.pasid = iof_attach_pasid_ref(dev->file, s->pasid);
    }
    im_iof_backend(dev->file, IMU_CMD_DETACH, &a);
    iof_attach_unreserve(s, s->hwpt);
    iof_attach_look_away(s);
    iof_attach_slot_end(s);
}

void im_iommufd_detach(ImIommufdFile *file, uint32_t id, uint32_t pasid)
{
    IofDevice *dev = im_iof_device(file, id);
    IofSlot *s = dev ? iof_attach_slot_of(dev, pasid) : NULL;

    if (s && s->hwpt) {
        iof_attach_detach(s);
    }
}

void im_iof_detach_all(IofDevice *dev)
{
    while (dev->pasids) {
        iof_attach_detach(IM_LINK_OF(dev->pasids, IofSlot, in_dev));
    }
    if (dev->own.hwpt) {
        iof_attach_detach(&dev->own);
    }
}

uint32_t im_iommufd_attached(ImIommufdFile *file, uint32_t id, uint32_t pasid)
{
    IofDevice *dev = im_iof_device(file, id);
    IofSlot *s = dev ? iof_attach_slot_of(dev, pasid) : NULL;

    return s && s->hwpt ? s->hwpt->obj.id : 0;
}
