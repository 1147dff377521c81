/*
 * vtd-model: what its three files share. im-vtd.c is the device,
 * im-vtd-port.c what the model sends, im-vtd-fn.c what PCI functions see.
 *
 * Lock order: BQL, then VtdModel.lock. The lock covers the model, its
 * outbox and the fault log; nothing is sent while it is held.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_IM_IM_VTD_INT_H
#define HW_IM_IM_VTD_INT_H

#include "hw/i386/x86-iommu.h"
#include "hw/pci/pci_bus.h"
#include "qemu/thread.h"
#include "qemu/timer.h"
#include "im-model.h"
#include "pci-pasid.h"

#include "im/im_vtd.h"

#define TYPE_VTD_MODEL      "vtd-model"
#define TYPE_VTD_MODEL_MR   "vtd-model-memory-region"
OBJECT_DECLARE_SIMPLE_TYPE(VtdModel, VTD_MODEL)

/* Where q35 chipsets have the unit for everything. */
#define VTDM_MMIO_BASE      0xfed90000ull
/* The IOAPIC's source-id, as the DMAR's device scope says it. */
#define VTDM_IOAPIC_BUS     0xff
#define VTDM_IOAPIC_DEVFN   0
#define VTDM_IOAPIC_RID     PCI_BUILD_BDF(VTDM_IOAPIC_BUS, VTDM_IOAPIC_DEVFN)

#define VTDM_MSI_BASE       0xfee00000ull
#define VTDM_MSI_SIZE       0x100000ull

/* What the model sent and nobody has received yet. */
typedef struct VtdmMsg {
    enum { VTDM_MSI, VTDM_ATS_INV, VTDM_PAGE_RESP, VTDM_UNMAP } kind;
    union {
        ImMsi msi;
        ImAtsInv inv;
        ImPageResp resp;
        ImUnmap unmap;
    };
} VtdmMsg;

/* One function, or the IOAPIC, as a source of requests. */
typedef struct VtdmFn {
    PciPasidFn pasid;
    VtdModel *s;
    PCIBus *bus;                /* NULL: rid is fixed */
    uint8_t devfn;
    uint16_t rid;
    char *name;
    IOMMUMemoryRegion iommu;    /* enabled while TES=1 */
    MemoryRegion bypass;        /* enabled while TES=0 */
    MemoryRegion msi;
    IOMMUNotifierFlag notifiers;
} VtdmFn;

struct VtdModel {
    X86IOMMUState parent_obj;

    MemoryRegion mmio;
    ImVtdConfig cfg;
    OnOffAuto option[32];       /* one for each row of VTDM_SWITCHES */
    uint32_t given;             /* rows of VTDM_NUMBERS that were set */

    QemuMutex lock;
    ImVtd *vtd;
    GArray *outbox;             /* VtdmMsg */
    bool mode_changed;
    bool iec_changed;
    ImFaultLog faults;

    QEMUTimer *timer;
    QEMUBH *bh;
    Notifier machine_done;
    Error *blocker;

    /* BQL */
    bool sending;
    bool translating;
    PCIBus *root;
    GHashTable *fns;            /* VtdmFn, by bus and devfn */
    VtdmFn *ioapic;
};

/* --- im-vtd-port.c ---------------------------------------------------- */

extern const ImPort vtdm_port;

static inline void vtdm_enter(VtdModel *s)
{
    qemu_mutex_lock(&s->lock);
}

/* Release the lock and see that the outbox is sent. */
void vtdm_leave(VtdModel *s);
/* Bottom half of the same. */
void vtdm_send(void *opaque);
/* To the interrupt controller, remapped or never to be. */
void vtdm_apic_write(uint64_t addr, uint32_t data);

/* --- im-vtd-fn.c ------------------------------------------------------ */

extern const PCIIOMMUOps vtdm_pci_ops;

void vtdm_fns_init(VtdModel *s);
/* GSTS.TES may have changed. */
void vtdm_fns_switch(VtdModel *s);
/* Forget: tell whoever listens in these functions' address spaces. */
void vtdm_fns_unmap(VtdModel *s, const ImUnmap *unmap);
/* int_remap of X86IOMMUClass */
int vtdm_int_remap(X86IOMMUState *x86, MSIMessage *src, MSIMessage *dst,
                   uint16_t sid);

#endif /* HW_IM_IM_VTD_INT_H */
