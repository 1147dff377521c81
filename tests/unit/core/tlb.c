/*
 * Translation cache against a brute-force oracle: what it says is always
 * what was put last and not dropped; dropping is exact.
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib.h>

#include "hw/core/tlb.h"
#include "lib/rounds.h"

static const uint8_t shifts[IM_TLB_CLASSES] = {
    12, 21, 30, 0, 14, 0, 0, 42, [15] = 48,
};
/* Those that have a range. */
static const uint8_t used[] = { 0, 1, 2, 4, 7, 15 };
#define ALL_CLASSES  0x8097
#define TAG          IM_TLB_TAG_MIN

/* One thing that was put, or was found by visiting. */
typedef struct Item {
    uint64_t addr;
    uint64_t out;
    uint32_t tag;
    uint8_t cls;
    uint16_t flags;
} Item;

typedef struct Fixture {
    ImTlb t;
    GArray *truth;              /* of Item: put and not dropped */
    uint32_t entries;
} Fixture;

static void set_up(Fixture *f, uint32_t entries)
{
    im_tlb_init(&f->t, entries, shifts);
    f->truth = g_array_new(FALSE, FALSE, sizeof(Item));
    f->entries = entries;
}

static void tear_down(Fixture *f)
{
    im_tlb_destroy(&f->t);
    g_array_unref(f->truth);
}

static uint64_t random64(void)
{
    return (uint64_t)g_test_rand_int() << 32 | (uint32_t)g_test_rand_int();
}

static uint64_t range_start(uint64_t addr, unsigned lg2)
{
    return lg2 >= 57 ? 0 : (addr & ((UINT64_C(1) << 57) - 1)) >> lg2 << lg2;
}

static Item *truth_find(Fixture *f, uint32_t tag, unsigned cls, uint64_t addr)
{
    for (guint i = 0; i < f->truth->len; i++) {
        Item *it = &g_array_index(f->truth, Item, i);

        if (it->tag == tag && it->cls == cls &&
            it->addr == range_start(addr, shifts[cls])) {
            return it;
        }
    }
    return NULL;
}

static void put(Fixture *f, uint32_t tag, unsigned cls, uint64_t addr)
{
    Item it = {
        .addr = range_start(addr, shifts[cls]),
        .out = range_start(random64() & 0xffffffffffffff, shifts[cls]),
        .tag = tag,
        .cls = (uint8_t)cls,
        .flags = (uint16_t)(g_test_rand_int() & ((1 << IM_TLB_FLAGS) - 1)),
    };
    Item *old = truth_find(f, tag, cls, addr);

    im_tlb_put(&f->t, tag, cls, addr, it.out, it.flags);
    if (old) {
        *old = it;
    } else {
        g_array_append_val(f->truth, it);
    }
}

static bool get_matches(Fixture *f, uint32_t tag, unsigned cls, uint64_t addr)
{
    Item *want = truth_find(f, tag, cls, addr);
    ImTlbHit hit;

    if (!im_tlb_get(&f->t, tag, cls, addr, &hit)) {
        return false;
    }
    g_assert_nonnull(want);
    g_assert_cmphex(hit.addr, ==, want->out);
    g_assert_cmphex(hit.flags, ==, want->flags);
    return true;
}

static void collect(void *opaque, uint32_t tag, uint64_t addr,
                    const ImTlbHit *hit)
{
    Item it = {
        .addr = addr, .out = hit->addr, .tag = tag, .flags = hit->flags
    };

    while (shifts[it.cls] != hit->shift) {
        it.cls++;
    }

    g_array_append_val((GArray *)opaque, it);
}

static GArray *contents(Fixture *f)
{
    GArray *a = g_array_new(FALSE, FALSE, sizeof(Item));

    im_tlb_visit(&f->t, collect, a);
    return a;
}

/* Addresses that meet often, also with the top bits set. */
static uint64_t some_address(void)
{
    uint64_t a = (uint64_t)g_test_rand_int_range(0, 1 << 14) << 12;

    if (g_test_rand_bit()) {
        a += UINT64_C(0x40000000) * (uint32_t)g_test_rand_int_range(0, 3);
    }
    if (g_test_rand_bit()) {
        a |= UINT64_C(0x1ff) << 48;
    }
    return a | (g_test_rand_int() & 0xfff);
}

static uint32_t some_tag(void)
{
    static const uint32_t tags[] = {
        TAG,      TAG + 1,  TAG + 6,  0xfffff,
        0x100000, 0x100002, 0x400002, IM_TLB_TAG_MAX,
    };

    return tags[g_test_rand_int_range(0, G_N_ELEMENTS(tags))];
}

static unsigned some_class(void)
{
    return used[g_test_rand_int_range(0, G_N_ELEMENTS(used))];
}

static bool overlaps(const Item *it, uint32_t tag, unsigned classes,
                     uint64_t addr, unsigned lg2)
{
    unsigned wide = MAX(lg2, shifts[it->cls]);

    return it->tag == tag && (classes >> it->cls & 1) &&
           range_start(it->addr, wide) == range_start(addr, wide);
}

/* The aligned 2^lg2 bytes at addr. */
static uint64_t drop_aligned(Fixture *f, uint32_t tag, unsigned classes,
                             uint64_t addr, unsigned lg2)
{
    uint64_t rest = (UINT64_C(1) << MIN(lg2, 57)) - 1;

    return im_tlb_drop(&f->t, tag, classes, addr & ~rest, addr | rest);
}

static void drop(Fixture *f, uint32_t tag, unsigned classes, uint64_t addr,
                 unsigned lg2)
{
    g_autoptr(GArray) before = contents(f);
    g_autoptr(GArray) after = NULL;
    guint kept = 0;
    uint64_t probes = drop_aligned(f, tag, classes, addr, lg2);

    g_assert_cmpuint(probes, <=, 6 * (uint64_t)f->entries + 6);
    after = contents(f);
    for (guint i = 0; i < before->len; i++) {
        Item *it = &g_array_index(before, Item, i);

        if (!overlaps(it, tag, classes, addr, lg2)) {
            Item *now = &g_array_index(after, Item, kept++);

            g_assert_cmphex(now->addr, ==, it->addr);
            g_assert_cmphex(now->out, ==, it->out);
            g_assert_cmphex(now->tag, ==, it->tag);
            g_assert_cmphex(now->cls, ==, it->cls);
        }
    }
    g_assert_cmpuint(kept, ==, after->len);
    for (guint i = f->truth->len; i-- > 0;) {
        if (overlaps(&g_array_index(f->truth, Item, i), tag, classes, addr,
                     lg2)) {
            g_array_remove_index_fast(f->truth, i);
        }
    }
}

static void test_random(const void *data)
{
    Fixture f;

    set_up(&f, GPOINTER_TO_UINT(data));
    for (unsigned i = test_rounds(6000); i > 0; i--) {
        uint32_t tag = some_tag();
        unsigned cls = some_class();
        uint64_t addr = some_address();

        switch (g_test_rand_int_range(0, 10)) {
        case 0:
            drop(&f, tag, ALL_CLASSES & (unsigned)g_test_rand_int(), addr,
                 12 + (unsigned)g_test_rand_int_range(0, 20));
            break;
        case 1:
            drop(&f, tag, ALL_CLASSES, addr,
                 (unsigned)g_test_rand_int_range(12, 64));
            break;
        case 2:
        case 3:
        case 4:
        case 5:
            get_matches(&f, tag, cls, addr);
            break;
        default:
            put(&f, tag, cls, addr);
            g_assert_true(get_matches(&f, tag, cls, addr));
            break;
        }
    }
    tear_down(&f);
}

/* Ranges of any start and end; what only touches one goes with it. */
static void test_ranges(void)
{
    Fixture f;

    set_up(&f, 256);
    for (unsigned i = test_rounds(2000); i > 0; i--) {
        uint64_t a = some_address() & ((UINT64_C(1) << 57) - 1);
        uint64_t b = some_address() & ((UINT64_C(1) << 57) - 1);
        uint64_t first = MIN(a, b);
        uint64_t last = i % 2 ? MAX(a, b) : first + (MAX(a, b) & 0x1ffff);
        g_autoptr(GArray) before = NULL;
        g_autoptr(GArray) after = NULL;
        uint32_t tag = some_tag();
        guint kept = 0;

        for (unsigned n = 0; n < 40; n++) {
            put(&f, some_tag(), some_class(), some_address());
        }
        before = contents(&f);
        im_tlb_drop(&f.t, tag, ALL_CLASSES, first, last);
        after = contents(&f);
        for (guint n = 0; n < before->len; n++) {
            Item *it = &g_array_index(before, Item, n);
            uint64_t end = it->addr | ((UINT64_C(1) << shifts[it->cls]) - 1);

            if (it->tag == tag && it->addr <= last && end >= first) {
                continue;
            }
            g_assert_cmpuint(kept, <, after->len);
            g_assert_cmphex(g_array_index(after, Item, kept).addr, ==,
                            it->addr);
            kept++;
        }
        g_assert_cmpuint(kept, ==, after->len);
    }
    tear_down(&f);
}

/* Aligned neighbours fill it to the last entry; nothing is flushed. */
static void test_full(void)
{
    Fixture f;

    set_up(&f, 4096);
    for (unsigned i = 0; i < 4096; i++) {
        im_tlb_put(&f.t, TAG, 0, 0x7f1234000000 + ((uint64_t)i << 12), 0, 1);
    }
    {
        g_autoptr(GArray) all = contents(&f);

        g_assert_cmpuint(all->len, ==, 4096);
    }
    for (unsigned i = 0; i < 4096; i++) {
        im_tlb_put(&f.t, TAG + 2, 0, random64(), 0, 1);
        g_autoptr(GArray) all = i % 64 ? NULL : contents(&f);

        g_assert_true(!all || all->len == 4096);
    }
    tear_down(&f);
}

/* What is used survives what is not. */
static void test_replacement(void)
{
    Fixture f;
    ImTlbHit hit;
    unsigned kept = 0;

    set_up(&f, 1024);
    for (unsigned i = 0; i < 128; i++) {
        im_tlb_put(&f.t, TAG, 0, (uint64_t)i << 12, 0, 1);
    }
    for (unsigned round = 0; round < 64; round++) {
        for (unsigned i = 0; i < 128; i++) {
            im_tlb_get(&f.t, TAG, 0, (uint64_t)i << 12, &hit);
        }
        for (unsigned i = 0; i < 64; i++) {
            im_tlb_put(&f.t, TAG + 2, 0, random64(), 0, 1);
        }
    }
    for (unsigned i = 0; i < 128; i++) {
        kept += im_tlb_get(&f.t, TAG, 0, (uint64_t)i << 12, &hit);
    }
    g_assert_cmpuint(kept, >=, 96);
    tear_down(&f);
}

static void test_flush(void)
{
    Fixture f;

    set_up(&f, 64);
    for (unsigned i = 0; i < 100; i++) {
        put(&f, some_tag(), some_class(), some_address());
    }
    im_tlb_flush(&f.t);
    g_autoptr(GArray) all = contents(&f);
    g_assert_cmpuint(all->len, ==, 0);
    tear_down(&f);
}

/* A page costs one probe a class; 2^am pages at most that many. */
static void test_probes(void)
{
    Fixture f;

    set_up(&f, 65536);
    g_assert_cmpuint(drop_aligned(&f, TAG, 1, 0x5000, 12), ==, 1);
    g_assert_cmpuint(drop_aligned(&f, TAG, 7, 0x5000, 12), ==, 3);
    g_assert_cmpuint(drop_aligned(&f, TAG, 7, 0x5000, 21), ==, 514);
    g_assert_cmpuint(drop_aligned(&f, TAG, 6, 0x5000, 30), ==, 513);
    g_assert_cmpuint(drop_aligned(&f, TAG, 7, 0x5000, 63), ==, 65536);
    tear_down(&f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/core/tlb/random/one-set", GUINT_TO_POINTER(4),
                         test_random);
    g_test_add_data_func("/core/tlb/random/small", GUINT_TO_POINTER(64),
                         test_random);
    g_test_add_data_func("/core/tlb/random/large", GUINT_TO_POINTER(2048),
                         test_random);
    g_test_add_func("/core/tlb/ranges", test_ranges);
    g_test_add_func("/core/tlb/full", test_full);
    g_test_add_func("/core/tlb/replacement", test_replacement);
    g_test_add_func("/core/tlb/flush", test_flush);
    g_test_add_func("/core/tlb/probes", test_probes);
    return g_test_run();
}
