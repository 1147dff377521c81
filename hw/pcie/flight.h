/*
 * Memory requests. A parked one, with its bytes, stays with the host until
 * that ends it, whether or not its channel still waits.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_PCIE_FLIGHT_H
#define HW_PCIE_FLIGHT_H

#include "hw/pcie/ep.h"

/* A memory request; channels and dma.c fill it in. */
typedef struct EpFlight {
    uint64_t handle;
    uint64_t serial;
    int channel;                /* EP_NOBODY waits for it any more */
    bool translated;
    bool write;
    uint32_t len;
    EpReq req;                  /* key and address before translation */
    uint8_t data[4096];
} EpFlight;

struct EpFlights *im_ep_flights_new(void);
/* With those that are parked. */
void im_ep_flights_free(struct EpFlights *flights);

/* It is parked under the host's handle. */
void im_ep_flight_park(ImEp *ep, EpFlight *f, uint64_t handle);
bool im_ep_flight_is_parked(const ImEp *ep, const EpFlight *f);
/* Nobody waits for a parked one any more; returns another in its place. */
EpFlight *im_ep_flight_orphan(ImEp *ep, EpFlight *f);
/* So many of these that no operation may begin. */
bool im_ep_flight_too_many(const ImEp *ep);
/* The parked one, or NULL. */
const EpFlight *im_ep_flight_find(const ImEp *ep, uint64_t handle);
/* It is parked no more; NULL: there is none. An orphan is the caller's. */
EpFlight *im_ep_flight_take(ImEp *ep, uint64_t handle);
/* Whether one older than serial may use what an invalidation reaches. */
bool im_ep_flight_uses(const ImEp *ep, const ImAtsInv *inv, uint64_t serial);
unsigned im_ep_flights_parked(const ImEp *ep);

#endif /* HW_PCIE_FLIGHT_H */
