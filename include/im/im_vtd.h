/*
 * Intel VT-d remapping hardware unit, revision 5.10 of the architecture
 * specification: public interface of the model.
 *
 * One instance is used by one thread at a time; the host serialises.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_VTD_H
#define IM_VTD_H

#include <glib.h>

#include "im/im_iommu.h"
#include "im/im_port.h"
#include "im/im_txn.h"

typedef struct ImVtd ImVtd;

/* The upward port (im_iommu.h), of an ImVtd. */
extern const ImIommuOps im_vtd_ops;

#define IM_VTD_MMIO_SIZE  0x1000

/*
 * A command that software behind a virtual unit gives the host (11.4.16),
 * answered whenever the host likes by im_vtd_vcmd_done() with the same serial.
 */
typedef enum ImVcmdCode {
    IM_VCMD_ALLOC_PASID = 1,
    IM_VCMD_FREE_PASID = 2,
} ImVcmdCode;

typedef struct ImVcmd {
    uint32_t serial;
    uint32_t pasid;             /* to be freed */
    uint8_t code;               /* ImVcmdCode */
} ImVcmd;

/* host is that of the port, and the rules are those of ImPort. */
typedef void ImVcmdFn(void *host, const ImVcmd *cmd);

/*
 * What the unit shall be. Validated once by im_vtd_new(); afterwards VER,
 * CAP and ECAP are the truth. Start from IM_VTD_CONFIG_DEFAULT.
 */
typedef struct ImVtdConfig {
    uint8_t major;              /* VER_REG.MAX, 1 .. 5 */
    uint8_t aw_bits;            /* 39, 48 or 57: largest AGAW and MGAW */
    uint8_t haw_bits;           /* host address width, 32 .. 52, <= aw_bits */
    uint8_t domain_bits;        /* 4, 6, .. 16 */
    uint8_t pasid_bits;         /* 0: no PASID; 1 .. 20 */
    uint16_t fault_records;     /* 1 .. 186: what the register page has room
                                   for below the virtual commands */
    bool dma_translation;       /* false: SAGAW 0, interrupts only; not with
                                   scalable */
    bool scalable;              /* SMTS */
    bool first_stage;           /* FSTS */
    bool second_stage;          /* SSTS */
    bool nested;                /* NEST */
    bool pass_through;          /* PT */
    bool fs5lp;
    bool fs1gp;
    bool ss2m;                  /* SSLPS */
    bool ss1g;
    bool device_tlb;            /* DT */
    bool page_request;          /* PRS, PDS */
    bool no_write_flag;         /* NWFS */
    bool supervisor;            /* SRS */
    bool ext_accessed;          /* EAFS */
    bool ss_dirty;              /* SSADS */
    bool page_walk_coherency;   /* SMPWCS */
    bool rid_pasid;             /* RPS */
    bool abort_dma;             /* ADMS */
    bool coherent;              /* C */
    bool snoop_control;         /* SC */
    bool intremap;              /* IR */
    bool eim;                   /* EIM */
    bool caching_mode;          /* CM */
    bool psi;
    bool zlr;
    bool esrtps;
    bool esirtps;
    bool stop_marker;           /* SMS */
    uint64_t ats_timeout_ns;    /* device-TLB invalidation completion */
    uint32_t iotlb_entries;     /* capacity, power of two, >= 16 */
    bool eim_required;          /* EIMER */
    bool intremap_required;     /* IRREQ */
    ImVcmdFn *vcmd;             /* the host gives out PASIDs (VCS);
                                   NULL: there are no virtual commands */
    bool aw_ignored;            /* AW of a PASID entry while SSTS=0, which
                                   9.6 says is Reserved(0) */
    bool rid_priv;              /* RPRIVS */
    bool translated_pasid;      /* PTRS */
    bool ss_io_rw;              /* SSIRWS */
    bool early_ats_inv;         /* completions count while TES=0; 4.2.1 says
                                   Unsupported Request */
} ImVtdConfig;

extern const ImVtdConfig IM_VTD_CONFIG_DEFAULT;

/*
 * Switch off every feature whose prerequisite is off, so that a host which
 * switches off, say, scalable need not know what depends on it.
 */
void im_vtd_config_prune(ImVtdConfig *config);

/*
 * Create a unit. Returns NULL and sets *err to one line that names both
 * sides of an impossible combination (g_free() it). port is copied; host is
 * passed to every port call and must outlive the unit.
 */
ImVtd *im_vtd_new(const ImVtdConfig *config, const ImPort *port, void *host,
                  char **err);
void im_vtd_free(ImVtd *s);

/* Power-on reset: every register, every cache, everything pending. */
void im_vtd_reset(ImVtd *s);

/*
 * Register access, 11.2. off < IM_VTD_MMIO_SIZE; size 4 or 8, naturally
 * aligned. Any other access reads 0 and writes nothing.
 */
uint64_t im_vtd_mmio_read(ImVtd *s, uint64_t off, unsigned size);
void im_vtd_mmio_write(ImVtd *s, uint64_t off, uint64_t val, unsigned size);

/*
 * Answer one memory request: untranslated, translation request or
 * translated by txn->at. Covers addr up to the end of the region that
 * mask describes; a request that reaches further is continued by the
 * caller (3.13). Never IM_PENDING.
 */
ImXlat im_vtd_translate(ImVtd *s, const ImTxn *txn);

/* ImIommuOps.binding, second and fenced: chapters 3, 9 and 6.5.2.8. */
void im_vtd_binding(ImVtd *s, uint32_t func, bool has_pasid, uint32_t pasid,
                    bool table, ImBinding *out);
ImXlat im_vtd_second(ImVtd *s, const ImBinding *b, uint64_t addr,
                     ImAccess access);
void im_vtd_fenced(ImVtd *s, uint64_t ticket);
/* Whether DMA is remapped: GSTS.TES. */
bool im_vtd_translating(const ImVtd *s);

/* A page request message has arrived (7.4.1). */
void im_vtd_page_request(ImVtd *s, const ImPageReq *req);

/*
 * An invalidation completion message of the function func (4.3, PCIe 10.3.2):
 * itags has one bit per ITag. cc is its CC field, how many such messages
 * complete an invalidation: 1 .. 7, and 0 or 8 for 8. An invalidation is
 * complete when as many messages named it as the last of them says. What
 * matches no invalidation of func sets FSTS.ICE.
 */
void im_vtd_ats_inv_done(ImVtd *s, uint32_t func, uint32_t itags, unsigned cc);

/* The alarm set by port->deadline() is due. */
void im_vtd_deadline(ImVtd *s);

/*
 * The host's answer to ImVtdConfig.vcmd (11.4.16): of an allocation the PASID. An
 * answer that nobody waits for, because of a reset, is dropped: what it gave
 * is the host's to take back.
 */
typedef enum ImVcmdStatus {
    IM_VCMD_OK = 0,
    IM_VCMD_NO_PASID = 16,          /* allocate: none available */
    IM_VCMD_INVALID_PASID = 16,     /* free */
} ImVcmdStatus;

void im_vtd_vcmd_done(ImVtd *s, uint32_t serial, ImVcmdStatus status,
                      uint32_t pasid);

/*
 * Remap an interrupt request (5.1.4). IM_OK: out is what reaches the
 * interrupt controller. IM_FAULT: blocked, fault recorded unless FPD.
 */
ImIntOut im_vtd_interrupt(ImVtd *s, const ImMsi *msi);
/* Whether IRTA is latched with EIME=1 and IRES=1. */
bool im_vtd_eim_active(const ImVtd *s);

/*
 * Explain a request: walk all structures from memory, no cache, no side
 * effect (no A/D update, no fault record, no count), one step each, and a
 * last one named "result", whose clause is what decided. Whether a flag could
 * be set is tried by ImPort.cmpxchg64 with the value that is there. The result
 * is what im_vtd_translate() would answer with empty caches.
 */
ImXlat im_vtd_explain(ImVtd *s, const ImTxn *txn, ImStepFn *fn, void *opaque);
/* The same for a message that im_vtd_interrupt() would remap: format, index,
 * entry, source, result (5.1.4). */
ImIntOut im_vtd_explain_interrupt(ImVtd *s, const ImMsi *msi, ImStepFn *fn,
                                  void *opaque);

/*
 * The same for a page request that im_vtd_page_request() would take (7.4.1):
 * root, context and PASID entries, the descriptor as it would be queued,
 * result, whose clause decided and whose note says what becomes of it. Whether
 * the queue could be written is tried by ImPort.cmpxchg64 of 0 for 0.
 */
ImPageFate im_vtd_explain_page_request(ImVtd *s, const ImPageReq *req,
                                       ImStepFn *fn, void *opaque);

/*
 * Name of a fault reason of this model ("SPT.2"), or NULL when unknown;
 * *text receives the condition in words when text is not NULL.
 */
const char *im_vtd_fault_name(uint8_t reason, const char **text);

/* Registers, root, queues, caches, pending work, decoded, for people. */
void im_vtd_dump(ImVtd *s, GString *out);

#define IM_VTD_COUNTERS(C)                                                \
    C(translations)    C(iotlb_hits)      C(iotlb_misses)                 \
    C(walk_reads)      C(context_hits)    C(context_misses)               \
    C(pasid_hits)      C(pasid_misses)    C(ats_requests)                 \
    C(translated)      C(faults_recorded) C(faults_dropped)               \
    C(descriptors)     C(iotlb_invalidations) C(ats_invalidations)        \
    C(ats_completions) C(ats_timeouts)    C(page_requests)                \
    C(page_groups)     C(page_responses)  C(auto_responses)               \
    C(page_requests_dropped) C(interrupts) C(interrupts_blocked)          \
    C(virtual_commands) C(command_errors)

#define IM_VTD_COUNTER_MEMBER(n)  uint64_t n;
typedef struct ImVtdCounters {
    IM_VTD_COUNTERS(IM_VTD_COUNTER_MEMBER)
} ImVtdCounters;

const ImVtdCounters *im_vtd_counters(const ImVtd *s);

#endif /* IM_VTD_H */
