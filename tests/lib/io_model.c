/*
 * Random commands, given to the backend and to the model.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/io_model_int.h"

/* --- sets --------------------------------------------------------------- */

static void set_create(Step *t)
{
    MSet *s = t->s->live ? &t->c->set[below(t, M_SETS)] : t->s;
    bool global = chance(t, 2);
    ImuSetCreate a = {
        .gpasid_min = below(t, 4),
        .gpasid_max = below(t, 24),
        .quota_max = chance(t, 2) ? 0 : below(t, 20),
        .quota_reserved = chance(t, 2) ? 0 : below(t, 20),
        .map_mode = global ? IMU_MODE_TRANSLATE : below(t, 2),
        .pool = global ? IMU_POOL_GLOBAL : IMU_POOL_DEVICE,
    };
    bool delegated = chance(t, 4);
    ImuSetCreate was;
    int want = 0;

    if (s->live) {
        return;
    }
    t->s = s;
    if (delegated) {
        a = (ImuSetCreate) { .map_mode = IMU_MODE_DELEGATED };
        a.gpasid_max = chance(t, 6);
        want = a.gpasid_max ? -EINVAL : 0;
    } else if (a.gpasid_min == 0 || a.gpasid_min > a.gpasid_max ||
               (a.quota_max && a.quota_reserved > a.quota_max)) {
        want = -EINVAL;
    } else if (model_committed(t->c) + a.quota_reserved > QUOTA) {
        want = -ENOSPC;
    }
    was = a;
    SAY("SET_CREATE %u..%u max %u reserved %u", a.gpasid_min, a.gpasid_max,
        a.quota_max, a.quota_reserved);
    if (came_true(t, io_SET_CREATE(t->io, &a), want)) {
        *s = (MSet) { .live = true,
                      .ref = a.set,
                      .mode = was.map_mode,
                      .pool = was.pool,
                      .gmin = was.gpasid_min,
                      .gmax = was.gpasid_max,
                      .qmax = was.quota_max,
                      .qres = was.quota_reserved };
        for (unsigned d = 0; d < M_FUNCS; d++) {
            s->dev[d].own = M_NONE;
            for (unsigned p = 0; p < M_PASIDS; p++) {
                s->dev[d].space[p] = M_NONE;
            }
        }
        s->evq = io_evq(t->io, s->ref, 512);
    }
}

static void set_update(Step *t)
{
    ImuSetUpdate a = { .set = t->s->ref,
                       .quota_max = chance(t, 3) ? 0 : below(t, 30),
                       .quota_reserved = below(t, 20) };
    uint32_t charged = model_charged(t->s);
    int want = !t->s->live ? -ENOENT :
               (a.quota_max && a.quota_reserved > a.quota_max) ||
                       (t->s->mode == IMU_MODE_DELEGATED &&
                        (a.quota_max || a.quota_reserved)) ?
                             -EINVAL :
               model_committed(t->c) - MAX(t->s->qres, charged) +
                           MAX(a.quota_reserved, charged) >
                       QUOTA ?
                             -ENOSPC :
                             0;

    /* Reserving no more than before is never refused. */
    if (want == -ENOSPC && a.quota_reserved <= t->s->qres) {
        want = 0;
    }
    SAY("SET_UPDATE set %d max %u reserved %u", SET_NR(t), a.quota_max,
        a.quota_reserved);
    if (came_true(t, io_SET_UPDATE(t->io, &a), want)) {
        t->s->qmax = a.quota_max;
        t->s->qres = a.quota_reserved;
    }
}

static void set_query(Step *t)
{
    ImuSetQuery q = { .set = t->s->ref };
    uint32_t n[IMU_PASID_QUARANTINE + 1] = { 0 }, d = 0, sp = 0, qu = 1;

    SAY("SET_QUERY set %d", SET_NR(t));
    if (!came_true(t, io_SET_QUERY(t->io, &q), t->s->live ? 0 : -ENOENT)) {
        return;
    }
    for (unsigned i = 0; i < M_PASIDS; i++) {
        n[t->s->pasid[i].state]++;
    }
    for (unsigned i = 0; i < M_FUNCS; i++) {
        d += t->s->dev[i].live;
    }
    for (unsigned i = 0; i < M_SPACES; i++) {
        sp += t->s->space[i].live;
    }
    for (unsigned i = 0; i < M_QUEUES; i++) {
        qu += t->s->queue[i].live;
    }
    g_assert_cmpuint(q.live, ==, n[IMU_PASID_IDLE] + n[IMU_PASID_BOUND]);
    g_assert_cmpuint(q.parked, ==, n[IMU_PASID_PARKED]);
    g_assert_cmpuint(q.quarantined, ==, n[IMU_PASID_QUARANTINE]);
    g_assert_cmpuint(q.devices, ==, d);
    g_assert_cmpuint(q.spaces, ==, sp);
    g_assert_cmpuint(q.queues, ==, qu);
}

static void set_destroy(Step *t)
{
    bool force = chance(t, 3);
    ImuSetDestroy a = { .head.flags = force ? IMU_SET_DESTROY_FORCE : 0,
                        .set = t->s->ref };
    /* Each has an event queue, so without force it is always busy. */
    int want = !t->s->live ? -ENOENT : force ? 0 : -EBUSY;

    if (force && !chance(t, 3)) {
        return;
    }
    SAY("SET_DESTROY set %d%s", SET_NR(t), force ? " force" : "");
    if (came_true(t, io_SET_DESTROY(t->io, &a), want)) {
        model_destroyed(t->m, t->c, t->s);
    }
}

/* --- PASIDs ------------------------------------------------------------- */

static int alloc_want(Step *t, const ImuPasidAlloc *a)
{
    const MSet *s = t->s;
    uint32_t min = a->min, max = a->max, charged = model_charged(s);
    bool fixed = a->head.flags & IMU_PASID_ALLOC_FIXED;

    if (!s->live) {
        return -ENOENT;
    }
    if (s->mode == IMU_MODE_DELEGATED) {
        return -EOPNOTSUPP;
    }
    if (!min && !max) {
        min = s->gmin;
        max = s->gmax;
    }
    if (min > max || min < s->gmin || max > s->gmax ||
        (fixed && (a->gpasid < min || a->gpasid > max))) {
        return -EINVAL;
    }
    if (fixed && model_guest_taken(s, a->gpasid)) {
        return -EEXIST;
    }
    if (charged >= (s->qmax ? s->qmax : QUOTA) ||
        (charged >= s->qres && model_committed(t->c) >= QUOTA)) {
        return -EDQUOT;
    }
    for (uint32_t g = min; g <= max && !fixed; g++) {
        if (!model_guest_taken(s, g)) {
            return 0;
        }
    }
    return fixed ? 0 : -ENOSPC;
}

static void pasid_alloc(Step *t)
{
    ImuPasidAlloc a = {
        .head.flags = chance(t, 3) ? IMU_PASID_ALLOC_FIXED : 0,
        .set = t->s->ref,
        .gpasid = below(t, 24),
    };
    MPasid *p = NULL;
    int want;

    if (chance(t, 3)) {
        a.min = below(t, 24);
        a.max = below(t, 24);
    }
    for (unsigned i = 0; i < M_PASIDS; i++) {
        if (t->s->pasid[i].state == IMU_PASID_FREE) {
            p = &t->s->pasid[i];
        }
    }
    want = alloc_want(t, &a);
    SAY("PASID_ALLOC set %d %u..%u%s %u", SET_NR(t), a.min, a.max,
        a.head.flags ? " fixed" : "", a.gpasid);
    t->s->events += want == -EDQUOT;
    if (!came_true(t, io_PASID_ALLOC(t->io, &a), want)) {
        return;
    }
    g_assert_nonnull(p);
    g_assert_false(model_guest_taken(t->s, a.gpasid));
    g_assert_cmpuint(a.gpasid, >=, a.min ? a.min : t->s->gmin);
    g_assert_cmpuint(a.gpasid, <=, a.max ? a.max : t->s->gmax);
    *p = (MPasid) { .ref = a.pasid, .state = IMU_PASID_IDLE, .g = a.gpasid };
    t->s->events++;
    io_fail_alloc(t->io, UINT64_MAX);
    p->h = io_hpasid(t->io, t->s->ref, a.pasid);
    if (t->s->mode == IMU_MODE_IDENTITY) {
        g_assert_cmpuint(p->h, ==, p->g);
    }
}

static void pasid_free(Step *t)
{
    int i = pick_pasid(t);
    MPasid *p = &t->s->pasid[i];
    ImuPasidFree a = { .set = t->s->ref, .pasid = p->ref };
    int want = t->s->live && p->state != IMU_PASID_FREE ? 0 : -ENOENT;

    SAY("PASID_FREE set %d pasid %d", SET_NR(t), i);
    if (came_true(t, io_PASID_FREE(t->io, &a), want)) {
        model_pasid_freed(t->m, t->s, i);
        g_assert_cmpuint(a.state, ==, p->state);
    }
}

static void pasid_query(Step *t)
{
    int i = pick_pasid(t);
    const MPasid *p = &t->s->pasid[i];
    ImuPasidQuery q = { .set = t->s->ref, .pasid = p->ref };
    unsigned n = 0;

    SAY("PASID_QUERY set %d pasid %d", SET_NR(t), i);
    if (!came_true(t, io_PASID_QUERY(t->io, &q),
                   t->s->live && p->state != IMU_PASID_FREE ? 0 : -ENOENT)) {
        return;
    }
    for (unsigned d = 0; d < M_FUNCS; d++) {
        n += t->s->dev[d].live && t->s->dev[d].space[i] != M_NONE;
    }
    g_assert_cmpuint(q.gpasid, ==, p->g);
    g_assert_cmpuint(q.state, ==, p->state);
    g_assert_cmpuint(q.binds, ==, n);
}

/* --- devices, spaces, queues -------------------------------------------- */

static void dev_bind(Step *t)
{
    int func = (int)below(t, M_FUNCS + 1), twin, owner, me;
    ImuDevBind a = { .set = t->s->ref,
                     .func = func < M_FUNCS ? io_func((unsigned)func) : 9,
                     .cookie = (uint64_t)func };
    int want = 0;

    me = (int)(t->c - t->m->ctx);
    twin = func == 2 ? 3 : func == 3 ? 2 : func;
    owner = func < M_FUNCS ? model_owner(t->m, func) : M_NONE;
    if (!t->s->live) {
        want = -ENOENT;
    } else if (func == M_FUNCS) {
        want = -ENODEV;
    } else if (owner != M_NONE) {
        want = owner == me ? -EBUSY : -ENODEV;
    } else if (model_owner(t->m, twin) != M_NONE) {
        want = model_owner(t->m, twin) != me    ? -ENODEV :
               model_binder(t->m, twin) != t->s ? -EBUSY :
                                                  0;
    }
    SAY("DEV_BIND set %d func %d", SET_NR(t), func);
    if (came_true(t, io_DEV_BIND(t->io, &a), want)) {
        t->s->dev[func].live = true;
        t->s->dev[func].ref = a.dev;
    }
}

static void dev_unbind(Step *t)
{
    int func = pick_dev(t);
    MDev *d = &t->s->dev[func];
    ImuDevUnbind a = { .set = t->s->ref, .dev = d->ref };

    if (!chance(t, 4)) {
        return;
    }
    SAY("DEV_UNBIND set %d func %d", SET_NR(t), func);
    if (came_true(t, io_DEV_UNBIND(t->io, &a),
                  t->s->live && d->live ? 0 : -ENOENT)) {
        model_unbound(t->m, t->s, func);
    }
}

/* The structure of one of the guest's tables. */
static void table_data(Step *t, ImuSpaceCreate *a, unsigned dss)
{
    bool table = a->kind == IMU_SPACE_PASID_TABLE;
    ImuVtdFirst first = { .root = M_FS * IO_PAGE };
    /* V, Config 101, S1ContextPtr, S1CDMax; S1DSS, EATS 01 */
    ImuSmmuSte ste = {
        .ste = { 1 | 5 << 1 | M_CDS * (uint64_t)IO_PAGE |
                     (table ? (uint64_t)M_CDMAX << 59 : 0),
                 dss | UINT64_C(1) << 28 },
    };
    bool arm = table ? !chance(t, 8) : chance(t, 2);

    a->format = arm ? IMU_FORMAT_SMMU_STE : IMU_FORMAT_VTD_FIRST;
    a->data = io_at(t->io, IO_ARG_PAGE) + 2048;
    a->data_size = arm ? sizeof(ste) : sizeof(first);
    io_put(t->io, a->data, arm ? (void *)&ste : &first, a->data_size);
}

/* The last one is of a guest that may own a table. */
static const ImuSpaceKind often[] = {
    IMU_SPACE_MAPPED,      IMU_SPACE_NESTED, IMU_SPACE_MAPPED,
    IMU_SPACE_NESTED,      IMU_SPACE_BLOCK,  IMU_SPACE_PASID_TABLE,
    IMU_SPACE_PASID_TABLE,
};

static void space_create(Step *t)
{
    int free_at = M_NONE, q = pick_queue(t), up = pick_space(t);
    ImuSpaceKind kind =
        often[below(t, t->s->mode == IMU_MODE_TRANSLATE ? 6 : 7)];
    bool table = kind == IMU_SPACE_NESTED || kind == IMU_SPACE_PASID_TABLE;
    unsigned dss = below(t, 3);
    bool queued = kind != IMU_SPACE_BLOCK && !chance(t, 4);
    ImuSpaceCreate a = { .set = t->s->ref, .kind = kind };
    MSpace *sp;
    int want;

    for (int i = 0; i < M_SPACES; i++) {
        free_at = t->s->space[i].live ? free_at : i;
    }
    if (free_at == M_NONE) {
        return;
    }
    want = !t->s->live ? -ENOENT : 0;
    if (kind == IMU_SPACE_MAPPED) {
        a.head.flags = below(t, 4);
    } else if (table) {
        table_data(t, &a, dss);
        a.parent = t->s->space[up].ref;
        want = want || !t->s->space[up].live ? -ENOENT : 0;
    }
    if (queued) {
        a.faultq = t->s->queue[q].ref;
        if (!a.faultq.id) {
            queued = false;             /* never was one: none is wanted */
        } else if (!t->s->queue[q].live) {
            want = -ENOENT;
        }
    }
    if (!want && table &&
        (!t->s->space[up].parent_flag || (kind == IMU_SPACE_PASID_TABLE &&
                                          (t->s->mode == IMU_MODE_TRANSLATE ||
                                           a.format != IMU_FORMAT_SMMU_STE)))) {
        want = -EINVAL;
    }
    SAY("SPACE_CREATE set %d slot %d kind %d parent %d queue %d", SET_NR(t),
        free_at, kind, up, queued ? q : M_NONE);
    if (!came_true(t, io_SPACE_CREATE(t->io, &a), want)) {
        return;
    }
    sp = &t->s->space[free_at];
    *sp = (MSpace) { .live = true,
                     .ref = a.space,
                     .kind = kind,
                     .format = a.format,
                     .dss = dss,
                     .parent_flag = a.head.flags & IMU_SPACE_PARENT,
                     .dirty_flag = a.head.flags & IMU_SPACE_DIRTY,
                     .parent = table ? up : M_NONE,
                     .faultq = queued ? q : M_NONE };
    for (unsigned i = 0; i < M_PAGES; i++) {
        sp->page[i] = M_NONE;
    }
}

static void space_destroy(Step *t)
{
    int i = pick_space(t);
    MSpace *sp = &t->s->space[i];
    ImuSpaceDestroy a = { .set = t->s->ref, .space = sp->ref };
    int want = !t->s->live || !sp->live ? -ENOENT :
               model_space_bound(t->s, i) || model_space_is_parent(t->s, i) ?
                                          -EBUSY :
                                          0;

    SAY("SPACE_DESTROY set %d space %d", SET_NR(t), i);
    if (came_true(t, io_SPACE_DESTROY(t->io, &a), want)) {
        sp->live = false;
        sp->parent = sp->faultq = M_NONE;
        sp->parent_flag = sp->dirty_flag = false;
    }
}

static void map(Step *t)
{
    int i = pick_space(t);
    MSpace *sp = &t->s->space[i];
    uint32_t first = below(t, M_PAGES), n = 1 + below(t, 6);
    uint32_t user = chance(t, 2) ? first : below(t, M_PAGES);
    bool write = !chance(t, 4);
    ImuMap a = { .head.flags = IMU_PROT_READ | IMU_MAP_FIXED |
                               (write ? IMU_PROT_WRITE : 0),
                 .set = t->s->ref,
                 .space = sp->ref };
    int want = 0;

    if (chance(t, sp->parent_flag ? 2 : 4)) {
        first = user = 0;               /* everything, for tables */
        n = M_PAGES;
    }
    n = MIN(n, M_PAGES - MAX(first, user));
    a.user = io_at(t->io, user);
    a.iova = (uint64_t)first * IO_PAGE;
    a.length = (uint64_t)n * IO_PAGE;
    if (!t->s->live || !sp->live) {
        want = -ENOENT;
    } else if (sp->kind != IMU_SPACE_MAPPED) {
        want = -EINVAL;
    }
    if (!want) {
        want = model_place(sp, first, n);
    }
    SAY("MAP set %d space %d pages %u+%u of %u%s", SET_NR(t), i, first, n, user,
        write ? " write" : "");
    if (came_true(t, io_MAP(t->io, &a), want)) {
        t->m->maps++;
        for (unsigned p = first; p < first + n; p++) {
            sp->page[p] = (int)(user + p - first);
            sp->map[p] = (int)t->m->maps;
            sp->write[p] = write;
            sp->dirty[p] = sp->maybe[p] = false;
        }
    }
}

static void unmap(Step *t)
{
    int i = pick_space(t);
    MSpace *sp = &t->s->space[i];
    bool all = chance(t, 3);
    uint32_t first = all ? 0 : below(t, M_PAGES);
    uint32_t n = below(t, 20),
             end = all ? M_PAGES : MIN(M_PAGES, first + 1 + n);
    ImuUnmap a = { .set = t->s->ref,
                   .space = sp->ref,
                   .iova = (uint64_t)first * IO_PAGE,
                   .length = all ? UINT64_MAX :
                                   (uint64_t)(end - first) * IO_PAGE };
    uint64_t bytes = 0;
    int want = !t->s->live || !sp->live     ? -ENOENT :
               sp->kind != IMU_SPACE_MAPPED ? -EINVAL :
                                              0;

    for (unsigned p = first; p < end && !want; p++) {
        bytes += sp->page[p] != M_NONE ? IO_PAGE : 0;
    }
    if (!want && !all) {
        bool cut = (first && sp->page[first] != M_NONE &&
                    sp->page[first - 1] != M_NONE &&
                    sp->map[first - 1] == sp->map[first]) ||
                   (end < M_PAGES && sp->page[end] != M_NONE &&
                    sp->page[end - 1] != M_NONE &&
                    sp->map[end - 1] == sp->map[end]);

        want = cut || !bytes ? -ENOENT : 0;
    }
    SAY("UNMAP set %d space %d pages %u..%u", SET_NR(t), i, first, end);
    if (came_true(t, io_UNMAP(t->io, &a), want)) {
        g_assert_cmphex(a.length, ==, bytes);
        for (unsigned p = first; p < end; p++) {
            sp->page[p] = M_NONE;
            sp->dirty[p] = sp->maybe[p] = false;
        }
        /* CDs that were read stay until they are invalidated. */
        t->s->stale = true;
    }
}

static void queue_create(Step *t)
{
    int at = M_NONE;
    bool brief = chance(t, 2);
    ImuFaultqCreate a = { .set = t->s->ref, .deadline_ns = brief ? 1000 : 0 };

    for (int i = 0; i < M_QUEUES; i++) {
        at = t->s->queue[i].live ? at : i;
    }
    if (at == M_NONE) {
        return;
    }
    SAY("FAULTQ_CREATE set %d", SET_NR(t));
    if (came_true(t, io_FAULTQ_CREATE(t->io, &a), t->s->live ? 0 : -ENOENT)) {
        t->s->queue[at] = (MQueue) { true, brief, a.queue };
    }
}

static void queue_destroy(Step *t)
{
    int i = pick_queue(t);
    MQueue *q = &t->s->queue[i];
    ImuQueueDestroy a = { .set = t->s->ref, .queue = q->ref };
    int want = !t->s->live || !q->live   ? -ENOENT :
               model_queue_used(t->s, i) ? -EBUSY :
                                           0;

    SAY("FAULTQ_DESTROY set %d queue %d", SET_NR(t), i);
    if (came_true(t, io_FAULTQ_DESTROY(t->io, &a), want)) {
        q->live = false;
    }
}

/* clang-format off */
const ModelOp model_ledger_ops[] = {
    { set_create, 2, 0 }, { set_update, 2, NEED_SET },
    { set_query, 2, NEED_SET }, { set_destroy, 1, NEED_SET },
    { pasid_alloc, 12, NEED_SET }, { pasid_free, 5, NEED_PASID },
    { pasid_query, 3, NEED_PASID }, { dev_bind, 4, NEED_SET },
    { dev_unbind, 2, NEED_DEV }, { space_create, 5, NEED_SET },
    { space_destroy, 2, NEED_SPACE }, { map, 8, NEED_SPACE },
    { unmap, 4, NEED_SPACE }, { model_copy, 5, NEED_SPACE },
    { model_allow, 2, NEED_SPACE }, { model_ranges, 2, NEED_SPACE },
    { model_dirty_set, 2, NEED_SPACE }, { model_dirty_get, 3, NEED_SPACE },
    { queue_create, 2, NEED_SET },
    { queue_destroy, 1, NEED_QUEUE }, { NULL, 0, 0 },
};

const ModelOp model_makers[] = {
    { set_create, 0, NEED_SET }, { dev_bind, 0, NEED_DEV },
    { queue_create, 0, NEED_QUEUE }, { space_create, 0, NEED_SPACE },
    { pasid_alloc, 0, NEED_PASID }, { NULL, 0, 0 },
};
/* clang-format on */

unsigned model_lacks(const Step *t)
{
    const MSet *s = t->s;
    unsigned lacks = NEED_DEV | NEED_SPACE | NEED_PASID | NEED_QUEUE;

    if (!s->live) {
        return lacks | NEED_SET;
    }
    if (s->mode == IMU_MODE_DELEGATED) {
        lacks &= ~(unsigned)NEED_PASID;
    }
    for (unsigned i = 0; i < M_FUNCS; i++) {
        lacks &= s->dev[i].live ? ~(unsigned)NEED_DEV : ~0u;
    }
    for (unsigned i = 0; i < M_SPACES; i++) {
        lacks &= s->space[i].live ? ~(unsigned)NEED_SPACE : ~0u;
    }
    for (unsigned i = 0; i < M_PASIDS; i++) {
        lacks &= s->pasid[i].state != IMU_PASID_FREE ? ~(unsigned)NEED_PASID :
                                                       ~0u;
    }
    for (unsigned i = 0; i < M_QUEUES; i++) {
        lacks &= s->queue[i].live ? ~(unsigned)NEED_QUEUE : ~0u;
    }
    return lacks;
}
