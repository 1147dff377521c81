/*
 * The alarm and the host's time: channels run in turn, a slice at a time.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/pcie/hold.h"
#include "hw/pcie/op.h"
#include "hw/pcie/run.h"

typedef struct EpRun {
    unsigned cursor;            /* channel that goes next */
    bool running;               /* im_ep_run() is on the stack */
    bool kicked;
    uint64_t armed;             /* deadline the host knows */
} EpRun;

EpRun *im_ep_run_new(void)
{
    EpRun *run = g_new0(EpRun, 1);

    run->armed = IM_NEVER;
    return run;
}

void im_ep_run_reset(ImEp *ep)
{
    ep->run->cursor = 0;
}

static uint64_t ep_run_deadline(const ImEp *ep)
{
    uint64_t when = im_ep_held_due(ep);

    for (unsigned i = 0; i < ep->config.channels; i++) {
        if (ep->ch[i].state == PASID_EP_STATE_WAIT_PAGE) {
            when = MIN(when, ep->ch[i].deadline);
        }
    }
    return when;
}

static bool ep_run_has_work(const ImEp *ep)
{
    for (unsigned i = 0; i < ep->config.channels; i++) {
        if (ep->ch[i].state == PASID_EP_STATE_RUNNING) {
            return true;
        }
    }
    return false;
}

void im_ep_settle(ImEp *ep)
{
    EpRun *run = ep->run;
    uint64_t when = ep_run_deadline(ep);

    if (when != run->armed) {
        run->armed = when;
        ep->port.deadline(ep->host, when);
    }
    if (!run->running && !run->kicked && ep_run_has_work(ep)) {
        run->kicked = true;
        ep->port.kick(ep->host);
    }
}

void im_ep_deadline(ImEp *ep)
{
    uint64_t now = im_ep_now(ep);

    ep->run->armed = IM_NEVER;
    im_ep_held_deliver(ep, false);
    for (unsigned i = 0; i < ep->config.channels; i++) {
        EpChannel *ch = &ep->ch[i];

        if (ch->state == PASID_EP_STATE_WAIT_PAGE && ch->deadline <= now) {
            im_ep_ch_fail(ep, ch,
                          ch->wait_credit ? PASID_EP_CAUSE_NO_ALLOCATION :
                                            PASID_EP_CAUSE_PAGE_TIMEOUT,
                          ch->wait_va);
        }
    }
    im_ep_settle(ep);
}

/* Requests of one slice: small enough that a guest stays responsive. */
#define SLICE  256

bool im_ep_run(ImEp *ep)
{
    EpRun *run = ep->run;
    unsigned idle = 0;

    if (run->running) {
        return true;
    }
    run->running = true;
    for (unsigned i = 0; i < SLICE && idle < ep->config.channels;) {
        EpChannel *ch = &ep->ch[run->cursor];

        run->cursor = (run->cursor + 1) % ep->config.channels;
        if (ch->state == PASID_EP_STATE_RUNNING) {
            i += ch->prog.op == PASID_EP_OP_SWEEP ? SLICE : 1;
            im_ep_dma_step(ep, ch);
            idle = 0;
        } else {
            idle++;
        }
    }
    run->running = false;
    run->kicked = ep_run_has_work(ep);
    im_ep_settle(ep);
    return run->kicked;
}
