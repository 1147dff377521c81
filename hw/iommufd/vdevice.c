/*
 * iommufd: a device as the guest of a vIOMMU numbers it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/iommufd/dev_int.h"

static const ImIommufdDriver *iof_vdevice_driver_of(const ImIommufdViommu *v)
{
    return v->fn->cfg.driver;
}

/* --- for drivers -------------------------------------------------------- */

ImIommufdViommu *im_iommufd_vdevice_viommu(ImIommufdVdevice *vd)
{
    return vd->viommu;
}

uint64_t im_iommufd_vdevice_id(const ImIommufdVdevice *vd)
{
    return vd->virt_id;
}

ImIommufdHw im_iommufd_vdevice_hw(const ImIommufdVdevice *vd)
{
    return im_iof_hw(vd->dev);
}

ImIommufdVdevice *im_iommufd_vdevice_by_id(ImIommufdViommu *v, uint64_t id)
{
    for (ImLink *l = v->vdevices; l; l = l->next) {
        ImIommufdVdevice *vd = IM_LINK_OF(l, ImIommufdVdevice, in_viommu);

        if (vd->virt_id == id) {
            return vd;
        }
    }
    return NULL;
}

ImIommufdVdevice *im_iommufd_vdevice_of(ImIommufdFile *file, uint32_t device)
{
    IofDevice *dev = im_iof_device(file, device);

    return dev ? dev->vdevice : NULL;
}

int im_iommufd_vdevice_flush(ImIommufdVdevice *vd, uint32_t caches,
                             uint32_t gran, const ImuInvEntry *e)
{
    ImIommufdFile *file = vd->viommu->file;
    ImuInvalidate a = {
        .set = file->set,
        .object = vd->dev->ref,
        .target = IMU_INV_DEV,
        .gran = gran,
        .caches = caches,
    };

    if (gran != IMU_GRAN_ALL) {
        a.entry_size = sizeof(*e);
        a.entries = (uintptr_t)e;
        a.count = 1;
    }
    return im_iof_backend(file, IMU_CMD_INVALIDATE, &a);
}

/* --- life --------------------------------------------------------------- */

static void iof_vdevice_free(ImIommufdVdevice *vd)
{
    ImIommufdViommu *v = vd->viommu;

    if (iof_vdevice_driver_of(v)->vdevice_free) {
        iof_vdevice_driver_of(v)->vdevice_free(vd);
    }
    im_link_out(&vd->in_viommu);
    vd->dev->vdevice = NULL;
    v->obj.users--;
    im_iof_release(v->file->host, vd, sizeof(*vd));
}

static void iof_vdevice_destroy(ImIommufdFile *file, IofObject *obj)
{
    (void)file;
    iof_vdevice_free((ImIommufdVdevice *)obj);
}

static const IofKind kind = { "vdevice", iof_vdevice_destroy };

void im_iof_vdevice_entomb(ImIommufdVdevice *vd)
{
    im_iof_object_entomb(vd->viommu->file, &vd->obj);
    iof_vdevice_free(vd);
}

/* --- VDEVICE_ALLOC ------------------------------------------------------ */

static int iof_vdevice_new(ImIommufdViommu *v, IofDevice *dev, uint64_t virt_id,
                           ImIommufdVdevice **out)
{
    ImIommufdVdevice *vd = im_iof_alloc(v->file->host, sizeof(*vd));
    int err;

    if (!vd) {
        return -ENOMEM;
    }
    vd->viommu = v;
    vd->dev = dev;
    vd->virt_id = virt_id;
    err = iof_vdevice_driver_of(v)->vdevice ?
              iof_vdevice_driver_of(v)->vdevice(vd) :
              0;
    if (!err) {
        err = im_iof_object_in(v->file, &vd->obj, &kind);
        if (err && iof_vdevice_driver_of(v)->vdevice_free) {
            iof_vdevice_driver_of(v)->vdevice_free(vd);
        }
    }
    if (err) {
        im_iof_release(v->file->host, vd, sizeof(*vd));
        return err;
    }
    im_link_in(&v->vdevices, &vd->in_viommu);
    dev->vdevice = vd;
    v->obj.users++;
    *out = vd;
    return 0;
}

int im_iof_vdevice_alloc(ImIommufdCall *call)
{
    IofVdeviceAlloc *a = call->cmd;
    ImIommufdViommu *v;
    ImIommufdVdevice *vd;
    IofDevice *dev;
    int err;

    v = im_iommufd_viommu_of(call->file, a->viommu_id);
    dev = im_iof_device(call->file, a->dev_id);
    if (!v || !dev) {
        return -ENOENT;
    }
    if (iof_vdevice_driver_of(v) != dev->fn->cfg.driver ||
        v->fn->cfg.iommu != dev->fn->cfg.iommu) {
        return -EINVAL;
    }
    if (dev->vdevice || im_iommufd_vdevice_by_id(v, a->virt_id)) {
        return -EEXIST;
    }
    err = iof_vdevice_new(v, dev, a->virt_id, &vd);
    if (err) {
        return err;
    }
    a->vdevice_id = vd->obj.id;
    err = im_iommufd_respond(call, sizeof(*a));
    if (err) {
        im_iof_object_out(call->file, &vd->obj);
        iof_vdevice_free(vd);
    }
    return err;
}
