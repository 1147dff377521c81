/*
 * What SAVE and RESTORE need of the files whose state they carry.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_IOASID_MOVING_H
#define HW_IOASID_MOVING_H

#include "hw/ioasid/fault.h"

/* --- ops.c -------------------------------------------------------------- */

/* As im_ioasid_command() for a context that has a replay; results go
 * nowhere. */
int im_ioasid_replay(ImIoasidCtx *c, uint32_t command, uint64_t arg);

/* --- restore.c ---------------------------------------------------------- */

/* A structure that was read: what it names is elsewhere here. 0, -EFAULT. */
int im_ioasid_replay_adapt(const IoReplay *r, uint32_t command, void *a);

/* --- ioasid.c, pasid.c -------------------------------------------------- */

/* End all that a context holds. */
void im_ioasid_empty(ImIoasidCtx *c);
/* One that is IDLE was bound until now. */
void im_ioasid_pasid_cool(ImIoasid *h, IoPasid *p);

/* --- devtlb.c ----------------------------------------------------------- */

/* The first ticket of a set that is not done, or 0. */
uint64_t im_ioasid_fence_waiting(const IoSet *set);

/* --- fault.c ------------------------------------------------------------ */

/* All groups of a set are somebody else's: they go without an answer. */
void im_ioasid_groups_leave(ImIoasid *h, IoSet *set);
/* A group was read, elsewhere, under a ticket. */
void im_iogroup_was_read(IoGroup *g, uint64_t ticket);
/* Of the context that made a ticket, and as a ticket has it. */
uint32_t im_iogroup_epoch_of(uint64_t ticket);
uint32_t im_iogroup_epoch(uint32_t moves);

#endif /* HW_IOASID_MOVING_H */
