/*
 * A context in the middle of its work, saved and restored: sections 4.33 to
 * 4.35 and 16 of docs/uapi.rst.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/io_world.h"
#include "lib/spec.h"
#include "lib/vtd_build.h"

#define RC(got, want)  g_assert_cmpint(got, ==, want)

#define ROOM    2048u               /* quads: 4 pages */
#define STREAM  44u                 /* the pages they are in */
#define ARRAY   (STREAM + 4)        /* moves, functions, results */

/*
 * Functions 0 and 1 are the source's, 2 and 3 the destination's. PASIDs: one
 * bound with a group that was read and one that was not, one PARKED, one in
 * QUARANTINE. A fence waits, and events are unread.
 */
typedef struct Flow {
    Io *io;
    ImIoasidCtx *from, *to;
    uint64_t base;                  /* of the source's user memory */
    ImuRef set, evq, q, dev, other, parent, nested;
    ImuPasidAlloc bound, parked, cold;
    uint64_t ticket, fence;
    uint64_t *quads;
    uint32_t count;
} Flow;

static uint64_t read_fault(Flow *f, uint16_t group)
{
    ImuFault fault;
    ImuFaultRead r = {
        .set = f->set,
        .queue = f->q,
        .faults = io_at(f->io, ARRAY),
        .count = 1,
    };

    RC(io_FAULT_READ(f->io, &r), 0);
    g_assert_cmpuint(r.count, ==, 1);
    io_get(f->io, r.faults, &fault, sizeof(fault));
    g_assert_cmpuint(fault.group, ==, group);
    g_assert_cmpuint(fault.gpasid, ==, f->bound.gpasid);
    g_assert_true(io_ref_eq(fault.dev, f->dev));
    return fault.ticket;
}

static void freed_pasids(Flow *f)
{
    f->parked = io_alloc_fixed(f->io, f->set, 7);
    io_attach(f->io, f->set, f->other, &f->parked.pasid, f->nested);
    RC(io_pasid_free(f->io, f->set, f->parked.pasid), IMU_PASID_PARKED);
    f->cold = io_alloc_fixed(f->io, f->set, 8);
    io_attach(f->io, f->set, f->other, &f->cold.pasid, f->nested);
    RC(io_detach(f->io, f->set, f->other, &f->cold.pasid), 0);
    RC(io_pasid_free(f->io, f->set, f->cold.pasid), IMU_PASID_QUARANTINE);
}

/* A device TLB is told, and does not answer. */
static void pending_fence(Flow *f, uint32_t hpasid)
{
    ImuFence v = { .set = f->set };

    RC(io_ats(f->io, 0, hpasid, IO_FS_VA(0), IM_READ).status, IM_OK);
    RC(io_inv_all(f->io, f->set, IMU_INV_SET, io_none(),
                  IMU_CACHE_IOTLB | IMU_CACHE_DEVTLB),
       0);
    RC(io_FENCE(f->io, &v), 0);
    g_assert_cmpuint(v.done, ==, 0);
    f->fence = v.ticket;
}

static Flow flow_new(ImuMapMode mode, ImuPool pool)
{
    Flow f = { .io = io_new(NULL) };
    uint32_t hpasid;

    f.from = f.io->ctx;
    f.base = io_at(f.io, 0);
    f.set = io_set(f.io, mode, pool);
    f.q = io_faultq(f.io, f.set, 1000000);
    f.evq = io_evq(f.io, f.set, 64);
    f.dev = io_bind(f.io, f.set, 0);
    f.other = io_bind(f.io, f.set, 1);
    f.parent = io_parent(f.io, f.set, IMU_SPACE_DIRTY);
    f.nested = io_nested(f.io, f.set, f.parent, f.q, IO_WORLD_FS);
    io_fs_map(f.io, IO_WORLD_FS, IO_FS_VA(0), 5 * IO_PAGE, FS_RWU);
    f.bound = io_alloc_fixed(f.io, f.set, 42);
    io_attach(f.io, f.set, f.dev, &f.bound.pasid, f.nested);
    io_attach(f.io, f.set, f.dev, NULL, f.parent);
    freed_pasids(&f);
    hpasid = io_hpasid(f.io, f.set, f.bound.pasid);
    hpasid = hpasid ? hpasid : 1;
    g_assert_true(io_reaches(f.io, 0, hpasid, IO_FS_VA(0), io_pa(f.io, 5)));
    pending_fence(&f, hpasid);
    io_page_request(f.io, 0, hpasid, 3, IO_FS_VA(9), true);
    f.ticket = read_fault(&f, 3);
    io_page_request(f.io, 0, hpasid, 4, IO_FS_VA(8), true);
    io_page_request(f.io, 0, hpasid, 5, IO_FS_VA(7), false);
    rig_log_clear(f.io->r);
    f.to = io_open(f.io, IM_IOASID_CTX_DEBUG);
    return f;
}

static void flow_free(Flow *f)
{
    g_free(f->quads);
    io_free(f->io);
}

static int save(Flow *f, uint32_t flags, uint32_t room)
{
    ImuSave s = {
        .head.flags = flags,
        .quads = io_at(f->io, STREAM),
        .count = room,
    };
    int rc = io_SAVE(f->io, &s);

    f->count = s.count;
    if (!rc) {
        f->quads = g_new(uint64_t, s.count);
        io_get(f->io, s.quads, f->quads, s.count * sizeof(uint64_t));
    }
    return rc;
}

static void copy_memory(Flow *f)
{
    uint8_t page[IO_PAGE];

    for (unsigned i = 0; i < STREAM; i++) {
        io_use(f->io, f->from);
        io_get(f->io, io_at(f->io, i), page, sizeof(page));
        io_use(f->io, f->to);
        io_put(f->io, io_at(f->io, i), page, sizeof(page));
    }
}

/* In the opener that obeys. */
static int restore(Flow *f, const uint64_t *quads, uint32_t count)
{
    const ImuMove move = { f->base, IO_PAGES * IO_PAGE, io_at(f->io, 0) };
    const ImuFunc funcs[] = {
        { io_func(0), io_func(2) },
        { io_func(1), io_func(3) },
    };
    ImuRestore r = {
        .quads = io_at(f->io, STREAM),
        .moves = io_at(f->io, ARRAY),
        .funcs = io_at(f->io, ARRAY) + 256,
        .count = count,
        .move_count = 1,
        .func_count = G_N_ELEMENTS(funcs),
    };

    io_put(f->io, r.quads, quads, count * sizeof(*quads));
    io_put(f->io, r.moves, &move, sizeof(move));
    io_put(f->io, r.funcs, funcs, sizeof(funcs));
    return io_RESTORE(f->io, &r);
}

static void move(Flow *f, uint32_t flags)
{
    io_use(f->io, f->from);
    RC(save(f, flags, ROOM), 0);
    copy_memory(f);
    io_use(f->io, f->to);
    RC(restore(f, f->quads, f->count), 0);
}

/* --- the flow goes on --------------------------------------------------- */

static uint32_t hpasid_there(Flow *f)
{
    uint32_t h = io_hpasid(f->io, f->set, f->bound.pasid);

    return h ? h : 1;
}

static void numbers_stay(Flow *f)
{
    ImuPasidAlloc a = {
        .head.flags = IMU_PASID_ALLOC_FIXED,
        .set = f->set,
        .gpasid = 42,
    };

    RC(io_state(f->io, f->set, f->bound.pasid), IMU_PASID_BOUND);
    RC(io_state(f->io, f->set, f->parked.pasid), IMU_PASID_PARKED);
    RC(io_state(f->io, f->set, f->cold.pasid), IMU_PASID_QUARANTINE);
    RC(io_PASID_ALLOC(f->io, &a), -EEXIST);
    g_assert_cmpuint(io_set_query(f->io, f->set).quarantined, ==, 1);
    /* The space on the way has left no trace: the next number is a new one. */
    RC(io_ref_eq(io_alloc(f->io, f->set).pasid, f->cold.pasid), false);
}

static void groups_are_answered_once(Flow *f)
{
    ImuAnswer old = { .set = f->set, .ticket = f->ticket };
    uint32_t h = hpasid_there(f);
    const ImPageResp *resp;
    ImuAnswer new = { .set = f->set };

    RC(io_FAULT_ANSWER(f->io, &old), 0);
    g_assert_cmpuint(rig_count(f->io->r, RIG_SEEN_PAGE_RESP), ==, 1);
    resp = &rig_seen(f->io->r, RIG_SEEN_PAGE_RESP, 0)->resp;
    g_assert_cmpuint(resp->rid, ==, io_func(2));
    g_assert_cmpuint(resp->prgi, ==, 3);
    g_assert_cmpuint(resp->pasid, ==, h);
    RC(io_FAULT_ANSWER(f->io, &old), -ENOENT);

    new.ticket = read_fault(f, 4);
    g_assert_cmphex(new.ticket, !=, f->ticket);
    RC(io_FAULT_ANSWER(f->io, &new), 0);
    RC(io_FAULT_ANSWER(f->io, &new), -EALREADY);
    io_page_request(f->io, 2, h, 5, IO_FS_VA(6), true);
    {
        ImuFaultRead r = {
            .set = f->set,
            .queue = f->q,
            .faults = io_at(f->io, ARRAY),
            .count = 4,
        };

        RC(io_FAULT_READ(f->io, &r), 0);
        g_assert_cmpuint(r.count, ==, 2); /* both pages of group 5 */
    }
    g_assert_cmpuint(rig_count(f->io->r, RIG_SEEN_PAGE_RESP), ==, 2);
}

static void events_go_on(Flow *f, uint64_t sequence)
{
    ImuFence v = { .set = f->set, .ticket = f->fence };
    ImuEvent e[64];
    unsigned n;

    RC(io_FENCE(f->io, &v), 0);
    g_assert_cmpuint(v.done, ==, 1);
    n = io_events(f->io, f->set, f->evq, e, 64);
    g_assert_cmpuint(n, >, sequence);
    for (unsigned i = 0; i < n; i++) {
        g_assert_cmpuint(e[i].sequence, ==, i + 1);
    }
    g_assert_cmpuint(e[sequence].type, ==, IMU_EVENT_FENCE);
    g_assert_cmphex(e[sequence].token, ==, f->fence);
    v.ticket = 0;
    RC(io_FENCE(f->io, &v), 0);
    g_assert_cmpuint(v.ticket, ==, f->fence + 1);
}

static uint64_t sequence_of(Flow *f)
{
    ImuEntry e;
    ImuEnum a = {
        .set = f->set,
        .list = IMU_LIST_EVQS,
        .entry_size = sizeof(e),
        .entries = io_at(f->io, ARRAY),
        .count = 1,
    };

    RC(io_ENUM(f->io, &a), 0);
    io_get(f->io, a.entries, &e, sizeof(e));
    return e.last;
}

typedef struct ModeRow {
    const char *name;
    ImuMapMode mode;
    ImuPool pool;
} ModeRow;

static const ModeRow modes[] = {
    { "device", IMU_MODE_TRANSLATE, IMU_POOL_DEVICE },
    { "global", IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL },
    { "identity", IMU_MODE_IDENTITY, IMU_POOL_DEVICE },
};

static void goes_on(const void *data)
{
    const ModeRow *row = data;
    Flow f = flow_new(row->mode, row->pool);
    uint64_t sequence, pa;
    uint32_t h;

    io_use(f.io, f.from);
    sequence = sequence_of(&f);
    move(&f, IMU_SAVE_MOVE);
    h = hpasid_there(&f);
    pa = io_pa(f.io, 5);
    g_assert_cmpuint(rig_count(f.io->r, RIG_SEEN_PAGE_RESP), ==, 0);
    g_assert_cmpuint(f.io->readable_queue.id, !=, 0);
    g_assert_true(io_reaches(f.io, 2, h, IO_FS_VA(0), pa));
    g_assert_false(io_reaches(f.io, 0, h, IO_FS_VA(0), pa));
    g_assert_true(io_reaches(f.io, 2, IO_NO_PASID, 5 * IO_PAGE, pa));
    numbers_stay(&f);
    groups_are_answered_once(&f);
    io_use(f.io, f.from);
    RC(IO(f.io, SET_QUERY, ImuSetQuery, .set = f.set), -ENOENT);
    io_use(f.io, f.to);
    /* Unmapped is unmapped: nothing old is left. */
    io_fs_map(f.io, IO_WORLD_FS, IO_FS_VA(0), 6 * IO_PAGE, FS_RWU);
    RC(io_inv_all(f.io, f.set, IMU_INV_SET, io_none(), IMU_CACHE_IOTLB), 0);
    g_assert_true(io_reaches(f.io, 2, h, IO_FS_VA(0), io_pa(f.io, 6)));
    events_go_on(&f, sequence);
    io_settle(f.io);
    RC(io_state(f.io, f.set, f.cold.pasid), IMU_PASID_FREE);
    flow_free(&f);
}

/* Their numbers may be in a function's work still, whoever has it. */
static void quarantine_without_device(void)
{
    Flow f = flow_new(IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);

    io_use(f.io, f.from);
    RC(IO(f.io, DEV_UNBIND, ImuDevUnbind, .set = f.set, .dev = f.other), 0);
    move(&f, IMU_SAVE_MOVE);
    RC(io_state(f.io, f.set, f.parked.pasid), IMU_PASID_QUARANTINE);
    RC(io_state(f.io, f.set, f.cold.pasid), IMU_PASID_QUARANTINE);
    flow_free(&f);
}

/* SAVE alone changes nothing: the source goes on, if it must. */
static void save_is_a_look(void)
{
    Flow f = flow_new(IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    g_autofree char *before = NULL;
    uint32_t want;

    io_use(f.io, f.from);
    before = io_dump(f.io);
    RC(save(&f, 0, 0), -EMSGSIZE);
    want = f.count;
    RC(save(&f, 0, want - 1), -EMSGSIZE);
    g_assert_cmpuint(f.count, ==, want);
    RC(save(&f, 0, want), 0);
    io_same(f.io, before);
    io_use(f.io, f.from);
    RC(IO(f.io, FAULT_ANSWER, ImuAnswer, .set = f.set, .ticket = f.ticket), 0);
    flow_free(&f);
}

/* What is saved of what was restored is the same, but for what says that it
 * was: how often, functions, user addresses, and that the fence is done. */
static void twice_is_the_same(void)
{
    Flow f = flow_new(IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    g_autofree uint64_t *first = NULL;
    uint32_t count;

    move(&f, IMU_SAVE_MOVE);
    first = g_steal_pointer(&f.quads);
    count = f.count;
    RC(save(&f, 0, ROOM), 0);
    g_assert_cmpuint(f.count, ==,
                     count + sizeof(ImuEvent) / 8 + sizeof(ImuSaved) / 8);
    flow_free(&f);
}

static void needs_a_new_context(void)
{
    Flow f = flow_new(IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);

    io_use(f.io, f.from);
    RC(save(&f, 0, ROOM), 0);
    io_use(f.io, f.to);
    RC(IO(f.io, SET_DESTROY, ImuSetDestroy,
          .set = io_set(f.io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE)),
       0);
    RC(restore(&f, f.quads, f.count), -EBUSY);
    flow_free(&f);
}

/* Whoever fills a map has to finish first. */
static void not_while_filled(void)
{
    Io *io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef q = io_faultq(io, set, 0);
    ImuRef dev = io_bind(io, set, 0);
    ImuSave s = { .quads = io_at(io, STREAM), .count = ROOM };

    io_attach(io, set, dev, NULL, io_mapped(io, set, IMU_SPACE_FILL, q));
    io_page_request(io, 0, IO_NO_PASID, 1, 0x1000, true);
    RC(io_SAVE(io, &s), -EBUSY);
    RC(io_detach(io, set, dev, NULL), 0);
    RC(io_SAVE(io, &s), 0);
    io_free(io);
}

static void removed(void)
{
    Flow f = flow_new(IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);

    io_use(f.io, f.from);
    RC(im_ioasid_device_remove(f.io->h, io_func(1)), 0);
    RC(save(&f, IMU_SAVE_MOVE, ROOM), -ENODEV);
    RC(IO(f.io, DEV_UNBIND, ImuDevUnbind, .set = f.set, .dev = f.other), 0);
    RC(save(&f, 0, ROOM), 0);
    flow_free(&f);
}

/* --- damage ------------------------------------------------------------- */

/* Nothing is left, and the good stream is restored as if nothing had been. */
static void refused(Flow *f, const uint64_t *bad, uint32_t count)
{
    g_autofree char *before = io_dump(f->io);
    unsigned seen = rig_count(f->io->r, RIG_SEEN_PAGE_RESP) +
                    rig_count(f->io->r, RIG_SEEN_ATS_INV);
    unsigned readable = f->io->readable;
    int rc = restore(f, bad, count);

    if (rc == 0) {
        im_ioasid_close(f->io->ctx); /* it was as good as the other */
        f->to = io_open(f->io, IM_IOASID_CTX_DEBUG);
        io_settle(f->io);
        return;
    }
    io_same(f->io, before);
    g_assert_cmpuint(rig_count(f->io->r, RIG_SEEN_PAGE_RESP) +
                         rig_count(f->io->r, RIG_SEEN_ATS_INV),
                     ==, seen);
    g_assert_cmpuint(f->io->readable, ==, readable);
}

static void flow_to_damage(Flow *f)
{
    *f = flow_new(IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    io_use(f->io, f->from);
    RC(save(f, IMU_SAVE_MOVE, ROOM), 0);
    copy_memory(f);
    io_use(f->io, f->to);
}

/* Without its end, wherever it is cut: always one error. */
static void cut(void)
{
    Flow f;

    flow_to_damage(&f);
    for (uint32_t n = 1; n < f.count; n++) {
        refused(&f, f.quads, n);
        RC(restore(&f, f.quads, n), -EBADMSG);
    }
    RC(restore(&f, f.quads, f.count), 0);
    flow_free(&f);
}

static uint32_t next_record(const Flow *f, uint32_t at)
{
    return at + (uint32_t)f->quads[at] / 8;
}

/* Each record is left out, told twice, and told as something else. */
static void each_record(void)
{
    Flow f;
    uint64_t *bad;

    flow_to_damage(&f);
    bad = g_new(uint64_t, 2 * f.count);
    for (uint32_t at = 0; at < f.count; at = next_record(&f, at)) {
        uint32_t end = next_record(&f, at);

        memcpy(bad, f.quads, at * 8);
        memcpy(bad + at, f.quads + end, (f.count - end) * 8);
        refused(&f, bad, f.count - (end - at));
        memcpy(bad, f.quads, end * 8);
        memcpy(bad + end, f.quads + at, (f.count - at) * 8);
        refused(&f, bad, f.count + (end - at));
        for (uint32_t what = 0; what < 0x80; what += 3) {
            memcpy(bad, f.quads, f.count * 8);
            bad[at] = (uint32_t)bad[at] | (uint64_t)what << 32;
            refused(&f, bad, f.count);
        }
    }
    g_free(bad);
    RC(restore(&f, f.quads, f.count), 0);
    flow_free(&f);
}

/* Each quad of each record is all ones, all zero, and off by a bit or two. */
static void each_quad(void)
{
    Flow f;

    flow_to_damage(&f);
    for (uint32_t at = 0; at < f.count; at++) {
        const uint64_t was = f.quads[at];
        const uint64_t bad[] = {
            0,
            UINT64_MAX,
            was ^ 1,
            was ^ UINT64_C(1) << 32,
            was ^ 0x80000000,
            was + 8,
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
            f.quads[at] = bad[i];
            refused(&f, f.quads, f.count);
        }
        f.quads[at] = was;
    }
    RC(restore(&f, f.quads, f.count), 0);
    flow_free(&f);
}

static void each_allocation(void)
{
    Flow f;
    unsigned n = 0;
    int rc;

    for (flow_to_damage(&f);; n++) {
        io_fail_alloc(f.io, n);
        rc = restore(&f, f.quads, f.count);
        if (!f.io->failed) {
            break;
        }
        RC(rc, -ENOMEM);
        io_fail_alloc(f.io, UINT64_MAX);
    }
    RC(rc, 0);
    g_assert_cmpuint(n, >, 30);
    flow_free(&f);
}

static void each_access(void)
{
    Flow f;
    unsigned n = 0;
    int rc;

    for (flow_to_damage(&f);; n++) {
        io_fail_user(f.io, n);
        rc = restore(&f, f.quads, f.count);
        if (!f.io->failed) {
            break;
        }
        RC(rc, -EFAULT);
        io_fail_user(f.io, UINT64_MAX);
    }
    RC(rc, 0);
    g_assert_cmpuint(n, >, 60);
    flow_free(&f);
}

/* --- ENUM --------------------------------------------------------------- */

static unsigned list(Flow *f, ImuList what, ImuEntry *e, unsigned step)
{
    ImuEnum a = {
        .set = what == IMU_LIST_SETS ? io_none() : f->set,
        .space = what == IMU_LIST_MAPPINGS ? f->parent : io_none(),
        .list = what,
        .entry_size = sizeof(*e),
        .entries = io_at(f->io, ARRAY),
    };
    unsigned n = 0;

    do {
        a.count = step;
        RC(io_ENUM(f->io, &a), 0);
        g_assert_cmpuint(a.count, <=, step);
        io_get(f->io, a.entries, e + n, a.count * sizeof(*e));
        n += a.count;
    } while (a.count);
    return n;
}

static void what_there_is(void)
{
    static const unsigned counts[] = { 1, 3, 2, 2, 1, 1, 3, 1 };
    Flow f = flow_new(IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuEntry e[8];

    io_use(f.io, f.from);
    for (unsigned what = 0; what < G_N_ELEMENTS(counts); what++) {
        for (unsigned step = 1; step < 4; step++) {
            g_assert_cmpuint(list(&f, (ImuList)what, e, step), ==,
                             counts[what]);
        }
    }
    g_assert_cmphex(e[0].value, ==, f.base);
    g_assert_cmphex(e[0].last, ==, IO_RO_PAGE * IO_PAGE - 1);
    list(&f, IMU_LIST_BINDINGS, e, 1);
    g_assert_true(io_ref_eq(e[0].on, f.dev) && io_ref_eq(e[0].of, io_none()));
    g_assert_true(io_ref_eq(e[1].of, f.bound.pasid));
    g_assert_true(io_ref_eq(e[1].space, f.nested));
    g_assert_true(io_ref_eq(e[2].of, f.parked.pasid));
    g_assert_true(io_ref_eq(e[2].space, io_none()));
    flow_free(&f);
}

typedef struct EnumRow {
    const char *name;
    ImuList list;
    uint32_t entry_size, count;
    bool parent, nested; /* space is that */
    int rc;
} EnumRow;

#define SIZE  sizeof(ImuEntry)
static const EnumRow enum_rows[] = {
    { "no-room", IMU_LIST_PASIDS, SIZE, 0, false, false, 0 },
    { "unknown", IMU_LIST_MAPPINGS + 1, SIZE, 0, false, false, -EOPNOTSUPP },
    { "set-of-sets", IMU_LIST_SETS, SIZE, 0, false, false, -EINVAL },
    { "space-of-pasids", IMU_LIST_PASIDS, SIZE, 0, true, false, -EINVAL },
    { "short-entry", IMU_LIST_PASIDS, SIZE - 8, 0, false, false, -EINVAL },
    { "long-entry", IMU_LIST_PASIDS, IMU_SIZE_MAX + 1, 0, false, false,
      -E2BIG },
    { "wild", IMU_LIST_PASIDS, SIZE, 1, false, false, -EFAULT },
    { "no-space", IMU_LIST_MAPPINGS, SIZE, 0, false, false, -ENOENT },
    { "not-mapped", IMU_LIST_MAPPINGS, SIZE, 0, false, true, -EINVAL },
};

static void enum_error(const void *data)
{
    const EnumRow *row = data;
    Flow f = flow_new(IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);

    io_use(f.io, f.from);
    RC(IO(f.io, ENUM, ImuEnum, .set = f.set, .list = row->list,
          .entry_size = row->entry_size, .count = row->count,
          .entries = IO_WILD,
          .space = row->parent ? f.parent :
                   row->nested ? f.nested :
                                 io_none()),
       row->rc);
    flow_free(&f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(IOASID_CMD_ENUM, "what-there-is", what_there_is);
    spec_rows(IOASID_CMD_ENUM, enum_rows, "errors", enum_error);
    spec_test(IOASID_CMD_SAVE, "changes-nothing", save_is_a_look);
    spec_test(IOASID_CMD_SAVE, "twice-is-the-same", twice_is_the_same);
    spec_test(IOASID_CMD_SAVE, "not-while-a-map-is-filled", not_while_filled);
    spec_test(IOASID_CMD_SAVE, "not-with-a-removed-function", removed);
    spec_rows(IOASID_MOVING, modes, "the-flow-goes-on", goes_on);
    spec_test(IOASID_MOVING, "quarantine-without-device",
              quarantine_without_device);
    spec_test(IOASID_CMD_RESTORE, "needs-a-new-context", needs_a_new_context);
    spec_test(IOASID_CMD_RESTORE, "cut-anywhere", cut);
    spec_test(IOASID_CMD_RESTORE, "each-record-damaged", each_record);
    spec_test(IOASID_CMD_RESTORE, "each-quad-damaged", each_quad);
    spec_test(IOASID_CMD_RESTORE, "each-allocation-fails", each_allocation);
    spec_test(IOASID_CMD_RESTORE, "each-user-access-fails", each_access);
    return g_test_run();
}
