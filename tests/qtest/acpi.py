# SPDX-License-Identifier: GPL-2.0-or-later
"""The DMAR table, as firmware would find it."""

import struct

import vtd
from fwcfg import acpi_tables
from harness import Machine, expect, expect_true, main, rows, test


def dmar(vm):
    """Fields of the table, None without one."""
    blob = acpi_tables(vm)
    at = blob.find(b'DMAR')
    if at < 0:
        return None
    size, = struct.unpack_from('<I', blob, at + 4)
    table = {'width': blob[at + 36] + 1, 'flags': blob[at + 37], 'parts': {}}
    pos = at + 48
    while pos < at + size:
        kind, length = struct.unpack_from('<HH', blob, pos)
        table['parts'].setdefault(kind, []).append(blob[pos:pos + length])
        pos += length
    expect(pos, at + size, 'the structures fill the table')
    return table


DRHD, ATSR = 0, 2


@test
def unit_for_every_function_with_ioapic_scope():
    with Machine('-device', 'vtd-model') as vm:
        table = dmar(vm)
        expect_true(table, 'there is a DMAR table')
        drhd, = table['parts'][DRHD]
        flags, size, segment, base = struct.unpack_from('<BBHQ', drhd, 4)
        expect((flags, size, segment, base), (1, 0, 0, vtd.BASE), 'DRHD')
        scope = struct.unpack_from('<BBHBBBB', drhd, 16)
        expect(scope, (3, 8, 0, 0, 0xff, 0, 0), 'scope of the IOAPIC')
        expect(len(drhd), 24, 'length of the DRHD')


@rows([
    ('default', '', 1, 52, True),
    ('no-intremap', ',intremap=off', 0, 52, True),
    ('no-ats', ',device-iotlb=off', 1, 52, False),
    ('narrow', ',aw-bits=39', 1, 39, True),
])
def what_properties_say(options, flags, width, atsr):
    with Machine('-device', 'vtd-model' + options) as vm:
        table = dmar(vm)
        expect(table['flags'], flags, 'flags')
        expect(table['width'], width, 'host address width')
        expect(ATSR in table['parts'], atsr, 'ATSR present')
        if atsr:
            expect(table['parts'][ATSR][0][4], 1, 'ATSR: ALL_PORTS')


@rows([('no-iommu', (), False),
       ('upstream', ('-device', 'intel-iommu'), True)])
def other_machines_are_left_alone(args, has_table):
    with Machine(*args) as vm:
        table = dmar(vm)
        expect(table is not None, has_table, 'a DMAR table')


if __name__ == '__main__':
    main()
