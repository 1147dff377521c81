/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One process, one PASID: every kind of memory the device can meet. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define HUGE (2 * MiB)

static void touched(void)
{
    size_t len = 256 * KiB;
    uint8_t *buf = map_pages(len);
    struct pep_result r;
    Ep ep;

    ep_open(&ep);
    memset(buf, 0xee, len);
    r = ep_write(&ep, buf, len, 1);
    pattern_check("touched memory", buf, len, 1);
    CHECK(ep_waits(&ep, &r) == 0, "waited %llu times for present pages",
          (unsigned long long)ep_waits(&ep, &r));
    pattern_fill(buf, len, 2);
    r = ep_compare(&ep, buf, len, 2);
    CHECK(r.crc == crc32(buf, len), "the device's CRC differs");
    /* Not a page, not a word: the ends of the range are exact. */
    memset(buf, 0xee, len);
    ep_write(&ep, buf + 4093, 8195, 3);
    bytes_check("before the range", buf, 4093, 0xee);
    pattern_check("odd range", buf + 4093, 8195, 3);
    bytes_check("after the range", buf + 12288, len - 12288, 0xee);
    /* The device sees a difference that is there. */
    buf[777] ^= 1;
    {
        struct pep_job job = ep_job(&ep, PASID_EP_OP_COMPARE, buf + 4093, 8195,
                                    3);

        pattern_fill(buf + 4093, 8195, 3);
        buf[4093 + 5000] ^= 0x40;
        r = ep_do(&ep, &job);
        CHECK(PASID_EP_GET(r.status, PASID_EP_CH_STATUS_CAUSE) ==
                      PASID_EP_CAUSE_MISMATCH &&
                  r.bad_addr == (uintptr_t)buf + 4093 + 5000,
              "a changed byte was not found: status %llx at %llx",
              (unsigned long long)r.status, (unsigned long long)r.bad_addr);
    }
    ep_close(&ep);
}

static void untouched(void)
{
    size_t pages = 96, len = pages * PAGE;
    uint8_t *buf = map_pages(len), *zero = map_pages(len);
    unsigned char in[96];
    struct pep_result r;
    Ep ep;

    ep_open(&ep);
    CHECK(!mincore(buf, len, in), "mincore: %m");
    for (size_t i = 0; i < pages; i++) {
        CHECK(!(in[i] & 1), "page %zu is present before the DMA", i);
    }
    r = ep_write(&ep, buf, len, 10);
    CHECK(ep_waits(&ep, &r) >= pages, "waited %llu times for %zu pages",
          (unsigned long long)ep_waits(&ep, &r), pages);
    pattern_check("memory the device touched first", buf, len, 10);
    r = ep_read(&ep, zero, len);
    CHECK(ep_waits(&ep, &r) > 0, "did not wait for pages never touched");
    CHECK(r.crc == crc32_zeros(len), "untouched memory did not read as 0");
    bytes_check("memory the device read first", zero, len, 0);
    /* Groups of one page are answered one by one. */
    ep.group = 1;
    zero = map_pages(16 * PAGE);
    r = ep_write(&ep, zero, 16 * PAGE, 11);
    CHECK(ep_waits(&ep, &r) == 16, "waited %llu times, groups of one",
          (unsigned long long)ep_waits(&ep, &r));
    pattern_check("groups of one page", zero, 16 * PAGE, 11);
    ep_close(&ep);
}

static void read_only(void)
{
    size_t len = 16 * PAGE;
    uint8_t *buf = map_pages(len);
    struct pep_result r;
    Ep ep;

    ep_open(&ep);
    pattern_fill(buf, len, 20);
    CHECK(!mprotect(buf, len, PROT_READ), "mprotect: %m");
    r = ep_compare(&ep, buf, len, 20);
    CHECK(r.crc == crc32(buf, len), "read: the device's CRC differs");
    ep_refused(&ep, PASID_EP_OP_WRITE, buf, len, "write to read-only memory");
    ep_refused(&ep, PASID_EP_OP_WRITE, buf + 5 * PAGE, 100,
               "write to read-only memory");
    pattern_check("after the refused writes", buf, len, 20);
    CHECK(!mprotect(buf, len, PROT_READ | PROT_WRITE), "mprotect: %m");
    ep_write(&ep, buf, len, 21);
    pattern_check("writable again", buf, len, 21);
    CHECK(!mprotect(buf, len, PROT_NONE), "mprotect: %m");
    ep_refused(&ep, PASID_EP_OP_READ, buf, len,
               "read of memory without access");
    CHECK(!mprotect(buf, len, PROT_READ), "mprotect: %m");
    pattern_check("at the end", buf, len, 21);
    ep_close(&ep);
}

static void cow(void)
{
    size_t len = 64 * PAGE;
    uint8_t *buf = map_pages(len);
    int to_child[2], status;
    struct pep_result r;
    pid_t pid;
    char c = 0;
    Ep ep;

    ep_open(&ep);
    pattern_fill(buf, len, 30);
    ep_compare(&ep, buf, len, 30);     /* translations are cached, writable */
    ep_write(&ep, buf, len, 31);
    CHECK(!pipe(to_child), "pipe: %m");
    pid = fork();
    CHECK(pid >= 0, "fork: %m");
    if (!pid) {
        CHECK(read(to_child[0], &c, 1) == 1, "child: read: %m");
        pattern_check("the child's copy", buf, len, 31);
        pattern_fill(buf, len, 33);
        _exit(0);
    }
    /* Shared with the child, so read-only for both; read needs nothing. */
    r = ep_compare(&ep, buf, len, 31);
    CHECK(ep_waits(&ep, &r) == 0, "reading after fork: waited %llu times",
          (unsigned long long)ep_waits(&ep, &r));
    r = ep_write(&ep, buf, len, 32);
    CHECK(ep_waits(&ep, &r) >= len / PAGE,
          "write after fork: waited %llu times, so the child's pages were "
          "written",
          (unsigned long long)ep_waits(&ep, &r));
    pattern_check("the parent's copy", buf, len, 32);
    CHECK(write(to_child[1], &c, 1) == 1, "write: %m");
    CHECK(waitpid(pid, &status, 0) == pid && !status, "the child failed");
    pattern_check("the parent's copy, the child gone", buf, len, 32);
    ep_compare(&ep, buf, len, 32);
    ep_close(&ep);
}

static void remapped(void)
{
    size_t len = 32 * PAGE;
    uint8_t *buf = map_pages(len);
    uint64_t before;
    struct pep_result r;
    Ep ep;

    ep_open(&ep);
    for (unsigned round = 0; round < 4; round++) {
        ep_write(&ep, buf, len, 40 + round);
        pattern_check("before unmapping", buf, len, 40 + round);
        before = ep_stat(&ep, PASID_EP_STAT_INVALIDATIONS);
        CHECK(!munmap(buf, len), "munmap: %m");
        CHECK(!ep.ats || ep_stat(&ep, PASID_EP_STAT_INVALIDATIONS) > before,
              "munmap sent no ATC invalidation");
        ep_refused(&ep, PASID_EP_OP_READ, buf, len, "read of unmapped memory");
        ep_refused(&ep, PASID_EP_OP_WRITE, buf, len,
                   "write to unmapped memory");
        map_at(buf, len, PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE);
        r = ep_read(&ep, buf, len);
        CHECK(r.crc == crc32_zeros(len),
              "the new mapping shows the device old bytes");
        bytes_check("the new mapping", buf, len, 0);
    }
    /* Replaced in one call, never unmapped in between. */
    for (unsigned round = 0; round < 4; round++) {
        ep_write(&ep, buf, len, 50 + round);
        map_at(buf, len, PROT_READ | PROT_WRITE, MAP_FIXED);
        pattern_fill(buf, len, 60 + round);
        r = ep_compare(&ep, buf, len, 60 + round);
        CHECK(r.crc == crc32(buf, len), "the device's CRC differs");
    }
    ep_close(&ep);
}

/* kB of field NAME in the smaps entry of ADDR. */
static long smaps_kb(const void *addr, const char *name)
{
    FILE *f = fopen("/proc/self/smaps", "re");
    char line[512];
    bool inside = false;
    long kb = -1;

    CHECK(f, "smaps: %m");
    while (kb < 0 && fgets(line, sizeof(line), f)) {
        unsigned long from, to;

        if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
            inside = (uintptr_t)addr >= from && (uintptr_t)addr < to;
        } else if (inside && !strncmp(line, name, strlen(name)) &&
                   line[strlen(name)] == ':') {
            kb = strtol(line + strlen(name) + 1, NULL, 10);
        }
    }
    fclose(f);
    return kb;
}

static void thp(void)
{
    size_t len = 4 * HUGE;
    uint8_t *area = map_pages(len + HUGE);
    uint8_t *buf = (uint8_t *)(((uintptr_t)area + HUGE - 1) & ~(HUGE - 1));
    struct pep_result r;
    Ep ep;

    ep_open(&ep);
    CHECK(!madvise(buf, len, MADV_HUGEPAGE), "madvise: %m");
    /* Two the process touches, two the device touches first. */
    for (size_t i = 0; i < 2 * HUGE; i += PAGE) {
        buf[i] = 1;
    }
    r = ep_write(&ep, buf, 2 * HUGE, 70);
    CHECK(ep_waits(&ep, &r) == 0, "waited %llu times for present huge pages",
          (unsigned long long)ep_waits(&ep, &r));
    pattern_check("huge pages, touched", buf, 2 * HUGE, 70);
    r = ep_write(&ep, buf + 2 * HUGE, 2 * HUGE, 71);
    pattern_check("huge pages, touched by the device", buf + 2 * HUGE, 2 * HUGE,
                  71);
    CHECK(smaps_kb(buf, "AnonHugePages") == (long)(len / KiB),
          "%ld kB in transparent huge pages, not %zu",
          smaps_kb(buf, "AnonHugePages"), len / KiB);
    CHECK(ep_waits(&ep, &r) >= 2 && ep_waits(&ep, &r) <= 64,
          "waited %llu times for two huge pages",
          (unsigned long long)ep_waits(&ep, &r));
    /* Splitting one changes translations, not bytes. */
    CHECK(!munmap(buf + HUGE + 8 * PAGE, PAGE), "munmap: %m");
    ep_refused(&ep, PASID_EP_OP_READ, buf + HUGE + 8 * PAGE, PAGE,
               "hole in a split huge page");
    r = ep_read(&ep, buf + HUGE + 9 * PAGE, HUGE - 9 * PAGE);
    CHECK(r.crc == crc32(buf + HUGE + 9 * PAGE, HUGE - 9 * PAGE),
          "split huge page: the device's CRC differs");
    ep_close(&ep);
}

static void hugetlb(void)
{
    size_t len = 3 * HUGE;
    struct pep_result r;
    uint8_t *buf;
    Ep ep;

    ep_open(&ep);
    write_file("/proc/sys/vm/nr_hugepages", "4");
    buf = map_at(NULL, len, PROT_READ | PROT_WRITE,
                 MAP_HUGETLB | 21 << MAP_HUGE_SHIFT);
    memset(buf, 0x55, HUGE);
    r = ep_write(&ep, buf, len, 80);
    pattern_check("explicit huge pages", buf, len, 80);
    CHECK(smaps_kb(buf, "Private_Hugetlb") == (long)(len / KiB),
          "%ld kB in explicit huge pages", smaps_kb(buf, "Private_Hugetlb"));
    CHECK(ep_waits(&ep, &r) >= 2 && ep_waits(&ep, &r) <= 64,
          "waited %llu times for two huge pages never touched",
          (unsigned long long)ep_waits(&ep, &r));
    ep_compare(&ep, buf, len, 80);
    CHECK(!munmap(buf, len), "munmap: %m");
    ep_refused(&ep, PASID_EP_OP_READ, buf, PAGE, "unmapped huge page");
    write_file("/proc/sys/vm/nr_hugepages", "0");
    ep_close(&ep);
}

static void __attribute__((noinline)) stack_frame(Ep *ep)
{
    uint8_t buf[192 * KiB];
    volatile uint8_t *lowest = buf;

    lowest[0] = 1;              /* grows the stack; the middle is not there */
    ep_write(ep, buf, sizeof(buf), 90);
    pattern_check("stack", buf, sizeof(buf), 90);
    pattern_fill(buf, sizeof(buf), 91);
    ep_compare(ep, buf, sizeof(buf), 91);
}

static void stack(void)
{
    Ep ep;

    ep_open(&ep);
    stack_frame(&ep);
    ep_close(&ep);
}

static void drop_caches(void)
{
    sync();
    write_file("/proc/sys/vm/drop_caches", "3");
}

static void file_check(int fd, size_t len, uint64_t seed, const char *what)
{
    uint8_t *copy = malloc(len);

    CHECK(copy && pread(fd, copy, len, 0) == (ssize_t)len, "pread: %m");
    pattern_check(what, copy, len, seed);
    free(copy);
}

static void file(void)
{
    const char *path = "/mnt/mapped";
    size_t len = 64 * PAGE;
    unsigned char in[64];
    uint8_t *buf;
    Ep ep;
    int fd;

    CHECK(!access("/mnt/lost+found", F_OK), "no file system at /mnt");
    ep_open(&ep);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0, "%s: %m", path);
    buf = malloc(len);
    pattern_fill(buf, len, 100);
    CHECK(write(fd, buf, len) == (ssize_t)len, "write: %m");
    free(buf);
    drop_caches();
    buf = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(buf != MAP_FAILED, "mmap: %m");
    CHECK(!mincore(buf, len, in), "mincore: %m");
    for (size_t i = 0; i < 64; i++) {
        CHECK(!(in[i] & 1), "page %zu is still in memory", i);
    }
    ep_compare(&ep, buf, len, 100);     /* page faults read the disk */
    ep_write(&ep, buf, len, 101);
    pattern_check("shared file mapping", buf, len, 101);
    file_check(fd, len, 101, "the file, read");
    CHECK(!msync(buf, len, MS_SYNC) && !munmap(buf, len), "msync: %m");
    close(fd);
    drop_caches();
    fd = open(path, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0, "%s: %m", path);
    file_check(fd, len, 101, "the file, read back from disk");
    /* Private: what the device writes stays in this process. */
    buf = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(buf != MAP_FAILED, "mmap: %m");
    ep_compare(&ep, buf, len, 101);
    ep_write(&ep, buf, len, 102);
    pattern_check("private file mapping", buf, len, 102);
    file_check(fd, len, 101, "the file below a private mapping");
    /* Truncated: pages of the mapping beyond the end are no more. */
    CHECK(!ftruncate(fd, 8 * (off_t)PAGE), "ftruncate: %m");
    ep_refused(&ep, PASID_EP_OP_READ, buf + 32 * PAGE, PAGE,
               "file mapping beyond the end of the file");
    close(fd);
    unlink(path);
    ep_close(&ep);
}

/* Number of pages of the range that are in swap, by the kernel's word. */
static size_t pages_swapped(const void *addr, size_t pages)
{
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    size_t n = 0;

    CHECK(fd >= 0, "pagemap: %m");
    for (size_t i = 0; i < pages; i++) {
        uint64_t e;

        CHECK(pread(fd, &e, 8, (off_t)((uintptr_t)addr / PAGE + i) * 8) == 8,
              "pagemap: %m");
        n += e >> 62 & 1 && !(e >> 63);
    }
    close(fd);
    return n;
}

/* Pages that are being written: none of them can leave memory. */
static bool any_writeback(void)
{
    FILE *f = fopen("/proc/vmstat", "re");
    char name[64] = "";
    long n = 0;

    CHECK(f, "vmstat: %m");
    while (strcmp(name, "nr_writeback") != 0) {
        CHECK(fscanf(f, "%63s %ld", name, &n) == 2, "vmstat: nr_writeback");
    }
    fclose(f);
    return n != 0;
}

static void page_out(void *buf, size_t len)
{
    for (int tries = 0; tries < 20; tries++) {
        CHECK(!madvise(buf, len, MADV_PAGEOUT), "madvise: %m");
        if (pages_swapped(buf, len / PAGE) == len / PAGE) {
            return;
        }
        /* Those just brought in wait in lists of each CPU: drain them. The
         * disk may still be writing what left last. */
        write_file("/proc/sys/vm/drop_caches", "1");
        for (int ms = 0; ms < 10000 && any_writeback(); ms++) {
            usleep(1000);
        }
    }
    fail("%zu of %zu pages left memory; is swap on?",
         pages_swapped(buf, len / PAGE), len / PAGE);
}

static void swapped(void)
{
    size_t pages = 128, len = pages * PAGE;
    uint8_t *buf = map_pages(len);
    struct pep_result r;
    Ep ep;

    ep_open(&ep);
    pattern_fill(buf, len, 110);
    ep_compare(&ep, buf, len, 110);
    page_out(buf, len);
    r = ep_compare(&ep, buf, len, 110);
    CHECK(ep_waits(&ep, &r) > 0, "did not wait for swapped pages");
    pattern_check("swapped in by the device", buf, len, 110);
    page_out(buf, len);
    ep_write(&ep, buf, len / 2, 111);
    pattern_check("swapped in, written by the device", buf, len / 2, 111);
    page_out(buf, len);
    r = ep_compare(&ep, buf, len / 2, 111);
    CHECK(ep_waits(&ep, &r) > 0, "did not wait for swapped pages");
    pattern_check("swapped again", buf, len / 2, 111);
    ep_close(&ep);
}

const Scenario memory_scenarios[] = {
    { "touched", "memory the process touched", touched },
    { "untouched", "memory never touched", untouched },
    { "read-only", "read-only memory", read_only },
    { "cow", "copied on write after fork", cow },
    { "remapped", "unmapped, mapped anew at the same address", remapped },
    { "thp", "transparent huge pages", thp },
    { "hugetlb", "explicit huge pages", hugetlb },
    { "stack", "stack", stack },
    { "file", "file mappings", file },
    { "swapped", "pages swapped out", swapped },
    {},
};
