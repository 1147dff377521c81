/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Several processes, several PASIDs, privilege, sudden death. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

/* Where two processes have different bytes at one address. */
#define COMMON ((void *)0x200000000ul)

/* A word at a time between parent and child. */
typedef struct Link {
    int down[2], up[2];
    pid_t pid;
} Link;

static void tell(int fd, uint32_t word)
{
    CHECK(write(fd, &word, 4) == 4, "pipe: %m");
}

static uint32_t hear(int fd)
{
    uint32_t word;

    CHECK(read(fd, &word, 4) == 4, "the other process is gone");
    return word;
}

static void start(Link *l, void (*run)(Link *l, unsigned arg), unsigned arg)
{
    CHECK(!pipe2(l->down, O_CLOEXEC) && !pipe2(l->up, O_CLOEXEC), "pipe: %m");
    l->pid = fork();
    CHECK(l->pid >= 0, "fork: %m");
    if (!l->pid) {
        close(l->down[1]);
        close(l->up[0]);
        run(l, arg);
        _exit(0);
    }
    close(l->down[0]);
    close(l->up[1]);
}

static void finish(Link *l)
{
    int status;

    CHECK(waitpid(l->pid, &status, 0) == l->pid && !status,
          "a process failed (status %x)", status);
    close(l->down[1]);
    close(l->up[0]);
}

static bool wait_state(Ep *ep, unsigned state)
{
    for (int i = 0; i < 2000; i++) {
        if (ep_state(ep) == state) {
            return true;
        }
        usleep(1000);
    }
    return false;
}

static bool eventually(bool (*what)(const Ep *ep), const Ep *ep)
{
    for (int i = 0; i < 10000; i++) {
        if (what(ep)) {
            return true;
        }
        usleep(1000);
    }
    return false;
}

/* What comes to a channel that waits: a page response, or the end of its
 * stalled request. */
static unsigned hold_register(const Ep *ep)
{
    return ep->pri ? PASID_EP_INJ_PRG_HOLD : PASID_EP_INJ_END_HOLD;
}

/* One that comes after the release would be held for good. */
static bool all_held(const Ep *ep)
{
    return ep_reg(ep, hold_register(ep)) == 0;
}

/* A dead process can be reaped before its last file is released. */
static bool stopped(const Ep *ep)
{
    return !ep_running(ep);
}

/* --- two processes ------------------------------------------------------ */

/* While its channel waits for a page. */
static unsigned waiting(const Ep *ep)
{
    return ep->pri ? PASID_EP_STATE_WAIT_PAGE : PASID_EP_STATE_WAIT_DMA;
}

/* Both at once: what each waits for is held until both have been seen. */
static void one_at_once(Link *l, Ep *ep, uint8_t *buf, size_t len,
                        uint64_t seed)
{
    struct pep_job job = ep_job(ep, PASID_EP_OP_WRITE, buf, len, seed);
    struct pep_result r;

    ep_submit(ep, &job);
    CHECK(wait_state(ep, waiting(ep)),
          "the channel does not wait for a page but is in state %u",
          ep_state(ep));
    tell(l->up[1], ep->channel);
    r = ep_wait(ep);
    ep_check_ok(&r, len, "device write, both at once");
    pattern_check("my bytes at the common address", buf, len, seed);
}

static void one_of_two(Link *l, unsigned arg)
{
    size_t len = 64 * PAGE;
    uint8_t *buf;
    Ep ep;

    ep_open(&ep);
    buf = map_at(COMMON, len, PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE);
    tell(l->up[1], ep.pasid);
    hear(l->down[0]);
    one_at_once(l, &ep, buf, len, arg * 1000);
    for (unsigned round = 1; round <= 12; round++) {
        uint64_t seed = arg * 1000 + round;

        madvise(buf, len, MADV_DONTNEED);
        ep_write(&ep, buf, len, seed);
        pattern_check("my bytes, in turns", buf, len, seed);
        pattern_fill(buf, len, seed + 500);
        ep_compare(&ep, buf, len, seed + 500);
    }
    tell(l->up[1], 1);
    hear(l->down[0]);
    ep_close(&ep);
}

static bool both_wait(Ep *ep, const uint32_t *channel)
{
    for (int i = 0; i < 10000; i++) {
        unsigned n = 0;

        for (unsigned k = 0; k < 2; k++) {
            ep->channel = channel[k];
            n += ep_state(ep) == waiting(ep);
        }
        if (n == 2) {
            return true;
        }
    }
    return false;
}

static void two_processes(void)
{
    uint32_t pasid[2], channel[2];
    Link link[2];
    Ep ep;

    ep_open_unbound(&ep);
    ep_set(&ep, hold_register(&ep), 2);
    for (unsigned i = 0; i < 2; i++) {
        start(&link[i], one_of_two, i + 1);
        pasid[i] = hear(link[i].up[0]);
    }
    CHECK(pasid[0] != pasid[1], "two processes with one PASID");
    for (unsigned i = 0; i < 2; i++) {
        tell(link[i].down[1], 1);
    }
    for (unsigned i = 0; i < 2; i++) {
        channel[i] = hear(link[i].up[0]);
    }
    CHECK(both_wait(&ep, channel), "channels %u and %u do not wait at once",
          channel[0], channel[1]);
    for (unsigned i = 0; i < 2; i++) {
        ep.channel = channel[i];
        CHECK(ep_channel_reg(&ep, PASID_EP_CH_PASID) == pasid[i],
              "channel %u works for another PASID", channel[i]);
    }
    CHECK(eventually(all_held, &ep), "the kernel does not answer both");
    ep_command(&ep, PASID_EP_CMD_RELEASE, 0);
    for (unsigned i = 0; i < 2; i++) {
        hear(link[i].up[0]);
    }
    for (unsigned i = 0; i < 2; i++) {
        tell(link[i].down[1], 1);
        finish(&link[i]);
    }
    ep_close(&ep);
}

/* --- on behalf of a forked child ---------------------------------------- */

static uint8_t *shared_by_fork;

static void forked_child(Link *l, unsigned arg)
{
    size_t len = 16 * PAGE;
    uint32_t pasid;

    /* The parent's file: a bond of its own in it. */
    CHECK(!ioctl((int)arg, PEP_BIND, &pasid), "child: bind: %m");
    tell(l->up[1], pasid);
    hear(l->down[0]);
    pattern_check("the child's bytes", shared_by_fork, len, 121);
    tell(l->up[1], 1);
    hear(l->down[0]);
}

static void forked(void)
{
    size_t len = 16 * PAGE;
    struct pep_result r;
    struct pep_job job;
    uint32_t pasid;
    Link link;
    Ep ep;

    ep_open(&ep);
    shared_by_fork = map_pages(len);
    pattern_fill(shared_by_fork, len, 120);
    start(&link, forked_child, (unsigned)ep.fd);
    pasid = hear(link.up[0]);
    CHECK(pasid != ep.pasid, "parent and child with one PASID");
    job = ep_job(&ep, PASID_EP_OP_WRITE, shared_by_fork, len, 121);
    job.pasid = pasid;
    r = ep_do(&ep, &job);
    ep_check_ok(&r, len, "write for the child");
    pattern_check("the parent's bytes", shared_by_fork, len, 120);
    ep_compare(&ep, shared_by_fork, len, 120);
    tell(link.down[1], 1);
    hear(link.up[0]);
    tell(link.down[1], 1);
    finish(&link);
    /* The child is gone, its bond is not: refused, and nobody is hurt. */
    r = ep_do(&ep, &job);
    CHECK(PASID_EP_GET(r.status, PASID_EP_CH_STATUS_STATE) ==
                  PASID_EP_STATE_ERROR &&
              r.done == 0,
          "DMA for a dead process: status %llx, %llu bytes",
          (unsigned long long)r.status, (unsigned long long)r.done);
    ep_compare(&ep, shared_by_fork, len, 120);
    ep_close(&ep);
}

/* --- a PASID with a paging domain of its own ---------------------------- */

static void check_error(const struct pep_result *r, unsigned cause,
                        const char *what)
{
    CHECK(PASID_EP_GET(r->status, PASID_EP_CH_STATUS_STATE) ==
                  PASID_EP_STATE_ERROR &&
              PASID_EP_GET(r->status, PASID_EP_CH_STATUS_CAUSE) == cause &&
              r->done == 0,
          "%s: status %llx, cause %s, %llu bytes", what,
          (unsigned long long)r->status, ep_cause(r->status),
          (unsigned long long)r->done);
}

/* Not asking for pages; but what can stall does, and is to be aborted. */
static struct pep_job domain_job(Ep *ep, uint32_t pasid, unsigned op,
                                 uint64_t iova, size_t len, uint64_t seed)
{
    struct pep_job job = ep_job(ep, op, (void *)(uintptr_t)iova, len, seed);

    job.pasid = pasid;
    if (ep->pri) {
        job.ctrl &= ~PASID_EP_CH_CTRL_MODE;
        job.ctrl |= PASID_EP_PUT(PASID_EP_CH_CTRL_MODE,
                                 (uint64_t)PASID_EP_MODE_ATS);
    }
    return job;
}

static void check_no_access(const Ep *ep, const struct pep_result *r,
                            const char *what)
{
    if (ep->pri) {
        check_error(r, PASID_EP_CAUSE_NO_PERMISSION, what);
    } else {
        CHECK(ep_was_refused(ep, r) && r->done == 0,
              "%s: status %llx, cause %s, %llu bytes", what,
              (unsigned long long)r->status, ep_cause(r->status),
              (unsigned long long)r->done);
    }
}

static void own_domain(void)
{
    const uint64_t iova = 0x12340000000ull, ro = 0x23450000000ull;
    size_t len = 64 * PAGE;
    uint8_t *buf = map_pages(len), *sva = map_pages(len);
    struct pep_result r;
    struct pep_job job;
    struct pep_map map;
    uint32_t pasid;
    Ep ep;

    ep_open(&ep);
    CHECK(!ioctl(ep.fd, PEP_DOMAIN_NEW, &pasid), "paging domain: %m");
    CHECK(pasid && pasid != ep.pasid, "PASID %u for the domain", pasid);
    map = (struct pep_map) { .pasid = pasid,
                             .prot = 3,
                             .iova = iova,
                             .addr = (uintptr_t)buf,
                             .len = len };
    job = domain_job(&ep, pasid, PASID_EP_OP_WRITE, iova, len, 130);
    r = ep_do(&ep, &job);
    check_no_access(&ep, &r, "before it is mapped");
    CHECK(!ioctl(ep.fd, PEP_DOMAIN_MAP, &map), "map: %m");
    r = ep_do(&ep, &job);
    ep_check_ok(&r, len, "write through the domain");
    pattern_check("the domain's buffer", buf, len, 130);
    /* This process's own PASID, at the same time, means other memory. */
    ep_write(&ep, sva, len, 131);
    ep_refused(&ep, PASID_EP_OP_READ, (void *)(uintptr_t)iova, PAGE,
               "the domain's address with the process's PASID");
    pattern_check("the process's buffer", sva, len, 131);
    pattern_check("the domain's buffer still", buf, len, 130);
    map.iova = ro;
    map.prot = 1;
    CHECK(!ioctl(ep.fd, PEP_DOMAIN_MAP, &map), "map read-only: %m");
    job = domain_job(&ep, pasid, PASID_EP_OP_COMPARE, ro, len, 130);
    r = ep_do(&ep, &job);
    ep_check_ok(&r, len, "read through a read-only mapping");
    job = domain_job(&ep, pasid, PASID_EP_OP_WRITE, ro, len, 132);
    r = ep_do(&ep, &job);
    check_no_access(&ep, &r, "write where read-only");
    map.iova = iova;
    CHECK(!ioctl(ep.fd, PEP_DOMAIN_UNMAP, &map), "unmap: %m");
    job = domain_job(&ep, pasid, PASID_EP_OP_WRITE, iova, len, 133);
    r = ep_do(&ep, &job);
    check_no_access(&ep, &r, "after it is unmapped");
    pattern_check("the domain's buffer at last", buf, len, 130);
    CHECK(!ioctl(ep.fd, PEP_DOMAIN_FREE, &pasid), "free the domain: %m");
    ep_compare(&ep, sva, len, 131);
    ep_close(&ep);
}

/* --- privilege ---------------------------------------------------------- */

/* VT-d: neither the tables nor Linux allow it (no SRE). */
static void privileged_refused(Ep *ep, uint8_t *buf, size_t len)
{
    struct pep_job job = ep_job(ep, PASID_EP_OP_WRITE, buf, len, 141);
    struct pep_raw_page raw;
    struct pep_result r;

    job.ctrl |= PASID_EP_CH_CTRL_PRIV;
    for (int op = PASID_EP_OP_WRITE; op <= PASID_EP_OP_READ; op++) {
        job.ctrl &= ~PASID_EP_CH_CTRL_OP;
        job.ctrl |= PASID_EP_PUT(PASID_EP_CH_CTRL_OP, (uint64_t)op);
        r = ep_do(ep, &job);
        check_error(&r, PASID_EP_CAUSE_RESP_INVALID, "privileged request");
        CHECK(PASID_EP_GET(r.status, PASID_EP_CH_STATUS_RESPONSE) == 1,
              "response %llu, not Invalid (1)",
              (unsigned long long)PASID_EP_GET(r.status,
                                               PASID_EP_CH_STATUS_RESPONSE));
    }
    /* The page request alone, and its response code. */
    raw = (struct pep_raw_page) {
        .addr = (uintptr_t)buf,
        .pasid = ep->pasid,
        .timeout_ms = 20000,
        .ctrl = PASID_EP_PR_CTRL_READ | PASID_EP_PR_CTRL_LAST |
                PASID_EP_PR_CTRL_PASID | PASID_EP_PR_CTRL_PRIV |
                PASID_EP_PR_CTRL_PRGI_AUTO,
    };
    CHECK(!ioctl(ep->fd, PEP_RAW_PAGE, &raw), "page request: %m");
    CHECK(raw.response & PASID_EP_PR_RESP_VALID &&
              PASID_EP_GET(raw.response, PASID_EP_PR_RESP_CODE) == 1,
          "privileged page request: status %llx, response %llx",
          (unsigned long long)raw.status, (unsigned long long)raw.response);
    raw.ctrl &= ~PASID_EP_PR_CTRL_PRIV;
    CHECK(!ioctl(ep->fd, PEP_RAW_PAGE, &raw), "page request: %m");
    CHECK(raw.response & PASID_EP_PR_RESP_VALID &&
              PASID_EP_GET(raw.response, PASID_EP_PR_RESP_CODE) == 0,
          "user page request: status %llx, response %llx",
          (unsigned long long)raw.status, (unsigned long long)raw.response);
    pattern_check("after the refused writes", buf, len, 140);
    ep_compare(ep, buf, len, 140);
}

/*
 * SMMUv3: what a process may read and write, privileged accesses may as well
 * (Linux leaves PAN off), and a fault of theirs is served like any other; but
 * they may not execute it (PXN).
 */
static void privileged_served(Ep *ep, uint8_t *buf, size_t len)
{
    uint8_t *fresh = map_pages(len);
    struct pep_job job = ep_job(ep, PASID_EP_OP_COMPARE, buf, len, 140);
    struct pep_result r;

    job.ctrl |= PASID_EP_CH_CTRL_PRIV;
    r = ep_do(ep, &job);
    ep_check_ok(&r, len, "privileged read");
    CHECK(ep_waits(ep, &r) == 0, "waited for present pages");
    job = ep_job(ep, PASID_EP_OP_WRITE, fresh, len, 142);
    job.ctrl |= PASID_EP_CH_CTRL_PRIV;
    r = ep_do(ep, &job);
    ep_check_ok(&r, len, "privileged write to memory never touched");
    CHECK(ep_waits(ep, &r) > 0, "did not wait for pages never touched");
    pattern_check("privileged write", fresh, len, 142);
    job = ep_job(ep, PASID_EP_OP_READ, buf, len, 0);
    job.ctrl |= PASID_EP_CH_CTRL_PRIV | PASID_EP_CH_CTRL_EXEC;
    r = ep_do(ep, &job);
    CHECK(ep_was_refused(ep, &r) && r.done == 0,
          "privileged execution: status %llx, cause %s",
          (unsigned long long)r.status, ep_cause(r.status));
}

static void privileged(void)
{
    size_t len = 4 * PAGE;
    uint8_t *buf = map_pages(len);
    Ep ep;

    ep_open(&ep);
    CHECK(ep_reg(&ep, PASID_EP_STATUS) & PASID_EP_STATUS_PRIV_ON,
          "privileged mode is not enabled in the PASID capability");
    pattern_fill(buf, len, 140);
    ep_compare(&ep, buf, len, 140);     /* user: present and readable */
    if (ep.pri) {
        privileged_refused(&ep, buf, len);
    } else {
        privileged_served(&ep, buf, len);
    }
    ep_close(&ep);
}

/* --- killed ------------------------------------------------------------- */

static void victim(Link *l, unsigned hold)
{
    size_t len = 64 * MiB;
    uint8_t *buf = map_at(COMMON, len, PROT_READ | PROT_WRITE,
                          MAP_FIXED_NOREPLACE);
    struct pep_job job;
    Ep ep;

    ep_open(&ep);
    job = ep_job(&ep, PASID_EP_OP_WRITE, buf, len, 150);
    if (!hold) {
        job.group = 1;          /* one page, one request: long under way */
    }
    ep_submit(&ep, &job);
    tell(l->up[1], ep.channel);
    tell(l->up[1], ep.pasid);
    for (;;) {
        pause();
    }
}

static void kill_one(Ep *ep, unsigned hold)
{
    uint32_t pasid;
    int status;
    Link link;

    ep_set(ep, hold_register(ep), hold);
    start(&link, victim, hold);
    ep->channel = hear(link.up[0]);
    pasid = hear(link.up[0]);
    if (hold) {
        CHECK(wait_state(ep, waiting(ep)) && eventually(all_held, ep),
              "the channel does not wait for a page");
    } else {
        for (int i = 0; ep_channel_reg(ep, PASID_EP_CH_DONE) == 0; i++) {
            CHECK(i < 20000, "the channel does nothing");
            usleep(100);
        }
    }
    CHECK(ep_running(ep), "the DMA is over before the process is killed");
    CHECK(!kill(link.pid, SIGKILL), "kill: %m");
    CHECK(waitpid(link.pid, &status, 0) == link.pid && WIFSIGNALED(status) &&
              WTERMSIG(status) == SIGKILL,
          "the process ended with %x", status);
    CHECK(eventually(stopped, ep),
          "the channel still works for the dead process");
    CHECK(ep_channel_reg(ep, PASID_EP_CH_DONE) < 64 * MiB,
          "the DMA was over before the process was killed");
    ep_command(ep, PASID_EP_CMD_RELEASE, 0);
    note("killed with PASID %u: channel %u in state %u (%s) after %llu bytes",
         pasid, ep->channel, ep_state(ep),
         ep_cause(ep_channel_reg(ep, PASID_EP_CH_STATUS)),
         (unsigned long long)ep_channel_reg(ep, PASID_EP_CH_DONE));
    close(link.down[1]);
    close(link.up[0]);
}

static void killed(void)
{
    size_t len = 64 * PAGE;
    uint8_t *buf;
    Ep watch, ep;

    ep_open_unbound(&watch);
    kill_one(&watch, 0);        /* requests and responses going on */
    kill_one(&watch, 1);        /* a response arrives after the death */
    /* The device goes on with the next one, perhaps with that PASID. */
    ep_open(&ep);
    buf = map_at(COMMON, len, PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE);
    ep_write(&ep, buf, len, 151);
    pattern_check("the next process", buf, len, 151);
    ep_close(&ep);
    ep_close(&watch);
}

/* --- two devices -------------------------------------------------------- */

static void two_devices(void)
{
    size_t len = 32 * PAGE;
    uint8_t *buf = map_pages(len);
    uint64_t before[2];
    struct pep_job job[2];
    Ep ep[2];

    for (unsigned i = 0; i < 2; i++) {
        ep_open_nth(&ep[i], i);
        ep_get_channel(&ep[i]);
        ep_bind(&ep[i]);
    }
    CHECK(ep[0].pasid == ep[1].pasid, "one process, PASIDs %u and %u",
          ep[0].pasid, ep[1].pasid);
    for (unsigned round = 0; round < 8; round++) {
        /* Each its half of memory that nobody touched, at the same time. */
        for (unsigned i = 0; i < 2; i++) {
            job[i] = ep_job(&ep[i], PASID_EP_OP_WRITE, buf + i * len / 2,
                            len / 2, 160 + i + 2 * round);
            ep_submit(&ep[i], &job[i]);
        }
        for (unsigned i = 0; i < 2; i++) {
            struct pep_result r = ep_wait(&ep[i]);

            ep_check_ok(&r, len / 2, "write, both devices at once");
            pattern_check("a device's half", buf + i * len / 2, len / 2,
                          160 + i + 2 * round);
        }
        /* Each the other's half: both have everything cached. */
        for (unsigned i = 0; i < 2; i++) {
            ep_compare(&ep[1 - i], buf + i * len / 2, len / 2,
                       160 + i + 2 * round);
            before[i] = ep_stat(&ep[i], PASID_EP_STAT_INVALIDATIONS);
        }
        map_at(buf, len, PROT_READ | PROT_WRITE, MAP_FIXED);
        for (unsigned i = 0; i < 2; i++) {
            CHECK(ep_stat(&ep[i], PASID_EP_STAT_INVALIDATIONS) > before[i],
                  "device %u heard nothing of the new mapping", i);
        }
    }
    /* One lets go, the other goes on. */
    ep_close(&ep[0]);
    ep_write(&ep[1], buf, len, 190);
    pattern_check("one device left", buf, len, 190);
    ep_close(&ep[1]);
}

/* --- these tests would notice ------------------------------------------- */

/* A device that keeps translations it was told to drop reads old bytes. */
static void stale(void)
{
    size_t len = 16 * PAGE;
    uint8_t *buf = map_pages(len);
    struct pep_result r;
    Ep ep;

    ep_open(&ep);
    ep_write(&ep, buf, len, 170);
    ep_compare(&ep, buf, len, 170); /* in the ATC if it was not yet */
    ep_set(&ep, PASID_EP_INJ_FLAGS, PASID_EP_INJ_FLAGS_STALE);
    /* The pages live on in a child, so that reading them hurts nobody. */
    {
        int gate[2], status;
        pid_t pid;
        char c = 0;

        CHECK(!pipe2(gate, O_CLOEXEC), "pipe: %m");
        pid = fork();
        CHECK(pid >= 0, "fork: %m");
        if (!pid) {
            close(gate[1]);
            _exit(read(gate[0], &c, 1) == 1 ? 0 : 1);
        }
        map_at(buf, len, PROT_READ | PROT_WRITE, MAP_FIXED);
        r = ep_read(&ep, buf, len);
        CHECK(r.crc != crc32_zeros(len),
              "a device with a stale ATC was not told from a good one");
        ep_set(&ep, PASID_EP_INJ_FLAGS, 0);
        ep_command(&ep, PASID_EP_CMD_ATC_FLUSH, 0);
        r = ep_read(&ep, buf, len);
        CHECK(r.crc == crc32_zeros(len), "flushed, the ATC is still stale");
        CHECK(write(gate[1], &c, 1) == 1, "write: %m");
        CHECK(waitpid(pid, &status, 0) == pid && !status, "the child failed");
    }
    ep_close(&ep);
}

const Scenario process_scenarios[] = {
    { "two-processes", "two processes, a PASID each, at once", two_processes },
    { "forked", "DMA on behalf of a forked child", forked },
    { "own-domain", "a PASID with a paging domain of its own", own_domain },
    { "privileged", "privileged requests", privileged },
    { "two-devices", "one process, two endpoints", two_devices },
    { "stale", "a stale ATC is noticed", stale },
    { "killed", "processes killed with DMA in flight", killed },
    {},
};
