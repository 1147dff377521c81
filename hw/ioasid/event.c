/*
 * Event queues, and what queues of both kinds have in common.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/ledger.h"

#include <errno.h>

#define EVENT_BYTES(q)  ((q)->depth * sizeof(ImuEvent))

void im_ioasid_readable(const IoSet *set, ImuRef queue)
{
    const ImIoasidCtx *c = set->ctx;
    ImIoasid *h = c->host;

    if (h->port.readable && !c->replay) {
        h->port.readable(h->opaque, c->user, queue);
    }
}

IM_RULE(IOASID_EVENTS);
void im_ioasid_event_send(IoSet *set, ImuEventType type, ImuRef object,
                          uint64_t token, uint32_t old_state,
                          uint32_t new_state)
{
    ImIoasid *h = set->ctx->host;

    h->counters.events++;
    for (ImLink *l = set->objects[IMU_KIND_EVQ]; l; l = l->next) {
        IoQueue *q = IM_LINK_OF(l, IoQueue, obj.in_set);

        q->sequence++;
        if (q->count == q->depth) {
            q->lost = true;
            h->counters.events_lost++;
            continue;
        }
        q->events[(q->head + q->count) % q->depth] = (ImuEvent) {
            .flags = q->lost ? IMU_EVENT_LOST : 0,
            .type = type,
            .sequence = q->sequence,
            .time = im_ioasid_now(h),
            .token = token,
            .object = object,
            .old_state = old_state,
            .new_state = new_state,
        };
        q->lost = false;
        if (q->count++ == 0) {
            im_ioasid_readable(set, q->obj.ref);
        }
    }
}

/* Anew from all zero; frees q when the command fails. */
int im_ioasid_queue_publish(ImIoasidCtx *c, IoQueue *q, ImuKind kind,
                            IoSet *set, void *a, ImuRef *out)
{
    int err = im_ioasid_number(c, &q->obj, kind, set);

    if (!err) {
        *out = q->obj.ref;
        err = im_ioasid_publish(c, a, &q->obj);
    }
    if (err) {
        im_ioasid_release(c->host, q->events, EVENT_BYTES(q));
        im_ioasid_release(c->host, q, sizeof(*q));
    }
    return err;
}

void im_ioasid_queue_free(ImIoasid *h, IoQueue *q)
{
    im_ioasid_unnumber(q->obj.set->ctx, &q->obj);
    im_ioasid_release(h, q->events, EVENT_BYTES(q));
    im_ioasid_release(h, q, sizeof(*q));
}

int im_ioasid_queue_of(ImIoasidCtx *c, ImuRef set_ref, ImuKind kind, ImuRef ref,
                       IoQueue **q)
{
    IoObject *obj;
    IoSet *set;
    int err = im_ioasid_set_of(c, set_ref, &set);

    if (!err) {
        err = im_ioasid_find(set, kind, ref, &obj);
    }
    if (!err) {
        *q = IM_LINK_OF(obj, IoQueue, obj);
    }
    return err;
}

IM_RULE(IOASID_CMD_EVQ_CREATE);
int im_ioasid_cmd_EVQ_CREATE(ImIoasidCtx *c, void *arg)
{
    ImIoasid *h = c->host;
    ImuEvqCreate *a = arg;
    IoQueue *q;
    IoSet *set;
    int err = im_ioasid_set_of(c, a->set, &set);

    if (err) {
        return err;
    }
    if (a->depth < 1 || a->depth > IMU_EVQ_DEPTH_MAX) {
        return -EINVAL;
    }
    q = im_ioasid_alloc(h, sizeof(*q));
    if (!q) {
        return -ENOMEM;
    }
    q->depth = a->depth;
    q->events = im_ioasid_alloc(h, EVENT_BYTES(q));
    if (!q->events) {
        im_ioasid_release(h, q, sizeof(*q));
        return -ENOMEM;
    }
    return im_ioasid_queue_publish(c, q, IMU_KIND_EVQ, set, a, &a->queue);
}

IM_RULE(IOASID_CMD_EVQ_DESTROY);
int im_ioasid_cmd_EVQ_DESTROY(ImIoasidCtx *c, void *arg)
{
    const ImuQueueDestroy *a = arg;
    IoQueue *q;
    int err = im_ioasid_queue_of(c, a->set, IMU_KIND_EVQ, a->queue, &q);

    if (!err) {
        im_ioasid_queue_free(c->host, q);
    }
    return err;
}

IM_RULE(IOASID_CMD_EVENT_READ);
int im_ioasid_cmd_EVENT_READ(ImIoasidCtx *c, void *arg)
{
    ImuEventRead *a = arg;
    uint32_t n, first;
    IoQueue *q;
    int err = im_ioasid_queue_of(c, a->set, IMU_KIND_EVQ, a->queue, &q);

    if (err) {
        return err;
    }
    n = MIN(a->count, q->count);
    first = MIN(n, q->depth - q->head);         /* before the ring wraps */
    if (first) {
        err = im_ioasid_put_user(c, a->events, &q->events[q->head],
                                 first * sizeof(ImuEvent));
    }
    if (!err && n > first) {
        err = im_ioasid_put_user(c, a->events + first * sizeof(ImuEvent),
                                 q->events, (n - first) * sizeof(ImuEvent));
    }
    if (err) {
        return err;
    }
    a->count = n;
    a->pending = q->count - n;
    err = im_ioasid_respond(c, a);
    if (!err) {
        q->head = (q->head + n) % q->depth;
        q->count -= n;
    }
    return err;
}
