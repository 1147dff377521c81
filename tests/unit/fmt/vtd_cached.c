/*
 * A VT-d unit whose tables change under it: after the invalidation that
 * 6.5.2 asks for, what its caches answer is what its tables say. Two
 * requesters, four PASIDs of every translation type, page tables of all
 * page sizes that change at every level.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/vtd/vtd.h"
#include "lib/rounds.h"

#define MEM_SIZE   0x100000u
#define ROOT       UINT64_C(0x1000)
#define CONTEXT    UINT64_C(0x2000)
#define DIRECTORY  UINT64_C(0x3000)
#define PASIDS     UINT64_C(0x4000)
#define IQ         UINT64_C(0x5000)
#define TABLES     UINT64_C(0x8000)
#define FS_ROOT    TABLES
#define SS_ROOT    (TABLES + 0x1000)

#define N_PASIDS   5
#define FEE        UINT64_C(0xfee01000)

typedef struct Unit {
    uint8_t mem[MEM_SIZE];
    uint64_t next;
    ImVtd *s;
    unsigned same;              /* answers compared */
    unsigned granted;
} Unit;

static uint64_t *word(Unit *u, uint64_t pa)
{
    return (uint64_t *)(void *)(u->mem + pa);
}

/* --- the host ----------------------------------------------------------- */

static ImBus mem_read(void *host, uint64_t pa, void *buf, size_t len)
{
    if (pa > MEM_SIZE - len) {
        return IM_BUS_ERROR;
    }
    memcpy(buf, ((Unit *)host)->mem + pa, len);
    return IM_BUS_OK;
}

static ImBus mem_write(void *host, uint64_t pa, const void *buf, size_t len)
{
    (void)host;
    (void)pa;
    (void)buf;
    (void)len;
    return IM_BUS_ERROR;
}

static ImBus mem_cmpxchg(void *host, uint64_t pa, uint64_t *expected,
                         uint64_t desired)
{
    uint64_t *at;

    if (pa > MEM_SIZE - 8) {
        return IM_BUS_ERROR;
    }
    at = word(host, pa);
    if (*at != *expected) {
        *expected = *at;
        return IM_BUS_RETRY;
    }
    *at = desired;
    return IM_BUS_OK;
}

static void no_msi(void *host, const ImMsi *msi)
{
    (void)host;
    (void)msi;
}

static void no_inv(void *host, const ImAtsInv *inv)
{
    (void)host;
    (void)inv;
}

static void no_response(void *host, const ImPageResp *resp)
{
    (void)host;
    (void)resp;
}

static uint64_t no_time(void *host)
{
    (void)host;
    return 0;
}

static void no_deadline(void *host, uint64_t when)
{
    (void)host;
    (void)when;
}

/* --- chance ------------------------------------------------------------- */

static unsigned below(unsigned n)
{
    return (unsigned)g_test_rand_int_range(0, (gint32)n);
}

static bool one_in(unsigned n)
{
    return below(n) == 0;
}

/* The few indices that trees have, so that requests meet. */
static unsigned some_index(unsigned level)
{
    static const unsigned idx[] = { 0, 1, 511 };

    return level == 3 ? (one_in(2) ? 511 : 0) : idx[below(3)];
}

static uint64_t some_address(bool second)
{
    uint64_t a = 0;

    for (unsigned level = 0; level < 4; level++) {
        a |= (uint64_t)some_index(second && level == 3 ? 3 : level)
             << (12 + 9 * level);
    }
    if (second) {
        a &= ~(UINT64_C(511) << 39);
    } else if (a >> 47) {
        a |= UINT64_C(0xffff) << 48;
    }
    if (one_in(40)) {
        return FEE;
    }
    return one_in(100) ? a ^ UINT64_C(1) << (36 + below(28)) : a;
}

/* --- tables ------------------------------------------------------------- */

static uint64_t new_table(Unit *u)
{
    uint64_t t = u->next;

    u->next += 0x1000;
    g_assert_cmpuint(u->next, <=, MEM_SIZE);
    return t;
}

static uint64_t leaf_entry(unsigned level, bool second)
{
    uint64_t size = UINT64_C(0x1000) << (9 * level);
    uint64_t e = one_in(6) ? FEE : (uint64_t)below(1u << 30) << 14;

    e &= ~(size - 1) & ((UINT64_C(1) << 46) - 1);
    e |= level ? 0x80 : 0;
    if (second) {
        e |= 1 + below(3);
        e |= one_in(4) ? 0x800 : 0;             /* SNP */
    } else {
        e |= 1 | (one_in(4) ? 0 : 2) | (one_in(6) ? 0 : 4);
    }
    return one_in(30) ? e | UINT64_C(1) << 50 : e;
}

/* What stands at an index of a table that is reached only from there. */
static void renew(Unit *u, uint64_t at, unsigned level, bool second,
                  uint64_t table)
{
    uint64_t e = 0;

    if (one_in(16)) {
        e = 0;
    } else if (level == 0 || (level < 3 && one_in(4))) {
        e = leaf_entry(level, second);
    } else {
        e = table | 3 | (second ? 0 : one_in(20) ? 0 : 4);
        e &= one_in(20) ? ~UINT64_C(2) : UINT64_MAX;
    }
    *word(u, at) = e;
}

/* The table below an index is always the same one: kept in the next page
 * of a shadow, found by the entry's own address. */
static uint64_t shadow[MEM_SIZE / 8];

static void grow(Unit *u, uint64_t table, unsigned level, bool second)
{
    static const unsigned idx[] = { 0, 1, 511 };

    for (unsigned i = 0; i < 3; i++) {
        uint64_t at = table + 8 * idx[i];

        if (level == 3 && (idx[i] == 1 || (second && idx[i]))) {
            continue;
        }
        if (level) {
            shadow[at / 8] = new_table(u);
            grow(u, shadow[at / 8], level - 1, second);
        }
        renew(u, at, level, second, shadow[at / 8]);
    }
}

/* Second stage: all of our memory is there, for first-stage tables. */
static void map_memory(Unit *u)
{
    uint64_t t = SS_ROOT;

    for (unsigned level = 3; level > 0; level--) {
        *word(u, t) = shadow[t / 8] | 3;
        t = shadow[t / 8];
    }
    for (unsigned i = 0; i < MEM_SIZE / 0x1000; i++) {
        *word(u, t + 8 * i) = (uint64_t)i << 12 | 3;
    }
}

static const uint16_t did_of[N_PASIDS] = { 2, 1, 3, 4, 1 };

/* PASID 0 second stage, 1 and 4 first, 2 nested, 3 pass-through. */
static void pasid_entry(Unit *u, uint32_t pasid, bool random)
{
    static const unsigned pgtt_of[N_PASIDS] = { 2, 1, 3, 4, 1 };
    uint64_t *e = word(u, PASIDS + 64 * pasid);
    uint64_t pgtt = pgtt_of[pasid];

    memset(e, 0, 64);
    e[0] = SS_ROOT | pgtt << 6 | 2 << 2 | 1;
    e[1] = did_of[pasid] | UINT64_C(1) << 23;
    e[2] = FS_ROOT;
    if (random) {
        e[0] &= one_in(10) ? ~UINT64_C(1) : UINT64_MAX;
        e[0] |= one_in(3) ? 1 << 9 : 0;         /* SSADE */
        e[1] |= one_in(3) ? 1 << 24 : 0;        /* PGSNP */
        e[1] &= one_in(6) ? ~(UINT64_C(1) << 23) : UINT64_MAX;
        e[2] |= below(2);                       /* SRE */
        e[2] |= one_in(2) ? 1 << 4 : 0;         /* WPE */
        e[2] |= one_in(3) ? 1 << 7 : 0;         /* EAFE */
    }
}

static void context_entry(Unit *u, unsigned fn, bool ats)
{
    uint64_t *e = word(u, CONTEXT + 32 * fn);

    e[0] = DIRECTORY | 1 | 1 << 3 | (ats ? 1 << 2 : 0);
}

static Unit *unit_new(uint32_t iotlb_entries)
{
    Unit *u = g_new0(Unit, 1);
    ImVtdConfig cfg = IM_VTD_CONFIG_DEFAULT;
    ImPort port = {
        .size = sizeof(port),
        .read = mem_read,
        .write = mem_write,
        .cmpxchg64 = mem_cmpxchg,
        .msi = no_msi,
        .ats_invalidate = no_inv,
        .page_response = no_response,
        .now = no_time,
        .deadline = no_deadline,
    };
    char *err = NULL;

    cfg.aw_bits = 48;
    cfg.haw_bits = 46;
    cfg.fs5lp = false;
    cfg.iotlb_entries = iotlb_entries;
    u->s = im_vtd_new(&cfg, &port, u, &err);
    g_assert_cmpstr(err, ==, NULL);
    *word(u, ROOT) = CONTEXT | 1;
    *word(u, DIRECTORY) = PASIDS | 1;
    u->next = TABLES + 0x2000;
    memset(shadow, 0, sizeof(shadow));
    grow(u, FS_ROOT, 3, false);
    grow(u, SS_ROOT, 3, true);
    map_memory(u);
    for (uint32_t p = 0; p < N_PASIDS; p++) {
        pasid_entry(u, p, false);
    }
    context_entry(u, 1, true);
    context_entry(u, 2, true);
    im_vtd_mmio_write(u->s, 0x020, ROOT | 1 << 10, 8);
    im_vtd_mmio_write(u->s, 0x018, 1u << 30, 4);
    im_vtd_mmio_write(u->s, 0x018, 1u << 31, 4);
    return u;
}

static void unit_free(Unit *u)
{
    im_vtd_free(u->s);
    g_free(u);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Unit, unit_free)

/* --- asking ------------------------------------------------------------- */

static void ask(Unit *u)
{
    uint32_t pasid = below(N_PASIDS);
    bool translation = one_in(3);
    /* clang-format off */
    ImTxn t = {
        .rid = (uint16_t)(1 + below(2)),
        .has_pasid = pasid != 0, .pasid = pasid,
        .addr = some_address(pasid == 0),
        .len = translation || one_in(3) ? 8 : one_in(4) ? 0 : 4,
        .access = translation ? IM_READ : (uint8_t)(1 + below(3)),
        .at = translation ? IM_AT_TRANSLATION : IM_AT_UNTRANSLATED,
        .priv = pasid && one_in(3),
        .no_write = translation && one_in(3),
    };
    /* clang-format on */
    ImXlat want = im_vtd_explain(u->s, &t, NULL, NULL);
    ImXlat got = im_vtd_translate(u->s, &t);

    g_assert_cmpuint(got.status, ==, want.status);
    g_assert_cmpuint(got.cpl, ==, want.cpl);
    g_assert_cmphex(got.fault, ==, want.fault);
    g_assert_cmpuint(got.interrupt, ==, want.interrupt);
    g_assert_cmpuint(got.untranslated_only, ==, want.untranslated_only);
    u->same++;
    if (got.status != IM_OK || !want.perm) {
        g_assert_cmpuint(got.perm, ==, 0);
        return;
    }
    u->granted++;
    g_assert_cmphex(got.addr, ==, want.addr);
    g_assert_cmpuint(got.non_snoop, ==, want.non_snoop);
    g_assert_cmpuint(got.priv, ==, want.priv);
    /* Cached pieces may be smaller; D may be set meanwhile. */
    g_assert_cmphex(got.mask, <=, want.mask);
    g_assert_cmpuint(got.perm & ~want.perm, ==, 0);
    if (translation) {
        g_assert_cmpuint(got.perm, ==, want.perm);
    } else if (t.len) {
        g_assert_cmpuint(got.perm & t.access, ==, t.access);
    }
}

/* --- changing ----------------------------------------------------------- */

/* The entry of a level that translates a random address of a tree. */
static uint64_t pick(bool second, unsigned level, uint64_t *addr)
{
    uint64_t table = second ? SS_ROOT : FS_ROOT;
    uint64_t a = 0;

    for (unsigned l = 3;; l--) {
        unsigned i = second && l == 3 ? 0 : some_index(l);
        uint64_t at = table + 8 * i;

        a |= (uint64_t)i << (12 + 9 * l);
        if (l == level) {
            *addr = a;
            return at;
        }
        table = shadow[at / 8];
    }
}

static void change_first_stage(Unit *u)
{
    static const uint32_t users[] = { 1, 2, 4 };
    unsigned level = below(4);
    uint64_t addr;
    uint64_t at = pick(false, level, &addr);

    renew(u, at, level, false, shadow[at / 8]);
    for (unsigned i = 0; i < G_N_ELEMENTS(users); i++) {
        uint32_t p = users[i];

        if (level == 3 || one_in(6)) {
            im_vtd_inv_piotlb(u->s, VTD_GRAN_PASID, did_of[p], p, 0, 0, false);
        } else {
            im_vtd_inv_piotlb(u->s, VTD_GRAN_PAGE, did_of[p], p, addr,
                              9 * level, level == 0);
        }
    }
}

static void change_second_stage(Unit *u)
{
    static const uint16_t users[] = { 2, 3 };
    unsigned level = below(3);
    uint64_t addr;
    uint64_t at = pick(true, level, &addr);

    /* Leave the way to our own memory alone, most of the time. */
    if (addr < MEM_SIZE && !one_in(10)) {
        return;
    }
    renew(u, at, level, true, shadow[at / 8]);
    for (unsigned i = 0; i < G_N_ELEMENTS(users); i++) {
        if (one_in(6)) {
            im_vtd_inv_iotlb(u->s, VTD_GRAN_DOMAIN, users[i], 0, 0, false);
        } else {
            im_vtd_inv_iotlb(u->s, VTD_GRAN_PAGE, users[i], addr, 9 * level,
                             level == 0);
        }
    }
    if (one_in(10)) {
        map_memory(u);
        im_vtd_inv_iotlb(u->s, VTD_GRAN_GLOBAL, 0, 0, 0, false);
    }
}

static void change_pasid(Unit *u)
{
    uint32_t p = below(N_PASIDS);

    pasid_entry(u, p, true);
    im_vtd_inv_pasid(u->s, one_in(2) ? VTD_GRAN_PASID : VTD_GRAN_DOMAIN,
                     did_of[p], p);
    im_vtd_inv_piotlb(u->s, VTD_GRAN_PASID, did_of[p], p, 0, 0, false);
    im_vtd_inv_iotlb(u->s, VTD_GRAN_DOMAIN, did_of[p], 0, 0, false);
}

static void change_context(Unit *u)
{
    unsigned fn = 1 + below(2);

    context_entry(u, fn, one_in(2));
    im_vtd_inv_context(u->s, VTD_GRAN_DEVICE, 0, (uint16_t)fn, 0);
}

static void test_cached(const void *data)
{
    for (unsigned round = test_rounds(12); round > 0; round--) {
        g_autoptr(Unit) u = unit_new(GPOINTER_TO_UINT(data));
        const ImVtdCounters *c = im_vtd_counters(u->s);

        for (unsigned i = 0; i < 2000; i++) {
            switch (below(12)) {
            case 0:
                change_pasid(u);
                break;
            case 1:
                change_context(u);
                break;
            case 2:
            case 3:
                change_second_stage(u);
                break;
            default:
                change_first_stage(u);
                break;
            }
            for (unsigned n = below(80); n > 0; n--) {
                ask(u);
            }
        }
        g_test_message("%u answers, %u granted, %u from the IOTLB", u->same,
                       u->granted, (unsigned)c->iotlb_hits);
        g_assert_cmpuint(c->iotlb_hits, >, 1000);
    }
}

/* Ask for everything twice; returns how often both were granted. */
static unsigned ask_twice(Unit *u)
{
    const ImVtdCounters *c = im_vtd_counters(u->s);
    unsigned checked = 0;

    for (unsigned i = 0; i < 2000; i++) {
        ImTxn t = { .rid = 1,
                    .has_pasid = true,
                    .pasid = 1 + below(2),
                    .addr = some_address(false),
                    .len = 4,
                    .access = (uint8_t)(1 + below(3)) };
        uint64_t reads;

        if (im_vtd_translate(u->s, &t).status != IM_OK) {
            continue;
        }
        reads = c->walk_reads;
        g_assert_cmpuint(im_vtd_translate(u->s, &t).status, ==, IM_OK);
        g_assert_cmpuint(c->walk_reads, ==, reads);
        checked++;
    }
    return checked;
}

/* Without a change nothing needs a table twice. Some tables grant nothing. */
static void test_second_time_reads_nothing(void)
{
    unsigned checked = 0;

    for (unsigned i = 0; i < 100 && checked < 200; i++) {
        g_autoptr(Unit) u = unit_new(1024);

        checked += ask_twice(u);
    }
    g_assert_cmpuint(checked, >=, 200);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/fmt/vtd-cached/16", GUINT_TO_POINTER(16),
                         test_cached);
    g_test_add_data_func("/fmt/vtd-cached/1024", GUINT_TO_POINTER(1024),
                         test_cached);
    g_test_add_func("/fmt/vtd-cached/second-time-reads-nothing",
                    test_second_time_reads_nothing);
    return g_test_run();
}
