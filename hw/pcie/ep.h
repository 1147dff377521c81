/*
 * pasid-endpoint: what all of its files share, and no more than that.
 *
 * Each part of the function has its state in one file, behind a pointer whose
 * structure nobody else sees, and a header that says what others may ask of it.
 * Arrows point down:
 *
 *   host       ep.c  regs.c  space.c  dump.c        what the host calls
 *   work       run.c  channel.c  ask.c  dma.c  data.c  sweep.c  raw.c
 *   protocol   xlat.c  inv.c  pri.c                 ATS and page requests
 *   state      atc.c  flight.c  hold.c  cfg.c  log.c
 *
 * Three things go up: every entry from the host ends in im_ep_settle()
 * (run.h), what was held back is delivered by its owner (hold.h), and an
 * answered page request finds the channel that waits for it (channel.h).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_PCIE_EP_H
#define HW_PCIE_EP_H

#include "hw/core/field.h"
#include "im/im_clause.h"
#include "im/im_pcie.h"
#include "im/spec/endpoint_regs.h.inc"
#include "im/spec/pasid_ep_uapi.h"

#define EP_LAYOUT_(name)  IM_LAYOUT(IM_EP_##name##_LAYOUT);
IM_EP_LAYOUTS(EP_LAYOUT_)

#define EP_ENUM_(name, off, rw, w1c, written, read)  EP_R_##name,
typedef enum EpReg { IM_EP_GLOBAL_REGS(EP_ENUM_) EP_REGS } EpReg;
typedef enum EpChReg { IM_EP_CHANNEL_REGS(EP_ENUM_) EP_CH_REGS } EpChReg;

#define EP_PAGE    UINT64_C(4096)
#define EP_NOBODY  (-1)         /* in a channel's place: gone, */
#define EP_RAW     (-2)         /* a raw page request */

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

typedef struct EpChannel EpChannel;

struct ImEp {
    ImEpPort port;
    void *host;
    ImEpConfig config;
    ImEpCounters counters;
    bool bus_master;
    uint64_t reg[EP_REGS];      /* as software sees them; regs.c */
    /* Orders memory requests and invalidations by when they came. */
    uint64_t serial;

    struct EpCfg *cfg;
    struct EpLog *log;
    struct EpHold *hold;
    struct EpFlights *flights;
    struct EpAtc *atc;
    struct EpInvs *invs;
    struct EpPri *pri;
    struct EpRaw *raw;
    struct EpData *data;
    struct EpRun *run;
    EpChannel *ch;              /* config.channels of them */
};

/* A register field of the endpoint. */
#define EP_REG(ep, r)  ((ep)->reg[EP_R_##r])

/* Hooks of register rows (endpoint_regs.h.inc). ch: NULL, or whose it is. */
typedef void EpWritten(ImEp *ep, EpChannel *ch, uint64_t val);
typedef uint64_t EpRead(ImEp *ep, EpChannel *ch);

static inline uint64_t im_ep_now(const ImEp *ep)
{
    return ep->port.now(ep->host);
}

typedef enum EpResetKind {
    EP_RESET_CONVENTIONAL,
    EP_RESET_FLR,
    EP_RESET_COMMAND,
    EP_RESET_INJECTED,
} EpResetKind;

/* Reset without telling the host what that means for its alarm. */
void im_ep_reset_as(ImEp *ep, EpResetKind kind);

#endif /* HW_PCIE_EP_H */
