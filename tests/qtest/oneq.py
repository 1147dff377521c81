# SPDX-License-Identifier: GPL-2.0-or-later
"""Virtio devices whose first queue is all they need: both map their buffer."""

import pcie

DEV = 7
OPTIONS = f'addr={DEV},iommu_platform=on,disable-legacy=on'
RNG = ('-device', f'virtio-rng-pci,{OPTIONS}')                  # writes it
BALLOON = ('-device', f'virtio-balloon-pci,{OPTIONS}')          # reads it
CAP_VENDOR, COMMON, NOTIFY = 0x09, 1, 2
FEATURE_SELECT, FEATURES, STATUS = 0x08, 0x0c, 0x14
QUEUE_ENABLE, QUEUE_NOTIFY_OFF = 0x1c, 0x1e
QUEUE_DESC, QUEUE_AVAIL, QUEUE_USED = 0x20, 0x28, 0x30
VERSION_1_AND_ACCESS_PLATFORM = 3               # features 32 and 33
ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK = 1, 2, 4, 8
DEVICE_WRITES = 2                               # flag of a descriptor


class OneQueue(pcie.Function):
    """A driver with one request in one queue."""

    def __init__(self, vm):
        super().__init__(vm, 0, DEV)
        self.bar = pcie.WINDOW + pcie.WINDOW_SIZE
        self.set_cfg(0x20, self.bar)            # BAR4
        self.set_cfg(0x24, 0)
        self.master(True)
        self.at, self.times = {}, 0
        pos = self.cfg(pcie.CAP_POINTER, 1)
        while pos:
            if self.cfg(pos, 1) == CAP_VENDOR:
                kind = self.cfg(pos + 3, 1)
                self.at[kind] = self.bar + self.cfg(pos + 8)
                if kind == NOTIFY:
                    self.times = self.cfg(pos + 16)
            pos = self.cfg(pos + 1, 1)

    def set_common(self, off, value, size):
        self.vm.write(self.at[COMMON] + off, value, size)

    def start(self, desc, avail, used):
        self.set_common(STATUS, ACKNOWLEDGE | DRIVER, 1)
        self.set_common(FEATURE_SELECT, 1, 4)
        self.set_common(FEATURES, VERSION_1_AND_ACCESS_PLATFORM, 4)
        ready = ACKNOWLEDGE | DRIVER | FEATURES_OK
        self.set_common(STATUS, ready, 1)
        for off, addr in ((QUEUE_DESC, desc), (QUEUE_AVAIL, avail),
                          (QUEUE_USED, used)):
            self.set_common(off, addr, 4)
            self.set_common(off + 4, addr >> 32, 4)
        self.set_common(QUEUE_ENABLE, 1, 2)
        self.set_common(STATUS, ready | DRIVER_OK, 1)

    def notify(self):
        off = self.vm.read(self.at[COMMON] + QUEUE_NOTIFY_OFF, 2)
        self.vm.write(self.at[NOTIFY] + off * self.times, 0, 2)
