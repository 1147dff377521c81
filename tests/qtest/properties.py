# SPDX-License-Identifier: GPL-2.0-or-later
"""Properties of the devices: help, what is accepted, what is refused."""

import re
import subprocess

import pcie
import vtd
from endpoint import E
from harness import Machine, check_refused, emulator, expect, expect_true, \
    main, rows, test
from vtd import Vtd


def help_text(device):
    kind = '-object' if device in OBJECTS else '-device'
    done = subprocess.run([emulator(), kind, f'{device},help'],
                          capture_output=True, text=True)
    expect(done.returncode, 0, 'exit status')
    return done.stdout


OBJECTS = ['ioasid-host']
OURS = {
    'ioasid-host':
        'pasid-bits page-shift context-quota iotlb-entries page-groups '
        'ats-timeout quarantine vcmd-delay quota-max quota-reserved '
        'gpasid-min gpasid-max map-mode pool',
    'vtd-model':
        'aw-bits haw-bits domain-bits pasid-bits version-major fault-records '
        'iotlb-entries ats-timeout dma-translation scalable-mode first-stage '
        'second-stage nested fs5lp fs1gp ss2m ss1g pri no-write-flag '
        'supervisor ext-accessed ss-dirty page-walk-coherency rid-pasid '
        'abort-dma coherent snoop-control eim eim-required '
        'intremap-required caching-mode psi zlr esrtps esirtps stop-marker '
        'rid-priv translated-pasid ss-io-rw first-stage-aw-ignored '
        'early-device-tlb-invalidation intremap device-iotlb pt host '
        'primary-bus device-scopes '
        'x2apic-opt-out dma-opt-in rmrr rmrr-reserved satc satc-required '
        'proximity ioapic-source-check',
    'pasid-endpoint':
        'pasid-bits ats-queue-depth pri-capacity atc-entries channels '
        'page-timeout buffer-size pasid ats pri pasid-exec pasid-priv '
        'ats-page-aligned ats-global-invalidate pri-pasid-required acs '
        'vendor-id device-id revision class dma-can-stall host host-rid',
}


@rows([(f'{device}@{name}', device, name)
       for device, names in OURS.items() for name in names.split()])
def described(device, name):
    row = re.search(rf'^  {name}=<(\S+)>\s+- (.+)$', help_text(device), re.M)
    expect_true(row, f'{device},help lists {name} with a description')
    expect_true('on/off' not in row[2], 'the description says what it is')


@rows([
    ('default', ''),
    ('legacy', 'scalable-mode=off'),
    ('39-bits', 'aw-bits=39'),
    ('no-ats', 'device-iotlb=off'),
    ('no-pri', 'pri=off'),
    ('no-intremap', 'intremap=off'),
    ('no-pasid', 'pasid-bits=0'),
    ('no-second-stage', 'second-stage=off'),
    ('no-first-stage', 'first-stage=off'),
    ('interrupts-only', 'dma-translation=off'),
    ('small', 'fault-records=1,iotlb-entries=16,domain-bits=4,pasid-bits=1'),
    ('caching-mode', 'caching-mode=on'),
    ('off-by-default', 'rid-priv=on,translated-pasid=on,ss-io-rw=on'),
    ('first-stage-only', 'second-stage=off,first-stage-aw-ignored=on'),
    ('39-bits-nested', 'aw-bits=39,first-stage=on,nested=on'),
    ('early', 'early-device-tlb-invalidation=on'),
])
def accepted(options):
    with Machine('-device', f'vtd-model,{options}'.rstrip(',')) as vm:
        v = Vtd(vm)
        v.set_root(vtd.SCALABLE if v.rd64(vtd.ECAP) >> 43 & 1 else vtd.LEGACY)


# Bits of ECAP_REG: SSTS 46, FSTS 47, RPRIVS 53, PTRS 56, SSIRWS 57
@rows([
    ('default', '', {46: 1, 47: 1, 53: 0, 56: 0, 57: 0}),
    ('39-bits', 'aw-bits=39', {46: 1, 47: 0}),
    ('39-bits-first-stage', 'aw-bits=39,first-stage=on', {46: 1, 47: 1}),
    ('39-bits-first-stage-only', 'aw-bits=39,second-stage=off',
     {46: 0, 47: 1}),
    ('rid-priv', 'rid-priv=on', {53: 1}),
    ('translated-pasid', 'translated-pasid=on', {56: 1}),
    ('ss-io-rw', 'ss-io-rw=on', {57: 1}),
])
def reported(options, bits):
    with Machine('-device', f'vtd-model,{options}'.rstrip(',')) as vm:
        ecap = Vtd(vm).rd64(vtd.ECAP)
    for bit, want in bits.items():
        expect(ecap >> bit & 1, want, f'ECAP bit {bit}')


# vtd-model: what is refused, and both names that the line must contain
@rows([
    ('pri-without-scalable', 'scalable-mode=off,pri=on',
     'pri', 'scalable-mode'),
    ('pri-without-device-iotlb', 'device-iotlb=off,pri=on',
     'pri', 'device-iotlb'),
    ('pasid-without-scalable', 'scalable-mode=off,pasid-bits=20',
     'pasid-bits', 'scalable-mode'),
    ('nested-without-first-stage', 'first-stage=off,nested=on',
     'nested', 'first-stage'),
    ('nested-without-second-stage', 'second-stage=off,nested=on',
     'nested', 'second-stage'),
    ('eim-without-intremap', 'intremap=off,eim=on', 'eim', 'intremap'),
    ('fs5lp-without-first-stage', 'first-stage=off,fs5lp=on',
     'fs5lp', 'first-stage'),
    ('scalable-without-translation', 'dma-translation=off,scalable-mode=on',
     'scalable-mode', 'dma-translation'),
    ('host-wider-than-guest', 'aw-bits=39,haw-bits=52',
     'haw-bits', 'aw-bits'),
    ('aw-40', 'aw-bits=40', 'aw-bits', '48'),
    ('pasid-21', 'pasid-bits=21', 'pasid-bits', '20'),
    ('no-fault-record', 'fault-records=0', 'fault-records', '1'),
    ('odd-domain', 'domain-bits=5', 'domain-bits', '4, 6, 8'),
    ('iotlb-17', 'iotlb-entries=17', 'iotlb-entries', 'power of two'),
    ('187-fault-records', 'fault-records=187', 'fault-records', '1..186'),
    ('rid-priv-without-supervisor', 'supervisor=off,rid-priv=on',
     'rid-priv', 'supervisor'),
    ('translated-pasid-without-pasid', 'pasid-bits=0,translated-pasid=on',
     'translated-pasid', 'pasid-bits'),
    ('io-rw-without-second-stage', 'second-stage=off,ss-io-rw=on',
     'ss-io-rw', 'second-stage'),
    ('early-without-device-iotlb',
     'device-iotlb=off,early-device-tlb-invalidation=on',
     'early-device-tlb-invalidation', 'device-iotlb'),
])
def refused(options, *names):
    check_refused(['-device', f'vtd-model,{options}'], *names)


@rows([
    ('two-of-ours', ['-device', 'vtd-model'] * 2, 'multiple'),
    ('ours-and-upstream', ['-device', 'vtd-model', '-device', 'intel-iommu'],
     'multiple'),
    ('upstream-and-ours', ['-device', 'intel-iommu', '-device', 'vtd-model'],
     'multiple'),
    ('ours-and-virtio', ['-device', 'vtd-model', '-device',
                         'virtio-iommu-pci'], 'multiple'),
    ('virtio-and-ours', ['-device', 'virtio-iommu-pci', '-device',
                         'vtd-model'], 'multiple'),
    ('only-migratable', ['-device', 'vtd-model', '-only-migratable'],
     'vtd-model'),
    ('endpoint-on-conventional-bus',
     ['-device', 'pcie-pci-bridge,id=b', '-device',
      'pasid-endpoint,bus=b,addr=1'], 'pasid-endpoint', 'PCI'),
])
def refused_machine(args, *names):
    check_refused(args, *names)


@rows([('bypass', 'q35,default-bus-bypass-iommu=on', 'bypass-iommu'),
       ('i440fx', 'pc', 'dynamic')])
def refused_on_machine(machine, name):
    check_refused(['-device', 'vtd-model'], name, machine=machine)


# a value that is none: the line says which there are
@rows([
    ('switch', 'pri=maybe', 'pri', 'on, off or auto'),
    ('inherited-switch', 'intremap=maybe', 'intremap', 'on, off or auto'),
    ('no-number', 'aw-bits=wide', 'aw-bits', '39, 48 or 57'),
    ('too-large', 'aw-bits=300', 'aw-bits', '39, 48 or 57'),
    ('negative', 'pasid-bits=-1', 'pasid-bits', '1..20'),
    ('own-switch', 'ioapic-source-check=auto', 'ioapic-source-check', 'on',
     'off'),
])
def value_refused(options, *names):
    check_refused(['-device', f'vtd-model,{options}'], *names)


@rows([
    ('map-mode', 'map-mode=mapped', 'identity', 'translate', 'delegated'),
    ('pool', 'pool=local', 'device', 'global'),
    ('range', 'pasid-bits=21', 'h0', 'pasid-bits', '1..20'),
])
def host_value_refused(options, *names):
    check_refused(['-object', f'ioasid-host,id=h0,{options}'], *names)


# a device is named as the user named it
@rows([
    ('unit', ['-device', 'vtd-model,id=my-unit,pasid-bits=21'], 'my-unit: '),
    ('unit-by-type', ['-device', 'vtd-model,pasid-bits=21'], 'vtd-model: '),
    ('endpoint', ['-device', 'pasid-endpoint,id=my-ep,channels=0'],
     'my-ep: '),
    ('blocker', ['-device', 'vtd-model,id=my-unit', '-only-migratable'],
     'my-unit '),
    ('bypass', ['-device', 'vtd-model,id=my-unit', '-device',
                'pxb-pcie,id=p,bus_nr=64,bypass_iommu=on'], 'my-unit '),
])
def named_by_id(args, name):
    check_refused(args, name)


# options of QEMU's intel-iommu: what they set, as a bit of CAP or ECAP
@rows([
    ('x-scalable-mode-on', 'x-scalable-mode=on', vtd.ECAP, 43, 1),
    ('x-scalable-mode-off', 'x-scalable-mode=off', vtd.ECAP, 43, 0),
    ('x-flts-on', 'x-flts=on', vtd.ECAP, 47, 1),
    ('x-flts-off', 'x-flts=off', vtd.ECAP, 47, 0),
    ('flts-off', 'flts=off', vtd.ECAP, 47, 0),
    ('fs1gp-off', 'fs1gp=off', vtd.CAP, 56, 0),
    ('x-pasid-mode-on', 'x-pasid-mode=on', vtd.ECAP, 40, 1),
    ('x-pasid-mode-off', 'x-pasid-mode=off', vtd.ECAP, 40, 0),
    ('svm-on', 'svm=on', vtd.ECAP, 29, 1),
    ('svm-off', 'svm=off', vtd.ECAP, 29, 0),
    ('dma-drain', 'dma-drain=on', vtd.CAP, 55, 1),
    ('stale-tm', 'stale-tm=off', vtd.ECAP, 43, 1),
    ('x-buggy-eim', 'x-buggy-eim=off', vtd.ECAP, 4, 1),
    ('snoop-control', 'snoop-control=off', vtd.ECAP, 7, 0),
    ('dma-translation', 'dma-translation=off', vtd.CAP, 10, 0),
])
def option_of_intel_iommu(options, reg, bit, value):
    with Machine('-device', f'vtd-model,{options}') as vm:
        expect(Vtd(vm).rd64(reg) >> bit & 1, value, f'{reg:#x}, bit {bit}')


@test
def option_of_intel_iommu_in_json():
    """As libvirt writes it: a boolean, not a word."""
    with Machine('-device', '{"driver": "vtd-model", "id": "iommu0", '
                 '"x-scalable-mode": false}') as vm:
        expect(Vtd(vm).rd64(vtd.ECAP) >> 43 & 1, 0, 'SMTS')


@rows([
    ('dma-drain', 'dma-drain=off', 'leave it out'),
    ('stale-tm', 'stale-tm=on', 'leave it out'),
    ('x-buggy-eim', 'x-buggy-eim=on', 'eim=on|off'),
    ('version', 'version=16', 'version-major=1..5'),
    ('x-scalable-mode', 'x-scalable-mode=modern', 'x-scalable-mode'),
    ('svm-without-scalable', 'svm=on,scalable-mode=off', 'pri'),
])
def option_of_intel_iommu_refused(options, *names):
    check_refused(['-device', f'vtd-model,id=iommu0,{options}'], *names)


# pasid-endpoint: capabilities in configuration space, the bits of CAP too
@rows([
    ('default', '', {'ats', 'pri', 'pasid'}),
    ('no-pasid', 'pasid=off', {'ats', 'pri'}),
    ('no-ats', 'ats=off', {'pasid'}),
    ('no-pri', 'pri=off', {'ats', 'pasid'}),
    ('nothing', 'pasid=off,ats=off', set()),
    ('small', 'channels=1,atc-entries=0,pasid-bits=1', {'ats', 'pri',
                                                        'pasid'}),
    ('large', 'channels=32,buffer-size=67108864', {'ats', 'pri', 'pasid'}),
])
def endpoint_has(options, caps):
    ecaps = {'ats': (pcie.ECAP_ATS, E.CAP_ATS),
             'pri': (pcie.ECAP_PRI, E.CAP_PRI),
             'pasid': (pcie.ECAP_PASID, E.CAP_PASID)}
    ep = 'pasid-endpoint,addr=4'
    with Machine('-device', f'{ep},{options}'.rstrip(',')) as vm:
        pcie.enable_ecam(vm)
        f = pcie.Function(vm, 0, 4)
        f.set_cfg(0x10, pcie.WINDOW)
        f.master(True)
        word = vm.read(pcie.WINDOW + E.CAP, 8)
        for name, (ecap, bit) in ecaps.items():
            expect(f.ecap(ecap) is not None, name in caps,
                   f'{name} in configuration space')
            expect(bool(word & bit), name in caps, f'{name} in CAP')


@rows([
    ('default', '', 0x1234, 0xa51d, 1, 0x1200),
    ('given', 'vendor-id=0x8086,device-id=0x0b25,revision=7,class=0x0880',
     0x8086, 0x0b25, 7, 0x0880),
])
def endpoint_ids(options, vendor, device, revision, kind):
    ep = 'pasid-endpoint,addr=4'
    with Machine('-device', f'{ep},{options}'.rstrip(',')) as vm:
        pcie.enable_ecam(vm)
        f = pcie.Function(vm, 0, 4)
        expect(f.cfg(0), device << 16 | vendor, 'vendor and device')
        expect(f.cfg(8, 1), revision, 'revision')
        expect(f.cfg(10, 2), kind, 'class')


@rows([
    ('pri-without-ats', 'ats=off,pri=on', 'pri', 'ats'),
    ('pasid-21', 'pasid-bits=21', 'pasid-bits', '20'),
    ('no-channel', 'channels=0', 'channels', '32'),
    ('many-channels', 'channels=33', 'channels', '32'),
    ('small-buffer', 'buffer-size=4096', 'buffer-size', ''),
    ('acs-alone', 'acs=on', 'acs', 'multifunction=on'),
])
def endpoint_refused(options, *names):
    check_refused(['-device', f'pasid-endpoint,{options}'], *names)


# one function a row: slot and function, options, ACS capability
ACS = 0x0d


@rows([
    ('alone', ['4.0'], False),
    ('first', ['4.0,multifunction=on', '4.1'], True),
    ('second', ['4.1', '4.0,multifunction=on'], True),
    ('asked-for', ['4.0,multifunction=on,acs=on'], True),
    ('switched-off', ['4.0,multifunction=on,acs=off'], False),
])
def endpoint_has_acs(functions, there):
    args = [a for f in functions for a in ('-device',
                                           f'pasid-endpoint,addr={f}')]
    with Machine(*args) as vm:
        pcie.enable_ecam(vm)
        number = int(functions[0][2])
        at = pcie.Function(vm, 0, 4, number).ecap(ACS)
        expect(at is not None, there, 'ACS in configuration space')


@test
def acs_of_a_function_can_be_enabled():
    with Machine('-device', 'pasid-endpoint,addr=4.0,multifunction=on') as vm:
        pcie.enable_ecam(vm)
        f = pcie.Function(vm, 0, 4)
        at = f.need_ecap(ACS)
        expect(f.cfg(at + 4, 2), 0x4c, 'RR, CR, DT')
        f.set_cfg(at + 6, 0xffff, 2)
        expect(f.cfg(at + 6, 2), 0x4c, 'ACS Control')


@test
def switch_has_acs():
    """SV, TB, RR, CR, UF and DT of a downstream port, off after reset."""
    def downstream():
        pcie.enable_ecam(vm)
        pcie.enable_bridge(vm, 3, 1, 0).set_cfg(0x1a, 2, 1)
        pcie.Function(vm, 1, 0).set_cfg(0x18, 0x020201)
        return pcie.Function(vm, 2, 0)

    with Machine('-device', 'pcie-root-port,id=rp,chassis=1,addr=3',
                 '-device', 'x3130-upstream,id=up,bus=rp',
                 '-device', 'xio3130-downstream,bus=up,chassis=2') as vm:
        f = downstream()
        at = f.need_ecap(ACS)
        expect(f.cfg(at + 4, 2), 0x5f, 'ACS Capability')
        f.set_cfg(at + 6, 0x14, 2)
        expect(f.cfg(at + 6, 2), 0x14, 'RR and UF')
        vm.qmp('system_reset')
        vm.wait(lambda: vm.qmp('query-status') and
                any(e['event'] == 'RESET' for e in vm.events), 'the reset')
        expect(downstream().cfg(at + 6, 2), 0, 'ACS Control after a reset')


if __name__ == '__main__':
    main()
