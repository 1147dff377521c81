/*
 * Mapped spaces whose pages are 4 KiB to 64 KiB: sections 4.11, 4.14 to
 * 4.20 of docs/uapi.rst, each page_shift that there may be.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/io_guest.h"
#include "lib/spec.h"
#include "lib/vtd_build.h"

#define RC(got, want)  g_assert_cmpint(got, ==, want)
#define RWF  (IMU_PROT_READ | IMU_PROT_WRITE | IMU_MAP_FIXED)

typedef struct Book {
    Io *io;
    ImuRef set, dev, space;
    uint64_t page;              /* bytes */
} Book;

/* Two pages of user memory, from its second page on, at 4 pages. */
static Book book_new(const void *shift, uint32_t flags)
{
    ImIoasidConfig cfg = io_config();
    Book b;

    cfg.page_shift = (uint8_t)GPOINTER_TO_UINT(shift);
    b.io = io_new(&cfg);
    b.page = UINT64_C(1) << cfg.page_shift;
    b.set = io_set(b.io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    b.dev = io_bind(b.io, b.set, 0);
    b.space = io_mapped(b.io, b.set, flags, io_none());
    io_attach(b.io, b.set, b.dev, NULL, b.space);
    return b;
}

static int map(Book *b, uint64_t user, uint64_t length, uint64_t iova)
{
    return IO(b->io, MAP, ImuMap, .head.flags = RWF, .set = b->set,
              .space = b->space, .user = io_at(b->io, 0) + user,
              .length = length, .iova = iova);
}

static int unmap(Book *b, uint64_t iova, uint64_t length)
{
    return IO(b->io, UNMAP, ImuUnmap, .set = b->set, .space = b->space,
              .iova = iova, .length = length);
}

static bool leads(Book *b, uint64_t iova, uint64_t user)
{
    return io_reaches(b->io, 0, IO_NO_PASID, iova, io_pa(b->io, 0) + user);
}

/* --- MAP, UNMAP, COPY --------------------------------------------------- */

static void mapping(const void *shift)
{
    Book b = book_new(shift, 0);
    uint64_t p = b.page;

    if (p > 4096) {
        RC(map(&b, p, p / 2, 4 * p), -EINVAL);
        RC(map(&b, p / 2, p, 4 * p), -EINVAL);
        RC(map(&b, p, p, 4 * p + p / 2), -EINVAL);
    }
    RC(map(&b, p, 2 * p, 4 * p), 0);
    RC(map(&b, 0, p, 5 * p), -EEXIST);
    for (uint64_t at = 0; at < 2 * p; at += 4096) {
        g_assert_true(leads(&b, 4 * p + at, p + at));
        g_assert_true(leads(&b, 4 * p + at + 4088, p + at + 4088));
    }
    g_assert_false(leads(&b, 6 * p, 3 * p));
    g_assert_false(leads(&b, 4 * p - 8, p - 8));
    if (p > 4096) {
        RC(unmap(&b, 4 * p, p / 2), -EINVAL);
    }
    RC(unmap(&b, 4 * p, p), -ENOENT);
    RC(unmap(&b, 4 * p, 2 * p), 0);
    g_assert_false(leads(&b, 4 * p, p));
    g_assert_false(leads(&b, 6 * p - 8, 3 * p - 8));
    io_free(b.io);
}

/* Chosen places are whole pages, none of them page 0, all disjoint. */
static void choosing(const void *shift)
{
    Book b = book_new(shift, 0);
    uint64_t seen[3];

    for (unsigned i = 0; i < 3; i++) {
        ImuMap m = { .head.flags = IMU_PROT_READ,
                     .set = b.set,
                     .space = b.space,
                     .user = io_at(b.io, 0),
                     .length = b.page };

        RC(io_MAP(b.io, &m), 0);
        g_assert_cmphex(m.iova & (b.page - 1), ==, 0);
        g_assert_cmphex(m.iova, !=, 0);
        g_assert_true(leads(&b, m.iova, 0));
        seen[i] = m.iova;
        for (unsigned k = 0; k < i; k++) {
            g_assert_cmphex(seen[k], !=, m.iova);
        }
    }
    io_free(b.io);
}

/* A copy of part of a copy leads to that part of the memory. */
static void copies(const void *shift)
{
    Book b = book_new(shift, 0);
    uint64_t p = b.page;
    ImuRef other = io_mapped(b.io, b.set, 0, io_none());

    RC(map(&b, 0, 3 * p, 0), 0);
    RC(IO(b.io, COPY, ImuCopy, .head.flags = RWF, .set = b.set, .dst = other,
          .src = b.space, .length = 2 * p, .src_iova = p, .dst_iova = 8 * p),
       0);
    RC(IO(b.io, COPY, ImuCopy, .head.flags = RWF, .set = b.set, .dst = b.space,
          .src = other, .length = p, .src_iova = 9 * p, .dst_iova = 20 * p),
       0);
    if (p > 4096) {
        RC(IO(b.io, COPY, ImuCopy, .head.flags = RWF, .set = b.set,
              .dst = b.space, .src = other, .length = p / 2, .src_iova = 9 * p,
              .dst_iova = 30 * p),
           -EINVAL);
    }
    g_assert_true(leads(&b, 20 * p, 2 * p));
    g_assert_true(leads(&b, 21 * p - 8, 3 * p - 8));
    /* The memory stays pinned while one of them maps it. */
    RC(unmap(&b, 0, 3 * p), 0);
    RC(IO(b.io, SPACE_DESTROY, ImuSpaceDestroy, .set = b.set, .space = other),
       0);
    g_assert_cmpuint(b.io->user->pins[2 * p / IO_PAGE], ==, 1);
    g_assert_true(leads(&b, 20 * p, 2 * p));
    RC(unmap(&b, 20 * p, p), 0);
    for (unsigned i = 0; i < IO_PAGES; i++) {
        g_assert_cmpuint(b.io->user->pins[i], ==, 0);
    }
    io_free(b.io);
}

/* --- RANGES, DEV_INFO --------------------------------------------------- */

static void reporting(const void *shift)
{
    Book b = book_new(shift, 0);
    ImuDevInfo d = { .set = b.set, .dev = b.dev };
    ImuRanges r = {
        .set = b.set, .space = b.space, .count = 4, .ranges = io_at(b.io, 50)
    };

    RC(io_DEV_INFO(b.io, &d), 0);
    g_assert_cmphex(d.page_sizes, ==, b.page);
    RC(io_RANGES(b.io, &r), 0);
    g_assert_cmphex(r.alignment, ==, b.page);
    io_free(b.io);
}

/* --- dirty -------------------------------------------------------------- */

static int dirty_get(Book *b, uint64_t length, uint64_t page_size,
                     uint64_t *bits)
{
    uint64_t zero[2] = { 0 };
    uint64_t at = io_at(b->io, 60);
    int rc;

    io_put(b->io, at, zero, sizeof(zero));
    rc = IO(b->io, DIRTY_GET, ImuDirtyGet, .set = b->set, .space = b->space,
            .length = length, .page_size = page_size, .bitmap = at);
    io_get(b->io, at, bits, sizeof(*bits));
    return rc;
}

static void dirty(const void *shift)
{
    Book b = book_new(shift, IMU_SPACE_DIRTY);
    uint64_t p = b.page, bits;

    RC(map(&b, 0, 3 * p, 4 * p), 0);
    RC(IO(b.io, DIRTY_SET, ImuDirtySet, .head.flags = IMU_DIRTY_ON,
          .set = b.set, .space = b.space),
       0);
    RC(dirty_get(&b, 8 * p, p / 2, &bits), -EINVAL);
    for (unsigned turn = 0; turn < 2; turn++) {
        RC(io_dma(b.io, 0, IO_NO_PASID, 6 * p - 8, IM_WRITE).status, IM_OK);
        RC(io_dma(b.io, 0, IO_NO_PASID, 4 * p, IM_READ).status, IM_OK);
        RC(dirty_get(&b, 8 * p, p, &bits), 0);
        g_assert_cmphex(bits, ==, 1 << 5);
        RC(dirty_get(&b, 8 * p, p, &bits), 0);
        g_assert_cmphex(bits, ==, 0);
    }
    RC(io_dma(b.io, 0, IO_NO_PASID, 7 * p - 8, IM_WRITE).status, IM_OK);
    RC(dirty_get(&b, 8 * p, 2 * p, &bits), 0);
    g_assert_cmphex(bits, ==, 1 << 3);
    io_free(b.io);
}

/* --- device TLBs, nested tables ----------------------------------------- */

static void ats(const void *shift)
{
    Book b = book_new(shift, 0);
    uint64_t p = b.page;
    uint64_t pa = io_pa(b.io, 0) + p;
    ImXlat x;

    RC(map(&b, p, p, 4 * p), 0);
    x = io_ats(b.io, 0, IO_NO_PASID, 5 * p - 4096, IM_WRITE);
    RC(x.perm & 3, 3);
    g_assert_cmphex(x.mask, <, p);
    g_assert_cmphex(x.addr & ~x.mask, ==, (pa + p - 4096) & ~x.mask);
    RC(io_translated(b.io, 0, IO_NO_PASID, pa, IM_WRITE).status, IM_OK);
    RC(io_translated(b.io, 0, IO_NO_PASID, pa + p - 4096, IM_WRITE).status,
       IM_OK);
    RC(io_translated(b.io, 0, IO_NO_PASID, pa + p, IM_READ).status, IM_FAULT);
    RC(io_translated(b.io, 0, IO_NO_PASID, pa - 4096, IM_READ).status,
       IM_FAULT);
    RC(unmap(&b, 4 * p, p), 0);
    g_assert_cmpuint(rig_count(b.io->r, RIG_SEEN_ATS_INV), ==, 1);
    g_assert_cmphex(rig_seen(b.io->r, RIG_SEEN_ATS_INV, 0)->inv.addr, ==,
                    4 * p);
    g_assert_cmpuint(rig_seen(b.io->r, RIG_SEEN_ATS_INV, 0)->inv.lg2size, ==,
                     GPOINTER_TO_UINT(shift));
    io_free(b.io);
}

/* Pages of 4 KiB of a guest, anywhere in a page of the parent. */
static void nested(const void *shift)
{
    Book b = book_new(shift, 0);
    uint64_t p = b.page, next = 17 * 4096;
    ImuRef parent = io_mapped(b.io, b.set, IMU_SPACE_PARENT, io_none());
    uint64_t leaf = io_vtd_entry(b.io, 16 * 4096, 4, &next, IO_FS_VA(0),
                                 FS_RWU);
    ImuPasidAlloc a = io_alloc(b.io, b.set);

    io_guest_set(b.io, leaf, (2 * p - 4096) | FS_RWU);
    io_guest_set(b.io, leaf + 8, (3 * p) | FS_RWU);
    RC(IO(b.io, MAP, ImuMap, .head.flags = RWF, .set = b.set, .space = parent,
          .user = io_at(b.io, 0), .length = MAX(2 * p, 32 * 4096), .iova = 0),
       0);
    io_attach(b.io, b.set, b.dev, &a.pasid,
              io_vtd(b.io, b.set, parent, io_none(), 16 * 4096, 0));
    for (unsigned i = 0; i < 2; i++) {
        g_assert_true(io_reaches(b.io, 0, 1, IO_FS_VA(0) + 8,
                                 io_pa(b.io, 0) + 2 * p - 4096 + 8));
    }
    RC(io_dma(b.io, 0, 1, IO_FS_VA(1), IM_READ).status,
       3 * p < MAX(2 * p, 32 * 4096) ? IM_OK : IM_FAULT);
    RC(IO(b.io, UNMAP, ImuUnmap, .set = b.set, .space = parent,
          .length = UINT64_MAX),
       0);
    RC(io_dma(b.io, 0, 1, IO_FS_VA(0), IM_READ).status, IM_FAULT);
    io_free(b.io);
}

/* --- the list ----------------------------------------------------------- */

static void add(ImClause clause, const char *name, GTestDataFunc fn)
{
    for (unsigned shift = 12; shift <= 16; shift++) {
        g_autofree char *path = g_strdup_printf("%s@%u-kib", name,
                                                1u << (shift - 10));

        spec_add(clause, path, fn, GUINT_TO_POINTER(shift));
    }
}

#define ADD(TAG, name, fn)  add(IM_CLAUSE(TAG), name, fn)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD(IOASID_CMD_MAP, "map-and-unmap", mapping);
    ADD(IOASID_CMD_MAP, "iova-chosen", choosing);
    ADD(IOASID_CMD_COPY, "of-a-copy", copies);
    ADD(IOASID_CMD_RANGES, "alignment", reporting);
    ADD(IOASID_CMD_DIRTY_GET, "page-size", dirty);
    ADD(IOASID_CMD_UNMAP, "device-tlb", ats);
    ADD(IOASID_REQUESTS, "nested", nested);
    return g_test_run();
}
