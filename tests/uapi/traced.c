/*
 * Run below a debugger by debug.py: opens /dev/iommu, and a child of it uses
 * it too.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "own.h"

static uint32_t alloc(int fd)
{
    IoasAlloc a = { .size = sizeof(a) };

    return ioctl(fd, IOAS_ALLOC, &a) ? 0 : a.id;
}

int main(void)
{
    int fd = open("/dev/iommu", O_RDWR);
    uint32_t id = alloc(fd);
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        _exit((int)alloc(fd));
    }
    if (waitpid(pid, &status, 0) != pid || wait(NULL) != -1) {
        printf("another child than mine\n");
    }
    printf("ids %u %d %u\n", id, WEXITSTATUS(status), alloc(fd));
    return 0;
}
