/*
 * A model's own copy of its host's table, and memory through it.
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

/* Whether [pa, pa + len) ends at last or before; len is not 0. */
static inline bool im_port_inside(uint64_t last, uint64_t pa, size_t len)
{
    return pa <= last && len - 1 <= last - pa;
}

/* Memory as a unit sees it whose addresses end at last: nothing is beyond.
 * In line: structures and tables are read so. */
static inline ImBus im_port_read(const ImPort *port, void *host, uint64_t last,
                                 uint64_t pa, void *buf, size_t len)
{
    return im_port_inside(last, pa, len) ? port->read(host, pa, buf, len) :
                                           IM_BUS_ERROR;
}

static inline ImBus im_port_write(const ImPort *port, void *host, uint64_t last,
                                  uint64_t pa, const void *buf, size_t len)
{
    return im_port_inside(last, pa, len) ? port->write(host, pa, buf, len) :
                                           IM_BUS_ERROR;
}

#endif /* HW_CORE_PORT_H */
