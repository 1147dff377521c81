/*
 * Invalidation requests that wait for requests older than they.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_PCIE_INV_H
#define HW_PCIE_INV_H

#include "hw/pcie/ep.h"

struct EpInvs *im_ep_invs_new(void);
void im_ep_invs_reset(ImEp *ep);
/* A parked request has ended: complete what waited for it. */
void im_ep_inv_retry(ImEp *ep);
void im_ep_invs_dump(const ImEp *ep, GString *out);

#endif /* HW_PCIE_INV_H */
