/*
 * pasid-endpoint: creation, resets, the alarm and the interrupt line.
 *
 * Every entry point from the host ends in im_ep_settle(), which tells the
 * host when to call again; nothing else does.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/pcie/ep.h"

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
    if (c->next_ecap != 0 && (c->next_ecap < IM_EP_ECAP_END ||
                              c->next_ecap > 0xffc ||
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
    if (!p->dma || !p->ats || !p->page_request || !p->ats_inv_done ||
        !p->msi || !p->kick || !p->now || !p->deadline) {
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
    ep->channels = config->channels;
    ep->buffer_size = config->buffer_size;
    ep->buffer = g_malloc0(ep->buffer_size);
    ep->armed = IM_NEVER;
    ep->raw_prgi = -1;
    ep->parked = g_queue_new();
    ep->held_inv = g_queue_new();
    ep->held_resp = g_queue_new();
    ep->held_end = g_queue_new();
    ep->ch = g_new0(EpChannel, ep->channels);
    for (unsigned i = 0; i < ep->channels; i++) {
        ep->ch[i].index = i;
        ep->ch[i].flight = g_new0(EpFlight, 1);
    }
    im_ep_atc_init(&ep->atc, config->atc_entries);
    im_ep_crc_init(ep);
    im_ep_cfg_init(ep);
    im_ep_regs_reset(ep);
    return ep;
}

void im_ep_free(ImEp *ep)
{
    if (!ep) {
        return;
    }
    for (unsigned i = 0; i < ep->channels; i++) {
        if (!g_queue_find(ep->parked, ep->ch[i].flight)) {
            g_free(ep->ch[i].flight);
        }
    }
    g_queue_free_full(ep->parked, g_free);
    g_queue_free_full(ep->held_inv, g_free);
    g_queue_free_full(ep->held_resp, g_free);
    g_queue_free_full(ep->held_end, g_free);
    im_ep_atc_free(&ep->atc);
    g_free(ep->ch);
    g_free(ep->buffer);
    g_free(ep);
}

/*
 * Requests outstanding are not waited for. Parked memory requests stay on the
 * list, without a channel, until the host ends them.
 */
IM_RULE(PCIE_FLR);
void im_ep_reset_as(ImEp *ep, EpResetKind kind)
{
    for (unsigned i = 0; i < ep->channels; i++) {
        im_ep_ch_reset(ep, &ep->ch[i]);
    }
    im_ep_inv_reset(ep);
    im_ep_pri_forget(ep);
    im_ep_atc_flush(&ep->atc);
    im_ep_cfg_reset(ep);
    im_ep_regs_reset(ep);
    ep->cursor = 0;
    ep->ats_ur = false;
    if (kind == EP_RESET_CONVENTIONAL) {
        memset(&ep->counters, 0, sizeof(ep->counters));
        memset(ep->log, 0, sizeof(ep->log));
        memset(ep->buffer, 0, ep->buffer_size);
        ep->logged = 0;
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
    for (unsigned i = 0; !on && i < ep->channels; i++) {
        if (im_ep_ch_active(&ep->ch[i])) {
            im_ep_ch_end(ep, &ep->ch[i], PASID_EP_STATE_ERROR,
                         PASID_EP_CAUSE_NO_BUS_MASTER);
        }
    }
    im_ep_settle(ep);
}

uint64_t im_ep_now(ImEp *ep)
{
    return ep->port.now(ep->host);
}

/* An interrupt message is a memory write. */
IM_RULE(PCIE_BME);
void im_ep_interrupt(ImEp *ep, uint64_t vector)
{
    if (!ep->bus_master || vector >= IM_EP_VECTORS(ep->channels)) {
        return;
    }
    ep->counters.interrupts++;
    im_ep_log(ep, PASID_EP_LOG_INTERRUPT, 0, 0, 0, false, 0,
              (uint32_t)vector);
    ep->port.msi(ep->host, (unsigned)vector);
}

static uint64_t ep_next_deadline(const ImEp *ep)
{
    uint64_t when = im_ep_held_due(ep);

    for (unsigned i = 0; i < ep->channels; i++) {
        if (ep->ch[i].state == PASID_EP_STATE_WAIT_PAGE) {
            when = MIN(when, ep->ch[i].deadline);
        }
    }
    return when;
}

static bool ep_has_work(const ImEp *ep)
{
    for (unsigned i = 0; i < ep->channels; i++) {
        if (ep->ch[i].state == PASID_EP_STATE_RUNNING) {
            return true;
        }
    }
    return false;
}

/* Make the host's alarm and its wish to run match the state. */
void im_ep_settle(ImEp *ep)
{
    uint64_t when = ep_next_deadline(ep);

    if (when != ep->armed) {
        ep->armed = when;
        ep->port.deadline(ep->host, when);
    }
    if (!ep->running && !ep->kicked && ep_has_work(ep)) {
        ep->kicked = true;
        ep->port.kick(ep->host);
    }
}

void im_ep_deadline(ImEp *ep)
{
    uint64_t now = im_ep_now(ep);

    ep->armed = IM_NEVER;
    im_ep_held_deliver(ep, false);
    for (unsigned i = 0; i < ep->channels; i++) {
        EpChannel *ch = &ep->ch[i];

        if (ch->state == PASID_EP_STATE_WAIT_PAGE && ch->deadline <= now) {
            im_ep_ch_fail(ep, ch, ch->wait_credit ?
                          PASID_EP_CAUSE_NO_ALLOCATION :
                          PASID_EP_CAUSE_PAGE_TIMEOUT, ch->wait_va);
        }
    }
    im_ep_settle(ep);
}

/* Requests of one slice: small enough that a guest stays responsive. */
#define SLICE  256

bool im_ep_run(ImEp *ep)
{
    unsigned idle = 0;

    if (ep->running) {
        return true;
    }
    ep->running = true;
    for (unsigned i = 0; i < SLICE && idle < ep->channels;) {
        EpChannel *ch = &ep->ch[ep->cursor];

        ep->cursor = (ep->cursor + 1) % ep->channels;
        if (ch->state == PASID_EP_STATE_RUNNING) {
            i += ch->prog.op == PASID_EP_OP_SWEEP ? SLICE : 1;
            im_ep_dma_step(ep, ch);
            idle = 0;
        } else {
            idle++;
        }
    }
    ep->running = false;
    ep->kicked = ep_has_work(ep);
    im_ep_settle(ep);
    return ep->kicked;
}

const ImEpCounters *im_ep_counters(const ImEp *ep)
{
    return &ep->counters;
}

uint8_t *im_ep_buffer(ImEp *ep)
{
    return ep->buffer;
}
