/*
 * What the tables of SMMUv3's tests damage: { AT_STE, STE_EATS, 0 },
 * { AT_LEAF, DESC_AF, 0 }. The structures are those that the world's request
 * meets.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_SMMU_DAMAGE_H
#define TESTS_LIB_SMMU_DAMAGE_H

#include "lib/damage.h"
#include "lib/smmu_world.h"

typedef enum SwDamageAt {
    AT_L1STD = 1,
    AT_STE,
    AT_CD,
    AT_LEAF,                    /* of the first stage that there is */
    AT_S2_OF_CD,                /* the stage 2 page that has the CD */
    AT_S2_OF_TABLE,             /* and that of the table of level 2 */
    SW_DAMAGE_S1 = 0x10,
    SW_DAMAGE_S2 = 0x20,
} SwDamageAt;

/* Descriptors by level; of stage 2, those of what stage 1 gives. */
#define AT_S1(level)    (SW_DAMAGE_S1 + (level))
#define AT_S2(level)    (SW_DAMAGE_S2 + (level))

/* Fields of descriptors, with granules of 4 KiB */
#define DESC_ALL        63, 0
#define DESC_AP1        6, 6
#define DESC_S2AP       7, 6
#define DESC_AF         10, 10
#define DESC_ADDR       47, 12          /* address >> 12 */

/* In the order of the list. */
void sw_damage(SWorld *w, const Damage list[DAMAGES]);

#endif /* TESTS_LIB_SMMU_DAMAGE_H */
