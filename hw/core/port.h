/*
 * A model's own copy of its host's table.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_CORE_PORT_H
#define HW_CORE_PORT_H

#include "im/im_port.h"

/*
 * Copy what the host filled in; members that its older table lacks become
 * NULL. Asserts that everything that is not optional is there.
 */
void im_port_copy(ImPort *to, const ImPort *from);

#endif /* HW_CORE_PORT_H */
