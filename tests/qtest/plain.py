# SPDX-License-Identifier: GPL-2.0-or-later
"""DMA as ordinary devices make it, again and again: what is remembered on that
way must be forgotten when software says so, and only then matters."""

import pcie
import vtd
from endpoint import E, Endpoint, pattern
from harness import Machine, expect, expect_true, main, rows, test
from rig import IOMMU, IOVA, RID, Rig, scalable
from vtd import Vtd, W

PLAIN = dict(mode=E.MODE_PLAIN)


def first_stage(r, pa, flags=vtd.R | vtd.W | vtd.U):
    """First stage for requests without PASID; the leaf's address."""
    scalable(r)
    return r.first_stage(0, IOVA, pa, flags)


def legacy(r, pa):
    r.vtd.start(vtd.LEGACY)
    top = r.heap.alloc()
    r.vtd.legacy_context(RID, 0, top)
    return r.vtd.ss_map(top, IOVA, pa)


def differ(r):
    """Two pages with different content."""
    other = r.heap.alloc()
    for n, page in enumerate((r.buf, other)):
        r.vm.write_bytes(page, pattern(n, 4096))
    return other


def reads(r, n):
    r.ep.must(0, E.OP_COMPARE, IOVA, 4096, seed=n, **PLAIN)


@rows([('no-iommu', ()), ('iommu-off', IOMMU)])
def untranslated(iommu):
    with Rig(iommu=iommu) as r:
        r.moves(r.buf, r.buf, **PLAIN)


@rows([('first-stage', first_stage), ('legacy', legacy)])
def translated(set_up):
    with Rig() as r:
        set_up(r, r.buf)
        for _ in range(3):
            r.moves(IOVA, r.buf, **PLAIN)
        r.vtd.expect_no_fault()


@rows([
    ('first-stage/page', first_stage, vtd.piotlb_page(1, 0, IOVA)),
    ('first-stage/pasid', first_stage, vtd.piotlb(1, 0)),
    ('first-stage/global', first_stage, vtd.iotlb_global()),
    ('legacy/domain', legacy, vtd.iotlb_domain(1)),
    ('legacy/global', legacy, vtd.iotlb_global()),
])
def other_page_after_invalidation(set_up, descriptor):
    with Rig() as r:
        other = differ(r)
        leaf = set_up(r, r.buf)
        reads(r, 0)
        reads(r, 0)
        r.vtd.set_q(leaf, r.vtd.q(leaf) - r.buf + other)
        r.vtd.sync(descriptor)
        reads(r, 1)
        r.vtd.set_q(leaf, 0)
        r.vtd.sync(descriptor)
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_READ, IOVA, 64, **PLAIN)
        r.vtd.expect_fault(0x06 if set_up is legacy else 0x71, rid=RID,
                           addr=IOVA)


@test
def reading_grants_no_writing():
    with Rig() as r:
        leaf = first_stage(r, r.buf, vtd.R | vtd.U)
        r.ep.must(0, E.OP_READ, IOVA, 64, **PLAIN)
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_WRITE, IOVA, 64, **PLAIN)
        r.vtd.expect_fault(0x85, rid=RID, addr=IOVA)
        r.vtd.set_q(leaf, r.vtd.q(leaf) | W)
        r.ep.must(0, E.OP_READ, IOVA, 64, **PLAIN)
        expect(r.vtd.q(leaf) >> 6 & 1, 0, 'D after reading')
        r.ep.must(0, E.OP_WRITE, IOVA, 64, **PLAIN)
        expect(r.vtd.q(leaf) >> 6 & 1, 1, 'D after writing')


@test
def translation_off_and_on():
    with Rig() as r:
        other = differ(r)
        leaf = first_stage(r, r.buf)
        reads(r, 0)
        r.vtd.gcmd(vtd.TE, False)
        r.ep.must(0, E.OP_COMPARE, other, 4096, seed=1, **PLAIN)
        r.vtd.set_q(leaf, r.vtd.q(leaf) - r.buf + other)
        r.vtd.invalidate_all()
        r.vtd.gcmd(vtd.TE)
        reads(r, 1)


@test
def other_bus_number_other_translation():
    """The same function with the same address, but another requester ID."""
    with Machine(*IOMMU, '-device', 'pcie-root-port,id=rp,addr=5,chassis=1',
                 '-device', 'pasid-endpoint,bus=rp') as vm:
        pcie.enable_ecam(vm)
        v = Vtd(vm)
        v.start(vtd.LEGACY)
        for bus in (7, 9, 7):
            pcie.enable_bridge(vm, 5, bus, 0)
            ep = Endpoint(vm, bus, 0)
            page, top = v.heap.alloc(), v.heap.alloc()
            vm.write_bytes(page, pattern(bus, 64))
            v.legacy_context(pcie.rid(bus, 0), 0, top, did=bus)
            v.ss_map(top, IOVA, page)
            v.sync(vtd.ctx_global(), vtd.iotlb_global())
            for _ in range(2):
                ep.must(0, E.OP_COMPARE, IOVA, 64, seed=bus, **PLAIN)
        v.expect_no_fault()


@test
def unknown_bus_number_is_not_remembered():
    """No command to the unit in between: the requester ID alone decides."""
    with Machine(*IOMMU, '-device', 'pcie-root-port,id=rp,addr=5,chassis=1',
                 '-device', 'pasid-endpoint,bus=rp') as vm:
        pcie.enable_ecam(vm)
        v = Vtd(vm)
        v.start(vtd.LEGACY)
        top, page = v.heap.alloc(), v.heap.alloc()
        v.legacy_context(pcie.rid(7, 0), 0, top)
        v.ss_map(top, IOVA, page)
        v.sync(vtd.ctx_global(), vtd.iotlb_global())
        pcie.enable_bridge(vm, 5, 7, 0)
        Endpoint(vm, 7, 0).must(0, E.OP_READ, IOVA, 64, **PLAIN)
        pcie.enable_bridge(vm, 5, 9, 0)
        Endpoint(vm, 9, 0).must_fail(E.CAUSE_DMA_UR, 0, E.OP_READ, IOVA, 64,
                                     **PLAIN)
        v.expect_fault(0x01, rid=pcie.rid(9, 0), addr=IOVA)


@test
def sweep_of_many_pages():
    """More pages than are remembered; each shows what it maps."""
    with Rig() as r:
        scalable(r)
        pages = [r.heap.alloc() for _ in range(300)]
        top = r.heap.alloc()
        r.vtd.pasid(RID, 0, vtd.FS, fs=top)
        for n, page in enumerate(pages):
            r.vtd.fs_map(top, IOVA + n * 4096, page)
            r.vm.write_bytes(page, pattern(n, 64))
        ch = r.ep.ch(0, 0)
        r.ep.set_reg(ch + E.CH_COUNT, 20000)
        r.ep.set_reg(ch + E.CH_STRIDE, 4096)
        r.ep.must(0, E.OP_SWEEP, IOVA, 300 * 4096, ctrl=E.CH_CTRL_RANDOM,
                  **PLAIN)
        expect(r.ep.reg(ch + E.CH_REQUESTS), 20000, 'requests')
        for n in range(300):
            r.ep.must(0, E.OP_COMPARE, IOVA + n * 4096, 64, seed=n, **PLAIN)
        device, = (d for d in r.vm.qmp('x-im-counters')
                   if d['type'] == 'vtd-model')
        c = {c['name']: c['value'] for c in device['counters']}
        expect(c['translations'] + c['memo_hits'], 20300, 'answers')
        expect_true(c['memo_hits'] > 1000, 'some were remembered')


def endless(r, n, mode, addr):
    """Channel n reads 2^32 times from a page."""
    ch = r.ep.ch(n, 0)
    r.ep.set_reg(ch + E.CH_COUNT, 0xffffffff)
    r.ep.set_reg(ch + E.CH_STRIDE, 64)
    r.ep.start(n, E.OP_SWEEP, addr, 4096, mode=mode)


@rows([('plain', E.MODE_PLAIN), ('pasid', E.MODE_UNTRANSLATED)])
def machine_answers_while_all_channels_sweep(mode):
    with Rig() as r:
        first_stage(r, r.buf)
        for n in range(8):
            endless(r, n, mode, IOVA)
        r.vm.qmp('query-status')
        r.vtd.invalidate_all()
        expect_true(r.ep.running(0), 'channel 0 runs')
        r.ep.master(False)
        for n in range(8):
            expect(r.ep.finish(n), (E.STATE_ERROR, E.CAUSE_NO_BUS_MASTER),
                   f'channel {n}')
        r.ep.master(True)
        endless(r, 0, mode, IOVA)
        r.ep.set_reg(E.COMMAND, E.CMD_ABORT_ALL)
        expect(r.ep.finish(0), (E.STATE_ABORTED, 0), 'after ABORT')
        endless(r, 0, mode, IOVA)
        r.vm.qmp('system_reset')
        r.vm.qmp('query-status')


@rows([
    ('own-registers', lambda r: r.ep.bar[0], None),
    ('own-buffer', lambda r: r.ep.bar[2], None),
    ('nowhere', lambda r: 0x3f0000000000, None),
    ('iommu-registers', lambda r: vtd.BASE, E.STATE_OK),
])
def sweep_over_devices(where, state):
    """Reads of what is no memory end; they harm nobody."""
    with Rig() as r:
        first_stage(r, where(r))
        ch = r.ep.ch(0, 0)
        r.ep.set_reg(ch + E.CH_COUNT, 3000)
        r.ep.set_reg(ch + E.CH_STRIDE, 64)
        got, _ = r.ep.run(0, E.OP_SWEEP, IOVA, 4096, **PLAIN)
        expect_true(got in (E.STATE_OK, E.STATE_ERROR), 'the sweep ended')
        if state is not None:
            expect(got, state, 'how it ended')
        expect(r.ep.reg(E.MAGIC), E.MAGIC_VALUE, 'MAGIC')


if __name__ == '__main__':
    main()
