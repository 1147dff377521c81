/*
 * ioasid: what there is to say.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>

#include "shell.h"

/* --- a command ---------------------------------------------------------- */

static const char *help_direction(const ImuWord *w)
{
    return w->dir == IMU_WORD_IN  ? "in" :
           w->dir == IMU_WORD_OUT ? "out" :
                                    "in/out";
}

static void help_word_text(const ImuWord *w)
{
    printf("  %-16s %-6s", w->name, help_direction(w));
    for (unsigned i = 0; w->names && w->names[i]; i++) {
        printf(" %s", w->names[i]);
    }
    for (unsigned i = 0; w->of && i < w->of->count; i++) {
        printf("%s%s", i ? "/" : " ", w->of->word[i].name);
    }
    putchar('\n');
}

/* {"NAME":"TEXT", and more to come. */
static void help_pair(const char *gap, const char *name, const char *text)
{
    printf("%s\"%s\":", gap, name);
    shell_json_string(text);
}

static void help_word_json(const ImuWord *w)
{
    const char *gap = ",\"values\":[";

    help_pair("{", "name", w->name);
    help_pair(",", "dir", help_direction(w));
    for (unsigned i = 0; w->names && w->names[i]; i++, gap = ",") {
        printf("%s\"%s\"", gap, w->names[i]);
    }
    fputs(w->names && w->names[0] ? "]" : "", stdout);
    gap = ",\"words\":[";
    for (unsigned i = 0; w->of && i < w->of->count; i++, gap = ",") {
        printf("%s\"%s\"", gap, w->of->word[i].name);
    }
    fputs(w->of ? "]}" : "}", stdout);
}

static void help_verb_help(const ImuVerb *v)
{
    const ImClauseRow *rule = im_clause(im_ioasid_clause(v->command));

    if (!shell.json) {
        printf("%s: %s (%s: %s, %s)\n", v->name, v->text, rule->tag,
               rule->document, rule->section);
        for (unsigned i = 0; i < v->record->count; i++) {
            help_word_text(&v->record->word[i]);
        }
        return;
    }
    help_pair("{", "command", v->name);
    help_pair(",", "text", v->text);
    help_pair(",", "clause", rule->tag);
    fputs(",\"words\":[", stdout);
    for (unsigned i = 0; i < v->record->count; i++) {
        fputs(i ? "," : "", stdout);
        help_word_json(&v->record->word[i]);
    }
    puts("]}");
}

static void help_plain_text(const Plain *p)
{
    printf("  %s %s\n                  %s\n", p->name, p->args, p->text);
}

static void help_plain_json(const Plain *p)
{
    help_pair("{", "command", p->name);
    help_pair(",", "args", p->args);
    help_pair(",", "text", p->text);
    putchar('}');
}

static void help_plain_help(const Plain *p)
{
    if (shell.json) {
        help_plain_json(p);
        putchar('\n');
    } else {
        help_plain_text(p);
    }
}

/* --- all ---------------------------------------------------------------- */

static void help_all_text(const ImuVerb *v, unsigned verbs, const Plain *p,
                          unsigned plains)
{
    puts("Commands of the uAPI (docs/uapi.rst), as COMMAND word=value ...;\n"
         "NAME = COMMAND ... keeps the handle, $NAME is it:");
    for (unsigned i = 0; i < verbs; i++) {
        printf("  %-15s %s\n", v[i].name, v[i].text);
    }
    puts("The world around it: functions ep0 (0x100) and ep1 (0x108), "
         "64 MiB:");
    for (unsigned i = 0; i < plains; i++) {
        help_plain_text(&p[i]);
    }
}

static void help_all_json(const ImuVerb *v, unsigned verbs, const Plain *p,
                          unsigned plains)
{
    fputs("{\"commands\":[", stdout);
    for (unsigned i = 0; i < verbs; i++) {
        help_pair(i ? ",{" : "{", "command", v[i].name);
        help_pair(",", "text", v[i].text);
        putchar('}');
    }
    for (unsigned i = 0; i < plains; i++) {
        putchar(',');
        help_plain_json(&p[i]);
    }
    puts("]}");
}

bool shell_help(char **args)
{
    unsigned verbs, plains;
    const ImuVerb *v = im_ioasid_verbs(&verbs);
    const Plain *p = shell_plains(&plains);

    if (!args[0]) {
        (shell.json ? help_all_json : help_all_text)(v, verbs, p, plains);
        return true;
    }
    v = im_ioasid_verb(args[0]);
    if (v) {
        help_verb_help(v);
        return true;
    }
    for (unsigned i = 0; i < plains; i++) {
        if (strcmp(p[i].name, args[0]) == 0) {
            help_plain_help(&p[i]);
            return true;
        }
    }
    shell_fail(args[0], "no such command; help alone lists them", "");
    return true;
}
