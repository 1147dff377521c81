/*
 * iommufd: VFIO's type 1 container commands, on one IOAS of the file.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/iommufd/ioas.h"

int im_iof_vfio_ioas(ImIommufdCall *call)
{
    IofVfioIoasArg *a = call->cmd;
    ImIommufdFile *file = call->file;
    IofIoas *ioas;

    if (a->reserved) {
        return -EOPNOTSUPP;
    }
    switch (a->op) {
    case IOF_VFIO_IOAS_GET:
        if (!file->vfio_ioas) {
            return -ENODEV;
        }
        a->ioas_id = file->vfio_ioas->obj.id;
        return im_iommufd_respond(call, sizeof(*a));
    case IOF_VFIO_IOAS_SET:
        ioas = im_iof_ioas(file, a->ioas_id);
        if (!ioas) {
            return -ENOENT;
        }
        file->vfio_ioas = ioas;
        return 0;
    case IOF_VFIO_IOAS_CLEAR:
        file->vfio_ioas = NULL;
        return 0;
    default:
        return -EOPNOTSUPP;
    }
}

/* --- commands: call->user is the argument, cmd holds its first bytes ---- */

static int iof_vfio_get_api_version(ImIommufdCall *call)
{
    (void)call;
    return 0;
}

static int iof_vfio_check_extension(ImIommufdCall *call)
{
    switch (call->user) {
    case IOF_VFIO_TYPE1:
    case IOF_VFIO_TYPE1V2:
    case IOF_VFIO_UNMAP_ALL:
        return 1;
    case IOF_VFIO_DMA_CC:
        return call->file->vfio_ioas ? 1 : -ENODEV;
    default:
        return 0;
    }
}

static int iof_vfio_set_iommu(ImIommufdCall *call)
{
    IofIoas *ioas = call->file->vfio_ioas;

    if (call->user != IOF_VFIO_TYPE1 && call->user != IOF_VFIO_TYPE1V2) {
        return -EINVAL;
    }
    if (!ioas) {
        return -ENODEV;
    }
    /* Of the first version, unmapping may cut what was mapped. */
    return call->user == IOF_VFIO_TYPE1 ? im_iof_ioas_small_pages(ioas, true) :
                                          0;
}

/* The two capabilities that follow the structure, each at a multiple of 8. */
typedef struct InfoCaps {
    uint32_t count;                 /* of ranges */
    uint32_t avail, ranges, end;    /* offsets */
} InfoCaps;

static InfoCaps iof_vfio_measure_caps(const IofIoas *ioas)
{
    InfoCaps c = { .avail = sizeof(IofVfioInfo) };
    ImRange rest = IOF_IOVA_ALL;
    ImuRange r;

    while (im_iof_iova_next_free(&ioas->iova, &rest, &r)) {
        c.count++;
    }
    c.ranges = c.avail + ((uint32_t)sizeof(IofVfioCapAvail) + 7) / 8 * 8;
    c.end = c.ranges + (uint32_t)sizeof(IofVfioCapRanges) +
            c.count * (uint32_t)sizeof(ImuRange);
    return c;
}

static int iof_vfio_put_caps(ImIommufdCall *call, const IofIoas *ioas,
                             const InfoCaps *c)
{
    IofVfioCapAvail avail = {
        .head = { IOF_VFIO_CAP_DMA_AVAIL, 1, c->ranges },
        .avail = UINT32_MAX,
    };
    IofVfioCapRanges ranges = {
        .head = { IOF_VFIO_CAP_IOVA_RANGE, 1, 0 },
        .count = c->count,
    };
    uint64_t at = call->user + c->ranges;
    ImRange rest = IOF_IOVA_ALL;
    ImuRange r;
    int err = im_iof_copy_out(call, call->user + c->avail, &avail,
                              sizeof(avail));

    if (!err) {
        err = im_iof_copy_out(call, at, &ranges, sizeof(ranges));
    }
    at += sizeof(ranges);
    while (!err && im_iof_iova_next_free(&ioas->iova, &rest, &r)) {
        err = im_iof_copy_out(call, at, &r, sizeof(r));
        at += sizeof(r);
    }
    return err;
}

/* Sizes that every table has; without one, all from a page of the CPU on,
 * which stands for the smaller ones. */
static uint64_t iof_vfio_page_sizes(const IofIoas *ioas)
{
    uint64_t sizes = UINT64_MAX;

    for (ImLink *n = ioas->spaces; n; n = n->next) {
        sizes &= IM_LINK_OF(n, IofSpace, in_ioas)->page_sizes;
    }
    if (sizes & (IM_IOMMUFD_PAGE - 1)) {
        sizes = (sizes & ~(IM_IOMMUFD_PAGE - 1)) | IM_IOMMUFD_PAGE;
    }
    return MAX(sizes, ioas->alignment);
}

static int iof_vfio_get_info(ImIommufdCall *call)
{
    IofVfioInfo *a = call->cmd;
    IofIoas *ioas = call->file->vfio_ioas;
    uint32_t room = a->size;
    InfoCaps c;
    int err = 0;

    if (!ioas) {
        return -ENODEV;
    }
    c = iof_vfio_measure_caps(ioas);
    *a = (IofVfioInfo) {
        .size = c.end,
        .flags = IOF_VFIO_INFO_PGSIZES | IOF_VFIO_INFO_CAPS,
        .page_sizes = iof_vfio_page_sizes(ioas),
        .cap_offset = room < c.end ? 0 : c.avail,
    };
    if (room >= c.end) {
        err = iof_vfio_put_caps(call, ioas, &c);
    }
    return err ? err :
                 im_iof_copy_out(call, call->user, a, MIN(room, sizeof(*a)));
}

static int iof_vfio_map_dma(ImIommufdCall *call)
{
    const IofVfioMap *a = call->cmd;
    IofIoas *ioas = call->file->vfio_ioas;
    IofFrom from = { .source = call->caller->mm,
                     .start = a->user,
                     .length = a->length,
                     .writable = a->flags & IOF_VFIO_MAP_WRITE };
    uint32_t flags = IOF_MAP_FIXED |
                     (a->flags & IOF_VFIO_MAP_READ ? IOF_MAP_READ : 0) |
                     (a->flags & IOF_VFIO_MAP_WRITE ? IOF_MAP_WRITE : 0);
    uint64_t iova = a->iova;

    if (a->flags & ~(IOF_VFIO_MAP_READ | IOF_VFIO_MAP_WRITE)) {
        return -EINVAL;
    }
    return ioas ? im_iof_map(ioas, call->caller, &from, flags, &iova) : -ENODEV;
}

/* What type 1 may cut, it does. */
static int iof_vfio_cut(IofIoas *ioas, const ImuRange *r)
{
    int err = ioas->small_pages ? im_iof_area_cut(ioas, r->first) : 0;

    return err || !ioas->small_pages || r->last == UINT64_MAX ?
               err :
               im_iof_area_cut(ioas, r->last + 1);
}

static int iof_vfio_range_of(const IofVfioUnmap *a, ImuRange *r)
{
    *r = (ImuRange) { a->iova, a->iova + (a->length - 1) };
    if (a->flags & IOF_VFIO_UNMAP_ALL_FLAG) {
        *r = (ImuRange) { 0, UINT64_MAX };
        return 0;
    }
    return !a->length ? -EINVAL : r->last < r->first ? -EOVERFLOW : 0;
}

/* How much was unmapped is told also with an error: nothing. */
static int iof_vfio_unmap_dma(ImIommufdCall *call)
{
    IofVfioUnmap *a = call->cmd;
    IofIoas *ioas = call->file->vfio_ioas;
    bool all = a->flags & IOF_VFIO_UNMAP_ALL_FLAG;
    ImuRange r;
    int err, told;

    if (a->flags & ~IOF_VFIO_UNMAP_ALL_FLAG) {
        return -EINVAL;
    }
    if (!ioas) {
        return -ENODEV;
    }
    if (all && (a->iova || a->length)) {
        return -EINVAL;
    }
    err = iof_vfio_range_of(a, &r);
    if (!err && !all) {
        err = iof_vfio_cut(ioas, &r);
        if (err) {
            return err;
        }
    }
    if (!err) {
        err = im_iof_areas_may_unmap(ioas, r.first, r.last, &a->length);
    }
    a->length = err ? 0 : a->length;
    told = im_iof_copy_out(call, call->user, a, sizeof(*a));
    if (!err && !told) {
        im_iof_areas_unmap(ioas, r.first, r.last);
    }
    return told ? told : err;
}

typedef struct VfioCommand {
    uint8_t nr;
    uint8_t min;                    /* bytes of the structure; 0: none */
    int (*obey)(ImIommufdCall *call);
} VfioCommand;

static const VfioCommand commands[] = {
    { IOF_VFIO_GET_API_VERSION, 0, iof_vfio_get_api_version },
    { IOF_VFIO_CHECK_EXTENSION, 0, iof_vfio_check_extension },
    { IOF_VFIO_SET_IOMMU, 0, iof_vfio_set_iommu },
    { IOF_VFIO_IOMMU_GET_INFO, offsetof(IofVfioInfo, cap_offset),
      iof_vfio_get_info },
    { IOF_VFIO_IOMMU_MAP_DMA, sizeof(IofVfioMap), iof_vfio_map_dma },
    { IOF_VFIO_IOMMU_UNMAP_DMA, sizeof(IofVfioUnmap), iof_vfio_unmap_dma },
};

int im_iof_vfio(ImIommufdFile *file, const ImIommufdCaller *caller,
                uint32_t request, uint64_t arg)
{
    uint64_t cmd[4] = { 0 };
    ImIommufdCall call = {
        .file = file, .caller = caller, .cmd = cmd, .user = arg
    };
    const VfioCommand *row = NULL;
    int err;

    for (unsigned i = 0; i < G_N_ELEMENTS(commands) && !row; i++) {
        row = commands[i].nr == (request & 0xff) ? &commands[i] : NULL;
    }
    if (!row) {
        return -ENOTTY;
    }
    err = im_iof_copy_in(&call, arg, cmd, row->min);
    if (err) {
        return err;
    }
    memcpy(&call.user_size, cmd, sizeof(call.user_size));
    return call.user_size < row->min ? -EINVAL : row->obey(&call);
}
