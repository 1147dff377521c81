/*
 * What MAP, MAP_FILE, COPY, UNMAP, ALLOW_IOVAS and IOVA_RANGES of iommufd
 * refuse, and where they put what is given no place.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "lib/iof.h"

#define PAGE   UINT64_C(4096)
#define USER   UINT64_C(0x40000000)
#define PAGES  64
#define RW     (IOF_MAP_READ | IOF_MAP_WRITE)
#define FIX    (RW | IOF_MAP_FIXED)
#define TOP    UINT64_MAX

typedef struct World {
    FakeHost *h;
    FakeMemory *memory;
    FakeSource *process, *file_source;
    ImIommufdCaller caller;
    ImIommufdFile *file;
    uint32_t ioas;
    int32_t fd;
} World;

static World begin(uint8_t io_page_shift)
{
    World w = { .h = fake_new(io_page_shift) };

    w.memory = fake_memory(w.h, PAGES);
    w.process = fake_process(w.h);
    fake_mmap(w.process, USER, w.memory, 0, PAGES * PAGE, false);
    w.file_source = fake_file(w.h, w.memory, &w.fd);
    w.caller = fake_caller(w.process);
    w.file = im_iommufd_open(w.h->f);
    w.ioas = fake_ioas(w.file, &w.caller);
    return w;
}

static void end(World *w)
{
    fake_check(w->h);
    im_iommufd_drop(w->file);
    fake_free(w->h);
}

static int map(World *w, uint32_t flags, uint64_t user, uint64_t length,
               uint64_t *iova)
{
    IofMapArg a = { .flags = flags,
                    .ioas_id = w->ioas,
                    .user = user,
                    .length = length,
                    .iova = *iova };
    int err = IOF(w->file, &w->caller, IOF_NR_IOAS_MAP, &a);

    *iova = a.iova;
    return err;
}

static int map_at(World *w, uint64_t iova, uint64_t user, uint64_t length)
{
    return map(w, FIX, user, length, &iova);
}

static int unmap(World *w, uint64_t iova, uint64_t length, uint64_t *bytes)
{
    IofUnmapArg a = { .ioas_id = w->ioas, .iova = iova, .length = length };
    int err = IOF(w->file, &w->caller, IOF_NR_IOAS_UNMAP, &a);

    *bytes = a.length;
    return err;
}

static int allow(World *w, const ImuRange *r, uint32_t count)
{
    IofAllowArg a = { .ioas_id = w->ioas,
                      .count = count,
                      .ranges = fake_addr(r) };

    return IOF(w->file, &w->caller, IOF_NR_IOAS_ALLOW_IOVAS, &a);
}

/* --- values of MAP ------------------------------------------------------ */

typedef struct MapRow {
    const char *name;
    uint32_t flags;
    uint64_t user, length, iova;
    bool table;                 /* 2 KiB pages, 16 MiB to 2 GiB */
    int want;
} MapRow;

/* There are 4 pages at 0x2000000. */
static const MapRow map_rows[] = {
    { "one page", FIX, USER, PAGE, 0x3000000, false, 0 },
    { "one byte anywhere", FIX, USER + 5, 1, 0x3000003, false, 0 },
    { "unknown flag", FIX | 8, USER, PAGE, 0x3000000, false, -EOPNOTSUPP },
    { "no permission", IOF_MAP_FIXED, USER, PAGE, 0x3000000, false, -EINVAL },
    { "no length", FIX, USER, 0, 0x3000000, false, -EINVAL },
    { "all of it", FIX, USER, TOP, 0, false, -EOVERFLOW },
    { "last address", FIX, USER, PAGE, TOP, false, -EOVERFLOW },
    { "user wraps", FIX, TOP - PAGE, 2 * PAGE, 0x3000000, false, -EOVERFLOW },
    { "iova wraps", FIX, USER, 2 * PAGE, TOP - PAGE + 1, false, -EOVERFLOW },
    { "taken", FIX, USER, PAGE, 0x2001000, false, -EEXIST },
    { "taken at its end", FIX, USER, 2 * PAGE, 0x1fff000, false, -EEXIST },
    { "up to what is taken", FIX, USER, PAGE, 0x1fff000, false, 0 },
    { "memory that is not there", FIX, 0x1000, PAGE, 0x3000000, false, 0 },
    { "half a page of a table", FIX, USER, 2048, 0x3000000, true, 0 },
    { "less", FIX, USER, 1024, 0x3000000, true, -EINVAL },
    { "misaligned", FIX, USER, 2048, 0x3000400, true, -EINVAL },
    { "misaligned memory", FIX, USER + 512, 2048, 0x3000000, true, -EINVAL },
    { "below the aperture", FIX, USER, PAGE, 0x800000, true, -EINVAL },
    { "across its end", FIX, USER, 2 * PAGE, 0x7ffff000, true, -EINVAL },
    { "nothing to pin", FIX, 0x1000, PAGE, 0x3000000, true, -EFAULT },
    { "too little to pin", FIX, USER + 60 * PAGE, 5 * PAGE, 0x3000000, true,
      -EFAULT },
    { "anywhere", RW, USER, PAGE, 0, true, 0 },
    { "anywhere, one byte", RW, USER, 1, 0, true, -EINVAL },
    { "more than there is", FIX, 0, UINT64_C(1) << 63, 0x3000000, false, 0 },
    { "anywhere, half of all", RW, 0, TOP / 2, 0, false, -EOVERFLOW },
    { "anywhere, too much", RW, 0, UINT64_C(1) << 62, 0, true, -ENOSPC },
    { "last address anywhere", RW, USER, PAGE, TOP, false, -EOVERFLOW },
    { "all but a page", FIX, 0, TOP - PAGE + 1, 0, false, -EINVAL },
};

static void test_map(gconstpointer data)
{
    const MapRow *row = data;
    World w = begin(11);
    FakeTable t;
    uint64_t iova = row->iova;

    g_assert_cmpint(map_at(&w, 0x2000000, USER, 4 * PAGE), ==, 0);
    if (row->table) {
        g_assert_cmpint(fake_table(&t, w.file, w.ioas, 9, 1 << 24,
                                   (UINT64_C(1) << 31) - 1),
                        ==, 0);
    }
    g_assert_cmpint(map(&w, row->flags, row->user, row->length, &iova), ==,
                    row->want);
    fake_check(w.h);
    if (row->table) {
        fake_table_free(&t);
    }
    end(&w);
}

static void test_map_ids(void)
{
    World w = begin(12);
    IofMapArg a = {
        .flags = FIX, .ioas_id = w.ioas + 1, .user = USER, .length = PAGE
    };
    IofMapFileArg f = {
        .flags = FIX, .ioas_id = w.ioas, .fd = -1, .length = PAGE
    };

    g_assert_cmpint(IOF(w.file, &w.caller, IOF_NR_IOAS_MAP, &a), ==, -ENOENT);
    a.reserved = 1;
    g_assert_cmpint(IOF(w.file, &w.caller, IOF_NR_IOAS_MAP, &a), ==,
                    -EOPNOTSUPP);
    g_assert_cmpint(IOF(w.file, &w.caller, IOF_NR_IOAS_MAP_FILE, &f), ==,
                    -EBADF);
    f.length = 0;
    g_assert_cmpint(IOF(w.file, &w.caller, IOF_NR_IOAS_MAP_FILE, &f), ==,
                    -EINVAL);
    f.length = 2 * PAGE;
    f.start = TOP - PAGE + 1;
    g_assert_cmpint(IOF(w.file, &w.caller, IOF_NR_IOAS_MAP_FILE, &f), ==,
                    -EOVERFLOW);
    f.length = PAGE;
    f.fd = w.fd;
    f.start = PAGE * (PAGES - 1);
    g_assert_cmpint(IOF(w.file, &w.caller, IOF_NR_IOAS_MAP_FILE, &f), ==, 0);
    f.ioas_id = 0;
    g_assert_cmpint(IOF(w.file, &w.caller, IOF_NR_IOAS_MAP_FILE, &f), ==,
                    -ENOENT);
    end(&w);
}

/* The answer cannot be written: nothing is mapped. */
static void test_map_respond(void)
{
    World w = begin(12);
    IofMapArg a = { .size = sizeof(a),
                    .flags = RW,
                    .ioas_id = w.ioas,
                    .user = USER,
                    .length = PAGE };
    uint64_t bytes;

    /* The command is in memory that ends within its answer. */
    memcpy(w.memory->byte + PAGES * PAGE - sizeof(a) + 4, &a, sizeof(a) - 4);
    g_assert_cmpint(im_iommufd_ioctl(w.file, &w.caller,
                                     IOF_REQUEST(IOF_NR_IOAS_MAP),
                                     USER + PAGES * PAGE - sizeof(a) + 4),
                    ==, -EFAULT);
    g_assert_cmpint(unmap(&w, PAGE, PAGE, &bytes), ==, -ENOENT);
    end(&w);
}

/* --- places ------------------------------------------------------------- */

static void test_auto_alignment(void)
{
    static const struct {
        uint64_t user, length, align;
    } rows[] = {
        { USER, PAGE, PAGE },
        { USER, 2 * PAGE, 2 * PAGE },
        { USER, 3 * PAGE, 4 * PAGE },
        { USER, 5 * PAGE, 8 * PAGE },
        { USER + PAGE, 5 * PAGE, PAGE },
        { USER, 4096 * PAGE, 1 << 21 },
        { USER, 100, 128 },
    };
    World w = begin(12);

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        uint64_t iova = 0;

        g_assert_cmpint(map(&w, RW, rows[i].user, rows[i].length, &iova), ==,
                        0);
        g_assert_cmpuint(iova, >=, PAGE);
        g_assert_cmpuint(iova % rows[i].align, ==, 0);
    }
    end(&w);
}

static void test_auto_keeps_offset(void)
{
    World w = begin(12);

    for (uint64_t offset = 0; offset < PAGE; offset += 37) {
        uint64_t iova = 0;

        g_assert_cmpint(map(&w, RW, USER + offset, 3 * PAGE, &iova), ==, 0);
        if (offset) {
            g_assert_cmpuint(iova % PAGE, ==, offset);
        }
    }
    end(&w);
}

static void test_auto_between(void)
{
    static const ImuRange allowed[] = {
        { 0x100000, 0x100fff },
        { 0x300000, 0x302fff },
    };
    World w = begin(12);
    uint64_t iova = 0;

    g_assert_cmpint(im_iommufd_ioas_reserve(w.file, w.ioas, 0x301000, PAGE), ==,
                    0);
    g_assert_cmpint(allow(&w, allowed, 1), ==, 0);
    g_assert_cmpint(map(&w, RW, USER, PAGE, &iova), ==, 0);
    g_assert_cmpuint(iova, ==, 0x100000);
    g_assert_cmpint(map(&w, RW, USER, PAGE, &iova), ==, -ENOSPC);
    g_assert_cmpint(allow(&w, allowed, 2), ==, -EADDRINUSE);
    g_assert_cmpint(allow(&w, NULL, 0), ==, 0);
    g_assert_cmpint(map(&w, RW, USER, PAGE, &iova), ==, 0);
    g_assert_cmpuint(iova, ==, PAGE);
    /* Fixed places are not in the allowed ones only. */
    g_assert_cmpint(allow(&w, allowed, 1), ==, 0);
    g_assert_cmpint(map_at(&w, 0x500000, USER, PAGE), ==, 0);
    g_assert_cmpint(map_at(&w, 0x301000, USER, PAGE), ==, -EINVAL);
    end(&w);
}

/* Neither below the first page nor where one byte is left. */
static void test_auto_leaves_some(void)
{
    static const ImuRange allowed[] = {
        { 0, 0x7ff },
        { 0x100000, 0x101fff },
    };
    World w = begin(12);
    uint64_t iova = 0;

    g_assert_cmpint(map_at(&w, PAGE + 1, USER, PAGE), ==, 0);
    g_assert_cmpint(map(&w, RW, USER, 1, &iova), ==, 0);
    g_assert_cmpuint(iova, ==, 2 * PAGE + 1);
    g_assert_cmpint(allow(&w, allowed, 2), ==, 0);
    g_assert_cmpint(map(&w, RW, USER, 0x800, &iova), ==, 0);
    g_assert_cmpuint(iova, ==, 0x100000);
    end(&w);
}

/* Next to the last address nothing wraps. */
static void test_auto_at_the_end(void)
{
    World w = begin(12);
    uint64_t iova = 0;

    g_assert_cmpint(im_iommufd_ioas_reserve(w.file, w.ioas, 6,
                                            UINT64_C(0xffffffffffff8001)),
                    ==, 0);
    g_assert_cmpint(map(&w, RW, USER, 5 * PAGE, &iova), ==, -ENOSPC);
    g_assert_cmpint(im_iommufd_ioas_reserve(w.file, w.ioas, 1, TOP), ==, 0);
    g_assert_cmpint(im_iommufd_ioas_reserve(w.file, w.ioas, 2, TOP), ==,
                    -EOVERFLOW);
    g_assert_cmpint(im_iommufd_ioas_reserve(w.file, w.ioas, 2, 0), ==, -EINVAL);
    g_assert_cmpint(map_at(&w, TOP - PAGE + 1, USER, PAGE), ==, -EINVAL);
    end(&w);
}

/* --- ALLOW_IOVAS, IOVA_RANGES ------------------------------------------- */

static void test_allow_values(void)
{
    static const struct {
        ImuRange r[2];
        uint32_t count;
        int want;
    } rows[] = {
        { { { 0, 0xfff } }, 1, 0 },
        { { { 0x1000, 0x1000 } }, 1, -EINVAL },
        { { { 0x2000, 0x1000 } }, 1, -EINVAL },
        { { { 0x1000, 0x2fff }, { 0x2000, 0x3fff } }, 2, -EINVAL },
        { { { 0x2000, 0x3fff }, { 0x1000, 0x2000 } }, 2, -EINVAL },
        { { { 0x2000, 0x3fff }, { 0x1000, 0x1fff } }, 2, 0 },
        { { { 0x1000, 0x2fff }, { 0x1000, 0x2fff } }, 2, -EINVAL },
        { { { 0x900000, TOP } }, 1, -EADDRINUSE },
    };
    World w = begin(12);

    g_assert_cmpint(im_iommufd_ioas_reserve(w.file, w.ioas, 0xa00000, 1), ==,
                    0);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_assert_cmpint(allow(&w, rows[i].r, rows[i].count), ==, rows[i].want);
        g_assert_cmpint(im_iommufd_ioas_reserve(w.file, w.ioas, 0x10, 1), ==,
                        im_iommufd_ioas_reserve(w.file, w.ioas, 0x10, 1));
    }
    end(&w);
}

static void test_allowed_stays(void)
{
    static const ImuRange allowed = { 0x100000, 0x1fffff };
    World w = begin(12);
    FakeTable t;

    g_assert_cmpint(allow(&w, &allowed, 1), ==, 0);
    g_assert_cmpint(im_iommufd_ioas_reserve(w.file, w.ioas, 0x1ff000, PAGE), ==,
                    -EADDRINUSE);
    g_assert_cmpint(fake_table(&t, w.file, w.ioas, 9, 0x180000, TOP), ==,
                    -EADDRINUSE);
    g_assert_cmpint(fake_table(&t, w.file, w.ioas, 9, 0x100000, 0x1fffff), ==,
                    0);
    fake_table_free(&t);
    end(&w);
}

static int ranges(World *w, ImuRange *r, uint32_t *count, uint64_t *align)
{
    IofRangesArg a = { .ioas_id = w->ioas,
                       .count = *count,
                       .ranges = fake_addr(r) };
    int err = IOF(w->file, &w->caller, IOF_NR_IOAS_IOVA_RANGES, &a);

    *count = a.count;
    *align = a.out_alignment;
    return err;
}

static void test_ranges(void)
{
    World w = begin(11);
    ImuRange r[4] = { { 0 } };
    uint32_t n = 4;
    uint64_t align;
    FakeTable t;

    g_assert_cmpint(ranges(&w, r, &n, &align), ==, 0);
    g_assert_cmpuint(n, ==, 1);
    g_assert_cmpuint(r[0].first, ==, 0);
    g_assert_cmpuint(r[0].last, ==, TOP);
    g_assert_cmpuint(align, ==, 1);
    /* Reserved ranges that meet are one. */
    g_assert_cmpint(im_iommufd_ioas_reserve(w.file, w.ioas, 0x1000, 0x1000), ==,
                    0);
    g_assert_cmpint(im_iommufd_ioas_reserve(w.file, w.ioas, 0x2000, 0x1000), ==,
                    0);
    g_assert_cmpint(im_iommufd_ioas_reserve(w.file, w.ioas, 0x1800, 0x1000), ==,
                    0);
    n = 4;
    g_assert_cmpint(ranges(&w, r, &n, &align), ==, 0);
    g_assert_cmpuint(n, ==, 2);
    g_assert_cmpuint(r[0].last, ==, 0xfff);
    g_assert_cmpuint(r[1].first, ==, 0x3000);
    memset(r, 0, sizeof(r));
    n = 1;
    g_assert_cmpint(ranges(&w, r, &n, &align), ==, -EMSGSIZE);
    g_assert_cmpuint(n, ==, 2);
    g_assert_cmpuint(r[0].last, ==, 0xfff);
    g_assert_cmpuint(r[1].first, ==, 0);
    g_assert_cmpint(fake_table(&t, w.file, w.ioas, 9, 0x10000, 0x1ffff), ==, 0);
    n = 4;
    g_assert_cmpint(ranges(&w, r, &n, &align), ==, 0);
    g_assert_cmpuint(n, ==, 1);
    g_assert_cmpuint(r[0].first, ==, 0x10000);
    g_assert_cmpuint(r[0].last, ==, 0x1ffff);
    g_assert_cmpuint(align, ==, 2048);
    fake_table_free(&t);
    n = 4;
    g_assert_cmpint(ranges(&w, r, &n, &align), ==, 0);
    g_assert_cmpuint(n, ==, 2);
    g_assert_cmpuint(align, ==, 1);
    end(&w);
}

/* --- tables and what is mapped ------------------------------------------ */

static void test_table_refused(void)
{
    World w = begin(11);
    FakeTable t;

    g_assert_cmpint(map_at(&w, 0x2000000, USER, PAGE), ==, 0);
    g_assert_cmpint(fake_table(&t, w.file, w.ioas, 9, 0x2000800, TOP), ==,
                    -EADDRINUSE);
    g_assert_cmpint(map_at(&w, 0x3000100, USER, 0x100), ==, 0);
    g_assert_cmpint(fake_table(&t, w.file, w.ioas, 9, 0, TOP), ==, -EADDRINUSE);
    g_assert_cmpuint(im_iof_ioas_alignment(im_iof_ioas(w.file, w.ioas)), ==, 1);
    fake_check(w.h);
    end(&w);
}

/* Of three areas the last cannot be pinned: none is. */
static void test_table_not_pinned(void)
{
    World w = begin(12);
    FakeTable t;

    g_assert_cmpint(map_at(&w, 0x2000000, USER, PAGE), ==, 0);
    g_assert_cmpint(map_at(&w, 0x2004000, USER + PAGE, 4 * PAGE), ==, 0);
    g_assert_cmpint(map_at(&w, 0x2010000, USER + 62 * PAGE, 3 * PAGE), ==, 0);
    g_assert_cmpint(fake_table(&t, w.file, w.ioas, 9, 0, TOP), ==, -EFAULT);
    for (unsigned i = 0; i < PAGES; i++) {
        g_assert_cmpuint(w.memory->pins[i], ==, 0);
    }
    end(&w);
}

/* --- UNMAP -------------------------------------------------------------- */

static void test_unmap_values(void)
{
    static const struct {
        uint64_t iova, length;
        int want;
    } rows[] = {
        { 0x2000000, 0, -EINVAL },
        { TOP, 1, -EOVERFLOW },
        { 1, TOP, -EOVERFLOW },
        { TOP - 0xfff, 0x2000, -EOVERFLOW },
        { 0x2000000, PAGE, -ENOENT },
        { 0x2001000, PAGE, -ENOENT },
        { 0x1fff000, 2 * PAGE, -ENOENT },
        { 0x5000000, PAGE, -ENOENT },
        /* An area that is cut keeps those before it, too. */
        { 0x2000000, 0x10000 + PAGE, -ENOENT },
        { 0x1000000, 0x1008000, 0 },
    };
    World w = begin(12);
    uint64_t bytes;

    g_assert_cmpint(map_at(&w, 0x2000000, USER, 2 * PAGE), ==, 0);
    g_assert_cmpint(map_at(&w, 0x2010000, USER, 2 * PAGE), ==, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_assert_cmpint(unmap(&w, rows[i].iova, rows[i].length, &bytes), ==,
                        rows[i].want);
    }
    g_assert_cmpuint(bytes, ==, 2 * PAGE);
    g_assert_cmpint(unmap(&w, 0, TOP, &bytes), ==, 0);
    g_assert_cmpuint(bytes, ==, 2 * PAGE);
    g_assert_cmpint(unmap(&w, 0, TOP, &bytes), ==, 0);
    g_assert_cmpuint(bytes, ==, 0);
    end(&w);
}

/* --- COPY --------------------------------------------------------------- */

static int copy(World *w, uint32_t flags, uint64_t dst, uint64_t src,
                uint64_t length)
{
    IofCopyArg a = { .flags = flags,
                     .dst_id = w->ioas,
                     .src_id = w->ioas,
                     .length = length,
                     .dst_iova = dst,
                     .src_iova = src };

    return IOF(w->file, &w->caller, IOF_NR_IOAS_COPY, &a);
}

static void test_copy_values(void)
{
    static const struct {
        uint32_t flags;
        uint64_t dst, src, length;
        int want;
    } rows[] = {
        { FIX, 0x3000000, 0x2000000, 2 * PAGE, 0 },
        { FIX, 0x3010000, 0x2000800, PAGE, 0 },
        { FIX, 0x3020000, 0x2000000, 0, -EINVAL },
        { FIX, 0x3020000, 0x2000000, 3 * PAGE, -ENOENT },
        { FIX, 0x3020000, 0x1fff800, PAGE, -ENOENT },
        { FIX, 0x3020000, 0x2010000, PAGE, -EPERM },
        { IOF_MAP_FIXED | IOF_MAP_READ, 0x3020000, 0x2010000, PAGE, 0 },
        { IOF_MAP_FIXED, 0x3030000, 0x2010000, PAGE, -EINVAL },
        { FIX | 16, 0x3030000, 0x2010000, PAGE, -EOPNOTSUPP },
        { FIX, 0x3000000, 0x2000000, PAGE, -EEXIST },
        { FIX, 0x3030000, TOP - PAGE, 2 * PAGE, -EOVERFLOW },
        { FIX, TOP - PAGE + 1, 0x2000000, 2 * PAGE, -EOVERFLOW },
        { RW, 0, 0x2000000, 2 * PAGE, 0 },
    };
    World w = begin(12);
    uint64_t iova = 0x2010000;
    IofCopyArg a = {
        .flags = FIX, .dst_id = w.ioas, .src_id = 9, .length = PAGE
    };

    g_assert_cmpint(map_at(&w, 0x2000000, USER, 2 * PAGE), ==, 0);
    g_assert_cmpint(map(&w, IOF_MAP_FIXED | IOF_MAP_READ, USER, PAGE, &iova),
                    ==, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_assert_cmpint(copy(&w, rows[i].flags, rows[i].dst, rows[i].src,
                             rows[i].length),
                        ==, rows[i].want);
    }
    g_assert_cmpint(IOF(w.file, &w.caller, IOF_NR_IOAS_COPY, &a), ==, -ENOENT);
    end(&w);
}

/* The copy keeps the memory that its source gave up. */
static void test_copy_outlives(void)
{
    World w = begin(12);
    FakeTable t;
    uint64_t bytes, pa;

    g_assert_cmpint(fake_table(&t, w.file, w.ioas, 9, 0, TOP), ==, 0);
    g_assert_cmpint(map_at(&w, 0x2000000, USER, 4 * PAGE), ==, 0);
    g_assert_cmpint(copy(&w, FIX, 0x3000000, 0x2001000, 2 * PAGE), ==, 0);
    g_assert_cmpuint(w.memory->pins[1], ==, 1);
    g_assert_cmpint(unmap(&w, 0x2000000, 4 * PAGE, &bytes), ==, 0);
    g_assert_cmpuint(w.memory->pins[0], ==, 0);
    g_assert_cmpuint(w.memory->pins[1], ==, 1);
    w.memory->byte[PAGE + 5] = 77;
    g_assert_true(fake_lookup(&t, 0x3000005, true, &pa));
    g_assert_cmpint(im_iommufd_memory_read(w.h->f, pa, &bytes, 1), ==, 0);
    g_assert_cmpuint((uint8_t)bytes, ==, 77);
    fake_table_free(&t);
    end(&w);
}

#define ADD(name)  g_test_add_func("/iommufd/" #name, test_##name)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(map_rows); i++) {
        char *path = g_strconcat("/iommufd/map/", map_rows[i].name, NULL);

        g_test_add_data_func(path, &map_rows[i], test_map);
        g_free(path);
    }
    ADD(map_ids);
    ADD(map_respond);
    ADD(auto_alignment);
    ADD(auto_keeps_offset);
    ADD(auto_between);
    ADD(auto_leaves_some);
    ADD(auto_at_the_end);
    ADD(allow_values);
    ADD(allowed_stays);
    ADD(ranges);
    ADD(table_refused);
    ADD(table_not_pinned);
    ADD(unmap_values);
    ADD(copy_values);
    ADD(copy_outlives);
    return g_test_run();
}
