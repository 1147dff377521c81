/*
 * What the mock refuses: prints the names of the operations that a case
 * listed in selftest.py stands on and that cannot be had here.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>

#define COMMAND     0x3ba0u     /* IOMMU_TEST_CMD */
#define DMABUF_GET  22u

int main(void)
{
    uint32_t cmd[18] = { sizeof(cmd), DMABUF_GET, 0, 0, 0x4000, O_CLOEXEC };
    int fd = open("/dev/iommu", O_RDWR);

    if (fd < 0) {
        perror("/dev/iommu");
        return 1;
    }
    if (ioctl(fd, COMMAND, cmd) < 0 && errno == EOPNOTSUPP) {
        puts("dmabuf");
    }
    return 0;
}
