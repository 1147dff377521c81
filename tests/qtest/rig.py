# SPDX-License-Identifier: GPL-2.0-or-later
"""What most tests start from: one unit, one endpoint, memory."""

import zlib

import looking
import pcie
import vtd
from endpoint import E, Endpoint, pattern
from harness import Failure, Heap, Machine, expect, expect_true
from vtd import R, U, W, Vtd

RID = pcie.rid(0, 4)
EP = ('-device', 'pasid-endpoint,addr=4,id=ep')
IOMMU = ('-device', 'vtd-model')


class Rig:
    """vtd-model and an endpoint on the root bus, everything enabled."""

    def __init__(self, *extra, iommu=IOMMU, ep=EP):
        self.vm = Machine(*iommu, *ep, *extra)

    def __enter__(self):
        pcie.enable_ecam(self.vm)
        self.heap = Heap(self.vm)
        self.vtd = Vtd(self.vm, self.heap)
        self.ep = Endpoint(self.vm)
        self.buf = self.heap.alloc()
        return self

    def __exit__(self, *error):
        self.vm.__exit__(*error)

    def first_stage(self, pasid, iova, pa, flags=R | W | U, **kw):
        top = self.heap.alloc()
        self.vtd.pasid(RID, pasid, vtd.FS, fs=top, **kw)
        return self.vtd.fs_map(top, iova, pa, flags)

    def explain(self, addr, pasid=None, access='read', **kw):
        if pasid is not None:
            kw['pasid'] = pasid
        return looking.explain(self.vm, '00:04.0', addr, access=access, **kw)

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


IOVA = 0x7f0012345000


def scalable(r, **context):
    r.vtd.start()
    r.vtd.context(RID, **context)
    r.ep.pasid_on()


def pending_vectors(vm):
    """Vectors in IRR of the first local APIC."""
    for line in vm.hmp('info lapic').splitlines():
        if line.startswith('IRR'):
            words = line.split(None, 1)[1]
            return set() if '(none)' in words else \
                {int(w.split('(')[0]) for w in words.split()}
    raise Failure('info lapic shows no IRR')
