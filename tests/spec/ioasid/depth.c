/*
 * A guest that is itself a host: a backend whose hardware is a set of another
 * backend. Section 18 of docs/uapi.rst.
 *
 * L0 is the host. L1, its guest, has a backend of its own, whose functions are
 * those that L0 assigned, and whose host PASIDs are L1's guest PASIDs in L0. L2,
 * a guest of L1, has a first-stage table. What L1 maps for L2 is a second stage
 * of L1, which L0 shadows, so that hardware nests twice and not three times.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/io_world.h"
#include "lib/spec.h"
#include "lib/vtd_build.h"

#define RC(got, want)  g_assert_cmpint(got, ==, want)

#define L2_TABLE  4u                /* pages 4 to 7 of L2's memory */
#define L2_PAGES  16u
#define L1_FIRST  20u               /* page of L1's that is L2's page 0 */

typedef struct Level {
    Io *io;
    ImuRef set, q, dev, space;      /* space: what the PASID is in */
    ImuPasidAlloc pasid;
    uint32_t hpasid;
} Level;

typedef struct Stack {
    Level l0, l1;
    ImuRef ram, shadow;             /* of L0 */
} Stack;

static void level_new(Level *l, uint32_t func, uint64_t cookie, ImuMapMode mode)
{
    ImuDevBind b = { .func = func, .cookie = cookie };

    l->io = io_new(NULL);
    l->set = b.set = io_set(l->io, mode, IMU_POOL_DEVICE);
    l->q = io_faultq(l->io, l->set, 0);
    RC(io_DEV_BIND(l->io, &b), 0);
    l->dev = b.dev;
}

/* L1's second stage: L2's memory is L1's pages from L1_FIRST on. L0 knows it
 * as COPY of what L1's addresses are, into a shadow. */
static void map_l2(Stack *s)
{
    Level *l0 = &s->l0, *l1 = &s->l1;
    ImuRef parent = io_mapped(l1->io, l1->set, IMU_SPACE_PARENT, io_none());

    io_map(l1->io, l1->set, parent, L1_FIRST, L2_PAGES, 0);
    l1->space = io_nested(l1->io, l1->set, parent, l1->q, L2_TABLE);
    s->ram = io_mapped(l0->io, l0->set, 0, io_none());
    io_map(l0->io, l0->set, s->ram, 0, IO_RO_PAGE, io_pa(l1->io, 0));
    s->shadow = io_mapped(l0->io, l0->set, IMU_SPACE_PARENT, io_none());
    RC(IO(l0->io, COPY, ImuCopy,
          .head.flags = IMU_PROT_READ | IMU_PROT_WRITE | IMU_MAP_FIXED,
          .set = l0->set, .dst = s->shadow, .src = s->ram,
          .length = L2_PAGES * IO_PAGE, .dst_iova = 0,
          .src_iova = io_pa(l1->io, L1_FIRST)),
       0);
    l0->space = io_nested(l0->io, l0->set, s->shadow, l0->q, L2_TABLE);
}

/* L2 writes its table; memory is one, so both see it. */
static void l2_maps(Stack *s, uint64_t va, unsigned page)
{
    io_fs_map(s->l1.io, L1_FIRST + L2_TABLE, va, (uint64_t)page * IO_PAGE,
              FS_RWU | FS_A);
    io_fs_map(s->l0.io, L1_FIRST + L2_TABLE, va, (uint64_t)page * IO_PAGE,
              FS_RWU | FS_A);
    /* Pointers to the tables are L2's addresses. */
    for (unsigned n = 0; n < 3; n++) {
        static const unsigned shift[] = { 39, 30, 21 };
        uint64_t at = (uint64_t)(L1_FIRST + L2_TABLE + n) * IO_PAGE +
                      (va >> shift[n] & 511) * 8;
        uint64_t pte = GUINT64_TO_LE((uint64_t)(L2_TABLE + n + 1) * IO_PAGE |
                                     FS_RWU | FS_A);

        io_put(s->l1.io, io_at(s->l1.io, 0) + at, &pte, sizeof(pte));
        io_put(s->l0.io, io_at(s->l0.io, 0) + at, &pte, sizeof(pte));
    }
}

static void stack_new(Stack *s)
{
    Level *l0 = &s->l0, *l1 = &s->l1;
    ImuPasidAlloc other;

    level_new(l1, io_func(0), 0, IMU_MODE_TRANSLATE);
    level_new(l0, io_func(1), io_func(0), IMU_MODE_TRANSLATE);
    map_l2(s);
    l2_maps(s, IO_FS_VA(0), 9);
    l1->pasid = io_alloc_fixed(l1->io, l1->set, 77);    /* L2's number */
    io_attach(l1->io, l1->set, l1->dev, &l1->pasid.pasid, l1->space);
    g_assert_true(im_ioasid_host_pasid(l1->io->h, io_func(0), 77, &l1->hpasid));
    /* Something else of L1 has L0's first number: they differ. */
    other = io_alloc_fixed(l0->io, l0->set, 200);
    io_attach(l0->io, l0->set, l0->dev, &other.pasid, s->ram);
    l0->pasid = io_alloc_fixed(l0->io, l0->set, l1->hpasid);
    io_attach(l0->io, l0->set, l0->dev, &l0->pasid.pasid, l0->space);
    g_assert_true(
        im_ioasid_host_pasid(l0->io->h, io_func(1), l1->hpasid, &l0->hpasid));
    g_assert_cmpuint(l0->hpasid, !=, l1->hpasid);
    rig_log_clear(l0->io->r);
    rig_log_clear(l1->io->r);
}

static void stack_free(Stack *s)
{
    io_free(s->l0.io);
    io_free(s->l1.io);
}

/* What L1 thinks an address is, and where the device gets to, are the same. */
static void dma_reaches(Stack *s, uint64_t va, unsigned l2_page)
{
    g_assert_true(io_reaches(s->l1.io, 0, s->l1.hpasid, va,
                             io_pa(s->l1.io, L1_FIRST + l2_page)));
    g_assert_true(io_reaches(s->l0.io, 1, s->l0.hpasid, va,
                             io_pa(s->l0.io, L1_FIRST + l2_page)));
}

static void dma(void)
{
    Stack s;

    stack_new(&s);
    dma_reaches(&s, IO_FS_VA(0), 9);
    g_assert_false(io_reaches(s.l0.io, 1, s.l0.hpasid, IO_FS_VA(1),
                              io_pa(s.l0.io, L1_FIRST + 9)));
    /* Beyond what L1 mapped for L2 is L1's memory: not reached. */
    l2_maps(&s, IO_FS_VA(0), L2_PAGES);
    RC(io_inv_all(s.l0.io, s.l0.set, IMU_INV_SET, io_none(), IMU_CACHE_IOTLB),
       0);
    g_assert_cmpint(
        io_dma(s.l0.io, 1, s.l0.hpasid, IO_FS_VA(0), IM_READ).status, !=,
        IM_OK);
    stack_free(&s);
}

static ImuFault read_one(const Level *l)
{
    ImuFaultRead r = {
        .set = l->set,
        .queue = l->q,
        .faults = io_at(l->io, IO_WORLD_BUF),
        .count = 1,
    };
    ImuFault f;

    RC(io_FAULT_READ(l->io, &r), 0);
    g_assert_cmpuint(r.count, ==, 1);
    io_get(l->io, r.faults, &f, sizeof(f));
    return f;
}

static ImPageResp response(const Level *l)
{
    g_assert_cmpuint(rig_count(l->io->r, RIG_SEEN_PAGE_RESP), ==, 1);
    return rig_seen(l->io->r, RIG_SEEN_PAGE_RESP, 0)->resp;
}

/* Up: L0's queue, L1's hardware, L1's queue. Down: the same way back. */
static void fault(void)
{
    ImuFault at_l1, at_l2;
    ImPageReq up;
    ImPageResp down;
    Stack s;

    stack_new(&s);
    io_page_request(s.l0.io, 1, s.l0.hpasid, 3, IO_FS_VA(5), true);
    at_l1 = read_one(&s.l0);
    g_assert_cmpuint(at_l1.gpasid, ==, s.l1.hpasid);
    up = (ImPageReq) {
        .rid = (uint16_t)at_l1.cookie,
        .has_pasid = true,
        .pasid = at_l1.gpasid,
        .addr = at_l1.addr,
        .prgi = (uint16_t)at_l1.group,
        .read = true,
        .last = true,
    };
    im_ioasid_page_request(s.l1.io->h, &up);
    at_l2 = read_one(&s.l1);
    g_assert_cmpuint(at_l2.gpasid, ==, 77);
    g_assert_cmphex(at_l2.addr, ==, IO_FS_VA(5));
    l2_maps(&s, IO_FS_VA(5), 11);
    RC(IO(s.l1.io, FAULT_ANSWER, ImuAnswer, .set = s.l1.set,
          .ticket = at_l2.ticket),
       0);
    down = response(&s.l1);
    g_assert_cmpuint(down.pasid, ==, s.l1.hpasid);
    g_assert_cmpuint(rig_count(s.l0.io->r, RIG_SEEN_PAGE_RESP), ==, 0);
    RC(IO(s.l0.io, FAULT_ANSWER, ImuAnswer, .set = s.l0.set,
          .ticket = at_l1.ticket, .code = IMU_ANSWER_SUCCESS),
       0);
    down = response(&s.l0);
    g_assert_cmpuint(down.pasid, ==, s.l0.hpasid);
    g_assert_cmpuint(down.rid, ==, io_func(1));
    RC(down.code, IM_PAGE_RESP_SUCCESS);
    dma_reaches(&s, IO_FS_VA(5), 11);
    stack_free(&s);
}

static bool fence_done(const Level *l, uint64_t *ticket)
{
    ImuFence f = { .set = l->set, .ticket = *ticket };

    RC(io_FENCE(l->io, &f), 0);
    *ticket = f.ticket;
    return f.done;
}

static void invalidate(const Level *l, uint32_t gpasid, uint64_t va)
{
    uint64_t buf = io_at(l->io, IO_WORLD_BUF);
    ImuInvEntry e = { .gpasid = gpasid, .addr = va, .length = IO_PAGE };

    io_put(l->io, buf, &e, sizeof(e));
    RC(IO(l->io, INVALIDATE, ImuInvalidate, .set = l->set,
          .target = IMU_INV_SET, .gran = IMU_GRAN_RANGE,
          .caches = IMU_CACHE_IOTLB | IMU_CACHE_DEVTLB, .entry_size = sizeof(e),
          .entries = buf, .count = 1),
       0);
}

/* L2's fence is done when the device has answered L0, and not before. */
static void invalidation(void)
{
    uint64_t outer = 0, inner = 0;
    Stack s;

    stack_new(&s);
    dma_reaches(&s, IO_FS_VA(0), 9);
    RC(io_ats(s.l0.io, 1, s.l0.hpasid, IO_FS_VA(0), IM_READ).status, IM_OK);
    RC(io_ats(s.l1.io, 0, s.l1.hpasid, IO_FS_VA(0), IM_READ).status, IM_OK);
    l2_maps(&s, IO_FS_VA(0), 12);
    invalidate(&s.l1, 77, IO_FS_VA(0));
    g_assert_cmpuint(rig_count(s.l1.io->r, RIG_SEEN_ATS_INV), ==, 1);
    g_assert_cmpuint(rig_seen(s.l1.io->r, RIG_SEEN_ATS_INV, 0)->inv.pasid, ==,
                     s.l1.hpasid);
    invalidate(&s.l0, s.l1.hpasid, IO_FS_VA(0));
    g_assert_cmpuint(rig_count(s.l0.io->r, RIG_SEEN_ATS_INV), ==, 1);
    g_assert_cmpuint(rig_seen(s.l0.io->r, RIG_SEEN_ATS_INV, 0)->inv.pasid, ==,
                     s.l0.hpasid);
    g_assert_false(fence_done(&s.l0, &outer));
    g_assert_false(fence_done(&s.l1, &inner));
    io_complete(s.l0.io);
    g_assert_true(fence_done(&s.l0, &outer));
    g_assert_false(fence_done(&s.l1, &inner));
    io_complete(s.l1.io);
    g_assert_true(fence_done(&s.l1, &inner));
    dma_reaches(&s, IO_FS_VA(0), 12);
    stack_free(&s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(IOASID_DEPTH, "dma-through-both", dma);
    spec_test(IOASID_DEPTH, "fault-through-both", fault);
    spec_test(IOASID_DEPTH, "invalidation-through-both", invalidation);
    return g_test_run();
}
