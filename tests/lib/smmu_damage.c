/*
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_damage.h"

/* The address of the structure, in the host's memory. */
static uint64_t damage_place(SWorld *w, unsigned at)
{
    switch (at) {
    case AT_L1STD:
        return w->l1std;
    case AT_STE:
        return w->ste;
    case AT_CD:
        return w->cd;
    case AT_LEAF:
        return sw_leaf(w, w->iova);
    case AT_S2_OF_CD:
        return sw_s2_desc(w, w->cd + w->bias, 3);
    case AT_S2_OF_TABLE:
        return sw_s2_desc(w, sw_s1_desc(w, w->iova, 2) + w->bias, 3);
    default:
        return at < SW_DAMAGE_S2 ? sw_s1_desc(w, w->iova, at - SW_DAMAGE_S1) :
                                   sw_s2_desc(w, w->ipa, at - SW_DAMAGE_S2);
    }
}

void sw_damage(SWorld *w, const Damage list[DAMAGES])
{
    for (unsigned i = 0; i < DAMAGES && list[i].at; i++) {
        rig_damage(w->r, damage_place(w, list[i].at), &list[i]);
    }
}
