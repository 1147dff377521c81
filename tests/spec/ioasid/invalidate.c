/*
 * Invalidation and fences: sections 4.24, 4.25 and 8 of docs/uapi.rst.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/io_world.h"
#include "lib/spec.h"
#include "lib/vtd_build.h"

#define RC(got, want)  g_assert_cmpint(got, ==, want)
#define P  IO_PAGE
#define DATA_PA(io)  io_pa(io, IO_WORLD_DATA)

/* --- invalidation ------------------------------------------------------- */

typedef struct InvRow {
    const char *name;
    ImuInvalidate v;
    ImuInvEntry e;
    int rc;
    bool handled;               /* before the error, as count says */
} InvRow;

#define INV(target_, gran_, caches_, size_, count_) \
    { .target = target_, .gran = gran_, .caches = caches_, \
      .entry_size = size_, .count = count_ }
#define ES  (uint32_t)sizeof(ImuInvEntry)

/* clang-format off */
static const InvRow invs[] = {
    { "all", INV(IMU_INV_SPACE, IMU_GRAN_ALL, 7, 0, 0), { 0 }, 0, false },
    { "all-dev", INV(IMU_INV_DEV, IMU_GRAN_ALL, 7, 0, 0), { 0 }, 0, false },
    { "all-set", INV(IMU_INV_SET, IMU_GRAN_ALL, 7, 0, 0), { 0 }, 0, false },
    { "pasid", INV(IMU_INV_SET, IMU_GRAN_PASID, 7, ES, 1),
      { .gpasid = 1 }, 0, true },
    { "pasid-nobody-has", INV(IMU_INV_SET, IMU_GRAN_PASID, 7, ES, 1),
      { .gpasid = 0xfffff }, 0, true },
    { "no-pasid", INV(IMU_INV_DEV, IMU_GRAN_PASID, 7, ES, 1),
      { .flags = IMU_INV_NO_PASID }, 0, true },
    { "range", INV(IMU_INV_SPACE, IMU_GRAN_RANGE, 3, ES, 1),
      { .gpasid = 1, .addr = 0x123, .length = 7 }, 0, true },
    { "range-all", INV(IMU_INV_SPACE, IMU_GRAN_RANGE, 3, ES, 1),
      { .gpasid = 1, .addr = 0, .length = UINT64_MAX }, 0, true },
    { "no-entries", INV(IMU_INV_SET, IMU_GRAN_PASID, 7, ES, 0), { 0 }, 0,
      false },
    { "no-cache", INV(IMU_INV_SET, IMU_GRAN_ALL, 0, 0, 0), { 0 }, -EINVAL,
      false },
    { "unknown-cache", INV(IMU_INV_SET, IMU_GRAN_ALL, 8, 0, 0), { 0 },
      -EOPNOTSUPP, false },
    { "last-cache", INV(IMU_INV_SET, IMU_GRAN_ALL, 0x80000001, 0, 0), { 0 },
      -EOPNOTSUPP, false },
    { "pasid-cache-range", INV(IMU_INV_SET, IMU_GRAN_RANGE, 5, ES, 1),
      { .gpasid = 1, .length = P }, -EINVAL, false },
    { "all-with-size", INV(IMU_INV_SET, IMU_GRAN_ALL, 7, ES, 0), { 0 },
      -EINVAL, false },
    { "all-with-count", INV(IMU_INV_SET, IMU_GRAN_ALL, 7, 0, 1), { 0 },
      -EINVAL, false },
    { "entry-small", INV(IMU_INV_SET, IMU_GRAN_PASID, 7, ES - 1, 1), { 0 },
      -EINVAL, false },
    { "entry-size-0", INV(IMU_INV_SET, IMU_GRAN_PASID, 7, 0, 1), { 0 },
      -EINVAL, false },
    { "entry-huge", INV(IMU_INV_SET, IMU_GRAN_PASID, 7, 4097, 1), { 0 },
      -E2BIG, false },
    { "entry-at-the-end", INV(IMU_INV_SET, IMU_GRAN_PASID, 7, UINT32_MAX,
                              1), { 0 }, -E2BIG, false },
    { "too-many", INV(IMU_INV_SET, IMU_GRAN_PASID, 7, ES,
                      IMU_INV_ENTRIES_MAX + 1), { 0 }, -EINVAL, false },
    { "far-too-many", INV(IMU_INV_SET, IMU_GRAN_PASID, 7, ES, UINT32_MAX),
      { 0 }, -EINVAL, false },
    { "entry-flag", INV(IMU_INV_SET, IMU_GRAN_PASID, 7, ES, 1),
      { .flags = 4 }, -EOPNOTSUPP, false },
    { "asid-of-no-pasid", INV(IMU_INV_SET, IMU_GRAN_PASID, 1, ES, 1),
      { .flags = IMU_INV_ASID | IMU_INV_NO_PASID }, -EINVAL, false },
    { "asid-wide", INV(IMU_INV_SET, IMU_GRAN_PASID, 1, ES, 1),
      { .flags = IMU_INV_ASID, .gpasid = 0x10000 }, -EINVAL, false },
    { "asid-of-a-device-tlb", INV(IMU_INV_SET, IMU_GRAN_PASID, 3, ES, 1),
      { .flags = IMU_INV_ASID, .gpasid = 1 }, -EINVAL, false },
    { "asid-widest", INV(IMU_INV_SET, IMU_GRAN_PASID, 1, ES, 1),
      { .flags = IMU_INV_ASID, .gpasid = 0xffff }, 0, false },
    { "tag-unasked", { .target = IMU_INV_SET, .caches = 1, .tag = 1 },
      { 0 }, -EINVAL, false },
    { "pasid-wide", INV(IMU_INV_SET, IMU_GRAN_PASID, 7, ES, 1),
      { .gpasid = 0x100000 }, -EINVAL, false },
    { "pasid-at-the-end", INV(IMU_INV_SET, IMU_GRAN_PASID, 7, ES, 1),
      { .gpasid = UINT32_MAX }, -EINVAL, false },
    { "no-pasid-and-pasid", INV(IMU_INV_SET, IMU_GRAN_PASID, 7, ES, 1),
      { .flags = IMU_INV_NO_PASID, .gpasid = 1 }, -EINVAL, false },
    { "pasid-with-addr", INV(IMU_INV_SET, IMU_GRAN_PASID, 7, ES, 1),
      { .gpasid = 1, .addr = P }, -EINVAL, false },
    { "pasid-with-length", INV(IMU_INV_SET, IMU_GRAN_PASID, 7, ES, 1),
      { .gpasid = 1, .length = P }, -EINVAL, false },
    { "range-of-nothing", INV(IMU_INV_SET, IMU_GRAN_RANGE, 3, ES, 1),
      { .gpasid = 1 }, -EINVAL, false },
    { "range-wraps", INV(IMU_INV_SET, IMU_GRAN_RANGE, 3, ES, 1),
      { .gpasid = 1, .addr = UINT64_MAX, .length = 2 }, -EOVERFLOW, false },
};
/* clang-format on */

static void inv_values(const void *data)
{
    const InvRow *row = data;
    g_autoptr(Io) io = io_new(NULL);
    uint64_t buf = io_at(io, IO_WORLD_BUF);
    ImuInvalidate v = row->v;
    uint32_t count = v.count;
    IoWorld w;

    io_world_init(&w, io, 0);
    io_put(io, buf, &row->e, sizeof(row->e));
    v.set = w.set;
    v.object = v.target == IMU_INV_SET ? io_none() :
               v.target == IMU_INV_DEV ? w.dev :
                                         w.nested;
    v.entries = v.gran == IMU_GRAN_ALL ? 0 : buf;
    RC(io_INVALIDATE(io, &v), row->rc);
    if (!row->rc) {
        g_assert_cmpuint(v.count, ==, count);
    }
}

static void inv_targets(void)
{
    g_autoptr(Io) io = io_new(NULL);
    IoWorld w;

    io_world_init(&w, io, 0);
    RC(io_inv_all(io, w.set, IMU_INV_SET, w.dev, 1), -EINVAL);
    RC(io_inv_all(io, w.set, IMU_INV_DEV, io_none(), 1), -ENOENT);
    RC(io_inv_all(io, w.set, IMU_INV_DEV, w.nested, 1), -ENOENT);
    RC(io_inv_all(io, w.set, IMU_INV_SPACE, w.dev, 1), -ENOENT);
    RC(IO(io, INVALIDATE, ImuInvalidate, .set = w.set, .target = IMU_INV_SET,
          .gran = IMU_GRAN_ALL, .caches = 1, .entries = 8),
       -EINVAL);
}

/* The third of four entries is wrong: two were obeyed. */
static void inv_partial(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuInvEntry e[4] = { { 0 } };
    ImuInvalidate v = { .target = IMU_INV_SET,
                        .gran = IMU_GRAN_PASID,
                        .caches = IMU_CACHE_IOTLB,
                        .entry_size = ES,
                        .entries = io_at(io, IO_WORLD_BUF),
                        .count = 4 };
    IoWorld w;

    io_world_init(&w, io, 0);
    v.set = w.set;
    e[2].flags = 0x80;
    io_put(io, v.entries, e, sizeof(e));
    RC(io_INVALIDATE(io, &v), -EOPNOTSUPP);
    g_assert_cmpuint(v.count, ==, 2);
    v.count = 4;
    v.entries = io_at(io, IO_PAGES) - 2 * ES;
    /* Two are in user memory, the others are not. */
    io_put(io, v.entries, e, 2 * ES);
    RC(io_INVALIDATE(io, &v), -EFAULT);
    g_assert_cmpuint(v.count, ==, 2);
    /* Growth: a tail of zeros, then one that is not. */
    v = (ImuInvalidate) { .set = w.set,
                          .target = IMU_INV_SET,
                          .gran = IMU_GRAN_PASID,
                          .caches = 1,
                          .entry_size = ES + 8,
                          .count = 2,
                          .entries = io_at(io, IO_WORLD_BUF) };
    {
        uint8_t raw[2 * (sizeof(ImuInvEntry) + 8)] = { 0 };

        io_put(io, v.entries, raw, sizeof(raw));
        RC(io_INVALIDATE(io, &v), 0);
        raw[sizeof(raw) - 1] = 1;
        io_put(io, v.entries, raw, sizeof(raw));
        RC(io_INVALIDATE(io, &v), -E2BIG);
        g_assert_cmpuint(v.count, ==, 1);
    }
}

/* Change the guest's table behind the backend's back. */
static void remap(Io *io, unsigned n, unsigned page)
{
    io_fs_map(io, IO_WORLD_FS, IO_FS_VA(n), (uint64_t)page * P, FS_RWU);
}

typedef struct StaleRow {
    const char *name;
    ImuInvTarget target;
    bool other;                 /* another object than the binding's */
    ImuInvGran gran;
    uint32_t caches;
    ImuInvEntry e;
    bool gone[3];               /* VAs 0, 1 and 2 afterwards */
} StaleRow;

#define IOTLB  IMU_CACHE_IOTLB

/* clang-format off */
static const StaleRow stales[] = {
    { "nothing-done", IMU_INV_SET, false, IMU_GRAN_PASID, 0, { 0 },
      { false, false, false } },
    { "set-all", IMU_INV_SET, false, IMU_GRAN_ALL, IOTLB, { 0 },
      { true, true, true } },
    { "dev-all", IMU_INV_DEV, false, IMU_GRAN_ALL, IOTLB, { 0 },
      { true, true, true } },
    { "space-all", IMU_INV_SPACE, false, IMU_GRAN_ALL, IOTLB, { 0 },
      { true, true, true } },
    { "other-dev", IMU_INV_DEV, true, IMU_GRAN_ALL, IOTLB, { 0 },
      { false, false, false } },
    { "other-space", IMU_INV_SPACE, true, IMU_GRAN_ALL, IOTLB, { 0 },
      { false, false, false } },
    { "device-tlb-only", IMU_INV_SET, false, IMU_GRAN_ALL, IMU_CACHE_DEVTLB,
      { 0 }, { false, false, false } },
    { "pasid", IMU_INV_SET, false, IMU_GRAN_PASID, IOTLB, { .gpasid = 1 },
      { true, true, true } },
    { "other-pasid", IMU_INV_SET, false, IMU_GRAN_PASID, IOTLB,
      { .gpasid = 2 }, { false, false, false } },
    { "no-pasid", IMU_INV_SET, false, IMU_GRAN_PASID, IOTLB,
      { .flags = IMU_INV_NO_PASID }, { false, false, false } },
    { "range", IMU_INV_DEV, false, IMU_GRAN_RANGE, IOTLB,
      { .gpasid = 1, .addr = IO_FS_VA(1) + 8, .length = 8 },
      { false, true, false } },
    { "range-across", IMU_INV_DEV, false, IMU_GRAN_RANGE, IOTLB,
      { .gpasid = 1, .addr = IO_FS_VA(1) + 4088, .length = 16 },
      { false, true, true } },
    { "range-elsewhere", IMU_INV_DEV, false, IMU_GRAN_RANGE, IOTLB,
      { .gpasid = 1, .addr = 0, .length = 0x10000 },
      { false, false, false } },
};
/* clang-format on */

static void inv_reach(const void *data)
{
    const StaleRow *row = data;
    g_autoptr(Io) io = io_new(NULL);
    IoWorld w;
    ImuInvalidate v;

    io_world_init(&w, io, 0);
    g_assert_cmpuint(w.bound.gpasid, ==, 1);
    for (unsigned n = 0; n < 3; n++) {
        remap(io, n, IO_WORLD_DATA + n);
        g_assert_true(io_reaches(io, 0, w.hpasid, IO_FS_VA(n),
                                 io_pa(io, IO_WORLD_DATA + n)));
    }
    for (unsigned n = 0; n < 3; n++) {
        remap(io, n, 30 + n);
    }
    v = (ImuInvalidate) {
        .set = w.set,
        .target = row->target,
        .gran = row->gran,
        .caches = row->caches,
        .object =
            row->target == IMU_INV_DEV   ? (row->other ? w.idle_dev : w.dev) :
            row->target == IMU_INV_SPACE ? (row->other ? w.spare : w.nested) :
                                           io_none(),
    };
    if (row->gran != IMU_GRAN_ALL) {
        v.entries = io_at(io, IO_WORLD_BUF);
        v.entry_size = ES;
        v.count = 1;
        io_put(io, v.entries, &row->e, ES);
    }
    if (row->caches) {
        RC(io_INVALIDATE(io, &v), 0);
    }
    for (unsigned n = 0; n < 3; n++) {
        g_assert_true(io_reaches(io, 0, w.hpasid, IO_FS_VA(n),
                                 row->gone[n] ? io_pa(io, 30 + n) :
                                                io_pa(io, IO_WORLD_DATA + n)));
    }
}

/* UNMAP of the parent reaches what was nested on it, without a command. */
static void unmap_reaches_nested(void)
{
    g_autoptr(Io) io = io_new(NULL);
    IoWorld w;

    io_world_init(&w, io, 0);
    g_assert_true(io_reaches(io, 0, w.hpasid, IO_FS_VA(0), DATA_PA(io)));
    io_ats(io, 0, w.hpasid, IO_FS_VA(0), IM_READ);
    rig_log_clear(io->r);
    RC(IO(io, UNMAP, ImuUnmap, .set = w.set, .space = w.parent,
          .length = UINT64_MAX),
       0);
    RC(io_dma(io, 0, w.hpasid, IO_FS_VA(0), IM_READ).status, IM_FAULT);
    RC(io_translated(io, 0, w.hpasid, DATA_PA(io), IM_READ).status, IM_FAULT);
    g_assert_cmpuint(rig_count(io->r, RIG_SEEN_ATS_INV), >=, 1);
}

/* Device TLBs: told of the host's number, done when they say so. */
static void fence(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuInvEntry e = { .gpasid = 1, .addr = IO_FS_VA(0), .length = P };
    ImuFence f, g;
    ImAtsInv inv;
    IoWorld w;

    io_world_init(&w, io, 0);
    while (io_complete(io)) {
    }
    f = (ImuFence) { .set = w.set };
    RC(io_FENCE(io, &f), 0);
    g_assert_cmpuint(f.done, ==, 1);            /* nothing under way */
    g_assert_cmpuint(f.ticket, !=, 0);
    g = (ImuFence) { .set = w.set, .ticket = f.ticket };
    RC(io_FENCE(io, &g), 0);
    g_assert_cmpuint(g.done, ==, 1);

    io_put(io, io_at(io, IO_WORLD_BUF), &e, ES);
    RC(IO(io, INVALIDATE, ImuInvalidate, .set = w.set, .object = w.dev,
          .target = IMU_INV_DEV, .gran = IMU_GRAN_RANGE,
          .caches = IMU_CACHE_DEVTLB | IMU_CACHE_IOTLB, .entry_size = ES,
          .entries = io_at(io, IO_WORLD_BUF), .count = 1),
       0);
    g_assert_cmpuint(rig_count(io->r, RIG_SEEN_ATS_INV), ==, 1);
    inv = rig_seen(io->r, RIG_SEEN_ATS_INV, 0)->inv;
    g_assert_cmphex(inv.rid, ==, io_func(0));
    g_assert_true(inv.has_pasid);
    g_assert_cmphex(inv.pasid, ==, w.hpasid);
    g_assert_cmphex(inv.addr, ==, IO_FS_VA(0));
    g_assert_cmpuint(inv.lg2size, ==, 12);
    f = (ImuFence) { .set = w.set };
    RC(io_FENCE(io, &f), 0);
    g_assert_cmpuint(f.done, ==, 0);
    g_assert_cmpuint(f.ticket, >, g.ticket);
    /* What was done before is done still. */
    RC(io_FENCE(io, &g), 0);
    g_assert_cmpuint(g.done, ==, 1);
    io_complete(io);
    g = (ImuFence) { .set = w.set, .ticket = f.ticket };
    RC(io_FENCE(io, &g), 0);
    g_assert_cmpuint(g.done, ==, 1);
    /* Tickets that nobody gave out. */
    RC(IO(io, FENCE, ImuFence, .set = w.set, .ticket = f.ticket + 1), -ENOENT);
    RC(IO(io, FENCE, ImuFence, .set = w.set, .ticket = UINT64_MAX), -ENOENT);
    {
        ImuRef other = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);

        RC(IO(io, FENCE, ImuFence, .set = other, .ticket = f.ticket), -ENOENT);
    }
}

static void fence_times_out(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuEvent e[16];
    ImuEventRead r;
    ImuFence f;
    unsigned timeout = 0, fenced = 0;
    IoWorld w;

    io_world_init(&w, io, 0);
    r = (ImuEventRead) { .set = w.set,
                         .queue = w.evq,
                         .count = 16,
                         .events = io_at(io, IO_WORLD_BUF) };
    RC(io_EVENT_READ(io, &r), 0);
    RC(io_inv_all(io, w.set, IMU_INV_SET, io_none(), IMU_CACHE_DEVTLB), 0);
    f = (ImuFence) { .set = w.set };
    RC(io_FENCE(io, &f), 0);
    g_assert_cmpuint(f.done, ==, 0);
    rig_advance(io->r, io->cfg.ats_timeout_ns - 1);
    RC(io_FENCE(io, &f), 0);
    g_assert_cmpuint(f.done, ==, 0);
    io->readable = 0;
    rig_advance(io->r, 1);
    RC(io_FENCE(io, &f), 0);
    g_assert_cmpuint(f.done, ==, 1);
    g_assert_cmpuint(io->readable, >=, 1);
    r = (ImuEventRead) { .set = w.set,
                         .queue = w.evq,
                         .count = 16,
                         .events = io_at(io, IO_WORLD_BUF) };
    RC(io_EVENT_READ(io, &r), 0);
    io_get(io, r.events, e, sizeof(e));
    for (unsigned i = 0; i < r.count; i++) {
        if (e[i].type == IMU_EVENT_INV_TIMEOUT) {
            g_assert_true(io_ref_eq(e[i].object, w.dev));
            timeout++;
        } else if (e[i].type == IMU_EVENT_FENCE) {
            g_assert_cmpuint(e[i].token, ==, f.ticket);
            g_assert_true(io_ref_eq(e[i].object, w.set));
            g_assert_cmpuint(timeout, >, 0);
            fenced++;
        }
    }
    g_assert_cmpuint(fenced, ==, 1);
}

/* A completion that nobody waits for, from whomever. */
static void stray_completions(void)
{
    g_autoptr(Io) io = io_new(NULL);
    g_autofree char *before = NULL;
    IoWorld w;

    io_world_init(&w, io, 0);
    io_settle(io);
    before = io_dump(io);
    for (unsigned n = 0; n < 8; n++) {
        im_ioasid_ats_inv_done(io->h, io_func(n), UINT32_MAX, 1);
        im_ioasid_ats_inv_done(io->h, io_func(n), 0, 1);
    }
    im_ioasid_ats_inv_done(io->h, UINT32_MAX, UINT32_MAX, 1);
    im_ioasid_deadline(io->h);
    io_same(io, before);
}

/* --- the list ----------------------------------------------------------- */

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_rows(IOASID_CMD_INVALIDATE, invs, "values", inv_values);
    spec_test(IOASID_CMD_INVALIDATE, "targets", inv_targets);
    spec_test(IOASID_CMD_INVALIDATE, "count-says-how-far", inv_partial);
    spec_rows(IOASID_INVALIDATION, stales, "reaches", inv_reach);
    spec_test(IOASID_INVALIDATION, "unmap-needs-none", unmap_reaches_nested);
    spec_test(IOASID_CMD_FENCE, "behind-device-tlbs", fence);
    spec_test(IOASID_CMD_FENCE, "time-out", fence_times_out);
    spec_test(IOASID_INVALIDATION, "stray-completions", stray_completions);
    return g_test_run();
}
