/*
 * ioasid: commands of the uAPI, what they return, and events.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shell.h"

/* --- output ------------------------------------------------------------- */

void shell_json_string(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\') {
            printf("\\%c", c);
        } else if (c < 0x20) {
            printf("\\u%04x", c);
        } else {
            putchar(c);
        }
    }
    putchar('"');
}

void shell_json(const char *what, const char *text)
{
    putchar('{');
    shell_json_string(what);
    putchar(':');
    shell_json_string(text);
    puts("}");
}

void shell_say(World *w G_GNUC_UNUSED, const char *line)
{
    if (shell.json) {
        shell_json("note", line);
    } else {
        printf("  %s\n", line);
    }
}

void shell_fail(const char *name, const char *text, const char *more)
{
    shell.status = 1;
    if (shell.json) {
        fputs("{\"error\":", stdout);
        shell_json_string(name);
        fputs(",\"text\":", stdout);
        shell_json_string(text);
        fputs(more, stdout);
        if (shell.line) {
            printf(",\"line\":%u", shell.line);
        }
        puts("}");
        return;
    }
    if (shell.line && !shell.echo) {
        printf("line %u: ", shell.line);
    }
    printf("%s: %s%s\n", name, text, more);
}

/* --- results ------------------------------------------------------------ */

typedef struct Show {
    GString *out;
    const ImuWord *list;
    int index;
    char *ref;                  /* the first handle that came out */
} Show;

static void verbs_show_json(Show *s, const ImuWord *word, const char *text)
{
    if (s->out->len && s->out->str[s->out->len - 1] != '{') {
        g_string_append_c(s->out, ',');
    }
    g_string_append_printf(s->out, "\"%s\":", word->name);
    if (word->kind == IMU_WORD_NUMBER || word->kind == IMU_WORD_HEX) {
        g_string_append_printf(s->out, "%" PRIu64,
                               g_ascii_strtoull(text, NULL, 0));
    } else {
        g_string_append_printf(s->out, "\"%s\"", text);
    }
}

static void verbs_json_list(Show *s, const ImuWord *list, int index)
{
    if (s->list && (s->list != list || index != s->index)) {
        g_string_append(s->out, s->index < 0 ? "" : "}");
    }
    if (s->list && s->list != list) {
        g_string_append_c(s->out, ']');
    }
    if (list && s->list != list) {
        if (s->out->str[s->out->len - 1] != '{') {
            g_string_append_c(s->out, ',');
        }
        g_string_append_printf(s->out, "\"%s\":[", list->name);
    } else if (list && index != s->index) {
        g_string_append(s->out, index ? ",{" : "{");
    }
    s->list = list;
    s->index = index;
}

static void verbs_json_result(void *opaque, const ImuWord *list, int index,
                              const ImuWord *word, const char *text)
{
    Show *s = opaque;

    if (list && list->kind == IMU_WORD_BITS) {
        if (index < 0) {
            verbs_json_list(s, list, -1);
        } else {
            g_string_append_printf(s->out, "%s%" PRIu64, index ? "," : "",
                                   g_ascii_strtoull(text, NULL, 0));
        }
        return;
    }
    verbs_json_list(s, list, index);
    if (word) {
        verbs_show_json(s, word, text);
    }
}

static void verbs_text_result(void *opaque, const ImuWord *list, int index,
                              const ImuWord *word, const char *text)
{
    Show *s = opaque;

    if (!word) {
        s->index = -1;
        return;
    }
    if (list && index != s->index) {
        g_string_append(s->out, s->out->len ? "\n  " : "  ");
        s->index = index;
    } else if (s->out->len) {
        g_string_append_c(s->out, ' ');
    }
    g_string_append_printf(s->out, "%s=%s", word->name, *text ? text : "none");
}

static void verbs_first_ref(void *opaque, const ImuWord *list,
                            int index G_GNUC_UNUSED, const ImuWord *word,
                            const char *text)
{
    Show *s = opaque;

    if (!list && word->kind == IMU_WORD_REF && !s->ref) {
        s->ref = g_strdup(text);
    }
}

static void verbs_error_words(void *opaque, const ImuWord *list G_GNUC_UNUSED,
                              int index G_GNUC_UNUSED, const ImuWord *word,
                              const char *text)
{
    g_string_append_printf(opaque, shell.json ? ",\"%s\":%s" : ", %s=%s",
                           word->name, text);
}

static void verbs_show_results(const ImuCall *call)
{
    Show s = { .out = g_string_new(shell.json ? "{" : NULL), .index = -1 };

    if (shell.json) {
        im_ioasid_call_results(call, 0, verbs_json_result, &s);
        verbs_json_list(&s, NULL, 0);
        printf("%s}\n", s.out->str);
    } else {
        im_ioasid_call_results(call, 0, verbs_text_result, &s);
        puts(s.out->len ? s.out->str : "ok");
    }
    g_string_free(s.out, TRUE);
}

static void verbs_show_error(const ImuVerb *v, const ImuCall *call, int ret)
{
    const char *word, *why;
    const char *text = "?", *name = im_ioasid_error(ret, &text);
    const ImClauseRow *rule = im_clause(im_ioasid_clause(v->command));
    GString *more = g_string_new(NULL);

    im_ioasid_call_results(call, ret, verbs_error_words, more);
    if (ret == -EINVAL && shell_why(v, call, &word, &why)) {
        g_string_append_printf(more,
                               shell.json ?
                                   ",\"word\":\"%s\",\"why\":\"%s\","
                                   "\"clause\":\"%s\",\"section\":\"%s, %s\"" :
                                   ": %s: %s (%s: %s, %s)",
                               word, why, rule->tag, rule->document,
                               rule->section);
    }
    shell_fail(name ? name : "error", text, more->str);
    g_string_free(more, TRUE);
}

/* --- events ------------------------------------------------------------- */

static ImuCall *verbs_call_of(const char *verb, const char *set,
                              const char *word, const char *value)
{
    ImuCall *c = im_ioasid_call_new(im_ioasid_verb(verb));
    char *err = NULL;

    if (!im_ioasid_call_set(c, NULL, "set", set, &err) ||
        (word && !im_ioasid_call_set(c, NULL, word, value, &err))) {
        g_error("%s", err);
    }
    return c;
}

/* The shell's own queue of a set; NULL: it has none. */
static void verbs_open_queue(const char *set)
{
    ImuCall *c = verbs_call_of("evq-create", set, "depth", "256");
    Show s = { 0 };

    if (world_command(shell.w, c) == 0) {
        im_ioasid_call_results(c, 0, verbs_first_ref, &s);
        g_hash_table_insert(shell.queues, g_strdup(set), s.ref);
    }
    im_ioasid_call_free(c);
}

static void verbs_close_queue(const char *set)
{
    const char *queue = g_hash_table_lookup(shell.queues, set);

    if (queue) {
        ImuCall *c = verbs_call_of("evq-destroy", set, "queue", queue);

        world_command(shell.w, c);
        im_ioasid_call_free(c);
        g_hash_table_remove(shell.queues, set);
    }
}

typedef struct EventLine {
    char *type, *object;
    unsigned from, to;
} EventLine;

static void verbs_event_word(void *opaque, const ImuWord *list,
                             int index G_GNUC_UNUSED, const ImuWord *word,
                             const char *text)
{
    EventLine *e = opaque;
    g_autofree char *line = NULL;

    if (!list || !word) {
        return;
    }
    if (strcmp(word->name, "type") == 0) {
        e->type = g_strdup(text);
    } else if (strcmp(word->name, "object") == 0) {
        e->object = g_strdup(text);
    } else if (strcmp(word->name, "old-state") == 0) {
        e->from = (unsigned)atoi(text);
    } else if (strcmp(word->name, "new-state") == 0) {
        e->to = (unsigned)atoi(text);
        line = g_str_equal(e->type, "LIMIT_HIT") ?
                   g_strdup_printf("event LIMIT_HIT %s: level %u, resource %u",
                                   e->object, e->from, e->to) :
               e->from == e->to ?
                   g_strdup_printf("event %s %s", e->type, e->object) :
                   g_strdup_printf("event %s %s: %s -> %s", e->type, e->object,
                                   im_ioasid_state_name(e->from),
                                   im_ioasid_state_name(e->to));
        shell_say(shell.w, line);
        g_clear_pointer(&e->type, g_free);
        g_clear_pointer(&e->object, g_free);
    }
}

void shell_events(void)
{
    GHashTableIter iter;
    gpointer set, queue;

    g_hash_table_iter_init(&iter, shell.queues);
    while (g_hash_table_iter_next(&iter, &set, &queue)) {
        ImuCall *c = verbs_call_of("event-read", set, "queue", queue);
        EventLine e = { 0 };

        if (world_command(shell.w, c) == 0) {
            im_ioasid_call_results(c, 0, verbs_event_word, &e);
        }
        im_ioasid_call_free(c);
    }
}

/* --- a command of the uAPI ---------------------------------------------- */

const char *shell_value(const char *text)
{
    const char *known = NULL;

    if (*text == '$') {
        known = g_hash_table_lookup(shell.names, text + 1);
    }
    return known ? known : text;
}

/* list: or NULL. A handle by its name must have been made. */
static bool verbs_say_word(ImuCall *call, const char *list, const char *word,
                           const char *text, char **err)
{
    if (*text == '$' && shell_value(text) == text) {
        *err = g_strdup_printf("%s=%s: no such name; NAME = COMMAND makes one",
                               word, text);
        return false;
    }
    return im_ioasid_call_set(call, list, word, shell_value(text), err);
}

/* a:1/b:2,a:3 - elements by ',' and their words by '/'. */
static bool verbs_say_list(ImuCall *call, const char *list, const char *text,
                           char **err)
{
    g_auto(GStrv) elements = g_strsplit(text, ",", -1);

    for (unsigned i = 0; elements[i]; i++) {
        g_auto(GStrv) words = g_strsplit(elements[i], "/", -1);

        if (!im_ioasid_call_add(call, list, err)) {
            return false;
        }
        for (unsigned k = 0; words[k]; k++) {
            char *colon = strchr(words[k], ':');

            if (!colon) {
                *err = g_strdup_printf("%s: say word:value", words[k]);
                return false;
            }
            *colon = '\0';
            if (!verbs_say_word(call, list, words[k], colon + 1, err)) {
                return false;
            }
        }
    }
    return true;
}

static const ImuWord *verbs_word_of(const ImuVerb *v, const char *name)
{
    for (unsigned i = 0; i < v->record->count; i++) {
        if (strcmp(v->record->word[i].name, name) == 0) {
            return &v->record->word[i];
        }
    }
    return NULL;
}

static bool verbs_say_words(ImuCall *call, const ImuVerb *v, char **args,
                            char **err)
{
    const ImuWord *set = verbs_word_of(v, "set");
    bool set_said = !set || !(set->dir & IMU_WORD_IN);

    for (; *args; args++) {
        char *equals = strchr(*args, '=');
        const ImuWord *w;

        if (!equals || equals == *args) {
            *err = g_strdup_printf("%s: say word=value", *args);
            return false;
        }
        *equals = '\0';
        w = verbs_word_of(v, *args);
        set_said |= strcmp(*args, "set") == 0;
        if (w && w->kind == IMU_WORD_LIST ?
                !verbs_say_list(call, *args, equals + 1, err) :
                !verbs_say_word(call, NULL, *args, equals + 1, err)) {
            return false;
        }
    }
    if (!set_said && !shell.set) {
        *err = g_strdup("there is no set yet; set-create makes one");
        return false;
    }
    return set_said || im_ioasid_call_set(call, NULL, "set", shell.set, err);
}

static char *verbs_set_said(const ImuVerb *v, char **args)
{
    for (; *args; args++) {
        if (g_str_has_prefix(*args, "set=")) {
            return g_strdup(shell_value(*args + 4));
        }
    }
    return v->command == IMU_CMD_SET_DESTROY ? g_strdup(shell.set) : NULL;
}

/* $ticket is of the group that was read last. */
static void verbs_last_ticket(void *opaque G_GNUC_UNUSED, const ImuWord *list,
                              int index G_GNUC_UNUSED, const ImuWord *word,
                              const char *text)
{
    if (list && word && strcmp(word->name, "ticket") == 0) {
        g_hash_table_insert(shell.names, g_strdup("ticket"), g_strdup(text));
    }
}

static void verbs_keep(const ImuVerb *v, const ImuCall *call, const char *name)
{
    Show s = { 0 };

    im_ioasid_call_results(call, 0, verbs_first_ref, &s);
    if (s.ref && name) {
        g_hash_table_insert(shell.names, g_strdup(name), g_strdup(s.ref));
    }
    if (s.ref && v->command == IMU_CMD_SPACE_CREATE) {
        ShellSpace *space = g_new(ShellSpace, 1);

        space->kind = im_ioasid_call_number(call, "kind");
        space->flags = im_ioasid_call_number(call, "flags");
        g_hash_table_insert(shell.spaces, g_strdup(s.ref), space);
    }
    if (v->command == IMU_CMD_FAULT_READ) {
        im_ioasid_call_results(call, 0, verbs_last_ticket, NULL);
    }
    if (s.ref && v->command == IMU_CMD_SET_CREATE) {
        g_free(shell.set);
        shell.set = g_strdup(s.ref);
        verbs_open_queue(s.ref);
    }
    g_free(s.ref);
}

void shell_verb(const ImuVerb *v, char **args, const char *name)
{
    ImuCall *call = im_ioasid_call_new(v);
    g_autofree char *err = NULL;
    g_autofree char *set = verbs_set_said(v, args);
    int ret;

    if (!verbs_say_words(call, v, args, &err)) {
        shell_fail(v->name, err, "");
        im_ioasid_call_free(call);
        return;
    }
    if (v->command == IMU_CMD_SET_DESTROY && set) {
        shell_events();
        verbs_close_queue(set);
    }
    ret = world_command(shell.w, call);
    if (ret) {
        verbs_show_error(v, call, ret);
        if (v->command == IMU_CMD_SET_DESTROY && set) {
            verbs_open_queue(set);
        }
    } else {
        verbs_show_results(call);
        verbs_keep(v, call, name);
    }
    im_ioasid_call_free(call);
}
