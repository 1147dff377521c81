# SPDX-License-Identifier: GPL-2.0-or-later
"""Hostile accesses to both devices: any size, anywhere, any value."""

import random

import pcie
import vtd
from endpoint import E, Endpoint
from harness import Machine, RAM, expect, expect_true, main, rows, test
from rig import Rig, scalable
from vtd import Vtd

PAGE = 0x1000
CANARY = 0x5a5a5a5aa5a5a5a5


def plain_sizes(vm, off):
    for size in (1, 2, 4, 8):
        yield (lambda v, s=size: vm.write(vtd.BASE + off, v & (1 << 8 * s) - 1,
                                          s)), \
              (lambda s=size: vm.read(vtd.BASE + off, s))


def odd_sizes(vm, off):
    for size in (3, 5, 6, 7):
        yield (lambda v, s=size: vm.write_bytes(vtd.BASE + off,
                                                v.to_bytes(8, 'little')[:s])), \
              (lambda s=size: vm.read_bytes(vtd.BASE + off, s))


def canaries(vm):
    """Memory that no table, queue or message of the test points at."""
    rng = random.Random(1)
    return [rng.randrange(0x8000000, RAM, 8) for _ in range(64)]


def check_alive(vm, where):
    v = Vtd(vm)
    expect(v.rd32(vtd.VER), 0x50, 'VER')
    for addr in where:
        expect(vm.read(addr, 8), CANARY, f'memory at {addr:#x}')
    vm.qmp('system_reset')
    vm.wait(lambda: v.rd32(vtd.GSTS) == 0, 'reset')
    v.start()
    v.sync(vtd.ctx_global())
    vm.qmp('x-im-dump')


@rows([
    ('plain-sizes-all-ones', plain_sizes, lambda rng: (1 << 64) - 1),
    ('plain-sizes-random-low', plain_sizes, lambda rng: rng.getrandbits(26)),
    ('odd-sizes-all-ones', odd_sizes, lambda rng: (1 << 64) - 1),
])
def every_offset(sizes, value):
    with Machine('-device', 'vtd-model') as vm:
        rng = random.Random(2)
        where = canaries(vm)
        for addr in where:
            vm.write(addr, CANARY, 8)
        for off in range(PAGE):
            for write, read in sizes(vm, off):
                read()
                write(value(rng))
        check_alive(vm, where)


@rows([
    ('size-1', 1), ('size-2', 2), ('unaligned-4', 4), ('unaligned-8', 8),
])
def access_of_no_meaning_reads_0_and_changes_nothing(size):
    """11.2 knows aligned 4 and 8 byte accesses only."""
    with Machine('-device', 'vtd-model') as vm:
        v = Vtd(vm)
        v.wr64(vtd.RTADDR, 0x7ffff000)
        v.wr32(vtd.FEDATA, 0x1234)
        shift = 0 if size < 4 else 2 if size == 8 else 1
        for off in (vtd.CAP, vtd.RTADDR, vtd.FEDATA):
            at = vtd.BASE + off + shift
            vm.write(at, 0, size)
            expect(vm.read(at, size), 0, f'register {off:#x}')
        expect(v.rd64(vtd.RTADDR), 0x7ffff000, 'RTADDR')
        expect(v.rd32(vtd.FEDATA), 0x1234, 'FEDATA')


@rows([('beyond-page-4', 0xffe, 4), ('beyond-page-8', 0xffc, 8)])
def access_across_the_end(off, size):
    with Machine('-device', 'vtd-model') as vm:
        expect(vm.read(vtd.BASE + off, size), 0, 'value read')
        vm.write(vtd.BASE + off, (1 << 8 * size) - 1, size)
        check_alive(vm, [])


@rows([(f'@seed-{n}', n) for n in range(6)])
def random_programming(seed):
    """Any register, any value, pointers into memory and registers alike."""
    rng = random.Random(seed)
    pools = [vtd.BASE, 0xfee00000, 0x1000000, 0x1001000, RAM - 0x1000, RAM,
             1 << 51, 0xb0000000]
    with Machine('-device', 'vtd-model') as vm:
        where = canaries(vm)
        for addr in where:
            vm.write(addr, CANARY, 8)
        for _ in range(64):
            vm.write(0x1000000 + rng.randrange(0, 0x2000, 8),
                     rng.getrandbits(64), 8)
        regs = (vtd.GCMD, vtd.RTADDR, vtd.CCMD, vtd.FSTS, vtd.FECTL,
                vtd.FEDATA, vtd.FEADDR, vtd.IQT, vtd.IQA, vtd.ICS, vtd.IECTL,
                vtd.IEDATA, vtd.IEADDR, vtd.IRTA, vtd.PQH, vtd.PQT, vtd.PQA,
                vtd.PRS, vtd.PECTL, 0xf0, 0xf8)
        for _ in range(3000):
            value = rng.choice(pools) | rng.getrandbits(12) \
                if rng.random() < .5 else rng.getrandbits(32)
            vm.write(vtd.BASE + rng.choice(regs), value, rng.choice((4, 8))
                     if rng.random() < .5 else 4)
        check_alive(vm, where)


# --- pasid-endpoint ----------------------------------------------------------

@rows([
    ('all-ones', lambda rng: (1 << 64) - 1),
    ('random-small', lambda rng: rng.getrandbits(rng.choice((3, 9, 20)))),
    ('random', lambda rng: rng.getrandbits(64)),
])
def every_offset_of_the_endpoint(value):
    """Nothing is mapped for it, so no DMA of it may reach memory."""
    with Rig() as r:
        rng = random.Random(4)
        where = canaries(r.vm)
        for addr in where:
            r.vm.write(addr, CANARY, 8)
        r.vtd.start()
        r.vtd.context(r.ep.rid)
        r.ep.all_on()
        for off in range(0, E.BAR0_SIZE - 16, 4):
            for size in (1, 2, 4, 8):
                for at in (r.ep.bar[0] + off, r.ep.bar[0] + off + 1):
                    r.vm.read(at, size)
                    r.vm.write(at, value(rng) & (1 << 8 * size) - 1, size)
        r.vm.step(60_000_000_000)
        for n in range(8):
            r.ep.set_reg(r.ep.ch(n, E.CH_COMMAND), E.CH_CMD_ABORT)
            r.vm.wait(lambda: not r.ep.running(n), f'channel {n} ends')
        for addr in where:
            expect(r.vm.read(addr, 8), CANARY, f'memory at {addr:#x}')
        expect(r.ep.reg(E.MAGIC), E.MAGIC_VALUE, 'MAGIC')
        r.vm.qmp('x-im-dump')


@rows([('all-ones', 0xffffffff), ('zeroes', 0)])
def every_offset_of_extended_configuration_space(value):
    with Rig() as r:
        caps = [r.ep.cfg(off) for off in (0x100, 0x110, 0x120)]
        sweep_sizes = (1, 2, 4)
        for off in range(0x100, 0x1000):
            for size in sweep_sizes:
                if off % size == 0:
                    r.ep.cfg(off, size)
                    r.ep.set_cfg(off, value & (1 << 8 * size) - 1, size)
        expect([r.ep.cfg(off) for off in (0x100, 0x110, 0x120)], caps,
               'capability headers')
        expect(r.ep.cfg(0xffc), 0, 'end of configuration space')


@rows([
    ('operation', dict(op=15)),
    ('mode', dict(mode=7)),
    ('wrap-around', dict(addr=(1 << 64) - 4096, length=8192)),
    ('beyond-buffer', dict(op=E.OP_LOAD, addr2=(1 << 20) - 16)),
    ('split-3', dict(split=3)),
    ('split-8192', dict(split=8192)),
    ('execute-write', dict(ctrl=E.CH_CTRL_EXEC, pasid=1)),
    ('translation-request-that-writes',
     dict(mode=E.MODE_RAW, ctrl=1 << 8)),
])
def bad_program(program):
    with Rig() as r:
        args = dict(op=E.OP_WRITE, addr=r.buf, length=64) | program
        r.ep.pasid_on(exec_=True)
        r.ep.ats_on()
        r.ep.must_fail(E.CAUSE_BAD_PROGRAM, 0, args.pop('op'),
                       args.pop('addr'), args.pop('length'), **args)
        expect(r.ep.reg(r.ep.ch(0, E.CH_RETURNED)), 1, 'operations ended')
        expect(r.vm.read(r.buf, 8), 0, 'memory')
        r.moves(r.buf, r.buf)


@rows([
    ('pasid-off', E.CAUSE_PASID_REFUSED, dict(pasid=1), ()),
    ('pasid-too-wide', E.CAUSE_PASID_REFUSED, dict(pasid=1 << 20),
     ('pasid',)),
    ('privileged-without-pasid', E.CAUSE_PRIV_REFUSED,
     dict(ctrl=E.CH_CTRL_PRIV), ('pasid',)),
    ('ats-off', E.CAUSE_ATS_OFF, dict(mode=E.MODE_ATS), ()),
])
def refused_by_configuration(cause, request, on):
    with Rig() as r:
        if 'pasid' in on:
            r.ep.pasid_on()
        r.ep.must_fail(cause, 0, E.OP_WRITE, r.buf, 64, **request)
        expect_true(r.ep.reg(E.MISUSE), 'MISUSE says so')
        expect(r.vm.read(r.buf, 8), 0, 'memory')


@test
def pasid_beyond_20_bits_is_sent_when_forced():
    """What the prefix carries is 20 bits, whoever is asked for more."""
    with Rig() as r:
        scalable(r)
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_WRITE, r.buf, 64,
                       pasid=1 << 20 | 5, ctrl=E.CH_CTRL_FORCE)
        expect_true(r.vtd.fault_record(), 'the unit recorded a fault')
        expect(r.vm.read(r.buf, 8), 0, 'memory')


@test
def buffer_takes_any_access_and_ends_where_it_ends():
    with Rig() as r:
        size = r.ep.reg(E.BUFFER_SIZE)
        end = r.ep.bar[2] + size
        for off in (0, 1, 3, 5):
            r.vm.write(r.ep.bar[2] + off, 0x0102030405060708, 8)
            expect(r.vm.read(r.ep.bar[2] + off, 8), 0x0102030405060708,
                   f'buffer at {off}')
        r.vm.write(end - 4, 0x1122334455667788, 8)
        expect(r.vm.read(end - 4, 4), 0, 'end of the buffer')


if __name__ == '__main__':
    main()
