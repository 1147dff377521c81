/*
 * vtd-model: functions and memory that the user names for the DMAR table,
 * VT-d architecture specification, 8.3.1, 8.4 and 8.8.
 *
 *   rmrr=DEVICE[+DEVICE...]@FIRST-LAST[/...]
 *   satc=DEVICE[+DEVICE...]
 *
 * DEVICE is the ID of a -device, or bb:dd.f on a root bus.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/i386/e820_memory_layout.h"
#include "hw/i386/pc.h"
#include "hw/pci/pci_bridge.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "im-vtd-int.h"

#define SCOPE_ENDPOINT      1
#define SCOPE_HIERARCHY     2
#define SCOPE_HEADER        6
#define SCOPE_MAX_DEPTH     ((UINT8_MAX - SCOPE_HEADER) / 2)
#define PAGE                0x1000ull
#define FIRST_MIB           0x100000ull

/* --- scope entries ---------------------------------------------------- */

bool vtdm_append_scope(GArray *bytes, PCIDevice *dev)
{
    uint8_t entry[UINT8_MAX], *path = entry + sizeof(entry);
    unsigned depth = 1;
    PCIDevice *at = dev;

    for (; !pci_bus_is_root(pci_get_bus(at)); depth++) {
        if (depth == SCOPE_MAX_DEPTH) {
            return false;
        }
        *--path = PCI_FUNC(at->devfn);
        *--path = PCI_SLOT(at->devfn);
        at = pci_bridge_get_device(pci_get_bus(at));
    }
    *--path = PCI_FUNC(at->devfn);
    *--path = PCI_SLOT(at->devfn);
    *--path = pci_bus_num(pci_get_bus(at));
    *--path = 0;                                /* enumeration ID */
    *--path = 0;
    *--path = 0;                                /* flags */
    *--path = SCOPE_HEADER + 2 * depth;
    *--path = object_dynamic_cast(OBJECT(dev), TYPE_PCI_BRIDGE)
              ? SCOPE_HIERARCHY : SCOPE_ENDPOINT;
    g_array_append_vals(bytes, path, SCOPE_HEADER + 2 * depth);
    return true;
}

/* --- names of functions ----------------------------------------------- */

static PCIDevice *function_at(const char *text, bool *is_address)
{
    unsigned bus, slot, fn;
    char end;

    if (g_ascii_strncasecmp(text, "0000:", 5) == 0) {
        text += 5;
    }
    *is_address = sscanf(text, "%2x:%2x.%1x%c", &bus, &slot, &fn, &end) == 3 &&
                  slot < PCI_SLOT_MAX && fn < PCI_FUNC_MAX;
    if (!*is_address) {
        return NULL;
    }
    return pci_find_device(PC_MACHINE(qdev_get_machine())->pcibus, bus,
                           PCI_DEVFN(slot, fn));
}

static PCIDevice *function_named(const char *what, const char *text,
                                 Error **errp)
{
    bool is_address;
    PCIDevice *dev = function_at(text, &is_address);

    if (!dev && !is_address) {
        g_autofree char *path = g_strdup_printf("/machine/peripheral/%s",
                                                text);

        dev = (PCIDevice *)object_dynamic_cast(
            object_resolve_path(path, NULL) ?: OBJECT(qdev_get_machine()),
            TYPE_PCI_DEVICE);
    }
    if (!dev) {
        error_setg(errp, TYPE_VTD_MODEL ": %s: '%s': %s", what, text,
                   is_address ? "no such function of a root bus; below a "
                   "bridge the guest gives the numbers: use the device's id="
                   : "no PCI device has this id=, and it is not bb:dd.f");
    }
    return dev;
}

/* Scope entries of DEVICE[+DEVICE...]; check may refuse one. */
static bool read_functions(const char *what, const char *list, GArray *scopes,
                           const char *(*check)(PCIDevice *dev), Error **errp)
{
    g_auto(GStrv) names = g_strsplit(list, "+", -1);

    for (unsigned i = 0; i == 0 || names[i]; i++) {
        const char *name = names[i] ?: "";
        PCIDevice *dev = function_named(what, name, errp);
        const char *why = dev && check ? check(dev) : NULL;

        if (!dev) {
            return false;
        }
        if (!why && !vtdm_append_scope(scopes, dev)) {
            why = "it is behind too many bridges for a scope entry";
        }
        if (why) {
            error_setg(errp, TYPE_VTD_MODEL ": %s: '%s': %s", what, name,
                       why);
            return false;
        }
    }
    return true;
}

/* --- reserved memory -------------------------------------------------- */

static bool in_ram(uint64_t first, uint64_t last)
{
    const X86MachineState *x86 = X86_MACHINE(qdev_get_machine());
    uint64_t high = x86->above_4g_mem_start;

    return (first >= FIRST_MIB && last < x86->below_4g_mem_size) ||
           (first >= high && last - high < x86->above_4g_mem_size);
}

static const char *why_no_region(const VtdModel *s, const VtdRegion *r)
{
    if (r->last <= r->first) {
        return "the last address is not above the first";
    }
    if (r->first % PAGE || (r->last + 1) % PAGE) {
        return "it must begin at a 4 KiB boundary and end before one (8.4)";
    }
    if (!in_ram(r->first, r->last)) {
        return "it is not within the machine's memory above 1 MiB";
    }
    for (unsigned i = 0; i < s->table.regions->len; i++) {
        const VtdRegion *o = &g_array_index(s->table.regions, VtdRegion, i);

        if (r->first <= o->last && o->first <= r->last) {
            return "it overlaps another one; for several devices name them "
                   "before one '@', with '+'";
        }
    }
    return NULL;
}

static bool read_range(const char *text, VtdRegion *r)
{
    const char *end;

    return qemu_strtou64(text, &end, 0, &r->first) == 0 && *end == '-' &&
           qemu_strtou64(end + 1, NULL, 0, &r->last) == 0;
}

static bool read_region(VtdModel *s, const char *text, Error **errp)
{
    g_auto(GStrv) part = g_strsplit(text, "@", 2);
    VtdRegion r = { .scopes = g_array_new(false, false, 1) };
    const char *why;

    if (!part[0] || !part[1] || !read_range(part[1], &r)) {
        why = "expected DEVICE[+DEVICE...]@FIRST-LAST, separated by '/'";
    } else {
        why = why_no_region(s, &r);
    }
    if (why) {
        error_setg(errp, TYPE_VTD_MODEL ": rmrr: '%s': %s", text, why);
    }
    if (why || !read_functions("rmrr", part[0], r.scopes, NULL, errp)) {
        g_array_free(r.scopes, true);
        return false;
    }
    g_array_append_val(s->table.regions, r);
    if (s->table.rmrr_reserved) {
        e820_add_entry(r.first, r.last - r.first + 1, E820_RESERVED);
    }
    return true;
}

static bool read_regions(VtdModel *s, Error **errp)
{
    g_auto(GStrv) texts = g_strsplit(s->table.rmrr, "/", -1);

    s->table.regions = g_array_new(false, false, sizeof(VtdRegion));
    for (unsigned i = 0; i == 0 || texts[i]; i++) {
        if (!read_region(s, texts[i] ?: "", errp)) {
            return false;
        }
    }
    return true;
}

/* --- caches of integrated functions ----------------------------------- */

/* As a guest sees it: a function may answer configuration reads itself. */
static bool has_ats(PCIDevice *dev)
{
    unsigned pos = pci_is_express(dev) ? PCI_CONFIG_SPACE_SIZE : 0;

    while (pos) {
        uint32_t head = dev->config_read(dev, pos, 4);

        if (PCI_EXT_CAP_ID(head) == PCI_EXT_CAP_ID_ATS) {
            return true;
        }
        pos = PCI_EXT_CAP_NEXT(head) > pos ? PCI_EXT_CAP_NEXT(head) : 0;
    }
    return false;
}

static const char *why_no_cache(PCIDevice *dev)
{
    PCIBus *bus = pci_get_bus(dev);

    if (!pci_bus_is_root(bus) ||
        object_dynamic_cast(OBJECT(dev), TYPE_PCI_BRIDGE)) {
        return "SATC is for endpoints on a root bus";
    }
    if (!has_ats(dev)) {
        return "it has no ATS capability";
    }
    if (!vtdm_of_root(bus)->cfg.device_tlb) {
        return "its unit has device-iotlb=off";
    }
    return NULL;
}

bool vtdm_read_table(VtdModel *s, Error **errp)
{
    const struct {
        const char *what, *list;
    } caches[] = {
        { "satc", s->table.satc },
        { "satc-required", s->table.satc_required },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(caches); i++) {
        if (caches[i].list) {
            s->table.caches[i] = g_array_new(false, false, 1);
            if (!read_functions(caches[i].what, caches[i].list,
                                s->table.caches[i], why_no_cache, errp)) {
                return false;
            }
        }
    }
    return !s->table.rmrr || read_regions(s, errp);
}
