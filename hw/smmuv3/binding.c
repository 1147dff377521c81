/*
 * SMMUv3: what the tables say of a StreamID as a whole, or of a SubstreamID,
 * for who keeps it beside the unit.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/smmuv3/xlat.h"
#include "im/spec/smmu_tables.h.inc"

IM_LAYOUT(SMMU_STE0);
IM_LAYOUT(SMMU_STE1);

/* CONFIG; EATS; STRW of EL2 */
enum { CONFIG_TRANSLATE = 4, CONFIG_STAGE1 = 5 };
enum { EATS_FULL = 1, EATS_SPLIT };
enum { STRW_EL2 = 2 };

/* ImBinding.second[1]: what beside S2TTB tells two stages apart, decoded. */
#define SMMU_SECOND(F, R, I)                                              \
    F(SMMU_SECOND, FLAGS, 15, 0) F(SMMU_SECOND, GRANULE, 17, 16)          \
    F(SMMU_SECOND, TOP, 20, 18) F(SMMU_SECOND, TOP_BITS, 25, 21)          \
    F(SMMU_SECOND, IN_BITS, 31, 26) F(SMMU_SECOND, OUT_BITS, 37, 32)      \
    R(63, 38)
IM_LAYOUT(SMMU_SECOND);

/* What is not of memory types, which are nobody's here. */
#define SECOND_FLAGS                                                      \
    (IM_VMSA_HA | IM_VMSA_HD | IM_VMSA_HAFT | IM_VMSA_AFFD |              \
     IM_VMSA_PA52 | IM_VMSA_XNX)
G_STATIC_ASSERT(SECOND_FLAGS <= IM_BITS(15, 0));

/* --- what the tables say ------------------------------------------------ */

/* Split-stage ATS is between the unit and its functions: who translates for
 * them gives out addresses that need no more. */
static bool smmu_binding_ats(const ImSmmu *s, const ImSmmuSte *ste)
{
    return ste->eats == EATS_FULL ||
           (ste->eats == EATS_SPLIT && (s->cr0 & IM_MASK(SMMU_CR0_ATSCHK)));
}

/* An STE of stage 1 alone: its table of CDs, or the one at ctx. To a unit
 * without EL2, NS-EL2-E2H is as EL1. */
static void smmu_binding_first(const ImSmmu *s, const ImSmmuSte *ste,
                               uint64_t ctx, bool table, ImBinding *out)
{
    const uint32_t *idr = s->ids.idr;

    out->table = table;
    out->first[2] = idr[0] | (uint64_t)idr[1] << 32;
    out->first[3] = idr[3] | (uint64_t)idr[5] << 32;
    out->first[0] = IM_PUT(SMMU_STE_V, 1) |
                    IM_PUT(SMMU_STE_CONFIG, CONFIG_STAGE1) |
                    (ctx & IM_MASK(SMMU_STE_S1CONTEXTPTR));
    out->first[1] = IM_PUT(SMMU_STE_S1STALLD, ste->s1stalld) |
                    IM_PUT(SMMU_STE_EATS, out->ats ? EATS_FULL : 0) |
                    IM_PUT(SMMU_STE_STRW,
                           ste->world == IM_SMMU_NS_EL2 ? STRW_EL2 : 0);
    if (table) {
        out->first[0] |= IM_PUT(SMMU_STE_S1FMT, ste->s1fmt) |
                         IM_PUT(SMMU_STE_S1CDMAX, ste->s1cdmax);
        out->first[1] |= IM_PUT(SMMU_STE_S1DSS, ste->s1dss);
    }
}

static void smmu_binding_second(const ImPtStage *st, ImBinding *out)
{
    out->second[0] = st->root;
    out->second[1] = IM_PUT(SMMU_SECOND_FLAGS, st->flags & SECOND_FLAGS) |
                     IM_PUT(SMMU_SECOND_GRANULE, st->fmt - im_vmsa_s2) |
                     IM_PUT(SMMU_SECOND_TOP, st->top) |
                     IM_PUT(SMMU_SECOND_TOP_BITS, st->top_bits) |
                     IM_PUT(SMMU_SECOND_IN_BITS,
                            64 - (unsigned)__builtin_clzll(st->in_last)) |
                     IM_PUT(SMMU_SECOND_OUT_BITS,
                            64 - (unsigned)__builtin_clzll(st->out_mask));
}

/* The STE is valid, and not to abort. */
static void smmu_binding_of_stages(const ImSmmu *s, const ImSmmuSte *ste,
                                   bool s1, ImBinding *out)
{
    out->how = s1      ? ste->s2 ? IM_BINDING_NESTED : IM_BINDING_FIRST :
               ste->s2 ? IM_BINDING_SECOND :
                         IM_BINDING_PASS;
    out->domain = ste->world == IM_SMMU_NS_EL1 ? ste->vmid : IM_SMMU_EL2;
    out->ats = smmu_binding_ats(s, ste);
    out->priv = out->exec = true;
    out->pri = out->ats && (s->ids.idr[0] & IM_MASK(SMMU_IDR0_PRI));
    if (ste->s2) {
        smmu_binding_second(&ste->stage2, out);
    }
}

/* One request's: the CD that it is of, if any, is valid. */
static void smmu_binding_of_substream(SmmuRoute *r, ImBinding *out)
{
    const ImSmmuSte *ste = &r->stream->ste;
    uint64_t ctx = 0;

    if (im_smmu_context_fault(r) ||
        (r->context->s1 && im_smmu_cd_place_fault(r, &ctx))) {
        return;
    }
    smmu_binding_of_stages(r->s, ste, r->context->s1, out);
    out->pasid = r->ssid;
    if (r->context->s1) {
        smmu_binding_first(r->s, ste, ctx, false, out);
    }
}

IM_RULE(SMMU_STE_BINDING);
void im_smmu_binding(ImSmmu *s, uint32_t func, bool has_pasid, uint32_t pasid,
                     bool table, ImBinding *out)
{
    SmmuExplain ex = { .fn = im_route_unheard };
    SmmuRoute r = {
        .s = s,
        .ex = &ex,
        .kind = SMMU_QUESTION,
        .sid = func,
        .ssv = has_pasid,
        .ssid = has_pasid ? pasid : 0,
    };
    const ImSmmuSte *ste = &ex.stream.ste;

    *out = (ImBinding) { .how = IM_BINDING_FAULT };
    if (!(s->cr0 & IM_MASK(SMMU_CR0_SMMUEN))) {
        out->how = s->gbpa & IM_MASK(SMMU_GBPA_ABORT) ? IM_BINDING_FAULT :
                                                        IM_BINDING_OFF;
        out->priv = out->exec = out->how == IM_BINDING_OFF;
        return;
    }
    if (im_smmu_stream_fault(&r) || !(ste->config & CONFIG_TRANSLATE)) {
        return;
    }
    if (table && ste->s1 && ste->s1cdmax) {
        smmu_binding_of_stages(s, ste, true, out);
        smmu_binding_first(s, ste, ste->s1_ctx, true, out);
    } else {
        smmu_binding_of_substream(&r, out);
    }
}

/* --- the second stage alone --------------------------------------------- */

static ImBus smmu_binding_op_read(void *opaque, uint64_t pa, void *buf,
                                  size_t len)
{
    return im_smmu_mem_peek(opaque, pa, buf, len);
}

static ImBus smmu_binding_op_cmpxchg(void *opaque, uint64_t pa,
                                     uint64_t *expected, uint64_t desired)
{
    ImSmmu *s = opaque;

    return s->port.cmpxchg64(s->host, pa, expected, desired);
}

static const ImWalkOps second_ops = {
    .read = smmu_binding_op_read,
    .cmpxchg64 = smmu_binding_op_cmpxchg,
};
static const ImWalkOps second_look_ops = { .read = smmu_binding_op_read };

/* What was put into ImBinding.second[]. */
static ImPtStage smmu_binding_stage(const uint64_t second[2])
{
    return (ImPtStage) {
        .fmt = &im_vmsa_s2[IM_GET(second[1], SMMU_SECOND_GRANULE)],
        .root = second[0],
        .out_mask = UINT64_MAX >>
                    (64 - IM_GET(second[1], SMMU_SECOND_OUT_BITS)),
        .in_last = UINT64_MAX >> (64 - IM_GET(second[1], SMMU_SECOND_IN_BITS)),
        .flags = (uint32_t)IM_GET(second[1], SMMU_SECOND_FLAGS),
        .top = (uint8_t)IM_GET(second[1], SMMU_SECOND_TOP),
        .top_bits = (uint8_t)IM_GET(second[1], SMMU_SECOND_TOP_BITS),
    };
}

/* Who keeps it cannot tell by whom it is executed: what both may. */
static uint8_t smmu_binding_executable(ImSmmu *s, ImPtStage *st, uint64_t addr)
{
    ImWalk w = { .ops = &second_look_ops, .opaque = s, .stage = { st } };
    ImWalkOut o;

    st->flags ^= IM_VMSA_PRIV;
    im_walk(&w, addr, 0, false, &o);
    return o.stop == IM_WALK_OK ? o.perm & IM_PERM_X : 0;
}

IM_RULE(SMMU_VMSA_BINDING);
ImXlat im_smmu_second(ImSmmu *s, const ImBinding *b, uint64_t addr,
                      ImAccess access)
{
    ImXlat x = { .status = IM_FAULT, .cpl = IM_CPL_UR, .mask = 0xfff };
    ImPtStage st = smmu_binding_stage(b->second);
    ImWalk w = { .ops = &second_ops, .opaque = s, .stage = { &st } };
    ImWalkOut o;

    if (addr > MIN(st.in_last, im_smmu_last(s))) {
        return x;
    }
    im_walk(&w, addr, access, access & IM_WRITE, &o);
    if (o.stop != IM_WALK_OK) {
        return x;
    }
    x.status = IM_OK;
    x.cpl = IM_CPL_SC;
    x.addr = o.addr;
    x.mask = (UINT64_C(1) << o.shift) - 1;
    x.perm = o.perm & (o.dirty ? IM_PERM_R | IM_PERM_W : IM_PERM_R);
    if (o.perm & IM_PERM_X) {
        x.perm |= smmu_binding_executable(s, &st, addr);
    }
    return x;
}
