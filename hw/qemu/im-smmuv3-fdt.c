/*
 * smmuv3-model in the device tree of virt: its own node, and what it adds to
 * the host bridge and to functions that can stall.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/arm/fdt.h"
#include "hw/pci/pci.h"
#include "hw/pci/pci_bridge.h"
#include "qapi/error.h"
#include "system/device_tree.h"
#include "im-smmuv3-int.h"

/* In the order of the binding arm,smmu-v3, which is not that of the wires. */
#define IRQ_NAMES  "eventq\0gerror\0priq\0cmdq-sync"

static const ImSmmuIrq irq_order[] = {
    IM_SMMU_IRQ_EVTQ,
    IM_SMMU_IRQ_GERROR,
    IM_SMMU_IRQ_PRIQ,
    IM_SMMU_IRQ_SYNC,
};

static void smmuv3_fdt_add_unit(void *fdt, VirtMachineState *vms,
                                Smmuv3Model *s, const char *node,
                                uint32_t phandle)
{
    static const char names[] = IRQ_NAMES;
    uint64_t base = smmuv3_model_base(vms, s);
    uint32_t irqs[3 * IM_SMMU_IRQS];

    QEMU_BUILD_BUG_ON(ARRAY_SIZE(irq_order) != IM_SMMU_IRQS);
    for (unsigned i = 0; i < IM_SMMU_IRQS; i++) {
        irqs[3 * i] = cpu_to_be32(GIC_FDT_IRQ_TYPE_SPI);
        irqs[3 * i + 1] = cpu_to_be32(smmuv3_model_spi(vms, s, irq_order[i]));
        irqs[3 * i + 2] = cpu_to_be32(GIC_FDT_IRQ_FLAGS_EDGE_LO_HI);
    }
    qemu_fdt_add_subnode(fdt, node);
    qemu_fdt_setprop_string(fdt, node, "compatible", "arm,smmu-v3");
    qemu_fdt_setprop_sized_cells(fdt, node, "reg", 2, base, 2,
                                 (uint64_t)IM_SMMU_MMIO_SIZE);
    qemu_fdt_setprop(fdt, node, "interrupts", irqs, sizeof(irqs));
    qemu_fdt_setprop(fdt, node, "interrupt-names", names, sizeof(names));
    if (s->cfg.coherent) {
        qemu_fdt_setprop(fdt, node, "dma-coherent", NULL, 0);
    }
    qemu_fdt_setprop_cell(fdt, node, "#iommu-cells", 1);
    qemu_fdt_setprop_cell(fdt, node, "phandle", phandle);
    if (smmuv3_model_at_its(vms, s)) {
        qemu_fdt_setprop_cells(fdt, node, "msi-parent", vms->msi_phandle,
                               s->msi_device_id);
    }
}

/* A DeviceID is the unit's or a function's, not both. */
static void smmuv3_fdt_cut_msi_map(void *fdt, VirtMachineState *vms,
                                   Smmuv3Model *s)
{
    uint32_t id = s->msi_device_id;

    if (id < 0xffff) {
        qemu_fdt_setprop_cells(fdt, vms->pciehb_nodename, "msi-map", 0,
                               vms->msi_phandle, 0, id, id + 1,
                               vms->msi_phandle, id + 1, 0xffff - id);
    } else {
        qemu_fdt_setprop_cells(fdt, vms->pciehb_nodename, "msi-map", 0,
                               vms->msi_phandle, 0, id);
    }
}

/* --- functions that can stall ------------------------------------------- */

typedef struct Below {
    void *fdt;
    const char *parent;         /* node of the bus */
} Below;

static char *smmuv3_fdt_node_of(const Below *b, PCIDevice *dev,
                                const char *what)
{
    return g_strdup_printf("%s/%s@%x,%x", b->parent, what, PCI_SLOT(dev->devfn),
                           PCI_FUNC(dev->devfn));
}

static void smmuv3_fdt_add_node(const Below *b, PCIDevice *dev,
                                const char *node)
{
    qemu_fdt_add_subnode(b->fdt, node);
    /* the bus number is the guest's to choose: Linux compares devfn only */
    qemu_fdt_setprop_cells(b->fdt, node, "reg", dev->devfn << 8, 0, 0, 0, 0);
}

static bool smmuv3_fdt_can_stall(PCIDevice *dev)
{
    return object_dynamic_cast(OBJECT(dev), "pasid-endpoint") &&
           object_property_get_bool(OBJECT(dev), "dma-can-stall", &error_abort);
}

static void smmuv3_fdt_find_stalling(PCIBus *bus, PCIDevice *dev, void *opaque)
{
    if (smmuv3_fdt_can_stall(dev)) {
        *(bool *)opaque = true;
    }
}

static void smmuv3_fdt_find_below(PCIBus *bus, void *opaque)
{
    pci_for_each_device_under_bus(bus, smmuv3_fdt_find_stalling, opaque);
}

static void smmuv3_fdt_add_function(PCIBus *bus, PCIDevice *dev, void *opaque);

static void smmuv3_fdt_add_bridge(const Below *b, PCIDevice *dev)
{
    PCIBus *bus = pci_bridge_get_sec_bus(PCI_BRIDGE(dev));
    bool any = false;

    pci_for_each_bus(bus, smmuv3_fdt_find_below, &any);
    if (any) {
        g_autofree char *node = smmuv3_fdt_node_of(b, dev, "pci");
        Below next = { .fdt = b->fdt, .parent = node };

        smmuv3_fdt_add_node(b, dev, node);
        qemu_fdt_setprop_string(b->fdt, node, "device_type", "pci");
        qemu_fdt_setprop_cell(b->fdt, node, "#address-cells", 3);
        qemu_fdt_setprop_cell(b->fdt, node, "#size-cells", 2);
        qemu_fdt_setprop(b->fdt, node, "ranges", NULL, 0);
        pci_for_each_device_under_bus(bus, smmuv3_fdt_add_function, &next);
    }
}

static void smmuv3_fdt_add_function(PCIBus *bus, PCIDevice *dev, void *opaque)
{
    const Below *b = opaque;

    if (object_dynamic_cast(OBJECT(dev), TYPE_PCI_BRIDGE)) {
        smmuv3_fdt_add_bridge(b, dev);
    } else if (smmuv3_fdt_can_stall(dev)) {
        g_autofree char *node = smmuv3_fdt_node_of(b, dev, "dma");
        uint64_t bits = object_property_get_uint(OBJECT(dev), "pasid-bits",
                                                 &error_abort);

        smmuv3_fdt_add_node(b, dev, node);
        qemu_fdt_setprop(b->fdt, node, "dma-can-stall", NULL, 0);
        qemu_fdt_setprop_cell(b->fdt, node, "pasid-num-bits", bits);
    }
}

void smmuv3_model_fdt(VirtMachineState *vms, Smmuv3Model *s)
{
    void *fdt = MACHINE(vms)->fdt;
    g_autofree char *node = g_strdup_printf("/iommu@%" PRIx64,
                                            smmuv3_model_base(vms, s));
    uint32_t phandle = qemu_fdt_alloc_phandle(fdt);
    Below b = { .fdt = fdt, .parent = vms->pciehb_nodename };

    smmuv3_fdt_add_unit(fdt, vms, s, node, phandle);
    qemu_fdt_setprop_cells(fdt, vms->pciehb_nodename, "iommu-map", 0, phandle,
                           0, 0x10000);
    if (s->cfg.ats) {
        qemu_fdt_setprop(fdt, vms->pciehb_nodename, "ats-supported", NULL, 0);
    }
    if (smmuv3_model_at_its(vms, s)) {
        smmuv3_fdt_cut_msi_map(fdt, vms, s);
    }
    pci_for_each_device_under_bus(s->unit.root, smmuv3_fdt_add_function, &b);
}
