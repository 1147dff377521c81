/*
 * The uAPI in words, against the ABI that is checked in: every member that a
 * user fills in or reads has a word, with its place and size.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "im/im_ioasid_words.h"

typedef struct Member {
    const char *type, *name;
    size_t at, bytes;
} Member;

#define ABI_STRUCT(type, bytes)
#define ABI_VALUE(name, value)
#define ABI_COMMAND(nr, name, type, least)
#define ABI_MEMBER(type, member, at, bytes)  { #type, #member, at, bytes },
static const Member members[] = {
#include "im/spec/ioasid_abi.h.inc"
};

typedef struct Command {
    uint32_t number;
    const char *type;
    size_t size;
} Command;

#undef ABI_MEMBER
#undef ABI_COMMAND
#define ABI_MEMBER(type, member, at, bytes)
#define ABI_COMMAND(nr, name, type, least)  { nr, #type, sizeof(type) },
static const Command commands[] = {
#include "im/spec/ioasid_abi.h.inc"
};

/* What the call fills in by itself: sizes, counts, where a list is. */
static bool not_said(const char *type, const char *name)
{
    static const char *const rows[] = {
        "ImuSpaceCreate.data_size", "ImuAllow.count",
        "ImuInvalidate.entry_size", "ImuEnum.entry_size",
        "ImuRestore.count",         "ImuRestore.move_count",
        "ImuRestore.func_count",    "ImuFaultRead.fault_size",
        "ImuFaultLog.fault_size",
    };
    g_autofree char *full = g_strdup_printf("%s.%s", type, name);

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (strcmp(rows[i], full) == 0) {
            return true;
        }
    }
    return strcmp(name, "reserved") == 0;
}

static bool has_word(const ImuRecord *r, size_t at, size_t bytes)
{
    for (unsigned i = 0; i < r->count; i++) {
        const ImuWord *w = &r->word[i];

        if (w->offset >= at && (size_t)w->offset + w->size <= at + bytes) {
            return true;
        }
    }
    return false;
}

static void check_record(const ImuRecord *r, const char *type)
{
    unsigned found = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
        const Member *m = &members[i];

        if (strcmp(m->type, type) == 0 && !not_said(type, m->name)) {
            found++;
            if (!has_word(r, m->at, m->bytes)) {
                g_error("%s.%s has no word", type, m->name);
            }
        }
    }
    g_assert_cmpuint(found, >, 0);
    for (unsigned i = 0; i < r->count; i++) {
        const ImuWord *w = &r->word[i];

        g_assert_true(w->size == 4 || w->size == 8);
        g_assert_cmpuint(w->offset + w->size, <=, r->size);
        if (w->of) {
            check_record(w->of, w->of->name);
        }
    }
}

static void every_member(void)
{
    unsigned count;
    const ImuVerb *v = im_ioasid_verbs(&count);

    g_assert_cmpuint(count, ==, G_N_ELEMENTS(commands));
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        const ImuVerb *verb = NULL;

        for (unsigned k = 0; k < count; k++) {
            verb = v[k].command == commands[i].number ? &v[k] : verb;
        }
        g_assert_nonnull(verb);
        g_assert_cmpuint(verb->record->size, ==, commands[i].size);
        check_record(verb->record, commands[i].type);
        g_assert_true(im_ioasid_verb(verb->name) == verb);
    }
    g_assert_null(im_ioasid_verb("none"));
}

/* Every error that the document knows. */
static void every_error(void)
{
    /* clang-format off */
    static const int known[] = {
        ENOTTY, EFAULT, EINVAL, E2BIG, EOPNOTSUPP, EPERM, ENOENT, ENODEV,
        EBUSY, EEXIST, EADDRINUSE, EOVERFLOW, EDQUOT, ENOSPC, ENOMEM,
        EMSGSIZE, EALREADY, ETIMEDOUT, EBADMSG,
    };
    /* clang-format on */

    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        const char *text = NULL;

        g_assert_nonnull(im_ioasid_error(-known[i], &text));
        g_assert_nonnull(text);
    }
    g_assert_null(im_ioasid_error(-EIO, NULL));
    g_assert_null(im_ioasid_error(0, NULL));
    g_assert_null(im_ioasid_event_name(1000));
    g_assert_null(im_ioasid_state_name(1000));
    g_assert_cmpstr(im_ioasid_event_name(IMU_EVENT_DEV_GONE), ==, "DEV_GONE");
    g_assert_cmpstr(im_ioasid_state_name(IMU_PASID_QUARANTINE), ==,
                    "quarantine");
}

/* --- values ------------------------------------------------------------- */

typedef struct SayRow {
    const char *verb, *word, *text;
    bool good;
    uint64_t value;
} SayRow;

static const SayRow says[] = {
    { "pasid-alloc", "min", "12", true, 12 },
    { "pasid-alloc", "min", "0x10", true, 16 },
    { "pasid-alloc", "min", "4294967295", true, UINT32_MAX },
    { "pasid-alloc", "min", "4294967296", false, 0 },
    { "pasid-alloc", "min", "-1", false, 0 },
    { "pasid-alloc", "min", " 1", false, 0 },
    { "pasid-alloc", "min", "", false, 0 },
    { "pasid-alloc", "min", "1x", false, 0 },
    { "map", "iova", "0xffffffffffffffff", true, UINT64_MAX },
    { "map", "iova", "0x10000000000000000", false, 0 },
    { "map", "flags", "read+write", true, 3 },
    { "map", "flags", "read,fixed", true, 9 },
    { "map", "flags", "0x80", true, 0x80 },
    { "map", "flags", "read+0x80", true, 0x81 },
    { "map", "flags", "", true, 0 },
    { "map", "flags", "none", false, 0 },
    { "set-create", "map-mode", "TRANSLATE", true, IMU_MODE_TRANSLATE },
    { "set-create", "map-mode", "7", true, 7 },
    { "set-create", "map-mode", "else", false, 0 },
    { "pasid-alloc", "exhausted", "1", false, 0 },
    { "pasid-alloc", "none", "1", false, 0 },
    { "allow", "ranges", "1", false, 0 },
};

static void say_row(const void *data)
{
    const SayRow *row = data;
    ImuCall *c = im_ioasid_call_new(im_ioasid_verb(row->verb));
    char *err = NULL;

    g_assert_cmpint(im_ioasid_call_set(c, NULL, row->word, row->text, &err), ==,
                    row->good);
    g_assert_cmpint(err == NULL, ==, row->good);
    if (row->good) {
        g_assert_cmphex(im_ioasid_call_number(c, row->word), ==, row->value);
    }
    g_free(err);
    im_ioasid_call_free(c);
}

static void handles(void)
{
    static const char *const bad[] = { "",      "1",   "1.",  ".1",
                                       "1.2.3", "a.b", "1.2 " };
    ImuCall *c = im_ioasid_call_new(im_ioasid_verb("set-query"));
    ImuSetQuery q;
    char *err = NULL;

    g_assert_true(im_ioasid_call_set(c, NULL, "set", "7.9", &err));
    g_assert_cmpint(
        im_ioasid_call_access(c, IMU_CALL_BASE, &q, sizeof(q), false), ==, 0);
    g_assert_cmpuint(q.head.size, ==, sizeof(q));
    g_assert_cmpuint(q.set.id, ==, 7);
    g_assert_cmpuint(q.set.gen, ==, 9);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_false(im_ioasid_call_set(c, NULL, "set", bad[i], &err));
        g_clear_pointer(&err, g_free);
    }
    im_ioasid_call_free(c);
}

/* The call's memory ends where it ends. */
static void outside(void)
{
    ImuCall *c = im_ioasid_call_new(im_ioasid_verb("set-destroy"));
    uint8_t buf[64] = { 0 };
    size_t size = sizeof(ImuSetDestroy);
    static const uint64_t wild[] = { 0, 1, IMU_CALL_BASE - 1, UINT64_MAX };

    for (size_t i = 0; i < G_N_ELEMENTS(wild); i++) {
        g_assert_cmpint(im_ioasid_call_access(c, wild[i], buf, 8, true), ==,
                        -EFAULT);
    }
    g_assert_cmpint(im_ioasid_call_access(c, IMU_CALL_BASE, buf, size, true),
                    ==, 0);
    g_assert_cmpint(im_ioasid_call_access(c, IMU_CALL_BASE, buf, size + 1,
                                          true),
                    ==, -EFAULT);
    g_assert_cmpint(im_ioasid_call_access(c, IMU_CALL_BASE + size, buf, 1,
                                          false),
                    ==, -EFAULT);
    im_ioasid_call_free(c);
}

static void lists(void)
{
    ImuCall *c = im_ioasid_call_new(im_ioasid_verb("allow"));
    char *err = NULL;

    g_assert_true(im_ioasid_call_add(c, "ranges", &err));
    g_assert_true(im_ioasid_call_set(c, "ranges", "first", "5", &err));
    g_assert_true(im_ioasid_call_set(c, "ranges", "last", "0x10", &err));
    g_assert_false(im_ioasid_call_set(c, "ranges", "middle", "7", &err));
    g_clear_pointer(&err, g_free);
    g_assert_false(im_ioasid_call_add(c, "space", &err));
    g_clear_pointer(&err, g_free);
    g_assert_false(im_ioasid_call_add(c, "none", &err));
    g_clear_pointer(&err, g_free);
    im_ioasid_call_free(c);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/words/every-member", every_member);
    g_test_add_func("/words/every-error", every_error);
    g_test_add_func("/words/handles", handles);
    g_test_add_func("/words/outside", outside);
    g_test_add_func("/words/lists", lists);
    for (size_t i = 0; i < G_N_ELEMENTS(says); i++) {
        g_autofree char *path = g_strdup_printf("/words/say/%s-%s/%zu",
                                                says[i].verb, says[i].word, i);

        g_test_add_data_func(path, &says[i], say_row);
    }
    return g_test_run();
}
