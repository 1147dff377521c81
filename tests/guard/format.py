#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The tree is laid out as .clang-format says. Prints TAP."""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOL = 'clang-format-19'        # versions differ in what they say
TOPS = ('hw', 'include', 'tests', 'tools')


def differing(names):
    """Those of @names that it would change."""
    done = subprocess.run([TOOL, '--dry-run', '--ferror-limit=1', *names],
                          cwd=ROOT, text=True, stderr=subprocess.PIPE)
    if done.returncode:
        yield f'{TOOL}: {done.stderr.splitlines()[-1]}'
    yield from dict.fromkeys(re.findall(r'^(\S+?):\d+:\d+: warning',
                                        done.stderr, re.M))


def main():
    print('1..1')
    if not shutil.which(TOOL):
        print(f'ok 1 layout # SKIP no {TOOL}: install the package')
        return
    names = sorted(str(p.relative_to(ROOT)) for top in TOPS
                   for p in (ROOT / top).rglob('*') if p.suffix in ('.c', '.h'))
    parts = [names[i::32] for i in range(32)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = sorted(row for found in pool.map(lambda p: list(differing(p)),
                                                parts) for row in found)
    if len(names) < 100:
        rows.append(f'only {len(names)} files were found')
    print(f'{"not ok" if rows else "ok"} 1 layout')
    for row in rows:
        print(f'# {row}: {TOOL} -i mends it')
    sys.exit(bool(rows))


if __name__ == '__main__':
    main()
