/*
 * The ATC against a list that a child could check: look-ups, replacement,
 * invalidation, in random order.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/pcie/atc.h"
#include "tests/unit/pcie/upstream.h"

#define SPACE  64           /* pages of address space under test */

/* What the oracle remembers of an insertion, newest last. */
typedef struct Known {
    EpAtcEntry e;
    bool gone;
} Known;

static bool known_serves(const EpAtcEntry *e, const EpReq *r)
{
    if (e->priv != r->priv || r->va < e->va ||
        r->va >= e->va + (UINT64_C(1) << e->lg2)) {
        return false;
    }
    if (!e->has_pasid || !r->has_pasid) {
        return e->has_pasid == r->has_pasid;
    }
    return e->global || e->pasid == r->pasid;
}

/* PCIe 10.3.8 by cases; addresses compared page by page. */
static bool known_hit_by(const EpAtcEntry *e, const ImAtsInv *inv)
{
    if (inv->has_pasid && !e->has_pasid) {
        return false;
    }
    if (inv->has_pasid && !inv->global && !e->global &&
        e->pasid != inv->pasid) {
        return false;
    }
    for (uint64_t p = 0; p < UINT64_C(1) << e->lg2; p += 4096) {
        if (inv->lg2size == IM_INV_ALL ||
            (e->va + p) >> inv->lg2size == inv->addr >> inv->lg2size) {
            return true;
        }
    }
    return false;
}

static EpReq random_req(GRand *rnd)
{
    EpReq r = {
        .va = (uint64_t)g_rand_int_range(rnd, 0, SPACE) << 12,
        .has_pasid = g_rand_int_range(rnd, 0, 3) != 0,
    };

    if (r.has_pasid) {
        r.pasid = (uint32_t)g_rand_int_range(rnd, 0, 3);
        r.priv = g_rand_boolean(rnd);
    }
    return r;
}

static void insert(EpAtc *atc, GArray *all, GRand *rnd)
{
    EpReq r = random_req(rnd);
    Known k = { .e = {
                    .lg2 = (uint8_t)g_rand_int_range(rnd, 12, 15),
                    .pasid = r.pasid,
                    .has_pasid = r.has_pasid,
                    .priv = r.priv,
                    .global = r.has_pasid && g_rand_int_range(rnd, 0, 4) == 0,
                    .perm = 3,
                    .pa = (uint64_t)g_rand_int(rnd) << 16,
                } };

    k.e.va = r.va & ~((UINT64_C(1) << k.e.lg2) - 1);
    for (unsigned i = 0; i < all->len; i++) {
        Known *old = &g_array_index(all, Known, i);

        if (old->e.has_pasid == k.e.has_pasid && old->e.priv == k.e.priv &&
            (!k.e.has_pasid || old->e.pasid == k.e.pasid) &&
            old->e.va < k.e.va + (UINT64_C(1) << k.e.lg2) &&
            k.e.va < old->e.va + (UINT64_C(1) << old->e.lg2)) {
            old->gone = true;
        }
    }
    im_ep_atc_insert(atc, &k.e);
    g_array_append_val(all, k);
}

static void invalidate(EpAtc *atc, GArray *all, GRand *rnd)
{
    EpReq r = random_req(rnd);
    ImAtsInv inv = {
        .lg2size = (uint8_t)g_rand_int_range(rnd, 12, 19),
        .has_pasid = r.has_pasid,
        .pasid = r.pasid,
        .global = r.has_pasid && g_rand_int_range(rnd, 0, 4) == 0,
    };

    if (inv.lg2size == 18) {
        inv.lg2size = IM_INV_ALL;
    } else {
        inv.addr = r.va & ~((UINT64_C(1) << inv.lg2size) - 1);
    }
    im_ep_atc_invalidate(atc, &inv);
    for (unsigned i = 0; i < all->len; i++) {
        Known *k = &g_array_index(all, Known, i);

        k->gone |= known_hit_by(&k->e, &inv);
    }
}

/*
 * A hit must be an entry that the oracle still holds. With room for all, a
 * miss must be one for the oracle, too.
 */
static void look_up(EpAtc *atc, const GArray *all, GRand *rnd, bool roomy)
{
    EpReq r = random_req(rnd);
    const EpAtcEntry *got = im_ep_atc_find(atc, &r);
    bool found = false, any = false;

    for (unsigned i = 0; i < all->len; i++) {
        const Known *k = &g_array_index(all, Known, i);

        if (k->gone || !known_serves(&k->e, &r)) {
            continue;
        }
        any = true;
        found |= got && got->pa == k->e.pa && got->va == k->e.va;
    }
    g_assert_true(!got || found);
    g_assert_true(!roomy || !any || got);
}

static void test_random(const void *data)
{
    uint32_t entries = GPOINTER_TO_UINT(data);
    GRand *rnd = g_rand_new_with_seed(20261121 + entries);
    GArray *all = g_array_new(false, false, sizeof(Known));
    EpAtc *atc = im_ep_atc_new(entries);

    for (unsigned i = 0; i < 6000; i++) {
        uint32_t valid = 0;

        switch (g_rand_int_range(rnd, 0, 8)) {
        case 0:
        case 1:
        case 2:
            insert(atc, all, rnd);
            break;
        case 3:
            invalidate(atc, all, rnd);
            break;
        default:
            look_up(atc, all, rnd, entries >= 1024);
            break;
        }
        for (uint32_t n = 0; n < entries; n++) {
            valid += im_ep_atc_entry(atc, n)->valid;
        }
        g_assert_cmpuint(valid, ==, im_ep_atc_used(atc));
        for (unsigned n = all->len; n-- > 0;) {
            if (g_array_index(all, Known, n).gone) {
                g_array_remove_index_fast(all, n);
            }
        }
    }
    im_ep_atc_free(atc);
    g_array_free(all, true);
    g_rand_free(rnd);
}

/* The entry not used for longest goes first. */
static void test_lru(void)
{
    EpAtc *atc = im_ep_atc_new(3);
    EpReq r = { 0 };

    for (unsigned i = 0; i < 3; i++) {
        EpAtcEntry e = { .va = i * 4096, .lg2 = 12, .perm = 3 };

        g_assert_false(im_ep_atc_insert(atc, &e));
    }
    g_assert_nonnull(im_ep_atc_find(atc, &r));
    EpAtcEntry e = { .va = 9 * 4096, .lg2 = 12, .perm = 3 };
    g_assert_true(im_ep_atc_insert(atc, &e));
    r.va = 4096;
    g_assert_null(im_ep_atc_find(atc, &r));
    r.va = 0;
    g_assert_nonnull(im_ep_atc_find(atc, &r));
    im_ep_atc_free(atc);
}

/* Ranges at the very end of the address space do not wrap into its start. */
static void test_top(void)
{
    const ImAtsInv inv = { .addr = UINT64_MAX << 12, .lg2size = 12 };

    g_assert_true(
        im_ep_inv_covers(&inv, UINT64_MAX << 12, 4096, false, 0, false));
    g_assert_false(im_ep_inv_covers(&inv, 0, 4096, false, 0, false));
    g_assert_true(
        im_ep_inv_covers(&inv, UINT64_MAX << 30, 1 << 30, false, 0, false));
}

int main(int argc, char **argv)
{
    static const unsigned sizes[] = { 0, 1, 2, 7, 64, 1024 };

    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree char *path = g_strdup_printf("/pcie/atc/random@%u",
                                                sizes[i]);
        g_test_add_data_func(path, GUINT_TO_POINTER(sizes[i]), test_random);
    }
    g_test_add_func("/pcie/atc/lru", test_lru);
    g_test_add_func("/pcie/atc/top", test_top);
    return g_test_run();
}
