/*
 * How the parts of the endpoint are shown to people.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_PCIE_DUMP_H
#define HW_PCIE_DUMP_H

#include "hw/pcie/ep.h"

/* "PASID 00005 privileged", "no PASID" */
void im_ep_dump_key(GString *out, bool has_pasid, uint32_t pasid, bool priv);

#endif /* HW_PCIE_DUMP_H */
