/*
 * The preloaded library: reading, writing and moving bytes, each function the
 * same as below unless the descriptor is ours.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#undef _FORTIFY_SOURCE
#undef _FILE_OFFSET_BITS         /* would make pread and pread64 one */
#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "shim.h"

/* False: not ours. */
static bool shim_bytes_ours(uint32_t op, int fd, const void *buf, size_t n,
                            uint64_t at, uint32_t flags, ssize_t *ret)
{
    WireRequest req;
    WireReply reply;
    int fds[WIRE_FDS];
    WireFile file;
    int64_t value;

    if (!wire_file(fd, &file)) {
        return false;
    }
    req = shim_request(op, file.id, fd);
    req.arg = (uintptr_t)buf;
    req.number = n;
    req.more = at;
    req.flags = flags;
    value = shim_call(file.session, false, &req, &reply, fds);
    value = value ? value : reply.value;
    *ret = (ssize_t)(value < 0 ? shim_fail(value) : value);
    return true;
}

/* An offset that is not the file's own. */
static bool shim_bytes_ours_at(uint32_t op, int fd, const void *buf, size_t n,
                               off_t at, ssize_t *ret)
{
    WireFile file;

    if (at >= 0) {
        return shim_bytes_ours(op, fd, buf, n, (uint64_t)at, 0, ret);
    }
    *ret = -1;
    errno = EINVAL;
    return wire_file(fd, &file);
}

/* --- one buffer --------------------------------------------------------- */

OURS ssize_t read(int fd, void *buf, size_t len)
{
    ssize_t ret;

    return shim_bytes_ours(WIRE_READ, fd, buf, len, WIRE_HERE, 0, &ret) ?
               ret :
               real()->read(fd, buf, len);
}

OURS ssize_t write(int fd, const void *buf, size_t len)
{
    ssize_t ret;

    return shim_bytes_ours(WIRE_WRITE, fd, buf, len, WIRE_HERE, 0, &ret) ?
               ret :
               real()->write(fd, buf, len);
}

OURS ssize_t pread(int fd, void *buf, size_t len, off_t at)
{
    ssize_t ret;

    return shim_bytes_ours_at(WIRE_READ, fd, buf, len, at, &ret) ?
               ret :
               real()->pread(fd, buf, len, at);
}

OURS ssize_t pread64(int fd, void *buf, size_t len, off_t at)
{
    return pread(fd, buf, len, at);
}

OURS ssize_t pwrite(int fd, const void *buf, size_t len, off_t at)
{
    ssize_t ret;

    return shim_bytes_ours_at(WIRE_WRITE, fd, buf, len, at, &ret) ?
               ret :
               real()->pwrite(fd, buf, len, at);
}

OURS ssize_t pwrite64(int fd, const void *buf, size_t len, off_t at)
{
    return pwrite(fd, buf, len, at);
}

/* Fortified programs call these. */
void __chk_fail(void);

OURS ssize_t __read_chk(int fd, void *buf, size_t len, size_t room);
OURS ssize_t __read_chk(int fd, void *buf, size_t len, size_t room)
{
    if (len > room) {
        __chk_fail();
    }
    return read(fd, buf, len);
}

OURS ssize_t __pread_chk(int fd, void *buf, size_t len, off_t at, size_t room);
OURS ssize_t __pread_chk(int fd, void *buf, size_t len, off_t at, size_t room)
{
    if (len > room) {
        __chk_fail();
    }
    return pread(fd, buf, len, at);
}

OURS ssize_t __pread64_chk(int fd, void *buf, size_t len, off_t at,
                           size_t room);
OURS ssize_t __pread64_chk(int fd, void *buf, size_t len, off_t at, size_t room)
{
    return __pread_chk(fd, buf, len, at, room);
}

/* --- several ------------------------------------------------------------ */

OURS ssize_t readv(int fd, const struct iovec *iov, int n)
{
    ssize_t ret;

    return shim_bytes_ours(WIRE_READV, fd, iov, (size_t)n, WIRE_HERE, 0, &ret) ?
               ret :
               real()->readv(fd, iov, n);
}

OURS ssize_t writev(int fd, const struct iovec *iov, int n)
{
    ssize_t ret;

    return shim_bytes_ours(WIRE_WRITEV, fd, iov, (size_t)n, WIRE_HERE, 0,
                           &ret) ?
               ret :
               real()->writev(fd, iov, n);
}

OURS ssize_t preadv(int fd, const struct iovec *iov, int n, off_t at)
{
    ssize_t ret;

    return shim_bytes_ours_at(WIRE_READV, fd, iov, (size_t)n, at, &ret) ?
               ret :
               real()->preadv(fd, iov, n, at);
}

OURS ssize_t preadv64(int fd, const struct iovec *iov, int n, off_t at)
{
    return preadv(fd, iov, n, at);
}

OURS ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
    ssize_t ret;

    return shim_bytes_ours_at(WIRE_WRITEV, fd, iov, (size_t)n, at, &ret) ?
               ret :
               real()->pwritev(fd, iov, n, at);
}

OURS ssize_t pwritev64(int fd, const struct iovec *iov, int n, off_t at)
{
    return pwritev(fd, iov, n, at);
}

/* Here -1 is the file's own offset: WIRE_HERE. */
static bool shim_bytes_ours_flags(uint32_t op, int fd, const struct iovec *iov,
                                  int n, off_t at, int flags, ssize_t *ret)
{
    return at < -1 ? shim_bytes_ours_at(op, fd, iov, (size_t)n, at, ret) :
                     shim_bytes_ours(op, fd, iov, (size_t)n, (uint64_t)at,
                                     (uint32_t)flags, ret);
}

OURS ssize_t preadv2(int fd, const struct iovec *iov, int n, off_t at,
                     int flags)
{
    ssize_t ret;

    return shim_bytes_ours_flags(WIRE_READV, fd, iov, n, at, flags, &ret) ?
               ret :
               real()->preadv2(fd, iov, n, at, flags);
}

OURS ssize_t preadv64v2(int fd, const struct iovec *iov, int n, off_t at,
                        int flags)
{
    return preadv2(fd, iov, n, at, flags);
}

OURS ssize_t pwritev2(int fd, const struct iovec *iov, int n, off_t at,
                      int flags)
{
    ssize_t ret;

    return shim_bytes_ours_flags(WIRE_WRITEV, fd, iov, n, at, flags, &ret) ?
               ret :
               real()->pwritev2(fd, iov, n, at, flags);
}

OURS ssize_t pwritev64v2(int fd, const struct iovec *iov, int n, off_t at,
                         int flags)
{
    return pwritev2(fd, iov, n, at, flags);
}

/* --- what Linux has not for files like these ---------------------------- */

static bool shim_bytes_is_ours(int fd)
{
    WireFile file;

    return wire_file(fd, &file);
}

OURS ssize_t sendfile(int out, int in, off_t *at, size_t len)
{
    WireFile file;

    if (wire_file(in, &file) || shim_bytes_is_ours(out)) {
        /* Queues, which poll, have no offsets. */
        errno = at && shim_bytes_is_ours(in) && file.polls ? ESPIPE : EINVAL;
        return -1;
    }
    return real()->sendfile(out, in, at, len);
}

OURS ssize_t sendfile64(int out, int in, off_t *at, size_t len)
{
    return sendfile(out, in, at, len);
}

OURS ssize_t splice(int in, off64_t *in_at, int out, off64_t *out_at,
                    size_t len, unsigned flags)
{
    if (shim_bytes_is_ours(in) || shim_bytes_is_ours(out)) {
        errno = EINVAL;
        return -1;
    }
    return real()->splice(in, in_at, out, out_at, len, flags);
}

OURS int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    WireFile file;

    if (wire_file(fd, &file) && !file.polls) {
        errno = EPERM;
        return -1;
    }
    return real()->epoll_ctl(epfd, op, fd, event);
}
