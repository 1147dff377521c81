/*
 * The clauses of the specifications, as code and tests name them.
 *
 * A clause is a row of include/im/spec/clauses*.h.inc: a tag, and where its
 * text is. The tag that no row declares does not compile, in code or in a
 * test; scripts/specmap.py misses the tag that no code or no test names.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_CLAUSE_H
#define IM_CLAUSE_H

#define CLAUSE(tag, document, section, title)  IM_CLAUSE_##tag,
typedef enum ImClause {
    IM_CLAUSE_NONE,
#include "im/spec/clauses.h.inc"
    IM_CLAUSES
} ImClause;
#undef CLAUSE

/* The clause with this tag, IM_CLAUSE(VTD_3_15_ZLR). */
#define IM_CLAUSE(tag)  IM_CLAUSE_##tag

/*
 * IM_RULE(VTD_3_15_ZLR); is where a clause is obeyed: the function, the table
 * or the statement that follows. It compiles to nothing.
 */
#define IM_RULE(tag)  _Static_assert(IM_CLAUSE_##tag, #tag)

typedef struct ImClauseRow {
    const char *tag;            /* "VTD_3_15_ZLR" */
    const char *document;       /* with its revision, "VT-d 5.10" */
    const char *section;        /* "3.15" */
    const char *title;          /* what the clause is about */
} ImClauseRow;

/* Where a clause is to be read; NULL for IM_CLAUSE_NONE. */
const ImClauseRow *im_clause(ImClause clause);

/* The tag of a clause; NULL for IM_CLAUSE_NONE. */
const char *im_clause_tag(ImClause clause);

/* 'TAG: document, section, "title"', for g_free(); NULL for IM_CLAUSE_NONE. */
char *im_clause_text(ImClause clause);

#endif /* IM_CLAUSE_H */
