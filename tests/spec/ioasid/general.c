/*
 * Section 3 of docs/uapi.rst, of every command: sizes, flags, reserved
 * members, handles, user addresses; which error comes first.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/io_world.h"
#include "lib/spec.h"

typedef struct Fixture {
    Io *io;
    IoWorld w;
} Fixture;

static void fixture(Fixture *f)
{
    f->io = io_new(NULL);
    io_world_init(&f->w, f->io, 0);
}

static const IoCommand *row_of(uint32_t number)
{
    for (unsigned i = 0; i < io_command_count; i++) {
        if (io_commands[i].number == number) {
            return &io_commands[i];
        }
    }
    return NULL;
}

/* --- every structure that is used below is right to begin with ---------- */

static void good(const void *data)
{
    const IoCommand *c = data;
    Fixture f;
    IoAny any;

    fixture(&f);
    io_good(&f.w, c->number, &any);
    g_assert_cmpint(io_obey(f.io, c->number, &any, c->size), ==, 0);
    io_free(f.io);
}

/* --- 3.1 ---------------------------------------------------------------- */

static void too_short(const void *data)
{
    const IoCommand *c = data;
    Fixture f;

    fixture(&f);
    for (uint32_t size = 0; size < c->minimum; size++) {
        g_autofree char *before = io_dump(f.io);
        uint64_t arg = io_at(f.io, 20);
        IoAny any;

        io_good(&f.w, c->number, &any);
        any.head.size = size;
        io_put(f.io, arg, &any, c->size);
        g_assert_cmpint(io_raw(f.io, c->number, arg), ==, -EINVAL);
        io_same(f.io, before);
    }
    io_free(f.io);
}

static void longer(const void *data)
{
    const IoCommand *c = data;
    const uint32_t sizes[] = { c->minimum, c->size + 1, c->size + 8,
                               c->size + 200, IMU_SIZE_MAX };

    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        uint8_t mark[8], back[8];
        Fixture f;
        IoAny any;
        uint64_t arg;

        fixture(&f);
        arg = io_at(f.io, 20);
        io_good(&f.w, c->number, &any);
        any.head.size = sizes[i];
        io_put(f.io, arg, &any, MAX(c->size, sizes[i]));
        memset(mark, 0xa5, sizeof(mark));
        io_put(f.io, arg + MAX(c->size, sizes[i]), mark, sizeof(mark));
        g_assert_cmpint(io_raw(f.io, c->number, arg), ==, 0);
        io_get(f.io, arg + MAX(c->size, sizes[i]), back, sizeof(back));
        g_assert_cmpmem(mark, sizeof(mark), back, sizeof(back));
        io_free(f.io);
    }
}

/* A tail is not written back: it may be where nothing can be. */
static void tail_read_only(const void *data)
{
    const IoCommand *c = data;
    Fixture f;
    uint64_t arg;
    IoAny any;

    fixture(&f);
    arg = io_at(f.io, IO_RO_PAGE) - c->size;
    io_good(&f.w, c->number, &any);
    any.head.size = c->size + 64;
    io_put(f.io, arg, &any, c->size);
    g_assert_cmpint(io_raw(f.io, c->number, arg), ==, 0);
    io_free(f.io);
}

static void tail_not_zero(const void *data)
{
    const IoCommand *c = data;
    Fixture f;

    fixture(&f);
    for (uint32_t size = c->size + 1; size <= IMU_SIZE_MAX;
         size += size < c->size + 20 ? 1 : 997) {
        for (unsigned side = 0; side < 2; side++) {
            g_autofree char *before = io_dump(f.io);
            uint64_t arg = io_at(f.io, 20);
            IoAny any;

            io_good(&f.w, c->number, &any);
            any.head.size = size;
            any.byte[side ? size - 1 : c->size] = 0x80;
            io_put(f.io, arg, &any, size);
            g_assert_cmpint(io_raw(f.io, c->number, arg), ==, -E2BIG);
            io_same(f.io, before);
        }
    }
    io_free(f.io);
}

static void much_too_long(const void *data)
{
    static const uint32_t sizes[] = { IMU_SIZE_MAX + 1, 0x10000, 0x7fffffff,
                                      0x80000000, UINT32_MAX };
    const IoCommand *c = data;
    Fixture f;

    fixture(&f);
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree char *before = io_dump(f.io);
        uint64_t arg = io_at(f.io, 20);
        IoAny any;

        io_good(&f.w, c->number, &any);
        any.head.size = sizes[i];
        io_put(f.io, arg, &any, c->size);
        g_assert_cmpint(io_raw(f.io, c->number, arg), ==, -E2BIG);
        io_same(f.io, before);
    }
    io_free(f.io);
}

/* --- 3.2 ---------------------------------------------------------------- */

static void unknown_flags(const void *data)
{
    const IoCommand *c = data;
    Fixture f;

    fixture(&f);
    for (unsigned bit = 0; bit < 32; bit++) {
        IoAny any;

        if (c->flags >> bit & 1) {
            continue;
        }
        io_good(&f.w, c->number, &any);
        any.head.flags |= 1u << bit;
        g_assert_cmpint(io_obey(f.io, c->number, &any, c->size), ==,
                        -EOPNOTSUPP);
    }
    io_free(f.io);
}

static void reserved_members(const void *data)
{
    const IoCommand *c = data;
    IoReserved r[4];
    unsigned n = io_reserved(c->number, r, G_N_ELEMENTS(r));
    Fixture f;

    fixture(&f);
    for (unsigned i = 0; i < n; i++) {
        for (unsigned bit = 0; bit < 8 * r[i].size; bit++) {
            IoAny any;

            io_good(&f.w, c->number, &any);
            any.byte[r[i].offset + bit / 8] |= (uint8_t)(1u << bit % 8);
            g_assert_cmpint(io_obey(f.io, c->number, &any, c->size), ==,
                            -EOPNOTSUPP);
        }
    }
    io_free(f.io);
}

typedef struct Enumerator {
    uint32_t command;
    uint32_t offset;
    uint32_t known;
} Enumerator;

#define E(name, type, member, n) \
    { IMU_CMD_##name, offsetof(type, member), n }

static const Enumerator enumerators[] = {
    E(INFO, ImuInfo, kind, IMU_KINDS),
    E(SET_CREATE, ImuSetCreate, map_mode, 3),
    E(SET_CREATE, ImuSetCreate, pool, 2),
    E(SPACE_CREATE, ImuSpaceCreate, kind, 4),
    E(SPACE_CREATE, ImuSpaceCreate, format, 3),
    E(INVALIDATE, ImuInvalidate, target, 3),
    E(INVALIDATE, ImuInvalidate, gran, 3),
    E(FAULT_ANSWER, ImuAnswer, code, 3),
};

static void unknown_enumerators(void)
{
    static const uint32_t far[] = { 0, 1, 0x100, 0x7ffffffe, 0xfffffff0 };
    Fixture f;

    fixture(&f);
    for (unsigned i = 0; i < G_N_ELEMENTS(enumerators); i++) {
        const Enumerator *e = &enumerators[i];

        for (unsigned j = 0; j < G_N_ELEMENTS(far); j++) {
            uint32_t v = e->known + far[j];
            IoAny any;

            io_good(&f.w, e->command, &any);
            memcpy(any.byte + e->offset, &v, sizeof(v));
            g_assert_cmpint(io_obey(f.io, e->command, &any,
                                    row_of(e->command)->size),
                            ==, -EOPNOTSUPP);
        }
    }
    io_free(f.io);
}

/* --- 3.3 ---------------------------------------------------------------- */

/* A handle of the kind whose object is no more. */
static ImuRef stale(IoWorld *w, ImuKind kind)
{
    Io *io = w->io;
    ImuRef set;

    switch (kind) {
    case IMU_KIND_SET:
        set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
        g_assert_cmpint(IO(io, SET_DESTROY, ImuSetDestroy, .set = set), ==, 0);
        return set;
    case IMU_KIND_PASID: {
        ImuRef p = io_alloc(io, w->set).pasid;

        io_pasid_free(io, w->set, p);
        return p;
    }
    case IMU_KIND_DEV: {
        ImuRef d = io_bind(io, w->set, 5);

        g_assert_cmpint(
            IO(io, DEV_UNBIND, ImuDevUnbind, .set = w->set, .dev = d), ==, 0);
        return d;
    }
    case IMU_KIND_SPACE: {
        ImuRef s = io_mapped(io, w->set, 0, io_none());

        g_assert_cmpint(IO(io, SPACE_DESTROY, ImuSpaceDestroy, .set = w->set,
                           .space = s),
                        ==, 0);
        return s;
    }
    case IMU_KIND_FAULTQ: {
        ImuRef q = io_faultq(io, w->set, 0);

        g_assert_cmpint(IO(io, FAULTQ_DESTROY, ImuQueueDestroy, .set = w->set,
                           .queue = q),
                        ==, 0);
        return q;
    }
    default: {
        ImuRef q = io_evq(io, w->set, 1);

        g_assert_cmpint(IO(io, EVQ_DESTROY, ImuQueueDestroy, .set = w->set,
                           .queue = q),
                        ==, 0);
        return q;
    }
    }
}

static void no_entry(Fixture *f, const IoHandle *h, ImuRef wrong)
{
    const IoCommand *c = row_of(h->command);
    IoAny any;

    io_good(&f->w, h->command, &any);
    memcpy(any.byte + h->offset, &wrong, sizeof(wrong));
    g_assert_cmpint(io_obey(f->io, h->command, &any, c->size), ==, -ENOENT);
}

/* An object of another opener. */
static void another_openers(Fixture *f, const IoHandle *h)
{
    Io *io = f->io;
    IoWorld other;
    ImuRef is;

    io_open(io, 0);
    io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    other = (IoWorld) { .io = io, .ctx = io->ctx };
    other.set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    other.bound = io_alloc(io, other.set);
    other.parent = io_mapped(io, other.set, IMU_SPACE_PARENT, io_none());
    other.faultq = io_faultq(io, other.set, 0);
    other.evq = io_evq(io, other.set, 1);
    other.dev = io_bind(io, other.set, 5);
    io_use(io, f->w.ctx);
    is = io_some(&other, h->kind);
    /* Numbers of two openers may be equal; then it is one's own. */
    if (!io_ref_eq(is, f->w.set) && !io_ref_eq(is, f->w.dev) &&
        !io_ref_eq(is, f->w.idle_dev) && !io_ref_eq(is, f->w.parent) &&
        !io_ref_eq(is, f->w.nested) && !io_ref_eq(is, f->w.spare) &&
        !io_ref_eq(is, f->w.block) && !io_ref_eq(is, f->w.bound.pasid) &&
        !io_ref_eq(is, f->w.idle.pasid) && !io_ref_eq(is, f->w.evq) &&
        !io_ref_eq(is, f->w.faultq) && !io_ref_eq(is, f->w.spare_faultq) &&
        !(h->kind == IMU_KIND_SET && is.id <= 2)) {
        no_entry(f, h, is);
    }
}

static void wrong_handles(const void *data)
{
    const IoHandle *h = data;
    IoWorld twin;
    ImuRef is;
    Fixture f;
    IoAny any;

    fixture(&f);
    io_good(&f.w, h->command, &any);
    memcpy(&is, any.byte + h->offset, sizeof(is));

    no_entry(&f, h, (ImuRef) { is.id, is.gen + 1 });
    no_entry(&f, h, (ImuRef) { is.id, is.gen - 1 });
    no_entry(&f, h, (ImuRef) { is.id, 0 });
    no_entry(&f, h, (ImuRef) { is.id + 1000, is.gen });
    no_entry(&f, h, (ImuRef) { UINT32_MAX, is.gen });
    no_entry(&f, h, (ImuRef) { UINT32_MAX, UINT32_MAX });
    no_entry(&f, h, (ImuRef) { 0, is.gen });
    no_entry(&f, h, (ImuRef) { 0x80000000u | is.id, is.gen });
    if (!h->may_be_none) {
        no_entry(&f, h, io_none());
    }
    for (ImuKind k = IMU_KIND_SET; k < IMU_KINDS; k++) {
        if (k != h->kind) {
            no_entry(&f, h, io_some(&f.w, k));
        }
    }
    no_entry(&f, h, stale(&f.w, h->kind));

    /* Of another set of this opener, and of another opener. */
    if (h->kind != IMU_KIND_SET) {
        io_world_init(&twin, f.io, 2);
        no_entry(&f, h, io_some(&twin, h->kind));
    }
    another_openers(&f, h);
    io_free(f.io);
}

/* A number comes back with another generation, always. */
static void generations(void)
{
    Fixture f;
    ImuRef last = { 0, 0 };
    unsigned reused = 0;

    fixture(&f);
    for (unsigned i = 0; i < 200; i++) {
        ImuRef s = io_mapped(f.io, f.w.set, 0, io_none());

        g_assert_false(io_ref_eq(s, last));
        reused += s.id == last.id;
        if (last.id) {
            g_assert_cmpint(IO(f.io, SPACE_DESTROY, ImuSpaceDestroy,
                               .set = f.w.set, .space = last),
                            ==, -ENOENT);
        }
        g_assert_cmpint(IO(f.io, SPACE_DESTROY, ImuSpaceDestroy, .set = f.w.set,
                           .space = s),
                        ==, 0);
        last = s;
    }
    g_test_message("%u numbers came back at once", reused);
    io_free(f.io);
}

/* --- user addresses ----------------------------------------------------- */

static void wild_structures(const void *data)
{
    const IoCommand *c = data;
    uint64_t end;
    Fixture f;

    fixture(&f);
    end = io_at(f.io, 0) + IO_PAGES * IO_PAGE;
    {
        const uint64_t wild[] = { 0,
                                  1,
                                  8,
                                  IO_WILD,
                                  UINT64_MAX,
                                  UINT64_MAX - 3,
                                  UINT64_MAX - 7,
                                  UINT64_C(1) << 63,
                                  io_at(f.io, 0) - 8,
                                  end,
                                  end - 4,
                                  end - c->size + 1 };

        for (unsigned i = 0; i < G_N_ELEMENTS(wild); i++) {
            g_autofree char *before = io_dump(f.io);

            if (wild[i] >= end - c->size && wild[i] < end) {
                uint32_t size = c->size;

                io_put(f.io, wild[i], &size, sizeof(size));
            }
            g_assert_cmpint(io_raw(f.io, c->number, wild[i]), ==, -EFAULT);
            io_same(f.io, before);
        }
    }
    io_free(f.io);
}

static void read_only_structure(const void *data)
{
    const IoCommand *c = data;
    g_autofree char *before = NULL;
    Fixture f;
    IoAny any;

    fixture(&f);
    io_good(&f.w, c->number, &any);
    any.head.size = c->size;
    io_put(f.io, io_at(f.io, IO_RO_PAGE), &any, c->size);
    before = io_dump(f.io);
    g_assert_cmpint(io_raw(f.io, c->number, io_at(f.io, IO_RO_PAGE)), ==,
                    c->results ? -EFAULT : 0);
    if (c->results) {
        io_same(f.io, before);
    }
    io_free(f.io);
}

/* Each access to user memory fails once: EFAULT, and nothing happened. */
static void user_access_fails(const void *data)
{
    const IoCommand *c = data;
    bool done = false;

    for (unsigned n = 0; !done; n++) {
        Fixture f;
        IoAny any;
        int rc;

        fixture(&f);
        io_good(&f.w, c->number, &any);
        io_fail_user(f.io, n);
        rc = io_obey(f.io, c->number, &any, c->size);
        done = !f.io->failed;
        g_assert_cmpint(rc, ==, done ? 0 : -EFAULT);
        io_free(f.io);
        g_assert_cmpuint(n, <, 100);
    }
}

static void unknown_commands(void)
{
    Fixture f;
    g_autofree char *before = NULL;

    fixture(&f);
    before = io_dump(f.io);
    for (uint32_t nr = 0; nr < 0x200; nr++) {
        if (!row_of(nr)) {
            g_assert_cmpint(io_raw(f.io, nr, IO_WILD), ==, -ENOTTY);
        }
    }
    for (unsigned bit = 8; bit < 32; bit++) {
        g_assert_cmpint(io_raw(f.io, 1u << bit, 0), ==, -ENOTTY);
        g_assert_cmpint(io_raw(f.io, 1u << bit | IMU_CMD_SET_CREATE, 0), ==,
                        -ENOTTY);
    }
    io_same(f.io, before);
    io_free(f.io);
}

/* --- 3.4: two errors at once -------------------------------------------- */

static void spoil_handle(const IoCommand *c, IoAny *any)
{
    for (unsigned i = 0; i < io_handle_count; i++) {
        if (io_handles[i].command == c->number) {
            memset(any->byte + io_handles[i].offset, 0xee, sizeof(ImuRef));
        }
    }
}

static void order(const void *data)
{
    const IoCommand *c = data;
    bool has_handle = false;
    Fixture f;
    IoAny any;

    fixture(&f);
    for (unsigned i = 0; i < io_handle_count; i++) {
        has_handle |= io_handles[i].command == c->number;
    }
    /* Size before flags. */
    io_good(&f.w, c->number, &any);
    any.head.flags = UINT32_MAX;
    spoil_handle(c, &any);
    g_assert_cmpint(io_obey(f.io, c->number, &any, c->minimum - 1), ==,
                    -EINVAL);
    any.byte[c->size] = 1;
    g_assert_cmpint(io_obey(f.io, c->number, &any, c->size + 4), ==, -E2BIG);
    /* Flags before handles. */
    g_assert_cmpint(io_obey(f.io, c->number, &any, c->size), ==, -EOPNOTSUPP);
    /* Handles before values. */
    for (unsigned i = 0; has_handle && i < G_N_ELEMENTS(enumerators); i++) {
        if (enumerators[i].command == c->number) {
            io_good(&f.w, c->number, &any);
            spoil_handle(c, &any);
            memset(any.byte + enumerators[i].offset, 0xff, 4);
            g_assert_cmpint(io_obey(f.io, c->number, &any, c->size), ==,
                            -ENOENT);
        }
    }
    io_free(f.io);
}

/* --- 4.1 ---------------------------------------------------------------- */

static void info(void)
{
    static const struct {
        ImuKind kind;
        uint32_t first, commands;
        uint64_t modes, flags;
        uint32_t used;
    } rows[] = {
        { IMU_KIND_BACKEND, 0x00, 0xf, (1u << IMU_KINDS) - 1, 0, 12 },
        { IMU_KIND_SET, 0x10, 0x1f, 7, 0, 1 },
        { IMU_KIND_PASID, 0x20, 0x7, 3, 1, 2 },
        { IMU_KIND_DEV, 0x30, 0x8007, 31, 0, 2 },
        { IMU_KIND_SPACE, 0x40, 0x307037f, 15, 7, 4 },
        { IMU_KIND_FAULTQ, 0x70, 0x1f, 0, 0, 2 },
        { IMU_KIND_EVQ, 0x78, 0x7, 0, 0, 1 },
    };
    uint32_t total = 0;
    Fixture f;

    fixture(&f);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        ImuInfo v = { .kind = rows[i].kind };
        uint32_t real = 0;

        for (unsigned c = 0; c < io_command_count; c++) {
            uint32_t at = io_commands[c].number - rows[i].first;
            uint32_t end = i + 1 < G_N_ELEMENTS(rows) ? rows[i + 1].first :
                                                        0x80;

            if (io_commands[c].number >= rows[i].first &&
                io_commands[c].number < end) {
                real |= 1u << at;
            }
        }
        g_assert_cmphex(real, ==, rows[i].commands);
        g_assert_cmpint(io_INFO(f.io, &v), ==, 0);
        g_assert_cmphex(v.commands, ==, rows[i].commands);
        g_assert_cmphex(v.modes, ==, rows[i].modes);
        g_assert_cmphex(v.flags_known, ==, rows[i].flags);
        if (rows[i].kind != IMU_KIND_BACKEND) {
            total += v.used;
            g_assert_cmpuint(v.limit, ==,
                             rows[i].kind == IMU_KIND_PASID ?
                                 f.io->cfg.ctx_quota :
                                 IMU_OBJECTS_MAX);
        }
        g_assert_cmpuint(v.used, ==, rows[i].used);
    }
    g_assert_cmpuint(total, ==, rows[0].used);
    io_free(f.io);
}

/* --- the table ---------------------------------------------------------- */

#define EACH(c, TAG, path, fn)                                              \
    do {                                                                    \
        g_autofree char *p_ = g_strdup_printf("%s@%s", path, (c)->name);    \
        spec_row(TAG, p_, fn, c);                                           \
    } while (0)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < io_command_count; i++) {
        const IoCommand *c = &io_commands[i];

        EACH(c, IOASID_ERRORS, "what-is-right-is-obeyed", good);
        EACH(c, IOASID_SIZES, "below-the-minimum-is-EINVAL", too_short);
        EACH(c, IOASID_SIZES, "a-tail-of-zeros-is-accepted", longer);
        EACH(c, IOASID_SIZES, "a-tail-is-not-written", tail_read_only);
        EACH(c, IOASID_SIZES, "a-tail-that-is-not-zero-is-E2BIG",
             tail_not_zero);
        EACH(c, IOASID_SIZES, "beyond-a-page-is-E2BIG", much_too_long);
        EACH(c, IOASID_FLAGS, "unknown-flags-are-EOPNOTSUPP", unknown_flags);
        EACH(c, IOASID_FLAGS, "reserved-members-are-EOPNOTSUPP",
             reserved_members);
        EACH(c, IOASID_ERRORS, "wild-structures-are-EFAULT", wild_structures);
        EACH(c, IOASID_ATOMIC, "a-structure-that-cannot-be-written",
             read_only_structure);
        EACH(c, IOASID_ATOMIC, "each-user-access-fails-once",
             user_access_fails);
        EACH(c, IOASID_ORDER, "size-flags-handles-values", order);
    }
    for (unsigned i = 0; i < io_handle_count; i++) {
        const IoHandle *h = &io_handles[i];
        g_autofree char *path =
            g_strdup_printf("what-is-not-ones-own-is-ENOENT@%s/%s",
                            io_command_name(h->command), h->member);

        spec_row(IOASID_HANDLES, path, wrong_handles, h);
    }
    spec_test(IOASID_HANDLES, "a-number-comes-back-as-another-handle",
              generations);
    spec_test(IOASID_FLAGS, "unknown-enumerators-are-EOPNOTSUPP",
              unknown_enumerators);
    spec_test(IOASID_ERRORS, "unknown-commands-are-ENOTTY", unknown_commands);
    spec_test(IOASID_CMD_INFO, "says-what-there-is", info);
    return g_test_run();
}
