# SPDX-License-Identifier: GPL-2.0-or-later
"""Is DMA remapped? Every guest is held to its answer.

A guest whose kernel leaves the unit off boots, its disks and networks work and
every byte is right. Only what it says of its functions' IOMMU groups, and what
the unit has counted, tells.
"""

import selftests

# A request of a device, whoever answered it: the model, the glue's memory of
# the model's answers, the model for an ATC, an ATC.
REQUESTS = ['viommu_requests', 'translations', 'memo_hits', 'ats_requests', 'translated']
# Scenarios that look, and move nothing; of Linux's VFIO tests all but one.
NO_DMA = ['enabled', *(set(selftests.PROGRAMS) - {'vfio_pci_driver_test'})]


class Outcome:
    """What a guest is to come to: USED, UNUSED or STOPS."""

    def __init__(self, kind, why='', until='', told=''):
        self.kind, self.why = kind, why
        self.until = until              # the console's last words
        self.told = told                # by the emulator, when it starts


USED = Outcome('used')


def unused(why, told=''):
    """It boots, and does without remapping: WHY."""
    return Outcome('unused', why, told=told)


def stops(why, until, told):
    """It does not boot: WHY; the console shows UNTIL."""
    return Outcome('stops', why, until, told)


def group_type(append, arch):
    """The type of every group, as the kernel's command line makes it."""
    words = append.split()
    for word, kind in (('iommu=pt', 'identity'),
                       ('iommu.passthrough=1', 'identity'),
                       ('iommu.strict=1', 'DMA'),
                       ('iommu.strict=0', 'DMA-FQ')):
        if word in words:
            return kind
    return arch.group_type


def waits_for_driver(arch, release):
    """On arm64 Linux before 6.15 looks for a function's IOMMU when a driver
    is bound to it: without a driver, no group."""
    major, minor = (int(n) for n in release.split('.')[:2])
    return arch.name == 'arm64' and (major, minor) < (6, 15)


def functions_judged(boot, arch):
    """The functions of one boot that must have a group."""
    return [f for f in boot.functions
            if f.driver != 'none' or not waits_for_driver(arch, boot.release)]


def total(counters, names):
    return sum(counters.get(n, 0) for n in names)


def counter_problems(guest, rows, identity, interrupts):
    """What the counters of each unit say against remapping in use."""
    arch = guest.arch
    if not guest.last_units:
        yield 'there are no counters'
    for name, unit in guest.last_units.items():
        if not total(unit, arch.look_ups):
            yield f'{name} looked nothing up ({", ".join(arch.look_ups)})'
        if not identity and not unit.get('walk_reads'):
            yield f'{name} walked no table'
        if arch.remapped_interrupts and interrupts and \
                not unit.get(arch.remapped_interrupts):
            yield f'{name} remapped no interrupt'
    for row in rows:
        if row.name in NO_DMA or not row.passed:
            continue
        if not row.count(arch.iommu_type, REQUESTS):
            yield f'{row.name}: no DMA went through the unit'
        if row.count('pasid-endpoint', ['dma_reads', 'dma_writes']) and \
                not row.count(arch.iommu_type, arch.pasid_look_ups):
            yield f'{row.name}: no PASID was looked up'


def used_problems(guest, rows, want, interrupts):
    """Why remapping is not in use, or not as it is WANTed."""
    for boot in guest.boots:
        judged = functions_judged(boot, guest.arch)
        if len(judged) < 2:
            yield f'Linux {boot.release} names {len(judged)} PCI functions'
        for f in judged:
            if f.type != want:
                yield f'{f.bdf} ({f.driver}) has a group of type {f.type}, ' \
                      f'not {want}'
    if not guest.boots:
        yield 'no kernel has said which functions there are'
    if guest.has_counters():
        yield from counter_problems(guest, rows, want == 'identity',
                                    interrupts)


def unused_problems(guest):
    """Why it cannot be said that the guest does without remapping."""
    for boot in guest.boots:
        for f in functions_judged(boot, guest.arch):
            if f.type != 'none':
                yield f'{f.bdf} has a group of type {f.type}: remapping is ' \
                      'in use after all'
    if not guest.boots or not any(b.functions for b in guest.boots):
        yield 'no kernel has said which functions there are'


def words(guest):
    """One line for a guest that is as expected."""
    last = guest.last_counters.get(guest.arch.iommu_type, {})
    judged = [f for b in guest.boots for f in functions_judged(b, guest.arch)]
    kinds = sorted({f.type for f in judged})
    count = len(judged)
    text = f'{count} functions in groups of type {" and ".join(kinds)}'
    if guest.has_counters():
        text += f', {total(last, REQUESTS)} requests'
    return text
