/*
 * Inside the ledger: what commands alone do not show.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "hw/ioasid/ledger.h"
#include "lib/io.h"

static IoSet *set_of(Io *io, ImuRef ref)
{
    IoSet *set;

    g_assert_cmpint(im_ioasid_set_of(io->ctx, ref, &set), ==, 0);
    return set;
}

static IoPasid *pasid_of(Io *io, ImuRef set, ImuRef ref)
{
    IoObject *obj;

    g_assert_cmpint(im_ioasid_find(set_of(io, set), IMU_KIND_PASID, ref, &obj),
                    ==, 0);
    return IM_LINK_OF(obj, IoPasid, obj);
}

/* --- life ------------------------------------------------------------- */

static void test_config(void)
{
    const ImIoasidConfig d = IM_IOASID_CONFIG_DEFAULT;
    g_autoptr(Io) io = io_new(NULL);
    ImIoasidConfig rows[12];
    unsigned n = 0;

#define ROW(member, value)  rows[n] = d; rows[n++].member = (value)
    ROW(pasid_bits, 0);
    ROW(pasid_bits, 21);
    ROW(page_shift, 10);
    ROW(page_shift, 17);
    ROW(ctx_quota, 0);
    ROW(ctx_quota, 1u << 20);
    ROW(iotlb_entries, 8);
    ROW(iotlb_entries, 48);
    ROW(iotlb_entries, 1u << 25);
    ROW(pri_set_limit, 0);
    ROW(pri_set_limit, 65537);
    ROW(ats_timeout_ns, 0);
#undef ROW
    g_assert_cmpuint(n, ==, G_N_ELEMENTS(rows));
    for (unsigned i = 0; i < n; i++) {
        char *err = NULL;

        g_assert_null(im_ioasid_new(&rows[i], &io->port, io->r, &err));
        g_assert_nonnull(err);
        g_free(err);
        g_assert_null(im_ioasid_new(&rows[i], &io->port, io->r, NULL));
    }
}

/* Each allocation fails once; io_free() sees what is left. */
static void test_birth_fails(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImIoasidCtx *c = NULL;
    ImIoasid *h = NULL;
    unsigned n = 0;

    while (!h) {
        char *err = NULL;

        io_fail_alloc(io, n++);
        h = im_ioasid_new(&io->cfg, &io->port, io->r, &err);
        g_assert_true(h || g_str_equal(err, "no memory"));
        g_free(err);
    }
    g_assert_cmpuint(n, >, 5);
    for (n = 0; !c; n++) {
        io_fail_alloc(io, n);
        c = im_ioasid_open(h, 0, io->user);
    }
    g_assert_cmpuint(n, ==, 3);
    io_fail_alloc(io, UINT64_MAX);
    im_ioasid_free(h);
}

/* --- handles ---------------------------------------------------------- */

/* What could not be told takes no generation. */
static void test_untold(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);
    ImuRef first = io_alloc(io, set).pasid;
    ImuRef second;

    io_pasid_free(io, set, first);
    io_fail_user(io, 1);                /* the structure is read at once */
    g_assert_cmpint(IO(io, PASID_ALLOC, ImuPasidAlloc, .set = set), ==,
                    -EFAULT);
    second = io_alloc(io, set).pasid;
    g_assert_cmpuint(second.id, ==, first.id);
    g_assert_cmpuint(second.gen, ==, first.gen + 1);
}

/* A generation that wraps is not 0. */
static void test_generation_wraps(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);
    ImuRef ref = io_alloc(io, set).pasid;
    IoPasid *p = pasid_of(io, set, ref);
    ImuRef next;

    p->obj.ref.gen = UINT32_MAX;
    ref.gen = UINT32_MAX;
    io_pasid_free(io, set, ref);
    next = io_alloc(io, set).pasid;
    g_assert_cmpuint(next.id, ==, ref.id);
    g_assert_cmpuint(next.gen, ==, 1);
}

/* --- functions of the host -------------------------------------------- */

/* Found in a table that grew, and in one that had no memory to. */
static void test_many_functions(void)
{
    enum { COUNT = 1000 };
    g_autoptr(Io) io = io_new(NULL);

    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < COUNT; i++) {
            ImIoasidDevice d = { .func = 0x10000 + i * 8, .group = i };

            if (pass == 1) {
                io_fail_alloc(io, 1);   /* not the device: the table */
            }
            g_assert_cmpint(im_ioasid_device_add(io->h, &d), ==, 0);
            io_fail_alloc(io, UINT64_MAX);
        }
        for (uint32_t i = 0; i < COUNT; i++) {
            uint32_t func = 0x10000 + i * 8;

            g_assert_cmphex(im_ioasid_host_dev(io->h, func)->cfg.func, ==,
                            func);
            g_assert_null(im_ioasid_host_dev(io->h, func + 1));
        }
        for (uint32_t i = 0; i < COUNT; i++) {
            g_assert_cmpint(im_ioasid_device_remove(io->h, 0x10000 + i * 8), ==,
                            0);
        }
        g_assert_cmpint(im_ioasid_device_remove(io->h, 0x10000), ==, -ENOENT);
        g_assert_cmpuint(io->h->dev_count, ==, IO_FUNCS);
    }
}

static void test_function_values(void)
{
    static const ImuRange backwards = { 2, 1 };
    static const ImuRange range = { 1, 2 };
    const struct {
        ImIoasidDevice d;
        int rc;
    } rows[] = {
        { { .func = IO_FUNC0 }, -EEXIST },
        { { .func = 1, .pasid_bits = 21, .caps = IMU_DEV_CAP_PASID }, -EINVAL },
        { { .func = 1, .pasid_bits = 8 }, -EINVAL },
        { { .func = 1, .caps = IMU_DEV_CAP_PASID }, -EINVAL },
        { { .func = 1, .reserved = &backwards, .reserved_count = 1 }, -EINVAL },
    };
    const ImIoasidDevice good = {
        .func = 1,
        .pasid_bits = 8,
        .caps = IMU_DEV_CAP_PASID,
        .reserved = &range,
        .reserved_count = 1,
    };
    g_autoptr(Io) io = io_new(NULL);
    unsigned n = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_assert_cmpint(im_ioasid_device_add(io->h, &rows[i].d), ==,
                        rows[i].rc);
    }
    for (;; n++) {                      /* each allocation fails once */
        io_fail_alloc(io, n);
        if (im_ioasid_device_add(io->h, &good) == 0) {
            break;
        }
        g_assert_null(im_ioasid_host_dev(io->h, 1));
    }
    g_assert_cmpuint(n, ==, 3);
    io_fail_alloc(io, UINT64_MAX);
}

/* --- host numbers that rest ------------------------------------------- */

typedef struct Bound {
    Io *io;
    ImuRef set, dev, space;
    ImuPasidAlloc p;
} Bound;

static Bound bound_new(ImuMapMode mode, ImuPool pool)
{
    Bound b = { .io = io_new(NULL) };

    b.set = io_set(b.io, mode, pool);
    b.dev = io_bind(b.io, b.set, 0);
    b.space = io_mapped(b.io, b.set, 0, io_none());
    b.p = io_alloc(b.io, b.set);
    io_attach(b.io, b.set, b.dev, &b.p.pasid, b.space);
    return b;
}

static void unbind(Bound *b)
{
    g_assert_cmpint(IO(b->io, DEV_UNBIND, ImuDevUnbind, .set = b->set,
                       .dev = b->dev),
                    ==, 0);
}

/* The number of a device that was unbound is the same PASID's if it comes
 * back in time, and nobody's after a while, though the PASID lives. */
static void test_rest(void)
{
    Bound b = bound_new(IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    IoNumbers *taken = im_ioasid_host_dev(b.io->h, IO_FUNC0)->taken;
    IoPasid *p = pasid_of(b.io, b.set, b.p.pasid);
    uint32_t number = IM_LINK_OF(p->binds, IoBind, by_pasid)->hpasid;

    unbind(&b);
    g_assert_true(im_numbers_taken(taken, number));
    b.dev = io_bind(b.io, b.set, 0);
    io_attach(b.io, b.set, b.dev, &b.p.pasid, b.space);
    g_assert_cmpuint(IM_LINK_OF(p->binds, IoBind, by_pasid)->hpasid, ==,
                     number);
    g_assert_null(b.io->h->resting.head);
    unbind(&b);
    io_settle(b.io);
    g_assert_false(im_numbers_taken(taken, number));
    g_assert_null(p->binds);
    g_assert_cmpuint(p->state, ==, IMU_PASID_IDLE);
    io_free(b.io);
}

/* Not while the device owes completions, whatever the time is. */
static void test_rest_owing(void)
{
    Bound b = bound_new(IMU_MODE_IDENTITY, IMU_POOL_DEVICE);
    IoHostDev *hd = im_ioasid_host_dev(b.io->h, IO_FUNC0);

    io_map(b.io, b.set, b.space, 8, 1, 0x8000);
    g_assert_cmpuint(io_ats(b.io, 0, b.p.gpasid, 0x8000, IM_READ).perm, !=, 0);
    unbind(&b);
    g_assert_cmphex(hd->atc.itags.busy, !=, 0);
    rig_advance(b.io->r, b.io->cfg.quarantine_ns);
    g_assert_true(im_numbers_taken(hd->taken, b.p.gpasid));
    io_complete(b.io);
    rig_advance(b.io->r, b.io->cfg.quarantine_ns + 1000000);
    g_assert_false(im_numbers_taken(hd->taken, b.p.gpasid));
    io_free(b.io);
}

/* A function that is removed takes its numbers along. */
static void test_rest_removed(void)
{
    Bound b = bound_new(IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);

    g_assert_cmpint(im_ioasid_device_remove(b.io->h, IO_FUNC0), ==, 0);
    g_assert_null(b.io->h->resting.head);
    g_assert_null(pasid_of(b.io, b.set, b.p.pasid)->binds);
    g_assert_cmpint(io_attach_rc(b.io, b.set, b.dev, NULL, b.space, 0), ==,
                    -ENODEV);
    unbind(&b);
    io_free(b.io);
}

/* --- what a set leaves ------------------------------------------------ */

/* Charge and pool return when it is quiet, and the set with the last one. */
static void test_orphans(void)
{
    Bound b = bound_new(IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);
    ImIoasid *h = b.io->h;

    io_alloc(b.io, b.set);              /* was never bound: ends at once */
    g_assert_cmpint(IO(b.io, SET_DESTROY, ImuSetDestroy, .set = b.set,
                       .head.flags = IMU_SET_DESTROY_FORCE),
                    ==, 0);
    g_assert_nonnull(h->gone);
    g_assert_cmpuint(b.io->ctx->pasids, ==, 1);
    g_assert_cmpuint(b.io->ctx->committed, ==, 1);
    g_assert_cmpuint(h->pool_committed, ==, 1);
    io_settle(b.io);
    g_assert_null(h->gone);
    g_assert_cmpuint(b.io->ctx->pasids, ==, 0);
    g_assert_cmpuint(b.io->ctx->committed, ==, 0);
    g_assert_cmpuint(h->pool_committed, ==, 0);
    g_assert_cmpuint(im_numbers_lowest(h->pool, 1, 10), ==, 1);
    io_free(b.io);
}

/* A reset waits for nothing. */
static void test_reset(void)
{
    Bound b = bound_new(IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);

    io_map(b.io, b.set, b.space, 8, 1, 0x8000);
    (void)io_ats(b.io, 0, 1, 0x8000, IM_READ);
    im_ioasid_reset(b.io->h);
    g_assert_null(b.io->h->gone);
    g_assert_null(b.io->h->cooling.head);
    g_assert_null(b.io->h->resting.head);
    g_assert_cmphex(im_ioasid_host_dev(b.io->h, IO_FUNC0)->atc.itags.busy, ==,
                    0);
    g_assert_cmpuint(b.io->ctx->pasids, ==, 0);
    g_assert_cmpuint(im_numbers_lowest(b.io->h->pool, 1, 10), ==, 1);
    b.set = io_set(b.io, IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);
    io_bind(b.io, b.set, 0);
    io_free(b.io);
}

/* --- alarm ------------------------------------------------------------ */

/* Nothing is armed for what nobody waits for. */
static void test_alarm(void)
{
    Bound b = bound_new(IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    Rig *r = b.io->r;

    io_detach(b.io, b.set, b.dev, &b.p.pasid);
    g_assert_cmpuint(r->deadline, ==, IM_NEVER);
    g_assert_cmpint(io_pasid_free(b.io, b.set, b.p.pasid), ==,
                    IMU_PASID_QUARANTINE);
    g_assert_cmpuint(r->deadline, ==, r->now + b.io->cfg.quarantine_ns);
    rig_advance(r, b.io->cfg.quarantine_ns);
    g_assert_cmpuint(r->deadline, ==, IM_NEVER);
    io_free(b.io);
}

/* --- page requests ---------------------------------------------------- */

static void ask(Io *io, uint32_t pasid, uint16_t prgi, bool last)
{
    io_page_request(io, 0, pasid, prgi, 0x4000, last);
}

/* A group of 512 pages is whole, one more is an overflow. */
static void test_group_size(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_IDENTITY, IMU_POOL_DEVICE);
    ImuRef q = io_faultq(io, set, 0);
    ImuRef space = io_mapped(io, set, 0, q);
    ImuRef dev = io_bind(io, set, 0);

    io_attach(io, set, dev, NULL, space);
    for (unsigned n = 512; n <= 513; n++) {
        uint64_t failures = io->h->counters.auto_responses;

        for (unsigned i = 1; i <= n; i++) {
            ask(io, IO_NO_PASID, 3, i == n);
        }
        g_assert_cmpuint(io->h->counters.auto_responses - failures, ==,
                         n - 512);
    }
    g_assert_cmpuint(io->h->counters.page_groups, ==, 1);
    g_assert_cmpuint(set_of(io, set)->groups, ==, 1);
}

/* Tickets of a set that went are forgotten, others are not. */
static void test_tickets_forgotten(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef one = io_set(io, IMU_MODE_IDENTITY, IMU_POOL_DEVICE);
    ImuRef two = io_set(io, IMU_MODE_IDENTITY, IMU_POOL_DEVICE);
    ImuRef sets[] = { one, two };

    for (unsigned i = 0; i < 2; i++) {
        ImuRef q = io_faultq(io, sets[i], 0);
        ImuRef dev = io_bind(io, sets[i], i);

        io_attach(io, sets[i], dev, NULL, io_mapped(io, sets[i], 0, q));
        io_page_request(io, i, IO_NO_PASID, 1, 0x1000, true);
    }
    g_assert_cmpuint(set_of(io, one)->tickets, ==, 1);
    g_assert_cmpint(IO(io, SET_DESTROY, ImuSetDestroy, .set = one,
                       .head.flags = IMU_SET_DESTROY_FORCE),
                    ==, 0);
    g_assert_cmpuint(set_of(io, two)->tickets, ==, 1);
    for (unsigned i = 0; i < 600; i++) {        /* every slot, many times */
        io_page_request(io, 1, IO_NO_PASID, 2, 0x1000, true);
        rig_advance(io->r, UINT64_C(1000000000));
    }
    g_assert_cmpuint(set_of(io, two)->tickets, <=, 256);
}

/* --- the check itself ------------------------------------------------- */

typedef enum Harm {
    HARM_COUNT,
    HARM_CHARGE,
    HARM_COMMIT,
    HARM_POOL,
    HARM_TABLE,
    HARM_STATE,
    HARM_ACTIVE,
    HARM_NUMBER,
    HARM_INDEX,
    HARM_SET,
    HARM_GROUPS,
    HARMS
} Harm;

static const char *const wanted[HARMS] = {
    [HARM_COUNT] = "I2",  [HARM_CHARGE] = "I2", [HARM_COMMIT] = "I2",
    [HARM_POOL] = "I2",   [HARM_TABLE] = "I8",  [HARM_STATE] = "I7",
    [HARM_ACTIVE] = "I7", [HARM_NUMBER] = "I3", [HARM_INDEX] = "I3",
    [HARM_SET] = "I1",    [HARM_GROUPS] = "I5",
};

/* Done, and undone by the second call. */
static void harm(Bound *b, Harm what, bool undo)
{
    IoSet *set = set_of(b->io, b->set);
    IoPasid *p = pasid_of(b->io, b->set, b->p.pasid);
    IoBind *bind = IM_LINK_OF(p->binds, IoBind, by_pasid);
    uint32_t by = undo ? UINT32_MAX : 1;

    switch (what) {
    case HARM_COUNT:
        set->count[IMU_PASID_IDLE] += by;
        break;
    case HARM_CHARGE:
        set->ctx->pasids += by;
        break;
    case HARM_COMMIT:
        set->ctx->committed += by;
        break;
    case HARM_POOL:
        b->io->h->pool_committed += by;
        break;
    case HARM_TABLE:
        im_table_set(set->gpasids, p->gpasid, undo ? p : NULL);
        break;
    case HARM_STATE:
        p->state = undo ? IMU_PASID_BOUND : IMU_PASID_PARKED;
        break;
    case HARM_ACTIVE:
        p->active += by;
        break;
    case HARM_NUMBER:
        undo ? im_numbers_take(bind->host->taken, bind->hpasid) :
               im_numbers_give(bind->host->taken, bind->hpasid);
        break;
    case HARM_INDEX:
        im_table_set(bind->dev->by_hpasid, bind->hpasid, undo ? bind : NULL);
        break;
    case HARM_SET:
        bind->space->obj.set = undo ? set : NULL;
        break;
    default:
        bind->dev->groups += by;
        break;
    }
}

static void test_check(void)
{
    Bound b = bound_new(IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);

    for (Harm i = 0; i < HARMS; i++) {
        char *why;

        harm(&b, i, false);
        why = im_ioasid_check(b.io->h);
        g_assert_nonnull(why);
        g_assert_true(g_str_has_prefix(why, wanted[i]));
        g_free(why);
        harm(&b, i, true);
        g_assert_cmpstr(im_ioasid_check(b.io->h), ==, NULL);
    }
    io_free(b.io);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ioasid/config", test_config);
    g_test_add_func("/ioasid/birth-fails", test_birth_fails);
    g_test_add_func("/ioasid/handle/untold", test_untold);
    g_test_add_func("/ioasid/handle/generation-wraps", test_generation_wraps);
    g_test_add_func("/ioasid/dev/many", test_many_functions);
    g_test_add_func("/ioasid/dev/values", test_function_values);
    g_test_add_func("/ioasid/rest/same-pasid", test_rest);
    g_test_add_func("/ioasid/rest/owing", test_rest_owing);
    g_test_add_func("/ioasid/rest/removed", test_rest_removed);
    g_test_add_func("/ioasid/set/orphans", test_orphans);
    g_test_add_func("/ioasid/reset", test_reset);
    g_test_add_func("/ioasid/alarm", test_alarm);
    g_test_add_func("/ioasid/fault/group-size", test_group_size);
    g_test_add_func("/ioasid/fault/tickets-forgotten", test_tickets_forgotten);
    g_test_add_func("/ioasid/check", test_check);
    return g_test_run();
}
