/*
 * Commands as ioctls: section 19 of docs/uapi.rst.
 *
 * SPDX-License-Identifier: MIT
 */
#include <linux/ioctl.h>

#include "im/im_ioasid_ioctl.h"
#include "lib/io_world.h"
#include "lib/spec.h"

#define RC(got, want)  g_assert_cmpint(got, ==, want)

/* What the kernel makes of type and number. */
static void numbers(void)
{
#define SAME(nr, name, type, last)                                         \
    g_assert_cmphex(IMU_IOC_##name, ==, _IO(IMU_IOC_TYPE, nr));            \
    g_assert_cmphex(_IOC_NR(IMU_IOC_##name), ==, IMU_CMD_##name);          \
    g_assert_cmphex(_IOC_TYPE(IMU_IOC_##name), ==, IMU_IOC_TYPE);          \
    g_assert_cmphex(_IOC_SIZE(IMU_IOC_##name), ==, 0);                     \
    g_assert_cmphex(_IOC_DIR(IMU_IOC_##name), ==, _IOC_NONE);
    IMU_COMMANDS(SAME)
#undef SAME
}

static void obeyed(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuInfo info = { .head.size = sizeof(info), .kind = IMU_KIND_SET };
    uint64_t arg = io_at(io, IO_ARG_PAGE);

    io_put(io, arg, &info, sizeof(info));
    RC(im_ioasid_ioctl(io->ctx, IMU_IOC_INFO, arg), 0);
    io_get(io, arg, &info, sizeof(info));
    g_assert_cmpuint(info.limit, ==, IMU_OBJECTS_MAX);
    RC(im_ioasid_ioctl(io->ctx, IMU_CMD_INFO, arg), -ENOTTY);
    RC(im_ioasid_ioctl(io->ctx, IMU_IOC_INFO ^ 0x100, arg), -ENOTTY);
    RC(im_ioasid_ioctl(io->ctx, _IOR(IMU_IOC_TYPE, 0, ImuInfo), arg), -ENOTTY);
    RC(im_ioasid_ioctl(io->ctx, IMU_IOCTL(0x0f), arg), -ENOTTY);
}

/* Readable as long as something is unread in some queue of some set. */
static void polled(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuEvent e[8];
    ImuRef evq;
    IoWorld w;

    g_assert_false(im_ioasid_poll(io->ctx));
    io_world_init(&w, io, 0);
    g_assert_true(im_ioasid_poll(io->ctx));
    evq = w.evq;
    RC(IO(io, DETACH, ImuDetach, .head.flags = IMU_ATTACH_PASID, .set = w.set,
          .dev = w.dev, .pasid = w.bound.pasid),
       0);
    g_assert_true(im_ioasid_poll(io->ctx));     /* an event */
    while (io_events(io, w.set, evq, e, 8)) {
    }
    g_assert_false(im_ioasid_poll(io->ctx));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(IOASID_TRANSPORT, "numbers-are-the-kernel's", numbers);
    spec_test(IOASID_TRANSPORT, "obeyed", obeyed);
    spec_test(IOASID_TRANSPORT, "poll", polled);
    return g_test_run();
}
