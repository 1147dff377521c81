/*
 * SMMUv3 configuration structures and VMSAv8-64 tables: STE (5.2), CD
 * (5.4), stage 1 and stage 2 descriptors. Pure functions.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_FMT_SMMU_H
#define HW_FMT_SMMU_H

#include "hw/core/walk.h"

/* What decides about validity: the ID registers, as software reads them. */
typedef struct ImSmmuIds {
    uint32_t idr[7];            /* IDR0 .. IDR6 */
} ImSmmuIds;

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
    bool s2ptw;
    ImPtStage stage2;           /* ready to walk; valid with s2 */
} ImSmmuSte;

/* A valid CD likewise. half[0] is TTB0, half[1] TTB1. */
typedef struct ImSmmuCd {
    uint16_t asid;
    uint8_t world;
    bool aset;
    bool s, r, a;               /* fault model, 5.5 */
    struct {
        bool enabled;           /* not EPDx, and used in this world */
        bool tbi;
        uint8_t tsz;            /* input bits = 64 - tsz */
        ImPtStage stage;        /* ready to walk */
    } half[2];
    uint64_t mair;
} ImSmmuCd;

/*
 * Check and decode an STE. e2h: CR2.E2H. false: C_BAD_STE, and *clause is
 * the tag of the rule that was broken. A V=1 STE with Config 0xx is valid.
 */
bool im_smmu_ste_decode(const ImSmmuIds *ids, bool e2h,
                        const uint64_t raw[8], ImSmmuSte *out,
                        const char **clause);

/* Check and decode a CD below an STE. false: C_BAD_CD. */
bool im_smmu_cd_decode(const ImSmmuIds *ids, const ImSmmuSte *ste,
                       const uint64_t raw[8], ImSmmuCd *out,
                       const char **clause);

/* log2 of IAS and OAS. */
unsigned im_smmu_ias(const ImSmmuIds *ids);
unsigned im_smmu_oas(const ImSmmuIds *ids);

/*
 * Which half of a CD an address uses (3.4, VMSAv8-64 rules): 0 or 1, or -1
 * when it is in neither range or its half is disabled: F_TRANSLATION.
 */
int im_smmu_cd_half(const ImSmmuCd *cd, uint64_t addr);

/* ImPtStage.flags set per request, not by the tables. */
#define IM_VMSA_PRIV  (1u << 31)    /* effective PnU */

/*
 * ImWalkOut.attr of a walk is the format's raw attribute. Combine stage 1
 * (index into mair, or none) and stage 2 (MemAttr, or FWB form) into a
 * MAIR-style byte; share: in SH of the walk, out the resulting SH.
 */
uint8_t im_vmsa_attr(const ImSmmuCd *cd, const ImSmmuSte *ste,
                     uint16_t s1_raw, uint16_t s2_raw, uint8_t *share);

/* The formats behind ImPtStage.fmt, by granule 4K, 16K, 64K. */
extern const ImPtFormat im_vmsa_s1[3];
extern const ImPtFormat im_vmsa_s2[3];

#endif /* HW_FMT_SMMU_H */
