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
 * The unit, whose model exists, stands on a host. config: all but set, ram and
 * map_mode.
 */
bool im_unit_stand_on(ImUnit *u, IoasidHost *host, const ImViommuConfig *config,
                      Error **errp);
/* Before the model is freed; nothing if it does not stand on one. */
void im_unit_stand_alone(ImUnit *u);

/* --- for im-unit.c: within the unit's lock ------------------------------ */

/* The guest may have renumbered functions. */
void im_unit_viommu_place(ImUnitViommu *uv);
/* Both halves; false: the requester is none of the host's. */
bool im_unit_viommu_explain(ImUnitViommu *uv, const ImTxn *txn, ImStepFn *fn,
                            void *opaque, ImXlat *xlat);

/* --- for im-ioasid.c ---------------------------------------------------- */

/* All IOMMUs are there. A function below one that stands on its host is the
 * guest's by that; another stays with the host alone. */
bool im_ioasid_fn_place(IoasidFn *fn, Error **errp);
void im_ioasid_fn_displace(IoasidFn *fn);
/* Reset of a host: first the models that stand on it, then the host, then what
 * lies between. */
void im_ioasid_reset_models(IoasidHost *s);
void im_ioasid_reset_units(IoasidHost *s);
/* A queue became readable: whether it was one of theirs. */
bool im_ioasid_tell_units(IoasidHost *s, ImuRef queue);
/* What does not hold in one of them, or NULL; g_free() it. */
char *im_ioasid_check_units(IoasidHost *s);

#endif /* HW_IM_IM_VIOMMU_H */
