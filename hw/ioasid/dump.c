/*
 * Everything a person wants to see of a backend. Counters are not state:
 * a dump before and after a command that failed is the same.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/ledger.h"
#include "hw/ioasid/owner.h"

#include <inttypes.h>

static const char *const mode_names[] = {
    [IMU_MODE_IDENTITY] = "identity",
    [IMU_MODE_TRANSLATE] = "translate",
    [IMU_MODE_DELEGATED] = "delegated",
};

static const char *const state_names[] = {
    [IMU_PASID_FREE] = "free",
    [IMU_PASID_IDLE] = "idle",
    [IMU_PASID_BOUND] = "bound",
    [IMU_PASID_PARKED] = "parked",
    [IMU_PASID_QUARANTINE] = "quarantine",
};

#define EVENT_NAME(n)  #n,
static const char *const event_names[] = { IMU_EVENTS(EVENT_NAME) };

/* clang-format off */
static const struct CapName {
    uint32_t cap;
    const char *name;
} cap_names[] = {
    { IMU_DEV_CAP_PASID, "pasid" },
    { IMU_DEV_CAP_ATS, "ats" },
    { IMU_DEV_CAP_PRI, "pri" },
    { IMU_DEV_CAP_EXEC, "exec" },
    { IMU_DEV_CAP_PRIV, "priv" },
};
/* clang-format on */

static void io_dump_func(uint32_t func, GString *out)
{
    g_string_append_printf(out, "%04x:%02x:%02x.%x", func >> 16,
                           func >> 8 & 0xff, func >> 3 & 0x1f, func & 7);
}

static void io_dump_ref(const char *what, const IoObject *obj, GString *out)
{
    if (obj->ref.id) {
        g_string_append_printf(out, "%s %" PRIu32 ".%" PRIu32, what,
                               obj->ref.id, obj->ref.gen);
    } else {
        g_string_append_printf(out, "%s -", what);
    }
}

static void io_dump_host_dev(const IoHostDev *hd, GString *out)
{
    g_string_append(out, "function ");
    io_dump_func(hd->cfg.func, out);
    g_string_append_printf(out,
                           ": group %" PRIu32 ", %u PASID bits, %" PRIu32
                           " page request groups",
                           hd->cfg.group, hd->cfg.pasid_bits,
                           hd->cfg.pri_credit);
    for (size_t i = 0; i < G_N_ELEMENTS(cap_names); i++) {
        if (hd->cfg.caps & cap_names[i].cap) {
            g_string_append_printf(out, ", %s", cap_names[i].name);
        }
    }
    g_string_append_c(out, '\n');
    for (unsigned i = 0; i < hd->cfg.reserved_count; i++) {
        g_string_append_printf(out, "  reserved %" PRIx64 " .. %" PRIx64 "\n",
                               hd->cfg.reserved[i].first,
                               hd->cfg.reserved[i].last);
    }
}

/* What it looks into, and how. */
static void io_dump_view(const IoBind *b, GString *out)
{
    if (b->parked) {
        g_string_append(out, " parked");
    } else if (b->ended) {
        g_string_append(out, " ended");
    } else {
        io_dump_ref(" ->", &b->space->obj, out);
    }
    if (b->flags & IMU_ATTACH_NO_ATS) {
        g_string_append(out, ", no ATS");
    }
    g_string_append_c(out, '\n');
}

static void io_dump_pasid(const IoPasid *p, GString *out)
{
    io_dump_ref("    pasid", &p->obj, out);
    g_string_append_printf(out, ": guest %" PRIu32 ", %s", p->gpasid,
                           state_names[p->state]);
    if (p->hpasid) {
        g_string_append_printf(out, ", host %" PRIu32, p->hpasid);
    }
    if (p->drains) {
        g_string_append_printf(out, ", %" PRIu32 " to drain", p->drains);
    }
    if (p->cooling.pprev) {
        g_string_append_printf(out, ", quiet at %" PRIu64, p->ripe);
    }
    g_string_append_c(out, '\n');
    for (const ImLink *l = p->binds; l; l = l->next) {
        const IoBind *b = IM_LINK_OF(l, IoBind, by_pasid);

        g_string_append(out, "      on ");
        io_dump_func(b->host->cfg.func, out);
        g_string_append_printf(out, " as %" PRIu32 ":", b->hpasid);
        io_dump_view(b, out);
    }
}

static void io_dump_dev(const IoDev *dev, GString *out)
{
    io_dump_ref("    device", &dev->obj, out);
    if (dev->host->taken || dev->host->bound == dev) {
        g_string_append(out, ": ");
        io_dump_func(dev->host->cfg.func, out);
    } else {
        g_string_append(out, ": removed");
    }
    g_string_append_printf(out,
                           ", cookie %" PRIx64 ", %" PRIu32
                           " page request groups\n",
                           dev->cookie, dev->groups);
    if (dev->own) {
        g_string_append(out, "      without PASID:");
        io_dump_view(dev->own, out);
    }
    for (unsigned i = 0; dev->groups && i < IO_PRGIS; i++) {
        if (dev->partial[i]) {
            g_string_append_printf(out, "      group %u is not whole\n", i);
        }
    }
}

static void io_dump_queue(const IoQueue *q, GString *out)
{
    if (q->obj.kind == IMU_KIND_FAULTQ) {
        io_dump_ref("    fault queue", &q->obj, out);
        g_string_append_printf(out,
                               ": %" PRIu64 " ns, %" PRIu32 " pages unread\n",
                               q->deadline_ns, q->pages);
        im_ioasid_groups_dump(q, out);
        return;
    }
    io_dump_ref("    event queue", &q->obj, out);
    g_string_append_printf(
        out, ": %" PRIu32 " of %" PRIu32 ", sequence %" PRIu64 "%s\n", q->count,
        q->depth, q->sequence, q->lost ? ", lost" : "");
    for (uint32_t i = 0; i < q->count; i++) {
        const ImuEvent *e = &q->events[(q->head + i) % q->depth];

        g_string_append_printf(out,
                               "      %" PRIu64 " %s %" PRIu32 ".%" PRIu32 "\n",
                               e->sequence, event_names[e->type], e->object.id,
                               e->object.gen);
    }
}

/* Oldest first, whatever the list's order is. */
static void io_dump_objects(const IoSet *set, ImuKind kind, GString *out)
{
    const ImLink *l = set->objects[kind];

    while (l && l->next) {
        l = l->next;
    }
    while (l) {
        const IoObject *obj = IM_LINK_OF(l, IoObject, in_set);

        switch (kind) {
        case IMU_KIND_PASID:
            io_dump_pasid(IM_LINK_OF(obj, IoPasid, obj), out);
            break;
        case IMU_KIND_DEV:
            io_dump_dev(IM_LINK_OF(obj, IoDev, obj), out);
            break;
        case IMU_KIND_SPACE:
            im_ioasid_space_dump(IM_LINK_OF(obj, IoSpace, obj), out);
            break;
        default:
            io_dump_queue(IM_LINK_OF(obj, IoQueue, obj), out);
            break;
        }
        l = l->pprev == &set->objects[kind] ?
                NULL :
                IM_LINK_OF(l->pprev, ImLink, next);
    }
}

static void io_dump_set(const IoSet *set, GString *out)
{
    io_dump_ref("  set", &set->obj, out);
    g_string_append_printf(out,
                           ": %s%s, guest %" PRIu32 " .. %" PRIu32
                           ", quota %" PRIu32 " reserved %" PRIu32
                           ", token %" PRIx64 "\n",
                           mode_names[set->cfg.map_mode],
                           set->cfg.pool == IMU_POOL_GLOBAL ? " global" : "",
                           set->cfg.gpasid_min, set->cfg.gpasid_max,
                           set->cfg.quota_max, set->cfg.quota_reserved,
                           set->cfg.user_token);
    for (unsigned kind = IMU_KIND_PASID; kind < IMU_KINDS; kind++) {
        io_dump_objects(set, (ImuKind)kind, out);
    }
}

static void io_dump_ctx(const ImIoasidCtx *c, GString *out)
{
    g_string_append_printf(out,
                           "context: %" PRIu32 " PASIDs charged, %" PRIu32
                           " committed\n",
                           c->pasids, c->committed);
    for (const ImLink *l = c->sets; l; l = l->next) {
        io_dump_set(IM_LINK_OF(l, IoSet, obj.in_set), out);
    }
}

void im_ioasid_dump(ImIoasid *h, const ImIoasidCtx *c, GString *out)
{
    if (c) {
        io_dump_ctx(c, out);
        return;
    }
    g_string_append_printf(out,
                           "backend: %u PASID bits, pages of %u bits, %" PRIu32
                           " of the pool committed\n",
                           h->cfg.pasid_bits, h->cfg.page_shift,
                           h->pool_committed);
    im_ioasid_owners_dump(h, out);
    for (const ImLink *l = h->devs; l; l = l->next) {
        io_dump_host_dev(IM_LINK_OF(l, IoHostDev, in_host), out);
    }
    for (const ImLink *l = h->ctxs; l; l = l->next) {
        io_dump_ctx(IM_LINK_OF(l, ImIoasidCtx, in_host), out);
    }
    for (const ImLink *l = h->gone; l; l = l->next) {
        const IoSet *set = IM_LINK_OF(l, IoSet, in_gone);

        g_string_append(out, "gone:\n");
        for (const ImLink *o = set->orphans; o; o = o->next) {
            io_dump_pasid(IM_LINK_OF(o, IoPasid, obj.in_set), out);
        }
    }
}
