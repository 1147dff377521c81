# SPDX-License-Identifier: GPL-2.0-or-later
"""smmuv3-model on ioasid-host: the function is the host's, and behind the
guest's unit. What the guest sees is what it sees of the unit alone."""

import smmu
import standing
from endpoint import E, Endpoint
from harness import expect, expect_true, main, rows, test
from smmu import IOVA, NG, RID, SSID, USER, Rig, shared
from standing import (DELAY, POST_COPY, Both, brought, did, expect_host_fault, fill, hole, host_faults,
                      host_pasid, refused, spend_host_pasids)

SECOND = 1_000_000_000
OTHER = IOVA + 0x1000000
PAGE = smmu.PAGE | USER | NG

MODES = [('identity', '', ''), ('delegated', ',map-mode=delegated', ''),
         ('translate', ',map-mode=translate', ''),
         ('global', ',map-mode=translate,pool=global', '')]
TRANSLATE = MODES[3]
# the host judges STEs and CDs as the guest's unit, whatever that has
WIDE = ('52-bits', ',map-mode=delegated', ',oas=52')


def both(*extra, **kw):
    return Both(Rig, *extra, **kw)


# --- binding -------------------------------------------------------------------

@rows(MODES)
def bound_by_the_first_request(host, unit):
    with both(host=host, unit=unit) as r:
        shared(r)
        expect(did(r, 'binds'), 0, 'bindings')
        r.moves(IOVA, r.buf, pasid=SSID)
        r.moves(IOVA, r.buf, pasid=SSID)
        expect(did(r, 'binds', 'guest_faults', 'host_faults'), (1, 0, 0),
               'bindings, faults')
        r.smmu.expect_no_event()


@rows(MODES)
def substreams_are_told_apart(host, unit):
    """The guest's own table serves all, or each is bound."""
    with both(host=host, unit=unit) as r:
        shared(r)
        other = r.heap.alloc()
        r.space(SSID + 1, pa=other, asid=2)
        r.moves(IOVA, r.buf, pasid=SSID)
        r.moves(IOVA, other, pasid=SSID + 1)
        expect(did(r, 'binds'), 2 if 'translate' in host else 1, 'bindings')


@rows([('bypass', smmu.BYPASS), ('stage-2', smmu.S2)])
def without_substream(config):
    with both() as r:
        r.smmu.start()
        top = r.heap.alloc()
        r.smmu.ste(RID, config, s2ttb=top)
        r.smmu.map2(top, OTHER & 0xffffffffffff, r.buf)
        r.moves(r.buf if config == smmu.BYPASS else OTHER, r.buf)
        expect(did(r, 'binds'), 1, 'bindings')


@rows([('identity', ''), ('translate', ',map-mode=translate')])
def judged_as_the_unit_it_is(host):
    """Whatever its options are; but no privilege is overridden."""
    with both(host=host, unit=',oas=52,term-model=on,gran16k=off') as r:
        expect(r.smmu.rd(smmu.IDR1) >> 26 & 1, 0, 'IDR1.ATTR_PERMS_OVR')
        shared(r)
        r.moves(IOVA, r.buf, pasid=SSID)
        expect(did(r, 'guest_faults', 'host_faults'), (0, 0), 'faults')
        r.smmu.expect_no_event()


@rows(MODES)
def unbound_by_cfgi_ste(host, unit):
    with both(host=host, unit=unit) as r:
        shared(r)
        r.moves(IOVA, r.buf, pasid=SSID)
        r.smmu.set_q(r.smmu.strtab + RID * 64, 0)
        r.smmu.sync(smmu.cfgi_ste(RID))
        expect(did(r, 'unbinds'), 1, 'bindings that ended')
        refused(r, IOVA, pasid=SSID)
        r.smmu.expect_event(smmu.C_BAD_STE, sid=RID)
        expect(host_faults(r), [], 'faults of the host')


# --- whose fault ---------------------------------------------------------------

@rows(MODES)
def a_hole_is_the_hosts_fault(host, unit):
    with both(host=host, unit=unit) as r:
        shared(r, s=0)
        hole(r, r.buf)
        refused(r, IOVA, pasid=SSID)
        r.smmu.expect_no_event()
        expect_host_fault(r, 'UNMAPPED', SSID, IOVA)
        fill(r, r.buf)
        r.moves(IOVA, r.buf, pasid=SSID)


@rows(MODES)
def the_guests_own_fault(host, unit):
    with both(host=host, unit=unit) as r:
        shared(r, s=0)
        refused(r, OTHER, pasid=SSID)
        r.smmu.expect_event(smmu.F_TRANSLATION, sid=RID, ssid=SSID, addr=OTHER)
        expect(host_faults(r), [], 'faults of the host')
        expect(did(r, 'guest_faults', 'host_faults'), (1, 0), 'faults')


# --- stalls and page requests ----------------------------------------------------

def stalled(r):
    r.leaf = shared(r, mapped=False)
    r.ep.start(0, E.OP_WRITE, IOVA, 64, pasid=SSID, seed=5)
    r.vm.wait(lambda: r.ep.state(0) == E.STATE_WAIT_DMA, 'the stall')
    return r.smmu.expect_event(smmu.F_TRANSLATION, stall=1, ssid=SSID)


@rows(MODES)
def a_stall_is_resumed(host, unit):
    with both(host=host, unit=unit) as r:
        event = stalled(r)
        r.smmu.set_q(r.leaf, r.buf | PAGE)
        r.smmu.sync(smmu.resume(event))
        expect(r.ep.finish(0), (E.STATE_OK, 0), 'the DMA')
        expect(did(r, 'stalls', 'host_faults'), (1, 0), 'stalls, faults')


@rows(MODES)
def a_stall_is_terminated(host, unit):
    with both(host=host, unit=unit) as r:
        r.smmu.sync(smmu.resume(stalled(r), ac=0, ab=1))
        expect(r.ep.finish(0), (E.STATE_ERROR, E.CAUSE_DMA_UR), 'the DMA')


@test
def resumed_into_a_hole():
    """The guest granted it: what is missing is the host's."""
    with both() as r:
        event = stalled(r)
        hole(r, r.buf)
        r.smmu.set_q(r.leaf, r.buf | PAGE)
        r.smmu.sync(smmu.resume(event))
        expect(r.ep.finish(0)[0], E.STATE_ERROR, 'the DMA')
        expect_host_fault(r, 'UNMAPPED', SSID, IOVA)


def asking(r):
    r.leaf = shared(r, mapped=False, s=0)
    r.ep.all_on()
    r.ep.start(0, E.OP_WRITE, IOVA, 64, pasid=SSID, mode=E.MODE_AUTO, seed=5)
    return r.smmu.take_page_request()


@rows(MODES)
def a_page_is_served(host, unit):
    with both(host=host, unit=unit) as r:
        req = asking(r)
        expect((req['sid'], req['ssid'], req['addr'], req['last']),
               (RID, SSID, IOVA, 1), 'page request')
        r.smmu.set_q(r.leaf, r.buf | PAGE)
        r.smmu.sync(smmu.pri_resp(req))
        expect(r.ep.finish(0), (E.STATE_OK, 0), 'the DMA')
        expect(did(r, 'page_groups', 'page_responses'), (1, 1),
               'groups, answers')


@test
def the_hosts_number_is_seen_nowhere():
    with both(host=TRANSLATE[1]) as r:
        spend_host_pasids(r)
        req = asking(r)
        expect_true(host_pasid(r, SSID) not in (0, SSID), 'another number')
        expect(req['ssid'], SSID, 'page request')
        r.smmu.set_q(r.leaf, r.buf | PAGE)
        r.smmu.sync(smmu.pri_resp(req))
        expect(r.ep.finish(0), (E.STATE_OK, 0), 'the DMA')
        refused(r, OTHER, pasid=SSID)
        r.smmu.expect_event(smmu.F_TRANSLATION, ssid=SSID)


@rows(MODES)
def a_request_waits_for_the_hosts_memory(host, unit):
    """The guest's table of CDs, its tables, and the page."""
    with both(host=host + POST_COPY, unit=unit) as r:
        shared(r)
        r.ep.start(0, E.OP_WRITE, IOVA, 64, pasid=SSID, seed=5)
        expect(r.ep.state(0), E.STATE_WAIT_DMA, 'state')
        expect_true(brought(r) > 4, 'tables and the page are brought')
        expect(r.ep.finish(0), (E.STATE_OK, 0), 'the DMA')
        r.moves(IOVA, r.buf, pasid=SSID)
        r.smmu.expect_no_event()
        expect(host_faults(r), [], 'faults of the host')


@test
def a_wait_for_the_host_becomes_a_stall():
    """Once the tables are there, the page is the guest's to bring."""
    with both(host=POST_COPY) as r:
        leaf = shared(r, mapped=False)
        r.ep.start(0, E.OP_WRITE, IOVA, 64, pasid=SSID, seed=5)
        for _ in range(16):
            r.smmu.expect_no_event()
            r.vm.step(DELAY)
            r.vm.qmp('query-status')
            if did(r, 'stalls'):
                break
        event = r.smmu.expect_event(smmu.F_TRANSLATION, stall=1, ssid=SSID)
        r.smmu.set_q(leaf, r.buf | PAGE)
        r.smmu.sync(smmu.resume(event))
        brought(r)
        expect(r.ep.finish(0), (E.STATE_OK, 0), 'the DMA')


# --- invalidation ----------------------------------------------------------------

@rows(MODES)
def a_page_is_invalidated(host, unit):
    with both(host=host, unit=unit) as r:
        leaf = shared(r)
        r.moves(IOVA, r.buf, pasid=SSID)
        other = r.heap.alloc()
        r.smmu.set_q(leaf, other | PAGE)
        for miss in (smmu.tlbi_va(OTHER), smmu.tlbi_va(IOVA, asid=7),
                     smmu.tlbi_asid(7)):
            r.smmu.sync(miss)
            r.moves(IOVA, r.buf, pasid=SSID)    # the host's cache
        r.smmu.sync(smmu.tlbi_va(IOVA))
        r.moves(IOVA, other, pasid=SSID)
        expect(did(r, 'unbinds'), 0, 'bindings that ended')


@rows(MODES)
def a_sync_is_held_by_the_device(host, unit):
    with both(host=host, unit=unit) as r:
        shared(r)
        r.ep.all_on()
        r.ep.must(0, E.OP_WRITE, IOVA, 64, pasid=SSID, mode=E.MODE_ATS)
        r.ep.set_reg(E.INJ_INV_HOLD, 1)
        r.smmu.post(*smmu.atc_inv(RID, ssid=SSID))
        r.smmu.post(0x46)
        r.smmu.ring()
        r.vm.qmp('query-status')
        held = r.smmu.rd(smmu.CMDQ_CONS) & 127
        expect_true(held != r.smmu.prod, 'CMD_SYNC is held')
        r.ep.set_reg(E.COMMAND, E.CMD_RELEASE)
        r.vm.wait(lambda: r.smmu.rd(smmu.CMDQ_CONS) & 127 == r.smmu.prod,
                  'CMD_SYNC is consumed')
        expect(r.smmu.error(), 0, 'GERROR.CMDQ_ERR')


@test
def a_device_that_never_answers():
    with both(host=f',ats-timeout={SECOND}',
              unit=f',ats-timeout={2 * SECOND}') as r:
        shared(r)
        r.ep.all_on()
        r.ep.must(0, E.OP_WRITE, IOVA, 64, pasid=SSID, mode=E.MODE_ATS)
        r.ep.set_reg(E.INJ_INV_DROP, 1)
        r.smmu.post(*smmu.atc_inv(RID, ssid=SSID))
        r.smmu.post(0x46)
        r.smmu.ring()
        r.vm.step(SECOND)
        expect(r.smmu.error(), 0, 'GERROR.CMDQ_ERR')
        r.vm.step(SECOND)
        expect(r.smmu.error(), 1, 'GERROR.CMDQ_ERR')
        expect(r.smmu.rd(smmu.CMDQ_CONS) >> 24 & 0x7f, 3, 'CERROR_ATC_INV_SYNC')
        expect(did(r, 'ats_timeouts', 'ats_completions'), (1, 0),
               'device-TLBs')


# --- life ----------------------------------------------------------------------------

@rows(MODES)
def reset_with_everything_outstanding(host, unit):
    with both(host=host, unit=unit) as r:
        stalled(r)
        old = r.host.guest
        r.vm.qmp('system_reset')
        r.vm.wait(lambda: r.host.guest != old, 'the reset')
        r.host.sound()
        if host != ',map-mode=delegated':
            expect(r.host.usage(), (0, 0, 0), 'live, parked, quarantined')
        r.smmu = smmu.Smmu(r.vm, r.heap)
        r.ep = Endpoint(r.vm)
        shared(r)
        r.moves(IOVA, r.buf, pasid=SSID)


@test
def explained_in_both_halves():
    with both() as r:
        shared(r)
        r.moves(IOVA, r.buf, pasid=SSID)
        e = r.vm.qmp('x-im-explain', requester='ep', address=hex(IOVA),
                     pasid=SSID)
        expect([s['what'] for s in e['steps']].count('result'), 2, 'halves')
        expect((e['granted'], int(e['address'], 16)), (True, r.buf), 'granted')


standing.again([*MODES[:3], WIDE], ['smmu_dma'], (
    'no-smmu', 'no-iommu',              # there is none
    'several-messages'))                # of which the host is told
standing.again([MODES[1], TRANSLATE], ['smmu_hostile'])

main()
