/*
 * The host backend's caches: views (its PASID cache) and the IOTLB, whose
 * entries belong to views.
 *
 * A view that is replaced takes what the IOTLB holds for it along: nothing
 * finds it any more. Only invalidations, and what the backend itself
 * changes, take anything away otherwise.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/memory.h"

/* Classes of the IOTLB: log2 of page sizes. */
static const uint8_t page_shift[IM_TLB_CLASSES] = {
    12, 14, 16, 21, 25, 29, 30, 42,
};

#define TAGS  2                 /* of a view: unprivileged, privileged */

static uint32_t io_cache_fresh_tag(IoCaches *c)
{
    uint32_t tag = c->next_tag;

    c->next_tag += TAGS;
    return tag;
}

/* All tags are used up: begin again, with nothing cached. */
static void io_cache_start_over(IoCaches *c)
{
    im_tlb_flush(&c->tlb);
    c->next_tag = IM_TLB_TAG_MIN;
    for (uint32_t i = 0; i < c->views; i++) {
        c->view[i].tag = io_cache_fresh_tag(c);
        c->view[i].classes = 0;
        c->view[i].whole = 0;
    }
}

void im_ioasid_view_renew(ImIoasid *h, IoView *v)
{
    IoCaches *c = h->caches;

    if (v->classes) {
        if (c->next_tag > IM_TLB_TAG_MAX - TAGS) {
            io_cache_start_over(c);
        } else {
            v->tag = io_cache_fresh_tag(c);
        }
    }
    v->classes = 0;
    v->whole = 0;
    v->gen = v->map ? v->map->gen : c->reach;
}

/* --- views ------------------------------------------------------------ */

static IoView *io_cache_ways(IoCaches *c, uint64_t key)
{
    return &c->view[im_link_hash(key ^ key >> 32) & (c->views - 1) &
                    ~(IO_VIEW_WAYS - 1u)];
}

IoView *im_ioasid_view_get(IoCaches *c, uint64_t key)
{
    IoView *v = c->recent;

    if (G_LIKELY(v->key == key)) {
        return v;
    }
    v = io_cache_ways(c, key);
    for (unsigned i = 0; i < IO_VIEW_WAYS; i++) {
        if (v[i].key == key) {
            c->recent = &v[i];
            return &v[i];
        }
    }
    return NULL;
}

void im_ioasid_view_drop(IoView *v)
{
    if (v->bind) {
        im_link_out(&v->by_bind);
    }
    v->key = IO_NO_KEY;
    v->bind = NULL;
    v->map = NULL;
    v->ats = false;
}

IoView *im_ioasid_view_new(ImIoasid *h, uint64_t key, IoBind *b)
{
    IoCaches *c = h->caches;
    IoView *set = io_cache_ways(c, key);
    IoView *v = NULL;
    uint32_t tag;

    for (unsigned i = 0; !v && i < IO_VIEW_WAYS; i++) {
        v = set[i].key == IO_NO_KEY ? &set[i] : NULL;
    }
    if (!v) {
        v = &set[c->victim++ % IO_VIEW_WAYS];
        im_ioasid_view_drop(v);
    }
    im_ioasid_view_renew(h, v);
    tag = v->tag;
    *v = (IoView){ .key = key, .bind = b, .tag = tag };
    if (b) {
        im_link_in(&b->views, &v->by_bind);
    }
    c->recent = v;
    return v;
}

/* --- IOTLB ------------------------------------------------------------ */

bool im_ioasid_tlb_get(IoCaches *c, const IoView *v, bool priv,
                       uint64_t addr, IoHit *hit)
{
    ImTlbHit t;

    for (unsigned m = v->classes; m; m &= m - 1) {
        unsigned cls = (unsigned)__builtin_ctz(m);

        if (im_tlb_get(&c->tlb, v->tag + priv, cls, addr, &t)) {
            hit->addr = t.addr;
            hit->shift = page_shift[cls];
            hit->flags = t.flags;
            return true;
        }
    }
    return false;
}

void im_ioasid_tlb_put(IoCaches *c, IoView *v, bool priv, uint64_t addr,
                       uint64_t out, unsigned shift, unsigned whole,
                       uint16_t flags)
{
    unsigned cls = 8;
    uint64_t rest;

    while (cls > 0 && page_shift[cls - 1] > shift) {
        cls--;
    }
    if (cls == 0 || out >> 52) {
        return;                 /* larger than an entry can say, or smaller */
    }
    cls--;
    rest = (UINT64_C(1) << page_shift[cls]) - 1;
    im_tlb_put(&c->tlb, v->tag + priv, cls, addr & ~rest, out & ~rest,
               flags);
    v->classes |= (uint8_t)(1u << cls);
    if (whole > page_shift[cls]) {
        v->whole = (uint8_t)MAX(v->whole, whole);
    }
}

uint64_t im_ioasid_view_drop_range(ImIoasid *h, IoView *v, uint64_t first,
                                   uint64_t last)
{
    uint64_t address = IM_BITS(56, 0);

    if (!v->classes) {
        return 0;
    }
    if (v->whole) {
        /* A page cached in pieces goes with any address in it. */
        uint64_t rest = (UINT64_C(1) << v->whole) - 1;

        first &= ~rest;
        last |= rest;
    }
    if (last - first > address / 2 || (first & address) > (last & address)) {
        im_ioasid_view_renew(h, v);
        return 1;
    }
    return im_tlb_drop(&h->caches->tlb, v->tag, v->classes, first, last) +
           im_tlb_drop(&h->caches->tlb, v->tag + 1, v->classes, first, last);
}

/* --- bindings --------------------------------------------------------- */

static void io_cache_drop_views(IoBind *b)
{
    while (b->views) {
        im_ioasid_view_drop(IM_LINK_OF(b->views, IoView, by_bind));
    }
}

void im_ioasid_bind_changed(ImIoasid *h, IoBind *b, const IoSpace *old,
                            IoPasid *p)
{
    h->caches->epoch++;
    h->caches->reach++;
    io_cache_drop_views(b);
    b->ats_granted = false;
    if (old && b->ats_used) {
        im_ioasid_atc_inv_bind(h, b, p);
        im_ioasid_rearm(h);
    }
}

void im_ioasid_bind_freed(ImIoasid *h, IoBind *b)
{
    io_cache_drop_views(b);
    im_ioasid_atc_unqueue(h, b);
}

/* --- life ------------------------------------------------------------- */

IoCaches *im_ioasid_caches_new(ImIoasid *h)
{
    IoCaches *c = im_ioasid_alloc(h, sizeof(*c));
    uint32_t n = im_cache_size(h->cfg.iotlb_entries / 4, 64, 4096);

    if (!c) {
        return NULL;
    }
    *c = (IoCaches){ .views = n, .epoch = 1, .reach = 1 };
    c->view = im_ioasid_alloc(h, n * sizeof(*c->view));
    if (!c->view) {
        im_ioasid_release(h, c, sizeof(*c));
        return NULL;
    }
    im_tlb_init(&c->tlb, h->cfg.iotlb_entries, page_shift);
    c->recent = &c->view[0];
    for (uint32_t i = 0; i < n; i++) {
        c->view[i] = (IoView){ .key = IO_NO_KEY };
    }
    io_cache_start_over(c);
    return c;
}

void im_ioasid_caches_free(ImIoasid *h, IoCaches *c)
{
    if (c) {
        im_tlb_destroy(&c->tlb);
        im_ioasid_release(h, c->view, c->views * sizeof(*c->view));
        im_ioasid_release(h, c, sizeof(*c));
    }
}
