/*
 * The uAPI of ioasid-host: its commands and their structures. docs/uapi.rst
 * says what each means, in which order it is validated and when it fails how;
 * this header is its other half. The structures are the ABI: fixed width,
 * little endian hosts only matter to guest tables, 64-bit members naturally
 * aligned, no implicit padding.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_IOASID_UAPI_H
#define IM_IOASID_UAPI_H

#include <stdint.h>

/*
 * Every structure begins with its size as the caller knows it, and flags.
 * Shorter than the backend's: what is missing is 0, down to the minimum of
 * the table below (EINVAL). Longer: the rest must be 0, and all of it at
 * most IMU_SIZE_MAX (E2BIG). Unknown flags, enumerators that do not exist
 * and reserved members that are not 0: EOPNOTSUPP. Never more than size
 * bytes are written back.
 */
#define IMU_SIZE_MAX          4096u
#define IMU_OBJECTS_MAX       65536u    /* of a kind and context; not PASIDs */
#define IMU_EVQ_DEPTH_MAX     65536u
#define IMU_INV_ENTRIES_MAX   65536u
#define IMU_ALLOW_RANGES_MAX  65536u
#define IMU_RESTORE_LIST_MAX  256u

typedef struct ImuHead {
    uint32_t size;
    uint32_t flags;
} ImuHead;

/* A handle: the number is reused, the generation tells its lives apart. An
 * object of another set, context or life does not exist: ENOENT. */
typedef struct ImuRef {
    uint32_t id;
    uint32_t gen;
} ImuRef;

/* --- INFO --------------------------------------------------------------- */

typedef enum ImuKind {
    IMU_KIND_BACKEND,
    IMU_KIND_SET,
    IMU_KIND_PASID,
    IMU_KIND_DEV,
    IMU_KIND_SPACE,
    IMU_KIND_FAULTQ,
    IMU_KIND_EVQ,
    IMU_KINDS,
} ImuKind;

/*
 * What may be asked for: commands, flags and enumerators of a kind, and
 * limits. The numbers of a kind's commands begin at 0x00, 0x10, 0x20, 0x30,
 * 0x40, 0x70 and 0x78. Modes are ImuKind, ImuMapMode, ImuPool (PASID),
 * capability bits (DEV), ImuSpaceKind, and 0 for queues.
 */
typedef struct ImuInfo {
    ImuHead head;
    uint32_t kind;              /* ImuKind */
    uint32_t commands;          /* out: bit n: its n-th number is one */
    uint64_t modes;             /* out: bit n: enumerator n is known */
    uint64_t flags_known;       /* out: of its create command */
    uint32_t limit;             /* out: how many objects */
    uint32_t used;              /* out: of this context */
} ImuInfo;

/* --- sets --------------------------------------------------------------- */

typedef enum ImuMapMode {
    IMU_MODE_IDENTITY,           /* guest PASID = host PASID, per device */
    IMU_MODE_TRANSLATE,          /* host PASID hidden, from a pool */
    IMU_MODE_DELEGATED,          /* the guest owns the PASID table */
} ImuMapMode;

typedef enum ImuPool {
    IMU_POOL_DEVICE,            /* numbers are unique per device */
    IMU_POOL_GLOBAL,            /* unique in the backend */
} ImuPool;

typedef struct ImuSetCreate {
    ImuHead head;
    uint32_t quota_max;         /* PASIDs; 0: the context's limit */
    uint32_t quota_reserved;    /* kept free for this set */
    uint32_t gpasid_min;        /* inclusive; 1 .. 2^20 - 1 */
    uint32_t gpasid_max;
    uint32_t map_mode;          /* ImuMapMode */
    uint32_t pool;              /* ImuPool */
    uint64_t user_token;        /* comes back in events */
    ImuRef set;                 /* out */
} ImuSetCreate;

typedef struct ImuSetUpdate {
    ImuHead head;
    ImuRef set;
    uint32_t quota_max;
    uint32_t quota_reserved;
} ImuSetUpdate;

typedef struct ImuSetQuery {
    ImuHead head;
    ImuRef set;
    uint32_t quota_max;         /* out, all of them */
    uint32_t quota_reserved;
    uint32_t live;              /* IDLE and BOUND */
    uint32_t parked;
    uint32_t quarantined;
    uint32_t devices;
    uint32_t spaces;
    uint32_t queues;
    uint64_t user_token;
} ImuSetQuery;

#define IMU_SET_DESTROY_FORCE  1u   /* revoke all it holds first */

typedef struct ImuSetDestroy {
    ImuHead head;
    ImuRef set;
} ImuSetDestroy;

/* What a level lets its contexts have together (0: no limit), and what this
 * context has. */
typedef struct ImuLimits {
    ImuHead head;
    uint32_t level;             /* 0: the context; its owner; ... */
    uint32_t levels;            /* out: that there are above it */
    uint64_t pasids;            /* out, and what follows */
    uint64_t pages;
    uint64_t groups;
    uint64_t pasids_used;
    uint64_t pages_used;
    uint64_t groups_used;
} ImuLimits;

/* --- PASIDs ------------------------------------------------------------- */

typedef enum ImuPasidState {
    IMU_PASID_FREE,
    IMU_PASID_IDLE,
    IMU_PASID_BOUND,
    IMU_PASID_PARKED,
    IMU_PASID_QUARANTINE,
} ImuPasidState;

#define IMU_PASID_ALLOC_FIXED  1u   /* gpasid is wanted, not given */

#define IMU_EXHAUSTED_RANGE  1u     /* no guest number */
#define IMU_EXHAUSTED_POOL   2u     /* no host number, or no handle */
/* With EDQUOT: the level that has no more. */
#define IMU_EXHAUSTED_SET    16u
#define IMU_EXHAUSTED_CTX    17u
#define IMU_EXHAUSTED_OWNER  18u    /* of the context; 19u its parent; ... */

typedef struct ImuPasidAlloc {
    ImuHead head;
    ImuRef set;
    uint32_t min;               /* guest range, inclusive; 0, 0: the set's */
    uint32_t max;
    uint32_t gpasid;            /* in with FIXED; out */
    uint32_t exhausted;         /* out with ENOSPC, EDQUOT: IMU_EXHAUSTED_* */
    ImuRef pasid;               /* out */
} ImuPasidAlloc;

typedef struct ImuPasidFree {
    ImuHead head;
    ImuRef set;
    ImuRef pasid;
    uint32_t state;             /* out: ImuPasidState it is in now */
    uint32_t reserved;
} ImuPasidFree;

#define IMU_PASID_QUERY_BY_GPASID  1u
#define IMU_PASID_QUERY_HPASID     2u   /* else EPERM: IM_IOASID_CTX_DEBUG */

typedef struct ImuPasidQuery {
    ImuHead head;
    ImuRef set;
    ImuRef pasid;               /* in, or out with BY_GPASID */
    uint32_t gpasid;
    uint32_t state;             /* out, and what follows */
    uint32_t binds;
    uint32_t hpasid;            /* 0 unless asked for; 0: one per device */
} ImuPasidQuery;

/* --- devices ------------------------------------------------------------ */

#define IMU_DEV_CAP_PASID  1u
#define IMU_DEV_CAP_ATS    2u
#define IMU_DEV_CAP_PRI    4u
#define IMU_DEV_CAP_EXEC   8u
#define IMU_DEV_CAP_PRIV   16u

typedef struct ImuDevBind {
    ImuHead head;
    ImuRef set;
    uint32_t func;              /* segment 31:16, requester ID 15:0 */
    uint32_t reserved;
    uint64_t cookie;            /* comes back in faults and events */
    ImuRef dev;                 /* out */
} ImuDevBind;

typedef struct ImuDevUnbind {
    ImuHead head;
    ImuRef set;
    ImuRef dev;
} ImuDevUnbind;

typedef struct ImuDevInfo {
    ImuHead head;
    ImuRef set;
    ImuRef dev;
    uint32_t caps;              /* out: IMU_DEV_CAP_* */
    uint32_t pasid_bits;
    uint32_t group;             /* isolation group */
    uint32_t pri_credit;        /* page request groups outstanding */
    uint64_t page_sizes;        /* bit n: 2^n, of mapped spaces */
    uint64_t formats;           /* bit n: ImuFormat n can be nested */
} ImuDevInfo;

/* The guest has another name for it. */
typedef struct ImuDevRename {
    ImuHead head;
    ImuRef set;
    ImuRef dev;
    uint64_t cookie;
} ImuDevRename;

/* --- I/O address spaces ------------------------------------------------- */

typedef enum ImuSpaceKind {
    IMU_SPACE_MAPPED,           /* MAP, UNMAP */
    IMU_SPACE_NESTED,           /* guest first-stage table on a parent */
    IMU_SPACE_PASID_TABLE,      /* guest PASID table on a parent */
    IMU_SPACE_BLOCK,            /* every access fails */
} ImuSpaceKind;

typedef enum ImuFormat {
    IMU_FORMAT_NONE,
    IMU_FORMAT_VTD_FIRST,       /* data: ImuVtdFirst */
    IMU_FORMAT_SMMU_STE,        /* data: ImuSmmuSte */
} ImuFormat;

#define IMU_VTD_FIRST_SRE   1u
#define IMU_VTD_FIRST_WPE   2u
#define IMU_VTD_FIRST_EAFE  4u
#define IMU_VTD_FIRST_5LP   8u

typedef struct ImuVtdFirst {
    uint64_t root;              /* FSPTPTR, guest-physical */
    uint32_t flags;
    uint32_t reserved;
} ImuVtdFirst;

/* STE words 0 and 1 as the guest wrote them; with NESTED the CD is that of
 * SubstreamID 0, with PASID_TABLE all of them. */
typedef struct ImuSmmuSte {
    uint64_t ste[2];
    uint32_t idr0;              /* of the SMMU that they are written for; */
    uint32_t idr1;              /* all 0: the document's */
    uint32_t idr3;
    uint32_t idr5;
} ImuSmmuSte;

#define IMU_SPACE_DIRTY    1u   /* dirty tracking can be switched on */
#define IMU_SPACE_PARENT  2u    /* may be nested upon */
#define IMU_SPACE_FILL    4u    /* what is not mapped is asked for */

typedef struct ImuSpaceCreate {
    ImuHead head;
    ImuRef set;
    uint32_t kind;              /* ImuSpaceKind */
    uint32_t format;            /* ImuFormat */
    ImuRef parent;              /* NESTED, PASID_TABLE; else 0 */
    ImuRef faultq;              /* 0, 0: faults are answered INVALID */
    uint64_t data;              /* user address of the format's structure */
    uint32_t data_size;
    uint32_t tag;               /* by which INVALIDATE may mean it */
    ImuRef space;               /* out */
} ImuSpaceCreate;

typedef struct ImuSpaceDestroy {
    ImuHead head;
    ImuRef set;
    ImuRef space;
} ImuSpaceDestroy;

#define IMU_PROT_READ   1u
#define IMU_PROT_WRITE  2u
#define IMU_PROT_EXEC   4u
#define IMU_MAP_FIXED   8u      /* iova is wanted, not given */

typedef struct ImuMap {
    ImuHead head;               /* flags: IMU_PROT_*, IMU_MAP_FIXED */
    ImuRef set;
    ImuRef space;
    uint64_t user;              /* user address */
    uint64_t length;
    uint64_t iova;              /* in with FIXED; out */
    uint32_t exhausted;         /* out with EDQUOT: IMU_EXHAUSTED_OWNER .. */
    uint32_t reserved;
} ImuMap;

/* The whole mappings inside; 0 .. UINT64_MAX: everything. */
typedef struct ImuUnmap {
    ImuHead head;
    ImuRef set;
    ImuRef space;
    uint64_t iova;
    uint64_t length;            /* out: bytes */
} ImuUnmap;

typedef struct ImuCopy {
    ImuHead head;               /* as ImuMap */
    ImuRef set;
    ImuRef dst;
    ImuRef src;
    uint64_t length;
    uint64_t dst_iova;
    uint64_t src_iova;
} ImuCopy;

typedef struct ImuRange {
    uint64_t first;
    uint64_t last;              /* inclusive */
} ImuRange;

/* Replace the allowed ranges; none: everything not reserved. */
typedef struct ImuAllow {
    ImuHead head;
    ImuRef set;
    ImuRef space;
    uint64_t ranges;            /* user address of ImuRange[] */
    uint32_t count;
    uint32_t reserved;
} ImuAllow;

typedef struct ImuRanges {
    ImuHead head;
    ImuRef set;
    ImuRef space;
    uint64_t ranges;            /* user address of ImuRange[] */
    uint32_t count;             /* in: room; out: how many there are */
    uint32_t reserved;
    uint64_t alignment;         /* out */
} ImuRanges;

#define IMU_DIRTY_ON     1u
#define IMU_DIRTY_NEW    2u     /* DIRTY_SET: what is mapped begins dirty */
#define IMU_DIRTY_PEEK   1u     /* DIRTY_GET: do not clear */

typedef struct ImuDirtySet {
    ImuHead head;               /* flags: IMU_DIRTY_ON, with IMU_DIRTY_NEW */
    ImuRef set;
    ImuRef space;
} ImuDirtySet;

typedef struct ImuDirtyGet {
    ImuHead head;
    ImuRef set;
    ImuRef space;
    uint64_t iova;
    uint64_t length;
    uint64_t page_size;         /* of one bit */
    uint64_t bitmap;            /* user address; bits are ORed in */
} ImuDirtyGet;

/* --- bindings ----------------------------------------------------------- */

#define IMU_ATTACH_PASID   1u   /* pasid is valid, else the device itself */
#define IMU_ATTACH_NO_ATS  2u

typedef struct ImuAttach {
    ImuHead head;
    ImuRef set;
    ImuRef dev;
    ImuRef pasid;               /* with IMU_ATTACH_PASID */
    ImuRef space;
} ImuAttach;

typedef ImuAttach ImuReplace;   /* atomic: the old one stays on error */

typedef struct ImuDetach {
    ImuHead head;
    ImuRef set;
    ImuRef dev;
    ImuRef pasid;
} ImuDetach;

/* --- invalidation ------------------------------------------------------- */

typedef enum ImuInvTarget {
    IMU_INV_SPACE,
    IMU_INV_DEV,
    IMU_INV_SET,
} ImuInvTarget;

typedef enum ImuInvGran {
    IMU_GRAN_ALL,
    IMU_GRAN_PASID,             /* entries: gpasid */
    IMU_GRAN_RANGE,             /* entries: gpasid, range */
} ImuInvGran;

#define IMU_CACHE_IOTLB   1u
#define IMU_CACHE_DEVTLB  2u
#define IMU_CACHE_PASID   4u

#define IMU_INV_NO_PASID  1u    /* requests without PASID are meant */
#define IMU_INV_ASID      2u    /* gpasid is an ASID of guest's CDs instead */

typedef struct ImuInvEntry {
    uint32_t flags;             /* IMU_INV_NO_PASID or IMU_INV_ASID */
    uint32_t gpasid;
    uint64_t addr;
    uint64_t length;
} ImuInvEntry;

#define IMU_INV_TAGGED  1u      /* only what is in spaces of this tag */

/* IOTLB and PASID cache are done on return, device TLBs by the fence. */
typedef struct ImuInvalidate {
    ImuHead head;
    ImuRef set;
    ImuRef object;              /* SPACE or DEV; 0, 0 with IMU_INV_SET */
    uint32_t target;            /* ImuInvTarget */
    uint32_t gran;              /* ImuInvGran */
    uint32_t caches;            /* IMU_CACHE_* */
    uint32_t entry_size;
    uint64_t entries;           /* user address */
    uint32_t count;             /* in; out: handled */
    uint32_t tag;               /* with IMU_INV_TAGGED */
} ImuInvalidate;

/* Everything the set invalidated before is complete, timed out included:
 * done = 1. Else ask again, or wait for the event FENCE whose token is the
 * ticket. Tickets of a set count up and stay valid. */
typedef struct ImuFence {
    ImuHead head;
    ImuRef set;
    uint64_t ticket;            /* in: 0 new; out */
    uint32_t done;              /* out */
    uint32_t reserved;
} ImuFence;

/* --- fault queues ------------------------------------------------------- */

typedef struct ImuFaultqCreate {
    ImuHead head;
    ImuRef set;
    uint64_t deadline_ns;       /* 0: one second of virtual time */
    ImuRef queue;               /* out */
} ImuFaultqCreate;

typedef struct ImuQueueDestroy {
    ImuHead head;
    ImuRef set;
    ImuRef queue;
} ImuQueueDestroy;

/* The table that a request did not get past. */
typedef enum ImuStage {
    IMU_STAGE_NONE,             /* none: the device, its binding, ATS */
    IMU_STAGE_GUEST,            /* a guest's own */
    IMU_STAGE_MAP,              /* what MAP maps */
} ImuStage;

#define IMU_FAULT_PASID  1u
#define IMU_FAULT_LAST   2u
#define IMU_FAULT_STALL  4u     /* a request that waits, not a page request */
#define IMU_FAULT_HOST   8u     /* the map lacks it: addr is its input */
#define IMU_FAULT_ENTRY  16u    /* for an entry of the guest's table */
#define IMU_FAULT_LOST   32u    /* FAULT_LOG: some before it are missing */

#define IMU_FAULT_SIZE_MIN   64u    /* that of the first edition */
#define IMU_FAULT_LOG_DEPTH  64u    /* of a set */

/* One page of a group; groups are read whole, in order of arrival. Or a
 * request that was refused, of FAULT_LOG. */
typedef struct ImuFault {
    uint32_t flags;
    uint32_t gpasid;
    uint64_t cookie;            /* of the device */
    ImuRef dev;
    ImuRef space;
    uint32_t group;             /* PRG index */
    uint32_t perm;              /* r 1, w 2, x 4, privileged 8 */
    uint64_t addr;
    uint64_t ticket;            /* of the group */
    uint64_t deadline;          /* virtual ns; FAULT_LOG: when it was */
    uint32_t stage;             /* ImuStage */
    uint32_t code;              /* why, docs/uapi.rst 9.2; 0: no more */
    uint64_t request;           /* what the device asked for */
} ImuFault;

typedef struct ImuFaultRead {
    ImuHead head;
    ImuRef set;
    ImuRef queue;
    uint64_t faults;            /* user address of ImuFault[] */
    uint32_t count;             /* in: room; out: how many were read */
    uint32_t pending;           /* out: pages that are left */
    uint32_t fault_size;        /* of one; 0: IMU_FAULT_SIZE_MIN */
    uint32_t reserved;
} ImuFaultRead;

/* Requests that were refused, the oldest first; they need no answer. */
typedef struct ImuFaultLog {
    ImuHead head;
    ImuRef set;
    uint64_t faults;            /* user address of ImuFault[] */
    uint32_t count;             /* in: room; out: how many were read */
    uint32_t pending;           /* out: how many are left */
    uint32_t fault_size;        /* of one; 0: IMU_FAULT_SIZE_MIN */
    uint32_t reserved;
} ImuFaultLog;

typedef enum ImuAnswerCode {
    IMU_ANSWER_SUCCESS,
    IMU_ANSWER_INVALID,
    IMU_ANSWER_FAILURE,
} ImuAnswerCode;

typedef struct ImuAnswer {
    ImuHead head;
    ImuRef set;
    uint64_t ticket;
    uint32_t code;              /* ImuAnswerCode */
    uint32_t reserved;
} ImuAnswer;

/* --- events: best effort, never needed for safety ----------------------- */

#define IMU_EVENTS(E)                                                      \
    E(ALLOC) E(BIND) E(UNBIND) E(FREE) E(RECLAIM) E(QUOTA_HIT)             \
    E(FAULT_TIMEOUT) E(FAULT_OVERFLOW) E(INV_TIMEOUT) E(FENCE) E(DEV_GONE)      \
    E(LIMIT_HIT)

#define IMU_EVENT_ENUM(n)  IMU_EVENT_##n,
typedef enum ImuEventType { IMU_EVENTS(IMU_EVENT_ENUM) } ImuEventType;

#define IMU_EVENT_LOST  1u      /* some before this one are missing */

typedef struct ImuEvent {
    uint32_t flags;
    uint32_t type;              /* ImuEventType */
    uint64_t sequence;          /* from 1, gaps where events were lost */
    uint64_t time;              /* virtual ns */
    uint64_t token;             /* ticket (FENCE, FAULT_TIMEOUT); cookie of
                                   a device object; else the set's */
    ImuRef object;
    uint32_t old_state;
    uint32_t new_state;
} ImuEvent;

typedef struct ImuEvqCreate {
    ImuHead head;
    ImuRef set;
    uint32_t depth;
    uint32_t reserved;
    ImuRef queue;               /* out */
} ImuEvqCreate;

typedef struct ImuEventRead {
    ImuHead head;
    ImuRef set;
    ImuRef queue;
    uint64_t events;            /* user address of ImuEvent[] */
    uint32_t count;             /* in: room; out */
    uint32_t pending;           /* out */
} ImuEventRead;

#include "im/im_ioasid_moving_uapi.h"

/* --- the commands: C(number, NAME, structure, last member of the minimum),
 * in the order in which they came ------------------------------------------ */

#define IMU_COMMANDS(C)                                                    \
    C(0x00, INFO,          ImuInfo,         used)                          \
    C(0x10, SET_CREATE,    ImuSetCreate,    set)                           \
    C(0x11, SET_UPDATE,    ImuSetUpdate,    quota_reserved)                \
    C(0x12, SET_QUERY,     ImuSetQuery,     user_token)                    \
    C(0x13, SET_DESTROY,   ImuSetDestroy,   set)                           \
    C(0x20, PASID_ALLOC,   ImuPasidAlloc,   pasid)                         \
    C(0x21, PASID_FREE,    ImuPasidFree,    reserved)                      \
    C(0x22, PASID_QUERY,   ImuPasidQuery,   hpasid)                        \
    C(0x30, DEV_BIND,      ImuDevBind,      dev)                           \
    C(0x31, DEV_UNBIND,    ImuDevUnbind,    dev)                           \
    C(0x32, DEV_INFO,      ImuDevInfo,      formats)                       \
    C(0x40, SPACE_CREATE,  ImuSpaceCreate,  space)                         \
    C(0x41, SPACE_DESTROY, ImuSpaceDestroy, space)                         \
    C(0x42, MAP,           ImuMap,          iova)                          \
    C(0x43, UNMAP,         ImuUnmap,        length)                        \
    C(0x44, COPY,          ImuCopy,         src_iova)                      \
    C(0x45, ALLOW,         ImuAllow,        reserved)                      \
    C(0x46, RANGES,        ImuRanges,       alignment)                     \
    C(0x48, DIRTY_SET,     ImuDirtySet,     space)                         \
    C(0x49, DIRTY_GET,     ImuDirtyGet,     bitmap)                        \
    C(0x50, ATTACH,        ImuAttach,       space)                         \
    C(0x51, REPLACE,       ImuReplace,      space)                         \
    C(0x52, DETACH,        ImuDetach,       pasid)                         \
    C(0x58, INVALIDATE,    ImuInvalidate,   tag)                           \
    C(0x59, FENCE,         ImuFence,        reserved)                      \
    C(0x70, FAULTQ_CREATE, ImuFaultqCreate, queue)                         \
    C(0x71, FAULTQ_DESTROY, ImuQueueDestroy, queue)                        \
    C(0x72, FAULT_READ,    ImuFaultRead,    pending)                       \
    C(0x73, FAULT_ANSWER,  ImuAnswer,       reserved)                      \
    C(0x78, EVQ_CREATE,    ImuEvqCreate,    queue)                         \
    C(0x79, EVQ_DESTROY,   ImuQueueDestroy, queue)                         \
    C(0x7a, EVENT_READ,    ImuEventRead,    pending)                       \
    C(0x01, ENUM,          ImuEnum,         reserved)                      \
    C(0x02, SAVE,          ImuSave,         reserved)                      \
    C(0x03, RESTORE,       ImuRestore,      reserved)                      \
    C(0x3f, DEV_RENAME,    ImuDevRename,    cookie)                        \
    C(0x74, FAULT_LOG,     ImuFaultLog,     reserved)                      \
    C(0x14, LIMITS,        ImuLimits,       groups_used)

#define IMU_COMMAND_ENUM(nr, name, type, last)  IMU_CMD_##name = (nr),
typedef enum ImuCommand { IMU_COMMANDS(IMU_COMMAND_ENUM) } ImuCommand;

#endif /* IM_IOASID_UAPI_H */
