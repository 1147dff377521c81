/*
 * What Linux 7.3 answers to the data of a driver: rows of VT-d and SMMUv3,
 * each with why.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "world.h"

#define TABLE  UINT64_C(0x10000)

/* iommu_copy_struct_from_user(): no longer than is known, be it 0. */
static void test_data_lengths(gconstpointer data)
{
    const ImIommufdDriver *driver = data;
    World *w = world_new(driver);
    uint8_t bytes[64] = { 0 };
    IofHwptAlloc a = want_hwpt(w->dev, parent(w), 0);
    IofViommuAlloc v = { .type = IOF_VIOMMU_SMMUV3,
                         .dev_id = w->dev,
                         .hwpt_id = a.pt_id,
                         .reserved = 1 };
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
/* clang-format off */
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
/* clang-format on */

static void test_entry_lengths(gconstpointer data)
{
    const EntryRow *row = data;
    World *w = world_new(row->driver);
    uint8_t bytes[64] = { 0 };
    IofVtdS1 s1 = { .table = TABLE, .width = 48 };
    IofHwptAlloc a = want_hwpt(w->dev, parent(w), 0);
    IofViommuAlloc v = { .type = IOF_VIOMMU_SMMUV3,
                         .dev_id = w->dev,
                         .hwpt_id = a.pt_id };
    IofInvalidate inv = { .data = fake_addr(bytes),
                          .entry_len = row->len,
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
    IofViommuAlloc v = { .type = IOF_VIOMMU_SMMUV3,
                         .dev_id = w->dev,
                         .hwpt_id = parent(w) };
    IofInvalidate inv = { .data = fake_addr(cmd),
                          .entry_len = 24,
                          .entry_num = 2,
                          .data_type = IOF_INV_SMMUV3 };

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
    { "flags",
      { .table = TABLE, .width = 48, .flags = ~UINT64_C(4) },
      0,
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
    IofHwptAlloc a = want_hwpt(w->dev, parent(w), IOF_HWPT_PASID);
    IofInvVtd e = { .pages = UINT64_MAX };
    IofInvalidate inv = { .data = fake_addr(&e),
                          .entry_len = sizeof(e),
                          .entry_num = 1,
                          .data_type = IOF_INV_VTD_S1 };
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

/* arm_smmu_validate_vste() knows nothing of address sizes and stalls: what
 * the hardware finds ILLEGAL is attached, and lets nothing through. */
static void test_smmu_illegal_ste(void)
{
    static const uint64_t illegal[][2] = {
        { UINT64_C(1) << 48, 0 },
        { UINT64_C(1) << 51, 0 },
        { 0, 1 << 27 },                                 /* S1STALLD */
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(illegal); i++) {
        World *w = world_new(SMMU);
        IofSmmuSte ste = { { GUINT64_TO_LE(1 | 5 << 1 | 0x1000 | illegal[i][0]),
                             GUINT64_TO_LE(illegal[i][1]) } };
        IofViommuAlloc v = { .type = IOF_VIOMMU_SMMUV3,
                             .dev_id = w->dev,
                             .hwpt_id = parent(w) };
        IofVdeviceAlloc vd = { .dev_id = w->dev, .virt_id = 9 };
        IofHwptAlloc a = want_hwpt(w->dev, 0, 0);

        RC(CMD(w, IOF_NR_VIOMMU_ALLOC, &v), 0);
        a.pt_id = vd.viommu_id = v.viommu_id;
        a.data_type = IOF_DATA_ARM_SMMUV3;
        a.data_len = sizeof(ste);
        a.data = fake_addr(&ste);
        RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), 0);
        RC(attach(w, NO_PASID, a.hwpt_id), -ENOENT);
        RC(CMD(w, IOF_NR_VDEVICE_ALLOC, &vd), 0);
        RC(attach(w, NO_PASID, a.hwpt_id), 0);
        g_assert_cmphex(reads(w, NO_PASID, 0x5000), ==, NOWHERE);
        world_free(w);
    }
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

/* arm_vsmmu_alloc_domain_nested() looks at the flags before the STE. */
static void test_smmu_nested_flags(void)
{
    World *w = world_new(SMMU);
    IofViommuAlloc v = { .type = IOF_VIOMMU_SMMUV3,
                         .dev_id = w->dev,
                         .hwpt_id = parent(w) };
    IofHwptAlloc a = want_hwpt(w->dev, 0, IOF_HWPT_PASID);

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

int main(int argc, char **argv)
{
    static const ImIommufdDriver *const drivers[] = { VTD, SMMU };

    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(drivers); i++) {
        add(drivers[i], "data-lengths", drivers[i], test_data_lengths);
        add(drivers[i], "nested-on-what", drivers[i], test_nested_on_what);
    }
    ADD_ROWS(entries, "entry-lengths", test_entry_lengths);
    for (unsigned i = 0; i < G_N_ELEMENTS(s1_rows); i++) {
        g_autofree char *name = g_strdup_printf("s1/%s", s1_rows[i].name);

        add(VTD, name, &s1_rows[i], test_vtd_s1);
    }
    g_test_add_func("/iommufd/answers/smmuv3/read-first",
                    test_smmu_entries_are_read_first);
    g_test_add_func("/iommufd/answers/smmuv3/illegal-ste",
                    test_smmu_illegal_ste);
    g_test_add_func("/iommufd/answers/smmuv3/nested-flags",
                    test_smmu_nested_flags);
    return g_test_run();
}
