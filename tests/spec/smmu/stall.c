/*
 * The fault model: what A, R and S make of a fault (5.5), and stalls: their
 * records, resuming, terminating, limits (3.12.2, 4.7.1, 4.7.2, 7.2.1).
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_world.h"
#include "lib/spec.h"

#define BAD     UINT64_C(0x5000)

/* --- A, R and S, 5.5 ---------------------------------------------------- */

typedef struct Damage {
    const char *name;
    unsigned code;
    void (*fn)(SWorld *w);
} Damage;

static void no_page(SWorld *w)
{
    rig_w64(w->r, sw_leaf(w, w->iova), 0);
}

static void no_access_flag(SWorld *w)
{
    uint64_t at = sw_leaf(w, w->iova);

    rig_w64(w->r, at, rig_r64(w->r, at) & ~D_AF);
}

static void no_read(SWorld *w)
{
    uint64_t at = sw_leaf(w, w->iova);

    rig_w64(w->r, at, rig_r64(w->r, at) & ~D_AP1);  /* S2AP[0] as well */
}

static void too_far(SWorld *w)
{
    uint64_t at = sw_leaf(w, w->iova);

    if (sw_s1(w)) {
        rig_put(w->r, w->cd, CD_IPS, 0);
    } else {
        rig_put(w->r, w->ste, STE_S2PS, 0);
    }
    rig_w64(w->r, at, rig_r64(w->r, at) | UINT64_C(1) << 40);
}

static const Damage damages[] = {
    { "translation", EV_TRANSLATION, no_page },
    { "access", EV_ACCESS, no_access_flag },
    { "permission", EV_PERMISSION, no_read },
    { "addr-size", EV_ADDR_SIZE, too_far },
};

static SWorld *model_world(SwKind kind, const Damage *d, unsigned ars)
{
    SWorld *w = sw_new_off(NULL, kind, false, NULL);

    if (kind == SW_S1) {
        rig_put(w->r, w->cd, CD_A, ars >> 2 & 1);
        rig_put(w->r, w->cd, CD_R, ars >> 1 & 1);
        rig_put(w->r, w->cd, CD_S, ars & 1);
    } else {
        rig_put(w->r, w->ste, STE_EATS, 0);
        rig_put(w->r, w->ste, STE_S2R, ars >> 1 & 1);
        rig_put(w->r, w->ste, STE_S2S, ars & 1);
    }
    d->fn(w);
    sw_on(w);
    return w;
}

/* n: ars | damage << 3 | stage 2 << 5 | cannot wait << 6 */
static void ars_row(const void *data)
{
    unsigned n = GPOINTER_TO_UINT(data), ars = n & 7;
    const Damage *d = &damages[n >> 3 & 3];
    SwKind kind = n & 32 ? SW_S2 : SW_S1;
    bool s = ars & 1, r = ars & 2, a = ars & 4 || kind == SW_S2;
    g_autoptr(SWorld) w = model_world(kind, d, ars);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    ImXlat x, e;

    t.may_stall = !(n & 64);
    e = im_smmu_explain(w->r->smmu, &t, NULL, NULL);
    g_assert_cmpuint(e.status, ==, IM_FAULT);
    g_assert_cmphex(e.fault, ==, d->code);
    sw_no_event(w);
    x = sw_run(w, &t);
    if (s && t.may_stall) {
        g_assert_cmpuint(x.status, ==, IM_PENDING);
        g_assert_true(sw_only_event(w, d->code).stall);
        return;
    }
    if (a || s) {               /* S=1 of one that cannot wait: our choice */
        g_assert_cmpuint(x.status, ==, IM_FAULT);
        g_assert_cmphex(x.fault, ==, d->code);
    }
    if (a) {
        sx_is_abort(&x, d->code);
    } else if (!s) {
        sx_is_raz_wi(&x, d->code);
    }
    if (r || s) {
        g_assert_false(sw_only_event(w, d->code).stall);
    } else {
        sw_no_event(w);
    }
}

/* Everything else aborts and is recorded, whatever A, R and S say. */
static void others_always_abort(const void *data)
{
    unsigned ars = GPOINTER_TO_UINT(data);
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, false, NULL);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    ImXlat x;

    rig_put(w->r, w->cd, CD_A, ars >> 2 & 1);
    rig_put(w->r, w->cd, CD_R, ars >> 1 & 1);
    rig_put(w->r, w->cd, CD_S, ars & 1);
    rig_w64(w->r, sw_s1_desc(w, w->iova, 1), w->r->ram_top | D_TABLE | D_V);
    sw_on(w);
    t.may_stall = true;
    x = sw_run(w, &t);
    sx_is_abort(&x, EV_WALK_EABT);
    sw_only_event(w, EV_WALK_EABT);
}

/* A stage 2 fault on a stage 1 table obeys S2R and S2S, not the CD. */
static void tt_fault_is_stage_2s(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_NESTED, false, NULL);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    ImXlat x;

    rig_put(w->r, w->cd, CD_S, 1);
    rig_put(w->r, w->ste, STE_S2R, 0);
    rig_w64(w->r, sw_s2_desc(w, sw_s1_desc(w, w->iova, 2) + w->bias, 3), 0);
    sw_on(w);
    t.may_stall = true;
    x = sw_run(w, &t);
    sx_is_abort(&x, EV_TRANSLATION);
    sw_no_event(w);
}

/* --- stalling ----------------------------------------------------------- */

static SWorld *stalling(const ImSmmuConfig *cfg, bool ssid)
{
    SWorld *w = sw_new_off(cfg, SW_S1, ssid, NULL);

    rig_put(w->r, w->cd, CD_S, 1);
    sw_on(w);
    rig_log_clear(w->r);
    return w;
}

static ImXlat park(SWorld *w, uint64_t addr, ImAccess access)
{
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, access);

    t.addr = addr;
    t.may_stall = true;
    return sw_run(w, &t);
}

static const ImXlat *resumed(SWorld *w, uint64_t handle)
{
    for (unsigned i = 0; i < rig_count(w->r, RIG_SEEN_RESUME); i++) {
        const RigLog *e = rig_seen(w->r, RIG_SEEN_RESUME, i);

        if (e->val == handle) {
            return &e->xlat;
        }
    }
    return NULL;
}

static void record(void)
{
    g_autoptr(SWorld) w = stalling(NULL, true);
    ImXlat x = park(w, BAD + 0x123, IM_WRITE);
    Evt e;

    g_assert_cmpuint(x.status, ==, IM_PENDING);
    e = sw_only_event(w, EV_TRANSLATION);
    g_assert_true(e.stall);
    g_assert_cmphex(e.sid, ==, w->sid);
    g_assert_true(e.ssv);
    g_assert_cmphex(e.ssid, ==, w->ssid);
    g_assert_cmphex(e.addr, ==, BAD + 0x123);
    g_assert_false(e.rnw);
    g_assert_null(resumed(w, x.handle));
}

typedef struct ResumeRow {
    const char *path;
    bool ac, ab;
    bool term_model;
    bool map;                   /* software has made the page present */
} ResumeRow;

static const ResumeRow resume_rows[] = {
    { "retry", true, false, false, true },
    { "retry-ab-ignored", true, true, false, true },
    { "abort", false, true, false, false },
    { "abort-although-mapped", false, true, false, true },
    { "raz-wi", false, false, false, false },
    { "term-model", false, false, true, false },
};

static void resume_row(const void *data)
{
    const ResumeRow *row = data;
    ImSmmuConfig c = rig_smmu_config();

    c.term_model = row->term_model;
    g_autoptr(SWorld) w = stalling(&c, false);
    ImXlat x = park(w, BAD, IM_READ);
    Evt e = sw_only_event(w, EV_TRANSLATION);
    const ImXlat *y;

    if (row->map) {
        sw_map(w, BAD, w->pa);
    }
    sb_do(w->r, cmd_resume(w->sid, e.stag, row->ac, row->ab));
    y = resumed(w, x.handle);
    g_assert_nonnull(y);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_RESUME), ==, 1);
    if (y && row->ac) {
        xlat_is_ok(y, w->pa);
    } else if (y) {
        g_assert_cmpuint(y->status, ==, IM_FAULT);
        g_assert_cmpuint(y->cpl == IM_CPL_SC, ==, !row->ab && !row->term_model);
    }
    sw_no_event(w);
    /* the STAG is free: resuming it again does nothing */
    sb_do(w->r, cmd_resume(w->sid, e.stag, true, false));
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_RESUME), ==, 1);
}

static void retry_faults_again(void)
{
    g_autoptr(SWorld) w = stalling(NULL, false);
    ImXlat x = park(w, BAD, IM_READ);
    Evt e = sw_only_event(w, EV_TRANSLATION);

    for (unsigned i = 0; i < 5; i++) {
        sb_do(w->r, cmd_resume(w->sid, e.stag, true, false));
        g_assert_null(resumed(w, x.handle));
        e = sw_only_event(w, EV_TRANSLATION);
        g_assert_true(e.stall);
    }
    sw_map(w, BAD, w->pa);
    sb_do(w->r, cmd_resume(w->sid, e.stag, true, false));
    xlat_is_ok(resumed(w, x.handle), w->pa);
}

/* A retry looks everything up anew: the CD no longer stalls, say. */
static void retry_under_new_configuration(void)
{
    g_autoptr(SWorld) w = stalling(NULL, false);
    ImXlat x = park(w, BAD, IM_READ);
    Evt e = sw_only_event(w, EV_TRANSLATION);

    rig_put(w->r, w->cd, CD_S, 0);
    sb_do(w->r, cmd_cfgi_cd(w->sid, 0, true));
    sb_do(w->r, cmd_resume(w->sid, e.stag, true, false));
    g_assert_nonnull(resumed(w, x.handle));
    sx_is_abort(resumed(w, x.handle), EV_TRANSLATION);
    g_assert_false(sw_only_event(w, EV_TRANSLATION).stall);
}

static void retry_other_fault(void)
{
    g_autoptr(SWorld) w = stalling(NULL, false);
    ImXlat x = park(w, BAD, IM_WRITE);
    Evt e = sw_only_event(w, EV_TRANSLATION);

    sw_s1_map(w, BAD, w->pa, 12, SB_S1_RO);
    sb_do(w->r, cmd_resume(w->sid, e.stag, true, false));
    e = sw_only_event(w, EV_PERMISSION);
    g_assert_true(e.stall);
    sb_do(w->r, cmd_resume(w->sid, e.stag, false, true));
    g_assert_nonnull(resumed(w, x.handle));
}

static void stags_differ(void)
{
    g_autoptr(SWorld) w = stalling(NULL, false);
    uint64_t handle[8];
    uint16_t stag[8];

    for (unsigned i = 0; i < 8; i++) {
        handle[i] = park(w, BAD + 0x1000 * i, IM_READ).handle;
    }
    g_assert_cmpuint(sb_events(w->r), ==, 8);
    for (unsigned i = 0; i < 8; i++) {
        stag[i] = sb_event(w->r, i).stag;
        g_assert_cmphex(sb_event(w->r, i).addr, ==, BAD + 0x1000 * i);
        for (unsigned j = 0; j < i; j++) {
            g_assert_cmphex(stag[i], !=, stag[j]);
            g_assert_cmphex(handle[i], !=, handle[j]);
        }
    }
    sb_events_clear(w->r);
    for (int i = 7; i >= 0; i--) {      /* in any order */
        sb_do(w->r, cmd_resume(w->sid, stag[i], false, true));
        g_assert_nonnull(resumed(w, handle[i]));
        g_assert_cmpuint(rig_count(w->r, RIG_SEEN_RESUME), ==,
                         8u - (unsigned)i);
    }
}

/* Later requests of the same stream pass a stalled one. */
static void others_pass(void)
{
    g_autoptr(SWorld) w = stalling(NULL, false);
    ImXlat x = park(w, BAD, IM_READ);

    g_assert_cmpuint(x.status, ==, IM_PENDING);
    x = park(w, w->iova, IM_READ);
    xlat_is_ok(&x, w->pa);
}

static void no_match(void)
{
    g_autoptr(SWorld) w = stalling(NULL, false);
    Evt e;

    park(w, BAD, IM_READ);
    e = sw_only_event(w, EV_TRANSLATION);
    sb_do(w->r, cmd_resume(w->sid ^ 1, e.stag, true, false));
    sb_do(w->r, cmd_resume(w->sid | 0x10000, e.stag, true, false));
    sb_do(w->r, cmd_resume(w->sid, e.stag ^ 1, true, false));
    sb_do(w->r, cmd_resume(w->sid, e.stag ^ 0x100, true, false));
    sb_do(w->r, cmd_resume(w->sid, e.stag ^ 0x8000, true, false));
    sb_do(w->r, cmd_resume(w->sid, 0xffff, false, true));
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_RESUME), ==, 0);
    sb_do(w->r, cmd_stall_term(w->sid ^ 1));
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_RESUME), ==, 0);
    sw_no_event(w);
}

/* Invalidations do not touch what is stalled. */
static void invalidations_do_not_touch(void)
{
    g_autoptr(SWorld) w = stalling(NULL, false);

    park(w, BAD, IM_READ);
    sw_only_event(w, EV_TRANSLATION);
    sb_do(w->r, cmd_cfgi_all());
    sb_do(w->r, cmd_op(OP_NSNH_ALL));
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_RESUME), ==, 0);
}

static void stall_term(void)
{
    g_autoptr(SWorld) w = stalling(NULL, false);
    uint32_t other = w->sid ^ 1;
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    uint64_t keep, gone[3];

    sw_stream(w, other);
    for (unsigned i = 0; i < 3; i++) {
        gone[i] = park(w, BAD + 0x1000 * i, IM_READ).handle;
    }
    t.rid = (uint16_t)other;
    t.addr = BAD;
    t.may_stall = true;
    keep = sw_run(w, &t).handle;
    g_assert_cmpuint(sb_events(w->r), ==, 4);
    rig_put(w->r, w->ste, STE_CONFIG, CONFIG_ABORT);
    sb_do(w->r, cmd_cfgi_ste(w->sid, true));
    sb_do(w->r, cmd_stall_term(w->sid));
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_RESUME), ==, 3);
    for (unsigned i = 0; i < 3; i++) {
        g_assert_nonnull(resumed(w, gone[i]));
        g_assert_cmpuint(resumed(w, gone[i])->status, ==, IM_FAULT);
        g_assert_cmpuint(resumed(w, gone[i])->cpl, !=, IM_CPL_SC);
    }
    g_assert_null(resumed(w, keep));
}

/* --- limits ------------------------------------------------------------- */

/* Beyond STALL_MAX nothing is lost: it waits until there is room. */
static void stall_max(void)
{
    g_autoptr(SWorld) w = stalling(NULL, false);
    unsigned max = w->r->smmu_cfg.stall_max, n = max + 5;
    unsigned recorded = 0;

    for (unsigned i = 0; i < n; i++) {
        ImXlat x = park(w, BAD + 0x1000 * i, IM_READ);

        g_assert_cmpuint(x.status, ==, IM_PENDING);
    }
    g_assert_cmpuint(sb_events(w->r), ==, max);
    while (sb_events(w->r)) {
        Evt e = sb_event(w->r, 0);

        g_assert_true(e.stall);
        sb_events_drop(w->r, 1);
        sb_do(w->r, cmd_resume(w->sid, e.stag, false, true));
        recorded++;
    }
    g_assert_cmpuint(recorded, ==, n);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_RESUME), ==, n);
}

/* A full queue loses no stall, and it is no overflow. */
static void full_queue(void)
{
    g_autoptr(SWorld) w = stalling(NULL, false);
    Rig *r = w->r;
    unsigned seen = 0;

    sb_cr0(r, CR0_EVENTQEN, false);
    sb_evtq_enable(r, 1);
    for (unsigned i = 0; i < 6; i++) {
        g_assert_cmpuint(park(w, BAD + 0x1000 * i, IM_READ).status, ==,
                         IM_PENDING);
    }
    g_assert_cmpuint(sb_events(r), ==, 2);
    g_assert_cmphex(rig_reg32(r, SR_EVTQ_PROD) & Q_OVERFLOW, ==, 0);
    for (unsigned turns = 0; turns < 20 && sb_events(r); turns++) {
        g_assert_true(sb_event(r, 0).stall);
        seen |= 1u << (sb_event(r, 0).addr - BAD) / 0x1000;
        sb_events_drop(r, 1);
    }
    g_assert_cmphex(seen, ==, 0x3f);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_RESUME), ==, 0);
}

/* EVENTQEN=0: it stalls; the record comes when the queue is enabled. */
static void disabled_queue(void)
{
    g_autoptr(SWorld) w = stalling(NULL, false);
    ImXlat x;
    Evt e;

    sb_cr0(w->r, CR0_EVENTQEN, false);
    x = park(w, BAD, IM_READ);
    g_assert_cmpuint(x.status, ==, IM_PENDING);
    g_assert_cmpuint(rig_reg32(w->r, SR_EVTQ_PROD), ==, 0);
    sb_cr0(w->r, CR0_EVENTQEN, true);
    e = sw_only_event(w, EV_TRANSLATION);
    g_assert_true(e.stall);
    sb_do(w->r, cmd_resume(w->sid, e.stag, false, true));
    g_assert_nonnull(resumed(w, x.handle));
}

/* What waits unrecorded may succeed meanwhile: then it must be answered. */
static void unrecorded_is_retried(void)
{
    g_autoptr(SWorld) w = stalling(NULL, false);
    ImXlat x;

    sb_cr0(w->r, CR0_EVENTQEN, false);
    x = park(w, BAD, IM_READ);
    sw_map(w, BAD, w->pa);
    sb_do(w->r, cmd_op(OP_NSNH_ALL));
    sb_cr0(w->r, CR0_EVENTQEN, true);
    if (resumed(w, x.handle)) {
        xlat_is_ok(resumed(w, x.handle), w->pa);
    } else {                            /* permitted: the old record */
        Evt e = sw_only_event(w, EV_TRANSLATION);

        sb_do(w->r, cmd_resume(w->sid, e.stag, true, false));
        xlat_is_ok(resumed(w, x.handle), w->pa);
    }
}

/* --- ends --------------------------------------------------------------- */

static void smmuen_off(void)
{
    g_autoptr(SWorld) w = stalling(NULL, false);
    ImXlat x = park(w, BAD, IM_READ);
    Evt e = sw_only_event(w, EV_TRANSLATION);

    sb_cr0(w->r, CR0_SMMUEN, false);
    g_assert_nonnull(resumed(w, x.handle));
    g_assert_cmpuint(resumed(w, x.handle)->status, ==, IM_FAULT);
    sb_cr0(w->r, CR0_SMMUEN, true);
    sb_do(w->r, cmd_resume(w->sid, e.stag, true, false));
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_RESUME), ==, 1);
}

static void reset(void)
{
    g_autoptr(SWorld) w = stalling(NULL, false);
    ImXlat x = park(w, BAD, IM_READ);

    im_smmu_reset(w->r->smmu);
    g_assert_nonnull(resumed(w, x.handle));
    g_assert_cmpuint(resumed(w, x.handle)->status, ==, IM_FAULT);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_RESUME), ==, 1);
}

static void cancel(void)
{
    g_autoptr(SWorld) w = stalling(NULL, false);
    ImXlat x = park(w, BAD, IM_READ);
    Evt e = sw_only_event(w, EV_TRANSLATION);

    im_smmu_cancel(w->r->smmu, x.handle);
    im_smmu_cancel(w->r->smmu, x.handle);
    im_smmu_cancel(w->r->smmu, ~x.handle);
    sb_do(w->r, cmd_resume(w->sid, e.stag, true, false));
    sb_do(w->r, cmd_stall_term(w->sid));
    im_smmu_reset(w->r->smmu);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_RESUME), ==, 0);
}

/* A STAG that stands in a record is in use until software has answered,
 * whatever became of the function. */
static void cancel_keeps_stag(void)
{
    ImSmmuConfig c = rig_smmu_config();

    c.stall_max = 2;
    g_autoptr(SWorld) w = stalling(&c, false);
    ImXlat a = park(w, BAD, IM_READ), b = park(w, BAD + 0x1000, IM_READ);
    uint16_t stag = sb_event(w->r, 0).stag;

    sb_events_clear(w->r);
    im_smmu_cancel(w->r->smmu, a.handle);
    a = park(w, BAD + 0x2000, IM_READ);
    g_assert_cmpuint(a.status, ==, IM_PENDING);
    sw_no_event(w);
    sb_do(w->r, cmd_resume(w->sid, stag, false, true));
    g_assert_null(resumed(w, a.handle));
    g_assert_cmphex(sw_only_event(w, EV_TRANSLATION).addr, ==, BAD + 0x2000);
    g_assert_null(resumed(w, b.handle));
    /* one that waits without a record is simply gone */
    b = park(w, BAD + 0x3000, IM_READ);
    im_smmu_cancel(w->r->smmu, b.handle);
    sb_do(w->r, cmd_stall_term(w->sid));
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_RESUME), ==, 2);
    sw_no_event(w);
}

/* Never resumed: freeing the unit leaks nothing (the sanitizer looks). */
static void never_resumed(void)
{
    g_autoptr(SWorld) w = stalling(NULL, false);

    for (unsigned i = 0; i < 100; i++) {
        park(w, BAD + 0x1000 * i, IM_READ);
    }
    rig_advance(w->r, UINT64_C(1000000000000));
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_RESUME), ==, 0);
}

static void no_resume(ImPort *port)
{
    port->resume = NULL;
}

/* A host that cannot resume: nothing is parked. */
static void host_cannot_resume(void)
{
    ImSmmuConfig c = rig_smmu_config();
    g_autoptr(Rig) r = rig_smmu_new_on(&c, no_resume);
    uint64_t strtab = rig_alloc(r, 1, RIG_READ);
    uint64_t cd = rig_alloc(r, 1, RIG_READ);
    ImTxn t = { .addr = BAD, .len = 4, .access = IM_READ, .may_stall = true };
    ImXlat x;

    rig_put(r, cd, CD_T0SZ, 25);
    rig_put(r, cd, CD_EPD0, 1);
    rig_put(r, cd, CD_EPD1, 1);
    rig_put(r, cd, CD_AA64, 1);
    rig_put(r, cd, CD_A, 1);
    rig_put(r, cd, CD_S, 1);
    rig_put(r, cd, CD_V, 1);
    rig_put(r, strtab, STE_S1CTXPTR, cd >> 6);
    rig_put(r, strtab, STE_CONFIG, CONFIG_S1);
    rig_put(r, strtab, STE_V, 1);
    rig_set64(r, SR_STRTAB_BASE, strtab);
    sb_evtq_enable(r, 3);
    sb_cr0(r, CR0_SMMUEN, true);
    x = im_smmu_translate(r->smmu, &t);
    sx_is_abort(&x, EV_TRANSLATION);
    g_assert_cmpuint(sb_events(r), ==, 1);
    g_assert_false(sb_event(r, 0).stall);
}

/* S does not concern translation requests, 3.9.1. */
static void ats_never_stalls(void)
{
    g_autoptr(SWorld) w = stalling(NULL, false);
    ImTxn t = sw_txn(w, IM_AT_TRANSLATION, IM_READ);
    ImXlat x;

    t.addr = BAD;
    t.may_stall = true;
    x = sw_run(w, &t);
    sx_is_nothing(&x);
    sw_no_event(w);
}

/* Records of stalls are never merged, MEV or not: here, with one STAG to
 * give, they are the same in every bit. */
static void never_merged(void)
{
    ImSmmuConfig c = rig_smmu_config();

    c.stall_max = 1;
    g_autoptr(SWorld) w = sw_new_off(&c, SW_S1, false, NULL);
    rig_put(w->r, w->cd, CD_S, 1);
    rig_put(w->r, w->ste, STE_MEV, 1);
    sw_on(w);
    park(w, BAD, IM_READ);
    sb_do(w->r, cmd_resume(w->sid, sb_event(w->r, 0).stag, false, true));
    park(w, BAD, IM_READ);
    g_assert_cmpuint(sb_events(w->r), ==, 2);
    g_assert_cmphex(sb_event(w->r, 0).q[1], ==, sb_event(w->r, 1).q[1]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned n = 0; n < 128; n++) {
        g_autofree char *path = g_strdup_printf(
            "s%u-%u%u%u%s@%s", n & 32 ? 2 : 1, n >> 2 & 1, n >> 1 & 1, n & 1,
            n & 64 ? "-cannot-wait" : "", damages[n >> 3 & 3].name);

        if (!(n & 1) && !(n & 36)) {
            spec_row(SMMU_ROUTE_RAZWI, path, ars_row, GUINT_TO_POINTER(n));
        } else if (n & 1) {
            spec_row(SMMU_ROUTE_STALL, path, ars_row, GUINT_TO_POINTER(n));
        } else {
            spec_row(SMMU_ROUTE_ARS, path, ars_row, GUINT_TO_POINTER(n));
        }
    }
    for (unsigned ars = 0; ars < 8; ars++) {
        g_autofree char *path = g_strdup_printf("others@%u", ars);

        spec_row(SMMU_ROUTE_WALK, path, others_always_abort,
                 GUINT_TO_POINTER(ars));
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(resume_rows); i++) {
        spec_row(SMMU_CMD_RESUME, resume_rows[i].path, resume_row,
                 &resume_rows[i]);
    }
    spec_test(SMMU_ROUTE_ARS, "table-of-stage-1", tt_fault_is_stage_2s);
    spec_test(SMMU_STALL_RECORD, "record", record);
    spec_test(SMMU_STALL_RECORD, "stags-differ", stags_differ);
    spec_test(SMMU_STALL_RECORD, "others-pass", others_pass);
    spec_test(SMMU_STALL_RECORD, "never-merged", never_merged);
    spec_test(SMMU_STALL_RETRY, "faults-again", retry_faults_again);
    spec_test(SMMU_STALL_RETRY, "new-configuration",
              retry_under_new_configuration);
    spec_test(SMMU_STALL_RETRY, "other-fault", retry_other_fault);
    spec_test(SMMU_STALL_MATCH, "no-match", no_match);
    spec_test(SMMU_STALL_MATCH, "invalidations", invalidations_do_not_touch);
    spec_test(SMMU_STALL_TERM, "one-stream", stall_term);
    spec_test(SMMU_STALL_UNRECORDED, "stall-max", stall_max);
    spec_test(SMMU_STALL_UNRECORDED, "full-queue", full_queue);
    spec_test(SMMU_STALL_UNRECORDED, "disabled-queue", disabled_queue);
    spec_test(SMMU_STALL_UNRECORDED, "retried", unrecorded_is_retried);
    spec_test(SMMU_STALL_SMMUEN, "off", smmuen_off);
    spec_test(SMMU_REG_RESET, "stalls", reset);
    spec_test(SMMU_STALL_RECORD, "cancel", cancel);
    spec_test(SMMU_STALL_RECORD, "cancel-keeps-stag", cancel_keeps_stag);
    spec_test(SMMU_STALL_RECORD, "never-resumed", never_resumed);
    spec_test(SMMU_STALL_RECORD, "host-cannot", host_cannot_resume);
    spec_test(SMMU_STALL_RECORD, "ats", ats_never_stalls);
    return g_test_run();
}
