/*
 * A request answered by the unit, by its explanation and by the oracle.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_told.h"

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
        g_string_append_printf(out, " %016" G_GINT64_MODIFIER "x", s->value[i]);
    }
    g_string_append_printf(out, " %s %s",
                           s->clause ? im_clause_tag(s->clause) : "",
                           s->note ? s->note : "");
}

static void disagree(SWorld *w, const ImTxn *t, const SoAnswer *a,
                     const ImXlat *x, const char *where)
{
    GString *out = g_string_new(NULL);

    im_smmu_explain(w->r->smmu, t, print_step, out);
    g_error(
        "%s: 0x%" G_GINT64_MODIFIER "x at %u access %u nw %d pasid %d "
        "priv %d exec %d: answered %u cpl %u %02x perm %u 0x%" G_GINT64_MODIFIER
        "x, oracle %s cpl %u %02x s%u class %u r%dw%dx%d"
        " 0x%" G_GINT64_MODIFIER "x%s",
        where, t->addr, t->at, t->access, t->no_write, t->has_pasid, t->priv,
        t->exec, x->status, x->cpl, x->fault, x->perm, x->addr, end_name(a),
        a->cpl, a->code, a->s2 ? 2 : 1, a->cls, a->r, a->w, a->x,
        a->end == SO_OK ? a->addr : a->ipa, out->str);
}

static unsigned granted(const SoAnswer *a)
{
    return (a->r ? IM_PERM_R : 0) | (a->w ? IM_PERM_W : 0) |
           (a->x ? IM_PERM_X : 0);
}

/* Of a translation request that ends with Success: 3.9.1.2. */
static bool same_completion(const SoAnswer *a, const ImXlat *x)
{
    return x->status == IM_OK && x->cpl == IM_CPL_SC && x->perm == granted(a) &&
           (x->perm ? x->addr == a->addr : x->mask == 0xfff);
}

bool so_ends_so(const SoAnswer *a, const ImTxn *t, const ImXlat *x)
{
    switch (a->end) {
    case SO_OK:
        return t->at == IM_AT_TRANSLATION ?
                   same_completion(a, x) :
                   x->status == IM_OK && x->addr == a->addr;
    case SO_STALL:
        if (t->may_stall) {
            return x->status == IM_PENDING;
        }
        return x->status == IM_FAULT && x->cpl == IM_CPL_UR &&
               x->fault == a->code;
    case SO_RAZ_WI:
        return x->status == IM_FAULT && x->cpl == IM_CPL_SC &&
               x->fault == a->code;
    default:
        return x->status == IM_FAULT && x->cpl == a->cpl && x->fault == a->code;
    }
}

void so_recorded(SWorld *w, const ImTxn *t, const SoAnswer *a,
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
    g_assert_cmpuint(e.stall, ==, a->end == SO_STALL && t->may_stall);
    if (t->at != IM_AT_TRANSLATION) {       /* UNKNOWN there, 3.9.1.2 */
        g_assert_cmpuint(e.rnw, ==, a->reads || !(t->access & IM_WRITE));
    }
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

void so_wrote(SWorld *w, const ImTxn *t, const SoAnswer *a, const char *where)
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
        if (t->at == IM_AT_TRANSLATION && !granted(a)) {
            break;              /* flags need not be set for nothing */
        }
        g_assert_cmphex(rig_r64(w->r, a->update[i].pa), ==, a->update[i].val);
    }
}

/*
 * The answer does not depend on what is cached: it is what the tables say
 * now. What would stall is explained as a fault. An ordinary request need
 * not be told that its page, made dirty by another, could be written too.
 */
void so_explained(SWorld *w, const ImTxn *t, const ImXlat *e, const ImXlat *x,
                  const char *where)
{
    unsigned more = e->perm & ~x->perm;

    if (x->status == IM_PENDING) {
        g_assert_cmpuint(e->status, ==, IM_FAULT);
        g_assert_cmpuint(e->cpl, ==, IM_CPL_UR);
        return;
    }
    if (t->at != IM_AT_TRANSLATION && more == IM_PERM_W &&
        !(t->access & IM_WRITE)) {
        more = 0;
    }
    if (e->status == x->status && e->cpl == x->cpl && !more &&
        !(x->perm & ~e->perm) && e->fault == x->fault && e->addr == x->addr &&
        e->mask == x->mask && e->attr == x->attr && e->share == x->share &&
        e->priv == x->priv) {
        return;
    }
    g_error(
        "%s: 0x%" G_GINT64_MODIFIER "x at %u access %u nw %d pasid %d "
        "priv %d exec %d of stages %u: explained %u cpl %u %02x perm %u 0x%" G_GINT64_MODIFIER
        "x attr %02x share %u, answered %u cpl %u %02x "
        "perm %u 0x%" G_GINT64_MODIFIER "x attr %02x share %u",
        where, t->addr, t->at, t->access, t->no_write, t->has_pasid, t->priv,
        t->exec, w->kind, e->status, e->cpl, e->fault, e->perm, e->addr,
        e->attr, e->share, x->status, x->cpl, x->fault, x->perm, x->addr,
        x->attr, x->share);
}

SoAnswer so_check(SWorld *w, const ImTxn *t, const char *where)
{
    SoAnswer a = so_answer(w, t);
    SmmuTold told;
    ImXlat x;

    rig_log_clear(w->r);
    x = st_translate(w, t, &told, where);
    if (!a.unsure) {
        if (!so_ends_so(&a, t, &x)) {
            disagree(w, t, &a, &x, where);
        }
        if (a.end == SO_OK && a.typed) {
            g_assert_cmphex(x.attr, ==, a.attr);
            g_assert_cmphex(x.share, ==, a.share);
        }
        so_recorded(w, t, &a, where);
        so_wrote(w, t, &a, where);
    }
    sb_events_clear(w->r);
    if (x.status == IM_PENDING) {
        sb_do(w->r, cmd_stall_term(t->rid | (uint32_t)t->segment << 16));
    }
    return a;
}
