# SPDX-License-Identifier: GPL-2.0-or-later
"""vtd-model: registers, queue, events and reset, through QEMU's bus."""

import vtd
from harness import Machine, expect, expect_true, main, rows, test
from rig import pending_vectors
from vtd import Vtd


def machine(options=''):
    return Machine('-device', 'vtd-model' + options)


@rows([
    ('ver', vtd.VER, 4, 0x50),
    ('gsts', vtd.GSTS, 4, 0),
    ('rtaddr', vtd.RTADDR, 8, 0),
    ('fsts', vtd.FSTS, 4, 0),
    ('fectl', vtd.FECTL, 4, 0x80000000),
    ('iqh', vtd.IQH, 8, 0),
    ('iqt', vtd.IQT, 8, 0),
    ('iqa', vtd.IQA, 8, 0),
    ('ics', vtd.ICS, 4, 0),
    ('iectl', vtd.IECTL, 4, 0x80000000),
    ('irta', vtd.IRTA, 8, 0),
    ('pqh', vtd.PQH, 8, 0),
    ('pqt', vtd.PQT, 8, 0),
    ('prs', vtd.PRS, 4, 0),
    ('pectl', vtd.PECTL, 4, 0x80000000),
])
def reset_value(off, size, value):
    with machine() as vm:
        expect(vm.read(vtd.BASE + off, size), value, 'reset value')


@rows([
    # what Linux demands for SVA with page requests (vtd-peers 3.1)
    ('mgaw-57', vtd.CAP, 21, 16, 56),
    ('sagaw-39-48-57', vtd.CAP, 12, 8, 0xe),
    ('domain-16-bits', vtd.CAP, 2, 0, 6),
    ('no-write-buffer', vtd.CAP, 4, 4, 0),
    ('caching-mode-off', vtd.CAP, 7, 7, 0),
    ('psi', vtd.CAP, 39, 39, 1),
    ('fs1gp', vtd.CAP, 56, 56, 1),
    ('fs5lp', vtd.CAP, 60, 60, 1),
    ('queue', vtd.ECAP, 1, 1, 1),
    ('device-tlb', vtd.ECAP, 2, 2, 1),
    ('intremap', vtd.ECAP, 3, 3, 1),
    ('eim', vtd.ECAP, 4, 4, 1),
    ('pass-through', vtd.ECAP, 6, 6, 1),
    ('nested', vtd.ECAP, 26, 26, 1),
    ('page-request', vtd.ECAP, 29, 29, 1),
    ('supervisor', vtd.ECAP, 31, 31, 1),
    ('pasid-20-bits', vtd.ECAP, 39, 35, 19),
    ('pasid', vtd.ECAP, 40, 40, 1),
    ('scalable-mode', vtd.ECAP, 43, 43, 1),
    ('second-stage', vtd.ECAP, 46, 46, 1),
    ('first-stage', vtd.ECAP, 47, 47, 1),
    ('page-walk-coherency', vtd.ECAP, 48, 48, 1),
])
def default_capability(reg, hi, lo, value):
    with machine() as vm:
        word = vm.read(vtd.BASE + reg, 8)
        expect(word >> lo & (1 << hi - lo + 1) - 1, value, 'field')


@rows([
    ('ver', vtd.VER), ('cap', vtd.CAP), ('ecap', vtd.ECAP),
    ('gsts', vtd.GSTS), ('iqh', vtd.IQH),
])
def read_only(off):
    with machine() as vm:
        size = 4 if off in (vtd.VER, vtd.GSTS) else 8
        before = vm.read(vtd.BASE + off, size)
        vm.write(vtd.BASE + off, (1 << 8 * size) - 1, size)
        vm.write(vtd.BASE + off, 0, size)
        expect(vm.read(vtd.BASE + off, size), before, 'value after writes')


@test
def wide_register_in_halves():
    with machine() as vm:
        v = Vtd(vm)
        v.wr32(vtd.RTADDR, 0x12345400)
        v.wr32(vtd.RTADDR + 4, 0x5)
        expect(v.rd64(vtd.RTADDR), 0x512345400, 'RTADDR')
        expect(v.rd32(vtd.RTADDR + 4), 0x5, 'upper half')


@test
def status_follows_command_at_once():
    with machine() as vm:
        v = Vtd(vm)
        v.start()
        v.wr64(vtd.IRTA, v.heap.alloc() | 7)
        v.gcmd(vtd.SIRTP)
        v.gcmd(vtd.IRE)
        v.gcmd(vtd.IRE, False)
        v.gcmd(vtd.TE, False)
        v.gcmd(vtd.QIE, False)
        expect(v.rd64(vtd.IQH), 0, 'IQH after QIE=0')


@rows([('128-bit', vtd.LEGACY, False), ('256-bit', vtd.SCALABLE, True)])
def wait_writes_status(ttm, wide):
    with machine() as vm:
        v = Vtd(vm)
        v.set_root(ttm)
        v.enable_queue(wide)
        for n in range(300):            # the ring wraps
            v.sync(vtd.ctx_global(), vtd.iotlb_global(), data=n + 1)


@test
def bad_descriptor_stops_queue_until_cleared():
    with machine() as vm:
        v = Vtd(vm)
        v.start()
        bad = v.tail
        v.post(0xf)                     # no such type
        v.post_wait(0x77)
        v.ring()
        expect(v.rd32(vtd.FSTS) & vtd.FSTS_IQE, vtd.FSTS_IQE, 'FSTS.IQE')
        expect(v.rd64(vtd.IQERCD) & 0xf, 3, 'IQERCD.IQEI: invalid type')
        expect(v.rd64(vtd.IQH), bad, 'IQH stays at the offender')
        expect_true(not v.waited(0x77), 'the wait behind it is not executed')
        v.set_q(v.queue + bad, *vtd.ctx_global(), 0, 0)
        v.wr32(vtd.FSTS, vtd.FSTS_IQE)
        vm.wait(lambda: v.waited(0x77), 'the queue goes on')


@rows([
    ('tail-beyond-queue', 0x1000, 1),
    ('tail-not-aligned', 0x10, 6),
])
def bad_tail(tail, iqei):
    with machine() as vm:
        v = Vtd(vm)
        v.start()
        v.wr64(vtd.IQT, tail)
        expect(v.rd32(vtd.FSTS) & vtd.FSTS_IQE, vtd.FSTS_IQE, 'FSTS.IQE')
        expect(v.rd64(vtd.IQERCD) & 0xf, iqei, 'IQERCD.IQEI')


@rows([
    ('own-registers', vtd.BASE),
    ('unmapped', 0x3f000000000),
    ('pci-hole', 0xc8000000),
    ('apic', 0xfee00000),
])
def queue_not_in_memory(addr):
    with machine() as vm:
        v = Vtd(vm)
        v.set_root()
        v.wr64(vtd.IQA, addr | 1 << 11)
        v.gcmd(vtd.QIE)
        v.wr64(vtd.IQT, 32)
        expect(v.rd32(vtd.FSTS) & vtd.FSTS_IQE, vtd.FSTS_IQE, 'FSTS.IQE')
        expect(v.rd64(vtd.IQERCD) & 0xf, 2, 'IQERCD.IQEI: fetch error')
        expect(v.rd64(vtd.IQH), 0, 'IQH')


@test
def wait_interrupt_reaches_apic():
    with machine() as vm:
        v = Vtd(vm)
        v.start()
        v.wr32(vtd.IEDATA, 0x61)
        v.wr32(vtd.IEADDR, 0xfee00000)
        v.post(5 | 1 << 4)              # IF
        v.ring()
        expect(v.rd32(vtd.ICS), 1, 'ICS.IWC')
        expect(v.rd32(vtd.IECTL), 0xc0000000, 'IECTL: masked and pending')
        expect(pending_vectors(vm), set(), 'vectors while masked')
        v.wr32(vtd.IECTL, 0)
        expect(v.rd32(vtd.IECTL), 0, 'IECTL after unmasking')
        expect(pending_vectors(vm), {0x61}, 'vectors after unmasking')


@test
def event_message_to_memory_is_a_dword_write():
    with machine() as vm:
        v = Vtd(vm)
        v.start()
        where = v.heap.alloc()
        vm.write(where, 0x1111111111111111, 8)
        v.wr32(vtd.IEDATA, 0x4321)
        v.wr32(vtd.IEADDR, where)
        v.wr32(vtd.IECTL, 0)
        v.post(5 | 1 << 4)
        v.ring()
        expect(vm.read(where, 8), 0x1111111100004321, 'memory')


@test
def system_reset_forgets_everything():
    with machine() as vm:
        v = Vtd(vm)
        v.start()
        v.post(0xf)
        v.ring()
        v.wr32(vtd.FEDATA, 0x1234)
        vm.qmp('system_reset')
        vm.wait(lambda: v.rd32(vtd.GSTS) == 0, 'the machine is reset')
        for off, want in ((vtd.RTADDR, 0), (vtd.IQA, 0), (vtd.IQT, 0),
                          (vtd.IQH, 0), (vtd.FSTS, 0)):
            expect(v.rd64(off) if off != vtd.FSTS else v.rd32(off), want,
                   f'register {off:#x}')
        again = Vtd(vm, v.heap)
        again.start()
        again.sync(vtd.ctx_global())


@test
def saving_is_refused():
    with machine() as vm:
        reply = vm.try_qmp('migrate', uri='tcp:127.0.0.1:1')
        expect_true('error' in reply and
                    'vtd-model' in reply['error']['desc'],
                    f'migration refused by name: {reply}')


@test
def dump_shows_registers():
    with machine() as vm:
        v = Vtd(vm)
        v.start()
        text = vm.qmp('x-im-dump')['human-readable-text']
        expect_true('vtd-model' in text and f'{v.root:x}' in text,
                    'the dump names the device and its root table')
        expect(vm.hmp('info x-im').replace('\r', ''), text, 'info x-im')


@test
def counters_count():
    with machine() as vm:
        v = Vtd(vm)
        v.start()
        v.sync(vtd.ctx_global(), vtd.iotlb_global())
        device, = vm.qmp('x-im-counters')
        expect(device['type'], 'vtd-model', 'type')
        counters = {c['name']: c['value'] for c in device['counters']}
        expect(counters['descriptors'], 3, 'descriptors')


@rows([
    ('device-of-another-kind', dict(device='/machine/q35'), 'no IOMMU'),
    ('unknown-device', dict(device='nobody'), 'nobody'),
])
def query_of_wrong_device(arguments, text):
    with machine() as vm:
        for command in ('x-im-dump', 'x-im-counters', 'x-im-faults'):
            reply = vm.try_qmp(command, **arguments)
            expect_true('error' in reply and text in reply['error']['desc'],
                        f'{command}: {reply}')


@rows([
    ('words', 'rubbish'), ('device-too-large', '00:20.0'),
    ('function-too-large', '00:01.8'), ('number-too-large', '65536'),
    ('trailing', '00:01.0x'),
])
def explain_refuses_requester(text):
    with machine() as vm:
        reply = vm.try_qmp('x-im-explain', requester=text, address='0')
        expect_true('error' in reply and text in reply['error']['desc'],
                    f'{reply}')


if __name__ == '__main__':
    main()
