/*
 * What a VMM does with a device file and an iommufd, and what the function
 * behind it then reads and writes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "own.h"

#define IOVA        UINT64_C(0x100000)
#define HWPT_FAULT  4u
#define HWPT_PASID  8u

/* --- the file ---------------------------------------------------------- */

static void nothing_before_bind(void)
{
    int dev = open("/dev/vfio/devices/vfio0", O_RDWR);
    Attach a = { .argsz = sizeof(a), .pt = 1 };
    Info info = { .argsz = sizeof(info) };
    char c;

    CHECK(dev >= 0);
    CHECK_ERRNO(EINVAL, ioctl(dev, VFIO_ATTACH, &a));
    CHECK_ERRNO(EINVAL, ioctl(dev, VFIO_INFO, &info));
    CHECK_ERRNO(EINVAL, ioctl(dev, IOC(199), &info));
    CHECK_ERRNO(EINVAL, pread(dev, &c, 1, 0));
}

static void bind_errors(void)
{
    int fd = own_open();
    int dev = open("/dev/vfio/devices/vfio0", O_RDWR);
    int other = open("/dev/vfio/devices/vfio0", O_RDWR);
    Bind b = { .argsz = sizeof(b), .iommufd = fd };

    b.argsz = sizeof(b) - 1;
    CHECK_ERRNO(EINVAL, ioctl(dev, VFIO_BIND, &b));
    b.argsz = sizeof(b);
    b.flags = 2;
    CHECK_ERRNO(EINVAL, ioctl(dev, VFIO_BIND, &b));
    b.flags = 0;
    b.iommufd = -1;
    CHECK_ERRNO(EINVAL, ioctl(dev, VFIO_BIND, &b));
    b.iommufd = 777;
    CHECK_ERRNO(EBADF, ioctl(dev, VFIO_BIND, &b));
    b.iommufd = dev;
    CHECK_ERRNO(EBADFD, ioctl(dev, VFIO_BIND, &b));
    b.iommufd = open("/dev/null", O_RDWR);
    CHECK_ERRNO(EBADFD, ioctl(dev, VFIO_BIND, &b));
    CHECK_ERRNO(EFAULT, ioctl(dev, VFIO_BIND, NULL));
    b.iommufd = fd;
    CHECK(ioctl(dev, VFIO_BIND, &b) == 0 && b.dev == 1);
    CHECK_ERRNO(EINVAL, ioctl(dev, VFIO_BIND, &b));
    CHECK_ERRNO(EINVAL, ioctl(other, VFIO_BIND, &b));
    b.iommufd = 777;
    CHECK_ERRNO(EINVAL, ioctl(dev, VFIO_BIND, &b));
    CHECK_ERRNO(EBADF, ioctl(other, VFIO_BIND, &b));
    CHECK_ERRNO(ENOTTY, ioctl(dev, IOC(199), &b));
}

/* A UUID, of a function that has no business with one. */
static void bind_with_a_token(void)
{
    struct {
        Bind b;
        uint64_t token, more;
    } t = { .b = {
                .argsz = sizeof(t),
                .flags = 1,
                .iommufd = own_open(),
            } };
    int dev = open("/dev/vfio/devices/vfio0", O_RDWR);
    char uuid[16] = "";

    t.token = (uintptr_t)uuid;
    CHECK_ERRNO(EINVAL, ioctl(dev, VFIO_BIND, &t));
    t.token = (uintptr_t)own_wild();
    CHECK_ERRNO(EFAULT, ioctl(dev, VFIO_BIND, &t));
    t.more = 1;
    CHECK_ERRNO(E2BIG, ioctl(dev, VFIO_BIND, &t));
    t.more = 0;
    t.b.flags = 0;
    CHECK(ioctl(dev, VFIO_BIND, &t) == 0);
}

static void info_has_two_regions(void)
{
    struct {
        uint32_t argsz, flags, index, caps;
        uint64_t size, offset;
    } r = { .argsz = sizeof(r), .index = 1 };
    Info info = { .argsz = 16, .caps = 77 };
    uint32_t id;
    int dev = own_device(own_open(), &id);

    CHECK(ioctl(dev, VFIO_INFO, &info) == 0);
    CHECK(info.regions == 2 && info.irqs == 0 && info.caps == 77);
    info.argsz = 15;
    CHECK_ERRNO(EINVAL, ioctl(dev, VFIO_INFO, &info));
    CHECK(ioctl(dev, IOC(108), &r) == 0);
    CHECK(r.flags == 3 && r.size == 8 && r.offset == (uint64_t)CONTROL);
    r.index = 2;
    CHECK_ERRNO(EINVAL, ioctl(dev, IOC(108), &r));
}

/* --- DMA --------------------------------------------------------------- */

typedef struct Rig {
    int fd, dev;
    uint32_t id, ioas;
    char *memory;               /* two pages at IOVA */
} Rig;

static Rig rig(void)
{
    Rig r = { .fd = own_open() };
    Attach a = { .argsz = sizeof(a) };

    r.dev = own_device(r.fd, &r.id);
    r.ioas = own_ioas(r.fd);
    r.memory = own_pages(2 * PAGE);
    own_map(r.fd, r.ioas, r.memory, 2 * PAGE, IOVA);
    a.pt = r.ioas;
    CHECK(ioctl(r.dev, VFIO_ATTACH, &a) == 0);
    CHECK(a.pt != r.ioas);      /* the table that was made for it */
    return r;
}

static void dma_reaches_what_is_mapped(void)
{
    Rig r = rig();
    char buf[16] = "";

    strcpy(r.memory + PAGE - 4, "across");
    CHECK(pread(r.dev, buf, 7, (off_t)(IOVA + PAGE - 4)) == 7);
    CHECK(strcmp(buf, "across") == 0);
    CHECK(pwrite(r.dev, "device", 7, (off_t)IOVA + 100) == 7);
    CHECK(strcmp(r.memory + 100, "device") == 0);
}

static void dma_beyond_it_fails(void)
{
    Rig r = rig();
    char buf[16];

    CHECK_ERRNO(EIO, pread(r.dev, buf, 4, (off_t)IOVA - 4));
    CHECK(pread(r.dev, buf, 8, (off_t)(IOVA + 2 * PAGE - 4)) == 4);
    CHECK_ERRNO(EIO, pread(r.dev, buf, 4, (off_t)(IOVA + 2 * PAGE)));
    CHECK_ERRNO(EFAULT, pread(r.dev, own_wild(), 4, (off_t)IOVA));
}

static void dma_of_private_memory_and_files(void)
{
    Rig r = rig();
    int mfd = memfd_create("own", 0);
    IoasMapFile f = { .size = sizeof(f),
                      .flags = MAP_RW_FIXED,
                      .ioas = r.ioas,
                      .fd = mfd,
                      .start = PAGE,
                      .length = PAGE,
                      .iova = 2 * IOVA };
    char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char buf[8] = "";

    CHECK(mfd >= 0 && ftruncate(mfd, 2 * PAGE) == 0);
    CHECK(ioctl(r.fd, IOAS_MAP_FILE, &f) == 0);
    CHECK(pwrite(r.dev, "file", 5, (off_t)(2 * IOVA) + 8) == 5);
    CHECK(pread(mfd, buf, 5, PAGE + 8) == 5 && strcmp(buf, "file") == 0);
    own_map(r.fd, r.ioas, p, PAGE, 3 * IOVA);
    CHECK(pwrite(r.dev, "mine", 5, (off_t)(3 * IOVA)) == 5);
    CHECK(strcmp(p, "mine") == 0);
}

static void dma_outlives_who_mapped_shared_memory(void)
{
    Rig r = rig();
    char *p = own_pages(PAGE), buf[8] = "";
    pid_t pid = own_fork();

    if (pid == 0) {
        own_map(r.fd, r.ioas, p, PAGE, 2 * IOVA);
        _exit(0);
    }
    CHECK(own_wait(pid) == 0);
    strcpy(p, "still");
    CHECK(pread(r.dev, buf, 6, (off_t)(2 * IOVA)) == 6);
    CHECK(strcmp(buf, "still") == 0);
}

static void unmap_and_detach_block_it(void)
{
    Rig r = rig();
    IoasUnmap u = {
        .size = sizeof(u), .ioas = r.ioas, .iova = IOVA, .length = 2 * PAGE
    };
    Detach d = { .argsz = sizeof(d) };
    char c;

    CHECK(ioctl(r.fd, IOAS_UNMAP, &u) == 0);
    CHECK_ERRNO(EIO, pread(r.dev, &c, 1, (off_t)IOVA));
    own_map(r.fd, r.ioas, r.memory, PAGE, IOVA);
    CHECK(pread(r.dev, &c, 1, (off_t)IOVA) == 1);
    CHECK(ioctl(r.dev, VFIO_DETACH, &d) == 0);
    CHECK_ERRNO(EIO, pread(r.dev, &c, 1, (off_t)IOVA));
}

static void attaching_another_table_replaces(void)
{
    Rig r = rig();
    Attach a = { .argsz = sizeof(a) };
    char *p = own_pages(PAGE), c = 0;

    a.pt = own_ioas(r.fd);
    *p = 'n';
    own_map(r.fd, a.pt, p, PAGE, IOVA);
    CHECK(ioctl(r.dev, VFIO_ATTACH, &a) == 0);
    CHECK(pread(r.dev, &c, 1, (off_t)IOVA) == 1 && c == 'n');
    a.pt = 9999;
    CHECK_ERRNO(ENOENT, ioctl(r.dev, VFIO_ATTACH, &a));
    CHECK(pread(r.dev, &c, 1, (off_t)IOVA) == 1 && c == 'n');
}

/* --- PASIDs ------------------------------------------------------------ */

static uint32_t hwpt(const Rig *r, uint32_t ioas, uint32_t flags,
                     uint32_t fault)
{
    HwptAlloc h = { .size = sizeof(h),
                    .flags = flags,
                    .dev = r->id,
                    .pt = ioas,
                    .fault = fault };

    CHECK(ioctl(r->fd, HWPT_ALLOC, &h) == 0);
    return h.hwpt;
}

static void pasids_have_tables_of_their_own(void)
{
    Rig r = rig();
    Detach none = { .argsz = sizeof(none) };
    Attach a = { .argsz = sizeof(a), .flags = 1, .pasid = 7 };
    Detach d = { .argsz = sizeof(d), .flags = 1, .pasid = 7 };
    uint32_t ioas = own_ioas(r.fd);
    char *p = own_pages(PAGE), c = 0;

    /* The table of no PASID must be one for them too: have none. */
    CHECK(ioctl(r.dev, VFIO_DETACH, &none) == 0);
    *p = 'p';
    own_map(r.fd, ioas, p, PAGE, IOVA);
    a.pt = hwpt(&r, ioas, HWPT_PASID, 0);
    CHECK(ioctl(r.dev, VFIO_ATTACH, &a) == 0);
    CHECK_ERRNO(EIO, pread(r.dev, &c, 1, (off_t)IOVA));
    own_control(r.dev, 7, 0);
    CHECK(pread(r.dev, &c, 1, (off_t)IOVA) == 1 && c == 'p');
    own_control(r.dev, 8, 0);
    CHECK_ERRNO(EIO, pread(r.dev, &c, 1, (off_t)IOVA));
    own_control(r.dev, 7, 0);
    CHECK(ioctl(r.dev, VFIO_DETACH, &d) == 0);
    CHECK_ERRNO(EIO, pread(r.dev, &c, 1, (off_t)IOVA));
}

static void pasid_needs_the_longer_structure(void)
{
    Rig r = rig();
    Attach a = { .argsz = 12, .flags = 1, .pasid = 1, .pt = r.ioas };
    Detach d = { .argsz = 8, .flags = 1, .pasid = 1 };

    CHECK_ERRNO(EINVAL, ioctl(r.dev, VFIO_ATTACH, &a));
    CHECK_ERRNO(EINVAL, ioctl(r.dev, VFIO_DETACH, &d));
    a.argsz = sizeof(a);
    a.flags = 2;
    CHECK_ERRNO(EINVAL, ioctl(r.dev, VFIO_ATTACH, &a));
    a.flags = 1;
    a.pasid = 1u << 20;
    CHECK_ERRNO(EINVAL, ioctl(r.dev, VFIO_ATTACH, &a));
    a.pasid = INT32_MAX;
    CHECK_ERRNO(EINVAL, ioctl(r.dev, VFIO_ATTACH, &a));
    a.pasid = 1u << 31;
    CHECK_ERRNO(ENOSPC, ioctl(r.dev, VFIO_ATTACH, &a));
    a.pasid = UINT32_MAX;
    CHECK_ERRNO(ENOSPC, ioctl(r.dev, VFIO_ATTACH, &a));
    CHECK_ERRNO(EFAULT, ioctl(r.dev, VFIO_ATTACH, NULL));
}

/* To iommufd it is none, to VFIO another way to the same place. */
static void pasid_0_is_none(void)
{
    Rig r = rig();
    Detach none = { .argsz = sizeof(none) };
    Detach d = { .argsz = sizeof(d), .flags = 1 };
    Attach a = { .argsz = sizeof(a), .flags = 1, .pt = r.ioas };
    char c = 0;

    CHECK_ERRNO(EBUSY, ioctl(r.dev, VFIO_ATTACH, &a));
    CHECK(ioctl(r.dev, VFIO_DETACH, &d) == 0);          /* not its own */
    CHECK(pread(r.dev, &c, 1, (off_t)IOVA) == 1);
    CHECK(ioctl(r.dev, VFIO_DETACH, &none) == 0);
    CHECK(ioctl(r.dev, VFIO_ATTACH, &a) == 0);
    CHECK(pread(r.dev, &c, 1, (off_t)IOVA) == 1);
    a.pt = r.ioas;
    CHECK(ioctl(r.dev, VFIO_ATTACH, &a) == 0);          /* replaced */
    a.flags = 0;
    CHECK_ERRNO(EBUSY, ioctl(r.dev, VFIO_ATTACH, &a));
    CHECK(ioctl(r.dev, VFIO_DETACH, &none) == 0);
    CHECK(pread(r.dev, &c, 1, (off_t)IOVA) == 1);
    CHECK(ioctl(r.dev, VFIO_DETACH, &d) == 0);
    CHECK_ERRNO(EIO, pread(r.dev, &c, 1, (off_t)IOVA));
    d.pasid = UINT32_MAX;
    CHECK(ioctl(r.dev, VFIO_DETACH, &d) == 0);
    a.pt = r.ioas;
    CHECK(ioctl(r.dev, VFIO_ATTACH, &a) == 0);
}

/* --- files -------------------------------------------------------------- */

/* Whatever it is, it is mapped; what has no memory, or too little, is found out
 * when a table needs it. */
static void map_file_of_anything(void)
{
    int fd = own_open();
    int mfd = memfd_create("own", 0);
    int odd = memfd_create("odd", 0);
    int ends[2];
    struct {
        int fd;
        uint64_t start;
        bool good;
    } rows[] = {
        { mfd, 0, true },
        { mfd, PAGE, false },
        { odd, 0, false },
        { open("/dev/zero", O_RDWR), 0, false },
        { open("/", O_RDONLY), 0, false },
        { fd, 0, false },
        { -1, 0, false },
        { mfd, UINT64_MAX - PAGE + 1, false },
    };

    CHECK(mfd >= 0 && ftruncate(mfd, PAGE) == 0);
    CHECK(odd >= 0 && ftruncate(odd, PAGE - 1) == 0);
    CHECK(pipe(ends) == 0);
    rows[6].fd = ends[0];
    for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        uint32_t id;
        int dev = own_device(fd, &id);
        IoasMapFile f = { .size = sizeof(f),
                          .flags = MAP_RW_FIXED,
                          .ioas = own_ioas(fd),
                          .fd = rows[i].fd,
                          .start = rows[i].start,
                          .length = PAGE,
                          .iova = IOVA };
        Attach a = { .argsz = sizeof(a), .pt = f.ioas };

        CHECK(ioctl(fd, IOAS_MAP_FILE, &f) == 0);
        if (rows[i].good) {
            CHECK(ioctl(dev, VFIO_ATTACH, &a) == 0);
        } else {
            CHECK_ERRNO(EINVAL, ioctl(dev, VFIO_ATTACH, &a));
        }
        close(dev);
    }
}

static void map_file_errors(void)
{
    Rig r = rig();
    IoasMapFile f = { .size = sizeof(f),
                      .flags = MAP_RW_FIXED,
                      .ioas = r.ioas,
                      .fd = 777,
                      .start = UINT64_MAX,
                      .length = 2 * PAGE,
                      .iova = 2 * IOVA };

    CHECK_ERRNO(EOVERFLOW, ioctl(r.fd, IOAS_MAP_FILE, &f));
    f.start = 0;
    CHECK_ERRNO(EBADF, ioctl(r.fd, IOAS_MAP_FILE, &f));
    f.fd = open("/dev/zero", O_PATH);
    CHECK_ERRNO(EBADF, ioctl(r.fd, IOAS_MAP_FILE, &f));
}

/* Linux pins it and lets devices write; who does it for them here cannot. */
static void map_file_that_is_sealed(void)
{
    Rig r = rig();
    int mfd = memfd_create("own", MFD_ALLOW_SEALING);
    IoasMapFile f = { .size = sizeof(f),
                      .flags = MAP_RW_FIXED,
                      .ioas = r.ioas,
                      .fd = mfd,
                      .length = PAGE,
                      .iova = 2 * IOVA };
    char c = 'x';

    CHECK(mfd >= 0 && ftruncate(mfd, PAGE) == 0 &&
          fcntl(mfd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
    CHECK(ioctl(r.fd, IOAS_MAP_FILE, &f) == 0);
    CHECK(pread(r.dev, &c, 1, (off_t)(2 * IOVA)) == 1 && c == 0);
    CHECK_ERRNO(EIO, pwrite(r.dev, "x", 1, (off_t)(2 * IOVA)));
}

/* Where interrupts go, nothing is mapped. */
static void nothing_in_the_msi_window(void)
{
    Rig r = rig();
    IoasMapFile f = { .size = sizeof(f),
                      .flags = MAP_RW_FIXED,
                      .ioas = r.ioas,
                      .fd = memfd_create("own", 0),
                      .length = PAGE,
                      .iova = 0xfee00000 };

    CHECK_ERRNO(EINVAL, ioctl(r.fd, IOAS_MAP_FILE, &f));
    CHECK_ERRNO(EIO, pwrite(r.dev, "x", 1, 0xfee00000));
}

/* --- queues ------------------------------------------------------------ */

typedef struct VtdS1 {
    uint64_t flags, pgtbl;
    uint32_t width, reserved;
} VtdS1;

/* A guest's table on a parent, whose entries are not there: every access is
 * a page request. */
static FaultAlloc faulting(const Rig *r)
{
    FaultAlloc f = { .size = sizeof(f) };
    VtdS1 s1 = { .pgtbl = IOVA, .width = 48 };
    HwptAlloc h = { .size = sizeof(h),
                    .flags = HWPT_FAULT,
                    .dev = r->id,
                    .type = 1,
                    .len = sizeof(s1),
                    .data = (uintptr_t)&s1 };
    Attach a = { .argsz = sizeof(a) };

    CHECK(ioctl(r->fd, FAULT_ALLOC, &f) == 0);
    h.pt = hwpt(r, r->ioas, 1, 0);
    h.fault = f.id;
    CHECK(ioctl(r->fd, HWPT_ALLOC, &h) == 0);
    a.pt = h.hwpt;
    CHECK(ioctl(r->dev, VFIO_ATTACH, &a) == 0);
    own_control(r->dev, NO_PASID, 1);
    return f;
}

static short polled(int fd)
{
    struct pollfd p = { fd, POLLIN | POLLOUT, 0 };

    CHECK(poll(&p, 1, 0) >= 0);
    return p.revents;
}

static void queue_is_polled_read_and_written(void)
{
    Rig r = rig();
    FaultAlloc f = faulting(&r);
    PgResponse answer = { .code = 0 };
    Pgfault p;
    char c;

    CHECK(polled(f.fd) == POLLOUT);
    CHECK_ERRNO(EAGAIN, pread(r.dev, &c, 1, 0x5000));
    CHECK(polled(f.fd) == (POLLIN | POLLOUT));
    CHECK(read(f.fd, &p, sizeof(p)) == sizeof(p));
    CHECK(p.dev == r.id && p.addr == 0x5000 && (p.perm & 1));
    CHECK(polled(f.fd) == POLLOUT);
    answer.cookie = p.cookie;
    CHECK(write(f.fd, &answer, sizeof(answer)) == sizeof(answer));
    CHECK_ERRNO(EINVAL, write(f.fd, &answer, sizeof(answer)));
    CHECK(fcntl(f.fd, F_GETFD) == FD_CLOEXEC);
}

static void queue_is_read_by_a_child(void)
{
    Rig r = rig();
    FaultAlloc f = faulting(&r);
    char c;
    pid_t pid = own_fork();

    if (pid == 0) {
        struct pollfd pfd = { f.fd, POLLIN, 0 };
        PgResponse answer = { .code = 1 };
        Pgfault p;

        CHECK(poll(&pfd, 1, 30000) == 1);
        CHECK(read(f.fd, &p, sizeof(p)) == sizeof(p));
        answer.cookie = p.cookie;
        CHECK(write(f.fd, &answer, sizeof(answer)) == sizeof(answer));
        _exit(0);
    }
    CHECK_ERRNO(EAGAIN, pread(r.dev, &c, 1, 0x5000));
    CHECK(own_wait(pid) == 0);
    CHECK(polled(f.fd) == POLLOUT);
}

static void detach_takes_back_what_was_not_read(void)
{
    Rig r = rig();
    FaultAlloc f = faulting(&r);
    Detach d = { .argsz = sizeof(d) };
    char c;

    CHECK_ERRNO(EAGAIN, pread(r.dev, &c, 1, 0x5000));
    CHECK(polled(f.fd) & POLLIN);
    CHECK(ioctl(r.dev, VFIO_DETACH, &d) == 0);
    CHECK(polled(f.fd) == POLLOUT);
}

static void queue_reads_wild_pointers(void)
{
    Rig r = rig();
    FaultAlloc f = faulting(&r);
    Pgfault p;
    char c;

    CHECK_ERRNO(EAGAIN, pread(r.dev, &c, 1, 0x5000));
    CHECK_ERRNO(EFAULT, read(f.fd, own_wild(), sizeof(p)));
    CHECK(read(f.fd, &p, sizeof(p)) == sizeof(p));
    CHECK_ERRNO(EFAULT, write(f.fd, own_wild(), 8));
}

/* --- failing allocations ------------------------------------------------ */

static void nth_allocation_fails(void)
{
    char path[64], text[16] = "";
    unsigned failures = 0;
    int nth;

    snprintf(path, sizeof(path), "/proc/self/task/%d/fail-nth", getpid());
    nth = open(path, O_RDWR);
    CHECK(nth >= 0);
    for (unsigned n = 1; n < 1000; n++) {
        int fd;

        snprintf(text, sizeof(text), "%u", n);
        CHECK(pwrite(nth, text, strlen(text), 0) == (ssize_t)strlen(text));
        fd = open("/dev/iommu", O_RDWR);
        CHECK(fd >= 0 || errno == ENOMEM);
        if (fd >= 0) {
            IoasAlloc a = { .size = sizeof(a) };

            CHECK(ioctl(fd, IOAS_ALLOC, &a) == 0 || errno == ENOMEM);
            close(fd);
        }
        memset(text, 0, sizeof(text));
        CHECK(pread(nth, text, sizeof(text) - 1, 0) >= 2);
        CHECK(pwrite(nth, "0", 1, 0) == 1);
        if (strcmp(text, "0\n") != 0) {
            break;
        }
        failures++;
    }
    CHECK(failures > 2);
    CHECK_ERRNO(EINVAL, pwrite(nth, "x", 1, 0));
}

#define CASE(name)  { #name, name }

int main(void)
{
    static const Case cases[] = {
        CASE(nothing_before_bind),
        CASE(bind_errors),
        CASE(bind_with_a_token),
        CASE(info_has_two_regions),
        CASE(dma_reaches_what_is_mapped),
        CASE(dma_beyond_it_fails),
        CASE(dma_of_private_memory_and_files),
        CASE(dma_outlives_who_mapped_shared_memory),
        CASE(unmap_and_detach_block_it),
        CASE(attaching_another_table_replaces),
        CASE(pasids_have_tables_of_their_own),
        CASE(pasid_needs_the_longer_structure),
        CASE(pasid_0_is_none),
        CASE(map_file_of_anything),
        CASE(map_file_errors),
        CASE(map_file_that_is_sealed),
        CASE(nothing_in_the_msi_window),
        CASE(queue_is_polled_read_and_written),
        CASE(queue_is_read_by_a_child),
        CASE(detach_takes_back_what_was_not_read),
        CASE(queue_reads_wild_pointers),
        CASE(nth_allocation_fails),
    };

    return own_run(cases, sizeof(cases) / sizeof(*cases));
}
