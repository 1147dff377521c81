/*
 * The uAPI of ioasid-host as ioctls of a descriptor: their numbers, for a
 * kernel or whoever else serves it. docs/uapi.rst, section 19.
 *
 * A number has no size and no direction in it, since structures grow and say
 * their own size: it is what the kernel's _IO() makes of type and number.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_IOASID_IOCTL_H
#define IM_IOASID_IOCTL_H

#include "im/im_ioasid.h"

#define IMU_IOC_TYPE  0xbeu

/* Direction 31:30, size 29:16, type 15:8, number 7:0. */
#define IMU_IOCTL(nr)  (IMU_IOC_TYPE << 8 | (nr))

#define IMU_IOC_ENUM(nr, name, type, last)  IMU_IOC_##name = IMU_IOCTL(nr),
typedef enum ImuIoctl { IMU_COMMANDS(IMU_IOC_ENUM) } ImuIoctl;

/* As im_ioasid_command(), by an ioctl's number. -ENOTTY: not one of these. */
int im_ioasid_ioctl(ImIoasidCtx *c, uint32_t request, uint64_t arg);
/* Whether poll() has POLLIN for the descriptor: some queue has something to
 * be read. */
bool im_ioasid_poll(const ImIoasidCtx *c);

#endif /* IM_IOASID_IOCTL_H */
