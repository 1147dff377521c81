/*
 * What Linux 7.3 answers, where its drivers of VT-d and SMMUv3 decide: rows
 * of both, each with why.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "world.h"

enum {
    P = IOF_HWPT_NEST_PARENT,
    D = IOF_HWPT_DIRTY,
    Q = IOF_HWPT_FAULT,
    S = IOF_HWPT_PASID,
};

static int map_prot(World *w, uint64_t iova, uint32_t prot)
{
    IofMapArg a = { .flags = IOF_MAP_FIXED | prot,
                    .ioas_id = w->ioas,
                    .user = RAM,
                    .length = PAGE,
                    .iova = iova };

    return CMD(w, IOF_NR_IOAS_MAP, &a);
}

static int map_at(World *w, uint64_t iova)
{
    return map_prot(w, iova, IOF_MAP_READ | IOF_MAP_WRITE);
}

static void unmap_at(World *w, uint64_t iova)
{
    IofUnmapArg a = { .ioas_id = w->ioas, .iova = iova, .length = PAGE };

    RC(CMD(w, IOF_NR_IOAS_UNMAP, &a), 0);
}

static int allow(World *w, ImuRange r)
{
    IofAllowArg a = { .ioas_id = w->ioas, .count = 1, .ranges = fake_addr(&r) };

    return CMD(w, IOF_NR_IOAS_ALLOW_IOVAS, &a);
}

static uint32_t fault_queue(World *w)
{
    IofFaultAlloc a = { 0 };

    RC(CMD(w, IOF_NR_FAULT_QUEUE_ALLOC, &a), 0);
    return a.fault_id;
}

static void close_queues(World *w)
{
    for (unsigned i = 0; i < w->h->queues->len; i++) {
        im_iommufd_queue_close(g_ptr_array_index(w->h->queues, i));
    }
}

/* --- addresses ---------------------------------------------------------- */

typedef struct Window {
    const ImIommufdDriver *driver;
    ImuRange free[2];
} Window;

/* intel_iommu_get_resv_regions(), arm_smmu_get_resv_regions(); a first stage
 * of five levels without the half that is negative, 48 bits. */
static const Window windows[] = {
    { VTD, { { 0, 0xfedfffff }, { 0xfef00000, UINT64_MAX >> 8 } } },
    { SMMU, { { 0, 0x7ffffff }, { 0x8100000, UINT64_MAX >> 16 } } },
};

static void test_window(gconstpointer data)
{
    const Window *row = data;
    uint64_t first = row->free[0].last + 1;
    uint64_t last = row->free[1].first - 1;
    World *w = world_new(row->driver);
    ImuRange r[4] = { { 0, 0 } };
    IofRangesArg a = { .ioas_id = w->ioas, .count = 4, .ranges = fake_addr(r) };
    const ImuRange across = { first - PAGE, first + PAGE - 1 };

    RC(attach(w, NO_PASID, w->ioas), 0);
    RC(CMD(w, IOF_NR_IOAS_IOVA_RANGES, &a), 0);
    g_assert_cmpuint(a.count, ==, 2);
    g_assert_cmpmem(r, sizeof(row->free), row->free, sizeof(row->free));
    RC(map_at(w, first), -EINVAL);
    RC(map_at(w, last + 1 - PAGE), -EINVAL);
    RC(map_at(w, first - PAGE), 0);
    RC(map_at(w, last + 1), 0);
    RC(allow(w, across), -EADDRINUSE);
    im_iommufd_detach(w->file, w->dev, NO_PASID);
    RC(map_at(w, first), 0);
    RC(attach(w, NO_PASID, w->ioas), -EADDRINUSE);
    unmap_at(w, first);
    RC(allow(w, across), 0);
    RC(attach(w, NO_PASID, w->ioas), -EADDRINUSE);
    world_free(w);
}

/* Interrupts are messages without PASID. */
static void test_window_of_a_pasid(gconstpointer data)
{
    const Window *row = data;
    World *w = world_new(row->driver);
    uint32_t table = hwpt(w, w->dev, w->ioas, S);

    RC(attach(w, 7, table), 0);
    RC(map_at(w, row->free[0].last + 1), 0);
    RC(attach(w, NO_PASID, table), -EADDRINUSE);
    unmap_at(w, row->free[0].last + 1);
    RC(attach(w, NO_PASID, table), 0);
    im_iommufd_detach(w->file, w->dev, 7);
    RC(map_at(w, row->free[0].last + 1), -EINVAL);
    world_free(w);
}

/* The window of one that replaces goes where it goes. */
static void test_window_moves(gconstpointer data)
{
    const Window *row = data;
    World *w = world_new(row->driver);
    uint32_t other = fake_ioas(w->file, &w->caller);

    RC(attach(w, NO_PASID, w->ioas), 0);
    RC(replace(w, NO_PASID, other), 0);
    RC(map_at(w, row->free[0].last + 1), 0);
    RC(replace(w, NO_PASID, w->ioas), -EADDRINUSE);
    w->ioas = other;
    RC(map_at(w, row->free[0].last + 1), -EINVAL);
    world_free(w);
}

/* --- HWPT_ALLOC --------------------------------------------------------- */

typedef struct AllocRow {
    const ImIommufdDriver *driver;
    uint32_t flags;
    int err;
    uint8_t bits;               /* of the highest address */
    bool reads;                 /* whatever is mapped can be read */
} AllocRow;

/* intel_iommu_domain_alloc_paging_flags(): the second stage where it must be.
 * arm_smmu_domain_alloc_paging_flags(): parents are stage 2, without flags.
 * Both see no FAULT; the first stages have no bit for reading. */
static const AllocRow allocs[] = {
    { VTD, 0, 0, 56, true },
    { VTD, S, 0, 56, true },
    { VTD, Q, 0, 56, true },
    { VTD, Q | S, 0, 56, true },
    { VTD, P, 0, 57, false },
    { VTD, P | S, 0, 57, false },
    { VTD, D, 0, 57, false },
    { VTD, D | S, 0, 57, false },
    { VTD, D | Q | S, 0, 57, false },
    { VTD, P | D, 0, 57, false },
    { VTD, P | Q, -EOPNOTSUPP, 0, false },
    { VTD, 16, -EOPNOTSUPP, 0, false },
    { SMMU, 0, 0, 48, true },
    { SMMU, S, 0, 48, true },
    { SMMU, D, 0, 48, true },
    { SMMU, D | S, 0, 48, true },
    { SMMU, Q, 0, 48, true },
    { SMMU, Q | S, 0, 48, true },
    { SMMU, D | Q, 0, 48, true },
    { SMMU, D | Q | S, 0, 48, true },
    { SMMU, P, 0, 48, false },
    { SMMU, P | S, -EOPNOTSUPP, 0, false },
    { SMMU, P | D, -EOPNOTSUPP, 0, false },
    { SMMU, P | Q, -EOPNOTSUPP, 0, false },
    { SMMU, 16, -EOPNOTSUPP, 0, false },
};

static void test_alloc(gconstpointer data)
{
    const AllocRow *row = data;
    World *w = world_new(row->driver);
    IofHwptAlloc a = want_hwpt(w->dev, w->ioas, row->flags);
    uint64_t top = UINT64_C(1) << row->bits;

    a.fault_id = fault_queue(w);
    a.reserved2 = 1;            /* not looked at; nor is a pointer to none */
    a.data = 8;
    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), row->err);
    if (!row->err) {
        RC(map_at(w, top - PAGE), 0);
        RC(map_at(w, top), -EINVAL);
        RC(map_prot(w, 0x200000, IOF_MAP_WRITE), 0);
        RC(attach(w, NO_PASID, a.hwpt_id), 0);
        g_assert_cmphex(reads(w, NO_PASID, 0x200000), ==,
                        row->reads ? 0 : NOWHERE);
    }
    close_queues(w);
    world_free(w);
}

/* Before the flags there must be a device, and something to stand on. */
static void test_alloc_order(gconstpointer data)
{
    World *w = world_new(data);
    IofHwptAlloc a = want_hwpt(99, 98, 16);

    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), -ENOENT);
    a.dev_id = w->dev;
    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), -EINVAL);
    a.pt_id = w->ioas;
    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), -EOPNOTSUPP);
    world_free(w);
}

/* intel_iommu_enable_iopf() wants page requests; arm_smmu_enable_iopf() takes
 * devices that do not stall. */
static void test_faults_of_who_asks_for_none(gconstpointer data)
{
    const ImIommufdDriver *driver = data;
    World *w = world_new(driver);
    ImIommufdDevice dev = device(driver, FUNC + 1);
    IofHwptAlloc a = want_hwpt(0, w->ioas, Q);
    uint32_t pt;

    dev.backend.caps &= ~IMU_DEV_CAP_PRI;
    a.dev_id = add_device(w, &dev);
    a.fault_id = fault_queue(w);
    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), 0);
    pt = a.hwpt_id;
    RC(im_iommufd_attach(w->file, a.dev_id, NO_PASID, &pt),
       driver == VTD ? -ENODEV : 0);
    im_iommufd_unbind(w->file, a.dev_id);
    close_queues(w);
    world_free(w);
}

/* paging_domain_compatible() of like units; an smmu_domain is of its SMMU. */
static void test_table_of_another_iommu(gconstpointer data)
{
    const ImIommufdDriver *driver = data;
    World *w = world_new(driver);
    ImIommufdDevice dev = device(driver, FUNC + 1);
    uint32_t pt = hwpt(w, w->dev, w->ioas, 0);
    IofViommuAlloc v = { .type = IOF_VIOMMU_SMMUV3, .hwpt_id = parent(w) };
    uint32_t first, second;

    dev.iommu = 7;
    second = add_device(w, &dev);
    RC(im_iommufd_attach(w->file, second, NO_PASID, &pt),
       driver == VTD ? 0 : -EINVAL);
    v.dev_id = second;
    RC(CMD(w, IOF_NR_VIOMMU_ALLOC, &v), driver == VTD ? -EOPNOTSUPP : -EINVAL);
    im_iommufd_detach(w->file, second, NO_PASID);
    pt = w->ioas;
    RC(im_iommufd_attach(w->file, w->dev, NO_PASID, &pt), 0);
    first = pt;
    pt = w->ioas;
    RC(im_iommufd_attach(w->file, second, NO_PASID, &pt), 0);
    g_assert_cmpint(pt == first, ==, driver == VTD);
    im_iommufd_unbind(w->file, second);
    world_free(w);
}

/* --- VT-d's erratum ----------------------------------------------------- */

/* ERRATA_772415_SPR17: Linux says that all have it. */
static void test_vtd_errata(gconstpointer data)
{
    bool has = GPOINTER_TO_INT(data);
    World *w = world_new(VTD);
    ImIommufdDevice dev = device(VTD, FUNC + 1);
    IofHwInfoVtd info = { .flags = 77 };
    IofHwInfo a = { .data_len = sizeof(info), .data = fake_addr(&info) };
    IofHwptAlloc h = want_hwpt(0, w->ioas, P);

    dev.no_errata = !has;
    h.dev_id = a.dev_id = add_device(w, &dev);
    RC(CMD(w, IOF_NR_GET_HW_INFO, &a), 0);
    g_assert_cmphex(info.flags, ==, has ? IOF_VTD_ERRATA_772415 : 0);
    RC(map_prot(w, 0x200000, IOF_MAP_READ), 0);
    RC(CMD(w, IOF_NR_HWPT_ALLOC, &h), has ? -EINVAL : 0);
    unmap_at(w, 0x200000);
    if (has) {
        RC(CMD(w, IOF_NR_HWPT_ALLOC, &h), 0);
    }
    RC(map_prot(w, 0x200000, IOF_MAP_READ), has ? -EINVAL : 0);
    RC(map_prot(w, 0x300000, IOF_MAP_WRITE), 0);
    h.flags = D;
    RC(CMD(w, IOF_NR_HWPT_ALLOC, &h), 0);
    im_iommufd_unbind(w->file, a.dev_id);
    world_free(w);
}

/* --- type 1 ------------------------------------------------------------- */

typedef struct TypeRow {
    const ImIommufdDriver *driver;
    uint32_t flags;
} TypeRow;

/* What neither reads nor writes is mapped, but into no table. */
static const TypeRow types[] = {
    { VTD, 0 }, { VTD, D }, { VTD, P }, { SMMU, 0 }, { SMMU, P },
};

static void test_type1(gconstpointer data)
{
    const TypeRow *row = data;
    World *w = world_new(row->driver);
    IofVfioIoasArg set = { .ioas_id = w->ioas, .op = IOF_VFIO_IOAS_SET };
    IofVfioInfo info = { .size = sizeof(info) };
    IofVfioMap m = {
        .size = sizeof(m), .user = RAM, .iova = 0x200000, .length = PAGE
    };
    uint32_t table = hwpt(w, w->dev, w->ioas, row->flags);

    RC(CMD(w, IOF_NR_VFIO_IOAS, &set), 0);
    RC(im_iommufd_ioctl(w->file, &w->caller,
                        IOF_REQUEST(IOF_VFIO_IOMMU_GET_INFO), fake_addr(&info)),
       0);
    g_assert_cmphex(info.page_sizes, ==, 0x40201000);
    RC(im_iommufd_ioctl(w->file, &w->caller,
                        IOF_REQUEST(IOF_VFIO_IOMMU_MAP_DMA), fake_addr(&m)),
       -EINVAL);
    RC(destroy(w, table), 0);
    RC(im_iommufd_ioctl(w->file, &w->caller,
                        IOF_REQUEST(IOF_VFIO_IOMMU_MAP_DMA), fake_addr(&m)),
       0);
    world_free(w);
}

/* --- vIOMMUs ------------------------------------------------------------ */

/* A queue of any type but 0 may be made; this one stays empty. */
static void test_smmu_unknown_queue(void)
{
    World *w = world_new(SMMU);
    IofViommuAlloc v = { .type = IOF_VIOMMU_SMMUV3,
                         .dev_id = w->dev,
                         .hwpt_id = parent(w) };
    IofVeventqAlloc q = { .type = 99, .depth = 1 };
    uint8_t buf[64];

    RC(CMD(w, IOF_NR_VIOMMU_ALLOC, &v), 0);
    q.viommu_id = v.viommu_id;
    RC(CMD(w, IOF_NR_VEVENTQ_ALLOC, &q), 0);
    RC(CMD(w, IOF_NR_VEVENTQ_ALLOC, &q), -EEXIST);
    RC(im_iommufd_queue_read(g_ptr_array_index(w->h->queues, 0), &w->caller,
                             fake_addr(buf), sizeof(buf), 0),
       0);
    q.type = 0;
    RC(CMD(w, IOF_NR_VEVENTQ_ALLOC, &q), -EOPNOTSUPP);
    close_queues(w);
    world_free(w);
}

/* The type, then the parent, then what the driver says of it. */
static void test_viommu_order(gconstpointer data)
{
    const ImIommufdDriver *driver = data;
    World *w = world_new(driver);
    uint32_t plain = hwpt(w, w->dev, w->ioas, 0);
    IofViommuAlloc v = { .type = 0, .dev_id = 99, .hwpt_id = 98 };

    RC(CMD(w, IOF_NR_VIOMMU_ALLOC, &v), -EOPNOTSUPP);
    v.type = 77;
    RC(CMD(w, IOF_NR_VIOMMU_ALLOC, &v), -ENOENT);
    v.dev_id = w->dev;
    RC(CMD(w, IOF_NR_VIOMMU_ALLOC, &v), -EOPNOTSUPP);
    v.type = IOF_VIOMMU_SMMUV3;
    RC(CMD(w, IOF_NR_VIOMMU_ALLOC, &v), driver == VTD ? -EOPNOTSUPP : -ENOENT);
    v.hwpt_id = plain;
    RC(CMD(w, IOF_NR_VIOMMU_ALLOC, &v), driver == VTD ? -EOPNOTSUPP : -EINVAL);
    world_free(w);
}

/* --- orders of errors --------------------------------------------------- */

/* COPY looks at what is copied before it looks for where to. */
static void test_copy_order(void)
{
    World *w = world_new(VTD);
    IofCopyArg a = { .flags = IOF_MAP_FIXED | IOF_MAP_WRITE,
                     .src_id = 99,
                     .dst_id = 98,
                     .src_iova = UINT64_MAX };

    RC(CMD(w, IOF_NR_IOAS_COPY, &a), -EOVERFLOW);
    a.src_iova = 0;
    RC(CMD(w, IOF_NR_IOAS_COPY, &a), -ENOENT);
    a.src_id = w->ioas;
    RC(CMD(w, IOF_NR_IOAS_COPY, &a), -EINVAL);          /* no length */
    a.length = PAGE;
    RC(CMD(w, IOF_NR_IOAS_COPY, &a), -ENOENT);
    RC(map_prot(w, 0x200000, IOF_MAP_READ), 0);
    a.dst_id = w->ioas;
    a.src_iova = 0x200000;
    RC(CMD(w, IOF_NR_IOAS_COPY, &a), -EEXIST);          /* and read-only */
    a.dst_iova = 0x300000;
    RC(CMD(w, IOF_NR_IOAS_COPY, &a), -EPERM);
    a.flags = IOF_MAP_READ;
    a.dst_iova = UINT64_MAX;
    RC(CMD(w, IOF_NR_IOAS_COPY, &a), -EOVERFLOW);
    world_free(w);
}

/* arm_lpae_prot_to_pte() makes entries that read as dirty, and tracking is
 * always on; VT-d's count from when it is. */
static void test_dirty_at_first(gconstpointer data)
{
    const ImIommufdDriver *driver = data;
    bool arm = driver == SMMU;
    World *w = world_new(driver);
    IofDirtySet set = { .hwpt_id = hwpt(w, w->dev, w->ioas, D) };
    uint64_t bits = 0;
    IofDirtyGet get = { .hwpt_id = set.hwpt_id,
                        .length = 64 * PAGE,
                        .page_size = PAGE,
                        .bitmap = fake_addr(&bits) };

    RC(CMD(w, IOF_NR_HWPT_GET_DIRTY_BITMAP, &get), 0);      /* off */
    g_assert_cmphex(bits, ==, arm ? UINT64_MAX : 0);
    bits = 0;
    RC(CMD(w, IOF_NR_HWPT_GET_DIRTY_BITMAP, &get), 0);
    g_assert_cmphex(bits, ==, 0);
    RC(map_at(w, RAM_PAGES * PAGE), 0);
    RC(map_prot(w, (RAM_PAGES + 1) * PAGE, IOF_MAP_READ), 0);
    get.iova = RAM_PAGES * PAGE;
    get.length = 2 * PAGE;
    set.flags = IOF_DIRTY_ENABLE;
    RC(CMD(w, IOF_NR_HWPT_SET_DIRTY_TRACKING, &set), 0);    /* all clean */
    RC(CMD(w, IOF_NR_HWPT_GET_DIRTY_BITMAP, &get), 0);
    g_assert_cmphex(bits, ==, 0);
    unmap_at(w, RAM_PAGES * PAGE);
    RC(map_at(w, RAM_PAGES * PAGE), 0);
    RC(CMD(w, IOF_NR_HWPT_GET_DIRTY_BITMAP, &get), 0);
    g_assert_cmphex(bits, ==, arm);
    set.flags = 0;
    RC(CMD(w, IOF_NR_HWPT_SET_DIRTY_TRACKING, &set), 0);
    RC(attach(w, NO_PASID, get.hwpt_id), 0);
    g_assert_cmpint(dma_of(w, FUNC, NO_PASID, get.iova, IM_WRITE,
                           IM_AT_UNTRANSLATED)
                        .status,
                    ==, IM_OK);
    bits = 0;
    RC(CMD(w, IOF_NR_HWPT_GET_DIRTY_BITMAP, &get), 0);
    g_assert_cmphex(bits, ==, arm);
    world_free(w);
}

/* SET_DIRTY_TRACKING does not look at its reserved member. */
static void test_dirty_reserved(gconstpointer data)
{
    World *w = world_new(data);
    IofDirtySet set = { .reserved = 1 };
    IofDirtyGet get = { .reserved = 1 };

    set.hwpt_id = get.hwpt_id = hwpt(w, w->dev, w->ioas, D);
    RC(CMD(w, IOF_NR_HWPT_SET_DIRTY_TRACKING, &set), 0);
    RC(CMD(w, IOF_NR_HWPT_GET_DIRTY_BITMAP, &get), -EOPNOTSUPP);
    world_free(w);
}

/* A new automatic table is attached before it is filled, by Linux's
 * immediate_attach; the window first of all. */
static void test_attach_order(gconstpointer data)
{
    const Window *row = data;
    World *w = world_new(row->driver);
    uint32_t none = fake_ioas(w->file, &w->caller);
    IofMapArg m = { .flags = IOF_MAP_FIXED | IOF_MAP_READ,
                    .ioas_id = none,
                    .user = 0x1000,
                    .length = PAGE,
                    .iova = PAGE };

    RC(CMD(w, IOF_NR_IOAS_MAP, &m), 0);     /* nothing to pin */
    RC(attach(w, 7, none), -EINVAL);        /* and no table for PASIDs */
    RC(attach(w, NO_PASID, none), -EFAULT);
    m.iova = row->free[0].last + 1;
    RC(CMD(w, IOF_NR_IOAS_MAP, &m), 0);
    RC(attach(w, NO_PASID, none), -EADDRINUSE);
    RC(attach(w, NO_PASID, w->ioas), 0);
    RC(attach(w, NO_PASID, 99), -ENOENT);   /* and attached */
    RC(attach(w, NO_PASID, w->dev), -EINVAL);
    RC(attach(w, NO_PASID, none), -EBUSY);
    RC(attach(w, NO_PASID, w->ioas), -EBUSY);
    world_free(w);
}

/* The fault object is looked for last. */
static void test_fault_order(gconstpointer data)
{
    World *w = world_new(data);
    IofHwptAlloc a = want_hwpt(w->dev, w->ioas, Q);

    RC(map_at(w, UINT64_C(1) << 60), 0);
    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), -EADDRINUSE);
    unmap_at(w, UINT64_C(1) << 60);
    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), -ENOENT);
    world_free(w);
}

/* The object is looked for before what is to be done with it. */
static void test_option_order(void)
{
    World *w = world_new(VTD);
    IofOptionArg a = { .option = IOF_OPTION_HUGE_PAGES,
                       .op = 2,
                       .object_id = 99 };

    RC(CMD(w, IOF_NR_OPTION, &a), -ENOENT);
    a.object_id = w->ioas;
    RC(CMD(w, IOF_NR_OPTION, &a), -EOPNOTSUPP);
    a.option = IOF_OPTION_RLIMIT_MODE;
    a.object_id = 0;
    RC(CMD(w, IOF_NR_OPTION, &a), -EOPNOTSUPP);
    world_free(w);
}

/* --- rows --------------------------------------------------------------- */

static void add_by_driver(const ImIommufdDriver *driver)
{
    add(driver, "alloc-order", driver, test_alloc_order);
    add(driver, "faults-without-requests", driver,
        test_faults_of_who_asks_for_none);
    add(driver, "another-iommu", driver, test_table_of_another_iommu);
    add(driver, "dirty-reserved", driver, test_dirty_reserved);
    add(driver, "dirty-at-first", driver, test_dirty_at_first);
    add(driver, "viommu-order", driver, test_viommu_order);
    add(driver, "fault-order", driver, test_fault_order);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD_ROWS(windows, "window", test_window);
    ADD_ROWS(windows, "window-of-a-pasid", test_window_of_a_pasid);
    ADD_ROWS(windows, "window-moves", test_window_moves);
    ADD_ROWS(windows, "attach-order", test_attach_order);
    ADD_ROWS(allocs, "alloc", test_alloc);
    ADD_ROWS(types, "type1", test_type1);
    add_by_driver(VTD);
    add_by_driver(SMMU);
    add(VTD, "errata", GINT_TO_POINTER(1), test_vtd_errata);
    add(VTD, "no-errata", GINT_TO_POINTER(0), test_vtd_errata);
    g_test_add_func("/iommufd/answers/smmuv3/unknown-queue",
                    test_smmu_unknown_queue);
    g_test_add_func("/iommufd/answers/copy-order", test_copy_order);
    g_test_add_func("/iommufd/answers/option-order", test_option_order);
    return g_test_run();
}
