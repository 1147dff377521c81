/*
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/smmu_told.h"

/* Which rules an event may come of: their tags, or how these begin, without
 * SMMU_. */
static const struct {
    unsigned code;
    const char *const tags[11];
} causes[] = {
    { EV_UUT, { "ROUTE_UUT" } },
    { EV_BAD_STREAMID, { "ROUTE_STREAMID", "ROUTE_SPAN" } },
    { EV_STE_FETCH, { "EVENT_F_STE_FETCH" } },
    { EV_BAD_STE, { "STE_" } },
    { EV_BAD_ATS_TREQ, { "ATS_EATS", "ROUTE_SMMUEN" } },
    { EV_STREAM_DISABLED, { "ROUTE_S1DSS" } },
    { EV_TRANSL_FORBIDDEN, { "ATS_EATS", "ROUTE_SMMUEN" } },
    { EV_BAD_SUBSTREAMID, { "ROUTE_SUBSTREAM", "ROUTE_L1CD" } },
    { EV_CD_FETCH, { "EVENT_F_CD_FETCH" } },
    { EV_BAD_CD, { "CD_" } },
    { EV_WALK_EABT, { "EVENT_F_WALK_EABT" } },
    { EV_TRANSLATION,
      { "VMSA_INVALID", "VMSA_BLOCK", "VMSA_S2_RANGE", "CD_EPD", "CD_E0PD",
        "CD_HALF" } },
    { EV_ADDR_SIZE, { "VMSA_ADDR_SIZE", "ROUTE_IAS" } },
    { EV_ACCESS, { "VMSA_AF" } },
    { EV_PERMISSION,
      { "VMSA_AP", "VMSA_TABLE_ATTR", "VMSA_XN", "VMSA_WXN", "VMSA_PAN",
        "VMSA_EPAN", "VMSA_S2AP", "VMSA_NESTED_HTTU", "STE_S2PTW",
        "ATS_GRANT" } },
};

static void is_cause(const SmmuTold *told)
{
    const char *tag = im_clause_tag(told->clause);

    for (unsigned i = 0; i < G_N_ELEMENTS(causes); i++) {
        for (unsigned k = 0;
             causes[i].code == told->xlat.fault && causes[i].tags[k]; k++) {
            if (g_str_has_prefix(tag + 5, causes[i].tags[k])) {
                return;
            }
        }
    }
    g_error("event %02x by %s: %s", told->xlat.fault, tag, told->note);
}

/* Fields in a word: named, in order, no two in one place. */
static void are_fields(const ImFieldRow *f)
{
    int below = -1;

    g_assert_nonnull(f->name);
    for (; f->name; f++) {
        g_assert_cmpint(f->lo, >, below);
        g_assert_cmpint(f->hi, >=, f->lo);
        g_assert_cmpint(f->hi, <, 64);
        below = f->hi;
    }
}

static void take_step(void *opaque, const ImStep *s)
{
    SmmuTold *told = opaque;

    if (!strcmp(s->what, "result")) {
        g_assert_cmpuint(s->words, ==, 0);
        told->clause = s->clause;
        g_strlcpy(told->note, s->note, sizeof(told->note));
        return;
    }
    g_strlcpy(told->last_read, s->what, sizeof(told->last_read));
    told->reads += s->words != 0;
    for (unsigned i = 0; i < s->words; i++) {
        are_fields(s->fields[i]);
    }
}

void st_explain(SWorld *w, const ImTxn *t, SmmuTold *told)
{
    Rig *r = w->r;
    ImSmmuCounters was = *im_smmu_counters(r->smmu);
    uint64_t writes = r->writes, updates = r->updates;
    unsigned log = r->log->len;

    memset(told, 0, sizeof(*told));
    told->xlat = im_smmu_explain(r->smmu, t, take_step, told);
    g_assert_cmpmem(&was, sizeof(was), im_smmu_counters(r->smmu), sizeof(was));
    g_assert_cmpuint(r->writes, ==, writes);
    g_assert_cmpuint(r->updates, ==, updates);
    g_assert_cmpuint(r->log->len, ==, log);
    g_assert_nonnull(im_clause(told->clause));
    g_assert_cmpstr(told->note, !=, "");
    if (told->xlat.fault) {
        is_cause(told);
    }
}

ImXlat st_translate(SWorld *w, const ImTxn *t, SmmuTold *told,
                    const char *where)
{
    ImXlat x;

    st_explain(w, t, told);
    x = im_smmu_translate(w->r->smmu, t);
    so_explained(w, t, &told->xlat, &x, where);
    return x;
}

/* --- page requests ------------------------------------------------------ */

static void take_request_step(void *opaque, const ImStep *s)
{
    SmmuTold *told = opaque;

    take_step(told, s);
    if (!strcmp(s->what, "PRI queue entry")) {
        told->addr = s->addr;
        told->word[0] = s->value[0];
        told->word[1] = s->value[1];
    }
}

static void was_answered(Rig *r, const ImPageFate *f)
{
    const ImPageResp *p;

    g_assert_cmpuint(rig_count(r, RIG_SEEN_PAGE_RESP), ==, f->answered);
    if (f->answered) {
        p = &rig_seen(r, RIG_SEEN_PAGE_RESP, 0)->resp;
        g_assert_false(f->queued);
        g_assert_cmphex(f->resp.code, ==, p->code);
        g_assert_cmphex(f->resp.rid, ==, p->rid);
        g_assert_cmphex(f->resp.segment, ==, p->segment);
        g_assert_cmphex(f->resp.prgi, ==, p->prgi);
        g_assert_cmpint(f->resp.has_pasid, ==, p->has_pasid);
        g_assert_cmphex(f->resp.pasid, ==, p->pasid);
    }
}

ImPageFate st_page_request(SWorld *w, const ImPageReq *q, SmmuTold *told)
{
    Rig *r = w->r;
    ImSmmuCounters was = *im_smmu_counters(r->smmu);
    uint64_t writes = r->writes;
    uint32_t prod = rig_reg32(r, SR_PRIQ_PROD);
    unsigned pprs = sb_pprs(r);
    uint32_t gerror = sb_gerror(r);
    ImPageFate f;

    memset(told, 0, sizeof(*told));
    f = im_smmu_explain_page_request(r->smmu, q, take_request_step, told);
    g_assert_cmpmem(&was, sizeof(was), im_smmu_counters(r->smmu), sizeof(was));
    g_assert_cmpuint(r->writes, ==, writes);
    g_assert_cmpuint(sb_pprs(r), ==, pprs);
    g_assert_cmphex(rig_reg32(r, SR_PRIQ_PROD), ==, prod);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_PAGE_RESP), ==, 0);
    g_assert_cmphex(sb_gerror(r), ==, gerror);
    g_assert_nonnull(im_clause(told->clause));
    rig_log_clear(r);
    im_smmu_page_request(r->smmu, q);
    was_answered(r, &f);
    g_assert_cmpuint(sb_pprs(r), ==, pprs + f.queued);
    if (f.queued) {
        g_assert_cmphex(rig_get(r, told->addr, 63, 0), ==, told->word[0]);
        g_assert_cmphex(rig_get(r, told->addr, 127, 64), ==, told->word[1]);
    }
    g_assert_cmpint(f.queued, ==, !strcmp(told->note, "queued"));
    return f;
}

/* --- events ------------------------------------------------------------- */

static void hear(Rig *r, const ImEvent *ev)
{
    static const char *const kinds[] = {
        [IM_EVENT_FAULT] = "fault",
        [IM_EVENT_INVALIDATE] = "command",
        [IM_EVENT_COMMAND_ERROR] = "error",
        [IM_EVENT_ADVICE] = "advice",
        [IM_EVENT_PAGE_REQUEST] = "request",
        [IM_EVENT_PAGE_RESPONSE] = "response",
        [IM_EVENT_INTERRUPT] = "interrupt",
    };
    GString *to = r->events;

    g_string_append_printf(to, "%s %s", kinds[ev->kind], ev->name);
    if (ev->text) {
        g_string_append_printf(to, " [%s]", ev->text);
    }
    if (ev->kind == IM_EVENT_FAULT) {
        g_assert_nonnull(im_clause(ev->clause));
    } else if (ev->clause) {
        g_string_append_printf(to, " [%s]", im_clause_tag(ev->clause));
    }
    for (unsigned i = 0; i < ev->words; i++) {
        g_string_append_printf(to, " %" G_GINT64_MODIFIER "x", ev->arg[i]);
    }
    if (ev->kind == IM_EVENT_FAULT) {
        g_string_append_printf(to, " %02x%s%s%s", (unsigned)ev->arg[0],
                               ev->txn ? " txn" : "", ev->req ? " req" : "",
                               ev->msi ? " msi" : "");
    }
    g_string_append_printf(to, "%s\n", ev->hidden ? " hidden" : "");
}

void st_listen(Rig *r, GString *to)
{
    r->events = to;
    r->event = hear;
}

void st_heard(Rig *r, const char *lines)
{
    g_assert_cmpstr(r->events->str, ==, lines);
    g_string_truncate(r->events, 0);
}
