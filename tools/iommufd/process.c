/*
 * Processes and their memory.
 *
 * A page is known by what it is a page of: shared memory by device, inode
 * and offset, so that two processes, or a process and a file, that have it
 * have the same; private memory by process and address. Its bytes are read
 * and written through a descriptor of the memory if there is one, else
 * through a process that maps it.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "process.h"

#define PAGE        IM_IOMMUFD_PAGE
#define BATCH       1024u       /* IOV_MAX */
#define MAX_PLACES  16u
#define MAX_MEMORIES 1024u      /* that nobody holds any more, or more do */

/* File systems whose pages stay where they are while a device has them. */
#define TMPFS_MAGIC      0x01021994
#define HUGETLBFS_MAGIC  0x958458f6

/* A process that maps a piece of shared memory. */
typedef struct Place {
    Process *process;
    uint64_t addr;
    uint64_t offset;
    uint64_t length;
} Place;

typedef struct Key {
    uint64_t dev;
    uint64_t ino;
} Key;

static guint process_key_hash(gconstpointer p)
{
    const Key *k = p;

    return (guint)(k->ino * 31 + k->dev);
}

static gboolean process_key_equal(gconstpointer a, gconstpointer b)
{
    const Key *x = a, *y = b;

    return x->dev == y->dev && x->ino == y->ino;
}

static void process_memory_free(gpointer data);

void world_init(World *w)
{
    w->processes = g_hash_table_new(g_direct_hash, g_direct_equal);
    w->memories = g_hash_table_new_full(process_key_hash, process_key_equal,
                                        NULL, process_memory_free);
    w->max_pages = (uint64_t)sysconf(_SC_PHYS_PAGES);
}

void world_free(World *w)
{
    g_hash_table_destroy(w->processes);
    g_hash_table_destroy(w->memories);
}

/* --- processes ---------------------------------------------------------- */

static gpointer process_pid_key(pid_t pid)
{
    return GINT_TO_POINTER(pid);
}

Process *process_find(World *w, pid_t pid)
{
    return g_hash_table_lookup(w->processes, process_pid_key(pid));
}

Process *process_get(World *w, pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/maps", pid);
    Process *p = process_find(w, pid);
    int pidfd;

    if (p && vma_alive(p)) {
        p->source.refs++;
        return p;
    }
    pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) {
        return NULL;
    }
    p = g_new0(Process, 1);
    p->source = (Source) { w, 1, true };
    p->pid = pid;
    p->pidfd = pidfd;
    p->maps = open(path, O_RDONLY | O_CLOEXEC);
    p->own = (Memory) { .source = { w, 0, false }, .owner = p, .fd = -1 };
    g_hash_table_replace(w->processes, process_pid_key(pid), p);
    return p;
}

static void process_free(Process *p)
{
    World *w = p->source.world;

    if (process_find(w, p->pid) == p) {
        g_hash_table_remove(w->processes, process_pid_key(p->pid));
    }
    close(p->pidfd);
    if (p->maps >= 0) {
        close(p->maps);
    }
    g_free(p);
}

static int process_copied(ssize_t n, size_t len)
{
    if (n == (ssize_t)len) {
        return 0;
    }
    return n < 0 && errno == EPERM ? -EPERM : -EFAULT;
}

int process_read(const Process *p, uint64_t addr, void *buf, size_t len)
{
    struct iovec to = { buf, len };
    struct iovec from = { (void *)(uintptr_t)addr, len };

    return len ? process_copied(process_vm_readv(p->pid, &to, 1, &from, 1, 0),
                                len) :
                 0;
}

int process_write(const Process *p, uint64_t addr, const void *buf, size_t len)
{
    struct iovec from = { (void *)(uintptr_t)buf, len };
    struct iovec to = { (void *)(uintptr_t)addr, len };

    return len ? process_copied(process_vm_writev(p->pid, &from, 1, &to, 1, 0),
                                len) :
                 0;
}

int process_getfd(const Process *p, int fd)
{
    int got = (int)syscall(SYS_pidfd_getfd, p->pidfd, fd, 0);

    return got < 0 ? -EBADF : got;
}

/* --- shared memory ------------------------------------------------------ */

static void process_place_clear(gpointer data)
{
    Place *p = data;

    source_drop(&p->process->source);
}

static Memory *process_memory_get(World *w, uint64_t dev, uint64_t ino)
{
    Key key = { dev, ino };
    Memory *m = g_hash_table_lookup(w->memories, &key);

    if (!m) {
        m = g_new0(Memory, 1);
        m->source = (Source) { w, 0, false };
        m->dev = dev;
        m->ino = ino;
        m->fd = -1;
        m->places = g_array_new(FALSE, FALSE, sizeof(Place));
        g_array_set_clear_func(m->places, process_place_clear);
        g_hash_table_insert(w->memories, &m->dev, m);
    }
    m->source.refs++;
    return m;
}
G_STATIC_ASSERT(G_STRUCT_OFFSET(Memory, ino) ==
                G_STRUCT_OFFSET(Memory, dev) + sizeof(uint64_t));

static void process_memory_free(gpointer data)
{
    Memory *m = data;

    if (m->fd >= 0) {
        close(m->fd);
    }
    g_array_unref(m->places);
    g_free(m);
}

static gboolean process_is_idle(gpointer key, gpointer m, gpointer opaque)
{
    (void)key, (void)opaque;
    return ((Memory *)m)->source.refs == 0;
}

/* It stays for a while, with nothing: that it is the same memory, should it
 * be met again, may be asked. */
static void process_memory_idle(Memory *m)
{
    World *w = m->source.world;

    if (m->fd >= 0) {
        close(m->fd);
        m->fd = -1;
    }
    m->writable = false;
    g_array_set_size(m->places, 0);
    if (g_hash_table_size(w->memories) > MAX_MEMORIES) {
        g_hash_table_foreach_remove(w->memories, process_is_idle, NULL);
    }
}

void source_hold(Source *s)
{
    s->refs++;
}

void source_drop(Source *s)
{
    if (--s->refs) {
        return;
    }
    if (s->is_process) {
        process_free((Process *)s);
    } else {
        process_memory_idle((Memory *)s);
    }
}

/* Pins of private memory hold its process. */
static Source *process_holder(Memory *m)
{
    return m->owner ? &m->owner->source : &m->source;
}

/* Have a descriptor, the better one of two. */
static void process_memory_offer(Memory *m, int fd)
{
    bool writable = (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR;

    if (m->fd >= 0 && (m->writable || !writable)) {
        close(fd);
        return;
    }
    if (m->fd >= 0) {
        close(m->fd);
    }
    m->fd = fd;
    m->writable = writable;
}

Memory *memory_of_fd(World *w, int fd, uint64_t *bytes)
{
    struct stat st;
    Memory *m;

    if (fstat(fd, &st) < 0 || (fcntl(fd, F_GETFL) & O_PATH)) {
        close(fd);
        errno = EBADF;
        return NULL;
    }
    *bytes = UINT64_MAX;        /* pinning looks at the size of the moment */
    m = process_memory_get(w, st.st_dev, st.st_ino);
    if (S_ISREG(st.st_mode)) {
        process_memory_offer(m, fd);
    } else {
        close(fd);              /* what has no memory: pinning fails */
    }
    return m;
}

/* The memory of a mapping by the link that the system has for it; who may
 * not have that reads it through those who map it. */
static void process_memory_of_map(Memory *m, const Process *p, const Vma *v)
{
    char path[80];
    struct stat st;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64,
             p->pid, v->start, v->end);
    if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_dev != v->dev ||
        st.st_ino != v->ino) {
        return;
    }
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (fd >= 0) {
        process_memory_offer(m, fd);
    }
}

static void process_memory_place(Memory *m, Process *p, const Vma *v)
{
    Place place = { p, v->start, v->offset, v->end - v->start };

    for (guint i = 0; i < m->places->len; i++) {
        Place *old = &g_array_index(m->places, Place, i);

        if (old->process == p && old->addr == v->start) {
            old->offset = place.offset;
            old->length = place.length;
            return;
        }
    }
    if (m->places->len == MAX_PLACES) {
        g_array_remove_index(m->places, 0);
    }
    p->source.refs++;
    g_array_append_val(m->places, place);
}

/* --- pins --------------------------------------------------------------- */

/* How many pages from addr on are there to be read, counted by touching
 * them. */
static uint64_t process_probe(const Process *p, uint64_t addr, uint64_t pages)
{
    struct iovec from[BATCH];
    char bytes[BATCH];
    uint64_t done = 0;

    while (done < pages) {
        unsigned n = (unsigned)MIN(pages - done, BATCH);
        struct iovec to = { bytes, n };
        ssize_t got;

        for (unsigned i = 0; i < n; i++) {
            from[i].iov_base = (void *)(uintptr_t)(addr + (done + i) * PAGE);
            from[i].iov_len = 1;
        }
        got = process_vm_readv(p->pid, &to, 1, from, n, 0);
        if (got > 0) {
            done += (uint64_t)got;
        }
        if (got != (ssize_t)n) {
            break;
        }
    }
    return done;
}

static int process_pin(Process *p, uint64_t addr, uint64_t length, bool write,
                       ImIommufdExtent *extent)
{
    Memory *m = &p->own;
    uint64_t at = addr;
    uint64_t pages;
    Vma v;

    if (vma_at(p, addr, &v) || !v.readable || (write && !v.writable)) {
        return -EFAULT;
    }
    if (p->source.refs > p->source.world->max_pages) {
        return -ENOMEM;
    }
    pages = process_probe(p, addr,
                          MIN(MIN(length, v.end - addr) / PAGE,
                              p->source.world->max_pages));
    if (!pages) {
        return -EFAULT;
    }
    if (v.shared && v.ino) {
        m = process_memory_get(p->source.world, v.dev, v.ino);
        at = v.offset + (addr - v.start);
        if (m->fd < 0 || (write && !m->writable)) {
            process_memory_of_map(m, p, &v);
        }
        if (m->fd < 0 || (write && !m->writable)) {
            process_memory_place(m, p, &v);
        }
        m->source.refs--;       /* what the extent adds keeps it */
    }
    process_holder(m)->refs += pages;
    extent->page = (ImIommufdPage) { m, at };
    extent->length = pages * PAGE;
    return 0;
}

/* As Linux does, this looks neither at seals nor at how the file was opened,
 * and at whole pages only: what cannot be written is found out by writing. */
static int process_file_pin(Memory *m, uint64_t addr, uint64_t length,
                            ImIommufdExtent *extent)
{
    struct statfs fs;
    struct stat st;
    uint64_t size;

    if (m->fd < 0 || fstatfs(m->fd, &fs) < 0 || fstat(m->fd, &st) < 0 ||
        (fs.f_type != TMPFS_MAGIC && fs.f_type != HUGETLBFS_MAGIC)) {
        return -EINVAL;
    }
    size = (uint64_t)st.st_size & ~(PAGE - 1);
    if (addr >= size) {
        return -EINVAL;
    }
    if (m->source.refs > m->source.world->max_pages) {
        return -ENOMEM;
    }
    extent->page = (ImIommufdPage) { m, addr };
    extent->length = MIN(MIN(length, size - addr),
                         m->source.world->max_pages * PAGE);
    m->source.refs += extent->length / PAGE;
    return 0;
}

int source_pin(Source *s, uint64_t addr, uint64_t length, bool write,
               ImIommufdExtent *extent)
{
    return s->is_process ?
               process_pin((Process *)s, addr, length, write, extent) :
               process_file_pin((Memory *)s, addr, length, extent);
}

void memory_unpin(const ImIommufdExtent *extent)
{
    Source *s = process_holder(extent->page.object);

    s->refs -= extent->length / PAGE - 1;
    source_drop(s);
}

/* --- bytes -------------------------------------------------------------- */

/* Through the descriptor; a file is not made longer by it. */
static bool process_by_fd(const Memory *m, uint64_t at, void *buf, size_t len,
                          bool write)
{
    struct stat st;
    ssize_t n;

    if (m->fd < 0 || (write && !m->writable) || fstat(m->fd, &st) < 0 ||
        at + len > ((uint64_t)st.st_size + PAGE - 1) / PAGE * PAGE) {
        return false;
    }
    if (write) {
        n = pwrite(m->fd, buf, len, (off_t)at);
    } else {
        n = pread(m->fd, buf, len, (off_t)at);
        if (n >= 0 && (size_t)n < len) {
            memset((char *)buf + n, 0, len - (size_t)n);
            n = (ssize_t)len;
        }
    }
    return n == (ssize_t)len;
}

static int process_one_access(const Process *p, uint64_t addr, void *buf,
                              size_t len, bool write)
{
    return write ? process_write(p, addr, buf, len) :
                   process_read(p, addr, buf, len);
}

/* Through a process: where it is still the same memory. */
static bool process_by_process(const Memory *m, Process *p, uint64_t addr,
                               uint64_t at, void *buf, size_t len, bool write)
{
    Vma v;

    return vma_alive(p) && vma_at(p, addr, &v) == 0 && v.shared &&
           v.dev == m->dev && v.ino == m->ino &&
           v.offset + (addr - v.start) == at &&
           process_one_access(p, addr, buf, len, write) == 0;
}

static bool process_by_anybody(Memory *m, uint64_t at, void *buf, size_t len,
                               bool write)
{
    GHashTableIter it;
    gpointer p;

    for (guint i = 0; i < m->places->len; i++) {
        const Place *place = &g_array_index(m->places, Place, i);

        if (at >= place->offset && at - place->offset < place->length &&
            process_by_process(m, place->process,
                               place->addr + at - place->offset, at, buf, len,
                               write)) {
            return true;
        }
    }
    g_hash_table_iter_init(&it, m->source.world->processes);
    while (g_hash_table_iter_next(&it, NULL, &p)) {
        uint64_t addr;

        if (vma_of(p, m->dev, m->ino, at, &addr) == 0 &&
            process_by_process(m, p, addr, at, buf, len, write)) {
            return true;
        }
    }
    return false;
}

static int process_memory_access(Memory *m, uint64_t at, void *buf, size_t len,
                                 bool write)
{
    if (m->owner) {
        return vma_alive(m->owner) &&
                       process_one_access(m->owner, at, buf, len, write) == 0 ?
                   0 :
                   -EFAULT;
    }
    return process_by_fd(m, at, buf, len, write) ||
                   process_by_anybody(m, at, buf, len, write) ?
               0 :
               -EFAULT;
}

int memory_read(Memory *m, uint64_t at, void *buf, size_t len)
{
    return process_memory_access(m, at, buf, len, false);
}

int memory_write(Memory *m, uint64_t at, const void *buf, size_t len)
{
    return process_memory_access(m, at, (void *)(uintptr_t)buf, len, true);
}
