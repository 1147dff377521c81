/*
 * Rows of the specification suite. A row names the clause it is evidence
 * for; a tag that no clauses file declares does not compile. The tag is
 * part of the test's path, so that a list of tests is a map of clauses.
 *
 * Rows that are one behaviour seen more than once - for each width, command,
 * kind of table - differ in their paths after an @ only: "size@12". They are
 * counted as one (scripts/results.py), and fail on their own.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_SPEC_H
#define TESTS_LIB_SPEC_H

#include <glib.h>

#include "im/im_clause.h"

void spec_add(ImClause clause, const char *path, GTestDataFunc fn,
              const void *data);

/* Data of rows made at run time, which live as long as the program. */
void *spec_keep(void *data);

static inline void spec_call(const void *data)
{
    ((void (*)(void))data)();
}

#define spec_test(TAG, path, fn) \
    spec_add(IM_CLAUSE(TAG), path, spec_call, (const void *)(fn))
#define spec_row(TAG, path, fn, row) \
    spec_add(IM_CLAUSE(TAG), path, fn, row)
/* Each row of an array, under its member name. */
#define spec_rows(TAG, rows, path, fn)                                      \
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {                     \
        g_autofree char *p_ = g_strdup_printf("%s/%s", path, rows[i].name); \
        spec_row(TAG, p_, fn, &rows[i]);                                    \
    }
/* For tables: a row's first member. */
#define SPEC(TAG)  .clause = IM_CLAUSE(TAG)
#define spec_table_row(row, path, fn) \
    spec_add((row)->clause, path, fn, row)

#endif /* TESTS_LIB_SPEC_H */
