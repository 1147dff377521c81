/*
 * VT-d unit: the state its chapters share, and what each offers the others.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_VTD_VTD_H
#define HW_VTD_VTD_H

#include "hw/core/field.h"
#include "im/im_clause.h"
#include "im/im_event.h"
#include "im/im_vtd.h"

/* RTADDR_REG.TTM, 11.4.5 */
typedef enum VtdTtm {
    VTD_TTM_LEGACY = 0,
    VTD_TTM_SCALABLE = 1,
    VTD_TTM_RESERVED = 2,
    VTD_TTM_ABORT = 3,
} VtdTtm;

/* PASID-table entry PGTT, 9.6 */
typedef enum VtdPgtt {
    VTD_PGTT_FIRST = 1,
    VTD_PGTT_SECOND = 2,
    VTD_PGTT_NESTED = 3,
    VTD_PGTT_PASS = 4,
} VtdPgtt;

/* Granularity of an invalidation, independent of its encoding. */
typedef enum VtdGran {
    VTD_GRAN_GLOBAL,
    VTD_GRAN_DOMAIN,
    VTD_GRAN_DEVICE,
    VTD_GRAN_PASID,
    VTD_GRAN_PAGE,
} VtdGran;

typedef struct VtdCaches VtdCaches;     /* cache.c */
typedef struct VtdRegs VtdRegs;         /* regs.c: register file */
typedef struct VtdQueue VtdQueue;       /* iq.c: invalidation queue */
typedef struct VtdDevTlb VtdDevTlb;     /* devtlb.c: what is outstanding */

struct ImVtd {
    ImVtdConfig cfg;
    ImPort port;
    void *host;

    /* What software can see rules: never ask cfg once these are set. */
    uint32_t ver;
    uint64_t cap;
    uint64_t ecap;
    uint32_t gsts;

    /* Latched by SRTP, 6.6 */
    struct {
        uint64_t table;             /* RTA, 4 KiB aligned */
        uint8_t ttm;                /* VtdTtm */
        bool ssirwe;
    } root;

    /* Latched by SIRTP, 6.7 */
    struct {
        uint64_t table;
        uint32_t entries;
        bool eime;
    } ir;

    uint32_t vcmd_serial;           /* of the last virtual command */

    VtdCaches *caches;
    VtdRegs *regs;
    VtdQueue *queue;
    VtdDevTlb *devtlb;
    ImVtdCounters counters;
};

/* --- route.c, tables.c: chapters 3 and 9 ------------------------------ */

/* What the structures up to and including the PASID entry say. */
typedef struct VtdResolved {
    uint8_t reason;                 /* 0, or the fault reason of 7.1.3 */
    bool fpd;                       /* some FPD seen on the way is 1 */
    uint8_t pgtt;                   /* VtdPgtt */
    uint16_t did;
    uint32_t pasid;                 /* RID_PASID for a request without */
} VtdResolved;

/*
 * Resolve the source of a page request by the walk of 7.4.1: root, context
 * (PRE and PASIDE included), PASID directory, PASID entry.
 */
struct VtdExplain;
/* ex: to explain it; NULL: for real. */
VtdResolved im_vtd_resolve_page_request(ImVtd *s, const ImPageReq *req,
                                        struct VtdExplain *ex);

/* --- cache.c: chapter 6.2, granularities of 6.5.2 ---------------------- */

VtdCaches *im_vtd_caches_new(const ImVtdConfig *cfg);
void im_vtd_caches_free(VtdCaches *c);
void im_vtd_inv_all(ImVtd *s);
/* g: GLOBAL, DOMAIN, DEVICE; fm as encoded (0 .. 3). */
void im_vtd_inv_context(ImVtd *s, VtdGran g, uint16_t did, uint16_t sid,
                        unsigned fm);
/* g: GLOBAL, DOMAIN, PASID (in domain). */
void im_vtd_inv_pasid(ImVtd *s, VtdGran g, uint16_t did, uint32_t pasid);
/* g: GLOBAL, DOMAIN, PAGE; am: log2 of the number of 4 KiB pages. */
void im_vtd_inv_iotlb(ImVtd *s, VtdGran g, uint16_t did, uint64_t addr,
                      unsigned am, bool ih);
/* g: PASID, PAGE. */
void im_vtd_inv_piotlb(ImVtd *s, VtdGran g, uint16_t did, uint32_t pasid,
                       uint64_t addr, unsigned am, bool ih);
void im_vtd_caches_dump(ImVtd *s, GString *out);
/* Whether the entry behind a request sits in a cache; for tests and dump. */
unsigned im_vtd_cached_translations(const ImVtd *s);

/* --- fault.c: 7.2, 7.3 -------------------------------------------------- */

/*
 * Record a non-recoverable fault of a DMA or page request (7.2.1). Obeys
 * FPD: a qualified reason with fpd set is dropped.
 */
void im_vtd_fault_dma(ImVtd *s, const ImTxn *txn, uint8_t reason, bool fpd);
void im_vtd_fault_page_request(ImVtd *s, const ImPageReq *req, uint8_t reason,
                               bool fpd);
/* Record an interrupt remapping fault; index is the interrupt_index. */
void im_vtd_fault_interrupt(ImVtd *s, const ImMsi *msi, uint16_t index,
                            uint8_t reason, bool fpd);

/* Reason codes by the names of their clause tags: VTD_FLT_LRT_2, ... */
#define R(fr, tag, ...)  VTD_FLT_##tag = (fr),
typedef enum VtdReason {
#include "im/spec/vtd_faults.h.inc"
} VtdReason;
#undef R

/* How Table 30 (7.1.3) says that a reason is reported. */
typedef enum VtdReply {
    VTD_REPLY_NEVER,                /* cannot occur for this request type */
    VTD_REPLY_UR,
    VTD_REPLY_CA,
    VTD_REPLY_S0,                   /* success, R=W=U=S=0, not recorded */
    VTD_REPLY_SE,                   /* success, effective permission */
    VTD_REPLY_IR,                   /* page request: Invalid Request */
} VtdReply;

typedef struct VtdFaultDef {
    const char *name;               /* "SPT.2" */
    const char *text;
    ImClause clause;                /* VTD_FLT_SPT_2 */
    bool qualified;
    bool s0_recorded;               /* recorded although the reply is S0 */
    uint8_t reply[4];               /* untranslated, translation request,
                                       translated, page request */
} VtdFaultDef;

/* The row of a reason; a row with name == NULL does not exist. Lives with
 * include/im/spec/vtd_faults.h.inc (DMA rows and interrupt rows). */
const VtdFaultDef *im_vtd_fault_def(uint8_t reason);

/* A requester for people. */
#define VTD_RID_FORMAT      "%02x:%02x.%x"
#define VTD_RID_ARGS(rid)   (rid) >> 8, (rid) >> 3 & 31, (rid) & 7

/* --- memory ------------------------------------------------------------ */

/* Structure reads of the unit; counts walk_reads. Fails beyond HAW. */
ImBus im_vtd_mem_read(ImVtd *s, uint64_t pa, void *buf, size_t len);

/* --- dump.c helpers ---------------------------------------------------- */
void im_vtd_queue_dump(ImVtd *s, GString *out);

#endif /* HW_VTD_VTD_H */
