/*
 * ioasid: the host backend by hand. What its files share: ioasid.c reads
 * lines, verbs.c obeys commands of the uAPI, plain.c the others.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TOOLS_SHELL_H
#define TOOLS_SHELL_H

#include "world.h"

typedef struct Shell {
    World *w;
    GHashTable *names;          /* name -> "id.gen" */
    char *set;                  /* when a command does not say */
    GHashTable *queues;         /* set -> the queue of what is told */
    gboolean json;              /* GOption's */
    gboolean stop;              /* at the first failure */
    gboolean echo;              /* lines that nobody typed */
    bool quit;
    int status;
} Shell;

extern Shell shell;

typedef struct Plain {
    const char *name, *args, *text;
    bool (*run)(char **args);
} Plain;

/* A line for people; for a program {"note": line}. */
void shell_say(World *w, const char *line);
void shell_json(const char *what, const char *text);
/* name: text, and what more there is to say. */
void shell_fail(const char *name, const char *text, const char *more);

/* $NAME is a handle. */
const char *shell_value(const char *text);
void shell_verb(const ImuVerb *v, char **args, const char *name);
/* The events that came since the last time. */
void shell_events(void);

const Plain *shell_plains(unsigned *count);

#endif /* TOOLS_SHELL_H */
