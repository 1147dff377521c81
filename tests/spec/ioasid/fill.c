/*
 * Maps that are filled while devices wait: section 9.1 of docs/uapi.rst; and
 * why a request was refused (im_ioasid_missed()).
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/io_guest.h"
#include "lib/spec.h"
#include "lib/vtd_build.h"

#define RC(got, want)  g_assert_cmpint(got, ==, want)
#define HOLE    20u                 /* a page of guest memory that is absent */
#define ROOT    UINT64_C(0x1000)
#define VA      UINT64_C(0x7000)    /* leads to the hole, */
#define BARE    UINT64_C(0x8000)    /* to nothing */

/* A process whose one page is not there yet. */
typedef struct Copy {
    Io *io;
    ImuRef set, dev, parent, space, hostq, guestq;
} Copy;

static Copy copy_new(bool fill)
{
    Copy c = { .io = io_new(NULL) };
    uint64_t next = 0x2000, leaf;

    c.set = io_set(c.io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    c.dev = io_bind(c.io, c.set, 0);
    c.hostq = io_faultq(c.io, c.set, 0);
    c.guestq = io_faultq(c.io, c.set, 0);
    c.parent = io_mapped(c.io, c.set,
                         IMU_SPACE_PARENT | (fill ? IMU_SPACE_FILL : 0),
                         fill ? c.hostq : io_none());
    io_map(c.io, c.set, c.parent, 0, HOLE, 0);
    leaf = io_vtd_entry(c.io, ROOT, 4, &next, VA, FS_RWU);
    io_guest_set(c.io, leaf, HOLE * IO_PAGE | FS_RWU);
    c.space = io_vtd(c.io, c.set, c.parent, c.guestq, ROOT, 0);
    io_attach(c.io, c.set, c.dev, NULL, c.space);
    return c;
}

static void fill(Copy *c)
{
    io_map(c->io, c->set, c->parent, HOLE, 1, HOLE * IO_PAGE);
}

static ImXlat request(Copy *c, uint64_t addr, ImAccess access)
{
    const ImTxn t = {
        .rid = (uint16_t)io_func(0),
        .addr = addr,
        .len = 8,
        .access = (uint8_t)access,
        .may_stall = true,
    };

    return im_ioasid_translate(c->io->h, &t);
}

static ImuFault take(Copy *c, ImuRef queue)
{
    ImuFaultRead r = {
        .set = c->set,
        .queue = queue,
        .faults = io_at(c->io, 50),
        .count = 1,
        .fault_size = sizeof(ImuFault),
    };
    ImuFault f;

    RC(io_FAULT_READ(c->io, &r), 0);
    g_assert_cmpuint(r.count, ==, 1);
    g_assert_cmpuint(r.pending, ==, 0);
    io_get(c->io, r.faults, &f, sizeof(f));
    return f;
}

static void answer(Copy *c, const ImuFault *f, ImuAnswerCode code)
{
    ImuAnswer a = { .set = c->set, .ticket = f->ticket, .code = code };

    RC(io_FAULT_ANSWER(c->io, &a), 0);
}

static unsigned resumed(Copy *c)
{
    return rig_count(c->io->r, RIG_SEEN_RESUME);
}

/* --- requests that wait -------------------------------------------------- */

static ImuFault waits(Copy *c, uint64_t *handle)
{
    ImXlat x = request(c, VA + 8, IM_WRITE);
    ImuFault f;

    g_assert_cmpint(x.status, ==, IM_PENDING);
    *handle = x.handle;
    f = take(c, c->hostq);
    g_assert_cmphex(f.flags, ==,
                    IMU_FAULT_STALL | IMU_FAULT_HOST | IMU_FAULT_LAST);
    g_assert_cmphex(f.addr, ==, HOLE * IO_PAGE);
    g_assert_cmphex(f.perm, ==, IM_PERM_W);
    g_assert_cmphex(f.cookie, ==, 0xc00);
    return f;
}

static void goes_on(void)
{
    Copy c = copy_new(true);
    const RigLog *l;
    uint64_t handle;
    ImuFault f = waits(&c, &handle);

    fill(&c);
    g_assert_cmpuint(resumed(&c), ==, 0);
    answer(&c, &f, IMU_ANSWER_SUCCESS);
    g_assert_cmpuint(resumed(&c), ==, 1);
    l = rig_seen(c.io->r, RIG_SEEN_RESUME, 0);
    g_assert_cmphex(l->val, ==, handle);
    g_assert_cmpint(l->xlat.status, ==, IM_OK);
    g_assert_cmphex(l->xlat.addr, ==, io_pa(c.io, HOLE) + 8);
    io_free(c.io);
}

/* Answered too early it waits on, under its handle and another ticket. */
static void waits_on(void)
{
    Copy c = copy_new(true);
    uint64_t handle;
    ImuFault f = waits(&c, &handle), again;

    answer(&c, &f, IMU_ANSWER_SUCCESS);
    g_assert_cmpuint(resumed(&c), ==, 0);
    again = take(&c, c.hostq);
    g_assert_cmphex(again.ticket, !=, f.ticket);
    fill(&c);
    answer(&c, &again, IMU_ANSWER_SUCCESS);
    g_assert_cmphex(rig_seen(c.io->r, RIG_SEEN_RESUME, 0)->val, ==, handle);
    io_free(c.io);
}

static void invalid(Copy *c, const ImuFault *f)
{
    answer(c, f, IMU_ANSWER_INVALID);
}

static void failure(Copy *c, const ImuFault *f)
{
    answer(c, f, IMU_ANSWER_FAILURE);
}

static void deadline(Copy *c, const ImuFault *f G_GNUC_UNUSED)
{
    rig_advance(c->io->r, 2000000000);
}

static void detach(Copy *c, const ImuFault *f G_GNUC_UNUSED)
{
    ImuDetach d = { .set = c->set, .dev = c->dev };

    RC(io_DETACH(c->io, &d), 0);
}

static void unbind(Copy *c, const ImuFault *f G_GNUC_UNUSED)
{
    ImuDevUnbind d = { .set = c->set, .dev = c->dev };

    RC(io_DEV_UNBIND(c->io, &d), 0);
}

static void force(Copy *c, const ImuFault *f G_GNUC_UNUSED)
{
    ImuSetDestroy d = { .head.flags = IMU_SET_DESTROY_FORCE, .set = c->set };

    RC(io_SET_DESTROY(c->io, &d), 0);
}

typedef struct EndRow {
    const char *name;
    void (*end)(Copy *c, const ImuFault *f);
} EndRow;

static const EndRow ends[] = {
    { "invalid", invalid }, { "failure", failure }, { "deadline", deadline },
    { "detach", detach },   { "unbind", unbind },   { "force", force },
};

/* Once, and refused. */
static void terminated(const void *data)
{
    const EndRow *row = data;
    Copy c = copy_new(true);
    uint64_t handle;
    ImuFault f = waits(&c, &handle);

    row->end(&c, &f);
    g_assert_cmpuint(resumed(&c), ==, 1);
    g_assert_cmpint(rig_seen(c.io->r, RIG_SEEN_RESUME, 0)->xlat.status, ==,
                    IM_FAULT);
    io_free(c.io);
}

static void cancelled(void)
{
    Copy c = copy_new(true);
    ImuAnswer a = { .set = c.set };
    uint64_t handle;

    a.ticket = waits(&c, &handle).ticket;
    im_ioasid_cancel(c.io->h, handle);
    im_ioasid_cancel(c.io->h, handle);
    g_assert_cmpuint(resumed(&c), ==, 0);
    RC(io_FAULT_ANSWER(c.io, &a), -EALREADY);
    io_free(c.io);
}

/* Termination says why, and is in the log as any refusal. */
static void says_why(void)
{
    Copy c = copy_new(true);
    uint64_t handle;
    ImuFault f = waits(&c, &handle);
    ImuFaultLog l = { .set = c.set,
                      .faults = io_at(c.io, 50),
                      .count = 2,
                      .fault_size = sizeof(f) };
    const ImXlat *x;

    g_assert_cmphex(f.request, ==, VA + 8);
    g_assert_cmpuint(f.stage, ==, IMU_STAGE_MAP);
    g_assert_cmpstr(im_ioasid_fault_name((uint8_t)f.code, NULL), ==,
                    "UNMAPPED");
    RC(io_FAULT_LOG(c.io, &l), 0);
    g_assert_cmpuint(l.count, ==, 0);           /* it waits */
    answer(&c, &f, IMU_ANSWER_INVALID);
    x = &rig_seen(c.io->r, RIG_SEEN_RESUME, 0)->xlat;
    g_assert_cmpstr(im_ioasid_fault_name(x->fault, NULL), ==, "UNMAPPED");
    g_assert_cmpint(x->cpl, ==, IM_CPL_UR);
    l.count = 2;
    RC(io_FAULT_LOG(c.io, &l), 0);
    g_assert_cmpuint(l.count, ==, 1);
    io_get(c.io, l.faults, &f, sizeof(f));
    g_assert_cmphex(f.flags, ==, IMU_FAULT_HOST);
    g_assert_cmphex(f.addr, ==, HOLE * IO_PAGE + 8);
    io_free(c.io);
}

/* As many as the device has groups, of both kinds; the next is refused. */
static void has_credit(void)
{
    Copy c = copy_new(true);
    unsigned n = 0;

    io_page_request(c.io, 0, IO_NO_PASID, 3, BARE, false);
    while (request(&c, VA, IM_READ).status == IM_PENDING) {
        g_assert_cmpuint(++n, <, 1000);
    }
    g_assert_cmpuint(n + 1, ==, 4); /* pri_credit of function 0 */
    io_free(c.io);
}

/* Whichever allocation fails: it is refused, and nothing is left of it. */
static void without_memory(void)
{
    Copy c = copy_new(true);
    unsigned n = 0;

    for (;; n++) {
        io_fail_alloc(c.io, n);
        if (request(&c, VA, IM_READ).status == IM_PENDING) {
            break;
        }
    }
    io_fail_alloc(c.io, UINT64_MAX);
    g_assert_cmpuint(n, ==, 3); /* group, page, tickets */
    take(&c, c.hostq);
    io_free(c.io);
}

/* Nobody is asked for what may not be there. */
static void is_allowed(void)
{
    Copy c = copy_new(true);
    ImuRange range = { 0, HOLE * IO_PAGE - 1 };
    ImuAllow a = {
        .set = c.set, .space = c.parent, .count = 1, .ranges = io_at(c.io, 50)
    };

    io_put(c.io, a.ranges, &range, sizeof(range));
    RC(io_ALLOW(c.io, &a), 0);
    RC(request(&c, VA, IM_READ).status, IM_FAULT);
    range.last = HOLE * IO_PAGE;
    io_put(c.io, a.ranges, &range, sizeof(range));
    RC(io_ALLOW(c.io, &a), 0);
    RC(request(&c, VA, IM_READ).status, IM_PENDING);
    io_free(c.io);
}

/* --- page requests -------------------------------------------------------- */

static void page_request(Copy *c, uint64_t addr)
{
    io_page_request(c->io, 0, IO_NO_PASID, 3, addr, true);
}

/* The translation grants nothing, and the page is the host's to bring. */
static void pages_of_the_host(void)
{
    Copy c = copy_new(true);
    ImXlat x = io_ats(c.io, 0, IO_NO_PASID, VA, false);
    ImuFault f;

    g_assert_cmpint(x.status, ==, IM_OK);
    g_assert_cmpuint(x.perm, ==, 0);
    page_request(&c, VA);
    f = take(&c, c.hostq);
    g_assert_cmphex(f.flags, ==, IMU_FAULT_HOST | IMU_FAULT_LAST);
    g_assert_cmphex(f.addr, ==, HOLE * IO_PAGE);
    fill(&c);
    answer(&c, &f, IMU_ANSWER_SUCCESS);
    g_assert_cmpuint(rig_count(c.io->r, RIG_SEEN_PAGE_RESP), ==, 1);
    x = io_ats(c.io, 0, IO_NO_PASID, VA, false);
    g_assert_cmphex(x.addr, ==, io_pa(c.io, HOLE));
    io_free(c.io);
}

static void pages_of_the_guest(void)
{
    Copy c = copy_new(true);
    ImuFault f;

    page_request(&c, BARE);
    f = take(&c, c.guestq);
    g_assert_cmphex(f.flags, ==, IMU_FAULT_LAST);
    g_assert_cmphex(f.addr, ==, BARE);
    io_free(c.io);
}

/* --- who does not wait ---------------------------------------------------- */

static void without_fill(void)
{
    Copy c = copy_new(false);
    ImIoasidMiss miss;
    ImXlat x = request(&c, VA, IM_READ);

    g_assert_cmpint(x.status, ==, IM_FAULT);
    g_assert_true(im_ioasid_missed(c.io->h, &miss));
    g_assert_cmpint(miss.stage, ==, IM_IOASID_STAGE_MAP);
    g_assert_cmphex(miss.addr, ==, HOLE * IO_PAGE);
    g_assert_cmphex(miss.perm, ==, IM_PERM_R);
    g_assert_false(miss.for_entry);
    io_free(c.io);
}

static void needs_a_queue(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuSpaceCreate s = {
        .head.flags = IMU_SPACE_FILL,
        .set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE),
        .kind = IMU_SPACE_MAPPED,
    };

    RC(io_SPACE_CREATE(io, &s), -EINVAL);
}

/* What the guest's table lacks is no wait: its address is the request's. */
static void of_the_guests_table(void)
{
    Copy c = copy_new(true);
    ImIoasidMiss miss;
    ImXlat x = request(&c, BARE + 5, IM_READ);

    g_assert_cmpint(x.status, ==, IM_FAULT);
    g_assert_true(im_ioasid_missed(c.io->h, &miss));
    g_assert_cmpint(miss.stage, ==, IM_IOASID_STAGE_GUEST);
    g_assert_cmphex(miss.addr, ==, BARE + 5);
    g_assert_cmpstr(im_ioasid_fault_name(miss.code, NULL), ==, "ABSENT");
    io_free(c.io);
}

/* A translation request that is to ask for the page was not refused, whatever
 * became of the one before. */
static void asks_and_missed_nothing(void)
{
    Copy c = copy_new(true);
    ImTxn t = {
        .rid = (uint16_t)io_func(0),
        .addr = VA,
        .len = 8,
        .access = IM_READ,
        .at = IM_AT_TRANSLATION,
    };
    ImIoasidMiss miss;
    ImXlat x;

    request(&c, BARE, IM_READ);
    g_assert_true(im_ioasid_missed(c.io->h, &miss));
    x = im_ioasid_translate(c.io->h, &t);
    g_assert_cmpint(x.status, ==, IM_OK);
    g_assert_cmphex(x.perm, ==, 0);
    g_assert_false(im_ioasid_missed(c.io->h, &miss));
    io_free(c.io);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(IOASID_FILL, "goes-on", goes_on);
    spec_test(IOASID_FILL, "waits-on", waits_on);
    for (unsigned i = 0; i < G_N_ELEMENTS(ends); i++) {
        spec_row(IOASID_FILL, ends[i].name, terminated, &ends[i]);
    }
    spec_test(IOASID_FILL, "cancelled", cancelled);
    spec_test(IOASID_FILL, "says-why", says_why);
    spec_test(IOASID_FILL, "credit", has_credit);
    spec_test(IOASID_FILL, "no-memory", without_memory);
    spec_test(IOASID_FILL, "allowed", is_allowed);
    spec_test(IOASID_FILL, "pages-of-the-host", pages_of_the_host);
    spec_test(IOASID_FILL, "pages-of-the-guest", pages_of_the_guest);
    spec_test(IOASID_FILL, "without", without_fill);
    spec_test(IOASID_FILL, "needs-a-queue", needs_a_queue);
    spec_test(IOASID_FILL, "guests-table", of_the_guests_table);
    spec_test(IOASID_FILL, "asks", asks_and_missed_nothing);
    return g_test_run();
}
