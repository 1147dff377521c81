/*
 * iommufd: page tables, those of the engine's own; HWPT_ALLOC.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/iommufd/dev_int.h"

/* --- either kind -------------------------------------------------------- */

IofPaging *im_iof_paging(ImIommufdFile *file, uint32_t id)
{
    return (IofPaging *)im_iof_object(file, &im_iof_paging_kind, id);
}

IofHwpt *im_iof_hwpt(ImIommufdFile *file, uint32_t id)
{
    IofObject *obj = im_iof_object(file, &im_iof_paging_kind, id);

    return (IofHwpt *)(obj ? obj :
                             im_iof_object(file, &im_iof_nested_kind, id));
}

IofPaging *im_iof_hwpt_root(IofHwpt *hwpt)
{
    return hwpt->nested ? ((ImIommufdNested *)hwpt)->parent : (IofPaging *)hwpt;
}

ImuRef im_iof_hwpt_space(const IofHwpt *hwpt, const IofDevice *dev,
                         uint32_t pasid)
{
    const ImIommufdNested *n = (const ImIommufdNested *)hwpt;

    if (!hwpt->nested) {
        return ((const IofPaging *)hwpt)->space.ref;
    }
    return n->table.gen && pasid == IM_IOMMUFD_NO_PASID &&
                   (dev->fn->cfg.backend.caps & IMU_DEV_CAP_PASID) ?
               n->table :
               n->space;
}

int im_iof_hwpt_set_fault(IofHwpt *hwpt, const IofWish *wish)
{
    if (wish->flags & IOF_HWPT_FAULT) {
        hwpt->fault = im_iof_fault(hwpt->file, wish->fault_id);
        if (!hwpt->fault) {
            return -ENOENT;
        }
        im_iof_fault_object(hwpt->fault)->users++;
    }
    return 0;
}

void im_iof_hwpt_drop_fault(IofHwpt *hwpt)
{
    if (hwpt->fault) {
        im_iof_fault_object(hwpt->fault)->users--;
    }
}

void im_iof_hwpt_destroy(IofHwpt *hwpt)
{
    im_iof_object_out(hwpt->file, &hwpt->obj);
    hwpt->obj.kind->destroy(hwpt->file, &hwpt->obj);
}

void im_iof_hwpt_put(IofHwpt *hwpt)
{
    hwpt->obj.users--;
    if (hwpt->automatic && !hwpt->obj.users) {
        im_iof_hwpt_destroy(hwpt);
    }
}

/* --- paging ------------------------------------------------------------- */

static void iof_hwpt_end_space(IofPaging *p)
{
    ImuSpaceDestroy a = { .set = p->base.file->set, .space = p->space.ref };

    im_iof_backend(p->base.file, IMU_CMD_SPACE_DESTROY, &a);
}

static void iof_hwpt_paging_destroy(ImIommufdFile *file, IofObject *obj)
{
    IofPaging *p = (IofPaging *)obj;

    im_iof_probe_leave(&p->base);
    im_iof_ioas_remove_space(p->ioas, &p->space);
    iof_hwpt_end_space(p);
    if (p->base.automatic) {
        im_link_out(&p->in_ioas);
    }
    im_iof_ioas_object(p->ioas)->users--;
    im_iof_hwpt_drop_fault(&p->base);
    im_iof_release(file->host, p, sizeof(*p));
}

const IofKind im_iof_paging_kind = { "hwpt", iof_hwpt_paging_destroy };

static int iof_hwpt_check_flags(const IofWish *wish)
{
    const ImIommufdDevice *cfg = &wish->dev->fn->cfg;
    const ImIommufdDriver *driver = cfg->driver;
    uint32_t parent_fault = IOF_HWPT_NEST_PARENT | IOF_HWPT_FAULT;

    if ((wish->flags & ~(uint32_t)IOF_HWPT_FLAGS) ||
        !(driver->hwpt_flags >> wish->flags & 1) ||
        (wish->flags & parent_fault) == parent_fault ||
        ((wish->flags & IOF_HWPT_DIRTY) && (!driver->dirty || cfg->no_dirty))) {
        return -EOPNOTSUPP;
    }
    return 0;
}

/* What the driver says of it; wish->data may change that. */
static int iof_hwpt_describe(const IofWish *wish, ImIommufdPaging *what)
{
    const ImIommufdDriver *driver = wish->dev->fn->cfg.driver;
    ImIommufdHw hw = im_iof_hw(wish->dev);
    uint8_t least = wish->dev->file->host->cfg.io_page_shift;
    int err = 0;

    *what = driver->paging;
    if (driver->paging_of) {
        driver->paging_of(&hw, wish->flags, what);
    }
    if (wish->data) {
        err = driver->paging_data ? driver->paging_data(&hw, wish->data, what) :
                                    -EOPNOTSUPP;
    }
    what->page_shift = MAX(what->page_shift, least);
    what->dirty_shift = MAX(what->dirty_shift, what->page_shift);
    if (!what->page_sizes) {
        what->page_sizes = UINT64_MAX << what->page_shift;
    }
    return err;
}

static int iof_hwpt_make_space(IofPaging *p)
{
    ImIommufdFile *file = p->base.file;
    uint32_t flags = p->base.flags;
    ImuSpaceCreate a = {
        .head.flags = (flags & IOF_HWPT_NEST_PARENT ? IMU_SPACE_PARENT : 0) |
                      (flags & IOF_HWPT_DIRTY ? IMU_SPACE_DIRTY : 0),
        .set = file->set,
        .kind = IMU_SPACE_MAPPED,
    };
    int err;

    if (p->base.fault) {
        a.faultq = im_iof_fault_queue(p->base.fault);
    }
    err = im_iof_backend(file, IMU_CMD_SPACE_CREATE, &a);
    p->space.ref = a.space;
    return err;
}

/* The space, with all of the IOAS in it, and a number. */
static int iof_hwpt_fill(IofPaging *p)
{
    ImIommufdFile *file = p->base.file;
    bool tracks = (p->base.flags & IOF_HWPT_DIRTY) && p->base.driver->dirty_new;
    int err = iof_hwpt_make_space(p);

    if (err) {
        return err;
    }
    err = tracks ? im_iof_dirty_track(p, IMU_DIRTY_ON | IMU_DIRTY_NEW) : 0;
    if (!err) {
        err = im_iof_ioas_add_space(p->ioas, &p->space);
    }
    if (!err) {
        err = im_iof_object_in(file, &p->base.obj, &im_iof_paging_kind);
        if (err) {
            im_iof_ioas_remove_space(p->ioas, &p->space);
        }
    }
    if (err) {
        iof_hwpt_end_space(p);
    }
    return err;
}

/* Linux looks for the fault object when all else is there. */
static int iof_hwpt_fill_with_fault(IofPaging *p, const IofWish *wish)
{
    int missing = im_iof_hwpt_set_fault(&p->base, wish);
    int err = iof_hwpt_fill(p);

    if (!err && missing) {
        im_iof_object_out(p->base.file, &p->base.obj);
        im_iof_ioas_remove_space(p->ioas, &p->space);
        iof_hwpt_end_space(p);
        err = missing;
    }
    if (err) {
        im_iof_hwpt_drop_fault(&p->base);
    }
    return err;
}

int im_iof_paging_new(IofIoas *ioas, const IofWish *wish, IofPaging **out)
{
    IofDevice *dev = wish->dev;
    ImIommufdPaging what;
    IofPaging *p;
    int err = iof_hwpt_check_flags(wish);

    if (!err) {
        err = iof_hwpt_describe(wish, &what);
    }
    p = err ? NULL : im_iof_alloc(dev->file->host, sizeof(*p));
    if (!p) {
        return err ? err : -ENOMEM;
    }
    *p = (IofPaging) {
        .base = { .file = dev->file,
                  .driver = dev->fn->cfg.driver,
                  .iommu = dev->fn->cfg.iommu,
                  .flags = wish->flags,
                  .automatic = wish->automatic },
        .space = { .page = UINT64_C(1) << what.page_shift,
                   .first = what.first,
                   .last = what.last,
                   .no_iommu = dev->fn->cfg.driver->no_iommu,
                   .writable_only = what.writable_only,
                   .always = what.always,
                   .page_sizes = what.page_sizes },
        .ioas = ioas,
        .dirty_shift = what.dirty_shift,
    };
    err = iof_hwpt_fill_with_fault(p, wish);
    if (err) {
        im_iof_release(dev->file->host, p, sizeof(*p));
        return err;
    }
    im_iof_ioas_object(ioas)->users++;
    if (p->base.automatic) {
        im_link_in(im_iof_ioas_hwpts(ioas), &p->in_ioas);
    }
    *out = p;
    return 0;
}

/* --- HWPT_ALLOC --------------------------------------------------------- */

static int iof_hwpt_nested_on(IofPaging *parent, ImIommufdViommu *v,
                              const IofWish *wish, IofHwpt **out)
{
    ImIommufdNested *n;
    int err = im_iof_nested_new(parent, v, wish, &n);

    if (!err) {
        *out = &n->base;
    }
    return err;
}

/* On what the number says. */
static int iof_hwpt_make(ImIommufdFile *file, uint32_t pt, const IofWish *wish,
                         IofHwpt **out)
{
    IofIoas *ioas = im_iof_ioas(file, pt);
    IofPaging *paging = im_iof_paging(file, pt);
    ImIommufdViommu *v = im_iommufd_viommu_of(file, pt);
    int err;

    if (paging) {
        return iof_hwpt_nested_on(paging, NULL, wish, out);
    }
    if (v) {
        return iof_hwpt_nested_on(v->parent, v, wish, out);
    }
    if (!ioas) {
        return -EINVAL;
    }
    err = im_iof_paging_new(ioas, wish, &paging);
    if (!err) {
        *out = &paging->base;
    }
    return err;
}

/* As Linux does, without a look at reserved2 or a pointer to no data. */
static int iof_hwpt_check_arg(const IofHwptAlloc *a)
{
    if (a->reserved) {
        return -EOPNOTSUPP;
    }
    return (a->data_type == IOF_DATA_NONE) == (a->data_len == 0) ? 0 : -EINVAL;
}

int im_iof_hwpt_alloc(ImIommufdCall *call)
{
    IofHwptAlloc *a = call->cmd;
    ImIommufdData data = {
        .call = call, .addr = a->data, .type = a->data_type, .len = a->data_len
    };
    IofWish wish = { .flags = a->flags,
                     .fault_id = a->fault_id,
                     .data = a->data_len ? &data : NULL };
    IofHwpt *hwpt;
    int err = iof_hwpt_check_arg(a);

    if (err) {
        return err;
    }
    wish.dev = im_iof_device(call->file, a->dev_id);
    if (!wish.dev) {
        return -ENOENT;
    }
    err = iof_hwpt_make(call->file, a->pt_id, &wish, &hwpt);
    if (err) {
        return err;
    }
    a->hwpt_id = hwpt->obj.id;
    err = im_iommufd_respond(call, sizeof(*a));
    if (err) {
        im_iof_hwpt_destroy(hwpt);
    }
    return err;
}
