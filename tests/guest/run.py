#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run guests: the demonstration, single tests, or a kernel of your own.

  run.py demo [--arch ARCH]      every scenario in one guest, then a table
  run.py list                    names of the tests
  run.py test NAME...            these tests, in TAP
  run.py boot [options] [-- QEMU arguments]
                                 a guest with an endpoint behind the model of
                                 its IOMMU, console on this terminal
"""

import argparse
import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path

sys.dont_write_bytecode = True
import initramfs                                    # noqa: E402
import kernel                                       # noqa: E402
import machine                                      # noqa: E402
from arch import ARCHES, ARM64, X86                 # noqa: E402
from kernel import Failed                           # noqa: E402
from machine import Guest                           # noqa: E402

DEMO = ['touched', 'untouched', 'read-only', 'cow', 'remapped', 'thp',
        'hugetlb', 'stack', 'file', 'swapped', 'two-processes', 'forked',
        'own-domain', 'privileged', 'killed',
        'uio']                  # the last: its driver cannot be unbound
ORDINARY = ['groups', 'virtio-blk', 'nvme', 'e1000e', 'virtio-net']

# The columns of the table: title, the device's counters, the IOMMU's (added
# up, those with a "-" subtracted), architectures whose table has it. Device
# and IOMMU count the same messages: they must agree, whether shown or not. A
# stop marker is a page request message to the IOMMU, and it answers groups by
# itself that never reach its queue. Faults are different things to the two;
# one that stalls is an event of SMMUv3 too.
BOTH = ['x86_64', 'arm64']
COLUMNS = [
    ('page requests', ['page_requests', 'stop_markers'], ['page_requests'],
     ['x86_64']),
    ('groups', ['page_groups'], ['page_groups', 'auto_responses'],
     ['x86_64']),
    ('responses', ['page_responses'], ['page_responses', 'auto_responses'],
     ['x86_64']),
    ('stalls', ['dma_parked'], ['stalls'], ['arm64']),
    ('resumed', ['dma_unparked'], ['stalls_resumed', 'stalls_terminated'],
     ['arm64']),
    ('ATC inval.', ['invalidations'], ['ats_invalidations'], BOTH),
    ('faults', ['dma_errors'],
     ['faults_recorded', 'faults_dropped',
      'events_recorded', 'events_dropped', '-stalls'], BOTH),
]
EP_TYPE = 'pasid-endpoint'

# No scenario may cause an unrecoverable fault, but for DMA with the PASID of
# a process that is gone: Linux 7.3 leaves its entry without P and FPD.
DEAD_PASID = {'forked': ['SPT.2'], 'killed': ['SPT.2']}


class Row:
    """One scenario's result."""

    def __init__(self, name, text, iommu_type=None):
        self.name, self.text, self.iommu_type = name, text, iommu_type
        self.passed, self.reasons, self.stat = False, [], {}
        self.before = self.after = {}
        self.seconds = 0.0
        self.faults = {}                # of the IOMMU, by name

    def count(self, kind, names):
        a = self.before.get(kind, {})
        b = (self.after or self.before).get(kind, {})
        total = 0
        for name in names:
            n = name.lstrip('-')
            change = b.get(n, 0) - a.get(n, 0)
            total += -change if name[0] == '-' else change
        return total

    def check_counters(self, endpoints, allowed):
        """Device and IOMMU have to tell the same story."""
        for title, device, iommu, _ in COLUMNS:
            d = self.count(EP_TYPE, device)
            i = self.count(self.iommu_type, iommu)
            if d != i and title != 'faults':
                self.reasons.append(f'{title}: the device counts {d}, '
                                    f'the IOMMU {i}')
            seen = [self.stat.get(n) for n in device]
            # The guest reads the first endpoint only.
            if self.stat and endpoints == 1 and sum(seen) != d:
                self.reasons.append(f'{title}: the guest reads {sum(seen)} '
                                    f'from the device, QMP says {d}')
        for name, words in self.faults.items():
            if name not in DEAD_PASID.get(self.name, []) + list(allowed):
                self.reasons.append(f'the IOMMU reported fault {name}: '
                                    f'{words}')
        if self.reasons:
            self.passed = False


def run_scenarios(guest, wanted, out, endpoints, faults=()):
    """Follow the guest through its scenarios; a Row for each of WANTED.
    FAULTS may happen."""
    rows, row, finished, began = [], None, False, 0.0
    while not guest.failures:
        line = guest.read_line()
        if line is None:
            break
        word, _, rest = line.partition(' ')
        if word == 'begin':
            name, _, text = rest.partition(' ')
            row = Row(name, text, guest.arch.iommu_type)
            rows.append(row)
            row.before = guest.counters()
            began = time.monotonic()
            guest.go()
        elif word == 'stat' and row:
            row.stat = {k: int(v) for k, _, v in
                        (f.partition('=') for f in rest.split()[1:])}
        elif word == 'end' and row:
            row.after = guest.counters()
            row.faults = guest.new_faults()
            row.seconds = time.monotonic() - began
            row.passed = rest.split()[1] == 'ok'
            if endpoints and guest.has_counters():
                row.check_counters(endpoints, faults)
            if not row.passed:
                guest.save_state()
            out(row)
            row = None
            guest.go()
        elif word == 'done':
            finished = True
            guest.go()
        elif word == 'note':
            if rest.startswith('FAILED: '):
                reason = rest[len('FAILED: '):]
                (row.reasons if row else guest.failures).append(reason)
            else:
                out(f'  {rest}')
        elif word == 'hello':
            out(f'  Linux {rest} is up')
    if not finished:
        guest.fail('the guest ended early')
        if row:
            row.reasons.append('the guest did not finish it')
            out(row)
    missing = Counter(wanted) - Counter(r.name for r in rows)
    for name, count in missing.items():
        for _ in range(count):
            lost = Row(name, '', guest.arch.iommu_type)
            lost.reasons.append('was never begun')
            rows.append(lost)
            out(lost)
    return rows


def finish(guest, rows):
    """End the guest and see what else is wrong."""
    guest.stop()
    for disk in guest.disks:
        wrong = disk.check()
        if wrong:
            guest.fail(f'on the host: {wrong}')
    for line in guest.kernel_complaints():
        guest.fail(f'the guest\'s kernel says: {line}')
    good = not guest.failures and all(r.passed for r in rows)
    if good:
        guest.tidy()
    return good


def explain_failure(guest, out):
    for text in guest.failures[:10]:
        out(f'{guest.name}: {text}')
    tail = guest.serial().splitlines()[-15:]
    for line in tail:
        out(f'  | {line.rstrip()}')
    out(f'{guest.name}: serial.log, trace.log, dump.txt, results.log and the '
        f'command are in {guest.dir}')


# --- the tests --------------------------------------------------------------

class Test:
    """A guest, what is plugged in, what it runs."""

    def __init__(self, scenarios, which='own', append='', endpoint=True,
                 group=None, scalable=None, translated=None, virtio='',
                 iothread=False, rounds=500, integrated=False, endpoints=1,
                 kexec=None, then=(), says=None, kvm=False, cpus=2, plug=(),
                 traced=None, arch=X86, cpu=None, uefi=False, iommu='',
                 ids='', faults=()):
        self.scenarios, self.which, self.append = scenarios, which, append
        self.endpoint, self.group, self.scalable = endpoint, group, scalable
        self.translated, self.virtio = translated, virtio
        self.iothread = iothread
        self.rounds, self.integrated = rounds, integrated
        self.endpoints, self.kexec, self.then = endpoints, kexec, list(then)
        self.says = says                # what the console must show
        self.kvm, self.cpus, self.plug = kvm, cpus, list(plug)
        self.traced = traced            # event, and what it must say once
        self.arch, self.cpu, self.uefi = arch, cpu, uefi
        self.iommu = iommu              # properties of the model
        self.ids = ids                  # of the endpoint
        self.faults = faults            # that are not the scenario's

    def guest(self, name, args):
        trace = [self.traced[0]] if self.traced else []
        g = Guest(name.replace('/', '-'), self.arch,
                  iommu=args.iommu or self.arch.iommu + self.iommu,
                  trace=trace + (args.trace or []), kvm=self.kvm,
                  cpus=self.cpus, cpu=self.cpu, uefi=self.uefi)
        g.args += self.plug
        g.append.append('im.run=' + ','.join(self.scenarios))
        g.append += self.append.split()
        if self.group:
            g.append.append(f'im.group-type={self.group}')
        if 'random' in self.scenarios:
            g.append += [f'im.rounds={args.rounds or self.rounds}',
                         f'im.seed={args.seed}']
        if self.endpoint:
            for n in range(self.endpoints):
                g.endpoint(n, self.integrated, self.ids)
            g.work_disks()
        else:
            g.args += ['-device', 'edu']
            g.ordinary_devices(self.scenarios, self.virtio, self.iothread)
        return g

    def check(self, guest, rows):
        """What the counters must say about ordinary devices."""
        if self.says and self.says not in guest.serial():
            guest.fail(f'the console does not show "{self.says}"')
        if self.traced and not guest.traced(*self.traced):
            guest.fail('no {} event says "{}"'.format(*self.traced))
        if not guest.has_counters() or self.endpoint or not rows:
            return
        last = rows[-1].after.get(self.arch.iommu_type, {})
        if self.scalable is not None:
            walked = last.get('pasid_misses', 0) + last.get('pasid_hits', 0)
            if (walked > 0) != self.scalable:
                guest.fail(f'{walked} look-ups of PASID entries, scalable '
                           f'mode was to be {self.scalable}')
        if self.translated:
            for row in rows:
                n = row.count(self.arch.iommu_type,
                              ['translations', 'ats_requests'])
                if row.name != 'groups' and row.passed and n == 0:
                    row.passed = False
                    row.reasons.append('no DMA went through the IOMMU')
        faults = sum(last.get(n, 0) for n in (
            'faults_recorded', 'faults_dropped', 'events_recorded',
            'events_dropped'))
        if faults:
            guest.fail(f'the IOMMU counts {faults} faults')


STRICT = X86.strict
TESTS = {f'sva/{name}': Test([name]) for name in DEMO}
TESTS.update({
    'sva/random': Test(['random']),
    'own/devices': Test(ORDINARY, endpoint=False, group='DMA',
                        append=STRICT, scalable=True, translated=True,
                        iothread=True),
    'own/lazy': Test(ORDINARY, endpoint=False, group='DMA-FQ',
                     append='intel_iommu=on iommu.strict=0', scalable=True,
                     translated=True),
    'own/virtio-ats': Test(['virtio-blk', 'virtio-net'], endpoint=False,
                           append=STRICT, scalable=True, translated=True,
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
                                  endpoint=False, append=STRICT,
                                  translated=True),
    'stock/strict': Test(ORDINARY, 'stock', endpoint=False, group='DMA',
                         append=STRICT, scalable=True, translated=True),
    'stock/sm-off': Test(ORDINARY, 'stock', endpoint=False, group='DMA',
                         append='intel_iommu=on,sm_off iommu.strict=1',
                         scalable=False, translated=True),
    # 6.12 has no SVA on x86, but turns PASID and ATS on.
    'stock/endpoint': Test(['enabled'], 'stock', endpoint=False,
                           append=STRICT,
                           plug=['-device', 'pcie-root-port,id=rp0,chassis=1,'
                                 'slot=1', '-device',
                                 'pasid-endpoint,bus=rp0']),
    # SeaBIOS waits half a minute for a disk of this kind; and our own kernel
    # is without SCSI disks.
    'stock/ahci': Test(['groups', 'ahci'], 'stock', endpoint=False,
                       group='DMA', append=STRICT, translated=True),
    'stock/pt': Test(ORDINARY, 'stock', endpoint=False, group='identity',
                     append='intel_iommu=on iommu=pt'),
})

# With ACPI nothing says that a function can stall, but for some of which Linux
# knows it by their IDs.
STALLS = ',vendor-id=0x19e5,device-id=0xa250,revision=0x21'
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
    'arm64/devices': Test(ORDINARY, endpoint=False, group='DMA', arch=ARM64,
                          append=ARM64.strict, translated=True,
                          iothread=True),
    'arm64/virtio-ats': Test(['virtio-blk', 'virtio-net'], endpoint=False,
                             append=ARM64.strict, translated=True,
                             virtio=',ats=on', arch=ARM64),
    'arm64/lazy': Test(ORDINARY, endpoint=False, group='DMA-FQ', arch=ARM64,
                       append='iommu.strict=0', translated=True),
    'arm64/stock-strict': Test(ORDINARY, 'stock', endpoint=False, group='DMA',
                               append=ARM64.strict, translated=True,
                               arch=ARM64),
    'arm64/stock-pt': Test(ORDINARY, 'stock', endpoint=False, group='identity',
                           append='iommu.passthrough=1', arch=ARM64),
    'arm64/uefi-strict': Test(ORDINARY, 'stock', endpoint=False, group='DMA',
                              append=ARM64.strict, translated=True,
                              arch=ARM64, uefi=True),
    'arm64/uefi-pt': Test(ORDINARY, 'stock', endpoint=False, group='identity',
                          append='iommu.passthrough=1', arch=ARM64,
                          uefi=True),
    'arm64/uefi-devices': Test(ORDINARY, endpoint=False, group='DMA',
                               append=ARM64.strict, translated=True,
                               arch=ARM64, uefi=True),
})


def run_test(name, test, args, out):
    """Rows and guest of one test, finished."""
    image, initrd = initramfs.ensure(test.arch, test.which)
    guest = test.guest(name, args)
    rows = []
    if test.kexec:
        guest.kexec_disks(image, initrd)
        guest.append += [f'im.kexec={test.kexec}',
                         f'im.then={",".join(test.then)}']
        guest.crashes = test.kexec == 'crash'
        if guest.crashes:
            guest.append.append('crashkernel=256M')
    try:
        guest.start(image, initrd)
        rows = run_scenarios(guest, test.scenarios + test.then, out,
                             test.endpoints if test.endpoint else 0,
                             test.faults)
        test.check(guest, rows)
    except BaseException as e:              # ^C too: nothing is left running
        guest.fail(f'{type(e).__name__}: {e}')
        raise
    finally:
        good = finish(guest, rows)
    return rows, guest, good


def command_test(args):
    """TAP: one line per scenario, and one for the guest as a whole."""
    total = sum(len(TESTS[n].scenarios) + len(TESTS[n].then) + 1
                for n in args.name)
    print('TAP version 13', flush=True)
    print(f'1..{total}', flush=True)
    number, bad = 0, 0

    def comment(what):
        if isinstance(what, Row):
            for reason in what.reasons:
                print(f'# {what.name}: {reason}', flush=True)
        else:
            print(f'#{what}', flush=True)

    for name in args.name:
        test = TESTS[name]
        try:
            why = test.kvm and machine.kvm_refuses(
                initramfs.ensure(test.arch, test.which)[0])
            if why:
                for what in [*test.scenarios, 'guest ended well']:
                    number += 1
                    print(f'ok {number} - {name} {what} # SKIP {why}',
                          flush=True)
                continue
            rows, guest, good = run_test(name, test, args, comment)
        except Failed as e:
            print(f'Bail out! {e}', flush=True)
            return 1
        for row in rows:
            number += 1
            bad += not row.passed
            print(f'{"ok" if row.passed else "not ok"} {number} - {name} '
                  f'{row.name} ({row.seconds:.1f} s)', flush=True)
        number += 1
        bad += not good
        print(f'{"ok" if good else "not ok"} {number} - {name} guest ended '
              'well', flush=True)
        if not good:
            explain_failure(guest, lambda t: print(f'# {t}', flush=True))
    return 1 if bad else 0


# --- the demonstration ------------------------------------------------------

def print_table(rows, guest):
    columns = [c for c in COLUMNS if guest.arch.name in c[3]] \
        if guest.has_counters() else []
    print()
    head = f'{"scenario":<44}{"result":<8}' + \
        ''.join(f'{column[0]:>15}' for column in columns)
    print(head)
    if columns:
        print(' ' * 52 + f'{"device/IOMMU":>15}' * len(columns))
    print('-' * len(head))
    for row in rows:
        line = f'{row.text or row.name:<44}'
        line += f'{"passed" if row.passed else "FAILED":<8}'
        for _, device, iommu, _ in columns:
            pair = (f'{row.count(EP_TYPE, device)}/'
                    f'{row.count(row.iommu_type, iommu)}')
            line += f'{pair:>15}'
        print(line)
    print('-' * len(head))
    print(guest.arch.legend, flush=True)


def command_demo(args):
    began = time.monotonic()
    wanted = args.only.split(',') if args.only else DEMO
    arch = ARCHES[args.arch]
    print('A Linux guest shares its processes\' address spaces with a '
          f'pasid-endpoint\nbehind the modelled {arch.iommu_name}. The guest '
          'checks every byte.\n', flush=True)

    def show(what):
        if isinstance(what, Row):
            print(f'{"passed" if what.passed else "FAILED":<8}'
                  f'{what.text or what.name} ({what.seconds:.1f} s)',
                  flush=True)
            for reason in what.reasons:
                print(f'        {reason}', flush=True)
        else:
            print(f'      {what}', flush=True)

    name = 'demo' if arch is X86 else f'demo-{arch.name}'
    rows, guest, good = run_test(name, Test(wanted, arch=arch), args, show)
    print_table(rows, guest)
    passed = sum(r.passed for r in rows)
    print(f'{passed} of {len(rows)} scenarios passed in '
          f'{time.monotonic() - began:.0f} s; log in {guest.dir}')
    if not good:
        explain_failure(guest, print)
    return 0 if good else 1


# --- by hand ----------------------------------------------------------------

def command_boot(args):
    """Replace this process by QEMU, console on the terminal."""
    arch = ARCHES[args.arch]
    if args.kernel and args.initrd:
        image, initrd = args.kernel, args.initrd
    else:
        image, initrd = initramfs.ensure(arch, args.guest)
        image, initrd = args.kernel or image, args.initrd or initrd
    append = f'console={arch.consoles[0]} {args.append}'.strip()
    cmd = [str(machine.emulator(arch)), *arch.firmware_args()]
    if args.uefi:
        cmd += machine.uefi_args(arch)
    cmd += ['-nodefaults', '-no-reboot', *arch.machine, *arch.by_hand,
            '-accel', args.accel, '-cpu', args.cpu or arch.cpu,
            '-smp', '2', '-m', args.memory, '-display', 'none',
            *arch.iommu_args(args.iommu or arch.iommu),
            '-chardev', 'stdio,id=con,mux=on,signal=off',
            '-serial', 'chardev:con', '-mon', 'chardev=con']
    if not args.no_endpoint:
        cmd += ['-device', 'pcie-root-port,id=rp0,chassis=1,slot=1',
                '-device', f'pasid-endpoint,bus=rp0{arch.endpoint}']
    cmd += ['-kernel', str(image), '-initrd', str(initrd), '-append', append]
    cmd += args.qemu
    print('+ ' + ' '.join(cmd) + '\n(Ctrl-A C: monitor, Ctrl-A X: end)',
          flush=True)
    os.execv(cmd[0], cmd)


def command_list(_args):
    for name, test in TESTS.items():
        print(f'{name:20} {" ".join(test.scenarios)}')
    return 0


def arch_option(parser):
    parser.add_argument('--arch', choices=list(ARCHES), default=X86.name)


def options(parser):
    parser.add_argument('--iommu', help='IOMMU device with properties, or '
                        'upstream\'s, to compare: intel-iommu, smmuv3')
    parser.add_argument('--trace', action='append',
                        help='further trace events for trace.log')
    parser.add_argument('--rounds', type=int, help='of sva/random')
    parser.add_argument('--seed', type=int, default=20261121)


def main():
    argv, qemu = sys.argv[1:], []
    if '--' in argv:
        qemu = argv[argv.index('--') + 1:]
        argv = argv[:argv.index('--')]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--build-dir', help='default: build/ of the checkout')
    sub = parser.add_subparsers(required=True)
    p = sub.add_parser('demo')
    options(p)
    arch_option(p)
    p.add_argument('--only', help='these scenarios, comma-separated')
    p.set_defaults(run=command_demo)
    p = sub.add_parser('test')
    options(p)
    p.add_argument('name', nargs='+', choices=list(TESTS))
    p.set_defaults(run=command_test)
    p = sub.add_parser('boot')
    arch_option(p)
    p.add_argument('--kernel', type=Path)
    p.add_argument('--initrd', type=Path)
    p.add_argument('--guest', choices=['own', 'stock'], default='own')
    p.add_argument('--append', default='', help='to the command line')
    p.add_argument('--iommu')
    p.add_argument('--cpu')
    p.add_argument('--uefi', action='store_true', help='with ACPI (arm64)')
    p.add_argument('--accel', default='tcg')
    p.add_argument('--memory', default='1G')
    p.add_argument('--no-endpoint', action='store_true')
    p.set_defaults(run=command_boot)
    sub.add_parser('list').set_defaults(run=command_list)
    args = parser.parse_args(argv)
    args.qemu = qemu
    if args.build_dir:
        os.environ['IM_BUILD_DIR'] = os.path.abspath(args.build_dir)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return args.run(args)
    except Failed as e:
        print(f'guest: {e}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('guest: interrupted', file=sys.stderr)
        return 130


if __name__ == '__main__':
    sys.exit(main())
