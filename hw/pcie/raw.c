/*
 * Raw translation requests and raw page requests: one message each, with
 * any attributes, illegal ones when forced.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/pcie/atc.h"
#include "hw/pcie/cfg.h"
#include "hw/pcie/log.h"
#include "hw/pcie/pri.h"
#include "hw/pcie/raw.h"
#include "hw/pcie/xlat.h"

typedef struct EpRaw {
    uint64_t result[PASID_EP_ATS_RESULTS][3];
} EpRaw;

EpRaw *im_ep_raw_new(void)
{
    return g_new0(EpRaw, 1);
}

void im_ep_raw_reset(ImEp *ep)
{
    memset(ep->raw, 0, sizeof(*ep->raw));
}

bool im_ep_raw_result(const ImEp *ep, uint64_t off, uint64_t *val)
{
    uint64_t word = off % PASID_EP_ATS_RESULT_STRIDE / 8;

    *val = word < 3 ? ep->raw->result[off / PASID_EP_ATS_RESULT_STRIDE][word] :
                      0;
    return word < 3;
}

static EpReq ep_raw_ats_request(const ImEp *ep)
{
    uint64_t ctrl = EP_REG(ep, ATS_CTRL);

    return (EpReq) {
        .va = EP_REG(ep, ATS_ADDR) & ~(EP_PAGE - 1),
        .pasid = (uint32_t)EP_REG(ep, ATS_PASID),
        .rid = (uint16_t)IM_GET(ctrl, EP_ATS_CTRL_RID),
        .has_rid = IM_GET(ctrl, EP_ATS_CTRL_RID_VALID),
        .has_pasid = IM_GET(ctrl, EP_ATS_CTRL_PASID),
        .priv = IM_GET(ctrl, EP_ATS_CTRL_PRIV),
        .exec = IM_GET(ctrl, EP_ATS_CTRL_EXEC),
        .nw = IM_GET(ctrl, EP_ATS_CTRL_NW),
        .force = IM_GET(ctrl, EP_ATS_CTRL_FORCE),
    };
}

static void ep_raw_set_ats_status(ImEp *ep, unsigned state, unsigned cpl,
                                  unsigned count)
{
    EP_REG(ep, ATS_STATUS) = IM_PUT(EP_ATS_STATUS_STATE, state) |
                             IM_PUT(EP_ATS_STATUS_CPL, cpl) |
                             IM_PUT(EP_ATS_STATUS_COUNT, count);
}

static unsigned ep_raw_refusal(const ImEp *ep, const EpReq *req, bool ats)
{
    if (req->force && ep->bus_master) {
        return PASID_EP_CAUSE_NONE;
    }
    return im_ep_refuse(ep, req, ats);
}

/*
 * Entries of one size for consecutive ranges. Returns how many; *cpl is the
 * first completion's status.
 */
IM_RULE(PCIE_ATS_MULTIPLE);
static unsigned ep_raw_collect(ImEp *ep, EpReq *req, unsigned want,
                               unsigned *cpl)
{
    bool keep = IM_GET(EP_REG(ep, ATS_CTRL), EP_ATS_CTRL_CACHE);
    unsigned n = 0;
    uint8_t lg2 = 0;

    *cpl = PASID_EP_CPL_SC;
    while (n < want) {
        uint64_t epoch = im_ep_atc_epoch(ep->atc);
        EpXlat x = im_ep_ats_ask(ep, req);

        if (x.raw.status != IM_OK || x.kind == EP_XLAT_MALFORMED) {
            *cpl = n                    ? *cpl :
                   x.kind == EP_XLAT_UR ? PASID_EP_CPL_UR :
                                          PASID_EP_CPL_CA;
            break;
        }
        if (n && x.lg2 < lg2) {
            break;
        }
        if (n == 0) {
            lg2 = x.lg2;
            req->va &= ~((UINT64_C(1) << lg2) - 1);
        } else if (x.lg2 > lg2) {
            x.base = x.addr & ~((UINT64_C(1) << lg2) - 1);
            x.lg2 = lg2;
        }
        if (keep && epoch == im_ep_atc_epoch(ep->atc)) {
            im_ep_ats_keep(ep, req, &x);
        }
        ep->raw->result[n][0] = x.base;
        ep->raw->result[n][1] = UINT64_C(1) << lg2;
        ep->raw->result[n][2] = im_ep_ats_entry(&x);
        n++;
        if (!(x.raw.perm & (IM_PERM_R | IM_PERM_W)) ||
            req->va + (UINT64_C(1) << lg2) < req->va) {
            break;
        }
        req->va += UINT64_C(1) << lg2;
    }
    return n;
}

IM_RULE(EP_RAW_ATS);
void im_ep_w_ats_go(ImEp *ep, EpChannel *ch, uint64_t val)
{
    EpReq req = ep_raw_ats_request(ep);
    unsigned cause = ep_raw_refusal(ep, &req, true);
    uint64_t want = IM_GET(EP_REG(ep, ATS_CTRL), EP_ATS_CTRL_COUNT);
    unsigned cpl, n;

    (void)ch;
    (void)val;
    im_ep_raw_reset(ep);
    if (cause != PASID_EP_CAUSE_NONE) {
        im_ep_refused(ep, cause, PASID_EP_ATS_GO);
        ep_raw_set_ats_status(ep, PASID_EP_RAW_REFUSED, 0, 0);
        return;
    }
    n = ep_raw_collect(ep, &req, (unsigned)CLAMP(want, 1, PASID_EP_ATS_RESULTS),
                       &cpl);
    ep_raw_set_ats_status(ep, PASID_EP_RAW_SENT, cpl, n);
}

/* The index a raw request uses; -1 when none is free. */
static int ep_raw_index(ImEp *ep)
{
    uint64_t ctrl = EP_REG(ep, PR_CTRL);

    if (!IM_GET(ctrl, EP_PR_CTRL_PRGI_AUTO)) {
        return (int)IM_GET(ctrl, EP_PR_CTRL_PRGI);
    }
    return im_ep_pri_raw_index(ep);
}

static unsigned ep_raw_pr_refusal(const ImEp *ep, const ImPageReq *req,
                                  int prgi)
{
    const EpReq key = {
        .pasid = req->pasid,
        .has_pasid = req->has_pasid,
        .priv = req->priv,
        .exec = req->exec,
        .force = IM_GET(EP_REG(ep, PR_CTRL), EP_PR_CTRL_FORCE),
    };
    unsigned cause = ep_raw_refusal(ep, &key, false);
    bool marker = req->last && !req->read && !req->write;

    if (cause != PASID_EP_CAUSE_NONE || key.force) {
        return cause;
    }
    if (!im_ep_pri_on(ep)) {
        return PASID_EP_CAUSE_PRI_OFF;
    }
    if (!marker &&
        (prgi < 0 || im_ep_pri_room(ep) == 0 || im_ep_pri_taken(ep, req))) {
        return PASID_EP_CAUSE_NO_ALLOCATION;
    }
    return PASID_EP_CAUSE_NONE;
}

static ImPageReq ep_raw_page_request(const ImEp *ep)
{
    uint64_t ctrl = EP_REG(ep, PR_CTRL);

    return (ImPageReq) {
        .addr = EP_REG(ep, PR_ADDR) & ~(EP_PAGE - 1),
        .pasid = (uint32_t)EP_REG(ep, PR_PASID),
        .has_pasid = IM_GET(ctrl, EP_PR_CTRL_PASID),
        .priv = IM_GET(ctrl, EP_PR_CTRL_PRIV),
        .exec = IM_GET(ctrl, EP_PR_CTRL_EXEC),
        .read = IM_GET(ctrl, EP_PR_CTRL_READ),
        .write = IM_GET(ctrl, EP_PR_CTRL_WRITE),
        .last = IM_GET(ctrl, EP_PR_CTRL_LAST),
    };
}

static void ep_raw_set_pr_status(ImEp *ep, unsigned state, uint16_t prgi)
{
    uint64_t sent = IM_GET(EP_REG(ep, PR_STATUS), EP_PR_STATUS_SENT);

    sent += state == PASID_EP_RAW_SENT;
    EP_REG(ep, PR_STATUS) = IM_PUT(EP_PR_STATUS_STATE, state) |
                            IM_PUT(EP_PR_STATUS_PRGI, prgi) |
                            IM_PUT(EP_PR_STATUS_SENT, sent);
}

IM_RULE(EP_RAW_PRI);
void im_ep_w_pr_go(ImEp *ep, EpChannel *ch, uint64_t val)
{
    ImPageReq req = ep_raw_page_request(ep);
    bool marker = req.last && !req.read && !req.write;
    int prgi = marker ? (int)IM_GET(EP_REG(ep, PR_CTRL), EP_PR_CTRL_PRGI) :
                        ep_raw_index(ep);
    unsigned cause;

    (void)ch;
    (void)val;
    req.prgi = (uint16_t)(prgi < 0 ? 0 : prgi);
    cause = ep_raw_pr_refusal(ep, &req, prgi);
    if (cause != PASID_EP_CAUSE_NONE) {
        im_ep_refused(ep, cause, PASID_EP_PR_GO);
        ep_raw_set_pr_status(ep, PASID_EP_RAW_REFUSED, req.prgi);
        return;
    }
    ep_raw_set_pr_status(ep, PASID_EP_RAW_SENT, req.prgi);
    if (marker) {
        im_ep_pri_send_marker(ep, &req);
    } else {
        im_ep_pri_send(ep, &req, EP_RAW);
    }
}
