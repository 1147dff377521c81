/*
 * Random damage to every table of a world, against the oracle.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/fuzz.h"
#include "lib/vtd_oracle.h"

/* An entry of some structure that the request will meet, or nearly. */
static uint64_t pick_entry(World *w, Fuzz *f, unsigned *words)
{
    bool fs = w->kind == W_FS || w->kind == W_NESTED;
    bool ss = w->kind != W_FS && w->kind != W_PT && w->kind != W_LEGACY_PT;
    unsigned level = (unsigned)fuzz_below(f, 4) + 1;
    uint64_t table;

    *words = 1;
    switch (fuzz_below(f, world_scalable(w) ? 12 : 8)) {
    case 0:
        return w->root_entry;
    case 1:
        *words = world_scalable(w) ? 4 : 2;
        return w->ctx;
    case 8:
        return w->dir_entry;
    case 9:
    case 10:
        *words = 4;
        return w->pe;
    default:
        break;
    }
    if (ss && (!fs || fuzz_one_in(f, 2))) {
        uint64_t ipa = w->kind == W_NESTED ? w->gpa : w->iova;

        if (fs && fuzz_one_in(f, 2)) {
            table = world_fs_entry(w, w->iova, level) & ~UINT64_C(0xfff);
            ipa = table + w->bias;
        }
        return world_ss_entry(w, ipa, (unsigned)fuzz_below(f, 4) + 1);
    }
    return fs ? world_fs_entry(w, w->iova, level) : w->ctx;
}

/* PWSNP and SSADE decide about updates, which the oracle does not model
 * together with damage: they stay. */
static bool untouchable(World *w, uint64_t at, unsigned bit)
{
    return world_scalable(w) &&
           ((at == w->pe && bit == 9) || (at == w->pe + 8 && bit == 87 - 64));
}

static void damage(World *w, Fuzz *f)
{
    uint64_t at[3], flip[3];
    unsigned n = (unsigned)fuzz_below(f, 3) + 1;

    for (unsigned i = 0; i < n; i++) {
        unsigned words, bit = (unsigned)fuzz_below(f, 64);

        at[i] = pick_entry(w, f, &words);
        at[i] += 8 * fuzz_below(f, words);
        if (fuzz_one_in(f, 2)) {
            bit %= 12;
        }
        flip[i] = untouchable(w, at[i], bit) ? 0 : UINT64_C(1) << bit;
    }
    for (unsigned i = 0; i < n; i++) {
        rig_w64(w->r, at[i], rig_r64(w->r, at[i]) ^ flip[i]);
    }
}

static ImTxn random_txn(World *w, Fuzz *f)
{
    static const ImAccess access[] = { IM_READ, IM_WRITE, IM_ATOMIC };
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, access[fuzz_below(f, 3)]);

    if (fuzz_one_in(f, 8)) {
        t.addr ^= UINT64_C(1) << (12 + fuzz_below(f, 52));
    }
    if (t.addr >> 20 == 0xfee) {
        t.addr = w->iova;
    }
    t.addr += fuzz_below(f, 64) * 64;
    t.priv = t.has_pasid && fuzz_one_in(f, 4);
    return t;
}

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
    damage(w, f);
    world_on(w);
    t = random_txn(w, f);
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
