/*
 * What an SMMU tells people: explanations, held against what it then does,
 * and events.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_SMMU_TOLD_H
#define TESTS_LIB_SMMU_TOLD_H

#include "lib/smmu_oracle.h"

/* An explanation: its result, and what was read for it. */
typedef struct SmmuTold {
    ImXlat xlat;
    ImClause clause;
    char note[256];
    char last_read[24];
    uint64_t addr, word[2];     /* of a PRI queue entry */
    unsigned reads;             /* steps with words, all of them decoded */
} SmmuTold;

/* Explain: nothing changes by it, every word has its fields, and a clause
 * decided. */
void st_explain(SWorld *w, const ImTxn *t, SmmuTold *told);
/* The same, then make the request: whatever is cached, it gets that. */
ImXlat st_translate(SWorld *w, const ImTxn *t, SmmuTold *told,
                    const char *where);

/* Explain a page request, which changes nothing; send it, and it becomes of
 * it what was told. */
ImPageFate st_page_request(SWorld *w, const ImPageReq *q, SmmuTold *told);

/* Events as one line each: "kind name [text] [clause] words code what
 * hidden", of those that there are. */
void st_listen(Rig *r, GString *to);
/* Just these, since the last call. */
void st_heard(Rig *r, const char *lines);

#endif /* TESTS_LIB_SMMU_TOLD_H */
