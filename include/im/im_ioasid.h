/*
 * ioasid-host: a reference host-side IOASID backend, and the calls by which
 * an emulator is its hardware. Its commands are in im_ioasid_uapi.h.
 *
 * One instance is used by one thread at a time; the host serialises. No
 * command blocks.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_IOASID_H
#define IM_IOASID_H

#include <glib.h>

#include "im/im_ioasid_uapi.h"
#include "im/im_iommu.h"
#include "im/im_port.h"
#include "im/im_txn.h"

static inline bool im_ref_is_null(ImuRef r)
{
    return !r.id && !r.gen;
}

static inline bool im_ref_eq(ImuRef a, ImuRef b)
{
    return a.id == b.id && a.gen == b.gen;
}

typedef struct ImIoasid ImIoasid;       /* the host: devices, pools */
typedef struct ImIoasidCtx ImIoasidCtx; /* one opener */

/*
 * What the backend needs beside an IOMMU's port. user is that of the
 * context. Every call may fail, and a command that meets a failure changes
 * nothing.
 */
typedef struct ImIoasidPort {
    size_t size;
    ImPort iommu;               /* physical memory, messages, time */
    void *(*alloc)(void *host, size_t bytes);       /* zeroed, or NULL */
    void (*free)(void *host, void *p, size_t bytes);
    /* 0 or -EFAULT */
    int (*user_read)(void *host, void *user, uint64_t addr, void *buf,
                     size_t len);
    int (*user_write)(void *host, void *user, uint64_t addr, const void *buf,
                      size_t len);
    /* Physical address of a user page, held until unpin. 0 or -EFAULT. */
    int (*pin)(void *host, void *user, uint64_t addr, bool write, uint64_t *pa);
    void (*unpin)(void *host, void *user, uint64_t addr, uint64_t pa,
                  bool dirty);
    /* A queue of the context became readable. Optional. */
    void (*readable)(void *host, void *user, ImuRef queue);
} ImIoasidPort;

typedef struct ImIoasidConfig {
    uint8_t pasid_bits;             /* 1 .. 20 */
    uint8_t page_shift;             /* of mapped spaces, 11 .. 16 */
    uint32_t ctx_quota;             /* PASIDs of one context */
    uint32_t iotlb_entries;         /* power of two, >= 16 */
    uint32_t pri_set_limit;         /* groups outstanding of one set */
    uint64_t ats_timeout_ns;
    uint64_t quarantine_ns;         /* at least, before a number is reused */
} ImIoasidConfig;

extern const ImIoasidConfig IM_IOASID_CONFIG_DEFAULT;

/* As im_vtd_new(): one line in *err on impossible values. */
ImIoasid *im_ioasid_new(const ImIoasidConfig *config, const ImIoasidPort *port,
                        void *host, char **err);
/* Closes every context. */
void im_ioasid_free(ImIoasid *h);
/* Every context loses all that it holds, as if forced, and stays open; no
 * number is in quarantine any more. */
void im_ioasid_reset(ImIoasid *h);

/* A function that contexts may bind, until it is removed. */
typedef struct ImIoasidDevice {
    uint32_t func;              /* segment 31:16, requester ID 15:0 */
    uint32_t caps;              /* IMU_DEV_CAP_* */
    uint32_t group;
    uint32_t pri_credit;
    uint8_t pasid_bits;
    const ImuRange *reserved;   /* copied: ranges that no space may map */
    unsigned reserved_count;
} ImIoasidDevice;

/* 0, -EEXIST, -EINVAL, -ENOMEM */
int im_ioasid_device_add(ImIoasid *h, const ImIoasidDevice *dev);
/* Unbinds it where it is bound; -ENOENT. */
int im_ioasid_device_remove(ImIoasid *h, uint32_t func);

#define IM_IOASID_CTX_DEBUG  1u     /* may see host PASIDs */

/* NULL: no memory. user is handed to the port. */
ImIoasidCtx *im_ioasid_open(ImIoasid *h, uint32_t flags, void *user);
/* Quiesces its devices, answers its faults, frees all it holds. Never
 * fails. */
void im_ioasid_close(ImIoasidCtx *c);

/*
 * Owners: what contexts may have together, as cgroups do. An owner may have a
 * parent; what a context has counts at every level above it, and no level is
 * ever beyond its limit. A context belongs to nobody until it is put.
 */
typedef struct ImIoasidOwner ImIoasidOwner;

typedef enum ImIoasidResource {
    IM_IOASID_PASIDS,           /* from ALLOC to RECLAIM */
    IM_IOASID_PAGES,            /* pinned by MAP */
    IM_IOASID_GROUPS,           /* of page requests, outstanding */
    IM_IOASID_RESOURCES,
} ImIoasidResource;

typedef struct ImIoasidLimits {
    uint64_t most[IM_IOASID_RESOURCES];     /* 0: no limit */
} ImIoasidLimits;

/* NULL: no memory, or more than 16 levels. */
ImIoasidOwner *im_ioasid_owner_new(ImIoasid *h, ImIoasidOwner *parent,
                                   const ImIoasidLimits *limits);
/* -EBUSY: it has a context, an owner below it, or a number of a context that
 * was closed is in quarantine yet. */
int im_ioasid_owner_free(ImIoasidOwner *o);
/* -EBUSY: it has more than that already, and nothing changed. */
int im_ioasid_owner_limit(ImIoasidOwner *o, const ImIoasidLimits *limits);
const ImIoasidLimits *im_ioasid_owner_used(const ImIoasidOwner *o);
/* Move a context, with all it has, to o (NULL: nobody). -EDQUOT: some level
 * has no room for that, and nothing changed. */
int im_ioasid_owner_put(ImIoasidCtx *c, ImIoasidOwner *o);

/* Obey a command whose structure is at a user address. 0 or -errno; -ENOTTY
 * for a command that does not exist. Results are in the structure. */
int im_ioasid_command(ImIoasidCtx *c, uint32_t command, uint64_t arg);

/*
 * For who stands between a guest and a function and writes PASIDs into its
 * work: whether other numbers than the guest's go on the bus, and which one
 * for a guest PASID. false: it is not bound there.
 */
bool im_ioasid_hides_pasids(const ImIoasid *h, uint32_t func);
bool im_ioasid_host_pasid(ImIoasid *h, uint32_t func, uint32_t gpasid,
                          uint32_t *hpasid);

/* The table that a request did not get past, as ImuStage. */
typedef enum ImIoasidStage {
    IM_IOASID_STAGE_NONE = IMU_STAGE_NONE,
    IM_IOASID_STAGE_GUEST = IMU_STAGE_GUEST, /* a CD, or an entry of its */
    IM_IOASID_STAGE_MAP = IMU_STAGE_MAP,     /* of the space, or its parent */
} ImIoasidStage;

/* Why the request before was refused, or granted nothing. */
typedef struct ImIoasidMiss {
    uint64_t addr; /* as that table's input */
    uint8_t stage; /* ImIoasidStage */
    uint8_t code; /* im_ioasid_fault_name() */
    uint8_t perm; /* ImPerm that was wanted there */
    bool for_entry; /* wanted for an entry of the guest's table,
                                   not for the data */
} ImIoasidMiss;

/* Of the last im_ioasid_translate(), if that refused or granted nothing, or a
 * translation request no write for want of the map; false: neither, or the map
 * is filled, and who asks for the page gets it (IMU_SPACE_FILL). */
bool im_ioasid_missed(const ImIoasid *h, ImIoasidMiss *miss);

/* The upward port, as of every IOMMU (im_iommu.h). It has no registers, parks
 * requests for maps that are filled (IMU_SPACE_FILL) alone, page requests being
 * how devices wait, and always translates. */
extern const ImIommuOps im_ioasid_ops;

ImXlat im_ioasid_translate(ImIoasid *h, const ImTxn *txn);
/*
 * The same for who knows that another function and PASID are on the bus than
 * the ones in txn. false: it was refused, or grants nothing, or no write to a
 * translation request for want of the map.
 */
bool im_ioasid_translate_as(ImIoasid *h, uint32_t func, bool has_pasid,
                            uint32_t pasid, const ImTxn *txn, ImXlat *out);
/* The requester of an IM_PENDING request was reset: it is forgotten. */
void im_ioasid_cancel(ImIoasid *h, uint64_t handle);
void im_ioasid_page_request(ImIoasid *h, const ImPageReq *req);
/* count: the completion count of the message, as PCIe encodes it. */
void im_ioasid_ats_inv_done(ImIoasid *h, uint32_t func, uint32_t itags,
                            unsigned count);
void im_ioasid_deadline(ImIoasid *h);
ImXlat im_ioasid_explain(ImIoasid *h, const ImTxn *txn, ImStepFn *fn,
                         void *opaque);
/*
 * The same for a page request that im_ioasid_page_request() would take
 * (docs/uapi.rst, 9): function, binding, set, fault queue, and "result", whose
 * note says what becomes of it. queued: it joins its group, which goes to the
 * queue with its last page. fault is 0: page requests have no reasons. That
 * there is no memory for one is known by taking it alone.
 */
ImPageFate im_ioasid_explain_page_request(ImIoasid *h, const ImPageReq *req,
                                          ImStepFn *fn, void *opaque);
const char *im_ioasid_fault_name(uint8_t reason, const char **text);

/* Everything, for people; c == NULL: of all contexts. */
void im_ioasid_dump(ImIoasid *h, const ImIoasidCtx *c, GString *out);

/* I1 to I10 of the document that can be checked from within: NULL, or a
 * line that says which one does not hold (g_free() it). */
char *im_ioasid_check(ImIoasid *h);

#define IM_IOASID_COUNTERS(C)                                              \
    C(commands)        C(commands_failed) C(translations)                  \
    C(iotlb_hits)      C(iotlb_misses)    C(walk_reads)                    \
    C(faults)          C(faults_suppressed) C(page_requests)               \
    C(page_groups)     C(page_responses)  C(auto_responses)                \
    C(ats_invalidations) C(ats_completions) C(ats_timeouts)                \
    C(invalidations)   C(invalidations_noop) C(events) C(events_lost)      \
    C(reclaims)

#define IM_IOASID_COUNTER_MEMBER(n)  uint64_t n;
typedef struct ImIoasidCounters {
    IM_IOASID_COUNTERS(IM_IOASID_COUNTER_MEMBER)
} ImIoasidCounters;

const ImIoasidCounters *im_ioasid_counters(const ImIoasid *h);

#endif /* IM_IOASID_H */
