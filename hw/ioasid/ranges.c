/*
 * Where a mapped space may map: ALLOW, RANGES, what devices reserve.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <string.h>

#include "hw/ioasid/memory.h"

/* --- sorted lists ----------------------------------------------------- */

/* The first that ends at or after addr. */
static uint32_t io_ranges_find(const IoRanges *r, uint64_t addr)
{
    uint32_t lo = 0;
    uint32_t hi = r->count;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (r->range[mid].last < addr) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

bool im_ioranges_meet(const IoRanges *r, uint64_t first, uint64_t last)
{
    uint32_t i = io_ranges_find(r, first);

    return i < r->count && r->range[i].first <= last;
}

bool im_ioranges_hold(const IoRanges *r, uint64_t first, uint64_t last)
{
    uint32_t i = io_ranges_find(r, first);

    return i < r->count && r->range[i].first <= first &&
           r->range[i].last >= last;
}

static bool io_ranges_grow(ImIoasid *h, IoRanges *r)
{
    uint32_t room = MAX(4, r->room * 2);
    ImuRange *more = im_ioasid_alloc(h, room * sizeof(*more));

    if (!more) {
        return false;
    }
    if (r->count) {
        memcpy(more, r->range, r->count * sizeof(*more));
    }
    im_ioasid_release(h, r->range, r->room * sizeof(*more));
    r->range = more;
    r->room = room;
    return true;
}

bool im_ioranges_add(ImIoasid *h, IoRanges *r, uint64_t first, uint64_t last)
{
    uint32_t i = io_ranges_find(r, first ? first - 1 : 0);
    uint32_t end = i;

    while (end < r->count &&
           (last == UINT64_MAX || r->range[end].first <= last + 1)) {
        first = MIN(first, r->range[end].first);
        last = MAX(last, r->range[end].last);
        end++;
    }
    if (end == i) {
        if (r->count == r->room && !io_ranges_grow(h, r)) {
            return false;
        }
        memmove(&r->range[i + 1], &r->range[i],
                (r->count - i) * sizeof(*r->range));
        r->count++;
    } else {
        memmove(&r->range[i + 1], &r->range[end],
                (r->count - end) * sizeof(*r->range));
        r->count -= end - i - 1;
    }
    r->range[i] = (ImuRange){ .first = first, .last = last };
    return true;
}

void im_ioranges_free(ImIoasid *h, IoRanges *r)
{
    im_ioasid_release(h, r->range, r->room * sizeof(*r->range));
    *r = (IoRanges){ 0 };
}

/* --- reserved --------------------------------------------------------- */

static bool io_ranges_add_reserved(ImIoasid *h, IoRanges *r,
                                   const IoSpace *space)
{
    const IoHostDev *before = NULL;

    for (ImLink *n = space->binds; n; n = n->next) {
        const IoHostDev *dev = IM_LINK_OF(n, IoBind, by_space)->host;

        for (unsigned i = 0; dev != before && i < dev->cfg.reserved_count;
             i++) {
            if (!im_ioranges_add(h, r, dev->cfg.reserved[i].first,
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
    IoRanges r = { 0 };
    bool ok;

    if (m->epoch == h->caches->epoch) {
        return 0;
    }
    ok = io_ranges_add_reserved(h, &r, space);
    for (ImLink *n = space->children; ok && n; n = n->next) {
        ok = io_ranges_add_reserved(h, &r, IM_LINK_OF(n, IoSpace, in_parent));
    }
    if (!ok) {
        im_ioranges_free(h, &r);
        return -ENOMEM;
    }
    im_ioranges_free(h, &m->reserved);
    m->reserved = r;
    m->epoch = h->caches->epoch;
    return 0;
}

/* --- ALLOW ------------------------------------------------------------ */

/* A heap with the largest at its top; the place at is wrong. */
static void io_ranges_sift(ImuRange *r, uint32_t at, uint32_t count)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        ImuRange t = r[at];

        if (child >= count) {
            return;
        }
        if (child + 1 < count && r[child + 1].first > r[child].first) {
            child++;
        }
        if (r[child].first <= t.first) {
            return;
        }
        r[at] = r[child];
        r[child] = t;
        at = child;
    }
}

static void io_ranges_sort(ImuRange *r, uint32_t count)
{
    for (uint32_t i = count / 2; i-- > 0;) {
        io_ranges_sift(r, i, count);
    }
    for (uint32_t i = count; i-- > 1;) {
        ImuRange t = r[0];

        r[0] = r[i];
        r[i] = t;
        io_ranges_sift(r, 0, i);
    }
}

/* In order, and those that touch as one. */
static int io_ranges_tidy(IoRanges *r)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < r->count; i++) {
        if (r->range[i].first > r->range[i].last) {
            return -EINVAL;
        }
    }
    io_ranges_sort(r->range, r->count);
    for (uint32_t i = 0; i < r->count; i++) {
        ImuRange in = r->range[i];

        if (n && in.first <= r->range[n - 1].last) {
            return -EINVAL;
        }
        if (n && in.first == r->range[n - 1].last + 1) {
            r->range[n - 1].last = in.last;
        } else {
            r->range[n++] = in;
        }
    }
    r->count = n;
    return 0;
}

static int io_ranges_get_ranges(ImIoasidCtx *c, const ImuAllow *a, IoRanges *r)
{
    size_t bytes = a->count * sizeof(*r->range);
    int err;

    if (!a->count) {
        return 0;
    }
    r->range = im_ioasid_alloc(c->host, bytes);
    if (!r->range) {
        return -ENOMEM;
    }
    r->count = r->room = a->count;
    err = im_ioasid_get_user(c, a->ranges, r->range, bytes);
    return err ? err : io_ranges_tidy(r);
}

static bool io_ranges_meets_reserved(const IoMap *m, const IoRanges *r)
{
    for (uint32_t i = 0; i < m->reserved.count; i++) {
        if (im_ioranges_meet(r, m->reserved.range[i].first,
                             m->reserved.range[i].last)) {
            return true;
        }
    }
    return false;
}

int im_ioasid_cmd_ALLOW(ImIoasidCtx *c, void *arg)
{
    const ImuAllow *a = arg;
    IoRanges r = { 0 };
    IoSpace *space;
    int err = im_ioasid_space_of(c, a->set, a->space, &space);

    if (err) {
        return err;
    }
    if (!space->map || a->count > IMU_ALLOW_RANGES_MAX ||
        (!a->count && a->ranges)) {
        return -EINVAL;
    }
    err = io_ranges_get_ranges(c, a, &r);
    if (!err) {
        err = im_iomap_find_reserved(c->host, space);
    }
    if (!err && io_ranges_meets_reserved(space->map, &r)) {
        err = -EADDRINUSE;
    }
    if (err) {
        im_ioranges_free(c->host, &r);
        return err;
    }
    im_ioranges_free(c->host, &space->map->allowed);
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

static int io_ranges_put_range(Report *p, uint64_t first, uint64_t last)
{
    ImuRange out = { .first = first, .last = last };
    uint64_t at = p->a->ranges + p->count++ * sizeof(out);

    return p->tell ? im_ioasid_put_user(p->c, at, &out, sizeof(out)) : 0;
}

/* first .. last without what is reserved. */
static int io_ranges_put_rest(Report *p, const IoRanges *reserved,
                              uint64_t first, uint64_t last)
{
    int err = 0;

    for (uint32_t i = io_ranges_find(reserved, first);
         !err && i < reserved->count && reserved->range[i].first <= last; i++) {
        ImuRange r = reserved->range[i];

        if (r.first > first) {
            err = io_ranges_put_range(p, first, r.first - 1);
        }
        if (r.last >= last) {
            return err;
        }
        first = r.last + 1;
    }
    return err ? err : io_ranges_put_range(p, first, last);
}

static int io_ranges_put_all(Report *p, const IoMap *m)
{
    int err = 0;

    p->count = 0;
    if (!m->allowed.count) {
        return io_ranges_put_rest(p, &m->reserved, 0, UINT64_MAX);
    }
    for (uint32_t i = 0; !err && i < m->allowed.count; i++) {
        err = io_ranges_put_rest(p, &m->reserved, m->allowed.range[i].first,
                                 m->allowed.range[i].last);
    }
    return err;
}

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
