/*
 * iommufd: I/O address spaces, and the commands that map.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/iommufd/ioas.h"

#define MAP_FLAGS  (IOF_MAP_FIXED | IOF_MAP_WRITE | IOF_MAP_READ)

/* --- life --------------------------------------------------------------- */

static void iof_ioas_destroy(ImIommufdFile *file, IofObject *obj)
{
    IofIoas *ioas = (IofIoas *)obj;

    if (file->vfio_ioas == ioas) {
        file->vfio_ioas = NULL;
    }
    im_iof_areas_unmap(ioas, 0, UINT64_MAX);
    im_iof_iova_free(file->host, &ioas->iova);
    im_iof_release(file->host, ioas, sizeof(*ioas));
}

static const IofKind ioas_kind = { "IOAS", iof_ioas_destroy };

int im_iof_ioas_alloc(ImIommufdCall *call)
{
    IofIoasAllocArg *a = call->cmd;
    ImIommufdFile *file = call->file;
    IofIoas *ioas;
    int err;

    if (a->flags) {
        return -EOPNOTSUPP;
    }
    ioas = im_iof_alloc(file->host, sizeof(*ioas));
    if (!ioas) {
        return -ENOMEM;
    }
    *ioas = (IofIoas) { .file = file, .alignment = 1 };
    err = im_iof_object_in(file, &ioas->obj, &ioas_kind);
    if (err) {
        im_iof_release(file->host, ioas, sizeof(*ioas));
        return err;
    }
    a->out_id = ioas->obj.id;
    err = im_iommufd_respond(call, sizeof(*a));
    if (err) {
        im_iof_object_out(file, &ioas->obj);
        iof_ioas_destroy(file, &ioas->obj);
    }
    return err;
}

IofIoas *im_iof_ioas(ImIommufdFile *file, uint32_t id)
{
    return (IofIoas *)im_iof_object(file, &ioas_kind, id);
}

IofObject *im_iof_ioas_object(IofIoas *ioas)
{
    return &ioas->obj;
}

ImLink **im_iof_ioas_hwpts(IofIoas *ioas)
{
    return &ioas->hwpts;
}

IofIoas *im_iof_ioas_next(ImIommufdFile *file, uint32_t after)
{
    IofObject *obj = im_iof_object_next(file, after);

    while (obj && obj->kind != &ioas_kind) {
        obj = im_iof_object_next(file, obj->id);
    }
    return (IofIoas *)obj;
}

/* --- MAP, MAP_FILE, COPY ------------------------------------------------ */

static uint32_t iof_ioas_prot_of(uint32_t flags)
{
    return (flags & IOF_MAP_READ ? IMU_PROT_READ : 0) |
           (flags & IOF_MAP_WRITE ? IMU_PROT_WRITE : 0);
}

int im_iof_map(IofIoas *ioas, const ImIommufdCaller *caller,
               const IofFrom *from, uint32_t flags, uint64_t *iova)
{
    ImIommufd *f = ioas->file->host;
    IofPages *pages;
    IofArea *area;
    int err;

    if (!from->is_file && from->start + from->length < from->start) {
        return -EOVERFLOW;
    }
    if (!from->length || from->length > UINT64_MAX - IM_IOMMUFD_PAGE) {
        return -EINVAL;
    }
    err = im_iof_pages_new(ioas->file, caller, from, &pages);
    if (err) {
        return err;
    }
    area = im_iof_area_new(f, pages, from->start & (IM_IOMMUFD_PAGE - 1), 0,
                           from->length, iof_ioas_prot_of(flags));
    err = area ? im_iof_areas_map(ioas, area, from->length, flags, iova) :
                 -ENOMEM;
    if (err) {
        im_iof_areas_free(f, area);
        im_iof_pages_free(pages);
    }
    return err;
}

/* What MAP and COPY refuse before they look for objects. */
static int iof_ioas_check_flags(uint32_t flags, uint32_t reserved,
                                uint64_t length, uint64_t iova)
{
    if ((flags & ~MAP_FLAGS) || reserved) {
        return -EOPNOTSUPP;
    }
    if (iova == UINT64_MAX || length == UINT64_MAX) {
        return -EOVERFLOW;
    }
    return flags & (IOF_MAP_READ | IOF_MAP_WRITE) ? 0 : -EINVAL;
}

/* Tell the caller where; if that cannot be, it is not mapped. */
static int iof_ioas_respond(const ImIommufdCall *call, IofIoas *ioas,
                            uint64_t iova, uint64_t length, size_t size)
{
    int err = im_iommufd_respond(call, size);

    if (err) {
        im_iof_areas_unmap(ioas, iova, iova + (length - 1));
    }
    return err;
}

int im_iof_ioas_map(ImIommufdCall *call)
{
    IofMapArg *a = call->cmd;
    IofFrom from = { .source = call->caller->mm,
                     .start = a->user,
                     .length = a->length,
                     .writable = a->flags & IOF_MAP_WRITE };
    IofIoas *ioas;
    int err = iof_ioas_check_flags(a->flags, a->reserved, a->length, a->iova);

    if (err) {
        return err;
    }
    ioas = im_iof_ioas(call->file, a->ioas_id);
    if (!ioas) {
        return -ENOENT;
    }
    err = im_iof_map(ioas, call->caller, &from, a->flags, &a->iova);
    return err ? err :
                 iof_ioas_respond(call, ioas, a->iova, a->length, sizeof(*a));
}

int im_iof_ioas_map_file(ImIommufdCall *call)
{
    IofMapFileArg *a = call->cmd;
    ImIommufd *f = call->file->host;
    IofFrom from = { .start = a->start,
                     .length = a->length,
                     .is_file = true,
                     .writable = a->flags & IOF_MAP_WRITE };
    IofIoas *ioas;
    uint64_t bytes;
    int err = iof_ioas_check_flags(a->flags, 0, a->length, a->iova);

    if (err) {
        return err;
    }
    ioas = im_iof_ioas(call->file, a->ioas_id);
    if (!ioas) {
        return -ENOENT;
    }
    if (!a->length) {
        return -EINVAL;
    }
    if (a->start + (a->length - 1) < a->start) {
        return -EOVERFLOW;
    }
    err = f->port.file(f->opaque, call->caller, a->fd, &from.source, &bytes);
    if (err) {
        return err;
    }
    from.device_only = bytes != UINT64_MAX;
    err = from.device_only &&
                  (a->start > bytes || a->length > bytes - a->start) ?
              -EINVAL :
              im_iof_map(ioas, call->caller, &from, a->flags, &a->iova);
    f->port.drop(f->opaque, from.source);
    return err ? err :
                 iof_ioas_respond(call, ioas, a->iova, a->length, sizeof(*a));
}

/* An area, counted from 0, for each part of the source. */
static int iof_ioas_build_copy(IofIoas *src, const IofCopyArg *a,
                               IofArea **chain)
{
    uint64_t done = 0;
    IofArea **end = chain;

    while (done < a->length) {
        uint64_t at = a->src_iova + done;
        const IofArea *from = im_iof_area_at(src, at);
        uint64_t len;

        if (!from) {
            return -ENOENT;
        }
        len = MIN(a->length - done - 1, from->span.last - at) + 1;
        *end = im_iof_area_new(src->file->host, from->pages,
                               from->offset + (at - from->span.first), done,
                               len, iof_ioas_prot_of(a->flags));
        if (!*end) {
            return -ENOMEM;
        }
        end = &(*end)->next;
        done += len;
    }
    return 0;
}

/* The source is looked at before there need be a destination. */
static int iof_ioas_copy(IofIoas *src, ImIommufdCall *call, IofIoas **dst)
{
    IofCopyArg *a = call->cmd;
    IofArea *chain = NULL;
    int err;

    if (!a->length) {
        return -EINVAL;
    }
    if (a->src_iova + (a->length - 1) < a->src_iova) {
        return -EOVERFLOW;
    }
    err = iof_ioas_build_copy(src, a, &chain);
    if (!err) {
        *dst = im_iof_ioas(call->file, a->dst_id);
        err = *dst ? im_iof_areas_map(*dst, chain, a->length, a->flags,
                                      &a->dst_iova) :
                     -ENOENT;
    }
    if (err) {
        im_iof_areas_free(src->file->host, chain);
    }
    return err;
}

int im_iof_ioas_copy(ImIommufdCall *call)
{
    IofCopyArg *a = call->cmd;
    IofIoas *src, *dst;
    int err = iof_ioas_check_flags(a->flags, 0, a->length,
                                   MAX(a->src_iova, a->dst_iova));

    if (err) {
        return err;
    }
    src = im_iof_ioas(call->file, a->src_id);
    err = src ? iof_ioas_copy(src, call, &dst) : -ENOENT;
    return err ?
               err :
               iof_ioas_respond(call, dst, a->dst_iova, a->length, sizeof(*a));
}

/* --- UNMAP -------------------------------------------------------------- */

int im_iof_ioas_unmap(ImIommufdCall *call)
{
    IofUnmapArg *a = call->cmd;
    IofIoas *ioas = im_iof_ioas(call->file, a->ioas_id);
    bool all = a->iova == 0 && a->length == UINT64_MAX;
    uint64_t first = a->iova;
    uint64_t last = all ? UINT64_MAX : first + (a->length - 1);
    int err;

    if (!ioas) {
        return -ENOENT;
    }
    if (!all) {
        if (a->iova == UINT64_MAX || a->length == UINT64_MAX) {
            return -EOVERFLOW;
        }
        if (!a->length) {
            return -EINVAL;
        }
        if (last < first) {
            return -EOVERFLOW;
        }
    }
    err = im_iof_areas_may_unmap(ioas, first, last, &a->length);
    if (!err && !all && !a->length) {
        err = -ENOENT;
    }
    if (!err) {
        err = im_iommufd_respond(call, sizeof(*a));
    }
    if (!err) {
        im_iof_areas_unmap(ioas, first, last);
    }
    return err;
}

/* --- others ------------------------------------------------------------- */

int im_iof_ioas_change_process(ImIommufdCall *call)
{
    const IofChangeProcessArg *a = call->cmd;

    return a->reserved ? -EOPNOTSUPP :
                         im_iof_pages_change_process(call->file, call->caller);
}

/* Whether what is mapped has an address that a device uses. */
static bool iof_ioas_no_iommu(const IofIoas *ioas)
{
    for (ImLink *n = ioas->spaces; n; n = n->next) {
        if (IM_LINK_OF(n, IofSpace, in_ioas)->no_iommu) {
            return true;
        }
    }
    return false;
}

int im_iof_ioas_get_pa(ImIommufdCall *call)
{
    IofGetPaArg *a = call->cmd;
    IofIoas *ioas;
    IofArea *area;
    uint64_t into;

    if (a->flags || a->reserved) {
        return -EOPNOTSUPP;
    }
    if (!a->length) {
        return -EINVAL;
    }
    if (a->iova == UINT64_MAX) {
        return -EOVERFLOW;
    }
    ioas = im_iof_ioas(call->file, a->ioas_id);
    area = ioas ? im_iof_area_at(ioas, a->iova) : NULL;
    if (!area) {
        return -ENOENT;
    }
    if (area->pages->revoked) {
        return -EINVAL;
    }
    if (!iof_ioas_no_iommu(ioas)) {
        return -EOPNOTSUPP;
    }
    into = a->iova - area->span.first;
    a->out_pa = area->pages->span.first + area->offset + into;
    a->length = MIN(a->length - 1, area->span.last - a->iova) + 1;
    return im_iommufd_respond(call, sizeof(*a));
}

void im_iof_ioas_revoke(ImIommufdFile *file, const void *source)
{
    for (IofIoas *ioas = im_iof_ioas_next(file, 0); ioas;
         ioas = im_iof_ioas_next(file, ioas->obj.id)) {
        for (IofArea *a = im_iof_area_from(ioas, 0); a;
             a = im_iof_area_next(ioas, a)) {
            if (a->pages->source == source && !a->pages->revoked) {
                im_iof_area_revoke(ioas, a);
            }
        }
    }
}
