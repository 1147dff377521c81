# SPDX-License-Identifier: GPL-2.0-or-later
"""What a guard found, as TAP."""

import sys


def report(checks):
    """Run [(name, function)], each of which yields what is wrong, a line
    each; never returns."""
    print(f'1..{len(checks)}')
    failed = 0
    for number, (name, check) in enumerate(checks, 1):
        rows = list(check())
        failed += bool(rows)
        print(f'{"not ok" if rows else "ok"} {number} {name}')
        for row in rows:
            print(f'# {row}')
    sys.exit(failed != 0)
