/*
 * Many requesters, PASIDs and pages come and go, each change followed by
 * just enough invalidation: no answer is ever older than that.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/fuzz.h"
#include "lib/vtd_build.h"

#define SPACES  24u
#define PAGES   64u
#define BASE    UINT64_C(0x40000000)

typedef struct Space {
    uint64_t fs;
    uint64_t pe;
    uint32_t pasid;
    uint16_t did;
    uint64_t page[PAGES];       /* what is mapped now; 0: nothing */
    bool present;
} Space;

typedef struct State {
    World *w;
    Space space[SPACES];
    uint16_t rid[3];
    uint64_t next;
} State;

static uint64_t iova(unsigned page)
{
    /* neighbours, and some that share no table */
    return BASE + (uint64_t)(page % 8) * 0x1000 +
           (uint64_t)(page / 8) * UINT64_C(0x8040201000);
}

static void select_space(State *s, unsigned i)
{
    s->w->fs = s->space[i].fs;
    s->w->pasid = s->space[i].pasid;
}

static void build(State *s)
{
    World *w = s->w;

    for (unsigned i = 0; i < SPACES; i++) {
        Space *sp = &s->space[i];

        /* a few share a domain-id, as SVA does; nested has its own */
        sp->did = (uint16_t)(w->kind == W_NESTED ? w->did : 1 + i % 3);
        sp->pasid = 0x1000 + 0x777 * i;
        w->fs = sp->fs = world_table(w);
        sp->pe = world_pasid_entry(w, w->rid, sp->pasid, sp->did);
        sp->present = true;
        for (unsigned p = 0; p < PAGES; p += 1 + i % 2) {
            sp->page[p] = s->next;
            s->next += 0x1000;
            world_map(w, iova(p), sp->page[p]);
        }
    }
    for (unsigned i = 0; i < 3; i++) {
        s->rid[i] = (uint16_t)(w->rid + i);
        world_context(w, s->rid[i]);
    }
}

/* Change one page, then tell the unit by one of the ways that suffice. */
static void change_page(State *s, Fuzz *f)
{
    unsigned i = (unsigned)fuzz_below(f, SPACES);
    unsigned p = (unsigned)fuzz_below(f, PAGES);
    Space *sp = &s->space[i];
    bool was = sp->page[p] != 0;
    unsigned am = (unsigned)fuzz_below(f, 36);
    World *w = s->w;

    select_space(s, i);
    if (was && fuzz_one_in(f, 2)) {
        sp->page[p] = 0;
        rig_w64(w->r, world_fs_entry(w, iova(p), 1), 0);
    } else {
        sp->page[p] = s->next;
        s->next += 0x1000;
        world_map(w, iova(p), sp->page[p]);
    }
    if (!was) {
        return;                 /* CM=0: nothing to invalidate */
    }
    switch (fuzz_below(f, 6)) {
    case 0:
        vb_submit(w->r, desc_iotlb(IOTLB_GLOBAL, 0, 0, 0, false));
        break;
    case 1:
        vb_submit(w->r, desc_iotlb(IOTLB_DOMAIN, sp->did, 0, 0, false));
        break;
    case 2:
        vb_submit(w->r,
                  desc_piotlb(PIOTLB_PASID, sp->did, sp->pasid, 0, 0, false));
        break;
    case 3:
        vb_submit(w->r, desc_piotlb(PIOTLB_PAGE, sp->did, sp->pasid,
                                    iova(p) >> (12 + am) << (12 + am), am,
                                    fuzz_one_in(f, 2)));
        break;
    default:
        vb_submit(w->r, desc_piotlb(PIOTLB_PAGE, sp->did, sp->pasid, iova(p), 0,
                                    true));
        break;
    }
    g_assert_true(vb_wait(w->r));
}

/* A process goes, or comes back with the same PASID. */
static void change_space(State *s, Fuzz *f)
{
    Space *sp = &s->space[fuzz_below(f, SPACES)];
    World *w = s->w;

    sp->present = !sp->present;
    rig_put(w->r, sp->pe, PE_P, sp->present);
    if (sp->present) {
        return;
    }
    vb_iq_put(w->r, fuzz_one_in(f, 4) ?
                        desc_pasid_cache(PC_DOMAIN, sp->did, 0) :
                        desc_pasid_cache(PC_PASID, sp->did, sp->pasid));
    vb_iq_put(w->r,
              w->kind == W_NESTED ?
                  desc_iotlb(IOTLB_DOMAIN, sp->did, 0, 0, false) :
                  desc_piotlb(PIOTLB_PASID, sp->did, sp->pasid, 0, 0, false));
    g_assert_true(vb_wait(w->r));
}

static void request(State *s, Fuzz *f)
{
    bool hot = fuzz_one_in(f, 2);
    unsigned p = (unsigned)fuzz_below(f, hot ? 4 : PAGES);
    Space *sp = &s->space[fuzz_below(f, hot ? 2 : SPACES)];
    ImTxn t = world_txn(s->w,
                        fuzz_one_in(f, 3) ? IM_AT_TRANSLATION :
                                            IM_AT_UNTRANSLATED,
                        IM_READ);
    ImXlat x;

    if (t.at == IM_AT_UNTRANSLATED && fuzz_one_in(f, 2)) {
        t.access = IM_WRITE;
    }
    t.rid = s->rid[fuzz_below(f, 3)];
    t.pasid = sp->pasid;
    t.addr = iova(p);
    x = im_vtd_translate(s->w->r->vtd, &t);
    if (sp->present && sp->page[p]) {
        xlat_is_ok(&x, sp->page[p]);
        g_assert_cmpuint(x.perm & t.access, ==, t.access);
    } else if (t.at == IM_AT_TRANSLATION) {
        xlat_is_nothing(&x);
    } else {
        xlat_is_fault(&x, IM_CPL_UR, sp->present ? 0x71 : 0x59);
    }
}

static void run(WorldKind kind, unsigned entries, Fuzz *f)
{
    ImVtdConfig c = rig_vtd_config();
    State s = { .next = UINT64_C(0x200000000) };

    c.iotlb_entries = entries;
    g_autoptr(World) w = world_new_off(&c, kind, true);
    s.w = w;
    build(&s);
    world_on(w);
    for (uint64_t i = 0; i < f->rounds; i++) {
        switch (fuzz_below(f, 160)) {
        case 0:
        case 1:
        case 2:
        case 3:
            change_page(&s, f);
            break;
        case 4:
            change_space(&s, f);
            break;
        default:
            request(&s, f);
            break;
        }
        if (i % 1024 == 0) {
            vb_fault_clear(w->r);
            rig_log_clear(w->r);
        }
    }
    /* else nothing was tested */
    g_assert_cmpuint(im_vtd_counters(w->r->vtd)->iotlb_hits, >,
                     f->rounds / (entries < 64 ? 200 : 50));
}

static void caches(const void *data)
{
    unsigned n = GPOINTER_TO_UINT(data);
    Fuzz f = fuzz_new(100000);

    run((WorldKind)(n & 0xff), n >> 8, &f);
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
