/*
 * x-im-explain, x-im-dump, x-im-counters, x-im-faults, and "info x-im".
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/qdev-core.h"
#include "monitor/monitor.h"
#include "monitor/qdev.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-im.h"
#include "qapi/type-helpers.h"
#include "qemu/cutils.h"
#include "qobject/qdict.h"
#include "im-model.h"

/* --- which devices ---------------------------------------------------- */

typedef void DeviceFn(Object *obj, ImModelClass *mc, void *opaque);

typedef struct Each {
    DeviceFn *fn;
    void *opaque;
    bool iommu;
    unsigned found;
    Object *last;
} Each;

static int each_one(Object *obj, void *opaque)
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
        e->last = obj;
        if (e->fn) {
            e->fn(obj, mc, e->opaque);
        }
    }
    return 0;
}

/* An ID or a QOM path, as in device_del. */
static Object *named(const char *device, bool iommu, Error **errp)
{
    g_autofree char *by_id = g_strdup_printf("/machine/peripheral/%s",
                                             device);
    g_autofree char *object = g_strdup_printf("/objects/%s", device);
    Object *obj = object_resolve_path(device[0] == '/' ? device : by_id,
                                      NULL);

    if (!obj) {
        obj = object_resolve_path(object, NULL);
    }

    if (!obj || !object_dynamic_cast(obj, TYPE_IM_MODEL)) {
        error_setg(errp, "'%s' is no IOMMU or endpoint of ours", device);
        return NULL;
    }
    if (iommu && !IM_MODEL_GET_CLASS(obj)->explain) {
        error_setg(errp, "'%s' is no IOMMU", device);
        return NULL;
    }
    return obj;
}

static bool for_each(const char *device, bool iommu, DeviceFn *fn,
                     void *opaque, Error **errp)
{
    Each e = { .fn = fn, .opaque = opaque, .iommu = iommu };

    if (device) {
        Object *obj = named(device, iommu, errp);

        if (obj) {
            each_one(obj, &e);
        }
        return obj != NULL;
    }
    object_child_foreach_recursive(object_get_root(), each_one, &e);
    return true;
}

static Object *the_iommu(const char *device, Error **errp)
{
    Each e = { .iommu = true };

    if (device) {
        return named(device, true, errp);
    }
    object_child_foreach_recursive(object_get_root(), each_one, &e);
    if (e.found != 1) {
        error_setg(errp, e.found ? "there are several IOMMUs: name one"
                                 : "there is no IOMMU of ours");
        return NULL;
    }
    return e.last;
}

/* --- explain ---------------------------------------------------------- */

static bool parse_requester(const char *text, uint16_t *rid, Error **errp)
{
    unsigned bus, dev, fn, number;
    char end;

    if (sscanf(text, "%2x:%2x.%1x%c", &bus, &dev, &fn, &end) == 3 &&
        dev < 32 && fn < 8) {
        *rid = bus << 8 | dev << 3 | fn;
        return true;
    }
    if (qemu_strtoui(text, NULL, 0, &number) == 0 && number <= UINT16_MAX) {
        *rid = number;
        return true;
    }
    error_setg(errp, "requester '%s' is neither bb:dd.f nor a number below "
               "65536", text);
    return false;
}

static void add_step(void *opaque, const ImStep *step)
{
    XImStepList ***tail = opaque;
    XImStep *s = g_new0(XImStep, 1);
    uint64List **values = &s->values;

    s->what = g_strdup(step->what ?: "");
    s->has_address = step->words > 0;
    s->address = step->addr;
    for (unsigned i = 0; i < MIN(step->words, ARRAY_SIZE(step->value)); i++) {
        QAPI_LIST_APPEND(values, step->value[i]);
    }
    s->clause = g_strdup(step->clause);
    s->note = g_strdup(step->note);
    QAPI_LIST_APPEND(*tail, s);
}

static char *permission_text(unsigned perm)
{
    return g_strdup_printf("%s%s%s", perm & IM_PERM_R ? "r" : "",
                           perm & IM_PERM_W ? "w" : "",
                           perm & IM_PERM_X ? "x" : "");
}

static void reason_text(ImModelClass *mc, uint8_t reason, char **name,
                        char **text)
{
    const char *words = NULL;

    *name = g_strdup(mc->fault_name ? mc->fault_name(reason, &words) : NULL);
    *text = g_strdup(words);
}

static void fill_answer(XImExplanation *e, ImModelClass *mc, const ImXlat *x)
{
    static const char *const cpl[] = { "SC", "UR", "CA" };

    e->granted = x->status == IM_OK && (x->perm || x->interrupt);
    e->completion = g_strdup(x->cpl < ARRAY_SIZE(cpl) ? cpl[x->cpl] : "?");
    e->interrupt = x->interrupt;
    if (e->granted) {
        e->has_address = e->has_mask = true;
        e->address = x->addr;
        e->mask = x->mask;
        e->permission = permission_text(x->perm);
    }
    if (x->fault) {
        e->has_reason = true;
        e->reason = x->fault;
        reason_text(mc, x->fault, &e->name, &e->text);
    }
}

XImExplanation *qmp_x_im_explain(const char *device, const char *requester,
                                 bool has_pasid, uint32_t pasid,
                                 uint64_t address, bool has_access,
                                 XImAccess access, bool has_at, XImAt at,
                                 bool has_privileged, bool privileged,
                                 Error **errp)
{
    static const uint8_t accesses[] = {
        [XIM_ACCESS_READ] = IM_READ, [XIM_ACCESS_WRITE] = IM_WRITE,
        [XIM_ACCESS_ATOMIC] = IM_ATOMIC,
    };
    ImTxn txn = {
        .addr = address, .len = 1, .pasid = pasid, .has_pasid = has_pasid,
        .access = has_access ? accesses[access] : IM_READ,
        .at = has_at ? (uint8_t)at : IM_AT_UNTRANSLATED,
        .priv = has_privileged && privileged,
    };
    Object *obj = the_iommu(device, errp);
    XImExplanation *e;
    XImStepList **tail;
    ImXlat x;

    if (!obj || !parse_requester(requester, &txn.rid, errp)) {
        return NULL;
    }
    if (txn.priv && !has_pasid) {
        error_setg(errp, "privileged=true needs a pasid");
        return NULL;
    }
    e = g_new0(XImExplanation, 1);
    tail = &e->steps;
    e->device = object_get_canonical_path(obj);
    e->requester = txn.rid;
    x = IM_MODEL_GET_CLASS(obj)->explain(obj, &txn, add_step, &tail);
    fill_answer(e, IM_MODEL_GET_CLASS(obj), &x);
    return e;
}

/* --- dump and counters ------------------------------------------------ */

static void dump_one(Object *obj, ImModelClass *mc, void *opaque)
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

    if (!for_each(device, false, dump_one, out, errp)) {
        return NULL;
    }
    return human_readable_text_from_str(out);
}

static void add_counter(void *opaque, const char *name, uint64_t value)
{
    XImCounterList ***tail = opaque;
    XImCounter *c = g_new(XImCounter, 1);

    *c = (XImCounter) { .name = g_strdup(name), .value = value };
    QAPI_LIST_APPEND(*tail, c);
}

static void counters_one(Object *obj, ImModelClass *mc, void *opaque)
{
    XImCountersList ***tail = opaque;
    XImCounters *c = g_new0(XImCounters, 1);
    XImCounterList **counters = &c->counters;

    c->device = object_get_canonical_path(obj);
    c->type = g_strdup(object_get_typename(obj));
    mc->counters(obj, add_counter, &counters);
    QAPI_LIST_APPEND(*tail, c);
}

XImCountersList *qmp_x_im_counters(const char *device, Error **errp)
{
    XImCountersList *list = NULL, **tail = &list;

    for_each(device, false, counters_one, &tail, errp);
    return list;
}

/* --- faults ----------------------------------------------------------- */

void imq_fault_log_add(ImFaultLog *log, const ImFaultNote *note)
{
    ImFaultNote *n = &log->note[log->count % IM_FAULT_NOTES];

    *n = *note;
    n->seq = ++log->count;
}

static XImFault *fault_of(const char *path, ImModelClass *mc,
                          const ImFaultNote *n)
{
    XImFault *f = g_new0(XImFault, 1);

    f->device = g_strdup(path);
    f->sequence = n->seq;
    f->time = n->time;
    f->what = g_strdup(n->what);
    f->requester = n->txn.rid;
    f->has_pasid = n->txn.has_pasid;
    f->pasid = n->txn.pasid;
    f->address = n->txn.addr;
    f->access = n->txn.access == IM_READ ? XIM_ACCESS_READ :
                n->txn.access == IM_ATOMIC ? XIM_ACCESS_ATOMIC :
                XIM_ACCESS_WRITE;
    f->at = MIN(n->txn.at, XIM_AT_TRANSLATED);
    f->privileged = n->txn.priv;
    f->interrupt = n->interrupt;
    f->reason = n->reason;
    reason_text(mc, n->reason, &f->name, &f->text);
    return f;
}

static void faults_one(Object *obj, ImModelClass *mc, void *opaque)
{
    XImFaultList ***tail = opaque;
    g_autofree char *path = object_get_canonical_path(obj);
    g_autofree ImFaultLog *log = g_new(ImFaultLog, 1);
    uint64_t i;

    mc->faults(obj, log);
    i = log->count > IM_FAULT_NOTES ? log->count - IM_FAULT_NOTES : 0;
    for (; i < log->count; i++) {
        QAPI_LIST_APPEND(*tail,
                         fault_of(path, mc, &log->note[i % IM_FAULT_NOTES]));
    }
}

XImFaultList *qmp_x_im_faults(const char *device, Error **errp)
{
    XImFaultList *list = NULL, **tail = &list;

    for_each(device, true, faults_one, &tail, errp);
    return list;
}

/* --- HMP -------------------------------------------------------------- */

/* info x-im [device] */
static void hmp_info_x_im(Monitor *mon, const QDict *qdict)
{
    const char *device = qdict_get_try_str(qdict, "what");
    Error *err = NULL;
    g_autoptr(HumanReadableText) text =
        qmp_x_im_dump(device && *device ? device : NULL, &err);

    if (err) {
        monitor_printf(mon, "Error: %s\n", error_get_pretty(err));
        error_free(err);
        return;
    }
    monitor_puts(mon, text->human_readable_text);
}

static const TypeInfo im_model_info = {
    .name = TYPE_IM_MODEL,
    .parent = TYPE_INTERFACE,
    .class_size = sizeof(ImModelClass),
};

static void im_model_register_types(void)
{
    type_register_static(&im_model_info);
    monitor_register_hmp("x-im", true, hmp_info_x_im);
}

type_init(im_model_register_types)
