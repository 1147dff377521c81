/*
 * VFIO's type 1 container commands on an iommufd.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "lib/iof.h"

#define PAGE   UINT64_C(4096)
#define USER   UINT64_C(0x40000000)
#define IOVA   UINT64_C(0x2000000)
#define PAGES  16

typedef struct World {
    FakeHost *h;
    FakeMemory *memory;
    FakeSource *process;
    ImIommufdCaller caller;
    ImIommufdFile *file;
    uint32_t ioas;
    FakeTable table;
} World;

static int ioas_op(World *w, uint16_t op, uint32_t *id)
{
    IofVfioIoasArg a = { .ioas_id = *id, .op = op };
    int err = IOF(w->file, &w->caller, IOF_NR_VFIO_IOAS, &a);

    *id = a.ioas_id;
    return err;
}

static int call(World *w, uint32_t nr, uint64_t arg)
{
    return im_iommufd_ioctl(w->file, &w->caller, IOF_REQUEST(nr), arg);
}

static World *begin(uint32_t version)
{
    World *w = g_new0(World, 1);

    w->h = fake_new(12);
    w->memory = fake_memory(w->h, PAGES);
    w->process = fake_process(w->h);
    fake_mmap(w->process, USER, w->memory, 0, PAGES * PAGE, false);
    w->caller = fake_caller(w->process);
    w->file = im_iommufd_open(w->h->f);
    w->ioas = fake_ioas(w->file, &w->caller);
    g_assert_cmpint(fake_table(&w->table, w->file, w->ioas, 9, 1 << 24,
                               (UINT64_C(1) << 31) - 1),
                    ==, 0);
    if (version) {
        g_assert_cmpint(ioas_op(w, IOF_VFIO_IOAS_SET, &w->ioas), ==, 0);
        g_assert_cmpint(call(w, IOF_VFIO_SET_IOMMU, version), ==, 0);
    }
    return w;
}

static void end(World *w)
{
    fake_check(w->h);
    fake_table_free(&w->table);
    im_iommufd_drop(w->file);
    fake_free(w->h);
    g_free(w);
}

static int map(World *w, uint32_t flags, uint64_t iova, uint64_t page,
               uint64_t pages)
{
    IofVfioMap a = { .size = sizeof(a),
                     .flags = flags,
                     .user = USER + page * PAGE,
                     .iova = iova,
                     .length = pages * PAGE };

    return call(w, IOF_VFIO_IOMMU_MAP_DMA, fake_addr(&a));
}

static int unmap(World *w, uint32_t flags, uint64_t iova, uint64_t *length)
{
    IofVfioUnmap a = {
        .size = sizeof(a), .flags = flags, .iova = iova, .length = *length
    };
    int err = call(w, IOF_VFIO_IOMMU_UNMAP_DMA, fake_addr(&a));

    *length = a.length;
    return err;
}

#define RW  (IOF_VFIO_MAP_READ | IOF_VFIO_MAP_WRITE)

/* --- which IOAS --------------------------------------------------------- */

static void test_ioas(void)
{
    World *w = begin(0);
    uint32_t id = 0, none = 99;
    uint64_t length = PAGE;
    IofVfioIoasArg a = { .op = IOF_VFIO_IOAS_GET, .reserved = 1 };

    g_assert_cmpint(ioas_op(w, IOF_VFIO_IOAS_GET, &id), ==, -ENODEV);
    g_assert_cmpint(call(w, IOF_VFIO_SET_IOMMU, IOF_VFIO_TYPE1V2), ==, -ENODEV);
    g_assert_cmpint(call(w, IOF_VFIO_SET_IOMMU, IOF_VFIO_NESTING), ==, -EINVAL);
    g_assert_cmpint(map(w, RW, IOVA, 0, 1), ==, -ENODEV);
    g_assert_cmpint(unmap(w, 0, IOVA, &length), ==, -ENODEV);
    g_assert_cmpint(ioas_op(w, IOF_VFIO_IOAS_SET, &none), ==, -ENOENT);
    g_assert_cmpint(ioas_op(w, 3, &none), ==, -EOPNOTSUPP);
    g_assert_cmpint(IOF(w->file, &w->caller, IOF_NR_VFIO_IOAS, &a), ==,
                    -EOPNOTSUPP);
    g_assert_cmpint(ioas_op(w, IOF_VFIO_IOAS_SET, &w->ioas), ==, 0);
    g_assert_cmpint(ioas_op(w, IOF_VFIO_IOAS_GET, &id), ==, 0);
    g_assert_cmpuint(id, ==, w->ioas);
    g_assert_cmpint(ioas_op(w, IOF_VFIO_IOAS_CLEAR, &id), ==, 0);
    g_assert_cmpint(ioas_op(w, IOF_VFIO_IOAS_GET, &id), ==, -ENODEV);
    end(w);
}

/* An IOAS that is destroyed is VFIO's no more. */
static void test_ioas_destroyed(void)
{
    World *w = begin(0);
    uint32_t id = fake_ioas(w->file, &w->caller);
    IofDestroyArg d = { .id = id };

    g_assert_cmpint(ioas_op(w, IOF_VFIO_IOAS_SET, &id), ==, 0);
    g_assert_cmpint(IOF(w->file, &w->caller, IOF_NR_DESTROY, &d), ==, 0);
    g_assert_cmpint(ioas_op(w, IOF_VFIO_IOAS_GET, &id), ==, -ENODEV);
    end(w);
}

static void test_extensions(void)
{
    World *w = begin(0);
    uint32_t id = w->ioas;

    g_assert_cmpint(call(w, IOF_VFIO_GET_API_VERSION, 0), ==, 0);
    g_assert_cmpint(call(w, IOF_VFIO_CHECK_EXTENSION, IOF_VFIO_TYPE1), ==, 1);
    g_assert_cmpint(call(w, IOF_VFIO_CHECK_EXTENSION, IOF_VFIO_TYPE1V2), ==, 1);
    g_assert_cmpint(call(w, IOF_VFIO_CHECK_EXTENSION, IOF_VFIO_UNMAP_ALL), ==,
                    1);
    g_assert_cmpint(call(w, IOF_VFIO_CHECK_EXTENSION, IOF_VFIO_NESTING), ==, 0);
    g_assert_cmpint(call(w, IOF_VFIO_CHECK_EXTENSION, IOF_VFIO_DMA_CC), ==,
                    -ENODEV);
    g_assert_cmpint(ioas_op(w, IOF_VFIO_IOAS_SET, &id), ==, 0);
    g_assert_cmpint(call(w, IOF_VFIO_CHECK_EXTENSION, IOF_VFIO_DMA_CC), ==, 1);
    g_assert_cmpint(call(w, IOF_VFIO_SET_IOMMU, 7), ==, -EINVAL);
    g_assert_cmpint(call(w, 105, 0), ==, -ENOTTY);
    end(w);
}

/* --- GET_INFO ----------------------------------------------------------- */

static void test_info(void)
{
    World *w = begin(IOF_VFIO_TYPE1V2);
    uint8_t buf[128];
    IofVfioInfo *info = (IofVfioInfo *)(void *)buf;
    const IofVfioCapRanges *cap;
    const IofVfioCapAvail *avail;
    /* the structure, 12 bytes and 4 of nothing, one range */
    const uint32_t whole = 24 + 16 + 16 + 16;

    for (uint32_t room = 0; room <= 100; room++) {
        int want = room < 16 ? -EINVAL : 0;

        memset(buf, 0xaa, sizeof(buf));
        info->size = room;
        g_assert_cmpint(call(w, IOF_VFIO_IOMMU_GET_INFO, fake_addr(buf)), ==,
                        want);
        for (uint32_t i = MAX(room, 16); i < sizeof(buf); i++) {
            g_assert_cmpuint(buf[i], ==, 0xaa);
        }
        if (!want) {
            g_assert_cmpuint(info->flags, ==,
                             IOF_VFIO_INFO_PGSIZES | IOF_VFIO_INFO_CAPS);
            g_assert_cmphex(info->page_sizes, ==, -PAGE);
            g_assert_cmpuint(info->size, ==, whole);
        }
    }
    g_assert_cmpuint(info->cap_offset, ==, 24);
    avail = (const IofVfioCapAvail *)(void *)(buf + 24);
    g_assert_cmpuint(avail->head.id, ==, IOF_VFIO_CAP_DMA_AVAIL);
    g_assert_cmpuint(avail->head.next, ==, 40);
    g_assert_cmphex(avail->avail, ==, UINT32_MAX);
    cap = (const IofVfioCapRanges *)(void *)(buf + 40);
    g_assert_cmpuint(cap->head.id, ==, IOF_VFIO_CAP_IOVA_RANGE);
    g_assert_cmpuint(cap->head.next, ==, 0);
    g_assert_cmpuint(cap->count, ==, 1);
    g_assert_cmpuint(((const ImuRange *)(const void *)(cap + 1))->first, ==,
                     1 << 24);
    info->size = whole - 1;
    g_assert_cmpint(call(w, IOF_VFIO_IOMMU_GET_INFO, fake_addr(buf)), ==, 0);
    g_assert_cmpuint(info->size, ==, whole);
    g_assert_cmpuint(info->cap_offset, ==, 0);
    end(w);
}

/* --- MAP_DMA, UNMAP_DMA ------------------------------------------------- */

static void test_map(void)
{
    World *w = begin(IOF_VFIO_TYPE1V2);
    uint64_t length = 4 * PAGE, pa;
    IofVfioMap tiny = { .size = 31 };

    g_assert_cmpint(map(w, RW, IOVA, 0, 4), ==, 0);
    g_assert_true(fake_lookup(&w->table, IOVA + 3 * PAGE, true, &pa));
    g_assert_cmpint(map(w, RW, IOVA, 0, 4), ==, -EEXIST);
    g_assert_cmpint(map(w, 0, IOVA * 2, 0, 4), ==, -EINVAL);    /* table */
    g_assert_cmpint(map(w, RW | IOF_VFIO_MAP_VADDR, IOVA * 2, 0, 4), ==,
                    -EINVAL);
    g_assert_cmpint(map(w, RW, IOVA * 2, 12, 5), ==, -EFAULT);
    g_assert_cmpint(map(w, RW, PAGE, 0, 1), ==, -EINVAL);
    g_assert_cmpint(call(w, IOF_VFIO_IOMMU_MAP_DMA, fake_addr(&tiny)), ==,
                    -EINVAL);
    g_assert_cmpint(call(w, IOF_VFIO_IOMMU_MAP_DMA, 0), ==, -EFAULT);
    g_assert_cmpint(unmap(w, 0, IOVA, &length), ==, 0);
    g_assert_cmpuint(length, ==, 4 * PAGE);
    /* Nothing there is no error here. */
    g_assert_cmpint(unmap(w, 0, IOVA, &length), ==, 0);
    g_assert_cmpuint(length, ==, 0);
    end(w);
}

static void test_unmap_all(void)
{
    World *w = begin(IOF_VFIO_TYPE1V2);
    uint64_t length = PAGE;

    g_assert_cmpint(map(w, RW, IOVA, 0, 4), ==, 0);
    g_assert_cmpint(map(w, RW, IOVA * 2, 0, 2), ==, 0);
    g_assert_cmpint(unmap(w, IOF_VFIO_UNMAP_ALL_FLAG, 0, &length), ==, -EINVAL);
    length = 0;
    g_assert_cmpint(unmap(w, IOF_VFIO_UNMAP_ALL_FLAG, PAGE, &length), ==,
                    -EINVAL);
    g_assert_cmpint(unmap(w, IOF_VFIO_UNMAP_GET_DIRTY, IOVA, &length), ==,
                    -EINVAL);
    g_assert_cmpint(unmap(w, 0, IOVA, &length), ==, -EINVAL);
    length = -IOVA + 1;
    g_assert_cmpint(unmap(w, 0, IOVA, &length), ==, -EOVERFLOW);
    g_assert_cmpuint(length, ==, 0);
    g_assert_cmpint(unmap(w, IOF_VFIO_UNMAP_ALL_FLAG, 0, &length), ==, 0);
    g_assert_cmpuint(length, ==, 6 * PAGE);
    end(w);
}

/* Only type 1's first version cuts what was mapped at once. */
static void test_cut(gconstpointer data)
{
    bool cuts = GPOINTER_TO_INT(data);
    World *w = begin(cuts ? IOF_VFIO_TYPE1 : IOF_VFIO_TYPE1V2);
    uint64_t length = 2 * PAGE, pa;

    g_assert_cmpint(map(w, RW, IOVA, 0, 8), ==, 0);
    g_assert_cmpint(unmap(w, 0, IOVA + 3 * PAGE, &length), ==,
                    cuts ? 0 : -ENOENT);
    g_assert_cmpuint(length, ==, cuts ? 2 * PAGE : 0);
    fake_check(w->h);
    for (unsigned i = 0; i < 8; i++) {
        bool there = !cuts || i < 3 || i > 4;

        g_assert_cmpint(fake_lookup(&w->table, IOVA + i * PAGE, true, &pa), ==,
                        there);
        g_assert_cmpuint(w->memory->pins[i], ==, there);
    }
    length = 8 * PAGE;
    g_assert_cmpint(unmap(w, 0, IOVA, &length), ==, 0);
    g_assert_cmpuint(length, ==, cuts ? 6 * PAGE : 8 * PAGE);
    length = PAGE / 2;
    g_assert_cmpint(map(w, RW, IOVA, 0, 8), ==, 0);
    g_assert_cmpint(unmap(w, 0, IOVA + PAGE, &length), ==,
                    cuts ? -EINVAL : -ENOENT);
    end(w);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/iommufd/vfio/ioas", test_ioas);
    g_test_add_func("/iommufd/vfio/ioas-destroyed", test_ioas_destroyed);
    g_test_add_func("/iommufd/vfio/extensions", test_extensions);
    g_test_add_func("/iommufd/vfio/info", test_info);
    g_test_add_func("/iommufd/vfio/map", test_map);
    g_test_add_func("/iommufd/vfio/unmap-all", test_unmap_all);
    g_test_add_data_func("/iommufd/vfio/cut/type1", GINT_TO_POINTER(1),
                         test_cut);
    g_test_add_data_func("/iommufd/vfio/cut/type1v2", GINT_TO_POINTER(0),
                         test_cut);
    return g_test_run();
}
