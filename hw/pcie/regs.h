/*
 * BAR0 of the endpoint.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_PCIE_REGS_H
#define HW_PCIE_REGS_H

#include "hw/pcie/ep.h"

/* All registers, those of the channels too, as after a reset. */
void im_ep_regs_reset(ImEp *ep);
EpWritten im_ep_w_command;
EpRead im_ep_r_status, im_ep_r_time, im_ep_r_atc_used, im_ep_r_atc_addr,
    im_ep_r_atc_xlat, im_ep_r_atc_info;

#endif /* HW_PCIE_REGS_H */
