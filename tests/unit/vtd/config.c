/*
 * Configuration: what is refused, what pruning leaves, what is advertised.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/rig.h"
#include "lib/vtd_regs.h"

typedef struct Row {
    const char *name;
    void (*change)(ImVtdConfig *c);
    const char *says[2];            /* both sides */
} Row;

#define CHANGE(fn, statement) \
    static void fn(ImVtdConfig *c) { statement; }

CHANGE(no_scalable, c->scalable = false)
CHANGE(no_device_tlb, c->device_tlb = false)
CHANGE(no_intremap, c->intremap = false)
CHANGE(no_stage, c->first_stage = c->second_stage = false)
CHANGE(no_dma, c->dma_translation = false)
CHANGE(no_walk_coherency, c->page_walk_coherency = false)
CHANGE(only_1g, c->ss2m = false)
CHANGE(odd_domains, c->domain_bits = 7)
CHANGE(wide_domains, c->domain_bits = 18)
CHANGE(aw_40, c->aw_bits = 40)
CHANGE(aw_39, c->aw_bits = 39)
CHANGE(haw_20, c->haw_bits = 20)
CHANGE(pasid_21, c->pasid_bits = 21)
CHANGE(no_records, c->fault_records = 0)
CHANGE(many_records, c->fault_records = 256)
CHANGE(major_6, c->major = 6)
CHANGE(iotlb_17, c->iotlb_entries = 17)
CHANGE(no_timeout, c->ats_timeout_ns = 0)
CHANGE(rid_priv, c->rid_priv = true; c->supervisor = false)
CHANGE(io_rw, c->ss_io_rw = true; c->second_stage = false;
       c->nested = c->ss_dirty = false)
CHANGE(translated_pasid, c->translated_pasid = true; c->pasid_bits = 0)
CHANGE(
    early, c->early_ats_inv = true;
    c->device_tlb = c->page_request = c->no_write_flag = c->stop_marker = false)

static const Row refused[] = {
    { "scalable-off", no_scalable, { "pasid_bits=20", "scalable" } },
    { "device-tlb-off", no_device_tlb, { "page_request", "device_tlb" } },
    { "intremap-off", no_intremap, { "eim", "intremap" } },
    { "no-stage", no_stage, { "scalable", "first_stage" } },
    { "dma-translation-off", no_dma, { "scalable", "dma_translation" } },
    { "walk-not-coherent",
      no_walk_coherency,
      { "ext_accessed", "page_walk_coherency" } },
    { "1g-without-2m", only_1g, { "ss1g", "ss2m" } },
    { "odd-domain-bits", odd_domains, { "domain_bits=7", "14 or 16" } },
    { "domain-bits-18", wide_domains, { "domain_bits=18", "4..16" } },
    { "aw-bits-40", aw_40, { "aw_bits=40", "39, 48 or 57" } },
    { "memory-wider-than-guest", aw_39, { "haw_bits=52", "aw_bits=39" } },
    { "haw-bits-20", haw_20, { "haw_bits=20", "32..52" } },
    { "pasid-bits-21", pasid_21, { "pasid_bits=21", "0..20" } },
    { "no-fault-records", no_records, { "fault_records=0", "1.." } },
    { "256-fault-records", many_records, { "fault_records=256", "1..186" } },
    { "rid-priv", rid_priv, { "rid_priv", "supervisor" } },
    { "io-read-write", io_rw, { "ss_io_rw", "second_stage" } },
    { "translated-pasid",
      translated_pasid,
      { "translated_pasid", "pasid_bits" } },
    { "early-invalidation", early, { "early_ats_inv", "device_tlb" } },
    { "major-6", major_6, { "major=6", "1..5" } },
    { "iotlb-17", iotlb_17, { "iotlb_entries=17", "power of two" } },
    { "no-time-out", no_timeout, { "device_tlb", "ats_timeout_ns" } },
};

static void test_refused(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(Rig) r = rig_vtd_new(&IM_VTD_CONFIG_DEFAULT);
    ImVtdConfig c = IM_VTD_CONFIG_DEFAULT;
    g_autofree char *err = NULL;

    row->change(&c);
    g_assert_null(im_vtd_new(&c, &r->port, r, &err));
    g_assert_nonnull(err);
    g_assert_null(strchr(err, '\n'));
    for (size_t i = 0; i < G_N_ELEMENTS(row->says); i++) {
        g_assert_nonnull(strstr(err, row->says[i]));
    }
}

/* Whatever single switch is turned off, pruning makes it possible. */
static void test_pruned(void)
{
    static const Row off[] = {
        { "scalable", no_scalable, { NULL, NULL } },
        { "device_tlb", no_device_tlb, { NULL, NULL } },
        { "intremap", no_intremap, { NULL, NULL } },
        { "dma", no_dma, { NULL, NULL } },
        { "stages", no_stage, { NULL, NULL } },
        { "coherency", no_walk_coherency, { NULL, NULL } },
        { "2m", only_1g, { NULL, NULL } },
        { "aw", aw_39, { NULL, NULL } },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(off); i++) {
        ImVtdConfig c = IM_VTD_CONFIG_DEFAULT;
        g_autoptr(Rig) r = NULL;

        off[i].change(&c);
        im_vtd_config_prune(&c);
        r = rig_vtd_new(&c);
        g_assert_nonnull(r->vtd);
    }
}

/* A first stage of 4 levels and a second of 3 share no width. */
static void test_39_bits(void)
{
    ImVtdConfig c = IM_VTD_CONFIG_DEFAULT;

    c.aw_bits = 39;
    im_vtd_config_prune(&c);
    g_assert_false(c.first_stage || c.nested || c.fs5lp || c.fs1gp ||
                   c.ext_accessed);
    g_assert_true(c.scalable && c.second_stage && c.pasid_bits);
    g_assert_cmpuint(c.haw_bits, ==, 39);

    /* Nothing to share. */
    c = IM_VTD_CONFIG_DEFAULT;
    c.aw_bits = 39;
    c.second_stage = false;
    im_vtd_config_prune(&c);
    g_assert_true(c.scalable && c.first_stage && c.fs5lp);

    /* Asked for: possible. */
    c = IM_VTD_CONFIG_DEFAULT;
    c.aw_bits = 39;
    im_vtd_config_prune(&c);
    c.first_stage = true;
    {
        g_autoptr(Rig) r = rig_vtd_new(&c);

        g_assert_cmphex(rig_reg64(r, REG_ECAP) >> 46 & 3, ==, 3);
    }
    c = IM_VTD_CONFIG_DEFAULT;
    im_vtd_config_prune(&c);
    g_assert_true(c.first_stage && c.nested);
}

static void test_fault_records_fit(void)
{
    ImVtdConfig c = IM_VTD_CONFIG_DEFAULT;

    c.fault_records = 186;
    g_autoptr(Rig) r = rig_vtd_new(&c);
    uint64_t cap = rig_reg64(r, REG_CAP);
    uint64_t end = (cap >> 24 & 0x3ff) * 16 + 16 * ((cap >> 40 & 0xff) + 1);

    /* 11.4: DC0h on, below the virtual commands, is another's or reserved. */
    g_assert_cmphex(end, ==, 0xdc0);
}

static void test_default_capabilities(void)
{
    g_autoptr(Rig) r = rig_vtd_new(&IM_VTD_CONFIG_DEFAULT);

    g_assert_cmphex(rig_reg32(r, REG_VER), ==, 0x50);
    g_assert_cmphex(rig_reg64(r, REG_CAP), ==, 0xd1d2078c22780e06);
    g_assert_cmphex(rig_reg64(r, REG_ECAP), ==, 0x0413ed9ea4f00fdf);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autofree char *path = g_strdup_printf("/vtd/config/refused/%s",
                                                refused[i].name);

        g_test_add_data_func(path, &refused[i], test_refused);
    }
    g_test_add_func("/vtd/config/pruned", test_pruned);
    g_test_add_func("/vtd/config/39-bits", test_39_bits);
    g_test_add_func("/vtd/config/fault-records-fit", test_fault_records_fit);
    g_test_add_func("/vtd/config/default-capabilities",
                    test_default_capabilities);
    return g_test_run();
}
