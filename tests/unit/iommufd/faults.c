/*
 * iommufd's page tables, dirty pages and page faults.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "world.h"

#define ROOT  UINT64_C(0x10000)
#define VA    UINT64_C(0x7f1234567000)

/* --- HWPT_ALLOC --------------------------------------------------------- */

typedef struct AllocRow {
    const char *name;
    uint32_t flags;
    uint32_t reserved, reserved2;
    uint32_t type, len;
    int err;
} AllocRow;

static const AllocRow allocs[] = {
    { "plain", 0, 0, 0, 0, 0, 0 },
    { "dirty-pasid", IOF_HWPT_DIRTY | IOF_HWPT_PASID, 0, 0, 0, 0, 0 },
    { "unknown-flag", 1 << 4, 0, 0, 0, 0, -EOPNOTSUPP },
    { "reserved", 0, 1, 0, 0, 0, -EOPNOTSUPP },
    { "reserved2-ignored", 0, 0, 1, 0, 0, 0 },
    { "parent-with-faults", IOF_HWPT_NEST_PARENT | IOF_HWPT_FAULT, 0, 0, 0, 0,
      -EOPNOTSUPP },
    { "no-such-queue", IOF_HWPT_FAULT, 0, 0, 0, 0, -ENOENT },
    { "length-without-type", 0, 0, 0, 0, 8, -EINVAL },
    { "type-without-length", 0, 0, 0, 1, 0, -EINVAL },
    { "data-on-an-ioas", 0, 0, 0, 1, 24, -EOPNOTSUPP },
};

static void test_alloc(gconstpointer data)
{
    const AllocRow *row = data;
    World *w = world_new(VTD);
    uint64_t bytes[3] = { 0 };
    IofHwptAlloc a = want_hwpt(w->dev, w->ioas, row->flags);

    a.reserved = row->reserved;
    a.reserved2 = row->reserved2;
    a.data_type = row->type;
    a.data_len = row->len;
    a.data = row->len ? fake_addr(bytes) : 0;
    a.fault_id = 99;
    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), row->err);
    world_free(w);
}

static void test_alloc_on_what(void)
{
    World *w = world_new(VTD);
    uint32_t plain = hwpt(w, w->dev, w->ioas, 0);
    IofVtdS1 s1 = { .table = ROOT, .width = 48 };
    IofHwptAlloc a = want_hwpt(99, w->ioas, 0);

    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), -ENOENT);
    a.dev_id = w->ioas;
    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), -ENOENT);
    a.dev_id = w->dev;
    a.pt_id = w->dev;
    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), -EINVAL);
    a.pt_id = 99;
    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), -EINVAL);
    a.pt_id = plain;
    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), -EOPNOTSUPP);     /* no data */
    a.data_type = IOF_DATA_VTD_S1;
    a.data_len = sizeof(s1);
    a.data = fake_addr(&s1);
    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), -EINVAL);         /* no parent */
    a.pt_id = parent(w);
    a.data_len = sizeof(s1) - 1;
    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), -EINVAL);
    a.data_len = sizeof(s1);
    a.data = 0;
    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), -EFAULT);
    world_free(w);
}

/* --- dirty pages -------------------------------------------------------- */

static int dirty_set(World *w, uint32_t id, uint32_t flags)
{
    IofDirtySet a = { .flags = flags, .hwpt_id = id };

    return CMD(w, IOF_NR_HWPT_SET_DIRTY_TRACKING, &a);
}

static int dirty_get(World *w, uint32_t id, uint64_t iova, uint64_t length,
                     uint64_t page, uint32_t flags, uint64_t *bits)
{
    IofDirtyGet a = { .hwpt_id = id,
                      .flags = flags,
                      .iova = iova,
                      .length = length,
                      .page_size = page,
                      .bitmap = bits ? fake_addr(bits) : 8 };

    return CMD(w, IOF_NR_HWPT_GET_DIRTY_BITMAP, &a);
}

static void write_to(World *w, uint64_t iova)
{
    g_assert_cmpint(
        dma_of(w, FUNC, NO_PASID, iova, IM_WRITE, IM_AT_UNTRANSLATED).status,
        ==, IM_OK);
}

static void test_dirty(void)
{
    World *w = world_new(VTD);
    uint32_t id = hwpt(w, w->dev, w->ioas, IOF_HWPT_DIRTY);
    uint64_t bits = UINT64_C(1) << 63;

    RC(attach(w, NO_PASID, id), 0);
    write_to(w, 2 * PAGE);
    RC(dirty_get(w, id, 0, 64 * PAGE, PAGE, 0, &bits), 0);  /* not yet */
    RC(dirty_set(w, id, IOF_DIRTY_ENABLE), 0);
    write_to(w, 3 * PAGE);
    write_to(w, 5 * PAGE + 8);
    reads(w, NO_PASID, 7 * PAGE);
    RC(dirty_get(w, id, 0, 64 * PAGE, PAGE, 0, NULL), 0);   /* nor lost */
    RC(dirty_get(w, id, 0, 64 * PAGE, PAGE, IOF_DIRTY_NO_CLEAR, &bits), 0);
    g_assert_cmphex(bits, ==, UINT64_C(1) << 63 | 1 << 3 | 1 << 5);
    bits = 0;
    RC(dirty_get(w, id, 2 * PAGE, 64 * PAGE, 2 * PAGE, 0, &bits), 0);
    g_assert_cmphex(bits, ==, 1 << 0 | 1 << 1);
    bits = 0;
    RC(dirty_get(w, id, 0, 64 * PAGE, PAGE, 0, &bits), 0);
    g_assert_cmphex(bits, ==, 0);
    write_to(w, 3 * PAGE);
    RC(dirty_get(w, id, 0, 64 * PAGE, PAGE, 0, &bits), 0);
    g_assert_cmphex(bits, ==, 1 << 3);
    write_to(w, 4 * PAGE);
    RC(dirty_set(w, id, IOF_DIRTY_ENABLE), 0);      /* again: all is clean */
    bits = 0;
    RC(dirty_get(w, id, 0, 64 * PAGE, PAGE, 0, &bits), 0);
    g_assert_cmphex(bits, ==, 0);
    write_to(w, 4 * PAGE);
    RC(dirty_set(w, id, 0), 0);
    RC(dirty_get(w, id, 0, 64 * PAGE, PAGE, 0, &bits), 0);
    g_assert_cmphex(bits, ==, 0);
    world_free(w);
}

/* Bits are of the lowest power of two in the size, be it less than a page. */
static void test_dirty_sizes(void)
{
    static const struct {
        uint64_t size;
        unsigned first, count;      /* bits of the third page */
    /* clang-format off */
    } rows[] = {
        { PAGE, 2, 1 }, { 512, 16, 8 }, { 1000, 1024, 512 },
        { 2 * PAGE, 1, 1 }, { 3 * PAGE, 2, 1 }, { 1, 8192, 4096 },
    };
    /* clang-format on */

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        World *w = world_new(VTD);
        uint32_t id = hwpt(w, w->dev, w->ioas, IOF_HWPT_DIRTY);
        uint64_t bits[256] = { 0 };
        const uint8_t *byte = (const uint8_t *)bits;

        RC(attach(w, NO_PASID, id), 0);
        RC(dirty_set(w, id, IOF_DIRTY_ENABLE), 0);
        write_to(w, 2 * PAGE + 8);
        RC(dirty_get(w, id, 0, 4 * PAGE, rows[i].size, 0, bits), 0);
        for (unsigned n = 0; n < sizeof(bits) * 8; n++) {
            g_assert_cmpint(byte[n / 8] >> n % 8 & 1, ==,
                            n >= rows[i].first &&
                                n < rows[i].first + rows[i].count);
        }
        world_free(w);
    }
}

/* Up to a hole, of which nobody is told. */
static void test_dirty_holes(void)
{
    World *w = world_new(VTD);
    uint32_t ioas = fake_ioas(w->file, &w->caller);
    uint64_t bits = 0;
    uint32_t id;

    map(w, ioas, 0, 0, 2 * PAGE);
    map(w, ioas, 3 * PAGE, 0, 2 * PAGE);
    id = hwpt(w, w->dev, ioas, IOF_HWPT_DIRTY);
    RC(attach(w, NO_PASID, id), 0);
    RC(dirty_set(w, id, IOF_DIRTY_ENABLE), 0);
    write_to(w, PAGE);
    write_to(w, 3 * PAGE);
    RC(dirty_get(w, id, 0, 8 * PAGE, PAGE, 0, &bits), 0);
    g_assert_cmphex(bits, ==, 1 << 1);
    bits = 0;
    RC(dirty_get(w, id, 2 * PAGE, 4 * PAGE, PAGE, 0, &bits), 0);
    g_assert_cmphex(bits, ==, 0);
    RC(dirty_get(w, id, 3 * PAGE, 4 * PAGE, PAGE, 0, &bits), 0);
    g_assert_cmphex(bits, ==, 1 << 0);
    world_free(w);
}

/* More pages than one turn has, and bits at an odd address. */
static void test_dirty_many(void)
{
    World *w = world_new(VTD);
    uint32_t ioas = fake_ioas(w->file, &w->caller);
    uint32_t id;
    uint8_t bits[2048 / 8 * 5 + 1] = { 0 };
    unsigned set = 0;

    for (unsigned i = 0; i < 5 * 2048 / RAM_PAGES; i++) {
        map(w, ioas, i * RAM_PAGES * PAGE, 0, RAM_PAGES * PAGE);
    }
    id = hwpt(w, w->dev, ioas, IOF_HWPT_DIRTY);
    RC(attach(w, NO_PASID, id), 0);
    RC(dirty_set(w, id, IOF_DIRTY_ENABLE), 0);
    write_to(w, 0);
    write_to(w, 4095 * PAGE);
    write_to(w, 4096 * PAGE);
    write_to(w, 10239 * PAGE);
    RC(dirty_get(w, id, 0, 10240 * PAGE, PAGE, 0, (void *)(bits + 1)), 0);
    for (unsigned i = 0; i < sizeof(bits); i++) {
        set += (unsigned)__builtin_popcount(bits[i]);
    }
    g_assert_cmpuint(set, ==, 4);
    g_assert_cmphex(bits[1], ==, 1);
    g_assert_cmphex(bits[1 + 511], ==, 0x80);
    g_assert_cmphex(bits[1 + 512], ==, 1);
    g_assert_cmphex(bits[1 + 1279], ==, 0x80);
    world_free(w);
}

/* A table with larger pages: what is dirty is all of one, where an area holds
 * it whole. */
static void test_dirty_large(void)
{
    World *w = world_new(VTD);
    ImIommufdDevice dev = device(VTD, FUNC + 1);
    ImIommufdDriver large = *dev.driver;
    IofHwptAlloc a = want_hwpt(0, w->ioas, IOF_HWPT_DIRTY);
    uint64_t bits = 0;

    large.paging.dirty_shift = IM_IOMMUFD_PAGE_SHIFT + 2;
    dev.driver = &large;
    a.dev_id = add_device(w, &dev);
    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), 0);
    RC(dirty_set(w, a.hwpt_id, IOF_DIRTY_ENABLE), 0);
    RC(im_iommufd_hwpt_write(w->file, a.hwpt_id, 6 * PAGE), 0);
    RC(dirty_get(w, a.hwpt_id, 0, 64 * PAGE, PAGE, IOF_DIRTY_NO_CLEAR, &bits),
       0);
    g_assert_cmphex(bits, ==, 0xf0);
    bits = 0;
    RC(dirty_get(w, a.hwpt_id, 5 * PAGE, 2 * PAGE, PAGE, 0, &bits), 0);
    g_assert_cmphex(bits, ==, 3);
    bits = 0;
    RC(dirty_get(w, a.hwpt_id, 0, 64 * PAGE, PAGE, 0, &bits), 0);
    g_assert_cmphex(bits, ==, 0);
    im_iommufd_unbind(w->file, a.dev_id);
    world_free(w);
}

static void test_dirty_errors(void)
{
    World *w = world_new(VTD);
    ImIommufdDevice dev = device(VTD, FUNC + 1);
    uint32_t id = hwpt(w, w->dev, w->ioas, IOF_HWPT_DIRTY);
    uint32_t plain = hwpt(w, w->dev, w->ioas, 0);
    IofHwptAlloc a = want_hwpt(0, w->ioas, IOF_HWPT_DIRTY);
    uint32_t pt = id;
    uint64_t bits = 0;

    RC(dirty_set(w, plain, 1), -EOPNOTSUPP);
    RC(dirty_get(w, plain, 0, PAGE, PAGE, 0, &bits), -EOPNOTSUPP);
    RC(dirty_set(w, id, 2), -EOPNOTSUPP);
    RC(dirty_set(w, w->ioas, 1), -ENOENT);
    RC(dirty_set(w, id, 1), 0);
    RC(dirty_get(w, id, 0, PAGE, PAGE, 2, &bits), -EOPNOTSUPP);
    RC(dirty_get(w, id, 0, 0, PAGE, 0, &bits), -EINVAL);
    RC(dirty_get(w, id, 0, PAGE, 0, 0, &bits), -EINVAL);
    RC(dirty_get(w, id, 0, 2 * PAGE, 3 * PAGE, 0, &bits), -EINVAL);
    RC(dirty_get(w, id, 0, 4 * PAGE, 5 * PAGE, 0, &bits), -EINVAL);
    RC(dirty_get(w, id, 8, PAGE, PAGE, 0, &bits), -EINVAL);
    RC(dirty_get(w, id, PAGE, 2 * PAGE, 2 * PAGE, 0, &bits), -EINVAL);
    RC(dirty_get(w, id, -PAGE, 2 * PAGE, PAGE, 0, &bits), -EOVERFLOW);
    dev.no_dirty = true;
    a.dev_id = add_device(w, &dev);
    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), -EOPNOTSUPP);
    RC(im_iommufd_attach(w->file, a.dev_id, NO_PASID, &pt), -EINVAL);
    im_iommufd_unbind(w->file, a.dev_id);
    world_free(w);
}

/* --- faults ------------------------------------------------------------- */

typedef struct Fault {
    World *w;
    uint32_t id, nested;
    ImIommufdQueue *q;
} Fault;

static Fault fault_new(void)
{
    Fault f = { .w = world_new(VTD) };
    IofVtdS1 s1 = { .table = ROOT, .width = 48 };
    IofFaultAlloc fa = { 0 };
    IofHwptAlloc a = want_hwpt(f.w->dev, parent(f.w),
                               IOF_HWPT_FAULT | IOF_HWPT_PASID);

    RC(CMD(f.w, IOF_NR_FAULT_QUEUE_ALLOC, &fa), 0);
    f.id = fa.fault_id;
    f.q = g_ptr_array_index(f.w->h->queues, fa.fault_fd - 100);
    a.data_type = IOF_DATA_VTD_S1;
    a.data_len = sizeof(s1);
    a.data = fake_addr(&s1);
    a.fault_id = f.id;
    RC(CMD(f.w, IOF_NR_HWPT_ALLOC, &a), 0);
    f.nested = a.hwpt_id;
    return f;
}

static void fault_free(Fault *f)
{
    im_iommufd_queue_close(f->q);
    world_free(f->w);
}

static void ask(Fault *f, uint32_t pasid, uint16_t prgi, uint64_t addr,
                bool last)
{
    ImPageReq req = { .addr = addr,
                      .rid = FUNC,
                      .prgi = prgi,
                      .has_pasid = pasid != NO_PASID,
                      .pasid = pasid == NO_PASID ? 0 : pasid,
                      .read = true,
                      .write = true,
                      .last = last };

    im_ioasid_page_request(im_iommufd_backend(f->w->h->f), &req);
}

static int64_t take(Fault *f, IofFaultRecord *r, size_t n)
{
    return im_iommufd_queue_read(f->q, &f->w->caller, fake_addr(r),
                                 n * sizeof(*r), 0);
}

static int64_t answer(Fault *f, uint32_t cookie, uint32_t code)
{
    IofFaultResponse r = { cookie, code };

    return im_iommufd_queue_write(f->q, &f->w->caller, fake_addr(&r), sizeof(r),
                                  0);
}

static unsigned ready(const Fault *f)
{
    return im_iommufd_queue_poll(f->q) & IM_IOMMUFD_POLLIN;
}

static void test_fault(gconstpointer data)
{
    uint32_t pasid = GPOINTER_TO_UINT(data);
    Fault f = fault_new();
    IofFaultRecord r[2];

    RC(attach(f.w, pasid, f.nested), 0);
    g_assert_cmpuint(ready(&f), ==, 0);
    RC(take(&f, r, 1), 0);
    ask(&f, pasid, 5, VA, true);
    g_assert_cmpuint(ready(&f), !=, 0);
    g_assert_cmpuint(f.w->h->changed, ==, 1);
    RC(take(&f, r, 2), 40);
    g_assert_cmpuint(ready(&f), ==, 0);
    g_assert_cmpuint(r[0].flags, ==,
                     IOF_FAULT_LAST |
                         (pasid == NO_PASID ? 0 : IOF_FAULT_PASID));
    g_assert_cmpuint(r[0].dev_id, ==, f.w->dev);
    g_assert_cmpuint(r[0].pasid, ==, pasid == NO_PASID ? 0 : pasid);
    g_assert_cmpuint(r[0].group, ==, 5);
    g_assert_cmpuint(r[0].perm, ==, 3);
    g_assert_cmphex(r[0].addr, ==, VA);
    g_assert_cmpuint(r[0].length, ==, 0);
    g_assert_cmpuint(r[0].cookie, ==, 1);
    RC(answer(&f, 2, 0), -EINVAL);
    RC(answer(&f, 0, 0), -EINVAL);
    RC(answer(&f, 1, 2), -EINVAL);
    g_assert_cmpuint(f.w->told.responses, ==, 0);
    RC(answer(&f, 1, 0), 8);
    g_assert_cmpuint(f.w->told.responses, ==, 1);
    g_assert_cmpuint(f.w->told.resp.code, ==, IM_PAGE_RESP_SUCCESS);
    g_assert_cmpuint(f.w->told.resp.prgi, ==, 5);
    g_assert_true(f.w->told.resp.has_pasid == (pasid != NO_PASID));
    RC(answer(&f, 1, 0), -EINVAL);
    fault_free(&f);
}

static void test_fault_groups_are_read_whole(void)
{
    Fault f = fault_new();
    IofFaultRecord r[4];

    RC(attach(f.w, 9, f.nested), 0);
    ask(&f, 9, 1, VA, false);
    g_assert_cmpuint(ready(&f), ==, 0);
    ask(&f, 9, 2, VA + PAGE, true);
    ask(&f, 9, 1, VA + 2 * PAGE, true);
    RC(im_iommufd_queue_read(f.q, &f.w->caller, fake_addr(r), 39, 0), -ESPIPE);
    RC(im_iommufd_queue_read(f.q, &f.w->caller, fake_addr(r), 40, 40), -ESPIPE);
    RC(im_iommufd_queue_read(f.q, &f.w->caller, 8, 40, 0), -EFAULT);
    g_assert_cmpuint(ready(&f), !=, 0);
    RC(take(&f, r, 2), 40);
    g_assert_cmpuint(r[0].group, ==, 2);
    RC(take(&f, r, 1), -EINVAL);
    g_assert_cmpuint(ready(&f), !=, 0);
    RC(take(&f, r, 4), 80);
    g_assert_cmpuint(r[0].group, ==, 1);
    g_assert_cmpuint(r[0].flags, ==, IOF_FAULT_PASID);
    g_assert_cmphex(r[0].addr, ==, VA);
    g_assert_cmphex(r[1].addr, ==, VA + 2 * PAGE);
    g_assert_cmpuint(r[1].flags, ==, IOF_FAULT_PASID | IOF_FAULT_LAST);
    g_assert_cmpuint(r[1].cookie, ==, 2);
    RC(im_iommufd_queue_write(f.q, &f.w->caller, fake_addr(r), 7, 0), -ESPIPE);
    RC(im_iommufd_queue_write(f.q, &f.w->caller, 8, 8, 0), -EFAULT);
    RC(answer(&f, 2, 1), 8);
    g_assert_cmpuint(f.w->told.resp.code, ==, IM_PAGE_RESP_INVALID);
    RC(answer(&f, 1, 0), 8);
    fault_free(&f);
}

/* Answers that come before a bad one count. */
static void test_fault_answers_in_part(void)
{
    Fault f = fault_new();
    IofFaultResponse a[3] = { { 1, 0 }, { 7, 0 }, { 2, 0 } };
    IofFaultRecord r[2];

    RC(attach(f.w, 9, f.nested), 0);
    ask(&f, 9, 1, VA, true);
    ask(&f, 9, 2, VA, true);
    RC(take(&f, r, 2), 80);
    RC(im_iommufd_queue_write(f.q, &f.w->caller, fake_addr(a), sizeof(a), 0),
       8);
    g_assert_cmpuint(f.w->told.responses, ==, 1);
    fault_free(&f);
}

/* Delivered, read and waiting: all are answered, and of no more use. */
static void test_fault_detach_answers(gconstpointer data)
{
    bool by_replace = GPOINTER_TO_UINT(data);
    Fault f = fault_new();
    uint32_t other = hwpt(f.w, f.w->dev, f.w->ioas, IOF_HWPT_PASID);
    IofFaultRecord r;

    RC(attach(f.w, 9, f.nested), 0);
    RC(attach(f.w, 10, f.nested), 0);
    ask(&f, 9, 1, VA, true);
    ask(&f, 10, 2, VA, true);
    ask(&f, 9, 3, VA, true);
    RC(take(&f, &r, 1), 40);
    ask(&f, 9, 4, VA, true);
    if (by_replace) {
        RC(replace(f.w, 9, other), 0);
    } else {
        im_iommufd_detach(f.w->file, f.w->dev, 9);
    }
    g_assert_cmpuint(f.w->told.responses, ==, 3);
    g_assert_cmpuint(f.w->told.resp.code, ==, IM_PAGE_RESP_INVALID);
    g_assert_cmpuint(ready(&f), !=, 0);
    RC(take(&f, &r, 1), 40);            /* that of the other PASID */
    g_assert_cmpuint(r.pasid, ==, 10);
    g_assert_cmpuint(r.cookie, ==, 1);  /* free again */
    g_assert_cmpuint(ready(&f), ==, 0);
    RC(take(&f, &r, 1), 0);
    RC(answer(&f, r.cookie, 0), 8);
    im_iommufd_detach(f.w->file, f.w->dev, 10);
    RC(answer(&f, r.cookie, 0), -EINVAL);
    fault_free(&f);
}

/* A table that could not be made does not keep the queue. */
static void test_fault_table_fails(void)
{
    Fault f = fault_new();
    IofHwptAlloc a = want_hwpt(f.w->dev, f.w->ioas, IOF_HWPT_FAULT);
    int err;
    int n = 0;

    a.fault_id = f.id;
    do {
        f.w->h->fail_in = ++n;
        err = CMD(f.w, IOF_NR_HWPT_ALLOC, &a);
        f.w->h->fail_in = 0;
        g_assert_true(!err || err == -ENOMEM);
    } while (err);
    g_assert_cmpint(n, >, 3);
    RC(destroy(f.w, a.hwpt_id), 0);
    RC(destroy(f.w, f.nested), 0);
    im_iommufd_queue_close(f.q);
    RC(destroy(f.w, f.id), 0);
    world_free(f.w);
}

static void test_fault_objects(void)
{
    Fault f = fault_new();
    IofFaultAlloc a = { .flags = 1 };

    RC(CMD(f.w, IOF_NR_FAULT_QUEUE_ALLOC, &a), -EOPNOTSUPP);
    a.flags = 0;
    f.w->h->install_fails = true;
    RC(CMD(f.w, IOF_NR_FAULT_QUEUE_ALLOC, &a), -EMFILE);
    RC(destroy(f.w, f.id), -EBUSY);     /* a table has it */
    RC(destroy(f.w, f.nested), 0);
    RC(destroy(f.w, f.id), -EBUSY);     /* so has its descriptor */
    im_iommufd_queue_close(f.q);
    RC(destroy(f.w, f.id), 0);
    world_free(f.w);
}

static void test_fault_without_page_requests(void)
{
    Fault f = fault_new();
    ImIommufdDevice dev = device(VTD, FUNC + 1);
    uint32_t pt = f.nested;
    uint32_t second;

    dev.backend.caps &= ~IMU_DEV_CAP_PRI;
    second = add_device(f.w, &dev);
    RC(im_iommufd_attach(f.w->file, second, NO_PASID, &pt), -ENODEV);
    im_iommufd_unbind(f.w->file, second);
    fault_free(&f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(allocs); i++) {
        g_autofree char *name = g_strdup_printf("/iommufd/hwpt-alloc/%s",
                                                allocs[i].name);

        g_test_add_data_func(name, &allocs[i], test_alloc);
    }
    g_test_add_func("/iommufd/hwpt-alloc/on-what", test_alloc_on_what);
    g_test_add_func("/iommufd/dirty/bits", test_dirty);
    g_test_add_func("/iommufd/dirty/many", test_dirty_many);
    g_test_add_func("/iommufd/dirty/sizes", test_dirty_sizes);
    g_test_add_func("/iommufd/dirty/holes", test_dirty_holes);
    g_test_add_func("/iommufd/dirty/large", test_dirty_large);
    g_test_add_func("/iommufd/dirty/errors", test_dirty_errors);
    g_test_add_data_func("/iommufd/fault/no-pasid", GUINT_TO_POINTER(NO_PASID),
                         test_fault);
    g_test_add_data_func("/iommufd/fault/pasid", GUINT_TO_POINTER(9),
                         test_fault);
    g_test_add_func("/iommufd/fault/groups", test_fault_groups_are_read_whole);
    g_test_add_func("/iommufd/fault/in-part", test_fault_answers_in_part);
    g_test_add_data_func("/iommufd/fault/detach", GUINT_TO_POINTER(0),
                         test_fault_detach_answers);
    g_test_add_data_func("/iommufd/fault/replace", GUINT_TO_POINTER(1),
                         test_fault_detach_answers);
    g_test_add_func("/iommufd/fault/table-fails", test_fault_table_fails);
    g_test_add_func("/iommufd/fault/objects", test_fault_objects);
    g_test_add_func("/iommufd/fault/device-without",
                    test_fault_without_page_requests);
    return g_test_run();
}
