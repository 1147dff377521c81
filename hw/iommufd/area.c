/*
 * iommufd: areas, what is mapped in an IOAS; and the same in all its spaces.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/iommufd/ioas.h"

#define PAGE        IM_IOMMUFD_PAGE
/* Alignment beyond which large pages gain nothing. */
#define ALIGN_MAX   (UINT64_C(1) << 21)

#define SPACE_OF(link_)   IM_LINK_OF(link_, IofSpace, in_ioas)
#define ACCESS_OF(link_)  IM_LINK_OF(link_, ImIommufdAccess, in_ioas)

static uint64_t iof_area_length_of(const IofArea *a)
{
    return a->span.last - a->span.first + 1;
}

/* --- lookup ------------------------------------------------------------- */

IofArea *im_iof_area_from(const IofIoas *ioas, uint64_t iova)
{
    return IOF_AREA_OF(im_span_from(ioas->areas, iova));
}

IofArea *im_iof_area_at(const IofIoas *ioas, uint64_t iova)
{
    IofArea *a = im_iof_area_from(ioas, iova);

    return a && a->span.first <= iova ? a : NULL;
}

IofArea *im_iof_area_next(const IofIoas *ioas, const IofArea *a)
{
    return a->span.last == UINT64_MAX ?
               NULL :
               im_iof_area_from(ioas, a->span.last + 1);
}

uint64_t im_iof_ioas_covered(const IofIoas *ioas, uint64_t first, uint64_t last)
{
    const IofArea *a = im_iof_area_at(ioas, first);
    uint64_t at = first;

    while (a && a->span.last < last) {
        at = a->span.last + 1;
        a = im_iof_area_at(ioas, at);
    }
    return a ? last - first + 1 : at - first;
}

bool im_iof_ioas_covers(const IofIoas *ioas, uint64_t first, uint64_t last)
{
    return im_iof_ioas_covered(ioas, first, last) == last - first + 1;
}

/* --- life --------------------------------------------------------------- */

IofArea *im_iof_area_new(ImIommufd *f, IofPages *pages, uint64_t offset,
                         uint64_t first, uint64_t length, uint32_t prot)
{
    IofArea *a = im_iof_alloc(f, sizeof(*a));

    if (a) {
        *a = (IofArea) { .span = { .first = first,
                                   .last = first + (length - 1) },
                         .pages = pages,
                         .offset = offset,
                         .prot = prot };
    }
    return a;
}

void im_iof_areas_free(ImIommufd *f, IofArea *chain)
{
    while (chain) {
        IofArea *next = chain->next;

        im_iof_release(f, chain, sizeof(*chain));
        chain = next;
    }
}

static void iof_area_insert(IofIoas *ioas, IofArea *a)
{
    ioas->areas = im_span_insert(ioas->areas, &a->span);
    ioas->count++;
}

static void iof_area_take(IofIoas *ioas, IofArea *a)
{
    ioas->areas = im_span_remove(ioas->areas, &a->span);
    ioas->count--;
}

/* --- in spaces ---------------------------------------------------------- */

static int iof_area_backend_map(const IofIoas *ioas, const IofSpace *space,
                                const IofArea *a, uint64_t into,
                                uint64_t length)
{
    ImuMap map = {
        .head.flags = a->prot | space->always | IMU_MAP_FIXED,
        .set = ioas->file->set,
        .space = space->ref,
        .user = a->pages->span.first + a->offset + into,
        .length = length,
        .iova = a->span.first + into,
    };

    return im_iof_backend(ioas->file, IMU_CMD_MAP, &map);
}

/* Whole mappings; if there is none, so be it. */
static void iof_area_backend_unmap(const IofIoas *ioas, const IofSpace *space,
                                   const IofArea *a, uint64_t length)
{
    ImuUnmap unmap = {
        .set = ioas->file->set,
        .space = space->ref,
        .iova = a->span.first,
        .length = length,
    };

    (void)im_iof_backend(ioas->file, IMU_CMD_UNMAP, &unmap);
}

/* With small pages, page by page: each can be unmapped alone. */
static int iof_area_map_pieces(const IofIoas *ioas, const IofSpace *space,
                               const IofArea *a)
{
    uint64_t whole = iof_area_length_of(a);
    uint64_t piece = ioas->small_pages ? PAGE : whole;

    for (uint64_t done = 0; done < whole; done += piece) {
        int err = iof_area_backend_map(ioas, space, a, done, piece);

        if (err) {
            if (done) {
                iof_area_backend_unmap(ioas, space, a, done);
            }
            return err;
        }
    }
    return 0;
}

/* Whether a table has entries of that kind. */
static bool iof_area_can_hold(const IofSpace *space, const IofArea *a)
{
    return a->prot && (!space->writable_only || (a->prot & IMU_PROT_WRITE));
}

static int iof_area_map_in(const IofIoas *ioas, const IofSpace *space,
                           const IofArea *a)
{
    int err;

    if (a->pages->revoked) {
        return 0;
    }
    if (!iof_area_can_hold(space, a)) {
        return -EINVAL;
    }
    err = im_iof_pages_pin(a->pages, a->offset, iof_area_length_of(a));
    if (!err) {
        err = iof_area_map_pieces(ioas, space, a);
        if (err) {
            im_iof_pages_unpin(a->pages, a->offset, iof_area_length_of(a));
        }
    }
    return err;
}

static void iof_area_unmap_in(const IofIoas *ioas, const IofSpace *space,
                              const IofArea *a)
{
    if (!a->pages->revoked) {
        iof_area_backend_unmap(ioas, space, a, iof_area_length_of(a));
        im_iof_pages_unpin(a->pages, a->offset, iof_area_length_of(a));
    }
}

/* Of all spaces before until (NULL: of all). */
static void iof_area_unmap_before(IofIoas *ioas, const ImLink *until,
                                  const IofArea *a)
{
    for (ImLink *n = ioas->spaces; n != until; n = n->next) {
        iof_area_unmap_in(ioas, SPACE_OF(n), a);
    }
}

static int iof_area_map_everywhere(IofIoas *ioas, const IofArea *a)
{
    for (ImLink *n = ioas->spaces; n; n = n->next) {
        int err = iof_area_map_in(ioas, SPACE_OF(n), a);

        if (err) {
            iof_area_unmap_before(ioas, n, a);
            return err;
        }
    }
    return 0;
}

int im_iof_space_fill(IofIoas *ioas, const IofSpace *space)
{
    for (IofArea *a = im_iof_area_from(ioas, 0); a;
         a = im_iof_area_next(ioas, a)) {
        int err = iof_area_map_in(ioas, space, a);

        if (err) {
            for (IofArea *b = im_iof_area_from(ioas, 0); b != a;
                 b = im_iof_area_next(ioas, b)) {
                iof_area_unmap_in(ioas, space, b);
            }
            return err;
        }
    }
    return 0;
}

void im_iof_space_empty(IofIoas *ioas, const IofSpace *space)
{
    for (IofArea *a = im_iof_area_from(ioas, 0); a;
         a = im_iof_area_next(ioas, a)) {
        iof_area_unmap_in(ioas, space, a);
    }
}

void im_iof_area_revoke(IofIoas *ioas, IofArea *a)
{
    iof_area_unmap_before(ioas, NULL, a);
}

/* --- where -------------------------------------------------------------- */

static bool iof_area_aligned(const IofIoas *ioas, uint64_t value)
{
    return (value & (ioas->alignment - 1)) == 0;
}

static int iof_area_admit(const IofIoas *ioas, uint64_t iova, uint64_t length)
{
    uint64_t last = iova + (length - 1);
    const IofArea *a;

    if (!iof_area_aligned(ioas, iova)) {
        return -EINVAL;
    }
    if (last < iova) {
        return -EOVERFLOW;
    }
    if (im_ranges_meet(&ioas->iova.taken, iova, last)) {
        return -EINVAL;
    }
    a = im_iof_area_from(ioas, iova);
    return a && a->span.first <= last ? -EEXIST : 0;
}

/* As aligned as the memory is, and as far into a page. */
static int iof_area_choose(const IofIoas *ioas, uint64_t addr, uint64_t length,
                           uint64_t *iova)
{
    uint64_t rest = addr & (PAGE - 1);
    uint64_t align = ALIGN_MAX;

    if (length >= UINT64_MAX / 2) {
        return -EOVERFLOW;
    }
    while (align > 1 && (align / 2 >= length || (addr & (align - 1)))) {
        align >>= 1;
    }
    if (align < ioas->alignment) {
        return -EINVAL;
    }
    return im_iof_iova_find(&ioas->iova, ioas->areas, length,
                            rest ? PAGE : align, rest, iova) ?
               0 :
               -ENOSPC;
}

static int iof_area_find_place(const IofIoas *ioas, const IofArea *a,
                               uint64_t length, uint32_t flags, uint64_t *iova)
{
    if (!iof_area_aligned(ioas, length)) {
        return -EINVAL;
    }
    return flags & IOF_MAP_FIXED ?
               iof_area_admit(ioas, *iova, length) :
               iof_area_choose(ioas, a->pages->start + a->offset, length, iova);
}

/* --- mapping ------------------------------------------------------------ */

/* What each area asks for itself. */
static int iof_area_check_areas(const IofIoas *ioas, const IofArea *chain)
{
    for (const IofArea *a = chain; a; a = a->next) {
        if ((a->prot & IMU_PROT_WRITE) && !a->pages->writable) {
            return -EPERM;
        }
        if (!iof_area_aligned(ioas,
                              (a->pages->start + a->offset) & (PAGE - 1))) {
            return -EINVAL;
        }
    }
    return 0;
}

static int iof_area_map_chain(IofIoas *ioas, const IofArea *chain)
{
    for (const IofArea *a = chain; a; a = a->next) {
        int err = iof_area_map_everywhere(ioas, a);

        if (err) {
            for (const IofArea *b = chain; b != a; b = b->next) {
                iof_area_unmap_before(ioas, NULL, b);
            }
            return err;
        }
    }
    return 0;
}

int im_iof_areas_map(IofIoas *ioas, IofArea *chain, uint64_t length,
                     uint32_t flags, uint64_t *iova)
{
    uint64_t at = *iova;
    int err = iof_area_find_place(ioas, chain, length, flags, &at);

    if (!err) {
        err = iof_area_check_areas(ioas, chain);
    }
    if (err) {
        return err;
    }
    for (IofArea *a = chain; a; a = a->next) {
        a->span.first += at;
        a->span.last += at;
    }
    err = iof_area_map_chain(ioas, chain);
    if (err) {
        return err;
    }
    while (chain) {
        IofArea *next = chain->next;

        chain->next = NULL;
        chain->pages->users++;
        iof_area_insert(ioas, chain);
        chain = next;
    }
    *iova = at;
    return 0;
}

/* --- unmapping ---------------------------------------------------------- */

static void iof_area_ask_to_let_go(IofIoas *ioas, const IofArea *a)
{
    ImLink *next;

    for (ImLink *n = ioas->accesses; n && a->pins; n = next) {
        ImIommufdAccess *access = ACCESS_OF(n);

        next = n->next;
        if (access->ops.unmap) {
            access->ops.unmap(access->opaque, a->span.first,
                              iof_area_length_of(a));
        }
    }
}

int im_iof_areas_may_unmap(IofIoas *ioas, uint64_t first, uint64_t last,
                           uint64_t *bytes)
{
    IofArea *a;

    *bytes = 0;
    for (a = im_iof_area_from(ioas, first); a && a->span.first <= last;
         a = im_iof_area_next(ioas, a)) {
        if (a->span.first < first || a->span.last > last) {
            return -ENOENT;
        }
        if (a->locks) {
            return -EBUSY;
        }
        *bytes += iof_area_length_of(a);
    }
    for (a = im_iof_area_from(ioas, first); a && a->span.first <= last;
         a = im_iof_area_next(ioas, a)) {
        iof_area_ask_to_let_go(ioas, a);
        if (a->pins) {
            return -EDEADLOCK;
        }
    }
    return 0;
}

void im_iof_areas_unmap(IofIoas *ioas, uint64_t first, uint64_t last)
{
    IofArea *a;

    while ((a = im_iof_area_from(ioas, first)) && a->span.first <= last) {
        iof_area_unmap_before(ioas, NULL, a);
        iof_area_take(ioas, a);
        im_iof_pages_put(a->pages);
        im_iof_release(ioas->file->host, a, sizeof(*a));
    }
}

/* --- cutting ------------------------------------------------------------ */

int im_iof_area_cut(IofIoas *ioas, uint64_t iova)
{
    IofArea *a = im_iof_area_at(ioas, iova);
    IofArea *b;
    uint64_t head;

    if (!a || a->span.first == iova) {
        return 0;
    }
    head = iova - a->span.first;
    if (!ioas->small_pages || a->pins || a->locks ||
        ((iova | (a->offset + head)) & (PAGE - 1))) {
        return -EINVAL;
    }
    b = im_iof_area_new(ioas->file->host, a->pages, a->offset + head, iova,
                        a->span.last - iova + 1, a->prot);
    if (!b) {
        return -ENOMEM;
    }
    iof_area_take(ioas, a);
    a->span.last = iova - 1;
    iof_area_insert(ioas, a);
    b->pages->users++;
    iof_area_insert(ioas, b);
    return 0;
}
