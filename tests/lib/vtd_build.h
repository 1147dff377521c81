/*
 * VT-d structures as software writes them: the tests' own encoders, made
 * from chapters 6, 7 and 9 of the manual, and never from the model.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_VTD_BUILD_H
#define TESTS_LIB_VTD_BUILD_H

#include "lib/rig.h"
#include "lib/vtd_fields.h"
#include "lib/vtd_regs.h"

/* --- descriptors, 6.5.2 and 7.6.1 --------------------------------------- */

typedef struct Desc {
    uint64_t q[4];
} Desc;

void desc_put(Desc *d, unsigned hi, unsigned lo, uint64_t val);

enum { CC_GLOBAL = 1, CC_DOMAIN = 2, CC_DEVICE = 3 };
enum { IOTLB_GLOBAL = 1, IOTLB_DOMAIN = 2, IOTLB_PAGE = 3 };
enum { PIOTLB_PASID = 2, PIOTLB_PAGE = 3 };
enum { PC_DOMAIN = 0, PC_PASID = 1, PC_GLOBAL = 3 };
enum { WAIT_IF = 1, WAIT_SW = 2, WAIT_FN = 4, WAIT_PD = 8 };

Desc desc_context(unsigned g, uint16_t did, uint16_t sid, unsigned fm);
Desc desc_iotlb(unsigned g, uint16_t did, uint64_t addr, unsigned am, bool ih);
Desc desc_dev_tlb(uint16_t sid, uint64_t addr, bool s);
Desc desc_iec(unsigned g, unsigned im, uint16_t iidx);
Desc desc_wait(unsigned flags, uint64_t addr, uint32_t data);
Desc desc_piotlb(unsigned g, uint16_t did, uint32_t pasid, uint64_t addr,
                 unsigned am, bool ih);
Desc desc_pasid_cache(unsigned g, uint16_t did, uint32_t pasid);
Desc desc_pdev_tlb(uint16_t sid, uint32_t pasid, uint64_t addr, bool s,
                   bool gi);
Desc desc_page_resp(uint16_t rid, bool pp, uint32_t pasid, uint16_t prgi,
                    unsigned rc);

/* --- registers as software drives them ---------------------------------- */

void vb_gcmd(Rig *r, uint32_t bit, bool on);    /* toggle bits */
void vb_one_shot(Rig *r, uint32_t bit);
void vb_set_root(Rig *r, uint64_t root, uint64_t ttm);
void vb_iq_enable(Rig *r, bool wide);           /* one page of queue */
void vb_iq_put(Rig *r, Desc d);                 /* without the doorbell */
void vb_iq_ring(Rig *r);
void vb_submit(Rig *r, Desc d);
/* Submit a wait with status write; true when the status arrived. */
bool vb_wait(Rig *r);
void vb_prq_enable(Rig *r, unsigned pqs);
void vb_irt_enable(Rig *r, unsigned s, bool eime);
void vb_fault_event(Rig *r, uint32_t data);     /* address and unmask */

typedef struct FaultRec {
    bool f;
    unsigned type;          /* T1:T2 */
    unsigned at;
    uint32_t pasid;
    unsigned reason;
    bool pp;
    bool exe;
    bool priv;
    uint16_t sid;
    uint64_t fi;            /* 63:12 in place */
} FaultRec;

enum { FAULT_WRITE = 0, FAULT_PAGE_REQ = 1, FAULT_READ = 2, FAULT_ATOMIC = 3 };

FaultRec vb_fault(Rig *r, unsigned n);
unsigned vb_faults(Rig *r);                     /* how many have F set */
void vb_fault_clear(Rig *r);                    /* all, and FSTS */

/* --- interrupt remapping, 9.9 ------------------------------------------- */

typedef struct Irte {
    bool p, fpd, dm, rh, tm;
    unsigned dlm;
    uint8_t vector;
    uint32_t dst;           /* raw bits 63:32 */
    uint16_t sid;
    unsigned sq, svt;
} Irte;

void vb_irte(Rig *r, unsigned index, Irte e);
ImMsi vb_msi(uint16_t rid, uint16_t handle);            /* SHV = 0 */
ImMsi vb_msi_sub(uint16_t rid, uint16_t handle, uint32_t data);

/* --- one mapped page, in every way there is ----------------------------- */

typedef enum WorldKind {
    W_LEGACY,               /* TT=01: second stage, ATS allowed */
    W_LEGACY_NO_ATS,        /* TT=00 */
    W_LEGACY_PT,            /* TT=10 */
    W_FS,
    W_SS,
    W_NESTED,
    W_PT,
    W_KINDS
} WorldKind;

typedef struct World {
    Rig *r;
    WorldKind kind;
    uint16_t rid;
    uint16_t did;
    uint32_t pasid;         /* whose entry pe is */
    uint32_t rid_pasid;
    bool has_pasid;         /* requests of txn() carry it */
    uint64_t root;
    uint64_t root_entry;    /* of rid: legacy 16 bytes, SM the used half */
    uint64_t ctx;           /* context entry of rid */
    uint64_t dir;
    uint64_t dir_entry;
    uint64_t pe;
    unsigned fs_levels;
    unsigned ss_levels;
    uint64_t fs;            /* first-stage top table, host address */
    uint64_t ss;
    uint64_t bias;          /* guest minus host address of FS tables */
    uint64_t iova;          /* 4 KiB page, all rights */
    uint64_t gpa;           /* nested: what the first stage gives */
    uint64_t hpa;           /* where it leads */
    bool ttm_set;           /* world_on() uses ttm instead of the kind's */
    uint64_t ttm;
} World;

bool world_scalable(const World *w);

/*
 * A fresh rig with tables for one requester and one page, queue, page
 * request queue, fault event unmasked, translation on. has_pasid: the
 * mapping is behind PASID w->pasid, else behind RID_PASID.
 */
World *world_new(const ImVtdConfig *cfg, WorldKind kind, bool has_pasid);
/* The same, before SRTP and TE: tables may still be changed. */
World *world_new_off(const ImVtdConfig *cfg, WorldKind kind, bool has_pasid);
/* The same in a rig that is there, and stays: g_free() it. */
World *world_in(Rig *r, WorldKind kind, bool has_pasid);
void world_on(World *w);
void world_free(World *w);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

/* Another requester or PASID with tables of its own; returns its entry. */
uint64_t world_context(World *w, uint16_t rid);
uint64_t world_pasid_entry(World *w, uint16_t rid, uint32_t pasid,
                           uint16_t did);
uint64_t world_table(World *w);         /* a first-stage table */
void world_fs_map(World *w, uint64_t va, uint64_t pa, unsigned lg2,
                  uint64_t flags);
void world_ss_map(World *w, uint64_t ipa, uint64_t pa, unsigned lg2,
                  uint64_t flags);
/* Map in whatever stage the request meets first. */
void world_map(World *w, uint64_t iova, uint64_t hpa);
/* The entry of level (1: PTE) used for va; its host address. */
uint64_t world_fs_entry(World *w, uint64_t va, unsigned level);
uint64_t world_ss_entry(World *w, uint64_t ipa, unsigned level);
/* The leaf that the first stage of this kind uses for iova. */
uint64_t world_leaf(World *w, uint64_t iova);

ImTxn world_txn(const World *w, ImAt at, ImAccess access);
ImXlat world_dma(World *w, ImAccess access, uint64_t addr);
ImPageReq world_page_req(const World *w);

#endif /* TESTS_LIB_VTD_BUILD_H */
