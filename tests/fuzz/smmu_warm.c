/*
 * Whatever is cached, an answer is what the tables say now: two pages that
 * share their tables, random rights at both stages, and many requests of
 * every kind for them, each of which fills caches for the next.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/fuzz.h"
#include "lib/smmu_told.h"

#define REQUESTS  24

/* Of n bits, some. */
static uint64_t some_of(Fuzz *f, const uint64_t *bit, unsigned n)
{
    uint64_t set = 0;

    for (unsigned i = 0; i < n; i++) {
        set |= fuzz_one_in(f, 2) ? bit[i] : 0;
    }
    return set;
}

static void set_bits(SWorld *w, uint64_t at, uint64_t mask, uint64_t to)
{
    rig_w64(w->r, at, (rig_r64(w->r, at) & ~mask) | to);
}

#define S1_RIGHTS  (D_AP1 | D_AP2 | D_DBM | D_PXN | D_UXN | D_NG)
#define S2_RIGHTS  (D_S2R | D_S2W | D_DBM | D_S2XN0 | D_S2XN1)

static uint64_t second(const SWorld *w, uint64_t addr)
{
    return addr + (UINT64_C(1) << w->shape.g1);
}

static void stage1_rights(SWorld *w, Fuzz *f)
{
    static const uint64_t leaf[] = { D_AP1, D_AP2, D_DBM, D_PXN, D_UXN, D_NG };
    static const uint64_t table[] = { D_TAP1, D_TAP2, D_TUXN, D_TPXN };
    bool ha = !fuzz_one_in(f, 3);

    rig_put(w->r, w->cd, CD_HA, ha);
    rig_put(w->r, w->cd, CD_HD, ha && !fuzz_one_in(f, 3));
    rig_put(w->r, w->cd, CD_HAFT, ha && fuzz_one_in(f, 3));
    rig_put(w->r, w->cd, CD_WXN, fuzz_one_in(f, 4));
    rig_put(w->r, w->cd, CD_PAN, fuzz_one_in(f, 4));
    set_bits(w, sw_leaf(w, w->iova), S1_RIGHTS, some_of(f, leaf, 6));
    set_bits(w, sw_leaf(w, second(w, w->iova)), S1_RIGHTS, some_of(f, leaf, 6));
    if (fuzz_one_in(f, 4)) {
        set_bits(w, sw_s1_desc(w, w->iova, 2), 0, some_of(f, table, 4));
    }
    if (ha && fuzz_one_in(f, 2)) {
        set_bits(w, sw_leaf(w, w->iova), D_AF, 0);
    }
}

/* Of the page, and of the pages that hold stage 1's tables. */
static void stage2_rights(SWorld *w, Fuzz *f)
{
    static const uint64_t leaf[] = { D_S2R, D_S2W, D_DBM, D_S2XN0, D_S2XN1 };
    bool ha = !fuzz_one_in(f, 3);

    rig_put(w->r, w->ste, STE_S2HA, ha);
    rig_put(w->r, w->ste, STE_S2HD, ha && !fuzz_one_in(f, 3));
    if (w->kind == SW_NESTED && !fuzz_one_in(f, 4)) {
        uint64_t s1 = sw_leaf(w, w->iova) + w->bias;

        set_bits(w, sw_s2_desc(w, s1, 3), S2_RIGHTS,
                 D_S2R | some_of(f, leaf, 3));
    }
    set_bits(w, sw_s2_desc(w, w->ipa, 3), S2_RIGHTS,
             some_of(f, leaf, 5) | (fuzz_one_in(f, 4) ? 0 : D_S2R));
}

static void ste_rights(SWorld *w, Fuzz *f)
{
    w->cr0 |= CR0_ATSCHK;
    rig_put(w->r, w->ste, STE_EATS,
            w->kind == SW_NESTED && fuzz_one_in(f, 3) ? 2 : 1);
    rig_put(w->r, w->ste, STE_PRIVCFG,
            fuzz_one_in(f, 4) ? fuzz_below(f, 4) : 0);
    rig_put(w->r, w->ste, STE_INSTCFG,
            fuzz_one_in(f, 4) ? fuzz_below(f, 4) : 0);
}

static ImTxn random_request(SWorld *w, Fuzz *f)
{
    ImTxn t = sw_txn(w, (ImAt)fuzz_below(f, 3), IM_READ);

    t.priv = t.has_pasid && fuzz_one_in(f, 2);
    t.exec = t.has_pasid && fuzz_one_in(f, 3);
    if (t.at == IM_AT_TRANSLATION) {
        t.no_write = fuzz_one_in(f, 2);
    } else {
        t.access = (uint8_t)(1 + fuzz_below(f, 3));
    }
    if (t.at == IM_AT_TRANSLATED) {
        t.addr = fuzz_one_in(f, 2) ? w->ipa : w->pa;
    }
    if (fuzz_one_in(f, 3)) {
        t.addr = second(w, t.addr);
    }
    return t;
}

static void one_round(Fuzz *f, uint64_t round, SwKind kind, bool ssid,
                      unsigned *granted)
{
    g_autofree char *where = g_strdup_printf("round %" G_GUINT64_FORMAT, round);
    static const uint8_t granules[] = { 12, 14, 16 };
    unsigned g = granules[fuzz_below(f, 3)];
    SwShape shape = { .g1 = (uint8_t)g, .g2 = (uint8_t)g };
    ImSmmuConfig c = rig_smmu_config();

    c.tlb_entries = 64;
    g_autoptr(SWorld) w = sw_new_off(&c, kind, ssid, &shape);
    if (sw_s1(w)) {
        sw_s1_map(w, second(w, w->iova), second(w, w->ipa), w->shape.g1, SB_S1);
    }
    if (sw_s2(w)) {
        sw_s2_map(w, second(w, w->ipa), second(w, w->pa), w->shape.g2, SB_S2);
    }
    ste_rights(w, f);
    if (sw_s1(w)) {
        stage1_rights(w, f);
    }
    if (sw_s2(w)) {
        stage2_rights(w, f);
    }
    sw_on(w);
    for (unsigned i = 0; i < REQUESTS; i++) {
        ImTxn t = random_request(w, f);
        SmmuTold told;
        ImXlat x = st_translate(w, &t, &told, where);

        *granted += x.status == IM_OK && x.perm;
    }
    sb_events_clear(w->r);
}

static void warm(const void *data)
{
    unsigned n = GPOINTER_TO_UINT(data);
    Fuzz f = fuzz_new(400);
    unsigned granted = 0;

    f.state += n;
    for (uint64_t i = 0; i < f.rounds; i++) {
        one_round(&f, i, (SwKind)(n / 2), n % 2, &granted);
    }
    g_assert_cmpuint(granted, >, f.rounds * REQUESTS / 8);
}

int main(int argc, char **argv)
{
    static const char *const kinds[] = {
        [SW_S1] = "stage-1",
        [SW_S2] = "stage-2",
        [SW_NESTED] = "nested",
    };

    g_test_init(&argc, &argv, NULL);
    for (unsigned n = 0; n < 2 * G_N_ELEMENTS(kinds); n++) {
        g_autofree char *path = g_strdup_printf("/smmu/fuzz/warm/%s@%s",
                                                kinds[n / 2],
                                                n % 2 ? "pasid" : "plain");

        if (n / 2 != SW_S2 || n % 2 == 0) {
            g_test_add_data_func(path, GUINT_TO_POINTER(n), warm);
        }
    }
    return g_test_run();
}
