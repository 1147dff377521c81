/*
 * libim-iommufd.so: preloaded, it gives a program a /dev/iommu and VFIO
 * devices that are a server process. The C library's functions that it
 * stands before, each the same as below unless what it is given is ours.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#undef _FORTIFY_SOURCE
#undef _FILE_OFFSET_BITS         /* would make open and open64 one */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shim.h"

#define OURS  __attribute__((visibility("default")))

_Static_assert(sizeof(off_t) == 8, "one function for open and open64");

const Real *real(void)
{
    static Real r;
    static int ready;
    static const struct { const char *name; size_t at; } rows[] = {
        { "openat",     offsetof(Real, openat) },
        { "ioctl",      offsetof(Real, ioctl) },
        { "read",       offsetof(Real, read) },
        { "pread",      offsetof(Real, pread) },
        { "write",      offsetof(Real, write) },
        { "pwrite",     offsetof(Real, pwrite) },
        { "mmap",       offsetof(Real, mmap) },
        { "fopen",      offsetof(Real, fopen) },
        { "opendir",    offsetof(Real, opendir) },
    };

    if (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE)) {
        for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            void *fn = dlsym(RTLD_NEXT, rows[i].name);

            memcpy((char *)&r + rows[i].at, &fn, sizeof(fn));
        }
        __atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
    }
    return &r;
}

static WireRequest request(uint32_t op, uint64_t file, int fd)
{
    return (WireRequest) {
        .magic = WIRE_MAGIC, .op = op, .file = file, .fd = fd,
        .tid = (uint32_t)syscall(SYS_gettid),
    };
}

static int64_t fail(int64_t ret)
{
    errno = (int)-ret;
    return -1;
}

/* --- descriptors that come with a reply ---------------------------------- */

/* The caller's memory, which may not be there: not by a store. */
static bool put_number(uint64_t where, int fd)
{
    struct iovec from = { &fd, sizeof(fd) };
    struct iovec to = { (void *)(uintptr_t)where, sizeof(fd) };

    return where == 0 || syscall(SYS_process_vm_writev, getpid(), &from, 1UL,
                                 &to, 1UL, 0UL) == sizeof(fd);
}

static int64_t installed(const char *session, const WireReply *reply,
                         int *fds)
{
    int64_t value = reply->value;

    for (unsigned i = 0; i < WIRE_FDS; i++) {
        if (i < reply->fds && value >= 0 && fds[i] < 0) {
            value = -EMFILE;    /* it was lost on the way to us */
        } else if (fds[i] >= 0 && value >= 0 &&
                   reply->where[i] == WIRE_RESULT) {
            value = fds[i];
        } else if (fds[i] >= 0 && value >= 0 &&
                   !put_number(reply->where[i], fds[i])) {
            value = -EFAULT;
        }
        if (fds[i] >= 0 && value < 0) {
            close(fds[i]);
        } else if (fds[i] >= 0) {
            WireRequest req = request(WIRE_INSTALLED, reply->file[i],
                                      fds[i]);

            shim_call(session, false, &req, NULL, NULL);
        }
    }
    return value;
}

/* --- opening ------------------------------------------------------------- */

static bool is_device(const char *path)
{
    return strcmp(path, "/dev/iommu") == 0 ||
           strncmp(path, "/dev/vfio/", 10) == 0 || fake_fail_nth(path);
}

/* A descriptor, -1 with errno, or -2: not ours after all. */
static int open_ours(const char *path, int flags)
{
    WireRequest req = request(WIRE_OPEN, 0, -1);
    WireReply reply;
    int fds[WIRE_FDS];
    int64_t ret;

    if (strlen(path) >= sizeof(req.path)) {
        return -2;
    }
    strcpy(req.path, path);
    req.number = (uint64_t)flags;
    ret = shim_call(shim_session(), true, &req, &reply, fds);
    if (ret) {
        return (int)fail(ret);
    }
    if (reply.value == -ENOENT && strcmp(path, "/dev/iommu") != 0) {
        return -2;
    }
    ret = installed(shim_session(), &reply, fds);
    if (ret < 0) {
        return (int)fail(ret);
    }
    if (!(flags & O_CLOEXEC)) {
        fcntl(fds[0], F_SETFD, 0);
    }
    if (flags & O_NONBLOCK) {
        fcntl(fds[0], F_SETFL, O_NONBLOCK);
    }
    return fds[0];
}

static int do_open(int dir, const char *path, int flags, mode_t mode)
{
    char room[4096];

    if (path && path[0] == '/') {
        int fd = is_device(path) ? open_ours(path, flags) : -2;

        if (fd != -2) {
            return fd;
        }
        path = fake_path(path, room, sizeof(room));
    }
    return real()->openat(dir, path, flags, mode);
}

static mode_t mode_of(int flags, va_list args)
{
    bool has = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;

    return has ? (mode_t)va_arg(args, int) : 0;
}

#define OPEN(name)                                                         \
    OURS int name(const char *path, int flags, ...)                        \
    {                                                                      \
        va_list args;                                                      \
        mode_t mode;                                                       \
                                                                           \
        va_start(args, flags);                                             \
        mode = mode_of(flags, args);                                       \
        va_end(args);                                                      \
        return do_open(AT_FDCWD, path, flags, mode);                       \
    }

#define OPENAT(name)                                                       \
    OURS int name(int dir, const char *path, int flags, ...)               \
    {                                                                      \
        va_list args;                                                      \
        mode_t mode;                                                       \
                                                                           \
        va_start(args, flags);                                             \
        mode = mode_of(flags, args);                                       \
        va_end(args);                                                      \
        return do_open(dir, path, flags, mode);                            \
    }

/* Fortified programs call these. */
#define OPEN_2(name)                                                       \
    OURS int name(const char *path, int flags);                            \
    OURS int name(const char *path, int flags)                             \
    {                                                                      \
        return do_open(AT_FDCWD, path, flags, 0);                          \
    }

#define OPENAT_2(name)                                                     \
    OURS int name(int dir, const char *path, int flags);                   \
    OURS int name(int dir, const char *path, int flags)                    \
    {                                                                      \
        return do_open(dir, path, flags, 0);                               \
    }

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
OPEN_2(__open_2)
OPEN_2(__open64_2)
OPENAT_2(__openat_2)
OPENAT_2(__openat64_2)

static FILE *do_fopen(const char *path, const char *mode)
{
    FILE *f = path && mode && mode[0] == 'r' ? fake_status(path) : NULL;

    return f ? f : real()->fopen(path, mode);
}

OURS FILE *fopen(const char *path, const char *mode)
{
    return do_fopen(path, mode);
}

OURS FILE *fopen64(const char *path, const char *mode)
{
    return do_fopen(path, mode);
}

OURS DIR *opendir(const char *path)
{
    char room[4096];

    return real()->opendir(path ? fake_path(path, room, sizeof(room)) : path);
}

/* --- commands ------------------------------------------------------------ */

OURS int ioctl(int fd, unsigned long number, ...)
{
    char session[WIRE_SESSION + 1];
    uint64_t file;
    va_list args;
    void *arg;

    va_start(args, number);
    arg = va_arg(args, void *);
    va_end(args);
    /* Both iommufd and VFIO have this type. */
    file = _IOC_TYPE(number) == ';' ? shim_file(fd, session) : 0;
    if (file) {
        WireRequest req = request(WIRE_IOCTL, file, fd);
        WireReply reply;
        int fds[WIRE_FDS];
        int64_t ret;

        req.number = (uint32_t)number;
        req.arg = (uintptr_t)arg;
        ret = shim_call(session, false, &req, &reply, fds);
        ret = ret ? ret : installed(session, &reply, fds);
        return (int)(ret < 0 ? fail(ret) : ret);
    }
    return real()->ioctl(fd, number, arg);
}

/* --- bytes --------------------------------------------------------------- */

ssize_t shim_transfer(uint32_t op, const char *session, uint64_t file, int fd,
                      const void *buf, size_t len, uint64_t at)
{
    WireRequest req = request(op, file, fd);
    WireReply reply;
    int fds[WIRE_FDS];

    req.arg = (uintptr_t)buf;
    req.number = len;
    req.more = at;
    for (;;) {
        struct pollfd p = { fd, op == WIRE_READ ? POLLIN : POLLOUT, 0 };
        int ret = shim_call(session, false, &req, &reply, fds);

        if (ret) {
            return ret;
        }
        if (!(reply.flags & WIRE_WAIT) ||
            (fcntl(fd, F_GETFL) & O_NONBLOCK)) {
            return (ssize_t)reply.value;
        }
        if (poll(&p, 1, -1) < 0) {
            return -errno;
        }
        if (p.revents & POLLHUP) {
            return -ENODEV;
        }
    }
}

static bool ours(uint32_t op, int fd, const void *buf, size_t len,
                 uint64_t at, ssize_t *ret)
{
    char session[WIRE_SESSION + 1];
    uint64_t file = shim_file(fd, session);

    if (!file) {
        return false;
    }
    *ret = shim_transfer(op, session, file, fd, buf, len, at);
    if (*ret < 0) {
        *ret = fail(*ret);
    }
    return true;
}

OURS ssize_t read(int fd, void *buf, size_t len)
{
    ssize_t ret;

    return ours(WIRE_READ, fd, buf, len, 0, &ret) ? ret
                                                  : real()->read(fd, buf, len);
}

OURS ssize_t write(int fd, const void *buf, size_t len)
{
    ssize_t ret;

    return ours(WIRE_WRITE, fd, buf, len, 0, &ret)
           ? ret : real()->write(fd, buf, len);
}

static ssize_t do_pread(int fd, void *buf, size_t len, off_t at)
{
    ssize_t ret;

    return ours(WIRE_READ, fd, buf, len, (uint64_t)at, &ret)
           ? ret : real()->pread(fd, buf, len, at);
}

static ssize_t do_pwrite(int fd, const void *buf, size_t len, off_t at)
{
    ssize_t ret;

    return ours(WIRE_WRITE, fd, buf, len, (uint64_t)at, &ret)
           ? ret : real()->pwrite(fd, buf, len, at);
}

OURS ssize_t pread(int fd, void *buf, size_t len, off_t at)
{
    return do_pread(fd, buf, len, at);
}

OURS ssize_t pread64(int fd, void *buf, size_t len, off_t at)
{
    return do_pread(fd, buf, len, at);
}

OURS ssize_t pwrite(int fd, const void *buf, size_t len, off_t at)
{
    return do_pwrite(fd, buf, len, at);
}

OURS ssize_t pwrite64(int fd, const void *buf, size_t len, off_t at)
{
    return do_pwrite(fd, buf, len, at);
}

void __chk_fail(void);

OURS ssize_t __read_chk(int fd, void *buf, size_t len, size_t room);
OURS ssize_t __read_chk(int fd, void *buf, size_t len, size_t room)
{
    if (len > room) {
        __chk_fail();
    }
    return read(fd, buf, len);
}

OURS ssize_t __pread_chk(int fd, void *buf, size_t len, off_t at,
                         size_t room);
OURS ssize_t __pread_chk(int fd, void *buf, size_t len, off_t at,
                         size_t room)
{
    if (len > room) {
        __chk_fail();
    }
    return do_pread(fd, buf, len, at);
}

OURS ssize_t __pread64_chk(int fd, void *buf, size_t len, off_t at,
                           size_t room);
OURS ssize_t __pread64_chk(int fd, void *buf, size_t len, off_t at,
                           size_t room)
{
    return __pread_chk(fd, buf, len, at, room);
}

/* --- mappings ------------------------------------------------------------ */

static void *map_ours(const char *session, uint64_t file, void *addr,
                      size_t len, int prot, int flags, int fd, off_t at)
{
    WireRequest req = request(WIRE_MMAP, file, fd);
    WireReply reply;
    int fds[WIRE_FDS];
    void *p = MAP_FAILED;
    int64_t ret;

    req.arg = (uint64_t)at;
    req.number = len;
    req.more = (uint32_t)prot | (uint64_t)(uint32_t)flags << 32;
    ret = shim_call(session, false, &req, &reply, fds);
    ret = ret ? ret : reply.value;
    if (ret >= 0 && fds[0] >= 0) {
        p = real()->mmap(addr, len, prot, flags, fds[0], (off_t)ret);
    } else {
        errno = ret < 0 ? (int)-ret : EMFILE;
    }
    for (unsigned i = 0; i < WIRE_FDS; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    if (ret >= 0) {
        int err = errno;

        req = request(WIRE_MAPPED, file, fd);
        shim_call(session, false, &req, &reply, fds);
        errno = err;
    }
    return p;
}

static void *do_mmap(void *addr, size_t len, int prot, int flags, int fd,
                     off_t at)
{
    char session[WIRE_SESSION + 1];
    uint64_t file = 0;

    if (fd >= 0 && !(flags & MAP_ANONYMOUS)) {
        file = shim_file(fd, session);
    }
    if (file) {
        return map_ours(session, file, addr, len, prot, flags, fd, at);
    }
    return real()->mmap(addr, len, prot, flags, fd, at);
}

OURS void *mmap(void *addr, size_t len, int prot, int flags, int fd,
                off_t at)
{
    return do_mmap(addr, len, prot, flags, fd, at);
}

OURS void *mmap64(void *addr, size_t len, int prot, int flags, int fd,
                  off_t at)
{
    return do_mmap(addr, len, prot, flags, fd, at);
}
