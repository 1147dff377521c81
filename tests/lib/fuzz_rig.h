/*
 * What random programs do to any unit in a rig.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_FUZZ_RIG_H
#define TESTS_LIB_FUZZ_RIG_H

#include "lib/fuzz.h"
#include "lib/rig.h"

/* One register access of any size; improper ones read 0. */
static inline void fuzz_mmio(Rig *r, Fuzz *f, uint64_t off, uint64_t val,
                             uint64_t limit)
{
    static const unsigned sizes[] = { 4, 4, 4, 8, 8, 1, 2, 3 };
    unsigned size = sizes[fuzz_below(f, G_N_ELEMENTS(sizes))];
    bool proper = (size == 4 || size == 8) && off % size == 0 &&
                  off + size <= limit;

    if (fuzz_one_in(f, 3)) {
        uint64_t got = r->ops->mmio_read(r->iommu, off, size);

        g_assert_true(proper || got == 0);
        g_assert_true(size != 4 || got >> 32 == 0);
        return;
    }
    r->ops->mmio_write(r->iommu, off, val, size);
}

/* A request of any kind, often one that a world can answer. */
static inline ImTxn fuzz_txn(Fuzz *f, uint64_t iova, uint16_t rid,
                             uint32_t pasid)
{
    return (ImTxn) {
        .addr = fuzz_one_in(f, 2) ? iova : fuzz_u64(f),
        .len = fuzz_below(f, 5) * 4,
        .rid = fuzz_one_in(f, 4) ? (uint16_t)fuzz_u64(f) : rid,
        .pasid = fuzz_one_in(f, 4) ? (uint32_t)fuzz_u64(f) : pasid,
        .has_pasid = fuzz_one_in(f, 2),
        .priv = fuzz_one_in(f, 4),
        .exec = fuzz_one_in(f, 8),
        .no_write = fuzz_one_in(f, 4),
        .at = (uint8_t)fuzz_below(f, 4),
        .access = (uint8_t)(fuzz_below(f, 3) + 1),
    };
}

/* What any answer obeys. */
static inline void fuzz_xlat(const ImXlat *x)
{
    g_assert_true(x->status <= IM_PENDING);
    if (x->status == IM_OK) {
        g_assert_cmpuint(x->cpl, ==, IM_CPL_SC);
    } else {
        g_assert_cmpuint(x->perm, ==, 0);
    }
}

static inline ImPageReq fuzz_page_req(Fuzz *f, uint16_t rid, uint32_t pasid)
{
    return (ImPageReq) {
        .addr = fuzz_u64(f),
        .rid = rid,
        .pasid = pasid,
        .has_pasid = fuzz_one_in(f, 2),
        .prgi = (uint16_t)fuzz_below(f, 512),
        .read = fuzz_one_in(f, 2),
        .write = fuzz_one_in(f, 2),
        .last = fuzz_one_in(f, 2),
    };
}

#endif /* TESTS_LIB_FUZZ_RIG_H */
