/*
 * Every call that takes a descriptor, on each kind of descriptor: the rows are
 * those of the table in docs/iommufd.rst, and what they want is what Linux
 * answers. "--table" prints them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "own.h"

enum { IOMMU, FAULTS, EVENTS, DEVICE, KINDS };

#define WORKS    INT64_MAX              /* a result that is not negative */
#define IN_OUT   (POLLIN | POLLOUT)
#define FAULT    40u                    /* bytes of one */
#define PAGES    16u

typedef struct {
    uint32_t size, flags, type, dev, hwpt, id, len, reserved;
    uint64_t data;
} ViommuAlloc;
typedef struct {
    uint32_t size, flags, viommu, type, depth, id;
    int32_t fd;
    uint32_t reserved;
} VeventqAlloc;
#define VIOMMU_ALLOC   IOC(0x90)
#define VEVENTQ_ALLOC  IOC(0x93)

typedef struct Rig {
    int fd[KINDS];
    char *memory;               /* PAGES, at addresses 0 and on */
} Rig;

static int event_queue(int fd, uint32_t dev, uint32_t ioas)
{
    HwptAlloc h = { .size = sizeof(h), .flags = 1, .dev = dev, .pt = ioas };
    ViommuAlloc v = { .size = sizeof(v), .type = 1, .dev = dev };
    VeventqAlloc q = { .size = sizeof(q), .type = 1, .depth = 4 };

    CHECK(ioctl(fd, HWPT_ALLOC, &h) == 0);
    v.hwpt = h.hwpt;
    CHECK(ioctl(fd, VIOMMU_ALLOC, &v) == 0);
    q.viommu = v.id;
    CHECK(ioctl(fd, VEVENTQ_ALLOC, &q) == 0);
    return q.fd;
}

static Rig rig(void)
{
    FaultAlloc f = { .size = sizeof(f) };
    Attach a = { .argsz = sizeof(a) };
    Rig r = { .memory = own_pages(PAGES * PAGE) };
    uint32_t dev;

    r.fd[IOMMU] = own_open();
    r.fd[DEVICE] = own_device(r.fd[IOMMU], &dev);
    a.pt = own_ioas(r.fd[IOMMU]);
    own_map(r.fd[IOMMU], a.pt, r.memory, PAGES * PAGE, 0);
    CHECK(ioctl(r.fd[IOMMU], FAULT_ALLOC, &f) == 0);
    r.fd[FAULTS] = f.fd;
    r.fd[EVENTS] = event_queue(r.fd[IOMMU], dev, a.pt);
    CHECK(ioctl(r.fd[DEVICE], VFIO_ATTACH, &a) == 0);
    return r;
}

/* --- the calls ---------------------------------------------------------- */

static char bytes[2 * FAULT];
static struct iovec two[2] = { { bytes, FAULT }, { bytes + FAULT, FAULT } };
static struct iovec words[2] = { { bytes, 8 }, { bytes + 8, 8 } };

static int64_t do_read(int fd)
{
    return read(fd, bytes, sizeof(bytes));
}
static int64_t do_readv(int fd)
{
    return readv(fd, two, 2);
}
static int64_t do_pread(int fd)
{
    return pread(fd, bytes, FAULT, 0);
}
static int64_t do_preadv(int fd)
{
    return preadv(fd, two, 2, 0);
}
static int64_t do_preadv2(int fd)
{
    return preadv2(fd, two, 2, -1, 0);
}
static int64_t do_nowait(int fd)
{
    return preadv2(fd, two, 2, -1, RWF_NOWAIT);
}

static int64_t do_write(int fd)
{
    return write(fd, bytes, 8);
}
static int64_t do_writev(int fd)
{
    return writev(fd, words, 2);
}
static int64_t do_pwrite(int fd)
{
    return pwrite(fd, bytes, 8, 0);
}
static int64_t do_pwritev(int fd)
{
    return pwritev(fd, words, 2, 0);
}
static int64_t do_pwritev2(int fd)
{
    return pwritev2(fd, words, 2, -1, 0);
}
static int64_t before_0(int fd)
{
    return pread(fd, bytes, FAULT, -1);
}

static int64_t too_many(int fd)
{
    static const struct iovec none[1025];

    return readv(fd, none, 1025);
}

static int64_t wild_buffers(int fd)
{
    const struct iovec *volatile wild = own_wild();

    return readv(fd, wild, 2);
}

static int64_t do_fread(int fd)
{
    FILE *f = fdopen(dup(fd), "r");
    size_t n = fread(bytes, 1, sizeof(bytes), f);
    int64_t ret = ferror(f) ? -1 : (int64_t)n;
    int err = errno;

    CHECK(fileno(f) > fd);
    fclose(f);
    errno = err;
    return ret;
}

static int64_t do_fwrite(int fd)
{
    FILE *f = fdopen(dup(fd), "r+");
    int64_t ret;

    CHECK(fwrite(bytes, 1, 8, f) == 8);
    errno = 0;
    ret = fflush(f);
    if (ret) {
        int err = errno;

        CHECK(ferror(f));
        fclose(f);
        errno = err;
    } else {
        CHECK(fclose(f) == 0);
    }
    return ret;
}

static int64_t do_dprintf(int fd)
{
    return dprintf(fd, "%s", "8 bytes.");
}
static int64_t do_lseek(int fd)
{
    return lseek(fd, 0, SEEK_CUR);
}

static int file(void)
{
    int fd = memfd_create("own", 0);

    CHECK(fd >= 0 && ftruncate(fd, PAGE) == 0);
    return fd;
}

static int64_t sendfile_from(int fd)
{
    return sendfile(file(), fd, NULL, FAULT);
}

static int64_t sendfile_at(int fd)
{
    off_t at = 0;

    return sendfile(file(), fd, &at, FAULT);
}

static int64_t sendfile_to(int fd)
{
    return sendfile(fd, file(), NULL, 8);
}

static int64_t splice_from(int fd)
{
    int p[2];

    CHECK(pipe(p) == 0);
    return splice(fd, NULL, p[1], NULL, FAULT, 0);
}

static int64_t splice_to(int fd)
{
    int p[2];

    CHECK(pipe(p) == 0 && write(p[1], bytes, 8) == 8);
    return splice(p[0], NULL, fd, NULL, 8, 0);
}

static int64_t do_tee(int fd)
{
    int p[2];

    CHECK(pipe(p) == 0 && write(p[1], bytes, 8) == 8);
    return tee(p[0], fd, 8, 0);
}

static int64_t do_vmsplice(int fd)
{
    return vmsplice(fd, words, 2, 0);
}

static int64_t copy_from(int fd)
{
    return copy_file_range(fd, NULL, file(), NULL, 8, 0);
}

static int64_t copy_to(int fd)
{
    return copy_file_range(file(), NULL, fd, NULL, 8, 0);
}

static int64_t do_mmap(int fd)
{
    return mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 :
                                                                          0;
}

static int64_t do_poll(int fd)
{
    struct pollfd p = { fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0 };

    CHECK(poll(&p, 1, 0) >= 0);
    return p.revents;
}

static int64_t do_select(int fd)
{
    struct timeval none = { 0, 0 };
    fd_set in, out, special;
    int64_t ret;

    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&special);
    FD_SET(fd, &in);
    FD_SET(fd, &out);
    FD_SET(fd, &special);
    CHECK(select(fd + 1, &in, &out, &special, &none) >= 0);
    ret = (FD_ISSET(fd, &in) ? POLLIN : 0) | (FD_ISSET(fd, &out) ? POLLOUT : 0);
    return FD_ISSET(fd, &special) ? -1 : ret;
}

static int64_t do_epoll(int fd)
{
    struct epoll_event ev = { .events = EPOLLIN };

    return epoll_ctl(epoll_create1(0), EPOLL_CTL_ADD, fd, &ev);
}

static int64_t do_fstat(int fd)
{
    struct statx stx;
    struct stat st, at;

    CHECK(fstat(fd, &st) == 0);
    CHECK(fstatat(fd, "", &at, AT_EMPTY_PATH) == 0);
    CHECK(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx) == 0);
    CHECK(at.st_mode == st.st_mode && stx.stx_mode == st.st_mode);
    CHECK(at.st_rdev == st.st_rdev);
    return st.st_mode & S_IFMT;
}

static int64_t do_dup(int fd)
{
    return dup(fd);
}
static int64_t do_dup2(int fd)
{
    return dup2(fd, 400);
}
static int64_t do_dupfd(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, 300);
}
static int64_t nonblock(int fd)
{
    return fcntl(fd, F_SETFL, O_NONBLOCK);
}
static int64_t cloexec(int fd)
{
    return ioctl(fd, FIOCLEX);
}
static int64_t do_isatty(int fd)
{
    return isatty(fd) ? 1 : -1;
}
static int64_t do_fsync(int fd)
{
    return fsync(fd);
}
static int64_t do_ftruncate(int fd)
{
    return ftruncate(fd, 0);
}

static int64_t do_fallocate(int fd)
{
    return fallocate(fd, 0, 0, PAGE);
}

static int64_t do_close_range(int fd)
{
    int copy = fcntl(fd, F_DUPFD, 200);

    CHECK(syscall(SYS_close_range, copy, copy, 0) == 0);
    return fcntl(copy, F_GETFD) == -1 && errno == EBADF ? 0 : -1;
}

static const struct Row {
    const char *name;
    int64_t (*call)(int fd);
    int64_t want[KINDS];
} rows[] = {
    { "read", do_read, { -EINVAL, 0, 0, 2 * FAULT } },
    { "readv", do_readv, { -EINVAL, 0, 0, 2 * FAULT } },
    { "pread", do_pread, { -EINVAL, -ESPIPE, -ESPIPE, FAULT } },
    { "preadv", do_preadv, { -EINVAL, -ESPIPE, -ESPIPE, 2 * FAULT } },
    { "preadv2, at -1", do_preadv2, { -EINVAL, 0, 0, 2 * FAULT } },
    { "preadv2, RWF_NOWAIT",
      do_nowait,
      { -EINVAL, -EOPNOTSUPP, -EOPNOTSUPP, -EOPNOTSUPP } },
    { "fdopen, fread", do_fread, { -EINVAL, -ESPIPE, 0, 2 * FAULT } },
    { "write", do_write, { -EINVAL, -EINVAL, -EINVAL, 8 } },
    { "writev", do_writev, { -EINVAL, -EINVAL, -EINVAL, 16 } },
    { "pwrite", do_pwrite, { -EINVAL, -ESPIPE, -ESPIPE, 8 } },
    { "pwritev", do_pwritev, { -EINVAL, -ESPIPE, -ESPIPE, 16 } },
    { "pwritev2, at -1", do_pwritev2, { -EINVAL, -EINVAL, -EINVAL, 16 } },
    { "fdopen, fwrite, fflush", do_fwrite, { -EINVAL, -EINVAL, -EINVAL, 0 } },
    { "dprintf", do_dprintf, { -EINVAL, -EINVAL, -EINVAL, 8 } },
    { "pread, at -1", before_0, { -EINVAL, -EINVAL, -EINVAL, -EINVAL } },
    { "readv, 1025 buffers", too_many, { -EINVAL, -EINVAL, -EINVAL, -EINVAL } },
    { "readv, wild pointer",
      wild_buffers,
      { -EINVAL, -EFAULT, -EFAULT, -EFAULT } },
    { "lseek", do_lseek, { -ESPIPE, -ESPIPE, -ESPIPE, -ESPIPE } },
    { "sendfile from it",
      sendfile_from,
      { -EINVAL, -EINVAL, -EINVAL, -EINVAL } },
    { "sendfile from it, at 0",
      sendfile_at,
      { -EINVAL, -ESPIPE, -ESPIPE, -EINVAL } },
    { "sendfile to it", sendfile_to, { -EINVAL, -EINVAL, -EINVAL, -EINVAL } },
    { "splice from it", splice_from, { -EINVAL, -EINVAL, -EINVAL, -EINVAL } },
    { "splice to it", splice_to, { -EINVAL, -EINVAL, -EINVAL, -EINVAL } },
    { "tee", do_tee, { -EINVAL, -EINVAL, -EINVAL, -EINVAL } },
    { "vmsplice", do_vmsplice, { -EBADF, -EBADF, -EBADF, -EBADF } },
    { "copy_file_range from it",
      copy_from,
      { -EINVAL, -EINVAL, -EINVAL, -EINVAL } },
    { "copy_file_range to it",
      copy_to,
      { -EINVAL, -EINVAL, -EINVAL, -EINVAL } },
    { "mmap, at 0", do_mmap, { -ENXIO, -ENODEV, -ENODEV, -EINVAL } },
    { "poll", do_poll, { IN_OUT, POLLOUT, 0, IN_OUT } },
    { "select", do_select, { IN_OUT, POLLOUT, 0, IN_OUT } },
    { "epoll_ctl", do_epoll, { -EPERM, 0, 0, -EPERM } },
    { "fstat", do_fstat, { S_IFCHR, 0, 0, S_IFCHR } },
    { "dup", do_dup, { WORKS, WORKS, WORKS, WORKS } },
    { "dup2", do_dup2, { WORKS, WORKS, WORKS, WORKS } },
    { "fcntl, F_DUPFD_CLOEXEC", do_dupfd, { WORKS, WORKS, WORKS, WORKS } },
    { "fcntl, O_NONBLOCK", nonblock, { 0, 0, 0, 0 } },
    { "ioctl, FIOCLEX", cloexec, { 0, 0, 0, 0 } },
    { "isatty", do_isatty, { -ENOTTY, -ENOTTY, -ENOTTY, -ENOTTY } },
    { "fsync", do_fsync, { -EINVAL, -EINVAL, -EINVAL, -EINVAL } },
    { "ftruncate", do_ftruncate, { -EINVAL, -EINVAL, -EINVAL, -EINVAL } },
    { "fallocate", do_fallocate, { -ENODEV, -ENODEV, -ENODEV, -ENODEV } },
    { "close_range", do_close_range, { 0, 0, 0, 0 } },
};
#define ROWS  (sizeof(rows) / sizeof(rows[0]))

static void every_row(void)
{
    Rig r = rig();

    for (unsigned i = 0; i < ROWS; i++) {
        for (unsigned k = 0; k < KINDS; k++) {
            int64_t want = rows[i].want[k], got;

            errno = 0;
            got = rows[i].call(r.fd[k]);
            got = got == -1 ? -errno : got;
            if (want == WORKS ? got < 0 : got != want) {
                own_fail(__FILE__, __LINE__, "%s, kind %u: %ld, not %ld",
                         rows[i].name, k, (long)got, (long)want);
            }
        }
    }
}

/* --- positions and buffers ---------------------------------------------- */

static void reads_go_on_where_they_were(void)
{
    Rig r = rig();
    int dev = r.fd[DEVICE], copy = dup(dev);
    char c[4] = "";

    memcpy(r.memory, "abcdefgh", 8);
    CHECK(read(dev, c, 2) == 2 && memcmp(c, "ab", 2) == 0);
    CHECK(read(copy, c, 2) == 2 && memcmp(c, "cd", 2) == 0);
    CHECK(pread(dev, c, 1, 0) == 1 && *c == 'a');
    CHECK(write(dev, "EF", 2) == 2);
    CHECK(memcmp(r.memory, "abcdEFgh", 8) == 0);
}

static void buffers_in_turn_until_one_is_short(void)
{
    Rig r = rig();
    char *end = r.memory + PAGES * PAGE - 6;
    struct iovec iov[4] = {
        { "ab", 2 }, { NULL, 0 }, { "cd", 2 }, { "efgh", 4 }
    };

    CHECK(pwritev(r.fd[DEVICE], iov, 4, PAGES * PAGE - 6) == 6);
    CHECK(memcmp(end, "abcdef", 6) == 0);
    CHECK_ERRNO(EIO, pwritev(r.fd[DEVICE], iov, 4, PAGES * PAGE));
    CHECK(pwritev(r.fd[DEVICE], iov, 3, PAGES * PAGE - 2) == 2);
    iov[1].iov_len = SIZE_MAX;
    CHECK_ERRNO(EINVAL, pwritev(r.fd[DEVICE], iov, 4, 0));
}

static void streams(void)
{
    Rig r = rig();
    FILE *f = fdopen(dup(r.fd[DEVICE]), "w");

    CHECK(f && fprintf(f, "stdio %d", 42) == 8);
    CHECK(memcmp(r.memory, "stdio", 5) != 0);
    CHECK(fclose(f) == 0);
    CHECK(memcmp(r.memory, "stdio 42", 8) == 0);
    f = fopen("/dev/iommu", "r+e");
    CHECK(f && own_ioas(fileno(f)) == 1);
    CHECK(fcntl(fileno(f), F_GETFD) == FD_CLOEXEC);
    CHECK(fclose(f) == 0);
    CHECK(!fopen("/dev/iommu", "wx") && errno == EEXIST);
    CHECK(!fopen("/dev/vfio/devices/vfio9", "r") && errno == ENOENT);
}

/* --- past the library --------------------------------------------------- */

static void system_calls_fail(void)
{
    Rig r = rig();

    memset(r.memory, '.', PAGE);
    for (unsigned k = 0; k < KINDS; k++) {
        CHECK_ERRNO(EPIPE, (int)syscall(SYS_write, r.fd[k], "x", 1));
        CHECK_ERRNO(EPIPE, (int)syscall(SYS_writev, r.fd[k], words, 2));
    }
    CHECK(syscall(SYS_read, r.fd[DEVICE], bytes, 8) == 0);
    CHECK(syscall(SYS_read, r.fd[IOMMU], bytes, 8) == 0);
    CHECK(r.memory[0] == '.');
    /* The next command on it is told about, and so are reads. */
    CHECK(own_ioas(r.fd[IOMMU]) != 0);
    CHECK(do_poll(r.fd[IOMMU]) == IN_OUT);
    CHECK(do_read(r.fd[DEVICE]) == sizeof(bytes));
    CHECK(do_poll(r.fd[DEVICE]) == IN_OUT);
}

/* One write by io_uring; its result. */
static int uring_write(int fd, const void *buf, uint32_t len, uint64_t at)
{
    struct io_uring_params p = { 0 };
    int ring = (int)syscall(SYS_io_uring_setup, 1, &p);
    struct io_uring_sqe *sqe;
    struct io_uring_cqe *cqe;
    char *m;

    if (ring < 0) {
        return -errno;
    }
    m = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ring,
             IORING_OFF_SQ_RING);
    sqe = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ring,
               IORING_OFF_SQES);
    CHECK(m != MAP_FAILED && sqe != MAP_FAILED);
    *sqe = (struct io_uring_sqe) {
        .opcode = IORING_OP_WRITE,
        .fd = fd,
        .addr = (uintptr_t)buf,
        .len = len,
        .off = at,
    };
    *(uint32_t *)(m + p.sq_off.array) = 0;
    __atomic_store_n((uint32_t *)(m + p.sq_off.tail), 1, __ATOMIC_RELEASE);
    CHECK(syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL,
                  0) == 1);
    cqe = (struct io_uring_cqe *)(m + p.cq_off.cqes);
    return cqe->res;
}

static void io_uring_fails(void)
{
    Rig r = rig();
    int ret = uring_write(r.fd[DEVICE], "hello", 5, 0);

    if (ret == -ENOSYS || ret == -EPERM) {
        own_skip("no io_uring here");
    }
    CHECK(ret == -EPIPE);
    CHECK(memcmp(r.memory, "hello", 5) != 0);
}

/* --- opening ------------------------------------------------------------ */

static void open_flags(void)
{
    static const struct {
        int flags, err;
    } list[] = {
        { O_RDONLY, 0 },
        { O_WRONLY, 0 },
        { O_RDWR, 0 },
        { O_ACCMODE, 0 },
        { O_RDWR | O_CREAT, 0 },
        { O_RDWR | O_EXCL, 0 },
        { O_RDWR | O_TRUNC, 0 },
        { O_RDWR | O_APPEND, 0 },
        { O_RDWR | O_NOFOLLOW, 0 },
        { O_RDWR | O_NOCTTY | O_SYNC, 0 },
        { O_RDWR | O_CREAT | O_EXCL, EEXIST },
        { O_RDONLY | O_DIRECTORY, ENOTDIR },
        { O_RDWR | O_CREAT | O_DIRECTORY, EINVAL },
        { O_RDWR | O_TMPFILE, ENOTDIR },
        { O_RDONLY | O_TMPFILE, EINVAL },
        { O_RDWR | O_DIRECT, EINVAL },
        { O_PATH | O_DIRECTORY, ENOTDIR },
    };
    static const char *const paths[] = { "/dev/iommu",
                                         "/dev/vfio/devices/vfio0" };

    for (unsigned p = 0; p < 2; p++) {
        for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
            int fd = open(paths[p], list[i].flags, 0600);

            if (list[i].err ? fd != -1 || errno != list[i].err : fd < 0) {
                own_fail(__FILE__, __LINE__, "%s, %#o: %d, errno %d", paths[p],
                         (unsigned)list[i].flags, fd, errno);
            }
            close(fd);
        }
    }
    CHECK(own_ioas(creat("/dev/iommu", 0600)) == 1);
    CHECK(open("/dev/vfio/devices/vfio9", O_RDWR | O_PATH) == -1 &&
          errno == ENOENT);
}

static void a_path_is_no_open_device(void)
{
    int fd = open("/dev/iommu", O_PATH | O_CLOEXEC);
    IoasAlloc a = { .size = sizeof(a) };
    struct stat st;

    CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CHECK_ERRNO(EBADF, ioctl(fd, IOAS_ALLOC, &a));
    CHECK_ERRNO(EBADF, (int)read(fd, bytes, 1));
    CHECK(fstat(fd, &st) == 0 && S_ISCHR(st.st_mode));
}

static void access_mode_is_kept(void)
{
    Bind b = { .argsz = sizeof(b), .iommufd = own_open() };
    int in = open("/dev/vfio/devices/vfio0", O_RDONLY);
    int out = open("/dev/vfio/devices/vfio0", O_WRONLY);

    CHECK(ioctl(in, VFIO_BIND, &b) == 0);
    CHECK_ERRNO(EBADF, (int)pwrite(in, "x", 1, CONTROL));
    CHECK(pread(in, bytes, 8, CONTROL) == 8);
    CHECK(close(in) == 0);
    CHECK(ioctl(out, VFIO_BIND, &b) == 0);
    CHECK_ERRNO(EBADF, (int)pread(out, bytes, 8, CONTROL));
    CHECK(pwrite(out, bytes, 8, CONTROL) == 8);
}

/* --- the table ---------------------------------------------------------- */

static const char *cell(const struct Row *row, int64_t want, char *room)
{
    if (row->call == do_poll || row->call == do_select) {
        return want == IN_OUT ? "in, out" : want ? "out" : "none";
    }
    if (row->call == do_fstat) {
        return want ? "character" : "no type";
    }
    if (want == WORKS || (want >= 0 && want != 0)) {
        return "works";
    }
    if (want == 0) {
        return strstr(row->name, "read") ? "0 bytes" : "works";
    }
    strcpy(room, strerrorname_np((int)-want));
    return room;
}

static int table(void)
{
    static const char rule[] = "=======================  ==========  "
                               "===========  ===========  ==========";
    char room[32];

    printf("%s\n%-23s  %-10s  %-11s  %-11s  %s\n%s\n", rule, "", "/dev/iommu",
           "fault queue", "event queue", "VFIO device", rule);
    for (unsigned i = 0; i < ROWS; i++) {
        printf("%-23s", rows[i].name);
        for (unsigned k = 0; k < KINDS; k++) {
            printf("  %-*s",
                   k == IOMMU  ? 10 :
                   k == DEVICE ? 1 :
                                 11,
                   cell(&rows[i], rows[i].want[k], room));
        }
        putchar('\n');
    }
    puts(rule);
    return 0;
}

#define CASE(name)  { #name, name }

int main(int argc, char **argv)
{
    /* clang-format off */
    static const Case cases[] = {
        CASE(every_row),
        CASE(reads_go_on_where_they_were),
        CASE(buffers_in_turn_until_one_is_short),
        CASE(streams),
        CASE(system_calls_fail),
        CASE(io_uring_fails),
        CASE(open_flags),
        CASE(a_path_is_no_open_device),
        CASE(access_mode_is_kept),
    };
    /* clang-format on */

    if (argc == 2 && strcmp(argv[1], "--table") == 0) {
        return table();
    }
    return own_run(cases, sizeof(cases) / sizeof(*cases));
}
