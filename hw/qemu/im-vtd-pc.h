/*
 * vtd-model, as QEMU's machine pc asks for it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_IM_IM_VTD_PC_H
#define HW_IM_IM_VTD_PC_H

#include "hw/qdev-core.h"

/*
 * An IOMMU is about to be realized; iommu is the one that the machine has,
 * or NULL. true: it is a vtd-model that the machine need not know, or one
 * too many, with errp set; false: the machine decides.
 */
bool im_vtd_pre_plug(DeviceState *dev, DeviceState *iommu, Error **errp);

#endif /* HW_IM_IM_VTD_PC_H */
