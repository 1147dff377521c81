/*
 * Words of bit layouts, for people.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_CORE_DUMP_H
#define HW_CORE_DUMP_H

#include "im/im_dump.h"

#define IM_FIELD_ROW_(unit, field, hi, lo)  { #field, (hi), (lo) },
#define IM_FIELD_NONE_(hi, lo)
/* The fields of a layout of hw/core/field.h, as a list. */
#define IM_FIELDS(layout)                                                 \
    (const ImFieldRow[]) {                                                \
        layout(IM_FIELD_ROW_, IM_FIELD_NONE_, IM_FIELD_NONE_)             \
        { NULL, 0, 0 }                                                    \
    }

/* An ImCounterFn: a line about each counter, appended to a GString. */
void im_dump_counter(void *out, const char *name, uint64_t value);

#endif /* HW_CORE_DUMP_H */
