# SPDX-License-Identifier: GPL-2.0-or-later
"""The ring of a virtio device behind vtd-model.

QEMU reads and writes it by a path of its own, which buffers do not take.
"""

import pcie
import vtd
from harness import expect, expect_true, main, rows
from rig import Rig

DEV = 7
RNG = ('-device', f'virtio-rng-pci,addr={DEV},iommu_platform=on,'
       'disable-legacy=on')
CAP_VENDOR, COMMON, NOTIFY = 0x09, 1, 2
FEATURE_SELECT, FEATURES, STATUS = 0x08, 0x0c, 0x14
QUEUE_ENABLE, QUEUE_NOTIFY_OFF = 0x1c, 0x1e
QUEUE_DESC, QUEUE_AVAIL, QUEUE_USED = 0x20, 0x28, 0x30
VERSION_1_AND_ACCESS_PLATFORM = 3               # features 32 and 33
ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK = 1, 2, 4, 8
DEVICE_WRITES = 2                               # flag of a descriptor


class Rng(pcie.Function):
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


IOVA = 0x345678000
LENGTH = 64


# A used element is 8 bytes, and the first one is 4 behind the ring's begin:
# in a ring that is aligned to 4, as it must be, one may cross a page. That a
# descriptor does, virtio forbids, but QEMU takes it.
@rows([('used-element-written', 'used'), ('descriptor-read', 'desc')])
def ring_goes_on_in_the_page_of_the_next_address(crosses):
    with Rig(*RNG) as r:
        ring = {n: IOVA + 0x2000 + 0x1000 * i
                for i, n in enumerate(('desc', 'avail', 'used'))}
        ring[crosses] = IOVA + 0x1000 - 8
        buffer = IOVA + 0x5000
        pages = {iova: r.heap.alloc() for iova in
                 range(IOVA + 0x1000, buffer + 1, 0x1000)}
        pages[IOVA] = r.heap.alloc()
        follows = r.heap.alloc()        # in memory, not by address

        r.vtd.start(vtd.LEGACY)
        top = r.heap.alloc()
        r.vtd.legacy_context(pcie.rid(0, DEV), 0, top)
        for iova, pa in pages.items():
            r.vtd.ss_map(top, iova, pa)

        def at(iova):
            return pages[iova & ~0xfff] | iova & 0xfff

        marks = b'\x5a' * 0x1000
        r.vm.write_bytes(follows, marks)
        for off, value, size in ((0, buffer, 8), (8, LENGTH, 4),
                                 (12, DEVICE_WRITES, 2)):
            r.vm.write(at(ring['desc'] + off), value, size)
        r.vm.write(at(ring['avail'] + 2), 1, 2)

        rng = Rng(r.vm)
        rng.start(**ring)
        rng.notify()
        r.vm.wait(lambda: r.vm.read(at(ring['used'] + 2), 2) == 1,
                  'the request is used')
        expect(r.vm.read(at(ring['used'] + 8), 4), LENGTH,
               'length in the used element')
        expect_true(r.vm.read_bytes(follows, 0x1000) == marks,
                    'the page that only follows in memory is as it was')
        data = r.vm.read_bytes(at(buffer), LENGTH + 8)
        expect_true(any(data[:LENGTH]), 'the buffer holds something')
        expect(data[LENGTH:], bytes(8), 'behind the buffer')
        r.vtd.expect_no_fault()


if __name__ == '__main__':
    main()
