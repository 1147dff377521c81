/*
 * The mock devices of Linux's iommufd tests, on the public interface of the
 * engine only. Numbers and structures are those that the tests use (facts of
 * drivers/iommu/iommufd/iommufd_test.h); abi.py compares them with Linux's.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_UAPI_MOCK_H
#define TESTS_UAPI_MOCK_H

#include "im/im_iommufd.h"
#include "im/im_iommufd_dev.h"
#include "tools/iommufd/server.h"

#define MOCK_COMMAND            0x3ba0u     /* _IO(';', 0xa0) */

/* Operations: O(number, NAME, handler). */
#define MOCK_OPS(O)                                                        \
    O(1,  ADD_RESERVED,          add_reserved)                             \
    O(2,  MOCK_DOMAIN,           domain)                                   \
    O(3,  MD_CHECK_MAP,          check_map)                                \
    O(4,  MD_CHECK_REFS,         check_refs)                               \
    O(5,  CREATE_ACCESS,         access_create)                            \
    O(6,  DESTROY_ACCESS_PAGES,  access_unpin)                             \
    O(7,  ACCESS_PAGES,          access_pin)                               \
    O(8,  ACCESS_RW,             access_rw)                                \
    O(9,  SET_TEMP_MEMORY_LIMIT, memory_limit)                             \
    O(10, MOCK_DOMAIN_REPLACE,   replace)                                  \
    O(11, ACCESS_REPLACE_IOAS,   access_replace)                           \
    O(12, MOCK_DOMAIN_FLAGS,     domain)                                   \
    O(13, DIRTY,                 dirty)                                    \
    O(14, MD_CHECK_IOTLB,        check_iotlb)                              \
    O(15, TRIGGER_IOPF,          iopf)                                     \
    O(16, DEV_CHECK_CACHE,       check_cache)                              \
    O(17, TRIGGER_VEVENT,        vevent)                                   \
    O(18, PASID_ATTACH,          pasid_attach)                             \
    O(19, PASID_REPLACE,         pasid_replace)                            \
    O(20, PASID_DETACH,          pasid_detach)                             \
    O(21, PASID_CHECK_HWPT,      pasid_check)                              \
    O(22, DMABUF_GET,            dmabuf_get)                               \
    O(23, DMABUF_REVOKE,         dmabuf_revoke)

typedef enum MockOp {
#define MOCK_OP_ENUM(nr, name, fn)  MOCK_OP_##name = (nr),
    MOCK_OPS(MOCK_OP_ENUM)
#undef MOCK_OP_ENUM
} MockOp;

/* The operation's structure; the members of each operation begin at 16. */
typedef struct MockCmd {
    uint32_t size;
    uint32_t op;
    uint32_t id;
    uint32_t reserved;
    union {
        struct {
            uint64_t start, length;
        } add_reserved;
        struct {
            uint32_t stdev, hwpt, idev, flags;
        } domain;
        struct {
            uint32_t pt;
        } replace;
        struct {
            uint64_t iova, length, uptr;
        } check_map;
        struct {
            uint64_t length, uptr;
            uint32_t refs;
        } check_refs;
        struct {
            uint32_t fd, flags;
        } access_create;
        struct {
            uint32_t pages;
        } access_unpin;
        struct {
            uint32_t flags, pages;
            uint64_t iova, length, uptr;
        } access_pin;
        struct {
            uint64_t iova, length, uptr;
            uint32_t flags;
        } access_rw;
        struct {
            uint32_t limit;
        } memory_limit;
        struct {
            uint32_t ioas;
        } access_replace;
        struct {
            uint32_t flags, pad;
            uint64_t iova, length, page_size, uptr, count;
        } dirty;
        struct {
            uint32_t id, value;
        } check_iotlb;
        struct {
            uint32_t dev, pasid, group, perm;
            uint64_t addr;
        } iopf;
        struct {
            uint32_t id, value;
        } check_cache;
        struct {
            uint32_t dev;
        } vevent;
        struct {
            uint32_t pasid, pt;
        } pasid;
        struct {
            uint32_t length, flags;
        } dmabuf_get;
        struct {
            int32_t fd;
            uint32_t revoked;
        } dmabuf_revoke;
        uint64_t words[6];
    };
    uint32_t last;
    uint32_t tail;
} MockCmd;

#define MOCK_CMD_SIZE           72u

#define MOCK_DEVICE_NO_DIRTY    1u
#define MOCK_DEVICE_HUGE_IOVA   2u      /* of 6.12 */
#define MOCK_DEVICE_PASID       4u

#define MOCK_ACCESS_WRITE       (1u << 0)
#define MOCK_ACCESS_SYZ         (1u << 16)
#define MOCK_RW_WRITE           (1u << 0)
#define MOCK_RW_SLOW            (1u << 2)
#define MOCK_ACCESS_PINS        1u

#define MOCK_FIRST              (UINT64_C(1) << 24)
#define MOCK_LAST               ((UINT64_C(1) << 31) - 1)
#define MOCK_PAGE_SHIFT         11
#define MOCK_HUGE_SHIFT         20
#define MOCK_PASID_BITS         20
#define MOCK_PASID_RESERVED     1024u
#define MOCK_LIMIT_MIN          12u

#define MOCK_IOTLBS             4
#define MOCK_CACHES             4
#define MOCK_CACHE_DEFAULT      0xbaddadu
#define MOCK_QUEUES             2

#define MOCK_HW_INFO            0xfeedbeefu
#define MOCK_HW_REGISTER        0xdeadbeefu
#define MOCK_HWPT_DATA          0xdeadu
#define MOCK_INVALIDATE         0xdeadbeefu
#define MOCK_INVALIDATE_ALL     1u
#define MOCK_VIOMMU             0xdeadbeefu
#define MOCK_VEVENTQ            0xbeefbeefu
#define MOCK_HW_QUEUE           0xdeadbeefu

typedef struct MockHwInfo {
    uint32_t flags, test_reg;
} MockHwInfo;
typedef struct MockHwpt {
    uint32_t iotlb, type;
} MockHwpt;
typedef struct MockInv {
    uint32_t flags, iotlb_id;
} MockInv;
typedef struct MockViommuInv {
    uint32_t flags, vdev_id, cache_id;
} MockViommuInv;
typedef struct MockViommuData {
    uint32_t in, out;
    uint64_t offset, length;
} MockViommuData;

/* A mock device: what a driver and the operations know of it. */
typedef struct MockDevice {
    ImIommufdFile *file;
    uint32_t func;
    uint32_t idev;              /* its object */
    uint32_t flags;
    uint32_t cache[MOCK_CACHES];
} MockDevice;

/* Private bytes of a nested table. */
typedef struct MockNested {
    uint32_t iotlb[MOCK_IOTLBS];
} MockNested;

/* Private bytes of a vIOMMU. */
typedef struct MockViommu {
    ImIommufdMmap page;
    ImIommufdHwQueue *queues[MOCK_QUEUES];
} MockViommu;

typedef struct Mock {
    Server *server;
    bool old;                   /* the tests are those of 6.12 */
    uint32_t next_func;
} Mock;
extern Mock mock;

const ImIommufdDriver *mock_driver(void);

/* One operation on its way. c is written back up to what the caller has, if
 * the handler returns 0 or more. */
typedef struct MockCall {
    File *file;                 /* the server's, of /dev/iommu */
    ImIommufdFile *iommufd;
    const Caller *who;
    MockCmd c;
    uint64_t user;
} MockCall;

#define MOCK_OP_DECLARE(nr, name, fn)  int64_t mock_##fn(MockCall *m);
MOCK_OPS(MOCK_OP_DECLARE)
#undef MOCK_OP_DECLARE

/* Where the caller's page at an address is. -EFAULT */
int mock_page_at(const Caller *who, uint64_t addr, ImIommufdPage *page);

/* Whether a descriptor of the caller is one of the mock's dma-bufs. */
bool mock_is_dmabuf(const Caller *who, int fd);
/* Whether the file has accesses. */
bool mock_access_of(ImIommufdFile *file);
/* Whether an access has pinned a part of this. */
bool mock_access_pins(ImIommufdFile *file, uint32_t ioas, uint64_t iova,
                      uint64_t length);

/* ----- the second opinion: mock_model.c, mock_watch.c --------------------- */

/* --reports=FILE; failures of memory that were asked for are counted in
 * FILE.failed. */
void mock_stop(Server *s, void *extra);
bool mock_check_option(const char *name, const char *value);
void mock_before(File *f, const Caller *who, uint32_t request, uint64_t arg);
void mock_after(File *f, const Caller *who, uint32_t request, uint64_t arg,
                int64_t result);
void mock_closed(File *f);
/* An access of the file is gone, maybe the last one. */
void mock_access_gone(ImIommufdFile *file);

#endif
