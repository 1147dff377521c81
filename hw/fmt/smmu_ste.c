/*
 * Stream Table Entry, 5.2: what is ILLEGAL, what is IGNORED, what is capped.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/dump.h"
#include "hw/fmt/smmu_int.h"
#include "im/spec/smmu_tables.h.inc"

IM_LAYOUT(SMMU_STE0);
IM_LAYOUT(SMMU_STE1);
IM_LAYOUT(SMMU_STE2);
IM_LAYOUT(SMMU_STE3);
IM_LAYOUT(SMMU_STE4);
IM_LAYOUT(SMMU_STE5);
IM_LAYOUT(SMMU_STE6);
IM_LAYOUT(SMMU_STE7);

/* Config */
enum { CONFIG_TRANSLATE = 4, CONFIG_S1 = 1, CONFIG_S2 = 2 };
/* EATS */
enum { EATS_OFF = 0, EATS_FULL = 1, EATS_SPLIT = 2 };

typedef struct Ste {
    const ImSmmuIds *ids;
    const uint64_t *raw;
    unsigned config;
    unsigned stages;            /* CONFIG_S1, CONFIG_S2: a word, as two bools
                                   that are tested together would stall */
    bool substreams;            /* S1CDMax and SSIDSIZE are not 0 */
    unsigned strw;              /* effective STRW */
    int granule;                /* stage 2; -1: illegal */
    unsigned ps;                /* effective S2PS */
} Ste;

#define S1(x)  ((x)->stages & CONFIG_S1)
#define S2(x)  ((x)->stages & CONFIG_S2)
#define STE(x, word, field) \
    ((unsigned)IM_GET((x)->raw[word], SMMU_STE_##field))

static const uint8_t granule_shift[] = { 12, 14, 16 };

/* --- ILLEGAL ------------------------------------------------------------ */

IM_INLINE bool ste_bad_config(const Ste *x)
{
    return (S1(x) && !IDR(x->ids, 0, S1P)) || (S2(x) && !IDR(x->ids, 0, S2P));
}

IM_INLINE bool ste_bad_eats(const Ste *x)
{
    unsigned eats = STE(x, 1, EATS);

    if (!IDR(x->ids, 0, ATS) || !x->stages) {
        return false;
    }
    if (eats == EATS_SPLIT) {
        return x->stages != (CONFIG_S1 | CONFIG_S2) || STE(x, 2, S2S) ||
               IDR(x->ids, 0, NS1ATS);
    }
    return eats == EATS_FULL && S2(x) && STE(x, 2, S2S);
}

IM_INLINE bool ste_bad_strw(const Ste *x)
{
    return x->strw & 1;
}

IM_INLINE bool ste_bad_s1stalld(const Ste *x)
{
    return STE(x, 1, S1STALLD) && IDR(x->ids, 0, STALL_MODEL) != STALL_BOTH;
}

IM_INLINE bool ste_bad_s1cdmax(const Ste *x)
{
    unsigned max = IDR(x->ids, 1, SSIDSIZE);

    return max && STE(x, 0, S1CDMAX) > max;
}

/* S1Fmt 3 is reserved, and as good as 0. */
IM_INLINE bool ste_bad_s1fmt(const Ste *x)
{
    unsigned fmt = STE(x, 0, S1FMT);

    return x->substreams && !IDR(x->ids, 0, CD2L) && (fmt == 1 || fmt == 2);
}

IM_INLINE bool ste_bad_s1contextptr(const Ste *x)
{
    uint64_t ptr = x->raw[0] & IM_MASK(SMMU_STE_S1CONTEXTPTR);

    return ptr >> (S2(x) ? im_smmu_ias(x->ids) : im_smmu_oas(x->ids));
}

IM_INLINE bool ste_bad_s2s(const Ste *x)
{
    unsigned model = IDR(x->ids, 0, STALL_MODEL);
    bool s = STE(x, 2, S2S);

    return (s && model == STALL_NONE) || (!s && model == STALL_FORCED);
}

/* VMSAv8-32 is not implemented, whatever TTF says. */
IM_INLINE bool ste_bad_s2aa64(const Ste *x)
{
    return !STE(x, 2, S2AA64) || !(IDR(x->ids, 0, TTF) & 2);
}

IM_INLINE bool ste_bad_s2httu(const Ste *x)
{
    unsigned httu = IDR(x->ids, 0, HTTU);

    return (STE(x, 2, S2HA) && httu < HTTU_AF) ||
           (STE(x, 2, S2HD) && httu < HTTU_DIRTY);
}

IM_INLINE bool ste_bad_s2haft(const Ste *x)
{
    return IDR(x->ids, 0, HTTU) == HTTU_HAFT && STE(x, 2, S2HAFT) &&
           !STE(x, 2, S2HA);
}

IM_INLINE bool ste_bad_s2tg(const Ste *x)
{
    return x->granule < 0;
}

IM_INLINE bool ste_bad_s2ttb(const Ste *x)
{
    return im_smmu_ttb_beyond(x->raw[3] & IM_MASK(SMMU_STE_S2TTB), x->granule,
                              x->ps);
}

IM_INLINE bool ste_bad_s2t0sz(const Ste *x)
{
    unsigned tsz = STE(x, 2, S2T0SZ);
    unsigned low = x->granule == 2 ? 12 : 16;

    return tsz < MAX(low, 64 - im_smmu_ias(x->ids)) ||
           tsz > im_smmu_tsz_max(x->ids, x->granule);
}

/* The walker's level at which S2SL0 starts, or -1: reserved. */
IM_INLINE int ste_start_level(const Ste *x)
{
    unsigned sl0 = STE(x, 2, S2SL0);

    if (x->granule != 0) {
        return sl0 < 3 ? (int)sl0 : -1;
    }
    if (sl0 == 3) {
        return IDR(x->ids, 3, STT) ? 0 : -1;
    }
    return (int)sl0 + 1;
}

/* Bits of input address that the first, perhaps concatenated, table takes. */
IM_INLINE int ste_start_bits(const Ste *x, int level)
{
    unsigned shift = granule_shift[x->granule];

    return 64 - (int)STE(x, 2, S2T0SZ) -
           (int)(shift + (unsigned)level * (shift - 3));
}

IM_INLINE bool ste_bad_s2sl0(const Ste *x)
{
    int level = ste_start_level(x);
    int bits;

    if (level < 0) {
        return true;
    }
    bits = ste_start_bits(x, level);
    return bits < 1 || bits > granule_shift[x->granule] - 3 + 4;
}

/* Tables of mixed endianness are not offered. */
IM_INLINE bool ste_bad_s2endi(const Ste *x)
{
    return STE(x, 2, S2ENDI) != (IDR(x->ids, 0, TTENDIAN) == TTENDIAN_BIG);
}

IM_INLINE bool ste_vmid_used(const Ste *x)
{
    return IDR(x->ids, 0, S2P) && x->stages && !x->strw;
}

IM_INLINE bool ste_bad_s2vmid(const Ste *x)
{
    return ste_vmid_used(x) && !IDR(x->ids, 0, VMID16) &&
           STE(x, 2, S2VMID) > 0xff;
}

/*
 * 5.2.2, in groups by the stage whose fields they judge. A later rule may
 * rely on those before it. Rows become one function: to call each through a
 * pointer would take longer than to walk the tables.
 */
#define RULES(R)                                                          \
    R(SMMU_STE_CONFIG, ste_bad_config,                                    \
      "Config: a stage that IDR0 does not have")                          \
    R(SMMU_STE_EATS, ste_bad_eats,                                        \
      "EATS: not with this Config, S2S or IDR0.NS1ATS")
#define RULES_S1(R)                                                       \
    R(SMMU_STE_STRW, ste_bad_strw, "STRW is reserved")                    \
    R(SMMU_STE_S1STALLD, ste_bad_s1stalld,                                \
      "S1STALLD, but IDR0.STALL_MODEL is not 0")                          \
    R(SMMU_STE_S1CDMAX, ste_bad_s1cdmax, "S1CDMax is above IDR1.SSIDSIZE") \
    R(SMMU_STE_S1FMT, ste_bad_s1fmt, "S1Fmt, but IDR0.CD2L=0")            \
    R(SMMU_STE_S1CONTEXTPTR, ste_bad_s1contextptr,                        \
      "S1ContextPtr is beyond OAS or IAS")
#define RULES_S2(R)                                                       \
    R(SMMU_STE_S2S, ste_bad_s2s, "S2S against IDR0.STALL_MODEL")          \
    R(SMMU_STE_S2AA64, ste_bad_s2aa64, "S2AA64=0")                        \
    R(SMMU_STE_S2HTTU, ste_bad_s2httu, "S2HA or S2HD beyond IDR0.HTTU")   \
    R(SMMU_STE_S2HAFT, ste_bad_s2haft, "S2HAFT without S2HA")             \
    R(SMMU_STE_S2TG, ste_bad_s2tg, "S2TG: no such granule in IDR5")       \
    R(SMMU_STE_S2TTB, ste_bad_s2ttb, "S2TTB is beyond S2PS")              \
    R(SMMU_STE_S2T0SZ, ste_bad_s2t0sz, "S2T0SZ is out of range")          \
    R(SMMU_STE_S2SL0, ste_bad_s2sl0, "S2SL0 does not fit S2T0SZ and S2TG") \
    R(SMMU_STE_S2ENDI, ste_bad_s2endi, "S2ENDI against IDR0.TTENDIAN")
#define RULES_TAGS(R)                                                     \
    R(SMMU_STE_S2VMID, ste_bad_s2vmid,                                    \
      "S2VMID has more than 8 bits, IDR0.VMID16=0")

/* The first rule that is broken, or none. */
IM_INLINE ImClause ste_broken_rule(const Ste *x)
{
    RULES(IM_SMMU_RULE)
    if (S1(x)) {
        RULES_S1(IM_SMMU_RULE)
    }
    if (S2(x)) {
        RULES_S2(IM_SMMU_RULE)
    }
    RULES_TAGS(IM_SMMU_RULE)
    return IM_CLAUSE_NONE;
}

/* --- what is left ------------------------------------------------------- */

IM_INLINE Ste ste_begin(const ImSmmuIds *ids, const uint64_t raw[8])
{
    Ste x = { .ids = ids, .raw = raw };

    x.config = STE(&x, 0, CONFIG);
    if (x.config & CONFIG_TRANSLATE) {
        x.stages = x.config & (CONFIG_S1 | CONFIG_S2);
    }
    x.substreams = STE(&x, 0, S1CDMAX) && IDR(ids, 1, SSIDSIZE);
    if (x.stages == CONFIG_S1 && IDR(ids, 0, S1P) && IDR(ids, 0, HYP)) {
        x.strw = STE(&x, 1, STRW);
    }
    if (S2(&x)) {
        x.granule = im_smmu_granule(ids, STE(&x, 2, S2TG));
        IM_RULE(SMMU_STE_S2PS);
        x.ps = im_smmu_size(ids, STE(&x, 2, S2PS));
    }
    return x;
}

/* 3 is reserved, and as good as 0. */
IM_RULE(SMMU_STE_S1DSS);
IM_INLINE void ste_take_stage1(const Ste *x, bool e2h, ImSmmuSte *out)
{
    out->s1_ctx = x->raw[0] & IM_MASK(SMMU_STE_S1CONTEXTPTR);
    out->s1stalld = STE(x, 1, S1STALLD);
    if (x->substreams) {
        out->s1cdmax = (uint8_t)STE(x, 0, S1CDMAX);
        out->s1fmt = (uint8_t)(STE(x, 0, S1FMT) % 3);
        out->s1dss = (uint8_t)(STE(x, 1, S1DSS) % 3);
    }
    IM_RULE(SMMU_STE_STRW);
    if (x->strw) {
        out->world = e2h ? IM_SMMU_NS_EL2_E2H : IM_SMMU_NS_EL2;
    }
}

IM_INLINE uint32_t ste_stage2_flags(const Ste *x)
{
    bool ha = STE(x, 2, S2HA);
    uint32_t flags = 0;

    if (ha) {
        flags |= IM_VMSA_HA;
        flags |= STE(x, 2, S2HD) ? IM_VMSA_HD : 0;
        if (IDR(x->ids, 0, HTTU) == HTTU_HAFT && STE(x, 2, S2HAFT)) {
            flags |= IM_VMSA_HAFT;
        }
    } else if (STE(x, 2, S2AFFD)) {
        IM_RULE(SMMU_STE_S2AFFD);
        flags |= IM_VMSA_AFFD;
    }
    if (IDR(x->ids, 3, XNX)) {
        flags |= IM_VMSA_XNX;
    }
    IM_RULE(SMMU_STE_S2FWB);
    if (IDR(x->ids, 3, FWB) && STE(x, 1, S2FWB)) {
        flags |= IM_VMSA_FWB;
    }
    if (IDR(x->ids, 3, MTEPERM)) {
        flags |= IM_VMSA_NOTAG;
    }
    if (S1(x) && STE(x, 2, S2PTW)) {
        flags |= IM_VMSA_PTW;
    }
    return flags;
}

IM_INLINE void ste_take_stage2(const Ste *x, ImSmmuSte *out)
{
    ImPtStage *st = &out->stage2;
    int top = ste_start_level(x);

    out->s2s = STE(x, 2, S2S);
    out->s2r = STE(x, 2, S2R);
    st->fmt = &im_vmsa_s2[x->granule];
    st->top = (uint8_t)top;
    st->top_bits = (uint8_t)ste_start_bits(x, top);
    st->in_last = UINT64_MAX >> STE(x, 2, S2T0SZ);
    st->flags = ste_stage2_flags(x);
    im_smmu_set_output(x->ids, st, x->raw[3] & IM_MASK(SMMU_STE_S2TTB), x->ps);
}

IM_RULE(SMMU_STE_OVERRIDES);
IM_INLINE void ste_take_overrides(const Ste *x, ImSmmuSte *out)
{
    static const uint8_t cfg[] = { 0, 0, 2, 3 };

    if (IDR(x->ids, 1, ATTR_PERMS_OVR)) {
        out->privcfg = cfg[STE(x, 1, PRIVCFG)];
        out->instcfg = cfg[STE(x, 1, INSTCFG)];
    }
    out->shcfg = 1;
    if (IDR(x->ids, 1, ATTR_TYPES_OVR)) {
        out->mtcfg = STE(x, 1, MTCFG);
        out->memattr = out->mtcfg ? (uint8_t)STE(x, 1, MEMATTR) : 0;
        out->shcfg = (uint8_t)STE(x, 1, SHCFG);
    }
}

/* EATS 3 needs a device permission table, and is 0 without one. */
IM_INLINE uint8_t ste_effective_eats(const Ste *x)
{
    unsigned eats = STE(x, 1, EATS);

    return IDR(x->ids, 0, ATS) && x->stages && eats <= EATS_SPLIT ?
               (uint8_t)eats :
               EATS_OFF;
}

bool im_smmu_ste_decode(const ImSmmuIds *ids, bool e2h, const uint64_t raw[8],
                        ImSmmuSte *out, ImClause *clause)
{
    Ste x = ste_begin(ids, raw);
    ImClause broken;

    *out = (ImSmmuSte) {
        .config = (uint8_t)x.config, .s1 = S1(&x), .s2 = S2(&x), .shcfg = 1
    };
    IM_RULE(SMMU_STE_V);
    if (!STE(&x, 0, V)) {
        *clause = IM_CLAUSE(SMMU_STE_V);
        return false;
    }
    if (!(x.config & CONFIG_TRANSLATE)) {
        return true;
    }
    broken = ste_broken_rule(&x);
    if (G_UNLIKELY(broken)) {
        *clause = broken;
        return false;
    }
    out->mev = STE(&x, 1, MEV);
    out->ppar = STE(&x, 1, PPAR);
    out->eats = ste_effective_eats(&x);
    out->vmid = ste_vmid_used(&x) ? (uint16_t)STE(&x, 2, S2VMID) : 0;
    ste_take_overrides(&x, out);
    if (S1(&x)) {
        ste_take_stage1(&x, e2h, out);
    }
    if (S2(&x)) {
        ste_take_stage2(&x, out);
    }
    return true;
}

/* --- for people --------------------------------------------------------- */

const ImFieldRow *const im_smmu_ste_fields[8] = {
    IM_FIELDS(SMMU_STE0), IM_FIELDS(SMMU_STE1), IM_FIELDS(SMMU_STE2),
    IM_FIELDS(SMMU_STE3), IM_FIELDS(SMMU_STE4), IM_FIELDS(SMMU_STE5),
    IM_FIELDS(SMMU_STE6), IM_FIELDS(SMMU_STE7),
};

const char *im_smmu_ste_text(ImClause clause)
{
    static const ImSmmuRuleText rows[] = {
        { IM_CLAUSE(SMMU_STE_V), "V=0" },
        RULES(IM_SMMU_RULE_TEXT) RULES_S1(IM_SMMU_RULE_TEXT)
            RULES_S2(IM_SMMU_RULE_TEXT) RULES_TAGS(IM_SMMU_RULE_TEXT)
    };

    return im_smmu_rule_text(rows, G_N_ELEMENTS(rows), clause);
}
