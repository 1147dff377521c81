/*
 * The dump: what it decodes, and that a guest's tables cannot make it long.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/rig.h"
#include "lib/vtd_build.h"

/* 512 entries of at most one line of fields, and the rest. */
#define LIMIT  (512 * 256 + 32768)

static GString *dump(Rig *r)
{
    GString *out = g_string_new(NULL);
    uint64_t reads = im_vtd_counters(r->vtd)->walk_reads;

    r->allow_stray = true;      /* it looks at queues, and beyond tables */
    im_vtd_dump(r->vtd, out);
    r->strays = 0;
    g_assert_cmpuint(out->len, <, LIMIT);
    g_assert_cmpuint(im_vtd_counters(r->vtd)->walk_reads, ==, reads);
    return out;
}

static void assert_says(const GString *out, const char *text)
{
    if (!strstr(out->str, text)) {
        g_error("\"%s\" is not in the dump:\n%s", text, out->str);
    }
}

static void test_scalable(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    g_autoptr(GString) out = NULL;
    g_autofree char *context = g_strdup_printf("context %04x", w->rid);
    g_autofree char *pasid = g_strdup_printf("PASID %05x", w->pasid);
    ImPageReq req = world_page_req(w);

    req.prgi = 0x55;
    im_vtd_page_request(w->r->vtd, &req);
    world_dma(w, IM_READ, UINT64_C(0x7ffff000));        /* not mapped */
    out = dump(w->r);
    assert_says(out, "scalable mode");
    assert_says(out, context);
    assert_says(out, pasid);
    assert_says(out, "PGTT=1");
    assert_says(out, "fault record 0: SFS.2 (first-stage entry");
    assert_says(out, "; VTD_FLT_SFS_2: VT-d 5.10, 7.1.3, \"");
    assert_says(out, "page request queue");
}

static void test_legacy(void)
{
    g_autoptr(World) w = world_new(NULL, W_LEGACY, false);
    g_autoptr(GString) out = dump(w->r);
    g_autofree char *context = g_strdup_printf("context %04x", w->rid);

    assert_says(out, "legacy mode");
    assert_says(out, context);
    assert_says(out, "TT=1");
}

/* A page that is its own root, context, directory and PASID table. */
static void test_tables_that_loop(void)
{
    static const uint64_t modes[] = { TTM_LEGACY, TTM_SCALABLE };

    for (size_t m = 0; m < G_N_ELEMENTS(modes); m++) {
        g_autoptr(Rig) r = rig_vtd_new(NULL);
        uint64_t page = rig_alloc(r, 1, RIG_READ);
        g_autoptr(GString) out = NULL;

        for (unsigned i = 0; i < 4096; i += 8) {
            rig_w64(r, page + i, page | 0xe01);
        }
        vb_set_root(r, page, modes[m]);
        out = dump(r);
        assert_says(out, "more than is shown");
    }
}

static void test_tables_out_of_memory(void)
{
    g_autoptr(Rig) r = rig_vtd_new(NULL);
    uint64_t page = rig_alloc(r, 1, RIG_READ);
    g_autoptr(GString) out = NULL;

    for (unsigned i = 0; i < 4096; i += 8) {
        rig_w64(r, page + i, r->ram_top | 1);
    }
    vb_set_root(r, page, TTM_SCALABLE);
    out = dump(r);
    assert_says(out, "not readable");
}

static void test_modes_without_tables(void)
{
    static const uint64_t modes[] = { TTM_RESERVED, TTM_ABORT };

    for (size_t m = 0; m < G_N_ELEMENTS(modes); m++) {
        g_autoptr(Rig) r = rig_vtd_new(NULL);
        g_autoptr(GString) out = NULL;

        vb_set_root(r, UINT64_C(0xfffffffffffff000), modes[m]);
        out = dump(r);
        assert_says(out, "root table");
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vtd/dump/scalable", test_scalable);
    g_test_add_func("/vtd/dump/legacy", test_legacy);
    g_test_add_func("/vtd/dump/tables-that-loop", test_tables_that_loop);
    g_test_add_func("/vtd/dump/tables-out-of-memory",
                    test_tables_out_of_memory);
    g_test_add_func("/vtd/dump/modes-without-tables",
                    test_modes_without_tables);
    return g_test_run();
}
