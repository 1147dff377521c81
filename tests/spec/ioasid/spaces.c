/*
 * I/O address spaces, where they map, what was written: sections 4.12, 4.13
 * and 4.17 to 4.20 of docs/uapi.rst.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/io_world.h"
#include "lib/spec.h"
#include "lib/vtd_build.h"

#define RC(got, want)  g_assert_cmpint(got, ==, want)
#define RWF  (IMU_PROT_READ | IMU_PROT_WRITE | IMU_MAP_FIXED)
#define P  IO_PAGE
#define R_ IMU_PROT_READ

/* --- SPACE_CREATE ------------------------------------------------------- */

typedef enum Parent { NO_PARENT, PARENT, PLAIN, NESTED, BLOCKED } Parent;
typedef enum Data { NO_DATA, FIRST, STE } Data;

typedef struct CreateRow {
    const char *name;
    ImuSpaceKind kind;
    ImuFormat format;
    Parent parent;
    Data data;
    uint32_t flags;
    bool delegated, faultq;
    int rc;
} CreateRow;

#define V  IMU_FORMAT_VTD_FIRST
#define S  IMU_FORMAT_SMMU_STE
#define N  IMU_FORMAT_NONE
#define K(kind)  IMU_SPACE_##kind

static const CreateRow creates[] = {
    { "mapped", K(MAPPED), N, NO_PARENT, NO_DATA, 0, false, false, 0 },
    { "mapped-with-queue", K(MAPPED), N, NO_PARENT, NO_DATA, 0, false, true,
      0 },
    { "mapped-dirty-parent", K(MAPPED), N, NO_PARENT, NO_DATA, 3, false, false,
      0 },
    { "mapped-delegated-set", K(MAPPED), N, NO_PARENT, NO_DATA, 2, true, false,
      0 },
    { "mapped-on-parent", K(MAPPED), N, PARENT, NO_DATA, 0, false, false,
      -EINVAL },
    { "mapped-with-format", K(MAPPED), V, NO_PARENT, NO_DATA, 0, false, false,
      -EINVAL },
    { "mapped-with-data", K(MAPPED), N, NO_PARENT, FIRST, 0, false, false,
      -EINVAL },
    { "nested-vtd", K(NESTED), V, PARENT, FIRST, 0, false, false, 0 },
    { "nested-vtd-queue", K(NESTED), V, PARENT, FIRST, 0, false, true, 0 },
    { "nested-smmu", K(NESTED), S, PARENT, STE, 0, false, false, 0 },
    { "nested-without-parent", K(NESTED), V, NO_PARENT, FIRST, 0, false, false,
      -ENOENT },
    { "nested-on-what-is-no-parent", K(NESTED), V, PLAIN, FIRST, 0, false,
      false, -EINVAL },
    { "nested-on-nested", K(NESTED), V, NESTED, FIRST, 0, false, false,
      -EINVAL },
    { "nested-on-blocked", K(NESTED), V, BLOCKED, FIRST, 0, false, false,
      -EINVAL },
    { "nested-without-format", K(NESTED), N, PARENT, FIRST, 0, false, false,
      -EINVAL },
    { "nested-without-table", K(NESTED), N, PARENT, NO_DATA, 0, false, true,
      0 },
    { "table-without-table", K(PASID_TABLE), N, PARENT, NO_DATA, 0, true, true,
      0 },
    { "nested-without-data", K(NESTED), V, PARENT, NO_DATA, 0, false, false,
      -EINVAL },
    { "nested-dirty", K(NESTED), V, PARENT, FIRST, IMU_SPACE_DIRTY, false,
      false, -EINVAL },
    { "nested-parent", K(NESTED), V, PARENT, FIRST, IMU_SPACE_PARENT, false,
      false, -EINVAL },
    { "table-smmu", K(PASID_TABLE), S, PARENT, STE, 0, true, false, 0 },
    { "table-smmu-queue", K(PASID_TABLE), S, PARENT, STE, 0, true, true, 0 },
    { "table-in-another-mode", K(PASID_TABLE), S, PARENT, STE, 0, false, false,
      -EINVAL },
    { "table-vtd", K(PASID_TABLE), V, PARENT, FIRST, 0, true, false, -EINVAL },
    { "table-without-parent", K(PASID_TABLE), S, NO_PARENT, STE, 0, true, false,
      -ENOENT },
    { "block", K(BLOCK), N, NO_PARENT, NO_DATA, 0, false, false, 0 },
    { "block-with-queue", K(BLOCK), N, NO_PARENT, NO_DATA, 0, false, true,
      -EINVAL },
    { "block-on-parent", K(BLOCK), N, PARENT, NO_DATA, 0, false, false,
      -EINVAL },
    { "block-with-flags", K(BLOCK), N, NO_PARENT, NO_DATA, 1, false, false,
      -EINVAL },
};

/* STE word 0: V, Config = S1 (or both), S1ContextPtr, S1CDMax. */
static ImuSmmuSte ste(uint64_t cd, unsigned cdmax)
{
    return (ImuSmmuSte) {
        .ste = { 1 | UINT64_C(5) << 1 | cd | (uint64_t)cdmax << 59 },
    };
}

static ImuSpaceCreate prepare(Io *io, const CreateRow *row, ImuRef set)
{
    uint64_t buf = io_at(io, IO_WORLD_BUF);
    ImuVtdFirst first = { .root = 4 * IO_PAGE };
    ImuSmmuSte s = ste(8 * IO_PAGE, row->kind == K(PASID_TABLE) ? 4 : 0);
    /* clang-format off */
    ImuSpaceCreate c = {
        .head.flags = row->flags, .set = set, .kind = row->kind,
        .format = row->format, .data = row->data ? buf : 0,
        .data_size = row->data == FIRST ? sizeof(first) :
                     row->data == STE ? sizeof(s) : 0,
    };
    /* clang-format on */
    ImuRef parent = io_parent(io, set, 0);

    if (row->data == FIRST) {
        io_put(io, buf, &first, sizeof(first));
    } else if (row->data == STE) {
        io_put(io, buf, &s, sizeof(s));
    }
    switch (row->parent) {
    case NO_PARENT:
        break;
    case PARENT:
        c.parent = parent;
        break;
    case PLAIN:
        c.parent = io_mapped(io, set, 0, io_none());
        break;
    case NESTED:
        c.parent = io_nested(io, set, parent, io_none(), 4);
        break;
    case BLOCKED: {
        ImuSpaceCreate b = { .set = set, .kind = IMU_SPACE_BLOCK };

        RC(io_SPACE_CREATE(io, &b), 0);
        c.parent = b.space;
        break;
    }
    }
    if (row->faultq) {
        c.faultq = io_faultq(io, set, 0);
    }
    return c;
}

static void create(const void *data)
{
    const CreateRow *row = data;
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set =
        io_set(io, row->delegated ? IMU_MODE_DELEGATED : IMU_MODE_TRANSLATE,
               IMU_POOL_DEVICE);
    ImuSpaceCreate c = prepare(io, row, set);
    ImuRef parent = c.parent;

    RC(io_SPACE_CREATE(io, &c), row->rc);
    if (row->rc) {
        return;
    }
    if (parent.id) {
        RC(IO(io, SPACE_DESTROY, ImuSpaceDestroy, .set = set, .space = parent),
           -EBUSY);
    }
    if (row->faultq) {
        RC(IO(io, FAULTQ_DESTROY, ImuQueueDestroy, .set = set,
              .queue = c.faultq),
           -EBUSY);
    }
    RC(IO(io, SPACE_DESTROY, ImuSpaceDestroy, .set = set, .space = c.space), 0);
    if (parent.id) {
        RC(IO(io, SPACE_DESTROY, ImuSpaceDestroy, .set = set, .space = parent),
           0);
    }
    if (row->faultq) {
        RC(IO(io, FAULTQ_DESTROY, ImuQueueDestroy, .set = set,
              .queue = c.faultq),
           0);
    }
}

typedef struct FirstRow {
    const char *name;
    uint64_t root;
    uint32_t flags, reserved;
    int rc;
} FirstRow;

static const FirstRow firsts[] = {
    { "root", 4 * IO_PAGE, 0, 0, 0 },
    { "five-levels", 4 * IO_PAGE, IMU_VTD_FIRST_5LP, 0, 0 },
    { "all-flags", 4 * IO_PAGE, 15, 0, 0 },
    { "root-0", 0, 0, 0, 0 },
    { "root-not-aligned", 4 * IO_PAGE + 8, 0, 0, -EINVAL },
    { "root-too-wide", UINT64_C(1) << 60, 0, 0, -EINVAL },
    { "root-at-the-end", UINT64_MAX, 0, 0, -EINVAL },
    { "unknown-flag", 4 * IO_PAGE, 16, 0, -EOPNOTSUPP },
    { "last-flag", 4 * IO_PAGE, 1u << 31, 0, -EOPNOTSUPP },
    { "reserved", 4 * IO_PAGE, 0, 1, -EOPNOTSUPP },
};

static ImuSpaceCreate nested(Io *io, ImuRef set)
{
    static const CreateRow row = { "", K(NESTED), V,     PARENT, FIRST,
                                   0,  false,     false, 0 };

    return prepare(io, &row, set);
}

static void first_stage(const void *data)
{
    const FirstRow *row = data;
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuSpaceCreate c = nested(io, set);
    ImuVtdFirst f = { row->root, row->flags, row->reserved };

    io_put(io, c.data, &f, sizeof(f));
    RC(io_SPACE_CREATE(io, &c), row->rc);
}

static void data_sizes(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuSpaceCreate c = nested(io, set);
    uint8_t one = 1, zero = 0;

    for (uint32_t n = 0; n < 16; n++) {
        c.data_size = n;
        RC(io_SPACE_CREATE(io, &c), -EINVAL);
    }
    c.data_size = 24;
    io_put(io, c.data + 20, &one, 1);
    RC(io_SPACE_CREATE(io, &c), -E2BIG);
    io_put(io, c.data + 20, &zero, 1);
    RC(io_SPACE_CREATE(io, &c), 0);
    c.data_size = IMU_SIZE_MAX + 1;
    RC(io_SPACE_CREATE(io, &c), -E2BIG);
    c.data_size = UINT32_MAX;
    RC(io_SPACE_CREATE(io, &c), -E2BIG);
    c.data_size = 16;
    c.data = 0;
    RC(io_SPACE_CREATE(io, &c), -EFAULT);
    c.data = UINT64_MAX - 7;
    RC(io_SPACE_CREATE(io, &c), -EFAULT);
    c.data = IO_WILD;
    RC(io_SPACE_CREATE(io, &c), -EFAULT);
}

static void illegal_ste(void)
{
    static const uint64_t bad[] = {
        0,                              /* not valid */
        1,                              /* Config: abort */
        1 | UINT64_C(6) << 1,           /* stage 2 alone */
        1 | UINT64_C(4) << 1,           /* bypass */
    };
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_DELEGATED, IMU_POOL_DEVICE);
    static const CreateRow row = { "", K(PASID_TABLE), S,     PARENT, STE,
                                   0,  true,           false, 0 };
    ImuSpaceCreate c = prepare(io, &row, set);

    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        ImuSmmuSte s = { .ste = { bad[i] | 8 * IO_PAGE } };

        io_put(io, c.data, &s, sizeof(s));
        RC(io_SPACE_CREATE(io, &c), -EINVAL);
    }
}

/* The minimum is without ID registers: those of an SMMU of the document's, to
 * which STRW is reserved. */
static void other_smmu(void)
{
    static const uint32_t idr0 = 3 | 2 << 2 | 2 << 21, idr5 = 5 | 7 << 4;
    static const struct {
        uint32_t idr0, idr1, idr5;
        uint64_t ste1;
        uint32_t size;
        int want;
    } rows[] = {
        { idr0, 4 << 6, idr5, 0, 32, 0 },
        { 0, 0, 0, 0, 32, 0 },
        { 0, 0, 0, 0, 16, 0 },
        { 0, 0, 0, 0, 15, -EINVAL },
        { idr0, 3 << 6, idr5, 0, 32, -EINVAL },        /* S1CDMax is 4 */
        { idr0 & ~2u, 4 << 6, idr5, 0, 32, -EINVAL },  /* S1P */
        { idr0 & ~8u, 4 << 6, idr5, 0, 32, -EINVAL },  /* TTF */
        { idr0 | 1 << 21, 4 << 6, idr5, 0, 32, -EINVAL }, /* TTENDIAN */
        { idr0, 21 << 6, idr5, 0, 32, -EINVAL },       /* SSIDSIZE */
        { idr0, 4 << 6, idr5 | 2, 0, 32, -EINVAL },    /* OAS */
        { idr0 | 1 << 9, 4 << 6, idr5, UINT64_C(2) << 30, 32, 0 },
        { 0, 0, 0, UINT64_C(2) << 30, 32, -EOPNOTSUPP },
    };
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_DELEGATED, IMU_POOL_DEVICE);
    static const CreateRow row = { "", K(PASID_TABLE), S,     PARENT, STE,
                                   0,  true,           false, 0 };
    ImuSpaceCreate c = prepare(io, &row, set);

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        ImuSmmuSte s = ste(8 * IO_PAGE, 4);

        s.ste[1] = rows[i].ste1;
        s.idr0 = rows[i].idr0;
        s.idr1 = rows[i].idr1;
        s.idr5 = rows[i].idr5;
        io_put(io, c.data, &s, sizeof(s));
        c.data_size = rows[i].size;
        RC(io_SPACE_CREATE(io, &c), rows[i].want);
    }
}

static void destroy(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef dev = io_bind(io, set, 0);
    ImuRef space = io_parent(io, set, 0);

    io_attach(io, set, dev, NULL, space);
    RC(IO(io, SPACE_DESTROY, ImuSpaceDestroy, .set = set, .space = space),
       -EBUSY);
    RC(io_detach(io, set, dev, NULL), 0);
    RC(IO(io, SPACE_DESTROY, ImuSpaceDestroy, .set = set, .space = space), 0);
    g_assert_cmpuint(io->user->pins[3], ==, 0);
}

/* --- ALLOW, RANGES ------------------------------------------------------ */

static unsigned ranges(Io *io, ImuRef set, ImuRef space, ImuRange *r,
                       unsigned room)
{
    ImuRanges q = { .set = set,
                    .space = space,
                    .count = room,
                    .ranges = io_at(io, IO_WORLD_BUF) };

    RC(io_RANGES(io, &q), 0);
    g_assert_cmpuint(q.count, <=, room);
    g_assert_cmphex(q.alignment, ==, P);
    io_get(io, q.ranges, r, q.count * sizeof(*r));
    return q.count;
}

static int allow(Io *io, ImuRef set, ImuRef space, const ImuRange *r,
                 unsigned n)
{
    io_put(io, io_at(io, IO_WORLD_BUF), r, n * sizeof(*r));
    return IO(io, ALLOW, ImuAllow, .set = set, .space = space,
              .ranges = io_at(io, IO_WORLD_BUF), .count = n);
}

static int map_at(Io *io, ImuRef set, ImuRef space, uint64_t iova)
{
    return IO(io, MAP, ImuMap, .head.flags = RWF, .set = set, .space = space,
              .user = io_at(io, 0), .length = P, .iova = iova);
}

static void allowed(void)
{
    static const ImuRange two[] = {
        { 0x100000, 0x1fffff },
        { 0x10000, 0x1ffff },
    };
    static const ImuRange bad[][2] = {
        { { 5, 4 }, { 10, 20 } },
        { { 0, 0x1000 }, { 0x1000, 0x2000 } },
        { { 0, UINT64_MAX }, { 7, 7 } },
    };
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef space = io_mapped(io, set, 0, io_none());
    ImuMap m = { .head.flags = R_,
                 .set = set,
                 .space = space,
                 .user = io_at(io, 0),
                 .length = 16 * P };
    ImuRange r[8];

    g_assert_cmpuint(ranges(io, set, space, r, 8), ==, 1);
    g_assert_cmphex(r[0].first, ==, 0);
    g_assert_cmphex(r[0].last, >=, (UINT64_C(1) << 46) - 1);
    RC(map_at(io, set, space, 0), 0);
    RC(allow(io, set, space, two, 2), 0);
    g_assert_cmpuint(ranges(io, set, space, r, 8), ==, 2);
    g_assert_cmphex(r[0].first, ==, 0x10000);
    g_assert_cmphex(r[1].last, ==, 0x1fffff);
    RC(map_at(io, set, space, 0x5000), -EINVAL);
    RC(map_at(io, set, space, 0x1f000), 0);
    RC(map_at(io, set, space, 0x20000), -EINVAL);
    RC(io_MAP(io, &m), 0);
    g_assert_cmphex(m.iova, >=, 0x100000);      /* 15 pages are left below */
    g_assert_cmphex(m.iova, <, 0x200000);
    m.length = 0x100000;
    RC(io_MAP(io, &m), -ENOSPC);
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        RC(allow(io, set, space, bad[i], 2), -EINVAL);
    }
    RC(IO(io, ALLOW, ImuAllow, .set = set, .space = space, .ranges = IO_WILD,
          .count = 1),
       -EFAULT);
    RC(IO(io, ALLOW, ImuAllow, .set = set, .space = space, .ranges = UINT64_MAX,
          .count = UINT32_MAX),
       -EINVAL);
    RC(IO(io, ALLOW, ImuAllow, .set = set, .space = space,
          .ranges = io_at(io, 0), .count = IMU_ALLOW_RANGES_MAX + 1),
       -EINVAL);
    g_assert_cmpuint(ranges(io, set, space, r, 8), ==, 2);
    RC(IO(io, ALLOW, ImuAllow, .set = set, .space = space), 0);
    g_assert_cmpuint(ranges(io, set, space, r, 8), ==, 1);
    RC(map_at(io, set, space, 0x5000), 0);
}

/* Functions of the rig reserve the interrupt range. */
static void reserved(void)
{
    static const ImuRange over = { 0xfee10000, 0xfee10fff };
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef space = io_mapped(io, set, IMU_SPACE_PARENT, io_none());
    ImuRef dev = io_bind(io, set, 0);
    ImuRange r[8];

    RC(map_at(io, set, space, 0xfee00000), 0);
    RC(io_attach_rc(io, set, dev, NULL, space, 0), -EADDRINUSE);
    RC(IO(io, UNMAP, ImuUnmap, .set = set, .space = space,
          .length = UINT64_MAX),
       0);
    RC(allow(io, set, space, &over, 1), 0);
    RC(io_attach_rc(io, set, dev, NULL, space, 0), -EADDRINUSE);
    RC(IO(io, ALLOW, ImuAllow, .set = set, .space = space), 0);
    io_attach(io, set, dev, NULL, space);
    g_assert_cmpuint(ranges(io, set, space, r, 8), ==, 2);
    g_assert_cmphex(r[0].last, ==, 0xfedfffff);
    g_assert_cmphex(r[1].first, ==, 0xfef00000);
    RC(map_at(io, set, space, 0xfee00000), -EINVAL);
    RC(map_at(io, set, space, 0xfeeff000), -EINVAL);
    RC(allow(io, set, space, &over, 1), -EADDRINUSE);
    RC(map_at(io, set, space, 0xfef00000), 0);
    RC(map_at(io, set, space, 0xfedff000), 0);
    /* It ends with the binding. */
    RC(io_detach(io, set, dev, NULL), 0);
    RC(map_at(io, set, space, 0xfee00000), 0);
    /* It counts for what is nested, too. */
    {
        ImuRef n = io_nested(io, set, space, io_none(), 4);
        ImuRef p = io_alloc(io, set).pasid;

        RC(io_attach_rc(io, set, dev, &p, n, 0), -EADDRINUSE);
    }
}

static void ranges_room(void)
{
    static const ImuRange three[] = {
        { 0, 0xfff },
        { 0x2000, 0x2fff },
        { 0x4000, 0x4fff },
    };
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef space = io_mapped(io, set, 0, io_none());

    RC(allow(io, set, space, three, 3), 0);
    for (unsigned room = 0; room <= 4; room++) {
        ImuRanges q = { .set = set,
                        .space = space,
                        .count = room,
                        .ranges = room ? io_at(io, IO_WORLD_BUF) : 0 };

        RC(io_RANGES(io, &q), room < 3 ? -EMSGSIZE : 0);
        g_assert_cmpuint(q.count, ==, 3);
    }
    RC(IO(io, RANGES, ImuRanges, .set = set, .space = space, .count = 3,
          .ranges = IO_WILD),
       -EFAULT);
    RC(IO(io, RANGES, ImuRanges, .set = set, .space = space,
          .count = UINT32_MAX, .ranges = io_at(io, IO_RO_PAGE)),
       -EFAULT);
}

/* --- dirty tracking ----------------------------------------------------- */

static int dirty(Io *io, ImuRef set, ImuRef space, uint32_t flags,
                 uint64_t *bits)
{
    ImuDirtyGet g = { .head.flags = flags,
                      .set = set,
                      .space = space,
                      .length = 64 * P,
                      .page_size = P,
                      .bitmap = io_at(io, IO_WORLD_BUF) };
    int rc;

    io_put(io, g.bitmap, bits, sizeof(*bits));
    rc = io_DIRTY_GET(io, &g);
    io_get(io, g.bitmap, bits, sizeof(*bits));
    return rc;
}

static void dirty_bits(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef space = io_mapped(io, set, IMU_SPACE_DIRTY, io_none());
    ImuRef dev = io_bind(io, set, 0);
    uint64_t b = 0;

    io_map(io, set, space, 0, 16, 0);
    io_attach(io, set, dev, NULL, space);
    io_dma(io, 0, IO_NO_PASID, 3 * P, IM_WRITE);
    RC(dirty(io, set, space, 0, &b), -EINVAL);          /* off */
    RC(IO(io, DIRTY_SET, ImuDirtySet, .head.flags = IMU_DIRTY_ON, .set = set,
          .space = space),
       0);
    RC(IO(io, DIRTY_SET, ImuDirtySet, .head.flags = IMU_DIRTY_ON, .set = set,
          .space = space),
       0);              /* again */
    RC(dirty(io, set, space, 0, &b), 0);
    g_assert_cmphex(b, ==, 0);                          /* starts clean */
    io_dma(io, 0, IO_NO_PASID, 3 * P, IM_WRITE);        /* cached before */
    io_dma(io, 0, IO_NO_PASID, 5 * P, IM_READ);
    io_dma(io, 0, IO_NO_PASID, 15 * P + 4000, IM_WRITE);
    RC(dirty(io, set, space, IMU_DIRTY_PEEK, &b), 0);
    g_assert_cmphex(b, ==, 1u << 3 | 1u << 15);
    b = UINT64_C(1) << 40;
    RC(dirty(io, set, space, 0, &b), 0);
    g_assert_cmphex(b, ==, UINT64_C(1) << 40 | 1u << 3 | 1u << 15);
    b = 0;
    RC(dirty(io, set, space, 0, &b), 0);
    g_assert_cmphex(b, ==, 0);
    io_dma(io, 0, IO_NO_PASID, 3 * P, IM_WRITE);        /* noticed again */
    RC(dirty(io, set, space, 0, &b), 0);
    g_assert_cmphex(b, ==, 1u << 3);
    RC(IO(io, DIRTY_SET, ImuDirtySet, .set = set, .space = space), 0);
    RC(dirty(io, set, space, 0, &b), -EINVAL);
}

/* What is mapped later begins dirty, if it may be written. */
static void dirty_new(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef space = io_mapped(io, set, IMU_SPACE_DIRTY, io_none());
    ImuDirtySet on = { .head.flags = IMU_DIRTY_NEW,
                       .set = set,
                       .space = space };
    ImuMap rom = { .head.flags = IMU_PROT_READ | IMU_MAP_FIXED,
                   .set = set,
                   .space = space,
                   .user = io_at(io, 0),
                   .length = 2 * P,
                   .iova = 8 * P };
    uint64_t b = 0;

    RC(io_DIRTY_SET(io, &on), -EINVAL);
    io_map(io, set, space, 0, 2, 0);
    on.head.flags |= IMU_DIRTY_ON;
    RC(io_DIRTY_SET(io, &on), 0);
    io_map(io, set, space, 0, 3, 4 * P);
    RC(io_MAP(io, &rom), 0);
    RC(dirty(io, set, space, 0, &b), 0);
    g_assert_cmphex(b, ==, 7u << 4);
    b = 0;
    RC(dirty(io, set, space, 0, &b), 0);
    g_assert_cmphex(b, ==, 0);
    on.head.flags = IMU_DIRTY_ON;
    RC(io_DIRTY_SET(io, &on), 0);
    io_map(io, set, space, 0, 1, 12 * P);
    RC(dirty(io, set, space, 0, &b), 0);
    g_assert_cmphex(b, ==, 0);
}

/* A device may write what it was granted; it is told when that ends. */
static void dirty_ats(void)
{
    g_autoptr(Io) io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuRef space = io_mapped(io, set, IMU_SPACE_DIRTY, io_none());
    ImuRef dev = io_bind(io, set, 0);
    uint64_t b = 0;

    io_map(io, set, space, 0, 16, 0);
    io_attach(io, set, dev, NULL, space);
    RC(IO(io, DIRTY_SET, ImuDirtySet, .head.flags = IMU_DIRTY_ON, .set = set,
          .space = space),
       0);
    g_assert_cmphex(io_ats(io, 0, IO_NO_PASID, 2 * P, IM_WRITE).perm &
                        IM_PERM_W,
                    ==, IM_PERM_W);
    RC(dirty(io, set, space, 0, &b), 0);
    g_assert_cmphex(b & 1u << 2, ==, 1u << 2);
}

typedef struct DirtyRow {
    const char *name;
    uint64_t iova, length, page_size;
    int rc;
} DirtyRow;

static const DirtyRow dirties[] = {
    { "page", 0, P, P, 0 },
    { "larger", 0, 16 * P, 4 * P, 0 },
    { "nothing", 0, 0, P, -EINVAL },
    { "page-size-0", 0, P, 0, -EINVAL },
    { "page-size-small", 0, P, 2048, -EINVAL },
    { "page-size-odd", 0, 3 * P, 3 * P, -EINVAL },
    { "page-size-at-the-end", 0, P, UINT64_MAX, -EINVAL },
    { "iova-not-aligned", 2 * P, 4 * P, 4 * P, -EINVAL },
    { "length-not-aligned", 0, 6 * P, 4 * P, -EINVAL },
    { "wraps", UINT64_MAX - P + 1, 2 * P, P, -EOVERFLOW },
};

static void dirty_values(const void *data)
{
    const DirtyRow *row = data;
    g_autoptr(Io) io = io_new(NULL);
    IoWorld w;
    ImuDirtyGet g;

    io_world_init(&w, io, 0);
    g = (ImuDirtyGet) { .set = w.set,
                        .space = w.parent,
                        .iova = row->iova,
                        .length = row->length,
                        .page_size = row->page_size,
                        .bitmap = io_at(io, IO_WORLD_BUF) };
    RC(io_DIRTY_GET(io, &g), row->rc);
    g.space = w.spare;
    RC(io_DIRTY_GET(io, &g), -EOPNOTSUPP);
    g.space = w.parent;
    if (!row->rc) {
        io_dma(io, 0, IO_NO_PASID, 0, IM_WRITE);
        g.bitmap = IO_WILD;
        RC(io_DIRTY_GET(io, &g), -EFAULT);
        g.bitmap = io_at(io, IO_RO_PAGE);
        RC(io_DIRTY_GET(io, &g), -EFAULT);
        g.bitmap = UINT64_MAX;
        RC(io_DIRTY_GET(io, &g), -EFAULT);
    }
}

/* --- the list ----------------------------------------------------------- */

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_rows(IOASID_CMD_SPACE_CREATE, creates, "kinds", create);
    spec_rows(IOASID_CMD_SPACE_CREATE, firsts, "vtd-first", first_stage);
    spec_test(IOASID_CMD_SPACE_CREATE, "data", data_sizes);
    spec_test(IOASID_CMD_SPACE_CREATE, "illegal-ste", illegal_ste);
    spec_test(IOASID_CMD_SPACE_CREATE, "other-smmu", other_smmu);
    spec_test(IOASID_CMD_SPACE_DESTROY, "busy-while-bound", destroy);
    spec_test(IOASID_CMD_ALLOW, "ranges", allowed);
    spec_test(IOASID_CMD_ALLOW, "reserved-ranges", reserved);
    spec_test(IOASID_CMD_RANGES, "room", ranges_room);
    spec_test(IOASID_CMD_DIRTY_SET, "on-off-clear-peek", dirty_bits);
    spec_test(IOASID_CMD_DIRTY_SET, "new", dirty_new);
    spec_test(IOASID_CMD_DIRTY_GET, "granted-by-translation", dirty_ats);
    spec_rows(IOASID_CMD_DIRTY_GET, dirties, "values", dirty_values);
    return g_test_run();
}
