#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What is said beside a test is not on standard output, where its TAP is:
that one run waits for another, and what a build that failed said last."""

import fcntl
import subprocess
import sys
import tempfile
from pathlib import Path

GUEST = Path(__file__).resolve().parents[1] / 'guest'

WAIT = """
import sys
sys.path.insert(0, sys.argv[1])
from kernel import locked
from pathlib import Path
with locked(Path(sys.argv[2])):
    print('ok')
"""
FAIL = """
import sys
sys.path.insert(0, sys.argv[1])
from kernel import Failed, run_logged
from pathlib import Path
try:
    run_logged(['sh', '-c', 'echo its last words; exit 1'], Path(sys.argv[2]))
except Failed:
    print('ok')
"""


def start(program, path):
    return subprocess.Popen([sys.executable, '-c', program, GUEST, path],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True)


def one_run_waits_for_another(path):
    with open(path, 'w', encoding='utf-8') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        p = start(WAIT, path)
        said = p.stderr.readline()              # it waits now
        fcntl.flock(lock, fcntl.LOCK_UN)
    out, _ = p.communicate(timeout=60)
    return out == 'ok\n' and 'waiting' in said


def what_a_failed_command_said(path):
    out, err = start(FAIL, path).communicate(timeout=60)
    return out == 'ok\n' and 'its last words' in err


TESTS = [one_run_waits_for_another, what_a_failed_command_said]


def main():
    print(f'1..{len(TESTS)}')
    failed = 0
    for number, test in enumerate(TESTS, 1):
        with tempfile.TemporaryDirectory() as top:
            good = test(str(Path(top) / 'file'))
        failed += not good
        print(f'{"ok" if good else "not ok"} {number} {test.__name__}')
    sys.exit(failed != 0)


if __name__ == '__main__':
    main()
