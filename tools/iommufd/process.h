/*
 * Memory of other processes: where mappings take it from, what page is
 * where, and its bytes.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_IOMMUFD_PROCESS_H
#define IM_IOMMUFD_PROCESS_H

#include <glib.h>
#include <sys/types.h>

#include "im/im_iommufd.h"

typedef struct Process Process;
typedef struct Memory Memory;

/* Every process and every piece of shared memory that somebody holds. */
typedef struct World {
    GHashTable *processes;      /* by pid, the living */
    GHashTable *memories;       /* by device and inode */
    uint64_t max_pages;         /* that one source has pinned */
} World;

/* What the engine calls a source: a Process or a Memory begins with it. */
typedef struct Source {
    World *world;
    uint64_t refs;
    bool is_process;
} Source;

/* What the engine calls an object: shared memory, or what is one process's
 * own. */
struct Memory {
    Source source;
    Process *owner;             /* private: whose; offsets are addresses */
    uint64_t dev;
    uint64_t ino;
    int fd;                     /* -1: only by who maps it */
    bool writable;              /* fd */
    GArray *places;             /* Place: who maps it */
};

struct Process {
    Source source;
    pid_t pid;
    int pidfd;
    int maps;
    bool no_query;              /* an old kernel: the text of maps */
    Memory own;
};

void world_init(World *w);
void world_free(World *w);

/* By pid, held; anew if the pid or its memory is another one by now. NULL:
 * it cannot be looked into. */
Process *process_get(World *w, pid_t pid);
/* The same, not made and not held. */
Process *process_find(World *w, pid_t pid);

void source_hold(Source *s);
void source_drop(Source *s);

/* 0 or -EFAULT; -EPERM: the system does not let us. */
int process_read(const Process *p, uint64_t addr, void *buf, size_t len);
int process_write(const Process *p, uint64_t addr, const void *buf, size_t len);
/* A copy of its descriptor, to be closed, or -EBADF. */
int process_getfd(const Process *p, int fd);

/* The memory behind a descriptor, which is taken over: held, or NULL and
 * errno. Of what has none too: nothing of it can be pinned. */
Memory *memory_of_fd(World *w, int fd, uint64_t *bytes);

/* As ImIommufdPort says. */
int source_pin(Source *s, uint64_t addr, uint64_t length, bool write,
               ImIommufdExtent *extent);
void memory_unpin(const ImIommufdExtent *extent);
int memory_read(Memory *m, uint64_t at, void *buf, size_t len);
int memory_write(Memory *m, uint64_t at, const void *buf, size_t len);

/* vma.c: one mapping of a process. */
typedef struct Vma {
    uint64_t start;
    uint64_t end;
    uint64_t offset;
    uint64_t dev;
    uint64_t ino;
    bool readable;
    bool writable;
    bool shared;
} Vma;

/* What is mapped at addr. -EFAULT: nothing, or the memory is gone. */
int vma_at(Process *p, uint64_t addr, Vma *vma);
/* Where a process maps an offset of shared memory. -EFAULT: nowhere. */
int vma_of(Process *p, uint64_t dev, uint64_t ino, uint64_t offset,
           uint64_t *addr);
/* Whether the process is still the one that it was. */
bool vma_alive(const Process *p);

#endif
