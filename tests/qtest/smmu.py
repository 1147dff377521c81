# SPDX-License-Identifier: GPL-2.0-or-later
"""A driver of an SMMUv3: encoders of its own, written from IHI 0070."""

import zlib

import looking
import pcie
from endpoint import E, Endpoint, pattern
from harness import Heap, Machine, expect, expect_true

BASE = 0x0c000000               # first place of virt's platform bus
SPI = 112                       # its first interrupt
GICD = 0x08000000

IDR0, IDR1, IDR3, IDR5, IIDR, AIDR = 0x00, 0x04, 0x0c, 0x14, 0x18, 0x1c
CR0, CR0ACK, CR1, CR2, GBPA = 0x20, 0x24, 0x28, 0x2c, 0x44
IRQ_CTRL, GERROR, GERRORN, GERROR_IRQ = 0x50, 0x60, 0x64, 0x68
STRTAB_BASE, STRTAB_CFG = 0x80, 0x88
CMDQ_BASE, CMDQ_PROD, CMDQ_CONS = 0x90, 0x98, 0x9c
EVTQ_BASE, EVTQ_IRQ, PRIQ_BASE, PRIQ_IRQ = 0xa0, 0xb0, 0xc0, 0xd0
EVTQ_PROD, EVTQ_CONS = 0x100a8, 0x100ac
PRIQ_PROD, PRIQ_CONS = 0x100c8, 0x100cc

SMMUEN, PRIQEN, EVTQEN, CMDQEN, ATSCHK = (1 << b for b in range(5))
ON = SMMUEN | PRIQEN | EVTQEN | CMDQEN | ATSCHK
EVTQ, PRIQ, SYNC, GERR = range(4)               # lines
ABORT, BYPASS, S1, S2, NESTED = 0, 4, 5, 6, 7   # STE.Config

F_BAD_ATS_TREQ, C_BAD_STE = 0x05, 0x04
F_TRANSL_FORBIDDEN, C_BAD_SUBSTREAMID = 0x07, 0x08
F_TRANSLATION, F_ADDR_SIZE, F_ACCESS, F_PERMISSION = 0x10, 0x11, 0x12, 0x13

LOG2 = 6                        # entries of each queue: 64
USER, RO = 1 << 6, 1 << 7       # AP[1], AP[2]
PAGE = 3 | 1 << 10 | 3 << 8     # valid, AF, inner shareable
NG = 1 << 11                    # of an ASID: not global


class Smmu:
    def __init__(self, vm, heap=None, base=BASE, spi=SPI):
        self.vm, self.base, self.spi = vm, base, spi
        self.heap = heap or Heap(vm)
        self.cds = {}
        self.prod = 0

    # registers

    def rd(self, off, size=4):
        return self.vm.read(self.base + off, size)

    def wr(self, off, value, size=4):
        self.vm.write(self.base + off, value, size)

    def q(self, addr):
        return self.vm.read(addr, 8)

    def set_q(self, addr, *values):
        for i, v in enumerate(values):
            self.vm.write(addr + 8 * i, v, 8)

    def cr0(self, value):
        self.wr(CR0, value)
        expect(self.rd(CR0ACK), value, 'CR0ACK')

    def start(self, cr0=ON, bits=16, irqs=0):
        """Queues, a linear stream table for bus 0 and 1, all on."""
        self.strtab = self.heap.alloc(64 << 9, 64 << 9)
        self.cmdq, self.evtq, self.priq = (self.heap.alloc()
                                           for _ in range(3))
        self.wr(STRTAB_BASE, self.strtab, 8)
        self.wr(STRTAB_CFG, 9)
        self.wr(CMDQ_BASE, self.cmdq | LOG2, 8)
        self.wr(EVTQ_BASE, self.evtq | LOG2, 8)
        self.wr(PRIQ_BASE, self.priq | LOG2, 8)
        self.wr(CR2, 1 << 1)                    # RECINVSID
        self.wr(IRQ_CTRL, irqs)
        if cr0:
            self.cr0(cr0)

    # commands

    def post(self, lo, hi=0):
        self.set_q(self.cmdq + (self.prod & 63) * 16, lo, hi)
        self.prod = (self.prod + 1) & 127

    def ring(self):
        self.wr(CMDQ_PROD, self.prod)

    def error(self):
        return (self.rd(GERROR) ^ self.rd(GERRORN)) & 1

    def sync(self, *commands):
        """Post, and see the CMD_SYNC behind them consumed."""
        for c in commands:
            self.post(*c)
        self.post(0x46)
        self.ring()
        self.vm.wait(lambda: self.rd(CMDQ_CONS) & 127 == self.prod or
                     self.error(), 'CMD_SYNC is consumed')
        expect(self.error(), 0, 'GERROR.CMDQ_ERR')

    def invalidate_all(self):
        self.sync((0x04, 31), (0x30,))          # CFGI_ALL, TLBI_NSNH_ALL

    # structures

    def ste(self, sid, config, ctx=0, cdmax=0, fmt=0, dss=2, eats=1, vmid=1,
            s2ttb=0, s2s=0, stalld=0, t0sz=16, word1=0):
        s2 = config & 2 and (
            vmid | t0sz << 32 | 2 << 38 | 5 << 48 | 1 << 51 | s2s << 57 |
            1 << 58)
        self.set_q(self.strtab + sid * 64,
                   1 | config << 1 | fmt << 4 | ctx | cdmax << 59,
                   dss | 1 << 2 | 1 << 4 | 3 << 6 | stalld << 27 |
                   eats << 28 | 1 << 44 | word1,
                   s2, s2ttb if config & 2 else 0, 0, 0, 0, 0)

    def cd_words(self, ttb, asid=1, s=0, rec=1, a=1, tsz=16):
        return (tsz | 1 << 30 | 1 << 31 | 5 << 32 | 1 << 41 | s << 44 |
                rec << 45 | a << 46 | asid << 48 | 3 << 12 | 1 << 8 | 1 << 10,
                ttb, 0, 0xff, 0, 0, 0, 0)

    def stream(self, sid, config=S1, cdmax=20, **kw):
        """An STE with an empty two-level table of context descriptors."""
        self.cds[sid] = self.heap.alloc(8 << max(cdmax - 6, 9),
                                        8 << max(cdmax - 6, 9))
        self.ste(sid, config, self.cds[sid], cdmax, fmt=1, **kw)

    def cd(self, sid, ssid, ttb, **kw):
        at = self.cds[sid] + (ssid >> 6) * 8
        leaf = self.q(at) & ~0xfff
        if not leaf:
            leaf = self.heap.alloc()
            self.set_q(at, leaf | 1)
        self.set_q(leaf + (ssid & 63) * 64, *self.cd_words(ttb, **kw))

    def map(self, top, addr, pa, flags=USER | NG, page=12):
        """Stage 1, 4 KiB granule, 48 bits. Returns the leaf's address."""
        table = top
        for shift in range(39, page, -9):
            at = table + ((addr >> shift) & 511) * 8
            if not self.q(at) & 1:
                self.set_q(at, self.heap.alloc() | 3)
            table = self.q(at) & 0xfffffffff000
        at = table + ((addr >> page) & 511) * 8
        leaf = PAGE if page == 12 else PAGE & ~2
        self.set_q(at, (pa | leaf | flags) if flags is not None else 0)
        return at

    def map2(self, top, addr, pa, flags=3 << 6, page=12):
        """Stage 2: S2AP in bits 7:6, MemAttr normal write-back."""
        return self.map(top, addr, pa, flags | 0xf << 2, page)

    # queues

    def take_event(self):
        """The oldest event, or None."""
        prod, cons = self.rd(EVTQ_PROD), self.rd(EVTQ_CONS)
        if (prod ^ cons) & 127 == 0:
            return None
        w = [self.q(self.evtq + (cons & 63) * 32 + 8 * i) for i in range(4)]
        self.wr(EVTQ_CONS, (cons + 1) & 127 | prod & 1 << 31)
        return {
            'code': w[0] & 0xff, 'ssv': w[0] >> 11 & 1,
            'ssid': w[0] >> 12 & 0xfffff, 'sid': w[0] >> 32,
            'stag': w[1] & 0xffff, 'stall': w[1] >> 31 & 1,
            'pnu': w[1] >> 33 & 1, 'ind': w[1] >> 34 & 1,
            'rnw': w[1] >> 35 & 1, 's2': w[1] >> 39 & 1,
            'cls': w[1] >> 40 & 3, 'addr': w[2],
            'ipa': w[3] & 0xffffffffff000,
        }

    def expect_event(self, code, **fields):
        e = self.take_event()
        expect_true(e, f'event {code:#x} recorded; nothing was')
        expect(e['code'], code, 'event')
        for name, want in fields.items():
            expect(e[name], want, f'event: {name}')
        return e

    def expect_no_event(self):
        expect(self.take_event(), None, 'event')

    def take_page_request(self):
        self.vm.wait(lambda: (self.rd(PRIQ_PROD) ^ self.rd(PRIQ_CONS)) & 127,
                     'a page request arrives')
        cons = self.rd(PRIQ_CONS)
        lo, hi = (self.q(self.priq + (cons & 63) * 16 + 8 * i)
                  for i in range(2))
        self.wr(PRIQ_CONS, (cons + 1) & 127 | self.rd(PRIQ_PROD) & 1 << 31)
        return {
            'sid': lo & 0xffffffff, 'ssid': lo >> 32 & 0xfffff,
            'priv': lo >> 58 & 1, 'exec': lo >> 59 & 1, 'read': lo >> 60 & 1,
            'write': lo >> 61 & 1, 'last': lo >> 62 & 1, 'ssv': lo >> 63,
            'prgi': hi & 0x1ff, 'addr': hi & ~0xfff,
        }

    # interrupts: SPIs configured as edges stay pending

    def watch_lines(self):
        for line in range(4):
            n = 32 + self.spi + line
            at = GICD + 0xc00 + n // 16 * 4
            self.vm.write(at, self.vm.read(at, 4) | 2 << n % 16 * 2, 4)

    def raised(self, line):
        """Whether there was an edge since the last look."""
        n = 32 + self.spi + line
        at, bit = n // 32 * 4, 1 << n % 32
        was = self.vm.read(GICD + 0x200 + at, 4) & bit
        self.vm.write(GICD + 0x280 + at, bit, 4)
        return bool(was)


# commands: (low, high)

def cfgi_ste(sid):
    return 0x03 | sid << 32, 1


def cfgi_cd(sid, ssid):
    return 0x05 | ssid << 12 | sid << 32, 1


def tlbi_va(addr, asid=1, vmid=0):
    return 0x12 | vmid << 32 | asid << 48, addr | 1


def tlbi_asid(asid, vmid=0):
    return 0x11 | vmid << 32 | asid << 48, 0


def atc_inv(sid, addr=0, size=52, ssid=None):
    sub = 0 if ssid is None else 1 << 11 | ssid << 12
    return 0x40 | sub | sid << 32, addr | size


def pri_resp(req, resp=2):
    return (0x41 | req['ssv'] << 11 | req['ssid'] << 12 | req['sid'] << 32,
            req['prgi'] | resp << 12)


def resume(event, ac=1, ab=0):
    return 0x44 | ac << 12 | ab << 13 | event['sid'] << 32, event['stag']


def stall_term(sid):
    return 0x45 | sid << 32, 0


def msi_sync(addr, data):
    return 0x46 | 1 << 12 | data << 32, addr


RID = pcie.rid(0, 4)
EP = ('-device', 'pasid-endpoint,bus=pcie.0,addr=4,id=ep')
SMMU = ('-device', 'smmuv3-model,id=smmu')
VIRT = 'virt,gic-version=3'
IOVA = 0x7f0012345000
SSID = 0x23456


class Rig:
    """smmuv3-model and an endpoint on pcie.0, everything enabled."""

    def __init__(self, *extra, options='', ep=EP, iommu=SMMU, machine=VIRT):
        if options:
            iommu = (iommu[0], iommu[1] + ',' + options)
        self.vm = Machine(*iommu, *extra, *ep, machine=machine)

    def __enter__(self):
        self.heap = Heap(self.vm)
        self.smmu = Smmu(self.vm, self.heap)
        self.ep = Endpoint(self.vm)
        self.buf = self.heap.alloc()
        return self

    def __exit__(self, *error):
        self.vm.__exit__(*error)

    def space(self, ssid=SSID, iova=IOVA, pa=None, flags=USER | NG, **kw):
        """A substream with one page, mapped unless flags is None."""
        top = self.heap.alloc()
        self.smmu.cd(RID, ssid, top, **kw)
        return self.smmu.map(top, iova, self.buf if pa is None else pa, flags)

    def explain(self, addr, pasid=None, access='read', **kw):
        if pasid is not None:
            kw['pasid'] = pasid
        return looking.explain(self.vm, '00:04.0', addr, access=access, **kw)

    def counters(self, device='smmu'):
        answer, = self.vm.qmp('x-im-counters', device=device)
        return {c['name']: c['value'] for c in answer['counters']}

    def moves(self, iova, pa, length=4096, **kw):
        """Write a pattern to iova, find it at pa, read it back."""
        seed = iova ^ 0x1234
        self.ep.must(0, E.OP_WRITE, iova, length, seed=seed, **kw)
        want = pattern(seed, length)
        expect_true(self.vm.read_bytes(pa, length) == want,
                    f'the pattern is at {pa:#x}')
        self.ep.must(1, E.OP_READ, iova, length, **kw)
        expect(self.ep.reg(self.ep.ch(1, E.CH_CRC)), zlib.crc32(want),
               'CRC of what was read')


def shared(r, mapped=True, s=1, cdmax=20, **kw):
    """A process's address space below substream SSID; it may stall."""
    r.smmu.start()
    r.smmu.stream(RID, cdmax=cdmax)
    r.ep.pasid_on()
    return r.space(flags=USER | NG if mapped else None, s=s, **kw)
