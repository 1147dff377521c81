/*
 * Sets, quota and guest numbers: sections 4.2 to 4.8 and 5.2 of
 * docs/uapi.rst.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/io_world.h"
#include "lib/spec.h"

#define RC(got, want)  g_assert_cmpint(got, ==, want)
#define FIXED  IMU_PASID_ALLOC_FIXED

/* --- SET_CREATE --------------------------------------------------------- */

typedef struct CreateRow {
    const char *name;
    ImuSetCreate c;
    int rc;
} CreateRow;

#define SET(mode_, pool_, min_, max_, qmax, qres) \
    { .map_mode = IMU_MODE_##mode_, .pool = IMU_POOL_##pool_, \
      .gpasid_min = min_, .gpasid_max = max_, .quota_max = qmax, \
      .quota_reserved = qres }

static const CreateRow creates[] = {
    { "identity", SET(IDENTITY, DEVICE, 1, 0xffff, 0, 0), 0 },
    { "translate-device", SET(TRANSLATE, DEVICE, 1, 0xfffff, 0, 0), 0 },
    { "translate-global", SET(TRANSLATE, GLOBAL, 1, 0xfffff, 0, 0), 0 },
    { "delegated", SET(DELEGATED, DEVICE, 0, 0, 0, 0), 0 },
    { "one-number", SET(TRANSLATE, GLOBAL, 7, 7, 1, 1), 0 },
    { "everything-reserved", SET(TRANSLATE, DEVICE, 1, 9, 1000, 1000), 0 },
    { "maximum-above-the-context", SET(TRANSLATE, DEVICE, 1, 9, UINT32_MAX, 0),
      0 },
    { "range-with-0", SET(TRANSLATE, DEVICE, 0, 5, 0, 0), -EINVAL },
    { "range-0-0", SET(TRANSLATE, DEVICE, 0, 0, 0, 0), -EINVAL },
    { "range-empty", SET(TRANSLATE, DEVICE, 6, 5, 0, 0), -EINVAL },
    { "range-beyond-20-bits", SET(TRANSLATE, DEVICE, 1, 0x100000, 0, 0),
      -EINVAL },
    { "range-at-the-end", SET(TRANSLATE, DEVICE, 1, UINT32_MAX, 0, 0),
      -EINVAL },
    { "identity-beyond-the-width", SET(IDENTITY, DEVICE, 1, 0x10000, 0, 0),
      -EINVAL },
    { "identity-global", SET(IDENTITY, GLOBAL, 1, 9, 0, 0), -EINVAL },
    { "delegated-global", SET(DELEGATED, GLOBAL, 0, 0, 0, 0), -EINVAL },
    { "delegated-with-range", SET(DELEGATED, DEVICE, 1, 9, 0, 0), -EINVAL },
    { "delegated-with-maximum", SET(DELEGATED, DEVICE, 0, 0, 1, 0), -EINVAL },
    { "delegated-with-reservation", SET(DELEGATED, DEVICE, 0, 0, 0, 1),
      -EINVAL },
    { "reserved-above-maximum", SET(TRANSLATE, DEVICE, 1, 9, 4, 5), -EINVAL },
    { "reserved-above-the-context", SET(TRANSLATE, DEVICE, 1, 9, 0, 1001),
      -ENOSPC },
    { "reserved-at-the-end", SET(TRANSLATE, DEVICE, 1, 9, 0, UINT32_MAX),
      -ENOSPC },
};

static void create(const void *data)
{
    const CreateRow *row = data;
    g_autoptr(Io) io = io_new(NULL);
    ImuSetCreate c = row->c;

    RC(io_SET_CREATE(io, &c), row->rc);
    if (!row->rc) {
        ImuSetQuery q = io_set_query(io, c.set);

        g_assert_cmpuint(q.quota_max, ==, row->c.quota_max);
        g_assert_cmpuint(q.quota_reserved, ==, row->c.quota_reserved);
        RC(IO(io, SET_DESTROY, ImuSetDestroy, .set = c.set), 0);
        RC(IO(io, SET_QUERY, ImuSetQuery, .set = c.set), -ENOENT);
    }
}

static void create_limit(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuSetCreate c = { .gpasid_min = 1,
                       .gpasid_max = 1,
                       .map_mode = IMU_MODE_TRANSLATE };
    ImuQueueDestroy d;
    ImuEvqCreate q;
    unsigned n;

    io->lax = true;
    RC(io_SET_CREATE(io, &c), 0);
    /* Invariants are quadratic here: commands without them. */
    for (n = 0; n < IMU_OBJECTS_MAX; n++) {
        q = (ImuEvqCreate) { .head.size = sizeof(q), .set = c.set, .depth = 1 };
        io_put(io, io_at(io, IO_ARG_PAGE), &q, sizeof(q));
        RC(im_ioasid_command(io->ctx, IMU_CMD_EVQ_CREATE,
                             io_at(io, IO_ARG_PAGE)),
           0);
    }
    io_get(io, io_at(io, IO_ARG_PAGE), &q, sizeof(q));
    d = (ImuQueueDestroy) { .set = c.set, .queue = q.queue };
    RC(IO(io, EVQ_CREATE, ImuEvqCreate, .set = c.set, .depth = 1), -ENOSPC);
    RC(io_EVQ_DESTROY(io, &d), 0);
    RC(IO(io, EVQ_CREATE, ImuEvqCreate, .set = c.set, .depth = 1), 0);
}

static void update(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef s = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef other = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef d = io_set(io, IMU_MODE_DELEGATED, IMU_POOL_DEVICE);
    ImuRef p;

#define UPDATE(s_, max_, res_) \
    IO(io, SET_UPDATE, ImuSetUpdate, .set = s_, .quota_max = max_, \
       .quota_reserved = res_)

    RC(UPDATE(s, 10, 11), -EINVAL);
    RC(UPDATE(s, 0, 1001), -ENOSPC);
    RC(UPDATE(s, 10, 10), 0);
    RC(UPDATE(other, 0, 991), -ENOSPC);
    RC(UPDATE(other, 0, 990), 0);
    RC(UPDATE(s, 0, 11), -ENOSPC);
    RC(UPDATE(s, 2, 0), 0);
    RC(UPDATE(other, 0, 0), 0);
    RC(UPDATE(d, 0, 0), 0);
    RC(UPDATE(d, 1, 0), -EINVAL);
    RC(UPDATE(d, 0, 1), -EINVAL);
    /* Below what is in use: no error, but no more. */
    p = io_alloc(io, s).pasid;
    io_alloc(io, s);
    RC(UPDATE(s, 1, 0), 0);
    RC(IO(io, PASID_ALLOC, ImuPasidAlloc, .set = s), -EDQUOT);
    io_pasid_free(io, s, p);
    RC(IO(io, PASID_ALLOC, ImuPasidAlloc, .set = s), -EDQUOT);
    RC(UPDATE(s, 0, 0), 0);
    io_alloc(io, s);
    RC(IO(io, SET_DESTROY, ImuSetDestroy, .set = other), 0);
}

/* --- SET_DESTROY -------------------------------------------------------- */

static void destroy_busy(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef s = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE), o;

#define DESTROY()  IO(io, SET_DESTROY, ImuSetDestroy, .set = s)

    o = io_alloc(io, s).pasid;
    RC(DESTROY(), -EBUSY);
    io_pasid_free(io, s, o);
    o = io_bind(io, s, 0);
    RC(DESTROY(), -EBUSY);
    RC(IO(io, DEV_UNBIND, ImuDevUnbind, .set = s, .dev = o), 0);
    o = io_mapped(io, s, 0, io_none());
    RC(DESTROY(), -EBUSY);
    RC(IO(io, SPACE_DESTROY, ImuSpaceDestroy, .set = s, .space = o), 0);
    o = io_faultq(io, s, 0);
    RC(DESTROY(), -EBUSY);
    RC(IO(io, FAULTQ_DESTROY, ImuQueueDestroy, .set = s, .queue = o), 0);
    o = io_evq(io, s, 1);
    RC(DESTROY(), -EBUSY);
    RC(IO(io, EVQ_DESTROY, ImuQueueDestroy, .set = s, .queue = o), 0);
    RC(DESTROY(), 0);
    RC(DESTROY(), -ENOENT);
}

static void destroy_parked(void)
{
    g_autoptr(Io) io = io_new(NULL);
    IoWorld w;
    ImuRef dev, p;
    ImuRef s = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);

    io_world_init(&w, io, 2);
    dev = io_bind(io, s, 0);
    p = io_alloc(io, s).pasid;
    io_attach(io, s, dev, &p, io_mapped(io, s, 0, io_none()));
    RC(io_pasid_free(io, s, p), IMU_PASID_PARKED);
    RC(IO(io, SET_DESTROY, ImuSetDestroy, .set = s), -EBUSY);
    RC(IO(io, SET_DESTROY, ImuSetDestroy, .set = w.set), -EBUSY);
}

/* Forced: everything returns, faults are answered, the numbers rest. */
static void destroy_force(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuInfo info = { .kind = IMU_KIND_PASID };
    IoWorld w;

    io_world_init(&w, io, 0);
    rig_log_clear(io->r);
    RC(IO(io, SET_DESTROY, ImuSetDestroy, .head.flags = IMU_SET_DESTROY_FORCE,
          .set = w.set),
       0);
    g_assert_cmpuint(rig_count(io->r, RIG_SEEN_PAGE_RESP), ==, 2);
    for (unsigned i = 0; i < 2; i++) {
        g_assert_cmphex(rig_seen(io->r, RIG_SEEN_PAGE_RESP, i)->resp.code, ==,
                        IM_PAGE_RESP_INVALID);
    }
    g_assert_cmpint(io_dma(io, 0, w.hpasid, IO_FS_VA(0), IM_READ).status, ==,
                    IM_FAULT);
    g_assert_cmpint(io_dma(io, 0, IO_NO_PASID, 0, IM_READ).status, ==,
                    IM_FAULT);
    RC(IO(io, SET_QUERY, ImuSetQuery, .set = w.set), -ENOENT);
    /* The charge of what was bound stays until its number is safe. */
    RC(io_INFO(io, &info), 0);
    g_assert_cmpuint(info.used, ==, 1);
    io_settle(io);
    RC(io_INFO(io, &info), 0);
    g_assert_cmpuint(info.used, ==, 0);
    /* And the functions can be had again. */
    w.set = io_set(io, IMU_MODE_IDENTITY, IMU_POOL_DEVICE);
    io_bind(io, w.set, 0);
}

/* --- PASID_ALLOC -------------------------------------------------------- */

typedef struct AllocRow {
    const char *name;
    uint32_t flags, min, max, gpasid;
    int rc;
} AllocRow;

/* In a set of [10, 20] where 15 is taken. */
static const AllocRow allocs[] = {
    { "whole-range", 0, 0, 0, 0, 0 },
    { "narrower", 0, 12, 13, 0, 0 },
    { "one", 0, 20, 20, 0, 0 },
    { "one-that-is-taken", 0, 15, 15, 0, -ENOSPC },
    { "gpasid-is-not-read", 0, 0, 0, UINT32_MAX, 0 },
    { "fixed", FIXED, 0, 0, 10, 0 },
    { "fixed-in-range", FIXED, 11, 12, 12, 0 },
    { "fixed-taken", FIXED, 0, 0, 15, -EEXIST },
    { "fixed-outside-the-range", FIXED, 11, 12, 13, -EINVAL },
    { "fixed-outside-the-set", FIXED, 0, 0, 9, -EINVAL },
    { "fixed-0", FIXED, 0, 0, 0, -EINVAL },
    { "fixed-at-the-end", FIXED, 0, 0, UINT32_MAX, -EINVAL },
    { "empty", 0, 13, 12, 0, -EINVAL },
    { "below-the-set", 0, 9, 12, 0, -EINVAL },
    { "above-the-set", 0, 12, 21, 0, -EINVAL },
    { "only-a-minimum", 0, 12, 0, 0, -EINVAL },
    { "only-a-maximum", 0, 0, 12, 0, -EINVAL },
    { "at-the-end", 0, UINT32_MAX, UINT32_MAX, 0, -EINVAL },
};

static const ImuMapMode alloc_modes[] = {
    IMU_MODE_IDENTITY,
    IMU_MODE_TRANSLATE,
};

static void alloc(const void *data)
{
    const AllocRow *row = data;
    g_autoptr(Io) io = io_new(NULL);

    for (unsigned i = 0; i < G_N_ELEMENTS(alloc_modes); i++) {
        ImuSetCreate c = { .gpasid_min = 10,
                           .gpasid_max = 20,
                           .map_mode = alloc_modes[i] };
        ImuPasidAlloc a = { .min = row->min,
                            .max = row->max,
                            .gpasid = row->gpasid,
                            .head.flags = row->flags };

        RC(io_SET_CREATE(io, &c), 0);
        io_alloc_fixed(io, c.set, 15);
        a.set = c.set;
        RC(io_PASID_ALLOC(io, &a), row->rc);
        if (!row->rc) {
            g_assert_cmpuint(a.gpasid, >=, row->min ? row->min : 10);
            g_assert_cmpuint(a.gpasid, <=, row->max ? row->max : 20);
            g_assert_cmpuint(a.gpasid, !=, 15);
            RC(io_state(io, c.set, a.pasid), IMU_PASID_IDLE);
        } else if (row->rc == -ENOSPC) {
            g_assert_cmpuint(a.exhausted, ==, IMU_EXHAUSTED_RANGE);
        }
    }
}

static void alloc_delegated(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef s = io_set(io, IMU_MODE_DELEGATED, IMU_POOL_DEVICE);

    RC(IO(io, PASID_ALLOC, ImuPasidAlloc, .set = s), -EOPNOTSUPP);
    RC(IO(io, PASID_ALLOC, ImuPasidAlloc, .head.flags = FIXED, .set = s,
          .gpasid = 5),
       -EOPNOTSUPP);
}

static void alloc_all(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuSetCreate c = { .gpasid_min = 3,
                       .gpasid_max = 102,
                       .map_mode = IMU_MODE_TRANSLATE,
                       .pool = IMU_POOL_GLOBAL };
    uint8_t seen[103] = { 0 };
    ImuPasidAlloc a, last;

    RC(io_SET_CREATE(io, &c), 0);
    for (unsigned i = 0; i < 100; i++) {
        last = io_alloc(io, c.set);
        g_assert_cmpuint(seen[last.gpasid]++, ==, 0);
    }
    a = (ImuPasidAlloc) { .set = c.set };
    RC(io_PASID_ALLOC(io, &a), -ENOSPC);
    g_assert_cmpuint(a.exhausted, ==, IMU_EXHAUSTED_RANGE);
    io_pasid_free(io, c.set, last.pasid);
    g_assert_cmpuint(io_alloc(io, c.set).gpasid, ==, last.gpasid);
}

/* The pool is smaller than what two sets may have together. */
static void alloc_pool(void)
{
    ImIoasidConfig cfg = io_config();
    g_autoptr(Io) io = NULL;
    ImuRef a, b;
    ImuPasidAlloc p = { 0 };
    ImuSetCreate c = { .gpasid_min = 1,
                       .gpasid_max = 9,
                       .map_mode = IMU_MODE_TRANSLATE,
                       .pool = IMU_POOL_GLOBAL,
                       .quota_reserved = 9 };

    cfg.pasid_bits = 4;
    io = io_new(&cfg);
    a = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);
    b = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);
    for (unsigned i = 0; i < 15; i++) {
        io_alloc(io, i & 1 ? a : b);
    }
    p.set = a;
    RC(io_PASID_ALLOC(io, &p), -ENOSPC);
    g_assert_cmpuint(p.exhausted, ==, IMU_EXHAUSTED_POOL);
    /* What each device numbers for itself is not in the pool. */
    io_alloc(io, io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE));
    /* A reservation is one in the pool, too. */
    RC(io_SET_CREATE(io, &c), -ENOSPC);
    RC(IO(io, SET_DESTROY, ImuSetDestroy, .head.flags = IMU_SET_DESTROY_FORCE,
          .set = b),
       0);
    RC(io_SET_CREATE(io, &c), -ENOSPC);
    c.quota_reserved = 8;
    RC(io_SET_CREATE(io, &c), 0);
    p = (ImuPasidAlloc) { .set = a };
    RC(io_PASID_ALLOC(io, &p), -ENOSPC);
    g_assert_cmpuint(p.exhausted, ==, IMU_EXHAUSTED_POOL);
    for (unsigned i = 0; i < 8; i++) {
        io_alloc(io, c.set);
    }
}

/* --- quota -------------------------------------------------------------- */

static void quota(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuSetCreate c = { .gpasid_min = 1,
                       .gpasid_max = 255,
                       .quota_max = 3,
                       .map_mode = IMU_MODE_TRANSLATE,
                       .user_token = 0x70ce };
    ImuRef evq, dev, space, p[3];
    ImuEvent e[4];
    ImuSetQuery q;

    RC(io_SET_CREATE(io, &c), 0);
    dev = io_bind(io, c.set, 0);
    space = io_mapped(io, c.set, 0, io_none());
    for (unsigned i = 0; i < 3; i++) {
        p[i] = io_alloc(io, c.set).pasid;
        io_attach(io, c.set, dev, &p[i], space);
    }
    evq = io_evq(io, c.set, 8);
    RC(IO(io, PASID_ALLOC, ImuPasidAlloc, .set = c.set), -EDQUOT);
    g_assert_cmpuint(io_events(io, c.set, evq, e, 4), ==, 1);
    g_assert_cmpuint(e[0].type, ==, IMU_EVENT_QUOTA_HIT);
    g_assert_true(io_ref_eq(e[0].object, c.set));
    g_assert_cmphex(e[0].token, ==, 0x70ce);
    /* Taken is better known than used up. */
    RC(IO(io, PASID_ALLOC, ImuPasidAlloc, .set = c.set, .min = 300, .max = 300),
       -EINVAL);
    /* Parked and quarantined PASIDs are charged: no storm gets more. */
    RC(io_pasid_free(io, c.set, p[0]), IMU_PASID_PARKED);
    RC(IO(io, PASID_ALLOC, ImuPasidAlloc, .set = c.set), -EDQUOT);
    RC(io_detach(io, c.set, dev, &p[0]), 0);
    RC(IO(io, PASID_ALLOC, ImuPasidAlloc, .set = c.set), -EDQUOT);
    q = io_set_query(io, c.set);
    g_assert_cmpuint(q.live, ==, 2);
    g_assert_cmpuint(q.parked, ==, 0);
    g_assert_cmpuint(q.quarantined, ==, 1);
    io_settle(io);
    q = io_set_query(io, c.set);
    g_assert_cmpuint(q.quarantined, ==, 0);
    io_alloc(io, c.set);
    RC(IO(io, PASID_ALLOC, ImuPasidAlloc, .set = c.set), -EDQUOT);
}

/* EEXIST and EINVAL come before EDQUOT. */
static void quota_order(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuSetCreate c = { .gpasid_min = 1,
                       .gpasid_max = 1,
                       .quota_max = 1,
                       .map_mode = IMU_MODE_TRANSLATE };

    RC(io_SET_CREATE(io, &c), 0);
    io_alloc(io, c.set);
    RC(IO(io, PASID_ALLOC, ImuPasidAlloc, .head.flags = FIXED, .set = c.set,
          .gpasid = 1),
       -EEXIST);
    RC(IO(io, PASID_ALLOC, ImuPasidAlloc, .head.flags = FIXED, .set = c.set,
          .gpasid = 2),
       -EINVAL);
    /* The quota, and the range as well: the quota is said. */
    RC(IO(io, PASID_ALLOC, ImuPasidAlloc, .set = c.set), -EDQUOT);
}

static void quota_of_context(void)
{
    ImIoasidConfig cfg = io_config();
    g_autoptr(Io) io = NULL;
    ImIoasidCtx *first;
    ImuRef a, b;
    ImuSetCreate c = { .gpasid_min = 1,
                       .gpasid_max = 255,
                       .quota_reserved = 4,
                       .map_mode = IMU_MODE_TRANSLATE };

    cfg.ctx_quota = 10;
    io = io_new(&cfg);
    first = io->ctx;
    a = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    RC(io_SET_CREATE(io, &c), 0);
    b = c.set;
    for (unsigned i = 0; i < 6; i++) {
        io_alloc(io, a);
    }
    RC(IO(io, PASID_ALLOC, ImuPasidAlloc, .set = a), -EDQUOT);
    for (unsigned i = 0; i < 4; i++) {
        io_alloc(io, b);
    }
    RC(IO(io, PASID_ALLOC, ImuPasidAlloc, .set = b), -EDQUOT);
    /* Another opener has a quota of its own. */
    io_open(io, 0);
    a = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    for (unsigned i = 0; i < 10; i++) {
        io_alloc(io, a);
    }
    RC(IO(io, PASID_ALLOC, ImuPasidAlloc, .set = a), -EDQUOT);
    io_use(io, first);
    /* With the set goes its reservation. */
    RC(IO(io, SET_DESTROY, ImuSetDestroy, .head.flags = IMU_SET_DESTROY_FORCE,
          .set = b),
       0);
    c.quota_reserved = 5;
    RC(io_SET_CREATE(io, &c), -ENOSPC);
    c.quota_reserved = 4;
    RC(io_SET_CREATE(io, &c), 0);
}

/* --- PASID_QUERY -------------------------------------------------------- */

static void pasid_query(void)
{
    g_autoptr(Io) io = io_new(NULL);
    IoWorld w;
    ImuPasidQuery q;

    io_world_init(&w, io, 0);
    q = (ImuPasidQuery) { .set = w.set, .pasid = w.bound.pasid };
    RC(io_PASID_QUERY(io, &q), 0);
    g_assert_cmpuint(q.gpasid, ==, w.bound.gpasid);
    g_assert_cmpuint(q.state, ==, IMU_PASID_BOUND);
    g_assert_cmpuint(q.binds, ==, 1);
    g_assert_cmpuint(q.hpasid, ==, 0);
    io_attach(io, w.set, w.idle_dev, &w.bound.pasid, w.nested);
    q = (ImuPasidQuery) {
        .head.flags = IMU_PASID_QUERY_BY_GPASID | IMU_PASID_QUERY_HPASID,
        .set = w.set,
        .gpasid = w.bound.gpasid,
        .pasid = { UINT32_MAX, UINT32_MAX },
    };
    RC(io_PASID_QUERY(io, &q), 0);
    g_assert_true(io_ref_eq(q.pasid, w.bound.pasid));
    g_assert_cmpuint(q.binds, ==, 2);
    g_assert_cmpuint(q.hpasid, ==, w.hpasid);
    for (uint32_t g = 0; g < 300; g++) {
        q = (ImuPasidQuery) {
            .head.flags = IMU_PASID_QUERY_BY_GPASID,
            .set = w.set,
            .gpasid = g,
        };
        RC(io_PASID_QUERY(io, &q),
           g == w.bound.gpasid || g == w.idle.gpasid ? 0 : -ENOENT);
    }
    RC(IO(io, PASID_QUERY, ImuPasidQuery, .set = w.set, .gpasid = UINT32_MAX,
          .head.flags = IMU_PASID_QUERY_BY_GPASID),
       -ENOENT);
}

static void host_numbers_are_hidden(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef s, p;

    s = io_set(io, IMU_MODE_IDENTITY, IMU_POOL_DEVICE);
    g_assert_cmpuint(io_hpasid(io, s, io_alloc_fixed(io, s, 77).pasid), ==, 77);
    s = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    g_assert_cmpuint(io_hpasid(io, s, io_alloc(io, s).pasid), ==, 0);
    io_open(io, 0);
    s = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);
    p = io_alloc(io, s).pasid;
    RC(IO(io, PASID_QUERY, ImuPasidQuery, .head.flags = IMU_PASID_QUERY_HPASID,
          .set = s, .pasid = p),
       -EPERM);
    /* The right is asked for before the handle. */
    RC(IO(io, PASID_QUERY, ImuPasidQuery, .head.flags = IMU_PASID_QUERY_HPASID),
       -EPERM);
}

/* --- the list ----------------------------------------------------------- */

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_rows(IOASID_CMD_SET_CREATE, creates, "values", create);
    spec_test(IOASID_LIMITS, "objects-of-a-kind", create_limit);
    spec_test(IOASID_CMD_SET_UPDATE, "quotas", update);
    spec_test(IOASID_CMD_SET_QUERY, "counts", quota);
    spec_test(IOASID_CMD_SET_DESTROY, "busy-while-it-holds-anything",
              destroy_busy);
    spec_test(IOASID_CMD_SET_DESTROY, "busy-while-one-is-parked",
              destroy_parked);
    spec_test(IOASID_CMD_SET_DESTROY, "forced", destroy_force);
    spec_rows(IOASID_CMD_PASID_ALLOC, allocs, "values", alloc);
    spec_test(IOASID_CMD_PASID_ALLOC, "not-in-a-delegated-set",
              alloc_delegated);
    spec_test(IOASID_CMD_PASID_ALLOC, "each-number-once", alloc_all);
    spec_test(IOASID_CMD_PASID_ALLOC, "pool-exhausted", alloc_pool);
    spec_test(IOASID_QUOTA, "of-a-set", quota);
    spec_test(IOASID_QUOTA, "order-of-errors", quota_order);
    spec_test(IOASID_QUOTA, "of-a-context", quota_of_context);
    spec_test(IOASID_CMD_PASID_QUERY, "by-handle-and-number", pasid_query);
    spec_test(IOASID_CMD_PASID_QUERY, "host-numbers-are-hidden",
              host_numbers_are_hidden);
    return g_test_run();
}
