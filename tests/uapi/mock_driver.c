/*
 * The mock IOMMU: what Linux's tests expect of its driver.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <string.h>

#include "mock.h"

static int mock_hw_info(const ImIommufdHw *hw, uint32_t *type, void *buf,
                        uint32_t *len)
{
    const MockHwInfo info = { 0, MOCK_HW_REGISTER };

    (void)hw;
    if (*type && *type != MOCK_HW_INFO) {
        return -EOPNOTSUPP;
    }
    *type = MOCK_HW_INFO;
    memcpy(buf, &info, sizeof(info));
    *len = sizeof(info);
    return 0;
}

/* Which of two formats the page table has: small pages, or also huge ones. */
static int mock_paging_data(const ImIommufdHw *hw, const ImIommufdData *d,
                            ImIommufdPaging *out)
{
    MockHwpt data;
    int rc;

    (void)hw;
    if (d->type != MOCK_HWPT_DATA) {
        return -EOPNOTSUPP;
    }
    rc = im_iommufd_data_get(d, MOCK_HWPT_DATA, &data, sizeof(data),
                             sizeof(data));
    if (rc) {
        return rc;
    }
    if (data.type > 1) {
        return -EOPNOTSUPP;
    }
    out->dirty_shift = data.type ? MOCK_HUGE_SHIFT : IM_IOMMUFD_PAGE_SHIFT;
    return 0;
}

static int mock_nested(ImIommufdNested *n, const ImIommufdHw *hw,
                       const ImIommufdData *d, ImIommufdMeaning *out)
{
    MockNested *priv = im_iommufd_nested_private(n);
    MockHwpt data;
    int rc;

    (void)hw;
    if (d->type != MOCK_HWPT_DATA) {
        return -EOPNOTSUPP;
    }
    rc = im_iommufd_data_get(d, MOCK_HWPT_DATA, &data, sizeof(data),
                             sizeof(data.iotlb));
    if (rc) {
        return rc;
    }
    for (unsigned i = 0; i < MOCK_IOTLBS; i++) {
        priv->iotlb[i] = data.iotlb;
    }
    /* No test looks into it: nothing is there. */
    out->what = IM_IOMMUFD_TABLE;
    out->format = IMU_FORMAT_VTD_FIRST;
    out->needs_vdevice = im_iommufd_nested_viommu(n) != NULL;
    return 0;
}

/* Each entry in turn, up to the first that fails. */
static int inv_each(ImIommufdArray *a, void *entry, size_t size,
                    int (*one)(void *opaque, const void *entry), void *opaque)
{
    uint32_t num = a->num;
    int rc = 0;

    a->num = 0;
    if (a->type != MOCK_INVALIDATE || (num && a->entry_len != size)) {
        return -EINVAL;
    }
    for (uint32_t i = 0; i < num && !rc; i++) {
        rc = im_iommufd_array_get(a, MOCK_INVALIDATE, i, entry, size, size);
        rc = rc ? rc : one(opaque, entry);
        a->num += rc == 0;
    }
    return rc;
}

static int inv_one(void *opaque, const void *entry)
{
    MockNested *priv = opaque;
    const MockInv *inv = entry;

    if (inv->flags & ~MOCK_INVALIDATE_ALL) {
        return -EOPNOTSUPP;
    }
    if (inv->flags & MOCK_INVALIDATE_ALL) {
        memset(priv->iotlb, 0, sizeof(priv->iotlb));
        return 0;
    }
    if (inv->iotlb_id >= MOCK_IOTLBS) {
        return -EINVAL;
    }
    priv->iotlb[inv->iotlb_id] = 0;
    return 0;
}

static int mock_nested_invalidate(ImIommufdNested *n, ImIommufdArray *a)
{
    MockInv inv;

    return inv_each(a, &inv, sizeof(inv), inv_one,
                    im_iommufd_nested_private(n));
}

/* What a test for a failed replacement asks for by this number. */
static int mock_attaching(const ImIommufdHw *hw, uint32_t pasid,
                          ImIommufdNested *n, bool old)
{
    (void)hw;
    return pasid == MOCK_PASID_RESERVED && n && old ? -ENOMEM : 0;
}

static void mock_viommu_free(ImIommufdViommu *v)
{
    MockViommu *priv = im_iommufd_viommu_private(v);

    if (priv->page.object) {
        server_memory_free(mock.server, &priv->page);
    }
}

static bool mock_viommu_is(uint32_t type)
{
    return type == MOCK_VIOMMU;
}

static int mock_viommu(ImIommufdViommu *v, const ImIommufdHw *hw,
                       const ImIommufdData *d)
{
    MockViommu *priv = im_iommufd_viommu_private(v);
    MockViommuData data;
    uint32_t *page;
    int rc;

    (void)hw;
    if (!d->len) {
        return 0;
    }
    rc = im_iommufd_data_get(d, MOCK_VIOMMU, &data, sizeof(data), sizeof(data));
    if (rc) {
        return rc;
    }
    data.length = IM_IOMMUFD_PAGE;
    page = server_memory(mock.server, data.length, &priv->page);
    if (!page) {
        return -ENOMEM;
    }
    *page = data.in;
    data.out = data.in;
    rc = im_iommufd_viommu_map(v, &priv->page, data.length, &data.offset);
    if (!rc) {
        rc = im_iommufd_data_put(d, &data, sizeof(data));
    }
    if (rc) {
        server_memory_free(mock.server, &priv->page);
    }
    return rc;
}

static int viommu_inv_one(void *opaque, const void *entry)
{
    ImIommufdViommu *v = opaque;
    const MockViommuInv *inv = entry;
    ImIommufdVdevice *vd;
    MockDevice *dev;
    ImIommufdHw hw;

    if (inv->flags & ~MOCK_INVALIDATE_ALL) {
        return -EOPNOTSUPP;
    }
    if (!(inv->flags & MOCK_INVALIDATE_ALL) && inv->cache_id >= MOCK_CACHES) {
        return -EINVAL;
    }
    vd = im_iommufd_vdevice_by_id(v, inv->vdev_id);
    if (!vd) {
        return -EINVAL;
    }
    hw = im_iommufd_vdevice_hw(vd);
    dev = hw.dev->opaque;
    if (inv->flags & MOCK_INVALIDATE_ALL) {
        memset(dev->cache, 0, sizeof(dev->cache));
    } else {
        dev->cache[inv->cache_id] = 0;
    }
    return 0;
}

static int mock_viommu_invalidate(ImIommufdViommu *v, ImIommufdArray *a)
{
    MockViommuInv inv;

    return inv_each(a, &inv, sizeof(inv), viommu_inv_one, v);
}

static int mock_vdevice(ImIommufdVdevice *vd)
{
    (void)vd;
    return 0;
}

static size_t mock_veventq(ImIommufdViommu *v, uint32_t type)
{
    (void)v;
    return type == MOCK_VEVENTQ ? sizeof(uint32_t) : 0;
}

static bool mock_hw_queue_type(ImIommufdViommu *v, uint32_t type)
{
    (void)v;
    return type == MOCK_HW_QUEUE;
}

/* A queue: its number. */
static int mock_hw_queue(ImIommufdHwQueue *q, uint32_t index, uint64_t iova,
                         uint64_t length)
{
    MockViommu *priv = im_iommufd_viommu_private(im_iommufd_hw_queue_viommu(q));
    ImIommufdHwQueue **queues = priv->queues;

    (void)iova;
    (void)length;
    if (index >= MOCK_QUEUES) {
        return -EINVAL;
    }
    if (queues[index]) {
        return -EEXIST;
    }
    if (index && !queues[index - 1]) {
        return -EIO;
    }
    if (index) {
        im_iommufd_hw_queue_needs(q, queues[index - 1]);
    }
    queues[index] = q;
    *(uint32_t *)im_iommufd_hw_queue_private(q) = index;
    return 0;
}

static void mock_hw_queue_free(ImIommufdHwQueue *q)
{
    MockViommu *priv = im_iommufd_viommu_private(im_iommufd_hw_queue_viommu(q));
    ImIommufdHwQueue **queues = priv->queues;

    queues[*(uint32_t *)im_iommufd_hw_queue_private(q)] = NULL;
}

/* Flags of HWPT_ALLOC. */
#define FLAG_PARENT     1u
#define FLAG_FAULT      4u

/* Every combination but those two. */
static uint32_t hwpt_flags(void)
{
    uint32_t ok = 0;

    for (unsigned flags = 0; flags < 16; flags++) {
        if (!(flags & FLAG_FAULT) || !(flags & FLAG_PARENT)) {
            ok |= 1u << flags;
        }
    }
    return ok;
}

/* 6.12 has a kind of device for huge pages, and a bit for each I/O page. */
static void mock_paging_of(const ImIommufdHw *hw, uint32_t flags,
                           ImIommufdPaging *out)
{
    const MockDevice *dev = hw->dev->opaque;

    (void)flags;
    out->dirty_shift = !mock.old ? IM_IOMMUFD_PAGE_SHIFT :
                       dev->flags & MOCK_DEVICE_HUGE_IOVA ? MOCK_HUGE_SHIFT :
                                                            MOCK_PAGE_SHIFT;
}

const ImIommufdDriver *mock_driver(void)
{
    static ImIommufdDriver driver = {
        .size = sizeof(driver),
        .name = "mock",
        .paging = {
            .first = MOCK_FIRST,
            .last = MOCK_LAST,
            .page_shift = MOCK_PAGE_SHIFT,
        },
        .dirty = true,
        .nested_size = sizeof(MockNested),
        .viommu_size = sizeof(MockViommu),
        .hw_queue_size = sizeof(uint32_t),
        .hw_info = mock_hw_info,
        .paging_of = mock_paging_of,
        .paging_data = mock_paging_data,
        .nested = mock_nested,
        .nested_invalidate = mock_nested_invalidate,
        .attaching = mock_attaching,
        .viommu_is = mock_viommu_is,
        .viommu = mock_viommu,
        .viommu_free = mock_viommu_free,
        .viommu_invalidate = mock_viommu_invalidate,
        .vdevice = mock_vdevice,
        .veventq = mock_veventq,
        .hw_queue_type = mock_hw_queue_type,
        .hw_queue = mock_hw_queue,
        .hw_queue_free = mock_hw_queue_free,
    };

    driver.hwpt_flags = hwpt_flags();
    return &driver;
}
