/*
 * What the files of the ledger half offer each other.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_IOASID_LEDGER_H
#define HW_IOASID_LEDGER_H

#include "hw/ioasid/numbers.h"

static inline uint64_t im_ioasid_now(ImIoasid *h)
{
    return h->port.iommu.now(h->opaque);
}

/* Virtual time a while from now, IM_NEVER when that is beyond its end. */
static inline uint64_t im_ioasid_after(ImIoasid *h, uint64_t ns)
{
    uint64_t now = im_ioasid_now(h);

    return ns > IM_NEVER - now ? IM_NEVER : now + ns;
}

/* --- set.c ------------------------------------------------------------------ */

/* End everything a set holds, and the set. */
void im_ioasid_set_revoke(IoSet *set);
/* A context is closed: what it leaves in quarantine is nobody's. */
void im_ioasid_sets_orphan(ImIoasidCtx *c);
/* A set that is gone and holds nothing more. */
void im_ioasid_set_free(ImIoasid *h, IoSet *set);
/* Whether one more PASID may be charged to a set: 0, -EDQUOT. */
int im_ioasid_set_may_charge(const IoSet *set);
void im_ioasid_set_charge(IoSet *set);
void im_ioasid_set_uncharge(IoSet *set);

/* --- pasid.c ---------------------------------------------------------------- */

/* PASIDs that a set still holds or is parked with: not those quarantined. */
uint32_t im_ioasid_pasids_held(const IoSet *set);
/* Free it, whatever state it is in. */
void im_ioasid_pasid_drop(ImIoasid *h, IoPasid *p);
/* A binding of it begins; one ended, which keeps its number. */
void im_ioasid_pasid_bound(IoPasid *p);
void im_ioasid_pasid_unbound(ImIoasid *h, IoPasid *p);
/* No traffic is in flight any more: every number may be reused. */
void im_ioasid_pasids_forget(ImIoasid *h);
uint64_t im_ioasid_pasids_deadline(const ImIoasid *h);
void im_ioasid_pasids_due(ImIoasid *h, uint64_t now);

/* --- dev.c ------------------------------------------------------------------ */

#define IO_DEV_BUCKETS_MIN  64u

IoHostDev *im_ioasid_host_dev(const ImIoasid *h, uint32_t func);
/* What PASIDs a device can send, in bits; 0: none. */
uint32_t im_ioasid_dev_width(const IoHostDev *hd);
/* Detach all of it, and forget that it was bound. */
void im_ioasid_dev_drop(ImIoasid *h, IoDev *dev);
void im_ioasid_devices_forget(ImIoasid *h);

/* --- attach.c --------------------------------------------------------------- */

/* A binding ends: its groups are answered, its traffic is refused. */
void im_ioasid_bind_end(ImIoasid *h, IoBind *b);
/* It looks into the blocked space from now on. */
void im_ioasid_bind_park(ImIoasid *h, IoBind *b);
/* One that ended gives its number back. */
void im_ioasid_bind_free(ImIoasid *h, IoBind *b);

/* --- fault.c ---------------------------------------------------------------- */

IoGroups *im_ioasid_groups_new(ImIoasid *h);
void im_ioasid_groups_free(ImIoasid *h, IoGroups *g);
/* Answer all groups of a binding INVALID, those that are not whole yet when
 * their last page comes. */
void im_ioasid_groups_revoke(ImIoasid *h, IoBind *b);
/* Nobody asks for the tickets of a set any more. */
void im_ioasid_groups_forget(ImIoasid *h, const IoSet *set);
uint64_t im_ioasid_groups_deadline(const ImIoasid *h);
void im_ioasid_groups_due(ImIoasid *h, uint64_t now);
void im_ioasid_queue_free(ImIoasid *h, IoQueue *q);
char *im_ioasid_groups_check(const ImIoasid *h);

#endif /* HW_IOASID_LEDGER_H */
