/*
 * Arm System MMU, architecture version 3 (IHI 0070), Non-secure programming
 * interface: public interface of the model.
 *
 * One instance is used by one thread at a time; the host serialises. A
 * StreamID is ImTxn.segment << 16 | ImTxn.rid, a SubstreamID is a PASID.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_SMMU_H
#define IM_SMMU_H

#include <glib.h>

#include "im/im_iommu.h"
#include "im/im_port.h"
#include "im/im_txn.h"

typedef struct ImSmmu ImSmmu;

/* The upward port (im_iommu.h), of an ImSmmu. */
extern const ImIommuOps im_smmu_ops;

/* Page 0 and page 1, 64 KiB each. */
#define IM_SMMU_MMIO_SIZE  0x20000

/* Lines of ImPort.wire, and ImMsi.source. */
typedef enum ImSmmuIrq {
    IM_SMMU_IRQ_EVTQ,
    IM_SMMU_IRQ_PRIQ,
    IM_SMMU_IRQ_SYNC,
    IM_SMMU_IRQ_GERROR,
    IM_SMMU_IRQS,
} ImSmmuIrq;

/*
 * What the unit shall be. Validated once by im_smmu_new(); afterwards the
 * ID registers are the truth. Start from IM_SMMU_CONFIG_DEFAULT.
 */
typedef struct ImSmmuConfig {
    uint8_t sid_bits;           /* IDR1.SIDSIZE, 0 .. 32 */
    uint8_t ssid_bits;          /* IDR1.SSIDSIZE, 0 .. 20; 0: no substreams */
    uint8_t oas;                /* bits: 32, 36, 40, 42, 44, 48 or 52 */
    uint8_t va_bits;            /* of a table of stage 1: 48, 52; 0: 52 when
                                   oas is, else 48 */
    uint8_t cmdq_bits;          /* log2 of the largest queue, 0 .. 19 */
    uint8_t evtq_bits;
    uint8_t priq_bits;
    uint8_t stall_model;        /* 0 stall and terminate, 1 terminate only,
                                   2 stall forced */
    uint8_t httu;               /* 0 none, 1 AF, 2 AF and dirty, 3 + HAFT */
    uint8_t bbml;               /* 0, 1, 2 */
    uint16_t stall_max;         /* parked at once; 0 with stall_model 1 */
    uint32_t iidr;
    bool stage1;
    bool stage2;
    bool gran4k;
    bool gran16k;
    bool gran64k;
    bool two_level_strtab;      /* ST_LEVEL */
    bool cd2l;
    bool coherent;              /* COHACC */
    bool hyp;                   /* EL2 StreamWorlds, EL2 TLBI commands */
    bool ats;
    bool split_ats;             /* NS1ATS = 0 */
    bool ats_rec_err;           /* ATSRECERR */
    bool pri;
    bool pps;                   /* PASID on automatic responses */
    bool msi;
    bool asid16;
    bool vmid16;
    bool vmw;                   /* VMID wildcards */
    bool term_model;            /* abort only: CD.A = 0 is ILLEGAL */
    bool had;
    bool xnx;
    bool ril;
    bool fwb;
    bool stt;
    bool e0pd;
    bool attr_types_ovr;
    bool attr_perms_ovr;
    uint64_t ats_timeout_ns;    /* ATC invalidation completion */
    uint32_t tlb_entries;       /* capacity, power of two, >= 16 */
} ImSmmuConfig;

extern const ImSmmuConfig IM_SMMU_CONFIG_DEFAULT;

/* Switch off every feature whose prerequisite is off, and those of later
 * versions than one whose mandatory features are not all there may have. */
void im_smmu_config_prune(ImSmmuConfig *config);

/*
 * Create a unit. Returns NULL and sets *err to one line that names both
 * sides of an impossible combination (g_free() it). port is copied; host is
 * passed to every port call and must outlive the unit.
 */
ImSmmu *im_smmu_new(const ImSmmuConfig *config, const ImPort *port, void *host,
                    char **err);
void im_smmu_free(ImSmmu *s);

/* Power-on reset: registers, caches, everything pending; what was parked
 * is terminated through port->resume(). */
void im_smmu_reset(ImSmmu *s);

/*
 * Register access, 6.2. off < IM_SMMU_MMIO_SIZE; size 4 or 8, naturally
 * aligned. Any other access reads 0 and writes nothing.
 */
uint64_t im_smmu_mmio_read(ImSmmu *s, uint64_t off, unsigned size);
void im_smmu_mmio_write(ImSmmu *s, uint64_t off, uint64_t val, unsigned size);

/*
 * Answer one memory request: untranslated, translation request or
 * translated by txn->at. Covers addr up to the end of the region that mask
 * describes. IM_PENDING (stalled, 3.12.2) only for txn->may_stall: *txn is
 * kept and port->resume() is called with ImXlat.handle in the end.
 */
ImXlat im_smmu_translate(ImSmmu *s, const ImTxn *txn);

/*
 * ImIommuOps.binding, second and fenced (5.2, 3.4, 4.7.3). func: a StreamID,
 * pasid: a SubstreamID. ImBinding.first is an STE of stage 1 alone, of the
 * table of CDs or, with S1CDMax = 0, of the one CD, which is valid. second() of
 * a page that only some privilege may execute grants that to none.
 */
void im_smmu_binding(ImSmmu *s, uint32_t func, bool has_pasid, uint32_t pasid,
                     bool table, ImBinding *out);
ImXlat im_smmu_second(ImSmmu *s, const ImBinding *b, uint64_t addr,
                      ImAccess access);
void im_smmu_fenced(ImSmmu *s, uint64_t ticket);
/* The domain of what is of an EL2 StreamWorld: it has no VMID. */
#define IM_SMMU_EL2  0x10000u

/* Whether requests are judged: CR0.SMMUEN, or GBPA aborts them (6.3.14). */
bool im_smmu_translating(const ImSmmu *s);

/*
 * The requester of a parked request was reset or unplugged: forget it,
 * without port->resume(). Its event, if recorded, stays.
 */
void im_smmu_cancel(ImSmmu *s, uint64_t handle);

/* A page request message has arrived (8). */
void im_smmu_page_request(ImSmmu *s, const ImPageReq *req);

/*
 * An invalidation completion message of a function (PCIe 10.3.2). itags: a
 * bit per ITag; cc: its completion count, how many of them complete each
 * invalidation, 1 .. 8; 0 stands for 8, as in the message.
 */
void im_smmu_ats_inv_done(ImSmmu *s, uint32_t sid, uint32_t itags, unsigned cc);

/* The MSI write of a source was aborted by the system (6.3.17). */
void im_smmu_msi_aborted(ImSmmu *s, ImSmmuIrq source);

/* The alarm set by port->deadline() is due. */
void im_smmu_deadline(ImSmmu *s);

/*
 * Explain a request: walk all structures from memory, no cache, no side
 * effect (no AF or dirty update, no event, no stall), one step each. The
 * result is what im_smmu_translate() would answer, whatever is cached, but
 * a fault that would stall is IM_FAULT.
 *
 * The last step is "result": its clause is the rule that granted or refused,
 * its note the outcome and the field that the rule judged, of which entry:
 * "permission denied: S1-L3: AP[2]=1; not recorded: CD.R=0".
 */
ImXlat im_smmu_explain(ImSmmu *s, const ImTxn *txn, ImStepFn *fn, void *opaque);

/*
 * The same for a page request that im_smmu_page_request() would take (8): the
 * entry as it would be queued; the STE where an automatic response depends on
 * it (8.1); and "result", whose note says what becomes of the request.
 */
ImPageFate im_smmu_explain_page_request(ImSmmu *s, const ImPageReq *req,
                                        ImStepFn *fn, void *opaque);

/* Name of an event of this model ("F_TRANSLATION"), or NULL when unknown;
 * *text receives the condition in words when text is not NULL. */
const char *im_smmu_event_name(uint8_t code, const char **text);

/* Registers, tables in use, queues, caches, parked requests, decoded. */
void im_smmu_dump(ImSmmu *s, GString *out);

#define IM_SMMU_COUNTERS(C)                                               \
    C(translations)    C(tlb_hits)        C(tlb_misses)                   \
    C(walk_reads)      C(ste_hits)        C(ste_misses)                   \
    C(cd_hits)         C(cd_misses)       C(ats_requests)                 \
    C(translated)      C(events_recorded) C(events_dropped)               \
    C(events_merged)   C(events_hidden)   C(commands)                     \
    C(command_errors)  C(tlb_invalidations)                               \
    C(config_invalidations) C(ats_invalidations) C(ats_completions)       \
    C(ats_timeouts)    C(stalls)          C(stalls_resumed)               \
    C(stalls_terminated) C(page_requests) C(page_groups)                  \
    C(page_responses)  C(auto_responses)  C(page_requests_dropped)        \
    C(interrupts)

#define IM_SMMU_COUNTER_MEMBER(n)  uint64_t n;
typedef struct ImSmmuCounters {
    IM_SMMU_COUNTERS(IM_SMMU_COUNTER_MEMBER)
} ImSmmuCounters;

const ImSmmuCounters *im_smmu_counters(const ImSmmu *s);

#endif /* IM_SMMU_H */
