/*
 * Validity of stream table entries (5.2) and context descriptors
 * (5.4), field by field; which substream a request uses (3.3.2).
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/smmu_told.h"
#include "lib/spec.h"

#define CHANGE(name, what) \
    static void name(ImSmmuConfig *c) { what; im_smmu_config_prune(c); }

CHANGE(no_s1, c->stage1 = false)
CHANGE(no_s2, c->stage2 = false)
CHANGE(no_hyp, c->hyp = false)
CHANGE(no_ats, c->ats = false)
CHANGE(no_split, c->split_ats = false)
CHANGE(term_only, {
    c->stall_model = 1;
    c->stall_max = 0;
})
CHANGE(forced, {
    c->stall_model = 2;
    c->ats = false;
    c->pri = false;
})
CHANGE(ssid16, c->ssid_bits = 16)
CHANGE(ssid0, c->ssid_bits = 0)
CHANGE(no_cd2l, c->cd2l = false)
CHANGE(no_vmid16, c->vmid16 = false)
CHANGE(no_asid16, c->asid16 = false)
CHANGE(httu0, c->httu = 0)
CHANGE(httu1, c->httu = 1)
CHANGE(httu2, c->httu = 2)
CHANGE(no_4k, c->gran4k = false)
CHANGE(no_16k, c->gran16k = false)
CHANGE(no_64k, c->gran64k = false)
CHANGE(no_stt, c->stt = false)
CHANGE(oas40, c->oas = 40)
CHANGE(term_model, c->term_model = true)
CHANGE(no_perms, c->attr_perms_ovr = false)

typedef struct Put {
    uint16_t hi, lo;
    uint64_t val;
} Put;

typedef struct Row {
    ImClause clause;
    const char *path;
    SwKind kind;
    bool ssid;
    bool bad;
    void (*change)(ImSmmuConfig *c);
    Put put[3];
} Row;

#define P(field, val)   { field, val }

/* clang-format off */
static const Row ste_rows[] = {
    { SPEC(SMMU_STE_V), "0", SW_S1, true, true, NULL, { P(STE_V, 0) } },
    { SPEC(SMMU_STE_CONFIG), "s1-not-there", SW_BYPASS, false, true, no_s1,
      { P(STE_CONFIG, CONFIG_S1) } },
    { SPEC(SMMU_STE_CONFIG), "nested-without-s1", SW_S2, false, true, no_s1,
      { P(STE_CONFIG, CONFIG_NESTED) } },
    { SPEC(SMMU_STE_CONFIG), "s2-not-there", SW_BYPASS, false, true, no_s2,
      { P(STE_CONFIG, CONFIG_S2) } },
    { SPEC(SMMU_STE_CONFIG), "nested-without-s2", SW_S1, false, true, no_s2,
      { P(STE_CONFIG, CONFIG_NESTED) } },
    { SPEC(SMMU_STE_S1CDMAX), "beyond-ssidsize", SW_S1, true, true, ssid16,
      { P(STE_S1CDMAX, 17) } },
    { SPEC(SMMU_STE_S1CDMAX), "ignored-without-s1", SW_S2, false, false,
      ssid16, { P(STE_S1CDMAX, 31) } },
    { SPEC(SMMU_STE_S1CDMAX), "ignored-without-substreams", SW_S1, false,
      false, ssid0, { P(STE_S1CDMAX, 31) } },
    { SPEC(SMMU_STE_S1FMT), "two-level-not-there", SW_S1, true, true,
      no_cd2l, { P(STE_S1FMT, 1) } },
    { SPEC(SMMU_STE_S1FMT), "two-level-not-there-64k", SW_S1, true, true,
      no_cd2l, { P(STE_S1FMT, 2) } },
    { SPEC(SMMU_STE_S1FMT), "ignored-without-substreams", SW_S1, false,
      false, no_cd2l, { P(STE_S1FMT, 2) } },
    { SPEC(SMMU_STE_S1FMT), "3-is-0", SW_S1, true, false, NULL,
      { P(STE_S1FMT, 3) } },
    { SPEC(SMMU_STE_S1CONTEXTPTR), "beyond-oas", SW_S1, true, true, oas40,
      { P(STE_S1CTXPTR, (UINT64_C(1) << 40) >> 6) } },
    { SPEC(SMMU_STE_S1CONTEXTPTR), "beyond-ias", SW_NESTED, true, true, NULL,
      { P(STE_S1CTXPTR, (UINT64_C(1) << 48) >> 6) } },
    { SPEC(SMMU_STE_S1CONTEXTPTR), "ignored-without-s1", SW_S2, false, false,
      NULL, { P(STE_S1CTXPTR, (UINT64_C(1) << 48) >> 6) } },
    { SPEC(SMMU_STE_S1STALLD), "terminate-only", SW_S1, true, true,
      term_only, { P(STE_S1STALLD, 1) } },
    { SPEC(SMMU_STE_S1STALLD), "forced", SW_S1, true, true, forced,
      { P(STE_S1STALLD, 1) } },
    { SPEC(SMMU_STE_S1STALLD), "both", SW_S1, true, false, NULL,
      { P(STE_S1STALLD, 1) } },
    { SPEC(SMMU_STE_S1STALLD), "ignored-without-s1", SW_S2, false, false,
      term_only, { P(STE_S1STALLD, 1) } },
    { SPEC(SMMU_STE_EATS), "split-without-s2", SW_S1, true, true, NULL,
      { P(STE_EATS, 2) } },
    { SPEC(SMMU_STE_EATS), "split-without-s1", SW_S2, false, true, NULL,
      { P(STE_EATS, 2) } },
    { SPEC(SMMU_STE_EATS), "split", SW_NESTED, true, false, NULL,
      { P(STE_EATS, 2) } },
    { SPEC(SMMU_STE_EATS), "split-not-there", SW_NESTED, true, true,
      no_split, { P(STE_EATS, 2) } },
    { SPEC(SMMU_STE_EATS), "split-and-s2s", SW_NESTED, true, true, NULL,
      { P(STE_EATS, 2), P(STE_S2S, 1) } },
    { SPEC(SMMU_STE_EATS), "full-and-s2s", SW_NESTED, true, true, NULL,
      { P(STE_EATS, 1), P(STE_S2S, 1) } },
    { SPEC(SMMU_STE_EATS), "full-and-s2s-stage-2", SW_S2, false, true, NULL,
      { P(STE_EATS, 1), P(STE_S2S, 1) } },
    { SPEC(SMMU_STE_EATS), "none-and-s2s", SW_S2, false, false, NULL,
      { P(STE_EATS, 0), P(STE_S2S, 1) } },
    { SPEC(SMMU_STE_EATS), "ignored-without-ats", SW_S2, false, false,
      no_ats, { P(STE_EATS, 2), P(STE_S2S, 1) } },
    { SPEC(SMMU_STE_EATS), "ignored-in-bypass", SW_BYPASS, false, false,
      NULL, { P(STE_EATS, 2) } },
    { SPEC(SMMU_STE_STRW), "1", SW_S1, true, true, NULL,
      { P(STE_STRW, 1) } },
    { SPEC(SMMU_STE_STRW), "3", SW_S1, true, true, NULL,
      { P(STE_STRW, 3) } },
    { SPEC(SMMU_STE_STRW), "el2", SW_S1, true, false, NULL,
      { P(STE_STRW, 2) } },
    { SPEC(SMMU_STE_STRW), "ignored-nested", SW_NESTED, true, false, NULL,
      { P(STE_STRW, 3) } },
    { SPEC(SMMU_STE_STRW), "ignored-stage-2", SW_S2, false, false, NULL,
      { P(STE_STRW, 3) } },
    { SPEC(SMMU_STE_STRW), "ignored-bypass", SW_BYPASS, false, false, NULL,
      { P(STE_STRW, 1) } },
    { SPEC(SMMU_STE_STRW), "ignored-without-hyp", SW_S1, true, false,
      no_hyp, { P(STE_STRW, 3) } },
    { SPEC(SMMU_STE_S2VMID), "16-bits-of-8", SW_S2, false, true, no_vmid16,
      { P(STE_S2VMID, 0x100) } },
    { SPEC(SMMU_STE_S2VMID), "16-bits-of-8-stage-1", SW_S1, true, true,
      no_vmid16, { P(STE_S2VMID, 0x100) } },
    { SPEC(SMMU_STE_S2VMID), "8-bits", SW_S2, false, false, no_vmid16,
      { P(STE_S2VMID, 0xff) } },
    { SPEC(SMMU_STE_S2VMID), "ignored-in-el2", SW_S1, true, false,
      no_vmid16, { P(STE_S2VMID, 0x100), P(STE_STRW, 2) } },
    { SPEC(SMMU_STE_S2VMID), "ignored-in-bypass", SW_BYPASS, false, false,
      no_vmid16, { P(STE_S2VMID, 0x100) } },
    { SPEC(SMMU_STE_S2T0SZ), "15", SW_S2, false, true, NULL,
      { P(STE_S2T0SZ, 15) } },
    { SPEC(SMMU_STE_S2T0SZ), "wider-than-ias", SW_S2, false, true, oas40,
      { P(STE_S2T0SZ, 23) } },
    { SPEC(SMMU_STE_S2T0SZ), "40-without-stt", SW_S2, false, true, no_stt,
      { P(STE_S2T0SZ, 40), P(STE_S2SL0, 0) } },
    { SPEC(SMMU_STE_S2T0SZ), "49", SW_S2, false, true, NULL,
      { P(STE_S2T0SZ, 49), P(STE_S2SL0, 3) } },
    { SPEC(SMMU_STE_S2T0SZ), "ignored-without-s2", SW_S1, true, false, NULL,
      { P(STE_S2T0SZ, 63) } },
    { SPEC(SMMU_STE_S2SL0), "too-deep", SW_S2, false, true, NULL,
      { P(STE_S2SL0, 0) } },
    { SPEC(SMMU_STE_S2SL0), "17-tables", SW_S2, false, true, NULL,
      { P(STE_S2T0SZ, 20), P(STE_S2SL0, 1) } },
    { SPEC(SMMU_STE_S2SL0), "too-high", SW_S2, false, true, NULL,
      { P(STE_S2T0SZ, 25), P(STE_S2SL0, 2) } },
    { SPEC(SMMU_STE_S2SL0), "3-without-stt", SW_S2, false, true, no_stt,
      { P(STE_S2T0SZ, 39), P(STE_S2SL0, 3) } },
    { SPEC(SMMU_STE_S2SL0), "3-of-64k", SW_S2, false, true, NULL,
      { P(STE_S2TG, 1), P(STE_S2SL0, 3) } },
    { SPEC(SMMU_STE_S2TG), "3", SW_S2, false, true, NULL,
      { P(STE_S2TG, 3) } },
    { SPEC(SMMU_STE_S2TG), "no-4k", SW_S2, false, true, no_4k,
      { P(STE_S2TG, 0) } },
    { SPEC(SMMU_STE_S2TG), "no-16k", SW_S2, false, true, no_16k,
      { P(STE_S2TG, 2), P(STE_S2SL0, 2) } },
    { SPEC(SMMU_STE_S2TG), "no-64k", SW_S2, false, true, no_64k,
      { P(STE_S2TG, 1), P(STE_S2SL0, 2) } },
    { SPEC(SMMU_STE_S2TG), "ignored-without-s2", SW_S1, true, false, NULL,
      { P(STE_S2TG, 3) } },
    { SPEC(SMMU_STE_S2AA64), "0", SW_S2, false, true, NULL,
      { P(STE_S2AA64, 0) } },
    { SPEC(SMMU_STE_S2AA64), "ignored-without-s2", SW_S1, true, false, NULL,
      { P(STE_S2AA64, 0) } },
    { SPEC(SMMU_STE_S2ENDI), "big", SW_S2, false, true, NULL,
      { P(STE_S2ENDI, 1) } },
    { SPEC(SMMU_STE_S2HTTU), "no-httu", SW_S2, false, true, httu0,
      { P(STE_S2HA, 1) } },
    { SPEC(SMMU_STE_S2HTTU), "httu-1", SW_S2, false, false, httu1,
      { P(STE_S2HA, 1) } },
    { SPEC(SMMU_STE_S2HTTU), "no-httu", SW_S2, false, true, httu0,
      { P(STE_S2HD, 1) } },
    { SPEC(SMMU_STE_S2HTTU), "httu-1", SW_S2, false, true, httu1,
      { P(STE_S2HA, 1), P(STE_S2HD, 1) } },
    { SPEC(SMMU_STE_S2HTTU), "httu-2", SW_S2, false, false, httu2,
      { P(STE_S2HA, 1), P(STE_S2HD, 1) } },
    { SPEC(SMMU_STE_S2HAFT), "without-ha", SW_S2, false, true, NULL,
      { P(STE_S2HAFT, 1) } },
    { SPEC(SMMU_STE_S2HAFT), "with-ha", SW_S2, false, false, NULL,
      { P(STE_S2HAFT, 1), P(STE_S2HA, 1) } },
    { SPEC(SMMU_STE_S2HAFT), "httu-2", SW_S2, false, false, httu2,
      { P(STE_S2HAFT, 1) } },
    { SPEC(SMMU_STE_S2S), "terminate-only", SW_S2, false, true, term_only,
      { P(STE_S2S, 1), P(STE_EATS, 0) } },
    { SPEC(SMMU_STE_S2S), "forced", SW_S2, false, true, forced,
      { P(STE_S2S, 0) } },
    { SPEC(SMMU_STE_S2S), "forced-and-set", SW_S2, false, false, forced,
      { P(STE_S2S, 1) } },
    { SPEC(SMMU_STE_S2S), "ignored-without-s2", SW_S1, true, false,
      term_only, { P(STE_S2S, 1), P(STE_EATS, 0) } },
    { SPEC(SMMU_STE_S2TTB), "beyond-s2ps", SW_S2, false, true, NULL,
      { P(STE_S2PS, 0), P(STE_S2TTB, (UINT64_C(1) << 32) >> 4) } },
    { SPEC(SMMU_STE_S2TTB), "beyond-oas", SW_S2, false, true, oas40,
      { P(STE_S2PS, 6), P(STE_S2TTB, (UINT64_C(1) << 40) >> 4) } },
    { SPEC(SMMU_STE_S2PS), "capped", SW_S2, false, false, oas40,
      { P(STE_S2PS, 7) } },
    { SPEC(SMMU_STE_OVERRIDES), "not-there", SW_S1, true, false, no_perms,
      { P(STE_PRIVCFG, 3), P(STE_INSTCFG, 3) } },
    { SPEC(SMMU_STE_OVERRIDES), "software-bits", SW_S1, true, false, NULL,
      { { 87, 84, 0xf } } },
    { SPEC(SMMU_STE_OVERRIDES), "stage-1-attributes", SW_S2, false, false,
      NULL, { { 71, 66, 0x3f } } },
    { SPEC(SMMU_STE_OVERRIDES), "attributes", SW_S1, true, false, NULL,
      { P(STE_MTCFG, 1), P(STE_MEMATTR, 0xf), { 104, 101, 0xf } } },
};

static const Row cd_rows[] = {
    { SPEC(SMMU_CD_V), "0", SW_S1, true, true, NULL, { P(CD_V, 0) } },
    { SPEC(SMMU_CD_AA64), "0", SW_S1, true, true, NULL, { P(CD_AA64, 0) } },
    { SPEC(SMMU_CD_ENDI), "big", SW_S1, true, true, NULL,
      { P(CD_ENDI, 1) } },
    { SPEC(SMMU_CD_TSZ), "15", SW_S1, true, true, NULL, { P(CD_T0SZ, 15) } },
    { SPEC(SMMU_CD_TSZ), "40-without-stt", SW_S1, true, true, no_stt,
      { P(CD_T0SZ, 40) } },
    { SPEC(SMMU_CD_TSZ), "49", SW_S1, true, true, NULL, { P(CD_T0SZ, 49) } },
    { SPEC(SMMU_CD_TSZ), "48-of-64k", SW_S1, true, true, NULL,
      { P(CD_T0SZ, 48), P(CD_TG0, 1) } },
    { SPEC(SMMU_CD_TSZ), "15", SW_S1, true, true, NULL,
      { P(CD_EPD1, 0), P(CD_T1SZ, 15), P(CD_TG1, 2) } },
    { SPEC(SMMU_CD_TSZ), "16", SW_S1, true, false, NULL,
      { P(CD_EPD1, 0), P(CD_T1SZ, 16), P(CD_TG1, 2) } },
    { SPEC(SMMU_CD_TSZ), "ignored-by-epd1", SW_S1, true, false, NULL,
      { P(CD_EPD1, 1), P(CD_T1SZ, 0), P(CD_TG1, 0) } },
    { SPEC(SMMU_CD_TG), "tg0-3", SW_S1, true, true, NULL,
      { P(CD_TG0, 3) } },
    { SPEC(SMMU_CD_TG), "tg1-0", SW_S1, true, true, NULL,
      { P(CD_EPD1, 0), P(CD_TG1, 0) } },
    { SPEC(SMMU_CD_TG), "no-4k", SW_S1, true, true, no_4k,
      { P(CD_TG0, 0) } },
    { SPEC(SMMU_CD_TG), "no-16k", SW_S1, true, true, no_16k,
      { P(CD_TG0, 2) } },
    { SPEC(SMMU_CD_TG), "no-64k", SW_S1, true, true, no_64k,
      { P(CD_TG0, 1) } },
    { SPEC(SMMU_CD_TG), "tg1-no-64k", SW_S1, true, true, no_64k,
      { P(CD_EPD1, 0), P(CD_TG1, 3) } },
    { SPEC(SMMU_CD_TTB), "beyond-ips", SW_S1, true, true, NULL,
      { P(CD_IPS, 0), P(CD_TTB0, (UINT64_C(1) << 32) >> 4) } },
    { SPEC(SMMU_CD_TTB), "beyond-oas", SW_S1, true, true, oas40,
      { P(CD_IPS, 6), P(CD_TTB0, (UINT64_C(1) << 40) >> 4) } },
    { SPEC(SMMU_CD_TTB), "ttb1-beyond-ips", SW_S1, true, true, NULL,
      { P(CD_EPD1, 0), P(CD_IPS, 0),
        P(CD_TTB1, (UINT64_C(1) << 32) >> 4) } },
    { SPEC(SMMU_CD_TTB), "ttb1-ignored-by-epd1", SW_S1, true, false, NULL,
      { P(CD_TTB1, (UINT64_C(1) << 51) >> 4) } },
    { SPEC(SMMU_CD_IPS), "capped", SW_S1, true, false, oas40,
      { P(CD_IPS, 7) } },
    { SPEC(SMMU_CD_HTTU), "no-httu", SW_S1, true, true, httu0,
      { P(CD_HA, 1) } },
    { SPEC(SMMU_CD_HTTU), "httu-1", SW_S1, true, false, httu1,
      { P(CD_HA, 1) } },
    { SPEC(SMMU_CD_HTTU), "no-httu", SW_S1, true, true, httu0,
      { P(CD_HD, 1) } },
    { SPEC(SMMU_CD_HTTU), "httu-1", SW_S1, true, true, httu1,
      { P(CD_HA, 1), P(CD_HD, 1) } },
    { SPEC(SMMU_CD_HTTU), "httu-2", SW_S1, true, false, httu2,
      { P(CD_HA, 1), P(CD_HD, 1) } },
    { SPEC(SMMU_CD_HAFT), "without-ha", SW_S1, true, true, NULL,
      { P(CD_HAFT, 1) } },
    { SPEC(SMMU_CD_HAFT), "with-ha", SW_S1, true, false, NULL,
      { P(CD_HAFT, 1), P(CD_HA, 1) } },
    { SPEC(SMMU_CD_HAFT), "httu-2", SW_S1, true, false, httu2,
      { P(CD_HAFT, 1) } },
    { SPEC(SMMU_CD_A), "term-model", SW_S1, true, true, term_model,
      { P(CD_A, 0) } },
    { SPEC(SMMU_CD_A), "raz-wi", SW_S1, true, false, NULL, { P(CD_A, 0) } },
    { SPEC(SMMU_CD_S), "terminate-only", SW_S1, true, true, term_only,
      { P(CD_S, 1) } },
    { SPEC(SMMU_CD_S), "forced", SW_S1, true, true, forced,
      { P(CD_S, 0) } },
    { SPEC(SMMU_CD_S), "forced-and-set", SW_S1, true, false, forced,
      { P(CD_S, 1) } },
    { SPEC(SMMU_CD_S), "both", SW_S1, true, false, NULL, { P(CD_S, 1) } },
    { SPEC(SMMU_CD_ASID), "16-bits-of-8", SW_S1, true, true, no_asid16,
      { P(CD_ASID, 0x100) } },
    { SPEC(SMMU_CD_ASID), "8-bits", SW_S1, true, false, no_asid16,
      { P(CD_ASID, 0xff) } },
};
/* clang-format on */

/* One field of a structure that works: it is refused, or still works. */
static void config_row(const Row *row, bool cd)
{
    ImSmmuConfig c = rig_smmu_config();
    unsigned code = cd ? EV_BAD_CD : EV_BAD_STE;
    SwShape s = { 0 };
    SmmuTold told;
    SoAnswer want;
    ImXlat x, e;
    ImTxn t;

    if (row->change) {
        row->change(&c);
    }
    if (row->change == no_4k && !row->bad) {
        s.g1 = s.g2 = 16;
    }
    if (c.oas < 48) {
        s.bits2 = c.oas;
    }
    g_autoptr(SWorld) w = sw_new_off(&c, row->kind, row->ssid, &s);
    for (unsigned i = 0; i < 3 && row->put[i].hi; i++) {
        rig_put(w->r, cd ? w->cd : w->ste, row->put[i].hi, row->put[i].lo,
                row->put[i].val);
    }
    if (row->put[0].hi == 0) {
        rig_put(w->r, cd ? w->cd : w->ste, STE_V, row->put[0].val);
    }
    sw_on(w);
    t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    want = so_answer(w, &t);
    x = st_translate(w, &t, &told, row->path);
    e = told.xlat;
    if (row->bad) {
        g_assert_cmpint(told.clause, ==, row->clause);
        g_assert_nonnull(
            strstr(told.note, cd ? "CD invalid: CD: " : "STE invalid: STE: "));
        g_assert_cmphex(want.code, ==, code);
        sx_is_abort(&x, code);
        sx_is_abort(&e, code);
        sw_only_event(w, code);
    } else {
        g_assert_cmpuint(want.end, ==, SO_OK);
        xlat_is_ok(&x, w->pa);
        xlat_is_ok(&e, w->pa);
        sw_no_event(w);
    }
}

static void ste_row(const void *data)
{
    config_row(data, false);
}

static void cd_row(const void *data)
{
    config_row(data, true);
}

/* S1STALLD forbids what the CD asks for. */
static void stalld_and_s(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, NULL);
    ImXlat x;

    rig_put(w->r, w->ste, STE_S1STALLD, 1);
    rig_put(w->r, w->cd, CD_S, 1);
    sw_on(w);
    x = sw_dma(w, IM_READ, w->iova);
    sx_is_abort(&x, EV_BAD_CD);
}

/* In NS-EL2 there is no TTB1, and nothing of it is looked at. */
static void el2_has_one_half(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, NULL);
    ImXlat x;

    rig_put(w->r, w->ste, STE_STRW, 2);
    rig_put(w->r, w->cd, CD_EPD1, 0);
    rig_put(w->r, w->cd, CD_TG1, 0);
    rig_put(w->r, w->cd, CD_T1SZ, 0);
    rig_put(w->r, w->cd, CD_EPD0, 1);   /* ignored: it cannot be off */
    sw_on(w);
    x = sw_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->pa);
    x = sw_dma(w, IM_READ, w->iova | UINT64_C(0xffff000000000000));
    sx_is_abort(&x, EV_TRANSLATION);
}

static void el2_e2h_has_both(void)
{
    SwShape s = { .high = true };
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, &s);
    ImXlat x;

    rig_put(w->r, w->ste, STE_STRW, 2);
    w->cr2 |= CR2_E2H;
    sw_on(w);
    x = sw_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->pa);
}

/* --- substreams, 3.3.2, 5.2 S1DSS --------------------------------------- */

typedef struct DssRow {
    const char *path;
    SwKind kind;
    int cdmax;                  /* -1: a world without substreams */
    unsigned dss;
    bool ssv;
    uint32_t ssid;
    unsigned want;              /* event; 0: CD of ssid; 1000: skipped */
} DssRow;

#define SKIPPED 1000

static const DssRow dss_rows[] = {
    { "none-none", SW_S1, -1, 0, false, 0, 0 },
    { "none-given", SW_S1, -1, 0, true, 0, EV_BAD_SUBSTREAMID },
    { "none-given-dss-1", SW_S1, -1, 1, true, 3, EV_BAD_SUBSTREAMID },
    { "none-none-dss-1", SW_S1, -1, 1, false, 0, 0 },
    { "dss-0-none", SW_S1, 8, 0, false, 0, EV_STREAM_DISABLED },
    { "dss-3-none", SW_S1, 8, 3, false, 0, EV_STREAM_DISABLED },
    { "dss-1-none", SW_S1, 8, 1, false, 0, SKIPPED },
    { "dss-2-none", SW_S1, 8, 2, false, 0, 0 },
    { "dss-0-zero", SW_S1, 8, 0, true, 0, 0 },
    { "dss-1-zero", SW_S1, 8, 1, true, 0, 0 },
    { "dss-2-zero", SW_S1, 8, 2, true, 0, EV_STREAM_DISABLED },
    { "dss-0-five", SW_S1, 8, 0, true, 5, 0 },
    { "dss-1-five", SW_S1, 8, 1, true, 5, 0 },
    { "dss-2-five", SW_S1, 8, 2, true, 5, 0 },
    { "last", SW_S1, 8, 0, true, 255, 0 },
    { "beyond", SW_S1, 8, 0, true, 256, EV_BAD_SUBSTREAMID },
    { "far-beyond", SW_S1, 8, 2, true, 0xfffff, EV_BAD_SUBSTREAMID },
    { "one-cd", SW_S1, 1, 0, true, 1, 0 },
    { "one-cd-beyond", SW_S1, 1, 0, true, 2, EV_BAD_SUBSTREAMID },
    { "nested-dss-1-none", SW_NESTED, 8, 1, false, 0, SKIPPED },
    { "nested-dss-0-none", SW_NESTED, 8, 0, false, 0, EV_STREAM_DISABLED },
    { "nested-dss-2-none", SW_NESTED, 8, 2, false, 0, 0 },
    { "nested-five", SW_NESTED, 8, 0, true, 5, 0 },
    { "stage-2-given", SW_S2, -1, 0, true, 0, EV_BAD_SUBSTREAMID },
    { "stage-2-none", SW_S2, -1, 0, false, 0, 0 },
    { "bypass-given", SW_BYPASS, -1, 0, true, 1, EV_BAD_SUBSTREAMID },
    { "bypass-none", SW_BYPASS, -1, 0, false, 0, 0 },
};

static void dss_row(const void *data)
{
    const DssRow *row = data;
    SwShape s = { .s1cdmax = row->cdmax > 0 ? (uint8_t)row->cdmax : 0,
                  .ssid = row->cdmax == 1 ? 1 : 5 };
    g_autoptr(SWorld) w = sw_new_off(NULL, row->kind, row->cdmax >= 0, &s);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    uint64_t pa = w->pa;
    SoAnswer o;
    ImXlat x;

    if (row->cdmax >= 0) {
        rig_put(w->r, w->ste, STE_S1DSS, row->dss);
        if (row->want == 0 && row->ssid != w->ssid) {
            pa = w->pa + 0x100000;
            sw_substream(w, row->ssid, 7, pa);
        }
    }
    if (row->want == SKIPPED && row->kind == SW_NESTED) {
        t.addr = w->ipa;
    } else if (row->want == SKIPPED) {
        pa = t.addr;
    }
    sw_on(w);
    t.has_pasid = row->ssv;
    t.pasid = row->ssid;
    o = so_answer(w, &t);
    x = sw_run(w, &t);
    if (row->want && row->want != SKIPPED) {
        g_assert_cmphex(o.code, ==, row->want);
        sx_is_abort(&x, row->want);
        sw_only_event(w, row->want);
    } else {
        g_assert_cmphex(o.addr, ==, pa);
        xlat_is_ok(&x, pa);
        sw_no_event(w);
    }
}

/* A skipped stage 1 still bounds the address. */
static void dss_bypass_too_far(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, NULL);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    ImXlat x;

    rig_put(w->r, w->ste, STE_S1DSS, 1);
    sw_on(w);
    t.has_pasid = false;
    t.addr = UINT64_C(1) << 48;
    x = sw_run(w, &t);
    sx_is_abort(&x, EV_ADDR_SIZE);
    g_assert_false(sw_only_event(w, EV_ADDR_SIZE).s2);
}

/* Some tags stand for two fields: the index keeps their rows apart. */
static char *row_path(const Row *row, unsigned i)
{
    return g_strdup_printf("%s-%u", row->path, i);
}

static void add_rows(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(ste_rows); i++) {
        g_autofree char *path = row_path(&ste_rows[i], i);

        spec_table_row(&ste_rows[i], path, ste_row);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(cd_rows); i++) {
        g_autofree char *path = row_path(&cd_rows[i], i);

        spec_table_row(&cd_rows[i], path, cd_row);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(dss_rows); i++) {
        if (dss_rows[i].ssv && dss_rows[i].want != EV_STREAM_DISABLED) {
            spec_row(SMMU_ROUTE_SUBSTREAM, dss_rows[i].path, dss_row,
                     &dss_rows[i]);
        } else {
            spec_row(SMMU_ROUTE_S1DSS, dss_rows[i].path, dss_row, &dss_rows[i]);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_rows();
    spec_test(SMMU_CD_S, "stalld", stalld_and_s);
    spec_test(SMMU_STE_STRW, "el2-one-half", el2_has_one_half);
    spec_test(SMMU_STE_STRW, "el2-e2h-both", el2_e2h_has_both);
    spec_test(SMMU_ROUTE_IAS, "skipped", dss_bypass_too_far);
    return g_test_run();
}
