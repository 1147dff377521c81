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
import props                                        # noqa: E402
from arch import ARCHES, X86                        # noqa: E402
from cases import DEMO, LIFE, SERIES, TESTS, Test   # noqa: E402
from kernel import Failed                           # noqa: E402

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
HOST_TYPE = 'ioasid-host'
# The same with a host below the IOMMU, of the vIOMMU ("v:") and of the host
# ("h:"): what the device counts reaches both, and nothing else does. Of page
# requests and answers some are the model's alone, where nothing is bound.
HOST_COLUMNS = [
    ('page requests', ['page_requests', 'stop_markers'],
     ['v:viommu_page_requests'],
     ['h:page_requests', 'v:viommu_page_requests_direct'], ['x86_64']),
    ('groups', ['page_groups'],
     ['v:viommu_page_groups', 'v:viommu_page_responses_direct'],
     ['h:page_groups', 'v:viommu_page_responses_direct'], ['x86_64']),
    ('responses', ['page_responses'],
     ['v:viommu_page_responses', 'v:viommu_page_responses_direct',
      'h:auto_responses'],
     ['h:page_responses', 'v:viommu_page_responses_direct'], ['x86_64']),
    ('stalls', ['dma_parked'], ['v:stalls'], ['v:viommu_stalls'], ['arm64']),
    ('ATC inval.', ['invalidations'], None, ['h:ats_invalidations'], BOTH),
    ('binds', None, ['v:viommu_binds'], None, BOTH),
    ('faults', ['dma_errors'],
     ['v:faults_recorded', 'v:faults_dropped', 'v:events_recorded',
      'v:events_dropped', 'v:-stalls'], ['v:viommu_host_faults'], BOTH),
]

# No scenario may cause an unrecoverable fault, but for DMA with the PASID of
# a process that is gone: Linux 7.3 leaves its entry without P and FPD.
DEAD_PASID = {'forked': ['SPT.2'], 'killed': ['SPT.2']}
# And none may find the host at fault, but for these.
HOST_AT_FAULT = ['quota']
# Here the host answers by itself what the vIOMMU is not told: these are what
# device and host count alike.
HOST_ANSWERS = {'late': ['page requests', 'responses', 'ATC inval.'],
                'unplugged': []}        # its counters went with it


class Row:
    """One scenario's result."""

    def __init__(self, name, text, iommu_type=None):
        self.name, self.text, self.iommu_type = name, text, iommu_type
        self.passed, self.reasons, self.stat = False, [], {}
        self.before = self.after = {}
        self.seconds = 0.0
        self.faults = []                # of the IOMMU
        self.guest = ''                 # if not the first one's

    def count(self, kind, names):
        kinds = {'v': self.iommu_type, 'h': HOST_TYPE}
        total = 0
        for name in names:
            where, _, n = name.rpartition(':')
            k = kinds.get(where, kind)
            a = self.before.get(k, {})
            b = (self.after or self.before).get(k, {})
            change = b.get(n.lstrip('-'), 0) - a.get(n.lstrip('-'), 0)
            total += -change if n[0] == '-' else change
        return total

    def sides(self, column):
        """What each counted, by name; None: it does not count that."""
        title, device, *others, _ = column
        names = ['IOMMU'] if len(others) == 1 else ['vIOMMU', 'host']
        kinds = [EP_TYPE] + [self.iommu_type] * len(others)
        return {who: None if what is None else self.count(kind, what)
                for who, kind, what in zip(['device', *names], kinds,
                                           [device, *others])}

    def check_counters(self, endpoints, allowed):
        """Device and IOMMU, and the host, have to tell the same story."""
        for column in columns_of(HOST_TYPE in self.before):
            title, device = column[:2]
            sides = {who: n for who, n in self.sides(column).items()
                     if n is not None}
            if self.name in HOST_ANSWERS:
                sides = {who: n for who, n in sides.items()
                         if title in HOST_ANSWERS[self.name] and
                         who != 'vIOMMU'}
            if len(set(sides.values())) > 1 and title != 'faults':
                self.reasons.append(f'{title}: ' + ', '.join(
                    f'the {who} counts {n}' for who, n in sides.items()))
            seen = [self.stat.get(n) for n in device or []]
            # The guest reads the first endpoint only.
            if device and self.stat and endpoints == 1 and \
                    sum(seen) != sides.get('device', sum(seen)):
                self.reasons.append(f'{title}: the guest reads {sum(seen)} '
                                    f'from the device, QMP says '
                                    f'{sides["device"]}')
        hosts = self.count(None, ['v:viommu_host_faults'])
        if (hosts > 0) != (self.name in HOST_AT_FAULT):
            self.reasons.append(f'{hosts} faults are the host\'s')
        bad = {f.name: f for f in self.faults if f.name not in
               DEAD_PASID.get(self.name, []) + list(allowed)}
        for name, fault in bad.items():         # one of each name
            self.reasons.append(f'the IOMMU reported fault {name}: {fault}')
        if self.reasons:
            self.passed = False


def columns_of(host):
    return HOST_COLUMNS if host else COLUMNS


def never_begun(guest, test, rows):
    """A Row for each scenario of the test that @rows lack."""
    missing = Counter(test.scenarios + test.then) - \
        Counter(r.name for r in rows)
    for name in missing.elements():
        lost = Row(name, '', guest.arch.iommu_type)
        lost.reasons.append('was never begun')
        yield lost


def run_scenarios(guest, test, out):
    """Follow the guest through its scenarios; a Row for each."""
    rows, row, finished, began = [], None, False, 0.0
    endpoints = test.endpoints if test.endpoint else 0
    meanwhile = {name: list(acts) for name, acts in test.during.items()}
    while not guest.failures:
        line = guest.read_line()
        if line is None:
            break
        word, _, rest = line.partition(' ')
        if word == 'begin':
            name, _, text = rest.partition(' ')
            row = Row(name, text, guest.arch.iommu_type)
            row.before = guest.counters()
            began = time.monotonic()
            guest.go()
            if meanwhile.get(name):
                meanwhile[name].pop(0)(guest)
        elif word == 'stat' and row:
            row.stat = {k: int(v) for k, _, v in
                        (f.partition('=') for f in rest.split()[1:])}
        elif word == 'end' and row:
            row.after = guest.counters()
            row.faults = guest.new_faults()
            row.seconds = time.monotonic() - began
            row.passed = rest.split()[1] == 'ok'
            if endpoints and guest.has_counters():
                row.check_counters(endpoints, test.faults)
            if not row.passed:
                guest.save_state()
            rows.append(row)
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
            guest.booted(rest, test.faults)
            out(f'  Linux {rest} is up')
        elif word == 'function':
            guest.boots[-1].functions.append(machine.Function(*rest.split()))
    if not finished:
        guest.fail('the guest ended early')
        if row:
            row.reasons.append('the guest did not finish it')
            rows.append(row)
            out(row)
    for lost in list(never_begun(guest, test, rows)):
        rows.append(lost)
        out(lost)
    return rows


def finish(guest, rows):
    """End the guest and see what else is wrong."""
    guest.stop()
    for disk in [] if guest.ended else guest.disks:
        wrong = disk.check()
        if wrong:
            guest.fail(f'on the host: {wrong}')
    for line in [] if guest.ended else guest.kernel_complaints():
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

def run_test(name, test, args, out):
    """Rows and guest of one test, finished."""
    image, initrd = initramfs.ensure(test.arch, test.which, test.selftests)
    guest = test.guest(name, args)
    rows, words = [], ''
    if test.kexec:
        guest.kexec_disks(image, initrd)
        guest.append += [f'im.kexec={test.kexec}',
                         f'im.then={",".join(test.then)}']
        guest.crashes = test.kexec == 'crash'
        if guest.crashes:
            guest.append.append('crashkernel=256M')
    try:
        guest.start(image, initrd)
        if test.expect.kind == 'stops':
            guest.wait_for(test.expect.until)
            guest.end()
            words = test.expect.why
        else:
            rows = run_scenarios(guest, test, out)
            words = test.judge(guest, rows)
        if test.expect.told not in guest.said():
            guest.fail('the emulator did not warn of '
                       f'"{test.expect.told}" when it started')
    except BaseException as e:              # ^C too: nothing is left running
        guest.fail(f'{type(e).__name__}: {e}')
        raise
    finally:
        good = finish(guest, rows)
    return rows, guest, good, words


def why_not(test):
    """Why this test cannot be run here, or None."""
    if test.kvm:
        return machine.kvm_refuses(initramfs.ensure(test.arch, test.which)[0])
    return test.needs and test.needs()


def command_test(args):
    """TAP: one line per scenario, and one for the guest as a whole."""
    names = [n for name in args.name for n in SERIES.get(name, [name])]
    print('TAP version 13', flush=True)
    models = [m for m in props.MODELS if f'long/props-{m}' in args.name]
    print(f'1..{sum(TESTS[n].rows() + 1 for n in names) + len(models)}',
          flush=True)
    number, bad = 0, 0

    def comment(what):
        if isinstance(what, Row):
            for reason in what.reasons:
                print(f'# {what.name}: {reason}', flush=True)
        else:
            print(f'#{what}', flush=True)

    def point(good, text):
        nonlocal number, bad
        number += 1
        bad += not good
        print(f'{"ok" if good else "not ok"} {number} - {text}', flush=True)

    for model in models:
        lost = props.without_row(model, machine.emulator(props.MODELS[model][0]))
        point(not lost, f'every property of {model} has a row')
        comment(f' without: {", ".join(lost)}')
    for name in names:
        test = TESTS[name]
        try:
            why = why_not(test)
            if why:
                what = [*test.scenarios, *test.then, 'guest ended well']
                for text in what[-test.rows() - 1:]:
                    point(True, f'{name} {text} # SKIP {why}')
                continue
            rows, guest, good, words = run_test(name, test, args, comment)
        except Failed as e:
            print(f'# {e}', flush=True)
            for _ in range(test.rows() + 1):
                point(False, f'{name} could not be run')
            continue
        for row in rows:
            point(row.passed, f'{name} {row.name} ({row.seconds:.1f} s)')
        point(good, f'{name} guest ended well: {words}')
        if not good:
            explain_failure(guest, lambda t: print(f'# {t}', flush=True))
    return 1 if bad else 0


# --- the demonstration ------------------------------------------------------

def print_table(rows, guest, host):
    columns = [c for c in columns_of(host) if guest.arch.name in c[-1]] \
        if guest.has_counters() else []
    wide, of = 20 if host else 15, ''
    print()
    head = f'{"scenario":<44}{"result":<8}' + \
        ''.join(f'{column[0]:>{wide}}' for column in columns)
    print(head)
    if columns:
        who = 'device/vIOMMU/host' if host else 'device/IOMMU'
        print(' ' * 52 + f'{who:>{wide}}' * len(columns))
    print('-' * len(head))
    for row in rows:
        if row.guest != of:
            of = row.guest
            print(f'in {of}:')
        line = f'{row.text or row.name:<44}'
        line += f'{"passed" if row.passed else "FAILED":<8}'
        for column in columns:
            seen = '/'.join('-' if n is None else str(n)
                            for n in row.sides(column).values())
            line += f'{seen:>{wide}}'
        print(line)
    print('-' * len(head))
    print(guest.arch.legend, flush=True)
    if host:
        print('"-": is not told, or counts no such thing; faults of the host '
              'are not the guest\'s to see;\nwhat the host brings later, it '
              'answers itself', flush=True)


def command_demo(args):
    began = time.monotonic()
    wanted = args.only or DEMO
    arch = ARCHES[args.arch]
    below = ', which stands on an ioasid-host' if args.host is not None else ''
    print('A Linux guest shares its processes\' address spaces with a '
          f'pasid-endpoint\nbehind the modelled {arch.iommu_name}{below}. The '
          'guest checks every byte.\n', flush=True)

    def show(what):
        if isinstance(what, Row):
            print(f'{"passed" if what.passed else "FAILED":<8}'
                  f'{what.text or what.name} ({what.seconds:.1f} s)',
                  flush=True)
            for reason in what.reasons:
                print(f'        {reason}', flush=True)
        else:
            print(f'      {what}', flush=True)

    name = ('demo' if args.host is None else 'demo-host') + \
        ('' if arch is X86 else f'-{arch.name}')
    rows, guest, good, _ = run_test(
        name, Test(wanted, arch=arch, host=args.host), args, show)
    wrong = [] if good else [guest]
    for name, test in LIFE[arch.name].items() if args.host == '' and \
            not args.only else ():
        more, last, good, _ = run_test(name, test, args, show)
        for row in more:
            row.guest = name
        rows += more
        wrong += [] if good else [last]
    print_table(rows, guest, args.host is not None)
    passed = sum(r.passed for r in rows)
    print(f'{passed} of {len(rows)} scenarios passed in '
          f'{time.monotonic() - began:.0f} s; log in {guest.dir}')
    for failed in wrong:
        explain_failure(failed, print)
    return 1 if wrong else 0


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
    for name, members in SERIES.items():
        print(f'{name:20} {len(members)} of the above, from {members[0]} to '
              f'{members[-1]}')
    return 0


def test_name(name):
    if name in TESTS or name in SERIES:
        return name
    raise argparse.ArgumentTypeError(f'no test {name}: "run.py list" has '
                                     'their names')


def scenario_names(text):
    known = {s for t in TESTS.values() for s in (*t.scenarios, *t.then)}
    for name in text.split(','):
        if name not in known:
            raise argparse.ArgumentTypeError(
                f'no scenario {name}: those of the demonstration are '
                f'{", ".join(DEMO)}')
    return text.split(',')


def existing(text):
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f'no file {text}')
    return Path(text)


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
    p.add_argument('--only', type=scenario_names,
                   help='these scenarios, comma-separated')
    p.add_argument('--host', nargs='?', const='', metavar='PROPERTIES',
                   help='the IOMMU stands on an ioasid-host, with these '
                   'properties, such as ",map-mode=translate"')
    p.set_defaults(run=command_demo)
    p = sub.add_parser('test')
    options(p)
    p.add_argument('name', nargs='+', metavar='NAME', type=test_name)
    p.set_defaults(run=command_test)
    p = sub.add_parser('boot')
    arch_option(p)
    p.add_argument('--kernel', type=existing, help='default: of --guest')
    p.add_argument('--initrd', type=existing, help='default: of --guest')
    p.add_argument('--guest', choices=['own', 'stock'], default='own')
    p.add_argument('--append', default='', help='to the command line')
    p.add_argument('--iommu', help='IOMMU device with properties')
    p.add_argument('--cpu')
    p.add_argument('--uefi', action='store_true', help='on arm64 with ACPI')
    p.add_argument('--accel', default='tcg')
    p.add_argument('--memory', default='1G')
    p.add_argument('--no-endpoint', action='store_true')
    p.set_defaults(run=command_boot)
    sub.add_parser('list').set_defaults(run=command_list)
    args = parser.parse_args(argv)
    args.qemu = qemu
    if args.build_dir:
        if not Path(args.build_dir).is_dir():
            parser.error(f'--build-dir: no directory {args.build_dir}: '
                         'run ./configure first')
        os.environ['IM_BUILD_DIR'] = os.path.abspath(args.build_dir)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return args.run(args)
    except Failed as e:
        print(f'guest: {e}', file=sys.stderr)
        return 1
    except BrokenPipeError:             # run.py list | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print('guest: interrupted', file=sys.stderr)
        return 130


if __name__ == '__main__':
    sys.exit(main())
