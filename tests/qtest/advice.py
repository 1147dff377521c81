# SPDX-License-Identifier: GPL-2.0-or-later
"""What a guest will stumble over is told at start-up: one line that names the
device as the user did, and the ways out; and nothing where all is well."""

import re

from harness import Machine, expect, expect_true, main, rows

VIRT = 'virt,gic-version=3'
PORT = ('-device', 'pcie-root-port,id=rp,chassis=1')
BRIDGE = ('-device', 'pcie-pci-bridge,id=br')
SWITCH = (*PORT, '-device', 'x3130-upstream,id=up,bus=rp', '-device',
          'xio3130-downstream,id=down,bus=up,chassis=2')
VTD = ('-device', 'vtd-model,id=the-unit')
SMMU = ('-device', 'smmuv3-model,id=the-unit')


def vtd(options):
    return '-device', f'vtd-model,id=the-unit,{options}'


def smmu(options):
    return '-device', f'smmuv3-model,id=the-unit,{options}'


def told(*args, machine='q35'):
    """Warnings of a machine that started."""
    with Machine(*args, machine=machine) as vm:
        return re.findall(r'warning: (.*)', vm.output())


# machine, arguments, what the line contains
@rows([
    ('aw-39', 'q35', vtd('aw-bits=39,first-stage=on'), 'aw-bits=39',
     'aw-bits=48', 'first-stage=off'),
    ('aw-reserved', 'q35', vtd('second-stage=off'), 'second-stage=off', '5Ah',
     'first-stage-aw-ignored=on'),
    ('memory-beyond-haw', 'q35', (*vtd('haw-bits=32'), '-m', '6G'),
     'haw-bits=32', '0x1ffffffff', 'less memory'),
    ('memory-to-be-plugged', 'q35',
     (*vtd('haw-bits=36'), '-m', '256M,slots=2,maxmem=128G'), 'haw-bits=36'),
    ('cpus-without-eim', 'q35',
     (*vtd('eim=off'), '-smp', '1,maxcpus=288'), '287', 'eim=on'),
    ('conventional', 'q35',
     (*VTD, *BRIDGE, '-device', 'e1000,id=net7,bus=br,addr=1'),
     'net7', 'br', 'scalable-mode=off', 'PCI Express'),
    ('conventional-by-type', 'q35',
     ('-device', 'vtd-model', '-device', 'i82801b11-bridge,id=b1', '-device',
      'pci-bridge,bus=b1,chassis_nr=1,id=b2', '-device',
      'e1000,bus=b2,addr=1', '-device', 'edu,bus=b2,addr=2'),
     'vtd-model: e1000, edu behind the conventional bridge b1:'),
    ('endpoint-below-a-port-without-acs', 'q35',
     (*VTD, '-device', 'pcie-root-port,id=rp,chassis=1,disable-acs=on',
      '-device', 'pasid-endpoint,id=ep5,bus=rp'),
     'ep5', 'rp', 'ACS', 'disable-acs'),
    ('endpoint-below-an-old-port', 'q35',
     (*VTD, '-device', 'ioh3420,id=rp,chassis=1',
      '-device', 'pasid-endpoint,id=ep5,bus=rp'), 'ep5', 'rp',
     'pcie-root-port'),
    ('function-without-acs', 'q35',
     (*VTD, *PORT, '-device',
      'pasid-endpoint,id=ep5,bus=rp,addr=0.0,multifunction=on,acs=off'),
     'ep5', 'acs=off'),
    ('interrupts-only', 'q35', vtd('dma-translation=off'),
     'dma-translation=off', 'groups'),
    ('no-4k', VIRT, smmu('gran4k=off'), 'gran4k=off', '16 or 64 KiB'),
    ('few-commands', VIRT, smmu('cmdq-bits=6'), 'cmdq-bits', '64 commands'),
    ('few-streams', VIRT, smmu('two-level-strtab=off'), 'sidsize=16',
     'two-level-strtab=on'),
    ('memory-beyond-oas', VIRT, (*smmu('oas=32'), '-m', '4G'), 'oas=32',
     'less memory'),
    ('two-behind-a-bridge', VIRT,
     (*SMMU, *BRIDGE, '-device', 'e1000,id=net1,bus=br,addr=1',
      '-device', 'e1000,id=net2,bus=br,addr=2'), 'net1', 'net2', 'br',
     'StreamID'),
    ('arm64-port-without-acs', VIRT,
     (*SMMU, '-device', 'ioh3420,id=rp,chassis=1', '-device',
      'pasid-endpoint,id=ep5,bus=rp'), 'ep5', 'rp', 'ACS'),
])
def one_line(machine, args, *parts):
    lines = told(*args, machine=machine)
    expect(len(lines), 1, f'number of lines {lines}')
    unit = 'the-unit' if 'the-unit' in ' '.join(args) else 'vtd-model'
    expect(lines[0].startswith(unit + ': '), True,
           f'"{lines[0]}" begins with {unit}')
    for part in parts:
        expect_true(part in lines[0], f'"{part}" in "{lines[0]}"')


@rows([
    ('default', 'q35', VTD),
    ('narrow-second-stage', 'q35', vtd('aw-bits=39,first-stage=off')),
    ('narrow-first-stage', 'q35',
     vtd('aw-bits=39,second-stage=off,first-stage-aw-ignored=on')),
    ('narrow', 'q35', vtd('aw-bits=39')),
    ('narrow-legacy', 'q35', vtd('second-stage=off,scalable-mode=off')),
    ('enough-haw', 'q35', (*vtd('haw-bits=33'), '-m', '6G')),
    ('few-cpus', 'q35', (*vtd('eim=off'), '-smp', '1,maxcpus=255')),
    ('many-cpus', 'q35', (*VTD, '-smp', '1,maxcpus=288')),
    ('legacy-mode', 'q35',
     (*vtd('scalable-mode=off'), *BRIDGE, '-device', 'e1000,bus=br,addr=1')),
    ('bridge-alone', 'q35', (*VTD, *BRIDGE)),
    ('id-of-the-bridge', 'q35',
     (*VTD, *BRIDGE, '-device', 'e1000,bus=br,addr=0')),
    ('on-the-root-bus', 'q35', (*VTD, '-device', 'e1000')),
    ('express', 'q35', (*VTD, *PORT, '-device', 'e1000e,bus=rp')),
    ('integrated', 'q35', (*VTD, '-device', 'pasid-endpoint')),
    ('port', 'q35', (*VTD, *PORT, '-device', 'pasid-endpoint,bus=rp')),
    ('switch', 'q35', (*VTD, *SWITCH, '-device', 'pasid-endpoint,bus=down')),
    ('no-pasid', 'q35',
     (*vtd('pasid-bits=0'), '-device', 'ioh3420,id=rp,chassis=1',
      '-device', 'pasid-endpoint,bus=rp')),
    ('functions', 'q35',
     (*VTD, *PORT, '-device', 'pasid-endpoint,bus=rp,addr=0.0,'
      'multifunction=on', '-device', 'pasid-endpoint,bus=rp,addr=0.1')),
    ('arm64', VIRT, SMMU),
    ('enough-commands', VIRT, smmu('cmdq-bits=7')),
    ('arm64-one-behind-a-bridge', VIRT,
     (*SMMU, *BRIDGE, '-device', 'e1000,bus=br,addr=1')),
    ('arm64-other-root-bus', VIRT,
     ('-device', 'pxb-pcie,id=pxb,bus_nr=64,bus=pcie.0',
      '-device', 'smmuv3-model,primary-bus=pxb',
      BRIDGE[0], BRIDGE[1] + ',bus=pcie.0', '-device', 'e1000,bus=br,addr=1',
      '-device', 'e1000,bus=br,addr=2')),
    ('arm64-switch', VIRT,
     (*SMMU, *SWITCH, '-device', 'pasid-endpoint,bus=down')),
])
def nothing(machine, args):
    expect(told(*args, machine=machine), [], 'warnings')


if __name__ == '__main__':
    main()
