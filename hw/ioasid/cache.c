/*
 * The host backend's caches: views (its PASID cache) and the IOTLB, whose
 * entries belong to views.
 *
 * A view that is replaced takes what the IOTLB holds for it along. Only
 * invalidations, and what the backend itself changes, take anything away
 * otherwise.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/memory.h"

/* --- views ------------------------------------------------------------ */

void im_ioasid_view_renew(ImIoasid *h, IoView *v)
{
    im_owner_renew(&h->caches->pages, &v->pages);
    v->gen = v->map ? v->map->gen : h->caches->reach;
}

static void io_cache_unsort_view(IoView *v)
{
    if (v->by_asid.pprev) {
        im_link_out(&v->by_asid);
        v->by_asid.pprev = NULL;
    }
}

void im_ioasid_view_sort(IoCaches *c, IoView *v)
{
    io_cache_unsort_view(v);
    if (v->how == IO_HOW_SMMU && v->s1) {
        im_link_in(&c->asids[v->cd.asid % IO_ASID_BUCKETS], &v->by_asid);
    }
}

void im_ioasid_view_global(IoCaches *c, IoView *v)
{
    if (!v->in_globals.pprev) {
        im_link_in(&c->globals, &v->in_globals);
    }
}

static void io_cache_drop_view(void *opaque, void *slot)
{
    IoCaches *c = opaque;
    IoView *v = slot;

    im_owner_renew(&c->pages, &v->pages);
    io_cache_unsort_view(v);
    if (v->in_globals.pprev) {
        im_link_out(&v->in_globals);
        v->in_globals.pprev = NULL;
    }
    if (v->bind) {
        im_link_out(&v->by_bind);
    }
    im_pool_free(&c->views, v);
}

IoView *im_ioasid_view_put(IoCaches *c, uint64_t key, IoBind *b)
{
    IoView *v = im_pool_put(&c->views, key);

    v->bind = b;
    if (b) {
        im_link_in(&b->views, &v->by_bind);
    }
    return v;
}

/* --- bindings --------------------------------------------------------- */

static void io_cache_drop_views(IoCaches *c, IoBind *b)
{
    while (b->views) {
        im_pool_drop(&c->views, IM_LINK_OF(b->views, IoView, by_bind));
    }
}

void im_ioasid_bind_changed(ImIoasid *h, IoBind *b, const IoSpace *old,
                            IoPasid *p)
{
    h->caches->epoch++;
    h->caches->reach++;
    io_cache_drop_views(h->caches, b);
    b->ats_granted = false;
    if (old && b->ats_used) {
        im_ioasid_atc_inv_bind(h, b, p);
        im_ioasid_rearm(h);
    }
}

void im_ioasid_bind_freed(ImIoasid *h, IoBind *b)
{
    io_cache_drop_views(h->caches, b);
    im_ioasid_atc_unqueue(h, b);
}

/* --- life ------------------------------------------------------------- */

/* Pages and blocks of every guest's tables. */
static const uint8_t page_shift[IM_TLB_CLASSES] = {
    12, 14, 16, 21, 25, 29, 30, 42,
};

static uint32_t io_cache_views(const ImIoasid *h)
{
    return im_cache_size(h->cfg.iotlb_entries / 4, 64, 4096);
}

IoCaches *im_ioasid_caches_new(ImIoasid *h)
{
    IoCaches *c = im_ioasid_alloc(h, sizeof(*c));
    uint32_t n = io_cache_views(h);
    IoView *view;

    if (!c) {
        return NULL;
    }
    view = im_ioasid_alloc(h, im_pool_bytes(n, sizeof(*view)));
    if (!view) {
        im_ioasid_release(h, c, sizeof(*c));
        return NULL;
    }
    *c = (IoCaches) { .epoch = 1, .reach = 1 };
    im_owned_init(&c->pages, h->cfg.iotlb_entries, page_shift);
    im_pool_init(&c->views, view, n, sizeof(*view), io_cache_drop_view, c);
    for (uint32_t i = 0; i < n; i++) {
        im_owner_add(&c->pages, &view[i].pages, 0);
    }
    return c;
}

void im_ioasid_caches_free(ImIoasid *h, IoCaches *c)
{
    if (c) {
        im_owned_destroy(&c->pages);
        im_ioasid_release(h, c->views.slot,
                          im_pool_bytes(io_cache_views(h), sizeof(IoView)));
        im_ioasid_release(h, c, sizeof(*c));
    }
}
