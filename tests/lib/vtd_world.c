/*
 * Whole table trees for one requester, built as software would.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/vtd_build.h"

#define ADDR_MASK   UINT64_C(0x000ffffffffff000)

bool world_scalable(const World *w)
{
    return w->kind >= W_FS;
}

/* 9.3 and 9.6: AW is 001 for three levels, 010 for four, 011 for five */
static unsigned aw_code(unsigned levels)
{
    return levels - 2;
}

static unsigned index_of(uint64_t va, unsigned level)
{
    return (unsigned)(va >> (12 + 9 * (level - 1)) & 0x1ff);
}

/* --- page tables -------------------------------------------------------- */

uint64_t world_table(World *w)
{
    uint64_t t = rig_alloc(w->r, 1, RIG_TABLE);

    if (w->kind == W_NESTED) {
        world_ss_map(w, t + w->bias, t, 12, SS_RW);
    }
    return t;
}

uint64_t world_fs_entry(World *w, uint64_t va, unsigned level)
{
    uint64_t table = w->fs;

    for (unsigned l = w->fs_levels; l > level; l--) {
        uint64_t e = rig_r64(w->r, table + 8 * index_of(va, l));

        g_assert_true(e & FS_P);
        table = (e & ADDR_MASK) - w->bias;
    }
    return table + 8 * index_of(va, level);
}

void world_fs_map(World *w, uint64_t va, uint64_t pa, unsigned lg2,
                  uint64_t flags)
{
    unsigned leaf = (lg2 - 12) / 9 + 1;
    uint64_t table = w->fs;

    for (unsigned l = w->fs_levels; l > leaf; l--) {
        uint64_t at = table + 8 * index_of(va, l);
        uint64_t e = rig_r64(w->r, at);

        if (!(e & FS_P)) {
            e = (world_table(w) + w->bias) | FS_RWU;
            rig_w64(w->r, at, e);
        }
        table = (e & ADDR_MASK) - w->bias;
    }
    rig_w64(w->r, table + 8 * index_of(va, leaf),
            pa | flags | (leaf > 1 ? FS_PS : 0));
}

uint64_t world_ss_entry(World *w, uint64_t ipa, unsigned level)
{
    uint64_t table = w->ss;

    for (unsigned l = w->ss_levels; l > level; l--) {
        uint64_t e = rig_r64(w->r, table + 8 * index_of(ipa, l));

        g_assert_true(e & SS_RW);
        table = e & ADDR_MASK;
    }
    return table + 8 * index_of(ipa, level);
}

void world_ss_map(World *w, uint64_t ipa, uint64_t pa, unsigned lg2,
                  uint64_t flags)
{
    unsigned leaf = (lg2 - 12) / 9 + 1;
    uint64_t table = w->ss;

    for (unsigned l = w->ss_levels; l > leaf; l--) {
        uint64_t at = table + 8 * index_of(ipa, l);
        uint64_t e = rig_r64(w->r, at);

        if (!(e & SS_RW)) {
            e = rig_alloc(w->r, 1, RIG_TABLE) | SS_RW;
            rig_w64(w->r, at, e);
        }
        table = e & ADDR_MASK;
    }
    rig_w64(w->r, table + 8 * index_of(ipa, leaf),
            pa | flags | (leaf > 1 ? SS_PS : 0));
}

void world_map(World *w, uint64_t iova, uint64_t hpa)
{
    switch (w->kind) {
    case W_FS:
        world_fs_map(w, iova, hpa, 12, FS_RWU);
        break;
    case W_NESTED:
        world_fs_map(w, iova, hpa + w->bias, 12, FS_RWU);
        world_ss_map(w, hpa + w->bias, hpa, 12, SS_RW);
        break;
    case W_LEGACY:
    case W_LEGACY_NO_ATS:
    case W_SS:
        world_ss_map(w, iova, hpa, 12, SS_RW);
        break;
    default:
        break;
    }
}

uint64_t world_leaf(World *w, uint64_t iova)
{
    return w->kind == W_FS || w->kind == W_NESTED ? world_fs_entry(w, iova, 1) :
                                                    world_ss_entry(w, iova, 1);
}

/* --- root, context, PASID ----------------------------------------------- */

/* 9.1, 9.3: 256 entries of 16 bytes */
static uint64_t legacy_context(World *w, uint16_t rid)
{
    uint64_t re = w->root + 16 * (rid >> 8);
    uint64_t table;

    if (!rig_get(w->r, re, ROOT_P)) {
        rig_put(w->r, re, ROOT_CTP, rig_alloc(w->r, 1, RIG_READ) >> 12);
        rig_put(w->r, re, ROOT_P, 1);
    }
    w->root_entry = re;
    table = rig_r64(w->r, re) & ADDR_MASK;
    return table + 16 * (rid & 0xff);
}

static void legacy_context_fill(World *w, uint64_t ce)
{
    unsigned tt = w->kind == W_LEGACY ? 1 : w->kind == W_LEGACY_PT ? 2 : 0;

    rig_put(w->r, ce, CTX_TT, tt);
    rig_put(w->r, ce, CTX_SSPTPTR, w->ss >> 12);
    rig_put(w->r, ce, CTX_AW, aw_code(w->ss_levels));
    rig_put(w->r, ce, CTX_DID, w->did);
    rig_put(w->r, ce, CTX_P, 1);
}

/* 9.2, 9.4: two tables per bus, 128 entries of 32 bytes each */
static uint64_t scalable_context(World *w, uint16_t rid)
{
    uint64_t re = w->root + 16 * (rid >> 8) + (rid & 0x80 ? 8 : 0);
    uint64_t table;

    if (!rig_get(w->r, re, ROOT_P)) {
        rig_put(w->r, re, ROOT_CTP, rig_alloc(w->r, 1, RIG_READ) >> 12);
        rig_put(w->r, re, ROOT_P, 1);
    }
    w->root_entry = re;
    table = rig_r64(w->r, re) & ADDR_MASK;
    return table + 32 * (rid & 0x7f);
}

static void scalable_context_fill(World *w, uint64_t sce)
{
    rig_put(w->r, sce, SCTX_DTE, w->r->cfg.device_tlb);
    rig_put(w->r, sce, SCTX_PASIDE, w->r->cfg.pasid_bits > 0);
    rig_put(w->r, sce, SCTX_PRE, w->r->cfg.page_request);
    rig_put(w->r, sce, SCTX_PDTS, 7);       /* 2^20 PASIDs */
    rig_put(w->r, sce, SCTX_PASIDDIR, w->dir >> 12);
    rig_put(w->r, sce, SCTX_RID_PASID, w->rid_pasid);
    rig_put(w->r, sce, CTX_P, 1);
}

uint64_t world_context(World *w, uint16_t rid)
{
    uint64_t keep = w->root_entry;
    uint64_t ce;

    if (world_scalable(w)) {
        ce = scalable_context(w, rid);
        scalable_context_fill(w, ce);
    } else {
        ce = legacy_context(w, rid);
        legacy_context_fill(w, ce);
    }
    if (keep) {
        w->root_entry = keep;
    }
    return ce;
}

/* 9.5, 9.6 */
static uint64_t pasid_slot(World *w, uint32_t pasid)
{
    uint64_t de = w->dir + 8 * (pasid >> 6);

    if (!rig_get(w->r, de, DIR_P)) {
        rig_put(w->r, de, DIR_SMPTBLPTR, rig_alloc(w->r, 1, RIG_READ) >> 12);
        rig_put(w->r, de, DIR_P, 1);
    }
    return (rig_r64(w->r, de) & ADDR_MASK) + 64 * (pasid & 63);
}

static void pasid_fill(World *w, uint64_t pe, uint16_t did)
{
    Rig *r = w->r;
    bool fs = w->kind == W_FS || w->kind == W_NESTED;
    bool ss = w->kind == W_SS || w->kind == W_NESTED;
    unsigned pgtt = w->kind == W_FS     ? 1 :
                    w->kind == W_SS     ? 2 :
                    w->kind == W_NESTED ? 3 :
                                          4;

    rig_put(r, pe, PE_PGTT, pgtt);
    rig_put(r, pe, PE_DID, did);
    rig_put(r, pe, PE_PWSNP, r->cfg.page_walk_coherency);
    if (ss) {
        rig_put(r, pe, PE_AW, aw_code(w->ss_levels));
        rig_put(r, pe, PE_SSPTPTR, w->ss >> 12);
    }
    if (fs) {
        rig_put(r, pe, PE_FSPM, w->fs_levels == 5);
        rig_put(r, pe, PE_FSPTPTR, (w->fs + w->bias) >> 12);
    }
    rig_put(r, pe, PE_P, 1);
}

uint64_t world_pasid_entry(World *w, uint16_t rid, uint32_t pasid, uint16_t did)
{
    uint64_t pe = pasid_slot(w, pasid);

    (void)rid;      /* one directory serves every requester of a world */
    pasid_fill(w, pe, did);
    return pe;
}

/* --- worlds ------------------------------------------------------------- */

static void world_tables(World *w)
{
    Rig *r = w->r;

    if (w->kind != W_FS && w->kind != W_PT) {
        w->ss = rig_alloc(r, 1, RIG_TABLE);
    }
    if (w->kind == W_NESTED) {
        w->bias = UINT64_C(1) << 37;
    }
    if (w->kind == W_FS || w->kind == W_NESTED) {
        w->fs = world_table(w);
    }
    world_map(w, w->iova, w->hpa);
    w->root = rig_alloc(r, 1, RIG_READ);
    if (world_scalable(w)) {
        w->dir = rig_alloc(r, 32, RIG_READ);    /* 2^14 entries */
        w->pe = world_pasid_entry(w, w->rid, w->pasid, w->did);
        w->dir_entry = w->dir + 8 * (w->pasid >> 6);
    }
    w->ctx = world_context(w, w->rid);
}

World *world_new_off(const ImVtdConfig *cfg, WorldKind kind, bool has_pasid)
{
    return world_in(rig_vtd_new(cfg), kind, has_pasid);
}

World *world_in(Rig *r, WorldKind kind, bool has_pasid)
{
    World *w = g_new0(World, 1);

    w->r = r;
    w->kind = kind;
    w->rid = 0x3ab1;            /* bus 3a, device and function above 7f */
    w->did = 0x17;
    w->has_pasid = has_pasid;
    w->rid_pasid = r->cfg.rid_pasid ? 0x45 : 0;
    w->pasid = has_pasid ? 0x321 : w->rid_pasid;
    w->fs_levels = 4;
    w->ss_levels = r->cfg.aw_bits == 39 ? 3 : r->cfg.aw_bits == 57 ? 5 : 4;
    w->iova = UINT64_C(0x7654321000);
    w->hpa = UINT64_C(0x123456000);
    if (w->ss_levels == 3) {
        w->iova &= (UINT64_C(1) << 38) - 1;
    }
    if (kind == W_PT || kind == W_LEGACY_PT) {
        w->iova = w->hpa;
    }
    w->gpa = w->hpa + (kind == W_NESTED ? UINT64_C(1) << 37 : 0);
    world_tables(w);
    vb_fault_event(r, 0x4f);
    vb_iq_enable(r, r->cfg.scalable);
    if (r->cfg.page_request) {
        vb_prq_enable(r, 0);
    }
    return w;
}

void world_on(World *w)
{
    uint64_t ttm = world_scalable(w) ? TTM_SCALABLE : TTM_LEGACY;

    vb_set_root(w->r, w->root, w->ttm_set ? w->ttm : ttm);
    vb_gcmd(w->r, GCMD_TE, true);
    g_assert_cmphex(rig_reg32(w->r, REG_GSTS) & GSTS_TES, ==, GSTS_TES);
}

World *world_new(const ImVtdConfig *cfg, WorldKind kind, bool has_pasid)
{
    World *w = world_new_off(cfg, kind, has_pasid);

    world_on(w);
    return w;
}

void world_free(World *w)
{
    rig_assert_consistent(w->r);
    rig_free(w->r);
    g_free(w);
}

ImTxn world_txn(const World *w, ImAt at, ImAccess access)
{
    return (ImTxn) {
        .addr = at == IM_AT_TRANSLATED ? w->hpa : w->iova,
        .len = access == IM_ATOMIC || at == IM_AT_TRANSLATION ? 8 : 64,
        .rid = w->rid,
        .pasid = w->has_pasid ? w->pasid : 0,
        .has_pasid = w->has_pasid,
        .at = (uint8_t)at,
        .access = (uint8_t)access,
    };
}

ImXlat world_dma(World *w, ImAccess access, uint64_t addr)
{
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, access);

    t.addr = addr;
    return im_vtd_translate(w->r->vtd, &t);
}

ImPageReq world_page_req(const World *w)
{
    return (ImPageReq) {
        .addr = w->iova,
        .rid = w->rid,
        .pasid = w->has_pasid ? w->pasid : 0,
        .has_pasid = w->has_pasid,
        .prgi = 0x155,
        .read = true,
        .write = true,
        .last = true,
    };
}
