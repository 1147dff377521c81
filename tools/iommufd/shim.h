/*
 * The preloaded library, inside.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_IOMMUFD_SHIM_H
#define IM_IOMMUFD_SHIM_H

#include <dirent.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "wire.h"

/* What stands before the C library's. */
#define OURS  __attribute__((visibility("default")))

/* The C library's functions, below ours. */
typedef struct Real {
    int (*openat)(int dir, const char *path, int flags, ...);
    int (*ioctl)(int fd, unsigned long request, ...);
    ssize_t (*read)(int fd, void *buf, size_t len);
    ssize_t (*pread)(int fd, void *buf, size_t len, off_t at);
    ssize_t (*write)(int fd, const void *buf, size_t len);
    ssize_t (*pwrite)(int fd, const void *buf, size_t len, off_t at);
    ssize_t (*readv)(int fd, const struct iovec *iov, int n);
    ssize_t (*writev)(int fd, const struct iovec *iov, int n);
    ssize_t (*preadv)(int fd, const struct iovec *iov, int n, off_t at);
    ssize_t (*pwritev)(int fd, const struct iovec *iov, int n, off_t at);
    ssize_t (*preadv2)(int fd, const struct iovec *iov, int n, off_t at,
                       int flags);
    ssize_t (*pwritev2)(int fd, const struct iovec *iov, int n, off_t at,
                        int flags);
    ssize_t (*sendfile)(int out, int in, off_t *at, size_t len);
    ssize_t (*splice)(int in, off_t *in_at, int out, off_t *out_at, size_t len,
                      unsigned flags);
    int (*epoll_ctl)(int epfd, int op, int fd, struct epoll_event *event);
    void *(*mmap)(void *addr, size_t len, int prot, int flags, int fd,
                  off_t at);
    FILE *(*fopen)(const char *path, const char *mode);
    FILE *(*fdopen)(int fd, const char *mode);
    int (*fstat)(int fd, struct stat *st);
    int (*fstatat)(int dir, const char *path, struct stat *st, int flags);
    int (*statx)(int dir, const char *path, int flags, unsigned mask,
                 struct statx *st);
    int (*vdprintf)(int fd, const char *format, va_list args);
    DIR *(*opendir)(const char *path);
} Real;

const Real *real(void);

/* A request to the server of a session and its reply. start: run one if
 * there is none. fds: WIRE_FDS. 0, or -errno if nobody answered. */
int shim_call(const char *session, bool start, const WireRequest *req,
              WireReply *reply, int *fds);
/* This process, or one that it was forked from, had an answer. */
bool shim_connected(void);
/* The session of this process and its children. */
const char *shim_session(void);
/* Run a server that listens at the session's name: 0, -EADDRINUSE somebody
 * does already, -errno. */
int shim_start(const char *session);

/* One line on the program's stderr. */
__attribute__((format(printf, 1, 2))) void shim_say(const char *format, ...);

/* A request of this thread. */
WireRequest shim_request(uint32_t op, uint64_t file, int fd);
/* -1 and errno. */
int64_t shim_fail(int64_t ret);
/* A descriptor of the device at @path, -1 with errno, or -2: there is none
 * of ours. */
int shim_open(const char *path, int flags);

/* For Linux's tests, and only if the environment asks for it (shim_fake.c). */
const char *fake_path(const char *path, char *room, size_t size);
bool fake_fail_nth(const char *path);
FILE *fake_status(const char *path);

#endif
