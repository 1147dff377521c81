/*
 * The queue half of the SMMU alone, with a scripted translation half:
 * stalls, tags running out, queues that are full or gone, a host
 * that answers late. The rules themselves are the specification suite's.
 *
 * SPDX-License-Identifier: MIT
 */
#include "unit/smmuv3/half.h"

/* --- Stalls. ------------------------------------------------------------ */

static void test_stall_and_resume(void)
{
    g_autoptr(Rig) r = prepare();
    uint64_t a = stall(r, SID, 0x5000), b = stall(r, SID + 1, 0x6000);
    Evt e;

    g_assert_cmpuint(sb_events(r), ==, 2);
    e = sb_event(r, 1);
    g_assert_true(e.stall);
    g_assert_cmphex(e.sid, ==, SID + 1);
    sb_do(r, cmd_resume(SID, e.stag, true, false));     /* not its stream */
    sb_do(r, cmd_resume(SID + 1, 0x7fff, true, false));
    g_assert_cmpuint(resumed(r), ==, 0);
    sb_do(r, cmd_resume(SID + 1, e.stag, true, false));
    g_assert_cmpuint(resumed(r), ==, 1);
    g_assert_cmphex(rig_seen(r, RIG_SEEN_RESUME, 0)->val, ==, b);
    g_assert_cmpuint(rig_seen(r, RIG_SEEN_RESUME, 0)->xlat.status, ==, IM_OK);
    sb_do(r, cmd_resume(SID, sb_event(r, 0).stag, false, true));
    g_assert_cmphex(rig_seen(r, RIG_SEEN_RESUME, 1)->val, ==, a);
    g_assert_cmpuint(rig_seen(r, RIG_SEEN_RESUME, 1)->xlat.status, ==,
                     IM_FAULT);
    sb_do(r, cmd_resume(SID, sb_event(r, 0).stag, false, true));
    g_assert_cmpuint(resumed(r), ==, 2);
    g_assert_cmpuint(count(r)->stalls, ==, 2);
    g_assert_cmpuint(count(r)->stalls_resumed, ==, 1);
    g_assert_cmpuint(count(r)->stalls_terminated, ==, 1);
}

static void test_stalls_again(void)
{
    g_autoptr(Rig) r = prepare();

    stall(r, SID, 0x5000);
    other.stalls_left = 2;
    sb_do(r, cmd_resume(SID, sb_event(r, 0).stag, true, false));
    g_assert_cmpuint(sb_events(r), ==, 2);
    g_assert_cmpuint(resumed(r), ==, 0);
    sb_do(r, cmd_resume(SID, sb_event(r, 1).stag, true, false));
    sb_do(r, cmd_resume(SID, sb_event(r, 2).stag, true, false));
    g_assert_cmpuint(sb_events(r), ==, 3);
    g_assert_cmpuint(resumed(r), ==, 1);
    g_assert_cmpuint(count(r)->stalls, ==, 3);
}

/* More than STALL_MAX, then more than may wait. */
static void test_too_many(void)
{
    ImSmmuConfig cfg = rig_smmu_config();
    g_autoptr(Rig) r = NULL;

    cfg.stall_max = 2;
    r = prepare_with(&cfg);
    for (unsigned i = 0; i < 2 + 1024; i++) {
        stall(r, SID + i % 7, i << 12);
    }
    g_assert_cmpuint(sb_events(r), ==, 2);
    g_assert_cmpuint(dma(r, SID, 0).status, ==, IM_FAULT);
    g_assert_cmpuint(sb_events(r), ==, 3);
    g_assert_false(sb_event(r, 2).stall);
    /* A slot that is freed goes to the one that waits longest. */
    other.stalls_left = 1;
    sb_do(r, cmd_resume(SID, sb_event(r, 0).stag, false, true));
    g_assert_cmpuint(sb_events(r), ==, 4);
    g_assert_true(sb_event(r, 3).stall);
    g_assert_cmphex(sb_event(r, 3).addr, ==, 2 << 12);
    /* What would no longer fault is not told of. */
    sb_do(r, cmd_resume(SID + 1, sb_event(r, 1).stag, false, true));
    g_assert_cmpuint(sb_events(r), ==, 4);
    g_assert_cmpuint(resumed(r), ==, 2 + 1024 - 1);
    sb_do(r, cmd_stall_term(SID + 2));
    g_assert_cmpuint(resumed(r), ==, 2 + 1024);
    g_assert_cmpuint(count(r)->stalls, ==,
                     count(r)->stalls_resumed + count(r)->stalls_terminated);
}

static void test_queue_full(void)
{
    g_autoptr(Rig) r = prepare();

    for (unsigned i = 0; i < 10; i++) {
        stall(r, SID, i << 12);
    }
    g_assert_cmpuint(sb_events(r), ==, 8);
    g_assert_cmphex(rig_reg32(r, SR_EVTQ_PROD) & Q_OVERFLOW, ==, 0);
    other.stalls_left = 10;
    sb_events_drop(r, 1);
    g_assert_cmpuint(sb_events(r), ==, 8);
    sb_events_drop(r, 8);
    g_assert_cmpuint(sb_events(r), ==, 1);
    g_assert_cmphex(sb_event(r, 0).addr, ==, 9 << 12);
    sb_do(r, cmd_stall_term(SID));
    g_assert_cmpuint(resumed(r), ==, 10);
}

static void test_queue_disabled(void)
{
    g_autoptr(Rig) r = prepare();

    sb_cr0(r, CR0_EVENTQEN, false);
    stall(r, SID, 0x5000);
    stall(r, SID, 0x6000);
    g_assert_cmpuint(sb_events(r), ==, 0);
    other.stalls_left = 1;
    sb_cr0(r, CR0_EVENTQEN, true);
    g_assert_cmpuint(resumed(r), ==, 1);
    g_assert_cmpuint(sb_events(r), ==, 1);
}

/* An abort loses records; SMMUEN=0 ends what cannot be resumed. */
static void test_queue_gone(void)
{
    g_autoptr(Rig) r = prepare();

    sb_cr0(r, CR0_EVENTQEN, false);
    rig_set64(r, SR_EVTQ_BASE, 0x0000fffffff00000 | 3);
    sb_cr0(r, CR0_EVENTQEN, true);
    stall(r, SID, 0x5000);
    stall(r, SID, 0x6000);
    g_assert_cmphex(sb_gerror(r), ==, GERROR_EVTQ_ABT);
    g_assert_cmpuint(sb_events(r), ==, 0);
    sb_cr0(r, CR0_SMMUEN, false);
    g_assert_cmpuint(resumed(r), ==, 2);
    g_assert_cmpuint(count(r)->stalls_terminated, ==, 2);
}

static void test_cancel(void)
{
    ImSmmuConfig cfg = rig_smmu_config();
    g_autoptr(Rig) r = NULL;
    uint64_t first, second;
    uint16_t stag;

    cfg.stall_max = 1;
    r = prepare_with(&cfg);
    first = stall(r, SID, 0x5000);
    second = stall(r, SID, 0x6000);
    stall(r, SID, 0x7000);
    im_smmu_cancel(r->smmu, 12345);
    im_smmu_cancel(r->smmu, second);
    im_smmu_cancel(r->smmu, first);
    im_smmu_cancel(r->smmu, first);
    g_assert_cmpuint(resumed(r), ==, 0);
    /* Software has not given the STAG back. */
    g_assert_cmpuint(sb_events(r), ==, 1);
    stag = sb_event(r, 0).stag;
    other.stalls_left = 1;
    sb_do(r, cmd_resume(SID, stag, true, false));
    g_assert_cmpuint(resumed(r), ==, 0);
    g_assert_cmpuint(sb_events(r), ==, 2);
    g_assert_cmphex(sb_event(r, 1).addr, ==, 0x7000);
}

static void test_reset(void)
{
    g_autoptr(Rig) r = prepare();

    for (unsigned i = 0; i < 40; i++) {
        stall(r, SID + i, 0x5000);
    }
    im_smmu_reset(r->smmu);
    g_assert_cmpuint(resumed(r), ==, 40);
    g_assert_cmphex(rig_reg32(r, SR_CR0ACK), ==, 0);
}

/* --- ATC invalidations. ------------------------------------------------- */

static void test_tags(void)
{
    g_autoptr(Rig) r = prepare();
    uint32_t seen = 0;

    for (unsigned i = 0; i < 40; i++) {
        sb_cmd_put(r, cmd_atc_inv(SID, i << 12, 0));
    }
    sb_cmd_ring(r);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_ATS_INV), ==, 32);
    g_assert_false(sb_cmdq_empty(r));
    for (unsigned i = 0; i < 32; i++) {
        seen |= 1u << rig_seen(r, RIG_SEEN_ATS_INV, i)->inv.itag;
    }
    g_assert_cmphex(seen, ==, UINT32_MAX);
    im_smmu_ats_inv_done(r->smmu, SID + 1, UINT32_MAX, 1);
    g_assert_false(sb_cmdq_empty(r));
    im_smmu_ats_inv_done(r->smmu, SID, 0x10, 1);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_ATS_INV), ==, 33);
    g_assert_cmphex(rig_seen(r, RIG_SEEN_ATS_INV, 32)->inv.itag, ==, 4);
    im_smmu_ats_inv_done(r->smmu, SID, UINT32_MAX, 1);
    g_assert_true(sb_cmdq_empty(r));
    g_assert_false(sb_sync(r));
    im_smmu_ats_inv_done(r->smmu, SID, UINT32_MAX, 1);
    g_assert_true(sb_cmdq_empty(r));
    g_assert_cmpuint(r->deadline, ==, IM_NEVER);
}

/* Many functions: the records run out before any function's tags do. */
static void test_records(void)
{
    ImSmmuConfig cfg = rig_smmu_config();
    g_autoptr(Rig) r = rig_smmu_new(&cfg);

    memset(&other, 0, sizeof(other));
    sb_cmdq_enable(r, 9);
    sb_cr0(r, CR0_SMMUEN, true);
    for (unsigned i = 0; i < 300; i++) {
        sb_cmd_put(r, cmd_atc_inv(SID + i, 0, 52));
    }
    sb_cmd_ring(r);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_ATS_INV), ==, 256);
    rig_advance(r, cfg.ats_timeout_ns);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_ATS_INV), ==, 300);
    g_assert_true(sb_cmdq_empty(r));
    g_assert_false(sb_sync(r));
    g_assert_cmpuint(sb_cerror(r), ==, CERROR_ATC_INV_SYNC);
    /* Told once; the rest is still waited for. */
    sb_gerror_ack(r);
    g_assert_cmphex(sb_gerror(r), ==, 0);
    g_assert_false(sb_cmdq_empty(r));
    for (unsigned i = 256; i < 300; i++) {
        im_smmu_ats_inv_done(r->smmu, SID + i, UINT32_MAX, 1);
    }
    g_assert_true(sb_cmdq_empty(r));
    g_assert_cmpuint(count(r)->ats_timeouts, ==, 256);
    g_assert_cmpuint(count(r)->ats_completions, ==, 44);
}

static void test_sync_ends_with_smmuen(void)
{
    g_autoptr(Rig) r = prepare();

    sb_cmd_put(r, cmd_atc_inv(SID, 0, 52));
    g_assert_false(sb_sync(r));
    sb_cr0(r, CR0_SMMUEN, false);
    g_assert_true(sb_cmdq_empty(r));
    sb_do(r, cmd_atc_inv(SID, 0, 52));      /* ignored */
    g_assert_cmpuint(rig_count(r, RIG_SEEN_ATS_INV), ==, 1);
    im_smmu_ats_inv_done(r->smmu, SID, UINT32_MAX, 1);
}

/* --- Commands as the other half sees them. ------------------------------ */

static void test_ranges(void)
{
    g_autoptr(Rig) r = prepare();
    Cmd c = cmd_tlbi(OP_NH_VA, 3, 4, 0x123456000, true);

    sb_do(r, c);
    g_assert_cmphex(other.tlbi.addr, ==, 0x123456000);
    g_assert_cmphex(other.tlbi.last, ==, 0x123456fff);
    g_assert_cmpuint(other.tlbi.scope, ==, SMMU_TLBI_VA);
    g_assert_true(other.tlbi.leaf);
    g_assert_cmpuint(other.tlbi.vmid, ==, 3);
    g_assert_cmpuint(other.tlbi.asid, ==, 4);
    sb_do(r, cmd_tlbi_range(c, 1, 3, 4, 2));
    g_assert_cmphex(other.tlbi.last, ==, 0x123456000 + 20 * 0x1000 - 1);
    sb_do(r, cmd_tlbi_range(c, 1, 0, 0, 1));    /* SCALE alone */
    g_assert_cmphex(other.tlbi.last, ==, 0x123456000 + 2 * 0x1000 - 1);
    sb_do(r, cmd_tlbi_range(c, 3, 0, 31, 31));
    g_assert_cmphex(other.tlbi.addr, ==, 0x123450000);
    g_assert_cmphex(other.tlbi.last, ==,
                    0x123450000 + (UINT64_C(32) << 31 << 16) - 1);
    c = cmd_tlbi(OP_NH_VAA, 3, 0, UINT64_C(0xfffffffffffff000), false);
    sb_do(r, cmd_tlbi_range(c, 1, 0, 31, 31));
    g_assert_cmphex(other.tlbi.last, ==, UINT64_MAX);
    sb_cmd(r, cmd_tlbi_range(c, 1, 0, 0, 0));
    g_assert_cmpuint(sb_cerror(r), ==, CERROR_ILL);
}

static void test_ste_ranges(void)
{
    g_autoptr(Rig) r = prepare();

    sb_do(r, cmd_cfgi_ste_range(0x1234, 7));
    g_assert_cmphex(other.sid, ==, 0x1200);
    g_assert_cmpuint(other.lg2, ==, 8);
    sb_do(r, cmd_cfgi_all());
    g_assert_cmphex(other.sid, ==, 0);
    g_assert_cmpuint(other.lg2, ==, 32);
}

/* A PROD that never was: the loop ends all the same. */
static void test_wild_prod(void)
{
    g_autoptr(Rig) r = prepare();

    rig_set32(r, SR_CR0, 0);
    rig_set64(r, SR_CMDQ_BASE, r->sq[0].base | 31);
    sb_cr0(r, CR0_CMDQEN, true);
    r->allow_stray = true;
    rig_set32(r, SR_CMDQ_PROD, UINT32_MAX);
    g_assert_cmpuint(sb_cerror(r), !=, CERROR_NONE);
    for (unsigned i = 0; i < 8; i++) {
        sb_gerror_ack(r);
        rig_set32(r, SR_CMDQ_PROD, 0x55555u << i);
    }
}

/* --- Events and page requests. ------------------------------------------ */

static void test_merge(void)
{
    g_autoptr(Rig) r = prepare();
    ImTxn t = { .rid = SID, .addr = 0x5004, .access = IM_READ };
    SmmuEvent e = fault_of(&t);

    e.merge = true;
    im_smmu_event(r->smmu, &e);
    e.addr = 0x5ff0;
    im_smmu_event(r->smmu, &e);
    g_assert_cmpuint(sb_events(r), ==, 1);
    e.addr = 0x6000;
    im_smmu_event(r->smmu, &e);
    e.addr = 0x5000;
    im_smmu_event(r->smmu, &e);
    g_assert_cmpuint(sb_events(r), ==, 2);
    e.merge = false;
    im_smmu_event(r->smmu, &e);
    g_assert_cmpuint(sb_events(r), ==, 3);
    e.merge = true;
    sb_events_clear(r);
    im_smmu_event(r->smmu, &e);
    g_assert_cmpuint(sb_events(r), ==, 1);
    e.s2 = true;
    e.ipa = 0x1000;
    im_smmu_event(r->smmu, &e);
    e.ipa = 0x2000;                 /* of another IPA */
    im_smmu_event(r->smmu, &e);
    g_assert_cmpuint(sb_events(r), ==, 3);
    g_assert_cmpuint(count(r)->events_merged, ==, 2);
}

static void test_auto_responses(void)
{
    g_autoptr(Rig) r = prepare();
    ImPageReq req = {
        .rid = SID,
        .addr = 0x5000,
        .read = true,
        .last = true,
        .has_pasid = true,
        .pasid = 5,
        .prgi = 3,
    };

    for (unsigned i = 0; i < 4; i++) {
        im_smmu_page_request(r->smmu, &req);
    }
    g_assert_cmpuint(rig_count(r, RIG_SEEN_PAGE_RESP), ==, 0);
    other.ste.ppar = true;
    im_smmu_page_request(r->smmu, &req);
    other.ste.ppar = false;
    im_smmu_page_request(r->smmu, &req);
    other.ste_code = SMMU_EVT_C_BAD_STE;
    im_smmu_page_request(r->smmu, &req);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_PAGE_RESP), ==, 3);
    g_assert_true(rig_seen(r, RIG_SEEN_PAGE_RESP, 0)->resp.has_pasid);
    g_assert_false(rig_seen(r, RIG_SEEN_PAGE_RESP, 1)->resp.has_pasid);
    g_assert_cmpuint(rig_seen(r, RIG_SEEN_PAGE_RESP, 1)->resp.code, ==,
                     IM_PAGE_RESP_SUCCESS);
    g_assert_cmpuint(rig_seen(r, RIG_SEEN_PAGE_RESP, 2)->resp.code, ==,
                     IM_PAGE_RESP_FAILURE);
    g_assert_cmpuint(sb_pprs(r), ==, 4);
}

static void test_dump(void)
{
    g_autoptr(Rig) r = prepare();
    g_autoptr(GString) out = g_string_new(NULL);

    stall(r, SID, 0x5000);
    sb_cmd(r, cmd_atc_inv(SID, 0, 52));
    sb_cmd(r, cmd_sync(CS_NONE, 0, 0));
    sb_cmd(r, cmd_op(0xff));
    r->allow_stray = true;          /* a person may look at the events */
    im_smmu_dump(r->smmu, out);
    g_assert_nonnull(strstr(out->str, "F_TRANSLATION (SMMU_EVENT_F_TRANSLATION"
                                      ": IHI 0070 G.b, 7.3.13, \""));
    g_assert_nonnull(strstr(out->str, " SYNC\n"));
    g_assert_nonnull(strstr(out->str, "ITag 0"));
    g_assert_nonnull(strstr(out->str, "SMMUEN=1"));
    g_assert_nonnull(strstr(out->str, "caches"));
}

/* --- Configuration. ----------------------------------------------------- */

static void test_config(void)
{
    ImPort port = { 0 };
    ImSmmuConfig c = IM_SMMU_CONFIG_DEFAULT;
    g_autofree char *err = NULL;

    c.stage1 = false;
    g_assert_null(im_smmu_new(&c, &port, NULL, &err));
    g_assert_nonnull(strstr(err, "stage1=on"));
    c.two_level_strtab = false;
    c.gran64k = false;
    c.oas = 52;
    c.stall_model = 1;
    im_smmu_config_prune(&c);
    rig_free(rig_smmu_new(&c));
    c.oas = 41;
    g_clear_pointer(&err, g_free);
    g_assert_null(im_smmu_new(&c, &port, NULL, &err));
    g_assert_nonnull(strstr(err, "oas=41"));
}

static void test_default_config(void)
{
    g_autoptr(Rig) r = rig_smmu_new(&IM_SMMU_CONFIG_DEFAULT);

    g_assert_cmphex(rig_reg32(r, SR_AIDR), ==, 4);
    g_assert_cmphex(rig_reg32(r, SR_IDR5) & 7, ==, 5);
    g_assert_cmphex(rig_reg32(r, SR_IDR1) >> 6 & 31, ==, 20);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/smmuv3/stall/resume", test_stall_and_resume);
    g_test_add_func("/smmuv3/stall/again", test_stalls_again);
    g_test_add_func("/smmuv3/stall/too-many", test_too_many);
    g_test_add_func("/smmuv3/stall/queue-full", test_queue_full);
    spec_test(SMMU_REG_EVENTQEN, "queue-disabled", test_queue_disabled);
    g_test_add_func("/smmuv3/stall/queue-gone", test_queue_gone);
    g_test_add_func("/smmuv3/stall/cancel", test_cancel);
    g_test_add_func("/smmuv3/stall/reset", test_reset);
    spec_test(SMMU_CMD_ATC_ITAG, "tags", test_tags);
    spec_test(SMMU_CMD_ATC_TIMEOUT, "records", test_records);
    spec_test(SMMU_CMD_ATS_IGNORED, "smmuen", test_sync_ends_with_smmuen);
    spec_test(SMMU_CMD_RIL, "ranges", test_ranges);
    spec_test(SMMU_CMD_CFGI_ALL, "ste-ranges", test_ste_ranges);
    g_test_add_func("/smmuv3/cmd/wild-prod", test_wild_prod);
    g_test_add_func("/smmuv3/event/merge", test_merge);
    spec_test(SMMU_PRIQ_AUTO_RESPONSE, "auto-responses", test_auto_responses);
    g_test_add_func("/smmuv3/dump", test_dump);
    g_test_add_func("/smmuv3/config/refused", test_config);
    g_test_add_func("/smmuv3/config/default", test_default_config);
    return g_test_run();
}
