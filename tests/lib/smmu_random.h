/*
 * Worlds of an SMMU at random: shapes, rights, damage, and requests. A world
 * that is off is seasoned; what is in its descriptors may change while it is
 * on.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_SMMU_RANDOM_H
#define TESTS_LIB_SMMU_RANDOM_H

#include "lib/fuzz.h"
#include "lib/smmu_world.h"

/* g1, g2: log2 of the granules; oas, va: bits that the unit has. */
SwShape sr_shape(Fuzz *f, unsigned g1, unsigned g2, unsigned oas, unsigned va);
/* An output that needs 52 bits, which 64 KiB descriptors have. */
void sr_far_away(SWorld *w);
/* What decides about rights and updates, at random but valid. */
void sr_season(SWorld *w, Fuzz *f);
/* EATS, ATSCHK, and what says which events of ATS are recorded. */
void sr_allow_ats(SWorld *w, Fuzz *f);
/* Attributes of leaves and tables: no address bit, so that walks go on. */
void sr_attributes(SWorld *w, Fuzz *f);
/* Any bit of any structure that the request meets. */
void sr_damage(SWorld *w, Fuzz *f);

/* An untranslated request, mostly of what the world has. */
ImTxn sr_txn(SWorld *w, Fuzz *f);
/* A request of ATS, of the address that it may have been told. */
ImTxn sr_ats_txn(SWorld *w, Fuzz *f);

/* Something for the command queue, mostly legal; a register, and what may be
 * written there. */
Cmd sr_cmd(SWorld *w, Fuzz *f);
uint64_t sr_offset(Fuzz *f);
uint64_t sr_value(SWorld *w, Fuzz *f, uint64_t off);
/* Where tables and queues of a world are that was on, in registers that are
 * writable now. */
void sr_places(SWorld *w);

#endif /* TESTS_LIB_SMMU_RANDOM_H */
