/*
 * iommufd: accesses, who reaches what is mapped without an IOMMU.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/iommufd/ioas.h"

#define PAGE  IM_IOMMUFD_PAGE

/* --- ranges of an IOAS -------------------------------------------------- */

/* The part of an area that is in first .. last. */
static void iof_access_part(const IofArea *a, uint64_t first, uint64_t last,
                            uint64_t *offset, uint64_t *length)
{
    uint64_t from = MAX(first, a->span.first);

    *offset = a->offset + (from - a->span.first);
    *length = MIN(last, a->span.last) - from + 1;
}

/* Whole areas' bounds within a range are bounds of pages: else a page of the
 * range would be two. */
static bool iof_access_seam_ok(const IofArea *a, uint64_t first, uint64_t last)
{
    uint64_t offset, length;

    iof_access_part(a, first, last, &offset, &length);
    return (a->span.first <= first || (offset & (PAGE - 1)) == 0) &&
           (a->span.last >= last || ((offset + length) & (PAGE - 1)) == 0);
}

/* Of first .. last what may be reached so. */
static int iof_access_check(const IofIoas *ioas, uint64_t first, uint64_t last,
                            bool write, bool pins)
{
    const IofArea *a = im_iof_area_at(ioas, first);

    for (;;) {
        if (!a) {
            return -ENOENT;
        }
        if (write && !(a->prot & IMU_PROT_WRITE)) {
            return -EPERM;
        }
        if (a->pages->device_only ||
            (pins && !iof_access_seam_ok(a, first, last))) {
            return -EINVAL;
        }
        if (a->span.last >= last) {
            return 0;
        }
        a = im_iof_area_at(ioas, a->span.last + 1);
    }
}

static int iof_access_bounds(uint64_t iova, uint64_t length, uint64_t *last)
{
    *last = iova + (length - 1);
    return !length ? -EINVAL : *last < iova ? -EOVERFLOW : 0;
}

static void iof_access_unpin_before(IofIoas *ioas, uint64_t first,
                                    uint64_t last, const IofArea *until,
                                    bool lock)
{
    for (IofArea *a = im_iof_area_at(ioas, first);
         a && a != until && a->span.first <= last;
         a = im_iof_area_next(ioas, a)) {
        uint64_t offset, length;

        iof_access_part(a, first, last, &offset, &length);
        im_iof_pages_unpin(a->pages, offset, length);
        *(lock ? &a->locks : &a->pins) -= 1;
    }
}

/* The pages of the part of an area that is in first .. last. */
static ImIommufdPage *iof_access_list_pages(const IofArea *a, uint64_t first,
                                            uint64_t last, ImIommufdPage *pages)
{
    uint64_t offset, length;

    iof_access_part(a, first, last, &offset, &length);
    for (uint64_t i = offset / PAGE; i <= (offset + length - 1) / PAGE; i++) {
        *pages++ = a->pages->page[i].at;
    }
    return pages;
}

static int iof_access_pin(IofIoas *ioas, uint64_t iova, uint64_t length,
                          bool write, bool lock, ImIommufdPage *pages)
{
    uint64_t last;
    int err = iof_access_bounds(iova, length, &last);

    if (!err) {
        err = iof_access_check(ioas, iova, last, write, true);
    }
    if (err) {
        return err;
    }
    for (IofArea *a = im_iof_area_at(ioas, iova); a && a->span.first <= last;
         a = im_iof_area_next(ioas, a)) {
        uint64_t offset, len;

        iof_access_part(a, iova, last, &offset, &len);
        err = im_iof_pages_pin(a->pages, offset, len);
        if (err) {
            iof_access_unpin_before(ioas, iova, last, a, lock);
            return err;
        }
        *(lock ? &a->locks : &a->pins) += 1;
        if (pages) {
            pages = iof_access_list_pages(a, iova, last, pages);
        }
    }
    return 0;
}

int im_iof_ioas_pin(IofIoas *ioas, uint64_t iova, uint64_t length, bool write,
                    ImIommufdPage *pages)
{
    return iof_access_pin(ioas, iova, length, write, true, pages);
}

void im_iof_ioas_unpin(IofIoas *ioas, uint64_t iova, uint64_t length)
{
    iof_access_unpin_before(ioas, iova, iova + (length - 1), NULL, true);
}

/* --- accesses ----------------------------------------------------------- */

static void iof_access_destroy(ImIommufdFile *file, IofObject *obj)
{
    im_iof_release(file->host, obj, sizeof(ImIommufdAccess));
}

static const IofKind access_kind = { "access", iof_access_destroy };

int im_iommufd_access_new(ImIommufdFile *file, const ImIommufdAccessOps *ops,
                          void *opaque, ImIommufdAccess **access, uint32_t *id)
{
    ImIommufdAccess *a = im_iof_alloc(file->host, sizeof(*a));
    int err;

    if (!a) {
        return -ENOMEM;
    }
    *a = (ImIommufdAccess) { .file = file, .ops = *ops, .opaque = opaque };
    err = im_iof_object_in(file, &a->obj, &access_kind);
    if (err) {
        im_iof_release(file->host, a, sizeof(*a));
        return err;
    }
    a->obj.users = 1;               /* its owner */
    im_iommufd_hold(file);
    *access = a;
    *id = a->obj.id;
    return 0;
}

void im_iommufd_access_detach(ImIommufdAccess *access)
{
    IofIoas *ioas = access->ioas;

    if (!ioas) {
        return;
    }
    if (access->ops.unmap) {
        access->ops.unmap(access->opaque, 0, UINT64_MAX);
    }
    access->ioas = NULL;
    im_link_out(&access->in_ioas);
    ioas->obj.users--;
    (void)im_iof_ioas_realign(ioas);        /* less: cannot fail */
}

void im_iommufd_access_free(ImIommufdAccess *access)
{
    ImIommufdFile *file = access->file;

    im_iommufd_access_detach(access);
    im_iof_object_out(file, &access->obj);
    iof_access_destroy(file, &access->obj);
    im_iommufd_drop(file);
}

/* Enter an IOAS; the links of the old one are in *link. */
static int iof_access_enter(ImIommufdAccess *access, IofIoas *ioas)
{
    int err;

    im_link_in(&ioas->accesses, &access->in_ioas);
    err = im_iof_ioas_realign(ioas);
    if (err) {
        im_link_out(&access->in_ioas);
        (void)im_iof_ioas_realign(ioas);    /* back: cannot fail */
        return err;
    }
    access->ioas = ioas;
    ioas->obj.users++;
    return 0;
}

int im_iommufd_access_attach(ImIommufdAccess *access, uint32_t ioas_id)
{
    IofIoas *ioas = im_iof_ioas(access->file, ioas_id);

    if (access->ioas) {
        return -EINVAL;
    }
    return ioas ? iof_access_enter(access, ioas) : -ENOENT;
}

int im_iommufd_access_replace(ImIommufdAccess *access, uint32_t ioas_id)
{
    IofIoas *ioas = im_iof_ioas(access->file, ioas_id);
    IofIoas *old = access->ioas;
    int err;

    if (!old || !ioas) {
        return -ENOENT;
    }
    if (ioas == old) {
        return 0;
    }
    if (access->ops.unmap) {
        access->ops.unmap(access->opaque, 0, UINT64_MAX);
    }
    im_link_out(&access->in_ioas);
    err = iof_access_enter(access, ioas);
    if (err) {
        im_link_in(&old->accesses, &access->in_ioas);
        return err;
    }
    old->obj.users--;
    (void)im_iof_ioas_realign(old);         /* less: cannot fail */
    return 0;
}

int im_iommufd_access_pin(ImIommufdAccess *access, uint64_t iova,
                          uint64_t length, uint32_t flags, ImIommufdPage *pages)
{
    if (!access->ops.pins) {
        return -EINVAL;
    }
    return !access->ioas ?
               -ENOENT :
               iof_access_pin(access->ioas, iova, length,
                              flags & IM_IOMMUFD_ACCESS_WRITE, false, pages);
}

void im_iommufd_access_unpin(ImIommufdAccess *access, uint64_t iova,
                             uint64_t length)
{
    if (access->ioas) {
        iof_access_unpin_before(access->ioas, iova, iova + (length - 1), NULL,
                                false);
    }
}

int im_iommufd_access_rw(ImIommufdAccess *access, uint64_t iova, void *buf,
                         size_t length, uint32_t flags)
{
    bool write = flags & IM_IOMMUFD_ACCESS_WRITE;
    uint64_t last;
    int err = access->ioas ? iof_access_bounds(iova, length, &last) : -ENOENT;

    if (!err) {
        err = iof_access_check(access->ioas, iova, last, write, false);
    }
    for (const IofArea *a = err ? NULL : im_iof_area_at(access->ioas, iova);
         a && !err && a->span.first <= last;
         a = im_iof_area_next(access->ioas, a)) {
        uint64_t offset, len;

        iof_access_part(a, iova, last, &offset, &len);
        err = im_iof_pages_rw(a->pages, offset, buf, len, write);
        buf = (uint8_t *)buf + len;
    }
    return err;
}
