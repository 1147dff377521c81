# SPDX-License-Identifier: GPL-2.0-or-later
"""DMA of pasid-endpoint and of an ordinary device through smmuv3-model."""

import zlib

import pcie
import smmu
from edu import EDU, EDU_RID, Edu
from endpoint import E, Endpoint, pattern
from harness import Machine, expect, expect_true, main, rows, test
from smmu import IOVA, NG, RID, RO, SSID, USER, Rig, Smmu, shared

PAGE = smmu.PAGE | USER | NG

SECOND = 1_000_000_000


# --- the unit off ------------------------------------------------------------

@rows([('no-smmu', ()), ('smmu-off', smmu.SMMU)])
def untranslated(iommu):
    with Rig(iommu=iommu) as r:
        r.moves(r.buf, r.buf)


@test
def gbpa_abort_stops_everything_and_says_nothing():
    with Rig() as r:
        r.smmu.start(cr0=smmu.EVTQEN | smmu.CMDQEN)
        r.smmu.wr(smmu.GBPA, 1 << 31 | 1 << 20)
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_WRITE, r.buf, 64)
        expect(r.vm.read(r.buf, 8), 0, 'memory')
        r.smmu.expect_no_event()
        r.smmu.wr(smmu.GBPA, 1 << 31)
        r.moves(r.buf, r.buf)


@rows([('pasid', dict(pasid=1)),
       ('translated', dict(mode=E.MODE_RAW, ctrl=2 << 8))])
def no_iommu_at_all(request):
    with Rig(iommu=()) as r:
        r.ep.pasid_on()
        r.ep.ats_on()
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_WRITE, r.buf, 64, **request)


# --- streams without a substream ----------------------------------------------

@test
def stream_bypass():
    with Rig() as r:
        r.smmu.start()
        r.smmu.ste(RID, smmu.BYPASS)
        r.moves(r.buf, r.buf)
        r.smmu.expect_no_event()


@rows([('4k', 12), ('2m', 21), ('1g', 30)])
def stage_1(page):
    with Rig() as r:
        r.smmu.start()
        cd, top = r.heap.alloc(), r.heap.alloc()
        r.smmu.set_q(cd, *r.smmu.cd_words(top))
        r.smmu.ste(RID, smmu.S1, cd)
        base = IOVA & -(1 << page)
        r.smmu.map(top, base, r.buf & -(1 << page), page=page)
        r.moves(base + (r.buf & (1 << page) - 1), r.buf)
        r.smmu.expect_no_event()


@test
def stage_2():
    with Rig() as r:
        r.smmu.start()
        top = r.heap.alloc()
        r.smmu.ste(RID, smmu.S2, s2ttb=top, eats=0)
        r.smmu.map2(top, 0x712345000, r.buf)
        r.moves(0x712345000, r.buf)
        r.smmu.expect_no_event()


@rows([
    ('no-ste', smmu.C_BAD_STE, lambda r: None),
    ('not-mapped', smmu.F_TRANSLATION,
     lambda r: r.smmu.ste(RID, smmu.S1, one_cd(r))),
])
def fault_is_recorded(code, prepare):
    with Rig() as r:
        r.smmu.start()
        prepare(r)
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_WRITE, IOVA, 64)
        e = r.smmu.expect_event(code, sid=RID, ssv=0, stall=0)
        if code == smmu.F_TRANSLATION:
            expect((e['addr'], e['rnw'], e['cls']), (IOVA, 0, 2), 'event')
        r.smmu.expect_no_event()


def one_cd(r, **kw):
    cd = r.heap.alloc()
    r.smmu.set_q(cd, *r.smmu.cd_words(r.heap.alloc(), **kw))
    return cd


# --- nested -------------------------------------------------------------------

def nested(r, eats=1, **kw):
    """Stage 2 maps memory onto itself; stage 1 one page of a substream."""
    r.smmu.start()
    s2 = r.heap.alloc()
    r.smmu.map2(s2, 0x40000000, 0x40000000, page=30)
    r.smmu.stream(RID, smmu.NESTED, s2ttb=s2, eats=eats, **kw)
    r.ep.all_on()
    r.space()
    return s2


@test
def both_stages():
    with Rig() as r:
        nested(r)
        r.moves(IOVA, r.buf, pasid=SSID)
        r.moves(IOVA, r.buf, pasid=SSID, mode=E.MODE_ATS)
        r.smmu.expect_no_event()


@test
def stage_2_fault_names_the_intermediate_address():
    with Rig() as r:
        nested(r)
        r.space(pa=0x90000000)
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_READ, IOVA, 64, pasid=SSID)
        r.smmu.expect_event(smmu.F_TRANSLATION, s2=1, cls=2, addr=IOVA,
                            ipa=0x90000000, stall=0)


@test
def split_stage_ats():
    """The function gets an intermediate address; stage 2 follows it."""
    with Rig() as r:
        s2 = nested(r, eats=2)
        r.smmu.map2(s2, 0x80000000, 0x40000000, page=30)
        r.space(pa=r.buf + 0x40000000)
        r.moves(IOVA, r.buf, 64, pasid=SSID, mode=E.MODE_ATS)
        r.smmu.expect_no_event()


@rows([('read', E.OP_READ, 0), ('write', E.OP_WRITE, 0)])
def hardware_sets_flags(op, _):
    with Rig() as r:
        r.smmu.start()
        r.smmu.stream(RID)
        r.ep.pasid_on()
        top = r.heap.alloc()
        r.smmu.cd(RID, SSID, top)
        leaf = r.smmu.map(top, IOVA, r.buf)
        at = r.smmu.q(r.smmu.cds[RID] + (SSID >> 6) * 8) & ~0xfff
        cd = at + (SSID & 63) * 64
        r.smmu.set_q(cd, r.smmu.q(cd) | 3 << 42)        # HD, HA
        # no AF; writable when dirty: DBM, read-only
        was = r.buf | PAGE & ~(1 << 10) | RO | 1 << 51
        r.smmu.set_q(leaf, was)
        r.ep.must(0, op, IOVA, 64, pasid=SSID)
        expect(r.smmu.q(leaf), (was | 1 << 10) & ~(RO if op == E.OP_WRITE
                                                   else 0), 'descriptor')


# --- substreams ---------------------------------------------------------------

@rows([('1', 1), ('middle', SSID), ('last', 0xfffff)])
def substream(ssid):
    with Rig() as r:
        r.smmu.start()
        r.smmu.stream(RID)
        r.ep.pasid_on()
        r.space(ssid)
        r.moves(IOVA, r.buf, pasid=ssid)
        r.smmu.expect_no_event()
        x = r.explain(IOVA, pasid=ssid)
        expect((x['granted'], x['address']), (True, r.buf), 'explained')


@test
def two_substreams_and_the_stream_itself():
    """S1DSS=2: what has no SubstreamID uses context 0."""
    with Rig() as r:
        r.smmu.start()
        r.smmu.stream(RID)
        r.ep.pasid_on()
        pages = {None: r.buf, 1: r.heap.alloc(), 9: r.heap.alloc()}
        for ssid, pa in pages.items():
            r.space(ssid or 0, pa=pa, asid=1 + (ssid or 0))
        for ssid, pa in pages.items():
            r.moves(IOVA, pa, 256, pasid=ssid)


@rows([
    ('read-only', RO | USER, dict(), 0),
    ('privileged-page', 0, dict(), 0),
])
def permission_fault(flags, kw, _):
    with Rig() as r:
        r.smmu.start()
        r.smmu.stream(RID)
        r.ep.pasid_on()
        r.space(flags=flags, **kw)
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_WRITE, IOVA, 64, pasid=SSID)
        r.smmu.expect_event(smmu.F_PERMISSION, sid=RID, ssv=1, ssid=SSID,
                            rnw=0, pnu=0, addr=IOVA, stall=0)


@test
def substream_beyond_the_table():
    with Rig() as r:
        r.smmu.start()
        r.smmu.stream(RID, cdmax=10)
        r.ep.pasid_on()
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_READ, IOVA, 64, pasid=1024)
        r.smmu.expect_event(smmu.C_BAD_SUBSTREAMID, sid=RID, ssid=1024)


# A=0: what faults reads as zero, writes are ignored, the device sees success
@rows([('recorded', 1), ('silent', 0)])
def fault_model_reads_zero(record):
    with Rig() as r:
        shared(r, mapped=False, s=0, rec=record, a=0)
        r.ep.must(0, E.OP_WRITE, IOVA, 64, pasid=SSID, seed=3)
        if record:
            r.smmu.expect_event(smmu.F_TRANSLATION, rnw=0)
        r.smmu.expect_no_event()
        r.ep.must(0, E.OP_READ, IOVA, 64, pasid=SSID)
        expect(r.ep.reg(r.ep.ch(0, E.CH_CRC)), zlib.crc32(bytes(64)),
               'CRC of zeroes')


# --- stalls -------------------------------------------------------------------

def stalled(r, op=E.OP_WRITE, ch=0, **kw):
    r.ep.start(ch, op, IOVA, 64, pasid=SSID, seed=5, **kw)
    r.vm.wait(lambda: r.ep.state(ch) == E.STATE_WAIT_DMA, 'the DMA waits')
    return r.smmu.expect_event(smmu.F_TRANSLATION, sid=RID, ssv=1,
                               ssid=SSID, stall=1, addr=IOVA,
                               rnw=int(op == E.OP_READ))


@rows([('write', E.OP_WRITE), ('read', E.OP_READ)])
def stall_page_appears_resume(op):
    with Rig() as r:
        leaf = shared(r, mapped=False)
        event = stalled(r, op)
        r.smmu.set_q(leaf, r.buf | PAGE)
        r.smmu.sync(smmu.resume(event))
        expect(r.ep.finish(0), (E.STATE_OK, E.CAUSE_NONE), 'the DMA')
        if op == E.OP_WRITE:
            expect_true(r.vm.read_bytes(r.buf, 64) == pattern(5, 64),
                        'the data is there')
        r.smmu.expect_no_event()
        expect(r.counters()['stalls_resumed'], 1, 'stalls_resumed')


@test
def resume_without_a_page_stalls_anew():
    with Rig() as r:
        shared(r, mapped=False)
        first = stalled(r)
        r.smmu.sync(smmu.resume(first))
        r.smmu.expect_event(smmu.F_TRANSLATION, stall=1, addr=IOVA)
        expect(r.ep.state(0), E.STATE_WAIT_DMA, 'the DMA still waits')


@rows([
    ('abort', 0, 1, (E.STATE_ERROR, E.CAUSE_DMA_UR)),
    ('reads-zero-writes-ignored', 0, 0, (E.STATE_OK, E.CAUSE_NONE)),
])
def resume_ends(ac, ab, end):
    with Rig() as r:
        shared(r, mapped=False)
        event = stalled(r)
        r.smmu.sync(smmu.resume(event, ac, ab))
        expect(r.ep.finish(0), end, 'state and cause')
        r.smmu.expect_no_event()


@test
def stall_term_ends_all_of_the_stream():
    with Rig() as r:
        shared(r, mapped=False)
        for ch in range(3):
            stalled(r, ch=ch)
        r.smmu.sync(smmu.stall_term(RID))
        for ch in range(3):
            expect(r.ep.finish(ch), (E.STATE_ERROR, E.CAUSE_DMA_UR), 'DMA')
        expect(r.counters()['stalls_terminated'], 3, 'stalls_terminated')


@test
def unit_off_ends_what_is_stalled():
    with Rig() as r:
        shared(r, mapped=False)
        stalled(r)
        r.smmu.cr0(smmu.CMDQEN | smmu.EVTQEN)
        r.vm.wait(lambda: r.ep.state(0) != E.STATE_WAIT_DMA, 'the DMA ends')


@test
def system_reset_ends_what_is_stalled():
    with Rig() as r:
        shared(r, mapped=False)
        stalled(r)
        r.vm.qmp('system_reset')
        r.vm.wait(lambda: r.smmu.rd(smmu.CR0) == 0, 'reset')
        expect(r.counters()['stalls_terminated'] <= 1, True, 'terminated')


@test
def function_reset_ends_what_is_stalled():
    """FLR: the event stays, its RESUME finds nothing."""
    with Rig() as r:
        shared(r, mapped=False)
        event = stalled(r)
        r.ep.set_cfg(r.ep.cap(pcie.CAP_EXP) + 8, 1 << 15, 2)
        r.smmu.sync(smmu.resume(event))
        r.smmu.expect_no_event()
        r.ep.enable(r.vm.window)
        expect(r.ep.state(0), E.STATE_IDLE, 'the channel')


@test
def function_unplugged_while_stalled():
    rid = pcie.rid(1, 0)
    with Machine(*smmu.SMMU, '-device',
                 'pcie-root-port,id=rp,chassis=1,addr=3', '-device',
                 'pasid-endpoint,bus=rp,id=ep', machine=smmu.VIRT) as vm:
        port = pcie.enable_bridge(vm, 3, 1, 0)
        ep, unit = Endpoint(vm, 1, 0), Smmu(vm)
        unit.start()
        unit.stream(rid)
        unit.cd(rid, SSID, unit.heap.alloc(), s=1)
        ep.pasid_on()
        ep.start(0, E.OP_WRITE, IOVA, 64, pasid=SSID)
        vm.wait(lambda: ep.state(0) == E.STATE_WAIT_DMA, 'the DMA waits')
        event = unit.expect_event(smmu.F_TRANSLATION, stall=1, sid=rid)
        vm.qmp('device_del', id='ep')
        # as a driver of the slot: power indicator and controller off
        port.set_cfg(port.cap(pcie.CAP_EXP) + 0x18, 0x0400 | 0x0300 | 0x00c0,
                     2)
        vm.wait(lambda: vm.qmp('query-status') and
                any(e['event'] == 'DEVICE_DELETED' for e in vm.events),
                'the function is gone')
        unit.sync(smmu.resume(event))
        unit.sync(smmu.stall_term(rid))


# --- ordinary devices ---------------------------------------------------------

@test
def ordinary_device_is_translated_and_cannot_stall():
    with Rig(*EDU) as r:
        r.smmu.start()
        cd, top = r.heap.alloc(), r.heap.alloc()
        r.smmu.set_q(cd, *r.smmu.cd_words(top, s=1))
        r.smmu.ste(EDU_RID, smmu.S1, cd)
        r.smmu.map(top, IOVA, r.buf)
        edu = Edu(r.vm)
        expect(edu.writes((IOVA, r.buf), 0x1234567), 0x1234567, 'memory')
        r.smmu.expect_no_event()
        edu.dma(0x40000, IOVA + 0x1000, 8, True)
        r.smmu.expect_event(smmu.F_TRANSLATION, sid=EDU_RID, stall=0,
                            addr=IOVA + 0x1000)


@test
def ordinary_device_reads_zero_where_the_fault_model_says_so():
    with Rig(*EDU) as r:
        r.smmu.start()
        r.smmu.ste(EDU_RID, smmu.S1, one_cd(r, a=0))
        edu = Edu(r.vm)
        r.vm.write(r.buf, 0x55, 8)
        edu.dma(IOVA, 0x40000, 8, False)        # zeroes into its buffer
        r.smmu.ste(EDU_RID, smmu.BYPASS)
        r.smmu.invalidate_all()
        edu.dma(0x40000, r.buf, 8, True)
        expect(r.vm.read(r.buf, 8), 0, 'what it had read')


@rows([('on', smmu.SMMUEN | smmu.CMDQEN | smmu.EVTQEN), ('off', 0)])
def ordinary_device_follows_the_switch(cr0):
    with Rig(*EDU) as r:
        edu = Edu(r.vm)
        expect(edu.writes((r.buf, r.buf), 0x77), 0x77, 'before')
        r.smmu.start(cr0)
        if cr0:
            r.smmu.ste(EDU_RID, smmu.BYPASS)
        expect(edu.writes((r.buf, r.buf), 0x78), 0x78, 'after')


# --- invalidation ---------------------------------------------------------------

@rows([
    ('va', lambda: smmu.tlbi_va(IOVA)),
    ('asid', lambda: smmu.tlbi_asid(1)),
    ('vmid', lambda: (0x10, 0)),
    ('everything', lambda: (0x30, 0)),
])
def invalidation_makes_a_change_seen(command):
    with Rig() as r:
        leaf = shared(r)
        r.moves(IOVA, r.buf, 64, pasid=SSID)
        other = r.heap.alloc()
        r.smmu.set_q(leaf, other | PAGE)
        r.smmu.sync(command())
        r.moves(IOVA, other, 64, pasid=SSID)


# --- ATS ------------------------------------------------------------------------

@test
def translation_is_fetched_once_and_invalidated():
    with Rig() as r:
        leaf = shared(r)
        r.ep.all_on()
        r.moves(IOVA, r.buf, 64, pasid=SSID, mode=E.MODE_ATS)
        expect(r.ep.stat(E.STAT_ATS_REQUESTS), 1, 'translation requests')
        expect(r.ep.reg(E.ATC_USED), 1, 'ATC entries')
        other = r.heap.alloc()
        r.smmu.set_q(leaf, other | PAGE)
        r.smmu.sync(smmu.tlbi_va(IOVA), smmu.atc_inv(RID, IOVA, 0, SSID))
        expect(r.ep.reg(E.ATC_USED), 0, 'ATC entries')
        r.moves(IOVA, other, 64, pasid=SSID, mode=E.MODE_ATS)
        c = r.counters()
        expect((c['ats_invalidations'], c['ats_completions'],
                c['ats_timeouts']), (1, 1, 0), 'counters')


@test
def ats_never_stalls():
    with Rig() as r:
        shared(r, mapped=False)
        r.ep.all_on()
        r.ep.must_fail(E.CAUSE_NO_PERMISSION, 0, E.OP_WRITE, IOVA, 64,
                       pasid=SSID, mode=E.MODE_ATS)
        r.smmu.expect_no_event()


@test
def ats_off_for_the_stream_is_unsupported():
    with Rig() as r:
        r.smmu.start()
        r.smmu.stream(RID, eats=0)
        r.ep.all_on()
        r.space()
        r.ep.must_fail(E.CAUSE_ATS_UR, 0, E.OP_WRITE, IOVA, 64, pasid=SSID,
                       mode=E.MODE_ATS)
        r.smmu.expect_event(smmu.F_BAD_ATS_TREQ, sid=RID)
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_WRITE, r.buf, 64,
                       mode=E.MODE_RAW, ctrl=2 << 8)
        r.smmu.expect_event(smmu.F_TRANSL_FORBIDDEN, sid=RID)


@rows([('last', 3, False), ('eight', 8, False), ('withheld', 3, True)])
def invalidation_completed_by_several_messages(count, withheld):
    with Rig() as r:
        shared(r)
        r.ep.ats_on()
        r.ep.set_reg(E.INJ_INV_CC, count |
                     (E.INJ_INV_CC_WITHHOLD if withheld else 0))
        r.smmu.post(*smmu.atc_inv(RID, IOVA, 0, SSID))
        r.smmu.post(0x46)               # CMD_SYNC
        r.smmu.ring()
        if not withheld:
            r.vm.wait(lambda: r.smmu.rd(smmu.CMDQ_CONS) & 127 == r.smmu.prod,
                      'CMD_SYNC is done')
        r.vm.step(11 * SECOND)
        if withheld:
            r.vm.wait(r.smmu.error, 'GERROR.CMDQ_ERR')
        expect(r.smmu.rd(smmu.CMDQ_CONS) >> 24 & 127, 3 if withheld else 0,
               'CMDQ_CONS.ERR')
        expect(r.counters()['ats_timeouts'], withheld, 'ats_timeouts')
        expect(r.ep.stat(E.STAT_INV_COMPLETIONS), count - withheld,
               'messages')


@test
def atc_of_nobody_times_out_by_virtual_time():
    with Rig() as r:
        r.smmu.start()
        r.smmu.post(*smmu.atc_inv(pcie.rid(0, 20)))
        r.smmu.post(0x46)
        r.smmu.ring()
        expect(r.smmu.rd(smmu.CMDQ_CONS) & 127, 1, 'CMD_SYNC waits')
        expect(r.smmu.error(), 0, 'no error yet')
        r.vm.step(11 * SECOND)
        r.vm.wait(r.smmu.error, 'GERROR.CMDQ_ERR')
        expect(r.smmu.rd(smmu.CMDQ_CONS) >> 24 & 127, 3, 'CMDQ_CONS.ERR')
        expect(r.counters()['ats_timeouts'], 1, 'ats_timeouts')


# --- page requests ----------------------------------------------------------------

@rows([('success', 2, (E.STATE_OK, E.CAUSE_NONE)),
       ('failure', 0, None), ('invalid', 1, None)])
def page_request_answered(resp, end):
    with Rig() as r:
        leaf = shared(r, mapped=False)
        r.ep.all_on()
        r.ep.start(0, E.OP_WRITE, IOVA, 64, pasid=SSID, mode=E.MODE_AUTO)
        req = r.smmu.take_page_request()
        expect((req['sid'], req['ssv'], req['ssid'], req['addr'],
                req['write'], req['last']), (RID, 1, SSID, IOVA, 1, 1),
               'page request')
        if resp == 2:
            r.smmu.set_q(leaf, r.buf | PAGE)
        r.smmu.sync(smmu.pri_resp(req, resp))
        got = r.ep.finish(0)
        if end:
            expect(got, end, 'state and cause')
        else:
            expect(got[0], E.STATE_ERROR, 'state')
        c = r.counters()
        expect((c['page_requests'], c['page_responses']), (1, 1), 'counters')


@test
def page_requests_beyond_the_queue_are_answered_and_tried_again():
    with Rig() as r:
        leaf = shared(r, mapped=False)
        r.ep.all_on()
        r.smmu.cr0(smmu.ON & ~smmu.PRIQEN)
        r.smmu.wr(smmu.PRIQ_BASE, r.smmu.priq, 8)       # one entry
        r.smmu.cr0(smmu.ON)
        for ch in range(3):
            r.ep.start(ch, E.OP_WRITE, IOVA + 0x1000 * ch, 64, pasid=SSID,
                       mode=E.MODE_AUTO)
        expect(r.smmu.rd(smmu.PRIQ_PROD) >> 31, 1, 'PRIQ_PROD.OVFLG')
        expect_true(r.counters()['auto_responses'] >= 2, 'auto_responses')
        r.smmu.set_q(leaf, *(r.buf | PAGE for _ in range(3)))
        r.smmu.wr(smmu.PRIQ_CONS, r.smmu.rd(smmu.PRIQ_PROD))
        r.smmu.sync(pri_resp_of(r))
        for ch in range(3):
            expect(r.ep.finish(ch)[0] in (E.STATE_OK, E.STATE_ERROR), True,
                   'it ends')


def pri_resp_of(r):
    lo, hi = (r.smmu.q(r.smmu.priq + 8 * i) for i in range(2))
    return smmu.pri_resp({'ssv': lo >> 63, 'ssid': lo >> 32 & 0xfffff,
                          'sid': lo & 0xffffffff, 'prgi': hi & 0x1ff})


@test
def events_beyond_the_queue_are_lost_and_said_so():
    with Rig() as r:
        shared(r, mapped=False, s=0)
        for i in range(66):
            r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_READ, IOVA + i * 4096, 8,
                           pasid=SSID)
        expect(r.smmu.rd(smmu.EVTQ_PROD) >> 31, 1, 'EVENTQ_PROD.OVFLG')
        c = r.counters()
        expect((c['events_recorded'], c['events_dropped']), (64, 2), 'events')


@test
def page_request_with_the_queue_off_fails():
    with Rig() as r:
        shared(r, mapped=False)
        r.smmu.cr0(smmu.ON & ~smmu.PRIQEN)
        r.ep.all_on()
        r.ep.start(0, E.OP_WRITE, IOVA, 64, pasid=SSID, mode=E.MODE_AUTO)
        expect(r.ep.finish(0)[0], E.STATE_ERROR, 'state')
        expect(r.counters()['auto_responses'], 1, 'auto_responses')


if __name__ == '__main__':
    main()
