/*
 * Configuration space at IM_EP_ECAP_BASE: what software reads and writes of
 * the capabilities, and what that entails.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/pcie/atc.h"
#include "hw/pcie/cfg.h"
#include "hw/pcie/channel.h"
#include "hw/pcie/log.h"
#include "hw/pcie/pri.h"
#include "hw/pcie/run.h"

static bool ep_space_access_ok(unsigned off, unsigned size)
{
    return (size == 1 || size == 2 || size == 4) && off % size == 0;
}

uint32_t im_ep_cfg_read(ImEp *ep, unsigned off, unsigned size)
{
    int quad = im_ep_cap_find(ep, off);
    uint64_t val;

    if (quad < 0 || !ep_space_access_ok(off, size)) {
        return 0;
    }
    val = im_ep_cap(ep, (unsigned)quad);
    if (quad == EP_PRI0) {
        val |= IM_PUT(PCIE_PRI_STOPPED, im_ep_pri_stopped(ep));
    }
    return (uint32_t)((val >> (off % 8 * 8)) & (UINT64_MAX >> (64 - 8 * size)));
}

/* Undefined while ATS is enabled; reported. */
IM_RULE(PCIE_PASID_CTRL);
static void ep_space_pasid_written(ImEp *ep, uint64_t old)
{
    if (old == im_ep_cap(ep, EP_PASID0)) {
        return;
    }
    if (im_ep_ats_on(ep)) {
        im_ep_misuse(ep, EP_MISUSE_PASID_CHANGE_LO, 0);
    }
    im_ep_atc_drop_pasids(ep->atc);
}

IM_RULE(PCIE_ATS_CTRL);
IM_RULE(PCIE_INV_IMPLICIT);
static void ep_space_ats_written(ImEp *ep, uint64_t old)
{
    bool was = IM_GET(old, PCIE_ATS_ENABLE);

    if (was && im_ep_ats_on(ep) &&
        IM_GET(old, PCIE_ATS_STU) != EP_CAP(ep, EP_ATS0, PCIE_ATS_STU)) {
        im_ep_cap_put(ep, EP_ATS0, old);
        im_ep_misuse(ep, EP_MISUSE_STU_CHANGE_LO, 0);
    }
    if (!was && im_ep_ats_on(ep)) {
        im_ep_ats_end(ep, false);
    }
    if (was && !im_ep_ats_on(ep) &&
        !IM_GET(EP_REG(ep, INJ_FLAGS), EP_INJ_FLAGS_ATS_OFF)) {
        im_ep_atc_flush(ep->atc);
    }
}

IM_RULE(PCIE_PRI_CTRL);
IM_RULE(PCIE_PRI_STATUS);
static void ep_space_pri_written(ImEp *ep, uint64_t old, uint64_t val)
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
        if (im_ep_pri_outstanding(ep)) {
            im_ep_misuse(ep, EP_MISUSE_PRI_NOT_STOPPED_LO, 0);
        }
        if (EP_CAP(ep, EP_PRI1, PCIE_PRI_ALLOCATION) >
            EP_CAP(ep, EP_PRI1, PCIE_PRI_CAPACITY)) {
            im_ep_misuse(ep, EP_MISUSE_PRI_ALLOC_OVER_LO, 0);
        }
        im_ep_pri_enabled(ep);
    }
    if (was != on) {
        im_ep_ch_wake(ep);
    }
}

/* Written only while disabled. */
IM_RULE(PCIE_PRI_ALLOCATION);
static void ep_space_allocation_written(ImEp *ep, uint64_t old)
{
    if (old != im_ep_cap(ep, EP_PRI1) && EP_CAP(ep, EP_PRI0, PCIE_PRI_ENABLE)) {
        im_ep_cap_put(ep, EP_PRI1, old);
        im_ep_misuse(ep, EP_MISUSE_PRI_ALLOC_ON_LO, 0);
    }
}

void im_ep_cfg_write(ImEp *ep, unsigned off, uint32_t val, unsigned size)
{
    int quad = im_ep_cap_find(ep, off);
    uint64_t lanes, wide, old;

    if (quad < 0 || !ep_space_access_ok(off, size)) {
        return;
    }
    lanes = UINT64_MAX >> (64 - 8 * size) << (off % 8 * 8);
    wide = ((uint64_t)val << (off % 8 * 8)) & lanes;
    old = im_ep_cap_write(ep, (unsigned)quad, wide, lanes);
    if (IM_GET(EP_REG(ep, CONTROL), EP_CONTROL_LOG_CFG)) {
        im_ep_log(ep, PASID_EP_LOG_CONFIG, size, 0, off, false, 0, val);
    }
    switch (quad) {
    case EP_PASID0:
        ep_space_pasid_written(ep, old);
        break;
    case EP_ATS0:
        ep_space_ats_written(ep, old);
        break;
    case EP_PRI0:
        ep_space_pri_written(ep, old, wide);
        break;
    case EP_PRI1:
        ep_space_allocation_written(ep, old);
        break;
    default:
        break;
    }
    im_ep_settle(ep);
}
