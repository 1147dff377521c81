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

#include "hw/pcie/cfg.h"
#include "hw/pcie/channel.h"
#include "hw/pcie/dump.h"
#include "hw/pcie/hold.h"
#include "hw/pcie/log.h"
#include "hw/pcie/pri.h"
#include "hw/pcie/run.h"

#define PRGIS  512

/* A page request group that has not been answered. */
typedef struct EpGroup {
    uint32_t pasid;
    uint32_t messages;
    int channel;                /* EP_NOBODY waits for it any more */
    bool used;
    bool closed;
    bool has_pasid;
    bool priv;
} EpGroup;

typedef struct EpPri {
    EpGroup group[PRGIS];
    uint32_t outstanding;       /* messages */
    unsigned next;              /* index to be tried first */
    int raw;                    /* open group of raw requests, or -1 */
    bool dead;                  /* 1111b received: until enabled anew */
} EpPri;

static void ep_pri_clear(EpPri *pri)
{
    memset(pri->group, 0, sizeof(pri->group));
    pri->outstanding = 0;
    pri->raw = -1;
}

EpPri *im_ep_pri_new(void)
{
    EpPri *pri = g_new0(EpPri, 1);

    ep_pri_clear(pri);
    return pri;
}

void im_ep_pri_reset(ImEp *ep)
{
    ep_pri_clear(ep->pri);
    ep->pri->dead = false;
}

bool im_ep_pri_on(const ImEp *ep)
{
    return EP_CAP(ep, EP_PRI0, PCIE_PRI_ENABLE) && !ep->pri->dead;
}

IM_RULE(PCIE_PRI_STATUS);
bool im_ep_pri_stopped(const ImEp *ep)
{
    return im_ep_cap_at(ep, EP_CAP_PRI) &&
           !EP_CAP(ep, EP_PRI0, PCIE_PRI_ENABLE) && ep->pri->outstanding == 0;
}

void im_ep_pri_enabled(ImEp *ep)
{
    im_ep_cap_status(ep, EP_PRI0,
                     IM_MASK(PCIE_PRI_RF) | IM_MASK(PCIE_PRI_UPRGI), false);
    ep->pri->dead = false;
}

uint32_t im_ep_pri_outstanding(const ImEp *ep)
{
    return ep->pri->outstanding;
}

/* Messages, not groups. */
IM_RULE(PCIE_PRI_ALLOCATION);
uint32_t im_ep_pri_room(const ImEp *ep)
{
    uint64_t most = MIN(EP_CAP(ep, EP_PRI1, PCIE_PRI_ALLOCATION),
                        EP_CAP(ep, EP_PRI1, PCIE_PRI_CAPACITY));
    uint32_t sent = ep->pri->outstanding;

    if (IM_GET(EP_REG(ep, INJ_FLAGS), EP_INJ_FLAGS_ALLOCATION)) {
        return UINT32_MAX;
    }
    return most > sent ? (uint32_t)most - sent : 0;
}

int im_ep_pri_free_index(ImEp *ep)
{
    EpPri *pri = ep->pri;

    for (unsigned i = 0; i < PRGIS; i++) {
        unsigned prgi = (pri->next + i) % PRGIS;

        if (!pri->group[prgi].used) {
            pri->next = (prgi + 1) % PRGIS;
            return (int)prgi;
        }
    }
    return -1;
}

int im_ep_pri_raw_index(ImEp *ep)
{
    return ep->pri->raw >= 0 ? ep->pri->raw : im_ep_pri_free_index(ep);
}

bool im_ep_pri_taken(const ImEp *ep, const ImPageReq *req)
{
    const EpGroup *g = &ep->pri->group[req->prgi];

    return g->used && (g->closed || g->channel != EP_RAW ||
                       g->has_pasid != req->has_pasid || g->priv != req->priv ||
                       g->pasid != req->pasid);
}

bool im_ep_pri_open(const ImEp *ep, int prgi)
{
    const EpGroup *g = &ep->pri->group[prgi];

    return g->used && !g->closed;
}

IM_RULE(PCIE_PRI_REQUEST);
IM_RULE(PCIE_PRI_PASID);
void im_ep_pri_send(ImEp *ep, const ImPageReq *req, int channel)
{
    EpGroup *g = &ep->pri->group[req->prgi % PRGIS];
    ImEvent ev = {
        .kind = IM_EVENT_PAGE_REQUEST,
        .name = "sent",
        .req = req,
    };

    if (!g->used) {
        *g = (EpGroup) {
            .used = true,
            .channel = channel,
            .has_pasid = req->has_pasid,
            .pasid = req->pasid,
            .priv = req->priv,
        };
        ep->counters.page_groups++;
    }
    if (channel == EP_RAW) {
        ep->pri->raw = req->last ? -1 : req->prgi;
    }
    g->messages++;
    g->closed |= req->last;
    ep->pri->outstanding++;
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

void im_ep_pri_send_marker(ImEp *ep, const ImPageReq *marker)
{
    ep->counters.stop_markers++;
    im_ep_log(ep, PASID_EP_LOG_PAGE_REQUEST, 0, 4, marker->addr,
              marker->has_pasid, marker->pasid, marker->prgi);
    ep->port.page_request(ep->host, marker);
}

/* No index, no allocation, no response. */
IM_RULE(PCIE_PRI_STOP_MARKER);
void im_ep_pri_stop_marker(ImEp *ep, uint32_t pasid)
{
    const ImPageReq req = {
        .pasid = pasid & IM_PASID_MAX,
        .has_pasid = true,
        .last = true,
    };

    if (!im_ep_pri_on(ep) || !ep->bus_master ||
        !EP_CAP(ep, EP_PASID0, PCIE_PASID_ENABLE)) {
        return;
    }
    im_ep_pri_send_marker(ep, &req);
}

void im_ep_pri_abandon(ImEp *ep, uint16_t prgi, unsigned channel)
{
    EpGroup *g = &ep->pri->group[prgi % PRGIS];

    if (g->used && g->channel == (int)channel) {
        g->channel = EP_NOBODY;
    }
}

/*
 * Reset: pending requests and credits are forgotten. Who waits for an answer
 * will not get one.
 */
IM_RULE(PCIE_PRI_CTRL);
void im_ep_pri_forget(ImEp *ep)
{
    ep_pri_clear(ep->pri);
    im_ep_ch_unanswered(ep, PASID_EP_CAUSE_PRI_OFF, 0);
}

/* 1111b: the interface is dead until enabled anew. */
IM_RULE(PCIE_PRI_CODE);
static void ep_pri_response_failure(ImEp *ep, uint8_t code)
{
    im_ep_cap_status(ep, EP_PRI0, IM_MASK(PCIE_PRI_RF), true);
    ep->pri->dead = true;
    ep_pri_clear(ep->pri);
    im_ep_ch_unanswered(ep, PASID_EP_CAUSE_RESP_FAILURE, code);
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
    bool want = g->has_pasid && EP_CAP(ep, EP_PRI0, PCIE_PRI_PASID_REQUIRED);

    return resp->has_pasid == want && (!want || resp->pasid == g->pasid);
}

static void ep_pri_report(ImEp *ep, const ImPageResp *resp, bool expected)
{
    ImEvent ev = {
        .kind = IM_EVENT_PAGE_RESPONSE,
        .name = expected ? "matched" : "unexpected",
        .resp = resp,
    };

    ep->counters.responses_unexpected += !expected;
    im_ep_log(ep, PASID_EP_LOG_RESPONSE, resp->code & 0xf, !expected, 0,
              resp->has_pasid, resp->pasid, resp->prgi);
    if (ep->port.event) {
        ep->port.event(ep->host, &ev);
    }
}

/* One response for a group. */
IM_RULE(PCIE_PRI_RESPONSE);
static void ep_pri_answer(ImEp *ep, const ImPageResp *resp)
{
    EpPri *pri = ep->pri;
    uint16_t prgi = resp->prgi % PRGIS;
    EpGroup g = pri->group[prgi];
    EpChannel *ch = im_ep_ch_waiter(ep, g.channel, prgi);
    bool known = g.used && g.closed && !pri->dead;
    bool enabled = EP_CAP(ep, EP_PRI0, PCIE_PRI_ENABLE);
    uint8_t code = resp->code & 0xf;

    ep_pri_report(ep, resp, known);
    if (pri->dead || (!known && !enabled)) {
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
        im_ep_cap_status(ep, EP_PRI0, IM_MASK(PCIE_PRI_UPRGI), true);
        return;
    }
    if (!ep_pri_pasid_agrees(ep, &g, resp)) {
        im_ep_misuse(ep, EP_MISUSE_RESP_PASID_LO, prgi);
    }
    pri->outstanding -= g.messages;
    memset(&pri->group[prgi], 0, sizeof(g));
    if (g.channel == EP_RAW) {
        ep_pri_show_raw(ep, resp);
    }
    if (ch) {
        im_ep_ch_answered(ep, ch, code);
    }
    im_ep_ch_wake(ep);
}

static void ep_pri_deliver(ImEp *ep, const EpHeld *what)
{
    ep_pri_answer(ep, &what->resp);
}

void im_ep_page_response(ImEp *ep, const ImPageResp *resp)
{
    const EpHeld h = { .deliver = ep_pri_deliver, .resp = *resp };
    bool held;

    ep->counters.page_responses++;
    held = im_ep_hold(ep, EP_HOLD_RESP, &h);
    if (held) {
        im_ep_log(ep, PASID_EP_LOG_RESPONSE, resp->code & 0xf, 2, 0,
                  resp->has_pasid, resp->pasid, resp->prgi);
    } else {
        ep_pri_answer(ep, resp);
    }
    im_ep_settle(ep);
}

void im_ep_pri_dump(const ImEp *ep, GString *out)
{
    for (unsigned i = 0; i < PRGIS; i++) {
        const EpGroup *g = &ep->pri->group[i];

        if (g->used) {
            g_string_append_printf(out, "group %u: %u messages%s, ", i,
                                   g->messages, g->closed ? "" : ", open");
            im_ep_dump_key(out, g->has_pasid, g->pasid, g->priv);
            g_string_append_c(out, '\n');
        }
    }
}
