/*
 * A guest's first-stage table on a parent whose mappings come and go: what
 * the backend says, with its caches and without, against a walk of our own,
 * after every change and the invalidation that it asks for.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "lib/fuzz.h"
#include "unit/ioasid/guest.h"

#define CHUNKS      16u             /* of guest memory, mapped as a whole */
#define CHUNK       (UINT64_C(48) * PAGE)
#define VA          UINT64_C(0x7f1234567000)
#define VAS         24u             /* pages that are asked for */
#define PS          (UINT64_C(1) << 7)

typedef struct World {
    Fuzz *f;
    Guest g;
    uint64_t root;
    ImuPasidAlloc pasid;
    uint32_t prot[CHUNKS];          /* 0: not mapped */
} World;

/* --- our own walk ----------------------------------------------------- */

static uint32_t prot_at(const World *w, uint64_t gpa)
{
    return gpa < GUEST_BASE || gpa >= GUEST_BASE + CHUNKS * CHUNK ? 0 :
           w->prot[(gpa - GUEST_BASE) / CHUNK];
}

static bool slow_walk(World *w, uint64_t va, bool write, uint64_t *pa)
{
    uint64_t table = w->root;
    bool rw = true;

    for (unsigned level = 4; level-- > 0;) {
        unsigned shift = 12 + 9 * level;
        uint64_t at = table + (va >> shift & 511) * 8;
        bool leaf = level == 0;
        uint64_t e;

        if (!(prot_at(w, at) & IMU_PROT_READ)) {
            return false;
        }
        e = guest_get(&w->g, at);
        if ((e & 5) != 5 || (level == 3 && (e & PS))) {
            return false;
        }
        rw = rw && (e & 2);
        leaf = leaf || (e & PS && level < 3);
        if ((!(e & VTD_A) || (leaf && write && !(e & VTD_D))) &&
            !(prot_at(w, at) & IMU_PROT_WRITE)) {
            return false;
        }
        table = e & UINT64_C(0xffffffffff000);
        if (leaf) {
            table |= va & ((UINT64_C(1) << shift) - 1);
            break;
        }
    }
    if ((write && !rw) ||
        !(prot_at(w, table) & (write ? IMU_PROT_WRITE : IMU_PROT_READ))) {
        return false;
    }
    *pa = rig_pa(w->g.r, table);
    return true;
}

static void check(World *w)
{
    uint64_t va = VA + fuzz_below(w->f, VAS) * PAGE + 16;
    bool write = fuzz_one_in(w->f, 3);
    ImTxn t = {
        .addr = va, .len = 8, .pasid = 1, .has_pasid = true, .rid = FUNC,
        .access = write ? IM_WRITE : IM_READ,
    };
    uint64_t want = 0;
    bool good = slow_walk(w, va, write, &want);
    ImXlat cold = im_ioasid_explain(w->g.r->h, &t, NULL, NULL);
    ImXlat x = im_ioasid_translate(w->g.r->h, &t);

    g_assert_cmpint(cold.status == IM_OK, ==, good);
    g_assert_cmpint(x.status == IM_OK, ==, good);
    if (good) {
        g_assert_cmphex(cold.addr, ==, want);
        g_assert_cmphex(x.addr, ==, want);
        g_assert_true(x.perm & (write ? IM_PERM_W : IM_PERM_R));
    }
}

/* --- changes ---------------------------------------------------------- */

static void invalidate(World *w, uint64_t va, bool leaf)
{
    ImuInvEntry e = { .gpasid = w->pasid.gpasid };
    uint64_t way = fuzz_below(w->f, leaf ? 3 : 2);
    int err;

    if (way == 0) {
        err = rig_inval(w->g.r, IMU_GRAN_ALL, IMU_CACHE_IOTLB, NULL);
    } else if (way == 1) {
        err = rig_inval(w->g.r, IMU_GRAN_PASID, IMU_CACHE_IOTLB, &e);
    } else {
        e.addr = va;
        e.length = 1 + fuzz_below(w->f, 4 * PAGE);
        err = rig_inval(w->g.r, IMU_GRAN_RANGE, IMU_CACHE_IOTLB, &e);
    }
    g_assert_cmpint(err, ==, 0);
}

static uint64_t random_target(World *w)
{
    return fuzz_one_in(w->f, 12) ? fuzz_u64(w->f) & UINT64_C(0xffffffff000) :
           GUEST_BASE + fuzz_below(w->f, CHUNKS * CHUNK / PAGE) * PAGE;
}

/* Damage, or mend, an entry on the way of va. */
static void change_entry(World *w)
{
    uint64_t va = VA + fuzz_below(w->f, VAS) * PAGE;
    unsigned stop = fuzz_one_in(w->f, 5) ? 1 + (unsigned)fuzz_below(w->f, 3)
                                         : 0;
    uint64_t at = w->root + (va >> 39 & 511) * 8;
    uint64_t e = guest_get(&w->g, at);
    unsigned level = 3;
    bool leaf;

    while (level > stop && !(level < 3 && (e & PS))) {
        level--;
        at = (e & UINT64_C(0xffffffffff000)) +
             (va >> (12 + 9 * level) & 511) * 8;
        e = guest_get(&w->g, at);
    }
    leaf = level == 0 || (level < 3 && (e & PS));
    if (level == 0 && fuzz_one_in(w->f, 2)) {
        e = random_target(w) | VTD_PAGE;
    } else if (level == 1 && (e & PS)) {
        e = guest_get(&w->g, GUEST_BASE);           /* as it was */
    } else if (level == 1 && fuzz_one_in(w->f, 2)) {
        guest_set(&w->g, GUEST_BASE, e);
        e = fuzz_below(w->f, 2) << 21 | VTD_PAGE | PS;
    } else if (fuzz_below(w->f, 4)) {
        e |= VTD_PAGE;
    } else {
        /* P, RW, US, A */
        static const uint8_t bits[] = { 0, 1, 2, 5 };

        e ^= UINT64_C(1) << bits[fuzz_below(w->f, G_N_ELEMENTS(bits))];
    }
    guest_set(&w->g, at, e);
    invalidate(w, va, leaf);
}

static void change_parent(World *w)
{
    static const uint32_t prots[] = { 0, IMU_PROT_READ, RW, RW, RW, RW, RW,
                                      RW };
    unsigned i = (unsigned)fuzz_below(w->f, CHUNKS);
    uint64_t at = GUEST_BASE + i * CHUNK;
    uint32_t prot = prots[fuzz_below(w->f, G_N_ELEMENTS(prots))];

    if (w->prot[i]) {
        g_assert_cmpint(rig_unmap(w->g.r, w->g.parent, at, CHUNK), ==, 0);
    }
    w->prot[i] = prot;
    if (prot) {
        g_assert_cmpint(rig_map(w->g.r, w->g.parent, prot, at, at, CHUNK),
                        ==, 0);
    }
}

static void change_tracking(World *w)
{
    ImuDirtySet a = {
        .head.flags = fuzz_one_in(w->f, 2) ? IMU_DIRTY_ON : 0,
        .set = w->g.r->set, .space = w->g.parent,
    };

    ok(w->g.r, DIRTY_SET, &a);
}

/* The same space again: nothing that is cached survives. */
static void replace(World *w)
{
    g_assert_cmpint(rig_detach(w->g.r, w->pasid.pasid), ==, 0);
    g_assert_cmpint(rig_attach(w->g.r, w->pasid.pasid,
                               guest_vtd(&w->g, w->root)), ==, 0);
}

static void build(World *w)
{
    Rig *r = rig_new(IMU_MODE_IDENTITY);

    w->g = (Guest){ .r = r, .next = GUEST_BASE + PAGE };
    w->g.parent = rig_mapped(r, IMU_SPACE_PARENT | IMU_SPACE_DIRTY);
    w->root = guest_page(&w->g);
    for (unsigned i = 0; i < CHUNKS; i++) {
        w->prot[i] = 0;
    }
    for (unsigned i = 0; i < VAS; i++) {
        guest_set(&w->g, guest_entry(&w->g, w->root, VA + i * PAGE,
                                     VTD_TABLE),
                  random_target(w) | VTD_PAGE);
    }
    for (unsigned i = 0; i < CHUNKS; i++) {
        change_parent(w);
    }
    w->pasid = rig_pasid(r);
    g_assert_cmpuint(w->pasid.gpasid, ==, 1);
    g_assert_cmpint(rig_attach(r, w->pasid.pasid, guest_vtd(&w->g, w->root)),
                    ==, 0);
}

static void test_against_a_walk_of_our_own(void)
{
    Fuzz f = fuzz_new(20000);
    World w = { .f = &f };
    uint64_t good = 0;

    for (uint64_t i = 0; i < f.rounds; i++) {
        if (i % 2000 == 0) {
            if (i) {
                good += im_ioasid_counters(w.g.r->h)->iotlb_hits;
                rig_free(w.g.r);
            }
            build(&w);
        }
        switch (fuzz_below(&f, 40)) {
        case 0 ... 11:
            change_entry(&w);
            break;
        case 12 ... 19:
            change_parent(&w);
            break;
        case 20:
            change_tracking(&w);
            break;
        case 21:
            if (i % 20 == 0) {
                replace(&w);
            }
            break;
        }
        for (unsigned n = 0; n < 6; n++) {
            check(&w);
        }
    }
    good += im_ioasid_counters(w.g.r->h)->iotlb_hits;
    g_assert_cmpuint(good, >, f.rounds / 10);
    rig_free(w.g.r);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fuzz/ioasid/nested", test_against_a_walk_of_our_own);
    return g_test_run();
}
