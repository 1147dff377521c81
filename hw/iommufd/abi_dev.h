/*
 * iommufd's ABI, the half of devices and tables: own names for Linux's
 * numbers and layouts. Sizes are checked here, all else by a test against
 * Linux's own header.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_IOMMUFD_ABI_DEV_H
#define HW_IOMMUFD_ABI_DEV_H

#include <stddef.h>
#include <stdint.h>

#define IOF_SIZE(type, bytes)                                              \
    _Static_assert(sizeof(type) == (bytes), #type)

/* IOF_REQUEST() of abi.h makes requests of them. */
#define IOF_NR_HWPT_ALLOC               0x89u
#define IOF_NR_GET_HW_INFO              0x8au
#define IOF_NR_HWPT_SET_DIRTY_TRACKING  0x8bu
#define IOF_NR_HWPT_GET_DIRTY_BITMAP    0x8cu
#define IOF_NR_HWPT_INVALIDATE          0x8du
#define IOF_NR_FAULT_QUEUE_ALLOC        0x8eu
#define IOF_NR_VIOMMU_ALLOC             0x90u
#define IOF_NR_VDEVICE_ALLOC            0x91u
#define IOF_NR_VEVENTQ_ALLOC            0x93u
#define IOF_NR_HW_QUEUE_ALLOC           0x94u

/* --- HWPT_ALLOC --------------------------------------------------------- */

enum {
    IOF_HWPT_NEST_PARENT = 1 << 0,
    IOF_HWPT_DIRTY = 1 << 1,
    IOF_HWPT_FAULT = 1 << 2,
    IOF_HWPT_PASID = 1 << 3,
    IOF_HWPT_FLAGS = (1 << 4) - 1,
};

enum {
    IOF_DATA_NONE = 0,
    IOF_DATA_VTD_S1 = 1,
    IOF_DATA_ARM_SMMUV3 = 2,
};

typedef struct IofHwptAlloc {
    uint32_t size;
    uint32_t flags;
    uint32_t dev_id;
    uint32_t pt_id;
    uint32_t hwpt_id;           /* out */
    uint32_t reserved;
    uint32_t data_type;
    uint32_t data_len;
    uint64_t data;
    uint32_t fault_id;
    uint32_t reserved2;
} IofHwptAlloc;
IOF_SIZE(IofHwptAlloc, 48);

enum {
    IOF_VTD_S1_SRE = 1 << 0,
    IOF_VTD_S1_EAFE = 1 << 1,
    IOF_VTD_S1_WPE = 1 << 2,
};

typedef struct IofVtdS1 {
    uint64_t flags;
    uint64_t table;
    uint32_t width;
    uint32_t reserved;
} IofVtdS1;
IOF_SIZE(IofVtdS1, 24);

typedef struct IofSmmuSte {
    uint64_t ste[2];            /* little endian */
} IofSmmuSte;
IOF_SIZE(IofSmmuSte, 16);

/* --- GET_HW_INFO -------------------------------------------------------- */

enum {
    IOF_HW_NONE = 0,
    IOF_HW_VTD = 1,
    IOF_HW_SMMUV3 = 2,
};

#define IOF_HW_INFO_WANTS_TYPE  1u

enum {
    IOF_HW_CAP_DIRTY = 1 << 0,
    IOF_HW_CAP_EXEC = 1 << 1,
    IOF_HW_CAP_PRIV = 1 << 2,
    IOF_HW_CAP_NO_ATS = 1 << 3,
};

typedef struct IofHwInfo {
    uint32_t size;
    uint32_t flags;
    uint32_t dev_id;
    uint32_t data_len;          /* in, out */
    uint64_t data;
    uint32_t type;              /* in with the flag; out */
    uint8_t pasid_log2;         /* out */
    uint8_t reserved[3];
    uint64_t capabilities;      /* out */
} IofHwInfo;
IOF_SIZE(IofHwInfo, 40);

#define IOF_VTD_ERRATA_772415  1u      /* parents without read-only pages */

typedef struct IofHwInfoVtd {
    uint32_t flags;
    uint32_t reserved;
    uint64_t cap;
    uint64_t ecap;
} IofHwInfoVtd;
IOF_SIZE(IofHwInfoVtd, 24);

typedef struct IofHwInfoSmmu {
    uint32_t flags;
    uint32_t reserved;
    uint32_t idr[6];
    uint32_t iidr;
    uint32_t aidr;
} IofHwInfoSmmu;
IOF_SIZE(IofHwInfoSmmu, 40);

/* --- dirty pages -------------------------------------------------------- */

#define IOF_DIRTY_ENABLE    1u
#define IOF_DIRTY_NO_CLEAR  1u

typedef struct IofDirtySet {
    uint32_t size;
    uint32_t flags;
    uint32_t hwpt_id;
    uint32_t reserved;
} IofDirtySet;
IOF_SIZE(IofDirtySet, 16);

typedef struct IofDirtyGet {
    uint32_t size;
    uint32_t hwpt_id;
    uint32_t flags;
    uint32_t reserved;
    uint64_t iova;
    uint64_t length;
    uint64_t page_size;
    uint64_t bitmap;
} IofDirtyGet;
IOF_SIZE(IofDirtyGet, 48);

/* --- HWPT_INVALIDATE ---------------------------------------------------- */

enum {
    IOF_INV_VTD_S1 = 0,
    IOF_INV_SMMUV3 = 1,         /* of a vIOMMU */
};

#define IOF_INV_ENTRY_MAX  4096u
#define IOF_INV_NUM_MAX    (1u << 19)

typedef struct IofInvalidate {
    uint32_t size;
    uint32_t hwpt_id;           /* or vIOMMU */
    uint64_t data;
    uint32_t data_type;
    uint32_t entry_len;
    uint32_t entry_num;         /* in; out: handled */
    uint32_t reserved;
} IofInvalidate;
IOF_SIZE(IofInvalidate, 32);

#define IOF_VTD_INV_LEAF  1u

typedef struct IofInvVtd {
    uint64_t addr;
    uint64_t pages;             /* of 4 KiB; with addr 0 all ones: all */
    uint32_t flags;
    uint32_t reserved;
} IofInvVtd;
IOF_SIZE(IofInvVtd, 24);

typedef struct IofInvSmmu {
    uint64_t cmd[2];            /* little endian */
} IofInvSmmu;
IOF_SIZE(IofInvSmmu, 16);

/* --- faults ------------------------------------------------------------- */

typedef struct IofFaultAlloc {
    uint32_t size;
    uint32_t flags;
    uint32_t fault_id;          /* out */
    uint32_t fault_fd;          /* out */
} IofFaultAlloc;
IOF_SIZE(IofFaultAlloc, 16);

#define IOF_FAULT_PASID  1u
#define IOF_FAULT_LAST   2u

typedef struct IofFaultRecord {
    uint32_t flags;
    uint32_t dev_id;
    uint32_t pasid;
    uint32_t group;
    uint32_t perm;              /* r 1, w 2, x 4, privileged 8 */
    uint32_t reserved;
    uint64_t addr;
    uint32_t length;
    uint32_t cookie;
} IofFaultRecord;
IOF_SIZE(IofFaultRecord, 40);

enum {
    IOF_RESP_SUCCESS = 0,
    IOF_RESP_INVALID = 1,
};

typedef struct IofFaultResponse {
    uint32_t cookie;
    uint32_t code;
} IofFaultResponse;
IOF_SIZE(IofFaultResponse, 8);

/* --- vIOMMU ------------------------------------------------------------- */

#define IOF_VIOMMU_SMMUV3  1u

typedef struct IofViommuAlloc {
    uint32_t size;
    uint32_t flags;
    uint32_t type;
    uint32_t dev_id;
    uint32_t hwpt_id;
    uint32_t viommu_id;         /* out */
    uint32_t data_len;
    uint32_t reserved;
    uint64_t data;
} IofViommuAlloc;
IOF_SIZE(IofViommuAlloc, 40);

typedef struct IofVdeviceAlloc {
    uint32_t size;
    uint32_t viommu_id;
    uint32_t dev_id;
    uint32_t vdevice_id;        /* out */
    uint64_t virt_id;
} IofVdeviceAlloc;
IOF_SIZE(IofVdeviceAlloc, 24);

#define IOF_VEVENTQ_SMMUV3     1u
#define IOF_VEVENTQ_DEPTH_MAX  (1u << 19)
#define IOF_VEVENT_LOST        1u

typedef struct IofVeventqAlloc {
    uint32_t size;
    uint32_t flags;
    uint32_t viommu_id;
    uint32_t type;
    uint32_t depth;
    uint32_t veventq_id;        /* out */
    uint32_t veventq_fd;        /* out */
    uint32_t reserved;
} IofVeventqAlloc;
IOF_SIZE(IofVeventqAlloc, 32);

typedef struct IofVeventHeader {
    uint32_t flags;
    uint32_t sequence;          /* 0 .. INT32_MAX */
} IofVeventHeader;
IOF_SIZE(IofVeventHeader, 8);

typedef struct IofVeventSmmu {
    uint64_t evt[4];            /* little endian */
} IofVeventSmmu;
IOF_SIZE(IofVeventSmmu, 32);

typedef struct IofHwQueueAlloc {
    uint32_t size;
    uint32_t flags;
    uint32_t viommu_id;
    uint32_t type;
    uint32_t index;
    uint32_t hw_queue_id;       /* out */
    uint64_t iova;
    uint64_t length;
} IofHwQueueAlloc;
IOF_SIZE(IofHwQueueAlloc, 40);

#endif /* HW_IOMMUFD_ABI_DEV_H */
