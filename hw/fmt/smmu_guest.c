/*
 * The SMMU that a guest's STEs and CDs are written for where the host has
 * stage 2: docs/uapi.rst 4.12.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/fmt/smmu.h"
#include "im/spec/smmu_tables.h.inc"

IM_LAYOUT(SMMU_STE0);
IM_LAYOUT(SMMU_STE1);

const ImSmmuIds im_smmu_guest_ids = {
    .idr = {
        [0] = (uint32_t)(IM_PUT(SMMU_IDR0_S2P, 1) | IM_PUT(SMMU_IDR0_S1P, 1) |
                         IM_PUT(SMMU_IDR0_TTF, 2) |
                         IM_PUT(SMMU_IDR0_COHACC, 1) |
                         IM_PUT(SMMU_IDR0_HTTU, 2) |
                         IM_PUT(SMMU_IDR0_ATS, 1) |
                         IM_PUT(SMMU_IDR0_ASID16, 1) |
                         IM_PUT(SMMU_IDR0_PRI, 1) |
                         IM_PUT(SMMU_IDR0_VMID16, 1) |
                         IM_PUT(SMMU_IDR0_CD2L, 1) |
                         IM_PUT(SMMU_IDR0_TTENDIAN, 2) |
                         IM_PUT(SMMU_IDR0_STALL_MODEL, 0) |
                         IM_PUT(SMMU_IDR0_TERM_MODEL, 1)),
        [1] = (uint32_t)IM_PUT(SMMU_IDR1_SSIDSIZE, IM_PASID_BITS),
        [3] = (uint32_t)(IM_PUT(SMMU_IDR3_HAD, 1) |
                         IM_PUT(SMMU_IDR3_XNX, 1) |
                         IM_PUT(SMMU_IDR3_STT, 1) |
                         IM_PUT(SMMU_IDR3_E0PD, 1)),
        [5] = (uint32_t)(IM_PUT(SMMU_IDR5_OAS, 5) |
                         IM_PUT(SMMU_IDR5_GRAN4K, 1) |
                         IM_PUT(SMMU_IDR5_GRAN16K, 1) |
                         IM_PUT(SMMU_IDR5_GRAN64K, 1)),
    },
};

enum { TTF_AARCH64 = 2, TTENDIAN_BIG = 3, OAS_RESERVED = 7 };

bool im_smmu_guest_may_be(const ImSmmuIds *ids)
{
    uint64_t idr0 = ids->idr[0], idr5 = ids->idr[5];

    return IM_GET(idr0, SMMU_IDR0_S1P) &&
           (IM_GET(idr0, SMMU_IDR0_TTF) & TTF_AARCH64) &&
           IM_GET(idr0, SMMU_IDR0_TTENDIAN) != TTENDIAN_BIG &&
           IM_GET(ids->idr[1], SMMU_IDR1_SSIDSIZE) <= IM_PASID_BITS &&
           IM_GET(idr5, SMMU_IDR5_OAS) != OAS_RESERVED;
}

const uint64_t im_smmu_guest_ste[2] = {
    IM_MASK(SMMU_STE_V) | IM_MASK(SMMU_STE_CONFIG) | IM_MASK(SMMU_STE_S1FMT) |
        IM_MASK(SMMU_STE_S1CDMAX) | IM_MASK(SMMU_STE_S1CONTEXTPTR),
    IM_MASK(SMMU_STE_S1DSS) | IM_MASK(SMMU_STE_S1CIR) |
        IM_MASK(SMMU_STE_S1COR) | IM_MASK(SMMU_STE_S1CSH) |
        IM_MASK(SMMU_STE_S1STALLD) | IM_MASK(SMMU_STE_EATS),
};
