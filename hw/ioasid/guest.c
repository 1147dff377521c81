/*
 * The host backend: context descriptors in a guest's own PASID table, and
 * walks of its tables.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/route.h"
#include "im/spec/smmu_tables.h.inc"

#include <string.h>

IM_LAYOUT(SMMU_L1CD);

/* S1DSS */
enum { S1DSS_BYPASS = 1, S1DSS_SSID0 = 2 };

/* --- memory ----------------------------------------------------------- */

static ImBus io_guest_op_read(void *opaque, uint64_t pa, void *buf, size_t len)
{
    ImIoasid *h = ((IoRoute *)opaque)->h;

    h->counters.walk_reads++;
    return h->port.iommu.read(h->opaque, pa, buf, len);
}

static ImBus io_guest_op_peek(void *opaque, uint64_t pa, void *buf, size_t len)
{
    ImIoasid *h = ((IoRoute *)opaque)->h;

    return h->port.iommu.read(h->opaque, pa, buf, len);
}

static ImBus io_guest_op_cmpxchg(void *opaque, uint64_t pa, uint64_t *expected,
                                 uint64_t desired)
{
    ImIoasid *h = ((IoRoute *)opaque)->h;

    return h->port.iommu.cmpxchg64(h->opaque, pa, expected, desired);
}

static void io_guest_op_step(void *opaque, const ImStep *step)
{
    IoExplain *ex = ((IoRoute *)opaque)->ex;

    ex->fn(ex->opaque, step);
}

static const ImWalkOps walk_ops = {
    .read = io_guest_op_read,
    .cmpxchg64 = io_guest_op_cmpxchg,
};

static const ImWalkOps explain_ops = { .read = io_guest_op_peek,
                                       .step = io_guest_op_step };

ImWalkOut im_ioasid_walk(IoRoute *r, const ImPtStage *first,
                         const ImPtStage *second, uint64_t addr, uint8_t need,
                         bool write)
{
    ImWalk w = {
        .ops = r->ex ? &explain_ops : &walk_ops,
        .opaque = r,
        .stage = { first, second },
    };
    ImWalkOut out;

    im_walk(&w, addr, need, write, &out);
    return out;
}

/* Read n quad-words at an address of the parent. */
static bool io_guest_fetch(IoRoute *r, const IoView *v, const char *what,
                           uint64_t at, uint64_t *q, unsigned n)
{
    ImPtStage map = im_ioasid_map_stage(v->map);
    ImWalkOut w = im_ioasid_walk(r, &map, NULL, at, IM_PERM_R, false);
    ImIoasid *h = r->h;
    bool ok = w.stop == IM_WALK_OK &&
              h->port.iommu.read(h->opaque, w.addr, q, 8 * n) == IM_BUS_OK;

    h->counters.walk_reads += !r->ex;
    if (!ok) {
        memset(q, 0, 8 * n);
    }
    for (unsigned i = 0; i < n; i++) {
        q[i] = GUINT64_FROM_LE(q[i]);
    }
    if (r->ex) {
        ImStep step = { .what = what, .addr = w.addr };

        step.words = ok ? (uint8_t)n : 0;
        step.note = ok ? NULL : "could not be read";
        memcpy(step.value, q, 8 * n);
        r->ex->fn(r->ex->opaque, &step);
    }
    return ok;
}

/* --- which descriptor ------------------------------------------------- */

static uint64_t io_guest_table_base(uint64_t ptr, uint64_t size)
{
    return ptr & ~(MAX(size, 64) - 1);
}

static bool io_guest_not_fetched(IoRoute *r, const IoView *v, uint64_t at)
{
    ImPtStage map = im_ioasid_map_stage(v->map);

    if (im_ioasid_walk(r, &map, NULL, at, IM_PERM_R, false).stop !=
        IM_WALK_OK) {
        return im_ioasid_refuse_map(r, IO_FLT_CD_FETCH, at, true, false);
    }
    return im_ioasid_refuse(r, IO_FLT_CD_FETCH);
}

/* Two levels. */
static bool io_guest_leaf_fault(IoRoute *r, const IoView *v,
                                const ImSmmuSte *ste, uint32_t ssid,
                                uint64_t *at)
{
    unsigned leaf = ste->s1fmt == 1 ? 6 : 10;
    unsigned high = ste->s1cdmax > leaf ? ste->s1cdmax - leaf : 0;
    uint64_t base = io_guest_table_base(ste->s1_ctx, UINT64_C(8) << high);
    uint64_t l1 = base + 8 * (uint64_t)(ssid >> leaf);
    uint64_t q;

    if (!io_guest_fetch(r, v, "L1CD", l1, &q, 1)) {
        return io_guest_not_fetched(r, v, l1);
    }
    if (!(q & IM_MASK(SMMU_L1CD_V))) {
        return im_ioasid_refuse(r, IO_FLT_PASID_OFF);
    }
    *at = io_guest_table_base(q & IM_MASK(SMMU_L1CD_L2PTR), UINT64_C(64)
                                                                << leaf) +
          64 * (uint64_t)(ssid & ((1u << leaf) - 1));
    return false;
}

static bool io_guest_fetch_fault(IoRoute *r, IoView *v, uint32_t ssid)
{
    const IoSmmuTable *table = v->bind->space->table;
    const ImSmmuSte *ste = &table->ste;
    uint64_t at = io_guest_table_base(ste->s1_ctx, UINT64_C(64)
                                                       << ste->s1cdmax) +
                  64 * (uint64_t)ssid;
    ImClause clause;
    uint64_t q[8];

    if (ste->s1cdmax && ste->s1fmt &&
        io_guest_leaf_fault(r, v, ste, ssid, &at)) {
        return true;
    }
    if (!io_guest_fetch(r, v, "CD", at, q, 8)) {
        return io_guest_not_fetched(r, v, at);
    }
    if (!im_smmu_cd_decode(&table->ids, ste, q, &v->cd, &clause)) {
        im_ioasid_refuse(r, IO_FLT_CD_BAD);
        r->out.clause = clause;
        return true;
    }
    v->s1 = true;
    return false;
}

/*
 * The PASID is a SubstreamID of a delegated table; a nested space has the one
 * CD.
 */
IM_RULE(IOASID_REQUESTS);
bool im_ioasid_cd_fault(IoRoute *r, IoView *v)
{
    const IoSpace *space = v->bind->space;
    const ImSmmuSte *ste = &((const IoSmmuTable *)space->table)->ste;

    v->s1 = false;
    if (space->kind == IMU_SPACE_NESTED) {
        return io_guest_fetch_fault(r, v, 0);
    }
    if (r->has_pasid) {
        if (r->pasid >> ste->s1cdmax || !ste->s1cdmax ||
            (r->pasid == 0 && ste->s1dss == S1DSS_SSID0)) {
            return im_ioasid_refuse(r, IO_FLT_PASID_OFF);
        }
        return io_guest_fetch_fault(r, v, r->pasid);
    }
    if (!ste->s1cdmax || ste->s1dss == S1DSS_SSID0) {
        return io_guest_fetch_fault(r, v, 0);
    }
    return ste->s1dss != S1DSS_BYPASS && im_ioasid_refuse(r, IO_FLT_PASID_OFF);
}
