/*
 * iommufd: what a device would find in a table, asked by a function that
 * does nothing else.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/iommufd/dev_int.h"

/* Segment of the probes; a file has one of its own. */
#define PROBE_SEGMENT  0xffffu

static int iof_lookup_add_function(ImIommufd *f, uint32_t *func)
{
    ImIoasidDevice dev = { 0 };
    int err = -EEXIST;

    if (!im_iof_devs(f)) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; err == -EEXIST && i <= 0xffff; i++) {
        dev.func = PROBE_SEGMENT << 16 | (f->devs->probes++ & 0xffff);
        dev.group = dev.func;
        err = im_ioasid_device_add(f->backend, &dev);
    }
    *func = dev.func;
    return err;
}

static int iof_lookup_make_probe(ImIommufdFile *file)
{
    IofFileDevs *devs = im_iof_file_devs(file);
    ImuDevBind a = { .set = file->set };
    int err = devs ? 0 : -ENOMEM;

    if (err || devs->has_probe) {
        return err;
    }
    err = iof_lookup_add_function(file->host, &a.func);
    if (err) {
        return err;
    }
    err = im_iof_backend(file, IMU_CMD_DEV_BIND, &a);
    if (err) {
        im_ioasid_device_remove(file->host->backend, a.func);
        return err;
    }
    devs->probe_func = a.func;
    devs->probe = a.dev;
    devs->has_probe = true;
    return 0;
}

void im_iof_probe_leave(const IofHwpt *hwpt)
{
    IofFileDevs *devs = hwpt->file->devs;
    ImuDetach a = { .set = hwpt->file->set };

    if (devs && devs->probed == hwpt) {
        a.dev = devs->probe;
        im_iof_backend(hwpt->file, IMU_CMD_DETACH, &a);
        devs->probed = NULL;
    }
}

void im_iof_probe_free(ImIommufdFile *file)
{
    if (file->devs && file->devs->has_probe) {
        im_ioasid_device_remove(file->host->backend, file->devs->probe_func);
        file->devs->has_probe = false;
    }
}

/* Where a device that has no PASIDs would look. */
static ImuRef iof_lookup_space_of(const IofHwpt *hwpt)
{
    const ImIommufdNested *n = (const ImIommufdNested *)hwpt;

    return hwpt->nested ? n->space : ((const IofPaging *)hwpt)->space.ref;
}

static int iof_lookup_look_into(ImIommufdFile *file, IofHwpt *hwpt)
{
    int err = iof_lookup_make_probe(file);
    ImuAttach a = { .set = file->set, .space = iof_lookup_space_of(hwpt) };

    if (err || file->devs->probed == hwpt) {
        return err;
    }
    a.dev = file->devs->probe;
    err = im_iof_backend(file,
                         file->devs->probed ? IMU_CMD_REPLACE : IMU_CMD_ATTACH,
                         &a);
    if (!err) {
        file->devs->probed = hwpt;
    }
    return err;
}

static bool iof_lookup_request(ImIommufdFile *file, uint64_t iova,
                               ImAccess access, uint64_t *pa)
{
    ImTxn txn = {
        .addr = iova,
        .len = 1,
        .access = (uint8_t)access,
        .rid = (uint16_t)file->devs->probe_func,
        .segment = PROBE_SEGMENT,
    };
    ImXlat x = im_ioasid_translate(file->host->backend, &txn);

    *pa = x.addr;
    return x.status == IM_OK && (x.perm & access) == access;
}

int im_iommufd_hwpt_lookup(ImIommufdFile *file, uint32_t id, uint64_t iova,
                           bool write, uint64_t *pa)
{
    IofHwpt *hwpt = im_iof_hwpt(file, id);
    uint64_t other;
    int err = hwpt ? iof_lookup_look_into(file, hwpt) : -ENOENT;

    if (err || iof_lookup_request(file, iova, write ? IM_WRITE : IM_READ, pa)) {
        return err;
    }
    if (!write) {
        return iof_lookup_request(file, iova, IM_WRITE, pa) ? 0 : -ENOENT;
    }
    return iof_lookup_request(file, iova, IM_READ, &other) ? -EACCES : -ENOENT;
}

int im_iommufd_hwpt_write(ImIommufdFile *file, uint32_t id, uint64_t iova)
{
    uint64_t pa;

    return im_iommufd_hwpt_lookup(file, id, iova, true, &pa);
}
