/*
 * A VT-d unit in scalable mode for benchmarks: where its tables are, and how
 * they are made. A program defines BENCH_VTD(b), its unit, and includes this
 * once, behind bench_host.h.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_BENCH_BENCH_VTD_UNIT_H
#define TESTS_BENCH_BENCH_VTD_UNIT_H

#include "im/im_vtd.h"

/* Fixed places in memory. */
#define ROOT        UINT64_C(0x1000)
#define CONTEXT     UINT64_C(0x2000)
#define DIRECTORY   UINT64_C(0x3000)
#define PASIDS      UINT64_C(0x10000)       /* 1024 entries */
#define IQ          UINT64_C(0x30000)
#define PRQ         UINT64_C(0x40000)
#define TABLES      UINT64_C(0x100000)

/* --- tables ------------------------------------------------------------- */

/* 4-level table in either format: flags of tables and of leaves. */
static void map(Bench *b, uint64_t root, uint64_t va, uint64_t pa,
                uint64_t table, uint64_t leaf)
{
    uint64_t t = root;

    for (unsigned shift = 39; shift > 12; shift -= 9) {
        uint64_t *e = word(b, t + 8 * (va >> shift & 511));

        if (!*e) {
            *e = new_table(b) | table;
        }
        t = *e & UINT64_C(0xffffffffff000);
    }
    *word(b, t + 8 * (va >> 12 & 511)) = pa | leaf;
}

/* P, R/W, U/S, A; a leaf also D. */
#define FS_TABLE  0x27
#define FS_LEAF   0x67
/* R, W, A, D. */
#define SS_ENTRY  0x303

static void pasid_entry(Bench *b, uint32_t pasid, uint16_t did, uint64_t fs,
                        uint64_t ss)
{
    uint64_t *e = word(b, PASIDS + 64 * pasid);
    uint64_t pgtt = ss ? 3 : 1;

    memset(e, 0, 64);
    e[1] = did | UINT64_C(1) << 23;         /* DID, PWSNP */
    e[2] = fs;
    e[0] = 1 | pgtt << 6 | 2 << 2 | ss;     /* P, PGTT, AW: 4 levels */
}

static void reg_write(Bench *b, uint64_t off, uint64_t val, unsigned size)
{
    im_vtd_mmio_write(BENCH_VTD(b), off, val, size);
}

static ImVtdConfig unit_config(void)
{
    ImVtdConfig cfg = IM_VTD_CONFIG_DEFAULT;

    cfg.aw_bits = 48;
    cfg.haw_bits = 48;
    cfg.fs5lp = false;
    return cfg;
}

/* Every function has the PASID table of CONTEXT. */
static void unit_on(Bench *b)
{
    for (unsigned bus = 0; bus < 256; bus++) {
        word(b, ROOT)[2 * bus] = CONTEXT | 1;
        word(b, ROOT)[2 * bus + 1] = CONTEXT | 1;
    }
    for (unsigned fn = 0; fn < 128; fn++) {
        uint64_t *e = word(b, CONTEXT + 32 * fn);

        e[0] = DIRECTORY | 1 | 1 << 2 | 1 << 3 | 1 << 4;
        e[1] = e[2] = e[3] = 0;
    }
    for (unsigned i = 0; i < 16; i++) {
        word(b, DIRECTORY)[i] = (PASIDS + 0x1000 * i) | 1;
    }
    b->next = TABLES;
    reg_write(b, 0x020, ROOT | 1 << 10, 8);         /* RTADDR, scalable */
    reg_write(b, 0x018, 1u << 30, 4);               /* SRTP */
    reg_write(b, 0x090, IQ | 1 << 11, 8);           /* IQA, 256-bit */
    reg_write(b, 0x018, 1u << 26, 4);               /* QIE */
    reg_write(b, 0x0d0, PRQ, 8);                    /* PQA */
    reg_write(b, 0x018, 1u << 31 | 1u << 26, 4);    /* TE */
}

#endif /* TESTS_BENCH_BENCH_VTD_UNIT_H */
