/*
 * What a VT-d unit tells people: explanations, held against what it then
 * does, and events.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_VTD_TOLD_H
#define TESTS_LIB_VTD_TOLD_H

#include "lib/vtd_build.h"

/* An explanation: its result step, and the entries that were shown. */
typedef struct Told {
    ImClause clause;
    char note[256];
    unsigned steps;
    unsigned reads;             /* steps with words */
    char last_read[40];         /* what the last of them read */
} Told;

/*
 * Explain, assert that nothing changed by it, translate, and assert that it
 * was the same: every member of the answer. Caches must be empty.
 */
ImXlat told_translate(Rig *r, const ImTxn *t, Told *told);
ImIntOut told_interrupt(Rig *r, const ImMsi *msi, Told *told);

/* Likewise a page request: its response, its record, the queue. */
ImPageFate told_page_request(Rig *r, const ImPageReq *q, Told *told);

/* The clause is that of a fault: 0x59 is VTD_FLT_SPT_2. */
void told_assert_fault(const Told *told, uint8_t reason);

/*
 * Events of a unit as one line each, with what they name and how many
 * messages the unit had sent before:
 *
 *     kind name [text] [clause] [words] hidden @sent
 */
void told_listen(Rig *r, GString *to);

#endif /* TESTS_LIB_VTD_TOLD_H */
