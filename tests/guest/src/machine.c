/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the machine does meanwhile: a reset under DMA, CPUs that come and go. */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define CPUS "/sys/devices/system/cpu"

/* The first half of the disk, which holds the runner's pattern. */
static void read_disk(void)
{
    size_t step = 256 * KiB;
    uint8_t *buf = map_pages(step), *want = map_pages(step);
    int fd = open("/dev/vda", O_RDONLY | O_DIRECT | O_CLOEXEC);

    CHECK(fd >= 0, "/dev/vda: %m");
    for (off_t at = 0; at < (off_t)(2 * MiB); at += (off_t)step) {
        pattern_fill(want, step, (1ull << 40) + (uint64_t)at);
        CHECK(pread(fd, buf, step, at) == (ssize_t)step, "read: %m");
        CHECK(!memcmp(buf, want, step), "wrong bytes at %lld", (long long)at);
    }
    close(fd);
    munmap(buf, step);
    munmap(want, step);
}

static void busy(void)
{
    do {
        read_disk();
    } while (!runner_waits_no_more());
    wait_for_runner();
}

static void endpoint_busy(void)
{
    size_t len = 4 * MiB;
    uint8_t *buf = map_pages(len);
    Ep ep;

    pattern_fill(buf, len, 300);
    ep_open(&ep);
    do {
        ep_compare(&ep, buf, len, 300);
    } while (!runner_waits_no_more());
    wait_for_runner();
    ep_close(&ep);
}

/* A process that reads the disk until it is killed. */
static pid_t start_reader(void)
{
    pid_t pid = fork();

    CHECK(pid >= 0, "fork: %m");
    if (!pid) {
        for (;;) {
            read_disk();
        }
    }
    return pid;
}

static void stop_reader(pid_t pid)
{
    int status;

    kill(pid, SIGKILL);
    CHECK(waitpid(pid, &status, 0) == pid, "wait: %m");
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
          "the reader ended before (status %x)", status);
}

static void cpu_off(void)
{
    pid_t reader = start_reader();

    for (int i = 0; i < 5; i++) {
        write_file(CPUS "/cpu1/online", "0");
        read_disk();
        write_file(CPUS "/cpu1/online", "1");
        read_disk();
    }
    stop_reader(reader);
}

/* The highest CPU there is, by its directory. */
static int last_cpu(void)
{
    int last = 0;
    char path[64];

    do {
        snprintf(path, sizeof(path), CPUS "/cpu%d", ++last);
    } while (!access(path, F_OK));
    return last - 1;
}

/* Interrupts that a CPU has taken of devices: of numbered lines. */
static unsigned long interrupts(int cpu)
{
    char line[4096];
    unsigned long sum = 0;
    FILE *f = fopen("/proc/interrupts", "re");

    CHECK(f, "/proc/interrupts: %m");
    while (fgets(line, sizeof(line), f)) {
        char *at;

        strtoul(line, &at, 10);
        if (*at != ':') {
            continue;
        }
        for (int i = 0; i < cpu; i++) {
            strtoul(at + 1, &at, 10);
        }
        sum += strtoul(at + 1, NULL, 10);
    }
    fclose(f);
    return sum;
}

/* Those the kernel spreads by itself stay where they are. */
static unsigned move_interrupts(int cpu)
{
    DIR *dir = opendir("/proc/irq");
    struct dirent *entry;
    unsigned moved = 0;
    char number[16];

    snprintf(number, sizeof(number), "%d", cpu);
    while (dir && (entry = readdir(dir))) {
        char path[300];
        int fd;

        snprintf(path, sizeof(path), "/proc/irq/%s/smp_affinity_list",
                 entry->d_name);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd >= 0) {
            moved += write(fd, number, strlen(number)) > 0;
            close(fd);
        }
    }
    if (dir) {
        closedir(dir);
    }
    return moved;
}

/* The runner has plugged one in: its interrupts are remapped to it. */
static void new_cpu(void)
{
    int cpu = last_cpu();
    unsigned long before, after;
    cpu_set_t only;
    char path[64];

    for (int i = 0; cpu < 2 && i < 1000; i++) {
        usleep(10000);
        cpu = last_cpu();
    }
    CHECK(cpu >= 2, "no CPU has come");
    snprintf(path, sizeof(path), CPUS "/cpu%d/online", cpu);
    write_file(path, "1");
    net_check("e1000e", 4ull << 40); /* takes its interrupts */
    CHECK(move_interrupts(cpu), "no interrupt can be moved to CPU %d", cpu);
    before = interrupts(cpu);
    CPU_ZERO(&only);
    CPU_SET((unsigned)cpu, &only);
    CHECK(!sched_setaffinity(0, sizeof(only), &only), "affinity: %m");
    read_disk();
    net_check("e1000e", 4ull << 40);
    after = interrupts(cpu);
    CHECK(after >= before + 100, "CPU %d took %lu interrupts", cpu,
          after - before);
    note("CPU %d took %lu interrupts of devices", cpu, after - before);
}

const Scenario machine_scenarios[] = {
    { "busy", "a disk read until the runner ends it", busy, true },
    { "endpoint-busy", "DMA by PASID until the runner ends it", endpoint_busy,
      false },
    { "cpu-off", "a CPU off and on under I/O", cpu_off, true },
    { "new-cpu", "a CPU plugged in, interrupts sent to it", new_cpu, true },
    {},
};
