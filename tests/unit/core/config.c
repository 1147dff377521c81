/*
 * Rules about a configuration: what is pruned, what is refused and how that
 * is said.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdbool.h>

#include "hw/core/config.h"

typedef struct Config {
    bool a, b, c;
    uint8_t small;
    uint16_t middle;
    uint32_t large;
} Config;

static const ImConfigNeed needs[] = {
    IM_CONFIG_NEED(Config, b, a),
    IM_CONFIG_NEED(Config, c, b),
};

static const ImConfigRange ranges[] = {
    IM_CONFIG_RANGE(Config, small, 1, 200),
    IM_CONFIG_RANGE(Config, middle, 0, 0x1234),
    IM_CONFIG_RANGE(Config, large, 5, UINT32_MAX - 1),
};

/* In order: what is switched off takes with it what needs it. */
static void test_prune(void)
{
    Config all = { .a = true, .b = true, .c = true };
    Config none = { .b = true, .c = true };
    Config some = { .a = true, .c = true };

    im_config_prune(&all, needs, G_N_ELEMENTS(needs));
    g_assert_true(all.a && all.b && all.c);
    im_config_prune(&none, needs, G_N_ELEMENTS(needs));
    g_assert_false(none.a || none.b || none.c);
    im_config_prune(&some, needs, G_N_ELEMENTS(needs));
    g_assert_true(some.a && !some.b && !some.c);
}

static void says(char *why, const char *want)
{
    g_assert_cmpstr(why, ==, want);
    g_free(why);
}

static void test_needs(void)
{
    Config c = { .a = true, .b = true, .c = true };

    says(im_config_check_needs(&c, needs, G_N_ELEMENTS(needs)), NULL);
    c.b = false;
    says(im_config_check_needs(&c, needs, G_N_ELEMENTS(needs)),
         "c=on needs b=on");
    c.a = false;
    c.b = true;
    says(im_config_check_needs(&c, needs, G_N_ELEMENTS(needs)),
         "b=on needs a=on");
}

static void range_says(uint8_t small, uint16_t middle, uint32_t large,
                       const char *want)
{
    Config c = { .small = small, .middle = middle, .large = large };

    says(im_config_check_ranges(&c, ranges, G_N_ELEMENTS(ranges)), want);
}

/* Both ends are allowed. */
static void test_ranges(void)
{
    range_says(1, 0, 5, NULL);
    range_says(200, 0x1234, UINT32_MAX - 1, NULL);
    range_says(0, 0, 5, "small=0 is not in 1..200");
    range_says(201, 0, 5, "small=201 is not in 1..200");
    range_says(1, 0x1235, 5, "middle=4661 is not in 0..4660");
    range_says(1, 0x1200, 4, "large=4 is not in 5..4294967294");
    range_says(1, 0, UINT32_MAX, "large=4294967295 is not in 5..4294967294");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/core/config/prune", test_prune);
    g_test_add_func("/core/config/needs", test_needs);
    g_test_add_func("/core/config/ranges", test_ranges);
    return g_test_run();
}
