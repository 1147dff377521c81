/*
 * The uAPI in words: one command.
 *
 * SPDX-License-Identifier: MIT
 */
#include "im/im_ioasid_ioctl.h"
#include "im/im_ioasid_words.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LISTS_MAX   4
#define ROOM        64              /* of an out list, unless count says */
#define BITS_MAX    4096            /* quad-words */

typedef struct CallList {
    const ImuWord *word;
    GByteArray *bytes;
    uint64_t addr;
} CallList;

struct ImuCall {
    const ImuVerb *verb;
    uint8_t record[IMU_SIZE_MAX];
    CallList list[LISTS_MAX];
    unsigned lists;
    bool room_said;             /* by count */
};

ImuCall *im_ioasid_call_new(const ImuVerb *verb)
{
    ImuCall *c = g_new0(ImuCall, 1);

    c->verb = verb;
    ((ImuHead *)(void *)c->record)->size = verb->record->size;
    return c;
}

void im_ioasid_call_free(ImuCall *c)
{
    for (unsigned i = 0; i < c->lists; i++) {
        g_byte_array_free(c->list[i].bytes, TRUE);
    }
    g_free(c);
}

/* --- numbers in and out of a record ------------------------------------- */

static void io_call_put(uint8_t *record, size_t offset, unsigned size,
                        uint64_t val)
{
    uint32_t half = (uint32_t)val;

    memcpy(record + offset, size == 4 ? (void *)&half : (void *)&val, size);
}

static uint64_t io_call_get(const uint8_t *record, size_t offset, unsigned size)
{
    uint32_t half = 0;
    uint64_t val = 0;

    memcpy(size == 4 ? (void *)&half : (void *)&val, record + offset, size);
    return size == 4 ? half : val;
}

static const ImuWord *io_call_find(const ImuRecord *r, const char *name)
{
    for (unsigned i = 0; i < r->count; i++) {
        if (strcmp(r->word[i].name, name) == 0) {
            return &r->word[i];
        }
    }
    return NULL;
}

/* --- text to values ----------------------------------------------------- */

static bool io_call_parse_number(const char *text, unsigned size, uint64_t *val)
{
    gchar *end;

    errno = 0;
    *val = g_ascii_strtoull(text, &end, 0);
    return g_ascii_isdigit(*text) && !*end && !errno &&
           (size == 8 || *val <= UINT32_MAX);
}

static bool io_call_parse_ref(const char *text, uint64_t *val)
{
    unsigned id, gen;
    char end;
    ImuRef ref;

    if (sscanf(text, "%u.%u%c", &id, &gen, &end) != 2) {
        return false;
    }
    ref = (ImuRef) { .id = id, .gen = gen };
    memcpy(val, &ref, sizeof(ref));
    return true;
}

static bool io_call_parse_name(const ImuWord *w, const char *text,
                               uint64_t *val)
{
    for (unsigned i = 0; w->names[i]; i++) {
        if (g_ascii_strcasecmp(w->names[i], text) == 0) {
            *val = i;
            return true;
        }
    }
    return io_call_parse_number(text, w->size, val);
}

static bool io_call_parse_flags(const ImuWord *w, const char *text,
                                uint64_t *val)
{
    g_auto(GStrv) parts = g_strsplit_set(text, "+,", -1);
    bool ok = true;

    *val = 0;
    for (unsigned i = 0; parts[i] && ok; i++) {
        uint64_t one = 0;

        if (*parts[i] == '\0') {
            continue;
        }
        if (io_call_parse_number(parts[i], w->size, &one)) {
            *val |= one;
        } else {
            ok = io_call_parse_name(w, parts[i], &one);
            *val |= UINT64_C(1) << one;
        }
    }
    return ok;
}

static bool io_call_parse(const ImuWord *w, const char *text, uint64_t *val)
{
    switch ((ImuWordKind)w->kind) {
    case IMU_WORD_REF:
        return io_call_parse_ref(text, val);
    case IMU_WORD_ENUM:
        return io_call_parse_name(w, text, val);
    case IMU_WORD_FLAGS:
        return io_call_parse_flags(w, text, val);
    case IMU_WORD_NUMBER:
    case IMU_WORD_HEX:
        return io_call_parse_number(text, w->size, val);
    case IMU_WORD_LIST:
    case IMU_WORD_BITS:
        break;
    }
    return false;
}

static void io_call_append_names(GString *s, const ImuWord *w)
{
    static const char *const what[] = {
        [IMU_WORD_NUMBER] = "a number",       [IMU_WORD_HEX] = "a number",
        [IMU_WORD_REF] = "an object, id.gen", [IMU_WORD_ENUM] = "one of",
        [IMU_WORD_FLAGS] = "some of",         [IMU_WORD_LIST] = "a list",
        [IMU_WORD_BITS] = "an answer",
    };

    g_string_append(s, what[w->kind]);
    if (w->kind == IMU_WORD_NUMBER || w->kind == IMU_WORD_HEX) {
        g_string_append_printf(s, " from 0 to %s",
                               w->size == 8 ? "0xffffffffffffffff" :
                                              "4294967295");
    }
    for (unsigned i = 0; w->names && w->names[i]; i++) {
        g_string_append_printf(s, " %s", w->names[i]);
    }
}

static bool io_call_say(const ImuRecord *r, uint8_t *record, const char *name,
                        const char *text, char **err)
{
    const ImuWord *w = io_call_find(r, name);
    uint64_t val = 0;
    GString *s;

    if (w && w->dir & IMU_WORD_IN && io_call_parse(w, text, &val)) {
        io_call_put(record, w->offset, w->size, val);
        return true;
    }
    s = g_string_new(name);
    if (!w || !(w->dir & IMU_WORD_IN)) {
        g_string_append_printf(s, ": not a word of %s; these are:", r->name);
        for (unsigned i = 0; i < r->count; i++) {
            if (r->word[i].dir & IMU_WORD_IN) {
                g_string_append_printf(s, " %s", r->word[i].name);
            }
        }
    } else {
        g_string_append_printf(s, "=%s: this is ", text);
        io_call_append_names(s, w);
    }
    *err = g_string_free(s, FALSE);
    return false;
}

/* --- lists -------------------------------------------------------------- */

static CallList *io_call_list_of(ImuCall *c, const ImuWord *w)
{
    CallList *l;

    for (unsigned i = 0; i < c->lists; i++) {
        if (c->list[i].word == w) {
            return &c->list[i];
        }
    }
    g_assert(c->lists < LISTS_MAX);
    l = &c->list[c->lists++];
    l->word = w;
    l->bytes = g_byte_array_new();
    l->addr = IMU_CALL_BASE + (uint64_t)c->lists * (1u << 24);
    return l;
}

static void io_call_grow(CallList *l, size_t bytes)
{
    unsigned old = l->bytes->len;

    g_byte_array_set_size(l->bytes, (guint)(old + bytes));
    memset(l->bytes->data + old, 0, bytes);
}

bool im_ioasid_call_add(ImuCall *c, const char *name, char **err)
{
    const ImuWord *w = io_call_find(c->verb->record, name);

    if (!w || w->kind != IMU_WORD_LIST || !(w->dir & IMU_WORD_IN)) {
        *err = g_strdup_printf("%s: not a list of %s", name, c->verb->name);
        return false;
    }
    if (io_call_list_of(c, w)->bytes->len >= 1u << 22) {
        *err = g_strdup_printf("%s: too long", name);
        return false;
    }
    io_call_grow(io_call_list_of(c, w), w->of->size);
    return true;
}

bool im_ioasid_call_set(ImuCall *c, const char *list, const char *word,
                        const char *text, char **err)
{
    const ImuRecord *r = c->verb->record;
    const ImuWord *w = list ? io_call_find(r, list) : NULL;
    CallList *l;

    if (!list) {
        c->room_said |= strcmp(word, "count") == 0;
        return io_call_say(r, c->record, word, text, err);
    }
    g_assert(w);
    l = io_call_list_of(c, w);
    g_assert(l->bytes->len >= w->of->size);
    return io_call_say(w->of, l->bytes->data + l->bytes->len - w->of->size,
                       word, text, err);
}

/* Offer room for what comes out, say where everything is. */
static void io_call_place_lists(ImuCall *c)
{
    const ImuRecord *r = c->verb->record;

    for (unsigned i = 0; i < r->count; i++) {
        const ImuWord *w = &r->word[i];

        if (w->kind == IMU_WORD_BITS) {
            uint64_t page = im_ioasid_call_number(c, "page-size");
            uint64_t n = page ? im_ioasid_call_number(c, "length") / page : 0;

            io_call_grow(io_call_list_of(c, w),
                         8 * (size_t)(MIN(n / 64, BITS_MAX - 1) + 1));
        } else if (w->kind == IMU_WORD_LIST && w->dir == IMU_WORD_OUT) {
            uint64_t n = io_call_get(c->record, w->count, 4);

            n = c->room_said ? MIN(n, 4096) : ROOM;
            io_call_put(c->record, w->count, 4, n);
            io_call_grow(io_call_list_of(c, w), (size_t)n * w->of->size);
        }
    }
    for (unsigned i = 0; i < c->lists; i++) {
        const CallList *l = &c->list[i];
        const ImuWord *w = l->word;

        io_call_put(c->record, w->offset, 8, l->addr);
        if (w->kind == IMU_WORD_LIST && w->dir == IMU_WORD_IN) {
            io_call_put(c->record, w->count, 4,
                        w->bytes ? l->bytes->len : l->bytes->len / w->of->size);
        }
        if (w->stride) {
            io_call_put(c->record, w->stride, 4, w->of->size);
        }
    }
}

/* --- user memory -------------------------------------------------------- */

int im_ioasid_call_access(ImuCall *c, uint64_t addr, void *buf, size_t len,
                          bool write)
{
    uint8_t *at = NULL;

    if (addr >= IMU_CALL_BASE && len <= c->verb->record->size &&
        addr - IMU_CALL_BASE <= c->verb->record->size - len) {
        at = c->record + (addr - IMU_CALL_BASE);
    }
    for (unsigned i = 0; i < c->lists && !at; i++) {
        const CallList *l = &c->list[i];

        if (addr >= l->addr && len <= l->bytes->len &&
            addr - l->addr <= l->bytes->len - len) {
            at = l->bytes->data + (addr - l->addr);
        }
    }
    if (!at) {
        return -EFAULT;
    }
    memcpy(write ? at : buf, write ? buf : at, len);
    return 0;
}

int im_ioasid_call_run(ImuCall *c, ImIoasidCtx *ctx)
{
    io_call_place_lists(c);
    return im_ioasid_ioctl(ctx, IMU_IOCTL(c->verb->command), IMU_CALL_BASE);
}

/* --- values to text ----------------------------------------------------- */

static void io_call_show_flags(const ImuWord *w, uint64_t val, GString *s)
{
    for (unsigned i = 0; w->names[i]; i++) {
        if (val >> i & 1) {
            g_string_append_printf(s, "%s%s", s->len ? "+" : "", w->names[i]);
            val &= ~(UINT64_C(1) << i);
        }
    }
    if (val) {
        g_string_append_printf(s, "%s0x%" PRIx64, s->len ? "+" : "", val);
    }
}

static void io_call_show(const ImuWord *w, uint64_t val, GString *s)
{
    unsigned n = 0;
    ImuRef ref;

    g_string_truncate(s, 0);
    switch ((ImuWordKind)w->kind) {
    case IMU_WORD_REF:
        memcpy(&ref, &val, sizeof(ref));
        g_string_printf(s, "%u.%u", ref.id, ref.gen);
        return;
    case IMU_WORD_FLAGS:
        io_call_show_flags(w, val, s);
        return;
    case IMU_WORD_ENUM:
        while (w->names[n] && n < val) {
            n++;
        }
        if (w->names[n]) {
            g_string_append(s, w->names[n]);
            return;
        }
        break;
    case IMU_WORD_HEX:
        g_string_printf(s, "0x%" PRIx64, val);
        return;
    case IMU_WORD_NUMBER:
    case IMU_WORD_LIST:
    case IMU_WORD_BITS:
        break;
    }
    g_string_printf(s, "%" PRIu64, val);
}

static const ImuWord bits_word = { .name = "bits", .kind = IMU_WORD_HEX };

static void io_call_list_results(const ImuCall *c, const CallList *l,
                                 ImuResultFn *fn, void *opaque, GString *text)
{
    const ImuWord *w = l->word;
    unsigned size = w->of ? w->of->size : 8;
    uint64_t n = l->bytes->len / size;

    if (w->of) {
        n = MIN(n, io_call_get(c->record, w->count, 4));
    }
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *record = l->bytes->data + (size_t)i * size;

        if (!w->of) {
            io_call_show(&bits_word, io_call_get(record, 0, 8), text);
            fn(opaque, w, (int)i, &bits_word, text->str);
            continue;
        }
        for (unsigned k = 0; k < w->of->count; k++) {
            const ImuWord *m = &w->of->word[k];

            io_call_show(m, io_call_get(record, m->offset, m->size), text);
            fn(opaque, w, (int)i, m, text->str);
        }
    }
}

/* 3.6 of the document: what an error defines. */
static bool io_call_defined(const ImuCall *c, int error, const ImuWord *w)
{
    return error == 0 ?
               w->dir & IMU_WORD_OUT :
               w->dir & IMU_WORD_ERROR &&
                   (error == -ENOSPC || error == -EMSGSIZE ||
                    error == -EDQUOT || c->verb->command == IMU_CMD_INVALIDATE);
}

void im_ioasid_call_results(const ImuCall *c, int error, ImuResultFn *fn,
                            void *opaque)
{
    const ImuRecord *r = c->verb->record;
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < r->count; i++) {
        const ImuWord *w = &r->word[i];

        if (!io_call_defined(c, error, w)) {
            continue;
        }
        if (w->kind != IMU_WORD_LIST && w->kind != IMU_WORD_BITS) {
            io_call_show(w, io_call_get(c->record, w->offset, w->size), text);
            fn(opaque, NULL, 0, w, text->str);
            continue;
        }
        fn(opaque, w, -1, NULL, NULL);
        for (unsigned k = 0; k < c->lists; k++) {
            if (c->list[k].word == w) {
                io_call_list_results(c, &c->list[k], fn, opaque, text);
            }
        }
    }
    g_string_free(text, TRUE);
}

uint64_t im_ioasid_call_number(const ImuCall *c, const char *word)
{
    const ImuWord *w = io_call_find(c->verb->record, word);

    g_assert(w);
    return io_call_get(c->record, w->offset, w->size);
}
