/*
 * ACPI description of smmuv3-model: IO Remapping Table, Arm DEN 0049E.e.
 *
 * One root complex node for the segment; the requester IDs of each root bus
 * go to its unit, those of one without a unit to the ITS.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/acpi/acpi-defs.h"
#include "hw/acpi/aml-build.h"
#include "hw/pci/pci_bus.h"
#include "qapi/error.h"
#include "im-gpex.h"
#include "im-iort.h"
#include "im-smmuv3-int.h"

#define IORT_REVISION       6
#define HEADER_SIZE         48      /* of the table, before the nodes */
#define NODE_COUNT          36      /* where their number is */
#define NODE_HEADER_SIZE    16
#define MAPPING_SIZE        20
#define REQUESTER_IDS       0x10000

#define ITS_TYPE            0
#define RC_TYPE             2
#define RC_REVISION         4
#define RC_SIZE             40
#define SMMU_TYPE           4
#define SMMU_REVISION       5
#define SMMU_SIZE           68

#define RMR_TYPE            6
#define RMR_REVISION        3
#define RMR_FIXED_SIZE      28
#define RMR_RANGE_SIZE      20
#define RMR_GRANULE         0x10000
/* not to be remapped; normal memory, write-back, in bits 9:2 */
#define RMR_FLAGS           (5 << 2)

#define SMMU_COHACC         0x01
#define SMMU_HTTU_SHIFT     1       /* bits 2:1, as IDR0.HTTU */
#define SMMU_PROXIMITY      0x08    /* proximity domain is valid */
#define SMMU_DEVICE_ID      0x10    /* DeviceID mapping index is valid */
#define MAPPING_SINGLE      0x01

#define RC_ATS              0x01    /* ATS attribute */
#define RC_PRI              0x02
#define RC_PASID_FORWARD    0x04
#define RC_HAS_PASID        0x01    /* flags */
#define RC_COHERENT         0x03    /* CPM, DACS */

typedef struct Mapping {
    uint32_t first, count, out;
    uint32_t node;              /* offset in the table */
    uint32_t flags;
} Mapping;

typedef struct Iort {
    GArray *blob;
    uint32_t start;             /* of the table in blob */
    uint32_t nodes;
    uint32_t its;               /* offset; 0: none */
    PCIBus *pcie0;
    Smmuv3Model **unit;
    unsigned units;
} Iort;

static void iort_put(Iort *t, uint64_t value, int size)
{
    build_append_int_noprefix(t->blob, value, size);
}

static uint32_t iort_begin_node(Iort *t, unsigned type, unsigned revision,
                                unsigned size, const GArray *maps)
{
    uint32_t offset = t->blob->len - t->start;

    iort_put(t, type, 1);
    iort_put(t, size + maps->len * MAPPING_SIZE, 2);
    iort_put(t, revision, 1);
    iort_put(t, t->nodes++, 4);                      /* identifier */
    iort_put(t, maps->len, 4);
    iort_put(t, maps->len ? size : 0, 4);            /* where they are */
    return offset;
}

static void iort_end_node(Iort *t, const GArray *maps)
{
    for (unsigned i = 0; i < maps->len; i++) {
        const Mapping *m = &g_array_index(maps, Mapping, i);

        iort_put(t, m->first, 4);
        iort_put(t, m->count - 1, 4);
        iort_put(t, m->out, 4);
        iort_put(t, m->node, 4);
        iort_put(t, m->flags, 4);
    }
}

static bool iort_own_device_id(const Iort *t, uint32_t id)
{
    for (unsigned i = 0; i < t->units; i++) {
        if (t->unit[i]->msi_device_id == id) {
            return true;
        }
    }
    return false;
}

/* IDs that stay what they are, but for those of the units' own messages. */
static void iort_map_to_its(const Iort *t, GArray *maps, uint32_t first,
                            uint32_t end)
{
    while (t->its && first < end) {
        uint32_t next = first;

        while (next < end && !iort_own_device_id(t, next)) {
            next++;
        }
        if (next > first) {
            g_array_append_val(maps, ((Mapping) { .first = first,
                                                  .count = next - first,
                                                  .out = first,
                                                  .node = t->its }));
        }
        first = next + 1;
    }
}

static void iort_add_its(Iort *t)
{
    g_autoptr(GArray) none = g_array_new(false, false, sizeof(Mapping));

    t->its = iort_begin_node(t, ITS_TYPE, 1, NODE_HEADER_SIZE + 8, none);
    iort_put(t, 1, 4);
    iort_put(t, 0, 4);                               /* as in the MADT */
}

static uint32_t iort_add_unit(Iort *t, VirtMachineState *vms, Smmuv3Model *s)
{
    g_autoptr(GArray) maps = g_array_new(false, false, sizeof(Mapping));
    bool at_its = smmuv3_model_at_its(vms, s);
    bool near = s->proximity != SMMUV3_NO_PROXIMITY;
    uint32_t flags = (s->cfg.coherent ? SMMU_COHACC : 0) |
                     MIN(s->cfg.httu, 2) << SMMU_HTTU_SHIFT |
                     (near ? SMMU_PROXIMITY : 0) |
                     (at_its ? SMMU_DEVICE_ID : 0);
    uint32_t offset;

    if (at_its) {
        g_array_append_val(maps, ((Mapping) { .count = 1,
                                              .out = s->msi_device_id,
                                              .node = t->its,
                                              .flags = MAPPING_SINGLE }));
    }
    iort_map_to_its(t, maps, 0, REQUESTER_IDS);
    offset = iort_begin_node(t, SMMU_TYPE, SMMU_REVISION, SMMU_SIZE, maps);
    iort_put(t, smmuv3_model_base(vms, s), 8);
    iort_put(t, flags, 4);
    iort_put(t, 0, 4);
    iort_put(t, 0, 8);                               /* VATOS */
    iort_put(t, 0, 4);                               /* model: generic */
    iort_put(t, smmuv3_model_spi(vms, s, IM_SMMU_IRQ_EVTQ) + 32, 4);
    iort_put(t, smmuv3_model_spi(vms, s, IM_SMMU_IRQ_PRIQ) + 32, 4);
    iort_put(t, smmuv3_model_spi(vms, s, IM_SMMU_IRQ_GERROR) + 32, 4);
    iort_put(t, smmuv3_model_spi(vms, s, IM_SMMU_IRQ_SYNC) + 32, 4);
    iort_put(t, near ? s->proximity : 0, 4);
    iort_put(t, 0, 4); /* DeviceID mapping index */
    iort_end_node(t, maps);
    return offset;
}

/* The root bus whose numbers begin at or after this one; NULL: none does. */
static PCIBus *iort_next_root(const Iort *t, int number)
{
    PCIBus *found = NULL, *child;

    QLIST_FOREACH(child, &t->pcie0->child, sibling)
    {
        int n = pci_bus_num(child);

        if (pci_bus_is_root(child) && n >= number &&
            (!found || n < pci_bus_num(found))) {
            found = child;
        }
    }
    return found;
}

/*
 * The guest may number buses anew: a root bus has every number up to that of
 * the next one, whichever the firmware gave.
 */
static void iort_map_roots(const Iort *t, GArray *maps, const uint32_t *node)
{
    PCIBus *root = t->pcie0;

    while (root) {
        int number = pci_bus_num(root);
        PCIBus *next = iort_next_root(t, number + 1);
        uint32_t first = number << 8;
        uint32_t end = next ? pci_bus_num(next) << 8 : REQUESTER_IDS;
        unsigned i = 0;

        while (i < t->units && t->unit[i]->unit.root != root) {
            i++;
        }
        if (i < t->units) {
            g_array_append_val(maps, ((Mapping) { .first = first,
                                                  .count = end - first,
                                                  .out = first,
                                                  .node = node[i] }));
        } else {
            iort_map_to_its(t, maps, first, end);
        }
        root = next;
    }
}

static void iort_add_root_complex(Iort *t, const uint32_t *node)
{
    g_autoptr(GArray) maps = g_array_new(false, false, sizeof(Mapping));
    unsigned pasid = 0, ats = 0;

    iort_map_roots(t, maps, node);
    for (unsigned i = 0; i < t->units; i++) {
        const ImSmmuConfig *c = &t->unit[i]->cfg;

        ats |= (c->ats ? RC_ATS : 0) | (c->pri ? RC_PRI : 0) |
               (c->ssid_bits ? RC_PASID_FORWARD : 0);
        pasid = MAX(pasid, c->ssid_bits);
    }
    iort_begin_node(t, RC_TYPE, RC_REVISION, RC_SIZE, maps);
    iort_put(t, 1, 4);                               /* coherent */
    iort_put(t, 0, 1);
    iort_put(t, 0, 2);
    iort_put(t, RC_COHERENT, 1);
    iort_put(t, ats, 4);
    iort_put(t, 0, 4);                               /* segment */
    iort_put(t, 64, 1);                              /* address bits */
    iort_put(t, pasid, 2);
    iort_put(t, 0, 1);
    iort_put(t, pasid ? RC_HAS_PASID : 0, 4);
    iort_end_node(t, maps);
}

/* --- reserved memory -------------------------------------------------- */

static bool iort_in_memory(uint64_t first, uint64_t last)
{
    const VirtMachineState *vms = VIRT_MACHINE(qdev_get_machine());
    uint64_t base = vms->memmap[VIRT_MEM].base;

    return first >= base && last - base < MACHINE(vms)->ram_size;
}

static const char *iort_why_not_ours(PCIDevice *dev, void *opaque)
{
    const Smmuv3Model *s = opaque;
    PCIBus *bus = pci_get_bus(dev);

    while (!pci_bus_is_root(bus)) {
        bus = pci_get_bus(bus->parent_dev);
    }
    return bus == s->unit.root ?
               NULL :
               "it is not below the unit's primary-bus: name it at its own unit";
}

static bool iort_read_rmr(VirtMachineState *vms, Smmuv3Model *s, Error **errp)
{
    ImNames n = {
        .device = im_name_of(OBJECT(s)),
        .property = "rmr",
        .list = s->rmr,
        .pcie0 = vms->bus,
        .why_not = iort_why_not_ours,
        .opaque = s,
        .granule = RMR_GRANULE,
        .in_memory = iort_in_memory,
        .memory = "the machine's memory",
    };

    s->regions = im_names_regions(&n, errp);
    if (s->regions) {
        im_gpex_keep_bus_numbers();     /* StreamIDs have them */
    }
    return s->regions;
}

bool smmuv3_model_read_iort(VirtMachineState *vms, Smmuv3Model *s, bool acpi,
                            Error **errp)
{
    unsigned nodes = MACHINE(vms)->numa_state->num_nodes;
    bool near = s->proximity != SMMUV3_NO_PROXIMITY;

    if ((near || s->rmr) && !acpi) {
        error_setg(errp,
                   "%s: %s is said in the IORT: boot with UEFI and "
                   "ACPI",
                   im_name_of(OBJECT(s)), near ? "proximity" : "rmr");
        return false;
    }
    if (near && s->proximity >= nodes) {
        error_setg(errp,
                   "%s: proximity=%u: the machine has %u NUMA nodes, "
                   "see -numa",
                   im_name_of(OBJECT(s)), s->proximity, nodes);
        return false;
    }
    return !s->rmr || iort_read_rmr(vms, s, errp);
}

/* StreamIDs by the bus numbers that the firmware gave. */
static void iort_map_functions(const ImRegion *r, GArray *maps, uint32_t node)
{
    for (unsigned i = 0; i < r->functions->len; i++) {
        PCIDevice *dev = g_ptr_array_index(r->functions, i);

        if (qdev_is_realized(DEVICE(dev))) {
            g_array_append_val(maps, ((Mapping) { .count = 1,
                                                  .out = pci_requester_id(dev),
                                                  .node = node,
                                                  .flags = MAPPING_SINGLE }));
        }
    }
}

static void iort_add_rmrs(Iort *t, const Smmuv3Model *s, uint32_t node)
{
    for (unsigned i = 0; s->regions && i < s->regions->len; i++) {
        const ImRegion *r = &g_array_index(s->regions, ImRegion, i);
        g_autoptr(GArray) maps = g_array_new(false, false, sizeof(Mapping));

        iort_map_functions(r, maps, node);
        iort_begin_node(t, RMR_TYPE, RMR_REVISION,
                        RMR_FIXED_SIZE + RMR_RANGE_SIZE, maps);
        iort_put(t, RMR_FLAGS, 4);
        iort_put(t, 1, 4); /* one range, behind this */
        iort_put(t, RMR_FIXED_SIZE, 4);
        iort_put(t, r->first, 8);
        iort_put(t, r->last - r->first + 1, 8);
        iort_put(t, 0, 4);
        iort_end_node(t, maps);
    }
}

/* --- the table -------------------------------------------------------- */

bool im_acpi_build_iort(GArray *tables_blob, BIOSLinker *linker,
                        VirtMachineState *vms)
{
    AcpiTable table = { .sig = "IORT",
                        .rev = IORT_REVISION,
                        .oem_id = vms->oem_id,
                        .oem_table_id = vms->oem_table_id };
    Iort t = { .blob = tables_blob, .pcie0 = vms->bus };
    bool its = vms->msi_controller == VIRT_MSI_CTRL_ITS;
    g_autofree Smmuv3Model **unit = NULL;
    g_autofree uint32_t *node = NULL;

    t.units = smmuv3_models(&unit);
    if (!t.units) {
        return false;
    }
    t.unit = unit;
    node = g_new0(uint32_t, t.units);
    acpi_table_begin(&table, tables_blob);
    t.start = table.table_offset;
    iort_put(&t, 0, 4); /* nodes, filled in below */
    iort_put(&t, HEADER_SIZE, 4);
    iort_put(&t, 0, 4);
    if (its) {
        iort_add_its(&t);
    }
    for (unsigned i = 0; i < t.units; i++) {
        node[i] = iort_add_unit(&t, vms, t.unit[i]);
    }
    iort_add_root_complex(&t, node);
    for (unsigned i = 0; i < t.units; i++) {
        iort_add_rmrs(&t, t.unit[i], node[i]);
    }
    stl_le_p(tables_blob->data + t.start + NODE_COUNT, t.nodes);
    acpi_table_end(linker, &table);
    return true;
}
