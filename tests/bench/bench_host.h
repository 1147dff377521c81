/*
 * What every benchmark of libim needs: a host whose memory is an array, tables
 * there, time, medians. A program defines MEM_SIZE and BENCH_UNIT, the type of
 * what it measures, and includes this once.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_BENCH_BENCH_HOST_H
#define TESTS_BENCH_BENCH_HOST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "im/im_port.h"

#define VA_BASE     UINT64_C(0x7f0000000000)
#define OUT_BASE    UINT64_C(0x100000000)
#define BATCHES     15
#define RID         0x0100

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

/* A backend's user memory is physical memory. */
static inline int pin(void *host, void *user, uint64_t addr, bool write,
                      uint64_t *pa)
{
    (void)host;
    (void)user;
    (void)write;
    *pa = addr;
    return 0;
}

static inline void unpin(void *host, void *user, uint64_t addr, uint64_t pa,
                         bool dirty)
{
    (void)host;
    (void)user;
    (void)addr;
    (void)pa;
    (void)dirty;
}

static inline ImTxn request_of(uint32_t pasid, uint64_t addr)
{
    return (ImTxn) { .rid = RID,
                     .has_pasid = true,
                     .pasid = pasid,
                     .addr = addr,
                     .len = 64,
                     .access = IM_READ };
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

static void must(bool ok)
{
    if (!ok) {
        fprintf(stderr, "bench: a translation that must succeed failed\n");
        exit(1);
    }
}

#endif /* TESTS_BENCH_BENCH_HOST_H */
