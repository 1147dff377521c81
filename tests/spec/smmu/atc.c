/*
 * Commands that send messages to functions: CMD_ATC_INV, CMD_PRI_RESP, and
 * the CMD_SYNC that waits for answers (4.5, 4.7.3, 3.9.1.5).
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_world.h"
#include "lib/spec.h"

static SWorld *world(void)
{
    SWorld *w = sw_new(NULL, SW_S1, true);

    rig_log_clear(w->r);
    return w;
}

/* --- what is sent ------------------------------------------------------- */

typedef struct InvRow {
    const char *path;
    uint64_t addr;
    unsigned size;
    bool ssv, g;
    uint64_t want;
    uint8_t lg2;
} InvRow;

static const InvRow inv_rows[] = {
    { "page", UINT64_C(0x7654321000), 0, false, false, UINT64_C(0x7654321000),
      12 },
    { "aligned-down", UINT64_C(0x7654321000), 9, false, false,
      UINT64_C(0x7654200000), 21 },
    { "high", UINT64_C(0xffff800000001000), 0, false, false,
      UINT64_C(0xffff800000001000), 12 },
    { "largest", UINT64_C(0x8000000000000000), 51, false, false,
      UINT64_C(0x8000000000000000), 63 },
    { "everything", 0, 52, false, false, 0, IM_INV_ALL },
    { "everything-whatever-address", UINT64_C(0x7654321000), 52, false, false,
      0, IM_INV_ALL },
    { "substream", UINT64_C(0x1000), 0, true, false, 0x1000, 12 },
    { "substream-global", UINT64_C(0x1000), 0, true, true, 0x1000, 12 },
    { "substream-everything", 0, 52, true, false, 0, IM_INV_ALL },
};

static void inv_row(const void *data)
{
    const InvRow *row = data;
    g_autoptr(SWorld) w = world();
    const ImAtsInv *v;
    Cmd c = row->ssv ? cmd_atc_inv_ssid(w->sid, 0xfedcb, row->g, row->addr,
                                        row->size) :
                       cmd_atc_inv(w->sid, row->addr, row->size);

    sb_cmd(w->r, c);
    g_assert_true(sb_cmdq_empty(w->r));
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_ATS_INV), ==, 1);
    v = &rig_seen(w->r, RIG_SEEN_ATS_INV, 0)->inv;
    g_assert_cmphex(v->rid, ==, w->sid & 0xffff);
    g_assert_cmphex(v->segment, ==, w->sid >> 16);
    g_assert_cmphex(v->addr, ==, row->want);
    g_assert_cmpuint(v->lg2size, ==, row->lg2);
    g_assert_cmpuint(v->has_pasid, ==, row->ssv);
    g_assert_cmpuint(v->global, ==, row->g);
    if (row->ssv) {
        g_assert_cmphex(v->pasid, ==, 0xfedcb);
    }
    g_assert_cmpuint(v->itag, <, 32);
}

/* G is ignored without a SubstreamID. */
static void global_without_ssv(void)
{
    g_autoptr(SWorld) w = world();
    Cmd c = cmd_atc_inv(w->sid, 0x1000, 0);

    cmd_put(&c, 9, 9, 1);
    sb_cmd(w->r, c);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_ATS_INV), ==, 1);
    g_assert_false(rig_seen(w->r, RIG_SEEN_ATS_INV, 0)->inv.global);
    g_assert_false(rig_seen(w->r, RIG_SEEN_ATS_INV, 0)->inv.has_pasid);
}

/* StreamID 31:16 is the segment. */
static void other_segment(void)
{
    ImSmmuConfig c = rig_smmu_config();

    c.sid_bits = 20;
    g_autoptr(SWorld) w = sw_new(&c, SW_S1, false);
    sb_cmd(w->r, cmd_atc_inv(0x51234, 0x1000, 0));
    g_assert_cmphex(rig_seen(w->r, RIG_SEEN_ATS_INV, 0)->inv.rid, ==, 0x1234);
    g_assert_cmphex(rig_seen(w->r, RIG_SEEN_ATS_INV, 0)->inv.segment, ==, 5);
}

/* 4.5.1: ignored while SMMUEN=0; nobody waits for it. */
static void ignored_when_off(void)
{
    g_autoptr(SWorld) w = world();

    sb_cr0(w->r, CR0_SMMUEN, false);
    sb_cmd(w->r, cmd_atc_inv(w->sid, 0, 52));
    g_assert_true(sb_sync(w->r));
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_ATS_INV), ==, 0);
    sb_cmd(w->r, cmd_pri_resp(w->sid, 1, RESP_SUCCESS));
    g_assert_true(sb_sync(w->r));
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_PAGE_RESP), ==, 0);
}

/* --- waiting ------------------------------------------------------------ */

static void answer(SWorld *w, unsigned n)
{
    const ImAtsInv v = rig_seen(w->r, RIG_SEEN_ATS_INV, n)->inv;

    im_smmu_ats_inv_done(w->r->smmu, im_func(v.segment, v.rid), 1u << v.itag,
                         1);
}

static void sync_waits(void)
{
    g_autoptr(SWorld) w = world();
    uint32_t at;

    sb_cmd_put(w->r, cmd_atc_inv(w->sid, 0x1000, 0));
    sb_cmd_put(w->r, cmd_atc_inv(w->sid, 0x2000, 0));
    at = w->r->sq[0].at;
    sb_cmd_put(w->r, cmd_sync(CS_IRQ, 0, 0));
    sb_cmd_put(w->r, cmd_op(OP_NSNH_ALL));
    sb_cmd_ring(w->r);
    g_assert_cmphex(rig_reg32(w->r, SR_CMDQ_CONS), ==, at);
    answer(w, 1);
    g_assert_cmphex(rig_reg32(w->r, SR_CMDQ_CONS), ==, at);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_WIRE), ==, 0);
    answer(w, 0);
    g_assert_true(sb_cmdq_empty(w->r));
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_WIRE), ==, 1);
    rig_advance(w->r, 10 * w->r->smmu_cfg.ats_timeout_ns);
    g_assert_cmphex(sb_gerror(w->r), ==, 0);
}

static void only_sync_waits(void)
{
    g_autoptr(SWorld) w = world();

    sb_cmd(w->r, cmd_atc_inv(w->sid, 0x1000, 0));
    sb_cmd(w->r, cmd_op(OP_NSNH_ALL));
    sb_cmd(w->r, cmd_cfgi_all());
    g_assert_true(sb_cmdq_empty(w->r));
}

static void wrong_answers(void)
{
    g_autoptr(SWorld) w = world();
    ImAtsInv v;

    sb_cmd_put(w->r, cmd_atc_inv(w->sid, 0x1000, 0));
    g_assert_false(sb_sync(w->r));
    v = rig_seen(w->r, RIG_SEEN_ATS_INV, 0)->inv;
    im_smmu_ats_inv_done(w->r->smmu, w->sid ^ 1, 1u << v.itag, 1);
    g_assert_false(sb_cmdq_empty(w->r));
    im_smmu_ats_inv_done(w->r->smmu, w->sid, ~(1u << v.itag), 1);
    g_assert_false(sb_cmdq_empty(w->r));
    im_smmu_ats_inv_done(w->r->smmu, w->sid, 1u << v.itag, 1);
    g_assert_true(sb_cmdq_empty(w->r));
    im_smmu_ats_inv_done(w->r->smmu, w->sid, UINT32_MAX, 1);
    g_assert_cmphex(sb_gerror(w->r), ==, 0);
}

static void many(void)
{
    g_autoptr(SWorld) w = world();
    unsigned done = 0;

    for (unsigned i = 0; i < 100; i++) {
        sb_cmd_put(w->r, cmd_atc_inv(w->sid, 0x1000u * i, 0));
    }
    g_assert_false(sb_sync(w->r));
    while (done < rig_count(w->r, RIG_SEEN_ATS_INV)) {
        answer(w, done++);
    }
    g_assert_cmpuint(done, ==, 100);
    g_assert_true(sb_cmdq_empty(w->r));
    g_assert_cmphex(sb_gerror(w->r), ==, 0);
}

/* --- time-out ----------------------------------------------------------- */

static void times_out(void)
{
    g_autoptr(SWorld) w = world();
    uint64_t limit = w->r->smmu_cfg.ats_timeout_ns;
    uint32_t at;

    sb_cmd_put(w->r, cmd_atc_inv(w->sid, 0x1000, 0));
    at = w->r->sq[0].at;
    g_assert_false(sb_sync(w->r));
    rig_advance(w->r, limit / 2);
    g_assert_cmpuint(sb_cerror(w->r), ==, 0);
    rig_advance(w->r, limit);
    g_assert_cmpuint(sb_cerror(w->r), ==, CERROR_ATC_INV_SYNC);
    g_assert_cmphex(rig_reg32(w->r, SR_CMDQ_CONS) & 0xfffff, ==, at);
    g_assert_cmphex(sb_gerror(w->r), ==, GERROR_CMDQ_ERR);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_WIRE), ==, 1);
    /* the sync is done again, and nothing is owed any more */
    sb_gerror_ack(w->r);
    g_assert_true(sb_cmdq_empty(w->r));
    answer(w, 0);
    g_assert_true(sb_sync(w->r));
}

/* Late by less than the sync: the time runs from the invalidation. */
static void time_out_before_sync(void)
{
    g_autoptr(SWorld) w = world();

    sb_cmd(w->r, cmd_atc_inv(w->sid, 0x1000, 0));
    rig_advance(w->r, 3 * w->r->smmu_cfg.ats_timeout_ns);
    g_assert_cmpuint(sb_cerror(w->r), ==, 0);
    if (!sb_sync(w->r)) {
        rig_advance(w->r, 3 * w->r->smmu_cfg.ats_timeout_ns);
    }
    g_assert_cmpuint(sb_cerror(w->r), ==, CERROR_ATC_INV_SYNC);
    sb_gerror_ack(w->r);
    g_assert_true(sb_cmdq_empty(w->r));
}

static void queue_off_while_waiting(void)
{
    g_autoptr(SWorld) w = world();

    sb_cmd_put(w->r, cmd_atc_inv(w->sid, 0x1000, 0));
    g_assert_false(sb_sync(w->r));
    sb_cr0(w->r, CR0_CMDQEN, false);
    answer(w, 0);
    rig_advance(w->r, 3 * w->r->smmu_cfg.ats_timeout_ns);
    sb_cr0(w->r, CR0_CMDQEN, true);
    g_assert_true(sb_cmdq_empty(w->r));
    g_assert_cmphex(sb_gerror(w->r), ==, 0);
}

static void reset_while_waiting(void)
{
    g_autoptr(SWorld) w = world();

    sb_cmd_put(w->r, cmd_atc_inv(w->sid, 0x1000, 0));
    g_assert_false(sb_sync(w->r));
    im_smmu_reset(w->r->smmu);
    g_assert_cmpuint(w->r->deadline, ==, IM_NEVER);
    sb_cmdq_enable(w->r, 4);
    g_assert_true(sb_sync(w->r));           /* nothing is waited for */
    rig_advance(w->r, 3 * w->r->smmu_cfg.ats_timeout_ns);
    g_assert_true(sb_sync(w->r));
    answer(w, 0);
    g_assert_cmphex(sb_gerror(w->r), ==, 0);
}

/* --- ITags and completion counts, PCIe 10.3.2 --------------------------- */

static ImAtsInv nth(SWorld *w, unsigned n)
{
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_ATS_INV), >, n);
    return rig_seen(w->r, RIG_SEEN_ATS_INV, n)->inv;
}

/* In turn: the tag that was freed first comes first. */
static void itags_in_turn(void)
{
    g_autoptr(SWorld) w = world();

    for (unsigned i = 0; i < 32; i++) {
        sb_cmd(w->r, cmd_atc_inv(w->sid, 0x1000, 0));
        g_assert_cmpuint(nth(w, i).itag, ==, i);
    }
    answer(w, 7);
    answer(w, 3);
    answer(w, 9);
    for (unsigned i = 0; i < 3; i++) {
        static const uint8_t want[] = { 7, 3, 9 };

        sb_cmd(w->r, cmd_atc_inv(w->sid, 0x1000, 0));
        g_assert_cmpuint(nth(w, 32 + i).itag, ==, want[i]);
    }
}

/* The completion of what timed out comes late: it completes nothing else. */
static void late_completion(void)
{
    g_autoptr(SWorld) w = world();
    ImAtsInv late;

    sb_cmd(w->r, cmd_atc_inv(w->sid, 0x1000, 0));
    late = nth(w, 0);
    rig_advance(w->r, w->r->smmu_cfg.ats_timeout_ns);
    g_assert_false(sb_sync(w->r));
    sb_gerror_ack(w->r);
    g_assert_true(sb_cmdq_empty(w->r));
    for (unsigned i = 1; i < 32; i++) {
        sb_cmd(w->r, cmd_atc_inv(w->sid, 0x1000, 0));
        g_assert_cmpuint(nth(w, i).itag, !=, late.itag);
    }
    answer(w, 0);
    g_assert_false(sb_sync(w->r));          /* none of the 31 */
    for (unsigned i = 1; i < 32; i++) {
        answer(w, i);
    }
    g_assert_true(sb_cmdq_empty(w->r));
}

/* One timed out; then 31 others are sent and completed. */
static SWorld *one_late(bool completed)
{
    SWorld *w = world();

    sb_cmd(w->r, cmd_atc_inv(w->sid, 0x1000, 0));
    rig_advance(w->r, w->r->smmu_cfg.ats_timeout_ns);
    if (completed) {
        answer(w, 0);
    }
    for (unsigned i = 1; i < 32; i++) {
        sb_cmd(w->r, cmd_atc_inv(w->sid, 0x1000, 0));
        g_assert_cmpuint(nth(w, i).itag, ==, i);
        answer(w, i);
    }
    return w;
}

/* Its tag is used again when no other is free. */
static void late_tag_last(void)
{
    g_autoptr(SWorld) w = one_late(false);

    for (unsigned i = 1; i < 33; i++) {
        sb_cmd(w->r, cmd_atc_inv(w->sid, 0x1000, 0));
        g_assert_cmpuint(nth(w, 31 + i).itag, ==, i % 32);
    }
}

/* Completed since, it is as good as any, and the first that was freed. */
static void late_tag_completed(void)
{
    g_autoptr(SWorld) w = one_late(true);

    sb_cmd(w->r, cmd_atc_inv(w->sid, 0x1000, 0));
    g_assert_cmpuint(nth(w, 32).itag, ==, 0);
}

/* SMMUEN=0 forgets what is outstanding, not that it may be answered. */
static void late_after_off(void)
{
    g_autoptr(SWorld) w = world();

    sb_cmd(w->r, cmd_atc_inv(w->sid, 0x1000, 0));
    sb_cr0(w->r, CR0_SMMUEN, false);
    sb_cr0(w->r, CR0_SMMUEN, true);
    for (unsigned i = 1; i < 32; i++) {
        sb_cmd(w->r, cmd_atc_inv(w->sid, 0x1000, 0));
        answer(w, i);
    }
    sb_cmd(w->r, cmd_atc_inv(w->sid, 0x1000, 0));
    g_assert_cmpuint(nth(w, 32).itag, !=, nth(w, 0).itag);
    answer(w, 0);
    g_assert_false(sb_sync(w->r));
    answer(w, 32);
    g_assert_true(sb_cmdq_empty(w->r));
}

/* Of each ITag so many completions must come as their CC says. */
static void completion_count(const void *data)
{
    unsigned cc = GPOINTER_TO_UINT(data);
    g_autoptr(SWorld) w = world();
    uint32_t both;

    sb_cmd(w->r, cmd_atc_inv(w->sid, 0x1000, 0));
    sb_cmd(w->r, cmd_atc_inv(w->sid, 0x2000, 0));
    both = 1u << nth(w, 0).itag | 1u << nth(w, 1).itag;
    g_assert_false(sb_sync(w->r));
    for (unsigned i = 1; i < (cc ? cc : 8); i++) {
        im_smmu_ats_inv_done(w->r->smmu, w->sid, both, (uint8_t)cc);
        g_assert_false(sb_cmdq_empty(w->r));
    }
    im_smmu_ats_inv_done(w->r->smmu, w->sid, both & -both, (uint8_t)cc);
    g_assert_false(sb_cmdq_empty(w->r));
    im_smmu_ats_inv_done(w->r->smmu, w->sid, both & (both - 1), (uint8_t)cc);
    g_assert_true(sb_cmdq_empty(w->r));
    g_assert_cmpuint(im_smmu_counters(w->r->smmu)->ats_completions, ==, 2);
    /* counted anew for whoever has the tag next */
    for (unsigned i = 2; i < 34; i++) {
        sb_cmd(w->r, cmd_atc_inv(w->sid, 0x1000, 0));
    }
    if (cc != 1) {
        im_smmu_ats_inv_done(w->r->smmu, w->sid, UINT32_MAX, (uint8_t)cc);
        g_assert_cmpuint(im_smmu_counters(w->r->smmu)->ats_completions, ==, 2);
        g_assert_false(sb_sync(w->r));
    }
}

/* --- CMD_PRI_RESP, 4.5.2 ------------------------------------------------ */

static void pri_resp(const void *data)
{
    static const uint8_t codes[] = { IM_PAGE_RESP_FAILURE, IM_PAGE_RESP_INVALID,
                                     IM_PAGE_RESP_SUCCESS };
    unsigned n = GPOINTER_TO_UINT(data);
    g_autoptr(SWorld) w = world();
    const ImPageResp *p;

    sb_do(w->r, n & 4 ? cmd_pri_resp_ssid(w->sid, 0xabcde, 0x1fe, n & 3) :
                        cmd_pri_resp(w->sid, 0x1fe, n & 3));
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_PAGE_RESP), ==, 1);
    p = &rig_seen(w->r, RIG_SEEN_PAGE_RESP, 0)->resp;
    g_assert_cmphex(p->rid, ==, w->sid);
    g_assert_cmphex(p->prgi, ==, 0x1fe);
    g_assert_cmphex(p->code, ==, codes[n & 3]);
    g_assert_cmpuint(p->has_pasid, ==, n >> 2);
    if (n & 4) {
        g_assert_cmphex(p->pasid, ==, 0xabcde);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(inv_rows); i++) {
        spec_row(SMMU_CMD_ATC_INV, inv_rows[i].path, inv_row, &inv_rows[i]);
    }
    for (unsigned n = 0; n < 8; n++) {
        g_autofree char *path = g_strdup_printf("resp-%u%s", n & 3,
                                                n & 4 ? "@ssid" : "");
        if ((n & 3) != 3) {
            spec_row(SMMU_CMD_PRI_RESP, path, pri_resp, GUINT_TO_POINTER(n));
        }
    }
    spec_test(SMMU_CMD_ATC_INV, "global-without-ssv", global_without_ssv);
    spec_test(SMMU_CMD_ATC_INV, "segment", other_segment);
    spec_test(SMMU_CMD_ATC_INV, "ignored-when-off", ignored_when_off);
    spec_test(SMMU_CMD_ATC_INV, "many", many);
    for (unsigned cc = 0; cc <= 8; cc++) {
        g_autofree char *path = g_strdup_printf("cc@%u", cc);

        spec_row(SMMU_CMD_ATC_COUNT, path, completion_count,
                 GUINT_TO_POINTER(cc));
    }
    spec_test(SMMU_CMD_ATC_ITAG, "in-turn", itags_in_turn);
    spec_test(SMMU_CMD_ATC_ITAG, "late-completion", late_completion);
    spec_test(SMMU_CMD_ATC_ITAG, "late-tag-last", late_tag_last);
    spec_test(SMMU_CMD_ATC_ITAG, "late-tag-completed", late_tag_completed);
    spec_test(SMMU_CMD_ATC_ITAG, "late-after-off", late_after_off);
    spec_test(SMMU_CMD_SYNC, "waits", sync_waits);
    spec_test(SMMU_CMD_SYNC, "others-do-not", only_sync_waits);
    spec_test(SMMU_CMD_SYNC, "wrong-answers", wrong_answers);
    spec_test(SMMU_CMD_CERROR_ATC_INV_SYNC, "times-out", times_out);
    spec_test(SMMU_CMD_CERROR_ATC_INV_SYNC, "before-sync",
              time_out_before_sync);
    spec_test(SMMU_CMD_SYNC, "queue-off", queue_off_while_waiting);
    spec_test(SMMU_CMD_SYNC, "reset", reset_while_waiting);
    return g_test_run();
}
