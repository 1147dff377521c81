/*
 * What the decoders of STE and CD share.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_FMT_SMMU_INT_H
#define HW_FMT_SMMU_INT_H

#include "hw/fmt/smmu.h"

#define IDR(ids, n, field) \
    ((unsigned)IM_GET((uint64_t)(ids)->idr[n], SMMU_IDR##n##_##field))

/* STALL_MODEL, HTTU, TTENDIAN */
enum { STALL_BOTH = 0, STALL_NONE = 1, STALL_FORCED = 2 };
enum { HTTU_NONE = 0, HTTU_AF = 1, HTTU_DIRTY = 2, HTTU_HAFT = 3 };
enum { TTENDIAN_BIG = 3 };

/* Index of a granule in im_vmsa_s1[] and im_vmsa_s2[], or -1: reserved, or
 * not implemented. code: as in S2TG and TG0. */
int im_smmu_granule(const ImSmmuIds *ids, unsigned code);

/* Address bits that a PS, IPS or OAS encoding stands for, capped to OAS. */
unsigned im_smmu_size(const ImSmmuIds *ids, unsigned code);

/* Limits of T0SZ, T1SZ and S2T0SZ, but for the lower one of the latter. */
unsigned im_smmu_tsz_max(const ImSmmuIds *ids, int granule);

/* CLAUSE(SMMU_VMSA_TTB): first address that a table base may not have. */
bool im_smmu_ttb_beyond(uint64_t ttb, int granule, unsigned size);
/* Root, output mask and PA52 of a stage whose top is known. */
void im_smmu_set_output(const ImSmmuIds *ids, ImPtStage *st, uint64_t ttb,
                        unsigned size);

#endif /* HW_FMT_SMMU_INT_H */
