/*
 * How fast is a VT-d unit alone, on memory that is an array?
 *
 * Every figure is the median of batches, in nanoseconds an operation of this
 * thread's time, pages in random order.
 *
 * SPDX-License-Identifier: MIT
 */
#include "im/im_vtd.h"
/* Inside knowledge, for probe counts and sizes only. */
#include "hw/vtd/dma.h"

#define MEM_SIZE    (UINT64_C(96) << 20)
#define BENCH_UNIT  ImVtd
#define BENCH_FN(name)  im_vtd_##name
#define BENCH_MISSES  iotlb_misses
#include "bench/bench_caches.h"
#define BENCH_VTD(b)  ((b)->s)
#include "bench/bench_vtd_unit.h"

static void start(Bench *b, uint32_t iotlb_entries)
{
    ImVtdConfig cfg = unit_config();
    ImPort port = bench_port();
    char *err = NULL;

    cfg.iotlb_entries = iotlb_entries;
    b->s = im_vtd_new(&cfg, &port, b, &err);
    must_be_made(b, err);
    unit_on(b);
}

/* PASID's own first stage, of so many pages. */
static void map_pages(Bench *b, uint32_t pasid, uint32_t pages)
{
    uint64_t fs = new_table(b);

    pasid_entry(b, pasid, (uint16_t)pasid, fs, 0);
    for (uint32_t i = 0; i < pages; i++) {
        map(b, fs, VA_BASE + ((uint64_t)i << 12),
            OUT_BASE + ((uint64_t)i << 12), FS_TABLE, FS_LEAF);
    }
}

static void start_pages(Bench *b, uint32_t entries, uint32_t pages)
{
    start(b, entries);
    map_pages(b, 1, pages);
}

#define MISS_PAGES  512

static void miss_tables(Bench *b, bool nested)
{
    uint32_t pages = MISS_PAGES;
    uint64_t fs;
    uint64_t ss = 0;

    start(b, 65536);
    fs = new_table(b);
    if (nested) {
        ss = new_table(b);
    }
    for (uint32_t i = 0; i < pages; i++) {
        map(b, fs, VA_BASE + ((uint64_t)i << 12), OUT_BASE + (i << 12),
            FS_TABLE, FS_LEAF);
    }
    for (uint64_t pa = 0; nested && pa < UINT64_C(4) << 20; pa += 0x1000) {
        map(b, ss, pa, pa, SS_ENTRY, SS_ENTRY);
    }
    for (uint32_t i = 0; nested && i < pages; i++) {
        map(b, ss, OUT_BASE + (i << 12), OUT_BASE + (i << 12), SS_ENTRY,
            SS_ENTRY);
    }
    pasid_entry(b, 1, 1, fs, ss);
}

/* Every request comes from another requester: nothing is cached for it. */
static void miss(Bench *b, uint32_t rid)
{
    ImTxn t = request_of(1, VA_BASE + (rid % MISS_PAGES << 12));

    t.rid = (uint16_t)(rid * 40503u);
    translate(b, &t);
}

static void bench_miss(Bench *b, bool nested, double target)
{
    const ImVtdCounters *c;
    double v[BATCHES];
    uint64_t reads;

    miss_tables(b, nested);
    c = im_vtd_counters(b->s);
    reads = c->walk_reads;
    for (unsigned n = 0; n < BATCHES; n++) {
        double t0 = now_ns();

        for (uint32_t rid = 0; rid < 65536; rid++) {
            miss(b, rid);
        }
        v[n] = (now_ns() - t0) / 65536;
    }
    print(nested ? "miss, nested 4 x 4 levels, all caches empty" :
                   "miss, 4 levels, all caches empty",
          median(v, BATCHES), target);
    printf("  (%.1f reads of guest memory each)\n",
           (double)(c->walk_reads - reads) / (65536.0 * BATCHES));
    stop(b);
}

/* --- invalidations ------------------------------------------------------ */

/* Every PASID is a domain of its own. */
static void start_spaces(Bench *b)
{
    start(b, 65536 * 2);
    for (uint32_t p = 0; p < SPACES; p++) {
        map_pages(b, 1 + p, EACH);
    }
}

static ImTxn space_request(uint32_t i)
{
    return request_of(1 + i, 0);
}

static void inv_page(Bench *b, uint32_t i)
{
    im_vtd_inv_piotlb(b->s, VTD_GRAN_PAGE, (uint16_t)(1 + i % SPACES),
                      1 + i % SPACES, VA_BASE + ((uint64_t)i / SPACES << 12), 0,
                      false);
}

static void inv_2m(Bench *b, uint32_t i)
{
    im_vtd_inv_piotlb(b->s, VTD_GRAN_PAGE, (uint16_t)(1 + i % SPACES),
                      1 + i % SPACES,
                      VA_BASE + ((uint64_t)(i / SPACES & 1) << 21), 9, false);
}

static void inv_pasid(Bench *b, uint32_t i)
{
    im_vtd_inv_piotlb(b->s, VTD_GRAN_PASID, (uint16_t)(1 + i % SPACES),
                      1 + i % SPACES, 0, 0, false);
}

static void inv_domain(Bench *b, uint32_t i)
{
    im_vtd_inv_iotlb(b->s, VTD_GRAN_DOMAIN, (uint16_t)(1 + i % SPACES), 0, 0,
                     false);
}

static void inv_global(Bench *b, uint32_t i)
{
    (void)i;
    im_vtd_inv_iotlb(b->s, VTD_GRAN_GLOBAL, 0, 0, 0, false);
}

static const InvRow inv_rows[] = {
    { "invalidate a page, 64K cached", inv_page, 16384, 16384 },
    { "invalidate 512 pages (AM=9), 64K cached", inv_2m, 128, 65536 },
    /* Emptied by the first round of 64, each of the others does the same. */
    { "invalidate a PASID, 64K cached", inv_pasid, 1024, 65536 },
    { "invalidate a domain, 64K cached", inv_domain, 1024, 65536 },
    { "invalidate all, 64 spaces, 64K cached", inv_global, 64, 65536 },
};

/* --- page requests ------------------------------------------------------ */

/* Request, descriptor read, response descriptor, response message. */
static void bench_page_request(Bench *b)
{
    double v[BATCHES];
    uint64_t fs;
    uint32_t count = 20000;
    uint32_t tail = 0;

    start(b, 65536);
    fs = new_table(b);
    pasid_entry(b, 1, 1, fs, 0);
    map(b, fs, VA_BASE, OUT_BASE, FS_TABLE, FS_LEAF);
    b->responses = 0;
    for (unsigned n = 0; n < BATCHES; n++) {
        double t0 = now_ns();

        for (uint32_t i = 0; i < count; i++) {
            ImPageReq req = {
                .rid = RID,
                .has_pasid = true,
                .pasid = 1,
                .addr = VA_BASE,
                .read = true,
                .last = true,
                .prgi = i & 511,
            };
            uint64_t *d = word(b, IQ + tail);
            uint64_t head = im_vtd_mmio_read(b->s, 0x0c0, 8);
            uint64_t *q = word(b, PRQ + head);

            im_vtd_page_request(b->s, &req);
            d[0] = 0x9 | 1 << 4 | (uint64_t)RID << 16 |
                   (uint64_t)(q[0] >> 32 & 0xfffff) << 32;
            d[1] = (q[1] >> 3 & 511) << 3;
            d[2] = d[3] = 0;
            reg_write(b, 0x0c0, (head + 32) & 0xfff, 8);
            tail = (tail + 32) & 0xfff;
            reg_write(b, 0x088, tail, 8);
        }
        v[n] = (now_ns() - t0) / count;
    }
    if (b->responses != (uint64_t)count * BATCHES) {
        printf("  (%" PRIu64 " responses, expected %u)\n", b->responses,
               count * BATCHES);
        b->failed = true;
    }
    print("page request round trip", median(v, BATCHES), 0);
    stop(b);
}

/*
 * O(1): a lookup looks at one set of four entries for each page size in
 * use, however many are cached.
 */
static void count_probes(Bench *b, uint32_t pages)
{
    static const uint8_t shift[IM_TLB_CLASSES] = { 12, 21, 30, 0 };
    uint64_t looked = 0;
    uint32_t found = 0;
    ImTlb t;

    im_tlb_init(&t, MAX(pages, 65536), shift);
    for (uint32_t i = 0; i < pages; i++) {
        im_tlb_put(&t, IM_TLB_TAG_MIN, 0, VA_BASE + ((uint64_t)i << 12), 0, 0);
    }
    for (uint32_t i = 0; i < pages; i++) {
        ImTlbKey k = im_tlb_key(&t, IM_TLB_TAG_MIN, 0,
                                VA_BASE + ((uint64_t)i << 12));
        ImTlbEntry *e = im_tlb_find(&k);

        looked += e ? (uint64_t)(e - k.set) + 1 : IM_TLB_WAYS;
        found += !!e;
    }
    printf("%7u pages cached: %u found, 1 set and %.2f entries a lookup\n",
           pages, found, (double)looked / pages);
    b->failed |= found != pages;
    im_tlb_destroy(&t);
}

/* Pages that are no neighbours collide: how many of them stay. */
static void count_scattered(uint32_t pages, uint32_t entries)
{
    static const uint8_t shift[IM_TLB_CLASSES] = { 12, 21, 30, 0 };
    uint64_t x = UINT64_C(0x13198a2e03707344);
    uint32_t found = 0;
    ImTlb t;

    im_tlb_init(&t, entries, shift);
    for (unsigned pass = 0; pass < 2; pass++) {
        uint64_t y = x;

        for (uint32_t i = 0; i < pages; i++) {
            uint64_t va;

            y ^= y << 13;
            y ^= y >> 7;
            y ^= y << 17;
            va = y >> 17 << 12;
            if (pass == 0) {
                im_tlb_put(&t, IM_TLB_TAG_MIN, 0, va, 0, 0);
            } else {
                ImTlbKey k = im_tlb_key(&t, IM_TLB_TAG_MIN, 0, va);

                found += !!im_tlb_find(&k);
            }
        }
    }
    printf("%7u scattered pages in %u entries: %.1f %% stay\n", pages, entries,
           100.0 * found / pages);
    im_tlb_destroy(&t);
}

static void *caches_new(uint32_t entries)
{
    ImVtdConfig cfg = IM_VTD_CONFIG_DEFAULT;

    cfg.iotlb_entries = entries;
    return im_vtd_caches_new(&cfg);
}

/* --- for instructions.py ------------------------------------------------ */

static void ready_miss(Bench *b)
{
    miss_tables(b, false);
}

static void ready_nested_miss(Bench *b)
{
    miss_tables(b, true);
}

static const CountRow count_rows[] = {
    { "hit", ready_hit, hit },
    { "miss, tables cached", ready_leaf_miss, leaf_miss },
    { "miss, all caches empty", ready_miss, miss },
    { "miss, nested, all caches empty", ready_nested_miss, miss },
    { "invalidate a page", ready_inv, inv_page },
    { "invalidate 512 pages", ready_inv, inv_2m },
    { "invalidate a PASID", ready_inv, inv_pasid },
    { "invalidate a domain", ready_inv, inv_domain },
    { "invalidate all", ready_inv, inv_global },
};

int main(int argc, char **argv)
{
    Bench b = bench_new();

    if (argc > 1) {
        return count_row(&b, count_rows, G_N_ELEMENTS(count_rows), argv + 2);
    }
    bench_all_hits(&b);
    bench_miss(&b, false, 250);
    bench_miss(&b, true, 0);
    bench_leaf_miss(&b);
    bench_invalidations(&b, inv_rows, G_N_ELEMENTS(inv_rows));
    bench_page_request(&b);
    count_probes(&b, 16);
    count_probes(&b, 4096);
    count_probes(&b, 65536);
    count_probes(&b, 1u << 20);
    count_scattered(65536, 65536);
    count_scattered(65536, 131072);
    count_scattered(65536, 262144);
    count_bytes(4096);
    count_bytes(65536);
    count_bytes(1u << 20);
    return bench_end(&b);
}
