/*
 * iommufd: queues that hardware reads in a guest's memory.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/iommufd/dev_int.h"

struct ImIommufdHwQueue {
    IofObject obj;
    ImIommufdViommu *viommu;
    ImIommufdHwQueue *needs;    /* or NULL */
    uint64_t iova;
    uint64_t length;
    max_align_t private[];
};

static size_t iof_hwqueue_bytes(const ImIommufdViommu *v)
{
    return sizeof(ImIommufdHwQueue) + v->fn->cfg.driver->hw_queue_size;
}

void *im_iommufd_hw_queue_private(ImIommufdHwQueue *q)
{
    return q->private;
}

ImIommufdViommu *im_iommufd_hw_queue_viommu(ImIommufdHwQueue *q)
{
    return q->viommu;
}

void im_iommufd_hw_queue_needs(ImIommufdHwQueue *q, ImIommufdHwQueue *on)
{
    q->needs = on;
    on->obj.users++;
}

/* --- memory ------------------------------------------------------------- */

/* The pages stay; which they are is the driver's affair no more. */
static int iof_hwqueue_pin(ImIommufdHwQueue *q)
{
    ImIommufd *f = q->viommu->file->host;
    IofIoas *ioas = q->viommu->parent->ioas;
    uint64_t first = q->iova >> IM_IOMMUFD_PAGE_SHIFT;
    uint64_t last = (q->iova + (q->length - 1)) >> IM_IOMMUFD_PAGE_SHIFT;
    size_t size = (size_t)(last - first + 1) * sizeof(ImIommufdPage);
    ImIommufdPage *pages;
    int err;

    if (!im_iof_ioas_covers(ioas, q->iova, q->iova + (q->length - 1))) {
        return -ENOENT;
    }
    pages = im_iof_alloc(f, size);
    if (!pages) {
        return -ENOMEM;
    }
    err = im_iof_ioas_pin(ioas, q->iova, q->length, true, pages);
    im_iof_release(f, pages, size);
    return err;
}

static void iof_hwqueue_unpin(ImIommufdHwQueue *q)
{
    im_iof_ioas_unpin(q->viommu->parent->ioas, q->iova, q->length);
}

/* --- life --------------------------------------------------------------- */

static void iof_hwqueue_hw_queue_free(ImIommufdHwQueue *q)
{
    if (q->needs) {
        q->needs->obj.users--;
    }
    im_iof_release(q->viommu->file->host, q, iof_hwqueue_bytes(q->viommu));
}

static void iof_hwqueue_destroy(ImIommufdFile *file, IofObject *obj)
{
    ImIommufdHwQueue *q = (ImIommufdHwQueue *)obj;
    const ImIommufdDriver *driver = q->viommu->fn->cfg.driver;

    (void)file;
    if (driver->hw_queue_free) {
        driver->hw_queue_free(q);
    }
    iof_hwqueue_unpin(q);
    q->viommu->obj.users--;
    iof_hwqueue_hw_queue_free(q);
}

static const IofKind kind = { "hw queue", iof_hwqueue_destroy };

/* --- HW_QUEUE_ALLOC ----------------------------------------------------- */

static int iof_hwqueue_start(ImIommufdHwQueue *q, uint32_t index)
{
    const ImIommufdDriver *driver = q->viommu->fn->cfg.driver;
    int err = iof_hwqueue_pin(q);

    if (err) {
        return err;
    }
    err = driver->hw_queue(q, index, q->iova, q->length);
    if (!err) {
        err = im_iof_object_in(q->viommu->file, &q->obj, &kind);
        if (err && driver->hw_queue_free) {
            driver->hw_queue_free(q);
        }
    }
    if (err) {
        iof_hwqueue_unpin(q);
    }
    return err;
}

static int iof_hwqueue_check(ImIommufdFile *file, const IofHwQueueAlloc *a,
                             ImIommufdViommu **v)
{
    const ImIommufdDriver *driver;

    if (a->flags || !a->type) {
        return -EOPNOTSUPP;
    }
    if (!a->length) {
        return -EINVAL;
    }
    if (a->iova + (a->length - 1) < a->iova) {
        return -EOVERFLOW;
    }
    *v = im_iommufd_viommu_of(file, a->viommu_id);
    if (!*v) {
        return -ENOENT;
    }
    driver = (*v)->fn->cfg.driver;
    return driver->hw_queue && driver->hw_queue_type(*v, a->type) ? 0 :
                                                                    -EOPNOTSUPP;
}

int im_iof_hw_queue_alloc(ImIommufdCall *call)
{
    IofHwQueueAlloc *a = call->cmd;
    ImIommufdHwQueue *q;
    ImIommufdViommu *v;
    int err = iof_hwqueue_check(call->file, a, &v);

    if (err) {
        return err;
    }
    q = im_iof_alloc(call->file->host, iof_hwqueue_bytes(v));
    if (!q) {
        return -ENOMEM;
    }
    q->viommu = v;
    q->iova = a->iova;
    q->length = a->length;
    err = iof_hwqueue_start(q, a->index);
    if (err) {
        iof_hwqueue_hw_queue_free(q);
        return err;
    }
    v->obj.users++;
    a->hw_queue_id = q->obj.id;
    err = im_iommufd_respond(call, sizeof(*a));
    if (err) {
        im_iof_object_out(call->file, &q->obj);
        iof_hwqueue_destroy(call->file, &q->obj);
    }
    return err;
}
