/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The in-tree uio_pci_generic_sva driver; random operations for long. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

/* --- uio_pci_generic_sva ------------------------------------------------ */

static bool pri_on(volatile uint64_t *regs)
{
    return regs[PASID_EP_STATUS / 8] & PASID_EP_STATUS_PRI_ON;
}

/* DMA by registers alone, polled: what any process with the BAR can do. */
static uint64_t uio_do(volatile uint64_t *regs, uint32_t pasid, unsigned op,
                       const void *addr, size_t len, uint64_t seed)
{
    volatile uint64_t *ch = regs + PASID_EP_CH(0, 0) / 8;

    ch[PASID_EP_CH_CTRL / 8] =
        PASID_EP_PUT(PASID_EP_CH_CTRL_OP, (uint64_t)op) |
        PASID_EP_PUT(PASID_EP_CH_CTRL_MODE,
                     pri_on(regs) ? (uint64_t)PASID_EP_MODE_AUTO :
                                    (uint64_t)PASID_EP_MODE_FALLBACK) |
        PASID_EP_CH_CTRL_PASID;
    ch[PASID_EP_CH_PASID / 8] = pasid;
    ch[PASID_EP_CH_ADDR / 8] = (uintptr_t)addr;
    ch[PASID_EP_CH_LEN / 8] = len;
    ch[PASID_EP_CH_SEED / 8] = seed;
    ch[PASID_EP_CH_COMMAND / 8] = PASID_EP_CH_CMD_START;
    for (int i = 0;
         ch[PASID_EP_CH_LAUNCHED / 8] != ch[PASID_EP_CH_RETURNED / 8]; i++) {
        CHECK(i < 200000, "the channel does not end: status %llx",
              (unsigned long long)ch[PASID_EP_CH_STATUS / 8]);
        usleep(100);
    }
    return ch[PASID_EP_CH_STATUS / 8];
}

static void uio_check(uint64_t status, const char *what)
{
    CHECK(PASID_EP_GET(status, PASID_EP_CH_STATUS_STATE) == PASID_EP_STATE_OK,
          "%s: status %llx, cause %s", what, (unsigned long long)status,
          ep_cause(status));
}

static void uio_process(const char *dir, const char *uio)
{
    size_t len = 64 * PAGE;
    uint8_t *buf = map_pages(len), *fresh = map_pages(len);
    volatile uint64_t *regs;
    char path[600], text[64];
    uint32_t pasid;
    uint64_t status;
    int fd;

    snprintf(path, sizeof(path), "/dev/%s", uio);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        print_state();
        fail("open of %s, which binds: %m", path);
    }
    snprintf(path, sizeof(path), "%s/pasid", dir);
    CHECK(read_file(path, text, sizeof(text)), "no %s", path);
    pasid = (uint32_t)strtoul(text, NULL, 0);
    CHECK(pasid, "PASID %s", text);
    regs = mmap(NULL, PASID_EP_BAR0_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
                fd, 0);
    CHECK(regs != MAP_FAILED, "mmap of BAR0: %m");
    CHECK(regs[PASID_EP_MAGIC / 8] == PASID_EP_MAGIC_VALUE, "magic %llx",
          (unsigned long long)regs[PASID_EP_MAGIC / 8]);
    uio_check(uio_do(regs, pasid, PASID_EP_OP_WRITE, fresh, len, 200),
              "write to pages never touched");
    pattern_check("never touched", fresh, len, 200);
    pattern_fill(buf, len, 201);
    uio_check(uio_do(regs, pasid, PASID_EP_OP_COMPARE, buf, len, 201),
              "compare");
    CHECK(!munmap(fresh, len), "munmap: %m");
    status = uio_do(regs, pasid, PASID_EP_OP_READ, fresh, len, 0);
    CHECK(PASID_EP_GET(status, PASID_EP_CH_STATUS_STATE) ==
                  PASID_EP_STATE_ERROR &&
              (PASID_EP_GET(status, PASID_EP_CH_STATUS_CAUSE) ==
               PASID_EP_CAUSE_RESP_INVALID) == pri_on(regs),
          "unmapped memory: status %llx", (unsigned long long)status);
    note("uio_pci_generic_sva: PASID %u", pasid);
}

static void uio(void)
{
    char dir[512], path[600], name[64] = "";
    struct dirent *entry;
    DIR *d;

    snprintf(dir, sizeof(dir), "%s", ep_sysfs());
    endpoints_to_driver("uio_pci_sva");
    snprintf(path, sizeof(path), "%s/uio", dir);
    d = opendir(path);
    CHECK(d, "%s: the driver does not bind: %m", path);
    while ((entry = readdir(d))) {
        if (!strncmp(entry->d_name, "uio", 3)) {
            snprintf(name, sizeof(name), "%.60s", entry->d_name);
        }
    }
    closedir(d);
    CHECK(name[0], "no uio device in %s", path);
    /* Two processes, one after the other: the second finds it clean. */
    for (int i = 0; i < 2; i++) {
        pid_t pid = fork();
        int status;

        CHECK(pid >= 0, "fork: %m");
        if (!pid) {
            uio_process(dir, name);
            _exit(0);
        }
        CHECK(waitpid(pid, &status, 0) == pid && !status,
              "the process failed (status %x)", status);
    }
    /*
     * The endpoint stays with this driver: removing it leaves its interrupt
     * vectors behind, which the kernel warns of.
     */
}

/* --- random operations -------------------------------------------------- */

#define SLOTS       6
#define SLOT_PAGES  24
#define SLOT_SIZE   (SLOT_PAGES * PAGE)
#define SLOT_STEP   0x400000ul
#define SLOT_BASE   0x300000000ul

enum { UNMAPPED, READABLE, WRITABLE };

static struct {
    uint8_t state[SLOT_PAGES];
    uint8_t *shadow;            /* what every byte must be */
} slots[SLOTS];

static uint64_t random_state;

static uint32_t rnd(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 32) * below >> 32);
}

static uint8_t *slot_addr(unsigned s)
{
    return (uint8_t *)(SLOT_BASE + s * SLOT_STEP);
}

static void slot_check(unsigned s, const char *what)
{
    for (unsigned i = 0; i < SLOT_PAGES; i++) {
        uint8_t *page = slot_addr(s) + i * PAGE;

        if (slots[s].state[i] != UNMAPPED &&
            memcmp(page, slots[s].shadow + i * PAGE, PAGE)) {
            size_t k = 0;

            while (page[k] == slots[s].shadow[i * PAGE + k]) {
                k++;
            }
            fail("%s: slot %u page %u byte %zu is %02x, not %02x", what, s, i,
                 k, page[k], slots[s].shadow[i * PAGE + k]);
        }
    }
}

static void random_dma(Ep *ep, unsigned s)
{
    size_t from = rnd(SLOT_SIZE), len = 1 + rnd((uint32_t)(SLOT_SIZE - from));
    bool write = rnd(2);
    uint64_t seed = random_state;
    size_t good = len;
    uint8_t *want = malloc(len);
    struct pep_job job;
    struct pep_result r;

    ep->group = rnd(2) ? 1 : 1 + rnd(16);
    for (size_t p = from / PAGE; p <= (from + len - 1) / PAGE; p++) {
        if (slots[s].state[p] < (write ? WRITABLE : READABLE)) {
            good = p * PAGE > from ? p * PAGE - from : 0;
            break;
        }
    }
    job = ep_job(ep, write ? PASID_EP_OP_WRITE : PASID_EP_OP_READ,
                 slot_addr(s) + from, len, seed);
    r = ep_do(ep, &job);
    if (good == len) {
        ep_check_ok(&r, len, write ? "random write" : "random read");
    } else {
        CHECK(ep_was_refused(ep, &r),
              "slot %u +%zx, %zx bytes, %zx good: "
              "status %llx, cause %s",
              s, from, len, good, (unsigned long long)r.status,
              ep_cause(r.status));
        /* A group is refused whole: with others' pages it may end before. */
        CHECK(ep->group == 1 || !ep->pri ? r.done == good : r.done <= good,
              "slot %u +%zx: %llu bytes done, %zx were allowed", s, from,
              (unsigned long long)r.done, good);
    }
    if (write) {
        pattern_fill(want, len, seed);
        memcpy(slots[s].shadow + from, want, r.done);
    } else if (r.done == len) {
        CHECK(r.crc == crc32(slots[s].shadow + from, len),
              "random read: the device's CRC differs");
    }
    slot_check(s, write ? "after a device write" : "after a device read");
    free(want);
}

static void random_map(unsigned s)
{
    unsigned from = rnd(SLOT_PAGES), n = 1 + rnd(SLOT_PAGES - from);
    bool writable = rnd(4) != 0;

    map_at(slot_addr(s) + from * PAGE, n * PAGE,
           PROT_READ | (writable ? PROT_WRITE : 0), MAP_FIXED);
    memset(slots[s].shadow + from * PAGE, 0, n * PAGE);
    memset(slots[s].state + from, writable ? WRITABLE : READABLE, n);
}

static void random_unmap(unsigned s)
{
    unsigned from = rnd(SLOT_PAGES), n = 1 + rnd(SLOT_PAGES - from);

    CHECK(!munmap(slot_addr(s) + from * PAGE, n * PAGE), "munmap: %m");
    memset(slots[s].state + from, UNMAPPED, n);
}

static void random_protect(unsigned s)
{
    bool writable = rnd(2);

    for (unsigned i = rnd(SLOT_PAGES); i < SLOT_PAGES; i++) {
        if (slots[s].state[i] == UNMAPPED) {
            break;
        }
        CHECK(!mprotect(slot_addr(s) + i * PAGE, PAGE,
                        PROT_READ | (writable ? PROT_WRITE : 0)),
              "mprotect: %m");
        slots[s].state[i] = writable ? WRITABLE : READABLE;
    }
}

static void random_touch(unsigned s)
{
    for (unsigned i = 0; i < SLOT_PAGES; i++) {
        if (slots[s].state[i] == WRITABLE && rnd(2)) {
            unsigned at = i * PAGE + rnd(PAGE);
            uint8_t val = (uint8_t)rnd(256);

            slot_addr(s)[at] = val;
            slots[s].shadow[at] = val;
        }
    }
}

static void random_advise(unsigned s, int advice)
{
    for (unsigned i = 0; i < SLOT_PAGES; i++) {
        if (slots[s].state[i] != UNMAPPED && rnd(3)) {
            CHECK(!madvise(slot_addr(s) + i * PAGE, PAGE, advice),
                  "madvise: %m");
            if (advice == MADV_DONTNEED) {
                memset(slots[s].shadow + i * PAGE, 0, PAGE);
            }
        }
    }
}

/* A child shares all pages for the time of one DMA, then checks its own. */
static void random_fork(Ep *ep, unsigned s)
{
    int gate[2], status;
    pid_t pid;
    char c = 0;

    CHECK(!pipe2(gate, O_CLOEXEC), "pipe: %m");
    pid = fork();
    CHECK(pid >= 0, "fork: %m");
    if (!pid) {
        close(gate[1]);
        CHECK(read(gate[0], &c, 1) == 1, "read: %m");
        slot_check(s, "the child's copy");
        _exit(0);
    }
    close(gate[0]);
    random_dma(ep, s);
    CHECK(write(gate[1], &c, 1) == 1, "write: %m");
    CHECK(waitpid(pid, &status, 0) == pid && !status, "the child failed");
    close(gate[1]);
}

static void random_rounds(void)
{
    const char *opt = option("rounds");
    unsigned rounds = opt ? (unsigned)strtoul(opt, NULL, 0) : 500;
    unsigned dma = 0;
    Ep ep;

    opt = option("seed");
    random_state = opt ? strtoull(opt, NULL, 0) : 20261121;
    random_state |= 1;
    note("%u rounds, seed %llu", rounds, (unsigned long long)random_state);
    ep_open(&ep);
    for (unsigned s = 0; s < SLOTS; s++) {
        slots[s].shadow = malloc(SLOT_SIZE);
        CHECK(slots[s].shadow, "out of memory");
        memset(slots[s].shadow, 0, SLOT_SIZE);
    }
    for (unsigned round = 0; round < rounds; round++) {
        unsigned s = rnd(SLOTS);

        switch (rnd(11)) {
        case 0:
            random_map(s);
            break;
        case 1:
            random_unmap(s);
            break;
        case 2:
            random_protect(s);
            break;
        case 3:
            random_touch(s);
            break;
        case 4:
            random_advise(s, MADV_DONTNEED);
            break;
        case 5:
        case 6:
            random_advise(s, MADV_PAGEOUT);
            break;
        case 7:
            random_fork(&ep, s);
            dma++;
            break;
        default:
            random_dma(&ep, s);
            dma++;
            break;
        }
    }
    for (unsigned s = 0; s < SLOTS; s++) {
        slot_check(s, "at the end");
    }
    note("%u of the rounds were DMA", dma);
    ep_close(&ep);
}

const Scenario other_scenarios[] = {
    { "uio", "in-tree uio_pci_generic_sva", uio, true },
    { "random", "random map, DMA, unmap, page out", random_rounds },
    {},
};
