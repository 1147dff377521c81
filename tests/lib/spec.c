/*
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"

void spec_add(ImClause clause, const char *path, GTestDataFunc fn,
              const void *data)
{
    g_autofree char *full = g_strdup_printf("/%s/%s", im_clause_tag(clause),
                                            path);

    /* A row that fails is one row that failed: the others still run. */
    g_test_set_nonfatal_assertions();
    g_test_add_data_func(full, data, fn);
}

void *spec_keep(void *data)
{
    static GSList *kept;

    kept = g_slist_prepend(kept, data);
    return data;
}
