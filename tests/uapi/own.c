/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "own.h"

const char *own_case = "";

void own_fail(const char *file, int line, const char *format, ...)
{
    va_list ap;

    printf("# %s:%d: ", file, line);
    va_start(ap, format);
    vprintf(format, ap);
    va_end(ap);
    printf("\n");
    fflush(stdout);
    _exit(1);
}

#define SKIPPED  77

void own_skip(const char *why)
{
    printf("# %s\n", why);
    fflush(stdout);
    _exit(SKIPPED);
}

pid_t own_fork(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    }
    return pid;
}

int own_wait(pid_t pid)
{
    int status;

    if (waitpid(pid, &status, 0) != pid) {
        return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int own_run(const Case *cases, unsigned count)
{
    unsigned failed = 0;

    printf("1..%u\n", count);
    for (unsigned i = 0; i < count; i++) {
        pid_t pid;
        int status;
        bool ok;

        fflush(stdout);
        pid = own_fork();
        if (pid == 0) {
            alarm(60);
            own_case = cases[i].name;
            cases[i].run();
            fflush(stdout);
            _exit(0);
        }
        status = own_wait(pid);
        ok = status == 0 || status == SKIPPED;
        printf("%sok %u %s%s\n", ok ? "" : "not ", i + 1, cases[i].name,
               status == SKIPPED ? " # SKIP" : "");
        failed += !ok;
    }
    return failed != 0;
}

int own_open(void)
{
    int fd = open("/dev/iommu", O_RDWR);

    CHECK(fd >= 0);
    return fd;
}

uint32_t own_ioas(int fd)
{
    IoasAlloc a = { .size = sizeof(a) };

    CHECK(ioctl(fd, IOAS_ALLOC, &a) == 0);
    return a.id;
}

void own_map(int fd, uint32_t ioas, void *p, size_t length, uint64_t iova)
{
    IoasMap m = {
        .size = sizeof(m),
        .flags = MAP_RW_FIXED,
        .ioas = ioas,
        .user = (uintptr_t)p,
        .length = length,
        .iova = iova,
    };

    CHECK(ioctl(fd, IOAS_MAP, &m) == 0);
}

uint32_t own_next_id(int fd)
{
    Destroy d = { .size = sizeof(d), .id = own_ioas(fd) };

    CHECK(ioctl(fd, DESTROY, &d) == 0);
    return d.id;
}

int own_device(int iommufd, uint32_t *dev)
{
    int fd = open("/dev/vfio/devices/vfio0", O_RDWR);
    Bind b = { .argsz = sizeof(b), .iommufd = iommufd };

    CHECK(fd >= 0);
    CHECK(ioctl(fd, VFIO_BIND, &b) == 0);
    *dev = b.dev;
    return fd;
}

void own_control(int device, uint32_t pasid, uint32_t ask)
{
    const uint32_t words[2] = { pasid, ask };

    CHECK(pwrite(device, words, sizeof(words), CONTROL) == sizeof(words));
}

void *own_pages(size_t length)
{
    void *p = mmap(NULL, length, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    CHECK(p != MAP_FAILED);
    return p;
}

void *own_wild(void)
{
    void *p = own_pages(PAGE);

    CHECK(munmap(p, PAGE) == 0);
    return p;
}
