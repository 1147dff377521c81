/*
 * Rules about the configuration of a unit.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdbool.h>

#include "hw/core/config.h"

static bool *config_flag(const void *config, size_t offset)
{
    return &G_STRUCT_MEMBER(bool, config, offset);
}

void im_config_prune(void *config, const ImConfigNeed *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!*config_flag(config, rows[i].needs)) {
            *config_flag(config, rows[i].feature) = false;
        }
    }
}

char *im_config_check_needs(const void *config, const ImConfigNeed *rows,
                            size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (*config_flag(config, rows[i].feature) &&
            !*config_flag(config, rows[i].needs)) {
            return g_strdup_printf("%s=on needs %s=on", rows[i].feature_name,
                                   rows[i].needs_name);
        }
    }
    return NULL;
}

static uint32_t config_number(const void *config, const ImConfigRange *r)
{
    return r->size == 1 ? G_STRUCT_MEMBER(uint8_t, config, r->offset) :
           r->size == 2 ? G_STRUCT_MEMBER(uint16_t, config, r->offset) :
                          G_STRUCT_MEMBER(uint32_t, config, r->offset);
}

char *im_config_check_ranges(const void *config, const ImConfigRange *rows,
                             size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t value = config_number(config, &rows[i]);

        if (value < rows[i].min || value > rows[i].max) {
            return g_strdup_printf("%s=%u is not in %u..%u", rows[i].name,
                                   value, rows[i].min, rows[i].max);
        }
    }
    return NULL;
}
