/*
 * Random commands to the IOASID backend, two openers with sets of their
 * own, against a reference model. A sequence that fails is run again in
 * children with commands left out, until no more can be.
 *
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/io_model.h"

#define LENGTH  1000u

static void run(const uint64_t *step, unsigned n, bool talk)
{
    Model *m = model_new();

    m->talk = talk;
    for (unsigned i = 0; i < n; i++) {
        model_step(m, step[i]);
    }
    model_free(m);
}

/* In a child, which may die of it. */
static bool fails(const uint64_t *step, unsigned n)
{
    pid_t pid = fork();
    int status;

    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        int null = open("/dev/null", 1);

        dup2(null, 1);
        dup2(null, 2);
        run(step, n, false);
        _exit(0);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    return !WIFEXITED(status) || WEXITSTATUS(status);
}

static unsigned shrink(uint64_t *step, unsigned n)
{
    unsigned tries = 0;

    for (unsigned cut = n / 2; cut; cut /= 2) {
        for (unsigned at = 0; at + cut <= n && tries < 3000; tries++) {
            g_autofree uint64_t *less = g_new(uint64_t, n);
            unsigned k = 0;

            for (unsigned i = 0; i < n; i++) {
                if (i < at || i >= at + cut) {
                    less[k++] = step[i];
                }
            }
            if (fails(less, k)) {
                memcpy(step, less, k * sizeof(*step));
                n = k;
            } else {
                at += cut;
            }
        }
    }
    return n;
}

/* IM_FUZZ_ROUNDS counts two commands and a half; IM_FUZZ_SHRINK=0 is for who
 * needs no short sequence. */
static void commands(void)
{
    Fuzz f = fuzz_new(12000);
    uint64_t total = f.rounds * 5 / 2;

    for (uint64_t done = 0; done < total; done += LENGTH) {
        uint64_t seed = f.state, step[LENGTH];
        unsigned n = LENGTH;

        for (unsigned i = 0; i < LENGTH; i++) {
            step[i] = fuzz_u64(&f);
        }
        if (!fails(step, n)) {
            continue;
        }
        n = fuzz_env("IM_FUZZ_SHRINK", 1) ? shrink(step, n) : n;
        g_test_message("IM_FUZZ_SEED=%" G_GUINT64_FORMAT " IM_FUZZ_ROUNDS=1 "
                       "fails, and so do these %u commands:",
                       seed, n);
        run(step, n, true);
        g_error("the sequence failed in a child only");
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ioasid/fuzz/commands-against-a-model", commands);
    return g_test_run();
}
