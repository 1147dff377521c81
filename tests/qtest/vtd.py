# SPDX-License-Identifier: GPL-2.0-or-later
"""A driver of a VT-d unit: encoders of its own, written from the manual."""

from harness import Heap, expect, expect_true

BASE = 0xfed90000

VER, CAP, ECAP, GCMD, GSTS = 0x000, 0x008, 0x010, 0x018, 0x01c
RTADDR, CCMD, FSTS, FECTL, FEDATA = 0x020, 0x028, 0x034, 0x038, 0x03c
FEADDR, FEUADDR, IQH, IQT, IQA = 0x040, 0x044, 0x080, 0x088, 0x090
ICS, IECTL, IEDATA, IEADDR, IEUADDR = 0x09c, 0x0a0, 0x0a4, 0x0a8, 0x0ac
IQERCD, IRTA, PQH, PQT, PQA = 0x0b0, 0x0b8, 0x0c0, 0x0c8, 0x0d0
PRS, PECTL, PEDATA, PEADDR, PEUADDR = 0x0dc, 0x0e0, 0x0e4, 0x0e8, 0x0ec

TE, SRTP, QIE, IRE, SIRTP, CFI = (1 << b for b in (31, 30, 26, 25, 24, 23))
ONE_SHOT = SRTP | SIRTP | 1 << 27

LEGACY, SCALABLE, ABORT = 0, 1, 3
FS, SS, NESTED, PT = 1, 2, 3, 4                 # PGTT
R, W, U = 1, 2, 4                               # fs_map flags

FSTS_PFO, FSTS_PPF, FSTS_IQE, FSTS_ICE, FSTS_ITE = (1 << b for b in
                                                    (0, 1, 4, 5, 6))


class Vtd:
    def __init__(self, vm, heap=None, base=BASE):
        self.vm, self.base = vm, base
        self.heap = heap or Heap(vm)
        self.contexts, self.dirs = {}, {}
        self.root = self.queue = None
        self.tail = 0

    # registers

    def rd32(self, off):
        return self.vm.read(self.base + off, 4)

    def rd64(self, off):
        return self.vm.read(self.base + off, 8)

    def wr32(self, off, value):
        self.vm.write(self.base + off, value, 4)

    def wr64(self, off, value):
        self.vm.write(self.base + off, value, 8)

    def q(self, addr):
        return self.vm.read(addr, 8)

    def set_q(self, addr, *values):
        for i, v in enumerate(values):
            self.vm.write(addr + 8 * i, v, 8)

    def gcmd(self, bit, on=True):
        now = self.rd32(GSTS) & ~ONE_SHOT & 0xffffffff
        self.wr32(GCMD, now | bit if on else now & ~bit)
        if bit != SRTP and bit != SIRTP or on:
            expect(bool(self.rd32(GSTS) & bit), on, f'GSTS bit {bit:#x}')

    def set_root(self, ttm=SCALABLE):
        self.ttm = ttm
        if self.root is None:
            self.root = self.heap.alloc()
        self.wr64(RTADDR, self.root | ttm << 10)
        self.gcmd(SRTP)

    def enable_queue(self, wide=True):
        self.wide = wide
        self.queue = self.heap.alloc()
        self.status = self.heap.alloc(64)
        self.tail = 0
        self.wr64(IQT, 0)
        self.wr64(IQA, self.queue | wide << 11)
        self.gcmd(QIE)

    def start(self, ttm=SCALABLE, wide=None):
        """Root table, queue, translation on."""
        self.set_root(ttm)
        self.enable_queue(ttm == SCALABLE if wide is None else wide)
        self.gcmd(TE)

    # invalidation queue

    def post(self, *words):
        size = 32 if self.wide else 16
        words += (0,) * (size // 8 - len(words))
        self.set_q(self.queue + self.tail, *words)
        self.tail = (self.tail + size) % 0x1000

    def ring(self):
        self.wr64(IQT, self.tail)

    def post_wait(self, data):
        self.vm.write(self.status, 0, 4)
        self.post(5 | 1 << 5 | data << 32, self.status)

    def waited(self, data):
        return self.vm.read(self.status, 4) == data

    def sync(self, *descs, data=0xfeed):
        """Post, and see the wait behind it complete."""
        for d in descs:
            self.post(*d)
        self.post_wait(data)
        self.ring()
        self.vm.wait(lambda: self.waited(data) or self.rd32(FSTS) & 0x70,
                     'the wait descriptor completes')
        expect(self.rd32(FSTS) & 0x70, 0, 'FSTS queue errors')
        expect(self.rd64(IQH), self.tail, 'IQH')

    def invalidate_all(self):
        self.sync(ctx_global(), pasid_global(), iotlb_global())

    # structures

    def context_slot(self, rid):
        """Address of the context entry; legacy or scalable by self.ttm."""
        sm = self.ttm == SCALABLE
        bus, devfn = rid >> 8, rid & 0xff
        half = devfn >> 7 if sm else 0
        key = bus, half
        if key not in self.contexts:
            self.contexts[key] = self.heap.alloc()
            self.set_q(self.root + bus * 16 + half * 8,
                       self.contexts[key] | 1)
        return self.contexts[key] + (devfn & 0x7f if sm else devfn) * \
            (32 if sm else 16)

    def context(self, rid, pre=True, dte=True, paside=True, rid_pasid=0,
                pdts=7):
        """Scalable-mode context entry with an empty PASID directory."""
        self.dirs[rid] = self.heap.alloc(max(0x1000, 8 << pdts + 7))
        self.set_q(self.context_slot(rid),
                   self.dirs[rid] | pdts << 9 | pre << 4 | paside << 3 |
                   dte << 2 | 1, rid_pasid, 0, 0)

    def pasid_slot(self, rid, pasid):
        at = self.dirs[rid] + (pasid >> 6) * 8
        table = self.q(at) & ~0xfff
        if not table:
            table = self.heap.alloc()
            self.set_q(at, table | 1)
        return table + (pasid & 63) * 64

    def pasid(self, rid, pasid, pgtt, fs=0, ss=0, did=1, aw=2, sre=0, wpe=0,
              fspm=0, p=1, fpd=0):
        self.set_q(self.pasid_slot(rid, pasid),
                   ss | pgtt << 6 | aw << 2 | fpd << 1 | p,
                   did | 1 << 23,
                   fs | fspm << 2 | wpe << 4 | sre,
                   0, 0, 0, 0, 0)

    def legacy_context(self, rid, tt, ss=0, did=1, aw=2):
        self.set_q(self.context_slot(rid), ss | tt << 2 | 1, did << 8 | aw)

    # page tables

    def descend(self, table, addr, shift, flags):
        at = table + ((addr >> shift) & 511) * 8
        entry = self.q(at)
        if not entry & 1:
            entry = self.heap.alloc() | flags
            self.set_q(at, entry)
        return entry & 0xffffffffff000

    def fs_map(self, top, addr, pa, flags=R | W | U, levels=4, page=12):
        """x86-64 format; R is P. Returns the leaf's address."""
        table = top
        for level in range(levels - 1, (page - 12) // 9, -1):
            table = self.descend(table, addr, 12 + 9 * level, 7)
        at = table + ((addr >> page) & 511) * 8
        self.set_q(at, pa | flags | (0x80 if page > 12 else 0))
        return at

    def ss_map(self, top, addr, pa, flags=R | W, levels=4, page=12):
        table = top
        for level in range(levels - 1, (page - 12) // 9, -1):
            table = self.descend(table, addr, 12 + 9 * level, 3)
        at = table + ((addr >> page) & 511) * 8
        self.set_q(at, pa | flags | (0x80 if page > 12 else 0))
        return at

    # faults

    def fault_record(self, n=0):
        off = (self.rd64(CAP) >> 24 & 0x3ff) * 16 + n * 16
        lo, hi = self.rd64(off), self.rd64(off + 8)
        if not hi >> 63:
            return None
        return {
            'addr': lo & ~0xfff, 'rid': hi & 0xffff,
            'priv': hi >> 29 & 1, 'exec': hi >> 30 & 1, 'pp': hi >> 31 & 1,
            'reason': hi >> 32 & 0xff, 'pasid': hi >> 40 & 0xfffff,
            'type': (hi >> 62 & 1) << 1 | hi >> 28 & 1,
        }

    def clear_faults(self):
        base = (self.rd64(CAP) >> 24 & 0x3ff) * 16
        for n in range((self.rd64(CAP) >> 40 & 0xff) + 1):
            self.wr32(base + n * 16 + 12, 1 << 31)
        self.wr32(FSTS, FSTS_PFO | FSTS_PPF)

    def expect_fault(self, reason, **fields):
        f = self.fault_record()
        expect_true(f, f'fault {reason:#x} recorded; nothing was')
        expect(f['reason'], reason, 'fault reason')
        for name, want in fields.items():
            expect(f[name], want, f'fault record: {name}')
        self.clear_faults()

    def expect_no_fault(self):
        expect(self.fault_record(), None, 'fault record')


# descriptors: two quad-words, the rest is zero

def ctx_global():
    return (1 | 1 << 4, 0)


def iotlb_global():
    return (2 | 1 << 4 | 3 << 6, 0)


def iotlb_domain(did):
    return (2 | 2 << 4 | 3 << 6 | did << 16, 0)


def pasid_global():
    return (7 | 3 << 4, 0)


def piotlb(did, pasid):
    return (6 | 2 << 4 | did << 16 | pasid << 32, 0)


def piotlb_page(did, pasid, addr, am=0):
    return (6 | 3 << 4 | did << 16 | pasid << 32, addr | am)


def iec_global():
    return (4, 0)


def dev_tlb(rid, addr=None):
    """One page, or everything."""
    return (3 | 31 << 16 | rid << 32,
            addr if addr is not None else 0x7ffffffffffff001)


def pasid_dev_tlb(rid, pasid, addr=None):
    return (8 | 31 << 4 | rid << 16 | pasid << 32,
            addr if addr is not None else 0x7ffffffffffff800)


def page_response(rid, prgi, code=0, pasid=None):
    lo = 9 | code << 12 | rid << 16
    if pasid is not None:
        lo |= 1 << 4 | pasid << 32
    return (lo, prgi << 3)


class PageQueue:
    """The page request queue, 4 KiB: 128 descriptors."""

    def __init__(self, vtd):
        self.vtd = vtd
        self.base = vtd.heap.alloc()
        vtd.wr64(PQH, 0)
        vtd.wr64(PQT, 0)
        vtd.wr64(PQA, self.base)
        self.head = 0

    def pending(self):
        return self.vtd.rd64(PQT) != self.head

    def take(self):
        self.vtd.vm.wait(self.pending, 'a page request arrives')
        lo = self.vtd.q(self.base + self.head)
        hi = self.vtd.q(self.base + self.head + 8)
        self.head = (self.head + 32) % 0x1000
        self.vtd.wr64(PQH, self.head)
        expect(lo & 0xff, 1, 'type of the page request descriptor')
        return {
            'pp': lo >> 8 & 1, 'rid': lo >> 16 & 0xffff,
            'pasid': lo >> 32 & 0xfffff, 'exec': lo >> 52 & 1,
            'priv': lo >> 53 & 1, 'read': hi & 1, 'write': hi >> 1 & 1,
            'last': hi >> 2 & 1, 'prgi': hi >> 3 & 0x1ff,
            'addr': hi & ~0xfff,
        }

    def respond(self, req, code=0):
        self.vtd.sync(page_response(req['rid'], req['prgi'], code,
                                    req['pasid'] if req['pp'] else None))
