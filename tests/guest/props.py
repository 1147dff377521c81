# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest for each property of the IOMMUs' models and each value alone.

Each boots with remapping in use, or what Linux does instead is a row below,
and of the property's page in docs/.
"""

import re
import subprocess

import remap
from arch import ARM64, X86
from testcase import Test

# Values beside the default: the ends of the range, and what differs for a
# driver. A switch has one: the other.
VTD_NUMBERS = {
    'aw-bits': [39, 48],
    'haw-bits': [36, 39, 48],
    'domain-bits': [4, 8],
    'pasid-bits': [0, 1, 8],
    'version-major': [1, 3],
    'fault-records': [1, 186],
    'iotlb-entries': [16],
    'ats-timeout': [1000000],
}
VTD_ON = ['intremap', 'device-iotlb', 'pt', 'scalable-mode', 'first-stage',
          'second-stage', 'nested', 'fs5lp', 'fs1gp', 'ss2m', 'ss1g', 'pri',
          'no-write-flag', 'supervisor', 'ext-accessed', 'ss-dirty',
          'page-walk-coherency', 'rid-pasid', 'abort-dma', 'coherent',
          'snoop-control', 'eim', 'psi', 'zlr', 'esrtps', 'esirtps',
          'stop-marker', 'dma-translation', 'ioapic-source-check']
VTD_OFF = ['eim-required', 'intremap-required', 'caching-mode',
           'device-scopes', 'dma-opt-in', 'x2apic-opt-out', 'rid-priv',
           'translated-pasid', 'ss-io-rw', 'first-stage-aw-ignored',
           'early-device-tlb-invalidation']

SMMU_NUMBERS = {
    'stage': [1, 2],
    'msi-device-id': [0xfffe],
    'sidsize': [16, 20, 32],
    'ssidsize': [0, 1, 5, 10],
    'oas': [32, 36, 40, 42, 44, 52],
    'va-bits': [48, 52],
    'cmdq-bits': [0, 6, 7, 19],
    'evtq-bits': [0, 8, 19],
    'priq-bits': [0, 19],
    'stall-model': [1, 2],
    'stall-max': [1],
    'httu': [0, 1, 2, 3],
    'bbml': [0, 1],
    'iidr': [0x43b],
    'ats-timeout': [1000000],
    'tlb-entries': [16],
}
SMMU_ON = ['gran4k', 'gran16k', 'gran64k', 'two-level-strtab', 'cd2l',
           'coherent', 'ats', 'split-ats', 'ats-rec-err', 'pri', 'msi',
           'asid16', 'vmid16', 'had', 'xnx', 'ril', 'fwb', 'attr-types-ovr',
           'attr-perms-ovr']
SMMU_OFF = ['pps', 'vmw', 'term-model', 'hyp', 'stt', 'e0pd']

# Values that only together show what they are for.
TOGETHER = {
    'x86': ['aw-bits=39,first-stage=on,nested=on',
            'second-stage=off,first-stage-aw-ignored=on',
            'aw-bits=48,scalable-mode=off', 'aw-bits=39,scalable-mode=off'],
    'arm64': ['oas=52,va-bits=48'],
}
# Properties that are no value of the unit: what it serves, what a table names.
OTHER = ['host', 'primary-bus', 'proximity', 'rmr', 'rmrr', 'rmrr-reserved',
         'satc', 'satc-required']

MODELS = {
    'x86': (X86, VTD_NUMBERS, VTD_ON, VTD_OFF),
    'arm64': (ARM64, SMMU_NUMBERS, SMMU_ON, SMMU_OFF),
}

FEW_COMMANDS = remap.stops(
    'its driver wants more than 64 commands, and functions wait for it',
    'command queue size <= 64 entries not supported', 'cmdq-bits')

# Rows that are not in use: what Linux does. By model, property and value, and
# the kernel where it matters.
OUTCOMES = {
    ('x86', 'aw-bits=39,first-stage=on,nested=on'): remap.unused(
        'no width that the first stage of 4 levels and the second of 3 share',
        'aw-bits=39'),
    ('x86', 'second-stage=off'): remap.stops(
        'AW is Reserved(0) without a second stage, and Linux sets it',
        'fault reason 0x5a', 'second-stage=off'),
    ('x86', 'dma-translation=off'): remap.unused('interrupts only',
                                                 'dma-translation=off'),
    ('arm64', 'cmdq-bits=0'): FEW_COMMANDS,
    ('arm64', 'cmdq-bits=6'): FEW_COMMANDS,
    ('arm64', 'gran4k=off'): remap.stops(
        'no page size that it has in common with the unit',
        'drivers/iommu/iova.c', 'gran4k=off'),
}
# Linux allows no SVA with these: no PASIDs or faults, or tables that the unit
# cannot share with the CPU: their levels, their widest address or page, their
# coherency, the width of ASIDs.
NO_SVA = {
    'x86': ['pasid-bits=0', 'scalable-mode=off', 'first-stage=off',
            'device-iotlb=off', 'pri=off', 'fs5lp=off', 'fs1gp=off',
            'page-walk-coherency=off', 'aw-bits=39', 'aw-bits=48',
            'aw-bits=48,scalable-mode=off', 'aw-bits=39,scalable-mode=off'],
    # a linear table has StreamIDs of 6 bits: none for a bus below a port
    'arm64': ['ssidsize=0', 'stage=2', 'stall-model=1', 'coherent=off',
              'asid16=off', 'two-level-strtab=off',
              'oas=32', 'oas=36', 'oas=40', 'oas=42', 'oas=44'],
}
# One PASID: Linux frees a process's when its last CPU has forgotten it, which
# may be after the next process wants one.
ONE_PROCESS = ['pasid-bits=1', 'ssidsize=1']
# Interrupts are not remapped.
NO_INTERRUPTS = ['intremap=off']
# The firmware's timer comes before the kernel has turned remapping on.
FAULTS = {'intremap-required=on': ['IR.2B']}


def without_row(short, emulator):
    """Properties of the emulator's model that no row above names; what only
    renames an option of QEMU's own is none."""
    arch, numbers, on, off = MODELS[short]
    text = subprocess.run(
        [str(emulator), *arch.machine, '-device', f'{arch.iommu_type},help'],
        capture_output=True, text=True, check=True).stdout
    return sorted(set(re.findall(r'^ *([\w-]+)=(?!.* - of [\w-]+: )', text,
                                 re.M)) -
                  {*numbers, *on, *off, *OTHER})


def values(short):
    _, numbers, on, off = MODELS[short]
    rows = [f'{name}={v:#x}' if v > 1 << 10 and name != 'ats-timeout'
            else f'{name}={v}' for name, vs in numbers.items() for v in vs]
    return rows + [f'{n}=off' for n in on] + [f'{n}=on' for n in off] + \
        TOGETHER[short]


def make(short, which, row):
    arch = MODELS[short][0]
    expect = OUTCOMES.get((short, which, row)) or \
        OUTCOMES.get((short, row)) or remap.USED
    sva = which == 'own' and expect is remap.USED and \
        row not in NO_SVA[short]
    scenarios = ['nvme', *(['virtio-blk'] if not sva else
                           ['untouched'] if row in ONE_PROCESS else
                           ['touched', 'untouched'])]
    return Test(scenarios, which, arch=arch, iommu=f',{row}',
                append=arch.strict, endpoint=sva, expect=expect,
                interrupts=row not in NO_INTERRUPTS,
                faults=FAULTS.get(row, ()))


TESTS = {f'prop/{short}-{which}/{row}': make(short, which, row)
         for short in MODELS for which in ('stock', 'own')
         for row in values(short)}
