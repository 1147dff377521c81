#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What LICENSE and MAINTAINERS say of the files of this tree. Prints TAP."""

import fnmatch
import re
import subprocess
from pathlib import Path

from report import report

ROOT = Path(__file__).resolve().parents[2]
MIT, GPL, KERNEL = 'MIT', 'GPL-2.0-or-later', 'GPL-2.0'
SPDX = re.compile(r'SPDX-License-Identifier: (\S+)')
# Texts of licenses, and data that no program here reads with a comment.
NO_LINE = {'COPYING', 'LICENSE', '.gitignore'}
DATA = {'.txt', '.config'}


def tree():
    """Names of the files: what git has, or of an archive's all."""
    done = subprocess.run(
        ['git', '-C', ROOT, 'ls-files', '-co', '--exclude-standard'],
        capture_output=True, text=True)
    names = done.stdout.splitlines() if done.returncode == 0 else \
        [str(p.relative_to(ROOT)) for p in ROOT.rglob('*')
         if not re.match(r'build|.*__pycache__', str(p.relative_to(ROOT)))]
    return [n for n in sorted(names) if (ROOT / n).is_file()]


def licensed():
    """{directory or file: license} as LICENSE names them. All else is GPL, but
    of tests/ each file has its own."""
    parts = re.split(r'^(MIT|GPL-2.0-or-later|GPL-2.0) \(',
                     (ROOT / 'LICENSE').read_text(), flags=re.M)
    names = {name: which for which, text in zip(parts[1::2], parts[2::2])
             for name in re.findall(r'[\w./]+/[\w.]*', text.split('\n\n')[0])}
    names.pop('tests/')
    return names


def allowed(name, directories):
    inside = [d for d in directories if name.startswith(d)]
    if inside:
        return {directories[max(inside, key=len)]}
    return {MIT, GPL} if name.startswith('tests/') else {GPL}


def licenses():
    directories = licensed()
    if set(directories.values()) != {MIT, GPL, KERNEL}:
        yield f'LICENSE cannot be read: {directories}'
    for name in directories:
        if not (ROOT / name).exists():
            yield f'LICENSE names {name}, which is not there'
    for part in (ROOT / 'hw').iterdir():
        if part.is_dir() and f'hw/{part.name}/' not in directories:
            yield f'LICENSE does not name hw/{part.name}/'
    for name in tree():
        if name in NO_LINE or Path(name).suffix in DATA:
            continue
        found = SPDX.search((ROOT / name).read_text(errors='replace')[:4000])
        may = allowed(name, directories)
        if not found:
            yield f'{name}: no SPDX line'
        elif found[1] not in may:
            yield f'{name}: {found[1]}, but {" or ".join(may)} by LICENSE'


def sections():
    """[(title, {letter: [values]})] of MAINTAINERS."""
    text = (ROOT / 'MAINTAINERS').read_text()
    for block in re.split(r'\n\n+', text):
        title, *lines = block.strip().split('\n')
        if lines and all(re.match(r'[A-Z]: \S', line) for line in lines):
            values = {}
            for line in lines:
                values.setdefault(line[0], []).append(line[3:].strip())
            yield title, values


def covers(pattern, name):
    """A * does not cross a slash."""
    if pattern.endswith('/'):
        return name.startswith(pattern)
    return name.count('/') == pattern.count('/') and \
        fnmatch.fnmatchcase(name, pattern)


def maintained():
    names, patterns = tree(), []
    for title, values in sections():
        for letter in 'MSF':
            if letter not in values:
                yield f'{title}: no {letter}:'
        if not set(values.get('S', [])) <= {'Supported', 'Maintained',
                                            'Odd Fixes', 'Orphan'}:
            yield f'{title}: S: {values["S"]}'
        patterns += [(title, p) for p in values.get('F', [])]
    if len(patterns) < 20:
        yield f'only {len(patterns)} patterns were found'
    for title, p in patterns:
        if not any(covers(p, name) for name in names):
            yield f'{title}: F: {p} is without a file'
    for name in names:
        if not any(covers(p, name) for _, p in patterns):
            yield f'{name}: in no section'


CHECKS = [
    ('every file has a license, the one that LICENSE has', licenses),
    ('every file is in MAINTAINERS, and no pattern is empty', maintained),
]


if __name__ == '__main__':
    report(CHECKS)
