/*
 * Words of bit layouts, for people.
 *
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>

#include "hw/core/dump.h"
#include "hw/core/field.h"

void im_dump_fields(GString *out, const ImFieldRow *f, uint64_t word)
{
    for (; f->name; f++) {
        uint64_t val = (word & IM_BITS(f->hi, f->lo)) >> f->lo;

        if (val) {
            g_string_append_printf(out,
                                   val > 9 ? " %s=0x%" PRIx64 : " %s=%" PRIx64,
                                   f->name, val);
        }
    }
}

void im_dump_counter(void *out, const char *name, uint64_t value)
{
    g_string_append_printf(out, "    %-24s %" PRIu64 "\n", name, value);
}
