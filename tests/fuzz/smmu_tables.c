/*
 * Random shapes, permissions and damage of every SMMU structure, against
 * the oracle: both stages in all granules, alone and nested; ATS requests of
 * both kinds; fault models; memory attributes.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_oracle.h"
#include "lib/smmu_random.h"

static const uint8_t granules[] = { 12, 14, 16 };

typedef enum Mode { WHOLE, DAMAGED, ATS, STALL, MEMORY, MODES } Mode;
static const char *const modes[] = {
    "whole", "damaged", "ats", "stall", "memory",
};

/* S, A and R of both stages; often what STALL_MODEL wants. */
static void allow_stalls(SWorld *w, Fuzz *f)
{
    unsigned model = w->r->smmu_cfg.stall_model;
    bool s = model == 0 ? fuzz_one_in(f, 2) : model == 2;

    if (sw_s1(w)) {
        rig_put(w->r, w->cd, CD_S, s ^ fuzz_one_in(f, 16));
        rig_put(w->r, w->ste, STE_S1STALLD, fuzz_one_in(f, 16));
    }
    if (sw_s2(w)) {
        s = model == 0 ? fuzz_one_in(f, 2) : model == 2;
        rig_put(w->r, w->ste, STE_S2S, s ^ fuzz_one_in(f, 16));
    }
}

static void retype(SWorld *w, uint64_t at, unsigned lo, uint64_t memattr,
                   uint64_t sh)
{
    uint64_t d = rig_r64(w->r, at);

    d &= ~(UINT64_C(15) << lo & 0x3c) & ~UINT64_C(0x300);
    rig_w64(w->r, at, d | memattr << lo | sh << 8);
}

/* Attributes of the pages, of MAIR, and what an STE overrides; S2FWB. */
static void type_memory(SWorld *w, Fuzz *f)
{
    static const uint8_t mair[] = {
        0x00, 0x04, 0x08, 0x0c, 0x44, 0xff, 0xbb, 0xaa,
        0xee, 0x4f, 0xf4, 0xb7, 0x16, 0x77, 0x33, 0xc8,
    };
    static const uint8_t shares[] = { 0, 2, 3 };

    if (sw_s1(w)) {
        uint64_t at = w->cd + 24;

        for (unsigned i = 0; i < 8; i++) {
            unsigned v = mair[fuzz_below(f, sizeof(mair))];

            rig_w64(w->r, at, rig_r64(w->r, at) << 8 | v);
        }
        retype(w, sw_s1_desc(w, w->iova, 3), 2, fuzz_below(f, 8),
               shares[fuzz_below(f, 3)]);
    }
    if (sw_s2(w)) {
        rig_put(w->r, w->ste, STE_S2FWB, fuzz_one_in(f, 2));
        retype(w, sw_s2_desc(w, w->ipa, 3), 2, fuzz_below(f, 16),
               shares[fuzz_below(f, 3)]);
    }
    rig_put(w->r, w->ste, STE_MTCFG, fuzz_one_in(f, 2));
    rig_put(w->r, w->ste, STE_MEMATTR, fuzz_below(f, 16));
    rig_put(w->r, w->ste, STE_SHCFG, fuzz_below(f, 4));
}

/* Reserved and project-private bits that the two hands may read
 * differently: fields of later revisions. */
static void keep_to_known(SWorld *w, Mode mode)
{
    Rig *r = w->r;

    rig_put(r, w->ste, 88, 88, 0);              /* S1PIE */
    if (mode != MEMORY && mode != ATS) {
        rig_put(r, w->ste, STE_S2FWB, 0);
    }
    if (mode != STALL) {
        rig_put(r, w->ste, STE_S2S, 0);
    }
    if (mode != ATS) {
        rig_put(r, w->ste, STE_EATS, 0);
    }
    rig_put(r, w->ste, 195, 188, 0);            /* S2PIE .. S2DS */
    if (sw_s1(w) && mode != STALL) {
        rig_put(r, w->cd, CD_S, 0);
    }
}

/* Make the tables what this mode wants to be asked about. */
static void prepare(SWorld *w, Fuzz *f, Mode mode)
{
    sr_season(w, f);
    sr_attributes(w, f);
    if (mode == ATS) {
        sr_allow_ats(w, f);
    } else if (mode == STALL) {
        allow_stalls(w, f);
    }
    if (mode == MEMORY || mode == ATS) {
        type_memory(w, f);
    }
    if (mode == DAMAGED ||
        ((mode == ATS || mode == STALL) && fuzz_one_in(f, 3))) {
        sr_damage(w, f);
    }
    keep_to_known(w, mode);
}

typedef struct Tally {
    unsigned ok, fault, unsure;
} Tally;

static void count(Tally *n, const SoAnswer *a)
{
    n->unsure += a->unsure;
    n->ok += !a->unsure && a->end == SO_OK;
    n->fault += !a->unsure && a->end != SO_OK;
}

static void one_round(Fuzz *f, uint64_t round, unsigned g1, unsigned g2,
                      Mode mode, Tally *n)
{
    SwKind kind = (SwKind)fuzz_below(f, SW_KINDS);
    static const uint8_t sizes[] = { 44, 48, 48, 52 };
    bool xnx = !fuzz_one_in(f, 4);
    unsigned oas = sizes[fuzz_below(f, xnx ? sizeof(sizes) : 3)];
    unsigned va = oas == 52 || (xnx && fuzz_one_in(f, 4)) ? 52 : 48;
    SwShape s = sr_shape(f, g1, g2, oas, va);
    bool ssid = kind != SW_S2 && kind != SW_BYPASS && fuzz_one_in(f, 2);
    ImSmmuConfig c = rig_smmu_config();
    g_autofree char *where = g_strdup_printf("round %" G_GUINT64_FORMAT, round);
    SoAnswer a;
    ImTxn t;

    c.xnx = xnx;
    c.va_bits = (uint8_t)va;
    c.tlb_entries = 64;
    c.oas = (uint8_t)oas;
    if (mode == STALL) {
        c.stall_model = (uint8_t)fuzz_below(f, 3);
        c.stall_max = c.stall_model == 1 ? 0 : 16;
        c.term_model = fuzz_one_in(f, 4);
    }
    if (!c.xnx) {
        im_smmu_config_prune(&c);       /* and what needs it */
    }
    g_autoptr(SWorld) w = sw_new_off(&c, kind, ssid, &s);
    w->r->allow_stray = true;
    if (oas == 52 && fuzz_one_in(f, 2)) {
        sr_far_away(w);
    }
    prepare(w, f, mode);
    sw_on(w);
    t = mode == ATS ? sr_ats_txn(w, f) : sr_txn(w, f);
    t.may_stall = mode == STALL && !fuzz_one_in(f, 4);
    a = so_check(w, &t, where);
    count(n, &a);
    so_check(w, &t, where);             /* again, out of what is cached */
    if (t.at == IM_AT_TRANSLATION) {
        t.no_write = !t.no_write;
    } else {
        t.access = IM_WRITE;
        t.exec = false;
    }
    so_check(w, &t, where);
    g_assert_cmpuint(w->r->misaligned, ==, 0);
    w->r->strays = 0;
}

static void tables(const void *data)
{
    unsigned n = GPOINTER_TO_UINT(data);
    Fuzz f = fuzz_new(250);
    Tally tally = { 0 };

    f.state += n;
    for (uint64_t i = 0; i < f.rounds; i++) {
        one_round(&f, i, granules[n % 3], granules[n / 3 % 3], (Mode)(n / 9),
                  &tally);
    }
    g_test_message("%u translated, %u refused, %u open", tally.ok, tally.fault,
                   tally.unsure);
    g_assert_cmpuint(tally.ok, >, f.rounds / 5);    /* else what was tested */
    g_assert_cmpuint(tally.fault, >, f.rounds / 10);
    g_assert_cmpuint(tally.unsure, <, f.rounds / 5);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned n = 0; n < 9 * MODES; n++) {
        g_autofree char *path = g_strdup_printf(
            "/smmu/fuzz/tables/%s@%uk-%uk", modes[n / 9],
            1u << (granules[n % 3] - 10), 1u << (granules[n / 3 % 3] - 10));

        g_test_add_data_func(path, GUINT_TO_POINTER(n), tables);
    }
    return g_test_run();
}
