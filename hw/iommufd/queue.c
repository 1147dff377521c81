/*
 * iommufd: queues that have a descriptor.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/iommufd/dev_int.h"

int im_iof_queue_install(ImIommufdQueue *q, const ImIommufdCall *call,
                         uint64_t addr)
{
    ImIommufd *f = q->file->host;
    int err = f->port.install(f->opaque, call->caller, q, addr);

    if (!err) {
        q->obj->users++;
        im_iommufd_hold(q->file);
    }
    return err;
}

void im_iof_queue_changed(ImIommufdQueue *q)
{
    ImIommufd *f = q->file->host;

    f->port.changed(f->opaque, q);
}

int64_t im_iommufd_queue_read(ImIommufdQueue *q, const ImIommufdCaller *caller,
                              uint64_t buf, size_t len, uint64_t at)
{
    const ImIommufdCall call = { .file = q->file, .caller = caller };

    return at ? -ESPIPE : q->ops->read(q, &call, buf, len);
}

int64_t im_iommufd_queue_write(ImIommufdQueue *q, const ImIommufdCaller *caller,
                               uint64_t buf, size_t len, uint64_t at)
{
    const ImIommufdCall call = { .file = q->file, .caller = caller };

    return !q->ops->write ? -EINVAL :
           at             ? -ESPIPE :
                            q->ops->write(q, &call, buf, len);
}

unsigned im_iommufd_queue_poll(const ImIommufdQueue *q)
{
    return q->ops->poll(q);
}

void im_iommufd_queue_close(ImIommufdQueue *q)
{
    ImIommufdFile *file = q->file;

    q->obj->users--;
    q->opaque = NULL;
    im_iommufd_drop(file);
}

void im_iommufd_queue_set_opaque(ImIommufdQueue *q, void *opaque)
{
    q->opaque = opaque;
}

void *im_iommufd_queue_opaque(const ImIommufdQueue *q)
{
    return q->opaque;
}
