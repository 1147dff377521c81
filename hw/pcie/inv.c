/*
 * Invalidation requests and their completions (PCIe 10.3), and what fault
 * injection does to completions and page responses on their way.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/pcie/ep.h"

enum { SENT = 0, DROPPED = 1, HELD = 2, TWICE = 4 };

static void ep_inv_send_message(ImEp *ep, uint32_t itag_vector, unsigned cc,
                                unsigned flags)
{
    ep->counters.inv_completions++;
    im_ep_log(ep, PASID_EP_LOG_INV_DONE, 0, flags, 0, false, 0, itag_vector);
    ep->port.ats_inv_done(ep->host, itag_vector, cc);
}

/* As many messages as INJ_INV_CC says; one by itself. */
IM_RULE(EP_INJECT);
static void ep_inv_send_done(ImEp *ep, uint32_t itag_vector, unsigned flags)
{
    uint64_t how = ep->reg[EP_R_INJ_INV_CC];
    unsigned count = (unsigned)CLAMP(IM_GET(how, EP_INJ_INV_CC_COUNT), 1, 8);
    unsigned early = (unsigned)IM_GET(how, EP_INJ_INV_CC_EARLY);

    for (unsigned i = 1; i < count; i++) {
        ep_inv_send_message(ep, itag_vector, early ? early : count, flags);
    }
    if (!IM_GET(how, EP_INJ_INV_CC_WITHHOLD)) {
        ep_inv_send_message(ep, itag_vector, count, flags);
    }
}

/* Take one of an injection's count; false when it is used up. */
static bool ep_inv_take(ImEp *ep, EpReg reg)
{
    if (ep->reg[reg] == 0) {
        return false;
    }
    ep->reg[reg]--;
    return true;
}

static bool ep_inv_hold(ImEp *ep, GQueue *queue, EpReg count, EpReg delay,
                        const EpHeld *what)
{
    EpHeld *h;
    uint64_t now;

    if (queue->length >= EP_HELD_MAX || !ep_inv_take(ep, count)) {
        return false;
    }
    h = g_new(EpHeld, 1);
    *h = *what;
    now = im_ep_now(ep);
    h->due = ep->reg[delay] == 0 || ep->reg[delay] > IM_NEVER - now ?
             IM_NEVER : now + ep->reg[delay];
    g_queue_push_tail(queue, h);
    return true;
}

/* Dropped, else duplicated, else held. */
IM_RULE(EP_INJECT);
static void ep_inv_complete(ImEp *ep, uint8_t itag)
{
    const EpHeld h = { .itag_vector = UINT32_C(1) << (itag % EP_ITAGS) };

    if (ep_inv_take(ep, EP_R_INJ_INV_DROP)) {
        im_ep_log(ep, PASID_EP_LOG_INV_DONE, 0, DROPPED, 0, false, 0,
                  h.itag_vector);
    } else if (ep_inv_take(ep, EP_R_INJ_INV_DUP)) {
        ep_inv_send_done(ep, h.itag_vector, SENT);
        ep_inv_send_done(ep, h.itag_vector, TWICE);
    } else if (ep_inv_hold(ep, ep->held_inv, EP_R_INJ_INV_HOLD,
                           EP_R_INJ_INV_DELAY, &h)) {
        im_ep_log(ep, PASID_EP_LOG_INV_DONE, 0, HELD, 0, false, 0,
                  h.itag_vector);
    } else {
        ep_inv_send_done(ep, h.itag_vector, SENT);
    }
}

/*
 * Not before every translated request that may have used the translation is
 * done.
 */
IM_RULE(PCIE_INV_SEMANTICS);
static bool ep_inv_in_use(const ImEp *ep, const EpInv *inv)
{
    for (GList *l = ep->parked->head; l; l = l->next) {
        const EpFlight *f = l->data;

        if (f->translated && f->serial < inv->serial &&
            im_ep_inv_covers(&inv->inv, f->req.va & ~(EP_PAGE - 1), EP_PAGE,
                             f->req.has_pasid, f->req.pasid, false)) {
            return true;
        }
    }
    return false;
}

/* A parked request has ended: complete what waited for it. */
void im_ep_inv_retry(ImEp *ep)
{
    for (unsigned i = 0; i < EP_ITAGS; i++) {
        if (ep->inv[i].used && !ep_inv_in_use(ep, &ep->inv[i])) {
            ep->inv[i].used = false;
            ep_inv_complete(ep, (uint8_t)i);
        }
    }
}

/* Keep an invalidation back. A reused ITag waits for everything older. */
static void ep_inv_postpone(ImEp *ep, const EpInv *inv)
{
    EpInv *slot = &ep->inv[inv->inv.itag % EP_ITAGS];
    bool reused = slot->used;

    *slot = *inv;
    slot->used = true;
    if (reused) {
        slot->inv.has_pasid = false;
        slot->inv.lg2size = IM_INV_ALL;
    }
}

static void ep_inv_count(ImEp *ep, const ImAtsInv *inv)
{
    ImEvent ev = {
        .kind = IM_EVENT_INVALIDATE,
        .name = "ats-invalidate",
        .arg = { inv->addr, inv->lg2size,
                 inv->has_pasid ? inv->pasid : UINT64_MAX, inv->itag },
    };

    ep->counters.invalidations++;
    ep->counters.invalidations_pasid += inv->has_pasid;
    ep->counters.invalidations_global += inv->has_pasid && inv->global;
    im_ep_log(ep, PASID_EP_LOG_INVALIDATE, inv->lg2size, inv->global,
              inv->addr, inv->has_pasid, inv->pasid, inv->itag);
    if (ep->port.event) {
        ep->port.event(ep->host, &ev);
    }
    im_ep_raise(ep, EP_EVENT_INVALIDATION_LO);
}

/* Always answered, also when nothing matched. */
IM_RULE(PCIE_INV_COMPLETION);
void im_ep_ats_invalidate(ImEp *ep, const ImAtsInv *inv)
{
    EpInv pending = { .inv = *inv, .serial = ++ep->serial };

    if (!EP_CAP(ep, EP_ATS0, PCIE_ATS_GLOBAL_INV)) {
        IM_RULE(PCIE_INV_PASID);
        pending.inv.global = false;
    }
    ep_inv_count(ep, inv);
    if (!EP_CAP(ep, EP_ATS0, PCIE_ATS_ENABLE)) {
        im_ep_misuse(ep, EP_MISUSE_INV_ATS_OFF_LO, inv->itag);
    }
    if (!IM_GET(EP_REG(ep, INJ_FLAGS), EP_INJ_FLAGS_STALE)) {
        im_ep_atc_invalidate(&ep->atc, &pending.inv);
    }
    if (ep_inv_in_use(ep, &pending)) {
        ep_inv_postpone(ep, &pending);
    } else {
        ep_inv_complete(ep, inv->itag);
    }
    im_ep_settle(ep);
}

void im_ep_page_response(ImEp *ep, const ImPageResp *resp)
{
    const EpHeld h = { .resp = *resp };
    bool held;

    ep->counters.page_responses++;
    held = ep_inv_hold(ep, ep->held_resp, EP_R_INJ_PRG_HOLD, EP_R_INJ_PRG_DELAY,
                       &h);
    if (held) {
        im_ep_log(ep, PASID_EP_LOG_RESPONSE, resp->code & 0xf, 2, 0,
                  resp->has_pasid, resp->pasid, resp->prgi);
    } else {
        im_ep_pri_answer(ep, resp);
    }
    im_ep_settle(ep);
}

bool im_ep_hold_end(ImEp *ep, uint64_t handle, ImStatus status, ImCpl cpl)
{
    const EpHeld h = { .handle = handle, .status = status, .cpl = cpl };

    return ep_inv_hold(ep, ep->held_end, EP_R_INJ_END_HOLD, EP_R_INJ_END_DELAY,
                       &h);
}

/* The first of a queue when it may go; the caller frees it. */
static EpHeld *ep_inv_ripe(GQueue *queue, bool all, uint64_t now)
{
    EpHeld *h = g_queue_peek_head(queue);

    return h && (all || h->due <= now) ? g_queue_pop_head(queue) : NULL;
}

void im_ep_held_deliver(ImEp *ep, bool all)
{
    uint64_t now = im_ep_now(ep);
    EpHeld *h;

    while ((h = ep_inv_ripe(ep->held_inv, all, now)) != NULL) {
        ep_inv_send_done(ep, h->itag_vector, SENT);
        g_free(h);
    }
    while ((h = ep_inv_ripe(ep->held_resp, all, now)) != NULL) {
        im_ep_pri_answer(ep, &h->resp);
        g_free(h);
    }
    while ((h = ep_inv_ripe(ep->held_end, all, now)) != NULL) {
        im_ep_dma_end(ep, h->handle, h->status, h->cpl);
        g_free(h);
    }
}

static uint64_t ep_inv_first_due(GQueue *queue)
{
    const EpHeld *h = g_queue_peek_head(queue);

    return h ? h->due : IM_NEVER;
}

uint64_t im_ep_held_due(const ImEp *ep)
{
    return MIN(
        MIN(ep_inv_first_due(ep->held_inv), ep_inv_first_due(ep->held_resp)),
        ep_inv_first_due(ep->held_end));
}

/* Nobody waits any more for what was held: parked requests just end. */
void im_ep_inv_reset(ImEp *ep)
{
    EpHeld *h;

    memset(ep->inv, 0, sizeof(ep->inv));
    g_queue_clear_full(ep->held_inv, g_free);
    g_queue_clear_full(ep->held_resp, g_free);
    while ((h = g_queue_pop_head(ep->held_end)) != NULL) {
        im_ep_dma_end(ep, h->handle, h->status, h->cpl);
        g_free(h);
    }
}
