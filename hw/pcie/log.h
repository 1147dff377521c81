/*
 * What the endpoint tells its software: log ring, misuse bits, events,
 * interrupts.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_PCIE_LOG_H
#define HW_PCIE_LOG_H

#include "hw/pcie/ep.h"

struct EpLog *im_ep_log_new(void);
void im_ep_log_clear(ImEp *ep);
/* Add a record, if software wants a log. */
void im_ep_log(ImEp *ep, unsigned kind, unsigned code, unsigned flags,
               uint64_t addr, bool has_pasid, uint32_t pasid, uint32_t arg);
/* A quad-word of the ring as BAR0 has it, from its beginning. */
uint64_t im_ep_log_read(const ImEp *ep, uint64_t off);
/* The last records. */
void im_ep_log_dump(const ImEp *ep, GString *out);

/* Latch a bit of MISUSE. */
void im_ep_misuse(ImEp *ep, unsigned bit, uint32_t arg);
/* Latch a bit of EVENT; an interrupt, if it was clear. */
void im_ep_raise(ImEp *ep, unsigned bit);
void im_ep_interrupt(ImEp *ep, uint64_t vector);

EpRead im_ep_r_log_count;

#endif /* HW_PCIE_LOG_H */
