/*
 * SMMUv3 configuration structures on the way to a page table, 5.1 to 5.4:
 * stream table, context descriptors, each linear or in two levels.
 *
 * What is valid is cached, once it has passed every check; a structure that
 * is not, or that could not be fetched, never is (3.21).
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/core/dump.h"
#include "hw/smmuv3/cache.h"
#include "im/spec/smmu_tables.h.inc"

IM_LAYOUT(SMMU_L1STD);
IM_LAYOUT(SMMU_L1CD);

/* Spans from here on are reserved. */
#define SPAN_END  12

/* S1DSS */
enum { S1DSS_BYPASS = 1, S1DSS_SSID0 = 2 };

/* A structure of this kind: its quad-words, and the event of a fetch that
 * fails. */
typedef struct Structure {
    const char *name;
    ImClause clause;
    const ImFieldRow *const *fields;
    uint8_t words;
    uint8_t event;              /* SmmuEventCode */
} Structure;

static const Structure l1std_kind = {
    "L1STD",
    IM_CLAUSE(SMMU_EVENT_F_STE_FETCH),
    (const ImFieldRow *const[]) { IM_FIELDS(SMMU_L1STD) },
    1,
    SMMU_EVT_F_STE_FETCH,
};
static const Structure ste_kind = {
    "STE",
    IM_CLAUSE(SMMU_EVENT_F_STE_FETCH),
    im_smmu_ste_fields,
    8,
    SMMU_EVT_F_STE_FETCH,
};
static const Structure l1cd_kind = {
    "L1CD",
    IM_CLAUSE(SMMU_EVENT_F_CD_FETCH),
    (const ImFieldRow *const[]) { IM_FIELDS(SMMU_L1CD) },
    1,
    SMMU_EVT_F_CD_FETCH,
};
static const Structure cd_kind = {
    "CD",
    IM_CLAUSE(SMMU_EVENT_F_CD_FETCH),
    im_smmu_cd_fields,
    8,
    SMMU_EVT_F_CD_FETCH,
};

static void smmu_tables_tell(SmmuRoute *r, const Structure *kind, uint64_t pa,
                             const uint64_t *q, ImBus bus)
{
    ImStep step = { .what = kind->name, .addr = pa, .fields = kind->fields };

    if (bus == IM_BUS_OK) {
        step.words = kind->words;
        memcpy(step.value, q, 8u * kind->words);
    } else {
        step.note = "could not be read";
    }
    r->ex->fn(r->ex->opaque, &step);
}

/* Read a structure in one piece; explain sees it. */
static inline bool smmu_tables_fetch_fault(SmmuRoute *r, const Structure *kind,
                                           uint64_t pa, uint64_t *q)
{
    size_t len = 8u * kind->words;
    ImBus bus = r->ex ? im_smmu_mem_peek(r->s, pa, q, len) :
                        im_smmu_walk_read(r->s, pa, q, len);
    SmmuEvent e = { .code = kind->event, .fetch = pa };

    for (unsigned i = 0; bus == IM_BUS_OK && i < kind->words; i++) {
        q[i] = GUINT64_FROM_LE(q[i]);
    }
    if (G_UNLIKELY(r->ex)) {
        smmu_tables_tell(r, kind, pa, q, bus);
    }
    if (G_LIKELY(bus == IM_BUS_OK)) {
        return false;
    }
    im_smmu_because(r, kind->clause, "%s: could not be read", kind->name);
    return im_smmu_refuse(r, &e);
}

/* It breaks a rule: explain names it. */
static bool smmu_tables_bad_structure(SmmuRoute *r, uint8_t code,
                                      ImClause clause, const char *name,
                                      const char *text)
{
    im_smmu_because(r, clause, "%s: %s", name, text);
    return im_smmu_refuse_code(r, code);
}

/* --- stream table, 5.1 and 3.3.1 --------------------------------------- */

static bool smmu_tables_bad_span(SmmuRoute *r, uint64_t span, unsigned split)
{
    return smmu_tables_bad_structure(
        r, SMMU_EVT_C_BAD_STREAMID, IM_CLAUSE(SMMU_ROUTE_SPAN), "L1STD",
        span == 0        ? "Span=0" :
        span >= SPAN_END ? "Span is reserved" :
        span > split + 1 ? "Span is above SPLIT + 1" :
                           "StreamID beyond Span");
}

/* Two levels. */
IM_RULE(SMMU_ROUTE_L1STD);
IM_RULE(SMMU_ROUTE_SPAN);
static bool smmu_tables_second_level(SmmuRoute *r, uint64_t *pa)
{
    const ImSmmu *s = r->s;
    unsigned split = s->strtab.split;
    uint64_t low = r->sid & ((UINT64_C(1) << split) - 1);
    uint64_t l1 = s->strtab.base + 8 * (uint64_t)(r->sid >> split);
    uint64_t span;
    uint64_t q;

    if (smmu_tables_fetch_fault(r, &l1std_kind, l1, &q)) {
        return true;
    }
    span = IM_GET(q, SMMU_L1STD_SPAN);
    if (span == 0 || span >= SPAN_END || span > split + 1 ||
        low >> (span - 1)) {
        return smmu_tables_bad_span(r, span, split);
    }
    *pa = (q & IM_MASK(SMMU_L1STD_L2PTR) &
           ~((UINT64_C(64) << (span - 1)) - 1)) +
          64 * low;
    return false;
}

static bool smmu_tables_fetch_ste(SmmuRoute *r, uint64_t q[8])
{
    ImSmmu *s = r->s;
    uint64_t pa = s->strtab.base + 64 * (uint64_t)r->sid;

    if ((uint64_t)r->sid >> s->strtab.log2size) {
        return smmu_tables_bad_structure(r, SMMU_EVT_C_BAD_STREAMID,
                                         IM_CLAUSE(SMMU_ROUTE_STREAMID),
                                         "STRTAB_BASE_CFG",
                                         "StreamID beyond LOG2SIZE");
    }
    if (s->strtab.split && smmu_tables_second_level(r, &pa)) {
        return true;
    }
    return smmu_tables_fetch_fault(r, &ste_kind, pa, q);
}

/* Room is made after the fetch: that need not wait for memory. */
static bool smmu_tables_fresh_stream(SmmuRoute *r)
{
    ImSmmu *s = r->s;
    uint64_t q[8];
    ImClause clause;
    ImSmmuSte *ste;

    if (smmu_tables_fetch_ste(r, q)) {
        return true;
    }
    ste = r->ex ? &r->ex->stream.ste : im_smmu_stream_room(s->caches);
    if (!im_smmu_ste_decode(&s->ids, s->cr2 & IM_MASK(SMMU_CR2_E2H), q, ste,
                            &clause)) {
        return smmu_tables_bad_structure(r, SMMU_EVT_C_BAD_STE, clause, "STE",
                                         im_smmu_ste_text(clause));
    }
    r->stream = r->ex ? &r->ex->stream :
                        im_smmu_stream_put(s->caches, r->sid, ste);
    return false;
}

bool im_smmu_stream_fault(SmmuRoute *r)
{
    ImSmmu *s = r->s;

    r->stream = r->ex ? NULL : im_pool_find(&s->caches->streams, r->sid);
    if (r->stream) {
        s->counters.ste_hits++;
        return false;
    }
    s->counters.ste_misses += !r->ex;
    return smmu_tables_fresh_stream(r);
}

/* --- context descriptors, 5.3 and 5.4 ---------------------------------- */

/* Where a structure of stage 1 is in memory: through stage 2, if there is
 * one. A request that is refused here remains one of stage 2 for a read. */
IM_RULE(SMMU_ROUTE_CD_STAGE2);
static bool smmu_tables_locate(SmmuRoute *r, uint64_t ipa, uint64_t *pa)
{
    const ImPtStage *st = &r->stream->ste.stage2;
    uint8_t need = r->need;
    bool write = r->write;
    ImWalkOut w;

    *pa = ipa;
    if (!r->stream->ste.s2) {
        return false;
    }
    w = (ImWalkOut) { .stop = IM_WALK_RANGE };
    r->need = IM_PERM_R;
    r->write = false;
    r->only_s2 = true;
    if (ipa <= st->in_last) {
        im_smmu_walk(r, st, NULL, ipa, &w);
    }
    if (w.stop == IM_WALK_OK && w.no_tables) {
        IM_RULE(SMMU_STE_S2PTW);
        w.stop = IM_WALK_PERM;
    }
    if (w.stop != IM_WALK_OK) {
        w.in = ipa;
        return im_smmu_refuse_walk(r, &w, SMMU_CLASS_CD);
    }
    r->only_s2 = false;
    r->need = need;
    r->write = write;
    *pa = w.addr;
    return false;
}

/* A table is aligned to its size. */
static uint64_t smmu_tables_table_base(uint64_t ptr, uint64_t size)
{
    return ptr & ~(MAX(size, 64) - 1);
}

IM_RULE(SMMU_ROUTE_L1CD);
static bool smmu_tables_cd_leaf(SmmuRoute *r, unsigned leaf, uint64_t *cd)
{
    const ImSmmuSte *ste = &r->stream->ste;
    unsigned high = ste->s1cdmax > leaf ? ste->s1cdmax - leaf : 0;
    uint64_t ipa = smmu_tables_table_base(ste->s1_ctx, UINT64_C(8) << high) +
                   8 * (uint64_t)(r->ssid >> leaf);
    uint64_t ptr;
    uint64_t pa;
    uint64_t q;

    if (smmu_tables_locate(r, ipa, &pa)) {
        return true;
    }
    if (smmu_tables_fetch_fault(r, &l1cd_kind, pa, &q)) {
        return true;
    }
    ptr = q & IM_MASK(SMMU_L1CD_L2PTR);
    if (!(q & IM_MASK(SMMU_L1CD_V)) || ptr > im_smmu_last(r->s)) {
        return smmu_tables_bad_structure(
            r, SMMU_EVT_C_BAD_SUBSTREAMID, IM_CLAUSE(SMMU_ROUTE_L1CD), "L1CD",
            q & IM_MASK(SMMU_L1CD_V) ? "L2Ptr is beyond OAS" : "V=0");
    }
    *cd = smmu_tables_table_base(ptr, UINT64_C(64) << leaf) +
          64 * (uint64_t)(r->ssid & ((1u << leaf) - 1));
    return false;
}

bool im_smmu_cd_place_fault(SmmuRoute *r, uint64_t *ipa)
{
    const ImSmmuSte *ste = &r->stream->ste;

    *ipa = smmu_tables_table_base(ste->s1_ctx, UINT64_C(64) << ste->s1cdmax) +
           64 * (uint64_t)r->ssid;
    return ste->s1cdmax && ste->s1fmt &&
           smmu_tables_cd_leaf(r, ste->s1fmt == 1 ? 6 : 10, ipa);
}

static bool smmu_tables_fetch_cd(SmmuRoute *r, ImSmmuCd *cd)
{
    const ImSmmuSte *ste = &r->stream->ste;
    uint64_t ipa;
    uint64_t pa;
    uint64_t q[8];
    ImClause clause;

    if (im_smmu_cd_place_fault(r, &ipa)) {
        return true;
    }
    if (smmu_tables_locate(r, ipa, &pa)) {
        return true;
    }
    if (smmu_tables_fetch_fault(r, &cd_kind, pa, q)) {
        return true;
    }
    if (!im_smmu_cd_decode(&r->s->ids, ste, q, cd, &clause)) {
        return smmu_tables_bad_structure(r, SMMU_EVT_C_BAD_CD, clause, "CD",
                                         im_smmu_cd_text(clause));
    }
    return false;
}

/*
 * Which CD serves the request, if any: *s1 is false when stage 1 is skipped.
 */
IM_RULE(SMMU_ROUTE_SUBSTREAM);
IM_RULE(SMMU_ROUTE_S1DSS);
static bool smmu_tables_substream_fault(SmmuRoute *r, bool *s1)
{
    const ImSmmuSte *ste = &r->stream->ste;

    *s1 = ste->s1;
    if (r->ssv && (!ste->s1 || r->ssid >> ste->s1cdmax || ste->s1cdmax == 0)) {
        return smmu_tables_bad_structure(
            r, SMMU_EVT_C_BAD_SUBSTREAMID, IM_CLAUSE(SMMU_ROUTE_SUBSTREAM),
            "STE",
            !ste->s1     ? "Config: no stage 1, no SubstreamID" :
            ste->s1cdmax ? "SubstreamID beyond S1CDMax" :
                           "S1CDMax=0, no SubstreamID");
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
        return smmu_tables_bad_structure(r, SMMU_EVT_F_STREAM_DISABLED,
                                         IM_CLAUSE(SMMU_ROUTE_S1DSS), "STE",
                                         r->ssv ? "S1DSS=10, SubstreamID 0" :
                                                  "S1DSS=00, no SubstreamID");
    }
    return false;
}

static bool smmu_tables_fresh_context(SmmuRoute *r, uint64_t key)
{
    ImSmmu *s = r->s;
    ImSmmuCd *cd = NULL;
    bool s1;

    if (smmu_tables_substream_fault(r, &s1)) {
        return true;
    }
    s->counters.cd_misses += s1 && !r->ex;
    if (s1) {
        cd = r->ex ? &r->ex->context.cd : im_smmu_context_room(s->caches);
        if (smmu_tables_fetch_cd(r, cd)) {
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
    return smmu_tables_fresh_context(r, key);
}

/* --- for the PRI queue, 8.1 -------------------------------------------- */

uint8_t im_smmu_ste_of(ImSmmu *s, uint32_t sid, SmmuExplain *ex, ImSmmuSte *ste)
{
    SmmuRoute r = { .s = s, .ex = ex, .kind = SMMU_QUESTION, .sid = sid };

    if (im_smmu_stream_fault(&r)) {
        return r.out.fault;
    }
    *ste = r.stream->ste;
    return 0;
}
