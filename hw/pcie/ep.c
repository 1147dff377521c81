/*
 * pasid-endpoint: creation, resets, the alarm and the interrupt line.
 *
 * Every entry point from the host ends in im_ep_settle(), which tells the
 * host when to call again; nothing else does.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/pcie/atc.h"
#include "hw/pcie/cfg.h"
#include "hw/pcie/channel.h"
#include "hw/pcie/data.h"
#include "hw/pcie/flight.h"
#include "hw/pcie/hold.h"
#include "hw/pcie/inv.h"
#include "hw/pcie/log.h"
#include "hw/pcie/pri.h"
#include "hw/pcie/raw.h"
#include "hw/pcie/regs.h"
#include "hw/pcie/run.h"

#define MIB  (UINT32_C(1) << 20)

const ImEpConfig IM_EP_CONFIG_DEFAULT = {
    .pasid_bits = 20,
    .pasid = true,
    .ats = true,
    .pri = true,
    .pasid_exec = true,
    .pasid_priv = true,
    .ats_page_aligned = true,
    .ats_global_invalidate = true,
    .ats_queue_depth = 0,
    .pri_capacity = 512,
    .pri_pasid_required = true,
    .atc_entries = 256,
    .channels = 8,
    .page_timeout_ns = UINT64_C(10000000000),
    .buffer_size = MIB,
};

static const char *ep_config_error(const ImEpConfig *c)
{
    if (c->pasid_bits > IM_PASID_BITS) {
        return "pasid_bits is not in the range 0 .. 20";
    }
    if (!c->pasid && (c->pasid_exec || c->pasid_priv)) {
        return "pasid_exec and pasid_priv need pasid";
    }
    if (c->pri && !c->ats) {
        return "pri needs ats: page requests serve translation requests";
    }
    if (c->pri && c->pri_capacity == 0) {
        return "pri needs a pri_capacity of at least 1";
    }
    if (c->ats_queue_depth > 31) {
        return "ats_queue_depth is not in the range 0 .. 31";
    }
    if (c->channels < 1 || c->channels > PASID_EP_CHANNELS_MAX) {
        return "channels is not in the range 1 .. 32";
    }
    if (c->atc_entries > 1u << 20) {
        return "atc_entries is not in the range 0 .. 1048576";
    }
    if (c->buffer_size < MIB || c->buffer_size > 256 * MIB ||
        (c->buffer_size & (c->buffer_size - 1)) != 0) {
        return "buffer_size is not a power of two of 1 .. 256 MiB";
    }
    if (c->next_ecap != 0 &&
        (c->next_ecap < IM_EP_ECAP_END || c->next_ecap > 0xffc ||
         (c->next_ecap & 3) != 0)) {
        return "next_ecap is not a multiple of 4 in IM_EP_ECAP_END .. 0xffc";
    }
    return NULL;
}

static const char *ep_port_error(const ImEpPort *p)
{
    if (p->size < G_STRUCT_OFFSET(ImEpPort, event)) {
        return "the port's size is too small for its members";
    }
    if (!p->dma || !p->ats || !p->page_request || !p->ats_inv_done || !p->msi ||
        !p->kick || !p->now || !p->deadline) {
        return "the port lacks a member that is not optional";
    }
    return NULL;
}

ImEp *im_ep_new(const ImEpConfig *config, const ImEpPort *port, void *host,
                char **err)
{
    const char *why = ep_config_error(config);
    ImEp *ep;

    if (!why) {
        why = ep_port_error(port);
    }
    if (why) {
        if (err) {
            *err = g_strdup(why);
        }
        return NULL;
    }
    ep = g_new0(ImEp, 1);
    memcpy(&ep->port, port, MIN(port->size, sizeof(ep->port)));
    ep->host = host;
    ep->config = *config;
    ep->cfg = im_ep_cfg_new(config);
    ep->log = im_ep_log_new();
    ep->hold = im_ep_hold_new();
    ep->flights = im_ep_flights_new();
    ep->atc = im_ep_atc_new(config->atc_entries);
    ep->invs = im_ep_invs_new();
    ep->pri = im_ep_pri_new();
    ep->raw = im_ep_raw_new();
    ep->data = im_ep_data_new(config->buffer_size);
    ep->run = im_ep_run_new();
    ep->ch = im_ep_ch_new(config->channels);
    im_ep_regs_reset(ep);
    return ep;
}

void im_ep_free(ImEp *ep)
{
    if (!ep) {
        return;
    }
    im_ep_ch_free(ep);
    g_free(ep->run);
    im_ep_data_free(ep->data);
    g_free(ep->raw);
    g_free(ep->pri);
    g_free(ep->invs);
    im_ep_atc_free(ep->atc);
    im_ep_flights_free(ep->flights);
    im_ep_hold_free(ep->hold);
    g_free(ep->log);
    g_free(ep->cfg);
    g_free(ep);
}

/*
 * Requests outstanding are not waited for. Parked memory requests stay on the
 * list, without a channel, until the host ends them.
 */
IM_RULE(PCIE_FLR);
IM_RULE(EP_RESET);
void im_ep_reset_as(ImEp *ep, EpResetKind kind)
{
    im_ep_ch_reset(ep);
    im_ep_invs_reset(ep);
    im_ep_held_reset(ep);
    im_ep_pri_reset(ep);
    im_ep_atc_flush(ep->atc);
    im_ep_cfg_reset(ep);
    im_ep_regs_reset(ep);
    im_ep_run_reset(ep);
    if (kind == EP_RESET_CONVENTIONAL) {
        memset(&ep->counters, 0, sizeof(ep->counters));
        im_ep_log_clear(ep);
        im_ep_data_clear(ep);
    }
    if (kind <= EP_RESET_FLR) {
        ep->bus_master = false;
    }
    im_ep_log(ep, PASID_EP_LOG_RESET, kind, 0, 0, false, 0, 0);
    if (kind == EP_RESET_INJECTED) {
        im_ep_raise(ep, EP_EVENT_RESET_LO);
    }
}

void im_ep_reset(ImEp *ep)
{
    im_ep_reset_as(ep, EP_RESET_CONVENTIONAL);
    im_ep_settle(ep);
}

void im_ep_flr(ImEp *ep)
{
    im_ep_reset_as(ep, EP_RESET_FLR);
    im_ep_settle(ep);
}

void im_ep_set_bus_master(ImEp *ep, bool on)
{
    if (ep->bus_master == on) {
        return;
    }
    ep->bus_master = on;
    if (!on) {
        im_ep_ch_end_all(ep, PASID_EP_STATE_ERROR,
                         PASID_EP_CAUSE_NO_BUS_MASTER);
    }
    im_ep_settle(ep);
}

const ImEpCounters *im_ep_counters(const ImEp *ep)
{
    return &ep->counters;
}
