/*
 * Context Descriptor, 5.4: what is ILLEGAL, what is IGNORED, what is capped.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/dump.h"
#include "hw/fmt/smmu_int.h"
#include "im/spec/smmu_tables.h.inc"

IM_LAYOUT(SMMU_CD0);
IM_LAYOUT(SMMU_CD1);
IM_LAYOUT(SMMU_CD2);
IM_LAYOUT(SMMU_CD3);
IM_LAYOUT(SMMU_CD4);
IM_LAYOUT(SMMU_CD5);
IM_LAYOUT(SMMU_CD6);
IM_LAYOUT(SMMU_CD7);

/* One half: the fields of T0SZ, TTB0, ... or those of T1SZ, TTB1, ... */
typedef struct Half {
    bool used;                  /* of this world, and not EPDx */
    unsigned tsz;
    int granule;                /* -1: illegal */
    uint64_t ttb;
    bool tbi, had, e0pd;
} Half;

typedef struct Cd {
    const ImSmmuIds *ids;
    const ImSmmuSte *ste;
    const uint64_t *raw;
    unsigned ips;               /* effective IPS */
    Half lo, hi;
} Cd;

#define CD(x, word, field)  ((unsigned)IM_GET((x)->raw[word], SMMU_CD_##field))

/* EL2 without E2H: one table, no ASID, no EPD, no E0PD, no PAN. */
IM_INLINE bool cd_el2(const Cd *x)
{
    return x->ste->world == IM_SMMU_NS_EL2;
}

/* --- ILLEGAL ------------------------------------------------------------ */

IM_INLINE bool cd_bad_v(const Cd *x)
{
    return !CD(x, 0, V);
}

IM_INLINE bool cd_bad_s(const Cd *x)
{
    unsigned model = IDR(x->ids, 0, STALL_MODEL);
    bool s = CD(x, 0, S);

    return (s && (x->ste->s1stalld || model == STALL_NONE)) ||
           (!s && model == STALL_FORCED);
}

IM_INLINE bool cd_bad_a(const Cd *x)
{
    return IDR(x->ids, 0, TERM_MODEL) && !CD(x, 0, A);
}

/* Tables of mixed endianness are not offered. */
IM_INLINE bool cd_bad_endi(const Cd *x)
{
    return (x->lo.used || x->hi.used) &&
           CD(x, 0, ENDI) != (IDR(x->ids, 0, TTENDIAN) == TTENDIAN_BIG);
}

/* VMSAv8-32 is not implemented, whatever TTF says. */
IM_INLINE bool cd_bad_aa64(const Cd *x)
{
    return !CD(x, 0, AA64) || !(IDR(x->ids, 0, TTF) & 2);
}

IM_INLINE bool cd_bad_httu(const Cd *x)
{
    unsigned httu = IDR(x->ids, 0, HTTU);

    return (CD(x, 0, HA) && httu < HTTU_AF) ||
           (CD(x, 0, HD) && httu < HTTU_DIRTY);
}

IM_INLINE bool cd_bad_haft(const Cd *x)
{
    return IDR(x->ids, 0, HTTU) == HTTU_HAFT && CD(x, 1, HAFT) && !CD(x, 0, HA);
}

IM_INLINE bool cd_bad_asid(const Cd *x)
{
    return !cd_el2(x) && !IDR(x->ids, 0, ASID16) && CD(x, 0, ASID) > 0xff;
}

IM_INLINE bool cd_bad_tg(const Cd *x)
{
    return (x->lo.used && x->lo.granule < 0) ||
           (x->hi.used && x->hi.granule < 0);
}

IM_INLINE bool cd_bad_half_tsz(const Cd *x, const Half *h)
{
    unsigned low = IDR(x->ids, 5, VAX) && h->granule == 2 ? 12 : 16;

    return h->used &&
           (h->tsz < low || h->tsz > im_smmu_tsz_max(x->ids, h->granule));
}

IM_INLINE bool cd_bad_tsz(const Cd *x)
{
    return cd_bad_half_tsz(x, &x->lo) || cd_bad_half_tsz(x, &x->hi);
}

IM_INLINE bool cd_bad_half_ttb(const Cd *x, const Half *h)
{
    return h->used && im_smmu_ttb_beyond(h->ttb, h->granule, x->ips);
}

IM_INLINE bool cd_bad_ttb(const Cd *x)
{
    return cd_bad_half_ttb(x, &x->lo) || cd_bad_half_ttb(x, &x->hi);
}

/* 5.4.2, as in smmu_ste.c. A later rule may rely on those before it. */
#define RULES(R)                                                          \
    R(SMMU_CD_V, cd_bad_v, "V=0")                                         \
    R(SMMU_CD_S, cd_bad_s, "S against STE.S1STALLD or IDR0.STALL_MODEL")  \
    R(SMMU_CD_A, cd_bad_a, "A=0, but IDR0.TERM_MODEL=1")                  \
    R(SMMU_CD_ENDI, cd_bad_endi, "ENDI against IDR0.TTENDIAN")            \
    R(SMMU_CD_AA64, cd_bad_aa64, "AA64=0")                                \
    R(SMMU_CD_HTTU, cd_bad_httu, "HA or HD beyond IDR0.HTTU")             \
    R(SMMU_CD_HAFT, cd_bad_haft, "HAFT without HA")                       \
    R(SMMU_CD_ASID, cd_bad_asid, "ASID has more than 8 bits, IDR0.ASID16=0") \
    R(SMMU_CD_TG, cd_bad_tg, "TG0 or TG1: no such granule in IDR5")       \
    R(SMMU_CD_TSZ, cd_bad_tsz, "T0SZ or T1SZ is out of range")            \
    R(SMMU_CD_TTB, cd_bad_ttb, "TTB0 or TTB1 is beyond IPS")

/* The first rule that is broken, or none. */
IM_INLINE ImClause cd_broken_rule(const Cd *x)
{
    RULES(IM_SMMU_RULE)
    return IM_CLAUSE_NONE;
}

/* --- what is left ------------------------------------------------------- */

/* Of a half that is not used only TBI counts. */
IM_RULE(SMMU_CD_EPD);
IM_INLINE Half cd_lower_half(const Cd *x)
{
    Half h = { .used = cd_el2(x) || !CD(x, 0, EPD0), .tbi = CD(x, 0, TBI0) };

    if (h.used) {
        h.tsz = CD(x, 0, T0SZ);
        h.granule = im_smmu_granule(x->ids, CD(x, 0, TG0));
        h.ttb = x->raw[1] & IM_MASK(SMMU_CD_TTB0);
        h.had = CD(x, 1, HAD0);
        h.e0pd = CD(x, 1, E0PD0);
    }
    return h;
}

IM_INLINE Half cd_upper_half(const Cd *x)
{
    /* TG1 has encodings of its own: these are TG0's. */
    static const uint8_t tg1[] = { 3, 2, 0, 1 };
    Half h = { .used = !cd_el2(x) && !CD(x, 0, EPD1), .tbi = CD(x, 0, TBI1) };

    if (h.used) {
        h.tsz = CD(x, 0, T1SZ);
        h.granule = im_smmu_granule(x->ids, tg1[CD(x, 0, TG1)]);
        h.ttb = x->raw[2] & IM_MASK(SMMU_CD_TTB1);
        h.had = CD(x, 2, HAD1);
        h.e0pd = CD(x, 2, E0PD1);
    }
    return h;
}

IM_INLINE Cd cd_begin(const ImSmmuIds *ids, const ImSmmuSte *ste,
                      const uint64_t raw[8])
{
    Cd x = { .ids = ids, .ste = ste, .raw = raw };

    IM_RULE(SMMU_CD_IPS);
    x.ips = im_smmu_size(ids, CD(&x, 0, IPS));
    x.lo = cd_lower_half(&x);
    x.hi = cd_upper_half(&x);
    return x;
}

/* Of both halves. */
IM_INLINE uint32_t cd_common_flags(const Cd *x)
{
    uint32_t flags = 0;

    if (CD(x, 0, HA)) {
        flags |= IM_VMSA_HA;
        flags |= CD(x, 0, HD) ? IM_VMSA_HD : 0;
        if (IDR(x->ids, 0, HTTU) == HTTU_HAFT && CD(x, 1, HAFT)) {
            flags |= IM_VMSA_HAFT;
        }
    } else if (CD(x, 0, AFFD)) {
        IM_RULE(SMMU_CD_AFFD);
        flags |= IM_VMSA_AFFD;
    }
    if (CD(x, 0, WXN)) {
        flags |= IM_VMSA_WXN;
    }
    if (cd_el2(x)) {
        flags |= IM_VMSA_ONE;
    } else if (CD(x, 0, PAN)) {
        flags |= IM_VMSA_PAN;
        IM_RULE(SMMU_VMSA_EPAN);
        flags |= CD(x, 1, EPAN) && IDR(x->ids, 3, EPAN) ? IM_VMSA_EPAN : 0;
    }
    return flags;
}

IM_INLINE void cd_take_stage(const Cd *x, const Half *h, ImPtStage *st)
{
    const ImPtFormat *fmt = &im_vmsa_s1[h->granule];
    unsigned bits = 64 - h->tsz - fmt->page_shift;
    unsigned n = fmt->index_bits;
    unsigned top = bits > 3 * n ? 3 : bits > 2 * n ? 2 : bits > n;

    *st = (ImPtStage) {
        .fmt = fmt,
        .in_last = UINT64_MAX,
        .flags = cd_common_flags(x),
        .top = (uint8_t)top,
        .top_bits = (uint8_t)(bits - top * n),
    };
    IM_RULE(SMMU_CD_HAD);
    if (h->had && IDR(x->ids, 3, HAD)) {
        st->flags |= IM_VMSA_HAD;
    }
    im_smmu_set_output(x->ids, st, h->ttb, x->ips);
}

IM_INLINE void cd_take_half(const Cd *x, const Half *h, struct ImSmmuHalf *out)
{
    out->enabled = h->used;
    out->tbi = h->tbi;
    IM_RULE(SMMU_CD_E0PD);
    out->e0pd = h->used && h->e0pd && !cd_el2(x) && IDR(x->ids, 3, E0PD);
    out->tsz = h->used ? (uint8_t)h->tsz : 0;
    if (h->used) {
        cd_take_stage(x, h, &out->stage);
    } else {
        out->stage = (ImPtStage) { 0 };
    }
}

bool im_smmu_cd_decode(const ImSmmuIds *ids, const ImSmmuSte *ste,
                       const uint64_t raw[8], ImSmmuCd *out, ImClause *clause)
{
    Cd x = cd_begin(ids, ste, raw);
    ImClause broken = cd_broken_rule(&x);

    if (G_UNLIKELY(broken)) {
        *clause = broken;
        return false;
    }
    out->asid = cd_el2(&x) ? 0 : (uint16_t)CD(&x, 0, ASID);
    out->world = ste->world;
    out->aset = CD(&x, 0, ASET);
    out->s = CD(&x, 0, S);
    out->r = CD(&x, 0, REC);
    out->a = CD(&x, 0, A);
    out->mair = raw[3];
    cd_take_half(&x, &x.lo, &out->half[0]);
    cd_take_half(&x, &x.hi, &out->half[1]);
    return true;
}

IM_RULE(SMMU_CD_HALF);
IM_RULE(SMMU_CD_TBI);
int im_smmu_cd_half(const ImSmmuCd *cd, uint64_t addr, bool priv)
{
    bool one = cd->world == IM_SMMU_NS_EL2;
    int i = one ? 0 : (int)(addr >> 55 & 1);
    unsigned hi = cd->half[i].tbi ? 55 : 63;
    uint64_t top;

    if (!cd->half[i].enabled || (cd->half[i].e0pd && !priv)) {
        return -1;
    }
    top = IM_BITS(hi, 64 - cd->half[i].tsz);
    return (addr & top) == (i ? top : 0) ? i : -1;
}

/* --- for people --------------------------------------------------------- */

const ImFieldRow *const im_smmu_cd_fields[8] = {
    IM_FIELDS(SMMU_CD0), IM_FIELDS(SMMU_CD1), IM_FIELDS(SMMU_CD2),
    IM_FIELDS(SMMU_CD3), IM_FIELDS(SMMU_CD4), IM_FIELDS(SMMU_CD5),
    IM_FIELDS(SMMU_CD6), IM_FIELDS(SMMU_CD7),
};

const char *im_smmu_cd_text(ImClause clause)
{
    static const ImSmmuRuleText rows[] = { RULES(IM_SMMU_RULE_TEXT) };

    return im_smmu_rule_text(rows, G_N_ELEMENTS(rows), clause);
}
