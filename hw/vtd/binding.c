/*
 * VT-d: what the tables say of a source of requests as a whole, for who keeps
 * it beside the unit.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/fmt/vtd.h"
#include "hw/vtd/dma.h"
#include "im/im_ioasid_uapi.h"

/* ImBinding.second[1] */
enum {
    BINDING_AW = 7,             /* as encoded */
    BINDING_AD = 1 << 3,        /* SSADE */
    BINDING_NO_UPDATE = 1 << 4,
    BINDING_LEGACY = 1 << 5,
    BINDING_IRWE = 1 << 6,
};

/* --- what the tables say ------------------------------------------------ */

static void vtd_binding_first(const VtdSpace *sp, ImBinding *out)
{
    static const struct {
        uint32_t is;
        uint8_t flag;
    } flags[] = {
        { IM_VTD_FS_WPE, IMU_VTD_FIRST_WPE },
        { IM_VTD_FS_EAFE, IMU_VTD_FIRST_EAFE },
    };

    out->first[0] = sp->fs.root;
    out->first[1] = (sp->sre ? IMU_VTD_FIRST_SRE : 0) |
                    (sp->fs.top == 4 ? IMU_VTD_FIRST_5LP : 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(flags); i++) {
        out->first[1] |= sp->fs.flags & flags[i].is ? flags[i].flag : 0;
    }
}

static void vtd_binding_second(const VtdSpace *sp, ImBinding *out)
{
    const ImPtStage *ss = &sp->ss;

    out->second[0] = ss->root;
    out->second[1] = (uint64_t)(ss->top - 1) |
                     (ss->flags & IM_VTD_SS_AD ? BINDING_AD : 0) |
                     (ss->no_update ? BINDING_NO_UPDATE : 0) |
                     (sp->legacy ? BINDING_LEGACY : 0) |
                     (ss->flags & IM_VTD_SS_IRWE ? BINDING_IRWE : 0);
}

static const uint8_t hows[] = {
    [VTD_PGTT_FIRST] = IM_BINDING_FIRST,
    [VTD_PGTT_SECOND] = IM_BINDING_SECOND,
    [VTD_PGTT_NESTED] = IM_BINDING_NESTED,
    [VTD_PGTT_PASS] = IM_BINDING_PASS,
};

IM_RULE(VTD_9_6_BINDING);
void im_vtd_binding(ImVtd *s, uint32_t func, bool has_pasid, uint32_t pasid,
                    bool table G_GNUC_UNUSED, ImBinding *out)
{
    const ImTxn txn = {
        .rid = im_func_rid(func),
        .len = 1,
        .access = IM_READ,
        .has_pasid = has_pasid,
        .pasid = pasid,
    };
    VtdExplain ex = { .fn = im_route_unheard };
    VtdRoute r = {
        .s = s,
        .txn = &txn,
        .ex = &ex,
        .kind = VTD_UNTRANSLATED,
        .rid = txn.rid,
        .has_pasid = has_pasid,
        .pasid = pasid,
    };

    *out = (ImBinding) { .how = IM_BINDING_OFF, .priv = true, .exec = true };
    if (!im_vtd_translating(s)) {
        return;
    }
    *out = (ImBinding) { .how = IM_BINDING_FAULT };
    if (im_vtd_table_mode_fault(&r) || im_vtd_context_fault(&r) ||
        im_vtd_pasid_fault(&r)) {
        return;
    }
    out->how = hows[r.sp->pgtt];
    out->domain = r.sp->did;
    out->pasid = r.pasid;
    out->ats = r.ctx->ats;
    out->pri = r.ctx->pre;
    out->priv = r.sp->sre;
    if (out->how == IM_BINDING_FIRST || out->how == IM_BINDING_NESTED) {
        vtd_binding_first(r.sp, out);
    }
    if (out->how == IM_BINDING_SECOND || out->how == IM_BINDING_NESTED) {
        vtd_binding_second(r.sp, out);
    }
}

/* --- the second stage alone --------------------------------------------- */

static ImBus vtd_binding_op_read(void *opaque, uint64_t pa, void *buf,
                                 size_t len)
{
    return im_vtd_mem_peek(opaque, pa, buf, len);
}

static ImBus vtd_binding_op_cmpxchg(void *opaque, uint64_t pa,
                                    uint64_t *expected, uint64_t desired)
{
    ImVtd *s = opaque;

    return s->port.cmpxchg64(s->host, pa, expected, desired);
}

static bool vtd_binding_op_forbid(void *opaque G_GNUC_UNUSED, uint64_t addr,
                                  unsigned shift)
{
    return im_vtd_overlaps_interrupts(addr, shift);
}

static const ImWalkOps second_ops = {
    .read = vtd_binding_op_read,
    .cmpxchg64 = vtd_binding_op_cmpxchg,
    .forbid = vtd_binding_op_forbid,
};

IM_RULE(VTD_3_7_BINDING);
ImXlat im_vtd_second(ImVtd *s, const ImBinding *b, uint64_t addr,
                     ImAccess access)
{
    ImXlat x = { .status = IM_FAULT, .cpl = IM_CPL_UR };
    ImPtStage ss;
    ImWalk w = { .ops = &second_ops, .opaque = s, .stage = { &ss } };
    ImWalkOut o;

    im_vtd_second_stage_of(s, &ss, b->second[0],
                           (unsigned)(b->second[1] & BINDING_AW));
    ss.flags |= b->second[1] & BINDING_AD ? IM_VTD_SS_AD : 0;
    ss.no_update = b->second[1] & BINDING_NO_UPDATE;
    if (addr > ss.in_last) {
        return x;
    }
    im_walk(&w, addr, access, access & IM_WRITE, &o);
    if (o.stop == IM_WALK_OK) {
        x.mask = (UINT64_C(1) << o.shift) - 1;
        x.status = IM_OK;
        x.addr = o.addr;
        x.perm = o.perm & (o.dirty ? IM_PERM_R | IM_PERM_W : IM_PERM_R);
    }
    return x;
}
