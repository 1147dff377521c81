# SPDX-License-Identifier: GPL-2.0-or-later
"""x-im-explain with numbers: QMP has addresses and words in hexadecimal. And
what it says held against what the endpoint met."""

from endpoint import E, field, put
from harness import expect, expect_true


def number(text):
    return int(text, 16)


def explain(vm, requester, address, **request):
    """The answer; its address, mask, and those of its steps as integers."""
    request = {k.replace('_', '-'): v for k, v in request.items()}
    e = vm.qmp('x-im-explain', requester=requester, address=hex(address),
               **request)
    for step in [e, *e['steps']]:
        for name in ('address', 'mask'):
            if name in step:
                step[name] = number(step[name])
    for step in e['steps']:
        step['values'] = [number(v) for v in step['values']]
    return e


def counters(vm, device):
    answer, = vm.qmp('x-im-counters', device=device)
    return {c['name']: c['value'] for c in answer['counters']}


# What the endpoint sends; the same words as x-im-explain takes.
REQUESTS = {
    'read': {}, 'write': dict(access='write'),
    'read-byte': dict(length=1), 'write-byte': dict(access='write', length=1),
    'read-page': dict(length=4096),
    'zero-length': dict(length=0),
    'pasid/read': dict(pasid=2), 'pasid/write': dict(pasid=2, access='write'),
    'pasid/other': dict(pasid=3),
    'pasid/privileged': dict(pasid=2, privileged=True),
    'pasid/privileged-write': dict(pasid=2, privileged=True, access='write'),
    'pasid/execute': dict(pasid=2, execute=True),
    'translated': dict(at='translated'),
    'translated/write': dict(at='translated', access='write'),
    'translated/pasid': dict(at='translated', pasid=2),
    'reserved': dict(at='reserved'),
    'translation': dict(at='translation'),
    'translation/no-write': dict(at='translation', no_write=True),
    'translation/pasid': dict(at='translation', pasid=2),
    'translation/pasid/no-write': dict(at='translation', pasid=2,
                                       no_write=True),
    'translation/pasid/execute': dict(at='translation', pasid=2,
                                      execute=True),
    'translation/pasid/privileged': dict(at='translation', pasid=2,
                                         privileged=True),
}


def faults(vm):
    """How many there were, recorded or hidden."""
    return sum(f['sequence'] for f in vm.qmp('x-im-faults')[-1:])


def of_the_log(vm):
    """Explain the last fault by what x-im-faults says was asked."""
    f = vm.qmp('x-im-faults')[-1]
    words = ('requester', 'pasid', 'address', 'length', 'access', 'at',
             'privileged', 'execute', 'no-write', 'data')
    return vm.qmp('x-im-explain', **{w: f[w] for w in words if w in f})


class Attempt:
    """One request of the endpoint, and what came of it."""

    def __init__(self, ep, addr, access='read', at='untranslated', pasid=None,
                 length=None, privileged=False, execute=False,
                 no_write=False, data=0):
        self.addr, self.perm, self.granted = None, None, None
        if at == 'translation':
            self.ask(ep, addr, pasid, privileged, execute, no_write)
            return
        length = 4 if length is None else length
        op = E.OP_FILL if access == 'write' else \
            E.OP_READ if length else E.OP_ZERO_READ
        state, _ = ep.run(
            0, op, addr, length or 1, mode=E.MODE_RAW, pasid=pasid, seed=data,
            ctrl=E.CH_CTRL_FORCE | put(E.CH_CTRL_PRIV, privileged) |
            put(E.CH_CTRL_EXEC, execute) |
            put(E.CH_CTRL_AT, {'translated': 2, 'reserved': 3}.get(at, 0)))
        self.granted = state == E.STATE_OK
        self.cpl = field(ep.reg(ep.ch(0, E.CH_STATUS)), E.CH_STATUS_CPL)

    def ask(self, ep, addr, pasid, privileged, execute, no_write):
        ep.set_reg(E.ATS_ADDR, addr)
        ep.set_reg(E.ATS_PASID, pasid or 0)
        ep.set_reg(E.ATS_CTRL, E.ATS_CTRL_FORCE |
                   put(E.ATS_CTRL_PASID, pasid is not None) |
                   put(E.ATS_CTRL_PRIV, privileged) |
                   put(E.ATS_CTRL_EXEC, execute) |
                   put(E.ATS_CTRL_NW, no_write))
        ep.set_reg(E.ATS_GO, 1)
        self.cpl = field(ep.reg(E.ATS_STATUS), E.ATS_STATUS_CPL)
        entry = ep.reg(E.ATS_RESULT + 0x10)
        self.perm = {name for name, bit in (('r', E.ENTRY_R),
                                            ('w', E.ENTRY_W),
                                            ('x', E.ENTRY_EXE))
                     if entry & bit}
        self.granted = self.cpl == 0 and bool(self.perm)
        if self.granted:
            self.addr = ep.reg(E.ATS_RESULT)
            self.size = ep.reg(E.ATS_RESULT + 8)


def held(vm, ep, addr, request, reason, quiet=()):
    """Explain a request, make it, and compare. reason() takes the reason
    that software finds recorded, or None, which is fine for ATs of quiet."""
    e = explain(vm, '00:04.0', addr, **request)
    before = vm.read(e['address'] & ~7, 8) if 'address' in e and \
        not e['interrupt'] else None
    logged = faults(vm)
    a = Attempt(ep, addr, data=request.get('data', 0x77), **{
        k: v for k, v in request.items() if k != 'data'})
    if e.get('reaches') == 'nothing' and request.get('length') != 0:
        # granted, and the platform has nothing there
        expect((a.granted, a.cpl), (False, 1), 'beyond the platform')
        expect(reason(), None, 'reason')
        return e
    # a fault may also be answered by zeroes
    zeroes = a.perm is None and e['completion'] == 'SC'
    expect(e['granted'] or zeroes, a.granted, 'granted')
    expect(e['completion'], ('SC', 'UR', 'CA')[a.cpl], 'completion')
    recorded = reason()
    at = request.get('at', 'untranslated')
    if recorded is not None or e.get('reason') and a.cpl and at not in quiet:
        expect(e.get('reason'), recorded, 'reason')
        expect_true(e['name'] and e['text'], 'the reason in words')
    elif not a.granted and a.cpl:
        expect_true(e['steps'][-1].get('clause'), 'a clause decided')
    for step in e['steps']:
        expect(('section' in step, 'title' in step), ('clause' in step,) * 2,
               'where the clause is to be read')
    if faults(vm) > logged:
        expect(of_the_log(vm).get('reason'), e.get('reason'),
               'reason, as logged')
    if a.addr is not None:
        mask = e['mask'] & a.size - 1
        expect(a.addr & ~mask, e['address'] & ~mask, 'address')
        expect({*e['permission']}, a.perm, 'permission')
    elif a.granted and before is not None and \
            request.get('access') == 'write':
        expect_true(vm.read(e['address'] & ~7, 8) != before,
                    'it was written there')
    return e


RESPONSES = {0: 'success', 1: 'invalid request', 15: 'response failure'}


def held_page_request(vm, ep, addr, pasid=None, access='read', last=True,
                      prgi=0x155):
    """Explain a page request, send it, and compare."""
    request = dict(request='page', access=access, last=last, prgi=prgi)
    if pasid is not None:
        request['pasid'] = pasid
    e = explain(vm, '00:04.0', addr, **request)
    before = counters(vm, e['device'])
    answers = ep.stat(E.STAT_PAGE_RESPONSES)
    ep.set_reg(E.PR_ADDR, addr)
    ep.set_reg(E.PR_PASID, pasid or 0)
    ep.set_reg(E.PR_CTRL, E.PR_CTRL_FORCE | put(E.PR_CTRL_PRGI, prgi) |
               put(E.PR_CTRL_READ, access in ('read', 'atomic')) |
               put(E.PR_CTRL_WRITE, access in ('write', 'atomic')) |
               put(E.PR_CTRL_LAST, last) |
               put(E.PR_CTRL_PASID, pasid is not None))
    ep.set_reg(E.PR_GO, 1)
    after = counters(vm, e['device'])
    delta = {k: after[k] - before[k] for k in after}
    expect(delta['page_requests'], 1, 'page requests')
    expect(not delta['page_requests_dropped'], e['granted'], 'queued')
    expect(delta['auto_responses'], 'response' in e, 'automatic responses')
    expect('completion' in e, False, 'completion')
    if 'response' not in e:
        return e
    vm.wait(lambda: ep.stat(E.STAT_PAGE_RESPONSES) != answers, 'a response')
    got = ep.reg(E.PR_RESP)
    if got & E.PR_RESP_VALID:           # it knew the group
        expect(e['response']['code'], RESPONSES[field(got, E.PR_RESP_CODE)],
               'response')
        expect('pasid' in e['response'], bool(got & E.PR_RESP_HAS_PASID),
               'a PASID in the response')
        expect(field(got, E.PR_RESP_PRGI), prgi, 'PRGI of the response')
    return e


def check(vm, ep, addr, reason, translated, quiet=()):
    """Each request, before and after the caches know of it."""
    for name, request in REQUESTS.items():
        at = addr if request.get('at') != 'translated' else translated
        for when in ('cold', 'warm'):
            vm.write_bytes(translated & ~0xfff, bytes(0x1000))
            try:
                held(vm, ep, at, request, reason, quiet)
            except Exception as e:
                raise type(e)(f'{name}, {when}: {e}') from None
