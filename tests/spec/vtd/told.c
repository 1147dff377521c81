/*
 * Events: what software cannot see, or few expect, is told to people, in the
 * order in which it happens.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/spec.h"
#include "lib/vtd_told.h"

#define RID     0x3ab1

static void expect(GString *told, const char *want)
{
    g_assert_cmpstr(told->str, ==, want);
    g_string_truncate(told, 0);
}

/* The last line begins so. */
static void expect_last(GString *told, const char *want)
{
    g_autofree char *text = g_strchomp(g_strdup(told->str));
    const char *line = strrchr(text, '\n');

    line = line ? line + 1 : text;
    if (!g_str_has_prefix(line, want)) {
        g_error("\"%s\" does not begin with \"%s\"", line, want);
    }
    g_string_truncate(told, 0);
}

static uint64_t errors(World *w)
{
    return im_vtd_counters(w->r->vtd)->command_errors;
}

/* --- errors of the queue ------------------------------------------------ */

static void descriptor_errors(void)
{
    g_autoptr(GString) told = g_string_new(NULL);
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Desc d = { .q = { 0xf, 0x22, 0x33, 0x44 } };

    told_listen(w->r, told);
    vb_submit(w->r, d);
    expect_last(told, "interrupt fault event");
    g_assert_cmpuint(errors(w), ==, 1);
    rig_set32(w->r, REG_FSTS, FSTS_IQE);
    g_assert_nonnull(strstr(told->str, "error IQE [IQEI 3: "));
    g_assert_nonnull(strstr(told->str, "] [VTD_IQEI_3] f 22 33 44 @1\n"));
    g_assert_cmpuint(errors(w), ==, 2);
}

static void reserved_field(void)
{
    g_autoptr(GString) told = g_string_new(NULL);
    g_autoptr(World) w = world_new(NULL, W_LEGACY, false);

    vb_gcmd(w->r, GCMD_QIE, false);
    vb_iq_enable(w->r, false);
    told_listen(w->r, told);
    vb_submit(w->r, (Desc) { .q = { 1, 0 } });      /* G=0 */
    /* 128 bits: two words */
    g_assert_true(g_str_has_prefix(told->str, "error IQE [IQEI 4: "));
    g_assert_nonnull(strstr(told->str, "] [VTD_IQEI_4] 1 0 @0\n"));
    g_assert_cmpuint(errors(w), ==, 1);
}

/* Without a descriptor there are no words. */
static void queue_errors(void)
{
    static const struct {
        const char *says;
        uint64_t iqt;
        unsigned width;
    } rows[] = {
        { "[IQEI 6: the tail is not aligned to a descriptor] [VTD_IQEI_6] @0",
          0x10, 32 },
        { "[VTD_IQEI_5] @0", 0x10, 16 },
        { "[IQEI 1: the tail is beyond the queue] [VTD_IQEI_1] @0", 0x2000,
          32 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) told = g_string_new(NULL);
        g_autoptr(World) w = world_new(NULL, W_FS, true);

        vb_gcmd(w->r, GCMD_QIE, false);
        vb_iq_enable(w->r, rows[i].width == 32);
        told_listen(w->r, told);
        rig_set64(w->r, REG_IQT, rows[i].iqt);
        g_assert_true(g_str_has_prefix(told->str, "error IQE [IQEI "));
        g_assert_nonnull(strstr(told->str, rows[i].says));
    }
}

static void time_out_and_stray(void)
{
    g_autoptr(GString) told = g_string_new(NULL);
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Desc d = desc_dev_tlb(RID, 0x5000, false);
    g_autofree char *ite = g_strdup_printf(
        "error ITE [3a:16.1 did not complete a device-TLB invalidation in "
        "time] [VTD_IQ_ITE] %" G_GINT64_MODIFIER "x %" G_GINT64_MODIFIER
        "x @1\ninterrupt fault event @1\n",
        d.q[0], d.q[1]);

    vb_submit(w->r, d);
    told_listen(w->r, told);
    rig_advance(w->r, w->r->cfg.ats_timeout_ns);
    expect(told, ite);
    im_vtd_ats_inv_done(w->r->vtd, RID, 1u << 7 | 1u << 5, 1);
    expect(told,
           "error ICE [3a:16.1 completed a device-TLB invalidation that "
           "it was not asked for, or completed before (ITag vector 000000a0)] "
           "[VTD_IQ_ICE] a0 @2\n");
    g_assert_cmpuint(errors(w), ==, 2);
}

/* --- order -------------------------------------------------------------- */

static void messages_follow_their_descriptor(void)
{
    g_autoptr(GString) told = g_string_new(NULL);
    g_autoptr(World) w = world_new(NULL, W_FS, true);

    told_listen(w->r, told);
    vb_iq_put(w->r, desc_dev_tlb(RID, 0, false));
    vb_iq_put(w->r, desc_page_resp(RID, false, 0, 3, 0));
    vb_iq_put(w->r, desc_wait(WAIT_SW, w->r->status, 1));
    vb_iq_ring(w->r);
    expect(told, "invalidate dev_tlb_inv @0\n"
                 "invalidate page_grp_resp @1\n"
                 "response software @1\n"
                 "invalidate inv_wait @2\n");
}

static void causes_precede_interrupts(void)
{
    g_autoptr(GString) told = g_string_new(NULL);
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImPageReq q = world_page_req(w);

    rig_set32(w->r, REG_PECTL, 0);
    told_listen(w->r, told);
    q.last = true;
    im_vtd_page_request(w->r->vtd, &q);
    expect(told, "request queued @0\n"
                 "interrupt page request event @0\n");
    world_dma(w, IM_READ, 0x5000);
    expect(told, "fault recorded @1\ninterrupt fault event @1\n");
}

/* A response in the unit's own name comes after its request. */
static void automatic_response(void)
{
    g_autoptr(GString) told = g_string_new(NULL);
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImPageReq q = world_page_req(w);

    vb_gcmd(w->r, GCMD_TE, false);
    told_listen(w->r, told);
    q.last = true;
    im_vtd_page_request(w->r->vtd, &q);
    expect(told, "request disabled @0\nresponse automatic @0\n");
}

static void stop_marker(void)
{
    g_autoptr(GString) told = g_string_new(NULL);
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImPageReq q = world_page_req(w);

    told_listen(w->r, told);
    q.last = true;
    q.read = q.write = false;
    im_vtd_page_request(w->r->vtd, &q);
    expect(told, "request stop marker, queued @0\n");
    vb_gcmd(w->r, GCMD_TE, false);
    g_string_truncate(told, 0);
    im_vtd_page_request(w->r->vtd, &q);
    expect(told, "request stop marker, disabled @0\n");
}

/* --- what no record tells ----------------------------------------------- */

static void hidden_by_fpd(void)
{
    g_autoptr(GString) told = g_string_new(NULL);
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);

    rig_put(w->r, w->pe, PE_FPD, 1);
    world_on(w);
    told_listen(w->r, told);
    world_dma(w, IM_READ, 0x5000);
    expect(told, "fault not recorded: FPD hidden @0\n");
    g_assert_cmpuint(vb_faults(w->r), ==, 0);
}

static void hidden_by_overflow(void)
{
    ImVtdConfig c = rig_vtd_config();
    g_autoptr(GString) told = g_string_new(NULL);

    c.fault_records = 1;
    g_autoptr(World) w = world_new(&c, W_FS, true);
    told_listen(w->r, told);
    world_dma(w, IM_READ, 0x5000);
    expect(told, "fault recorded @0\ninterrupt fault event @0\n");
    for (unsigned i = 0; i < 3; i++) {
        world_dma(w, IM_READ, 0x5000);
        expect(told, "fault not recorded: overflow hidden @1\n");
    }
}

/* --- advice ------------------------------------------------------------- */

static void interrupt_source(void)
{
    static const struct {
        Irte e;
        const char *says;
    } rows[] = {
        { { .p = true, .sid = 0xff00, .svt = 1 }, "requester ff:00.0" },
        { { .p = true, .sid = 0xff00, .svt = 1, .sq = 3 },
          "requester ff:00.0 (function number ignored)" },
        { { .p = true, .sid = 0x0105, .svt = 2 },
          "a requester of buses 01 to 05" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) told = g_string_new(NULL);
        g_autoptr(Rig) r = rig_vtd_new(NULL);
        ImMsi m = vb_msi(RID, 5);
        g_autofree char *want = g_strdup_printf(
            "fault recorded @0\nadvice interrupt-source [interrupt of 3a:16.1 "
            "(IRTE 5) is blocked: the entry expects %s] @0\n",
            rows[i].says);

        vb_irt_enable(r, 7, false);
        vb_irte(r, 5, rows[i].e);
        told_listen(r, told);
        im_vtd_interrupt(r->vtd, &m);
        expect(told, want);
        im_vtd_explain_interrupt(r->vtd, &m, NULL, NULL);
        expect(told, "");
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(VTD_IQEI_3, "told", descriptor_errors);
    spec_test(VTD_IQEI_4, "told", reserved_field);
    spec_test(VTD_IQEI_5, "told", queue_errors);
    spec_test(VTD_IQ_ITE, "told", time_out_and_stray);
    spec_test(VTD_IQ_ORDER, "told", messages_follow_their_descriptor);
    spec_test(VTD_PRQ_EVENT, "told", causes_precede_interrupts);
    spec_test(VTD_PRQ_TABLE_FAULT, "told", automatic_response);
    spec_test(VTD_PRQ_STOP_MARKER, "told", stop_marker);
    spec_test(VTD_7_1_1_FPD, "told", hidden_by_fpd);
    spec_test(VTD_7_2_1_OVERFLOW, "told", hidden_by_overflow);
    spec_test(VTD_IR_SVT, "told", interrupt_source);
    return g_test_run();
}
