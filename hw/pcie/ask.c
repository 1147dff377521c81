/*
 * A channel and the pages it asks for: what it wants, how it waits, and what
 * an answer means to it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/pcie/cfg.h"
#include "hw/pcie/op.h"
#include "hw/pcie/pri.h"

#define GROUP_MAX  512          /* what a guest can ask for in one slice */

typedef enum EpAsk { ASK_SENT, ASK_WAIT, ASK_OFF, ASK_NEVER } EpAsk;

static uint64_t ep_ask_deadline_from_now(ImEp *ep)
{
    uint64_t wait = EP_REG(ep, PAGE_TIMEOUT);
    uint64_t now = im_ep_now(ep);

    return wait == 0 || wait > IM_NEVER - now ? IM_NEVER : now + wait;
}

static void ep_ask_wait_for(ImEp *ep, EpChannel *ch, bool credit)
{
    if (!credit || !ch->wait_credit) {      /* a wait resumed keeps its end */
        ch->deadline = ep_ask_deadline_from_now(ep);
    }
    ch->wait_credit = credit;
    ch->state = PASID_EP_STATE_WAIT_PAGE;
}

/*
 * Ask for up to pages pages from req->va on, in one group, closed before
 * the allocation is used up. ASK_WAIT: no room now; the channel is
 * woken when there is.
 */
static EpAsk ep_ask_send(ImEp *ep, EpChannel *ch, const EpReq *req,
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
    uint32_t n;
    int prgi;

    if (!im_ep_pri_on(ep)) {
        return ASK_OFF;
    }
    n = MIN(pages, im_ep_pri_room(ep));
    prgi = n ? im_ep_pri_free_index(ep) : -1;
    if (prgi < 0) {
        if (im_ep_pri_outstanding(ep) == 0) {
            return ASK_NEVER;
        }
        ep_ask_wait_for(ep, ch, true);
        return ASK_WAIT;
    }
    ep_ask_wait_for(ep, ch, false);
    msg.prgi = ch->prgi = (uint16_t)prgi;
    ch->group_pages = n;
    ch->retried++;
    for (uint32_t i = 0; i == 0 || (i < n && im_ep_pri_open(ep, prgi)); i++) {
        msg.last = i == n - 1;
        ch->reg[EP_R_CH_PAGE_REQUESTS]++;
        im_ep_pri_send(ep, &msg, (int)ch->index);
        msg.addr += EP_PAGE;
    }
    return ASK_SENT;
}

/* Pages this operation still needs from va on, at most a group. */
static uint32_t ep_ask_pages_wanted(const EpChannel *ch, uint64_t va)
{
    uint64_t left = ch->prog.total - ch->reg[EP_R_CH_DONE];
    uint64_t span = (va & (EP_PAGE - 1)) + MIN(left, UINT64_C(1) << 40);
    uint64_t pages = (span + EP_PAGE - 1) / EP_PAGE;

    return ch->single || ch->prog.op == PASID_EP_OP_SWEEP ?
               1 :
               (uint32_t)MIN(pages, CLAMP(ch->prog.group, 1, GROUP_MAX));
}

/* AUTO: no permission; ask for the page, then retry. */
IM_RULE(EP_MODE);
void im_ep_ask_for_page(ImEp *ep, EpChannel *ch, const EpReq *req)
{
    unsigned cause = PASID_EP_CAUSE_NONE;

    if ((ch->wait_va ^ req->va) & ~(EP_PAGE - 1)) {
        ch->retried = 0;
    }
    ch->wait_va = req->va;
    if (ch->retried >= ch->prog.retries) {
        im_ep_ch_fail(ep, ch, PASID_EP_CAUSE_RETRIES, req->va);
        return;
    }
    switch (ep_ask_send(ep, ch, req, ep_ask_pages_wanted(ch, req->va))) {
    case ASK_OFF:
        cause = PASID_EP_CAUSE_PRI_OFF;
        break;
    case ASK_NEVER:
        cause = PASID_EP_CAUSE_NO_ALLOCATION;
        break;
    default:
        return;
    }
    im_ep_refused(ep, cause, ch->index);
    im_ep_ch_fail(ep, ch, cause, req->va);
}

/* The wait is over: the next slice looks again. */
static void ep_ask_resume(EpChannel *ch)
{
    ch->state = PASID_EP_STATE_RUNNING;
    ch->wait_credit = false;
    ch->deadline = IM_NEVER;
}

EpChannel *im_ep_ch_waiter(ImEp *ep, int channel, uint16_t prgi)
{
    EpChannel *ch;

    if (channel < 0 || channel >= (int)ep->config.channels) {
        return NULL;
    }
    ch = &ep->ch[channel];
    return ch->state == PASID_EP_STATE_WAIT_PAGE && !ch->wait_credit &&
                   ch->prgi == prgi ?
               ch :
               NULL;
}

void im_ep_ch_wake(ImEp *ep)
{
    for (unsigned i = 0; i < ep->config.channels; i++) {
        EpChannel *ch = &ep->ch[i];

        if (ch->state == PASID_EP_STATE_WAIT_PAGE && ch->wait_credit) {
            ch->state = PASID_EP_STATE_RUNNING;
        }
    }
}

void im_ep_ch_unanswered(ImEp *ep, unsigned cause, uint8_t code)
{
    for (unsigned i = 0; i < ep->config.channels; i++) {
        EpChannel *ch = &ep->ch[i];

        if (ch->state == PASID_EP_STATE_WAIT_PAGE) {
            ch->response = code;
            im_ep_ch_fail(ep, ch, cause, ch->wait_va);
        }
    }
}

void im_ep_ch_answered(ImEp *ep, EpChannel *ch, uint8_t code)
{
    if (code == IM_PAGE_RESP_SUCCESS) {
        ep_ask_resume(ch);
    } else if (ch->group_pages > 1) {
        ch->single = true;
        ep_ask_resume(ch);
    } else {
        ch->response = code;
        im_ep_ch_fail(ep, ch, PASID_EP_CAUSE_RESP_INVALID, ch->wait_va);
    }
}
