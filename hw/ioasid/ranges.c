/*
 * Where a mapped space may map: ALLOW, RANGES, what devices reserve.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>

#include "hw/ioasid/memory.h"

/* --- reserved --------------------------------------------------------- */

static bool io_ranges_add_reserved(const ImMemory *mem, ImRanges *r,
                                   const IoSpace *space)
{
    const IoHostDev *before = NULL;

    for (ImLink *n = space->binds; n; n = n->next) {
        const IoHostDev *dev = IM_LINK_OF(n, IoBind, by_space)->host;

        for (unsigned i = 0; dev != before && i < dev->cfg.reserved_count;
             i++) {
            if (!im_ranges_add(mem, r, dev->cfg.reserved[i].first,
                               dev->cfg.reserved[i].last)) {
                return false;
            }
        }
        before = dev;
    }
    return true;
}

int im_iomap_find_reserved(ImIoasid *h, IoSpace *space)
{
    IoMap *m = space->map;
    ImMemory mem = im_ioasid_memory(h);
    ImRanges r = { 0 };
    bool ok;

    if (m->epoch == h->caches->epoch) {
        return 0;
    }
    ok = io_ranges_add_reserved(&mem, &r, space);
    for (ImLink *n = space->children; ok && n; n = n->next) {
        ok = io_ranges_add_reserved(&mem, &r,
                                    IM_LINK_OF(n, IoSpace, in_parent));
    }
    if (!ok) {
        im_ranges_free(&mem, &r);
        return -ENOMEM;
    }
    im_ranges_free(&mem, &m->reserved);
    m->reserved = r;
    m->epoch = h->caches->epoch;
    return 0;
}

/* --- ALLOW ------------------------------------------------------------ */

G_STATIC_ASSERT(sizeof(ImRange) == sizeof(ImuRange));
G_STATIC_ASSERT(offsetof(ImRange, last) == offsetof(ImuRange, last));

/* In order, and those that touch as one. */
static int io_ranges_get(ImIoasidCtx *c, const ImuAllow *a, ImRanges *r)
{
    ImMemory mem = im_ioasid_memory(c->host);
    int err;

    if (!a->count) {
        return 0;
    }
    if (!im_ranges_make_room(&mem, r, a->count)) {
        return -ENOMEM;
    }
    err = im_ioasid_get_user(c, a->ranges, r->range,
                             a->count * sizeof(*r->range));
    if (err) {
        return err;
    }
    r->count = a->count;
    if (!im_ranges_sort(r)) {
        return -EINVAL;
    }
    im_ranges_join(r);
    return 0;
}

static bool io_ranges_meet_reserved(const IoMap *m, const ImRanges *r)
{
    for (uint32_t i = 0; i < m->reserved.count; i++) {
        if (im_ranges_meet(r, m->reserved.range[i].first,
                           m->reserved.range[i].last)) {
            return true;
        }
    }
    return false;
}

IM_RULE(IOASID_CMD_ALLOW);
int im_ioasid_cmd_ALLOW(ImIoasidCtx *c, void *arg)
{
    const ImuAllow *a = arg;
    ImMemory mem = im_ioasid_memory(c->host);
    ImRanges r = { 0 };
    IoSpace *space;
    int err = im_ioasid_space_of(c, a->set, a->space, &space);

    if (err) {
        return err;
    }
    if (!space->map || a->count > IMU_ALLOW_RANGES_MAX ||
        (!a->count && a->ranges)) {
        return -EINVAL;
    }
    err = io_ranges_get(c, a, &r);
    if (!err) {
        err = im_iomap_find_reserved(c->host, space);
    }
    if (!err && io_ranges_meet_reserved(space->map, &r)) {
        err = -EADDRINUSE;
    }
    if (err) {
        im_ranges_free(&mem, &r);
        return err;
    }
    im_ranges_free(&mem, &space->map->allowed);
    space->map->allowed = r;
    return 0;
}

/* --- RANGES ----------------------------------------------------------- */

/* What is left is counted, and told to the user if all of it has room. */
typedef struct Report {
    ImIoasidCtx *c;
    const ImuRanges *a;
    uint32_t count;
    bool tell;
} Report;

static int io_ranges_put_range(Report *p, ImRange r)
{
    ImuRange out = { .first = r.first, .last = r.last };
    uint64_t at = p->a->ranges + p->count++ * sizeof(out);

    return p->tell ? im_ioasid_put_user(p->c, at, &out, sizeof(out)) : 0;
}

/* What is allowed, without what is reserved. */
static int io_ranges_put_all(Report *p, const IoMap *m)
{
    const ImRange all = { 0, UINT64_MAX };
    const ImRange *allowed = m->allowed.count ? m->allowed.range : &all;
    int err = 0;

    p->count = 0;
    for (uint32_t i = 0; i < MAX(m->allowed.count, 1); i++) {
        ImRange rest = allowed[i];
        ImRange gap;

        while (!err && im_ranges_gap(&m->reserved, &rest, &gap)) {
            err = io_ranges_put_range(p, gap);
        }
    }
    return err;
}

IM_RULE(IOASID_CMD_RANGES);
int im_ioasid_cmd_RANGES(ImIoasidCtx *c, void *arg)
{
    ImuRanges *a = arg;
    Report p = { .c = c, .a = a };
    IoSpace *space;
    bool fits;
    int err = im_ioasid_space_of(c, a->set, a->space, &space);

    if (err) {
        return err;
    }
    if (!space->map) {
        return -EINVAL;
    }
    err = im_iomap_find_reserved(c->host, space);
    if (err) {
        return err;
    }
    io_ranges_put_all(&p, space->map);
    fits = p.count <= a->count;
    if (fits) {
        p.tell = true;
        err = io_ranges_put_all(&p, space->map);
        a->alignment = UINT64_C(1) << c->host->cfg.page_shift;
    }
    a->count = p.count;
    return fits ? err : -EMSGSIZE;
}
