/*
 * pasid-endpoint: what its files share. Nothing here is public.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_PCIE_EP_H
#define HW_PCIE_EP_H

#include "hw/core/field.h"
#include "im/im_pcie.h"
#include "im/spec/endpoint_regs.h.inc"
#include "im/spec/pasid_ep_uapi.h"
#include "im/spec/pcie_caps.h.inc"

#define EP_LAYOUT_(name)  IM_LAYOUT(IM_EP_##name##_LAYOUT);
IM_EP_LAYOUTS(EP_LAYOUT_)
IM_LAYOUT(PCIE_PASID0);
IM_LAYOUT(PCIE_ATS0);
IM_LAYOUT(PCIE_PRI0);
IM_LAYOUT(PCIE_PRI1);
IM_LAYOUT(PCIE_ACS0);

#define EP_ENUM_(name, off, rw, w1c, written, read)  EP_R_##name,
typedef enum EpReg { IM_EP_GLOBAL_REGS(EP_ENUM_) EP_REGS } EpReg;
typedef enum EpChReg { IM_EP_CHANNEL_REGS(EP_ENUM_) EP_CH_REGS } EpChReg;

/* Extended capabilities, and the quad-words that they are made of. */
enum { EP_CAP_PASID, EP_CAP_ATS, EP_CAP_PRI, EP_CAP_ACS, EP_CAPS };
enum { EP_PASID0, EP_ATS0, EP_PRI0, EP_PRI1, EP_ACS0, EP_QUADS };

#define EP_PAGE       UINT64_C(4096)
#define EP_PRGI_BITS  9
#define EP_PRGIS      (1u << EP_PRGI_BITS)
#define EP_ITAGS      32
#define EP_LG2_MAX    30        /* larger translations are used as 1 GiB */
#define EP_HELD_MAX   64
#define EP_GROUP_MAX  512       /* what a guest can ask for in one slice */
#define EP_SWEEP_MAX  2048      /* requests of a SWEEP in one slice */
#define EP_NOBODY     (-1)
#define EP_RAW        (-2)      /* a raw page request */
#define EP_ORPHAN_MAX 64

/* Who asks for a translation, and what for. */
typedef struct EpReq {
    uint64_t va;
    uint32_t pasid;
    uint16_t rid;
    bool has_rid;
    bool has_pasid;
    bool priv;
    bool exec;
    bool write;
    bool nw;
    bool no_snoop;
    bool no_cache;
    bool force;                 /* ask even when ATS is off */
} EpReq;

typedef struct EpAtcEntry {
    uint64_t va;
    uint64_t pa;
    uint64_t stamp;             /* last use */
    uint32_t pasid;
    uint8_t lg2;
    uint8_t perm;               /* ImPerm */
    bool valid;
    bool has_pasid;
    bool priv;
    bool global;
    bool u;
    bool n;
    bool nw;                    /* fetched with No-Write */
} EpAtcEntry;

typedef struct EpAtc {
    EpAtcEntry *entry;
    uint32_t size;
    uint32_t used;
    uint64_t clock;
    /* Changes with every invalidation: an answer fetched before is old. */
    uint64_t epoch;
} EpAtc;

/* Outcome of asking the ATC and the translation agent. */
typedef enum EpXlatKind {
    EP_XLAT_OK,
    EP_XLAT_NONE,               /* no permission: recoverable */
    EP_XLAT_U,                  /* untranslated requests only */
    EP_XLAT_UR,
    EP_XLAT_CA,
    EP_XLAT_MALFORMED,
} EpXlatKind;

typedef struct EpXlat {
    EpXlatKind kind;
    uint64_t addr;              /* of the requested byte */
    uint64_t base;              /* of the region, translated */
    uint8_t lg2;
    ImXlat raw;                 /* as answered, when one was asked */
} EpXlat;

/* A memory request; parked ones are on ep->parked. */
typedef struct EpFlight {
    uint64_t handle;
    uint64_t serial;
    int channel;                /* EP_NOBODY waits for it any more */
    bool translated;
    bool write;
    uint32_t len;
    EpReq req;                  /* key and address before translation */
    uint8_t data[4096];
} EpFlight;

/* A page request group that has not been answered. */
typedef struct EpGroup {
    uint32_t pasid;
    uint32_t messages;
    int channel;                /* EP_NOBODY waits for it any more */
    bool used;
    bool closed;
    bool has_pasid;
    bool priv;
} EpGroup;

/* An invalidation that waits for translated requests older than it. */
typedef struct EpInv {
    ImAtsInv inv;
    uint64_t serial;
    bool used;
} EpInv;

/* What fault injection keeps back. */
typedef struct EpHeld {
    uint64_t due;               /* IM_NEVER: until RELEASE */
    uint32_t itag_vector;
    ImPageResp resp;
    uint64_t handle;            /* the end of a parked request */
    ImStatus status;
    ImCpl cpl;
} EpHeld;

typedef struct EpLogRecord {
    uint64_t word[4];
} EpLogRecord;

/* The registers of a channel as START found them. */
typedef struct EpProgram {
    unsigned op;
    unsigned mode;
    uint8_t at;
    bool random;
    uint64_t addr;
    uint64_t addr2;
    uint64_t len;
    uint64_t total;             /* bytes to be done */
    uint64_t seed;
    uint64_t stride;            /* SWEEP */
    uint64_t places;
    uint32_t split;
    uint32_t retries;
    uint32_t group;
    EpReq req;
} EpProgram;

typedef struct EpChannel {
    unsigned index;
    uint64_t reg[EP_CH_REGS];
    EpProgram prog;
    EpFlight *flight;
    uint64_t gen;               /* changes whenever an operation ends */
    uint8_t state;              /* PASID_EP_STATE_* */
    uint8_t cause;
    uint8_t cpl;
    uint8_t response;
    bool ignored;
    bool second;                /* COPY: the write is next */
    bool single;                /* ask for one page at a time */
    bool wait_credit;           /* WAIT_PAGE: for allocation */
    uint16_t prgi;
    uint32_t group_pages;
    uint64_t wait_va;           /* first byte that misses its page */
    uint64_t place;             /* SWEEP: of the next request */
    uint64_t lcg;
    uint32_t retried;
    uint64_t deadline;
    uint32_t crc;
} EpChannel;

struct ImEp {
    ImEpPort port;
    void *host;
    ImEpConfig config;

    bool bus_master;
    uint64_t cap[EP_QUADS];
    uint64_t cap_rw[EP_QUADS];
    uint16_t cap_at[EP_CAPS];   /* offset; 0: absent */

    uint64_t reg[EP_REGS];
    uint64_t ats_result[PASID_EP_ATS_RESULTS][3];
    uint8_t *buffer;
    uint64_t buffer_size;

    EpAtc atc;
    bool ats_ur;                /* UR received: ask no more */
    uint64_t serial;
    EpInv inv[EP_ITAGS];
    GQueue *parked;             /* of EpFlight */
    unsigned orphans;           /* of these, without a channel */
    GQueue *held_inv;           /* of EpHeld */
    GQueue *held_resp;
    GQueue *held_end;

    EpGroup group[EP_PRGIS];
    uint32_t outstanding;       /* page request messages */
    unsigned next_prgi;
    bool pri_dead;              /* 1111b received: until enabled anew */
    int raw_prgi;               /* open group of raw requests, or -1 */

    EpChannel *ch;
    unsigned channels;
    unsigned cursor;            /* channel that goes next */
    bool running;               /* im_ep_run() is on the stack */
    bool kicked;
    uint64_t armed;             /* deadline the host knows */
    uint32_t crc_table[8][256];

    EpLogRecord log[PASID_EP_LOG_RECORDS];
    uint64_t logged;
    ImEpCounters counters;
};

/* A register field of the endpoint, and of a capability. */
#define EP_REG(ep, r)    ((ep)->reg[EP_R_##r])
#define EP_CAP(ep, i, f) IM_GET((ep)->cap[i], f)

/* ep.c: life */
typedef enum EpResetKind {
    EP_RESET_CONVENTIONAL, EP_RESET_FLR, EP_RESET_COMMAND, EP_RESET_INJECTED,
} EpResetKind;
void im_ep_reset_as(ImEp *ep, EpResetKind kind);
void im_ep_settle(ImEp *ep);
uint64_t im_ep_now(ImEp *ep);
void im_ep_interrupt(ImEp *ep, uint64_t vector);

/* log.c */
void im_ep_log(ImEp *ep, unsigned kind, unsigned code, unsigned flags,
               uint64_t addr, bool has_pasid, uint32_t pasid, uint32_t arg);
void im_ep_misuse(ImEp *ep, unsigned bit, uint32_t arg);
void im_ep_raise(ImEp *ep, unsigned bit);
uint64_t im_ep_log_read(const ImEp *ep, uint64_t off);
uint64_t im_ep_r_log_count(ImEp *ep, EpChannel *ch);

/* cfg.c */
void im_ep_cfg_init(ImEp *ep);
void im_ep_cfg_reset(ImEp *ep);
bool im_ep_pri_on(const ImEp *ep);
bool im_ep_stopped(const ImEp *ep);
unsigned im_ep_refuse(const ImEp *ep, const EpReq *req, bool ats);
void im_ep_refused(ImEp *ep, unsigned cause, uint32_t arg);

/* regs.c: hooks of the register rows */
typedef void EpWritten(ImEp *ep, EpChannel *ch, uint64_t val);
typedef uint64_t EpRead(ImEp *ep, EpChannel *ch);
void im_ep_regs_reset(ImEp *ep);
EpWritten im_ep_w_command, im_ep_w_ats_go, im_ep_w_pr_go, im_ep_w_ch_command;
EpRead im_ep_r_status, im_ep_r_time, im_ep_r_atc_used, im_ep_r_atc_addr,
       im_ep_r_atc_xlat, im_ep_r_atc_info, im_ep_r_ch_status;

/* atc.c: the cache */
void im_ep_atc_init(EpAtc *atc, uint32_t entries);
void im_ep_atc_free(EpAtc *atc);
EpAtcEntry *im_ep_atc_find(EpAtc *atc, const EpReq *req);
bool im_ep_atc_insert(EpAtc *atc, const EpAtcEntry *entry);
void im_ep_atc_flush(EpAtc *atc);
void im_ep_atc_drop_pasids(EpAtc *atc);
unsigned im_ep_atc_invalidate(EpAtc *atc, const ImAtsInv *inv);
bool im_ep_inv_covers(const ImAtsInv *inv, uint64_t va, uint64_t size,
                      bool has_pasid, uint32_t pasid, bool global);

/* xlat.c: ATC, else a translation request */
EpXlat im_ep_xlat(ImEp *ep, const EpReq *req);
EpXlat im_ep_ats_ask(ImEp *ep, const EpReq *req);
void im_ep_ats_keep(ImEp *ep, const EpReq *req, const EpXlat *x);
uint64_t im_ep_ats_entry(const EpXlat *x);

/* inv.c: invalidations and what injection holds back */
void im_ep_inv_retry(ImEp *ep);
/* Keep the end of a parked request back, if software wants that. */
bool im_ep_hold_end(ImEp *ep, uint64_t handle, ImStatus status, ImCpl cpl);
/* The request has ended, for the channel that waits for it, if any. */
void im_ep_dma_end(ImEp *ep, uint64_t handle, ImStatus status, ImCpl cpl);
void im_ep_inv_reset(ImEp *ep);
void im_ep_held_deliver(ImEp *ep, bool all);
uint64_t im_ep_held_due(const ImEp *ep);

/* pri.c */
typedef enum EpAsk { EP_ASK_SENT, EP_ASK_WAIT, EP_ASK_OFF, EP_ASK_NEVER }
    EpAsk;
EpAsk im_ep_pri_ask(ImEp *ep, EpChannel *ch, const EpReq *req,
                    uint32_t pages);
int im_ep_pri_free_index(ImEp *ep);
uint32_t im_ep_pri_room(const ImEp *ep);
void im_ep_pri_send(ImEp *ep, const ImPageReq *req, int channel);
void im_ep_pri_stop_marker(ImEp *ep, uint32_t pasid);
void im_ep_pri_forget(ImEp *ep);
void im_ep_pri_wake(ImEp *ep);
void im_ep_pri_answer(ImEp *ep, const ImPageResp *resp);

/* channel.c: operations */
void im_ep_ch_reset(ImEp *ep, EpChannel *ch);
void im_ep_ch_start(ImEp *ep, EpChannel *ch);
void im_ep_ch_end(ImEp *ep, EpChannel *ch, unsigned state, unsigned cause);
void im_ep_ch_fail(ImEp *ep, EpChannel *ch, unsigned cause, uint64_t addr);
void im_ep_ch_abort(ImEp *ep, EpChannel *ch);
void im_ep_ch_resume(ImEp *ep, EpChannel *ch);
void im_ep_stop_pasid(ImEp *ep, uint32_t pasid);
bool im_ep_ch_active(const EpChannel *ch);

/* dma.c: one request of a channel */
void im_ep_dma_step(ImEp *ep, EpChannel *ch);

/* sweep.c: where the requests of a SWEEP go */
bool im_ep_sweep_impossible(const EpProgram *p);
void im_ep_sweep_start(EpChannel *ch, uint64_t count);
void im_ep_sweep_next(EpChannel *ch);

/* data.c: patterns, CRC, comparison */
void im_ep_crc_init(ImEp *ep);
void im_ep_data_make(ImEp *ep, EpChannel *ch, uint64_t off, size_t len);
bool im_ep_data_take(ImEp *ep, EpChannel *ch, uint64_t off, size_t len);

#endif /* HW_PCIE_EP_H */
