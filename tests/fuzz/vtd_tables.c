/*
 * Random damage to every table of a world, against the oracle.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/fuzz.h"
#include "lib/vtd_oracle.h"
#include "lib/vtd_random.h"

static void check(const Oracle *o, const ImXlat *x, uint64_t round,
                  const char *what)
{
    uint8_t fault = x->status == IM_OK ? 0 : x->fault;

    if (x->status == IM_FAULT) {
        g_assert_cmpuint(x->fault, !=, 0);
        g_assert_cmpuint(x->cpl, ==, IM_CPL_UR);
        g_assert_nonnull(im_vtd_fault_name(x->fault, NULL));
    }
    if (o->unsure) {
        return;
    }
    if (!o->accept[fault]) {
        GString *s = g_string_new("accepted:");

        for (unsigned i = 0; i < 256; i++) {
            if (o->accept[i]) {
                g_string_append_printf(s, " %02x", i);
            }
        }
        g_error("round %" G_GUINT64_FORMAT ", %s: answer %02x, %s", round, what,
                fault, s->str);
    }
    if (!fault) {
        g_assert_cmphex(x->addr, ==, o->addr);
    }
}

/* Explained with no cache, answered with empty ones. */
static void same_answer(const ImXlat *e, const ImXlat *x)
{
    g_assert_cmpuint(e->status, ==, x->status);
    g_assert_cmpuint(e->cpl, ==, x->cpl);
    g_assert_cmpuint(e->fault, ==, x->fault);
    g_assert_cmpuint(e->perm, ==, x->perm);
    g_assert_cmphex(e->addr, ==, x->addr);
    g_assert_cmphex(e->mask, ==, x->mask);
    g_assert_cmpint(e->interrupt, ==, x->interrupt);
}

/* A translation request of the same address fails in the same places. */
static void ats_too(World *w, const ImTxn *t, const ImXlat *plain)
{
    ImTxn a = *t;
    ImXlat x;

    a.at = IM_AT_TRANSLATION;
    a.access = IM_READ;
    a.len = 8;
    a.addr &= ~UINT64_C(0xfff);
    x = im_vtd_translate(w->r->vtd, &a);
    if (plain->status == IM_OK && x.status == IM_OK && x.perm) {
        g_assert_cmphex(x.addr, ==, plain->addr & ~UINT64_C(0xfff));
        g_assert_cmpuint(x.perm & t->access, ==, t->access);
    }
    if (x.status == IM_FAULT) {
        g_assert_cmpuint(x.fault, !=, 0);
        g_assert_cmpuint(x.perm, ==, 0);
    }
}

static void one_round(Fuzz *f, uint64_t round)
{
    ImVtdConfig c = rig_vtd_config();
    WorldKind kind = (WorldKind)fuzz_below(f, W_KINDS);
    bool pasid = kind >= W_FS && fuzz_one_in(f, 2);
    Oracle o;
    ImTxn t;
    ImXlat x, e;

    g_autoptr(World) w = world_new_off(&c, kind, pasid);
    w->r->allow_stray = true;
    if (kind >= W_FS) {
        rig_put(w->r, w->pe, PE_SRE, fuzz_one_in(f, 2));
        rig_put(w->r, w->pe, PE_SSADE, kind != W_PT && fuzz_one_in(f, 2));
    }
    vr_damage(w, f);
    world_on(w);
    t = vr_txn(w, f);
    o = oracle_answer(w, &t);
    e = im_vtd_explain(w->r->vtd, &t, NULL, NULL);
    x = im_vtd_translate(w->r->vtd, &t);
    check(&o, &x, round, "translate");
    same_answer(&e, &x);
    x = im_vtd_translate(w->r->vtd, &t);
    check(&o, &x, round, "again");
    ats_too(w, &t, &x);
    g_assert_cmpuint(w->r->misaligned, ==, 0);
    w->r->strays = 0;
}

static void tables(void)
{
    Fuzz f = fuzz_new(20000);

    for (uint64_t i = 0; i < f.rounds; i++) {
        one_round(&f, i);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vtd/fuzz/tables", tables);
    return g_test_run();
}
