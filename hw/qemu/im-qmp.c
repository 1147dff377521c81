/*
 * Commands that look inside: which devices, and x-im-dump, x-im-counters.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/qdev-core.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-im.h"
#include "qapi/type-helpers.h"
#include "qemu/ctype.h"
#include "qemu/cutils.h"
#include "im-qmp.h"

/* --- which devices ---------------------------------------------------- */

typedef struct Each {
    ImqDeviceFn *fn;
    void *opaque;
    bool iommu;
    unsigned found;
    unsigned in_guest;
    Object *last;               /* in the guest, if any is */
} Each;

static int qmp_each_one(Object *obj, void *opaque)
{
    Each *e = opaque;
    ImModelClass *mc;

    if (!object_dynamic_cast(obj, TYPE_IM_MODEL)) {
        return 0;
    }
    if (object_dynamic_cast(obj, TYPE_DEVICE) &&
        !qdev_is_realized(DEVICE(obj))) {
        return 0;
    }
    mc = IM_MODEL_GET_CLASS(obj);
    if (!e->iommu || mc->explain) {
        e->found++;
        if (mc->in_guest || !e->in_guest) {
            e->last = obj;
        }
        e->in_guest += mc->in_guest;
        if (e->fn) {
            e->fn(obj, mc, e->opaque);
        }
    }
    return 0;
}

static void qmp_add_name(Object *obj, ImModelClass *mc, void *opaque)
{
    const DeviceState *dev = (DeviceState *)object_dynamic_cast(obj,
                                                                TYPE_DEVICE);
    g_autofree char *path = object_get_canonical_path(obj);
    const char *id = dev ? dev->id : object_get_canonical_path_component(obj);
    GString *names = opaque;

    g_string_append_printf(names, "%s%s", names->len ? ", " : "", id ?: path);
}

/* What could be named. */
static char *qmp_names(bool iommu)
{
    GString *list = g_string_new(NULL);
    Each e = { .fn = qmp_add_name, .opaque = list, .iommu = iommu };

    object_child_foreach_recursive(object_get_root(), qmp_each_one, &e);
    return g_string_free(list, false);
}

/* An ID or a QOM path, as in device_del. */
static Object *qmp_named(const char *device, bool iommu, Error **errp)
{
    g_autofree char *by_id = g_strdup_printf("/machine/peripheral/%s", device);
    g_autofree char *object = g_strdup_printf("/objects/%s", device);
    g_autofree char *known = qmp_names(iommu);
    Object *obj = object_resolve_path(device[0] == '/' ? device : by_id, NULL);

    if (!obj) {
        obj = object_resolve_path(object, NULL);
    }
    if (!obj || !object_dynamic_cast(obj, TYPE_IM_MODEL) ||
        (iommu && !IM_MODEL_GET_CLASS(obj)->explain)) {
        error_setg(errp, "'%s' is no IOMMU%s of ours, as these are: %s", device,
                   iommu ? "" : " or endpoint", *known ? known : "none");
        return NULL;
    }
    return obj;
}

bool imq_for_each(const char *device, bool iommu, ImqDeviceFn *fn, void *opaque,
                  Error **errp)
{
    Each e = { .fn = fn, .opaque = opaque, .iommu = iommu };

    if (device) {
        Object *obj = qmp_named(device, iommu, errp);

        if (obj) {
            qmp_each_one(obj, &e);
        }
        return obj != NULL;
    }
    object_child_foreach_recursive(object_get_root(), qmp_each_one, &e);
    return true;
}

Object *imq_the_iommu(const char *device, Error **errp)
{
    Each e = { .iommu = true };

    if (device) {
        return qmp_named(device, true, errp);
    }
    object_child_foreach_recursive(object_get_root(), qmp_each_one, &e);
    /* numbers are the guest's, unless a host is named */
    if (e.found > 1 && e.in_guest != 1) {
        g_autofree char *known = qmp_names(true);

        error_setg(errp, "there are several IOMMUs: name one by device: %s",
                   known);
        return NULL;
    }
    if (!e.found) {
        error_setg(errp, "there is no IOMMU of ours");
        return NULL;
    }
    return e.last;
}

/* --- texts ------------------------------------------------------------ */

void imq_clause(ImClause clause, char **tag, char **section, char **title)
{
    const ImClauseRow *row = im_clause(clause);

    if (row) {
        *tag = g_strdup(row->tag);
        *section = g_strdup_printf("%s, %s", row->document, row->section);
        *title = g_strdup(row->title);
    }
}

char *imq_requester_text(uint16_t segment, uint16_t rid)
{
    g_autofree char *bdf = g_strdup_printf("%02x:%02x.%x", rid >> 8,
                                           rid >> 3 & 31, rid & 7);

    return segment ? g_strdup_printf("%04x:%s", segment, bdf) :
                     g_steal_pointer(&bdf);
}

bool imq_number(const char *text, uint64_t max, uint64_t *value)
{
    return qemu_isdigit(text[0]) && qemu_strtou64(text, NULL, 0, value) == 0 &&
           *value <= max;
}

strList *imq_words(const uint64_t *word, unsigned n)
{
    strList *list = NULL, **tail = &list;

    for (unsigned i = 0; i < n; i++) {
        QAPI_LIST_APPEND(tail, g_strdup_printf("0x%016" PRIx64, word[i]));
    }
    return list;
}

void imq_reason_text(ImModelClass *mc, uint8_t reason, char **name, char **text)
{
    const char *words = NULL;

    *name = g_strdup(mc->fault_name(reason, &words));
    *text = g_strdup(words);
}

/* --- dump and counters ------------------------------------------------ */

static void qmp_dump_one(Object *obj, ImModelClass *mc, void *opaque)
{
    GString *out = opaque;
    g_autofree char *path = object_get_canonical_path(obj);

    g_string_append_printf(out, "%s (%s)\n", path, object_get_typename(obj));
    mc->dump(obj, out);
    g_string_append_c(out, '\n');
}

HumanReadableText *qmp_x_im_dump(const char *device, Error **errp)
{
    g_autoptr(GString) out = g_string_new(NULL);

    if (!imq_for_each(device, false, qmp_dump_one, out, errp)) {
        return NULL;
    }
    return human_readable_text_from_str(out);
}

static void qmp_add_counter(void *opaque, const char *name, uint64_t value)
{
    XImCounterList ***tail = opaque;
    XImCounter *c = g_new(XImCounter, 1);

    *c = (XImCounter) { .name = g_strdup(name), .value = value };
    QAPI_LIST_APPEND(*tail, c);
}

static void qmp_counters_one(Object *obj, ImModelClass *mc, void *opaque)
{
    XImCountersList ***tail = opaque;
    XImCounters *c = g_new0(XImCounters, 1);
    XImCounterList **counters = &c->counters;

    c->device = object_get_canonical_path(obj);
    c->type = g_strdup(object_get_typename(obj));
    mc->counters(obj, qmp_add_counter, &counters);
    QAPI_LIST_APPEND(*tail, c);
}

XImCountersList *qmp_x_im_counters(const char *device, Error **errp)
{
    XImCountersList *list = NULL, **tail = &list;

    imq_for_each(device, false, qmp_counters_one, &tail, errp);
    return list;
}

/* --- life ------------------------------------------------------------- */

static const TypeInfo im_model_info = {
    .name = TYPE_IM_MODEL,
    .parent = TYPE_INTERFACE,
    .class_size = sizeof(ImModelClass),
};

static void im_model_register_types(void)
{
    type_register_static(&im_model_info);
    imq_hmp_init();
}

type_init(im_model_register_types)
