/*
 * A virtual IOMMU on the host's backend: a request of a function.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/viommu/viommu.h"

#include <errno.h>

static const ImXlat refused = { .status = IM_FAULT, .cpl = IM_CPL_UR };

/* --- whose fault -------------------------------------------------------- */

static bool vi_fn_grants(const ImXlat *x)
{
    return x->status == IM_OK && x->perm;
}

/* A translation request that grants nothing while the host's memory is being
 * filled: a page request is what comes next. */
static bool vi_fn_may_ask(const ImViommu *v, const ImXlat *x, int err)
{
    ImIoasidMiss miss;

    return !err && x->status == IM_OK && !v->port.missed(v->host, &miss);
}

/*
 * The backend did not grant it. What the model does not grant either is the
 * guest's affair, which it has recorded; else the host's.
 */
IM_RULE(VIOMMU_FAULTS);
static ImXlat vi_fn_judge(ImViommuFn *fn, const ImTxn *txn, const ImXlat *x,
                          int err)
{
    ImViommu *v = fn->v;
    ImXlat y = v->ops->translate(v->guest, txn);

    if (y.status == IM_PENDING) {
        im_viommu_park(fn, y.handle, txn);
        return y;
    }
    if (!vi_fn_grants(&y)) {
        v->counters.guest_faults += y.status == IM_FAULT;
        return y;
    }
    if (!vi_fn_may_ask(v, x, err)) {
        im_viommu_blame_host(v, txn, err);
    }
    return *x;
}

/* --- asking the backend ------------------------------------------------- */

static bool vi_fn_ask(ImViommuFn *fn, const ImTxn *txn, const ViMemo *m,
                      ImXlat *out)
{
    return fn->v->port.translate(fn->v->host, fn->host_func, m->has_pasid,
                                 m->hpasid, txn, out);
}

/* x: what it was answered, which may be less than it asked for. */
static bool vi_fn_fill(ImViommuFn *fn, const ViBind *b, const ImTxn *txn,
                       const ImXlat *x)
{
    ImIoasidMiss miss;

    if (!b->shadow || !fn->v->port.missed(fn->v->host, &miss) ||
        miss.stage != IM_IOASID_STAGE_MAP) {
        return false;
    }
    if (txn->at == IM_AT_TRANSLATION && !miss.for_entry) {
        miss.perm = 0;
        return (!txn->no_write &&
                im_viommu_shadow_fill(fn->v, b->shadow, miss.addr,
                                      IM_PERM_W)) ||
               (!vi_fn_grants(x) &&
                im_viommu_shadow_fill(fn->v, b->shadow, miss.addr, IM_PERM_R));
    }
    return im_viommu_shadow_fill(fn->v, b->shadow, miss.addr, miss.perm);
}

static ImXlat vi_fn_ask_and_fill(ImViommuFn *fn, const ViBind *b,
                                 const ImTxn *txn, const ViMemo *m)
{
    ImXlat x;

    for (unsigned i = 0; i < VI_FILLS_MAX; i++) {
        if (vi_fn_ask(fn, txn, m, &x) || x.status == IM_PENDING ||
            !vi_fn_fill(fn, b, txn, &x)) {
            break;
        }
    }
    return x;
}

/* How requests with this PASID, or without, go on the host's bus. */
static ViMemo vi_fn_route(const ViBind *b, const ImTxn *txn)
{
    bool with = txn->has_pasid && b->say.how != IM_BINDING_OFF;

    return (ViMemo) {
        .key = im_viommu_key(txn->has_pasid, txn->pasid) + 1,
        .has_pasid = with,
        .hpasid = !with        ? 0 :
                  b->say.table ? txn->pasid :
                                 b->hpasid,
    };
}

/* 3.15 of VT-d: without PASID it is no memory, whatever the tables say. */
static bool vi_fn_is_interrupt(const ImViommu *v, const ImTxn *txn)
{
    return !txn->has_pasid && v->cfg.msi_last &&
           txn->addr >= v->cfg.msi_first && txn->addr <= v->cfg.msi_last;
}

/* It names no address space: what any binding with ATS reaches. */
static ImXlat vi_fn_translated(ImViommuFn *fn, const ImTxn *txn)
{
    ImXlat x;

    return vi_fn_ask(fn, txn, &(ViMemo) { 0 }, &x) ?
               x :
               vi_fn_judge(fn, txn, &x, 0);
}

/* The tables let no such request through, whatever translates it. */
static bool vi_fn_attributes(const ViBind *b, const ImTxn *txn)
{
    return txn->has_pasid &&
           ((txn->priv && !b->say.priv) || (txn->exec && !b->say.exec));
}

static G_GNUC_NO_INLINE ImXlat vi_fn_slow(ImViommuFn *fn, const ImTxn *txn)
{
    ViBind *b;
    ViMemo m;
    ImXlat x;
    int err;

    im_viommu_place(fn, im_func(txn->segment, txn->rid));
    if (vi_fn_is_interrupt(fn->v, txn)) {
        return fn->v->ops->translate(fn->v->guest, txn);
    }
    if (txn->at == IM_AT_TRANSLATED && !txn->has_pasid) {
        return vi_fn_translated(fn, txn);
    }
    for (unsigned tries = 0;; tries++) {
        if (im_viommu_bind(fn, txn->has_pasid, txn->pasid, &b, &err) != VI_OK) {
            return vi_fn_judge(fn, txn, &refused, err);
        }
        m = vi_fn_route(b, txn);
        fn->memo[(uint32_t)(m.key - 1) % VI_MEMOS] = m;
        if (vi_fn_attributes(b, txn)) {
            return vi_fn_judge(fn, txn, &refused, 0);
        }
        x = vi_fn_ask_and_fill(fn, b, txn, &m);
        if (vi_fn_grants(&x) || x.status == IM_PENDING) {
            return x;
        }
        if (tries || !im_viommu_stale(b)) {
            return vi_fn_judge(fn, txn, &x, 0);
        }
        im_viommu_unbind(b);
    }
}

ImXlat im_viommu_ask_again(ImViommuFn *fn, const ImTxn *txn)
{
    ViBind *b;
    ViMemo m;
    int err;

    if (im_viommu_bind(fn, txn->has_pasid, txn->pasid, &b, &err) != VI_OK) {
        return refused;
    }
    m = vi_fn_route(b, txn);
    return vi_fn_ask_and_fill(fn, b, txn, &m);
}

/* --- requests ----------------------------------------------------------- */

void im_viommu_place(ImViommuFn *fn, uint32_t func)
{
    if (!fn->placed || fn->func != func) {
        im_viommu_unbind_all(fn);
        memset(fn->memo, 0, sizeof(fn->memo));
        fn->func = func;
        fn->placed = true;
    }
}

void im_viommu_translate(ImViommuFn *fn, const ImTxn *txn, ImXlat *out)
{
    const ViMemo *m = &fn->memo[txn->pasid % VI_MEMOS];

    fn->v->counters.requests++;
    if (G_UNLIKELY(m->key != im_viommu_key(txn->has_pasid, txn->pasid) + 1 ||
                   fn->func != im_func(txn->segment, txn->rid) || txn->priv ||
                   txn->exec || vi_fn_is_interrupt(fn->v, txn) ||
                   !vi_fn_ask(fn, txn, m, out))) {
        *out = vi_fn_slow(fn, txn);
    }
}

ImXlat im_viommu_explain(ImViommuFn *fn, const ImTxn *txn, ImStepFn *step,
                         void *opaque)
{
    ImViommu *v = fn->v;
    ImXlat x = v->ops->explain(v->guest, txn, step, opaque);
    uint64_t key = im_viommu_key(txn->has_pasid, txn->pasid), own = 0;
    ViBind *b = g_hash_table_lookup(fn->by_key, &key);
    ImTxn t = *txn;
    ViMemo m;

    b = b ? b : g_hash_table_lookup(fn->by_key, &own);
    if (!b || !vi_fn_grants(&x) || x.interrupt) {
        return x;
    }
    m = vi_fn_route(b, txn);
    t.segment = im_func_segment(fn->host_func);
    t.rid = im_func_rid(fn->host_func);
    t.has_pasid = m.has_pasid;
    t.pasid = m.hpasid;
    return v->port.explain(v->host, &t, step, opaque);
}
