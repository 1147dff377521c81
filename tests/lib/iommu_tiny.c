/*
 * A third IOMMU: what its software does, for the tests that all share.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/iommu.h"
#include "lib/tiny.h"

#define TINY_TIMEOUT  1000000

typedef struct TinyWorld {
    uint64_t spaces;
    uint64_t table;
    uint64_t commands;
    uint64_t requests;
    uint64_t done; /* where TINY_WAIT writes */
} TinyWorld;

static uint64_t tiny_get(Iommu *u, TinyReg reg)
{
    return rig_reg64(u->rig, 8 * reg);
}

static void tiny_put(Iommu *u, TinyReg reg, uint64_t val)
{
    rig_set64(u->rig, 8 * reg, val);
}

static uint64_t tiny_who(const Iommu *u)
{
    return IM_PUT(TINY_MSG_RID, u->rid) | IM_PUT(TINY_MSG_PP, u->has_pasid) |
           IM_PUT(TINY_MSG_PASID, u->has_pasid ? u->pasid : 0);
}

static void tiny_command(Iommu *u, TinyOp op, uint64_t who, uint64_t addr)
{
    TinyWorld *w = u->world;
    uint64_t tail = tiny_get(u, TINY_R_CQ_TAIL);

    rig_w64(u->rig, w->commands + tail, IM_PUT(TINY_MSG_OP, op) | who);
    rig_w64(u->rig, w->commands + tail + 8, addr);
    tiny_put(u, TINY_R_CQ_TAIL, (tail + 16) % TINY_RING);
}

/* FAULT is as STATUS says, and no queue has what is outside it. */
static void tiny_consistent(Rig *r)
{
    uint64_t status = rig_reg64(r, 8 * TINY_R_STATUS);

    g_assert_cmphex(status & ~UINT64_C(15), ==, 0);
    g_assert_true(status & TINY_FAULTED || r->changes ||
                  !rig_reg64(r, 8 * TINY_R_FAULT));
    g_assert_cmphex(rig_reg64(r, 8 * TINY_R_CQ_HEAD) & ~TINY_INDEX, ==, 0);
    g_assert_cmphex(rig_reg64(r, 8 * TINY_R_PQ_TAIL) & ~TINY_INDEX, ==, 0);
}

static void tiny_on(Iommu *u)
{
    TinyWorld *w = u->world;

    tiny_put(u, TINY_R_SPACES, w->spaces);
    tiny_put(u, TINY_R_CQ_BASE, w->commands);
    tiny_put(u, TINY_R_PQ_BASE, w->requests);
    tiny_put(u, TINY_R_CTRL, 1);
}

static void tiny_map(Iommu *u, uint64_t iova, uint64_t pa, bool writable)
{
    TinyWorld *w = u->world;

    rig_w64(u->rig, w->table + 8 * (iova >> 12),
            pa | IM_MASK(TINY_PTE_V) | IM_PUT(TINY_PTE_W, writable));
}

static void tiny_space_set(Iommu *u, uint32_t n, uint64_t table)
{
    TinyWorld *w = u->world;

    rig_w64(u->rig, w->spaces + 8 * (uint64_t)n,
            table | IM_MASK(TINY_SPACE_V) | IM_PUT(TINY_SPACE_RID, u->rid));
}

static uint64_t tiny_table(Rig *r)
{
    return rig_alloc(r, (8u << TINY_TABLE_BITS) / 4096, RIG_READ);
}

static void tiny_start(Iommu *u, bool has_pasid)
{
    Rig *r = rig_host_new(&tiny_ops, tiny_consistent);
    TinyWorld *w = g_new0(TinyWorld, 1);

    r->iommu = tiny_new(&r->port, r, TINY_TIMEOUT);
    w->spaces = rig_alloc(r, TINY_SPACE_COUNT * 8 / 4096, RIG_READ);
    w->table = tiny_table(r);
    w->commands = rig_alloc(r, TINY_RING / 4096, RIG_READ);
    w->requests = rig_alloc(r, TINY_RING / 4096, RIG_WRITE);
    w->done = rig_alloc(r, 1, RIG_WRITE);
    *u = (Iommu) {
        .op = u->op,
        .kind = u->kind,
        .rig = r,
        .world = w,
        .rid = 0x108,
        .pasid = 0x33,
        .has_pasid = has_pasid,
        .iova = 0x400000,
        .pa = UINT64_C(0x200000000),
    };
    tiny_space_set(u, has_pasid ? u->pasid : 0, w->table);
    tiny_map(u, u->iova, u->pa, true);
    tiny_on(u);
}

static void tiny_stop(Iommu *u)
{
    rig_assert_consistent(u->rig);
    rig_free(u->rig);
    g_free(u->world);
}

static void tiny_unmap(Iommu *u, uint64_t iova)
{
    TinyWorld *w = u->world;

    rig_w64(u->rig, w->table + 8 * (iova >> 12), 0);
}

static void tiny_wait(Iommu *u)
{
    TinyWorld *w = u->world;

    rig_w64(u->rig, w->done, 0);
    tiny_command(u, TINY_WAIT, 0, w->done);
}

static bool tiny_atc_complete(Iommu *u)
{
    TinyWorld *w = u->world;

    return rig_r64(u->rig, w->done) == 1;
}

static void tiny_invalidate(Iommu *u, uint64_t iova)
{
    tiny_command(u, TINY_INVALIDATE, tiny_who(u), iova);
    tiny_wait(u);
    g_assert_true(tiny_atc_complete(u));
}

static uint32_t tiny_space(Iommu *u, uint64_t pa)
{
    uint64_t table = tiny_table(u->rig);

    rig_w64(u->rig, table + 8 * (u->iova >> 12),
            pa | IM_MASK(TINY_PTE_V) | IM_MASK(TINY_PTE_W));
    tiny_space_set(u, 0x5a, table);
    return 0x5a;
}

static unsigned tiny_faults(Iommu *u)
{
    return tiny_get(u, TINY_R_STATUS) & TINY_FAULTED;
}

static IommuFault tiny_fault(Iommu *u)
{
    uint64_t f = tiny_get(u, TINY_R_FAULT);

    tiny_put(u, TINY_R_STATUS, TINY_FAULTED);
    return (IommuFault) {
        .requester = (uint32_t)IM_GET(f, TINY_MSG_RID),
        .pasid = (uint32_t)IM_GET(f, TINY_MSG_PASID),
        .has_pasid = IM_GET(f, TINY_MSG_PP),
        .write = IM_GET(f, TINY_MSG_WRITE),
        .page = tiny_get(u, TINY_R_FAULT_AT) & ~UINT64_C(0xfff),
    };
}

static void tiny_atc_invalidate(Iommu *u, uint64_t iova)
{
    tiny_command(u, TINY_INVALIDATE_ATC, tiny_who(u), iova);
    tiny_wait(u);
}

static bool tiny_atc_failed(Iommu *u)
{
    return tiny_get(u, TINY_R_STATUS) & TINY_LATE;
}

static void tiny_atc_recover(Iommu *u)
{
    tiny_put(u, TINY_R_STATUS, TINY_LATE);
    g_assert_true(tiny_atc_complete(u));
}

static uint64_t tiny_atc_timeout(const Iommu *u G_GNUC_UNUSED)
{
    return TINY_TIMEOUT;
}

static unsigned tiny_requests(Iommu *u)
{
    return (unsigned)(tiny_get(u, TINY_R_PQ_TAIL) -
                      tiny_get(u, TINY_R_PQ_HEAD)) %
           TINY_RING / 16;
}

static ImPageReq tiny_request(Iommu *u)
{
    TinyWorld *w = u->world;
    uint64_t head = tiny_get(u, TINY_R_PQ_HEAD);
    uint64_t m = rig_r64(u->rig, w->requests + head);

    tiny_put(u, TINY_R_PQ_HEAD, (head + 16) % TINY_RING);
    return (ImPageReq) {
        .rid = (uint16_t)IM_GET(m, TINY_MSG_RID),
        .has_pasid = IM_GET(m, TINY_MSG_PP),
        .pasid = (uint32_t)IM_GET(m, TINY_MSG_PASID),
        .prgi = (uint16_t)IM_GET(m, TINY_MSG_PRGI),
        .read = IM_GET(m, TINY_MSG_READ),
        .write = IM_GET(m, TINY_MSG_WRITE),
        .last = IM_GET(m, TINY_MSG_LAST),
        .addr = rig_r64(u->rig, w->requests + head + 8),
    };
}

static void tiny_respond(Iommu *u, const ImPageReq *q, bool success)
{
    tiny_command(u, TINY_RESPOND,
                 tiny_who(u) | IM_PUT(TINY_MSG_PRGI, q->prgi) |
                     IM_PUT(TINY_MSG_CODE, success ? IM_PAGE_RESP_SUCCESS :
                                                     IM_PAGE_RESP_INVALID),
                 0);
}

static bool tiny_overflow(Iommu *u)
{
    return tiny_get(u, TINY_R_STATUS) & TINY_LOST;
}

static void tiny_overflow_clear(Iommu *u)
{
    tiny_put(u, TINY_R_PQ_HEAD, tiny_get(u, TINY_R_PQ_TAIL));
    tiny_put(u, TINY_R_STATUS, TINY_LOST);
}

const IommuOps iommu_tiny = {
    .name = "tiny",
    .start = tiny_start,
    .stop = tiny_stop,
    .on = tiny_on,
    .map = tiny_map,
    .unmap = tiny_unmap,
    .invalidate = tiny_invalidate,
    .space = tiny_space,
    .faults = tiny_faults,
    .fault = tiny_fault,
    .atc_invalidate = tiny_atc_invalidate,
    .atc_complete = tiny_atc_complete,
    .atc_failed = tiny_atc_failed,
    .atc_recover = tiny_atc_recover,
    .atc_timeout = tiny_atc_timeout,
    .requests = tiny_requests,
    .request = tiny_request,
    .respond = tiny_respond,
    .overflow = tiny_overflow,
    .overflow_clear = tiny_overflow_clear,
};
