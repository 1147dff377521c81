/*
 * The event queue: when it can be written, overflow, merging, aborts and
 * interrupts (3.5, 7.2 to 7.4, 3.18).
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_world.h"
#include "lib/spec.h"

#define BAD     UINT64_C(0x5000)        /* never mapped by a world */

static SWorld *small(unsigned lg2)
{
    SWorld *w = sw_new(NULL, SW_S1, false);

    sb_cr0(w->r, CR0_EVENTQEN, false);
    sb_evtq_enable(w->r, lg2);
    rig_log_clear(w->r);
    return w;
}

static void fault(SWorld *w, unsigned n)
{
    sw_dma(w, IM_READ, BAD + 0x1000 * n);
}

static uint32_t flag(Rig *r)
{
    return (rig_reg32(r, SR_EVTQ_PROD) ^ rig_reg32(r, SR_EVTQ_CONS)) &
           Q_OVERFLOW;
}

/* --- overflow, 7.4 ------------------------------------------------------ */

static void overflow(const void *data)
{
    unsigned lg2 = GPOINTER_TO_UINT(data), n = 1u << lg2;
    g_autoptr(SWorld) w = small(lg2);
    Rig *r = w->r;

    for (unsigned i = 0; i < n; i++) {
        fault(w, i);
    }
    g_assert_cmphex(flag(r), ==, 0);            /* full is not yet lost */
    g_assert_cmpuint(sb_events(r), ==, n);
    fault(w, n);
    g_assert_cmphex(flag(r), ==, Q_OVERFLOW);
    fault(w, n + 1);
    g_assert_cmphex(flag(r), ==, Q_OVERFLOW);   /* toggled once */
    g_assert_cmpuint(sb_events(r), ==, n);
    g_assert_cmphex(sb_gerror(r), ==, 0);
    for (unsigned i = 0; i < n; i++) {
        g_assert_cmphex(sb_event(r, i).addr, ==, BAD + 0x1000 * i);
    }
    sb_events_clear(r);
    g_assert_cmphex(flag(r), ==, 0);
    fault(w, 9);
    g_assert_cmphex(sw_only_event(w, EV_TRANSLATION).addr, ==, BAD + 0x9000);
    for (unsigned i = 0; i <= n; i++) {         /* the flag toggles back */
        fault(w, i);
    }
    g_assert_cmphex(flag(r), ==, Q_OVERFLOW);
    g_assert_cmphex(rig_reg32(r, SR_EVTQ_PROD) & Q_OVERFLOW, ==, 0);
}

/* An overflow that is not acknowledged blocks nothing. */
static void overflow_does_not_block(void)
{
    g_autoptr(SWorld) w = small(1);
    Rig *r = w->r;

    for (unsigned i = 0; i < 3; i++) {
        fault(w, i);
    }
    g_assert_cmphex(flag(r), ==, Q_OVERFLOW);
    rig_set32(r, SR_EVTQ_CONS, 1);              /* one consumed, no ack */
    g_assert_cmpuint(sb_events(r), ==, 1);
    fault(w, 7);
    g_assert_cmpuint(sb_events(r), ==, 2);
    g_assert_cmphex(sb_event(r, 1).addr, ==, BAD + 0x7000);
    g_assert_cmphex(flag(r), ==, Q_OVERFLOW);
}

/* What is counted is what happened. */
static void counted(void)
{
    g_autoptr(SWorld) w = small(1);
    const ImSmmuCounters *n = im_smmu_counters(w->r->smmu);

    for (unsigned i = 0; i < 5; i++) {
        fault(w, i);
    }
    g_assert_cmpuint(n->events_recorded, ==, 2);
    g_assert_cmpuint(n->events_dropped, ==, 3);
    g_assert_cmpuint(n->events_merged, ==, 0);
}

/* --- disabled ----------------------------------------------------------- */

static void disabled_discards(void)
{
    g_autoptr(SWorld) w = small(3);
    Rig *r = w->r;

    sb_cr0(r, CR0_EVENTQEN, false);
    for (unsigned i = 0; i < 20; i++) {
        fault(w, i);
    }
    g_assert_cmphex(rig_reg32(r, SR_EVTQ_PROD), ==, 0);
    g_assert_cmphex(flag(r), ==, 0);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_WIRE), ==, 0);
    sb_cr0(r, CR0_EVENTQEN, true);
    g_assert_cmpuint(sb_events(r), ==, 0);
    fault(w, 1);
    sw_only_event(w, EV_TRANSLATION);
}

/* 3.5.1: base and size as for the command queue. */
static void base_and_size(void)
{
    ImSmmuConfig c = rig_smmu_config();

    c.evtq_bits = 8;
    g_autoptr(SWorld) w = sw_new(&c, SW_S1, false);
    Rig *r = w->r;

    sb_cr0(r, CR0_EVENTQEN, false);
    sb_evtq_enable(r, 8);
    sb_cr0(r, CR0_EVENTQEN, false);
    rig_set64(r, SR_EVTQ_BASE, r->sq[1].base | 0x1fe0 | 19);
    sb_cr0(r, CR0_EVENTQEN, true);
    for (unsigned i = 0; i < 600; i++) {
        fault(w, i);
        sw_only_event(w, EV_TRANSLATION);
    }
}

/* --- external abort, 7.2.2 ---------------------------------------------- */

static void write_abort(void)
{
    g_autoptr(SWorld) w = small(3);
    Rig *r = w->r;
    uint32_t before = rig_reg32(r, SR_GERROR);

    sb_cr0(r, CR0_EVENTQEN, false);
    rig_set64(r, SR_EVTQ_BASE, r->ram_top | 3);
    sb_cr0(r, CR0_EVENTQEN, true);
    fault(w, 0);
    g_assert_cmphex(rig_reg32(r, SR_GERROR) ^ before, ==, GERROR_EVTQ_ABT);
    g_assert_cmphex(sb_gerror(r), ==, GERROR_EVTQ_ABT);
    g_assert_cmpuint(sb_events(r), ==, 0);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_WIRE), ==, 1);
    g_assert_cmpuint(rig_seen(r, RIG_SEEN_WIRE, 0)->val, ==,
                     IM_SMMU_IRQ_GERROR);
    /* not writable until acknowledged: nothing is tried, nothing toggles */
    fault(w, 1);
    g_assert_cmphex(sb_gerror(r), ==, GERROR_EVTQ_ABT);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_WIRE), ==, 1);
    sb_cr0(r, CR0_EVENTQEN, false);
    rig_set64(r, SR_EVTQ_BASE, r->sq[1].base | 3);
    sb_cr0(r, CR0_EVENTQEN, true);
    fault(w, 2);
    g_assert_cmpuint(sb_events(r), ==, 0);
    sb_gerror_ack(r);
    fault(w, 3);
    g_assert_cmphex(sw_only_event(w, EV_TRANSLATION).addr, ==, BAD + 0x3000);
    g_assert_cmphex(flag(r), ==, 0);
}

/* --- merging, 7.3.1 ----------------------------------------------------- */

static void mev_zero_never_merges(void)
{
    g_autoptr(SWorld) w = small(3);

    fault(w, 0);
    fault(w, 0);
    g_assert_cmpuint(sb_events(w->r), ==, 2);
}

/* MEV=1 may merge what is the same, and nothing else. */
static void mev_merges_equal_only(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, false, NULL);
    Rig *r = w->r;

    rig_put(r, w->ste, STE_MEV, 1);
    sw_on(w);
    fault(w, 0);
    fault(w, 0); /* the specification only permits */
    g_assert_cmpuint(sb_events(r), ==, 1);
    g_assert_cmpuint(im_smmu_counters(r->smmu)->events_merged, ==, 1);
    sb_events_clear(r);
    sw_dma(w, IM_READ, BAD + 0x1000);
    sw_dma(w, IM_READ, BAD + 0x1100); /* the same page */
    g_assert_cmpuint(sb_events(r), ==, 1);
    sb_events_clear(r);
    fault(w, 1);
    fault(w, 2); /* another page */
    sw_dma(w, IM_WRITE, BAD + 0x2000); /* another access */
    g_assert_cmpuint(sb_events(r), ==, 3);
    g_assert_cmphex(sb_event(r, 0).addr, ==, BAD + 0x1000);
    g_assert_cmphex(sb_event(r, 1).addr, ==, BAD + 0x2000);
    g_assert_false(sb_event(r, 2).rnw);
}

/* Another stream, another event: another record. */
static void mev_tells_apart(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, false, NULL);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    Rig *r = w->r;

    rig_put(r, w->ste, STE_MEV, 1);
    rig_put(r, sw_stream(w, w->sid ^ 1), STE_MEV, 1);
    sw_s1_map(w, BAD, w->pa, 12, SB_S1 & ~D_AF);
    sw_on(w);
    t.addr = BAD;
    sw_run(w, &t);
    t.rid ^= 1;
    sw_run(w, &t);
    g_assert_cmpuint(sb_events(r), ==, 2);
    rig_w64(r, sw_s1_desc(w, BAD, 3), 0);
    sw_run(w, &t); /* F_TRANSLATION after F_ACCESS */
    g_assert_cmpuint(sb_events(r), ==, 3);
    g_assert_cmphex(sb_event(r, 0).sid, !=, sb_event(r, 1).sid);
    g_assert_cmphex(sb_event(r, 2).code, ==, EV_TRANSLATION);
}

/* An equal event much later is a record of its own; time runs from the
 * record, not from what was merged with it. */
static void mev_not_much_later(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, false, NULL);

    rig_put(w->r, w->ste, STE_MEV, 1);
    sw_on(w);
    fault(w, 0);
    rig_advance(w->r, 600000);
    fault(w, 0);
    g_assert_cmpuint(sb_events(w->r), ==, 1);
    rig_advance(w->r, 600000);
    fault(w, 0);
    g_assert_cmpuint(sb_events(w->r), ==, 2);
    fault(w, 0);
    g_assert_cmpuint(sb_events(w->r), ==, 2);
    g_assert_cmpuint(im_smmu_counters(w->r->smmu)->events_merged, ==, 2);
}

/* What software has consumed is no longer there to merge with. */
static void mev_not_into_consumed(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, false, NULL);
    Rig *r = w->r;

    rig_put(r, w->ste, STE_MEV, 1);
    sw_on(w);
    fault(w, 0);
    sw_only_event(w, EV_TRANSLATION);
    fault(w, 0);
    sw_only_event(w, EV_TRANSLATION);
}

/* What the queue before held is not there to merge with, though the new one
 * has a record at the same index. */
static void mev_not_into_another_queue(const void *data)
{
    bool reset = data != NULL;
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, false, NULL);
    Rig *r = w->r;

    rig_put(r, w->ste, STE_MEV, 1);
    sw_on(w);
    fault(w, 0);
    g_assert_cmpuint(sb_events(r), ==, 1);
    if (reset) {
        im_smmu_reset(r->smmu);
        sw_on(w);
    } else {
        sb_cr0(r, CR0_EVENTQEN, false);
        sb_evtq_enable(r, 4);
    }
    fault(w, 1);
    fault(w, 0);
    g_assert_cmpuint(sb_events(r), ==, 2);
    g_assert_cmphex(sb_event(r, 1).addr, ==, BAD);
}

/* --- interrupts, 3.18 --------------------------------------------------- */

static unsigned evtq_wires(Rig *r)
{
    unsigned n = 0;

    for (unsigned i = 0; i < rig_count(r, RIG_SEEN_WIRE); i++) {
        n += rig_seen(r, RIG_SEEN_WIRE, i)->val == IM_SMMU_IRQ_EVTQ;
    }
    return n;
}

static void wire_on_non_empty(void)
{
    g_autoptr(SWorld) w = small(3);
    Rig *r = w->r;

    fault(w, 0);
    g_assert_cmpuint(evtq_wires(r), ==, 1);
    fault(w, 1);
    g_assert_cmpuint(evtq_wires(r), ==, 1);
    sb_events_clear(r);
    fault(w, 2);
    g_assert_cmpuint(evtq_wires(r), ==, 2);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 0);
}

static void wire_masked(void)
{
    g_autoptr(SWorld) w = small(3);

    sb_irq_enable(w->r, IRQ_GERROR | IRQ_PRIQ);
    fault(w, 0);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_WIRE), ==, 0);
    g_assert_cmpuint(sb_events(w->r), ==, 1);
}

static void msi(void)
{
    g_autoptr(SWorld) w = small(3);
    Rig *r = w->r;
    const RigLog *e;
    int record, irq;

    sb_irq_enable(r, 0);
    rig_set64(r, SR_EVTQ_IRQ_CFG0, UINT64_C(0x123456780));
    rig_set32(r, SR_EVTQ_IRQ_CFG1, 0xbeef);
    sb_irq_enable(r, IRQ_EVTQ);
    rig_log_clear(r);
    fault(w, 0);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 1);
    e = rig_seen(r, RIG_SEEN_MSI, 0);
    g_assert_cmphex(e->msi.addr, ==, UINT64_C(0x123456780));
    g_assert_cmphex(e->msi.data, ==, 0xbeef);
    g_assert_cmpuint(e->msi.source, ==, IM_SMMU_IRQ_EVTQ);
    record = rig_position(r, RIG_SEEN_WRITE, 0);
    irq = rig_position(r, RIG_SEEN_MSI, 0);
    g_assert_cmpint(record, >=, 0);
    g_assert_cmpint(record, <, irq);
}

static void msi_abort(const void *data)
{
    static const uint32_t bits[] = {
        [IM_SMMU_IRQ_EVTQ] = GERROR_MSI_EVTQ_ABT,
        [IM_SMMU_IRQ_PRIQ] = GERROR_MSI_PRIQ_ABT,
        [IM_SMMU_IRQ_SYNC] = GERROR_MSI_CMDQ_ABT,
        [IM_SMMU_IRQ_GERROR] = GERROR_MSI_GERROR_ABT,
    };
    ImSmmuIrq source = (ImSmmuIrq)GPOINTER_TO_UINT(data);
    g_autoptr(SWorld) w = small(3);
    Rig *r = w->r;

    im_smmu_msi_aborted(r->smmu, source);
    g_assert_cmphex(sb_gerror(r), ==, bits[source]);
    im_smmu_msi_aborted(r->smmu, source); /* active: no toggle */
    g_assert_cmphex(sb_gerror(r), ==, bits[source]);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_WIRE), <=, 1);
    sb_gerror_ack(r);
    g_assert_cmphex(sb_gerror(r), ==, 0);
    im_smmu_msi_aborted(r->smmu, source);
    g_assert_cmphex(sb_gerror(r), ==, bits[source]);
    sb_gerror_ack(r);
}

static void gerror_msi(void)
{
    g_autoptr(SWorld) w = small(3);
    Rig *r = w->r;
    const RigLog *e;

    sb_irq_enable(r, 0);
    rig_set64(r, SR_GERROR_IRQ_CFG0, 0x9000);
    rig_set32(r, SR_GERROR_IRQ_CFG1, 0x77);
    sb_irq_enable(r, IRQ_GERROR);
    rig_log_clear(r);
    sb_cmd(r, cmd_op(0xff));
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 1);
    e = rig_seen(r, RIG_SEEN_MSI, 0);
    g_assert_cmphex(e->msi.addr, ==, 0x9000);
    g_assert_cmphex(e->msi.data, ==, 0x77);
    g_assert_cmpuint(e->msi.source, ==, IM_SMMU_IRQ_GERROR);
    sb_cmdq_skip(r);
}

static void gerror_masked(void)
{
    g_autoptr(SWorld) w = small(3);

    sb_irq_enable(w->r, IRQ_EVTQ);
    rig_log_clear(w->r);
    sb_cmd(w->r, cmd_op(0xff));
    g_assert_cmphex(sb_gerror(w->r), ==, GERROR_CMDQ_ERR);
    g_assert_cmpuint(w->r->log->len, ==, 0);
    sb_cmdq_skip(w->r);
}

int main(int argc, char **argv)
{
    static const char *const source[] = { "evtq", "priq", "sync", "gerror" };
    g_test_init(&argc, &argv, NULL);

    for (unsigned lg2 = 0; lg2 <= 5; lg2++) {
        g_autofree char *path = g_strdup_printf("size@%u", lg2);

        spec_row(SMMU_EVENT_OVERFLOW, path, overflow, GUINT_TO_POINTER(lg2));
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(source); i++) {
        spec_row(SMMU_IRQ_MSI_ABORT, source[i], msi_abort, GUINT_TO_POINTER(i));
    }
    spec_test(SMMU_EVENT_OVERFLOW, "blocks-nothing", overflow_does_not_block);
    spec_test(SMMU_EVENT_WRITABLE, "disabled", disabled_discards);
    spec_test(SMMU_EVENT_WRITABLE, "base-and-size", base_and_size);
    spec_test(SMMU_EVENT_ABORT, "write", write_abort);
    spec_test(SMMU_EVENT_MERGE, "mev-0", mev_zero_never_merges);
    spec_test(SMMU_EVENT_MERGE, "equal-only", mev_merges_equal_only);
    spec_test(SMMU_EVENT_MERGE, "apart", mev_tells_apart);
    spec_test(SMMU_EVENT_MERGE, "consumed", mev_not_into_consumed);
    spec_test(SMMU_EVENT_MERGE, "later", mev_not_much_later);
    spec_row(SMMU_EVENT_MERGE, "another-queue", mev_not_into_another_queue,
             NULL);
    spec_row(SMMU_EVENT_MERGE, "reset", mev_not_into_another_queue, "reset");
    spec_test(SMMU_EVENT_RECORD, "counted", counted);
    spec_test(SMMU_EVENT_INTERRUPT, "non-empty", wire_on_non_empty);
    spec_test(SMMU_EVENT_INTERRUPT, "masked", wire_masked);
    spec_test(SMMU_IRQ_MSI, "eventq", msi);
    spec_test(SMMU_IRQ_MSI, "gerror", gerror_msi);
    spec_test(SMMU_IRQ_GERROR, "masked", gerror_masked);
    return g_test_run();
}
