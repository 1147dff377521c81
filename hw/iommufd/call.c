/*
 * iommufd: ioctl(). A row for each command; the rules of sizes are here.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/iommufd/iommufd.h"

static const ImIommufdCommand commands[] = {
    IM_IOMMUFD_COMMAND(IOF_NR_DESTROY, IofDestroyArg, id, im_iof_destroy),
    IM_IOMMUFD_COMMAND(IOF_NR_IOAS_ALLOC, IofIoasAllocArg, out_id,
                       im_iof_ioas_alloc),
    IM_IOMMUFD_COMMAND(IOF_NR_IOAS_ALLOW_IOVAS, IofAllowArg, ranges,
                       im_iof_ioas_allow_iovas),
    IM_IOMMUFD_COMMAND(IOF_NR_IOAS_COPY, IofCopyArg, src_iova,
                       im_iof_ioas_copy),
    IM_IOMMUFD_COMMAND(IOF_NR_IOAS_IOVA_RANGES, IofRangesArg, out_alignment,
                       im_iof_ioas_iova_ranges),
    IM_IOMMUFD_COMMAND(IOF_NR_IOAS_MAP, IofMapArg, iova, im_iof_ioas_map),
    IM_IOMMUFD_COMMAND(IOF_NR_IOAS_UNMAP, IofUnmapArg, length,
                       im_iof_ioas_unmap),
    IM_IOMMUFD_COMMAND(IOF_NR_OPTION, IofOptionArg, value, im_iof_option),
    IM_IOMMUFD_COMMAND(IOF_NR_VFIO_IOAS, IofVfioIoasArg, reserved,
                       im_iof_vfio_ioas),
    IM_IOMMUFD_COMMAND(IOF_NR_IOAS_MAP_FILE, IofMapFileArg, iova,
                       im_iof_ioas_map_file),
    IM_IOMMUFD_COMMAND(IOF_NR_IOAS_CHANGE_PROCESS, IofChangeProcessArg,
                       reserved, im_iof_ioas_change_process),
    IM_IOMMUFD_COMMAND(IOF_NR_IOAS_GET_PA, IofGetPaArg, out_pa,
                       im_iof_ioas_get_pa),
};

static const ImIommufdCommand *iof_call_find_in(const ImIommufdCommand *rows,
                                                unsigned count, uint32_t nr)
{
    for (unsigned i = 0; i < count; i++) {
        if (rows[i].nr == nr) {
            return &rows[i];
        }
    }
    return NULL;
}

static const ImIommufdCommand *iof_call_find(const ImIommufd *f, uint32_t nr)
{
    const ImIommufdCommand *row = iof_call_find_in(f->cfg.extra,
                                                   f->cfg.extra_count, nr);

    if (!row) {
        row = iof_call_find_in(commands, G_N_ELEMENTS(commands), nr);
    }
    return row ? row :
                 iof_call_find_in(im_iof_dev_commands, im_iof_dev_command_count,
                                  nr);
}

/* What the caller's structure has beyond ours must be 0. */
static int iof_call_check_rest(const ImIommufdCall *call, uint32_t from)
{
    uint8_t part[16384];         /* a caller may own gigabytes of zeros */

    while (from < call->user_size) {
        uint32_t n = MIN((uint32_t)sizeof(part), call->user_size - from);
        int err = im_iof_copy_in(call, call->user + from, part, n);

        for (uint32_t i = 0; !err && i < n; i++) {
            err = part[i] ? -E2BIG : 0;
        }
        if (err) {
            return err;
        }
        from += n;
    }
    return 0;
}

static int iof_call_obey(const ImIommufdCommand *row, ImIommufdCall *call)
{
    int err = im_iof_copy_in(call, call->user, &call->user_size,
                             sizeof(call->user_size));

    if (err) {
        return err;
    }
    if (call->user_size < row->min) {
        return -EINVAL;
    }
    err = iof_call_check_rest(call, row->size);
    if (!err) {
        err = im_iof_copy_in(call, call->user, call->cmd,
                             MIN(call->user_size, row->size));
    }
    return err ? err : row->obey(call);
}

int im_iommufd_respond(const ImIommufdCall *call, size_t len)
{
    return im_iof_copy_out(call, call->user, call->cmd,
                           MIN(len, call->user_size));
}

int im_iommufd_ioctl(ImIommufdFile *file, const ImIommufdCaller *caller,
                     uint32_t request, uint64_t arg)
{
    uint64_t cmd[IM_IOMMUFD_COMMAND_MAX / 8] = { 0 };
    ImIommufdCall call = {
        .file = file, .caller = caller, .cmd = cmd, .user = arg
    };
    const ImIommufdCommand *row;

    im_iof_file_tick(file->host);
    if ((request >> 8) != IOF_TYPE) {
        return -ENOTTY;
    }
    row = iof_call_find(file->host, request & 0xff);
    return row ? iof_call_obey(row, &call) :
                 im_iof_vfio(file, caller, request, arg);
}
