/*
 * A world for the host backend: memory, time, functions.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "world.h"

#define PAGE  UINT64_C(4096)

typedef struct Sent {
    enum { SENT_INV, SENT_RESP } kind;
    ImAtsInv inv;
    ImPageResp resp;
} Sent;

G_GNUC_PRINTF(2, 3)
static void world_say(World *w, const char *format, ...)
{
    g_autofree char *line = NULL;
    va_list ap;

    va_start(ap, format);
    line = g_strdup_vprintf(format, ap);
    va_end(ap);
    w->say(w, line);
}

/* --- memory ------------------------------------------------------------- */

static bool world_inside(uint64_t addr, uint64_t len)
{
    return addr <= WORLD_MEMORY && len <= WORLD_MEMORY - addr;
}

bool world_peek(const World *w, uint64_t addr, uint64_t *value)
{
    if (addr % 8 || !world_inside(addr, 8)) {
        return false;
    }
    memcpy(value, w->memory + addr, 8);
    *value = GUINT64_FROM_LE(*value);
    return true;
}

bool world_poke(World *w, uint64_t addr, uint64_t value)
{
    if (addr % 8 || !world_inside(addr, 8)) {
        return false;
    }
    value = GUINT64_TO_LE(value);
    memcpy(w->memory + addr, &value, 8);
    return true;
}

/* 3.6: P, R/W, U/S, A in every entry; 9 bits of the address a level. */
bool world_map_page(World *w, uint64_t root, uint64_t va, uint64_t pa,
                    bool write)
{
    uint64_t table = root & ~(PAGE - 1), entry;

    for (unsigned shift = 39; shift > 12; shift -= 9) {
        uint64_t at = table + (va >> shift & 511) * 8;

        if (!world_peek(w, at, &entry)) {
            return false;
        }
        if (!(entry & 1)) {
            if (w->tables <= WORLD_MEMORY / 2) {
                return false;
            }
            w->tables -= PAGE;
            entry = w->tables | 0x7;
            world_poke(w, at, entry);
        }
        table = entry & ~(PAGE - 1);
    }
    return world_poke(w, table + (va >> 12 & 511) * 8,
                      (pa & ~(PAGE - 1)) | (write ? 0x7 : 0x5));
}

/* --- the backend's port ------------------------------------------------- */

static ImBus world_port_read(void *host, uint64_t pa, void *buf, size_t len)
{
    World *w = host;

    if (!world_inside(pa, len)) {
        return IM_BUS_ERROR;
    }
    memcpy(buf, w->memory + pa, len);
    return IM_BUS_OK;
}

static ImBus world_port_write(void *host, uint64_t pa, const void *buf,
                              size_t len)
{
    World *w = host;

    if (!world_inside(pa, len)) {
        return IM_BUS_ERROR;
    }
    memcpy(w->memory + pa, buf, len);
    return IM_BUS_OK;
}

static ImBus world_port_cmpxchg64(void *host, uint64_t pa, uint64_t *expected,
                                  uint64_t desired)
{
    uint64_t seen;

    if (!world_peek(host, pa, &seen)) {
        return IM_BUS_ERROR;
    }
    if (seen != *expected) {
        *expected = seen;
        return IM_BUS_RETRY;
    }
    world_poke(host, pa, desired);
    return IM_BUS_OK;
}

static void world_port_msi(void *host G_GNUC_UNUSED,
                           const ImMsi *msi G_GNUC_UNUSED)
{
}

static void world_port_ats_invalidate(void *host, const ImAtsInv *inv)
{
    World *w = host;
    Sent s = { .kind = SENT_INV, .inv = *inv };

    g_array_append_val(w->outbox, s);
}

static void world_port_page_response(void *host, const ImPageResp *resp)
{
    World *w = host;
    Sent s = { .kind = SENT_RESP, .resp = *resp };

    g_array_append_val(w->outbox, s);
}

static uint64_t world_port_now(void *host)
{
    return ((World *)host)->now;
}

static void world_port_deadline(void *host, uint64_t when)
{
    ((World *)host)->alarm = when;
}

static void *world_port_alloc(void *host G_GNUC_UNUSED, size_t bytes)
{
    return g_try_malloc0(bytes);
}

static void world_port_free(void *host G_GNUC_UNUSED, void *p,
                            size_t bytes G_GNUC_UNUSED)
{
    g_free(p);
}

static int world_user_read(void *host, void *user G_GNUC_UNUSED, uint64_t addr,
                           void *buf, size_t len)
{
    World *w = host;

    if (addr >= IMU_CALL_BASE && w->call) {
        return im_ioasid_call_access(w->call, addr, buf, len, false);
    }
    return world_port_read(w, addr, buf, len) == IM_BUS_OK ? 0 : -EFAULT;
}

static int world_user_write(void *host, void *user G_GNUC_UNUSED, uint64_t addr,
                            const void *buf, size_t len)
{
    World *w = host;

    if (addr >= IMU_CALL_BASE && w->call) {
        return im_ioasid_call_access(w->call, addr, (void *)buf, len, true);
    }
    return world_port_write(w, addr, buf, len) == IM_BUS_OK ? 0 : -EFAULT;
}

static int world_port_pin(void *host G_GNUC_UNUSED, void *user G_GNUC_UNUSED,
                          uint64_t addr, bool write G_GNUC_UNUSED, uint64_t *pa)
{
    *pa = addr;
    return world_inside(addr, PAGE) ? 0 : -EFAULT;
}

static void world_port_unpin(void *host G_GNUC_UNUSED, void *user G_GNUC_UNUSED,
                             uint64_t addr G_GNUC_UNUSED,
                             uint64_t pa G_GNUC_UNUSED,
                             bool dirty G_GNUC_UNUSED)
{
}

static const ImIoasidPort world_port = {
    .size = sizeof(ImIoasidPort),
    .iommu = {
        .size = sizeof(ImPort),
        .read = world_port_read,
        .write = world_port_write,
        .cmpxchg64 = world_port_cmpxchg64,
        .msi = world_port_msi, .ats_invalidate = world_port_ats_invalidate,
        .page_response = world_port_page_response,
        .now = world_port_now, .deadline = world_port_deadline,
    },
    .alloc = world_port_alloc, .free = world_port_free,
    .user_read = world_user_read, .user_write = world_user_write,
    .pin = world_port_pin, .unpin = world_port_unpin,
};

/* --- functions ---------------------------------------------------------- */

WorldFn *world_function(World *w, const char *name)
{
    for (unsigned i = 0; i < WORLD_FUNCTIONS; i++) {
        if (strcmp(w->fn[i].name, name) == 0) {
            return &w->fn[i];
        }
    }
    return NULL;
}

static WorldFn *world_by_rid(World *w, uint16_t rid)
{
    for (unsigned i = 0; i < WORLD_FUNCTIONS; i++) {
        if (w->fn[i].rid == rid) {
            return &w->fn[i];
        }
    }
    return NULL;
}

bool world_on_bus(World *w, const WorldFn *f, Dma *d, uint32_t *pasid)
{
    *pasid = 0;
    return !d->has_pasid ||
           im_ioasid_host_pasid(w->host, f->rid, d->pasid, pasid);
}

static void world_tell(World *w, const WorldFn *f, const Dma *d,
                       const char *what)
{
    GString *s = g_string_new(NULL);

    g_string_append_printf(s, "%s: %s 0x%" PRIx64, f->name,
                           d->write ? "write" : "read", d->addr);
    if (d->has_pasid) {
        g_string_append_printf(s, " pasid %u", d->pasid);
    }
    world_say(w, "%s: %s", s->str, what);
    g_string_free(s, TRUE);
}

static void world_access_memory(World *w, const WorldFn *f, const Dma *d,
                                uint64_t pa)
{
    g_autofree char *what = NULL;
    uint64_t value = 0;

    if (pa % 8 || !world_inside(pa, 8)) {
        world_tell(w, f, d, "no memory there");
        return;
    }
    if (d->write) {
        world_poke(w, pa, d->value);
        what = g_strdup_printf("0x%" PRIx64 " to memory 0x%" PRIx64, d->value,
                               pa);
    } else {
        world_peek(w, pa, &value);
        what = g_strdup_printf("0x%" PRIx64 " from memory 0x%" PRIx64, value,
                               pa);
    }
    world_tell(w, f, d, what);
}

static const AtcEntry *world_atc_find(const WorldFn *f, const Dma *d,
                                      uint32_t pasid)
{
    for (unsigned i = 0; i < f->atc->len; i++) {
        const AtcEntry *e = &g_array_index(f->atc, AtcEntry, i);

        if (e->has_pasid == d->has_pasid && e->pasid == pasid &&
            e->addr == (d->addr & ~e->mask) &&
            e->perm & (d->write ? IM_PERM_W : IM_PERM_R)) {
            return e;
        }
    }
    return NULL;
}

static ImXlat world_request(World *w, const WorldFn *f, const Dma *d,
                            uint32_t pasid, ImAt at, uint64_t addr)
{
    ImTxn t = {
        .addr = addr,
        .len = 8,
        .pasid = pasid,
        .rid = f->rid,
        .access = d->write && at != IM_AT_TRANSLATION ? IM_WRITE : IM_READ,
        .at = (uint8_t)at,
        .has_pasid = d->has_pasid,
        .no_write = at == IM_AT_TRANSLATION && !d->write,
    };

    return im_ioasid_translate(w->host, &t);
}

static const char *world_refusal(const ImXlat *x)
{
    return x->cpl == IM_CPL_CA ? "Completer Abort" : "Unsupported Request";
}

static void world_ask_for_page(World *w, WorldFn *f, const Dma *d,
                               uint32_t pasid)
{
    Dma waits = *d;
    ImPageReq req = {
        .addr = d->addr & ~(PAGE - 1),
        .pasid = pasid,
        .rid = f->rid,
        .prgi = (uint16_t)(f->next_group++ % 512),
        .has_pasid = d->has_pasid,
        .read = true,
        .write = d->write,
        .last = true,
    };
    g_autofree char *what = NULL;

    waits.group = req.prgi;
    g_array_append_val(f->waiting, waits);
    what = g_strdup_printf("not there: page request, group %u", req.prgi);
    world_tell(w, f, d, what);
    im_ioasid_page_request(w->host, &req);
}

/* By a translation of its own, which it keeps; translated requests. */
static void world_dma_ats(World *w, WorldFn *f, const Dma *d, uint32_t pasid)
{
    const AtcEntry *e = world_atc_find(f, d, pasid);
    uint64_t pa;
    ImXlat x;

    if (!e) {
        AtcEntry fresh;

        x = world_request(w, f, d, pasid, IM_AT_TRANSLATION, d->addr);
        if (x.status != IM_OK) {
            world_tell(w, f, d, world_refusal(&x));
            return;
        }
        if (!(x.perm & (d->write ? IM_PERM_W : IM_PERM_R))) {
            world_ask_for_page(w, f, d, pasid);
            return;
        }
        fresh = (AtcEntry) {
            .pasid = pasid,
            .has_pasid = d->has_pasid,
            .mask = x.mask,
            .addr = d->addr & ~x.mask,
            .out = x.addr & ~x.mask,
            .perm = x.perm,
        };
        g_array_append_val(f->atc, fresh);
        e = &g_array_index(f->atc, AtcEntry, f->atc->len - 1);
    }
    pa = e->out | (d->addr & e->mask);
    x = world_request(w, f, d, pasid, IM_AT_TRANSLATED, pa);
    if (x.status != IM_OK) {
        world_tell(w, f, d, world_refusal(&x));
    } else {
        world_access_memory(w, f, d, pa);
    }
}

void world_dma(World *w, WorldFn *f, const Dma *dma)
{
    Dma d = *dma;
    uint32_t pasid;
    ImXlat x;

    if (!world_on_bus(w, f, &d, &pasid)) {
        world_tell(w, f, &d, "this PASID is not bound here");
    } else if (d.ats) {
        world_dma_ats(w, f, &d, pasid);
    } else {
        x = world_request(w, f, &d, pasid, IM_AT_UNTRANSLATED, d.addr);
        if (x.status != IM_OK) {
            world_tell(w, f, &d, world_refusal(&x));
        } else {
            world_access_memory(w, f, &d, x.addr);
        }
    }
}

static bool world_in_range(const AtcEntry *e, const ImAtsInv *inv)
{
    uint64_t mask = inv->lg2size >= 64 ? UINT64_MAX :
                                         (UINT64_C(1) << inv->lg2size) - 1;

    return (e->addr & ~mask) == (inv->addr & ~mask) ||
           (inv->addr & ~e->mask) == e->addr;
}

static void world_invalidate(World *w, const ImAtsInv *inv)
{
    WorldFn *f = world_by_rid(w, inv->rid);
    unsigned dropped = 0;

    if (!f) {
        return;
    }
    for (unsigned i = f->atc->len; i-- > 0;) {
        const AtcEntry *e = &g_array_index(f->atc, AtcEntry, i);

        if (e->has_pasid == inv->has_pasid &&
            (!inv->has_pasid || inv->global || e->pasid == inv->pasid) &&
            world_in_range(e, inv)) {
            g_array_remove_index_fast(f->atc, i);
            dropped++;
        }
    }
    world_say(w, "%s: invalidation, %u dropped%s", f->name, dropped,
              f->mute ? "; does not complete it" : "");
    if (!f->mute) {
        im_ioasid_ats_inv_done(w->host, f->rid, 1u << inv->itag, 1);
    }
}

static void world_page_response(World *w, const ImPageResp *resp)
{
    WorldFn *f = world_by_rid(w, resp->rid);

    for (unsigned i = 0; f && i < f->waiting->len; i++) {
        Dma d = g_array_index(f->waiting, Dma, i);

        if (d.group != resp->prgi) {
            continue;
        }
        g_array_remove_index(f->waiting, i);
        world_say(w, "%s: page response, group %u: %s", f->name, d.group,
                  resp->code == IM_PAGE_RESP_SUCCESS ? "success" :
                  resp->code == IM_PAGE_RESP_INVALID ? "invalid" :
                                                       "failure");
        if (resp->code == IM_PAGE_RESP_SUCCESS) {
            world_dma(w, f, &d);
        }
        return;
    }
}

void world_settle(World *w)
{
    while (w->outbox->len) {
        Sent s = g_array_index(w->outbox, Sent, 0);

        g_array_remove_index(w->outbox, 0);
        if (s.kind == SENT_INV) {
            world_invalidate(w, &s.inv);
        } else {
            world_page_response(w, &s.resp);
        }
    }
}

int world_command(World *w, ImuCall *call)
{
    int ret;

    w->call = call;
    ret = im_ioasid_call_run(call, w->ctx);
    w->call = NULL;
    return ret;
}

void world_step(World *w, uint64_t ns)
{
    uint64_t end = w->now + MIN(ns, IM_NEVER - 1 - w->now);

    while (w->alarm <= end) {
        uint64_t due = w->alarm;

        w->now = MAX(w->now, due);
        w->alarm = IM_NEVER;
        im_ioasid_deadline(w->host);
        world_settle(w);
    }
    w->now = end;
}

/* --- life --------------------------------------------------------------- */

static void world_add_function(World *w, unsigned n, const char *name,
                               uint16_t rid)
{
    ImIoasidDevice d = {
        .func = rid,
        .group = rid,
        .pri_credit = 32,
        .pasid_bits = 20,
        .caps = IMU_DEV_CAP_PASID | IMU_DEV_CAP_ATS | IMU_DEV_CAP_PRI,
    };

    w->fn[n] = (WorldFn) {
        .name = name,
        .rid = rid,
        .atc = g_array_new(FALSE, FALSE, sizeof(AtcEntry)),
        .waiting = g_array_new(FALSE, FALSE, sizeof(Dma)),
    };
    if (im_ioasid_device_add(w->host, &d)) {
        g_error("%s cannot be added", name);
    }
}

World *world_new(void (*tell_people)(World *w, const char *line))
{
    ImIoasidConfig config = IM_IOASID_CONFIG_DEFAULT;
    World *w = g_new0(World, 1);
    char *err = NULL;

    config.iotlb_entries = 1024;

    w->say = tell_people;
    w->memory = mmap(NULL, WORLD_MEMORY, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert(w->memory != MAP_FAILED);
    w->tables = WORLD_MEMORY;
    w->alarm = IM_NEVER;
    w->outbox = g_array_new(FALSE, FALSE, sizeof(Sent));
    w->host = im_ioasid_new(&config, &world_port, w, &err);
    w->ctx = w->host ? im_ioasid_open(w->host, IM_IOASID_CTX_DEBUG, w) : NULL;
    if (!w->ctx) {
        g_error("no backend: %s", err ? err : "no memory");
    }
    w->owner = im_ioasid_owner_new(w->host, NULL, &w->limits);
    if (!w->owner || im_ioasid_owner_put(w->ctx, w->owner)) {
        g_error("no owner: no memory");
    }
    world_add_function(w, 0, "ep0", 0x0100);
    world_add_function(w, 1, "ep1", 0x0108);
    return w;
}

void world_free(World *w)
{
    im_ioasid_free(w->host);
    for (unsigned i = 0; i < WORLD_FUNCTIONS; i++) {
        g_array_free(w->fn[i].atc, TRUE);
        g_array_free(w->fn[i].waiting, TRUE);
    }
    g_array_free(w->outbox, TRUE);
    munmap(w->memory, WORLD_MEMORY);
    g_free(w);
}
