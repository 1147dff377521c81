/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Into the next kernel, with the IOMMU as this one leaves it. */
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest.h"

/* DMA that is under way when this kernel dies; its memory is not reused. */
static void leave_dma_behind(void)
{
    size_t len = 64 * MiB;
    uint8_t *buf = map_pages(len);
    struct pep_job job;
    Ep ep;

    memset(buf, 1, len);
    ep_open(&ep);
    job = ep_job(&ep, PASID_EP_OP_READ, buf, len, 0);
    job.split = 8;              /* eight million requests: seconds */
    ep_submit(&ep, &job);
    CHECK(ep_running(&ep), "the DMA is over already");
}

void kexec_into(const char *mode, const char *kernel, const char *initrd,
                const char *cmdline)
{
    bool crash = !strcmp(mode, "crash");
    int k = open(kernel, O_RDONLY | O_CLOEXEC);
    int i = open(initrd, O_RDONLY | O_CLOEXEC);

    CHECK(k >= 0 && i >= 0, "cannot open %s or %s: %m", kernel, initrd);
    CHECK(!syscall(SYS_kexec_file_load, k, i, strlen(cmdline) + 1, cmdline,
                   crash ? KEXEC_FILE_ON_CRASH : 0ul),
          "kexec: %m");
    note("kexec (%s)", mode);
    if (crash) {
        if (!access("/dev/pasid-ep0", F_OK)) {
            leave_dma_behind();
        }
        write_file("/proc/sysrq-trigger", "c");
    }
    sync();
    syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
            LINUX_REBOOT_CMD_KEXEC, NULL);
    fail("kexec did not happen: %m");
}
