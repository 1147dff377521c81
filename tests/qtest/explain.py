# SPDX-License-Identifier: GPL-2.0-or-later
"""x-im-explain against what vtd-model did: the endpoint makes the request."""

import vtd
from harness import expect, expect_true, main, rows, test
from irqs import BLOCKED, ioapic_entry, ioapic_remappable, irte, pulse, \
    remappable, remapping
from looking import check, explain, held, held_page_request
from rig import IOVA, RID, Rig, pending_vectors
from vtd import R, U, W


def vtd_reason(r):
    def reason():
        # the oldest: where FSTS.FRI says
        f = r.vtd.fault_record(r.vtd.rd32(vtd.FSTS) >> 8 & 0xff)
        r.vtd.clear_faults()
        return f and f['reason']
    return reason


# --- memory --------------------------------------------------------------------

class Setup:
    """Tables for requests without PASID and with PASID 2."""

    def __init__(self, r, ttm=vtd.SCALABLE):
        self.r, self.v = r, r.vtd
        r.vtd.start(ttm)
        r.ep.pasid_on(exec_=True)
        r.ep.ats_on()

    def first(self, flags=R | W | U, iova=IOVA, pa=None, **kw):
        self.v.context(RID)
        for pasid in (0, 2):
            top = self.r.heap.alloc()
            self.v.pasid(RID, pasid, vtd.FS, fs=top, **kw)
            if flags is not None:
                self.v.fs_map(top, iova, self.r.buf if pa is None else pa,
                              flags)

    def second(self, flags=R | W, pa=None, **kw):
        self.v.context(RID)
        for pasid in (0, 2):
            top = self.r.heap.alloc()
            self.v.pasid(RID, pasid, vtd.SS, ss=top, **kw)
            self.v.ss_map(top, IOVA, self.r.buf if pa is None else pa, flags)


def off(r):
    r.ep.pasid_on(exec_=True)
    r.ep.ats_on()


def no_root(r):
    Setup(r)


def no_context(r):
    Setup(r).v.context_slot(RID)


def no_pasids(r):
    Setup(r).v.context(RID)


def without_ats(r):
    s = Setup(r)
    s.first()
    slot = s.v.context_slot(RID)
    s.v.set_q(slot, s.v.q(slot) & ~4)


def pass_through(r):
    s = Setup(r)
    s.v.context(RID)
    for pasid in (0, 2):
        s.v.pasid(RID, pasid, vtd.PT)


def nested(r):
    s = Setup(r)
    s.v.context(RID)
    for pasid in (0, 2):
        first, second = r.heap.alloc(), r.heap.alloc()
        s.v.pasid(RID, pasid, vtd.NESTED, fs=first, ss=second)
        s.v.fs_map(first, IOVA, 0x40000000)
        s.v.ss_map(second, 0x40000000, r.buf)
        base = first & ~0x3fffffff
        s.v.ss_map(second, base, base, page=30)


def legacy(tt):
    def make(r):
        s = Setup(r, vtd.LEGACY)
        top = r.heap.alloc()
        s.v.legacy_context(RID, tt, 0 if tt == 2 else top)
        s.v.ss_map(top, IOVA, r.buf)
    return make


def first(*args, **kw):
    return lambda r: Setup(r).first(*args, **kw)


def second(*args, **kw):
    return lambda r: Setup(r).second(*args, **kw)


ATS = 'untranslated', 'translation', 'translated', 'reserved'


@rows([
    ('off', off, 0),
    ('no-root', no_root, IOVA),
    ('no-context', no_context, IOVA),
    ('no-pasid-entries', no_pasids, IOVA),
    ('device-tlb-off', without_ats, IOVA),
    ('first-stage', first(), IOVA),
    ('first-stage/read-only', first(R | U), IOVA),
    ('first-stage/fpd', first(0, fpd=1), IOVA, *ATS),
    ('first-stage/supervisor-page', first(R | W), IOVA),
    ('first-stage/supervisor-requests', first(R | W, sre=1), IOVA),
    ('first-stage/not-present', first(0), IOVA),
    ('first-stage/not-canonical', first(None), 1 << 47),
    ('first-stage/into-interrupts', first(pa=0xfee00000), IOVA),
    ('first-stage/beyond-memory', first(pa=1 << 45), IOVA),
    ('second-stage', second(), IOVA),
    ('second-stage/read-only', second(R), IOVA),
    ('second-stage/write-only', second(W), IOVA),
    ('second-stage/beyond-width', second(), 1 << 56),
    ('nested', nested, IOVA),
    ('pass-through', pass_through, 0),
    ('pass-through/beyond-memory', pass_through, 1 << 60),
    ('interrupt-range', pass_through, 0xfee00000),
    ('legacy', legacy(0), IOVA),
    ('legacy/device-tlb', legacy(1), IOVA),
    ('legacy/pass-through', legacy(2), 0),
])
def held_against_the_device(setup, addr, *quiet):
    with Rig(iommu=('-device', 'vtd-model,supervisor=on')) as r:
        setup(r)
        check(r.vm, r.ep, addr or r.buf, vtd_reason(r), r.buf, quiet)


# --- page requests ---------------------------------------------------------------

def no_page_requests(r):
    Setup(r).v.context(RID, pre=False)


@rows([
    ('off', off, (False, 'invalid request', None)),
    ('legacy', legacy(1), (False, 'invalid request', 'RTA.3')),
    ('no-context', no_context, (False, 'invalid request', 'SCT.2')),
    ('pre-0', no_page_requests, (False, 'invalid request', 'SCT.8')),
    ('no-pasid-entries', no_pasids, (False, 'invalid request', 'SPD.2')),
    ('queued', first(), (True, None, None)),
])
def page_request_held_against_the_device(setup, want):
    with Rig() as r:
        r.queue = vtd.PageQueue(r.vtd)
        setup(r)
        r.ep.pri_on()
        for access in ('read', 'write', 'atomic', 'none'):
            e = held_page_request(r.vm, r.ep, IOVA, pasid=2, access=access)
            answer = e['response']['code'] if 'response' in e else None
            expect((e['granted'], answer, e.get('name')),
                   want if access != 'none' else (want[0], None, want[2]),
                   access)
            e = held_page_request(r.vm, r.ep, IOVA, pasid=2, access=access,
                                  last=False)
            expect('response' in e, False, 'response before the last')


@test
def page_request_to_a_full_queue():
    with Rig() as r:
        r.queue = vtd.PageQueue(r.vtd)
        first()(r)
        r.ep.pri_on()
        r.vtd.wr64(vtd.PQH, 32)         # one behind the tail: no room
        for clause in 'VTD_PRQ_FULL', 'VTD_PRQ_OVERFLOW':
            e = held_page_request(r.vm, r.ep, IOVA, pasid=2)
            expect((e['granted'], e['response']['code'],
                    e['steps'][-1]['clause']), (False, 'success', clause),
                   'explained')


@test
def page_request_in_the_monitor():
    with Rig() as r:
        first()(r)
        text = r.vm.hmp(f'info x-im explain 00:04.0 {IOVA:#x} request=page '
                        'pasid=2 access=write prgi=7').replace('\r', '')
        for words in (f'page request, access write, at {IOVA:#x}, PRGI 7, '
                      'last, requester 00:04.0, PASID 0x2',
                      'page request descriptor at',
                      'VTD_PRQ_DESCRIPTOR: VT-d 5.10, 7.4.1.1, "',
                      '\nqueued'):
            expect_true(words in text, f'{words} in {text}')


@rows([
    ('at', dict(request='page', at='translation'), 'no AT field'),
    ('length', dict(request='page', length=4), 'no length'),
    ('data', dict(request='page', data=1), 'no data'),
    ('no-write', {'request': 'page', 'no-write': True}, 'no-write is a bit'),
    ('privileged', dict(request='page', privileged=True), 'needs a pasid'),
    ('execute', dict(request='page', execute=True), 'needs a pasid'),
    ('prgi', dict(request='page', prgi=512), 'above 511'),
    ('access', dict(access='none'), 'only a page request asks for none'),
    ('last', dict(last=True), 'belong to a page request'),
    ('memory-prgi', dict(prgi=0), 'belong to a page request'),
])
def words_of_the_other_kind(words, text):
    with Rig() as r:
        reply = r.vm.try_qmp('x-im-explain', requester='00:04.0',
                             address='0x1000', **words)
        expect_true(text in reply['error']['desc'], reply)


# --- interrupts ------------------------------------------------------------------

def message(r, addr, data=0):
    """Explain a DWORD write, make it, and compare; the vector that came."""
    before = pending_vectors(r.vm)
    e = held(r.vm, r.ep, addr, dict(access='write', data=data),
             vtd_reason(r))
    expect(e['interrupt'], True, 'interrupt')
    came = pending_vectors(r.vm) - before
    expect(came, {e['message']['vector']} if e['granted'] else set(),
           'vectors')
    return e


@test
def interrupt_without_remapping():
    with Rig() as r:
        e = message(r, 0xfee00000, 0x51)
        expect(e['message']['remapped'], False, 'remapped')


@rows([('plain', 5, 0, 0), ('subhandle', 5, 1, 3), ('last', 255, 0, 0)])
def interrupt_remapped(handle, shv, sub):
    with Rig() as r:
        remapping(r)
        irte(r, handle + sub, 0x71)
        e = message(r, remappable(handle, shv), sub)
        expect((e['message']['remapped'], e['message']['vector']),
               (True, 0x71), 'message')


@rows([
    ('logical', dict(dm=1, dest=1), 'destination-mode', 'logical'),
    ('level', dict(tm=1), 'trigger-mode', 'level'),
    ('lowest-priority', dict(dlm=1), 'delivery-mode', 'lowest priority'),
    ('nmi', dict(dlm=4), 'delivery-mode', 'NMI'),
    ('destination', dict(dest=0x12), 'destination', 0x12),
])
def interrupt_as_its_entry_says(entry, name, want):
    with Rig() as r:
        remapping(r)
        irte(r, 5, 0x71, **entry)
        e = r.explain(remappable(5), access='write')
        expect(e['message'][name], want, name)
        r.vtd.expect_no_fault()


@rows(BLOCKED)
def interrupt_blocked(reason, entry, addr, data):
    with Rig() as r:
        remapping(r)
        irte(r, 5, 0x71, **entry)
        e = message(r, addr, data)
        expect((e['granted'], e['reason']), (False, reason), 'explained')


@rows([('checked', 'on', set()), ('unchecked', 'off', {0x34})])
def interrupt_of_the_ioapic_by_an_entry_of_another(switch, vectors):
    with Rig(iommu=('-device', f'vtd-model,ioapic-source-check={switch}')
             ) as r:
        remapping(r)
        irte(r, 9, 0x34, sid=RID)
        e = explain(r.vm, 'ff:00.0', remappable(9), access='write')
        ioapic_entry(r.vm, 20, ioapic_remappable(9, 0x34))
        pulse(r.vm, 20)
        expect(pending_vectors(r.vm), vectors, 'vectors')
        expect((e['granted'], e.get('reason')),
               (bool(vectors), vtd_reason(r)()), 'explained')


@test
def interrupt_table_not_in_memory():
    with Rig() as r:
        remapping(r)
        r.vtd.wr64(vtd.IRTA, vtd.BASE | 7)
        r.vtd.gcmd(vtd.SIRTP)
        expect(message(r, remappable(5))['reason'], 0x23, 'reason')


if __name__ == '__main__':
    main()
