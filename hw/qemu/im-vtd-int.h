/*
 * vtd-model: what its files share. im-vtd.c is the device, im-vtd-irq.c
 * interrupts, im-acpi.c its description; im-unit.h does the rest.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_IM_IM_VTD_INT_H
#define HW_IM_IM_VTD_INT_H

#include "hw/i386/x86-iommu.h"
#include "im-ioasid.h"
#include "im-options.h"
#include "im-unit.h"

#include "im/im_vtd.h"

#define TYPE_VTD_MODEL      "vtd-model"
OBJECT_DECLARE_SIMPLE_TYPE(VtdModel, VTD_MODEL)

/* Where q35 chipsets have the unit for everything. */
#define VTDM_MMIO_BASE      0xfed90000ull
/* The IOAPIC's source-id, as the DMAR's device scope says it. */
#define VTDM_IOAPIC_BUS     0xff
#define VTDM_IOAPIC_DEVFN   0
#define VTDM_IOAPIC_RID     PCI_BUILD_BDF(VTDM_IOAPIC_BUS, VTDM_IOAPIC_DEVFN)

#define VTDM_MSI_BASE       0xfee00000ull
#define VTDM_MSI_SIZE       0x100000ull

struct VtdModel {
    X86IOMMUState parent_obj;

    ImUnit unit;
    ImVtd *vtd;
    ImVtdConfig cfg;
    ImOptions options;
    Notifier machine_done;
    ImUnitFn *ioapic;
    IoasidHost *host;           /* which gives out PASIDs, or NULL */
    IoasidHostVcmd vcmd;
};

/* --- im-vtd-irq.c ----------------------------------------------------- */

/* The IOAPIC sends through the unit. */
void vtdm_ioapic_init(VtdModel *s);
/* An interrupt request of a function: remap and send it. */
MemTxResult vtdm_interrupt(ImUnit *u, const ImMsi *msi);
/* A message of the unit's own. */
void vtdm_send_msi(ImUnit *u, const ImMsi *msi);
/* int_remap of X86IOMMUClass */
int vtdm_int_remap(X86IOMMUState *x86, MSIMessage *src, MSIMessage *dst,
                   uint16_t sid);

#endif /* HW_IM_IM_VTD_INT_H */
