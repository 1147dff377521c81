/*
 * iommufd: which addresses of an IOAS may be used. What is reserved is
 * nobody's; where ranges are allowed, automatic places are in them.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "hw/iommufd/ioas.h"

#define ALLOWED_MAX  (1u << 20)

void im_iof_iova_free(ImIommufd *f, IofIova *v)
{
    while (v->reserved) {
        IofReserved *r = IM_LINK_OF(v->reserved, IofReserved, in_iova);

        im_link_out(&r->in_iova);
        im_iof_release(f, r, sizeof(*r));
    }
    im_iof_release(f, v->taken, v->taken_room * sizeof(ImuRange));
    im_iof_release(f, v->allowed, v->allowed_count * sizeof(ImuRange));
    *v = (IofIova){ 0 };
}

static bool iof_iova_meet(const ImuRange *r, uint64_t first, uint64_t last)
{
    return r->first <= last && r->last >= first;
}

static bool iof_iova_any_meets(const ImuRange *r, uint32_t count,
                               uint64_t first, uint64_t last)
{
    for (uint32_t i = 0; i < count; i++) {
        if (iof_iova_meet(&r[i], first, last)) {
            return true;
        }
    }
    return false;
}

bool im_iof_iova_reserved(const IofIova *v, uint64_t first, uint64_t last)
{
    return iof_iova_any_meets(v->taken, v->taken_count, first, last);
}

bool im_iof_iova_allowed(const IofIova *v, uint64_t first, uint64_t last)
{
    return iof_iova_any_meets(v->allowed, v->allowed_count, first, last);
}

bool im_iof_iova_free_range(const IofIova *v, uint32_t n, ImuRange *out)
{
    uint64_t from = 0;

    for (uint32_t i = 0; i < v->taken_count; i++) {
        if (v->taken[i].first > from && n-- == 0) {
            *out = (ImuRange){ from, v->taken[i].first - 1 };
            return true;
        }
        if (v->taken[i].last == UINT64_MAX) {
            return false;
        }
        from = v->taken[i].last + 1;
    }
    *out = (ImuRange){ from, UINT64_MAX };
    return n == 0;
}

/* --- reserving ---------------------------------------------------------- */

static int iof_iova_compare(const void *a, const void *b)
{
    uint64_t x = ((const ImuRange *)a)->first;
    uint64_t y = ((const ImuRange *)b)->first;

    return x < y ? -1 : x > y;
}

/* What is reserved, in order, without overlaps. There is room. */
static void iof_iova_sum_up(IofIova *v)
{
    uint32_t all = 0;
    uint32_t n = 0;

    for (ImLink *k = v->reserved; k; k = k->next) {
        v->taken[all++] = IM_LINK_OF(k, IofReserved, in_iova)->range;
    }
    if (all) {
        qsort(v->taken, all, sizeof(ImuRange), iof_iova_compare);
    }
    for (uint32_t i = 0; i < all; i++) {
        ImuRange r = v->taken[i];

        if (n && (v->taken[n - 1].last == UINT64_MAX ||
                  r.first <= v->taken[n - 1].last + 1)) {
            v->taken[n - 1].last = MAX(v->taken[n - 1].last, r.last);
        } else {
            v->taken[n++] = r;
        }
    }
    v->taken_count = n;
}

/* Room for so many more. */
static bool iof_iova_make_room(ImIommufd *f, IofIova *v, unsigned more)
{
    uint32_t want = more;
    ImuRange *taken;

    for (ImLink *k = v->reserved; k; k = k->next) {
        want++;
    }
    if (want <= v->taken_room) {
        return true;
    }
    want += want / 2;
    taken = im_iof_alloc(f, want * sizeof(ImuRange));
    if (!taken) {
        return false;
    }
    if (v->taken_count) {
        memcpy(taken, v->taken, v->taken_count * sizeof(ImuRange));
    }
    im_iof_release(f, v->taken, v->taken_room * sizeof(ImuRange));
    v->taken = taken;
    v->taken_room = want;
    return true;
}

static bool iof_iova_in_use(const IofIoas *ioas, const ImuRange *r)
{
    const IofArea *a = im_iof_area_from(ioas, r->first);

    return (a && a->span.first <= r->last) ||
           im_iof_iova_allowed(&ioas->iova, r->first, r->last);
}

/* The newest of an owner go. */
static void iof_iova_forget(ImIommufd *f, IofIova *v, unsigned count)
{
    while (count--) {
        IofReserved *r = IM_LINK_OF(v->reserved, IofReserved, in_iova);

        im_link_out(&r->in_iova);
        im_iof_release(f, r, sizeof(*r));
    }
}

int im_iof_ioas_reserve(IofIoas *ioas, const void *owner,
                        const ImuRange *ranges, unsigned count)
{
    ImIommufd *f = ioas->file->host;
    IofIova *v = &ioas->iova;

    for (unsigned i = 0; i < count; i++) {
        if (iof_iova_in_use(ioas, &ranges[i])) {
            return -EADDRINUSE;
        }
    }
    if (!iof_iova_make_room(f, v, count)) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < count; i++) {
        IofReserved *r = im_iof_alloc(f, sizeof(*r));

        if (!r) {
            iof_iova_forget(f, v, i);
            return -ENOMEM;
        }
        *r = (IofReserved){ .owner = owner, .range = ranges[i] };
        im_link_in(&v->reserved, &r->in_iova);
    }
    iof_iova_sum_up(v);
    return 0;
}

void im_iof_ioas_unreserve(IofIoas *ioas, const void *owner)
{
    ImLink *next;

    for (ImLink *n = ioas->iova.reserved; n; n = next) {
        IofReserved *r = IM_LINK_OF(n, IofReserved, in_iova);

        next = n->next;
        if (r->owner == owner) {
            im_link_out(&r->in_iova);
            im_iof_release(ioas->file->host, r, sizeof(*r));
        }
    }
    iof_iova_sum_up(&ioas->iova);
}

int im_iommufd_ioas_reserve(ImIommufdFile *file, uint32_t ioas_id,
                            uint64_t iova, uint64_t length)
{
    IofIoas *ioas = im_iof_ioas(file, ioas_id);
    ImuRange r = { iova, iova + (length - 1) };

    if (!ioas) {
        return -ENOENT;
    }
    if (!length) {
        return -EINVAL;
    }
    return r.last < r.first ? -EOVERFLOW :
           im_iof_ioas_reserve(ioas, ioas, &r, 1);
}

/* --- finding a place ---------------------------------------------------- */

typedef struct Want {
    const ImSpan *areas;
    uint64_t len, align, rest;
    uint64_t *at;
} Want;

static bool iof_iova_gap(const Want *w, uint64_t first, uint64_t last)
{
    return im_span_gap(w->areas, first, last, w->len, w->align, w->rest,
                       w->at);
}

/* Between what is reserved. */
static bool iof_iova_find_within(const IofIova *v, uint64_t first,
                                 uint64_t last, const Want *w)
{
    for (uint32_t i = 0; i < v->taken_count; i++) {
        ImuRange r = v->taken[i];

        if (r.last < first) {
            continue;
        }
        if (r.first > last) {
            break;
        }
        if (r.first > first && iof_iova_gap(w, first, r.first - 1)) {
            return true;
        }
        if (r.last >= last) {
            return false;
        }
        first = r.last + 1;
    }
    return iof_iova_gap(w, first, last);
}

bool im_iof_iova_find(const IofIova *v, const ImSpan *areas, uint64_t len,
                      uint64_t align, uint64_t rest, uint64_t *at)
{
    /* Neither 0 nor all ones: too many programs take them for none. */
    const ImuRange all = { IM_IOMMUFD_PAGE, UINT64_MAX - IM_IOMMUFD_PAGE };
    const ImuRange *allowed = v->allowed_count ? v->allowed : &all;
    uint32_t count = MAX(v->allowed_count, 1);
    /* Linux leaves a single byte alone. */
    Want w = { areas, MAX(len, 2), align, rest, at };

    for (uint32_t i = 0; i < count; i++) {
        uint64_t first = MAX(allowed[i].first, all.first);
        uint64_t last = MIN(allowed[i].last, all.last);

        if (first <= last && iof_iova_find_within(v, first, last, &w)) {
            return true;
        }
    }
    return false;
}

/* --- commands ----------------------------------------------------------- */

/* Sorted by first: no two may meet, none may be reserved. */
static int iof_iova_check_allowed(const IofIova *v, const ImuRange *r,
                                  uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (r[i].first >= r[i].last ||
            (i && r[i].first <= r[i - 1].last)) {
            return -EINVAL;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (im_iof_iova_reserved(v, r[i].first, r[i].last)) {
            return -EADDRINUSE;
        }
    }
    return 0;
}

static int iof_iova_read_allowed(const ImIommufdCall *call, const IofIova *v,
                                 ImuRange *r)
{
    const IofAllowArg *a = call->cmd;
    int err = im_iof_copy_in(call, a->ranges, r,
                             a->count * sizeof(ImuRange));

    if (!err) {
        qsort(r, a->count, sizeof(ImuRange), iof_iova_compare);
        err = iof_iova_check_allowed(v, r, a->count);
    }
    return err;
}

int im_iof_ioas_allow_iovas(ImIommufdCall *call)
{
    const IofAllowArg *a = call->cmd;
    ImIommufd *f = call->file->host;
    ImuRange *r = NULL;
    IofIoas *ioas;
    int err = 0;

    if (a->reserved) {
        return -EOPNOTSUPP;
    }
    ioas = im_iof_ioas(call->file, a->ioas_id);
    if (!ioas) {
        return -ENOENT;
    }
    if (a->count) {
        r = a->count > ALLOWED_MAX ? NULL :
            im_iof_alloc(f, a->count * sizeof(ImuRange));
        if (!r) {
            return -ENOMEM;
        }
        err = iof_iova_read_allowed(call, &ioas->iova, r);
    }
    if (err) {
        im_iof_release(f, r, a->count * sizeof(ImuRange));
        return err;
    }
    im_iof_release(f, ioas->iova.allowed,
                   ioas->iova.allowed_count * sizeof(ImuRange));
    ioas->iova.allowed = r;
    ioas->iova.allowed_count = a->count;
    return 0;
}

int im_iof_ioas_iova_ranges(ImIommufdCall *call)
{
    IofRangesArg *a = call->cmd;
    uint32_t room = a->count;
    uint32_t n = 0;
    IofIoas *ioas;
    ImuRange r;
    int err;

    if (a->reserved) {
        return -EOPNOTSUPP;
    }
    ioas = im_iof_ioas(call->file, a->ioas_id);
    if (!ioas) {
        return -ENOENT;
    }
    while (im_iof_iova_free_range(&ioas->iova, n, &r)) {
        if (n < room) {
            err = im_iof_copy_out(call, a->ranges + n * sizeof(r), &r,
                                  sizeof(r));
            if (err) {
                return err;
            }
        }
        n++;
    }
    a->count = n;
    a->out_alignment = ioas->alignment;
    err = im_iommufd_respond(call, sizeof(*a));
    return err ? err : n > room ? -EMSGSIZE : 0;
}
