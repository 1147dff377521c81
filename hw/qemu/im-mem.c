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

/* Within an RCU section; NULL when it is not len bytes of one RAM. */
static uint8_t *ram_at(AddressSpace *as, uint64_t pa, size_t len,
                       bool is_write)
{
    hwaddr off, n = len;
    MemoryRegion *mr = address_space_translate(as, pa, &off, &n, is_write,
                                               mem_attrs);

    if (n < len || !memory_access_is_direct(mr, is_write, mem_attrs)) {
        return NULL;
    }
    return (uint8_t *)memory_region_get_ram_ptr(mr) + off;
}

/* Guest CPUs write entries while we read them: whole quad-words only. */
static void copy_words(void *buf, const uint8_t *p, size_t len)
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
    RCU_READ_LOCK_GUARD();
    const uint8_t *p = ram_at(as, pa, len, false);

    if (p && QEMU_PTR_IS_ALIGNED(p, 8)) {
        smp_rmb();
        copy_words(buf, p, len);
        return IM_BUS_OK;
    }
    return address_space_read(as, pa, mem_attrs, buf, len) == MEMTX_OK
           ? IM_BUS_OK : IM_BUS_ERROR;
}

ImBus imq_mem_write(AddressSpace *as, uint64_t pa, const void *buf, size_t len)
{
    /* what was written before (a queue entry) is visible before this */
    smp_wmb();
    return address_space_write(as, pa, mem_attrs, buf, len) == MEMTX_OK
           ? IM_BUS_OK : IM_BUS_ERROR;
}

ImBus imq_mem_cmpxchg64(AddressSpace *as, uint64_t pa, uint64_t *expected,
                       uint64_t desired)
{
    hwaddr n = 8;
    uint64_t want = cpu_to_le64(*expected);
    uint64_t seen;
    void *p;

    RCU_READ_LOCK_GUARD();
    if (!QEMU_IS_ALIGNED(pa, 8) || !ram_at(as, pa, 8, true)) {
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
