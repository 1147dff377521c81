/*
 * Page request interface (PCIe 10.4): groups, their indices, allocation,
 * responses.
 *
 * The 512 indices are a table. A group stays in it, and counts, until its
 * response arrives or the interface is reset, whether or not its channel
 * still waits for it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/pcie/ep.h"

/* Messages, not groups. */
IM_RULE(PCIE_PRI_ALLOCATION);
uint32_t im_ep_pri_room(const ImEp *ep)
{
    uint64_t most = MIN(EP_CAP(ep, EP_PRI1, PCIE_PRI_ALLOCATION),
                        EP_CAP(ep, EP_PRI1, PCIE_PRI_CAPACITY));

    if (IM_GET(EP_REG(ep, INJ_FLAGS), EP_INJ_FLAGS_ALLOCATION)) {
        return UINT32_MAX;
    }
    return most > ep->outstanding ? (uint32_t)most - ep->outstanding : 0;
}

/* An index that is not outstanding, or -1; they are used in turn. */
int im_ep_pri_free_index(ImEp *ep)
{
    for (unsigned i = 0; i < EP_PRGIS; i++) {
        unsigned prgi = (ep->next_prgi + i) % EP_PRGIS;

        if (!ep->group[prgi].used) {
            ep->next_prgi = (prgi + 1) % EP_PRGIS;
            return (int)prgi;
        }
    }
    return -1;
}

/*
 * Send one message and account for it in its group, which belongs to a
 * channel or to EP_RAW.
 */
void im_ep_pri_send(ImEp *ep, const ImPageReq *req, int channel)
{
    EpGroup *g = &ep->group[req->prgi % EP_PRGIS];
    ImEvent ev = {
        .kind = IM_EVENT_PAGE_REQUEST, .name = "sent", .req = req,
    };

    if (!g->used) {
        *g = (EpGroup) {
            .used = true, .channel = channel, .has_pasid = req->has_pasid,
            .pasid = req->pasid, .priv = req->priv,
        };
        ep->counters.page_groups++;
    }
    g->messages++;
    g->closed |= req->last;
    ep->outstanding++;
    ep->counters.page_requests++;
    im_ep_log(ep, PASID_EP_LOG_PAGE_REQUEST, 0,
              (unsigned)(req->read | req->write << 1 | req->last << 2 |
                         req->priv << 3 | req->exec << 4),
              req->addr, req->has_pasid, req->pasid, req->prgi);
    if (ep->port.event) {
        ep->port.event(ep->host, &ev);
    }
    ep->port.page_request(ep->host, req);
}

/* No index, no allocation, no response. */
IM_RULE(PCIE_PRI_STOP_MARKER);
void im_ep_pri_stop_marker(ImEp *ep, uint32_t pasid)
{
    const ImPageReq req = {
        .pasid = pasid & IM_PASID_MAX, .has_pasid = true, .last = true,
    };

    if (!im_ep_pri_on(ep) || !ep->bus_master ||
        !EP_CAP(ep, EP_PASID0, PCIE_PASID_ENABLE)) {
        return;
    }
    ep->counters.stop_markers++;
    im_ep_log(ep, PASID_EP_LOG_PAGE_REQUEST, 0, 4, 0, true, req.pasid, 0);
    ep->port.page_request(ep->host, &req);
}

static uint64_t ep_pri_deadline_from_now(ImEp *ep)
{
    uint64_t wait = EP_REG(ep, PAGE_TIMEOUT);
    uint64_t now = im_ep_now(ep);

    return wait == 0 || wait > IM_NEVER - now ? IM_NEVER : now + wait;
}

static void ep_pri_wait_for(ImEp *ep, EpChannel *ch, bool credit)
{
    if (!credit || !ch->wait_credit) {      /* a wait resumed keeps its end */
        ch->deadline = ep_pri_deadline_from_now(ep);
    }
    ch->wait_credit = credit;
    ch->state = PASID_EP_STATE_WAIT_PAGE;
}

/*
 * Ask for up to pages pages from req->va on, in one group, closed before
 * the allocation is used up. EP_ASK_WAIT: no room now; the channel is
 * woken when there is.
 */
EpAsk im_ep_pri_ask(ImEp *ep, EpChannel *ch, const EpReq *req,
                    uint32_t pages)
{
    ImPageReq msg = {
        .addr = req->va & ~(EP_PAGE - 1),
        .pasid = req->pasid,
        .has_pasid = req->has_pasid,
        .priv = req->priv,
        .exec = req->exec,
        .read = !req->write,
        .write = req->write,
    };
    const EpGroup *g;
    uint32_t n;
    int prgi;

    if (!im_ep_pri_on(ep)) {
        return EP_ASK_OFF;
    }
    n = MIN(pages, im_ep_pri_room(ep));
    prgi = n ? im_ep_pri_free_index(ep) : -1;
    if (prgi < 0) {
        if (ep->outstanding == 0) {
            return EP_ASK_NEVER;
        }
        ep_pri_wait_for(ep, ch, true);
        return EP_ASK_WAIT;
    }
    ep_pri_wait_for(ep, ch, false);
    g = &ep->group[prgi];
    msg.prgi = ch->prgi = (uint16_t)prgi;
    ch->group_pages = n;
    ch->retried++;
    for (uint32_t i = 0; i == 0 || (i < n && g->used && !g->closed); i++) {
        msg.last = i == n - 1;
        ch->reg[EP_R_CH_PAGE_REQUESTS]++;
        im_ep_pri_send(ep, &msg, (int)ch->index);
        msg.addr += EP_PAGE;
    }
    return EP_ASK_SENT;
}

/* The channel that waits for a group, or NULL. */
static EpChannel *ep_pri_waiter(ImEp *ep, const EpGroup *g, uint16_t prgi)
{
    EpChannel *ch;

    if (g->channel < 0 || g->channel >= (int)ep->channels) {
        return NULL;
    }
    ch = &ep->ch[g->channel];
    return ch->state == PASID_EP_STATE_WAIT_PAGE && !ch->wait_credit &&
           ch->prgi == prgi ? ch : NULL;
}

/* Channels that wait for room, or for an interface that is gone, look. */
void im_ep_pri_wake(ImEp *ep)
{
    for (unsigned i = 0; i < ep->channels; i++) {
        EpChannel *ch = &ep->ch[i];

        if (ch->state == PASID_EP_STATE_WAIT_PAGE && ch->wait_credit) {
            ch->state = PASID_EP_STATE_RUNNING;
        }
    }
}

static void ep_pri_fail_waiters(ImEp *ep, unsigned cause, uint8_t code)
{
    for (unsigned i = 0; i < ep->channels; i++) {
        EpChannel *ch = &ep->ch[i];

        if (ch->state == PASID_EP_STATE_WAIT_PAGE) {
            ch->response = code;
            im_ep_ch_fail(ep, ch, cause, ch->wait_va);
        }
    }
}

/*
 * Reset: pending requests and credits are forgotten. Who waits for an answer
 * will not get one.
 */
IM_RULE(PCIE_PRI_CTRL);
void im_ep_pri_forget(ImEp *ep)
{
    memset(ep->group, 0, sizeof(ep->group));
    ep->outstanding = 0;
    ep->raw_prgi = -1;
    ep_pri_fail_waiters(ep, PASID_EP_CAUSE_PRI_OFF, 0);
}

/* 1111b: the interface is dead until enabled anew. */
IM_RULE(PCIE_PRI_CODE);
static void ep_pri_response_failure(ImEp *ep, uint8_t code)
{
    ep->cap[EP_PRI0] |= IM_MASK(PCIE_PRI_RF);
    ep->pri_dead = true;
    memset(ep->group, 0, sizeof(ep->group));
    ep->outstanding = 0;
    ep->raw_prgi = -1;
    ep_pri_fail_waiters(ep, PASID_EP_CAUSE_RESP_FAILURE, code);
    im_ep_raise(ep, EP_EVENT_RF_LO);
}

static void ep_pri_show_raw(ImEp *ep, const ImPageResp *resp)
{
    EP_REG(ep, PR_RESP) = IM_PUT(EP_PR_RESP_CODE, resp->code) |
                          IM_PUT(EP_PR_RESP_VALID, 1) |
                          IM_PUT(EP_PR_RESP_HAS_PASID, resp->has_pasid) |
                          IM_PUT(EP_PR_RESP_PRGI, resp->prgi) |
                          IM_PUT(EP_PR_RESP_PASID, resp->pasid);
    EP_REG(ep, PR_RESP_COUNT)++;
    im_ep_raise(ep, EP_EVENT_RESPONSE_LO);
}

/* A PASID iff the request had one. */
IM_RULE(PCIE_PRI_RESPONSE_PASID);
static bool ep_pri_pasid_agrees(const ImEp *ep, const EpGroup *g,
                                const ImPageResp *resp)
{
    bool want = g->has_pasid &&
                EP_CAP(ep, EP_PRI0, PCIE_PRI_PASID_REQUIRED);

    return resp->has_pasid == want && (!want || resp->pasid == g->pasid);
}

static void ep_pri_report(ImEp *ep, const ImPageResp *resp, bool expected)
{
    ImEvent ev = {
        .kind = IM_EVENT_PAGE_RESPONSE,
        .name = expected ? "matched" : "unexpected", .resp = resp,
    };

    ep->counters.responses_unexpected += !expected;
    im_ep_log(ep, PASID_EP_LOG_RESPONSE, resp->code & 0xf, !expected, 0,
              resp->has_pasid, resp->pasid, resp->prgi);
    if (ep->port.event) {
        ep->port.event(ep->host, &ev);
    }
}

/* What an answered group means for the channel that sent it. */
static void ep_pri_tell_channel(ImEp *ep, EpChannel *ch, uint8_t code)
{
    if (code == IM_PAGE_RESP_SUCCESS) {
        im_ep_ch_resume(ep, ch);
    } else if (ch->group_pages > 1) {
        ch->single = true;
        im_ep_ch_resume(ep, ch);
    } else {
        ch->response = code;
        im_ep_ch_fail(ep, ch, PASID_EP_CAUSE_RESP_INVALID, ch->wait_va);
    }
}

/* One response for a group. */
IM_RULE(PCIE_PRI_RESPONSE);
void im_ep_pri_answer(ImEp *ep, const ImPageResp *resp)
{
    uint16_t prgi = resp->prgi % EP_PRGIS;
    EpGroup g = ep->group[prgi];
    EpChannel *ch = ep_pri_waiter(ep, &g, prgi);
    bool known = g.used && g.closed && !ep->pri_dead;
    bool enabled = EP_CAP(ep, EP_PRI0, PCIE_PRI_ENABLE);
    uint8_t code = resp->code & 0xf;

    ep_pri_report(ep, resp, known);
    if (ep->pri_dead || (!known && !enabled)) {
        return;
    }
    if (code > IM_PAGE_RESP_INVALID) {
        if (code != IM_PAGE_RESP_FAILURE) {
            im_ep_misuse(ep, EP_MISUSE_RESP_CODE_LO, code);
        }
        if (g.channel == EP_RAW) {
            ep_pri_show_raw(ep, resp);
        }
        ep_pri_response_failure(ep, code);
        return;
    }
    if (!known) {
        ep->cap[EP_PRI0] |= IM_MASK(PCIE_PRI_UPRGI);
        return;
    }
    if (!ep_pri_pasid_agrees(ep, &g, resp)) {
        im_ep_misuse(ep, EP_MISUSE_RESP_PASID_LO, prgi);
    }
    ep->outstanding -= g.messages;
    memset(&ep->group[prgi], 0, sizeof(g));
    if (g.channel == EP_RAW) {
        ep_pri_show_raw(ep, resp);
    }
    if (ch) {
        ep_pri_tell_channel(ep, ch, code);
    }
    im_ep_pri_wake(ep);
}
