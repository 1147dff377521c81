/*
 * Memory requests that the host has parked.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/pcie/atc.h"
#include "hw/pcie/flight.h"

#define ORPHANS_MAX  64

typedef struct EpFlights {
    GQueue parked;              /* of EpFlight */
    unsigned orphans;           /* of these, without a channel */
} EpFlights;

EpFlights *im_ep_flights_new(void)
{
    EpFlights *flights = g_new0(EpFlights, 1);

    g_queue_init(&flights->parked);
    return flights;
}

void im_ep_flights_free(EpFlights *flights)
{
    g_queue_clear_full(&flights->parked, g_free);
    g_free(flights);
}

void im_ep_flight_park(ImEp *ep, EpFlight *f, uint64_t handle)
{
    f->handle = handle;
    ep->counters.dma_parked++;
    g_queue_push_tail(&ep->flights->parked, f);
}

bool im_ep_flight_is_parked(const ImEp *ep, const EpFlight *f)
{
    return g_queue_find(&ep->flights->parked, f) != NULL;
}

EpFlight *im_ep_flight_orphan(ImEp *ep, EpFlight *f)
{
    f->channel = EP_NOBODY;
    ep->flights->orphans++;
    return g_new0(EpFlight, 1);
}

bool im_ep_flight_too_many(const ImEp *ep)
{
    return ep->flights->orphans >= ORPHANS_MAX;
}

static GList *ep_flight_link(const ImEp *ep, uint64_t handle)
{
    for (GList *l = ep->flights->parked.head; l; l = l->next) {
        const EpFlight *f = l->data;

        if (f->handle == handle) {
            return l;
        }
    }
    return NULL;
}

const EpFlight *im_ep_flight_find(const ImEp *ep, uint64_t handle)
{
    const GList *l = ep_flight_link(ep, handle);

    return l ? l->data : NULL;
}

EpFlight *im_ep_flight_take(ImEp *ep, uint64_t handle)
{
    GList *l = ep_flight_link(ep, handle);
    EpFlight *f = l ? l->data : NULL;

    if (!f) {
        return NULL;
    }
    g_queue_delete_link(&ep->flights->parked, l);
    ep->counters.dma_unparked++;
    ep->flights->orphans -= f->channel == EP_NOBODY;
    return f;
}

/*
 * Not before every translated request that may have used the translation is
 * done.
 */
IM_RULE(PCIE_INV_SEMANTICS);
bool im_ep_flight_uses(const ImEp *ep, const ImAtsInv *inv, uint64_t serial)
{
    for (GList *l = ep->flights->parked.head; l; l = l->next) {
        const EpFlight *f = l->data;

        if (f->translated && f->serial < serial &&
            im_ep_inv_covers(inv, f->req.va & ~(EP_PAGE - 1), EP_PAGE,
                             f->req.has_pasid, f->req.pasid, false)) {
            return true;
        }
    }
    return false;
}

unsigned im_ep_flights_parked(const ImEp *ep)
{
    return ep->flights->parked.length;
}
