/*
 * VT-d: what the files of the DMA route share: route.c, tables.c, cache.c,
 * explain.c.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_VTD_DMA_H
#define HW_VTD_DMA_H

#include "hw/core/owner.h"
#include "hw/core/pool.h"
#include "hw/core/port.h"
#include "hw/core/route.h"
#include "hw/core/walk.h"
#include "hw/vtd/regs.h"
#include "hw/vtd/vtd.h"

/* Column of VtdFaultDef.reply. */
typedef enum VtdKind {
    VTD_UNTRANSLATED,
    VTD_TRANSLATION,
    VTD_TRANSLATED,
    VTD_PAGE_REQUEST,
} VtdKind;

/* A context entry, checked and decoded (9.3, 9.4). */
typedef struct VtdCtx {
    ImPoolSlot slot;            /* by rid */
    ImLink *spaces;            /* made through this entry */
    uint64_t dir;               /* PASIDDIRPTR, or SSPTPTR in legacy mode */
    uint32_t rid_pasid;
    uint16_t rid;
    uint16_t did;               /* legacy */
    uint8_t pgtt;               /* legacy: TT as SECOND or PASS */
    uint8_t aw;                 /* legacy: AW as encoded */
    uint8_t pdts;
    bool legacy;
    bool fpd;
    bool ats;                   /* DTE, or TT = 01b */
    bool pre;
    bool paside;
    bool eptr;
    bool rid_priv;
} VtdCtx;
G_STATIC_ASSERT(offsetof(VtdCtx, slot) == 0);

/*
 * An address space as one requester sees it: a PASID entry, checked and
 * decoded (9.6), or what a legacy context entry says instead. It owns all
 * that is cached below it.
 */
typedef struct VtdSpace {
    ImPoolSlot slot;            /* by im_vtd_space_key() */
    ImOwner pages;              /* of the IOTLB */
    ImOwner fs_tables;
    ImOwner ss_tables;          /* whatever the privilege */
    uint16_t rid;
    uint16_t did;
    uint32_t pasid;             /* RID_PASID for a request without */
    uint8_t pgtt;               /* VtdPgtt */
    bool legacy;
    bool fpd;
    bool ats;
    bool rid_priv;
    bool sre;
    bool pgsnp;
    ImPtStage fs;
    ImPtStage ss;
    ImLink by_did;
    ImLink by_asid;            /* DID and PASID */
    ImLink by_ctx;
} VtdSpace;
G_STATIC_ASSERT(offsetof(VtdSpace, slot) == 0);

struct VtdCaches {
    ImPool ctxs;                /* VtdCtx */
    ImPool spaces;              /* VtdSpace */
    ImOwnedTlb pages;           /* the IOTLB */
    ImOwnedTlb tables;          /* the paging-structure caches */
    ImLink **by_did;            /* heads of VtdSpace.by_did, */
    ImLink **by_asid;           /* and of by_asid, as spaces has buckets */
};

/* Explaining: no cache, no side effect, steps are told. */
typedef struct VtdExplain {
    ImStepFn *fn;
    void *opaque;
    VtdCtx ctx;                 /* instead of the caches */
    VtdSpace space;
    uint64_t entry;             /* the page-table entry read last */
    const char *lacks[2][2];    /* by stage: the entry of this walk that first
                                   granted no read, no write */
    char note[128];             /* what decided the walk */
} VtdExplain;

/* One request on its way, and its answer. */
typedef struct VtdRoute {
    ImVtd *s;
    const ImTxn *txn;           /* NULL for a page request */
    VtdExplain *ex;             /* NULL: for real */
    const VtdCtx *ctx;
    VtdSpace *sp;
    ImRouteOut out;             /* clause: where no fault decided */
    uint32_t pasid;             /* of the request; then of the space */
    uint16_t rid;
    uint8_t kind;               /* VtdKind */
    bool has_pasid;
    bool priv;
    bool write;                 /* counts as a write for D */
    bool fpd;
    uint8_t need;               /* ImPerm without which it faults */
    bool interrupt;
    bool non_snoop;
    bool untranslated_only;
} VtdRoute;

/* --- widths that the unit reports --------------------------------------- */

/* Last address below min(MGAW, AW); aw as encoded, 0: MGAW alone. */
static inline uint64_t im_vtd_gaw_last(const ImVtd *s, unsigned aw)
{
    unsigned mgaw = (unsigned)IM_GET(s->cap, VTD_CAP_MGAW) + 1;

    return UINT64_MAX >> (64 - (aw ? MIN(mgaw, 30 + 9 * aw) : mgaw));
}

/* Last host address; reported by the platform, not by a register. */
static inline uint64_t im_vtd_haw_last(const ImVtd *s)
{
    return UINT64_MAX >> (64 - s->cfg.haw_bits);
}

static inline bool im_vtd_legacy_mode(const ImVtd *s)
{
    return s->root.ttm == VTD_TTM_LEGACY;
}

static inline uint16_t im_vtd_did_last(const ImVtd *s)
{
    return (uint16_t)(UINT16_MAX >> (12 - 2 * IM_GET(s->cap, VTD_CAP_ND)));
}

/* --- the interrupt address range, 3.15 ---------------------------------- */

#define VTD_FEE_FIRST  UINT64_C(0xfee00000)
#define VTD_FEE_LAST   UINT64_C(0xfeefffff)

static inline bool im_vtd_interrupt_address(uint64_t addr)
{
    return addr >= VTD_FEE_FIRST && addr <= VTD_FEE_LAST;
}

/* Whether the aligned 2^lg2 bytes around addr touch FEEx_xxxxh. */
static inline bool im_vtd_overlaps_interrupts(uint64_t addr, unsigned lg2)
{
    uint64_t mask = UINT64_MAX >> (64 - lg2);

    return (addr & ~mask) <= VTD_FEE_LAST && (addr | mask) >= VTD_FEE_FIRST;
}

/* --- tables.c ----------------------------------------------------------- */

/* Refuse the request; returns true, as the steps of the route do. */
bool im_vtd_refuse(VtdRoute *r, uint8_t reason);
/* Set r->ctx from the context cache or the root and context tables, and
 * check what the context entry says about this request. */
bool im_vtd_context_fault(VtdRoute *r);
/* Set r->sp from the PASID cache or the PASID directory and table. */
bool im_vtd_pasid_fault(VtdRoute *r);

/* The second stage that a root and an AW as encoded stand for. */
void im_vtd_second_stage_of(const ImVtd *s, ImPtStage *st, uint64_t root,
                            unsigned aw);

/* --- route.c ------------------------------------------------------------ */

/* What RTADDR_REG says refuses it. */
bool im_vtd_table_mode_fault(VtdRoute *r);

/* Answer the request of r: s, txn, ex, and rid, has_pasid, pasid of txn
 * are set, the rest is 0. */
void im_vtd_route(VtdRoute *r);
ImXlat im_vtd_answer(const VtdRoute *r);
/*
 * A translation was found. flags: what the tables grant, and VTD_TLB_*. A
 * write by an untranslated request is granted beyond this request only when
 * it would set no dirty flag.
 */
bool im_vtd_found(VtdRoute *r, uint64_t out, unsigned lg2, uint8_t flags);

IM_RULE(VTD_4_2_3_NW);
static inline bool im_vtd_no_write(const VtdRoute *r)
{
    return r->txn->no_write && (r->s->ecap & IM_MASK(VTD_ECAP_NWFS));
}

/* --- walk.c ------------------------------------------------------------- */

bool im_vtd_walk_tables(VtdRoute *r);

/* --- explain.c ---------------------------------------------------------- */

/* An entry of a page table was read: step becomes what people see. */
void im_vtd_explain_entry(VtdRoute *r, const ImStep *step);
/* The walk ended: what decided it. */
void im_vtd_explain_walk(VtdRoute *r, const ImWalkOut *w);

/* --- cache.c ------------------------------------------------------------ */

IM_RULE(VTD_6_2_1_PASID_TAG);
static inline uint64_t im_vtd_space_key(uint16_t rid, bool has_pasid,
                                        uint32_t pasid)
{
    return (uint64_t)rid << 33 | (uint64_t)has_pasid << 32 |
           (has_pasid ? pasid : 0);
}

/*
 * A new space; the caller fills in what is not an argument here. ctx: one of
 * c->ctxs.
 */
VtdSpace *im_vtd_space_put(VtdCaches *c, uint64_t key, uint16_t did,
                           uint32_t pasid, VtdCtx *ctx);

/* The space that a request is in, or NULL: not cached. */
static inline VtdSpace *im_vtd_space_get(VtdCaches *c, uint64_t key)
{
    VtdSpace *sp = im_pool_last(&c->spaces, key);

    return sp ? sp : im_pool_find(&c->spaces, key);
}

/* Flags in the IOTLB: ImPerm bits, and these. */
#define VTD_TLB_SNP    (1 << 4)         /* leaf SNP */
#define VTD_TLB_DIRTY  (1 << 5)         /* a write sets nothing more */
#define VTD_TLB_FEE    (1 << 6)         /* the page touches FEEx_xxxxh */

#endif /* HW_VTD_DMA_H */
