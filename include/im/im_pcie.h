/*
 * pasid-endpoint: a PCIe function with PASID, ATS and PRI, an address
 * translation cache and DMA channels. Its registers are specified in
 * docs/specs/pasid-endpoint.rst. The model knows no IOMMU: it sees the port
 * above it only.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_PCIE_H
#define IM_PCIE_H

#include <glib.h>

#include "im/im_event.h"
#include "im/im_txn.h"

typedef struct ImEp ImEp;

/* What the endpoint needs from its host; rules as for ImPort. */
typedef struct ImEpPort {
    size_t size;
    /*
     * One memory request, not crossing a 4 KiB boundary; buf is read from
     * or written to. txn->rid is 0 unless forged (has_rid): the host fills
     * in the function's own at this very moment. IM_FAULT: *cpl says how it
     * was answered. IM_PENDING: *handle; buf stays the endpoint's; the end
     * is reported by im_ep_dma_done().
     */
    ImStatus (*dma)(void *host, const ImTxn *txn, bool has_rid, void *buf,
                    ImCpl *cpl, uint64_t *handle);
    /* A translation request for one page's translation; len is 8. The
     * host answers with IM_OK or IM_FAULT. */
    ImXlat (*ats)(void *host, const ImTxn *txn, bool has_rid);
    void (*page_request)(void *host, const ImPageReq *req);
    /* cc: how many such messages complete an invalidation, 1 .. 8, or
     * more than that by fault injection (PCIe 10.3.2). */
    void (*ats_inv_done)(void *host, uint32_t itag_vector, unsigned cc);
    void (*msi)(void *host, unsigned vector);
    /* im_ep_run() has work: call it soon, from a clean stack. */
    void (*kick)(void *host);
    uint64_t (*now)(void *host);
    void (*deadline)(void *host, uint64_t when);
    void (*event)(void *host, const ImEvent *ev);           /* optional */
    /* The same as a function without PASID, ATS or forged requester ID makes
     * it, by the way such functions go. Optional: without it MODE PLAIN is
     * refused. IM_OK or IM_FAULT. */
    ImStatus (*plain)(void *host, uint64_t addr, void *buf, size_t len,
                      bool write);
} ImEpPort;

typedef struct ImEpConfig {
    uint8_t pasid_bits; /* Max PASID Width, 0 .. 20 */
    bool pasid; /* the capabilities, each removable */
    bool ats;
    bool pri;
    bool pasid_exec;
    bool pasid_priv;
    bool ats_page_aligned;
    bool ats_global_invalidate;
    uint8_t ats_queue_depth; /* 0 (means 32) .. 31 */
    uint32_t pri_capacity; /* outstanding page request capacity */
    bool pri_pasid_required; /* PRG Response PASID Required */
    bool acs; /* of one of several functions only */
    uint32_t atc_entries; /* 0: no caching */
    uint8_t channels; /* 1 .. 32 */
    uint64_t page_timeout_ns; /* lost page response; 0: wait for ever */
    uint32_t buffer_size; /* BAR2, power of two, 1 .. 256 MiB */
    uint16_t next_ecap; /* the host's capability after ours; 0: none */
} ImEpConfig;

extern const ImEpConfig IM_EP_CONFIG_DEFAULT;

/* Interrupt vectors a function with this many channels uses (MSI-X size). */
#define IM_EP_VECTORS(channels)  ((channels) + 1u)

/*
 * Create a function. Returns NULL and sets *err to one line that names both
 * sides of an impossible combination (g_free() it). port is copied; host is
 * passed to every port call and must outlive the function. Port calls may
 * re-enter the model (a request can hit the function's own BARs).
 *
 * im_ep_free() drops what is parked: the host cancels it first.
 */
ImEp *im_ep_new(const ImEpConfig *config, const ImEpPort *port, void *host,
                char **err);
void im_ep_free(ImEp *ep);

/*
 * Conventional reset; and function-level reset, with requests outstanding.
 * Both leave Bus Master Enable at 0, as configuration space then has it.
 */
void im_ep_reset(ImEp *ep);
void im_ep_flr(ImEp *ep);

/*
 * Configuration space 0x100 .. 0xfff: PASID, ATS, PRI and ACS extended
 * capabilities. off is the configuration offset, size 1, 2 or 4. Bytes that
 * belong to no capability of the model read 0.
 */
#define IM_EP_ECAP_BASE   0x100
#define IM_EP_ECAP_END    0x140
uint32_t im_ep_cfg_read(ImEp *ep, unsigned off, unsigned size);
void im_ep_cfg_write(ImEp *ep, unsigned off, uint32_t val, unsigned size);
/* Command.BusMasterEnable as the host's configuration space has it. */
void im_ep_set_bus_master(ImEp *ep, bool on);

/* BAR0 registers and BAR2 buffer; size 4 or 8 for BAR0, 1..8 for BAR2. */
#define IM_EP_BAR0_SIZE   0x4000
uint64_t im_ep_mmio_read(ImEp *ep, uint64_t off, unsigned size);
void im_ep_mmio_write(ImEp *ep, uint64_t off, uint64_t val, unsigned size);
uint8_t *im_ep_buffer(ImEp *ep);

/*
 * Do a bounded slice of the channels' work; returns true when there is
 * more (the host calls again, other events in between).
 */
bool im_ep_run(ImEp *ep);

/* Messages that arrived, completions of parked requests, the alarm. */
void im_ep_ats_invalidate(ImEp *ep, const ImAtsInv *inv);
void im_ep_page_response(ImEp *ep, const ImPageResp *resp);
void im_ep_dma_done(ImEp *ep, uint64_t handle, ImStatus status, ImCpl cpl);
void im_ep_deadline(ImEp *ep);

/* Decoded state, ATC and logs included, for people. */
void im_ep_dump(ImEp *ep, GString *out);

#define IM_EP_COUNTERS(C)                                                 \
    C(dma_reads)       C(dma_writes)      C(dma_bytes)                    \
    C(dma_errors)      C(atc_hits)        C(atc_misses)                   \
    C(atc_evictions)   C(ats_requests)    C(page_requests)                \
    C(page_groups)     C(page_responses)  C(responses_unexpected)         \
    C(invalidations)   C(invalidations_pasid) C(invalidations_global)     \
    C(inv_completions) C(stop_markers)    C(interrupts)                    \
    C(dma_parked)      C(dma_unparked)

#define IM_EP_COUNTER_MEMBER(n)  uint64_t n;
typedef struct ImEpCounters {
    IM_EP_COUNTERS(IM_EP_COUNTER_MEMBER)
} ImEpCounters;

const ImEpCounters *im_ep_counters(const ImEp *ep);

#endif /* IM_PCIE_H */
