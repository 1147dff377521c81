/*
 * What the routes of all IOMMUs share.
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib.h>

#include "hw/core/route.h"

typedef struct MalformedRow {
    const char *name;
    ImTxn txn;
    bool malformed;
} MalformedRow;

#define ASKS(n, how) \
    { .len = (n), .access = (how), .at = IM_AT_TRANSLATION }

static const MalformedRow malformed_rows[] = {
    { "nothing", ASKS(0, IM_READ), true },
    { "one-entry", ASKS(8, IM_READ), false },
    { "half-an-entry", ASKS(4, IM_READ), true },
    { "entry-and-a-half", ASKS(12, IM_READ), true },
    { "up-to-rcb", ASKS(64, IM_READ), false },
    { "beyond-rcb", ASKS(72, IM_READ), true },
    { "writes", ASKS(8, IM_WRITE), true },
    { "atomic", ASKS(8, IM_ATOMIC), true },
    { "untranslated", { .len = 4, .access = IM_WRITE }, false },
    { "translated",
      { .len = 4, .access = IM_WRITE, .at = IM_AT_TRANSLATED },
      false },
};

static void test_malformed(const void *data)
{
    const MalformedRow *row = data;

    g_assert_cmpint(im_route_malformed(&row->txn), ==, row->malformed);
}

/* All bits from the last one on are copies of it. */
static void test_canonical(void)
{
    static const unsigned widths[] = { 48, 57 };

    for (unsigned i = 0; i < G_N_ELEMENTS(widths); i++) {
        uint64_t half = UINT64_C(1) << (widths[i] - 1);

        g_assert_true(im_route_canonical(0, widths[i]));
        g_assert_true(im_route_canonical(half - 1, widths[i]));
        g_assert_false(im_route_canonical(half, widths[i]));
        g_assert_false(im_route_canonical(-half - 1, widths[i]));
        g_assert_true(im_route_canonical(-half, widths[i]));
        g_assert_true(im_route_canonical(UINT64_MAX, widths[i]));
    }
}

static void test_grant(void)
{
    const ImTxn t = { .at = IM_AT_TRANSLATION,
                      .has_pasid = true,
                      .priv = true };
    ImRouteOut out = { 0 };
    ImXlat x;

    g_assert_true(im_route_grant(&out, 0x12345, 16, IM_PERM_R));
    x = (ImXlat) { IM_ROUTE_ANSWER(&out, &t, true) };
    g_assert_cmpint(x.status, ==, IM_OK);
    g_assert_cmphex(x.addr, ==, 0x12345);
    g_assert_cmphex(x.mask, ==, 0xffff);
    g_assert_cmpint(x.perm, ==, IM_PERM_R);
    g_assert_true(x.priv);
    x = (ImXlat) { IM_ROUTE_ANSWER(&out, &t, false) };
    g_assert_false(x.priv);
}

/* What a step granted before is not granted any more. */
static void test_refuse(void)
{
    const ImTxn t = { 0 };
    ImRouteOut out = { .fault = 7 };
    ImXlat x;

    im_route_grant(&out, 0x12345, 21, IM_PERM_R | IM_PERM_W);
    g_assert_true(im_route_refuse(&out, IM_FAULT, IM_CPL_CA));
    x = (ImXlat) { IM_ROUTE_ANSWER(&out, &t, false) };
    g_assert_cmpint(x.status, ==, IM_FAULT);
    g_assert_cmpint(x.cpl, ==, IM_CPL_CA);
    g_assert_cmpint(x.fault, ==, 7);
    g_assert_cmpint(x.perm, ==, 0);
    g_assert_cmphex(x.mask, ==, 0xfff);
}

static void take_step(void *opaque, const ImStep *step)
{
    ImStep *told = opaque;

    *told = *step;
}

static void test_result(void)
{
    ImStep told = { 0 };

    im_route_result(take_step, &told, 0x1000, IM_CLAUSE(PCIE_ATS_RW),
                    im_route_granted(IM_PERM_R | IM_PERM_X));
    g_assert_cmpstr(told.what, ==, "result");
    g_assert_cmphex(told.addr, ==, 0x1000);
    g_assert_cmpint(told.clause, ==, IM_CLAUSE(PCIE_ATS_RW));
    g_assert_cmpstr(told.note, ==, "read and execution granted");
    g_assert_cmpint(told.words, ==, 0);
    im_route_result(im_route_unheard, NULL, 0, IM_CLAUSE_NONE, "");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(malformed_rows); i++) {
        g_autofree char *path = g_strdup_printf("/core/route/malformed/%s",
                                                malformed_rows[i].name);

        g_test_add_data_func(path, &malformed_rows[i], test_malformed);
    }
    g_test_add_func("/core/route/canonical", test_canonical);
    g_test_add_func("/core/route/grant", test_grant);
    g_test_add_func("/core/route/refuse", test_refuse);
    g_test_add_func("/core/route/result", test_result);
    return g_test_run();
}
