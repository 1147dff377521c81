/*
 * One field of one structure gets a value that the test is about: a row of a
 * table says which, in data. Where the structure is, the world of a unit
 * knows: vtd_damage.h, smmu_damage.h.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_DAMAGE_H
#define TESTS_LIB_DAMAGE_H

#include "lib/rig.h"

/* Values: of an address, where there is no memory but might be; of any field,
 * that the memory it is in cannot be written. */
#define NOWHERE         UINT64_MAX
#define UNWRITABLE      (UINT64_MAX - 1)

typedef struct Damage {
    uint8_t at;                 /* which structure; 0 ends a list */
    uint16_t hi, lo;            /* of the list of its fields */
    uint64_t val;
} Damage;

/* Of a row, at most. */
#define DAMAGES  3

/* To the structure at pa. */
void rig_damage(Rig *r, uint64_t pa, const Damage *d);

#endif /* TESTS_LIB_DAMAGE_H */
