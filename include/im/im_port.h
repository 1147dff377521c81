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
} ImPort;

#endif /* IM_PORT_H */
