# SPDX-License-Identifier: GPL-2.0-or-later
"""Several vtd-model units in a machine: each has its functions, registers,
tables, queues and interrupts; what has no unit of its own is the first's."""

import pcie
import vtd
from endpoint import E, Endpoint, pattern
from harness import Heap, Machine, expect, expect_true, main, rows, test
from irqs import IOAPIC_RID, ioapic_entry, ioapic_remappable, pulse, \
    remappable
from rig import IOVA, pending_vectors
from vtd import PageQueue, R, U, W, Vtd

SECOND_NS = 1_000_000_000
PASID = 5
A, B, C = pcie.rid(0, 4), pcie.rid(65, 0), pcie.rid(33, 0)
# A QEMU device with ATS, below the second unit.
RNG = pcie.rid(66, 0)


class Units:
    """Units one and two; endpoints a on pcie.0, b below a port of the second
    unit's root bus, c below one of a root bus without a unit."""

    def __init__(self, *extra, one='', two=''):
        self.vm = Machine(
            '-device', f'vtd-model,id=one{one}',
            '-device', 'pxb-pcie,id=pxb,bus_nr=64,bus=pcie.0,addr=7',
            '-device', 'pxb-pcie,id=bare,bus_nr=32,bus=pcie.0,addr=8',
            '-device', f'vtd-model,id=two,primary-bus=pxb{two}',
            '-device', 'pcie-root-port,id=rp,bus=pxb,addr=1,chassis=1',
            '-device', 'pcie-root-port,id=rb,bus=bare,addr=2,chassis=9',
            '-device', 'pasid-endpoint,id=a,bus=pcie.0,addr=4',
            '-device', 'pasid-endpoint,id=b,bus=rp',
            '-device', 'pasid-endpoint,id=c,bus=rb', *extra)

    def __enter__(self):
        vm = self.vm
        pcie.enable_ecam(vm)
        pcie.enable_bridge(vm, 1, 65, 1, primary=64)
        pcie.enable_bridge(vm, 2, 33, 2, primary=32)
        self.heap = Heap(vm)
        self.one = Vtd(vm, self.heap)
        self.two = Vtd(vm, self.heap, vtd.BASE + 0x1000)
        self.a = Endpoint(vm)
        self.b = Endpoint(vm, 65, 0, slot=1)
        self.c = Endpoint(vm, 33, 0, slot=2)
        self.page = self.heap.alloc()
        return self

    def __exit__(self, *error):
        self.vm.__exit__(*error)

    def mapped(self, unit, rid, page, flags=R | W | U):
        """IOVA of a PASID of rid is this page."""
        top = self.heap.alloc()
        unit.context(rid)
        unit.pasid(rid, PASID, vtd.FS, fs=top)
        return unit.fs_map(top, IOVA, page, flags)


def writes(ep, addr, **kw):
    ep.must(0, E.OP_WRITE, addr, 64, seed=9, **kw)


def blocked(ep, addr, **kw):
    ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_WRITE, addr, 64, **kw)


@test
def registers_are_apart():
    with Units(two=',pasid-bits=8') as u:
        expect([v.rd64(vtd.ECAP) >> 35 & 0x1f for v in (u.one, u.two)],
               [19, 7], 'ECAP.PSS')
        u.two.set_root()
        expect((u.one.rd64(vtd.RTADDR), u.one.rd32(vtd.GSTS)), (0, 0),
               'RTADDR and GSTS of the first')
        u.one.start()
        expect(u.two.rd32(vtd.GSTS), vtd.SRTP, 'GSTS of the second')


@rows([('first', 'one', 'two', A), ('second', 'two', 'one', B)])
def only_one_translates(on, off, rid):
    """It blocks its own functions and records them; the others pass."""
    with Units() as u:
        ep = {'one': u.a, 'two': u.b}
        getattr(u, on).start()
        writes(ep[off], u.page)
        getattr(u, on).expect_no_fault()
        blocked(ep[on], u.page)
        getattr(u, off).expect_no_fault()
        getattr(u, on).expect_fault(0x39, rid=rid)


@test
def each_walks_its_own_tables():
    with Units() as u:
        other = u.heap.alloc()
        for unit, ep, rid, page in ((u.one, u.a, A, u.page),
                                    (u.two, u.b, B, other)):
            unit.start()
            u.mapped(unit, rid, page)
            ep.pasid_on()
        for ep, page in ((u.a, u.page), (u.b, other)):
            ep.must(0, E.OP_WRITE, IOVA, 64, pasid=PASID, seed=page)
            expect(u.vm.read_bytes(page, 64), pattern(page, 64), 'memory')
        # the first unit knows nothing of b, whatever its tables say
        u.two.set_q(u.two.pasid_slot(B, PASID), 0)
        u.mapped(u.one, B, u.page)
        u.one.invalidate_all()
        u.two.invalidate_all()
        blocked(u.b, IOVA, pasid=PASID)
        u.two.expect_fault(0x59, rid=B, pasid=PASID)
        u.one.expect_no_fault()


@test
def root_bus_without_a_unit_is_the_firsts():
    with Units() as u:
        u.one.start()
        u.two.start()
        blocked(u.c, u.page)
        u.one.expect_fault(0x39, rid=C)
        u.two.expect_no_fault()
        u.mapped(u.one, C, u.page)
        u.one.invalidate_all()
        u.c.pasid_on()
        writes(u.c, IOVA, pasid=PASID)
        expect(u.vm.read_bytes(u.page, 64), pattern(9, 64), 'memory')


@test
def without_the_second_unit_its_bus_is_the_firsts():
    with Machine('-device', 'vtd-model', '-device',
                 'pxb-pcie,id=pxb,bus_nr=64,bus=pcie.0,addr=7', '-device',
                 'pcie-root-port,id=rp,bus=pxb,addr=2,chassis=1', '-device',
                 'pasid-endpoint,bus=rp') as vm:
        pcie.enable_ecam(vm)
        pcie.enable_bridge(vm, 2, 65, 0, primary=64)
        unit, ep = Vtd(vm), Endpoint(vm, 65, 0)
        expect(vm.read(vtd.BASE + 0x1000, 4), 0, 'where the next one were')
        unit.start()
        blocked(ep, unit.heap.alloc())
        unit.expect_fault(0x39, rid=B)


# --- ATS and page requests ----------------------------------------------------

@test
def invalidation_reaches_the_functions_of_the_unit():
    with Units(one=f',ats-timeout={SECOND_NS}') as u:
        u.one.start()
        u.two.start()
        leaf = u.mapped(u.two, B, u.page)
        u.b.all_on()
        writes(u.b, IOVA, pasid=PASID, mode=E.MODE_ATS)
        other = u.heap.alloc()
        u.two.set_q(leaf, other | R | W | U)
        u.two.sync(vtd.piotlb(1, PASID), vtd.pasid_dev_tlb(B, PASID))
        expect(u.b.reg(E.ATC_USED), 0, 'ATC entries')
        writes(u.b, IOVA, pasid=PASID, mode=E.MODE_ATS)
        expect(u.vm.read_bytes(other, 64), pattern(9, 64), 'memory')
        # nobody below the first unit has this requester ID
        used = u.b.reg(E.ATC_USED)
        u.one.post(*vtd.pasid_dev_tlb(B, PASID))
        u.one.ring()
        u.vm.step(SECOND_NS)
        expect(u.one.rd32(vtd.FSTS) & vtd.FSTS_ITE, vtd.FSTS_ITE, 'FSTS.ITE')
        expect(u.two.rd32(vtd.FSTS), 0, 'FSTS of the second')
        expect(u.b.reg(E.ATC_USED), used, 'ATC entries are as they were')


@rows([('its-own', 'two', 0), ('another', 'one', vtd.FSTS_ITE)])
def invalidation_of_a_device_of_qemus(name, status):
    """QEMU's function with ATS answers the unit it is below, no other."""
    with Units('-device', 'pcie-root-port,id=rq,bus=pxb,addr=2,chassis=2',
               '-device', 'virtio-rng-pci,bus=rq,iommu_platform=on,ats=on,'
               'disable-legacy=on', one=f',ats-timeout={SECOND_NS}',
               two=f',ats-timeout={SECOND_NS}') as u:
        pcie.enable_bridge(u.vm, 2, 66, 3, primary=64)
        expect_true(pcie.Function(u.vm, 66, 0).ecap(pcie.ECAP_ATS),
                    'the device has ATS')
        unit = getattr(u, name)
        unit.start()
        unit.post(*vtd.dev_tlb(RNG))
        unit.ring()
        u.vm.step(SECOND_NS)
        expect(unit.rd32(vtd.FSTS) & vtd.FSTS_ITE, status, 'FSTS.ITE')


@test
def page_request_goes_to_the_unit():
    with Units() as u:
        queues = []
        for unit in (u.one, u.two):
            queues.append(PageQueue(unit))
            unit.start()
        leaf = u.mapped(u.two, B, 0, flags=0)
        u.b.all_on()
        u.b.start(0, E.OP_WRITE, IOVA, 64, pasid=PASID, mode=E.MODE_AUTO,
                  seed=9)
        req = queues[1].take()
        expect((req['rid'], req['pasid'], req['addr']), (B, PASID, IOVA),
               'page request')
        expect(queues[0].pending(), False, 'request at the first')
        u.two.set_q(leaf, u.page | R | W | U)
        queues[1].respond(req)
        expect(u.b.finish(0), (E.STATE_OK, E.CAUSE_NONE), 'channel')
        expect(u.vm.read_bytes(u.page, 64), pattern(9, 64), 'memory')


# --- interrupts ---------------------------------------------------------------

def remapping(u, unit):
    table = u.heap.alloc(0x1000)
    unit.set_root()
    unit.enable_queue()
    unit.wr64(vtd.IRTA, table | 7)
    unit.gcmd(vtd.SIRTP)
    unit.gcmd(vtd.IRE)
    return table


def irte(u, table, index, vector, sid):
    u.vm.write(table + 16 * index, 1 | vector << 16, 8)
    u.vm.write(table + 16 * index + 8, sid | 1 << 18, 8)


def send(ep):
    ep.set_reg(E.ARG, 1)
    ep.set_reg(E.COMMAND, E.CMD_INTERRUPT)


@test
def each_has_its_own_interrupt_table():
    with Units() as u:
        for unit, ep, rid, vector in ((u.one, u.a, A, 0x51),
                                      (u.two, u.b, B, 0x62)):
            irte(u, remapping(u, unit), 3, vector, rid)
            ep.msix(1, remappable(3), 0)
        send(u.b)
        expect(pending_vectors(u.vm), {0x62}, 'vectors')
        send(u.a)
        expect(pending_vectors(u.vm), {0x51, 0x62}, 'vectors')
        u.one.expect_no_fault()
        u.two.expect_no_fault()


@test
def interrupt_fault_is_the_units():
    with Units() as u:
        remapping(u, u.one)
        irte(u, remapping(u, u.two), 3, 0x62, A)
        u.b.msix(1, remappable(3), 0)
        send(u.b)
        expect(pending_vectors(u.vm), set(), 'vectors')
        u.two.expect_fault(0x26, rid=B)
        u.one.expect_no_fault()


@test
def only_the_second_remaps():
    with Units() as u:
        irte(u, remapping(u, u.two), 3, 0x62, B)
        u.a.msix(1, 0xfee00000, 0x51)
        u.b.msix(1, remappable(3), 0)
        send(u.a)
        send(u.b)
        expect(pending_vectors(u.vm), {0x51, 0x62}, 'vectors')


@test
def ioapic_is_the_firsts():
    with Units() as u:
        remapping(u, u.two)
        ioapic_entry(u.vm, 20, 0x33)
        pulse(u.vm, 20)
        expect(pending_vectors(u.vm), {0x33}, 'vectors')
        irte(u, remapping(u, u.one), 9, 0x34, IOAPIC_RID)
        ioapic_entry(u.vm, 20, ioapic_remappable(9, 0x34))
        pulse(u.vm, 20)
        expect(pending_vectors(u.vm), {0x33, 0x34}, 'vectors')


# --- the rest -----------------------------------------------------------------

@test
def reset_is_for_all():
    with Units() as u:
        for unit in (u.one, u.two):
            unit.start()
        u.vm.qmp('system_reset')
        u.vm.wait(lambda: u.two.rd32(vtd.GSTS) == 0, 'the reset')
        for unit in (u.one, u.two):
            expect((unit.rd32(vtd.GSTS), unit.rd64(vtd.RTADDR)), (0, 0),
                   'GSTS and RTADDR')


@test
def tools_take_a_name():
    with Units() as u:
        u.two.start()
        reply = u.vm.try_qmp('x-im-explain', requester='65:00.0', address='0',
                             access='read')
        expect_true('several' in reply['error']['desc'], 'one is to be named')
        blocked(u.b, u.page)
        faults = u.vm.qmp('x-im-faults', device='two')
        expect([f['reason'] for f in faults], [0x39], 'faults of the second')
        expect(u.vm.qmp('x-im-faults', device='one'), [],
               'faults of the first')


if __name__ == '__main__':
    main()
