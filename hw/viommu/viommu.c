/*
 * A virtual IOMMU on the host's backend: life, functions, and the queues of
 * the guest's set.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/viommu/viommu.h"

#include <errno.h>

#define VI_EVENTS  64u              /* read at a time */
#define VI_DEPTH   1024u

/* --- the backend -------------------------------------------------------- */

int im_viommu_obey(ImViommu *v, ImuCommand command, void *arg, size_t size,
                   size_t whole)
{
    return v->port.command(v->host, command, arg, size, whole);
}

ImViommuFn *im_viommu_by_cookie(ImViommu *v, uint64_t cookie)
{
    for (ImLink *n = v->fns; n; n = n->next) {
        ImViommuFn *fn = IM_LINK_OF(n, ImViommuFn, in_all);

        if (fn->host_func == cookie) {
            return fn;
        }
    }
    return NULL;
}

ImViommuFn *im_viommu_by_func(ImViommu *v, uint32_t func)
{
    for (ImLink *n = v->fns; n; n = n->next) {
        ImViommuFn *fn = IM_LINK_OF(n, ImViommuFn, in_all);

        if (fn->placed && fn->func == func) {
            return fn;
        }
    }
    return NULL;
}

static int vi_make_queues(ImViommu *v)
{
    ImuFaultqCreate f = {
        .set = v->cfg.set,
        .deadline_ns = v->cfg.fault_deadline_ns,
    };
    ImuEvqCreate e = { .set = v->cfg.set, .depth = VI_DEPTH };
    int err = VI_COMMAND(v, FAULTQ_CREATE, &f);

    if (err) {
        return err;
    }
    v->faultq = f.queue;
    err = VI_COMMAND(v, EVQ_CREATE, &e);
    v->evq = e.queue;
    return err;
}

/* --- life --------------------------------------------------------------- */

ImViommu *im_viommu_new(const ImViommuConfig *config, const ImIommuOps *ops,
                        void *guest, const ImViommuPort *port, void *host,
                        int *error)
{
    ImViommu *v = g_new0(ImViommu, 1);

    v->cfg = *config;
    v->ops = ops;
    v->guest = guest;
    v->host = host;
    memcpy(&v->port, port, MIN(port->size, sizeof(v->port)));
    v->pasids = g_hash_table_new(NULL, NULL);
    v->invs = g_array_new(false, false, sizeof(ViInv));
    v->stalls = g_array_new(false, false, sizeof(ViStall));
    v->todo = g_array_new(false, false, sizeof(ImInval));
    *error = vi_make_queues(v);
    if (*error) {
        im_viommu_free(v);
        return NULL;
    }
    return v;
}

static void vi_fn_free(ImViommuFn *fn)
{
    im_link_out(&fn->in_all);
    g_hash_table_destroy(fn->by_key);
    g_array_free(fn->tickets, true);
    g_free(fn);
}

void im_viommu_free(ImViommu *v)
{
    ImuQueueDestroy f = { .set = v->cfg.set, .queue = v->faultq };
    ImuQueueDestroy e = { .set = v->cfg.set, .queue = v->evq };

    while (v->fns) {
        im_viommu_remove(IM_LINK_OF(v->fns, ImViommuFn, in_all));
    }
    if (!im_ref_is_null(v->faultq)) {
        VI_COMMAND(v, FAULTQ_DESTROY, &f);
    }
    if (!im_ref_is_null(v->evq)) {
        VI_COMMAND(v, EVQ_DESTROY, &e);
    }
    g_hash_table_destroy(v->pasids);
    g_array_free(v->invs, true);
    g_array_free(v->stalls, true);
    g_array_free(v->todo, true);
    g_free(v);
}

/* --- functions ---------------------------------------------------------- */

static int vi_fn_bind(ImViommuFn *fn)
{
    ImuDevBind d = {
        .set = fn->v->cfg.set,
        .func = fn->host_func,
        .cookie = fn->host_func,
    };
    int err = VI_COMMAND(fn->v, DEV_BIND, &d);

    fn->dev = err ? (ImuRef) { 0 } : d.dev;
    fn->lost = false;
    return err;
}

static void vi_fn_unbind(ImViommuFn *fn)
{
    ImuDevUnbind d = { .set = fn->v->cfg.set, .dev = fn->dev };

    im_viommu_unbind_all(fn);
    if (!im_ref_is_null(fn->dev)) {
        VI_COMMAND(fn->v, DEV_UNBIND, &d);
        fn->dev = (ImuRef) { 0 };
    }
}

int im_viommu_add(ImViommu *v, uint32_t host_func, ImViommuFn **out)
{
    ImViommuFn *fn = g_new0(ImViommuFn, 1);
    int err;

    fn->v = v;
    fn->host_func = host_func;
    err = vi_fn_bind(fn);
    if (err) {
        g_free(fn);
        return err;
    }
    fn->by_key = g_hash_table_new(g_int64_hash, g_int64_equal);
    fn->tickets = g_array_new(false, false, sizeof(ViTicket));
    im_link_in(&v->fns, &fn->in_all);
    *out = fn;
    return 0;
}

void im_viommu_remove(ImViommuFn *fn)
{
    vi_fn_unbind(fn);
    im_viommu_forget_invs(fn->v, fn);
    im_viommu_forget_stalls(fn->v, fn);
    fn->v->unfenced = true;
    vi_fn_free(fn);
}

int im_viommu_rebind(ImViommuFn *fn)
{
    vi_fn_unbind(fn);
    return vi_fn_bind(fn);
}

/* Nothing that the backend had is left: what is known of it is forgotten. */
static void vi_fn_reset(ImViommuFn *fn)
{
    im_viommu_unbind_all(fn);
    g_array_set_size(fn->tickets, 0);
    fn->placed = false;
}

int im_viommu_reset(ImViommu *v, ImuRef set, ImuRef ram)
{
    int err;

    v->dead = true;             /* no commands: every handle is stale */
    for (ImLink *n = v->fns; n; n = n->next) {
        vi_fn_reset(IM_LINK_OF(n, ImViommuFn, in_all));
    }
    g_hash_table_remove_all(v->pasids);
    g_array_set_size(v->invs, 0);
    g_array_set_size(v->stalls, 0);
    g_array_set_size(v->todo, 0);
    v->unfenced = false;
    v->ticket = v->fenced = 0;
    v->cfg.set = set;
    v->cfg.ram = ram;
    v->dead = false;
    err = vi_make_queues(v);
    for (ImLink *n = v->fns; !err && n; n = n->next) {
        err = vi_fn_bind(IM_LINK_OF(n, ImViommuFn, in_all));
    }
    v->dead = err;
    return err;
}

/* --- the queues of the set ---------------------------------------------- */

/* Events were lost: ask what they would have said. */
static void vi_ask_fence(ImViommu *v)
{
    ImuFence f = { .set = v->cfg.set, .ticket = v->ticket };

    v->counters.events_lost++;
    if (v->ticket > v->fenced && !VI_COMMAND(v, FENCE, &f) && f.done) {
        im_viommu_fence_done(v, f.ticket);
    }
}

static void vi_take_event(ImViommu *v, const ImuEvent *e)
{
    ImViommuFn *fn;

    if (e->flags & IMU_EVENT_LOST) {
        vi_ask_fence(v);
    }
    switch (e->type) {
    case IMU_EVENT_FENCE:
        im_viommu_fence_done(v, e->token);
        break;
    case IMU_EVENT_INV_TIMEOUT:
        fn = im_viommu_by_cookie(v, e->token);
        if (fn) {
            im_viommu_inv_timeout(fn);
        }
        break;
    default:
        break;
    }
}

static void vi_read_events(ImViommu *v)
{
    struct {
        ImuEventRead c;
        ImuEvent event[VI_EVENTS];
    } a;

    do {
        a.c = (ImuEventRead) {
            .set = v->cfg.set,
            .queue = v->evq,
            .events = v->port.user + offsetof(__typeof__(a), event),
            .count = VI_EVENTS,
        };
        if (im_viommu_obey(v, IMU_CMD_EVENT_READ, &a, sizeof(a.c), sizeof(a))) {
            return;
        }
        for (unsigned i = 0; i < a.c.count; i++) {
            vi_take_event(v, &a.event[i]);
        }
    } while (a.c.pending);
}

bool im_viommu_readable(ImViommu *v, ImuRef queue)
{
    if (v->dead) {
        return false;
    }
    if (im_ref_eq(queue, v->evq)) {
        vi_read_events(v);
    } else if (im_ref_eq(queue, v->faultq)) {
        im_viommu_read_faults(v);
    } else {
        return false;
    }
    im_viommu_settle(v);
    return true;
}

const ImViommuCounters *im_viommu_counters(const ImViommu *v)
{
    return &v->counters;
}
