#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The example of docs/iommufd.rst does what the page says."""

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
    print('1..1')
    if done.stdout == said:
        print('ok 1 example of docs/iommufd.rst')
    else:
        for line in done.stdout.splitlines():
            print('# ' + line)
        print('not ok 1 example of docs/iommufd.rst')
        sys.exit(1)


if __name__ == '__main__':
    main()
