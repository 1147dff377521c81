/*
 * iommufd: GET_HW_INFO, and the table of commands of this half.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/iommufd/dev_int.h"

#define INFO_MAX  4096u

static const uint8_t zero[256];

/* The rest of the caller's buffer is 0. */
static int iof_hwinfo_clear(const ImIommufdCall *call, uint64_t addr,
                            uint64_t len)
{
    int err = 0;

    while (len && !err) {
        size_t n = MIN(len, sizeof(zero));

        err = im_iof_copy_out(call, addr, zero, n);
        addr += n;
        len -= n;
    }
    return err;
}

static uint64_t iof_hwinfo_capabilities(const ImIommufdDevice *cfg)
{
    uint32_t caps = cfg->backend.caps;
    uint64_t out = cfg->driver->dirty && !cfg->no_dirty ? IOF_HW_CAP_DIRTY : 0;

    if (cfg->pasid_bits) {
        out |= (caps & IMU_DEV_CAP_EXEC ? IOF_HW_CAP_EXEC : 0) |
               (caps & IMU_DEV_CAP_PRIV ? IOF_HW_CAP_PRIV : 0);
    }
    return out | (caps & IMU_DEV_CAP_ATS ? 0 : IOF_HW_CAP_NO_ATS);
}

/* What the driver has, in buf. */
static int iof_hwinfo_describe(const IofDevice *dev, IofHwInfo *a, void *buf,
                               uint32_t *len)
{
    const ImIommufdDriver *driver = dev->fn->cfg.driver;
    ImIommufdHw hw = im_iof_hw(dev);

    *len = 0;
    if (driver->no_iommu) {
        return -EOPNOTSUPP;
    }
    if (!(a->flags & IOF_HW_INFO_WANTS_TYPE) || !driver->hw_info) {
        a->type = IOF_HW_NONE;
    }
    if (!driver->hw_info) {
        return 0;
    }
    return driver->hw_info(&hw, &a->type, buf, len);
}

static int iof_hwinfo_give(const ImIommufdCall *call, const IofHwInfo *a,
                           const void *buf, uint32_t len)
{
    uint32_t n = MIN(len, a->data_len);
    int err = im_iof_copy_out(call, a->data, buf, n);

    return err ? err : iof_hwinfo_clear(call, a->data + n, a->data_len - n);
}

static int iof_hwinfo_get(ImIommufdCall *call)
{
    IofHwInfo *a = call->cmd;
    ImIommufd *f = call->file->host;
    IofDevice *dev;
    uint32_t len;
    void *buf;
    int err;

    if ((a->flags & ~IOF_HW_INFO_WANTS_TYPE) || a->reserved[0] ||
        a->reserved[1] || a->reserved[2]) {
        return -EOPNOTSUPP;
    }
    dev = im_iof_device(call->file, a->dev_id);
    if (!dev) {
        return -ENOENT;
    }
    buf = im_iof_alloc(f, INFO_MAX);
    if (!buf) {
        return -ENOMEM;
    }
    err = iof_hwinfo_describe(dev, a, buf, &len);
    if (!err) {
        err = iof_hwinfo_give(call, a, buf, len);
    }
    im_iof_release(f, buf, INFO_MAX);
    if (err) {
        return err;
    }
    a->data_len = len;
    a->pasid_log2 = dev->fn->cfg.pasid_bits;
    a->capabilities = iof_hwinfo_capabilities(&dev->fn->cfg);
    return im_iommufd_respond(call, sizeof(*a));
}

/* --- commands ----------------------------------------------------------- */

const ImIommufdCommand im_iof_dev_commands[] = {
    IM_IOMMUFD_COMMAND(IOF_NR_HWPT_ALLOC, IofHwptAlloc, reserved,
                       im_iof_hwpt_alloc),
    IM_IOMMUFD_COMMAND(IOF_NR_GET_HW_INFO, IofHwInfo, reserved, iof_hwinfo_get),
    IM_IOMMUFD_COMMAND(IOF_NR_HWPT_SET_DIRTY_TRACKING, IofDirtySet, reserved,
                       im_iof_dirty_set),
    IM_IOMMUFD_COMMAND(IOF_NR_HWPT_GET_DIRTY_BITMAP, IofDirtyGet, bitmap,
                       im_iof_dirty_get),
    IM_IOMMUFD_COMMAND(IOF_NR_HWPT_INVALIDATE, IofInvalidate, reserved,
                       im_iof_invalidate),
    IM_IOMMUFD_COMMAND(IOF_NR_FAULT_QUEUE_ALLOC, IofFaultAlloc, fault_fd,
                       im_iof_fault_alloc),
    IM_IOMMUFD_COMMAND(IOF_NR_VIOMMU_ALLOC, IofViommuAlloc, viommu_id,
                       im_iof_viommu_alloc),
    IM_IOMMUFD_COMMAND(IOF_NR_VDEVICE_ALLOC, IofVdeviceAlloc, virt_id,
                       im_iof_vdevice_alloc),
    IM_IOMMUFD_COMMAND(IOF_NR_VEVENTQ_ALLOC, IofVeventqAlloc, reserved,
                       im_iof_veventq_alloc),
    IM_IOMMUFD_COMMAND(IOF_NR_HW_QUEUE_ALLOC, IofHwQueueAlloc, length,
                       im_iof_hw_queue_alloc),
};
const unsigned im_iof_dev_command_count = G_N_ELEMENTS(im_iof_dev_commands);
