/*
 * PASID, ATS and PRI between PCI functions and the IOMMU above them.
 *
 * Shaped like the PCIIOMMUOps of QEMU after 10.0, so that a rebase moves
 * these calls there; but it needs no edit of hw/pci. The IOMMU gives each
 * function an AddressSpace whose root is a PciPasidFn; a function asks for
 * its address space at its first request and finds the IOMMU behind it. Bus numbers, bridges and aliases are therefore always the present ones.
 *
 * Called with the BQL held, unless a comment says otherwise.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_IM_PCI_PASID_H
#define HW_IM_PCI_PASID_H

#include "exec/memory.h"
#include "hw/pci/pci_device.h"
#include "qemu/queue.h"

#include "im/im_txn.h"

/* --- what an IOMMU offers --------------------------------------------- */

/*
 * opaque is the function's. They may be called without the BQL, answer from
 * within the call and must not call the device back before they returned.
 */
typedef struct PciPasidIommuOps {
    /* Any AT. IM_PENDING: pci_pasid_resume() reports the end. */
    ImXlat (*translate)(void *opaque, const ImTxn *txn);
    /* A DWORD write that translate() called an interrupt. */
    MemTxResult (*interrupt)(void *opaque, const ImMsi *msi);
    void (*page_request)(void *opaque, const ImPageReq *req);
    void (*ats_inv_done)(void *opaque, uint16_t rid, uint32_t itag_vector,
                         unsigned cc);
    /* The requester of a parked request is gone: no pci_pasid_resume(). */
    void (*cancel)(void *opaque, uint64_t handle);
    /* What PciPasidListener.host had parked ended so: the answer to the
     * requester, or IM_PENDING. Optional: the same. */
    ImXlat (*ended)(void *opaque, const ImTxn *txn, const ImXlat *xlat);
} PciPasidIommuOps;

/* In the handle of an answer: PciPasidListener.host parked it. */
#define PCI_PASID_BY_HOST  (1ull << 63)

/*
 * Behind one function's address space; embedded in the IOMMU's state of it.
 * A function whose requests go elsewhere is given one without root and as
 * (PciPasidListener.fn).
 */
typedef struct PciPasidFn {
    MemoryRegion root;
    AddressSpace as;
    const PciPasidIommuOps *ops;
    void *opaque;               /* what they are given */
    void *iommu;                /* who answers, and sends messages */
} PciPasidFn;

/* Creates fn->as with fn->root, to which the IOMMU adds its regions. iommu is
 * what ops are given, too. */
void pci_pasid_fn_init(PciPasidFn *fn, Object *owner, const char *name,
                       const PciPasidIommuOps *ops, void *iommu);

/*
 * Messages to the function that has this requester ID below this IOMMU at
 * this moment. false: no such function listens.
 */
bool pci_pasid_send_ats_invalidate(void *iommu, const ImAtsInv *inv);
bool pci_pasid_send_page_response(void *iommu, const ImPageResp *resp);

/* The parked request of an IM_PENDING answer was completed or terminated. */
void pci_pasid_resume(void *iommu, uint64_t handle, const ImXlat *xlat);

/* Whether a function shows an extended capability. As a guest sees it: a
 * function may answer configuration reads itself. */
bool pci_pasid_has_ecap(PCIDevice *dev, uint16_t id);

/* The requester ID's function below this IOMMU, or NULL. */
PCIDevice *pci_pasid_find_device(void *iommu, PCIBus *root, uint16_t rid);

/* The IOMMU above a function, or NULL, and the requester ID it sees. */
void *pci_pasid_iommu_of(PCIDevice *dev, uint16_t *rid);
/* The same of its bus, wherever its requests go. */
void *pci_pasid_iommu_of_bus(PCIDevice *dev);

/* --- what a function uses --------------------------------------------- */

typedef struct PciPasidListener {
    PCIDevice *dev;
    void *opaque;
    void (*ats_invalidate)(void *opaque, const ImAtsInv *inv);
    void (*page_response)(void *opaque, const ImPageResp *resp);
    void (*dma_done)(void *opaque, uint64_t handle, ImStatus status, ImCpl cpl);
    PciPasidFn *fn;             /* found by the first request, or given */
    bool has_rid;               /* with fn given: known above as rid */
    uint16_t rid;
    void *host;                 /* another IOMMU that sends it messages, */
    uint16_t host_rid;          /* as it names the function; or NULL */
    QLIST_ENTRY(PciPasidListener) next;
} PciPasidListener;

void pci_pasid_listen(PciPasidListener *listener);
/* The function was reset: its parked requests end now, by dma_done(). */
void pci_pasid_cancel(PciPasidListener *listener);
/* Parked requests are forgotten: no dma_done() follows. */
void pci_pasid_unlisten(PciPasidListener *listener);

/*
 * One memory request within a page. The requester ID is the function's own
 * at this moment unless has_rid. IM_PENDING needs a listener; *handle then
 * identifies the request in dma_done() and buf must live until that.
 * Without one of our IOMMUs a plain request goes to the device's address
 * space, anything with a PASID or AT != 0 is an Unsupported Request.
 */
ImStatus pci_pasid_dma(PCIDevice *dev, const ImTxn *txn, bool has_rid,
                       void *buf, ImCpl *cpl, uint64_t *handle);
ImXlat pci_pasid_ats(PCIDevice *dev, const ImTxn *txn, bool has_rid);
/* The requester ID in req is filled in here. */
void pci_pasid_page_request(PCIDevice *dev, const ImPageReq *req);
/* cc: how many such messages complete an invalidation (PCIe 10.3.2). */
void pci_pasid_ats_inv_done(PCIDevice *dev, uint32_t itag_vector, unsigned cc);

#endif /* HW_IM_PCI_PASID_H */
