/*
 * iommufd: page tables of an IOAS, what they ask of it, and alignment.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/iommufd/ioas.h"

static uint64_t iof_space_wanted(const IofIoas *ioas)
{
    uint64_t align = ioas->small_pages ? IM_IOMMUFD_PAGE : 1;

    for (ImLink *n = ioas->spaces; n; n = n->next) {
        align = MAX(align, IM_LINK_OF(n, IofSpace, in_ioas)->page);
    }
    for (ImLink *n = ioas->accesses; n; n = n->next) {
        if (IM_LINK_OF(n, ImIommufdAccess, in_ioas)->ops.pins) {
            align = MAX(align, IM_IOMMUFD_PAGE);
        }
    }
    return align;
}

static bool iof_space_fits(const IofArea *a, uint64_t align)
{
    uint64_t into = (a->pages->start + a->offset) & (IM_IOMMUFD_PAGE - 1);

    return ((a->span.first | (a->span.last + 1) | into) & (align - 1)) == 0;
}

int im_iof_ioas_realign(IofIoas *ioas)
{
    uint64_t align = iof_space_wanted(ioas);

    if (align > IM_IOMMUFD_PAGE) {
        return -EINVAL;
    }
    for (IofArea *a = im_iof_area_from(ioas, 0); a && align > ioas->alignment;
         a = im_iof_area_next(ioas, a)) {
        if (!iof_space_fits(a, align)) {
            return -EADDRINUSE;
        }
    }
    ioas->alignment = align;
    return 0;
}

uint64_t im_iof_ioas_alignment(const IofIoas *ioas)
{
    return ioas->alignment;
}

/* What is beyond the aperture is reserved. */
static int iof_space_bound(IofIoas *ioas, const IofSpace *space)
{
    ImuRange r[2];
    unsigned n = 0;

    if (space->first > 0) {
        r[n++] = (ImuRange) { 0, space->first - 1 };
    }
    if (space->last < UINT64_MAX) {
        r[n++] = (ImuRange) { space->last + 1, UINT64_MAX };
    }
    return im_iof_ioas_reserve(ioas, space, r, n);
}

int im_iof_ioas_add_space(IofIoas *ioas, IofSpace *space)
{
    int err = iof_space_bound(ioas, space);

    if (err) {
        return err;
    }
    im_link_in(&ioas->spaces, &space->in_ioas);
    err = im_iof_ioas_realign(ioas);
    if (!err) {
        err = im_iof_space_fill(ioas, space);
    }
    if (err) {
        im_link_out(&space->in_ioas);
        im_iof_ioas_unreserve(ioas, space);
        (void)im_iof_ioas_realign(ioas);    /* back: cannot fail */
    }
    return err;
}

void im_iof_ioas_remove_space(IofIoas *ioas, IofSpace *space)
{
    im_iof_space_empty(ioas, space);
    im_link_out(&space->in_ioas);
    im_iof_ioas_unreserve(ioas, space);
    (void)im_iof_ioas_realign(ioas);        /* less: cannot fail */
}

void im_iommufd_revoke(ImIommufd *f, void *source)
{
    for (ImLink *n = f->files; n; n = n->next) {
        ImIommufdFile *file = IM_LINK_OF(n, ImIommufdFile, in_host);

        im_iof_ioas_revoke(file, source);
        for (ImLink *m = file->pages; m; m = m->next) {
            IofPages *p = IM_LINK_OF(m, IofPages, in_file);

            p->revoked = p->revoked || p->source == source;
        }
    }
}
