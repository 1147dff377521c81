# SPDX-License-Identifier: GPL-2.0-or-later
"""Just enough firmware: extended configuration space, bridges and BARs."""

from harness import Failure, expect

ECAM = 0xb0000000
WINDOW = 0xe0000000             # where BARs are placed, 64 MiB a function
WINDOW_SIZE = 0x4000000

COMMAND, COMMAND_MEMORY, COMMAND_MASTER = 0x04, 0x2, 0x4
CAP_POINTER = 0x34
CAP_PM, CAP_MSI, CAP_EXP, CAP_MSIX = 0x01, 0x05, 0x10, 0x11
ECAP_ATS, ECAP_PRI, ECAP_PASID = 0x0f, 0x13, 0x1b


def rid(bus, dev, fn=0):
    return bus << 8 | dev << 3 | fn


def enable_ecam(vm):
    """PCIEXBAR of the q35 host bridge."""
    vm.outl(0xcf8, 0x80000060)
    vm.outl(0xcfc, ECAM | 1)


class Function:
    """One PCI function, by its present bus number."""

    def __init__(self, vm, bus, dev, fn=0):
        self.vm, self.rid = vm, rid(bus, dev, fn)
        self.base = vm.ecam + (self.rid << 12)

    def cfg(self, off, size=4):
        return self.vm.read(self.base + off, size)

    def set_cfg(self, off, value, size=4):
        self.vm.write(self.base + off, value, size)

    def cap(self, wanted):
        pos = self.cfg(CAP_POINTER, 1)
        while pos:
            if self.cfg(pos, 1) == wanted:
                return pos
            pos = self.cfg(pos + 1, 1)
        return None

    def ecap(self, wanted):
        pos = 0x100
        while pos:
            head = self.cfg(pos)
            if head & 0xffff == wanted:
                return pos
            pos = head >> 20
        return None

    def need_ecap(self, wanted):
        pos = self.ecap(wanted)
        if pos is None:
            raise Failure(f'no extended capability {wanted:#x}')
        return pos

    def enable(self, base, master=True):
        """BAR0, BAR1, BAR2 at base, a quarter of the window each."""
        self.bar = [base, base + WINDOW_SIZE // 4, base + WINDOW_SIZE // 2]
        for i, addr in enumerate(self.bar):
            self.set_cfg(0x10 + 4 * i, addr)
            expect(self.cfg(0x10 + 4 * i), addr, f'BAR{i} is 32-bit memory, '
                   'not prefetchable')
        self.master(master)

    def master(self, on):
        self.set_cfg(COMMAND, COMMAND_MEMORY | (COMMAND_MASTER if on else 0),
                     2)


def enable_bridge(vm, dev, bus, slot, primary=0):
    """A root port gets a bus and the window of a slot."""
    port = Function(vm, primary, dev)
    base = vm.window + slot * WINDOW_SIZE
    limit = base + WINDOW_SIZE - 1
    port.set_cfg(0x18, bus << 16 | bus << 8 | primary)
    port.set_cfg(0x20, (limit & 0xfff00000) | (base >> 16))
    port.set_cfg(COMMAND, COMMAND_MEMORY | COMMAND_MASTER, 2)
    return port
