/*
 * Starting the server: who opens first listens at the session's name, which
 * nobody else can then have, and hands the socket to a process that is not
 * its child. What connects meanwhile waits in the queue.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "raw.h"
#include "shim.h"

#define PROGRAM   "im-iommufd"
#define MAX_ARGS  32
#define MAX_ENV   4096

extern char **environ;

static char session_name[WIRE_SESSION + 1];

void shim_say(const char *format, ...)
{
    char line[512] = "libim-iommufd: ";
    size_t len = strlen(line);
    va_list args;

    va_start(args, format);
    vsnprintf(line + len, sizeof(line) - len - 1, format, args);
    va_end(args);
    len = strlen(line);
    line[len] = '\n';
    (void)!real()->write(STDERR_FILENO, line, len + 1);
}

/* Before anybody runs: children share it, also if only they open. */
__attribute__((constructor)) static void session_init(void)
{
    int (*set)(const char *, const char *, int);
    const char *s = getenv(WIRE_ENV);
    uint64_t random = 0;

    if (s && *s) {
        if (strlen(s) <= WIRE_SESSION && !strchr(s, '/')) {
            strcpy(session_name, s);
            return;
        }
        shim_say(WIRE_ENV "=%s is ignored: it may have %d characters and no "
                          "/",
                 s, WIRE_SESSION);
    }
    if (getrandom(&random, sizeof(random), 0) != sizeof(random)) {
        random = (uint64_t)getpid();
    }
    snprintf(session_name, sizeof(session_name), "%016llx",
             (unsigned long long)random);
    /* The C library's: shells have their own, which are not ready yet. */
    *(void **)&set = dlsym(RTLD_NEXT, "setenv");
    if (set) {
        set(WIRE_ENV, session_name, 1);
    }
}

const char *shim_session(void)
{
    return session_name;
}

/* --- what to run -------------------------------------------------------- */

typedef struct Command {
    char text[4096];
    char *argv[MAX_ARGS + 3];
    char listen[32];
    char session[32 + WIRE_SESSION];
    char *env[MAX_ENV];
} Command;

static void shim_start_beside_library(char *path, size_t size)
{
    Dl_info info;
    const char *slash = NULL;

    if (dladdr((void *)(uintptr_t)shim_start_beside_library, &info) &&
        info.dli_fname) {
        slash = strrchr(info.dli_fname, '/');
    }
    if (slash) {
        snprintf(path, size, "%.*s/" PROGRAM, (int)(slash - info.dli_fname),
                 info.dli_fname);
        if (access(path, X_OK) == 0) {
            return;
        }
    }
    snprintf(path, size, "%s/" PROGRAM, IM_IOMMUFD_LIBEXECDIR);
}

static int shim_start_too_long(void)
{
    shim_say("IM_IOMMUFD is too long: it may have %d words in %zu bytes",
             MAX_ARGS, sizeof(((Command *)NULL)->text) - 1);
    return -E2BIG;
}

static int shim_start_command_make(Command *c, int fd, const char *session)
{
    const char *said = getenv("IM_IOMMUFD");
    unsigned n = 0, e = 0;
    char *save;

    if (said && *said) {
        if (strlen(said) >= sizeof(c->text)) {
            return shim_start_too_long();
        }
        strcpy(c->text, said);
        for (char *word = strtok_r(c->text, " ", &save); word;
             word = strtok_r(NULL, " ", &save)) {
            if (n == MAX_ARGS) {
                return shim_start_too_long();
            }
            c->argv[n++] = word;
        }
    }
    if (n == 0) {
        shim_start_beside_library(c->text, sizeof(c->text));
        c->argv[n++] = c->text;
    }
    snprintf(c->listen, sizeof(c->listen), "--listen=%d", fd);
    snprintf(c->session, sizeof(c->session), "--session=%s", session);
    c->argv[n++] = c->listen;
    c->argv[n++] = c->session;
    c->argv[n] = NULL;
    for (char **v = environ; *v && e < MAX_ENV - 1; v++) {
        if (strncmp(*v, "LD_PRELOAD=", 11) != 0) {
            c->env[e++] = *v;
        }
    }
    c->env[e] = NULL;
    if (access(c->argv[0], X_OK) < 0) {
        int err = errno;

        shim_say("%s cannot be run: %s; IM_IOMMUFD names the server",
                 c->argv[0], strerror(err));
        return -err;
    }
    return 0;
}

/* --- running it --------------------------------------------------------- */

/*
 * Neither SIGCHLD nor wait() tells the program of this child, and neither a
 * debugger nor strace -f gets hold of it: a server that is stopped by who
 * traces its client would have both wait for each other.
 */
static long shim_start_quiet_clone(void)
{
    return raw_call(SYS_clone, CLONE_UNTRACED, 0, 0, 0);
}

/* In a child that waits for the server to say whether it begins: it becomes
 * a process of nobody's then. Does not return. */
static void shim_start_begin(const Command *c, int fd)
{
    static const long by_default[4];
    int status = 1 << 8;
    long pid;

    /* Of a child that is ignored wait() would tell nothing. */
    raw_call(SYS_rt_sigaction, SIGCHLD, (long)by_default, 0,
             sizeof(unsigned long));
    pid = shim_start_quiet_clone();
    if (pid == 0) {
        raw_call(SYS_fcntl, fd, F_SETFD, 0, 0);
        raw_call(SYS_execve, (long)c->argv[0], (long)c->argv, (long)c->env, 0);
        raw_call(SYS_exit_group, 127, 0, 0, 0);
    } else if (pid > 0) {
        raw_call(SYS_wait4, pid, (long)&status, __WALL, 0);
    }
    raw_call(SYS_exit_group, status ? 1 : 0, 0, 0, 0);
}

static int shim_start_run(const Command *c, int fd)
{
    long pid = shim_start_quiet_clone();
    int status = 0;

    if (pid < 0) {
        return (int)pid;
    }
    if (pid == 0) {
        shim_start_begin(c, fd);
    }
    while (waitpid((pid_t)pid, &status, __WALL) < 0 && errno == EINTR) {
    }
    if (status) {
        shim_say("%s does not begin: there is no /dev/iommu", c->argv[0]);
        return -ENOENT;
    }
    return 0;
}

int shim_start(const char *session)
{
    struct sockaddr_un name;
    WireFile none = { 0 };
    socklen_t len;
    Command *c = calloc(1, sizeof(*c));
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    int ret = 0;

    strcpy(none.session, session);
    len = wire_name(&name, &none);
    if (!c || fd < 0) {
        ret = -ENOMEM;
    } else if (bind(fd, (struct sockaddr *)&name, len) < 0 ||
               listen(fd, 128) < 0) {
        ret = -errno;
    } else {
        ret = shim_start_command_make(c, fd, session);
        ret = ret ? ret : shim_start_run(c, fd);
    }
    if (fd >= 0) {
        close(fd);
    }
    free(c);
    return ret;
}
