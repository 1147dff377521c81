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

/* --- set.c -------------------------------------------------------------- */

/* End everything a set holds, and the set. */
void im_ioasid_set_revoke(IoSet *set);
/* A context is closed: what it leaves in quarantine is nobody's. */
void im_ioasid_sets_orphan(ImIoasidCtx *c);
/* Free a set that is gone, once its last PASID is. */
void im_ioasid_set_settle(ImIoasid *h, IoSet *set);
/* Whether one more PASID may be charged to a set: 0, or -EDQUOT and an event,
 * with the level that has no more; and whether the pool has one that is not
 * reserved for somebody else. */
int im_ioasid_set_may_charge(IoSet *set, uint32_t *exhausted);
bool im_ioasid_set_pool_open(const IoSet *set);
/* One more is IDLE, one less in QUARANTINE. */
void im_ioasid_set_charge(IoSet *set);
void im_ioasid_set_uncharge(ImIoasid *h, IoSet *set);

/* --- pasid.c ------------------------------------------------------------ */

/* Free all PASIDs of a set that goes; none is bound any more. */
void im_ioasid_pasids_orphan(ImIoasid *h, IoSet *set);
/* A binding of it began; one ended. The last one may end p itself. */
void im_ioasid_pasid_bound(ImIoasid *h, IoPasid *p);
void im_ioasid_pasid_unbound(ImIoasid *h, IoPasid *p);
/* No traffic is in flight any more: every number that sets of a context, or
 * (NULL) of all, left in quarantine may be reused. */
void im_ioasid_pasids_forget(ImIoasid *h, const ImIoasidCtx *c);
uint64_t im_ioasid_pasids_deadline(const ImIoasid *h);
void im_ioasid_pasids_due(ImIoasid *h, uint64_t now);

/* --- dev.c -------------------------------------------------------------- */

#define IO_DEV_BUCKETS_MIN  64u

/* NULL: none. */
IoHostDev *im_ioasid_host_dev(const ImIoasid *h, uint32_t func);
/* What PASIDs a device can send, in bits; 0: none. */
unsigned im_ioasid_dev_width(const ImIoasid *h, const IoHostDev *hd);
/* Detach all of it, and forget that it was bound. */
void im_ioasid_dev_drop(ImIoasid *h, IoDev *dev);
/* They owe nothing, and no page request of theirs is under way. */
void im_ioasid_devices_forget(ImIoasid *h);

/* --- attach.c ----------------------------------------------------------- */

/* A binding ends: its traffic is refused, its page requests are answered.
 * One of a PASID stays with it, see IoBind; another is freed. */
void im_ioasid_bind_end(ImIoasid *h, IoBind *b);
/* It looks into the blocked space from now on. */
void im_ioasid_bind_park(ImIoasid *h, IoBind *b);
/* One that ended gives its number back. */
void im_ioasid_bind_free(ImIoasid *h, IoBind *b);
/* One that ended, when its device is unbound. */
void im_ioasid_bind_rest(ImIoasid *h, IoBind *b);
/* Free those that rest, of one device or (NULL) of all. */
void im_ioasid_rest_end(ImIoasid *h, const IoHostDev *hd);
uint64_t im_ioasid_rest_deadline(const ImIoasid *h);
void im_ioasid_rest_due(ImIoasid *h, uint64_t now);

/* --- event.c ------------------------------------------------------------ */

/* A queue of a set, or its log, was empty and is not now. */
void im_ioasid_readable(const IoSet *set, ImuRef queue);
/* Number, respond for and list a new queue, or free it. */
int im_ioasid_queue_publish(ImIoasidCtx *c, IoQueue *q, ImuKind kind,
                            IoSet *set, void *a, ImuRef *out);
/* A queue of a set by handle; -ENOENT. */
int im_ioasid_queue_of(ImIoasidCtx *c, ImuRef set, ImuKind kind, ImuRef ref,
                       IoQueue **q);
/* No group waits in it. */
void im_ioasid_queue_free(ImIoasid *h, IoQueue *q);

/* --- fault.c ------------------------------------------------------------ */

IoGroups *im_ioasid_groups_new(ImIoasid *h);
void im_ioasid_groups_free(ImIoasid *h, IoGroups *g);
/* Answer all groups of a binding INVALID, those that are not whole yet when
 * their last page comes. */
void im_ioasid_groups_revoke(ImIoasid *h, IoBind *b);
/* What a page request lacks, without side effects; code 0: nothing. */
ImIoasidMiss im_ioasid_lacks(ImIoasid *h, const ImPageReq *req);
/* Nobody asks for the tickets of a set any more. */
void im_ioasid_groups_forget(ImIoasid *h, IoSet *set);
uint64_t im_ioasid_groups_deadline(const ImIoasid *h);
void im_ioasid_groups_due(ImIoasid *h, uint64_t now);
void im_ioasid_groups_dump(const IoQueue *q, GString *out);
/* NULL, or what is wrong with the groups of a device. */
const char *im_ioasid_groups_check(const IoDev *dev);

#endif /* HW_IOASID_LEDGER_H */
