/*
 * Bit layouts: extraction, insertion, reserved masks, and for people.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/dump.h"
#include "hw/core/field.h"

#define TOY(F, R, I)                                                      \
    F(TOY, LOW, 0, 0)  R(3, 1)  F(TOY, MID, 19, 4)  I(23, 20)             \
    R(24, 24)          F(TOY, TOP, 63, 25)

IM_LAYOUT(TOY);

static uint64_t random64(void)
{
    return (uint64_t)g_test_rand_int() << 32 | (uint32_t)g_test_rand_int();
}

static void test_bits(void)
{
    for (unsigned hi = 0; hi < 64; hi++) {
        for (unsigned lo = 0; lo <= hi; lo++) {
            uint64_t want = 0;

            for (unsigned i = lo; i <= hi; i++) {
                want |= UINT64_C(1) << i;
            }
            g_assert_cmphex(IM_BITS(hi, lo), ==, want);
        }
    }
}

static void test_masks(void)
{
    g_assert_cmphex(IM_MASK(TOY_LOW), ==, 1);
    g_assert_cmphex(IM_MASK(TOY_MID), ==, 0xffff0);
    g_assert_cmphex(IM_MASK(TOY_TOP), ==, ~UINT64_C(0x1ffffff));
    g_assert_cmphex(IM_RSVD(TOY), ==, 0x100000e);
}

static void test_get_put(void)
{
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t w = random64();
        uint64_t v = random64();
        uint64_t n = IM_SET(w, TOY_MID, v);

        g_assert_cmphex(IM_GET(w, TOY_MID), ==, w / 16 % 65536);
        g_assert_cmphex(IM_GET(n, TOY_MID), ==, v % 65536);
        g_assert_cmphex(n & ~IM_MASK(TOY_MID), ==, w & ~IM_MASK(TOY_MID));
        g_assert_cmphex(IM_PUT(TOY_TOP, v), ==, v << 25);
        g_assert_cmphex(IM_GET(IM_PUT(TOY_LOW, v), TOY_LOW), ==, v & 1);
    }
}

/* Fields that are 0 are left out, and what is no field is not shown. */
static void test_dump(void)
{
    static const struct {
        uint64_t word;
        const char *text;
    } rows[] = {
        { 0, "" },
        { 1, " LOW=1" },
        { 0x90, " MID=9" },
        { 0xa1, " LOW=1 MID=0xa" },
        { 0x0100000e, "" },
        { UINT64_MAX, " LOW=1 MID=0xffff TOP=0x7fffffffff" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        GString *out = g_string_new(NULL);

        im_dump_fields(out, IM_FIELDS(TOY), rows[i].word);
        g_assert_cmpstr(out->str, ==, rows[i].text);
        g_string_free(out, TRUE);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/core/field/bits", test_bits);
    g_test_add_func("/core/field/masks", test_masks);
    g_test_add_func("/core/field/get-put", test_get_put);
    g_test_add_func("/core/field/dump", test_dump);
    return g_test_run();
}
