/*
 * ACPI description of smmuv3-model; called where virt builds its tables.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_IM_IM_IORT_H
#define HW_IM_IM_IORT_H

#include "hw/acpi/bios-linker-loader.h"
#include "hw/arm/virt.h"

/* Builds the IORT. false: the machine has no smmuv3-model, nothing built. */
bool im_acpi_build_iort(GArray *tables_blob, BIOSLinker *linker,
                        VirtMachineState *vms);

#endif /* HW_IM_IM_IORT_H */
