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

/* A register of a bank, by its row there, and what it is made of. */
typedef struct ImRegFields {
    unsigned reg;
    const ImFieldRow *fields;
} ImRegFields;

/* im_dump_fields() of a register, which may have no row. */
void im_dump_reg(GString *out, const ImRegFields *rows, size_t n,
                 unsigned reg, uint64_t word);

#endif /* HW_CORE_DUMP_H */
