/*
 * ioasid: commands that are not the uAPI's: the world around it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "im/im_dump.h"
#include "shell.h"

/* --- what is not the uAPI ----------------------------------------------- */

/* What is wrong with a word of this command, if more can be said than how it
 * is used. */
static char *wrong;

static bool plain_is_wrong(const char *word, const char *what)
{
    g_free(wrong);
    wrong = g_strdup_printf("%s is %s", word, what);
    return false;
}

static bool plain_number(const char *text, uint64_t *val)
{
    gchar *end;

    errno = 0;
    *val = text ? g_ascii_strtoull(text, &end, 0) : 0;
    if (text && g_ascii_isdigit(*text) && !*end && !errno) {
        return true;
    }
    return text &&
           plain_is_wrong(text, "no number from 0 to 0xffffffffffffffff");
}

static bool plain_usage(const char *text)
{
    g_autofree char *what = g_steal_pointer(&wrong);
    g_autofree char *all = what ? g_strdup_printf("%s: %s", text, what) : NULL;

    shell_fail("usage", all ? all : text, "");
    return true;
}

static WorldFn *plain_function(const char *text)
{
    WorldFn *f = text ? world_function(shell.w, text) : NULL;

    if (text && !f) {
        plain_is_wrong(text, "no function: ep0 and ep1 are");
    }
    return f;
}

/* 5s, 20ms, 7us, 100 */
static bool plain_duration(const char *text, uint64_t *ns)
{
    static const struct {
        const char *unit;
        uint64_t ns;
    } units[] = { { "", 1 },
                  { "ns", 1 },
                  { "us", 1000 },
                  { "ms", 1000000 },
                  { "s", 1000000000 } };
    gchar *end;

    if (!text || !g_ascii_isdigit(*text)) {
        return false;
    }
    *ns = g_ascii_strtoull(text, &end, 10);
    for (unsigned i = 0; i < G_N_ELEMENTS(units); i++) {
        if (strcmp(end, units[i].unit) == 0 &&
            *ns <= UINT64_MAX / units[i].ns) {
            *ns *= units[i].ns;
            return true;
        }
    }
    return false;
}

static bool plain_do_step(char **args)
{
    uint64_t ns;

    if (!plain_duration(args[0], &ns)) {
        return plain_usage("step TIME (5s, 20ms, 7us, 100)");
    }
    world_step(shell.w, ns);
    if (!shell.json) {
        printf("it is %" PRIu64 " ns\n", shell.w->now);
    }
    return true;
}

static bool plain_parse_dma(char **args, WorldFn **f, Dma *d)
{
    uint64_t pasid;

    *f = plain_function(args[0]);
    *d = (Dma) { 0 };
    if (!*f || !args[1]) {
        return false;
    }
    if (strcmp(args[1], "read") && strcmp(args[1], "write")) {
        return plain_is_wrong(args[1], "neither read nor write");
    }
    if (!plain_number(args[2], &d->addr)) {
        return false;
    }
    if (d->addr % 8) {
        return plain_is_wrong(args[2], "no multiple of 8");
    }
    d->write = strcmp(args[1], "write") == 0;
    for (args += 3; *args; args++) {
        if (strcmp(*args, "ats") == 0) {
            d->ats = true;
        } else if (g_str_has_prefix(*args, "pasid=")) {
            if (!plain_number(*args + 6, &pasid)) {
                return false;
            }
            if (pasid > IM_PASID_MAX) {
                return plain_is_wrong(*args + 6, "no PASID: at most 0xfffff");
            }
            d->has_pasid = true;
            d->pasid = (uint32_t)pasid;
        } else if (!plain_number(*args, &d->value)) {
            return false;
        }
    }
    return true;
}

static bool plain_do_dma(char **args)
{
    WorldFn *f;
    Dma d;

    if (!plain_parse_dma(args, &f, &d)) {
        return plain_usage("dma FUNCTION read|write ADDRESS [VALUE] [pasid=N] "
                           "[ats]");
    }
    world_dma(shell.w, f, &d);
    return true;
}

static void plain_explain_step(void *opaque G_GNUC_UNUSED, const ImStep *step)
{
    g_autofree char *clause = im_clause_text(step->clause);
    GString *s = g_string_new(step->what);

    if (step->words) {
        g_string_append_printf(s, " at 0x%" PRIx64 ":", step->addr);
        for (unsigned i = 0; i < step->words; i++) {
            g_string_append_printf(s, " 0x%" PRIx64, step->value[i]);
            if (step->fields && step->fields[i]) {
                im_dump_fields(s, step->fields[i], step->value[i]);
            }
        }
    }
    if (step->note) {
        g_string_append_printf(s, ": %s", step->note);
    }
    if (clause) {
        g_string_append_printf(s, " (%s)", clause);
    }
    shell_say(shell.w, s->str);
    g_string_free(s, TRUE);
}

static bool plain_do_explain(char **args)
{
    const char *text = NULL, *name;
    ImTxn t = { .len = 8 };
    WorldFn *f;
    uint32_t pasid;
    ImXlat x;
    Dma d;

    if (!plain_parse_dma(args, &f, &d)) {
        return plain_usage(
            "explain FUNCTION read|write ADDRESS [pasid=N] [ats]");
    }
    if (!world_on_bus(shell.w, f, &d, &pasid)) {
        shell_say(shell.w, "this PASID is not bound here");
        return true;
    }
    t.addr = d.addr;
    t.rid = f->rid;
    t.pasid = pasid;
    t.has_pasid = d.has_pasid;
    t.access = d.write && !d.ats ? IM_WRITE : IM_READ;
    t.no_write = d.ats && !d.write;
    t.at = d.ats ? IM_AT_TRANSLATION : IM_AT_UNTRANSLATED;
    x = im_ioasid_explain(shell.w->host, &t, plain_explain_step, NULL);
    name = im_ioasid_fault_name(x.fault, &text);
    if (x.status == IM_OK && x.perm) {
        g_autofree char *line = g_strdup_printf("granted: 0x%" PRIx64, x.addr);

        shell_say(shell.w, line);
    } else {
        g_autofree char *line =
            g_strdup_printf("refused: %s%s%s", name ? name : "nothing there",
                            text ? ": " : "", text ? text : "");

        shell_say(shell.w, line);
    }
    return true;
}

static bool plain_do_mute(char **args)
{
    WorldFn *f = plain_function(args[0]);

    if (!f || !args[1] || (strcmp(args[1], "on") && strcmp(args[1], "off"))) {
        return plain_usage("mute FUNCTION on|off");
    }
    f->mute = strcmp(args[1], "on") == 0;
    return true;
}

static bool plain_do_poke(char **args)
{
    uint64_t addr, value;

    if (!plain_number(args[0], &addr) ||
        !plain_number(args[0] ? args[1] : NULL, &value) ||
        !world_poke(shell.w, addr, value)) {
        return plain_usage("poke ADDRESS VALUE (64 bits of memory)");
    }
    return true;
}

static bool plain_do_peek(char **args)
{
    uint64_t addr, value;

    if (!plain_number(args[0], &addr) || !world_peek(shell.w, addr, &value)) {
        return plain_usage("peek ADDRESS (64 bits of memory)");
    }
    if (shell.json) {
        printf("{\"address\":%" PRIu64 ",\"value\":%" PRIu64 "}\n", addr,
               value);
    } else {
        printf("0x%" PRIx64 ": 0x%" PRIx64 "\n", addr, value);
    }
    return true;
}

static bool plain_do_page(char **args)
{
    uint64_t root, va, pa;
    bool ro;

    if (!args[0] || !args[1] || !args[2] || !plain_number(args[0], &root) ||
        !plain_number(args[1], &va) || !plain_number(args[2], &pa)) {
        return plain_usage("page ROOT VIRTUAL PHYSICAL [ro]");
    }
    ro = args[3] && strcmp(args[3], "ro") == 0;
    if (!world_map_page(shell.w, root, va, pa, !ro)) {
        shell_fail("page", "no memory for tables there", "");
    }
    return true;
}

static bool plain_do_state(char **args G_GNUC_UNUSED)
{
    GString *s = g_string_new(NULL);

    im_ioasid_dump(shell.w->host, NULL, s);
    if (shell.json) {
        shell_json("state", s->str);
    } else {
        fputs(s->str, stdout);
    }
    g_string_free(s, TRUE);
    return true;
}

static bool plain_do_check(char **args G_GNUC_UNUSED)
{
    g_autofree char *broken = im_ioasid_check(shell.w->host);

    if (broken) {
        shell_fail("check", broken, "");
    } else if (shell.json) {
        shell_json("check", "every invariant holds");
    } else {
        puts("every invariant holds");
    }
    return true;
}

static void plain_counter(void *gap, const char *name, uint64_t n)
{
    if (shell.json) {
        printf("%s\"%s\":%" PRIu64, *(const char **)gap, name, n);
        *(const char **)gap = ",";
    } else if (n) {
        printf("%-20s %" PRIu64 "\n", name, n);
    }
}

static bool plain_do_counters(char **args G_GNUC_UNUSED)
{
    const char *gap = "{";

    im_ioasid_ops.counters(shell.w->host, plain_counter, &gap);
    fputs(shell.json ? "}\n" : "", stdout);
    return true;
}

static bool plain_do_limit(char **args)
{
    static const char *const names[] = { "pasids", "pages", "groups" };
    ImIoasidLimits limits = shell.w->limits;
    uint64_t most = 0;
    unsigned r = 0;

    while (args[0] && r < IM_IOASID_RESOURCES && strcmp(names[r], args[0])) {
        r++;
    }
    if (!args[0] || r == IM_IOASID_RESOURCES || !plain_number(args[1], &most)) {
        return plain_usage("limit pasids|pages|groups MOST");
    }
    limits.most[r] = most;
    if (im_ioasid_owner_limit(shell.w->owner, &limits)) {
        shell_fail("limit", "the context has more than that", "");
        return true;
    }
    shell.w->limits = limits;
    return true;
}

static bool plain_do_use(char **args)
{
    if (!args[0]) {
        return plain_usage("use SET");
    }
    g_free(shell.set);
    shell.set = g_strdup(shell_value(args[0]));
    return true;
}

static bool plain_do_quit(char **args G_GNUC_UNUSED)
{
    shell.quit = true;
    return true;
}

static const Plain plains[] = {
    { "dma", "FUNCTION read|write ADDRESS [VALUE] [pasid=N] [ats]",
      "64 bits of DMA; ats: translated by the function itself", 6,
      plain_do_dma },
    { "explain", "FUNCTION read|write ADDRESS [pasid=N] [ats]",
      "why DMA is answered as it is", 5, plain_do_explain },
    { "mute", "FUNCTION on|off", "complete no invalidation", 2, plain_do_mute },
    { "page", "ROOT VIRTUAL PHYSICAL [ro]",
      "enter a page into a guest's VT-d first-stage table", 4, plain_do_page },
    { "poke", "ADDRESS VALUE", "write memory", 2, plain_do_poke },
    { "peek", "ADDRESS", "read memory", 1, plain_do_peek },
    { "step", "TIME", "let virtual time pass: 5s, 20ms, 7us", 1,
      plain_do_step },
    { "limit", "pasids|pages|groups MOST",
      "of the owner of the context; 0: no limit", 2, plain_do_limit },
    { "use", "SET", "the set of commands that name none", 1, plain_do_use },
    { "state", "", "everything the backend holds", 0, plain_do_state },
    { "check", "", "whether every invariant holds", 0, plain_do_check },
    { "counters", "", "what was counted", 0, plain_do_counters },
    { "help", "[COMMAND]", "this, or the words of a command", 1, shell_help },
    { "quit", "", "the end", 0, plain_do_quit },
};

const Plain *shell_plains(unsigned *count)
{
    *count = G_N_ELEMENTS(plains);
    return plains;
}
