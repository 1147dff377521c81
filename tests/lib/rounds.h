/*
 * How many of n random rounds this run makes: all of them, or one in
 * IM_TEST_SHARE, which tests/meson.build sets where sanitizers make each
 * several times as slow.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TEST_ROUNDS_H
#define TEST_ROUNDS_H

#include <glib.h>

static inline unsigned test_rounds(unsigned n)
{
    const char *s = g_getenv("IM_TEST_SHARE");
    guint64 share = s ? g_ascii_strtoull(s, NULL, 10) : 1;

    return share > 1 && share < n ? n / (unsigned)share : n;
}

#endif /* TEST_ROUNDS_H */
