/*
 * The mock's dma-bufs: memory that nobody can look into but devices, and that
 * its owner takes back.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mock.h"

typedef struct Dmabuf {
    int fd;
    uint32_t length;
    bool revoked;
} Dmabuf;

static int memory(File *f, uint64_t *bytes)
{
    Dmabuf *d = file_data(f);

    *bytes = d->length;
    return d->revoked ? -ENODEV : d->fd;
}

static void drop(Dmabuf *d)
{
    close(d->fd);
    free(d);
}

static void release(File *f)
{
    drop(file_data(f));
}

static const FileOps dmabuf_file = {
    .name = "mock dma-buf",
    .memory = memory,
    .release = release,
};

bool mock_is_dmabuf(const Caller *who, int fd)
{
    File *f = server_file(who, fd);

    return f && file_ops(f) == &dmabuf_file;
}

int64_t mock_dmabuf_get(MockCall *m)
{
    uint32_t length = m->c.dmabuf_get.length;
    Dmabuf *d;

    if (!length || length % IM_IOMMUFD_PAGE) {
        return -EINVAL;
    }
    d = calloc(1, sizeof(*d));
    if (!d) {
        return -ENOMEM;
    }
    d->length = length;
    d->fd = memfd_create("mock dma-buf", MFD_CLOEXEC);
    if (d->fd < 0) {
        free(d);
        return -ENOMEM;
    }
    if (ftruncate(d->fd, length) < 0 ||
        !server_install(m->who->server, &dmabuf_file, d, SERVER_RESULT)) {
        drop(d);
        return -ENOMEM;
    }
    return 0;
}

int64_t mock_dmabuf_revoke(MockCall *m)
{
    File *f = server_file(m->who, m->c.dmabuf_revoke.fd);
    Dmabuf *d;

    if (!f || file_ops(f) != &dmabuf_file) {
        return -EINVAL;
    }
    d = file_data(f);
    if (m->c.dmabuf_revoke.revoked && !d->revoked) {
        server_revoke(m->who->server, d->fd);
    }
    d->revoked = m->c.dmabuf_revoke.revoked;
    return 0;
}
