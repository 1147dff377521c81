/*
 * Memory attributes of a translated access: IHI 0070 13.1, and the A-profile
 * manual on MAIR, stage 2 MemAttr and FWB.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/fmt/smmu.h"

/* SH, and ImXlat.share */
enum { SH_NONE = 0, SH_OUTER = 2, SH_INNER = 3 };

#define NORMAL_NC  0x44
#define NORMAL_WB  0xff

/* Strength of one half of a Normal type. */
enum { NC, WT, WB };

static bool vmsa_attr_is_device(uint8_t attr)
{
    return !(attr & 0xf0);
}

/* What is reserved behaves as something. */
IM_RULE(SMMU_CD_MAIR);
static uint8_t vmsa_attr_sanitize(uint8_t attr)
{
    if (vmsa_attr_is_device(attr)) {
        return attr & 0x0c;
    }
    return attr & 0x0f ? attr : attr | 0x03;
}

static unsigned vmsa_attr_strength(unsigned half)
{
    if (half == 4) {
        return NC;
    }
    return half & 4 ? WB : WT;
}

/* The weaker of two; allocation and transient hints are those of the
 * first. */
static unsigned vmsa_attr_weaker(unsigned first, unsigned second)
{
    unsigned s = MIN(vmsa_attr_strength(first), vmsa_attr_strength(second));

    if (s == vmsa_attr_strength(first)) {
        return first;
    }
    return s == NC ? 4 : first & ~4u;
}

static uint8_t vmsa_attr_combine(uint8_t first, uint8_t second)
{
    if (vmsa_attr_is_device(first) && vmsa_attr_is_device(second)) {
        return MIN(first, second);
    }
    if (vmsa_attr_is_device(first) || vmsa_attr_is_device(second)) {
        return vmsa_attr_is_device(first) ? first : second;
    }
    return (uint8_t)(vmsa_attr_weaker(first >> 4, second >> 4) << 4 |
                     vmsa_attr_weaker(first & 15, second & 15));
}

/* MemAttr[3:0] of stage 2 without FWB, and of STE.MemAttr. */
static uint8_t vmsa_attr_from_memattr(unsigned m)
{
    static const uint8_t half[] = { 0, 4, 0xb, 0xf };

    if (!(m & 12)) {
        return (uint8_t)((m & 3) << 2);
    }
    if (!(m & 3)) {
        return 0;                   /* reserved: Device-nGnRnE */
    }
    return (uint8_t)(half[m >> 2] << 4 | half[m & 3]);
}

/* 3.23.1: no tag access is as good as Write-Back. Not of STE.MemAttr. */
static uint8_t vmsa_attr_from_stage2(const ImPtStage *st, unsigned m)
{
    return m == 4 && (st->flags & IM_VMSA_NOTAG) ? NORMAL_WB :
                                                   vmsa_attr_from_memattr(m);
}

/* Write-Back, with the hints of the first, if it has any. */
static unsigned vmsa_attr_written_back(unsigned half)
{
    return half == 4 ? 0xf : half | 4;
}

IM_RULE(SMMU_VMSA_FWB);
static uint8_t vmsa_attr_apply_fwb(uint8_t first, unsigned m)
{
    switch (m & 7) {
    case 7:
        return first;
    case 6:
        return vmsa_attr_is_device(first) ?
                   NORMAL_WB :
                   (uint8_t)(vmsa_attr_written_back(first >> 4) << 4 |
                             vmsa_attr_written_back(first & 15));
    case 5:
        return vmsa_attr_is_device(first) ? first : NORMAL_NC;
    default:
        /* 100 is reserved: as Device-nGnRnE. */
        return vmsa_attr_combine(first, (uint8_t)(m & 4 ? 0 : (m & 3) << 2));
    }
}

static uint8_t vmsa_attr_share_of(unsigned sh)
{
    return (uint8_t)(sh == 1 ? SH_NONE : sh);
}

static uint8_t vmsa_attr_share_both(uint8_t a, uint8_t b)
{
    if (a == SH_OUTER || b == SH_OUTER) {
        return SH_OUTER;
    }
    return MAX(a, b);
}

IM_RULE(SMMU_VMSA_ATTR);
uint8_t im_vmsa_attr(const ImSmmuCd *cd, const ImSmmuSte *ste, uint16_t s1,
                     uint16_t s2, uint8_t *share)
{
    uint8_t attr = NORMAL_WB;
    uint8_t sh = SH_INNER;

    if (cd) {
        attr = vmsa_attr_sanitize(
            (uint8_t)(cd->mair >> 8 * (IM_VMSA_ATTR(s1) & 7)));
        sh = vmsa_attr_share_of(IM_VMSA_SH(s1));
    } else {
        IM_RULE(SMMU_STE_OVERRIDES);
        if (ste->mtcfg) {
            attr = vmsa_attr_from_memattr(ste->memattr);
        }
        if (ste->shcfg != 1) {
            sh = ste->shcfg;
        }
    }
    if (ste->s2) {
        unsigned m = IM_VMSA_ATTR(s2);

        attr = ste->stage2.flags & IM_VMSA_FWB ?
                   vmsa_attr_apply_fwb(attr, m) :
                   vmsa_attr_combine(attr,
                                     vmsa_attr_from_stage2(&ste->stage2, m));
        sh = vmsa_attr_share_both(sh, vmsa_attr_share_of(IM_VMSA_SH(s2)));
    }
    *share = vmsa_attr_is_device(attr) || attr == NORMAL_NC ? SH_OUTER : sh;
    return attr;
}
