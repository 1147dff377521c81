/*
 * Sets: who owns PASIDs, devices, spaces and queues, and how many PASIDs.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/ledger.h"
#include "hw/ioasid/owner.h"

#include <errno.h>

/* --- quota -------------------------------------------------------------- */

/* What nobody else can have: the larger of reserved and charged. */
static uint32_t io_set_commitment(const IoSet *set)
{
    return MAX(set->cfg.quota_reserved, set->charged);
}

/* What can be committed of the global pool. */
static uint32_t io_set_pool_size(const ImIoasid *h)
{
    return (1u << h->cfg.pasid_bits) - 1;
}

static bool io_set_is_global(const IoSet *set)
{
    return set->cfg.pool == IMU_POOL_GLOBAL;
}

IM_RULE(IOASID_QUOTA);
int im_ioasid_set_may_charge(IoSet *set, uint32_t *exhausted)
{
    uint32_t n = set->charged;

    if (set->cfg.quota_max && n >= set->cfg.quota_max) {
        *exhausted = IMU_EXHAUSTED_SET;
    } else if (n >= set->cfg.quota_reserved &&
               set->ctx->committed >= set->ctx->host->cfg.ctx_quota) {
        *exhausted = IMU_EXHAUSTED_CTX;
    } else {
        return im_ioasid_may_have(set, IM_IOASID_PASIDS, 1, exhausted);
    }
    im_ioasid_event_post(set, IMU_EVENT_QUOTA_HIT, set->obj.ref,
                         set->cfg.user_token, 0, 0);
    return -EDQUOT;
}

bool im_ioasid_set_pool_open(const IoSet *set)
{
    const ImIoasid *h = set->ctx->host;

    return !io_set_is_global(set) || set->charged < set->cfg.quota_reserved ||
           h->pool_committed < io_set_pool_size(h);
}

void im_ioasid_set_charge(IoSet *set)
{
    bool more = set->charged >= set->cfg.quota_reserved;

    set->ctx->pasids++;
    im_ioasid_charge(set->ctx->owner, IM_IOASID_PASIDS, 1);
    set->ctx->committed += more;
    set->ctx->host->pool_committed += more && io_set_is_global(set);
    set->charged++;
    set->count[IMU_PASID_IDLE]++;
}

void im_ioasid_set_uncharge(ImIoasid *h, IoSet *set)
{
    bool more;

    set->count[IMU_PASID_QUARANTINE]--;
    set->charged--;
    more = set->charged >= set->cfg.quota_reserved;
    h->pool_committed -= more && io_set_is_global(set);
    im_ioasid_uncharge(set->ctx ? set->ctx->owner : set->owner,
                       IM_IOASID_PASIDS, 1);
    if (set->ctx) {
        set->ctx->pasids--;
        set->ctx->committed -= more;
    }
}

/* Commit now where was was: 0, -ENOSPC. Less is always possible. */
static int io_set_commit(ImIoasidCtx *c, bool global, uint32_t was,
                         uint32_t now)
{
    ImIoasid *h = c->host;
    uint32_t more = now > was ? now - was : 0;

    if (more > h->cfg.ctx_quota - c->committed ||
        (global && more > io_set_pool_size(h) - h->pool_committed)) {
        return -ENOSPC;
    }
    c->committed += now - was;
    h->pool_committed += global ? now - was : 0;
    return 0;
}

/* --- life --------------------------------------------------------------- */

static void io_set_free(ImIoasid *h, IoSet *set)
{
    if (!set) {
        return;
    }
    im_numbers_free(h, set->taken);
    im_table_free(h, set->gpasids);
    im_ioasid_release(h, set, sizeof(*set));
}

IM_RULE(IOASID_CMD_SET_CREATE);
static int io_set_create_values(const ImIoasid *h, const ImuSetCreate *a)
{
    uint32_t top = a->map_mode == IMU_MODE_IDENTITY ? io_set_pool_size(h) :
                                                      IM_PASID_MAX;

    if (a->map_mode > IMU_MODE_DELEGATED || a->pool > IMU_POOL_GLOBAL) {
        return -EOPNOTSUPP;
    }
    if (a->pool == IMU_POOL_GLOBAL && a->map_mode != IMU_MODE_TRANSLATE) {
        return -EINVAL;
    }
    if (a->map_mode == IMU_MODE_DELEGATED) {
        return a->quota_max || a->quota_reserved || a->gpasid_min ||
                       a->gpasid_max ?
                   -EINVAL :
                   0;
    }
    if (a->gpasid_min < 1 || a->gpasid_min > a->gpasid_max ||
        a->gpasid_max > top ||
        (a->quota_max && a->quota_reserved > a->quota_max)) {
        return -EINVAL;
    }
    return 0;
}

int im_ioasid_cmd_SET_CREATE(ImIoasidCtx *c, void *arg)
{
    ImIoasid *h = c->host;
    ImuSetCreate *a = arg;
    IoSet *set;
    bool global = a->pool == IMU_POOL_GLOBAL;
    int err = io_set_create_values(h, a);

    if (!err) {
        err = io_set_commit(c, global, 0, a->quota_reserved);
    }
    if (err) {
        return err;
    }
    set = im_ioasid_alloc(h, sizeof(*set));
    if (set) {
        set->ctx = c;
        set->cfg = *a;
        set->taken = im_numbers_new(h);
        set->gpasids = im_table_new(h);
    }
    err = set && set->taken && set->gpasids ? 0 : -ENOMEM;
    if (!err) {
        err = im_ioasid_number(c, &set->obj, IMU_KIND_SET, NULL);
    }
    if (!err) {
        a->set = set->obj.ref;
        err = im_ioasid_publish(c, a, &set->obj);
    }
    if (err) {
        (void)io_set_commit(c, global, a->quota_reserved, 0);
        io_set_free(h, set);
    }
    return err;
}

IM_RULE(IOASID_CMD_SET_UPDATE);
int im_ioasid_cmd_SET_UPDATE(ImIoasidCtx *c, void *arg)
{
    const ImuSetUpdate *a = arg;
    IoSet *set;
    int err = im_ioasid_set_of(c, a->set, &set);

    if (err) {
        return err;
    }
    if ((a->quota_max && a->quota_reserved > a->quota_max) ||
        (set->cfg.map_mode == IMU_MODE_DELEGATED &&
         (a->quota_max || a->quota_reserved))) {
        return -EINVAL;
    }
    err = io_set_commit(c, io_set_is_global(set), io_set_commitment(set),
                        MAX(a->quota_reserved, set->charged));
    if (!err) {
        set->cfg.quota_max = a->quota_max;
        set->cfg.quota_reserved = a->quota_reserved;
    }
    return err;
}

IM_RULE(IOASID_CMD_SET_QUERY);
int im_ioasid_cmd_SET_QUERY(ImIoasidCtx *c, void *arg)
{
    ImuSetQuery *a = arg;
    IoSet *set;
    int err = im_ioasid_set_of(c, a->set, &set);

    if (err) {
        return err;
    }
    a->quota_max = set->cfg.quota_max;
    a->quota_reserved = set->cfg.quota_reserved;
    a->live = set->count[IMU_PASID_IDLE] + set->count[IMU_PASID_BOUND];
    a->parked = set->count[IMU_PASID_PARKED];
    a->quarantined = set->count[IMU_PASID_QUARANTINE];
    a->devices = set->held[IMU_KIND_DEV];
    a->spaces = set->held[IMU_KIND_SPACE];
    a->queues = set->held[IMU_KIND_FAULTQ] + set->held[IMU_KIND_EVQ];
    a->user_token = set->cfg.user_token;
    return 0;
}

static bool io_set_holds(const IoSet *set)
{
    return set->count[IMU_PASID_IDLE] || set->count[IMU_PASID_BOUND] ||
           set->count[IMU_PASID_PARKED] || set->objects[IMU_KIND_DEV] ||
           set->objects[IMU_KIND_SPACE] || set->objects[IMU_KIND_FAULTQ] ||
           set->objects[IMU_KIND_EVQ];
}

/* Spaces that nothing refers to, until none is left: nested ones first. */
static void io_set_free_spaces(ImIoasidCtx *c, IoSet *set)
{
    ImLink **at = &set->objects[IMU_KIND_SPACE];

    while (*at) {
        IoSpace *space = IM_LINK_OF(*at, IoSpace, obj.in_set);

        if (space->obj.users) {
            at = &space->obj.in_set.next;
        } else {
            im_ioasid_space_free(c, space);
            at = &set->objects[IMU_KIND_SPACE];
        }
    }
}

/*
 * Devices first: what they send is refused from then on. PASIDs whose
 * numbers may not be reused yet outlive the set, which stays as their
 * owner without a handle.
 */
void im_ioasid_set_revoke(IoSet *set)
{
    ImIoasidCtx *c = set->ctx;
    ImIoasid *h = c->host;

    while (set->objects[IMU_KIND_DEV]) {
        im_ioasid_dev_drop(h, IM_LINK_OF(set->objects[IMU_KIND_DEV], IoDev,
                                         obj.in_set));
    }
    im_ioasid_pasids_orphan(h, set);
    io_set_free_spaces(c, set);
    im_ioasid_fences_forget(h, set);
    im_ioasid_groups_forget(h, set);
    for (unsigned kind = IMU_KIND_FAULTQ; kind <= IMU_KIND_EVQ; kind++) {
        while (set->objects[kind]) {
            im_ioasid_queue_free(h, IM_LINK_OF(set->objects[kind], IoQueue,
                                               obj.in_set));
        }
    }
    im_ioasid_unnumber(c, &set->obj);
    (void)io_set_commit(c, io_set_is_global(set), io_set_commitment(set),
                        set->charged);
    set->cfg.quota_reserved = 0;
    set->gone = true;
    im_link_in(&h->gone, &set->in_gone);
    im_ioasid_set_settle(h, set);
    im_ioasid_rearm(h);
}

IM_RULE(IOASID_CMD_SET_DESTROY);
int im_ioasid_cmd_SET_DESTROY(ImIoasidCtx *c, void *arg)
{
    const ImuSetDestroy *a = arg;
    IoSet *set;
    int err = im_ioasid_set_of(c, a->set, &set);

    if (err) {
        return err;
    }
    if (!(a->head.flags & IMU_SET_DESTROY_FORCE) && io_set_holds(set)) {
        return -EBUSY;
    }
    im_ioasid_set_revoke(set);
    return 0;
}

void im_ioasid_set_settle(ImIoasid *h, IoSet *set)
{
    if (set->gone && !set->orphans) {
        im_link_out(&set->in_gone);
        io_set_free(h, set);
    }
}

void im_ioasid_sets_orphan(ImIoasidCtx *c)
{
    for (ImLink *l = c->host->gone; l; l = l->next) {
        IoSet *set = IM_LINK_OF(l, IoSet, in_gone);

        if (set->ctx == c) {
            set->ctx = NULL;
            set->owner = c->owner;
        }
    }
}
