/*
 * ioasid-host for a monitor: x-im-ioasid-query, x-im-ioasid-command, events.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-im.h"
#include "qapi/qapi-events-im.h"
#include "qobject/qbool.h"
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "qobject/qnum.h"
#include "qobject/qstring.h"
#include "im-ioasid.h"
#include "im-viommu.h"

static const char *host_qmp_id_of(IoasidHost *s)
{
    return object_get_canonical_path_component(OBJECT(s));
}

static char *host_qmp_ref_text(ImuRef ref)
{
    return g_strdup_printf("%u.%u", ref.id, ref.gen);
}

typedef struct Search {
    const char *id;
    IoasidHost *found;
    unsigned count;
} Search;

static int host_qmp_match(Object *obj, void *opaque)
{
    Search *f = opaque;

    if (object_dynamic_cast(obj, TYPE_IOASID_HOST) &&
        (!f->id || g_str_equal(f->id, host_qmp_id_of(IOASID_HOST(obj))))) {
        f->found = IOASID_HOST(obj);
        f->count++;
    }
    return 0;
}

static IoasidHost *host_qmp_find(const char *id, Error **errp)
{
    Search f = { .id = id };

    object_child_foreach(object_get_objects_root(), host_qmp_match, &f);
    if (f.count == 1) {
        return f.found;
    }
    if (id) {
        error_setg(errp, "'%s' is no ioasid-host", id);
    } else {
        error_setg(errp, f.count ? "there are several ioasid-hosts: name one" :
                                   "there is no ioasid-host");
    }
    return NULL;
}

/* --- words -------------------------------------------------------------- */

static char *host_qmp_text_of(QObject *value)
{
    QNum *num;

    switch (qobject_type(value)) {
    case QTYPE_QSTRING:
        return g_strdup(qstring_get_str(qobject_to(QString, value)));
    case QTYPE_QNUM:
        num = qobject_to(QNum, value);
        return qnum_to_string(num);
    case QTYPE_QBOOL:
        return g_strdup(qbool_get_bool(qobject_to(QBool, value)) ? "1" : "0");
    default:
        return NULL;
    }
}

static bool host_qmp_say(ImuCall *call, const char *list, const char *name,
                         QObject *value, Error **errp)
{
    g_autofree char *text = host_qmp_text_of(value);
    g_autofree char *err = NULL;

    if (!text) {
        error_setg(errp, "%s: neither a string nor a number", name);
        return false;
    }
    if (!im_ioasid_call_set(call, list, name, text, &err)) {
        error_setg(errp, "%s", err);
        return false;
    }
    return true;
}

static bool host_qmp_say_element(ImuCall *call, const char *list,
                                 QObject *value, Error **errp)
{
    const QDict *dict = qobject_to(QDict, value);
    const QDictEntry *e;
    g_autofree char *err = NULL;

    if (!dict) {
        error_setg(errp, "%s: not a dictionary", list);
        return false;
    }
    if (!im_ioasid_call_add(call, list, &err)) {
        error_setg(errp, "%s", err);
        return false;
    }
    for (e = qdict_first(dict); e; e = qdict_next(dict, e)) {
        if (!host_qmp_say(call, list, qdict_entry_key(e), qdict_entry_value(e),
                          errp)) {
            return false;
        }
    }
    return true;
}

static bool host_qmp_say_member(ImuCall *call, const char *name, QObject *value,
                                Error **errp)
{
    QList *list = qobject_to(QList, value);
    QListEntry *e;

    if (qobject_type(value) == QTYPE_QDICT) {
        return host_qmp_say_element(call, name, value, errp);
    }
    if (!list) {
        return host_qmp_say(call, NULL, name, value, errp);
    }
    QLIST_FOREACH_ENTRY(list, e)
    {
        if (!host_qmp_say_element(call, name, qlist_entry_obj(e), errp)) {
            return false;
        }
    }
    return true;
}

static bool host_qmp_say_all(ImuCall *call, QObject *arguments, Error **errp)
{
    const QDict *dict = qobject_to(QDict, arguments);
    const QDictEntry *e;

    if (!dict) {
        error_setg(errp, "arguments: not a dictionary");
        return false;
    }
    for (e = qdict_first(dict); e; e = qdict_next(dict, e)) {
        if (!host_qmp_say_member(call, qdict_entry_key(e), qdict_entry_value(e),
                                 errp)) {
            return false;
        }
    }
    return true;
}

typedef struct Result {
    QDict *dict;
    QList *list;                /* that is being filled */
    QDict *element;
    int index;
} Result;

static QObject *host_qmp_value_of(const ImuWord *w, const char *text)
{
    if (w->kind == IMU_WORD_NUMBER || w->kind == IMU_WORD_HEX) {
        return QOBJECT(qnum_from_uint(g_ascii_strtoull(text, NULL, 0)));
    }
    return QOBJECT(qstring_from_str(text));
}

static void host_qmp_add_result(void *opaque, const ImuWord *list, int index,
                                const ImuWord *word, const char *text)
{
    Result *r = opaque;

    if (!list) {
        qdict_put_obj(r->dict, word->name, host_qmp_value_of(word, text));
    } else if (index < 0) {
        r->list = qlist_new();
        r->index = -1;
        qdict_put(r->dict, list->name, r->list);
    } else if (list->kind == IMU_WORD_BITS) {
        qlist_append_obj(r->list, host_qmp_value_of(word, text));
    } else {
        if (index != r->index) {
            r->element = qdict_new();
            r->index = index;
            qlist_append(r->list, r->element);
        }
        qdict_put_obj(r->element, word->name, host_qmp_value_of(word, text));
    }
}

/* What an error defines besides. */
static void host_qmp_add_number(void *opaque, const ImuWord *list, int index,
                                const ImuWord *word, const char *text)
{
    g_string_append_printf(opaque, ", %s=%s", word->name, text);
}

static void host_qmp_report(ImuCall *call, int ret, Error **errp)
{
    const char *text = NULL, *name = im_ioasid_error(ret, &text);
    g_autoptr(GString) more = g_string_new(NULL);

    im_ioasid_call_results(call, ret, host_qmp_add_number, more);
    error_setg(errp, "%s: %s%s", name ?: "error", text ?: strerror(-ret),
               more->str);
}

static int host_qmp_run(IoasidHost *s, ImuCall *call)
{
    int ret;

    im_unit_enter(&s->unit);
    s->call = call;
    ret = im_ioasid_call_run(call, s->ctx);
    s->call = NULL;
    im_unit_leave(&s->unit);
    return ret;
}

XImIoasidReply *qmp_x_im_ioasid_command(const char *host, const char *command,
                                        QObject *arguments, Error **errp)
{
    IoasidHost *s = host_qmp_find(host, errp);
    const ImuVerb *verb = im_ioasid_verb(command);
    Result result = { 0 };
    XImIoasidReply *reply = NULL;
    ImuCall *call;
    int ret;

    if (!s) {
        return NULL;
    }
    if (!verb) {
        error_setg(errp, "'%s' is no command of the uAPI", command);
        return NULL;
    }
    call = im_ioasid_call_new(verb);
    if (!arguments || host_qmp_say_all(call, arguments, errp)) {
        ret = host_qmp_run(s, call);
        if (ret) {
            host_qmp_report(call, ret, errp);
        } else {
            result.dict = qdict_new();
            im_ioasid_call_results(call, 0, host_qmp_add_result, &result);
            reply = g_new0(XImIoasidReply, 1);
            reply->results = QOBJECT(result.dict);
        }
    }
    im_ioasid_call_free(call);
    return reply;
}

/* --- state -------------------------------------------------------------- */

XImIoasidInfo *qmp_x_im_ioasid_query(const char *host, Error **errp)
{
    IoasidHost *s = host_qmp_find(host, errp);
    XImIoasidFunctionList **tail;
    XImIoasidInfo *info;

    if (!s) {
        return NULL;
    }
    info = g_new0(XImIoasidInfo, 1);
    tail = &info->functions;
    info->host = g_strdup(host_qmp_id_of(s));
    info->guest_set = host_qmp_ref_text(s->guest.set);
    info->guest_memory = s->ram ? host_qmp_ref_text(s->ram_space) : NULL;
    for (unsigned i = 0; i < s->fns->len; i++) {
        const IoasidFn *fn = g_ptr_array_index(s->fns, i);
        XImIoasidFunction *f = g_new0(XImIoasidFunction, 1);

        f->device = object_get_canonical_path(OBJECT(fn->listener->dev));
        f->func = fn->rid;
        f->unit = fn->above ? object_get_canonical_path(fn->above->owner) :
                              NULL;
        QAPI_LIST_APPEND(tail, f);
    }
    im_unit_enter_to_ask(&s->unit);
    info->broken = im_ioasid_check(s->host);
    im_unit_leave(&s->unit);
    if (!info->broken) {
        info->broken = im_ioasid_check_units(s);
    }
    return info;
}

/* --- events ------------------------------------------------------------- */

static void host_qmp_send_event(IoasidHost *s, const ImuEvent *e)
{
    g_autofree char *object = host_qmp_ref_text(e->object);

    qapi_event_send_x_im_ioasid_event(
        host_qmp_id_of(s), im_ioasid_event_name(e->type) ?: "?", e->sequence,
        e->flags & IMU_EVENT_LOST, e->time, e->token, object,
        im_ioasid_state_name(e->old_state) ?: "?",
        im_ioasid_state_name(e->new_state) ?: "?");
}

typedef struct Batch {
    ImuEventRead read;
    ImuEvent event[16];
} Batch;

static void host_qmp_drain(IoasidHost *s)
{
    for (;;) {
        Batch a = {
            .read = {
                .set = s->guest.set, .queue = s->events,
                .events = IM_IOASID_RAW + offsetof(Batch, event),
                .count = ARRAY_SIZE(a.event),
            },
        };

        if (im_ioasid_host_command(s, IMU_CMD_EVENT_READ, &a, sizeof(a.read),
                                   sizeof(a))) {
            return;
        }
        for (unsigned i = 0; i < a.read.count; i++) {
            host_qmp_send_event(s, &a.event[i]);
        }
        if (!a.read.pending) {
            return;
        }
    }
}

void im_ioasid_qmp_readable(IoasidHost *s, ImuRef queue)
{
    g_autofree char *text = host_qmp_ref_text(queue);

    if (im_ref_eq(queue, s->events)) {
        host_qmp_drain(s);
    } else {
        qapi_event_send_x_im_ioasid_readable(host_qmp_id_of(s), text);
    }
}
