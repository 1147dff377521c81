/*
 * Random shapes, permissions and damage of every SMMU structure, against
 * the oracle: both stages in all granules, alone and nested; ATS requests of
 * both kinds; fault models; memory attributes.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/fuzz.h"
#include "lib/smmu_oracle.h"

static const uint8_t granules[] = { 12, 14, 16 };

typedef enum Mode { WHOLE, DAMAGED, ATS, STALL, MEMORY, MODES } Mode;
static const char *const modes[] = {
    "whole", "damaged", "ats", "stall", "memory",
};

static SwShape random_shape(Fuzz *f, unsigned g1, unsigned g2, unsigned oas,
                            unsigned va)
{
    SwShape s = {
        .g1 = (uint8_t)g1,
        .g2 = (uint8_t)g2,
        .bits1 = (uint8_t)(fuzz_one_in(f, 3) ? 48 : 36 + fuzz_below(f, 13)),
        .bits2 = (uint8_t)(fuzz_one_in(f, 3) ? 48 : 40 + fuzz_below(f, 9)),
        .linear = fuzz_one_in(f, 4),
        .s1fmt = (uint8_t)fuzz_below(f, 3),
        .s1cdmax = (uint8_t)(8 + fuzz_below(f, 5)),
        .high = fuzz_one_in(f, 3),
    };
    unsigned start, top;

    if (va == 52 && g1 == 16 && fuzz_one_in(f, 2)) {
        s.bits1 = (uint8_t)(49 + fuzz_below(f, 4));
    }
    if (oas == 52 && g2 == 16 && fuzz_one_in(f, 2)) {
        s.bits2 = (uint8_t)(49 + fuzz_below(f, 4));
    }
    s.bits2 = (uint8_t)MIN(s.bits2, oas);
    start = sb_start_level(g2, s.bits2);
    top = s.bits2 - sb_level_shift(g2, start);

    if (top <= 4 && start < 3 && fuzz_one_in(f, 2)) {
        s.concat = 1;
    }
    return s;
}

/* An output that needs 52 bits, which 64 KiB descriptors have. */
static void far_away(SWorld *w)
{
    uint64_t pa = w->pa | UINT64_C(5) << 49;

    if (sw_s2(w) && w->shape.g2 == 16) {
        sw_s2_map(w, w->ipa, pa, 16, SB_S2);
    } else if (w->kind == SW_S1 && w->shape.g1 == 16) {
        sw_s1_map(w, w->iova, pa, 16, SB_S1);
    }
}

/* What decides about rights and updates, at random but valid. */
static void season(SWorld *w, Fuzz *f)
{
    Rig *r = w->r;
    bool ha = fuzz_one_in(f, 2), ha2 = fuzz_one_in(f, 2);

    if (sw_s1(w)) {
        rig_put(r, w->cd, CD_HA, ha);
        rig_put(r, w->cd, CD_HD, ha && fuzz_one_in(f, 2));
        rig_put(r, w->cd, CD_HAFT, ha && fuzz_one_in(f, 3));
        rig_put(r, w->cd, CD_AFFD, fuzz_one_in(f, 3));
        rig_put(r, w->cd, CD_WXN, fuzz_one_in(f, 4));
        rig_put(r, w->cd, CD_PAN, fuzz_one_in(f, 4));
        rig_put(r, w->cd, CD_HAD0, fuzz_one_in(f, 4));
        rig_put(r, w->cd, CD_HAD1, fuzz_one_in(f, 4));
        rig_put(r, w->cd, CD_TBI0, fuzz_one_in(f, 4));
        rig_put(r, w->cd, CD_TBI1, fuzz_one_in(f, 4));
        rig_put(r, w->cd, CD_E0PD0, fuzz_one_in(f, 8));
        rig_put(r, w->cd, CD_E0PD1, fuzz_one_in(f, 8));
        rig_put(r, w->cd, CD_R, !fuzz_one_in(f, 4));
        rig_put(r, w->cd, CD_A, !fuzz_one_in(f, 4));
        if (w->kind == SW_S1 && fuzz_one_in(f, 4)) {
            rig_put(r, w->ste, STE_STRW, 2);
            w->cr2 |= fuzz_one_in(f, 2) || w->shape.high ? CR2_E2H : 0;
        }
    }
    if (sw_s2(w)) {
        rig_put(r, w->ste, STE_S2HA, ha2);
        rig_put(r, w->ste, STE_S2HD, ha2 && fuzz_one_in(f, 2));
        rig_put(r, w->ste, STE_S2HAFT, ha2 && fuzz_one_in(f, 3));
        rig_put(r, w->ste, STE_S2AFFD, fuzz_one_in(f, 3));
        rig_put(r, w->ste, STE_S2PTW, fuzz_one_in(f, 4));
        rig_put(r, w->ste, STE_S2R, !fuzz_one_in(f, 4));
    }
    rig_put(r, w->ste, STE_PRIVCFG, fuzz_one_in(f, 4) ? fuzz_below(f, 4) : 0);
    rig_put(r, w->ste, STE_INSTCFG, fuzz_one_in(f, 4) ? fuzz_below(f, 4) : 0);
}

/* A descriptor that the request meets; 0 when there is none. */
static uint64_t pick_desc(SWorld *w, Fuzz *f)
{
    if (sw_s1(w) && (w->kind == SW_S1 || fuzz_one_in(f, 2))) {
        unsigned l = w->start1 + (unsigned)fuzz_below(f, 4 - w->start1);

        return sw_s1_desc(w, w->iova, l);
    }
    if (sw_s2(w)) {
        unsigned l = w->start2 + (unsigned)fuzz_below(f, 4 - w->start2);
        uint64_t ipa = w->ipa;

        if (w->kind == SW_NESTED && fuzz_one_in(f, 2)) {
            unsigned s1 = w->start1 + (unsigned)fuzz_below(f, 4 - w->start1);

            ipa = sw_s1_desc(w, w->iova, s1) + w->bias;
        } else if (w->kind == SW_NESTED && fuzz_one_in(f, 4)) {
            ipa = w->cd + w->bias;
        }
        return sw_s2_desc(w, ipa, l);
    }
    return 0;
}

/* Attributes of leaves and tables: no address bit, so that walks go on. */
static void attributes(SWorld *w, Fuzz *f)
{
    static const uint8_t bits[] = {
        6, 7, 10, 51, 53, 54, 59, 60, 61, 62, 4, 5
    };
    uint64_t at[4], flip[4];
    unsigned n = (unsigned)fuzz_below(f, 5);

    for (unsigned i = 0; i < n; i++) {
        at[i] = pick_desc(w, f);
        flip[i] = DB(bits[fuzz_below(f, sizeof(bits))]);
    }
    for (unsigned i = 0; i < n; i++) {
        if (at[i]) {
            rig_w64(w->r, at[i], rig_r64(w->r, at[i]) ^ flip[i]);
        }
    }
}

static void damage(SWorld *w, Fuzz *f)
{
    uint64_t at[3], flip[3];
    unsigned n = (unsigned)fuzz_below(f, 4);

    for (unsigned i = 0; i < n; i++) {
        unsigned bit = (unsigned)fuzz_below(f, 64);

        switch (fuzz_below(f, 6)) {
        case 0:
            at[i] = w->ste + 8 * fuzz_below(f, 4);
            break;
        case 1:
            at[i] = sw_s1(w) ? w->cd + 8 * fuzz_below(f, 3) : 0;
            break;
        case 2:
            at[i] = w->l1std;
            break;
        default:
            at[i] = pick_desc(w, f);
            break;
        }
        flip[i] = UINT64_C(1) << bit;
    }
    for (unsigned i = 0; i < n; i++) {
        if (at[i]) {
            rig_w64(w->r, at[i], rig_r64(w->r, at[i]) ^ flip[i]);
        }
    }
}

static ImTxn random_txn(SWorld *w, Fuzz *f)
{
    static const ImAccess access[] = { IM_READ, IM_WRITE, IM_ATOMIC };
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, access[fuzz_below(f, 3)]);

    t.addr += fuzz_below(f, 64) * 64;
    if (fuzz_one_in(f, 8)) {
        t.addr ^= UINT64_C(1) << (12 + fuzz_below(f, 52));
    }
    if (fuzz_one_in(f, 16)) {
        t.has_pasid = !t.has_pasid;
        t.pasid = t.has_pasid ? (uint32_t)fuzz_below(f, 1 << 20) : 0;
    }
    t.priv = t.has_pasid && fuzz_one_in(f, 3);
    t.exec = t.has_pasid && t.access == IM_READ && fuzz_one_in(f, 3);
    return t;
}

/* A request of ATS, of the address that it may have been told. */
static ImTxn ats_txn(SWorld *w, Fuzz *f)
{
    ImTxn t = random_txn(w, f);

    t.access = IM_READ;
    t.len = 8;
    t.at = IM_AT_TRANSLATION;
    t.no_write = fuzz_one_in(f, 2);
    t.priv = t.has_pasid && fuzz_one_in(f, 3);
    t.exec = t.has_pasid && fuzz_one_in(f, 3);
    if (fuzz_one_in(f, 2)) {
        static const ImAccess access[] = { IM_READ, IM_WRITE };

        t.at = IM_AT_TRANSLATED;
        t.access = (uint8_t)access[fuzz_below(f, 2)];
        t.no_write = false;
        t.addr = fuzz_one_in(f, 4) ? w->pa : w->ipa;
        t.addr += fuzz_below(f, 64) * 64;
        if (fuzz_one_in(f, 8)) {
            t.addr ^= UINT64_C(1) << (12 + fuzz_below(f, 52));
        }
    }
    return t;
}

/* EATS, ATSCHK, and what says which events of ATS are recorded. */
static void allow_ats(SWorld *w, Fuzz *f)
{
    w->cr0 |= fuzz_one_in(f, 4) ? 0 : CR0_ATSCHK;
    w->cr2 |= fuzz_one_in(f, 2) ? CR2_REC_CFG_ATS : 0;
    w->cr2 &= fuzz_one_in(f, 2) ? ~CR2_RECINVSID : ~0u;
    rig_put(w->r, w->ste, STE_EATS,
            fuzz_one_in(f, 8)    ? fuzz_below(f, 4) :
            w->kind == SW_NESTED ? 1 + fuzz_below(f, 2) :
                                   1);
    if (w->has_ssid) {
        rig_put(w->r, w->ste, STE_S1DSS, fuzz_below(f, 3));
    }
    if (w->l1std && fuzz_one_in(f, 16)) {
        rig_w64(w->r, w->l1std, 0);             /* C_BAD_STREAMID */
    }
}

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
    season(w, f);
    attributes(w, f);
    if (mode == ATS) {
        allow_ats(w, f);
    } else if (mode == STALL) {
        allow_stalls(w, f);
    }
    if (mode == MEMORY || mode == ATS) {
        type_memory(w, f);
    }
    if (mode == DAMAGED ||
        ((mode == ATS || mode == STALL) && fuzz_one_in(f, 3))) {
        damage(w, f);
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
    SwShape s = random_shape(f, g1, g2, oas, va);
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
        far_away(w);
    }
    prepare(w, f, mode);
    sw_on(w);
    t = mode == ATS ? ats_txn(w, f) : random_txn(w, f);
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
