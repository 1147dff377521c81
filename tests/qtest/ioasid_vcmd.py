# SPDX-License-Identifier: GPL-2.0-or-later
"""PASIDs that the guest gets from its host by virtual commands."""

import vtd
from harness import Machine, check_refused, expect, expect_true, main, rows, \
    test
from ioasid import INVALID_PASID, NO_PASID, VCCAP, VCMD, VCRSP, Host, HostRig, \
    Vcmd

QUARANTINE = 1_000_000


@test
def advertised_with_a_host_only():
    with HostRig(vcmd=True) as r:
        expect(r.vtd.rd64(vtd.ECAP) >> 44 & 1, 1, 'ECAP.VCS')
        expect(r.vtd.rd64(VCCAP), 7, 'VCCAP')
    with Machine('-device', 'vtd-model') as vm:
        v = vtd.Vtd(vm)
        expect(v.rd64(vtd.ECAP) >> 44 & 1, 0, 'ECAP.VCS')
        v.wr64(VCMD, 1)
        for off in (VCMD, VCRSP, VCCAP):
            expect(v.rd64(off), 0, f'register {off:#x}')


@test
def null_and_undefined():
    with HostRig(vcmd=True) as r:
        vc = Vcmd(r.vtd)
        expect(vc.run(0), (0, 0), 'null command')
        for code in (3, 0x80, 0xff):
            expect(vc.run(code), (1, 0), f'command {code:#x}')


@test
def life():
    with HostRig(vcmd=True) as r:
        vc, host = Vcmd(r.vtd), r.host
        a, b = vc.alloc(), vc.alloc()
        expect_true(a != b, 'two PASIDs')
        expect(host.usage(), (2, 0, 0), 'live, parked, quarantined')
        q = host.command('pasid-query', set=host.guest, gpasid=a,
                         flags='by-gpasid')
        expect(q['state'], 'idle', 'state of the PASID')
        vc.free(a)
        vc.free(b)
        expect(host.usage(), (0, 0, 0), 'live, parked, quarantined')
        idle = [('ALLOC', 'free', 'idle')]
        back = [('FREE', 'idle', 'quarantine'),
                ('RECLAIM', 'quarantine', 'free')]
        expect(host.happened(), idle * 2 + back * 2, 'events')


@test
def freed_once():
    with HostRig(vcmd=True) as r:
        vc = Vcmd(r.vtd)
        a = vc.alloc()
        vc.free(a)
        expect(vc.run(2, a), (INVALID_PASID, 0), 'free again')


@rows([('zero', 0), ('never-allocated', 0x54321), ('last', 0xfffff)])
def foreign_numbers(pasid):
    with HostRig(vcmd=True) as r:
        expect(Vcmd(r.vtd).run(2, pasid), (INVALID_PASID, 0), 'status')


@test
def other_sets_are_not_the_guests():
    with HostRig(host=',map-mode=translate', vcmd=True) as r:
        other = r.host.command('set-create', gpasid_min=500, gpasid_max=600,
                               map_mode='translate')['set']
        p = r.host.command('pasid-alloc', set=other, gpasid=555,
                           flags='fixed')
        expect(Vcmd(r.vtd).run(2, 555), (INVALID_PASID, 0), 'status')
        expect(r.host.usage(other), (1, 0, 0), 'the other set')
        r.host.fails('ENOENT', 'pasid-free', set=r.host.guest,
                     pasid=p['pasid'])


@rows([('quota', ',quota-max=3', 3), ('range', ',gpasid-min=7,gpasid-max=9', 3),
       ('guest-width', '', 3, ',pasid-bits=2')])
def exhaustion(host, count, unit=''):
    with HostRig(host=host, vtd=unit, vcmd=True) as r:
        vc = Vcmd(r.vtd)
        got = [vc.alloc() for _ in range(count)]
        expect(len(set(got)), count, 'different PASIDs')
        expect(vc.run(1), (NO_PASID, 0), 'one more')
        vc.free(got[1])
        expect(vc.alloc() in got, True, 'a PASID is back')
        expect(vc.run(1), (NO_PASID, 0), 'one more')


@test
def another_set_takes_what_is_left():
    with HostRig(host=',context-quota=4,quota-reserved=1', vcmd=True) as r:
        s = r.host.command('set-create', gpasid_min=1, gpasid_max=99)['set']
        for _ in range(3):
            r.host.command('pasid-alloc', set=s)
        r.host.fails('EDQUOT', 'pasid-alloc', set=s)
        vc = Vcmd(r.vtd)
        vc.alloc()
        expect(vc.run(1), (NO_PASID, 0), 'beyond what is reserved')


@test
def in_progress():
    with HostRig(host=',vcmd-delay=5000000', vcmd=True) as r:
        vc = Vcmd(r.vtd)
        vc.send(1)
        expect(r.vtd.rd64(VCRSP), 1, 'VCRSP: in progress')
        vc.send(2, 99)                          # dropped
        r.vm.step(4_999_999)
        expect(r.vtd.rd64(VCRSP), 1, 'VCRSP: in progress')
        r.vm.step(1)
        status, pasid = vc.answer()
        expect(status, 0, 'status')
        expect(r.vtd.rd64(VCMD), 1, 'VCMD')
        vc.send(2, pasid)
        r.vm.step(5_000_000)
        expect(vc.answer(), (0, 0), 'free')


@test
def reset_returns_everything():
    with HostRig(host=',quota-max=4', vcmd=True) as r:
        vc, old = Vcmd(r.vtd), r.host.guest
        for _ in range(4):
            vc.alloc()
        expect(vc.run(1), (NO_PASID, 0), 'one more')
        r.vm.qmp('system_reset')
        r.vm.wait(lambda: r.host.guest != old, 'the reset')
        expect(r.host.usage(), (0, 0, 0), 'live, parked, quarantined')
        expect(r.vtd.rd64(VCMD), 0, 'VCMD')
        for _ in range(4):
            vc.alloc()
        expect(vc.run(1), (NO_PASID, 0), 'one more')
        r.host.fails('ENOENT', 'set-query', set=old)


@test
def reset_while_in_progress():
    with HostRig(host=',vcmd-delay=5000000', vcmd=True) as r:
        vc, old = Vcmd(r.vtd), r.host.guest
        vc.send(1)
        r.vm.qmp('system_reset')
        r.vm.wait(lambda: r.host.guest != old, 'the reset')
        expect(r.vtd.rd64(VCRSP), 0, 'VCRSP')
        r.vm.step(10_000_000)
        expect(r.vtd.rd64(VCRSP), 0, 'VCRSP')
        expect(r.host.usage(), (0, 0, 0), 'live, parked, quarantined')


# vtd-model and the object: what is refused, and what the line must contain
@rows([
    ('no-pasid', '', ',pasid-bits=0', 'host', 'pasid-bits'),
    ('delegated', ',map-mode=delegated', '', 'host', 'delegated'),
])
def unit_refused(host, unit, *names):
    check_refused(['-object', f'ioasid-host,id=h0{host}', '-device',
                   f'vtd-model,host=h0{unit}'], *names)


@rows([
    ('pasid-bits', 'pasid-bits=21', 'pasid-bits', '20'),
    ('mode', 'map-mode=some', 'some'),
    ('pool', 'pool=some', 'some'),
    ('global-identity', 'pool=global', 'pool=global', 'map-mode=translate'),
    ('range', 'gpasid-min=9,gpasid-max=8', 'gpasid-min', 'gpasid-max'),
    ('last', 'gpasid-max=0x100000', 'gpasid-max', '1048575'),
    ('reserved', 'quota-max=1,quota-reserved=2', 'quota-reserved',
     'quota-max'),
    ('iotlb', 'iotlb-entries=17', 'iotlb-entries', 'power of two'),
    ('quota-of-delegated', 'map-mode=delegated,quota-max=5', 'delegated',
     'left out'),
    ('small-page', 'page-shift=10', 'page-shift', '11 .. 16'),
])
def object_refused(options, *names):
    check_refused(['-object', f'ioasid-host,id=h0,{options}'], *names)


@test
def no_such_host():
    check_refused(['-device', 'vtd-model,host=h9'], 'h9')


@test
def a_host_in_use_stays():
    with HostRig(vcmd=True) as r:
        reply = r.vm.try_qmp('object-del', id='h0')
        expect_true('error' in reply, 'object-del is refused')
    with Machine('-object', 'ioasid-host,id=h0') as vm:
        Host(vm).sound()
        vm.qmp('object-del', id='h0')
        vm.qmp('object-add', **{'qom-type': 'ioasid-host', 'id': 'h1',
                                'quota-max': 3, 'map-mode': 'translate'})
        expect(Host(vm, 'h1').command('set-query', set=Host(
            vm, 'h1').guest)['quota-max'], 3, 'quota-max')


if __name__ == '__main__':
    main()
