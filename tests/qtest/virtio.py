# SPDX-License-Identifier: GPL-2.0-or-later
"""The ring of a virtio device behind vtd-model.

QEMU reads and writes it by a path of its own, which buffers do not take.
"""

import pcie
import vtd
from harness import expect, expect_true, main, rows
from rig import Rig
from oneq import DEV, DEVICE_WRITES, RNG, OneQueue

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

        rng = OneQueue(r.vm)
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
