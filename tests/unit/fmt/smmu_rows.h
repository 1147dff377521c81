/*
 * Rows of changes to a structure and to the ID registers. Bit numbers are
 * those of the manual, counted over the whole structure.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_UNIT_FMT_SMMU_ROWS_H
#define TESTS_UNIT_FMT_SMMU_ROWS_H

#include <glib.h>
#include <string.h>

#include "hw/fmt/smmu.h"

/* The rule that a row breaks. */
#define IS(tag)  IM_CLAUSE(tag)
#define VALID    IM_CLAUSE_NONE

typedef struct Field {
    unsigned hi, lo;
    uint64_t val;
} Field;

typedef struct IdField {
    unsigned reg, hi, lo, val;
} IdField;

static inline void put(uint64_t *raw, unsigned hi, unsigned lo, uint64_t val)
{
    uint64_t mask = (UINT64_MAX >> (63 - (hi - lo))) << lo % 64;

    g_assert_cmpuint(hi / 64, ==, lo / 64);
    raw[lo / 64] = (raw[lo / 64] & ~mask) | (val << lo % 64 & mask);
}

static inline void put_id(ImSmmuIds *ids, const IdField *f)
{
    uint64_t v = ids->idr[f->reg];

    put(&v, f->hi, f->lo, f->val);
    ids->idr[f->reg] = (uint32_t)v;
}

/* Everything this model knows, OAS 48, no small tables, no 52 bits. */
static inline ImSmmuIds full(void)
{
    ImSmmuIds ids = { .idr = {
                          [0] = 1u << 0 | 1u << 1 | 2u << 2 | 1u << 4 |
                                3u << 6 | 1u << 9 | 1u << 10 | 1u << 12 |
                                1u << 13 | 1u << 16 | 1u << 18 | 1u << 19 |
                                2u << 21 | 1u << 23 | 1u << 27,
                          [1] = 16u | 10u << 6 | 1u << 26 | 1u << 27,
                          [3] = 1u << 2 | 1u << 4 | 1u << 8 | 1u << 10 |
                                1u << 13,
                          [5] = 5u | 7u << 4,
                      } };

    return ids;
}

#define IDS(...)  .ids = { __VA_ARGS__ }, \
    .n_ids = sizeof((IdField[]){ __VA_ARGS__ }) / sizeof(IdField)
#define NO_S1P     { 0, 1, 1, 0 }
#define NO_S2P     { 0, 0, 0, 0 }
#define NO_ATS     { 0, 10, 10, 0 }
#define NS1ATS     { 0, 11, 11, 1 }
#define NO_HYP     { 0, 9, 9, 0 }
#define STALL(n)   { 0, 25, 24, n }
#define HTTU(n)    { 0, 7, 6, n }
#define SSIDSIZE(n) { 1, 10, 6, n }
#define NO_CD2L    { 0, 19, 19, 0 }
#define OAS(n)     { 5, 2, 0, n }
#define STT        { 3, 9, 9, 1 }
#define BIT(n)      { n, n, 1 }
#define CLEAR(n)    { n, n, 0 }
#define ADDR(n)     (UINT64_C(1) << (n))

#endif /* TESTS_UNIT_FMT_SMMU_ROWS_H */
