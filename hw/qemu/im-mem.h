/*
 * Guest memory as an IOMMU's tables and queues see it: RAM only, never a
 * register, whoever the guest points them at.
 *
 * Callable without the BQL.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_IM_IM_MEM_H
#define HW_IM_IM_MEM_H

#include "exec/memory.h"

#include "im/im_port.h"

ImBus imq_mem_read(AddressSpace *as, uint64_t pa, void *buf, size_t len);
ImBus imq_mem_write(AddressSpace *as, uint64_t pa, const void *buf, size_t len);
ImBus imq_mem_cmpxchg64(AddressSpace *as, uint64_t pa, uint64_t *expected,
                        uint64_t desired);

/* Whether there is RAM that can be read, or written, at once. */
bool imq_mem_is_ram(AddressSpace *as, uint64_t pa, bool write);

#endif /* HW_IM_IM_MEM_H */
