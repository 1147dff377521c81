/*
 * Random maps, copies, unmaps, page tables and accesses against a model that
 * is nothing but lists: what is mapped, where devices get to, who pins what.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "lib/iof.h"

#define IOASES  2
#define TABLES  2               /* of each */
#define AREAS   32
#define PINS    8
#define UNIT    UINT64_C(2048)
#define SLOTS   96              /* units of I/O virtual addresses */
#define BASE    UINT64_C(0x1000000)
#define USER    UINT64_C(0x40000000)
#define PAGES   16

typedef struct Area {
    bool used;
    uint64_t iova, length, user;
    unsigned memory;            /* which MAP it comes from */
    bool write;
} Area;

typedef struct Pin {
    bool used;
    uint64_t iova, length;
} Pin;

typedef struct World {
    FakeHost *h;
    FakeMemory *memory;
    FakeSource *process;
    ImIommufdCaller caller;
    ImIommufdFile *file;
    uint32_t ioas[IOASES];
    FakeTable table[IOASES][TABLES];
    bool has_table[IOASES][TABLES];
    Area area[IOASES][AREAS];
    ImIommufdAccess *access;    /* of the first IOAS, or NULL */
    Pin pin[PINS];
    unsigned memories;
    uint64_t aligned;           /* while there is an access that pins */
} World;

static uint64_t pick(uint64_t below)
{
    return (uint64_t)g_test_rand_int_range(0, (gint32)below);
}

/* --- the model ---------------------------------------------------------- */

static Area *area_at(World *w, unsigned i, uint64_t iova)
{
    for (unsigned k = 0; k < AREAS; k++) {
        Area *a = &w->area[i][k];

        if (a->used && iova >= a->iova && iova - a->iova < a->length) {
            return a;
        }
    }
    return NULL;
}

static bool free_range(World *w, unsigned i, uint64_t iova, uint64_t length)
{
    for (uint64_t at = iova; at < iova + length; at += UNIT) {
        if (area_at(w, i, at)) {
            return false;
        }
    }
    return true;
}

static Area *spare(World *w, unsigned i)
{
    for (unsigned k = 0; k < AREAS; k++) {
        if (!w->area[i][k].used) {
            return &w->area[i][k];
        }
    }
    return NULL;
}

static unsigned tables(World *w, unsigned i)
{
    return (unsigned)w->has_table[i][0] + w->has_table[i][1];
}

static uint64_t alignment(World *w, unsigned i)
{
    return i == 0 && w->access ? 4096 : tables(w, i) ? UNIT : 1;
}

static bool touches(uint64_t user, uint64_t length, uint64_t page)
{
    return user / 4096 <= page && (user + length - 1) / 4096 >= page;
}

/* Whether what came from one MAP is pinned at a page. */
static bool pinned(World *w, unsigned memory, uint64_t page)
{
    for (unsigned i = 0; i < IOASES; i++) {
        for (unsigned k = 0; k < AREAS; k++) {
            Area *a = &w->area[i][k];

            if (a->used && a->memory == memory && tables(w, i) &&
                touches(a->user, a->length, page)) {
                return true;
            }
        }
    }
    for (unsigned k = 0; k < PINS; k++) {
        Pin *p = &w->pin[k];

        for (uint64_t at = p->iova; p->used && at < p->iova + p->length;
             at += UNIT) {
            Area *a = area_at(w, 0, at);

            if (a->memory == memory &&
                touches(a->user + (at - a->iova), 1, page)) {
                return true;
            }
        }
    }
    return false;
}

static void check_lookups(World *w, unsigned i)
{
    for (unsigned t = 0; t < TABLES; t++) {
        for (uint64_t n = 0; w->has_table[i][t] && n < SLOTS; n++) {
            uint64_t iova = BASE + n * UNIT + pick(UNIT);
            Area *a = area_at(w, i, iova);
            bool write = pick(2);
            ImIommufdPage page;
            uint64_t pa;
            uint32_t at;
            bool found = fake_lookup(&w->table[i][t], iova, write, &pa);

            g_assert_cmpint(found, ==, a && (a->write || !write));
            if (found) {
                g_assert_cmpint(im_iommufd_memory_page(w->h->f, pa, &page, &at),
                                ==, 0);
                g_assert_true(page.object == w->memory);
                g_assert_cmpuint(page.offset + at, ==,
                                 a->user + (iova - a->iova) - USER);
            }
        }
    }
}

static void check(World *w)
{
    uint32_t want[PAGES] = { 0 };

    fake_check(w->h);
    for (unsigned m = 0; m < w->memories; m++) {
        for (uint64_t p = 0; p < PAGES; p++) {
            want[p] += pinned(w, m, USER / 4096 + p);
        }
    }
    for (uint64_t p = 0; p < PAGES; p++) {
        ImIommufdPage page = { w->memory, p * 4096 };

        g_assert_cmpuint(w->memory->pins[p], ==, want[p]);
        g_assert_cmpuint(im_iommufd_page_pins(w->h->f, &page), ==, want[p]);
    }
    for (unsigned i = 0; i < IOASES; i++) {
        check_lookups(w, i);
    }
}

/* --- what is done ------------------------------------------------------- */

static void do_map(World *w)
{
    unsigned i = (unsigned)pick(IOASES);
    Area *a = spare(w, i);
    uint64_t length = (1 + pick(8)) * UNIT;
    uint64_t iova = BASE + pick(SLOTS - 8) * UNIT;
    uint64_t user = USER + pick(PAGES * 2 - 8) * UNIT;
    bool write = pick(2);
    IofMapArg m = { .flags = IOF_MAP_FIXED | IOF_MAP_READ |
                             (write ? IOF_MAP_WRITE : 0),
                    .ioas_id = w->ioas[i],
                    .user = user,
                    .length = length,
                    .iova = iova };
    uint64_t rest = alignment(w, i) - 1;
    int want = ((iova | length | user) & rest) ? -EINVAL :
               free_range(w, i, iova, length)  ? 0 :
                                                 -EEXIST;

    if (!a) {
        return;
    }
    g_assert_cmpint(IOF(w->file, &w->caller, IOF_NR_IOAS_MAP, &m), ==, want);
    if (!want) {
        *a = (Area) { true, iova, length, user, w->memories++, write };
    }
}

static void do_copy(World *w)
{
    unsigned from = (unsigned)pick(IOASES);
    unsigned to = (unsigned)pick(IOASES);
    Area *a = area_at(w, from, BASE + pick(SLOTS) * UNIT);
    Area *b = spare(w, to);
    uint64_t skip, length, iova = BASE + pick(SLOTS - 8) * UNIT;
    IofCopyArg c;
    uint64_t rest = alignment(w, to) - 1;
    int want;

    if (!a || !b) {
        return;
    }
    skip = pick(a->length / UNIT) * UNIT;
    length = a->length - skip;
    c = (IofCopyArg) { .flags = IOF_MAP_FIXED | IOF_MAP_READ,
                       .dst_id = w->ioas[to],
                       .src_id = w->ioas[from],
                       .length = length,
                       .dst_iova = iova,
                       .src_iova = a->iova + skip };
    want = ((iova | length | (a->user + skip)) & rest) ? -EINVAL :
           free_range(w, to, iova, length)             ? 0 :
                                                         -EEXIST;
    g_assert_cmpint(IOF(w->file, &w->caller, IOF_NR_IOAS_COPY, &c), ==, want);
    if (!want) {
        *b = (Area) { true, iova, length, a->user + skip, a->memory, false };
    }
}

static void do_unmap(World *w)
{
    unsigned i = (unsigned)pick(IOASES);
    uint64_t iova = BASE + pick(SLOTS) * UNIT;
    uint64_t length = (1 + pick(16)) * UNIT;
    IofUnmapArg u = { .ioas_id = w->ioas[i], .iova = iova, .length = length };
    uint64_t bytes = 0;
    bool cuts = false;
    int want;

    for (unsigned k = 0; k < AREAS; k++) {
        Area *a = &w->area[i][k];

        if (a->used && a->iova < iova + length && a->iova + a->length > iova) {
            cuts = cuts || a->iova < iova ||
                   a->iova + a->length > iova + length;
            bytes += a->length;
        }
    }
    want = cuts || !bytes ? -ENOENT : 0;
    g_assert_cmpint(IOF(w->file, &w->caller, IOF_NR_IOAS_UNMAP, &u), ==, want);
    for (unsigned k = 0; k < AREAS && !want; k++) {
        Area *a = &w->area[i][k];

        if (a->used && a->iova >= iova && a->iova < iova + length) {
            a->used = false;
        }
    }
    if (!want) {
        g_assert_cmpuint(u.length, ==, bytes);
    }
}

static void do_table(World *w)
{
    unsigned i = (unsigned)pick(IOASES);
    unsigned t = (unsigned)pick(TABLES);

    if (w->has_table[i][t]) {
        fake_table_free(&w->table[i][t]);
    } else {
        g_assert_cmpint(fake_table(&w->table[i][t], w->file, w->ioas[i],
                                   0x100 + i * TABLES + t, BASE / 2,
                                   BASE * 2 - 1),
                        ==, 0);
    }
    w->has_table[i][t] = !w->has_table[i][t];
}

/* The engine wants these to be unpinned. */
static void unmapped(void *opaque, uint64_t iova, uint64_t length)
{
    World *w = opaque;

    for (unsigned k = 0; k < PINS; k++) {
        Pin *p = &w->pin[k];

        if (p->used && p->iova <= iova + (length - 1) &&
            p->iova + p->length > iova) {
            im_iommufd_access_unpin(w->access, p->iova, p->length);
            p->used = false;
        }
    }
}

static void do_access(World *w)
{
    static const ImIommufdAccessOps ops = { true, unmapped };
    uint32_t id;
    int err;

    if (w->access) {
        im_iommufd_access_free(w->access);
        w->access = NULL;
        return;
    }
    g_assert_cmpint(im_iommufd_access_new(w->file, &ops, w, &w->access, &id),
                    ==, 0);
    err = im_iommufd_access_attach(w->access, w->ioas[0]);
    for (unsigned k = 0; k < AREAS; k++) {
        Area *a = &w->area[0][k];

        if (a->used && ((a->iova | a->length | a->user) & 4095)) {
            g_assert_cmpint(err, ==, -EADDRINUSE);
            im_iommufd_access_free(w->access);
            w->access = NULL;
            return;
        }
    }
    g_assert_cmpint(err, ==, 0);
}

static void do_pin(World *w)
{
    Pin *p = &w->pin[pick(PINS)];
    uint64_t iova = BASE + pick(SLOTS) * UNIT;
    uint64_t length = (1 + pick(8)) * UNIT;
    ImIommufdPage page[8];
    int want = 0;

    if (!w->access) {
        return;
    }
    if (p->used) {
        im_iommufd_access_unpin(w->access, p->iova, p->length);
        p->used = false;
        return;
    }
    for (uint64_t at = iova; at < iova + length && !want; at += UNIT) {
        want = area_at(w, 0, at) ? 0 : -ENOENT;
    }
    g_assert_cmpint(im_iommufd_access_pin(w->access, iova, length, 0, page), ==,
                    want);
    if (!want) {
        *p = (Pin) { true, iova, length };
        g_assert_true(page[0].object == w->memory);
        g_assert_cmpuint(page[0].offset, ==,
                         (area_at(w, 0, iova)->user - USER +
                          (iova - area_at(w, 0, iova)->iova)) &
                             ~4095ull);
    }
}

/* clang-format off */
static void (*const acts[])(World *) = {
    do_map, do_map, do_map, do_copy, do_unmap, do_unmap, do_table,
    do_access, do_pin, do_pin,
};
/* clang-format on */

static void test_model(void)
{
    World w = { .h = fake_new(11) };

    w.memory = fake_memory(w.h, PAGES);
    w.process = fake_process(w.h);
    fake_mmap(w.process, USER, w.memory, 0, PAGES * 4096, false);
    w.caller = fake_caller(w.process);
    w.file = im_iommufd_open(w.h->f);
    w.ioas[0] = fake_ioas(w.file, &w.caller);
    w.ioas[1] = fake_ioas(w.file, &w.caller);
    for (unsigned i = 0; i < 3000; i++) {
        w.h->most_extent = pick(2) ? UINT64_MAX : 4096 * (1 + pick(3));
        acts[pick(G_N_ELEMENTS(acts))](&w);
        if (i % 4 == 0) {
            check(&w);
        }
    }
    for (unsigned i = 0; i < IOASES; i++) {
        for (unsigned t = 0; t < TABLES; t++) {
            if (w.has_table[i][t]) {
                fake_table_free(&w.table[i][t]);
            }
        }
    }
    if (w.access) {
        im_iommufd_access_free(w.access);
    }
    im_iommufd_drop(w.file);
    fake_free(w.h);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/iommufd/model", test_model);
    return g_test_run();
}
