/*
 * What Linux 7.3 answers, where its drivers of VT-d and SMMUv3 decide: rows
 * of both, each with why.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "world.h"

#define VTD    (&im_iommufd_vtd)
#define SMMU   (&im_iommufd_smmuv3)
#define TABLE  UINT64_C(0x10000)

enum {
    P = IOF_HWPT_NEST_PARENT,
    D = IOF_HWPT_DIRTY,
    Q = IOF_HWPT_FAULT,
    S = IOF_HWPT_PASID,
};

static int map_prot(World *w, uint64_t iova, uint32_t prot)
{
    IofMapArg a = { .flags = IOF_MAP_FIXED | prot, .ioas_id = w->ioas,
                    .user = RAM, .length = PAGE, .iova = iova };

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
    IofAllowArg a = { .ioas_id = w->ioas, .count = 1,
                      .ranges = fake_addr(&r) };

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

/* --- addresses ----------------------------------------------------------- */

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
    IofRangesArg a = { .ioas_id = w->ioas, .count = 4,
                       .ranges = fake_addr(r) };
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

/* --- HWPT_ALLOC ---------------------------------------------------------- */

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
    RC(CMD(w, IOF_NR_VIOMMU_ALLOC, &v), driver == VTD ? -EOPNOTSUPP :
                                        -EINVAL);
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

/* --- what the driver is told --------------------------------------------- */

/* iommu_copy_struct_from_user(): no longer than is known, be it 0. */
static void test_data_lengths(gconstpointer data)
{
    const ImIommufdDriver *driver = data;
    World *w = world_new(driver);
    uint8_t bytes[64] = { 0 };
    IofHwptAlloc a = want_hwpt(w->dev, parent(w), 0);
    IofViommuAlloc v = { .type = IOF_VIOMMU_SMMUV3, .dev_id = w->dev,
                         .hwpt_id = a.pt_id, .reserved = 1 };
    uint32_t size = driver == VTD ? sizeof(IofVtdS1) : sizeof(IofSmmuSte);

    if (driver == SMMU) {       /* whose reserved member is not looked at */
        RC(CMD(w, IOF_NR_VIOMMU_ALLOC, &v), 0);
        a.pt_id = v.viommu_id;
    }
    a.data_type = driver == VTD ? IOF_DATA_VTD_S1 : IOF_DATA_ARM_SMMUV3;
    a.data = fake_addr(bytes);
    for (uint32_t len = 1; len < sizeof(bytes); len++) {
        a.data_len = len;
        RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), len == size ? 0 : -EINVAL);
    }
    world_free(w);
}

typedef struct EntryRow {
    const ImIommufdDriver *driver;
    uint32_t len;
    uint8_t rest;               /* what is beyond the structure */
    uint32_t num;
    int err;
} EntryRow;

/* VT-d's entries are copied one by one as above, SMMUv3's all at once by
 * iommu_copy_struct_from_full_user_array(), which wants some. */
static const EntryRow entries[] = {
    { VTD, 24, 0, 1, 0 },
    { VTD, 23, 0, 1, -EINVAL },
    { VTD, 25, 0, 1, -EINVAL },
    { VTD, 32, 1, 1, -EINVAL },
    { VTD, 0, 0, 0, 0 },
    { SMMU, 16, 0, 1, 0 },
    { SMMU, 8, 0, 1, 0 },
    { SMMU, 1, 0, 1, 0 },
    { SMMU, 24, 0, 1, 0 },
    { SMMU, 24, 1, 1, -E2BIG },
    { SMMU, 16, 0, 0, -EINVAL },
};

static void test_entry_lengths(gconstpointer data)
{
    const EntryRow *row = data;
    World *w = world_new(row->driver);
    uint8_t bytes[64] = { 0 };
    IofVtdS1 s1 = { .table = TABLE, .width = 48 };
    IofHwptAlloc a = want_hwpt(w->dev, parent(w), 0);
    IofViommuAlloc v = { .type = IOF_VIOMMU_SMMUV3, .dev_id = w->dev,
                         .hwpt_id = a.pt_id };
    IofInvalidate inv = { .data = fake_addr(bytes), .entry_len = row->len,
                          .entry_num = row->num };

    if (row->driver == VTD) {
        a.data_type = IOF_DATA_VTD_S1;
        a.data_len = sizeof(s1);
        a.data = fake_addr(&s1);
        RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), 0);
        inv.hwpt_id = a.hwpt_id;
        inv.data_type = IOF_INV_VTD_S1;
    } else {
        RC(CMD(w, IOF_NR_VIOMMU_ALLOC, &v), 0);
        inv.hwpt_id = v.viommu_id;
        inv.data_type = IOF_INV_SMMUV3;
        bytes[0] = 0x30;        /* TLBI_NSNH_ALL */
    }
    bytes[row->driver == VTD ? 24 : 16] = row->rest;
    RC(CMD(w, IOF_NR_HWPT_INVALIDATE, &inv), row->err);
    g_assert_cmpuint(inv.entry_num, ==, row->err ? 0 : row->num);
    world_free(w);
}

/* What cannot be read of the last is said before the first is obeyed. */
static void test_smmu_entries_are_read_first(void)
{
    World *w = world_new(SMMU);
    uint64_t cmd[6] = { GUINT64_TO_LE(0x46), 0, 0, 0, 0, 1 };
    IofViommuAlloc v = { .type = IOF_VIOMMU_SMMUV3, .dev_id = w->dev,
                         .hwpt_id = parent(w) };
    IofInvalidate inv = { .data = fake_addr(cmd), .entry_len = 24,
                          .entry_num = 2, .data_type = IOF_INV_SMMUV3 };

    RC(CMD(w, IOF_NR_VIOMMU_ALLOC, &v), 0);
    inv.hwpt_id = v.viommu_id;
    RC(CMD(w, IOF_NR_HWPT_INVALIDATE, &inv), -E2BIG);
    cmd[5] = 0;
    inv.entry_num = 2;
    RC(CMD(w, IOF_NR_HWPT_INVALIDATE, &inv), -EIO);
    world_free(w);
}

typedef struct S1Row {
    const char *name;
    IofVtdS1 s1;
    int attach;
    bool leads;                 /* somewhere */
} S1Row;

/* intel_iommu_domain_alloc_nested() copies; intel_pasid_setup_nested() and the
 * hardware see what is in it: pasid_set_flptr() cuts the address to a page. */
static const S1Row s1_rows[] = {
    { "fine", { .table = TABLE, .width = 48 }, 0, true },
    { "width-0", { .table = TABLE }, -EINVAL, false },
    { "width-30", { .table = TABLE, .width = 30 }, -EINVAL, false },
    { "width-39", { .table = TABLE, .width = 39 }, -EINVAL, false },
    { "width-64", { .table = TABLE, .width = 64 }, -EINVAL, false },
    { "flags", { .table = TABLE, .width = 48, .flags = ~UINT64_C(4) }, 0,
      true },
    { "reserved", { .table = TABLE, .width = 48, .reserved = 1 }, 0, true },
    { "misaligned", { .table = TABLE + 8, .width = 48 }, 0, true },
    { "nowhere", { .table = UINT64_C(1) << 40, .width = 48 }, 0, false },
    { "huge", { .table = UINT64_C(1) << 52 | TABLE, .width = 48 }, 0, false },
};

static void test_vtd_s1(gconstpointer data)
{
    const S1Row *row = data;
    World *w = world_new(VTD);
    IofHwptAlloc a = want_hwpt(w->dev, parent(w), S);
    IofInvVtd e = { .pages = UINT64_MAX };
    IofInvalidate inv = { .data = fake_addr(&e), .entry_len = sizeof(e),
                          .entry_num = 1, .data_type = IOF_INV_VTD_S1 };
    uint64_t next = TABLE + PAGE;

    guest_set(w, guest_entry(w, TABLE, 0x5000, 7, &next), 0x40000 | 7);
    a.data_type = IOF_DATA_VTD_S1;
    a.data_len = sizeof(row->s1);
    a.data = fake_addr(&row->s1);
    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), 0);
    inv.hwpt_id = a.hwpt_id;
    RC(attach(w, 7, a.hwpt_id), row->attach);
    RC(attach(w, NO_PASID, a.hwpt_id), row->attach);
    g_assert_cmphex(reads(w, NO_PASID, 0x5000), ==,
                    row->leads ? 0x40000 : NOWHERE);
    g_assert_cmphex(reads(w, 7, 0x5000), ==, row->leads ? 0x40000 : NOWHERE);
    RC(CMD(w, IOF_NR_HWPT_INVALIDATE, &inv), 0);
    settle(w);
    world_free(w);
}

/* arm-smmu-v3 has no domain_alloc_nested(): only on a vIOMMU. */
static void test_nested_on_what(gconstpointer data)
{
    const ImIommufdDriver *driver = data;
    World *w = world_new(driver);
    IofVtdS1 s1 = { .table = TABLE, .width = 48 };
    uint32_t plain = hwpt(w, w->dev, w->ioas, 0);
    IofHwptAlloc a = want_hwpt(w->dev, plain, 0);

    a.data_type = IOF_DATA_VTD_S1;
    a.data_len = sizeof(s1);
    a.data = fake_addr(&s1);
    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), driver == VTD ? -EINVAL : -EOPNOTSUPP);
    world_free(w);
}

/* --- VT-d's erratum ------------------------------------------------------ */

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

/* --- type 1 -------------------------------------------------------------- */

typedef struct TypeRow {
    const ImIommufdDriver *driver;
    uint32_t flags;
    int map;
} TypeRow;

/* What neither reads nor writes: only a first stage of VT-d takes it, as it
 * has no bit for reading; vtdss_pt_iommu_set_prot() and arm_lpae_map_pages()
 * refuse. */
static const TypeRow types[] = {
    { VTD, 0, 0 }, { VTD, D, -EINVAL }, { SMMU, 0, -EINVAL },
    { SMMU, P, -EINVAL },
};

static void test_type1(gconstpointer data)
{
    const TypeRow *row = data;
    World *w = world_new(row->driver);
    IofVfioIoasArg set = { .ioas_id = w->ioas, .op = IOF_VFIO_IOAS_SET };
    IofVfioInfo info = { .size = sizeof(info) };
    IofVfioMap m = { .size = sizeof(m), .user = RAM, .iova = 0x200000,
                     .length = PAGE };

    RC(CMD(w, IOF_NR_VFIO_IOAS, &set), 0);
    hwpt(w, w->dev, w->ioas, row->flags);
    RC(im_iommufd_ioctl(w->file, &w->caller,
                        IOF_REQUEST(IOF_VFIO_IOMMU_GET_INFO),
                        fake_addr(&info)), 0);
    g_assert_cmphex(info.page_sizes, ==, 0x40201000);
    RC(im_iommufd_ioctl(w->file, &w->caller,
                        IOF_REQUEST(IOF_VFIO_IOMMU_MAP_DMA), fake_addr(&m)),
       row->map);
    world_free(w);
}

/* --- vIOMMUs ------------------------------------------------------------- */

/* A queue of any type but 0 may be made; this one stays empty. */
static void test_smmu_unknown_queue(void)
{
    World *w = world_new(SMMU);
    IofViommuAlloc v = { .type = IOF_VIOMMU_SMMUV3, .dev_id = w->dev,
                         .hwpt_id = parent(w) };
    IofVeventqAlloc q = { .type = 99, .depth = 1 };
    uint8_t buf[64];

    RC(CMD(w, IOF_NR_VIOMMU_ALLOC, &v), 0);
    q.viommu_id = v.viommu_id;
    RC(CMD(w, IOF_NR_VEVENTQ_ALLOC, &q), 0);
    RC(CMD(w, IOF_NR_VEVENTQ_ALLOC, &q), -EEXIST);
    RC(im_iommufd_queue_read(g_ptr_array_index(w->h->queues, 0), &w->caller,
                             fake_addr(buf), sizeof(buf), 0), 0);
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
    RC(CMD(w, IOF_NR_VIOMMU_ALLOC, &v), driver == VTD ? -EOPNOTSUPP :
                                        -ENOENT);
    v.hwpt_id = plain;
    RC(CMD(w, IOF_NR_VIOMMU_ALLOC, &v), driver == VTD ? -EOPNOTSUPP :
                                        -EINVAL);
    world_free(w);
}

/* arm_vsmmu_alloc_domain_nested() looks at the flags before the STE. */
static void test_smmu_nested_flags(void)
{
    World *w = world_new(SMMU);
    IofViommuAlloc v = { .type = IOF_VIOMMU_SMMUV3, .dev_id = w->dev,
                         .hwpt_id = parent(w) };
    IofHwptAlloc a = want_hwpt(w->dev, 0, S);

    RC(CMD(w, IOF_NR_VIOMMU_ALLOC, &v), 0);
    a.pt_id = v.viommu_id;
    a.data_type = IOF_DATA_ARM_SMMUV3;
    a.data_len = 1;
    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), -EOPNOTSUPP);
    a.flags = 0;
    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), -EINVAL);
    a.data_len = sizeof(IofSmmuSte);
    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), -EFAULT);
    world_free(w);
}

/* --- orders of errors ---------------------------------------------------- */

/* COPY looks at what is copied before it looks for where to. */
static void test_copy_order(void)
{
    World *w = world_new(VTD);
    IofCopyArg a = { .flags = IOF_MAP_FIXED | IOF_MAP_WRITE, .src_id = 99,
                     .dst_id = 98, .src_iova = UINT64_MAX };

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

/* The object is looked for before what is to be done with it. */
static void test_option_order(void)
{
    World *w = world_new(VTD);
    IofOptionArg a = { .option = IOF_OPTION_HUGE_PAGES, .op = 2,
                       .object_id = 99 };

    RC(CMD(w, IOF_NR_OPTION, &a), -ENOENT);
    a.object_id = w->ioas;
    RC(CMD(w, IOF_NR_OPTION, &a), -EOPNOTSUPP);
    a.option = IOF_OPTION_RLIMIT_MODE;
    a.object_id = 0;
    RC(CMD(w, IOF_NR_OPTION, &a), -EOPNOTSUPP);
    world_free(w);
}

/* --- rows ---------------------------------------------------------------- */

static void add(const ImIommufdDriver *driver, const char *name,
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

static void add_by_driver(const ImIommufdDriver *driver)
{
    add(driver, "alloc-order", driver, test_alloc_order);
    add(driver, "faults-without-requests", driver,
        test_faults_of_who_asks_for_none);
    add(driver, "another-iommu", driver, test_table_of_another_iommu);
    add(driver, "data-lengths", driver, test_data_lengths);
    add(driver, "nested-on-what", driver, test_nested_on_what);
    add(driver, "dirty-reserved", driver, test_dirty_reserved);
    add(driver, "viommu-order", driver, test_viommu_order);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD_ROWS(windows, "window", test_window);
    ADD_ROWS(windows, "window-of-a-pasid", test_window_of_a_pasid);
    ADD_ROWS(windows, "window-moves", test_window_moves);
    ADD_ROWS(allocs, "alloc", test_alloc);
    ADD_ROWS(entries, "entry-lengths", test_entry_lengths);
    ADD_ROWS(types, "type1", test_type1);
    add_by_driver(VTD);
    add_by_driver(SMMU);
    for (unsigned i = 0; i < G_N_ELEMENTS(s1_rows); i++) {
        g_autofree char *name = g_strdup_printf("s1/%s", s1_rows[i].name);

        add(VTD, name, &s1_rows[i], test_vtd_s1);
    }
    add(VTD, "errata", GINT_TO_POINTER(1), test_vtd_errata);
    add(VTD, "no-errata", GINT_TO_POINTER(0), test_vtd_errata);
    g_test_add_func("/iommufd/answers/smmuv3/read-first",
                    test_smmu_entries_are_read_first);
    g_test_add_func("/iommufd/answers/smmuv3/nested-flags",
                    test_smmu_nested_flags);
    g_test_add_func("/iommufd/answers/smmuv3/unknown-queue",
                    test_smmu_unknown_queue);
    g_test_add_func("/iommufd/answers/copy-order", test_copy_order);
    g_test_add_func("/iommufd/answers/option-order", test_option_order);
    return g_test_run();
}
