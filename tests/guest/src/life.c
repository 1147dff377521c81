/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What ends or is refused below the guest: quotas, resets, functions that go. */
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest.h"

#define IOVA 0x12340000000ull   /* the same in each paging domain */

/* A paging domain with a PASID of its own, LEN bytes mapped at IOVA. */
static uint32_t life_domain(const Ep *ep, const void *buf, size_t len)
{
    struct pep_map map = {
        .prot = 3, .iova = IOVA, .addr = (uintptr_t)buf, .len = len
    };

    CHECK(!ioctl(ep->fd, PEP_DOMAIN_NEW, &map.pasid), "paging domain: %m");
    CHECK(!ioctl(ep->fd, PEP_DOMAIN_MAP, &map), "map: %m");
    return map.pasid;
}

static struct pep_result life_write(Ep *ep, uint32_t pasid, size_t len,
                                    uint64_t seed)
{
    struct pep_job job;

    ep->pasid = pasid;
    job = ep_job(ep, PASID_EP_OP_WRITE, (void *)(uintptr_t)IOVA, len, seed);
    /* Without ATS, which a function ends that is answered UR. */
    job.ctrl &= ~PASID_EP_CH_CTRL_MODE;
    job.ctrl |= PASID_EP_PUT(PASID_EP_CH_CTRL_MODE,
                             (uint64_t)PASID_EP_MODE_UNTRANSLATED);
    return ep_do(ep, &job);
}

static bool life_failed(const struct pep_result *r)
{
    return PASID_EP_GET(r->status, PASID_EP_CH_STATUS_STATE) ==
           PASID_EP_STATE_ERROR;
}

/*
 * The host gives this guest two PASIDs. Linux knows nothing of that: a third
 * is bound, and its DMA is refused until another is unbound.
 */
static void quota(void)
{
    size_t len = 16 * PAGE;
    uint8_t *buf[3];
    uint32_t pasid[3];
    struct pep_result r;
    unsigned tries = 0;
    Ep ep;

    ep_open_unbound(&ep);
    ep_get_channel(&ep);
    for (unsigned i = 0; i < 3; i++) {
        buf[i] = map_pages(len);
        pattern_fill(buf[i], len, 310 + i);
        pasid[i] = life_domain(&ep, buf[i], len);
    }
    for (unsigned i = 0; i < 2; i++) {
        r = life_write(&ep, pasid[i], len, 320 + i);
        ep_check_ok(&r, len, "within the quota");
        pattern_check("within the quota", buf[i], len, 320 + i);
    }
    r = life_write(&ep, pasid[2], len, 322);
    CHECK(life_failed(&r) && r.done == 0,
          "beyond the quota: status %llx, cause %s, %llu bytes",
          (unsigned long long)r.status, ep_cause(r.status),
          (unsigned long long)r.done);
    pattern_check("beyond the quota", buf[2], len, 312);
    /* Its number is the host's again when its quarantine is over. */
    CHECK(!ioctl(ep.fd, PEP_DOMAIN_FREE, &pasid[0]), "free the domain: %m");
    do {
        usleep(1000);
        r = life_write(&ep, pasid[2], len, 323);
    } while (life_failed(&r) && ++tries < 2000);
    ep_check_ok(&r, len, "after another is unbound");
    pattern_check("after another is unbound", buf[2], len, 323);
    r = life_write(&ep, pasid[1], len, 324);
    ep_check_ok(&r, len, "the one that stayed");
    pattern_check("the one that stayed", buf[1], len, 324);
    pattern_check("the one that went", buf[0], len, 320);
    ep_close(&ep);
}

/* --- reset of the function ------------------------------------------------ */

static void life_sysfs(const char *file, const char *text)
{
    char path[600];

    snprintf(path, sizeof(path), "%s/%s", ep_sysfs(), file);
    write_file(path, text);
}

/* DMA that is not over yet; on a busy machine it may be before that is seen. */
static void life_begin(const Ep *ep, const struct pep_job *job, size_t len)
{
    struct pep_result r;

    for (unsigned tries = 0; tries < 200; tries++) {
        ep_submit(ep, job);
        if (ep_running(ep)) {
            return;
        }
        r = ep_wait(ep);
        ep_check_ok(&r, len, "before the reset");
    }
    CHECK(false, "the DMA is over before the reset");
}

/* In the middle of DMA; the process stays bound, and goes on. */
static void flr(void)
{
    size_t len = 16 * MiB;
    uint8_t *buf = map_pages(len);
    struct pep_job job;
    Ep ep;

    pattern_fill(buf, len, 330);
    ep_open(&ep);
    job = ep_job(&ep, PASID_EP_OP_COMPARE, buf, len, 330);
    for (unsigned round = 0; round < 4; round++) {
        life_begin(&ep, &job, len);
        life_sysfs("reset_method", "flr");
        life_sysfs("reset", "1");
        CHECK(!ep_running(&ep), "the channel works after a reset");
        ep_write(&ep, buf, 64 * PAGE, 330);
        pattern_check("after the reset", buf, len, 330);
    }
    /* Linux puts the PASID capability back when ATS is on: told, and right. */
    ep_set(&ep, PASID_EP_MISUSE, PASID_EP_MISUSE_PASID_CHANGE);
    ep_close(&ep);
}

/* --- memory that comes later ---------------------------------------------- */

/*
 * The host brings a page when a device asks for it, as after a migration by
 * post-copy: the guest has touched it, and the device waits all the same.
 */
static void late(void)
{
    size_t len = 64 * PAGE;
    uint8_t *buf = map_pages(len), *fresh = map_pages(len);
    struct pep_result r;
    Ep ep;

    pattern_fill(buf, len, 340);
    ep_open(&ep);
    r = ep_compare(&ep, buf, len, 340);
    CHECK(ep_waits(&ep, &r) > 0, "did not wait for what the host lacks");
    r = ep_compare(&ep, buf, len, 340);
    CHECK(ep_waits(&ep, &r) == 0, "waited %llu times for what is there",
          (unsigned long long)ep_waits(&ep, &r));
    /* Absent in the guest's table, and what the guest maps, at the host. */
    ep_write(&ep, fresh, len, 341);
    pattern_check("memory that neither had", fresh, len, 341);
    ep_write(&ep, buf, len, 342);
    pattern_check("memory that the host had not", buf, len, 342);
    ep_close(&ep);
}

/* --- unplugged ------------------------------------------------------------ */

/* Linux blinks for five seconds before the function goes: time to use it. */
static void unplugged(void)
{
    size_t len = 16 * PAGE;
    uint8_t *buf = map_pages(len);
    char dir[512];
    Ep ep;

    snprintf(dir, sizeof(dir), "%s", ep_sysfs());
    ep_open(&ep);
    ep_write(&ep, buf, len, 350);
    pattern_check("before it goes", buf, len, 350);
    ep_close(&ep);
    for (unsigned i = 0; i < 3000 && !access(dir, F_OK); i++) {
        usleep(10000);
    }
    CHECK(access(dir, F_OK), "the function does not go");
}

const Scenario life_scenarios[] = {
    { "quota", "the host's quota is exhausted", quota },
    { "flr", "function-level reset with DMA in flight", flr },
    { "unplugged", "the function is unplugged", unplugged, true },
    { "late", "memory that the host brings later", late },
    {},
};
