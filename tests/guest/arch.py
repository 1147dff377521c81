# SPDX-License-Identifier: GPL-2.0-or-later
"""What differs between the guests' architectures: a row of one table each."""

import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Arch:
    """An architecture: its name here, its kernels, its machine."""
    name: str                   # directories, --arch, names of tests
    debian: str                 # as Debian names it
    # The kernel's build, and the test programs'.
    kbuild: str
    cross: str                  # of binutils and compiler
    cc: str                     # another by the environment's variable CC_ENV
    cc_env: str
    target: str                 # make's, and the image's name in the cache
    image: str                  # what it makes
    steps: int                  # lines the build prints, for its progress
    config: str
    # The stock kernel: package, suite and pattern as in kernel.py.
    stock: dict
    # The machine.
    emulator: str
    emulator_env: str
    machine: list
    cpu: str                    # one whose SVA Linux allows
    firmware: list              # directories to look for firmware in
    uefi: str                   # the file with UEFI
    consoles: list              # the kernel's, and the results'
    append: str
    iommu: str                  # the model, as an option
    iommu_type: str
    iommu_name: str             # for people
    iommus: dict                # others, to compare: their options
    endpoint: str               # what ours needs to fault
    on_host: str                # of the IOMMU that stands on ioasid-host h0
    strict: str                 # kernel command line
    group_type: str             # of IOMMU groups, without one
    # Counters of the model: structures looked up for any request, for one
    # with PASID; interrupts of devices that it remapped ('': none).
    look_ups: list
    pasid_look_ups: list
    remapped_interrupts: str
    boot_faults: list           # (name, requester): what Linux may run into
    legend: str                 # below the demonstration's table
    by_hand: list = field(default_factory=list) # machine, for run.py boot
    state: list = field(default_factory=list)   # monitor: interrupts

    def iommu_args(self, iommu):
        """Options for --iommu: a name of the table, a device, or none."""
        kind, _, rest = iommu.partition(',')
        if kind == 'none':
            return []
        args = list(self.iommus.get(kind, ['-device', kind]))
        args[-1] += f',{rest}' if rest else ''
        return args

    def firmware_args(self):
        return [a for p in self.firmware if os.path.isdir(p)
                for a in ('-L', p)]

    def emulator_path(self, build):
        """The emulator below the directory BUILD, or None."""
        path = os.environ.get(self.emulator_env)
        for p in [path] if path else [build / self.emulator,
                                      build / 'qemu' / self.emulator]:
            if os.access(p, os.X_OK):
                return Path(p)
        return None


X86 = Arch(
    name='x86_64', debian='amd64',
    kbuild='x86', cross='', cc='gcc', cc_env='IM_GUEST_CC',
    target='bzImage', image='arch/x86/boot/bzImage', steps=2000,
    config='x86_64.config',
    stock={
        'package': 'linux-image-6.12.117+deb12-amd64',
        'tested': '6.12.117-1~deb12u1',
        'suite': 'bookworm-security',
        'pattern': r'^linux-image-6\.12\.\d+\+deb12-amd64$',
    },
    emulator='qemu-system-x86_64', emulator_env='IM_QEMU',
    machine=['-machine', 'q35'], cpu='max',
    firmware=['/usr/share/seabios', '/usr/share/qemu', '/usr/lib/ipxe/qemu'],
    uefi='/usr/share/ovmf/OVMF.fd',
    consoles=['ttyS0', 'ttyS1'],
    # The kernel's check of its timer fails when the host is loaded; and one
    # of the clock can wait for a CPU that waits for it in stop_machine().
    append='no_timer_check tsc=reliable',
    iommu='vtd-model', iommu_type='vtd-model', iommu_name='VT-d',
    iommus={'intel-iommu': ['-device', 'intel-iommu,intremap=on,'
                            'x-scalable-mode=on']},
    endpoint='',
    on_host=',host=h0,vcmd=off',        # Linux has no virtual commands
    strict='intel_iommu=on iommu.strict=1',
    group_type='DMA-FQ',
    look_ups=['context_hits', 'context_misses'],
    pasid_look_ups=['pasid_hits', 'pasid_misses'],
    remapped_interrupts='interrupts',
    # With IRE on, Linux masks and unmasks an entry of the IOAPIC in
    # compatibility format before it writes the remappable one: an edge of the
    # timer between the two is blocked.
    boot_faults=[('IR.25', 'ff:00.0')],
    legend='page requests: messages, stop markers included; ATC inval.: '
           'invalidation requests\nto the endpoint; faults: unrecoverable '
           'ones',
    by_hand=['-machine', 'kernel-irqchip=split'],
    state=['info lapic', 'info pic'])

ARM64 = Arch(
    name='arm64', debian='arm64',
    kbuild='arm64', cross='aarch64-linux-gnu-', cc='aarch64-linux-gnu-gcc',
    cc_env='IM_GUEST_CC_ARM64',
    target='Image', image='arch/arm64/boot/Image', steps=1840,
    config='arm64.config',
    stock={
        'package': 'linux-image-6.12.117+deb12-arm64',
        'tested': '6.12.117-1~deb12u1',
        'suite': 'bookworm-security',
        'pattern': r'^linux-image-6\.12\.\d+\+deb12-arm64$',
    },
    emulator='qemu-system-aarch64', emulator_env='IM_QEMU_AARCH64',
    machine=['-machine', 'virt,gic-version=3,its=on'],
    # A physical address range that the SMMU's default OAS covers.
    cpu='neoverse-n1',
    firmware=['/usr/share/qemu', '/usr/lib/ipxe/qemu'],
    uefi='/usr/share/qemu-efi-aarch64/QEMU_EFI.fd',
    consoles=['ttyAMA0', 'ttyAMA1'],
    append='',
    iommu='smmuv3-model', iommu_type='smmuv3-model', iommu_name='SMMUv3',
    iommus={'smmuv3': ['-machine', 'iommu=smmuv3']},
    endpoint=',dma-can-stall=on',
    on_host=',host=h0',
    strict='iommu.strict=1',
    group_type='DMA',
    look_ups=['ste_hits', 'ste_misses'],
    pasid_look_ups=['cd_hits', 'cd_misses'],
    remapped_interrupts='',
    boot_faults=[],
    legend='stalls: memory requests that waited for the kernel, resumed: '
           'those it answered;\nATC inval.: invalidation requests to the '
           'endpoint; faults: requests that ended in an\nerror, and events '
           'of faults that did not stall')

ARCHES = {a.name: a for a in (X86, ARM64)}
