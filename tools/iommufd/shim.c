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
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shim.h"

_Static_assert(sizeof(off_t) == 8, "one function for open and open64");

const Real *real(void)
{
    static Real r;
    static int ready;
    static const struct {
        const char *name;
        size_t at;
    } rows[] = {
        { "openat", offsetof(Real, openat) },
        { "ioctl", offsetof(Real, ioctl) },
        { "read", offsetof(Real, read) },
        { "pread", offsetof(Real, pread) },
        { "write", offsetof(Real, write) },
        { "pwrite", offsetof(Real, pwrite) },
        { "readv", offsetof(Real, readv) },
        { "writev", offsetof(Real, writev) },
        { "preadv", offsetof(Real, preadv) },
        { "pwritev", offsetof(Real, pwritev) },
        { "preadv2", offsetof(Real, preadv2) },
        { "pwritev2", offsetof(Real, pwritev2) },
        { "sendfile", offsetof(Real, sendfile) },
        { "splice", offsetof(Real, splice) },
        { "epoll_ctl", offsetof(Real, epoll_ctl) },
        { "mmap", offsetof(Real, mmap) },
        { "fopen", offsetof(Real, fopen) },
        { "fdopen", offsetof(Real, fdopen) },
        { "fstat", offsetof(Real, fstat) },
        { "fstatat", offsetof(Real, fstatat) },
        { "statx", offsetof(Real, statx) },
        { "vdprintf", offsetof(Real, vdprintf) },
        { "opendir", offsetof(Real, opendir) },
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

WireRequest shim_request(uint32_t op, uint64_t file, int fd)
{
    return (WireRequest) {
        .magic = WIRE_MAGIC,
        .op = op,
        .file = file,
        .fd = fd,
        .tid = (uint32_t)syscall(SYS_gettid),
    };
}

int64_t shim_fail(int64_t ret)
{
    errno = (int)-ret;
    return -1;
}

/* --- descriptors that come with a reply --------------------------------- */

/* The caller's memory, which may not be there: not by a store. */
static bool shim_put_number(uint64_t where, int fd)
{
    struct iovec from = { &fd, sizeof(fd) };
    struct iovec to = { (void *)(uintptr_t)where, sizeof(fd) };

    return where == 0 || syscall(SYS_process_vm_writev, getpid(), &from, 1UL,
                                 &to, 1UL, 0UL) == sizeof(fd);
}

static int64_t shim_installed(const char *session, const WireReply *reply,
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
                   !shim_put_number(reply->where[i], fds[i])) {
            value = -EFAULT;
        }
        if (fds[i] >= 0 && value < 0) {
            close(fds[i]);
        } else if (fds[i] >= 0) {
            WireRequest req = shim_request(WIRE_INSTALLED, reply->file[i],
                                           fds[i]);

            shim_call(session, false, &req, NULL, NULL);
        }
    }
    return value;
}

/* --- opening ------------------------------------------------------------ */

static bool shim_is_device(const char *path)
{
    return strcmp(path, "/dev/iommu") == 0 ||
           strncmp(path, "/dev/vfio/", 10) == 0 || fake_fail_nth(path);
}

/* What open(2) says of a character device for these. */
static int shim_refused(int flags)
{
    static const struct {
        int mask, value, err;
    } rows[] = {
        { O_CREAT | O_DIRECTORY, O_CREAT | O_DIRECTORY, EINVAL },
        { O_TMPFILE | O_ACCMODE, O_TMPFILE | O_RDONLY, EINVAL },
        { O_DIRECTORY, O_DIRECTORY, ENOTDIR },
        { O_CREAT | O_EXCL, O_CREAT | O_EXCL, EEXIST },
        { O_DIRECT, O_DIRECT, EINVAL },
    };

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if ((flags & rows[i].mask) == rows[i].value) {
            return rows[i].err;
        }
    }
    return 0;
}

/* What open() asked for besides a descriptor. */
static int shim_as_asked(int fd, int flags)
{
    int err = flags & O_PATH ? 0 : shim_refused(flags);

    if (err) {
        close(fd);
        errno = err;
        return -1;
    }
    if (flags & O_PATH) {       /* a device that nobody opens */
        close(fd);
        return real()->openat(AT_FDCWD, "/dev/null", flags);
    }
    if (!(flags & O_CLOEXEC)) {
        fcntl(fd, F_SETFD, 0);
    }
    if (flags & O_NONBLOCK) {
        fcntl(fd, F_SETFL, O_NONBLOCK);
    }
    return fd;
}

int shim_open(const char *path, int flags)
{
    WireRequest req = shim_request(WIRE_OPEN, 0, -1);
    WireReply reply;
    int fds[WIRE_FDS];
    int64_t ret;

    if (!shim_is_device(path) || strlen(path) >= sizeof(req.path)) {
        return -2;
    }
    strcpy(req.path, path);
    req.number = (uint64_t)flags;
    ret = shim_call(shim_session(), true, &req, &reply, fds);
    if (ret) {
        return (int)shim_fail(ret);
    }
    if (reply.value == -ENOENT && strcmp(path, "/dev/iommu") != 0) {
        return -2;
    }
    ret = shim_installed(shim_session(), &reply, fds);
    return ret < 0 ? (int)shim_fail(ret) : shim_as_asked(fds[0], flags);
}

static int shim_do_open(int dir, const char *path, int flags, mode_t mode)
{
    char room[4096];

    if (path && path[0] == '/') {
        int fd = shim_open(path, flags);

        if (fd != -2) {
            return fd;
        }
        path = fake_path(path, room, sizeof(room));
    }
    return real()->openat(dir, path, flags, mode);
}

static mode_t shim_mode_of(int flags, va_list args)
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
        mode = shim_mode_of(flags, args);                                 \
        va_end(args);                                                      \
        return shim_do_open(AT_FDCWD, path, flags, mode);                 \
    }

#define OPENAT(name)                                                       \
    OURS int name(int dir, const char *path, int flags, ...)               \
    {                                                                      \
        va_list args;                                                      \
        mode_t mode;                                                       \
                                                                           \
        va_start(args, flags);                                             \
        mode = shim_mode_of(flags, args);                                 \
        va_end(args);                                                      \
        return shim_do_open(dir, path, flags, mode);                      \
    }

/* Fortified programs call these. */
#define OPEN_2(name)                                                       \
    OURS int name(const char *path, int flags);                            \
    OURS int name(const char *path, int flags)                             \
    {                                                                      \
        return shim_do_open(AT_FDCWD, path, flags, 0);                    \
    }

#define OPENAT_2(name)                                                     \
    OURS int name(int dir, const char *path, int flags);                   \
    OURS int name(int dir, const char *path, int flags)                    \
    {                                                                      \
        return shim_do_open(dir, path, flags, 0);                         \
    }

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
OURS int creat(const char *path, mode_t mode)
{
    return shim_do_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

OURS int creat64(const char *path, mode_t mode)
{
    return shim_do_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

OPEN_2(__open_2)
OPEN_2(__open64_2)
OPENAT_2(__openat_2)
OPENAT_2(__openat64_2)

OURS DIR *opendir(const char *path)
{
    char room[4096];

    return real()->opendir(path ? fake_path(path, room, sizeof(room)) : path);
}

/* --- commands ----------------------------------------------------------- */

OURS int ioctl(int fd, unsigned long number, ...)
{
    WireFile file;
    va_list args;
    void *arg;

    va_start(args, number);
    arg = va_arg(args, void *);
    va_end(args);
    /* Both iommufd and VFIO have this type. */
    if (_IOC_TYPE(number) == ';' && wire_file(fd, &file)) {
        WireRequest req = shim_request(WIRE_IOCTL, file.id, fd);
        WireReply reply;
        int fds[WIRE_FDS];
        int64_t ret;

        req.number = (uint32_t)number;
        req.arg = (uintptr_t)arg;
        ret = shim_call(file.session, false, &req, &reply, fds);
        ret = ret ? ret : shim_installed(file.session, &reply, fds);
        return (int)(ret < 0 ? shim_fail(ret) : ret);
    }
    return real()->ioctl(fd, number, arg);
}

/* --- mappings ----------------------------------------------------------- */

static void *shim_map_ours(const WireFile *file, void *addr, size_t len,
                           int prot, int flags, int fd, off_t at)
{
    WireRequest req = shim_request(WIRE_MMAP, file->id, fd);
    WireReply reply;
    int fds[WIRE_FDS];
    void *p = MAP_FAILED;
    int64_t ret;

    req.arg = (uint64_t)at;
    req.number = len;
    req.more = (uint32_t)prot | (uint64_t)(uint32_t)flags << 32;
    ret = shim_call(file->session, false, &req, &reply, fds);
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

        req = shim_request(WIRE_MAPPED, file->id, fd);
        shim_call(file->session, false, &req, &reply, fds);
        errno = err;
    }
    return p;
}

static void *shim_do_mmap(void *addr, size_t len, int prot, int flags, int fd,
                          off_t at)
{
    WireFile file;

    if (fd >= 0 && !(flags & MAP_ANONYMOUS) && wire_file(fd, &file)) {
        return shim_map_ours(&file, addr, len, prot, flags, fd, at);
    }
    return real()->mmap(addr, len, prot, flags, fd, at);
}

OURS void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t at)
{
    return shim_do_mmap(addr, len, prot, flags, fd, at);
}

OURS void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t at)
{
    return shim_do_mmap(addr, len, prot, flags, fd, at);
}
