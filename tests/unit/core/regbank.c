/*
 * Register bank: access widths, the merge rule, hooks, instances.
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib.h>
#include <string.h>

#include "hw/core/regbank.h"

enum { R_WIDE, R_NARROW, R_CTL, R_STATUS, R_RO, R_ARRAY, R_GUARDED, R_COUNT };

/* What the last hook saw. */
typedef struct Seen {
    unsigned calls;
    unsigned elem;
    uint64_t old;
    unsigned bytes;
} Seen;

static void written(void *dev, unsigned elem, uint64_t old, unsigned bytes)
{
    Seen *s = dev;

    s->calls++;
    s->elem = elem;
    s->old = old;
    s->bytes = bytes;
}

static uint64_t inverted(void *dev G_GNUC_UNUSED, unsigned elem, uint64_t value)
{
    return ~value + elem;
}

/* Element 0 is open when the last hook has left it so. */
static bool guard(void *dev, unsigned elem)
{
    Seen *s = dev;

    return elem == 0 && s->calls == 0;
}

/* clang-format off */
static const ImRegDef defs[R_COUNT] = {
    [R_WIDE] = { .name = "WIDE", .offset = 0x08, .size = 8,
                 .rw = 0xff00ff00ff00ff00, .written = written },
    [R_NARROW] = { .name = "NARROW", .offset = 0x10, .size = 4,
                   .reset = 0x80000000, .rw = 0x8000ffff, .needs = 6,
                   .written = written },
    [R_CTL] = { .name = "CTL", .rule = IM_CLAUSE(VTD_REG_GCMD),
                .offset = 0x14, .size = 4, .rw = 0xffffffff,
                .written = written },
    [R_STATUS] = { .name = "STATUS", .offset = 0x18, .size = 4,
                   .rw = 0xf0, .w1c = 0x0f, .sticky = 0x03,
                   .written = written },
    [R_RO] = { .name = "RO", .offset = 0x1c, .size = 4, .read = inverted },
    [R_ARRAY] = { .name = "ARRAY", .offset = 0x40, .size = 8, .count = 4,
                  .stride = 16, .rw = UINT64_MAX, .written = written },
    [R_GUARDED] = { .name = "GUARDED", .offset = 0x100a8, .size = 4,
                    .rw = UINT32_MAX, .guard = guard, .written = written },
};
/* clang-format on */

typedef struct Fixture {
    ImRegBank *b;
    Seen seen;
} Fixture;

static void setup(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    f->b = im_regbank_new(defs, R_COUNT, 0x20000, &f->seen);
}

static void teardown(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    im_regbank_free(f->b);
}

static void test_merge(void)
{
    /* old, val, rw, w1c, lanes, expected */
    static const uint64_t rows[][6] = {
        { 0x00, 0xff, 0xf0, 0x00, 0xff, 0xf0 },     /* only rw is set */
        { 0xff, 0x00, 0xf0, 0x00, 0xff, 0x0f },     /* only rw is cleared */
        { 0xff, 0x05, 0x00, 0x0f, 0xff, 0xfa },     /* 1 clears w1c */
        { 0x00, 0x0f, 0x00, 0x0f, 0xff, 0x00 },     /* 1 does not set it */
        { 0xff, 0x00, 0xff, 0x00, 0x0f, 0xf0 },     /* only these lanes */
        { 0xff, 0xff, 0x00, 0xff, 0x0f, 0xf0 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_assert_cmphex(im_reg_merge(rows[i][0], rows[i][1], rows[i][2],
                                     rows[i][3], rows[i][4]),
                        ==, rows[i][5]);
    }
}

static void test_full_width(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    im_regbank_write(f->b, 0x08, UINT64_MAX, 8);
    g_assert_cmphex(im_regbank_read(f->b, 0x08, 8), ==, 0xff00ff00ff00ff00);
    g_assert_cmpuint(f->seen.calls, ==, 1);
    g_assert_cmphex(f->seen.bytes, ==, 0xff);
    g_assert_cmphex(f->seen.old, ==, 0);
}

static void test_halves(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    im_regbank_write(f->b, 0x0c, 0x1234567812345678, 4);
    g_assert_cmphex(im_regbank_read(f->b, 0x08, 8), ==, 0x1200560000000000);
    g_assert_cmphex(f->seen.bytes, ==, 0xf0);
    im_regbank_write(f->b, 0x08, 0xabcdef01, 4);
    g_assert_cmphex(im_regbank_read(f->b, 0x08, 8), ==, 0x12005600ab00ef00);
    g_assert_cmphex(f->seen.bytes, ==, 0x0f);
    g_assert_cmphex(f->seen.old, ==, 0x1200560000000000);
    g_assert_cmphex(im_regbank_read(f->b, 0x0c, 4), ==, 0x12005600);
    g_assert_cmphex(im_regbank_read(f->b, 0x08, 4), ==, 0xab00ef00);
}

/* One access of 8 bytes to two registers: two accesses, the lower first. */
static void test_pair(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    im_regbank_write(f->b, 0x10, 0x1111111122222222, 8);
    g_assert_cmpuint(f->seen.calls, ==, 2);
    g_assert_cmphex(f->seen.bytes, ==, 0x0f);
    g_assert_cmphex(f->seen.old, ==, 0);            /* of CTL */
    g_assert_cmphex(im_regbank_read(f->b, 0x10, 8), ==, 0x1111111100002222);
}

static void test_w1c(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    im_reg_set(f->b, R_STATUS, 0, 0x0f);
    im_regbank_write(f->b, 0x18, 0xf5, 4);
    g_assert_cmphex(im_regbank_read(f->b, 0x18, 4), ==, 0xfa);
    g_assert_cmphex(f->seen.old, ==, 0x0f);
}

/* Beyond 64 KiB; what the guard refuses calls no hook either. */
static void test_guard(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    im_regbank_write(f->b, 0x100a8, 0x55, 4);
    g_assert_cmphex(im_regbank_read(f->b, 0x100a8, 4), ==, 0x55);
    g_assert_cmphex(im_regbank_read(f->b, 0xa8, 4), ==, 0);
    g_assert_cmpuint(f->seen.calls, ==, 1);
    im_regbank_write(f->b, 0x100a8, 0x66, 4);
    g_assert_cmphex(im_regbank_read(f->b, 0x100a8, 4), ==, 0x55);
    g_assert_cmpuint(f->seen.calls, ==, 1);
}

static void test_read_hook(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    im_regbank_write(f->b, 0x1c, 0x1234, 4);        /* read-only */
    g_assert_cmphex(im_reg_get(f->b, R_RO, 0), ==, 0);
    g_assert_cmphex(im_regbank_read(f->b, 0x1c, 4), ==, 0xffffffff);
    g_assert_cmphex(im_regbank_read(f->b, 0x18, 8), ==, 0xffffffff00000000);
}

static void test_array(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    im_regbank_limit(f->b, R_ARRAY, 3);
    im_regbank_write(f->b, 0x60, 0x77, 8);
    g_assert_cmpuint(f->seen.elem, ==, 2);
    g_assert_cmphex(im_reg_get(f->b, R_ARRAY, 2), ==, 0x77);
    f->seen.calls = 0;
    im_regbank_write(f->b, 0x70, 0x77, 8);          /* beyond the limit */
    im_regbank_write(f->b, 0x48, 0x77, 8);          /* between elements */
    g_assert_cmpuint(f->seen.calls, ==, 0);
    g_assert_cmphex(im_regbank_read(f->b, 0x70, 8), ==, 0);
    g_assert_cmphex(im_regbank_read(f->b, 0x48, 8), ==, 0);
}

static void test_hidden(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    im_regbank_hide(f->b, R_NARROW, 0xffff0000);
    im_regbank_hide(f->b, R_CTL, UINT64_MAX);
    im_regbank_write(f->b, 0x10, UINT64_MAX, 8);
    g_assert_cmphex(im_regbank_read(f->b, 0x10, 8), ==, 0xffff);
    g_assert_cmpuint(f->seen.calls, ==, 1);         /* no hook of CTL */
    im_reg_set(f->b, R_NARROW, 0, 0xffffffff);
    g_assert_cmphex(im_reg_get(f->b, R_NARROW, 0), ==, 0xffff);
    im_regbank_reset(f->b, false);
    g_assert_cmphex(im_regbank_read(f->b, 0x10, 8), ==, 0);
}

/* Whoever sets them: a reset value, a hook. */
static void test_hidden_from_all(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    im_regbank_hide(f->b, R_RO, 0xffff);
    im_regbank_preset(f->b, R_RO, 0x12345678);
    g_assert_cmphex(im_reg_get(f->b, R_RO, 0), ==, 0x12340000);
    im_regbank_reset(f->b, false);
    g_assert_cmphex(im_reg_get(f->b, R_RO, 0), ==, 0x12340000);
    im_reg_set(f->b, R_RO, 0, 0);
    g_assert_cmphex(im_regbank_read(f->b, 0x1c, 4), ==, 0xffff0000);
}

/* Halves of a register wherever it is. */
static void test_halves_of_an_array(Fixture *f,
                                    gconstpointer data G_GNUC_UNUSED)
{
    for (unsigned e = 0; e < 4; e++) {
        im_regbank_write(f->b, 0x40 + 16 * e, 0x1111 + e, 4);
        im_regbank_write(f->b, 0x44 + 16 * e, 0x2222 + e, 4);
        g_assert_cmphex(f->seen.bytes, ==, 0xf0);
        g_assert_cmphex(im_reg_get(f->b, R_ARRAY, e), ==,
                        UINT64_C(0x222200001111) + e + ((uint64_t)e << 32));
        g_assert_cmphex(im_regbank_read(f->b, 0x44 + 16 * e, 4), ==,
                        0x2222 + e);
    }
}

static void test_reset(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    g_assert_cmphex(im_regbank_read(f->b, 0x10, 4), ==, 0x80000000);
    im_regbank_write(f->b, 0x10, 0x55, 4);
    im_reg_set(f->b, R_STATUS, 0, 0xff);
    im_regbank_preset(f->b, R_RO, 0x42);
    im_regbank_reset(f->b, true);
    g_assert_cmphex(im_regbank_read(f->b, 0x10, 4), ==, 0x80000000);
    g_assert_cmphex(im_reg_get(f->b, R_STATUS, 0), ==, 0x03);
    g_assert_cmphex(im_reg_get(f->b, R_RO, 0), ==, 0x42);
    im_regbank_reset(f->b, false);
    g_assert_cmphex(im_reg_get(f->b, R_STATUS, 0), ==, 0);
}

/* Odd sizes, odd places, and every combination of them. */
static void test_garbage(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    static const uint64_t far[] = { 0x20000, 0xffffc, UINT64_MAX - 3,
                                    UINT64_MAX & ~UINT64_C(7) };

    for (unsigned size = 0; size <= 16; size++) {
        for (uint64_t off = 0; off < 0x100; off++) {
            if ((size == 4 || size == 8) && off % size == 0) {
                continue;
            }
            im_regbank_write(f->b, off, UINT64_MAX, size);
            g_assert_cmphex(im_regbank_read(f->b, off, size), ==, 0);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(far); i++) {
            im_regbank_write(f->b, far[i], UINT64_MAX, size);
            g_assert_cmphex(im_regbank_read(f->b, far[i], size), ==, 0);
        }
    }
    g_assert_cmpuint(f->seen.calls, ==, 0);
}

/* What needs a feature that is not there is hidden: all of its bits. */
static void test_features(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    static const ImRegBits bits[] = {
        { R_CTL, 0x0f, 1 },
        { R_CTL, 0xf0, 4 },
        { R_CTL, 0xf00, 5 },
    };
    static const struct {
        uint64_t features, narrow, ctl;
    /* clang-format off */
    } rows[] = {
        { 7, 0x8000ffff, 0xffffffff },
        { 6, 0x8000ffff, 0xfffff0f0 },
        { 4, 0, 0xfffff0f0 },
        { 3, 0, 0xfffff00f },
        { 0, 0, 0xfffff000 },
    };
    /* clang-format on */

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Fixture one = { 0 };

        setup(&one, NULL);
        im_regbank_implement(one.b, rows[i].features, bits, G_N_ELEMENTS(bits));
        im_regbank_write(one.b, 0x10, UINT64_MAX, 8);
        g_assert_cmphex(im_regbank_read(one.b, 0x10, 4), ==, rows[i].narrow);
        g_assert_cmphex(im_regbank_read(one.b, 0x14, 4), ==, rows[i].ctl);
        teardown(&one, NULL);
    }
    im_regbank_write(f->b, 0x10, UINT64_MAX, 4);    /* of another instance */
    g_assert_cmphex(im_regbank_read(f->b, 0x10, 4), ==, 0x8000ffff);
}

/* A line a register, as software reads it; arrays are told by their owner. */
static void test_dump(Fixture *f, gconstpointer data G_GNUC_UNUSED)
{
    static const ImFieldRow fields[] = {
        { "LOW", 3, 0 },
        { "TOP", 31, 31 },
        { NULL, 0, 0 },
    };
    static const ImRegFields rows[] = { { R_CTL, fields } };
    g_autoptr(GString) out = g_string_new(NULL);
    g_auto(GStrv) lines = NULL;

    im_reg_set(f->b, R_CTL, 0, 0x8000000c);
    im_regbank_dump(f->b, rows, G_N_ELEMENTS(rows), out);
    lines = g_strsplit(out->str, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 1 + R_COUNT - 1 + 1);
    g_assert_cmpstr(lines[2], ==,
                    "    00010 NARROW           0000000080000000");
    g_assert_true(g_str_has_prefix(
        lines[3], "    00014 CTL              000000008000000c LOW=0xc "
                  "TOP=1  (11.4.4.1 "));
    g_assert_cmpstr(lines[5], ==,
                    "    0001c RO               00000000ffffffff");
    g_assert_null(strstr(out->str, "ARRAY"));
}

#define CASE(name, fn)  \
    g_test_add("/core/regbank/" name, Fixture, NULL, setup, fn, teardown)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/core/regbank/merge-rule", test_merge);
    CASE("quad-word-access-to-quad-word-register", test_full_width);
    CASE("double-word-access-to-halves", test_halves);
    CASE("quad-word-access-to-two-registers", test_pair);
    CASE("write-one-to-clear", test_w1c);
    CASE("guard", test_guard);
    CASE("read-hook", test_read_hook);
    CASE("array-of-registers", test_array);
    CASE("hidden-bits-and-registers", test_hidden);
    CASE("features", test_features);
    CASE("dump", test_dump);
    CASE("hidden-from-all", test_hidden_from_all);
    CASE("halves-of-an-array", test_halves_of_an_array);
    CASE("reset-keeps-sticky-bits", test_reset);
    CASE("garbage-accesses-do-nothing", test_garbage);
    return g_test_run();
}
