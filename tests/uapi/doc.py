#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The example of docs/iommufd.rst does what the page says, and its table of
calls is what own_calls.c tests."""

import argparse
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path


def block(text, after):
    """The indented lines that follow one."""
    m = re.search(re.escape(after) + r'\n\n((?:    .*\n|\n)+)', text)
    return textwrap.dedent(m.group(1)).strip() + '\n'


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--server', required=True)
    parser.add_argument('--shim', required=True)
    parser.add_argument('--calls', required=True)
    parser.add_argument('page', type=Path)
    a = parser.parse_args()
    page = a.page.read_text()
    env = dict(os.environ, LD_PRELOAD=a.shim, IM_IOMMUFD=a.server)
    env.pop('IM_IOMMUFD_SESSION', None)
    done = subprocess.run([sys.executable, '-c',
                           block(page, '.. code-block:: python')],
                          env=env, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    said = block(page, 'It prints::')
    table = subprocess.run([a.calls, '--table'], text=True, check=True,
                           stdout=subprocess.PIPE).stdout
    rows = [('example', done.stdout == said, done.stdout),
            ('table of calls', f'\n\n{table}\n' in page, table)]
    print(f'1..{len(rows)}')
    for n, (name, good, text) in enumerate(rows, 1):
        for line in [] if good else text.splitlines():
            print('# ' + line)
        print(f'{"ok" if good else "not ok"} {n} {name} of docs/iommufd.rst')
    sys.exit(not all(good for _, good, _ in rows))


if __name__ == '__main__':
    main()
