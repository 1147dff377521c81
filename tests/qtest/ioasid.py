# SPDX-License-Identifier: GPL-2.0-or-later
"""ioasid-host by QMP, and what its guests see of it."""

import pcie
from endpoint import E, Endpoint
from harness import Failure, Heap, Machine, expect, expect_true
from vtd import BASE, R, U, W, Vtd

HOST_RID = 0x0100


class UapiError(Exception):
    """A command of the uAPI failed; args[0] is the error's name."""


class Host:
    """The monitor's side of -object ioasid-host,id=h0."""

    def __init__(self, vm, name='h0'):
        self.vm, self.name = vm, name

    def command(self, command, /, **members):
        arguments = {k.replace('_', '-'): v for k, v in members.items()}
        reply = self.vm.try_qmp('x-im-ioasid-command', host=self.name,
                                command=command, arguments=arguments)
        if 'error' in reply:
            raise UapiError(*reply['error']['desc'].split(': ', 1))
        return reply['return']['results']

    def fails(self, error, command, /, **members):
        try:
            got = self.command(command, **members)
        except UapiError as e:
            expect(e.args[0], error, f'error of {command}')
            return e.args[1] if len(e.args) > 1 else ''
        raise Failure(f'{command}: expected {error}, got {got}')

    def query(self):
        return self.vm.qmp('x-im-ioasid-query', host=self.name)

    def sound(self):
        """Every invariant of the backend holds."""
        info = self.query()
        expect(info.get('broken'), None, 'invariant that does not hold')
        return info

    @property
    def guest(self):
        return self.query()['guest-set']

    def counter(self, name):
        for dev in self.vm.qmp('x-im-counters', device=self.name):
            for c in dev['counters']:
                if c['name'] == name:
                    return c['value']
        raise Failure(f'no counter {name}')

    def usage(self, set_=None):
        q = self.command('set-query', set=set_ or self.guest)
        return q['live'], q['parked'], q['quarantined']

    def events(self, kind):
        self.vm.qmp('query-status')             # what was sent has arrived
        out = [e['data'] for e in self.vm.events if e['event'] == kind]
        self.vm.events = [e for e in self.vm.events if e['event'] != kind]
        return out

    def happened(self):
        return [(e['type'], e['old-state'], e['new-state'])
                for e in self.events('X_IM_IOASID_EVENT')]


BESIDE = ('-device', 'pxb-pcie,id=other,bus_nr=64',
          '-device', 'vtd-model,primary-bus=other,host=h0')


class HostRig:
    """An endpoint that a host assigned, and a virtual IOMMU. vcmd: it stands on
    the host, and the endpoint is behind it; else a monitor binds. beside: a
    unit of another bus stands there."""

    def __init__(self, *extra, host='', vtd='', ep='', iommu=True, vcmd=False,
                 beside=False, machine='q35'):
        self.x86 = machine == 'q35'
        if beside:
            extra = *BESIDE, *extra
        self.vm = Machine(
            '-object', f'ioasid-host,id=h0{host}',
            *(['-device', f'vtd-model{",host=h0" if vcmd else ""}{vtd}']
              if iommu and self.x86 else []),
            '-device', f'pasid-endpoint,addr=4,id=ep,host=h0{ep}', *extra,
            machine=machine)

    def __enter__(self):
        if self.x86:
            pcie.enable_ecam(self.vm)
        self.heap = Heap(self.vm)
        self.host = Host(self.vm)
        self.vtd = Vtd(self.vm, self.heap)
        self.ep = Endpoint(self.vm)
        self.ep.pasid_on()
        self.buf = self.heap.alloc()
        return self

    def __exit__(self, *error):
        if error[0] is None:
            self.host.sound()
        self.vm.__exit__(*error)

    # spaces

    def bind(self, set_=None, cookie=0):
        self.set = set_ or self.host.guest
        self.dev = self.host.command('dev-bind', set=self.set, func=HOST_RID,
                                     cookie=cookie)['dev']
        return self.dev

    def memory(self, flags='parent', length=64 << 20):
        """A space that maps memory to itself, above the hole below 1 MiB."""
        base = self.vm.ram + (1 << 20)
        space = self.host.command('space-create', set=self.set,
                                  kind='mapped', flags=flags)['space']
        self.host.command('map', set=self.set, space=space, user=base,
                          iova=base, length=length, flags='read+write+fixed')
        return space

    def nested(self, parent, top, **more):
        return self.host.command('space-create', set=self.set, kind='nested',
                                 parent=parent, format='vtd-first',
                                 vtd_first={'root': top}, **more)['space']

    def pasid(self, **kw):
        r = self.host.command('pasid-alloc', set=self.set, **kw)
        return r['pasid'], r['gpasid']

    def attach(self, space, pasid=None, command='attach', flags=''):
        if pasid is None:
            return self.host.command(command, set=self.set, dev=self.dev,
                                     space=space, flags=flags)
        return self.host.command(command, set=self.set, dev=self.dev,
                                 pasid=pasid, space=space,
                                 flags=f'pasid+{flags}')

    def detach(self, pasid=None):
        which = {} if pasid is None else {'pasid': pasid, 'flags': 'pasid'}
        return self.host.command('detach', set=self.set, dev=self.dev,
                                 **which)

    def first_stage(self, iova, pa, flags=R | W | U, top=None):
        top = top or self.heap.alloc()
        self.vtd.fs_map(top, iova, pa, flags)
        return top


# the virtual command interface, from chapter 11.4.16

VCMD, VCRSP, VCCAP = 0xe00, 0xe10, 0xe30
NO_PASID = INVALID_PASID = 16


class Vcmd:
    def __init__(self, vtd, beside=False):
        self.vtd = Vtd(vtd.vm, vtd.heap, BASE + 0x1000) if beside else vtd

    def send(self, command, pasid=0):
        self.vtd.wr64(VCMD, command | pasid << 16)

    def answer(self):
        rsp = self.vtd.rd64(VCRSP)
        expect(rsp & 1, 0, 'VCRSP.IP')
        return rsp >> 1 & 0x7f, rsp >> 16

    def run(self, command, pasid=0):
        self.send(command, pasid)
        return self.answer()

    def alloc(self):
        status, pasid = self.run(1)
        expect(status, 0, 'status of Allocate PASID')
        expect_true(0 < pasid < 1 << 20, f'PASID {pasid:#x} given')
        return pasid

    def free(self, pasid):
        expect(self.run(2, pasid), (0, 0), 'status of Free PASID')


__all__ = ['E', 'Host', 'HostRig', 'UapiError', 'Vcmd', 'HOST_RID',
           'NO_PASID', 'INVALID_PASID', 'VCCAP', 'VCMD', 'VCRSP']
