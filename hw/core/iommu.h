/*
 * A model's place behind the upward port: its functions take its own type,
 * the port's take any. IM_IOMMU_FUNCTIONS(vtd) defines the port's, which call
 * im_vtd_NAME() and do nothing else, and IM_IOMMU_MEMBERS(vtd) puts them into
 * an ImIommuOps; beside them those that only some models have.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_CORE_IOMMU_H
#define HW_CORE_IOMMU_H

#include "im/im_iommu.h"

#define IM_IOMMU_FUNCTION(model, type, name, params, args)                \
    static type model##_any_##name params                                 \
    {                                                                     \
        return im_##model##_##name args;                                  \
    }

#define IM_IOMMU_FUNCTIONS(m)                                             \
    IM_IOMMU_FUNCTION(m, void, free, (void *u), (u))                      \
    IM_IOMMU_FUNCTION(m, void, reset, (void *u), (u))                     \
    IM_IOMMU_FUNCTION(m, ImXlat, translate,                               \
                      (void *u, const ImTxn *txn), (u, txn))              \
    IM_IOMMU_FUNCTION(m, void, page_request,                              \
                      (void *u, const ImPageReq *req), (u, req))          \
    IM_IOMMU_FUNCTION(m, void, ats_inv_done,                              \
                      (void *u, uint32_t func, uint32_t itags,            \
                       unsigned cc), (u, func, itags, cc))                \
    IM_IOMMU_FUNCTION(m, void, deadline, (void *u), (u))                  \
    IM_IOMMU_FUNCTION(m, ImXlat, explain,                                 \
                      (void *u, const ImTxn *txn, ImStepFn *fn,           \
                       void *opaque), (u, txn, fn, opaque))
#define IM_IOMMU_MEMBERS(m)                                               \
    .free = m##_any_free, .reset = m##_any_reset,                         \
    .translate = m##_any_translate,                                       \
    .page_request = m##_any_page_request,                                 \
    .ats_inv_done = m##_any_ats_inv_done, .deadline = m##_any_deadline,   \
    .explain = m##_any_explain

/* Of a unit that software finds by its registers. */
#define IM_IOMMU_UNIT_FUNCTIONS(m)                                        \
    IM_IOMMU_FUNCTION(m, uint64_t, mmio_read,                             \
                      (void *u, uint64_t off, unsigned size),             \
                      (u, off, size))                                     \
    IM_IOMMU_FUNCTION(m, void, mmio_write,                                \
                      (void *u, uint64_t off, uint64_t val,               \
                       unsigned size), (u, off, val, size))               \
    IM_IOMMU_FUNCTION(m, bool, translating, (const void *u), (u))         \
    IM_IOMMU_FUNCTION(m, void, dump, (void *u, GString *out), (u, out))
#define IM_IOMMU_UNIT_MEMBERS(m)                                          \
    .mmio_read = m##_any_mmio_read, .mmio_write = m##_any_mmio_write,     \
    .translating = m##_any_translating, .dump = m##_any_dump

/* Of one whose tables somebody else may keep. */
#define IM_IOMMU_BINDING_FUNCTIONS(m)                                     \
    IM_IOMMU_FUNCTION(m, void, binding,                                   \
                      (void *u, uint32_t func, bool has_pasid,            \
                       uint32_t pasid, bool table, ImBinding *out),       \
                      (u, func, has_pasid, pasid, table, out))            \
    IM_IOMMU_FUNCTION(m, ImXlat, second,                                  \
                      (void *u, const ImBinding *b, uint64_t addr,        \
                       ImAccess access), (u, b, addr, access))            \
    IM_IOMMU_FUNCTION(m, void, fenced, (void *u, uint64_t ticket),        \
                      (u, ticket))
#define IM_IOMMU_BINDING_MEMBERS(m)                                       \
    .binding = m##_any_binding, .second = m##_any_second,                 \
    .fenced = m##_any_fenced

/* A list of counters, told one by one. */
#define IM_COUNTER_TELL(n)  fn(opaque, #n, c->n);
#define IM_IOMMU_COUNTERS(model, type, list)                              \
    static void model##_any_counters(const void *u, ImCounterFn *fn,      \
                                     void *opaque)                        \
    {                                                                     \
        const type *c = im_##model##_counters(u);                         \
                                                                          \
        list(IM_COUNTER_TELL)                                             \
    }

#endif /* HW_CORE_IOMMU_H */
