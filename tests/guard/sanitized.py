#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Build libim and its tests a second time, with sanitizers, and run them.

Prints the second run's tests as TAP.
"""

import argparse
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'scripts'))
import results                                      # noqa: E402

SUITES = ('unit', 'spec', 'fuzz', 'uapi')


def run(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def bail(what, output):
    print(f'# {what} failed:')
    for line in output.splitlines()[-40:]:
        print(f'# {line}')
    print(f'Bail out! {what}')
    sys.exit(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--meson', required=True)
    parser.add_argument('--source', required=True)
    parser.add_argument('--build', required=True, type=Path)
    parser.add_argument('--iommufd', required=True,
                        choices=('true', 'false'))
    parser.add_argument('--long', nargs='+', metavar='TEST', default=[],
                        help='these of the long tests, instead of the others')
    a = parser.parse_args()
    # A program takes longer to optimize than to run.
    options = ['-Dqemu=false', f'-Diommufd={a.iommufd}', '-Dnested=false',
               '-Db_lundef=false', '-Db_sanitize=address,undefined',
               '-Doptimization=0']
    stamp = a.build / 'options'
    if not stamp.exists() or stamp.read_text() != str(options):
        wipe = ['--wipe'] * (a.build / 'meson-private').exists()
        code, output = run(a.meson, 'setup', str(a.build), a.source, *wipe,
                           *options)
        if code:
            bail('configuration', output)
        stamp.write_text(str(options))
    log = 'testlog-long.json' if a.long else 'testlog.json'
    log = a.build / 'meson-logs' / log
    log.unlink(missing_ok=True)
    which = [arg for s in SUITES for arg in ('--suite', s)]
    if a.long:
        which = ['--setup', 'long', *a.long]
    _, output = run(a.meson, 'test', '-C', str(a.build), '--print-errorlogs',
                    '--num-processes', '2', *which)
    if not log.exists():
        bail('build', output)
    rows = list(results.cases(log))
    print(f'1..{len(rows)}')
    for number, (_, program, name, verdict, reason) in enumerate(rows, 1):
        print(f'{"not ok" if verdict == "failed" else "ok"} {number} '
              f'{program}: {name}'
              + (f' # SKIP {reason}' if verdict == 'skipped' else ''))
    if any(verdict == 'failed' for _, _, _, verdict, _ in rows):
        print('\n'.join(output.splitlines()[-200:]), file=sys.stderr)


if __name__ == '__main__':
    main()
