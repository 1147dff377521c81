/*
 * Mappings: sections 4.14 to 4.16 of docs/uapi.rst.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/io_world.h"
#include "lib/spec.h"

#define RC(got, want)  g_assert_cmpint(got, ==, want)
#define RWF  (IMU_PROT_READ | IMU_PROT_WRITE | IMU_MAP_FIXED)
#define P  IO_PAGE
#define R_ IMU_PROT_READ
#define W_ IMU_PROT_WRITE
#define X_ IMU_PROT_EXEC
#define F_ IMU_MAP_FIXED

/* --- MAP ---------------------------------------------------------------- */

typedef struct MapRow {
    const char *name;
    uint32_t flags;
    int64_t user;               /* from the first page */
    uint64_t length, iova;
    int rc, or ;
} MapRow;

/* [0x10000, 0x14000) is mapped. */
static const MapRow maps[] = {
    { "read", R_ | F_, 0, P, 0, 0, 0 },
    { "write", W_ | F_, 0, P, 0, 0, 0 },
    { "all", R_ | W_ | X_ | F_, 0, 3 * P, 0x20000, 0, 0 },
    { "iova-chosen", R_, 0, 4 * P, UINT64_MAX, 0, 0 },
    { "read-only-memory", R_ | F_, IO_RO_PAGE *P, P, 0, 0, 0 },
    { "beside", R_ | F_, 0, P, 0x14000, 0, 0 },
    { "before", R_ | F_, 0, P, 0xf000, 0, 0 },
    { "no-right", F_, 0, P, 0, -EINVAL, 0 },
    { "exec-alone", X_ | F_, 0, P, 0, -EINVAL, 0 },
    { "exec-and-write", X_ | W_ | F_, 0, P, 0, -EINVAL, 0 },
    { "nothing", R_ | F_, 0, 0, 0, -EINVAL, 0 },
    { "half-a-page", R_ | F_, 0, P / 2, 0, -EINVAL, 0 },
    { "user-not-aligned", R_ | F_, 8, P, 0, -EINVAL, 0 },
    { "iova-not-aligned", R_ | F_, 0, P, 0x800, -EINVAL, 0 },
    { "iova-not-aligned-not-fixed", R_, 0, P, 0x800, 0, 0 },
    { "iova-wraps", R_ | F_, 0, 2 * P, UINT64_MAX - P + 1, -EOVERFLOW, 0 },
    { "iova-at-the-end", R_ | F_, 0, P, UINT64_MAX - P + 1, 0, 0 },
    { "length-at-the-end", R_ | F_, 0, UINT64_MAX - P + 1, P, -EOVERFLOW, 0 },
    { "same", R_ | F_, 0, 4 * P, 0x10000, -EEXIST, 0 },
    { "inside", R_ | F_, 0, P, 0x11000, -EEXIST, 0 },
    { "over-the-begin", R_ | F_, 0, 2 * P, 0xf000, -EEXIST, 0 },
    { "over-the-end", R_ | F_, 0, 2 * P, 0x13000, -EEXIST, 0 },
    { "around", R_ | F_, 0, 8 * P, 0xe000, -EEXIST, 0 },
    { "beyond-user-memory", R_ | F_, (IO_PAGES - 1) * P, 2 * P, 0, -EFAULT, 0 },
    { "below-user-memory", R_ | F_, -(int64_t)P, 2 * P, 0, -EFAULT, 0 },
    { "write-of-read-only", W_ | F_, IO_RO_PAGE *P, P, 0, -EFAULT, 0 },
    { "huge", R_ | F_, 0, UINT64_C(1) << 40, UINT64_C(1) << 40, -EFAULT,
      -ENOMEM },
    { "huge-not-fixed", R_, 0, UINT64_C(1) << 62, 0, -ENOMEM, -EFAULT },
};

static void map(const void *data)
{
    const MapRow *row = data;
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef space = io_mapped(io, set, 0, io_none());
    ImuRef dev = io_bind(io, set, 0);
    ImuMap m = { .head.flags = row->flags,
                 .set = set,
                 .space = space,
                 .user = io_at(io, 0) + (uint64_t)row->user,
                 .length = row->length,
                 .iova = row->iova };
    unsigned pinned = 0;
    int rc;

    io_map(io, set, space, 30, 4, 0x10000);
    io_attach(io, set, dev, NULL, space);
    rc = io_MAP(io, &m);
    if (rc != row->or || !row->or) {
        RC(rc, row->rc);
    }
    for (unsigned i = 0; i < IO_PAGES; i++) {
        pinned += io->user->pins[i];
    }
    g_assert_cmpuint(pinned, ==, 4 + (rc ? 0 : row->length / P));
    if (rc) {
        return;
    }
    if (row->flags & F_) {
        g_assert_cmphex(m.iova, ==, row->iova);
    }
    for (uint64_t at = 0; at < row->length; at += P) {
        ImXlat x = io_dma(io, 0, IO_NO_PASID, m.iova + at + 8, IM_READ);

        g_assert_cmpint(x.status, ==, row->flags & R_ ? IM_OK : IM_FAULT);
        x = io_dma(io, 0, IO_NO_PASID, m.iova + at + 8, IM_WRITE);
        g_assert_cmpint(x.status, ==, row->flags & W_ ? IM_OK : IM_FAULT);
        x = io_dma(io, 0, IO_NO_PASID, m.iova + at + 8,
                   row->flags & R_ ? IM_READ : IM_WRITE);
        g_assert_cmphex(x.addr, ==,
                        io->user->pa + (uint64_t)row->user + at + 8);
    }
}

static void map_not_mapped(void)
{
    g_autoptr(Io) io = io_new(NULL);
    IoWorld w;
    ImuRef not[2];

    io_world_init(&w, io, 0);
    not[0] = w.nested;
    not[1] = w.block;
    for (unsigned i = 0; i < 2; i++) {
        RC(IO(io, MAP, ImuMap, .head.flags = RWF, .set = w.set, .space = not[i],
              .user = io_at(io, 0), .length = P),
           -EINVAL);
        RC(IO(io, UNMAP, ImuUnmap, .set = w.set, .space = not[i],
              .length = UINT64_MAX),
           -EINVAL);
        RC(IO(io, COPY, ImuCopy, .head.flags = RWF, .set = w.set, .dst = not[i],
              .src = w.parent, .length = P),
           -EINVAL);
        RC(IO(io, COPY, ImuCopy, .head.flags = RWF, .set = w.set,
              .dst = w.spare, .src = not[i], .length = P),
           -EINVAL);
        RC(IO(io, ALLOW, ImuAllow, .set = w.set, .space = not[i]), -EINVAL);
        RC(IO(io, RANGES, ImuRanges, .set = w.set, .space = not[i]), -EINVAL);
        RC(IO(io, DIRTY_SET, ImuDirtySet, .set = w.set, .space = not[i]),
           -EOPNOTSUPP);
        RC(IO(io, DIRTY_GET, ImuDirtyGet, .set = w.set, .space = not[i],
              .length = P, .page_size = P),
           -EOPNOTSUPP);
    }
}

/* A pin fails in the middle: those before it are let go. */
static void map_pin_fails(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef space = io_mapped(io, set, 0, io_none());

    for (unsigned n = 0; n < 8; n++) {
        io_fail_pin(io, n);
        RC(IO(io, MAP, ImuMap, .head.flags = RWF, .set = set, .space = space,
              .user = io_at(io, 0), .length = 8 * P),
           -EFAULT);
        for (unsigned i = 0; i < 8; i++) {
            g_assert_cmpuint(io->user->pins[i], ==, 0);
        }
    }
    io_fail_pin(io, 8);
    RC(IO(io, MAP, ImuMap, .head.flags = RWF, .set = set, .space = space,
          .user = io_at(io, 0), .length = 8 * P),
       0);
}

/* --- UNMAP -------------------------------------------------------------- */

typedef struct UnmapRow {
    const char *name;
    uint64_t iova, length;
    int rc;
    uint64_t bytes;
} UnmapRow;

/* [0x10000, 0x14000), [0x14000, 0x15000), [0x18000, 0x1a000) are mapped. */
static const UnmapRow unmaps[] = {
    { "one", 0x10000, 0x4000, 0, 0x4000 },
    { "two", 0x10000, 0x5000, 0, 0x5000 },
    { "with-a-hole", 0x14000, 0x6000, 0, 0x3000 },
    { "all-by-range", 0, 0x100000, 0, 0x7000 },
    { "everything", 0, UINT64_MAX, 0, 0x7000 },
    { "head-cut", 0x11000, 0x3000, -ENOENT, 0 },
    { "tail-cut", 0x10000, 0x2000, -ENOENT, 0 },
    { "inside", 0x11000, 0x1000, -ENOENT, 0 },
    { "one-and-a-cut", 0x14000, 0x5000, -ENOENT, 0 },
    { "hole", 0x15000, 0x3000, -ENOENT, 0 },
    { "beyond", 0x1a000, 0x1000, -ENOENT, 0 },
    { "nothing", 0x10000, 0, -EINVAL, 0 },
    { "length-not-aligned", 0x10000, 0x3fff, -EINVAL, 0 },
    { "iova-not-aligned", 0x10001, 0x3000, -EINVAL, 0 },
    { "wraps", 0x10000, UINT64_MAX - P + 1, -EOVERFLOW, 0 },
    { "wraps-by-a-page", UINT64_MAX - P + 1, 2 * P, -EOVERFLOW, 0 },
};

static void unmap(const void *data)
{
    const UnmapRow *row = data;
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef space = io_mapped(io, set, 0, io_none());
    ImuRef dev = io_bind(io, set, 0);
    ImuUnmap u = {
        .set = set, .space = space, .iova = row->iova, .length = row->length
    };
    unsigned left = 0;

    io_map(io, set, space, 0, 4, 0x10000);
    io_map(io, set, space, 4, 1, 0x14000);
    io_map(io, set, space, 5, 2, 0x18000);
    io_attach(io, set, dev, NULL, space);
    for (uint64_t at = 0x10000; at < 0x1a000; at += P) {
        io_dma(io, 0, IO_NO_PASID, at, IM_WRITE);       /* into the IOTLB */
    }
    RC(io_UNMAP(io, &u), row->rc);
    if (!row->rc) {
        g_assert_cmphex(u.length, ==, row->bytes);
    }
    for (uint64_t at = 0x10000; at < 0x1a000; at += P) {
        bool was = at < 0x15000 || at >= 0x18000;
        bool gone = !row->rc && at >= row->iova && at - row->iova < row->length;

        left += was && !gone;
        RC(io_dma(io, 0, IO_NO_PASID, at, IM_READ).status,
           was && !gone ? IM_OK : IM_FAULT);
    }
    for (unsigned i = 0; i < 7; i++) {
        left -= io->user->pins[i];
        g_assert_cmpuint(io->user->wrote[i], ==, 1 - io->user->pins[i]);
    }
    g_assert_cmpuint(left, ==, 0);
}

static void unmap_empty(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuUnmap u = { .set = set,
                   .space = io_mapped(io, set, 0, io_none()),
                   .length = UINT64_MAX };

    RC(io_UNMAP(io, &u), 0);
    g_assert_cmphex(u.length, ==, 0);
}

/* --- COPY --------------------------------------------------------------- */

typedef struct CopyRow {
    const char *name;
    uint32_t flags;
    uint64_t length, src, dst;
    int rc;
} CopyRow;

/* Source: [0, 4 pages) all rights, [4, 6 pages) read only; destination:
 * page 32. */
static const CopyRow copies[] = {
    { "part", R_ | W_ | F_, 2 * P, P, 0x8000, 0 },
    { "across-two", R_ | F_, 3 * P, 3 * P, 0x8000, 0 },
    { "iova-chosen", R_, 6 * P, 0, UINT64_MAX, 0 },
    { "write-of-read-only", R_ | W_ | F_, 2 * P, 3 * P, 0x8000, -EPERM },
    { "hole", R_ | F_, 2 * P, 5 * P, 0x8000, -ENOENT },
    { "nowhere", R_ | F_, P, 0x100000, 0x8000, -ENOENT },
    { "overlap", R_ | F_, 2 * P, 0, 0x1f000, -EEXIST },
    { "no-right", F_, P, 0, 0x8000, -EINVAL },
    { "exec-alone", X_ | F_, P, 0, 0x8000, -EINVAL },
    { "nothing", R_ | F_, 0, 0, 0x8000, -EINVAL },
    { "length-not-aligned", R_ | F_, 8, 0, 0x8000, -EINVAL },
    { "source-not-aligned", R_ | F_, P, 8, 0x8000, -EINVAL },
    { "destination-not-aligned", R_ | F_, P, 0, 0x8001, -EINVAL },
    { "source-wraps", R_ | F_, 2 * P, UINT64_MAX - P + 1, 0x8000, -EOVERFLOW },
    { "destination-wraps", R_ | F_, 2 * P, 0, UINT64_MAX - P + 1, -EOVERFLOW },
    { "destination-at-the-end", R_ | F_, P, 0, UINT64_MAX - P + 1, 0 },
};

static void copy(const void *data)
{
    const CopyRow *row = data;
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef src = io_mapped(io, set, 0, io_none());
    ImuRef dst = io_mapped(io, set, 0, io_none());
    ImuRef dev = io_bind(io, set, 0);
    ImuCopy c = { .head.flags = row->flags,
                  .set = set,
                  .dst = dst,
                  .src = src,
                  .length = row->length,
                  .dst_iova = row->dst,
                  .src_iova = row->src };

    io_map(io, set, src, 0, 4, 0);
    RC(IO(io, MAP, ImuMap, .head.flags = R_ | F_, .set = set, .space = src,
          .user = io_at(io, 20), .length = 2 * P, .iova = 4 * P),
       0);
    io_map(io, set, dst, 40, 1, 0x20000);
    io_attach(io, set, dev, NULL, dst);
    RC(io_COPY(io, &c), row->rc);
    if (row->rc) {
        return;
    }
    /* The copy does not need the source. */
    RC(IO(io, UNMAP, ImuUnmap, .set = set, .space = src, .length = UINT64_MAX),
       0);
    for (uint64_t at = 0; at < row->length; at += P) {
        unsigned from = (unsigned)((row->src + at) / P);

        g_assert_true(io_reaches(io, 0, IO_NO_PASID, c.dst_iova + at,
                                 io_pa(io, from < 4 ? from : from + 16)));
        RC(io_dma(io, 0, IO_NO_PASID, c.dst_iova + at, IM_WRITE).status,
           row->flags & W_ ? IM_OK : IM_FAULT);
    }
    RC(IO(io, UNMAP, ImuUnmap, .set = set, .space = dst, .length = UINT64_MAX),
       0);
    for (unsigned i = 0; i < IO_PAGES; i++) {
        g_assert_cmpuint(io->user->pins[i], ==, 0);
    }
}

/* --- the list ----------------------------------------------------------- */

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_rows(IOASID_CMD_MAP, maps, "values", map);
    spec_test(IOASID_CMD_MAP, "needs-a-mapped-space", map_not_mapped);
    spec_test(IOASID_CMD_MAP, "a-pin-fails", map_pin_fails);
    spec_rows(IOASID_CMD_UNMAP, unmaps, "values", unmap);
    spec_test(IOASID_CMD_UNMAP, "everything-of-nothing", unmap_empty);
    spec_rows(IOASID_CMD_COPY, copies, "values", copy);
    return g_test_run();
}
