/*
 * What was wrong with the interface of 2021 (section 13 of docs/uapi.rst),
 * each point as a test; isolation (3.8); references (2); the host (12).
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/io_world.h"
#include "lib/spec.h"

#define RC(got, want)  g_assert_cmpint(got, ==, want)

/* --- 13 ----------------------------------------------------------------- */

/* "An ID alone is useless": from nothing to DMA with this interface alone. */
static void one_interface_does_it(void)
{
    g_autoptr(Io) io = io_new(NULL);
    IoWorld w;

    io_world_init(&w, io, 0);
    g_assert_true(
        io_reaches(io, 0, w.hpasid, IO_FS_VA(0), io_pa(io, IO_WORLD_DATA)));
}

/* "The ID is the return value, every failure EINVAL." */
static void errors_are_told_apart(void)
{
    ImIoasidConfig cfg = io_config();
    g_autoptr(Io) io = NULL;
    ImuSetCreate c = { .gpasid_min = 1,
                       .gpasid_max = 2,
                       .quota_max = 2,
                       .map_mode = IMU_MODE_TRANSLATE,
                       .pool = IMU_POOL_GLOBAL };
    ImuPasidAlloc a;
    ImuRef s, t;

    cfg.pasid_bits = 2;
    io = io_new(&cfg);
    RC(io_SET_CREATE(io, &c), 0);
    s = c.set;
    RC(IO(io, PASID_ALLOC, ImuPasidAlloc, .set = s, .min = 2, .max = 1),
       -EINVAL);
    io_alloc(io, s);
    io_alloc(io, s);
    RC(IO(io, PASID_ALLOC, ImuPasidAlloc, .set = s), -EDQUOT);
    RC(IO(io, SET_UPDATE, ImuSetUpdate, .set = s, .quota_max = 3), 0);
    a = (ImuPasidAlloc) { .set = s };
    RC(io_PASID_ALLOC(io, &a), -ENOSPC);
    g_assert_cmpuint(a.exhausted, ==, IMU_EXHAUSTED_RANGE);
    c.quota_max = 0;
    RC(io_SET_CREATE(io, &c), 0);
    t = c.set;
    io_alloc(io, t);
    a = (ImuPasidAlloc) { .set = t };
    RC(io_PASID_ALLOC(io, &a), -ENOSPC);
    g_assert_cmpuint(a.exhausted, ==, IMU_EXHAUSTED_POOL);
    RC(IO(io, PASID_ALLOC, ImuPasidAlloc, .set = t, .gpasid = 1,
          .head.flags = IMU_PASID_ALLOC_FIXED),
       -EEXIST);
    RC(IO(io, SET_UPDATE, ImuSetUpdate, .set = { s.id, s.gen + 1 }), -ENOENT);
}

/* "Free takes a bare number and always answers 0." */
static void free_of_what_is_not_ones_own(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef s = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef t = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuPasidAlloc p = io_alloc(io, s);

    RC(IO(io, PASID_FREE, ImuPasidFree, .set = t, .pasid = p.pasid), -ENOENT);
    RC(IO(io, PASID_FREE, ImuPasidFree, .set = s, .pasid = { p.gpasid, 0 }),
       -ENOENT);
    for (uint32_t id = 0; id < 100; id++) {
        for (uint32_t gen = 0; gen < 10; gen++) {
            ImuRef r = { id, gen };

            if (!io_ref_eq(r, p.pasid)) {
                RC(IO(io, PASID_FREE, ImuPasidFree, .set = s, .pasid = r),
                   -ENOENT);
            }
        }
    }
    RC(io_state(io, s, p.pasid), IMU_PASID_IDLE);
}

/* "One open per address space": two guests in one process. */
static void two_guests_in_one_process(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImIoasidCtx *first = io->ctx;
    ImuPasidAlloc a, b, c;
    ImuRef s, t, u;

    s = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);
    t = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);
    a = io_alloc_fixed(io, s, 101);
    b = io_alloc_fixed(io, t, 101);     /* one guest number, two PASIDs */
    io_open(io, IM_IOASID_CTX_DEBUG);
    u = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);
    c = io_alloc_fixed(io, u, 101);
    {
        uint32_t hc = io_hpasid(io, u, c.pasid), ha, hb;

        io_use(io, first);
        ha = io_hpasid(io, s, a.pasid);
        hb = io_hpasid(io, t, b.pasid);
        g_assert_cmpuint(ha, !=, hb);
        g_assert_cmpuint(ha, !=, hc);
        g_assert_cmpuint(hb, !=, hc);
    }
}

/* "One user can drain every number." */
static void nobody_drains_the_pool(void)
{
    ImIoasidConfig cfg = io_config();
    g_autoptr(Io) io = NULL;
    ImuRef s;
    unsigned n = 0;

    cfg.ctx_quota = 20;
    cfg.pasid_bits = 6;
    io = io_new(&cfg);
    s = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);
    while (!IO(io, PASID_ALLOC, ImuPasidAlloc, .set = s)) {
        n++;
    }
    s = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);
    while (!IO(io, PASID_ALLOC, ImuPasidAlloc, .set = s)) {
        n++;
    }
    g_assert_cmpuint(n, ==, 20);
    io_open(io, 0);
    s = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);
    io_alloc(io, s);
}

/* "The set vanishes with its last ID." */
static void set_outlives_its_pasids(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef s = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);
    ImuSetQuery q = { .set = s };

    for (unsigned i = 0; i < 3; i++) {
        io_pasid_free(io, s, io_alloc(io, s).pasid);
    }
    io_settle(io);
    RC(io_SET_QUERY(io, &q), 0);
    g_assert_cmpuint(q.live + q.parked + q.quarantined, ==, 0);
    io_alloc(io, s);
}

/* "Quota is taken at creation and not given back." */
static void quota_returns_with_the_set(void)
{
    g_autoptr(Io) io = io_new(NULL);

    for (unsigned i = 0; i < 50; i++) {
        ImuSetCreate c = { .gpasid_min = 1,
                           .gpasid_max = 9,
                           .quota_reserved = io->cfg.ctx_quota,
                           .map_mode = IMU_MODE_TRANSLATE };

        RC(io_SET_CREATE(io, &c), 0);
        io_alloc(io, c.set);
        RC(IO(io, SET_DESTROY, ImuSetDestroy, .set = c.set,
              .head.flags = i & 1 ? IMU_SET_DESTROY_FORCE : 0),
           i & 1 ? 0 : -EBUSY);
        if (!(i & 1)) {
            RC(IO(io, SET_DESTROY, ImuSetDestroy, .set = c.set,
                  .head.flags = IMU_SET_DESTROY_FORCE),
               0);
        }
    }
}

/* "Lookup ignores state": what was freed has no guest number. */
static void lookup_refuses_what_was_freed(void)
{
    g_autoptr(Io) io = io_new(NULL);
    IoWorld w;
    ImuPasidQuery q;

    io_world_init(&w, io, 0);
    RC(io_pasid_free(io, w.set, w.bound.pasid), IMU_PASID_PARKED);
    q = (ImuPasidQuery) {
        .head.flags = IMU_PASID_QUERY_BY_GPASID,
        .set = w.set,
        .gpasid = w.bound.gpasid,
    };
    RC(io_PASID_QUERY(io, &q), -ENOENT);
    /* The number is another PASID's now; the old handle is not it. */
    io_alloc_fixed(io, w.set, w.bound.gpasid);
    q = (ImuPasidQuery) { .set = w.set, .pasid = w.bound.pasid };
    RC(io_PASID_QUERY(io, &q), 0);
    RC(q.state, IMU_PASID_PARKED);
}

/* A storm of attach, free and allocate takes no more than its share. */
static void free_storm(void)
{
    ImIoasidConfig cfg = io_config();
    g_autoptr(Io) io = NULL;
    ImuRef s, dev, space;
    unsigned got = 0;

    cfg.ctx_quota = 8;
    io = io_new(&cfg);
    s = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);
    dev = io_bind(io, s, 0);
    space = io_mapped(io, s, 0, io_none());
    for (unsigned i = 0; i < 100; i++) {
        ImuPasidAlloc a = { .set = s };

        if (!io_PASID_ALLOC(io, &a)) {
            io_attach(io, s, dev, &a.pasid, space);
            RC(io_detach(io, s, dev, &a.pasid), 0);
            RC(io_pasid_free(io, s, a.pasid), IMU_PASID_QUARANTINE);
            got++;
        }
    }
    g_assert_cmpuint(got, ==, 8);
    io_settle(io);
    io_alloc(io, s);
}

/* --- 3.8 ---------------------------------------------------------------- */

/* Everything A can do with handles of B, and nothing of B moves. */
/* The others mean the context itself. */
static bool by_handle(uint32_t command)
{
    return command != IMU_CMD_INFO && command != IMU_CMD_SET_CREATE &&
           command != IMU_CMD_LIMITS && command != IMU_CMD_SAVE &&
           command != IMU_CMD_RESTORE;
}

static void adversary(const void *data)
{
    const IoCommand *c = data;
    g_autoptr(Io) io = io_new(NULL);
    g_autofree char *before = NULL, *after = NULL;
    ImIoasidCtx *victim;
    IoWorld b, a;
    IoAny any;

    io_world_init(&b, io, 2);
    victim = io->ctx;
    io_open(io, 0);
    a = b;                              /* it guessed every handle */
    a.fn = 0;
    before = io_dump_of(io, victim);
    rig_log_clear(io->r);
    io_good(&a, c->number, &any);
    {
        int rc = io_obey(io, c->number, &any, c->size);
        RC(rc, by_handle(c->number) ? -ENOENT : 0);
    }
    /* And its own objects named in the other's set, or the reverse. */
    if (by_handle(c->number)) {
        ImuRef own = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);

        for (unsigned i = 0; i < io_handle_count; i++) {
            const IoHandle *h = &io_handles[i];

            if (h->command == c->number && h->kind == IMU_KIND_SET) {
                io_good(&a, c->number, &any);
                memcpy(any.byte + h->offset, &own, sizeof(own));
                (void)io_obey(io, c->number, &any, c->size);
            }
        }
    }
    after = io_dump_of(io, victim);
    g_assert_cmpstr(before, ==, after);
    g_assert_cmpuint(io->r->log->len, ==, 0);
    io_use(io, victim);
    g_assert_true(
        io_reaches(io, 2, b.hpasid, IO_FS_VA(0), io_pa(io, IO_WORLD_DATA)));
}

/* What A sees is the same whether B is there or not. */
static char *seen_by(bool with_other)
{
    g_autoptr(Io) io = io_new(NULL);
    GString *s = g_string_new(NULL);
    ImIoasidCtx *me = io->ctx;
    IoWorld a, b;

    io_world_init(&a, io, 0);
    if (with_other) {
        io_open(io, IM_IOASID_CTX_DEBUG);
        io_world_init(&b, io, 2);
        io_pasid_free(io, b.set, b.bound.pasid);
        io_alloc(io, b.set);
        io_use(io, me);
    }
    for (unsigned i = 0; i < io_command_count; i++) {
        IoAny any;
        int rc;

        io_good(&a, io_commands[i].number, &any);
        if (io_commands[i].number == IMU_CMD_SET_DESTROY) {
            any.head.flags = 0;
        }
        rc = io_obey(io, io_commands[i].number, &any, io_commands[i].size);
        g_string_append_printf(s, "%s %d:", io_commands[i].name, rc);
        for (unsigned n = 8; n < io_commands[i].size; n++) {
            g_string_append_printf(s, " %02x", any.byte[n]);
        }
        g_string_append_c(s, '\n');
    }
    return g_string_free(s, FALSE);
}

static void alone_or_not(void)
{
    g_autofree char *alone = seen_by(false), *together = seen_by(true);

    g_assert_cmpstr(alone, ==, together);
}

/* Two guests whose devices send each other's numbers. */
static void dma_across_sets(void)
{
    g_autoptr(Io) io = io_new(NULL);
    IoWorld a, b;

    io_world_init(&a, io, 0);
    io_world_init(&b, io, 2);
    g_assert_cmpuint(a.hpasid, !=, b.hpasid);
    RC(io_dma(io, 0, b.hpasid, IO_FS_VA(0), IM_READ).status, IM_FAULT);
    RC(io_dma(io, 2, a.hpasid, IO_FS_VA(0), IM_READ).status, IM_FAULT);
    /* An invalidation of the same guest number is one's own. */
    g_assert_cmpuint(a.bound.gpasid, ==, b.bound.gpasid);
    g_assert_true(
        io_reaches(io, 2, b.hpasid, IO_FS_VA(0), io_pa(io, IO_WORLD_DATA)));
    rig_log_clear(io->r);
    RC(io_inv_all(io, a.set, IMU_INV_SET, io_none(), 7), 0);
    for (unsigned i = 0; i < rig_count(io->r, RIG_SEEN_ATS_INV); i++) {
        g_assert_cmphex(rig_seen(io->r, RIG_SEEN_ATS_INV, i)->inv.rid, <,
                        io_func(2));
    }
    /* Another's fault is answered by nobody else. */
    RC(IO(io, FAULT_ANSWER, ImuAnswer, .set = a.set, .ticket = b.ticket),
       -ENOENT);
    RC(IO(io, FAULT_ANSWER, ImuAnswer, .set = b.set, .ticket = b.ticket), 0);
}

/* --- 2 ------------------------------------------------------------------ */

static void references(void)
{
    g_autoptr(Io) io = io_new(NULL);
    IoWorld w;

    io_world_init(&w, io, 0);
    RC(IO(io, FAULTQ_DESTROY, ImuQueueDestroy, .set = w.set, .queue = w.faultq),
       -EBUSY);
    RC(IO(io, SPACE_DESTROY, ImuSpaceDestroy, .set = w.set, .space = w.parent),
       -EBUSY);
    RC(IO(io, SPACE_DESTROY, ImuSpaceDestroy, .set = w.set, .space = w.nested),
       -EBUSY);
    RC(IO(io, DEV_UNBIND, ImuDevUnbind, .set = w.set, .dev = w.dev), 0);
    RC(IO(io, SPACE_DESTROY, ImuSpaceDestroy, .set = w.set, .space = w.parent),
       -EBUSY);
    RC(IO(io, FAULTQ_DESTROY, ImuQueueDestroy, .set = w.set, .queue = w.faultq),
       -EBUSY);
    RC(IO(io, SPACE_DESTROY, ImuSpaceDestroy, .set = w.set, .space = w.nested),
       0);
    RC(IO(io, SPACE_DESTROY, ImuSpaceDestroy, .set = w.set, .space = w.parent),
       0);
    RC(IO(io, FAULTQ_DESTROY, ImuQueueDestroy, .set = w.set, .queue = w.faultq),
       0);
}

/* Giving back needs no memory: with an allocator that has none at all. */
static void giving_back_needs_no_memory(void)
{
    /* clang-format off */
    static const uint32_t back[] = {
        IMU_CMD_UNMAP, IMU_CMD_DETACH, IMU_CMD_PASID_FREE,
        IMU_CMD_DEV_UNBIND, IMU_CMD_SPACE_DESTROY, IMU_CMD_FAULTQ_DESTROY,
        IMU_CMD_EVQ_DESTROY, IMU_CMD_SET_DESTROY,
    };
    /* clang-format on */

    for (unsigned i = 0; i < G_N_ELEMENTS(back); i++) {
        g_autoptr(Io) io = io_new(NULL);
        IoWorld w;
        IoAny any;

        io_world_init(&w, io, 0);
        io->big = 0;
        for (unsigned c = 0; c < io_command_count; c++) {
            if (io_commands[c].number == back[i]) {
                io_good(&w, back[i], &any);
                RC(io_obey(io, back[i], &any, io_commands[c].size), 0);
            }
        }
    }
}

/* --- 12 ----------------------------------------------------------------- */

static void close_ends_everything(void)
{
    Io *io = io_new(NULL);
    ImIoasidCtx *second;
    IoWorld a, b;

    io_world_init(&a, io, 0);
    second = io_open(io, IM_IOASID_CTX_DEBUG);
    io_world_init(&b, io, 2);
    rig_log_clear(io->r);
    im_ioasid_close(second);
    io->r->consistent(io->r);
    g_assert_cmpuint(rig_count(io->r, RIG_SEEN_PAGE_RESP), ==, 2);
    RC(io_dma(io, 2, b.hpasid, IO_FS_VA(0), IM_READ).status, IM_FAULT);
    for (unsigned p = 0; p < IO_PAGES; p++) {
        g_assert_cmpuint(io->user->pins[p], ==, 0);
    }
    io_use(io, a.ctx);
    g_assert_true(
        io_reaches(io, 0, a.hpasid, IO_FS_VA(0), io_pa(io, IO_WORLD_DATA)));
    io_bind(io, a.set, 2);
    io_settle(io);
    io_free(io);
}

static void reset_empties(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuInfo info = { .kind = IMU_KIND_BACKEND };
    IoWorld w;

    io_world_init(&w, io, 0);
    io_pasid_free(io, w.set, w.bound.pasid);
    im_ioasid_reset(io->h);
    io->r->consistent(io->r);
    RC(io_INFO(io, &info), 0);
    g_assert_cmpuint(info.used, ==, 0);
    info = (ImuInfo) { .kind = IMU_KIND_PASID };
    RC(io_INFO(io, &info), 0);
    g_assert_cmpuint(info.used, ==, 0);         /* no quarantine, either */
    RC(IO(io, SET_QUERY, ImuSetQuery, .set = w.set), -ENOENT);
    io_world_init(&w, io, 0);
    g_assert_true(
        io_reaches(io, 0, w.hpasid, IO_FS_VA(0), io_pa(io, IO_WORLD_DATA)));
}

static void removal(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuDevInfo info;
    ImuEventRead r;
    ImuEvent e[32];
    unsigned gone = 0;
    IoWorld w;

    io_world_init(&w, io, 0);
    RC(im_ioasid_device_remove(io->h, io_func(0)), 0);
    RC(im_ioasid_device_remove(io->h, io_func(0)), -ENOENT);
    RC(im_ioasid_device_remove(io->h, UINT32_MAX), -ENOENT);
    io->r->consistent(io->r);
    r = (ImuEventRead) { .set = w.set,
                         .queue = w.evq,
                         .count = 32,
                         .events = io_at(io, IO_WORLD_BUF) };
    RC(io_EVENT_READ(io, &r), 0);
    io_get(io, r.events, e, sizeof(e));
    for (unsigned i = 0; i < r.count; i++) {
        if (e[i].type == IMU_EVENT_DEV_GONE) {
            g_assert_true(io_ref_eq(e[i].object, w.dev));
            g_assert_cmphex(e[i].token, ==, 0xc00);
            gone++;
        }
    }
    g_assert_cmpuint(gone, ==, 1);
    RC(io_state(io, w.set, w.bound.pasid), IMU_PASID_IDLE);
    RC(io_dma(io, 0, w.hpasid, IO_FS_VA(0), IM_READ).status, IM_FAULT);
    RC(IO(io, DEV_BIND, ImuDevBind, .set = w.set, .func = io_func(0)), -ENODEV);
    info = (ImuDevInfo) { .set = w.set, .dev = w.dev };
    g_test_message("DEV_INFO of what is gone: %d", io_DEV_INFO(io, &info));
    io_settle(io);
}

static void device_values(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImIoasidDevice d = { .func = io_func(0),
                         .pasid_bits = 16,
                         .caps = IMU_DEV_CAP_PASID };
    ImuRange bad = { 5, 4 };

    RC(im_ioasid_device_add(io->h, &d), -EEXIST);
    d.func = 0x500;
    d.pasid_bits = 21;
    RC(im_ioasid_device_add(io->h, &d), -EINVAL);
    d.pasid_bits = 0;
    d.reserved = &bad;
    d.reserved_count = 1;
    RC(im_ioasid_device_add(io->h, &d), -EINVAL);
}

static void configuration(void)
{
    static const struct {
        size_t offset, size;
        uint64_t bad[3];
    } rows[] = {
        { offsetof(ImIoasidConfig, pasid_bits), 1, { 0, 21, 255 } },
        { offsetof(ImIoasidConfig, page_shift), 1, { 10, 17, 0 } },
        { offsetof(ImIoasidConfig, iotlb_entries), 4, { 0, 8, 100 } },
    };
    g_autoptr(Io) io = io_new(NULL);

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (unsigned n = 0; n < 3; n++) {
            ImIoasidConfig c = io_config();
            g_autofree char *err = NULL;

            memcpy((char *)&c + rows[i].offset, &rows[i].bad[n], rows[i].size);
            g_assert_null(im_ioasid_new(&c, &io->port, io->r, &err));
            g_assert_nonnull(err);
            g_assert_null(strchr(err, '\n'));
        }
    }
}

/* The invariants are looked at after every command of every test here. */
static void invariants(void)
{
    g_autoptr(Io) io = io_new(NULL);
    IoWorld w;

    io_world_init(&w, io, 0);
    for (unsigned i = 0; i < io_command_count; i++) {
        IoAny any;

        io_good(&w, io_commands[i].number, &any);
        (void)io_obey(io, io_commands[i].number, &any, io_commands[i].size);
    }
    g_assert_null(im_ioasid_check(io->h));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(IOASID_LESSONS, "one-interface-does-it-all",
              one_interface_does_it);
    spec_test(IOASID_LESSONS, "errors-are-told-apart", errors_are_told_apart);
    spec_test(IOASID_LESSONS, "free-of-what-is-not-ones-own",
              free_of_what_is_not_ones_own);
    spec_test(IOASID_LESSONS, "two-guests-in-one-process",
              two_guests_in_one_process);
    spec_test(IOASID_LESSONS, "nobody-drains-the-pool", nobody_drains_the_pool);
    spec_test(IOASID_LESSONS, "a-set-outlives-its-pasids",
              set_outlives_its_pasids);
    spec_test(IOASID_LESSONS, "quota-returns-with-the-set",
              quota_returns_with_the_set);
    spec_test(IOASID_LESSONS, "lookup-refuses-what-was-freed",
              lookup_refuses_what_was_freed);
    spec_test(IOASID_LESSONS, "a-storm-of-frees", free_storm);
    for (unsigned i = 0; i < io_command_count; i++) {
        g_autofree char *p = g_strdup_printf("adversary@%s",
                                             io_commands[i].name);

        spec_row(IOASID_ISOLATION, p, adversary, &io_commands[i]);
    }
    spec_test(IOASID_ISOLATION, "alone-or-not", alone_or_not);
    spec_test(IOASID_ISOLATION, "dma-across-sets", dma_across_sets);
    spec_test(IOASID_OBJECTS, "references", references);
    spec_test(IOASID_ATOMIC, "giving-back-needs-no-memory",
              giving_back_needs_no_memory);
    spec_test(IOASID_HOST, "close", close_ends_everything);
    spec_test(IOASID_HOST, "reset", reset_empties);
    spec_test(IOASID_HOST, "removal", removal);
    spec_test(IOASID_HOST, "devices", device_values);
    spec_test(IOASID_HOST, "configuration", configuration);
    spec_test(IOASID_INVARIANTS, "hold", invariants);
    return g_test_run();
}
