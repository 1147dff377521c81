/*
 * The life of a PASID, its numbers and its events: sections 5, 6 and 10 of
 * docs/uapi.rst.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/io_world.h"
#include "lib/spec.h"

#define RC(got, want)  g_assert_cmpint(got, ==, want)
#define FIXED  IMU_PASID_ALLOC_FIXED

static void one_event(Io *io, ImuRef set, ImuRef evq, ImuEventType type,
                      ImuRef object, ImuPasidState from, ImuPasidState to)
{
    ImuEvent e[4];

    g_assert_cmpuint(io_events(io, set, evq, e, 4), ==, 1);
    g_assert_cmpuint(e[0].type, ==, type);
    g_assert_true(io_ref_eq(e[0].object, object));
    g_assert_cmpuint(e[0].old_state, ==, from);
    g_assert_cmpuint(e[0].new_state, ==, to);
    g_assert_cmphex(e[0].token, ==, 0x70ce);
    g_assert_cmpuint(e[0].time, <=, io->r->now);
    g_assert_cmpuint(e[0].time, >=, 1000);
    g_assert_cmphex(e[0].flags, ==, 0);
}

static void no_event(Io *io, ImuRef set, ImuRef evq)
{
    ImuEvent e[1];

    g_assert_cmpuint(io_events(io, set, evq, e, 1), ==, 0);
}

/* --- 5.1: every edge ---------------------------------------------------- */

typedef struct Life {
    Io *io;
    ImuRef set, evq, d0, d1, space, p;
    ImuPasidAlloc a;
} Life;

static void life_new(Life *l, ImuMapMode mode, ImuPool pool)
{
    l->io = io_new(NULL);
    l->set = io_set(l->io, mode, pool);
    l->d0 = io_bind(l->io, l->set, 0);
    l->d1 = io_bind(l->io, l->set, 1);
    l->space = io_mapped(l->io, l->set, 0, io_none());
    io_map(l->io, l->set, l->space, 8, 1, 0x8000);
    l->evq = io_evq(l->io, l->set, 64);
    l->a = io_alloc(l->io, l->set);
    l->p = l->a.pasid;
    one_event(l->io, l->set, l->evq, IMU_EVENT_ALLOC, l->p, IMU_PASID_FREE,
              IMU_PASID_IDLE);
}

#define STATE(l, s)   RC(io_state((l)->io, (l)->set, (l)->p), IMU_PASID_##s)
#define EVENT(l, type, from, to) \
    one_event((l)->io, (l)->set, (l)->evq, IMU_EVENT_##type, (l)->p, \
              IMU_PASID_##from, IMU_PASID_##to)
#define QUIET(l)      no_event((l)->io, (l)->set, (l)->evq)

typedef struct ModeRow {
    const char *name;
    ImuMapMode mode;
    ImuPool pool;
} ModeRow;

static const ModeRow modes[] = {
    { "identity", IMU_MODE_IDENTITY, IMU_POOL_DEVICE },
    { "translate-device", IMU_MODE_TRANSLATE, IMU_POOL_DEVICE },
    { "translate-global", IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL },
};

static void states_bound(const void *data)
{
    const ModeRow *m = data;
    Life l;

    life_new(&l, m->mode, m->pool);
    STATE(&l, IDLE);
    io_attach(l.io, l.set, l.d0, &l.p, l.space);        /* IDLE -> BOUND */
    STATE(&l, BOUND);
    EVENT(&l, BIND, IDLE, BOUND);
    io_attach(l.io, l.set, l.d1, &l.p, l.space);        /* BOUND -> BOUND */
    STATE(&l, BOUND);
    QUIET(&l);
    RC(io_replace(l.io, l.set, l.d1, &l.p, l.space), 0);
    STATE(&l, BOUND);
    QUIET(&l);
    RC(io_detach(l.io, l.set, l.d0, &l.p), 0);          /* not the last */
    STATE(&l, BOUND);
    QUIET(&l);
    RC(io_detach(l.io, l.set, l.d1, &l.p), 0);          /* BOUND -> IDLE */
    STATE(&l, IDLE);
    EVENT(&l, UNBIND, BOUND, IDLE);
    io_attach(l.io, l.set, l.d1, &l.p, l.space);
    EVENT(&l, BIND, IDLE, BOUND);
    RC(IO(l.io, DEV_UNBIND, ImuDevUnbind, .set = l.set, .dev = l.d1), 0);
    STATE(&l, IDLE);
    EVENT(&l, UNBIND, BOUND, IDLE);
    io_free(l.io);
}

/* Never bound: nothing to wait for, both events, the handle is stale. */
static void states_idle_free(const void *data)
{
    const ModeRow *m = data;
    ImuEvent e[4];
    Life l;

    life_new(&l, m->mode, m->pool);
    RC(io_pasid_free(l.io, l.set, l.p), IMU_PASID_FREE);
    g_assert_cmpuint(io_events(l.io, l.set, l.evq, e, 4), ==, 2);
    g_assert_cmpuint(e[0].type, ==, IMU_EVENT_FREE);
    g_assert_cmpuint(e[0].old_state, ==, IMU_PASID_IDLE);
    g_assert_cmpuint(e[0].new_state, ==, IMU_PASID_QUARANTINE);
    g_assert_cmpuint(e[1].type, ==, IMU_EVENT_RECLAIM);
    g_assert_cmpuint(e[1].old_state, ==, IMU_PASID_QUARANTINE);
    g_assert_cmpuint(e[1].new_state, ==, IMU_PASID_FREE);
    RC(IO(l.io, PASID_FREE, ImuPasidFree, .set = l.set, .pasid = l.p), -ENOENT);
    RC(IO(l.io, PASID_QUERY, ImuPasidQuery, .set = l.set, .pasid = l.p),
       -ENOENT);
    g_assert_cmpuint(io_set_query(l.io, l.set).live, ==, 0);
    io_free(l.io);
}

/* Was bound, is idle: FREE leads through a quarantine. */
static void states_quarantine(const void *data)
{
    const ModeRow *m = data;
    Life l;

    life_new(&l, m->mode, m->pool);
    io_attach(l.io, l.set, l.d0, &l.p, l.space);
    EVENT(&l, BIND, IDLE, BOUND);
    RC(io_detach(l.io, l.set, l.d0, &l.p), 0);
    EVENT(&l, UNBIND, BOUND, IDLE);
    RC(io_pasid_free(l.io, l.set, l.p), IMU_PASID_QUARANTINE);
    EVENT(&l, FREE, IDLE, QUARANTINE);
    RC(io_pasid_free(l.io, l.set, l.p), IMU_PASID_QUARANTINE);  /* again */
    QUIET(&l);
    STATE(&l, QUARANTINE);
    g_assert_cmpuint(io_set_query(l.io, l.set).quarantined, ==, 1);
    RC(io_attach_rc(l.io, l.set, l.d0, &l.p, l.space, 0), -EBUSY);
    RC(io_replace(l.io, l.set, l.d0, &l.p, l.space), -EBUSY);
    RC(io_detach(l.io, l.set, l.d0, &l.p), -ENOENT);
    RC(IO(l.io, PASID_QUERY, ImuPasidQuery, .set = l.set, .gpasid = l.a.gpasid,
          .head.flags = IMU_PASID_QUERY_BY_GPASID),
       -ENOENT);
    while (io_complete(l.io)) {
    }
    STATE(&l, QUARANTINE);                      /* drained, but too early */
    rig_advance(l.io->r, l.io->cfg.quarantine_ns - 1);
    STATE(&l, QUARANTINE);
    rig_advance(l.io->r, 1);
    STATE(&l, FREE);
    EVENT(&l, RECLAIM, QUARANTINE, FREE);
    g_assert_cmpuint(io_set_query(l.io, l.set).quarantined, ==, 0);
    io_free(l.io);
}

static void states_parked(const void *data)
{
    const ModeRow *m = data;
    ImuPasidQuery q;
    ImIoasidCounters was;
    uint32_t h;
    Life l;

    life_new(&l, m->mode, m->pool);
    io_attach(l.io, l.set, l.d0, &l.p, l.space);
    io_attach(l.io, l.set, l.d1, &l.p, l.space);
    EVENT(&l, BIND, IDLE, BOUND);
    h = m->pool == IMU_POOL_GLOBAL || m->mode == IMU_MODE_IDENTITY ?
            io_hpasid(l.io, l.set, l.p) :
            1;
    RC(io_pasid_free(l.io, l.set, l.p), IMU_PASID_PARKED);
    EVENT(&l, FREE, BOUND, PARKED);
    STATE(&l, PARKED);
    g_assert_cmpuint(io_set_query(l.io, l.set).parked, ==, 1);
    was = *im_ioasid_counters(l.io->h);
    g_assert_cmpint(io_dma(l.io, 0, h, 0x8000, IM_READ).status, ==, IM_FAULT);
    g_assert_cmpint(io_ats(l.io, 0, h, 0x8000, IM_READ).status, ==, IM_FAULT);
    if (m->pool == IMU_POOL_GLOBAL || m->mode == IMU_MODE_IDENTITY) {
        g_assert_cmpuint(im_ioasid_counters(l.io->h)->faults_suppressed, ==,
                         was.faults_suppressed + 2);
    }
    RC(io_pasid_free(l.io, l.set, l.p), IMU_PASID_PARKED);      /* again */
    QUIET(&l);
    RC(io_attach_rc(l.io, l.set, l.d0, &l.p, l.space, 0), -EBUSY);
    RC(io_replace(l.io, l.set, l.d0, &l.p, l.space), -EBUSY);
    q = (ImuPasidQuery) { .set = l.set, .pasid = l.p };
    RC(io_PASID_QUERY(l.io, &q), 0);
    g_assert_cmpuint(q.gpasid, ==, l.a.gpasid);
    RC(IO(l.io, PASID_QUERY, ImuPasidQuery, .set = l.set, .gpasid = l.a.gpasid,
          .head.flags = IMU_PASID_QUERY_BY_GPASID),
       -ENOENT);
    /* The space is not held by what is parked. */
    RC(IO(l.io, SPACE_DESTROY, ImuSpaceDestroy, .set = l.set, .space = l.space),
       0);
    RC(io_detach(l.io, l.set, l.d0, &l.p), 0);          /* not the last */
    STATE(&l, PARKED);
    QUIET(&l);
    RC(io_detach(l.io, l.set, l.d0, &l.p), -ENOENT);
    RC(io_detach(l.io, l.set, l.d1, &l.p), 0);          /* the last */
    STATE(&l, QUARANTINE);
    QUIET(&l);
    io_settle(l.io);
    STATE(&l, FREE);
    EVENT(&l, RECLAIM, QUARANTINE, FREE);
    io_free(l.io);
}

static void states_parked_unbind(const void *data)
{
    const ModeRow *m = data;
    Life l;

    life_new(&l, m->mode, m->pool);
    io_attach(l.io, l.set, l.d0, &l.p, l.space);
    EVENT(&l, BIND, IDLE, BOUND);
    RC(io_pasid_free(l.io, l.set, l.p), IMU_PASID_PARKED);
    EVENT(&l, FREE, BOUND, PARKED);
    RC(IO(l.io, DEV_UNBIND, ImuDevUnbind, .set = l.set, .dev = l.d0), 0);
    STATE(&l, QUARANTINE);
    QUIET(&l);
    io_settle(l.io);
    STATE(&l, FREE);
    EVENT(&l, RECLAIM, QUARANTINE, FREE);
    io_free(l.io);
}

/* --- 5.4 ---------------------------------------------------------------- */

/* The device holds translations: the number waits for its answer. */
static void quarantine_drains(void)
{
    uint32_t h;
    Life l;

    life_new(&l, IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);
    io_attach(l.io, l.set, l.d0, &l.p, l.space);
    h = io_hpasid(l.io, l.set, l.p);
    g_assert_cmphex(io_ats(l.io, 0, h, 0x8000, IM_READ).perm, !=, 0);
    rig_log_clear(l.io->r);
    RC(io_detach(l.io, l.set, l.d0, &l.p), 0);
    RC(io_pasid_free(l.io, l.set, l.p), IMU_PASID_QUARANTINE);
    g_assert_cmpuint(rig_count(l.io->r, RIG_SEEN_ATS_INV), >=, 1);
    g_assert_cmphex(rig_seen(l.io->r, RIG_SEEN_ATS_INV, 0)->inv.pasid, ==, h);
    rig_advance(l.io->r, 2 * l.io->cfg.quarantine_ns);
    STATE(&l, QUARANTINE);
    while (io_complete(l.io)) {
    }
    rig_advance(l.io->r, 0);
    STATE(&l, FREE);
    io_free(l.io);
}

/* Freed long after the last binding, while the device still owes. */
static void quarantine_drains_late(void)
{
    Life l;

    life_new(&l, IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);
    io_attach(l.io, l.set, l.d0, &l.p, l.space);
    io_ats(l.io, 0, io_hpasid(l.io, l.set, l.p), 0x8000, IM_READ);
    RC(io_detach(l.io, l.set, l.d0, &l.p), 0);
    rig_advance(l.io->r, 2 * l.io->cfg.quarantine_ns);
    STATE(&l, IDLE);
    RC(io_pasid_free(l.io, l.set, l.p), IMU_PASID_QUARANTINE);
    while (io_complete(l.io)) {
    }
    rig_advance(l.io->r, 0);
    STATE(&l, FREE);
    io_free(l.io);
}

/* It never answers: the time-out ends it. */
static void quarantine_times_out(void)
{
    ImuEvent e[16];
    unsigned n, timeouts = 0;
    Life l;

    life_new(&l, IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);
    io_attach(l.io, l.set, l.d0, &l.p, l.space);
    io_ats(l.io, 0, io_hpasid(l.io, l.set, l.p), 0x8000, IM_READ);
    RC(io_detach(l.io, l.set, l.d0, &l.p), 0);
    RC(io_pasid_free(l.io, l.set, l.p), IMU_PASID_QUARANTINE);
    rig_advance(l.io->r, l.io->cfg.ats_timeout_ns - 1);
    STATE(&l, QUARANTINE);
    rig_advance(l.io->r, 1 + l.io->cfg.quarantine_ns);
    STATE(&l, FREE);
    n = io_events(l.io, l.set, l.evq, e, 16);
    for (unsigned i = 0; i < n; i++) {
        if (e[i].type == IMU_EVENT_INV_TIMEOUT) {
            g_assert_true(io_ref_eq(e[i].object, l.d0));
            g_assert_cmphex(e[i].token, ==, 0xc00);
            timeouts++;
        }
    }
    g_assert_cmpuint(timeouts, >=, 1);
    io_free(l.io);
}

/* --- 5.3, 6 ------------------------------------------------------------- */

/* The guest's number comes back at once, the host's does not. */
static void number_reuse_translate(void)
{
    ImuPasidAlloc again;
    uint32_t h;
    Life l;

    life_new(&l, IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);
    io_attach(l.io, l.set, l.d0, &l.p, l.space);
    h = io_hpasid(l.io, l.set, l.p);
    RC(io_pasid_free(l.io, l.set, l.p), IMU_PASID_PARKED);
    again = io_alloc_fixed(l.io, l.set, l.a.gpasid);
    g_assert_cmpuint(io_hpasid(l.io, l.set, again.pasid), !=, h);
    io_attach(l.io, l.set, l.d0, &again.pasid, l.space);
    g_assert_true(io_reaches(l.io, 0, io_hpasid(l.io, l.set, again.pasid),
                             0x8000, io_pa(l.io, 8)));
    g_assert_false(io_reaches(l.io, 0, h, 0x8000, io_pa(l.io, 8)));
    io_free(l.io);
}

/* What is gone for who asks is taken for who wants it. */
static void number_is_gone_and_taken(Life *l)
{
    ImuPasidQuery q = { .head.flags = IMU_PASID_QUERY_BY_GPASID,
                        .set = l->set,
                        .gpasid = l->a.gpasid };

    RC(io_PASID_QUERY(l->io, &q), -ENOENT);
    RC(IO(l->io, PASID_ALLOC, ImuPasidAlloc, .head.flags = FIXED, .set = l->set,
          .gpasid = l->a.gpasid),
       -EEXIST);
    q = (ImuPasidQuery) { .set = l->set, .pasid = l->p };
    RC(io_PASID_QUERY(l->io, &q), 0);
    g_assert_cmpuint(q.gpasid, ==, l->a.gpasid);
}

static void number_reuse_identity(void)
{
    Life l;

    life_new(&l, IMU_MODE_IDENTITY, IMU_POOL_DEVICE);
    io_attach(l.io, l.set, l.d0, &l.p, l.space);
    RC(io_pasid_free(l.io, l.set, l.p), IMU_PASID_PARKED);
    number_is_gone_and_taken(&l);
    RC(io_detach(l.io, l.set, l.d0, &l.p), 0);
    number_is_gone_and_taken(&l);
    g_assert_cmpuint(io_alloc(l.io, l.set).gpasid, !=, l.a.gpasid);
    io_settle(l.io);
    io_alloc_fixed(l.io, l.set, l.a.gpasid);
    io_free(l.io);
}

/* Two devices, one PASID: numbers of their own, or one. */
static void numbers_per_device(void)
{
    ImuRef s, d0, d1, space, p[3];
    g_autoptr(Io) io = io_new(NULL);

    s = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    d0 = io_bind(io, s, 0);
    d1 = io_bind(io, s, 5);             /* 2 bits: three numbers */
    space = io_mapped(io, s, 0, io_none());
    for (unsigned i = 0; i < 3; i++) {
        p[i] = io_alloc_fixed(io, s, 100 + i).pasid;
        io_attach(io, s, d0, &p[i], space);
        io_attach(io, s, d1, &p[i], space);
    }
    p[0] = io_alloc_fixed(io, s, 99).pasid;
    io_attach(io, s, d0, &p[0], space);
    RC(io_attach_rc(io, s, d1, &p[0], space, 0), -ENOSPC);
}

static void numbers_too_wide(void)
{
    ImuRef s, dev, space, p;
    g_autoptr(Io) io = io_new(NULL);

    s = io_set(io, IMU_MODE_IDENTITY, IMU_POOL_DEVICE);
    dev = io_bind(io, s, 5);
    space = io_mapped(io, s, 0, io_none());
    p = io_alloc_fixed(io, s, 4).pasid;
    RC(io_attach_rc(io, s, dev, &p, space, 0), -EOVERFLOW);
    p = io_alloc_fixed(io, s, 3).pasid;
    RC(io_attach_rc(io, s, dev, &p, space, 0), 0);
    g_assert_cmpint(io_dma(io, 5, 3, 0, IM_READ).status, ==, IM_FAULT);
    io_map(io, s, space, 8, 1, 0);
    g_assert_true(io_reaches(io, 5, 3, 0, io_pa(io, 8)));
}

/* --- the list ----------------------------------------------------------- */

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_rows(IOASID_STATES, modes, "idle-bound-idle", states_bound);
    spec_rows(IOASID_STATES, modes, "idle-free", states_idle_free);
    spec_rows(IOASID_STATES, modes, "idle-quarantine-free", states_quarantine);
    spec_rows(IOASID_STATES, modes, "bound-parked-quarantine-free",
              states_parked);
    spec_rows(IOASID_CMD_PASID_FREE, modes, "parked-until-unbound",
              states_parked_unbind);
    spec_test(IOASID_QUARANTINE, "waits-for-the-device", quarantine_drains);
    spec_test(IOASID_QUARANTINE, "waits-for-it-however-late-it-is-freed",
              quarantine_drains_late);
    spec_test(IOASID_QUARANTINE, "or-its-time-out", quarantine_times_out);
    spec_test(IOASID_NUMBERS, "translate-reuse", number_reuse_translate);
    spec_test(IOASID_NUMBERS, "identity-reuse", number_reuse_identity);
    spec_test(IOASID_MODES, "numbers-of-a-device", numbers_per_device);
    spec_test(IOASID_MODES, "numbers-too-wide", numbers_too_wide);
    return g_test_run();
}
