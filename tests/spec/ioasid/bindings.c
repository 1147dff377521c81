/*
 * Devices, bindings and requests: sections 4.9 to 4.11, 4.21 to 4.23 and 7
 * of docs/uapi.rst.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/io_world.h"
#include "lib/spec.h"
#include "lib/vtd_build.h"

#define RC(got, want)  g_assert_cmpint(got, ==, want)
#define P  IO_PAGE
#define DATA_PA(io)  io_pa(io, IO_WORLD_DATA)

static void refused(const ImXlat *x)
{
    RC(x->status, IM_FAULT);
    RC(x->cpl, IM_CPL_UR);
}

/* --- DEV_BIND, DEV_UNBIND, DEV_INFO ------------------------------------- */

static void bind_errors(void)
{
    static const uint32_t none[] = { 0, 0x11, 0xffff, 0x10010, UINT32_MAX };
    g_autoptr(Io) io = io_new(NULL);
    ImIoasidCtx *first = io->ctx;
    ImuRef s = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef t = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef u;

#define BIND(set_, func_) \
    IO(io, DEV_BIND, ImuDevBind, .set = set_, .func = func_)

    for (unsigned i = 0; i < G_N_ELEMENTS(none); i++) {
        RC(BIND(s, none[i]), -ENODEV);
    }
    RC(BIND(s, io_func(0)), 0);
    RC(BIND(s, io_func(0)), -EBUSY);
    RC(BIND(t, io_func(0)), -EBUSY);
    RC(BIND(s, io_func(2)), 0);
    RC(BIND(t, io_func(3)), -EBUSY);    /* of one group */
    io_open(io, 0);
    u = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    RC(BIND(u, io_func(0)), -ENODEV);   /* another opener's: not there */
    RC(BIND(u, io_func(3)), -ENODEV);
    RC(BIND(u, io_func(1)), 0);
    io_use(io, first);
    RC(BIND(s, io_func(3)), 0);
    RC(BIND(s, io_func(1)), -ENODEV);
}

static void unbind(void)
{
    g_autoptr(Io) io = io_new(NULL);
    IoWorld w;

    io_world_init(&w, io, 0);
    rig_log_clear(io->r);
    g_assert_true(io_reaches(io, 0, IO_NO_PASID, 0, io_pa(io, 0)));
    g_assert_true(io_reaches(io, 0, w.hpasid, IO_FS_VA(0), DATA_PA(io)));
    RC(IO(io, DEV_UNBIND, ImuDevUnbind, .set = w.set, .dev = w.dev), 0);
    RC(IO(io, DEV_UNBIND, ImuDevUnbind, .set = w.set, .dev = w.dev), -ENOENT);
    g_assert_cmpuint(rig_count(io->r, RIG_SEEN_PAGE_RESP), ==, 2);
    RC(io_state(io, w.set, w.bound.pasid), IMU_PASID_IDLE);
    {
        ImXlat x = io_dma(io, 0, IO_NO_PASID, 0, IM_READ);

        refused(&x);
        x = io_dma(io, 0, w.hpasid, IO_FS_VA(0), IM_READ);
        refused(&x);
    }
    w.dev = io_bind(io, w.set, 0);
    g_assert_false(io_reaches(io, 0, IO_NO_PASID, 0, io_pa(io, 0)));
    io_attach(io, w.set, w.dev, &w.bound.pasid, w.nested);
    g_assert_true(io_reaches(io, 0, w.hpasid, IO_FS_VA(0), DATA_PA(io)));
}

static void dev_info(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef s = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);

    for (unsigned n = 0; n < IO_FUNCS; n++) {
        ImuDevInfo i = { .set = s, .dev = io_bind(io, s, n) };

        RC(io_DEV_INFO(io, &i), 0);
        g_assert_cmphex(i.caps, ==, n == 4 ? 0 : 31);
        g_assert_cmpuint(i.pasid_bits, ==, n == 4 ? 0 : n == 5 ? 2 : 16);
        g_assert_cmpuint(i.pri_credit, ==, n == 4 ? 0 : 4);
        g_assert_cmphex(i.page_sizes >> 12 & 1, ==, 1);
        g_assert_cmphex(i.page_sizes & 0xfff, ==, 0);
        g_assert_cmphex(i.formats & ~UINT64_C(6), ==, 0);
        if (n != 4) {
            g_assert_cmphex(i.formats, ==,
                            1u << IMU_FORMAT_VTD_FIRST |
                                1u << IMU_FORMAT_SMMU_STE);
        }
    }
}

/* --- ATTACH, REPLACE, DETACH -------------------------------------------- */

static void attach_errors(void)
{
    g_autoptr(Io) io = io_new(NULL);
    IoWorld w;
    ImuRef plain;
    ImuRef none = { 0, 0 };

    io_world_init(&w, io, 0);
    plain = io_bind(io, w.set, 4);
    /* The PASID without its flag. */
    RC(IO(io, ATTACH, ImuAttach, .set = w.set, .dev = w.idle_dev,
          .pasid = w.idle.pasid, .space = w.parent),
       -EINVAL);
    RC(IO(io, REPLACE, ImuReplace, .set = w.set, .dev = w.dev,
          .pasid = w.idle.pasid, .space = w.parent),
       -EINVAL);
    RC(IO(io, DETACH, ImuDetach, .set = w.set, .dev = w.dev,
          .pasid = w.idle.pasid),
       -EINVAL);
    /* A device that has no PASID. */
    RC(io_attach_rc(io, w.set, plain, &w.idle.pasid, w.parent, 0), -EOPNOTSUPP);
    RC(io_attach_rc(io, w.set, plain, NULL, w.parent, 0), 0);
    /* Twice, whatever the space. */
    RC(io_attach_rc(io, w.set, w.dev, NULL, w.parent, 0), -EBUSY);
    RC(io_attach_rc(io, w.set, w.dev, NULL, w.block, 0), -EBUSY);
    RC(io_attach_rc(io, w.set, w.dev, &w.bound.pasid, w.nested, 0), -EBUSY);
    RC(io_attach_rc(io, w.set, w.dev, &w.bound.pasid, w.parent, 0), -EBUSY);
    /* What is not there. */
    RC(io_attach_rc(io, w.set, w.dev, &none, w.parent, 0), -ENOENT);
    RC(io_replace(io, w.set, w.idle_dev, NULL, w.parent), -ENOENT);
    RC(io_replace(io, w.set, w.dev, &w.idle.pasid, w.parent), -ENOENT);
    RC(io_detach(io, w.set, w.idle_dev, NULL), -ENOENT);
    RC(io_detach(io, w.set, w.dev, &w.idle.pasid), -ENOENT);
    /* DETACH has no NO_ATS. */
    RC(IO(io, DETACH, ImuDetach, .head.flags = IMU_ATTACH_NO_ATS, .set = w.set,
          .dev = w.dev),
       -EOPNOTSUPP);
}

static void attach_kinds(void)
{
    g_autoptr(Io) io = io_new(NULL);
    IoWorld w;

    io_world_init(&w, io, 0);
    io_attach(io, w.set, w.idle_dev, &w.idle.pasid, w.block);
    RC(io_replace(io, w.set, w.idle_dev, &w.idle.pasid, w.nested), 0);
    RC(io_replace(io, w.set, w.idle_dev, &w.idle.pasid, w.parent), 0);
    g_assert_true(io_reaches(io, 1, io_hpasid(io, w.set, w.idle.pasid), 5 * P,
                             io_pa(io, 5)));
    /* Without a PASID, all of them as well. */
    io_attach(io, w.set, w.idle_dev, NULL, w.nested);
    g_assert_true(io_reaches(io, 1, IO_NO_PASID, IO_FS_VA(0), DATA_PA(io)));
    RC(io_replace(io, w.set, w.idle_dev, NULL, w.block), 0);
    g_assert_false(io_reaches(io, 1, IO_NO_PASID, IO_FS_VA(0), DATA_PA(io)));
}

/* A guest's PASID table: for a device as a whole, in a delegated set. */
static void attach_table(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef s = io_set(io, IMU_MODE_DELEGATED, IMU_POOL_DEVICE);
    ImuRef parent = io_parent(io, s, 0);
    ImuRef dev = io_bind(io, s, 0);
    uint64_t buf = io_at(io, IO_WORLD_BUF);
    ImuSmmuSte ste = {
        .ste = { 1 | UINT64_C(5) << 1 | 8 * P | UINT64_C(4) << 59 },
    };
    ImuSpaceCreate c = { .set = s,
                         .kind = IMU_SPACE_PASID_TABLE,
                         .format = IMU_FORMAT_SMMU_STE,
                         .parent = parent,
                         .data = buf,
                         .data_size = sizeof(ste) };

    io_put(io, buf, &ste, sizeof(ste));
    RC(io_SPACE_CREATE(io, &c), 0);
    RC(io_attach_rc(io, s, dev, NULL, c.space, 0), 0);
    RC(IO(io, SPACE_DESTROY, ImuSpaceDestroy, .set = s, .space = c.space),
       -EBUSY);
    {
        /* An empty table grants nothing, whatever the SubstreamID. */
        static const uint32_t ssid[] = { IO_NO_PASID, 0, 1, 15, 16, 0xfffff };

        for (unsigned i = 0; i < G_N_ELEMENTS(ssid); i++) {
            RC(io_dma(io, 0, ssid[i], 0, IM_READ).status, IM_FAULT);
        }
    }
    RC(io_detach(io, s, dev, NULL), 0);
}

/* In an IDENTITY set a device has a guest's table or PASIDs, never both. */
static void attach_table_or_pasids(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef s = io_set(io, IMU_MODE_IDENTITY, IMU_POOL_DEVICE);
    ImuRef parent = io_parent(io, s, 0);
    ImuRef dev = io_bind(io, s, 0);
    ImuRef pasid = io_alloc(io, s).pasid;
    uint64_t buf = io_at(io, IO_WORLD_BUF);
    ImuSmmuSte ste = {
        .ste = { 1 | UINT64_C(5) << 1 | 8 * P | UINT64_C(4) << 59 },
    };
    ImuSpaceCreate c = { .set = s,
                         .kind = IMU_SPACE_PASID_TABLE,
                         .format = IMU_FORMAT_SMMU_STE,
                         .parent = parent,
                         .data = buf,
                         .data_size = sizeof(ste) };

    io_put(io, buf, &ste, sizeof(ste));
    RC(io_SPACE_CREATE(io, &c), 0);
    io_attach(io, s, dev, NULL, c.space);
    RC(io_attach_rc(io, s, dev, &pasid, parent, 0), -EBUSY);
    RC(io_replace(io, s, dev, NULL, parent), 0);
    io_attach(io, s, dev, &pasid, parent);
    RC(io_replace(io, s, dev, NULL, c.space), -EBUSY);
    RC(io_detach(io, s, dev, NULL), 0);
    RC(io_attach_rc(io, s, dev, NULL, c.space, 0), -EBUSY);
    RC(io_detach(io, s, dev, &pasid), 0);
    RC(io_attach_rc(io, s, dev, NULL, c.space, 0), 0);
}

static void replace(void)
{
    g_autoptr(Io) io = io_new(NULL);
    IoWorld w;

    io_world_init(&w, io, 0);
    g_assert_true(io_reaches(io, 0, w.hpasid, IO_FS_VA(0), DATA_PA(io)));
    io_ats(io, 0, w.hpasid, IO_FS_VA(0), IM_READ);
    rig_log_clear(io->r);
    RC(io_replace(io, w.set, w.dev, &w.bound.pasid, w.parent), 0);
    /* Its faults are answered, what was cached is gone. */
    g_assert_cmpuint(rig_count(io->r, RIG_SEEN_PAGE_RESP), ==, 2);
    RC(rig_seen(io->r, RIG_SEEN_PAGE_RESP, 0)->resp.code, IM_PAGE_RESP_INVALID);
    g_assert_cmpuint(rig_count(io->r, RIG_SEEN_ATS_INV), >=, 1);
    g_assert_false(io_reaches(io, 0, w.hpasid, IO_FS_VA(0), DATA_PA(io)));
    g_assert_true(io_reaches(io, 0, w.hpasid, 5 * P, io_pa(io, 5)));
    RC(io_hpasid(io, w.set, w.bound.pasid), (int)w.hpasid);
    /* The same space again. */
    RC(io_replace(io, w.set, w.dev, &w.bound.pasid, w.parent), 0);
    g_assert_true(io_reaches(io, 0, w.hpasid, 5 * P, io_pa(io, 5)));
}

/* On error the old one stays. */
static void replace_fails(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef msi, gone = { 77, 77 };
    IoWorld w;

    io_world_init(&w, io, 0);
    msi = io_mapped(io, w.set, 0, io_none());
    io_map(io, w.set, msi, 0, 1, 0xfee00000);
    g_assert_true(io_reaches(io, 0, w.hpasid, IO_FS_VA(0), DATA_PA(io)));
    rig_log_clear(io->r);
    RC(io_replace(io, w.set, w.dev, &w.bound.pasid, msi), -EADDRINUSE);
    RC(io_replace(io, w.set, w.dev, &w.bound.pasid, gone), -ENOENT);
    g_assert_cmpuint(io->r->log->len, ==, 0);
    g_assert_true(io_reaches(io, 0, w.hpasid, IO_FS_VA(0), DATA_PA(io)));
}

static void detach(void)
{
    g_autoptr(Io) io = io_new(NULL);
    IoWorld w;

    io_world_init(&w, io, 0);
    g_assert_cmphex(io_ats(io, 0, w.hpasid, IO_FS_VA(0), IM_READ).perm, !=, 0);
    rig_log_clear(io->r);
    RC(io_detach(io, w.set, w.dev, &w.bound.pasid), 0);
    g_assert_cmpuint(rig_count(io->r, RIG_SEEN_PAGE_RESP), ==, 2);
    g_assert_cmpuint(rig_count(io->r, RIG_SEEN_ATS_INV), >=, 1);
    {
        ImXlat x = io_dma(io, 0, w.hpasid, IO_FS_VA(0), IM_READ);

        refused(&x);
        x = io_translated(io, 0, w.hpasid, DATA_PA(io), IM_READ);
        refused(&x);
    }
    g_assert_true(io_reaches(io, 0, IO_NO_PASID, 0, io_pa(io, 0)));
    RC(io_detach(io, w.set, w.dev, &w.bound.pasid), -ENOENT);
    RC(io_detach(io, w.set, w.dev, NULL), 0);
    g_assert_false(io_reaches(io, 0, IO_NO_PASID, 0, io_pa(io, 0)));
}

/* --- requests ----------------------------------------------------------- */

static void requests(void)
{
    g_autoptr(Io) io = io_new(NULL);
    IoWorld w;
    ImXlat x;

    io_world_init(&w, io, 0);
    io_fs_map(io, IO_WORLD_FS, IO_FS_VA(1), 41 * P, FS_P | FS_US);
    x = io_dma(io, 0, w.hpasid, IO_FS_VA(0) + 16, IM_WRITE);
    RC(x.status, IM_OK);
    g_assert_cmphex(x.addr, ==, DATA_PA(io) + 16);
    x = io_dma(io, 0, w.hpasid, IO_FS_VA(1), IM_READ);
    RC(x.status, IM_OK);
    x = io_dma(io, 0, w.hpasid, IO_FS_VA(1), IM_WRITE);
    refused(&x);
    x = io_dma(io, 0, w.hpasid, IO_FS_VA(2), IM_READ);
    refused(&x);
    g_assert_cmpuint(x.fault, !=, 0);
    g_assert_nonnull(im_ioasid_fault_name(x.fault, NULL));
    x = io_dma(io, 0, w.hpasid + 1, IO_FS_VA(0), IM_READ);
    refused(&x);
    x = io_dma(io, 0, IM_PASID_MAX, IO_FS_VA(0), IM_READ);
    refused(&x);
    x = io_dma(io, 0, UINT32_MAX - 1, IO_FS_VA(0), IM_READ);
    refused(&x);
    x = io_dma(io, 1, w.hpasid, IO_FS_VA(0), IM_READ);
    refused(&x);
    x = io_dma(io, 9, w.hpasid, IO_FS_VA(0), IM_READ);  /* no function */
    refused(&x);
    /* A table that points outside the parent. */
    io_fs_map(io, IO_WORLD_FS, IO_FS_VA(3), 0x100000, FS_RWU);
    x = io_dma(io, 0, w.hpasid, IO_FS_VA(3), IM_READ);
    refused(&x);
}

static void translation_requests(void)
{
    g_autoptr(Io) io = io_new(NULL);
    IoWorld w;
    ImXlat x;

    io_world_init(&w, io, 0);
    x = io_ats(io, 0, w.hpasid, IO_FS_VA(0), IM_WRITE);
    RC(x.status, IM_OK);
    g_assert_cmphex(x.perm & 3, ==, 3);
    g_assert_cmphex(x.addr & ~(uint64_t)(P - 1), ==, DATA_PA(io));
    x = io_ats(io, 0, w.hpasid, IO_FS_VA(2), IM_READ);
    RC(x.status, IM_OK);
    g_assert_cmphex(x.perm, ==, 0);
    x = io_translated(io, 0, w.hpasid, DATA_PA(io), IM_WRITE);
    RC(x.status, IM_OK);
    g_assert_cmphex(x.addr, ==, DATA_PA(io));
    /* What no space of the binding can reach. */
    x = io_translated(io, 0, w.hpasid, io_pa(io, IO_ARG_PAGE), IM_READ);
    refused(&x);
    x = io_translated(io, 0, w.hpasid, 0, IM_READ);
    refused(&x);
    io_attach(io, w.set, w.idle_dev, NULL, w.parent);
    RC(io_detach(io, w.set, w.idle_dev, NULL), 0);
    RC(io_attach_rc(io, w.set, w.idle_dev, NULL, w.parent, IMU_ATTACH_NO_ATS),
       0);
    x = io_ats(io, 1, IO_NO_PASID, 0, IM_READ);
    refused(&x);
    x = io_translated(io, 1, IO_NO_PASID, io_pa(io, 0), IM_READ);
    refused(&x);
    g_assert_true(io_reaches(io, 1, IO_NO_PASID, 0, io_pa(io, 0)));
    {
        ImuRef plain = io_bind(io, w.set, 4);

        io_attach(io, w.set, plain, NULL, w.parent);
        x = io_ats(io, 4, IO_NO_PASID, 0, IM_READ);
        refused(&x);
        g_assert_true(io_reaches(io, 4, IO_NO_PASID, 0, io_pa(io, 0)));
    }
}

/* --- the list ----------------------------------------------------------- */

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(IOASID_CMD_DEV_BIND, "whose-a-function-is", bind_errors);
    spec_test(IOASID_CMD_DEV_UNBIND, "always", unbind);
    spec_test(IOASID_CMD_DEV_INFO, "capabilities", dev_info);
    spec_test(IOASID_CMD_ATTACH, "errors", attach_errors);
    spec_test(IOASID_CMD_ATTACH, "kinds-of-spaces", attach_kinds);
    spec_test(IOASID_CMD_ATTACH, "guest-owned-table", attach_table);
    spec_test(IOASID_CMD_ATTACH, "guest-owned-table-or-pasids",
              attach_table_or_pasids);
    spec_test(IOASID_CMD_REPLACE, "drops-what-was", replace);
    spec_test(IOASID_CMD_REPLACE, "the-old-one-stays-on-error", replace_fails);
    spec_test(IOASID_CMD_DETACH, "ends-access", detach);
    spec_test(IOASID_REQUESTS, "untranslated", requests);
    spec_test(IOASID_REQUESTS, "translation-and-translated",
              translation_requests);
    return g_test_run();
}
