/*
 * The clauses of the specifications as rows.
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib.h>

#include "im/im_clause.h"

#define CLAUSE(tag, document, section, title) \
    [IM_CLAUSE_##tag] = { #tag, document, section, title },
static const ImClauseRow rows[IM_CLAUSES] = {
#include "im/spec/clauses.h.inc"
};
#undef CLAUSE

const ImClauseRow *im_clause(ImClause clause)
{
    return clause > IM_CLAUSE_NONE && clause < IM_CLAUSES ? &rows[clause] :
                                                            NULL;
}

const char *im_clause_tag(ImClause clause)
{
    const ImClauseRow *row = im_clause(clause);

    return row ? row->tag : NULL;
}

char *im_clause_text(ImClause clause)
{
    const ImClauseRow *row = im_clause(clause);

    return row ? g_strdup_printf("%s: %s, %s, \"%s\"", row->tag, row->document,
                                 row->section, row->title) :
                 NULL;
}
