/*
 * Options of QEMU's own IOMMUs that users have on their command lines.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_IM_IM_FOREIGN_H
#define HW_IM_IM_FOREIGN_H

#include "qom/object.h"

/*
 * Add to a class what the device of this name in QEMU has and ours spells
 * otherwise: where the meaning is the same it sets ours, else it is refused
 * with a line that says what to write.
 */
void im_foreign_class_init(ObjectClass *oc, const char *device);

#endif /* HW_IM_IM_FOREIGN_H */
