/*
 * A page-table format that nobody has, for tests of the walker alone: memory,
 * tables of any shape, and what may happen to an access on its way.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_TOY_H
#define TESTS_LIB_TOY_H

#include <glib.h>

#include "hw/core/walk.h"

/* Bits of an entry; the address is what lies above bit 11. */
#define E_P     1u
#define E_W     2u
#define E_LEAF  4u
#define E_A     8u
#define E_D     16u
#define E_RSVD  32u

typedef struct Toy {
    uint8_t *mem;
    uint64_t next;
    unsigned reads;
    unsigned updates;
    unsigned fail_at;           /* this read fails; 0: none */
    unsigned races;             /* how often the CPU gets in between */
    uint64_t race_set, race_clear;
    bool update_fails;
    uint64_t rom;               /* updates of this entry fail; 0: none */
    uint64_t forbid;            /* pages that reach this address; 0: none */
    ImWalkPoint start;          /* with start_stage */
    int start_stage;
    unsigned kept[2];
    ImWalkPoint last_kept[2];
    GString *steps;
} Toy;

extern const ImWalkOps toy_ops;
extern const char *const toy_names[5];      /* of the levels */
extern const ImPtFormat toy_4k;             /* 4 levels of 4 KiB tables */

Toy *toy_new(void);
void toy_free(Toy *t);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Toy, toy_free)

ImPteKind toy_decode(const ImPtStage *st, unsigned level, uint64_t pte,
                     ImPteView *v);
/* A compare-and-swap that is never equal, and a step appended to t->steps. */
ImBus toy_never(void *opaque, uint64_t pa, uint64_t *expected,
                uint64_t desired);
void toy_step(void *opaque, const ImStep *step);

/* An empty table of a level of st, and a stage with an empty top table. */
uint64_t toy_table(Toy *t, const ImPtStage *st, unsigned level);
ImPtStage toy_stage(Toy *t, const ImPtFormat *f, unsigned top);

/* Where the entry of a level for addr is; makes tables on the way. */
uint64_t toy_entry(Toy *t, const ImPtStage *st, uint64_t addr, unsigned level);
uint64_t toy_entry_value(Toy *t, const ImPtStage *st, uint64_t addr,
                         unsigned level);
void toy_map(Toy *t, const ImPtStage *st, uint64_t addr, uint64_t out,
             unsigned level, uint64_t flags);

/* Walk stage s0, behind s1 unless that is NULL. */
ImWalkOut toy_walk(Toy *t, const ImWalkOps *ops, const ImPtStage *s0,
                   const ImPtStage *s1, uint64_t addr, uint8_t need);

#endif /* TESTS_LIB_TOY_H */
