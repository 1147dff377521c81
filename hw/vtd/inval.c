/*
 * Invalidation of the unit's own caches: registers, 6.5.1, and descriptors,
 * 6.5.2.1 to 6.5.2.4.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/vtd/regs.h"
#include "im/spec/vtd_inval.h.inc"

IM_LAYOUT(VTD_CC0);
IM_LAYOUT(VTD_IOTLB0);
IM_LAYOUT(VTD_IOTLB1);
IM_LAYOUT(VTD_PIOTLB0);
IM_LAYOUT(VTD_PC0);

static uint64_t vtd_inval_mgaw_mask(const ImVtd *s)
{
    return IM_BITS(IM_GET(s->cap, VTD_CAP_MGAW), 0);
}

/* size - 1 of 2^am pages of 4 KiB. */
static uint64_t vtd_inval_am_mask(unsigned am)
{
    return am >= 52 ? UINT64_MAX : (UINT64_C(0x1000) << am) - 1;
}

/* --- Caches of the unit. ------------------------------------------------ */

/* CIRG, IIRG and the G field of their descriptors have one encoding. */
enum { G_GLOBAL = 1, G_DOMAIN = 2, G_SELECTIVE = 3 };

/* 6.5.2.1: in scalable mode the context-cache has no domain-ids. */
static void vtd_inval_context_inv(ImVtd *s, unsigned g, uint16_t did,
                                  uint16_t sid, unsigned fm)
{
    VtdGran gran = g == G_SELECTIVE ? VTD_GRAN_DEVICE :
                   g == G_DOMAIN && s->root.ttm == VTD_TTM_LEGACY ?
                                      VTD_GRAN_DOMAIN :
                                      VTD_GRAN_GLOBAL;
    static const uint8_t fm_masks[] = { 0, 4, 6, 7 };

    im_vtd_inv_context(s, gran, did, sid, fm);
    im_vtd_unmap(s, 0, UINT64_MAX);
    im_vtd_invalidated(s, &(ImInval) { .what = IM_INVAL_CONFIG,
                                       .by_func = gran == VTD_GRAN_DEVICE,
                                       .func = im_func(0, sid),
                                       .func_mask = fm_masks[fm],
                                       .by_domain = gran == VTD_GRAN_DOMAIN,
                                       .domain = did });
}

/* In scalable mode a page may be one of a nested walk's second stage, which
 * says nothing of the addresses that listeners know: tell them all. */
static void vtd_inval_iotlb_inv(ImVtd *s, unsigned g, uint16_t did,
                                uint64_t iva)
{
    static const VtdGran gran[] = {
        [G_GLOBAL] = VTD_GRAN_GLOBAL,
        [G_DOMAIN] = VTD_GRAN_DOMAIN,
        [G_SELECTIVE] = VTD_GRAN_PAGE,
    };
    unsigned am = (unsigned)IM_GET(iva, VTD_IOTLB1_AM);
    uint64_t addr = iva & IM_MASK(VTD_IOTLB1_ADDR) & vtd_inval_mgaw_mask(s);
    uint64_t mask = g == G_SELECTIVE ? vtd_inval_am_mask(am) : UINT64_MAX;

    im_vtd_inv_iotlb(s, gran[g], did, addr & ~mask, am,
                     IM_GET(iva, VTD_IOTLB1_IH));
    im_vtd_unmap(s, addr, s->root.ttm == VTD_TTM_LEGACY ? mask : UINT64_MAX);
    im_vtd_invalidated(s, &(ImInval) { .what = g == G_SELECTIVE ?
                                                   IM_INVAL_STAGE2 :
                                                   IM_INVAL_STAGE1 |
                                                       IM_INVAL_STAGE2,
                                       .by_domain = g != G_GLOBAL,
                                       .domain = did,
                                       .by_range = g == G_SELECTIVE,
                                       .first = addr & ~mask,
                                       .last = addr | mask });
}

/* --- Register-based commands. ------------------------------------------- */

static void vtd_inval_trace_command(ImVtd *s, const char *name, uint64_t a,
                                    uint64_t b)
{
    ImEvent ev = {
        .kind = IM_EVENT_INVALIDATE,
        .name = name,
        .arg = { a, b },
    };

    im_vtd_event(s, &ev);
}

IM_RULE(VTD_6_5_1_REGISTER_INV);
static bool vtd_inval_register_inv_allowed(const ImVtd *s)
{
    return s->root.ttm == VTD_TTM_LEGACY && IM_GET(s->ver, VTD_VER_MAX) < 6;
}

IM_RULE(VTD_REG_CCMD);
uint64_t im_vtd_ccmd(ImVtd *s, uint64_t ccmd)
{
    unsigned g = (unsigned)IM_GET(ccmd, VTD_CCMD_CIRG);

    ccmd &= ~(IM_MASK(VTD_CCMD_ICC) | IM_MASK(VTD_CCMD_CAIG));
    if (!g || !vtd_inval_register_inv_allowed(s)) {
        return ccmd;
    }
    vtd_inval_context_inv(s, g, (uint16_t)IM_GET(ccmd, VTD_CCMD_DID),
                          (uint16_t)IM_GET(ccmd, VTD_CCMD_SID),
                          (unsigned)IM_GET(ccmd, VTD_CCMD_FM));
    vtd_inval_trace_command(s, "CCMD_REG", ccmd, 0);
    return IM_SET(ccmd, VTD_CCMD_CAIG, g);
}

/* Without PSI a page is done as its domain. */
IM_RULE(VTD_REG_IOTLB);
uint64_t im_vtd_iotlb_cmd(ImVtd *s, uint64_t iotlb, uint64_t iva)
{
    unsigned g = (unsigned)IM_GET(iotlb, VTD_IOTLB_IIRG);

    iotlb &= ~(IM_MASK(VTD_IOTLB_IVT) | IM_MASK(VTD_IOTLB_IAIG));
    if (g == G_SELECTIVE && !IM_GET(s->cap, VTD_CAP_PSI)) {
        g = G_DOMAIN;
    }
    if (!g || !vtd_inval_register_inv_allowed(s) ||
        (g == G_SELECTIVE &&
         IM_GET(iva, VTD_IVA_AM) > IM_GET(s->cap, VTD_CAP_MAMV))) {
        return iotlb;
    }
    vtd_inval_iotlb_inv(s, g, (uint16_t)IM_GET(iotlb, VTD_IOTLB_DID), iva);
    vtd_inval_trace_command(s, "IOTLB_REG", iotlb, iva);
    return IM_SET(iotlb, VTD_IOTLB_IAIG, g);
}

/* --- Descriptors -------------------------------------------------------- */

void im_vtd_desc_context(ImVtd *s, const uint64_t *d)
{
    vtd_inval_context_inv(s, (unsigned)IM_GET(d[0], VTD_CC0_G),
                          (uint16_t)IM_GET(d[0], VTD_CC0_DID),
                          (uint16_t)IM_GET(d[0], VTD_CC0_SID),
                          (unsigned)IM_GET(d[0], VTD_CC0_FM));
}

/* The manual is silent on AM above MAMV in a descriptor: reserved here. */
VtdIqResult im_vtd_check_iotlb(ImVtd *s, const uint64_t *d)
{
    return IM_GET(d[0], VTD_IOTLB0_G) == G_SELECTIVE &&
                   (!IM_GET(s->cap, VTD_CAP_PSI) ||
                    IM_GET(d[1], VTD_IOTLB1_AM) >
                        IM_GET(s->cap, VTD_CAP_MAMV)) ?
               VTD_IQR_RESERVED :
               VTD_IQR_DONE;
}

void im_vtd_desc_iotlb(ImVtd *s, const uint64_t *d)
{
    vtd_inval_iotlb_inv(s, (unsigned)IM_GET(d[0], VTD_IOTLB0_G),
                        (uint16_t)IM_GET(d[0], VTD_IOTLB0_DID), d[1]);
}

void im_vtd_desc_piotlb(ImVtd *s, const uint64_t *d)
{
    bool page = IM_GET(d[0], VTD_PIOTLB0_G) == G_SELECTIVE;
    unsigned am = (unsigned)IM_GET(d[1], VTD_IOTLB1_AM);
    uint64_t mask = page ? vtd_inval_am_mask(am) : UINT64_MAX;
    uint64_t addr = d[1] & IM_MASK(VTD_IOTLB1_ADDR) & ~mask;

    im_vtd_inv_piotlb(s, page ? VTD_GRAN_PAGE : VTD_GRAN_PASID,
                      (uint16_t)IM_GET(d[0], VTD_PIOTLB0_DID),
                      (uint32_t)IM_GET(d[0], VTD_PIOTLB0_PASID), addr, am,
                      IM_GET(d[1], VTD_IOTLB1_IH));
    im_vtd_unmap(s, addr, mask);
    im_vtd_invalidated(
        s, &(ImInval) { .what = IM_INVAL_STAGE1,
                        .by_domain = true,
                        .domain = (uint32_t)IM_GET(d[0], VTD_PIOTLB0_DID),
                        .by_pasid = true,
                        .pasid = (uint32_t)IM_GET(d[0], VTD_PIOTLB0_PASID),
                        .by_range = page,
                        .first = addr,
                        .last = addr | mask });
}

void im_vtd_desc_pasid_cache(ImVtd *s, const uint64_t *d)
{
    static const VtdGran gran[] = {
        VTD_GRAN_DOMAIN,
        VTD_GRAN_PASID,
        VTD_GRAN_GLOBAL,
        VTD_GRAN_GLOBAL,
    };
    VtdGran g = gran[IM_GET(d[0], VTD_PC0_G)];

    im_vtd_inv_pasid(s, g, (uint16_t)IM_GET(d[0], VTD_PC0_DID),
                     (uint32_t)IM_GET(d[0], VTD_PC0_PASID));
    im_vtd_unmap(s, 0, UINT64_MAX);
    im_vtd_invalidated(s, &(ImInval) {
                              .what = IM_INVAL_PASID,
                              .by_domain = g != VTD_GRAN_GLOBAL,
                              .domain = (uint32_t)IM_GET(d[0], VTD_PC0_DID),
                              .by_pasid = g == VTD_GRAN_PASID,
                              .pasid = (uint32_t)IM_GET(d[0], VTD_PC0_PASID) });
}
