/*
 * ioasid: the host backend by hand. Commands of the uAPI in words, a fake
 * world around it, and names for what was made.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shell.h"

#ifdef HAVE_EDITLINE
#include <editline/readline.h>
#endif

#define PROMPT  "ioasid> "

Shell shell;

/* --- lines -------------------------------------------------------------- */

static char **main_split(const char *line)
{
    g_auto(GStrv) parts = g_strsplit_set(line, " \t\r\n", -1);
    GPtrArray *words = g_ptr_array_new();

    for (unsigned i = 0; parts[i] && *parts[i] != '#'; i++) {
        if (*parts[i]) {
            g_ptr_array_add(words, g_strdup(parts[i]));
        }
    }
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(words, FALSE);
}

static const Plain *main_plain(const char *name)
{
    unsigned count;
    const Plain *p = shell_plains(&count);

    for (unsigned i = 0; i < count; i++) {
        if (strcmp(p[i].name, name) == 0) {
            return &p[i];
        }
    }
    return NULL;
}

static void main_obey_plain(const Plain *p, char **args)
{
    unsigned said = g_strv_length(args);

    if (said > p->most) {
        g_autofree char *text = g_strdup_printf(
            "%s: one word too many; usage: %s%s%s", args[p->most], p->name,
            *p->args ? " " : "", p->args);

        shell_fail(p->name, text, "");
        return;
    }
    p->run(args);
}

static void main_obey(const char *line)
{
    g_auto(GStrv) words = main_split(line);
    char **args = words;
    const char *name = NULL;
    const ImuVerb *v;
    const Plain *p;

    if (!words[0]) {
        return;
    }
    if (shell.echo) {
        printf(PROMPT "%.*s\n", (int)strcspn(line, "\r\n"), line);
    }
    if (words[1] && strcmp(words[1], "=") == 0 && words[2]) {
        name = words[0];
        args += 2;
    }
    v = im_ioasid_verb(args[0]);
    p = name ? NULL : main_plain(args[0]);
    if (v) {
        shell_verb(v, args + 1, name);
    } else if (p) {
        main_obey_plain(p, args + 1);
    } else if (!name && words[1] && *words[1] == '=') {
        shell_fail(words[0], "say NAME = COMMAND, with spaces", "");
    } else if (name && main_plain(args[0])) {
        shell_fail(args[0], "makes no handle to be kept as a name", "");
    } else {
        shell_fail(args[0], "no such command; see help", "");
    }
    world_settle(shell.w);
    shell_events();
    fflush(stdout);
}

static void main_obey_all(FILE *f)
{
    char *line = NULL;
    size_t room = 0;

    while (!shell.quit && !(shell.stop && shell.status) &&
           getline(&line, &room, f) >= 0) {
        shell.line++;
        main_obey(line);
    }
    free(line);
}

#ifdef HAVE_EDITLINE

static char *main_complete_command(const char *text, int state)
{
    static unsigned at;
    unsigned verbs, plains;
    const ImuVerb *v = im_ioasid_verbs(&verbs);
    const Plain *p = shell_plains(&plains);

    at = state ? at : 0;
    while (at < verbs + plains) {
        const char *name = at < verbs ? v[at].name : p[at - verbs].name;

        at++;
        if (g_str_has_prefix(name, text)) {
            return strdup(name);
        }
    }
    return NULL;
}

static const ImuVerb *completed;

static char *main_complete_word(const char *text, int state)
{
    static unsigned at;

    at = state ? at : 0;
    while (at < completed->record->count) {
        const ImuWord *w = &completed->record->word[at++];

        if (w->dir & IMU_WORD_IN && g_str_has_prefix(w->name, text)) {
            return strdup(w->name);
        }
    }
    return NULL;
}

static char **main_complete(const char *text, int start, int end G_GNUC_UNUSED)
{
    g_auto(GStrv) words = main_split(rl_line_buffer);
    unsigned first = words[0] && words[1] && strcmp(words[1], "=") == 0 ? 2 : 0;

    rl_attempted_completion_over = 1;
    rl_completion_append_character = ' ';
    completed = start && words[0] && words[first] ?
                    im_ioasid_verb(words[first]) :
                    NULL;
    if (completed) {
        rl_completion_append_character = '=';
        return rl_completion_matches(text, main_complete_word);
    }
    return rl_completion_matches(text, main_complete_command);
}

static void main_converse(void)
{
    char *line;

    rl_initialize();
    rl_attempted_completion_function = main_complete;
    while (!shell.quit && (line = readline(PROMPT))) {
        if (*line) {
            add_history(line);
        }
        main_obey(line);
        free(line);
    }
}

#else

static void main_converse(void)
{
    char line[4096];

    while (!shell.quit && (fputs(PROMPT, stdout), fflush(stdout),
                           fgets(line, sizeof(line), stdin))) {
        main_obey(line);
    }
}

#endif

static int main_options(int *argc, char ***argv, char ***lines)
{
    const GOptionEntry entries[] = {
        { "json", 0, 0, G_OPTION_ARG_NONE, &shell.json,
          "answer in JSON, an object a line", NULL },
        { "stop", 'e', 0, G_OPTION_ARG_NONE, &shell.stop,
          "end at the first failure", NULL },
        { "echo", 0, 0, G_OPTION_ARG_NONE, &shell.echo,
          "repeat each line of a script", NULL },
        { "command", 'c', 0, G_OPTION_ARG_STRING_ARRAY, lines,
          "obey this line and end; may be repeated", "LINE" },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    GOptionContext *o =
        g_option_context_new("[SCRIPT] - the host backend of PASIDs by hand");
    GError *err = NULL;
    int status = 0;

    g_option_context_add_main_entries(o, entries, NULL);
    if (!g_option_context_parse(o, argc, argv, &err) || *argc > 2) {
        fprintf(stderr, "ioasid: %s\n",
                err ? err->message : "one script at most");
        g_clear_error(&err);
        status = 2;
    }
    g_option_context_free(o);
    return status;
}

int main(int argc, char **argv)
{
    char **lines = NULL;
    int status;

    status = main_options(&argc, &argv, &lines);
    if (status) {
        return status;
    }
    shell.w = world_new(shell_say);
    shell.names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                        g_free);
    shell.spaces = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                         g_free);
    shell.queues = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                         g_free);
    if (lines) {
        for (unsigned i = 0;
             lines[i] && !shell.quit && !(shell.stop && shell.status); i++) {
            main_obey(lines[i]);
        }
    } else if (argc == 2) {
        FILE *f = fopen(argv[1], "r");

        if (!f) {
            perror(argv[1]);
            return 2;
        }
        main_obey_all(f);
        fclose(f);
    } else if (isatty(STDIN_FILENO)) {
        puts("help shows the commands, quit ends.");
        main_converse();
        shell.status = 0;       /* who typed a mistake saw it */
    } else {
        main_obey_all(stdin);
    }
    world_free(shell.w);
    g_hash_table_destroy(shell.names);
    g_hash_table_destroy(shell.queues);
    g_hash_table_destroy(shell.spaces);
    g_strfreev(lines);
    g_free(shell.set);
    return shell.status;
}
