/*
 * smmuv3-model: what its files share. im-smmuv3.c is the device,
 * im-smmuv3-fdt.c and im-iort.c describe it; im-unit.h does the rest.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_IM_IM_SMMUV3_INT_H
#define HW_IM_IM_SMMUV3_INT_H

#include "hw/arm/virt.h"
#include "hw/sysbus.h"
#include "im-names.h"
#include "im-options.h"
#include "im-ioasid.h"
#include "im-unit.h"

#include "im/im_smmu.h"

#define TYPE_SMMUV3_MODEL  "smmuv3-model"
OBJECT_DECLARE_SIMPLE_TYPE(Smmuv3Model, SMMUV3_MODEL)

struct Smmuv3Model {
    SysBusDevice parent_obj;

    ImUnit unit;
    ImSmmu *smmu;
    qemu_irq irq[IM_SMMU_IRQS];     /* edges, in the order of ImSmmuIrq */

    ImSmmuConfig cfg;
    ImOptions options;
    IoasidHost *host;           /* on which it stands, or NULL */
    char *stage;
    char *primary_bus;
    uint16_t msi_device_id;
    /* what the IORT says by property */
    char *rmr;
    GArray *regions;                /* ImRegion, from rmr; NULL: none */
    uint32_t proximity;             /* NUMA node */

    Notifier machine_done;
};

/* Where the platform bus put a unit. */
hwaddr smmuv3_model_base(VirtMachineState *vms, Smmuv3Model *s);
/* SPI number, from 0, of a line. */
int smmuv3_model_spi(VirtMachineState *vms, Smmuv3Model *s, ImSmmuIrq line);
/* It has a DeviceID at an ITS. */
bool smmuv3_model_at_its(VirtMachineState *vms, Smmuv3Model *s);

/* All units, by the order in which they were created; g_free() the array
 * that *units is, NULL with 0. */
unsigned smmuv3_models(Smmuv3Model ***units);

#define SMMUV3_NO_PROXIMITY  UINT32_MAX

/* All devices are there: read what the IORT, if there is one, has to say. */
bool smmuv3_model_read_iort(VirtMachineState *vms, Smmuv3Model *s, bool acpi,
                            Error **errp);

/* Describe a unit in the machine's device tree. */
void smmuv3_model_fdt(VirtMachineState *vms, Smmuv3Model *s);

#endif /* HW_IM_IM_SMMUV3_INT_H */
