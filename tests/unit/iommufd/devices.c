/*
 * Devices of iommufd: binding, attaching with and without PASID, groups,
 * what hardware says of itself.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "world.h"

/* --- bind --------------------------------------------------------------- */

static void test_bind_once(void)
{
    World *w = world_new(VTD);
    ImIommufdFile *other = im_iommufd_open(w->h->f);
    uint32_t id, func;
    void *opaque;

    RC(im_iommufd_bind(w->file, FUNC + 1, &id), -ENODEV);
    RC(im_iommufd_bind(w->file, FUNC, &id), -EBUSY);
    RC(im_iommufd_bind(other, FUNC, &id), -ENODEV);
    RC(destroy(w, w->dev), -EBUSY);
    g_assert_true(im_iommufd_device_of(w->file, w->dev, &func, &opaque));
    g_assert_cmphex(func, ==, FUNC);
    g_assert_true(opaque == &w->told);
    im_iommufd_unbind(w->file, w->dev);
    g_assert_false(im_iommufd_device_of(w->file, w->dev, &func, &opaque));
    RC(im_iommufd_bind(other, FUNC, &id), 0);
    im_iommufd_unbind(other, id);
    im_iommufd_drop(other);
    RC(im_iommufd_bind(w->file, FUNC, &w->dev), 0);
    world_free(w);
}

static void test_a_device_holds_its_file(void)
{
    World *w = world_new(VTD);
    ImIommufdDevice dev = device(VTD, FUNC + 1);
    ImIommufdFile *file = im_iommufd_open(w->h->f);
    uint32_t id;

    dev.inside = false;
    RC(im_iommufd_device_add(w->h->f, &dev), 0);
    RC(im_iommufd_bind(file, FUNC + 1, &id), 0);
    im_iommufd_drop(file);
    g_assert_nonnull(im_iommufd_of(file));
    im_iommufd_unbind(file, id);        /* the file is gone with it */
    world_free(w);
}

static void test_removal_unbinds(void)
{
    World *w = world_new(VTD);

    RC(attach(w, NO_PASID, w->ioas), 0);
    RC(im_iommufd_device_remove(w->h->f, FUNC), 0);
    RC(im_iommufd_device_remove(w->h->f, FUNC), -ENOENT);
    RC(destroy(w, w->ioas), 0);
    world_free(w);
}

/* --- attach ------------------------------------------------------------- */

static void test_dma_goes_where_it_is_attached(void)
{
    World *w = world_new(VTD);

    g_assert_cmphex(reads(w, NO_PASID, 0x5008), ==, NOWHERE);
    RC(attach(w, NO_PASID, w->ioas), 0);
    g_assert_cmphex(reads(w, NO_PASID, 0x5008), ==, 0x5008);
    g_assert_cmphex(reads(w, NO_PASID, RAM_PAGES * PAGE), ==, NOWHERE);
    g_assert_cmphex(reads(w, 5, 0x5008), ==, NOWHERE);
    im_iommufd_detach(w->file, w->dev, NO_PASID);
    g_assert_cmphex(reads(w, NO_PASID, 0x5008), ==, NOWHERE);
    im_iommufd_detach(w->file, w->dev, NO_PASID);
    world_free(w);
}

static void test_attach_errors(void)
{
    World *w = world_new(VTD);
    uint32_t pt = w->ioas;

    RC(im_iommufd_attach(w->file, 99, NO_PASID, &pt), -ENOENT);
    RC(im_iommufd_replace(w->file, 99, NO_PASID, &pt), -ENOENT);
    RC(attach(w, NO_PASID, 99), -ENOENT);
    RC(attach(w, NO_PASID, w->dev), -EINVAL);
    RC(replace(w, NO_PASID, w->ioas), -EINVAL);
    RC(attach(w, NO_PASID, w->ioas), 0);
    RC(attach(w, NO_PASID, w->ioas), -EBUSY);
    RC(replace(w, NO_PASID, w->dev), -EINVAL);
    RC(replace(w, NO_PASID, w->ioas), 0);
    world_free(w);
}

static void test_automatic_tables_are_shared_and_go(void)
{
    World *w = world_new(VTD);
    ImIommufdDevice dev = device(VTD, FUNC + 1);
    uint32_t second = add_device(w, &dev);
    uint32_t pt = w->ioas;
    uint32_t auto_id;

    RC(im_iommufd_attach(w->file, w->dev, NO_PASID, &pt), 0);
    auto_id = pt;
    g_assert_cmpuint(auto_id, ==,
                     im_iommufd_attached(w->file, w->dev, NO_PASID));
    pt = w->ioas;
    RC(im_iommufd_attach(w->file, second, NO_PASID, &pt), 0);
    g_assert_cmpuint(pt, ==, auto_id);
    RC(destroy(w, auto_id), -EBUSY);
    RC(destroy(w, w->ioas), -EBUSY);
    im_iommufd_detach(w->file, w->dev, NO_PASID);
    g_assert_cmpuint(im_iommufd_attached(w->file, w->dev, NO_PASID), ==, 0);
    RC(attach(w, NO_PASID, auto_id), 0);
    im_iommufd_unbind(w->file, second);
    im_iommufd_detach(w->file, w->dev, NO_PASID);
    RC(destroy(w, auto_id), -ENOENT);
    RC(destroy(w, w->ioas), 0);
    world_free(w);
}

static void test_replace_is_where_dma_goes(void)
{
    World *w = world_new(VTD);
    uint32_t other = fake_ioas(w->file, &w->caller);
    uint32_t table;

    map(w, other, 0, PAGE, PAGE);
    table = hwpt(w, w->dev, other, 0);
    RC(attach(w, NO_PASID, w->ioas), 0);
    g_assert_cmphex(reads(w, NO_PASID, 0), ==, 0);
    RC(replace(w, NO_PASID, table), 0);
    g_assert_cmphex(reads(w, NO_PASID, 0), ==, PAGE);
    g_assert_cmphex(reads(w, NO_PASID, PAGE), ==, NOWHERE);
    RC(destroy(w, table), -EBUSY);
    RC(replace(w, NO_PASID, w->ioas), 0);
    g_assert_cmphex(reads(w, NO_PASID, 0), ==, 0);
    RC(destroy(w, table), 0);
    world_free(w);
}

static void test_reserved_ranges(void)
{
    static const ImuRange msi = { 0xfee00000, 0xfeefffff };
    World *w = world_new(VTD);
    ImIommufdDevice dev = device(VTD, FUNC + 1);
    IofMapArg a = { .flags = IOF_MAP_FIXED | IOF_MAP_READ,
                    .ioas_id = w->ioas,
                    .user = RAM,
                    .length = PAGE,
                    .iova = msi.first };
    IofUnmapArg u = { .ioas_id = w->ioas, .iova = msi.first, .length = PAGE };
    uint32_t pt = w->ioas;
    uint32_t second;

    dev.backend.reserved = &msi;
    dev.backend.reserved_count = 1;
    second = add_device(w, &dev);
    RC(CMD(w, IOF_NR_IOAS_MAP, &a), 0);
    RC(im_iommufd_attach(w->file, second, NO_PASID, &pt), -EADDRINUSE);
    g_assert_cmpuint(im_iommufd_attached(w->file, second, NO_PASID), ==, 0);
    RC(CMD(w, IOF_NR_IOAS_UNMAP, &u), 0);
    pt = w->ioas;
    RC(im_iommufd_attach(w->file, second, NO_PASID, &pt), 0);
    RC(CMD(w, IOF_NR_IOAS_MAP, &a), -EINVAL);
    im_iommufd_unbind(w->file, second);
    RC(CMD(w, IOF_NR_IOAS_MAP, &a), 0);
    world_free(w);
}

/* --- groups ------------------------------------------------------------- */

static void test_a_group_has_one_table(void)
{
    World *w = world_new(VTD);
    ImIommufdDevice dev = device(VTD, FUNC + 1);
    uint32_t other = fake_ioas(w->file, &w->caller);
    uint32_t pt = w->ioas;
    uint32_t second;

    dev.backend.group = FUNC;
    second = add_device(w, &dev);
    RC(attach(w, NO_PASID, w->ioas), 0);
    pt = hwpt(w, w->dev, other, 0);
    RC(im_iommufd_attach(w->file, second, NO_PASID, &pt), -EINVAL);
    pt = w->ioas;
    RC(im_iommufd_attach(w->file, second, NO_PASID, &pt), 0);
    RC(replace(w, NO_PASID, other), 0);
    g_assert_cmpuint(im_iommufd_attached(w->file, second, NO_PASID), ==,
                     im_iommufd_attached(w->file, w->dev, NO_PASID));
    g_assert_cmpint(
        dma_of(w, FUNC + 1, NO_PASID, 0, IM_READ, IM_AT_UNTRANSLATED).status,
        ==, IM_FAULT);
    im_iommufd_unbind(w->file, second);
    world_free(w);
}

/* The second of the group cannot: nobody changes. */
static void test_replace_of_a_group_is_all_or_nothing(void)
{
    static const ImuRange low = { 0, PAGE - 1 };
    static const ImuRange high = { 0xfee00000, 0xfeefffff };
    World *w = world_new(VTD);
    ImIommufdDevice dev = device(VTD, FUNC + 1);
    ImIommufdDevice more[2];
    uint32_t empty = fake_ioas(w->file, &w->caller);
    uint32_t second, was;
    uint32_t others[2];
    uint32_t pt = empty;

    dev.backend.group = FUNC;
    dev.backend.reserved = &low;
    dev.backend.reserved_count = 1;
    second = add_device(w, &dev);
    RC(attach(w, NO_PASID, empty), 0);
    was = im_iommufd_attached(w->file, w->dev, NO_PASID);
    RC(im_iommufd_attach(w->file, second, NO_PASID, &pt), 0);
    for (unsigned i = 0; i < 2; i++) {
        more[i] = dev;
        more[i].backend.func = FUNC + 2 + i;
        more[i].backend.reserved = &high;
        others[i] = add_device(w, &more[i]);
        RC(im_iommufd_attach(w->file, others[i], NO_PASID, &pt), 0);
    }
    RC(replace(w, NO_PASID, w->ioas), -EADDRINUSE);
    map(w, w->ioas, high.first, 0, PAGE);   /* not reserved there */
    g_assert_cmpuint(im_iommufd_attached(w->file, w->dev, NO_PASID), ==, was);
    g_assert_cmpuint(im_iommufd_attached(w->file, second, NO_PASID), ==, was);
    g_assert_cmphex(reads(w, NO_PASID, PAGE), ==, NOWHERE);
    im_iommufd_unbind(w->file, second);
    im_iommufd_unbind(w->file, others[0]);
    im_iommufd_unbind(w->file, others[1]);
    world_free(w);
}

/* --- PASIDs ------------------------------------------------------------- */

static void test_pasid_rules(void)
{
    World *w = world_new(VTD);
    uint32_t plain = hwpt(w, w->dev, w->ioas, 0);
    uint32_t flagged = hwpt(w, w->dev, w->ioas, IOF_HWPT_PASID);

    RC(attach(w, 7, plain), -EINVAL);
    RC(attach(w, 7, w->ioas), -EINVAL);
    RC(attach(w, 0, flagged), -EINVAL);
    RC(attach(w, 1 << 16, flagged), -EINVAL);
    RC(replace(w, 7, flagged), -EINVAL);
    RC(attach(w, NO_PASID, plain), 0);
    RC(attach(w, 7, flagged), -EINVAL);
    RC(replace(w, NO_PASID, flagged), 0);
    RC(attach(w, 7, flagged), 0);
    RC(attach(w, 7, flagged), -EBUSY);
    RC(replace(w, NO_PASID, plain), -EINVAL);
    g_assert_cmpuint(im_iommufd_attached(w->file, w->dev, 7), ==, flagged);
    g_assert_cmphex(reads(w, 7, 0x3000), ==, 0x3000);
    g_assert_cmphex(reads(w, 8, 0x3000), ==, NOWHERE);
    RC(replace(w, 7, plain), -EINVAL);
    g_assert_cmphex(reads(w, 7, 0x3000), ==, 0x3000);
    im_iommufd_detach(w->file, w->dev, 7);
    im_iommufd_detach(w->file, w->dev, 7);
    g_assert_cmphex(reads(w, 7, 0x3000), ==, NOWHERE);
    RC(replace(w, NO_PASID, plain), 0);
    world_free(w);
}

static void test_a_device_without_pasids(void)
{
    World *w = world_new(VTD);
    ImIommufdDevice dev = device(VTD, FUNC + 1);
    uint32_t flagged = hwpt(w, w->dev, w->ioas, IOF_HWPT_PASID);
    uint32_t pt = flagged;
    uint32_t second;

    dev.pasid_bits = 0;
    second = add_device(w, &dev);
    RC(im_iommufd_attach(w->file, second, 7, &pt), -EINVAL);
    RC(im_iommufd_attach(w->file, second, NO_PASID, &pt), 0);
    im_iommufd_unbind(w->file, second);
    world_free(w);
}

/* A number is one PASID of the file, whatever devices use it; when nobody
 * does any more, it can be used again. */
static void test_a_number_comes_again(void)
{
    World *w = world_new(VTD);
    ImIommufdDevice dev = device(VTD, FUNC + 1);
    uint32_t second = add_device(w, &dev);
    uint32_t flagged = hwpt(w, w->dev, w->ioas, IOF_HWPT_PASID);
    uint32_t pt = flagged;

    for (unsigned i = 0; i < 3; i++) {
        RC(attach(w, 7, flagged), 0);
        RC(im_iommufd_attach(w->file, second, 7, &pt), 0);
        im_iommufd_detach(w->file, w->dev, 7);
        settle(w);
        g_assert_cmphex(reads(w, 7, 0), ==, NOWHERE);
        g_assert_cmpint(
            dma_of(w, FUNC + 1, 7, 0, IM_READ, IM_AT_UNTRANSLATED).status, ==,
            IM_OK);
        im_iommufd_detach(w->file, second, 7);
    }
    im_iommufd_unbind(w->file, second);
    world_free(w);
}

/* --- GET_HW_INFO -------------------------------------------------------- */

static IofHwInfo info_of(World *w, uint32_t flags, uint32_t type, void *buf,
                         uint32_t len, int err)
{
    IofHwInfo a = { .flags = flags,
                    .dev_id = w->dev,
                    .data_len = len,
                    .data = buf ? fake_addr(buf) : 0,
                    .type = type };

    RC(CMD(w, IOF_NR_GET_HW_INFO, &a), err);
    return a;
}

static void test_hw_info(gconstpointer data)
{
    const ImIommufdDriver *driver = data;
    bool vtd = driver == VTD;
    uint32_t size = vtd ? sizeof(IofHwInfoVtd) : sizeof(IofHwInfoSmmu);
    World *w = world_new(driver);
    uint8_t buf[64], part[64];
    IofHwInfo a;

    memset(buf, 0xaa, sizeof(buf));
    a = info_of(w, 0, 99, buf, sizeof(buf), 0);
    g_assert_cmpuint(a.data_len, ==, size);
    g_assert_cmpuint(a.type, ==, vtd ? 1 : 2);
    g_assert_cmpuint(a.pasid_log2, ==, 16);
    g_assert_cmphex(a.capabilities, ==, IOF_HW_CAP_DIRTY | IOF_HW_CAP_EXEC);
    for (uint32_t i = size; i < sizeof(buf); i++) {
        g_assert_cmphex(buf[i], ==, 0);
    }
    memset(part, 0xaa, sizeof(part));
    a = info_of(w, IOF_HW_INFO_WANTS_TYPE, a.type, part, 13, 0);
    g_assert_cmpuint(a.data_len, ==, size);
    g_assert_cmpmem(part, 13, buf, 13);
    g_assert_cmphex(part[13], ==, 0xaa);
    info_of(w, 0, 0, NULL, 0, 0);
    info_of(w, 0, 0, NULL, 8, -EFAULT);
    info_of(w, IOF_HW_INFO_WANTS_TYPE, 3, buf, 8, -EOPNOTSUPP);
    info_of(w, 2, 0, buf, 8, -EOPNOTSUPP);
    world_free(w);
}

/* What is reported can be nested: SMTS, NEST and FSTS, PASIDs of 16 bits. */
static void test_vtd_registers(void)
{
    World *w = world_new(VTD);
    IofHwInfoVtd info;

    info_of(w, 0, 0, &info, sizeof(info), 0);
    g_assert_cmphex(info.ecap >> 43 & 1, ==, 1);
    g_assert_cmphex(info.ecap >> 26 & 1, ==, 1);
    g_assert_cmphex(info.ecap >> 47 & 1, ==, 1);
    g_assert_cmphex(info.ecap >> 35 & 31, ==, 15);
    g_assert_cmphex(info.cap >> 60 & 1, ==, 1);
    world_free(w);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/iommufd/bind/once", test_bind_once);
    g_test_add_func("/iommufd/bind/holds-the-file",
                    test_a_device_holds_its_file);
    g_test_add_func("/iommufd/bind/removal", test_removal_unbinds);
    g_test_add_func("/iommufd/attach/dma", test_dma_goes_where_it_is_attached);
    g_test_add_func("/iommufd/attach/errors", test_attach_errors);
    g_test_add_func("/iommufd/attach/automatic",
                    test_automatic_tables_are_shared_and_go);
    g_test_add_func("/iommufd/attach/replace", test_replace_is_where_dma_goes);
    g_test_add_func("/iommufd/attach/reserved", test_reserved_ranges);
    g_test_add_func("/iommufd/group/one-table", test_a_group_has_one_table);
    g_test_add_func("/iommufd/group/replace",
                    test_replace_of_a_group_is_all_or_nothing);
    g_test_add_func("/iommufd/pasid/rules", test_pasid_rules);
    g_test_add_func("/iommufd/pasid/device-without",
                    test_a_device_without_pasids);
    g_test_add_func("/iommufd/pasid/again", test_a_number_comes_again);
    g_test_add_data_func("/iommufd/hw-info/vtd", &im_iommufd_vtd, test_hw_info);
    g_test_add_data_func("/iommufd/hw-info/smmuv3", &im_iommufd_smmuv3,
                         test_hw_info);
    g_test_add_func("/iommufd/hw-info/vtd-registers", test_vtd_registers);
    return g_test_run();
}
