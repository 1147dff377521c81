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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim.h"

#define PROGRAM   "im-iommufd"
#define MAX_ARGS  32
#define MAX_ENV   4096

extern char **environ;

static char session_name[WIRE_SESSION + 1];

/* Before anybody runs: children share it, also if only they open. */
__attribute__((constructor)) static void session_init(void)
{
    int (*set)(const char *, const char *, int);
    const char *s = getenv(WIRE_ENV);
    uint64_t random = 0;

    if (s && *s && strlen(s) <= WIRE_SESSION && !strchr(s, '/')) {
        strcpy(session_name, s);
        return;
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

/* --- what to run --------------------------------------------------------- */

typedef struct Command {
    char text[4096];
    char *argv[MAX_ARGS + 3];
    char listen[32];
    char session[32 + WIRE_SESSION];
    char *env[MAX_ENV];
} Command;

static void beside_library(char *path, size_t size)
{
    Dl_info info;
    const char *slash = NULL;

    if (dladdr((void *)(uintptr_t)beside_library, &info) && info.dli_fname) {
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

static int command_make(Command *c, int fd, const char *session)
{
    const char *said = getenv("IM_IOMMUFD");
    unsigned n = 0, e = 0;
    char *save;

    if (said && *said) {
        if (strlen(said) >= sizeof(c->text)) {
            return -E2BIG;
        }
        strcpy(c->text, said);
        for (char *word = strtok_r(c->text, " ", &save); word;
             word = strtok_r(NULL, " ", &save)) {
            if (n == MAX_ARGS) {
                return -E2BIG;
            }
            c->argv[n++] = word;
        }
    }
    if (n == 0) {
        beside_library(c->text, sizeof(c->text));
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
    return access(c->argv[0], X_OK) < 0 ? -errno : 0;
}

/* --- running it ---------------------------------------------------------- */

/* A child that no SIGCHLD tells of and that wait() does not find. */
static pid_t quiet_fork(void)
{
    return (pid_t)syscall(SYS_clone, 0L, NULL, NULL, NULL, NULL);
}

/* Of the caller it keeps the listening socket, and where to complain. */
static void become(Command *c, int fd)
{
    const char *log = getenv("IM_IOMMUFD_LOG");
    sigset_t none;
    int null = open("/dev/null", O_RDWR);
    int err = log ? open(log, O_WRONLY | O_CREAT | O_APPEND, 0600) : null;

    dup2(null, 0);
    dup2(null, 1);
    dup2(err < 0 ? null : err, 2);
    if (fd != 3) {
        dup2(fd, 3);
    }
    fcntl(3, F_SETFD, 0);
    if (syscall(SYS_close_range, 4U, ~0U, 0U) < 0) {    /* before 5.9 */
        for (int other = 4; other < 4096; other++) {
            close(other);
        }
    }
    setsid();
    for (int sig = 1; sig < NSIG; sig++) {
        signal(sig, SIG_DFL);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(c->argv[0], c->argv, c->env);
    _exit(127);
}

static int run(Command *c, int fd)
{
    pid_t pid = quiet_fork();
    int status;

    if (pid < 0) {
        return -errno;
    }
    if (pid == 0) {
        pid = quiet_fork();
        if (pid == 0) {
            become(c, fd);
        }
        _exit(pid < 0);
    }
    while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR) {
    }
    return 0;
}

int shim_start(const char *session)
{
    struct sockaddr_un name;
    socklen_t len = wire_name(&name, session, 0);
    Command *c = calloc(1, sizeof(*c));
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    int ret = 0;

    if (!c || fd < 0) {
        ret = -ENOMEM;
    } else if (bind(fd, (struct sockaddr *)&name, len) < 0 ||
               listen(fd, 128) < 0) {
        ret = -errno;
    } else {
        ret = command_make(c, 3, session);
        ret = ret ? ret : run(c, fd);
    }
    if (fd >= 0) {
        close(fd);
    }
    free(c);
    return ret;
}
