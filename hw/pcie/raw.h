/*
 * Raw translation requests and raw page requests.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_PCIE_RAW_H
#define HW_PCIE_RAW_H

#include "hw/pcie/ep.h"

struct EpRaw *im_ep_raw_new(void);
void im_ep_raw_reset(ImEp *ep);
/* A quad-word of the results as BAR0 has them; false: none is there. */
bool im_ep_raw_result(const ImEp *ep, uint64_t off, uint64_t *val);
EpWritten im_ep_w_ats_go, im_ep_w_pr_go;

#endif /* HW_PCIE_RAW_H */
