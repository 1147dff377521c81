# SPDX-License-Identifier: GPL-2.0-or-later
"""What software behind smmuv3-model cannot see, told to people."""

import re

import looking
import smmu
from endpoint import E
from harness import expect, expect_true, main, rows, test
from smmu import IOVA, RID, SSID, Rig, shared


def warnings(vm):
    return [line for line in vm.output().splitlines() if 'warning' in line]


def fail(r, count=1):
    for _ in range(count):
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_READ, IOVA, 64, pasid=SSID)


def told(r, count, *parts):
    """That many faults are hidden; one line tells the first."""
    f = r.vm.qmp('x-im-faults')[-1]
    expect((f['hidden'], f['kind'], f['name'], f['pasid'], f['address']),
           (True, 'dma', 'F_TRANSLATION', SSID, hex(IOVA)), 'x-im-faults')
    expect(looking.counters(r.vm, 'smmu')['hidden_faults'], count,
           'hidden_faults')
    line, = warnings(r.vm)
    for part in ('smmu: fault hidden from software', 'F_TRANSLATION, '
                 f'requester 00:04.0, PASID {SSID:#x}, address {IOVA:#x};',
                 *parts):
        expect_true(part in line, f'"{part}" in {line}')


@test
def events_with_the_queue_disabled():
    with Rig() as r:
        shared(r, mapped=False, s=0)
        r.smmu.cr0(smmu.ON & ~smmu.EVTQEN)
        fail(r, 3)
        told(r, 3, '(queue disabled)')


@test
def events_with_the_queue_full():
    with Rig() as r:
        shared(r, mapped=False, s=0)
        r.smmu.wr(smmu.EVTQ_CONS, r.smmu.rd(smmu.EVTQ_PROD) ^ 64)   # full
        fail(r, 2)
        told(r, 2, '(queue full)')


@test
def an_event_that_is_recorded_is_not_told():
    with Rig() as r:
        shared(r, mapped=False, s=0)
        fail(r)
        r.smmu.expect_event(smmu.F_TRANSLATION)
        expect(r.vm.qmp('x-im-faults')[-1]['hidden'], False, 'hidden')
        expect(warnings(r.vm), [], 'lines on stderr')


@rows([('ill', (0xff | 0x123 << 32, 0x4567), 'CERROR_ILL')])
def command_that_stops_the_queue(words, name):
    with Rig() as r:
        r.smmu.start()
        r.smmu.post(*words)
        r.smmu.ring()
        expect(r.smmu.error(), 1, 'GERROR.CMDQ_ERR')
        f = r.vm.qmp('x-im-faults')[-1]
        shown = [f'{w:#018x}' for w in words]
        expect((f['kind'], f['name'], f['words'], f['hidden']),
               ('command', name, shown, False), 'x-im-faults')
        expect_true(f['text'] and f['clause'] and f['title'] and
                    f['section'].startswith('IHI 0070 G.b, '),
                    'the rule that was broken')
        expect(looking.counters(r.vm, 'smmu')['command_errors'], 1,
               'command_errors')
        line, = warnings(r.vm)
        for part in (f'smmu: {name}: ', ' '.join(shown), 'x-im-faults'):
            expect_true(part in line, f'"{part}" in {line}')
        said = r.vm.hmp('info x-im faults smmu').replace('\r', '')
        expect_true(' '.join(shown) in said, said)


@rows([
    ('invalidation', smmu.atc_inv(RID), 'ats_invalidate'),
    ('response', smmu.pri_resp(dict(ssv=0, ssid=0, sid=RID, prgi=1)),
     'page_response'),
])
def message_is_traced_between_its_command_and_the_sync(command, message):
    with Rig('-trace', 'im_unit_*') as r:
        shared(r, s=0)
        r.ep.ats_on()
        r.smmu.sync(command)
        names = re.findall(r'im_unit_(\w*invalidate|page_response)',
                           r.vm.output())
        expect(names, ['invalidate', message, 'invalidate'],
               'command, message, SYNC')


if __name__ == '__main__':
    main()
