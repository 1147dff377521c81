/*
 * iommufd: fault queues. Page requests are read from the backend's queue in
 * batches; what was delivered waits under a cookie.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/iommufd/dev_int.h"

/* A group that was delivered: first page of it, for its names. */
typedef struct Waiting {
    ImuFault first;
    bool used;
} Waiting;

struct IofFault {
    IofObject obj;
    ImIommufdQueue q;
    ImuRef queue;               /* of the backend */
    bool pending;               /* the backend has more */
    ImuFault *batch;            /* read there, not delivered */
    uint32_t room, at, count;
    Waiting *waiting;           /* by cookie - 1 */
    uint32_t cookies;           /* how many there is room for */
    ImLink in_file;
};

/* No deadline: who does not answer has the device wait until it is detached. */
#define NEVER_NS  (UINT64_C(1) << 62)

/* --- the backend's queue ------------------------------------------------ */

static int iof_fault_read_backend(IofFault *fault, ImuFault *to, uint32_t room,
                                  ImuFaultRead *a)
{
    ImIommufdFile *file = fault->q.file;
    int err;

    *a = (ImuFaultRead) { .set = file->set,
                          .fault_size = sizeof(ImuFault),
                          .queue = fault->queue,
                          .faults = (uintptr_t)to,
                          .count = room };
    err = im_iof_backend(file, IMU_CMD_FAULT_READ, a);
    if (!err) {
        fault->pending = a->pending;
    }
    return err;
}

/* The group that is delivered next, 0: none; groups that were forgotten are
 * passed over. */
static uint32_t iof_fault_next_group(IofFault *fault)
{
    uint32_t n = 0;

    while (fault->at < fault->count && !fault->batch[fault->at].ticket) {
        fault->at++;
    }
    while (fault->at + n < fault->count &&
           !(fault->batch[fault->at + n].flags & IMU_FAULT_LAST)) {
        n++;
    }
    return fault->at + n < fault->count ? n + 1 : 0;
}

static void iof_fault_drop_batch(IofFault *fault)
{
    im_iof_release(fault->q.file->host, fault->batch,
                   fault->room * sizeof(ImuFault));
    fault->batch = NULL;
    fault->room = fault->at = fault->count = 0;
}

/* Pages of the next group, 0 if there is none, -ENOMEM. */
static int64_t iof_fault_fetch(IofFault *fault)
{
    uint32_t n = iof_fault_next_group(fault);
    ImuFaultRead a;
    int err;

    if (n) {
        return n;
    }
    iof_fault_drop_batch(fault);
    err = iof_fault_read_backend(fault, NULL, 0, &a);
    if (err || !a.pending) {
        return err;
    }
    fault->batch = im_iof_alloc(fault->q.file->host,
                                a.pending * sizeof(ImuFault));
    if (!fault->batch) {
        return -ENOMEM;
    }
    fault->room = a.pending;
    err = iof_fault_read_backend(fault, fault->batch, fault->room, &a);
    fault->count = err ? 0 : a.count;
    return err ? err : (int64_t)iof_fault_next_group(fault);
}

/* --- cookies ------------------------------------------------------------ */

/* The lowest free one, from 1; 0: no memory. */
static uint32_t iof_fault_cookie_new(IofFault *fault, const ImuFault *first)
{
    ImIommufd *f = fault->q.file->host;
    uint32_t n = 0;

    while (n < fault->cookies && fault->waiting[n].used) {
        n++;
    }
    if (n == fault->cookies) {
        uint32_t room = MAX(8u, n * 2);
        Waiting *more = im_iof_alloc(f, room * sizeof(*more));

        if (!more) {
            return 0;
        }
        if (n) {
            memcpy(more, fault->waiting, n * sizeof(*more));
        }
        im_iof_release(f, fault->waiting, n * sizeof(*more));
        fault->waiting = more;
        fault->cookies = room;
    }
    fault->waiting[n] = (Waiting) { .first = *first, .used = true };
    return n + 1;
}

static void iof_fault_cookie_free(IofFault *fault, uint32_t cookie)
{
    fault->waiting[cookie - 1] = (Waiting) { .used = false };
}

/* --- read --------------------------------------------------------------- */

static int iof_fault_deliver(IofFault *fault, const ImIommufdCall *call,
                             uint64_t buf, uint32_t pages)
{
    const ImuFault *from = &fault->batch[fault->at];
    uint32_t cookie = iof_fault_cookie_new(fault, from);
    int err = cookie ? 0 : -ENOMEM;

    for (uint32_t i = 0; i < pages && !err; i++) {
        IofFaultRecord r = {
            .flags = from[i].flags,
            .dev_id = (uint32_t)from[i].cookie,
            .pasid = from[i].gpasid,
            .group = from[i].group,
            .perm = from[i].perm,
            .addr = from[i].addr,
            .cookie = cookie,
        };

        err = im_iof_copy_out(call, buf + i * sizeof(r), &r, sizeof(r));
    }
    if (err && cookie) {
        iof_fault_cookie_free(fault, cookie);
    }
    return err;
}

static int64_t iof_fault_read(ImIommufdQueue *q, const ImIommufdCall *call,
                              uint64_t buf, size_t len)
{
    IofFault *fault = (IofFault *)q->obj;
    size_t done = 0;
    int64_t err = 0;

    if (len % sizeof(IofFaultRecord)) {
        return -ESPIPE;
    }
    while (done < len) {
        int64_t pages = iof_fault_fetch(fault);
        size_t bytes = (size_t)MAX(pages, 0) * sizeof(IofFaultRecord);

        if (pages <= 0) {
            err = pages;
            break;
        }
        err = bytes > len - done ?
                  -EINVAL :
                  iof_fault_deliver(fault, call, buf + done, (uint32_t)pages);
        if (err) {
            break;
        }
        fault->at += (uint32_t)pages;
        done += bytes;
    }
    return done ? (int64_t)done : err;
}

static unsigned iof_fault_poll(const ImIommufdQueue *q)
{
    const IofFault *fault = (const IofFault *)q->obj;
    bool in = fault->pending;

    for (uint32_t i = fault->at; i < fault->count && !in; i++) {
        in = fault->batch[i].ticket;
    }
    return IM_IOMMUFD_POLLOUT | (in ? IM_IOMMUFD_POLLIN : 0);
}

/* --- write -------------------------------------------------------------- */

static int iof_fault_answer(IofFault *fault, const IofFaultResponse *r)
{
    ImIommufdFile *file = fault->q.file;
    ImuAnswer a = { .set = file->set,
                    .code = r->code == IOF_RESP_SUCCESS ? IMU_ANSWER_SUCCESS :
                                                          IMU_ANSWER_INVALID };

    if (r->code > IOF_RESP_INVALID || !r->cookie ||
        r->cookie > fault->cookies || !fault->waiting[r->cookie - 1].used) {
        return -EINVAL;
    }
    a.ticket = fault->waiting[r->cookie - 1].first.ticket;
    iof_fault_cookie_free(fault, r->cookie);
    return im_iof_backend(file, IMU_CMD_FAULT_ANSWER, &a) ? -EINVAL : 0;
}

static int64_t iof_fault_write(ImIommufdQueue *q, const ImIommufdCall *call,
                               uint64_t buf, size_t len)
{
    IofFault *fault = (IofFault *)q->obj;
    IofFaultResponse r;
    size_t done = 0;
    int err = 0;

    if (len % sizeof(r)) {
        return -ESPIPE;
    }
    while (done < len && !err) {
        err = im_iof_copy_in(call, buf + done, &r, sizeof(r));
        if (!err) {
            err = iof_fault_answer(fault, &r);
        }
        done += err ? 0 : sizeof(r);
    }
    return done ? (int64_t)done : err;
}

static const IofQueueOps ops = { iof_fault_read, iof_fault_write,
                                 iof_fault_poll };

/* --- what is asked for nobody ------------------------------------------- */

static bool iof_fault_of_slot(const ImuFault *f, const IofSlot *slot,
                              const IofHwpt *hwpt)
{
    const ImIommufdNested *n = (const ImIommufdNested *)hwpt;
    bool table = hwpt->nested && n->table.gen && im_ref_eq(f->space, n->table);

    if (!im_ref_eq(f->dev, slot->dev->ref)) {
        return false;
    }
    if (slot->pasid == IM_IOMMUFD_NO_PASID) {
        return table || !(f->flags & IMU_FAULT_PASID);
    }
    return !table && (f->flags & IMU_FAULT_PASID) && f->gpasid == slot->pasid;
}

/* The backend answered them already. */
void im_iof_fault_forget(IofFault *fault, const IofSlot *slot,
                         const IofHwpt *hwpt)
{
    ImuFaultRead a;

    for (uint32_t i = 0; i < fault->cookies; i++) {
        if (fault->waiting[i].used &&
            iof_fault_of_slot(&fault->waiting[i].first, slot, hwpt)) {
            iof_fault_cookie_free(fault, i + 1);
        }
    }
    for (uint32_t i = fault->at; i < fault->count; i++) {
        if (iof_fault_of_slot(&fault->batch[i], slot, hwpt)) {
            fault->batch[i].ticket = 0;
        }
    }
    iof_fault_read_backend(fault, NULL, 0, &a);
    im_iof_queue_changed(&fault->q);
}

/* --- life --------------------------------------------------------------- */

static void iof_fault_destroy(ImIommufdFile *file, IofObject *obj)
{
    IofFault *fault = (IofFault *)obj;
    ImuQueueDestroy a = { .set = file->set, .queue = fault->queue };

    im_iof_backend(file, IMU_CMD_FAULTQ_DESTROY, &a);
    iof_fault_drop_batch(fault);
    im_iof_release(file->host, fault->waiting,
                   fault->cookies * sizeof(Waiting));
    im_link_out(&fault->in_file);
    im_iof_release(file->host, fault, sizeof(*fault));
}

static const IofKind kind = { "fault", iof_fault_destroy };

IofFault *im_iof_fault(ImIommufdFile *file, uint32_t id)
{
    return (IofFault *)im_iof_object(file, &kind, id);
}

ImuRef im_iof_fault_queue(const IofFault *fault)
{
    return fault->queue;
}

IofObject *im_iof_fault_object(IofFault *fault)
{
    return &fault->obj;
}

void im_iof_backend_readable(ImIommufdFile *file, ImuRef queue)
{
    for (ImLink *l = file->devs ? file->devs->faults : NULL; l; l = l->next) {
        IofFault *fault = IM_LINK_OF(l, IofFault, in_file);

        if (im_ref_eq(fault->queue, queue)) {
            fault->pending = true;
            im_iof_queue_changed(&fault->q);
        }
    }
}

static int iof_fault_new(ImIommufdFile *file, IofFault **out)
{
    IofFileDevs *devs = im_iof_file_devs(file);
    ImuFaultqCreate a = { .set = file->set, .deadline_ns = NEVER_NS };
    ImuQueueDestroy undo = { .set = file->set };
    IofFault *fault = devs ? im_iof_alloc(file->host, sizeof(*fault)) : NULL;
    int err;

    if (!fault) {
        return -ENOMEM;
    }
    fault->q =
        (ImIommufdQueue) { .ops = &ops, .file = file, .obj = &fault->obj };
    err = im_iof_backend(file, IMU_CMD_FAULTQ_CREATE, &a);
    if (!err) {
        fault->queue = a.queue;
        err = im_iof_object_in(file, &fault->obj, &kind);
        if (err) {
            undo.queue = a.queue;
            im_iof_backend(file, IMU_CMD_FAULTQ_DESTROY, &undo);
        }
    }
    if (err) {
        im_iof_release(file->host, fault, sizeof(*fault));
        return err;
    }
    im_link_in(&devs->faults, &fault->in_file);
    *out = fault;
    return 0;
}

/* The descriptor comes last: it cannot be taken back. */
int im_iof_fault_alloc(ImIommufdCall *call)
{
    IofFaultAlloc *a = call->cmd;
    IofFault *fault;
    int err = a->flags ? -EOPNOTSUPP : iof_fault_new(call->file, &fault);

    if (err) {
        return err;
    }
    a->fault_id = fault->obj.id;
    err = im_iommufd_respond(call, offsetof(IofFaultAlloc, fault_fd));
    if (!err) {
        err = im_iof_queue_install(
            &fault->q, call, call->user + offsetof(IofFaultAlloc, fault_fd));
    }
    if (err) {
        im_iof_object_out(call->file, &fault->obj);
        iof_fault_destroy(call->file, &fault->obj);
    }
    return err;
}
