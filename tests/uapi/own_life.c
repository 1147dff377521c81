/*
 * Descriptors of /dev/iommu as descriptors: who has them, and when they go.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "own.h"

static const char *self;

/* --- who has it --------------------------------------------------------- */

static void one_opening_one_table(void)
{
    int a = own_open(), b = own_open();

    CHECK(own_ioas(a) == 1);
    CHECK(own_ioas(a) == 2);
    CHECK(own_ioas(b) == 1);
}

static void dup_is_the_same_file(void)
{
    int a = own_open(), b = dup(a), c = fcntl(a, F_DUPFD_CLOEXEC, 900);

    CHECK(own_ioas(a) == 1);
    CHECK(close(a) == 0);
    CHECK(own_ioas(b) == 2);
    CHECK(dup2(c, a) == a);
    CHECK(close(b) == 0 && close(c) == 0);
    CHECK(own_ioas(a) == 3);
}

static void fork_is_the_same_file(void)
{
    int fd = own_open();
    pid_t pid = own_fork();

    if (pid == 0) {
        _exit((int)own_ioas(fd));
    }
    CHECK(own_wait(pid) == 1);
    CHECK(own_ioas(fd) == 2);
}

static void child_keeps_it_when_the_opener_is_gone(void)
{
    int go[2], out[2];
    uint32_t id = 0;
    pid_t pid;

    CHECK(pipe(go) == 0 && pipe(out) == 0);
    pid = own_fork();
    if (pid == 0) {
        int fd = own_open();
        char c;

        own_ioas(fd);
        if (fork() == 0) {
            close(go[1]);
            CHECK(read(go[0], &c, 1) == 0);
            id = own_ioas(fd);
            CHECK(write(out[1], &id, sizeof(id)) == sizeof(id));
        }
        _exit(0);
    }
    CHECK(own_wait(pid) == 0);
    close(go[0]);
    close(go[1]);
    close(out[1]);
    CHECK(read(out[0], &id, sizeof(id)) == sizeof(id));
    CHECK(id == 2);
}

static void exec_keeps_it(void)
{
    int fd = own_open();
    char number[16];
    pid_t pid;

    own_ioas(fd);
    snprintf(number, sizeof(number), "%d", fd);
    pid = own_fork();
    if (pid == 0) {
        execl(self, self, "--use", number, NULL);
        _exit(99);
    }
    CHECK(own_wait(pid) == 2);
    CHECK(own_ioas(fd) == 3);
}

static void cloexec_does_not(void)
{
    int fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);

    CHECK(fd >= 0);
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
    fd = own_open();
    CHECK(fcntl(fd, F_GETFD) == 0);
}

static void sent_to_another_process(void)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } c;
    struct iovec iov = { (char[]) { "x" }, 1 };
    struct msghdr msg = { .msg_iov = &iov,
                          .msg_iovlen = 1,
                          .msg_control = &c,
                          .msg_controllen = sizeof(c) };
    int sv[2], fd;
    pid_t pid;

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
    pid = own_fork();
    if (pid == 0) {             /* which never opened anything */
        CHECK(recvmsg(sv[1], &msg, 0) == 1);
        memcpy(&fd, CMSG_DATA(&c.head), sizeof(fd));
        _exit((int)own_ioas(fd));
    }
    fd = own_open();
    own_ioas(fd);
    c.head = (struct cmsghdr) { .cmsg_len = CMSG_LEN(sizeof(int)),
                                .cmsg_level = SOL_SOCKET,
                                .cmsg_type = SCM_RIGHTS };
    memcpy(CMSG_DATA(&c.head), &fd, sizeof(fd));
    CHECK(sendmsg(sv[0], &msg, 0) == 1);
    CHECK(own_wait(pid) == 2);
}

#define NOBODY  65534u

static void become_another_user(void)
{
    CHECK(setresgid(NOBODY, NOBODY, NOBODY) == 0);
    CHECK(setresuid(NOBODY, NOBODY, NOBODY) == 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void another_user_has_it_too(void)
{
    Attach a = { .argsz = sizeof(a) };
    int fd = own_open(), dev, status;
    uint32_t id, ioas;
    char c = 0;
    pid_t pid;

    if (geteuid() != 0) {
        own_skip("only root becomes another user");
    }
    dev = own_device(fd, &id);
    a.pt = ioas = own_ioas(fd);
    CHECK(ioctl(dev, VFIO_ATTACH, &a) == 0);
    pid = own_fork();
    if (pid == 0) {
        IoasAlloc more = { .size = sizeof(more) };
        char *p;

        become_another_user();
        if (ioctl(fd, IOAS_ALLOC, &more) && errno == EPERM) {
            _exit(2);
        }
        p = own_pages(PAGE);
        own_map(fd, ioas, p, PAGE, 0x10000);
        CHECK(pwrite(dev, "x", 1, 0x10000) == 1 && *p == 'x');
        p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        own_map(fd, ioas, p, PAGE, 0x20000);
        CHECK(pwrite(dev, "y", 1, 0x20000) == 1 && *p == 'y');
        CHECK(own_ioas(own_open()) == 1);
        _exit(0);
    }
    status = own_wait(pid);
    if (status == 2) {
        own_skip("root may not trace other users' processes here");
    }
    CHECK(status == 0);
    CHECK(pread(dev, &c, 1, 0x10000) == 1 && c == 'x');
}

static void another_user_without_it_is_refused(void)
{
    int fd = own_open();
    pid_t pid;

    if (geteuid() != 0) {
        own_skip("only root becomes another user");
    }
    pid = own_fork();
    if (pid == 0) {
        close(fd);
        become_another_user();
        CHECK_ERRNO(EACCES, open("/dev/iommu", O_RDWR));
        _exit(0);
    }
    CHECK(own_wait(pid) == 0);
    CHECK(own_ioas(fd) == 1);
}

static void *thread_main(void *arg)
{
    uintptr_t *n = arg;

    for (unsigned i = 0; i < 200; i++) {
        n[1] += own_ioas((int)n[0]) != 0;
    }
    return NULL;
}

static void threads_share_it(void)
{
    uintptr_t n[4][2];
    pthread_t t[4];
    int fd = own_open();

    for (unsigned i = 0; i < 4; i++) {
        n[i][0] = (uintptr_t)fd;
        n[i][1] = 0;
        CHECK(pthread_create(&t[i], NULL, thread_main, n[i]) == 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        CHECK(pthread_join(t[i], NULL) == 0 && n[i][1] == 200);
    }
    CHECK(own_ioas(fd) == 801);
}

/* --- when it goes ------------------------------------------------------- */

/* vfio0 can be bound once: whether it is free tells what was released. */
static bool device_free(void)
{
    int fd = own_open(), dev = open("/dev/vfio/devices/vfio0", O_RDWR);
    Bind b = { .argsz = sizeof(b), .iommufd = fd };
    bool ok = ioctl(dev, VFIO_BIND, &b) == 0;

    close(dev);
    close(fd);
    return ok;
}

static void last_close_releases(void)
{
    int fd = own_open(), dev, copy;
    uint32_t id;

    dev = own_device(fd, &id);
    copy = dup(dev);
    CHECK(close(dev) == 0);
    CHECK(!device_free());
    CHECK(close(copy) == 0);
    CHECK(device_free());
}

static void exit_releases(void)
{
    pid_t pid = own_fork();
    uint32_t id;

    if (pid == 0) {
        own_device(own_open(), &id);
        _exit(device_free());
    }
    CHECK(own_wait(pid) == 0);
    CHECK(device_free());
}

static void kill_releases(void)
{
    int up[2];
    pid_t pid;
    char c;

    CHECK(pipe(up) == 0);
    pid = own_fork();
    if (pid == 0) {
        uint32_t id;

        own_device(own_open(), &id);
        CHECK(write(up[1], "x", 1) == 1);
        for (;;) {
            pause();
        }
    }
    CHECK(read(up[0], &c, 1) == 1);
    CHECK(!device_free());
    kill(pid, SIGKILL);
    own_wait(pid);
    CHECK(device_free());
}

static void iommufd_closed_before_the_device(void)
{
    int fd = own_open();
    Attach a = { .argsz = sizeof(a) };
    char *p = own_pages(PAGE), buf[4] = "";
    uint32_t id;
    int dev = own_device(fd, &id);

    a.pt = own_ioas(fd);
    strcpy(p, "abc");
    own_map(fd, a.pt, p, PAGE, 0x10000);
    CHECK(ioctl(dev, VFIO_ATTACH, &a) == 0);
    CHECK(close(fd) == 0);
    CHECK(pread(dev, buf, 4, 0x10000) == 4 && strcmp(buf, "abc") == 0);
    CHECK(close(dev) == 0);
    CHECK(device_free());
}

static void queue_closed_after_the_iommufd(void)
{
    int fd = own_open();
    FaultAlloc f = { .size = sizeof(f) };
    Pgfault fault;

    CHECK(ioctl(fd, FAULT_ALLOC, &f) == 0);
    CHECK(close(fd) == 0);
    CHECK(read(f.fd, &fault, sizeof(fault)) <= 0);
    CHECK(close(f.fd) == 0);
}

/* --- pointers ----------------------------------------------------------- */

static void wild_pointers_are_efault(void)
{
    static const uintptr_t wild[] = {
        0,
        1,
        8,
        0xdead0000,
        (uintptr_t)-1,
        (uintptr_t)-4096,
        (uintptr_t)1 << 47,
        (uintptr_t)1 << 63,
    };
    int fd = own_open();

    for (unsigned i = 0; i < sizeof(wild) / sizeof(*wild); i++) {
        for (unsigned long nr = 0x80; nr < 0x95; nr++) {
            CHECK_ERRNO(EFAULT, ioctl(fd, IOC(nr), (void *)wild[i]));
        }
    }
    CHECK(own_ioas(fd) == 1);
}

static void structure_across_the_end_is_efault(void)
{
    int fd = own_open();
    char *p = own_pages(2 * PAGE);
    uint32_t *size = (uint32_t *)(p + PAGE - 8);

    CHECK(munmap(p + PAGE, PAGE) == 0);
    *size = sizeof(IoasMap);
    CHECK_ERRNO(EFAULT, ioctl(fd, IOAS_MAP, size));
}

static void read_only_result_is_efault(void)
{
    int fd = own_open();
    IoasAlloc *a = own_pages(PAGE);
    FaultAlloc *f = (FaultAlloc *)a;

    a->size = sizeof(*a);
    CHECK(mprotect(a, PAGE, PROT_READ) == 0);
    CHECK_ERRNO(EFAULT, ioctl(fd, IOAS_ALLOC, a));
    CHECK(mprotect(a, PAGE, PROT_READ | PROT_WRITE) == 0);
    *f = (FaultAlloc) { .size = sizeof(*f) };
    CHECK(mprotect(a, PAGE, PROT_READ) == 0);
    CHECK_ERRNO(EFAULT, ioctl(fd, FAULT_ALLOC, f));
    CHECK(own_next_id(fd) == 1);
}

static void unknown_commands_are_enotty(void)
{
    int fd = own_open();
    char room[256] = { 64 };

    CHECK_ERRNO(ENOTTY, ioctl(fd, IOC(0x7f), room));
    CHECK_ERRNO(ENOTTY, ioctl(fd, IOC(0xff), room));
    CHECK_ERRNO(ENOTTY, ioctl(fd, IOC(0xa0), room));
}

static void other_descriptors_are_left_alone(void)
{
    IoasAlloc a = { .size = sizeof(a) };
    char c = 'x';
    int fd[2];

    own_open();
    CHECK(pipe(fd) == 0);
    CHECK_ERRNO(ENOTTY, ioctl(fd[0], IOAS_ALLOC, &a));
    CHECK_ERRNO(EBADF, ioctl(-1, IOAS_ALLOC, &a));
    CHECK(write(fd[1], &c, 1) == 1 && read(fd[0], &c, 1) == 1);
    CHECK_ERRNO(EBADF, read(-1, &c, 1));
    CHECK(open("/dev/vfio/devices/vfio999", O_RDWR) < 0 && errno == ENOENT);
    CHECK(open("/nowhere", O_RDONLY) < 0 && errno == ENOENT);
}

static void read_of_an_iommufd_is_einval(void)
{
    int fd = own_open();
    char c;

    CHECK_ERRNO(EINVAL, read(fd, &c, 1));
    CHECK_ERRNO(EINVAL, write(fd, &c, 1));
}

static void mmap_of_nothing_fails(void)
{
    int fd = own_open();

    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
    CHECK(errno == ENXIO || errno == EPERM || errno == EINVAL);
}

/* --- without its server ------------------------------------------------- */

static void server_gone_is_enodev(void)
{
    pid_t pid;
    int fd = own_open();

    /* The same, by a session of its own, whose server can be killed. */
    setenv("IM_IOMMUFD_SESSION", "own-victim", 1);
    pid = own_fork();
    if (pid == 0) {
        execl(self, self, "--victim", NULL);
        _exit(99);
    }
    CHECK(own_wait(pid) == 0);
    CHECK(own_ioas(fd) == 1);
}

/* --- what the others run ------------------------------------------------ */

static int use(int fd)
{
    return (int)own_ioas(fd);
}

static pid_t server_of(int fd)
{
    /* The other end was made by the server. */
    struct ucred cred;
    socklen_t len = sizeof(cred);

    CHECK(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0);
    return cred.pid;
}

static void everything_is_enodev(int fd)
{
    IoasAlloc a = { .size = sizeof(a) };
    struct iovec iov = { &a, sizeof(a) };

    CHECK_ERRNO(ENODEV, ioctl(fd, IOAS_ALLOC, &a));
    CHECK_ERRNO(ENODEV, (int)read(fd, &a, 1));
    CHECK_ERRNO(ENODEV, (int)write(fd, &a, 1));
    CHECK_ERRNO(ENODEV, (int)preadv(fd, &iov, 1, 0));
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
    CHECK(errno == ENODEV);
}

/* What came to stderr, and where that is a file from here on. */
static const char *complaints(int file)
{
    static char text[4096];
    ssize_t n = pread(file, text, sizeof(text) - 1, 0);

    CHECK(n >= 0);
    text[n] = '\0';
    return text;
}

static int victim(void)
{
    IoasAlloc a = { .size = sizeof(a) };
    int err = memfd_create("stderr", 0);
    int fd = own_open();
    pid_t server = server_of(fd);
    const char *line;

    own_ioas(fd);
    CHECK(dup2(err, STDERR_FILENO) == STDERR_FILENO);
    CHECK(server > 1 && server != getpid());
    CHECK(kill(server, SIGKILL) == 0);
    while (ioctl(fd, IOAS_ALLOC, &a) == 0) {
    }
    CHECK(errno == ENODEV);
    everything_is_enodev(fd);
    CHECK(own_ioas(own_open()) == 1);       /* by a new one */
    everything_is_enodev(fd);
    line = strstr(complaints(err), "the server of session own-victim has "
                                   "ended");
    CHECK(line && strstr(line, "ENODEV; open /dev/iommu anew\n"));
    CHECK(strchr(line, '\n')[1] == '\0');  /* once */
    return 0;
}

#define CASE(name)  { #name, name }

int main(int argc, char **argv)
{
    static const Case cases[] = {
        CASE(one_opening_one_table),
        CASE(dup_is_the_same_file),
        CASE(fork_is_the_same_file),
        CASE(child_keeps_it_when_the_opener_is_gone),
        CASE(exec_keeps_it),
        CASE(cloexec_does_not),
        CASE(sent_to_another_process),
        CASE(another_user_has_it_too),
        CASE(another_user_without_it_is_refused),
        CASE(threads_share_it),
        CASE(last_close_releases),
        CASE(exit_releases),
        CASE(kill_releases),
        CASE(iommufd_closed_before_the_device),
        CASE(queue_closed_after_the_iommufd),
        CASE(wild_pointers_are_efault),
        CASE(structure_across_the_end_is_efault),
        CASE(read_only_result_is_efault),
        CASE(unknown_commands_are_enotty),
        CASE(other_descriptors_are_left_alone),
        CASE(read_of_an_iommufd_is_einval),
        CASE(mmap_of_nothing_fails),
        CASE(server_gone_is_enodev),
    };

    self = argv[0];
    if (argc == 3 && strcmp(argv[1], "--use") == 0) {
        return use(atoi(argv[2]));
    }
    if (argc == 2 && strcmp(argv[1], "--victim") == 0) {
        return victim();
    }
    return own_run(cases, sizeof(cases) / sizeof(*cases));
}
