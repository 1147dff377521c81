# SPDX-License-Identifier: GPL-2.0-or-later
"""vtd-model on ioasid-host: the function is the host's, and behind the guest's
unit. What the guest sees is what it sees of the unit alone."""

import pcie
import standing
import vtd
from endpoint import E, Endpoint
from harness import check_refused, expect, expect_true, main, rows, test
from ioasid import Vcmd
from pages import flr, log
from rig import EP, IOVA, RID, Rig, scalable
from standing import (DELAY, POST_COPY, Both, brought, did, expect_host_fault, fill, hole, host_faults,
                      host_pasid, refused, spend_host_pasids)
from vtd import R, U, W, PageQueue

SECOND = 1_000_000_000
OTHER = IOVA + 0x1000000
OWN = ',vcmd=off'               # the guest chooses its PASIDs

MODES = [('identity', '', OWN), ('translate', ',map-mode=translate', OWN),
         ('global', ',map-mode=translate,pool=global', OWN)]
CACHING = [('caching', ',map-mode=translate,pool=global',
            OWN + ',caching-mode=on')]


def both(*extra, **kw):
    return Both(Rig, *extra, **kw)


def pasid_cache(did, pasid):
    return (7 | 1 << 4 | did << 16 | pasid << 32, 0)


def process(r, pasid=5, iova=IOVA, pa=None, present=True):
    """A first stage with a page, or without it yet; its leaf."""
    r.top = r.heap.alloc()
    r.vtd.pasid(RID, pasid, vtd.FS, fs=r.top)
    leaf = r.vtd.fs_map(r.top, iova, pa or r.buf, R | W | U)
    if not present:
        r.vtd.set_q(leaf, 0)
    return leaf


def page_request(r, pasid=5, ch=0, iova=IOVA):
    r.ep.start(ch, E.OP_WRITE, iova, 4096, pasid=pasid, mode=E.MODE_AUTO,
               seed=5)
    return r.queue.take()


def asking(r, pasid=5):
    """A page request of the endpoint that the guest has."""
    scalable(r)
    r.ep.all_on()
    r.queue = PageQueue(r.vtd)
    r.leaf = process(r, pasid, present=False)
    return page_request(r, pasid)


# --- binding -------------------------------------------------------------------

@rows(MODES)
def bound_by_the_first_request(host, unit):
    with both(host=host, unit=unit) as r:
        scalable(r)
        process(r)
        expect(did(r, 'binds'), 0, 'bindings')
        r.moves(IOVA, r.buf, pasid=5)
        r.moves(IOVA, r.buf, pasid=5)
        expect(did(r, 'binds', 'guest_faults', 'host_faults'), (1, 0, 0),
               'bindings, faults')
        expect(r.host.usage()[0], 1, 'PASIDs of the set')
        r.vtd.expect_no_fault()


@rows(CACHING)
def bound_when_it_is_invalidated(host, unit):
    with both(host=host, unit=unit) as r:
        scalable(r)
        process(r)
        expect(r.host.usage()[0], 0, 'PASIDs of the set')
        r.vtd.sync(pasid_cache(1, 5))
        expect(r.host.usage()[0], 1, 'PASIDs of the set')
        binds = did(r, 'binds')
        r.moves(IOVA, r.buf, pasid=5)
        expect(did(r, 'binds'), binds, 'bindings')


@rows([('pass-through', vtd.PT), ('second-stage', vtd.SS)])
def without_pasid(kind):
    with both(unit=OWN) as r:
        scalable(r)
        top = r.heap.alloc()
        r.vtd.pasid(RID, 0, kind, ss=top)
        r.vtd.ss_map(top, OTHER, r.buf)
        r.moves(r.buf if kind == vtd.PT else OTHER, r.buf)
        expect(did(r, 'binds'), 1, 'bindings')


@test
def a_second_stage_is_filled_and_dropped():
    with both(unit=OWN) as r:
        scalable(r)
        top, other = r.heap.alloc(), r.heap.alloc()
        r.vtd.pasid(RID, 0, vtd.SS, ss=top)
        leaf = r.vtd.ss_map(top, OTHER, r.buf)
        r.moves(OTHER, r.buf)
        expect(did(r, 'shadow_fills'), 1, 'pages copied')
        r.vtd.set_q(leaf, other | R | W)
        r.vtd.sync(vtd.iotlb_domain(1))
        r.moves(OTHER, other)
        expect(did(r, 'shadow_fills'), 2, 'pages copied')
        r.vtd.set_q(leaf, 0)
        r.vtd.sync(vtd.iotlb_domain(1))
        refused(r, OTHER)
        r.vtd.expect_fault(0x79, rid=RID)


@rows(MODES)
def unbound_by_the_pasid_cache(host, unit):
    with both(host=host, unit=unit) as r:
        scalable(r)
        process(r)
        r.moves(IOVA, r.buf, pasid=5)
        r.vtd.pasid(RID, 5, vtd.FS, p=0)
        r.vtd.sync(pasid_cache(1, 5))
        expect(did(r, 'unbinds'), 1, 'bindings that ended')
        refused(r, IOVA, pasid=5)
        r.vtd.expect_fault(0x59, rid=RID, pasid=5)
        expect(host_faults(r), [], 'faults of the host')


# --- whose fault ---------------------------------------------------------------

@rows(MODES)
def a_hole_is_the_hosts_fault(host, unit):
    """Memory that the host lacks: the guest is told nothing."""
    with both(host=host, unit=unit) as r:
        scalable(r)
        process(r)
        hole(r, r.buf)
        refused(r, IOVA, pasid=5)
        r.vtd.expect_no_fault()
        expect_host_fault(r, 'UNMAPPED', 5, IOVA)
        refused(r, IOVA, pasid=5)
        told = [l for l in r.vm.output().splitlines() if 'of the host' in l]
        expect(len(told), 1, f'lines on stderr {told}')
        fill(r, r.buf)
        r.moves(IOVA, r.buf, pasid=5)


@test
def a_guests_table_in_a_hole():
    with both(unit=OWN) as r:
        scalable(r)
        process(r)
        hole(r, r.top)
        refused(r, IOVA, pasid=5)
        r.vtd.expect_no_fault()
        expect(did(r, 'guest_faults', 'host_faults'), (0, 1), 'faults')


@rows(MODES)
def the_guests_own_fault(host, unit):
    with both(host=host, unit=unit) as r:
        scalable(r)
        process(r)
        refused(r, OTHER, pasid=5)
        r.vtd.expect_fault(0x71, rid=RID, pasid=5, addr=OTHER)
        expect(host_faults(r), [], 'faults of the host')
        expect(did(r, 'guest_faults', 'host_faults'), (1, 0), 'faults')


# --- post-copy -----------------------------------------------------------------

@rows(MODES)
def a_request_waits_for_the_hosts_memory(host, unit):
    """Each table and the page itself; the guest is told nothing."""
    with both(host=host + POST_COPY, unit=unit) as r:
        scalable(r)
        process(r)
        r.ep.start(0, E.OP_WRITE, IOVA, 64, pasid=5, seed=5)
        expect(r.ep.state(0), E.STATE_WAIT_DMA, 'state')
        expect(brought(r), 5, 'pages brought')
        expect(r.ep.finish(0), (E.STATE_OK, 0), 'state and cause')
        expect_true(r.vm.read(r.buf, 8), 'written')
        r.moves(IOVA, r.buf, pasid=5)
        r.vtd.expect_no_fault()
        expect(host_faults(r), [], 'faults of the host')


@test
def what_came_is_a_table_that_refuses():
    """It is the guest's fault then, as it would have been."""
    with both(host=POST_COPY, unit=OWN) as r:
        scalable(r)
        process(r, present=False)
        r.ep.start(0, E.OP_WRITE, IOVA, 64, pasid=5)
        expect(brought(r), 4, 'tables brought')
        expect(r.ep.finish(0), (E.STATE_ERROR, E.CAUSE_DMA_UR), 'the DMA')
        r.vtd.expect_fault(0x71, rid=RID, pasid=5, addr=IOVA)
        expect(host_faults(r), [], 'faults of the host')


@test
def a_page_request_waits_for_the_hosts_memory():
    """It goes to who has the memory, and not to the guest."""
    with both(host=POST_COPY, unit=OWN) as r:
        scalable(r)
        r.ep.all_on()
        r.queue = PageQueue(r.vtd)
        process(r)
        r.ep.start(0, E.OP_WRITE, IOVA, 4096, pasid=5, mode=E.MODE_AUTO)
        expect(r.ep.state(0), E.STATE_WAIT_PAGE, 'state')
        brought(r)
        expect(r.ep.finish(0), (E.STATE_OK, 0), 'state and cause')
        expect_true(not r.queue.pending(), 'the guest is asked for nothing')
        expect(host_faults(r), [], 'faults of the host')


@rows([('flr', lambda r: flr(r.ep)),
       ('reset', lambda r: r.vm.qmp('system_reset')),
       ('unbound', lambda r: (r.vtd.pasid(RID, 5, vtd.FS, p=0),
                              r.vtd.sync(pasid_cache(1, 5))))])
def it_waits_no_more(end):
    with both(host=POST_COPY, unit=OWN) as r:
        scalable(r)
        process(r)
        r.ep.start(0, E.OP_WRITE, IOVA, 64, pasid=5)
        expect(r.ep.state(0), E.STATE_WAIT_DMA, 'state')
        end(r)
        r.vm.wait(lambda: r.ep.state(0) != E.STATE_WAIT_DMA, 'the end')
        r.vm.step(4 * DELAY)
        r.host.sound()
        expect(r.vm.read(r.buf, 8), 0, 'memory')


# --- PASIDs --------------------------------------------------------------------

@test
def the_hosts_number_is_seen_nowhere():
    with both(host=MODES[2][1], unit=OWN) as r:
        spend_host_pasids(r)
        req = asking(r, 3)
        h = host_pasid(r, 3)
        expect_true(h not in (0, 3), 'another number at the host')
        expect(req['pasid'], 3, 'page request')
        r.vtd.set_q(r.leaf, r.buf | R | W | U)
        r.queue.respond(req)
        expect(r.ep.finish(0), (E.STATE_OK, 0), 'state and cause')
        refused(r, OTHER, pasid=3)
        r.vtd.expect_fault(0x71, pasid=3)
        refused(r, IOVA, pasid=h)
        f = r.vtd.fault_record(1)
        expect((f['reason'], f['pasid']), (0x59, h), 'reason, PASID')
        r.vtd.sync(vtd.pasid_dev_tlb(RID, 3))
        for kind in (E.LOG_INVALIDATE, E.LOG_RESPONSE):
            expect({e['pasid'] for e in log(r.ep, kind)}, {3},
                   'PASIDs of messages to the endpoint')


@test
def a_pasid_that_the_host_gave():
    with both() as r:
        scalable(r)
        g = Vcmd(r.vtd).alloc()
        process(r, g)
        r.moves(IOVA, r.buf, pasid=g)
        r.vtd.expect_no_fault()


@test
def a_pasid_that_the_host_did_not_give():
    with both() as r:
        scalable(r)
        process(r, 77)
        refused(r, IOVA, pasid=77)
        r.vtd.expect_no_fault()
        expect_host_fault(r, 'NOT_ALLOCATED', 77, IOVA)
        expect(did(r, 'binds', 'binds_refused'), (0, 1), 'bindings')


@test
def freed_while_it_is_bound():
    with both() as r:
        scalable(r)
        vc = Vcmd(r.vtd)
        g = vc.alloc()
        process(r, g)
        r.moves(IOVA, r.buf, pasid=g)
        vc.free(g)
        refused(r, IOVA, pasid=g)
        r.vtd.expect_no_fault()
        expect(len(host_faults(r)), 1, 'faults of the host')


@test
def the_quota_is_used_up():
    """Numbers that nothing is bound to make room, others do not."""
    with both(host=',quota-max=2,quarantine=1', unit=OWN) as r:
        scalable(r)
        for pasid in (1, 2, 3):
            process(r, pasid)
        r.moves(IOVA, r.buf, pasid=1)
        r.moves(IOVA, r.buf, pasid=2)
        refused(r, IOVA, pasid=3)
        r.vtd.expect_no_fault()
        expect_host_fault(r, 'QUOTA', 3, IOVA)
        r.vtd.sync(pasid_cache(1, 1))
        refused(r, IOVA, pasid=3)       # freed, and in quarantine
        r.vm.step(SECOND)
        r.moves(IOVA, r.buf, pasid=3)


@test
def the_quota_is_used_up_for_the_guests_command():
    with both(host=',quota-max=1') as r:
        vc = Vcmd(r.vtd)
        vc.alloc()
        expect(vc.run(1), (16, 0), 'status of Allocate PASID')


# --- page requests -----------------------------------------------------------------

@rows(MODES)
def a_page_is_served(host, unit):
    with both(host=host, unit=unit) as r:
        req = asking(r)
        expect((req['rid'], req['pasid'], req['addr'], req['last']),
               (RID, 5, IOVA, 1), 'page request')
        r.vtd.set_q(r.leaf, r.buf | R | W | U)
        r.queue.respond(req)
        expect(r.ep.finish(0), (E.STATE_OK, 0), 'state and cause')
        expect(did(r, 'page_groups', 'page_responses', 'page_responses_late'),
               (1, 1, 0), 'groups, answers')


@rows([('invalid', 1, E.CAUSE_RESP_INVALID),
       ('failure', 15, E.CAUSE_RESP_FAILURE)])
def a_page_is_refused(code, cause):
    with both(unit=OWN) as r:
        req = asking(r)
        r.queue.respond(req, code)
        expect(r.ep.finish(0), (E.STATE_ERROR, cause), 'state and cause')


@test
def answered_by_the_host_when_its_pasid_goes():
    """Once: the guest's own answer comes too late and is counted."""
    with both(unit=OWN) as r:
        req = asking(r)
        r.vtd.pasid(RID, 5, vtd.FS, p=0)
        r.vtd.sync(pasid_cache(1, 5))
        expect(r.ep.finish(0)[0], E.STATE_ERROR, 'state')
        r.queue.respond(req)
        expect(did(r, 'page_responses', 'page_responses_late'), (0, 1),
               'answers')


# --- invalidation ------------------------------------------------------------------

@rows(MODES)
def a_page_is_invalidated(host, unit):
    with both(host=host, unit=unit) as r:
        scalable(r)
        leaf = process(r)
        r.moves(IOVA, r.buf, pasid=5)
        other = r.heap.alloc()
        r.vtd.set_q(leaf, other | R | W | U)
        r.moves(IOVA, r.buf, pasid=5)           # the host's cache
        r.vtd.sync(vtd.piotlb_page(1, 5, OTHER))
        r.moves(IOVA, r.buf, pasid=5)           # not that page
        r.vtd.sync(vtd.piotlb_page(2, 5, IOVA))
        r.moves(IOVA, r.buf, pasid=5)           # not that domain
        r.vtd.sync(vtd.piotlb_page(1, 6, IOVA))
        r.moves(IOVA, r.buf, pasid=5)           # not that PASID
        r.vtd.sync(vtd.piotlb_page(1, 5, IOVA))
        r.moves(IOVA, other, pasid=5)
        expect(did(r, 'unbinds'), 0, 'bindings that ended')


def hold(r, *descs):
    """A wait behind these, while the endpoint does not answer."""
    r.ep.set_reg(E.INJ_INV_HOLD, 1)
    for d in descs:
        r.vtd.post(*d)
    r.vtd.post_wait(0x99)
    r.vtd.ring()
    r.vm.qmp('query-status')
    expect_true(not r.vtd.waited(0x99), 'the wait is held')


@rows([('device-tlb', vtd.pasid_dev_tlb(RID, 5), True),
       ('pasid-cache', pasid_cache(1, 5), False)])
def a_wait_is_held_by_the_device(desc, still):
    """Also by what the guest did not tell it: the host did."""
    with both(unit=OWN) as r:
        scalable(r)
        r.ep.all_on()
        process(r)
        r.moves(IOVA, r.buf, pasid=5, mode=E.MODE_ATS)
        hold(r, desc)
        r.ep.set_reg(E.COMMAND, E.CMD_RELEASE)
        r.vm.wait(lambda: r.vtd.waited(0x99), 'the wait completes')
        expect(r.vtd.rd32(vtd.FSTS) & 0x70, 0, 'FSTS queue errors')
        expect(did(r, 'ats_completions'), int(still), 'completions told')


@test
def a_device_that_never_answers():
    with both(host=f',ats-timeout={SECOND}',
              unit=OWN + f',ats-timeout={2 * SECOND}') as r:
        scalable(r)
        r.ep.all_on()
        process(r)
        r.moves(IOVA, r.buf, pasid=5, mode=E.MODE_ATS)
        r.ep.set_reg(E.INJ_INV_DROP, 1)
        r.vtd.post(*vtd.pasid_dev_tlb(RID, 5))
        r.vtd.post_wait(0x99)
        r.vtd.ring()
        r.vm.step(SECOND)
        expect(r.vtd.rd32(vtd.FSTS) & vtd.FSTS_ITE, 0, 'FSTS.ITE')
        r.vm.step(SECOND)
        expect(r.vtd.rd32(vtd.FSTS) & vtd.FSTS_ITE, vtd.FSTS_ITE, 'FSTS.ITE')
        expect(did(r, 'ats_timeouts', 'ats_completions'), (1, 0),
               'device-TLBs')


# --- life ----------------------------------------------------------------------------

@rows(MODES)
def reset_with_everything_outstanding(host, unit):
    with both(host=host, unit=unit) as r:
        asking(r)
        process(r, 6)
        r.ep.must(2, E.OP_WRITE, IOVA, 64, pasid=6)
        hold(r, vtd.pasid_dev_tlb(RID, 5))
        old = r.host.guest
        r.vm.qmp('system_reset')
        r.vm.wait(lambda: r.host.guest != old, 'the reset')
        r.host.sound()
        expect(r.host.usage(), (0, 0, 0), 'live, parked, quarantined')
        again = Rig.__new__(Rig)
        again.__dict__.update(r.__dict__)
        pcie.enable_ecam(r.vm)
        again.vtd = vtd.Vtd(r.vm, r.heap)
        again.ep = Endpoint(r.vm)
        scalable(again)
        process(again)
        again.moves(IOVA, r.buf, pasid=5)


@test
def flr_with_a_page_request_outstanding():
    with both(unit=OWN) as r:
        req = asking(r)
        flr(r.ep)
        r.ep.enable(pcie.WINDOW)
        r.queue.respond(req)
        r.ep.all_on()
        r.vtd.set_q(r.leaf, r.buf | R | W | U)
        r.moves(IOVA, r.buf, pasid=5)


PORT = ('-global', 'ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off',
        '-device', 'pcie-root-port,id=p,addr=5,chassis=1')
BELOW = pcie.rid(1, 0)


def below(r, rid=BELOW):
    """The endpoint behind the port; its bus is the guest's to number."""
    pcie.enable_bridge(r.vm, 5, rid >> 8, 1)
    r.ep = Endpoint(r.vm, rid >> 8, 0, 1)
    r.ep.all_on()
    r.vtd.context(rid)
    r.top = r.heap.alloc()
    r.vtd.pasid(rid, 5, vtd.FS, fs=r.top)
    return r.vtd.fs_map(r.top, IOVA, r.buf, R | W | U)


def unplug(r, name):
    r.vm.qmp('device_del', id=name)
    port = pcie.Function(r.vm, 0, 5)
    at = port.cap(pcie.CAP_EXP) + 0x18
    port.set_cfg(at, port.cfg(at, 2) | 0x700, 2)    # software lets it go
    r.vm.step(6 * SECOND)
    r.vm.wait(lambda: len(r.host.query()['functions']) == 1, 'the unplug')


@test
def unplugged_with_everything_outstanding():
    with both(*PORT, '-device', 'pasid-endpoint,bus=p,id=gone',
              unit=OWN) as r:
        scalable(r)
        here, r.queue = r.ep, PageQueue(r.vtd)
        r.vtd.set_q(below(r), 0)
        req = page_request(r)
        expect(req['rid'], BELOW, 'requester')
        hold(r, vtd.pasid_dev_tlb(BELOW, 5))
        unplug(r, 'gone')
        r.host.sound()
        expect(r.host.command('set-query', set=r.host.guest)['devices'], 1,
               'devices of the set')
        here.must(0, E.OP_NONE, 0, 0)


@test
def plugged_while_the_guest_runs():
    with both(*PORT, unit=OWN) as r:
        scalable(r)
        late = dict(driver='pasid-endpoint', bus='p', host='h0')
        reply = r.vm.try_qmp('device_add', id='same', **late,
                             **{'host-rid': 0x0100})
        expect_true('error' in reply, 'the host has one of this number')
        r.vm.qmp('device_add', id='late', **late)
        expect(len([f for f in r.host.query()['functions'] if 'unit' in f]),
               2, 'functions below the unit')
        port = pcie.Function(r.vm, 0, 5)
        at = port.cap(pcie.CAP_EXP) + 0x18
        port.set_cfg(at, port.cfg(at, 2) & ~0x400, 2)   # power
        below(r)
        r.moves(IOVA, r.buf, pasid=5)
        unplug(r, 'late')


@test
def renumbered_by_the_guest():
    """The tables are asked under the number that the guest gave last."""
    with both(*PORT, '-device', 'pasid-endpoint,bus=p,id=far', unit=OWN) as r:
        scalable(r)
        below(r)
        r.moves(IOVA, r.buf, pasid=5)
        top, new = r.top, pcie.rid(3, 0)
        pcie.enable_bridge(r.vm, 5, 3, 1)
        r.ep = Endpoint(r.vm, 3, 0, 1)
        r.ep.all_on()
        refused(r, IOVA, pasid=5)
        expect(r.vtd.fault_record()['rid'], new, 'requester of the fault')
        r.vtd.clear_faults()
        r.vtd.context(new)
        r.vtd.pasid(new, 5, vtd.FS, fs=top)
        r.moves(IOVA, r.buf, pasid=5)


# --- neighbours ------------------------------------------------------------------------

PXB = ('-device', 'pxb-pcie,id=pxb,bus_nr=64',
       '-device', 'pcie-root-port,id=q,bus=pxb,chassis=2',
       '-device', 'vtd-model,id=two,primary-bus=pxb',
       '-device', 'pasid-endpoint,bus=q,id=far')


def far(r, pa):
    """The other unit, and the endpoint below it, with PASID 5 to pa."""
    port = pcie.Function(r.vm, 64, 0)
    port.set_cfg(0x18, 64 | 65 << 8 | 65 << 16, 4)
    port.set_cfg(0x20, r.vm.window >> 16 & 0xfff0 |
                 (r.vm.window + 2 * pcie.WINDOW_SIZE - 1) & 0xfff00000, 4)
    port.set_cfg(4, 6, 2)
    two = vtd.Vtd(r.vm, r.heap, vtd.BASE + 0x1000)
    two.start()
    two.context(pcie.rid(65, 0))
    top = r.heap.alloc()
    two.pasid(pcie.rid(65, 0), 5, vtd.FS, fs=top)
    two.fs_map(top, IOVA, pa, R | W | U)
    ep = Endpoint(r.vm, 65, 0, 1)
    ep.all_on()
    return two, ep


@test
def two_units_on_one_host():
    """They share the set and its PASIDs; each has tables of its own."""
    with both(*PXB, unit=OWN) as r:
        scalable(r)
        process(r)
        r.moves(IOVA, r.buf, pasid=5)
        other = r.heap.alloc()
        two, ep = far(r, other)
        ep.must(0, E.OP_WRITE, IOVA, 64, pasid=5, seed=1)
        expect_true(r.vm.read(other, 8), 'written')
        expect(r.host.usage()[0], 1, 'PASIDs of the set')
        two.sync(vtd.pasid_global())
        r.moves(IOVA, r.buf, pasid=5)
        units = sorted(f['unit'] for f in r.host.query()['functions'])
        expect([standing.counters(r.vm, i)['viommu_unbinds'] for i in units],
               [0, 1], 'bindings that ended')


@test
def a_neighbour_in_another_set():
    """It takes neither the function nor a PASID that the guest has bound."""
    with both(unit=OWN) as r:
        scalable(r)
        process(r)
        r.moves(IOVA, r.buf, pasid=5)
        theirs = r.host.command('set-create', gpasid_min=1,
                                gpasid_max=99)['set']
        func = r.host.query()['functions'][0]['func']
        r.host.fails('EBUSY', 'dev-bind', set=theirs, func=func)
        p = r.host.command('pasid-query', set=r.host.guest, gpasid=5,
                           flags='by-gpasid')['pasid']
        r.host.fails('ENOENT', 'pasid-free', set=theirs, pasid=p)
        r.host.command('pasid-alloc', set=theirs, gpasid=6, flags='fixed')
        r.host.command('set-destroy', set=theirs, flags='force')
        r.moves(IOVA, r.buf, pasid=5)
        r.vtd.expect_no_fault()
        expect(host_faults(r), [], 'faults of the host')


# --- for people --------------------------------------------------------------------------

@rows(MODES)
def explained_in_both_halves(host, unit):
    with both(host=host, unit=unit) as r:
        scalable(r)
        process(r)
        ask = dict(requester='ep', address=hex(IOVA), pasid=5)
        steps = [s['what'] for s in r.vm.qmp('x-im-explain', **ask)['steps']]
        expect(steps.count('result'), 1, 'not bound: the guest\'s half')
        r.moves(IOVA, r.buf, pasid=5)
        e = r.vm.qmp('x-im-explain', **ask)
        expect([s['what'] for s in e['steps']].count('result'), 2, 'halves')
        expect((e['granted'], int(e['address'], 16)), (True, r.buf), 'granted')
        hole(r, r.buf)
        e = r.vm.qmp('x-im-explain', **ask)
        expect(e['granted'], False, 'granted')
        expect(did(r, 'host_faults'), 0, 'nothing happened')


@test
def dumped():
    with both(host=MODES[2][1], unit=OWN) as r:
        scalable(r)
        process(r)
        r.moves(IOVA, r.buf, pasid=5)
        text = r.vm.hmp(f'info x-im dump {standing.unit_of(r.vm)}')
        for line in ('on the host\'s set', 'PASID 5: first stage, domain 1'):
            expect_true(line in text, f'"{line}" in the dump')


@test
def what_cannot_be():
    check_refused(['-object', 'ioasid-host,id=h0,map-mode=delegated',
                   '-device', 'vtd-model,host=h0'], 'map-mode=delegated')


standing.again([*MODES[:1], *CACHING], ['pages', 'dma', 'requests'], (
    'no-iommu', 'without-iommu',        # there is none
    'ordinary-write',                   # the host's memory is RAM
    'sets-ice',                         # the host's affair
    'write-plain',                      # which has no way to the host
    'smmu'))
standing.again(CACHING, ['hostile'])

main()
