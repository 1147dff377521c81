/*
 * iommufd: which addresses of an IOAS may be used. What is reserved is
 * nobody's; where ranges are allowed, automatic places are in them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/iommufd/ioas.h"

#define ALLOWED_MAX  (1u << 20)

void im_iof_iova_free(ImIommufd *f, IofIova *v)
{
    ImMemory mem = im_iof_memory(f);

    while (v->reserved) {
        IofReserved *r = IM_LINK_OF(v->reserved, IofReserved, in_iova);

        im_link_out(&r->in_iova);
        im_iof_release(f, r, sizeof(*r));
    }
    im_ranges_free(&mem, &v->taken);
    im_ranges_free(&mem, &v->allowed);
}

/* --- reserving ---------------------------------------------------------- */

/* All that is reserved, as ranges. There is room. */
static void iof_iova_sum_up(ImIommufd *f, IofIova *v)
{
    ImMemory mem = im_iof_memory(f);

    v->taken.count = 0;
    for (ImLink *k = v->reserved; k; k = k->next) {
        ImRange r = IM_LINK_OF(k, IofReserved, in_iova)->range;

        im_ranges_add(&mem, &v->taken, r.first, r.last);
    }
}

/* Room for so many more. */
static bool iof_iova_make_room(ImIommufd *f, IofIova *v, unsigned more)
{
    ImMemory mem = im_iof_memory(f);
    uint32_t want = more;

    for (ImLink *k = v->reserved; k; k = k->next) {
        want++;
    }
    return im_ranges_make_room(&mem, &v->taken, want);
}

static bool iof_iova_in_use(const IofIoas *ioas, const ImuRange *r)
{
    const IofArea *a = im_iof_area_from(ioas, r->first);

    return (a && a->span.first <= r->last) ||
           im_ranges_meet(&ioas->iova.allowed, r->first, r->last);
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
        *r = (IofReserved) { .owner = owner,
                             .range = { ranges[i].first, ranges[i].last } };
        im_link_in(&v->reserved, &r->in_iova);
    }
    iof_iova_sum_up(f, v);
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
    iof_iova_sum_up(ioas->file->host, &ioas->iova);
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

bool im_iof_iova_find(const IofIova *v, const ImSpan *areas, uint64_t len,
                      uint64_t align, uint64_t rest, uint64_t *at)
{
    /* Neither 0 nor all ones: too many programs take them for none. */
    const ImRange all = { IM_IOMMUFD_PAGE, UINT64_MAX - IM_IOMMUFD_PAGE };
    const ImRange *allowed = v->allowed.count ? v->allowed.range : &all;

    len = MAX(len, 2);                  /* Linux leaves a single byte alone */
    for (uint32_t i = 0; i < MAX(v->allowed.count, 1); i++) {
        ImRange left = { MAX(allowed[i].first, all.first),
                         MIN(allowed[i].last, all.last) };
        ImRange gap;

        while (im_ranges_gap(&v->taken, &left, &gap)) {
            if (im_span_gap(areas, gap.first, gap.last, len, align, rest, at)) {
                return true;
            }
        }
    }
    return false;
}

/* --- commands ----------------------------------------------------------- */

G_STATIC_ASSERT(sizeof(ImRange) == sizeof(ImuRange));
G_STATIC_ASSERT(offsetof(ImRange, last) == offsetof(ImuRange, last));

/* No two may meet, none may be reserved, and none is a single address. */
static int iof_iova_check_allowed(const IofIova *v, ImRanges *r)
{
    if (!im_ranges_sort(r)) {
        return -EINVAL;
    }
    for (uint32_t i = 0; i < r->count; i++) {
        if (r->range[i].first == r->range[i].last) {
            return -EINVAL;
        }
    }
    for (uint32_t i = 0; i < r->count; i++) {
        if (im_ranges_meet(&v->taken, r->range[i].first, r->range[i].last)) {
            return -EADDRINUSE;
        }
    }
    return 0;
}

static int iof_iova_read_allowed(const ImIommufdCall *call, const IofIova *v,
                                 ImRanges *r)
{
    const IofAllowArg *a = call->cmd;
    ImMemory mem = im_iof_memory(call->file->host);
    int err;

    if (a->count > ALLOWED_MAX || !im_ranges_make_room(&mem, r, a->count)) {
        return -ENOMEM;
    }
    err = im_iof_copy_in(call, a->ranges, r->range,
                         a->count * sizeof(*r->range));
    r->count = err ? 0 : a->count;
    return err ? err : iof_iova_check_allowed(v, r);
}

int im_iof_ioas_allow_iovas(ImIommufdCall *call)
{
    const IofAllowArg *a = call->cmd;
    ImMemory mem = im_iof_memory(call->file->host);
    ImRanges r = { 0 };
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
        err = iof_iova_read_allowed(call, &ioas->iova, &r);
    }
    if (err) {
        im_ranges_free(&mem, &r);
        return err;
    }
    im_ranges_free(&mem, &ioas->iova.allowed);
    ioas->iova.allowed = r;
    return 0;
}

int im_iof_ioas_iova_ranges(ImIommufdCall *call)
{
    IofRangesArg *a = call->cmd;
    uint32_t room = a->count;
    uint32_t n = 0;
    ImRange rest = IOF_IOVA_ALL;
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
    while (im_iof_iova_next_free(&ioas->iova, &rest, &r)) {
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
