/*
 * Context Descriptors: each rule of IHI 0070 5.4 toggled, with the ID
 * registers that decide about it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tests/unit/fmt/smmu_rows.h"

typedef struct Row {
    const char *name;
    ImClause want;              /* none: valid */
    IdField ids[3];
    Field set[7];               /* hi == 0: no more; T0SZ by hand */
    unsigned n_ids;
    uint8_t world;              /* ImSmmuWorld */
    bool s1stalld;
} Row;

/* Both halves in use: 48 bits of 4K each. */
static void plain(uint64_t raw[8])
{
    memset(raw, 0, 64);
    put(raw, 5, 0, 16);
    put(raw, 7, 6, 0);
    put(raw, 21, 16, 16);
    put(raw, 23, 22, 2);
    put(raw, 31, 31, 1);
    put(raw, 34, 32, 5);
    put(raw, 41, 41, 1);
    put(raw, 46, 46, 1);
    put(raw, 63, 48, 0x1234);
    put(raw, 119, 68, 0x100000 >> 4);
    put(raw, 183, 132, 0x200000 >> 4);
    raw[3] = UINT64_C(0x00000000004404ff);
}

#define T0SZ(n)    { 5, 0, n }
#define TG0(n)     { 7, 6, n }
#define EPD0       { 14, 14, 1 }
#define T1SZ(n)    { 21, 16, n }
#define TG1(n)     { 23, 22, n }
#define EPD1       { 30, 30, 1 }
#define IPS(n)     { 34, 32, n }
#define TTB0(a)    { 119, 68, (a) >> 4 }
#define TTB1(a)    { 183, 132, (a) >> 4 }
#define ASID8      { 63, 48, 0x34 }
#define VAX        { 5, 11, 10, 1 }
#define EL2        .world = IM_SMMU_NS_EL2
#define E2H        .world = IM_SMMU_NS_EL2_E2H

static const Row rows[] = {
    { "plain", .want = VALID },
    { "not-valid", IS(SMMU_CD_V), .set = { CLEAR(31) } },

    { "s", VALID, .set = { BIT(44) } },
    { "s-stalls-disabled", IS(SMMU_CD_S), .set = { BIT(44) },
      .s1stalld = true },
    { "no-s-stalls-disabled", .want = VALID, .s1stalld = true },
    { "s-no-stalls", IS(SMMU_CD_S), IDS(STALL(1)), .set = { BIT(44) } },
    { "no-s-no-stalls", VALID, IDS(STALL(1)) },
    { "no-s-forced", IS(SMMU_CD_S), IDS(STALL(2)) },
    { "s-forced", VALID, IDS(STALL(2)), .set = { BIT(44) } },
    { "a-0", VALID, .set = { CLEAR(46) } },
    { "a-0-abort-only", IS(SMMU_CD_A), IDS({ 0, 26, 26, 1 }),
      .set = { CLEAR(46) } },
    { "a-1-abort-only", VALID, IDS({ 0, 26, 26, 1 }) },

    { "endi", IS(SMMU_CD_ENDI), .set = { BIT(15) } },
    { "endi-ignored", VALID, .set = { BIT(15), EPD0, EPD1 } },
    { "endi-one-half", IS(SMMU_CD_ENDI), .set = { BIT(15), EPD0 } },
    { "endi-big", VALID, IDS({ 0, 22, 21, 3 }), .set = { BIT(15) } },
    { "endi-not-big", IS(SMMU_CD_ENDI), IDS({ 0, 22, 21, 3 }) },
    { "aa64", IS(SMMU_CD_AA64), .set = { CLEAR(41) } },

    { "ha-no-httu", IS(SMMU_CD_HTTU), IDS(HTTU(0)), .set = { BIT(43) } },
    { "hd-no-httu", IS(SMMU_CD_HTTU), IDS(HTTU(0)), .set = { BIT(42) } },
    { "hd-af-only", IS(SMMU_CD_HTTU), IDS(HTTU(1)),
      .set = { BIT(42), BIT(43) } },
    { "ha", VALID, IDS(HTTU(1)), .set = { BIT(43) } },
    { "hd", VALID, IDS(HTTU(2)), .set = { BIT(42), BIT(43) } },
    { "hd-alone", VALID, IDS(HTTU(2)), .set = { BIT(42) } },
    { "haft", VALID, .set = { BIT(43), BIT(67) } },
    { "haft-alone", IS(SMMU_CD_HAFT), .set = { BIT(67) } },
    { "haft-not-there", VALID, IDS(HTTU(2)), .set = { BIT(67) } },

    { "asid-8", IS(SMMU_CD_ASID), IDS({ 0, 12, 12, 0 }) },
    { "asid-8-fits", VALID, IDS({ 0, 12, 12, 0 }), .set = { ASID8 } },
    { "asid-8-256", IS(SMMU_CD_ASID), IDS({ 0, 12, 12, 0 }),
      .set = { { 63, 48, 0x100 } } },
    { "asid-8-255", VALID, IDS({ 0, 12, 12, 0 }), .set = { { 63, 48, 0xff } } },
    { "asid-8-el2", VALID, IDS({ 0, 12, 12, 0 }), EL2 },
    { "asid-8-e2h", IS(SMMU_CD_ASID), IDS({ 0, 12, 12, 0 }), E2H },

    { "tg0-reserved", IS(SMMU_CD_TG), .set = { TG0(3) } },
    { "tg0-reserved-ignored", VALID, .set = { TG0(3), EPD0 } },
    { "tg0-reserved-el2", IS(SMMU_CD_TG), .set = { TG0(3), EPD0 }, EL2 },
    { "tg1-reserved", IS(SMMU_CD_TG), .set = { TG1(0) } },
    { "tg1-reserved-ignored", VALID, .set = { TG1(0), EPD1 } },
    { "tg1-reserved-el2", VALID, .set = { TG1(0) }, EL2 },
    { "no-4k-tg0", IS(SMMU_CD_TG), IDS({ 5, 4, 4, 0 }), .set = { EPD1 } },
    { "no-4k-tg1", IS(SMMU_CD_TG), IDS({ 5, 4, 4, 0 }), .set = { EPD0 } },
    { "no-16k-tg0", IS(SMMU_CD_TG), IDS({ 5, 5, 5, 0 }), .set = { TG0(2) } },
    { "no-16k-tg1", IS(SMMU_CD_TG), IDS({ 5, 5, 5, 0 }), .set = { TG1(1) } },
    { "no-64k-tg0", IS(SMMU_CD_TG), IDS({ 5, 6, 6, 0 }), .set = { TG0(1) } },
    { "no-64k-tg1", IS(SMMU_CD_TG), IDS({ 5, 6, 6, 0 }), .set = { TG1(3) } },
    { "16k", VALID, .set = { TG0(2), TG1(1) } },
    { "64k", VALID, .set = { TG0(1), TG1(3) } },

    { "t0sz-15", IS(SMMU_CD_TSZ), .set = { T0SZ(15) } },
    { "t0sz-15-ignored", VALID, .set = { T0SZ(15), EPD0 } },
    { "t0sz-15-el2", IS(SMMU_CD_TSZ), .set = { T0SZ(15), EPD0 }, EL2 },
    { "t0sz-39", VALID, .set = { T0SZ(39) } },
    { "t0sz-40", IS(SMMU_CD_TSZ), .set = { T0SZ(40) } },
    { "t1sz-15", IS(SMMU_CD_TSZ), .set = { T1SZ(15) } },
    { "t1sz-40", IS(SMMU_CD_TSZ), .set = { T1SZ(40) } },
    { "t1sz-40-ignored", VALID, .set = { T1SZ(40), EPD1 } },
    { "t1sz-40-el2", VALID, .set = { T1SZ(40) }, EL2 },
    { "t1sz-40-e2h", IS(SMMU_CD_TSZ), .set = { T1SZ(40) }, E2H },
    { "t0sz-12-64k", VALID, IDS(OAS(6), VAX), .set = { T0SZ(12), TG0(1) } },
    { "t0sz-11-64k", IS(SMMU_CD_TSZ), IDS(OAS(6), VAX),
      .set = { T0SZ(11), TG0(1) } },
    { "t0sz-12-64k-no-vax", IS(SMMU_CD_TSZ), IDS(OAS(6)),
      .set = { T0SZ(12), TG0(1) } },
    { "t0sz-12-4k", IS(SMMU_CD_TSZ), IDS(OAS(6), VAX), .set = { T0SZ(12) } },
    { "t0sz-12-16k", IS(SMMU_CD_TSZ), IDS(OAS(6), VAX),
      .set = { T0SZ(12), TG0(2) } },
    { "t0sz-48-small", VALID, IDS(STT), .set = { T0SZ(48) } },
    { "t0sz-49-small", IS(SMMU_CD_TSZ), IDS(STT), .set = { T0SZ(49) } },
    { "t0sz-48-small-16k", VALID, IDS(STT), .set = { T0SZ(48), TG0(2) } },
    { "t0sz-47-small-64k", VALID, IDS(STT), .set = { T0SZ(47), TG0(1) } },
    { "t0sz-48-small-64k", IS(SMMU_CD_TSZ), IDS(STT),
      .set = { T0SZ(48), TG0(1) } },

    { "ttb0-most", VALID, .set = { TTB0(ADDR(47)) } },
    { "ttb0-55-52-res0", VALID, .set = { TTB0(UINT64_C(0xf) << 52) } },
    { "ttb1-55-52-res0", VALID, .set = { TTB1(UINT64_C(0xf) << 52) } },
    { "ttb0-beyond-oas", IS(SMMU_CD_TTB), .set = { TTB0(ADDR(48)) } },
    { "ttb0-beyond-ips", IS(SMMU_CD_TTB), .set = { IPS(2), TTB0(ADDR(40)) } },
    { "ttb0-within-ips", VALID, .set = { IPS(2), TTB0(ADDR(39)) } },
    { "ttb0-beyond-ips-ignored", VALID,
      .set = { IPS(2), TTB0(ADDR(40)), EPD0 } },
    { "ttb0-beyond-ips-el2", IS(SMMU_CD_TTB),
      .set = { IPS(2), TTB0(ADDR(40)), EPD0 }, EL2 },
    { "ttb1-beyond-ips", IS(SMMU_CD_TTB), .set = { IPS(2), TTB1(ADDR(40)) } },
    { "ttb1-beyond-ips-el2", VALID, .set = { IPS(2), TTB1(ADDR(40)) }, EL2 },
    { "ttb1-beyond-ips-ignored", VALID,
      .set = { IPS(2), TTB1(ADDR(40)), EPD1 } },
    /* SMMU_VMSA_TTB */
    { "ttb0-52-4k", IS(SMMU_CD_TTB), IDS(OAS(6)),
      .set = { IPS(6), TTB0(ADDR(48)) } },
    { "ttb0-52-64k", VALID, IDS(OAS(6)),
      .set = { IPS(6), TG0(1), TTB0(ADDR(51)) } },
};

static bool decode(const Row *r, ImSmmuCd *cd, ImClause *clause)
{
    ImSmmuSte ste = { .s1 = true, .world = r->world, .s1stalld = r->s1stalld };
    ImSmmuIds ids = full();
    uint64_t raw[8];

    plain(raw);
    for (unsigned i = 0; i < r->n_ids; i++) {
        put_id(&ids, &r->ids[i]);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(r->set); i++) {
        if (r->set[i].hi) {
            put(raw, r->set[i].hi, r->set[i].lo, r->set[i].val);
        }
    }
    return im_smmu_cd_decode(&ids, &ste, raw, cd, clause);
}

static void test_row(const void *data)
{
    const Row *r = data;
    ImClause clause = IM_CLAUSE_NONE;
    ImSmmuCd cd;
    bool ok = decode(r, &cd, &clause);

    g_assert_cmpint(clause, ==, r->want);
    g_assert_cmpuint(ok, ==, !r->want);
}

/* --- values ------------------------------------------------------------- */

static ImSmmuCd valid(const Row *r)
{
    ImClause clause = IM_CLAUSE_NONE;
    ImSmmuCd cd;

    if (!decode(r, &cd, &clause)) {
        g_error("%s: %s", r->name, im_clause_tag(clause));
    }
    return cd;
}

static void test_geometry(void)
{
    static const struct {
        unsigned tg, g, tsz, top, top_bits;
    /* clang-format off */
    } shapes[] = {
        { 0, 0, 16, 3, 9 }, { 0, 0, 24, 3, 1 }, { 0, 0, 25, 2, 9 },
        { 0, 0, 33, 2, 1 }, { 0, 0, 34, 1, 9 }, { 0, 0, 39, 1, 4 },
        { 0, 0, 43, 0, 9 }, { 0, 0, 48, 0, 4 },
        { 2, 1, 16, 3, 1 }, { 2, 1, 17, 2, 11 }, { 2, 1, 28, 1, 11 },
        { 2, 1, 39, 0, 11 }, { 2, 1, 48, 0, 2 },
        { 1, 2, 12, 2, 10 }, { 1, 2, 16, 2, 6 }, { 1, 2, 22, 1, 13 },
        { 1, 2, 35, 0, 13 }, { 1, 2, 47, 0, 1 },
    };
    /* clang-format on */

    for (unsigned i = 0; i < G_N_ELEMENTS(shapes); i++) {
        Row r = { "", IDS(OAS(6), VAX, STT),
                  .set = { T0SZ(shapes[i].tsz), TG0(shapes[i].tg) } };
        ImSmmuCd cd = valid(&r);
        const ImPtStage *st = &cd.half[0].stage;

        g_assert_true(st->fmt == &im_vmsa_s1[shapes[i].g]);
        g_assert_cmpuint(st->top, ==, shapes[i].top);
        g_assert_cmpuint(st->top_bits, ==, shapes[i].top_bits);
        g_assert_cmpuint(cd.half[0].tsz, ==, shapes[i].tsz);
        g_assert_cmpuint(!!(st->flags & IM_VMSA_PA52), ==, shapes[i].g == 2);
    }
}

static void test_values(void)
{
    ImSmmuCd cd = valid(&(Row) { "", .set = { BIT(45), BIT(47) } });

    g_assert_cmpuint(cd.asid, ==, 0x1234);
    g_assert_true(cd.r && cd.a && cd.aset && !cd.s);
    g_assert_true(cd.half[0].enabled && cd.half[1].enabled);
    g_assert_cmphex(cd.half[0].stage.root, ==, 0x100000);
    g_assert_cmphex(cd.half[1].stage.root, ==, 0x200000);
    cd = valid(&(Row) { "", .set = { TTB0(0x100ff0) } });
    g_assert_cmphex(cd.half[0].stage.root, ==, 0x100000);
    cd = valid(&(Row) { "", .set = { T0SZ(24), TTB0(0x100ff0) } });
    g_assert_cmphex(cd.half[0].stage.root, ==, 0x100ff0);
    cd = valid(&(Row) { "", IDS(OAS(6)),
                        .set = { T0SZ(24), IPS(6), TTB0(0x100ff0) } });
    g_assert_cmphex(cd.half[0].stage.root, ==, 0x100fc0);
    cd = valid(&(Row) { .name = "", EL2 });
    g_assert_cmpuint(cd.asid, ==, 0);
    g_assert_false(cd.half[1].enabled);
    cd = valid(&(Row) { "", .set = { EPD0 } });
    g_assert_false(cd.half[0].enabled);
    g_assert_true(cd.half[1].enabled);
    cd = valid(&(Row) { "", .set = { EPD0 }, EL2 });
    g_assert_true(cd.half[0].enabled);
}

/* SMMU_CD_IPS */
static void test_ips(void)
{
    ImSmmuCd cd = valid(&(Row) { "", IDS(OAS(4)), .set = { IPS(6) } });

    g_assert_cmphex(cd.half[0].stage.out_mask, ==, ADDR(44) - 1);
    cd = valid(&(Row) { "", IDS(OAS(4)), .set = { IPS(0) } });
    g_assert_cmphex(cd.half[1].stage.out_mask, ==, ADDR(32) - 1);
    cd = valid(&(Row) { "", IDS(OAS(6)), .set = { IPS(7) } });
    g_assert_cmphex(cd.half[1].stage.out_mask, ==, ADDR(52) - 1);
}

typedef struct FlagRow {
    uint32_t lower, upper;
    Row row;
} FlagRow;

/* SMMU_CD_AFFD, SMMU_CD_HAD, SMMU_VMSA_EPAN */
static const FlagRow flag_rows[] = {
    { 0, 0, { .name = "" } },
    { IM_VMSA_AFFD, IM_VMSA_AFFD, { "", .set = { BIT(35) } } },
    { IM_VMSA_HA, IM_VMSA_HA, { "", .set = { BIT(35), BIT(43) } } },
    { IM_VMSA_HA | IM_VMSA_HD,
      IM_VMSA_HA | IM_VMSA_HD,
      { "", .set = { BIT(42), BIT(43) } } },
    { 0, 0, { "", .set = { BIT(42) } } },
    { IM_VMSA_HA | IM_VMSA_HAFT,
      IM_VMSA_HA | IM_VMSA_HAFT,
      { "", .set = { BIT(43), BIT(67) } } },
    { IM_VMSA_HAD, 0, { "", .set = { BIT(65) } } },
    { 0, IM_VMSA_HAD, { "", .set = { BIT(129) } } },
    { 0, 0, { "", IDS({ 3, 2, 2, 0 }), .set = { BIT(65), BIT(129) } } },
    { IM_VMSA_WXN, IM_VMSA_WXN, { "", .set = { BIT(36) } } },
    { 0, 0, { "", .set = { BIT(37) } } },
    { IM_VMSA_PAN, IM_VMSA_PAN, { "", .set = { BIT(40) } } },
    { IM_VMSA_ONE | IM_VMSA_WXN, 0, { "", .set = { BIT(40), BIT(36) }, EL2 } },
    { IM_VMSA_PAN, IM_VMSA_PAN, { "", .set = { BIT(40) }, E2H } },
    { IM_VMSA_PAN | IM_VMSA_EPAN,
      IM_VMSA_PAN | IM_VMSA_EPAN,
      { "", IDS({ 3, 17, 17, 1 }), .set = { BIT(40), BIT(123) } } },
    { IM_VMSA_PAN,
      IM_VMSA_PAN,
      { "", IDS({ 3, 17, 17, 0 }), .set = { BIT(40), BIT(123) } } },
    { 0, 0, { "", IDS({ 3, 17, 17, 1 }), .set = { BIT(123) } } },
};

static void test_flags(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(flag_rows); i++) {
        ImSmmuCd cd = valid(&flag_rows[i].row);

        g_assert_cmphex(cd.half[0].stage.flags, ==, flag_rows[i].lower);
        g_assert_cmphex(cd.half[1].stage.flags, ==, flag_rows[i].upper);
    }
}

/* --- SMMU_CD_HALF, SMMU_CD_TBI, SMMU_CD_EPD, SMMU_CD_E0PD --------------- */

typedef struct HalfRow {
    const char *name;
    uint64_t addr;
    int want;
    bool priv;
    Row row;
} HalfRow;

#define LOW   UINT64_C(0x0000123456789abc)
#define HIGH  UINT64_C(0xffff923456789abc)
#define TBI0  BIT(38)
#define TBI1  BIT(39)

/* clang-format off */
static const HalfRow halves[] = {
    { "low", LOW, 0, false, { .name = "" } },
    { "high", HIGH, 1, false, { .name = "" } },
    { "zero", 0, 0, false, { .name = "" } },
    { "last", UINT64_MAX, 1, false, { .name = "" } },
    { "low-top", ADDR(48) - 1, 0, false, { .name = "" } },
    { "low-beyond", ADDR(48), -1, false, { .name = "" } },
    { "high-bottom", -ADDR(48), 1, false, { .name = "" } },
    { "high-beyond", -ADDR(48) - 1, -1, false, { .name = "" } },
    { "low-tsz", ADDR(39), -1, false, { "", .set = { T0SZ(25) } } },
    { "low-tsz-fits", ADDR(39) - 1, 0, false, { "", .set = { T0SZ(25) } } },
    { "high-tsz", -ADDR(39) - 1, -1, false, { "", .set = { T1SZ(25) } } },
    { "high-tsz-fits", -ADDR(39), 1, false, { "", .set = { T1SZ(25) } } },
    { "low-tag", LOW | UINT64_C(0xa5) << 56, -1, false, { .name = "" } },
    { "low-tag-tbi", LOW | UINT64_C(0xa5) << 56, 0, false,
      { "", .set = { TBI0 } } },
    { "low-tag-tbi1", LOW | UINT64_C(0xa5) << 56, -1, false,
      { "", .set = { TBI1 } } },
    { "high-tag-tbi", HIGH ^ UINT64_C(0xa5) << 56, 1, false,
      { "", .set = { TBI1 } } },
    { "high-tag-tbi0", HIGH ^ UINT64_C(0xa5) << 56, -1, false,
      { "", .set = { TBI0 } } },
    { "tbi-keeps-55", LOW | ADDR(55), -1, false,
      { "", .set = { TBI0, TBI1 } } },
    { "tbi-keeps-54", LOW | ADDR(54), -1, false,
      { "", .set = { TBI0, TBI1 } } },
    { "low-epd", LOW, -1, false, { "", .set = { EPD0 } } },
    { "low-epd1", LOW, 0, false, { "", .set = { EPD1 } } },
    { "high-epd", HIGH, -1, false, { "", .set = { EPD1 } } },
    { "low-e0pd", LOW, -1, false, { "", .set = { BIT(66) } } },
    { "low-e0pd-priv", LOW, 0, true, { "", .set = { BIT(66) } } },
    { "high-e0pd0", HIGH, 1, false, { "", .set = { BIT(66) } } },
    { "high-e0pd", HIGH, -1, false, { "", .set = { BIT(130) } } },
    { "low-e0pd-not-there", LOW, 0, false,
      { "", IDS({ 3, 13, 13, 0 }), .set = { BIT(66) } } },
    { "el2-e0pd", LOW, 0, false, { "", .set = { BIT(66) }, EL2 } },
    { "el2-high", HIGH, -1, false, { .name = "", EL2 } },
    { "el2-beyond", ADDR(48), -1, false, { .name = "", EL2 } },
    { "el2-55-tbi", ADDR(55), -1, false, { "", .set = { TBI0 }, EL2 } },
    { "el2-tag-tbi", LOW | ADDR(63), 0, false, { "", .set = { TBI0 }, EL2 } },
    { "el2-tag", LOW | ADDR(63), -1, false, { .name = "", EL2 } },
    { "e2h-high", HIGH, 1, false, { .name = "", E2H } },
    { "52-bits", ADDR(52) - 1, 0, false,
      { "", IDS(OAS(6), VAX), .set = { T0SZ(12), TG0(1) } } },
    { "52-bits-beyond", ADDR(52), -1, false,
      { "", IDS(OAS(6), VAX), .set = { T0SZ(12), TG0(1) } } },
};
/* clang-format on */

static void test_half(const void *data)
{
    const HalfRow *h = data;
    ImSmmuCd cd = valid(&h->row);

    g_assert_cmpint(im_smmu_cd_half(&cd, h->addr, h->priv), ==, h->want);
}

/* Whatever is written: an answer, and stages that can be walked. */
static void test_random(void)
{
    for (unsigned i = 0; i < 300000; i++) {
        ImSmmuSte ste = { .s1 = true,
                          .world = (uint8_t)g_test_rand_int_range(0, 3) };
        ImSmmuIds ids = full();
        ImClause clause = IM_CLAUSE_NONE;
        uint64_t raw[8];
        ImSmmuCd cd;

        plain(raw);
        ids.idr[3] |= g_test_rand_bit() ? 1u << 9 : 0;
        ids.idr[5] = (ids.idr[5] & ~7u) | (uint32_t)g_test_rand_int_range(0, 8);
        ids.idr[5] |= g_test_rand_bit() ? 1u << 10 : 0;
        for (unsigned n = 0; n < 6; n++) {
            unsigned bit = (unsigned)g_test_rand_int_range(0, 192);

            raw[bit / 64] ^= UINT64_C(1) << bit % 64;
        }
        if (!im_smmu_cd_decode(&ids, &ste, raw, &cd, &clause)) {
            g_assert_nonnull(im_clause(clause));
            continue;
        }
        for (unsigned h = 0; h < 2; h++) {
            const ImPtStage *st = &cd.half[h].stage;

            if (cd.half[h].enabled) {
                g_assert_cmpuint(st->top, <, st->fmt->levels);
                g_assert_cmpuint(st->top_bits, >=, 1);
                g_assert_cmpuint(st->top_bits, <=, st->fmt->index_bits);
                g_assert_cmpuint(im_pt_level_shift(st->fmt, st->top) +
                                     st->top_bits + cd.half[h].tsz,
                                 ==, 64);
                g_assert_cmphex(st->root & ~st->out_mask, ==, 0);
            }
            im_smmu_cd_half(&cd, raw[3] ^ i, h);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/fmt/smmu-cd/rule/%s",
                                                rows[i].name);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(halves); i++) {
        g_autofree char *path = g_strdup_printf("/fmt/smmu-cd/half/%s",
                                                halves[i].name);

        g_test_add_data_func(path, &halves[i], test_half);
    }
    g_test_add_func("/fmt/smmu-cd/geometry", test_geometry);
    g_test_add_func("/fmt/smmu-cd/values", test_values);
    g_test_add_func("/fmt/smmu-cd/ips", test_ips);
    g_test_add_func("/fmt/smmu-cd/flags", test_flags);
    g_test_add_func("/fmt/smmu-cd/random", test_random);
    return g_test_run();
}
