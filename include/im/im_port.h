/*
 * What an IOMMU model needs from its host.
 *
 * One table per instance, size first so that it can grow at its end; a
 * host fills size = sizeof(ImPort). Members marked optional may be NULL.
 * Every call may be made from inside any call into the model, and must not
 * call back into that model: a host that delivers messages synchronously
 * queues them until the call into the model has returned.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_PORT_H
#define IM_PORT_H

#include <stddef.h>

#include "im/im_txn.h"

typedef struct ImEvent ImEvent;         /* im_event.h */

typedef enum ImBus {
    IM_BUS_OK,
    IM_BUS_ERROR,           /* no memory there, or the access failed */
    IM_BUS_RETRY,           /* cmpxchg64 only: the value differed */
} ImBus;

/*
 * Translations that a listener outside the model may still hold and must
 * now forget: shadow copies of ordinary devices (vhost, vfio), not ATCs.
 * rid is valid with has_rid, else every function is meant.
 */
typedef struct ImUnmap {
    uint64_t addr;
    uint64_t mask;          /* size - 1; UINT64_MAX: everything */
    uint16_t rid;
    bool has_rid;
    bool device_tlb;        /* from a device-TLB descriptor */
} ImUnmap;

/* What an invalidation is about. */
typedef enum ImInvalWhat {
    IM_INVAL_CONFIG = 1, /* what describes functions: context entries, STEs */
    IM_INVAL_PASID = 2, /* what describes their PASIDs: PASID entries, CDs */
    IM_INVAL_STAGE1 = 4, /* translations of a first stage, alone or nested */
    IM_INVAL_STAGE2 = 8, /* of a second stage, and all that rests on it */
} ImInvalWhat;

/*
 * What software has just invalidated in the unit's own caches, exactly as wide
 * as it was told. Each by_* narrows it; none: everything of what. Members of one
 * that is not set are 0. Device-TLBs have messages of their own
 * (ats_invalidate).
 */
typedef struct ImInval {
    uint64_t first; /* by_range: input addresses of the stage, */
    uint64_t last; /* inclusive */
    uint32_t func; /* by_func: im_func(), and which bits of it */
    uint32_t func_mask; /* do not count */
    uint32_t domain; /* by_domain: DID, VMID */
    uint32_t pasid; /* by_pasid: as the tables name it */
    uint32_t asid; /* by_asid: ASID of a CD */
    uint8_t what; /* ImInvalWhat, ORed */
    bool by_func;
    bool by_domain;
    bool by_pasid;
    bool by_asid;
    bool by_range;
} ImInval;

typedef struct ImPort {
    size_t size;

    /* Guest-physical memory, little endian as stored; len <= 64, naturally
     * aligned structures are read in one piece. Never reaches MMIO. */
    ImBus (*read)(void *host, uint64_t pa, void *buf, size_t len);
    ImBus (*write)(void *host, uint64_t pa, const void *buf, size_t len);
    /* Atomic against guest CPUs. Values in host order of the little-endian
     * quad-word. On IM_BUS_RETRY *expected is updated. */
    ImBus (*cmpxchg64)(void *host, uint64_t pa, uint64_t *expected,
                       uint64_t desired);

    /* An interrupt message of the model's own; never remapped. */
    void (*msi)(void *host, const ImMsi *msi);
    /* Messages to functions. Whether and when the completion comes is up to
     * the function: it is reported by im_*_ats_inv_done(). */
    void (*ats_invalidate)(void *host, const ImAtsInv *inv);
    void (*page_response)(void *host, const ImPageResp *resp);
    void (*unmap)(void *host, const ImUnmap *unmap); /* optional */
    /* What a host may remember beside translations has changed: whether
     * requests are judged, or what interrupt messages become. */
    void (*changed)(void *host); /* optional */

    /* Virtual time in nanoseconds, and one alarm: the host calls
     * im_*_deadline() once now() >= when. IM_NEVER cancels. */
    uint64_t (*now)(void *host);
    void (*deadline)(void *host, uint64_t when);

    void (*event)(void *host, const ImEvent *ev); /* optional */

    /* A pulse on a wired interrupt; lines are the model's. */
    void (*wire)(void *host, unsigned line); /* optional */
    /* The request parked as handle was answered: granted or terminated,
     * never IM_PENDING. Without it no request is parked. */
    void (*resume)(void *host, uint64_t handle, const ImXlat *xlat);

    /* Somebody beside the unit keeps what its tables say (im_viommu.h), and
     * does at once what this says. Optional. */
    void (*invalidated)(void *host, const ImInval *inval);
    /*
     * A wait descriptor or CMD_SYNC was reached. 0: whatever invalidated()
     * began is done. Else a ticket: it is held until ImIommuOps.fenced() is
     * called with that, or a later one. Tickets count up. Optional: 0.
     */
    uint64_t (*fence)(void *host);
} ImPort;

#endif /* IM_PORT_H */
