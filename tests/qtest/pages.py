# SPDX-License-Identifier: GPL-2.0-or-later
"""ATS and page requests of pasid-endpoint through vtd-model."""

import pcie
import vtd
from endpoint import E, field
from harness import expect, expect_true, main, rows, test
from rig import IOVA, RID, Rig, pending_vectors, scalable
from vtd import R, U, W, PageQueue

PASID = 0x23456
SECOND = 1_000_000_000


def shared(r, flags=R | W | U, present=True):
    """A process's address space: one page, mapped or not yet."""
    scalable(r)
    r.ep.all_on()
    r.queue = PageQueue(r.vtd)
    r.top = r.heap.alloc()
    r.vtd.pasid(RID, PASID, vtd.FS, fs=r.top)
    leaf = r.vtd.fs_map(r.top, IOVA, r.buf, flags)
    if not present:
        r.vtd.set_q(leaf, 0)
    return leaf


def log(ep, kind):
    """Log records of one kind, oldest first."""
    found = []
    count = ep.reg(E.LOG_COUNT)
    for n in range(max(0, count - E.LOG_RECORDS), count):
        at = E.LOG + n % E.LOG_RECORDS * E.LOG_STRIDE
        head = ep.reg(at)
        if field(head, E.LOG_HEAD_KIND) == kind:
            found.append({
                'code': field(head, E.LOG_HEAD_CODE),
                'flags': field(head, E.LOG_HEAD_FLAGS),
                'has_pasid': field(head, E.LOG_HEAD_HAS_PASID),
                'addr': ep.reg(at + E.LOG_ADDR),
                'pasid': field(ep.reg(at + E.LOG_PASID),
                               E.LOG_PASID_PASID),
                'arg': field(ep.reg(at + E.LOG_PASID), E.LOG_PASID_ARG),
            })
    return found


# --- ATS ---------------------------------------------------------------------

@test
def translation_is_fetched_once_and_used_again():
    with Rig() as r:
        shared(r)
        r.moves(IOVA, r.buf, pasid=PASID, mode=E.MODE_ATS)
        expect(r.ep.stat(E.STAT_ATS_REQUESTS), 1, 'translation requests')
        expect(r.ep.reg(E.ATC_USED), 1, 'ATC entries')
        r.vtd.expect_no_fault()


@rows([
    ('not-present', 0, E.OP_READ),
    ('read-only', R | U, E.OP_WRITE),
])
def missing_permission_is_no_fault(flags, op):
    with Rig() as r:
        leaf = shared(r)
        r.vtd.set_q(leaf, r.buf | flags if flags else 0)
        r.ep.must_fail(E.CAUSE_NO_PERMISSION, 0, op, IOVA, 64, pasid=PASID,
                       mode=E.MODE_ATS)
        r.vtd.expect_no_fault()


@rows([
    ('sre', 1, None), ('no-sre', 0, E.CAUSE_NO_PERMISSION),
])
def privileged_translation_request(sre, cause):
    with Rig() as r:
        shared(r)
        r.vtd.pasid(RID, PASID, vtd.FS, fs=r.top, sre=sre)
        kw = dict(pasid=PASID, mode=E.MODE_ATS, ctrl=E.CH_CTRL_PRIV)
        if cause is None:
            r.moves(IOVA, r.buf, **kw)
        else:
            r.ep.must_fail(cause, 0, E.OP_WRITE, IOVA, 64, **kw)


@test
def large_page_is_one_translation():
    with Rig() as r:
        scalable(r)
        r.ep.all_on()
        top = r.heap.alloc()
        r.vtd.pasid(RID, PASID, vtd.FS, fs=top)
        r.vtd.fs_map(top, 0x40000000, r.buf & -0x200000, page=21)
        r.ep.must(0, E.OP_READ, 0x40000000, 64 * 4096, pasid=PASID,
                  mode=E.MODE_ATS)
        expect(r.ep.stat(E.STAT_ATS_REQUESTS), 1, 'translation requests')
        r.ep.set_reg(E.ATC_INDEX, 0)
        sizes = []
        for i in range(field(r.ep.reg(E.CAP), E.CAP_ATC_ENTRIES)):
            r.ep.set_reg(E.ATC_INDEX, i)
            info = r.ep.reg(E.ATC_INFO)
            if info & E.ATC_INFO_VALID:
                sizes.append(field(info, E.ATC_INFO_LG2SIZE))
        expect(sizes, [21], 'sizes in the ATC')


@rows([
    ('ats-blocked-by-dte', 0x44, E.CAUSE_ATS_UR, dict(dte=False, pre=False)),
    ('pasid-blocked', 0x45, E.CAUSE_ATS_UR, dict(paside=False)),
])
def context_that_blocks(reason, cause, context):
    with Rig() as r:
        shared(r)
        r.vtd.context(RID, **context)
        r.vtd.invalidate_all()
        r.ep.must_fail(cause, 0, E.OP_WRITE, IOVA, 64, pasid=PASID,
                       mode=E.MODE_ATS)
        r.vtd.expect_fault(reason, rid=RID)


@test
def invalidation_reaches_the_atc_before_the_wait_completes():
    with Rig() as r:
        leaf = shared(r)
        r.moves(IOVA, r.buf, pasid=PASID, mode=E.MODE_ATS)
        other = r.heap.alloc()
        r.vtd.set_q(leaf, other | R | W | U)
        r.vtd.sync(vtd.piotlb_page(1, PASID, IOVA),
                   vtd.pasid_dev_tlb(RID, PASID, IOVA))
        expect(r.ep.reg(E.ATC_USED), 0, 'ATC entries')
        seen = log(r.ep, E.LOG_INVALIDATE)
        expect(len(seen), 1, 'invalidations logged')
        expect(seen[0]['addr'], IOVA, 'address')
        expect(seen[0]['pasid'], PASID, 'PASID')
        expect(seen[0]['code'], 12, 'size')
        r.moves(IOVA, other, pasid=PASID, mode=E.MODE_ATS)


@test
def completion_that_is_held_holds_the_wait():
    with Rig() as r:
        shared(r)
        r.ep.must(0, E.OP_READ, IOVA, 8, pasid=PASID, mode=E.MODE_ATS)
        r.ep.set_reg(E.INJ_INV_HOLD, 1)
        r.vtd.post(*vtd.pasid_dev_tlb(RID, PASID))
        r.vtd.post_wait(0x99)
        r.vtd.ring()
        expect_true(not r.vtd.waited(0x99), 'the wait does not complete')
        r.ep.set_reg(E.COMMAND, E.CMD_RELEASE)
        r.vm.wait(lambda: r.vtd.waited(0x99), 'the wait completes')
        expect(r.vtd.rd32(vtd.FSTS), 0, 'FSTS')


@test
def completion_that_is_lost_times_out_in_virtual_time():
    with Rig(iommu=('-device', f'vtd-model,ats-timeout={SECOND}')) as r:
        shared(r)
        r.ep.set_reg(E.INJ_INV_DROP, 1)
        r.vtd.post(*vtd.pasid_dev_tlb(RID, PASID))
        r.vtd.post_wait(0x99)
        r.vtd.ring()
        r.vm.step(SECOND - 1)
        expect(r.vtd.rd32(vtd.FSTS), 0, 'FSTS before the time')
        r.vm.step(2)
        expect(r.vtd.rd32(vtd.FSTS) & vtd.FSTS_ITE, vtd.FSTS_ITE, 'FSTS.ITE')
        expect(r.vtd.rd64(vtd.IQERCD) >> 32 & 0xffff, RID, 'ITESID')
        expect_true(not r.vtd.waited(0x99), 'the wait was aborted')
        r.vtd.wr32(vtd.FSTS, vtd.FSTS_ITE)
        r.vtd.sync(vtd.pasid_dev_tlb(RID, PASID), data=0x100)


@test
def invalidation_of_nobody_times_out():
    with Rig(iommu=('-device', f'vtd-model,ats-timeout={SECOND}')) as r:
        shared(r)
        r.vtd.post(*vtd.dev_tlb(pcie.rid(0, 9)))
        r.vtd.ring()
        r.vm.step(SECOND)
        expect(r.vtd.rd32(vtd.FSTS) & vtd.FSTS_ITE, vtd.FSTS_ITE, 'FSTS.ITE')


@rows([('last', 3, False), ('eight', 8, False), ('withheld', 3, True)])
def completion_of_several_messages(count, withheld):
    with Rig(iommu=('-device', f'vtd-model,ats-timeout={SECOND}')) as r:
        shared(r)
        r.ep.set_reg(E.INJ_INV_CC, count |
                     (E.INJ_INV_CC_WITHHOLD if withheld else 0))
        r.vtd.post(*vtd.pasid_dev_tlb(RID, PASID))
        r.vtd.post_wait(0x99)
        r.vtd.ring()
        expect(r.vtd.waited(0x99), not withheld, 'complete')
        r.vm.step(SECOND + 1)
        expect(r.vtd.rd32(vtd.FSTS), vtd.FSTS_ITE if withheld else 0, 'FSTS')
        expect(r.ep.stat(E.STAT_INV_COMPLETIONS), count - withheld,
               'messages')


@test
def completion_that_nobody_waits_for_sets_ice():
    with Rig() as r:
        shared(r)
        r.ep.set_reg(E.INJ_INV_DUP, 1)
        r.vtd.post(*vtd.pasid_dev_tlb(RID, PASID))
        r.vtd.ring()
        expect(r.vtd.rd32(vtd.FSTS) & vtd.FSTS_ICE, vtd.FSTS_ICE, 'FSTS.ICE')
        expect(r.vtd.rd64(vtd.IQERCD) >> 48, RID, 'ICESID')


@test
def translated_request_from_a_stale_entry_bypasses_the_walk():
    """A device that ignores an invalidation reaches what it knew (EP-11)."""
    with Rig() as r:
        leaf = shared(r)
        r.moves(IOVA, r.buf, pasid=PASID, mode=E.MODE_ATS)
        r.ep.set_reg(E.INJ_FLAGS, E.INJ_FLAGS_STALE)
        r.vtd.set_q(leaf, 0)
        r.vtd.sync(vtd.piotlb(1, PASID), vtd.pasid_dev_tlb(RID, PASID))
        r.moves(IOVA, r.buf, pasid=PASID, mode=E.MODE_ATS)


@test
def reserved_at_is_unsupported():
    with Rig() as r:
        shared(r)
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_WRITE, r.buf, 64,
                       mode=E.MODE_RAW, ctrl=3 << 8)
        expect(r.vm.read(r.buf, 8), 0, 'memory')


# --- page requests -----------------------------------------------------------

def auto(r, op=E.OP_WRITE, length=4096, **kw):
    r.ep.start(0, op, IOVA, length, pasid=PASID, mode=E.MODE_AUTO, seed=5,
               **kw)


@rows([('write', E.OP_WRITE, 0, 1), ('read', E.OP_READ, 1, 0)])
def fault_is_served(op, read, write):
    with Rig() as r:
        leaf = shared(r, present=False)
        auto(r, op)
        req = r.queue.take()
        for name, want in (('pp', 1), ('rid', RID), ('pasid', PASID),
                           ('addr', IOVA), ('write', write), ('last', 1),
                           ('priv', 0), ('exec', 0)):
            expect(req[name], want, f'page request: {name}')
        expect_true(req['read'] or not read, 'page request: read')
        expect(r.ep.state(0), E.STATE_WAIT_PAGE, 'state of the channel')
        expect(r.vtd.rd32(vtd.PRS), 1, 'PRS.PPR')
        r.vtd.set_q(leaf, r.buf | R | W | U)
        r.queue.respond(req)
        expect(r.ep.finish(0), (E.STATE_OK, 0), 'state and cause')
        expect(r.ep.stat(E.STAT_PAGE_GROUPS), 1, 'groups')
        expect(r.ep.stat(E.STAT_PAGE_RESPONSES), 1, 'responses')
        r.vtd.expect_no_fault()


@test
def a_range_is_asked_for_in_groups():
    with Rig() as r:
        shared(r, present=False)
        pages = 20
        auto(r, length=pages * 4096)
        served = set()
        while r.ep.running(0):
            group = [r.queue.take()]
            while not group[-1]['last']:
                group.append(r.queue.take())
            expect(len({q['prgi'] for q in group}), 1, 'PRGIs of a group')
            for q in group:
                expect_true(q['addr'] not in served, 'a page asked once')
                served.add(q['addr'])
                r.vtd.fs_map(r.top, q['addr'], r.heap.alloc())
            r.queue.respond(group[-1])
            r.vm.wait(lambda: not r.ep.running(0) or r.queue.pending(),
                      'the channel goes on')
        expect(r.ep.finish(0), (E.STATE_OK, 0), 'state and cause')
        expect(served, {IOVA + i * 4096 for i in range(pages)}, 'pages')


@rows([
    ('invalid', 1, E.CAUSE_RESP_INVALID), ('failure', 0xf,
                                           E.CAUSE_RESP_FAILURE),
    ('reserved-2', 2, E.CAUSE_RESP_FAILURE),
])
def refused_page(code, cause):
    with Rig() as r:
        shared(r, present=False)
        auto(r)
        r.queue.respond(r.queue.take(), code)
        expect(r.ep.finish(0), (E.STATE_ERROR, cause), 'state and cause')
        expect(r.ep.reg(r.ep.ch(0, E.CH_BADADDR)), IOVA, 'bad address')


@test
def channel_that_a_response_ends_interrupts_at_once():
    """The response is sent while the write of IQT is still under way."""
    with Rig() as r:
        shared(r, present=False)
        r.ep.msix(2, 0xfee00000, 0x62)
        auto(r, vector=2)
        r.queue.respond(r.queue.take(), 1)
        r.ep.finish(0)
        expect(pending_vectors(r.vm), {0x62}, 'vectors')


@test
def response_that_never_comes():
    with Rig(ep=('-device', 'pasid-endpoint,addr=4,id=ep,'
                 f'page-timeout={SECOND}')) as r:
        shared(r, present=False)
        auto(r)
        r.queue.take()
        r.vm.step(SECOND - 1)
        expect(r.ep.state(0), E.STATE_WAIT_PAGE, 'before the time')
        r.vm.step(2)
        expect(r.ep.finish(0), (E.STATE_ERROR, E.CAUSE_PAGE_TIMEOUT),
               'state and cause')


@test
def served_but_not_mapped_ends():
    with Rig() as r:
        shared(r, present=False)
        auto(r)
        rounds = 0
        while r.ep.running(0):
            r.queue.respond(r.queue.take())
            rounds += 1
            r.vm.wait(lambda: not r.ep.running(0) or r.queue.pending(),
                      'the channel goes on')
            expect_true(rounds < 100, 'the channel gives up')
        expect(r.ep.finish(0), (E.STATE_ERROR, E.CAUSE_RETRIES),
               'state and cause')


def raw_request(r, ctrl, pasid=PASID, addr=IOVA, prgi=3):
    r.ep.set_reg(E.PR_ADDR, addr)
    r.ep.set_reg(E.PR_PASID, pasid)
    r.ep.set_reg(E.PR_CTRL, ctrl | prgi << 16)
    r.ep.set_reg(E.PR_GO, 1)
    expect(field(r.ep.reg(E.PR_STATUS), E.PR_STATUS_STATE), E.RAW_SENT,
           'page request sent')


RWLP = E.PR_CTRL_READ | E.PR_CTRL_WRITE | E.PR_CTRL_LAST | E.PR_CTRL_PASID


def raw_response(r):
    resp = r.ep.reg(E.PR_RESP)
    if not resp & E.PR_RESP_VALID:
        return None
    return field(resp, E.PR_RESP_CODE)


@test
def raw_request_arrives_as_sent():
    with Rig() as r:
        shared(r)
        raw_request(r, RWLP | E.PR_CTRL_PRIV, prgi=0x155)
        req = r.queue.take()
        for name, want in (('prgi', 0x155), ('priv', 1), ('read', 1),
                           ('write', 1), ('last', 1), ('pasid', PASID)):
            expect(req[name], want, name)
        r.queue.respond(req)
        expect(raw_response(r), 0, 'response code')


@rows([
    ('context-without-pre', 0x47, dict(pre=False), PASID),
    ('no-pasid-entry', 0x59, {}, PASID + 1),
])
def unservable_request_is_answered_invalid(reason, context, pasid):
    with Rig() as r:
        shared(r)
        if context:
            r.vtd.context(RID, **context)
            r.vtd.invalidate_all()
        raw_request(r, RWLP, pasid)
        expect(raw_response(r), 1, 'response code: invalid request')
        expect_true(not r.queue.pending(), 'nothing is queued')
        r.vtd.expect_fault(reason, rid=RID)


@test
def full_queue_answers_success_and_sets_overflow():
    with Rig() as r:
        shared(r)
        r.ep.pri_on(512)
        for n in range(127):
            raw_request(r, RWLP | E.PR_CTRL_FORCE, prgi=n)
        expect(r.vtd.rd32(vtd.PRS), 1, 'PRS before overflow')
        raw_request(r, RWLP | E.PR_CTRL_FORCE, prgi=200)
        expect(r.vtd.rd32(vtd.PRS), 3, 'PRS.PRO')
        expect(raw_response(r), 0, 'response code: success')


@rows([(name, at) for name, at in (
    ('own-registers', vtd.BASE), ('pci-hole', 0xc8000000),
    ('beyond-memory', 0x7f00000000))])
def queue_not_in_memory(at):
    """Nothing is specified for it; nothing must break."""
    with Rig() as r:
        shared(r)
        before = r.vtd.rd32(vtd.GSTS)
        r.vtd.wr64(vtd.PQA, at)
        raw_request(r, RWLP)
        expect(r.vtd.rd32(vtd.GSTS), before, 'GSTS')
        r.vtd.sync(vtd.ctx_global())


@test
def response_for_nobody_is_lost_without_harm():
    with Rig() as r:
        shared(r)
        r.vtd.sync(vtd.page_response(pcie.rid(0, 9), 1, 0, PASID),
                   vtd.page_response(RID, 7, 0, PASID))
        expect(r.ep.stat(E.STAT_RESPONSES_UNEXPECTED), 1, 'unexpected')


# --- reset and removal -------------------------------------------------------

def flr(ep):
    exp = ep.cap(pcie.CAP_EXP)
    ep.set_cfg(exp + 8, ep.cfg(exp + 8, 2) | 1 << 15, 2)


@test
def flr_with_a_page_request_outstanding():
    with Rig() as r:
        leaf = shared(r, present=False)
        auto(r)
        req = r.queue.take()
        flr(r.ep)
        expect(r.ep.cfg(pcie.COMMAND, 2) & 6, 0, 'Command after the reset')
        r.ep.enable(pcie.WINDOW)
        expect(r.ep.state(0), E.STATE_IDLE, 'state of the channel')
        r.queue.respond(req)            # too late, and nobody minds
        r.vtd.set_q(leaf, r.buf | R | W | U)
        r.ep.all_on()
        r.moves(IOVA, r.buf, pasid=PASID, mode=E.MODE_AUTO)
        expect(log(r.ep, E.LOG_RESET)[-1]['code'], 1, 'reset logged as FLR')


@test
def system_reset_with_a_page_request_outstanding():
    with Rig() as r:
        shared(r, present=False)
        auto(r)
        r.queue.take()
        r.vm.qmp('system_reset')
        r.vm.wait(lambda: r.vtd.rd32(vtd.GSTS) == 0, 'reset')
        pcie.enable_ecam(r.vm)
        r.ep.enable(pcie.WINDOW)
        expect(r.ep.state(0), E.STATE_IDLE, 'state of the channel')
        r.moves(r.buf, r.buf)


@test
def unplug_with_a_page_request_outstanding():
    port = ('-device', 'pcie-root-port,id=p,addr=5,chassis=1')
    native = ('-global',
              'ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off')
    below = ('-device', 'pasid-endpoint,bus=p,addr=0,id=gone')
    with Rig(*native, *port, *below) as r:
        pcie.enable_bridge(r.vm, 5, 1, 1)
        rid = pcie.rid(1, 0)
        shared(r, present=False)
        here, r.ep = r.ep, type(r.ep)(r.vm, 1, 0, 1)
        r.ep.all_on()
        r.vtd.context(rid)
        r.vtd.pasid(rid, PASID, vtd.FS, fs=r.top)
        auto(r)
        req = r.queue.take()
        expect(req['rid'], rid, 'requester')
        r.vm.qmp('device_del', id='gone')
        port5 = pcie.Function(r.vm, 0, 5)
        exp = port5.cap(pcie.CAP_EXP)
        # attention button: the software side of a native hot unplug
        port5.set_cfg(exp + 0x18, port5.cfg(exp + 0x18, 2) | 0x700, 2)
        r.vm.step(6 * SECOND)
        devices = '/machine/peripheral'
        r.vm.wait(lambda: not any(p['name'] == 'gone' for p in
                                  r.vm.qmp('qom-list', path=devices)),
                  'the device is gone')
        r.queue.respond(req)
        r.ep = here
        r.ep.must(0, E.OP_NONE, 0, 0)


@test
def no_dma_in_d3():
    with Rig() as r:
        leaf = shared(r, present=False)
        auto(r)
        req = r.queue.take()
        pm = r.ep.cap(pcie.CAP_PM)
        r.ep.set_cfg(pm + 4, 3, 2)
        expect(r.ep.cfg(pm + 4, 2) & 3, 3, 'PMCSR.PowerState')
        r.vtd.set_q(leaf, r.buf | R | W | U)
        r.queue.respond(req)
        r.vm.step(1000)
        r.ep.set_cfg(pm + 4, 0, 2)
        expect_true(not r.ep.running(0), 'the operation ended')
        expect(r.vm.read(r.buf, 8), 0, 'memory')
        r.moves(IOVA, r.buf, pasid=PASID, mode=E.MODE_AUTO)


@test
def two_endpoints_fault_at_once():
    with Rig('-device', 'pasid-endpoint,addr=6') as r:
        shared(r, present=False)
        second = type(r.ep)(r.vm, 0, 6, 1)
        rid2 = pcie.rid(0, 6)
        second.all_on()
        r.vtd.context(rid2)
        top2, buf2 = r.heap.alloc(), r.heap.alloc()
        r.vtd.pasid(rid2, PASID, vtd.FS, fs=top2, did=2)
        auto(r)
        second.start(0, E.OP_FILL, IOVA, 8, pasid=PASID, mode=E.MODE_AUTO,
                     seed=77)
        for _ in range(2):
            req = r.queue.take()
            if req['rid'] == RID:
                r.vtd.fs_map(r.top, IOVA, r.buf)
            else:
                expect(req['rid'], rid2, 'requester')
                r.vtd.fs_map(top2, IOVA, buf2)
            r.queue.respond(req)
        for ep in (r.ep, second):
            expect(ep.finish(0), (E.STATE_OK, 0), 'state and cause')
        expect(r.vm.read(buf2, 8), 77, 'memory of the second')


if __name__ == '__main__':
    main()
