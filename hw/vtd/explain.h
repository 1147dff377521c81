/*
 * VT-d: what explaining needs from every route.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_VTD_EXPLAIN_H
#define HW_VTD_EXPLAIN_H

#include "im/im_explain.h"
#include "im/im_port.h"

/* Tell of an entry of n quad-words, as host values, or that it could not be
 * read; fields[i] decodes word i. */
void im_vtd_tell_entry(ImStepFn *fn, void *opaque, const char *what,
                       uint64_t pa, const uint64_t *q,
                       const ImFieldRow *const *fields, unsigned n, ImBus bus);

#endif /* HW_VTD_EXPLAIN_H */
