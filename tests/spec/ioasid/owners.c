/*
 * Limits above contexts: sections 4.38 and 5.5 of docs/uapi.rst. Every command
 * is followed by the backend's own check of I2.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/io_world.h"
#include "lib/spec.h"

#define RC(got, want)  g_assert_cmpint(got, ==, want)
#define LIMITS(p, m, g)  (&(ImIoasidLimits) { .most = { p, m, g } })

static void same(const ImIoasidOwner *o, uint64_t p, uint64_t m, uint64_t g)
{
    const ImIoasidLimits *used = im_ioasid_owner_used(o);

    g_assert_cmpuint(used->most[IM_IOASID_PASIDS], ==, p);
    g_assert_cmpuint(used->most[IM_IOASID_PAGES], ==, m);
    g_assert_cmpuint(used->most[IM_IOASID_GROUPS], ==, g);
}

/* A tree of two: a slice with two contexts in it, one of them further down. */
typedef struct Tree {
    Io *io;
    ImIoasidOwner *slice, *unit;
    ImIoasidCtx *above, *below;
    ImuRef set;                     /* of below, which obeys */
} Tree;

static Tree tree_new(const ImIoasidLimits *slice, const ImIoasidLimits *unit)
{
    Tree t = { .io = io_new(NULL) };

    t.above = t.io->ctx;
    t.slice = im_ioasid_owner_new(t.io->h, NULL, slice);
    t.unit = im_ioasid_owner_new(t.io->h, t.slice, unit);
    RC(im_ioasid_owner_put(t.above, t.slice), 0);
    t.below = io_open(t.io, IM_IOASID_CTX_DEBUG);
    RC(im_ioasid_owner_put(t.below, t.unit), 0);
    t.set = io_set(t.io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    return t;
}

static uint32_t refused(Tree *t)
{
    ImuPasidAlloc a = { .set = t->set };

    RC(io_PASID_ALLOC(t->io, &a), -EDQUOT);
    return a.exhausted;
}

static void pasids(void)
{
    Tree t = tree_new(LIMITS(3, 0, 0), LIMITS(2, 0, 0));
    ImuPasidAlloc a = io_alloc(t.io, t.set);
    ImuRef set;

    io_alloc(t.io, t.set);
    same(t.unit, 2, 0, 0);
    same(t.slice, 2, 0, 0);
    g_assert_cmpuint(refused(&t), ==, IMU_EXHAUSTED_OWNER);
    RC(im_ioasid_owner_limit(t.unit, LIMITS(5, 0, 0)), 0);
    io_alloc(t.io, t.set);
    g_assert_cmpuint(refused(&t), ==, IMU_EXHAUSTED_OWNER + 1);
    io_use(t.io, t.above);
    set = io_set(t.io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    {
        ImuPasidAlloc other = { .set = set };

        RC(io_PASID_ALLOC(t.io, &other), -EDQUOT);
        g_assert_cmpuint(other.exhausted, ==, IMU_EXHAUSTED_OWNER);
    }
    io_use(t.io, t.below);
    RC(io_pasid_free(t.io, t.set, a.pasid), IMU_PASID_FREE);
    same(t.slice, 2, 0, 0);
    RC(IO(t.io, SET_UPDATE, ImuSetUpdate, .set = t.set, .quota_max = 2), 0);
    g_assert_cmpuint(refused(&t), ==, IMU_EXHAUSTED_SET);
    io_free(t.io);
}

static void pages(void)
{
    Tree t = tree_new(LIMITS(0, 8, 0), LIMITS(0, 0, 0));
    ImuRef space = io_mapped(t.io, t.set, 0, io_none());
    ImuRef other = io_mapped(t.io, t.set, 0, io_none());
    ImuMap m = {
        .head.flags = IMU_PROT_READ,
        .set = t.set,
        .space = space,
        .user = io_at(t.io, 0),
        .length = 9 * IO_PAGE,
    };

    RC(io_MAP(t.io, &m), -EDQUOT);
    g_assert_cmpuint(m.exhausted, ==, IMU_EXHAUSTED_OWNER + 1);
    m.length = 8 * IO_PAGE;
    RC(io_MAP(t.io, &m), 0);
    same(t.slice, 0, 8, 0);
    /* Pages that are pinned once count once. */
    RC(IO(t.io, COPY, ImuCopy, .head.flags = IMU_PROT_READ, .set = t.set,
          .dst = other, .src = space, .length = 8 * IO_PAGE,
          .src_iova = m.iova),
       0);
    same(t.slice, 0, 8, 0);
    RC(IO(t.io, UNMAP, ImuUnmap, .set = t.set, .space = space,
          .length = UINT64_MAX),
       0);
    same(t.slice, 0, 8, 0);
    RC(IO(t.io, UNMAP, ImuUnmap, .set = t.set, .space = other,
          .length = UINT64_MAX),
       0);
    same(t.slice, 0, 0, 0);
    io_fail_pin(t.io, 3);
    RC(io_MAP(t.io, &m), -EFAULT);
    same(t.slice, 0, 0, 0);
    io_free(t.io);
}

static void groups(void)
{
    Tree t = tree_new(LIMITS(0, 0, 1), LIMITS(0, 0, 0));
    ImuRef q = io_faultq(t.io, t.set, 0);
    ImuRef evq = io_evq(t.io, t.set, 8);
    ImuRef dev = io_bind(t.io, t.set, 0);
    ImuEvent e[8];

    io_attach(t.io, t.set, dev, NULL, io_mapped(t.io, t.set, 0, q));
    io_page_request(t.io, 0, IO_NO_PASID, 1, 0x1000, true);
    same(t.slice, 0, 0, 1);
    io_page_request(t.io, 0, IO_NO_PASID, 2, 0x2000, true);
    same(t.slice, 0, 0, 1);
    RC(rig_seen(t.io->r, RIG_SEEN_PAGE_RESP, 0)->resp.code,
       IM_PAGE_RESP_FAILURE);
    g_assert_cmpuint(io_events(t.io, t.set, evq, e, 8), ==, 2);
    g_assert_cmpuint(e[0].type, ==, IMU_EVENT_LIMIT_HIT);
    g_assert_cmpuint(e[0].old_state, ==, 2);            /* the slice */
    g_assert_cmpuint(e[0].new_state, ==, IM_IOASID_GROUPS);
    g_assert_cmpuint(e[1].type, ==, IMU_EVENT_FAULT_OVERFLOW);
    RC(io_detach(t.io, t.set, dev, NULL), 0);
    same(t.slice, 0, 0, 0);
    io_free(t.io);
}

/* With everything, or not at all. */
static void moved(void)
{
    Tree t = tree_new(LIMITS(0, 0, 0), LIMITS(0, 0, 0));
    ImIoasidOwner *small = im_ioasid_owner_new(t.io->h, NULL, LIMITS(8, 1, 8));
    g_autofree char *before = NULL;
    IoWorld w;

    io_use(t.io, t.above);
    io_world_init(&w, t.io, 0);
    same(t.slice, 2, IO_RO_PAGE, 2);
    before = io_dump(t.io);
    RC(im_ioasid_owner_put(t.above, small), -EDQUOT);
    io_same(t.io, before);
    RC(im_ioasid_owner_limit(small, LIMITS(8, 100, 8)), 0);
    RC(im_ioasid_owner_put(t.above, small), 0);
    same(t.slice, 0, 0, 0);
    same(small, 2, IO_RO_PAGE, 2);
    RC(im_ioasid_owner_limit(small, LIMITS(1, 0, 0)), -EBUSY);
    RC(im_ioasid_owner_put(t.above, NULL), 0);
    same(small, 0, 0, 0);
    RC(im_ioasid_owner_free(small), 0);
    RC(im_ioasid_owner_free(t.slice), -EBUSY);
    io_free(t.io);
}

/* A number in quarantine is charged to who had it, although it is closed. */
static void closed(void)
{
    Tree t = tree_new(LIMITS(0, 0, 0), LIMITS(0, 0, 0));
    IoWorld w;

    io_world_init(&w, t.io, 0);
    RC(IO(t.io, PASID_FREE, ImuPasidFree, .set = w.set, .pasid = w.bound.pasid),
       0);
    im_ioasid_close(t.below);
    t.io->ctx = t.above;
    same(t.unit, 1, 0, 0);
    RC(im_ioasid_owner_free(t.unit), -EBUSY);
    t.io->r->consistent(t.io->r);
    io_use(t.io, t.above);
    io_settle(t.io);
    same(t.unit, 0, 0, 0);
    RC(im_ioasid_owner_free(t.unit), 0);
    io_free(t.io);
}

static void shown(void)
{
    Tree t = tree_new(LIMITS(30, 40, 50), LIMITS(0, 0, 5));
    ImuLimits v = { .level = 1 };

    io_use(t.io, t.above);
    io_alloc(t.io, io_set(t.io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE));
    io_use(t.io, t.below);
    RC(io_LIMITS(t.io, &v), 0);
    g_assert_cmpuint(v.levels, ==, 2);
    g_assert_cmpuint(v.pasids, ==, 0);
    g_assert_cmpuint(v.groups, ==, 5);
    v.level = 2;
    RC(io_LIMITS(t.io, &v), 0);
    g_assert_cmpuint(v.pasids, ==, 30);
    g_assert_cmpuint(v.pages, ==, 40);
    g_assert_cmpuint(v.pasids_used, ==, 0);     /* the other's is not shown */
    v.level = 0;
    RC(io_LIMITS(t.io, &v), 0);
    g_assert_cmpuint(v.pasids, ==, t.io->cfg.ctx_quota);
    v.level = 3;
    RC(io_LIMITS(t.io, &v), -ENOENT);
    io_free(t.io);
}

static void depth(void)
{
    Io *io = io_new(NULL);
    ImIoasidOwner *o = NULL;

    for (unsigned n = 0; n < 16; n++) {
        o = im_ioasid_owner_new(io->h, o, LIMITS(0, 0, 0));
        g_assert_nonnull(o);
    }
    g_assert_null(im_ioasid_owner_new(io->h, o, LIMITS(0, 0, 0)));
    RC(im_ioasid_owner_put(io->ctx, o), 0);
    io_free(io);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(IOASID_OWNERS, "PASIDs", pasids);
    spec_test(IOASID_OWNERS, "pinned-pages", pages);
    spec_test(IOASID_OWNERS, "fault-credits", groups);
    spec_test(IOASID_OWNERS, "moved-with-everything-or-not", moved);
    spec_test(IOASID_OWNERS, "what-a-closed-context-left", closed);
    spec_test(IOASID_OWNERS, "levels", depth);
    spec_test(IOASID_CMD_LIMITS, "levels-and-own-use", shown);
    return g_test_run();
}
