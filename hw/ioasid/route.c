/*
 * The host backend: the route of a request, docs/uapi.rst 7.
 *
 * Every step returns true when it has answered the request in r->
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/fmt/vtd.h"
#include "hw/ioasid/ledger.h"
#include "hw/ioasid/route.h"

/* --- answers ---------------------------------------------------------- */

/* A device TLB may hold a translation of this binding from now on. */
static void io_route_granted_ats(IoRoute *r)
{
    IoBind *b = r->view->bind;
    uint32_t pasid = r->pasid;

    if (r->ex) {
        return;
    }
    r->view->map->ats_used = true;
    b->ats_granted = true;
    if (!r->has_pasid || b->space->kind != IMU_SPACE_PASID_TABLE) {
        b->ats_used |= IO_ATS_OWN;
    } else if (b->ats_used & IO_ATS_GUEST) {
        b->ats_first = MIN(b->ats_first, pasid);
        b->ats_last = MAX(b->ats_last, pasid);
    } else {
        b->ats_used |= IO_ATS_GUEST;
        b->ats_first = b->ats_last = pasid;
    }
}

/*
 * A translation was found. flags: what it grants. A write by an ordinary
 * request is granted beyond this request only when it would set no more
 * flags.
 */
static bool io_route_found(IoRoute *r, uint64_t out, unsigned lg2,
                           uint16_t flags)
{
    const ImTxn *t = r->txn;
    uint8_t perm = flags & (IM_PERM_R | IM_PERM_W | IM_PERM_X);

    if (!(flags & IO_TLB_DIRTY)) {
        perm &= (uint8_t)~IM_PERM_W;
    }
    if (r->kind == IO_TRANSLATION) {
        if (t->no_write) {
            perm &= (uint8_t)~IM_PERM_W;
        }
        if (!t->exec || !(perm & IM_PERM_R)) {
            perm &= (uint8_t)~IM_PERM_X;
        }
        if (!perm) {
            *im_ioasid_miss_of(r) = (ImIoasidMiss) {
                .addr = t->addr,
                .code = IO_FLT_READ,
                .perm = IM_PERM_R,
            };
            return im_route_grant(&r->out, t->addr, 12, 0);
        }
        io_route_granted_ats(r);
    } else if (t->exec && (perm & IM_PERM_X)) {
        perm |= IM_PERM_R;          /* it reads what it may execute */
    }
    return im_route_grant(&r->out, out, lg2, perm);
}

/* --- before any binding ----------------------------------------------- */

static bool io_route_malformed(IoRoute *r)
{
    const ImTxn *t = r->txn;

    if (G_LIKELY(t->at == IM_AT_UNTRANSLATED)) {
        return false;
    }
    if (t->at == IM_AT_RESERVED) {
        return im_ioasid_refuse(r, IO_FLT_AT_RESERVED);
    }
    return im_route_malformed(t) && im_ioasid_refuse(r, IO_FLT_ATS_MALFORMED);
}

/* --- IOTLB ------------------------------------------------------------ */

/* As the IOTLB knows an address; false: as it never does. */
static inline bool io_route_tlb_address(const IoView *v, uint64_t addr,
                                        uint64_t *at)
{
    *at = addr;
    if (v->how == IO_HOW_SMMU && v->s1) {
        *at = (uint64_t)((int64_t)(addr << 8) >> 8);
        return *at == addr || v->cd.half[addr >> 55 & 1].tbi;
    }
    return v->how == IO_HOW_VTD ? im_route_canonical(addr, 57) :
                                  addr >> 57 == 0;
}

/* Does it grant what is asked, with no flag left to set? Software that gives
 * more rights need not invalidate: what is cached refuses nothing. */
static inline bool io_route_serves(const IoRoute *r, uint16_t flags)
{
    unsigned want = r->need | (r->write ? IM_PERM_W | IO_TLB_DIRTY : 0);

    return (flags & want) == want;
}

static inline bool io_route_look_up(IoRoute *r, IoView *v)
{
    uint64_t at;
    ImTlbHit hit;

    if (v->gen != v->map->gen) {
        im_ioasid_view_renew(r->h, v);
        return false;
    }
    if (!io_route_tlb_address(v, r->txn->addr, &at) ||
        !im_owner_get(&r->h->caches->pages, &v->pages, r->priv, at, &hit) ||
        !io_route_serves(r, hit.flags)) {
        return false;
    }
    r->h->counters.iotlb_hits++;
    r->view = v;
    return io_route_found(r, hit.addr | (at & ((UINT64_C(1) << hit.shift) - 1)),
                          hit.shift, hit.flags);
}

/* What the IOTLB holds needs no table, if it grants enough. */
static bool io_route_iotlb_hit(IoRoute *r)
{
    const ImTxn *t = r->txn;
    IoView *v;

    if (r->ex || r->kind > IO_TRANSLATION || t->exec || t->priv) {
        return false;
    }
    v = im_ioasid_view_get(r->h->caches, r->key);
    return v && v->map && !v->old && (r->kind == IO_ORDINARY || v->ats) &&
           io_route_look_up(r, v);
}

/* --- binding ---------------------------------------------------------- */

IoBind *im_ioasid_serving(ImIoasid *h, uint32_t func, bool has_pasid,
                          uint32_t hpasid)
{
    IoBind *b = im_ioasid_bind_of(h, func, has_pasid, hpasid);

    if (!b && has_pasid) {
        b = im_ioasid_bind_of(h, func, false, 0);
        if (b && b->space->kind != IMU_SPACE_PASID_TABLE) {
            b = NULL;
        }
    }
    return b;
}

static bool io_route_unbound(IoRoute *r)
{
    const ImTxn *t = r->txn;
    const IoHostDev *dev = im_ioasid_host_dev(r->h, r->func);

    if (!dev || !dev->bound) {
        return im_ioasid_refuse(r, IO_FLT_NO_DEVICE);
    }
    if ((t->exec && !(dev->cfg.caps & IMU_DEV_CAP_EXEC)) ||
        (t->priv && !(dev->cfg.caps & IMU_DEV_CAP_PRIV))) {
        return im_ioasid_refuse(r, IO_FLT_ATTRIBUTES);
    }
    return false;
}

/* --- translated requests ---------------------------------------------- */

/* Do the device, the binding and the guest's table let it use ATS? */
static bool io_route_binding_ats(const IoBind *b)
{
    const IoSpace *space = b->space;

    return (b->host->cfg.caps & IMU_DEV_CAP_ATS) &&
           !(b->flags & IMU_ATTACH_NO_ATS) &&
           (space->format != IMU_FORMAT_SMMU_STE ||
            ((const IoSmmuTable *)space->table)->ste.eats);
}

/* What a device may do with a physical address: what some binding of it
 * may that granted translations, even while its TLB is told to forget. */
static uint8_t io_route_reach(const IoBind *b, const IoMap **seen, uint64_t pa)
{
    const IoSpace *root = im_ioasid_root(b->space);

    if (!root || b->parked || !b->ats_granted || root->map == *seen) {
        return 0;
    }
    *seen = root->map;
    return im_iomap_reaches(root->map, pa);
}

static uint8_t io_route_reach_any(IoRoute *r, const IoDev *dev, uint64_t pa)
{
    const IoMap *seen = NULL;
    const IoBind *b;
    uint8_t perm;

    if (r->has_pasid) {
        b = im_ioasid_serving(r->h, r->func, true, r->pasid);
        return b ? io_route_reach(b, &seen, pa) : 0;
    }
    perm = dev->own ? io_route_reach(dev->own, &seen, pa) : 0;
    for (ImLink *n = dev->binds; n && (r->need & ~perm); n = n->next) {
        perm |= io_route_reach(IM_LINK_OF(n, IoBind, by_dev), &seen, pa);
    }
    return perm;
}

static IoView *io_route_reach_view(IoRoute *r)
{
    IoCaches *c = r->h->caches;
    uint64_t key = (uint64_t)r->func << 32 | IO_KEY_REACH;
    IoView *v = im_ioasid_view_get(c, key);

    if (!v) {
        v = im_ioasid_view_put(c, key, NULL);
        v->how = IO_HOW_REACH;
        v->map = NULL;
    }
    if (v->gen != c->reach) {
        im_ioasid_view_renew(r->h, v);
    }
    return v;
}

/*
 * The address must be one that the device can reach. Devices mostly say no
 * PASID here: any of its bindings will do.
 */
IM_RULE(IOASID_REQUESTS);
static bool io_route_translated(IoRoute *r)
{
    uint64_t pa = r->txn->addr;
    IoDev *dev;
    IoView *v;
    ImTlbHit hit;
    uint8_t perm;

    if (r->kind != IO_TRANSLATED) {
        return false;
    }
    dev = im_ioasid_host_dev(r->h, r->func)->bound;
    if (!(dev->host->cfg.caps & IMU_DEV_CAP_ATS) || !im_ioasid_ats_sound(dev)) {
        return im_ioasid_refuse(r, IO_FLT_ATS_OFF);
    }
    v = r->ex || r->has_pasid ? NULL : io_route_reach_view(r);
    if (v && im_owner_get(&r->h->caches->pages, &v->pages, false, pa, &hit) &&
        !(r->need & ~hit.flags)) {
        return im_route_grant(&r->out, pa, 12,
                              hit.flags & (IM_PERM_R | IM_PERM_W));
    }
    perm = io_route_reach_any(r, dev, pa) & (IM_PERM_R | IM_PERM_W);
    if (r->need & ~perm) {
        return im_ioasid_refuse(r, IO_FLT_UNMAPPED);
    }
    if (v && pa >> IM_TLB_OUT_BITS == 0) {
        im_owner_put(&r->h->caches->pages, &v->pages, false, pa, pa, 12, 12,
                     perm);
    }
    return im_route_grant(&r->out, pa, 12, perm);
}

/* --- what the binding says -------------------------------------------- */

static bool io_route_no_binding(IoRoute *r)
{
    r->bind = im_ioasid_serving(r->h, r->func, r->has_pasid, r->pasid);
    return !r->bind && im_ioasid_refuse(r, IO_FLT_NO_BINDING);
}

IM_RULE(IOASID_REQUESTS);
static bool io_route_blocked(IoRoute *r)
{
    if (r->bind->parked) {
        return im_ioasid_refuse(r, IO_FLT_PARKED);
    }
    return r->bind->space->kind == IMU_SPACE_BLOCK &&
           im_ioasid_refuse(r, IO_FLT_BLOCKED);
}

static bool io_route_ats_off(IoRoute *r)
{
    return r->kind == IO_TRANSLATION &&
           !(io_route_binding_ats(r->bind) &&
             im_ioasid_ats_sound(r->bind->dev)) &&
           im_ioasid_refuse(r, IO_FLT_ATS_OFF);
}

static void io_route_fill_view(IoRoute *r, IoView *v)
{
    const IoSpace *space = r->bind->space;

    v->bind = r->bind;
    v->old = v->s1 = false;
    v->map = im_ioasid_root(space)->map;
    v->gen = v->map->gen;
    v->how = space->format == IMU_FORMAT_VTD_FIRST ? IO_HOW_VTD :
             space->format == IMU_FORMAT_SMMU_STE  ? IO_HOW_SMMU :
                                                     IO_HOW_MAP;
    v->vtd = v->how == IO_HOW_VTD ? space->table : NULL;
    v->ats = io_route_binding_ats(r->bind) && im_ioasid_ats_sound(r->bind->dev);
}

/* The CD may have changed: what is cached for another ASID is not found. */
static bool io_route_refresh(IoRoute *r, IoView *v)
{
    uint16_t asid = v->cd.asid;
    bool s1 = v->s1;

    v->old = false;
    if (v->how == IO_HOW_SMMU && im_ioasid_cd_fault(r, v)) {
        im_ioasid_view_sort(r->h->caches, v);
        v->old = true;
        return true;
    }
    im_ioasid_view_sort(r->h->caches, v);
    if (v->how == IO_HOW_SMMU && (s1 != v->s1 || asid != v->cd.asid)) {
        im_ioasid_view_renew(r->h, v);
    }
    return false;
}

/* The PASID cache; what could not be read is not kept. */
static bool io_route_table_fault(IoRoute *r)
{
    IoCaches *c = r->h->caches;
    IoView *v = r->ex ? NULL : im_ioasid_view_get(c, r->key);

    if (v) {
        r->view = v;
        return v->old && io_route_refresh(r, v);
    }
    v = r->ex ? &r->ex->view : im_pool_room(&c->views);
    io_route_fill_view(r, v);
    if (v->how == IO_HOW_SMMU && im_ioasid_cd_fault(r, v)) {
        return true;
    }
    r->view = v;
    if (!r->ex) {
        r->view = im_ioasid_view_put(c, r->key, r->bind);
        im_ioasid_view_sort(c, r->view);
    }
    return false;
}

/* What the tables make of the request. */
static bool io_route_privilege(IoRoute *r)
{
    const IoView *v = r->view;

    r->priv = r->txn->priv && v->how != IO_HOW_MAP;
    return v->how == IO_HOW_VTD && r->priv && !v->vtd->sre &&
           im_ioasid_refuse(r, IO_FLT_PRIVILEGE);
}

static bool io_route_iotlb_hit_later(IoRoute *r)
{
    return !r->ex && io_route_look_up(r, r->view);
}

static bool io_route_input_range(IoRoute *r)
{
    const IoView *v = r->view;
    uint64_t addr = r->txn->addr;
    bool ok = true;

    if (v->how == IO_HOW_VTD) {
        ok = im_route_canonical(addr, v->vtd->first.top == 4 ? 57 : 48);
    } else if (v->how == IO_HOW_SMMU && v->s1) {
        ok = im_smmu_cd_half(&v->cd, addr, r->priv) >= 0;
    }
    return !ok && im_ioasid_refuse(r, IO_FLT_INPUT_RANGE);
}

/* --- the walk --------------------------------------------------------- */

static void io_route_keep(IoRoute *r, const ImWalkOut *w, uint64_t in)
{
    uint16_t flags =
        (uint16_t)((w->perm & (IM_PERM_R | IM_PERM_W | IM_PERM_X)) |
                   (w->dirty ? IO_TLB_DIRTY : 0));
    uint64_t at;

    if (!r->ex && flags != IO_TLB_DIRTY && w->addr >> IM_TLB_OUT_BITS == 0 &&
        io_route_tlb_address(r->view, r->txn->addr, &at)) {
        im_owner_put(&r->h->caches->pages, &r->view->pages, r->priv, in,
                     w->addr, w->shift, w->first_shift, flags);
        if (r->view->how == IO_HOW_SMMU && r->view->s1 &&
            !(w->first_attr & IM_VMSA_NG)) {
            im_ioasid_view_global(r->h->caches, r->view);
        }
    }
}

static ImWalkOut io_route_walk_guest(IoRoute *r, const ImPtStage *map,
                                     uint64_t at)
{
    const IoView *v = r->view;
    ImPtStage first;

    if (v->how == IO_HOW_VTD) {
        first = v->vtd->first;
        first.flags |= r->priv ? IM_VTD_FS_SUPER : 0;
    } else {
        first =
            v->cd
                .half[v->cd.world == IM_SMMU_NS_EL2 ? 0 :
                                                      r->txn->addr >> 55 & 1]
                .stage;
        first.flags |= r->priv ? IM_VMSA_PRIV : 0;
    }
    return im_ioasid_walk(r, &first, map, at, r->need, r->write);
}

static ImWalkOut io_route_walk(IoRoute *r, const ImPtStage *map, uint64_t at,
                               bool nested)
{
    return nested ? io_route_walk_guest(r, map, at) :
                    im_ioasid_walk(r, map, NULL, at, r->need, r->write);
}

/* A translation request may not write. Is it the map that denies it? */
static void io_route_note_less(IoRoute *r, const ImPtStage *map, uint64_t at,
                               bool nested)
{
    uint8_t need = r->need;
    ImWalkOut w;

    r->need = IM_PERM_W;
    r->write = false;
    w = io_route_walk(r, map, at, nested);
    if (w.stop == IM_WALK_PERM && w.stage == nested && !w.for_entry) {
        r->less = true;
        *im_ioasid_miss_of(r) = (ImIoasidMiss) {
            .addr = w.in,
            .stage = IM_IOASID_STAGE_MAP,
            .code = IO_FLT_WRITE,
            .perm = IM_PERM_W,
        };
    }
    r->need = need;
    r->write = true;
}

static bool io_route_walk_tables(IoRoute *r)
{
    IoView *v = r->view;
    ImPtStage map = im_ioasid_map_stage(v->map);
    bool nested = v->how == IO_HOW_VTD || (v->how == IO_HOW_SMMU && v->s1);
    uint64_t at;
    ImWalkOut w;

    (void)io_route_tlb_address(v, r->txn->addr, &at);
    r->h->counters.iotlb_misses += !r->ex;
    w = io_route_walk(r, &map, at, nested);
    if (w.stop != IM_WALK_OK) {
        return im_ioasid_refuse_walk(r, &w, nested);
    }
    if (!r->ex && r->kind == IO_TRANSLATION && r->write &&
        !(w.perm & IM_PERM_W)) {
        io_route_note_less(r, &map, at, nested);
    }
    io_route_keep(r, &w, at);
    return io_route_found(r, w.addr, w.shift,
                          (uint16_t)(w.perm | (w.dirty ? IO_TLB_DIRTY : 0)));
}

/* --- the route -------------------------------------------------------- */

static void io_route_begin(IoRoute *r)
{
    const ImTxn *t = r->txn;

    r->key = im_ioasid_key(r->func, r->has_pasid,
                           r->has_pasid ? r->pasid & IM_PASID_MAX : 0);
    r->write = t->access & IM_WRITE;
    if (t->at == IM_AT_TRANSLATION) {
        r->kind = IO_TRANSLATION;
        r->write = !t->no_write;
        return;
    }
    r->kind = t->at == IM_AT_TRANSLATED ? IO_TRANSLATED : IO_ORDINARY;
    r->need = t->exec && !r->write ? IM_PERM_X : t->access;
}

static bool io_route_too_wide(IoRoute *r)
{
    return r->has_pasid && r->pasid > IM_PASID_MAX &&
           im_ioasid_refuse(r, IO_FLT_NO_BINDING);
}

static void io_route_take_route(IoRoute *r)
{
    io_route_begin(r);
    (void)(io_route_malformed(r) ||        /* AT, translation requests */
           io_route_too_wide(r) ||         /* PASID */
           io_route_iotlb_hit(r) ||        /* 5: nothing else is needed */
           io_route_unbound(r) ||          /* 1 */
           io_route_translated(r) ||       /* 4 */
           io_route_no_binding(r) ||       /* 2 */
           io_route_blocked(r) ||          /* 3 */
           io_route_ats_off(r) ||          /* 4 */
           io_route_table_fault(r) ||      /* 2, DELEGATED; PASID cache */
           io_route_privilege(r) ||        /* 5 */
           io_route_iotlb_hit_later(r) ||  /* 5 */
           io_route_input_range(r) ||      /* 5 */
           io_route_walk_tables(r));       /* 5, 6 */
}

bool im_ioasid_translate_as(ImIoasid *h, uint32_t func, bool has_pasid,
                            uint32_t pasid, const ImTxn *txn, ImXlat *out)
{
    IoRoute r = im_ioasid_route_as(h, func, has_pasid, pasid, txn);

    h->counters.translations++;
    io_route_take_route(&r);
    *out = (ImXlat) {
        IM_ROUTE_ANSWER(&r.out, txn, r.kind == IO_TRANSLATION),
        .handle = r.handle,
    };
    return r.out.status == IM_OK && r.out.perm && !r.less;
}

ImXlat im_ioasid_translate(ImIoasid *h, const ImTxn *txn)
{
    ImXlat x;

    im_ioasid_translate_as(h, im_func(txn->segment, txn->rid), txn->has_pasid,
                           txn->pasid, txn, &x);
    return x;
}

static IoRoute io_route_explained(ImIoasid *h, const ImTxn *txn, IoExplain *ex)
{
    IoRoute r = im_ioasid_route_as(h, im_func(txn->segment, txn->rid),
                                   txn->has_pasid, txn->pasid, txn);

    r.ex = ex;
    return r;
}

IM_RULE(IOASID_CODES);
ImIoasidMiss im_ioasid_lacks(ImIoasid *h, const ImPageReq *req)
{
    const ImTxn txn = {
        .addr = req->addr & ~UINT64_C(0xfff),
        .len = 1,
        .pasid = req->pasid,
        .rid = req->rid,
        .segment = req->segment,
        .access = req->write ? req->read ? IM_ATOMIC : IM_WRITE : IM_READ,
        .has_pasid = req->has_pasid,
        .priv = req->has_pasid && req->priv,
        .exec = req->has_pasid && req->exec,
    };
    IoExplain ex = { .fn = im_route_unheard };
    IoRoute r = io_route_explained(h, &txn, &ex);

    io_route_take_route(&r);
    return ex.miss;
}

/* --- explain ---------------------------------------------------------- */

ImXlat im_ioasid_explain(ImIoasid *h, const ImTxn *txn, ImStepFn *fn,
                         void *opaque)
{
    IoExplain ex = { .fn = fn ? fn : im_route_unheard, .opaque = opaque };
    IoRoute r = io_route_explained(h, txn, &ex);
    const char *note;

    io_route_take_route(&r);
    note = im_route_granted(r.out.perm);
    if (r.out.fault) {
        im_ioasid_fault_name(r.out.fault, &note);
    }
    im_route_result(ex.fn, opaque, r.out.addr,
                    r.out.clause ? r.out.clause : IM_CLAUSE(IOASID_REQUESTS),
                    note);
    return (ImXlat) {
        IM_ROUTE_ANSWER(&r.out, txn, r.kind == IO_TRANSLATION),
    };
}
