/*
 * Commands of iommufd's IOAS half with the n-th allocation failing, for each
 * n: the state is what it was before.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "lib/iof.h"

#define PAGE   UINT64_C(4096)
#define USER   UINT64_C(0x40000000)
#define IOVA   UINT64_C(0x2000000)
#define PAGES  16
#define FIX    (IOF_MAP_READ | IOF_MAP_WRITE | IOF_MAP_FIXED)

typedef struct World {
    FakeHost *h;
    FakeMemory *memory;
    FakeSource *process;
    ImIommufdCaller caller;
    ImIommufdFile *file;
    uint32_t ioas, other;
    int32_t fd;
    FakeTable table[3];
    ImIommufdAccess *access;
} World;

static void let_go(void *opaque, uint64_t iova, uint64_t length)
{
    (void)opaque, (void)iova, (void)length;
}

/* Two tables on one IOAS with two areas, an access, and another IOAS. */
static World *begin(void)
{
    static const ImIommufdAccessOps ops = { true, let_go };
    World *w = g_new0(World, 1);
    uint32_t id;

    w->h = fake_new(12);
    w->memory = fake_memory(w->h, PAGES);
    w->process = fake_process(w->h);
    fake_mmap(w->process, USER, w->memory, 0, PAGES * PAGE, false);
    fake_file(w->h, w->memory, &w->fd);
    w->caller = fake_caller(w->process);
    w->file = im_iommufd_open(w->h->f);
    w->ioas = fake_ioas(w->file, &w->caller);
    w->other = fake_ioas(w->file, &w->caller);
    for (unsigned i = 0; i < 2; i++) {
        IofMapArg a = { .flags = FIX,
                        .ioas_id = w->ioas,
                        .user = USER + i * 3 * PAGE,
                        .length = 3 * PAGE,
                        .iova = IOVA + i * 3 * PAGE };

        g_assert_cmpint(IOF(w->file, &w->caller, IOF_NR_IOAS_MAP, &a), ==, 0);
        g_assert_cmpint(fake_table(&w->table[i], w->file, w->ioas, 9 + i, 0,
                                   UINT64_MAX),
                        ==, 0);
    }
    g_assert_cmpint(im_iommufd_access_new(w->file, &ops, w, &w->access, &id),
                    ==, 0);
    g_assert_cmpint(im_iommufd_access_attach(w->access, w->ioas), ==, 0);
    return w;
}

static void end(World *w)
{
    fake_check(w->h);
    im_iommufd_access_free(w->access);
    fake_table_free(&w->table[1]);
    fake_table_free(&w->table[0]);
    im_iommufd_drop(w->file);
    fake_free(w->h);
    g_free(w);
}

/* --- commands: what they do is undone when they succeed ----------------- */

static int ioas_alloc(World *w)
{
    IofIoasAllocArg a = { 0 };

    return IOF(w->file, &w->caller, IOF_NR_IOAS_ALLOC, &a);
}

static int map(World *w)
{
    IofMapArg a = { .flags = FIX,
                    .ioas_id = w->ioas,
                    .user = USER,
                    .length = 5 * PAGE,
                    .iova = IOVA * 2 };

    return IOF(w->file, &w->caller, IOF_NR_IOAS_MAP, &a);
}

static int map_file(World *w)
{
    IofMapFileArg a = { .flags = FIX,
                        .ioas_id = w->ioas,
                        .fd = w->fd,
                        .length = 5 * PAGE,
                        .iova = IOVA * 2 };

    return IOF(w->file, &w->caller, IOF_NR_IOAS_MAP_FILE, &a);
}

/* From two areas. */
static int copy(World *w)
{
    IofCopyArg a = { .flags = FIX,
                     .dst_id = w->ioas,
                     .src_id = w->ioas,
                     .length = 4 * PAGE,
                     .dst_iova = IOVA * 2,
                     .src_iova = IOVA + PAGE };

    return IOF(w->file, &w->caller, IOF_NR_IOAS_COPY, &a);
}

static int unmap(World *w)
{
    IofUnmapArg a = { .ioas_id = w->ioas, .iova = IOVA, .length = 6 * PAGE };

    return IOF(w->file, &w->caller, IOF_NR_IOAS_UNMAP, &a);
}

static int allow(World *w)
{
    static const ImuRange r[] = { { 0, 0xfff }, { 0x2000, 0x2fff } };
    IofAllowArg a = { .ioas_id = w->ioas, .ranges = fake_addr(r), .count = 2 };

    return IOF(w->file, &w->caller, IOF_NR_IOAS_ALLOW_IOVAS, &a);
}

static int reserve(World *w)
{
    static const ImuRange r[] = { { 0, 0xfff }, { 0x2000, 0x2fff } };

    return im_iof_ioas_reserve(im_iof_ioas(w->file, w->ioas), w, r, 2);
}

static int add_space(World *w)
{
    ImuSpaceCreate create = { .set = w->file->set, .kind = IMU_SPACE_MAPPED };
    ImuSpaceDestroy destroy = { .set = w->file->set };
    IofSpace *s = &w->table[2].space;
    int n = w->h->fail_in;
    int err;

    w->h->fail_in = 0;
    g_assert_cmpint(im_iof_backend(w->file, IMU_CMD_SPACE_CREATE, &create), ==,
                    0);
    *s = (IofSpace) {
        .ref = create.space, .page = PAGE, .first = PAGE, .last = UINT64_MAX / 2
    };
    w->h->fail_in = n;
    err = im_iof_ioas_add_space(im_iof_ioas(w->file, w->ioas), s);
    if (!err) {
        im_iof_ioas_remove_space(im_iof_ioas(w->file, w->ioas), s);
    }
    destroy.space = create.space;
    g_assert_cmpint(im_iof_backend(w->file, IMU_CMD_SPACE_DESTROY, &destroy),
                    ==, 0);
    return err;
}

static int access_pin(World *w)
{
    ImIommufdPage page[6];
    int err = im_iommufd_access_pin(w->access, IOVA, 6 * PAGE, 0, page);

    if (!err) {
        im_iommufd_access_unpin(w->access, IOVA, 6 * PAGE);
    }
    return err;
}

static int access_new(World *w)
{
    static const ImIommufdAccessOps ops = { true, let_go };
    ImIommufdAccess *a;
    uint32_t id;
    int err = im_iommufd_access_new(w->file, &ops, w, &a, &id);

    if (!err) {
        im_iommufd_access_free(a);
    }
    return err;
}

static int access_replace(World *w)
{
    return im_iommufd_access_replace(w->access, w->other);
}

/* Only what is of files can change hands. */
static void only_files(World *w)
{
    g_assert_cmpint(unmap(w), ==, 0);
    g_assert_cmpint(map_file(w), ==, 0);
}

static int change_process(World *w)
{
    IofChangeProcessArg a = { 0 };
    ImIommufdCaller caller = fake_caller(fake_process(w->h));

    caller.uid++;
    return IOF(w->file, &caller, IOF_NR_IOAS_CHANGE_PROCESS, &a);
}

/* Another file altogether. */
static int open_file(World *w)
{
    ImIommufdFile *file = im_iommufd_open(w->h->f);

    if (file) {
        im_iommufd_drop(file);
    }
    return file ? 0 : -ENOMEM;
}

static const struct Row {
    const char *name;
    int (*run)(World *w);
    bool allocates;
    void (*prepare)(World *w);
} rows[] = {
    { "ioas-alloc", ioas_alloc, true, NULL },
    { "map", map, true, NULL },
    { "map-file", map_file, true, NULL },
    { "copy", copy, true, NULL },
    { "unmap", unmap, false, NULL },
    { "allow", allow, true, NULL },
    { "reserve", reserve, true, NULL },
    { "add-space", add_space, true, NULL },
    { "access-pin", access_pin, false, NULL },
    { "access-new", access_new, true, NULL },
    { "access-replace", access_replace, false, NULL },
    { "change-process", change_process, true, only_files },
    { "open", open_file, true, NULL },
};

static void test(gconstpointer data)
{
    const struct Row *row = data;
    int n = 0;

    for (;;) {
        World *w = begin();
        GString *before = g_string_new(NULL);
        GString *after = g_string_new(NULL);
        bool failed;
        int err;

        if (row->prepare) {
            row->prepare(w);
        }
        im_iommufd_dump(w->h->f, before);
        w->h->fail_in = ++n;
        err = row->run(w);
        w->h->fail_in = 0;
        failed = w->h->failed;
        g_assert_cmpint(err, ==, failed ? -ENOMEM : 0);
        if (failed) {
            im_iommufd_dump(w->h->f, after);
            g_assert_cmpstr(before->str, ==, after->str);
        }
        g_string_free(before, true);
        g_string_free(after, true);
        end(w);
        if (!failed) {
            break;
        }
    }
    g_assert_cmpint(n > 1, ==, row->allocates);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        char *path = g_strconcat("/iommufd/failnth/", rows[i].name, NULL);

        g_test_add_data_func(path, &rows[i], test);
        g_free(path);
    }
    return g_test_run();
}
