# SPDX-License-Identifier: GPL-2.0-or-later
"""Looking inside: info x-im, x-im-faults, and what is told on stderr."""

import re

import looking
import pcie
import vtd
from endpoint import E
from harness import Machine, expect, expect_true, main, rows, test
from irqs import irte, remappable, remapping, send
from rig import EP, IOVA, RID, Rig, scalable
from vtd import R, U, W

UNIT = ('-device', 'vtd-model,id=iommu0')


def tell(r, line):
    return r.vm.hmp('info x-im ' + line).replace('\r', '')


def hmp_error(vm, line):
    """The one line that says what is wrong."""
    said = vm.hmp('info x-im ' + line).replace('\r', '').splitlines()
    expect(len(said), 1, f'lines of the answer {said}')
    expect_true(said[0].startswith('Error: '), f'an error: {said}')
    return said[0]


# --- info x-im -------------------------------------------------------------------

@test
def every_word_of_a_request():
    with Rig(iommu=UNIT) as r:
        scalable(r)
        leaf = r.first_stage(2, IOVA, r.buf)
        said = tell(r, f'explain ep {IOVA:#x} pasid=0x2 access=read '
                       'at=untranslated length=0x10 privileged=off execute=off '
                       'no-write=off device=iommu0')
        expect_true(': untranslated read of 16 bytes at 0x7f0012345000, '
                    'requester 00:04.0, PASID 0x2\n' in said, said)
        expect_true(f'at {leaf:#x}\n' in said, f'the leaf: {said}')
        expect_true(f'[0] {r.vtd.q(leaf):#018x}' in said, f'its word: {said}')
        expect_true('    [3-7] 0\n' in said, f'zeroes of the PASID entry: {said}')
        said = tell(r, f'explain 00:04.0 {IOVA:#x} pasid=2')
        expect_true(f'granted, SC: address {r.buf:#x}, mask 0xfff, r; there is '
                    'memory pc.ram\n' in said, said)
        said = tell(r, f'explain 00:04.0 {IOVA:#x} pasid=3')
        expect_true(re.search(r'refused, UR: 0x59 SPT.2: \w', said), said)
        expect(r.vtd.q(leaf) & 0x60, 0, 'A and D: explaining sets nothing')


@test
def interrupts_are_explained_to_people():
    with Rig() as r:
        remapping(r)
        irte(r, 5, 0x71, dest=3, tm=1)
        said = tell(r, f'explain ep {remappable(5):#x} access=write')
        expect_true('interrupt remapped: vector 0x71, physical destination '
                    '0x3, fixed, level\n' in said, said)
        said = tell(r, f'explain ep {remappable(6):#x} access=write')
        expect_true('interrupt blocked, UR: 0x22 IR.22' in said, said)
        said = tell(r, 'explain ep 0xfee00000 access=write data=0x51')
        expect_true('interrupt blocked, UR: 0x25 IR.25' in said, said)
        r.vtd.gcmd(vtd.CFI)
        said = tell(r, 'explain ep 0xfee0300c access=write data=0x8151')
        expect_true('interrupt as it came: vector 0x51, logical destination '
                    '0x3, lowest priority, level, redirection hint\n' in said,
                    said)
        r.vtd.expect_no_fault()


@test
def faults_and_counters_for_people():
    with Rig(iommu=UNIT) as r:
        scalable(r)
        r.first_stage(3, IOVA, r.buf)
        expect(tell(r, 'faults'), 'no faults\n', 'before')
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_WRITE, IOVA, 64, pasid=2)
        for line in ('faults', 'faults iommu0'):
            said = tell(r, line)
            for part in ('iommu0 #1 at ', 'recorded\n', '0x59 SPT.2: ',
                         f'    info x-im explain 00:04.0 {IOVA:#x} length=64 '
                         'pasid=0x2 access=write at=untranslated\n'):
                expect_true(part in said, f'"{part}" in {said}')
        said = tell(r, 'counters iommu0')
        expect_true(re.search(r'faults_recorded +1\n', said), said)
        expect_true('pasid-endpoint' in tell(r, 'counters'), 'all devices')
        expect(tell(r, ''), tell(r, 'dump'), 'info x-im')
        expect_true('info x-im explain REQUESTER ADDRESS' in tell(r, 'help'),
                    'help')


@test
def a_machine_without_models():
    with Machine() as vm:
        for words in ('', 'dump', 'counters'):
            said = vm.hmp(f'info x-im {words}').replace('\r', '')
            expect(said, 'no IOMMU or endpoint of ours\n', words)


@rows([
    ('nothing', 'dumb', ['dump, explain, faults, counters and help']),
    ('device', 'dump nobody', ['nobody', 'iommu0', 'ep']),
    ('no-iommu', 'faults ep', ['ep', 'iommu0']),
    ('two-devices', 'faults iommu0 ep', ['one device', "'ep'"]),
    ('no-address', 'explain 00:04.0', ['requester and an address',
                                       '0x7f0000001000']),
    ('address', 'explain 00:04.0 here', ["'here'", '0x7f0000001000']),
    ('wide', 'explain ep 0x10000000000000000', ['64 bits']),
    ('requester', 'explain nobody 0', ["'nobody'", 'bb:dd.f',
                                       'ID of a PCI device']),
    ('segment', 'explain 0001:00:04.0 0', ['segment 0']),
    ('number', 'explain 0x10000 0', ['65536']),
    ('word', 'explain ep 0 pasit=1', ["'pasit=1'", 'pasid=', 'no-write']),
    ('value', 'explain ep 0 access', ["'access'", 'access=...']),
    ('access', 'explain ep 0 access=erase', ["'erase'",
                                             'read, write, atomic']),
    ('at', 'explain ep 0 at=1', ['untranslated, translation, translated, '
                                         'reserved']),
    ('pasid', 'explain ep 0 pasid=-1', ['pasid', '2^32']),
    ('wide-pasid', 'explain ep 0 pasid=0x100000', ['0x100000', '0xfffff']),
    ('flag', 'explain ep 0 pasid=1 privileged=2', ['privileged',
                                                   'on or off']),
    ('privileged', 'explain ep 0 privileged', ['privileged', 'pasid']),
    ('execute', 'explain ep 0 execute', ['execute', 'pasid']),
    ('execute-write', 'explain ep 0 pasid=1 execute access=write',
     ['execute', 'access', 'read']),
    ('no-write', 'explain ep 0 no-write', ['no-write', 'translation']),
    ('translation-write', 'explain ep 0 at=translation access=write',
     ['translation', 'access', 'read', 'no-write']),
    ('translation-atomic', 'explain ep 0 at=translation access=atomic',
     ['translation', 'access', 'read']),
    ('data-read', 'explain ep 0 data=1', ['data', 'write']),
    ('data-length', 'explain ep 0 data=1 access=write length=8',
     ['data', 'length']),
    ('atomic-length', 'explain ep 0 access=atomic length=3',
     ['atomic', '4, 8 or 16']),
    ('page', 'explain ep 0xfff length=2', ['length 2', '0xfff', '4 KiB']),
])
def one_line_says_what_would_be_right(line, parts):
    with Machine(*UNIT, *EP) as vm:
        said = hmp_error(vm, line)
        for part in parts:
            expect_true(part in said, f'"{part}" in {said}')


@test
def several_iommus_are_listed():
    with Machine('-object', 'ioasid-host,id=h0', '-object',
                 'ioasid-host,id=h1', *EP) as vm:
        for part in ('h0', 'h1', 'several'):
            expect_true(part in hmp_error(vm, 'explain 00:04.0 0'), part)


@test
def numbers_are_the_guests():
    """Unless a host is named, whose numbers are others."""
    with Machine(*UNIT, '-object', 'ioasid-host,id=h0', *EP) as vm:
        for named, name in (({}, 'iommu0'), ({'device': 'h0'}, 'h0')):
            e = vm.qmp('x-im-explain', requester='00:04.0', address='0',
                       **named)
            expect_true(e['device'].endswith(name), e['device'])
        said = hmp_error(vm, 'explain nobody 0')
        expect_true("'nobody'" in said and 'several' not in said, said)
        e = vm.qmp('x-im-explain', requester='ep', address='0')
        expect_true(e['device'].endswith('iommu0'), 'that above the device')
        expect_true('none of' in hmp_error(vm, 'explain ep 0 device=h0'),
                    'the host did not assign it')


@test
def of_several_units_the_one_above_the_device():
    with Machine(
            '-device', 'pxb-pcie,id=pxb,bus_nr=64,bus=pcie.0,addr=7', *UNIT,
            '-device', 'vtd-model,id=second,primary-bus=pxb',
            '-device', 'pasid-endpoint,bus=pcie.0,addr=4,id=ep',
            '-device', 'pcie-root-port,id=rp,bus=pxb,addr=1,chassis=1',
            '-device', 'pasid-endpoint,bus=rp,id=far') as vm:
        for requester, unit in (('ep', 'iommu0'), ('far', 'second')):
            e = vm.qmp('x-im-explain', requester=requester, address='0')
            expect_true(e['device'].endswith('/' + unit),
                        f'{unit}: {e["device"]}')
        said = hmp_error(vm, 'explain 00:04.0 0')
        expect_true('iommu0' in said and 'second' in said, said)
        expect_true('none of' in hmp_error(vm, 'explain far 0 device=iommu0'),
                    'it is below the other')


@test
def a_function_of_the_host_is_known_there():
    with Machine(*UNIT, '-object', 'ioasid-host,id=h0', '-device',
                 'pasid-endpoint,id=ep,host=h0,host-rid=0x0208') as vm:
        e = vm.qmp('x-im-explain', requester='ep', address='0')
        expect((e['device'], e['requester']), ('/objects/h0', '02:01.0'),
               'device and requester')


@rows([(text, text, name) for text, name in (
    ('00:04.0', '00:04.0'), ('0000:00:04.0', '00:04.0'), ('0x20', '00:04.0'),
    ('32', '00:04.0'), ('ep', '00:04.0'), ('ff:1f.7', 'ff:1f.7'),
    ('65535', 'ff:1f.7'))])
def requester(text, name):
    with Machine(*UNIT, *EP) as vm:
        e = vm.qmp('x-im-explain', requester=text, address='0')
        expect(e['requester'], name, 'requester')


@test
def device_below_a_port_is_found_by_its_id():
    with Machine(*UNIT, '-device', 'pcie-root-port,id=rp,addr=5,chassis=1',
                 '-device', 'pasid-endpoint,bus=rp,id=ep') as vm:
        pcie.enable_ecam(vm)
        pcie.Function(vm, 0, 5).set_cfg(0x18, 0x070700)
        e = vm.qmp('x-im-explain', requester='ep', address='0')
        expect(e['requester'], '07:00.0', 'requester')


@test
def words_are_decoded_as_registers_are():
    with Rig() as r:
        scalable(r)
        r.first_stage(2, IOVA, r.buf)
        e = looking.explain(r.vm, 'ep', IOVA, pasid=2)
        steps = [s for s in e['steps'] if s['values']]
        for s in steps:
            if 'fields' in s:
                expect(len(s['fields']), len(s['values']), s['what'])
        expect(steps[0]['address'], r.vtd.root, 'the root entry comes first')


# --- what software cannot see ------------------------------------------------------

def warnings(vm):
    return [line for line in vm.output().splitlines() if 'warning' in line]


def last_fault(vm):
    return vm.qmp('x-im-faults')[-1]


@test
def fault_hidden_by_fpd():
    with Rig(iommu=UNIT) as r:
        scalable(r)
        r.vtd.pasid(RID, 2, vtd.FS, fs=r.heap.alloc(), p=0, fpd=1)
        for _ in range(3):
            r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_WRITE, IOVA, 64, pasid=2)
        r.vtd.expect_no_fault()
        f = last_fault(r.vm)
        expect((f['hidden'], f['kind'], f['name'], f['pasid'], f['address']),
               (True, 'dma', 'SPT.2', 2, hex(IOVA)), 'x-im-faults')
        expect((f['clause'], f['section'], f['title']),
               ('VTD_FLT_SPT_2', 'VT-d 5.10, 7.1.3',
                'SPT.2 59h: PASID table entry not present'), 'its clause')
        expect(looking.counters(r.vm, 'iommu0')['hidden_faults'], 3,
               'hidden_faults')
        line, = warnings(r.vm)
        for part in ('iommu0: fault hidden from software (FPD): SPT.2',
                     f'requester 00:04.0, PASID 0x2, address {IOVA:#x};',
                     '; VTD_FLT_SPT_2: VT-d 5.10, 7.1.3, "', 'x-im-faults'):
            expect_true(part in line, f'"{part}" in {line}')
        for part in '(hidden from software)', 'VTD_FLT_SPT_2: VT-d 5.10, ':
            expect_true(part in tell(r, 'faults'), 'in the monitor')


@test
def faults_hidden_by_overflow():
    with Rig(iommu=('-device', 'vtd-model,id=iommu0,fault-records=1')) as r:
        scalable(r)
        for _ in range(3):
            r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_WRITE, IOVA, 64, pasid=2)
        hidden = [f['hidden'] for f in r.vm.qmp('x-im-faults')]
        expect(hidden, [False, True, True], 'hidden')
        line, = warnings(r.vm)
        expect_true('(overflow)' in line, line)
        r.vtd.expect_fault(0x51)


@test
def interrupt_hidden_by_fpd():
    with Rig(iommu=UNIT) as r:
        remapping(r)
        irte(r, 5, 0x71, p=0, fpd=1)
        r.ep.msix(1, remappable(5), 0)
        send(r)
        f = last_fault(r.vm)
        expect((f['hidden'], f['kind'], f['name'], f['address']),
               (True, 'interrupt', 'IR.22', hex(remappable(5))),
               'x-im-faults')
        expect(len(warnings(r.vm)), 1, 'lines on stderr')


@test
def a_page_request_is_refused():
    with Rig() as r:
        scalable(r)
        r.ep.ats_on()
        r.ep.pri_on()
        r.ep.set_reg(E.PR_ADDR, IOVA)
        r.ep.set_reg(E.PR_PASID, 2)
        r.ep.set_reg(E.PR_CTRL, E.PR_CTRL_WRITE | E.PR_CTRL_LAST |
                     E.PR_CTRL_PASID)
        r.ep.set_reg(E.PR_GO, 1)
        f = last_fault(r.vm)
        expect((f['kind'], f['name'], f['pasid'], f['address'], f['hidden'],
                'length' in f), ('page-request', 'SPD.2', 2, hex(IOVA), False,
                                 False), 'x-im-faults')
        expect_true(f'    info x-im explain 00:04.0 {IOVA:#x} '
                    'request=page pasid=0x2 '
                    'access=write' in tell(r, 'faults'), 'in the monitor')
        r.vtd.expect_fault(0x51)


@rows([
    ('type', (0xf | 0xabc << 16, 0x1234), 'IQEI 3'),
    ('reserved', (1 | 1 << 4 | 1 << 63, 0), 'IQEI 4'),
])
def command_that_stops_the_queue(words, text):
    with Rig(iommu=UNIT) as r:
        scalable(r)
        for _ in range(2):
            r.vtd.post(*words)
            r.vtd.ring()
            expect(r.vtd.rd32(vtd.FSTS) & vtd.FSTS_IQE, vtd.FSTS_IQE, 'IQE')
            r.vtd.set_q(r.vtd.queue + (r.vtd.tail - 32) % 4096,
                        *vtd.ctx_global(), 0, 0)
            r.vtd.wr32(vtd.FSTS, vtd.FSTS_IQE)
        f = last_fault(r.vm)
        expect((f['kind'], f['name'], f['sequence'], f['hidden'],
                'requester' in f), ('command', 'IQE', 2, False, False),
               'x-im-faults')
        shown = [f'{w:#018x}' for w in (*words, 0, 0)]
        expect(f['words'], shown, 'the descriptor')
        expect_true(text in f['text'], f'{text}: {f}')
        expect((f['clause'], f['section']),
               (f'VTD_IQEI_{text[-1]}', 'VT-d 5.10, 11.4.9.9'), 'the rule')
        expect(looking.counters(r.vm, 'iommu0')['command_errors'], 2,
               'command_errors')
        line, = warnings(r.vm)
        for part in ('iommu0: IQE: ' + text, ' '.join(shown), 'x-im-faults'):
            expect_true(part in line, f'"{part}" in {line}')
        expect_true(' '.join(shown) in tell(r, 'faults'), 'in the monitor')


@test
def what_was_said_of_a_command_stays_said():
    """Each text is of its own requester."""
    with Rig(iommu=('-device', 'vtd-model,ats-timeout=1000')) as r:
        scalable(r)
        absent = [pcie.rid(0, n) for n in range(8, 24)]
        for rid in absent:
            r.vtd.post(*vtd.dev_tlb(rid))
            r.vtd.ring()
            r.vm.step(1_000_000)
            expect(r.vtd.rd32(vtd.FSTS) & 0x70, vtd.FSTS_ITE, 'ITE')
            r.vtd.wr32(vtd.FSTS, vtd.FSTS_ITE)
        r.vm.qmp('x-im-dump')
        texts = [f['text'] for f in r.vm.qmp('x-im-faults')]
        expect(texts, [f'00:{rid >> 3:02x}.0 did not complete a device-TLB '
                       'invalidation in time' for rid in absent], 'texts')
        expect(len(warnings(r.vm)), 1, 'lines on stderr for one matter')


@test
def advice_is_told_once():
    with Rig('-trace', 'im_unit_advice', iommu=UNIT) as r:
        remapping(r)
        irte(r, 5, 0x71, sid=RID + 8)
        r.ep.msix(1, remappable(5), 0)
        for _ in range(3):
            send(r)
        line, = warnings(r.vm)
        expect_true('iommu0: interrupt-source: ' in line, line)
        expect(len(re.findall('im_unit_advice iommu0 interrupt-source',
                              r.vm.output())), 3, 'traced')


@test
def each_kind_is_told_once_and_the_log_is_bounded():
    with Rig(iommu=('-device', 'vtd-model,id=iommu0,fault-records=1')) as r:
        scalable(r)
        r.vtd.pasid(RID, 2, vtd.FS, fs=r.heap.alloc(), p=0, fpd=1)
        for n in range(70):
            r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_WRITE, IOVA, 64,
                           pasid=2 + n % 2)
        expect(len(r.vm.qmp('x-im-faults')), 64, 'faults kept')
        expect(last_fault(r.vm)['sequence'], 70, 'sequence')
        expect(looking.counters(r.vm, 'iommu0')['hidden_faults'], 69,
               'hidden_faults')
        expect(len(warnings(r.vm)), 2, 'lines on stderr')


@test
def a_fault_that_is_recorded_is_not_told():
    with Rig(iommu=UNIT) as r:
        scalable(r)
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_WRITE, IOVA, 64, pasid=2)
        expect(last_fault(r.vm)['hidden'], False, 'hidden')
        expect(warnings(r.vm), [], 'lines on stderr')


# --- traces ------------------------------------------------------------------------

@test
def ats_invalidation_is_traced_before_the_wait_behind_it():
    with Rig('-trace', 'im_unit_*invalidate') as r:
        scalable(r)
        r.ep.ats_on()
        r.vtd.sync((3 | RID << 32, 0))
        names = re.findall(r'im_unit_(\w*invalidate)', r.vm.output())
        expect(names, ['invalidate', 'ats_invalidate', 'invalidate'],
               'descriptor, message, wait')


@test
def page_response_is_traced_behind_its_descriptor():
    with Rig('-trace', 'im_unit_invalidate', '-trace',
             'im_unit_page_response') as r:
        scalable(r)
        r.vtd.sync(vtd.page_response(RID, 0))
        names = re.findall(r'im_unit_(invalidate|page_response)',
                           r.vm.output())
        expect(names, ['invalidate', 'page_response', 'invalidate'],
               'descriptor, message, wait')


if __name__ == '__main__':
    main()
