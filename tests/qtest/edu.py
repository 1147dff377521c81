# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's teaching device, an ordinary device on either machine."""

import pcie
from harness import expect

EDU = ('-device', 'edu,addr=7,dma_mask=0xffffffffffffffff')
EDU_RID = pcie.rid(0, 7)
BUFFER, SIZE = 0x40000, 4096


class Edu(pcie.Function):
    """QEMU's teaching device: DMA without any knowledge of PASID."""

    def __init__(self, vm, dev=7, bus=0):
        super().__init__(vm, bus, dev)
        self.bar = vm.window + pcie.WINDOW_SIZE * 2
        self.set_cfg(0x10, self.bar)
        self.master(True)

    def dma(self, src, dst, count, to_memory):
        """One request of the core: all of count at once."""
        for off, value in ((0x80, src), (0x88, dst), (0x90, count),
                           (0x98, 1 | to_memory << 1)):
            self.vm.write(self.bar + off, value, 8)
        self.vm.step(200_000_000)
        expect(self.vm.read(self.bar + 0x98, 8) & 1, 0, 'edu: busy')

    def writes(self, addr, value):
        """Fetch value through memory at addr's page + 0x800, put it back."""
        self.vm.write(addr[1] + 0x800, value, 8)
        self.dma(addr[0] + 0x800, 0x40000, 8, False)
        self.dma(0x40000, addr[0], 8, True)
        return self.vm.read(addr[1], 8)

    def reads(self, addr, count):
        self.dma(addr, BUFFER, count, False)

    def puts(self, addr, count):
        self.dma(BUFFER, addr, count, True)
