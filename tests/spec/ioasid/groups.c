/*
 * Page request groups that were given up before they were whole, and their
 * indices afterwards: section 9 of docs/uapi.rst.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/io_world.h"
#include "lib/spec.h"

#define RC(got, want)  g_assert_cmpint(got, ==, want)

typedef struct Desk {
    Io *io;
    ImuRef set, q, dev, space;
} Desk;

static Desk desk_new(void)
{
    Desk d = { .io = io_new(NULL) };

    d.set = io_set(d.io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    d.q = io_faultq(d.io, d.set, 0);
    d.dev = io_bind(d.io, d.set, 0);
    d.space = io_mapped(d.io, d.set, 0, d.q);
    io_attach(d.io, d.set, d.dev, NULL, d.space);
    rig_log_clear(d.io->r);
    return d;
}

static void ask(Desk *d, uint16_t prgi, bool last)
{
    io_page_request(d->io, 0, IO_NO_PASID, prgi, 0x5000, last);
}

static unsigned pending(Desk *d)
{
    ImuFaultRead r = { .set = d->set, .queue = d->q };

    RC(io_FAULT_READ(d->io, &r), 0);
    return r.pending;
}

/* So many responses were sent, the last one with this code. */
static void answered(Desk *d, unsigned n, ImPageRespCode code)
{
    g_assert_cmpuint(rig_count(d->io->r, RIG_SEEN_PAGE_RESP), ==, n);
    if (n) {
        const ImPageResp *r =
            &rig_seen(d->io->r, RIG_SEEN_PAGE_RESP, n - 1)->resp;

        g_assert_cmpuint(r->prgi, ==, 9);
        RC(r->code, code);
    }
}

/* Its last page is answered, and the index is as good as new. */
static void by_detach(void)
{
    Desk d = desk_new();

    ask(&d, 9, false);
    RC(io_detach(d.io, d.set, d.dev, NULL), 0);
    answered(&d, 0, IM_PAGE_RESP_INVALID);
    io_attach(d.io, d.set, d.dev, NULL, d.space);
    ask(&d, 9, false);              /* of the old group still */
    answered(&d, 0, IM_PAGE_RESP_INVALID);
    ask(&d, 9, true);
    answered(&d, 1, IM_PAGE_RESP_INVALID);
    g_assert_cmpuint(pending(&d), ==, 0);
    ask(&d, 9, true);
    answered(&d, 1, IM_PAGE_RESP_INVALID);
    g_assert_cmpuint(pending(&d), ==, 1);
    io_free(d.io);
}

static void by_overflow(void)
{
    Desk d = desk_new();

    ask(&d, 9, false);
    io_fail_alloc(d.io, 0);
    ask(&d, 9, false);
    io_fail_alloc(d.io, UINT64_MAX);
    ask(&d, 9, true);
    answered(&d, 1, IM_PAGE_RESP_FAILURE);
    g_assert_cmpuint(pending(&d), ==, 0);
    ask(&d, 9, true);
    answered(&d, 1, IM_PAGE_RESP_FAILURE);
    g_assert_cmpuint(pending(&d), ==, 1);
    io_free(d.io);
}

/* Whoever has the device then. */
static void by_unbind(void)
{
    Desk d = desk_new();

    ask(&d, 9, false);
    RC(IO(d.io, DEV_UNBIND, ImuDevUnbind, .set = d.set, .dev = d.dev), 0);
    d.dev = io_bind(d.io, d.set, 0);
    io_attach(d.io, d.set, d.dev, NULL, d.space);
    ask(&d, 9, true);
    answered(&d, 1, IM_PAGE_RESP_INVALID);
    ask(&d, 9, true);
    g_assert_cmpuint(pending(&d), ==, 1);
    io_free(d.io);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(IOASID_FAULTS, "given-up/by-detach", by_detach);
    spec_test(IOASID_FAULTS, "given-up/by-overflow", by_overflow);
    spec_test(IOASID_FAULTS, "given-up/by-unbind", by_unbind);
    return g_test_run();
}
