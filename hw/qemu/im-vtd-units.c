/*
 * vtd-model: several units. One is the machine's IOMMU and covers what the
 * others do not, with the IOAPIC; each of the others serves one root bus.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/i386/pc.h"
#include "qapi/error.h"
#include "im-names.h"
#include "im-vtd-int.h"
#include "im-vtd-pc.h"

bool im_vtd_pre_plug(DeviceState *dev, DeviceState *iommu, Error **errp)
{
    VtdModel *s = (VtdModel *)object_dynamic_cast(OBJECT(dev), TYPE_VTD_MODEL);

    if (s && s->primary_bus) {
        return true;
    }
    if (s && iommu && object_dynamic_cast(OBJECT(iommu), TYPE_VTD_MODEL)) {
        error_setg(errp,
                   "%s: the machine has multiple units for everything: "
                   "give one primary-bus=ID of a pxb-pcie",
                   im_name_of(OBJECT(dev)));
        return true;
    }
    return false;
}

VtdModel *vtdm_main(void)
{
    return (VtdModel *)object_dynamic_cast(OBJECT(x86_iommu_get_default()),
                                           TYPE_VTD_MODEL);
}

static int vtdm_units_collect(Object *obj, void *opaque)
{
    VtdModel *s = (VtdModel *)object_dynamic_cast(obj, TYPE_VTD_MODEL);

    if (s && s->unit.root) {
        g_ptr_array_add(opaque, s);
    }
    return 0;
}

static int vtdm_units_by_base(gconstpointer a, gconstpointer b)
{
    const VtdModel *x = *(VtdModel **)a, *y = *(VtdModel **)b;

    return x->base < y->base ? -1 : x->base > y->base;
}

unsigned vtdm_units(VtdModel ***units)
{
    GPtrArray *all = g_ptr_array_new();
    unsigned n;

    object_child_foreach_recursive(object_get_root(), vtdm_units_collect, all);
    g_ptr_array_sort(all, vtdm_units_by_base);
    n = all->len;
    *units = (VtdModel **)g_ptr_array_free(all, n == 0);
    return n;
}

/* --- where a unit is ---------------------------------------------------- */

static PCIBus *vtdm_units_find_root(VtdModel *s, PCIBus *pcie0, Error **errp)
{
    PCIBus *bus;
    const char *why;

    if (!s->primary_bus) {
        return pcie0;
    }
    bus = im_names_bus(s->primary_bus);
    why = !bus ? "there is no PCI bus of this name, or not yet" :
          !pci_bus_is_root(bus) ? "it is no root bus" :
          bus == pcie0          ? "the unit without primary-bus has it" :
                                  NULL;
    if (why) {
        error_setg(errp,
                   "%s: primary-bus=%s: %s; name a pxb-pcie that was "
                   "given before",
                   im_name_of(OBJECT(s)), s->primary_bus, why);
        return NULL;
    }
    return bus;
}

PCIBus *vtdm_place(VtdModel *s, Error **errp)
{
    g_autofree VtdModel **unit = NULL;
    unsigned n = vtdm_units(&unit), place = 0;

    if (s->primary_bus) {
        for (unsigned i = 0; i < n; i++) {
            place += unit[i]->primary_bus != NULL;
        }
        if (++place == VTDM_MAX_UNITS) {
            error_setg(errp, "%s: primary-bus=%s: there is room for %d units",
                       im_name_of(OBJECT(s)), s->primary_bus, VTDM_MAX_UNITS);
            return NULL;
        }
    }
    s->base = VTDM_MMIO_BASE + place * IM_VTD_MMIO_SIZE;
    return vtdm_units_find_root(s, PC_MACHINE(qdev_get_machine())->pcibus,
                                errp);
}

/* --- whose a function is ------------------------------------------------ */

VtdModel *vtdm_of_root(PCIBus *root)
{
    g_autofree VtdModel **unit = NULL;
    unsigned n = vtdm_units(&unit);

    for (unsigned i = 0; i < n; i++) {
        if (unit[i]->unit.root == root) {
            return unit[i];
        }
    }
    return vtdm_main();
}

VtdModel *vtdm_of_rid(uint16_t rid)
{
    g_autofree VtdModel **unit = NULL;
    unsigned n = vtdm_units(&unit);

    for (unsigned i = 0; i < n; i++) {
        int first, last;

        if (unit[i]->primary_bus) {
            pci_bus_range(unit[i]->unit.root, &first, &last);
            if (rid >> 8 >= first && rid >> 8 <= last) {
                return unit[i];
            }
        }
    }
    return vtdm_main();
}

/* --- what the DMAR table can say -------------------------------------- */

static bool vtdm_units_check_unit(const VtdModel *s, const VtdModel *all,
                                  Error **errp)
{
    const VtdTable *t = &s->table;

    if (t->device_scopes || t->x2apic_opt_out || t->dma_opt_in || t->rmrr ||
        t->satc || t->satc_required || !t->rmrr_reserved) {
        error_setg(errp,
                   "%s: primary-bus=%s: device-scopes, x2apic-opt-out, "
                   "dma-opt-in, rmrr, rmrr-reserved, satc and satc-required "
                   "are for the unit without primary-bus, which describes the "
                   "platform",
                   im_name_of(OBJECT(s)), s->primary_bus);
        return false;
    }
    if (s->cfg.intremap != all->cfg.intremap) {
        error_setg(errp,
                   "%s: primary-bus=%s has intremap=%s, the unit "
                   "without primary-bus intremap=%s: it must be the same, the "
                   "DMAR table has one flag for all",
                   im_name_of(OBJECT(s)), s->primary_bus,
                   s->cfg.intremap ? "on" : "off",
                   all->cfg.intremap ? "on" : "off");
        return false;
    }
    if ((t->proximity == VTDM_NO_PROXIMITY) !=
        (all->table.proximity == VTDM_NO_PROXIMITY)) {
        error_setg(errp,
                   "%s: proximity is given for some units only: give it "
                   "for all or none",
                   im_name_of(OBJECT(s)));
        return false;
    }
    return true;
}

bool vtdm_check_units(Error **errp)
{
    g_autofree VtdModel **unit = NULL;
    unsigned n = vtdm_units(&unit);
    unsigned nodes = MACHINE(qdev_get_machine())->numa_state->num_nodes;
    const VtdModel *all = vtdm_main();

    for (unsigned i = 0; i < n; i++) {
        uint32_t proximity = unit[i]->table.proximity;

        if (!all) {
            error_setg(errp,
                       "%s: primary-bus=%s: another " TYPE_VTD_MODEL
                       " without primary-bus is missing, for everything else",
                       im_name_of(OBJECT(unit[i])), unit[i]->primary_bus);
            return false;
        }
        if (unit[i] != all && !vtdm_units_check_unit(unit[i], all, errp)) {
            return false;
        }
        if (proximity != VTDM_NO_PROXIMITY && proximity >= nodes) {
            error_setg(errp,
                       "%s: proximity=%u: the machine has %u NUMA "
                       "nodes, see -numa",
                       im_name_of(OBJECT(unit[i])), proximity, nodes);
            return false;
        }
    }
    return true;
}
