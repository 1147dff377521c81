/*
 * PASID table entries and what they lead to, of three requesters:
 * tests/fuzz/caches.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fuzz/caches.h"
#include "lib/vtd_build.h"

static void make(Caches *s, Space *sp, unsigned i)
{
    World *w = s->world;

    /* a few share a domain-id, as SVA does; nested has its own */
    sp->tag = (uint16_t)(w->kind == W_NESTED ? w->did : 1 + i % 3);
    sp->pasid = 0x1000 + 0x777 * i;
    w->fs = sp->root = world_table(w);
    sp->entry = world_pasid_entry(w, w->rid, sp->pasid, sp->tag);
}

static void map(Caches *s, const Space *sp, uint64_t va, uint64_t pa)
{
    World *w = s->world;

    w->fs = sp->root;
    if (pa) {
        world_map(w, va, pa);
    } else {
        rig_w64(w->r, world_fs_entry(w, va, 1), 0);
    }
}

static void page_changed(Caches *s, Fuzz *f, const Space *sp, unsigned page)
{
    World *w = s->world;
    unsigned am = (unsigned)fuzz_below(f, 36);
    uint64_t va = iova(s, page);

    switch (fuzz_below(f, 6)) {
    case 0:
        vb_submit(w->r, desc_iotlb(IOTLB_GLOBAL, 0, 0, 0, false));
        break;
    case 1:
        vb_submit(w->r, desc_iotlb(IOTLB_DOMAIN, sp->tag, 0, 0, false));
        break;
    case 2:
        vb_submit(w->r,
                  desc_piotlb(PIOTLB_PASID, sp->tag, sp->pasid, 0, 0, false));
        break;
    case 3:
        vb_submit(w->r, desc_piotlb(PIOTLB_PAGE, sp->tag, sp->pasid,
                                    va >> (12 + am) << (12 + am), am,
                                    fuzz_one_in(f, 2)));
        break;
    default:
        vb_submit(w->r,
                  desc_piotlb(PIOTLB_PAGE, sp->tag, sp->pasid, va, 0, true));
        break;
    }
    g_assert_true(vb_wait(w->r));
}

static void space_changed(Caches *s, Fuzz *f, const Space *sp)
{
    World *w = s->world;

    rig_put(w->r, sp->entry, PE_P, sp->present);
    if (sp->present) {
        return;
    }
    vb_iq_put(w->r, fuzz_one_in(f, 4) ?
                        desc_pasid_cache(PC_DOMAIN, sp->tag, 0) :
                        desc_pasid_cache(PC_PASID, sp->tag, sp->pasid));
    vb_iq_put(w->r,
              w->kind == W_NESTED ?
                  desc_iotlb(IOTLB_DOMAIN, sp->tag, 0, 0, false) :
                  desc_piotlb(PIOTLB_PASID, sp->tag, sp->pasid, 0, 0, false));
    g_assert_true(vb_wait(w->r));
}

static void caches(const void *data)
{
    unsigned n = GPOINTER_TO_UINT(data);
    ImVtdConfig c = rig_vtd_config();

    c.iotlb_entries = n >> 8;
    g_autoptr(World) w = world_new_off(&c, (WorldKind)(n & 0xff), true);
    Caches s = {
        .world = w,
        .r = w->r,
        .rid = w->rid,
        .page_bits = 12,
        .far = UINT64_C(0x8040201000),
        .va_mask = (UINT64_C(1) << 48) - 1,
        .room = c.iotlb_entries,
        .hits = &im_vtd_counters(w->r->vtd)->iotlb_hits,
        .no_page = 0x71,
        .no_space = 0x59,
        .make = make,
        .map = map,
        .page_changed = page_changed,
        .space_changed = space_changed,
        .faults_clear = vb_fault_clear,
        .clear = 1024,
    };
    caches_build(&s);
    for (unsigned i = 0; i < RIDS; i++) {
        world_context(w, (uint16_t)(s.rid + i));
    }
    world_on(w);
    caches_run(&s, 100000);
}

int main(int argc, char **argv)
{
    static const unsigned entries[] = { 16, 64, 4096 };
    g_test_init(&argc, &argv, NULL);

    for (unsigned i = 0; i < G_N_ELEMENTS(entries); i++) {
        g_autofree char *fs = g_strdup_printf("/vtd/fuzz/caches/first@%u",
                                              entries[i]);
        g_autofree char *nest = g_strdup_printf("/vtd/fuzz/caches/nested@%u",
                                                entries[i]);

        g_test_add_data_func(fs, GUINT_TO_POINTER(W_FS | entries[i] << 8),
                             caches);
        g_test_add_data_func(nest, GUINT_TO_POINTER(W_NESTED | entries[i] << 8),
                             caches);
    }
    return g_test_run();
}
