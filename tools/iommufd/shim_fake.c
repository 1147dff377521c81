/*
 * Things of a kernel around /dev/iommu that Linux's tests look at. None of
 * it is there unless the environment asks for it, but for the pages that
 * /proc/PID/status says are pinned and locked.
 *
 *   IM_IOMMUFD_DEBUGFS=DIR   /sys/kernel/debug is DIR, filled as a kernel
 *                            with fault injection has it, and there is
 *                            /proc/self/task/TID/fail-nth
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim.h"

/* --- fault injection ---------------------------------------------------- */

static const char *const debug_files[] = {
    "failslab/ignore-gfp-wait",        "failslab/verbose",
    "fail_page_alloc/ignore-gfp-wait", "fail_page_alloc/ignore-gfp-highmem",
    "fail_page_alloc/verbose",
};

static void shim_fake_debugfs_fill(const char *dir)
{
    char path[4096];

    mkdir(dir, 0700);
    for (unsigned i = 0; i < sizeof(debug_files) / sizeof(*debug_files); i++) {
        char *slash;
        int fd;

        if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir,
                             debug_files[i]) >= sizeof(path)) {
            return;
        }
        slash = strrchr(path, '/');
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
        fd = real()->openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC,
                            0600);
        if (fd >= 0) {
            close(fd);
        }
    }
}

const char *fake_path(const char *path, char *room, size_t size)
{
    static const char debugfs[] = "/sys/kernel/debug";
    const char *dir;

    if (strncmp(path, debugfs, strlen(debugfs)) != 0 ||
        (path[strlen(debugfs)] != '/' && path[strlen(debugfs)] != '\0')) {
        return path;
    }
    dir = getenv("IM_IOMMUFD_DEBUGFS");
    if (!dir || (size_t)snprintf(room, size, "%s%s", dir,
                                 path + strlen(debugfs)) >= size) {
        return path;
    }
    shim_fake_debugfs_fill(dir);
    return room;
}

bool fake_fail_nth(const char *path)
{
    size_t len = strlen(path);

    return strncmp(path, "/proc/", 6) == 0 && len > 9 &&
           strcmp(path + len - 9, "/fail-nth") == 0 &&
           getenv("IM_IOMMUFD_DEBUGFS");
}

/* --- pinned and locked pages -------------------------------------------- */

static bool shim_fake_status_pid(const char *path, pid_t *pid)
{
    char *end;

    if (strcmp(path, "/proc/self/status") == 0) {
        *pid = getpid();
        return true;
    }
    if (strncmp(path, "/proc/", 6) != 0 || !isdigit((unsigned char)path[6])) {
        return false;
    }
    *pid = (pid_t)strtol(path + 6, &end, 10);
    return strcmp(end, "/status") == 0;
}

/* The line with so many pages more. */
static void shim_fake_status_line(FILE *out, const char *line, const char *name,
                                  uint64_t pages)
{
    unsigned long kb;

    if (strncmp(line, name, strlen(name)) == 0 &&
        sscanf(line + strlen(name), "%lu", &kb) == 1) {
        kb += pages * ((unsigned long)sysconf(_SC_PAGESIZE) / 1024);
        fprintf(out, "%s\t%8lu kB\n", name, kb);
    } else {
        fputs(line, out);
    }
}

FILE *fake_status(const char *path)
{
    WireRequest req = { .magic = WIRE_MAGIC, .op = WIRE_CHARGED };
    WireReply reply;
    int fds[WIRE_FDS];
    char line[512];
    FILE *in, *out;
    pid_t pid;

    /* Who is no client may be one that traces clients, and is not to wait for
     * anything that waits for it. */
    if (!shim_fake_status_pid(path, &pid) || !shim_connected()) {
        return NULL;
    }
    req.number = (uint64_t)pid;
    if (shim_call(shim_session(), false, &req, &reply, fds) ||
        reply.value < 0 || (reply.value == 0 && reply.extra == 0)) {
        return NULL;
    }
    in = real()->fopen(path, "re");
    out = in ? tmpfile() : NULL;
    if (!out) {
        if (in) {
            fclose(in);
        }
        return NULL;
    }
    while (fgets(line, sizeof(line), in)) {
        if (strncmp(line, "VmLck:", 6) == 0) {
            shim_fake_status_line(out, line, "VmLck:", reply.extra);
        } else {
            shim_fake_status_line(out, line, "VmPin:", (uint64_t)reply.value);
        }
    }
    fclose(in);
    rewind(out);
    return out;
}
