/*
 * A unit on an ioasid-host: its functions are the host's, what the guest
 * programs for them is passed down. libim's im_viommu.h does it; here is what
 * lies between it, the unit and the host.
 *
 * Lock order: BQL, the unit's lock, the host's lock. What the host sends is
 * sent after both were released.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_IM_IM_VIOMMU_H
#define HW_IM_IM_VIOMMU_H

#include "im-ioasid.h"

#include "im/im_viommu.h"

struct ImUnitViommu {
    ImUnit *unit;
    IoasidHost *host;
    ImViommu *v;
};

/*
 * The unit, whose model exists, stands on a host; functions of the host below
 * its bus are told by im_ioasid_host_add() or are there already. config: all
 * but set and ram.
 */
bool im_unit_stand_on(ImUnit *u, IoasidHost *host, const ImViommuConfig *config,
                      Error **errp);
void im_unit_stand_alone(ImUnit *u);

/* --- for im-ioasid.c ---------------------------------------------------- */

/* A function may be below one of the host's units: find out. */
void im_ioasid_fn_place(IoasidFn *fn);
void im_ioasid_fn_displace(IoasidFn *fn);
/* The host was reset: so are those that stand on it. */
void im_ioasid_reset_units(IoasidHost *s);
/* A queue became readable: whether it was one of theirs. */
void im_ioasid_tell_units(IoasidHost *s, ImuRef queue);
/* Guest memory, from now on, in the RAM space; 0 or -errno. */
int im_ioasid_keep_ram(IoasidHost *s);

#endif /* HW_IM_IM_VIOMMU_H */
