/*
 * What device TLBs are told, whose they are, and what they may do with what
 * they were told: sections 4.21 to 4.25, 7 and 8 of docs/uapi.rst.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/io_world.h"
#include "lib/spec.h"
#include "lib/vtd_build.h"

#define RC(got, want)  g_assert_cmpint(got, ==, want)
#define P  IO_PAGE

static unsigned told(Io *io)
{
    return rig_count(io->r, RIG_SEEN_ATS_INV);
}

static ImAtsInv message(Io *io, unsigned n)
{
    return rig_seen(io->r, RIG_SEEN_ATS_INV, n)->inv;
}

static int inv_devtlb(Io *io, ImuRef set, ImuInvTarget target, ImuRef object,
                      uint32_t gpasid)
{
    ImuInvEntry e = { .gpasid = gpasid };

    io_put(io, io_at(io, IO_WORLD_BUF), &e, sizeof(e));
    return IO(io, INVALIDATE, ImuInvalidate, .set = set, .object = object,
              .target = target, .gran = IMU_GRAN_PASID,
              .caches = IMU_CACHE_DEVTLB | IMU_CACHE_IOTLB,
              .entry_size = sizeof(e), .entries = io_at(io, IO_WORLD_BUF),
              .count = 1);
}

/* --- UNMAP -------------------------------------------------------------- */

/* The smallest aligned range around it, no more, no less. */
static void unmap_tells_the_range(void)
{
    static const struct {
        unsigned page, n;
        uint64_t addr;
        unsigned lg2;
    /* clang-format off */
    } rows[] = {
        { 5, 1, 5 * P, 12 }, { 8, 4, 8 * P, 14 }, { 3, 2, 0, 15 },
        { 1, 2, 0, 14 }, { 4, 2, 4 * P, 13 }, { 7, 3, 0, 16 },
    };
    /* clang-format on */

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Io) io = io_new(NULL);
        ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
        ImuRef dev = io_bind(io, set, 0);
        ImuRef space = io_mapped(io, set, 0, io_none());
        ImuUnmap u = { .set = set,
                       .space = space,
                       .iova = rows[i].page * P,
                       .length = rows[i].n * P };

        io_map(io, set, space, 0, rows[i].n, u.iova);
        io_attach(io, set, dev, NULL, space);
        g_assert_cmphex(io_ats(io, 0, IO_NO_PASID, u.iova, IM_READ).perm & 1,
                        ==, 1);
        RC(io_UNMAP(io, &u), 0);
        g_assert_cmpuint(told(io), ==, 1);
        g_assert_cmphex(message(io, 0).addr, ==, rows[i].addr);
        g_assert_cmpuint(message(io, 0).lg2size, ==, rows[i].lg2);
        g_assert_false(message(io, 0).has_pasid);
    }
}

/* Of a binding that never was granted anything, nothing is told. */
static void unmap_tells_who_may_know(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef space = io_mapped(io, set, 0, io_none());
    ImuUnmap u = { .set = set, .space = space, .length = UINT64_MAX };

    io_map(io, set, space, 0, 4, 0);
    io_attach(io, set, io_bind(io, set, 0), NULL, space);
    io_attach(io, set, io_bind(io, set, 1), NULL, space);
    io_ats(io, 1, IO_NO_PASID, 0, IM_READ);
    RC(io_UNMAP(io, &u), 0);
    g_assert_cmpuint(told(io), ==, 1);
    g_assert_cmphex(message(io, 0).rid, ==, io_func(1));
}

/* --- INVALIDATE --------------------------------------------------------- */

/* The number on the bus is the host's, which is not the guest's. */
static void the_host_number_is_told(void)
{
    for (unsigned all = 0; all < 2; all++) {
        g_autoptr(Io) io = io_new(NULL);
        ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);
        ImuRef dev = io_bind(io, set, 0);
        ImuRef space = io_parent(io, set, 0);
        ImuPasidAlloc a = io_alloc_fixed(io, set, 200);
        uint32_t h = io_hpasid(io, set, a.pasid);

        g_assert_cmphex(h, !=, 200);
        io_attach(io, set, dev, &a.pasid, space);
        if (all) {
            RC(io_inv_all(io, set, IMU_INV_SET, io_none(), IMU_CACHE_DEVTLB),
               0);
        } else {
            RC(inv_devtlb(io, set, IMU_INV_SET, io_none(), 200), 0);
        }
        g_assert_cmpuint(told(io), ==, 1);
        g_assert_true(message(io, 0).has_pasid);
        g_assert_cmphex(message(io, 0).pasid, ==, h);
        g_assert_cmpuint(message(io, 0).lg2size, ==, IM_INV_ALL);
    }
}

/* Two devices have the PASID; the target names one of them. */
static void a_device_is_that_device(void)
{
    g_autoptr(Io) io = io_new(NULL);
    IoWorld w;

    io_world_init(&w, io, 0);
    io_attach(io, w.set, w.idle_dev, &w.bound.pasid, w.nested);
    for (unsigned n = 0; n < 2; n++) {
        g_assert_true(
            io_reaches(io, n, w.hpasid, IO_FS_VA(0), io_pa(io, IO_WORLD_DATA)));
    }
    io_fs_map(io, IO_WORLD_FS, IO_FS_VA(0), 30 * P, FS_RWU);
    rig_log_clear(io->r);
    RC(inv_devtlb(io, w.set, IMU_INV_DEV, w.dev, w.bound.gpasid), 0);
    g_assert_cmpuint(told(io), ==, 1);
    g_assert_cmphex(message(io, 0).rid, ==, io_func(0));
    g_assert_true(io_reaches(io, 0, w.hpasid, IO_FS_VA(0), io_pa(io, 30)));
    g_assert_true(
        io_reaches(io, 1, w.hpasid, IO_FS_VA(0), io_pa(io, IO_WORLD_DATA)));
}

/* A parent as the target is what is nested on it, too. */
static void a_parent_is_its_children(void)
{
    for (unsigned all = 0; all < 2; all++) {
        g_autoptr(Io) io = io_new(NULL);
        IoWorld w;

        io_world_init(&w, io, 0);
        g_assert_true(
            io_reaches(io, 0, w.hpasid, IO_FS_VA(0), io_pa(io, IO_WORLD_DATA)));
        io_fs_map(io, IO_WORLD_FS, IO_FS_VA(0), 30 * P, FS_RWU);
        rig_log_clear(io->r);
        if (all) {
            RC(io_inv_all(io, w.set, IMU_INV_SPACE, w.parent, 3), 0);
            g_assert_cmpuint(told(io), ==, 2);      /* and its own */
        } else {
            RC(inv_devtlb(io, w.set, IMU_INV_SPACE, w.parent, w.bound.gpasid),
               0);
            g_assert_cmpuint(told(io), ==, 1);
        }
        g_assert_true(io_reaches(io, 0, w.hpasid, IO_FS_VA(0), io_pa(io, 30)));
    }
}

/* --- whose the TLB is --------------------------------------------------- */

/* Bound by another set before it forgot: no ATS until it did. */
static void no_ats_until_the_last_owner_s_is_gone(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef a = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef b = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef dev = io_bind(io, a, 0);
    ImuRef space = io_parent(io, b, 0);
    ImXlat x;

    io_attach(io, a, dev, NULL, io_parent(io, a, 0));
    RC(io_ats(io, 0, IO_NO_PASID, 0, IM_READ).status, IM_OK);
    RC(IO(io, DEV_UNBIND, ImuDevUnbind, .set = a, .dev = dev), 0);
    dev = io_bind(io, b, 0);
    io_attach(io, b, dev, NULL, space);
    g_assert_true(io_reaches(io, 0, IO_NO_PASID, 0, io_pa(io, 0)));
    for (unsigned i = 0; i < 2; i++) {
        x = io_ats(io, 0, IO_NO_PASID, 0, IM_READ);
        RC(x.status, IM_FAULT);
        g_assert_cmpstr(im_ioasid_fault_name(x.fault, NULL), ==, "ATS_OFF");
        x = io_translated(io, 0, IO_NO_PASID, io_pa(io, 0), IM_READ);
        RC(x.status, IM_FAULT);
    }
    g_assert_cmpuint(io_complete(io), ==, 1);
    x = io_ats(io, 0, IO_NO_PASID, 0, IM_READ);
    RC(x.status, IM_OK);
    g_assert_cmphex(x.perm, ==, IM_PERM_R);
    RC(io_translated(io, 0, IO_NO_PASID, io_pa(io, 0), IM_READ).status, IM_OK);
}

/* Every tag is the last owner's: what the new one asks for is owed, and its
 * fence waits for it. */
static void a_fence_waits_for_what_is_owed(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef a = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef b = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef dev = io_bind(io, a, 0);
    ImuFence f = { .set = b };

    io_attach(io, a, dev, NULL, io_parent(io, a, 0));
    for (unsigned i = 0; i < 32; i++) {
        RC(io_inv_all(io, a, IMU_INV_SET, io_none(), IMU_CACHE_DEVTLB), 0);
    }
    g_assert_cmpuint(told(io), ==, 32);
    RC(IO(io, DEV_UNBIND, ImuDevUnbind, .set = a, .dev = dev), 0);
    io_attach(io, b, io_bind(io, b, 0), NULL, io_parent(io, b, 0));
    RC(io_inv_all(io, b, IMU_INV_SET, io_none(), IMU_CACHE_DEVTLB), 0);
    g_assert_cmpuint(told(io), ==, 32);
    RC(io_FENCE(io, &f), 0);
    g_assert_cmpuint(f.done, ==, 0);
    /* The first completion makes room. */
    im_ioasid_ats_inv_done(io->h, io_func(0), 1, 1);
    g_assert_cmpuint(told(io), ==, 33);
    RC(io_FENCE(io, &f), 0);
    g_assert_cmpuint(f.done, ==, 0);
    im_ioasid_ats_inv_done(io->h, io_func(0), ~1u, 1);
    RC(io_FENCE(io, &f), 0);
    g_assert_cmpuint(f.done, ==, 0);
    im_ioasid_ats_inv_done(io->h, io_func(0), 1u << message(io, 32).itag, 1);
    RC(io_FENCE(io, &f), 0);
    g_assert_cmpuint(f.done, ==, 1);
}

/* Until it is bound anew: refused whatever is attached. */
static void a_device_that_timed_out(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef dev = io_bind(io, set, 0);
    ImuRef space = io_parent(io, set, 0);

    io_attach(io, set, dev, NULL, space);
    RC(io_ats(io, 0, IO_NO_PASID, 0, IM_READ).status, IM_OK);
    RC(io_inv_all(io, set, IMU_INV_SET, io_none(), IMU_CACHE_DEVTLB), 0);
    rig_advance(io->r, io->cfg.ats_timeout_ns);
    for (unsigned i = 0; i < 2; i++) {
        RC(io_ats(io, 0, IO_NO_PASID, 0, IM_READ).status, IM_FAULT);
        RC(io_translated(io, 0, IO_NO_PASID, io_pa(io, 0), IM_READ).status,
           IM_FAULT);
        g_assert_true(io_reaches(io, 0, IO_NO_PASID, 0, io_pa(io, 0)));
        RC(io_replace(io, set, dev, NULL, space), 0);
    }
    RC(IO(io, DEV_UNBIND, ImuDevUnbind, .set = set, .dev = dev), 0);
    dev = io_bind(io, set, 0);
    io_attach(io, set, dev, NULL, space);
    RC(io_ats(io, 0, IO_NO_PASID, 0, IM_READ).status, IM_OK);
}

/* --- translated requests ------------------------------------------------ */

/* No more than some mapping of the page grants. */
static void translated_requests_have_the_mapping_s_rights(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef dev = io_bind(io, set, 0);
    ImuRef space = io_mapped(io, set, 0, io_none());
    ImuMap m = { .head.flags = IMU_PROT_READ | IMU_MAP_FIXED,
                 .set = set,
                 .space = space,
                 .user = io_at(io, 20),
                 .length = P };

    RC(io_MAP(io, &m), 0);
    io_attach(io, set, dev, NULL, space);
    RC(io_ats(io, 0, IO_NO_PASID, 0, IM_WRITE).perm, IM_PERM_R);
    for (unsigned i = 0; i < 2; i++) {
        RC(io_translated(io, 0, IO_NO_PASID, io_pa(io, 20), IM_WRITE).status,
           IM_FAULT);
        RC(io_translated(io, 0, IO_NO_PASID, io_pa(io, 20), IM_READ).status,
           IM_OK);
    }
}

/* --- attributes --------------------------------------------------------- */

/* A device asks for execution and privilege if it has the capability. */
static void attributes(void)
{
    static const uint32_t caps[] = { 0, IMU_DEV_CAP_EXEC, IMU_DEV_CAP_PRIV };

    for (unsigned i = 0; i < G_N_ELEMENTS(caps); i++) {
        g_autoptr(Io) io = io_new(NULL);
        ImIoasidDevice d = { .func = 0x300,
                             .group = 77,
                             .pasid_bits = 8,
                             .caps = IMU_DEV_CAP_PASID | IMU_DEV_CAP_ATS |
                                     caps[i] };
        ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
        ImuDevBind b = { .set = set, .func = 0x300 };
        ImuPasidAlloc p = io_alloc(io, set);
        ImTxn exec = { .rid = 0x300,
                       .has_pasid = true,
                       .pasid = 1,
                       .len = 8,
                       .access = IM_READ,
                       .exec = true };
        ImTxn priv = exec;

        priv.exec = false;
        priv.priv = true;
        RC(im_ioasid_device_add(io->h, &d), 0);
        RC(io_DEV_BIND(io, &b), 0);
        io_attach(io, set, b.dev, &p.pasid, io_parent(io, set, 0));
        RC(im_ioasid_translate(io->h, &exec).status,
           caps[i] == IMU_DEV_CAP_EXEC ? IM_OK : IM_FAULT);
        RC(im_ioasid_translate(io->h, &priv).status,
           caps[i] == IMU_DEV_CAP_PRIV ? IM_OK : IM_FAULT);
    }
}

/* --- the list ----------------------------------------------------------- */

/* --- tags --------------------------------------------------------------- */

/* A set with a device whose TLB may hold something. */
static ImuRef tagged(Io *io)
{
    ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);

    io_attach(io, set, io_bind(io, set, 0), NULL, io_parent(io, set, 0));
    return set;
}

static void invalidate(Io *io, ImuRef set)
{
    RC(io_inv_all(io, set, IMU_INV_SET, io_none(), IMU_CACHE_DEVTLB), 0);
}

/* As many completions as each of them says, 0 stands for 8. */
static void completions_are_counted(void)
{
    for (unsigned count = 0; count < 8; count++) {
        g_autoptr(Io) io = io_new(NULL);
        ImuRef set = tagged(io);
        unsigned left = count ? count : 8;
        ImuFence f = { .set = set };

        invalidate(io, set);
        RC(io_FENCE(io, &f), 0);
        while (left--) {
            RC(io_FENCE(io, &f), 0);
            g_assert_cmpuint(f.done, ==, 0);
            im_ioasid_ats_inv_done(io->h, io_func(0), 1u << message(io, 0).itag,
                                   count);
        }
        RC(io_FENCE(io, &f), 0);
        g_assert_cmpuint(f.done, ==, 1);
        g_assert_cmpuint(im_ioasid_counters(io->h)->ats_completions, ==, 1);
    }
}

/* A completion that comes twice completes nothing that was sent since. */
static void tags_are_used_in_turn(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set = tagged(io);

    for (unsigned i = 0; i < 64; i++) {
        invalidate(io, set);
        g_assert_cmpuint(message(io, i).itag, ==, i % 32);
        im_ioasid_ats_inv_done(io->h, io_func(0), 1u << i % 32, 1);
    }
}

/* The device, bound anew, may yet complete what timed out. */
static void a_late_tag_is_used_last(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef dev = io_bind(io, set, 0);
    ImuRef space = io_parent(io, set, 0);
    ImuFence f = { .set = set };

    io_attach(io, set, dev, NULL, space);
    invalidate(io, set);
    rig_advance(io->r, IM_IOASID_CONFIG_DEFAULT.ats_timeout_ns);
    RC(IO(io, DEV_UNBIND, ImuDevUnbind, .set = set, .dev = dev), 0);
    io_attach(io, set, io_bind(io, set, 0), NULL, space);
    for (unsigned i = 1; i <= 32; i++) {
        invalidate(io, set);
        g_assert_cmpuint(message(io, i).itag, ==, i % 32);
    }
    im_ioasid_ats_inv_done(io->h, io_func(0), ~1u, 1);
    RC(io_FENCE(io, &f), 0);
    g_assert_cmpuint(f.done, ==, 0);
    im_ioasid_ats_inv_done(io->h, io_func(0), 1, 1);
    RC(io_FENCE(io, &f), 0);
    g_assert_cmpuint(f.done, ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(IOASID_CMD_UNMAP, "tells-device-tlbs-the-range",
              unmap_tells_the_range);
    spec_test(IOASID_CMD_UNMAP, "tells-who-may-know", unmap_tells_who_may_know);
    spec_test(IOASID_INVALIDATION, "the-host-number-is-told",
              the_host_number_is_told);
    spec_test(IOASID_INVALIDATION, "a-device-is-that-device",
              a_device_is_that_device);
    spec_test(IOASID_INVALIDATION, "a-parent-is-its-children",
              a_parent_is_its_children);
    spec_test(IOASID_REQUESTS, "no-ats-until-the-last-owner-s-is-gone",
              no_ats_until_the_last_owner_s_is_gone);
    spec_test(IOASID_CMD_FENCE, "waits-for-what-is-owed",
              a_fence_waits_for_what_is_owed);
    spec_test(IOASID_INVALIDATION, "a-device-that-timed-out",
              a_device_that_timed_out);
    spec_test(IOASID_REQUESTS, "translated-requests-have-the-mapping-s-rights",
              translated_requests_have_the_mapping_s_rights);
    spec_test(IOASID_REQUESTS, "execution-and-privilege", attributes);
    spec_test(IOASID_INVALIDATION, "tags/counted", completions_are_counted);
    spec_test(IOASID_INVALIDATION, "tags/in-turn", tags_are_used_in_turn);
    spec_test(IOASID_INVALIDATION, "tags/late", a_late_tag_is_used_last);
    return g_test_run();
}
