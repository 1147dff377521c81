/*
 * ACPI description of our IOMMUs: VT-d architecture specification, chapter 8.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/acpi/acpi-defs.h"
#include "hw/acpi/aml-build.h"
#include "hw/i386/acpi-common.h"
#include "hw/i386/pc.h"
#include "im-acpi.h"
#include "im-vtd-int.h"

#define DMAR_INTR_REMAP         0x01    /* table flags, 8.1 */
#define DRHD_TYPE               0       /* 8.3 */
#define DRHD_INCLUDE_PCI_ALL    0x01
#define SCOPE_IOAPIC            3       /* 8.3.1 */
#define SCOPE_SIZE              8
#define ATSR_TYPE               2       /* 8.5 */
#define ATSR_ALL_PORTS          0x01

static void append(GArray *table, uint64_t value, int size)
{
    build_append_int_noprefix(table, value, size);
}

/* The unit for everything, and the IOAPIC whose source-id it shall expect. */
static void build_drhd(GArray *table)
{
    append(table, DRHD_TYPE, 2);
    append(table, 16 + SCOPE_SIZE, 2);
    append(table, DRHD_INCLUDE_PCI_ALL, 1);
    append(table, 0, 1);                        /* size: 2^0 pages */
    append(table, 0, 2);                        /* segment */
    append(table, VTDM_MMIO_BASE, 8);

    append(table, SCOPE_IOAPIC, 1);
    append(table, SCOPE_SIZE, 1);
    append(table, 0, 2);
    append(table, ACPI_BUILD_IOAPIC_ID, 1);
    append(table, VTDM_IOAPIC_BUS, 1);
    append(table, PCI_SLOT(VTDM_IOAPIC_DEVFN), 1);
    append(table, PCI_FUNC(VTDM_IOAPIC_DEVFN), 1);
}

/* Without it Linux uses no ATS behind a root port. */
static void build_atsr(GArray *table)
{
    append(table, ATSR_TYPE, 2);
    append(table, 8, 2);
    append(table, ATSR_ALL_PORTS, 1);
    append(table, 0, 1);
    append(table, 0, 2);                        /* segment */
}

bool im_acpi_build_iommu(GArray *table_offsets, GArray *tables_blob,
                         BIOSLinker *linker, MachineState *machine,
                         const char *oem_id, const char *oem_table_id)
{
    AcpiTable table = { .sig = "DMAR", .rev = 1, .oem_id = oem_id,
                        .oem_table_id = oem_table_id };
    VtdModel *s = (VtdModel *)
        object_dynamic_cast(OBJECT(x86_iommu_get_default()), TYPE_VTD_MODEL);

    if (!s) {
        return false;
    }
    acpi_add_table(table_offsets, tables_blob);
    acpi_table_begin(&table, tables_blob);
    append(tables_blob, s->cfg.haw_bits - 1, 1);
    append(tables_blob, s->cfg.intremap ? DMAR_INTR_REMAP : 0, 1);
    for (unsigned i = 0; i < 10; i++) {
        append(tables_blob, 0, 1);
    }
    build_drhd(tables_blob);
    if (s->cfg.device_tlb) {
        build_atsr(tables_blob);
    }
    acpi_table_end(linker, &table);
    return true;
}
