/*
 * Random commands: bindings, faults, and what a device does.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/io_model_int.h"

/* --- bindings ----------------------------------------------------------- */

static int *place(MSet *s, int func, int pasid)
{
    return pasid == M_NONE ? &s->dev[func].own : &s->dev[func].space[pasid];
}

/* Device and PASID exist; else ENOENT. */
static int bind_handles(const Step *t, int func, int pasid)
{
    return t->s->live && t->s->dev[func].live &&
                   (pasid == M_NONE ||
                    t->s->pasid[pasid].state != IMU_PASID_FREE) ?
               0 :
               -ENOENT;
}

static bool leaving(const Step *t, int pasid)
{
    return pasid != M_NONE && t->s->pasid[pasid].state >= IMU_PASID_PARKED;
}

/* One in so many bindings is the device's own. */
static uint32_t own_share(const MSet *s)
{
    return s->mode == IMU_MODE_DELEGATED ? 1 : 4;
}

/* A table of PASIDs is for devices that have some; nothing that a device
 * reserves may be allowed. */
static int fits(const Step *t, int func, int pasid, int space)
{
    const MSpace *sp = &t->s->space[space];
    const MSpace *root = model_root(t->s, space);

    return sp->kind == IMU_SPACE_PASID_TABLE && (func == 4 || pasid != M_NONE) ?
               -EINVAL :
           root && root->msi ? -EADDRINUSE :
                               0;
}

/* PASIDs are attached, or in the guest's table, not both. */
static bool otherwise(const Step *t, int func, int pasid, int space)
{
    const MDev *d = &t->s->dev[func];
    bool attached = false;

    for (unsigned p = 0; p < M_PASIDS; p++) {
        attached = attached || d->space[p] != M_NONE;
    }
    return pasid == M_NONE ?
               attached && t->s->space[space].kind == IMU_SPACE_PASID_TABLE :
               model_table(t->s, func);
}

static void attach(Step *t)
{
    int func = pick_dev(t), space = pick_space(t);
    int pasid = chance(t, own_share(t->s)) ? M_NONE : pick_pasid(t);
    const MSpace *sp = &t->s->space[space];
    int want = bind_handles(t, func, pasid);
    int *at = place(t->s, func, pasid);
    int rc;

    want = want || !sp->live ? -ENOENT : 0;
    if (!want && pasid != M_NONE && func == 4) {
        want = -EOPNOTSUPP;
    }
    if (!want) {
        want = fits(t, func, pasid, space);
    }
    if (want != -EINVAL && want != -ENOENT && want != -EOPNOTSUPP &&
        (leaving(t, pasid) || *at != M_NONE ||
         otherwise(t, func, pasid, space))) {
        want = -EBUSY;
    }
    SAY("ATTACH set %d func %d pasid %d space %d", SET_NR(t), func, pasid,
        space);
    rc = io_attach_rc(t->io, t->s->ref, t->s->dev[func].ref,
                      pasid == M_NONE ? NULL : &t->s->pasid[pasid].ref, sp->ref,
                      0);
    if (!want && rc == -ENOSPC && pasid != M_NONE && t->m->unbound[func]) {
        want = rc;          /* the number rests with an earlier owner */
    }
    if (came_true(t, rc, want)) {
        *at = space;
        if (pasid != M_NONE && t->s->pasid[pasid].state == IMU_PASID_IDLE) {
            t->s->pasid[pasid].state = IMU_PASID_BOUND;
            t->s->events++;
        }
    }
}

static int pick_bound(Step *t, int func)
{
    return PICK(t, M_PASIDS, t->s->dev[func].space[i_] != M_NONE && t->s->live);
}

static void replace(Step *t)
{
    int func = pick_dev(t), space = pick_space(t);
    int pasid = chance(t, own_share(t->s)) ? M_NONE : pick_bound(t, func);
    const MSpace *sp = &t->s->space[space];
    int want = bind_handles(t, func, pasid);
    int *at = place(t->s, func, pasid);
    int rc;

    want = want || !sp->live ? -ENOENT : 0;
    if (!want && pasid != M_NONE && func == 4) {
        want = -EOPNOTSUPP;
    }
    if (!want) {
        want = fits(t, func, pasid, space);
        want = want == -EINVAL                  ? want :
               leaving(t, pasid)                ? -EBUSY :
               *at == M_NONE                    ? -ENOENT :
               otherwise(t, func, pasid, space) ? -EBUSY :
                                                  want;
    }
    SAY("REPLACE set %d func %d pasid %d space %d", SET_NR(t), func, pasid,
        space);
    rc = io_replace(t->io, t->s->ref, t->s->dev[func].ref,
                    pasid == M_NONE ? NULL : &t->s->pasid[pasid].ref, sp->ref);
    if (came_true(t, rc, want)) {
        model_end_groups(t->m, t->s, func, pasid);
        *at = space;
    }
}

static void detach(Step *t)
{
    int func = pick_dev(t);
    int pasid = chance(t, own_share(t->s)) ? M_NONE : pick_bound(t, func);
    int want = bind_handles(t, func, pasid);
    int rc;

    if (!want && *place(t->s, func, pasid) == M_NONE) {
        want = -ENOENT;
    }
    SAY("DETACH set %d func %d pasid %d", SET_NR(t), func, pasid);
    rc = io_detach(t->io, t->s->ref, t->s->dev[func].ref,
                   pasid == M_NONE ? NULL : &t->s->pasid[pasid].ref);
    if (came_true(t, rc, want)) {
        model_detached(t->m, t->s, func, pasid);
    }
}

/* An object of one set is named in another. */
static void foreign(Step *t)
{
    MSet *other = &t->c->set[below(t, M_SETS)];
    ImuPasidFree f = { .set = t->s->ref };
    ImuSpaceDestroy d = { .set = t->s->ref };
    ImuDevUnbind u = { .set = t->s->ref };
    ImuQueueDestroy e = { .set = t->s->ref, .queue = other->evq };

    if (other == t->s) {
        return;
    }
    f.pasid = other->pasid[below(t, M_PASIDS)].ref;
    d.space = other->space[below(t, M_SPACES)].ref;
    u.dev = other->dev[below(t, M_FUNCS)].ref;
    SAY("objects of set %d in set %d", (int)(other - t->c->set), SET_NR(t));
    came_true(t, io_PASID_FREE(t->io, &f), -ENOENT);
    came_true(t, io_SPACE_DESTROY(t->io, &d), -ENOENT);
    came_true(t, io_DEV_UNBIND(t->io, &u), -ENOENT);
    came_true(t, io_EVQ_DESTROY(t->io, &e), -ENOENT);
}

/* --- requests ----------------------------------------------------------- */

/* A function, and a host number on it that is known, or none. */
static bool pick_binding(Step *t, int *func, int *pasid, uint32_t *h, MSet **s)
{
    *func = PICK(t, M_FUNCS, model_binder(t->m, (int)i_));
    *s = model_binder(t->m, *func);
    *pasid = M_NONE;
    *h = IO_NO_PASID;
    if (!*s) {
        return false;
    }
    if (!chance(t, own_share(*s))) {
        *pasid = PICK(t, M_PASIDS, (*s)->dev[*func].space[i_] != M_NONE);
        *h = (*s)->pasid[*pasid].h;
        if ((*s)->pasid[*pasid].state == IMU_PASID_FREE || !*h) {
            return false;
        }
    }
    return true;
}

static void dma(Step *t)
{
    MAsk a = { .ssid = M_NONE, .write = chance(t, 2) };
    int pasid;

    if (!pick_binding(t, &a.func, &pasid, &a.h, &a.s)) {
        return;
    }
    a.space = *place(a.s, a.func, pasid);
    if ((a.s->mode == IMU_MODE_DELEGATED || model_table(a.s, a.func)) &&
        a.func != 4 && !chance(t, 3)) {
        a.space = a.s->dev[a.func].own;
        a.ssid = below(t, 5);
        a.h = (uint32_t)a.ssid;
        if (a.space >= 0 && a.s->space[a.space].kind != IMU_SPACE_PASID_TABLE) {
            a.space = M_NONE;
        }
    }
    a.addr = model_address(t, a.s, a.space);
    a.ats = chance(t, 3);
    SAY("DMA func %d pasid %d ssid %d at %" G_GINT64_MODIFIER "x%s%s", a.func,
        pasid, (int)a.ssid, a.addr, a.write ? " write" : "",
        a.ats ? " ats" : "");
    model_request(t, &a);
    if (t->m->talk) {
        g_test_message("%s", t->what);
    }
}

static void page_request(Step *t)
{
    unsigned pages = 1 + below(t, 3);
    int func, pasid, space;
    MGroup *g = NULL;
    uint32_t h;
    MSet *s;

    if (!pick_binding(t, &func, &pasid, &h, &s) || func == 4 ||
        (pasid != M_NONE && model_table(s, func))) {
        return;
    }
    t->m->prgi = (uint16_t)((t->m->prgi + 1) % 512);
    SAY("page request func %d pasid %d group %u", func, pasid, t->m->prgi);
    space = *place(s, func, pasid);
    if (space < 0 || s->space[space].faultq == M_NONE) {
        t->m->responses++;
    } else if (model_groups(t->m, s, func) >= 4 ||
               model_groups(t->m, s, M_NONE) >= t->io->cfg.pri_set_limit) {
        t->m->responses++;
        s->events++;
    } else {
        for (unsigned i = 0; i < M_GROUPS; i++) {
            g = t->m->group[i].live ? g : &t->m->group[i];
        }
        g_assert_nonnull(g);
        *g = (MGroup) { .live = true,
                        .set = s,
                        .func = func,
                        .pasid = pasid,
                        .queue = s->space[space].faultq,
                        .pages = pages,
                        .prgi = t->m->prgi,
                        .order = t->m->arrivals++ };
    }
    for (unsigned i = 0; i < pages; i++) {
        io_page_request(t->io, (unsigned)func, h, t->m->prgi,
                        (uint64_t)i * IO_PAGE, i == pages - 1);
    }
    if (t->io->failed && g) {           /* no memory: FAILURE, no group */
        g->live = false;
        s->events++;
        t->m->responses++;
    }
    if (t->m->talk) {
        g_test_message("%s", t->what);
    }
}

static MGroup *first_unread(Model *m, const MSet *s, int queue)
{
    MGroup *first = NULL;

    for (unsigned i = 0; i < M_GROUPS; i++) {
        MGroup *g = &m->group[i];

        if (g->live && !g->read && g->set == s && g->queue == queue &&
            (!first || g->order < first->order)) {
            first = g;
        }
    }
    return first;
}

static void fault_read(Step *t)
{
    int q = pick_queue(t);
    uint32_t room = below(t, 8), n = 0;
    ImuFaultRead a = { .set = t->s->ref,
                       .queue = t->s->queue[q].ref,
                       .faults = io_at(t->io, IO_ARG_PAGE) + 2048,
                       .fault_size = sizeof(ImuFault),
                       .count = room };
    MGroup *g = first_unread(t->m, t->s, q);
    ImuFault f[8];
    int want = !t->s->live || !t->s->queue[q].live ? -ENOENT :
               g && room && g->pages > room        ? -EMSGSIZE :
                                                     0;

    SAY("FAULT_READ set %d queue %d room %u", SET_NR(t), q, room);
    if (!came_true(t, io_FAULT_READ(t->io, &a), want)) {
        return;
    }
    io_get(t->io, a.faults, f, sizeof(f));
    while (n < a.count) {
        g = first_unread(t->m, t->s, q);
        g_assert_nonnull(g);
        g_assert_cmpuint(n + g->pages, <=, a.count);
        for (unsigned i = 0; i < g->pages; i++, n++) {
            g_assert_cmpuint(f[n].group, ==, g->prgi);
            g_assert_cmphex(f[n].addr, ==, (uint64_t)i * IO_PAGE);
            g_assert_cmpuint(f[n].cookie, ==, (uint64_t)g->func);
            g_assert_cmpuint(f[n].gpasid, ==,
                             g->pasid == M_NONE ? 0 : t->s->pasid[g->pasid].g);
            g->ticket = f[n].ticket;
        }
        g->read = true;
    }
    g = first_unread(t->m, t->s, q);
    g_assert_true(!g || !room || g->pages > room - n);
    g_assert_cmpuint(a.pending > 0, ==, g != NULL);
}

static void fault_answer(Step *t)
{
    MGroup *all = t->m->group;
    MGroup *g = &all[PICK(t, M_GROUPS,
                          all[i_].live && all[i_].read && all[i_].set == t->s)];
    ImuAnswer a = { .set = t->s->ref };
    int want, rc;

    a.ticket = g->ticket;
    a.code = below(t, 3);
    SAY("FAULT_ANSWER set %d group %u%s", SET_NR(t), g->prgi,
        g->live && g->read ? "" : ", which is over");
    if (g->set == t->s && !(g->live && g->read) && t->s->live) {
        rc = io_FAULT_ANSWER(t->io, &a);
        g_assert_true(rc == -ENOENT || rc == -EALREADY || rc == -ETIMEDOUT);
        return;
    }
    if (g->set != t->s && g->set &&
        (g->set < t->c->set || g->set >= t->c->set + M_SETS)) {
        return;             /* of another opener: its tickets are its own */
    }
    want = g->set == t->s && t->s->live ? 0 : -ENOENT;
    if (came_true(t, io_FAULT_ANSWER(t->io, &a), want)) {
        model_answer(t->m, g);
    }
}

/* --- invalidation, events, time ----------------------------------------- */

static void invalidate(Step *t)
{
    int func = pick_dev(t);
    ImuInvTarget target = chance(t, 2) ? IMU_INV_SET : IMU_INV_DEV;
    uint32_t caches = 1 + below(t, 7);
    int want = !t->s->live || (target == IMU_INV_DEV && !t->s->dev[func].live) ?
                   -ENOENT :
                   0;

    SAY("INVALIDATE set %d", SET_NR(t));
    if (came_true(t,
                  io_inv_all(t->io, t->s->ref, target,
                             target == IMU_INV_SET ? io_none() :
                                                     t->s->dev[func].ref,
                             caches),
                  want)) {
        t->s->stale &= target != IMU_INV_SET ||
                       (caches & (IMU_CACHE_IOTLB | IMU_CACHE_PASID)) !=
                           (IMU_CACHE_IOTLB | IMU_CACHE_PASID);
    }
}

static void fence(Step *t)
{
    ImuFence f = { .set = t->s->ref };

    SAY("FENCE set %d", SET_NR(t));
    if (came_true(t, io_FENCE(t->io, &f), t->s->live ? 0 : -ENOENT)) {
        model_check_fenced(t);
    }
}

static void event_read(Step *t)
{
    ImuEventRead r = { .set = t->s->ref,
                       .queue = t->s->evq,
                       .events = io_at(t->io, IO_RO_PAGE - 8),
                       .count = 600 };
    g_autofree ImuEvent *e = g_new(ImuEvent, 600);
    unsigned n = 0;
    bool lost = false;

    SAY("EVENT_READ set %d", SET_NR(t));
    if (!came_true(t, io_EVENT_READ(t->io, &r), t->s->live ? 0 : -ENOENT)) {
        return;
    }
    io_get(t->io, r.events, e, r.count * sizeof(*e));
    for (unsigned i = 0; i < r.count; i++) {
        n += e[i].type != IMU_EVENT_FENCE && e[i].type != IMU_EVENT_INV_TIMEOUT;
        lost |= e[i].flags & IMU_EVENT_LOST;
    }
    if (!lost && r.count < 512) {
        g_assert_cmpuint(n, ==, t->s->events);
    }
    t->s->events = 0;
}

static void tally(Model *m)
{
    m->sent += rig_count(m->io->r, RIG_SEEN_PAGE_RESP);
    rig_log_clear(m->io->r);
}

/* Device TLBs answer what they were asked; in the end, time passes. */
static void completions(Step *t)
{
    Model *m = t->m;

    if (chance(t, 6)) {
        SAY("rest");
        for (unsigned i = 0; i < 40; i++) {
            m->sent += rig_count(m->io->r, RIG_SEEN_PAGE_RESP);
            if (!io_complete(m->io) && i > 3) {
                break;
            }
        }
        rig_advance(m->io->r, 4 * m->io->cfg.ats_timeout_ns);
        model_rest(m);
    } else {
        SAY("completions");
        m->sent += rig_count(m->io->r, RIG_SEEN_PAGE_RESP);
        io_complete(m->io);
    }
    if (m->talk) {
        g_test_message("%s", t->what);
    }
}

#define ALL  (NEED_DEV | NEED_SPACE | NEED_PASID)

/* clang-format off */
const ModelOp model_bind_ops[] = {
    { attach, 16, ALL }, { replace, 4, ALL }, { detach, 5, ALL },
    { foreign, 2, NEED_SET }, { dma, 20, ALL }, { page_request, 14, ALL },
    { fault_read, 6, ALL | NEED_QUEUE }, { fault_answer, 6, NEED_QUEUE },
    { invalidate, 2, NEED_DEV }, { fence, 2, NEED_SET },
    { event_read, 2, NEED_SET }, { completions, 5, 0 },
    { model_guest_writes, 4, 0 }, { NULL, 0, 0 },
};
/* clang-format on */

/* --- the model ---------------------------------------------------------- */

Model *model_new(void)
{
    Model *m = g_new0(Model, 1);
    ImIoasidConfig cfg = io_config();

    cfg.ctx_quota = QUOTA;
    cfg.quarantine_ns = 5000;
    m->io = io_new(&cfg);
    m->ctx[0].ctx = m->io->ctx;
    for (unsigned c = 1; c < M_CTXS; c++) {
        m->ctx[c].ctx = io_open(m->io, IM_IOASID_CTX_DEBUG);
    }
    for (unsigned c = 0; c < M_CTXS; c++) {
        io_use(m->io, m->ctx[c].ctx);
        model_guest_begins(m->io);
    }
    return m;
}

void model_free(Model *m)
{
    io_free(m->io);
    g_free(m);
}

static const ModelOp *choose(Step *t)
{
    const ModelOp *lists[] = { model_ledger_ops, model_bind_ops };
    uint32_t total = 0, at;

    for (unsigned l = 0; l < 2; l++) {
        for (const ModelOp *o = lists[l]; o->fn; o++) {
            total += o->weight;
        }
    }
    at = below(t, total);
    for (unsigned l = 0; l < 2; l++) {
        for (const ModelOp *o = lists[l]; o->fn; o++) {
            if (at < o->weight) {
                return o;
            }
            at -= o->weight;
        }
    }
    g_assert_not_reached();
}

void model_step(Model *m, uint64_t seed)
{
    Step t = { .m = m, .io = m->io, .f = { .state = seed } };
    const ModelOp *op;
    unsigned needs;

    t.c = &m->ctx[below(&t, M_CTXS)];
    t.s = &t.c->set[PICK(&t, M_SETS, t.c->set[i_].live)];
    io_use(m->io, t.c->ctx);
    if (chance(&t, 16)) {
        io_fail_alloc(m->io, below(&t, 4));
    } else {
        io_fail_alloc(m->io, UINT64_MAX);
    }
    op = choose(&t);
    needs = op->needs & model_lacks(&t);
    for (const ModelOp *o = model_makers; needs && o->fn; o++) {
        if (o->needs & (needs | model_lacks(&t)) && !chance(&t, 12)) {
            op = o;
            break;
        }
    }
    op->fn(&t);
    io_fail_alloc(m->io, UINT64_MAX);
    if (m->sent + rig_count(m->io->r, RIG_SEEN_PAGE_RESP) != m->responses) {
        g_error("%s: %u responses, but there should be %u", t.what,
                m->sent + rig_count(m->io->r, RIG_SEEN_PAGE_RESP),
                m->responses);
    }
    if (m->io->r->log->len > 4000) {
        tally(m);
    }
}
