/*
 * Seeded randomness for bounded fuzz programs. IM_FUZZ_SEED and
 * IM_FUZZ_ROUNDS in the environment replace the defaults; a failure prints
 * both.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_FUZZ_H
#define TESTS_LIB_FUZZ_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/rounds.h"

typedef struct Fuzz {
    uint64_t state;
    uint64_t rounds;
} Fuzz;

static inline uint64_t fuzz_env(const char *name, uint64_t otherwise)
{
    const char *s = g_getenv(name);

    return s && *s ? g_ascii_strtoull(s, NULL, 0) : otherwise;
}

static inline Fuzz fuzz_new(unsigned rounds)
{
    Fuzz f = {
        .state = fuzz_env("IM_FUZZ_SEED", 20261121),
        .rounds = fuzz_env("IM_FUZZ_ROUNDS", test_rounds(rounds)),
    };

    g_test_message("IM_FUZZ_SEED=%" G_GUINT64_FORMAT
                   " IM_FUZZ_ROUNDS=%" G_GUINT64_FORMAT,
                   f.state, f.rounds);
    return f;
}

/* splitmix64 */
static inline uint64_t fuzz_u64(Fuzz *f)
{
    uint64_t z = f->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline uint64_t fuzz_below(Fuzz *f, uint64_t n)
{
    return fuzz_u64(f) % n;
}

static inline bool fuzz_one_in(Fuzz *f, uint64_t n)
{
    return fuzz_below(f, n) == 0;
}

#endif /* TESTS_LIB_FUZZ_H */
