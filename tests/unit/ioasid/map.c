/*
 * Mapped spaces: the tree and the commands, against a list that is searched
 * from end to end.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "hw/ioasid/memory.h"
#include "rig.h"
#include "lib/rounds.h"

/* --- the tree --------------------------------------------------------- */

#define SLOTS  64u              /* addresses 0 .. SLOTS - 1, and the top */

static bool slow_gap(const IoArea *areas, const bool *in, uint64_t first,
                     uint64_t last, uint64_t len, uint64_t align, uint64_t *at)
{
    for (uint64_t a = first; a <= last && last - a >= len - 1; a++) {
        bool free = a % align == 0;

        for (unsigned i = 0; free && i < SLOTS; i++) {
            free = !in[i] || areas[i].last < a ||
                   areas[i].first > a + (len - 1);
        }
        if (free) {
            *at = a;
            return true;
        }
    }
    return false;
}

static void check_gaps(IoArea *root, const IoArea *areas, const bool *in)
{
    for (unsigned i = 0; i < 8; i++) {
        uint64_t first = (uint64_t)g_test_rand_int_range(0, 256);
        uint64_t last = first + (uint64_t)g_test_rand_int_range(0, 256);
        uint64_t len = (uint64_t)g_test_rand_int_range(1, 20);
        uint64_t align = UINT64_C(1) << g_test_rand_int_range(0, 5);
        uint64_t want = 0;
        uint64_t got = 0;
        bool slow = slow_gap(areas, in, first, last, len, align, &want);

        g_assert_cmpint(im_ioarea_gap(root, first, last, len, align, &got), ==,
                        slow);
        g_assert_cmphex(got, ==, want);
    }
}

static IoArea *slow_from(IoArea *areas, const bool *in, uint64_t addr)
{
    IoArea *best = NULL;

    for (unsigned i = 0; i < SLOTS; i++) {
        if (in[i] && areas[i].last >= addr &&
            (!best || areas[i].first < best->first)) {
            best = &areas[i];
        }
    }
    return best;
}

static void test_tree_is_a_sorted_list(void)
{
    IoArea areas[SLOTS] = { 0 };
    bool in[SLOTS] = { false };
    IoArea *root = NULL;

    for (unsigned round = test_rounds(20000); round > 0; round--) {
        unsigned i = (unsigned)g_test_rand_int_range(0, SLOTS);

        if (in[i]) {
            root = im_ioarea_remove(root, &areas[i]);
        } else {
            areas[i].first = i * 4 + (uint64_t)g_test_rand_int_range(0, 2);
            areas[i].last = i * 4 + (uint64_t)g_test_rand_int_range(1, 4);
            root = im_ioarea_insert(root, &areas[i]);
        }
        in[i] = !in[i];
        g_assert_true(im_span_check(im_ioarea_span(root)));
        for (uint64_t a = 0; a < 260; a += 13) {
            g_assert_true(im_ioarea_from(root, a) == slow_from(areas, in, a));
        }
        check_gaps(root, areas, in);
    }
}

static void test_gap_at_the_end_of_addresses(void)
{
    IoArea a = { .first = UINT64_MAX - 0xfff, .last = UINT64_MAX };
    IoArea *root = im_ioarea_insert(NULL, &a);
    uint64_t at = 0;

    g_assert_false(
        im_ioarea_gap(root, UINT64_MAX - 0x1fff, UINT64_MAX, 0x2000, 1, &at));
    g_assert_true(im_ioarea_gap(root, UINT64_MAX - 0x1fff, UINT64_MAX, 0x1000,
                                0x1000, &at));
    g_assert_cmphex(at, ==, UINT64_MAX - 0x1fff);
    g_assert_false(
        im_ioarea_gap(NULL, 1, UINT64_MAX, UINT64_MAX, UINT64_C(1) << 63, &at));
}

/* --- the commands ----------------------------------------------------- */

typedef struct Slow {
    uint64_t first, last, user;
    uint32_t prot;
} Slow;

#define SPAN  256u              /* pages of the space that are used */

typedef struct Model {
    Rig *r;
    ImuRef space[2];
    GArray *maps[2];            /* Slow */
    ImuRange reserved;
    ImuRange allowed;           /* first > last: all */
} Model;

static Slow *slow_at(Model *m, unsigned s, uint64_t addr)
{
    for (unsigned i = 0; i < m->maps[s]->len; i++) {
        Slow *x = &g_array_index(m->maps[s], Slow, i);

        if (addr >= x->first && addr <= x->last) {
            return x;
        }
    }
    return NULL;
}

static bool slow_meets(Model *m, unsigned s, uint64_t first, uint64_t last)
{
    for (uint64_t a = first; a <= last; a += PAGE) {
        if (slow_at(m, s, a)) {
            return true;
        }
    }
    return false;
}

static bool may_map(const Model *m, unsigned s, uint64_t first, uint64_t last)
{
    if (s == 0 && first <= m->reserved.last && last >= m->reserved.first) {
        return false;
    }
    return s != 0 || m->allowed.first > m->allowed.last ||
           (first >= m->allowed.first && last <= m->allowed.last);
}

static uint64_t random_page(unsigned n)
{
    return (uint64_t)g_test_rand_int_range(0, (int)n) * PAGE;
}

static void random_map(Model *m)
{
    unsigned s = (unsigned)g_test_rand_int_range(0, 2);
    bool fixed = g_test_rand_int_range(0, 3);
    uint64_t len = PAGE + random_page(16);
    ImuMap a = {
        .head.flags = IMU_PROT_READ | (g_test_rand_bit() ? IMU_PROT_WRITE : 0) |
                      (fixed ? IMU_MAP_FIXED : 0),
        .set = m->r->set,
        .space = m->space[s],
        .user = ARGS + random_page(PAGES - 40),
        .length = len,
        .iova = random_page(SPAN),
    };
    uint64_t last = a.iova + len - 1;
    int want = 0;
    int err;
    Slow new;

    if (fixed) {
        want = !may_map(m, s, a.iova, last)   ? -EINVAL :
               slow_meets(m, s, a.iova, last) ? -EEXIST :
                                                0;
    }
    err = obey(m->r, MAP, &a);
    if (!fixed && err == -ENOSPC) {
        return;
    }
    g_assert_cmpint(err, ==, want);
    if (err) {
        return;
    }
    last = a.iova + len - 1;
    g_assert_true(may_map(m, s, a.iova, last));
    g_assert_false(slow_meets(m, s, a.iova, last));
    new = (Slow) { a.iova, last, a.user, a.head.flags & RW };
    g_array_append_val(m->maps[s], new);
}

static void random_unmap(Model *m)
{
    unsigned s = (unsigned)g_test_rand_int_range(0, 2);
    ImuUnmap a = { .set = m->r->set,
                   .space = m->space[s],
                   .iova = random_page(SPAN),
                   .length = PAGE + random_page(40) };
    uint64_t last = a.iova + a.length - 1;
    uint64_t bytes = 0;
    bool cut = false;
    int err;

    for (unsigned i = 0; i < m->maps[s]->len; i++) {
        const Slow *x = &g_array_index(m->maps[s], Slow, i);
        bool inside = x->first >= a.iova && x->last <= last;

        bytes += inside ? x->last - x->first + 1 : 0;
        cut = cut || (!inside && x->first <= last && x->last >= a.iova);
    }
    err = obey(m->r, UNMAP, &a);
    g_assert_cmpint(err, ==, cut || !bytes ? -ENOENT : 0);
    if (err) {
        return;
    }
    g_assert_cmphex(a.length, ==, bytes);
    for (unsigned i = 0; i < m->maps[s]->len;) {
        const Slow *x = &g_array_index(m->maps[s], Slow, i);

        if (x->first >= a.iova && x->last <= last) {
            g_array_remove_index_fast(m->maps[s], i);
        } else {
            i++;
        }
    }
}

static void random_copy(Model *m)
{
    uint64_t len = PAGE + random_page(24);
    ImuCopy a = {
        .head.flags = IMU_MAP_FIXED | IMU_PROT_READ |
                      (g_test_rand_bit() ? IMU_PROT_WRITE : 0),
        .set = m->r->set,
        .dst = m->space[1],
        .src = m->space[0],
        .length = len,
        .dst_iova = random_page(SPAN),
        .src_iova = random_page(SPAN),
    };
    int want = slow_meets(m, 1, a.dst_iova, a.dst_iova + len - 1) ? -EEXIST : 0;
    uint64_t at = 0;

    for (uint64_t i = 0; !want && i < len; i += PAGE) {
        const Slow *x = slow_at(m, 0, a.src_iova + i);

        want = !x ? -ENOENT : a.head.flags & RW & ~x->prot ? -EPERM : 0;
    }
    g_assert_cmpint(obey(m->r, COPY, &a), ==, want);
    while (!want && at < len) {
        const Slow *x = slow_at(m, 0, a.src_iova + at);
        uint64_t in = a.src_iova + at - x->first;
        uint64_t n = MIN(len - at, x->last - x->first + 1 - in);
        Slow new = { a.dst_iova + at, a.dst_iova + at + n - 1, x->user + in,
                     a.head.flags & RW };

        g_array_append_val(m->maps[1], new);
        at += n;
    }
}

static void random_allow(Model *m)
{
    uint64_t first = random_page(SPAN);
    ImuRange range = { first, first + PAGE + random_page(128) - 1 };
    ImuAllow a = {
        .set = m->r->set, .space = m->space[0], .ranges = 0x1000, .count = 1
    };
    bool meets = range.first <= m->reserved.last &&
                 range.last >= m->reserved.first;

    if (g_test_rand_bit()) {
        a.ranges = 0;
        a.count = 0;
        ok(m->r, ALLOW, &a);
        m->allowed = (ImuRange) { 1, 0 };
        return;
    }
    rig_copy(m->r, 0x1000, &range, sizeof(range), true);
    g_assert_cmpint(obey(m->r, ALLOW, &a), ==, meets ? -EADDRINUSE : 0);
    if (!meets) {
        m->allowed = range;
    }
}

static void check_requests(Model *m)
{
    for (unsigned i = 0; i < 16; i++) {
        uint64_t addr = random_page(SPAN + 16) + 0x18;
        const Slow *x = slow_at(m, 0, addr);

        if (x) {
            ImXlat w = rig_dma(m->r, 0, addr, IM_WRITE);

            hits(m->r, 0, addr, rig_pa(m->r, x->user + (addr - x->first)));
            g_assert_cmpint(w.status == IM_OK, ==,
                            !!(x->prot & IMU_PROT_WRITE));
        } else {
            misses(m->r, 0, addr, "UNMAPPED");
        }
    }
}

static void test_commands_are_a_list(void)
{
    static void (*const steps[])(Model *m) = {
        random_map,   random_map,  random_map,   random_unmap,
        random_unmap, random_copy, random_allow, check_requests,
    };
    Model m = { .reserved = { 0x40000, 0x4ffff }, .allowed = { 1, 0 } };

    m.r = rig_new_reserving(IMU_MODE_TRANSLATE, &m.reserved, 1);
    for (unsigned s = 0; s < 2; s++) {
        m.space[s] = rig_mapped(m.r, 0);
        m.maps[s] = g_array_new(FALSE, FALSE, sizeof(Slow));
    }
    g_assert_cmpint(rig_attach(m.r, (ImuRef) { 0 }, m.space[0]), ==, 0);
    for (unsigned i = test_rounds(20000); i > 0; i--) {
        steps[g_test_rand_int_range(0, G_N_ELEMENTS(steps))](&m);
    }
    for (unsigned s = 0; s < 2; s++) {
        g_assert_cmpint(rig_unmap(m.r, m.space[s], 0, UINT64_MAX), ==, 0);
        g_array_unref(m.maps[s]);
    }
    g_assert_cmpint(rig_pinned(m.r), ==, 0);
    rig_free(m.r);
}

static void test_copies_share_their_pins(void)
{
    Rig *r = rig_new(IMU_MODE_TRANSLATE);
    ImuRef a = rig_mapped(r, 0);
    ImuRef b = rig_mapped(r, 0);
    ImuCopy copy = { .head.flags = IMU_PROT_READ,
                     .set = r->set,
                     .dst = b,
                     .src = a,
                     .length = 2 * PAGE,
                     .src_iova = PAGE };

    g_assert_cmpint(rig_map(r, a, RW, 0, ARGS, 4 * PAGE), ==, 0);
    g_assert_cmpint(rig_pinned(r), ==, 4);
    ok(r, COPY, &copy);
    g_assert_cmpint(rig_pinned(r), ==, 4);
    g_assert_cmpint(rig_unmap(r, a, 0, 4 * PAGE), ==, 0);
    g_assert_cmpint(rig_pinned(r), ==, 4);
    g_assert_cmpint(rig_attach(r, (ImuRef) { 0 }, b), ==, 0);
    hits(r, 0, copy.dst_iova, rig_pa(r, ARGS + PAGE));
    g_assert_cmpint(rig_unmap(r, b, copy.dst_iova, 2 * PAGE), ==, 0);
    g_assert_cmpint(rig_pinned(r), ==, 0);
    rig_free(r);
}

static void test_ranges_are_allowed_and_not_reserved(void)
{
    const ImuRange reserved[] = { { 0x5000, 0x5fff }, { 0x6000, 0x6fff } };
    const ImuRange allowed[] = { { 0x8000, 0xffff }, { 0x1000, 0x4fff } };
    Rig *r = rig_new_reserving(IMU_MODE_TRANSLATE, reserved, 2);
    ImuRef s = rig_mapped(r, 0);
    ImuRanges a = { .set = r->set, .space = s, .ranges = 0x1000 };
    ImuAllow allow = {
        .set = r->set, .space = s, .ranges = 0x2000, .count = 2
    };
    ImuRange got[2];

    a.count = 8;
    ok(r, RANGES, &a);
    g_assert_cmpuint(a.count, ==, 1);
    g_assert_cmpint(rig_attach(r, (ImuRef) { 0 }, s), ==, 0);
    a.count = 1;
    g_assert_cmpint(obey(r, RANGES, &a), ==, -EMSGSIZE);
    g_assert_cmpuint(a.count, ==, 2);
    ok(r, RANGES, &a);
    g_assert_cmphex(a.alignment, ==, PAGE);
    rig_copy(r, 0x1000, got, sizeof(got), false);
    g_assert_cmphex(got[0].last, ==, 0x4fff);
    g_assert_cmphex(got[1].first, ==, 0x7000);
    g_assert_cmphex(got[1].last, ==, UINT64_MAX);
    rig_copy(r, 0x2000, (void *)(uintptr_t)allowed, sizeof(allowed), true);
    ok(r, ALLOW, &allow);
    ok(r, RANGES, &a);
    rig_copy(r, 0x1000, got, sizeof(got), false);
    g_assert_cmphex(got[0].first, ==, 0x1000);
    g_assert_cmphex(got[1].last, ==, 0xffff);
    g_assert_cmpint(rig_detach(r, (ImuRef) { 0 }), ==, 0);
    g_assert_cmpint(rig_map(r, s, RW, 0x5000, ARGS, PAGE), ==, -EINVAL);
    allow.count = 0;
    allow.ranges = 0;
    ok(r, ALLOW, &allow);
    g_assert_cmpint(rig_map(r, s, RW, 0x5000, ARGS, PAGE), ==, 0);
    g_assert_cmpint(rig_attach(r, (ImuRef) { 0 }, s), ==, -EADDRINUSE);
    rig_free(r);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ioasid/map/tree", test_tree_is_a_sorted_list);
    g_test_add_func("/ioasid/map/top", test_gap_at_the_end_of_addresses);
    g_test_add_func("/ioasid/map/commands", test_commands_are_a_list);
    g_test_add_func("/ioasid/map/copy", test_copies_share_their_pins);
    g_test_add_func("/ioasid/map/ranges",
                    test_ranges_are_allowed_and_not_reserved);
    return g_test_run();
}
