/*
 * SMMUv3: what the files of the translation half share: route.c, tables.c,
 * walk.c, outcome.c, cache.c, explain.c.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_SMMUV3_XLAT_H
#define HW_SMMUV3_XLAT_H

#include "hw/core/owner.h"
#include "hw/core/pool.h"
#include "hw/core/port.h"
#include "hw/core/route.h"
#include "hw/core/walk.h"
#include "hw/smmuv3/smmu.h"

/* Who asks. */
typedef enum SmmuKind {
    SMMU_ORDINARY,              /* untranslated */
    SMMU_TRANSLATION,           /* ATS translation request */
    SMMU_TRANSLATED,
    SMMU_QUESTION,              /* im_smmu_ste_of(): nobody is answered */
} SmmuKind;

/* INSTCFG of an STE */
enum { INSTCFG_DATA = 2, INSTCFG_INST };

/* ImOwner.kind, of the owners of translations */
typedef enum SmmuOwns {
    SMMU_OWNS_VA,               /* SmmuSpace.va */
    SMMU_OWNS_GLOBAL,           /* SmmuVm.global[0] */
    SMMU_OWNS_GLOBAL_ASET,      /* and [1] */
    SMMU_OWNS_IPA,              /* SmmuVm.ipa */
} SmmuOwns;

/* A world and, in NS_EL1, a VMID: 3.17. */
typedef struct SmmuVm {
    ImPoolSlot slot;            /* by both */
    uint16_t vmid;
    uint8_t world;              /* ImSmmuWorld */
    ImOwner global[2];          /* stage 1, not by ASID; by ASET */
    ImOwner ipa;                /* stage 2 alone */
    ImOwner ipa_tables;
    ImLink *spaces;
    ImLink *streams;            /* that resolve to it */
} SmmuVm;
G_STATIC_ASSERT(offsetof(SmmuVm, slot) == 0);

/* An ASID in one of these. */
typedef struct SmmuSpace {
    ImPoolSlot slot;            /* by the key of vm and asid */
    SmmuVm *vm;
    uint16_t asid;
    ImOwner va;
    ImOwner tables;
    ImLink by_vm;
    ImLink *contexts;           /* that resolve to it */
} SmmuSpace;
G_STATIC_ASSERT(offsetof(SmmuSpace, slot) == 0);

/* A StreamID's valid STE. */
typedef struct SmmuStream {
    ImPoolSlot slot;            /* by StreamID */
    SmmuVm *vm;                 /* NULL: no stage translates */
    ImLink by_vm;
    ImLink *contexts;
    ImSmmuSte ste;
} SmmuStream;
G_STATIC_ASSERT(offsetof(SmmuStream, slot) == 0);

/* What a StreamID with a SubstreamID, or with none, resolves to. */
typedef struct SmmuContext {
    ImPoolSlot slot;            /* by im_smmu_context_key() */
    SmmuStream *stream;
    SmmuSpace *space;           /* with s1 */
    bool s1;                    /* stage 1 translates: cd is valid */
    ImLink by_stream;
    ImLink by_space;
    ImSmmuCd cd;
} SmmuContext;
G_STATIC_ASSERT(offsetof(SmmuContext, slot) == 0);

#define SMMU_SSID_BITS   20

/* Explaining: no cache, no side effect, steps are told. */
typedef struct SmmuExplain {
    ImStepFn *fn;
    void *opaque;
    SmmuStream stream;          /* instead of the caches */
    SmmuContext context;
    ImVmsaPath path[2];         /* of the walk in progress, by its stages */
    const char *quiet;          /* why what ended is not recorded */
    const char *stalls;         /* why it would stall */
    char note[160];             /* what decided, by its field */
} SmmuExplain;

/* One request on its way, and its answer; out.fault: an SmmuEventCode. */
typedef struct SmmuRoute {
    ImSmmu *s;
    const ImTxn *txn;           /* NULL for a question */
    SmmuExplain *ex;            /* NULL: for real */
    SmmuRetry *retry;           /* asked again by stall.c */
    SmmuStream *stream;
    SmmuContext *context;
    uint64_t handle;            /* parked */
    ImRouteOut out;
    uint32_t sid;
    uint32_t ssid;
    uint8_t kind;               /* SmmuKind */
    bool ssv;
    bool pnu, ind;              /* effective */
    bool write;                 /* counts as a write for the dirty state */
    uint8_t need;               /* ImPerm without which it faults */
    uint8_t attr;
    uint8_t share;
    uint8_t instcfg;            /* as ImSmmuSte */
    bool only_s2;               /* its walk is stage 2 alone */
    bool looked;                /* in the TLB */
    bool unknown;               /* no context of it is cached */
} SmmuRoute;

/* Last address that the SMMU can put out, which is the last that stage 2
 * can take: IAS is OAS without VMSAv8-32. */
static inline uint64_t im_smmu_last(const ImSmmu *s)
{
    return s->oas_mask;
}

/* log2 of the STU, which is the smallest granule, 3.9.1. */
static inline unsigned im_smmu_stu(const ImSmmu *s)
{
    uint64_t idr5 = s->ids.idr[5];

    return idr5 & IM_MASK(SMMU_IDR5_GRAN4K)  ? 12 :
           idr5 & IM_MASK(SMMU_IDR5_GRAN16K) ? 14 :
                                               16;
}

/* Structure reads, counted. In line: this is most of a miss. */
static inline ImBus im_smmu_walk_read(ImSmmu *s, uint64_t pa, void *buf,
                                      size_t len)
{
    s->counters.walk_reads++;
    return im_port_read(&s->port, s->host, im_smmu_last(s), pa, buf, len);
}

/* --- explain.c --------------------------------------------------------- */

/* What decides: its clause and, for who explains, the field that did. */
void im_smmu_because(SmmuRoute *r, ImClause clause, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
/* The same of a walk that ended, or that granted. */
void im_smmu_explain_stop(SmmuRoute *r, const ImWalkOut *w, bool for_cd);
void im_smmu_explain_grant(SmmuRoute *r, const ImWalkOut *w);
/* No half of the CD translates the address. */
void im_smmu_explain_half(SmmuRoute *r);
/* A walk begins; it read an entry. */
void im_smmu_explain_begin(SmmuRoute *r);
void im_smmu_explain_entry(SmmuRoute *r, const ImPtFormat *const fmt[2],
                           const ImStep *step);

/* --- outcome.c: 3.12, 5.5, 3.9.1.2 ------------------------------------- */

/*
 * Refuse the request; returns true, as the steps of the route do. Of e are
 * set: code, s2, cls, ttrnw, ipa, fetch, and rnw of a write that counts as
 * a read.
 */
bool im_smmu_refuse(SmmuRoute *r, const SmmuEvent *e);
/* The same for an event of which only the code matters. */
bool im_smmu_refuse_code(SmmuRoute *r, uint8_t code);
/* Terminate with abort, or Unsupported Request, without an event: quiet says
 * so to who looks. */
bool im_smmu_refuse_silently(SmmuRoute *r, ImClause clause, const char *quiet);
/* Answer a translation request: success that grants nothing, for one STU. */
bool im_smmu_grant_nothing(SmmuRoute *r);
/* A walk stopped. cls: of a fault at stage 2 that is not for an entry. */
bool im_smmu_refuse_walk(SmmuRoute *r, const ImWalkOut *w, SmmuClass cls);

/* --- tables.c: 5.1 to 5.4 ---------------------------------------------- */

/* Set r->stream: the stream's STE. */
bool im_smmu_stream_fault(SmmuRoute *r);
/* Set r->context: choose the substream, fetch its CD. */
bool im_smmu_context_fault(SmmuRoute *r);
/* Where its CD is: an IPA with stage 2. */
bool im_smmu_cd_place_fault(SmmuRoute *r, uint64_t *ipa);

/* --- route.c ----------------------------------------------------------- */

/* Answer the request of r: s, txn, ex or retry are set, the rest is 0. */
void im_smmu_take_route(SmmuRoute *r);
ImXlat im_smmu_answer(const SmmuRoute *r);
/* --- walk.c ------------------------------------------------------------ */

/* Walk with the caches and side effects that r may have. */
void im_smmu_walk(SmmuRoute *r, const ImPtStage *first, const ImPtStage *second,
                  uint64_t addr, ImWalkOut *out);

/* --- cache.c ----------------------------------------------------------- */

static inline uint64_t im_smmu_context_key(uint32_t sid, bool ssv,
                                           uint32_t ssid)
{
    return (uint64_t)sid << 32 | (uint64_t)ssv << SMMU_SSID_BITS | ssid;
}

/* Where the STE, or CD, that is put next will be kept: decoded there, it
 * need not be copied. Until then nothing is cached there. */
ImSmmuSte *im_smmu_stream_room(SmmuCaches *c);
ImSmmuCd *im_smmu_context_room(SmmuCaches *c);

SmmuStream *im_smmu_stream_put(SmmuCaches *c, uint32_t sid,
                               const ImSmmuSte *ste);
/* cd == NULL: stage 1 does not translate. */
SmmuContext *im_smmu_context_put(SmmuCaches *c, uint64_t key,
                                 SmmuStream *stream, const ImSmmuCd *cd);

/* TLB flags: ImPerm bits; a write sets no more flags; memory attributes. */
#define SMMU_TLB_DIRTY  (1u << 3)
#define SMMU_TLB_ATTR   4

/* A translation, as it is put. */
typedef struct SmmuFill {
    uint64_t in;
    uint64_t out;
    uint8_t shift;
    uint8_t whole;              /* log2 of the page that this is a piece of */
    uint8_t perm;
    bool dirty;
    bool global;                /* with stage 1 */
    uint8_t attr;
    uint8_t share;
} SmmuFill;

/*
 * stage 1 and combined entries of x, or, without its stage 1, those of
 * stage 2. addr: bits above 55 are copies of it.
 */
bool im_smmu_tlb_get(SmmuCaches *c, const SmmuContext *x, bool priv,
                     uint64_t addr, ImTlbHit *hit);
void im_smmu_tlb_put(SmmuCaches *c, SmmuContext *x, bool priv,
                     const SmmuFill *f);
/* Stage 2 alone, whatever the contexts of the VM do. */
bool im_smmu_tlb_get_ipa(SmmuCaches *c, SmmuVm *vm, bool priv, uint64_t addr,
                         ImTlbHit *hit);
void im_smmu_tlb_put_ipa(SmmuCaches *c, SmmuVm *vm, bool priv,
                         const SmmuFill *f);
/* x was put: what it makes of addr will be, or is found. */
void im_smmu_tlb_prefetch(SmmuCaches *c, const SmmuContext *x, bool priv,
                          uint64_t addr);
/* What SMMU_TLB_ATTR of a hit stands for. */
uint8_t im_smmu_tlb_attr(const SmmuCaches *c, uint16_t flags, uint8_t *share);

#endif /* HW_SMMUV3_XLAT_H */
