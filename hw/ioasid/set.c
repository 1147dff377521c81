/*
 * Sets: who owns PASIDs, devices, spaces and queues, and how many PASIDs.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/ledger.h"

#include <errno.h>

/* --- quota ----------------------------------------------------------------- */

static uint32_t charged(const IoSet *set)
{
    return set->count[IMU_PASID_IDLE] + set->count[IMU_PASID_BOUND] +
           set->count[IMU_PASID_PARKED] + set->count[IMU_PASID_QUARANTINE];
}

/* What nobody else can have: the larger of reserved and charged. */
static uint32_t commitment(const IoSet *set)
{
    return MAX(set->cfg.quota_reserved, charged(set));
}

static uint32_t quota_max(const IoSet *set)
{
    return set->cfg.quota_max ? set->cfg.quota_max :
           set->ctx->host->cfg.ctx_quota;
}

int im_ioasid_set_may_charge(const IoSet *set)
{
    uint32_t n = charged(set);

    if (n >= quota_max(set)) {
        return -EDQUOT;
    }
    if (n >= set->cfg.quota_reserved &&
        set->ctx->committed >= set->ctx->host->cfg.ctx_quota) {
        return -EDQUOT;
    }
    return 0;
}

/* Before the PASID is counted in a state. */
void im_ioasid_set_charge(IoSet *set)
{
    set->ctx->pasids++;
    set->ctx->committed += charged(set) >= set->cfg.quota_reserved;
}

/* After it is counted no more. */
void im_ioasid_set_uncharge(IoSet *set)
{
    if (set->ctx) {
        set->ctx->pasids--;
        set->ctx->committed -= charged(set) >= set->cfg.quota_reserved;
    }
}

/* The quotas agree with each other, and with the context's limit. */
static int quota_fits(const ImIoasidCtx *c, uint32_t max, uint32_t reserved)
{
    uint32_t limit = c->host->cfg.ctx_quota;

    if (max > limit || reserved > (max ? max : limit)) {
        return -EINVAL;
    }
    return 0;
}

/* --- life ------------------------------------------------------------------- */

void im_ioasid_set_free(ImIoasid *h, IoSet *set)
{
    im_numbers_free(h, set->taken);
    im_table_free(h, set->gpasids);
    im_ioasid_release(h, set, sizeof(*set));
}

static int create_values(const ImIoasidCtx *c, const ImuSetCreate *a)
{
    if (a->gpasid_min < 1 || a->gpasid_max > IM_PASID_MAX ||
        a->gpasid_min > a->gpasid_max || a->map_mode > IMU_MODE_DELEGATED ||
        a->pool > IMU_POOL_GLOBAL ||
        (a->pool == IMU_POOL_GLOBAL && a->map_mode != IMU_MODE_TRANSLATE)) {
        return -EINVAL;
    }
    return quota_fits(c, a->quota_max, a->quota_reserved);
}

int im_ioasid_cmd_SET_CREATE(ImIoasidCtx *c, void *arg)
{
    ImIoasid *h = c->host;
    ImuSetCreate *a = arg;
    IoSet *set;
    int err = create_values(c, a);

    if (err) {
        return err;
    }
    if (a->quota_reserved > h->cfg.ctx_quota - MIN(c->committed,
                                                   h->cfg.ctx_quota)) {
        return -ENOSPC;
    }
    set = im_ioasid_alloc(h, sizeof(*set));
    if (!set) {
        return -ENOMEM;
    }
    set->ctx = c;
    set->cfg = *a;
    set->taken = im_numbers_new(h);
    set->gpasids = im_table_new(h);
    err = set->taken && set->gpasids ? 0 : -ENOMEM;
    if (!err) {
        err = im_ioasid_number(c, &set->obj, IMU_KIND_SET, NULL);
    }
    if (!err) {
        a->set = set->obj.ref;
        err = im_ioasid_publish(c, a, &set->obj);
    }
    if (err) {
        im_ioasid_set_free(h, set);
        return err;
    }
    c->committed += set->cfg.quota_reserved;
    return 0;
}

int im_ioasid_cmd_SET_UPDATE(ImIoasidCtx *c, void *arg)
{
    ImuSetUpdate *a = arg;
    uint32_t others, now;
    IoSet *set;
    int err = im_ioasid_set_of(c, a->set, &set);

    if (!err) {
        err = quota_fits(c, a->quota_max, a->quota_reserved);
    }
    if (err) {
        return err;
    }
    others = c->committed - commitment(set);
    now = MAX(a->quota_reserved, charged(set));
    if (now > commitment(set) && now > c->host->cfg.ctx_quota - others) {
        return -ENOSPC;
    }
    set->cfg.quota_max = a->quota_max;
    set->cfg.quota_reserved = a->quota_reserved;
    c->committed = others + now;
    return 0;
}

static uint32_t objects(const IoSet *set, ImuKind kind)
{
    uint32_t n = 0;

    for (const ImLink *l = set->objects[kind]; l; l = l->next) {
        n++;
    }
    return n;
}

int im_ioasid_cmd_SET_QUERY(ImIoasidCtx *c, void *arg)
{
    ImuSetQuery *a = arg;
    IoSet *set;
    int err = im_ioasid_set_of(c, a->set, &set);

    if (err) {
        return err;
    }
    a->quota_max = quota_max(set);
    a->quota_reserved = set->cfg.quota_reserved;
    a->live = set->count[IMU_PASID_IDLE] + set->count[IMU_PASID_BOUND];
    a->parked = set->count[IMU_PASID_PARKED];
    a->quarantined = set->count[IMU_PASID_QUARANTINE];
    a->devices = objects(set, IMU_KIND_DEV);
    a->spaces = objects(set, IMU_KIND_SPACE);
    a->queues = objects(set, IMU_KIND_FAULTQ) + objects(set, IMU_KIND_EVQ);
    a->user_token = set->cfg.user_token;
    return 0;
}

static bool holds(const IoSet *set)
{
    return im_ioasid_pasids_held(set) || set->objects[IMU_KIND_DEV] ||
           set->objects[IMU_KIND_SPACE] || set->objects[IMU_KIND_FAULTQ] ||
           set->objects[IMU_KIND_EVQ];
}

/* Spaces that nothing refers to, until none is left: nested ones first. */
static void free_spaces(ImIoasidCtx *c, IoSet *set)
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
    uint32_t reserved = commitment(set) - charged(set);

    while (set->objects[IMU_KIND_DEV]) {
        im_ioasid_dev_drop(h, IM_LINK_OF(set->objects[IMU_KIND_DEV], IoDev,
                                         obj.in_set));
    }
    im_ioasid_pasids_orphan(h, set);
    free_spaces(c, set);
    im_ioasid_fences_forget(h, set);
    im_ioasid_groups_forget(h, set);
    for (unsigned kind = IMU_KIND_FAULTQ; kind <= IMU_KIND_EVQ; kind++) {
        while (set->objects[kind]) {
            im_ioasid_queue_free(h, IM_LINK_OF(set->objects[kind], IoQueue,
                                               obj.in_set));
        }
    }
    im_ioasid_unnumber(c, &set->obj);
    (void)reserved;
    set->gone = true;
    im_link_in(&h->gone, &set->in_gone);
    im_ioasid_set_settle(h, set);
    im_ioasid_rearm(h);
}

int im_ioasid_cmd_SET_DESTROY(ImIoasidCtx *c, void *arg)
{
    const ImuSetDestroy *a = arg;
    IoSet *set;
    int err = im_ioasid_set_of(c, a->set, &set);

    if (err) {
        return err;
    }
    if (!(a->head.flags & IMU_SET_DESTROY_FORCE) && holds(set)) {
        return -EBUSY;
    }
    im_ioasid_set_revoke(set);
    return 0;
}

void im_ioasid_sets_orphan(ImIoasidCtx *c)
{
    for (ImLink *l = c->host->gone; l; l = l->next) {
        IoSet *set = IM_LINK_OF(l, IoSet, in_gone);

        if (set->ctx == c) {
            set->ctx = NULL;
        }
    }
}
