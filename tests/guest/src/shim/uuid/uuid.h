/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Linux's VFIO tests use of libuuid, which a cross compiler lacks: the
 * text of a UUID into its 16 bytes.
 */
#ifndef UUID_H
#define UUID_H

#include <ctype.h>
#include <stdio.h>
#include <string.h>

typedef unsigned char uuid_t[16];

/* 0, or -1 for what is no UUID. */
static inline int uuid_parse(const char *text, uuid_t out)
{
    if (strlen(text) != 36) {
        return -1;
    }
    for (int i = 0, n = 0; i < 36; i++) {
        unsigned byte;

        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text[i] != '-') {
                return -1;
            }
            continue;
        }
        if (!isxdigit((unsigned char)text[i]) ||
            !isxdigit((unsigned char)text[i + 1]) ||
            sscanf(text + i, "%2x", &byte) != 1) {
            return -1;
        }
        out[n++] = (unsigned char)byte;
        i++;
    }
    return 0;
}

#endif
