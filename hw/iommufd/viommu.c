/*
 * iommufd: vIOMMUs, and memory that users map.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/iommufd/dev_int.h"

/* What mmap() finds at an offset of the file. */
typedef struct Region {
    ImIommufdViommu *viommu;
    ImIommufdMmap what;
    uint64_t offset;
    uint64_t length;
    uint32_t maps;
    ImLink in_file;
} Region;

/* --- mmap() ------------------------------------------------------------- */

static Region *iof_viommu_region_at(ImIommufdFile *file, uint64_t offset)
{
    for (ImLink *l = file->devs ? file->devs->regions : NULL; l; l = l->next) {
        Region *r = IM_LINK_OF(l, Region, in_file);

        if (r->offset == offset) {
            return r;
        }
    }
    return NULL;
}

int im_iommufd_viommu_map(ImIommufdViommu *v, const ImIommufdMmap *what,
                          uint64_t length, uint64_t *offset)
{
    IofFileDevs *devs = v->file->devs;
    uint64_t at = 0;
    Region *r;

    if (!length || length % IM_IOMMUFD_PAGE || length >> 52) {
        return -EINVAL;
    }
    for (ImLink *l = devs->regions; l; l = l->next) {
        r = IM_LINK_OF(l, Region, in_file);
        at = MAX(at, r->offset + r->length);
    }
    r = im_iof_alloc(v->file->host, sizeof(*r));
    if (!r) {
        return -ENOMEM;
    }
    *r =
        (Region) { .viommu = v, .what = *what, .offset = at, .length = length };
    im_link_in(&devs->regions, &r->in_file);
    *offset = at;
    return 0;
}

/* Memory for mmap() goes with its vIOMMU. */
static void iof_viommu_drop_regions(ImIommufdViommu *v)
{
    ImLink *next;

    for (ImLink *l = v->file->devs->regions; l; l = next) {
        Region *r = IM_LINK_OF(l, Region, in_file);

        next = l->next;
        if (r->viommu == v) {
            im_link_out(&r->in_file);
            im_iof_release(v->file->host, r, sizeof(*r));
        }
    }
}

int im_iommufd_mmap(ImIommufdFile *file, uint64_t offset, uint64_t length,
                    bool shared, bool exec, ImIommufdMmap *out)
{
    Region *r = iof_viommu_region_at(file, offset);

    if (!shared) {
        return -EINVAL;
    }
    if (exec) {
        return -EPERM;
    }
    if (!r || r->length != length) {
        return -ENXIO;
    }
    r->maps++;
    r->viommu->obj.users++;
    *out = r->what;
    return 0;
}

void im_iommufd_munmap(ImIommufdFile *file, uint64_t offset)
{
    Region *r = iof_viommu_region_at(file, offset);

    if (r && r->maps) {
        r->viommu->obj.users -= r->maps;
        r->maps = 0;
    }
}

/* --- life --------------------------------------------------------------- */

static size_t iof_viommu_bytes(const IofFunction *fn)
{
    return sizeof(ImIommufdViommu) + fn->cfg.driver->viommu_size;
}

static void iof_viommu_free(ImIommufdViommu *v)
{
    ImIommufd *f = v->file->host;
    IofFunction *fn = v->fn;

    iof_viommu_drop_regions(v);
    im_iof_release(f, v, iof_viommu_bytes(fn));
    im_iof_function_drop(f, fn);
}

static void iof_viommu_destroy(ImIommufdFile *file, IofObject *obj)
{
    ImIommufdViommu *v = (ImIommufdViommu *)obj;
    const ImIommufdDriver *driver = v->fn->cfg.driver;

    (void)file;
    if (driver->viommu_free) {
        driver->viommu_free(v);
    }
    v->parent->base.obj.users--;
    iof_viommu_free(v);
}

const IofKind im_iof_viommu_kind = { "viommu", iof_viommu_destroy };

ImIommufdViommu *im_iommufd_viommu_of(ImIommufdFile *file, uint32_t id)
{
    return (ImIommufdViommu *)im_iof_object(file, &im_iof_viommu_kind, id);
}

void *im_iommufd_viommu_private(ImIommufdViommu *v)
{
    return v->private;
}

ImIommufdHw im_iommufd_viommu_hw(const ImIommufdViommu *v)
{
    return v->fn->bound ? im_iof_hw(v->fn->bound) :
                          (ImIommufdHw) { .dev = &v->fn->cfg };
}

/* --- VIOMMU_ALLOC ------------------------------------------------------- */

static int iof_viommu_new(IofDevice *dev, IofPaging *parent,
                          const ImIommufdData *data, ImIommufdViommu **out)
{
    const ImIommufdDriver *driver = dev->fn->cfg.driver;
    ImIommufdHw hw = im_iof_hw(dev);
    ImIommufdViommu *v = im_iof_alloc(dev->file->host,
                                      iof_viommu_bytes(dev->fn));
    int err;

    if (!v) {
        return -ENOMEM;
    }
    v->file = dev->file;
    v->fn = dev->fn;
    v->parent = parent;
    im_iof_function_hold(v->fn);
    err = driver->viommu(v, &hw, data);
    if (!err) {
        err = im_iof_object_in(v->file, &v->obj, &im_iof_viommu_kind);
        if (err && driver->viommu_free) {
            driver->viommu_free(v);
        }
    }
    if (err) {
        iof_viommu_free(v);
        return err;
    }
    parent->base.obj.users++;
    *out = v;
    return 0;
}

int im_iof_viommu_alloc(ImIommufdCall *call)
{
    IofViommuAlloc *a = call->cmd;
    ImIommufdData data = {
        .call = call, .addr = a->data, .type = a->type, .len = a->data_len
    };
    ImIommufdViommu *v;
    IofPaging *parent;
    IofDevice *dev;
    int err;

    if (a->flags || !a->type) {
        return -EOPNOTSUPP;
    }
    dev = im_iof_device(call->file, a->dev_id);
    if (!dev) {
        return -ENOENT;
    }
    if (!dev->fn->cfg.driver->viommu ||
        !dev->fn->cfg.driver->viommu_is(a->type)) {
        return -EOPNOTSUPP;
    }
    parent = im_iof_paging(call->file, a->hwpt_id);
    if (!parent) {
        return -ENOENT;
    }
    if (!(parent->base.flags & IOF_HWPT_NEST_PARENT) ||
        parent->base.driver != dev->fn->cfg.driver ||
        (dev->fn->cfg.driver->of_one_iommu &&
         parent->base.iommu != dev->fn->cfg.iommu)) {
        return -EINVAL;
    }
    err = iof_viommu_new(dev, parent, &data, &v);
    if (err) {
        return err;
    }
    a->viommu_id = v->obj.id;
    err = im_iommufd_respond(call, sizeof(*a));
    if (err) {
        im_iof_object_out(call->file, &v->obj);
        iof_viommu_destroy(call->file, &v->obj);
    }
    return err;
}
