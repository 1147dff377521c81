/*
 * A programmed SMMU with one stream and one mapped page, in every way
 * there is.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_SMMU_WORLD_H
#define TESTS_LIB_SMMU_WORLD_H

#include "lib/smmu_build.h"

typedef enum SwKind { SW_S1, SW_S2, SW_NESTED, SW_BYPASS, SW_KINDS } SwKind;

/* What a world may look like; 0 in a member: the default in brackets. */
typedef struct SwShape {
    uint8_t g1, g2;             /* log2 of the granules [12] */
    uint8_t bits1, bits2;       /* input address sizes [48] */
    uint8_t concat;             /* start levels of stage 2 to leave out */
    bool linear;                /* linear stream table [two-level] */
    uint8_t s1fmt;              /* [0: linear CD table] */
    uint8_t s1cdmax;            /* with a SubstreamID [8] */
    uint32_t ssid;              /* [0x91] */
    bool high;                  /* iova in the range of TTB1 */
} SwShape;

typedef struct SWorld {
    Rig *r;
    SwKind kind;
    SwShape shape;
    uint32_t sid;
    uint32_t ssid;
    bool has_ssid;              /* requests of sw_txn() carry it */
    uint16_t asid, vmid;
    uint64_t strtab;
    unsigned log2size;
    uint64_t l1std;             /* of sid; 0: linear */
    uint64_t ste;               /* of sid, host address like all below */
    uint64_t cdtab;             /* what S1ContextPtr points to */
    uint64_t cd;                /* the one that requests use */
    uint64_t s1, s2;            /* first tables */
    unsigned start1, start2;    /* levels of these */
    unsigned bits1, bits2;
    uint64_t bias;              /* IPA minus host address of tables */
    uint64_t iova;              /* one granule, all rights */
    uint64_t ipa;               /* what stage 1 gives; iova without */
    uint64_t pa;                /* where it leads */
    uint32_t cr0, cr2;          /* that sw_on() sets */
} SWorld;

bool sw_s1(const SWorld *w);
bool sw_s2(const SWorld *w);

/* A fresh rig, tables for one stream and one page, queues, SMMUEN=1.
 * has_ssid: behind SubstreamID w->ssid, else substreams are off. */
SWorld *sw_new(const ImSmmuConfig *cfg, SwKind kind, bool has_ssid);
/* The same, before SMMUEN: tables may still be changed. */
SWorld *sw_new_off(const ImSmmuConfig *cfg, SwKind kind, bool has_ssid,
                   const SwShape *shape);
/* The same in a rig that is there, which sw_free() frees. */
SWorld *sw_in(Rig *r, SwKind kind, bool has_ssid, const SwShape *shape);
void sw_on(SWorld *w);
void sw_free(SWorld *w);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SWorld, sw_free)

/* The STE of another stream, filled like w->ste; its address. */
uint64_t sw_stream(SWorld *w, uint32_t sid);
/* Fill an STE or a CD as the world's kind wants it. */
void sw_fill_ste(SWorld *w, uint64_t ste);
void sw_fill_cd(SWorld *w, uint64_t cd, uint16_t asid);
/* Where the CD of a SubstreamID is; makes leaves as needed. */
uint64_t sw_cd_at(SWorld *w, uint32_t ssid);
/* A CD for ssid with tables of its own, in which iova leads to pa. */
uint64_t sw_substream(SWorld *w, uint32_t ssid, uint16_t asid, uint64_t pa);

/* Memory that stage 1 structures live in: mapped by stage 2. */
uint64_t sw_table(SWorld *w, uint64_t bytes);
/* lg2: of a page or block that the granule has. */
void sw_s1_map(SWorld *w, uint64_t va, uint64_t out, unsigned lg2,
               uint64_t flags);
void sw_s2_map(SWorld *w, uint64_t ipa, uint64_t pa, unsigned lg2,
               uint64_t flags);
/* One granule in whatever stage the request meets first. */
void sw_map(SWorld *w, uint64_t iova, uint64_t pa);
/* The descriptor used at a level; host address. */
uint64_t sw_s1_desc(SWorld *w, uint64_t va, unsigned level);
uint64_t sw_s2_desc(SWorld *w, uint64_t ipa, unsigned level);
/* The level 3 descriptor of the first stage of this kind. */
uint64_t sw_leaf(SWorld *w, uint64_t iova);

ImTxn sw_txn(const SWorld *w, ImAt at, ImAccess access);
ImXlat sw_run(SWorld *w, const ImTxn *t);
ImXlat sw_dma(SWorld *w, ImAccess access, uint64_t addr);
ImPageReq sw_page_req(const SWorld *w);

/* Terminated with abort; whatever is recorded is another matter. */
void sx_is_abort(const ImXlat *x, unsigned code);
void sx_is_raz_wi(const ImXlat *x, unsigned code);
/* Translation request: success that grants nothing. */
void sx_is_nothing(const ImXlat *x);
void sx_is_cpl(const ImXlat *x, ImCpl cpl);
/* Exactly one event, which is dropped then. */
Evt sw_only_event(SWorld *w, unsigned code);
void sw_no_event(SWorld *w);

#endif /* TESTS_LIB_SMMU_WORLD_H */
