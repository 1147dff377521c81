/*
 * Context Descriptor, 5.4: what is ILLEGAL, what is IGNORED, what is capped.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/fmt/smmu_int.h"
#include "im/spec/smmu_tables.h.inc"

IM_LAYOUT(SMMU_CD0);
IM_LAYOUT(SMMU_CD1);
IM_LAYOUT(SMMU_CD2);
IM_LAYOUT(SMMU_CD3);
IM_LAYOUT(SMMU_CD4);
IM_LAYOUT(SMMU_CD5);

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
    Half half[2];
} Cd;

#define CD(x, word, field)  ((unsigned)IM_GET((x)->raw[word], SMMU_CD_##field))

/* EL2 without E2H: one table, no ASID, no EPD, no E0PD, no PAN. */
static bool el2(const Cd *x)
{
    return x->ste->world == IM_SMMU_NS_EL2;
}

/* --- ILLEGAL ------------------------------------------------------------- */

static bool bad_v(const Cd *x)
{
    return !CD(x, 0, V);
}

static bool bad_s(const Cd *x)
{
    unsigned model = IDR(x->ids, 0, STALL_MODEL);
    bool s = CD(x, 0, S);

    return (s && (x->ste->s1stalld || model == STALL_NONE)) ||
           (!s && model == STALL_FORCED);
}

static bool bad_a(const Cd *x)
{
    return IDR(x->ids, 0, TERM_MODEL) && !CD(x, 0, A);
}

/* Tables of mixed endianness are not offered. */
static bool bad_endi(const Cd *x)
{
    return (x->half[0].used || x->half[1].used) &&
           CD(x, 0, ENDI) != (IDR(x->ids, 0, TTENDIAN) == TTENDIAN_BIG);
}

/* VMSAv8-32 is not implemented, whatever TTF says. */
static bool bad_aa64(const Cd *x)
{
    return !CD(x, 0, AA64) || !(IDR(x->ids, 0, TTF) & 2);
}

static bool bad_httu(const Cd *x)
{
    unsigned httu = IDR(x->ids, 0, HTTU);

    return (CD(x, 0, HA) && httu < HTTU_AF) ||
           (CD(x, 0, HD) && httu < HTTU_DIRTY);
}

static bool bad_haft(const Cd *x)
{
    return IDR(x->ids, 0, HTTU) == HTTU_HAFT && CD(x, 1, HAFT) &&
           !CD(x, 0, HA);
}

static bool bad_asid(const Cd *x)
{
    return !el2(x) && !IDR(x->ids, 0, ASID16) && CD(x, 0, ASID) > 0xff;
}

static bool bad_tg(const Cd *x)
{
    return (x->half[0].used && x->half[0].granule < 0) ||
           (x->half[1].used && x->half[1].granule < 0);
}

static bool bad_half_tsz(const Cd *x, const Half *h)
{
    unsigned low = IDR(x->ids, 5, VAX) && h->granule == 2 ? 12 : 16;

    return h->used && (h->tsz < low ||
                       h->tsz > im_smmu_tsz_max(x->ids, h->granule));
}

static bool bad_tsz(const Cd *x)
{
    return bad_half_tsz(x, &x->half[0]) || bad_half_tsz(x, &x->half[1]);
}

static bool bad_half_ttb(const Cd *x, const Half *h)
{
    return h->used && im_smmu_ttb_beyond(h->ttb, h->granule, x->ips);
}

static bool bad_ttb(const Cd *x)
{
    return bad_half_ttb(x, &x->half[0]) || bad_half_ttb(x, &x->half[1]);
}

typedef struct Rule {
    const char *clause;
    bool (*broken)(const Cd *x);
} Rule;

#define RULE(tag, fn)  { #tag, fn }

/* 5.4.2. A later one may rely on those before it. */
static const Rule rules[] = {
    RULE(SMMU_CD_V, bad_v),
    RULE(SMMU_CD_S, bad_s),
    RULE(SMMU_CD_A, bad_a),
    RULE(SMMU_CD_ENDI, bad_endi),
    RULE(SMMU_CD_AA64, bad_aa64),
    RULE(SMMU_CD_HTTU, bad_httu),
    RULE(SMMU_CD_HAFT, bad_haft),
    RULE(SMMU_CD_ASID, bad_asid),
    RULE(SMMU_CD_TG, bad_tg),
    RULE(SMMU_CD_TSZ, bad_tsz),
    RULE(SMMU_CD_TTB, bad_ttb),
};

/* --- what is left -------------------------------------------------------- */

static Cd begin(const ImSmmuIds *ids, const ImSmmuSte *ste,
                const uint64_t raw[8])
{
    /* TG1 has encodings of its own: these are TG0's. */
    static const uint8_t tg1[] = { 3, 2, 0, 1 };
    Cd x = { .ids = ids, .ste = ste, .raw = raw };
    bool two = !el2(&x);

    x.ips = im_smmu_size(ids, CD(&x, 0, IPS));      /* CLAUSE(SMMU_CD_IPS) */
    x.half[0] = (Half){
        /* CLAUSE(SMMU_CD_EPD) */
        .used = !(two && CD(&x, 0, EPD0)),
        .tsz = CD(&x, 0, T0SZ),
        .granule = im_smmu_granule(ids, CD(&x, 0, TG0)),
        .ttb = raw[1] & IM_MASK(SMMU_CD_TTB0),
        .tbi = CD(&x, 0, TBI0), .had = CD(&x, 1, HAD0),
        .e0pd = CD(&x, 1, E0PD0),
    };
    x.half[1] = (Half){
        .used = two && !CD(&x, 0, EPD1),
        .tsz = CD(&x, 0, T1SZ),
        .granule = im_smmu_granule(ids, tg1[CD(&x, 0, TG1)]),
        .ttb = raw[2] & IM_MASK(SMMU_CD_TTB1),
        .tbi = CD(&x, 0, TBI1), .had = CD(&x, 2, HAD1),
        .e0pd = CD(&x, 2, E0PD1),
    };
    return x;
}

static uint32_t flags_of(const Cd *x, const Half *h)
{
    uint32_t flags = 0;

    if (CD(x, 0, HA)) {
        flags |= IM_VMSA_HA;
        flags |= CD(x, 0, HD) ? IM_VMSA_HD : 0;
        if (IDR(x->ids, 0, HTTU) == HTTU_HAFT && CD(x, 1, HAFT)) {
            flags |= IM_VMSA_HAFT;
        }
    } else if (CD(x, 0, AFFD)) {
        flags |= IM_VMSA_AFFD;          /* CLAUSE(SMMU_CD_AFFD) */
    }
    /* CLAUSE(SMMU_CD_HAD) */
    if (h->had && IDR(x->ids, 3, HAD)) {
        flags |= IM_VMSA_HAD;
    }
    if (CD(x, 0, WXN)) {
        flags |= IM_VMSA_WXN;
    }
    if (el2(x)) {
        flags |= IM_VMSA_ONE;
    } else if (CD(x, 0, PAN)) {
        flags |= IM_VMSA_PAN;
    }
    return flags;
}

static ImPtStage stage_of(const Cd *x, const Half *h)
{
    ImPtStage st = { .fmt = &im_vmsa_s1[h->granule],
                     .in_last = UINT64_MAX, .flags = flags_of(x, h) };
    unsigned bits = 64 - h->tsz - st.fmt->page_shift;

    st.top = (uint8_t)((bits - 1) / st.fmt->index_bits);
    st.top_bits = (uint8_t)(bits - st.top * st.fmt->index_bits);
    im_smmu_set_output(x->ids, &st, h->ttb, x->ips);
    return st;
}

bool im_smmu_cd_decode(const ImSmmuIds *ids, const ImSmmuSte *ste,
                       const uint64_t raw[8], ImSmmuCd *out,
                       const char **clause)
{
    Cd x = begin(ids, ste, raw);

    for (unsigned i = 0; i < G_N_ELEMENTS(rules); i++) {
        if (rules[i].broken(&x)) {
            *clause = rules[i].clause;
            return false;
        }
    }
    *out = (ImSmmuCd){
        .asid = el2(&x) ? 0 : (uint16_t)CD(&x, 0, ASID),
        .world = ste->world, .aset = CD(&x, 0, ASET),
        .s = CD(&x, 0, S), .r = CD(&x, 0, REC), .a = CD(&x, 0, A),
        .mair = raw[3],
    };
    for (unsigned i = 0; i < 2; i++) {
        const Half *h = &x.half[i];

        out->half[i].tbi = h->tbi;
        if (h->used) {
            out->half[i].enabled = true;
            out->half[i].tsz = (uint8_t)h->tsz;
            /* CLAUSE(SMMU_CD_E0PD) */
            out->half[i].e0pd = h->e0pd && !el2(&x) && IDR(ids, 3, E0PD);
            out->half[i].stage = stage_of(&x, h);
        }
    }
    return true;
}

/* CLAUSE(SMMU_CD_HALF), CLAUSE(SMMU_CD_TBI) */
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
