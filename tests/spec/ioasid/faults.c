/*
 * Page requests, fault and event queues: docs/uapi.rst, 4.26 to 4.32, 9, 10.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/io_world.h"
#include "lib/spec.h"

#define RC(got, want)  g_assert_cmpint(got, ==, want)
#define BUF(io)        io_at(io, IO_WORLD_BUF)
#define SECOND         UINT64_C(1000000000)

/* One device with one PASID in a space that has a queue. */
typedef struct Desk {
    Io *io;
    ImuRef set, q, evq, dev, dev1, space, p;
    uint32_t g, h;
} Desk;

static void desk_new(Desk *d, uint64_t deadline)
{
    ImuPasidAlloc a;

    d->io = io_new(NULL);
    d->set = io_set(d->io, IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);
    d->q = io_faultq(d->io, d->set, deadline);
    d->dev = io_bind(d->io, d->set, 0);
    d->dev1 = io_bind(d->io, d->set, 1);
    d->space = io_mapped(d->io, d->set, 0, d->q);
    a = io_alloc_fixed(d->io, d->set, 200);
    d->p = a.pasid;
    d->g = a.gpasid;
    d->h = io_hpasid(d->io, d->set, d->p);
    io_attach(d->io, d->set, d->dev, &d->p, d->space);
    io_attach(d->io, d->set, d->dev1, NULL, d->space);
    d->evq = io_evq(d->io, d->set, 64);
    rig_log_clear(d->io->r);
}

static ImuFaultRead take(Desk *d, ImuFault *f, unsigned room)
{
    ImuFaultRead r = { .set = d->set, .queue = d->q, .faults = BUF(d->io) };

    r.count = room;
    r.fault_size = sizeof(*f);
    RC(io_FAULT_READ(d->io, &r), 0);
    g_assert_cmpuint(r.count, <=, room);
    if (r.count) {
        io_get(d->io, r.faults, f, r.count * sizeof(*f));
    }
    return r;
}

static int answer(Desk *d, uint64_t ticket, uint32_t code)
{
    return IO(d->io, FAULT_ANSWER, ImuAnswer, .set = d->set, .ticket = ticket,
              .code = code);
}

static unsigned responses(Desk *d)
{
    return rig_count(d->io->r, RIG_SEEN_PAGE_RESP);
}

static void response(Desk *d, unsigned n, uint16_t prgi, uint8_t code)
{
    const RigLog *l = rig_seen(d->io->r, RIG_SEEN_PAGE_RESP, n);

    g_assert_nonnull(l);
    g_assert_cmphex(l->resp.rid, ==, io_func(0));
    g_assert_cmpuint(l->resp.prgi, ==, prgi);
    g_assert_cmphex(l->resp.code, ==, code);
    g_assert_true(l->resp.has_pasid);
    g_assert_cmphex(l->resp.pasid, ==, d->h);
}

static unsigned event_count(Desk *d, ImuEventType type, ImuEvent *last)
{
    ImuEvent e[64];
    ImuEventRead r = {
        .set = d->set, .queue = d->evq, .events = BUF(d->io), .count = 64
    };
    unsigned n = 0;

    RC(io_EVENT_READ(d->io, &r), 0);
    io_get(d->io, r.events, e, r.count * sizeof(*e));
    for (unsigned i = 0; i < r.count; i++) {
        if (e[i].type == type) {
            *last = e[i];
            n++;
        }
    }
    return n;
}

static void ask(Desk *d, uint16_t prgi)
{
    io_page_request(d->io, 0, d->h, prgi, 0x5000, true);
}

/* --- FAULT_READ --------------------------------------------------------- */

static void whole_groups(void)
{
    ImuFault f[8];
    ImuFaultRead r;
    Desk d;

    desk_new(&d, 0);
    io_page_request(d.io, 0, d.h, 7, 0x1000, false);
    io_page_request(d.io, 0, d.h, 7, 0x2000, false);
    r = take(&d, f, 8);
    g_assert_cmpuint(r.count, ==, 0);           /* not whole yet */
    g_assert_cmpuint(d.io->readable, ==, 0);
    io_page_request(d.io, 0, d.h, 8, 0x9000, true);
    io_page_request(d.io, 0, d.h, 7, 0x3000, true);
    g_assert_cmpuint(d.io->readable, >=, 1);
    g_assert_true(io_ref_eq(d.io->readable_queue, d.q));
    r = take(&d, f, 0);
    g_assert_cmpuint(r.pending, ==, 4);
    /* By when they were whole: group 8 first. */
    r = take(&d, f, 2);
    g_assert_cmpuint(r.count, ==, 1);           /* 7 does not fit whole */
    g_assert_cmpuint(r.pending, ==, 3);
    g_assert_cmpuint(f[0].group, ==, 8);
    r = (ImuFaultRead) {
        .set = d.set, .queue = d.q, .faults = BUF(d.io), .count = 2
    };
    RC(io_FAULT_READ(d.io, &r), -EMSGSIZE);
    g_assert_cmpuint(r.count, ==, 3);
    r = take(&d, f, 3);
    g_assert_cmpuint(r.count, ==, 3);
    g_assert_cmpuint(r.pending, ==, 0);
    for (unsigned i = 0; i < 3; i++) {
        g_assert_cmpuint(f[i].group, ==, 7);
        g_assert_cmphex(f[i].addr, ==, 0x1000 * (i + 1));
        g_assert_cmphex(f[i].flags, ==,
                        IMU_FAULT_PASID | (i == 2 ? IMU_FAULT_LAST : 0));
        g_assert_cmpuint(f[i].gpasid, ==, d.g);
        g_assert_cmphex(f[i].cookie, ==, 0xc00);
        g_assert_true(io_ref_eq(f[i].dev, d.dev));
        g_assert_true(io_ref_eq(f[i].space, d.space));
        g_assert_cmphex(f[i].perm, ==, 1);
        g_assert_cmphex(f[i].ticket, ==, f[0].ticket);
        g_assert_cmpuint(f[i].deadline, ==, d.io->r->now + SECOND);
    }
    RC(answer(&d, f[0].ticket, IMU_ANSWER_SUCCESS), 0);
    g_assert_cmpuint(responses(&d), ==, 1);
    response(&d, 0, 7, IM_PAGE_RESP_SUCCESS);
    io_free(d.io);
}

static void read_faults(void)
{
    ImuFault f[2];
    Desk d;

    desk_new(&d, 0);
    ask(&d, 1);
    RC(IO(d.io, FAULT_READ, ImuFaultRead, .set = d.set, .queue = d.q,
          .faults = IO_WILD, .count = 4),
       -EFAULT);
    RC(IO(d.io, FAULT_READ, ImuFaultRead, .set = d.set, .queue = d.q,
          .faults = 0, .count = UINT32_MAX),
       -EFAULT);
    RC(IO(d.io, FAULT_READ, ImuFaultRead, .set = d.set, .queue = d.q,
          .faults = io_at(d.io, IO_RO_PAGE), .count = 4),
       -EFAULT);
    g_assert_cmpuint(take(&d, f, 2).count, ==, 1);
    io_free(d.io);
}

static void permissions(void)
{
    static const struct {
        bool read, write, exec, priv;
        uint32_t perm;
    } rows[] = {
        { true, false, false, false, 1 }, { false, true, false, false, 2 },
        { true, true, false, false, 3 },  { true, false, true, false, 5 },
        { true, false, false, true, 9 },  { true, true, true, true, 15 },
    };
    ImuFault f[1];
    Desk d;

    desk_new(&d, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        ImPageReq q = { .addr = 0x7fff,
                        .pasid = d.h,
                        .rid = io_func(0),
                        .prgi = 5,
                        .has_pasid = true,
                        .priv = rows[i].priv,
                        .exec = rows[i].exec,
                        .read = rows[i].read,
                        .write = rows[i].write,
                        .last = true };

        im_ioasid_page_request(d.io->h, &q);
        g_assert_cmpuint(take(&d, f, 1).count, ==, 1);
        g_assert_cmphex(f[0].perm, ==, rows[i].perm);
        g_assert_cmphex(f[0].addr, ==, 0x7000);
        RC(answer(&d, f[0].ticket, IMU_ANSWER_SUCCESS), 0);
    }
    io_free(d.io);
}

static void without_pasid(void)
{
    ImuFault f[1];
    const RigLog *l;
    Desk d;

    desk_new(&d, 0);
    io_page_request(d.io, 1, IO_NO_PASID, 0, 0x1000, true);
    g_assert_cmpuint(take(&d, f, 1).count, ==, 1);
    g_assert_cmphex(f[0].flags, ==, IMU_FAULT_LAST);
    g_assert_cmpuint(f[0].gpasid, ==, 0);
    g_assert_cmphex(f[0].cookie, ==, 0xc01);
    RC(answer(&d, f[0].ticket, IMU_ANSWER_SUCCESS), 0);
    l = rig_seen(d.io->r, RIG_SEEN_PAGE_RESP, 0);
    g_assert_nonnull(l);
    g_assert_false(l->resp.has_pasid);
    g_assert_cmphex(l->resp.rid, ==, io_func(1));
    io_free(d.io);
}

/* --- FAULT_ANSWER ------------------------------------------------------- */

static void answers(void)
{
    static const uint8_t codes[] = { IM_PAGE_RESP_SUCCESS, IM_PAGE_RESP_INVALID,
                                     IM_PAGE_RESP_FAILURE };
    ImuFault f[1];
    Desk d;

    desk_new(&d, 0);
    for (uint32_t code = 0; code < 3; code++) {
        ask(&d, (uint16_t)(code + 20));
        g_assert_cmpuint(take(&d, f, 1).count, ==, 1);
        RC(answer(&d, f[0].ticket ^ UINT64_C(1) << 63, code), -ENOENT);
        RC(answer(&d, f[0].ticket, 3), -EOPNOTSUPP);
        RC(answer(&d, f[0].ticket, code), 0);
        response(&d, code, (uint16_t)(code + 20), codes[code]);
        RC(answer(&d, f[0].ticket, code), -EALREADY);
        RC(answer(&d, f[0].ticket, 3), -EOPNOTSUPP);
    }
    g_assert_cmpuint(responses(&d), ==, 3);
    RC(answer(&d, 0, 0), -ENOENT);
    RC(answer(&d, UINT64_MAX, 0), -ENOENT);
    for (unsigned bit = 0; bit < 64; bit++) {
        int rc = answer(&d, UINT64_C(1) << bit, 0);

        g_assert_true(rc == -ENOENT || rc == -EALREADY);
    }
    io_free(d.io);
}

/* What was not read cannot be answered, even by one who can count. */
static void unread_ticket(void)
{
    ImuFault f[2];
    uint64_t first;
    Desk d;

    desk_new(&d, 0);
    ask(&d, 1);
    take(&d, f, 1);
    first = f[0].ticket;
    ask(&d, 2);
    for (uint64_t step = 1; step < 16; step++) {
        RC(answer(&d, first + step, 0), -ENOENT);
        RC(answer(&d, first + (step << 32), 0), -ENOENT);
    }
    g_assert_cmpuint(responses(&d), ==, 0);
    RC(answer(&d, first, 0), 0);
    io_free(d.io);
}

static void of_another_set(void)
{
    ImuFault f[1];
    ImuRef other;
    Desk d;

    desk_new(&d, 0);
    ask(&d, 1);
    take(&d, f, 1);
    other = io_set(d.io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    RC(IO(d.io, FAULT_ANSWER, ImuAnswer, .set = other, .ticket = f[0].ticket),
       -ENOENT);
    RC(answer(&d, f[0].ticket, 0), 0);
    RC(IO(d.io, FAULT_ANSWER, ImuAnswer, .set = other, .ticket = f[0].ticket),
       -ENOENT);
    io_free(d.io);
}

static void deadline(const void *data)
{
    bool read = GPOINTER_TO_INT(data);
    ImuFault f[1];
    ImuEvent e;
    Desk d;

    desk_new(&d, 50000);
    ask(&d, 9);
    if (read) {
        take(&d, f, 1);
        g_assert_cmpuint(f[0].deadline, ==, d.io->r->now + 50000);
    }
    rig_advance(d.io->r, 49999);
    g_assert_cmpuint(responses(&d), ==, 0);
    rig_advance(d.io->r, 1);
    g_assert_cmpuint(responses(&d), ==, 1);
    response(&d, 0, 9, IM_PAGE_RESP_INVALID);
    if (read) {
        RC(answer(&d, f[0].ticket, 0), -ETIMEDOUT);
        RC(answer(&d, f[0].ticket, 0), -ETIMEDOUT);
    } else {
        g_assert_cmpuint(take(&d, f, 1).count, ==, 0);
    }
    g_assert_cmpuint(event_count(&d, IMU_EVENT_FAULT_TIMEOUT, &e), ==, 1);
    g_assert_true(io_ref_eq(e.object, d.dev));
    if (read) {
        g_assert_cmphex(e.token, ==, f[0].ticket);
    }
    io_free(d.io);
}

/* --- who answers without being asked ------------------------------------ */

static void nobody_to_ask(void)
{
    ImuRef quiet;
    Desk d;

    desk_new(&d, 0);
    io_page_request(d.io, 0, d.h + 5, 1, 0x1000, true); /* no binding */
    g_assert_cmpuint(responses(&d), ==, 1);
    g_assert_cmphex(rig_seen(d.io->r, RIG_SEEN_PAGE_RESP, 0)->resp.code, ==,
                    IM_PAGE_RESP_INVALID);
    io_page_request(d.io, 0, IO_NO_PASID, 2, 0x1000, true);
    g_assert_cmpuint(responses(&d), ==, 2);
    quiet = io_mapped(d.io, d.set, 0, io_none());       /* no queue */
    RC(io_replace(d.io, d.set, d.dev, &d.p, quiet), 0);
    ask(&d, 3);
    g_assert_cmpuint(responses(&d), ==, 3);
    response(&d, 2, 3, IM_PAGE_RESP_INVALID);
    RC(io_pasid_free(d.io, d.set, d.p), IMU_PASID_PARKED);
    ask(&d, 4);
    g_assert_cmpuint(responses(&d), ==, 4);
    response(&d, 3, 4, IM_PAGE_RESP_INVALID);
    io_page_request(d.io, 9, 1, 1, 0, true);            /* no function */
    io_page_request(d.io, 2, 1, 1, 0, true);            /* not bound */
    g_assert_cmpuint(take(&d, NULL, 0).pending, ==, 0);
    io_free(d.io);
}

typedef struct EndRow {
    const char *name;
    int which;
} EndRow;

/* clang-format off */
static const EndRow ends[] = {
    { "detach", 0 }, { "replace", 1 }, { "free", 2 }, { "unbind", 3 },
    { "force", 4 }, { "close", 5 }, { "reset", 6 }, { "remove", 7 },
};
/* clang-format on */

static void end(Desk *d, unsigned which)
{
    switch (which) {
    case 0:
        RC(io_detach(d->io, d->set, d->dev, &d->p), 0);
        break;
    case 1:
        RC(io_replace(d->io, d->set, d->dev, &d->p, d->space), 0);
        break;
    case 2:
        RC(io_pasid_free(d->io, d->set, d->p), IMU_PASID_PARKED);
        break;
    case 3:
        RC(IO(d->io, DEV_UNBIND, ImuDevUnbind, .set = d->set, .dev = d->dev),
           0);
        break;
    case 4:
        RC(IO(d->io, SET_DESTROY, ImuSetDestroy,
              .head.flags = IMU_SET_DESTROY_FORCE, .set = d->set),
           0);
        break;
    case 5:
        im_ioasid_close(d->io->ctx);
        break;
    case 6:
        im_ioasid_reset(d->io->h);
        break;
    default:
        RC(im_ioasid_device_remove(d->io->h, io_func(0)), 0);
        break;
    }
}

/* Read, unread and incomplete groups get one answer each. */
static void teardown(const void *data)
{
    const EndRow *row = data;
    unsigned seen[3] = { 0 };
    ImuFault f[1];
    Desk d;

    desk_new(&d, 0);
    ask(&d, 10);
    take(&d, f, 1);
    ask(&d, 11);
    io_page_request(d.io, 0, d.h, 12, 0x1000, false);
    g_assert_cmpuint(responses(&d), ==, 0);
    end(&d, row->which);
    d.io->r->consistent(d.io->r);
    if (row->which < 4) {
        RC(answer(&d, f[0].ticket, 0), -EALREADY);
        g_assert_cmpuint(take(&d, NULL, 0).pending, ==, 0);
    }
    /* The last page of the incomplete one is still to come. */
    io_page_request(d.io, 0, d.h, 12, 0x2000, true);
    for (unsigned i = 0; i < responses(&d); i++) {
        const ImPageResp *r = &rig_seen(d.io->r, RIG_SEEN_PAGE_RESP, i)->resp;

        g_assert_cmphex(r->code, ==, IM_PAGE_RESP_INVALID);
        g_assert_cmpuint(r->prgi, >=, 10);
        g_assert_cmpuint(r->prgi, <=, 12);
        seen[r->prgi - 10]++;
    }
    if (row->which != 7) {      /* what is gone gets no messages */
        g_assert_cmpuint(seen[0], ==, 1);
        g_assert_cmpuint(seen[1], ==, 1);
        g_assert_cmpuint(seen[2], ==, 1);
    }
    rig_advance(d.io->r, 2 * SECOND);
    g_assert_cmpuint(responses(&d), ==, seen[0] + seen[1] + seen[2]);
    io_free(d.io);
}

/* --- limits ------------------------------------------------------------- */

static void credit(void)
{
    ImuFault f[8];
    ImuEvent e;
    Desk d;

    desk_new(&d, 0);
    for (uint16_t i = 0; i < 4; i++) {
        ask(&d, i);
    }
    g_assert_cmpuint(responses(&d), ==, 0);
    ask(&d, 4);                         /* the fifth of a credit of four */
    g_assert_cmpuint(responses(&d), ==, 1);
    response(&d, 0, 4, IM_PAGE_RESP_FAILURE);
    g_assert_cmpuint(event_count(&d, IMU_EVENT_FAULT_OVERFLOW, &e), ==, 1);
    g_assert_true(io_ref_eq(e.object, d.dev));
    g_assert_cmphex(e.token, ==, 0xc00);
    g_assert_cmpuint(take(&d, f, 8).count, ==, 4);
    ask(&d, 5);                         /* read is not answered */
    response(&d, 1, 5, IM_PAGE_RESP_FAILURE);
    RC(answer(&d, f[2].ticket, 0), 0);
    ask(&d, 6);
    g_assert_cmpuint(take(&d, f, 8).count, ==, 1);
    g_assert_cmpuint(f[0].group, ==, 6);
    io_free(d.io);
}

static void set_limit(void)
{
    ImIoasidConfig cfg = io_config();
    Io *io;
    ImuRef set, q, space, dev;

    cfg.pri_set_limit = 2;
    io = io_new(&cfg);
    set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);
    q = io_faultq(io, set, 0);
    space = io_mapped(io, set, 0, q);
    for (unsigned n = 0; n < 3; n++) {
        dev = io_bind(io, set, n);
        io_attach(io, set, dev, NULL, space);
        io_page_request(io, n, IO_NO_PASID, 1, 0, true);
    }
    g_assert_cmpuint(rig_count(io->r, RIG_SEEN_PAGE_RESP), ==, 1);
    g_assert_cmphex(rig_seen(io->r, RIG_SEEN_PAGE_RESP, 0)->resp.code, ==,
                    IM_PAGE_RESP_FAILURE);
    g_assert_cmphex(rig_seen(io->r, RIG_SEEN_PAGE_RESP, 0)->resp.rid, ==,
                    io_func(2));
    io_free(io);
}

/* Pages without end, and never a last one. */
static void endless_groups(void)
{
    unsigned blocks;
    Desk d;

    desk_new(&d, 0);
    for (unsigned i = 0; i < 100; i++) {
        io_page_request(d.io, 0, d.h, (uint16_t)(i % 7), 0x1000 * i, false);
    }
    blocks = g_hash_table_size(d.io->blocks);
    d.io->r->consistent(d.io->r);
    for (unsigned i = 0; i < 5000; i++) {
        ImPageReq q = { .addr = 0x1000 * i,
                        .rid = io_func(0),
                        .prgi = (uint16_t)(i % 512),
                        .read = true,
                        .has_pasid = true,
                        .pasid = d.h };

        im_ioasid_page_request(d.io->h, &q);
    }
    d.io->r->consistent(d.io->r);
    g_assert_cmpuint(g_hash_table_size(d.io->blocks), <, blocks + 3000);
    io_free(d.io);
}

static void stop_marker(void)
{
    ImPageReq stop;
    Desk d;

    desk_new(&d, 0);
    stop = (ImPageReq) {
        .rid = io_func(0), .pasid = d.h, .has_pasid = true, .last = true
    };
    im_ioasid_page_request(d.io->h, &stop);
    g_assert_cmpuint(responses(&d), ==, 0);
    g_assert_cmpuint(take(&d, NULL, 0).pending, ==, 0);
    io_free(d.io);
}

/* No memory for a group: FAILURE, as an overflow is. */
static void no_memory(void)
{
    Desk d;

    for (unsigned n = 0; n < 8; n++) {
        desk_new(&d, 0);
        io_fail_alloc(d.io, n);
        ask(&d, 1);
        if (d.io->failed) {
            g_assert_cmpuint(responses(&d), ==, 1);
            response(&d, 0, 1, IM_PAGE_RESP_FAILURE);
        } else {
            g_assert_cmpuint(take(&d, NULL, 0).pending, ==, 1);
        }
        io_free(d.io);
    }
}

/* --- event queues ------------------------------------------------------- */

static void evq_values(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef s = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);

#define DEPTH(n)  IO(io, EVQ_CREATE, ImuEvqCreate, .set = s, .depth = n)

    RC(DEPTH(0), -EINVAL);
    RC(DEPTH(1), 0);
    RC(DEPTH(IMU_EVQ_DEPTH_MAX), 0);
    RC(DEPTH(IMU_EVQ_DEPTH_MAX + 1), -EINVAL);
    RC(DEPTH(UINT32_MAX), -EINVAL);
}

static void lost(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef s = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef q = io_evq(io, s, 3);
    ImuEventRead r = { .set = s, .queue = q, .events = BUF(io), .count = 2 };
    ImuEvent e[4];

    for (unsigned i = 0; i < 5; i++) {
        io_alloc(io, s);                        /* 1 2 3, then 4 5 lost */
    }
    RC(io_EVENT_READ(io, &r), 0);
    g_assert_cmpuint(r.count, ==, 2);
    g_assert_cmpuint(r.pending, ==, 1);
    io_get(io, r.events, e, sizeof(e));
    g_assert_cmpuint(e[0].sequence, ==, 1);
    g_assert_cmpuint(e[1].sequence, ==, 2);
    io_alloc(io, s);                            /* 6 finds room */
    r.count = 4;
    RC(io_EVENT_READ(io, &r), 0);
    g_assert_cmpuint(r.count, ==, 2);
    io_get(io, r.events, e, sizeof(e));
    g_assert_cmpuint(e[0].sequence, ==, 3);
    g_assert_cmphex(e[0].flags, ==, 0);
    g_assert_cmpuint(e[1].sequence, ==, 6);
    g_assert_cmphex(e[1].flags, ==, IMU_EVENT_LOST);
    io_alloc(io, s);
    r.count = 1;
    RC(io_EVENT_READ(io, &r), 0);
    io_get(io, r.events, e, sizeof(e[0]));
    g_assert_cmpuint(e[0].sequence, ==, 7);
    g_assert_cmphex(e[0].flags, ==, 0);
}

static uint32_t pending(Io *io, ImuRef set, ImuRef queue)
{
    ImuEventRead r = { .set = set, .queue = queue };

    RC(io_EVENT_READ(io, &r), 0);
    return r.pending;
}

static void destroy_queues(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef s = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef f = io_faultq(io, s, 0), e = io_evq(io, s, 4);
    ImuRef space = io_mapped(io, s, 0, f);

    /* Neither is the other. */
    RC(IO(io, FAULTQ_DESTROY, ImuQueueDestroy, .set = s, .queue = e), -ENOENT);
    RC(IO(io, EVQ_DESTROY, ImuQueueDestroy, .set = s, .queue = f), -ENOENT);
    RC(IO(io, FAULTQ_DESTROY, ImuQueueDestroy, .set = s, .queue = f), -EBUSY);
    RC(IO(io, SPACE_DESTROY, ImuSpaceDestroy, .set = s, .space = space), 0);
    RC(IO(io, FAULTQ_DESTROY, ImuQueueDestroy, .set = s, .queue = f), 0);
    RC(IO(io, FAULTQ_DESTROY, ImuQueueDestroy, .set = s, .queue = f), -ENOENT);
    io_alloc(io, s);                            /* unread events go with it */
    RC(IO(io, EVQ_DESTROY, ImuQueueDestroy, .set = s, .queue = e), 0);
    RC(IO(io, EVQ_DESTROY, ImuQueueDestroy, .set = s, .queue = e), -ENOENT);
    io_alloc(io, s);
}

/* Each queue has its own view; a set's events are the set's. */
static void two_queues(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef s = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef t = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef a = io_evq(io, s, 8), b, c = io_evq(io, t, 8);
    ImuEventRead r;

    io_alloc(io, s);
    b = io_evq(io, s, 8);
    io_alloc(io, s);
    g_assert_cmpuint(pending(io, s, a), ==, 2);
    g_assert_cmpuint(pending(io, s, b), ==, 1);
    g_assert_cmpuint(pending(io, t, c), ==, 0);
    r = (ImuEventRead) { .set = s, .queue = a, .events = BUF(io), .count = 8 };
    RC(io_EVENT_READ(io, &r), 0);
    g_assert_cmpuint(pending(io, s, a), ==, 0);
    g_assert_cmpuint(pending(io, s, b), ==, 1);
    RC(IO(io, EVENT_READ, ImuEventRead, .set = s, .queue = b, .events = IO_WILD,
          .count = 8),
       -EFAULT);
    RC(IO(io, EVENT_READ, ImuEventRead, .set = s, .queue = b, .events = 0,
          .count = UINT32_MAX),
       -EFAULT);
    g_assert_cmpuint(pending(io, s, b), ==, 1);
    RC(IO(io, EVQ_DESTROY, ImuQueueDestroy, .set = s, .queue = b), 0);
    RC(IO(io, EVENT_READ, ImuEventRead, .set = s, .queue = b), -ENOENT);
}

/* --- the list ----------------------------------------------------------- */

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(IOASID_CMD_FAULT_READ, "whole-groups-in-order", whole_groups);
    spec_test(IOASID_CMD_FAULT_READ, "wild-addresses", read_faults);
    spec_test(IOASID_FAULTS, "permissions", permissions);
    spec_test(IOASID_FAULTS, "without-pasid", without_pasid);
    spec_test(IOASID_CMD_FAULT_ANSWER, "codes-and-errors", answers);
    spec_test(IOASID_CMD_FAULT_ANSWER, "not-before-it-is-read", unread_ticket);
    spec_test(IOASID_CMD_FAULT_ANSWER, "of-another-set", of_another_set);
    spec_row(IOASID_CMD_FAULTQ_CREATE, "deadline-of-what-was-read", deadline,
             GINT_TO_POINTER(1));
    spec_row(IOASID_TIME, "deadline-of-what-nobody-read", deadline, NULL);
    spec_test(IOASID_FAULTS, "nobody-to-ask", nobody_to_ask);
    for (unsigned i = 0; i < G_N_ELEMENTS(ends); i++) {
        g_autofree char *p = g_strdup_printf("one-answer-each/%s",
                                             ends[i].name);

        spec_row(IOASID_FAULTS, p, teardown, &ends[i]);
    }
    spec_test(IOASID_LIMITS, "credit-of-a-device", credit);
    spec_test(IOASID_LIMITS, "groups-of-a-set", set_limit);
    spec_test(IOASID_FAULTS, "groups-without-end", endless_groups);
    spec_test(IOASID_FAULTS, "stop-marker", stop_marker);
    spec_test(IOASID_FAULTS, "no-memory-is-FAILURE", no_memory);
    spec_test(IOASID_CMD_FAULTQ_DESTROY, "busy-while-a-space-has-it",
              destroy_queues);
    spec_test(IOASID_CMD_EVQ_DESTROY, "always", destroy_queues);
    spec_test(IOASID_CMD_EVQ_CREATE, "depth", evq_values);
    spec_test(IOASID_EVENTS, "lost", lost);
    spec_test(IOASID_CMD_EVENT_READ, "queues-of-their-own", two_queues);
    return g_test_run();
}
