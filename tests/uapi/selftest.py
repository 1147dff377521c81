#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run one of Linux's own iommufd test programs on our /dev/iommu.

  selftest.py --server S --shim L [...] new iommufd

The program is unmodified (linux.py); S is the mock server, which adds the
test's mock devices to the engine. Prints a row of TAP for each of its cases,
VERSION FIXTURE.VARIANT.CASE, and one that says that the server reported
nothing: no disagreement with its own model, no finding of a sanitizer.

Every case has to pass; none needs a kernel. The only ones that may skip
themselves are those of Linux's variant without a vIOMMU: they are skips here,
too.
"""

import argparse
import ctypes
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import linux                                        # noqa: E402

# At least so many allocations must have failed.
FAILURES = {'iommufd': 0, 'iommufd_fail_nth': 50}

CASE = re.compile(r'(not ok|ok) \d+ ([\w.]+)(?: # SKIP *(.*))?')


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def row(self, good, name, why=()):
        self.count += 1
        self.failed += not good
        for line in why:
            print('#   ' + line)
        print(f'{"ok" if good else "not ok"} {self.count} {name}', flush=True)


def environment(a, reports):
    """Of the program: the shim, which starts the server by itself."""
    env = dict(os.environ)
    server = f'{a.server} --linux={a.name} --reports={reports}/model'
    if os.geteuid() != 0:       # the tests mean to be root
        server += ' --privileged'
    preload = [str(p.resolve()) for p in (a.pages, a.shim) if p]
    env.update(IM_IOMMUFD=server, LD_PRELOAD=' '.join(preload))
    if a.program == 'iommufd_fail_nth':     # filled by the preloaded library
        env['IM_IOMMUFD_DEBUGFS'] = f'{reports}/debugfs'
    for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS'):
        given = env.get(name)
        env[name] = (given + ':' if given else '') + f'log_path={reports}/san'
    return env


def run(program, env, extra, seconds):
    """Lines of the program's output, and at last its exit status."""
    with subprocess.Popen([program, *extra], env=env, text=True,
                          errors='replace', stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          start_new_session=True) as p:
        signal.signal(signal.SIGALRM,
                      lambda *_: os.killpg(p.pid, signal.SIGKILL))
        signal.alarm(seconds)
        for line in p.stdout:
            yield line.rstrip('\n')
        signal.alarm(0)
    yield p.wait()


def adopt():
    """Orphans become ours: servers, which end after their last client."""
    pr_set_child_subreaper = 36
    ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)


def ended(seconds=20):
    """Wait for the orphans; a line for each that did not end well."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            time.sleep(0.02)
        elif status:
            yield f'a server ended with status {status:#x}'
    yield 'a server does not end'


def sweep(tap, a, version, reports):
    """Failing allocations: that any failed at all."""
    path = Path(reports) / 'model.failed'
    failed = sum(map(int, path.read_text().split())) if path.exists() else 0
    linux.note(f'{failed} allocations were made to fail')
    tap.row(failed >= FAILURES[a.program],
            f'{version} allocations failed while {a.program} ran')


def judge(tap, version, line, why):
    """One line of the program's rows."""
    verdict, name, skip = CASE.match(line).groups()
    full = f'{version} {name}'
    if skip and 'no_viommu' not in name:
        tap.row(False, full, why=[f'skipped itself: {skip}'])
        return
    # Linux's own: a case that has nothing to do in this variant.
    if skip:
        full += f' # SKIP {skip}'
    tap.row(verdict == 'ok', full, why=why if verdict != 'ok' else ())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--server', required=True, type=Path)
    parser.add_argument('--shim', required=True, type=Path)
    parser.add_argument('--pages', type=Path,
                        help='library that gives small pages for huge ones')
    parser.add_argument('--timeout', type=int, default=600)
    parser.add_argument('name', choices=list(linux.SOURCES))
    parser.add_argument('program', choices=linux.PROGRAMS)
    parser.add_argument('extra', nargs='*', help='for the program')
    a = parser.parse_args()
    a.server = a.server.resolve()
    tap = Tap()
    adopt()
    try:
        source = linux.Linux(a.name)
        program = source.compile(a.program)
        with tempfile.TemporaryDirectory(prefix='im-uapi-') as reports:
            env = environment(a, reports)
            planned, why, status = None, [], None
            for line in run(program, env, a.extra, a.timeout):
                if isinstance(line, int):
                    status = line
                elif m := re.fullmatch(r'1\.\.(\d+)', line):
                    planned = int(m.group(1))
                    print(f'1..{planned + 3}', flush=True)
                elif CASE.match(line):
                    judge(tap, source.version, line, why)
                    why = []
                else:
                    why = ([] if ' RUN  ' in line else why) + [line]
            ran = tap.count == planned
            tap.row(ran, f'{source.version} every case of {a.program} ran',
                    why=[] if ran else [f'{tap.count} of {planned}, status '
                                        f'{status}', *why[-10:]])
            said = list(ended())
            sweep(tap, a, source.version, reports)
            said += [f'{path.name}: {line}'
                    for path in sorted(Path(reports).iterdir())
                    if path.is_file() and path.suffix != '.failed'
                    for line in path.read_text(errors='replace').splitlines()]
            tap.row(not said, f'{source.version} server has nothing to '
                    'report', why=said[:60])
    except (linux.Failed, linux.debfetch.FetchError) as e:
        print(f'Bail out! {e}')
        sys.exit(1)


if __name__ == '__main__':
    main()
