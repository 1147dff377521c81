# SPDX-License-Identifier: GPL-2.0-or-later
"""The DMAR table, as firmware would find it: VT-d 5.10, chapter 8."""

import re
import struct

import vtd
from fwcfg import acpi_tables, e820
from harness import RAM, Machine, check_refused, expect, expect_true, main, \
    rows, test

DRHD, RMRR, ATSR, RHSA, ANDD, SATC = range(6)
ENDPOINT, HIERARCHY, IOAPIC = 1, 2, 3

PXB = ('-device', 'pxb-pcie,id=pxb,bus_nr=64,bus=pcie.0,addr=7')
SECOND = ('-device', 'vtd-model,primary-bus=pxb,id=second')
PORTS = ('-device', 'pcie-root-port,id=rp0,bus=pcie.0,addr=3,chassis=1',
         '-device', 'pcie-root-port,id=rp1,bus=pxb,addr=1,chassis=2')
BASE2 = vtd.BASE + 0x1000
TOP = RAM - 0x1000              # the last page of memory


def table_bytes(vm):
    """The table, None without one."""
    blob = acpi_tables(vm)
    at = blob.find(b'DMAR')
    if at < 0:
        return None
    size, = struct.unpack_from('<I', blob, at + 4)
    return blob[at:at + size]


def structures(body):
    """[(type, bytes)], which fill the body."""
    found, pos = [], 0
    while pos < len(body):
        kind, length = struct.unpack_from('<HH', body, pos)
        expect_true(length >= 8 and pos + length <= len(body),
                    f'length {length} of a structure of type {kind}')
        found.append((kind, body[pos:pos + length]))
        pos += length
    return found


def scopes(data):
    """[(type, enumeration ID, bus, path)] of scope entries."""
    found, pos = [], 0
    while pos < len(data):
        kind, length, flags, zero, number, bus = data[pos:pos + 6]
        expect((flags, zero), (0, 0), 'flags and reserved byte of a scope')
        expect_true(length >= 8 and length % 2 == 0 and
                    pos + length <= len(data), f'length {length} of a scope')
        found.append((kind, number, bus, tuple(data[pos + 6:pos + length])))
        pos += length
    return found


# What the bytes shall be, written from the manual.

def entry(kind, bus, *path, number=0):
    return bytes((kind, 6 + len(path), 0, 0, number, bus, *path))


IOAPIC_ENTRY = entry(IOAPIC, 0xff, 0, 0)


def sized(kind, fixed, *entries):
    data = fixed + b''.join(entries)
    return struct.pack('<HH', kind, 4 + len(data)) + data


def drhd(flags, base, *entries):
    return sized(DRHD, struct.pack('<BBHQ', flags, 0, 0, base), *entries)


def rmrr(first, last, *entries):
    return sized(RMRR, struct.pack('<HHQQ', 0, 0, first, last), *entries)


def atsr(flags, *entries):
    return sized(ATSR, struct.pack('<BBH', flags, 0, 0), *entries)


def rhsa(base, node):
    return sized(RHSA, struct.pack('<IQI', 0, base, node))


def satc(flags, *entries):
    return sized(SATC, struct.pack('<BBH', flags, 0, 0), *entries)


def check_table(args, *want, flags=1, width=52):
    """Revision, checksum, fixed part, and the structures byte by byte."""
    with Machine(*args) as vm:
        table = table_bytes(vm)
    expect_true(table, 'there is a DMAR table')
    # the checksum is the firmware's to add
    expect((table[8], table[36] + 1, table[37], table[38:48]),
           (1, width, flags, bytes(10)), 'revision, width, flags, reserved')
    got = structures(table[48:])
    expect([s.hex() for _, s in got], [s.hex() for s in want], 'structures')


@test
def include_pci_all_stays():
    """Without it firmware's and hypervisors' tests check nothing."""
    check_table(['-device', 'vtd-model'], drhd(1, vtd.BASE, IOAPIC_ENTRY),
                atsr(1))


@rows([
    ('no-intremap', 'intremap=off', 0, 52, True),
    ('no-ats', 'device-iotlb=off', 1, 52, False),
    ('narrow', 'aw-bits=39', 1, 39, True),
    ('x2apic-opt-out', 'x2apic-opt-out=on', 3, 52, True),
    ('dma-opt-in', 'dma-opt-in=on', 5, 52, True),
    ('all-flags', 'x2apic-opt-out=on,dma-opt-in=on', 7, 52, True),
])
def what_properties_say(options, flags, width, ats):
    check_table(['-device', f'vtd-model,{options}'],
                drhd(1, vtd.BASE, IOAPIC_ENTRY), *([atsr(1)] if ats else []),
                flags=flags, width=width)


@rows([('no-iommu', (), False),
       ('upstream', ('-device', 'intel-iommu'), True)])
def other_machines_are_left_alone(args, has_table):
    with Machine(*args) as vm:
        expect(table_bytes(vm) is not None, has_table, 'a DMAR table')


# --- several units ------------------------------------------------------------

@test
def unit_of_an_expander_bridge():
    """It names what is below it, and the unit for everything comes last."""
    check_table(['-device', 'vtd-model', *PXB, *SECOND, *PORTS, '-device',
                 'pcie-pci-bridge,bus=pxb,addr=2', '-device',
                 'pasid-endpoint,bus=rp1'],
                drhd(0, BASE2, entry(HIERARCHY, 64, 1, 0),
                     entry(HIERARCHY, 64, 2, 0)),
                drhd(1, vtd.BASE, IOAPIC_ENTRY), atsr(1))


@test
def order_of_units_on_the_command_line_does_not_matter():
    check_table([*PXB, *SECOND, *PORTS, '-device', 'vtd-model'],
                drhd(0, BASE2, entry(HIERARCHY, 64, 1, 0)),
                drhd(1, vtd.BASE, IOAPIC_ENTRY), atsr(1))


@test
def unit_without_functions():
    check_table(['-device', 'vtd-model', *PXB, *SECOND], drhd(0, BASE2),
                drhd(1, vtd.BASE, IOAPIC_ENTRY), atsr(1))


@test
def width_is_the_widest_units():
    check_table(['-device', 'vtd-model,haw-bits=46', *PXB,
                 *SECOND[:1], SECOND[1] + ',haw-bits=48'], drhd(0, BASE2),
                drhd(1, vtd.BASE, IOAPIC_ENTRY), atsr(1), width=48)


@test
def units_are_as_many_as_fit():
    args = ['-device', 'vtd-model']
    for i in range(15):
        args += ['-device', f'pxb-pcie,id=x{i},bus=pcie.0,'
                 f'bus_nr={16 * (i + 1)}',
                 '-device', f'vtd-model,primary-bus=x{i}']
    with Machine(*args) as vm:
        found = structures(table_bytes(vm)[48:])
        bases = [struct.unpack_from('<Q', s, 8)[0] for k, s in found
                 if k == DRHD]
        expect(bases, [vtd.BASE + 0x1000 * i for i in (*range(1, 16), 0)],
               'bases')
        for base in bases:
            expect(vm.read(base, 4), 0x50, f'VER_REG at {base:#x}')
    check_refused(args + ['-device', 'pxb-pcie,id=x15,bus=pcie.0,bus_nr=8',
                          '-device', 'vtd-model,primary-bus=x15'], 'room', '16')


@rows([
    ('only-the-second-has-ats', ',device-iotlb=off', '',
     entry(HIERARCHY, 64, 1, 0)),
    ('only-the-first-has-ats', '', ',device-iotlb=off',
     entry(HIERARCHY, 0, 3, 0)),
])
def ports_of_units_with_ats(first, second, port):
    check_table(['-device', 'vtd-model' + first, *PXB,
                 '-device', SECOND[1] + second, *PORTS],
                drhd(0, BASE2, entry(HIERARCHY, 64, 1, 0)),
                drhd(1, vtd.BASE, IOAPIC_ENTRY), atsr(0, port))


# --- scopes, and what a user adds -----------------------------------------------

# q35's own functions: host bridge, and LPC, SATA, SMBus as functions of 1f.
BUILT_IN = [entry(ENDPOINT, 0, 0x1f, fn) for fn in (0, 2, 3)]


@test
def devices_by_name_instead_of_all():
    check_table(['-device', 'vtd-model,device-scopes=on', *PXB, *PORTS],
                drhd(0, vtd.BASE, IOAPIC_ENTRY, entry(ENDPOINT, 0, 0, 0),
                     entry(HIERARCHY, 0, 3, 0), entry(ENDPOINT, 0, 7, 0),
                     *BUILT_IN, entry(HIERARCHY, 64, 1, 0)),
                atsr(0, entry(HIERARCHY, 0, 3, 0),
                     entry(HIERARCHY, 64, 1, 0)))


@test
def devices_by_name_with_a_second_unit():
    check_table(['-device', 'vtd-model,device-scopes=on', *PXB, *SECOND,
                 *PORTS],
                drhd(0, BASE2, entry(HIERARCHY, 64, 1, 0)),
                drhd(0, vtd.BASE, IOAPIC_ENTRY, entry(ENDPOINT, 0, 0, 0),
                     entry(HIERARCHY, 0, 3, 0), entry(ENDPOINT, 0, 7, 0),
                     *BUILT_IN),
                atsr(0, entry(HIERARCHY, 0, 3, 0),
                     entry(HIERARCHY, 64, 1, 0)))


@test
def reserved_regions():
    """Devices by address, by ID, and behind bridges; two of one region."""
    ranges = f'00:1f.2@{TOP:#x}-{TOP + 0xfff:#x}/' \
             'ep+deep@0x8000000-0x80fffff'
    check_table(['-device', f'vtd-model,rmrr={ranges}', *PXB, *PORTS,
                 '-device', 'pasid-endpoint,id=ep,bus=pcie.0,addr=4',
                 '-device', 'x3130-upstream,id=up,bus=rp1',
                 '-device', 'xio3130-downstream,id=down,bus=up,chassis=3,'
                 'addr=2', '-device', 'pasid-endpoint,id=deep,bus=down'],
                drhd(1, vtd.BASE, IOAPIC_ENTRY),
                rmrr(TOP, TOP + 0xfff, entry(ENDPOINT, 0, 0x1f, 2)),
                rmrr(0x8000000, 0x80fffff, entry(ENDPOINT, 0, 4, 0),
                     entry(ENDPOINT, 64, 1, 0, 0, 0, 2, 0, 0, 0)),
                atsr(1))


@rows([('reserved', '', True), ('not', ',rmrr-reserved=off', False)])
def memory_map_of_the_firmware(options, reserved):
    """8.4: a region is reported as reserved memory, or Linux complains."""
    with Machine('-device', 'vtd-model,rmrr=00:1f.2@0x8000000-0x80fffff' +
                 options) as vm:
        expect((0x8000000, 0x100000, 2) in e820(vm), reserved,
               'a reserved entry of etc/e820')
        expect_true((0, RAM, 1) in e820(vm), 'memory is there')


@test
def everything_in_numerical_order():
    """8.2: structures of a type before those of the next."""
    check_table(['-smp', '2', '-object', 'memory-backend-ram,id=m0,size=128M',
                 '-object', 'memory-backend-ram,id=m1,size=128M',
                 '-numa', 'node,memdev=m0,cpus=0', '-numa',
                 'node,memdev=m1,cpus=1',
                 '-device', 'vtd-model,proximity=0,dma-opt-in=on,'
                 'rmrr=00:1f.2@0x8000000-0x8000fff,satc=a+b,satc-required=c',
                 *PXB, *SECOND[:1], SECOND[1] + ',proximity=1', *PORTS,
                 '-device', 'pasid-endpoint,id=a,bus=pcie.0,addr=4',
                 '-device', 'pasid-endpoint,id=b,bus=pcie.0,addr=5',
                 '-device', 'pasid-endpoint,id=c,bus=pcie.0,addr=6'],
                drhd(0, BASE2, entry(HIERARCHY, 64, 1, 0)),
                drhd(1, vtd.BASE, IOAPIC_ENTRY),
                rmrr(0x8000000, 0x8000fff, entry(ENDPOINT, 0, 0x1f, 2)),
                atsr(1), rhsa(vtd.BASE, 0), rhsa(BASE2, 1),
                satc(0, entry(ENDPOINT, 0, 4, 0), entry(ENDPOINT, 0, 5, 0)),
                satc(1, entry(ENDPOINT, 0, 6, 0)), flags=5)


@test
def scopes_are_walked_as_the_manual_says():
    """8.3.1: from the entry to the function, by secondary bus numbers."""
    with Machine('-device', 'vtd-model,rmrr=ep@0x8000000-0x8000fff', *PXB,
                 *PORTS, '-device', 'pasid-endpoint,id=ep,bus=rp1') as vm:
        region, = [s for k, s in structures(table_bytes(vm)[48:])
                   if k == RMRR]
    (kind, number, bus, path), = scopes(region[24:])
    expect((kind, number, bus, path), (ENDPOINT, 0, 64, (1, 0, 0, 0)),
           'scope')


# ACPI's registers for hot plugging on q35
HOTPLUG_EJECT, HOTPLUG_BUS = 0xcc8, 0xcd0


@test
def what_was_unplugged_is_not_named():
    with Machine('-device', 'vtd-model,rmrr=ep@0x8000000-0x8000fff/'
                 '00:1f.2+ep@0x8001000-0x8001fff', *PXB, *PORTS, '-device',
                 'pasid-endpoint,id=ep,bus=rp0') as vm:
        vm.qmp('device_del', id='ep')
        for bus in range(4):
            vm.outl(HOTPLUG_BUS, bus)
            vm.outl(HOTPLUG_EJECT, 1)
        expect(vm.try_qmp('qom-get', path='/machine/peripheral/ep',
                          property='realized').get('return'), None,
               'the device')
        regions = [s.hex() for k, s in structures(table_bytes(vm)[48:])
                   if k == RMRR]
    expect(regions, [rmrr(0x8001000, 0x8001fff,
                          entry(ENDPOINT, 0, 0x1f, 2)).hex()], 'RMRRs')


# --- refusals -----------------------------------------------------------------

EP = ['-device', 'pasid-endpoint,id=ep,bus=pcie.0,addr=4']


@rows([
    ('no-range', 'rmrr=ep', 'rmrr', 'FIRST-LAST'),
    ('empty', 'rmrr=', 'rmrr', 'FIRST-LAST'),
    ('no-device', 'rmrr=@0x8000000-0x8000fff', 'rmrr', 'id='),
    ('unknown-id', 'rmrr=nosuch@0x8000000-0x8000fff', 'nosuch', 'id='),
    ('no-function', 'rmrr=00:09.0@0x8000000-0x8000fff', '00:09.0', 'id='),
    ('no-pci-device', 'rmrr=iommu@0x8000000-0x8000fff', 'iommu', 'id='),
    ('second-of-a-list', 'rmrr=ep+nosuch@0x8000000-0x8000fff', 'nosuch',
     'id='),
    ('backwards', 'rmrr=ep@0x8001000-0x8000fff', 'last', 'first'),
    ('begins-within-a-page', 'rmrr=ep@0x8000800-0x8001fff', '4 KiB', 'end'),
    ('ends-within-a-page', 'rmrr=ep@0x8000000-0x8001000', '4 KiB', 'end'),
    ('no-number', 'rmrr=ep@here-0x8001fff', 'here', 'FIRST-LAST'),
    ('no-last', 'rmrr=ep@0x8000000', '0x8000000', 'FIRST-LAST'),
    ('two-at-signs', 'rmrr=ep@0x8000000-0x8000fff@', 'FIRST-LAST', ''),
    ('beyond-memory', 'rmrr=ep@0xf000000-0x10000fff', 'memory', '1 MiB'),
    ('far-beyond-memory', 'rmrr=ep@0x100000000-0x100000fff', 'memory', ''),
    ('to-the-end', 'rmrr=ep@0x8000000-0xffffffffffffffff', 'memory', ''),
    ('below-1-mib', 'rmrr=ep@0xe0000-0xeffff', 'memory', '1 MiB'),
    ('overlap', 'rmrr=ep@0x8000000-0x8001fff/00:1f.2@0x8001000-0x8002fff',
     'overlaps', '+'),
    ('device-twice', 'rmrr=ep+ep@0x8000000-0x8000fff', 'ep', 'twice'),
    ('device-twice-by-number', 'rmrr=ep+00:04.0@0x8000000-0x8000fff',
     '00:04.0', 'twice'),
    ('satc-twice', 'satc=ep+ep', 'ep', 'twice'),
    ('satc-and-required', 'satc=ep,satc-required=ep', 'satc-required',
     'satc names it'),
    ('satc-of-nothing', 'satc=', 'satc', 'id='),
    ('satc-without-ats', 'satc=00:1f.2', '00:1f.2', 'ATS'),
    ('satc-of-a-port', 'satc=rp0', 'rp0', 'root bus'),
    ('satc-below-a-port', 'satc=deep', 'deep', 'root bus'),
    ('satc-required-too', 'satc-required=deep', 'satc-required', 'root bus'),
    ('satc-without-device-tlb', 'device-iotlb=off,satc=ep', 'ep',
     'device-iotlb'),
    ('opt-out-without-intremap', 'intremap=off,x2apic-opt-out=on',
     'x2apic-opt-out', 'intremap'),
    ('opt-out-and-required', 'eim-required=on,x2apic-opt-out=on',
     'x2apic-opt-out', 'eim-required'),
    ('no-such-node', 'proximity=1', 'proximity=1', '-numa'),
])
def refused(options, *names):
    check_refused(['-device', f'vtd-model,id=iommu,{options}', *EP,
                   *PORTS[:2], '-device', 'pasid-endpoint,id=deep,bus=rp0'],
                  *names)


@rows([
    ('alone', [*PXB, *SECOND], 'primary-bus=pxb', 'missing'),
    ('beside-upstream', ['-device', 'intel-iommu', *PXB, *SECOND],
     'primary-bus=pxb', 'missing'),
    ('two-for-one-bus', ['-device', 'vtd-model', *PXB, *SECOND, '-device',
                         'vtd-model,primary-bus=pxb'], 'pxb', 'already'),
    ('two-for-everything', ['-device', 'vtd-model', '-device', 'vtd-model'],
     'multiple', 'primary-bus'),
    ('no-such-bus', ['-device', 'vtd-model', *SECOND], 'primary-bus=pxb',
     'given before'),
    ('bus-comes-later', ['-device', 'vtd-model', *SECOND, *PXB],
     'primary-bus=pxb', 'given before'),
    ('no-root-bus', ['-device', 'vtd-model', *PORTS[:2], '-device',
                     'vtd-model,primary-bus=rp0'], 'primary-bus=rp0', 'root'),
    ('first-root-bus', ['-device', 'vtd-model', '-device',
                        'vtd-model,primary-bus=pcie.0'], 'pcie.0',
     'without primary-bus'),
    ('bypass', ['-device', 'vtd-model', PXB[0], PXB[1] + ',bypass_iommu=on',
                *SECOND], 'bypass-iommu', ''),
    ('intremap-differs', ['-device', 'vtd-model', *PXB, SECOND[0],
                          SECOND[1] + ',intremap=off'], 'intremap=off',
     'intremap=on'),
    ('proximity-of-one', ['-object', 'memory-backend-ram,id=m,size=256M',
                           '-numa', 'node,memdev=m', '-device',
                           'vtd-model,proximity=0',
                          *PXB, *SECOND], 'proximity', 'all or none'),
])
def refused_units(args, *names):
    check_refused(args, *names)


@rows([(name, f'{name}={value}') for name, value in (
    ('device-scopes', 'on'), ('x2apic-opt-out', 'on'), ('dma-opt-in', 'on'),
    ('rmrr', 'ep@0x8000000-0x8000fff'), ('rmrr-reserved', 'off'),
    ('satc', 'ep'), ('satc-required', 'ep'))])
def of_the_platform(option):
    check_refused(['-device', 'vtd-model', *PXB, SECOND[0],
                   f'{SECOND[1]},{option}', *EP], 'primary-bus=pxb',
                  re.split('=', option)[0], 'without primary-bus')


if __name__ == '__main__':
    main()
