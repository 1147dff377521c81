/*
 * The page request queue: chapter 8.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_told.h"
#include "lib/smmu_world.h"
#include "lib/spec.h"

static SWorld *world(const ImSmmuConfig *cfg, unsigned lg2)
{
    SWorld *w = sw_new(cfg, SW_S1, true);

    sb_cr0(w->r, CR0_PRIQEN, false);
    sb_priq_enable(w->r, lg2);
    rig_log_clear(w->r);
    return w;
}

static void ask(SWorld *w, const ImPageReq *q)
{
    im_smmu_page_request(w->r->smmu, q);
}

static uint32_t flag(Rig *r)
{
    return (rig_reg32(r, SR_PRIQ_PROD) ^ rig_reg32(r, SR_PRIQ_CONS)) &
           Q_OVERFLOW;
}

static unsigned priq_wires(Rig *r)
{
    unsigned n = 0;

    for (unsigned i = 0; i < rig_count(r, RIG_SEEN_WIRE); i++) {
        n += rig_seen(r, RIG_SEEN_WIRE, i)->val == IM_SMMU_IRQ_PRIQ;
    }
    return n;
}

/* --- entries ------------------------------------------------------------ */

static void entry(const void *data)
{
    unsigned n = GPOINTER_TO_UINT(data);
    g_autoptr(SWorld) w = world(NULL, 4);
    ImPageReq q = {
        .addr = UINT64_C(0xfedcba9876543abc),
        .rid = 0x3ab1,
        .has_pasid = n & 1,
        .pasid = 0xabcde,
        .prgi = 0x1aa,
        .read = n & 2,
        .write = n & 4,
        .last = n & 8,
        .priv = n & 16,
        .exec = n & 32,
    };
    Ppr p;

    ask(w, &q);
    g_assert_cmpuint(sb_pprs(w->r), ==, 1);
    p = sb_ppr(w->r, 0);
    g_assert_cmphex(p.sid, ==, 0x3ab1);
    g_assert_cmpuint(p.ssv, ==, q.has_pasid);
    g_assert_cmphex(p.ssid, ==, p.ssv ? 0xabcde : 0);
    g_assert_cmpuint(p.r, ==, q.read);
    g_assert_cmpuint(p.w, ==, q.write);
    g_assert_cmpuint(p.last, ==, q.last);
    g_assert_cmpuint(p.priv, ==, q.has_pasid && q.priv);
    g_assert_cmpuint(p.x, ==, q.has_pasid && q.exec);
    g_assert_cmphex(p.prgi, ==, 0x1aa);
    g_assert_cmphex(p.addr, ==, UINT64_C(0xfedcba9876543000));
    g_assert_cmphex(rig_get(w->r, w->r->sq[2].base, 57, 52), ==, 0);
    g_assert_cmphex(rig_get(w->r, w->r->sq[2].base, 75, 73), ==, 0);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_PAGE_RESP), ==, 0);
}

static void order_and_wrap(void)
{
    g_autoptr(SWorld) w = world(NULL, 2);
    ImPageReq q = sw_page_req(w);

    for (unsigned i = 0; i < 30; i++) {
        q.prgi = (uint16_t)i;
        ask(w, &q);
        q.prgi = (uint16_t)(i + 100);
        ask(w, &q);
        g_assert_cmpuint(sb_pprs(w->r), ==, 2);
        g_assert_cmphex(sb_ppr(w->r, 0).prgi, ==, i);
        g_assert_cmphex(sb_ppr(w->r, 1).prgi, ==, i + 100);
        sb_pprs_clear(w->r);
    }
}

/* Neither EATS nor the STE concerns a page request, 8.2. */
static void ste_does_not_matter(void)
{
    g_autoptr(SWorld) w = world(NULL, 4);
    ImPageReq q = sw_page_req(w);

    rig_put(w->r, w->ste, STE_V, 0);
    sb_do(w->r, cmd_cfgi_all());
    ask(w, &q);
    q.rid = 0x7777;
    ask(w, &q);
    g_assert_cmpuint(sb_pprs(w->r), ==, 2);
    sw_no_event(w);
}

static void segment(void)
{
    ImSmmuConfig c = rig_smmu_config();

    c.sid_bits = 24;
    g_autoptr(SWorld) w = world(&c, 4);
    ImPageReq q = sw_page_req(w);

    q.segment = 0x12;
    ask(w, &q);
    g_assert_cmphex(sb_ppr(w->r, 0).sid, ==, 0x123ab1);
    sb_cr0(w->r, CR0_PRIQEN, false);
    ask(w, &q);                         /* refused there, too */
    g_assert_cmphex(rig_seen(w->r, RIG_SEEN_PAGE_RESP, 0)->resp.segment, ==,
                    0x12);
    g_assert_cmphex(rig_seen(w->r, RIG_SEEN_PAGE_RESP, 0)->resp.rid, ==,
                    0x3ab1);
}

/* --- refused ------------------------------------------------------------ */

static void refused(SWorld *w, bool stop)
{
    ImPageReq q = sw_page_req(w);
    const ImPageResp *p;

    rig_log_clear(w->r);
    if (stop) {
        q.read = q.write = false;
    }
    ask(w, &q);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_PAGE_RESP), ==, stop ? 0 : 1);
    if (!stop) {
        p = &rig_seen(w->r, RIG_SEEN_PAGE_RESP, 0)->resp;
        g_assert_cmphex(p->code, ==, IM_PAGE_RESP_FAILURE);
        g_assert_false(p->has_pasid);
        g_assert_cmphex(p->rid, ==, w->sid);
        g_assert_cmphex(p->prgi, ==, q.prgi);
    }
}

/* Without a PASID, L with neither R nor W is a request like others. */
static void marker_needs_pasid(void)
{
    g_autoptr(SWorld) w = world(NULL, 4);
    ImPageReq q = sw_page_req(w);

    sb_cr0(w->r, CR0_PRIQEN, false);
    q.read = q.write = q.has_pasid = false;
    ask(w, &q);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_PAGE_RESP), ==, 1);
    g_assert_cmphex(rig_seen(w->r, RIG_SEEN_PAGE_RESP, 0)->resp.code, ==,
                    IM_PAGE_RESP_FAILURE);
}

static void priqen_off(const void *data)
{
    bool stop = data != NULL;
    g_autoptr(SWorld) w = world(NULL, 4);

    sb_cr0(w->r, CR0_PRIQEN, false);
    refused(w, stop);
    g_assert_cmphex(rig_reg32(w->r, SR_PRIQ_PROD), ==, 0);
}

static void smmuen_off(const void *data)
{
    bool stop = data != NULL;
    g_autoptr(SWorld) w = world(NULL, 4);

    sb_cr0(w->r, CR0_SMMUEN, false);
    refused(w, stop);
    g_assert_cmphex(rig_reg32(w->r, SR_PRIQ_PROD), ==, 0);
}

static void without_pri(void)
{
    ImSmmuConfig c = rig_smmu_config();

    c.pri = false;
    im_smmu_config_prune(&c);
    g_autoptr(SWorld) w = sw_new(&c, SW_S1, true);
    refused(w, false);
}

static void write_abort(void)
{
    g_autoptr(SWorld) w = world(NULL, 4);
    ImPageReq q = sw_page_req(w);
    Rig *r = w->r;

    rig_fail_access(r, 0);
    refused(w, false);
    g_assert_cmphex(sb_gerror(r), ==, GERROR_PRIQ_ABT);
    g_assert_cmpuint(sb_pprs(r), ==, 0);
    refused(w, false);                  /* while the error is active */
    refused(w, true);
    g_assert_cmpuint(sb_pprs(r), ==, 0);
    g_assert_cmphex(sb_gerror(r), ==, GERROR_PRIQ_ABT);
    sb_gerror_ack(r);
    ask(w, &q);
    g_assert_cmpuint(sb_pprs(r), ==, 1);
}

/* --- overflow, 8.1 ------------------------------------------------------ */

static void fill(SWorld *w)
{
    ImPageReq q = sw_page_req(w);

    q.last = false;
    while (sb_pprs(w->r) < 1u << w->r->sq[2].lg2) {
        ask(w, &q);
    }
    g_assert_cmphex(flag(w->r), ==, 0);
    rig_log_clear(w->r);
}

static void overflow(void)
{
    g_autoptr(SWorld) w = world(NULL, 2);
    ImPageReq q = sw_page_req(w);
    Rig *r = w->r;

    fill(w);
    q.last = false;
    ask(w, &q);                         /* lost in silence */
    g_assert_cmphex(flag(r), ==, Q_OVERFLOW);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_PAGE_RESP), ==, 0);
    q.last = true;
    q.prgi = 0x77;
    ask(w, &q);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_PAGE_RESP), ==, 1);
    g_assert_cmphex(rig_seen(r, RIG_SEEN_PAGE_RESP, 0)->resp.prgi, ==, 0x77);
    g_assert_cmphex(flag(r), ==, Q_OVERFLOW);
    /* room alone does not end it */
    rig_set32(r, SR_PRIQ_CONS, 2);
    ask(w, &q);
    g_assert_cmpuint(sb_pprs(r), ==, 2);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_PAGE_RESP), ==, 2);
    sb_pprs_clear(r);
    g_assert_cmphex(flag(r), ==, 0);
    ask(w, &q);
    g_assert_cmpuint(sb_pprs(r), ==, 1);
    sb_pprs_clear(r);
    fill(w);                            /* and again: the flag goes back */
    ask(w, &q);
    g_assert_cmphex(flag(r), ==, Q_OVERFLOW);
    g_assert_cmphex(rig_reg32(r, SR_PRIQ_PROD) & Q_OVERFLOW, ==, 0);
}

static void overflow_stop_marker(void)
{
    g_autoptr(SWorld) w = world(NULL, 1);
    ImPageReq q = sw_page_req(w);

    fill(w);
    q.read = q.write = false;
    ask(w, &q);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_PAGE_RESP), ==, 0);
    g_assert_cmphex(flag(w->r), ==, Q_OVERFLOW);
}

typedef struct AutoRow {
    const char *path;
    bool pps, ppar, pasid;
    uint8_t ste;                /* 1: V=0, 2: out of range, 3: abort */
    ImPageRespCode code;
    bool with_pasid;
    unsigned event;             /* with REC_CFG_ATS and RECINVSID */
} AutoRow;

static const AutoRow auto_rows[] = {
    { "no-pasid", false, false, false, 0, IM_PAGE_RESP_SUCCESS, false, 0 },
    { "no-pasid-ppar", false, true, false, 0, IM_PAGE_RESP_SUCCESS, false, 0 },
    { "no-pasid-pps", true, false, false, 0, IM_PAGE_RESP_SUCCESS, false, 0 },
    { "no-pasid-bad-ste", false, false, false, 1, IM_PAGE_RESP_SUCCESS, false,
      0 },
    { "pps", true, false, true, 0, IM_PAGE_RESP_SUCCESS, true, 0 },
    { "pps-bad-ste", true, false, true, 1, IM_PAGE_RESP_SUCCESS, true, 0 },
    { "ppar-0", false, false, true, 0, IM_PAGE_RESP_SUCCESS, false, 0 },
    { "ppar-1", false, true, true, 0, IM_PAGE_RESP_SUCCESS, true, 0 },
    { "bad-ste", false, true, true, 1, IM_PAGE_RESP_FAILURE, false,
      EV_BAD_STE },
    { "out-of-range", false, true, true, 2, IM_PAGE_RESP_FAILURE, false,
      EV_BAD_STREAMID },
    { "ste-fetch", false, true, true, 3, IM_PAGE_RESP_FAILURE, false,
      EV_STE_FETCH },
};

static void auto_run(const AutoRow *row, uint32_t cr2, unsigned event)
{
    ImSmmuConfig c = rig_smmu_config();
    const ImPageResp *p;
    SmmuTold told;
    ImPageReq q;
    ImPageFate f;

    c.pps = row->pps;
    g_autoptr(SWorld) w = sw_new_off(&c, SW_S1, true, NULL);
    w->cr2 = cr2;
    rig_put(w->r, w->ste, STE_PPAR, row->ppar);
    if (row->ste == 1) {
        rig_put(w->r, w->ste, STE_V, 0);
    } else if (row->ste == 2) {
        rig_put(w->r, w->l1std, L1STD_SPAN, 0);
    } else if (row->ste == 3) {
        rig_put(w->r, w->l1std, L1STD_L2PTR, w->r->ram_top >> 6);
    }
    sw_on(w);
    sb_cr0(w->r, CR0_PRIQEN, false);
    sb_priq_enable(w->r, 1);
    fill(w);
    q = sw_page_req(w);
    q.has_pasid = row->pasid;
    f = st_page_request(w, &q, &told);
    g_assert_cmphex(f.fault, ==,
                    row->code == IM_PAGE_RESP_FAILURE ? row->event : 0);
    g_assert_cmpint(told.clause, ==,
                    row->pasid ? IM_CLAUSE(SMMU_PRIQ_PPAR) :
                                 IM_CLAUSE(SMMU_PRIQ_OVERFLOW));
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_PAGE_RESP), ==, 1);
    p = &rig_seen(w->r, RIG_SEEN_PAGE_RESP, 0)->resp;
    g_assert_cmphex(p->code, ==, row->code);
    g_assert_cmpuint(p->has_pasid, ==, row->with_pasid);
    if (p->has_pasid) {
        g_assert_cmphex(p->pasid, ==, w->ssid);
    }
    g_assert_cmphex(p->rid, ==, w->sid);
    g_assert_cmphex(p->prgi, ==, q.prgi);
    if (event) {
        Evt e = sw_only_event(w, event);

        g_assert_cmphex(e.sid, ==, w->sid);
        g_assert_true(e.ssv);
        g_assert_cmphex(e.ssid, ==, w->ssid);
    } else {
        sw_no_event(w);
    }
}

static void auto_row(const void *data)
{
    auto_run(data, CR2_RECINVSID, 0);
}

static void auto_event(const void *data)
{
    const AutoRow *row = data;

    auto_run(row, CR2_RECINVSID | CR2_REC_CFG_ATS, row->event);
}

/* A StreamID out of range is recorded with RECINVSID only. */
static void auto_event_streamid(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(auto_rows); i++) {
        if (auto_rows[i].event == EV_BAD_STREAMID) {
            auto_run(&auto_rows[i], CR2_REC_CFG_ATS, 0);
        }
    }
}

static void counted(void)
{
    g_autoptr(SWorld) w = world(NULL, 1);
    const ImSmmuCounters *n = im_smmu_counters(w->r->smmu);
    ImPageReq q = sw_page_req(w);

    for (unsigned i = 0; i < 5; i++) {
        ask(w, &q);
    }
    g_assert_cmpuint(priq_wires(w->r), ==, 1);  /* it was empty once */
    g_assert_cmpuint(n->page_requests, ==, 5);
    g_assert_cmpuint(n->page_groups, ==, 2);
    g_assert_cmpuint(n->page_requests_dropped, ==, 3);
    g_assert_cmpuint(n->auto_responses, ==, 3);
}

/* --- what is told ------------------------------------------------------- */

typedef enum Trouble {
    NO_TROUBLE,
    NO_SMMUEN,
    NO_PRIQEN,
    NO_ROOM,
    ACTIVE_OVERFLOW,
    ACTIVE_ABORT,
    NO_MEMORY,
    NO_STE,
} Trouble;

typedef struct ToldRow {
    const char *path;
    Trouble trouble;
    ImClause clause;
    int code;                   /* of a last message's answer; -1: none */
} ToldRow;

static const ToldRow told_rows[] = {
    { "queued", NO_TROUBLE, IM_CLAUSE(SMMU_PRIQ_ENTRY), -1 },
    { "no-ste", NO_STE, IM_CLAUSE(SMMU_PRIQ_ENTRY), -1 },
    { "smmuen-0", NO_SMMUEN, IM_CLAUSE(SMMU_PRIQ_ENABLE),
      IM_PAGE_RESP_FAILURE },
    { "priqen-0", NO_PRIQEN, IM_CLAUSE(SMMU_PRIQ_ENABLE),
      IM_PAGE_RESP_FAILURE },
    { "full", NO_ROOM, IM_CLAUSE(SMMU_PRIQ_OVERFLOW), IM_PAGE_RESP_SUCCESS },
    { "overflow", ACTIVE_OVERFLOW, IM_CLAUSE(SMMU_PRIQ_OVERFLOW),
      IM_PAGE_RESP_SUCCESS },
    { "abort", ACTIVE_ABORT, IM_CLAUSE(SMMU_PRIQ_ABORT), IM_PAGE_RESP_FAILURE },
    { "no-memory", NO_MEMORY, IM_CLAUSE(SMMU_PRIQ_ABORT),
      IM_PAGE_RESP_FAILURE },
};

static SWorld *in_trouble(Trouble trouble)
{
    SWorld *w = world(NULL, 2);
    ImPageReq q = sw_page_req(w);

    switch (trouble) {
    case NO_SMMUEN:
        sb_cr0(w->r, CR0_SMMUEN, false);
        break;
    case NO_PRIQEN:
        sb_cr0(w->r, CR0_PRIQEN, false);
        break;
    case ACTIVE_OVERFLOW:
    case NO_ROOM:
        fill(w);
        if (trouble == ACTIVE_OVERFLOW) {
            ask(w, &q);
        }
        break;
    case ACTIVE_ABORT:
        rig_fail_access(w->r, 0);
        ask(w, &q);
        break;
    case NO_MEMORY:
        sb_cr0(w->r, CR0_PRIQEN, false);
        rig_set64(w->r, SR_PRIQ_BASE, w->r->ram_top | 2);
        sb_cr0(w->r, CR0_PRIQEN, true);
        break;
    case NO_STE:
        rig_put(w->r, w->ste, STE_V, 0);
        sb_do(w->r, cmd_cfgi_all());
        break;
    default:
        break;
    }
    rig_log_clear(w->r);
    return w;
}

/* The last of a group, one before it, and a stop marker. */
static void told_row(const void *data)
{
    const ToldRow *row = data;

    for (unsigned n = 0; n < 3; n++) {
        g_autoptr(SWorld) w = in_trouble(row->trouble);
        ImPageReq q = sw_page_req(w);
        bool speaks = n == 0 || (n == 1 && row->code == IM_PAGE_RESP_FAILURE);
        SmmuTold told;
        ImPageFate f;

        q.has_pasid = n != 0;
        q.last = n != 1;
        q.read = q.write = n != 2;
        f = st_page_request(w, &q, &told);
        g_assert_cmpint(told.clause, ==, row->clause);
        g_assert_cmpint(f.queued, ==, row->code < 0);
        g_assert_cmpint(f.answered ? f.resp.code : -1, ==,
                        speaks ? row->code : -1);
    }
}

/* --- interrupts --------------------------------------------------------- */

static void wire_non_empty(void)
{
    g_autoptr(SWorld) w = world(NULL, 4);
    ImPageReq q = sw_page_req(w);

    q.last = false;
    ask(w, &q);
    g_assert_cmpuint(priq_wires(w->r), ==, 1);
    q.last = true;
    ask(w, &q);
    g_assert_cmpuint(priq_wires(w->r), ==, 1);
    sb_pprs_clear(w->r);
    ask(w, &q);
    g_assert_cmpuint(priq_wires(w->r), ==, 2);
}

/* PRIQ_IRQ_CFG2.LO: with the last message of a group instead. */
static void msi_last_only(void)
{
    g_autoptr(SWorld) w = world(NULL, 4);
    ImPageReq q = sw_page_req(w);
    Rig *r = w->r;

    sb_irq_enable(r, 0);
    rig_set64(r, SR_PRIQ_IRQ_CFG0, 0x8000);
    rig_set32(r, SR_PRIQ_IRQ_CFG1, 0x99);
    rig_set32(r, SR_PRIQ_IRQ_CFG2, 1u << 31);
    sb_irq_enable(r, IRQ_PRIQ);
    rig_log_clear(r);
    q.last = false;
    ask(w, &q);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 0);
    q.last = true;
    ask(w, &q);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 1);
    g_assert_cmphex(rig_seen(r, RIG_SEEN_MSI, 0)->msi.addr, ==, 0x8000);
    g_assert_cmphex(rig_seen(r, RIG_SEEN_MSI, 0)->msi.data, ==, 0x99);
    g_assert_cmpuint(rig_seen(r, RIG_SEEN_MSI, 0)->msi.source, ==,
                     IM_SMMU_IRQ_PRIQ);
    ask(w, &q);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 2);
}

/* LO: the last message of a group interrupts although it is lost. */
static void lost_last_interrupts(void)
{
    g_autoptr(SWorld) w = world(NULL, 1);
    ImPageReq q = sw_page_req(w);
    Rig *r = w->r;

    sb_irq_enable(r, 0);
    rig_set64(r, SR_PRIQ_IRQ_CFG0, 0x8000);
    rig_set32(r, SR_PRIQ_IRQ_CFG2, 1u << 31);
    sb_irq_enable(r, IRQ_PRIQ);
    fill(w);
    for (unsigned i = 1; i < 3; i++) {  /* overflows, and has overflowed */
        q.last = false;
        ask(w, &q);
        g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, i - 1);
        q.last = true;
        ask(w, &q);
        g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, i);
    }
}

static void wire_masked(void)
{
    g_autoptr(SWorld) w = world(NULL, 4);
    ImPageReq q = sw_page_req(w);

    sb_irq_enable(w->r, IRQ_EVTQ);
    ask(w, &q);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_WIRE), ==, 0);
    g_assert_cmpuint(sb_pprs(w->r), ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned n = 0; n < 64; n++) {
        g_autofree char *path = g_strdup_printf("every@%02x", n);

        spec_row(SMMU_PRIQ_ENTRY, path, entry, GUINT_TO_POINTER(n));
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(auto_rows); i++) {
        spec_row(SMMU_PRIQ_PPAR, auto_rows[i].path, auto_row, &auto_rows[i]);
        spec_row(SMMU_PRIQ_REC_CFG_ATS, auto_rows[i].path, auto_event,
                 &auto_rows[i]);
    }
    spec_test(SMMU_PRIQ_REC_CFG_ATS, "needs-recinvsid", auto_event_streamid);
    spec_test(SMMU_PRIQ_OVERFLOW, "counted", counted);
    spec_test(SMMU_PRIQ_ENTRY, "wrap", order_and_wrap);
    spec_test(SMMU_PRIQ_ENTRY, "ste", ste_does_not_matter);
    spec_test(SMMU_PRIQ_ENTRY, "segment", segment);
    spec_row(SMMU_PRIQ_ENABLE, "priqen-0", priqen_off, NULL);
    spec_row(SMMU_PRIQ_ENABLE, "smmuen-0", smmuen_off, NULL);
    spec_row(SMMU_PRIQ_STOP_MARKER, "priqen-0", priqen_off, "stop");
    spec_row(SMMU_PRIQ_STOP_MARKER, "smmuen-0", smmuen_off, "stop");
    spec_test(SMMU_PRIQ_STOP_MARKER, "needs-pasid", marker_needs_pasid);
    spec_test(SMMU_PRIQ_ENABLE, "no-pri", without_pri);
    spec_test(SMMU_PRIQ_ABORT, "write", write_abort);
    for (unsigned i = 0; i < G_N_ELEMENTS(told_rows); i++) {
        g_autofree char *path = g_strdup_printf("told/%s", told_rows[i].path);

        spec_row(SMMU_PRIQ_AUTO_RESPONSE, path, told_row, &told_rows[i]);
    }
    spec_test(SMMU_PRIQ_OVERFLOW, "flag", overflow);
    spec_test(SMMU_PRIQ_STOP_MARKER, "overflow", overflow_stop_marker);
    spec_test(SMMU_PRIQ_INTERRUPT, "non-empty", wire_non_empty);
    spec_test(SMMU_PRIQ_INTERRUPT, "last-only", msi_last_only);
    spec_test(SMMU_PRIQ_INTERRUPT, "lost-last", lost_last_interrupts);
    spec_test(SMMU_PRIQ_INTERRUPT, "masked", wire_masked);
    return g_test_run();
}
