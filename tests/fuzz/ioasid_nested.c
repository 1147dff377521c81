/*
 * A guest's first-stage table on a parent whose mappings come and go: what
 * the backend says, with its caches and without, against a walk of our own,
 * after every change and the invalidation that it asks for.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "lib/fuzz.h"
#include "lib/vtd_fs.h"
#include "unit/ioasid/guest.h"

#define CHUNKS      16u             /* of guest memory, mapped as a whole */
#define CHUNK       (UINT64_C(48) * PAGE)
#define VA          UINT64_C(0x7f1234567000)
#define VAS         24u             /* pages that are asked for */
#define PS          (UINT64_C(1) << 7)
#define OUT         UINT64_C(0xffffffffff000)
/* Arm: of tables; and what we know a block by, even one that is not valid. */
#define NO_USER     (UINT64_C(1) << 61)
#define NO_WRITE    (UINT64_C(1) << 62)
#define ARM_BLOCK   (UINT64_C(1) << 55)
#define ARM_AF      (UINT64_C(1) << 10)
#define ARM_USER    (UINT64_C(1) << 6)

typedef struct World {
    Fuzz *f;
    Guest g;
    bool arm;                       /* stage 1 behind a CD, else VT-d */
    uint64_t cd;
    uint64_t root;
    ImuPasidAlloc pasid;
    uint32_t prot[CHUNKS];          /* 0: not mapped */
} World;

/* --- our own walk ----------------------------------------------------- */

static uint32_t prot_at(const World *w, uint64_t gpa)
{
    return gpa < GUEST_BASE || gpa >= GUEST_BASE + CHUNKS * CHUNK ?
               0 :
               w->prot[(gpa - GUEST_BASE) / CHUNK];
}

typedef struct Ask {
    World *w;
    bool write;
} Ask;

static bool vtd_entry(void *opaque, const FsWalk *fs, uint64_t *e)
{
    World *w = ((Ask *)opaque)->w;

    if (!(prot_at(w, fs->at) & IMU_PROT_READ)) {
        return false;
    }
    *e = guest_get(&w->g, fs->at);
    return *e & FS_P && !(fs->top && *e & FS_PS);
}

/* As a user, who needs U/S all along; what is to be updated is writable. */
static bool vtd_judge(void *opaque, const FsWalk *fs)
{
    const Ask *a = opaque;

    return fs->us && (!fs_lacks_flag(fs, a->write) ||
                      prot_at(a->w, fs->at) & IMU_PROT_WRITE);
}

static bool slow_walk(World *w, uint64_t va, bool write, uint64_t *pa)
{
    Ask a = { w, write };
    FsWalk fs;

    if (!fs_walk(w->root, 4, va, vtd_entry, vtd_judge, &a, &fs) ||
        !fs_grants(&fs, write) ||
        !(prot_at(w, fs.out) & (write ? IMU_PROT_WRITE : IMU_PROT_READ))) {
        return false;
    }
    *pa = rig_pa(w->g.r, fs.out);
    return true;
}

static bool slow_walk_arm(World *w, uint64_t va, bool write, uint64_t *pa)
{
    uint64_t table = w->root;
    bool rw = true;

    if (!(prot_at(w, w->cd) & IMU_PROT_READ)) {
        return false;
    }
    for (unsigned level = 4; level-- > 0;) {
        unsigned shift = 12 + 9 * level;
        uint64_t at = table + (va >> shift & 511) * 8;
        uint64_t e;

        if (!(prot_at(w, at) & IMU_PROT_READ)) {
            return false;
        }
        e = guest_get(&w->g, at);
        table = e & UINT64_C(0xfffffffff000);
        if (level && (e & 3) == 3) {
            rw = rw && !(e & NO_WRITE);
            if (e & NO_USER) {
                return false;
            }
            continue;
        }
        if ((level ? level == 3 || (e & 3) != 1 : (e & 3) != 3) ||
            !(e & ARM_AF) || !(e & ARM_USER)) {
            return false;
        }
        rw = rw && !(e & ARM_READ_ONLY);
        table |= va & ((UINT64_C(1) << shift) - 1);
        break;
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
        .addr = va,
        .len = 8,
        .pasid = 1,
        .has_pasid = true,
        .rid = FUNC,
        .access = write ? IM_WRITE : IM_READ,
    };
    uint64_t want = 0;
    bool good = w->arm ? slow_walk_arm(w, va, write, &want) :
                         slow_walk(w, va, write, &want);
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
    return fuzz_one_in(w->f, 12) ?
               fuzz_u64(w->f) & UINT64_C(0xffffffff000) :
               GUEST_BASE + fuzz_below(w->f, CHUNKS * CHUNK / PAGE) * PAGE;
}

static bool is_large(const World *w, uint64_t e)
{
    return e & (w->arm ? ARM_BLOCK : PS);
}

static uint64_t page_flags(const World *w, bool leaf)
{
    return !w->arm ? VTD_PAGE : leaf ? ARM_PAGE : ARM_TABLE;
}

/* P, RW, US, A; V, AP, AF; V, APTable */
static uint64_t damaged(World *w, uint64_t e, bool leaf)
{
    static const uint8_t bits[][4] = {
        { 0, 1, 2, 5 },
        { 0, 6, 7, 10 },
        { 0, 0, 61, 62 },
    };

    return e ^ UINT64_C(1) << bits[!w->arm ? 0 :
                                   leaf    ? 1 :
                                             2][fuzz_below(w->f, 4)];
}

static uint64_t mended(World *w, uint64_t e, bool leaf)
{
    if (w->arm && !leaf) {
        return (e & ~(NO_USER | NO_WRITE)) | ARM_TABLE;
    }
    return w->arm && is_large(w, e) ? e | (ARM_PAGE & ~UINT64_C(2)) :
                                      e | page_flags(w, leaf);
}

/* Damage, or mend, an entry on the way of va. */
static void change_entry(World *w)
{
    uint64_t va = VA + fuzz_below(w->f, VAS) * PAGE;
    unsigned stop = fuzz_one_in(w->f, 5) ? 1 + (unsigned)fuzz_below(w->f, 3) :
                                           0;
    uint64_t at = w->root + (va >> 39 & 511) * 8;
    uint64_t e = guest_get(&w->g, at);
    unsigned level = 3;
    bool leaf;

    while (level > stop && !(level < 3 && is_large(w, e))) {
        level--;
        at = (e & (w->arm ? UINT64_C(0xfffffffff000) : OUT)) +
             (va >> (12 + 9 * level) & 511) * 8;
        e = guest_get(&w->g, at);
    }
    leaf = level == 0 || (level < 3 && is_large(w, e));
    if (level == 0 && fuzz_one_in(w->f, 2)) {
        e = random_target(w) | page_flags(w, true);
    } else if (level == 1 && is_large(w, e) && fuzz_one_in(w->f, 2)) {
        e = guest_get(&w->g, GUEST_BASE);           /* as it was */
    } else if (level == 1 && !is_large(w, e) && fuzz_one_in(w->f, 2)) {
        guest_set(&w->g, GUEST_BASE, e);
        e = fuzz_below(w->f, 2) << 21 |
            (w->arm ? (ARM_PAGE & ~UINT64_C(2)) | ARM_BLOCK : VTD_PAGE | PS);
    } else {
        e = fuzz_below(w->f, 4) ? mended(w, e, leaf) : damaged(w, e, leaf);
    }
    guest_set(&w->g, at, e);
    invalidate(w, va, leaf);
}

static void change_parent(World *w)
{
    static const uint32_t prots[] = {
        0, IMU_PROT_READ, RW, RW, RW, RW, RW, RW
    };
    unsigned i = (unsigned)fuzz_below(w->f, CHUNKS);
    uint64_t at = GUEST_BASE + i * CHUNK;
    uint32_t prot = prots[fuzz_below(w->f, G_N_ELEMENTS(prots))];

    if (w->prot[i]) {
        g_assert_cmpint(rig_unmap(w->g.r, w->g.parent, at, CHUNK), ==, 0);
    }
    w->prot[i] = prot;
    if (prot) {
        g_assert_cmpint(rig_map(w->g.r, w->g.parent, prot, at, at, CHUNK), ==,
                        0);
    }
    /* The CD that is cached may have been there: the guest says so. */
    if (w->arm && w->pasid.gpasid) {
        g_assert_cmpint(rig_inval(w->g.r, IMU_GRAN_ALL, IMU_CACHE_PASID, NULL),
                        ==, 0);
    }
}

static void change_tracking(World *w)
{
    ImuDirtySet a = {
        .head.flags = fuzz_one_in(w->f, 2) ? IMU_DIRTY_ON : 0,
        .set = w->g.r->set,
        .space = w->g.parent,
    };

    ok(w->g.r, DIRTY_SET, &a);
}

static ImuRef space(World *w)
{
    return w->arm ? guest_smmu(&w->g, IMU_SPACE_NESTED, w->cd, 0, 0) :
                    guest_vtd(&w->g, w->root);
}

/* The same space again: nothing that is cached survives. */
static void replace(World *w)
{
    g_assert_cmpint(rig_detach(w->g.r, w->pasid.pasid), ==, 0);
    g_assert_cmpint(rig_attach(w->g.r, w->pasid.pasid, space(w)), ==, 0);
}

static void build(World *w)
{
    Rig *r = rig_new(IMU_MODE_IDENTITY);

    w->g = (Guest) { .r = r, .next = GUEST_BASE + PAGE };
    w->g.parent = rig_mapped(r, IMU_SPACE_PARENT | IMU_SPACE_DIRTY);
    w->pasid = (ImuPasidAlloc) { 0 };
    w->root = guest_page(&w->g);
    if (w->arm) {
        w->cd = guest_page(&w->g);
        guest_cd(&w->g, w->cd, w->root, 5);
    }
    for (unsigned i = 0; i < CHUNKS; i++) {
        w->prot[i] = 0;
    }
    for (unsigned i = 0; i < VAS; i++) {
        guest_set(&w->g,
                  guest_entry(&w->g, w->root, VA + i * PAGE,
                              page_flags(w, false)),
                  random_target(w) | page_flags(w, true));
    }
    for (unsigned i = 0; i < CHUNKS; i++) {
        change_parent(w);
    }
    w->pasid = rig_pasid(r);
    g_assert_cmpuint(w->pasid.gpasid, ==, 1);
    g_assert_cmpint(rig_attach(r, w->pasid.pasid, space(w)), ==, 0);
}

static void against_a_walk_of_our_own(const void *arm)
{
    Fuzz f = fuzz_new(20000);
    World w = { .f = &f, .arm = arm };
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
    g_test_add_data_func("/fuzz/ioasid/nested/vtd", NULL,
                         against_a_walk_of_our_own);
    g_test_add_data_func("/fuzz/ioasid/nested/arm", "",
                         against_a_walk_of_our_own);
    return g_test_run();
}
