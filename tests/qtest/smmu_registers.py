# SPDX-License-Identifier: GPL-2.0-or-later
"""smmuv3-model: registers, queues, interrupts and reset, through QEMU's
bus."""

import re

import pcie
import smmu
from endpoint import E
from harness import Machine, expect, expect_true, main, rows, test
from smmu import IOVA, RID, SSID, USER, VIRT, Rig, Smmu, shared


def machine(options=''):
    return Machine('-device', 'smmuv3-model' + options, machine=VIRT)


@rows([
    ('cr0', smmu.CR0, 4, 0), ('cr0ack', smmu.CR0ACK, 4, 0),
    ('strtab', smmu.STRTAB_BASE, 8, 0), ('gerror', smmu.GERROR, 4, 0),
    ('cmdq-prod', smmu.CMDQ_PROD, 4, 0), ('cmdq-cons', smmu.CMDQ_CONS, 4, 0),
    ('evtq-prod', smmu.EVTQ_PROD, 4, 0), ('priq-cons', smmu.PRIQ_CONS, 4, 0),
])
def reset_value(off, size, value):
    with machine() as vm:
        expect(vm.read(smmu.BASE + off, size), value, 'reset value')


# what Linux demands for SVA with stalls (smmuv3-peers 2)
@rows([
    ('aarch64-tables', smmu.IDR0, 3, 2, 2),
    ('little-endian', smmu.IDR0, 22, 21, 2),
    ('coherent', smmu.IDR0, 4, 4, 1), ('no-sev', smmu.IDR0, 14, 14, 0),
    ('asid-16', smmu.IDR0, 12, 12, 1), ('cd2l', smmu.IDR0, 19, 19, 1),
    ('two-level-streams', smmu.IDR0, 28, 27, 1),
    ('nothing-preset', smmu.IDR1, 30, 28, 0),
    ('command-queue-above-64', smmu.IDR1, 25, 21, 16),
    ('16-stream-bits', smmu.IDR1, 5, 0, 16),
    ('fwb', smmu.IDR3, 8, 8, 1), ('ril', smmu.IDR3, 10, 10, 1),
    ('bbml-2', smmu.IDR3, 12, 11, 2), ('all-granules', smmu.IDR5, 6, 4, 7),
    ('v3.2-or-later', smmu.AIDR, 7, 4, 0),
])
def linux_needs(reg, high, low, value):
    with machine() as vm:
        word = vm.read(smmu.BASE + reg, 4)
        expect(word >> low & (1 << high - low + 1) - 1, value, 'field')


@rows([('4-4', 4), ('8', 8)])
def base_registers_by_either_width(size):
    value = 0x40000012345000 | 1 << 62
    with machine() as vm:
        u = Smmu(vm)
        for i in range(0, 8, size):
            u.wr(smmu.STRTAB_BASE + i,
                 value >> 8 * i & (1 << 8 * size) - 1, size)
        want = value & 0x40fffffffffff000 & ~0xf000000000000
        whole = u.rd(smmu.STRTAB_BASE, 8)
        expect(whole, u.rd(smmu.STRTAB_BASE) |
               u.rd(smmu.STRTAB_BASE + 4) << 32, 'halves')
        expect(whole & 0xfffffffff000, want & 0xfffffffff000, 'address')


@rows([('1', 1, 0), ('2', 2, 0), ('unaligned-4', 4, 2), ('unaligned-8', 8, 4)])
def access_of_no_meaning_reads_0_and_changes_nothing(size, shift):
    with machine() as vm:
        u = Smmu(vm)
        u.wr(smmu.STRTAB_BASE, 0x7ffff000, 8)
        vm.write(u.base + smmu.STRTAB_BASE + shift, 0x55, size)
        expect(vm.read(u.base + smmu.STRTAB_BASE + shift, size), 0, 'read')
        expect(u.rd(smmu.STRTAB_BASE, 8), 0x7ffff000, 'STRTAB_BASE')


@test
def two_pages_and_no_more():
    with machine() as vm:
        u = Smmu(vm)
        u.wr(smmu.EVTQ_BASE, 7, 8)
        u.wr(smmu.EVTQ_CONS, 5)
        expect(u.rd(smmu.EVTQ_CONS), 5, 'page 1')
        expect(vm.read(smmu.BASE + 0x20000, 4), 0, 'beyond')


# --- commands -------------------------------------------------------------------

@test
def commands_are_consumed_and_counted():
    with Rig() as r:
        r.smmu.start()
        r.smmu.invalidate_all()
        expect(r.counters()['commands'], 3, 'commands')


@rows([('reserved-opcode', (0xff, 0)), ('secure', (0x03 | 1 << 10, 1)),
       ('el3', (0x18, 0)), ('sync-cs-3', (0x46 | 3 << 12, 0))])
def illegal_command_stops_the_queue_until_acknowledged(command):
    with Rig() as r:
        r.smmu.start(irqs=1)
        r.smmu.watch_lines()
        r.smmu.post(*command)
        r.smmu.post(0x46)
        r.smmu.ring()
        expect(r.smmu.error(), 1, 'GERROR.CMDQ_ERR')
        expect(r.smmu.rd(smmu.CMDQ_CONS), 1 << 24, 'CMDQ_CONS')
        expect(r.smmu.raised(smmu.GERR), True, 'gerror line')
        r.smmu.set_q(r.smmu.cmdq, 0x46, 0)      # replace it
        r.smmu.wr(smmu.GERRORN, r.smmu.rd(smmu.GERROR))
        expect(r.smmu.rd(smmu.CMDQ_CONS) & 127, 2, 'CMDQ_CONS.RD')


@test
def queue_in_no_memory_is_an_abort():
    with Rig() as r:
        r.smmu.start(cr0=0)
        r.smmu.wr(smmu.CMDQ_BASE, 0x7000000000 | smmu.LOG2, 8)
        r.smmu.cr0(smmu.CMDQEN)
        r.smmu.wr(smmu.CMDQ_PROD, 1)
        expect(r.smmu.rd(smmu.CMDQ_CONS) >> 24, 2, 'CERROR_ABT')


# --- interrupts: wires ----------------------------------------------------------

@test
def event_line():
    with Rig() as r:
        r.smmu.start(irqs=4)
        r.smmu.watch_lines()
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_READ, IOVA, 64)
        expect([r.smmu.raised(i) for i in range(4)],
               [True, False, False, False], 'lines')


@test
def event_line_off():
    with Rig() as r:
        r.smmu.start(irqs=0)
        r.smmu.watch_lines()
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_READ, IOVA, 64)
        expect(r.smmu.raised(smmu.EVTQ), False, 'event line')


@test
def page_request_line():
    with Rig() as r:
        shared(r, mapped=False)
        r.smmu.wr(smmu.IRQ_CTRL, 2)
        r.smmu.watch_lines()
        r.ep.all_on()
        r.ep.start(0, E.OP_WRITE, IOVA, 64, pasid=SSID, mode=E.MODE_AUTO)
        r.smmu.take_page_request()
        expect([r.smmu.raised(i) for i in range(4)],
               [False, True, False, False], 'lines')


@test
def sync_line_without_an_address():
    with Rig() as r:
        r.smmu.start()
        r.smmu.watch_lines()
        r.smmu.post(0x46 | 1 << 12)
        r.smmu.ring()
        expect(r.smmu.raised(smmu.SYNC), True, 'cmdq-sync line')


# --- interrupts: messages ---------------------------------------------------------

@test
def sync_writes_memory():
    with Rig() as r:
        r.smmu.start()
        r.vm.write(r.buf, 0xffffffffffffffff, 8)
        r.smmu.sync(smmu.msi_sync(r.buf, 0x1234567))
        expect(r.vm.read(r.buf, 8), 0xffffffff01234567, 'memory')


@test
def event_message():
    with Rig() as r:
        r.smmu.start()
        r.smmu.wr(smmu.EVTQ_IRQ, r.buf, 8)
        r.smmu.wr(smmu.EVTQ_IRQ + 8, 0xcafe)
        r.smmu.wr(smmu.IRQ_CTRL, 4)
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_READ, IOVA, 64)
        expect(r.vm.read(r.buf, 4), 0xcafe, 'message')


@rows([('evtq', smmu.EVTQ_IRQ, 4, 5), ('gerror', smmu.GERROR_IRQ, 1, 7)])
def message_to_nowhere_is_an_error(reg, ctrl, bit):
    with Rig() as r:
        r.smmu.start()
        r.smmu.wr(reg, 0x7000000000, 8)
        r.smmu.wr(smmu.IRQ_CTRL, ctrl)
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_READ, IOVA, 64)
        r.smmu.post(0xff)
        r.smmu.ring()
        r.vm.wait(lambda: (r.smmu.rd(smmu.GERROR) ^
                           r.smmu.rd(smmu.GERRORN)) >> bit & 1,
                  f'GERROR bit {bit}')


@test
def sync_message_to_nowhere_is_an_error():
    with Rig() as r:
        r.smmu.start()
        r.smmu.post(*smmu.msi_sync(0x7000000000, 1))
        r.smmu.ring()
        expect(r.smmu.rd(smmu.GERROR) >> 4 & 1, 1, 'MSI_CMDQ_ABT_ERR')


@rows([('default', '', 0xffff), ('given', 'msi-device-id=0x1234', 0x1234)])
def message_reaches_the_its_under_the_units_own_id(options, device):
    with Rig('-trace', 'gicv3_its_translation_write', options=options) as r:
        r.smmu.start()
        r.smmu.sync(smmu.msi_sync(0x08090040, 0x77))
        text = r.vm.output()
        expect_true(re.search(rf'0x77 .*{device:#x}|{device:#x}.*0x77',
                              text), f'DeviceID {device:#x} in {text!r}')


# --- reset and people ---------------------------------------------------------------

@test
def system_reset():
    with Rig() as r:
        shared(r)
        r.moves(IOVA, r.buf, 64, pasid=SSID)
        r.vm.qmp('system_reset')
        r.vm.wait(lambda: r.smmu.rd(smmu.CR0) == 0, 'reset')
        expect(r.smmu.rd(smmu.STRTAB_BASE, 8), 0, 'STRTAB_BASE')
        expect(r.smmu.rd(smmu.EVTQ_PROD), 0, 'EVTQ_PROD')


@test
def dump_counters_faults_and_explain():
    with Rig() as r:
        shared(r, s=0)
        r.moves(IOVA, r.buf, 64, pasid=SSID)
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_READ, IOVA + 0x1000, 64,
                       pasid=SSID)
        text = r.vm.hmp('info x-im dump smmu')
        for word in ('smmuv3-model', 'CR0ACK', 'event queue', '4K rwx'):
            expect_true(word in text, f'{word} in the dump')
        fault = r.vm.qmp('x-im-faults', device='smmu')[-1]
        expect((fault['requester'], fault['pasid'], fault['name']),
               ('00:04.0', SSID, 'F_TRANSLATION'), 'fault')
        x = r.explain(IOVA + 0x1000, pasid=SSID)
        expect((x['granted'], x['name']), (False, 'F_TRANSLATION'), 'reason')
        expect_true(len(x['steps']) >= 6, 'STE, CD and table entries listed')
        expect_true(all('clause' in s or 'address' in s for s in x['steps']),
                    'each step reads something or names a clause')
        c = r.counters()
        expect(c['events_recorded'], 1, 'events_recorded')
        expect_true(c['translations'] >= 3, 'translations counted')


@test
def trace_names_the_unit():
    with Rig('-trace', 'im_unit_fault') as r:
        shared(r, s=0)
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_READ, IOVA + 0x1000, 64,
                       pasid=SSID)
        expect_true(re.search(r'im_unit_fault smmu .* F_TRANSLATION',
                              r.vm.output()), 'trace line')


if __name__ == '__main__':
    main()
