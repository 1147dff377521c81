/*
 * Commands and objects of iommufd: sizes, numbers, users, options.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "lib/iof.h"

typedef struct World {
    FakeHost *h;
    FakeSource *process;
    ImIommufdCaller caller;
    ImIommufdFile *file;
} World;

static World begin(void)
{
    World w = { .h = fake_new(12) };

    w.process = fake_process(w.h);
    w.caller = fake_caller(w.process);
    w.file = im_iommufd_open(w.h->f);
    g_assert_nonnull(w.file);
    return w;
}

static void end(World *w)
{
    fake_check(w->h);
    im_iommufd_drop(w->file);
    fake_free(w->h);
}

/* --- sizes -------------------------------------------------------------- */

typedef struct SizeRow {
    const char *name;
    uint8_t nr;
    uint32_t min, size;
} SizeRow;

static const SizeRow sizes[] = {
    { "DESTROY", IOF_NR_DESTROY, 8, 8 },
    { "IOAS_ALLOC", IOF_NR_IOAS_ALLOC, 12, 12 },
    { "IOAS_ALLOW_IOVAS", IOF_NR_IOAS_ALLOW_IOVAS, 24, 24 },
    { "IOAS_COPY", IOF_NR_IOAS_COPY, 40, 40 },
    { "IOAS_IOVA_RANGES", IOF_NR_IOAS_IOVA_RANGES, 32, 32 },
    { "IOAS_MAP", IOF_NR_IOAS_MAP, 40, 40 },
    { "IOAS_UNMAP", IOF_NR_IOAS_UNMAP, 24, 24 },
    { "OPTION", IOF_NR_OPTION, 24, 24 },
    { "VFIO_IOAS", IOF_NR_VFIO_IOAS, 12, 12 },
    { "IOAS_MAP_FILE", IOF_NR_IOAS_MAP_FILE, 40, 40 },
    { "IOAS_CHANGE_PROCESS", IOF_NR_IOAS_CHANGE_PROCESS, 8, 8 },
    { "IOAS_GET_PA", IOF_NR_IOAS_GET_PA, 40, 40 },
};

static void test_sizes(gconstpointer data)
{
    const SizeRow *row = data;
    World w = begin();
    uint8_t buf[2048] = { 0 };
    int same;

    g_assert_cmpint(fake_ioctl(w.file, &w.caller, row->nr, buf, row->min - 1),
                    ==, -EINVAL);
    buf[row->size] = 1;
    g_assert_cmpint(fake_ioctl(w.file, &w.caller, row->nr, buf, row->size + 1),
                    ==, -E2BIG);
    buf[row->size] = 0;
    buf[1999] = 1;
    g_assert_cmpint(fake_ioctl(w.file, &w.caller, row->nr, buf, 2000), ==,
                    -E2BIG);
    g_assert_cmpint(fake_ioctl(w.file, &w.caller, row->nr, buf, 1999), !=,
                    -E2BIG);
    memset(buf, 0, sizeof(buf));
    same = fake_ioctl(w.file, &w.caller, row->nr, buf, row->size);
    memset(buf, 0, sizeof(buf));
    g_assert_cmpint(fake_ioctl(w.file, &w.caller, row->nr, buf, row->size + 1),
                    ==, same);
    g_assert_cmpint(im_iommufd_ioctl(w.file, &w.caller, IOF_REQUEST(row->nr),
                                     0),
                    ==, -EFAULT);
    end(&w);
}

static void test_unknown(void)
{
    World w = begin();
    IofDestroyArg a = { .size = sizeof(a) };

    g_assert_cmpint(IOF(w.file, &w.caller, 0x7f, &a), ==, -ENOTTY);
    g_assert_cmpint(IOF(w.file, &w.caller, 0xa0, &a), ==, -ENOTTY);
    g_assert_cmpint(im_iommufd_ioctl(w.file, &w.caller, 0x80, fake_addr(&a)),
                    ==, -ENOTTY);
    g_assert_cmpint(im_iommufd_ioctl(w.file, &w.caller,
                                     1u << 30 | IOF_REQUEST(0x80),
                                     fake_addr(&a)),
                    ==, -ENOTTY);
    end(&w);
}

/* --- numbers ------------------------------------------------------------ */

static int destroy(World *w, uint32_t id)
{
    IofDestroyArg a = { .id = id };

    return IOF(w->file, &w->caller, IOF_NR_DESTROY, &a);
}

static void test_lowest_number(void)
{
    World w = begin();

    for (uint32_t i = 1; i <= 40; i++) {
        g_assert_cmpuint(fake_ioas(w.file, &w.caller), ==, i);
    }
    g_assert_cmpint(destroy(&w, 7), ==, 0);
    g_assert_cmpint(destroy(&w, 3), ==, 0);
    g_assert_cmpint(destroy(&w, 3), ==, -ENOENT);
    g_assert_cmpuint(fake_ioas(w.file, &w.caller), ==, 3);
    g_assert_cmpuint(fake_ioas(w.file, &w.caller), ==, 7);
    g_assert_cmpuint(fake_ioas(w.file, &w.caller), ==, 41);
    g_assert_cmpint(destroy(&w, 0), ==, -ENOENT);
    g_assert_cmpint(destroy(&w, 42), ==, -ENOENT);
    g_assert_cmpint(destroy(&w, UINT32_MAX), ==, -ENOENT);
    end(&w);
}

static void test_users(void)
{
    World w = begin();
    uint32_t id = fake_ioas(w.file, &w.caller);
    IofIoas *ioas = im_iof_ioas(w.file, id);

    im_iof_ioas_object(ioas)->users++;
    g_assert_cmpint(destroy(&w, id), ==, -EBUSY);
    im_iof_ioas_object(ioas)->users--;
    g_assert_cmpint(destroy(&w, id), ==, 0);
    g_assert_null(im_iof_ioas(w.file, id));
    end(&w);
}

static void ended(ImIommufdFile *file, void *opaque)
{
    g_assert_nonnull(file);
    ++*(unsigned *)opaque;
}

static const ImIommufdThing thing = { "thing", ended };
static const ImIommufdThing other = { "other", ended };

static void test_things(void)
{
    World w = begin();
    unsigned gone = 0;
    uint32_t id[3];

    for (unsigned i = 0; i < 3; i++) {
        g_assert_cmpint(im_iommufd_thing_new(w.file, &thing, &gone, &id[i]), ==,
                        0);
    }
    g_assert_true(im_iommufd_thing(w.file, &thing, id[1]) == &gone);
    g_assert_null(im_iommufd_thing(w.file, &other, id[1]));
    g_assert_null(im_iof_ioas(w.file, id[1]));
    g_assert_cmpint(destroy(&w, id[1]), ==, 0);
    g_assert_null(im_iommufd_thing(w.file, &thing, id[1]));
    im_iommufd_thing_free(w.file, id[0]);
    g_assert_cmpuint(gone, ==, 2);
    im_iommufd_hold(w.file);
    im_iommufd_drop(w.file);
    g_assert_cmpuint(gone, ==, 2);
    end(&w);
    g_assert_cmpuint(gone, ==, 3);
}

static void destroy_tomb(ImIommufdFile *file, IofObject *obj)
{
    (void)file;
    (void)obj;
    g_assert_not_reached();
}

static void test_tombs(void)
{
    static const IofKind kind = { "kind", destroy_tomb };
    World w = begin();
    IofObject obj = { 0 };

    g_assert_cmpint(im_iof_object_in(w.file, &obj, &kind), ==, 0);
    g_assert_cmpuint(obj.id, ==, 1);
    im_iof_object_entomb(w.file, &obj);
    g_assert_null(im_iof_object(w.file, NULL, 1));
    g_assert_cmpint(destroy(&w, 1), ==, -ENOENT);
    g_assert_cmpuint(fake_ioas(w.file, &w.caller), ==, 2);
    end(&w);
}

/* --- OPTION ------------------------------------------------------------- */

static int option(World *w, uint32_t id, uint16_t op, uint32_t object,
                  uint64_t *value)
{
    IofOptionArg a = {
        .option = id, .op = op, .object_id = object, .value = *value
    };
    int err = IOF(w->file, &w->caller, IOF_NR_OPTION, &a);

    *value = a.value;
    return err;
}

static int set(World *w, uint32_t id, uint32_t object, uint64_t value)
{
    return option(w, id, IOF_OPTION_SET, object, &value);
}

static uint64_t get(World *w, uint32_t id, uint32_t object)
{
    uint64_t value = 77;

    g_assert_cmpint(option(w, id, IOF_OPTION_GET, object, &value), ==, 0);
    return value;
}

static void test_rlimit_mode(void)
{
    World w = begin();
    uint64_t v = 0;

    g_assert_cmpuint(get(&w, IOF_OPTION_RLIMIT_MODE, 0), ==, 0);
    g_assert_cmpint(set(&w, IOF_OPTION_RLIMIT_MODE, 0, 1), ==, 0);
    g_assert_cmpint(set(&w, IOF_OPTION_RLIMIT_MODE, 0, 2), ==, -EINVAL);
    g_assert_cmpuint(get(&w, IOF_OPTION_RLIMIT_MODE, 0), ==, 1);
    g_assert_cmpint(set(&w, IOF_OPTION_RLIMIT_MODE, 1, 0), ==, -EOPNOTSUPP);
    g_assert_cmpint(option(&w, IOF_OPTION_RLIMIT_MODE, 2, 0, &v), ==,
                    -EOPNOTSUPP);
    g_assert_cmpint(option(&w, 2, IOF_OPTION_GET, 0, &v), ==, -EOPNOTSUPP);
    w.caller.may_raise = false;
    g_assert_cmpint(set(&w, IOF_OPTION_RLIMIT_MODE, 0, 0), ==, -EPERM);
    w.caller.may_raise = true;
    fake_ioas(w.file, &w.caller);
    g_assert_cmpint(set(&w, IOF_OPTION_RLIMIT_MODE, 0, 0), ==, -EBUSY);
    end(&w);
}

static void test_huge_pages(void)
{
    World w = begin();
    uint32_t id = fake_ioas(w.file, &w.caller);

    g_assert_cmpuint(get(&w, IOF_OPTION_HUGE_PAGES, id), ==, 1);
    g_assert_cmpuint(im_iof_ioas_alignment(im_iof_ioas(w.file, id)), ==, 1);
    g_assert_cmpint(set(&w, IOF_OPTION_HUGE_PAGES, id, 0), ==, 0);
    g_assert_cmpuint(get(&w, IOF_OPTION_HUGE_PAGES, id), ==, 0);
    g_assert_cmpuint(im_iof_ioas_alignment(im_iof_ioas(w.file, id)), ==, 4096);
    g_assert_cmpint(set(&w, IOF_OPTION_HUGE_PAGES, id, 2), ==, -EINVAL);
    g_assert_cmpint(set(&w, IOF_OPTION_HUGE_PAGES, id, 1), ==, 0);
    g_assert_cmpuint(im_iof_ioas_alignment(im_iof_ioas(w.file, id)), ==, 1);
    g_assert_cmpint(set(&w, IOF_OPTION_HUGE_PAGES, id + 1, 1), ==, -ENOENT);
    end(&w);
}

/* An instance says what is wrong with its configuration. */
static void test_config(void)
{
    static const ImIommufdConfig bad[] = {
        { .io_page_shift = 10, .pasid_bits = 20 },
        { .io_page_shift = 13, .pasid_bits = 20 },
        { .io_page_shift = 12, .pasid_bits = 0 },
        { .io_page_shift = 12, .pasid_bits = 21 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        FakeHost h = { 0 };
        char *err;

        g_assert_null(im_iommufd_new(&bad[i], &fake_port, &h, &err));
        g_assert_nonnull(err);
        g_assert_cmpuint(h.live, ==, 0);
        g_free(err);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        char *path = g_strconcat("/iommufd/sizes/", sizes[i].name, NULL);

        g_test_add_data_func(path, &sizes[i], test_sizes);
        g_free(path);
    }
    g_test_add_func("/iommufd/unknown-commands", test_unknown);
    g_test_add_func("/iommufd/lowest-number", test_lowest_number);
    g_test_add_func("/iommufd/users-keep", test_users);
    g_test_add_func("/iommufd/things", test_things);
    g_test_add_func("/iommufd/tombs", test_tombs);
    g_test_add_func("/iommufd/option/rlimit-mode", test_rlimit_mode);
    g_test_add_func("/iommufd/option/huge-pages", test_huge_pages);
    g_test_add_func("/iommufd/config", test_config);
    return g_test_run();
}
