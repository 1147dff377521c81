/*
 * Fault queues: the commands, and what people see.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/fault.h"

#include <errno.h>
#include <inttypes.h>

#define DEADLINE_NS   UINT64_C(1000000000)

IM_RULE(IOASID_CMD_FAULTQ_CREATE);
int im_ioasid_cmd_FAULTQ_CREATE(ImIoasidCtx *c, void *arg)
{
    ImuFaultqCreate *a = arg;
    IoQueue *q;
    IoSet *set;
    int err = im_ioasid_set_of(c, a->set, &set);

    if (err) {
        return err;
    }
    q = im_ioasid_alloc(c->host, sizeof(*q));
    if (!q) {
        return -ENOMEM;
    }
    q->deadline_ns = a->deadline_ns ? a->deadline_ns : DEADLINE_NS;
    im_fifo_init(&q->unread);
    im_fifo_init(&q->read);
    return im_ioasid_queue_publish(c, q, IMU_KIND_FAULTQ, set, a, &a->queue);
}

IM_RULE(IOASID_CMD_FAULTQ_DESTROY);
int im_ioasid_cmd_FAULTQ_DESTROY(ImIoasidCtx *c, void *arg)
{
    const ImuQueueDestroy *a = arg;
    IoQueue *q;
    int err = im_ioasid_queue_of(c, a->set, IMU_KIND_FAULTQ, a->queue, &q);

    if (!err && q->obj.users) {
        err = -EBUSY;
    }
    if (!err) {
        im_ioasid_queue_free(c->host, q);
    }
    return err;
}

IM_RULE(IOASID_CMD_FAULT_READ);
int im_iogroup_fault_size(uint32_t *size)
{
    if (!*size) {
        *size = IMU_FAULT_SIZE_MIN;
    }
    return *size < IMU_FAULT_SIZE_MIN ? -EINVAL :
           *size > IMU_SIZE_MAX       ? -E2BIG :
                                        0;
}

/* What a page lacks, for who has room for it. */
static ImIoasidMiss io_faultq_why(ImIoasid *h, const IoGroup *g,
                                  const IoPage *page)
{
    const ImIoasidDevice *cfg = &g->bind->host->cfg;
    const ImPageReq req = {
        .addr = page->request,
        .pasid = g->pasid,
        .rid = im_func_rid(cfg->func),
        .segment = im_func_segment(cfg->func),
        .has_pasid = g->has_pasid,
        .priv = page->perm & 8,
        .exec = page->perm & IM_PERM_X,
        .read = page->perm & IM_PERM_R,
        .write = page->perm & IM_PERM_W,
    };

    return page->miss.code || g->stall ? page->miss : im_ioasid_lacks(h, &req);
}

/* Copy a group to the user, with the guest's names. */
IM_RULE(IOASID_VUNITS);
static int io_faultq_deliver(ImIoasidCtx *c, const IoGroup *g, uint64_t to,
                             uint32_t size)
{
    const IoBind *b = g->bind;
    ImuFault f = {
        .gpasid = g->gpasid,
        .cookie = b->dev->cookie,
        .dev = b->dev->obj.ref,
        .space = b->space->obj.ref,
        .group = g->prgi,
        .ticket = g->ticket,
        .deadline = g->deadline,
    };

    for (ImLink *l = g->pages.head; l; l = l->next) {
        const IoPage *page = IM_LINK_OF(l, IoPage, link);
        ImIoasidMiss miss = size > IMU_FAULT_SIZE_MIN ?
                                io_faultq_why(c->host, g, page) :
                                page->miss;
        int err;

        f.flags = (g->has_pasid ? IMU_FAULT_PASID : 0) |
                  (g->stall ? IMU_FAULT_STALL : 0) |
                  (g->host ? IMU_FAULT_HOST : 0) |
                  (miss.for_entry ? IMU_FAULT_ENTRY : 0) |
                  (l->next ? 0 : IMU_FAULT_LAST);
        f.addr = page->addr;
        f.perm = page->perm;
        f.stage = miss.stage;
        f.code = miss.code;
        f.request = page->request;
        err = im_ioasid_put_user(c, to, &f, MIN(size, sizeof(f)));
        if (err) {
            return err;
        }
        to += size;
    }
    return 0;
}

/* The groups that a->count pages have room for; -EMSGSIZE: not the first. */
static int io_faultq_take(ImIoasidCtx *c, ImuFaultRead *a, uint32_t size,
                          const IoQueue *q, uint32_t *groups)
{
    uint32_t room = a->count;
    uint32_t n = 0;

    for (ImLink *l = q->unread.head; l && room; l = l->next) {
        const IoGroup *g = IM_LINK_OF(l, IoGroup, in_queue);
        int err;

        if (g->count > room - n) {
            if (!n) {
                a->count = g->count;
                return -EMSGSIZE;
            }
            break;
        }
        err = io_faultq_deliver(c, g, a->faults + (uint64_t)n * size, size);
        if (err) {
            return err;
        }
        n += g->count;
        ++*groups;
    }
    a->count = n;
    a->pending = q->pages - n;
    return 0;
}

IM_RULE(IOASID_CMD_FAULT_READ);
int im_ioasid_cmd_FAULT_READ(ImIoasidCtx *c, void *arg)
{
    ImuFaultRead *a = arg;
    uint32_t size = a->fault_size;
    uint32_t groups = 0;
    IoQueue *q;
    int err = im_ioasid_queue_of(c, a->set, IMU_KIND_FAULTQ, a->queue, &q);

    if (!err) {
        err = im_iogroup_fault_size(&size);
    }
    if (!err) {
        err = io_faultq_take(c, a, size, q, &groups);
    }
    if (!err) {
        err = im_ioasid_respond(c, a);
    }
    if (err) {
        return err;
    }
    for (; groups; groups--) {
        IoGroup *g = IM_LINK_OF(q->unread.head, IoGroup, in_queue);

        im_fifo_out(&q->unread, &g->in_queue);
        im_fifo_in(&q->read, &g->in_queue);
        g->read = true;
    }
    q->pages -= a->count;
    return 0;
}

IM_RULE(IOASID_CMD_FAULT_ANSWER);
int im_ioasid_cmd_FAULT_ANSWER(ImIoasidCtx *c, void *arg)
{
    static const uint8_t codes[] = {
        [IMU_ANSWER_SUCCESS] = IM_PAGE_RESP_SUCCESS,
        [IMU_ANSWER_INVALID] = IM_PAGE_RESP_INVALID,
        [IMU_ANSWER_FAILURE] = IM_PAGE_RESP_FAILURE,
    };
    const ImuAnswer *a = arg;
    IoGroup *g;
    IoSet *set;
    int err = im_ioasid_set_of(c, a->set, &set);

    if (err) {
        return err;
    }
    if (a->code >= G_N_ELEMENTS(codes)) {
        return -EOPNOTSUPP;
    }
    err = im_iogroup_by_ticket(c->host, set, a->ticket, &g);
    if (err) {
        return err;
    }
    im_iogroup_answer(c->host, g, codes[a->code]);
    im_ioasid_rearm(c->host);
    return 0;
}

/* --- for people --------------------------------------------------------- */

static void io_faultq_dump_groups(const IoFifo *f, const char *what,
                                  GString *out)
{
    for (const ImLink *l = f->head; l; l = l->next) {
        const IoGroup *g = IM_LINK_OF(l, IoGroup, in_queue);

        g_string_append_printf(out,
                               "      group %u of %u.%u, %s %" PRIx32
                               ": %u pages, %s, ticket %" PRIx64
                               ", until %" PRIu64 "\n",
                               g->prgi, g->bind->dev->obj.ref.id,
                               g->bind->dev->obj.ref.gen,
                               g->has_pasid ? "pasid" : "no pasid", g->gpasid,
                               g->count, what, g->ticket, g->deadline);
    }
}

void im_ioasid_groups_dump(const IoQueue *q, GString *out)
{
    io_faultq_dump_groups(&q->read, "read", out);
    io_faultq_dump_groups(&q->unread, "unread", out);
}
