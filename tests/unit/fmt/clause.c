/*
 * The clauses as rows: complete, and each with a name of its own.
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib.h>

#include "im/im_clause.h"

static void every_clause_says_where_it_is(void)
{
    for (unsigned i = IM_CLAUSE_NONE + 1; i < IM_CLAUSES; i++) {
        const ImClauseRow *row = im_clause((ImClause)i);

        g_assert_nonnull(row);
        g_assert_cmpstr(row->tag, !=, "");
        g_assert_cmpstr(row->document, !=, "");
        g_assert_cmpstr(row->section, !=, "");
        g_assert_cmpstr(row->title, !=, "");
        g_assert_cmpstr(im_clause_tag((ImClause)i), ==, row->tag);
    }
}

static void none_is_no_clause(void)
{
    g_assert_null(im_clause(IM_CLAUSE_NONE));
    g_assert_null(im_clause(IM_CLAUSES));
    g_assert_null(im_clause_tag(IM_CLAUSE_NONE));
    g_assert_null(im_clause_text(IM_CLAUSE_NONE));
}

static void a_clause_reads_as_tag_section_title(void)
{
    g_autofree char *text = im_clause_text(IM_CLAUSE(VTD_REG_FSTS));

    g_assert_cmpstr(text, ==,
                    "VTD_REG_FSTS: VT-d 5.10, 11.4.7.1, "
                    "\"Fault Status Register\"");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/clause/every-clause-says-where-it-is",
                    every_clause_says_where_it_is);
    g_test_add_func("/clause/none-is-no-clause", none_is_no_clause);
    g_test_add_func("/clause/reads-as-tag-section-title",
                    a_clause_reads_as_tag_section_title);
    return g_test_run();
}
