/*
 * The mock's accesses: open files of their own that pin, read and write what
 * an IOAS maps, as an emulated device in the kernel does.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <stdlib.h>

#include "mock.h"

/* Longer is refused before memory is asked for. */
#define LENGTH_MAX  (UINT64_C(1) << 30)

typedef struct Pinned {
    struct Pinned *next;
    uint32_t id;
    uint64_t iova;
    uint64_t length;
} Pinned;

typedef struct Access {
    ImIommufdAccess *access;
    Pinned *pinned;
    uint32_t next_id;
    ImIommufdFile *file;
    uint32_t ioas;
    struct Access *next;
} Access;

static Access *accesses;

static void unpin_at(Access *a, Pinned **at)
{
    Pinned *p = *at;

    im_iommufd_access_unpin(a->access, p->iova, p->length);
    *at = p->next;
    free(p);
}

/* The engine wants a range back. */
static void unmap(void *opaque, uint64_t iova, uint64_t length)
{
    Access *a = opaque;
    Pinned **at = &a->pinned;

    while (*at) {
        if ((*at)->iova <= iova + (length - 1) &&
            (*at)->iova + ((*at)->length - 1) >= iova) {
            unpin_at(a, at);
        } else {
            at = &(*at)->next;
        }
    }
}

bool mock_access_pins(ImIommufdFile *file, uint32_t ioas, uint64_t iova,
                      uint64_t length)
{
    for (const Access *a = accesses; a; a = a->next) {
        for (const Pinned *p = a->pinned; p; p = p->next) {
            if (a->file == file && a->ioas == ioas &&
                p->iova <= iova + (length - 1) &&
                p->iova + (p->length - 1) >= iova) {
                return true;
            }
        }
    }
    return false;
}

bool mock_access_of(ImIommufdFile *file)
{
    for (const Access *a = accesses; a; a = a->next) {
        if (a->file == file) {
            return true;
        }
    }
    return false;
}

static void release(File *f)
{
    Access *a = file_data(f), **at = &accesses;

    while (*at != a) {
        at = &(*at)->next;
    }
    *at = a->next;

    while (a->pinned) {
        unpin_at(a, &a->pinned);
    }
    mock_access_gone(a->file);
    im_iommufd_access_free(a->access);
    free(a);
}

static const FileOps access_file = { .name = "mock access",
                                     .release = release };
static const ImIommufdAccessOps pinning = { .pins = true, .unmap = unmap };
static const ImIommufdAccessOps reading = { .pins = false };

int64_t mock_access_create(MockCall *m)
{
    Access *a;
    uint32_t id;
    int rc;

    if (m->c.access_create.flags & ~MOCK_ACCESS_PINS) {
        return -EOPNOTSUPP;
    }
    a = calloc(1, sizeof(*a));
    if (!a) {
        return -ENOMEM;
    }
    a->next_id = 1;
    rc = im_iommufd_access_new(m->iommufd,
                               m->c.access_create.flags ? &pinning : &reading,
                               a, &a->access, &id);
    if (rc) {
        free(a);
        return rc;
    }
    rc = im_iommufd_access_attach(a->access, m->c.id);
    if (!rc && !server_install(m->who->server, &access_file, a,
                               m->user + offsetof(MockCmd, access_create.fd))) {
        rc = -ENOMEM;
    }
    if (rc) {
        im_iommufd_access_free(a->access);
        free(a);
        return rc;
    }
    a->file = m->iommufd;
    a->ioas = m->c.id;
    a->next = accesses;
    accesses = a;
    return 0;
}

/* The access that the operation's id, a descriptor, is. */
static Access *access_of(MockCall *m)
{
    File *f = server_file(m->who, (int)m->c.id);

    return f && file_ops(f) == &access_file ? file_data(f) : NULL;
}

int64_t mock_access_replace(MockCall *m)
{
    Access *a = access_of(m);
    int rc;

    if (!a) {
        return -EBADF;
    }
    rc = im_iommufd_access_replace(a->access, m->c.access_replace.ioas);
    if (!rc) {
        a->ioas = m->c.access_replace.ioas;
    }
    return rc;
}

/* Pages that were pinned are those that the caller sees at uptr. */
static int same_pages(MockCall *m, const ImIommufdPage *pages, uint64_t num)
{
    for (uint64_t i = 0; i < num; i++) {
        ImIommufdPage want;
        int rc = mock_page_at(m->who,
                              m->c.access_pin.uptr + i * IM_IOMMUFD_PAGE,
                              &want);

        if (rc) {
            return rc;
        }
        if (want.object != pages[i].object || want.offset != pages[i].offset) {
            return -EINVAL;
        }
    }
    return 0;
}

static int pin(MockCall *m, Access *a, Pinned *p)
{
    uint64_t num = ((p->iova + (p->length - 1)) >> IM_IOMMUFD_PAGE_SHIFT) -
                   (p->iova >> IM_IOMMUFD_PAGE_SHIFT) + 1;
    bool write = m->c.access_pin.flags & MOCK_ACCESS_WRITE;
    ImIommufdPage *pages = server_alloc(m->who->server, num * sizeof(*pages));
    int rc;

    if (!pages) {
        return -ENOMEM;
    }
    rc = im_iommufd_access_pin(a->access, p->iova, p->length,
                               write ? IM_IOMMUFD_ACCESS_WRITE : 0, pages);
    if (!rc && !(m->c.access_pin.flags & MOCK_ACCESS_SYZ)) {
        rc = same_pages(m, pages, num);
        if (rc) {
            im_iommufd_access_unpin(a->access, p->iova, p->length);
        }
    }
    server_free(m->who->server, pages, num * sizeof(*pages));
    return rc;
}

int64_t mock_access_pin(MockCall *m)
{
    Access *a = access_of(m);
    Pinned *p;
    int rc;

    if (!a) {
        return -EBADF;
    }
    if ((m->c.access_pin.flags & ~(MOCK_ACCESS_WRITE | MOCK_ACCESS_SYZ)) ||
        !m->c.access_pin.length) {
        return -EINVAL;
    }
    if (m->c.access_pin.length > LENGTH_MAX) {
        return -ENOMEM;
    }
    p = calloc(1, sizeof(*p));
    if (!p) {
        return -ENOMEM;
    }
    p->iova = m->c.access_pin.iova;
    p->length = m->c.access_pin.length;
    rc = pin(m, a, p);
    if (rc) {
        free(p);
        return rc;
    }
    p->id = a->next_id++;
    p->next = a->pinned;
    a->pinned = p;
    m->c.access_pin.pages = p->id;
    return 0;
}

int64_t mock_access_unpin(MockCall *m)
{
    Access *a = access_of(m);

    if (!a) {
        return -EBADF;
    }
    for (Pinned **at = &a->pinned; *at; at = &(*at)->next) {
        if ((*at)->id == m->c.access_unpin.pages) {
            unpin_at(a, at);
            return 0;
        }
    }
    return -ENOENT;
}

int64_t mock_access_rw(MockCall *m)
{
    uint64_t length = m->c.access_rw.length;
    bool write = m->c.access_rw.flags & MOCK_RW_WRITE;
    Access *a = access_of(m);
    void *buf;
    int rc = 0;

    if (!a) {
        return -EBADF;
    }
    if (m->c.access_rw.flags & ~(MOCK_RW_WRITE | MOCK_RW_SLOW)) {
        return -EINVAL;
    }
    if (length > LENGTH_MAX) {
        return -ENOMEM;
    }
    buf = server_alloc(m->who->server, length ? length : 1);
    if (!buf) {
        return -ENOMEM;
    }
    if (write) {
        rc = caller_read(m->who, m->c.access_rw.uptr, buf, length);
    }
    if (!rc) {
        rc = im_iommufd_access_rw(a->access, m->c.access_rw.iova, buf, length,
                                  write ? IM_IOMMUFD_ACCESS_WRITE : 0);
    }
    if (!rc && !write) {
        rc = caller_write(m->who, m->c.access_rw.uptr, buf, length);
    }
    server_free(m->who->server, buf, length ? length : 1);
    return rc;
}
