/*
 * ACPI description of our IOMMUs; called where the machine builds its tables.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_IM_IM_ACPI_H
#define HW_IM_IM_ACPI_H

#include "hw/acpi/bios-linker-loader.h"
#include "hw/boards.h"

/* Adds the DMAR table. false: the machine has no vtd-model. */
bool im_acpi_build_iommu(GArray *table_offsets, GArray *tables_blob,
                         BIOSLinker *linker, MachineState *machine,
                         const char *oem_id, const char *oem_table_id);

#endif /* HW_IM_IM_ACPI_H */
