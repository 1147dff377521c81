/*
 * Table 30 (7.1.3) as rows: what breaks, and what each kind of request
 * must then get.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_FAULT_ROWS_H
#define TESTS_LIB_FAULT_ROWS_H

#include "lib/spec.h"
#include "lib/vtd_damage.h"

enum { NO_PASID = 1, WITH_PASID = 2, BOTH = 3 };
enum { FPD_CTX = 1, FPD_DIR = 2, FPD_PE = 4 };

typedef struct FaultRow {
    ImClause clause;
    const char *name;
    uint8_t reason;
    bool qualified;         /* FPD suppresses the record */
    uint8_t pasid;          /* NO_PASID, WITH_PASID */
    uint8_t reach;          /* FPD_*: entries the walk sees before it fails */
    uint8_t access;         /* ImAccess of the untranslated; 0: read */
    uint8_t perm;           /* of 'E' */
    WorldKind kind;
    /*
     * Untranslated, translation request, translated, page request:
     * U unsupported request, C completer abort, 0 success without rights,
     * S the same but recorded, E success with perm, I invalid request,
     * - cannot occur.
     */
    const char *want;
    void (*config)(ImVtdConfig *c);
    void (*arm)(World *w);      /* before the damage */
    Damage damage[DAMAGES];     /* before world_on() */
    void (*tune)(World *w, ImTxn *t);
    uint64_t addr;          /* when not 0 */
} FaultRow;

/* A row for each bit lo .. hi, which its first damage sets. */
typedef struct FaultBits {
    FaultRow row;
    unsigned lo, hi;
} FaultBits;

/* Register every column of the rows, with and without FPD; with and without
 * PASID, and by whose FPD, is the same behaviour (tests/lib/spec.h). */
void fault_rows_add(const FaultRow *rows, unsigned n);
/* The same for each bit, which is the same behaviour; the names get the number
 * of the range. */
void fault_bits_add(const FaultBits *bits, unsigned n);

#endif /* TESTS_LIB_FAULT_ROWS_H */
