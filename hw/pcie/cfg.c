/*
 * PASID, ATS, PRI and ACS extended capabilities: configuration space at
 * IM_EP_ECAP_BASE, and what their control bits allow.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/regbank.h"
#include "hw/pcie/ep.h"

/* Which quad-words make up which capability. */
static const struct {
    uint8_t first;
    uint8_t quads;
} caps[EP_CAPS] = {
    [EP_CAP_PASID] = { EP_PASID0, 1 }, [EP_CAP_ATS] = { EP_ATS0, 1 },
    [EP_CAP_PRI] = { EP_PRI0, 2 }, [EP_CAP_ACS] = { EP_ACS0, 1 },
};

static bool ep_cfg_pasid_on(const ImEp *ep)
{
    return EP_CAP(ep, EP_PASID0, PCIE_PASID_ENABLE);
}

static bool ep_cfg_ats_on(const ImEp *ep)
{
    return EP_CAP(ep, EP_ATS0, PCIE_ATS_ENABLE);
}

bool im_ep_pri_on(const ImEp *ep)
{
    return EP_CAP(ep, EP_PRI0, PCIE_PRI_ENABLE) && !ep->pri_dead;
}

/* Disabled, and nothing outstanding. */
IM_RULE(PCIE_PRI_STATUS);
bool im_ep_stopped(const ImEp *ep)
{
    return ep->cap_at[EP_CAP_PRI] && !EP_CAP(ep, EP_PRI0, PCIE_PRI_ENABLE) &&
           ep->outstanding == 0;
}

/*
 * What configuration forbids about a request; ats: it needs ATS Enable.
 * Returns a cause, NONE when it is allowed.
 */
unsigned im_ep_refuse(const ImEp *ep, const EpReq *req, bool ats)
{
    uint64_t width = EP_CAP(ep, EP_PASID0, PCIE_PASID_WIDTH);

    if (!ep->bus_master) {
        return PASID_EP_CAUSE_NO_BUS_MASTER;
    }
    if (req->has_pasid && (!ep_cfg_pasid_on(ep) || req->pasid >> width != 0)) {
        return PASID_EP_CAUSE_PASID_REFUSED;
    }
    if (req->priv && (!req->has_pasid ||
                      !EP_CAP(ep, EP_PASID0, PCIE_PASID_PRIV))) {
        return PASID_EP_CAUSE_PRIV_REFUSED;
    }
    if (req->exec && (!req->has_pasid ||
                      !EP_CAP(ep, EP_PASID0, PCIE_PASID_EXEC))) {
        return PASID_EP_CAUSE_EXEC_REFUSED;
    }
    if (ats && !ep_cfg_ats_on(ep)) {
        return PASID_EP_CAUSE_ATS_OFF;
    }
    return PASID_EP_CAUSE_NONE;
}

/* Latch the misuse bit that belongs to a refusal. */
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
static void ep_cfg_build_acs(ImEp *ep)
{
    const ImEpConfig *c = &ep->config;

    ep->cap[EP_ACS0] = IM_PUT(PCIE_ACS_ID, PCIE_ECAP_ID_ACS) |
                       IM_PUT(PCIE_ACS_VERSION, 1) |
                       IM_PUT(PCIE_ACS_RR_CAP, 1) |
                       IM_PUT(PCIE_ACS_CR_CAP, 1) |
                       IM_PUT(PCIE_ACS_DT_CAP, c->ats);
    ep->cap_rw[EP_ACS0] = IM_MASK(PCIE_ACS_RR) | IM_MASK(PCIE_ACS_CR) |
                          IM_PUT(PCIE_ACS_DT, c->ats);
}

/* Headers, read-only fields and write masks; absent capabilities stay 0. */
static void ep_cfg_build(ImEp *ep)
{
    const ImEpConfig *c = &ep->config;

    ep->cap[EP_PASID0] = IM_PUT(PCIE_PASID_ID, PCIE_ECAP_ID_PASID) |
                         IM_PUT(PCIE_PASID_VERSION, 1) |
                         IM_PUT(PCIE_PASID_EXEC_CAP, c->pasid_exec) |
                         IM_PUT(PCIE_PASID_PRIV_CAP, c->pasid_priv) |
                         IM_PUT(PCIE_PASID_WIDTH, c->pasid_bits);
    ep->cap_rw[EP_PASID0] = IM_MASK(PCIE_PASID_ENABLE) |
                            IM_PUT(PCIE_PASID_EXEC, c->pasid_exec) |
                            IM_PUT(PCIE_PASID_PRIV, c->pasid_priv);
    ep->cap[EP_ATS0] = IM_PUT(PCIE_ATS_ID, PCIE_ECAP_ID_ATS) |
                       IM_PUT(PCIE_ATS_VERSION, 1) |
                       IM_PUT(PCIE_ATS_QUEUE_DEPTH, c->ats_queue_depth) |
                       IM_PUT(PCIE_ATS_PAGE_ALIGNED, c->ats_page_aligned) |
                       IM_PUT(PCIE_ATS_GLOBAL_INV, c->ats_global_invalidate);
    ep->cap_rw[EP_ATS0] = IM_MASK(PCIE_ATS_STU) | IM_MASK(PCIE_ATS_ENABLE);
    ep->cap[EP_PRI0] = IM_PUT(PCIE_PRI_ID, PCIE_ECAP_ID_PRI) |
                       IM_PUT(PCIE_PRI_VERSION, 1) |
                       IM_PUT(PCIE_PRI_PASID_REQUIRED, c->pri_pasid_required);
    ep->cap_rw[EP_PRI0] = IM_MASK(PCIE_PRI_ENABLE);
    ep->cap[EP_PRI1] = IM_PUT(PCIE_PRI_CAPACITY, c->pri_capacity);
    ep->cap_rw[EP_PRI1] = IM_MASK(PCIE_PRI_ALLOCATION);
    ep_cfg_build_acs(ep);
}

/* Place the capabilities without gaps and chain them. */
void im_ep_cfg_init(ImEp *ep)
{
    const bool present[EP_CAPS] = {
        ep->config.pasid, ep->config.ats, ep->config.pri, ep->config.acs,
    };
    uint16_t at = IM_EP_ECAP_BASE;
    int last = -1;

    ep_cfg_build(ep);
    for (unsigned i = 0; i < EP_CAPS; i++) {
        if (!present[i]) {
            for (unsigned q = 0; q < caps[i].quads; q++) {
                ep->cap[caps[i].first + q] = 0;
                ep->cap_rw[caps[i].first + q] = 0;
            }
            continue;
        }
        if (last >= 0) {
            ep->cap[caps[last].first] |= IM_PUT(PCIE_ATS_NEXT, at);
        }
        ep->cap_at[i] = at;
        at = (uint16_t)(at + 8 * caps[i].quads);
        last = (int)i;
    }
    if (last >= 0) {
        ep->cap[caps[last].first] |=
            IM_PUT(PCIE_ATS_NEXT, ep->config.next_ecap);
    }
}

/* Every bit that anybody can change has the reset value 0. */
void im_ep_cfg_reset(ImEp *ep)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(ep->cap); i++) {
        ep->cap[i] &= ~ep->cap_rw[i];
    }
    ep->cap[EP_PRI0] &= ~(IM_MASK(PCIE_PRI_RF) | IM_MASK(PCIE_PRI_UPRGI));
    ep->pri_dead = false;
}

/* The quad-word of our capabilities at off, or -1. */
static int ep_cfg_quad_at(const ImEp *ep, unsigned off)
{
    for (unsigned i = 0; i < EP_CAPS; i++) {
        unsigned at = ep->cap_at[i];

        if (at && off >= at && off < at + 8u * caps[i].quads) {
            return caps[i].first + (int)((off - at) / 8);
        }
    }
    return -1;
}

static bool ep_cfg_access_ok(unsigned off, unsigned size)
{
    return (size == 1 || size == 2 || size == 4) && off % size == 0;
}

uint32_t im_ep_cfg_read(ImEp *ep, unsigned off, unsigned size)
{
    int quad = ep_cfg_quad_at(ep, off);
    uint64_t val;

    if (quad < 0 || !ep_cfg_access_ok(off, size)) {
        return 0;
    }
    val = ep->cap[quad];
    if (quad == EP_PRI0) {
        val |= IM_PUT(PCIE_PRI_STOPPED, im_ep_stopped(ep));
    }
    return (uint32_t)((val >> (off % 8 * 8)) &
                      (UINT64_MAX >> (64 - 8 * size)));
}

/* Undefined while ATS is enabled; reported. */
IM_RULE(PCIE_PASID_CTRL);
static void ep_cfg_pasid_written(ImEp *ep, uint64_t old)
{
    if (old == ep->cap[EP_PASID0]) {
        return;
    }
    if (ep_cfg_ats_on(ep)) {
        im_ep_misuse(ep, EP_MISUSE_PASID_CHANGE_LO, 0);
    }
    im_ep_atc_drop_pasids(&ep->atc);
}

IM_RULE(PCIE_ATS_CTRL);
IM_RULE(PCIE_INV_IMPLICIT);
static void ep_cfg_ats_written(ImEp *ep, uint64_t old)
{
    bool was = IM_GET(old, PCIE_ATS_ENABLE);

    if (was && ep_cfg_ats_on(ep) &&
        IM_GET(old, PCIE_ATS_STU) != EP_CAP(ep, EP_ATS0, PCIE_ATS_STU)) {
        ep->cap[EP_ATS0] = old;
        im_ep_misuse(ep, EP_MISUSE_STU_CHANGE_LO, 0);
    }
    if (!was && ep_cfg_ats_on(ep)) {
        ep->ats_ur = false;
    }
    if (was && !ep_cfg_ats_on(ep) &&
        !IM_GET(EP_REG(ep, INJ_FLAGS), EP_INJ_FLAGS_ATS_OFF)) {
        im_ep_atc_flush(&ep->atc);
    }
}

IM_RULE(PCIE_PRI_CTRL);
IM_RULE(PCIE_PRI_STATUS);
static void ep_cfg_pri_written(ImEp *ep, uint64_t old, uint64_t val)
{
    bool was = IM_GET(old, PCIE_PRI_ENABLE);
    bool on = EP_CAP(ep, EP_PRI0, PCIE_PRI_ENABLE);

    if (IM_GET(val, PCIE_PRI_RESET)) {
        if (on) {
            im_ep_misuse(ep, EP_MISUSE_PRI_RESET_ON_LO, 0);
        } else {
            im_ep_pri_forget(ep);
        }
    }
    if (!was && on) {
        if (ep->outstanding) {
            im_ep_misuse(ep, EP_MISUSE_PRI_NOT_STOPPED_LO, 0);
        }
        if (EP_CAP(ep, EP_PRI1, PCIE_PRI_ALLOCATION) >
            EP_CAP(ep, EP_PRI1, PCIE_PRI_CAPACITY)) {
            im_ep_misuse(ep, EP_MISUSE_PRI_ALLOC_OVER_LO, 0);
        }
        ep->cap[EP_PRI0] &= ~(IM_MASK(PCIE_PRI_RF) |
                              IM_MASK(PCIE_PRI_UPRGI));
        ep->pri_dead = false;
    }
    if (was != on) {
        im_ep_pri_wake(ep);
    }
}

/* Written only while disabled. */
IM_RULE(PCIE_PRI_ALLOCATION);
static void ep_cfg_allocation_written(ImEp *ep, uint64_t old)
{
    if (old != ep->cap[EP_PRI1] && EP_CAP(ep, EP_PRI0, PCIE_PRI_ENABLE)) {
        ep->cap[EP_PRI1] = old;
        im_ep_misuse(ep, EP_MISUSE_PRI_ALLOC_ON_LO, 0);
    }
}

void im_ep_cfg_write(ImEp *ep, unsigned off, uint32_t val, unsigned size)
{
    static const uint64_t w1c[EP_QUADS] = {
        [EP_PRI0] = IM_MASK(PCIE_PRI_RF) | IM_MASK(PCIE_PRI_UPRGI),
    };
    int quad = ep_cfg_quad_at(ep, off);
    uint64_t lanes, wide, old;

    if (quad < 0 || !ep_cfg_access_ok(off, size)) {
        return;
    }
    lanes = UINT64_MAX >> (64 - 8 * size) << (off % 8 * 8);
    wide = ((uint64_t)val << (off % 8 * 8)) & lanes;
    old = ep->cap[quad];
    ep->cap[quad] = im_reg_merge(old, wide, ep->cap_rw[quad], w1c[quad],
                                 lanes);
    if (IM_GET(EP_REG(ep, CONTROL), EP_CONTROL_LOG_CFG)) {
        im_ep_log(ep, PASID_EP_LOG_CONFIG, size, 0, off, false, 0, val);
    }
    switch (quad) {
    case EP_PASID0:
        ep_cfg_pasid_written(ep, old);
        break;
    case EP_ATS0:
        ep_cfg_ats_written(ep, old);
        break;
    case EP_PRI0:
        ep_cfg_pri_written(ep, old, wide);
        break;
    case EP_PRI1:
        ep_cfg_allocation_written(ep, old);
        break;
    default:
        break;
    }
    im_ep_settle(ep);
}
