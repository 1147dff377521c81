/*
 * Fields of VT-d's structures in memory, from chapters 7 and 9 of the
 * manual: "hi, lo" of rig_put() and rig_get(). The tests' own copy: never
 * the model's.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_VTD_FIELDS_H
#define TESTS_LIB_VTD_FIELDS_H

/* An address in a structure is written without its 12 lowest bits. Reserved
 * and ignored bits have no names. */

/* 11.4.5 */
#define RTADDR_TTM      11, 10
#define RTADDR_RTA      63, 12

/* 9.1, and 9.2 either half */
#define ROOT_P          0, 0
#define ROOT_CTP        63, 12

/* 9.3; with P and FPD as in 9.4 */
#define CTX_P           0, 0
#define CTX_FPD         1, 1
#define CTX_TT          3, 2
#define CTX_SSPTPTR     63, 12
#define CTX_AW          66, 64
#define CTX_DID         87, 72

/* 9.4 */
#define SCTX_DTE        2, 2
#define SCTX_PASIDE     3, 3
#define SCTX_PRE        4, 4
#define SCTX_EPTR       6, 6
#define SCTX_PDTS       11, 9
#define SCTX_PASIDDIR   63, 12
#define SCTX_RID_PASID  83, 64
#define SCTX_RID_PRIV   84, 84

/* 9.5 */
#define DIR_ALL         63, 0
#define DIR_P           0, 0
#define DIR_FPD         1, 1
#define DIR_SMPTBLPTR   63, 12

/* 9.6 */
#define PE_ALL          511, 0
#define PE_P            0, 0
#define PE_FPD          1, 1
#define PE_AW           4, 2
#define PE_PGTT         8, 6
#define PE_SSADE        9, 9
#define PE_SSPTPTR      63, 12
#define PE_DID          79, 64
#define PE_PWSNP        87, 87
#define PE_PGSNP        88, 88
#define PE_SRE          128, 128
#define PE_FSPM         131, 130
#define PE_WPE          132, 132
#define PE_EAFE         135, 135
#define PE_FSPTPTR      191, 140

/* 9.7 First stage, entries of every level */
#define FSE_P           0, 0
#define FSE_RW          1, 1
#define FSE_US          2, 2
#define FSE_RW_US       2, 1
#define FSE_A           5, 5
#define FSE_D           6, 6
#define FSE_PS          7, 7            /* of a PTE: PAT, ignored */
#define FSE_ADDR        51, 12

/* 9.8 Second stage, the same */
#define SSE_R           0, 0
#define SSE_W           1, 1
#define SSE_RW          1, 0
#define SSE_PS          7, 7
#define SSE_A           8, 8
#define SSE_D           9, 9
#define SSE_SNP         11, 11
#define SSE_ADDR        51, 12
#define SSE_IO          62, 61

/* Of a leaf of either stage: what a read needs, and what a write does */
#define LEAF_READ       0, 0
#define LEAF_WRITE      1, 1

/* 9.9 */
#define IRTE_P          0, 0
#define IRTE_FPD        1, 1
#define IRTE_DM         2, 2
#define IRTE_RH         3, 3
#define IRTE_TM         4, 4
#define IRTE_DLM        7, 5
#define IRTE_AVAIL      11, 8
#define IRTE_IM         15, 15
#define IRTE_V          23, 16
#define IRTE_DST        63, 32
#define IRTE_SID        79, 64
#define IRTE_SQ         81, 80
#define IRTE_SVT        83, 82

/* 7.4.1.1 Page Request Descriptor */
#define PRD_TYPE        7, 0
#define PRD_PP          8, 8
#define PRD_RID         31, 16
#define PRD_PASID       51, 32
#define PRD_EXE         52, 52
#define PRD_PRIV        53, 53
#define PRD_R           64, 64
#define PRD_W           65, 65
#define PRD_LAST        66, 66
#define PRD_LRW         66, 64
#define PRD_PRGI        75, 67
#define PRD_ADDR        127, 76

/* --- the same as masks, of whole entries: 9.7 and 9.8 ------------------- */

#define FS_P        (UINT64_C(1) << 0)
#define FS_RW       (UINT64_C(1) << 1)
#define FS_US       (UINT64_C(1) << 2)
#define FS_A        (UINT64_C(1) << 5)
#define FS_D        (UINT64_C(1) << 6)
#define FS_PS       (UINT64_C(1) << 7)
#define FS_EA       (UINT64_C(1) << 10)
#define FS_RWU      (FS_P | FS_RW | FS_US)

#define SS_R        (UINT64_C(1) << 0)
#define SS_W        (UINT64_C(1) << 1)
#define SS_PS       (UINT64_C(1) << 7)
#define SS_A        (UINT64_C(1) << 8)
#define SS_D        (UINT64_C(1) << 9)
#define SS_SNP      (UINT64_C(1) << 11)
#define SS_RW       (SS_R | SS_W)

#endif /* TESTS_LIB_VTD_FIELDS_H */
