/*
 * Memory regions that take a request of a device whole.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "im-request.h"

#define PAGE  0x1000

hwaddr im_request_take(MemoryRegion *mr, hwaddr off, void *buf, hwaddr len,
                       bool is_write, MemTxResult *result)
{
    ImRequestRegion *r = container_of(mr, ImRequestRegion, mr);
    hwaddr n = MIN(len, PAGE - off % PAGE);

    *result = r->fn(r->opaque, off, buf, n, is_write);
    return n;
}

bool im_request_answered(const MemoryRegion *mr)
{
    return im_request_is(mr) && container_of(mr, ImRequestRegion, mr)->answered;
}

static __thread bool ahead;

void im_request_look_ahead(bool on)
{
    ahead = on;
}

bool im_request_looks_ahead(void)
{
    return ahead;
}

/* Loads and stores of a device are whole as they are. */

static MemTxResult request_read(void *opaque, hwaddr off, uint64_t *data,
                                unsigned size, MemTxAttrs attrs)
{
    ImRequestRegion *r = opaque;
    uint8_t buf[8] = { 0 };
    MemTxResult result = r->fn(r->opaque, off, buf, size, false);

    *data = ldn_le_p(buf, size);
    return result;
}

static MemTxResult request_write(void *opaque, hwaddr off, uint64_t data,
                                 unsigned size, MemTxAttrs attrs)
{
    ImRequestRegion *r = opaque;
    uint8_t buf[8];

    stn_le_p(buf, size, data);
    return r->fn(r->opaque, off, buf, size, true);
}

const MemoryRegionOps im_request_ops = {
    .read_with_attrs = request_read,
    .write_with_attrs = request_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

void im_request_region_init(ImRequestRegion *r, Object *owner, ImRequestFn *fn,
                            void *opaque, const char *name, uint64_t size)
{
    r->fn = fn;
    r->opaque = opaque;
    memory_region_init_io(&r->mr, owner, &im_request_ops, r, name, size);
    /* one region serves every function of a unit, and a message that a
     * register write sends may end here while that write is on the stack */
    r->mr.disable_reentrancy_guard = true;
}
