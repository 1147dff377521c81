/*
 * An operation of a channel: what the files share that carry it out.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_PCIE_OP_H
#define HW_PCIE_OP_H

#include "hw/pcie/channel.h"
#include "hw/pcie/flight.h"

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

struct EpChannel {
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
};

/* channel.c: its end. A request that is parked is nobody's then. */
void im_ep_ch_end(ImEp *ep, EpChannel *ch, unsigned state, unsigned cause);
void im_ep_ch_fail(ImEp *ep, EpChannel *ch, unsigned cause, uint64_t addr);

/* dma.c: do the next request of a running channel; of a SWEEP, a slice. */
void im_ep_dma_step(ImEp *ep, EpChannel *ch);

/* ask.c: there is no permission; ask for the page, then go on, or fail. */
void im_ep_ask_for_page(ImEp *ep, EpChannel *ch, const EpReq *req);

/* sweep.c: where the requests of a SWEEP go */
bool im_ep_sweep_impossible(const EpProgram *p);
/* Complete the program of the channel, go to the first place. */
void im_ep_sweep_start(EpChannel *ch, uint64_t count);
void im_ep_sweep_next(EpChannel *ch);

/* data.c: what a write carries at an offset of the operation. */
void im_ep_data_make(ImEp *ep, EpChannel *ch, uint64_t off, size_t len);
/* A request has moved its bytes: CRC them and, for a read, use them. Returns
 * false when that ended the operation. */
bool im_ep_data_take(ImEp *ep, EpChannel *ch, uint64_t off, size_t len);

#endif /* HW_PCIE_OP_H */
