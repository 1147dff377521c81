/*
 * Register offsets and bits of a VT-d unit, from chapter 11 of the
 * architecture specification. The tests' own copy: never the model's.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_VTD_REGS_H
#define TESTS_LIB_VTD_REGS_H

enum {
    REG_VER = 0x000,
    REG_CAP = 0x008,
    REG_ECAP = 0x010,
    REG_GCMD = 0x018,
    REG_GSTS = 0x01c,
    REG_RTADDR = 0x020,
    REG_CCMD = 0x028,
    REG_FSTS = 0x034,
    REG_FECTL = 0x038,
    REG_FEDATA = 0x03c,
    REG_FEADDR = 0x040,
    REG_FEUADDR = 0x044,
    REG_AFLOG = 0x058,
    REG_PMEN = 0x064,
    REG_PLMBASE = 0x068,
    REG_PLMLIMIT = 0x06c,
    REG_PHMBASE = 0x070,
    REG_PHMLIMIT = 0x078,
    REG_IQH = 0x080,
    REG_IQT = 0x088,
    REG_IQA = 0x090,
    REG_ICS = 0x09c,
    REG_IECTL = 0x0a0,
    REG_IEDATA = 0x0a4,
    REG_IEADDR = 0x0a8,
    REG_IEUADDR = 0x0ac,
    REG_IQERCD = 0x0b0,
    REG_IRTA = 0x0b8,
    REG_PQH = 0x0c0,
    REG_PQT = 0x0c8,
    REG_PQA = 0x0d0,
    REG_PRS = 0x0dc,
    REG_PECTL = 0x0e0,
    REG_PEDATA = 0x0e4,
    REG_PEADDR = 0x0e8,
    REG_PEUADDR = 0x0ec,
    REG_MTRRCAP = 0x100,
    REG_ECMD = 0x400,
    REG_VCMD = 0xe00,
    REG_VCCAP = 0xe30,
};

/* GCMD_REG and GSTS_REG, 11.4.4 */
#define GCMD_TE     (1u << 31)
#define GCMD_SRTP   (1u << 30)
#define GCMD_WBF    (1u << 27)
#define GCMD_QIE    (1u << 26)
#define GCMD_IRE    (1u << 25)
#define GCMD_SIRTP  (1u << 24)
#define GCMD_CFI    (1u << 23)
#define GSTS_TES    GCMD_TE
#define GSTS_RTPS   GCMD_SRTP
#define GSTS_WBFS   GCMD_WBF
#define GSTS_QIES   GCMD_QIE
#define GSTS_IRES   GCMD_IRE
#define GSTS_IRTPS  GCMD_SIRTP
#define GSTS_CFIS   GCMD_CFI
/* The one-shot bits that software masks off a read of GSTS, 11.4.4.1 */
#define GSTS_KEEP   0x96ffffffu

#define FSTS_PFO    (1u << 0)
#define FSTS_PPF    (1u << 1)
#define FSTS_IQE    (1u << 4)
#define FSTS_ICE    (1u << 5)
#define FSTS_ITE    (1u << 6)

#define CTL_IM      (1u << 31)
#define CTL_IP      (1u << 30)

#define PRS_PPR     (1u << 0)
#define PRS_PRO     (1u << 1)

/* RTADDR_REG.TTM */
#define TTM_LEGACY    (UINT64_C(0) << 10)
#define TTM_SCALABLE  (UINT64_C(1) << 10)
#define TTM_RESERVED  (UINT64_C(2) << 10)
#define TTM_ABORT     (UINT64_C(3) << 10)

#endif /* TESTS_LIB_VTD_REGS_H */
