/*
 * The server as a library: im-iommufd is its main function with no extras,
 * tests/uapi's mock server is the same function with commands, devices and
 * files of its own.
 *
 * One thread. A request is one function call: FileOps of the open file that
 * the descriptor stands for. Nothing here keeps a caller beyond the call.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_IOMMUFD_SERVER_H
#define IM_IOMMUFD_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "im/im_iommufd.h"

typedef struct Server Server;
typedef struct File File;
typedef struct Process Process;     /* process.h */

/* Who calls: an address space, and the thread whose command it is. */
typedef struct Caller {
    ImIommufdCaller im;         /* as the engine knows it; opaque is this */
    Server *server;
    Process *process;
} Caller;

/* 0 or -EFAULT, all or nothing as far as the kernel can tell. */
int caller_read(const Caller *who, uint64_t addr, void *buf, size_t len);
int caller_write(const Caller *who, uint64_t addr, const void *buf, size_t len);
/* Its address space, as a source of the engine's port. */
void *caller_source(const Caller *who);

/* What an open file does. NULL: the error that Linux has for such a file. */
typedef struct FileOps {
    const char *name;
    bool stream;            /* no offsets: pread() is ESPIPE, at is 0 */
    /* request: the whole number, with direction and size. -ENOTTY: none. */
    int64_t (*ioctl)(File *f, const Caller *who, uint32_t request,
                     uint64_t arg);
    /* Bytes, or -errno. */
    int64_t (*read)(File *f, const Caller *who, uint64_t addr, size_t len,
                    uint64_t at);
    int64_t (*write)(File *f, const Caller *who, uint64_t addr, size_t len,
                     uint64_t at);
    /* A descriptor of memory to map, which stays the server's, and where in
     * it: *at. prot, flags: as mmap()'s. */
    int (*mmap)(File *f, const Caller *who, uint64_t offset, uint64_t len,
                int prot, int flags, uint64_t *at);
    /* As poll() tells; NULL: always, which is what Linux says of a file that
     * has no poll. */
    bool (*readable)(File *f);
    /* What MAP_FILE of it maps, as of a dma-buf: a descriptor of memory,
     * which stays the server's, and how many bytes. */
    int (*memory)(File *f, uint64_t *bytes);
    /* The last descriptor was closed. */
    void (*release)(File *f);
} FileOps;

/* Of an open file: what its maker handed in. */
void *file_data(const File *f);
const FileOps *file_ops(const File *f);
/* What readable() says may have changed: poll() is told. */
void file_changed(File *f);

/*
 * A new open file, whose descriptor goes to who calls with the reply to its
 * request; its number is written at @where, a 32-bit word of the caller's,
 * or nowhere if that is 0. Only within a call, WIRE_FDS at most. NULL: no
 * memory or descriptors, nothing happened. If the call fails after all, the
 * file is released.
 */
File *server_install(Server *s, const FileOps *ops, void *data, uint64_t where);
#define SERVER_RESULT  UINT64_MAX   /* @where: the request's result is it */
/* The open file that is descriptor @fd of the caller, or NULL. */
File *server_file(const Caller *who, int fd);
/* A copy of the caller's descriptor @fd, to be closed, or -EBADF. */
int server_getfd(const Caller *who, int fd);

/* The instance that every open /dev/iommu is a file of. */
ImIommufd *server_instance(Server *s);
/* The ImIommufdFile of an open /dev/iommu, or NULL. */
ImIommufdFile *server_iommufd(const File *f);
/* Counted, and failed when a failure was asked for (fail-nth); zeroed. */
void *server_alloc(Server *s, size_t bytes);
void server_free(Server *s, void *p, size_t bytes);
/* How many were made to fail. */
uint64_t server_failures(const Server *s);
/* Zeroed memory that im_iommufd_viommu_map() may be given; NULL: none. The
 * result is where the server has it. */
void *server_memory(Server *s, size_t bytes, ImIommufdMmap *m);
void server_memory_free(Server *s, const ImIommufdMmap *m);
/* The memory of a descriptor that a file's memory() told is nobody's any
 * more: what maps it leads nowhere. */
void server_revoke(Server *s, int fd);

/* What a program adds. Members may be NULL. */
typedef struct ServerExtras {
    size_t size; /* sizeof(ServerExtras) */
    const ImIommufdConfig *config; /* of the instance */
    /* The instance is there, no file is open yet. Its answer is handed to
     * stop(). */
    void *(*start)(Server *s);
    void (*stop)(Server *s, void *extra);
    /* An option of the command line that the server does not know: NAME and
     * VALUE of --NAME=VALUE. False: nor do I. Before start(). */
    bool (*option)(const char *name, const char *value);
    /* A command of /dev/iommu with a number that the engine does not know.
     * -ENOTTY: nor do I. */
    int64_t (*ioctl)(File *f, const Caller *who, uint32_t request,
                     uint64_t arg);
    /* A request to an open /dev/iommu, whoever obeys it, before it is obeyed
     * and with its result. */
    void (*before)(File *f, const Caller *who, uint32_t request, uint64_t arg);
    void (*after)(File *f, const Caller *who, uint32_t request, uint64_t arg,
                  int64_t result);
    /* The last descriptor of an open /dev/iommu is closed; before the file
     * is given up. */
    void (*closed)(File *f);
    /* A path that the server does not know is opened: 0 and an open file's
     * operations and data, or -errno; -ENOENT: nor do I. Paths reach the
     * server if they begin with /dev/iommu or /dev/vfio/. */
    int (*open)(Server *s, const Caller *who, const char *path,
                const FileOps **ops, void **data);
} ServerExtras;

/* Of a program: its main function. extras may be NULL. */
int im_iommufd_server_main(int argc, char **argv, const ServerExtras *extras);

#endif
