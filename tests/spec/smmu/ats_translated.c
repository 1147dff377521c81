/*
 * ATS: translated transactions and split-stage, 3.9.1.3 and 13.6.3.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_damage.h"
#include "lib/spec.h"

#define R1  IM_PERM_R
#define W1  IM_PERM_W

static ImTxn request(const SWorld *w)
{
    return sw_txn(w, IM_AT_TRANSLATION, IM_READ);
}

/* --- 3.9.1.3: translated transactions ----------------------------------- */

typedef struct TtRow {
    const char *path;
    SwKind kind;
    bool atschk;
    bool off;                   /* SMMUEN = 0 */
    Damage damage[DAMAGES];
    bool pass;
    unsigned event;
    bool only_rec;              /* event only with REC_CFG_ATS */
} TtRow;

static const TtRow tt_rows[] = {
    { "smmuen-0", SW_S1, true, .off = true, .event = EV_TRANSL_FORBIDDEN },
    { "smmuen-0-unchecked", SW_S1, false, .off = true,
      .event = EV_TRANSL_FORBIDDEN },
    { "unchecked", SW_S1, false, .pass = true },
    { "unchecked-eats-0", SW_S1, false, .damage = { { AT_STE, STE_EATS, 0 } },
      .pass = true },
    { "unchecked-bad-ste", SW_S1, false, .damage = { { AT_STE, STE_V, 0 } },
      .pass = true },
    { "unchecked-bad-stream", SW_S1, false,
      .damage = { { AT_L1STD, L1STD_SPAN, 0 } }, .pass = true },
    { "unchecked-config-0", SW_S1, false,
      .damage = { { AT_STE, STE_CONFIG, 0 } }, .pass = true },
    { "unchecked-bypass", SW_BYPASS, false, .pass = true },
    { "checked", SW_S1, true, .pass = true },
    { "checked-nested", SW_NESTED, true, .pass = true },
    { "checked-stage-2", SW_S2, true, .pass = true },
    { "config-0", SW_S1, true, .damage = { { AT_STE, STE_CONFIG, 0 } } },
    { "bypass", SW_BYPASS, true, .event = EV_TRANSL_FORBIDDEN },
    { "eats-0", SW_S1, true, .damage = { { AT_STE, STE_EATS, 0 } },
      .event = EV_TRANSL_FORBIDDEN },
    { "eats-3", SW_S1, true, .damage = { { AT_STE, STE_EATS, 3 } },
      .event = EV_TRANSL_FORBIDDEN },
    { "bad-streamid", SW_S1, true, .damage = { { AT_L1STD, L1STD_SPAN, 0 } },
      .event = EV_BAD_STREAMID, .only_rec = true },
    { "ste-fetch", SW_S1, true,
      .damage = { { AT_L1STD, L1STD_L2PTR, NOWHERE } }, .event = EV_STE_FETCH,
      .only_rec = true },
    { "bad-ste", SW_S1, true, .damage = { { AT_STE, STE_V, 0 } },
      .event = EV_BAD_STE, .only_rec = true },
    { "cd-is-not-looked-at", SW_S1, true, .damage = { { AT_CD, CD_V, 0 } },
      .pass = true },
};

static void tt_run(const TtRow *row, uint32_t cr2)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, row->kind, row->kind == SW_S1, NULL);
    ImTxn t = sw_txn(w, IM_AT_TRANSLATED, IM_WRITE);
    ImXlat x;

    w->cr2 = cr2;
    w->cr0 = row->atschk ? CR0_ATSCHK : 0;
    sw_damage(w, row->damage);
    sw_on(w);
    if (row->off) {
        sb_cr0(w->r, CR0_SMMUEN, false);
    }
    t.has_pasid = false;
    t.addr = UINT64_C(0x234567000);
    x = sw_run(w, &t);
    if (row->pass) {
        xlat_is_ok(&x, UINT64_C(0x234567000));
    } else {
        g_assert_cmpuint(x.status, ==, IM_FAULT);
        g_assert_cmpuint(x.cpl, !=, IM_CPL_SC);
    }
    if (row->event && (!row->only_rec || cr2 & CR2_REC_CFG_ATS)) {
        Evt e = sw_only_event(w, row->event);

        g_assert_cmphex(e.sid, ==, w->sid);
        if (row->event == EV_TRANSL_FORBIDDEN) {
            g_assert_cmphex(e.q[0], ==,
                            (uint64_t)w->sid << 32 | EV_TRANSL_FORBIDDEN);
            g_assert_cmphex(e.q[1], ==, 0);     /* a write */
            g_assert_cmphex(e.addr, ==, UINT64_C(0x234567000));
            g_assert_cmphex(e.q[3], ==, 0);
        }
    } else {
        sw_no_event(w);
    }
}

static void tt_row(const void *data)
{
    tt_run(data, CR2_RECINVSID);
}

/* RECINVSID is not regarded here. */
static void tt_recorded(const void *data)
{
    tt_run(data, CR2_REC_CFG_ATS);
}

/* 3.9.1.3: a PASID says nothing there, be it as odd as can be. */
static void translated_with_pasid(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, NULL);
    ImTxn t = sw_txn(w, IM_AT_TRANSLATED, IM_READ);
    ImXlat x;

    w->cr0 = CR0_ATSCHK;
    sw_on(w);
    t.has_pasid = t.priv = true;
    t.pasid = 0xfffff;
    x = sw_run(w, &t);
    xlat_is_ok(&x, w->pa);
    sw_no_event(w);
}

static void translated_too_far(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_S1, false);
    ImTxn t = sw_txn(w, IM_AT_TRANSLATED, IM_READ);
    ImXlat x;

    t.addr |= UINT64_C(1) << 48;
    x = sw_run(w, &t);
    if (x.status == IM_OK) {            /* or truncated */
        g_assert_cmphex(x.addr, ==, w->pa);
    } else {
        g_assert_cmpuint(x.cpl, !=, IM_CPL_SC);
    }
    sw_no_event(w);
}

/* --- split-stage, EATS=10 ----------------------------------------------- */

static SWorld *split(void)
{
    SWorld *w = sw_new_off(NULL, SW_NESTED, true, NULL);

    rig_put(w->r, w->ste, STE_EATS, 2);
    w->cr0 = CR0_ATSCHK;
    return w;
}

static void split_answers_ipa(void)
{
    g_autoptr(SWorld) w = split();
    ImTxn t = request(w);
    ImXlat x;

    sw_on(w);
    x = sw_run(w, &t);
    g_assert_cmpuint(x.status, ==, IM_OK);
    g_assert_cmphex(x.perm, ==, R1 | W1);
    g_assert_cmphex(x.addr & ~UINT64_C(0xfff), ==, w->ipa);
    t = sw_txn(w, IM_AT_TRANSLATED, IM_WRITE);
    t.has_pasid = false;
    t.addr = w->ipa + 0x40;
    x = sw_run(w, &t);
    xlat_is_ok(&x, w->pa + 0x40);
    sw_no_event(w);
}

/* The rights are those of both stages. */
static void split_rights(void)
{
    g_autoptr(SWorld) w = split();
    ImTxn t = request(w);
    uint64_t at = sw_s2_desc(w, w->ipa, 3);
    ImXlat x;

    rig_w64(w->r, at, rig_r64(w->r, at) & ~D_S2W);
    sw_on(w);
    x = sw_run(w, &t);
    g_assert_cmphex(x.perm, ==, R1);
    g_assert_cmphex(x.addr & ~UINT64_C(0xfff), ==, w->ipa);
}

static void split_translated_fault(void)
{
    g_autoptr(SWorld) w = split();
    ImTxn t = sw_txn(w, IM_AT_TRANSLATED, IM_READ);
    ImXlat x;
    Evt e;

    rig_put(w->r, sw_s2_desc(w, w->ipa, 3), DESC_ALL, 0);
    sw_on(w);
    t.has_pasid = false;
    t.addr = w->ipa + 0x123;
    t.may_stall = true;
    x = sw_run(w, &t);
    sx_is_abort(&x, EV_TRANSLATION);
    e = sw_only_event(w, EV_TRANSLATION);
    g_assert_true(e.s2);
    g_assert_cmpuint(e.cls, ==, CLASS_IN);
    g_assert_cmphex(e.ipa, ==, w->ipa);
    g_assert_cmphex(e.addr, ==, w->ipa + 0x123);
    g_assert_false(e.stall);
}

static void split_translated_too_far(void)
{
    g_autoptr(SWorld) w = split();
    ImTxn t = sw_txn(w, IM_AT_TRANSLATED, IM_READ);
    ImXlat x;

    sw_on(w);
    t.has_pasid = false;
    t.addr = UINT64_C(1) << 48;
    x = sw_run(w, &t);
    sx_is_abort(&x, EV_ADDR_SIZE);
    g_assert_false(sw_only_event(w, EV_ADDR_SIZE).s2);
}

/* ATSCHK=0 makes split-stage no ATS at all, and translated traffic pass. */
static void split_unchecked(void)
{
    g_autoptr(SWorld) w = split();
    ImTxn t = sw_txn(w, IM_AT_TRANSLATED, IM_READ);
    ImXlat x;

    w->cr0 = 0;
    sw_on(w);
    t.has_pasid = false;
    t.addr = w->ipa;
    x = sw_run(w, &t);
    xlat_is_ok(&x, w->ipa);
}

/* A unit without ATS: an abort, and no record of it. */
static void no_ats(void)
{
    ImSmmuConfig c = rig_smmu_config();
    ImTxn t;
    ImXlat x;

    c.ats = false;
    im_smmu_config_prune(&c);
    g_autoptr(SWorld) w = sw_new(&c, SW_S1, false);
    t = sw_txn(w, IM_AT_TRANSLATED, IM_READ);
    x = sw_run(w, &t);
    g_assert_cmpuint(x.status, ==, IM_FAULT);
    g_assert_cmpuint(x.cpl, !=, IM_CPL_SC);
    sw_no_event(w);
}

/* 13.1.4: MTCFG and SHCFG are not for translated traffic, whether nothing
 * or stage 2 translates it, and whether that is cached. */
static void attributes(const void *data)
{
    bool ipa = data != NULL;
    g_autoptr(SWorld) w = split();
    ImTxn t = sw_txn(w, IM_AT_TRANSLATED, IM_READ);

    rig_put(w->r, w->ste, STE_EATS, ipa ? 2 : 1);
    rig_put(w->r, w->ste, STE_MTCFG, 1);
    rig_put(w->r, w->ste, STE_MEMATTR, 1);
    rig_put(w->r, w->ste, STE_SHCFG, 2);
    sw_on(w);
    t.has_pasid = false;
    t.addr = ipa ? w->ipa : w->pa;
    for (unsigned i = 0; i < 2; i++) {
        ImXlat x = sw_run(w, &t);

        xlat_is_ok(&x, w->pa);
        g_assert_cmphex(x.attr, ==, 0xff);
        g_assert_cmpuint(x.share, ==, 3);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(tt_rows); i++) {
        const TtRow *row = &tt_rows[i];

        if (row->atschk) {
            spec_row(SMMU_ATS_TRANSLATED, row->path, tt_row, row);
        } else {
            spec_row(SMMU_ATS_ATSCHK, row->path, tt_row, row);
        }
        spec_row(SMMU_ATS_TRANSLATED_EVENTS, row->path, tt_recorded, row);
    }
    spec_test(SMMU_ATS_TRANSLATED_EVENTS, "no-ats", no_ats);
    spec_row(SMMU_ATS_TRANSLATED, "attributes", attributes, NULL);
    spec_row(SMMU_ATS_TRANSLATED_IPA, "attributes", attributes, "ipa");
    spec_test(SMMU_ATS_TRANSLATED, "too-far", translated_too_far);
    spec_test(SMMU_ATS_SPLIT, "answers-ipa", split_answers_ipa);
    spec_test(SMMU_ATS_SPLIT, "rights", split_rights);
    spec_test(SMMU_ATS_TRANSLATED_IPA, "fault", split_translated_fault);
    spec_test(SMMU_ATS_TRANSLATED_IPA, "too-far", split_translated_too_far);
    spec_test(SMMU_ATS_TRANSLATED_PASID, "ignored", translated_with_pasid);
    spec_test(SMMU_ATS_SPLIT, "unchecked", split_unchecked);
    return g_test_run();
}
