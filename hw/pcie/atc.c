/*
 * The address translation cache: fully associative, least recently used
 * entry displaced, keyed by (PASID or none, privilege).
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/pcie/atc.h"

struct EpAtc {
    EpAtcEntry *entry;
    uint32_t size;
    uint32_t used;
    uint64_t clock;
    uint64_t epoch;
};

EpAtc *im_ep_atc_new(uint32_t entries)
{
    EpAtc *atc = g_new0(EpAtc, 1);

    atc->entry = g_new0(EpAtcEntry, entries);
    atc->size = entries;
    return atc;
}

void im_ep_atc_free(EpAtc *atc)
{
    g_free(atc->entry);
    g_free(atc);
}

static uint64_t ep_atc_size_of(const EpAtcEntry *e)
{
    return UINT64_C(1) << e->lg2;
}

static bool ep_atc_same_key(const EpAtcEntry *e, bool has_pasid, uint32_t pasid,
                            bool priv)
{
    return e->valid && e->priv == priv && e->has_pasid == has_pasid &&
           (!has_pasid || e->pasid == pasid);
}

/* An entry with G serves every PASID. */
IM_RULE(PCIE_ATS_GLOBAL);
static bool ep_atc_serves(const EpAtcEntry *e, const EpReq *req)
{
    return ep_atc_same_key(e, req->has_pasid, req->pasid, req->priv) ||
           (e->valid && e->global && e->has_pasid && req->has_pasid &&
            e->priv == req->priv);
}

const EpAtcEntry *im_ep_atc_find(EpAtc *atc, const EpReq *req)
{
    for (uint32_t i = 0; atc->used && i < atc->size; i++) {
        EpAtcEntry *e = &atc->entry[i];

        if (e->valid && req->va - e->va < ep_atc_size_of(e) &&
            ep_atc_serves(e, req)) {
            e->stamp = ++atc->clock;
            return e;
        }
    }
    return NULL;
}

static void ep_atc_drop(EpAtc *atc, EpAtcEntry *e)
{
    e->valid = false;
    atc->used--;
}

static bool ep_atc_overlaps(const EpAtcEntry *e, uint64_t va, uint64_t size)
{
    return e->va - va < size || va - e->va < ep_atc_size_of(e);
}

/* A free entry, else the one not used for longest; drops what it replaces. */
static EpAtcEntry *ep_atc_place(EpAtc *atc, const EpAtcEntry *new)
{
    EpAtcEntry *best = NULL;

    for (uint32_t i = 0; i < atc->size; i++) {
        EpAtcEntry *e = &atc->entry[i];

        if (ep_atc_same_key(e, new->has_pasid, new->pasid, new->priv) &&
            ep_atc_overlaps(e, new->va, ep_atc_size_of(new))) {
            ep_atc_drop(atc, e);
        }
        if (!best || (best->valid && (!e->valid || e->stamp < best->stamp))) {
            best = e;
        }
    }
    return best;
}

bool im_ep_atc_insert(EpAtc *atc, const EpAtcEntry *entry)
{
    EpAtcEntry *e = ep_atc_place(atc, entry);
    bool evicted;

    if (!e) {
        return false;
    }
    evicted = e->valid;
    if (!evicted) {
        atc->used++;
    }
    *e = *entry;
    e->valid = true;
    e->stamp = ++atc->clock;
    return evicted;
}

void im_ep_atc_flush(EpAtc *atc)
{
    for (uint32_t i = 0; atc->used && i < atc->size; i++) {
        atc->entry[i].valid = false;
    }
    atc->used = 0;
    atc->epoch++;
}

/* The PASID control changed. */
IM_RULE(PCIE_INV_IMPLICIT);
void im_ep_atc_drop_pasids(EpAtc *atc)
{
    for (uint32_t i = 0; i < atc->size; i++) {
        if (atc->entry[i].valid && atc->entry[i].has_pasid) {
            ep_atc_drop(atc, &atc->entry[i]);
        }
    }
    atc->epoch++;
}

/*
 * Whether an invalidation reaches a translation: without a PASID it reaches
 * every entry of the range, those of PASIDs too; with one, that PASID's, with
 * Global every PASID's. An entry with the Global attribute belongs to every
 * PASID.
 */
IM_RULE(PCIE_INV_PASID);
bool im_ep_inv_covers(const ImAtsInv *inv, uint64_t va, uint64_t size,
                      bool has_pasid, uint32_t pasid, bool global)
{
    uint64_t len, base;

    if (inv->has_pasid) {
        if (!has_pasid) {
            return false;
        }
        if (!inv->global && !global && inv->pasid != pasid) {
            return false;
        }
    }
    if (inv->lg2size >= 64) {
        return true;
    }
    len = UINT64_C(1) << MAX(inv->lg2size, 12);
    base = inv->addr & ~(len - 1);
    return va - base < len || base - va < size;
}

unsigned im_ep_atc_invalidate(EpAtc *atc, const ImAtsInv *inv)
{
    unsigned n = 0;

    atc->epoch++;
    for (uint32_t i = 0; atc->used && i < atc->size; i++) {
        EpAtcEntry *e = &atc->entry[i];

        if (e->valid && im_ep_inv_covers(inv, e->va, ep_atc_size_of(e),
                                         e->has_pasid, e->pasid, e->global)) {
            ep_atc_drop(atc, e);
            n++;
        }
    }
    return n;
}

uint64_t im_ep_atc_epoch(const EpAtc *atc)
{
    return atc->epoch;
}

uint32_t im_ep_atc_used(const EpAtc *atc)
{
    return atc->used;
}

const EpAtcEntry *im_ep_atc_entry(const EpAtc *atc, uint64_t i)
{
    return i < atc->size ? &atc->entry[i] : NULL;
}
