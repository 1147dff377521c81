/*
 * What the tables of VT-d's tests damage: { IN_CTX, CTX_AW, 7 },
 * { IN_FS(2), FSE_P, 0 }. The structures are those that the world's request
 * meets.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_VTD_DAMAGE_H
#define TESTS_LIB_VTD_DAMAGE_H

#include "lib/damage.h"
#include "lib/vtd_build.h"

typedef enum DamageAt {
    IN_RTADDR = 1,              /* as world_on() writes it */
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

/* In the order of the list. */
void world_damage(World *w, const Damage list[DAMAGES]);

/* A large page around what the request meets, in place of what is there. */
void world_fs_2m(World *w);
void world_fs_1g(World *w);
void world_ss_2m(World *w);
void world_ss_1g(World *w);
/* The second stage, of 48 bits, becomes one of 39: its lowest 512 GiB. */
void world_ss_of_39_bits(World *w);

#endif /* TESTS_LIB_VTD_DAMAGE_H */
