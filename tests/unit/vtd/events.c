/*
 * The state machine that fault, invalidation and page request events share,
 * driven for each of them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/vtd/regs.h"
#include "lib/rig.h"

typedef struct Source {
    const char *name;
    VtdEvent ev;
    uint64_t status, ctl, data, addr, uaddr;    /* offsets */
    uint32_t a, b;                              /* two conditions */
    uint32_t clear;                             /* what services them */
} Source;

static const Source sources[] = {
    { "fault", VTD_EVENT_FAULT, 0x34, 0x38, 0x3c, 0x40, 0x44, 0x10, 0x20,
      0x71 },
    { "invalidation", VTD_EVENT_INV, 0x9c, 0xa0, 0xa4, 0xa8, 0xac, 0x1, 0x1,
      0x1 },
    { "page-request", VTD_EVENT_PAGE, 0xdc, 0xe0, 0xe4, 0xe8, 0xec, 0x1, 0x2,
      0x3 },
};

#define IM  0x80000000u
#define IP  0x40000000u

static Rig *prepare(const Source *src, bool masked)
{
    Rig *r = rig_vtd_new(&IM_VTD_CONFIG_DEFAULT);

    rig_set32(r, src->data, 0xffff0042);
    rig_set32(r, src->addr, 0xfee01003);
    rig_set32(r, src->uaddr, 0x100);
    if (!masked) {
        rig_set32(r, src->ctl, 0);
    }
    return r;
}

static void test_reset_is_masked(gconstpointer data)
{
    const Source *src = data;
    g_autoptr(Rig) r = rig_vtd_new(&IM_VTD_CONFIG_DEFAULT);

    g_assert_cmphex(rig_reg32(r, src->ctl), ==, IM);
    rig_set32(r, src->ctl, 0xffffffff);
    g_assert_cmphex(rig_reg32(r, src->ctl), ==, IM);
}

static void test_sent_once(gconstpointer data)
{
    const Source *src = data;
    g_autoptr(Rig) r = prepare(src, false);
    const ImMsi *msi;

    im_vtd_event_set(r->vtd, src->ev, src->a);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 1);
    msi = &rig_seen(r, RIG_SEEN_MSI, 0)->msi;
    g_assert_cmphex(msi->addr, ==, 0x100fee01000);
    g_assert_cmphex(msi->data, ==, 0x42);
    g_assert_cmphex(rig_reg32(r, src->ctl), ==, 0);

    im_vtd_event_set(r->vtd, src->ev, src->b);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 1);

    rig_set32(r, src->status, src->clear);
    g_assert_cmphex(rig_reg32(r, src->status), ==, 0);
    im_vtd_event_set(r->vtd, src->ev, src->a);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 2);
}

static void test_held_while_masked(gconstpointer data)
{
    const Source *src = data;
    g_autoptr(Rig) r = prepare(src, true);

    im_vtd_event_set(r->vtd, src->ev, src->a);
    g_assert_cmphex(rig_reg32(r, src->ctl), ==, IM | IP);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 0);
    rig_set32(r, src->ctl, IM | IP);
    g_assert_cmphex(rig_reg32(r, src->ctl), ==, IM | IP);
    rig_set32(r, src->ctl, 0);
    g_assert_cmphex(rig_reg32(r, src->ctl), ==, 0);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 1);
}

static void test_dropped_when_serviced(gconstpointer data)
{
    const Source *src = data;
    g_autoptr(Rig) r = prepare(src, true);

    im_vtd_event_set(r->vtd, src->ev, src->a);
    im_vtd_event_set(r->vtd, src->ev, src->b);
    if (src->a != src->b) {
        rig_set32(r, src->status, src->a);
        g_assert_cmphex(rig_reg32(r, src->ctl), ==, IM | IP);
    }
    rig_set32(r, src->status, src->clear);
    g_assert_cmphex(rig_reg32(r, src->ctl), ==, IM);
    rig_set32(r, src->ctl, 0);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 0);
}

static void add(const char *what, GTestDataFunc fn)
{
    for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
        g_autofree char *path = g_strdup_printf("/vtd/events/%s@%s", what,
                                                sources[i].name);

        g_test_add_data_func(path, &sources[i], fn);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("masked-after-reset", test_reset_is_masked);
    add("sent-once-until-serviced", test_sent_once);
    add("held-while-masked", test_held_while_masked);
    add("dropped-when-serviced", test_dropped_when_serviced);
    return g_test_run();
}
