# SPDX-License-Identifier: GPL-2.0-or-later
"""Sources of interrupts on x86: messages, and the IOAPIC's pins."""

from harness import expect_true

IOAPIC = 0xfec00000
IOAPIC_RID = 0xff00


def remappable(handle, shv=0):
    return 0xfee00000 | (handle & 0x7fff) << 5 | 1 << 4 | shv << 3 | \
        (handle >> 15) << 2


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
