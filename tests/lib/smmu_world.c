/*
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_world.h"

#define SPLIT   8

bool sw_s1(const SWorld *w)
{
    return w->kind == SW_S1 || w->kind == SW_NESTED;
}

bool sw_s2(const SWorld *w)
{
    return w->kind == SW_S2 || w->kind == SW_NESTED;
}

/* --- tables ------------------------------------------------------------- */

uint64_t sw_table(SWorld *w, uint64_t bytes)
{
    unsigned pages = (unsigned)((bytes + 4095) / 4096);
    uint64_t pa = rig_alloc(w->r, pages, RIG_TABLE);

    if (w->kind == SW_NESTED) {
        uint64_t g = UINT64_C(1) << w->shape.g2;

        for (uint64_t at = pa / g * g; at < pa + 4096 * pages; at += g) {
            sw_s2_map(w, at + w->bias, at, w->shape.g2, SB_S2);
        }
    }
    return pa;
}

static uint64_t s2_table(SWorld *w)
{
    return rig_alloc(w->r, 1u << (w->shape.g2 - 12), RIG_TABLE);
}

void sw_s2_map(SWorld *w, uint64_t ipa, uint64_t pa, unsigned lg2,
               uint64_t flags)
{
    unsigned g = w->shape.g2;
    unsigned leaf = 3 - (lg2 - g) / (g - 3);
    uint64_t table = w->s2;

    for (unsigned l = w->start2; l < leaf; l++) {
        uint64_t at = table + 8 * sb_index(g, w->bits2, w->start2, l, ipa);
        uint64_t d = rig_r64(w->r, at);

        if (!(d & D_V)) {
            d = sb_addr_desc(g, s2_table(w)) | D_TABLE | D_V;
            rig_w64(w->r, at, d);
        }
        table = sb_desc_addr(g, d);
    }
    rig_w64(w->r, table + 8 * sb_index(g, w->bits2, w->start2, leaf, ipa),
            sb_addr_desc(g, pa) | flags | D_V | (leaf == 3 ? D_TABLE : 0));
}

uint64_t sw_s2_desc(SWorld *w, uint64_t ipa, unsigned level)
{
    unsigned g = w->shape.g2;
    uint64_t table = w->s2;

    for (unsigned l = w->start2; l < level; l++) {
        uint64_t d =
            rig_r64(w->r, table + 8 * sb_index(g, w->bits2, w->start2, l, ipa));

        g_assert_cmphex(d & 3, ==, 3);
        table = sb_desc_addr(g, d);
    }
    return table + 8 * sb_index(g, w->bits2, w->start2, level, ipa);
}

void sw_s1_map(SWorld *w, uint64_t va, uint64_t out, unsigned lg2,
               uint64_t flags)
{
    unsigned g = w->shape.g1;
    unsigned leaf = 3 - (lg2 - g) / (g - 3);
    uint64_t table = w->s1;

    for (unsigned l = w->start1; l < leaf; l++) {
        uint64_t at = table + 8 * sb_index(g, w->bits1, w->start1, l, va);
        uint64_t d = rig_r64(w->r, at);

        if (!(d & D_V)) {
            d = sw_table(w, UINT64_C(1) << g) + w->bias;
            d = sb_addr_desc(g, d) | D_TABLE | D_V;
            rig_w64(w->r, at, d);
        }
        table = sb_desc_addr(g, d) - w->bias;
    }
    rig_w64(w->r, table + 8 * sb_index(g, w->bits1, w->start1, leaf, va),
            sb_addr_desc(g, out) | flags | D_V | (leaf == 3 ? D_TABLE : 0));
}

uint64_t sw_s1_desc(SWorld *w, uint64_t va, unsigned level)
{
    unsigned g = w->shape.g1;
    uint64_t table = w->s1;

    for (unsigned l = w->start1; l < level; l++) {
        uint64_t d =
            rig_r64(w->r, table + 8 * sb_index(g, w->bits1, w->start1, l, va));

        g_assert_cmphex(d & 3, ==, 3);
        table = sb_desc_addr(g, d) - w->bias;
    }
    return table + 8 * sb_index(g, w->bits1, w->start1, level, va);
}

void sw_map(SWorld *w, uint64_t iova, uint64_t pa)
{
    unsigned lg2 = w->shape.g1;

    switch (w->kind) {
    case SW_S1:
        sw_s1_map(w, iova, pa, lg2, SB_S1);
        break;
    case SW_NESTED:
        sw_s1_map(w, iova, pa + w->bias, lg2, SB_S1);
        for (uint64_t o = 0; o < UINT64_C(1) << lg2;
             o += UINT64_C(1) << w->shape.g2) {
            uint64_t at = (pa + o) >> w->shape.g2 << w->shape.g2;

            sw_s2_map(w, at + w->bias, at, w->shape.g2, SB_S2);
        }
        break;
    case SW_S2:
        sw_s2_map(w, iova, pa, w->shape.g2, SB_S2);
        break;
    default:
        break;
    }
}

uint64_t sw_leaf(SWorld *w, uint64_t iova)
{
    return sw_s1(w) ? sw_s1_desc(w, iova, 3) : sw_s2_desc(w, iova, 3);
}

/* --- context descriptors ------------------------------------------------ */

static void sw_set_ttb(SWorld *w, uint64_t cd, uint64_t root)
{
    if (w->shape.high) {
        rig_put(w->r, cd, CD_TTB1, (root + w->bias) >> 4);
    } else {
        rig_put(w->r, cd, CD_TTB0, (root + w->bias) >> 4);
    }
}

void sw_fill_cd(SWorld *w, uint64_t cd, uint16_t asid)
{
    Rig *r = w->r;
    bool high = w->shape.high;

    rig_put(r, cd, CD_T0SZ, 64 - w->bits1);
    rig_put(r, cd, CD_TG0, sb_tg0(w->shape.g1));
    rig_put(r, cd, CD_EPD0, high);
    rig_put(r, cd, CD_T1SZ, 64 - w->bits1);
    rig_put(r, cd, CD_TG1, sb_tg1(w->shape.g1));
    rig_put(r, cd, CD_EPD1, !high);
    rig_put(r, cd, CD_IPS, sb_ps(r->smmu_cfg.oas));
    rig_put(r, cd, CD_AA64, 1);
    rig_put(r, cd, CD_R, 1);
    rig_put(r, cd, CD_A, 1);
    rig_put(r, cd, CD_S, r->smmu_cfg.stall_model == 2);
    rig_put(r, cd, CD_ASET, 1);
    rig_put(r, cd, CD_ASID, asid);
    rig_put(r, cd, CD_MAIR, UINT64_C(0x00000000000444ff));
    sw_set_ttb(w, cd, w->s1);
    rig_put(r, cd, CD_V, 1);
}

uint64_t sw_cd_at(SWorld *w, uint32_t ssid)
{
    unsigned leaf = w->shape.s1fmt == 1 ? 6 : 10;
    uint64_t l1;

    if (!w->has_ssid || w->shape.s1fmt == 0) {
        return w->cdtab + 64 * (uint64_t)ssid;
    }
    l1 = w->cdtab + 8 * (uint64_t)(ssid >> leaf);
    if (!rig_get(w->r, l1, L1CD_V)) {
        uint64_t t = sw_table(w, UINT64_C(64) << leaf);

        rig_put(w->r, l1, L1CD_L2PTR, (t + w->bias) >> 12);
        rig_put(w->r, l1, L1CD_V, 1);
    }
    return (rig_get(w->r, l1, L1CD_L2PTR) << 12) - w->bias +
           64 * (uint64_t)(ssid & ((1u << leaf) - 1));
}

uint64_t sw_substream(SWorld *w, uint32_t ssid, uint16_t asid, uint64_t pa)
{
    uint64_t cd = sw_cd_at(w, ssid);
    uint64_t keep = w->s1;

    w->s1 = sw_table(w,
                     MAX(4096, sb_root_size(w->shape.g1, w->bits1, w->start1)));
    sw_fill_cd(w, cd, asid);
    sw_map(w, w->iova, pa);
    w->s1 = keep;
    return cd;
}

static void make_s1(SWorld *w)
{
    unsigned leaf = w->shape.s1fmt == 1 ? 6 : 10;
    uint64_t bytes = 64;

    if (w->has_ssid) {
        bytes = w->shape.s1fmt == 0 ? UINT64_C(64) << w->shape.s1cdmax :
                w->shape.s1cdmax > leaf ?
                                      UINT64_C(8) << (w->shape.s1cdmax - leaf) :
                                      8;
    }
    w->cdtab = sw_table(w, bytes);
    w->start1 = sb_start_level(w->shape.g1, w->bits1);
    w->s1 = sw_table(w,
                     MAX(4096, sb_root_size(w->shape.g1, w->bits1, w->start1)));
    w->cd = sw_cd_at(w, w->has_ssid ? w->ssid : 0);
    sw_fill_cd(w, w->cd, w->asid);
}

static void make_s2(SWorld *w)
{
    uint64_t size;

    w->start2 = sb_start_level(w->shape.g2, w->bits2) + w->shape.concat;
    size = MAX(4096, sb_root_size(w->shape.g2, w->bits2, w->start2));
    w->s2 = rig_alloc(w->r, (unsigned)(size / 4096), RIG_TABLE);
}

/* --- stream table ------------------------------------------------------- */

void sw_fill_ste(SWorld *w, uint64_t ste)
{
    Rig *r = w->r;
    unsigned config = w->kind == SW_S1     ? CONFIG_S1 :
                      w->kind == SW_S2     ? CONFIG_S2 :
                      w->kind == SW_NESTED ? CONFIG_NESTED :
                                             CONFIG_BYPASS;

    rig_put(r, ste, STE_CONFIG, config);
    rig_put(r, ste, STE_SHCFG, 1);
    rig_put(r, ste, STE_EATS,
            r->smmu_cfg.ats && config != CONFIG_BYPASS &&
                r->smmu_cfg.stall_model != 2);
    if (r->smmu_cfg.stage2) {
        rig_put(r, ste, STE_S2VMID, w->vmid);
    }
    if (sw_s1(w)) {
        rig_put(r, ste, STE_S1CTXPTR, (w->cdtab + w->bias) >> 6);
        rig_put(r, ste, STE_S1FMT, w->has_ssid ? w->shape.s1fmt : 0);
        rig_put(r, ste, STE_S1CDMAX, w->has_ssid ? w->shape.s1cdmax : 0);
        rig_put(r, ste, STE_S1DSS, 0);
    }
    if (sw_s2(w)) {
        unsigned sl0 = w->shape.g2 == 12 ? 2 - w->start2 : 3 - w->start2;

        rig_put(r, ste, STE_S2T0SZ, 64 - w->bits2);
        rig_put(r, ste, STE_S2SL0, sl0 & 3);
        rig_put(r, ste, STE_S2TG, sb_tg0(w->shape.g2));
        rig_put(r, ste, STE_S2PS, sb_ps(r->smmu_cfg.oas));
        rig_put(r, ste, STE_S2AA64, 1);
        rig_put(r, ste, STE_S2S, r->smmu_cfg.stall_model == 2);
        rig_put(r, ste, STE_S2R, 1);
        rig_put(r, ste, STE_S2TTB, w->s2 >> 4);
    }
    rig_put(r, ste, STE_V, 1);
}

static uint64_t ste_slot(SWorld *w, uint32_t sid)
{
    uint64_t l1;

    if (w->shape.linear) {
        return w->strtab + 64 * (uint64_t)sid;
    }
    l1 = w->strtab + 8 * (uint64_t)(sid >> SPLIT);
    if (!rig_get(w->r, l1, L1STD_SPAN)) {
        uint64_t t = rig_alloc(w->r, (64 << SPLIT) / 4096, RIG_READ);

        rig_put(w->r, l1, L1STD_L2PTR, t >> 6);
        rig_put(w->r, l1, L1STD_SPAN, SPLIT + 1);
    }
    return (rig_get(w->r, l1, L1STD_L2PTR) << 6) +
           64 * (uint64_t)(sid & ((1u << SPLIT) - 1));
}

uint64_t sw_stream(SWorld *w, uint32_t sid)
{
    uint64_t ste = ste_slot(w, sid);

    sw_fill_ste(w, ste);
    return ste;
}

static void make_stream_table(SWorld *w)
{
    uint64_t bytes = w->shape.linear ? UINT64_C(64) << w->log2size :
                                       UINT64_C(8) << (w->log2size - SPLIT);

    w->strtab = rig_alloc(w->r, (unsigned)MAX(1, bytes / 4096), RIG_READ);
    w->ste = sw_stream(w, w->sid);
    w->l1std = w->shape.linear ? 0 : w->strtab + 8 * (w->sid >> SPLIT);
}

/* --- worlds ------------------------------------------------------------- */

static void set_shape(SWorld *w, const SwShape *shape)
{
    SwShape s = shape ? *shape : (SwShape) { 0 };

    s.g1 = s.g1 ? s.g1 : 12;
    s.g2 = s.g2 ? s.g2 : 12;
    s.s1cdmax = s.s1cdmax ? s.s1cdmax : 8;
    s.ssid = s.ssid ? s.ssid : 0x91;
    w->bits1 = s.bits1 ? s.bits1 : 48;
    w->bits2 = s.bits2                 ? s.bits2 :
               w->r->smmu_cfg.oas > 48 ? 48 :
                                         w->r->smmu_cfg.oas;
    if (s.g2 == 14 && w->bits2 == 48 && !s.concat) {
        s.concat = 1;           /* level 0 has no 16 KiB table in stage 2 */
    }
    w->shape = s;
}

SWorld *sw_new_off(const ImSmmuConfig *cfg, SwKind kind, bool has_ssid,
                   const SwShape *shape)
{
    return sw_in(rig_smmu_new(cfg), kind, has_ssid, shape);
}

SWorld *sw_in(Rig *r, SwKind kind, bool has_ssid, const SwShape *shape)
{
    SWorld *w = g_new0(SWorld, 1);

    w->r = r;
    w->kind = kind;
    set_shape(w, shape);
    w->sid = 0x3ab1 & ((1u << MIN(r->smmu_cfg.sid_bits, 16)) - 1);
    w->ssid = w->shape.ssid;
    w->has_ssid = has_ssid;
    w->asid = r->smmu_cfg.asid16 ? 0x123 : 0x23;
    w->vmid = r->smmu_cfg.vmid16 ? 0x445 : 0x45;
    w->log2size = MIN(r->smmu_cfg.sid_bits, 16);
    w->iova = UINT64_C(0x7654320000) & ((UINT64_C(1) << w->bits1) - 1);
    w->pa = UINT64_C(0x123450000);
    if (w->shape.high) {
        w->iova |= UINT64_MAX << w->bits1;
    }
    if (kind == SW_S2) {
        w->iova &= (UINT64_C(1) << w->bits2) - 1;
    }
    if (sw_s2(w)) {
        make_s2(w);
    }
    if (kind == SW_NESTED) {
        w->bias = UINT64_C(1) << MIN(40, w->bits2 - 1);
    }
    if (kind == SW_BYPASS) {
        w->iova = w->pa;
    }
    w->ipa = kind == SW_S2 ? w->iova : w->pa + w->bias;
    if (sw_s1(w)) {
        make_s1(w);
    }
    sw_map(w, w->iova, w->pa);
    make_stream_table(w);
    w->cr2 = CR2_RECINVSID;
    return w;
}

/* As a driver does: tables, command queue, events, page requests, then on. */
void sw_on(SWorld *w)
{
    Rig *r = w->r;

    rig_set32(r, SR_CR0, 0);
    rig_set32(r, SR_CR1,
              0x1 | 0x1 << 2 | 0x3 << 4 | 0x1 << 6 | 0x1 << 8 | 0x3 << 10);
    rig_set32(r, SR_CR2, w->cr2);
    rig_set64(r, SR_STRTAB_BASE, w->strtab | UINT64_C(1) << 62);
    rig_set32(r, SR_STRTAB_BASE_CFG,
              w->log2size | (w->shape.linear ? 0 : SPLIT << 6 | 1 << 16));
    sb_cmdq_enable(r, MIN(8, r->smmu_cfg.cmdq_bits));
    sb_do(r, cmd_cfgi_all());
    sb_do(r, cmd_op(OP_NSNH_ALL));
    sb_evtq_enable(r, MIN(7, r->smmu_cfg.evtq_bits));
    if (r->smmu_cfg.pri) {
        sb_priq_enable(r, MIN(8, r->smmu_cfg.priq_bits));
    }
    sb_irq_enable(r, IRQ_GERROR | IRQ_EVTQ | (r->smmu_cfg.pri ? IRQ_PRIQ : 0));
    sb_cr0(r, w->cr0 | CR0_SMMUEN, true);
}

SWorld *sw_new(const ImSmmuConfig *cfg, SwKind kind, bool has_ssid)
{
    SWorld *w = sw_new_off(cfg, kind, has_ssid, NULL);

    sw_on(w);
    return w;
}

void sw_free(SWorld *w)
{
    rig_assert_consistent(w->r);
    rig_free(w->r);
    g_free(w);
}

/* --- requests ----------------------------------------------------------- */

ImTxn sw_txn(const SWorld *w, ImAt at, ImAccess access)
{
    return (ImTxn) {
        .addr = at == IM_AT_TRANSLATED ? w->pa : w->iova,
        .len = access == IM_ATOMIC || at == IM_AT_TRANSLATION ? 8 : 64,
        .rid = (uint16_t)w->sid,
        .segment = (uint16_t)(w->sid >> 16),
        .pasid = w->has_ssid ? w->ssid : 0,
        .has_pasid = w->has_ssid,
        .at = (uint8_t)at,
        .access = (uint8_t)access,
    };
}

ImXlat sw_run(SWorld *w, const ImTxn *t)
{
    return im_smmu_translate(w->r->smmu, t);
}

ImXlat sw_dma(SWorld *w, ImAccess access, uint64_t addr)
{
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, access);

    t.addr = addr;
    return sw_run(w, &t);
}

ImPageReq sw_page_req(const SWorld *w)
{
    return (ImPageReq) {
        .addr = w->iova,
        .rid = (uint16_t)w->sid,
        .segment = (uint16_t)(w->sid >> 16),
        .pasid = w->has_ssid ? w->ssid : 0,
        .has_pasid = w->has_ssid,
        .prgi = 0x155,
        .read = true,
        .write = true,
        .last = true,
    };
}

/* --- answers ------------------------------------------------------------ */

void sx_is_abort(const ImXlat *x, unsigned code)
{
    g_assert_cmpuint(x->status, ==, IM_FAULT);
    g_assert_cmphex(x->fault, ==, code);
    g_assert_cmpuint(x->cpl, !=, IM_CPL_SC);
    g_assert_cmpuint(x->perm, ==, 0);
}

void sx_is_raz_wi(const ImXlat *x, unsigned code)
{
    g_assert_cmpuint(x->status, ==, IM_FAULT);
    g_assert_cmphex(x->fault, ==, code);
    g_assert_cmpuint(x->cpl, ==, IM_CPL_SC);
    g_assert_cmpuint(x->perm, ==, 0);
}

void sx_is_nothing(const ImXlat *x)
{
    g_assert_cmpuint(x->status, ==, IM_OK);
    g_assert_cmpuint(x->cpl, ==, IM_CPL_SC);
    g_assert_cmpuint(x->perm, ==, 0);
    g_assert_false(x->untranslated_only);
}

void sx_is_cpl(const ImXlat *x, ImCpl cpl)
{
    g_assert_cmpuint(x->status, ==, IM_FAULT);
    g_assert_cmpuint(x->cpl, ==, cpl);
    g_assert_cmpuint(x->perm, ==, 0);
}

Evt sw_only_event(SWorld *w, unsigned code)
{
    Evt e = { .code = 0 };

    g_assert_cmpuint(sb_events(w->r), ==, 1);
    if (sb_events(w->r)) {
        e = sb_event(w->r, 0);
    }
    g_assert_cmphex(e.code, ==, code);
    sb_events_clear(w->r);
    return e;
}

void sw_no_event(SWorld *w)
{
    g_assert_cmpuint(sb_events(w->r), ==, 0);
    sb_events_clear(w->r);
}
