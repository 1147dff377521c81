# SPDX-License-Identifier: GPL-2.0-or-later
"""smmuv3-model in the virt machine: properties, refusals, what the device
tree and the IORT say, several units."""

import os
import re
import struct
import subprocess
import tempfile

import pcie
import smmu
from endpoint import E, Endpoint
from fwcfg import acpi_tables
from harness import Heap, Machine, check_refused, emulator, expect, \
    expect_true, main, rows, test
from smmu import IOVA, RID, VIRT, Smmu

PXB = ('-device', 'pxb-pcie,id=pxb,bus_nr=64,bus=pcie.0',
       '-device', 'smmuv3-model,primary-bus=pxb,id=second')


# --- properties -------------------------------------------------------------

NAMES = ('sidsize ssidsize oas va-bits cmdq-bits evtq-bits priq-bits '
         'stall-model stall-max httu bbml iidr ats-timeout tlb-entries '
         'gran4k gran16k gran64k two-level-strtab cd2l coherent hyp ats '
         'split-ats ats-rec-err pri pps msi asid16 vmid16 vmw term-model had xnx ril '
         'fwb stt e0pd attr-types-ovr attr-perms-ovr stage primary-bus '
         'msi-device-id rmr proximity accel cmdqv bus_num')


@test
def every_property_is_described():
    done = subprocess.run([emulator('virt'), '-device', 'smmuv3-model,help'],
                          capture_output=True, text=True)
    expect(done.returncode, 0, 'exit status')
    names = re.findall(r'^  ([\w-]+)=<\w+>\s+- .+$', done.stdout, re.M)
    expect(sorted(names), sorted(NAMES.split()), 'described properties')


# ID registers: register, bits, value
@rows([
    ('default-stages', '', smmu.IDR0, 1, 0, 3),
    ('default-pasid', '', smmu.IDR1, 10, 6, 20),
    ('default-stall-model', '', smmu.IDR0, 25, 24, 0),
    ('default-ats', '', smmu.IDR0, 10, 10, 1),
    ('default-pri', '', smmu.IDR0, 16, 16, 1),
    ('default-oas', '', smmu.IDR5, 2, 0, 5),
    ('stage-1', 'stage=1', smmu.IDR0, 1, 0, 2),
    ('stage-2', 'stage=2', smmu.IDR0, 1, 0, 1),
    ('stage-nested', 'stage=nested', smmu.IDR0, 1, 0, 3),
    ('ssidsize', 'ssidsize=8', smmu.IDR1, 10, 6, 8),
    ('sidsize', 'sidsize=20', smmu.IDR1, 5, 0, 20),
    ('oas-52', 'oas=52', smmu.IDR5, 2, 0, 6),
    ('oas-44', 'oas=44', smmu.IDR5, 2, 0, 4),
    ('no-ats-no-pri', 'ats=off', smmu.IDR0, 16, 16, 0),
    ('default-httu', '', smmu.IDR0, 7, 6, 2),
    ('httu', 'httu=3', smmu.IDR0, 7, 6, 3),
    ('va-bits', 'va-bits=52', smmu.IDR5, 11, 10, 1),
    ('default-va-bits', '', smmu.IDR5, 11, 10, 0),
    ('default-version', '', smmu.AIDR, 7, 0, 4),
    ('stage-2-version', 'stage=2', smmu.AIDR, 7, 0, 4),
    ('had-off-version', 'had=off', smmu.AIDR, 7, 0, 0),
    ('had-off-subset', 'had=off', smmu.IDR3, 31, 0, 0),
    ('no-msi', 'msi=off', smmu.IDR0, 13, 13, 0),
    ('terminate-only', 'stall-model=1', smmu.IDR0, 25, 24, 1),
    ('no-stalls-then', 'stall-model=1', smmu.IDR5, 31, 16, 0),
    ('no-ril', 'ril=off', smmu.IDR3, 10, 10, 0),
    ('iidr', 'iidr=0x1234', smmu.IIDR, 31, 0, 0x1234),
    ('queues', 'cmdq-bits=8', smmu.IDR1, 25, 21, 8),
    ('hyp', 'hyp=on', smmu.IDR0, 9, 9, 1),
])
def seen_in_id_registers(options, reg, high, low, value):
    with Machine('-device', f'smmuv3-model,{options}'.rstrip(','),
                 machine=VIRT) as vm:
        word = vm.read(smmu.BASE + reg, 4)
        expect(word >> low & (1 << high - low + 1) - 1, value,
               f'register {reg:#x}, bits {high}:{low}')


# what is refused, and both names that the line must contain
@rows([
    ('pri-without-ats', 'ats=off,pri=on', 'pri', 'ats'),
    ('cd2l-without-stage-1', 'stage=2,cd2l=on', 'cd2l', 'ssidsize'),
    ('pasid-without-stage-1', 'stage=2,ssidsize=4', 'ssidsize', 'stage'),
    ('vmid16-without-stage-2', 'stage=1,vmid16=on', 'vmid16', 'stage'),
    ('split-ats-without-stage-2', 'stage=1,split-ats=on', 'split-ats',
     'stage'),
    ('stalls-terminate-only', 'stall-model=1,stall-max=4', 'stall-max',
     'stall-model'),
    ('ssidsize-21', 'ssidsize=21', 'ssidsize', '20'),
    ('sidsize-33', 'sidsize=33', 'sidsize', '32'),
    ('oas-39', 'oas=39', 'oas', '40'),
    ('oas-52-without-64k', 'oas=52,gran64k=off', 'oas', 'gran64k'),
    ('version', 'had=off,ril=on', 'ril', 'had'),
    ('httu-3-of-3.2', 'e0pd=off,httu=3', 'httu', 'e0pd'),
    ('va-bits-50', 'va-bits=50', 'va-bits', '52'),
    ('va-bits-without-64k', 'va-bits=52,gran64k=off', 'va-bits', 'gran64k'),
    ('no-granule', 'gran4k=off,gran16k=off,gran64k=off', 'gran4k', ''),
    ('tlb-17', 'tlb-entries=17', 'tlb-entries', 'power of two'),
    ('stage-3', 'stage=3', 'stage', 'nested'),
])
def refused(options, *names):
    check_refused(['-device', f'smmuv3-model,{options}'], *names,
                  machine=VIRT)


@rows([
    ('switch', 'pri=maybe', 'on, off or auto'),
    ('number', 'oas=auto', '32, 36, 40, 42, 44, 48 or 52'),
    ('range', 'httu=4', '0..3'),
    ('stage', 'stage=both', '1, 2 or nested'),
    ('accel', 'accel=on', 'leave it out'),
    ('cmdqv', 'cmdqv=on', 'leave it out'),
    ('bus-num', 'bus_num=0', 'primary-bus'),
])
def value_refused(options, *names):
    check_refused(['-device', f'smmuv3-model,id=s0,{options}'], *names,
                  machine=VIRT)


@rows([
    ('no-such-bus', ['-device', 'smmuv3-model,primary-bus=pcie.7'],
     'primary-bus', 'pcie.7'),
    ('bus-comes-later', ['-device', 'smmuv3-model,primary-bus=p',
                         '-device', 'pxb-pcie,id=p,bus_nr=64'],
     'primary-bus=p', 'not yet'),
    ('bus-is-no-root', ['-device', 'pcie-root-port,id=rp,chassis=1',
                        '-device', 'smmuv3-model,primary-bus=rp'],
     'primary-bus=rp', 'root'),
    ('two-on-one-bus', ['-device', 'smmuv3-model'] * 2, 'pcie.0', 'already'),
    ('two-on-one-pxb', [*PXB, '-device', 'smmuv3-model,primary-bus=pxb'],
     'pxb', 'already'),
    ('virtio-iommu-after', ['-device', 'smmuv3-model', '-device',
                            'virtio-iommu-pci'], 'smmuv3-model',
     'virtio-iommu'),
    ('virtio-iommu-before', ['-device', 'virtio-iommu-pci', '-device',
                             'smmuv3-model'], 'smmuv3-model',
     'virtio-iommu'),
    ('virtio-iommu-on-another-bus', [*PXB, '-device',
                                     'virtio-iommu-pci,bus=pcie.0'],
     'second', 'virtio-iommu'),
    ('same-device-id', ['-device', 'smmuv3-model,msi-device-id=0xfff0',
                        *PXB[:-1], PXB[-1] + ',msi-device-id=0xfff0'],
     'msi-device-id', '0xfff0'),
    ('only-migratable', ['-device', 'smmuv3-model', '-only-migratable'],
     'smmuv3-model', 'migration'),
    ('no-such-node', ['-device', 'smmuv3-model,proximity=1'], 'proximity=1',
     '-numa'),
])
def refused_machine(args, *names):
    check_refused(args, *names, machine=VIRT)


@rows([
    ('upstream', VIRT + ',iommu=smmuv3', ['-device', 'smmuv3-model'],
     'iommu=smmuv3', 'already'),
    ('bypass', VIRT + ',default-bus-bypass-iommu=on',
     ['-device', 'smmuv3-model'], 'bypass-iommu', 'pcie.0'),
    ('bypass-of-a-pxb', VIRT, ['-device', 'pxb-pcie,id=pxb,bus_nr=64,'
                               'bus=pcie.0,bypass_iommu=on', *PXB[2:]],
     'bypass-iommu', 'pxb'),
    ('pxb-without-acpi', VIRT + ',acpi=off', list(PXB), 'pxb',
     'device tree'),
])
def refused_on(machine, args, *names):
    check_refused(args, *names, machine=machine)


@test
def pxb_without_firmware_is_refused():
    check_refused(list(PXB), 'pxb', 'device tree', machine=VIRT,
                  firmware=False)


# --- device tree --------------------------------------------------------------

def device_tree(*args, machine=VIRT, dump='machine'):
    """{path: {property: bytes}} of what the guest gets."""
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, 'dtb')
        subprocess.run([emulator('virt'), '-machine',
                        f'{machine},accel=qtest,dumpdtb={path}', '-m', '256',
                        '-cpu', 'cortex-a57', '-nodefaults', '-display', 'none', *args],
                       check=True, capture_output=True)
        with open(path, 'rb') as f:
            blob = f.read()
    _, _, pos, strings = struct.unpack_from('>4I', blob)

    def text(at):
        return blob[at:blob.index(b'\0', at)].decode()

    tree, where = {}, []
    while True:
        token, = struct.unpack_from('>I', blob, pos)
        pos += 4
        if token == 1:
            where.append(text(pos))
            pos += len(where[-1]) + 4 & ~3
            tree['/'.join(where)] = {}
        elif token == 2:
            where.pop()
        elif token == 3:
            size, name = struct.unpack_from('>II', blob, pos)
            tree['/'.join(where)][text(strings + name)] = \
                blob[pos + 8:pos + 8 + size]
            pos += size + 11 & ~3
        elif token == 9:
            return tree


def cells(value):
    return list(struct.unpack(f'>{len(value) // 4}I', value))


NODE, BRIDGE = '/iommu@c000000', '/pcie@10000000'


@test
def node_says_what_linux_reads():
    t = device_tree('-device', 'smmuv3-model')
    n = t[NODE]
    expect(n['compatible'], b'arm,smmu-v3\0', 'compatible')
    expect(cells(n['reg']), [0, smmu.BASE, 0, 0x20000], 'reg')
    expect(cells(n['interrupts']),
           sum(([0, smmu.SPI + i, 1] for i in (0, 3, 1, 2)), []),
           'interrupts')
    # the only order that the binding arm,smmu-v3 allows, without holes
    expect(n['interrupt-names'], b'eventq\0gerror\0priq\0cmdq-sync\0',
           'interrupt-names')
    expect(cells(n['#iommu-cells']), [1], '#iommu-cells')
    expect(n['dma-coherent'], b'', 'dma-coherent')
    its = next(p for p in t if '/its@' in p)
    expect(cells(n['msi-parent']), cells(t[its]['phandle']) + [0xffff],
           'msi-parent')
    b = t[BRIDGE]
    expect(cells(b['iommu-map']), [0, cells(n['phandle'])[0], 0, 0x10000],
           'iommu-map')
    expect(cells(b['msi-map']), [0, cells(t[its]['phandle'])[0], 0, 0xffff],
           'msi-map')
    expect(b['ats-supported'], b'', 'ats-supported')


@rows([
    ('no-msi', 'msi=off', VIRT, 'msi-parent', False),
    ('gicv2', '', 'virt,gic-version=2', 'msi-parent', False),
    ('not-coherent', 'coherent=off', VIRT, 'dma-coherent', False),
])
def node_of(options, machine, name, there):
    t = device_tree('-device', f'smmuv3-model,{options}'.rstrip(','),
                    machine=machine)
    expect(name in t[NODE], there, f'{name} present')
    if name == 'msi-parent':
        expect(cells(t[BRIDGE]['msi-map'])[2:], [0, 0x10000], 'msi-map')


@test
def bridge_without_ats():
    t = device_tree('-device', 'smmuv3-model,ats=off')
    expect('ats-supported' in t[BRIDGE], False, 'ats-supported present')


@test
def device_id_in_the_middle_is_cut_out():
    t = device_tree('-device', 'smmuv3-model,msi-device-id=0x1000')
    m = cells(t[BRIDGE]['msi-map'])
    expect((m[0], m[2:5], m[6:]),
           (0, [0, 0x1000, 0x1001], [0x1001, 0xefff]), 'msi-map')


@test
def without_the_unit_nothing_is_said():
    t = device_tree()
    expect([p for p in t if 'smmu' in p], [], 'nodes')
    expect('iommu-map' in t[BRIDGE], False, 'iommu-map')


@rows([
    ('on-the-root-bus', ['-device', 'pasid-endpoint,addr=4,dma-can-stall=on'],
     BRIDGE + '/dma@4,0', 0x2000),
    ('below-a-port', ['-device', 'pcie-root-port,id=rp,chassis=1,addr=3',
                      '-device', 'pasid-endpoint,bus=rp,dma-can-stall=on'],
     BRIDGE + '/pci@3,0/dma@0,0', 0),
])
def stalling_function(args, path, devfn):
    t = device_tree('-device', 'smmuv3-model', *args)
    expect_true(path in t, f'node {path} of {list(t)}')
    expect(cells(t[path]['reg']), [devfn, 0, 0, 0, 0], 'reg')
    expect(t[path]['dma-can-stall'], b'', 'dma-can-stall')
    expect(cells(t[path]['pasid-num-bits']), [20], 'pasid-num-bits')


@test
def function_that_does_not_stall_has_no_node():
    t = device_tree('-device', 'smmuv3-model', '-device', 'pasid-endpoint')
    expect([p for p in t if 'dma@' in p], [], 'nodes')


@test
def node_follows_the_binding():
    """arm,smmu-v3: the node's name, and properties that it knows, no more."""
    n = device_tree('-device', 'smmuv3-model')[NODE]
    known = {'compatible', 'reg', 'interrupts', 'interrupt-names',
             '#iommu-cells', 'dma-coherent', 'msi-parent', 'phandle'}
    expect(set(n) - known, set(), 'properties that the binding lacks')
    expect_true(re.fullmatch('/iommu@[0-9a-f]+', NODE), 'name of the node')


# --- IORT -----------------------------------------------------------------------

ITS, RC, SMMU, RMR = 0, 2, 4, 6


def virt_tables(vm):
    """etc/acpi/tables by the memory-mapped fw_cfg of virt."""
    return acpi_tables(vm, dma=0x09020010)


def iort(vm):
    """[(type, revision, offset, body, mappings)], or None."""
    blob = virt_tables(vm)
    at = blob.find(b'IORT')
    if at < 0:
        return None
    table = blob[at:at + struct.unpack_from('<I', blob, at + 4)[0]]
    count, pos = struct.unpack_from('<II', table, 36)
    nodes = []
    for _ in range(count):
        kind, size, revision, _, n, ref = struct.unpack_from('<BHBIII',
                                                             table, pos)
        maps = [struct.unpack_from('<5I', table, pos + ref + 20 * i)
                for i in range(n)]
        nodes.append((kind, revision, pos, table[pos + 16:pos + size], maps))
        pos += size
    expect(pos, len(table), 'the nodes fill the table')
    return nodes


def of_kind(nodes, kind):
    return [n for n in nodes if n[0] == kind]


@test
def iort_of_one_unit():
    with Machine('-device', 'smmuv3-model', machine=VIRT) as vm:
        nodes = iort(vm)
        (_, _, its, _, _), = of_kind(nodes, ITS)
        (_, revision, unit, body, maps), = of_kind(nodes, SMMU)
        expect(revision, 5, 'revision of the SMMUv3 node')
        base, flags = struct.unpack_from('<QI', body)
        # COHACC, HTTU 2, DeviceID mapping valid
        expect((base, flags), (smmu.BASE, 0x15), 'base, flags')
        irqs = struct.unpack_from('<4I', body, 28)
        expect(irqs, tuple(32 + smmu.SPI + i for i in (0, 1, 3, 2)),
               'event, PRI, GERR, sync')
        expect(struct.unpack_from('<I', body, 48)[0], 0, 'mapping index')
        expect(maps, [(0, 0, 0xffff, its, 1), (0, 0xfffe, 0, its, 0)],
               'mappings of the unit')
        (_, revision, _, body, maps), = of_kind(nodes, RC)
        expect(revision, 4, 'revision of the root complex node')
        expect(struct.unpack_from('<II', body, 8), (7, 0), 'ATS, segment')
        expect(struct.unpack_from('<HBI', body, 17), (20, 0, 1), 'PASID')
        expect(maps, [(0, 0xffff, 0, unit, 0)],
               'mappings of the root complex')


@rows([
    ('no-ats', 'ats=off', 4, 0x15),
    ('no-pasid', 'ssidsize=0', 3, 0x15),
    ('not-coherent', 'coherent=off,httu=0', 7, 0x10),
    ('httu-1', 'httu=1', 7, 0x13),
    ('no-msi', 'msi=off', 7, 0x05),
])
def iort_by_property(options, ats, flags):
    with Machine('-device', f'smmuv3-model,{options}', machine=VIRT) as vm:
        nodes = iort(vm)
        (_, _, _, body, _), = of_kind(nodes, SMMU)
        expect(struct.unpack_from('<I', body, 8)[0], flags, 'flags')
        (_, _, _, body, _), = of_kind(nodes, RC)
        expect(struct.unpack_from('<I', body, 8)[0], ats, 'ATS attribute')


NUMA = ('-object', 'memory-backend-ram,id=m0,size=128M', '-object',
        'memory-backend-ram,id=m1,size=128M', '-numa', 'node,memdev=m0',
        '-numa', 'node,memdev=m1')


@test
def iort_has_the_proximity_of_each_unit():
    with Machine(*NUMA, '-device', 'smmuv3-model,proximity=0', *PXB[:3],
                 PXB[3] + ',proximity=1', '-device', 'pxb-pcie,id=other,'
                 'bus_nr=32,bus=pcie.0', '-device',
                 'smmuv3-model,primary-bus=other', machine=VIRT) as vm:
        found = {struct.unpack_from('<Q', n[3])[0]:
                 (struct.unpack_from('<I', n[3], 8)[0] & 8,
                  struct.unpack_from('<I', n[3], 44)[0])
                 for n in of_kind(iort(vm), SMMU)}
        expect([found[smmu.BASE + 0x20000 * i] for i in range(3)],
               [(8, 0), (8, 1), (0, 0)], 'valid flag and domain')


@test
def iort_without_an_its():
    with Machine('-device', 'smmuv3-model',
                 machine='virt,gic-version=2') as vm:
        nodes = iort(vm)
        expect(len(of_kind(nodes, ITS)), 0, 'ITS groups')
        (_, _, unit, body, maps), = of_kind(nodes, SMMU)
        expect((struct.unpack_from('<I', body, 8)[0], maps), (0x05, []),
               'flags and mappings of the unit')
        expect(of_kind(nodes, RC)[0][4], [(0, 0xffff, 0, unit, 0)],
               'mappings of the root complex')


@test
def iort_of_two_units():
    with Machine('-device', 'smmuv3-model', *PXB, machine=VIRT) as vm:
        nodes = iort(vm)
        units = {struct.unpack_from('<Q', n[3])[0]: n
                 for n in of_kind(nodes, SMMU)}
        first, second = smmu.BASE, smmu.BASE + 0x20000
        expect(sorted(units), [first, second], 'bases')
        (_, _, its, _, _), = of_kind(nodes, ITS)
        expect([units[b][4][0][2] for b in (first, second)],
               [0xffff, 0xfffe], 'DeviceIDs')
        (_, _, _, _, maps), = of_kind(nodes, RC)
        expect(maps,
               [(0, 0x3fff, 0, units[first][2], 0),
                (0x4000, 0xbfff, 0x4000, units[second][2], 0)],
               'mappings of the root complex')


@test
def iort_of_a_root_bus_without_a_unit():
    """In the middle: its requester IDs go to the ITS, and no further."""
    with Machine('-device', 'smmuv3-model', *PXB, '-device',
                 'pxb-pcie,id=bare,bus_nr=32,bus=pcie.0', machine=VIRT) as vm:
        nodes = iort(vm)
        unit = [n[2] for n in of_kind(nodes, SMMU)]
        (_, _, its, _, _), = of_kind(nodes, ITS)
        (_, _, _, _, maps), = of_kind(nodes, RC)
        expect(sorted(m[3] for m in maps), sorted(unit + [its]), 'nodes')
        expect([m[:3] for m in maps],
               [(0, 0x1fff, 0), (0x2000, 0x1fff, 0x2000),
                (0x4000, 0xbfff, 0x4000)], 'mappings of the root complex')
        expect(maps[1][3], its, 'what is between them goes to the ITS')


@rows([('none', ()), ('upstream', ('iommu=smmuv3',))])
def iort_of_other_machines_is_qemus_own(options):
    with Machine(machine=','.join((VIRT,) + options)) as vm:
        nodes = iort(vm)
        expect(len(of_kind(nodes, SMMU)), len(options), 'SMMUv3 nodes')
        expect(of_kind(nodes, RC)[0][1], 3, 'revision of the root complex')


# --- reserved memory ------------------------------------------------------------

RMR_FLAGS = 5 << 2              # not to be remapped, normal write-back memory


def rmrs(vm):
    """[(mappings, ranges)] of the RMR nodes, in the order of the table."""
    nodes, found = iort(vm), []
    for _, revision, at, body, maps in of_kind(nodes, RMR):
        expect(revision, 3, 'revision of the RMR node')
        flags, count, first = struct.unpack_from('<3I', body)
        expect((flags, count, first), (RMR_FLAGS, 1, 28),
               'flags, ranges, where they are')
        base, size, zero = struct.unpack_from('<QQI', body, 12)
        expect(zero, 0, 'reserved word of the range')
        found.append((maps, (base, size)))
    return found


@test
def rmr_of_two_regions():
    with Machine('-device', 'smmuv3-model,rmr=ep@0x44000000-0x4400ffff/'
                 '00:05.0+ep@0x44100000-0x441fffff', '-device',
                 'pasid-endpoint,id=ep,addr=4', '-device',
                 'pasid-endpoint,addr=5', machine=VIRT) as vm:
        (_, _, unit, _, _), = of_kind(iort(vm), SMMU)

        def single(devfn):
            return (0, 0, devfn, unit, 1)

        expect(rmrs(vm), [
            ([single(0x20)], (0x44000000, 0x10000)),
            ([single(0x28), single(0x20)], (0x44100000, 0x100000))],
            'mappings and ranges')


@test
def rmr_below_a_port_has_the_bus_number_of_the_firmware():
    with Machine('-device', 'smmuv3-model,rmr=ep@0x44000000-0x4400ffff',
                 '-device', 'pcie-root-port,id=rp,chassis=1,addr=3',
                 '-device', 'pasid-endpoint,id=ep,bus=rp',
                 machine=VIRT) as vm:
        pcie.enable_bridge(vm, 3, 7, 0)
        expect([[m[2] for m in maps] for maps, _ in rmrs(vm)], [[0x700]],
               'StreamIDs')


@test
def rmr_is_at_the_functions_own_unit():
    with Machine('-device', 'smmuv3-model', *PXB[:3],
                 PXB[3] + ',rmr=ep@0x44000000-0x4400ffff', '-device',
                 'pcie-root-port,id=rp,bus=pxb,chassis=1', '-device',
                 'pasid-endpoint,id=ep,bus=rp', machine=VIRT) as vm:
        units = {struct.unpack_from('<Q', n[3])[0]: n[2]
                 for n in of_kind(iort(vm), SMMU)}
        ((maps, _),) = rmrs(vm)
        expect(maps[0][3], units[smmu.BASE + 0x20000], 'node of the mapping')


@rows([
    ('no-range', 'ep', 'rmr', 'FIRST-LAST'),
    ('4-kib', 'ep@0x44000000-0x44000fff', '64 KiB', ''),
    ('below-memory', 'ep@0x8000000-0x800ffff', 'memory', ''),
    ('beyond-memory', 'ep@0x4fff0000-0x5000ffff', 'memory', ''),
    ('unknown', 'nosuch@0x44000000-0x4400ffff', 'nosuch', 'id='),
    ('another-unit', 'far@0x44000000-0x4400ffff', 'far', 'primary-bus'),
    ('overlap', 'ep@0x44000000-0x4401ffff/ep@0x44010000-0x4402ffff',
     'overlaps', '+'),
])
def rmr_refused(value, *names):
    check_refused(['-device', f'smmuv3-model,rmr={value}', '-device',
                   'pasid-endpoint,id=ep,bus=pcie.0,addr=4', *PXB, '-device',
                   'pcie-root-port,id=rp,bus=pxb,chassis=1', '-device',
                   'pasid-endpoint,id=far,bus=rp'], *names, machine=VIRT)


# _DSM: UUID of PCI; "If (LEqual (Arg2, 5)) { Return (0) }" in AML
PCI_DSM = bytes.fromhex('d037c9e553357a4d9117ea4d19c3434d')
KEEP = bytes.fromhex('a007936a0a05a400')


@rows([('with-rmr', ',rmr=ep@0x44000000-0x4400ffff', 2),
       ('without', '', 0)])
def bus_numbers_stay(options, count):
    """Linux takes an RMR of a PCI function only if the firmware's numbers are
    kept, and each host bridge says whether."""
    with Machine('-device', 'smmuv3-model' + options, *PXB, '-device',
                 'pasid-endpoint,id=ep,bus=pcie.0', machine=VIRT) as vm:
        blob = virt_tables(vm)
        expect_true(PCI_DSM in blob, 'host bridges have a _DSM')
        expect(blob.count(KEEP), count, 'bridges that say so')


@rows([('reserved', 'rmr', 'rmr=ep@0x44000000-0x4400ffff'),
       ('node', 'proximity', 'proximity=0')])
def refused_without_acpi(name, option):
    check_refused(['-device', f'smmuv3-model,{option}', '-device',
                   'pasid-endpoint,id=ep'], name, 'ACPI', machine=VIRT,
                  firmware=False)


# --- several units --------------------------------------------------------------

def two_units(*more):
    return Machine('-device', 'smmuv3-model,id=first', *PXB, *more,
                   machine=VIRT)


@test
def units_are_apart():
    with two_units('-device', 'pasid-endpoint,bus=pcie.0,addr=4,id=a',
                   '-device', 'pcie-root-port,id=rp,bus=pxb,chassis=1,'
                   'addr=1', '-device', 'pasid-endpoint,bus=rp,id=b') as vm:
        heap = Heap(vm)
        one = Smmu(vm, heap)
        two = Smmu(vm, heap, smmu.BASE + 0x20000, smmu.SPI + 4)
        pcie.enable_bridge(vm, 1, 65, 1, primary=64)
        a, b = Endpoint(vm), Endpoint(vm, 65, 0, slot=1)
        page = heap.alloc()
        # the second stays off: its functions pass
        one.start()
        b.must(0, E.OP_WRITE, page, 64)
        one.expect_no_event()
        a.must_fail(E.CAUSE_DMA_UR, 0, E.OP_WRITE, page, 64)
        one.expect_event(smmu.C_BAD_STE, sid=RID)
        # bus 65: the table of the second needs 17 bits
        two.strtab = heap.alloc(64 << 16, 64 << 16)
        two.evtq, two.cmdq = heap.alloc(), heap.alloc()
        two.wr(smmu.STRTAB_BASE, two.strtab, 8)
        two.wr(smmu.STRTAB_CFG, 16)
        two.wr(smmu.CMDQ_BASE, two.cmdq | smmu.LOG2, 8)
        two.wr(smmu.EVTQ_BASE, two.evtq | smmu.LOG2, 8)
        two.cr0(smmu.SMMUEN | smmu.EVTQEN | smmu.CMDQEN)
        b.must_fail(E.CAUSE_DMA_UR, 0, E.OP_WRITE, page, 64)
        two.expect_event(smmu.C_BAD_STE, sid=pcie.rid(65, 0))
        one.expect_no_event()


@test
def root_complex_without_a_unit_does_not_inherit():
    with Machine('-device', 'smmuv3-model', '-device',
                 'pxb-pcie,id=pxb,bus_nr=64,bus=pcie.0', '-device',
                 'pcie-root-port,id=rp,bus=pxb,chassis=1,addr=1', '-device',
                 'pasid-endpoint,bus=rp,id=b', machine=VIRT) as vm:
        heap = Heap(vm)
        unit = Smmu(vm, heap)
        unit.start()
        pcie.enable_bridge(vm, 1, 65, 1, primary=64)
        b = Endpoint(vm, 65, 0, slot=1)
        page = heap.alloc()
        b.must(0, E.OP_WRITE, page, 64)
        b.pasid_on()
        b.must_fail(E.CAUSE_DMA_UR, 0, E.OP_WRITE, page, 64, pasid=1)
        unit.expect_no_event()


if __name__ == '__main__':
    main()
