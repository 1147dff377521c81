/*
 * Every host access of every main scenario fails once: the right fault,
 * nothing cached of it, nothing left half done, and then it works.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/vtd_build.h"

typedef struct Scenario {
    const char *name;
    WorldKind kind;
    bool pasid;
    bool ssade;
    ImAt at;
    ImAccess access;
    unsigned least;             /* accesses a correct walk needs */
} Scenario;

static const Scenario scenarios[] = {
    { "legacy", W_LEGACY, false, false, IM_AT_UNTRANSLATED, IM_READ, 6 },
    { "legacy-pass-through", W_LEGACY_PT, false, false, IM_AT_UNTRANSLATED,
      IM_READ, 2 },
    { "legacy-ats", W_LEGACY, false, false, IM_AT_TRANSLATION, IM_READ, 6 },
    { "legacy-translated", W_LEGACY, false, false, IM_AT_TRANSLATED, IM_READ,
      2 },
    { "first-stage-read", W_FS, true, false, IM_AT_UNTRANSLATED, IM_READ, 12 },
    { "first-stage-write", W_FS, false, false, IM_AT_UNTRANSLATED, IM_WRITE,
      12 },
    { "first-stage-ats", W_FS, true, false, IM_AT_TRANSLATION, IM_READ, 12 },
    { "second-stage", W_SS, true, false, IM_AT_UNTRANSLATED, IM_WRITE, 8 },
    { "second-stage-ad", W_SS, false, true, IM_AT_UNTRANSLATED, IM_WRITE, 12 },
    { "second-stage-ats", W_SS, true, true, IM_AT_TRANSLATION, IM_READ, 12 },
    { "nested", W_NESTED, true, false, IM_AT_UNTRANSLATED, IM_WRITE, 20 },
    { "nested-ad", W_NESTED, false, true, IM_AT_UNTRANSLATED, IM_WRITE, 24 },
    { "nested-ats", W_NESTED, true, true, IM_AT_TRANSLATION, IM_READ, 24 },
    { "pass-through", W_PT, true, false, IM_AT_UNTRANSLATED, IM_READ, 4 },
    { "translated", W_FS, false, false, IM_AT_TRANSLATED, IM_READ, 2 },
};

static World *scenario_world(const Scenario *s)
{
    World *w = world_new_off(NULL, s->kind, s->pasid);

    if (s->ssade) {
        rig_put(w->r, w->pe, PE_SSADE, 1);
    }
    world_on(w);
    return w;
}

static bool same_page(uint64_t a, uint64_t b)
{
    return a >> 12 == b >> 12;
}

/* Which table of the first stage holds pa: its level, or 0. */
static unsigned fs_level(World *w, uint64_t pa)
{
    for (unsigned l = 1; w->fs && l <= w->fs_levels; l++) {
        if (same_page(world_fs_entry(w, w->iova, l), pa)) {
            return l;
        }
    }
    return 0;
}

/* Table 30, by what could not be accessed. */
static uint8_t expected_fault(World *w)
{
    Rig *r = w->r;
    bool sm = world_scalable(w);
    bool update = r->fail_use == RIG_UPDATE;
    unsigned level;

    if (same_page(r->fail_pa, w->root)) {
        return sm ? 0x38 : 0x08;
    }
    if (same_page(r->fail_pa, w->ctx)) {
        return sm ? 0x40 : 0x09;
    }
    if (sm && same_page(r->fail_pa, w->dir_entry)) {
        return 0x50;
    }
    if (sm && same_page(r->fail_pa, w->pe)) {
        return 0x58;
    }
    level = fs_level(w, r->fail_pa);
    if (level) {
        return update ? 0x91 : level == w->fs_levels ? 0x73 : 0x70;
    }
    if (!sm) {
        return same_page(r->fail_pa, w->ss) ? 0x03 : 0x07;
    }
    return update ? 0x7d : same_page(r->fail_pa, w->ss) ? 0x7b : 0x78;
}

static void check_failed(World *w, const ImTxn *t, const ImXlat *x)
{
    uint8_t fault = expected_fault(w);
    bool first = fault >= 0x70 && fault < 0x78;
    bool silent = t->at == IM_AT_TRANSLATION && first;

    if (t->at == IM_AT_TRANSLATION && (first || fault == 0x91)) {
        xlat_is_nothing(x);
    } else {
        xlat_is_fault(x, t->at == IM_AT_TRANSLATION ? IM_CPL_CA : IM_CPL_UR,
                      fault);
    }
    g_assert_cmpuint(vb_faults(w->r), ==, silent ? 0 : 1);
    if (!silent) {
        g_assert_cmphex(vb_fault(w->r, 0).reason, ==, fault);
        g_assert_cmphex(vb_fault(w->r, 0).sid, ==, w->rid);
    }
}

static void sweep_dma(const void *data)
{
    const Scenario *s = data;
    unsigned n;

    for (n = 0; n < 1000; n++) {
        g_autoptr(World) w = scenario_world(s);
        ImTxn t = world_txn(w, s->at, s->access);
        ImXlat x;

        rig_fail_access(w->r, n);
        x = im_vtd_translate(w->r->vtd, &t);
        if (!w->r->failure_hit) {
            xlat_is_ok(&x, w->hpa);
            break;
        }
        check_failed(w, &t, &x);
        rig_assert_consistent(w->r);
        rig_fail_access(w->r, UINT64_MAX);
        vb_fault_clear(w->r);
        x = im_vtd_translate(w->r->vtd, &t);
        xlat_is_ok(&x, w->hpa);
        g_assert_cmpuint(vb_faults(w->r), ==, 0);
    }
    g_assert_cmpuint(n, >=, s->least);
    g_assert_cmpuint(n, <, 1000);
}

/* --- page request ------------------------------------------------------- */

static void sweep_page_request(const void *data)
{
    WorldKind kind = (WorldKind)GPOINTER_TO_UINT(data);
    unsigned n;

    for (n = 0; n < 100; n++) {
        g_autoptr(World) w = world_new(NULL, kind, true);
        ImPageReq q = world_page_req(w);
        const RigLog *resp;

        rig_fail_access(w->r, n);
        im_vtd_page_request(w->r->vtd, &q);
        if (!w->r->failure_hit) {
            g_assert_cmphex(rig_reg64(w->r, REG_PQT), ==, 32);
            break;
        }
        /* not queued: the function gets one answer and does not hang */
        g_assert_cmphex(rig_reg64(w->r, REG_PQT), ==, 0);
        g_assert_cmphex(rig_reg32(w->r, REG_PRS) & PRS_PPR, ==, 0);
        g_assert_cmpuint(rig_count(w->r, RIG_SEEN_PAGE_RESP), ==, 1);
        resp = rig_seen(w->r, RIG_SEEN_PAGE_RESP, 0);
        if (w->r->fail_use == RIG_READ) {
            g_assert_cmphex(resp->resp.code, ==, IM_PAGE_RESP_INVALID);
            g_assert_cmphex(vb_fault(w->r, 0).reason, ==, expected_fault(w));
        }
        rig_fail_access(w->r, UINT64_MAX);
        vb_fault_clear(w->r);
        rig_set32(w->r, REG_PRS, PRS_PRO);
        im_vtd_page_request(w->r->vtd, &q);
        g_assert_cmphex(rig_reg64(w->r, REG_PQT), ==, 32);
        g_assert_cmphex(rig_get(w->r, w->r->prq, PRD_TYPE), ==, 1);
    }
    g_assert_cmpuint(n, >=, 5);
    g_assert_cmpuint(n, <, 100);
}

/* --- queue -------------------------------------------------------------- */

static void queue_work(World *w)
{
    Rig *r = w->r;

    vb_iq_put(r, desc_piotlb(PIOTLB_PASID, w->did, w->pasid, 0, 0, false));
    vb_iq_put(r, desc_wait(WAIT_SW, r->status, 1));
    vb_iq_put(r, desc_pasid_cache(PC_GLOBAL, 0, 0));
    vb_iq_put(r, desc_wait(WAIT_SW | WAIT_IF | WAIT_FN, r->status + 4, 2));
    vb_iq_put(r, desc_page_resp(w->rid, true, w->pasid, 1, 0));
    vb_iq_put(r, desc_wait(WAIT_SW, r->status + 8, 3));
    vb_iq_ring(r);
}

static void sweep_queue(void)
{
    unsigned n;

    for (n = 0; n < 100; n++) {
        g_autoptr(World) w = world_new(NULL, W_FS, true);
        Rig *r = w->r;
        bool done = false;

        rig_fail_access(r, n);
        queue_work(w);
        if (!r->failure_hit) {
            g_assert_cmphex(rig_r32(r, r->status + 8), ==, 3);
            break;
        }
        if (r->fail_use == RIG_READ) {
            g_assert_cmphex(rig_reg32(r, REG_FSTS) & FSTS_IQE, ==, FSTS_IQE);
            g_assert_cmphex(rig_reg64(r, REG_IQERCD) & 0xf, ==, 2);
            g_assert_cmphex(rig_reg64(r, REG_IQH), ==, r->fail_pa - r->iq);
            done = true;
        }
        rig_assert_consistent(r);
        rig_fail_access(r, UINT64_MAX);
        vb_fault_clear(r);
        g_assert_cmphex(rig_reg64(r, REG_IQH), ==, 6 * 32);
        if (done) {
            g_assert_cmphex(rig_r32(r, r->status), ==, 1);
            g_assert_cmphex(rig_r32(r, r->status + 4), ==, 2);
            g_assert_cmphex(rig_r32(r, r->status + 8), ==, 3);
        }
        g_assert_cmpuint(rig_count(r, RIG_SEEN_PAGE_RESP), ==, 1);
        g_assert_true(vb_wait(r));
    }
    g_assert_cmpuint(n, >=, 9);
    g_assert_cmpuint(n, <, 100);
}

/* With messages outstanding: fail a fetch or a status, then complete. */
static void sweep_queue_device_tlb(void)
{
    unsigned n;

    for (n = 0; n < 100; n++) {
        g_autoptr(World) w = world_new(NULL, W_FS, true);
        Rig *r = w->r;

        rig_fail_access(r, n);
        vb_iq_put(r, desc_dev_tlb(w->rid, 0, false));
        vb_iq_put(r, desc_pdev_tlb(w->rid, w->pasid, 0, false, false));
        vb_iq_put(r, desc_wait(WAIT_SW, r->status, 1));
        vb_iq_ring(r);
        for (unsigned i = 0; i < rig_count(r, RIG_SEEN_ATS_INV); i++) {
            const ImAtsInv *v = &rig_seen(r, RIG_SEEN_ATS_INV, i)->inv;

            im_vtd_ats_inv_done(r->vtd, v->rid, 1u << v->itag, 1);
        }
        if (!r->failure_hit) {
            g_assert_cmphex(rig_r32(r, r->status), ==, 1);
            break;
        }
        rig_fail_access(r, UINT64_MAX);
        rig_log_clear(r);
        vb_fault_clear(r);
        for (unsigned i = 0; i < rig_count(r, RIG_SEEN_ATS_INV); i++) {
            const ImAtsInv *v = &rig_seen(r, RIG_SEEN_ATS_INV, i)->inv;

            im_vtd_ats_inv_done(r->vtd, v->rid, 1u << v->itag, 1);
        }
        g_assert_cmphex(rig_reg32(r, REG_FSTS), ==, 0);
        g_assert_cmphex(rig_reg64(r, REG_IQH), ==, 3 * 32);
        g_assert_true(vb_wait(r));
    }
    g_assert_cmpuint(n, >=, 4);
    g_assert_cmpuint(n, <, 100);
}

/* --- interrupt ---------------------------------------------------------- */

static void sweep_interrupt(void)
{
    unsigned n;

    for (n = 0; n < 100; n++) {
        g_autoptr(Rig) r = rig_vtd_new(NULL);
        ImMsi m = vb_msi(0x100, 3);
        ImIntOut out;

        vb_irt_enable(r, 3, false);
        vb_irte(r, 3, (Irte) { .p = true, .vector = 0x77 });
        rig_fail_access(r, n);
        out = im_vtd_interrupt(r->vtd, &m);
        if (!r->failure_hit) {
            break;
        }
        g_assert_cmpuint(out.status, ==, IM_FAULT);
        g_assert_cmphex(out.fault, ==, 0x23);
        g_assert_cmphex(vb_fault(r, 0).reason, ==, 0x23);
        rig_assert_consistent(r);
        rig_fail_access(r, UINT64_MAX);
        out = im_vtd_interrupt(r->vtd, &m);
        g_assert_cmpuint(out.status, ==, IM_OK);
        g_assert_cmphex(out.vector, ==, 0x77);
    }
    g_assert_cmpuint(n, >=, 1);
    g_assert_cmpuint(n, <, 100);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    for (unsigned i = 0; i < G_N_ELEMENTS(scenarios); i++) {
        g_autofree char *path = g_strdup_printf("/vtd/failnth/dma/%s",
                                                scenarios[i].name);

        g_test_add_data_func(path, &scenarios[i], sweep_dma);
    }
    g_test_add_data_func("/vtd/failnth/page-request/first-stage",
                         GUINT_TO_POINTER(W_FS), sweep_page_request);
    g_test_add_data_func("/vtd/failnth/page-request/nested",
                         GUINT_TO_POINTER(W_NESTED), sweep_page_request);
    g_test_add_func("/vtd/failnth/queue", sweep_queue);
    g_test_add_func("/vtd/failnth/queue-device-tlb", sweep_queue_device_tlb);
    g_test_add_func("/vtd/failnth/interrupt", sweep_interrupt);
    return g_test_run();
}
