/*
 * A program linked with what libim may use and with nothing else: where the
 * guard finds the libraries whose symbols are allowed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <glib.h>

int main(void)
{
    g_free(g_strdup(""));
    return 0;
}
