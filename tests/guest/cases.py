# SPDX-License-Identifier: GPL-2.0-or-later
"""The guests that are tests, by name; and series of them, each one test of
the suite "long": a guest for each property (props.py), for each way to boot
(boots.py)."""

import boots
import props
import selftests
from arch import ARM64, X86
from testcase import STALLS, Test

DEMO = ['touched', 'untouched', 'read-only', 'cow', 'remapped', 'thp',
        'hugetlb', 'stack', 'file', 'swapped', 'two-processes', 'forked',
        'own-domain', 'privileged', 'killed',
        'uio']                  # the last: its driver cannot be unbound
ORDINARY = ['virtio-blk', 'nvme', 'e1000e', 'virtio-net']

STRICT = X86.strict
TESTS = {f'sva/{name}': Test([name]) for name in DEMO}
TESTS.update({
    'sva/random': Test(['random']),
    'own/devices': Test(ORDINARY, endpoint=False,
                        append=STRICT, scalable=True,
                        iothread=True),
    'own/lazy': Test(ORDINARY, endpoint=False,
                     append='intel_iommu=on iommu.strict=0', scalable=True),
    'own/virtio-ats': Test(['virtio-blk', 'virtio-net'], endpoint=False,
                           append=STRICT, scalable=True,
                           virtio=',ats=on'),
    'sva/stale': Test(['stale']),
    'sva/two-devices': Test(['two-devices', 'killed'], endpoints=2),
    'sva/integrated': Test(['touched', 'untouched', 'remapped', 'swapped',
                            'killed'], integrated=True),
    'sva/four-level': Test(['touched', 'untouched', 'remapped', 'thp'],
                           append='no5lvl'),
    'sva/pass-through': Test(['touched', 'untouched', 'two-processes',
                              'own-domain', 'killed'], append='iommu=pt'),
    'sva/one-cpu': Test(['untouched', 'remapped', 'swapped', 'killed'],
                        append='maxcpus=1'),
    'sva/kexec': Test(['untouched'], kexec='plain',
                      then=['untouched', 'remapped']),
    'sva/crash': Test(['untouched'], kexec='crash',
                      then=['untouched', 'remapped'],
                      says='Copied translation tables'),
    # A CPU whose APIC ID, 256, needs extended interrupt mode: in logical mode
    # it is number 0 of cluster 10h, bits 31:8 in the address's upper half.
    'sva/wide-apic': Test(['touched', 'untouched'], append='irqaffinity=1',
                          cpus='1,sockets=2,cores=256,maxcpus=512',
                          plug=['-device', 'max-x86_64-cpu,socket-id=1,'
                                'core-id=0,thread-id=0'],
                          traced=('im_vtd_remapped', '0x100000fee')),
    'kvm/sva': Test(['touched', 'untouched', 'remapped', 'killed'],
                    kvm=True),
    'long/random': Test(['random'], rounds=20000),
    'long/arm64-random': Test(['random'], rounds=20000, arch=ARM64),
    'long/arm64-demo-again': Test(DEMO[:-1] * 5, arch=ARM64),
    'long/demo-again': Test(DEMO[:-1] * 5),
    'long/stock-virtio-net': Test(['virtio-net'] * 10, 'stock',
                                  endpoint=False, append=STRICT),
    'stock/strict': Test(ORDINARY, 'stock', endpoint=False,
                         append=STRICT, scalable=True),
    'stock/sm-off': Test(ORDINARY, 'stock', endpoint=False,
                         append='intel_iommu=on,sm_off iommu.strict=1',
                         scalable=False),
    # 6.12 has no SVA on x86, but turns PASID and ATS on.
    'stock/endpoint': Test(['enabled'], 'stock', endpoint=False,
                           append=STRICT,
                           plug=['-device', 'pcie-root-port,id=rp0,chassis=1,'
                                 'slot=1', '-device',
                                 'pasid-endpoint,bus=rp0']),
    # SeaBIOS waits half a minute for a disk of this kind; and our own kernel
    # is without SCSI disks.
    'stock/ahci': Test(['ahci'], 'stock', endpoint=False, append=STRICT),
    'stock/pt': Test(ORDINARY, 'stock', endpoint=False,
                     append='intel_iommu=on iommu=pt'),
})

# Both halves: the function is the host's, and behind the guest's IOMMU; by how
# its PASIDs are the host's.
MODES = {'identity': '', 'translate': ',map-mode=translate',
         'global': ',map-mode=translate,pool=global'}
HOST = ['touched', 'untouched', 'remapped', 'own-domain', 'killed']
TESTS.update({f'host/{mode}': Test(HOST, host=opts)
              for mode, opts in MODES.items()})
TESTS.update({
    'host/pass-through': Test(['touched', 'untouched', 'own-domain', 'killed'],
                              append='iommu=pt', host=''),
    'host/caching-mode': Test(HOST, iommu=',caching-mode=on', host=''),
    'host/two-devices': Test(['two-devices', 'killed'], endpoints=2, host=''),
    'host/random': Test(['random'], host=MODES['translate']),
    'host/arm64-delegated': Test(HOST, arch=ARM64,
                                 host=',map-mode=delegated'),
    'host/arm64-two-devices': Test(['two-devices', 'killed'], arch=ARM64,
                                   endpoints=2, host=''),
    'host/arm64-random': Test(['random'], arch=ARM64,
                              host=MODES['translate']),
})


def host_life(arch):
    """What befalls a guest, its functions and its host; {name: Test}."""
    yield 'quota', Test(['quota'], arch=arch,
                        host=MODES['translate'] + ',quota-max=2')
    yield 'flr', Test(['flr', 'untouched'], arch=arch, host='')
    yield 'late', Test(['late'], arch=arch, host=',fill-delay=50000')
    yield 'reset', Test(
        ['endpoint-busy', 'untouched'], arch=arch, host='',
        during={'endpoint-busy': [boots.reset, boots.end_after_reset]})
    efi = {'uefi': True, 'ids': STALLS} if arch is ARM64 else {}
    # Two units, a host each: two sets, in which a PASID means two things.
    layout = boots.units(arch, ',host=h1')
    yield 'two-sets', Test(
        ['two-devices', 'killed'], arch=arch, host='', endpoints=2,
        layout=['-object', 'ioasid-host,id=h1,map-mode=translate', *layout],
        **efi)
    # Linux takes it by the root port's own registers, not by ACPI.
    yield 'unplug', Test(
        ['unplugged'], arch=arch, host='',
        layout=['-device', 'pcie-root-port,id=rp0,chassis=1,slot=1',
                '-device', 'EP,bus=rp0,id=ep'],
        plug=['-global', 'ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off']
        if arch is X86 else [], during={'unplugged': [boots.unplug]})
    yield 'kexec', Test(['untouched'], kexec='plain', arch=arch, host='',
                        then=['untouched', 'remapped'], **efi)


LIFE = {arch.name: {f'host/{short}{name}': test
                    for name, test in host_life(arch)}
        for arch, short in ((X86, ''), (ARM64, 'arm64-'))}
TESTS.update(LIFE[X86.name] | LIFE[ARM64.name])
TESTS.update({f'host/arm64-{mode}': Test(HOST, arch=ARM64, host=opts)
              for mode, opts in MODES.items()})
TESTS.update({f'host/{name}-{mode}{a}': Test([name], arch=arch, host=opts)
              for name in DEMO for mode, opts in MODES.items()
              for a, arch in (('', X86), ('-arm64', ARM64))})

# The same scenarios on arm64, behind SMMUv3; faults there are by stall.
TESTS.update({f'arm64/{name}': Test([name], arch=ARM64) for name in DEMO})
TESTS.update({
    'arm64/random': Test(['random'], arch=ARM64),
    'arm64/stale': Test(['stale'], arch=ARM64),
    'arm64/two-devices': Test(['two-devices', 'killed'], arch=ARM64,
                              endpoints=2),
    'arm64/integrated': Test(['touched', 'untouched', 'remapped', 'swapped',
                              'killed'], arch=ARM64, integrated=True),
    'arm64/pass-through': Test(['touched', 'untouched', 'two-processes',
                                'own-domain', 'killed'], arch=ARM64,
                               append='iommu.passthrough=1'),
    'arm64/one-cpu': Test(['untouched', 'remapped', 'swapped', 'killed'],
                          arch=ARM64, append='maxcpus=1'),
    'arm64/cpu-max': Test(['touched', 'untouched', 'remapped', 'thp'],
                          arch=ARM64, cpu='max', iommu=',oas=52'),
    # Every request untranslated: the SMMU's own caches, without an ATC's.
    'arm64/no-ats': Test(['untouched', 'cow', 'remapped', 'swapped',
                          'two-processes', 'own-domain', 'random', 'killed'],
                         arch=ARM64, iommu=',ats=off'),
    'arm64/enabled': Test(['enabled'], arch=ARM64),
    'arm64/uefi-sva': Test(['touched', 'untouched', 'remapped', 'swapped',
                            'killed'], arch=ARM64, uefi=True, ids=STALLS),
    # Without EFI the next kernel cannot keep the interrupt controller's
    # tables, which stay in use.
    'arm64/kexec': Test(['untouched'], kexec='plain', arch=ARM64, uefi=True,
                        ids=STALLS, then=['untouched', 'remapped']),
    # A crash kernel leaves the event queue off: no stall is served. The dead
    # kernel's DMA is refused as soon as bus numbers or the SMMU are set anew.
    'arm64/crash': Test(['untouched'], kexec='crash', arch=ARM64,
                        then=['touched'],
                        faults=['F_TRANSL_FORBIDDEN', 'F_BAD_ATS_TREQ',
                                'C_BAD_SUBSTREAMID']),
    'arm64/devices': Test(ORDINARY, endpoint=False, arch=ARM64,
                          append=ARM64.strict,
                          iothread=True),
    'arm64/virtio-ats': Test(['virtio-blk', 'virtio-net'], endpoint=False,
                             append=ARM64.strict,
                             virtio=',ats=on', arch=ARM64),
    'arm64/lazy': Test(ORDINARY, endpoint=False, arch=ARM64,
                       append='iommu.strict=0'),
    'arm64/stock-strict': Test(ORDINARY, 'stock', endpoint=False,
                               append=ARM64.strict,
                               arch=ARM64),
    'arm64/stock-pt': Test(ORDINARY, 'stock', endpoint=False,
                           append='iommu.passthrough=1', arch=ARM64),
    'arm64/uefi-strict': Test(ORDINARY, 'stock', endpoint=False,
                              append=ARM64.strict,
                              arch=ARM64, uefi=True),
    'arm64/uefi-pt': Test(ORDINARY, 'stock', endpoint=False,
                          append='iommu.passthrough=1', arch=ARM64,
                          uefi=True),
    'arm64/uefi-devices': Test(ORDINARY, endpoint=False,
                               append=ARM64.strict,
                               arch=ARM64, uefi=True),
})

# Linux's own tests of VFIO, with a function of igb: type 1 by container,
# iommufd's emulation of it, iommufd.
VFIO_SLOW = ['vfio_pci_driver_test', 'vfio_pci_sriov_uapi_test']
VFIO_QUICK = [p for p in selftests.PROGRAMS if p not in VFIO_SLOW]


def vfio(arch, programs):
    return Test(['nvme', *programs], arch=arch, endpoint=False, selftests=True,
                memory='3G', plug=['-device', 'pcie-root-port,id=rpv,slot=9',
                                   '-device', 'igb,bus=rpv'],
                append=f'{arch.strict} vfio_pci.enable_sriov=1 hugepages=64',
                faults=['of addresses that are not mapped'])


TESTS.update({
    'own/vfio': vfio(X86, VFIO_QUICK),
    'arm64/vfio': vfio(ARM64, VFIO_QUICK),
    'long/vfio': vfio(X86, selftests.PROGRAMS),
    'long/arm64-vfio': vfio(ARM64, selftests.PROGRAMS),
})

TESTS.update(boots.TESTS)
TESTS.update(props.TESTS)
MATRIX = [f'{name}-{mode}' for name in DEMO for mode in MODES]
SERIES = {
    'long/host': [*(f'host/{n}' for n in MATRIX), *LIFE[X86.name]],
    'long/host-arm64': [*(f'host/{n}-arm64' for n in MATRIX),
                        *LIFE[ARM64.name]],
    'long/boots-x86': [n for n in boots.TESTS if n.startswith('boot/x86/')],
    'long/boots-arm64': [n for n in boots.TESTS
                         if n.startswith('boot/arm64/')],
    'long/props-x86': [n for n in props.TESTS if n.startswith('prop/x86-')],
    'long/props-arm64': [n for n in props.TESTS
                         if n.startswith('prop/arm64-')],
}
