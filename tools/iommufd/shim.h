/*
 * The preloaded library, inside.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_IOMMUFD_SHIM_H
#define IM_IOMMUFD_SHIM_H

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "wire.h"

/* The C library's functions, below ours. */
typedef struct Real {
    int (*openat)(int dir, const char *path, int flags, ...);
    int (*ioctl)(int fd, unsigned long request, ...);
    ssize_t (*read)(int fd, void *buf, size_t len);
    ssize_t (*pread)(int fd, void *buf, size_t len, off_t at);
    ssize_t (*write)(int fd, const void *buf, size_t len);
    ssize_t (*pwrite)(int fd, const void *buf, size_t len, off_t at);
    void *(*mmap)(void *addr, size_t len, int prot, int flags, int fd,
                  off_t at);
    FILE *(*fopen)(const char *path, const char *mode);
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
__attribute__((format(printf, 1, 2)))
void shim_say(const char *format, ...);

/* The file that a descriptor is, 0: not ours. */
uint64_t shim_file(int fd, char session[WIRE_SESSION + 1]);
/* Bytes or -errno, as the server's FileOps say; waits if it may. */
ssize_t shim_transfer(uint32_t op, const char *session, uint64_t file, int fd,
                      const void *buf, size_t len, uint64_t at);

/* For Linux's tests, and only if the environment asks for it (shim_fake.c). */
const char *fake_path(const char *path, char *room, size_t size);
bool fake_fail_nth(const char *path);
FILE *fake_status(const char *path);

#endif
