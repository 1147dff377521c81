/*
 * Memory fails once, at every place where any command asks for it: ENOMEM,
 * and every dump is as it was; then the command works.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/io_world.h"

typedef struct Fixture {
    Io *io;
    IoWorld w;
} Fixture;

static void fixture(Fixture *f)
{
    f->io = io_new(NULL);
    io_world_init(&f->w, f->io, 0);
}

static void sweep(const void *data)
{
    const IoCommand *c = data;
    unsigned n, failed = 0;

    for (n = 0;; n++) {
        Fixture f;
        IoAny any;
        int rc;

        fixture(&f);
        io_good(&f.w, c->number, &any);
        io_fail_alloc(f.io, n);
        rc = io_obey(f.io, c->number, &any, c->size);
        if (!f.io->failed) {
            g_assert_cmpint(rc, ==, 0);
            io_free(f.io);
            break;
        }
        failed++;
        g_assert_cmpint(rc, ==, -ENOMEM);
        io_good(&f.w, c->number, &any);
        g_assert_cmpint(io_obey(f.io, c->number, &any, c->size), ==, 0);
        io_free(f.io);
        g_assert_cmpuint(n, <, 1000);
    }
    g_test_message("%s asks %u times", c->name, failed);
}

/* Of commands whose good structure is not all that they can do. */
static int variant(Io *io, const IoWorld *w, unsigned which)
{
    uint64_t buf = io_at(io, IO_WORLD_BUF);

    switch (which) {
    case 0:
        return IO(io, SPACE_CREATE, ImuSpaceCreate, .set = w->set,
                  .kind = IMU_SPACE_MAPPED,
                  .head.flags = IMU_SPACE_DIRTY | IMU_SPACE_PARENT);
    case 1: {
        ImuSmmuSte ste = { .ste = { 1 | UINT64_C(5) << 1 | 8 * IO_PAGE } };

        io_put(io, buf, &ste, sizeof(ste));
        return IO(io, SPACE_CREATE, ImuSpaceCreate, .set = w->set,
                  .kind = IMU_SPACE_NESTED, .parent = w->parent,
                  .format = IMU_FORMAT_SMMU_STE, .data = buf,
                  .data_size = sizeof(ste));
    }
    case 2:
        return IO(io, MAP, ImuMap, .head.flags = IMU_PROT_READ, .set = w->set,
                  .space = w->spare, .user = io_at(io, 0),
                  .length = 40 * IO_PAGE);
    case 3:
        return io_attach_rc(io, w->set, w->idle_dev, NULL, w->spare, 0);
    case 4:
        return io_attach_rc(io, w->set, w->idle_dev, &w->bound.pasid, w->spare,
                            0);
    case 5:
        return IO(io, PASID_ALLOC, ImuPasidAlloc, .set = w->set,
                  .head.flags = IMU_PASID_ALLOC_FIXED, .gpasid = 255);
    case 6:
        return IO(io, SET_CREATE, ImuSetCreate, .gpasid_min = 1,
                  .gpasid_max = 0xfffff, .pool = IMU_POOL_GLOBAL,
                  .map_mode = IMU_MODE_TRANSLATE);
    case 7:
        return IO(io, EVQ_CREATE, ImuEvqCreate, .set = w->set, .depth = 60000);
    case 8:
        return io_replace(io, w->set, w->dev, NULL, w->block);
    case 9: {
        ImuRange r[3] = { { 0, 0xfff },
                          { 0x2000, 0x2fff },
                          { 0x4000, 0x4fff } };

        io_put(io, buf, r, sizeof(r));
        return IO(io, ALLOW, ImuAllow, .set = w->set, .space = w->spare,
                  .ranges = buf, .count = 3);
    }
    default:
        return 1;
    }
}

static void variants(void)
{
    for (unsigned which = 0; which < 10; which++) {
        for (unsigned n = 0;; n++) {
            Fixture f;
            int rc;

            fixture(&f);
            io_fail_alloc(f.io, n);
            rc = variant(f.io, &f.w, which);
            if (!f.io->failed) {
                g_assert_cmpint(rc, ==, 0);
                io_free(f.io);
                break;
            }
            g_assert_cmpint(rc, ==, -ENOMEM);
            g_assert_cmpint(variant(f.io, &f.w, which), ==, 0);
            io_free(f.io);
            g_assert_cmpuint(n, <, 1000);
        }
    }
}

/* The fence that has something to wait for. */
static void fence(void)
{
    for (unsigned n = 0;; n++) {
        Fixture f;
        int rc;

        fixture(&f);
        io_ats(f.io, 0, f.w.hpasid, IO_FS_VA(0), IM_READ);
        g_assert_cmpint(io_inv_all(f.io, f.w.set, IMU_INV_SET, io_none(),
                                   IMU_CACHE_DEVTLB),
                        ==, 0);
        io_fail_alloc(f.io, n);
        rc = IO(f.io, FENCE, ImuFence, .set = f.w.set);
        g_assert_cmpint(rc, ==, f.io->failed ? -ENOMEM : 0);
        if (!f.io->failed) {
            io_free(f.io);
            break;
        }
        io_free(f.io);
        g_assert_cmpuint(n, <, 100);
    }
}

/* The backend itself, an opener, a function. */
static void host(void)
{
    static const ImuRange r[2] = { { 0, 1 }, { 9, 10 } };

    for (unsigned n = 0; n < 200; n++) {
        Fixture f;
        ImIoasidDevice d = { .func = 0x900,
                             .caps = IMU_DEV_CAP_PASID,
                             .pasid_bits = 20,
                             .reserved = r,
                             .reserved_count = 2 };
        ImIoasidCtx *c;
        ImIoasid *h;
        char *before;
        g_autofree char *err = NULL;

        fixture(&f);
        before = io_dump(f.io);
        io_fail_alloc(f.io, n);
        c = im_ioasid_open(f.io->h, 0, f.io->user);
        g_assert_true(!c == f.io->failed);
        if (c) {
            im_ioasid_close(c);
        }
        io_same(f.io, before);
        io_fail_alloc(f.io, n);
        g_assert_cmpint(im_ioasid_device_add(f.io->h, &d), ==,
                        f.io->failed ? -ENOMEM : 0);
        if (f.io->failed) {
            io_same(f.io, before);
        }
        g_free(before);
        io_fail_alloc(f.io, n);
        h = im_ioasid_new(&f.io->cfg, &f.io->port, f.io->r, &err);
        g_assert_true(!h == f.io->failed);
        if (h) {
            im_ioasid_free(h);
        }
        io_free(f.io);
    }
}

/* Requests: a cache that cannot grow is a cache that does not hit. */
static void requests(void)
{
    for (unsigned n = 0; n < 6; n++) {
        Fixture f;

        fixture(&f);
        io_fail_alloc(f.io, n);
        for (unsigned i = 0; i < 3; i++) {
            g_assert_true(io_reaches(f.io, 0, f.w.hpasid, IO_FS_VA(0),
                                     io_pa(f.io, IO_WORLD_DATA)));
            g_assert_cmphex(
                io_ats(f.io, 0, f.w.hpasid, IO_FS_VA(0), IM_READ).perm, !=, 0);
        }
        io_free(f.io);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < io_command_count; i++) {
        g_autofree char *p = g_strdup_printf("/ioasid/failnth/%s",
                                             io_commands[i].name);

        g_test_add_data_func(p, &io_commands[i], sweep);
    }
    g_test_add_func("/ioasid/failnth/variants", variants);
    g_test_add_func("/ioasid/failnth/fence", fence);
    g_test_add_func("/ioasid/failnth/host", host);
    g_test_add_func("/ioasid/failnth/requests", requests);
    return g_test_run();
}
