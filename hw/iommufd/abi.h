/*
 * iommufd's ABI: numbers and structures of the IOAS half, as Linux has them
 * (include/uapi/linux/iommufd.h, vfio.h). abi_dev.h has the other half.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_IOMMUFD_ABI_H
#define HW_IOMMUFD_ABI_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/* ioctl() requests: type and number, no direction and no size. */
#define IOF_TYPE     0x3bu
#define IOF_REQUEST(nr)  (IOF_TYPE << 8 | (nr))

#define IOF_NR_DESTROY              0x80u
#define IOF_NR_IOAS_ALLOC           0x81u
#define IOF_NR_IOAS_ALLOW_IOVAS     0x82u
#define IOF_NR_IOAS_COPY            0x83u
#define IOF_NR_IOAS_IOVA_RANGES     0x84u
#define IOF_NR_IOAS_MAP             0x85u
#define IOF_NR_IOAS_UNMAP           0x86u
#define IOF_NR_OPTION               0x87u
#define IOF_NR_VFIO_IOAS            0x88u
#define IOF_NR_IOAS_MAP_FILE        0x8fu
#define IOF_NR_IOAS_CHANGE_PROCESS  0x92u
#define IOF_NR_IOAS_GET_PA          0x95u

typedef struct IofDestroyArg {
    uint32_t size;
    uint32_t id;
} IofDestroyArg;

typedef struct IofIoasAllocArg {
    uint32_t size;
    uint32_t flags;             /* 0 */
    uint32_t out_id;
} IofIoasAllocArg;

typedef struct IofAllowArg {
    uint32_t size;
    uint32_t ioas_id;
    uint32_t count;
    uint32_t reserved;
    uint64_t ranges;            /* user address of ImuRange[] */
} IofAllowArg;

typedef struct IofRangesArg {
    uint32_t size;
    uint32_t ioas_id;
    uint32_t count;             /* in: room; out: how many there are */
    uint32_t reserved;
    uint64_t ranges;            /* user address of ImuRange[] */
    uint64_t out_alignment;
} IofRangesArg;

#define IOF_MAP_FIXED  1u
#define IOF_MAP_WRITE  2u
#define IOF_MAP_READ   4u

typedef struct IofMapArg {
    uint32_t size;
    uint32_t flags;             /* IOF_MAP_* */
    uint32_t ioas_id;
    uint32_t reserved;
    uint64_t user;              /* user address */
    uint64_t length;
    uint64_t iova;              /* in with FIXED; out */
} IofMapArg;

typedef struct IofMapFileArg {
    uint32_t size;
    uint32_t flags;             /* IOF_MAP_* */
    uint32_t ioas_id;
    int32_t fd;
    uint64_t start;             /* offset in the file */
    uint64_t length;
    uint64_t iova;              /* in with FIXED; out */
} IofMapFileArg;

typedef struct IofCopyArg {
    uint32_t size;
    uint32_t flags;             /* IOF_MAP_* */
    uint32_t dst_id;
    uint32_t src_id;
    uint64_t length;
    uint64_t dst_iova;          /* in with FIXED; out */
    uint64_t src_iova;
} IofCopyArg;

typedef struct IofUnmapArg {
    uint32_t size;
    uint32_t ioas_id;
    uint64_t iova;
    uint64_t length;            /* out: bytes */
} IofUnmapArg;

#define IOF_OPTION_RLIMIT_MODE  0u
#define IOF_OPTION_HUGE_PAGES   1u
#define IOF_OPTION_SET          0u
#define IOF_OPTION_GET          1u

typedef struct IofOptionArg {
    uint32_t size;
    uint32_t option;
    uint16_t op;
    uint16_t reserved;
    uint32_t object_id;
    uint64_t value;
} IofOptionArg;

#define IOF_VFIO_IOAS_GET    0u
#define IOF_VFIO_IOAS_SET    1u
#define IOF_VFIO_IOAS_CLEAR  2u

typedef struct IofVfioIoasArg {
    uint32_t size;
    uint32_t ioas_id;
    uint16_t op;
    uint16_t reserved;
} IofVfioIoasArg;

typedef struct IofChangeProcessArg {
    uint32_t size;
    uint32_t reserved;
} IofChangeProcessArg;

typedef struct IofGetPaArg {
    uint32_t size;
    uint32_t flags;             /* 0 */
    uint32_t ioas_id;
    uint32_t reserved;
    uint64_t iova;
    uint64_t length;            /* in: at most; out: contiguous bytes */
    uint64_t out_pa;
} IofGetPaArg;

G_STATIC_ASSERT(sizeof(IofDestroyArg) == 8);
G_STATIC_ASSERT(sizeof(IofIoasAllocArg) == 12);
G_STATIC_ASSERT(sizeof(IofAllowArg) == 24);
G_STATIC_ASSERT(sizeof(IofRangesArg) == 32);
G_STATIC_ASSERT(sizeof(IofMapArg) == 40);
G_STATIC_ASSERT(sizeof(IofMapFileArg) == 40);
G_STATIC_ASSERT(sizeof(IofCopyArg) == 40);
G_STATIC_ASSERT(sizeof(IofUnmapArg) == 24);
G_STATIC_ASSERT(sizeof(IofOptionArg) == 24);
G_STATIC_ASSERT(sizeof(IofVfioIoasArg) == 12);
G_STATIC_ASSERT(sizeof(IofChangeProcessArg) == 8);
G_STATIC_ASSERT(sizeof(IofGetPaArg) == 40);

/* --- VFIO's container commands, type 1 ---------------------------------- */

#define IOF_VFIO_GET_API_VERSION   100u
#define IOF_VFIO_CHECK_EXTENSION   101u
#define IOF_VFIO_SET_IOMMU         102u
#define IOF_VFIO_IOMMU_GET_INFO    112u
#define IOF_VFIO_IOMMU_MAP_DMA     113u
#define IOF_VFIO_IOMMU_UNMAP_DMA   114u
#define IOF_VFIO_IOMMU_ENABLE      115u
#define IOF_VFIO_IOMMU_DISABLE     116u
#define IOF_VFIO_IOMMU_DIRTY_PAGES 117u

#define IOF_VFIO_TYPE1             1u
#define IOF_VFIO_TYPE1V2           3u
#define IOF_VFIO_DMA_CC            4u
#define IOF_VFIO_NESTING           6u
#define IOF_VFIO_NOIOMMU           8u
#define IOF_VFIO_UNMAP_ALL         9u
#define IOF_VFIO_UPDATE_VADDR      10u

#define IOF_VFIO_INFO_PGSIZES      1u
#define IOF_VFIO_INFO_CAPS         2u

typedef struct IofVfioInfo {
    uint32_t size;
    uint32_t flags;
    uint64_t page_sizes;
    uint32_t cap_offset;
    uint32_t pad;
} IofVfioInfo;

typedef struct IofVfioCap {
    uint16_t id;
    uint16_t version;
    uint32_t next;
} IofVfioCap;

#define IOF_VFIO_CAP_IOVA_RANGE  1u
#define IOF_VFIO_CAP_DMA_AVAIL   3u

typedef struct IofVfioCapRanges {
    IofVfioCap head;
    uint32_t count;
    uint32_t reserved;          /* ImuRange[] follow */
} IofVfioCapRanges;

typedef struct IofVfioCapAvail {
    IofVfioCap head;
    uint32_t avail;
} IofVfioCapAvail;

#define IOF_VFIO_MAP_READ   1u
#define IOF_VFIO_MAP_WRITE  2u
#define IOF_VFIO_MAP_VADDR  4u

typedef struct IofVfioMap {
    uint32_t size;
    uint32_t flags;
    uint64_t user;
    uint64_t iova;
    uint64_t length;
} IofVfioMap;

#define IOF_VFIO_UNMAP_GET_DIRTY  1u
#define IOF_VFIO_UNMAP_ALL_FLAG   2u
#define IOF_VFIO_UNMAP_VADDR      4u

typedef struct IofVfioUnmap {
    uint32_t size;
    uint32_t flags;
    uint64_t iova;
    uint64_t length;            /* out: bytes */
} IofVfioUnmap;

G_STATIC_ASSERT(sizeof(IofVfioInfo) == 24);
G_STATIC_ASSERT(sizeof(IofVfioCapRanges) == 16);
G_STATIC_ASSERT(sizeof(IofVfioCapAvail) == 12);
G_STATIC_ASSERT(sizeof(IofVfioMap) == 32);
G_STATIC_ASSERT(sizeof(IofVfioUnmap) == 24);

#endif /* HW_IOMMUFD_ABI_H */
