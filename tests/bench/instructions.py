#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Instructions of a hit, a miss and an invalidation, counted by valgrind.

They do not depend on the machine's load, so a change can be compared with
what was there before it: --json writes them, --than reads such a file and
fails if an operation takes more.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TIMES = 2048            # twice that is how many streams and pages miss


def counted(program, *args):
    with tempfile.NamedTemporaryFile() as out:
        done = subprocess.run(
            ['valgrind', '--tool=callgrind', f'--callgrind-out-file={out.name}',
             program, 'count', *args], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f'{program} {" ".join(args)}:\n{done.stderr}')
        return int(re.search(r'^(?:summary|totals): (\d+)',
                             Path(out.name).read_text(), re.M).group(1))


def operation(program, name):
    """The set-up takes part in both runs, and so in neither."""
    return (counted(program, name, str(2 * TIMES)) -
            counted(program, name, str(TIMES))) / TIMES


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('program', nargs='+', help='build/tests/bench-*')
    parser.add_argument('--json', type=Path, help='write the figures there')
    parser.add_argument('--than', type=Path, help='compare with such a file')
    parser.add_argument('--slack', type=float, default=0.0,
                        help='how many per cent more are no failure')
    a = parser.parse_args()
    before = json.loads(a.than.read_text()) if a.than else {}
    now, more = {}, []
    for program in a.program:
        if Path(program).is_dir():              # bench-*.p, its objects
            continue
        unit = Path(program).name.rsplit('_', 1)[-1]
        names = subprocess.run([program, 'count'], capture_output=True,
                               text=True, check=True).stdout.splitlines()
        for name in names:
            key = f'{unit}: {name}'
            now[key] = operation(program, name)
            was = before.get(key)
            note = '' if was is None else \
                f'   was {was:9.1f}  {100 * (now[key] / was - 1):+6.2f} %'
            print(f'{key:46} {now[key]:9.1f}{note}', flush=True)
            if was is not None and now[key] > was * (1 + a.slack / 100):
                more.append(key)
    if a.json:
        a.json.write_text(json.dumps(now, indent=1) + '\n')
    if more:
        sys.exit('more instructions than before: ' + '; '.join(more))


if __name__ == '__main__':
    main()
