/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linux's own tests of VFIO, programs below /selftests, with the device that
 * they have a driver for: igb.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define DEVICES "/sys/bus/pci/devices"
#define VENDOR "0x8086"
#define IGB "0x10c9"

static bool has_id(const char *bdf, const char *file, const char *id)
{
    char path[600], text[32];

    snprintf(path, sizeof(path), DEVICES "/%s/%s", bdf, file);
    return read_file(path, text, sizeof(text)) && !strcmp(text, id);
}

static const char *find_igb(void)
{
    static char bdf[64];
    DIR *dir = opendir(DEVICES);
    struct dirent *entry;

    while (dir && !bdf[0] && (entry = readdir(dir))) {
        if (has_id(entry->d_name, "vendor", VENDOR) &&
            has_id(entry->d_name, "device", IGB)) {
            snprintf(bdf, sizeof(bdf), "%.60s", entry->d_name);
        }
    }
    if (dir) {
        closedir(dir);
    }
    CHECK(bdf[0], "no igb");
    return bdf;
}

static void give_to_vfio(const char *bdf)
{
    char path[600];

    snprintf(path, sizeof(path), DEVICES "/%s/driver_override", bdf);
    write_file(path, "vfio-pci");
    snprintf(path, sizeof(path), DEVICES "/%s/driver/unbind", bdf);
    if (!access(path, F_OK)) {
        write_file(path, bdf);
    }
    write_file("/sys/bus/pci/drivers_probe", bdf);
}

/* One line of a program: false: a case that failed. */
static bool judge(const char *line, unsigned *passed)
{
    if (!strncmp(line, "not ok ", 7)) {
        note("FAILED: %s", line);
        return false;
    }
    if (!strncmp(line, "ok ", 3)) {
        ++*passed;
        say("case %s", line + 3);       /* a sign of life */
        if (strstr(line, "# SKIP")) {
            note("%s", line);
        }
    }
    return true;
}

static void run_program(const char *name)
{
    char command[300], line[1000], last[1000] = "";
    unsigned passed = 0, failed = 0;
    FILE *out;
    int status;

    give_to_vfio(find_igb());
    snprintf(command, sizeof(command), "/selftests/%s %s 2>&1", name,
             find_igb());
    out = popen(command, "re");
    CHECK(out, "%s: %m", command);
    while (fgets(line, sizeof(line), out)) {
        line[strcspn(line, "\n")] = 0;
        printf("%s: %s\n", name, line);
        failed += !judge(line, &passed);
        memcpy(last, line, sizeof(last));
    }
    status = pclose(out);
    CHECK(!failed, "%u cases failed, %u passed", failed, passed);
    CHECK(!status && passed, "%u cases passed, status %x; last: %s", passed,
          status, last);
    note("%s: %u cases passed", name, passed);
}

#define PROGRAM(name)                                                       \
    static void name(void)                                                  \
    {                                                                       \
        run_program(#name);                                                 \
    }

PROGRAM(vfio_dma_mapping_test)
PROGRAM(vfio_dma_mapping_mmio_test)
PROGRAM(vfio_iommufd_setup_test)
PROGRAM(vfio_pci_device_test)
PROGRAM(vfio_pci_device_init_perf_test)
PROGRAM(vfio_pci_driver_test)
PROGRAM(vfio_pci_sriov_uapi_test)

#define ROW(name)  { #name, "Linux's own program", name, true }

/* clang-format off */
const Scenario vfio_scenarios[] = {
    ROW(vfio_dma_mapping_test),
    ROW(vfio_dma_mapping_mmio_test),
    ROW(vfio_iommufd_setup_test),
    ROW(vfio_pci_device_test),
    ROW(vfio_pci_device_init_perf_test),
    ROW(vfio_pci_driver_test),
    ROW(vfio_pci_sriov_uapi_test),
    { },
};
/* clang-format on */
