/*
 * pasid-endpoint: what its files share. im-endpoint.c is the device,
 * im-endpoint-port.c what its model asks of the emulator.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_IM_IM_ENDPOINT_INT_H
#define HW_IM_IM_ENDPOINT_INT_H

#include "hw/pci/pci_device.h"
#include "qemu/timer.h"
#include "im-ioasid.h"
#include "im-options.h"
#include "pci-pasid.h"

#include "im/im_pcie.h"

#define TYPE_PASID_ENDPOINT "pasid-endpoint"
OBJECT_DECLARE_SIMPLE_TYPE(PasidEndpoint, PASID_ENDPOINT)

struct PasidEndpoint {
    PCIDevice parent_obj;

    MemoryRegion bar0;
    MemoryRegion bar2;
    MemoryRegion msix_bar;

    ImEpConfig cfg;
    ImOptions options;
    uint16_t vendor_id;
    uint16_t device_id;
    uint16_t class_id;
    uint8_t revision;
    bool dma_can_stall;

    ImEp *ep;
    QEMUBH *bh;
    QEMUTimer *timer;
    PciPasidListener listener;
    IoasidHost *host;               /* instead of the IOMMU of the bus */
    IoasidFn *fn;                   /* what it is there */
    uint16_t host_rid;
    Error *blocker;
    bool has_msi;

    uint64_t cpu_ns;                /* spent on channels, for benchmarks */
    unsigned busy;                  /* calls into the model on the stack */
    GArray *inbox;                  /* EpMsg */
};

/* A port for a function as it is configured. */
ImEpPort im_endpoint_port(const PasidEndpoint *s);
/* The function at its host, if it has one. */
bool im_endpoint_assign(PasidEndpoint *s, Error **errp);

#endif /* HW_IM_IM_ENDPOINT_INT_H */
