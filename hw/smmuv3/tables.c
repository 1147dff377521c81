/*
 * SMMUv3 configuration structures on the way to a page table, 5.1 to 5.4:
 * stream table, context descriptors, each linear or in two levels.
 *
 * What is valid is cached, once it has passed every check; a structure that
 * is not, or that could not be fetched, never is (3.21).
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/smmuv3/xlat.h"
#include "im/spec/smmu_tables.h.inc"

IM_LAYOUT(SMMU_L1STD);
IM_LAYOUT(SMMU_L1CD);

/* Spans from here on are reserved. */
#define SPAN_END  12

/* S1DSS */
enum { S1DSS_BYPASS = 1, S1DSS_SSID0 = 2 };

/* Read a structure of n quad-words in one piece; explain sees it. */
static inline bool fetch(SmmuRoute *r, const char *what, uint64_t pa,
                         uint64_t *q, unsigned n)
{
    ImBus bus = r->ex ? im_smmu_mem_peek(r->s, pa, q, 8 * n) :
                im_smmu_walk_read(r->s, pa, q, 8 * n);

    for (unsigned i = 0; bus == IM_BUS_OK && i < n; i++) {
        q[i] = GUINT64_FROM_LE(q[i]);
    }
    if (G_UNLIKELY(r->ex)) {
        im_port_tell(r->ex->fn, r->ex->opaque, what, pa, q, n, bus);
    }
    return bus == IM_BUS_OK;
}

static bool fetch_failed(SmmuRoute *r, uint8_t code, uint64_t pa)
{
    SmmuEvent e = { .code = code, .fetch = pa };

    return im_smmu_refuse(r, &e);
}

/* The structure breaks a rule of 5.2 or 5.4: explain names it. */
static bool bad_structure(SmmuRoute *r, uint8_t code, const char *clause)
{
    im_smmu_refuse_code(r, code);
    r->clause = clause;
    return true;
}

/* --- stream table, 5.1 and 3.3.1 --------------------------------------- */

static bool bad_stream(SmmuRoute *r, const char *clause)
{
    return bad_structure(r, SMMU_EVT_C_BAD_STREAMID, clause);
}

/* Two levels. CLAUSE(SMMU_ROUTE_L1STD), CLAUSE(SMMU_ROUTE_SPAN) */
static bool second_level(SmmuRoute *r, uint64_t *pa)
{
    const ImSmmu *s = r->s;
    unsigned split = s->strtab.split;
    uint64_t low = r->sid & ((UINT64_C(1) << split) - 1);
    uint64_t l1 = s->strtab.base + 8 * (uint64_t)(r->sid >> split);
    uint64_t span;
    uint64_t q;

    if (!fetch(r, "L1STD", l1, &q, 1)) {
        return fetch_failed(r, SMMU_EVT_F_STE_FETCH, l1);
    }
    span = IM_GET(q, SMMU_L1STD_SPAN);
    if (span == 0 || span >= SPAN_END || span > split + 1 ||
        low >> (span - 1)) {
        return bad_stream(r, "SMMU_ROUTE_SPAN");
    }
    *pa = (q & IM_MASK(SMMU_L1STD_L2PTR) &
           ~((UINT64_C(64) << (span - 1)) - 1)) + 64 * low;
    return false;
}

static bool fetch_ste(SmmuRoute *r, uint64_t q[8])
{
    ImSmmu *s = r->s;
    uint64_t pa = s->strtab.base + 64 * (uint64_t)r->sid;

    if ((uint64_t)r->sid >> s->strtab.log2size) {
        return bad_stream(r, "SMMU_ROUTE_STREAMID");
    }
    if (s->strtab.split && second_level(r, &pa)) {
        return true;
    }
    return !fetch(r, "STE", pa, q, 8) &&
           fetch_failed(r, SMMU_EVT_F_STE_FETCH, pa);
}

/* Room is made after the fetch: that need not wait for memory. */
static bool fresh_stream(SmmuRoute *r)
{
    ImSmmu *s = r->s;
    uint64_t q[8];
    const char *clause;
    ImSmmuSte *ste;

    if (fetch_ste(r, q)) {
        return true;
    }
    ste = r->ex ? &r->ex->stream.ste : im_smmu_stream_room(s->caches);
    if (!im_smmu_ste_decode(&s->ids, s->cr2 & IM_MASK(SMMU_CR2_E2H), q, ste,
                            &clause)) {
        return bad_structure(r, SMMU_EVT_C_BAD_STE, clause);
    }
    r->stream = r->ex ? &r->ex->stream :
                im_smmu_stream_put(s->caches, r->sid, ste);
    return false;
}

bool im_smmu_stream_fault(SmmuRoute *r)
{
    ImSmmu *s = r->s;

    r->stream = r->ex ? NULL : im_smmu_stream_get(s->caches, r->sid);
    if (r->stream) {
        s->counters.ste_hits++;
        return false;
    }
    s->counters.ste_misses += !r->ex;
    return fresh_stream(r);
}

/* --- context descriptors, 5.3 and 5.4 ---------------------------------- */

/* Where a structure of stage 1 is in memory: through stage 2, if there is
 * one. CLAUSE(SMMU_ROUTE_CD_STAGE2) */
static bool locate(SmmuRoute *r, uint64_t ipa, uint64_t *pa)
{
    const ImPtStage *st = &r->stream->ste.stage2;
    ImWalkOut w;

    *pa = ipa;
    if (!r->stream->ste.s2) {
        return false;
    }
    w = (ImWalkOut){ .stop = IM_WALK_RANGE };
    if (ipa <= st->in_last) {
        uint8_t need = r->need;
        bool write = r->write;

        r->need = IM_PERM_R;
        r->write = false;
        r->only_s2 = true;
        im_smmu_walk(r, st, NULL, ipa, &w);
        r->only_s2 = false;
        r->need = need;
        r->write = write;
    }
    if (w.stop == IM_WALK_OK && w.no_tables) {
        w.stop = IM_WALK_PERM;      /* CLAUSE(SMMU_STE_S2PTW) */
    }
    if (w.stop != IM_WALK_OK) {
        w.in = ipa;
        return im_smmu_refuse_walk(r, &w, SMMU_CLASS_CD);
    }
    *pa = w.addr;
    return false;
}

/* A table is aligned to its size. */
static uint64_t table_base(uint64_t ptr, uint64_t size)
{
    return ptr & ~(MAX(size, 64) - 1);
}

/* CLAUSE(SMMU_ROUTE_L1CD) */
static bool cd_leaf(SmmuRoute *r, unsigned leaf, uint64_t *cd)
{
    const ImSmmuSte *ste = &r->stream->ste;
    unsigned high = ste->s1cdmax > leaf ? ste->s1cdmax - leaf : 0;
    uint64_t ipa = table_base(ste->s1_ctx, UINT64_C(8) << high) +
                   8 * (uint64_t)(r->ssid >> leaf);
    uint64_t ptr;
    uint64_t pa;
    uint64_t q;

    if (locate(r, ipa, &pa)) {
        return true;
    }
    if (!fetch(r, "L1CD", pa, &q, 1)) {
        return fetch_failed(r, SMMU_EVT_F_CD_FETCH, pa);
    }
    ptr = q & IM_MASK(SMMU_L1CD_L2PTR);
    if (!(q & IM_MASK(SMMU_L1CD_V)) || ptr > im_smmu_last(r->s)) {
        return bad_structure(r, SMMU_EVT_C_BAD_SUBSTREAMID,
                             "SMMU_ROUTE_L1CD");
    }
    *cd = table_base(ptr, UINT64_C(64) << leaf) +
          64 * (uint64_t)(r->ssid & ((1u << leaf) - 1));
    return false;
}

static bool fetch_cd(SmmuRoute *r, ImSmmuCd *cd)
{
    const ImSmmuSte *ste = &r->stream->ste;
    uint64_t ipa = table_base(ste->s1_ctx, UINT64_C(64) << ste->s1cdmax) +
                   64 * (uint64_t)r->ssid;
    uint64_t pa;
    uint64_t q[8];
    const char *clause;

    if (ste->s1cdmax && ste->s1fmt &&
        cd_leaf(r, ste->s1fmt == 1 ? 6 : 10, &ipa)) {
        return true;
    }
    if (locate(r, ipa, &pa)) {
        return true;
    }
    if (!fetch(r, "CD", pa, q, 8)) {
        return fetch_failed(r, SMMU_EVT_F_CD_FETCH, pa);
    }
    if (!im_smmu_cd_decode(&r->s->ids, ste, q, cd, &clause)) {
        return bad_structure(r, SMMU_EVT_C_BAD_CD, clause);
    }
    return false;
}

/*
 * Which CD serves the request, if any: *s1 is false when stage 1 is skipped.
 * CLAUSE(SMMU_ROUTE_SUBSTREAM), CLAUSE(SMMU_ROUTE_S1DSS)
 */
static bool substream_fault(SmmuRoute *r, bool *s1)
{
    const ImSmmuSte *ste = &r->stream->ste;

    *s1 = ste->s1;
    if (r->ssv && (!ste->s1 || r->ssid >> ste->s1cdmax ||
                   ste->s1cdmax == 0)) {
        return bad_structure(r, SMMU_EVT_C_BAD_SUBSTREAMID,
                             "SMMU_ROUTE_SUBSTREAM");
    }
    if (!ste->s1 || ste->s1cdmax == 0) {
        return false;
    }
    if (!r->ssv && ste->s1dss == S1DSS_BYPASS) {
        *s1 = false;
        return false;
    }
    if (r->ssv ? r->ssid == 0 && ste->s1dss == S1DSS_SSID0 :
        ste->s1dss != S1DSS_SSID0) {
        return bad_structure(r, SMMU_EVT_F_STREAM_DISABLED,
                             "SMMU_ROUTE_S1DSS");
    }
    return false;
}

static bool fresh_context(SmmuRoute *r, uint64_t key)
{
    ImSmmu *s = r->s;
    ImSmmuCd *cd = NULL;
    bool s1;

    if (substream_fault(r, &s1)) {
        return true;
    }
    s->counters.cd_misses += s1 && !r->ex;
    if (s1) {
        cd = r->ex ? &r->ex->context.cd : im_smmu_context_room(s->caches);
        if (fetch_cd(r, cd)) {
            return true;
        }
    }
    if (!r->ex) {
        r->context = im_smmu_context_put(s->caches, key, r->stream, cd);
        im_smmu_tlb_prefetch(s->caches, r->context, r->pnu, r->txn->addr);
        return false;
    }
    r->ex->context.stream = r->stream;
    r->ex->context.s1 = s1;
    r->context = &r->ex->context;
    return false;
}

bool im_smmu_context_fault(SmmuRoute *r)
{
    ImSmmu *s = r->s;
    bool known = r->ssid >> SMMU_SSID_BITS == 0 && !r->ex && !r->unknown;
    uint64_t key = im_smmu_context_key(r->sid, r->ssv, r->ssid);

    r->context = known ? im_smmu_context_get(s->caches, key) : NULL;
    if (r->context) {
        s->counters.cd_hits += r->context->s1;
        return false;
    }
    return fresh_context(r, key);
}

/* --- for the PRI queue, 8.1 -------------------------------------------- */

uint8_t im_smmu_ste_of(ImSmmu *s, uint32_t sid, ImSmmuSte *ste)
{
    SmmuRoute r = { .s = s, .kind = SMMU_QUESTION, .sid = sid };

    if (im_smmu_stream_fault(&r)) {
        return r.fault;
    }
    *ste = r.stream->ste;
    return 0;
}
