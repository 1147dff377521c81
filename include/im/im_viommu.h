/*
 * A virtual IOMMU on a host's backend: a guest's IOMMU (any ImIommuOps) whose
 * functions are the host's (im_ioasid.h). What the guest's tables say of such a
 * function becomes spaces and bindings of the guest's set; its requests are
 * translated by the backend, its page requests and their answers, the guest's
 * invalidations and the waits behind them pass through here, both ways.
 * docs/viommu.rst.
 *
 * The guest's IOMMU stays what the guest sees: its registers, queues and fault
 * records are of the model, which is asked whenever a request fails. What the
 * model would have granted and the backend did not is the host's affair, and
 * told to the host alone.
 *
 * One instance is used by one thread at a time, with its model: the host
 * serialises.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_VIOMMU_H
#define IM_VIOMMU_H

#include <glib.h>

#include "im/im_ioasid.h"
#include "im/im_iommu.h"
#include "im/im_port.h"

typedef struct ImViommu ImViommu;
/* A function that the host assigned to the guest, behind its IOMMU. */
typedef struct ImViommuFn ImViommuFn;

/*
 * The backend, seen from here, whatever lies between. None of these may come
 * back into this module or its model before it was left: what becomes readable
 * meanwhile is told afterwards, by im_viommu_readable().
 */
typedef struct ImViommuPort {
    size_t size;
    /* A command: its structure of size bytes, which are filled in, and what it
     * refers to by user addresses (user + offset) behind it, whole bytes in
     * all. 0 or -errno. */
    int (*command)(void *host, ImuCommand command, void *arg, size_t size,
                   size_t whole);
    uint64_t user; /* user address of arg in a command */
    /* Requests: im_ioasid_translate_as(); then by the host's function and
     * PASID. */
    bool (*translate)(void *host, uint32_t func, bool has_pasid, uint32_t pasid,
                      const ImTxn *txn, ImXlat *out);
    ImXlat (*explain)(void *host, const ImTxn *txn, ImStepFn *fn, void *opaque);
    void (*page_request)(void *host, const ImPageReq *req);
    /* im_ioasid_host_pasid() */
    bool (*host_pasid)(void *host, uint32_t func, uint32_t gpasid,
                       uint32_t *hpasid);
    /* Why the translation before was refused; false: it was not. */
    bool (*missed)(void *host, ImIoasidMiss *miss);
    /* A response to the function that no group of the backend's waits for. */
    void (*page_response)(void *host, const ImPageResp *resp);
    /* The end of a request that im_viommu_translate() answered IM_PENDING. */
    void (*resume)(void *host, uint32_t host_func, uint64_t handle,
                   const ImXlat *xlat);
    /* What the guest's tables are not to blame for; name stays the same for
     * the same matter. */
    void (*host_fault)(void *host, const ImTxn *txn, const char *name,
                       const char *text);
} ImViommuPort;

typedef struct ImViommuConfig {
    ImuRef set; /* the guest's */
    ImuRef ram; /* MAPPED, PARENT: guest-physical memory */
    uint32_t format; /* ImuFormat of the guest's first stages */
    uint32_t map_mode; /* of the set; not TRANSLATE: the guest's own
                                   table of PASIDs is used where it can be */
    bool pasids_allocated; /* the guest has its PASIDs from the host; else
                                   it chooses them: PASID_ALLOC FIXED */
    bool caching; /* it invalidates what becomes present: bind
                                   then; else at the first request */
    uint64_t fault_deadline_ns; /* of the fault queue; 0: the backend's */
    uint64_t msi_first; /* without PASID: the model's alone. */
    uint64_t msi_last; /* 0, 0: none */
} ImViommuConfig;

/*
 * guest: the model, made by the caller, who passes what its port is told to
 * the functions below. NULL: no memory, or *error, 0 or -errno, of a command.
 */
ImViommu *im_viommu_new(const ImViommuConfig *config, const ImIommuOps *ops,
                        void *guest, const ImViommuPort *port, void *host,
                        int *error);
/* Unbinds every function. */
void im_viommu_free(ImViommu *v);
/* Guest and backend were reset, in this order: the handles of config are new
 * ones. 0 or -errno: every request fails, as the host's fault. */
int im_viommu_reset(ImViommu *v, ImuRef set, ImuRef ram);

/* host_func: as im_ioasid_device_add() named it. 0 or -errno. */
int im_viommu_add(ImViommu *v, uint32_t host_func, ImViommuFn **fn);
void im_viommu_remove(ImViommuFn *fn);
/* The guest's number of it (im_func()), which requests tell as well: in
 * caching mode nothing is bound before it is known. */
void im_viommu_place(ImViommuFn *fn, uint32_t func);

/* --- requests: txn and req name the function as the guest does ---------- */

/* As ImIommuOps.translate; the output address is the host's. */
void im_viommu_translate(ImViommuFn *fn, const ImTxn *txn, ImXlat *out);
/* The requester of an IM_PENDING one was reset: no resume. false: no such. */
bool im_viommu_cancel(ImViommu *v, uint64_t handle);
/* Both halves: the guest's steps, then the host's. */
ImXlat im_viommu_explain(ImViommuFn *fn, const ImTxn *txn, ImStepFn *step,
                         void *opaque);
void im_viommu_page_request(ImViommuFn *fn, const ImPageReq *req);

/* --- the model's port: true: it was for a function of these ------------- */

bool im_viommu_ats_invalidate(ImViommu *v, const ImAtsInv *inv);
bool im_viommu_page_response(ImViommu *v, const ImPageResp *resp);
bool im_viommu_resume(ImViommu *v, uint64_t handle, const ImXlat *xlat);
void im_viommu_invalidated(ImViommu *v, const ImInval *inval);
uint64_t im_viommu_fence(ImViommu *v);

/* --- between calls ------------------------------------------------------ */

/* A queue of the backend became readable; false: it is not of these. */
bool im_viommu_readable(ImViommu *v, ImuRef queue);
/* The model was left: what could not be done within its calls. */
void im_viommu_settle(ImViommu *v);

/* --- for people --------------------------------------------------------- */

#define IM_VIOMMU_COUNTERS(C)                                              \
    C(requests)        C(binds)           C(unbinds)                       \
    C(binds_refused)   C(shadow_fills)    C(shadow_drops)                  \
    C(guest_faults)    C(host_faults)     C(page_requests)                 \
    C(page_requests_direct)               C(page_responses_direct)         \
    C(page_groups)     C(page_responses)  C(page_responses_late)           \
    C(stalls)          C(invalidations)   C(ats_invalidations)             \
    C(ats_completions) C(ats_timeouts)    C(fences)                        \
    C(fences_held)     C(events_lost)

#define IM_VIOMMU_COUNTER_MEMBER(n)  uint64_t n;
typedef struct ImViommuCounters {
    IM_VIOMMU_COUNTERS(IM_VIOMMU_COUNTER_MEMBER)
} ImViommuCounters;

const ImViommuCounters *im_viommu_counters(const ImViommu *v);
/* Functions, bindings, shadows, what is outstanding. No host PASID. */
void im_viommu_dump(ImViommu *v, GString *out);
/* What must hold between calls: NULL, or a line that says what does not
 * (g_free() it). */
char *im_viommu_check(ImViommu *v);

#endif /* IM_VIOMMU_H */
