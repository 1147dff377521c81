/*
 * How fast is an SMMU alone, on memory that is an array? The rows are those
 * of bench_vtd.c.
 *
 * Every figure is the median of batches, in nanoseconds an operation of this
 * thread's time, pages in random order.
 *
 * SPDX-License-Identifier: MIT
 */
#include "im/im_smmu.h"
/* Inside knowledge, for invalidations and sizes only. */
#include "hw/smmuv3/smmu.h"

#define MEM_SIZE    (UINT64_C(176) << 20)
#define BENCH_UNIT  ImSmmu
#define BENCH_FN(name)  im_smmu_##name
#define BENCH_MISSES  tlb_misses
#include "bench/bench_caches.h"

#define SID_BITS    16
#define SPLIT       8
#define SSID_BITS   20

/* Fixed places in memory. */
#define L1STD       UINT64_C(0x1000)        /* 256 descriptors */
#define STES        UINT64_C(0x400000)      /* 65536 entries, linear behind */
#define L1CD        UINT64_C(0x10000)       /* 1024 descriptors */
#define CDS         UINT64_C(0x4000000)     /* 1M entries, 64 MiB */
#define TABLES      UINT64_C(0x8000000)

/* --- tables ------------------------------------------------------------- */

/* AF, nG, inner shareable, unprivileged; stage 2: R, W, Write-Back. */
#define S1_LEAF     (UINT64_C(1) << 10 | 1u << 11 | 3u << 8 | 1u << 6)
#define S2_LEAF     (UINT64_C(1) << 10 | 3u << 8 | 3u << 6 | 0xfu << 2)

/* A page of 2^g bytes; both stages have 48 bits of input. */
static void map(Bench *b, unsigned g, uint64_t root, uint64_t va, uint64_t pa,
                uint64_t leaf)
{
    uint64_t index = (UINT64_C(1) << (g - 3)) - 1;
    unsigned shift = g;
    uint64_t t = root;

    while (shift + g - 3 < 48) {
        shift += g - 3;
    }
    for (; shift > g; shift -= g - 3) {
        uint64_t *e = word(b, t + 8 * (va >> shift & index));

        if (!*e) {
            *e = new_table_of(b, UINT64_C(1) << g) | 3;
        }
        t = *e & UINT64_C(0xfffffffff000);
    }
    *word(b, t + 8 * (va >> g & index)) = pa | leaf | 3;
}

enum { CONFIG_S1 = 5, CONFIG_S2 = 6, CONFIG_NESTED = 7 };

/* S1ContextPtr, S1CDMax and S1Fmt come with ctx. */
static void ste(Bench *b, uint32_t sid, unsigned config, uint64_t ctx,
                uint16_t vmid, uint64_t s2)
{
    uint64_t *e = word(b, STES + 64 * (uint64_t)sid);

    memset(e, 0, 64);
    e[0] = 1 | config << 1 | ctx;
    e[1] = UINT64_C(1) << 44;                   /* SHCFG: incoming */
    e[2] = vmid | UINT64_C(16) << 32 | UINT64_C(2) << 38 | UINT64_C(5) << 48 |
           UINT64_C(1) << 51 | UINT64_C(1) << 58;
    e[3] = s2;
}

static void cd(Bench *b, uint32_t index, uint16_t asid, unsigned tg,
               uint64_t root)
{
    uint64_t *e = word(b, CDS + 64 * (uint64_t)index);

    memset(e, 0, 64);
    /* T0SZ, TG0, EPD1, V, IPS, AA64, R, A, ASET, ASID */
    e[0] = 16 | (uint64_t)tg << 6 | 1u << 30 | UINT64_C(1) << 31 |
           UINT64_C(5) << 32 | UINT64_C(1) << 41 | UINT64_C(7) << 45 |
           (uint64_t)asid << 48;
    e[1] = root;
    e[3] = 0xff;
}

/* S1CDMax of n bits; linear, or with leaves of 64 KiB. */
static uint64_t ctx_linear(unsigned n)
{
    return CDS | (uint64_t)n << 59;
}

static uint64_t ctx_two_level(void)
{
    return L1CD | 2u << 4 | (uint64_t)SSID_BITS << 59;
}

static void start(Bench *b, uint32_t tlb_entries)
{
    ImSmmuConfig cfg = IM_SMMU_CONFIG_DEFAULT;
    ImPort port = bench_port();
    char *err = NULL;

    cfg.tlb_entries = tlb_entries;
    b->s = im_smmu_new(&cfg, &port, b, &err);
    must_be_made(b, err);
    for (uint64_t i = 0; i < 1u << (SID_BITS - SPLIT); i++) {
        *word(b, L1STD + 8 * i) = (STES + (i << (SPLIT + 6))) | (SPLIT + 1);
    }
    for (uint64_t i = 0; i < 1u << (SSID_BITS - 10); i++) {
        *word(b, L1CD + 8 * i) = (CDS + (i << 16)) | 1;
    }
    b->next = TABLES;
    im_smmu_mmio_write(b->s, 0x080, L1STD, 8);
    im_smmu_mmio_write(b->s, 0x088, SID_BITS | SPLIT << 6 | 1 << 16, 4);
    im_smmu_mmio_write(b->s, 0x020, 1, 4);      /* SMMUEN */
}

/* --- hits and misses ---------------------------------------------------- */

static uint64_t map_pages(Bench *b, uint32_t pages)
{
    uint64_t root = new_table(b);

    for (uint32_t i = 0; i < pages; i++) {
        map(b, 12, root, VA_BASE + ((uint64_t)i << 12),
            OUT_BASE + ((uint64_t)i << 12), S1_LEAF);
    }
    return root;
}

static void start_pages(Bench *b, uint32_t entries, uint32_t pages)
{
    start(b, entries);
    ste(b, RID, CONFIG_S1, ctx_linear(4), 0, 0);
    cd(b, 1, 1, 0, map_pages(b, pages));
}

typedef struct MissRow {
    const char *what;
    unsigned g;                 /* log2 of the granule of stage 1 */
    bool nested;
    double target;
} MissRow;

static const MissRow miss_rows[] = {
    { "miss, 4K granule, 4 levels, all caches empty", 12, false, 250 },
    { "miss, 64K granule, 3 levels, all caches empty", 16, false, 250 },
    { "miss, nested 4 x 4 levels, all caches empty", 12, true, 0 },
};

#define MISS_SIDS    4096
#define MISS_ROUNDS  16

/* Every request comes from another stream with a VMID of its own: nothing
 * is cached for it. */
static void miss(Bench *b, const MissRow *row, uint32_t i)
{
    ImTxn t = {
        .len = 64,
        .access = IM_READ,
        .rid = (uint16_t)(i * 40503u % MISS_SIDS),
        .addr = VA_BASE + ((uint64_t)(i & 511) << row->g),
    };

    translate(b, &t);
}

/* Returns the time of one. */
static double miss_batch(Bench *b, const MissRow *row)
{
    double sum = 0;

    for (unsigned n = 0; n < MISS_ROUNDS; n++) {
        double t0;

        im_smmu_inv_everything(b->s);
        t0 = now_ns();
        for (uint32_t i = 0; i < MISS_SIDS; i++) {
            miss(b, row, i);
        }
        sum += now_ns() - t0;
    }
    return sum / (MISS_ROUNDS * MISS_SIDS);
}

static void miss_tables(Bench *b, const MissRow *row)
{
    uint32_t pages = 512;
    uint64_t s1;
    uint64_t s2 = 0;

    start(b, 65536);
    s1 = new_table_of(b, UINT64_C(1) << row->g);
    for (uint64_t i = 0; i < pages; i++) {
        map(b, row->g, s1, VA_BASE + (i << row->g), OUT_BASE + (i << row->g),
            S1_LEAF);
    }
    if (row->nested) {
        s2 = new_table(b);
        for (uint64_t i = 0; i < pages; i++) {
            map(b, 12, s2, OUT_BASE + (i << 12), OUT_BASE + (i << 12), S2_LEAF);
        }
        map(b, 12, s2, CDS, CDS, S2_LEAF);
        for (uint64_t pa = TABLES; pa < TABLES + 0x400000; pa += 0x1000) {
            map(b, 12, s2, pa, pa, S2_LEAF);
        }
    }
    cd(b, 0, 1, row->g == 16 ? 1 : 0, s1);
    for (uint32_t sid = 0; sid < MISS_SIDS; sid++) {
        ste(b, sid, row->nested ? CONFIG_NESTED : CONFIG_S1, ctx_linear(0),
            (uint16_t)sid, s2);
    }
}

static void bench_miss(Bench *b, const MissRow *row)
{
    const ImSmmuCounters *c;
    double v[BATCHES];
    uint64_t reads;

    miss_tables(b, row);
    c = im_smmu_counters(b->s);
    miss_batch(b, row);
    reads = c->walk_reads;
    for (unsigned n = 0; n < BATCHES; n++) {
        v[n] = miss_batch(b, row);
    }
    print(row->what, median(v, BATCHES), row->target);
    printf("  (%.1f reads of guest memory each)\n",
           (double)(c->walk_reads - reads) /
               (MISS_SIDS * MISS_ROUNDS * BATCHES));
    stop(b);
}

/* --- invalidations ------------------------------------------------------ */

/* Every one is a stream, with a VMID and an ASID of its own. */
static void start_spaces(Bench *b)
{
    start(b, 65536 * 2);
    for (uint32_t i = 0; i < SPACES; i++) {
        ste(b, 1 + i, CONFIG_S1, ctx_linear(0) + 64 * (uint64_t)i,
            (uint16_t)(1 + i), 0);
        cd(b, i, (uint16_t)(101 + i), 0, map_pages(b, EACH));
    }
}

static ImTxn space_request(uint32_t i)
{
    return (ImTxn) { .len = 64, .access = IM_READ, .rid = (uint16_t)(1 + i) };
}

/* pages: of one by address. */
static void invalidate(Bench *b, uint32_t i, uint8_t scope, uint32_t pages,
                       bool leaf)
{
    SmmuTlbi t = {
        .scope = scope,
        .leaf = leaf,
        .vmid = (uint16_t)(1 + i % SPACES),
        .asid = (uint16_t)(101 + i % SPACES),
        .last = UINT64_MAX,
    };

    if (pages) {
        t.addr = VA_BASE + ((uint64_t)(i / SPACES) * pages << 12);
        t.last = t.addr + ((uint64_t)pages << 12) - 1;
    }
    im_smmu_tlbi(b->s, &t);
}

static void inv_va(Bench *b, uint32_t i)
{
    invalidate(b, i, SMMU_TLBI_VA, 1, false);
}

static void inv_va_leaf(Bench *b, uint32_t i)
{
    invalidate(b, i, SMMU_TLBI_VA, 1, true);
}

static void inv_range(Bench *b, uint32_t i)
{
    invalidate(b, i % (2 * SPACES), SMMU_TLBI_VA, 512, false);
}

static void inv_asid(Bench *b, uint32_t i)
{
    invalidate(b, i, SMMU_TLBI_ASID, 0, false);
}

static void inv_vmid(Bench *b, uint32_t i)
{
    invalidate(b, i, SMMU_TLBI_VMALL, 0, false);
}

static void inv_all(Bench *b, uint32_t i)
{
    invalidate(b, i, SMMU_TLBI_NSNH_ALL, 0, false);
}

static const InvRow inv_rows[] = {
    { "invalidate a VA, 64K cached", inv_va, 16384, 16384 },
    { "invalidate a VA, leaf only, 64K cached", inv_va_leaf, 16384, 16384 },
    { "invalidate 512 pages (one range), 64K cached", inv_range, 128, 65536 },
    { "invalidate an ASID, 64K cached", inv_asid, 1024, 65536 },
    { "invalidate a VMID, 64K cached", inv_vmid, 1024, 65536 },
    { "invalidate all, 64 spaces, 64K cached", inv_all, 64, 65536 },
};

/* --- substreams --------------------------------------------------------- */

/* One page is translated for any of n SubstreamIDs in random order; all have
 * one ASID, so that only their CDs differ. */
static void bench_substreams(Bench *b, uint32_t n)
{
    double v[BATCHES];
    uint32_t count = MIN(MAX(n, 200000), 500000);
    const ImSmmuCounters *c;
    uint64_t hits;
    uint64_t misses;
    char what[80];

    start(b, 65536);
    c = im_smmu_counters(b->s);
    ste(b, RID, CONFIG_S1, ctx_two_level(), 0, 0);
    cd(b, 0, 1, 0, map_pages(b, 1));
    for (uint32_t i = 1; i < n; i++) {
        memcpy(word(b, CDS + 64 * (uint64_t)i), word(b, CDS), 64);
    }
    shuffle(b->order, n);
    hits = c->tlb_hits;
    misses = c->cd_misses;
    for (unsigned k = 0; k < BATCHES; k++) {
        double t0 = now_ns();
        uint32_t at = 0;
        uint8_t bad = 0;

        for (uint32_t i = 0; i < count; i++) {
            ImTxn t = request_of(b->order[at], VA_BASE);

            bad |= im_smmu_translate(b->s, &t).status;
            at = at + 1 == n ? 0 : at + 1;
        }
        v[k] = (now_ns() - t0) / count;
        must(!bad);
    }
    snprintf(what, sizeof(what), "CD lookup among %u SubstreamIDs", n);
    print(what, median(v, BATCHES), 0);
    printf("  (%.0f %% of the CDs fetched, %.0f %% TLB hits)\n",
           100.0 * (double)(c->cd_misses - misses) / (count * BATCHES),
           100.0 * (double)(c->tlb_hits - hits) / (count * BATCHES));
    stop(b);
}

static void *caches_new(uint32_t entries)
{
    ImSmmuConfig cfg = IM_SMMU_CONFIG_DEFAULT;

    cfg.tlb_entries = entries;
    return im_smmu_caches_new(&cfg);
}

/* --- for instructions.py ------------------------------------------------ */

static void ready_miss_4k(Bench *b)
{
    miss_tables(b, &miss_rows[0]);
}

static void ready_miss_64k(Bench *b)
{
    miss_tables(b, &miss_rows[1]);
}

static void ready_miss_nested(Bench *b)
{
    miss_tables(b, &miss_rows[2]);
}

static void miss_4k(Bench *b, uint32_t i)
{
    miss(b, &miss_rows[0], i);
}

static void miss_64k(Bench *b, uint32_t i)
{
    miss(b, &miss_rows[1], i);
}

static const CountRow count_rows[] = {
    { "hit", ready_hit, hit },
    { "miss, tables cached", ready_leaf_miss, leaf_miss },
    { "miss, 4K, all caches empty", ready_miss_4k, miss_4k },
    { "miss, 64K, all caches empty", ready_miss_64k, miss_64k },
    { "miss, nested, all caches empty", ready_miss_nested, miss_4k },
    { "invalidate a VA", ready_inv, inv_va },
    { "invalidate 512 pages", ready_inv, inv_range },
    { "invalidate an ASID", ready_inv, inv_asid },
    { "invalidate a VMID", ready_inv, inv_vmid },
    { "invalidate all", ready_inv, inv_all },
};

int main(int argc, char **argv)
{
    Bench b = bench_new();

    if (argc > 1) {
        return count_row(&b, count_rows, G_N_ELEMENTS(count_rows), argv + 2);
    }
    bench_all_hits(&b);
    for (unsigned i = 0; i < G_N_ELEMENTS(miss_rows); i++) {
        bench_miss(&b, &miss_rows[i]);
    }
    bench_leaf_miss(&b);
    bench_invalidations(&b, inv_rows, G_N_ELEMENTS(inv_rows));
    bench_substreams(&b, 16);
    bench_substreams(&b, 1024);
    bench_substreams(&b, 65536);
    bench_substreams(&b, 1u << 20);
    count_bytes(4096);
    count_bytes(65536);
    count_bytes(1u << 20);
    return bench_end(&b);
}
