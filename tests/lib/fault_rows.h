/*
 * Table 30 (7.1.3) as rows: what breaks, and what each kind of request
 * must then get.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_FAULT_ROWS_H
#define TESTS_LIB_FAULT_ROWS_H

#include "lib/spec.h"
#include "lib/vtd_build.h"

enum { NO_PASID = 1, WITH_PASID = 2, BOTH = 3 };
enum { FPD_CTX = 1, FPD_DIR = 2, FPD_PE = 4 };

typedef struct FaultRow {
    SpecClause clause;
    const char *tag;
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
    void (*arm)(World *w, unsigned arg);        /* before world_on() */
    void (*tune)(World *w, ImTxn *t);
    unsigned arg;
    uint64_t addr;          /* when not 0 */
} FaultRow;

/* Register every column of a row, with and without PASID and FPD. */
void fault_row_add(const FaultRow *row);
/* The same for arg = lo .. hi; the name gets the number. */
void fault_rows_add_bits(const FaultRow *row, unsigned lo, unsigned hi);

#endif /* TESTS_LIB_FAULT_ROWS_H */
