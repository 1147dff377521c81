/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the guest's test programs share: results, the endpoint, patterns.
 *
 * A scenario runs in a process of its own. It ends by returning (passed) or
 * in fail(); results go to the runner as lines that begin with "im: ".
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "im/spec/pasid_ep_uapi.h"
#include "../module/pasid_ep.h"

#define PAGE 4096ul             /* the endpoint's, and both kernels' */
#define KiB 1024ul
#define MiB (1024ul * 1024)

typedef struct Scenario {
    const char *name;
    const char *text;               /* a row of the demonstration's table */
    void (*run)(void);
    bool bare;                      /* uses no /dev/pasid-ep0 */
} Scenario;

extern const Scenario memory_scenarios[];
extern const Scenario process_scenarios[];
extern const Scenario other_scenarios[];
extern const Scenario stock_scenarios[];
extern const Scenario machine_scenarios[];
extern const Scenario vfio_scenarios[];
extern const Scenario life_scenarios[];

/* Results. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/* Wait until the runner says "go"; nothing to wait for without a runner. */
void wait_for_runner(void);
/* Whether the runner has said so: the scenario "busy" goes on until then. */
bool runner_waits_no_more(void);
void print_state(void);
/* Every PCI function, its group, the group's type, its driver. */
void print_functions(void);
/* What Linux has turned on in the first endpoint; false: there is none. */
bool endpoint_state(bool *pasid, bool *ats);
const char *option(const char *name);   /* im.NAME= of the command line */
void write_file(const char *path, const char *text);
bool read_file(const char *path, char *buf, size_t size);

#define CHECK(cond, ...)                                                    \
    do {                                                                    \
        if (!(cond)) {                                                      \
            fail(__VA_ARGS__);                                              \
        }                                                                   \
    } while (0)

/* Memory. */
void *map_pages(size_t len);
void *map_at(void *where, size_t len, int prot, int flags);
/* End this kernel: MODE is "plain" or "crash". Does not return. */
void kexec_into(const char *mode, const char *kernel, const char *initrd,
                const char *cmdline) __attribute__((noreturn));
void pattern_fill(void *buf, size_t len, uint64_t seed);
/* Fails at the first byte that is not the pattern's, naming WHAT. */
void pattern_check(const char *what, const void *buf, size_t len,
                   uint64_t seed);
void bytes_check(const char *what, const void *buf, size_t len, uint8_t val);
uint32_t crc32(const void *buf, size_t len);
uint32_t crc32_zeros(size_t len);

/* An ordinary device: frames sent and answered. */
void net_check(const char *driver, uint64_t seed);

/* The endpoint. */
typedef struct Ep {
    int fd;
    uint32_t pasid;
    uint32_t channel;
    volatile uint64_t *regs;
    uint32_t group;                 /* pages of a request group; 0: default */
    bool ats;                       /* Linux has turned these on */
    bool pri;
} Ep;

/* Open the device, get a channel, bind this process. */
void ep_open(Ep *ep);
void ep_open_unbound(Ep *ep);
void ep_open_nth(Ep *ep, unsigned n);           /* neither channel nor bond */
void ep_get_channel(Ep *ep);
void ep_bind(Ep *ep);
void ep_close(Ep *ep);
uint64_t ep_reg(const Ep *ep, unsigned off);
uint64_t ep_stat(const Ep *ep, unsigned off);
void ep_set(const Ep *ep, unsigned off, uint64_t val);
void ep_command(const Ep *ep, uint64_t cmd, uint64_t arg);
uint64_t ep_channel_reg(const Ep *ep, unsigned off);
bool ep_running(const Ep *ep);
unsigned ep_state(const Ep *ep);

struct pep_job ep_job(const Ep *ep, unsigned op, const void *addr, size_t len,
                      uint64_t seed);
void ep_submit(const Ep *ep, const struct pep_job *job);
struct pep_result ep_wait(const Ep *ep);
struct pep_result ep_do(const Ep *ep, const struct pep_job *job);

/* One operation in mode AUTO that must end well, completely. */
struct pep_result ep_write(const Ep *ep, void *addr, size_t len, uint64_t seed);
struct pep_result ep_compare(const Ep *ep, const void *addr, size_t len,
                             uint64_t seed);
struct pep_result ep_read(const Ep *ep, const void *addr, size_t len);
/*
 * Absent pages are asked for by page requests (ATS and PRI), or the IOMMU
 * parks requests until the kernel has served the fault (stall): how often
 * the operation waited for a page.
 */
uint64_t ep_waits(const Ep *ep, const struct pep_result *r);
/* Whether R ended because the kernel refused a page. */
bool ep_was_refused(const Ep *ep, const struct pep_result *r);
/* One that the kernel must refuse: by a page response Invalid, or abort. */
void ep_refused(const Ep *ep, unsigned op, const void *addr, size_t len,
                const char *what);
const char *ep_cause(uint64_t status);
void ep_check_ok(const struct pep_result *r, size_t len, const char *what);

/* Path of the endpoint's sysfs directory, by its registers. */
const char *ep_sysfs(void);
void endpoints_to_driver(const char *driver);

#endif
