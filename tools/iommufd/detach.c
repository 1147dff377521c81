/*
 * The server is begun by a child of the program that opened first, which
 * waits until it knows whether there is one. From its program it has the
 * listening socket, and until then where to complain.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"

static void detach_close_all(unsigned first, unsigned last)
{
    if (first > last || syscall(SYS_close_range, first, last, 0U) == 0) {
        return;
    }
    for (unsigned fd = first; fd <= MIN(last, 4096u); fd++) {
        close((int)fd);         /* before 5.9 */
    }
}

void detach_begin(int listener)
{
    sigset_t none;

    detach_close_all(3, (unsigned)listener - 1);
    detach_close_all((unsigned)listener + 1, ~0u);
    for (int sig = 1; sig < NSIG; sig++) {
        signal(sig, SIG_DFL);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static int detach_log_open(void)
{
    const char *path = getenv("IM_IOMMUFD_LOG");
    int fd = path ?
                 open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) :
                 -1;

    if (path && fd < 0) {
        fprintf(stderr,
                "im-iommufd: IM_IOMMUFD_LOG=%s cannot be written: "
                "%s\n",
                path, g_strerror(errno));
    }
    return fd;
}

bool detach(char **err)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int log = detach_log_open();
    pid_t pid = fork();

    if (pid < 0) {
        *err = g_strdup(g_strerror(errno));
        return false;
    }
    if (pid > 0) {
        _exit(0);
    }
    setsid();
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(log < 0 ? null : log, STDERR_FILENO);
    close(null);
    if (log >= 0) {
        close(log);
    }
    return true;
}
