/*
 * The host backend: life, contexts, time.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/iommu.h"
#include "hw/core/port.h"
#include "hw/ioasid/handle.h"
#include "hw/ioasid/moving.h"
#include "hw/ioasid/owner.h"

#include <errno.h>
#include <string.h>

const ImIoasidConfig IM_IOASID_CONFIG_DEFAULT = {
    .pasid_bits = 20,
    .page_shift = 12,
    .ctx_quota = 65536,
    .iotlb_entries = 65536,
    .pri_set_limit = 256,
    .ats_timeout_ns = UINT64_C(10000000000),
    .quarantine_ns = 1000000,
};

/* NULL, or what is impossible. */
static const char *io_impossible(const ImIoasidConfig *c)
{
    const struct {
        bool bad;
        const char *why;
    } rows[] = {
        { c->pasid_bits < 1 || c->pasid_bits > IM_PASID_BITS,
          "pasid_bits must be 1 .. 20" },
        { c->page_shift < 11 || c->page_shift > 16,
          "page_shift must be 11 .. 16" },
        { c->ctx_quota < 1 || c->ctx_quota > IM_PASID_MAX,
          "ctx_quota must be 1 .. 1048575" },
        { c->iotlb_entries < 16 || c->iotlb_entries & (c->iotlb_entries - 1),
          "iotlb_entries must be a power of two, at least 16" },
        { c->iotlb_entries > 1u << 24,
          "iotlb_entries must be at most 16777216" },
        { c->pri_set_limit < 1 || c->pri_set_limit > 65536,
          "pri_set_limit must be 1 .. 65536" },
        { c->ats_timeout_ns < 1, "ats_timeout_ns must be above 0" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].bad) {
            return rows[i].why;
        }
    }
    return NULL;
}

/* Allocate what an instance always has; false: no memory. */
static bool io_furnish(ImIoasid *h)
{
    h->dev_buckets = IO_DEV_BUCKETS_MIN;
    h->dev_bucket = im_ioasid_alloc(h, h->dev_buckets * sizeof(ImLink *));
    h->pool = im_numbers_new(h);
    h->blocked = im_ioasid_alloc(h, sizeof(*h->blocked));
    h->nothing = im_ioasid_alloc(h, sizeof(*h->nothing));
    if (!h->dev_bucket || !h->pool || !h->blocked || !h->nothing) {
        return false;
    }
    h->blocked->kind = IMU_SPACE_BLOCK;
    h->groups = im_ioasid_groups_new(h);
    h->caches = h->groups ? im_ioasid_caches_new(h) : NULL;
    h->fences = h->caches ? im_ioasid_fences_new(h) : NULL;
    return h->fences;
}

static void io_strip(ImIoasid *h)
{
    if (h->fences) {
        im_ioasid_fences_free(h, h->fences);
    }
    if (h->caches) {
        im_ioasid_caches_free(h, h->caches);
    }
    im_ioasid_groups_free(h, h->groups);
    im_numbers_free(h, h->pool);
    im_ioasid_release(h, h->nothing, sizeof(*h->nothing));
    im_ioasid_release(h, h->blocked, sizeof(*h->blocked));
    im_ioasid_release(h, h->dev_bucket, h->dev_buckets * sizeof(ImLink *));
    im_ioasid_release(h, h, sizeof(*h));
}

static void io_port_copy(ImIoasidPort *to, const ImIoasidPort *from)
{
    g_assert(from->size >= G_STRUCT_OFFSET(ImIoasidPort, readable));
    memcpy(to, from, MIN(from->size, sizeof(*to)));
    to->size = sizeof(*to);
    im_port_copy(&to->iommu, &from->iommu);
    g_assert(to->alloc && to->free && to->user_read && to->user_write &&
             to->pin && to->unpin);
}

ImIoasid *im_ioasid_new(const ImIoasidConfig *config, const ImIoasidPort *port,
                        void *host, char **err)
{
    const char *why = io_impossible(config);
    ImIoasid *h = why ? NULL : port->alloc(host, sizeof(*h));

    if (h) {
        h->cfg = *config;
        h->opaque = host;
        h->armed = IM_NEVER;
        io_port_copy(&h->port, port);
        im_fifo_init(&h->cooling);
        im_fifo_init(&h->resting);
        if (io_furnish(h)) {
            return h;
        }
        io_strip(h);
    }
    if (err) {
        *err = g_strdup(why ? why : "no memory");
    }
    return NULL;
}

void im_ioasid_empty(ImIoasidCtx *c)
{
    while (c->sets) {
        im_ioasid_set_revoke(IM_LINK_OF(c->sets, IoSet, obj.in_set));
    }
}

void im_ioasid_reset(ImIoasid *h)
{
    for (ImLink *l = h->ctxs; l; l = l->next) {
        im_ioasid_empty(IM_LINK_OF(l, ImIoasidCtx, in_host));
    }
    im_ioasid_devices_forget(h);
    im_ioasid_pasids_forget(h, NULL);
    im_ioasid_rearm(h);
}

void im_ioasid_free(ImIoasid *h)
{
    if (!h) {
        return;
    }
    while (h->ctxs) {
        im_ioasid_close(IM_LINK_OF(h->ctxs, ImIoasidCtx, in_host));
    }
    im_ioasid_reset(h);
    while (h->devs) {
        IoHostDev *hd = IM_LINK_OF(h->devs, IoHostDev, in_host);

        (void)im_ioasid_device_remove(h, hd->cfg.func);
    }
    im_ioasid_owners_free(h);
    io_strip(h);
}

ImIoasidCtx *im_ioasid_open(ImIoasid *h, uint32_t flags, void *user)
{
    ImIoasidCtx *c = im_ioasid_alloc(h, sizeof(*c));

    if (!c) {
        return NULL;
    }
    c->handles = im_handles_new(h);
    if (!c->handles) {
        im_ioasid_release(h, c, sizeof(*c));
        return NULL;
    }
    c->host = h;
    c->flags = flags;
    c->user = user;
    im_link_in(&h->ctxs, &c->in_host);
    return c;
}

void im_ioasid_close(ImIoasidCtx *c)
{
    ImIoasid *h = c->host;

    im_ioasid_empty(c);
    im_ioasid_sets_orphan(c);
    im_ioasid_owner_closed(c);
    im_link_out(&c->in_host);
    im_handles_free(h, c->handles);
    im_ioasid_release(h, c, sizeof(*c));
}

/* --- time --------------------------------------------------------------- */

static uint64_t io_ledger_deadline(const ImIoasid *h)
{
    uint64_t when = MIN(im_ioasid_pasids_deadline(h),
                        im_ioasid_rest_deadline(h));

    return MIN(when, im_ioasid_groups_deadline(h));
}

static void io_ledger_due(ImIoasid *h, uint64_t now)
{
    im_ioasid_groups_due(h, now);
    im_ioasid_rest_due(h, now);
    im_ioasid_pasids_due(h, now);
}

void im_ioasid_rearm(ImIoasid *h)
{
    uint64_t when = MIN(io_ledger_deadline(h), im_ioasid_fence_deadline(h));

    if (when != h->armed) {
        h->armed = when;
        h->port.iommu.deadline(h->opaque, when);
    }
}

IM_RULE(IOASID_TIME);
void im_ioasid_deadline(ImIoasid *h)
{
    uint64_t now = im_ioasid_now(h);

    h->armed = IM_NEVER;                /* the alarm rang */
    im_ioasid_fence_due(h, now);
    io_ledger_due(h, now);
    im_ioasid_rearm(h);
}

const ImIoasidCounters *im_ioasid_counters(const ImIoasid *h)
{
    return &h->counters;
}

/* --- the upward port ---------------------------------------------------- */

IM_IOMMU_FUNCTIONS(ioasid)
IM_IOMMU_FUNCTION(ioasid, ImPageFate, explain_page_request,
                  (void *u, const ImPageReq *req, ImStepFn *fn, void *opaque),
                  (u, req, fn, opaque))
IM_IOMMU_FUNCTION(ioasid, void, cancel, (void *u, uint64_t handle), (u, handle))
IM_IOMMU_FUNCTION(ioasid, void, dump, (void *u, GString *out), (u, NULL, out))
IM_IOMMU_COUNTERS(ioasid, ImIoasidCounters, IM_IOASID_COUNTERS)

const ImIommuOps im_ioasid_ops = {
    .name = "ioasid",
    .segments = true,
    IM_IOMMU_MEMBERS(ioasid),
    .cancel = ioasid_any_cancel,
    .explain_page_request = ioasid_any_explain_page_request,
    .fault_name = im_ioasid_fault_name,
    .dump = ioasid_any_dump,
    .counters = ioasid_any_counters,
};
