/*
 * ioasid: what there is to say.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>

#include "shell.h"

/* --- a command ----------------------------------------------------------- */

static const char *direction(const ImuWord *w)
{
    return w->dir == IMU_WORD_IN ? "in" :
           w->dir == IMU_WORD_OUT ? "out" : "in/out";
}

static void word_text(const ImuWord *w)
{
    printf("  %-16s %-6s", w->name, direction(w));
    for (unsigned i = 0; w->names && w->names[i]; i++) {
        printf(" %s", w->names[i]);
    }
    for (unsigned i = 0; w->of && i < w->of->count; i++) {
        printf("%s%s", i ? "/" : " ", w->of->word[i].name);
    }
    putchar('\n');
}

/* {"NAME":"TEXT", and more to come. */
static void pair(const char *gap, const char *name, const char *text)
{
    printf("%s\"%s\":", gap, name);
    shell_json_string(text);
}

static void word_json(const ImuWord *w)
{
    const char *gap = ",\"values\":[";

    pair("{", "name", w->name);
    pair(",", "dir", direction(w));
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

static void verb_help(const ImuVerb *v)
{
    if (!shell.json) {
        printf("%s: %s\n", v->name, v->text);
        for (unsigned i = 0; i < v->record->count; i++) {
            word_text(&v->record->word[i]);
        }
        return;
    }
    pair("{", "command", v->name);
    pair(",", "text", v->text);
    fputs(",\"words\":[", stdout);
    for (unsigned i = 0; i < v->record->count; i++) {
        fputs(i ? "," : "", stdout);
        word_json(&v->record->word[i]);
    }
    puts("]}");
}

static void plain_text(const Plain *p)
{
    printf("  %s %s\n                  %s\n", p->name, p->args, p->text);
}

static void plain_json(const Plain *p)
{
    pair("{", "command", p->name);
    pair(",", "args", p->args);
    pair(",", "text", p->text);
    putchar('}');
}

static void plain_help(const Plain *p)
{
    if (shell.json) {
        plain_json(p);
        putchar('\n');
    } else {
        plain_text(p);
    }
}

/* --- all ----------------------------------------------------------------- */

static void all_text(const ImuVerb *v, unsigned verbs, const Plain *p,
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
        plain_text(&p[i]);
    }
}

static void all_json(const ImuVerb *v, unsigned verbs, const Plain *p,
                     unsigned plains)
{
    fputs("{\"commands\":[", stdout);
    for (unsigned i = 0; i < verbs; i++) {
        pair(i ? ",{" : "{", "command", v[i].name);
        pair(",", "text", v[i].text);
        putchar('}');
    }
    for (unsigned i = 0; i < plains; i++) {
        putchar(',');
        plain_json(&p[i]);
    }
    puts("]}");
}

bool shell_help(char **args)
{
    unsigned verbs, plains;
    const ImuVerb *v = im_ioasid_verbs(&verbs);
    const Plain *p = shell_plains(&plains);

    if (!args[0]) {
        (shell.json ? all_json : all_text)(v, verbs, p, plains);
        return true;
    }
    v = im_ioasid_verb(args[0]);
    if (v) {
        verb_help(v);
        return true;
    }
    for (unsigned i = 0; i < plains; i++) {
        if (strcmp(p[i].name, args[0]) == 0) {
            plain_help(&p[i]);
            return true;
        }
    }
    shell_fail(args[0], "no such command; help alone lists them", "");
    return true;
}
