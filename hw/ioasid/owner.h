/*
 * Owners, for the files that charge them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_IOASID_OWNER_H
#define HW_IOASID_OWNER_H

#include "hw/ioasid/ioasid.h"

/* The level that has no room for n more, 1 being o itself; 0: none. */
unsigned im_ioasid_full_level(const ImIoasidOwner *o, ImIoasidResource res,
                              uint64_t n);
/* At every level from o (NULL: nobody) on. */
void im_ioasid_charge(ImIoasidOwner *o, ImIoasidResource res, uint64_t n);
void im_ioasid_uncharge(ImIoasidOwner *o, ImIoasidResource res, uint64_t n);
/* Whether a set's context may have n more: 0, or -EDQUOT with the level that
 * has not, told as an event too. */
int im_ioasid_may_have(IoSet *set, ImIoasidResource res, uint64_t n,
                       uint32_t *exhausted);
void im_ioasid_owner_closed(ImIoasidCtx *c);
void im_ioasid_owners_free(ImIoasid *h);
void im_ioasid_owners_dump(const ImIoasid *h, GString *out);
/* NULL, or which one is wrong. */
char *im_ioasid_owners_check(const ImIoasid *h);

#endif /* HW_IOASID_OWNER_H */
