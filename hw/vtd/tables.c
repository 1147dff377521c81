/*
 * VT-d tables on the way to a page table, chapter 9: root, context, PASID
 * directory, PASID table, legacy and scalable.
 *
 * An entry is cached once it has passed every check for the request at
 * hand, never one that faulted (6.2.2, 6.2.3).
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/core/dump.h"
#include "hw/fmt/vtd.h"
#include "hw/vtd/dma.h"
#include "hw/vtd/explain.h"
#include "im/spec/vtd_tables.h.inc"

IM_LAYOUT(VTD_ROOT0);
IM_LAYOUT(VTD_SROOT);
IM_LAYOUT(VTD_CTX0);
IM_LAYOUT(VTD_CTX1);
IM_LAYOUT(VTD_SCTX0);
IM_LAYOUT(VTD_SCTX1);
IM_LAYOUT(VTD_PDIR);
IM_LAYOUT(VTD_PTE0);
IM_LAYOUT(VTD_PTE1);
IM_LAYOUT(VTD_PTE2);
IM_LAYOUT(VTD_PTE4);
IM_LAYOUT(VTD_PTE5);

static bool vtd_tables_has(const ImVtd *s, uint64_t ecap)
{
    return s->ecap & ecap;
}

/* mask when the unit lacks a capability: the field must be zero then. */
static uint64_t vtd_tables_unless(const ImVtd *s, uint64_t ecap, uint64_t mask)
{
    return vtd_tables_has(s, ecap) ? 0 : mask;
}

static uint64_t vtd_tables_beyond_haw(const ImVtd *s)
{
    return ~im_vtd_haw_last(s);
}

/* Entries as explain shows them. */
typedef struct Entry {
    const char *what;
    unsigned words;
    const ImFieldRow *fields[8];
} Entry;

static const ImFieldRow no_fields[] = { { NULL, 0, 0 } };

static const Entry legacy_root_entry = {
    "root entry",
    2,
    { IM_FIELDS(VTD_ROOT0), no_fields },
};
static const Entry legacy_context_entry = {
    "context entry",
    2,
    { IM_FIELDS(VTD_CTX0), IM_FIELDS(VTD_CTX1) },
};
static const Entry scalable_root_entry = {
    "scalable root entry",
    2,
    { IM_FIELDS(VTD_SROOT), IM_FIELDS(VTD_SROOT) },
};
static const Entry scalable_context_entry = {
    "scalable context entry",
    4,
    { IM_FIELDS(VTD_SCTX0), IM_FIELDS(VTD_SCTX1), no_fields, no_fields },
};
static const Entry pasid_directory_entry = {
    "PASID directory entry",
    1,
    { IM_FIELDS(VTD_PDIR) },
};
static const Entry pasid_table_entry = {
    "PASID table entry",
    8,
    { IM_FIELDS(VTD_PTE0), IM_FIELDS(VTD_PTE1), IM_FIELDS(VTD_PTE2), no_fields,
      IM_FIELDS(VTD_PTE4), IM_FIELDS(VTD_PTE5), no_fields, no_fields },
};

/* Read an entry; explain sees it. */
static bool vtd_tables_read_entry(VtdRoute *r, const Entry *e, uint64_t pa,
                                  uint64_t *q)
{
    ImBus bus = r->ex ? im_vtd_mem_peek(r->s, pa, q, 8 * e->words) :
                        im_vtd_mem_read(r->s, pa, q, 8 * e->words);

    if (bus != IM_BUS_OK) {
        memset(q, 0, 8 * e->words);
    }
    for (unsigned i = 0; i < e->words; i++) {
        q[i] = GUINT64_FROM_LE(q[i]);
    }
    if (G_UNLIKELY(r->ex)) {
        im_vtd_tell_entry(r->ex->fn, r->ex->opaque, e->what, pa, q, e->fields,
                          e->words, bus);
    }
    return bus == IM_BUS_OK;
}

IM_RULE(VTD_7_1_3_S0_SILENT);
bool im_vtd_refuse(VtdRoute *r, uint8_t reason)
{
    const VtdFaultDef *def = im_vtd_fault_def(reason);
    uint8_t reply = def->reply[r->kind];
    bool success = reply == VTD_REPLY_S0 || reply == VTD_REPLY_SE;

    r->out.fault = reason;
    im_route_refuse(&r->out, success ? IM_OK : IM_FAULT,
                    success               ? IM_CPL_SC :
                    reply == VTD_REPLY_CA ? IM_CPL_CA :
                                            IM_CPL_UR);
    if (!r->ex && r->kind != VTD_PAGE_REQUEST &&
        (!success || def->s0_recorded)) {
        im_vtd_fault_dma(r->s, r->txn, reason, r->fpd);
    }
    return true;
}

/* --- legacy, 9.1 and 9.3 ------------------------------------------------ */

static bool vtd_tables_aw_supported(const ImVtd *s, uint64_t aw)
{
    return aw >= 1 && aw <= 3 && (IM_GET(s->cap, VTD_CAP_SAGAW) >> aw & 1);
}

static bool vtd_tables_tt_supported(const ImVtd *s, uint64_t tt)
{
    return tt == 0 || (tt == 1 && vtd_tables_has(s, IM_MASK(VTD_ECAP_DT))) ||
           (tt == 2 && vtd_tables_has(s, IM_MASK(VTD_ECAP_PT)));
}

static bool vtd_tables_legacy_context(VtdRoute *r, VtdCtx *ctx)
{
    ImVtd *s = r->s;
    uint64_t root[2];
    uint64_t q[2];
    uint64_t tt;
    uint64_t zero0;

    if (!vtd_tables_read_entry(r, &legacy_root_entry,
                               s->root.table + (r->rid >> 8) * 16u, root)) {
        return im_vtd_refuse(r, VTD_FLT_LRT_1);
    }
    if (!(root[0] & IM_MASK(VTD_ROOT_P))) {
        return im_vtd_refuse(r, VTD_FLT_LRT_2);
    }
    if ((root[0] & (IM_RSVD(VTD_ROOT0) | vtd_tables_beyond_haw(s))) ||
        root[1]) {
        return im_vtd_refuse(r, VTD_FLT_LRT_3);
    }
    if (!vtd_tables_read_entry(
            r, &legacy_context_entry,
            (root[0] & IM_MASK(VTD_ROOT_CTP)) + (r->rid & 0xff) * 16u, q)) {
        return im_vtd_refuse(r, VTD_FLT_LCT_1);
    }
    tt = IM_GET(q[0], VTD_CTX_TT);
    ctx->fpd = r->fpd = q[0] & IM_MASK(VTD_CTX_FPD);
    if (!(q[0] & IM_MASK(VTD_CTX_P))) {
        return im_vtd_refuse(r, VTD_FLT_LCT_2);
    }
    zero0 = IM_RSVD(VTD_CTX0) | (tt == 2 ? 0 : vtd_tables_beyond_haw(s));
    if ((q[0] & zero0) || (q[1] & IM_RSVD(VTD_CTX1)) ||
        IM_GET(q[1], VTD_CTX_DID) > im_vtd_did_last(s)) {
        return im_vtd_refuse(r, VTD_FLT_LCT_3);
    }
    if (!vtd_tables_aw_supported(s, IM_GET(q[1], VTD_CTX_AW)) ||
        !vtd_tables_tt_supported(s, tt)) {
        return im_vtd_refuse(r, VTD_FLT_LCT_4);
    }
    ctx->legacy = true;
    ctx->ats = tt == 1;
    ctx->pgtt = tt == 2 ? VTD_PGTT_PASS : VTD_PGTT_SECOND;
    ctx->dir = q[0] & IM_MASK(VTD_CTX_SSPTPTR);
    ctx->aw = (uint8_t)IM_GET(q[1], VTD_CTX_AW);
    ctx->did = (uint16_t)IM_GET(q[1], VTD_CTX_DID);
    return false;
}

/* --- scalable, 9.2 and 9.4 ---------------------------------------------- */

static bool vtd_tables_scalable_root(VtdRoute *r, uint64_t *table)
{
    ImVtd *s = r->s;
    unsigned upper = r->rid >> 7 & 1;
    uint64_t root[2];
    uint64_t half;

    if (!vtd_tables_read_entry(r, &scalable_root_entry,
                               s->root.table + (r->rid >> 8) * 16u, root)) {
        return im_vtd_refuse(r, VTD_FLT_SRT_1);
    }
    half = root[upper];
    if (!(half & IM_MASK(VTD_SROOT_P))) {
        return im_vtd_refuse(r, VTD_FLT_SRT_2);
    }
    if (half & (IM_RSVD(VTD_SROOT) | vtd_tables_beyond_haw(s))) {
        return im_vtd_refuse(r, VTD_FLT_SRT_3);
    }
    *table = half & IM_MASK(VTD_SROOT_CTP);
    return false;
}

static bool vtd_tables_sctx_reserved(const ImVtd *s, const uint64_t q[4])
{
    uint64_t zero0 =
        IM_RSVD(VTD_SCTX0) | vtd_tables_beyond_haw(s) |
        vtd_tables_unless(s, IM_MASK(VTD_ECAP_DT), IM_MASK(VTD_SCTX_DTE)) |
        vtd_tables_unless(s, IM_MASK(VTD_ECAP_PASID),
                          IM_MASK(VTD_SCTX_PASIDE)) |
        vtd_tables_unless(s, IM_MASK(VTD_ECAP_PRS), IM_MASK(VTD_SCTX_PRE)) |
        vtd_tables_unless(s, IM_MASK(VTD_ECAP_HPTS), IM_MASK(VTD_SCTX_HPTE)) |
        vtd_tables_unless(s, IM_MASK(VTD_ECAP_PTRS), IM_MASK(VTD_SCTX_EPTR));
    uint64_t zero1 = IM_RSVD(VTD_SCTX1) |
                     vtd_tables_unless(s, IM_MASK(VTD_ECAP_RPS),
                                       IM_MASK(VTD_SCTX_RID_PASID)) |
                     vtd_tables_unless(s, IM_MASK(VTD_ECAP_RPRIVS),
                                       IM_MASK(VTD_SCTX_RID_PRIV));

    return (q[0] & zero0) || (q[1] & zero1) || q[2] || q[3];
}

/* Largest PASID that the directory of a context entry reaches. */
static uint32_t vtd_tables_pasid_last(const VtdCtx *ctx)
{
    return (UINT32_C(1) << (ctx->pdts + 13)) - 1;
}

static bool vtd_tables_scalable_context(VtdRoute *r, VtdCtx *ctx)
{
    ImVtd *s = r->s;
    uint64_t table = 0;
    uint64_t q[4];

    if (vtd_tables_scalable_root(r, &table)) {
        return true;
    }
    if (!vtd_tables_read_entry(r, &scalable_context_entry,
                               table + (r->rid & 0x7f) * 32u, q)) {
        return im_vtd_refuse(r, VTD_FLT_SCT_1);
    }
    ctx->fpd = r->fpd = q[0] & IM_MASK(VTD_SCTX_FPD);
    if (!(q[0] & IM_MASK(VTD_SCTX_P))) {
        return im_vtd_refuse(r, VTD_FLT_SCT_2);
    }
    if (vtd_tables_sctx_reserved(s, q)) {
        return im_vtd_refuse(r, VTD_FLT_SCT_3);
    }
    ctx->ats = q[0] & IM_MASK(VTD_SCTX_DTE);
    ctx->paside = q[0] & IM_MASK(VTD_SCTX_PASIDE);
    ctx->pre = q[0] & IM_MASK(VTD_SCTX_PRE);
    ctx->eptr = q[0] & IM_MASK(VTD_SCTX_EPTR);
    ctx->pdts = (uint8_t)IM_GET(q[0], VTD_SCTX_PDTS);
    ctx->dir = q[0] & IM_MASK(VTD_SCTX_PASIDDIRPTR);
    ctx->rid_pasid = (uint32_t)IM_GET(q[1], VTD_SCTX_RID_PASID);
    ctx->rid_priv = q[1] & IM_MASK(VTD_SCTX_RID_PRIV);
    if ((!ctx->ats && ctx->pre) ||
        ctx->rid_pasid > vtd_tables_pasid_last(ctx)) {
        return im_vtd_refuse(r, VTD_FLT_SCT_4);
    }
    return false;
}

/* --- what a context entry says about this request ----------------------- */

static uint32_t vtd_tables_pss_last(const ImVtd *s)
{
    return (uint32_t)((UINT64_C(2) << IM_GET(s->ecap, VTD_ECAP_PSS)) - 1);
}

static bool vtd_tables_context_refuses_pasid(VtdRoute *r, const VtdCtx *ctx)
{
    if (!ctx->paside && r->kind != VTD_TRANSLATED) {
        return im_vtd_refuse(r, VTD_FLT_SCT_6);
    }
    IM_RULE(VTD_4_2_5_PTRS);
    if (!ctx->eptr && r->kind == VTD_TRANSLATED) {
        return im_vtd_refuse(r, VTD_FLT_SCT_10);
    }
    if (r->pasid > vtd_tables_pss_last(r->s) && r->kind != VTD_PAGE_REQUEST) {
        return im_vtd_refuse(r, VTD_FLT_SGN_10);
    }
    if (r->pasid > vtd_tables_pasid_last(ctx)) {
        return im_vtd_refuse(r, VTD_FLT_SCT_7);
    }
    if (r->pasid == ctx->rid_pasid) {
        return im_vtd_refuse(r, VTD_FLT_SCT_9);
    }
    return false;
}

static bool vtd_tables_context_refuses(VtdRoute *r, const VtdCtx *ctx)
{
    bool device_tlb = r->kind == VTD_TRANSLATION || r->kind == VTD_TRANSLATED;

    if (ctx->legacy) {
        return device_tlb && !ctx->ats && im_vtd_refuse(r, VTD_FLT_LCT_5);
    }
    if (ctx->eptr && !ctx->paside &&
        (!r->has_pasid || r->kind >= VTD_TRANSLATED)) {
        return im_vtd_refuse(r, VTD_FLT_SCT_4);
    }
    if (device_tlb && !ctx->ats) {
        return im_vtd_refuse(r, VTD_FLT_SCT_5);
    }
    if (r->kind == VTD_PAGE_REQUEST && !ctx->pre) {
        return im_vtd_refuse(r, VTD_FLT_SCT_8);
    }
    return r->has_pasid && vtd_tables_context_refuses_pasid(r, ctx);
}

/* Where the entry is decoded: where it will be cached, unless explained. */
static VtdCtx *vtd_tables_new_context(VtdRoute *r)
{
    VtdCtx *ctx = r->ex ? &r->ex->ctx : im_pool_room(&r->s->caches->ctxs);

    memset((char *)ctx + sizeof(ctx->slot), 0,
           sizeof(*ctx) - sizeof(ctx->slot));
    ctx->rid = r->rid;
    return ctx;
}

IM_RULE(VTD_6_2_2_NO_FAULTING);
bool im_vtd_context_fault(VtdRoute *r)
{
    ImVtd *s = r->s;
    VtdCtx *ctx = r->ex ? NULL : im_pool_find(&s->caches->ctxs, r->rid);

    if (ctx && ctx->legacy != im_vtd_legacy_mode(s)) {
        /* The mode changed and software has not invalidated yet. */
        im_vtd_inv_all(s);
        ctx = NULL;
    }
    if (ctx) {
        s->counters.context_hits++;
        r->ctx = ctx;
        r->fpd = ctx->fpd;
        return vtd_tables_context_refuses(r, ctx);
    }
    s->counters.context_misses += !r->ex;
    ctx = vtd_tables_new_context(r);
    if (im_vtd_legacy_mode(s) ? vtd_tables_legacy_context(r, ctx) :
                                vtd_tables_scalable_context(r, ctx)) {
        return true;
    }
    if (vtd_tables_context_refuses(r, ctx)) {
        return true;
    }
    r->ctx = r->ex ? ctx : im_pool_put(&s->caches->ctxs, r->rid);
    return false;
}

/* --- PASID directory and table, 9.5 and 9.6 ----------------------------- */

void im_vtd_second_stage_of(const ImVtd *s, ImPtStage *st, uint64_t root,
                            unsigned aw)
{
    uint64_t sslps = IM_GET(s->cap, VTD_CAP_SSLPS);

    *st = (ImPtStage) {
        .fmt = &im_vtd_second_stage,
        .root = root,
        .top = (uint8_t)(aw + 1),
        .out_mask = im_vtd_haw_last(s),
        .in_last = im_vtd_gaw_last(s, aw),
        .flags = (sslps & 1 ? IM_VTD_SS_2M : 0) |
                 (sslps & 2 ? IM_VTD_SS_1G : 0) |
                 (vtd_tables_has(s, IM_MASK(VTD_ECAP_SC)) ? IM_VTD_SS_SC : 0) |
                 (s->root.ssirwe ? IM_VTD_SS_IRWE : 0),
    };
}

static void vtd_tables_legacy_space(const ImVtd *s, const VtdCtx *ctx,
                                    VtdSpace *sp)
{
    sp->pgtt = ctx->pgtt;
    sp->sre = false;
    sp->pgsnp = false;
    im_vtd_second_stage_of(s, &sp->ss, ctx->dir, ctx->aw);
}

IM_RULE(VTD_9_6_AW);
static bool vtd_tables_pasid_reserved(const ImVtd *s, const uint64_t q[8])
{
    bool ssts = vtd_tables_has(s, IM_MASK(VTD_ECAP_SSTS));
    uint64_t zero0 = IM_RSVD(VTD_PTE0) | vtd_tables_beyond_haw(s) |
                     (ssts && vtd_tables_has(s, IM_MASK(VTD_ECAP_SSADS)) ?
                          0 :
                          IM_MASK(VTD_PASID_SSADE)) |
                     (ssts ? 0 : IM_MASK(VTD_PASID_SSPTPTR)) |
                     (ssts || s->cfg.aw_ignored ? 0 : IM_MASK(VTD_PASID_AW));
    uint64_t zero1 =
        IM_RSVD(VTD_PTE1) |
        vtd_tables_unless(s, IM_MASK(VTD_ECAP_SMPWCS),
                          IM_MASK(VTD_PASID_PWSNP)) |
        vtd_tables_unless(s, IM_MASK(VTD_ECAP_SC), IM_MASK(VTD_PASID_PGSNP)) |
        vtd_tables_unless(s, IM_MASK(VTD_ECAP_MTS),
                          IM_MASK(VTD_PASID_CD) | IM_MASK(VTD_PASID_EMTE) |
                              IM_MASK(VTD_PASID_PAT));
    uint64_t zero2 =
        IM_RSVD(VTD_PTE2) | vtd_tables_beyond_haw(s) |
        vtd_tables_unless(s, IM_MASK(VTD_ECAP_SRS), IM_MASK(VTD_PASID_SRE)) |
        vtd_tables_unless(s, IM_MASK(VTD_ECAP_EAFS), IM_MASK(VTD_PASID_EAFE)) |
        vtd_tables_unless(s, IM_MASK(VTD_ECAP_FSTS),
                          IM_MASK(VTD_PASID_FSPM) | IM_MASK(VTD_PASID_WPE) |
                              IM_MASK(VTD_PASID_FSPTPTR));
    uint64_t hpt = IM_MASK(VTD_ECAP_HPTS);

    return (q[0] & zero0) || (q[1] & zero1) || (q[2] & zero2) || q[3] ||
           (q[4] &
            (IM_RSVD(VTD_PTE4) | vtd_tables_unless(s, hpt, UINT64_MAX))) ||
           (q[5] &
            (IM_RSVD(VTD_PTE5) | vtd_tables_unless(s, hpt, UINT64_MAX))) ||
           q[6] || q[7] || IM_GET(q[1], VTD_PASID_DID) > im_vtd_did_last(s);
}

static bool vtd_tables_pgtt_supported(const ImVtd *s, uint64_t pgtt)
{
    switch (pgtt) {
    case VTD_PGTT_FIRST:
        return vtd_tables_has(s, IM_MASK(VTD_ECAP_FSTS));
    case VTD_PGTT_SECOND:
        return vtd_tables_has(s, IM_MASK(VTD_ECAP_SSTS));
    case VTD_PGTT_NESTED:
        return vtd_tables_has(s, IM_MASK(VTD_ECAP_NEST));
    case VTD_PGTT_PASS:
        return vtd_tables_has(s, IM_MASK(VTD_ECAP_PT));
    default:
        return false;
    }
}

IM_RULE(VTD_9_6_IGNORED);
static bool vtd_tables_pasid_misprogrammed(const ImVtd *s, const uint64_t q[8])
{
    uint64_t pgtt = IM_GET(q[0], VTD_PASID_PGTT);
    uint64_t aw = IM_GET(q[0], VTD_PASID_AW);
    bool by_ss = pgtt == VTD_PGTT_SECOND || pgtt == VTD_PGTT_NESTED;
    uint64_t fspm_last = s->cap & IM_MASK(VTD_CAP_FS5LP) ? 1 : 0;

    return !vtd_tables_pgtt_supported(s, pgtt) ||
           (by_ss && !vtd_tables_aw_supported(s, aw)) ||
           IM_GET(q[2], VTD_PASID_FSPM) > fspm_last ||
           (pgtt == VTD_PGTT_NESTED && (q[2] & IM_MASK(VTD_PASID_FSPTPTR)) >
                                           im_vtd_gaw_last(s, (unsigned)aw));
}

IM_RULE(VTD_3_8_1_SSADE);
static void vtd_tables_scalable_space(const ImVtd *s, const uint64_t q[8],
                                      VtdSpace *sp)
{
    bool snooped = vtd_tables_has(s, IM_MASK(VTD_ECAP_SMPWCS)) &&
                   (q[1] & IM_MASK(VTD_PASID_PWSNP));
    bool ssade = q[0] & IM_MASK(VTD_PASID_SSADE);

    sp->pgtt = (uint8_t)IM_GET(q[0], VTD_PASID_PGTT);
    sp->sre = q[2] & IM_MASK(VTD_PASID_SRE);
    sp->pgsnp = q[1] & IM_MASK(VTD_PASID_PGSNP);
    if (sp->pgtt != VTD_PGTT_FIRST) {
        im_vtd_second_stage_of(s, &sp->ss, q[0] & IM_MASK(VTD_PASID_SSPTPTR),
                               (unsigned)IM_GET(q[0], VTD_PASID_AW));
        sp->ss.flags |= ssade ? IM_VTD_SS_AD : 0;
        sp->ss.no_update = !snooped;
    }
    sp->fs = (ImPtStage) {
        .fmt = &im_vtd_first_stage,
        .root = q[2] & IM_MASK(VTD_PASID_FSPTPTR),
        .top = q[2] & IM_MASK(VTD_PASID_FSPM) ? 4 : 3,
        .out_mask = im_vtd_haw_last(s),
        .must = IM_PT_USER,
        .flags = (s->cap & IM_MASK(VTD_CAP_FS1GP) ? IM_VTD_FS_1GP : 0) |
                 (q[2] & IM_MASK(VTD_PASID_EAFE) ? IM_VTD_FS_EAFE : 0) |
                 (q[2] & IM_MASK(VTD_PASID_WPE) ? IM_VTD_FS_WPE : 0),
        .no_update = !snooped,
        .nest_write = sp->pgtt == VTD_PGTT_NESTED && ssade,
    };
}

IM_RULE(VTD_7_1_3_FPD);
static bool vtd_tables_read_pasid_entry(VtdRoute *r, uint64_t q[8])
{
    ImVtd *s = r->s;
    uint64_t dir;

    if (!vtd_tables_read_entry(r, &pasid_directory_entry,
                               r->ctx->dir + (r->pasid >> 6) * 8u, &dir)) {
        return im_vtd_refuse(r, VTD_FLT_SPD_1);
    }
    r->fpd |= !!(dir & IM_MASK(VTD_PDIR_FPD));
    if (!(dir & IM_MASK(VTD_PDIR_P))) {
        return im_vtd_refuse(r, VTD_FLT_SPD_2);
    }
    if (dir & (IM_RSVD(VTD_PDIR) | vtd_tables_beyond_haw(s))) {
        return im_vtd_refuse(r, VTD_FLT_SPD_3);
    }
    if (!vtd_tables_read_entry(
            r, &pasid_table_entry,
            (dir & IM_MASK(VTD_PDIR_SMPTBLPTR)) + (r->pasid & 63) * 64u, q)) {
        return im_vtd_refuse(r, VTD_FLT_SPT_1);
    }
    r->fpd |= !!(q[0] & IM_MASK(VTD_PASID_FPD));
    if (!(q[0] & IM_MASK(VTD_PASID_P))) {
        return im_vtd_refuse(r, VTD_FLT_SPT_2);
    }
    if (vtd_tables_pasid_reserved(s, q)) {
        return im_vtd_refuse(r, VTD_FLT_SPT_3);
    }
    if (vtd_tables_pasid_misprogrammed(s, q)) {
        return im_vtd_refuse(r, VTD_FLT_SPT_4);
    }
    return false;
}

/* What a PASID entry with this SRE says about this request. */
IM_RULE(VTD_4_2_3_PRIV);
static bool vtd_tables_pasid_refuses(VtdRoute *r, bool sre, bool rid_priv)
{
    if (r->kind == VTD_PAGE_REQUEST) {
        return false;
    }
    if (r->has_pasid && r->txn->exec) {
        return im_vtd_refuse(r, VTD_FLT_SPT_5);
    }
    IM_RULE(VTD_9_4_RID_PRIV);
    r->priv = r->has_pasid ? r->txn->priv : rid_priv;
    return r->priv && !sre && im_vtd_refuse(r, VTD_FLT_SPT_6);
}

IM_RULE(VTD_3_4_RID_PASID);
IM_RULE(VTD_6_2_3_NO_FAULTING);
bool im_vtd_pasid_fault(VtdRoute *r)
{
    ImVtd *s = r->s;
    const VtdCtx *ctx = r->ctx;
    uint64_t key = im_vtd_space_key(r->rid, r->has_pasid, r->pasid);
    uint16_t did = ctx->did;
    uint64_t q[8];

    r->sp = r->ex ? NULL : im_vtd_space_get(s->caches, key);
    if (r->sp) {
        s->counters.pasid_hits += !ctx->legacy;
        r->pasid = r->sp->pasid;
        r->fpd = r->sp->fpd;
        return vtd_tables_pasid_refuses(r, r->sp->sre, ctx->rid_priv);
    }
    if (!ctx->legacy) {
        s->counters.pasid_misses += !r->ex;
        r->pasid = r->has_pasid ? r->pasid : ctx->rid_pasid;
        if (vtd_tables_read_pasid_entry(r, q) ||
            vtd_tables_pasid_refuses(r, q[2] & IM_MASK(VTD_PASID_SRE),
                                     ctx->rid_priv)) {
            return true;
        }
        did = (uint16_t)IM_GET(q[1], VTD_PASID_DID);
    }
    r->sp = r->ex ?
                &r->ex->space :
                im_vtd_space_put(s->caches, key, did, r->pasid, (VtdCtx *)ctx);
    r->sp->rid = r->rid;
    r->sp->did = did;
    r->sp->legacy = ctx->legacy;
    r->sp->fpd = r->fpd;
    r->sp->ats = ctx->ats;
    r->sp->rid_priv = ctx->rid_priv;
    if (ctx->legacy) {
        vtd_tables_legacy_space(s, ctx, r->sp);
    } else {
        vtd_tables_scalable_space(s, q, r->sp);
    }
    return false;
}
