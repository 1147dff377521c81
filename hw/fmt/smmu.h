/*
 * SMMUv3 configuration structures and VMSAv8-64 tables: STE (5.2), CD
 * (5.4), stage 1 and stage 2 descriptors. Pure functions.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_FMT_SMMU_H
#define HW_FMT_SMMU_H

#include "hw/core/field.h"
#include "hw/core/walk.h"
#include "im/im_clause.h"

/* What decides about validity: the ID registers, as software reads them. */
typedef struct ImSmmuIds {
    uint32_t idr[7];            /* IDR0 .. IDR6 */
} ImSmmuIds;

/* Where the host has stage 2, a guest's STEs and CDs are written for an SMMU
 * with both stages, all granules, 48 bits, hardware flags and no stalls; of
 * words 0 and 1 of an STE, these bits are the guest's. */
extern const ImSmmuIds im_smmu_guest_ids;
/* Another one, if it says so: stage 1 of AArch64, little endian. */
bool im_smmu_guest_may_be(const ImSmmuIds *ids);
extern const uint64_t im_smmu_guest_ste[2];

/* Fields of the ID registers, 6.3. */
#define SMMU_IDR0(F, R, I)                                                \
    F(SMMU_IDR0, S2P, 0, 0) F(SMMU_IDR0, S1P, 1, 1)                       \
    F(SMMU_IDR0, TTF, 3, 2) F(SMMU_IDR0, COHACC, 4, 4)                    \
    F(SMMU_IDR0, BTM, 5, 5) F(SMMU_IDR0, HTTU, 7, 6)                      \
    F(SMMU_IDR0, DORMHINT, 8, 8) F(SMMU_IDR0, HYP, 9, 9)                  \
    F(SMMU_IDR0, ATS, 10, 10) F(SMMU_IDR0, NS1ATS, 11, 11)                \
    F(SMMU_IDR0, ASID16, 12, 12) F(SMMU_IDR0, MSI, 13, 13)                \
    F(SMMU_IDR0, SEV, 14, 14) F(SMMU_IDR0, ATOS, 15, 15)                  \
    F(SMMU_IDR0, PRI, 16, 16) F(SMMU_IDR0, VMW, 17, 17)                   \
    F(SMMU_IDR0, VMID16, 18, 18) F(SMMU_IDR0, CD2L, 19, 19)               \
    F(SMMU_IDR0, VATOS, 20, 20) F(SMMU_IDR0, TTENDIAN, 22, 21)            \
    F(SMMU_IDR0, ATSRECERR, 23, 23) F(SMMU_IDR0, STALL_MODEL, 25, 24)     \
    F(SMMU_IDR0, TERM_MODEL, 26, 26) F(SMMU_IDR0, ST_LEVEL, 28, 27)       \
    R(29, 29) F(SMMU_IDR0, RME_IMPL, 30, 30) R(63, 31)
IM_LAYOUT(SMMU_IDR0);

#define SMMU_IDR1(F, R, I)                                                \
    F(SMMU_IDR1, SIDSIZE, 5, 0) F(SMMU_IDR1, SSIDSIZE, 10, 6)             \
    F(SMMU_IDR1, PRIQS, 15, 11) F(SMMU_IDR1, EVENTQS, 20, 16)             \
    F(SMMU_IDR1, CMDQS, 25, 21) F(SMMU_IDR1, ATTR_PERMS_OVR, 26, 26)      \
    F(SMMU_IDR1, ATTR_TYPES_OVR, 27, 27) F(SMMU_IDR1, REL, 28, 28)        \
    F(SMMU_IDR1, QUEUES_PRESET, 29, 29)                                   \
    F(SMMU_IDR1, TABLES_PRESET, 30, 30) F(SMMU_IDR1, ECMDQ, 31, 31)       \
    R(63, 32)
IM_LAYOUT(SMMU_IDR1);

#define SMMU_IDR3(F, R, I)                                                \
    R(1, 0) F(SMMU_IDR3, HAD, 2, 2) F(SMMU_IDR3, PBHA, 3, 3)              \
    F(SMMU_IDR3, XNX, 4, 4) F(SMMU_IDR3, PPS, 5, 5) R(6, 6)               \
    F(SMMU_IDR3, MPAM, 7, 7) F(SMMU_IDR3, FWB, 8, 8)                      \
    F(SMMU_IDR3, STT, 9, 9) F(SMMU_IDR3, RIL, 10, 10)                     \
    F(SMMU_IDR3, BBML, 12, 11) F(SMMU_IDR3, E0PD, 13, 13)                 \
    F(SMMU_IDR3, PTWNNC, 14, 14) F(SMMU_IDR3, DPT, 15, 15)                \
    F(SMMU_IDR3, PASIDTT, 16, 16) F(SMMU_IDR3, EPAN, 17, 17)              \
    F(SMMU_IDR3, S1PI, 18, 18) F(SMMU_IDR3, S2PI, 19, 19)                 \
    F(SMMU_IDR3, S2PO, 20, 20) F(SMMU_IDR3, THE, 21, 21)                  \
    F(SMMU_IDR3, MTEPERM, 22, 22) F(SMMU_IDR3, AIE, 23, 23) R(63, 24)
IM_LAYOUT(SMMU_IDR3);

#define SMMU_IDR5(F, R, I)                                                \
    F(SMMU_IDR5, OAS, 2, 0) R(3, 3) F(SMMU_IDR5, GRAN4K, 4, 4)            \
    F(SMMU_IDR5, GRAN16K, 5, 5) F(SMMU_IDR5, GRAN64K, 6, 6)               \
    F(SMMU_IDR5, DS, 7, 7) F(SMMU_IDR5, D128, 8, 8) R(9, 9)               \
    F(SMMU_IDR5, VAX, 11, 10) R(15, 12) F(SMMU_IDR5, STALL_MAX, 31, 16)   \
    R(63, 32)
IM_LAYOUT(SMMU_IDR5);

/* Translation regime, by STE.STRW and CR2.E2H (3.3.4). */
typedef enum ImSmmuWorld {
    IM_SMMU_NS_EL1,             /* tagged by VMID and ASID */
    IM_SMMU_NS_EL2,             /* one address range, no ASID */
    IM_SMMU_NS_EL2_E2H,         /* ASID */
} ImSmmuWorld;

/* A valid STE with the rules of 5.2 applied: IGNORED fields are 0, values
 * beyond a limit are capped. */
typedef struct ImSmmuSte {
    uint64_t s1_ctx;            /* S1ContextPtr; IPA with s2 */
    uint8_t config;             /* as encoded: 0 .. 3 abort, 4 bypass, ... */
    bool s1, s2;                /* stages that Config enables */
    uint8_t s1fmt;              /* 0 linear, 1 4 KiB leaves, 2 64 KiB */
    uint8_t s1cdmax;            /* 0: no substreams */
    uint8_t s1dss;
    uint8_t world;              /* ImSmmuWorld */
    uint8_t eats;               /* 0, 1, 2; CR0.ATSCHK not yet regarded */
    uint8_t privcfg, instcfg;   /* 0 incoming; PRIVCFG, INSTCFG else */
    uint8_t memattr;            /* with mtcfg */
    uint8_t shcfg;
    bool mtcfg;
    bool mev, ppar;
    bool s1stalld;
    uint16_t vmid;
    bool s2s, s2r;
    ImPtStage stage2;           /* ready to walk; valid with s2 */
} ImSmmuSte;

/* A valid CD likewise. half[0] is TTB0, half[1] TTB1. */
typedef struct ImSmmuCd {
    uint64_t mair;
    uint16_t asid;
    uint8_t world;
    bool aset;
    bool s, r, a;               /* fault model, 5.5 */
    struct ImSmmuHalf {
        bool enabled;           /* not EPDx, and used in this world */
        bool tbi;
        bool e0pd;              /* closed to unprivileged requests */
        uint8_t tsz;            /* input bits = 64 - tsz */
        ImPtStage stage;        /* ready to walk; valid with enabled */
    } half[2];
} ImSmmuCd;

/*
 * Check and decode an STE. e2h: CR2.E2H. false: C_BAD_STE, and *clause is
 * the rule that was broken. A V=1 STE with Config 0xx is valid.
 */
bool im_smmu_ste_decode(const ImSmmuIds *ids, bool e2h, const uint64_t raw[8],
                        ImSmmuSte *out, ImClause *clause);

/* Check and decode a CD below an STE. false: C_BAD_CD. */
bool im_smmu_cd_decode(const ImSmmuIds *ids, const ImSmmuSte *ste,
                       const uint64_t raw[8], ImSmmuCd *out, ImClause *clause);

/* Fields of their quad-words, for people. */
extern const ImFieldRow *const im_smmu_ste_fields[8];
extern const ImFieldRow *const im_smmu_cd_fields[8];
/* What a rule of these two is about: "STE.S2T0SZ is out of range". */
const char *im_smmu_ste_text(ImClause clause);
const char *im_smmu_cd_text(ImClause clause);

/* Address bits that an encoding of OAS, PS and IPS stands for. */
static inline unsigned im_smmu_size_bits(unsigned code)
{
    static const uint8_t bits[] = { 32, 36, 40, 42, 44, 48, 52, 52 };

    return bits[code];
}

/* Log2 of OAS, and of IAS, which is the same: AArch64 only. */
IM_RULE(SMMU_STE_SIZES);
static inline unsigned im_smmu_oas(const ImSmmuIds *ids)
{
    return im_smmu_size_bits(ids->idr[5] & IM_MASK(SMMU_IDR5_OAS));
}

static inline unsigned im_smmu_ias(const ImSmmuIds *ids)
{
    return im_smmu_oas(ids);
}

/*
 * Which half of a CD an address uses (3.4, VMSAv8-64 rules): 0 or 1, or -1
 * when it is in neither range, or its half is disabled, or closed by E0PD
 * to this request (priv: effective PnU): F_TRANSLATION.
 */
int im_smmu_cd_half(const ImSmmuCd *cd, uint64_t addr, bool priv);

/*
 * ImPtStage.flags set per request, not by the tables: copy the stage, of
 * either kind, and add it when the effective PnU is 1. ImWalkOut.perm is
 * what that privilege may do; NS_EL2 knows one privilege and ignores it.
 */
#define IM_VMSA_PRIV  (1u << 31)

/* ImPtStage.flags that the decoders set */
#define IM_VMSA_HA    (1u << 0)     /* set AF */
#define IM_VMSA_HD    (1u << 1)     /* dirty state of pages with DBM */
#define IM_VMSA_HAFT  (1u << 2)     /* AF of table descriptors too */
#define IM_VMSA_AFFD  (1u << 3)     /* AF=0 is no fault */
#define IM_VMSA_PA52  (1u << 4)     /* 64K: ADDR[15:12] is 51:48 */
#define IM_VMSA_HAD   (1u << 5)     /* stage 1: no hierarchical attributes */
#define IM_VMSA_WXN   (1u << 6)
#define IM_VMSA_PAN   (1u << 7)
#define IM_VMSA_ONE   (1u << 8)     /* stage 1: one privilege, no ASID */
#define IM_VMSA_XNX   (1u << 9)     /* stage 2 */
#define IM_VMSA_FWB   (1u << 10)
#define IM_VMSA_PTW   (1u << 11)    /* Device pages hold no tables */
#define IM_VMSA_EPAN  (1u << 12)    /* PAN of what unprivileged may execute */
#define IM_VMSA_NOTAG (1u << 13)    /* stage 2: MemAttr 4 is Normal */

/* ImWalkOut.attr and .first_attr: what a leaf says. */
#define IM_VMSA_ATTR(raw)  ((raw) & 15u)        /* AttrIndx, or MemAttr */
#define IM_VMSA_SH(raw)    ((raw) >> 4 & 3u)
#define IM_VMSA_NG         (1u << 6)            /* stage 1: not global */

/*
 * The memory type and shareability of a translated access, 13.1: a byte as
 * in MAIR, and SH. s1: ImWalkOut attribute of stage 1, or cd == NULL: that
 * of the request as the STE overrides it, which is Normal Write-Back, Inner
 * Shareable, when it does not. s2: attribute of stage 2, used with ste->s2.
 */
uint8_t im_vmsa_attr(const ImSmmuCd *cd, const ImSmmuSte *ste, uint16_t s1,
                     uint16_t s2, uint8_t *share);

/* Entries that a walk of a stage has read, by level, from the first table
 * down to level. */
typedef struct ImVmsaPath {
    uint64_t entry[4];
    uint8_t level;
    bool any;
} ImVmsaPath;

/*
 * For who explains; all write the note, "S1-L3: AP[2]=1", and return the
 * rule. Why the last entry of a path cannot be used: it is invalid,
 * its address is too large, its access flag is 0.
 */
ImClause im_vmsa_why_unusable(const ImPtStage *st, const ImVmsaPath *path,
                              char *note, size_t size);
/* Why a path to a leaf does not grant a right, an ImPerm; none: it does. */
ImClause im_vmsa_why_denied(const ImPtStage *st, const ImVmsaPath *path,
                            unsigned right, char *note, size_t size);
/* Fields of a descriptor, for people. */
const ImFieldRow *im_vmsa_fields(const ImPtFormat *fmt, unsigned level,
                                 uint64_t pte);

/* The formats behind ImPtStage.fmt, by granule 4K, 16K, 64K. */
extern const ImPtFormat im_vmsa_s1[3];
extern const ImPtFormat im_vmsa_s2[3];

#endif /* HW_FMT_SMMU_H */
