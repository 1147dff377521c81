/*
 * VT-d page-table formats: first stage (3.6, 9.7), second stage (3.7, 9.8).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_FMT_VTD_H
#define HW_FMT_VTD_H

#include "hw/core/walk.h"
#include "im/im_clause.h"

/* ImPtStage.flags of the first stage */
#define IM_VTD_FS_1GP    (1u << 0)      /* CAP.FS1GP */
#define IM_VTD_FS_EAFE   (1u << 1)      /* PASID entry EAFE */
#define IM_VTD_FS_SUPER  (1u << 2)      /* supervisor privilege */
#define IM_VTD_FS_WPE    (1u << 3)      /* PASID entry WPE */

/* ImPtStage.flags of the second stage */
#define IM_VTD_SS_2M     (1u << 0)      /* CAP.SSLPS */
#define IM_VTD_SS_1G     (1u << 1)
#define IM_VTD_SS_AD     (1u << 2)      /* PASID entry SSADE */
#define IM_VTD_SS_SC     (1u << 3)      /* ECAP.SC */
#define IM_VTD_SS_IRWE   (1u << 4)      /* RTADDR.SSIRWE */

/* ImPteView.attr of the second stage */
#define IM_VTD_SNP       1

/* Set ImPtStage.must to IM_PT_USER; top is 3 or 4. */
extern const ImPtFormat im_vtd_first_stage;
/* top is 2, 3 or 4. */
extern const ImPtFormat im_vtd_second_stage;

/* For who explains: the fields of an entry, the bits of it that must be zero
 * and are not, and what a second-stage entry alone grants (ImPerm). */
const ImFieldRow *im_vtd_first_stage_fields(unsigned level, uint64_t pte);
const ImFieldRow *im_vtd_second_stage_fields(unsigned level, uint64_t pte);
uint64_t im_vtd_first_stage_reserved(const ImPtStage *st, unsigned level,
                                     uint64_t pte);
uint64_t im_vtd_second_stage_reserved(const ImPtStage *st, unsigned level,
                                      uint64_t pte);
uint8_t im_vtd_second_stage_rights(const ImPtStage *st, uint64_t pte);

#endif /* HW_FMT_VTD_H */
