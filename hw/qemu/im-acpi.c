/*
 * ACPI description of our IOMMUs: VT-d architecture specification, chapter 8.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/acpi/acpi-defs.h"
#include "hw/acpi/aml-build.h"
#include "hw/i386/acpi-common.h"
#include "hw/i386/e820_memory_layout.h"
#include "hw/i386/pc.h"
#include "hw/pci/pci_bridge.h"
#include "hw/pci/pcie.h"
#include "im-acpi.h"
#include "im-vtd-int.h"

#define DMAR_INTR_REMAP         0x01    /* table flags, 8.1 */
#define DMAR_X2APIC_OPT_OUT     0x02
#define DMAR_DMA_OPT_IN         0x04
#define SEGMENT                 0       /* the only one */

/* Structures, in the order in which they must appear (8.2). */
enum { DRHD, RMRR, ATSR, RHSA, ANDD, SATC };

#define DRHD_SIZE               16
#define DRHD_INCLUDE_PCI_ALL    0x01
#define SCOPE_ENDPOINT          1       /* 8.3.1 */
#define SCOPE_HIERARCHY         2
#define SCOPE_IOAPIC            3
#define SCOPE_IOAPIC_SIZE       8
#define SCOPE_HEADER            6
#define SCOPE_MAX_DEPTH         ((UINT8_MAX - SCOPE_HEADER) / 2)
#define RMRR_GRANULE            0x1000  /* 8.4 */
#define RMRR_SIZE               24
#define ATSR_SIZE               8
#define ATSR_ALL_PORTS          0x01
#define RHSA_SIZE               20
#define SATC_SIZE               8
#define SATC_ATC_REQUIRED       0x01

#define FIRST_MIB               0x100000ull

/* --- what properties name --------------------------------------------- */

/* How many bridges are above, and one. */
static unsigned acpi_depth_of(PCIDevice *dev)
{
    unsigned depth = 1;

    while (!pci_bus_is_root(pci_get_bus(dev))) {
        dev = pci_bridge_get_device(pci_get_bus(dev));
        depth++;
    }
    return depth;
}

static const char *acpi_why_no_scope(PCIDevice *dev, void *opaque)
{
    return acpi_depth_of(dev) > SCOPE_MAX_DEPTH ?
               "it is behind too many bridges for a scope entry" :
               NULL;
}

static const char *acpi_why_no_cache(PCIDevice *dev, void *opaque)
{
    const VtdTable *t = opaque;
    PCIBus *bus = pci_get_bus(dev);

    if (!pci_bus_is_root(bus) ||
        object_dynamic_cast(OBJECT(dev), TYPE_PCI_BRIDGE)) {
        return "SATC is for endpoints on a root bus";
    }
    if (!pci_pasid_has_ecap(dev, PCI_EXT_CAP_ID_ATS)) {
        return "it has no ATS capability";
    }
    if (!vtdm_of_root(bus)->cfg.device_tlb) {
        return "its unit has device-iotlb=off";
    }
    if (t->caches[0] && g_ptr_array_find(t->caches[0], dev, NULL)) {
        return "satc names it, too, which says that it can do without";
    }
    return NULL;
}

static bool acpi_in_memory(uint64_t first, uint64_t last)
{
    const X86MachineState *x86 = X86_MACHINE(qdev_get_machine());
    uint64_t high = x86->above_4g_mem_start;

    return (first >= FIRST_MIB && last < x86->below_4g_mem_size) ||
           (first >= high && last - high < x86->above_4g_mem_size);
}

static bool acpi_read_caches(VtdTable *t, unsigned i, ImNames *n, Error **errp)
{
    if (!n->list) {
        return true;
    }
    n->why_not = acpi_why_no_cache;
    n->opaque = t;
    t->caches[i] = im_names_functions(n, errp);
    return t->caches[i];
}

static bool acpi_read_regions(VtdTable *t, ImNames *n, Error **errp)
{
    if (!n->list) {
        return true;
    }
    n->why_not = acpi_why_no_scope;
    n->granule = RMRR_GRANULE;
    n->in_memory = acpi_in_memory;
    n->memory = "the machine's memory above 1 MiB";
    t->regions = im_names_regions(n, errp);
    if (!t->regions) {
        return false;
    }
    for (unsigned i = 0; t->rmrr_reserved && i < t->regions->len; i++) {
        const ImRegion *r = &g_array_index(t->regions, ImRegion, i);

        e820_add_entry(r->first, r->last - r->first + 1, E820_RESERVED);
    }
    return true;
}

static ImNames acpi_names(VtdModel *s, const char *property, const char *list)
{
    return (ImNames) {
        .device = im_name_of(OBJECT(s)),
        .property = property,
        .list = list,
        .pcie0 = PC_MACHINE(qdev_get_machine())->pcibus,
    };
}

bool vtdm_read_table(VtdModel *s, Error **errp)
{
    VtdTable *t = &s->table;
    ImNames rmrr = acpi_names(s, "rmrr", t->rmrr);
    ImNames satc = acpi_names(s, "satc", t->satc);
    ImNames required = acpi_names(s, "satc-required", t->satc_required);

    return acpi_read_regions(t, &rmrr, errp) &&
           acpi_read_caches(t, 0, &satc, errp) &&
           acpi_read_caches(t, 1, &required, errp);
}

/* --- scopes ----------------------------------------------------------- */

typedef struct Dmar {
    GArray *blob;
    PCIBus *pcie0;
    VtdModel *all;              /* the unit that describes the platform */
    VtdModel **unit;
    unsigned units;
} Dmar;

static void acpi_put(Dmar *t, uint64_t value, int size)
{
    build_append_int_noprefix(t->blob, value, size);
}

static void acpi_put_header(Dmar *t, unsigned type, unsigned size,
                            const GArray *scopes)
{
    acpi_put(t, type, 2);
    acpi_put(t, size + (scopes ? scopes->len : 0), 2);
}

static void acpi_put_scopes(Dmar *t, const GArray *scopes)
{
    if (scopes) {
        g_array_append_vals(t->blob, scopes->data, scopes->len);
    }
}

/* The entry of a function, 8.3.1: its path, filled in from its end. */
static void acpi_add_function(PCIBus *bus, PCIDevice *dev, void *scopes)
{
    unsigned size = SCOPE_HEADER + 2 * acpi_depth_of(dev);
    uint8_t entry[UINT8_MAX] = {
        object_dynamic_cast(OBJECT(dev), TYPE_PCI_BRIDGE) ? SCOPE_HIERARCHY :
                                                            SCOPE_ENDPOINT,
        size,
    };

    for (unsigned at = size; at > SCOPE_HEADER; at -= 2) {
        bus = pci_get_bus(dev);
        entry[at - 2] = PCI_SLOT(dev->devfn);
        entry[at - 1] = PCI_FUNC(dev->devfn);
        dev = pci_bridge_get_device(bus);       /* NULL above the root bus */
    }
    entry[5] = pci_bus_num(bus);
    g_array_append_vals(scopes, entry, size);
}

/* Those that were not unplugged meanwhile. */
static void acpi_add_functions(const GPtrArray *functions, GArray *scopes)
{
    for (unsigned i = 0; i < functions->len; i++) {
        PCIDevice *dev = g_ptr_array_index(functions, i);

        if (qdev_is_realized(DEVICE(dev))) {
            acpi_add_function(NULL, dev, scopes);
        }
    }
}

static void acpi_add_port(PCIBus *bus, PCIDevice *dev, void *scopes)
{
    if (object_dynamic_cast(OBJECT(dev), TYPE_PCI_BRIDGE) &&
        pci_is_express(dev) &&
        pcie_cap_get_type(dev) == PCI_EXP_TYPE_ROOT_PORT) {
        acpi_add_function(bus, dev, scopes);
    }
}

/* What is directly on the root buses of a unit. */
static void acpi_add_scopes(Dmar *t, const VtdModel *s, pci_bus_dev_fn fn,
                            GArray *scopes)
{
    PCIBus *child;

    if (vtdm_of_root(t->pcie0) == s) {
        pci_for_each_device_under_bus(t->pcie0, fn, scopes);
    }
    QLIST_FOREACH(child, &t->pcie0->child, sibling)
    {
        if (pci_bus_is_root(child) && vtdm_of_root(child) == s) {
            pci_for_each_device_under_bus(child, fn, scopes);
        }
    }
}

/* --- structures ------------------------------------------------------- */

static void acpi_add_ioapic(GArray *scopes)
{
    const uint8_t entry[SCOPE_IOAPIC_SIZE] = {
        SCOPE_IOAPIC,
        SCOPE_IOAPIC_SIZE,
        0,
        0,
        ACPI_BUILD_IOAPIC_ID,
        VTDM_IOAPIC_BUS,
        PCI_SLOT(VTDM_IOAPIC_DEVFN),
        PCI_FUNC(VTDM_IOAPIC_DEVFN),
    };

    g_array_append_vals(scopes, entry, sizeof(entry));
}

static void acpi_add_drhd(Dmar *t, const VtdModel *s)
{
    g_autoptr(GArray) scopes = g_array_new(false, false, 1);
    bool everything = s == t->all && !s->table.device_scopes;

    if (s == t->all) {
        acpi_add_ioapic(scopes);
    }
    if (!everything) {
        acpi_add_scopes(t, s, acpi_add_function, scopes);
    }
    acpi_put_header(t, DRHD, DRHD_SIZE, scopes);
    acpi_put(t, everything ? DRHD_INCLUDE_PCI_ALL : 0, 1);
    acpi_put(t, 0, 1);                               /* size: 2^0 pages */
    acpi_put(t, SEGMENT, 2);
    acpi_put(t, s->base, 8);
    acpi_put_scopes(t, scopes);
}

/* The unit for everything comes last (8.3). */
static void acpi_add_drhds(Dmar *t)
{
    for (unsigned i = 0; i < t->units; i++) {
        if (t->unit[i] != t->all) {
            acpi_add_drhd(t, t->unit[i]);
        }
    }
    acpi_add_drhd(t, t->all);
}

static void acpi_add_rmrrs(Dmar *t)
{
    const GArray *regions = t->all->table.regions;

    for (unsigned i = 0; regions && i < regions->len; i++) {
        const ImRegion *r = &g_array_index(regions, ImRegion, i);
        g_autoptr(GArray) scopes = g_array_new(false, false, 1);

        acpi_add_functions(r->functions, scopes);
        if (scopes->len) {
            acpi_put_header(t, RMRR, RMRR_SIZE, scopes);
            acpi_put(t, 0, 2);
            acpi_put(t, SEGMENT, 2);
            acpi_put(t, r->first, 8);
            acpi_put(t, r->last, 8);
            acpi_put_scopes(t, scopes);
        }
    }
}

/* Without it Linux uses no ATS behind a root port. */
static void acpi_add_atsr(Dmar *t)
{
    g_autoptr(GArray) ports = g_array_new(false, false, 1);
    bool all = !t->all->table.device_scopes, any = false;

    for (unsigned i = 0; i < t->units; i++) {
        bool has = t->unit[i]->cfg.device_tlb;

        any |= has;
        all &= has;
        if (has) {
            acpi_add_scopes(t, t->unit[i], acpi_add_port, ports);
        }
    }
    if (any) {
        acpi_put_header(t, ATSR, ATSR_SIZE, all ? NULL : ports);
        acpi_put(t, all ? ATSR_ALL_PORTS : 0, 1);
        acpi_put(t, 0, 1);
        acpi_put(t, SEGMENT, 2);
        acpi_put_scopes(t, all ? NULL : ports);
    }
}

static void acpi_add_rhsas(Dmar *t)
{
    for (unsigned i = 0; i < t->units; i++) {
        const VtdModel *s = t->unit[i];

        if (s->table.proximity != VTDM_NO_PROXIMITY) {
            acpi_put_header(t, RHSA, RHSA_SIZE, NULL);
            acpi_put(t, 0, 4);
            acpi_put(t, s->base, 8);
            acpi_put(t, s->table.proximity, 4);
        }
    }
}

static void acpi_add_satcs(Dmar *t)
{
    for (unsigned i = 0; i < ARRAY_SIZE(t->all->table.caches); i++) {
        const GPtrArray *functions = t->all->table.caches[i];
        g_autoptr(GArray) scopes = g_array_new(false, false, 1);

        if (functions) {
            acpi_add_functions(functions, scopes);
            acpi_put_header(t, SATC, SATC_SIZE, scopes);
            acpi_put(t, i ? SATC_ATC_REQUIRED : 0, 1);
            acpi_put(t, 0, 1);
            acpi_put(t, SEGMENT, 2);
            acpi_put_scopes(t, scopes);
        }
    }
}

/* --- the table -------------------------------------------------------- */

static void acpi_add_header(Dmar *t)
{
    unsigned width = 0;

    for (unsigned i = 0; i < t->units; i++) {
        width = MAX(width, t->unit[i]->cfg.haw_bits);
    }
    acpi_put(t, width - 1, 1);
    acpi_put(t,
             (t->all->cfg.intremap ? DMAR_INTR_REMAP : 0) |
                 (t->all->table.x2apic_opt_out ? DMAR_X2APIC_OPT_OUT : 0) |
                 (t->all->table.dma_opt_in ? DMAR_DMA_OPT_IN : 0),
             1);
    acpi_put(t, 0, 8);
    acpi_put(t, 0, 2);
}

bool im_acpi_build_iommu(GArray *table_offsets, GArray *tables_blob,
                         BIOSLinker *linker, MachineState *machine,
                         const char *oem_id, const char *oem_table_id)
{
    AcpiTable table = {
        .sig = "DMAR", .rev = 1, .oem_id = oem_id, .oem_table_id = oem_table_id
    };
    Dmar t = {
        .blob = tables_blob,
        .pcie0 = PC_MACHINE(machine)->pcibus,
        .all = vtdm_main(),
    };
    g_autofree VtdModel **unit = NULL;

    if (!t.all) {
        return false;
    }
    t.units = vtdm_units(&unit);
    t.unit = unit;
    acpi_add_table(table_offsets, tables_blob);
    acpi_table_begin(&table, tables_blob);
    acpi_add_header(&t);
    acpi_add_drhds(&t);
    acpi_add_rmrrs(&t);
    acpi_add_atsr(&t);
    acpi_add_rhsas(&t);
    acpi_add_satcs(&t);
    acpi_table_end(linker, &table);
    return true;
}
