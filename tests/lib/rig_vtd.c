/*
 * The rig around a VT-d unit.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/rig.h"
#include "lib/vtd_regs.h"

ImVtdConfig rig_vtd_config(void)
{
    ImVtdConfig c = IM_VTD_CONFIG_DEFAULT;

    c.aw_bits = 48;
    c.fs5lp = false;
    c.haw_bits = 46;
    c.ats_timeout_ns = 1000000;
    c.iotlb_entries = 1024;
    return c;
}

/*
 * 11.4.7.1: PPF is the OR of all F bits. 11.4.9: IQERCD fields are valid
 * only with their cause. 11.4.4.2: what GSTS says is what the queue does.
 */
static void consistent(Rig *r)
{
    uint64_t cap = rig_reg64(r, REG_CAP);
    uint64_t fro = (cap >> 24 & 0x3ff) * 16;
    unsigned nfr = (unsigned)(cap >> 40 & 0xff) + 1;
    uint32_t fsts = rig_reg32(r, REG_FSTS);
    uint32_t gsts = rig_reg32(r, REG_GSTS);
    bool any = false;

    for (unsigned i = 0; i < nfr; i++) {
        any |= rig_reg64(r, fro + 16 * i + 8) >> 63;
    }
    g_assert_cmpuint(fsts >> 1 & 1, ==, any);
    if (!(gsts & GSTS_QIES)) {
        g_assert_cmphex(rig_reg64(r, REG_IQH), ==, 0);
    }
    if (fsts & (FSTS_IQE | FSTS_ITE | FSTS_ICE | FSTS_PPF | FSTS_PFO)) {
        /* An event that is pending is one that software masked. */
        if (rig_reg32(r, REG_FECTL) & CTL_IP) {
            g_assert_cmphex(rig_reg32(r, REG_FECTL) & CTL_IM, ==, CTL_IM);
        }
    } else {
        g_assert_cmphex(rig_reg32(r, REG_FECTL) & CTL_IP, ==, 0);
    }
}

Rig *rig_vtd_new_on(const ImVtdConfig *cfg, void (*other)(ImPort *port))
{
    Rig *r = rig_host_new(&im_vtd_ops, consistent);
    char *err = NULL;

    r->cfg = cfg ? *cfg : rig_vtd_config();
    if (other) {
        other(&r->port);
    }
    r->vtd = im_vtd_new(&r->cfg, &r->port, r, &err);
    return rig_made(r, err);
}

Rig *rig_vtd_new(const ImVtdConfig *cfg)
{
    return rig_vtd_new_on(cfg, NULL);
}
