# SPDX-License-Identifier: GPL-2.0-or-later
"""Ways to boot: machines, firmware, topologies and events that other tests
lack. Each is held to remapping in use."""

import os

import remap
from arch import ARM64, X86
from testcase import STALLS, Test

DISKS = ['virtio-blk', 'nvme']
NETS = ['e1000e', 'virtio-net']
SVA = ['touched', 'untouched', 'remapped', 'killed']
BRIDGE = ['-device', 'pcie-root-port,id=rpb,chassis=20,slot=20',
          '-device', 'pcie-pci-bridge,id=br,bus=rpb']
# Two endpoints, each below a port of a switch.
SWITCH = ['-device', 'pcie-root-port,id=rp0,chassis=1,slot=1',
          '-device', 'x3130-upstream,id=up,bus=rp0',
          '-device', 'xio3130-downstream,id=dn0,bus=up,chassis=2,slot=0',
          '-device', 'xio3130-downstream,id=dn1,bus=up,chassis=3,slot=1',
          '-device', 'EP,bus=dn0', '-device', 'EP,bus=dn1']
# Two functions of one device.
FUNCTIONS = ['-device', 'pcie-root-port,id=rp0,chassis=1,slot=1',
             '-device', 'EP,bus=rp0,addr=0.0,multifunction=on',
             '-device', 'EP,bus=rp0,addr=0.1']


def units(arch, host=''):
    """Two endpoints; the second is below a root bus with a unit of its own,
    on another host if HOST names it."""
    on_host = arch.on_host.replace(',host=h0', host) if host else ''
    return ['-device', 'pcie-root-port,id=rp0,bus=pcie.0,chassis=1,slot=1',
            '-device', 'EP,bus=rp0',
            '-device', 'pxb-pcie,id=pxb,bus=pcie.0,bus_nr=64',
            '-device', f'{arch.iommu_type},primary-bus=pxb{on_host}',
            '-device', 'pcie-root-port,id=rp1,bus=pxb,chassis=2,slot=2',
            '-device', f'EP,bus=rp1{host}']


# --- what happens meanwhile ---------------------------------------------------

def end_busy(guest):
    guest.moved(500)
    guest.go()


def plug_cpu(guest):
    """The first CPU that is not there yet."""
    guest.moved(500)
    slots = guest.vm.cmd('query-hotpluggable-cpus')
    free = [s for s in slots if 'qom-path' not in s]
    slot = min(free, key=lambda s: sorted(s['props'].items()))
    guest.vm.cmd('device_add', {'driver': slot['type'], 'id': 'new-cpu',
                                **slot['props']})
    guest.go()


def reset(guest):
    """Under DMA. The guest begins again, from its firmware, which may reset
    the machine once more."""
    guest.moved(500)
    guest.vm.cmd('set-action', reboot='reset')
    guest.vm.cmd('system_reset')


def end_after_reset(guest):
    guest.vm.cmd('set-action', reboot='shutdown')
    end_busy(guest)


def unplug(guest):
    guest.vm.cmd('device_del', id='ep')


def no_vhost():
    """vhost-net asks for a translation of each address that it does not know,
    and is told what to forget."""
    for path in ('/dev/vhost-net', '/dev/net/tun'):
        if not os.access(path, os.R_OK | os.W_OK):
            return f'no access to {path}'
    return None if os.geteuid() == 0 else 'a tap needs root'


# --- the matrix -----------------------------------------------------------------

def both(arch, scenarios, **kw):
    """One with our kernel, one with Debian's."""
    append = f'{arch.strict} {kw.pop("append", "")}'.strip()
    kw.update(arch=arch, append=append, endpoint=False)
    return [('own', Test(scenarios, **kw)),
            ('stock', Test(scenarios, 'stock', **kw))]


def common(arch):
    """What both architectures have; {name: Test}."""
    # what is unmapped was beyond 4 GiB: at the top of the address space
    yield from ((f'forcedac-{w}', t) for w, t in both(
        arch, DISKS + NETS, append='iommu.forcedac=1',
        traced=('im_unit_invalidate', ' 0xfffffff')))
    yield from ((f'6g-{w}', t) for w, t in both(
        arch, DISKS + NETS, memory='6G'))
    yield from ((f'cpu-off-{w}', t) for w, t in both(arch, ['cpu-off', *DISKS]))
    yield from ((f'reset-{w}', t) for w, t in both(
        arch, ['busy', *DISKS], during={'busy': [reset, end_after_reset]}))
    yield from ((f'vhost-{w}', t) for w, t in both(
        arch, ['virtio-net'], vhost=True, needs=no_vhost))
    yield '6g-sva', Test(SVA, arch=arch, memory='6G')
    yield 'reset-sva', Test(
        ['endpoint-busy', 'untouched'], arch=arch,
        during={'endpoint-busy': [reset, end_after_reset]})
    yield 'switch', Test(['two-devices', 'killed'], arch=arch, endpoints=2,
                         layout=SWITCH)
    yield 'multi-function', Test(['two-devices', 'killed'], arch=arch,
                                 endpoints=2, layout=FUNCTIONS)


def x86():
    yield from common(X86)
    # QEMU's MADT is of a revision whose absent CPUs Linux takes for possible
    # in a guest only; of TCG it does not know that it is one. VMware it knows
    # by the DMI tables, where CPUID does not tell.
    yield 'cpu-plug', Test(
        ['busy', 'new-cpu', *DISKS], 'stock', arch=X86, append=X86.strict,
        endpoint=False, cpus='2,maxcpus=4', cpu='max,-hypervisor',
        plug=['-smbios', 'type=1,serial=VMware-im'],
        during={'busy': [plug_cpu]})
    yield from ((f'ovmf-{w}', t) for w, t in both(
        X86, DISKS + NETS, uefi=True))
    yield 'ovmf-sva', Test(SVA, uefi=True)
    yield 'units-sva', Test(
        ['two-devices', 'killed'], endpoints=2, layout=units(X86),
        says='dmar1: reg_base_addr fed90000')
    yield from ((f'bridge-legacy-{w}', t) for w, t in both(
        X86, DISKS, plug=BRIDGE, bus='br', iommu=',scalable-mode=off'))
    yield from ((f'bridge-{w}', t) for w, t in both(
        X86, DISKS, plug=BRIDGE, bus='br', expect=remap.stops(
            'no scalable-mode context entry for the requester ID of a '
            'PCIe-to-PCI bridge', 'fault reason 0x41', 'bridge')))


def arm64():
    yield from common(ARM64)
    # A device tree does not tell of the second root bus.
    yield 'units-sva', Test(
        ['two-devices', 'killed'], arch=ARM64, endpoints=2,
        layout=units(ARM64), uefi=True, ids=STALLS,
        says='arm-smmu-v3.1.auto: allocated')
    yield from ((f'gicv2-{w}', t) for w, t in both(
        ARM64, DISKS + NETS, machine='virt,gic-version=2'))
    yield from ((f'no-its-{w}', t) for w, t in both(
        ARM64, DISKS + NETS, machine='virt,gic-version=3,its=off',
        extra=[]))
    yield from ((f'stage2-{w}', t) for w, t in both(
        ARM64, DISKS + NETS, iommu=',stage=2'))
    yield from ((f'bridge-{w}', t) for w, t in both(
        ARM64, DISKS, plug=BRIDGE, bus='br'))
    yield from ((f'bridge-two-{w}', t) for w, t in both(
        ARM64, ['virtio-blk', 'virtio-net'], plug=BRIDGE, bus='br',
        expect=remap.stops(
            'two functions with one requester ID, and a domain of the first',
            'event 0x10 received', 'bridge')))


TESTS = {f'boot/{short}/{name}': test
         for short, rows in (('x86', x86()), ('arm64', arm64()))
         for name, test in rows}
