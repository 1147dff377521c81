/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The endpoint as a process sees it, and the bytes it moves. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest.h"

#define JOB_TIMEOUT_MS 60000

/* --- memory and patterns ------------------------------------------------ */

void *map_at(void *where, size_t len, int prot, int flags)
{
    void *p = mmap(where, len, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1,
                   0);

    CHECK(p != MAP_FAILED, "mmap of %zu bytes: %m", len);
    CHECK(!where || p == where, "mmap gave %p, not %p", p, where);
    return p;
}

void *map_pages(size_t len)
{
    return map_at(NULL, len, PROT_READ | PROT_WRITE, 0);
}

/* Eight bytes of the pattern; the same function as pasid_ep_pattern(). */
static uint64_t pattern_word(uint64_t seed, uint64_t word)
{
    uint64_t x = (seed + word + 1) * 0x9e3779b97f4a7c15ull;

    return x ^ x >> 29;
}

void pattern_fill(void *buf, size_t len, uint64_t seed)
{
    uint8_t *p = buf;

    for (size_t i = 0; i < len; i += 8) {
        uint64_t w = pattern_word(seed, i / 8);

        memcpy(p + i, &w, len - i < 8 ? len - i : 8);
    }
}

void pattern_check(const char *what, const void *buf, size_t len, uint64_t seed)
{
    const uint8_t *p = buf;

    for (size_t i = 0; i < len; i += 8) {
        uint64_t w = pattern_word(seed, i / 8);

        if (memcmp(p + i, &w, len - i < 8 ? len - i : 8)) {
            while (p[i] == pasid_ep_pattern(seed, i)) {
                i++;
            }
            fail("%s: byte %zu of %zu at %p is %02x, not %02x", what, i, len,
                 (const void *)(p + i), p[i], pasid_ep_pattern(seed, i));
        }
    }
}

void bytes_check(const char *what, const void *buf, size_t len, uint8_t val)
{
    const uint8_t *p = buf;

    for (size_t i = 0; i < len; i++) {
        CHECK(p[i] == val, "%s: byte %zu of %zu at %p is %02x, not %02x", what,
              i, len, (const void *)(p + i), p[i], val);
    }
}

static uint32_t crc32_byte(uint32_t crc, uint8_t byte)
{
    static uint32_t table[256];

    if (!table[1]) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t c = i;

            for (int k = 0; k < 8; k++) {
                c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
            }
            table[i] = c;
        }
    }
    return crc >> 8 ^ table[(uint8_t)(crc ^ byte)];
}

uint32_t crc32(const void *buf, size_t len)
{
    const uint8_t *p = buf;
    uint32_t crc = ~0u;

    for (size_t i = 0; i < len; i++) {
        crc = crc32_byte(crc, p[i]);
    }
    return ~crc;
}

uint32_t crc32_zeros(size_t len)
{
    uint32_t crc = ~0u;

    for (size_t i = 0; i < len; i++) {
        crc = crc32_byte(crc, 0);
    }
    return ~crc;
}

/* --- the device --------------------------------------------------------- */

void ep_open_nth(Ep *ep, unsigned n)
{
    char path[32];
    void *bar;

    snprintf(path, sizeof(path), "/dev/pasid-ep%u", n);
    *ep = (Ep) { .fd = open(path, O_RDWR) };
    CHECK(ep->fd >= 0, "cannot open %s: %m", path);
    bar = mmap(NULL, PASID_EP_BAR0_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
               ep->fd, PEP_MMAP_BAR(0));
    CHECK(bar != MAP_FAILED, "cannot map BAR0: %m");
    ep->regs = bar;
    ep->channel = PEP_NO_CHANNEL;
    ep->ats = ep_reg(ep, PASID_EP_STATUS) & PASID_EP_STATUS_ATS_ON;
    ep->pri = ep_reg(ep, PASID_EP_STATUS) & PASID_EP_STATUS_PRI_ON;
}

void ep_open_unbound(Ep *ep)
{
    ep_open_nth(ep, 0);
}

void ep_bind(Ep *ep)
{
    if (ioctl(ep->fd, PEP_BIND, &ep->pasid)) {
        int err = errno;

        print_state();
        fail("bind: %s", strerror(err));
    }
    CHECK(ep->pasid, "bound to PASID 0");
}

void ep_get_channel(Ep *ep)
{
    CHECK(!ioctl(ep->fd, PEP_CHANNEL_GET, &ep->channel), "no free channel: %m");
}

void ep_open(Ep *ep)
{
    ep_open_unbound(ep);
    ep_get_channel(ep);
    ep_bind(ep);
}

void ep_close(Ep *ep)
{
    munmap((void *)ep->regs, PASID_EP_BAR0_SIZE);
    close(ep->fd);
    ep->fd = -1;
}

uint64_t ep_reg(const Ep *ep, unsigned off)
{
    return ep->regs[off / 8];
}

uint64_t ep_stat(const Ep *ep, unsigned off)
{
    return ep->regs[off / 8];
}

void ep_set(const Ep *ep, unsigned off, uint64_t val)
{
    ep->regs[off / 8] = val;
}

uint64_t ep_channel_reg(const Ep *ep, unsigned off)
{
    return ep->regs[PASID_EP_CH(ep->channel, off) / 8];
}

unsigned ep_state(const Ep *ep)
{
    return PASID_EP_GET(ep_channel_reg(ep, PASID_EP_CH_STATUS),
                        PASID_EP_CH_STATUS_STATE);
}

bool ep_running(const Ep *ep)
{
    return ep_channel_reg(ep, PASID_EP_CH_LAUNCHED) !=
           ep_channel_reg(ep, PASID_EP_CH_RETURNED);
}

void ep_command(const Ep *ep, uint64_t cmd, uint64_t arg)
{
    uint64_t words[2] = { cmd, arg };

    CHECK(!ioctl(ep->fd, PEP_COMMAND, words), "command %llu: %m",
          (unsigned long long)cmd);
}

/* CH_CTRL.MODE that asks for pages. */
static unsigned ep_mode(const Ep *ep)
{
    return ep->pri ? PASID_EP_MODE_AUTO : PASID_EP_MODE_FALLBACK;
}

struct pep_job ep_job(const Ep *ep, unsigned op, const void *addr, size_t len,
                      uint64_t seed)
{
    return (struct pep_job) {
        .channel = ep->channel,
        .pasid = ep->pasid,
        .ctrl = PASID_EP_PUT(PASID_EP_CH_CTRL_OP, (uint64_t)op) |
                PASID_EP_PUT(PASID_EP_CH_CTRL_MODE, (uint64_t)ep_mode(ep)),
        .addr = (uintptr_t)addr,
        .len = len,
        .seed = seed,
        .group = ep->group,
    };
}

void ep_submit(const Ep *ep, const struct pep_job *job)
{
    CHECK(!ioctl(ep->fd, PEP_SUBMIT, job), "submit: %m");
}

struct pep_result ep_wait(const Ep *ep)
{
    struct pep_result r = { .channel = ep->channel,
                            .timeout_ms = JOB_TIMEOUT_MS };
    int ret;

    do {
        ret = ioctl(ep->fd, PEP_WAIT, &r);
    } while (ret && errno == EINTR);
    CHECK(!ret,
          "no completion interrupt: %s; channel %s, status %llx, "
          "%llu bytes done",
          strerror(errno), r.finished ? "finished" : "still running",
          (unsigned long long)r.status, (unsigned long long)r.done);
    CHECK(r.finished, "interrupt before the end of the operation");
    return r;
}

struct pep_result ep_do(const Ep *ep, const struct pep_job *job)
{
    ep_submit(ep, job);
    return ep_wait(ep);
}

const char *ep_cause(uint64_t status)
{
    static const char *const names[] = {
        "NONE",          "DMA_UR",        "DMA_CA",        "ATS_UR",
        "ATS_CA",        "ATS_MALFORMED", "NO_PERMISSION", "RESP_INVALID",
        "RESP_FAILURE",  "PAGE_TIMEOUT",  "NO_ALLOCATION", "RETRIES",
        "NO_BUS_MASTER", "PASID_REFUSED", "PRIV_REFUSED",  "EXEC_REFUSED",
        "ATS_OFF",       "PRI_OFF",       "BAD_PROGRAM",   "MISMATCH",
        "POISONED",      "BUSY",          "U_ONLY",
    };
    unsigned cause = PASID_EP_GET(status, PASID_EP_CH_STATUS_CAUSE);

    return cause < sizeof(names) / sizeof(names[0]) ? names[cause] : "?";
}

void ep_check_ok(const struct pep_result *r, size_t len, const char *what)
{
    unsigned state = PASID_EP_GET(r->status, PASID_EP_CH_STATUS_STATE);

    CHECK(state == PASID_EP_STATE_OK && r->done == len,
          "%s: state %u, cause %s, response %llu, %llu of %zu bytes, bad "
          "address %llx, compare %llx",
          what, state, ep_cause(r->status),
          PASID_EP_GET((unsigned long long)r->status,
                       PASID_EP_CH_STATUS_RESPONSE),
          (unsigned long long)r->done, len, (unsigned long long)r->bad_addr,
          (unsigned long long)r->compare);
    CHECK(r->interrupts == 1, "%s: %u completion interrupts", what,
          r->interrupts);
}

static struct pep_result ep_ok(const Ep *ep, unsigned op, const void *addr,
                               size_t len, uint64_t seed, const char *what)
{
    struct pep_job job = ep_job(ep, op, addr, len, seed);
    struct pep_result r = ep_do(ep, &job);

    ep_check_ok(&r, len, what);
    return r;
}

struct pep_result ep_write(const Ep *ep, void *addr, size_t len, uint64_t seed)
{
    return ep_ok(ep, PASID_EP_OP_WRITE, addr, len, seed, "device write");
}

struct pep_result ep_compare(const Ep *ep, const void *addr, size_t len,
                             uint64_t seed)
{
    return ep_ok(ep, PASID_EP_OP_COMPARE, addr, len, seed, "device compare");
}

struct pep_result ep_read(const Ep *ep, const void *addr, size_t len)
{
    return ep_ok(ep, PASID_EP_OP_READ, addr, len, 0, "device read");
}

uint64_t ep_waits(const Ep *ep, const struct pep_result *r)
{
    return ep->pri ? r->page_requests : r->parked;
}

bool ep_was_refused(const Ep *ep, const struct pep_result *r)
{
    unsigned cause = PASID_EP_GET(r->status, PASID_EP_CH_STATUS_CAUSE);

    if (PASID_EP_GET(r->status, PASID_EP_CH_STATUS_STATE) !=
        PASID_EP_STATE_ERROR) {
        return false;
    }
    if (!ep->pri) {
        return r->parked > 0 && (cause == PASID_EP_CAUSE_DMA_CA ||
                                 cause == PASID_EP_CAUSE_DMA_UR);
    }
    return cause == PASID_EP_CAUSE_RESP_INVALID &&
           PASID_EP_GET(r->status, PASID_EP_CH_STATUS_RESPONSE) == 1;
}

void ep_refused(const Ep *ep, unsigned op, const void *addr, size_t len,
                const char *what)
{
    struct pep_job job = ep_job(ep, op, addr, len, 99);
    struct pep_result r = ep_do(ep, &job);

    CHECK(ep_was_refused(ep, &r),
          "%s: not refused by %s, but status %llx, cause %s, parked %llu "
          "times",
          what, ep->pri ? "a page response Invalid (1)" : "an abort",
          (unsigned long long)r.status, ep_cause(r.status),
          (unsigned long long)r.parked);
    CHECK(r.done == 0 && r.bad_addr == (uintptr_t)addr,
          "%s: %llu bytes done, bad address %llx", what,
          (unsigned long long)r.done, (unsigned long long)r.bad_addr);
}

/* --- sysfs -------------------------------------------------------------- */

static bool is_endpoint(const char *dir)
{
    char path[600];
    struct stat st;
    uint64_t magic = 0;
    void *bar;
    int fd;

    snprintf(path, sizeof(path), "%s/resource0", dir);
    if (stat(path, &st) || st.st_size != PASID_EP_BAR0_SIZE) {
        return false;
    }
    snprintf(path, sizeof(path), "%s/enable", dir);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd >= 0) {
        char on = '0';

        if (read(fd, &on, 1) == 1 && on == '0' && write(fd, "1", 1) != 1) {
            note("cannot enable %s", dir);
        }
        close(fd);
    }
    snprintf(path, sizeof(path), "%s/resource0", dir);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    bar = mmap(NULL, PASID_EP_BAR0_SIZE, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (bar == MAP_FAILED) {
        return false;
    }
    magic = *(volatile uint64_t *)bar;
    munmap(bar, PASID_EP_BAR0_SIZE);
    return magic == PASID_EP_MAGIC_VALUE;
}

/* Call FN for every endpoint, in order of its address. */
static int for_each_endpoint(void (*fn)(const char *dir, const char *arg),
                             const char *arg)
{
    struct dirent **list;
    int n = scandir("/sys/bus/pci/devices", &list, NULL, alphasort);
    int found = 0;

    for (int i = 0; i < n; i++) {
        char dir[512];

        snprintf(dir, sizeof(dir), "/sys/bus/pci/devices/%s", list[i]->d_name);
        if (list[i]->d_name[0] != '.' && is_endpoint(dir)) {
            fn(dir, arg);
            found++;
        }
    }
    return found;
}

static void to_driver(const char *dir, const char *driver)
{
    char path[600];

    snprintf(path, sizeof(path), "%s/driver/unbind", dir);
    if (!access(path, W_OK)) {
        write_file(path, strrchr(dir, '/') + 1);
    }
    snprintf(path, sizeof(path), "%s/driver_override", dir);
    write_file(path, driver);
    write_file("/sys/bus/pci/drivers_probe", strrchr(dir, '/') + 1);
}

void endpoints_to_driver(const char *driver)
{
    if (!for_each_endpoint(to_driver, driver)) {
        note("no pasid-endpoint in this machine");
    }
}

static char first_endpoint[512];

static void keep_first(const char *dir, const char *arg)
{
    (void)arg;
    if (!first_endpoint[0]) {
        snprintf(first_endpoint, sizeof(first_endpoint), "%s", dir);
    }
}

const char *ep_sysfs(void)
{
    first_endpoint[0] = 0;
    for_each_endpoint(keep_first, NULL);
    CHECK(first_endpoint[0], "no pasid-endpoint in this machine");
    return first_endpoint;
}
