# SPDX-License-Identifier: GPL-2.0-or-later
"""pasid-endpoint directly on ioasid-host: the life of a PASID by QMP."""

from harness import Machine, expect, expect_true, main, rows, test
from ioasid import E, HOST_RID, Host, HostRig, Vcmd
from vtd import R, U, W
from looking import RESPONSES, counters, explain
import rig
import smmu

IOVA = 0x7f0012345000
OTHER = 0x7f0099999000
SECOND = 1_000_000_000

MODES = [('identity', ''), ('translate', ',map-mode=translate'),
         ('global', ',map-mode=translate,pool=global')]


def moves(r, *args, **kw):
    rig.Rig.moves(r, *args, **kw)


def shared(r, faultq=None, present=True, **kw):
    """A guest's process: PASID, first-stage table, one page."""
    r.bind()
    r.ram = r.memory()
    r.top = r.heap.alloc()
    r.leaf = r.vtd.fs_map(r.top, IOVA, r.buf, R | W | U)
    if not present:
        r.vtd.set_q(r.leaf, 0)
    more = {'faultq': faultq} if faultq else {}
    r.space = r.nested(r.ram, r.top, **more)
    r.p, r.g = r.pasid(**kw)
    r.attach(r.space, r.p)


def state(r):
    return r.host.command('pasid-query', set=r.set, pasid=r.p)['state']


def refused(r, iova=IOVA, cause=E.CAUSE_DMA_UR, ch=0, **kw):
    r.ep.must_fail(cause, ch, E.OP_WRITE, iova, 64, **kw)


# --- bindings ----------------------------------------------------------------

@rows([('no-binding', {}), ('no-pasid-binding', {'pasid': 5})])
def nothing_is_reached_before_attach(request):
    with HostRig() as r:
        refused(r, r.buf, **request)
        r.bind()
        refused(r, r.buf, **request)
        expect(r.vm.read(r.buf, 8), 0, 'memory')


@test
def the_iommu_of_the_bus_is_not_asked():
    with HostRig() as r:
        r.vtd.start()
        r.bind()
        r.attach(r.memory())
        moves(r, r.buf, r.buf)
        r.vtd.expect_no_fault()


@test
def without_an_iommu_in_the_guest():
    with HostRig(iommu=False) as r:
        r.bind()
        r.attach(r.memory())
        moves(r, r.buf, r.buf)


@test
def plain_dma_has_no_way_there():
    with HostRig() as r:
        r.ep.must_fail(E.CAUSE_BAD_PROGRAM, 0, E.OP_WRITE, r.buf, 64,
                       mode=E.MODE_PLAIN)


@test
def mapped_elsewhere():
    with HostRig() as r:
        r.bind()
        space = r.host.command('space-create', set=r.set,
                               kind='mapped')['space']
        r.host.command('map', set=r.set, space=space, user=r.buf, iova=IOVA,
                       length=0x1000, flags='read+write+fixed')
        r.attach(space)
        moves(r, IOVA, r.buf)
        refused(r, r.buf)
        r.host.command('unmap', set=r.set, space=space, iova=IOVA,
                       length=0x1000)
        refused(r)


@test
def read_only_memory():
    with HostRig() as r:
        r.bind()
        space = r.host.command('space-create', set=r.set,
                               kind='mapped')['space']
        r.host.command('map', set=r.set, space=space, user=r.buf, iova=IOVA,
                       length=0x1000, flags='read+fixed')
        r.attach(space)
        refused(r)
        r.ep.must(0, E.OP_READ, IOVA, 4096)


@rows([('interrupts', 0xfee00000, 'EINVAL'), ('no-memory', 0xc8000000,
                                              'EFAULT')])
def what_cannot_be_mapped(addr, error):
    with HostRig() as r:
        r.bind()
        space = r.host.command('space-create', set=r.set,
                               kind='mapped')['space']
        r.attach(space)
        r.host.fails(error, 'map', set=r.set, space=space, user=addr,
                     iova=addr, length=0x1000, flags='read+write+fixed')


# --- the life of a PASID -----------------------------------------------------

@rows(MODES)
def life(mode):
    with HostRig(host=mode) as r:
        shared(r)
        expect(state(r), 'bound', 'state')
        moves(r, IOVA, r.buf, pasid=r.g)
        refused(r)                              # without PASID
        refused(r, pasid=r.g + 1)
        r.detach(r.p)
        refused(r, pasid=r.g)
        expect(state(r), 'idle', 'state')
        r.attach(r.space, r.p)
        moves(r, IOVA, r.buf, pasid=r.g)
        free = r.host.command('pasid-free', set=r.set, pasid=r.p)
        expect(free['state'], 'parked', 'state')
        refused(r, pasid=r.g)
        expect(r.host.usage(), (0, 1, 0), 'live, parked, quarantined')
        r.detach(r.p)
        r.vm.step(SECOND)
        expect(r.host.usage(), (0, 0, 0), 'live, parked, quarantined')
        r.host.fails('ENOENT', 'pasid-query', set=r.set, pasid=r.p)
        expect([e[0] for e in r.host.happened()],
               ['ALLOC', 'BIND', 'UNBIND', 'BIND', 'FREE', 'RECLAIM'],
               'events')


@rows(MODES)
def two_pasids_two_spaces(mode):
    with HostRig(host=mode) as r:
        shared(r)
        first = r.g
        other = r.heap.alloc()
        space = r.nested(r.ram, r.first_stage(IOVA, other))
        p, second = r.pasid()
        r.attach(space, p)
        moves(r, IOVA, r.buf, pasid=first)
        moves(r, IOVA, other, pasid=second)
        r.attach(r.space, p, 'replace')
        moves(r, IOVA, r.buf, pasid=second)


@test
def a_set_of_another_mode():
    """Numbers are hidden where the function's own set says so."""
    with HostRig() as r:
        s = r.host.command('set-create', gpasid_min=5, gpasid_max=9,
                           map_mode='translate')['set']
        r.bind(s)
        space = r.nested(r.memory(), r.first_stage(IOVA, r.buf))
        p, g = r.pasid(gpasid=9, flags='fixed')
        r.attach(space, p)
        moves(r, IOVA, r.buf, pasid=9)
        refused(r, pasid=1)
        r.host.command('pasid-free', set=s, pasid=p)
        refused(r, pasid=9)
        expect(r.host.counter('faults_suppressed'), 1, 'parked, not reported')
        f = r.vm.qmp('x-im-faults', device='h0')[-1]
        expect((f['name'], f['hidden']), ('PARKED', True), 'x-im-faults')


@test
def hidden_numbers():
    with HostRig(host=',map-mode=translate,pool=global,gpasid-min=7') as r:
        shared(r, gpasid=77, flags='fixed')
        q = r.host.command('pasid-query', set=r.set, pasid=r.p,
                           flags='hpasid')
        expect_true(q['hpasid'] not in (0, 77), 'another number at the host')
        moves(r, IOVA, r.buf, pasid=77)
        refused(r, pasid=q['hpasid'])
        faults = r.vm.qmp('x-im-explain', device='h0',
                          requester=str(HOST_RID), pasid=77,
                          address=hex(IOVA))
        expect(faults['granted'], True, 'explained')


@test
def a_number_used_again_is_another_pasid():
    with HostRig(host=',map-mode=translate,pool=global') as r:
        shared(r, gpasid=9, flags='fixed')
        moves(r, IOVA, r.buf, pasid=9)
        r.host.command('pasid-free', set=r.set, pasid=r.p)
        p = r.host.command('pasid-alloc', set=r.set, gpasid=9,
                           flags='fixed')['pasid']
        refused(r, pasid=9)                     # still the old one's
        other = r.heap.alloc()
        r.attach(r.nested(r.ram, r.first_stage(IOVA, other)), p)
        moves(r, IOVA, other, pasid=9)


@test
def by_the_guests_command():
    """VCMD gives the number, the monitor binds it, the guest frees it."""
    with HostRig(beside=True) as r:
        vc = Vcmd(r.vtd, beside=True)
        g = vc.alloc()
        r.bind()
        r.p = r.host.command('pasid-query', set=r.set, gpasid=g,
                             flags='by-gpasid')['pasid']
        space = r.nested(r.memory(), r.first_stage(IOVA, r.buf))
        r.attach(space, r.p)
        moves(r, IOVA, r.buf, pasid=g)
        vc.free(g)
        expect(state(r), 'parked', 'state')
        refused(r, pasid=g)
        expect(vc.run(2, g), (16, 0), 'free again')


# --- arm64 ---------------------------------------------------------------------

@test
def on_virt():
    with HostRig(machine='virt') as r:
        r.bind()
        r.attach(r.memory())
        moves(r, r.buf, r.buf)
        refused(r, 0xfee00000)


@test
def the_guest_owns_the_table_of_pasids():
    """DELEGATED: an STE, whose context descriptors are the guest's."""
    with HostRig(host=',map-mode=delegated', machine='virt') as r:
        r.bind()
        r.ram = r.memory()
        s = smmu.Smmu(r.vm, r.heap)             # its encoders alone
        s.strtab = r.heap.alloc()
        s.stream(0)
        top, other = r.heap.alloc(), r.heap.alloc()
        s.cd(0, 5, top)
        leaf = s.map(top, IOVA, r.buf, smmu.USER | smmu.NG)
        space = r.host.command(
            'space-create', set=r.set, kind='pasid-table', parent=r.ram,
            format='smmu-ste', smmu_ste={'ste0': s.q(s.strtab),
                                         'ste1': s.q(s.strtab + 8) & 0xff})[
                'space']                        # SHCFG is the host's
        r.host.fails('EOPNOTSUPP', 'pasid-alloc', set=r.set)
        r.attach(space)
        moves(r, IOVA, r.buf, pasid=5)
        refused(r, pasid=6)
        s.set_q(leaf, s.q(leaf) ^ r.buf ^ other)
        r.host.command('invalidate', set=r.set, object=r.dev, target='device',
                       gran='pasid', caches='iotlb', entries=[{'gpasid': 5}])
        moves(r, IOVA, other, pasid=5)


# --- ATS and invalidation ----------------------------------------------------

@rows(MODES)
def stale_until_invalidated(mode):
    with HostRig(host=mode) as r:
        shared(r)
        r.ep.all_on()
        ats = dict(pasid=r.g, mode=E.MODE_ATS)
        moves(r, IOVA, r.buf, **ats)
        moves(r, IOVA, r.buf, pasid=r.g)
        other = r.heap.alloc()
        r.vtd.set_q(r.leaf, other | R | W | U)
        moves(r, IOVA, r.buf, pasid=r.g)        # the host's cache
        r.host.command('invalidate', set=r.set, object=r.space,
                       target='space', gran='range',
                       caches='iotlb+devtlb',
                       entries=[{'gpasid': r.g, 'addr': IOVA,
                                 'length': 4096}])
        expect(r.host.command('fence', set=r.set)['done'], 1, 'fence')
        moves(r, IOVA, other, pasid=r.g)
        moves(r, IOVA, other, **ats)
        expect(r.ep.stat(E.STAT_ATS_REQUESTS), 2, 'translation requests')


@test
def fence_waits_for_the_device():
    with HostRig() as r:
        shared(r)
        r.ep.all_on()
        moves(r, IOVA, r.buf, pasid=r.g, mode=E.MODE_ATS)
        r.ep.set_reg(E.INJ_INV_HOLD, 1)
        r.host.command('invalidate', set=r.set, target='set', gran='all',
                       caches='devtlb')
        fence = r.host.command('fence', set=r.set)
        expect(fence['done'], 0, 'fence')
        r.ep.set_reg(E.COMMAND, E.CMD_RELEASE)
        fence = r.host.command('fence', set=r.set, ticket=fence['ticket'])
        expect(fence['done'], 1, 'fence')
        expect(r.host.happened()[-1][0], 'FENCE', 'last event')


@test
def device_that_never_answers():
    with HostRig(host=f',ats-timeout={SECOND}') as r:
        shared(r)
        r.ep.all_on()
        moves(r, IOVA, r.buf, pasid=r.g, mode=E.MODE_ATS)
        r.ep.set_reg(E.INJ_INV_DROP, 1)
        r.detach(r.p)
        expect(r.host.command('fence', set=r.set)['done'], 0, 'fence')
        r.vm.step(SECOND)
        expect(r.host.command('fence', set=r.set)['done'], 1, 'fence')
        expect_true('INV_TIMEOUT' in [e[0] for e in r.host.happened()],
                    'event INV_TIMEOUT')


# --- faults ------------------------------------------------------------------

def waiting(r, mode='', host=''):
    """A write that waits for its page."""
    r.bind()
    set_ = r.set
    q = r.host.command('faultq-create', set=set_,
                       deadline_ns=SECOND)['queue']
    r.ram = r.memory()
    r.top = r.heap.alloc()
    r.leaf = r.vtd.fs_map(r.top, IOVA, r.buf, R | W | U)
    r.vtd.set_q(r.leaf, 0)
    r.space = r.nested(r.ram, r.top, faultq=q)
    r.p, r.g = r.pasid()
    r.attach(r.space, r.p)
    r.ep.all_on()
    r.ep.start(0, E.OP_WRITE, IOVA, 4096, pasid=r.g, mode=E.MODE_AUTO, seed=5)
    r.vm.wait(lambda: r.ep.state(0) == E.STATE_WAIT_PAGE, 'a page request')
    return q


def read(r, q):
    got = r.host.command('fault-read', set=r.set, queue=q)['faults']
    expect(len(got), 1, 'faults')
    return got[0]


@rows(MODES)
def fault_is_served(mode):
    with HostRig(host=mode) as r:
        q = waiting(r)
        expect([e['queue'] for e in r.host.events('X_IM_IOASID_READABLE')],
               [q], 'readable queues')
        fault = read(r, q)
        for name, want in (('gpasid', r.g), ('addr', IOVA), ('dev', r.dev),
                           ('space', r.space), ('flags', 'pasid+last')):
            expect(fault[name], want, f'fault: {name}')
        expect_true('write' in fault['perm'], 'write is asked for')
        r.vtd.set_q(r.leaf, r.buf | R | W | U)
        r.host.command('fault-answer', set=r.set, ticket=fault['ticket'],
                       code='success')
        expect(r.ep.finish(0), (E.STATE_OK, 0), 'state and cause')
        r.host.fails('EALREADY', 'fault-answer', set=r.set,
                     ticket=fault['ticket'], code='success')


@rows([('invalid', 'invalid', E.CAUSE_RESP_INVALID),
       ('failure', 'failure', E.CAUSE_RESP_FAILURE)])
def fault_is_refused(code, cause):
    with HostRig() as r:
        fault = read(r, waiting(r))
        r.host.command('fault-answer', set=r.set, ticket=fault['ticket'],
                       code=code)
        expect(r.ep.finish(0), (E.STATE_ERROR, cause), 'state and cause')


def explained(r, pasid, **request):
    """A page request, explained: no trace is left of it."""
    before = r.vm.qmp('x-im-dump', device='h0'), counters(r.vm, 'h0')
    e = explain(r.vm, str(HOST_RID), IOVA, device='h0', request='page',
                pasid=pasid, **request)
    expect((r.vm.qmp('x-im-dump', device='h0'), counters(r.vm, 'h0')), before,
           'nothing happened')
    return e


def requested(r, pasid):
    """The code that the endpoint is answered."""
    for reg, value in ((E.PR_ADDR, IOVA), (E.PR_PASID, pasid),
                       (E.PR_CTRL, E.PR_CTRL_READ | E.PR_CTRL_LAST |
                        E.PR_CTRL_PASID), (E.PR_GO, 1)):
        r.ep.set_reg(reg, value)
    r.vm.wait(lambda: r.ep.reg(E.PR_RESP) & E.PR_RESP_VALID, 'a response')
    return r.ep.reg(E.PR_RESP) & E.PR_RESP_CODE


@rows([('hidden', ',map-mode=translate', 9, "the guest's set"),
       ('unbound', '', 9, 'function')])
def page_request_of_nobodys_pasid(mode, pasid, first):
    """Answered, as each is; and as explained."""
    with HostRig(host=mode) as r:
        shared(r)
        r.ep.all_on()
        e = explained(r, pasid)
        expect((e['granted'], e['steps'][0]['what'], e['steps'][-1]['what'],
                e['steps'][-1]['clause'], e['response']),
               (False, first, 'result', 'IOASID_FAULTS',
                {'code': 'invalid request', 'pasid': pasid}), 'explained')
        expect(RESPONSES[requested(r, pasid)], e['response']['code'],
               'response')


@rows(MODES)
def page_request_explained(mode):
    """By the guest's PASID, whichever number is on the bus."""
    with HostRig(host=mode) as r:
        q = waiting(r)
        e = explained(r, r.g)
        expect((e['granted'], 'response' in e), (True, False), 'explained')
        expect([(s['what'], s['note']) for s in e['steps']],
               [('function', 'bound, 1 of 512 groups outstanding'),
                ('binding', f'guest PASID {r.g}'),
                ('set', '1 of 256 groups outstanding'),
                ('fault queue', f'1 pages unread, deadline {SECOND} ns'),
                ('result', 'queued')], 'steps')
        read(r, q)
        quiet = r.nested(r.ram, r.top)
        r.attach(quiet, r.p, 'replace')
        e = explained(r, r.g, last=False)
        expect((e['granted'], 'response' in e, e['steps'][-1]['note']),
               (False, False, 'the space has no fault queue; dropped, not '
                'the last of its group'), 'no queue')
        e = explained(r, r.g)
        expect(e['response'], {'code': 'invalid request', 'pasid': r.g},
               'no queue')
        expect(RESPONSES[requested(r, r.g)], e['response']['code'],
               'response')


@test
def page_request_in_the_monitor():
    with HostRig() as r:
        shared(r)
        text = r.vm.hmp(f'info x-im explain {HOST_RID} {IOVA:#x} device=h0 '
                        f'request=page pasid={r.g}').replace('\r', '')
        for words in ('page request, access read', 'IOASID_FAULTS',
                      'the space has no fault queue; answered with Invalid '
                      'Request automatically'):
            expect_true(words in text, f'{words} in {text}')


@test
def nobody_answers():
    with HostRig() as r:
        fault = read(r, waiting(r))
        r.vm.step(SECOND)
        expect(r.ep.finish(0), (E.STATE_ERROR, E.CAUSE_RESP_INVALID),
               'state and cause')
        r.host.fails('ETIMEDOUT', 'fault-answer', set=r.set,
                     ticket=fault['ticket'], code='success')


@rows([('free', lambda r: r.host.command('pasid-free', set=r.set, pasid=r.p)),
       ('detach', lambda r: r.detach(r.p)),
       ('unbind', lambda r: r.host.command('dev-unbind', set=r.set,
                                           dev=r.dev)),
       ('destroy', lambda r: r.host.command('set-destroy', set=r.set,
                                            flags='force'))])
def taken_away_while_a_fault_waits(how):
    with HostRig() as r:
        waiting(r)
        how(r)
        expect(r.ep.finish(0), (E.STATE_ERROR, E.CAUSE_RESP_INVALID),
               'state and cause')
        refused(r, pasid=r.g)


# --- while DMA runs ----------------------------------------------------------

def sweep(r, ch, pasid):
    r.ep.set_reg(r.ep.ch(ch, E.CH_COUNT), 1 << 31)
    r.ep.set_reg(r.ep.ch(ch, E.CH_STRIDE), 64)
    r.ep.start(ch, E.OP_SWEEP, IOVA, 4096, pasid=pasid)


@rows([('identity/free', '', 'pasid-free'),
       ('translate/free', ',map-mode=translate', 'pasid-free'),
       ('identity/detach', '', 'detach'), ('identity/vcmd', '', 'vcmd'),
       ('identity/set', '', 'set-destroy')])
def taken_away_while_dma_runs(mode, how):
    with HostRig(host=mode, beside=how == 'vcmd') as r:
        shared(r)
        p, other = r.pasid()
        r.attach(r.space, p)
        sweep(r, 0, r.g)
        sweep(r, 1, other)
        r.vm.wait(lambda: r.ep.reg(r.ep.ch(0, E.CH_REQUESTS)) > 1000,
                  'DMA runs')
        if how == 'detach':
            r.detach(r.p)
        elif how == 'vcmd':
            Vcmd(r.vtd, beside=True).free(r.g)
        elif how == 'pasid-free':
            r.host.command(how, set=r.set, pasid=r.p)
        else:
            r.host.command(how, set=r.set, flags='force')
        done = r.ep.finish(0)
        expect(done, (E.STATE_ERROR, E.CAUSE_DMA_UR), 'state and cause')
        if how != 'set-destroy':
            expect(r.ep.running(1), True, 'the other PASID goes on')
            r.ep.set_reg(r.ep.ch(1, E.CH_COMMAND), E.CH_CMD_ABORT)
            expect(r.ep.finish(1)[0], E.STATE_ABORTED, 'state')


@test
def reset_returns_everything():
    with HostRig(host=',quota-max=3', beside=True) as r:
        waiting(r)
        r.pasid()
        Vcmd(r.vtd, beside=True).alloc()
        old = r.set
        r.vm.qmp('system_reset')
        r.vm.wait(lambda: r.host.guest != old, 'the reset')
        info = r.host.sound()
        expect(r.host.usage(), (0, 0, 0), 'live, parked, quarantined')
        q = r.host.command('set-query', set=info['guest-set'])
        expect((q['devices'], q['spaces']), (0, 1), 'devices, spaces: RAM')
        expect([f['func'] for f in info['functions']], [HOST_RID],
               'functions')
        for command in ('set-query', 'pasid-alloc'):
            r.host.fails('ENOENT', command, set=old)
        r.set = None
        rig.pcie.enable_ecam(r.vm)
        r.ep = type(r.ep)(r.vm)
        r.ep.pasid_on()
        shared(r)
        moves(r, IOVA, r.buf, pasid=r.g)


# --- foreign, stale and wrong ------------------------------------------------

@test
def foreign_handles():
    with HostRig() as r:
        shared(r)
        s = r.host.command('set-create', gpasid_min=1, gpasid_max=9)['set']
        for command, members in (
                ('pasid-query', dict(pasid=r.p)),
                ('pasid-free', dict(pasid=r.p)),
                ('dev-info', dict(dev=r.dev)),
                ('dev-unbind', dict(dev=r.dev)),
                ('space-destroy', dict(space=r.space)),
                ('detach', dict(dev=r.dev, pasid=r.p, flags='pasid')),
                ('pasid-query', dict(gpasid=r.g, flags='by-gpasid'))):
            r.host.fails('ENOENT', command, set=s, **members)
        r.host.fails('EBUSY', 'dev-bind', set=s, func=HOST_RID)
        r.host.fails('ENODEV', 'dev-bind', set=s, func=0x0999)
        moves(r, IOVA, r.buf, pasid=r.g)


# the monitor's words: command, arguments, part of the answer
@rows([
    ('no-command', 'pasid-eat', {}, 'no command'),
    ('no-word', 'pasid-alloc', {'mim': 1}, 'not a word'),
    ('out-word', 'pasid-alloc', {'pasid': '1.1'}, 'not a word'),
    ('no-number', 'pasid-alloc', {'min': 'x'}, 'a number'),
    ('negative', 'pasid-alloc', {'min': -1}, 'a number'),
    ('wide', 'pasid-alloc', {'min': 1 << 32}, 'a number'),
    ('no-handle', 'set-query', {'set': 5}, 'id.gen'),
    ('no-kind', 'space-create', {'kind': 'some'}, 'mapped'),
    ('no-list', 'pasid-alloc', {'min': [1]}, 'dictionary'),
    ('no-element', 'invalidate', {'entries': [5]}, 'dictionary'),
    ('not-a-list', 'pasid-alloc', {'min': {}}, 'list'),
    ('null', 'pasid-alloc', {'min': None}, 'number'),
])
def words_refused(command, arguments, text):
    with Machine('-object', 'ioasid-host,id=h0') as vm:
        reply = vm.try_qmp('x-im-ioasid-command', command=command,
                           arguments=arguments)
        expect_true('error' in reply and text in reply['error']['desc'],
                    f'"{text}" in {reply}')


@test
def several_hosts_need_a_name():
    with Machine('-object', 'ioasid-host,id=h0',
                 '-object', 'ioasid-host,id=h1') as vm:
        reply = vm.try_qmp('x-im-ioasid-query')
        expect_true('several' in reply['error']['desc'], 'which one?')
        Host(vm, 'h1').sound()
        reply = vm.try_qmp('x-im-ioasid-query', host='ep')
        expect_true('ep' in reply['error']['desc'], 'no such host')


@test
def shown_to_people():
    with HostRig() as r:
        shared(r)
        for name in ('h0', '/objects/h0'):
            expect_true('guest' in r.vm.qmp('x-im-dump', device=name)[
                'human-readable-text'], 'the dump')
        expect_true('guest' in r.vm.hmp('info x-im dump h0'), 'info x-im')
        moves(r, IOVA, r.buf, pasid=r.g)
        expect_true(r.host.counter('translations') > 0, 'translations')
        refused(r, OTHER, pasid=r.g)
        faults = r.vm.qmp('x-im-faults', device='h0')
        expect(faults[-1]['address'], hex(OTHER), 'address of the last fault')


@test
def two_endpoints_two_functions():
    with HostRig('-device', 'pasid-endpoint,addr=5,host=h0,host-rid=0x0208'
                 ) as r:
        funcs = sorted(f['func'] for f in r.host.query()['functions'])
        expect(funcs, [HOST_RID, 0x0208], 'functions')
        r.bind()
        r.attach(r.memory())
        moves(r, r.buf, r.buf)


if __name__ == '__main__':
    main()
