/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ordinary devices: every one behind the IOMMU, every byte checked. */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest.h"

/* Without a driver: Linux turns them on when it probes and attaches. */
static void enabled(void)
{
    bool pasid, ats;

    CHECK(endpoint_state(&pasid, &ats), "no endpoint");
    CHECK(pasid, "PASID is off");
    CHECK(ats, "ATS is off");
}

/*
 * A disk whose first half holds the runner's pattern. The second half gets
 * ours; the runner finds it in the image afterwards. Seeds are the runner's.
 */
static void disk_check(const char *dev, uint64_t seed)
{
    size_t step = 256 * KiB;
    char path[64];
    struct stat st;
    uint8_t *buf, *want;
    off_t half;
    int fd;

    snprintf(path, sizeof(path), "/dev/%s", dev);
    fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
    CHECK(fd >= 0, "%s: %m", path);
    CHECK(!fstat(fd, &st) && S_ISBLK(st.st_mode), "%s is no disk", path);
    half = lseek(fd, 0, SEEK_END) / 2;
    CHECK(half >= (off_t)step && half % (off_t)step == 0, "%s has %lld bytes",
          path, (long long)half * 2);
    buf = map_pages(step);
    want = map_pages(step);
    for (off_t at = 0; at < half; at += (off_t)step) {
        pattern_fill(want, step, seed + (uint64_t)at);
        CHECK(pread(fd, buf, step, at) == (ssize_t)step, "%s: read: %m", path);
        CHECK(!memcmp(buf, want, step), "%s: wrong bytes at %lld", path,
              (long long)at);
    }
    for (off_t at = half; at < 2 * half; at += (off_t)step) {
        pattern_fill(buf, step, seed + (uint64_t)at);
        CHECK(pwrite(fd, buf, step, at) == (ssize_t)step, "%s: write: %m",
              path);
    }
    CHECK(!fsync(fd), "%s: flush: %m", path);
    for (off_t at = half; at < 2 * half; at += (off_t)step) {
        pattern_fill(want, step, seed + (uint64_t)at);
        CHECK(pread(fd, buf, step, at) == (ssize_t)step, "%s: read: %m", path);
        CHECK(!memcmp(buf, want, step), "%s: wrong bytes at %lld", path,
              (long long)at);
    }
    close(fd);
    note("%s: %lld bytes read, %lld written and read back", path,
         (long long)half, (long long)half);
}

static void virtio_blk(void)
{
    disk_check("vda", 1ull << 40);
}

static void nvme(void)
{
    disk_check("nvme0n1", 2ull << 40);
}

static void ahci(void)
{
    disk_check("sda", 3ull << 40);
}

/*
 * Frames to the runner's peer, which sends each payload back with every bit
 * inverted. Sequence numbers in the first 8 bytes tell losses.
 */
#define ETHER_TYPE 0x88b5               /* for local experiments */

static int packet_socket(const char *driver, struct sockaddr_ll *to)
{
    DIR *dir = opendir("/sys/class/net");
    char path[600], link[256], name[64] = "";
    struct dirent *entry;
    struct ifreq req;
    int fd;

    CHECK(dir, "no network: %m");
    while ((entry = readdir(dir))) {
        ssize_t n;

        /* virtio-net: net device -> virtio device -> its driver */
        snprintf(path, sizeof(path), "/sys/class/net/%s/device/driver",
                 entry->d_name);
        n = readlink(path, link, sizeof(link) - 1);
        if (n > 0) {
            link[n] = 0;
            if (!strcmp(strrchr(link, '/') + 1, driver)) {
                snprintf(name, sizeof(name), "%.15s", entry->d_name);
            }
        }
    }
    closedir(dir);
    CHECK(name[0], "no network device of driver %s", driver);
    fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETHER_TYPE));
    CHECK(fd >= 0, "packet socket: %m");
    memset(&req, 0, sizeof(req));
    memcpy(req.ifr_name, name, sizeof(req.ifr_name) - 1);
    CHECK(!ioctl(fd, SIOCGIFFLAGS, &req), "%s: %m", name);
    req.ifr_flags |= IFF_UP;
    CHECK(!ioctl(fd, SIOCSIFFLAGS, &req), "%s: %m", name);
    CHECK(!ioctl(fd, SIOCGIFINDEX, &req), "%s: %m", name);
    *to = (struct sockaddr_ll) { .sll_family = AF_PACKET,
                                 .sll_ifindex = req.ifr_ifindex,
                                 .sll_protocol = htons(ETHER_TYPE) };
    CHECK(!bind(fd, (struct sockaddr *)to, sizeof(*to)), "bind: %m");
    for (int i = 0; i < 1000; i++) {
        snprintf(path, sizeof(path), "/sys/class/net/%s/carrier", name);
        if (read_file(path, link, sizeof(link)) && link[0] == '1') {
            return fd;
        }
        usleep(10000);
    }
    fail("%s: no link", name);
}

static bool inverted(const uint8_t *a, const uint8_t *b, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if ((a[i] ^ b[i]) != 0xff) {
            return false;
        }
    }
    return true;
}

void net_check(const char *driver, uint64_t seed)
{
    static uint8_t out[1514], in[2048];
    struct sockaddr_ll to;
    int fd = packet_socket(driver, &to);
    unsigned sent = 0, again = 0;

    for (unsigned n = 0; n < 400; n++) {
        size_t payload = 46 + (n * 37) % (1500 - 46);
        bool answered = false;

        memset(out, 0xff, 6);
        memcpy(out + 6, "\x52\x54\x00\x00\x00\x01", 6);
        out[12] = ETHER_TYPE >> 8;
        out[13] = ETHER_TYPE & 0xff;
        pattern_fill(out + 14, payload, seed + n * 1000);
        /* A frame may be lost (no buffer posted yet): sent again, counted. */
        for (int tries = 0; !answered && tries < 10; tries++) {
            struct pollfd p = { .fd = fd, .events = POLLIN };

            CHECK(send(fd, out, 14 + payload, 0) == (ssize_t)(14 + payload),
                  "send: %m");
            sent++;
            again += tries > 0;
            while (!answered && poll(&p, 1, 2000) == 1) {
                ssize_t len = recv(fd, in, sizeof(in), 0);

                /* The first 8 bytes say which frame it answers. */
                if (len < (ssize_t)(14 + payload) || memcmp(in, out + 6, 6) ||
                    !inverted(in, out, 14, 22)) {
                    continue;
                }
                CHECK(inverted(in, out, 22, 14 + payload),
                      "frame %u of %zu bytes came back wrong", n, payload);
                answered = true;
            }
        }
        CHECK(answered, "frame %u of %zu bytes: no answer", n, payload);
    }
    close(fd);
    CHECK(again < 20, "%u of %u frames had to be sent again", again, sent);
    note("%s: %u frames sent and answered, %u of them again", driver, sent,
         again);
}

static void e1000e(void)
{
    net_check("e1000e", 4ull << 40);
}

static void virtio_net(void)
{
    net_check("virtio_net", 5ull << 40);
}

const Scenario stock_scenarios[] = {
    { "enabled", "PASID and ATS turned on by Linux", enabled, true },
    { "virtio-blk", "virtio-blk, every byte", virtio_blk, true },
    { "nvme", "nvme, every byte", nvme, true },
    { "ahci", "ahci, every byte", ahci, true },
    { "e1000e", "e1000e, every byte", e1000e, true },
    { "virtio-net", "virtio-net, every byte", virtio_net, true },
    {},
};
