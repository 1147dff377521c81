/*
 * Buses, functions and memory that the user names in a property.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_IM_IM_NAMES_H
#define HW_IM_IM_NAMES_H

#include "hw/pci/pci_device.h"

/* Whose property it is, and what it may name. */
typedef struct ImNames {
    const char *device;         /* its name, in front of a refusal */
    const char *property;
    const char *list;           /* what the user gave */
    PCIBus *pcie0;
    /* Why a function is impossible here, or NULL. Optional. */
    const char *(*why_not)(PCIDevice *dev, void *opaque);
    void *opaque;

    /* of regions */
    uint64_t granule;
    bool (*in_memory)(uint64_t first, uint64_t last);
    const char *memory;         /* the same in words */
} ImNames;

/* Memory, and the functions that use it: PCIDevice *, one reference each. */
typedef struct ImRegion {
    uint64_t first, last;
    GPtrArray *functions;
} ImRegion;

/* The PCI bus of this name, a root bus if there are others; or NULL. */
PCIBus *im_names_bus(const char *name);

/*
 * Read DEVICE[+DEVICE...]. DEVICE is the ID of a -device, or bb:dd.f on a
 * root bus: to be called when all devices are there. NULL: *errp says in one
 * line what is wrong and what would be right. The caller frees the array.
 */
GPtrArray *im_names_functions(const ImNames *n, Error **errp);

/* The same of DEVICE[+DEVICE...]@FIRST-LAST[/...], an array of ImRegion. */
GArray *im_names_regions(const ImNames *n, Error **errp);

#endif /* HW_IM_IM_NAMES_H */
