/*
 * ATS: translation requests and translated transactions, 3.9.1 and 13.7.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_damage.h"
#include "lib/spec.h"

#define REC     (CR2_RECINVSID | CR2_REC_CFG_ATS)

static ImTxn request(const SWorld *w)
{
    return sw_txn(w, IM_AT_TRANSLATION, IM_READ);
}

/* --- 3.9.1.2: answers --------------------------------------------------- */

typedef enum Answer { UR, CA, NOTHING } Answer;

typedef struct TrRow {
    const char *path;
    SwKind kind;
    bool ssid;
    bool off;                   /* SMMUEN = 0 */
    bool no_ssid;               /* of requests, though the STE has them */
    Damage damage[DAMAGES];
    Answer answer;
    unsigned event;             /* always: 0x05; else with REC_CFG_ATS */
} TrRow;

static const TrRow tr_rows[] = {
    { "smmuen-0", SW_S1, true, .off = true, .answer = UR,
      .event = EV_BAD_ATS_TREQ },
    { "config-0", SW_S1, true, .damage = { { AT_STE, STE_CONFIG, 0 } },
      .answer = UR },
    { "bypass", SW_BYPASS, false, .answer = UR, .event = EV_BAD_ATS_TREQ },
    { "eats-0", SW_S1, true, .damage = { { AT_STE, STE_EATS, 0 } },
      .answer = UR, .event = EV_BAD_ATS_TREQ },
    { "eats-2-atschk-0", SW_NESTED, true, .damage = { { AT_STE, STE_EATS, 2 } },
      .answer = UR, .event = EV_BAD_ATS_TREQ },
    { "eats-3", SW_S1, true, .damage = { { AT_STE, STE_EATS, 3 } },
      .answer = UR, .event = EV_BAD_ATS_TREQ },
    { "bad-streamid", SW_S1, true, .damage = { { AT_L1STD, L1STD_SPAN, 0 } },
      .answer = CA, .event = EV_BAD_STREAMID },
    { "ste-fetch", SW_S1, true,
      .damage = { { AT_L1STD, L1STD_L2PTR, NOWHERE } }, .answer = CA,
      .event = EV_STE_FETCH },
    { "bad-ste", SW_S1, true, .damage = { { AT_STE, STE_V, 0 } }, .answer = CA,
      .event = EV_BAD_STE },
    { "bad-substreamid", SW_S1, true, .damage = { { AT_STE, STE_S1CDMAX, 3 } },
      .answer = CA, .event = EV_BAD_SUBSTREAMID },
    { "stream-disabled", SW_S1, true, .no_ssid = true, .answer = CA,
      .event = EV_STREAM_DISABLED },
    { "cd-fetch", SW_S1, true, .damage = { { AT_STE, STE_S1CTXPTR, NOWHERE } },
      .answer = CA, .event = EV_CD_FETCH },
    { "bad-cd", SW_S1, true, .damage = { { AT_CD, CD_V, 0 } }, .answer = CA,
      .event = EV_BAD_CD },
    { "walk-eabt", SW_S1, true, .damage = { { AT_S1(1), DESC_ADDR, NOWHERE } },
      .answer = CA, .event = EV_WALK_EABT },
    { "walk-eabt-s2", SW_NESTED, true,
      .damage = { { AT_S2(2), DESC_ADDR, NOWHERE } }, .answer = CA,
      .event = EV_WALK_EABT },
    { "translation", SW_S1, true, .damage = { { AT_LEAF, DESC_ALL, 0 } },
      .answer = NOTHING },
    { "access", SW_S1, true, .damage = { { AT_LEAF, DESC_AF, 0 } },
      .answer = NOTHING },
    { "addr-size", SW_S1, true,
      .damage = { { AT_CD, CD_IPS, 1 }, { AT_LEAF, 40, 40, 1 } },
      .answer = NOTHING },
    { "permission", SW_S1, true, .damage = { { AT_LEAF, DESC_AP1, 0 } },
      .answer = NOTHING },
    { "execute-only-s1", SW_NESTED, true,
      .damage = { { AT_LEAF, DESC_AP1, 0 }, { AT_S2(2), DESC_ADDR, NOWHERE } },
      .answer = NOTHING },
    { "translation-s2", SW_NESTED, true,
      .damage = { { AT_S2(3), DESC_ALL, 0 } }, .answer = NOTHING },
    { "permission-s2", SW_NESTED, true,
      .damage = { { AT_S2(3), DESC_S2AP, 0 } }, .answer = NOTHING },
    { "translation-s2-only", SW_S2, false,
      .damage = { { AT_LEAF, DESC_ALL, 0 } }, .answer = NOTHING },
    { "access-s2-only", SW_S2, false, .damage = { { AT_LEAF, DESC_AF, 0 } },
      .answer = NOTHING },
    { "translation-tt", SW_NESTED, true,
      .damage = { { AT_S2_OF_TABLE, DESC_ALL, 0 } }, .answer = NOTHING },
    { "permission-tt", SW_NESTED, true,
      .damage = { { AT_S2_OF_TABLE, DESC_S2AP, 0 } }, .answer = NOTHING },
    { "translation-cd", SW_NESTED, true,
      .damage = { { AT_S2_OF_CD, DESC_ALL, 0 } }, .answer = NOTHING },
    { "permission-cd", SW_NESTED, true,
      .damage = { { AT_S2_OF_CD, DESC_S2AP, 0 } }, .answer = NOTHING },
};

static void tr_run(const TrRow *row, uint32_t cr2)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, row->kind, row->ssid, NULL);
    ImTxn t;
    ImXlat x;

    w->cr2 = cr2;
    w->has_ssid = w->has_ssid && !row->no_ssid;
    sw_damage(w, row->damage);
    sw_on(w);
    if (row->off) {
        sb_cr0(w->r, CR0_SMMUEN, false);
    }
    t = request(w);
    x = sw_run(w, &t);
    if (row->answer == NOTHING) {
        sx_is_nothing(&x);
    } else {
        sx_is_cpl(&x, row->answer == UR ? IM_CPL_UR : IM_CPL_CA);
    }
    if (row->event == EV_BAD_ATS_TREQ || (row->event && cr2 == REC)) {
        Evt e = sw_only_event(w, row->event);

        g_assert_cmphex(e.sid, ==, w->sid);
    } else {
        sw_no_event(w);
    }
}

static void tr_row(const void *data)
{
    tr_run(data, CR2_RECINVSID);
}

static void tr_recorded(const void *data)
{
    tr_run(data, REC);
}

/* C_BAD_STREAMID needs RECINVSID besides. */
static void tr_streamid_needs_both(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, NULL);
    ImTxn t = request(w);
    ImXlat x;

    w->cr2 = CR2_REC_CFG_ATS;
    rig_put(w->r, w->l1std, L1STD_SPAN, 0);
    sw_on(w);
    x = sw_run(w, &t);
    sx_is_cpl(&x, IM_CPL_CA);
    sw_no_event(w);
}

/* --- what is granted, 13.7.1 -------------------------------------------- */

typedef struct GrantRow {
    const char *path;
    uint64_t leaf;              /* attributes of stage 1 */
    bool nw, exec, priv, pasid;
    uint8_t privcfg, instcfg;
    uint8_t perm;               /* R W X */
} GrantRow;

#define R1  IM_PERM_R
#define W1  IM_PERM_W
#define X1  IM_PERM_X
#define UX  0
#define RW  (D_AF | D_AP1 | D_NG)
#define RO  (RW | D_AP2)
#define PRW (D_AF | D_NG)

static const GrantRow grant_rows[] = {
    { "rw", RW, false, false, false, true, 0, 0, R1 | W1 },
    { "ro", RO, false, false, false, true, 0, 0, R1 },
    { "rw-exec", RW, false, true, false, true, 0, 0, R1 | W1 | X1 },
    { "ro-exec", RO, false, true, false, true, 0, 0, R1 | X1 },
    { "xn-exec", RW | D_UXN, false, true, false, true, 0, 0, R1 | W1 },
    { "priv-only", PRW, false, false, false, true, 0, 0, 0 },
    { "priv-only-priv", PRW, false, false, true, true, 0, 0, R1 | W1 },
    { "priv-only-priv-exec", PRW, false, true, true, true, 0, 0, R1 | W1 | X1 },
    { "pxn", PRW | D_PXN, false, true, true, true, 0, 0, R1 | W1 },
    { "user-rw-priv-exec", RW, false, true, true, true, 0, 0, R1 | W1 },
    { "priv-without-pasid", PRW, false, false, true, false, 0, 0, 0 },
    { "exec-without-pasid", RW, false, true, false, false, 0, 0, R1 | W1 },
    { "privcfg-priv", PRW, false, false, false, true, 3, 0, R1 | W1 },
    { "privcfg-unpriv", PRW, false, false, true, true, 2, 0, 0 },
    { "privcfg-without-pasid", PRW, false, false, false, false, 3, 0, R1 | W1 },
    { "instcfg-inst", RW | D_UXN, false, false, false, true, 0, 3, W1 },
    { "instcfg-inst-x", RO, false, true, false, true, 0, 3, R1 | X1 },
    { "instcfg-inst-x-only", PRW, false, false, false, true, 0, 3, R1 },
    { "instcfg-data", RO | D_UXN, false, true, false, true, 0, 2, R1 | X1 },
};

static void grant_row(const void *data)
{
    const GrantRow *row = data;
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, row->pasid, NULL);
    ImTxn t = request(w);
    ImXlat x;

    sw_s1_map(w, w->iova, w->pa, 12, row->leaf);
    rig_put(w->r, w->ste, STE_PRIVCFG, row->privcfg);
    rig_put(w->r, w->ste, STE_INSTCFG, row->instcfg);
    sw_on(w);
    t.no_write = row->nw;
    t.exec = row->exec;
    t.priv = row->priv;
    x = sw_run(w, &t);
    g_assert_cmpuint(x.status, ==, IM_OK);
    g_assert_cmpuint(x.cpl, ==, IM_CPL_SC);
    if (row->perm == W1) {      /* a completion of W alone, or of nothing */
        g_assert_cmpuint(x.perm & (R1 | X1), ==, 0);
    } else {
        g_assert_cmphex(x.perm, ==, row->perm);
    }
    if (x.perm) {
        g_assert_cmphex(x.addr & ~UINT64_C(0xfff), ==, w->pa);
        g_assert_cmphex(x.mask, ==, 0xfff);
    }
    g_assert_cmpuint(x.priv, ==, row->priv && row->pasid);
    g_assert_false(x.global);
    g_assert_false(x.untranslated_only);
    sw_no_event(w);
}

/* What may be written and executed, not read, is not executed either. */
static void execute_needs_read(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_NESTED, true, NULL);
    ImTxn t = request(w);
    ImXlat x;

    sw_s2_map(w, w->ipa, w->pa, 12, SB_S2 & ~D_S2R);
    sw_on(w);
    t.exec = true;
    x = sw_run(w, &t);
    g_assert_cmpuint(x.status, ==, IM_OK);
    g_assert_cmphex(x.perm, ==, W1);
}

/* NW=1: never more than what needs no dirty update. */
static void nw_does_not_dirty(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, NULL);
    uint64_t leaf = sw_leaf(w, w->iova), was;
    ImTxn t = request(w);
    ImXlat x;

    rig_put(w->r, w->cd, CD_HA, 1);
    rig_put(w->r, w->cd, CD_HD, 1);
    sw_s1_map(w, w->iova, w->pa, 12, SB_S1_RO | D_DBM);
    was = rig_r64(w->r, leaf);
    sw_on(w);
    t.no_write = true;
    x = sw_run(w, &t);
    g_assert_cmphex(x.perm, ==, R1);
    g_assert_cmphex(rig_r64(w->r, leaf), ==, was);
    t.no_write = false;
    x = sw_run(w, &t);
    g_assert_cmphex(x.perm, ==, R1 | W1);
    g_assert_cmphex(rig_r64(w->r, leaf), ==, was & ~D_AP2);
    t.no_write = true;          /* dirty now: W may be granted */
    x = sw_run(w, &t);
    g_assert_cmphex(x.perm & R1, ==, R1);
}

static void sets_access_flag(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, NULL);
    uint64_t leaf = sw_leaf(w, w->iova);
    ImTxn t = request(w);
    ImXlat x;

    rig_put(w->r, w->cd, CD_HA, 1);
    rig_put(w->r, sw_leaf(w, w->iova), DESC_AF, 0);
    sw_on(w);
    x = sw_run(w, &t);
    g_assert_cmphex(x.perm, ==, R1 | W1);
    g_assert_cmphex(rig_r64(w->r, leaf) & D_AF, ==, D_AF);
}

/* Stage 1 skipped by S1DSS: identity, R and W, U=0. */
static void s1dss_skip(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, NULL);
    ImTxn t = request(w);
    ImXlat x;

    rig_put(w->r, w->ste, STE_S1DSS, 1);
    sw_on(w);
    t.has_pasid = false;
    for (unsigned nw = 0; nw < 2; nw++) {       /* 13.6.4: whatever NW is */
        t.no_write = nw;
        x = sw_run(w, &t);
        g_assert_cmpuint(x.status, ==, IM_OK);
        g_assert_cmphex(x.perm, ==, R1 | W1);
        g_assert_cmphex(x.addr & ~UINT64_C(0xfff), ==, w->iova);
        g_assert_false(x.untranslated_only);
    }
}

static void large_page(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, NULL);
    ImTxn t = request(w);
    ImXlat x;

    sw_s1_map(w, UINT64_C(0x123400000000), UINT64_C(0x340000000), 21, SB_S1);
    sw_on(w);
    t.addr = UINT64_C(0x123400155000);
    x = sw_run(w, &t);
    g_assert_cmphex(x.perm, ==, R1 | W1);
    g_assert_cmphex(x.addr & ~UINT64_C(0xfff), ==, UINT64_C(0x340155000));
    g_assert_cmphex(x.mask & 0xfff, ==, 0xfff);
    g_assert_cmphex(x.mask, <=, 0x1fffff);
}

/* An entry that is refused, or that nothing translates, is for the STU, the
 * smallest granule. */
static void smallest(const void *data)
{
    unsigned g = GPOINTER_TO_UINT(data);
    ImSmmuConfig c = rig_smmu_config();
    SwShape s = { .g1 = (uint8_t)g };
    uint64_t mask = (UINT64_C(1) << g) - 1;
    ImTxn t;
    ImXlat x;

    c.gran4k = g == 12;
    c.gran16k = g <= 14;
    g_autoptr(SWorld) w = sw_new_off(&c, SW_S1, true, &s);
    rig_put(w->r, w->ste, STE_S1DSS, 1);
    sw_on(w);
    t = request(w);
    t.addr = 0x5000;
    x = sw_run(w, &t);
    sx_is_nothing(&x);
    g_assert_cmphex(x.mask, ==, mask);
    t.has_pasid = false;
    x = sw_run(w, &t);
    g_assert_cmphex(x.perm, ==, R1 | W1);
    g_assert_cmphex(x.mask, ==, mask);
}

static void event_record(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, NULL);
    ImTxn t = request(w);
    Evt e;

    rig_put(w->r, w->ste, STE_EATS, 0);
    rig_put(w->r, w->ste, STE_PRIVCFG, 2);
    sw_on(w);
    t.priv = true;
    t.addr = UINT64_C(0x7654321000);
    sw_run(w, &t);
    e = sw_only_event(w, EV_BAD_ATS_TREQ);
    g_assert_true(e.ssv);
    g_assert_cmphex(e.ssid, ==, w->ssid);
    g_assert_cmphex(e.q[2] >> 12, ==, UINT64_C(0x7654321));
    g_assert_cmphex(e.q[3], ==, 0);
}

/* Stage 1 is writable-clean, stage 2 forbids to make it dirty and to write
 * the page: with NW=0 nothing is granted, also when a read came first. */
static void warm_is_cold(const void *data)
{
    bool read_first = GPOINTER_TO_UINT(data);
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_NESTED, true, NULL);
    uint64_t leaf = sw_leaf(w, w->iova);
    ImTxn t = request(w);
    ImXlat x;

    rig_put(w->r, w->ste, STE_EATS, 1);
    rig_put(w->r, w->cd, CD_HA, 1);
    rig_put(w->r, w->cd, CD_HD, 1);
    rig_w64(w->r, leaf, rig_r64(w->r, leaf) | D_AP2 | D_DBM);
    sw_s2_map(w, leaf + w->bias, leaf, 12, SB_S2 & ~D_S2W);
    sw_s2_map(w, w->ipa, w->pa, 12, SB_S2 & ~D_S2W);
    sw_on(w);
    if (read_first) {
        x = sw_dma(w, IM_READ, w->iova);
        xlat_is_ok(&x, w->pa);
    }
    x = sw_run(w, &t);
    sx_is_nothing(&x);
    t.no_write = true;
    x = sw_run(w, &t);
    g_assert_cmphex(x.perm, ==, R1);
    g_assert_cmphex(rig_r64(w->r, leaf) & D_AP2, !=, 0);
}

/* 5.2: what EATS forbids it forbids although a translation is cached. */
static void warm_and_off(const void *data)
{
    unsigned eats = GPOINTER_TO_UINT(data);
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_NESTED, true, NULL);
    ImTxn t = request(w);
    ImXlat x;

    rig_put(w->r, w->ste, STE_EATS, eats);
    sw_on(w);
    for (unsigned i = 0; i < 2; i++) {
        x = sw_dma(w, IM_READ, w->iova);
        xlat_is_ok(&x, w->pa);
        x = sw_run(w, &t);
        sx_is_cpl(&x, IM_CPL_UR);
        sw_only_event(w, EV_BAD_ATS_TREQ);
    }
}

/* What a fault would silence or stall matters not: R=0, S=1. */
static void no_model_for_requests(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, NULL);
    ImTxn t = request(w);
    ImXlat x;

    rig_put(w->r, w->cd, CD_A, 0);
    rig_put(w->r, w->cd, CD_R, 1);
    rig_put(w->r, sw_leaf(w, w->iova), DESC_ALL, 0);
    sw_on(w);
    x = sw_run(w, &t);
    sx_is_nothing(&x);
    sw_no_event(w);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(tr_rows); i++) {
        const TrRow *row = &tr_rows[i];

        if (row->off) {
            spec_row(SMMU_ROUTE_SMMUEN, row->path, tr_row, row);
        } else if (row->event == EV_BAD_ATS_TREQ) {
            spec_row(SMMU_ATS_EATS, row->path, tr_row, row);
        } else {
            spec_row(SMMU_ATS_REPLY, row->path, tr_row, row);
        }
        spec_row(SMMU_ATS_REC_CFG, row->path, tr_recorded, row);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(grant_rows); i++) {
        if (grant_rows[i].exec) {
            spec_row(SMMU_ATS_EXE, grant_rows[i].path, grant_row,
                     &grant_rows[i]);
        } else {
            spec_row(SMMU_ATS_GRANT, grant_rows[i].path, grant_row,
                     &grant_rows[i]);
        }
    }
    spec_test(SMMU_ATS_REC_CFG, "streamid-needs-both", tr_streamid_needs_both);
    spec_row(SMMU_ATS_EATS, "warm-0", warm_and_off, GUINT_TO_POINTER(0));
    spec_row(SMMU_ATS_EATS, "warm-2", warm_and_off, GUINT_TO_POINTER(2));
    spec_test(SMMU_ATS_EXE, "needs-read", execute_needs_read);
    spec_test(SMMU_ATS_NW, "nw", nw_does_not_dirty);
    spec_test(SMMU_ATS_NW, "access-flag", sets_access_flag);
    spec_test(SMMU_ATS_REPLY, "s1dss-skip", s1dss_skip);
    spec_test(SMMU_ATS_REPLY, "large-page", large_page);
    spec_row(SMMU_ATS_REPLY, "stu-4k", smallest, GUINT_TO_POINTER(12));
    spec_row(SMMU_ATS_REPLY, "stu-16k", smallest, GUINT_TO_POINTER(14));
    spec_row(SMMU_ATS_REPLY, "stu-64k", smallest, GUINT_TO_POINTER(16));
    spec_test(SMMU_ATS_REPLY, "no-fault-model", no_model_for_requests);
    spec_row(SMMU_ATS_WARM, "cold", warm_is_cold, GUINT_TO_POINTER(false));
    spec_row(SMMU_ATS_WARM, "warm", warm_is_cold, GUINT_TO_POINTER(true));
    spec_test(SMMU_EVENT_BAD_ATS_TREQ, "record", event_record);
    return g_test_run();
}
