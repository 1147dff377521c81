/*
 * User memory that address spaces map: pinned once, shared by copies.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>

#include "hw/ioasid/memory.h"
#include "hw/ioasid/owner.h"

static void io_pages_unpin(ImIoasid *h, IoPages *p, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        h->port.unpin(h->opaque, p->ctx->user,
                      p->user + (i << h->cfg.page_shift),
                      im_iopages_at(h, p, i), p->write);
    }
}

static void io_pages_drop(ImIoasid *h, IoPages *p)
{
    if (p->each) {
        im_ioasid_release(h, p->each, p->count * sizeof(*p->each));
    }
    im_ioasid_release(h, p, sizeof(*p));
}

/* One base says it all when pages follow each other. */
static void io_pages_shorten(ImIoasid *h, IoPages *p)
{
    for (uint64_t i = 0; i < p->count; i++) {
        if (p->each[i] - p->each[0] != i << h->cfg.page_shift) {
            return;
        }
    }
    im_ioasid_release(h, p->each, p->count * sizeof(*p->each));
    p->each = NULL;
}

int im_iopages_pin(ImIoasidCtx *c, uint64_t user, uint64_t count, bool write,
                   IoPages **out)
{
    ImIoasid *h = c->host;
    IoPages *p;

    if (count > SIZE_MAX / sizeof(uint64_t)) {
        return -ENOMEM;
    }
    p = im_ioasid_alloc(h, sizeof(*p));
    if (!p) {
        return -ENOMEM;
    }
    *p = (IoPages) {
        .users = 1, .write = write, .user = user, .count = count, .ctx = c
    };
    p->each = im_ioasid_alloc(h, count * sizeof(*p->each));
    if (!p->each) {
        io_pages_drop(h, p);
        return -ENOMEM;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (h->port.pin(h->opaque, c->user, user + (i << h->cfg.page_shift),
                        write, &p->each[i])) {
            io_pages_unpin(h, p, i);
            io_pages_drop(h, p);
            return -EFAULT;
        }
    }
    p->pa = p->each[0];
    io_pages_shorten(h, p);
    c->pages += count;
    im_ioasid_charge(c->owner, IM_IOASID_PAGES, count);
    *out = p;
    return 0;
}

void im_iopages_put(ImIoasid *h, IoPages *p)
{
    if (--p->users == 0) {
        p->ctx->pages -= p->count;
        im_ioasid_uncharge(p->ctx->owner, IM_IOASID_PAGES, p->count);
        io_pages_unpin(h, p, p->count);
        io_pages_drop(h, p);
    }
}
