# SPDX-License-Identifier: GPL-2.0-or-later
"""x-im-explain against what smmuv3-model did: the endpoint asks."""

import itertools

import smmu
from harness import expect, expect_true, main, rows, test
from looking import check, held, held_page_request
from smmu import IOVA, NG, RID, RO, Rig, USER

SSIDS = 0, 2


def off(r):
    pass


def no_ste(r):
    r.smmu.start()


def config(value, **kw):
    def make(r):
        r.smmu.start()
        r.smmu.ste(RID, value, **kw)
    return make


def no_cds(r):
    r.smmu.start()
    r.smmu.stream(RID)


def first(flags=USER | NG, stream=(), cr0=smmu.ON, identity=False, **kw):
    def make(r):
        iova = r.buf if identity else IOVA
        r.smmu.start(cr0=cr0)
        r.smmu.stream(RID, **dict(stream))
        for ssid in SSIDS:
            r.space(ssid, iova=iova, flags=flags, asid=1 + ssid, **kw)
    return make


def second(flags=3 << 6, **kw):
    def make(r):
        r.smmu.start()
        top = r.heap.alloc()
        r.smmu.ste(RID, smmu.S2, s2ttb=top, **kw)
        r.smmu.map2(top, IOVA, r.buf, flags)
    return make


def nested(r):
    r.smmu.start()
    top, ipa = r.heap.alloc(), 0x7000000000
    r.smmu.stream(RID, smmu.NESTED, s2ttb=top)
    first_page = r.vm.ram
    for at in range(first_page, first_page + (1 << 28), 1 << 21):
        r.smmu.map2(top, at, at, page=21)
    r.smmu.map2(top, ipa, r.buf)
    for ssid in SSIDS:
        r.space(ssid, pa=ipa, asid=1 + ssid)


XN = 3 << 53
NO_CHECK = smmu.ON & ~smmu.ATSCHK


@rows([
    ('off', off, 0, 'reserved'),
    ('no-ste', no_ste, IOVA),
    ('abort', config(smmu.ABORT), IOVA),
    ('bypass', config(smmu.BYPASS), 0),
    ('bypass/beyond-memory', config(smmu.BYPASS), 1 << 40),
    ('bypass/beyond-oas', config(smmu.BYPASS), 1 << 60),
    ('bypass/no-ats', config(smmu.BYPASS, eats=0), 0),
    ('no-cds', no_cds, IOVA),
    ('stage-1', first(), IOVA),
    ('stage-1/read-only', first(USER | NG | RO), IOVA),
    ('stage-1/privileged-page', first(NG), IOVA),
    ('stage-1/not-executable', first(USER | NG | XN), IOVA),
    ('stage-1/not-mapped', first(None), IOVA),
    ('stage-1/beyond-tables', first(), 1 << 50),
    ('stage-1/no-ats', first(stream=dict(eats=0)), IOVA),
    ('stage-1/no-check', first(cr0=NO_CHECK), IOVA),
    ('stage-1/abort-without-substream', first(stream=dict(dss=0)), IOVA),
    ('stage-1/bypass-without-substream',
     first(stream=dict(dss=1), identity=True), 0),
    ('stage-1/privileged-by-ste', first(stream=dict(word1=3 << 48)), IOVA),
    ('stage-1/data-by-ste', first(stream=dict(word1=2 << 50)), IOVA),
    ('stage-1/beyond-memory', first(pa=1 << 40), IOVA),
    ('stage-1/terminates-quietly', first(None, rec=0), IOVA,
     'untranslated'),
    ('stage-1/zeroes', first(None, a=0), IOVA),
    ('stage-2', second(), IOVA),
    ('stage-2/read-only', second(1 << 6), IOVA),
    ('stage-2/write-only', second(2 << 6), IOVA),
    ('stage-2/beyond-width', second(), 1 << 49),
    ('nested', nested, IOVA),
])
def held_against_the_device(setup, addr, *quiet):
    with Rig() as r:
        def reason():
            e = r.smmu.take_event() if hasattr(r.smmu, 'evtq') else None
            return e and e['code']

        setup(r)
        r.ep.pasid_on(exec_=True)
        r.ep.ats_on()
        check(r.vm, r.ep, addr or r.buf, reason, r.buf,
              ('translated', 'translation', *quiet))


# --- page requests -------------------------------------------------------------------

@rows([
    ('off', off, 'SMMU_PRIQ_ENABLE'),
    ('no-ste', no_ste, 'SMMU_PRIQ_ENTRY'),
    ('queued', first(), 'SMMU_PRIQ_ENTRY'),
    ('priqen-0', first(cr0=smmu.ON & ~2), 'SMMU_PRIQ_ENABLE'),
])
def page_request_held_against_the_device(setup, clause):
    requests = itertools.product((None, 2), ('read', 'atomic', 'none'),
                                 (True, False))
    for pasid, access, last in requests:
        with Rig() as r:                # a failure switches PRI off
            setup(r)
            r.ep.all_on()
            e = held_page_request(r.vm, r.ep, IOVA, pasid, access,
                                  last)
            expect((e['steps'][-1]['clause'], e['granted']),
                   (clause, clause == 'SMMU_PRIQ_ENTRY'), 'explained')
            if 'response' in e:
                expect(e['response'], dict(code='response failure'),
                       'response')


@rows([('ppar-0', 0), ('ppar-1', 1)])
def page_request_to_a_full_queue(ppar):
    with Rig() as r:
        first(stream=dict(word1=ppar << 18))(r)
        r.ep.all_on()
        for _ in range(64):
            held_page_request(r.vm, r.ep, IOVA, 2, last=False)
        e = held_page_request(r.vm, r.ep, IOVA, 2)
        expect((e['response'], e['steps'][-1]['clause']),
               (dict(code='success', **({'pasid': 2} if ppar else {})),
                'SMMU_PRIQ_PPAR'), 'explained')


# --- messages ----------------------------------------------------------------------

@test
def a_message_is_a_write_to_its_doorbell():
    with Rig() as r:
        r.smmu.start()
        r.smmu.stream(RID)
        r.space(0)
        e = held(r.vm, r.ep, IOVA, dict(access='write', data=0x1234),
                 lambda: None)
        expect((e['granted'], e['interrupt'], e['address']),
               (True, False, r.buf), 'explained')
        expect(e['reaches'], 'memory mach-virt.ram', 'reaches')
        expect(r.vm.read(r.buf, 4), 0x1234, 'memory')
        r.space(0, iova=IOVA + 0x1000, pa=0x08090000)
        r.smmu.invalidate_all()
        e = r.explain(IOVA + 0x1040, access='write', data=0x1234)
        expect((e['granted'], e['address']), (True, 0x08090040), 'explained')
        expect_true(e['reaches'].startswith('device '), e['reaches'])


@rows([(text, text, name) for text, name in (
    ('0001:00:04.0', '0001:00:04.0'), ('0x10020', '0001:00:04.0'),
    ('ffff:ff:1f.7', 'ffff:ff:1f.7'), ('0xffffffff', 'ffff:ff:1f.7'))])
def segments_are_the_upper_half_of_a_stream(text, name):
    with Rig() as r:
        r.smmu.start()
        e = r.vm.qmp('x-im-explain', requester=text, address='0')
        expect((e['requester'], e['name']), (name, 'C_BAD_STREAMID'),
               'requester and reason')


if __name__ == '__main__':
    main()
