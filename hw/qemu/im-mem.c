/*
 * Guest memory as an IOMMU's tables and queues see it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/bswap.h"
#include "qemu/rcu.h"
#include "im-mem.h"

/*
 * "memory" keeps an access off devices: a table that points at a register,
 * the IOMMU's own included, is a bus error and not a recursion.
 */
static const MemTxAttrs mem_attrs = { .memory = 1 };

/*
 * Within an RCU section: the RAM at pa, *len cut to what is contiguous; NULL
 * when it is none that can be accessed at once. ROM counts for reading; the
 * BAR of a host device does not: reaching that could take the BQL, which
 * nobody may wait for here.
 */
static uint8_t *mem_ram_at(AddressSpace *as, uint64_t pa, hwaddr *len,
                           bool is_write)
{
    hwaddr off;
    MemoryRegion *mr = address_space_translate(as, pa, &off, len, is_write,
                                               mem_attrs);

    if (!*len || !memory_access_is_direct(mr, is_write, mem_attrs)) {
        return NULL;
    }
    return (uint8_t *)memory_region_get_ram_ptr(mr) + off;
}

/* Guest CPUs write entries while we read them: whole quad-words only. */
static void mem_copy_words(void *buf, const uint8_t *p, size_t len)
{
    uint8_t *out = buf;

    for (; len >= 8; len -= 8, p += 8, out += 8) {
        uint64_t v = qatomic_read((const uint64_t *)p);

        memcpy(out, &v, 8);
    }
    memcpy(out, p, len);
}

ImBus imq_mem_read(AddressSpace *as, uint64_t pa, void *buf, size_t len)
{
    uint8_t *out = buf;

    RCU_READ_LOCK_GUARD();
    smp_rmb();
    while (len) {
        hwaddr n = len;
        const uint8_t *p = mem_ram_at(as, pa, &n, false);

        if (!p) {
            return IM_BUS_ERROR;
        }
        if (QEMU_PTR_IS_ALIGNED(p, 8)) {
            mem_copy_words(out, p, n);
        } else {
            memcpy(out, p, n);
        }
        pa += n;
        out += n;
        len -= n;
    }
    return IM_BUS_OK;
}

ImBus imq_mem_write(AddressSpace *as, uint64_t pa, const void *buf, size_t len)
{
    const uint8_t *in = buf;

    RCU_READ_LOCK_GUARD();
    /* what was written before (a queue entry) is visible before this */
    smp_wmb();
    while (len) {
        hwaddr n = len;

        if (!mem_ram_at(as, pa, &n, true) ||
            address_space_write(as, pa, mem_attrs, in, n) != MEMTX_OK) {
            return IM_BUS_ERROR;
        }
        pa += n;
        in += n;
        len -= n;
    }
    return IM_BUS_OK;
}

ImBus imq_mem_cmpxchg64(AddressSpace *as, uint64_t pa, uint64_t *expected,
                        uint64_t desired)
{
    hwaddr n = 8;
    uint64_t want = cpu_to_le64(*expected);
    uint64_t seen;
    void *p;

    RCU_READ_LOCK_GUARD();
    if (!QEMU_IS_ALIGNED(pa, 8) || !mem_ram_at(as, pa, &n, true) || n < 8) {
        return IM_BUS_ERROR;
    }
    /* mapping and unmapping marks the page dirty and drops translated code */
    p = address_space_map(as, pa, &n, true, mem_attrs);
    if (!p || n < 8) {
        if (p) {
            address_space_unmap(as, p, n, true, 0);
        }
        return IM_BUS_ERROR;
    }
    seen = qatomic_cmpxchg((uint64_t *)p, want, cpu_to_le64(desired));
    address_space_unmap(as, p, n, true, seen == want ? 8 : 0);
    if (seen != want) {
        *expected = le64_to_cpu(seen);
        return IM_BUS_RETRY;
    }
    return IM_BUS_OK;
}

bool imq_mem_is_ram(AddressSpace *as, uint64_t pa, bool write)
{
    hwaddr n = 1;

    RCU_READ_LOCK_GUARD();
    return mem_ram_at(as, pa, &n, write) != NULL;
}
