# SPDX-License-Identifier: GPL-2.0-or-later
"""A unit that stands on an ioasid-host, and endpoints of the host behind it:
any machine of the other tests, and those tests themselves."""

import contextlib
import importlib

import harness
from endpoint import E
from harness import RAM, TESTS, expect, expect_true
from ioasid import Host
from looking import counters

UNITS = ('vtd-model', 'smmuv3-model')


def on_host(args, host='', unit=''):
    """The same machine, with both halves."""
    out = ['-object', f'ioasid-host,id=h0{host}']
    for a in args:
        name = str(a).split(',')[0]
        out.append(f'{a},host=h0{unit}' if name in UNITS else
                   f'{a},host=h0' if name == 'pasid-endpoint' else a)
    return out


@contextlib.contextmanager
def standing(host='', unit=''):
    """Every machine that is made meanwhile is one of these."""
    harness.Machine.arguments = staticmethod(
        lambda args: on_host(args, host, unit))
    try:
        yield
    finally:
        harness.Machine.arguments = staticmethod(lambda args: args)


class Both:
    """A Rig of either architecture on a host."""

    def __init__(self, rig, *extra, host='', unit='', **kw):
        with standing(host, unit):
            self.rig = rig(*extra, **kw)
        self.id = 'smmu' if hasattr(self.rig, 'space') else 'vtd'

    def __enter__(self):
        r = self.rig.__enter__()
        r.host = Host(r.vm)
        r.memory = r.host.query()['guest-memory']
        return r

    def __exit__(self, *error):
        if error[0] is None:
            Host(self.rig.vm).sound()
        self.rig.__exit__(*error)


def again(modes, suites, leave_out=()):
    """The tests of these programs, in each mode: a guest sees the same."""
    found = []
    mine, TESTS[:] = TESTS[:], []
    for name in suites:
        importlib.import_module(name)
        found += [(f'{name}/{test}', fn, args) for test, fn, args in TESTS
                  if not any(w in test for w in leave_out)]
        TESTS.clear()
    TESTS[:] = mine
    for mode, host, unit in modes:
        TESTS.extend((f'{mode}/{name}', once_more, (host, unit, fn, args))
                     for name, fn, args in found)


def once_more(host, unit, fn, args):
    with standing(host, unit):
        fn(*args)


# --- what was done ------------------------------------------------------------

def unit_of(vm):
    """The ID or path of the only unit."""
    f, = [f for f in vm.qmp('x-im-ioasid-query')['functions'] if 'unit' in f]
    return f['unit'].removeprefix('/machine/peripheral/')


def did(r, *names):
    """Counters of what lies between both halves."""
    c = counters(r.vm, unit_of(r.vm))
    got = tuple(c['viommu_' + n] for n in names)
    return got if len(got) > 1 else got[0]


def host_faults(r):
    """(name, pasid, address) of what the host alone is to blame for."""
    return [(f['name'], f.get('pasid'), int(f['address'], 16))
            for f in r.vm.qmp('x-im-faults', device='h0')]


def expect_host_fault(r, name, pasid, addr):
    expect(host_faults(r)[-1:], [(name, pasid, addr)], 'last of the host')


def hole(r, addr, length=0x1000):
    """The host does not have this memory of the guest's any more."""
    first, end = r.vm.ram + (1 << 20), r.vm.ram + RAM
    r.host.command('unmap', set=r.host.guest, space=r.memory, iova=0,
                   length=(1 << 64) - 1)
    for at, to in ((first, addr), (addr + length, end)):
        fill(r, at, to - at)


def fill(r, addr, length=0x1000):
    """It has this."""
    r.host.command('map', set=r.host.guest, space=r.memory, user=addr,
                   iova=addr, length=length, flags='read+write+fixed')


DELAY = 1_000_000
POST_COPY = f',fill-delay={DELAY}'


def brought(r, ch=0):
    """What the channel waits for comes, page by page: how many."""
    pages = 0
    while r.ep.running(ch):
        pages += 1
        expect_true(pages < 64, 'the channel ends')
        r.vm.step(DELAY)
        r.vm.qmp('query-status')
    return pages


def host_pasid(r, gpasid):
    set_ = r.host.guest
    p = r.host.command('pasid-query', set=set_, gpasid=gpasid,
                       flags='by-gpasid')['pasid']
    return r.host.command('pasid-query', set=set_, pasid=p,
                          flags='hpasid')['hpasid']


def spend_host_pasids(r, count=8):
    """So that the guest's PASIDs and the host's differ."""
    other = r.host.command('set-create', gpasid_min=1, gpasid_max=99,
                           map_mode='translate', pool='global')['set']
    for _ in range(count):
        r.host.command('pasid-alloc', set=other)


def refused(r, iova, cause=E.CAUSE_DMA_UR, **kw):
    r.ep.must_fail(cause, 0, E.OP_WRITE, iova, 64, **kw)
