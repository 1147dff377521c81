/*
 * iommufd: structures at user addresses that a driver knows.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/iommufd/dev_int.h"

/* Bytes that the reader does not know must be 0. */
static int iof_data_check_rest(const ImIommufdCall *call, uint64_t addr,
                               size_t len)
{
    uint8_t part[256];

    while (len) {
        size_t n = MIN(len, sizeof(part));
        int err = im_iof_copy_in(call, addr, part, n);

        for (size_t i = 0; !err && i < n; i++) {
            err = part[i] ? -E2BIG : 0;
        }
        if (err) {
            return err;
        }
        addr += n;
        len -= n;
    }
    return 0;
}

/* Of any length. */
static int iof_data_get(const ImIommufdCall *call, uint64_t addr, size_t len,
                        void *buf, size_t size)
{
    int err = len > size ? iof_data_check_rest(call, addr + size, len - size) :
                           0;

    memset(buf, 0, size);
    return err ? err : im_iof_copy_in(call, addr, buf, MIN(len, size));
}

int im_iommufd_data_get(const ImIommufdData *d, uint32_t type, void *buf,
                        size_t size, size_t min)
{
    return d->type != type || d->len < min || d->len > size ?
               -EINVAL :
               iof_data_get(d->call, d->addr, d->len, buf, size);
}

int im_iommufd_data_put(const ImIommufdData *d, const void *buf, size_t size)
{
    return im_iof_copy_out(d->call, d->addr, buf, MIN(size, d->len));
}

int im_iommufd_array_get(const ImIommufdArray *a, uint32_t type, uint32_t i,
                         void *buf, size_t size, size_t min)
{
    return a->type != type || a->entry_len < min || a->entry_len > size ?
               -EINVAL :
               iof_data_get(a->call, a->addr + (uint64_t)i * a->entry_len,
                            a->entry_len, buf, size);
}

int im_iommufd_array_get_all(const ImIommufdArray *a, void *buf, size_t size)
{
    uint8_t *to = buf;
    int err = 0;

    if (a->entry_len == size) {
        return im_iof_copy_in(a->call, a->addr, buf, a->num * size);
    }
    for (uint32_t i = 0; !err && i < a->num; i++) {
        err = iof_data_get(a->call, a->addr + (uint64_t)i * a->entry_len,
                           a->entry_len, to + i * size, size);
    }
    return err;
}
