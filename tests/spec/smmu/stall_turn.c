/*
 * Stalls in their turn: who waits to be recorded, what a retry makes of a
 * transaction, and in which order STAGs are given out (3.12.2, 4.7.1, 7.2.1).
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_world.h"
#include "lib/spec.h"

#define BAD     UINT64_C(0x5000)

static SWorld *stalling(unsigned max)
{
    ImSmmuConfig c = rig_smmu_config();
    SWorld *w;

    c.stall_max = (uint16_t)max;
    w = sw_new_off(&c, SW_S1, false, NULL);
    rig_put(w->r, w->cd, CD_S, 1);
    sw_on(w);
    rig_log_clear(w->r);
    return w;
}

static uint64_t park(SWorld *w, uint64_t addr, ImAccess access)
{
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, access);
    ImXlat x;

    t.addr = addr;
    t.may_stall = true;
    x = sw_run(w, &t);
    g_assert_cmpuint(x.status, ==, IM_PENDING);
    return x.handle;
}

/* A STAG that was given back is the last to be used again: software that is
 * late with it answers nobody else. */
static void stags_in_turn(void)
{
    g_autoptr(SWorld) w = stalling(4);

    for (unsigned i = 0; i < 10; i++) {
        Evt e;

        park(w, BAD, IM_READ);
        e = sw_only_event(w, EV_TRANSLATION);
        g_assert_cmphex(e.stag, ==, i % 4);
        sb_do(w->r, cmd_resume(w->sid, e.stag, false, true));
    }
}

/* One that stalls anew does not take the place of who waits. */
static void retry_queues_up(void)
{
    g_autoptr(SWorld) w = stalling(1);
    Evt e;

    park(w, BAD, IM_READ);
    park(w, BAD + 0x1000, IM_READ);
    e = sw_only_event(w, EV_TRANSLATION);
    g_assert_cmphex(e.addr, ==, BAD);
    sb_do(w->r, cmd_resume(w->sid, e.stag, true, false));
    e = sw_only_event(w, EV_TRANSLATION);
    g_assert_cmphex(e.addr, ==, BAD + 0x1000);
    sb_do(w->r, cmd_resume(w->sid, e.stag, false, true));
    e = sw_only_event(w, EV_TRANSLATION);
    g_assert_cmphex(e.addr, ==, BAD);
}

/* A retry met another fault: that is what it is terminated for, recorded
 * or not. */
static void retry_has_its_fault(void)
{
    g_autoptr(SWorld) w = stalling(4);
    uint64_t handle = park(w, BAD, IM_WRITE);
    Evt e = sw_only_event(w, EV_TRANSLATION);
    const RigLog *end;

    sw_s1_map(w, BAD, w->pa, 12, SB_S1_RO);
    sb_cr0(w->r, CR0_EVENTQEN, false);
    sb_do(w->r, cmd_resume(w->sid, e.stag, true, false));
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_RESUME), ==, 0);
    sb_do(w->r, cmd_stall_term(w->sid));
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_RESUME), ==, 1);
    end = rig_seen(w->r, RIG_SEEN_RESUME, 0);
    g_assert_cmphex(end->val, ==, handle);
    sx_is_abort(&end->xlat, EV_PERMISSION);
}

/* An active EVENTQ_ABT_ERR keeps records back; acknowledged, they come. */
static void told_after_an_abort(void)
{
    g_autoptr(SWorld) w = stalling(4);

    sb_cr0(w->r, CR0_EVENTQEN, false);
    rig_set64(w->r, SR_EVTQ_BASE, w->r->ram_top | 4);
    sb_cr0(w->r, CR0_EVENTQEN, true);
    park(w, BAD, IM_READ);              /* its record is lost */
    g_assert_cmphex(sb_gerror(w->r), ==, GERROR_EVTQ_ABT);
    sb_cr0(w->r, CR0_EVENTQEN, false);
    sb_evtq_enable(w->r, 4);
    park(w, BAD + 0x1000, IM_READ);
    sw_no_event(w);
    sb_gerror_ack(w->r);
    g_assert_cmphex(sw_only_event(w, EV_TRANSLATION).addr, ==, BAD + 0x1000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(SMMU_STALL_RECORD, "stags-in-turn", stags_in_turn);
    spec_test(SMMU_STALL_UNRECORDED, "retry-queues-up", retry_queues_up);
    spec_test(SMMU_STALL_RETRY, "has-its-fault", retry_has_its_fault);
    spec_test(SMMU_STALL_UNRECORDED, "after-an-abort", told_after_an_abort);
    return g_test_run();
}
