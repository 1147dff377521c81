/*
 * Channels: an operation from START to its end. One request of it is dma.c.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/pcie/atc.h"
#include "hw/pcie/cfg.h"
#include "hw/pcie/dump.h"
#include "hw/pcie/log.h"
#include "hw/pcie/op.h"
#include "hw/pcie/pri.h"

EpChannel *im_ep_ch_new(unsigned channels)
{
    EpChannel *ch = g_new0(EpChannel, channels);

    for (unsigned i = 0; i < channels; i++) {
        ch[i].index = i;
        ch[i].flight = g_new0(EpFlight, 1);
    }
    return ch;
}

void im_ep_ch_free(ImEp *ep)
{
    for (unsigned i = 0; i < ep->config.channels; i++) {
        if (!im_ep_flight_is_parked(ep, ep->ch[i].flight)) {
            g_free(ep->ch[i].flight);
        }
    }
    g_free(ep->ch);
}

EpChannel *im_ep_ch(ImEp *ep, uint64_t n)
{
    return n < ep->config.channels ? &ep->ch[n] : NULL;
}

bool im_ep_ch_active(const EpChannel *ch)
{
    return ch->state == PASID_EP_STATE_RUNNING ||
           ch->state == PASID_EP_STATE_WAIT_PAGE ||
           ch->state == PASID_EP_STATE_WAIT_DMA;
}

bool im_ep_ch_any_active(const ImEp *ep)
{
    bool any = false;

    for (unsigned i = 0; i < ep->config.channels; i++) {
        any |= im_ep_ch_active(&ep->ch[i]);
    }
    return any;
}

void im_ep_ch_ignore(ImEp *ep, EpChannel *ch)
{
    ch->ignored = true;
    im_ep_misuse(ep, EP_MISUSE_CH_RUNNING_LO, ch->index);
}

/*
 * A request of this channel is parked: its buffer stays with the host
 * until im_ep_dma_done(), the channel gets another one.
 */
static void ep_channel_orphan(ImEp *ep, EpChannel *ch)
{
    if (ch->state == PASID_EP_STATE_WAIT_DMA) {
        ch->flight = im_ep_flight_orphan(ep, ch->flight);
    }
}

/* A group of this channel stays outstanding, but nobody waits for it. */
static void ep_channel_abandon(ImEp *ep, EpChannel *ch)
{
    if (ch->state == PASID_EP_STATE_WAIT_PAGE && !ch->wait_credit) {
        im_ep_pri_abandon(ep, ch->prgi, ch->index);
    }
}

/*
 * End an operation. A page request group that was opened is closed by
 * ask.c, never left open here.
 */
void im_ep_ch_end(ImEp *ep, EpChannel *ch, unsigned state, unsigned cause)
{
    ep_channel_orphan(ep, ch);
    ep_channel_abandon(ep, ch);
    ch->gen++;
    ch->state = (uint8_t)state;
    ch->cause = (uint8_t)cause;
    ch->wait_credit = false;
    ch->deadline = IM_NEVER;
    ch->reg[EP_R_CH_RETURNED]++;
    if (IM_GET(ch->reg[EP_R_CH_INTR], EP_CH_INTR_ENABLE)) {
        im_ep_interrupt(ep, IM_GET(ch->reg[EP_R_CH_INTR], EP_CH_INTR_VECTOR));
    }
}

void im_ep_ch_fail(ImEp *ep, EpChannel *ch, unsigned cause, uint64_t addr)
{
    ch->reg[EP_R_CH_BADADDR] = addr;
    im_ep_ch_end(ep, ch, PASID_EP_STATE_ERROR, cause);
}

static void ep_channel_abort(ImEp *ep, EpChannel *ch)
{
    if (im_ep_ch_active(ch)) {
        im_ep_ch_end(ep, ch, PASID_EP_STATE_ABORTED, PASID_EP_CAUSE_NONE);
    }
}

void im_ep_ch_end_all(ImEp *ep, unsigned state, unsigned cause)
{
    for (unsigned i = 0; i < ep->config.channels; i++) {
        if (im_ep_ch_active(&ep->ch[i])) {
            im_ep_ch_end(ep, &ep->ch[i], state, cause);
        }
    }
}

static void ep_channel_reset(ImEp *ep, EpChannel *ch)
{
    EpFlight *flight;
    unsigned index = ch->index;
    uint64_t gen = ch->gen + 1;

    ep_channel_orphan(ep, ch);
    flight = ch->flight;
    memset(ch, 0, sizeof(*ch));
    ch->index = index;
    ch->gen = gen;
    ch->flight = flight;
    ch->deadline = IM_NEVER;
}

void im_ep_ch_reset(ImEp *ep)
{
    for (unsigned i = 0; i < ep->config.channels; i++) {
        ep_channel_reset(ep, &ep->ch[i]);
    }
}

void im_ep_ch_reset_regs(ImEp *ep)
{
    for (unsigned i = 0; i < ep->config.channels; i++) {
        uint64_t *reg = ep->ch[i].reg;

        memset(reg, 0, sizeof(ep->ch[i].reg));
        reg[EP_R_CH_RETRIES] = 8;
        reg[EP_R_CH_GROUP] = 8;
        reg[EP_R_CH_INTR] = IM_PUT(EP_CH_INTR_VECTOR, i + 1);
    }
}

/* After the last request with that PASID. */
IM_RULE(PCIE_PRI_STOP_MARKER);
void im_ep_stop_pasid(ImEp *ep, uint32_t pasid)
{
    const ImAtsInv all = {
        .has_pasid = true,
        .pasid = pasid,
        .lg2size = IM_INV_ALL,
    };

    for (unsigned i = 0; i < ep->config.channels; i++) {
        EpChannel *ch = &ep->ch[i];

        if (im_ep_ch_active(ch) && ch->prog.req.has_pasid &&
            ch->prog.req.pasid == pasid) {
            ep_channel_abort(ep, ch);
        }
    }
    im_ep_atc_invalidate(ep->atc, &all);
    im_ep_pri_stop_marker(ep, pasid);
}

static bool ep_channel_writes_memory(unsigned op)
{
    return op == PASID_EP_OP_WRITE || op == PASID_EP_OP_STORE ||
           op == PASID_EP_OP_FILL;
}

static bool ep_channel_uses_buffer(unsigned op)
{
    return op == PASID_EP_OP_LOAD || op == PASID_EP_OP_STORE ||
           op == PASID_EP_OP_COMPARE_BUF;
}

/* A range of bytes that does not wrap; its end may be 2^64. */
static bool ep_channel_wraps(uint64_t addr, uint64_t len)
{
    return len != 0 && addr + (len - 1) < addr;
}

/* Nothing that an ordinary function could not say. */
IM_RULE(EP_PLAIN);
static bool ep_channel_not_plain(const ImEp *ep, const EpProgram *p)
{
    return !ep->port.plain || p->op == PASID_EP_OP_ZERO_READ ||
           p->req.has_pasid || p->req.priv || p->req.exec || p->req.has_rid;
}

/* What is refused as BAD_PROGRAM. */
IM_RULE(EP_OPERATION);
static bool ep_channel_impossible(const ImEp *ep, const EpProgram *p)
{
    uint64_t size = ep->config.buffer_size;

    if (p->op > PASID_EP_OP_SWEEP || p->mode > PASID_EP_MODE_PLAIN) {
        return true;
    }
    if (p->op == PASID_EP_OP_NONE) {
        return false;
    }
    if (p->split > EP_PAGE || (p->split & (p->split - 1)) != 0 ||
        ep_channel_wraps(p->addr, p->len)) {
        return true;
    }
    if (p->op == PASID_EP_OP_COPY && ep_channel_wraps(p->addr2, p->len)) {
        return true;
    }
    if (ep_channel_uses_buffer(p->op) &&
        (p->len > size || p->addr2 > size - p->len)) {
        return true;
    }
    if (p->req.exec && ep_channel_writes_memory(p->op)) {
        return true;
    }
    if (p->op == PASID_EP_OP_SWEEP && im_ep_sweep_impossible(p)) {
        return true;
    }
    if (p->mode == PASID_EP_MODE_PLAIN && ep_channel_not_plain(ep, p)) {
        return true;
    }
    return p->mode == PASID_EP_MODE_RAW && p->at == IM_AT_TRANSLATION &&
           p->op != PASID_EP_OP_READ && p->op != PASID_EP_OP_ZERO_READ &&
           p->op != PASID_EP_OP_SWEEP;
}

static void ep_channel_load_program(EpChannel *ch)
{
    const uint64_t *reg = ch->reg;
    uint64_t ctrl = reg[EP_R_CH_CTRL];

    ch->prog = (EpProgram) {
        .op = (unsigned)IM_GET(ctrl, EP_CH_CTRL_OP),
        .mode = (unsigned)IM_GET(ctrl, EP_CH_CTRL_MODE),
        .at = (uint8_t)IM_GET(ctrl, EP_CH_CTRL_AT),
        .random = IM_GET(ctrl, EP_CH_CTRL_RANDOM),
        .addr = reg[EP_R_CH_ADDR],
        .addr2 = reg[EP_R_CH_ADDR2],
        .len = reg[EP_R_CH_LEN],
        .total = reg[EP_R_CH_LEN],
        .seed = reg[EP_R_CH_SEED],
        .stride = reg[EP_R_CH_STRIDE],
        .split = (uint32_t)reg[EP_R_CH_SPLIT],
        .retries = (uint32_t)reg[EP_R_CH_RETRIES],
        .group = (uint32_t)reg[EP_R_CH_GROUP],
        .req = {
            .pasid = (uint32_t)reg[EP_R_CH_PASID],
            .rid = (uint16_t)IM_GET(ctrl, EP_CH_CTRL_RID),
            .has_rid = IM_GET(ctrl, EP_CH_CTRL_RID_VALID),
            .has_pasid = IM_GET(ctrl, EP_CH_CTRL_PASID),
            .priv = IM_GET(ctrl, EP_CH_CTRL_PRIV),
            .exec = IM_GET(ctrl, EP_CH_CTRL_EXEC),
            .nw = IM_GET(ctrl, EP_CH_CTRL_NW),
            .no_snoop = IM_GET(ctrl, EP_CH_CTRL_NO_SNOOP),
            .no_cache = IM_GET(ctrl, EP_CH_CTRL_NO_CACHE),
            .force = IM_GET(ctrl, EP_CH_CTRL_FORCE),
        },
    };
    if (ch->prog.op == PASID_EP_OP_SWEEP) {
        im_ep_sweep_start(ch, reg[EP_R_CH_COUNT]);
    }
}

static void ep_channel_clear_results(EpChannel *ch)
{
    /* clang-format off */
    static const EpChReg results[] = {
        EP_R_CH_DONE, EP_R_CH_BADADDR, EP_R_CH_CRC, EP_R_CH_COMPARE,
        EP_R_CH_REQUESTS, EP_R_CH_PAGE_REQUESTS, EP_R_CH_PARKED,
    };
    /* clang-format on */

    for (size_t i = 0; i < G_N_ELEMENTS(results); i++) {
        ch->reg[results[i]] = 0;
    }
    ch->cause = ch->cpl = ch->response = 0;
    ch->ignored = ch->second = ch->single = ch->wait_credit = false;
    ch->wait_va = UINT64_MAX;
    ch->retried = 0;
    ch->deadline = IM_NEVER;
    ch->crc = UINT32_MAX;
}

IM_RULE(EP_CHANNEL);
static void ep_channel_start(ImEp *ep, EpChannel *ch)
{
    if (im_ep_ch_active(ch)) {
        im_ep_ch_ignore(ep, ch);
        return;
    }
    ep_channel_load_program(ch);
    ep_channel_clear_results(ch);
    ch->reg[EP_R_CH_LAUNCHED]++;
    ch->gen++;
    ch->state = PASID_EP_STATE_RUNNING;
    if (ep_channel_impossible(ep, &ch->prog)) {
        im_ep_ch_fail(ep, ch, PASID_EP_CAUSE_BAD_PROGRAM, 0);
    } else if (im_ep_flight_too_many(ep)) {
        im_ep_ch_fail(ep, ch, PASID_EP_CAUSE_BUSY, 0);
    } else if (!ep->bus_master) {
        im_ep_refused(ep, PASID_EP_CAUSE_NO_BUS_MASTER, ch->index);
        im_ep_ch_fail(ep, ch, PASID_EP_CAUSE_NO_BUS_MASTER, 0);
    } else if (ch->prog.total == 0 || ch->prog.op == PASID_EP_OP_NONE) {
        im_ep_ch_end(ep, ch, PASID_EP_STATE_OK, PASID_EP_CAUSE_NONE);
    }
}

uint64_t im_ep_r_ch_status(ImEp *ep, EpChannel *ch)
{
    (void)ep;
    return IM_PUT(EP_CH_STATUS_STATE, ch->state) |
           IM_PUT(EP_CH_STATUS_CPL, ch->cpl) |
           IM_PUT(EP_CH_STATUS_IGNORED, ch->ignored) |
           IM_PUT(EP_CH_STATUS_CAUSE, ch->cause) |
           IM_PUT(EP_CH_STATUS_RESPONSE, ch->response);
}

void im_ep_w_ch_command(ImEp *ep, EpChannel *ch, uint64_t val)
{
    switch (val) {
    case PASID_EP_CH_CMD_START:
        ep_channel_start(ep, ch);
        break;
    case PASID_EP_CH_CMD_ABORT:
        ep_channel_abort(ep, ch);
        break;
    case PASID_EP_CH_CMD_STOP:
        if (IM_GET(ch->reg[EP_R_CH_CTRL], EP_CH_CTRL_PASID)) {
            im_ep_stop_pasid(ep, (uint32_t)ch->reg[EP_R_CH_PASID]);
        } else {
            ep_channel_abort(ep, ch);
        }
        break;
    default:
        im_ep_misuse(ep, EP_MISUSE_BAD_COMMAND_LO, ch->index);
        break;
    }
}

uint64_t *im_ep_ch_reg(EpChannel *ch, EpChReg reg)
{
    return &ch->reg[reg];
}

void im_ep_ch_dump(const ImEp *ep, GString *out)
{
    static const char *const states[] = {
        "idle", "running", "waits for a page", "waits for a request",
        "ok",   "error",   "aborted",
    };

    for (unsigned i = 0; i < ep->config.channels; i++) {
        const EpChannel *ch = &ep->ch[i];

        if (ch->reg[EP_R_CH_LAUNCHED] == 0) {
            continue;
        }
        g_string_append_printf(out,
                               "channel %u: %s, cause %u, op %u, "
                               "mode %u, ",
                               i, states[ch->state], ch->cause, ch->prog.op,
                               ch->prog.mode);
        im_ep_dump_key(out, ch->prog.req.has_pasid, ch->prog.req.pasid,
                       ch->prog.req.priv);
        g_string_append_printf(out,
                               ", %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                               " bytes, launched %" G_GUINT64_FORMAT
                               ", returned %" G_GUINT64_FORMAT "\n",
                               ch->reg[EP_R_CH_DONE], ch->prog.total,
                               ch->reg[EP_R_CH_LAUNCHED],
                               ch->reg[EP_R_CH_RETURNED]);
    }
}
