/*
 * One field of one structure gets a value that the test is about.
 *
 * A row of a table says it in data: { IN_CTX, CTX_AW, 7 }, { IN_FS(2), FSE_P,
 * 0 }. The structures are those that the world's request meets.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_VTD_DAMAGE_H
#define TESTS_LIB_VTD_DAMAGE_H

#include "lib/vtd_build.h"

typedef enum DamageAt {
    DAMAGE_NONE,                /* ends a list */
    IN_RTADDR,                  /* as world_on() writes it */
    IN_ROOT,
    IN_CTX,
    IN_DIR,
    IN_PE,
    DAMAGE_FS = 0x10,
    DAMAGE_SS = 0x20,
    DAMAGE_TABLE = 0x30,
} DamageAt;

/* Entries of the stages' tables by level, 1 is the leaf's of a 4 KiB page and
 * 0 stands for every one; of the second stage, those of what the first gives.
 * Or the second-stage leaf that maps a first-stage table of this level. */
#define IN_FS(level)    (DAMAGE_FS + (level))
#define IN_SS(level)    (DAMAGE_SS + (level))
#define IN_TABLE(level) (DAMAGE_TABLE + (level))

/* Values: of an address, where there is no memory but might be; of any field,
 * that the memory it is in cannot be written. */
#define NOWHERE         UINT64_MAX
#define UNWRITABLE      (UINT64_MAX - 1)

typedef struct Damage {
    uint8_t at;                 /* DamageAt */
    uint16_t hi, lo;            /* of vtd_fields.h */
    uint64_t val;
} Damage;

#define DAMAGES  3

/* In the order of the list, which DAMAGE_NONE or its length ends. */
void world_damage(World *w, const Damage list[DAMAGES]);

/* A large page around what the request meets, in place of what is there. */
void world_fs_2m(World *w);
void world_fs_1g(World *w);
void world_ss_2m(World *w);
void world_ss_1g(World *w);
/* The second stage, of 48 bits, becomes one of 39: its lowest 512 GiB. */
void world_ss_of_39_bits(World *w);

#endif /* TESTS_LIB_VTD_DAMAGE_H */
