/*
 * "info x-im": what the commands of QMP answer, for people.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "monitor/hmp.h"
#include "monitor/monitor.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-im.h"
#include "qapi/util.h"
#include "qobject/qdict.h"
#include "im-qmp.h"

/* --- the words of a request ------------------------------------------- */

typedef struct Word {
    const char *name;
    enum { WORD_TEXT, WORD_U16, WORD_U32, WORD_U64, WORD_NAME, WORD_FLAG } kind;
    const QEnumLookup *names;
    size_t has, at;             /* in an XImRequest */
} Word;

#define WORD(kind, name, member, names)                                   \
    { name, WORD_##kind, names, offsetof(XImRequest, has_##member),       \
      offsetof(XImRequest, member) }

static const Word words[] = {
    { "device", WORD_TEXT, NULL, 0, offsetof(XImRequest, device) },
    WORD(NAME, "request", request, &XImRequestKind_lookup),
    WORD(U32, "pasid", pasid, NULL),
    WORD(U64, "length", length, NULL),
    WORD(NAME, "access", access, &XImAccess_lookup),
    WORD(NAME, "at", at, &XImAt_lookup),
    WORD(U32, "data", data, NULL),
    WORD(FLAG, "privileged", privileged, NULL),
    WORD(FLAG, "execute", execute, NULL),
    WORD(FLAG, "no-write", no_write, NULL),
    WORD(FLAG, "last", last, NULL),
    WORD(U16, "prgi", prgi, NULL),
};

static void hmp_wrong_value(const Word *w, const char *value, Error **errp)
{
    g_autoptr(GString) right = g_string_new(NULL);

    for (int i = 0; w->names && i < w->names->size; i++) {
        g_string_append_printf(right, "%s%s", i ? ", " : "",
                               w->names->array[i]);
    }
    error_setg(errp, "%s='%s' is no %s%s", w->name, value,
               w->kind == WORD_NAME ? "one of " :
               w->kind == WORD_U16  ? "number below 65536" :
               w->kind == WORD_U32  ? "number below 2^32" :
               w->kind == WORD_U64  ? "number below 2^64" :
                                      "on or off",
               right->str);
}

static bool hmp_set_value(XImRequest *q, const Word *w, const char *value,
                          Error **errp)
{
    void *at = (char *)q + w->at;
    uint64_t number;
    int name;

    switch (w->kind) {
    case WORD_TEXT:
        g_free(*(char **)at);
        *(char **)at = g_strdup(value);
        return true;
    case WORD_U16:
        if (!imq_number(value, UINT16_MAX, &number)) {
            hmp_wrong_value(w, value, errp);
            return false;
        }
        *(uint16_t *)at = (uint16_t)number;
        break;
    case WORD_U32:
        if (!imq_number(value, UINT32_MAX, &number)) {
            hmp_wrong_value(w, value, errp);
            return false;
        }
        *(uint32_t *)at = (uint32_t)number;
        break;
    case WORD_U64:
        if (!imq_number(value, UINT64_MAX, at)) {
            hmp_wrong_value(w, value, errp);
            return false;
        }
        break;
    case WORD_NAME:
        name = qapi_enum_parse(w->names, value, -1, NULL);
        if (name < 0) {
            hmp_wrong_value(w, value, errp);
            return false;
        }
        memcpy(at, &name, sizeof(name));
        break;
    case WORD_FLAG:
        if (!qapi_bool_parse(w->name, value, at, NULL)) {
            hmp_wrong_value(w, value, errp);
            return false;
        }
        break;
    }
    *(bool *)((char *)q + w->has) = true;
    return true;
}

static bool hmp_set_word(XImRequest *q, const char *text, Error **errp)
{
    size_t len = strcspn(text, "=");

    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        const Word *w = &words[i];

        if (strlen(w->name) != len || strncmp(text, w->name, len) != 0) {
            continue;
        }
        if (text[len]) {
            return hmp_set_value(q, w, text + len + 1, errp);
        }
        if (w->kind == WORD_FLAG) {
            return hmp_set_value(q, w, "on", errp);
        }
        error_setg(errp, "'%s' needs a value: %s=...", text, text);
        return false;
    }
    error_setg(errp,
               "'%s' is none of request=, pasid=, length=, access=, at=, "
               "data=, device=, privileged, execute, no-write, last= and "
               "prgi=",
               text);
    return false;
}

static XImRequest *hmp_parse_words(char **argv, Error **errp)
{
    g_autoptr(XImRequest) q = g_new0(XImRequest, 1);

    if (!argv[0] || !argv[1]) {
        error_setg(errp, "explain needs a requester and an address, such as "
                         "explain 01:00.0 0x7f0000001000");
        return NULL;
    }
    q->requester = g_strdup(argv[0]);
    q->address = g_strdup(argv[1]);
    for (argv += 2; *argv; argv++) {
        if (!hmp_set_word(q, *argv, errp)) {
            return NULL;
        }
    }
    return g_steal_pointer(&q);
}

/* --- explain ---------------------------------------------------------- */

static bool hmp_zero(const strList *value)
{
    uint64_t word;

    return value && imq_number(value->value, UINT64_MAX, &word) && !word;
}

/* A run of zeroes is one line: an STE has 8 words, and most are. */
static void hmp_print_words(Monitor *mon, const XImStep *s)
{
    const strList *field = s->fields;
    unsigned i = 0;

    for (const strList *v = s->values; v; v = v->next, i++) {
        const char *text = field ? field->value : "";
        unsigned first = i;

        for (; hmp_zero(v) && hmp_zero(v->next); v = v->next, i++) {
            field = field ? field->next : NULL;
        }
        if (first < i) {
            monitor_printf(mon, "    [%u-%u] 0\n", first, i);
        } else {
            monitor_printf(mon, "    [%u] %s%s%s\n", i, v->value,
                           *text ? "  " : "", text);
        }
        field = field ? field->next : NULL;
    }
}

/* Where the rule that decided is to be read. */
static void hmp_print_clause(Monitor *mon, const char *tag, const char *section,
                             const char *title)
{
    if (tag) {
        monitor_printf(mon, "    %s: %s, \"%s\"\n", tag, section, title);
    }
}

static void hmp_print_step(Monitor *mon, const XImStep *s)
{
    monitor_printf(mon, "%s", s->what);
    if (s->address) {
        monitor_printf(mon, " at %s", s->address);
    }
    monitor_puts(mon, "\n");
    hmp_print_words(mon, s);
    if (s->note) {
        monitor_printf(mon, "    %s\n", s->note);
    }
    hmp_print_clause(mon, s->clause, s->section, s->title);
}

/* Of a page request. */
static void hmp_print_fate(Monitor *mon, const XImExplanation *e)
{
    monitor_puts(mon, e->granted ? "queued" : "not queued");
    if (e->response) {
        monitor_printf(mon, ", answered automatically: %s", e->response->code);
        if (e->response->has_pasid) {
            monitor_printf(mon, ", PASID 0x%x", e->response->pasid);
        }
    } else if (!e->granted) {
        monitor_puts(mon, ", not answered");
    }
    if (e->has_reason) {
        monitor_printf(mon, ": 0x%x %s: %s", e->reason, e->name ?: "?",
                       e->text ?: "?");
    }
    monitor_puts(mon, "\n");
}

static void hmp_print_verdict(Monitor *mon, const XImExplanation *e)
{
    const XImMessage *m = e->message;

    if (!e->completion) {
        hmp_print_fate(mon, e);
    } else if (!e->granted && !e->has_reason) {
        monitor_printf(mon, "not granted, %s\n", e->completion);
    } else if (!e->granted) {
        monitor_printf(mon, "%s, %s: 0x%x %s: %s\n",
                       e->interrupt                     ? "interrupt blocked" :
                       strcmp(e->completion, "SC") == 0 ? "nothing granted" :
                                                          "refused",
                       e->completion, e->reason, e->name ?: "?",
                       e->text ?: "?");
    } else if (m) {
        monitor_printf(mon,
                       "interrupt %s: vector 0x%02x, %s destination "
                       "0x%x, %s, %s%s\n",
                       m->remapped ? "remapped" : "as it came", m->vector,
                       m->destination_mode, m->destination, m->delivery_mode,
                       m->trigger_mode,
                       m->redirection_hint ? ", redirection hint" : "");
    } else {
        monitor_printf(mon, "granted, %s: address %s, mask %s, %s%s%s\n",
                       e->completion, e->address, e->mask,
                       *e->permission ? e->permission : "no permission",
                       e->reaches ? "; there is " : "", e->reaches ?: "");
    }
}

static void hmp_print_explanation(Monitor *mon, const XImRequest *q,
                                  const XImExplanation *e)
{
    const char *access = q->has_access ? XImAccess_str(q->access) : "read";

    if (!e->completion) {
        monitor_printf(mon,
                       "%s: page request, access %s, at %s, PRGI %u%s, "
                       "requester %s",
                       e->device, access, q->address, q->prgi,
                       q->has_last && !q->last ? "" : ", last", e->requester);
    } else {
        monitor_printf(mon,
                       "%s: %s %s of %" PRIu64 " bytes at %s, requester "
                       "%s",
                       e->device, q->has_at ? XImAt_str(q->at) : "untranslated",
                       access, e->length, q->address, e->requester);
    }
    if (q->has_pasid) {
        monitor_printf(mon, ", PASID 0x%x", q->pasid);
    }
    monitor_printf(mon, "%s%s%s\n", q->privileged ? ", privileged" : "",
                   q->execute ? ", execute" : "",
                   q->no_write ? ", no-write" : "");
    for (const XImStepList *s = e->steps; s; s = s->next) {
        hmp_print_step(mon, s->value);
    }
    hmp_print_verdict(mon, e);
}

static void hmp_do_explain(Monitor *mon, char **argv, Error **errp)
{
    g_autoptr(XImRequest) q = hmp_parse_words(argv, errp);
    g_autoptr(XImExplanation) e = q ? qmp_x_im_explain(q, errp) : NULL;

    if (e) {
        hmp_print_explanation(mon, q, e);
    }
}

/* --- the others ------------------------------------------------------- */

static void hmp_do_dump(Monitor *mon, char **argv, Error **errp)
{
    g_autoptr(HumanReadableText) text = qmp_x_im_dump(argv[0], errp);

    if (text && !*text->human_readable_text) {
        monitor_puts(mon, "no IOMMU or endpoint of ours\n");
    } else if (text) {
        monitor_puts(mon, text->human_readable_text);
    }
}

static void hmp_print_request(Monitor *mon, const XImFault *f)
{
    if (f->has_reason) {
        monitor_printf(mon, "    0x%x %s: %s\n", f->reason, f->name ?: "?",
                       f->text ?: "?");
    }
    if (f->kind == XIM_FAULT_KIND_PAGE_REQUEST) {
        monitor_printf(mon, "    info x-im explain %s %s request=page",
                       f->requester, f->address);
    } else {
        monitor_printf(mon, "    info x-im explain %s %s length=%" PRIu64,
                       f->requester, f->address, f->length);
    }
    if (f->has_pasid) {
        monitor_printf(mon, " pasid=0x%x", f->pasid);
    }
    if (f->has_data) {
        monitor_printf(mon, " data=0x%x", f->data);
    }
    monitor_printf(mon, " access=%s at=%s%s%s%s\n", XImAccess_str(f->access),
                   XImAt_str(f->at), f->privileged ? " privileged" : "",
                   f->execute ? " execute" : "",
                   f->no_write ? " no-write" : "");
}

static void hmp_print_command(Monitor *mon, const XImFault *f)
{
    monitor_printf(mon, "    %s%s%s\n", f->name, f->text ? ": " : "",
                   f->text ?: "");
    monitor_puts(mon, "   ");
    for (const strList *w = f->words; w; w = w->next) {
        monitor_printf(mon, " %s", w->value);
    }
    monitor_puts(mon, "\n");
}

static void hmp_do_faults(Monitor *mon, char **argv, Error **errp)
{
    g_autoptr(XImFaultList) list = NULL;
    Error *err = NULL;

    list = qmp_x_im_faults(argv[0], &err);
    if (err) {
        error_propagate(errp, err);
        return;
    }
    if (!list) {
        monitor_puts(mon, "no faults\n");
    }
    for (const XImFaultList *l = list; l; l = l->next) {
        const XImFault *f = l->value;

        monitor_printf(mon, "%s #%" PRIu64 " at %.9f s: %s%s\n", f->device,
                       f->sequence, f->time / 1e9, f->what,
                       f->hidden ? " (hidden from software)" : "");
        if (f->kind == XIM_FAULT_KIND_COMMAND) {
            hmp_print_command(mon, f);
        } else {
            hmp_print_request(mon, f);
        }
        hmp_print_clause(mon, f->clause, f->section, f->title);
    }
}

static void hmp_do_counters(Monitor *mon, char **argv, Error **errp)
{
    g_autoptr(XImCountersList) list = NULL;
    Error *err = NULL;

    list = qmp_x_im_counters(argv[0], &err);
    if (err) {
        error_propagate(errp, err);
        return;
    }
    if (!list) {
        monitor_puts(mon, "no IOMMU or endpoint of ours\n");
    }
    for (const XImCountersList *l = list; l; l = l->next) {
        monitor_printf(mon, "%s (%s)\n", l->value->device, l->value->type);
        for (const XImCounterList *c = l->value->counters; c; c = c->next) {
            monitor_printf(mon, "    %-24s %" PRIu64 "\n", c->value->name,
                           c->value->value);
        }
    }
}

static void hmp_do_help(Monitor *mon, char **argv, Error **errp)
{
    monitor_puts(
        mon,
        "info x-im dump [DEVICE]      registers, tables, caches and queues\n"
        "info x-im faults [DEVICE]    the last faults and refused commands\n"
        "info x-im counters [DEVICE]  what was counted\n"
        "info x-im explain REQUESTER ADDRESS [WORD]...\n"
        "                             why a request is answered as it is\n"
        "info x-im                    the same as info x-im dump\n"
        "\n"
        "REQUESTER  01:00.0, 0000:01:00.0, a number, or the ID of a PCI device\n"
        "ADDRESS    such as 0x7f0000001000\n"
        "WORD       pasid=N  length=BYTES  data=N (of an interrupt)  device=IOMMU\n"
        "           request=memory|page  last=on|off  prgi=N (of a page request)\n"
        "           access=read|write|atomic|none  privileged  execute  no-write\n"
        "           at=untranslated|translation|translated|reserved\n");
}

/* --- info x-im -------------------------------------------------------- */

typedef void Show(Monitor *mon, char **argv, Error **errp);

/* clang-format off */
static const struct {
    const char *name;
    unsigned max;               /* words behind it; 0: any */
    Show *show;
} shows[] = {
    { "dump", 1, hmp_do_dump },
    { "explain", 0, hmp_do_explain },
    { "faults", 1, hmp_do_faults },
    { "counters", 1, hmp_do_counters },
    { "help", 1, hmp_do_help },
};
/* clang-format on */

static void hmp_show(Monitor *mon, char **argv, Error **errp)
{
    const char *what = argv[0] ?: "dump";

    argv += argv[0] != NULL;
    for (unsigned i = 0; i < ARRAY_SIZE(shows); i++) {
        if (strcmp(what, shows[i].name) != 0) {
            continue;
        }
        if (shows[i].max && g_strv_length(argv) > shows[i].max) {
            error_setg(errp, "%s takes one device at most, not '%s'", what,
                       argv[1]);
        } else {
            shows[i].show(mon, argv, errp);
        }
        return;
    }
    error_setg(errp,
               "'%s' is none of dump, explain, faults, counters and "
               "help",
               what);
}

static void hmp_info_x_im(Monitor *mon, const QDict *qdict)
{
    const char *line = qdict_get_try_str(qdict, "what") ?: "";
    g_auto(GStrv) argv = g_strsplit_set(line, " \t", -1);
    unsigned n = 0;
    Error *err = NULL;

    /* several blanks are one */
    for (unsigned i = 0; argv[i]; i++) {
        char *word = argv[i];

        argv[i] = NULL;
        if (*word) {
            argv[n++] = word;
        } else {
            g_free(word);
        }
    }
    hmp_show(mon, argv, &err);
    hmp_handle_error(mon, err);
}

void imq_hmp_init(void)
{
    monitor_register_hmp("x-im", true, hmp_info_x_im);
}
