# SPDX-License-Identifier: GPL-2.0-or-later
"""Hostile guests of smmuv3-model: any size, anywhere, any value; queues and
tables in the unit's own registers; stalls that nobody resumes."""

import random

import pcie
import smmu
from endpoint import E
from harness import Machine, RAM, expect, main, rows, test
from smmu import IOVA, RID, SSID, VIRT, Rig, Smmu, shared

CANARY = 0x5a5a5a5aa5a5a5a5


def canaries(vm):
    """Memory that no table, queue or message of the test points at."""
    rng = random.Random(1)
    where = [vm.ram + rng.randrange(0x8000000, RAM, 8) for _ in range(64)]
    for addr in where:
        vm.write(addr, CANARY, 8)
    return where


def check_alive(vm, where=()):
    u = Smmu(vm)
    for addr in where:
        expect(vm.read(addr, 8), CANARY, f'memory at {addr:#x}')
    vm.qmp('x-im-dump')
    vm.qmp('system_reset')
    vm.wait(lambda: u.rd(smmu.CR0) == 0 and u.rd(smmu.CR0ACK) == 0, 'reset')
    u.start()
    u.invalidate_all()
    vm.qmp('x-im-dump')


@rows([
    ('all-ones', (1, 2, 4, 8), lambda rng: (1 << 64) - 1),
    ('random-low', (4, 8), lambda rng: rng.getrandbits(26)),
    ('random', (4, 8), lambda rng: rng.getrandbits(64)),
])
def every_offset(sizes, value):
    with Machine('-device', 'smmuv3-model', machine=VIRT) as vm:
        rng = random.Random(2)
        where = canaries(vm)
        for page in (0, 0x10000):
            for off in list(range(0, 0x200)) + list(range(0xe00, 0x1000, 4)):
                for size in sizes:
                    at = smmu.BASE + page + off
                    vm.read(at, size)
                    vm.write(at, value(rng) & (1 << 8 * size) - 1, size)
        check_alive(vm, where)


@rows([('3', 3), ('5', 5), ('16', 16), ('64', 64)])
def odd_sizes(size):
    with Machine('-device', 'smmuv3-model', machine=VIRT) as vm:
        for off in range(0x20, 0x110, 3):
            vm.write_bytes(smmu.BASE + off, b'\xff' * size)
            vm.read_bytes(smmu.BASE + off, size)
        check_alive(vm)


# where a table or queue may be told to be
PLACES = {
    'own-registers': smmu.BASE,
    'own-page-1': smmu.BASE + 0x10000,
    'gic': smmu.GICD,
    'its-doorbell': 0x08090000,
    'nothing': 0x7000000000,
    'beyond-oas': 0xff000000000000,
    'flash': 0,
}


@rows([(f'{name}/{place}', reg, at) for name, reg in (
    ('command-queue', smmu.CMDQ_BASE), ('event-queue', smmu.EVTQ_BASE),
    ('page-request-queue', smmu.PRIQ_BASE),
    ('stream-table', smmu.STRTAB_BASE))
    for place, at in PLACES.items()])
def structure_in_a_strange_place(reg, at):
    with Rig() as r:
        r.smmu.start(cr0=0, irqs=7)
        r.smmu.wr(reg, at | (0 if reg == smmu.STRTAB_BASE else smmu.LOG2), 8)
        r.smmu.wr(smmu.CR0, smmu.ON)
        r.ep.all_on()
        r.smmu.post(0x46)
        r.smmu.ring()
        for ch, mode in enumerate((E.MODE_UNTRANSLATED, E.MODE_ATS,
                                   E.MODE_AUTO)):
            r.ep.start(ch, E.OP_WRITE, IOVA, 64, pasid=SSID, mode=mode)
        r.vm.step(20_000_000_000)
        check_alive(r.vm)


@rows([(f'{what}/{place}', what, at) for what in ('cd-table', 'cd-leaf',
                                                  'ttb', 'table')
       for place, at in PLACES.items() if at < 1 << 52])
def walk_through_a_strange_place(what, at):
    at &= ~0xfff
    with Rig() as r:
        r.smmu.start()
        r.smmu.stream(RID)
        r.ep.pasid_on()
        r.smmu.cd(RID, SSID, r.heap.alloc(), s=0)
        if what == 'cd-table':
            r.smmu.ste(RID, smmu.S1, at, 20, fmt=1)
        elif what == 'cd-leaf':
            r.smmu.set_q(r.smmu.cds[RID] + (SSID >> 6) * 8, at | 1)
        elif what == 'ttb':
            r.smmu.cd(RID, SSID, at, s=0)
        else:
            top = r.heap.alloc()
            r.smmu.cd(RID, SSID, top, s=0)
            r.smmu.set_q(top + (IOVA >> 39 & 511) * 8, at | 3)
        got = r.ep.run(0, E.OP_WRITE, IOVA, 64, pasid=SSID)
        expect(got[0], E.STATE_ERROR, 'state')
        r.explain(IOVA, pasid=SSID)
        check_alive(r.vm)


# messages that keep the unit, or two of them, busy
@test
def sync_message_into_its_own_queue_register():
    """Two commands, each writing the PROD that makes the other run."""
    with Rig() as r:
        r.smmu.start()
        for prod in (2, 1, 2, 1):
            r.smmu.post(*smmu.msi_sync(smmu.BASE + smmu.CMDQ_PROD, prod))
        r.smmu.ring()
        expect(r.smmu.rd(smmu.GERROR) >> 4 & 1, 1, 'MSI_CMDQ_ABT_ERR')
        check_alive(r.vm)


@test
def messages_between_two_units():
    with Rig('-device', 'pxb-pcie,id=pxb,bus_nr=64,bus=pcie.0', '-device',
             'smmuv3-model,primary-bus=pxb') as r:
        other = Smmu(r.vm, r.heap, smmu.BASE + 0x20000)
        for u, to in ((r.smmu, other), (other, r.smmu)):
            u.start()
            for prod in range(1, 64):
                u.post(*smmu.msi_sync(to.base + smmu.CMDQ_PROD, prod))
        r.smmu.ring()
        other.ring()
        check_alive(r.vm)


@test
def message_into_the_endpoint():
    """A doorbell that starts DMA, whose fault sends the next message."""
    with Rig() as r:
        r.smmu.start()
        r.smmu.wr(smmu.EVTQ_IRQ, r.ep.bar[0] + r.ep.ch(0, E.CH_COMMAND), 8)
        r.smmu.wr(smmu.EVTQ_IRQ + 8, E.CH_CMD_START)
        r.smmu.wr(smmu.IRQ_CTRL, 4)
        r.ep.start(0, E.OP_WRITE, IOVA, 64)
        r.vm.step(1000)
        check_alive(r.vm)


# --- stalls -------------------------------------------------------------------

def stall_all(r, channels=4):
    shared(r, mapped=False)
    for ch in range(channels):
        r.ep.start(ch, E.OP_WRITE, IOVA + ch * 64, 64, pasid=SSID)
        r.vm.wait(lambda: r.ep.state(ch) == E.STATE_WAIT_DMA, 'DMA waits')


@test
def never_resumed_and_the_emulator_ends():
    with Rig() as r:
        stall_all(r)


@rows([('unit', lambda r: r.smmu.cr0(0)),
       ('machine', lambda r: r.vm.qmp('system_reset')),
       ('function', lambda r: r.ep.set_cfg(r.ep.cap(pcie.CAP_EXP) + 8,
                                           1 << 15, 2)),
       ('bus-master', lambda r: r.ep.master(False))])
def stalled_and_reset(reset):
    with Rig() as r:
        stall_all(r)
        reset(r)
        check_alive(r.vm)


@test
def resume_of_what_is_not_there():
    with Rig() as r:
        stall_all(r)
        rng = random.Random(3)
        for _ in range(200):
            r.smmu.sync(smmu.resume({'sid': rng.getrandbits(32),
                                     'stag': rng.getrandbits(16)},
                                    rng.getrandbits(1), rng.getrandbits(1)))
        r.smmu.sync(smmu.stall_term(RID + 1))
        expect(r.ep.state(0), E.STATE_WAIT_DMA, 'still waits')
        check_alive(r.vm)


@test
def more_stalls_than_the_unit_keeps():
    with Rig(options='stall-max=2') as r:
        stall_all(r, 6)
        check_alive(r.vm)


@test
def stall_with_the_event_queue_full_and_off():
    with Rig() as r:
        shared(r, mapped=False)
        r.smmu.cr0(smmu.SMMUEN | smmu.CMDQEN)
        r.ep.start(0, E.OP_WRITE, IOVA, 64, pasid=SSID)
        r.smmu.wr(smmu.EVTQ_CONS, 64)           # full
        r.smmu.cr0(smmu.ON)
        r.ep.start(1, E.OP_WRITE, IOVA, 64, pasid=SSID)
        r.smmu.sync(smmu.stall_term(RID))
        check_alive(r.vm)


# --- commands -----------------------------------------------------------------

@test
def random_commands():
    with Rig() as r:
        shared(r)
        r.ep.all_on()
        rng = random.Random(4)
        for _ in range(400):
            op = rng.choice([*range(1, 8), *range(0x10, 0x14), 0x20, 0x28,
                             0x2a, 0x30, 0x40, 0x41, 0x44, 0x45, 0x46,
                             rng.getrandbits(8)])
            r.smmu.post(op | rng.getrandbits(56) << 8, rng.getrandbits(64))
            r.smmu.ring()
            if r.smmu.error():
                r.smmu.wr(smmu.GERRORN, r.smmu.rd(smmu.GERROR))
                cons = r.smmu.rd(smmu.CMDQ_CONS) & 63
                r.smmu.set_q(r.smmu.cmdq + cons * 16, 0x46, 0)
        r.vm.step(20_000_000_000)
        check_alive(r.vm)


if __name__ == '__main__':
    main()
