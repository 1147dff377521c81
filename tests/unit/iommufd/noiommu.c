/*
 * A device without an IOMMU: addresses of memory, by NOIOMMU_GET_PA.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "world.h"

static int get_pa(World *w, uint64_t iova, uint64_t *length, uint64_t *pa)
{
    IofGetPaArg a = { .ioas_id = w->ioas, .iova = iova, .length = *length };
    int err = CMD(w, IOF_NR_IOAS_GET_PA, &a);

    *length = a.length;
    *pa = a.out_pa;
    return err;
}

static World *begin(const ImIommufdDriver *driver)
{
    World *w = world_new(driver);

    RC(attach(w, NO_PASID, w->ioas), 0);
    return w;
}

static void test_address(void)
{
    World *w = begin(&im_iommufd_none);
    uint64_t length = PAGE, pa;
    uint8_t byte = 0;

    w->ram->byte[5 * PAGE + 7] = 42;
    RC(get_pa(w, 5 * PAGE + 7, &length, &pa), 0);
    g_assert_cmpuint(length, ==, PAGE);
    RC(im_iommufd_memory_read(w->h->f, pa, &byte, 1), 0);
    g_assert_cmpuint(byte, ==, 42);
    length = UINT64_MAX;
    RC(get_pa(w, 5 * PAGE + 7, &length, &pa), 0);
    g_assert_cmpuint(length, ==, (RAM_PAGES - 5) * PAGE - 7);
    RC(im_iommufd_memory_read(w->h->f, pa + length - 1, &byte, 1), 0);
    world_free(w);
}

static void test_refused(void)
{
    World *w = begin(&im_iommufd_none);
    IofGetPaArg a = { .ioas_id = w->ioas, .length = 1, .flags = 1 };
    uint64_t length = 0, pa;

    RC(CMD(w, IOF_NR_IOAS_GET_PA, &a), -EOPNOTSUPP);
    a.flags = 0;
    a.reserved = 1;
    RC(CMD(w, IOF_NR_IOAS_GET_PA, &a), -EOPNOTSUPP);
    a.reserved = 0;
    a.ioas_id = 99;
    RC(CMD(w, IOF_NR_IOAS_GET_PA, &a), -ENOENT);
    RC(get_pa(w, 0, &length, &pa), -EINVAL);
    length = 1;
    RC(get_pa(w, RAM_PAGES * PAGE, &length, &pa), -ENOENT);
    RC(get_pa(w, UINT64_MAX, &length, &pa), -EOVERFLOW);
    im_iommufd_detach(w->file, w->dev, NO_PASID);
    RC(get_pa(w, 0, &length, &pa), -EOPNOTSUPP);
    RC(get_pa(w, RAM_PAGES * PAGE, &length, &pa), -ENOENT);
    world_free(w);
}

/* What is behind an IOMMU has no business with addresses of memory. */
static void test_behind_iommu(void)
{
    World *w = begin(&im_iommufd_vtd);
    uint64_t length = 1, pa;

    RC(get_pa(w, 0, &length, &pa), -EOPNOTSUPP);
    world_free(w);
}

/* There is nothing else to such a device. */
static void test_nothing_else(void)
{
    World *w = begin(&im_iommufd_none);
    IofHwptAlloc a = want_hwpt(w->dev, w->ioas, IOF_HWPT_NEST_PARENT);
    IofHwInfo info = { .dev_id = w->dev };

    RC(CMD(w, IOF_NR_GET_HW_INFO, &info), -EOPNOTSUPP);
    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), -EOPNOTSUPP);
    a.flags = IOF_HWPT_DIRTY;
    RC(CMD(w, IOF_NR_HWPT_ALLOC, &a), -EOPNOTSUPP);
    RC(destroy(w, hwpt(w, w->dev, w->ioas, 0)), 0);
    world_free(w);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/iommufd/noiommu/address", test_address);
    g_test_add_func("/iommufd/noiommu/refused", test_refused);
    g_test_add_func("/iommufd/noiommu/behind-iommu", test_behind_iommu);
    g_test_add_func("/iommufd/noiommu/nothing-else", test_nothing_else);
    return g_test_run();
}
