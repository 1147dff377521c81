/*
 * A virtual IOMMU on the host's backend: what its files share.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_VIOMMU_VIOMMU_H
#define HW_VIOMMU_VIOMMU_H

#include "hw/core/link.h"
#include "im/im_clause.h"
#include "im/im_viommu.h"

#include <string.h>

#define VI_MEMOS        64u         /* of a function; a power of two */
#define VI_BINDS_MAX    4096u       /* of a function */
#define VI_TICKETS_MAX  1024u       /* of a function */
#define VI_TODO_MAX     64u
#define VI_FILLS_MAX    256u        /* for one request */
#define VI_SHADOW_MAX   65536u      /* pieces of a shadow */

typedef struct ViBind ViBind;

/*
 * A second stage of the guest's, as a MAPPED space: what requests needed of
 * it, taken from the RAM space.
 */
typedef struct ViShadow {
    ImuRef space;
    ImBinding say;              /* how to walk it */
    unsigned users;             /* bindings */
    uint32_t pieces;
    bool large;                 /* some are of VI_LARGE bytes */
    ImLink in_all;
} ViShadow;

/* Requests of a function with a PASID, or with none, are bound. */
struct ViBind {
    ImViommuFn *fn;
    uint64_t key;               /* im_viommu_key() */
    ImBinding say;              /* what the tables said */
    ImuRef space;
    ImuRef pasid;               /* 0, 0: none */
    ViShadow *shadow;           /* or NULL */
    uint32_t hpasid;
    ImLink by_fn;               /* the oldest is the last */
};

/* Where a request goes, found by its PASID. */
typedef struct ViMemo {
    uint64_t key;               /* im_viommu_key() + 1; 0: nothing */
    uint32_t hpasid;
    bool has_pasid;             /* on the host's bus */
} ViMemo;

/* A group of page requests that the guest has. */
typedef struct ViTicket {
    uint64_t ticket;
    uint64_t key;
    uint16_t prgi;
} ViTicket;

struct ImViommuFn {
    ImViommu *v;
    uint32_t host_func;
    uint32_t func;              /* the guest's; with placed */
    bool placed;
    bool lost;                  /* an invalidation timed out: no ATS until it
                                   is bound anew */
    ImuRef dev;
    GHashTable *by_key;         /* ViBind */
    ImLink *binds;
    ViMemo memo[VI_MEMOS];
    GArray *tickets;            /* ViTicket, in order of arrival */
    ImLink in_all;
};

/* A device-TLB invalidation of the guest's under way. */
typedef struct ViInv {
    ImViommuFn *fn;
    uint64_t ticket;            /* of the fence behind it; 0: done */
    uint8_t itag;
} ViInv;

/* A request that the model parked. */
typedef struct ViStall {
    ImViommuFn *fn;
    uint64_t handle;
    ImTxn txn;
    bool answered;              /* so, by the guest */
    ImXlat xlat;
} ViStall;

struct ImViommu {
    ImViommuConfig cfg;
    ImViommuPort port;
    void *host;
    const ImIommuOps *ops;
    void *guest;
    bool dead;                  /* queues could not be made */
    ImuRef faultq, evq;
    ImLink *fns;
    ImLink *shadows;
    GHashTable *pasids;         /* gpasid -> how many bindings + 1, of those
                                   that were allocated here */
    GArray *invs;               /* ViInv */
    GArray *stalls;             /* ViStall */
    GArray *todo;               /* ImInval: to be bound by settle() */
    bool unfenced; /* device TLBs were told since the last fence */
    uint64_t ticket; /* of the last fence, */
    uint64_t fenced; /* and up to which they are done */
    ImViommuCounters counters;
};

static inline uint64_t im_viommu_key(bool has_pasid, uint32_t pasid)
{
    return (uint64_t)has_pasid << 32 | (has_pasid ? pasid : 0);
}

/* --- viommu.c ----------------------------------------------------------- */

int im_viommu_obey(ImViommu *v, ImuCommand command, void *arg, size_t size,
                   size_t whole);
/* A command whose structure is all there is. */
#define VI_COMMAND(v, NAME, arg) \
    im_viommu_obey(v, IMU_CMD_##NAME, arg, sizeof(*(arg)), sizeof(*(arg)))

/* The function that the host names so, or NULL: what cookies are. */
ImViommuFn *im_viommu_by_cookie(ImViommu *v, uint64_t cookie);
/* Give the function back and take it again, without bindings. 0 or -errno. */
int im_viommu_rebind(ImViommuFn *fn);
/* The function that the guest names so, or NULL. */
ImViommuFn *im_viommu_by_func(ImViommu *v, uint32_t func);

/* --- bind.c ------------------------------------------------------------- */

/* Whose affair it is that there is no binding. */
typedef enum ViWhose {
    VI_OK,
    VI_GUEST, /* its tables have none */
    VI_HOST,
} ViWhose;

/* The binding of a request; *b: NULL unless VI_OK. *err: VI_HOST: -errno. */
ViWhose im_viommu_bind(ImViommuFn *fn, bool has_pasid, uint32_t pasid,
                       ViBind **b, int *err);
void im_viommu_unbind(ViBind *b);
void im_viommu_unbind_all(ImViommuFn *fn);
/* Whether the tables say something else by now. */
bool im_viommu_stale(const ViBind *b);

/* --- shadow.c ----------------------------------------------------------- */

/* 0 or -errno. One more user. */
int im_viommu_shadow_get(ImViommu *v, const ImBinding *say, ViShadow **shadow);
void im_viommu_shadow_put(ImViommu *v, ViShadow *shadow);
/* Map what was missed there; false: the guest's stage has it not, or the
 * backend refused. */
bool im_viommu_shadow_fill(ImViommu *v, ViShadow *s, uint64_t addr,
                           uint8_t perm);
void im_viommu_shadow_drop(ImViommu *v, ViShadow *s, uint64_t first,
                           uint64_t last);

/* --- fault.c ------------------------------------------------------------ */

void im_viommu_read_faults(ImViommu *v);
/* The model parked it: wait for its answer. */
void im_viommu_park(ImViommuFn *fn, uint64_t handle, const ImTxn *txn);
/* Those that the guest answered go on, or end. */
void im_viommu_end_stalls(ImViommu *v);
void im_viommu_forget_stalls(ImViommu *v, const ImViommuFn *fn);
/* Tell the host of a request that failed by no fault of the guest's. */
void im_viommu_blame_host(ImViommu *v, const ImTxn *txn, int err);

/* --- fn.c --------------------------------------------------------------- */

/* Ask the backend for a request that was parked; granted or refused. */
ImXlat im_viommu_ask_again(ImViommuFn *fn, const ImTxn *txn);

/* --- inval.c ------------------------------------------------------------ */

void im_viommu_fence_done(ImViommu *v, uint64_t ticket);
void im_viommu_inv_timeout(ImViommuFn *fn);
void im_viommu_forget_invs(ImViommu *v, const ImViommuFn *fn);

#endif /* HW_VIOMMU_VIOMMU_H */
