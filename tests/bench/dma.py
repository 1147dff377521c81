# SPDX-License-Identifier: GPL-2.0-or-later
"""How long does a DMA of 64 bytes take in QEMU, behind which IOMMU?

The endpoint sweeps over pages without leaving the emulator (operation SWEEP),
by the way of every ordinary device: pci_dma_read (mode PLAIN). Behind our units
also by its own, pci_pasid_dma, with a PASID. Machines of one emulator take
turns, figure by figure; a ratio is the median of the turns' ratios, since a
machine under load drifts between plateaus. Time is CPU time of the thread that
does DMA, and of the process for commands to the IOMMU.

No guest runs: tables and registers are written by qtest. Wrong results fail,
slow ones are printed.
"""

import argparse
import os
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'qtest'))

import pcie                                     # noqa: E402
import vtd                                      # noqa: E402
from endpoint import E, Endpoint, pattern                # noqa: E402
from harness import Heap, Machine, MachineRefused, expect  # noqa: E402

PAGE = 4096
STRIDE = PAGE + 64              # not the same cache set for all; one in 65
SETS = [16, 1 << 10, 4 << 10, 64 << 10]         # pages is not read
FRAMES = SETS[-1] * STRIDE // PAGE + 1
CACHED = [0, 128, 512, 1 << 10, 64 << 10]
IOVA = 0x4000000000
PASID = 1
QUEUE = 14                      # lg2 of entries of the command queue
RID = pcie.rid(0, 4)

# upstream : ours that is asked for, by regime, for 16 pages and for large sets
REACH = {'legacy': (1.3, 3), 'first stage': (2.5, 6), 'stage 1': (2.5, 4)}
REACH_INVALIDATION = 20


class Memory(Heap):
    """Tables from 16 MiB on, behind them the pages that are read."""

    def __init__(self, vm):
        super().__init__(vm, 16 << 20)
        self.end = self.pages = vm.ram + (128 << 20)

    def alloc(self, size=PAGE, align=PAGE):
        self.next = (self.next + align - 1) & -align
        addr = self.next
        self.next += size
        assert self.next <= self.end
        return addr

    def words(self, words, align=PAGE):
        """A page or more of these quad-words."""
        addr = self.alloc(len(words) * 8, align)
        for at in range(0, len(words), 1 << 15):
            part = words[at:at + (1 << 15)]
            self.vm.write_bytes(addr + at * 8, b''.join(
                w.to_bytes(8, 'little') for w in part))
        return addr

    def page_tables(self, leaf, table):
        """Four levels of nine bits; the address of the top."""
        flags, base, count, addr = leaf, self.pages, FRAMES, IOVA >> 12
        for _ in range(4):
            first = addr & 511
            size = -(-(first + count) // 512)
            words = [0] * (size * 512)
            for i in range(count):
                words[first + i] = base + i * PAGE | flags
            base = self.words(words)
            flags, count, addr = table, size, addr >> 9
        return base


class Board:
    """A machine with an endpoint at 00:04.0; no IOMMU."""

    machine = 'q35'
    iova = None                         # addresses are physical
    device = ()

    def __init__(self, name, regime=None, ours=False):
        self.name, self.regime, self.ours = name, regime, ours

    def start(self):
        self.vm = Machine(*self.device, '-m', '512', '-device',
                          'pasid-endpoint,addr=4,id=ep',
                          machine=self.machine)
        self.mem = Memory(self.vm)
        for at in range(0, FRAMES * PAGE, 1 << 24):
            # untouched memory would be one page of zeroes, in every cache
            self.vm.ask(f'memset {self.mem.pages + at:#x} {1 << 24:#x} 0x5a')
        if self.machine == 'q35':
            pcie.enable_ecam(self.vm)
        self.ep = Endpoint(self.vm)
        self.iova = self.iova or self.mem.pages
        self.set_up()
        self.check_tables()
        pid = self.vm.process.pid
        self.clock = ~pid << 3 | 2      # CPU time of that process

    def set_up(self):
        pass

    def check_tables(self):
        for n in (0, 1, FRAMES // 2, FRAMES - 1):
            self.vm.write_bytes(self.mem.pages + n * PAGE, pattern(n, 64))
        for n in (0, 1, FRAMES // 2, FRAMES - 1):
            self.ep.must(0, E.OP_COMPARE, self.iova + n * PAGE, 64, seed=n,
                         mode=E.MODE_PLAIN)

    def stop(self):
        self.vm.__exit__(None)

    # sweeps

    def counters(self):
        out = {}
        for device in self.vm.qmp('x-im-counters'):
            for c in device['counters']:
                out[c['name']] = out.get(c['name'], 0) + c['value']
        return out

    def run_sweep(self, size, order, count, mode, pasid):
        ep, ch = self.ep, self.ep.ch(0, 0)
        ep.set_reg(ch + E.CH_COUNT, count)
        ep.set_reg(ch + E.CH_STRIDE, STRIDE)
        ep.start(0, E.OP_SWEEP, self.iova, size, mode=mode,
                 pasid=pasid, seed=size, split=64,
                 ctrl=E.CH_CTRL_RANDOM if order == 'random' else 0)
        while ep.running(0):
            time.sleep(0.01)
        expect(ep.finish(0), (E.STATE_OK, 0), f'{self.name}: the sweep')

    def sweep(self, pages, order, count, mode=E.MODE_PLAIN, pasid=None):
        """ns of one read, and the hits in 100 of those who know."""
        self.everything()
        self.run_sweep(pages * PAGE, order, 2 * pages, mode, pasid)
        before = self.counters()
        self.run_sweep(pages * PAGE, order, count, mode, pasid)
        after = self.counters()
        d = {k: after[k] - before[k] for k in after}
        expect(d['dma_reads'], count, 'reads')
        known = 'translations' in d
        hits = sum(d.get(k, 0) for k in ('iotlb_hits', 'tlb_hits',
                                         'memo_hits'))
        return d['host_cpu_ns'] / count, 100 * hits / count if known else None

    # commands to the IOMMU; write_tail() has so many more executed

    def everything(self):
        """Forget all translations."""

    def write_tail(self, tail):
        raise NotImplementedError

    def invalidation(self, cached, count=1 << 12):
        """ns of one invalidation of a page that nobody uses."""
        self.everything()
        if cached:
            self.run_sweep(cached * STRIDE, 'sequential', cached,
                           E.MODE_PLAIN, None)
        t0 = time.clock_gettime_ns(self.clock)
        self.write_tail(0)
        t1 = time.clock_gettime_ns(self.clock)
        self.write_tail(count)
        t2 = time.clock_gettime_ns(self.clock)
        self.check_queue(count)
        return (t2 - t1 - (t1 - t0)) / count


class VtdBoard(Board):
    iova = IOVA

    def set_up(self):
        self.vtd = v = vtd.Vtd(self.vm, self.mem)
        wide = self.regime == 'first stage'
        v.set_root(vtd.SCALABLE if wide else vtd.LEGACY)
        self.enable_queue(wide)
        if wide:
            top = self.mem.page_tables(0x67, 0x27)      # A and D are set
            v.context(RID, pre=False, dte=False, paside=self.ours, pdts=0)
            v.pasid(RID, 0, vtd.FS, fs=top)
            if self.ours:
                v.pasid(RID, PASID, vtd.FS, fs=top, did=2)
                self.ep.pasid_on()
        else:
            v.legacy_context(RID, 0, self.mem.page_tables(3, 3))
        v.gcmd(vtd.TE)

    def enable_queue(self, wide):
        """A large one, full of the command to be measured."""
        v = self.vtd
        page = IOVA - PAGE
        command = [6 | 3 << 4 | 1 << 16, page] if wide else \
                  [2 | 3 << 4 | 1 << 16, page]
        self.size = 32 if wide else 16
        queue = self.mem.words((command + [0] * (self.size // 8 - 2)) *
                               (1 << QUEUE))
        v.wr64(vtd.IQT, 0)
        v.wr64(vtd.IQA, queue | wide << 11 | QUEUE - 8 + wide)
        v.gcmd(vtd.QIE)
        self.queue, self.tail, self.command = queue, 0, command

    def everything(self):
        v = self.vtd
        self.vm.write(self.queue + self.tail * self.size,
                      vtd.iotlb_global()[0], 8)
        tail = self.tail
        self.write_tail(1)
        self.vm.write(self.queue + tail * self.size, self.command[0], 8)

    def write_tail(self, count):
        self.tail = (self.tail + count) % (1 << QUEUE)
        self.vtd.wr64(vtd.IQT, self.tail * self.size)

    def check_queue(self, count):
        expect(self.vtd.rd32(vtd.FSTS), 0, f'{label(self)}: FSTS')
        expect(self.vtd.rd64(vtd.IQH), self.tail * self.size,
               f'{label(self)}: IQH')


class VirtBoard(Board):
    machine = 'virt'


class SmmuBoard(VirtBoard):
    iova = IOVA
    base = 0x09050000
    CR0, CR0ACK, CR1, STRTAB_BASE, STRTAB_CFG = 0x20, 0x24, 0x28, 0x80, 0x88
    CMDQ_BASE, CMDQ_PROD, CMDQ_CONS, EVENTQ_BASE = 0x90, 0x98, 0x9c, 0xa0
    GERROR, EVENTQ_PROD = 0x60, 0x100a8

    def rd(self, off, size=4):
        return self.vm.read(self.base + off, size)

    def wr(self, off, value, size=4):
        self.vm.write(self.base + off, value, size)

    def context(self, top, asid):
        """CD: T0SZ 16, 4 KiB, 48 bits out, AArch64, R, A."""
        return [16 | 1 << 30 | 1 << 31 | 5 << 32 | 1 << 41 | 1 << 45 |
                1 << 46 | asid << 48, top, 0, 0xff, 0, 0, 0, 0]

    def set_up(self):
        mem = self.mem
        # AF, inner shareable, EL0 and nG; a page is 11b, a table too
        top = mem.page_tables(3 | 1 << 6 | 3 << 8 | 1 << 10 | 1 << 11, 3)
        cds = mem.words(self.context(top, 1) + self.context(top, 2))
        stream = [1 | 5 << 1 | cds, 1 << 44, 0, 0, 0, 0, 0, 0]
        if self.ours:
            stream[0] |= 1 << 59                # two CDs
            stream[1] |= 2                      # without SubstreamID: CD 0
            self.ep.pasid_on()
        table = mem.words([0] * 8 * RID + stream + [0] * 8 * (255 - RID),
                          256 * 64)
        # TLBI_NH_VA, ASID 1
        self.command = [0x12 | 1 << 48, IOVA - PAGE]
        self.queue = mem.words(self.command * (1 << QUEUE), 16 << QUEUE)
        self.tail = 0
        events = mem.alloc()
        self.wr(self.CR1, 0xd75)
        self.wr(self.STRTAB_BASE, table, 8)
        self.wr(self.STRTAB_CFG, 8)
        self.wr(self.CMDQ_BASE, self.queue | QUEUE, 8)
        self.wr(self.CMDQ_PROD, 0)
        self.wr(self.CMDQ_CONS, 0)
        self.wr(self.EVENTQ_BASE, events | 7, 8)
        self.wr(self.CR0, 0xd)
        expect(self.rd(self.CR0ACK), 0xd, 'CR0ACK')

    def everything(self):
        self.vm.write(self.queue + self.tail % (1 << QUEUE) * 16, 0x30, 8)
        tail = self.tail
        self.write_tail(1)
        self.vm.write(self.queue + tail % (1 << QUEUE) * 16,
                      self.command[0], 8)

    def write_tail(self, count):
        self.tail = (self.tail + count) % (2 << QUEUE)
        self.wr(self.CMDQ_PROD, self.tail)

    def check_queue(self, count):
        expect(self.rd(self.CMDQ_CONS), self.tail, 'CMDQ_CONS')
        expect(self.rd(self.GERROR), 0, 'GERROR')
        expect(self.rd(self.EVENTQ_PROD), 0, 'EVENTQ_PROD')


def with_device(board, *args, **attrs):
    board.device = args
    for name, value in attrs.items():
        setattr(board, name, value)
    return board


def boards():
    """Columns of the table; upstream's stands left of ours."""
    flts = 'intel-iommu,aw-bits=48,x-scalable-mode=on,x-flts=on'
    return [
        Board('q35'),
        with_device(VtdBoard('intel-iommu', 'legacy'),
                    '-device', 'intel-iommu,aw-bits=48'),
        with_device(VtdBoard('vtd-model', 'legacy', True),
                    '-device', 'vtd-model'),
        with_device(VtdBoard('intel-iommu', 'first stage'), '-device', flts),
        with_device(VtdBoard('vtd-model', 'first stage', True),
                    '-device', 'vtd-model'),
        VirtBoard('virt'),
        with_device(SmmuBoard('smmuv3', 'stage 1'),
                    machine='virt,iommu=smmuv3'),
        with_device(SmmuBoard('smmuv3-model', 'stage 1', True),
                    '-device', 'smmuv3-model,primary-bus=pcie.0',
                    base=0x0c000000),
    ]


def start(wanted):
    running = []
    for b in wanted:
        try:
            b.start()
        except MachineRefused as e:
            print(f'{b.name}: not measured: '
                  f'{str(e).strip().splitlines()[-1]}')
            continue
        running.append(b)
    return running


class Table:
    """Figures by row and column, gathered over rounds."""

    def __init__(self):
        self.ns, self.hits = {}, {}

    def add(self, row, column, ns, hits=None):
        self.ns.setdefault((row, column), []).append(ns)
        self.hits[row, column] = hits

    def median(self, row, column):
        got = self.ns.get((row, column))
        return statistics.median(got) if got else None

    def ratio(self, row, upstream, ours):
        a, b = self.ns.get((row, upstream)), self.ns.get((row, ours))
        if not a or not b:
            return None
        return statistics.median(x / y for x, y in zip(a, b))

    def show(self, rows, columns, ratios, head):
        def cell(value, form):
            return '-' if value is None else format(value, form)
        missed = []
        lines = list(map(list, zip(
            *(c.split('|') for c in [head] + columns +
              [f'ratio|{o.split("|")[1]}|' for _, o, _ in ratios]))))
        for row in rows:
            line = [row]
            for c in columns:
                hits = self.hits.get((row, c))
                line.append(cell(self.median(row, c), '.0f') +
                            ('' if hits is None else f' ({hits:.0f}%)'))
            for up, ours, reach in ratios:
                r, want = self.ratio(row, up, ours), reach(row)
                line.append(cell(r, '.2f') + (f' (>={want})' if r and want
                                              else ''))
                if r and want and r < want:
                    missed.append(f'missed: {row}, {ours.replace("|", " ")}: '
                                  f'{r:.2f} times, {want} asked for')
            lines.append(line)
        width = [max(len(n[i]) for n in lines) for i in range(len(lines[0]))]
        for n in lines:
            print('  '.join(f'{x:>{w}}' for x, w in zip(n, width)).rstrip())
        print('\n'.join(missed), flush=True)


def label(b, how=''):
    """Three lines of a column's head."""
    return f'{b.name}|{b.regime or "no IOMMU"}|{how}'


def short(n):
    return f'{n >> 10} K' if n >= 1 << 10 else str(n)


def pairs(running):
    """(upstream, ours) of each regime that has both."""
    return [(a, b) for a in running for b in running
            if a.regime and a.regime == b.regime and b.ours and not a.ours]


def measure_dma(running, rounds, count):
    table, rows = Table(), []
    ways = [(b, label(b), E.MODE_PLAIN, None) for b in running]
    ways += [(b, label(b, 'PASID'), E.MODE_UNTRANSLATED, PASID)
             for b in running if b.ours and b.regime != 'legacy']
    for n in range(rounds):
        for order in ('sequential', 'random'):
            for pages in SETS:
                row = f'{short(pages)} {order}'
                if not n:
                    rows.append(row)
                for b, column, mode, pasid in ways:
                    table.add(row, column,
                              *b.sweep(pages, order, count, mode, pasid))

    def reach(regime):
        small, large = REACH[regime]
        return lambda row: small if row == '16 sequential' else \
            large if row in ('4 K sequential', '64 K sequential') else None
    table.show(rows, [w[1] for w in ways],
               [(label(a), label(b), reach(b.regime))
                for a, b in pairs(running)], 'ns a read,|by pages|')


def measure_invalidation(running, rounds):
    table = Table()
    rows = [short(n) for n in CACHED]
    units = [b for b in running if b.regime]
    for _ in range(rounds):
        for n in CACHED:
            for b in units:
                table.add(short(n), label(b), b.invalidation(n))
    table.show(rows, [label(b) for b in units],
               [(label(a), label(b),
                 lambda row, a=a: REACH_INVALIDATION
                 if row == '1 K' and 'intel' in a.name else None)
                for a, b in pairs(running)],
               'ns to forget|a page, by|pages cached')


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--rounds', type=int, default=5)
    p.add_argument('--count', type=int, default=500_000)
    p.add_argument('--only', default='', help='part of a column\'s name')
    p.add_argument('--part', choices=('dma', 'invalidation'))
    args = p.parse_args()
    running = start([b for b in boards()
                     if args.only in label(b).replace('|', ' ')])
    print(f'median of {args.rounds} times {args.count} reads of 64 bytes, '
          f'load average {os.getloadavg()[0]:.1f}', flush=True)
    if args.part != 'invalidation':
        measure_dma(running, args.rounds, args.count)
    if args.part != 'dma':
        measure_invalidation(running, args.rounds)
    for b in running:
        b.stop()


if __name__ == '__main__':
    main()
