/*
 * iommufd: events of a vIOMMU. Best effort: what finds no room is missed by
 * its number, or by a header of its own when nothing follows.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/iommufd/dev_int.h"

typedef struct Event {
    struct Event *next;
    uint32_t sequence;
    uint8_t data[];
} Event;

typedef struct Veventq {
    IofObject obj;
    ImIommufdQueue q;
    ImIommufdViommu *viommu;
    uint32_t type;
    uint32_t depth;
    uint32_t count;
    uint32_t sequence;          /* of the latest event */
    bool lost;                  /* it was not the last one queued */
    size_t bytes;               /* of an event */
    Event *head;
    Event **tail;
    ImLink in_viommu;
} Veventq;

#define SEQUENCE_MASK  0x7fffffffu

static Veventq *iof_veventq_find(ImIommufdViommu *v, uint32_t type)
{
    for (ImLink *l = v->veventqs; l; l = l->next) {
        Veventq *vq = IM_LINK_OF(l, Veventq, in_viommu);

        if (vq->type == type) {
            return vq;
        }
    }
    return NULL;
}

int im_iommufd_vevent(ImIommufdViommu *v, uint32_t type, const void *event,
                      size_t len)
{
    Veventq *vq = iof_veventq_find(v, type);
    Event *e = NULL;

    if (!vq) {
        return -ENOENT;
    }
    vq->sequence = (vq->sequence + 1) & SEQUENCE_MASK;
    if (vq->count < vq->depth) {
        e = im_iof_alloc(v->file->host, sizeof(*e) + vq->bytes);
    }
    vq->lost = !e;
    if (e) {
        e->sequence = vq->sequence;
        memcpy(e->data, event, MIN(len, vq->bytes));
        *vq->tail = e;
        vq->tail = &e->next;
        vq->count++;
    }
    im_iof_queue_changed(&vq->q);
    return 0;
}

/* --- read --------------------------------------------------------------- */

static void iof_veventq_pop(Veventq *vq)
{
    Event *e = vq->head;

    vq->head = e->next;
    if (!vq->head) {
        vq->tail = &vq->head;
    }
    vq->count--;
    im_iof_release(vq->q.file->host, e, sizeof(*e) + vq->bytes);
}

static int iof_veventq_put_header(const ImIommufdCall *call, uint64_t buf,
                                  uint32_t flags, uint32_t sequence)
{
    IofVeventHeader h = { .flags = flags, .sequence = sequence };

    return im_iof_copy_out(call, buf, &h, sizeof(h));
}

/* Bytes of the next one, 0 if there is none. */
static int64_t iof_veventq_deliver(Veventq *vq, const ImIommufdCall *call,
                                   uint64_t buf, size_t room)
{
    size_t need = sizeof(IofVeventHeader) + (vq->head ? vq->bytes : 0);
    int err;

    if (!vq->head && !vq->lost) {
        return 0;
    }
    if (room < need) {
        return -EINVAL;
    }
    if (!vq->head) {
        err = iof_veventq_put_header(call, buf, IOF_VEVENT_LOST, vq->sequence);
        vq->lost = err;
        return err ? err : (int64_t)need;
    }
    err = iof_veventq_put_header(call, buf, 0, vq->head->sequence);
    if (!err) {
        err = im_iof_copy_out(call, buf + sizeof(IofVeventHeader),
                              vq->head->data, vq->bytes);
    }
    if (err) {
        return err;
    }
    iof_veventq_pop(vq);
    return (int64_t)need;
}

static int64_t iof_veventq_read(ImIommufdQueue *q, const ImIommufdCall *call,
                                uint64_t buf, size_t len)
{
    Veventq *vq = IM_LINK_OF(q, Veventq, q);
    size_t done = 0;
    int64_t n;

    if (len < sizeof(IofVeventHeader)) {
        return -EINVAL;
    }
    do {
        n = iof_veventq_deliver(vq, call, buf + done, len - done);
        done += (size_t)MAX(n, 0);
    } while (n > 0);
    return done ? (int64_t)done : n;
}

static unsigned iof_veventq_poll(const ImIommufdQueue *q)
{
    const Veventq *vq = IM_LINK_OF(q, Veventq, q);

    return vq->head || vq->lost ? IM_IOMMUFD_POLLIN : 0;
}

static const IofQueueOps ops = { iof_veventq_read, NULL, iof_veventq_poll };

/* --- life --------------------------------------------------------------- */

static void iof_veventq_destroy(ImIommufdFile *file, IofObject *obj)
{
    Veventq *vq = (Veventq *)obj;

    while (vq->head) {
        iof_veventq_pop(vq);
    }
    im_link_out(&vq->in_viommu);
    vq->viommu->obj.users--;
    im_iof_release(file->host, vq, sizeof(*vq));
}

static const IofKind kind = { "veventq", iof_veventq_destroy };

/* A queue of any type may be made; the vIOMMU fills those that it knows. */
static int iof_veventq_check(ImIommufdFile *file, const IofVeventqAlloc *a,
                             ImIommufdViommu **v, size_t *bytes)
{
    const ImIommufdDriver *driver;

    if (a->flags || a->reserved || !a->type) {
        return -EOPNOTSUPP;
    }
    if (!a->depth || a->depth > IOF_VEVENTQ_DEPTH_MAX) {
        return -EINVAL;
    }
    *v = im_iommufd_viommu_of(file, a->viommu_id);
    if (!*v) {
        return -ENOENT;
    }
    driver = (*v)->fn->cfg.driver;
    *bytes = driver->veventq ? driver->veventq(*v, a->type) : 0;
    return iof_veventq_find(*v, a->type) ? -EEXIST : 0;
}

int im_iof_veventq_alloc(ImIommufdCall *call)
{
    IofVeventqAlloc *a = call->cmd;
    ImIommufdFile *file = call->file;
    ImIommufdViommu *v;
    Veventq *vq;
    size_t bytes;
    int err = iof_veventq_check(file, a, &v, &bytes);

    if (err) {
        return err;
    }
    vq = im_iof_alloc(file->host, sizeof(*vq));
    if (!vq) {
        return -ENOMEM;
    }
    *vq = (Veventq) {
        .q = { .ops = &ops, .file = file, .obj = &vq->obj },
        .viommu = v,
        .type = a->type,
        .depth = a->depth,
        .bytes = bytes,
        .sequence = SEQUENCE_MASK,
        .tail = &vq->head,
    };
    err = im_iof_object_in(file, &vq->obj, &kind);
    if (err) {
        im_iof_release(file->host, vq, sizeof(*vq));
        return err;
    }
    im_link_in(&v->veventqs, &vq->in_viommu);
    v->obj.users++;
    a->veventq_id = vq->obj.id;
    err = im_iommufd_respond(call, offsetof(IofVeventqAlloc, veventq_fd));
    if (!err) {
        err = im_iof_queue_install(
            &vq->q, call, call->user + offsetof(IofVeventqAlloc, veventq_fd));
    }
    if (err) {
        im_iof_object_out(file, &vq->obj);
        iof_veventq_destroy(file, &vq->obj);
    }
    return err;
}

/* --- requests that were refused ----------------------------------------- */

static IofDevice *iof_veventq_device_of(ImIommufd *f, const ImTxn *txn)
{
    uint32_t func = im_func(txn->segment, txn->rid);

    for (ImLink *l = f->devs ? f->devs->functions : NULL; l; l = l->next) {
        IofFunction *fn = IM_LINK_OF(l, IofFunction, in_machine);

        if (fn->cfg.backend.func == func) {
            return fn->bound;
        }
    }
    return NULL;
}

void im_iof_backend_event(ImIommufd *f, const ImEvent *ev)
{
    IofDevice *dev = ev->kind == IM_EVENT_FAULT && ev->txn && !ev->hidden ?
                         iof_veventq_device_of(f, ev->txn) :
                         NULL;
    const IofHwpt *own = dev ? dev->own.hwpt : NULL;

    if (own && own->nested && dev->vdevice && own->driver->refused &&
        ((const ImIommufdNested *)own)->viommu == dev->vdevice->viommu) {
        own->driver->refused(dev->vdevice, ev->txn, (uint8_t)ev->arg[0]);
    }
}
