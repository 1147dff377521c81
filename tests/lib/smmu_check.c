/*
 * A request answered by the unit, by its explanation and by the oracle.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_oracle.h"

static const char *end_name(const SoAnswer *a)
{
    static const char *const name[] = { "ok", "abort", "raz/wi", "stall" };

    return name[a->end];
}

/* The unit's own view, for who must find out. */
static void print_step(void *opaque, const ImStep *s)
{
    GString *out = opaque;

    g_string_append_printf(out, "\n  %s 0x%" G_GINT64_MODIFIER "x", s->what,
                           s->addr);
    for (unsigned i = 0; i < s->words; i++) {
        g_string_append_printf(out, " %016" G_GINT64_MODIFIER "x",
                               s->value[i]);
    }
    g_string_append_printf(out, " %s %s", s->clause ? s->clause : "",
                           s->note ? s->note : "");
}

static void disagree(SWorld *w, const ImTxn *t, const SoAnswer *a,
                     const ImXlat *x, const char *where)
{
    GString *out = g_string_new(NULL);

    im_smmu_explain(w->r->smmu, t, print_step, out);
    g_error("%s: 0x%" G_GINT64_MODIFIER "x access %u pasid %d priv %d "
            "exec %d: answered %u %02x 0x%" G_GINT64_MODIFIER "x, oracle %s "
            "%02x s%u class %u 0x%" G_GINT64_MODIFIER "x%s", where, t->addr,
            t->access, t->has_pasid, t->priv, t->exec, x->status, x->fault,
            x->addr, end_name(a), a->code, a->s2 ? 2 : 1, a->cls,
            a->end == SO_OK ? a->addr : a->ipa, out->str);
}

static bool same_end(const SoAnswer *a, const ImXlat *x)
{
    switch (a->end) {
    case SO_OK:
        return x->status == IM_OK && x->addr == a->addr;
    case SO_RAZ_WI:
        return x->status == IM_FAULT && x->cpl == IM_CPL_SC &&
               x->fault == a->code;
    default:                    /* no requester here can wait */
        return x->status == IM_FAULT && x->cpl != IM_CPL_SC &&
               x->fault == a->code;
    }
}

static void record_agrees(SWorld *w, const ImTxn *t, const SoAnswer *a,
                          const char *where)
{
    bool wanted = a->record || a->end == SO_STALL;
    Evt e;

    if (sb_events(w->r) != wanted) {
        g_error("%s: %u events, oracle %s %02x record %d", where,
                sb_events(w->r), end_name(a), a->code, a->record);
    }
    if (!wanted) {
        return;
    }
    e = sb_event(w->r, 0);
    sb_events_clear(w->r);
    g_assert_cmphex(e.code, ==, a->code);
    g_assert_cmphex(e.sid, ==, (uint32_t)t->segment << 16 | t->rid);
    if (a->code < EV_WALK_EABT) {
        return;
    }
    g_assert_cmphex(e.addr, ==, t->addr);
    g_assert_cmpuint(e.rnw, ==, a->reads || !(t->access & IM_WRITE));
    g_assert_cmpuint(e.s2, ==, a->s2);
    g_assert_cmpuint(e.cls, ==, a->cls);
    if (a->code == EV_WALK_EABT) {
        g_assert_cmphex(e.fetch, ==, a->fetch);
    } else if (a->s2) {
        g_assert_cmphex(e.ipa, ==, a->ipa);
        if (a->code == EV_PERMISSION && a->cls == CLASS_TT) {
            g_assert_cmpuint(e.ttrnw, ==, a->ttrnw);
        }
    }
}

/* HTTU wrote what the oracle says, and nothing else. */
static void memory_agrees(SWorld *w, const SoAnswer *a, const char *where)
{
    for (unsigned n = 0; n < rig_count(w->r, RIG_SEEN_UPDATE); n++) {
        uint64_t pa = rig_seen(w->r, RIG_SEEN_UPDATE, n)->addr;
        bool known = false;

        for (unsigned i = 0; i < a->updates; i++) {
            known |= a->update[i].pa == pa;
        }
        if (!known) {
            g_error("%s: wrote a descriptor at 0x%" G_GINT64_MODIFIER "x",
                    where, pa);
        }
    }
    for (unsigned i = 0; a->end == SO_OK && i < a->updates; i++) {
        g_assert_cmphex(rig_r64(w->r, a->update[i].pa), ==,
                        a->update[i].val);
    }
}

SoAnswer so_check(SWorld *w, const ImTxn *t, const char *where)
{
    SoAnswer a = so_answer(w, t);
    ImXlat e, x;

    rig_log_clear(w->r);
    e = im_smmu_explain(w->r->smmu, t, NULL, NULL);
    g_assert_cmpuint(w->r->log->len, ==, 0);
    x = im_smmu_translate(w->r->smmu, t);
    g_assert_cmpuint(e.status, ==, x.status);
    g_assert_cmphex(e.fault, ==, x.fault);
    if (x.status == IM_OK) {
        g_assert_cmphex(e.addr, ==, x.addr);
    }
    if (a.unsure) {
        sb_events_clear(w->r);
        return a;
    }
    if (!same_end(&a, &x)) {
        disagree(w, t, &a, &x, where);
    }
    record_agrees(w, t, &a, where);
    memory_agrees(w, &a, where);
    return a;
}
