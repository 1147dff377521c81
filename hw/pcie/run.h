/*
 * When the host is to call again: its alarm, and its wish to run.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_PCIE_RUN_H
#define HW_PCIE_RUN_H

#include "hw/pcie/ep.h"

struct EpRun *im_ep_run_new(void);
void im_ep_run_reset(ImEp *ep);
/* Every entry from the host ends in this: make the host's alarm and its wish
 * to run match the state. */
void im_ep_settle(ImEp *ep);

#endif /* HW_PCIE_RUN_H */
