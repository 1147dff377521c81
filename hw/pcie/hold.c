/*
 * What fault injection keeps back, a queue for each kind.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/pcie/hold.h"

#define HELD_MAX  64

/* How many software wants to be kept back, and for how long. */
static const struct {
    EpReg count, delay;
} wanted[EP_HOLD_KINDS] = {
    [EP_HOLD_INV] = { EP_R_INJ_INV_HOLD, EP_R_INJ_INV_DELAY },
    [EP_HOLD_RESP] = { EP_R_INJ_PRG_HOLD, EP_R_INJ_PRG_DELAY },
    [EP_HOLD_END] = { EP_R_INJ_END_HOLD, EP_R_INJ_END_DELAY },
};

typedef struct EpHold {
    GQueue queue[EP_HOLD_KINDS];        /* of EpHeld */
} EpHold;

EpHold *im_ep_hold_new(void)
{
    EpHold *hold = g_new0(EpHold, 1);

    for (unsigned i = 0; i < EP_HOLD_KINDS; i++) {
        g_queue_init(&hold->queue[i]);
    }
    return hold;
}

void im_ep_hold_free(EpHold *hold)
{
    for (unsigned i = 0; i < EP_HOLD_KINDS; i++) {
        g_queue_clear_full(&hold->queue[i], g_free);
    }
    g_free(hold);
}

bool im_ep_inject(ImEp *ep, EpReg count)
{
    if (ep->reg[count] == 0) {
        return false;
    }
    ep->reg[count]--;
    return true;
}

bool im_ep_hold(ImEp *ep, EpHoldKind kind, const EpHeld *what)
{
    GQueue *queue = &ep->hold->queue[kind];
    uint64_t delay = ep->reg[wanted[kind].delay];
    uint64_t now;
    EpHeld *h;

    if (queue->length >= HELD_MAX || !im_ep_inject(ep, wanted[kind].count)) {
        return false;
    }
    h = g_new(EpHeld, 1);
    *h = *what;
    now = im_ep_now(ep);
    h->due = delay == 0 || delay > IM_NEVER - now ? IM_NEVER : now + delay;
    g_queue_push_tail(queue, h);
    return true;
}

/* The first of a queue, without a call: asked after each entry. */
static EpHeld *ep_hold_first(const GQueue *queue)
{
    return queue->head ? queue->head->data : NULL;
}

/* The same when it may go; the caller frees it. */
static EpHeld *ep_hold_ripe(GQueue *queue, bool all, uint64_t now)
{
    EpHeld *h = ep_hold_first(queue);

    return h && (all || h->due <= now) ? g_queue_pop_head(queue) : NULL;
}

static void ep_hold_deliver(ImEp *ep, EpHoldKind kind, bool all, uint64_t now)
{
    EpHeld *h;

    while ((h = ep_hold_ripe(&ep->hold->queue[kind], all, now)) != NULL) {
        h->deliver(ep, h);
        g_free(h);
    }
}

void im_ep_held_deliver(ImEp *ep, bool all)
{
    uint64_t now = im_ep_now(ep);

    for (unsigned i = 0; i < EP_HOLD_KINDS; i++) {
        ep_hold_deliver(ep, i, all, now);
    }
}

uint64_t im_ep_held_due(const ImEp *ep)
{
    uint64_t due = IM_NEVER;

    for (unsigned i = 0; i < EP_HOLD_KINDS; i++) {
        const EpHeld *h = ep_hold_first(&ep->hold->queue[i]);

        due = h ? MIN(due, h->due) : due;
    }
    return due;
}

bool im_ep_held_any(const ImEp *ep)
{
    bool any = false;

    for (unsigned i = 0; i < EP_HOLD_KINDS; i++) {
        any |= !g_queue_is_empty(&ep->hold->queue[i]);
    }
    return any;
}

void im_ep_held_reset(ImEp *ep)
{
    g_queue_clear_full(&ep->hold->queue[EP_HOLD_INV], g_free);
    g_queue_clear_full(&ep->hold->queue[EP_HOLD_RESP], g_free);
    ep_hold_deliver(ep, EP_HOLD_END, true, 0);
}
