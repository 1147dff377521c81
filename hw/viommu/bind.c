/*
 * A virtual IOMMU on the host's backend: what the guest's tables say becomes
 * spaces and bindings of its set.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/viommu/viommu.h"

#include <errno.h>

/* --- PASIDs ------------------------------------------------------------- */

static int vi_bind_pasid_query(ImViommu *v, uint32_t gpasid, ImuPasidQuery *q)
{
    *q = (ImuPasidQuery) {
        .head.flags = IMU_PASID_QUERY_BY_GPASID,
        .set = v->cfg.set,
        .gpasid = gpasid,
    };
    return VI_COMMAND(v, PASID_QUERY, q);
}

static int vi_bind_pasid_find(ImViommu *v, uint32_t gpasid, ImuRef *pasid)
{
    ImuPasidQuery q;
    int err = vi_bind_pasid_query(v, gpasid, &q);

    *pasid = q.pasid;
    return err;
}

/* Another unit of the set may have bound it. */
static bool vi_bind_pasid_is_idle(ImViommu *v, uint32_t gpasid, ImuRef *pasid)
{
    ImuPasidQuery q;
    bool idle = !vi_bind_pasid_query(v, gpasid, &q) &&
                q.state == IMU_PASID_IDLE;

    *pasid = q.pasid;
    return idle;
}

/* One that the guest chose once, and has no binding now. */
static bool vi_bind_pasid_free_idle(ImViommu *v)
{
    GHashTableIter iter;
    gpointer gpasid, users;

    g_hash_table_iter_init(&iter, v->pasids);
    while (g_hash_table_iter_next(&iter, &gpasid, &users)) {
        ImuPasidFree f = { .set = v->cfg.set };

        if (GPOINTER_TO_UINT(users) == 1 &&
            vi_bind_pasid_is_idle(v, GPOINTER_TO_UINT(gpasid), &f.pasid) &&
            !VI_COMMAND(v, PASID_FREE, &f)) {
            g_hash_table_iter_remove(&iter);
            return true;
        }
    }
    return false;
}

static int vi_bind_pasid_alloc(ImViommu *v, uint32_t gpasid, ImuRef *pasid)
{
    ImuPasidAlloc a = {
        .head.flags = IMU_PASID_ALLOC_FIXED,
        .set = v->cfg.set,
        .gpasid = gpasid,
    };
    int err = VI_COMMAND(v, PASID_ALLOC, &a);

    if ((err == -EDQUOT || err == -ENOSPC) && vi_bind_pasid_free_idle(v)) {
        err = VI_COMMAND(v, PASID_ALLOC, &a);
    }
    *pasid = a.pasid;
    if (!err) {
        g_hash_table_insert(v->pasids, GUINT_TO_POINTER(gpasid),
                            GUINT_TO_POINTER(1));
    }
    return err;
}

/* One more binding of it, or one less. */
static void vi_bind_pasid_use(ImViommu *v, uint32_t gpasid, bool more)
{
    gpointer key = GUINT_TO_POINTER(gpasid);
    unsigned users = GPOINTER_TO_UINT(g_hash_table_lookup(v->pasids, key));

    if (users) {
        users = more ? users + 1 : users - 1;
        g_hash_table_insert(v->pasids, key, GUINT_TO_POINTER(users));
    }
}

IM_RULE(VIOMMU_PASIDS);
static int vi_bind_pasid_get(ImViommu *v, uint32_t gpasid, ImuRef *pasid)
{
    int err = vi_bind_pasid_find(v, gpasid, pasid);

    if (err == -ENOENT && !v->cfg.pasids_allocated) {
        err = vi_bind_pasid_alloc(v, gpasid, pasid);
    }
    return err;
}

/* --- spaces ------------------------------------------------------------- */

static bool vi_bind_has_second(const ImBinding *say)
{
    return say->how == IM_BINDING_SECOND || say->how == IM_BINDING_NESTED;
}

static bool vi_bind_has_first(const ImBinding *say)
{
    return say->how == IM_BINDING_FIRST || say->how == IM_BINDING_NESTED;
}

/* Bound as a whole, requests with a PASID are served as well. */
static bool vi_bind_serves_all(const ImBinding *say)
{
    return say->table || say->how == IM_BINDING_OFF;
}

static int vi_bind_space_create(ViBind *b)
{
    ImViommu *v = b->fn->v;
    struct {
        ImuSpaceCreate c;
        union {
            ImuVtdFirst vtd;
            ImuSmmuSte smmu;
        };
    } a = {
        .c = {
            .set = v->cfg.set,
            .kind = b->say.table ? IMU_SPACE_PASID_TABLE : IMU_SPACE_NESTED,
            .parent = b->shadow ? b->shadow->space : v->cfg.ram,
            .faultq = v->faultq,
            .tag = b->say.domain,
        },
    };
    int err;

    if (vi_bind_has_first(&b->say)) {
        a.c.format = v->cfg.format;
        a.c.data = v->port.user + offsetof(__typeof__(a), vtd);
        if (v->cfg.format == IMU_FORMAT_VTD_FIRST) {
            a.vtd.root = b->say.first[0];
            a.vtd.flags = (uint32_t)b->say.first[1];
            a.c.data_size = sizeof(a.vtd);
        } else {
            memcpy(&a.smmu, b->say.first, sizeof(a.smmu));
            a.c.data_size = sizeof(a.smmu);
        }
    }
    err = im_viommu_obey(v, IMU_CMD_SPACE_CREATE, &a, sizeof(a.c), sizeof(a));
    b->space = err ? (ImuRef) { 0 } : a.c.space;
    return err;
}

static void vi_bind_space_destroy(ViBind *b)
{
    ImuSpaceDestroy d = { .set = b->fn->v->cfg.set, .space = b->space };

    if (!im_ref_is_null(b->space)) {
        VI_COMMAND(b->fn->v, SPACE_DESTROY, &d);
    }
}

/* --- binding ------------------------------------------------------------ */

static bool vi_bind_has_pasid(const ViBind *b)
{
    return b->key >> 32;
}

static int vi_bind_attach(ViBind *b)
{
    ImViommu *v = b->fn->v;
    bool pasid = vi_bind_has_pasid(b);
    ImuAttach a = {
        .head.flags = (pasid ? IMU_ATTACH_PASID : 0) |
                      (b->say.ats && !b->fn->lost ? 0 : IMU_ATTACH_NO_ATS),
        .set = v->cfg.set,
        .dev = b->fn->dev,
        .pasid = b->pasid,
        .space = b->space,
    };

    return VI_COMMAND(v, ATTACH, &a);
}

/* Everything that a binding refers to; what is there is left to the caller to
 * give back. */
static int vi_bind_make(ViBind *b)
{
    ImViommu *v = b->fn->v;
    uint32_t gpasid = (uint32_t)b->key;
    int err = 0;

    if (im_ref_is_null(b->fn->dev)) {
        return -ENODEV;
    }
    if (vi_bind_has_pasid(b)) {
        err = vi_bind_pasid_get(v, gpasid, &b->pasid);
    }
    if (!err && vi_bind_has_second(&b->say)) {
        err = im_viommu_shadow_get(v, &b->say, &b->shadow);
    }
    if (!err) {
        err = vi_bind_space_create(b);
    }
    if (!err) {
        err = vi_bind_attach(b);
    }
    if (!err && vi_bind_has_pasid(b) &&
        !v->port.host_pasid(v->host, b->fn->host_func, gpasid, &b->hpasid)) {
        b->hpasid = gpasid;
    }
    return err;
}

static void vi_bind_drop(ViBind *b)
{
    vi_bind_space_destroy(b);
    if (b->shadow) {
        im_viommu_shadow_put(b->fn->v, b->shadow);
    }
    g_free(b);
}

void im_viommu_unbind(ViBind *b)
{
    ImViommuFn *fn = b->fn;
    ImViommu *v = fn->v;
    ViMemo *m = &fn->memo[(uint32_t)b->key % VI_MEMOS];
    ImuDetach d = {
        .head.flags = vi_bind_has_pasid(b) ? IMU_ATTACH_PASID : 0,
        .set = v->cfg.set,
        .dev = fn->dev,
        .pasid = b->pasid,
    };

    if (vi_bind_serves_all(&b->say)) {
        memset(fn->memo, 0, sizeof(fn->memo));
    } else if (m->key == b->key + 1) {
        m->key = 0;
    }
    g_hash_table_remove(fn->by_key, &b->key);
    im_link_out(&b->by_fn);
    v->counters.unbinds++;
    v->unfenced = true;
    if (!v->dead) {
        VI_COMMAND(v, DETACH, &d);
        if (vi_bind_has_pasid(b)) {
            vi_bind_pasid_use(v, (uint32_t)b->key, false);
        }
    }
    vi_bind_drop(b);
}

void im_viommu_unbind_all(ImViommuFn *fn)
{
    while (fn->binds) {
        im_viommu_unbind(IM_LINK_OF(fn->binds, ViBind, by_fn));
    }
}

/* A guest that has more gets them bound again when it needs them. */
static void vi_bind_make_room(ImViommuFn *fn)
{
    ImLink *last = fn->binds;

    if (g_hash_table_size(fn->by_key) < VI_BINDS_MAX) {
        return;
    }
    while (last->next) {
        last = last->next;
    }
    im_viommu_unbind(IM_LINK_OF(last, ViBind, by_fn));
}

static ViWhose vi_bind_new(ImViommuFn *fn, uint64_t key, const ImBinding *say,
                           ViBind **out, int *err)
{
    ImViommu *v = fn->v;
    ViBind *b = g_new0(ViBind, 1);

    vi_bind_make_room(fn);
    b->fn = fn;
    b->key = key;
    b->say = *say;
    *err = vi_bind_make(b);
    if (*err) {
        v->counters.binds_refused++;
        vi_bind_drop(b);
        return VI_HOST;
    }
    g_hash_table_insert(fn->by_key, &b->key, b);
    im_link_in(&fn->binds, &b->by_fn);
    if (vi_bind_has_pasid(b)) {
        vi_bind_pasid_use(v, (uint32_t)key, true);
    }
    v->counters.binds++;
    *out = b;
    return VI_OK;
}

/* Whether the guest's own table of PASIDs serves the function as a whole. */
static bool vi_bind_wants_table(const ImViommu *v)
{
    return v->cfg.map_mode != IMU_MODE_TRANSLATE;
}

static void vi_bind_ask_tables(ImViommuFn *fn, uint64_t key, ImBinding *say)
{
    ImViommu *v = fn->v;
    bool pasid = key >> 32;

    v->ops->binding(v->guest, fn->func, pasid, (uint32_t)key,
                    !pasid && vi_bind_wants_table(v), say);
}

bool im_viommu_stale(const ViBind *b)
{
    ImBinding now;

    vi_bind_ask_tables(b->fn, b->key, &now);
    return memcmp(&now, &b->say, sizeof(now));
}

IM_RULE(VIOMMU_BINDINGS);
ViWhose im_viommu_bind(ImViommuFn *fn, bool has_pasid, uint32_t pasid,
                       ViBind **out, int *err)
{
    ImViommu *v = fn->v;
    uint64_t key = im_viommu_key(has_pasid, pasid), own = 0;
    ViBind *b = g_hash_table_lookup(fn->by_key, &key);
    ImBinding say;

    *out = b;
    *err = 0;
    if (b) {
        return VI_OK;
    }
    b = g_hash_table_lookup(fn->by_key, &own);
    if (b && vi_bind_serves_all(&b->say)) {
        *out = b;
        return VI_OK;
    }
    if (v->dead) {
        *err = -ENODEV;
        return VI_HOST;
    }
    vi_bind_ask_tables(fn, 0, &say);
    if (vi_bind_serves_all(&say)) {
        key = 0;
    } else {
        vi_bind_ask_tables(fn, key, &say);
    }
    if (say.how == IM_BINDING_FAULT) {
        return VI_GUEST;
    }
    return vi_bind_new(fn, key, &say, out, err);
}
