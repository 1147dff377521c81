/*
 * Device-TLB invalidations: completion counts, which ITag is used next, and
 * completions while translation is off. 4.2.1, 4.3; PCIe 10.3.2.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"
#include "lib/vtd_told.h"

#define RID     0x3ab1

static uint32_t fsts(World *w)
{
    return rig_reg32(w->r, REG_FSTS);
}

/* The tag of the n-th invalidation sent. */
static unsigned tag(World *w, unsigned n)
{
    return rig_seen(w->r, RIG_SEEN_ATS_INV, n)->inv.itag;
}

static uint64_t completions(World *w)
{
    return im_vtd_counters(w->r->vtd)->ats_completions;
}

static void complete(World *w, unsigned n, unsigned count)
{
    im_vtd_ats_inv_done(w->r->vtd, RID, 1u << tag(w, n), count);
}

/* --- completion count --------------------------------------------------- */

static void count_row(const void *data)
{
    unsigned count = GPOINTER_TO_UINT(data);
    unsigned messages = count ? count : 8;
    g_autoptr(World) w = world_new(NULL, W_FS, true);

    vb_submit(w->r, desc_dev_tlb(RID, 0, false));
    for (unsigned i = 1; i <= messages; i++) {
        g_assert_false(vb_wait(w->r));
        complete(w, 0, count);
        g_assert_cmpuint(completions(w), ==, i == messages);
    }
    g_assert_true(vb_wait(w->r));
    g_assert_cmphex(fsts(w), ==, 0);
    complete(w, 0, count);                          /* one too many */
    g_assert_cmphex(fsts(w), ==, FSTS_ICE);
}

/* Tags of one message count on their own. */
static void counts_by_tag(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    uint32_t both;

    vb_submit(w->r, desc_dev_tlb(RID, 0, false));
    vb_submit(w->r, desc_dev_tlb(RID, 0x1000, false));
    both = 1u << tag(w, 0) | 1u << tag(w, 1);
    complete(w, 0, 3);
    im_vtd_ats_inv_done(w->r->vtd, RID, both, 3);
    im_vtd_ats_inv_done(w->r->vtd, RID, both, 3);
    g_assert_cmpuint(completions(w), ==, 1);
    complete(w, 1, 3);
    g_assert_cmpuint(completions(w), ==, 2);
    g_assert_cmphex(fsts(w), ==, 0);
}

/* Each message is compared with its own count: equal is what completes. */
static void counts_that_differ(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);

    vb_submit(w->r, desc_dev_tlb(RID, 0, false));
    complete(w, 0, 5);
    complete(w, 0, 2);
    g_assert_cmpuint(completions(w), ==, 1);
    vb_submit(w->r, desc_dev_tlb(RID, 0, false));
    complete(w, 1, 2);
    complete(w, 1, 1);                              /* 2 seen, 1 expected */
    g_assert_cmpuint(completions(w), ==, 1);
    g_assert_cmphex(fsts(w), ==, 0);
    rig_advance(w->r, w->r->cfg.ats_timeout_ns);
    g_assert_cmphex(fsts(w), ==, FSTS_ITE);
}

static void count_too_few(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);

    vb_submit(w->r, desc_dev_tlb(RID, 0, false));
    complete(w, 0, 2);
    rig_advance(w->r, w->r->cfg.ats_timeout_ns);
    g_assert_cmphex(fsts(w), ==, FSTS_ITE);
    /* a tag that is used again counts from 0 */
    rig_set32(w->r, REG_FSTS, FSTS_ITE);
    for (unsigned i = 1; i <= 32; i++) {
        vb_submit(w->r, desc_dev_tlb(RID, 0, false));
    }
    g_assert_cmpuint(tag(w, 32), ==, tag(w, 0));
    complete(w, 32, 2);
    g_assert_cmpuint(completions(w), ==, 0);
    complete(w, 32, 2);
    g_assert_cmpuint(completions(w), ==, 1);
}

/* --- reuse of tags ------------------------------------------------------ */

/* A late completion names nothing that was sent since. */
static void late_completion(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);

    vb_submit(w->r, desc_dev_tlb(RID, 0, false));
    rig_advance(w->r, w->r->cfg.ats_timeout_ns);
    rig_set32(w->r, REG_FSTS, FSTS_ITE);
    for (unsigned i = 1; i <= 31; i++) {
        vb_submit(w->r, desc_dev_tlb(RID, 0, false));
        g_assert_cmpuint(tag(w, i), !=, tag(w, 0));
    }
    complete(w, 0, 1);
    g_assert_cmphex(fsts(w), ==, FSTS_ICE);
    g_assert_cmpuint(completions(w), ==, 0);
    g_assert_false(vb_wait(w->r));
}

/* The one that rested longest comes first. */
static void oldest_first(void)
{
    static const unsigned order[] = { 7, 3, 30, 0 };
    g_autoptr(World) w = world_new(NULL, W_FS, true);

    for (unsigned i = 0; i < 32; i++) {
        vb_submit(w->r, desc_dev_tlb(RID, 0, false));
        g_assert_cmpuint(tag(w, i), ==, i);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(order); i++) {
        complete(w, order[i], 1);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(order); i++) {
        vb_submit(w->r, desc_dev_tlb(RID, 0, false));
        g_assert_cmpuint(tag(w, 32 + i), ==, order[i]);
    }
}

/* Only one that timed out is left: it is used after all. */
static void late_tag_is_the_last(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);

    vb_submit(w->r, desc_dev_tlb(RID, 0, false));
    rig_advance(w->r, w->r->cfg.ats_timeout_ns);
    rig_set32(w->r, REG_FSTS, FSTS_ITE);
    for (unsigned round = 0; round < 100; round++) {    /* rotation */
        vb_submit(w->r, desc_dev_tlb(RID, 0, false));
        g_assert_cmpuint(tag(w, 1 + round), !=, tag(w, 0));
        complete(w, 1 + round, 1);
    }
    for (unsigned i = 0; i < 32; i++) {
        vb_submit(w->r, desc_dev_tlb(RID, 0, false));
    }
    g_assert_cmpuint(tag(w, 1 + 100 + 31), ==, tag(w, 0));
    complete(w, 1 + 100 + 31, 1);
    g_assert_cmpuint(completions(w), ==, 101);
    g_assert_cmphex(fsts(w), ==, 0);
}

/* What a reset of the unit gave up may be completed late as well. */
static void reset_gives_up(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);

    vb_submit(w->r, desc_dev_tlb(RID, 0, false));
    im_vtd_reset(w->r->vtd);
    vb_set_root(w->r, w->root, TTM_SCALABLE);
    vb_iq_enable(w->r, true);
    vb_gcmd(w->r, GCMD_TE, true);
    vb_submit(w->r, desc_dev_tlb(RID, 0, false));
    g_assert_cmpuint(tag(w, 1), !=, tag(w, 0));
}

/* --- while translation is off ------------------------------------------- */

static World *off_world(bool early, GString *told)
{
    ImVtdConfig c = rig_vtd_config();
    World *w;

    c.early_ats_inv = early;
    w = world_new(&c, W_FS, true);
    vb_gcmd(w->r, GCMD_TE, false);
    vb_submit(w->r, desc_dev_tlb(RID, 0, false));
    told_listen(w->r, told);
    return w;
}

static void unsupported_request(void)
{
    g_autoptr(GString) told = g_string_new(NULL);
    g_autoptr(World) w = off_world(false, told);

    complete(w, 0, 1);
    g_assert_true(
        g_str_has_prefix(told->str, "advice early-ats-invalidation ["));
    g_assert_nonnull(strstr(told->str, "early-device-tlb-invalidation=on"));
    g_assert_cmpuint(completions(w), ==, 0);
    g_assert_cmphex(fsts(w), ==, 0);
    g_string_truncate(told, 0);
    im_vtd_ats_inv_done(w->r->vtd, RID + 1, 1u << tag(w, 0), 1);
    g_assert_cmpstr(told->str, ==, "");             /* nobody's */
    g_assert_cmphex(fsts(w), ==, 0);
    rig_advance(w->r, w->r->cfg.ats_timeout_ns);
    g_assert_cmphex(fsts(w), ==, FSTS_ITE);
}

static void counts_when_asked_for(void)
{
    g_autoptr(GString) told = g_string_new(NULL);
    g_autoptr(World) w = off_world(true, told);

    g_assert_false(vb_wait(w->r));
    g_string_truncate(told, 0);
    complete(w, 0, 1);
    g_assert_cmpstr(told->str, ==, "");
    g_assert_cmpuint(completions(w), ==, 1);
    g_assert_true(vb_wait(w->r));
    complete(w, 0, 1);
    g_assert_cmphex(fsts(w), ==, FSTS_ICE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned count = 0; count < 8; count++) {
        g_autofree char *path = g_strdup_printf("cc@%u", count);

        spec_row(VTD_ATS_COMPLETION_COUNT, path, count_row,
                 GUINT_TO_POINTER(count));
    }
    spec_test(VTD_ATS_COMPLETION_COUNT, "by-tag", counts_by_tag);
    spec_test(VTD_ATS_COMPLETION_COUNT, "differ", counts_that_differ);
    spec_test(VTD_ATS_COMPLETION_COUNT, "too-few", count_too_few);
    spec_test(VTD_ITAG_REUSE, "late-completion", late_completion);
    spec_test(VTD_ITAG_REUSE, "oldest-first", oldest_first);
    spec_test(VTD_ITAG_REUSE, "late-is-last", late_tag_is_the_last);
    spec_test(VTD_ITAG_REUSE, "reset", reset_gives_up);
    spec_test(VTD_ATS_EARLY, "unsupported-request", unsupported_request);
    spec_test(VTD_ATS_EARLY, "counts", counts_when_asked_for);
    return g_test_run();
}
