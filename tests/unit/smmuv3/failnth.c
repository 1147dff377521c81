/*
 * Every host access of every main SMMU scenario fails once: the right
 * event, nothing cached of it, nothing left half done, and then it works.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_world.h"

typedef struct Scenario {
    const char *name;
    SwKind kind;
    bool ssid;
    SwShape shape;
    bool httu;
    ImAt at;
    ImAccess access;
    unsigned least;             /* accesses a correct walk needs */
} Scenario;

/* clang-format off */
static const Scenario scenarios[] = {
    { "stage-1-read", SW_S1, false, { 0 }, false, IM_AT_UNTRANSLATED,
      IM_READ, 7 },
    { "stage-1-linear", SW_S1, false, { .linear = true }, false,
      IM_AT_UNTRANSLATED, IM_READ, 6 },
    { "stage-1-substream", SW_S1, true, { .s1fmt = 1, .s1cdmax = 12 },
      false, IM_AT_UNTRANSLATED, IM_WRITE, 8 },
    { "stage-1-httu", SW_S1, true, { .s1fmt = 2, .s1cdmax = 12 }, true,
      IM_AT_UNTRANSLATED, IM_WRITE, 9 },
    { "stage-1-16k", SW_S1, false, { .g1 = 14 }, false, IM_AT_UNTRANSLATED,
      IM_READ, 7 },
    { "stage-1-64k-high", SW_S1, false, { .g1 = 16, .high = true }, false,
      IM_AT_UNTRANSLATED, IM_READ, 6 },
    { "stage-1-ats", SW_S1, true, { 0 }, false, IM_AT_TRANSLATION, IM_READ,
      7 },
    { "stage-1-ats-httu", SW_S1, true, { 0 }, true, IM_AT_TRANSLATION,
      IM_READ, 8 },
    { "stage-2", SW_S2, false, { 0 }, false, IM_AT_UNTRANSLATED, IM_WRITE,
      6 },
    { "stage-2-httu", SW_S2, false, { .g2 = 14 }, true, IM_AT_UNTRANSLATED,
      IM_WRITE, 6 },
    { "stage-2-ats", SW_S2, false, { 0 }, false, IM_AT_TRANSLATION, IM_READ,
      6 },
    { "nested", SW_NESTED, true, { 0 }, false, IM_AT_UNTRANSLATED, IM_READ,
      10 },
    { "nested-httu", SW_NESTED, true, { .s1fmt = 1, .s1cdmax = 12 }, true,
      IM_AT_UNTRANSLATED, IM_WRITE, 12 },
    { "nested-64k-on-4k", SW_NESTED, false, { .g1 = 16 }, true,
      IM_AT_UNTRANSLATED, IM_WRITE, 10 },
    { "nested-ats", SW_NESTED, true, { 0 }, true, IM_AT_TRANSLATION,
      IM_READ, 12 },
    { "bypass", SW_BYPASS, false, { 0 }, false, IM_AT_UNTRANSLATED, IM_READ,
      2 },
    { "translated", SW_S1, false, { 0 }, false, IM_AT_TRANSLATED, IM_READ,
      2 },
};
/* clang-format on */

/* Descriptors without AF, dirty state clean: everything is to be set. */
static void clean(SWorld *w)
{
    Rig *r = w->r;

    if (sw_s1(w)) {
        uint64_t at = sw_s1_desc(w, w->iova, 3), d = rig_r64(r, at);

        rig_put(r, w->cd, CD_HA, 1);
        rig_put(r, w->cd, CD_HD, 1);
        rig_w64(r, at, (d & ~D_AF) | D_DBM | D_AP2);
    }
    if (sw_s2(w)) {
        uint64_t at = sw_s2_desc(w, w->ipa, 3), d = rig_r64(r, at);

        rig_put(r, w->ste, STE_S2HA, 1);
        rig_put(r, w->ste, STE_S2HD, 1);
        rig_w64(r, at, (d & ~(D_AF | D_S2W)) | D_DBM);
    }
}

static SWorld *scenario_world(const Scenario *s)
{
    SWorld *w = sw_new_off(NULL, s->kind, s->ssid, &s->shape);

    if (s->httu) {
        clean(w);
    }
    w->cr0 = CR0_ATSCHK;
    sw_on(w);
    return w;
}

static bool within(uint64_t pa, uint64_t at, uint64_t bytes)
{
    return pa >= at && pa - at < bytes;
}

/* 7.3, by what could not be accessed. */
static unsigned expected_event(SWorld *w)
{
    uint64_t pa = w->r->fail_pa;
    unsigned leaf = w->shape.s1fmt == 1 ? 6 : 10;
    uint64_t l1 = UINT64_C(8)
                  << (w->shape.s1cdmax - MIN(leaf, w->shape.s1cdmax));

    if (within(pa, w->ste, 64) || (w->l1std && within(pa, w->l1std, 8))) {
        return EV_STE_FETCH;
    }
    if (sw_s1(w) && (within(pa, w->cd, 64) || (w->has_ssid && w->shape.s1fmt &&
                                               within(pa, w->cdtab, l1)))) {
        return EV_CD_FETCH;
    }
    return EV_WALK_EABT;
}

static void check_failed(SWorld *w, const ImTxn *t, const ImXlat *x)
{
    unsigned code = expected_event(w);
    Evt e;

    if (t->at != IM_AT_UNTRANSLATED) {
        g_assert_cmpuint(x->status, ==, IM_FAULT);
        g_assert_cmpuint(x->cpl, !=, IM_CPL_SC);
        g_assert_cmpuint(x->perm, ==, 0);
        sw_no_event(w);
        return;
    }
    sx_is_abort(x, code);
    e = sw_only_event(w, code);
    g_assert_cmphex(e.sid, ==, w->sid);
    g_assert_cmphex(e.fetch, ==, w->r->fail_pa & ~UINT64_C(7));
    if (code == EV_WALK_EABT) {
        g_assert_cmphex(e.addr, ==, t->addr);
        g_assert_cmpuint(e.cls, <=, CLASS_IN);
    }
}

static void is_answered(SWorld *w, const ImTxn *t, const ImXlat *x)
{
    if (t->at == IM_AT_TRANSLATION) {
        g_assert_cmpuint(x->perm & 3, ==, IM_PERM_R | IM_PERM_W);
        g_assert_cmphex(x->addr & ~UINT64_C(0xfff), ==, w->pa);
    } else {
        xlat_is_ok(x, w->pa);
    }
}

static void sweep_dma(const void *data)
{
    const Scenario *s = data;
    unsigned n;

    for (n = 0; n < 1000; n++) {
        g_autoptr(SWorld) w = scenario_world(s);
        ImTxn t = sw_txn(w, s->at, s->access);
        ImXlat x;

        t.has_pasid &= s->at != IM_AT_TRANSLATED;
        rig_fail_access(w->r, n);
        x = sw_run(w, &t);
        if (!w->r->failure_hit) {
            is_answered(w, &t, &x);
            break;
        }
        rig_fail_access(w->r, UINT64_MAX);
        check_failed(w, &t, &x);
        rig_assert_consistent(w->r);
        x = sw_run(w, &t);
        is_answered(w, &t, &x);
        sw_no_event(w);
    }
    g_assert_cmpuint(n, >=, s->least);
    g_assert_cmpuint(n, <, 1000);
}

/* --- recording ---------------------------------------------------------- */

/* The walk of a fault, and the write of its record. */
static void sweep_record(void)
{
    bool lost = false;
    unsigned n;

    for (n = 0; n < 100; n++) {
        g_autoptr(SWorld) w = sw_new(NULL, SW_S1, true);
        ImXlat x;

        rig_fail_access(w->r, n);
        x = sw_dma(w, IM_READ, 0x5000);
        g_assert_cmpuint(x.status, ==, IM_FAULT);
        g_assert_cmpuint(x.cpl, !=, IM_CPL_SC);
        if (!w->r->failure_hit) {
            sw_only_event(w, EV_TRANSLATION);
            break;
        }
        if (w->r->fail_use == RIG_WRITE) {
            lost = true;
            sw_no_event(w);
            g_assert_cmphex(sb_gerror(w->r), ==, GERROR_EVTQ_ABT);
            sb_gerror_ack(w->r);
        } else {
            sw_only_event(w, expected_event(w));
        }
        rig_fail_access(w->r, UINT64_MAX);
        x = sw_dma(w, IM_READ, 0x5000);
        sw_only_event(w, EV_TRANSLATION);
    }
    g_assert_true(lost);
    g_assert_cmpuint(n, >=, 4);
    g_assert_cmpuint(n, <, 100);
}

static void sweep_page_request(void)
{
    unsigned n;

    for (n = 0; n < 100; n++) {
        g_autoptr(SWorld) w = sw_new(NULL, SW_S1, true);
        ImPageReq q = sw_page_req(w);

        rig_fail_access(w->r, n);
        im_smmu_page_request(w->r->smmu, &q);
        if (!w->r->failure_hit) {
            g_assert_cmpuint(sb_pprs(w->r), ==, 1);
            break;
        }
        /* not queued: the function gets one answer and does not hang */
        g_assert_cmpuint(sb_pprs(w->r), ==, 0);
        g_assert_cmpuint(rig_count(w->r, RIG_SEEN_PAGE_RESP), ==, 1);
        g_assert_cmphex(rig_seen(w->r, RIG_SEEN_PAGE_RESP, 0)->resp.code, ==,
                        IM_PAGE_RESP_FAILURE);
        g_assert_cmphex(sb_gerror(w->r), ==, GERROR_PRIQ_ABT);
        sb_gerror_ack(w->r);
        rig_fail_access(w->r, UINT64_MAX);
        im_smmu_page_request(w->r->smmu, &q);
        g_assert_cmpuint(sb_pprs(w->r), ==, 1);
    }
    g_assert_cmpuint(n, >=, 1);
    g_assert_cmpuint(n, <, 100);
}

/* --- stalls ------------------------------------------------------------- */

/* Park, record, resume: whatever fails, the request is answered once. */
static void sweep_stall(void)
{
    unsigned n;

    for (n = 0; n < 200; n++) {
        g_autoptr(SWorld) w = sw_new_off(NULL, SW_NESTED, true, NULL);
        ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_WRITE);
        bool parked;
        ImXlat x;

        rig_put(w->r, w->cd, CD_S, 1);
        sw_on(w);
        t.addr = w->iova + 0x200000;
        t.may_stall = true;
        rig_fail_access(w->r, n);
        x = sw_run(w, &t);
        parked = x.status == IM_PENDING;
        if (sb_gerror(w->r) & GERROR_EVTQ_ABT) {
            sb_gerror_ack(w->r);
        }
        sw_map(w, t.addr, w->pa);
        if (parked && sb_events(w->r)) {
            Evt e = sb_event(w->r, 0);

            sb_events_clear(w->r);
            sb_cmd(w->r, cmd_resume(w->sid, e.stag, true, false));
            if (sb_gerror(w->r) & GERROR_CMDQ_ERR) {
                g_assert_cmpuint(sb_cerror(w->r), ==, CERROR_ABT);
                sb_gerror_ack(w->r);
            }
        } else if (parked) { /* its record was lost */
            sb_do(w->r, cmd_stall_term(w->sid));
        }
        g_assert_cmpuint(rig_count(w->r, RIG_SEEN_RESUME), ==, parked);
        if (!w->r->failure_hit) {
            xlat_is_ok(&rig_seen(w->r, RIG_SEEN_RESUME, 0)->xlat, w->pa);
            break;
        }
        rig_fail_access(w->r, UINT64_MAX);
        sb_events_clear(w->r);
        x = sw_run(w, &t);
        xlat_is_ok(&x, w->pa);
    }
    g_assert_cmpuint(n, >=, 12);
    g_assert_cmpuint(n, <, 200);
}

/* --- commands ----------------------------------------------------------- */

static void sweep_commands(void)
{
    unsigned n;

    for (n = 0; n < 100; n++) {
        g_autoptr(SWorld) w = sw_new(NULL, SW_S1, true);
        Rig *r = w->r;
        uint32_t at = r->sq[0].at;

        rig_log_clear(r);
        rig_fail_access(r, n);
        sb_cmd_put(r, cmd_cfgi_all());
        sb_cmd_put(r, cmd_op(OP_NSNH_ALL));
        sb_cmd_put(r, cmd_sync(CS_IRQ, 0x9000, 1));
        sb_cmd_put(r, cmd_pri_resp(w->sid, 1, RESP_SUCCESS));
        sb_cmd_put(r, cmd_sync(CS_IRQ, 0x9000, 2));
        sb_cmd_ring(r);
        if (!r->failure_hit) {
            g_assert_true(sb_cmdq_empty(r));
            break;
        }
        g_assert_cmpuint(sb_cerror(r), ==, CERROR_ABT);
        g_assert_cmphex(rig_reg32(r, SR_CMDQ_CONS) & 0xff, ==, at + n);
        rig_fail_access(r, UINT64_MAX);
        sb_gerror_ack(r);
        g_assert_true(sb_cmdq_empty(r));
        g_assert_cmpuint(rig_count(r, RIG_SEEN_PAGE_RESP), ==, 1);
        g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 2);
    }
    g_assert_cmpuint(n, ==, 5);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    for (unsigned i = 0; i < G_N_ELEMENTS(scenarios); i++) {
        g_autofree char *path = g_strdup_printf("/smmu/failnth/dma/%s",
                                                scenarios[i].name);

        g_test_add_data_func(path, &scenarios[i], sweep_dma);
    }
    g_test_add_func("/smmu/failnth/record", sweep_record);
    g_test_add_func("/smmu/failnth/page-request", sweep_page_request);
    g_test_add_func("/smmu/failnth/stall", sweep_stall);
    g_test_add_func("/smmu/failnth/commands", sweep_commands);
    return g_test_run();
}
