# SPDX-License-Identifier: GPL-2.0-or-later
"""vtd-model and hostile register accesses: any size, anywhere, any value."""

import random

import vtd
from harness import Machine, RAM, expect, main, rows
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


@rows([(f'seed-{n}', n) for n in range(6)])
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


if __name__ == '__main__':
    main()
