/*
 * Words of bit layouts, for people.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_DUMP_H
#define IM_DUMP_H

#include <glib.h>
#include <stdint.h>

/* A field of a bit layout, by its name in the specification. Lists of them
 * end with a NULL name. */
typedef struct ImFieldRow {
    const char *name;
    uint8_t hi, lo;
} ImFieldRow;

/*
 * Append " NAME=value" for every field of word that is not 0, in the order of
 * the rows; values above 9 in hexadecimal, with 0x. Registers in the models'
 * dumps and ImStep.value read the same by it.
 */
void im_dump_fields(GString *out, const ImFieldRow *fields, uint64_t word);

#endif /* IM_DUMP_H */
