/*
 * The address translation cache. It knows nothing of the rest.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_PCIE_ATC_H
#define HW_PCIE_ATC_H

#include "hw/pcie/ep.h"

#define EP_LG2_MAX  30          /* larger translations are used as 1 GiB */

typedef struct EpAtc EpAtc;

typedef struct EpAtcEntry {
    uint64_t va;
    uint64_t pa;
    uint64_t stamp;             /* last use */
    uint32_t pasid;
    uint8_t lg2;
    uint8_t perm;               /* ImPerm */
    bool valid;
    bool has_pasid;
    bool priv;
    bool global;
    bool u;
    bool n;
    bool nw;                    /* fetched with No-Write */
} EpAtcEntry;

EpAtc *im_ep_atc_new(uint32_t entries);
void im_ep_atc_free(EpAtc *atc);

/* The entry for a request, whatever it permits; NULL when there is none. */
const EpAtcEntry *im_ep_atc_find(EpAtc *atc, const EpReq *req);
/* Returns true when a valid entry had to go for want of room. */
bool im_ep_atc_insert(EpAtc *atc, const EpAtcEntry *entry);
void im_ep_atc_flush(EpAtc *atc);
/* The PASID control changed. */
void im_ep_atc_drop_pasids(EpAtc *atc);
/* Returns how many entries went. */
unsigned im_ep_atc_invalidate(EpAtc *atc, const ImAtsInv *inv);
/* Changes with every invalidation: an answer fetched before is old. */
uint64_t im_ep_atc_epoch(const EpAtc *atc);

/* Whether an invalidation reaches a translation. */
bool im_ep_inv_covers(const ImAtsInv *inv, uint64_t va, uint64_t size,
                      bool has_pasid, uint32_t pasid, bool global);

/* How many are valid; the i-th place, valid or not, NULL: beyond the last. */
uint32_t im_ep_atc_used(const EpAtc *atc);
const EpAtcEntry *im_ep_atc_entry(const EpAtc *atc, uint64_t i);

#endif /* HW_PCIE_ATC_H */
