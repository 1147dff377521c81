/*
 * What the benchmarks of single units share beside a host (bench_host.h). A
 * program defines MEM_SIZE, BENCH_UNIT, the type of its unit, and BENCH_FN(),
 * the name of one of its functions, and includes this once.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include "bench/bench_host.h"

#include <inttypes.h>
#include <malloc.h>

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

static void print(const char *what, double ns, double target)
{
    if (target <= 0) {
        printf("%-46s %9.1f ns\n", what, ns);
        return;
    }
    printf("%-46s %9.1f ns   target %5.0f  %s\n", what, ns, target,
           ns <= target ? "reached" : "MISSED");
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
