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

#endif /* HW_IOASID_HANDLE_H */
