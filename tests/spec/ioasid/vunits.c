/*
 * A set is a virtual IOMMU: what units of a guest share, what names devices
 * have there, and what an IOMMU behind an IOMMU is. Sections 4.36, 17 and 18
 * of docs/uapi.rst.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/io_world.h"
#include "lib/spec.h"
#include "lib/vtd_build.h"

#define RC(got, want)  g_assert_cmpint(got, ==, want)

/* The guest renumbers its buses: what is told from now on has the new name,
 * also of a group that came before. */
static void renamed(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuFault fault;
    ImuEvent e[16];
    ImuFaultRead r;
    unsigned n;
    IoWorld w;

    io_world_init(&w, io, 0);
    RC(IO(io, DEV_RENAME, ImuDevRename, .set = w.set, .dev = w.dev,
          .cookie = 0x1234),
       0);
    r = (ImuFaultRead) {
        .set = w.set,
        .queue = w.faultq,
        .faults = io_at(io, IO_WORLD_BUF),
        .count = 1,
    };
    RC(io_FAULT_READ(io, &r), 0);
    io_get(io, r.faults, &fault, sizeof(fault));
    g_assert_cmphex(fault.cookie, ==, 0x1234);
    g_assert_true(io_ref_eq(fault.dev, w.dev));
    io_events(io, w.set, w.evq, e, 16);
    RC(im_ioasid_device_remove(io->h, io_func(0)), 0);
    n = io_events(io, w.set, w.evq, e, 16);
    g_assert_cmpuint(e[n - 1].type, ==, IMU_EVENT_DEV_GONE);
    g_assert_cmphex(e[n - 1].token, ==, 0x1234);
}

/* Names are the guest's affair: two devices may have the same. */
static void not_unique(void)
{
    g_autoptr(Io) io = io_new(NULL);
    IoWorld w;

    io_world_init(&w, io, 0);
    RC(IO(io, DEV_RENAME, ImuDevRename, .set = w.set, .dev = w.dev,
          .cookie = 9),
       0);
    RC(IO(io, DEV_RENAME, ImuDevRename, .set = w.set, .dev = w.idle_dev,
          .cookie = 9),
       0);
    RC(IO(io, DEV_RENAME, ImuDevRename, .set = w.set, .dev = w.parent),
       -ENOENT);
}

/* Two units of a guest in one set: the tag spaces are one, the caller keeps
 * them apart; and PASIDs are the guest's, whichever unit a device is behind. */
static void units_share_a_set(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef a = io_bind(io, set, 0), b = io_bind(io, set, 1);
    ImuRef parent = io_parent(io, set, 0);
    ImuPasidAlloc p = io_alloc(io, set);
    uint64_t misses;

    io_attach(io, set, a, &p.pasid, parent);
    io_attach(io, set, b, &p.pasid, parent);
    g_assert_true(io_reaches(io, 0, 1, 0x1000, io_pa(io, 1)));
    g_assert_true(io_reaches(io, 1, 1, 0x1000, io_pa(io, 1)));
    misses = im_ioasid_counters(io->h)->iotlb_misses;
    RC(io_inv_all(io, set, IMU_INV_DEV, a, IMU_CACHE_IOTLB), 0);
    g_assert_true(io_reaches(io, 1, 1, 0x1000, io_pa(io, 1)));
    g_assert_cmpuint(im_ioasid_counters(io->h)->iotlb_misses, ==, misses);
    g_assert_true(io_reaches(io, 0, 1, 0x1000, io_pa(io, 1)));
    g_assert_cmpuint(im_ioasid_counters(io->h)->iotlb_misses, ==, misses + 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(IOASID_CMD_DEV_RENAME, "what-is-told-has-the-new-name", renamed);
    spec_test(IOASID_CMD_DEV_RENAME, "names-need-not-differ", not_unique);
    spec_test(IOASID_VUNITS, "units-share-a-set", units_share_a_set);
    return g_test_run();
}
