/*
 * Pools against a table of what was put and not dropped: all of it is found,
 * nothing else is, and what is used outlives what is not.
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib.h>

#include "hw/core/pool.h"
#include "lib/rounds.h"

typedef struct Thing {
    ImPoolSlot slot;
    uint64_t what;              /* the key once more */
} Thing;
G_STATIC_ASSERT(offsetof(Thing, slot) == 0);

typedef struct Fixture {
    ImPool p;
    void *memory;
    GHashTable *live;           /* key -> Thing */
    unsigned drops;
} Fixture;

static void fixture_drop(void *opaque, void *slot)
{
    Fixture *f = opaque;
    Thing *t = slot;

    g_assert_cmphex(t->what, ==, t->slot.key);
    g_assert_true(g_hash_table_remove(f->live, &t->what));
    f->drops++;
    im_pool_free(&f->p, t);
}

static void fixture_set_up(Fixture *f, uint32_t count)
{
    f->memory = g_malloc0(im_pool_bytes(count, sizeof(Thing)));
    f->live = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    f->drops = 0;
    im_pool_init(&f->p, f->memory, count, sizeof(Thing), fixture_drop, f);
}

static void fixture_tear_down(Fixture *f)
{
    g_hash_table_unref(f->live);
    g_free(f->memory);
}

static Thing *fixture_put(Fixture *f, uint64_t key)
{
    Thing *room = im_pool_room(&f->p);
    Thing *t;

    g_assert_cmphex(room->slot.key, ==, IM_POOL_FREE);
    room->what = key;
    t = im_pool_put(&f->p, key);
    g_assert_true(t == room);
    g_assert_cmphex(t->what, ==, key);
    g_assert_true(im_pool_last(&f->p, key) == t);
    g_hash_table_insert(f->live, g_memdup2(&key, sizeof(key)), t);
    return t;
}

static void fixture_check(Fixture *f, uint32_t count)
{
    unsigned n = 0;

    IM_POOL_EACH(&f->p, Thing, t) {
        g_assert_true(g_hash_table_lookup(f->live, &t->what) == t);
        n++;
    }
    g_assert_cmpuint(n, ==, g_hash_table_size(f->live));
    g_assert_cmpuint(n, <=, count);
}

static void test_random(const void *data)
{
    uint32_t count = GPOINTER_TO_UINT(data);
    Fixture f;

    fixture_set_up(&f, count);
    for (unsigned i = test_rounds(20000); i > 0; i--) {
        uint64_t key = (uint64_t)g_test_rand_int_range(0, 3 * (int)count);
        Thing *want, *last, *t;

        key |= key << 40;
        want = g_hash_table_lookup(f.live, &key);
        last = im_pool_last(&f.p, key);
        g_assert_true(!last || last == want);
        t = im_pool_find(&f.p, key);
        g_assert_true(t == want);
        if (!t) {
            unsigned before = f.drops;
            bool full = g_hash_table_size(f.live) == count;

            fixture_put(&f, key);
            /* One goes for want of room, and only then. */
            g_assert_cmpuint(f.drops - before, ==, full);
        } else if (g_test_rand_int_range(0, 4) == 0) {
            fixture_drop(&f, t);
            g_assert_null(im_pool_last(&f.p, key));
            g_assert_null(im_pool_find(&f.p, key));
        }
        if (i % 64 == 0) {
            fixture_check(&f, count);
        }
    }
    fixture_tear_down(&f);
}

/* What is asked for all the time stays, whatever comes and goes: the clock
 * has to come by once to tell it from the rest. */
static void test_second_chance(void)
{
    unsigned lost = 0;
    Fixture f;

    fixture_set_up(&f, 16);
    for (uint64_t other = 100; other < 1000; other++) {
        for (uint64_t key = 0; key < 4; key++) {
            if (!im_pool_find(&f.p, key)) {
                fixture_put(&f, key);
                lost++;
            }
        }
        fixture_put(&f, other);
    }
    g_assert_cmpuint(lost, <=, 2 * 4);
    fixture_tear_down(&f);
}

/* What nobody asks for goes in its turn: after a round or two all of it. */
static void test_old_ones_go(void)
{
    Fixture f;

    fixture_set_up(&f, 16);
    for (uint64_t key = 0; key < 16 + 2 * 16; key++) {
        fixture_put(&f, key);
    }
    for (uint64_t key = 0; key < 16; key++) {
        g_assert_null(im_pool_find(&f.p, key));
    }
    fixture_tear_down(&f);
}

/* A free slot is no key's, not even of the one that means free. */
static void test_empty(void)
{
    Fixture f;

    fixture_set_up(&f, 2);
    g_assert_null(im_pool_last(&f.p, 0));
    g_assert_null(im_pool_find(&f.p, 0));
    g_assert_null(im_pool_find(&f.p, IM_POOL_FREE));
    g_assert_null(im_pool_next(&f.p, NULL));
    fixture_tear_down(&f);
}

/* The caller may drop what it visits. */
static void test_drop_all(void)
{
    Fixture f;

    fixture_set_up(&f, 64);
    for (uint64_t key = 0; key < 40; key++) {
        fixture_put(&f, key);
    }
    IM_POOL_EACH(&f.p, Thing, t) {
        if (t->what % 2) {
            fixture_drop(&f, t);
        }
    }
    fixture_check(&f, 20);
    IM_POOL_EACH(&f.p, Thing, t) {
        fixture_drop(&f, t);
    }
    g_assert_cmpuint(f.drops, ==, 40);
    fixture_tear_down(&f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/core/pool/random/one", GUINT_TO_POINTER(1),
                         test_random);
    g_test_add_data_func("/core/pool/random/few", GUINT_TO_POINTER(16),
                         test_random);
    g_test_add_data_func("/core/pool/random/many", GUINT_TO_POINTER(1024),
                         test_random);
    g_test_add_func("/core/pool/second-chance", test_second_chance);
    g_test_add_func("/core/pool/old-ones-go", test_old_ones_go);
    g_test_add_func("/core/pool/empty", test_empty);
    g_test_add_func("/core/pool/drop-all", test_drop_all);
    return g_test_run();
}
