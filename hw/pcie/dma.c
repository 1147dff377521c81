/*
 * One memory request of a channel: where it goes, what it carries, what
 * its end means.
 *
 * A port call may re-enter the model. ch->gen tells afterwards whether the
 * operation is still the one that made the call.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/pcie/cfg.h"
#include "hw/pcie/hold.h"
#include "hw/pcie/inv.h"
#include "hw/pcie/log.h"
#include "hw/pcie/op.h"
#include "hw/pcie/run.h"
#include "hw/pcie/xlat.h"

#define SWEEP_MAX  2048         /* requests of a SWEEP in one slice */

static bool ep_dma_is_write(const EpChannel *ch)
{
    switch (ch->prog.op) {
    case PASID_EP_OP_WRITE:
    case PASID_EP_OP_STORE:
    case PASID_EP_OP_FILL:
        return true;
    case PASID_EP_OP_COPY:
        return ch->second;
    default:
        return false;
    }
}

static uint64_t ep_dma_to_page_end(uint64_t addr)
{
    return EP_PAGE - (addr & (EP_PAGE - 1));
}

/* Bytes of the next request: within a page of each address. */
static uint32_t ep_dma_next_length(const EpChannel *ch)
{
    const EpProgram *p = &ch->prog;
    uint64_t done = ch->reg[EP_R_CH_DONE];
    uint64_t n = MIN(p->len - done, ep_dma_to_page_end(p->addr + done));

    if (p->op == PASID_EP_OP_SWEEP) {
        return p->split;
    }
    if (p->op == PASID_EP_OP_COPY) {
        n = MIN(n, ep_dma_to_page_end(p->addr2 + done));
    }
    if (p->split && p->op != PASID_EP_OP_ZERO_READ) {
        n = MIN(n, p->split);
    }
    return (uint32_t)n;
}

static EpReq ep_dma_next_request(const EpChannel *ch)
{
    const EpProgram *p = &ch->prog;
    EpReq req = p->req;

    req.write = ep_dma_is_write(ch);
    req.va = p->op == PASID_EP_OP_SWEEP ?
                 p->addr + ch->place * p->stride :
                 (ch->second ? p->addr2 : p->addr) + ch->reg[EP_R_CH_DONE];
    req.exec = req.exec && !req.write;
    req.nw = req.nw && !req.write;
    return req;
}

/* A request has ended well: count it, end or go on. */
static void ep_dma_advance(ImEp *ep, EpChannel *ch, uint32_t len)
{
    ch->second = false;
    ch->reg[EP_R_CH_DONE] += len;
    ch->reg[EP_R_CH_CRC] = ~ch->crc;
    if (ch->prog.op == PASID_EP_OP_SWEEP) {
        im_ep_sweep_next(ch);
    }
    if (ch->reg[EP_R_CH_DONE] == ch->prog.total) {
        im_ep_ch_end(ep, ch, PASID_EP_STATE_OK, PASID_EP_CAUSE_NONE);
    } else {
        ch->state = PASID_EP_STATE_RUNNING;
    }
}

static void ep_dma_fail_dma(ImEp *ep, EpChannel *ch, unsigned cause, ImCpl cpl)
{
    ep->counters.dma_errors++;
    ch->cpl = (uint8_t)cpl;
    im_ep_ch_fail(ep, ch, cause, ch->flight->req.va);
}

/* A completion for ch->flight. */
static void ep_dma_completed(ImEp *ep, EpChannel *ch, ImStatus status,
                             ImCpl cpl)
{
    const EpFlight *f = ch->flight;
    bool move = ch->prog.op != PASID_EP_OP_ZERO_READ;

    if (status != IM_OK) {
        ep_dma_fail_dma(ep, ch,
                        cpl == IM_CPL_UR ? PASID_EP_CAUSE_DMA_UR :
                                           PASID_EP_CAUSE_DMA_CA,
                        cpl == IM_CPL_UR ? IM_CPL_UR : IM_CPL_CA);
        return;
    }
    if (!f->write && move && EP_REG(ep, INJ_POISON)) {
        EP_REG(ep, INJ_POISON)--;
        ep_dma_fail_dma(ep, ch, PASID_EP_CAUSE_POISONED, IM_CPL_SC);
        return;
    }
    if (move) {
        ep->counters.dma_bytes += f->len;
        if (ch->prog.op != PASID_EP_OP_SWEEP &&
            !im_ep_data_take(ep, ch, ch->reg[EP_R_CH_DONE], f->len)) {
            return;
        }
    }
    if (ch->prog.op == PASID_EP_OP_COPY && !f->write) {
        ch->second = true;
        ch->state = PASID_EP_STATE_RUNNING;
        return;
    }
    ep_dma_advance(ep, ch, f->len);
}

/* The flight stays with the host; the channel may have gone meanwhile. */
static void ep_dma_park(ImEp *ep, EpChannel *ch, uint64_t handle, bool alive)
{
    im_ep_flight_park(ep, ch->flight, handle);
    if (alive) {
        ch->reg[EP_R_CH_PARKED]++;
        ch->state = PASID_EP_STATE_WAIT_DMA;
    } else {
        ch->flight = im_ep_flight_orphan(ep, ch->flight);
    }
}

/* INJ_RESET counts down with each memory request. */
IM_RULE(EP_INJECT);
static bool ep_dma_reset_now(ImEp *ep)
{
    if (EP_REG(ep, INJ_RESET) == 0 || --EP_REG(ep, INJ_RESET) > 0) {
        return false;
    }
    im_ep_reset_as(ep, EP_RESET_INJECTED);
    return true;
}

/* Such a function learns no more than that it failed. */
IM_RULE(EP_PLAIN);
static ImStatus ep_dma_plain(ImEp *ep, const ImTxn *txn, uint8_t *data,
                             ImCpl *cpl)
{
    *cpl = IM_CPL_UR;
    return ep->port.plain(ep->host, txn->addr, data, txn->len,
                          txn->access == IM_WRITE);
}

static void ep_dma_issue(ImEp *ep, EpChannel *ch, const EpReq *req,
                         const ImTxn *txn, uint32_t len)
{
    EpFlight *f = ch->flight;
    uint64_t gen = ch->gen;
    uint64_t handle = 0;
    ImCpl cpl = IM_CPL_CA;
    ImStatus status;

    if (ep_dma_reset_now(ep)) {
        return;
    }
    if (req != &f->req) {
        f->req = *req;
    }
    f->len = len;
    f->write = req->write;
    f->translated = txn->at == IM_AT_TRANSLATED;
    f->serial = ++ep->serial;
    f->channel = (int)ch->index;
    if (req->write) {
        im_ep_data_make(ep, ch, ch->reg[EP_R_CH_DONE], len);
        ep->counters.dma_writes++;
    } else {
        ep->counters.dma_reads++;
    }
    ch->reg[EP_R_CH_REQUESTS]++;
    status = ch->prog.mode == PASID_EP_MODE_PLAIN ?
                 ep_dma_plain(ep, txn, f->data, &cpl) :
                 ep->port.dma(ep->host, txn, req->has_rid, f->data, &cpl,
                              &handle);
    if (status == IM_PENDING) {
        ep_dma_park(ep, ch, handle, gen == ch->gen);
    } else if (gen == ch->gen) {
        ep_dma_completed(ep, ch, status, cpl);
    }
}

/* What becomes of a request without a usable translation. */
static unsigned ep_dma_cause_of(const ImEp *ep, EpXlatKind kind)
{
    switch (kind) {
    case EP_XLAT_NONE:
        return PASID_EP_CAUSE_NO_PERMISSION;
    case EP_XLAT_U:
        return PASID_EP_CAUSE_U_ONLY;
    case EP_XLAT_UR:
        return im_ep_ats_on(ep) ? PASID_EP_CAUSE_ATS_UR :
                                  PASID_EP_CAUSE_ATS_OFF;
    case EP_XLAT_CA:
        return PASID_EP_CAUSE_ATS_CA;
    default:
        return PASID_EP_CAUSE_ATS_MALFORMED;
    }
}

static bool ep_dma_may_go_untranslated(unsigned mode, EpXlatKind kind)
{
    if (mode == PASID_EP_MODE_FALLBACK) {
        return kind == EP_XLAT_NONE || kind == EP_XLAT_U || kind == EP_XLAT_UR;
    }
    return mode == PASID_EP_MODE_AUTO && kind == EP_XLAT_U;
}

static void ep_dma_fail_xlat(ImEp *ep, EpChannel *ch, const EpReq *req,
                             EpXlatKind kind)
{
    ch->cpl = kind == EP_XLAT_UR ? PASID_EP_CPL_UR :
              kind == EP_XLAT_CA ? PASID_EP_CPL_CA :
                                   PASID_EP_CPL_SC;
    im_ep_ch_fail(ep, ch, ep_dma_cause_of(ep, kind), req->va);
}

/* Modes ATS, AUTO and FALLBACK. */
static bool ep_dma_asks_first(unsigned mode)
{
    return mode != PASID_EP_MODE_UNTRANSLATED && mode != PASID_EP_MODE_RAW &&
           mode != PASID_EP_MODE_PLAIN;
}

/*
 * In these modes. Returns true when *txn is ready to go; a translated one
 * carries no PASID, the capability does not offer it.
 */
static bool ep_dma_translate(ImEp *ep, EpChannel *ch, const EpReq *req,
                             ImTxn *txn)
{
    unsigned mode = ch->prog.mode;
    uint64_t gen = ch->gen;
    EpXlat x = im_ep_xlat(ep, req);

    if (gen != ch->gen) {
        return false;
    }
    if (x.kind == EP_XLAT_OK) {
        ch->wait_credit = false;
        txn->addr = x.addr;
        txn->at = IM_AT_TRANSLATED;
        txn->has_pasid = txn->priv = txn->exec = false;
        txn->pasid = 0;
        return true;
    }
    if (ep_dma_may_go_untranslated(mode, x.kind)) {
        return true;
    }
    if (mode == PASID_EP_MODE_AUTO && x.kind == EP_XLAT_NONE) {
        im_ep_ask_for_page(ep, ch, req);
    } else {
        ep_dma_fail_xlat(ep, ch, req, x.kind);
    }
    return false;
}

/* Mode RAW with AT 1: a translation request that moves no data. */
static void ep_dma_probe(ImEp *ep, EpChannel *ch, const EpReq *req,
                         uint32_t len)
{
    uint64_t gen = ch->gen;
    EpXlat x;

    ch->reg[EP_R_CH_REQUESTS]++;
    x = im_ep_ats_ask(ep, req);
    if (gen != ch->gen) {
        return;
    }
    if (x.kind == EP_XLAT_OK || x.kind == EP_XLAT_U) {
        ep_dma_advance(ep, ch, len);
    } else {
        ep_dma_fail_xlat(ep, ch, req, x.kind);
    }
}

/* What configuration forbids, unless forced. */
IM_RULE(EP_REFUSAL);
static unsigned ep_dma_refusal(const ImEp *ep, const EpChannel *ch,
                               const EpReq *req)
{
    const EpProgram *p = &ch->prog;
    bool off_ok = IM_GET(EP_REG(ep, INJ_FLAGS), EP_INJ_FLAGS_ATS_OFF);
    bool ats =
        ((p->mode == PASID_EP_MODE_ATS || p->mode == PASID_EP_MODE_AUTO) &&
         !off_ok) ||
        (p->mode == PASID_EP_MODE_RAW &&
         (p->at == IM_AT_TRANSLATION || p->at == IM_AT_TRANSLATED));

    if (!ep->bus_master) {
        return PASID_EP_CAUSE_NO_BUS_MASTER;
    }
    return req->force ? PASID_EP_CAUSE_NONE : im_ep_refuse(ep, req, ats);
}

IM_RULE(PCIE_AT_FIELD);
static ImTxn ep_dma_make_txn(const EpProgram *p, const EpReq *req, uint32_t len)
{
    return (ImTxn) {
        .addr = req->va,
        .len = p->op == PASID_EP_OP_ZERO_READ ? 0 : len,
        .pasid = req->pasid,
        .rid = req->rid,
        .access = req->write ? IM_WRITE : IM_READ,
        .at = p->mode == PASID_EP_MODE_RAW ? p->at : IM_AT_UNTRANSLATED,
        .has_pasid = req->has_pasid,
        .priv = req->priv,
        .exec = req->exec,
        .no_snoop = req->no_snoop,
    };
}

static void ep_dma_send(ImEp *ep, EpChannel *ch, const EpReq *req, uint32_t len)
{
    const EpProgram *p = &ch->prog;
    ImTxn txn = ep_dma_make_txn(p, req, len);

    if (p->mode == PASID_EP_MODE_RAW && p->at == IM_AT_TRANSLATION) {
        ep_dma_probe(ep, ch, req, len);
    } else if (!ep_dma_asks_first(p->mode) ||
               ep_dma_translate(ep, ch, req, &txn)) {
        ep_dma_issue(ep, ch, req, &txn, len);
    }
}

/*
 * More of a SWEEP: so much that what is around its requests is little. They
 * are made in place, since copying what was just written in pieces stalls.
 */
static void ep_dma_sweep_on(ImEp *ep, EpChannel *ch, const EpReq *req,
                            uint32_t len)
{
    const EpProgram *p = &ch->prog;
    bool simple = !ep_dma_asks_first(p->mode) && p->at != IM_AT_TRANSLATION;
    uint64_t gen = ch->gen;
    ImTxn txn = ep_dma_make_txn(p, req, len);

    ch->flight->req = *req;
    for (unsigned n = 1;
         n < SWEEP_MAX && gen == ch->gen && ch->state == PASID_EP_STATE_RUNNING;
         n++) {
        EpReq *r = &ch->flight->req;

        r->va = txn.addr = p->addr + ch->place * p->stride;
        if (simple) {
            ep_dma_issue(ep, ch, r, &txn, len);
        } else {
            ep_dma_send(ep, ch, r, len);
        }
    }
}

/* Do the next request of a running channel; of a SWEEP, a slice of them. */
void im_ep_dma_step(ImEp *ep, EpChannel *ch)
{
    uint32_t len = ep_dma_next_length(ch);
    EpReq req = ep_dma_next_request(ch);
    unsigned cause = ep_dma_refusal(ep, ch, &req);
    uint64_t gen = ch->gen;

    if (cause != PASID_EP_CAUSE_NONE) {
        im_ep_refused(ep, cause, ch->index);
        im_ep_ch_fail(ep, ch, cause, req.va);
        return;
    }
    ep_dma_send(ep, ch, &req, len);
    if (ch->prog.op == PASID_EP_OP_SWEEP && gen == ch->gen) {
        ep_dma_sweep_on(ep, ch, &req, len);
    }
}

/* The request has ended, for the channel that waits for it, if any. */
static void ep_dma_end(ImEp *ep, uint64_t handle, ImStatus status, ImCpl cpl)
{
    EpFlight *f = im_ep_flight_take(ep, handle);

    if (!f) {
        return;
    }
    if (f->channel == EP_NOBODY) {
        g_free(f);
    } else {
        EpChannel *ch = &ep->ch[f->channel];

        ch->state = PASID_EP_STATE_RUNNING;
        ep_dma_completed(ep, ch, status, cpl);
    }
    im_ep_inv_retry(ep);
}

static void ep_dma_deliver(ImEp *ep, const EpHeld *what)
{
    ep_dma_end(ep, what->handle, what->status, what->cpl);
}

void im_ep_dma_done(ImEp *ep, uint64_t handle, ImStatus status, ImCpl cpl)
{
    const EpFlight *f = im_ep_flight_find(ep, handle);
    const EpHeld h = {
        .deliver = ep_dma_deliver,
        .handle = handle,
        .status = status,
        .cpl = cpl,
    };

    if (!f || f->channel == EP_NOBODY || !im_ep_hold(ep, EP_HOLD_END, &h)) {
        ep_dma_end(ep, handle, status, cpl);
    }
    im_ep_settle(ep);
}
