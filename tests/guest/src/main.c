/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * imtest - the guest's tests
 *
 *   imtest list              names and what they show
 *   imtest run NAME...       run them, one process each
 *   imtest driver NAME       give every endpoint to a kernel driver
 *   imtest kexec MODE KERNEL INITRD CMDLINE
 *                            into the next kernel; MODE: plain, crash
 *   imtest state             print the endpoint's ATS, PASID and PRI state
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

/* clang-format off */
static const Scenario *const all[] = {
    memory_scenarios, process_scenarios, other_scenarios, stock_scenarios,
    machine_scenarios, vfio_scenarios, life_scenarios,
};

static const char *const stat_names[PEP_STATS_WORDS] = {
    "dma_reads", "dma_writes", "dma_bytes", "dma_errors", "atc_hits",
    "atc_misses", "atc_evictions", "ats_requests", "page_requests",
    "page_groups", "page_responses", "responses_unexpected",
    "invalidations", "invalidations_pasid", "invalidations_global",
    "inv_completions", "stop_markers", "interrupts", "dma_parked",
    "dma_unparked",
};
/* clang-format on */

typedef struct Counters {
    uint64_t word[PEP_STATS_WORDS];
    uint64_t misuse;
    uint64_t outstanding;
} Counters;

static const Scenario *find(const char *name)
{
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        for (const Scenario *s = all[i]; s->name; s++) {
            if (!strcmp(s->name, name)) {
                return s;
            }
        }
    }
    fail("no scenario %s", name);
}

static void counters(const Ep *ep, Counters *c)
{
    for (int i = 0; i < PEP_STATS_WORDS; i++) {
        c->word[i] = ep_stat(ep, PASID_EP_STATS + 8 * (unsigned)i);
    }
    c->misuse = ep_reg(ep, PASID_EP_MISUSE);
    c->outstanding = PASID_EP_GET(ep_reg(ep, PASID_EP_STATUS),
                                  PASID_EP_STATUS_OUTSTANDING);
}

static uint64_t diff(const Counters *a, const Counters *b, const char *name)
{
    for (int i = 0; i < PEP_STATS_WORDS; i++) {
        if (!strcmp(stat_names[i], name)) {
            return b->word[i] - a->word[i];
        }
    }
    return ~0ull;
}

/* A request that was parked for a dead process may end a moment later. */
static void wait_for_parked(const Ep *ep)
{
    for (int i = 0; i < 5000; i++) {
        if (ep_stat(ep, PASID_EP_STAT_DMA_PARKED) ==
            ep_stat(ep, PASID_EP_STAT_DMA_UNPARKED)) {
            return;
        }
        usleep(1000);
    }
}

/*
 * What Linux does and the device need not like. Without PASIDs on an identity
 * domain, arm-smmu-v3 turns ATS off, then invalidates what it may have cached.
 */
#ifdef __aarch64__
#define MISUSE_ALLOWED PASID_EP_MISUSE_INV_ATS_OFF
#else
#define MISUSE_ALLOWED 0
#endif

/* What must hold after every scenario, whatever it did. */
static bool settled(const Counters *a, const Counters *b)
{
    bool ok = true;

    if (b->outstanding) {
        note("FAILED: %llu page requests are outstanding",
             (unsigned long long)b->outstanding);
        ok = false;
    }
    if (diff(a, b, "page_groups") != diff(a, b, "page_responses") ||
        diff(a, b, "responses_unexpected")) {
        note("FAILED: %llu groups, %llu responses, %llu of them unexpected",
             (unsigned long long)diff(a, b, "page_groups"),
             (unsigned long long)diff(a, b, "page_responses"),
             (unsigned long long)diff(a, b, "responses_unexpected"));
        ok = false;
    }
    if (diff(a, b, "invalidations") != diff(a, b, "inv_completions")) {
        note("FAILED: %llu invalidations, %llu completions",
             (unsigned long long)diff(a, b, "invalidations"),
             (unsigned long long)diff(a, b, "inv_completions"));
        ok = false;
    }
    if (diff(a, b, "dma_parked") != diff(a, b, "dma_unparked")) {
        note("FAILED: %llu requests parked, %llu ended",
             (unsigned long long)diff(a, b, "dma_parked"),
             (unsigned long long)diff(a, b, "dma_unparked"));
        ok = false;
    }
    if (b->misuse & ~MISUSE_ALLOWED) {
        note("FAILED: the device reports misuse %llx",
             (unsigned long long)b->misuse);
        ok = false;
    }
    return ok;
}

static void print_counters(const Scenario *s, const Counters *a,
                           const Counters *b)
{
    char line[900];
    int len = 0;

    for (int i = 0; i < PEP_STATS_WORDS; i++) {
        len += snprintf(line + len, sizeof(line) - (size_t)len, " %s=%llu",
                        stat_names[i],
                        (unsigned long long)(b->word[i] - a->word[i]));
    }
    say("stat %s%s", s->name, line);
}

/* Only the endpoint's scenarios have its counters. */
static void watch(const Scenario *s, Counters *c)
{
    Ep ep;

    if (s->bare) {
        return;
    }
    ep_open_unbound(&ep);
    wait_for_parked(&ep);
    counters(&ep, c);
    if (c->misuse) {
        ep_set(&ep, PASID_EP_MISUSE, c->misuse);
    }
    ep_close(&ep);
}

static bool run(const Scenario *s)
{
    Counters before = {}, after = {};
    pid_t pid;
    bool ok;
    int status;

    say("begin %s %s", s->name, s->text);
    wait_for_runner();
    watch(s, &before);
    pid = fork();
    if (!pid) {
        prctl(PR_SET_PDEATHSIG, 9);
        s->run();
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        fail("fork: %m");
    }
    ok = status == 0;
    if (WIFSIGNALED(status)) {
        note("FAILED: killed by signal %d", WTERMSIG(status));
    }
    if (!s->bare) {
        watch(s, &after);
        before.misuse = 0;
        ok = settled(&before, &after) && ok;
        print_counters(s, &before, &after);
    }
    say("end %s %s", s->name, ok ? "ok" : "failed");
    wait_for_runner();
    return ok;
}

int main(int argc, char **argv)
{
    struct rlimit stack_limit = { 8 * MiB, 8 * MiB };
    int failed = 0;

    setrlimit(RLIMIT_STACK, &stack_limit);
    if (argc == 2 && !strcmp(argv[1], "list")) {
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
            for (const Scenario *s = all[i]; s->name; s++) {
                printf("%-16s %s\n", s->name, s->text);
            }
        }
        return 0;
    }
    if (argc == 2 && !strcmp(argv[1], "state")) {
        print_state();
        return 0;
    }
    if (argc == 3 && !strcmp(argv[1], "driver")) {
        endpoints_to_driver(argv[2]);
        return 0;
    }
    if (argc == 6 && !strcmp(argv[1], "kexec")) {
        kexec_into(argv[2], argv[3], argv[4], argv[5]);
    }
    if (argc < 3 || strcmp(argv[1], "run")) {
        fprintf(stderr, "usage: imtest list | state | driver NAME | "
                        "run NAME...\n");
        return 2;
    }
    print_functions();
    for (int i = 2; i < argc; i++) {
        failed += !run(find(argv[i]));
    }
    return failed ? 1 : 0;
}
