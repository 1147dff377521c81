/*
 * The ABI that is checked in is the one that is compiled.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stddef.h>

#include "im/im_ioasid.h"

#define ABI_STRUCT(type, bytes)  G_STATIC_ASSERT(sizeof(type) == (bytes));
#define ABI_MEMBER(type, member, at, bytes)                                 \
    G_STATIC_ASSERT(offsetof(type, member) == (at) &&                       \
                    sizeof(((type *)NULL)->member) == (bytes));
#define ABI_VALUE(name, value)  G_STATIC_ASSERT((name) == (value));
#define ABI_COMMAND(nr, name, type, least)                                  \
    G_STATIC_ASSERT(IMU_CMD_##name == (nr) && sizeof(type) >= (least));
#include "im/spec/ioasid_abi.h.inc"

/* The minimum of a command is what its row says, in bytes. */
#define MINIMUM(nr, name, type, last)                                       \
    LEAST_##name = offsetof(type, last) + sizeof(((type *)NULL)->last),
enum { IMU_COMMANDS(MINIMUM) };

#undef ABI_STRUCT
#undef ABI_MEMBER
#undef ABI_VALUE
#undef ABI_COMMAND
#define ABI_STRUCT(type, bytes)
#define ABI_MEMBER(type, member, at, bytes)
#define ABI_VALUE(name, value)
#define ABI_COMMAND(nr, name, type, least) \
    G_STATIC_ASSERT(LEAST_##name == (least));
#include "im/spec/ioasid_abi.h.inc"
