/*
 * PASID, ATS, PRI and ACS extended capabilities: their bits, and what those
 * that control allow. space.c has what software does to them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/regbank.h"
#include "hw/pcie/cfg.h"
#include "hw/pcie/log.h"

typedef struct EpCfg {
    uint64_t cap[EP_QUADS];
    uint64_t rw[EP_QUADS];
    uint16_t at[EP_CAPS];
    bool ats_ended;
} EpCfg;

/* Which quad-words make up which capability. */
static const struct {
    uint8_t first;
    uint8_t quads;
} caps[EP_CAPS] = {
    [EP_CAP_PASID] = { EP_PASID0, 1 },
    [EP_CAP_ATS] = { EP_ATS0, 1 },
    [EP_CAP_PRI] = { EP_PRI0, 2 },
    [EP_CAP_ACS] = { EP_ACS0, 1 },
};

static const uint64_t w1c[EP_QUADS] = {
    [EP_PRI0] = IM_MASK(PCIE_PRI_RF) | IM_MASK(PCIE_PRI_UPRGI),
};

uint64_t im_ep_cap(const ImEp *ep, unsigned quad)
{
    return ep->cfg->cap[quad];
}

unsigned im_ep_cap_at(const ImEp *ep, unsigned cap)
{
    return ep->cfg->at[cap];
}

int im_ep_cap_find(const ImEp *ep, unsigned off)
{
    for (unsigned i = 0; i < EP_CAPS; i++) {
        unsigned at = ep->cfg->at[i];

        if (at && off >= at && off < at + 8u * caps[i].quads) {
            return caps[i].first + (int)((off - at) / 8);
        }
    }
    return -1;
}

uint64_t im_ep_cap_write(ImEp *ep, unsigned quad, uint64_t val, uint64_t lanes)
{
    EpCfg *cfg = ep->cfg;
    uint64_t was = cfg->cap[quad];

    cfg->cap[quad] = im_reg_merge(was, val, cfg->rw[quad], w1c[quad], lanes);
    return was;
}

void im_ep_cap_put(ImEp *ep, unsigned quad, uint64_t val)
{
    ep->cfg->cap[quad] = val;
}

void im_ep_cap_status(ImEp *ep, unsigned quad, uint64_t bits, bool on)
{
    uint64_t *cap = &ep->cfg->cap[quad];

    *cap = on ? *cap | bits : *cap & ~bits;
}

bool im_ep_ats_on(const ImEp *ep)
{
    return EP_CAP(ep, EP_ATS0, PCIE_ATS_ENABLE);
}

bool im_ep_ats_ended(const ImEp *ep)
{
    return ep->cfg->ats_ended;
}

void im_ep_ats_end(ImEp *ep, bool ended)
{
    ep->cfg->ats_ended = ended;
}

unsigned im_ep_refuse(const ImEp *ep, const EpReq *req, bool ats)
{
    uint64_t width = EP_CAP(ep, EP_PASID0, PCIE_PASID_WIDTH);

    if (!ep->bus_master) {
        return PASID_EP_CAUSE_NO_BUS_MASTER;
    }
    if (req->has_pasid && (!EP_CAP(ep, EP_PASID0, PCIE_PASID_ENABLE) ||
                           req->pasid >> width != 0)) {
        return PASID_EP_CAUSE_PASID_REFUSED;
    }
    if (req->priv &&
        (!req->has_pasid || !EP_CAP(ep, EP_PASID0, PCIE_PASID_PRIV))) {
        return PASID_EP_CAUSE_PRIV_REFUSED;
    }
    if (req->exec &&
        (!req->has_pasid || !EP_CAP(ep, EP_PASID0, PCIE_PASID_EXEC))) {
        return PASID_EP_CAUSE_EXEC_REFUSED;
    }
    if (ats && !im_ep_ats_on(ep)) {
        return PASID_EP_CAUSE_ATS_OFF;
    }
    return PASID_EP_CAUSE_NONE;
}

void im_ep_refused(ImEp *ep, unsigned cause, uint32_t arg)
{
    static const struct {
        uint8_t cause;
        uint8_t bit;
    } rows[] = {
        { PASID_EP_CAUSE_NO_BUS_MASTER, EP_MISUSE_NO_BUS_MASTER_LO },
        { PASID_EP_CAUSE_PASID_REFUSED, EP_MISUSE_PASID_REFUSED_LO },
        { PASID_EP_CAUSE_PRIV_REFUSED, EP_MISUSE_PRIV_REFUSED_LO },
        { PASID_EP_CAUSE_EXEC_REFUSED, EP_MISUSE_EXEC_REFUSED_LO },
        { PASID_EP_CAUSE_ATS_OFF, EP_MISUSE_ATS_REFUSED_LO },
        { PASID_EP_CAUSE_PRI_OFF, EP_MISUSE_PRI_REFUSED_LO },
        { PASID_EP_CAUSE_NO_ALLOCATION, EP_MISUSE_PRI_REFUSED_LO },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].cause == cause) {
            im_ep_misuse(ep, rows[i].bit, arg);
        }
    }
}

/*
 * Of a function that can reach its siblings redirection, of one with ATS
 * Direct Translated P2P as well; the rest belongs to ports. The bits change
 * no route: whatever they say, requests go upstream.
 */
IM_RULE(PCIE_ACS_CAP);
IM_RULE(PCIE_ACS_CTRL);
IM_RULE(PCIE_ACS_HEADER);
static void ep_cfg_build_acs(EpCfg *cfg, const ImEpConfig *c)
{
    cfg->cap[EP_ACS0] = IM_PUT(PCIE_ACS_ID, PCIE_ECAP_ID_ACS) |
                        IM_PUT(PCIE_ACS_VERSION, 1) |
                        IM_PUT(PCIE_ACS_RR_CAP, 1) |
                        IM_PUT(PCIE_ACS_CR_CAP, 1) |
                        IM_PUT(PCIE_ACS_DT_CAP, c->ats);
    cfg->rw[EP_ACS0] = IM_MASK(PCIE_ACS_RR) | IM_MASK(PCIE_ACS_CR) |
                       IM_PUT(PCIE_ACS_DT, c->ats);
}

/* Headers, read-only fields and write masks; absent capabilities stay 0. */
IM_RULE(PCIE_PASID_HEADER);
IM_RULE(PCIE_PASID_CAP);
IM_RULE(PCIE_ATS_HEADER);
IM_RULE(PCIE_ATS_CAP);
IM_RULE(PCIE_PRI_HEADER);
IM_RULE(PCIE_PRI_CAPACITY);
static void ep_cfg_build(EpCfg *cfg, const ImEpConfig *c)
{
    cfg->cap[EP_PASID0] = IM_PUT(PCIE_PASID_ID, PCIE_ECAP_ID_PASID) |
                          IM_PUT(PCIE_PASID_VERSION, 1) |
                          IM_PUT(PCIE_PASID_EXEC_CAP, c->pasid_exec) |
                          IM_PUT(PCIE_PASID_PRIV_CAP, c->pasid_priv) |
                          IM_PUT(PCIE_PASID_WIDTH, c->pasid_bits);
    cfg->rw[EP_PASID0] = IM_MASK(PCIE_PASID_ENABLE) |
                         IM_PUT(PCIE_PASID_EXEC, c->pasid_exec) |
                         IM_PUT(PCIE_PASID_PRIV, c->pasid_priv);
    cfg->cap[EP_ATS0] = IM_PUT(PCIE_ATS_ID, PCIE_ECAP_ID_ATS) |
                        IM_PUT(PCIE_ATS_VERSION, 1) |
                        IM_PUT(PCIE_ATS_QUEUE_DEPTH, c->ats_queue_depth) |
                        IM_PUT(PCIE_ATS_PAGE_ALIGNED, c->ats_page_aligned) |
                        IM_PUT(PCIE_ATS_GLOBAL_INV, c->ats_global_invalidate);
    cfg->rw[EP_ATS0] = IM_MASK(PCIE_ATS_STU) | IM_MASK(PCIE_ATS_ENABLE);
    cfg->cap[EP_PRI0] = IM_PUT(PCIE_PRI_ID, PCIE_ECAP_ID_PRI) |
                        IM_PUT(PCIE_PRI_VERSION, 1) |
                        IM_PUT(PCIE_PRI_PASID_REQUIRED, c->pri_pasid_required);
    cfg->rw[EP_PRI0] = IM_MASK(PCIE_PRI_ENABLE);
    cfg->cap[EP_PRI1] = IM_PUT(PCIE_PRI_CAPACITY, c->pri_capacity);
    cfg->rw[EP_PRI1] = IM_MASK(PCIE_PRI_ALLOCATION);
    ep_cfg_build_acs(cfg, c);
}

/* Place the capabilities without gaps and chain them. */
EpCfg *im_ep_cfg_new(const ImEpConfig *config)
{
    const bool present[EP_CAPS] = {
        config->pasid,
        config->ats,
        config->pri,
        config->acs,
    };
    EpCfg *cfg = g_new0(EpCfg, 1);
    uint16_t at = IM_EP_ECAP_BASE;
    int last = -1;

    ep_cfg_build(cfg, config);
    for (unsigned i = 0; i < EP_CAPS; i++) {
        if (!present[i]) {
            for (unsigned q = 0; q < caps[i].quads; q++) {
                cfg->cap[caps[i].first + q] = 0;
                cfg->rw[caps[i].first + q] = 0;
            }
            continue;
        }
        if (last >= 0) {
            cfg->cap[caps[last].first] |= IM_PUT(PCIE_ATS_NEXT, at);
        }
        cfg->at[i] = at;
        at = (uint16_t)(at + 8 * caps[i].quads);
        last = (int)i;
    }
    if (last >= 0) {
        cfg->cap[caps[last].first] |= IM_PUT(PCIE_ATS_NEXT, config->next_ecap);
    }
    return cfg;
}

void im_ep_cfg_reset(ImEp *ep)
{
    EpCfg *cfg = ep->cfg;

    for (unsigned i = 0; i < EP_QUADS; i++) {
        cfg->cap[i] &= ~(cfg->rw[i] | w1c[i]);
    }
    cfg->ats_ended = false;
}
