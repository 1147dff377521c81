/*
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>
#include <string.h>

#include "lib/vtd_told.h"

/* --- explanations ------------------------------------------------------- */

/* Bits of a word that have a name belong to the layout of that word. */
static void assert_fields(const ImStep *step)
{
    g_assert_nonnull(step->fields);
    for (unsigned i = 0; i < step->words; i++) {
        uint64_t seen = 0;

        g_assert_nonnull(step->fields[i]);
        for (const ImFieldRow *f = step->fields[i]; f->name; f++) {
            uint64_t mask = UINT64_MAX >> (63 - f->hi + f->lo) << f->lo;

            g_assert_cmphex(seen & mask, ==, 0);
            seen |= mask;
        }
    }
}

static void note_step(void *opaque, const ImStep *step)
{
    Told *told = opaque;

    g_assert_nonnull(step->what);
    told->steps++;
    if (step->words) {
        assert_fields(step);
        told->reads++;
        g_strlcpy(told->last_read, step->what, sizeof(told->last_read));
    }
    g_assert_cmpint(step->clause, <, IM_CLAUSES);
    if (strcmp(step->what, "result") == 0) {
        g_assert_nonnull(im_clause(step->clause));
        g_assert_nonnull(step->note);
        told->clause = step->clause;
        g_strlcpy(told->note, step->note, sizeof(told->note));
    }
}

static uint64_t sum_of_memory(Rig *r)
{
    GHashTableIter it;
    gpointer key, page;
    uint64_t sum = 0;

    g_hash_table_iter_init(&it, r->pages);
    while (g_hash_table_iter_next(&it, &key, &page)) {
        uint64_t h = *(const gint64 *)key;

        for (unsigned i = 0; i < sizeof(((RigPage *)page)->byte); i += 8) {
            uint64_t word;

            memcpy(&word, ((RigPage *)page)->byte + i, 8);
            h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        }
        sum += h;
    }
    return sum;
}

/* What explaining may not touch. */
typedef struct Before {
    ImVtdCounters counters;
    uint64_t memory;
    uint32_t fsts;
    unsigned sent;
} Before;

static Before before(Rig *r)
{
    return (Before) {
        *im_vtd_counters(r->vtd),
        sum_of_memory(r),
        rig_reg32(r, REG_FSTS),
        rig_count(r, RIG_SEEN_MSI),
    };
}

static void assert_untouched(Rig *r, const Before *b)
{
    g_assert_true(memcmp(&b->counters, im_vtd_counters(r->vtd),
                         sizeof(b->counters)) == 0);
    g_assert_cmphex(b->memory, ==, sum_of_memory(r));
    g_assert_cmphex(b->fsts, ==, rig_reg32(r, REG_FSTS));
    g_assert_cmpuint(b->sent, ==, rig_count(r, RIG_SEEN_MSI));
    rig_log_clear(r);
}

ImXlat told_translate(Rig *r, const ImTxn *t, Told *told)
{
    Before b = before(r);
    ImXlat e, x;

    *told = (Told) { 0 };
    e = im_vtd_explain(r->vtd, t, note_step, told);
    assert_untouched(r, &b);
    x = im_vtd_translate(r->vtd, t);
    g_assert_cmpuint(e.status, ==, x.status);
    g_assert_cmpuint(e.cpl, ==, x.cpl);
    g_assert_cmphex(e.fault, ==, x.fault);
    g_assert_cmphex(e.addr, ==, x.addr);
    g_assert_cmphex(e.mask, ==, x.mask);
    g_assert_cmpuint(e.perm, ==, x.perm);
    g_assert_cmpint(e.interrupt, ==, x.interrupt);
    g_assert_cmpint(e.priv, ==, x.priv);
    g_assert_cmpint(e.untranslated_only, ==, x.untranslated_only);
    g_assert_cmpint(e.non_snoop, ==, x.non_snoop);
    g_assert_nonnull(im_clause(told->clause));
    return x;
}

ImIntOut told_interrupt(Rig *r, const ImMsi *msi, Told *told)
{
    Before b = before(r);
    ImIntOut e, out;

    *told = (Told) { 0 };
    e = im_vtd_explain_interrupt(r->vtd, msi, note_step, told);
    assert_untouched(r, &b);
    out = im_vtd_interrupt(r->vtd, msi);
    g_assert_cmpuint(e.status, ==, out.status);
    g_assert_cmphex(e.fault, ==, out.fault);
    g_assert_cmpint(e.remapped, ==, out.remapped);
    g_assert_cmphex(e.vector, ==, out.vector);
    g_assert_cmpuint(e.delivery_mode, ==, out.delivery_mode);
    g_assert_cmpint(e.level, ==, out.level);
    g_assert_cmpint(e.logical, ==, out.logical);
    g_assert_cmpint(e.redirection_hint, ==, out.redirection_hint);
    g_assert_cmphex(e.dest, ==, out.dest);
    if (out.fault) {
        told_assert_fault(told, out.fault);
    }
    return out;
}

/* Of a queue as told, and of one whose tail moved: the descriptor there. */
typedef struct Queued {
    uint64_t addr;
    uint64_t word[2];
} Queued;

typedef struct ToldRequest {
    Told *told;
    Queued queued;
} ToldRequest;

static void note_request(void *opaque, const ImStep *step)
{
    ToldRequest *t = opaque;

    note_step(t->told, step);
    if (strcmp(step->what, "page request descriptor") == 0) {
        t->queued = (Queued) { step->addr, { step->value[0], step->value[1] } };
    }
}

static void assert_answer(Rig *r, const ImPageFate *f)
{
    const RigLog *e = rig_seen(r, RIG_SEEN_PAGE_RESP, 0);

    g_assert_cmpint(f->answered, ==, e != NULL);
    if (e) {
        g_assert_cmpuint(f->resp.code, ==, e->resp.code);
        g_assert_cmphex(f->resp.rid, ==, e->resp.rid);
        g_assert_cmphex(f->resp.prgi, ==, e->resp.prgi);
        g_assert_cmpint(f->resp.has_pasid, ==, e->resp.has_pasid);
        g_assert_cmphex(f->resp.pasid, ==, e->resp.pasid);
        g_assert_false(f->queued);
    }
}

ImPageFate told_page_request(Rig *r, const ImPageReq *q, Told *told)
{
    Before b = before(r);
    uint64_t tail = rig_reg64(r, REG_PQT);
    uint32_t prs = rig_reg32(r, REG_PRS);
    ToldRequest t = { .told = told };
    ImPageFate f;

    *told = (Told) { 0 };
    f = im_vtd_explain_page_request(r->vtd, q, note_request, &t);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_PAGE_RESP), ==, 0);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_WRITE), ==, 0);
    assert_untouched(r, &b);
    g_assert_cmphex(rig_reg64(r, REG_PQT), ==, tail);
    g_assert_cmphex(rig_reg32(r, REG_PRS), ==, prs);
    im_vtd_page_request(r->vtd, q);
    assert_answer(r, &f);
    g_assert_cmpint(f.queued, ==, rig_reg64(r, REG_PQT) != tail);
    if (f.queued) {
        g_assert_cmphex(rig_get(r, t.queued.addr, 63, 0), ==, t.queued.word[0]);
        g_assert_cmphex(rig_get(r, t.queued.addr, 127, 64), ==,
                        t.queued.word[1]);
    }
    g_assert_cmpint(f.queued, ==, g_str_has_prefix(told->note, "queued"));
    if (f.fault) {
        told_assert_fault(told, f.fault);
    }
    return f;
}

void told_assert_fault(const Told *told, uint8_t reason)
{
    g_autofree char *tag = g_strdup_printf("VTD_FLT_%s",
                                           im_vtd_fault_name(reason, NULL));

    g_strdelimit(tag, ".", '_');
    g_assert_cmpstr(im_clause_tag(told->clause), ==, tag);
}

/* --- events ------------------------------------------------------------- */

static const char *const kinds[] = {
    [IM_EVENT_FAULT] = "fault",          [IM_EVENT_INVALIDATE] = "invalidate",
    [IM_EVENT_COMMAND_ERROR] = "error",  [IM_EVENT_ADVICE] = "advice",
    [IM_EVENT_PAGE_REQUEST] = "request", [IM_EVENT_PAGE_RESPONSE] = "response",
    [IM_EVENT_INTERRUPT] = "interrupt",
};

static unsigned messages(const Rig *r)
{
    return rig_count(r, RIG_SEEN_MSI) + rig_count(r, RIG_SEEN_ATS_INV) +
           rig_count(r, RIG_SEEN_PAGE_RESP);
}

static void listen(Rig *r, const ImEvent *ev)
{
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
        g_string_append_printf(to, " %" PRIx64, ev->arg[i]);
    }
    g_string_append_printf(to, "%s @%u\n", ev->hidden ? " hidden" : "",
                           messages(r));
}

void told_listen(Rig *r, GString *to)
{
    r->events = to;
    r->event = listen;
}
