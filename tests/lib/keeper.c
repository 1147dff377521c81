/*
 * Who keeps what a unit's tables say, as far as its port goes.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/keeper.h"

static GArray *told;                /* ImInval */

uint64_t keeper_ticket;
unsigned keeper_fences;

static void port_invalidated(void *host G_GNUC_UNUSED, const ImInval *inval)
{
    g_array_append_vals(told, inval, 1);
}

static uint64_t port_fence(void *host G_GNUC_UNUSED)
{
    keeper_fences++;
    return keeper_ticket;
}

void keeper_port(ImPort *port)
{
    port->invalidated = port_invalidated;
    port->fence = port_fence;
    keeper_reset();
}

void keeper_reset(void)
{
    g_clear_pointer(&told, g_array_unref);
    told = g_array_new(false, false, sizeof(ImInval));
    keeper_ticket = 0;
    keeper_fences = 0;
}

unsigned keeper_count(void)
{
    return told->len;
}

void keeper_told(const ImInval *want, unsigned n)
{
    g_assert_cmpuint(told->len, ==, n);
    for (unsigned i = 0; i < n; i++) {
        const ImInval *t = &g_array_index(told, ImInval, i);

        g_assert_cmpuint(t->what, ==, want[i].what);
        g_assert_cmpint(t->by_func, ==, want[i].by_func);
        g_assert_cmphex(t->func, ==, want[i].func);
        g_assert_cmphex(t->func_mask, ==, want[i].func_mask);
        g_assert_cmpint(t->by_domain, ==, want[i].by_domain);
        g_assert_cmphex(t->domain, ==, want[i].domain);
        g_assert_cmpint(t->by_pasid, ==, want[i].by_pasid);
        g_assert_cmphex(t->pasid, ==, want[i].pasid);
        g_assert_cmpint(t->by_asid, ==, want[i].by_asid);
        g_assert_cmphex(t->asid, ==, want[i].asid);
        g_assert_cmpint(t->by_range, ==, want[i].by_range);
        g_assert_cmphex(t->first, ==, want[i].first);
        g_assert_cmphex(t->last, ==, want[i].last);
    }
    g_array_set_size(told, 0);
}
