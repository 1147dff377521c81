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
#define BENCH_TRANSLATE  im_smmu_translate
#include "bench/bench.h"

#define SID         0x0100
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
    if (!b->s) {
        fprintf(stderr, "bench: %s\n", err);
        exit(1);
    }
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

static void stop(Bench *b)
{
    im_smmu_free(b->s);
    b->s = NULL;
}

static ImTxn request(uint32_t ssid, uint64_t addr)
{
    return (ImTxn) { .rid = SID,
                     .has_pasid = true,
                     .pasid = ssid,
                     .addr = addr,
                     .len = 64,
                     .access = IM_READ };
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

static void bench_hits(Bench *b, uint32_t pages, uint32_t capacity,
                       double target)
{
    double v[BATCHES];
    uint32_t count = MAX(pages, 200000);
    const ImSmmuCounters *c;
    uint64_t before;
    char what[80];

    start(b, capacity);
    c = im_smmu_counters(b->s);
    ste(b, SID, CONFIG_S1, ctx_linear(4), 0, 0);
    cd(b, 1, 1, 0, map_pages(b, pages));
    shuffle(b->order, pages);
    lookups(b, request(1, 0), pages, count);
    before = c->tlb_misses;
    for (unsigned i = 0; i < BATCHES; i++) {
        v[i] = lookups(b, request(1, 0), pages, count);
    }
    snprintf(what, sizeof(what), "hit, %u pages of %u entries", pages,
             capacity);
    print(what, median(v, BATCHES), target);
    if (c->tlb_misses != before) {
        printf("  (%" PRIu64 " of %" PRIu64 " were misses)\n",
               c->tlb_misses - before, (uint64_t)BATCHES * count);
    }
    stop(b);
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

    must(im_smmu_translate(b->s, &t).status == IM_OK);
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

/* TLB misses with configuration and tables above the leaf cached. */
static void bench_leaf_miss(Bench *b)
{
    double v[BATCHES];
    const ImSmmuCounters *c;
    uint32_t pages = 65536;
    uint64_t misses;
    uint64_t reads;

    start(b, 4096);
    c = im_smmu_counters(b->s);
    ste(b, SID, CONFIG_S1, ctx_linear(4), 0, 0);
    cd(b, 1, 1, 0, map_pages(b, pages));
    shuffle(b->order, pages);
    lookups(b, request(1, 0), pages, pages);
    misses = c->tlb_misses;
    reads = c->walk_reads;
    for (unsigned i = 0; i < BATCHES; i++) {
        v[i] = lookups(b, request(1, 0), pages, pages);
    }
    print("64K pages in turn through 4K entries", median(v, BATCHES), 0);
    printf("  (%.0f %% misses, %.2f reads a miss)\n",
           100.0 * (double)(c->tlb_misses - misses) / (pages * BATCHES),
           (double)(c->walk_reads - reads) / (double)(c->tlb_misses - misses));
    stop(b);
}

/* --- invalidations ------------------------------------------------------ */

#define SPACES  64
#define EACH    1024

/* 64 streams of 1K pages each, with a VMID and an ASID of their own. */
static void fill(Bench *b)
{
    for (uint32_t i = 0; i < SPACES; i++) {
        ImTxn t = { .len = 64, .access = IM_READ, .rid = (uint16_t)(1 + i) };

        for (uint64_t page = 0; page < EACH; page++) {
            t.addr = VA_BASE + (page << 12);
            must(im_smmu_translate(b->s, &t).status == IM_OK);
        }
    }
}

typedef struct InvRow {
    const char *what;
    uint8_t scope;
    uint32_t count;
    uint32_t gone;
    uint32_t pages;             /* of one invalidation by address */
    bool leaf;
} InvRow;

static const InvRow inv_rows[] = {
    { "invalidate a VA, 64K cached", SMMU_TLBI_VA, 16384, 16384, 1, false },
    { "invalidate a VA, leaf only, 64K cached", SMMU_TLBI_VA, 16384, 16384, 1,
      true },
    { "invalidate 512 pages (one range), 64K cached", SMMU_TLBI_VA, 128, 65536,
      512, false },
    { "invalidate an ASID, 64K cached", SMMU_TLBI_ASID, 1024, 65536, 0, false },
    { "invalidate a VMID, 64K cached", SMMU_TLBI_VMALL, 1024, 65536, 0, false },
    { "invalidate all, 64 spaces, 64K cached", SMMU_TLBI_NSNH_ALL, 64, 65536, 0,
      false },
};

static void invalidate(Bench *b, const InvRow *row, uint32_t i)
{
    SmmuTlbi t = {
        .scope = row->scope,
        .leaf = row->leaf,
        .vmid = (uint16_t)(1 + i % SPACES),
        .asid = (uint16_t)(101 + i % SPACES),
        .last = UINT64_MAX,
    };

    if (row->pages) {
        t.addr = VA_BASE + ((uint64_t)(i / SPACES) * row->pages << 12);
        t.last = t.addr + ((uint64_t)row->pages << 12) - 1;
    }
    im_smmu_tlbi(b->s, &t);
}

static void bench_inv(Bench *b, const InvRow *row)
{
    double v[BATCHES];
    unsigned left = 0;

    for (unsigned n = 0; n < BATCHES; n++) {
        double t0;

        fill(b);
        t0 = now_ns();
        for (uint32_t i = 0; i < row->count; i++) {
            invalidate(b, row, i);
        }
        v[n] = (now_ns() - t0) / row->count;
        left = im_smmu_cached_translations(b->s);
    }
    print(row->what, median(v, BATCHES), 0);
    if (left + row->gone != SPACES * EACH) {
        printf("  (%u left, expected %u)\n", left, SPACES * EACH - row->gone);
        b->failed = true;
    }
}

static void map_spaces(Bench *b)
{
    start(b, 65536 * 2);
    for (uint32_t i = 0; i < SPACES; i++) {
        ste(b, 1 + i, CONFIG_S1, ctx_linear(0) + 64 * (uint64_t)i,
            (uint16_t)(1 + i), 0);
        cd(b, i, (uint16_t)(101 + i), 0, map_pages(b, EACH));
    }
}

static void bench_invalidations(Bench *b)
{
    map_spaces(b);
    for (unsigned i = 0; i < G_N_ELEMENTS(inv_rows); i++) {
        bench_inv(b, &inv_rows[i]);
    }
    stop(b);
}

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
    ste(b, SID, CONFIG_S1, ctx_two_level(), 0, 0);
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
            ImTxn t = request(b->order[at], VA_BASE);

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

static void count_bytes(uint32_t entries)
{
    ImSmmuConfig cfg = IM_SMMU_CONFIG_DEFAULT;
    size_t before = heap();
    SmmuCaches *c;
    double each;

    cfg.tlb_entries = entries;
    c = im_smmu_caches_new(&cfg);
    each = (double)(heap() - before) / entries;
    printf("%7u entries: %.1f bytes each with all caches and indices"
           "   target    64  %s\n",
           entries, each, each <= 64 ? "reached" : "MISSED");
    im_smmu_caches_free(c);
}

/* --- for instructions.py ------------------------------------------------ */

static void ready_hit(Bench *b)
{
    start(b, 65536);
    ste(b, SID, CONFIG_S1, ctx_linear(4), 0, 0);
    cd(b, 1, 1, 0, map_pages(b, 16));
    shuffle(b->order, 16);
    lookups(b, request(1, 0), 16, 16);
}

static void ready_leaf_miss(Bench *b)
{
    start(b, 4096);
    ste(b, SID, CONFIG_S1, ctx_linear(4), 0, 0);
    cd(b, 1, 1, 0, map_pages(b, 65536));
}

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

static void ready_inv(Bench *b)
{
    map_spaces(b);
    fill(b);
}

static void hit(Bench *b, uint32_t i)
{
    ImTxn t = request(1, VA_BASE + (i % 16 << 12));

    must(im_smmu_translate(b->s, &t).status == IM_OK);
}

static void leaf_miss(Bench *b, uint32_t i)
{
    ImTxn t = request(1, VA_BASE + (i % 65536 << 12));

    must(im_smmu_translate(b->s, &t).status == IM_OK);
}

static void miss_4k(Bench *b, uint32_t i)
{
    miss(b, &miss_rows[0], i);
}

static void miss_64k(Bench *b, uint32_t i)
{
    miss(b, &miss_rows[1], i);
}

static void inv_va(Bench *b, uint32_t i)
{
    invalidate(b, &inv_rows[0], i);
}

static void inv_range(Bench *b, uint32_t i)
{
    invalidate(b, &inv_rows[2], i % (2 * SPACES));
}

static void inv_asid(Bench *b, uint32_t i)
{
    invalidate(b, &inv_rows[3], i);
}

static void inv_vmid(Bench *b, uint32_t i)
{
    invalidate(b, &inv_rows[4], i);
}

static void inv_all(Bench *b, uint32_t i)
{
    invalidate(b, &inv_rows[5], i);
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
    bench_hits(&b, 16, 65536, 40);
    bench_hits(&b, 4096, 65536, 40);
    bench_hits(&b, 65536, 65536, 80);
    bench_hits(&b, 65536, 131072, 80);
    bench_hits(&b, 1u << 20, 1u << 20, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(miss_rows); i++) {
        bench_miss(&b, &miss_rows[i]);
    }
    bench_leaf_miss(&b);
    bench_invalidations(&b);
    bench_substreams(&b, 16);
    bench_substreams(&b, 1024);
    bench_substreams(&b, 65536);
    bench_substreams(&b, 1u << 20);
    count_bytes(4096);
    count_bytes(65536);
    count_bytes(1u << 20);
    return bench_end(&b);
}
