/*
 * Owners: limits of many contexts together, in a tree as cgroups are.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/owner.h"

#include <errno.h>

#define DEPTH_MAX  16u

struct ImIoasidOwner {
    ImIoasid *h;
    ImIoasidOwner *parent;
    ImIoasidLimits limit, used;
    uint32_t users;                 /* contexts, and owners below */
    unsigned depth;                 /* from 1 */
    ImLink in_host;
};

/* --- charges ------------------------------------------------------------ */

static bool io_owner_has_room(const ImIoasidOwner *o, unsigned res, uint64_t n)
{
    return !o->limit.most[res] || (o->used.most[res] <= o->limit.most[res] &&
                                   n <= o->limit.most[res] - o->used.most[res]);
}

IM_RULE(IOASID_OWNERS);
unsigned im_ioasid_full_level(const ImIoasidOwner *o, ImIoasidResource res,
                              uint64_t n)
{
    for (unsigned level = 1; o; o = o->parent, level++) {
        if (!io_owner_has_room(o, res, n)) {
            return level;
        }
    }
    return 0;
}

void im_ioasid_charge(ImIoasidOwner *o, ImIoasidResource res, uint64_t n)
{
    for (; o; o = o->parent) {
        o->used.most[res] += n;
    }
}

void im_ioasid_uncharge(ImIoasidOwner *o, ImIoasidResource res, uint64_t n)
{
    for (; o; o = o->parent) {
        o->used.most[res] -= n;
    }
}

/* What a context has, as its owner counts it. */
static ImIoasidLimits io_owner_has(const ImIoasidCtx *c)
{
    return (ImIoasidLimits) { .most = {
                                  [IM_IOASID_PASIDS] = c->pasids,
                                  [IM_IOASID_PAGES] = c->pages,
                                  [IM_IOASID_GROUPS] = c->groups,
                              } };
}

int im_ioasid_may_have(IoSet *set, ImIoasidResource res, uint64_t n,
                       uint32_t *exhausted)
{
    unsigned level = im_ioasid_full_level(set->ctx->owner, res, n);

    if (!level) {
        return 0;
    }
    *exhausted = IMU_EXHAUSTED_OWNER + level - 1;
    im_ioasid_event_post(set, IMU_EVENT_LIMIT_HIT, set->obj.ref,
                         set->cfg.user_token, level, res);
    return -EDQUOT;
}

/* --- the host's side ---------------------------------------------------- */

ImIoasidOwner *im_ioasid_owner_new(ImIoasid *h, ImIoasidOwner *parent,
                                   const ImIoasidLimits *limits)
{
    unsigned depth = parent ? parent->depth + 1 : 1;
    ImIoasidOwner *o = depth > DEPTH_MAX ? NULL :
                                           im_ioasid_alloc(h, sizeof(*o));

    if (!o) {
        return NULL;
    }
    o->h = h;
    o->parent = parent;
    o->limit = *limits;
    o->depth = depth;
    if (parent) {
        parent->users++;
    }
    im_link_in(&h->owners, &o->in_host);
    return o;
}

static void io_owner_free(ImIoasidOwner *o)
{
    if (o->parent) {
        o->parent->users--;
    }
    im_link_out(&o->in_host);
    im_ioasid_release(o->h, o, sizeof(*o));
}

int im_ioasid_owner_free(ImIoasidOwner *o)
{
    if (o->users || o->used.most[IM_IOASID_PASIDS]) {
        return -EBUSY;
    }
    io_owner_free(o);
    return 0;
}

/* A parent is older than its children, and so behind them. */
void im_ioasid_owners_free(ImIoasid *h)
{
    while (h->owners) {
        io_owner_free(IM_LINK_OF(h->owners, ImIoasidOwner, in_host));
    }
}

int im_ioasid_owner_limit(ImIoasidOwner *o, const ImIoasidLimits *limits)
{
    for (unsigned r = 0; r < IM_IOASID_RESOURCES; r++) {
        if (limits->most[r] && limits->most[r] < o->used.most[r]) {
            return -EBUSY;
        }
    }
    o->limit = *limits;
    return 0;
}

const ImIoasidLimits *im_ioasid_owner_used(const ImIoasidOwner *o)
{
    return &o->used;
}

static void io_owner_charge_all(ImIoasidOwner *o, const ImIoasidLimits *n)
{
    for (unsigned r = 0; r < IM_IOASID_RESOURCES; r++) {
        im_ioasid_charge(o, (ImIoasidResource)r, n->most[r]);
    }
}

static void io_owner_uncharge_all(ImIoasidOwner *o, const ImIoasidLimits *n)
{
    for (unsigned r = 0; r < IM_IOASID_RESOURCES; r++) {
        im_ioasid_uncharge(o, (ImIoasidResource)r, n->most[r]);
    }
}

/* With all it has, or not at all. */
int im_ioasid_owner_put(ImIoasidCtx *c, ImIoasidOwner *o)
{
    const ImIoasidLimits has = io_owner_has(c);
    unsigned full = 0;

    io_owner_uncharge_all(c->owner, &has);
    for (unsigned r = 0; r < IM_IOASID_RESOURCES && !full; r++) {
        full = im_ioasid_full_level(o, (ImIoasidResource)r, has.most[r]);
    }
    if (full) {
        io_owner_charge_all(c->owner, &has);
        return -EDQUOT;
    }
    if (c->owner) {
        c->owner->users--;
    }
    c->owner = o;
    if (o) {
        o->users++;
    }
    io_owner_charge_all(o, &has);
    return 0;
}

void im_ioasid_owner_closed(ImIoasidCtx *c)
{
    if (c->owner) {
        c->owner->users--;
    }
}

/* --- LIMITS ------------------------------------------------------------- */

IM_RULE(IOASID_CMD_LIMITS);
int im_ioasid_cmd_LIMITS(ImIoasidCtx *c, void *arg)
{
    const ImIoasidLimits has = io_owner_has(c);
    const ImIoasidOwner *o = c->owner;
    ImuLimits *a = arg;

    a->levels = o ? o->depth : 0;
    if (a->level > a->levels) {
        return -ENOENT;
    }
    for (unsigned n = 1; n < a->level; n++) {
        o = o->parent;
    }
    a->pasids = a->level ? o->limit.most[IM_IOASID_PASIDS] :
                           c->host->cfg.ctx_quota;
    a->pages = a->level ? o->limit.most[IM_IOASID_PAGES] : 0;
    a->groups = a->level ? o->limit.most[IM_IOASID_GROUPS] : 0;
    a->pasids_used = has.most[IM_IOASID_PASIDS];
    a->pages_used = has.most[IM_IOASID_PAGES];
    a->groups_used = has.most[IM_IOASID_GROUPS];
    return 0;
}

/* --- for people, and for tests ------------------------------------------ */

void im_ioasid_owners_dump(const ImIoasid *h, GString *out)
{
    for (const ImLink *l = h->owners; l; l = l->next) {
        const ImIoasidOwner *o = IM_LINK_OF(l, ImIoasidOwner, in_host);

        g_string_append_printf(out, "owner of level %u:", o->depth);
        for (unsigned r = 0; r < IM_IOASID_RESOURCES; r++) {
            static const char *const names[] = { "PASIDs", "pages", "groups" };

            g_string_append_printf(out, " %" G_GUINT64_FORMAT " %s",
                                   o->used.most[r], names[r]);
            if (o->limit.most[r]) {
                g_string_append_printf(out, " of %" G_GUINT64_FORMAT,
                                       o->limit.most[r]);
            }
        }
        g_string_append_c(out, '\n');
    }
}

static bool io_owner_is_above(const ImIoasidOwner *o, const ImIoasidOwner *of)
{
    while (of && of != o) {
        of = of->parent;
    }
    return of;
}

static ImIoasidLimits io_owner_count(const ImIoasidOwner *o)
{
    ImIoasidLimits sum = { { 0 } };

    for (const ImLink *l = o->h->ctxs; l; l = l->next) {
        const ImIoasidCtx *c = IM_LINK_OF(l, ImIoasidCtx, in_host);
        const ImIoasidLimits has = io_owner_has(c);

        for (unsigned r = 0; r < IM_IOASID_RESOURCES; r++) {
            sum.most[r] += io_owner_is_above(o, c->owner) ? has.most[r] : 0;
        }
    }
    for (const ImLink *l = o->h->gone; l; l = l->next) {
        const IoSet *set = IM_LINK_OF(l, IoSet, in_gone);

        sum.most[IM_IOASID_PASIDS] +=
            !set->ctx && io_owner_is_above(o, set->owner) ? set->charged : 0;
    }
    return sum;
}

char *im_ioasid_owners_check(const ImIoasid *h)
{
    for (const ImLink *l = h->owners; l; l = l->next) {
        const ImIoasidOwner *o = IM_LINK_OF(l, ImIoasidOwner, in_host);
        const ImIoasidLimits real = io_owner_count(o);

        for (unsigned r = 0; r < IM_IOASID_RESOURCES; r++) {
            if (real.most[r] != o->used.most[r] ||
                !io_owner_has_room(o, r, 0)) {
                return g_strdup_printf("I2: an owner of level %u has resource "
                                       "%u miscounted, or beyond its limit",
                                       o->depth, r);
            }
        }
    }
    return NULL;
}
