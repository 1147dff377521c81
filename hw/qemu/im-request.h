/*
 * Memory regions that take a request of a device whole.
 *
 * QEMU's core hands a region that is no RAM a request in pieces of at most 8
 * bytes, and has each piece translated anew: behind an IOMMU that would be a
 * fault for each. Two lines of the graft in system/physmem.c hand a region of
 * this kind what is left of the request up to the end of its page, which is
 * what a PCIe request can be (4 KiB, PCIe 2.2.7); two more keep QEMU's bounce
 * buffers from asking again for what was answered when they were mapped; the
 * others mark where QEMU only looks ahead: a device that maps several pages
 * asks for the next one once more if it cannot be mapped with those before it,
 * and for one without a bounce buffer when there is one again.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_IM_IM_REQUEST_H
#define HW_IM_IM_REQUEST_H

#include "exec/memory.h"

/*
 * What becomes of len bytes at off, all in one page: buf is what is written,
 * or where what is read is to be put.
 */
typedef MemTxResult ImRequestFn(void *opaque, hwaddr off, void *buf,
                                unsigned len, bool is_write);

typedef struct ImRequestRegion {
    MemoryRegion mr;
    ImRequestFn *fn;
    void *opaque;
    bool answered;          /* whoever led here was the answer already: a
                               bounce buffer is not filled or written */
} ImRequestRegion;

void im_request_region_init(ImRequestRegion *r, Object *owner, ImRequestFn *fn,
                            void *opaque, const char *name, uint64_t size);

/* --- for system/physmem.c ----------------------------------------------- */

extern const MemoryRegionOps im_request_ops;

static inline bool im_request_is(const MemoryRegion *mr)
{
    return mr->ops == &im_request_ops;
}

/* How many of the len bytes were taken. */
hwaddr im_request_take(MemoryRegion *mr, hwaddr off, void *buf, hwaddr len,
                       bool is_write, MemTxResult *result);
bool im_request_answered(const MemoryRegion *mr);
/* What this thread translates from here on is looked at, and not accessed. */
void im_request_look_ahead(bool on);

/* --- for IOMMUs --------------------------------------------------------- */

/* Whether a request that would be refused is to be made again. */
bool im_request_looks_ahead(void);

#endif /* HW_IM_IM_REQUEST_H */
