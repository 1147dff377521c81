/*
 * From an untranslated address to a translated one: the ATC, else a
 * translation request (PCIe 10.2).
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/pcie/atc.h"
#include "hw/pcie/cfg.h"
#include "hw/pcie/log.h"
#include "hw/pcie/xlat.h"

/* An answer overtaken by an invalidation is asked for anew this often. */
#define STALE_TRIES  16

IM_RULE(PCIE_ATS_EXE);
static unsigned ep_xlat_needed(const EpReq *req)
{
    unsigned perm = req->write ? IM_PERM_W : IM_PERM_R;

    return req->exec ? perm | IM_PERM_X : perm;
}

/*
 * Without R and W the rest is not defined. An entry of 0 grants nothing,
 * whatever was asked.
 */
IM_RULE(PCIE_ATS_RW);
IM_RULE(PCIE_ATS_U);
static EpXlatKind ep_xlat_judge(const EpReq *req, unsigned perm, bool u)
{
    if (!(perm & (IM_PERM_R | IM_PERM_W)) || (ep_xlat_needed(req) & ~perm)) {
        return EP_XLAT_NONE;
    }
    return u ? EP_XLAT_U : EP_XLAT_OK;
}

/*
 * Size of the translated region: a power of two, at least the smallest
 * translation unit, cut to where both addresses agree in alignment.
 */
static bool ep_xlat_region(const ImEp *ep, const EpReq *req, const ImXlat *x,
                           uint8_t *lg2)
{
    uint64_t stu = EP_CAP(ep, EP_ATS0, PCIE_ATS_STU);
    unsigned bits = 12;

    if ((x->mask & (x->mask + 1)) != 0 || x->mask < EP_PAGE - 1 ||
        ((x->addr ^ req->va) & (EP_PAGE - 1)) != 0) {
        return false;
    }
    while (bits < 63 && x->mask >> bits) {
        bits++;
    }
    if (bits < 12 + stu) {
        return false;
    }
    while (bits > 12 &&
           ((x->addr ^ req->va) & ((UINT64_C(1) << bits) - 1)) != 0) {
        bits--;
    }
    *lg2 = (uint8_t)MIN(bits, EP_LG2_MAX);
    return true;
}

static EpXlat ep_xlat_decode(const ImEp *ep, const EpReq *req, const ImXlat *x)
{
    EpXlat out = { .raw = *x };

    if (x->status == IM_FAULT) {
        out.kind = x->cpl == IM_CPL_UR ? EP_XLAT_UR : EP_XLAT_CA;
        return out;
    }
    if (x->status != IM_OK) {
        out.kind = EP_XLAT_CA;
        return out;
    }
    out.kind = ep_xlat_judge(req, x->perm, x->untranslated_only);
    if (!(x->perm & (IM_PERM_R | IM_PERM_W))) {
        out.lg2 = 12;
        return out;
    }
    if (!ep_xlat_region(ep, req, x, &out.lg2)) {
        out.kind = EP_XLAT_MALFORMED;
        return out;
    }
    out.addr = x->addr;
    out.base = x->addr & ~((UINT64_C(1) << out.lg2) - 1);
    return out;
}

IM_RULE(PCIE_ATS_ADDRESS);
IM_RULE(PCIE_ATS_REQUEST);
IM_RULE(PCIE_ATS_NW);
IM_RULE(PCIE_ATS_PASID);
EpXlat im_ep_ats_ask(ImEp *ep, const EpReq *req)
{
    uint64_t off = req->va & (EP_PAGE - 1);
    ImTxn txn = {
        .addr = req->va - off,
        .len = 8,
        .pasid = req->pasid,
        .rid = req->rid,
        .access = IM_READ,
        .at = IM_AT_TRANSLATION,
        .has_pasid = req->has_pasid,
        .priv = req->priv,
        .exec = req->exec,
        .no_write = req->nw && !req->write,
    };
    EpXlat out;
    ImXlat x;

    ep->counters.ats_requests++;
    x = ep->port.ats(ep->host, &txn, req->has_rid);
    x.addr += off;
    out = ep_xlat_decode(ep, req, &x);
    im_ep_log(ep, PASID_EP_LOG_ATS,
              x.status == IM_OK      ? PASID_EP_CPL_SC :
              out.kind == EP_XLAT_UR ? PASID_EP_CPL_UR :
                                       PASID_EP_CPL_CA,
              0, req->va, req->has_pasid, req->pasid,
              x.status == IM_OK ? x.perm : 0);
    return out;
}

IM_RULE(PCIE_ATS_PRIV);
void im_ep_ats_keep(ImEp *ep, const EpReq *req, const EpXlat *x)
{
    const EpAtcEntry e = {
        .va = req->va & ~((UINT64_C(1) << x->lg2) - 1),
        .pa = x->base,
        .pasid = req->pasid,
        .lg2 = x->lg2,
        .perm = x->raw.perm,
        .has_pasid = req->has_pasid,
        .priv = req->priv,
        .global = x->raw.global && req->has_pasid,
        .u = x->raw.untranslated_only,
        .n = x->raw.non_snoop,
        .nw = req->nw && !req->write,
    };

    if (x->kind > EP_XLAT_U || !(e.perm & (IM_PERM_R | IM_PERM_W))) {
        return;
    }
    if (!im_ep_ats_on(ep) &&
        !IM_GET(EP_REG(ep, INJ_FLAGS), EP_INJ_FLAGS_ATS_OFF)) {
        return;
    }
    if (im_ep_atc_insert(ep->atc, &e)) {
        ep->counters.atc_evictions++;
    }
}

/*
 * Translate: a hit that permits what is wanted, else ask. What an entry
 * does not permit may be permitted by now: it is asked for again. An answer
 * overtaken by an invalidation is thrown away.
 */
IM_RULE(PCIE_INV_ORDERING);
EpXlat im_ep_xlat(ImEp *ep, const EpReq *req)
{
    const EpAtcEntry *e = im_ep_atc_find(ep->atc, req);
    EpXlat x = { .kind = EP_XLAT_UR };
    uint64_t epoch;

    if (e && ep_xlat_judge(req, e->perm, e->u) != EP_XLAT_NONE) {
        ep->counters.atc_hits++;
        x.kind = ep_xlat_judge(req, e->perm, e->u);
        x.lg2 = e->lg2;
        x.base = e->pa;
        x.addr = e->pa + (req->va - e->va);
        return x;
    }
    ep->counters.atc_misses++;
    if ((im_ep_ats_ended(ep) || !im_ep_ats_on(ep)) && !req->force) {
        return x;
    }
    for (unsigned i = 0; i < STALE_TRIES; i++) {
        epoch = im_ep_atc_epoch(ep->atc);
        x = im_ep_ats_ask(ep, req);
        if (epoch == im_ep_atc_epoch(ep->atc)) {
            if (x.kind == EP_XLAT_UR) {
                im_ep_ats_end(ep, true);
            }
            if (!req->no_cache) {
                im_ep_ats_keep(ep, req, &x);
            }
            return x;
        }
    }
    x.kind = EP_XLAT_NONE;
    return x;
}

/* As on the wire. */
IM_RULE(PCIE_ATS_COMPLETION);
IM_RULE(PCIE_ATS_SIZE);
uint64_t im_ep_ats_entry(const EpXlat *x)
{
    uint64_t entry = 0;

    if (x->raw.perm & (IM_PERM_R | IM_PERM_W)) {
        entry = x->base;
        if (x->lg2 > 12) {
            entry |= PASID_EP_ENTRY_S |
                     (((UINT64_C(1) << (x->lg2 - 1)) - 1) & ~(EP_PAGE - 1));
        }
    }
    return entry | (x->raw.perm & IM_PERM_R ? PASID_EP_ENTRY_R : 0) |
           (x->raw.perm & IM_PERM_W ? PASID_EP_ENTRY_W : 0) |
           (x->raw.perm & IM_PERM_X ? PASID_EP_ENTRY_EXE : 0) |
           (x->raw.untranslated_only ? PASID_EP_ENTRY_U : 0) |
           (x->raw.priv ? PASID_EP_ENTRY_PRIV : 0) |
           (x->raw.global ? PASID_EP_ENTRY_GLOBAL : 0) |
           (x->raw.non_snoop ? PASID_EP_ENTRY_N : 0);
}
