/*
 * A model's own copy of its host's table, and memory through it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/port.h"

#include <glib.h>
#include <string.h>

void im_port_copy(ImPort *to, const ImPort *from)
{
    g_assert(from->size >= G_STRUCT_OFFSET(ImPort, event));
    memset(to, 0, sizeof(*to));
    memcpy(to, from, MIN(from->size, sizeof(*to)));
    to->size = sizeof(*to);
    g_assert(to->read && to->write && to->cmpxchg64 && to->msi &&
             to->ats_invalidate && to->page_response && to->now &&
             to->deadline);
}
