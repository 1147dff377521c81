/*
 * Rules about the configuration of a unit, as rows: a flag that needs
 * another, a number and its range. The messages name members as they are
 * spelled in C.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_CORE_CONFIG_H
#define HW_CORE_CONFIG_H

#include <glib.h>
#include <stdint.h>

typedef struct ImConfigNeed {
    size_t feature, needs;          /* offsets of two bools */
    const char *feature_name, *needs_name;
} ImConfigNeed;

#define IM_CONFIG_NEED(type, f, n) \
    { G_STRUCT_OFFSET(type, f), G_STRUCT_OFFSET(type, n), #f, #n }

typedef struct ImConfigRange {
    const char *name;
    size_t offset, size;            /* of an unsigned number: 1, 2 or 4 */
    uint32_t min, max;
} ImConfigRange;

#define IM_CONFIG_RANGE(type, f, min, max) \
    { #f, G_STRUCT_OFFSET(type, f), sizeof(((type *)NULL)->f), (min), (max) }

/* Switch off each feature whose need is off; rows in order. */
void im_config_prune(void *config, const ImConfigNeed *rows, size_t n);
/* NULL, or a line to free about the first row that does not hold. */
char *im_config_check_needs(const void *config, const ImConfigNeed *rows,
                            size_t n);
char *im_config_check_ranges(const void *config, const ImConfigRange *rows,
                             size_t n);

#endif /* HW_CORE_CONFIG_H */
