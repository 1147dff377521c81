/*
 * The invariants that can be seen from within: I2, I3, I5, I7, I8, and of I1
 * and I4 that no reference crosses a set and no index names what ended.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/handle.h"
#include "hw/ioasid/ledger.h"
#include "hw/ioasid/owner.h"

#include <string.h>

static char *io_check_broken(const char *which, const char *what, ImuRef ref)
{
    return g_strdup_printf("%s: %s (%u.%u)", which, what, ref.id, ref.gen);
}

static bool io_check_reaches(const IoHostDev *hd, const IoBind *b)
{
    return hd->bound && im_table_get(hd->bound->by_hpasid, b->hpasid) == b;
}

static char *io_check_bind(const IoBind *b)
{
    ImuRef ref = b->pasid ? b->pasid->obj.ref : b->dev->obj.ref;

    if (b->ended) {
        return b->space->kind == IMU_SPACE_BLOCK &&
                       !io_check_reaches(b->host, b) && !b->groups &&
                       im_numbers_taken(b->host->taken, b->hpasid) ?
                   NULL :
                   io_check_broken("I4", "an ended binding has effect", ref);
    }
    if (!b->dev || b->dev->host != b->host || b->host->bound != b->dev) {
        return io_check_broken("I7", "a binding without device", ref);
    }
    if (b->pasid && (!io_check_reaches(b->host, b) ||
                     !im_numbers_taken(b->host->taken, b->hpasid))) {
        return io_check_broken("I3", "a host number without owner", ref);
    }
    if (b->parked ? b->space->kind != IMU_SPACE_BLOCK || b->space->obj.set :
                    b->space->obj.set != b->dev->obj.set) {
        return io_check_broken("I1", "a binding to a space of nobody", ref);
    }
    if (b->pasid && b->pasid->obj.set != b->dev->obj.set) {
        return io_check_broken("I1", "a binding across sets", ref);
    }
    return NULL;
}

/* Whether the state says what its bindings are. */
static bool io_check_state_agrees(const IoPasid *p, uint32_t active,
                                  uint32_t parked)
{
    switch (p->state) {
    case IMU_PASID_IDLE:
    case IMU_PASID_QUARANTINE:
        return active == 0;
    case IMU_PASID_BOUND:
        return active && !parked;
    case IMU_PASID_PARKED:
        return active && parked == active;
    default:
        return false;
    }
}

static char *io_check_pasid(const IoSet *set, const IoPasid *p)
{
    bool live = p->state == IMU_PASID_IDLE || p->state == IMU_PASID_BOUND;
    uint32_t active = 0;
    uint32_t parked = 0;

    for (const ImLink *l = p->binds; l; l = l->next) {
        const IoBind *b = IM_LINK_OF(l, IoBind, by_pasid);
        char *why = io_check_bind(b);

        if (why) {
            return why;
        }
        if (b->pasid != p) {
            return io_check_broken("I7", "a binding of another PASID",
                                   p->obj.ref);
        }
        active += !b->ended;
        parked += b->parked;
    }
    if (active != p->active || !io_check_state_agrees(p, active, parked)) {
        return io_check_broken("I7", "state and bindings disagree", p->obj.ref);
    }
    if (live != (im_table_get(set->gpasids, p->gpasid) == p)) {
        return io_check_broken("I8", "a guest number is not what it says",
                               p->obj.ref);
    }
    return NULL;
}

static char *io_check_pasids(const IoSet *set, const ImLink *list,
                             uint32_t *count)
{
    for (const ImLink *l = list; l; l = l->next) {
        const IoPasid *p = IM_LINK_OF(l, IoPasid, obj.in_set);
        char *why = io_check_pasid(set, p);

        if (why) {
            return why;
        }
        count[p->state]++;
    }
    return NULL;
}

static uint32_t io_check_charged(const IoSet *set)
{
    uint32_t n = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(set->count); i++) {
        n += set->count[i];
    }
    return n;
}

static char *io_check_set(const ImIoasid *h, const IoSet *set)
{
    uint32_t count[G_N_ELEMENTS(set->count)] = { 0 };
    uint32_t groups = 0;
    char *why = io_check_pasids(set, set->objects[IMU_KIND_PASID], count);

    if (!why) {
        why = io_check_pasids(set, set->orphans, count);
    }
    if (!why && (memcmp(count, set->count, sizeof(count)) ||
                 io_check_charged(set) != set->charged)) {
        why = io_check_broken("I2", "PASIDs are miscounted", set->obj.ref);
    }
    for (const ImLink *l = set->objects[IMU_KIND_DEV]; l && !why; l = l->next) {
        const IoDev *dev = IM_LINK_OF(l, IoDev, obj.in_set);
        const char *what = im_ioasid_groups_check(dev);

        groups += dev->groups;
        why = what     ? io_check_broken("I5", what, dev->obj.ref) :
              dev->own ? io_check_bind(dev->own) :
                         NULL;
    }
    if (!why && groups != set->groups) {
        why = io_check_broken("I5", "groups of a set are miscounted",
                              set->obj.ref);
    }
    for (const ImLink *l = set->objects[IMU_KIND_SPACE]; l && !why;
         l = l->next) {
        why = im_ioasid_space_check(h, IM_LINK_OF(l, IoSpace, obj.in_set));
    }
    return why;
}

static uint32_t io_check_committed(const IoSet *set)
{
    return MAX(set->cfg.quota_reserved, io_check_charged(set));
}

static char *io_check_quota(const ImIoasid *h, const ImIoasidCtx *c)
{
    uint32_t n = 0;
    uint32_t held = 0;

    for (const ImLink *l = c->sets; l; l = l->next) {
        const IoSet *set = IM_LINK_OF(l, IoSet, obj.in_set);

        n += io_check_charged(set);
        held += io_check_committed(set);
    }
    for (const ImLink *l = h->gone; l; l = l->next) {
        const IoSet *set = IM_LINK_OF(l, IoSet, in_gone);

        n += set->ctx == c ? io_check_charged(set) : 0;
        held += set->ctx == c ? io_check_charged(set) : 0;
    }
    return n == c->pasids && held == c->committed && held <= h->cfg.ctx_quota ?
               NULL :
               g_strdup_printf("I2: %u charged and %u committed, not %u and %u",
                               n, held, c->pasids, c->committed);
}

static char *io_check_pool(const ImIoasid *h)
{
    uint32_t n = 0;

    for (const ImLink *l = h->ctxs; l; l = l->next) {
        const ImIoasidCtx *c = IM_LINK_OF(l, ImIoasidCtx, in_host);

        for (const ImLink *s = c->sets; s; s = s->next) {
            const IoSet *set = IM_LINK_OF(s, IoSet, obj.in_set);

            n += set->cfg.pool == IMU_POOL_GLOBAL ? io_check_committed(set) : 0;
        }
    }
    for (const ImLink *l = h->gone; l; l = l->next) {
        const IoSet *set = IM_LINK_OF(l, IoSet, in_gone);

        n += set->cfg.pool == IMU_POOL_GLOBAL ? io_check_charged(set) : 0;
    }
    return n == h->pool_committed ?
               NULL :
               g_strdup_printf("I2: %u of the pool committed, not %u", n,
                               h->pool_committed);
}

IM_RULE(IOASID_INVARIANTS);
char *im_ioasid_check(ImIoasid *h)
{
    char *why = io_check_pool(h);

    why = why ? why : im_ioasid_owners_check(h);

    for (const ImLink *l = h->ctxs; l && !why; l = l->next) {
        const ImIoasidCtx *c = IM_LINK_OF(l, ImIoasidCtx, in_host);

        why = io_check_quota(h, c);
        for (const ImLink *s = c->sets; s && !why; s = s->next) {
            why = io_check_set(h, IM_LINK_OF(s, IoSet, obj.in_set));
        }
    }
    for (const ImLink *l = h->gone; l && !why; l = l->next) {
        why = io_check_set(h, IM_LINK_OF(l, IoSet, in_gone));
    }
    return why;
}
