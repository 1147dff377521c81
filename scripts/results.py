#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Count the results of a test run, from the log that meson writes.

  results.py meson-logs/testlog.json

prints failures, skips with their reasons, what was held besides, and as the
last line 'N passed, N failed, N skipped'. Counted are behaviours: the tests
inside the programs, where those that differ after an @ in a name, their own or
their program's, are one, done more than once. What passed in suites that read
texts or run the same again is not counted; a text that was not read is a skip.
A program that ends badly without a failed test is a failure of its own (JUnit
does not say so, which is why meson's own log is read); so are a skip without a
reason and a run without tests.
"""

import json
import re
import sys

LINE = re.compile(r'(not )?ok\b *\d* *(?:- )?(.*?)'
                  r'(?: *#\s*(SKIP|TODO)\S*\s*(.*))?$', re.I)
GOOD = ('OK', 'SKIP', 'EXPECTEDFAIL')
# Suites whose tests are no cases, and what they are.
OTHERS = {'guard': 'of sources and pages', 'again': 'done again'}
# A behaviour is as good as the worst of its tests.
WORST_FIRST = ('failed', 'passed', 'skipped')


def tests(output):
    """(test, verdict, reason) of each result line of a TAP stream."""
    for line in output.splitlines():
        row = LINE.match(line)
        if not row:
            plan = re.match(r'1\.\.0 *# *skip\S* *(.*)', line, re.I)
            if plan:
                yield 'all', 'skipped', plan[1]
            continue
        bad, name, directive, reason = row.groups()
        if (directive or '').upper() == 'SKIP':
            yield name, 'skipped', reason
        else:
            yield name, 'failed' if bad else 'passed', ''


def verdicts(record):
    """The same for one program, which may be no TAP at all."""
    output, result = record.get('stdout', ''), record['result']
    rows = list(tests(output))
    for name, verdict, reason in rows:
        if verdict == 'skipped' and not reason.strip():
            verdict, reason = 'failed', 'skipped without a reason'
        yield name, verdict, reason
    if result not in GOOD:
        if not any(verdict == 'failed' for _, verdict, _ in rows):
            yield ('the program itself', 'failed',
                   f'{result}, exit status {record.get("returncode")}')
    elif not rows:
        last = (output.strip().splitlines() or [''])[-1]
        if result == 'SKIP' and not last:
            yield 'all', 'failed', 'skipped without a reason'
        else:
            yield ('all', 'skipped' if result == 'SKIP' else 'passed', last)


def cases(path):
    """(suites, program, test, verdict, reason) of a whole run."""
    with open(path, errors='replace') as log:
        for line in log:
            record = json.loads(line)
            suites, _, program = record['name'].rpartition(' / ')
            suites = suites.rpartition(':')[2].split('+')
            for row in verdicts(record):
                yield (suites, program, *row)


def count(rows):
    """{verdict: behaviours}, {what else was held: tests}."""
    behaviours, others = {}, {}
    for suites, program, name, verdict, _ in rows:
        other = next((OTHERS[s] for s in suites if s in OTHERS), None)
        if other and verdict == 'passed':
            others[other] = others.get(other, 0) + 1
            continue
        if verdict == 'skipped' and 'again' in suites:
            continue            # the first time it was counted
        key = program.partition('@')[0], name.partition('@')[0]
        behaviours[key] = min(verdict, behaviours.get(key, verdict),
                              key=WORST_FIRST.index)
    found = list(behaviours.values())
    return {v: found.count(v) for v in WORST_FIRST}, others


def main():
    try:
        rows = list(cases(sys.argv[1]))
        for _, program, name, verdict, reason in rows:
            if verdict != 'passed':
                print(f'{verdict.upper()} {program}: {name}'
                      + (f': {reason}' if reason else ''))
    except (OSError, ValueError) as e:
        print(f'no results: {e}')
        rows = [([], '', '', 'failed', '')]
    sums, others = count(rows)
    if others:
        print('besides: ' + ', '.join(f'{n} {what}' for what, n in
                                      others.items()))
    print('{passed} passed, {failed} failed, {skipped} skipped'
          .format(**sums))
    return sums['failed'] > 0 or sums['passed'] == 0


if __name__ == '__main__':
    sys.exit(main())
