/*
 * What QEMU's generic PCI host bridge says in ACPI for our IOMMUs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_IM_IM_GPEX_H
#define HW_IM_IM_GPEX_H

#include "hw/acpi/aml-build.h"

/*
 * A table names functions by their bus numbers: the guest shall keep those
 * that the firmware gave. Before the machine builds its tables.
 */
void im_gpex_keep_bus_numbers(void);

/* Into the _DSM method of a host bridge; nothing unless asked for above. */
void im_gpex_add_dsm(Aml *method);

#endif /* HW_IM_IM_GPEX_H */
