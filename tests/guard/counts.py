#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What scripts/results.py counts. Prints TAP."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / 'scripts/results.py'

# [(meson's name, result, standard output)], the last line, its exit status
ROWS = {
    'tests-inside-a-program': (
        [('p:unit / a', 'OK', '1..2\nok 1 /x\nok 2 /y\n')],
        '2 passed, 0 failed, 0 skipped', 0),
    'one-behaviour-more-than-once': (
        [('p:spec / a', 'OK', 'ok 1 /x@1\nok 2 /x@2\nok 3 /y@1\n')],
        '2 passed, 0 failed, 0 skipped', 0),
    'the-same-name-in-two-programs': (
        [('p:spec / a', 'OK', 'ok 1 /x\n'), ('p:spec / b', 'OK', 'ok 1 /x\n')],
        '2 passed, 0 failed, 0 skipped', 0),
    'the-same-of-another-version': (
        [('p:uapi / a@1', 'OK', 'ok 1 /x\nok 2 /y\n'),
         ('p:uapi / a@2', 'OK', 'ok 1 /x\nok 2 /z\n')],
        '3 passed, 0 failed, 0 skipped', 0),
    'one-of-them-fails': (
        [('p:spec / a', 'FAIL', 'ok 1 /x@1\nnot ok 2 /x@2\nok 3 /y\n')],
        '1 passed, 1 failed, 0 skipped', 1),
    'one-of-them-is-skipped': (
        [('p:spec / a', 'OK', 'ok 1 /x@1\nok 2 /x@2 # SKIP no memory\n')],
        '1 passed, 0 failed, 0 skipped', 0),
    'texts-are-no-cases': (
        [('p:unit / a', 'OK', 'ok 1 /x\n'), ('p:guard / g', 'OK', 'ok 1 t\n'),
         ('p:qtest+guard / h', 'OK', 'ok 1 t\n')],
        '1 passed, 0 failed, 0 skipped', 0),
    'a-wrong-text-fails': (
        [('p:unit / a', 'OK', 'ok 1 /x\n'),
         ('p:guard / g', 'FAIL', 'not ok 1 t\n')],
        '1 passed, 1 failed, 0 skipped', 1),
    'a-text-that-is-not-read-is-a-skip': (
        [('p:unit / a', 'OK', 'ok 1 /x\n'),
         ('p:guard / g', 'OK', 'ok 1 t # SKIP no tool\n')],
        '1 passed, 0 failed, 1 skipped', 0),
    'done-again-is-no-case': (
        [('p:unit / a', 'OK', 'ok 1 /x\n'),
         ('p:again / s', 'OK', 'ok 1 a: /x\nok 2 b # SKIP why\n')],
        '1 passed, 0 failed, 0 skipped', 0),
    'done-again-fails': (
        [('p:unit / a', 'OK', 'ok 1 /x\n'),
         ('p:again / s', 'FAIL', 'not ok 1 a: /x\n')],
        '1 passed, 1 failed, 0 skipped', 1),
    'a-skip-with-its-reason': (
        [('p:unit / a', 'OK', 'ok 1 /x\nok 2 /y # SKIP no gdb\n')],
        '1 passed, 0 failed, 1 skipped', 0),
    'a-skip-without-a-reason-fails': (
        [('p:unit / a', 'OK', 'ok 1 /x\nok 2 /y # SKIP\n')],
        '1 passed, 1 failed, 0 skipped', 1),
    'a-program-that-ends-badly': (
        [('p:unit / a', 'ERROR', 'ok 1 /x\n')],
        '1 passed, 1 failed, 0 skipped', 1),
    'no-test-at-all': ([], '0 passed, 0 failed, 0 skipped', 1),
    'only-texts': (
        [('p:guard / g', 'OK', 'ok 1 t\n')],
        '0 passed, 0 failed, 0 skipped', 1),
}


def counted(log, records):
    with open(log, 'w', encoding='utf-8') as f:
        for name, result, output in records:
            json.dump({'name': name, 'result': result, 'stdout': output,
                       'returncode': 0}, f)
            f.write('\n')
    done = subprocess.run([sys.executable, SCRIPT, log], text=True,
                          stdout=subprocess.PIPE)
    return done.stdout.splitlines()[-1], done.returncode


def main():
    print(f'1..{len(ROWS)}')
    failed = 0
    with tempfile.TemporaryDirectory() as top:
        for number, (name, (records, *want)) in enumerate(ROWS.items(), 1):
            got = counted(Path(top) / 'log', records)
            good = list(got) == want
            failed += not good
            print(f'{"ok" if good else "not ok"} {number} {name}')
            if not good:
                print(f'# {got}, expected {want}')
    sys.exit(failed != 0)


if __name__ == '__main__':
    main()
