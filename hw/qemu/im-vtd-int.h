/*
 * vtd-model: what its files share. im-vtd.c is the device, im-vtd-irq.c
 * interrupts, im-vtd-units.c which unit is whose, im-acpi.c the DMAR table;
 * im-unit.h does the rest.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_IM_IM_VTD_INT_H
#define HW_IM_IM_VTD_INT_H

#include "hw/i386/x86-iommu.h"
#include "im-ioasid.h"
#include "im-names.h"
#include "im-options.h"
#include "im-unit.h"

#include "im/im_vtd.h"

#define TYPE_VTD_MODEL      "vtd-model"
OBJECT_DECLARE_SIMPLE_TYPE(VtdModel, VTD_MODEL)

/* Where q35 chipsets have the unit for everything; behind it the others. */
#define VTDM_MMIO_BASE      0xfed90000ull
#define VTDM_MAX_UNITS      16
/* The IOAPIC's source-id, as the DMAR's device scope says it. */
#define VTDM_IOAPIC_BUS     0xff
#define VTDM_IOAPIC_DEVFN   0
#define VTDM_IOAPIC_RID     PCI_BUILD_BDF(VTDM_IOAPIC_BUS, VTDM_IOAPIC_DEVFN)

#define VTDM_MSI_BASE       0xfee00000ull
#define VTDM_MSI_SIZE       0x100000ull

#define VTDM_NO_PROXIMITY   UINT32_MAX

/* What the DMAR table says by property. */
typedef struct VtdTable {
    bool device_scopes;         /* name devices and ports instead of "all" */
    uint32_t proximity;         /* of the unit; VTDM_NO_PROXIMITY: none */
    /* of the platform, so only at the unit for everything */
    bool x2apic_opt_out;
    bool dma_opt_in;
    bool rmrr_reserved;         /* tell the firmware's memory map as well */
    char *rmrr;
    char *satc;
    char *satc_required;
    /* What these name; NULL: nothing. */
    GArray *regions;            /* ImRegion */
    GPtrArray *caches[2];       /* PCIDevice *; [1]: required */
} VtdTable;

struct VtdModel {
    X86IOMMUState parent_obj;

    ImUnit unit;
    ImVtd *vtd;
    ImVtdConfig cfg;
    ImOptions options;
    Notifier machine_done;
    ImUnitFn *ioapic;
    bool ioapic_source_check;
    IoasidHost *host;           /* which gives out PASIDs, or NULL */
    IoasidHostVcmd vcmd;
    bool vcmd_on;
    ImVcmd asked;               /* of it, and not yet told it */
    char *primary_bus;          /* NULL: what no other unit covers */
    hwaddr base;
    VtdTable table;
};

/* --- im-vtd-units.c --------------------------------------------------- */

/* The unit for everything that no other one covers, or NULL. */
VtdModel *vtdm_main(void);
/* All units by the place of their registers; g_free() the array that *units
 * is, NULL with 0. */
unsigned vtdm_units(VtdModel ***units);
/* Choose the place of the registers and find the root bus. NULL: refused. */
PCIBus *vtdm_place(VtdModel *s, Error **errp);
/* Who covers the functions below a root bus. */
VtdModel *vtdm_of_root(PCIBus *root);
/* Who covers a requester, by the bus numbers as they are now. */
VtdModel *vtdm_of_rid(uint16_t rid);
/* All devices are there: is the set of units possible? */
bool vtdm_check_units(Error **errp);

/* --- im-acpi.c -------------------------------------------------------- */

/* Read rmrr, satc and satc_required when all devices are there. */
bool vtdm_read_table(VtdModel *s, Error **errp);

/* --- im-vtd-irq.c ----------------------------------------------------- */

/* The IOAPIC sends through the unit. */
void vtdm_ioapic_init(VtdModel *s);
/* An interrupt request of a function: remap and send it. */
MemTxResult vtdm_interrupt(ImUnit *u, const ImMsi *msi);
/* The same for people: no side effect. */
ImIntOut vtdm_explain_interrupt(ImUnit *u, const ImMsi *msi, ImStepFn *fn,
                                void *opaque);
/* A message of the unit's own. */
void vtdm_send_msi(ImUnit *u, const ImMsi *msi);
/* int_remap of X86IOMMUClass */
int vtdm_int_remap(X86IOMMUState *x86, MSIMessage *src, MSIMessage *dst,
                   uint16_t sid);

#endif /* HW_IM_IM_VTD_INT_H */
