/*
 * What a person is told that software is not: command errors with their
 * words, faults that no record tells of, global errors; and the order in
 * which traces have it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/smmu_told.h"
#include "lib/spec.h"

/* --- command errors, 7.1 ------------------------------------------------ */

typedef struct ErrorRow {
    const char *path;
    void (*change)(ImSmmuConfig *c);
    uint64_t q[2];
    const char *want;
} ErrorRow;

#define CHANGE(name, what)  static void name(ImSmmuConfig *c) { what; }

CHANGE(no_ats, c->ats = false)
CHANGE(no_pri, c->pri = false)
CHANGE(no_s1, c->stage1 = false)
CHANGE(no_s2, c->stage2 = false)
CHANGE(no_hyp, c->hyp = false)
CHANGE(no_stall, c->stall_model = 1)

#define SSEC  (UINT64_C(1) << 10)

/* clang-format off */
static const ErrorRow error_rows[] = {
    { "reserved", NULL, { 0xff, 0x7 },
      "[the opcode is reserved] [SMMU_CMD_ILLEGAL] ff 7" },
    { "secure", NULL, { 0x60, 0 },
      "[of the Secure or Realm state, EL3, or a feature that no ID register "
      "reports] [SMMU_CMD_ILLEGAL] 60 0" },
    { "ssec", NULL, { 0x03 | SSEC, 1 },
      "[SSec is 1 in the Non-secure command queue] [SMMU_CMD_SSEC] 403 1" },
    { "ats", no_ats, { 0x40, 0 }, "[IDR0.ATS is 0] [SMMU_CMD_ILLEGAL] 40 0" },
    { "pri", no_pri, { 0x41, 0 }, "[IDR0.PRI is 0] [SMMU_CMD_ILLEGAL] 41 0" },
    { "s1p", no_s1, { 0x10, 0 }, "[IDR0.S1P is 0] [SMMU_CMD_ILLEGAL] 10 0" },
    { "s2p", no_s2, { 0x28, 0 }, "[IDR0.S2P is 0] [SMMU_CMD_ILLEGAL] 28 0" },
    { "hyp", no_hyp, { 0x20, 0 }, "[IDR0.Hyp is 0] [SMMU_CMD_ILLEGAL] 20 0" },
    { "stall", no_stall, { 0x44, 0 }, "[IDR0.STALL_MODEL is 1: nothing "
      "stalls] [SMMU_CMD_ILLEGAL] 44 0" },
    { "size", NULL, { 0x40, 53 },
      "[Size is above 52] [SMMU_CMD_ATC_INV] 40 35" },
    { "resp", NULL, { 0x41, 0x3000 },
      "[Resp is reserved] [SMMU_CMD_PRI_RESP] 41 3000" },
    { "cs", NULL, { 0x3046, 0 },
      "[CS is reserved] [SMMU_CMD_SYNC_SIGNAL] 3046 0" },
    { "range", NULL, { 0x12, 0x400 }, "[TG is set, but NUM, SCALE and TTL "
      "are 0] [SMMU_CMD_RIL_RESERVED] 12 400" },
};
/* clang-format on */

static void error_row(const void *data)
{
    const ErrorRow *row = data;
    g_autoptr(GString) heard = g_string_new(NULL);
    g_autofree char *want = g_strdup_printf("error CERROR_ILL %s\n", row->want);
    ImSmmuConfig c = rig_smmu_config();

    if (row->change) {
        row->change(&c);
        im_smmu_config_prune(&c);
    }
    g_autoptr(Rig) r = rig_smmu_new(&c);
    sb_cmdq_enable(r, 4);
    sb_cr0(r, CR0_SMMUEN, true);
    st_listen(r, heard);
    sb_cmd(r, (Cmd) { { row->q[0], row->q[1] } });
    st_heard(r, want);
    g_assert_cmpuint(sb_cerror(r), ==, CERROR_ILL);
    g_assert_cmpuint(im_smmu_counters(r->smmu)->command_errors, ==, 1);
}

static void error_abort(void)
{
    g_autoptr(GString) heard = g_string_new(NULL);
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    st_listen(r, heard);
    rig_set64(r, SR_CMDQ_BASE, r->ram_top | 4);
    rig_set32(r, SR_CMDQ_PROD, 1);
    sb_cr0(r, CR0_CMDQEN, true);
    st_heard(r, "error CERROR_ABT [the command could not be read] "
                "[SMMU_CMD_CERROR_ABT]\n");
}

static void error_atc(void)
{
    g_autoptr(GString) heard = g_string_new(NULL);
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    sb_cmdq_enable(r, 4);
    sb_cr0(r, CR0_SMMUEN, true);
    st_listen(r, heard);
    sb_cmd(r, cmd_atc_inv(0x42, 0x1000, 0));
    g_assert_false(sb_sync(r));
    rig_advance(r, r->smmu_cfg.ats_timeout_ns);
    st_heard(r, "command ATC_INV\n"
                "command ATC_INV: no completion in time\n"
                "error CERROR_ATC_INV_SYNC [a function did not complete an "
                "ATC_INV before this in time] [SMMU_CMD_ATC_TIMEOUT] "
                "fc00046 0\n");
}

/* --- faults that no record tells of ------------------------------------- */

typedef struct QuietRow {
    ImClause clause;
    const char *path;
    SwKind kind;
    ImAt at;
    void (*damage)(SWorld *w);
    const char *want;           /* "" : nothing is told */
} QuietRow;

static void page_absent(SWorld *w)
{
    rig_w64(w->r, sw_leaf(w, w->iova), 0);
}

static void cd_r_0(SWorld *w)
{
    page_absent(w);
    rig_put(w->r, w->cd, CD_R, 0);
}

static void s2r_0(SWorld *w)
{
    page_absent(w);
    rig_put(w->r, w->ste, STE_S2R, 0);
}

static void config_abort(SWorld *w)
{
    rig_put(w->r, w->ste, STE_CONFIG, CONFIG_ABORT);
}

static void unknown_stream(SWorld *w)
{
    w->cr2 = 0;
    rig_put(w->r, w->l1std, L1STD_SPAN, 0);
}

static void bad_ste(SWorld *w)
{
    rig_put(w->r, w->ste, STE_V, 0);
}

static void bad_ste_checked(SWorld *w)
{
    w->cr0 |= CR0_ATSCHK;
    bad_ste(w);
}

static void unknown_stream_cfg(SWorld *w)
{
    unknown_stream(w);
    w->cr2 = CR2_REC_CFG_ATS;
}

static void ats_absent(SWorld *w)
{
    rig_put(w->r, w->ste, STE_EATS, 1);
    page_absent(w);
}

static void far_away(SWorld *w)
{
    w->pa = UINT64_C(1) << 50;
}

static const QuietRow quiet_rows[] = {
    { SPEC(SMMU_ROUTE_ARS), "cd-r", SW_S1, IM_AT_UNTRANSLATED, cd_r_0,
      "fault not recorded: CD.R=0 10 txn hidden\n" },
    { SPEC(SMMU_ROUTE_ARS), "s2r", SW_S2, IM_AT_UNTRANSLATED, s2r_0,
      "fault not recorded: STE.S2R=0 10 txn hidden\n" },
    { SPEC(SMMU_ROUTE_CONFIG_ABORT), "config", SW_S1, IM_AT_UNTRANSLATED,
      config_abort,
      "fault not recorded: STE.Config=0xx, abort 00 txn hidden\n" },
    { SPEC(SMMU_ROUTE_RECINVSID), "recinvsid", SW_S1, IM_AT_UNTRANSLATED,
      unknown_stream, "fault not recorded: CR2.RECINVSID=0 02 txn hidden\n" },
    { SPEC(SMMU_ATS_REC_CFG), "rec-cfg-ats", SW_S1, IM_AT_TRANSLATION, bad_ste,
      "fault not recorded: CR2.REC_CFG_ATS=0 04 txn hidden\n" },
    { SPEC(SMMU_ATS_REC_CFG), "ats-recinvsid", SW_S1, IM_AT_TRANSLATION,
      unknown_stream_cfg,
      "fault not recorded: CR2.RECINVSID=0 02 txn hidden\n" },
    { SPEC(SMMU_ATS_TRANSLATED_EVENTS), "translated", SW_S1, IM_AT_TRANSLATED,
      bad_ste_checked,
      "fault not recorded: CR2.REC_CFG_ATS=0 04 txn hidden\n" },
    { SPEC(SMMU_ATS_ATSCHK), "beyond-oas", SW_S1, IM_AT_TRANSLATED, far_away,
      "fault not recorded: address beyond OAS 00 txn hidden\n" },
    /* no faults: the answer is that nothing is granted */
    { SPEC(SMMU_ATS_REPLY), "nothing-granted", SW_S1, IM_AT_TRANSLATION,
      ats_absent, "" },
};

static void quiet_row(const void *data)
{
    const QuietRow *row = data;
    g_autoptr(GString) heard = g_string_new(NULL);
    g_autoptr(SWorld) w = sw_new_off(NULL, row->kind, false, NULL);
    ImTxn t;

    row->damage(w);
    sw_on(w);
    st_listen(w->r, heard);
    t = sw_txn(w, row->at, IM_READ);
    sw_run(w, &t);
    st_heard(w->r, row->want);
    sw_no_event(w);
    g_assert_cmpuint(im_smmu_counters(w->r->smmu)->events_hidden, ==,
                     *row->want != 0);
    im_smmu_explain(w->r->smmu, &t, NULL, NULL);
    st_heard(w->r, "");
}

static void gbpa(void)
{
    g_autoptr(GString) heard = g_string_new(NULL);
    g_autoptr(Rig) r = rig_smmu_new(NULL);
    ImTxn t = { .addr = UINT64_C(1) << 48, .len = 4, .access = IM_READ };

    st_listen(r, heard);
    im_smmu_translate(r->smmu, &t);
    st_heard(r, "fault not recorded: address beyond OAS 00 txn hidden\n");
    rig_set32(r, SR_GBPA, GBPA_ABORT | GBPA_UPDATE);
    im_smmu_translate(r->smmu, &t);
    st_heard(r, "fault not recorded: GBPA.ABORT=1 00 txn hidden\n");
}

/* The queue is what does not take them. */
static void unwritable(void)
{
    g_autoptr(GString) heard = g_string_new(NULL);
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, false, NULL);

    page_absent(w);
    sw_on(w);
    sb_cr0(w->r, CR0_EVENTQEN, false);
    sb_evtq_enable(w->r, 0);
    st_listen(w->r, heard);
    sw_dma(w, IM_READ, w->iova);
    st_heard(w->r, "interrupt event queue\nfault recorded 10 txn\n");
    sw_dma(w, IM_READ, w->iova);
    st_heard(w->r, "fault not recorded: queue full 10 txn hidden\n");
    sb_cr0(w->r, CR0_EVENTQEN, false);
    sw_dma(w, IM_READ, w->iova);
    st_heard(w->r, "fault not recorded: queue disabled 10 txn hidden\n");
    rig_set64(w->r, SR_EVTQ_BASE, w->r->ram_top | 4);
    rig_set32(w->r, SR_EVTQ_CONS, 0);
    rig_set32(w->r, SR_EVTQ_PROD, 0);
    sb_cr0(w->r, CR0_EVENTQEN, true);
    sw_dma(w, IM_READ, w->iova);
    st_heard(w->r, "fault EVENTQ_ABT_ERR 00\ninterrupt global error\n"
                   "fault not recorded: write aborted 10 txn hidden\n");
    sw_dma(w, IM_READ, w->iova);
    st_heard(w->r, "fault not recorded: EVENTQ_ABT_ERR 10 txn hidden\n");
    sb_gerror_ack(w->r);
}

/* What merges is in a record. */
static void merged(void)
{
    g_autoptr(GString) heard = g_string_new(NULL);
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, false, NULL);

    page_absent(w);
    rig_put(w->r, w->ste, STE_MEV, 1);
    sw_on(w);
    sw_dma(w, IM_READ, w->iova);
    st_listen(w->r, heard);
    sw_dma(w, IM_READ, w->iova);
    st_heard(w->r, "fault merged 10 txn\n");
    sb_events_clear(w->r);
}

/* A stall waits: hidden while the queue is what it waits for. */
static void stalls(void)
{
    g_autoptr(GString) heard = g_string_new(NULL);
    ImSmmuConfig c = rig_smmu_config();
    ImTxn t;

    c.stall_max = 1;
    g_autoptr(SWorld) w = sw_new_off(&c, SW_S1, false, NULL);
    page_absent(w);
    rig_put(w->r, w->cd, CD_S, 1);
    sw_on(w);
    t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    t.may_stall = true;
    st_listen(w->r, heard);
    sw_run(w, &t);
    st_heard(w->r, "interrupt event queue\nfault stalled 10 txn\n");
    sw_run(w, &t);
    st_heard(w->r, "fault stalled: not recorded yet 10 txn\n");
    sb_cr0(w->r, CR0_EVENTQEN, false);
    sw_run(w, &t);
    st_heard(w->r, "fault stalled: not recorded yet 10 txn hidden\n");
    sb_cr0(w->r, CR0_SMMUEN, false);
}

/* --- global errors, 7.5 ------------------------------------------------- */

static void msi_aborts(void)
{
    static const char *const want[] = {
        [IM_SMMU_IRQ_EVTQ] = "fault MSI_EVENTQ_ABT_ERR 00 msi\n",
        [IM_SMMU_IRQ_PRIQ] = "fault MSI_PRIQ_ABT_ERR 00 msi\n",
        [IM_SMMU_IRQ_SYNC] = "fault MSI_CMDQ_ABT_ERR 00 msi\n",
        [IM_SMMU_IRQ_GERROR] = "fault MSI_GERROR_ABT_ERR 00 msi\n",
    };
    g_autoptr(GString) heard = g_string_new(NULL);
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    st_listen(r, heard);
    for (ImSmmuIrq i = 0; i < IM_SMMU_IRQS; i++) {
        im_smmu_msi_aborted(r->smmu, i);
        st_heard(r, want[i]);
        im_smmu_msi_aborted(r->smmu, i);        /* active already */
        st_heard(r, "");
    }
    sb_gerror_ack(r);
}

/* --- page requests, 8, and the order of traces -------------------------- */

static void page_requests(void)
{
    g_autoptr(GString) heard = g_string_new(NULL);
    ImPageReq req = {
        .rid = 9, .pasid = 5, .has_pasid = true, .read = true, .last = true
    };
    ImPageReq stop = { .rid = 9, .pasid = 5, .has_pasid = true, .last = true };
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    sb_priq_enable(r, 1);
    sb_cr0(r, CR0_SMMUEN, true);
    st_listen(r, heard);
    im_smmu_page_request(r->smmu, &req);
    st_heard(r, "request queued\n");
    im_smmu_page_request(r->smmu, &stop);
    st_heard(r, "request stop marker queued\n");
    im_smmu_page_request(r->smmu, &stop);
    st_heard(r, "fault PRI queue overflow 00 req\n"
                "request stop marker: queue full\n");
    req.last = false;
    im_smmu_page_request(r->smmu, &req);
    st_heard(r, "request overflow\n");
}

static void priq_abort(void)
{
    g_autoptr(GString) heard = g_string_new(NULL);
    ImPageReq req = { .rid = 9, .read = true };
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    rig_set64(r, SR_PRIQ_BASE, r->ram_top | 4);
    sb_cr0(r, CR0_SMMUEN | CR0_PRIQEN, true);
    st_listen(r, heard);
    im_smmu_page_request(r->smmu, &req);
    st_heard(r, "fault PRIQ_ABT_ERR 00\nrequest write aborted\n"
                "response automatic\n");
    sb_gerror_ack(r);
}

/* A command comes before what it brings about. */
static void commands_first(void)
{
    g_autoptr(GString) heard = g_string_new(NULL);
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    sb_cmdq_enable(r, 4);
    sb_cr0(r, CR0_SMMUEN, true);
    st_listen(r, heard);
    sb_cmd(r, cmd_pri_resp(9, 3, RESP_SUCCESS));
    st_heard(r, "command PRI_RESP\nresponse software\n");
    sb_cmd(r, cmd_sync(CS_IRQ, 0x1000, 1));
    st_heard(r, "command SYNC\ninterrupt CMD_SYNC\n");
    sb_cmd(r, cmd_cfgi_all());
    st_heard(r, "command CFGI_ALL\n");
    sb_cmd(r, cmd_cfgi_ste_range(0, 30));
    st_heard(r, "command CFGI_STE_RANGE\n");
}

/* So does a dump call them. */
static void shown_in_queue(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    sb_cmdq_enable(r, 4);
    sb_cmd(r, cmd_op(0xff));
    sb_cmd_put(r, cmd_cfgi_all());
    sb_cmd_put(r, cmd_cfgi_ste_range(0, 3));
    sb_cmd_ring(r);
    im_smmu_dump(r->smmu, out);
    g_assert_nonnull(strstr(out->str, " CFGI_ALL\n"));
    g_assert_nonnull(strstr(out->str, " CFGI_STE_RANGE\n"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(error_rows); i++) {
        spec_row(SMMU_CMD_CERROR_ILL, error_rows[i].path, error_row,
                 &error_rows[i]);
    }
    spec_test(SMMU_CMD_CERROR_ABT, "told", error_abort);
    spec_test(SMMU_CMD_CERROR_ATC_INV_SYNC, "told", error_atc);
    for (unsigned i = 0; i < G_N_ELEMENTS(quiet_rows); i++) {
        g_autofree char *path = g_strdup_printf("told-%s", quiet_rows[i].path);

        spec_table_row(&quiet_rows[i], path, quiet_row);
    }
    spec_test(SMMU_ROUTE_GBPA, "told", gbpa);
    spec_test(SMMU_EVENT_WRITABLE, "told", unwritable);
    spec_test(SMMU_EVENT_MERGE, "told", merged);
    spec_test(SMMU_STALL_UNRECORDED, "told", stalls);
    spec_test(SMMU_IRQ_MSI_ABORT, "told", msi_aborts);
    spec_test(SMMU_PRIQ_STOP_MARKER, "told", page_requests);
    spec_test(SMMU_PRIQ_ABORT, "told", priq_abort);
    spec_test(SMMU_CMD_CONSUME, "told-first", commands_first);
    spec_test(SMMU_CMD_CFGI_ALL, "named-in-queue", shown_in_queue);
    return g_test_run();
}
