/*
 * iommufd: a device without an IOMMU. It reaches memory by its physical
 * address, which NOIOMMU_GET_PA tells; what is mapped for it is pinned, and
 * nothing keeps it from the rest.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/iommufd/iommufd.h"
#include "im/im_iommufd_dev.h"

const ImIommufdDriver im_iommufd_none = {
    .size = sizeof(ImIommufdDriver),
    .name = "none",
    .paging = { .last = UINT64_MAX, .always = IMU_PROT_READ },
    .hwpt_flags = 1u << 0,
    .no_iommu = true,
};
