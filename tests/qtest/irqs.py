# SPDX-License-Identifier: GPL-2.0-or-later
"""Sources of interrupts on x86: messages, and the IOAPIC's pins."""

import vtd
from endpoint import E
from harness import expect_true
from rig import RID

IOAPIC = 0xfec00000
IOAPIC_RID = 0xff00


def remappable(handle, shv=0):
    return 0xfee00000 | (handle & 0x7fff) << 5 | 1 << 4 | shv << 3 | \
        (handle >> 15) << 2


# Messages of the endpoint that are blocked: (name, reason, what differs in
# entry 5 of a table of 256, address, data).
BLOCKED = [
    ('reserved-data', 0x20, {}, remappable(5, 1), 0x10000),
    ('index-beyond-table', 0x21, {}, remappable(256), 0),
    ('subhandle-beyond-table', 0x21, {}, remappable(255, 1), 1),
    ('not-present', 0x22, dict(p=0), remappable(5), 0),
    ('reserved-in-entry', 0x24, dict(junk=1 << 12), remappable(5), 0),
    ('compatibility-blocked', 0x25, {}, 0xfee00000, 0x51),
    ('other-source', 0x26, dict(sid=RID + 8), remappable(5), 0),
]


def ioapic_path(vm):
    for name in vm.qmp('qom-list', path='/machine/unattached'):
        if name['type'] == 'child<ioapic>':
            return '/machine/unattached/' + name['name']
    for name in vm.qmp('qom-list', path='/machine/q35'):
        if name['type'] == 'child<ioapic>':
            return '/machine/q35/' + name['name']
    for name in vm.qmp('qom-list', path='/machine'):
        if name['type'] == 'child<ioapic>':
            return '/machine/' + name['name']
    return None


def ioapic_entry(vm, pin, value):
    for half in (0, 1):
        vm.write(IOAPIC, 0x10 + 2 * pin + half, 4)
        vm.write(IOAPIC + 0x10, value >> 32 * half & 0xffffffff, 4)


def pulse(vm, pin):
    path = ioapic_path(vm)
    expect_true(path, 'the machine has an IOAPIC')
    for level in (1, 0):
        vm.ask(f'set_irq_in {path} unnamed-gpio-in {pin} {level}')


def ioapic_remappable(index, vector):
    return (index & 0x7fff) << 49 | 1 << 48 | (index >> 15) << 11 | vector


def remapping(r, size=7, eime=0):
    """A table of 2^(size+1) entries, latched and switched on."""
    r.irt = r.heap.alloc(16 << size + 1)
    r.vtd.set_root()
    r.vtd.enable_queue()
    r.vtd.wr64(vtd.IRTA, r.irt | eime << 11 | size)
    r.vtd.gcmd(vtd.SIRTP)
    r.vtd.gcmd(vtd.IRE)


def irte(r, index, vector, dest=0, sid=RID, svt=1, sq=0, p=1, fpd=0, dlm=0,
         tm=0, dm=0, junk=0):
    """dest as the EIME=0 format has it, unless it is wide."""
    r.vtd.set_q(r.irt + 16 * index,
                p | fpd << 1 | dm << 2 | tm << 4 | dlm << 5 | vector << 16 |
                (dest << 32 if dest > 255 else dest << 40) | junk,
                sid | sq << 16 | svt << 18)


def send(r, vector=1):
    r.ep.set_reg(E.ARG, vector)
    r.ep.set_reg(E.COMMAND, E.CMD_INTERRUPT)
