# SPDX-License-Identifier: GPL-2.0-or-later
"""One request of an ordinary device, one fault: whatever its length, however
QEMU takes it apart, whichever way it goes to memory."""

import pcie
import smmu
import vtd
from edu import EDU, EDU_RID, Edu
from endpoint import E, pattern
from harness import Heap, Machine, expect, expect_true, main, rows, test
from oneq import BALLOON, DEV, DEVICE_WRITES, RNG, OneQueue
from rig import IOMMU, Rig

IOVA = 0x345678000
LENGTHS = (1, 3, 4, 8, 13, 64, 100, 4096)
# how the stage is left: (name, present, writable)
BAD = (('absent', False, False), ('read-only', True, False))


class VtdUnit:
    """vtd-model in legacy mode: one second stage for the device."""

    fault = {'absent': 0x06, 'read-only': 0x05}

    def __init__(self, vm, rid):
        self.vm, self.heap = vm, Heap(vm)
        self.unit = vtd.Vtd(vm, self.heap)
        self.unit.start(vtd.LEGACY)
        self.top = self.heap.alloc()
        self.unit.legacy_context(rid, 0, self.top)

    def map(self, iova, pa, writable=True):
        self.unit.ss_map(self.top, iova, pa,
                         vtd.R | (vtd.W if writable else 0))


class SmmuUnit:
    """smmuv3-model: stage 1 of one CD. raz: a fault is no error (CD.A = 0)."""

    def __init__(self, vm, rid, raz=False):
        self.vm, self.heap = vm, Heap(vm)
        self.unit = smmu.Smmu(vm, self.heap)
        self.unit.start()
        cd, self.top = self.heap.alloc(), self.heap.alloc()
        self.unit.set_q(cd, *self.unit.cd_words(self.top, a=int(not raz)))
        self.unit.ste(rid, smmu.S1, cd)

    def map(self, iova, pa, writable=True):
        self.unit.map(self.top, iova, pa, smmu.USER | smmu.NG |
                      (0 if writable else smmu.RO))


def raz(vm, rid):
    return SmmuUnit(vm, rid, raz=True)


UNITS = (('vtd', VtdUnit, dict(machine='q35'), IOMMU),
         ('smmu', SmmuUnit, dict(machine=smmu.VIRT), smmu.SMMU),
         ('smmu-raz', raz, dict(machine=smmu.VIRT), smmu.SMMU))


class Bench:
    """A machine with edu behind one of the units."""

    def __init__(self, make, machine, iommu):
        self.vm = Machine(*iommu, *EDU, **machine)
        self.make = make

    def __enter__(self):
        pcie.enable_ecam(self.vm)
        self.unit = self.make(self.vm, EDU_RID)
        self.edu = Edu(self.vm)
        return self

    def __exit__(self, *error):
        self.vm.__exit__(*error)

    def faults(self):
        return [f['address'] if isinstance(f['address'], int)
                else int(f['address'], 16)
                for f in self.vm.qmp('x-im-faults')]


def table(*ways):
    return [(f'{unit[0]}/{"/".join(str(x) for x in way)}', unit[1:], *way)
            for unit in UNITS for way in ways]


@rows([(f'{name}@{n}', unit, way, n) for name, unit, way in
       table(('read',), ('write',)) for n in LENGTHS])
def one_fault_whatever_the_length(unit, way, length):
    with Bench(*unit) as b:
        edu = b.edu.reads if way == 'read' else b.edu.puts
        edu(IOVA, length)
        expect(b.faults(), [IOVA], 'addresses of faults')
        edu(IOVA, length)
        expect(b.faults(), [IOVA, IOVA], 'a request more is a fault more')


@rows(table(('write', 'read-only')))
def one_fault_where_writing_is_not_granted(unit, way, state):
    with Bench(*unit) as b:
        page = b.unit.heap.alloc()
        b.vm.write_bytes(page, pattern(3, 4096))
        b.unit.map(IOVA, page, writable=False)
        b.edu.puts(IOVA + 8, 1000)
        expect(b.faults(), [IOVA + 8], 'addresses of faults')
        expect_true(b.vm.read_bytes(page, 4096) == pattern(3, 4096),
                    'the page is as it was')


@rows(table(('read',), ('write',)))
def second_page_of_a_request(unit, way):
    """What the first page grants is done; the rest is one fault."""
    first, rest = 0x300, 0x500
    with Bench(*unit) as b:
        page = b.unit.heap.alloc()
        b.vm.write_bytes(page, pattern(5, 4096))
        b.unit.map(IOVA, page)
        at = IOVA + 0x1000 - first
        (b.edu.reads if way == 'read' else b.edu.puts)(at, first + rest)
        expect(b.faults(), [IOVA + 0x1000], 'addresses of faults')
        if way == 'write':
            want = pattern(5, 4096)[:-first] + bytes(first)
            expect_true(b.vm.read_bytes(page, 4096) == want,
                        'what lies in the first page is written')


@rows(table(('read',), ('write',)))
def a_fault_for_each_page_of_a_request(unit, way):
    with Bench(*unit) as b:
        (b.edu.reads if way == 'read' else b.edu.puts)(IOVA + 0xe01, 2000)
        expect(b.faults(), [IOVA + 0xe01, IOVA + 0x1000],
               'addresses of faults')


@rows(table(('read',)))
def what_was_refused_reads_as_zero(unit, way):
    with Bench(*unit) as b:
        page = b.unit.heap.alloc()
        b.vm.write_bytes(page, pattern(7, 4096))
        b.unit.map(IOVA, page)
        b.edu.reads(IOVA, 64)               # fill the buffer of the device
        b.edu.reads(IOVA + 0x1000, 32)
        b.edu.puts(IOVA + 0x100, 64)
        expect(b.vm.read_bytes(page + 0x100, 64),
               bytes(32) + pattern(7, 4096)[32:64], 'what the device has')


@test
def first_request_after_the_driver_mended_its_tables():
    with Bench(*UNITS[0][1:]) as b:
        page = b.unit.heap.alloc()
        b.edu.puts(IOVA, 256)
        b.unit.map(IOVA, page)
        b.unit.unit.sync(vtd.iotlb_global())
        b.vm.write_bytes(page, pattern(1, 256))
        b.edu.puts(IOVA, 256)
        expect(b.faults(), [IOVA], 'addresses of faults')
        expect(b.vm.read_bytes(page, 256), bytes(256), 'memory')


# --- rings --------------------------------------------------------------------

@rows([('both', 2), ('first', 1)])
def one_fault_for_each_page_of_a_ring(absent):
    """A used element that crosses pages."""
    with Machine(*IOMMU, *RNG) as vm:
        pcie.enable_ecam(vm)
        unit = VtdUnit(vm, pcie.rid(0, DEV))
        ring = dict(desc=IOVA + 0x3000, avail=IOVA + 0x4000,
                    used=IOVA + 0x1000 - 8)
        page = {iova: unit.heap.alloc() for iova in
                range(IOVA + 0x1000 * absent, IOVA + 0x6000, 0x1000)}
        for iova, pa in page.items():
            unit.map(iova, pa)
        desc = page[ring['desc']]
        for off, value, size in ((0, IOVA + 0x5000, 8), (8, 64, 4),
                                 (12, DEVICE_WRITES, 2)):
            vm.write(desc + off, value, size)
        vm.write(page[ring['avail']] + 2, 1, 2)
        queue = OneQueue(vm)
        queue.start(**ring)
        queue.notify()
        idx = IOVA + 0xffa                  # written behind the element

        def addresses():
            return [int(f['address'], 16) for f in vm.qmp('x-im-faults')]
        vm.wait(lambda: idx in addresses()[-1:], 'the index is written')
        expect([a for a in addresses() if a != idx],
               [IOVA + 0xffc, IOVA + 0x1000][:absent], 'addresses of faults')


# --- a device that maps its buffer first --------------------------------------

def faults_of_buffer(device, flags, pages, length):
    """One request of a virtio device whose buffer has so many pages that are
    there; offsets in it of what faulted."""
    with Machine(*IOMMU, *device) as vm:
        pcie.enable_ecam(vm)
        unit = VtdUnit(vm, pcie.rid(0, DEV))
        ring = {n: IOVA + 0x1000 * i
                for i, n in enumerate(('desc', 'avail', 'used'))}
        page = {n: unit.heap.alloc() for n in ring}
        for n, iova in ring.items():
            unit.map(iova, page[n])
        buffer = IOVA + 0x7000
        for i in range(pages):
            unit.map(buffer + 0x1000 * i, unit.heap.alloc())
        for off, value, size in ((0, buffer, 8), (8, length, 4),
                                 (12, flags, 2)):
            vm.write(page['desc'] + off, value, size)
        vm.write(page['avail'] + 2, 1, 2)
        queue = OneQueue(vm)
        queue.start(**ring)
        queue.notify()
        vm.wait(lambda: vm.read(page['used'] + 2, 2) == 1,
                'the request is used')
        return [int(f['address'], 16) - buffer
                for f in vm.qmp('x-im-faults')]


@rows([('for-writing', RNG, DEVICE_WRITES), ('for-reading', BALLOON, 0)])
def one_fault_of_a_mapped_buffer(device, flags):
    """A bounce buffer stands for what cannot be mapped."""
    expect(faults_of_buffer(device, flags, 0, 200), [0], 'faults')


@test
def one_fault_of_a_page_behind_a_mapped_one():
    """QEMU looks whether it can be mapped together with that."""
    expect(faults_of_buffer(BALLOON, 0, 1, 0x1200), [0x1000], 'faults')


class Ahci(pcie.Function):
    """One DMA command of the first port of QEMU's own AHCI."""

    DISK = ('-blockdev', 'null-co,node-name=d,read-zeroes=on',
            '-device', 'ide-hd,drive=d,bus=ide.0')
    READ_DMA_EXT, WRITE_DMA_EXT = 0x25, 0x35
    PORT, ISSUE = 0x100, 0x138

    def __init__(self, vm, unit):
        super().__init__(vm, 0, 0x1f, 2)
        self.bar = pcie.WINDOW + pcie.WINDOW_SIZE
        self.set_cfg(0x24, self.bar)
        self.master(True)
        self.page = [unit.heap.alloc() for _ in range(3)]
        for i, page in enumerate(self.page):
            unit.map(IOVA + 0x1000 * i, page)
        self.set(4, 1 << 31)                        # GHC.AE
        for off, iova in ((0, IOVA), (8, IOVA + 0x1000)):
            self.set(self.PORT + off, iova)
            self.set(self.PORT + off + 4, iova >> 32)
        self.set(self.PORT + 0x18, 0x11)            # FRE, ST

    def set(self, off, value):
        self.vm.write(self.bar + off, value & 0xffffffff, 4)

    def moves(self, command, addr, pages):
        header, _, table = self.page
        fis = (0x27, 0x80, command, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 8 * pages)
        self.vm.write_bytes(table, bytes(fis))
        for i in range(pages):
            self.vm.write(table + 0x80 + 16 * i, addr + 0x1000 * i, 8)
            self.vm.write(table + 0x8c + 16 * i, 0xfff, 4)
        write = command == self.WRITE_DMA_EXT
        self.vm.write(header, 5 | write << 6 | pages << 16, 4)
        self.vm.write(header + 8, IOVA + 0x2000, 8)
        self.set(self.ISSUE, 1)
        self.vm.wait(lambda: self.vm.read(self.bar + self.ISSUE, 4) == 0,
                     'the command is done')


@rows([('reads-memory', Ahci.WRITE_DMA_EXT),
       ('writes-memory', Ahci.READ_DMA_EXT)])
def one_fault_of_each_page_where_buffers_are_few(command):
    """QEMU has one bounce buffer of a page, and has the others wait."""
    with Machine(*IOMMU, *Ahci.DISK) as vm:
        pcie.enable_ecam(vm)
        unit = VtdUnit(vm, pcie.rid(0, 0x1f, 2))
        buffer = IOVA + 0x10000
        unit.map(buffer + 0x1000, unit.heap.alloc())
        Ahci(vm, unit).moves(command, buffer, 4)
        expect([int(f['address'], 16) for f in vm.qmp('x-im-faults')],
               [buffer + 0x1000 * i for i in (0, 2, 3)],
               'addresses of faults')


# --- the interrupt range --------------------------------------------------------

def interrupts(vm):
    return next(c['value'] for u in vm.qmp('x-im-counters')
                for c in u['counters'] if c['name'] == 'interrupts')


@rows([(f'@{n}', n, off) for n, off in
       ((1, 0), (2, 2), (4, 1), (8, 0), (12, 0), (64, 0), (4096, 0))])
def no_interrupt_but_a_dword(length, off):
    """IR.29 once, and no part of it is taken for an interrupt."""
    with Machine(*IOMMU, *EDU) as vm:
        pcie.enable_ecam(vm)
        VtdUnit(vm, EDU_RID)
        edu = Edu(vm)
        before = interrupts(vm)
        for way, n in ((edu.puts, 1), (edu.reads, 2)):
            way(0xfee00000 + off, length)
            faults = vm.qmp('x-im-faults')
            expect([f['name'] for f in faults], ['IR.29'] * n, 'reasons')
        expect(interrupts(vm), before, 'interrupts')
        edu.puts(0xfee00000, 4)
        expect(interrupts(vm), before + 1, 'interrupts, with a DWORD')


# --- a device that knows IOMMUs --------------------------------------------------

@rows([('read', E.OP_READ, 4096), ('write', E.OP_WRITE, 4096),
       ('write-plain', E.OP_WRITE, 100)])
def one_fault_of_the_endpoint(op, length):
    with Rig() as r:
        r.vtd.start(vtd.LEGACY)
        r.vtd.legacy_context(pcie.rid(0, 4), 0, r.heap.alloc())
        mode = E.MODE_PLAIN if length == 100 else 0
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, op, IOVA, length, mode=mode)
        faults = r.vm.qmp('x-im-faults')
        expect(len(faults), 1, f'faults: {faults}')


if __name__ == '__main__':
    main()
