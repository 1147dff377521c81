/*
 * VT-d: the walk of the page tables for a DMA request, and what a walk that
 * stopped means: 3.6 to 3.8, 7.1.3.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/fmt/vtd.h"
#include "hw/vtd/dma.h"

static ImBus vtd_walk_op_read(void *opaque, uint64_t pa, void *buf, size_t len)
{
    ImVtd *s = ((VtdRoute *)opaque)->s;

    /* im_vtd_mem_read(), in line: this is most of a miss. */
    s->counters.walk_reads++;
    return im_port_read(&s->port, s->host, im_vtd_haw_last(s), pa, buf, len);
}

static ImBus vtd_walk_op_peek(void *opaque, uint64_t pa, void *buf, size_t len)
{
    VtdRoute *r = opaque;

    return im_vtd_mem_peek(r->s, pa, buf, len);
}

IM_RULE(VTD_3_6_2_ATOMIC);
static ImBus vtd_walk_op_cmpxchg(void *opaque, uint64_t pa, uint64_t *expected,
                                 uint64_t desired)
{
    VtdRoute *r = opaque;

    return r->s->port.cmpxchg64(r->s->host, pa, expected, desired);
}

/* Explaining: whether the entry could be changed, which leaves it alone. */
static ImBus vtd_walk_op_try(void *opaque, uint64_t pa, uint64_t *expected,
                             uint64_t desired G_GNUC_UNUSED)
{
    VtdRoute *r = opaque;
    uint64_t same = *expected;
    ImBus bus = r->s->port.cmpxchg64(r->s->host, pa, &same, *expected);

    return bus == IM_BUS_RETRY ? IM_BUS_OK : bus;
}

/* Whether a stage of the walk is the second stage, alone or nested. */
static bool vtd_walk_is_second(const VtdRoute *r, unsigned stage)
{
    return stage == 1 || r->sp->pgtt == VTD_PGTT_SECOND;
}

static bool vtd_walk_op_find(void *opaque, unsigned stage, uint64_t in,
                             ImWalkPoint *at)
{
    VtdRoute *r = opaque;
    bool second = vtd_walk_is_second(r, stage);

    return im_owner_find_table(&r->s->caches->tables,
                               second ? &r->sp->ss_tables : &r->sp->fs_tables,
                               !second && r->priv,
                               second ? r->sp->ss.fmt : r->sp->fs.fmt, in, at);
}

static void vtd_walk_op_keep(void *opaque, unsigned stage, uint64_t in,
                             const ImWalkPoint *at)
{
    VtdRoute *r = opaque;
    bool second = vtd_walk_is_second(r, stage);

    im_owner_keep_table(&r->s->caches->tables,
                        second ? &r->sp->ss_tables : &r->sp->fs_tables,
                        !second && r->priv,
                        second ? r->sp->ss.fmt : r->sp->fs.fmt, in, at);
}

/* SGN.8, LGN.4: a translation completion speaks for all of its page. */
static bool vtd_walk_op_forbid(void *opaque, uint64_t addr, unsigned shift)
{
    const VtdRoute *r = opaque;

    return r->kind == VTD_TRANSLATION ?
               im_vtd_overlaps_interrupts(addr, shift) :
               im_vtd_interrupt_address(addr);
}

static void vtd_walk_op_step(void *opaque, const ImStep *step)
{
    im_vtd_explain_entry(opaque, step);
}

static const ImWalkOps walk_ops = {
    .read = vtd_walk_op_read,
    .cmpxchg64 = vtd_walk_op_cmpxchg,
    .find = vtd_walk_op_find,
    .keep = vtd_walk_op_keep,
    .forbid = vtd_walk_op_forbid,
};

static const ImWalkOps explain_ops = {
    .read = vtd_walk_op_peek,
    .cmpxchg64 = vtd_walk_op_try,
    .forbid = vtd_walk_op_forbid,
    .step = vtd_walk_op_step,
};

/* Which right the request lacks. */
static uint8_t vtd_walk_lacking(const VtdRoute *r, uint8_t perm)
{
    bool legacy = r->sp->legacy;

    if ((r->txn->access & IM_WRITE) && !(perm & IM_PERM_W)) {
        return legacy ? VTD_FLT_LGN_2 : VTD_FLT_SGN_6;
    }
    return legacy ? VTD_FLT_LGN_3 : VTD_FLT_SGN_7;
}

/* Why a walk stopped in the second stage, alone or below the first. */
static uint8_t vtd_walk_second_stage_reason(const VtdRoute *r,
                                            const ImWalkOut *w)
{
    switch (w->stop) {
    case IM_WALK_ACCESS:
        return w->top ? VTD_FLT_SSS_4 : VTD_FLT_SSS_1;
    case IM_WALK_ABSENT:
        return VTD_FLT_SSS_2;
    case IM_WALK_RSVD:
        return VTD_FLT_SSS_3;
    case IM_WALK_NO_UPDATE:
        return VTD_FLT_SSS_5;
    case IM_WALK_UPDATE:
        return VTD_FLT_SSS_6;
    default:
        return vtd_walk_lacking(r, w->perm);
    }
}

static uint8_t vtd_walk_legacy_reason(const VtdRoute *r, const ImWalkOut *w)
{
    switch (w->stop) {
    case IM_WALK_ACCESS:
        return w->top ? VTD_FLT_LCT_4 : VTD_FLT_LSS_1;
    case IM_WALK_RSVD:
        return VTD_FLT_LSS_2;
    case IM_WALK_ABSENT:
        return vtd_walk_lacking(r, 0);
    default:
        return vtd_walk_lacking(r, w->perm);
    }
}

static uint8_t vtd_walk_first_stage_reason(const VtdRoute *r,
                                           const ImWalkOut *w)
{
    switch (w->stop) {
    case IM_WALK_ACCESS:
        return w->top ? VTD_FLT_SFS_4 : VTD_FLT_SFS_1;
    case IM_WALK_ABSENT:
        return VTD_FLT_SFS_2;
    case IM_WALK_RSVD:
        return VTD_FLT_SFS_3;
    case IM_WALK_MUST:
        return VTD_FLT_SGN_2;
    case IM_WALK_RANGE:
        return VTD_FLT_SFS_5;
    case IM_WALK_NESTED_READ:
        return w->top ? VTD_FLT_SFS_6 : VTD_FLT_SFS_7;
    case IM_WALK_NESTED_WRITE:
        return VTD_FLT_SFS_8;
    case IM_WALK_NO_UPDATE:
        return VTD_FLT_SFS_9;
    case IM_WALK_UPDATE:
        return VTD_FLT_SFS_10;
    default:
        return vtd_walk_lacking(r, w->perm);
    }
}

static uint8_t vtd_walk_reason(const VtdRoute *r, const ImWalkOut *w)
{
    if (w->stop == IM_WALK_FORBIDDEN) {
        return r->sp->legacy ? VTD_FLT_LGN_4 : VTD_FLT_SGN_8;
    }
    if (r->sp->legacy) {
        return vtd_walk_legacy_reason(r, w);
    }
    return w->stage == 1 || r->sp->pgtt == VTD_PGTT_SECOND ?
               vtd_walk_second_stage_reason(r, w) :
               vtd_walk_first_stage_reason(r, w);
}

static void vtd_walk_walk(VtdRoute *r, ImWalkOut *out)
{
    const VtdSpace *sp = r->sp;
    ImPtStage super;
    ImWalk w = {
        .ops = r->ex ? &explain_ops : &walk_ops,
        .opaque = r,
        .stage = { &sp->fs, sp->pgtt == VTD_PGTT_NESTED ? &sp->ss : NULL },
    };

    if (sp->pgtt == VTD_PGTT_SECOND) {
        w.stage[0] = &sp->ss;
    } else if (r->priv) {
        super = sp->fs;
        super.flags |= IM_VTD_FS_SUPER;
        w.stage[0] = &super;
    }
    im_walk(&w, r->txn->addr, r->need, r->write, out);
}

/* 3.6, 3.7, 3.8 */
IM_RULE(VTD_6_2_4_NO_FAULTING);
bool im_vtd_walk_tables(VtdRoute *r)
{
    ImVtd *s = r->s;
    const VtdSpace *sp = r->sp;
    ImWalkOut w;
    uint8_t flags;

    if (!r->ex) {
        s->counters.iotlb_misses++;
        im_owner_prefetch(&s->caches->pages, &sp->pages, r->priv, r->txn->addr,
                          12);
    }
    vtd_walk_walk(r, &w);
    if (G_UNLIKELY(r->ex)) {
        im_vtd_explain_walk(r, &w);
    }
    if (w.stop != IM_WALK_OK) {
        return im_vtd_refuse(r, vtd_walk_reason(r, &w));
    }
    flags = (uint8_t)((w.perm & (IM_PERM_R | IM_PERM_W)) |
                      (w.attr & IM_VTD_SNP ? VTD_TLB_SNP : 0) |
                      (w.dirty ? VTD_TLB_DIRTY : 0) |
                      (im_vtd_overlaps_interrupts(w.addr, w.shift) ?
                           VTD_TLB_FEE :
                           0));
    im_vtd_found(r, w.addr, w.shift, flags);
    if (!r->ex) {
        im_owner_put(&s->caches->pages, &r->sp->pages, r->priv, r->txn->addr,
                     w.addr, 64 - (unsigned)__builtin_clzll(r->out.mask),
                     w.first_shift, flags);
    }
    return true;
}
