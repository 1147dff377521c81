/*
 * Page requests, explained: what becomes of each, why, and by which rule of
 * docs/uapi.rst; io_ask_page() holds it against what happens then.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/io_world.h"
#include "lib/spec.h"

#define RC(got, want)  g_assert_cmpint(got, ==, want)
#define PRGI           9

/* Function 0 with a PASID in a space that has a queue. */
typedef struct Desk {
    Io *io;
    ImuRef set, q, dev, space, p;
    uint32_t g;
    ImPageReq req;
    GString *steps;             /* names, but of the result */
    char *note;                 /* of the result */
    ImClause clause;
} Desk;

static void desk_new(Desk *d)
{
    ImIoasidConfig cfg = io_config();
    ImuPasidAlloc a;

    cfg.pri_set_limit = 5;
    *d = (Desk) { .io = io_new(&cfg) };
    d->set = io_set(d->io, IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);
    d->q = io_faultq(d->io, d->set, 0);
    d->dev = io_bind(d->io, d->set, 0);
    d->space = io_mapped(d->io, d->set, 0, d->q);
    a = io_alloc_fixed(d->io, d->set, 200);
    d->p = a.pasid;
    io_attach(d->io, d->set, d->dev, &d->p, d->space);
    d->steps = g_string_new(NULL);
    d->req = (ImPageReq) {
        .addr = 0x5000,
        .rid = io_func(0),
        .pasid = io_hpasid(d->io, d->set, d->p),
        .prgi = PRGI,
        .read = true,
        .last = true,
        .has_pasid = true,
    };
}

static void desk_free(Desk *d)
{
    g_string_free(d->steps, true);
    g_free(d->note);
    io_free(d->io);
}

static void note_step(void *opaque, const ImStep *s)
{
    Desk *d = opaque;

    g_assert_null(d->note);                     /* the result is the last */
    g_assert_nonnull(s->note);
    g_assert_cmpuint(s->words, ==, 0);
    if (!strcmp(s->what, "result")) {
        d->note = g_strdup(s->note);
        d->clause = s->clause;
    } else {
        g_string_append_printf(d->steps, "%s: %s\n", s->what, s->note);
    }
}

static void ask(Desk *d, uint16_t prgi, bool last)
{
    ImPageReq q = d->req;

    q.prgi = prgi;
    q.last = last;
    io_ask_page(d->io, &q, NULL, NULL);
}

/* --- what was before ---------------------------------------------------- */

static void as_it_is(Desk *d)
{
    (void)d;
}

static void not_the_last(Desk *d)
{
    d->req.last = false;
}

static void stop_marker(Desk *d)
{
    d->req.read = false;
}

static void no_function(Desk *d)
{
    d->req.rid = io_func(40);
}

static void not_bound(Desk *d)
{
    RC(IO(d->io, DEV_UNBIND, ImuDevUnbind, .set = d->set, .dev = d->dev), 0);
}

static void not_attached(Desk *d)
{
    RC(io_detach(d->io, d->set, d->dev, &d->p), 0);
}

static void of_nobodys_kept(Desk *d)
{
    not_attached(d);
    not_the_last(d);
}

static void parked(Desk *d)
{
    RC(io_pasid_free(d->io, d->set, d->p), IMU_PASID_PARKED);
}

static void no_queue(Desk *d)
{
    ImuRef quiet = io_mapped(d->io, d->set, 0, io_none());

    RC(io_replace(d->io, d->set, d->dev, &d->p, quiet), 0);
}

static void no_pri(Desk *d)
{
    ImuRef dev = io_bind(d->io, d->set, 4);

    io_attach(d->io, d->set, dev, NULL, d->space);
    d->req.rid = io_func(4);
    d->req.has_pasid = false;
}

static void detached_amid(Desk *d)
{
    ask(d, PRGI, false);
    RC(io_detach(d->io, d->set, d->dev, &d->p), 0);
    io_attach(d->io, d->set, d->dev, &d->p, d->space);
}

static void overflow_amid(Desk *d)
{
    for (uint16_t i = 0; i < 4; i++) {
        ask(d, i, true);
    }
    ask(d, PRGI, false);
}

static void mixed(Desk *d)
{
    io_attach(d->io, d->set, d->dev, NULL, d->space);
    ask(d, PRGI, false);
    d->req.has_pasid = false;
}

static void credit(Desk *d)
{
    for (uint16_t i = 0; i < 4; i++) {
        ask(d, i, true);
    }
}

static void set_limit(Desk *d)
{
    ImuRef dev = io_bind(d->io, d->set, 1);

    credit(d);
    io_attach(d->io, d->set, dev, NULL, d->space);
    io_page_request(d->io, 1, IO_NO_PASID, 1, 0, true);
    d->req.rid = io_func(1);
    d->req.has_pasid = false;
}

static void too_long(Desk *d)
{
    for (unsigned i = 0; i < 512; i++) {
        ask(d, PRGI, false);
    }
}

/* --- what is told ------------------------------------------------------- */

#define BOUND    "function: bound, 0 of 4 groups outstanding\n"
#define PASID    "binding: guest PASID 200\n"
#define QUEUE    "fault queue: 0 pages unread, deadline 1000000000 ns\n"
#define OF_SET   "set: 0 of 5 groups outstanding\n"
#define INVALID  "; answered with Invalid Request automatically"
#define FAILURE  "; answered with Response Failure automatically"

typedef struct Row {
    const char *name;
    void (*before)(Desk *d);
    ImClause clause;
    const char *note;
    char end;                   /* Queued, Invalid, Failure, Dropped */
    const char *steps;          /* NULL: see the others */
} Row;

#define R(name, before, tag, note, end, steps) \
    { name, before, IM_CLAUSE(tag), note, end, steps }

/* clang-format off */
static const Row rows[] = {
    R("queued", as_it_is, IOASID_FAULTS, "queued", 'Q',
      BOUND PASID OF_SET QUEUE),
    R("kept", not_the_last, IOASID_FAULTS,
      "kept until the last page of its group", 'Q', BOUND PASID OF_SET QUEUE),
    R("stop-marker", stop_marker, IOASID_FAULTS,
      "a stop marker is no group; dropped, not answered", 'D', BOUND),
    R("no-function", no_function, IOASID_FAULTS,
      "there is no such function" INVALID, 'I', ""),
    R("not-bound", not_bound, IOASID_FAULTS,
      "the function is bound by nobody" INVALID, 'I',
      "function: not bound\n"),
    R("not-attached", not_attached, IOASID_FAULTS,
      "no space is attached there" INVALID, 'I', BOUND),
    R("not-attached/not-last", of_nobodys_kept, IOASID_FAULTS,
      "no space is attached there; dropped, not the last of its group", 'D',
      BOUND),
    R("parked", parked, IOASID_FAULTS, "the PASID was freed" INVALID, 'I',
      BOUND "binding: guest PASID 200, freed\n" OF_SET),
    R("no-queue", no_queue, IOASID_FAULTS,
      "the space has no fault queue" INVALID, 'I', BOUND PASID OF_SET),
    R("no-pri", no_pri, IOASID_FAULTS,
      "the function has no page requests" INVALID, 'I',
      "function: bound, 0 of 0 groups outstanding\n"
      "binding: the function's own\n" OF_SET QUEUE),
    R("given-up", detached_amid, IOASID_FAULTS,
      "its group was refused before" INVALID, 'I', BOUND),
    R("given-up/overflow", overflow_amid, IOASID_FAULTS,
      "its group was an overflow before" FAILURE, 'F', NULL),
    R("mixed", mixed, IOASID_FAULTS, "its group has another PASID" INVALID,
      'I', NULL),
    R("credit", credit, IOASID_LIMITS,
      "pri_credit groups of the device are outstanding" FAILURE, 'F',
      "function: bound, 4 of 4 groups outstanding\n" PASID
      "set: 4 of 5 groups outstanding\n"
      "fault queue: 4 pages unread, deadline 1000000000 ns\n"),
    R("set-limit", set_limit, IOASID_LIMITS,
      "pri_set_limit groups of the set are outstanding" FAILURE, 'F', NULL),
    R("too-long", too_long, IOASID_LIMITS,
      "its group has 512 pages" FAILURE, 'F', NULL),
};
/* clang-format on */

static void told(const void *data)
{
    const Row *row = data;
    ImPageFate f;
    Desk d;

    desk_new(&d);
    row->before(&d);
    f = io_ask_page(d.io, &d.req, note_step, &d);
    g_assert_cmpstr(d.note, ==, row->note);
    g_assert_cmpuint(d.clause, ==, row->clause);
    g_assert_cmpint(f.queued, ==, row->end == 'Q');
    g_assert_cmpint(f.answered, ==, row->end == 'I' || row->end == 'F');
    if (f.answered) {
        g_assert_cmphex(f.resp.code, ==,
                        row->end == 'I' ? IM_PAGE_RESP_INVALID :
                                          IM_PAGE_RESP_FAILURE);
    }
    if (row->steps) {
        g_assert_cmpstr(d.steps->str, ==, row->steps);
    }
    desk_free(&d);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name = g_strdup_printf("explained/%s", rows[i].name);

        if (rows[i].clause == IM_CLAUSE(IOASID_LIMITS)) {
            spec_row(IOASID_LIMITS, name, told, &rows[i]);
        } else {
            spec_row(IOASID_FAULTS, name, told, &rows[i]);
        }
    }
    return g_test_run();
}
