# SPDX-License-Identifier: GPL-2.0-or-later
"""DMA of pasid-endpoint and of an ordinary device through vtd-model."""

import pcie
import vtd
from endpoint import E, Endpoint, pattern
from harness import Machine, expect, expect_true, main, rows, test
from rig import EP, IOMMU, IOVA, RID, Rig, pending_vectors, scalable
from vtd import R, U, W, Vtd


class Edu(pcie.Function):
    """QEMU's teaching device: DMA without any knowledge of PASID."""

    def __init__(self, vm, dev=7):
        super().__init__(vm, 0, dev)
        self.bar = pcie.WINDOW + pcie.WINDOW_SIZE
        self.set_cfg(0x10, self.bar)
        self.master(True)

    def dma(self, src, dst, count, to_memory):
        for off, value in ((0x80, src), (0x88, dst), (0x90, count),
                           (0x98, 1 | to_memory << 1)):
            self.vm.write(self.bar + off, value, 8)
        self.vm.step(200_000_000)
        expect(self.vm.read(self.bar + 0x98, 8) & 1, 0, 'edu: busy')


EDU = ('-device', 'edu,addr=7,dma_mask=0xffffffffffffffff')


# --- without translation ---------------------------------------------------

@rows([('no-iommu', ()), ('iommu-off', IOMMU)])
def untranslated_without_pasid(iommu):
    with Rig(iommu=iommu) as r:
        r.moves(r.buf, r.buf)


@rows([
    ('no-iommu/pasid', (), dict(pasid=1)),
    ('no-iommu/translated', (), dict(mode=E.MODE_RAW, ctrl=2 << 8)),
    ('iommu-off/translated', IOMMU, dict(mode=E.MODE_RAW, ctrl=2 << 8)),
])
def unsupported_without_translation(iommu, request):
    with Rig(iommu=iommu) as r:
        r.ep.pasid_on()
        r.ep.ats_on()
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_WRITE, r.buf, 64, **request)
        expect(r.vm.read(r.buf, 8), 0, 'memory')


@test
def translation_request_without_iommu_is_unsupported():
    with Rig(iommu=()) as r:
        r.ep.ats_on()
        r.ep.must_fail(E.CAUSE_ATS_UR, 0, E.OP_WRITE, r.buf, 64,
                       mode=E.MODE_ATS)


@test
def no_bus_master_no_dma():
    with Rig() as r:
        r.ep.master(False)
        r.ep.must_fail(E.CAUSE_NO_BUS_MASTER, 0, E.OP_WRITE, r.buf, 64)
        expect(r.vm.read(r.buf, 8), 0, 'memory')
        r.ep.master(True)
        r.moves(r.buf, r.buf)


# --- legacy mode -------------------------------------------------------------

@rows([('3-levels', 1, 3, 0x7012345000), ('4-levels', 2, 4, IOVA),
       ('5-levels', 3, 5, 0x17f0012345000)])
def legacy_second_stage(aw, levels, iova):
    with Rig() as r:
        r.vtd.start(vtd.LEGACY)
        top = r.heap.alloc()
        r.vtd.legacy_context(RID, 0, top, aw=aw)
        r.vtd.ss_map(top, iova, r.buf, levels=levels)
        r.moves(iova, r.buf)
        r.vtd.expect_no_fault()


@test
def legacy_pass_through():
    with Rig() as r:
        r.vtd.start(vtd.LEGACY)
        r.vtd.legacy_context(RID, 2, aw=3)
        r.moves(r.buf, r.buf)
        r.vtd.expect_no_fault()


@rows([
    ('no-root', 0x01, {}, lambda r: None),
    ('no-context', 0x02, {}, lambda r: r.vtd.context_slot(RID)),
    ('not-mapped', 0x05, {}, lambda r: r.vtd.legacy_context(
        RID, 0, r.heap.alloc())),
    ('pasid', 0x31, dict(pasid=5), lambda r: r.vtd.legacy_context(
        RID, 0, r.heap.alloc())),
])
def legacy_fault(reason, request, prepare):
    with Rig() as r:
        r.vtd.start(vtd.LEGACY)
        r.ep.pasid_on()
        prepare(r)
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_WRITE, IOVA, 64, **request)
        r.vtd.expect_fault(reason, rid=RID, addr=IOVA)


# --- scalable mode -----------------------------------------------------------

@rows([('0', 1), ('middle', 0x12345), ('last', 0xfffff)])
def first_stage_with_pasid(pasid):
    with Rig() as r:
        scalable(r)
        r.first_stage(pasid, IOVA, r.buf)
        r.moves(IOVA, r.buf, pasid=pasid)
        r.vtd.expect_no_fault()


@rows([('4-levels', 0, 4, IOVA, 0x1000), ('5-levels', 1, 5,
                                          0xff12345678000, 0x1000)])
def first_stage_of_pml(fspm, levels, iova, size):
    with Rig() as r:
        scalable(r)
        top = r.heap.alloc()
        r.vtd.pasid(RID, 9, vtd.FS, fs=top, fspm=fspm)
        r.vtd.fs_map(top, iova, r.buf, levels=levels)
        r.moves(iova, r.buf, size, pasid=9)


@rows([('2m', 21), ('1g', 30)])
def first_stage_large_page(page):
    with Rig() as r:
        scalable(r)
        top = r.heap.alloc()
        r.vtd.pasid(RID, 9, vtd.FS, fs=top)
        base = r.buf & -(1 << page)
        r.vtd.fs_map(top, 0x40000000, base, page=page)
        r.moves(0x40000000 + r.buf - base, r.buf, pasid=9)


@test
def request_without_pasid_uses_rid_pasid():
    with Rig() as r:
        scalable(r, rid_pasid=3)
        r.first_stage(3, IOVA, r.buf)
        r.moves(IOVA, r.buf)
        r.vtd.expect_no_fault()


@test
def scalable_second_stage():
    with Rig() as r:
        scalable(r)
        top = r.heap.alloc()
        r.vtd.pasid(RID, 7, vtd.SS, ss=top)
        r.vtd.ss_map(top, IOVA, r.buf)
        r.moves(IOVA, r.buf, pasid=7)


@test
def scalable_pass_through():
    with Rig() as r:
        scalable(r)
        r.vtd.pasid(RID, 7, vtd.PT)
        r.moves(r.buf, r.buf, pasid=7)


@test
def nested():
    with Rig() as r:
        scalable(r)
        fs, ss = r.heap.alloc(), r.heap.alloc()
        r.vtd.pasid(RID, 7, vtd.NESTED, fs=fs, ss=ss)
        gpa = 0x5000000
        r.vtd.fs_map(fs, IOVA, gpa)
        base = fs & -0x200000           # first-stage tables are GPAs too
        r.vtd.ss_map(ss, base, base, page=21)
        r.vtd.ss_map(ss, gpa, r.buf)
        r.moves(IOVA, r.buf, pasid=7)
        r.vtd.expect_no_fault()


@test
def accessed_and_dirty_are_set_as_used():
    with Rig() as r:
        scalable(r)
        leaf = r.first_stage(4, IOVA, r.buf)
        r.ep.must(0, E.OP_READ, IOVA, 8, pasid=4)
        expect(r.vtd.q(leaf) & 0x60, 0x20, 'A, not D, after a read')
        r.ep.must(0, E.OP_WRITE, IOVA, 8, pasid=4)
        expect(r.vtd.q(leaf) & 0x60, 0x60, 'A and D after a write')


@test
def request_across_pages_is_split():
    with Rig() as r:
        scalable(r)
        top = r.heap.alloc()
        r.vtd.pasid(RID, 4, vtd.FS, fs=top)
        pages = [r.heap.alloc() for _ in range(3)]
        for i, pa in enumerate(reversed(pages)):
            r.vtd.fs_map(top, IOVA + i * 4096, pa)
        r.ep.must(0, E.OP_WRITE, IOVA + 100, 8000, pasid=4, seed=1)
        want = pattern(1, 8000)
        got = r.vm.read_bytes(pages[2] + 100, 3996) + \
            r.vm.read_bytes(pages[1], 4004)
        expect_true(got == want, 'the pattern lies in both pages')


@rows([
    ('pasid-entry-not-present', 0x59, dict(p=0)),
    ('bad-pgtt', 0x5b, dict(pgtt=7)),
    ('second-stage-not-mapped', 0x79, dict(pgtt=vtd.SS)),
])
def pasid_entry_fault(reason, entry):
    with Rig() as r:
        scalable(r)
        top = r.heap.alloc()
        args = dict(pgtt=vtd.FS, fs=top, ss=top) | entry
        if args['pgtt'] != vtd.FS:
            args['fs'] = 0
        if args['pgtt'] == vtd.FS:
            args['ss'] = 0
        r.vtd.pasid(RID, 0x54321, **args)
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_WRITE, IOVA, 64,
                       pasid=0x54321)
        r.vtd.expect_fault(reason, rid=RID, addr=IOVA, pp=1, pasid=0x54321,
                           type=0)


@rows([
    ('not-present', 0x71, 0, E.OP_READ),
    ('supervisor-page', 0x81, R | W, E.OP_READ),
    ('read-only', 0x85, R | U, E.OP_WRITE),
])
def leaf_fault(reason, flags, op):
    with Rig() as r:
        scalable(r)
        r.first_stage(2, IOVA, r.buf, flags)
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, op, IOVA, 64, pasid=2)
        r.vtd.expect_fault(reason, rid=RID, addr=IOVA, pasid=2,
                           type=2 if op == E.OP_READ else 0)
        expect(r.vm.read(r.buf, 8), 0, 'memory')
        last = r.vm.qmp('x-im-faults')[-1]
        expect(last['reason'], reason, 'x-im-faults: reason')
        expect(last['requester'], '00:04.0', 'x-im-faults: requester')
        expect(last['pasid'], 2, 'x-im-faults: pasid')
        expect_true(last['name'] and last['text'], 'the reason has a name')


@test
def non_canonical_address():
    with Rig() as r:
        scalable(r)
        r.first_stage(2, IOVA, r.buf)
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_READ, 1 << 47, 64, pasid=2)
        r.vtd.expect_fault(0x80, rid=RID, addr=1 << 47)


# privileged requests: (SRE, WPE, U/S, R/W of the page) -> outcome
@rows([
    ('user-page', 1, 0, R | W | U, None),
    ('supervisor-page', 1, 0, R | W, None),
    ('read-only-page-without-wpe', 1, 0, R, None),
    ('read-only-page-with-wpe', 1, 1, R, 0x85),
    ('sre-off', 0, 0, R | W | U, 0x5d),
])
def privileged_write(sre, wpe, flags, reason):
    with Rig() as r:
        scalable(r)
        r.first_stage(2, IOVA, r.buf, flags, sre=sre, wpe=wpe)
        if reason is None:
            r.moves(IOVA, r.buf, pasid=2, ctrl=E.CH_CTRL_PRIV)
            r.vtd.expect_no_fault()
        else:
            r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_WRITE, IOVA, 64, pasid=2,
                           ctrl=E.CH_CTRL_PRIV)
            r.vtd.expect_fault(reason, pasid=2, priv=1)


# --- tables that are no memory ----------------------------------------------

PLACES = [('own-registers', vtd.BASE), ('own-bar', None),
          ('pci-hole', 0xc8000000), ('apic', 0xfee00000),
          ('beyond-memory', 0x7f00000000)]


def put_root(r, at):
    r.vtd.wr64(vtd.RTADDR, at | 1 << 10)
    r.vtd.gcmd(vtd.SRTP)


def put_context(r, at):
    r.vtd.set_q(r.vtd.root, at | 1)


def put_directory(r, at):
    r.vtd.set_q(r.vtd.context_slot(RID), at | 7 << 9 | 0x1d)


def put_pasid_table(r, at):
    r.vtd.set_q(r.vtd.dirs[RID], at | 1)


def put_first_stage(r, at):
    r.vtd.pasid(RID, 2, vtd.FS, fs=at)


def put_first_stage_lower(r, at):
    top = r.heap.alloc()
    r.vtd.pasid(RID, 2, vtd.FS, fs=top)
    r.vtd.set_q(top + ((IOVA >> 39) & 511) * 8, at | 7)


def put_second_stage(r, at):
    r.vtd.pasid(RID, 2, vtd.SS, ss=at)


@rows([(f'{what}/{name}', put, reason, at)
       for what, put, reason in (
           ('root', put_root, 0x38), ('context', put_context, 0x40),
           ('directory', put_directory, 0x50),
           ('pasid-table', put_pasid_table, 0x58),
           ('first-stage', put_first_stage, 0x73),
           ('first-stage-lower', put_first_stage_lower, 0x70),
           ('second-stage', put_second_stage, 0x7b))
       for name, at in PLACES])
def table_not_in_memory(put, reason, at):
    with Rig() as r:
        scalable(r)
        r.first_stage(2, IOVA, r.buf)
        put(r, r.ep.bar[0] if at is None else at)
        r.vtd.invalidate_all()
        before = r.vtd.rd32(vtd.GSTS)
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_WRITE, IOVA, 64, pasid=2)
        r.vtd.expect_fault(reason, rid=RID)
        expect(r.vtd.rd32(vtd.GSTS), before, 'GSTS')
        expect(r.vm.read(r.buf, 8), 0, 'memory')


@test
def tables_in_rom_are_read_but_not_written():
    with Rig() as r:
        scalable(r)
        # the firmware image is zeroes: nothing present there
        r.vtd.pasid(RID, 2, vtd.FS, fs=0xfffff000)
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_READ, IOVA, 8, pasid=2)
        r.vtd.expect_fault(0x71, rid=RID)
        # status of a wait: the write fails, the queue goes on
        r.vtd.post(5 | 1 << 5 | 0x1234 << 32, 0xfffff000)
        r.vtd.ring()
        expect(r.vm.read(0xfffff000, 4), 0, 'ROM')


@test
def tables_that_loop_end_as_pages():
    """Every entry points at its own table: four levels, then a page."""
    with Rig() as r:
        scalable(r)
        top = r.heap.alloc()
        for i in range(512):
            r.vtd.set_q(top + 8 * i, top | 7)
        r.vtd.pasid(RID, 2, vtd.FS, fs=top)
        r.ep.must(0, E.OP_READ, IOVA, 8, pasid=2)
        expect(r.explain(IOVA, 2)['address'] & ~0xfff, top, 'address')


# --- explain ---------------------------------------------------------------

@test
def explain_walks_and_names_the_result():
    with Rig() as r:
        scalable(r)
        leaf = r.first_stage(2, IOVA, r.buf)
        e = r.explain(IOVA + 0x10, 2)
        expect(e['granted'], True, 'granted')
        expect(e['address'], r.buf + 0x10, 'address')
        expect_true('r' in e['permission'], 'permission')
        read = {s['address']: s['values'] for s in e['steps']
                if 'address' in s}
        expect_true(leaf in read, 'the leaf entry is among the steps')
        expect(read[leaf][0], r.vtd.q(leaf), 'value of the leaf entry')
        expect_true(r.vtd.pasid_slot(RID, 2) in read, 'the PASID entry too')
        expect(r.vtd.q(leaf) & 0x60, 0, 'A and D: explaining sets nothing')


@test
def explain_says_why_not():
    with Rig() as r:
        scalable(r)
        r.first_stage(2, IOVA, r.buf, R | U)
        e = r.explain(IOVA, 2, 'write')
        expect(e['granted'], False, 'granted')
        expect(e['reason'], 0x85, 'reason')
        expect(e['completion'], 'UR', 'completion')
        r.vtd.expect_no_fault()


# --- invalidation ------------------------------------------------------------

@test
def cached_translation_lives_until_invalidated():
    with Rig() as r:
        scalable(r)
        leaf = r.first_stage(2, IOVA, r.buf)
        r.moves(IOVA, r.buf, pasid=2)
        other = r.heap.alloc()
        r.vtd.set_q(leaf, other | R | W | U)
        r.vtd.sync(vtd.piotlb_page(1, 2, IOVA))
        r.moves(IOVA, other, pasid=2)


@test
def unmapped_page_faults_after_invalidation():
    with Rig() as r:
        scalable(r)
        leaf = r.first_stage(2, IOVA, r.buf)
        r.moves(IOVA, r.buf, pasid=2)
        r.vtd.set_q(leaf, 0)
        r.vtd.sync(vtd.piotlb(1, 2))
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_WRITE, IOVA, 64, pasid=2)
        r.vtd.expect_fault(0x71)


# --- who asks ----------------------------------------------------------------

@test
def requester_id_below_a_port_follows_the_bus_number():
    port = ('-device', 'pcie-root-port,id=p,addr=5,chassis=1')
    with Machine(*IOMMU, *port, '-device',
                 'pasid-endpoint,bus=p,addr=0') as vm:
        pcie.enable_ecam(vm)
        v = Vtd(vm)
        v.start()
        for bus in (1, 0x42):
            pcie.enable_bridge(vm, 5, bus, 0)
            ep = Endpoint(vm, bus, 0)
            ep.pasid_on()
            rid = pcie.rid(bus, 0)
            v.context(rid)
            top, buf = v.heap.alloc(), v.heap.alloc()
            v.pasid(rid, 2, vtd.FS, fs=top, did=bus)
            v.fs_map(top, IOVA, buf)
            ep.must(0, E.OP_FILL, IOVA, 8, pasid=2, seed=bus)
            expect(vm.read(buf, 8), bus, f'memory written by {rid:#06x}')


@test
def functions_of_another_root_complex_are_covered():
    """DRHD says INCLUDE_PCI_ALL: an expander bridge's bus is no exception."""
    below = ('-device', 'pxb-pcie,id=x,bus_nr=32,addr=5',
             '-device', 'pcie-root-port,id=p,bus=x,addr=3,chassis=1',
             '-device', 'pasid-endpoint,bus=p')
    with Machine(*IOMMU, *below) as vm:
        pcie.enable_ecam(vm)
        pcie.enable_bridge(vm, 3, 33, 0, primary=32)
        v, rid = Vtd(vm), pcie.rid(33, 0)
        ep = Endpoint(vm, 33, 0)
        ep.pasid_on()
        v.start()
        ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_FILL, IOVA, 8, pasid=2)
        v.expect_fault(0x39, rid=rid)
        v.context(rid)
        top, buf = v.heap.alloc(), v.heap.alloc()
        v.pasid(rid, 2, vtd.FS, fs=top)
        v.fs_map(top, IOVA, buf)
        ep.must(0, E.OP_FILL, IOVA, 8, pasid=2, seed=99)
        expect(vm.read(buf, 8), 99, 'memory')


@test
def order_of_devices_does_not_matter():
    with Rig(iommu=(), ep=EDU + EP + IOMMU) as r:
        edu = Edu(r.vm)
        scalable(r)
        r.first_stage(2, IOVA, r.buf)
        r.moves(IOVA, r.buf, pasid=2)
        edu.dma(0x40000, r.buf, 8, 1)
        r.vtd.expect_fault(0x41, rid=pcie.rid(0, 7))


@test
def device_type_says_where_it_sits():
    port = ('-device', 'pcie-root-port,id=p,addr=5,chassis=1')
    with Machine(*IOMMU, *EP, *port, '-device',
                 'pasid-endpoint,bus=p,addr=0') as vm:
        pcie.enable_ecam(vm)
        pcie.enable_bridge(vm, 5, 1, 0)
        for bus, dev, kind in ((0, 4, 9), (1, 0, 0)):
            f = pcie.Function(vm, bus, dev)
            exp = f.cap(pcie.CAP_EXP)
            expect(f.cfg(exp + 2, 2) >> 4 & 0xf, kind, 'device/port type')
            expect(f.cfg(exp + 0x24) >> 21 & 1, 1, 'End-End TLP prefix')
            expect(f.cfg(exp + 4) >> 28 & 1, 1, 'FLR')


@test
def two_endpoints_have_spaces_of_their_own():
    with Machine(*IOMMU, '-device', 'pasid-endpoint,addr=4', '-device',
                 'pasid-endpoint,addr=6') as vm:
        pcie.enable_ecam(vm)
        v = Vtd(vm)
        v.start()
        eps, bufs = [], []
        for slot, dev in enumerate((4, 6)):
            ep, rid = Endpoint(vm, 0, dev, slot), pcie.rid(0, dev)
            ep.pasid_on()
            v.context(rid)
            top, buf = v.heap.alloc(), v.heap.alloc()
            v.pasid(rid, 2, vtd.FS, fs=top, did=dev)
            v.fs_map(top, IOVA, buf)
            eps.append(ep)
            bufs.append(buf)
        for n, ep in enumerate(eps):
            ep.start(0, E.OP_FILL, IOVA, 4096, pasid=2, seed=n + 1)
        for ep in eps:
            expect(ep.finish(0), (E.STATE_OK, 0), 'state and cause')
        for n, buf in enumerate(bufs):
            expect(vm.read(buf + 4088, 8), n + 1, 'memory')


@test
def forged_requester_id_is_taken_at_its_word():
    with Rig() as r:
        scalable(r)
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_WRITE, IOVA, 64,
                       ctrl=E.CH_CTRL_RID_VALID | 0x1234 << 32)
        r.vtd.expect_fault(0x39, rid=0x1234)


@rows([('own-registers', 0), ('msix', 1), ('buffer', 2)])
def dma_to_the_functions_own_bars_is_refused(bar):
    with Rig() as r:
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_FILL, r.ep.bar[bar], 64)


@test
def dma_to_the_iommus_registers_is_an_ordinary_write():
    """Programming the unit by DMA: silly, but no harm and no recursion."""
    with Rig() as r:
        r.vtd.set_root()
        r.vtd.enable_queue()
        r.vtd.post_wait(0xabcd)
        r.ep.must(0, E.OP_FILL, vtd.BASE + vtd.IQT, 8, seed=r.vtd.tail)
        expect_true(r.vtd.waited(0xabcd), 'the queue ran')


@test
def switching_translation_on_and_off_takes_effect_at_once():
    with Rig() as r:
        r.moves(r.buf, r.buf)
        r.vtd.start()
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_FILL, r.buf, 64)
        r.vtd.expect_fault(0x39)
        r.vtd.gcmd(vtd.TE, False)
        r.moves(r.buf, r.buf)


@test
def event_message_never_reaches_registers():
    """A fault of DMA sends it, so that no other guard is in the way."""
    with Rig() as r:
        r.vtd.start()
        r.vtd.wr32(vtd.FEDATA, 0)       # as a GCMD: everything off
        r.vtd.wr32(vtd.FEADDR, vtd.BASE + vtd.GCMD)
        r.vtd.wr32(vtd.FECTL, 0)
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_FILL, IOVA, 8)
        r.vtd.expect_fault(0x39)
        expect(r.vtd.rd32(vtd.GSTS) >> 31, 1, 'GSTS.TES')
        r.vtd.wr32(vtd.FEDATA, 0x4711)
        r.vtd.wr32(vtd.FEADDR, r.buf)
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_FILL, IOVA, 8)
        expect(r.vm.read(r.buf, 8), 0x4711, 'the message in memory')


# --- an ordinary device ------------------------------------------------------

@rows([
    ('off', None), ('legacy', vtd.LEGACY), ('scalable', vtd.SCALABLE),
])
def ordinary_device(ttm):
    with Rig(*EDU) as r:
        edu, rid = Edu(r.vm), pcie.rid(0, 7)
        src, dst = r.heap.alloc(), r.heap.alloc()
        top, iova = r.heap.alloc(), 0x345678000
        if ttm is None:
            iova_src, iova_dst = src, dst
        else:
            iova_src, iova_dst = iova, iova + 0x1000
            r.vtd.start(ttm)
            if ttm == vtd.LEGACY:
                r.vtd.legacy_context(rid, 0, top)
            else:
                r.vtd.context(rid, rid_pasid=0)
                r.vtd.pasid(rid, 0, vtd.SS, ss=top)
            r.vtd.ss_map(top, iova_src, src)
            r.vtd.ss_map(top, iova_dst, dst)
        r.vm.write(src, 0x1122334455667788, 8)
        edu.dma(iova_src, 0x40000, 8, 0)
        edu.dma(0x40000, iova_dst, 8, 1)
        expect(r.vm.read(dst, 8), 0x1122334455667788, 'copied')
        r.vtd.expect_no_fault()


@test
def ordinary_device_does_not_run_into_the_interrupt_range():
    """One 1 GiB page covers the range; QEMU would use it as one piece."""
    with Rig(*EDU) as r:
        edu, rid = Edu(r.vm), pcie.rid(0, 7)
        r.vtd.start(vtd.LEGACY)
        top = r.heap.alloc()
        r.vtd.legacy_context(rid, 0, top)
        r.vtd.ss_map(top, 0x40000000, 0xc0000000, page=30)
        edu.dma(0x40000, 0x40000000 + 0x3edffffc, 8, 1)
        expect(pending_vectors(r.vm), set(), 'vectors')
        r.vtd.expect_fault(0x0e, rid=rid, addr=0x7ee00000)


@rows([
    ('write-dword', 4, 1, {0x51}), ('write-byte', 1, 1, set()),
    ('write-word', 2, 1, set()), ('write-quad-word', 8, 1, set()),
    ('read-dword', 4, 0, set()),
])
def ordinary_device_and_the_interrupt_range(size, to_memory, vectors):
    with Rig(*EDU) as r:
        edu = Edu(r.vm)
        r.vm.write(r.buf, 0x51, 8)
        edu.dma(r.buf, 0x40000, 8, 0)
        r.vtd.start(vtd.LEGACY)
        r.vtd.legacy_context(pcie.rid(0, 7), 2, aw=3)
        if to_memory:
            edu.dma(0x40000, 0xfee00000, size, 1)
        else:
            edu.dma(0xfee00000, 0x40000, size, 0)
        expect(pending_vectors(r.vm), vectors, 'vectors')
        if vectors:
            r.vtd.expect_no_fault()
        else:
            r.vtd.expect_fault(0x29, rid=pcie.rid(0, 7))


@test
def ordinary_device_faults():
    with Rig(*EDU) as r:
        edu = Edu(r.vm)
        r.vtd.start()
        r.vtd.context(pcie.rid(0, 7))
        edu.dma(0x40000, 0x345678000, 8, 1)
        r.vtd.expect_fault(0x51, rid=pcie.rid(0, 7), addr=0x345678000, pp=0)


if __name__ == '__main__':
    main()
