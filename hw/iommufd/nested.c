/*
 * iommufd: page tables of a guest's own, on a parent; HWPT_INVALIDATE.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/iommufd/dev_int.h"

/* --- spaces ------------------------------------------------------------- */

static void iof_nested_space_destroy(ImIommufdFile *file, ImuRef space)
{
    ImuSpaceDestroy a = { .set = file->set, .space = space };

    if (space.gen) {
        im_iof_backend(file, IMU_CMD_SPACE_DESTROY, &a);
    }
}

static int iof_nested_space_new(ImIommufdNested *n, uint32_t kind, ImuRef *out)
{
    const ImIommufdMeaning *m = &n->meaning;
    ImuSpaceCreate a = { .set = n->base.file->set, .kind = kind };
    int err;

    if (m->what == IM_IOMMUFD_TABLE) {
        a.format = m->format;
        a.data = (uintptr_t)&m->data;
        a.data_size = m->format == IMU_FORMAT_VTD_FIRST ?
                          (uint32_t)sizeof(m->data.vtd) :
                          (uint32_t)sizeof(m->data.smmu);
    }
    if (m->what != IM_IOMMUFD_ABORT) {
        a.parent = n->parent->space.ref;
        if (n->base.fault) {
            a.faultq = im_iof_fault_queue(n->base.fault);
        }
    }
    err = im_iof_backend(n->base.file, IMU_CMD_SPACE_CREATE, &a);
    if (!err) {
        *out = a.space;
    }
    return err;
}

static void iof_nested_spaces_end(ImIommufdNested *n)
{
    iof_nested_space_destroy(n->base.file, n->table);
    iof_nested_space_destroy(n->base.file, n->space);
}

static int iof_nested_spaces_new(ImIommufdNested *n)
{
    bool abort = n->meaning.what == IM_IOMMUFD_ABORT;
    int err = iof_nested_space_new(n,
                                   abort ? IMU_SPACE_BLOCK : IMU_SPACE_NESTED,
                                   &n->space);

    if (!err && !abort && n->meaning.pasid_table) {
        err = iof_nested_space_new(n, IMU_SPACE_PASID_TABLE, &n->table);
        if (err) {
            iof_nested_spaces_end(n);
        }
    }
    return err;
}

/* --- life --------------------------------------------------------------- */

static size_t iof_nested_bytes(const ImIommufdDriver *driver)
{
    return sizeof(ImIommufdNested) + driver->nested_size;
}

static void iof_nested_hang_on(ImIommufdNested *n)
{
    n->parent->base.obj.users++;
    if (n->viommu) {
        n->viommu->obj.users++;
    }
}

static void iof_nested_destroy(ImIommufdFile *file, IofObject *obj)
{
    ImIommufdNested *n = (ImIommufdNested *)obj;
    const ImIommufdDriver *driver = n->base.driver;

    im_iof_probe_leave(&n->base);
    if (driver->nested_free) {
        driver->nested_free(n);
    }
    iof_nested_spaces_end(n);
    n->parent->base.obj.users--;
    if (n->viommu) {
        n->viommu->obj.users--;
    }
    im_iof_hwpt_drop_fault(&n->base);
    im_iof_release(file->host, n, iof_nested_bytes(driver));
}

const IofKind im_iof_nested_kind = { "nested hwpt", iof_nested_destroy };

static int iof_nested_check(const IofPaging *parent, const ImIommufdViommu *v,
                            const IofWish *wish)
{
    const ImIommufdDevice *cfg = &wish->dev->fn->cfg;

    if (v &&
        (v->fn->cfg.driver != cfg->driver || v->fn->cfg.iommu != cfg->iommu)) {
        return -EINVAL;
    }
    if ((wish->flags & ~(uint32_t)(IOF_HWPT_FAULT | IOF_HWPT_PASID)) ||
        !wish->data || !cfg->driver->nested || (!v && cfg->driver->on_viommu)) {
        return -EOPNOTSUPP;
    }
    if (parent->base.automatic || parent->base.driver != cfg->driver ||
        !(parent->base.flags & IOF_HWPT_NEST_PARENT)) {
        return -EINVAL;
    }
    return (wish->flags & IOF_HWPT_PASID) && cfg->driver->nested_no_pasid ?
               -EOPNOTSUPP :
               0;
}

/* Everything but memory for it, after the driver's word. */
static int iof_nested_build(ImIommufdNested *n, const IofWish *wish)
{
    ImIommufdFile *file = n->base.file;
    int err = im_iof_hwpt_set_fault(&n->base, wish);

    if (err) {
        return err;
    }
    err = iof_nested_spaces_new(n);
    if (!err) {
        err = im_iof_object_in(file, &n->base.obj, &im_iof_nested_kind);
        if (err) {
            iof_nested_spaces_end(n);
        }
    }
    if (err) {
        im_iof_hwpt_drop_fault(&n->base);
    }
    return err;
}

int im_iof_nested_new(IofPaging *parent, ImIommufdViommu *v,
                      const IofWish *wish, ImIommufdNested **out)
{
    IofDevice *dev = wish->dev;
    const ImIommufdDriver *driver = dev->fn->cfg.driver;
    ImIommufdHw hw = im_iof_hw(dev);
    ImIommufdNested *n;
    int err = iof_nested_check(parent, v, wish);

    if (err) {
        return err;
    }
    n = im_iof_alloc(dev->file->host, iof_nested_bytes(driver));
    if (!n) {
        return -ENOMEM;
    }
    n->base = (IofHwpt) { .file = dev->file,
                          .driver = driver,
                          .iommu = dev->fn->cfg.iommu,
                          .flags = wish->flags,
                          .nested = true };
    n->parent = parent;
    n->viommu = v;
    err = driver->nested(n, &hw, wish->data, &n->meaning);
    if (!err) {
        err = iof_nested_build(n, wish);
        if (err && driver->nested_free) {
            driver->nested_free(n);
        }
    }
    if (err) {
        im_iof_release(dev->file->host, n, iof_nested_bytes(driver));
        return err;
    }
    iof_nested_hang_on(n);
    *out = n;
    return 0;
}

/* --- for drivers -------------------------------------------------------- */

void *im_iommufd_nested_private(ImIommufdNested *n)
{
    return n->private;
}

ImIommufdViommu *im_iommufd_nested_viommu(ImIommufdNested *n)
{
    return n->viommu;
}

ImIommufdNested *im_iommufd_nested_of(ImIommufdFile *file, uint32_t id)
{
    return (ImIommufdNested *)im_iof_object(file, &im_iof_nested_kind, id);
}

static ImuRef iof_nested_space_of(const IofSlot *s)
{
    return im_iof_hwpt_space(s->hwpt, s->dev, s->pasid);
}

/* What one device or PASID has of the table. */
static int iof_nested_flush_slot(const IofSlot *s, uint32_t caches,
                                 const ImuInvEntry *e)
{
    bool no_pasid = s->pasid == IM_IOMMUFD_NO_PASID;
    ImuInvEntry entry = {
        .flags = no_pasid ? IMU_INV_NO_PASID : 0,
        .gpasid = no_pasid ? 0 : s->pasid,
        .addr = e->addr,
        .length = e->length,
    };
    ImuInvalidate a = {
        .set = s->dev->file->set,
        .object = iof_nested_space_of(s),
        .target = IMU_INV_SPACE,
        .gran = e->length ? IMU_GRAN_RANGE : IMU_GRAN_PASID,
        .caches = caches,
        .entry_size = sizeof(entry),
        .entries = (uintptr_t)&entry,
        .count = 1,
    };

    return im_iof_backend(s->dev->file, IMU_CMD_INVALIDATE, &a);
}

static int iof_nested_flush_space(ImIommufdFile *file, ImuRef space,
                                  uint32_t caches)
{
    ImuInvalidate a = { .set = file->set,
                        .object = space,
                        .target = IMU_INV_SPACE,
                        .gran = IMU_GRAN_ALL,
                        .caches = caches };

    return space.gen ? im_iof_backend(file, IMU_CMD_INVALIDATE, &a) : 0;
}

int im_iommufd_nested_flush(ImIommufdNested *n, uint32_t caches,
                            const ImuInvEntry *e)
{
    ImIommufdFile *file = n->base.file;
    int err = 0;

    if (n->meaning.what == IM_IOMMUFD_ABORT) {
        return 0;
    }
    if (!e) {
        err = iof_nested_flush_space(file, n->space, caches);
        return err ? err : iof_nested_flush_space(file, n->table, caches);
    }
    im_iof_probe_leave(&n->base);
    for (ImLink *l = n->base.slots; l && !err; l = l->next) {
        err = iof_nested_flush_slot(IM_LINK_OF(l, IofSlot, in_hwpt), caches, e);
    }
    return err;
}

int im_iommufd_viommu_flush(ImIommufdViommu *v, uint32_t caches)
{
    return iof_nested_flush_space(v->file, v->parent->space.ref, caches);
}

/* --- HWPT_INVALIDATE ---------------------------------------------------- */

static int iof_nested_obey(ImIommufdFile *file, uint32_t id,
                           ImIommufdArray *array)
{
    IofObject *obj = im_iof_object(file, NULL, id);
    ImIommufdNested *n = im_iommufd_nested_of(file, id);
    ImIommufdViommu *v = im_iommufd_viommu_of(file, id);
    const ImIommufdDriver *driver;

    if (n) {
        driver = n->base.driver;
        return driver->nested_invalidate ? driver->nested_invalidate(n, array) :
                                           -EOPNOTSUPP;
    }
    if (v) {
        driver = v->fn->cfg.driver;
        return driver->viommu_invalidate ? driver->viommu_invalidate(v, array) :
                                           -EOPNOTSUPP;
    }
    return obj && !file->host->cfg.before_viommu ? -EINVAL : -ENOENT;
}

/* How many entries were handled is told with an error too. */
int im_iof_invalidate(ImIommufdCall *call)
{
    IofInvalidate *a = call->cmd;
    ImIommufdArray array = { .call = call,
                             .addr = a->data,
                             .type = a->data_type,
                             .entry_len = a->entry_len,
                             .num = a->entry_num };
    int err = 0;
    int told;

    a->entry_num = 0;
    if (a->reserved) {
        err = -EOPNOTSUPP;
    } else if (array.num && (!array.addr || !array.entry_len ||
                             array.entry_len > IOF_INV_ENTRY_MAX ||
                             array.num > IOF_INV_NUM_MAX)) {
        err = -EINVAL;
    } else {
        uint32_t num = array.num;

        err = iof_nested_obey(call->file, a->hwpt_id, &array);
        a->entry_num = err && array.num == num ? 0 : array.num;
    }
    told = im_iommufd_respond(call, sizeof(*a));
    return told ? told : err;
}
