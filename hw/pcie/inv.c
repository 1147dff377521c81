/*
 * Invalidation requests and their completions (PCIe 10.3), which fault
 * injection drops, doubles and delays.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/pcie/atc.h"
#include "hw/pcie/cfg.h"
#include "hw/pcie/flight.h"
#include "hw/pcie/hold.h"
#include "hw/pcie/inv.h"
#include "hw/pcie/log.h"
#include "hw/pcie/run.h"

#define ITAGS  32

/* An invalidation that waits for translated requests older than it. */
typedef struct EpInv {
    ImAtsInv inv;
    uint64_t serial;
    bool used;
} EpInv;

typedef struct EpInvs {
    EpInv inv[ITAGS];
} EpInvs;

EpInvs *im_ep_invs_new(void)
{
    return g_new0(EpInvs, 1);
}

void im_ep_invs_reset(ImEp *ep)
{
    memset(ep->invs, 0, sizeof(*ep->invs));
}

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

static void ep_inv_deliver(ImEp *ep, const EpHeld *what)
{
    ep_inv_send_done(ep, what->itag_vector, SENT);
}

/* Dropped, else duplicated, else held. */
IM_RULE(EP_INJECT);
static void ep_inv_complete(ImEp *ep, uint8_t itag)
{
    const EpHeld h = {
        .deliver = ep_inv_deliver,
        .itag_vector = UINT32_C(1) << (itag % ITAGS),
    };

    if (im_ep_inject(ep, EP_R_INJ_INV_DROP)) {
        im_ep_log(ep, PASID_EP_LOG_INV_DONE, 0, DROPPED, 0, false, 0,
                  h.itag_vector);
    } else if (im_ep_inject(ep, EP_R_INJ_INV_DUP)) {
        ep_inv_send_done(ep, h.itag_vector, SENT);
        ep_inv_send_done(ep, h.itag_vector, TWICE);
    } else if (im_ep_hold(ep, EP_HOLD_INV, &h)) {
        im_ep_log(ep, PASID_EP_LOG_INV_DONE, 0, HELD, 0, false, 0,
                  h.itag_vector);
    } else {
        ep_inv_send_done(ep, h.itag_vector, SENT);
    }
}

void im_ep_inv_retry(ImEp *ep)
{
    EpInv *inv = ep->invs->inv;

    for (unsigned i = 0; i < ITAGS; i++) {
        if (inv[i].used && !im_ep_flight_uses(ep, &inv[i].inv, inv[i].serial)) {
            inv[i].used = false;
            ep_inv_complete(ep, (uint8_t)i);
        }
    }
}

/* Keep an invalidation back. A reused ITag waits for everything older. */
static void ep_inv_postpone(ImEp *ep, const EpInv *inv)
{
    EpInv *slot = &ep->invs->inv[inv->inv.itag % ITAGS];
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
    im_ep_log(ep, PASID_EP_LOG_INVALIDATE, inv->lg2size, inv->global, inv->addr,
              inv->has_pasid, inv->pasid, inv->itag);
    if (ep->port.event) {
        ep->port.event(ep->host, &ev);
    }
    im_ep_raise(ep, EP_EVENT_INVALIDATION_LO);
}

/* Always answered, also when nothing matched. */
IM_RULE(PCIE_INV_COMPLETION);
IM_RULE(PCIE_INV_REQUEST);
void im_ep_ats_invalidate(ImEp *ep, const ImAtsInv *inv)
{
    EpInv pending = { .inv = *inv, .serial = ++ep->serial };

    if (!EP_CAP(ep, EP_ATS0, PCIE_ATS_GLOBAL_INV)) {
        IM_RULE(PCIE_INV_PASID);
        pending.inv.global = false;
    }
    ep_inv_count(ep, inv);
    if (!im_ep_ats_on(ep)) {
        im_ep_misuse(ep, EP_MISUSE_INV_ATS_OFF_LO, inv->itag);
    }
    if (!IM_GET(EP_REG(ep, INJ_FLAGS), EP_INJ_FLAGS_STALE)) {
        im_ep_atc_invalidate(ep->atc, &pending.inv);
    }
    if (im_ep_flight_uses(ep, &pending.inv, pending.serial)) {
        ep_inv_postpone(ep, &pending);
    } else {
        ep_inv_complete(ep, inv->itag);
    }
    im_ep_settle(ep);
}

void im_ep_invs_dump(const ImEp *ep, GString *out)
{
    for (unsigned i = 0; i < ITAGS; i++) {
        if (ep->invs->inv[i].used) {
            g_string_append_printf(out, "invalidation %u waits\n", i);
        }
    }
}
