/*
 * The server, inside.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_IOMMUFD_INTERNAL_H
#define IM_IOMMUFD_INTERNAL_H

#include <glib.h>
#include <sys/types.h>

#include "process.h"
#include "server.h"
#include "wire.h"

typedef struct Client Client;

struct Server {
    char session[WIRE_SESSION + 1];
    int listener;
    int spare;             /* given up to refuse one when there are no more */
    int epoll;              /* listener, clients, hups */
    int hups;               /* another epoll: open files */
    unsigned clients;
    bool seen;              /* somebody was here */
    bool privileged;        /* everybody may do what root may */
    GHashTable *files;      /* by id */
    uint64_t next_file;
    World world;
    GPtrArray *devices;     /* vfio.c */
    GPtrArray *shared;      /* memory that callers map, port.c */
    GHashTable *nth;        /* tid: allocation that is to fail, nth.c */
    uint64_t now;
    ImIommufd *im;
    const ServerExtras *extras;
    void *extra;

    uint64_t failures;      /* allocations that were made to fail */

    /* The call that is being obeyed. */
    uint64_t *failing;      /* counts down, or NULL */
    unsigned installs;
    File *installed[WIRE_FDS];
    int ends[WIRE_FDS];     /* the caller's descriptors */
    uint64_t where[WIRE_FDS];
};

struct File {
    Server *server;
    const FileOps *ops;
    void *data;
    uint64_t id;
    int sock;
    int flags;              /* as it was opened: O_ACCMODE */
    uint64_t pos;           /* of what is read and written in turn */
    Process *holder;        /* who was last seen to have it, by what number */
    int holder_fd;
};

/* file.c */
File *file_find(Server *s, uint64_t id);
/* The open file that a descriptor, which we have too, is; or NULL. */
File *file_of(Server *s, int fd);
/* Who asks has it: there the packet can be taken back. */
void file_seen(File *f, Process *p, int fd);
/* Those whose descriptors are all closed are released. */
void files_hung_up(Server *s);
void files_free(Server *s);
/* The descriptors are on their way, or not: ours are closed. */
void file_ends_close(Server *s);

/* detach.c */
/* Keep the listening socket, stdin, stdout and stderr, and no more. */
void detach_begin(int listener);
/* Nobody's child from here on, and stderr is the log. False: *err. */
bool detach(char **err);

/* transfer.c */
int64_t file_transfer(File *f, const Caller *who, const WireRequest *req);

/* client.c */
void client_accept(Server *s);
void client_event(Server *s, Client *c);
extern const FileOps iommu_file;

/* port.c */
extern const ImIommufdPort server_port;
/* Memory that nobody maps any more. */
void port_unmapped(Server *s);
int port_map(Server *s, File *f, Process *p, uint64_t offset, ImIommufdMmap *m);
/* The process has mapped the first of what it was given, or all of that. */
void port_arrived(Server *s, Process *p, bool all);

/* nth.c */
int nth_open(Server *s, const Caller *who, const char *path,
             const FileOps **ops, void **data);
/* The counter of a thread, or NULL. */
uint64_t *nth_of(Server *s, uint32_t tid);

/* vfio.c */
/* NAME=VALUE,...; false: *err says why. */
bool vfio_option(Server *s, const char *value, char **err);
bool vfio_start(Server *s, char **err);
void vfio_stop(Server *s);
int vfio_open(Server *s, const Caller *who, const char *path,
              const FileOps **ops, void **data);

#endif
