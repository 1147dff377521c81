/*
 * ioasid: the host backend by hand. What its files share: ioasid.c reads
 * lines, verbs.c obeys commands of the uAPI, plain.c the others; why.c says
 * what was wrong with one, help.c what there is.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TOOLS_SHELL_H
#define TOOLS_SHELL_H

#include "world.h"

/* What a space was created as. */
typedef struct ShellSpace {
    uint64_t kind;
    uint64_t flags;
} ShellSpace;

typedef struct Shell {
    World *w;
    GHashTable *names;          /* name -> "id.gen" */
    char *set;                  /* when a command does not say */
    GHashTable *queues;         /* set -> the queue of what is told */
    GHashTable *spaces;         /* "id.gen" -> ShellSpace */
    unsigned line;              /* of a script, from 1 on; else 0 */
    gboolean json;              /* GOption's */
    gboolean stop;              /* at the first failure */
    gboolean echo;              /* lines that nobody typed */
    bool quit;
    int status;
} Shell;

extern Shell shell;

typedef struct Plain {
    const char *name, *args, *text;
    unsigned most;              /* words */
    bool (*run)(char **args);
} Plain;

/* A line for people; for a program {"note": line}. */
void shell_say(World *w, const char *line);
void shell_json(const char *what, const char *text);
/* With quotes. */
void shell_json_string(const char *text);
/* name: text, and what more there is to say; in a script that nobody sees,
 * where. */
void shell_fail(const char *name, const char *text, const char *more);

/* $NAME is a handle. */
const char *shell_value(const char *text);
void shell_verb(const ImuVerb *v, char **args, const char *name);
/* EINVAL: which word of the command is to blame, and what would be right. */
bool shell_why(const ImuVerb *v, const ImuCall *call, const char **word,
               const char **why);
/* The events that came since the last time. */
void shell_events(void);

const Plain *shell_plains(unsigned *count);
/* args: a command, or nothing for all. */
bool shell_help(char **args);

#endif /* TOOLS_SHELL_H */
