/*
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>
#include <string.h>

#include "lib/rig.h"

#define PAGE_BITS   12
#define PAGE_MASK   0xfffu
#define MMIO_BASE   UINT64_C(0xfe000000)
#define MMIO_END    UINT64_C(0x100000000)

static RigPage *page_find(const Rig *r, uint64_t pa)
{
    uint64_t frame = pa >> PAGE_BITS;

    return g_hash_table_lookup(r->pages, &frame);
}

void rig_offer(Rig *r, uint64_t pa, unsigned pages, unsigned use)
{
    for (unsigned i = 0; i < pages; i++) {
        uint64_t frame = (pa >> PAGE_BITS) + i;
        RigPage *page = page_find(r, frame << PAGE_BITS);

        if (!page) {
            page = g_new0(RigPage, 1);
            g_hash_table_insert(r->pages, g_memdup2(&frame, sizeof(frame)),
                                page);
        }
        page->use |= use;
    }
}

uint64_t rig_alloc(Rig *r, unsigned pages, unsigned use)
{
    uint64_t size = (uint64_t)pages << PAGE_BITS;
    uint64_t pa = (r->next_page + size - 1) / size * size;

    g_assert_cmpuint(pa + size, <=, r->ram_top);
    r->next_page = pa + size;
    rig_offer(r, pa, pages, use);
    return pa;
}

/* The test's own view: memory springs into being, nothing is checked. */
static uint8_t *test_byte(Rig *r, uint64_t pa)
{
    if (!page_find(r, pa)) {
        rig_offer(r, pa & ~(uint64_t)PAGE_MASK, 1, 0);
    }
    return &page_find(r, pa)->byte[pa & PAGE_MASK];
}

uint64_t rig_r64(Rig *r, uint64_t pa)
{
    uint64_t v;

    memcpy(&v, test_byte(r, pa), sizeof(v));
    return GUINT64_FROM_LE(v);
}

uint32_t rig_r32(Rig *r, uint64_t pa)
{
    uint32_t v;

    memcpy(&v, test_byte(r, pa), sizeof(v));
    return GUINT32_FROM_LE(v);
}

void rig_w64(Rig *r, uint64_t pa, uint64_t val)
{
    val = GUINT64_TO_LE(val);
    memcpy(test_byte(r, pa), &val, sizeof(val));
}

void rig_w32(Rig *r, uint64_t pa, uint32_t val)
{
    val = GUINT32_TO_LE(val);
    memcpy(test_byte(r, pa), &val, sizeof(val));
}

void rig_put(Rig *r, uint64_t pa, unsigned hi, unsigned lo, uint64_t val)
{
    for (unsigned bit = lo; bit <= hi; bit++) {
        uint8_t *byte = test_byte(r, pa + bit / 8);
        uint8_t mask = (uint8_t)(1u << bit % 8);

        if (val >> (bit - lo) & 1) {
            *byte |= mask;
        } else {
            *byte &= (uint8_t)~mask;
        }
    }
}

uint64_t rig_get(Rig *r, uint64_t pa, unsigned hi, unsigned lo)
{
    uint64_t val = 0;

    for (unsigned bit = lo; bit <= hi; bit++) {
        uint64_t one = *test_byte(r, pa + bit / 8) >> bit % 8 & 1;

        val |= one << (bit - lo);
    }
    return val;
}

/* --- the port ----------------------------------------------------------- */

static uint8_t *access_check(Rig *r, uint64_t pa, size_t len, unsigned use)
{
    RigPage *page;

    if (len == 0 || len > 64 || (len & (len - 1)) || pa % len) {
        r->misaligned++;
        if (!r->allow_stray) {
            g_error("model accessed %zu bytes at 0x%" PRIx64, len, pa);
        }
        return NULL;
    }
    if (r->accesses++ == r->fail_at) {
        r->failure_hit = true;
        r->fail_pa = pa;
        r->fail_use = use;
        return NULL;
    }
    /* As on a PC: registers below 4 GiB, no memory above ram_top. */
    if (pa >= r->ram_top || r->ram_top - pa < len ||
        (pa >= MMIO_BASE && pa < MMIO_END)) {
        r->bus_errors++;
        return NULL;
    }
    page = page_find(r, pa);
    if (page && use == RIG_UPDATE && page->use & RIG_ROM) {
        return NULL;
    }
    if (!page || !(page->use & use)) {
        r->strays++;
        if (!r->allow_stray) {
            g_error("model %s 0x%" PRIx64 ", which nothing points to",
                    use == RIG_READ ? "read" : "wrote", pa);
        }
        if (!page) {
            rig_offer(r, pa & ~(uint64_t)PAGE_MASK, 1, 0);
            page = page_find(r, pa);
        }
    }
    return &page->byte[pa & PAGE_MASK];
}

static ImBus port_read(void *host, uint64_t pa, void *buf, size_t len)
{
    Rig *r = host;
    uint8_t *p = access_check(r, pa, len, RIG_READ);

    r->reads++;
    if (!p) {
        return IM_BUS_ERROR;
    }
    memcpy(buf, p, len);
    return IM_BUS_OK;
}

static void log_add(Rig *r, const RigLog *e)
{
    g_array_append_vals(r->log, e, 1);
}

static ImBus port_write(void *host, uint64_t pa, const void *buf, size_t len)
{
    Rig *r = host;
    RigLog e = { .kind = RIG_SEEN_WRITE, .addr = pa, .len = len };
    uint8_t *p = access_check(r, pa, len, RIG_WRITE);

    r->writes++;
    if (!p) {
        return IM_BUS_ERROR;
    }
    memcpy(p, buf, len);
    memcpy(&e.val, buf, MIN(len, sizeof(e.val)));
    e.val = GUINT64_FROM_LE(e.val);
    log_add(r, &e);
    return IM_BUS_OK;
}

static ImBus port_cmpxchg64(void *host, uint64_t pa, uint64_t *expected,
                            uint64_t desired)
{
    Rig *r = host;
    RigLog e = {
        .kind = RIG_SEEN_UPDATE, .addr = pa, .val = desired, .len = 8
    };
    uint8_t *p = access_check(r, pa, 8, RIG_UPDATE);
    uint64_t now;

    r->updates++;
    if (!p) {
        return IM_BUS_ERROR;
    }
    if (r->race) {
        r->race(r, pa);
    }
    now = rig_r64(r, pa);
    if (now != *expected) {
        *expected = now;
        return IM_BUS_RETRY;
    }
    rig_w64(r, pa, desired);
    log_add(r, &e);
    return IM_BUS_OK;
}

static void port_msi(void *host, const ImMsi *msi)
{
    RigLog e = {
        .kind = RIG_SEEN_MSI, .addr = msi->addr, .val = msi->data, .msi = *msi
    };

    log_add(host, &e);
}

static void port_ats_invalidate(void *host, const ImAtsInv *inv)
{
    RigLog e = { .kind = RIG_SEEN_ATS_INV, .addr = inv->addr, .inv = *inv };

    log_add(host, &e);
}

static void port_page_response(void *host, const ImPageResp *resp)
{
    RigLog e = { .kind = RIG_SEEN_PAGE_RESP, .val = resp->code, .resp = *resp };

    log_add(host, &e);
}

static void port_unmap(void *host, const ImUnmap *unmap)
{
    RigLog e = { .kind = RIG_SEEN_UNMAP, .addr = unmap->addr, .unmap = *unmap };

    log_add(host, &e);
}

static void port_wire(void *host, unsigned line)
{
    RigLog e = { .kind = RIG_SEEN_WIRE, .val = line };

    log_add(host, &e);
}

static void port_resume(void *host, uint64_t handle, const ImXlat *xlat)
{
    RigLog e = { .kind = RIG_SEEN_RESUME, .val = handle, .xlat = *xlat };

    g_assert_cmpuint(xlat->status, !=, IM_PENDING);
    log_add(host, &e);
}

static void port_changed(void *host)
{
    Rig *r = host;

    r->changes++;
}

static uint64_t port_now(void *host)
{
    Rig *r = host;

    return r->now;
}

static void port_deadline(void *host, uint64_t when)
{
    Rig *r = host;

    r->deadline = when;
}

static void port_event(void *host, const ImEvent *ev)
{
    Rig *r = host;

    if (r->event) {
        r->event(r, ev);
    }
}

/* --- life --------------------------------------------------------------- */

Rig *rig_host_new(const ImIommuOps *ops, void (*consistent)(Rig *r))
{
    Rig *r = g_new0(Rig, 1);

    r->ops = ops;
    r->consistent = consistent;
    r->pages = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free,
                                     g_free);
    r->log = g_array_new(FALSE, TRUE, sizeof(RigLog));
    r->ram_top = UINT64_C(1) << 36;
    r->next_page = 0x100000;
    r->fail_at = UINT64_MAX;
    r->deadline = IM_NEVER;
    r->now = 1000;
    r->port = (ImPort) {
        .size = sizeof(ImPort),
        .read = port_read,
        .write = port_write,
        .cmpxchg64 = port_cmpxchg64,
        .msi = port_msi,
        .ats_invalidate = port_ats_invalidate,
        .page_response = port_page_response,
        .unmap = port_unmap,
        .changed = port_changed,
        .now = port_now,
        .deadline = port_deadline,
        .event = port_event,
        .wire = port_wire,
        .resume = port_resume,
    };
    return r;
}

Rig *rig_made(Rig *r, const char *err)
{
    if (!r->iommu) {
        g_error("configuration refused: %s", err ? err : "(no reason)");
    }
    return r;
}

void rig_free(Rig *r)
{
    r->ops->free(r->iommu);
    g_hash_table_destroy(r->pages);
    g_array_free(r->log, TRUE);
    g_free(r);
}

void rig_fail_access(Rig *r, uint64_t n)
{
    r->fail_at = n == UINT64_MAX ? n : r->accesses + n;
    r->failure_hit = false;
}

void rig_advance(Rig *r, uint64_t ns)
{
    uint64_t end = r->now + ns;
    unsigned rounds = 0;

    while (r->deadline <= end) {
        r->now = MAX(r->now, r->deadline);
        r->deadline = IM_NEVER;
        r->ops->deadline(r->iommu);
        g_assert_cmpuint(++rounds, <, 10000);
    }
    r->now = end;
}

/* --- the log ------------------------------------------------------------ */

int rig_position(const Rig *r, RigSeen kind, unsigned n)
{
    for (unsigned i = 0; i < r->log->len; i++) {
        if (g_array_index(r->log, RigLog, i).kind == kind && n-- == 0) {
            return (int)i;
        }
    }
    return -1;
}

const RigLog *rig_seen(const Rig *r, RigSeen kind, unsigned n)
{
    int i = rig_position(r, kind, n);

    return i < 0 ? NULL : &g_array_index(r->log, RigLog, i);
}

unsigned rig_count(const Rig *r, RigSeen kind)
{
    unsigned n = 0;

    for (unsigned i = 0; i < r->log->len; i++) {
        n += g_array_index(r->log, RigLog, i).kind == kind;
    }
    return n;
}

void rig_log_clear(Rig *r)
{
    g_array_set_size(r->log, 0);
}

/* --- registers ---------------------------------------------------------- */

uint32_t rig_reg32(Rig *r, uint64_t off)
{
    return (uint32_t)r->ops->mmio_read(r->iommu, off, 4);
}

uint64_t rig_reg64(Rig *r, uint64_t off)
{
    return r->ops->mmio_read(r->iommu, off, 8);
}

void rig_set32(Rig *r, uint64_t off, uint32_t val)
{
    r->ops->mmio_write(r->iommu, off, val, 4);
}

void rig_set64(Rig *r, uint64_t off, uint64_t val)
{
    r->ops->mmio_write(r->iommu, off, val, 8);
}

void rig_assert_consistent(Rig *r)
{
    r->consistent(r);
    g_assert_cmpuint(r->strays, ==, 0);
    g_assert_cmpuint(r->misaligned, ==, 0);
}

/* --- answers ------------------------------------------------------------ */

void xlat_is_ok(const ImXlat *x, uint64_t addr)
{
    g_assert_cmpuint(x->status, ==, IM_OK);
    g_assert_cmpuint(x->cpl, ==, IM_CPL_SC);
    g_assert_cmpuint(x->fault, ==, 0);
    g_assert_cmphex(x->addr, ==, addr);
}

void xlat_is_fault(const ImXlat *x, ImCpl cpl, uint8_t fault)
{
    g_assert_cmpuint(x->status, ==, IM_FAULT);
    g_assert_cmphex(x->fault, ==, fault);
    g_assert_cmpuint(x->cpl, ==, cpl);
    g_assert_cmpuint(x->perm, ==, 0);
}

void xlat_is_nothing(const ImXlat *x)
{
    g_assert_cmpuint(x->status, ==, IM_OK);
    g_assert_cmpuint(x->cpl, ==, IM_CPL_SC);
    g_assert_cmpuint(x->perm, ==, 0);
    g_assert_false(x->untranslated_only);
    g_assert_cmphex(x->mask, ==, 0xfff);
}
