# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that is a test: what is plugged in, what it runs, what it is to do.

It is held to remapping in use (remap.py), unless it expects otherwise.
"""

from dataclasses import dataclass, field

import remap
from arch import X86, Arch
from machine import Guest

# With ACPI nothing says that a function can stall, but for some of which Linux
# knows it by their IDs.
STALLS = ',vendor-id=0x19e5,device-id=0xa250,revision=0x21'


@dataclass
class Test:
    """One guest. Its scenarios are the guest program's (src/)."""
    scenarios: list
    which: str = 'own'              # kernel
    append: str = ''                # to its command line
    arch: Arch = X86
    # The machine.
    cpu: str = None
    cpus: object = 2                # of -smp
    memory: str = '768M'
    machine: str = None             # of -machine
    kvm: bool = False
    uefi: bool = False
    iommu: str = ''                 # properties of the model
    # Properties of an ioasid-host: the endpoints are its functions, and the
    # IOMMU stands on it; None: there is no host.
    host: str = None
    # What is plugged in: endpoints, each below a root port of its own,
    # integrated, or as the options LAYOUT say ("EP" is the device).
    endpoint: bool = True           # false: ordinary devices
    endpoints: int = 1
    integrated: bool = False
    layout: list = None
    ids: str = ''                   # of the endpoint
    virtio: str = ''                # properties of virtio devices
    bus: str = ''                   # of the ordinary devices
    vhost: bool = False             # the network of virtio
    iothread: bool = False
    plug: list = field(default_factory=list)
    # beside ordinary devices: a function without a driver
    extra: list = field(default_factory=lambda: ['-device', 'edu'])
    # What it runs.
    rounds: int = 500
    kexec: str = None               # mode; then the next kernel runs THEN
    then: list = field(default_factory=list)
    during: dict = field(default_factory=dict)  # scenario: what meanwhile
    selftests: bool = False         # with Linux's programs
    # What it is to do.
    expect: remap.Outcome = remap.USED
    group: str = None               # type of every group
    scalable: bool = None           # whether PASID entries are looked up
    interrupts: bool = True         # whether they are remapped
    says: str = None                # what the console must show
    traced: tuple = None            # event, and what it must say once
    faults: tuple = ()              # that are not the scenario's
    needs: object = None            # returns why it cannot run, or None

    def rows(self):
        """How many results its scenarios are."""
        return 0 if self.expect.kind == 'stops' \
            else len(self.scenarios) + len(self.then)

    def group_type(self):
        return self.group or remap.group_type(self.append, self.arch)

    def guest(self, name, args):
        trace = [self.traced[0]] if self.traced else []
        ids = (self.ids or self.arch.endpoint) + (
            '' if self.host is None else ',host=h0')
        iommu = self.arch.iommu + self.iommu + (
            '' if self.host is None else self.arch.on_host)
        # a directory, and a path among QEMU's options
        g = Guest(name.replace('/', '-').replace(',', '+'), self.arch,
                  iommu=args.iommu or iommu,
                  trace=trace + (args.trace or []), kvm=self.kvm,
                  cpus=self.cpus, cpu=self.cpu, uefi=self.uefi,
                  memory=self.memory, machine=self.machine)
        if self.host is not None:
            g.args += ['-object', f'ioasid-host,id=h0{self.host}']
        g.args += self.plug
        g.append.append('im.run=' + ','.join(self.scenarios))
        g.append += self.append.split()
        if 'random' in self.scenarios:
            g.append += [f'im.rounds={args.rounds or self.rounds}',
                         f'im.seed={args.seed}']
        if self.layout:
            what = f'pasid-endpoint{ids}'
            g.args += [o.replace('EP', what) for o in self.layout]
        elif self.endpoint:
            for n in range(self.endpoints):
                g.endpoint(n, self.integrated, ids)
        if self.endpoint:
            g.work_disks()
        else:
            g.args += self.extra
        g.ordinary_devices(self.scenarios, self.virtio, self.iothread,
                           self.bus, self.vhost)
        return g

    def judge(self, guest, rows):
        """What the guest as a whole must have shown; one line in words."""
        if self.says and self.says not in guest.serial():
            guest.fail(f'the console does not show "{self.says}"')
        if self.traced and not guest.traced(*self.traced):
            guest.fail('no {} event says "{}"'.format(*self.traced))
        if guest.failures:
            return ''
        if self.expect.kind == 'unused':
            found = remap.unused_problems(guest)
        else:
            found = remap.used_problems(guest, rows, self.group_type(),
                                        self.interrupts)
        for text in found:
            guest.fail(text)
        if guest.has_counters() and not self.endpoint:
            self.judge_ordinary(guest)
        return remap.words(guest)

    def judge_ordinary(self, guest):
        """The counters of a guest without endpoints."""
        last = guest.last_counters.get(self.arch.iommu_type, {})
        if self.scalable is not None:
            walked = last.get('pasid_misses', 0) + last.get('pasid_hits', 0)
            if (walked > 0) != self.scalable:
                guest.fail(f'{walked} look-ups of PASID entries, scalable '
                           f'mode was to be {self.scalable}')
        faults = sum(last.get(n, 0) for n in (
            'faults_recorded', 'faults_dropped', 'events_recorded',
            'events_dropped')) - guest.boot_faults
        if faults and not self.faults:
            guest.fail(f'the IOMMU counts {faults} faults')
