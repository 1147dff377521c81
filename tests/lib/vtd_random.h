/*
 * Random damage to a world of VT-d, and random requests of its requester.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_VTD_RANDOM_H
#define TESTS_LIB_VTD_RANDOM_H

#include "lib/fuzz.h"
#include "lib/vtd_build.h"

/* Up to three bits of the structures that its request meets, or nearly. */
void vr_damage(World *w, Fuzz *f);
/* Untranslated, not to FEEx_xxxxh; most to the page that is mapped. */
ImTxn vr_txn(World *w, Fuzz *f);

/* A descriptor of what the world has; one in 16 is spoilt. */
Desc vr_desc(World *w, Fuzz *f);

#endif /* TESTS_LIB_VTD_RANDOM_H */
