/*
 * What the preloaded library and the server say to each other.
 *
 * A process talks to the server over a connection of its own, one request and
 * one reply at a time; requests are packets of this size and no other. A
 * descriptor that stands for an open file is one end of a socket pair whose
 * other end, the server's, is bound to the abstract name that the library
 * asks for with getpeername():
 *
 *     im-iommufd/SESSION/FILE     FILE-poll for those that Linux can poll
 *
 * so a descriptor tells by itself, after dup, fork, exec and SCM_RIGHTS, that
 * it is one of ours, whose it is and which one. The server of a session
 * listens at im-iommufd/SESSION.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_IOMMUFD_WIRE_H
#define IM_IOMMUFD_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#define WIRE_PREFIX     "im-iommufd/"
#define WIRE_SESSION    16      /* longest name of a session */
#define WIRE_ENV        "IM_IOMMUFD_SESSION"
#define WIRE_PATH       64      /* longest path that names a device, with 0 */
#define WIRE_FDS        2
#define WIRE_RESULT     UINT64_MAX      /* an address: it is the result */
#define WIRE_HERE       UINT64_MAX      /* an offset: where the file is */
#define WIRE_MAGIC      0x31666d69u     /* "imf1" */

enum {
    WIRE_HELLO,         /* value: the server's pid, which is to read memory.
                           A descriptor of a file comes with it, which lets
                           in who else would be refused: -EACCES */
    WIRE_CHECK,         /* arg: the address of a word that holds WIRE_MAGIC */
    WIRE_OPEN,          /* path */
    WIRE_IOCTL,         /* file; number: request; arg */
    WIRE_READ,          /* file; arg, number: bytes; more: offset */
    WIRE_WRITE,         /* file; arg, number: bytes; more: offset */
    WIRE_READV,         /* file; arg, number: iovecs; more: offset; flags */
    WIRE_WRITEV,        /* file; arg, number: iovecs; more: offset; flags */
    WIRE_MMAP,          /* file; arg: offset, number: bytes, more: PROT_* and
                           MAP_* << 32; value: offset in the descriptor */
    WIRE_INSTALLED,     /* file: is the caller's fd; no reply */
    WIRE_MAPPED,      /* what WIRE_MMAP brought is mapped, or not; no reply */
    WIRE_CHARGED,      /* number: a pid; value, extra: pages pinned, locked */
};

typedef struct WireRequest {
    uint32_t magic;
    uint32_t op;
    uint64_t file;
    uint64_t number;
    uint64_t arg;
    uint64_t more;
    int32_t fd;         /* the caller's number for the file */
    uint32_t tid;
    uint32_t flags;     /* of preadv2() and pwritev2() */
    uint32_t reserved;
    char path[WIRE_PATH];
} WireRequest;

enum {
    WIRE_GONE = 1,      /* there is no such file any more */
};

/* Descriptors come with it, one for each address: its number is to be
 * written there, as a 32-bit word, if the address is not 0. */
typedef struct WireReply {
    int64_t value;      /* or -errno */
    uint32_t flags;
    uint32_t fds;
    uint64_t where[WIRE_FDS];
    uint64_t file[WIRE_FDS];
    uint64_t extra;
} WireReply;

/* What a descriptor tells of its file. */
typedef struct WireFile {
    uint64_t id;
    bool polls;         /* Linux's has a poll of its own */
    char session[WIRE_SESSION + 1];
} WireFile;

/* The name of a session, and of a file of it if the id is not 0. */
socklen_t wire_name(struct sockaddr_un *name, const WireFile *f);
/* Which file a descriptor is; false: none of ours. */
bool wire_file(int fd, WireFile *f);

#endif
