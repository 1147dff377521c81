/*
 * Pinned memory of iommufd: who pays for it, who reaches it, and when it
 * goes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "lib/iof.h"

#define PAGE   UINT64_C(4096)
#define USER   UINT64_C(0x40000000)
#define IOVA   UINT64_C(0x2000000)
#define PAGES  16
#define RW     (IOF_MAP_READ | IOF_MAP_WRITE)
#define FIX    (RW | IOF_MAP_FIXED)

typedef struct World {
    FakeHost *h;
    FakeMemory *memory;
    FakeSource *process, *file_source;
    ImIommufdCaller caller;
    ImIommufdFile *file;
    uint32_t ioas;
    int32_t fd;
    FakeTable table;
    bool has_table;
    /* of the access */
    ImIommufdAccess *access;
    unsigned asked;             /* how often unmap was called */
    bool keeps;                 /* what is pinned */
    uint64_t pinned, length;
} World;

static World *begin(uint64_t mode)
{
    World *w = g_new0(World, 1);
    IofOptionArg a = { .option = IOF_OPTION_RLIMIT_MODE,
                       .op = IOF_OPTION_SET,
                       .value = mode };

    w->h = fake_new(12);
    w->memory = fake_memory(w->h, PAGES);
    w->process = fake_process(w->h);
    fake_mmap(w->process, USER, w->memory, 0, PAGES * PAGE, false);
    w->file_source = fake_file(w->h, w->memory, &w->fd);
    w->caller = fake_caller(w->process);
    w->file = im_iommufd_open(w->h->f);
    g_assert_cmpint(IOF(w->file, &w->caller, IOF_NR_OPTION, &a), ==, 0);
    w->ioas = fake_ioas(w->file, &w->caller);
    return w;
}

static void add_table(World *w)
{
    g_assert_cmpint(fake_table(&w->table, w->file, w->ioas, 9, 0, UINT64_MAX),
                    ==, 0);
    w->has_table = true;
}

static void end(World *w)
{
    fake_check(w->h);
    if (w->access) {
        im_iommufd_access_free(w->access);
    }
    if (w->has_table) {
        fake_table_free(&w->table);
    }
    im_iommufd_drop(w->file);
    fake_free(w->h);
    g_free(w);
}

static int map(World *w, uint64_t iova, uint64_t page, uint64_t pages)
{
    IofMapArg a = { .flags = FIX,
                    .ioas_id = w->ioas,
                    .user = USER + page * PAGE,
                    .length = pages * PAGE,
                    .iova = iova };

    return IOF(w->file, &w->caller, IOF_NR_IOAS_MAP, &a);
}

static int map_file(World *w, uint64_t iova, uint64_t page, uint64_t pages)
{
    IofMapFileArg a = { .flags = FIX,
                        .ioas_id = w->ioas,
                        .fd = w->fd,
                        .start = page * PAGE,
                        .length = pages * PAGE,
                        .iova = iova };

    return IOF(w->file, &w->caller, IOF_NR_IOAS_MAP_FILE, &a);
}

static int unmap(World *w, uint64_t iova, uint64_t pages)
{
    IofUnmapArg a = { .ioas_id = w->ioas,
                      .iova = iova,
                      .length = pages * PAGE };

    return IOF(w->file, &w->caller, IOF_NR_IOAS_UNMAP, &a);
}

static int change_process(World *w, const ImIommufdCaller *caller)
{
    IofChangeProcessArg a = { 0 };

    return IOF(w->file, caller, IOF_NR_IOAS_CHANGE_PROCESS, &a);
}

static void assert_charged(World *w, void *mm, uint64_t pinned, uint64_t locked)
{
    uint64_t p, l;

    im_iommufd_charged(w->h->f, mm, &p, &l);
    g_assert_cmpuint(p, ==, pinned);
    g_assert_cmpuint(l, ==, locked);
}

/* --- limits ------------------------------------------------------------- */

/* Of 5 pages, in each mode of accounting. */
static void test_limit(gconstpointer data)
{
    bool per_process = GPOINTER_TO_INT(data);
    World *w = begin(per_process);
    FakeSource *other = fake_process(w->h);
    ImIommufdCaller caller;
    IofMapArg a = {
        .flags = FIX, .user = USER, .length = 3 * PAGE, .iova = IOVA + 32 * PAGE
    };

    a.ioas_id = w->ioas;
    fake_mmap(other, USER, w->memory, 0, PAGES * PAGE, false);
    w->caller.may_lock = false;
    w->caller.memlock = 5 * PAGE + 100;
    caller = w->caller;
    caller.mm = other;
    add_table(w);
    g_assert_cmpint(map(w, IOVA, 0, 3), ==, 0);
    g_assert_cmpint(map(w, IOVA + 8 * PAGE, 0, 3), ==, -ENOMEM);
    g_assert_cmpint(map(w, IOVA + 8 * PAGE, 0, 2), ==, 0);
    assert_charged(w, w->process, 5, per_process ? 5 : 0);
    /* Another process of the same user. */
    g_assert_cmpint(IOF(w->file, &caller, IOF_NR_IOAS_MAP, &a), ==,
                    per_process ? 0 : -ENOMEM);
    g_assert_cmpint(unmap(w, IOVA, 3), ==, 0);
    assert_charged(w, w->process, 2, per_process ? 2 : 0);
    g_assert_cmpint(map(w, IOVA, 0, 3), ==, 0);
    end(w);
}

static void test_no_limit(void)
{
    World *w = begin(0);

    w->caller.memlock = 0;
    add_table(w);
    g_assert_cmpint(map(w, IOVA, 0, 3), ==, 0);
    assert_charged(w, w->process, 3, 0);
    end(w);
}

/* What is mapped without a table is not pinned, and costs nothing. */
static void test_charged_when_pinned(void)
{
    World *w = begin(1);

    w->caller.may_lock = false;
    w->caller.memlock = 3 * PAGE;
    g_assert_cmpint(map(w, IOVA, 0, 4), ==, 0);
    assert_charged(w, w->process, 0, 0);
    g_assert_cmpint(fake_table(&w->table, w->file, w->ioas, 9, 0, UINT64_MAX),
                    ==, -ENOMEM);
    assert_charged(w, w->process, 0, 0);
    g_assert_cmpint(unmap(w, IOVA, 4), ==, 0);
    g_assert_cmpint(map(w, IOVA, 0, 3), ==, 0);
    add_table(w);
    assert_charged(w, w->process, 3, 3);
    end(w);
}

/* --- CHANGE_PROCESS ----------------------------------------------------- */

static void test_change_process(gconstpointer data)
{
    bool per_process = GPOINTER_TO_INT(data);
    World *w = begin(per_process);
    FakeSource *child = fake_process(w->h);
    ImIommufdCaller caller;

    w->caller.may_lock = false;
    caller = w->caller;
    caller.mm = child;
    add_table(w);
    g_assert_cmpint(map(w, IOVA, 0, 1), ==, 0);
    g_assert_cmpint(change_process(w, &caller), ==, -EINVAL);
    g_assert_cmpint(unmap(w, IOVA, 1), ==, 0);
    g_assert_cmpint(map_file(w, IOVA, 0, 2), ==, 0);
    g_assert_cmpint(map_file(w, IOVA + 8 * PAGE, 4, 1), ==, 0);
    g_assert_cmpint(change_process(w, &w->caller), ==, 0);
    assert_charged(w, w->process, 3, per_process ? 3 : 0);
    g_assert_cmpint(change_process(w, &caller), ==, 0);
    assert_charged(w, w->process, 0, 0);
    assert_charged(w, child, 3, per_process ? 3 : 0);
    /* One that may not have so much. */
    caller.mm = w->process;
    caller.uid++;
    caller.memlock = 2 * PAGE;
    g_assert_cmpint(change_process(w, &caller), ==, -ENOMEM);
    assert_charged(w, child, 3, per_process ? 3 : 0);
    assert_charged(w, w->process, 0, 0);
    end(w);
}

/* --- extents ------------------------------------------------------------ */

/* Memory in three pieces, of two objects, pinned in parts and unpinned in
 * others. */
static void test_extents(void)
{
    World *w = begin(0);
    FakeMemory *second = fake_memory(w->h, 4);
    FakeSource *process = fake_process(w->h);
    uint64_t pa;
    uint8_t byte;

    fake_mmap(process, USER, w->memory, 4 * PAGE, 2 * PAGE, false);
    fake_mmap(process, USER + 2 * PAGE, second, 0, 2 * PAGE, false);
    fake_mmap(process, USER + 4 * PAGE, w->memory, 0, 4 * PAGE, false);
    w->caller.mm = process;
    second->byte[PAGE + 1] = 42;
    add_table(w);
    g_assert_cmpint(map(w, IOVA, 1, 5), ==, 0);
    g_assert_cmpuint(w->memory->pins[4], ==, 0);
    g_assert_cmpuint(w->memory->pins[5], ==, 1);
    g_assert_cmpuint(second->pins[0], ==, 1);
    g_assert_cmpuint(w->memory->pins[1], ==, 1);
    g_assert_true(fake_lookup(&w->table, IOVA + 2 * PAGE + 1, false, &pa));
    g_assert_cmpint(im_iommufd_memory_read(w->h->f, pa, &byte, 1), ==, 0);
    g_assert_cmpuint(byte, ==, 42);
    g_assert_cmpint(im_iommufd_memory_read(w->h->f, pa + 4 * PAGE, &byte, 1),
                    ==, -EFAULT);
    end(w);
}

/* The process ends: what is pinned stays, what is not cannot be. */
static void test_process_gone(void)
{
    World *w = begin(0);
    FakeTable t;
    uint32_t other;

    add_table(w);
    g_assert_cmpint(map(w, IOVA, 0, 2), ==, 0);
    other = w->ioas;
    w->ioas = fake_ioas(w->file, &w->caller);
    g_assert_cmpint(map(w, IOVA, 4, 2), ==, 0);
    w->process->gone = true;
    g_assert_cmpint(fake_table(&t, w->file, other, 10, 0, UINT64_MAX), ==, 0);
    g_assert_cmpuint(w->memory->pins[0], ==, 1);
    fake_table_free(&t);
    g_assert_cmpint(fake_table(&t, w->file, w->ioas, 10, 0, UINT64_MAX), ==,
                    -EFAULT);
    end(w);
}

/* --- dma-bufs ----------------------------------------------------------- */

static void test_revoke(void)
{
    World *w = begin(0);
    uint64_t pa;

    w->file_source->bytes = 4 * PAGE;
    add_table(w);
    g_assert_cmpint(map_file(w, IOVA, 0, 0), ==, -EINVAL);
    g_assert_cmpint(map_file(w, IOVA, 1, 4), ==, -EINVAL);
    g_assert_cmpint(map_file(w, IOVA, 4, 4), ==, -EINVAL);
    g_assert_cmpint(map_file(w, IOVA, 0, 4), ==, 0);
    g_assert_cmpint(map(w, IOVA + 8 * PAGE, 0, 1), ==, 0);
    g_assert_true(fake_lookup(&w->table, IOVA, false, &pa));
    im_iommufd_revoke(w->h->f, w->file_source);
    fake_check(w->h);
    g_assert_false(fake_lookup(&w->table, IOVA, false, &pa));
    g_assert_true(fake_lookup(&w->table, IOVA + 8 * PAGE, false, &pa));
    g_assert_cmpuint(w->memory->pins[1], ==, 0);
    g_assert_cmpint(unmap(w, IOVA, 4), ==, 0);
    w->file_source->gone = true;
    g_assert_cmpint(map_file(w, IOVA, 0, 4), ==, -ENODEV);
    end(w);
}

/* --- accesses ----------------------------------------------------------- */

static void let_go(void *opaque, uint64_t iova, uint64_t length)
{
    World *w = opaque;

    w->asked++;
    g_assert_cmpuint(length, >, 0);
    if (w->length && !w->keeps && w->pinned <= iova + (length - 1)) {
        im_iommufd_access_unpin(w->access, w->pinned, w->length);
        w->length = 0;
    }
}

static const ImIommufdAccessOps pinning = { true, let_go };
static const ImIommufdAccessOps reading = { false, NULL };

static void add_access(World *w, const ImIommufdAccessOps *ops)
{
    uint32_t id;
    IofDestroyArg d;

    g_assert_cmpint(im_iommufd_access_new(w->file, ops, w, &w->access, &id), ==,
                    0);
    g_assert_cmpint(im_iommufd_access_attach(w->access, w->ioas), ==, 0);
    g_assert_cmpint(im_iommufd_access_attach(w->access, w->ioas), ==, -EINVAL);
    d.id = id;
    g_assert_cmpint(IOF(w->file, &w->caller, IOF_NR_DESTROY, &d), ==, -EBUSY);
    d.id = w->ioas;
    g_assert_cmpint(IOF(w->file, &w->caller, IOF_NR_DESTROY, &d), ==, -EBUSY);
}

static int pin(World *w, uint64_t iova, uint64_t pages, bool write)
{
    ImIommufdPage page[PAGES];

    return im_iommufd_access_pin(w->access, iova, pages * PAGE,
                                 write ? IM_IOMMUFD_ACCESS_WRITE : 0, page);
}

static void test_access_pin(void)
{
    World *w = begin(0);
    IofMapArg ro = { .flags = IOF_MAP_FIXED | IOF_MAP_READ,
                     .user = USER,
                     .length = PAGE,
                     .iova = IOVA + 4 * PAGE };

    ro.ioas_id = w->ioas;
    add_access(w, &pinning);
    g_assert_cmpint(map(w, IOVA, 0, 4), ==, 0);
    g_assert_cmpint(IOF(w->file, &w->caller, IOF_NR_IOAS_MAP, &ro), ==, 0);
    g_assert_cmpint(pin(w, IOVA, 4, true), ==, 0);
    g_assert_cmpuint(w->memory->pins[3], ==, 1);
    im_iommufd_access_unpin(w->access, IOVA, 4 * PAGE);
    g_assert_cmpuint(w->memory->pins[3], ==, 0);
    g_assert_cmpint(pin(w, IOVA, 5, false), ==, 0);
    im_iommufd_access_unpin(w->access, IOVA, 5 * PAGE);
    g_assert_cmpint(pin(w, IOVA, 5, true), ==, -EPERM);
    g_assert_cmpint(pin(w, IOVA, 6, false), ==, -ENOENT);
    g_assert_cmpint(pin(w, IOVA, 0, false), ==, -EINVAL);
    g_assert_cmpint(pin(w, UINT64_MAX - PAGE + 1, 2, false), ==, -EOVERFLOW);
    g_assert_cmpint(map(w, IOVA + 8 * PAGE, PAGES - 1, 2), ==, 0);
    g_assert_cmpint(pin(w, IOVA + 8 * PAGE, 2, false), ==, -EFAULT);
    g_assert_cmpuint(w->memory->pins[PAGES - 1], ==, 0);
    end(w);
}

static void test_access_unmap(void)
{
    World *w = begin(0);

    add_access(w, &pinning);
    g_assert_cmpint(map(w, IOVA, 0, 4), ==, 0);
    g_assert_cmpint(pin(w, IOVA + PAGE, 2, true), ==, 0);
    w->pinned = IOVA + PAGE;
    w->length = 2 * PAGE;
    w->keeps = true;
    g_assert_cmpint(unmap(w, IOVA, 4), ==, -EDEADLOCK);
    fake_check(w->h);
    w->keeps = false;
    g_assert_cmpint(unmap(w, IOVA, 4), ==, 0);
    g_assert_cmpuint(w->asked, ==, 2);
    g_assert_cmpuint(w->memory->pins[1], ==, 0);
    end(w);
}

/* Pins of the engine's own are not asked for. */
static void test_locked(void)
{
    World *w = begin(0);
    IofIoas *ioas = im_iof_ioas(w->file, w->ioas);
    ImIommufdPage page[2];

    g_assert_cmpint(map(w, IOVA, 0, 2), ==, 0);
    g_assert_cmpint(im_iof_ioas_pin(ioas, IOVA, 2 * PAGE, true, page), ==, 0);
    g_assert_cmpint(unmap(w, IOVA, 2), ==, -EBUSY);
    im_iof_ioas_unpin(ioas, IOVA, 2 * PAGE);
    g_assert_cmpint(unmap(w, IOVA, 2), ==, 0);
    end(w);
}

static void test_access_replace(void)
{
    World *w = begin(0);
    uint32_t old = w->ioas;
    uint32_t next = fake_ioas(w->file, &w->caller);
    IofDestroyArg d = { .id = old };

    add_access(w, &pinning);
    g_assert_cmpint(map(w, IOVA, 0, 4), ==, 0);
    g_assert_cmpint(pin(w, IOVA, 2, true), ==, 0);
    w->pinned = IOVA;
    w->length = 2 * PAGE;
    g_assert_cmpint(im_iommufd_access_replace(w->access, 77), ==, -ENOENT);
    g_assert_cmpuint(w->length, ==, 2 * PAGE);
    g_assert_cmpint(im_iommufd_access_replace(w->access, next), ==, 0);
    g_assert_cmpuint(w->length, ==, 0);
    g_assert_cmpuint(im_iof_ioas_alignment(im_iof_ioas(w->file, old)), ==, 1);
    g_assert_cmpint(IOF(w->file, &w->caller, IOF_NR_DESTROY, &d), ==, 0);
    g_assert_cmpint(pin(w, IOVA, 2, true), ==, -ENOENT);
    im_iommufd_access_detach(w->access);
    g_assert_cmpint(im_iommufd_access_replace(w->access, next), ==, -ENOENT);
    g_assert_cmpint(pin(w, IOVA, 2, true), ==, -ENOENT);
    end(w);
}

static void test_access_alignment(void)
{
    World *w = begin(0);
    uint32_t id;

    g_assert_cmpint(map(w, IOVA + 512, 0, 1), ==, 0);
    g_assert_cmpint(
        im_iommufd_access_new(w->file, &pinning, w, &w->access, &id), ==, 0);
    g_assert_cmpint(im_iommufd_access_attach(w->access, w->ioas), ==,
                    -EADDRINUSE);
    g_assert_cmpint(unmap(w, IOVA + 512, 1), ==, 0);
    g_assert_cmpint(im_iommufd_access_attach(w->access, w->ioas), ==, 0);
    g_assert_cmpint(map(w, IOVA + 512, 0, 1), ==, -EINVAL);
    end(w);
}

static void test_access_rw(void)
{
    World *w = begin(0);
    uint8_t out[2 * PAGE], in[2 * PAGE];

    add_access(w, &reading);
    g_assert_cmpint(map(w, IOVA + 17, 0, 2), ==, 0);
    g_assert_cmpint(map(w, IOVA + 17 + 2 * PAGE, 6, 1), ==, 0);
    for (unsigned i = 0; i < sizeof(out); i++) {
        out[i] = (uint8_t)(i * 7 + i / 256);
    }
    g_assert_cmpint(im_iommufd_access_rw(w->access, IOVA + 17 + PAGE, out,
                                         2 * PAGE, IM_IOMMUFD_ACCESS_WRITE),
                    ==, 0);
    g_assert_cmpmem(w->memory->byte + PAGE, PAGE, out, PAGE);
    g_assert_cmpmem(w->memory->byte + 6 * PAGE, PAGE, out + PAGE, PAGE);
    g_assert_cmpint(im_iommufd_access_rw(w->access, IOVA + 17 + PAGE + 1, in,
                                         2 * PAGE - 1, 0),
                    ==, 0);
    g_assert_cmpmem(in, 2 * PAGE - 1, out + 1, 2 * PAGE - 1);
    g_assert_cmpint(im_iommufd_access_rw(w->access, IOVA, in, 1, 0), ==,
                    -ENOENT);
    g_assert_cmpint(im_iommufd_access_rw(w->access, IOVA + 17, in, 0, 0), ==,
                    -EINVAL);
    g_assert_cmpint(im_iommufd_access_pin(w->access, IOVA + 17, PAGE, 0, NULL),
                    ==, -EINVAL);
    w->process->gone = true;
    g_assert_cmpint(im_iommufd_access_rw(w->access, IOVA + 17, in, 1, 0), ==,
                    -EFAULT);
    for (unsigned i = 0; i < PAGES; i++) {
        g_assert_cmpuint(w->memory->pins[i], ==, 0);
    }
    end(w);
}

#define ADD(name)  g_test_add_func("/iommufd/" #name, test_##name)
#define ADD2(name)                                                         \
    g_test_add_data_func("/iommufd/" #name "/user", GINT_TO_POINTER(0),    \
                         test_##name);                                     \
    g_test_add_data_func("/iommufd/" #name "/process", GINT_TO_POINTER(1), \
                         test_##name)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD2(limit);
    ADD(no_limit);
    ADD(charged_when_pinned);
    ADD2(change_process);
    ADD(extents);
    ADD(process_gone);
    ADD(revoke);
    ADD(access_pin);
    ADD(access_unmap);
    ADD(locked);
    ADD(access_replace);
    ADD(access_alignment);
    ADD(access_rw);
    return g_test_run();
}
