/*
 * The device's own memory, and the tables of its CRC.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_PCIE_DATA_H
#define HW_PCIE_DATA_H

#include "hw/pcie/ep.h"

struct EpData *im_ep_data_new(uint64_t buffer_size);
void im_ep_data_free(struct EpData *data);
void im_ep_data_clear(ImEp *ep);

#endif /* HW_PCIE_DATA_H */
