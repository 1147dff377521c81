/*
 * Owners against a list of what was put and not dropped: nothing is found
 * that is another's or was dropped, and nothing goes that need not, unless
 * to look for it would be dear.
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib.h>
#include <string.h>

#include "hw/core/owner.h"
#include "lib/rounds.h"

static const uint8_t page_shift[IM_TLB_CLASSES] = { 12, 21, 30, 42 };

#define OWNERS  6

typedef struct Item {
    uint64_t addr, out;
    uint8_t owner, shift, whole;
    bool priv;
    uint16_t flags;
} Item;

typedef struct Fixture {
    ImOwnedTlb t;
    ImOwner o[OWNERS];
    GArray *truth;              /* of Item */
} Fixture;

static void fixture_set_up(Fixture *f, uint32_t entries)
{
    memset(f, 0, sizeof(*f));
    im_owned_init(&f->t, entries, page_shift);
    for (unsigned i = 0; i < OWNERS; i++) {
        im_owner_add(&f->t, &f->o[i], (uint8_t)i);
    }
    f->truth = g_array_new(FALSE, FALSE, sizeof(Item));
}

static void fixture_tear_down(Fixture *f)
{
    im_owned_destroy(&f->t);
    g_array_unref(f->truth);
}

static uint64_t rest_of(unsigned lg2)
{
    return (UINT64_C(1) << lg2) - 1;
}

static unsigned class_shift(unsigned shift)
{
    unsigned best = 12;

    for (unsigned i = 0; page_shift[i]; i++) {
        best = page_shift[i] <= shift ? page_shift[i] : best;
    }
    return best;
}

static Item *fixture_find(Fixture *f, const Item *like)
{
    for (guint i = 0; i < f->truth->len; i++) {
        Item *it = &g_array_index(f->truth, Item, i);

        if (it->owner == like->owner && it->priv == like->priv &&
            it->shift == like->shift && it->addr == like->addr) {
            return it;
        }
    }
    return NULL;
}

static uint64_t some_address(void)
{
    uint64_t a = (uint64_t)g_test_rand_int_range(0, 64) << 12;

    a += (uint64_t)g_test_rand_int_range(0, 3) << 21;
    a += (uint64_t)g_test_rand_int_range(0, 2) << 42;
    return g_test_rand_bit() ? a : a | UINT64_C(0x1ff) << 48;
}

static void fixture_put(Fixture *f)
{
    static const uint8_t shifts[] = { 12, 13, 20, 21, 30, 39, 42, 48 };
    unsigned shift = shifts[g_test_rand_int_range(0, 8)];
    uint64_t addr = some_address();
    uint64_t rest = rest_of(class_shift(shift));
    Item it = {
        .addr = addr & ~rest,
        .out = ((uint64_t)(uint32_t)g_test_rand_int() << 24) & ~rest,
        .owner = (uint8_t)g_test_rand_int_range(0, OWNERS),
        .shift = (uint8_t)class_shift(shift),
        .whole = (uint8_t)(g_test_rand_int_range(0, 30) ? shift : 30),
        .priv = g_test_rand_bit(),
        .flags = (uint16_t)g_test_rand_int_range(0, 1 << IM_TLB_FLAGS),
    };
    Item *old = fixture_find(f, &it);

    im_owner_put(&f->t, &f->o[it.owner], it.priv, addr, it.out | (addr & rest),
                 shift, it.whole, it.flags);
    if (old) {
        *old = it;
    } else {
        g_array_append_val(f->truth, it);
    }
}

/* Whether it is cached; asked past all other sizes. */
static bool fixture_has(Fixture *f, const Item *it)
{
    const ImOwner *o = &f->o[it->owner];
    unsigned cls = f->t.class_of[it->shift];
    ImTlbHit hit;

    if (!(o->classes[it->priv] >> cls & 1) ||
        !im_tlb_get(&f->t.tlb, o->tag + it->priv, cls, it->addr, &hit)) {
        return false;
    }
    g_assert_cmphex(hit.addr, ==, it->out);
    g_assert_cmphex(hit.flags, ==, it->flags);
    g_assert_cmpuint(hit.shift, ==, it->shift);
    return true;
}

/* What of an owner is in the range goes with what it is a piece of. */
static void fixture_drop(Fixture *f, unsigned owner, uint64_t first,
                         uint64_t last)
{
    uint32_t budget = IM_OWNER_BUDGET;
    uint64_t mask = IM_BITS(56, 0);
    uint64_t rest = rest_of(f->o[owner].whole);
    g_autofree bool *had = g_new0(bool, f->truth->len + 1);

    for (guint i = 0; i < f->truth->len; i++) {
        had[i] = fixture_has(f, &g_array_index(f->truth, Item, i));
    }
    im_owner_drop(&f->t, &f->o[owner], first, last, &budget);
    first &= mask & ~rest;
    last = (last & mask) | rest;
    for (guint i = f->truth->len; i-- > 0;) {
        Item *it = &g_array_index(f->truth, Item, i);
        uint64_t start = it->addr & mask;
        bool goes = it->owner == owner && start <= last &&
                    (start | rest_of(it->shift)) >= first;

        g_assert_cmpint(fixture_has(f, it), ==, had[i] && !goes);
        if (goes) {
            g_array_remove_index_fast(f->truth, i);
        }
    }
}

static void fixture_renew(Fixture *f, unsigned owner)
{
    im_owner_renew(&f->t, &f->o[owner]);
    for (guint i = f->truth->len; i-- > 0;) {
        Item *it = &g_array_index(f->truth, Item, i);

        if (it->owner == owner) {
            g_assert_false(fixture_has(f, it));
            g_array_remove_index_fast(f->truth, i);
        }
    }
}

/* Whoever looks finds what was put last for an address, or nothing. */
static void fixture_get(Fixture *f)
{
    uint64_t addr = some_address();
    unsigned owner = (unsigned)g_test_rand_int_range(0, OWNERS);
    bool priv = g_test_rand_bit();
    Item like = { .owner = (uint8_t)owner, .priv = priv };
    ImTlbHit hit;
    Item *it;

    if (!im_owner_get(&f->t, &f->o[owner], priv, addr, &hit)) {
        return;
    }
    like.shift = hit.shift;
    like.addr = addr & ~rest_of(hit.shift);
    it = fixture_find(f, &like);
    g_assert_nonnull(it);
    g_assert_cmphex(it->out, ==, hit.addr);
    g_assert_cmphex(it->flags, ==, hit.flags);
}

static void test_random(void)
{
    static const uint64_t spans[] = {
        0xfff, 0x1fff, 0x1fffff, 0x12345fff, UINT64_C(1) << 43,
    };
    Fixture f;

    fixture_set_up(&f, 1024);
    for (unsigned i = test_rounds(30000); i > 0; i--) {
        unsigned owner = (unsigned)g_test_rand_int_range(0, OWNERS);
        uint64_t addr = some_address() & IM_BITS(55, 0);

        switch (g_test_rand_int_range(0, 40)) {
        case 0:
            fixture_renew(&f, owner);
            break;
        case 1:
        case 2:
            fixture_drop(&f, owner, addr,
                         addr + spans[g_test_rand_int_range(0, 5)]);
            break;
        case 3:
            /* New tags for everybody, before long. */
            f.t.next_tag = MAX(f.t.next_tag, IM_TLB_TAG_MAX - 20);
            break;
        case 4:
        case 5:
        case 6:
            fixture_put(&f);
            break;
        default:
            fixture_get(&f);
            break;
        }
        g_assert_cmpuint(f.t.next_tag, <=, IM_TLB_TAG_MAX + 1);
    }
    fixture_tear_down(&f);
}

/* --- tags --------------------------------------------------------------- */

static void put_page(Fixture *f, unsigned owner, bool priv, uint64_t addr)
{
    im_owner_put(&f->t, &f->o[owner], priv, addr, addr, 12, 12, 1);
}

static bool get_page(Fixture *f, unsigned owner, bool priv, uint64_t addr)
{
    ImTlbHit hit;

    return im_owner_get(&f->t, &f->o[owner], priv, addr, &hit);
}

/* No tag is spent on an owner that has nothing. */
static void test_nothing_burnt(void)
{
    Fixture f;
    uint32_t next;

    fixture_set_up(&f, 64);
    next = f.t.next_tag;
    for (unsigned i = 0; i < 100; i++) {
        im_owner_renew(&f.t, &f.o[i % OWNERS]);
    }
    g_assert_cmpuint(f.t.next_tag, ==, next);
    put_page(&f, 1, true, 0x1000);
    im_owner_renew(&f.t, &f.o[1]);
    im_owner_renew(&f.t, &f.o[1]);
    g_assert_cmpuint(f.t.next_tag, ==, next + 2);
    g_assert_false(get_page(&f, 1, true, 0x1000));
    fixture_tear_down(&f);
}

/* When tags are used up all begin anew, with a pair for each. */
static void test_start_over(void)
{
    Fixture f;

    fixture_set_up(&f, 64);
    for (unsigned i = 0; i < OWNERS; i++) {
        put_page(&f, i, false, 0x1000 * i);
    }
    f.t.next_tag = IM_TLB_TAG_MAX - 1;
    im_owner_renew(&f.t, &f.o[0]);
    g_assert_cmpuint(f.o[0].tag, ==, IM_TLB_TAG_MAX - 1);
    for (unsigned i = 1; i < OWNERS; i++) {
        g_assert_true(get_page(&f, i, false, 0x1000 * i));
    }
    put_page(&f, 0, true, 0);
    g_assert_true(get_page(&f, 0, true, 0));
    im_owner_renew(&f.t, &f.o[0]);
    for (unsigned i = 0; i < OWNERS; i++) {
        g_assert_false(im_owner_has(&f.o[i]));
        g_assert_false(get_page(&f, i, false, 0x1000 * i));
        for (unsigned j = 0; j < i; j++) {
            g_assert_cmpuint(f.o[i].tag & ~1u, !=, f.o[j].tag & ~1u);
        }
    }
    g_assert_cmpuint(f.t.next_tag, <, IM_TLB_TAG_MIN + 100);
    fixture_tear_down(&f);
}

/* --- sizes -------------------------------------------------------------- */

static void test_sixteen_sizes(void)
{
    static const uint8_t shifts[] = {
        12, 14, 16, 17, 20, 21, 25, 28, 29, 30, 33, 36, 39, 42, 47, 56,
    };
    const uint64_t addr = UINT64_C(0x123456789abcdef);
    ImOwnedTlb t;
    ImOwner o;
    ImTlbHit hit;

    G_STATIC_ASSERT(sizeof(shifts) == IM_TLB_CLASSES);
    im_owned_init(&t, 1024, shifts);
    im_owner_add(&t, &o, 0);
    for (unsigned i = IM_TLB_CLASSES; i-- > 0;) {
        uint64_t out = UINT64_C(0xff000000000000) >> shifts[i] << shifts[i];

        im_owner_put(&t, &o, false, addr, out, shifts[i], shifts[i],
                     (uint16_t)i);
        g_assert_true(im_owner_get(&t, &o, false, addr, &hit));
        g_assert_cmpuint(hit.shift, ==, shifts[i]);
        g_assert_cmphex(hit.addr, ==, out);
        g_assert_cmpuint(hit.flags, ==, i);
    }
    g_assert_cmpuint(im_owned_count(&t), ==, IM_TLB_CLASSES);
    im_owned_destroy(&t);
}

/* Without a class for its size a page is cached in pieces, as one. */
static void test_pieces(void)
{
    Fixture f;
    uint32_t budget = IM_OWNER_BUDGET;
    ImTlbHit hit;

    fixture_set_up(&f, 64);
    im_owner_put(&f.t, &f.o[0], false, 0x5678, 0x12345678, 16, 16, 1);
    g_assert_true(im_owner_get(&f.t, &f.o[0], false, 0x5000, &hit));
    g_assert_cmpuint(hit.shift, ==, 12);
    g_assert_cmphex(hit.addr, ==, 0x12345000);
    g_assert_false(get_page(&f, 0, false, 0x6000));
    im_owner_drop(&f.t, &f.o[0], 0xf000, 0xffff, &budget);
    g_assert_false(get_page(&f, 0, false, 0x5000));
    fixture_tear_down(&f);
}

static void test_not_cached(void)
{
    Fixture f;

    fixture_set_up(&f, 64);
    im_owner_put(&f.t, &f.o[0], false, 0, 0, 11, 11, 1);
    g_assert_false(im_owner_has(&f.o[0]));
    im_owner_put(&f.t, &f.o[0], false, 0, UINT64_C(1) << 55, 12, 12, 1);
    g_assert_true(get_page(&f, 0, false, 0));
    g_assert_false(get_page(&f, 0, true, 0));
    fixture_tear_down(&f);
}

/* --- budget ------------------------------------------------------------- */

typedef struct BudgetRow {
    const char *name;
    uint64_t first, last;
    uint32_t budget;
    bool all;                   /* goes, in the range or not */
} BudgetRow;

static const BudgetRow budget_rows[] = {
    { "page", 0x1000, 0x1fff, IM_OWNER_BUDGET, false },
    { "share", 0, 0xffefff, IM_OWNER_BUDGET, false },
    { "dear", 0, 0xffffff, IM_OWNER_BUDGET, true },
    { "left", 0, 0x3fff, 5, false },
    { "too-little-left", 0, 0x3fff, 4, true },
    { "spent", 0x1000, 0x1fff, 0, true },
    { "everything", 0, UINT64_MAX, IM_OWNER_BUDGET, true },
    { "wraps", IM_BITS(56, 12), IM_BITS(56, 0) + 0x2000, IM_OWNER_BUDGET,
      true },
    { "more-than-once-round", 0x1000, IM_BITS(57, 0) + 0x2000, IM_OWNER_BUDGET,
      true },
};

static void test_budget(const void *data)
{
    const BudgetRow *row = data;
    uint32_t budget = row->budget;
    uint32_t tag;
    Fixture f;

    fixture_set_up(&f, 65536);
    put_page(&f, 0, false, 0x1000);
    put_page(&f, 0, false, UINT64_C(1) << 40);
    put_page(&f, 1, false, 0x1000);
    tag = f.o[0].tag;
    im_owner_drop(&f.t, &f.o[0], row->first, row->last, &budget);
    g_assert_false(get_page(&f, 0, false, 0x1000));
    g_assert_cmpint(get_page(&f, 0, false, UINT64_C(1) << 40), ==, !row->all);
    g_assert_true(get_page(&f, 1, false, 0x1000));
    g_assert_cmpint(f.o[0].tag != tag, ==, row->all);
    g_assert_cmpint(budget < row->budget, ==, !row->all);
    fixture_tear_down(&f);
}

/* --- tables ------------------------------------------------------------- */

static void test_tables(void)
{
    static const uint8_t tables[IM_TLB_CLASSES] = { 21, 25, 30, 36 };
    static const ImPtFormat fmt[] = {
        { .levels = 4, .index_bits = 9, .page_shift = 12 },
        { .levels = 4, .index_bits = 11, .page_shift = 14 },
    };
    ImWalkPoint got;
    ImOwnedTlb t;
    ImOwner o;

    im_owned_init(&t, 256, tables);
    im_owner_add(&t, &o, 0);
    for (unsigned i = 0; i < 2; i++) {
        g_assert_false(
            im_owner_find_table(&t, &o, false, &fmt[i], 0x405000, &got));
        for (uint8_t level = 4; level-- > 0;) {
            ImWalkPoint at = {
                .table = 0x10000u * (1 + level + 4 * i),
                .level = level,
                .perm = 5,
                .writable = i,
            };

            im_owner_keep_table(&t, &o, false, &fmt[i], 0x405000, &at);
            g_assert_cmpint(im_owner_find_table(&t, &o, false, &fmt[i],
                                                0x404fff, &got),
                            ==, level < IM_OWNER_LEVELS);
            if (level < IM_OWNER_LEVELS) {
                g_assert_cmphex(got.table, ==, at.table);
                g_assert_cmpuint(got.level, ==, level);
                g_assert_cmpuint(got.perm, ==, 5);
                g_assert_cmpint(got.writable, ==, i);
            }
        }
    }
    g_assert_false(im_owner_find_table(&t, &o, true, &fmt[0], 0x405000, &got));
    g_assert_true(im_owner_find_table(&t, &o, false, &fmt[0], 0x605000, &got));
    g_assert_cmpuint(got.level, ==, 1);
    im_owned_destroy(&t);
}

/* --- dump --------------------------------------------------------------- */

static void name_owner(GString *out, const ImOwner *o)
{
    g_string_append_printf(out, "owner %u", o->kind);
}

static void test_dump(void)
{
    static const ImOwnedWords words = { name_owner, "rwx", " privileged" };
    g_autoptr(GString) out = g_string_new(NULL);
    Fixture f;

    fixture_set_up(&f, 256);
    put_page(&f, 2, false, 0x3000);
    im_owner_renew(&f.t, &f.o[2]);
    im_owner_put(&f.t, &f.o[3], true, 0x40000000, 0x80200000, 21, 21, 6);
    im_owned_dump(&f.t, &words, out);
    g_assert_cmpstr(out->str, ==,
                    "  owner 3 0000000040000000 -> 0000000080200000 2M -wx "
                    "privileged\n  1 translations\n");
    for (unsigned i = 0; i < 100; i++) {
        put_page(&f, 4, false, (uint64_t)i << 12);
    }
    g_string_truncate(out, 0);
    im_owned_dump(&f.t, &words, out);
    g_assert_true(g_str_has_suffix(out->str, "  101 translations, the rest "
                                             "not shown\n"));
    g_assert_cmpuint(im_owned_count(&f.t), ==, 101);
    fixture_tear_down(&f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/core/owner/random", test_random);
    g_test_add_func("/core/owner/nothing-burnt", test_nothing_burnt);
    g_test_add_func("/core/owner/start-over", test_start_over);
    g_test_add_func("/core/owner/sixteen-sizes", test_sixteen_sizes);
    g_test_add_func("/core/owner/pieces", test_pieces);
    g_test_add_func("/core/owner/not-cached", test_not_cached);
    for (unsigned i = 0; i < G_N_ELEMENTS(budget_rows); i++) {
        g_autofree char *path = g_strdup_printf("/core/owner/budget/%s",
                                                budget_rows[i].name);

        g_test_add_data_func(path, &budget_rows[i], test_budget);
    }
    g_test_add_func("/core/owner/tables", test_tables);
    g_test_add_func("/core/owner/dump", test_dump);
    return g_test_run();
}
