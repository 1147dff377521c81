/*
 * The way of a request through an IOMMU's structures, told step by step.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_EXPLAIN_H
#define IM_EXPLAIN_H

#include "im/im_clause.h"
#include "im/im_dump.h"

/* One step of im_*_explain(). Valid during the call. */
typedef struct ImStep {
    const char *what;       /* "root entry", "FS-PML4E", ... */
    ImClause clause;        /* that decided, or none */
    const char *note;       /* decision in words, or NULL */
    uint64_t addr;          /* guest-physical address read */
    uint64_t value[8];      /* quad-words read */
    uint8_t words;          /* how many of value[] are valid; 0: no read */
    const ImFieldRow *const *fields;    /* of each word, or NULL */
} ImStep;

typedef void ImStepFn(void *opaque, const ImStep *step);

#endif /* IM_EXPLAIN_H */
