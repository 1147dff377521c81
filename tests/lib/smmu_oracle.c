/*
 * The configuration side of the oracle: stream table, STE, CD, substreams.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/smmu_oracle_int.h"

/* --- context descriptor, 5.4.2 and 3.4.3 -------------------------------- */

static bool granule_known(Walk *k, unsigned g)
{
    return (g == 12 && k->c->gran4k) || (g == 14 && k->c->gran16k) ||
           (g == 16 && k->c->gran64k);
}

static bool txsz_bad(Walk *k, unsigned txsz, unsigned g)
{
    unsigned max = !k->c->stt ? 39 : g == 16 ? 47 : 48;
    bool vax = k->c->va_bits ? k->c->va_bits == 52 : k->c->oas == 52;
    unsigned min = g == 16 && vax ? 12 : 16;

    return txsz < min || txsz > max;
}

static bool half_bad(Walk *k, bool high)
{
    unsigned tg = (unsigned)SO_HALF(k, high, CD_TG);
    unsigned txsz = (unsigned)(high ? so_get(k->cd, CD_T1SZ) :
                                      so_get(k->cd, CD_T0SZ));
    static const uint8_t lo[] = { 12, 16, 14, 0 }, hi[] = { 0, 14, 12, 16 };
    unsigned g = high ? hi[tg] : lo[tg];
    uint64_t ttb = SO_HALF(k, high, CD_TTB) << 4;

    return !granule_known(k, g) || txsz_bad(k, txsz, g) ||
           ttb >> so_stage1(k, high).out;
}

static bool cd_bad(Walk *k)
{
    const ImSmmuConfig *c = k->c;
    bool use0 = k->el2 || !so_get(k->cd, CD_EPD0);
    bool use1 = !k->el2 && !so_get(k->cd, CD_EPD1);
    bool s = so_get(k->cd, CD_S), ha = so_get(k->cd, CD_HA);
    bool hd = so_get(k->cd, CD_HD);

    return !so_get(k->cd, CD_V) || (so_get(k->ste, STE_S1STALLD) && s) ||
           (c->term_model && !so_get(k->cd, CD_A)) ||
           (c->stall_model == 1 && s) || (c->stall_model == 2 && !s) ||
           ((use0 || use1) && so_get(k->cd, CD_ENDI)) ||
           !so_get(k->cd, CD_AA64) || ((ha || hd) && c->httu == 0) ||
           (hd && c->httu == 1) ||
           (c->httu == 3 && so_get(k->cd, CD_HAFT) && !ha) ||
           (!k->el2 && !c->asid16 && so_get(k->cd, CD_ASID) >> 8) ||
           (use0 && half_bad(k, false)) || (use1 && half_bad(k, true));
}

static bool fetch_cd(Walk *k, uint64_t addr)
{
    uint64_t pa;

    if (!so_locate(k, addr, CLASS_CD, false, &pa)) {
        return false;
    }
    for (unsigned i = 0; i < 8; i++) {
        if (!so_fetch(k, pa + 8 * i, &k->cd[i])) {
            memset(k->cd, 0, sizeof(k->cd));
            so_stop(k, EV_CD_FETCH);
            k->a->fetch = pa;
            return false;
        }
    }
    if (cd_bad(k)) {
        so_stop(k, EV_BAD_CD);
        return false;
    }
    if (so_get(k->cd, CD_HD) && !so_get(k->cd, CD_HA)) {
        k->a->unsure = true;
    }
    return true;
}

static unsigned s1cdmax(Walk *k)
{
    return k->c->ssid_bits ? (unsigned)so_get(k->ste, STE_S1CDMAX) : 0;
}

static bool find_cd(Walk *k, uint32_t ssid)
{
    uint64_t ctx = so_get(k->ste, STE_S1CTXPTR) << 6, l1, pa;
    unsigned fmt = (unsigned)so_get(k->ste, STE_S1FMT);
    unsigned cdmax = s1cdmax(k);
    unsigned leaf = fmt == 1 ? 6 : 10;
    uint64_t size;

    if (cdmax == 0 || (fmt != 1 && fmt != 2)) {
        size = UINT64_C(64) << cdmax;
        return fetch_cd(k, (ctx & ~(size - 1)) + 64 * (uint64_t)ssid);
    }
    size = MAX(64, UINT64_C(8) << (cdmax > leaf ? cdmax - leaf : 0));
    ctx &= ~(size - 1);
    if (!so_locate(k, ctx + 8 * (uint64_t)(ssid >> leaf), CLASS_CD, false,
                   &pa)) {
        return false;
    }
    if (!so_fetch(k, pa, &l1)) {
        so_stop(k, EV_CD_FETCH);
        k->a->fetch = pa;
        return false;
    }
    if (!(l1 & 1) || (l1 & BITS(55, 12)) >> k->c->oas) {
        so_stop(k, EV_BAD_SUBSTREAMID);
        return false;
    }
    l1 &= fmt == 1 ? BITS(55, 12) : BITS(55, 16);
    return fetch_cd(k, l1 + 64 * (uint64_t)(ssid & ((1u << leaf) - 1)));
}

/* --- substreams, 3.3.2 and 5.2 ------------------------------------------ */

static void streams(Walk *k)
{
    unsigned cdmax = s1cdmax(k);
    unsigned dss = (unsigned)so_get(k->ste, STE_S1DSS);
    bool ssv = k->t->has_pasid;
    uint32_t ssid = ssv ? k->t->pasid : 0;

    if (ssv && (!k->s1 || cdmax == 0 || ssid >> cdmax)) {
        so_stop(k, EV_BAD_SUBSTREAMID);
        return;
    }
    if (k->s1 && cdmax) {
        if (!ssv && dss == 1) {
            so_translate(k, true);
            return;
        }
        if ((ssv && ssid == 0 && dss == 2) || (!ssv && dss != 2)) {
            so_stop(k, EV_STREAM_DISABLED);
            return;
        }
    }
    if (k->s1 && !find_cd(k, ssid)) {
        return;
    }
    so_translate(k, false);
}

/* --- STE, 5.2.2 --------------------------------------------------------- */

static bool s2_bad(Walk *k)
{
    const ImSmmuConfig *c = k->c;
    unsigned tg = (unsigned)so_get(k->ste, STE_S2TG);
    unsigned sl0 = (unsigned)so_get(k->ste, STE_S2SL0);
    unsigned t0sz = (unsigned)so_get(k->ste, STE_S2T0SZ);
    unsigned g = tg == 0 ? 12 : tg == 1 ? 16 : tg == 2 ? 14 : 0;
    unsigned max = !c->stt ? 39 : g == 16 ? 47 : 48;
    unsigned min = MAX(g == 16 ? 12 : 16, 64 - c->oas);
    bool ha = so_get(k->ste, STE_S2HA), hd = so_get(k->ste, STE_S2HD);
    bool s2s = so_get(k->ste, STE_S2S);
    int start, room;

    if ((s2s && c->stall_model == 1) || (!s2s && c->stall_model == 2) ||
        !so_get(k->ste, STE_S2AA64) || ((ha || hd) && c->httu == 0) ||
        (hd && c->httu == 1) ||
        (so_get(k->ste, STE_S2HAFT) && !ha && c->httu == 3) ||
        !granule_known(k, g) || so_get(k->ste, STE_S2ENDI) || t0sz < min ||
        t0sz > max) {
        return true;
    }
    if (g == 12) {
        start = sl0 == 3 ? 3 : 2 - (int)sl0;
        if (sl0 == 3 && !c->stt) {
            return true;
        }
    } else {
        start = 3 - (int)sl0;
        if (sl0 == 3) {
            return true;        /* needs DS, or is reserved */
        }
    }
    room = (int)(64 - t0sz) - (int)sb_level_shift(g, (unsigned)start);
    if (room < 1 || room > (int)g - 3 + 4) {
        return true;
    }
    return (so_get(k->ste, STE_S2TTB) << 4) >> so_stage2(k).out;
}

static bool ste_bad(Walk *k)
{
    const ImSmmuConfig *c = k->c;
    unsigned eats = (unsigned)so_get(k->ste, STE_EATS);
    unsigned strw = (unsigned)so_get(k->ste, STE_STRW);
    unsigned cdmax = (unsigned)so_get(k->ste, STE_S1CDMAX);
    unsigned fmt = (unsigned)so_get(k->ste, STE_S1FMT);
    bool s2s = so_get(k->ste, STE_S2S);
    bool strw_used = c->stage1 && c->hyp && !k->s2 &&
                     k->config != CONFIG_BYPASS;
    bool vmid_used = c->stage2 && k->config != CONFIG_BYPASS &&
                     !(strw_used && strw != 0);

    if ((k->s1 && !c->stage1) || (k->s2 && !c->stage2)) {
        return true;
    }
    if (c->ats && (k->config & 3)) {
        if (eats == 2 && (k->config != CONFIG_NESTED || s2s || !c->split_ats)) {
            return true;
        }
        if (eats == 1 && s2s) {
            if (!k->s2) {
                k->a->unsure = true;    /* S2S is IGNORED there, or not */
            }
            return true;
        }
    }
    if (strw_used && strw & 1) {
        return true;
    }
    if (k->s1) {
        uint64_t ctx = so_get(k->ste, STE_S1CTXPTR) << 6;

        if ((so_get(k->ste, STE_S1STALLD) && c->stall_model != 0) ||
            (c->ssid_bits && cdmax > c->ssid_bits) ||
            (c->ssid_bits && cdmax && !c->cd2l && (fmt == 1 || fmt == 2)) ||
            ctx >> c->oas) {
            return true;
        }
    }
    return (k->s2 && s2_bad(k)) ||
           (vmid_used && !c->vmid16 && so_get(k->ste, STE_S2VMID) >> 8);
}

static void overrides(Walk *k)
{
    unsigned priv = (unsigned)so_get(k->ste, STE_PRIVCFG);
    unsigned inst = (unsigned)so_get(k->ste, STE_INSTCFG);
    const ImTxn *t = k->t;

    bool pasid = t->has_pasid && t->at != IM_AT_TRANSLATED;

    k->priv = pasid && t->priv;
    k->inst = pasid && t->exec;
    if (k->c->attr_perms_ovr) {
        k->priv = priv & 2 ? priv & 1 : k->priv;
        k->inst = inst & 2 ? inst & 1 : k->inst;
    }
    if (t->access & IM_WRITE) {
        k->inst = false;
    }
    if (k->ats) {
        return;
    }
    k->need_w = t->access & IM_WRITE;
    k->need_x = k->inst;
    k->need_r = t->access & IM_READ && !k->inst;
}

static void stream_table_entry(Walk *k, uint64_t at)
{
    for (unsigned i = 0; i < 8; i++) {
        if (!so_fetch(k, at + 8 * i, &k->ste[i])) {
            so_stop(k, EV_STE_FETCH);
            k->a->fetch = at;
            return;
        }
    }
    k->config = (unsigned)so_get(k->ste, STE_CONFIG);
    k->s1 = k->config >= 4 && k->config & 1;
    k->s2 = k->config >= 4 && k->config & 2;
    k->el2 = k->s1 && !k->s2 && k->c->hyp && so_get(k->ste, STE_STRW) == 2;
    if (!so_get(k->ste, STE_V)) {
        so_stop(k, EV_BAD_STE);
        return;
    }
    if (k->config < 4) {
        so_stop(k, 0);
        k->a->record = false;
        return;
    }
    if (ste_bad(k)) {
        so_stop(k, EV_BAD_STE);
        return;
    }
    k->e2h = k->el2 && k->w->cr2 & CR2_E2H;
    k->el2 = k->el2 && !k->e2h;
    overrides(k);
    if (so_ats_gate(k)) {
        streams(k);
    }
}

static void bad_stream(Walk *k)
{
    so_stop(k, EV_BAD_STREAMID);
    k->a->record = k->w->cr2 & CR2_RECINVSID;
}

static void stream_table(Walk *k)
{
    SWorld *w = k->w;
    uint32_t sid = (uint32_t)k->t->segment << 16 | k->t->rid;
    uint64_t l1, low;
    unsigned span;

    if (sid >> w->log2size) {
        bad_stream(k);
        return;
    }
    if (w->shape.linear) {
        stream_table_entry(k, w->strtab + 64 * (uint64_t)sid);
        return;
    }
    if (!so_fetch(k, w->strtab + 8 * (uint64_t)(sid >> 8), &l1)) {
        so_stop(k, EV_STE_FETCH);
        k->a->fetch = w->strtab + 8 * (uint64_t)(sid >> 8);
        return;
    }
    span = l1 & 0x1f;
    if (span == 0 || span > 11 || span > 9 ||
        (sid & 0xff) >= 1u << (span - 1)) {
        bad_stream(k);
        return;
    }
    low = (UINT64_C(64) << (span - 1)) - 1;
    stream_table_entry(k,
                       (l1 & BITS(55, 6) & ~low) + 64 * (uint64_t)(sid & 0xff));
}

SoAnswer so_answer(SWorld *w, const ImTxn *t)
{
    SoAnswer a = { .end = SO_ABORT, .cpl = IM_CPL_UR };
    Walk k = { .w = w,
               .t = t,
               .c = &w->r->smmu_cfg,
               .a = &a,
               .ats = t->at == IM_AT_TRANSLATION };

    if (t->at == IM_AT_TRANSLATED && !(w->cr0 & CR0_ATSCHK)) {
        so_ats_pass(&k);
        return a;
    }
    stream_table(&k);
    so_ats_finish(&k);
    return a;
}
