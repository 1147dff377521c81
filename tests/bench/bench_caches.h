/*
 * What the benchmarks share of units whose tables are in guest memory, with
 * caches for what they read there. A program defines, further, BENCH_MISSES,
 * the counter of the cache for translations, and the functions declared first.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_BENCH_BENCH_CACHES_H
#define TESTS_BENCH_BENCH_CACHES_H

#include "bench/bench.h"

#define SPACES  64
#define EACH    1024

/* A new unit, of so many entries; request_of(1, ...) finds pages of 4 KiB from
 * VA_BASE on. */
static void start_pages(Bench *b, uint32_t entries, uint32_t pages);
/* One where SPACES requests, of i from 0 on, find EACH pages each. */
static void start_spaces(Bench *b);
static ImTxn space_request(uint32_t i);
/* The caches alone. */
static void *caches_new(uint32_t entries);

static void must_be_made(const Bench *b, const char *err)
{
    if (!b->s) {
        fprintf(stderr, "bench: %s\n", err);
        exit(1);
    }
}

static void stop(Bench *b)
{
    BENCH_FN(free)(b->s);
    b->s = NULL;
}

static void translate(Bench *b, const ImTxn *t)
{
    must(BENCH_FN(translate)(b->s, t).status == IM_OK);
}

/* --- hits, and misses of the last level --------------------------------- */

static void bench_hits(Bench *b, uint32_t pages, uint32_t capacity,
                       double target)
{
    double v[BATCHES];
    uint32_t count = MAX(pages, 200000);
    const uint64_t *misses;
    uint64_t before;
    char what[80];

    start_pages(b, capacity, pages);
    misses = &BENCH_FN(counters)(b->s)->BENCH_MISSES;
    shuffle(b->order, pages);
    lookups(b, request_of(1, 0), pages, count);
    before = *misses;
    for (unsigned i = 0; i < BATCHES; i++) {
        v[i] = lookups(b, request_of(1, 0), pages, count);
    }
    snprintf(what, sizeof(what), "hit, %u pages of %u entries", pages,
             capacity);
    print(what, median(v, BATCHES), target);
    if (*misses != before) {
        printf("  (%" PRIu64 " of %" PRIu64 " were misses)\n", *misses - before,
               (uint64_t)BATCHES * count);
    }
    stop(b);
}

static void bench_all_hits(Bench *b)
{
    bench_hits(b, 16, 65536, 40);
    bench_hits(b, 4096, 65536, 40);
    bench_hits(b, 65536, 65536, 80);
    bench_hits(b, 65536, 131072, 80);
    bench_hits(b, 1u << 20, 1u << 20, 0);
}

/* Misses with all that is above the leaf cached. */
static void bench_leaf_miss(Bench *b)
{
    double v[BATCHES];
    uint32_t pages = 65536;
    const uint64_t *misses, *reads;
    uint64_t misses_before, reads_before;

    start_pages(b, 4096, pages);
    misses = &BENCH_FN(counters)(b->s)->BENCH_MISSES;
    reads = &BENCH_FN(counters)(b->s)->walk_reads;
    shuffle(b->order, pages);
    lookups(b, request_of(1, 0), pages, pages);
    misses_before = *misses;
    reads_before = *reads;
    for (unsigned i = 0; i < BATCHES; i++) {
        v[i] = lookups(b, request_of(1, 0), pages, pages);
    }
    print("64K pages in turn through 4K entries", median(v, BATCHES), 0);
    printf("  (%.0f %% misses, %.2f reads a miss)\n",
           100.0 * (double)(*misses - misses_before) / (pages * BATCHES),
           (double)(*reads - reads_before) / (double)(*misses - misses_before));
    stop(b);
}

/* --- invalidations ------------------------------------------------------ */

typedef struct InvRow {
    const char *what;
    void (*fn)(Bench *b, uint32_t i);
    uint32_t count;
    uint32_t gone;
} InvRow;

static void fill(Bench *b)
{
    for (uint32_t i = 0; i < SPACES; i++) {
        ImTxn t = space_request(i);

        for (uint64_t page = 0; page < EACH; page++) {
            t.addr = VA_BASE + (page << 12);
            translate(b, &t);
        }
    }
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
            row->fn(b, i);
        }
        v[n] = (now_ns() - t0) / row->count;
        left = BENCH_FN(cached_translations)(b->s);
    }
    print(row->what, median(v, BATCHES), 0);
    if (left + row->gone != SPACES * EACH) {
        printf("  (%u left, expected %u)\n", left, SPACES * EACH - row->gone);
        b->failed = true;
    }
}

static void bench_invalidations(Bench *b, const InvRow *rows, size_t n)
{
    start_spaces(b);
    for (size_t i = 0; i < n; i++) {
        bench_inv(b, &rows[i]);
    }
    stop(b);
}

/* --- memory ------------------------------------------------------------- */

static void count_bytes(uint32_t entries)
{
    size_t before = heap();
    void *c = caches_new(entries);
    double each = (double)(heap() - before) / entries;

    printf("%7u entries: %.1f bytes each with all caches and indices"
           "   target    64  %s\n",
           entries, each, each <= 64 ? "reached" : "MISSED");
    BENCH_FN(caches_free)(c);
}

/* --- for instructions.py ------------------------------------------------ */

static void ready_hit(Bench *b)
{
    start_pages(b, 65536, 16);
    shuffle(b->order, 16);
    lookups(b, request_of(1, 0), 16, 16);
}

static void ready_leaf_miss(Bench *b)
{
    start_pages(b, 4096, 65536);
}

static void ready_inv(Bench *b)
{
    start_spaces(b);
    fill(b);
}

static void hit(Bench *b, uint32_t i)
{
    ImTxn t = request_of(1, VA_BASE + (i % 16 << 12));

    translate(b, &t);
}

static void leaf_miss(Bench *b, uint32_t i)
{
    ImTxn t = request_of(1, VA_BASE + (i % 65536 << 12));

    translate(b, &t);
}

#endif /* TESTS_BENCH_BENCH_CACHES_H */
