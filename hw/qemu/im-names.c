/*
 * Buses, functions and memory that the user names in a property.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/boards.h"
#include "hw/pci/pci_bus.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "im-names.h"

/* --- buses ------------------------------------------------------------ */

typedef struct FindBus {
    const char *name;
    PCIBus *found;
} FindBus;

static int names_match_bus(Object *obj, void *opaque)
{
    FindBus *f = opaque;

    if (object_dynamic_cast(obj, TYPE_PCI_BUS) &&
        g_strcmp0(BUS(obj)->name, f->name) == 0 &&
        (!f->found || pci_bus_is_root(PCI_BUS(obj)))) {
        f->found = PCI_BUS(obj);
    }
    return 0;
}

PCIBus *im_names_bus(const char *name)
{
    FindBus f = { .name = name };

    object_child_foreach_recursive(object_get_root(), names_match_bus, &f);
    return f.found;
}

/* --- functions -------------------------------------------------------- */

static PCIDevice *names_function_at(const ImNames *n, const char *text,
                                    bool *is_address)
{
    unsigned bus, slot, fn;
    char end;

    if (g_str_has_prefix(text, "0000:")) {
        text += 5;
    }
    *is_address = sscanf(text, "%2x:%2x.%1x%c", &bus, &slot, &fn, &end) == 3 &&
                  slot < PCI_SLOT_MAX && fn < PCI_FUNC_MAX;
    return *is_address ? pci_find_device(n->pcie0, bus, PCI_DEVFN(slot, fn)) :
                         NULL;
}

static PCIDevice *names_function_named(const ImNames *n, const char *text,
                                       Error **errp)
{
    bool is_address;
    PCIDevice *dev = names_function_at(n, text, &is_address);

    if (!dev && !is_address) {
        g_autofree char *path = g_strdup_printf("/machine/peripheral/%s", text);
        Object *obj = object_resolve_path(path, NULL);

        dev = obj ? (PCIDevice *)object_dynamic_cast(obj, TYPE_PCI_DEVICE) :
                    NULL;
    }
    if (!dev) {
        error_setg(
            errp, "%s: %s: '%s': %s", n->device, n->property, text,
            is_address ?
                "no such function of a root bus; below a "
                "bridge the guest gives the numbers: use the device's id=" :
                "no PCI device has this id=, and it is not bb:dd.f");
    }
    return dev;
}

static GPtrArray *names_read_functions(const ImNames *n, const char *list,
                                       Error **errp)
{
    g_autoptr(GPtrArray) functions =
        g_ptr_array_new_with_free_func((GDestroyNotify)object_unref);
    g_auto(GStrv) names = g_strsplit(list, "+", -1);

    for (unsigned i = 0; i == 0 || names[i]; i++) {
        const char *name = names[i] ?: "";
        PCIDevice *dev = names_function_named(n, name, errp);
        const char *why = !dev ? NULL :
                          g_ptr_array_find(functions, dev, NULL) ?
                                 "it is named twice" :
                          n->why_not ? n->why_not(dev, n->opaque) :
                                       NULL;

        if (why) {
            error_setg(errp, "%s: %s: '%s': %s", n->device, n->property, name,
                       why);
        }
        if (!dev || why) {
            return NULL;
        }
        g_ptr_array_add(functions, object_ref(OBJECT(dev)));
    }
    return g_steal_pointer(&functions);
}

GPtrArray *im_names_functions(const ImNames *n, Error **errp)
{
    return names_read_functions(n, n->list, errp);
}

/* --- regions ---------------------------------------------------------- */

static bool names_read_range(const char *text, ImRegion *r)
{
    const char *end;

    return qemu_strtou64(text, &end, 0, &r->first) == 0 && *end == '-' &&
           qemu_strtou64(end + 1, NULL, 0, &r->last) == 0;
}

static bool names_overlaps(const GArray *regions, const ImRegion *r)
{
    for (unsigned i = 0; i < regions->len; i++) {
        const ImRegion *o = &g_array_index(regions, ImRegion, i);

        if (r->first <= o->last && o->first <= r->last) {
            return true;
        }
    }
    return false;
}

/* What is wrong with a range; g_free() it. NULL: nothing. */
static char *names_why_no_region(const ImNames *n, const GArray *regions,
                                 const ImRegion *r)
{
    if (r->last <= r->first) {
        return g_strdup("the last address is not above the first");
    }
    if (r->first % n->granule || (r->last + 1) % n->granule) {
        return g_strdup_printf("it must begin at a boundary of %" PRIu64
                               " KiB and end before one",
                               n->granule >> 10);
    }
    if (!n->in_memory(r->first, r->last)) {
        return g_strdup_printf("it is not within %s", n->memory);
    }
    if (names_overlaps(regions, r)) {
        return g_strdup("it overlaps another one; several devices of one "
                        "are joined by '+' before its '@'");
    }
    return NULL;
}

static bool names_read_region(const ImNames *n, const char *text,
                              GArray *regions, Error **errp)
{
    g_auto(GStrv) part = g_strsplit(text, "@", 2);
    g_autofree char *why = NULL;
    ImRegion r = { 0 };

    if (!part[0] || !part[1] || !names_read_range(part[1], &r)) {
        why = g_strdup("expected DEVICE[+DEVICE...]@FIRST-LAST, and '/' "
                       "between several");
    } else {
        why = names_why_no_region(n, regions, &r);
    }
    if (why) {
        error_setg(errp, "%s: %s: '%s': %s", n->device, n->property, text, why);
        return false;
    }
    r.functions = names_read_functions(n, part[0], errp);
    if (!r.functions) {
        return false;
    }
    g_array_append_val(regions, r);
    return true;
}

static void names_clear_region(gpointer region)
{
    g_ptr_array_unref(((ImRegion *)region)->functions);
}

GArray *im_names_regions(const ImNames *n, Error **errp)
{
    g_autoptr(GArray) regions = g_array_new(false, false, sizeof(ImRegion));
    g_auto(GStrv) texts = g_strsplit(n->list, "/", -1);

    g_array_set_clear_func(regions, names_clear_region);
    for (unsigned i = 0; i == 0 || texts[i]; i++) {
        if (!names_read_region(n, texts[i] ?: "", regions, errp)) {
            return NULL;
        }
    }
    return g_steal_pointer(&regions);
}
