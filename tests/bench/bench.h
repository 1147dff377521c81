/*
 * What the benchmarks of single units share: a host whose memory is an
 * array, batches, medians. A program defines MEM_SIZE, BENCH_UNIT, the type
 * of its unit, and BENCH_FN(), the name of one of its functions, and includes
 * this once.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "im/im_port.h"

#define VA_BASE     UINT64_C(0x7f0000000000)
#define OUT_BASE    UINT64_C(0x100000000)
#define BATCHES     15

typedef struct Bench {
    uint8_t *mem;
    uint64_t next;              /* table allocator */
    uint64_t responses;
    BENCH_UNIT *s;
    uint32_t *order;
    bool failed;                /* something is wrong, not just slow */
} Bench;

/* --- the host ----------------------------------------------------------- */

static ImBus mem_read(void *host, uint64_t pa, void *buf, size_t len)
{
    Bench *b = host;

    if (pa > MEM_SIZE - len) {
        return IM_BUS_ERROR;
    }
    if (len == 8) {
        memcpy(buf, b->mem + pa, 8);
    } else {
        memcpy(buf, b->mem + pa, len);
    }
    return IM_BUS_OK;
}

static ImBus mem_write(void *host, uint64_t pa, const void *buf, size_t len)
{
    Bench *b = host;

    if (pa > MEM_SIZE - len) {
        return IM_BUS_ERROR;
    }
    memcpy(b->mem + pa, buf, len);
    return IM_BUS_OK;
}

static ImBus mem_cmpxchg(void *host, uint64_t pa, uint64_t *expected,
                         uint64_t desired)
{
    Bench *b = host;
    uint64_t *at = (uint64_t *)(void *)(b->mem + pa);

    if (pa > MEM_SIZE - 8) {
        return IM_BUS_ERROR;
    }
    return __atomic_compare_exchange_n(at, expected, desired, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) ?
               IM_BUS_OK :
               IM_BUS_RETRY;
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

static void response(void *host, const ImPageResp *resp)
{
    Bench *b = host;

    (void)resp;
    b->responses++;
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

static uint64_t *word(Bench *b, uint64_t pa)
{
    return (uint64_t *)(void *)(b->mem + pa);
}

static ImPort bench_port(void)
{
    return (ImPort) {
        .size = sizeof(ImPort),
        .read = mem_read,
        .write = mem_write,
        .cmpxchg64 = mem_cmpxchg,
        .msi = no_msi,
        .ats_invalidate = no_inv,
        .page_response = response,
        .now = no_time,
        .deadline = no_deadline,
    };
}

static Bench bench_new(void)
{
    Bench b = { .mem = calloc(1, MEM_SIZE) };

    b.order = calloc(1u << 20, sizeof(*b.order));
    if (!b.mem || !b.order) {
        fprintf(stderr, "bench: no memory\n");
        exit(1);
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    return b;
}

static int bench_end(Bench *b)
{
    free(b->order);
    free(b->mem);
    return b->failed ? 1 : 0;
}

/* --- tables ------------------------------------------------------------- */

/* Zeroed, aligned to its size, which is a power of two. */
static uint64_t new_table_of(Bench *b, uint64_t size)
{
    uint64_t t = (b->next + size - 1) & ~(size - 1);

    b->next = t + size;
    if (b->next > MEM_SIZE) {
        fprintf(stderr, "bench: tables do not fit\n");
        exit(1);
    }
    memset(b->mem + t, 0, size);
    return t;
}

static uint64_t new_table(Bench *b)
{
    return new_table_of(b, 0x1000);
}

/* --- measuring ---------------------------------------------------------- */

static void shuffle(uint32_t *v, uint32_t n)
{
    uint64_t x = UINT64_C(0x243f6a8885a308d3);

    for (uint32_t i = 0; i < n; i++) {
        v[i] = i;
    }
    for (uint32_t i = n - 1; i > 0; i--) {
        uint32_t j;

        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        j = (uint32_t)(x % (i + 1));
        uint32_t t = v[i];

        v[i] = v[j];
        v[j] = t;
    }
}

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *v, unsigned n)
{
    qsort(v, n, sizeof(*v), compare);
    return v[n / 2];
}

static void print(const char *what, double ns, double target)
{
    if (target <= 0) {
        printf("%-46s %9.1f ns\n", what, ns);
        return;
    }
    printf("%-46s %9.1f ns   target %5.0f  %s\n", what, ns, target,
           ns <= target ? "reached" : "MISSED");
}

static void must(bool ok)
{
    if (!ok) {
        fprintf(stderr, "bench: a translation that must succeed failed\n");
        exit(1);
    }
}

/* Count requests for 4 KiB pages from VA_BASE in b->order. */
static double lookups(Bench *b, ImTxn t, uint32_t pages, uint32_t count)
{
    double start_ns = now_ns();
    uint32_t at = 0;
    uint8_t bad = 0;

    for (uint32_t i = 0; i < count; i++) {
        t.addr = VA_BASE + ((uint64_t)b->order[at] << 12);
        bad |= BENCH_FN(translate)(b->s, &t).status;
        at = at + 1 == pages ? 0 : at + 1;
    }
    must(!bad);
    return (now_ns() - start_ns) / count;
}

/*
 * Instructions are counted from outside, by tests/bench/instructions.py: it
 * runs a row's operation n times and 2 n times, and takes the difference.
 *
 *   PROGRAM count            the rows' names
 *   PROGRAM count NAME N     one of them, N times
 */
typedef struct CountRow {
    const char *name;
    void (*ready)(Bench *b);
    void (*operate)(Bench *b, uint32_t i);
} CountRow;

static int count_row(Bench *b, const CountRow *rows, size_t n, char **arg)
{
    for (size_t i = 0; i < n; i++) {
        if (!arg[0]) {
            puts(rows[i].name);
        } else if (strcmp(rows[i].name, arg[0]) == 0) {
            uint32_t times = (uint32_t)atoi(arg[1]);

            rows[i].ready(b);
            for (uint32_t k = 0; k < times; k++) {
                rows[i].operate(b, k);
            }
        }
    }
    return bench_end(b);
}

static size_t heap(void)
{
    struct mallinfo2 m = mallinfo2();

    return m.uordblks + m.hblkhd;
}

#endif /* TESTS_BENCH_BENCH_H */
