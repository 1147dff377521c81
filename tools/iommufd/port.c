/*
 * What the engine needs of us: memory of processes, descriptors for queues,
 * memory that callers map.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

static void *port_alloc(void *host, size_t bytes)
{
    return server_alloc(host, bytes);
}

static void port_free(void *host, void *p, size_t bytes)
{
    server_free(host, p, bytes);
}

static int port_copy_in(void *host, const ImIommufdCaller *caller,
                        uint64_t addr, void *buf, size_t len)
{
    (void)host;
    return caller_read(caller->opaque, addr, buf, len);
}

static int port_copy_out(void *host, const ImIommufdCaller *caller,
                         uint64_t addr, const void *buf, size_t len)
{
    (void)host;
    return caller_write(caller->opaque, addr, buf, len);
}

/* --- sources and pages -------------------------------------------------- */

static void port_hold(void *host, void *source)
{
    (void)host;
    source_hold(source);
}

static void port_drop(void *host, void *source)
{
    (void)host;
    source_drop(source);
}

static int port_file(void *host, const ImIommufdCaller *caller, int32_t fd,
                     void **source, uint64_t *bytes)
{
    Server *s = host;
    File *f = server_file(caller->opaque, fd);
    uint64_t size = UINT64_MAX;
    int copy;

    if (f && f->ops->memory) {
        copy = f->ops->memory(f, &size);
        if (copy < 0) {
            return copy;
        }
        copy = dup(copy);
    } else {
        copy = server_getfd(caller->opaque, fd);
    }
    if (copy < 0) {
        return -EBADF;
    }
    *source = memory_of_fd(&s->world, copy, bytes);
    *bytes = size;
    return *source ? 0 : -errno;
}

void server_revoke(Server *s, int fd)
{
    uint64_t bytes;
    int copy = dup(fd);
    Memory *m = copy < 0 ? NULL : memory_of_fd(&s->world, copy, &bytes);

    if (m) {
        im_iommufd_revoke(s->im, m);
        source_drop(&m->source);
    }
}

static int port_pin(void *host, void *source, uint64_t addr, uint64_t length,
                    bool write, ImIommufdExtent *extent)
{
    (void)host;
    return source_pin(source, addr, length, write, extent);
}

static void port_unpin(void *host, const ImIommufdExtent *extent, bool dirty)
{
    (void)host, (void)dirty;
    memory_unpin(extent);
}

static int port_page_read(void *host, const ImIommufdPage *page, uint32_t at,
                          void *buf, size_t len)
{
    (void)host;
    return memory_read(page->object, page->offset + at, buf, len);
}

static int port_page_write(void *host, const ImIommufdPage *page, uint32_t at,
                           const void *buf, size_t len)
{
    (void)host;
    return memory_write(page->object, page->offset + at, buf, len);
}

/* --- queues ------------------------------------------------------------- */

static int64_t port_queue_read(File *f, const Caller *who, uint64_t addr,
                               size_t len, uint64_t at)
{
    return im_iommufd_queue_read(f->data, &who->im, addr, len, at);
}

static int64_t port_queue_write(File *f, const Caller *who, uint64_t addr,
                                size_t len, uint64_t at)
{
    return im_iommufd_queue_write(f->data, &who->im, addr, len, at);
}

static bool port_queue_readable(File *f)
{
    return im_iommufd_queue_poll(f->data) & IM_IOMMUFD_POLLIN;
}

static void port_queue_release(File *f)
{
    im_iommufd_queue_set_opaque(f->data, NULL);
    im_iommufd_queue_close(f->data);
}

static const FileOps fault_file = {
    .name = "fault queue",
    .stream = true,
    .read = port_queue_read,
    .write = port_queue_write,
    .readable = port_queue_readable,
    .release = port_queue_release,
};

static const FileOps event_file = {
    .name = "event queue",
    .stream = true,
    .read = port_queue_read,
    .readable = port_queue_readable,
    .release = port_queue_release,
};

static int port_install(void *host, const ImIommufdCaller *caller,
                        ImIommufdQueue *queue, uint64_t addr)
{
    const int32_t none = -1;    /* until the caller knows the number */
    bool answers = im_iommufd_queue_poll(queue) & IM_IOMMUFD_POLLOUT;
    File *f;

    if (caller_write(caller->opaque, addr, &none, sizeof(none))) {
        return -EFAULT;
    }
    f = server_install(host, answers ? &fault_file : &event_file, queue, addr);
    if (!f) {
        return -ENOMEM;
    }
    im_iommufd_queue_set_opaque(queue, f);
    return 0;
}

static void port_changed(void *host, ImIommufdQueue *queue)
{
    File *f = im_iommufd_queue_opaque(queue);

    (void)host;
    if (f) {
        file_changed(f);
    }
}

static uint64_t port_now(void *host)
{
    const Server *s = host;

    return s->now;
}

const ImIommufdPort server_port = {
    .size = sizeof(ImIommufdPort),
    .alloc = port_alloc,
    .free = port_free,
    .copy_in = port_copy_in,
    .copy_out = port_copy_out,
    .hold = port_hold,
    .drop = port_drop,
    .file = port_file,
    .pin = port_pin,
    .unpin = port_unpin,
    .page_read = port_page_read,
    .page_write = port_page_write,
    .install = port_install,
    .changed = port_changed,
    .now = port_now,
};

/* --- memory that callers map -------------------------------------------- */

/*
 * A descriptor of it is the caller's to map. Nobody says when a mapping goes:
 * while there is one that may be written, it cannot be sealed against that.
 */
typedef struct Shared {
    int fd;
    void *bytes;
    size_t size;
    ImIommufdFile *mapped;      /* held while somebody maps it */
    uint64_t offset;            /* of the mapping in the file */
    GPtrArray *on_the_way;      /* Process: given it, has not mapped it yet */
} Shared;

static int port_shared_fd(size_t size)
{
    int fd = memfd_create("im-iommufd", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    /* The caller must not take from below us what we have mapped. */
    if (fd >= 0 && (ftruncate(fd, (off_t)size) < 0 ||
                    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

void *server_memory(Server *s, size_t bytes, ImIommufdMmap *m)
{
    Shared *sh = server_alloc(s, sizeof(*sh));

    if (!sh) {
        return NULL;
    }
    sh->size = bytes;
    sh->fd = port_shared_fd(bytes);
    sh->bytes = sh->fd < 0 ? MAP_FAILED :
                             mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                                  MAP_SHARED, sh->fd, 0);
    if (sh->bytes == MAP_FAILED) {
        if (sh->fd >= 0) {
            close(sh->fd);
        }
        server_free(s, sh, sizeof(*sh));
        return NULL;
    }
    sh->on_the_way = g_ptr_array_new();
    g_ptr_array_add(s->shared, sh);
    *m = (ImIommufdMmap) { sh, 0 };
    return sh->bytes;
}

void server_memory_free(Server *s, const ImIommufdMmap *m)
{
    Shared *sh = m->object;

    g_ptr_array_remove_fast(s->shared, sh);
    munmap(sh->bytes, sh->size);
    close(sh->fd);
    g_ptr_array_unref(sh->on_the_way);
    server_free(s, sh, sizeof(*sh));
}

int port_map(Server *s, File *f, Process *p, uint64_t offset, ImIommufdMmap *m)
{
    Shared *sh = m->object;

    (void)s;
    g_ptr_array_add(sh->on_the_way, p);
    if (!sh->mapped) {
        sh->mapped = f->data;
        sh->offset = offset;
        im_iommufd_hold(sh->mapped);
    }
    return sh->fd;
}

void port_arrived(Server *s, Process *p, bool all)
{
    for (guint i = 0; i < s->shared->len; i++) {
        Shared *sh = s->shared->pdata[i];

        while (g_ptr_array_remove_fast(sh->on_the_way, p)) {
            if (!all) {
                return;
            }
        }
    }
}

/* Our own mapping goes for a moment. What was sealed is replaced. */
static bool port_shared_unmapped(Shared *sh)
{
    g_autofree void *copy = g_memdup2(sh->bytes, sh->size);
    int flags = MAP_SHARED | MAP_FIXED;
    int fd;

    munmap(sh->bytes, sh->size);
    if (fcntl(sh->fd, F_ADD_SEALS, F_SEAL_WRITE) < 0 && errno == EBUSY) {
        mmap(sh->bytes, sh->size, PROT_READ | PROT_WRITE, flags, sh->fd, 0);
        return false;
    }
    fd = port_shared_fd(sh->size);
    if (fd < 0) {               /* nobody maps it again */
        flags = MAP_PRIVATE | MAP_FIXED;
        fd = dup(sh->fd);
    }
    close(sh->fd);
    sh->fd = fd;
    mmap(sh->bytes, sh->size, PROT_READ | PROT_WRITE, flags, fd, 0);
    memcpy(sh->bytes, copy, sh->size);
    return true;
}

void port_unmapped(Server *s)
{
    for (guint i = 0; i < s->shared->len; i++) {
        Shared *sh = s->shared->pdata[i];
        ImIommufdFile *file = sh->mapped;

        if (file && !sh->on_the_way->len && port_shared_unmapped(sh)) {
            sh->mapped = NULL;
            im_iommufd_munmap(file, sh->offset);
            im_iommufd_drop(file);
            i = G_MAXUINT;      /* the drop may have freed any: again */
        }
    }
}
