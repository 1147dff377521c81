/*
 * What an SMMU with empty caches must answer, worked out step by step from
 * chapters 3, 5, 7.3 and 15 of IHI 0070 and the A-profile manual: slow,
 * stateless, and not the model.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_SMMU_ORACLE_H
#define TESTS_LIB_SMMU_ORACLE_H

#include "lib/smmu_world.h"

typedef enum SoEnd {
    SO_OK,
    SO_ABORT,
    SO_RAZ_WI,
    SO_STALL,                   /* if the requester can wait */
} SoEnd;

#define SO_UPDATES  40

typedef struct SoAnswer {
    SoEnd end;
    ImCpl cpl;                  /* with SO_ABORT */
    unsigned code;              /* event; 0: translated, or no event */
    bool record;
    bool s2;                    /* these five: of the record */
    unsigned cls;
    uint64_t ipa;
    uint64_t fetch;
    bool ttrnw;
    bool reads;                 /* RnW is 1 though it writes (13.1.1) */
    uint64_t addr;              /* output; with SO_OK */
    bool r, w, x;               /* granted at the effective privilege; to a
                                   translation request: in its completion */
    bool typed;                 /* attr and share, of memory, are known */
    uint8_t attr, share;        /* as ImXlat has them */
    struct {
        uint64_t pa, val;       /* descriptors as HTTU leaves them */
    } update[SO_UPDATES];
    unsigned updates;
    bool unsure;                /* something the oracle does not model */
} SoAnswer;

/* Any request of a world that is on, but for malformed ones. */
SoAnswer so_answer(SWorld *w, const ImTxn *t);

/* Ask the unit, its explanation and the oracle; answer, record and HTTU
 * must agree. where names the case in a failure. */
SoAnswer so_check(SWorld *w, const ImTxn *t, const char *where);

/* The parts of that: whether the request ended so; the events of it, which are
 * dropped then; HTTU wrote what the oracle says, and nothing else. */
bool so_ends_so(const SoAnswer *a, const ImTxn *t, const ImXlat *x);
void so_recorded(SWorld *w, const ImTxn *t, const SoAnswer *a,
                 const char *where);
void so_wrote(SWorld *w, const ImTxn *t, const SoAnswer *a, const char *where);

/* What a request was explained as before it was made is what it got. */
void so_explained(SWorld *w, const ImTxn *t, const ImXlat *e, const ImXlat *x,
                  const char *where);

#endif /* TESTS_LIB_SMMU_ORACLE_H */
