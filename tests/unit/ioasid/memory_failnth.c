/*
 * Commands of the memory half, with the n-th allocation, pin or write to
 * the user failing, for each n: the state is what it was before.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "guest.h"

typedef struct Fail {
    const char *name;
    int (*run)(Guest *g);
} Fail;

static int map(Guest *g)
{
    ImuMap a = { .head.flags = RW,
                 .set = g->r->set,
                 .space = g->parent,
                 .user = 0x20000,
                 .length = 9 * PAGE };

    return obey(g->r, MAP, &a);
}

/* From two mappings, which do not follow each other in memory. */
static int copy(Guest *g)
{
    ImuCopy a = { .head.flags = IMU_PROT_READ,
                  .set = g->r->set,
                  .dst = g->parent,
                  .src = g->parent,
                  .length = 4 * PAGE,
                  .src_iova = GUEST_BASE - 2 * PAGE };

    return obey(g->r, COPY, &a);
}

static int unmap(Guest *g)
{
    return rig_unmap(g->r, g->parent, GUEST_BASE - 2 * PAGE, 2 * PAGE);
}

static int allow(Guest *g)
{
    const ImuRange in[] = { { 0x900000, 0x9fffff }, { 0, 0x7fffff } };
    ImuAllow a = {
        .set = g->r->set, .space = g->parent, .ranges = 0x1000, .count = 2
    };

    rig_copy(g->r, 0x1000, (void *)(uintptr_t)in, sizeof(in), true);
    return obey(g->r, ALLOW, &a);
}

static int dirty_on(Guest *g)
{
    ImuDirtySet a = { .head.flags = IMU_DIRTY_ON,
                      .set = g->r->set,
                      .space = g->parent };

    return obey(g->r, DIRTY_SET, &a);
}

static int dirty_get(Guest *g)
{
    ImuDirtyGet a = { .set = g->r->set,
                      .space = g->parent,
                      .iova = GUEST_BASE,
                      .length = 64 * PAGE,
                      .page_size = PAGE,
                      .bitmap = 0x3000 };

    return obey(g->r, DIRTY_GET, &a);
}

static int space(Guest *g)
{
    const ImuVtdFirst first = { .root = GUEST_BASE };
    ImuSpaceCreate a = {
        .set = g->r->set,
        .kind = IMU_SPACE_NESTED,
        .parent = g->parent,
        .format = IMU_FORMAT_VTD_FIRST,
        .data = 0x1000,
        .data_size = sizeof(first),
    };

    rig_copy(g->r, 0x1000, (void *)(uintptr_t)&first, sizeof(first), true);
    return obey(g->r, SPACE_CREATE, &a);
}

static int mapped_space(Guest *g)
{
    ImuSpaceCreate a = { .set = g->r->set, .kind = IMU_SPACE_MAPPED };

    return obey(g->r, SPACE_CREATE, &a);
}

static int fence(Guest *g)
{
    ImuFence a = { .set = g->r->set };

    return obey(g->r, FENCE, &a);
}

static int ranges(Guest *g)
{
    ImuRanges a = {
        .set = g->r->set, .space = g->parent, .ranges = 0x1000, .count = 8
    };

    return obey(g->r, RANGES, &a);
}

static const Fail fails[] = {
    { "map", map },
    { "copy", copy },
    { "unmap", unmap },
    { "allow", allow },
    { "dirty on", dirty_on },
    { "space", space },
    { "dirty get", dirty_get },
    { "map while dirty", map },
    { "copy while dirty", copy },
    { "mapped space", mapped_space },
    { "fence", fence },
    { "ranges", ranges },
};

/* Until nothing fails any more. */
static void sweep(Guest *g, const Fail *f, unsigned *n, int want)
{
    for (unsigned i = 0;; i++) {
        char *before = rig_dump(g->r);
        char *after;
        size_t blocks = g->r->blocks;
        int pinned = rig_pinned(g->r);
        int err;

        *n = i;
        err = f->run(g);
        if (*n != NEVER_FAIL) {
            *n = NEVER_FAIL;
            g_assert_cmpint(err, ==, 0);
            g_free(before);
            return;
        }
        g_assert_cmpint(err, ==, want);
        after = rig_dump(g->r);
        g_assert_cmpstr(after, ==, before);
        g_assert_cmpuint(g->r->blocks, ==, blocks);
        g_assert_cmpint(rig_pinned(g->r), ==, pinned);
        g_free(before);
        g_free(after);
        g_assert_cmpuint(i, <, 100);
    }
}

static void restore(Guest *g)
{
    /* What unmap took away. */
    (void)rig_map(g->r, g->parent, RW, GUEST_BASE - 2 * PAGE, 0x30000,
                  2 * PAGE);
}

static void test_nth(size_t which, int want)
{
    const ImuRange reserved[] = { { 0x800000, 0x8fffff },
                                  { 0xfee00000, 0xfeefffff } };
    Guest g = { .r = rig_new_reserving(IMU_MODE_TRANSLATE, reserved, 2) };
    uint64_t data;

    g.parent = rig_mapped(g.r, IMU_SPACE_PARENT | IMU_SPACE_DIRTY);
    g_assert_cmpint(
        rig_map(g.r, g.parent, RW, GUEST_BASE, GUEST_BASE, 64 * PAGE), ==, 0);
    g_assert_cmpint(rig_attach(g.r, (ImuRef) { 0 }, g.parent), ==, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(fails); i++) {
        g_test_message("%s", fails[i].name);
        restore(&g);
        g_assert_cmpint(rig_ats(g.r, 0, GUEST_BASE).status, ==, IM_OK);
        sweep(&g, &fails[i], (unsigned *)(void *)((char *)g.r + which), want);
    }
    data = 0;
    rig_copy(g.r, 0x3000, &data, 8, false);
    g_assert_cmphex(data, ==, 1);       /* noticed, though it failed once */
    rig_free(g.r);
}

static void test_nth_allocation(void)
{
    test_nth(offsetof(Rig, fail_alloc), -ENOMEM);
}

static void test_nth_pin(void)
{
    test_nth(offsetof(Rig, fail_pin), -EFAULT);
}

static void test_nth_write(void)
{
    test_nth(offsetof(Rig, fail_write), -EFAULT);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ioasid/memory/nth-allocation", test_nth_allocation);
    g_test_add_func("/ioasid/memory/nth-pin", test_nth_pin);
    g_test_add_func("/ioasid/memory/nth-write", test_nth_write);
    return g_test_run();
}
