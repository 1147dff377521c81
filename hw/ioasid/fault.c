/*
 * Page request groups: their tickets, answers and deadlines. pagereq.c fills
 * them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/moving.h"
#include "hw/ioasid/owner.h"

#include <errno.h>

/* --- tickets ------------------------------------------------------------ */

#define SLOTS         256u      /* a page of slots */
#define SLOT_PAGES    1024u

/* A ticket is the generation of a slot, how often its context was restored,
 * and the slot's number. */
#define SLOT_BITS   19u
#define EPOCH_BITS  (32u - SLOT_BITS)
G_STATIC_ASSERT(SLOTS *SLOT_PAGES < 1u << SLOT_BITS);

typedef enum Outcome {
    OUTCOME_ANSWERED = 1,       /* 0: none yet */
    OUTCOME_TIMEOUT,
} Outcome;

/* What a ticket stands for. Slots are used in turn, so that a late answer
 * is known to be late as long as possible. */
typedef struct Slot {
    IoGroup *group;             /* NULL: of the last one is left: */
    IoSet *set;                 /* NULL: gone */
    uint32_t gen;
    uint32_t next;              /* free slot + 1 */
    uint8_t outcome;
} Slot;

struct IoGroups {
    Slot *page[SLOT_PAGES];
    uint32_t pages;
    uint32_t first, last;       /* free slots + 1; 0: none */
};

IoGroups *im_ioasid_groups_new(ImIoasid *h)
{
    return im_ioasid_alloc(h, sizeof(IoGroups));
}

void im_ioasid_groups_free(ImIoasid *h, IoGroups *t)
{
    if (!t) {
        return;
    }
    for (uint32_t i = 0; i < t->pages; i++) {
        im_ioasid_release(h, t->page[i], SLOTS * sizeof(Slot));
    }
    im_ioasid_release(h, t, sizeof(*t));
}

static Slot *io_fault_slot_at(const IoGroups *t, uint32_t i)
{
    return &t->page[i / SLOTS][i % SLOTS];
}

static void io_fault_slot_put(IoGroups *t, uint32_t i)
{
    io_fault_slot_at(t, i)->next = 0;
    if (t->last) {
        io_fault_slot_at(t, t->last - 1)->next = i + 1;
    } else {
        t->first = i + 1;
    }
    t->last = i + 1;
}

bool im_iogroup_ticket_left(const ImIoasid *h)
{
    return h->groups->first || h->groups->pages < SLOT_PAGES;
}

/* Whether there is a free slot, made if need be. */
static bool io_fault_slots_ready(ImIoasid *h)
{
    IoGroups *t = h->groups;

    if (t->first) {
        return true;
    }
    if (t->pages == SLOT_PAGES) {
        return false;
    }
    t->page[t->pages] = im_ioasid_alloc(h, SLOTS * sizeof(Slot));
    if (!t->page[t->pages]) {
        return false;
    }
    t->pages++;
    for (uint32_t i = 0; i < SLOTS; i++) {
        io_fault_slot_put(t, (t->pages - 1) * SLOTS + i);
    }
    return true;
}

uint32_t im_iogroup_epoch_of(uint64_t ticket)
{
    return (uint32_t)ticket >> SLOT_BITS;
}

uint32_t im_iogroup_epoch(uint32_t moves)
{
    return moves & ((1u << EPOCH_BITS) - 1);
}

static void io_fault_slot_take(IoGroups *t, IoGroup *g)
{
    Slot *s = io_fault_slot_at(t, t->first - 1);

    g->slot = t->first - 1;
    t->first = s->next;
    if (!t->first) {
        t->last = 0;
    }
    s->gen++;
    s->group = g;
    if (s->set) {
        s->set->tickets--;
    }
    s->set = g->queue->obj.set;
    s->set->tickets++;
    g->ticket = (uint64_t)s->gen << 32 |
                im_iogroup_epoch(s->set->ctx->moves) << SLOT_BITS |
                (g->slot + 1);
}

/* Of those that were read before their context was restored. */
static int io_fault_by_old_ticket(const IoSet *set, uint64_t ticket,
                                  IoGroup **g)
{
    for (const ImLink *l = set->objects[IMU_KIND_FAULTQ]; l; l = l->next) {
        const IoQueue *q = IM_LINK_OF(l, IoQueue, obj.in_set);

        for (ImLink *n = q->read.head; n; n = n->next) {
            *g = IM_LINK_OF(n, IoGroup, in_queue);
            if ((*g)->ticket == ticket) {
                return 0;
            }
        }
    }
    return -ENOENT;
}

int im_iogroup_by_ticket(const ImIoasid *h, const IoSet *set, uint64_t ticket,
                         IoGroup **g)
{
    uint32_t i = ((uint32_t)ticket & ((1u << SLOT_BITS) - 1)) - 1;
    const Slot *s;

    if (im_iogroup_epoch_of(ticket) != im_iogroup_epoch(set->ctx->moves)) {
        return io_fault_by_old_ticket(set, ticket, g);
    }
    if (i >= h->groups->pages * SLOTS) {
        return -ENOENT;
    }
    s = io_fault_slot_at(h->groups, i);
    if (s->gen != ticket >> 32 || s->set != set ||
        (s->group && !s->group->read)) {
        return -ENOENT;
    }
    if (!s->group) {
        return s->outcome == OUTCOME_TIMEOUT ? -ETIMEDOUT : -EALREADY;
    }
    *g = s->group;
    return 0;
}

void im_ioasid_groups_forget(ImIoasid *h, IoSet *set)
{
    for (uint32_t i = 0; set->tickets; i++) {
        Slot *s = io_fault_slot_at(h->groups, i);

        if (s->set == set) {
            s->set = NULL;
            set->tickets--;
        }
    }
}

/* --- answers ------------------------------------------------------------ */

void im_iogroup_respond(ImIoasid *h, const ImPageResp *resp, const char *by)
{
    ImEvent ev = {
        .kind = IM_EVENT_PAGE_RESPONSE,
        .name = by,
        .resp = resp,
    };

    h->counters.page_responses++;
    if (h->port.iommu.event) {
        h->port.iommu.event(h->opaque, &ev);
    }
    h->port.iommu.page_response(h->opaque, resp);
}

static void io_fault_count_more(IoDev *dev)
{
    ImIoasidCtx *c = dev->obj.set->ctx;

    dev->groups++;
    dev->obj.set->groups++;
    c->groups++;
    im_ioasid_charge(c->owner, IM_IOASID_GROUPS, 1);
}

static void io_fault_count_less(IoDev *dev)
{
    ImIoasidCtx *c = dev->obj.set->ctx;

    dev->groups--;
    dev->obj.set->groups--;
    c->groups--;
    im_ioasid_uncharge(c->owner, IM_IOASID_GROUPS, 1);
}

void im_iogroup_drop(ImIoasid *h, IoGroup *g)
{
    IoDev *dev = g->bind->dev;
    IoQueue *q = g->queue;

    if (!g->whole) {
        dev->partial[g->prgi] = g->stall ? dev->partial[g->prgi] : NULL;
    } else if (g->read) {
        im_fifo_out(&q->read, &g->in_queue);
    } else {
        im_fifo_out(&q->unread, &g->in_queue);
        q->pages -= g->count;
    }
    if (g->whole && !q->read.head && !q->unread.head) {
        im_link_out(&q->in_host);
    }
    im_link_out(&g->by_bind);
    io_fault_count_less(dev);
    while (g->pages.head) {
        IoPage *page = IM_LINK_OF(g->pages.head, IoPage, link);

        im_fifo_out(&g->pages, &page->link);
        im_ioasid_release(h, page, sizeof(*page));
    }
    im_ioasid_release(h, g, sizeof(*g));
}

static void io_fault_end_ticket(ImIoasid *h, const IoGroup *g, Outcome outcome)
{
    Slot *s = io_fault_slot_at(h->groups, g->slot);

    s->group = NULL;
    s->outcome = (uint8_t)outcome;
    io_fault_slot_put(h->groups, g->slot);
}

/* A whole one is no more; of its ticket the outcome is left. */
static void io_fault_close(ImIoasid *h, IoGroup *g, Outcome outcome)
{
    io_fault_end_ticket(h, g, outcome);
    im_iogroup_drop(h, g);
}

/* A whole one; by whom: for tracing. */
static void io_fault_answer(ImIoasid *h, IoGroup *g, ImPageRespCode code,
                            Outcome outcome, const char *by)
{
    const ImIoasidDevice *cfg = &g->bind->host->cfg;
    const ImPageResp resp = {
        .pasid = g->pasid,
        .rid = im_func_rid(cfg->func),
        .segment = im_func_segment(cfg->func),
        .prgi = g->prgi,
        .code = (uint8_t)code,
        .has_pasid = g->has_pasid,
    };
    const IoGroup was = *g;
    const ImIoasidMiss miss = IM_LINK_OF(g->pages.head, IoPage, link)->miss;

    io_fault_close(h, g, outcome);
    if (was.stall) {
        im_iofill_resume(h, &was, &miss, code);
    } else {
        im_iogroup_respond(h, &resp, by);
    }
}

void im_ioasid_groups_revoke(ImIoasid *h, IoBind *b)
{
    while (b->groups) {
        IoGroup *g = IM_LINK_OF(b->groups, IoGroup, by_bind);

        if (g->whole) {
            h->counters.auto_responses++;
            io_fault_answer(h, g, IM_PAGE_RESP_INVALID, OUTCOME_ANSWERED,
                            "revoked");
        } else {
            im_iogroup_give_up(b->host->invalid, g->prgi);
            im_iogroup_drop(h, g);
        }
    }
}

void im_iogroup_cancel(ImIoasid *h, IoGroup *g)
{
    io_fault_close(h, g, OUTCOME_ANSWERED);
}

static void io_fault_leave(ImIoasid *h, const IoBind *b)
{
    while (b->groups) {
        IoGroup *g = IM_LINK_OF(b->groups, IoGroup, by_bind);

        if (g->whole) {
            io_fault_end_ticket(h, g, OUTCOME_ANSWERED);
        }
        im_iogroup_drop(h, g);
    }
}

void im_ioasid_groups_leave(ImIoasid *h, IoSet *set)
{
    for (const ImLink *d = set->objects[IMU_KIND_DEV]; d; d = d->next) {
        const IoDev *dev = IM_LINK_OF(d, IoDev, obj.in_set);

        if (dev->own) {
            io_fault_leave(h, dev->own);
        }
        for (const ImLink *l = dev->binds; l; l = l->next) {
            io_fault_leave(h, IM_LINK_OF(l, IoBind, by_dev));
        }
    }
}

void im_iogroup_was_read(IoGroup *g, uint64_t ticket)
{
    im_fifo_out(&g->queue->unread, &g->in_queue);
    im_fifo_in(&g->queue->read, &g->in_queue);
    g->queue->pages -= g->count;
    g->read = true;
    g->ticket = ticket;
}

void im_iogroup_answer(ImIoasid *h, IoGroup *g, ImPageRespCode code)
{
    io_fault_answer(h, g, code, OUTCOME_ANSWERED, "answered");
}

/* --- growing ------------------------------------------------------------ */

/* NULL: no memory. */
static IoGroup *io_fault_group_new(ImIoasid *h, IoBind *b, const ImPageReq *req)
{
    IoGroup *g = im_ioasid_alloc(h, sizeof(*g));

    if (!g) {
        return NULL;
    }
    g->bind = b;
    g->queue = b->space->faultq;
    g->prgi = req->prgi % IO_PRGIS;
    g->has_pasid = req->has_pasid;
    g->pasid = req->has_pasid ? req->pasid : 0;
    g->gpasid = b->pasid ? b->pasid->gpasid : g->pasid;
    im_fifo_init(&g->pages);
    im_link_in(&b->groups, &g->by_bind);
    b->dev->partial[g->prgi] = g;
    io_fault_count_more(b->dev);
    return g;
}

static bool io_fault_add_page(ImIoasid *h, IoGroup *g, const IoPage *what)
{
    IoPage *page = im_ioasid_alloc(h, sizeof(*page));

    if (!page) {
        return false;
    }
    *page = *what;
    im_fifo_in(&g->pages, &page->link);
    g->count++;
    return true;
}

/* What it lacks takes a walk: of a map that is filled it decides who is asked;
 * else whoever wants to know is told when he reads it. */
static IoPage io_fault_page_of(ImIoasid *h, const IoBind *b,
                               const ImPageReq *req)
{
    return (IoPage) {
        .addr = req->addr & ~UINT64_C(0xfff),
        .request = req->addr & ~UINT64_C(0xfff),
        .perm = (uint32_t)req->read | (uint32_t)req->write << 1 |
                (uint32_t)(req->has_pasid && req->exec) << 2 |
                (uint32_t)(req->has_pasid && req->priv) << 3,
        .miss = im_iofill_wants(b) ? im_ioasid_lacks(h, req) :
                                     (ImIoasidMiss) { 0 },
    };
}

static void io_fault_complete(ImIoasid *h, IoGroup *g)
{
    IoQueue *q = g->queue;
    bool first = !q->unread.head;

    io_fault_slot_take(h->groups, g);
    if (!g->stall) {
        g->bind->dev->partial[g->prgi] = NULL;
    }
    g->whole = true;
    g->deadline = im_ioasid_after(h, q->deadline_ns);
    if (first && !q->read.head) {
        im_link_in(&h->faultqs, &q->in_host);
    }
    im_fifo_in(&q->unread, &g->in_queue);
    q->pages += g->count;
    h->counters.page_groups++;
    if (first) {
        im_ioasid_readable(q->obj.set, q->obj.ref);
    }
    im_ioasid_rearm(h);
}

bool im_iogroup_take(ImIoasid *h, IoGroup *g, IoBind *b, const ImPageReq *req)
{
    const IoPage page = io_fault_page_of(h, b, req);

    g = g ? g : io_fault_group_new(h, b, req);
    if (!g || !io_fault_add_page(h, g, &page) ||
        (req->last && !io_fault_slots_ready(h))) {
        return false;
    }
    if (req->last) {
        im_iofill_sort(h, g);
        io_fault_complete(h, g);
    }
    return true;
}

IoGroup *im_iogroup_stall(ImIoasid *h, IoBind *b, IoQueue *queue,
                          const IoPage *page)
{
    IoGroup *g = im_ioasid_alloc(h, sizeof(*g));

    if (!g) {
        return NULL;
    }
    *g = (IoGroup) { .bind = b, .queue = queue, .stall = true, .host = true };
    im_fifo_init(&g->pages);
    im_link_in(&b->groups, &g->by_bind);
    io_fault_count_more(b->dev);
    if (!io_fault_add_page(h, g, page) || !io_fault_slots_ready(h)) {
        im_iogroup_drop(h, g);
        return NULL;
    }
    io_fault_complete(h, g);
    return g;
}

/* --- time --------------------------------------------------------------- */

/* The group of a queue that is due first; it has one. */
static IoGroup *io_fault_next_due(const IoQueue *q)
{
    IoGroup *r = q->read.head ? IM_LINK_OF(q->read.head, IoGroup, in_queue) :
                                NULL;
    IoGroup *u = q->unread.head ?
                     IM_LINK_OF(q->unread.head, IoGroup, in_queue) :
                     NULL;

    return !r || (u && u->deadline < r->deadline) ? u : r;
}

uint64_t im_ioasid_groups_deadline(const ImIoasid *h)
{
    uint64_t when = IM_NEVER;

    for (ImLink *l = h->faultqs; l; l = l->next) {
        when = MIN(
            when, io_fault_next_due(IM_LINK_OF(l, IoQueue, in_host))->deadline);
    }
    return when;
}

static void io_fault_time_out(ImIoasid *h, IoGroup *g)
{
    IoDev *dev = g->bind->dev;
    uint64_t ticket = g->ticket;

    h->counters.auto_responses++;
    io_fault_answer(h, g, IM_PAGE_RESP_INVALID, OUTCOME_TIMEOUT, "timed out");
    im_ioasid_event_post(dev->obj.set, IMU_EVENT_FAULT_TIMEOUT, dev->obj.ref,
                         ticket, 0, 0);
}

void im_ioasid_groups_due(ImIoasid *h, uint64_t now)
{
    ImLink *next;

    for (ImLink *l = h->faultqs; l; l = next) {
        IoQueue *q = IM_LINK_OF(l, IoQueue, in_host);

        next = l->next;
        while ((q->read.head || q->unread.head) &&
               io_fault_next_due(q)->deadline <= now) {
            io_fault_time_out(h, io_fault_next_due(q));
        }
    }
}

/* --- checks ------------------------------------------------------------- */

static uint32_t io_fault_groups_of(const IoBind *b, bool *wrong)
{
    uint32_t n = 0;

    for (const ImLink *l = b->groups; l; l = l->next) {
        const IoGroup *g = IM_LINK_OF(l, IoGroup, by_bind);

        n++;
        *wrong |= g->bind != b || b->parked || b->ended ||
                  (!g->whole && b->dev->partial[g->prgi] != g) ||
                  (g->stall && !g->whole);
    }
    return n;
}

const char *im_ioasid_groups_check(const IoDev *dev)
{
    bool wrong = false;
    uint32_t n = dev->own ? io_fault_groups_of(dev->own, &wrong) : 0;

    for (const ImLink *l = dev->binds; l; l = l->next) {
        n += io_fault_groups_of(IM_LINK_OF(l, IoBind, by_dev), &wrong);
    }
    return wrong            ? "a group of a binding that has none" :
           n != dev->groups ? "groups of a device are miscounted" :
                              NULL;
}
