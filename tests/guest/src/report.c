/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Results, options, the state of the endpoint's capabilities. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"

#define RESULTS_FD 3            /* opened by init; standard output if not */

static int results_fd = STDOUT_FILENO;

/* Before anything is opened: later, 3 may be any file. */
static void __attribute__((constructor)) find_results(void)
{
    if (fcntl(RESULTS_FD, F_GETFD) >= 0) {
        results_fd = RESULTS_FD;
    }
}

static void put_line(const char *kind, const char *fmt, va_list args)
{
    char line[1024];
    int len = snprintf(line, sizeof(line), "im: %s", kind);

    len += vsnprintf(line + len, sizeof(line) - (size_t)len - 1, fmt, args);
    if (len > (int)sizeof(line) - 2) {
        len = sizeof(line) - 2;
    }
    line[len++] = '\n';
    for (int done = 0; done < len;) {
        ssize_t n = write(results_fd, line + done, (size_t)(len - done));

        if (n <= 0) {
            _exit(9);
        }
        done += (int)n;
    }
}

void say(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    put_line("", fmt, args);
    va_end(args);
}

void note(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    put_line("note ", fmt, args);
    va_end(args);
}

void fail(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    put_line("note FAILED: ", fmt, args);
    va_end(args);
    _exit(1);
}

void wait_for_runner(void)
{
    char c;

    if (results_fd != RESULTS_FD || !option("sync")) {
        return;
    }
    do {
        if (read(RESULTS_FD, &c, 1) != 1) {
            _exit(9);
        }
    } while (c != '\n');
}

bool runner_waits_no_more(void)
{
    struct pollfd p = { .fd = RESULTS_FD, .events = POLLIN };

    return results_fd != RESULTS_FD || !option("sync") || poll(&p, 1, 0) == 1;
}

bool read_file(const char *path, char *buf, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0) {
        return false;
    }
    n = read(fd, buf, size - 1);
    close(fd);
    if (n < 0) {
        return false;
    }
    buf[n] = 0;
    buf[strcspn(buf, "\n")] = 0;
    return true;
}

void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
        fail("cannot write '%s' to %s: %m", text, path);
    }
    close(fd);
}

const char *option(const char *name)
{
    static char cmdline[4096];
    static char value[256];
    char key[64];
    char *at;

    if (!cmdline[0]) {
        read_file("/proc/cmdline", cmdline, sizeof(cmdline));
    }
    snprintf(key, sizeof(key), "im.%s=", name);
    at = strstr(cmdline, key);
    if (!at) {
        return NULL;
    }
    at += strlen(key);
    snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, " \n"), at);
    return value;
}

/* --- capabilities, from configuration space ----------------------------- */

#define ENDPOINT_ID  0xa51d1234

static unsigned long config_word(int fd, unsigned off, unsigned size)
{
    uint32_t val = 0;

    if (pread(fd, &val, size, off) != (ssize_t)size) {
        return ~0ul;
    }
    return val;
}

static unsigned find_extended(int fd, unsigned id)
{
    unsigned off = 0x100;

    for (int i = 0; off >= 0x100 && i < 64; i++) {
        unsigned long head = config_word(fd, off, 4);

        if ((head & 0xffff) == id && head != ~0ul) {
            return off;
        }
        off = head == ~0ul ? 0 : head >> 20;
    }
    return 0;
}

static unsigned find_express(int fd)
{
    unsigned off = config_word(fd, 0x34, 1) & 0xfc;

    for (int i = 0; off && i < 48; i++) {
        if (config_word(fd, off, 1) == 0x10) {
            return off;
        }
        off = config_word(fd, off + 1, 1) & 0xfc;
    }
    return 0;
}

bool endpoint_state(bool *pasid, bool *ats)
{
    DIR *dir = opendir("/sys/bus/pci/devices");
    struct dirent *entry;
    bool found = false;

    while (dir && !found && (entry = readdir(dir))) {
        char path[512];
        int fd;

        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config",
                 entry->d_name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            continue;
        }
        found = config_word(fd, 0, 4) == ENDPOINT_ID;
        if (found) {
            unsigned pasid_at = find_extended(fd, 0x1b);
            unsigned ats_at = find_extended(fd, 0x0f);

            *pasid = pasid_at && config_word(fd, pasid_at + 6, 2) & 1;
            *ats = ats_at && config_word(fd, ats_at + 6, 2) & 0x8000;
        }
        close(fd);
    }
    if (dir) {
        closedir(dir);
    }
    return found;
}

/* Name of what a link below sysfs leads to, or "none". */
static void link_name(const char *path, char *name, size_t size)
{
    char target[512];
    ssize_t n = readlink(path, target, sizeof(target) - 1);

    target[n > 0 ? n : 0] = 0;
    snprintf(name, size, "%s", n > 0 ? strrchr(target, '/') + 1 : "none");
}

void print_functions(void)
{
    DIR *dir = opendir("/sys/bus/pci/devices");
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        char path[600], type[64], group[64], driver[64];

        if (entry->d_name[0] == '.') {
            continue;
        }
        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group",
                 entry->d_name);
        link_name(path, group, sizeof(group));
        strcat(path, "/type");
        if (!read_file(path, type, sizeof(type))) {
            snprintf(type, sizeof(type), "none");
        }
        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver",
                 entry->d_name);
        link_name(path, driver, sizeof(driver));
        say("function %s %s %s %s", entry->d_name, group, type, driver);
    }
    if (dir) {
        closedir(dir);
    }
}

static void print_function(const char *bdf)
{
    char path[512], text[128];
    unsigned ats, pri, pasid, exp;
    int fd;

    snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", bdf);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    ats = find_extended(fd, 0x0f);
    pri = find_extended(fd, 0x13);
    pasid = find_extended(fd, 0x1b);
    exp = find_express(fd);
    if (!ats && !pri && !pasid) {
        close(fd);
        return;
    }
    note("state %s: id %04lx:%04lx command %04lx, end-end prefix %s", bdf,
         config_word(fd, 0, 2), config_word(fd, 2, 2), config_word(fd, 4, 2),
         exp && config_word(fd, exp + 0x24, 4) & 1 << 21 ? "yes" : "NO");
    if (ats) {
        unsigned long cap = config_word(fd, ats + 4, 2);
        unsigned long ctl = config_word(fd, ats + 6, 2);

        note("state %s: ATS %s, STU %lu, queue depth %lu, page aligned %lu",
             bdf, ctl & 0x8000 ? "on" : "OFF", ctl & 0x1f, cap & 0x1f,
             cap >> 5 & 1);
    }
    if (pasid) {
        unsigned long cap = config_word(fd, pasid + 4, 2);
        unsigned long ctl = config_word(fd, pasid + 6, 2);

        note("state %s: PASID %s, width %lu, execute %s, privileged %s", bdf,
             ctl & 1 ? "on" : "OFF", cap >> 8 & 0x1f, ctl & 2 ? "on" : "off",
             ctl & 4 ? "on" : "off");
    }
    if (pri) {
        unsigned long ctl = config_word(fd, pri + 4, 2);
        unsigned long st = config_word(fd, pri + 6, 2);

        note("state %s: PRI %s%s%s%s, PASID in response %s, capacity %lu, "
             "allocation %lu",
             bdf, ctl & 1 ? "on" : "OFF", st & 1 ? ", response failure" : "",
             st & 2 ? ", unexpected index" : "", st & 0x100 ? ", stopped" : "",
             st & 0x8000 ? "required" : "not required",
             config_word(fd, pri + 8, 4), config_word(fd, pri + 12, 4));
    }
    snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group/type",
             bdf);
    if (!read_file(path, text, sizeof(text))) {
        snprintf(text, sizeof(text), "NONE");
    }
    note("state %s: IOMMU group of type %s", bdf, text);
    close(fd);
}

void print_state(void)
{
    const char *names[] = { "version", "cap", "ecap" };
    char path[128], text[128];
    DIR *dir = opendir("/sys/bus/pci/devices");
    struct dirent *entry;

    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "/sys/class/iommu/dmar0/intel-iommu/%s",
                 names[i]);
        if (read_file(path, text, sizeof(text))) {
            note("state dmar0 %s: %s", names[i], text);
        }
    }
    while (dir && (entry = readdir(dir))) {
        if (entry->d_name[0] != '.') {
            print_function(entry->d_name);
        }
    }
    if (dir) {
        closedir(dir);
    }
}
