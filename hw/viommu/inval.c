/*
 * A virtual IOMMU on the host's backend: what the guest invalidates, its
 * device-TLBs, and the fences behind both.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/viommu/viommu.h"

#include <errno.h>

/* --- which of them an invalidation means -------------------------------- */

static bool vi_inval_means_fn(const ImInval *i, const ImViommuFn *fn)
{
    return !i->by_func ||
           (fn->placed && !((fn->func ^ i->func) & ~i->func_mask));
}

static bool vi_inval_means(const ImInval *i, const ViBind *b)
{
    return (!i->by_domain || b->say.domain == i->domain) &&
           (!i->by_pasid || b->say.table || b->say.pasid == i->pasid);
}

/* --- tables of functions and PASIDs ------------------------------------- */

/* A guest's own table of PASIDs is read anew: no binding changes. */
static void vi_inval_table(const ImInval *i, ViBind *b)
{
    ImViommu *v = b->fn->v;
    struct {
        ImuInvalidate c;
        ImuInvEntry e[2];
    } a = {
        .c = {
            .set = v->cfg.set,
            .object = b->fn->dev,
            .target = IMU_INV_DEV,
            .gran = i->by_pasid ? IMU_GRAN_PASID : IMU_GRAN_ALL,
            .caches = IMU_CACHE_PASID,
        },
    };

    if (i->by_pasid) {
        a.c.entries = v->port.user + offsetof(__typeof__(a), e);
        a.c.entry_size = sizeof(a.e[0]);
        a.c.count = i->pasid ? 1 : 2; /* 0 may be that of requests without */
        a.e[0].gpasid = i->pasid;
        a.e[1].flags = IMU_INV_NO_PASID;
    }
    if (im_viommu_obey(v, IMU_CMD_INVALIDATE, &a, sizeof(a.c), sizeof(a))) {
        im_viommu_unbind(b);
    }
}

static void vi_inval_tables_of(const ImInval *i, ImViommuFn *fn)
{
    ImLink *n = fn->binds;

    while (n) {
        ViBind *b = IM_LINK_OF(n, ViBind, by_fn);

        n = n->next;
        if (!vi_inval_means(i, b)) {
            continue;
        }
        if (b->say.table && !(i->what & IM_INVAL_CONFIG)) {
            vi_inval_table(i, b);
        } else {
            im_viommu_unbind(b);
        }
    }
    if (fn->lost && !fn->binds) {
        im_viommu_rebind(fn);
    }
}

static void vi_inval_tables(ImViommu *v, const ImInval *i)
{
    for (ImLink *n = v->fns; n; n = n->next) {
        ImViommuFn *fn = IM_LINK_OF(n, ImViommuFn, in_all);

        if (vi_inval_means_fn(i, fn)) {
            vi_inval_tables_of(i, fn);
        }
    }
    if (!v->cfg.caching) {
        return;
    }
    if (v->todo->len == VI_TODO_MAX) {
        g_array_set_size(v->todo, 0);
        g_array_append_vals(v->todo, &(ImInval) { .what = IM_INVAL_CONFIG }, 1);
    } else {
        g_array_append_vals(v->todo, i, 1);
    }
}

/* --- translations ------------------------------------------------------- */

static void vi_inval_shadows(ImViommu *v, const ImInval *i)
{
    for (ImLink *n = v->shadows; n; n = n->next) {
        ViShadow *s = IM_LINK_OF(n, ViShadow, in_all);

        if (!i->by_domain || s->say.domain == i->domain) {
            im_viommu_shadow_drop(v, s, i->by_range ? i->first : 0,
                                  i->by_range ? i->last : UINT64_MAX);
        }
    }
}

/* Whether requests without PASID are of that PASID of the tables. */
static bool vi_inval_means_own(const ImViommu *v, const ImInval *i)
{
    uint64_t own = 0;

    for (ImLink *n = v->fns; n; n = n->next) {
        const ImViommuFn *fn = IM_LINK_OF(n, ImViommuFn, in_all);
        const ViBind *b = g_hash_table_lookup(fn->by_key, &own);

        if (b && vi_inval_means(i, b)) {
            return true;
        }
    }
    return false;
}

/* The backend had no memory to invalidate: nothing old may stay in use. */
static void vi_inval_unbind(ImViommu *v, const ImInval *i)
{
    for (ImLink *n = v->fns; n; n = n->next) {
        ImLink *m = IM_LINK_OF(n, ImViommuFn, in_all)->binds;

        while (m) {
            ViBind *b = IM_LINK_OF(m, ViBind, by_fn);

            m = m->next;
            if (!i->by_domain || b->say.domain == i->domain) {
                im_viommu_unbind(b);
            }
        }
    }
}

/*
 * One command, as wide as it was told: a domain is the tag of its spaces. A
 * range of every ASID or PASID of a domain is all of the domain's.
 */
IM_RULE(VIOMMU_INVALIDATION);
static void vi_inval_translations(ImViommu *v, const ImInval *i)
{
    bool named = i->by_pasid || i->by_asid;
    struct {
        ImuInvalidate c;
        ImuInvEntry e[2];
    } a = {
        .c = {
            .head.flags = i->by_domain ? IMU_INV_TAGGED : 0,
            .set = v->cfg.set,
            .target = IMU_INV_SET,
            .gran = !named      ? IMU_GRAN_ALL :
                    i->by_range ? IMU_GRAN_RANGE :
                                  IMU_GRAN_PASID,
            .caches = IMU_CACHE_IOTLB,
            .tag = i->by_domain ? i->domain : 0,
        },
    };

    for (unsigned k = 0; named && i->by_range && k < 2; k++) {
        a.e[k].addr = i->first;
        a.e[k].length = MIN(i->last - i->first, UINT64_MAX - 1) + 1;
    }
    if (named) {
        a.c.entries = v->port.user + offsetof(__typeof__(a), e);
        a.c.entry_size = sizeof(a.e[0]);
        a.c.count = i->by_pasid && vi_inval_means_own(v, i) ? 2 : 1;
        a.e[0].flags = i->by_asid ? IMU_INV_ASID : 0;
        a.e[0].gpasid = i->by_asid ? i->asid : i->pasid;
        a.e[1].flags = IMU_INV_NO_PASID;
    }
    if (im_viommu_obey(v, IMU_CMD_INVALIDATE, &a, sizeof(a.c), sizeof(a))) {
        vi_inval_unbind(v, i);
    }
}

void im_viommu_invalidated(ImViommu *v, const ImInval *i)
{
    if (v->dead) {
        return;
    }
    v->counters.invalidations++;
    if (i->what & IM_INVAL_STAGE2) {
        vi_inval_shadows(v, i);
    }
    if (i->what & IM_INVAL_STAGE1) {
        vi_inval_translations(v, i);
    }
    if (i->what & (IM_INVAL_CONFIG | IM_INVAL_PASID)) {
        vi_inval_tables(v, i);
    }
}

/* --- device-TLBs -------------------------------------------------------- */

/* 0 or -errno; *ticket: 0, it is done. */
static int vi_inval_new_fence(ImViommu *v, uint64_t *ticket)
{
    ImuFence f = { .set = v->cfg.set };
    int err = VI_COMMAND(v, FENCE, &f);

    *ticket = 0;
    v->counters.fences++;
    if (err) {
        return err;
    }
    v->unfenced = false;
    v->ticket = MAX(v->ticket, f.ticket);
    if (f.done) {
        v->fenced = MAX(v->fenced, f.ticket);
    } else {
        *ticket = f.ticket;
    }
    return 0;
}

static int vi_inval_device(ImViommuFn *fn, const ImAtsInv *inv)
{
    ImViommu *v = fn->v;
    bool every = inv->has_pasid && inv->global;
    bool range = inv->lg2size < 64;
    struct {
        ImuInvalidate c;
        ImuInvEntry e;
    } a = {
        .c = {
            .set = v->cfg.set,
            .object = fn->dev,
            .target = IMU_INV_DEV,
            .gran = every   ? IMU_GRAN_ALL :
                    range   ? IMU_GRAN_RANGE :
                              IMU_GRAN_PASID,
            .caches = IMU_CACHE_DEVTLB,
        },
        .e = {
            .flags = inv->has_pasid ? 0 : IMU_INV_NO_PASID,
            .gpasid = inv->has_pasid ? inv->pasid : 0,
        },
    };

    if (!every) {
        a.c.entries = v->port.user + offsetof(__typeof__(a), e);
        a.c.entry_size = sizeof(a.e);
        a.c.count = 1;
    }
    if (!every && range) {
        a.e.addr = inv->addr;
        a.e.length = UINT64_C(1) << inv->lg2size;
    }
    return im_viommu_obey(v, IMU_CMD_INVALIDATE, &a, sizeof(a.c), sizeof(a));
}

/* A device that owes an answer since an earlier time-out gives none. */
IM_RULE(VIOMMU_DEVICE_TLBS);
bool im_viommu_ats_invalidate(ImViommu *v, const ImAtsInv *inv)
{
    ImViommuFn *fn = im_viommu_by_func(v, im_func(inv->segment, inv->rid));
    ViInv one = { .fn = fn, .itag = inv->itag };

    if (!fn) {
        return false;
    }
    v->counters.ats_invalidations++;
    if (v->dead || fn->lost || vi_inval_device(fn, inv) ||
        vi_inval_new_fence(v, &one.ticket)) {
        v->counters.ats_timeouts++;
        return true;
    }
    g_array_append_val(v->invs, one);
    return true;
}

void im_viommu_inv_timeout(ImViommuFn *fn)
{
    fn->lost = true;
    fn->v->counters.ats_timeouts++;
    im_viommu_forget_invs(fn->v, fn);
}

void im_viommu_forget_invs(ImViommu *v, const ImViommuFn *fn)
{
    for (unsigned i = v->invs->len; i-- > 0;) {
        if (g_array_index(v->invs, ViInv, i).fn == fn) {
            g_array_remove_index(v->invs, i);
        }
    }
}

/* --- fences ------------------------------------------------------------- */

IM_RULE(VIOMMU_FENCES);
uint64_t im_viommu_fence(ImViommu *v)
{
    uint64_t ticket;

    if (v->dead) {
        return 0;
    }
    if (v->unfenced && vi_inval_new_fence(v, &ticket)) {
        return v->ticket > v->fenced ? v->ticket : 0;   /* what is known */
    }
    if (v->ticket <= v->fenced) {
        return 0;
    }
    v->counters.fences_held++;
    return v->ticket;
}

void im_viommu_fence_done(ImViommu *v, uint64_t ticket)
{
    v->fenced = MAX(v->fenced, ticket);
    for (unsigned i = 0; i < v->invs->len; i++) {
        ViInv *inv = &g_array_index(v->invs, ViInv, i);

        inv->ticket = inv->ticket <= v->fenced ? 0 : inv->ticket;
    }
    v->ops->fenced(v->guest, v->fenced);
}

static void vi_inval_complete_invs(ImViommu *v)
{
    for (unsigned i = 0; i < v->invs->len;) {
        ViInv inv = g_array_index(v->invs, ViInv, i);

        if (inv.ticket) {
            i++;
            continue;
        }
        g_array_remove_index(v->invs, i);
        v->counters.ats_completions++;
        v->ops->ats_inv_done(v->guest, inv.fn->func, 1u << inv.itag, 1);
    }
}

/* --- between calls ------------------------------------------------------ */

/* What became present: the guest said so (caching mode). */
static void vi_inval_bind_told(const ImInval *i, ImViommuFn *fn)
{
    ViBind *b;
    int err;

    if (!fn->placed || !vi_inval_means_fn(i, fn)) {
        return;
    }
    im_viommu_bind(fn, false, 0, &b, &err);
    if (i->by_pasid && i->pasid) {
        im_viommu_bind(fn, true, i->pasid, &b, &err);
    }
}

IM_RULE(VIOMMU_CACHING);
void im_viommu_settle(ImViommu *v)
{
    while (v->todo->len) {
        ImInval i = g_array_index(v->todo, ImInval, 0);

        g_array_remove_index(v->todo, 0);
        for (ImLink *n = v->fns; n; n = n->next) {
            vi_inval_bind_told(&i, IM_LINK_OF(n, ImViommuFn, in_all));
        }
    }
    vi_inval_complete_invs(v);
    im_viommu_end_stalls(v);
}
