/*
 * SMMUv3 unit: the state its chapters share, and what each offers the
 * others.
 *
 * The translation half (route.c, tables.c, cache.c, explain.c) decides what
 * happens to a request; the queue half (regs.c, cmdq.c, eventq.c, stall.c,
 * priq.c, irq.c) is what software talks to.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_SMMUV3_SMMU_H
#define HW_SMMUV3_SMMU_H

#include "hw/core/field.h"
#include "hw/fmt/smmu.h"
#include "im/im_clause.h"
#include "im/im_event.h"
#include "im/im_smmu.h"

typedef struct SmmuCaches SmmuCaches;   /* cache.c */
typedef struct SmmuRegs SmmuRegs;       /* regs.c */
typedef struct SmmuCmdq SmmuCmdq;       /* cmdq.c */
typedef struct SmmuAtc SmmuAtc;         /* atc.c */
typedef struct SmmuStalls SmmuStalls;   /* stall.c */
typedef struct SmmuEventq SmmuEventq;   /* eventq.c */

struct ImSmmu {
    ImSmmuConfig cfg;
    ImPort port;
    void *host;

    /* What software can see rules: never ask cfg once these are set. */
    ImSmmuIds ids;
    uint64_t oas_mask;              /* of IDR5.OAS */

    /* In force: as acknowledged by CR0ACK and friends. */
    uint32_t cr0;
    uint32_t cr2;
    uint32_t gbpa;
    /* Effective while SMMUEN=1; regs.c keeps them. */
    struct {
        uint64_t base;              /* aligned to the table */
        uint8_t log2size;           /* StreamID bits covered */
        uint8_t split;              /* 0: linear; 6, 8, 10 */
    } strtab;

    SmmuCaches *caches;
    SmmuRegs *regs;
    SmmuCmdq *cmdq;
    SmmuAtc *atc;
    SmmuEventq *eventq;
    SmmuStalls *stalls;
    ImSmmuCounters counters;
};

/* CR0 and CR0ACK */
#define SMMU_CR0(F, R, I)                                                 \
    F(SMMU_CR0, SMMUEN, 0, 0) F(SMMU_CR0, PRIQEN, 1, 1)                   \
    F(SMMU_CR0, EVENTQEN, 2, 2) F(SMMU_CR0, CMDQEN, 3, 3)                 \
    F(SMMU_CR0, ATSCHK, 4, 4) R(5, 5) F(SMMU_CR0, VMW, 8, 6) R(63, 9)
IM_LAYOUT(SMMU_CR0);

#define SMMU_CR2(F, R, I)                                                 \
    F(SMMU_CR2, E2H, 0, 0) F(SMMU_CR2, RECINVSID, 1, 1)                   \
    F(SMMU_CR2, PTM, 2, 2) F(SMMU_CR2, REC_CFG_ATS, 3, 3) R(63, 4)
IM_LAYOUT(SMMU_CR2);

#define SMMU_GBPA(F, R, I)                                                \
    F(SMMU_GBPA, MEMATTR, 3, 0) F(SMMU_GBPA, MTCFG, 4, 4) R(7, 5)         \
    F(SMMU_GBPA, ALLOCCFG, 11, 8) F(SMMU_GBPA, SHCFG, 13, 12) R(15, 14)   \
    F(SMMU_GBPA, PRIVCFG, 17, 16) F(SMMU_GBPA, INSTCFG, 19, 18)           \
    F(SMMU_GBPA, ABORT, 20, 20) R(30, 21) F(SMMU_GBPA, UPDATE, 31, 31)    \
    R(63, 32)
IM_LAYOUT(SMMU_GBPA);

static inline uint32_t im_smmu_txn_sid(const ImTxn *txn)
{
    return im_func(txn->segment, txn->rid);
}

/* --- events: eventq.c, stall.c ------------------------------------------ */

#define E(code, name, ...)  SMMU_EVT_##name = (code),
typedef enum SmmuEventCode {
#include "im/spec/smmu_events.h.inc"
} SmmuEventCode;
#undef E

typedef enum SmmuRecord {
    SMMU_RECORD_ALWAYS,
    SMMU_RECORD_RECINVSID,
    SMMU_RECORD_MODEL,
} SmmuRecord;

typedef enum SmmuAtsReply {
    SMMU_ATS_UR,
    SMMU_ATS_CA,
    SMMU_ATS_S0,
    SMMU_ATS_SE,
    SMMU_ATS_NO,
} SmmuAtsReply;

typedef struct SmmuEventDef {
    const char *name;
    const char *text;
    ImClause clause;
    uint8_t record;                 /* SmmuRecord */
    bool model;                     /* obeys A, R, S */
    uint8_t ats;                    /* SmmuAtsReply */
} SmmuEventDef;

/* eventdefs.c: the row of a code; name == NULL: no such row. */
const SmmuEventDef *im_smmu_event_def(uint8_t code);

/* CLASS of a stage 2 fault record, and of a walk */
typedef enum SmmuClass {
    SMMU_CLASS_CD,
    SMMU_CLASS_TT,
    SMMU_CLASS_IN,
} SmmuClass;

/* One event, before it is laid out for the queue (7.3). */
typedef struct SmmuEvent {
    uint8_t code;                   /* SmmuEventCode */
    uint8_t cls;                    /* SmmuClass */
    uint16_t clause;                /* ImClause that decided; or none */
    uint32_t sid;
    uint32_t ssid;
    bool ssv;
    bool pnu, ind, rnw;             /* after overrides, except F_UUT and
                                       F_BAD_ATS_TREQ: as they came */
    bool s2;
    bool ttrnw;
    bool stall;                     /* set by im_smmu_stall() */
    bool merge;                     /* STE.MEV */
    uint16_t stag;                  /* likewise */
    uint16_t reason;
    uint64_t addr;                  /* InputAddr, of the request */
    uint64_t ipa;                   /* valid with s2 */
    uint64_t fetch;                 /* FetchAddr */
    const ImTxn *txn;               /* for traces; may be NULL */
    const ImPageReq *req;           /* likewise */
} SmmuEvent;

/* Record a terminated transaction's event (7.2): queue, overflow, merge,
 * interrupt. The caller has decided that it is to be recorded. */
void im_smmu_event(ImSmmu *s, const SmmuEvent *e);
/* It is not to be recorded: tell whoever looks why. code may be 0: what has
 * no event. */
void im_smmu_event_hidden(ImSmmu *s, const SmmuEvent *e, const char *why);

/*
 * Park a transaction (3.12.2) and record its event with Stall=1. Returns
 * false when it cannot be parked: not may_stall, no port->resume. Beyond
 * STALL_MAX it waits unrecorded until a slot is free. *handle as ImXlat.
 */
bool im_smmu_stall(ImSmmu *s, const ImTxn *txn, const SmmuEvent *e,
                   uint64_t *handle);

SmmuStalls *im_smmu_stalls_new(const ImSmmu *s);
void im_smmu_stalls_free(SmmuStalls *q);
/* Terminate everything parked: reset, SMMUEN=0. */
void im_smmu_stalls_drop(ImSmmu *s);

/* --- route.c, tables.c: chapters 3 and 5 -------------------------------- */

/*
 * Answer one request. retry == NULL: it has just arrived; a fault that
 * stalls parks it by im_smmu_stall(). Else stall.c asks again for one that
 * it keeps: nothing is parked, and IM_PENDING means that it would stall
 * anew, with the event filled in and not yet recorded.
 */
typedef struct SmmuRetry {
    SmmuEvent event;
} SmmuRetry;
ImXlat im_smmu_route(ImSmmu *s, const ImTxn *txn, SmmuRetry *retry);

struct SmmuExplain;
/* STE of a page request's stream, for automatic responses (8.1). 0, or the
 * event code that stands for why there is none. ex: to explain it, or NULL. */
uint8_t im_smmu_ste_of(ImSmmu *s, uint32_t sid, struct SmmuExplain *ex,
                       ImSmmuSte *ste);

/* --- cache.c: caches and the scope of each invalidation (4.3, 4.4) ------ */

SmmuCaches *im_smmu_caches_new(const ImSmmuConfig *cfg);
void im_smmu_caches_free(SmmuCaches *c);
void im_smmu_inv_everything(ImSmmu *s);
/* CFGI_STE, _STE_RANGE: 2^lg2 StreamIDs from sid, aligned; CFGI_ALL: 32. */
void im_smmu_inv_ste(ImSmmu *s, uint32_t sid, unsigned lg2, bool leaf);
void im_smmu_inv_cd(ImSmmu *s, uint32_t sid, uint32_t ssid, bool leaf);
void im_smmu_inv_cd_all(ImSmmu *s, uint32_t sid);

typedef enum SmmuTlbiScope {
    SMMU_TLBI_ALL,                  /* of the world, by VMID when NS_EL1 */
    SMMU_TLBI_ASID,                 /* not the global entries */
    SMMU_TLBI_VA,                   /* ASID, and global entries */
    SMMU_TLBI_VAA,                  /* any ASID */
    SMMU_TLBI_VMALL,                /* stages 1 and 2 of a VMID */
    SMMU_TLBI_IPA,                  /* stage 2 of a VMID */
    SMMU_TLBI_NSNH_ALL,             /* all but EL2 */
} SmmuTlbiScope;

typedef struct SmmuTlbi {
    uint8_t scope;                  /* SmmuTlbiScope */
    bool el2;                       /* the EL2 worlds */
    bool leaf;
    uint16_t vmid;
    uint16_t vmid_ignore;           /* low bits that CR0.VMW ignores */
    uint16_t asid;
    uint64_t addr;
    uint64_t last;                  /* last byte of the range */
} SmmuTlbi;

void im_smmu_tlbi(ImSmmu *s, const SmmuTlbi *t);
unsigned im_smmu_cached_translations(const ImSmmu *s);
void im_smmu_caches_dump(ImSmmu *s, GString *out);

/* --- registers and queues: regs.c, cmdq.c, priq.c, irq.c ---------------- */

/* Check; fill ids of s from cfg. NULL, or a line to free. config.c */
char *im_smmu_config_apply(ImSmmu *s, const ImSmmuConfig *cfg);

SmmuRegs *im_smmu_regs_new(ImSmmu *s);
void im_smmu_regs_free(SmmuRegs *r);
void im_smmu_regs_reset(ImSmmu *s);

/* --- memory, smmu.c ----------------------------------------------------- */

/* Seen by no counter: queues, dumps, explain. Fails beyond OAS. */
ImBus im_smmu_mem_peek(ImSmmu *s, uint64_t pa, void *buf, size_t len);
ImBus im_smmu_mem_write(ImSmmu *s, uint64_t pa, const void *buf, size_t len);
void im_smmu_trace(ImSmmu *s, const ImEvent *ev);
/* Tell listeners outside that translations are gone. */
void im_smmu_unmap(ImSmmu *s, uint64_t addr, uint64_t mask);
/* Tell who keeps what the tables say; the second: to forget all of it. */
void im_smmu_invalidated(ImSmmu *s, const ImInval *inval);
void im_smmu_invalidated_all(ImSmmu *s);

#endif /* HW_SMMUV3_SMMU_H */
