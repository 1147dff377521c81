/*
 * SPDX-License-Identifier: MIT
 */
#include "lib/damage.h"

void rig_damage(Rig *r, uint64_t pa, const Damage *d)
{
    uint64_t val = d->val == NOWHERE ? r->ram_top >> d->lo % 64 : d->val;

    if (d->val == UNWRITABLE) {
        rig_offer(r, pa & ~UINT64_C(0xfff), 1, RIG_ROM);
        return;
    }
    for (unsigned lo = d->lo; lo <= d->hi; lo += 64) {
        rig_put(r, pa, MIN(d->hi, lo + 63), lo, val);
    }
}
