/*
 * What a VT-d unit with empty caches must answer, worked out step by step
 * from chapters 3, 7.1.3 and 9: slow, stateless, and not the model.
 *
 * Where the manual leaves the order of two checks open, both answers are
 * accepted.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_VTD_ORACLE_H
#define TESTS_LIB_VTD_ORACLE_H

#include "lib/vtd_build.h"

typedef struct Oracle {
    bool accept[256];       /* fault reasons; [0]: a translation */
    uint64_t addr;          /* with accept[0] */
    bool unsure;            /* something the oracle does not model */
} Oracle;

/* An untranslated request of a world that is on, not to FEEx_xxxxh. */
Oracle oracle_answer(World *w, const ImTxn *t);

#endif /* TESTS_LIB_VTD_ORACLE_H */
