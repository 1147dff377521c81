/*
 * Stream Table Entries: each rule of IHI 0070 5.2 toggled, with the ID
 * registers that decide about it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tests/unit/fmt/smmu_rows.h"

typedef struct Row {
    const char *name;
    ImClause want;              /* none: valid */
    IdField ids[3];
    Field set[6];               /* hi == 0: no more */
    unsigned n_ids;
} Row;

/* Nested, 40 bits of 4K at stage 2: two concatenated tables at level 1. */
static void nested(uint64_t raw[8])
{
    memset(raw, 0, 64);
    put(raw, 0, 0, 1);
    put(raw, 3, 1, 7);
    put(raw, 55, 6, 0x10000 >> 6);
    put(raw, 143, 128, 0x21);
    put(raw, 165, 160, 24);
    put(raw, 167, 166, 1);
    put(raw, 178, 176, 5);
    put(raw, 179, 179, 1);
    put(raw, 247, 196, 0x200000 >> 4);
}

#define CONFIG(n)  { 3, 1, n }
#define EATS(n)    { 93, 92, n }
#define STRW(n)    { 95, 94, n }
#define S2S        { 185, 185, 1 }
#define T0SZ(n)    { 165, 160, n }
#define SL0(n)     { 167, 166, n }
#define TG(n)      { 175, 174, n }
#define PS(n)      { 178, 176, n }
#define TTB(a)     { 247, 196, (a) >> 4 }

static const Row rows[] = {
    { "nested", .want = VALID },
    { "disabled-needs-nothing", VALID, IDS(NO_S1P, NO_S2P),
      .set = { CONFIG(0), TG(3), CLEAR(179), STRW(3) } },
    { "config-3-is-disabled", VALID, .set = { CONFIG(3), TG(3) } },
    { "bypass-ignores-all", VALID, IDS(NO_S1P, NO_S2P),
      .set = { CONFIG(4), TG(3), STRW(3), EATS(2), { 63, 59, 31 }, BIT(91) } },
    { "no-stage-1", IS(SMMU_STE_CONFIG), IDS(NO_S1P), .set = { CONFIG(5) } },
    { "no-stage-1-nested", IS(SMMU_STE_CONFIG), IDS(NO_S1P) },
    { "no-stage-2", IS(SMMU_STE_CONFIG), IDS(NO_S2P), .set = { CONFIG(6) } },
    { "no-stage-2-s1-only", VALID, IDS(NO_S2P), .set = { CONFIG(5) } },
    { "no-stage-1-s2-only", VALID, IDS(NO_S1P), .set = { CONFIG(6) } },

    { "eats-full", VALID, .set = { EATS(1) } },
    { "eats-full-s2s", IS(SMMU_STE_EATS), .set = { EATS(1), S2S } },
    { "eats-full-s2s-without-ats", VALID, IDS(NO_ATS),
      .set = { EATS(1), S2S } },
    { "eats-full-s2s-ignored", VALID, .set = { CONFIG(5), EATS(1), S2S } },
    { "eats-split", VALID, .set = { EATS(2) } },
    { "eats-split-s2s", IS(SMMU_STE_EATS), .set = { EATS(2), S2S } },
    { "eats-split-not-offered", IS(SMMU_STE_EATS), IDS(NS1ATS),
      .set = { EATS(2) } },
    { "eats-split-s1-only", IS(SMMU_STE_EATS), .set = { CONFIG(5), EATS(2) } },
    { "eats-split-s2-only", IS(SMMU_STE_EATS), .set = { CONFIG(6), EATS(2) } },
    { "eats-split-s1-only-without-ats", VALID, IDS(NO_ATS),
      .set = { CONFIG(5), EATS(2) } },
    { "eats-3-is-off", VALID, .set = { EATS(3), S2S } },

    { "strw-1", IS(SMMU_STE_STRW), .set = { CONFIG(5), STRW(1) } },
    { "strw-3", IS(SMMU_STE_STRW), .set = { CONFIG(5), STRW(3) } },
    { "strw-2", VALID, .set = { CONFIG(5), STRW(2) } },
    { "strw-ignored-nested", VALID, .set = { STRW(3) } },
    { "strw-ignored-s2", VALID, .set = { CONFIG(6), STRW(1) } },
    { "strw-without-hyp", VALID, IDS(NO_HYP), .set = { CONFIG(5), STRW(3) } },

    { "s1stalld", VALID, .set = { BIT(91) } },
    { "s1stalld-no-stalls", IS(SMMU_STE_S1STALLD), IDS(STALL(1)),
      .set = { BIT(91) } },
    { "s1stalld-forced", IS(SMMU_STE_S1STALLD), IDS(STALL(2)),
      .set = { CONFIG(5), BIT(91) } },
    { "s1stalld-ignored", VALID, IDS(STALL(1)), .set = { CONFIG(6), BIT(91) } },

    { "s1cdmax-most", VALID, .set = { { 63, 59, 10 } } },
    { "s1cdmax-too-many", IS(SMMU_STE_S1CDMAX), .set = { { 63, 59, 11 } } },
    { "s1cdmax-ignored-s2", VALID, .set = { CONFIG(6), { 63, 59, 11 } } },
    { "s1cdmax-no-substreams", VALID, IDS(SSIDSIZE(0)),
      .set = { { 63, 59, 11 } } },
    { "s1fmt-1", IS(SMMU_STE_S1FMT), IDS(NO_CD2L),
      .set = { { 63, 59, 1 }, { 5, 4, 1 } } },
    { "s1fmt-2", IS(SMMU_STE_S1FMT), IDS(NO_CD2L),
      .set = { { 63, 59, 1 }, { 5, 4, 2 } } },
    { "s1fmt-3-is-linear", VALID, IDS(NO_CD2L),
      .set = { { 63, 59, 1 }, { 5, 4, 3 } } },
    { "s1fmt-ignored", VALID, IDS(NO_CD2L), .set = { { 5, 4, 2 } } },
    { "s1fmt-cd2l", VALID, .set = { { 63, 59, 1 }, { 5, 4, 2 } } },
    { "s1contextptr-most", VALID, .set = { { 55, 6, ADDR(47) >> 6 } } },
    { "s1contextptr-beyond", IS(SMMU_STE_S1CONTEXTPTR),
      .set = { { 55, 6, ADDR(48) >> 6 } } },
    { "s1contextptr-beyond-s1-only", IS(SMMU_STE_S1CONTEXTPTR), IDS(OAS(2)),
      .set = { CONFIG(5), { 55, 6, ADDR(40) >> 6 } } },
    { "s1contextptr-ignored", VALID,
      .set = { CONFIG(6), { 55, 6, ADDR(48) >> 6 } } },

    { "s2s", VALID, .set = { S2S } },
    { "s2s-no-stalls", IS(SMMU_STE_S2S), IDS(STALL(1)), .set = { S2S } },
    { "s2s-forced", IS(SMMU_STE_S2S), IDS(STALL(2)) },
    { "s2s-forced-set", VALID, IDS(STALL(2)), .set = { S2S } },
    { "s2s-ignored", VALID, IDS(STALL(2)), .set = { CONFIG(5) } },
    { "s2aa64", IS(SMMU_STE_S2AA64), .set = { CLEAR(179) } },
    { "s2aa64-ignored", VALID, .set = { CONFIG(5), CLEAR(179) } },
    { "s2ha", VALID, IDS(HTTU(1)), .set = { BIT(184) } },
    { "s2ha-no-httu", IS(SMMU_STE_S2HTTU), IDS(HTTU(0)), .set = { BIT(184) } },
    { "s2hd-no-httu", IS(SMMU_STE_S2HTTU), IDS(HTTU(0)), .set = { BIT(183) } },
    { "s2hd-af-only", IS(SMMU_STE_S2HTTU), IDS(HTTU(1)),
      .set = { BIT(183), BIT(184) } },
    { "s2hd", VALID, IDS(HTTU(2)), .set = { BIT(183), BIT(184) } },
    { "s2hd-alone", VALID, IDS(HTTU(2)), .set = { BIT(183) } },
    { "s2hd-ignored", VALID, IDS(HTTU(0)), .set = { CONFIG(5), BIT(183) } },
    { "s2haft", VALID, .set = { BIT(184), BIT(187) } },
    { "s2haft-alone", IS(SMMU_STE_S2HAFT), .set = { BIT(187) } },
    { "s2haft-not-there", VALID, IDS(HTTU(2)), .set = { BIT(187) } },

    { "s2tg-reserved", IS(SMMU_STE_S2TG), .set = { TG(3) } },
    { "s2tg-no-4k", IS(SMMU_STE_S2TG), IDS({ 5, 4, 4, 0 }) },
    { "s2tg-no-16k", IS(SMMU_STE_S2TG), IDS({ 5, 5, 5, 0 }), .set = { TG(2) } },
    { "s2tg-no-64k", IS(SMMU_STE_S2TG), IDS({ 5, 6, 6, 0 }), .set = { TG(1) } },
    { "s2tg-ignored", VALID, .set = { CONFIG(5), TG(3) } },
    { "s2tg-16k", VALID, .set = { TG(2) } },
    { "s2tg-64k", VALID, .set = { TG(1) } },

    { "s2ttb-most", VALID, .set = { TTB(ADDR(47)) } },
    { "s2ttb-55-52-res0", VALID, .set = { TTB(UINT64_C(0xf) << 52) } },
    { "s2ttb-beyond-oas", IS(SMMU_STE_S2TTB), .set = { TTB(ADDR(48)) } },
    { "s2ttb-beyond-ps", IS(SMMU_STE_S2TTB), .set = { PS(2), TTB(ADDR(40)) } },
    { "s2ttb-within-ps", VALID, .set = { PS(2), TTB(ADDR(39)) } },
    /* SMMU_VMSA_TTB */
    { "s2ttb-beyond-48-4k", IS(SMMU_STE_S2TTB), IDS(OAS(6)),
      .set = { PS(6), TTB(ADDR(48)) } },
    { "s2ttb-beyond-48-64k", VALID, IDS(OAS(6)),
      .set = { PS(6), TG(1), TTB(ADDR(51)) } },
    { "s2ttb-ignored", VALID, .set = { CONFIG(5), TTB(ADDR(50)) } },

    { "s2t0sz-16", VALID, .set = { T0SZ(16), SL0(2) } },
    { "s2t0sz-15", IS(SMMU_STE_S2T0SZ), .set = { T0SZ(15), SL0(2) } },
    { "s2t0sz-oas-40", VALID, IDS(OAS(2)), .set = { T0SZ(24) } },
    { "s2t0sz-beyond-oas-40", IS(SMMU_STE_S2T0SZ), IDS(OAS(2)),
      .set = { T0SZ(23) } },
    { "s2t0sz-39", VALID, .set = { T0SZ(39), SL0(0) } },
    { "s2t0sz-40", IS(SMMU_STE_S2T0SZ), .set = { T0SZ(40), SL0(0) } },
    { "s2t0sz-48-small", VALID, IDS(STT), .set = { T0SZ(48), SL0(3) } },
    { "s2t0sz-49-small", IS(SMMU_STE_S2T0SZ), IDS(STT),
      .set = { T0SZ(49), SL0(3) } },
    { "s2t0sz-47-small-64k", VALID, IDS(STT),
      .set = { TG(1), T0SZ(47), SL0(0) } },
    { "s2t0sz-48-small-64k", IS(SMMU_STE_S2T0SZ), IDS(STT),
      .set = { TG(1), T0SZ(48), SL0(0) } },
    { "s2t0sz-12-64k", VALID, IDS(OAS(6)), .set = { TG(1), T0SZ(12), SL0(2) } },
    { "s2t0sz-12-64k-oas-48", IS(SMMU_STE_S2T0SZ),
      .set = { TG(1), T0SZ(12), SL0(2) } },
    { "s2t0sz-12-4k", IS(SMMU_STE_S2T0SZ), IDS(OAS(6)),
      .set = { T0SZ(12), SL0(2) } },
    { "s2t0sz-ignored", VALID, .set = { CONFIG(5), T0SZ(63) } },

    /* 4K: level 1 resolves 31 .. 43 bits, level 2 22 .. 34 */
    { "s2sl0-16-tables", VALID, .set = { T0SZ(21), SL0(1) } },
    { "s2sl0-32-tables", IS(SMMU_STE_S2SL0), .set = { T0SZ(20), SL0(1) } },
    { "s2sl0-level-2", VALID, .set = { T0SZ(30), SL0(0) } },
    { "s2sl0-level-2-32-tables", IS(SMMU_STE_S2SL0),
      .set = { T0SZ(29), SL0(0) } },
    { "s2sl0-too-high", IS(SMMU_STE_S2SL0), .set = { T0SZ(34), SL0(1) } },
    { "s2sl0-just-not-too-high", VALID, .set = { T0SZ(33), SL0(1) } },
    { "s2sl0-3", IS(SMMU_STE_S2SL0), .set = { T0SZ(39), SL0(3) } },
    { "s2sl0-3-small", VALID, IDS(STT), .set = { T0SZ(39), SL0(3) } },
    { "s2sl0-3-16k", IS(SMMU_STE_S2SL0), IDS(STT), .set = { TG(2), SL0(3) } },
    { "s2sl0-3-64k", IS(SMMU_STE_S2SL0), IDS(STT), .set = { TG(1), SL0(3) } },
    { "s2sl0-16k-level-3", IS(SMMU_STE_S2SL0),
      .set = { TG(2), T0SZ(24), SL0(0) } },
    { "s2sl0-16k-level-1", VALID, .set = { TG(2), T0SZ(16), SL0(2) } },

    { "s2endi", IS(SMMU_STE_S2ENDI), .set = { BIT(180) } },
    { "s2endi-big", VALID, IDS({ 0, 22, 21, 3 }), .set = { BIT(180) } },
    { "s2endi-not-big", IS(SMMU_STE_S2ENDI), IDS({ 0, 22, 21, 3 }) },
    { "s2endi-ignored", VALID, .set = { CONFIG(5), BIT(180) } },

    { "vmid-16", VALID, .set = { { 143, 128, 0x100 } } },
    { "vmid-8", IS(SMMU_STE_S2VMID), IDS({ 0, 18, 18, 0 }),
      .set = { { 143, 128, 0x100 } } },
    { "vmid-8-s1-only", IS(SMMU_STE_S2VMID), IDS({ 0, 18, 18, 0 }),
      .set = { CONFIG(5), { 143, 128, 0x100 } } },
    { "vmid-8-no-s2p", VALID, IDS({ 0, 18, 18, 0 }, NO_S2P),
      .set = { CONFIG(5), { 143, 128, 0x100 } } },
    { "vmid-8-el2", VALID, IDS({ 0, 18, 18, 0 }),
      .set = { CONFIG(5), STRW(2), { 143, 128, 0x100 } } },
    { "vmid-8-bypass", VALID, IDS({ 0, 18, 18, 0 }),
      .set = { CONFIG(4), { 143, 128, 0x100 } } },
};

static bool decode(const Row *r, bool e2h, ImSmmuSte *ste, ImClause *clause)
{
    ImSmmuIds ids = full();
    uint64_t raw[8];

    nested(raw);
    for (unsigned i = 0; i < r->n_ids; i++) {
        put_id(&ids, &r->ids[i]);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(r->set); i++) {
        const Field *f = &r->set[i];

        if (f->hi) {
            put(raw, f->hi, f->lo, f->val);
        }
    }
    return im_smmu_ste_decode(&ids, e2h, raw, ste, clause);
}

static void test_row(const void *data)
{
    const Row *r = data;
    ImClause clause = IM_CLAUSE_NONE;
    ImSmmuSte ste;
    bool ok = decode(r, false, &ste, &clause);

    g_assert_cmpint(clause, ==, r->want);
    g_assert_cmpuint(ok, ==, !r->want);
}

/* SMMU_STE_V */
static void test_not_valid(void)
{
    ImSmmuIds ids = full();
    ImClause clause = IM_CLAUSE_NONE;
    uint64_t raw[8];
    ImSmmuSte ste;

    nested(raw);
    raw[0] &= ~UINT64_C(1);
    g_assert_false(im_smmu_ste_decode(&ids, false, raw, &ste, &clause));
    g_assert_cmpint(clause, ==, IM_CLAUSE(SMMU_STE_V));
    memset(raw, 0, sizeof(raw));
    g_assert_false(im_smmu_ste_decode(&ids, false, raw, &ste, &clause));
}

/* --- values ------------------------------------------------------------- */

static ImSmmuSte valid(const Row *r, bool e2h)
{
    ImClause clause = IM_CLAUSE_NONE;
    ImSmmuSte ste;

    if (!decode(r, e2h, &ste, &clause)) {
        g_error("%s: %s", r->name, im_clause_tag(clause));
    }
    return ste;
}

static void test_stage2(void)
{
    ImSmmuSte s = valid(&(Row) { "", .set = { TTB(0x203ff0) } }, false);

    g_assert_true(s.s1 && s.s2);
    g_assert_true(s.stage2.fmt == &im_vmsa_s2[0]);
    g_assert_cmpuint(s.stage2.top, ==, 2);
    g_assert_cmpuint(s.stage2.top_bits, ==, 10);
    /* Two tables: aligned to 8 KiB. */
    g_assert_cmphex(s.stage2.root, ==, 0x202000);
    g_assert_cmphex(s.stage2.in_last, ==, ADDR(40) - 1);
    g_assert_cmphex(s.stage2.out_mask, ==, ADDR(48) - 1);
    g_assert_cmphex(s.stage2.flags, ==, IM_VMSA_XNX);
    g_assert_cmpuint(s.vmid, ==, 0x21);

    s = valid(&(Row) { "", IDS(OAS(6)),
                       .set = { TG(1), T0SZ(12), SL0(2), PS(7),
                                TTB(ADDR(51) | 0x1fff) } },
              false);
    g_assert_true(s.stage2.fmt == &im_vmsa_s2[2]);
    g_assert_cmpuint(s.stage2.top, ==, 2);
    g_assert_cmpuint(s.stage2.top_bits, ==, 10);
    g_assert_cmphex(s.stage2.out_mask, ==, ADDR(52) - 1);
    g_assert_cmphex(s.stage2.root, ==, ADDR(51));
    g_assert_cmphex(s.stage2.flags, ==, IM_VMSA_XNX | IM_VMSA_PA52);

    /* 52-bit output: the base is aligned to 64 bytes at least. */
    s = valid(&(Row) { "", IDS(OAS(6)),
                       .set = { TG(1), T0SZ(34), SL0(1), PS(6),
                                TTB(0x10030) } },
              false);
    g_assert_cmpuint(s.stage2.top_bits, ==, 1);
    g_assert_cmphex(s.stage2.root, ==, 0x10000);
    s = valid(&(Row) { "", IDS(OAS(6)),
                       .set = { TG(1), T0SZ(34), SL0(1), PS(5),
                                TTB(0x10030) } },
              false);
    g_assert_cmphex(s.stage2.root, ==, 0x10030);
}

/* SMMU_STE_S2PS */
static void test_s2ps(void)
{
    ImSmmuSte s = valid(&(Row) { "", IDS(OAS(4)), .set = { PS(6) } }, false);

    g_assert_cmphex(s.stage2.out_mask, ==, ADDR(44) - 1);
    s = valid(&(Row) { "", IDS(OAS(4)), .set = { PS(1) } }, false);
    g_assert_cmphex(s.stage2.out_mask, ==, ADDR(36) - 1);
}

typedef struct FlagRow {
    uint32_t want;
    Row row;
} FlagRow;

/* SMMU_STE_S2AFFD, SMMU_STE_S2FWB, SMMU_STE_S2PTW */
static const FlagRow flag_rows[] = {
    { IM_VMSA_XNX, { .name = "" } },
    { 0, { "", IDS({ 3, 4, 4, 0 }) } },
    { IM_VMSA_XNX | IM_VMSA_AFFD, { "", .set = { BIT(181) } } },
    { IM_VMSA_XNX | IM_VMSA_HA, { "", .set = { BIT(181), BIT(184) } } },
    { IM_VMSA_XNX | IM_VMSA_HA | IM_VMSA_HD,
      { "", .set = { BIT(183), BIT(184) } } },
    { IM_VMSA_XNX, { "", .set = { BIT(183) } } },
    { IM_VMSA_XNX | IM_VMSA_HA | IM_VMSA_HAFT,
      { "", .set = { BIT(187), BIT(184) } } },
    { IM_VMSA_XNX | IM_VMSA_HA,
      { "", IDS(HTTU(2)), .set = { BIT(187), BIT(184) } } },
    { IM_VMSA_XNX | IM_VMSA_FWB, { "", .set = { BIT(89) } } },
    { IM_VMSA_XNX, { "", IDS({ 3, 8, 8, 0 }), .set = { BIT(89) } } },
    { IM_VMSA_XNX | IM_VMSA_PTW, { "", .set = { BIT(182) } } },
    { IM_VMSA_XNX, { "", .set = { CONFIG(6), BIT(182) } } },
};

static void test_flags(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(flag_rows); i++) {
        ImSmmuSte s = valid(&flag_rows[i].row, false);

        g_assert_cmphex(s.stage2.flags, ==, flag_rows[i].want);
    }
}

/* SMMU_STE_S1DSS: IGNORED without substreams. */
static void test_stage1(void)
{
    ImSmmuSte s = valid(&(Row) { "", .set = { CONFIG(5),
                                              { 5, 4, 2 },
                                              { 63, 59, 8 },
                                              { 65, 64, 2 },
                                              BIT(91) } },
                        false);

    g_assert_true(s.s1 && !s.s2);
    g_assert_cmphex(s.s1_ctx, ==, 0x10000);
    g_assert_cmpuint(s.s1fmt, ==, 2);
    g_assert_cmpuint(s.s1cdmax, ==, 8);
    g_assert_cmpuint(s.s1dss, ==, 2);
    g_assert_true(s.s1stalld);
    s = valid(&(Row) { "",
                       .set = { { 5, 4, 3 }, { 63, 59, 8 }, { 65, 64, 3 } } },
              false);
    g_assert_cmpuint(s.s1fmt, ==, 0);
    g_assert_cmpuint(s.s1dss, ==, 0);
    s = valid(&(Row) { "", .set = { { 5, 4, 2 }, { 65, 64, 1 } } }, false);
    g_assert_cmpuint(s.s1fmt, ==, 0);
    g_assert_cmpuint(s.s1dss, ==, 0);
    s = valid(&(Row) { "", IDS(SSIDSIZE(0)),
                       .set = { { 5, 4, 2 }, { 63, 59, 8 }, { 65, 64, 1 } } },
              false);
    g_assert_cmpuint(s.s1cdmax + s.s1fmt + s.s1dss, ==, 0);
    s = valid(&(Row) { "", .set = { CONFIG(6), { 63, 59, 8 } } }, false);
    g_assert_cmpuint(s.s1cdmax, ==, 0);
    g_assert_cmphex(s.s1_ctx, ==, 0);
}

static void test_world(void)
{
    Row el2 = { "", .set = { CONFIG(5), STRW(2) } };
    Row no_hyp = { "", IDS(NO_HYP), .set = { CONFIG(5), STRW(2) } };
    Row below = { "", .set = { STRW(2) } };

    g_assert_cmpuint(valid(&el2, false).world, ==, IM_SMMU_NS_EL2);
    g_assert_cmpuint(valid(&el2, true).world, ==, IM_SMMU_NS_EL2_E2H);
    g_assert_cmpuint(valid(&el2, true).vmid, ==, 0);
    g_assert_cmpuint(valid(&no_hyp, true).world, ==, IM_SMMU_NS_EL1);
    g_assert_cmpuint(valid(&below, true).world, ==, IM_SMMU_NS_EL1);
    g_assert_cmpuint(valid(&below, true).vmid, ==, 0x21);
}

static void test_eats(void)
{
    Row r = { "", .set = { EATS(1) } };

    for (unsigned e = 0; e < 4; e++) {
        r.set[0].val = e;
        r.n_ids = 0;
        g_assert_cmpuint(valid(&r, false).eats, ==, e % 3);
        r.ids[0] = (IdField)NO_ATS;
        r.n_ids = 1;
        g_assert_cmpuint(valid(&r, false).eats, ==, 0);
    }
    r = (Row) { "", .set = { CONFIG(4), EATS(1) } };
    g_assert_cmpuint(valid(&r, false).eats, ==, 0);
}

/* SMMU_STE_OVERRIDES */
static void test_overrides(void)
{
    Row r = { "", .set = { { 99, 96, 5 },
                           BIT(100),
                           { 109, 108, 2 },
                           { 113, 112, 3 },
                           { 115, 114, 2 },
                           CONFIG(4) } };
    ImSmmuSte s = valid(&r, false);

    g_assert_true(s.mtcfg);
    g_assert_cmpuint(s.memattr, ==, 5);
    g_assert_cmpuint(s.shcfg, ==, 2);
    g_assert_cmpuint(s.privcfg, ==, 3);
    g_assert_cmpuint(s.instcfg, ==, 2);
    r.set[3].val = 1;
    r.set[4].val = 1;
    s = valid(&r, false);
    g_assert_cmpuint(s.privcfg + s.instcfg, ==, 0);
    /* Each by a bit of its own: IDR1.ATTR_PERMS_OVR, ATTR_TYPES_OVR. */
    r.set[3].val = 3;
    r.n_ids = 1;
    r.ids[0] = (IdField) { 1, 26, 26, 0 };
    s = valid(&r, false);
    g_assert_cmpuint(s.privcfg + s.instcfg, ==, 0);
    g_assert_true(s.mtcfg);
    r.ids[0] = (IdField) { 1, 27, 27, 0 };
    s = valid(&r, false);
    g_assert_cmpuint(s.privcfg, ==, 3);
    g_assert_false(s.mtcfg);
    r.ids[0] = (IdField) { 1, 27, 26, 0 };
    s = valid(&r, false);
    g_assert_false(s.mtcfg);
    g_assert_cmpuint(s.shcfg, ==, 1);
    g_assert_cmpuint(s.privcfg, ==, 0);
}

/* SMMU_STE_SIZES */
static void test_sizes(void)
{
    static const unsigned bits[] = { 32, 36, 40, 42, 44, 48, 52 };

    for (unsigned i = 0; i < G_N_ELEMENTS(bits); i++) {
        ImSmmuIds ids = full();

        put_id(&ids, &(IdField)OAS(i));
        g_assert_cmpuint(im_smmu_oas(&ids), ==, bits[i]);
        g_assert_cmpuint(im_smmu_ias(&ids), ==, bits[i]);
    }
}

/* Whatever is written: an answer, and a stage that can be walked. */
static void test_random(void)
{
    for (unsigned i = 0; i < 300000; i++) {
        ImSmmuIds ids = full();
        ImClause clause = IM_CLAUSE_NONE;
        uint64_t raw[8];
        ImSmmuSte s;

        nested(raw);
        ids.idr[3] |= g_test_rand_bit() ? 1u << 9 : 0;
        ids.idr[5] = (ids.idr[5] & ~7u) | (uint32_t)g_test_rand_int_range(0, 8);
        for (unsigned n = 0; n < 6; n++) {
            unsigned bit = (unsigned)g_test_rand_int_range(0, 512);

            raw[bit / 64] ^= UINT64_C(1) << bit % 64;
        }
        if (!im_smmu_ste_decode(&ids, g_test_rand_bit(), raw, &s, &clause)) {
            g_assert_nonnull(im_clause(clause));
        } else if (s.s2) {
            const ImPtStage *st = &s.stage2;

            g_assert_cmpuint(st->top, <, st->fmt->levels);
            g_assert_cmpuint(st->top_bits, >=, 1);
            g_assert_cmpuint(st->top_bits, <=, st->fmt->index_bits + 4);
            g_assert_cmphex(
                st->in_last, ==,
                (UINT64_C(2)
                 << (im_pt_level_shift(st->fmt, st->top) + st->top_bits - 1)) -
                    1);
            g_assert_cmphex(st->root & ~st->out_mask, ==, 0);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/fmt/smmu-ste/rule/%s",
                                                rows[i].name);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/fmt/smmu-ste/not-valid", test_not_valid);
    g_test_add_func("/fmt/smmu-ste/stage2", test_stage2);
    g_test_add_func("/fmt/smmu-ste/s2ps", test_s2ps);
    g_test_add_func("/fmt/smmu-ste/flags", test_flags);
    g_test_add_func("/fmt/smmu-ste/stage1", test_stage1);
    g_test_add_func("/fmt/smmu-ste/world", test_world);
    g_test_add_func("/fmt/smmu-ste/eats", test_eats);
    g_test_add_func("/fmt/smmu-ste/overrides", test_overrides);
    g_test_add_func("/fmt/smmu-ste/sizes", test_sizes);
    g_test_add_func("/fmt/smmu-ste/random", test_random);
    return g_test_run();
}
