/*
 * What a guest will stumble over, told when the machine is complete.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "exec/address-spaces.h"
#include "hw/boards.h"
#include "hw/mem/memory-device.h"
#include "hw/pci/pci_bridge.h"
#include "hw/pci/pcie.h"
#include "qemu/error-report.h"
#include "im-advice.h"
#include "im-options.h"

void im_advice_options(const ImUnit *u, const ImAdvice *rows, unsigned n,
                       const void *config)
{
    for (unsigned i = 0; i < n; i++) {
        if (rows[i].holds(config)) {
            warn_report("%s: %s", u->id, rows[i].text);
        }
    }
}

/* --- memory ----------------------------------------------------------- */

static bool advice_end_of_ram(Int128 start, Int128 len, const MemoryRegion *mr,
                              hwaddr offset, void *opaque)
{
    uint64_t *last = opaque;

    if (mr->ram && !mr->ram_device && !mr->readonly) {
        *last = MAX(*last, int128_get64(start) + int128_get64(len) - 1);
    }
    return false;
}

static uint64_t advice_last_of_memory(void)
{
    const DeviceMemoryState *dm = current_machine->device_memory;
    ram_addr_t more = current_machine->maxram_size - current_machine->ram_size;
    uint64_t last = 0;

    RCU_READ_LOCK_GUARD();
    flatview_for_each_range(address_space_to_flatview(&address_space_memory),
                            advice_end_of_ram, &last);
    return dm && more ? MAX(last, dm->base + more - 1) : last;
}

void im_advice_memory(const ImUnit *u, unsigned bits, const char *option)
{
    uint64_t last = advice_last_of_memory();

    if (last >> bits) {
        warn_report("%s: memory reaches 0x%" PRIx64 ", and no DMA what is "
                    "beyond %s=%u: use a larger %s, or less memory",
                    u->id, last, option, bits, option);
    }
}

/* --- PCI functions ----------------------------------------------------- */

typedef struct Walk {
    const ImUnit *u;
    void (*each)(PCIDevice *dev, void *opaque);
    void *opaque;
} Walk;

/* A root bus without a unit of its own belongs to the one for every root. */
static bool advice_serves(const ImUnit *u, const PCIDevice *dev)
{
    const PCIBus *root = pci_device_root_bus(dev);

    return root->iommu_ops ? root->iommu_opaque == u : u->every_root;
}

static int advice_visit(Object *obj, void *opaque)
{
    const Walk *w = opaque;
    PCIDevice *dev = (PCIDevice *)object_dynamic_cast(obj, TYPE_PCI_DEVICE);

    if (dev && DEVICE(dev)->realized && !IS_PCI_BRIDGE(dev) &&
        advice_serves(w->u, dev)) {
        w->each(dev, w->opaque);
    }
    return 0;
}

static void advice_each_function(const ImUnit *u,
                                 void (*each)(PCIDevice *dev, void *opaque),
                                 void *opaque)
{
    Walk w = { u, each, opaque };

    object_child_foreach_recursive(object_get_root(), advice_visit, &w);
}

/* The bridge whose requester ID a function's requests carry, or NULL. */
static PCIDevice *advice_alias_of(PCIDevice *dev)
{
    const PCIReqIDCache *id = &dev->requester_id_cache;

    return id->type == PCI_REQ_ID_SECONDARY_BUS ?
               pci_get_bus(id->dev)->parent_dev :
           id->dev != dev ? id->dev :
                            NULL;
}

/* A PCIe-to-PCI bridge has the ID of device 0, function 0 of its bus. */
static bool advice_has_own_id(const PCIDevice *dev)
{
    const PCIReqIDCache *id = &dev->requester_id_cache;

    return id->type == PCI_REQ_ID_SECONDARY_BUS && id->dev == dev &&
           !dev->devfn;
}

/* A bridge, and the names of the functions behind it. */
typedef struct Aliased {
    PCIDevice *bridge;
    GPtrArray *names;
    unsigned strangers;         /* whose ID the bridge's is not */
} Aliased;

static void advice_add_aliased(PCIDevice *dev, void *opaque)
{
    GArray *all = opaque;
    Aliased new = { .bridge = advice_alias_of(dev) };
    unsigned i = 0;

    if (!new.bridge) {
        return;
    }
    while (i < all->len &&
           g_array_index(all, Aliased, i).bridge != new.bridge) {
        i++;
    }
    if (i == all->len) {
        new.names = g_ptr_array_new();
        g_array_append_val(all, new);
    }
    g_ptr_array_add(g_array_index(all, Aliased, i).names,
                    (void *)im_name_of(OBJECT(dev)));
    g_array_index(all, Aliased, i).strangers += !advice_has_own_id(dev);
}

static gint advice_by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void im_advice_bridges(const ImUnit *u, bool shared, const char *text)
{
    g_autoptr(GArray) all = g_array_new(false, false, sizeof(Aliased));

    advice_each_function(u, advice_add_aliased, all);
    for (unsigned i = 0; i < all->len; i++) {
        const Aliased *a = &g_array_index(all, Aliased, i);

        if (shared ? a->names->len > 1 : a->strangers > 0) {
            g_autofree char *list = NULL;

            g_ptr_array_sort(a->names, advice_by_text);
            g_ptr_array_add(a->names, NULL);
            list = g_strjoinv(", ", (char **)a->names->pdata);
            warn_report("%s: %s behind the conventional bridge %s: %s", u->id,
                        list, im_name_of(OBJECT(a->bridge)), text);
        }
        g_ptr_array_unref(a->names);
    }
}

/* --- PASID and ACS ------------------------------------------------------ */

static bool advice_one_of_several(const PCIDevice *dev)
{
    return PCI_FUNC(dev->devfn) ||
           (dev->cap_present & QEMU_PCI_CAP_MULTIFUNCTION);
}

/* Whether Linux looks for ACS there before it enables PASID. */
static bool advice_needs_acs(PCIDevice *dev)
{
    uint8_t type = pcie_cap_get_type(dev);

    return type == PCI_EXP_TYPE_ROOT_PORT || type == PCI_EXP_TYPE_DOWNSTREAM ||
           advice_one_of_several(dev);
}

static void advice_tell_pasid(const ImUnit *u, PCIDevice *dev, PCIDevice *lacks)
{
    const char *name = im_name_of(OBJECT(dev));

    if (lacks == dev) {
        warn_report("%s: %s is one of several functions and has no ACS "
                    "capability, and Linux enables no PASID in it: leave "
                    "acs=off out",
                    u->id, name);
    } else {
        warn_report("%s: %s is below the port %s, which has no ACS capability, "
                    "and Linux enables no PASID there: use pcie-root-port "
                    "without disable-acs",
                    u->id, name, im_name_of(OBJECT(lacks)));
    }
}

static void advice_check_pasid(PCIDevice *dev, void *opaque)
{
    PCIDevice *d = dev;

    if (!pci_pasid_has_ecap(dev, PCI_EXT_CAP_ID_PASID)) {
        return;
    }
    while (
        d && pci_is_express(d) &&
        (!advice_needs_acs(d) || pci_pasid_has_ecap(d, PCI_EXT_CAP_ID_ACS))) {
        d = pci_get_bus(d)->parent_dev;
    }
    if (d && pci_is_express(d)) {
        advice_tell_pasid(opaque, dev, d);
    }
}

void im_advice_pasid(const ImUnit *u)
{
    advice_each_function(u, advice_check_pasid, (void *)u);
}
