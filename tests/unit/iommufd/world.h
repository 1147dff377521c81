/*
 * A machine with devices, a process that has memory, and an IOAS in which all
 * of it is mapped at 0: a guest's physical memory.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TESTS_UNIT_IOMMUFD_WORLD_H
#define TESTS_UNIT_IOMMUFD_WORLD_H

#include <string.h>

#include "hw/iommufd/abi_dev.h"
#include "im/im_iommufd_dev.h"
#include "lib/iof.h"

#define PAGE       IM_IOMMUFD_PAGE
#define RAM        UINT64_C(0x10000000)     /* where the process has it */
#define RAM_PAGES  256u
#define FUNC       0x100u                   /* the first device's */
#define NO_PASID   IM_IOMMUFD_NO_PASID
#define VTD        (&im_iommufd_vtd)
#define SMMU       (&im_iommufd_smmuv3)
#define RC(call, err)  g_assert_cmpint((call), ==, (err))

/* What a device was told. */
typedef struct Told {
    unsigned invalidations;
    ImAtsInv inv;               /* the last one */
    uint32_t owed;
    unsigned responses;
    ImPageResp resp;            /* the last one */
} Told;

typedef struct World {
    FakeHost *h;
    FakeMemory *ram;
    FakeSource *process;
    ImIommufdCaller caller;
    ImIommufdFile *file;
    uint32_t ioas;
    uint32_t dev;               /* object of FUNC */
    Told told;
} World;

#define CMD(w, nr, arg)  IOF((w)->file, &(w)->caller, (nr), (arg))

static inline void told_inv(void *opaque, const ImAtsInv *inv)
{
    Told *t = opaque;

    t->invalidations++;
    t->inv = *inv;
    t->owed |= 1u << inv->itag;
}

static inline void told_resp(void *opaque, const ImPageResp *resp)
{
    Told *t = opaque;

    t->responses++;
    t->resp = *resp;
}

static inline ImIommufdDevice device(const ImIommufdDriver *driver,
                                     uint32_t func)
{
    return (ImIommufdDevice) {
        .driver = driver,
        .backend = { .func = func,
                     .group = func,
                     .pri_credit = 8,
                     .caps = IMU_DEV_CAP_PASID | IMU_DEV_CAP_ATS |
                             IMU_DEV_CAP_PRI | IMU_DEV_CAP_EXEC,
                     .pasid_bits = 16 },
        .pasid_bits = 16,
        .inside = true,
    };
}

static inline void map(World *w, uint32_t ioas, uint64_t iova, uint64_t offset,
                       uint64_t length)
{
    IofMapArg a = { .flags = IOF_MAP_FIXED | IOF_MAP_READ | IOF_MAP_WRITE,
                    .ioas_id = ioas,
                    .user = RAM + offset,
                    .length = length,
                    .iova = iova };

    RC(CMD(w, IOF_NR_IOAS_MAP, &a), 0);
}

static inline World *world_new(const ImIommufdDriver *driver)
{
    World *w = g_new0(World, 1);
    ImIommufdDevice dev = device(driver, FUNC);

    w->h = fake_new(12);
    w->ram = fake_memory(w->h, RAM_PAGES);
    w->process = fake_process(w->h);
    fake_mmap(w->process, RAM, w->ram, 0, RAM_PAGES * PAGE, false);
    w->caller = fake_caller(w->process);
    w->file = im_iommufd_open(w->h->f);
    g_assert_nonnull(w->file);
    dev.opaque = &w->told;
    dev.ats_invalidate = told_inv;
    dev.page_response = told_resp;
    RC(im_iommufd_device_add(w->h->f, &dev), 0);
    w->ioas = fake_ioas(w->file, &w->caller);
    map(w, w->ioas, 0, 0, RAM_PAGES * PAGE);
    RC(im_iommufd_bind(w->file, FUNC, &w->dev), 0);
    return w;
}

static inline void world_free(World *w)
{
    fake_check(w->h);
    im_iommufd_unbind(w->file, w->dev);
    im_iommufd_drop(w->file);
    fake_free(w->h);
    g_free(w);
}

/* A second device; NULL: as the first one. */
static inline uint32_t add_device(World *w, const ImIommufdDevice *dev)
{
    uint32_t id = 0;

    RC(im_iommufd_device_add(w->h->f, dev), 0);
    RC(im_iommufd_bind(w->file, dev->backend.func, &id), 0);
    return id;
}

/* --- tables ------------------------------------------------------------- */

static inline IofHwptAlloc want_hwpt(uint32_t dev, uint32_t pt, uint32_t flags)
{
    return (IofHwptAlloc) { .flags = flags, .dev_id = dev, .pt_id = pt };
}

static inline uint32_t hwpt(World *w, uint32_t dev, uint32_t pt, uint32_t flags)
{
    IofHwptAlloc a = want_hwpt(dev, pt, flags);

    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), 0);
    return a.hwpt_id;
}

static inline uint32_t parent(World *w)
{
    return hwpt(w, w->dev, w->ioas, IOF_HWPT_NEST_PARENT);
}

static inline int destroy(World *w, uint32_t id)
{
    IofDestroyArg a = { .id = id };

    return CMD(w, IOF_NR_DESTROY, &a);
}

static inline int attach(World *w, uint32_t pasid, uint32_t pt)
{
    return im_iommufd_attach(w->file, w->dev, pasid, &pt);
}

static inline int replace(World *w, uint32_t pasid, uint32_t pt)
{
    return im_iommufd_replace(w->file, w->dev, pasid, &pt);
}

/* --- requests ----------------------------------------------------------- */

static inline ImXlat dma_of(World *w, uint32_t func, uint32_t pasid,
                            uint64_t addr, ImAccess access, ImAt at)
{
    ImTxn txn = {
        .addr = addr,
        .len = 8,
        .access = (uint8_t)access,
        .at = (uint8_t)at,
        .rid = (uint16_t)func,
        .has_pasid = pasid != NO_PASID,
        .pasid = pasid == NO_PASID ? 0 : pasid,
    };

    return im_ioasid_translate(im_iommufd_backend(w->h->f), &txn);
}

/* The guest-physical address that a read of the first device meets; ~0: it
 * is refused. */
static inline uint64_t reads(World *w, uint32_t pasid, uint64_t addr)
{
    ImXlat x = dma_of(w, FUNC, pasid, addr, IM_READ, IM_AT_UNTRANSLATED);
    ImIommufdPage page;
    uint32_t at;

    if (x.status != IM_OK) {
        return UINT64_MAX;
    }
    RC(im_iommufd_memory_page(w->h->f, x.addr, &page, &at), 0);
    g_assert_true(page.object == w->ram);
    return page.offset + at;
}

#define NOWHERE  UINT64_MAX

/* The device answers what it was told. */
static inline void settle(World *w)
{
    while (w->told.owed) {
        uint32_t owed = w->told.owed;

        w->told.owed = 0;
        im_ioasid_ats_inv_done(im_iommufd_backend(w->h->f), FUNC, owed, 1);
    }
}

/* --- a guest's memory --------------------------------------------------- */

static inline uint64_t guest_get(World *w, uint64_t pa)
{
    uint64_t v;

    memcpy(&v, w->ram->byte + pa, 8);
    return GUINT64_FROM_LE(v);
}

static inline void guest_set(World *w, uint64_t pa, uint64_t v)
{
    v = GUINT64_TO_LE(v);
    memcpy(w->ram->byte + pa, &v, 8);
}

/* Where the entry for va is in four levels of 4 KiB; tables that are not
 * there yet come from page *next on. bits: of an entry that is a table. */
static inline uint64_t guest_entry(World *w, uint64_t root, uint64_t va,
                                   uint64_t bits, uint64_t *next)
{
    for (unsigned level = 3; level > 0; level--) {
        uint64_t at = root + (va >> (12 + 9 * level) & 511) * 8;

        if (!guest_get(w, at)) {
            guest_set(w, at, *next | bits);
            *next += PAGE;
        }
        root = guest_get(w, at) & UINT64_C(0xffffffffff000);
    }
    return root + (va >> 12 & 511) * 8;
}

/* --- rows of what a driver answers -------------------------------------- */

static inline void add(const ImIommufdDriver *driver, const char *name,
                       gconstpointer data, GTestDataFunc fn)
{
    g_autofree char *path = g_strdup_printf("/iommufd/answers/%s/%s",
                                            driver->name, name);

    g_test_add_data_func(path, data, fn);
}

/* A number for each row of a table. */
#define ADD_ROWS(rows, name, fn)                                           \
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {                    \
        g_autofree char *which = g_strdup_printf(name "/%02u", i);         \
        add((rows)[i].driver, which, &(rows)[i], fn);                      \
    }

#endif /* TESTS_UNIT_IOMMUFD_WORLD_H */
