/*
 * What hostile programs do with descriptors of /dev/iommu, and what they send
 * to the server.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "own.h"

static int raw_connection(void)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    int n = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1,
                     "im-iommufd/%s", getenv("IM_IOMMUFD_SESSION"));

    CHECK(connect(fd, (struct sockaddr *)&name,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
                              (size_t)n)) == 0);
    return fd;
}

static void garbage_to_the_server_harms_nobody_else(void)
{
    int fd = own_open();
    unsigned seed = 1;

    for (unsigned i = 0; i < 500; i++) {
        int raw = raw_connection();
        uint8_t junk[256];
        size_t len = i % sizeof(junk);

        for (size_t k = 0; k < sizeof(junk); k++) {
            junk[k] = (uint8_t)rand_r(&seed);
        }
        if (i % 2) {            /* a request's first words, then anything */
            memcpy(junk, "imf1", 4);
            memcpy(junk + 4, (uint32_t[]) { i / 2 % 14 }, 4);
            len = 120;
        }
        (void)!send(raw, junk, len, MSG_NOSIGNAL);
        close(raw);
    }
    CHECK(own_ioas(fd) == 1);
}

/* A packet with descriptors: what they are of must not stay open. */
static void send_with(int sock, const void *packet, size_t len, int fd,
                      unsigned count)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(8 * sizeof(int))];
    } c;
    struct iovec iov = { (void *)(uintptr_t)packet, len };
    struct msghdr msg = { .msg_iov = &iov,
                          .msg_iovlen = 1,
                          .msg_control = &c,
                          .msg_controllen = CMSG_SPACE(count * sizeof(int)) };

    c.head = (struct cmsghdr) { .cmsg_len = CMSG_LEN(count * sizeof(int)),
                                .cmsg_level = SOL_SOCKET,
                                .cmsg_type = SCM_RIGHTS };
    for (unsigned i = 0; i < count; i++) {
        memcpy(CMSG_DATA(&c.head) + i * sizeof(int), &fd, sizeof(fd));
    }
    (void)!sendmsg(sock, &msg, MSG_NOSIGNAL);
}

static void descriptors_for_the_server_are_closed(void)
{
    int fd = own_open(), out[2];
    char c;

    CHECK(pipe(out) == 0);
    for (uint32_t i = 0; i < 8 * 14; i++) {
        uint32_t packet[30] = { 0x31666d69, i / 8 };
        int raw = raw_connection();

        send_with(raw, packet, i % 3 ? sizeof(packet) : 5, out[1], i % 8 + 1);
        close(raw);
    }
    CHECK(own_ioas(fd) == 1);
    close(out[1]);
    CHECK(read(out[0], &c, 1) == 0);
}

static void garbage_in_descriptors_is_ignored(void)
{
    int fd = own_open();
    char junk[64] = "junk";
    FaultAlloc f = { .size = sizeof(f) };

    CHECK(ioctl(fd, FAULT_ALLOC, &f) == 0);
    for (unsigned i = 0; i < 300; i++) {
        (void)!send(fd, junk, sizeof(junk), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (i < 3) {            /* past the library */
            (void)!syscall(SYS_write, f.fd, junk, sizeof(junk));
        }
    }
    CHECK(own_ioas(fd) == 2);
}

static void shut_down_descriptor_is_closed(void)
{
    int fd = own_open();
    IoasAlloc a = { .size = sizeof(a) };

    CHECK(shutdown(fd, SHUT_RDWR) == 0);
    CHECK(ioctl(fd, IOAS_ALLOC, &a) < 0);
    CHECK(own_ioas(own_open()) == 1);
}

static void descriptors_run_out(void)
{
    int fds[400];
    unsigned n = 0;

    while (n < 400 && (fds[n] = open("/dev/iommu", O_RDWR)) >= 0) {
        n++;
    }
    CHECK(n == 400);
    while (n) {
        CHECK(own_ioas(fds[--n]) == 1);
        close(fds[n]);
    }
}

static void opens_and_maps_for_ever(int out)
{
    for (;;) {
        int fd = open("/dev/iommu", O_RDWR);
        IoasAlloc a = { .size = sizeof(a) };

        (void)!write(out, "x", 1);
        ioctl(fd, IOAS_ALLOC, &a);
        own_map(fd, a.id, own_pages(64 * PAGE), 64 * PAGE, 1 << 20);
        close(fd);
    }
}

static void killed_in_the_middle(void)
{
    int fd = own_open();

    for (unsigned i = 0; i < 40; i++) {
        int out[2];
        pid_t pid;
        char c;

        CHECK(pipe(out) == 0);
        pid = own_fork();
        if (pid == 0) {
            opens_and_maps_for_ever(out[1]);
        }
        for (unsigned k = 0; k <= i; k++) {
            CHECK(read(out[0], &c, 1) == 1);
        }
        kill(pid, SIGKILL);
        own_wait(pid);
        close(out[0]);
        close(out[1]);
    }
    CHECK(own_ioas(fd) == 1);
}

static void huge_sizes_are_errors(void)
{
    static const struct {
        uint64_t user, length, iova;
    } rows[] = {
        { PAGE, UINT64_MAX, PAGE },
        { UINT64_MAX - PAGE + 1, PAGE, PAGE },
        { PAGE, UINT64_MAX - PAGE + 1, 0 },
        { 0, (uint64_t)1 << 62, 0 },
        { PAGE, (uint64_t)1 << 46, (uint64_t)1 << 63 },
    };
    volatile size_t length = SIZE_MAX / 2;
    int fd = own_open();
    uint32_t id, ioas = own_ioas(fd);
    int dev = own_device(fd, &id);
    Attach a = { .argsz = sizeof(a), .pt = ioas };

    CHECK(ioctl(dev, VFIO_ATTACH, &a) == 0);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        IoasMap m = {
            .size = sizeof(m),
            .flags = MAP_RW_FIXED,
            .ioas = ioas,
            .user = rows[i].user,
            .length = rows[i].length,
            .iova = rows[i].iova,
        };

        CHECK(ioctl(fd, IOAS_MAP, &m) < 0);
    }
    CHECK(pread(dev, &id, length, 0x1000) < 0);
}

#define CASE(name)  { #name, name }

int main(void)
{
    static const Case cases[] = {
        CASE(garbage_to_the_server_harms_nobody_else),
        CASE(descriptors_for_the_server_are_closed),
        CASE(garbage_in_descriptors_is_ignored),
        CASE(shut_down_descriptor_is_closed),
        CASE(descriptors_run_out),
        CASE(killed_in_the_middle),
        CASE(huge_sizes_are_errors),
    };

    return own_run(cases, sizeof(cases) / sizeof(*cases));
}
