/*
 * Explanations: for each event and each kind of request the clause that
 * decided, and the field that it judged, held against what the unit does.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/smmu_told.h"
#include "lib/spec.h"

typedef struct Case {
    ImClause clause;
    const char *path;
    SwKind kind;
    ImAt at;
    ImAccess access;
    unsigned code;              /* event; 0: none */
    const char *note;           /* part of it */
    void (*make)(SWorld *w, ImTxn *t);
    void (*after)(SWorld *w, ImTxn *t);     /* SMMUEN is set */
    SwShape shape;
} Case;

#define MAKE(name, what)                                                  \
    static void name(SWorld *w G_GNUC_UNUSED, ImTxn *t G_GNUC_UNUSED)     \
    {                                                                     \
        what;                                                             \
    }

static void flip(SWorld *w, uint64_t at, uint64_t bits)
{
    rig_w64(w->r, at, rig_r64(w->r, at) ^ bits);
}

/* The descriptor of stage 2 for the page that an entry of stage 1 is in. */
static uint64_t s2_of_s1(SWorld *w, unsigned level)
{
    return sw_s2_desc(w, sw_s1_desc(w, w->iova, level) + w->bias, 3);
}

#define STE(field, val)  rig_put(w->r, w->ste, field, val)
#define CD(field, val)   rig_put(w->r, w->cd, field, val)
#define S1(level, bits)  flip(w, sw_s1_desc(w, w->iova, level), bits)
#define S2(level, bits)  flip(w, sw_s2_desc(w, w->ipa, level), bits)

MAKE(nothing, )
MAKE(exec, t->exec = true)
MAKE(priv, t->priv = true)
MAKE(priv_exec, {
    t->priv = t->exec = true;
    S1(3, D_AP1);
})

/* --- before any table --------------------------------------------------- */

MAKE(smmuen_0, sb_cr0(w->r, CR0_SMMUEN, false))
MAKE(gbpa_abort, {
    smmuen_0(w, t);
    rig_set32(w->r, SR_GBPA, GBPA_ABORT | GBPA_UPDATE);
})
MAKE(gbpa_far, {
    smmuen_0(w, t);
    t->addr = UINT64_C(1) << 48;
})
MAKE(at_reserved, t->at = IM_AT_RESERVED)
MAKE(long_request, t->len = 72)
MAKE(one_byte, t->len = 1)
MAKE(atschk, w->cr0 |= CR0_ATSCHK)
MAKE(eats_full, {
    atschk(w, t);
    STE(STE_EATS, 1);
})
MAKE(eats_split, {
    atschk(w, t);
    STE(STE_EATS, 2);
    t->addr = w->ipa;
})
MAKE(eats_off, {
    atschk(w, t);
    STE(STE_EATS, 0);
})
MAKE(eats_unchecked, STE(STE_EATS, 2))
MAKE(far_pa, t->addr = UINT64_C(1) << 50)

/* --- structures --------------------------------------------------------- */

MAKE(other_stream, t->segment = 1)
MAKE(span_0, rig_put(w->r, w->l1std, L1STD_SPAN, 0))
MAKE(span_12, rig_put(w->r, w->l1std, L1STD_SPAN, 12))
MAKE(span_11, rig_put(w->r, w->l1std, L1STD_SPAN, 11))
MAKE(span_1, rig_put(w->r, w->l1std, L1STD_SPAN, 1))
MAKE(no_ste, rig_put(w->r, w->l1std, L1STD_L2PTR, w->r->ram_top >> 6))
MAKE(no_l1std, w->strtab = w->r->ram_top)
MAKE(ste_v, STE(STE_V, 0))
MAKE(ste_t0sz, STE(STE_S2T0SZ, 3))
MAKE(abort_all, STE(STE_CONFIG, CONFIG_ABORT))
MAKE(no_ssid, t->has_pasid = false)
MAKE(ssid_0, {
    STE(STE_S1DSS, 2);
    t->pasid = 0;
})
MAKE(ssid_far, t->pasid = 0x100)
MAKE(any_ssid, {
    t->has_pasid = true;
    t->pasid = 1;
})
MAKE(ctx_nowhere, STE(STE_S1CTXPTR, w->r->ram_top >> 6))
MAKE(l1cd_v, rig_put(w->r, w->cdtab + 8 * (w->ssid >> 6), L1CD_V, 0))
MAKE(l1cd_far, rig_put(w->r, w->cdtab + 8 * (w->ssid >> 6), L1CD_L2PTR,
                       UINT64_C(1) << 38))
MAKE(cd_v, CD(CD_V, 0))
MAKE(cd_tsz, CD(CD_T0SZ, 50))
MAKE(cd_epd, CD(CD_EPD0, 1))
MAKE(cd_e0pd, CD(CD_E0PD0, 1))
MAKE(va_far, t->addr = UINT64_C(1) << 50)
MAKE(dss_bypass, {
    STE(STE_S1DSS, 1);
    t->has_pasid = false;
})
MAKE(bypass_far, t->addr = UINT64_C(1) << 48)
MAKE(s2_range, {
    STE(STE_S2T0SZ, 20);
    t->addr = UINT64_C(1) << 45;
})

/* --- walks -------------------------------------------------------------- */

MAKE(s1_valid, S1(3, D_V))
MAKE(s1_valid_l1, S1(1, D_V))
MAKE(s1_type, S1(3, D_TABLE))
MAKE(s1_block, S1(0, D_TABLE))
MAKE(s1_eabt,
     rig_w64(w->r, sw_s1_desc(w, w->iova, 1), w->r->ram_top | D_TABLE | D_V))
MAKE(s1_size, {
    CD(CD_IPS, 0);
    S1(3, DB(33));
})
MAKE(s1_af, S1(3, D_AF))
MAKE(s1_ap1, S1(3, D_AP1))
MAKE(s1_ap2, S1(3, D_AP2))
MAKE(s1_taptable0, S1(1, D_TAP1))
MAKE(s1_taptable1, S1(2, D_TAP2))
MAKE(s1_uxn, {
    t->exec = true;
    S1(3, D_UXN);
})
MAKE(s1_uxntable, {
    t->exec = true;
    S1(0, D_TUXN);
})
MAKE(s1_pxn, {
    priv_exec(w, t);
    S1(3, D_PXN);
})
MAKE(s1_pxntable, {
    priv_exec(w, t);
    S1(2, D_TPXN);
})
MAKE(s1_user_writable, t->priv = t->exec = true)
MAKE(s1_wxn, {
    t->exec = true;
    CD(CD_WXN, 1);
})
MAKE(s1_pan, {
    t->priv = true;
    CD(CD_PAN, 1);
})
MAKE(s1_clean, {
    CD(CD_HA, 1);
    CD(CD_HD, 1);
    S1(3, D_AP2 | D_DBM);
})
MAKE(el2_xn, {
    STE(STE_STRW, 2);
    t->exec = true;
    S1(3, D_UXN);
})

MAKE(s2_valid, S2(3, D_V))
MAKE(s2_eabt,
     rig_w64(w->r, sw_s2_desc(w, w->ipa, 2), w->r->ram_top | D_TABLE | D_V))
MAKE(s2_size, {
    STE(STE_S2PS, 1);
    S2(3, DB(37));
})
MAKE(s2_af, S2(3, D_AF))
MAKE(s2_ap0, S2(3, D_S2R))
MAKE(s2_ap1, S2(3, D_S2W))
MAKE(s2_xn, {
    t->exec = true;
    S2(3, D_S2XN1);
})

MAKE(tt_valid, flip(w, s2_of_s1(w, 2), D_V))
MAKE(tt_ap0, flip(w, s2_of_s1(w, 2), D_S2R))
MAKE(tt_device, {
    STE(STE_S2PTW, 1);
    flip(w, s2_of_s1(w, 2), D_S2MEM(0xf));
})
MAKE(tt_update, {
    s1_clean(w, t);
    flip(w, s2_of_s1(w, 3), D_S2W);
})
MAKE(ipa_range, S1(3, DB(45)); STE(STE_S2T0SZ, 20))
MAKE(cd_s2, flip(w, sw_s2_desc(w, w->cd + w->bias, 3), D_V))
MAKE(cd_s2_ap0, flip(w, sw_s2_desc(w, w->cd + w->bias, 3), D_S2R))

/* --- how a fault ends --------------------------------------------------- */

MAKE(cd_a, {
    s1_valid(w, t);
    CD(CD_A, 0);
})
MAKE(cd_r, {
    s1_valid(w, t);
    CD(CD_R, 0);
})
MAKE(cd_s, {
    s1_valid(w, t);
    CD(CD_S, 1);
})
MAKE(s2r, {
    s2_valid(w, t);
    STE(STE_S2R, 0);
})
MAKE(s2s, {
    s2_valid(w, t);
    STE(STE_S2S, 1);
    STE(STE_EATS, 0);
})

/* --- translation requests ----------------------------------------------- */

#define ATS(name, also) \
    MAKE(ats_##name, { eats_full(w, t); also; })

ATS(plain, )
ATS(read_only, s1_ap2(w, t))
ATS(nw, {
    s1_ap2(w, t);
    t->no_write = true;
})
ATS(s2_read_only, s2_ap1(w, t))
ATS(no_user, s1_ap1(w, t))
ATS(exec, s1_uxn(w, t))
ATS(valid, s1_valid(w, t))
ATS(s2_valid, s2_valid(w, t))
ATS(af, s1_af(w, t))
ATS(update, tt_update(w, t))
ATS(bypass, dss_bypass(w, t))
MAKE(ats_split, {
    atschk(w, t);
    STE(STE_EATS, 2);
})

#define TWO_LEVELS  .shape = { .s1fmt = 1, .s1cdmax = 12 }

#define U   IM_AT_UNTRANSLATED
#define T   IM_AT_TRANSLATION
#define D   IM_AT_TRANSLATED

static const Case cases[] = {
    /* granted */
    { SPEC(SMMU_VMSA_AP), "s1", SW_S1, U, IM_READ, 0,
      "read, write and execution granted: by S1-L3", nothing },
    { SPEC(SMMU_VMSA_AP), "s1-write", SW_S1, U, IM_WRITE, 0, "by S1-L3", priv },
    { SPEC(SMMU_VMSA_XN), "s1-exec", SW_S1, U, IM_READ, 0, "by S1-L3", exec },
    { SPEC(SMMU_VMSA_S2AP), "s2", SW_S2, U, IM_ATOMIC, 0, "by S2-L3", nothing },
    { SPEC(SMMU_VMSA_S2AP), "nested", SW_NESTED, U, IM_WRITE, 0,
      "by S1-L3 and S2-L3", nothing },
    { SPEC(SMMU_VMSA_XNX), "nested-exec", SW_NESTED, U, IM_READ, 0,
      "by S1-L3 and S2-L3", exec },
    { SPEC(SMMU_ROUTE_BYPASS), "bypass", SW_BYPASS, U, IM_WRITE, 0,
      "read and write granted", no_ssid },
    { SPEC(SMMU_ROUTE_BYPASS), "s1dss", SW_S1, U, IM_WRITE, 0,
      "read and write granted", dss_bypass },
    { SPEC(SMMU_ROUTE_GBPA), "gbpa", SW_S1, U, IM_WRITE, 0,
      "read and write granted", nothing, smmuen_0 },
    { SPEC(SMMU_VMSA_AP), "clean", SW_S1, U, IM_READ, 0,
      "read and execution granted: by S1-L3", s1_clean },

    /* before any table */
    { SPEC(SMMU_ROUTE_GBPA), "gbpa-abort", SW_S1, U, IM_READ, 0,
      "terminated; not recorded: GBPA.ABORT=1", nothing, gbpa_abort },
    { SPEC(SMMU_ROUTE_GBPA), "gbpa-far", SW_S1, U, IM_READ, 0,
      "terminated; not recorded: address beyond OAS", nothing, gbpa_far },
    { SPEC(SMMU_ROUTE_SMMUEN), "ats", SW_S1, T, IM_READ, EV_BAD_ATS_TREQ,
      "CR0.SMMUEN=0", nothing, smmuen_0 },
    { SPEC(SMMU_ROUTE_SMMUEN), "translated", SW_S1, D, IM_READ,
      EV_TRANSL_FORBIDDEN, "CR0.SMMUEN=0", nothing, smmuen_0 },
    { SPEC(SMMU_ROUTE_UUT), "at", SW_S1, U, IM_READ, EV_UUT,
      "AT=11 is reserved", at_reserved },
    { SPEC(SMMU_ROUTE_UUT), "one-byte", SW_S1, T, IM_READ, EV_UUT,
      "multiples of 8", one_byte },
    { SPEC(SMMU_ROUTE_UUT), "too-long", SW_S1, T, IM_READ, EV_UUT,
      "8 to 64 bytes", long_request },

    /* structures */
    { SPEC(SMMU_ROUTE_STREAMID), "beyond", SW_S1, U, IM_READ, EV_BAD_STREAMID,
      "STRTAB_BASE_CFG: StreamID beyond LOG2SIZE", other_stream },
    { SPEC(SMMU_ROUTE_SPAN), "span-0", SW_S1, U, IM_READ, EV_BAD_STREAMID,
      "L1STD: Span=0", span_0 },
    { SPEC(SMMU_ROUTE_SPAN), "span-reserved", SW_S1, U, IM_READ,
      EV_BAD_STREAMID, "L1STD: Span is reserved", span_12 },
    { SPEC(SMMU_ROUTE_SPAN), "span-split", SW_S1, U, IM_READ, EV_BAD_STREAMID,
      "L1STD: Span is above SPLIT + 1", span_11 },
    { SPEC(SMMU_ROUTE_SPAN), "beyond-span", SW_S1, U, IM_READ, EV_BAD_STREAMID,
      "L1STD: StreamID beyond Span", span_1 },
    { SPEC(SMMU_EVENT_F_STE_FETCH), "ste", SW_S1, U, IM_READ, EV_STE_FETCH,
      "STE: could not be read", no_ste },
    { SPEC(SMMU_EVENT_F_STE_FETCH), "l1std", SW_S1, U, IM_READ, EV_STE_FETCH,
      "L1STD: could not be read", no_l1std },
    { SPEC(SMMU_STE_V), "v", SW_S1, U, IM_READ, EV_BAD_STE, "STE: V=0", ste_v },
    { SPEC(SMMU_STE_S2T0SZ), "s2t0sz", SW_S2, U, IM_READ, EV_BAD_STE,
      "STE: S2T0SZ is out of range", ste_t0sz },
    { SPEC(SMMU_ROUTE_CONFIG_ABORT), "abort", SW_S1, U, IM_READ, 0,
      "terminated; not recorded: STE.Config=0xx, abort", abort_all },
    { SPEC(SMMU_ROUTE_CONFIG_ABORT), "ats", SW_S1, T, IM_READ, 0,
      "terminated; not recorded", abort_all },
    { SPEC(SMMU_ROUTE_S1DSS), "none", SW_S1, U, IM_READ, EV_STREAM_DISABLED,
      "STE: S1DSS=00, no SubstreamID", no_ssid },
    { SPEC(SMMU_ROUTE_S1DSS), "zero", SW_S1, U, IM_READ, EV_STREAM_DISABLED,
      "STE: S1DSS=10, SubstreamID 0", ssid_0 },
    { SPEC(SMMU_ROUTE_SUBSTREAM), "beyond", SW_S1, U, IM_READ,
      EV_BAD_SUBSTREAMID, "STE: SubstreamID beyond S1CDMax", ssid_far },
    { SPEC(SMMU_ROUTE_SUBSTREAM), "no-stage-1", SW_S2, U, IM_READ,
      EV_BAD_SUBSTREAMID, "STE: Config: no stage 1", any_ssid },
    { SPEC(SMMU_EVENT_F_CD_FETCH), "cd", SW_S1, U, IM_READ, EV_CD_FETCH,
      "CD: could not be read", ctx_nowhere },
    { SPEC(SMMU_ROUTE_L1CD), "valid", SW_S1, U, IM_READ, EV_BAD_SUBSTREAMID,
      "L1CD: V=0", l1cd_v, TWO_LEVELS },
    { SPEC(SMMU_ROUTE_L1CD), "pointer", SW_S1, U, IM_READ, EV_BAD_SUBSTREAMID,
      "L1CD: L2Ptr is beyond OAS", l1cd_far, TWO_LEVELS },
    { SPEC(SMMU_EVENT_F_CD_FETCH), "l1cd", SW_S1, U, IM_READ, EV_CD_FETCH,
      "L1CD: could not be read", ctx_nowhere, TWO_LEVELS },
    { SPEC(SMMU_CD_V), "v", SW_S1, U, IM_READ, EV_BAD_CD, "CD: V=0", cd_v },
    { SPEC(SMMU_CD_TSZ), "t0sz", SW_S1, U, IM_READ, EV_BAD_CD,
      "CD: T0SZ or T1SZ is out of range", cd_tsz },
    { SPEC(SMMU_CD_EPD), "epd", SW_S1, U, IM_READ, EV_TRANSLATION, "CD: EPD0=1",
      cd_epd },
    { SPEC(SMMU_CD_E0PD), "e0pd", SW_S1, U, IM_READ, EV_TRANSLATION,
      "CD: E0PD0=1", cd_e0pd },
    { SPEC(SMMU_CD_HALF), "range", SW_S1, U, IM_READ, EV_TRANSLATION,
      "address beyond CD.T0SZ", va_far },
    { SPEC(SMMU_ROUTE_IAS), "bypass", SW_BYPASS, U, IM_READ, EV_ADDR_SIZE,
      "address beyond OAS", bypass_far },
    { SPEC(SMMU_VMSA_S2_RANGE), "range", SW_S2, U, IM_READ, EV_TRANSLATION,
      "address beyond STE.S2T0SZ", s2_range },

    /* stage 1 */
    { SPEC(SMMU_VMSA_INVALID), "s1", SW_S1, U, IM_READ, EV_TRANSLATION,
      "no translation for the address: S1-L3: VALID=0", s1_valid },
    { SPEC(SMMU_VMSA_INVALID), "s1-table", SW_NESTED, U, IM_WRITE,
      EV_TRANSLATION, "S1-L1: VALID=0", s1_valid_l1 },
    { SPEC(SMMU_VMSA_INVALID), "s1-type", SW_S1, U, IM_READ, EV_TRANSLATION,
      "S1-L3: TYPE=0", s1_type },
    { SPEC(SMMU_VMSA_BLOCK), "s1", SW_S1, U, IM_READ, EV_TRANSLATION,
      "S1-L0: TYPE=0: no block", s1_block },
    { SPEC(SMMU_EVENT_F_WALK_EABT), "s1", SW_S1, U, IM_READ, EV_WALK_EABT,
      "S1-L2: could not be read", s1_eabt },
    { SPEC(SMMU_VMSA_ADDR_SIZE), "s1", SW_S1, U, IM_READ, EV_ADDR_SIZE,
      "S1-L3: address beyond IPS", s1_size },
    { SPEC(SMMU_VMSA_AF), "s1", SW_S1, U, IM_READ, EV_ACCESS, "S1-L3: AF=0",
      s1_af },
    { SPEC(SMMU_VMSA_AP), "ap1", SW_S1, U, IM_READ, EV_PERMISSION,
      "S1-L3: AP[1]=0", s1_ap1 },
    { SPEC(SMMU_VMSA_AP), "ap2", SW_S1, U, IM_WRITE, EV_PERMISSION,
      "S1-L3: AP[2]=1", s1_ap2 },
    { SPEC(SMMU_VMSA_AP), "ap2-atomic", SW_NESTED, U, IM_ATOMIC, EV_PERMISSION,
      "S1-L3: AP[2]=1", s1_ap2 },
    { SPEC(SMMU_VMSA_TABLE_ATTR), "aptable0", SW_S1, U, IM_READ, EV_PERMISSION,
      "S1-L1: APTable[0]=1", s1_taptable0 },
    { SPEC(SMMU_VMSA_TABLE_ATTR), "aptable1", SW_S1, U, IM_WRITE, EV_PERMISSION,
      "S1-L2: APTable[1]=1", s1_taptable1 },
    { SPEC(SMMU_VMSA_XN), "uxn", SW_S1, U, IM_READ, EV_PERMISSION,
      "S1-L3: UXN=1", s1_uxn },
    { SPEC(SMMU_VMSA_TABLE_ATTR), "uxntable", SW_S1, U, IM_READ, EV_PERMISSION,
      "S1-L0: UXNTable=1", s1_uxntable },
    { SPEC(SMMU_VMSA_XN), "pxn", SW_S1, U, IM_READ, EV_PERMISSION,
      "S1-L3: PXN=1", s1_pxn },
    { SPEC(SMMU_VMSA_TABLE_ATTR), "pxntable", SW_S1, U, IM_READ, EV_PERMISSION,
      "S1-L2: PXNTable=1", s1_pxntable },
    { SPEC(SMMU_VMSA_XN), "user-writable", SW_S1, U, IM_READ, EV_PERMISSION,
      "S1-L3: AP[2:1]=01", s1_user_writable },
    { SPEC(SMMU_VMSA_XN), "el2", SW_S1, U, IM_READ, EV_PERMISSION,
      "S1-L3: XN=1", el2_xn },
    { SPEC(SMMU_VMSA_WXN), "wxn", SW_S1, U, IM_READ, EV_PERMISSION,
      "S1-L3: AP[2]=0, and CD.WXN=1", s1_wxn },
    { SPEC(SMMU_VMSA_PAN), "pan", SW_S1, U, IM_READ, EV_PERMISSION,
      "S1-L3: AP[1]=1, and CD.PAN=1", s1_pan },

    /* stage 2 */
    { SPEC(SMMU_VMSA_INVALID), "s2", SW_S2, U, IM_READ, EV_TRANSLATION,
      "S2-L3: VALID=0", s2_valid },
    { SPEC(SMMU_VMSA_INVALID), "s2-nested", SW_NESTED, U, IM_READ,
      EV_TRANSLATION, "S2-L3: VALID=0", s2_valid },
    { SPEC(SMMU_EVENT_F_WALK_EABT), "s2", SW_S2, U, IM_READ, EV_WALK_EABT,
      "S2-L3: could not be read", s2_eabt },
    { SPEC(SMMU_VMSA_ADDR_SIZE), "s2", SW_S2, U, IM_READ, EV_ADDR_SIZE,
      "S2-L3: address beyond S2PS", s2_size },
    { SPEC(SMMU_VMSA_AF), "s2", SW_NESTED, U, IM_READ, EV_ACCESS, "S2-L3: AF=0",
      s2_af },
    { SPEC(SMMU_VMSA_S2AP), "s2ap0", SW_S2, U, IM_READ, EV_PERMISSION,
      "S2-L3: S2AP[0]=0", s2_ap0 },
    { SPEC(SMMU_VMSA_S2AP), "s2ap1", SW_NESTED, U, IM_WRITE, EV_PERMISSION,
      "S2-L3: S2AP[1]=0", s2_ap1 },
    { SPEC(SMMU_VMSA_XNX), "xn", SW_NESTED, U, IM_READ, EV_PERMISSION,
      "S2-L3: XN=10", s2_xn },
    { SPEC(SMMU_VMSA_INVALID), "tt", SW_NESTED, U, IM_READ, EV_TRANSLATION,
      "S2-L3: VALID=0, of the place of S1-L2", tt_valid },
    { SPEC(SMMU_VMSA_S2AP), "tt", SW_NESTED, U, IM_READ, EV_PERMISSION,
      "S2-L3: S2AP[0]=0, of the place of S1-L2", tt_ap0 },
    { SPEC(SMMU_STE_S2PTW), "tt", SW_NESTED, U, IM_READ, EV_PERMISSION,
      "S2-L3: MEMATTR is Device, and STE.S2PTW=1, of the place of S1-L2",
      tt_device },
    { SPEC(SMMU_VMSA_NESTED_HTTU), "tt", SW_NESTED, U, IM_WRITE, EV_PERMISSION,
      "S2-L3: S2AP[1]=0, of the place of S1-L3", tt_update },
    { SPEC(SMMU_VMSA_S2_RANGE), "ipa", SW_NESTED, U, IM_READ, EV_TRANSLATION,
      "IPA beyond STE.S2T0SZ", ipa_range },
    { SPEC(SMMU_VMSA_INVALID), "cd", SW_NESTED, U, IM_READ, EV_TRANSLATION,
      "S2-L3: VALID=0, of the place of the CD", cd_s2 },
    { SPEC(SMMU_VMSA_S2AP), "cd", SW_NESTED, U, IM_READ, EV_PERMISSION,
      "S2-L3: S2AP[0]=0, of the place of the CD", cd_s2_ap0 },

    /* how it ends */
    { SPEC(SMMU_VMSA_INVALID), "raz-wi", SW_S1, U, IM_READ, EV_TRANSLATION,
      "S1-L3: VALID=0; reads as zero, writes are ignored: CD.A=0", cd_a },
    { SPEC(SMMU_VMSA_INVALID), "unrecorded", SW_S1, U, IM_READ, EV_TRANSLATION,
      "S1-L3: VALID=0; not recorded: CD.R=0", cd_r },
    { SPEC(SMMU_VMSA_INVALID), "stall", SW_S1, U, IM_READ, EV_TRANSLATION,
      "S1-L3: VALID=0; stalls if the requester can wait: CD.S=1", cd_s },
    { SPEC(SMMU_VMSA_INVALID), "s2-unrecorded", SW_S2, U, IM_READ,
      EV_TRANSLATION, "S2-L3: VALID=0; not recorded: STE.S2R=0", s2r },
    { SPEC(SMMU_VMSA_INVALID), "s2-stall", SW_S2, U, IM_READ, EV_TRANSLATION,
      "stalls if the requester can wait: STE.S2S=1", s2s },

    /* translation requests */
    { SPEC(SMMU_ATS_GRANT), "both", SW_NESTED, T, IM_READ, 0,
      "read and write granted: by S1-L3 and S2-L3", ats_plain },
    { SPEC(SMMU_ATS_GRANT), "read-only", SW_S1, T, IM_READ, 0,
      "read granted: S1-L3: AP[2]=1, so no write", ats_read_only },
    { SPEC(SMMU_ATS_GRANT), "nw", SW_S1, T, IM_READ, 0,
      "read granted: by S1-L3", ats_nw },
    { SPEC(SMMU_ATS_GRANT), "s2-read-only", SW_NESTED, T, IM_READ, 0,
      "read granted: S2-L3: S2AP[1]=0, so no write", ats_s2_read_only },
    { SPEC(SMMU_ATS_GRANT), "exec", SW_S1, T, IM_READ, 0,
      "read and write granted: S1-L3: UXN=1, so no execution", ats_exec },
    { SPEC(SMMU_VMSA_AP), "ats-no-user", SW_S1, T, IM_READ, EV_PERMISSION,
      "nothing granted: S1-L3: AP[1]=0", ats_no_user },
    { SPEC(SMMU_VMSA_INVALID), "ats", SW_S1, T, IM_READ, EV_TRANSLATION,
      "nothing granted: S1-L3: VALID=0", ats_valid },
    { SPEC(SMMU_VMSA_INVALID), "ats-s2", SW_NESTED, T, IM_READ, EV_TRANSLATION,
      "nothing granted: S2-L3: VALID=0", ats_s2_valid },
    { SPEC(SMMU_VMSA_AF), "ats", SW_S1, T, IM_READ, EV_ACCESS,
      "nothing granted: S1-L3: AF=0", ats_af },
    { SPEC(SMMU_VMSA_NESTED_HTTU), "ats", SW_NESTED, T, IM_READ, EV_PERMISSION,
      "nothing granted: S2-L3: S2AP[1]=0, of the place of "
      "S1-L3",
      ats_update },
    { SPEC(SMMU_ROUTE_BYPASS), "ats", SW_S1, T, IM_READ, 0,
      "read and write granted", ats_bypass },
    { SPEC(SMMU_ATS_GRANT), "split", SW_NESTED, T, IM_READ, 0,
      "read and write granted: by S1-L3 and S2-L3", ats_split },
    { SPEC(SMMU_ATS_EATS), "ats-off", SW_S1, T, IM_READ, EV_BAD_ATS_TREQ,
      "STE.EATS=0", eats_off },
    { SPEC(SMMU_ATS_EATS), "ats-unchecked", SW_NESTED, T, IM_READ,
      EV_BAD_ATS_TREQ, "STE.EATS=2, and CR0.ATSCHK=0", eats_unchecked },
    { SPEC(SMMU_STE_V), "ats", SW_S1, T, IM_READ, EV_BAD_STE, "STE: V=0",
      ste_v },

    /* translated */
    { SPEC(SMMU_ATS_ATSCHK), "unchecked", SW_S1, D, IM_WRITE, 0,
      "read and write granted", nothing },
    { SPEC(SMMU_ATS_ATSCHK), "far", SW_S1, D, IM_WRITE, 0,
      "terminated; not recorded: address beyond OAS", far_pa },
    { SPEC(SMMU_ATS_TRANSLATED), "checked", SW_S1, D, IM_WRITE, 0,
      "read and write granted", eats_full },
    { SPEC(SMMU_ATS_EATS), "translated-off", SW_S1, D, IM_READ,
      EV_TRANSL_FORBIDDEN, "STE.EATS=0", eats_off },
    { SPEC(SMMU_VMSA_S2AP), "translated", SW_NESTED, D, IM_WRITE, 0, "by S2-L3",
      eats_split },
};

static void run(const void *data)
{
    const Case *c = data;
    bool ssid = c->kind == SW_S1 || c->kind == SW_NESTED;
    g_autoptr(SWorld) w = sw_new_off(NULL, c->kind, ssid, &c->shape);
    ImTxn t = sw_txn(w, c->at, c->access);
    bool quiet;
    SmmuTold told;
    ImXlat x;

    c->make(w, &t);
    sw_on(w);
    if (c->after) {
        c->after(w, &t);
    }
    x = st_translate(w, &t, &told, c->path);
    g_assert_cmphex(x.fault, ==, c->code);
    g_assert_cmpint(told.clause, ==, c->clause);
    if (!strstr(told.note, c->note)) {
        g_test_message("explained as \"%s\"", told.note);
        g_test_fail();
    }
    /* What is said of records is so. */
    quiet = x.status == IM_OK || strstr(told.note, "not recorded");
    g_assert_cmpuint(sb_events(w->r), ==, !quiet);
    sb_events_clear(w->r);
    sb_gerror_ack(w->r);
}

/* A requester that can wait is stalled; its explanation is the fault's. */
static void stalled(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, NULL);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    SmmuTold told;
    ImXlat x;

    cd_s(w, &t);
    sw_on(w);
    t.may_stall = true;
    x = st_translate(w, &t, &told, "stalled");
    g_assert_cmpuint(x.status, ==, IM_PENDING);
    g_assert_cmpuint(told.xlat.status, ==, IM_FAULT);
    g_assert_cmphex(told.xlat.fault, ==, EV_TRANSLATION);
    sb_events_clear(w->r);
    sb_cr0(w->r, CR0_SMMUEN, false);
}

/* Every level of both stages is read, and decoded. */
static void every_read(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_NESTED, true);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    SmmuTold told;

    st_explain(w, &t, &told);
    /* L1STD, STE, CD behind 4, 4 entries behind 4 each, and the page's 4 */
    g_assert_cmpuint(told.reads, ==, 2 + 5 + 4 * 5 + 4);
    g_assert_cmpstr(told.last_read, ==, "S2-L3");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("explain-%s", cases[i].path);

        spec_table_row(&cases[i], path, run);
    }
    spec_test(SMMU_ROUTE_STALL, "explain", stalled);
    spec_test(SMMU_ROUTE_CD_STAGE2, "explain-reads", every_read);
    return g_test_run();
}
