/*
 * Numbers of the objects of a context.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_IOASID_HANDLE_H
#define HW_IOASID_HANDLE_H

#include "hw/ioasid/ioasid.h"

/* PASIDs, and IMU_OBJECTS_MAX of each other kind, fit. */
#define IO_HANDLES_MAX  ((1u << 21) - 1)

/* NULL: no memory. */
IoHandles *im_handles_new(ImIoasid *h);
void im_handles_free(ImIoasid *h, IoHandles *t);
/* How many objects of a kind there are. */
uint32_t im_handles_count(const IoHandles *t, ImuKind kind);
/* The first object whose number is id or above, or NULL. */
const IoObject *im_handles_from(const IoHandles *t, uint32_t id);

/*
 * Numbers as another context had them (restore.c). A context that never
 * numbered an object takes those below begun, which nobody has then; reserve
 * says which generation a free one has next, and im_ioasid_number() takes
 * the one that is wanted, until settle. -EINVAL: there is no such number, or
 * it is not free; -ENOMEM.
 */
bool im_handles_untouched(const IoHandles *t);
int im_handles_begin(ImIoasid *h, IoHandles *t, uint32_t begun);
int im_handles_reserve(IoHandles *t, ImuRef ref);
void im_handles_want(IoHandles *t, ImuRef ref);
void im_handles_settle(IoHandles *t);
/* As before begin: no object is numbered. */
void im_handles_forget(IoHandles *t);
/* The first that nobody had. */
uint32_t im_handles_begun(const IoHandles *t);
/* What its next life is, of a free number; false: it is not free. */
bool im_handles_free_at(const IoHandles *t, uint32_t id, ImuRef *ref);
/* Of any set; NULL: there is none of that kind. */
IoObject *im_handles_object(const IoHandles *t, ImuKind kind, ImuRef ref);

#endif /* HW_IOASID_HANDLE_H */
