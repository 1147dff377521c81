#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Make each deliberate fault of a list, and see a test fail of it.

The sources are copied below --build, where one row at a time is changed and
the tests of that part are built and run. TAP: ok names the test that failed,
not ok says that none did, or that the change did not compile. --check only
looks whether every row's text is still in its file, once.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

COPIED = ('COPYING', 'LICENSE', 'README.rst', 'docs', 'hw', 'include',
          'scripts', 'tests', 'tools', 'meson.build', 'meson_options.txt')
TIMEOUT = 120                   # seconds, of a program that hangs
# What notices most, first.
SUITES = ('spec', 'unit', 'fuzz')
# The words of C, as far as white space between them means nothing; so does
# the end of a line of a macro.
WORD = re.compile(r'''"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])'|'''
                  r'''\w+|[-+*/%&|^<>=!]+|[^\s\\]''')


@dataclass
class Row:
    name: str
    file: str = ''
    breaks: str = ''
    old: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)

    def places(self, text):
        """The (start, end) of what its old words are in a text, however
        they are broken into lines."""
        found = list(WORD.finditer(text))
        words = [m.group() for m in found]
        old = WORD.findall('\n'.join(self.old))
        n = len(old)
        return [(found[i].start(), found[i + n - 1].end())
                for i in range(len(found) - n + 1) if words[i:i + n] == old]

    def applied(self, text):
        [(start, end)] = self.places(text)
        return text[:start] + '\n'.join(self.new) + text[end:]

    def same(self):
        return (WORD.findall('\n'.join(self.old)) ==
                WORD.findall('\n'.join(self.new)))


def parse(path):
    """The parts whose tests are to notice, and the rows."""
    parts, rows = [path.stem], []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        word, _, rest = line.partition(' ')
        if not line or word.startswith('#'):
            continue
        if word == 'tests' and not rows:
            parts = rest.split()
        elif word == '==':
            rows.append(Row(rest))
        elif word == 'file':
            rows[-1].file = rest
        elif word == 'breaks':
            rows[-1].breaks = rest
        elif word == '-':
            rows[-1].old.append(rest)
        elif word == '+':
            rows[-1].new.append(rest)
        else:
            sys.exit(f'{path}:{number}: not a line of a row: {line}')
    return parts, rows


def problem(row, rows, root):
    if not (row.file and row.breaks and row.old and row.new):
        return 'the row is not complete'
    if row.same():
        return 'it changes nothing'
    if [r.name for r in rows].count(row.name) != 1:
        return 'another row has its name'
    path = root / row.file
    count = len(row.places(path.read_text())) if path.exists() else 0
    return '' if count == 1 else f'its text is in {row.file} {count} times'


def check(rows, root):
    print(f'1..{len(rows)}')
    for number, row in enumerate(rows, 1):
        why = problem(row, rows, root)
        if why:
            print(f'# {row.name}: {why}')
        print(f'{"not ok" if why else "ok"} {number} {row.name}')


# --- building ---------------------------------------------------------------

def copy(source, to):
    """As rsync would: what did not change keeps its time."""
    wanted = set()
    for top in COPIED:
        at = source / top
        files = [at] if at.is_file() else [f for f in at.rglob('*')
                                           if f.is_file()]
        for f in files:
            if '__pycache__' in f.parts:
                continue
            target = to / f.relative_to(source)
            wanted.add(target)
            if target.exists() and target.read_bytes() == f.read_bytes():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(f, target)
    for f in [f for f in to.rglob('*') if f.is_file()]:
        if f not in wanted:
            f.unlink()


def run(*command, **more):
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, errors='replace',
                              stderr=subprocess.STDOUT, **more)
    except subprocess.TimeoutExpired as e:
        return -1, (e.stdout or b'').decode(errors='replace') + '\nhangs\n'
    return done.returncode, done.stdout


def bail(what, output):
    for line in output.splitlines()[-40:]:
        print(f'# {line}')
    print(f'Bail out! {what}')
    sys.exit(1)


class Build:
    def __init__(self, meson, source, where, parts, suites):
        self.src = where / 'src'
        self.dir = where / 'build'
        copy(source, self.src)
        if not (self.dir / 'build.ninja').exists():
            code, out = run(meson, 'setup', str(self.dir), str(self.src),
                            '-Dqemu=false', '-Dnested=false',
                            '-Db_lundef=false', '-Doptimization=1',
                            '-Ddebug=false', '-Dwerror=false')
            if code:
                bail('configuration failed', out)
        # The list of programs may have changed since.
        run('ninja', '-C', str(self.dir), 'build.ninja')
        code, out = run('ninja', '-C', str(self.dir), '-t', 'targets', 'all')
        names = {line.split(':')[0] for line in out.splitlines()}
        self.programs = [n for s in suites for p in parts
                         for n in sorted(names)
                         if n.startswith(f'tests/{s}-{p}_') and '.' not in n]
        if not self.programs:
            bail('there are no programs', out)

    def build(self):
        return run('ninja', '-j2', '-C', str(self.dir), *self.programs)

    def test(self):
        """'' or the test that failed."""
        env = dict(os.environ, G_TEST_SRCDIR=str(self.src / 'tests'),
                   G_DEBUG='fatal-criticals', IM_FUZZ_SHRINK='0',
                   MALLOC_PERTURB_='165')
        for program in self.programs:
            code, out = run(str(self.dir / program), '--tap', '-k', '--seed',
                            'R02S20261121202611212026112120261121', env=env,
                            cwd=str(self.dir), timeout=TIMEOUT)
            bad = [line for line in out.splitlines()
                   if line.startswith('not ok')]
            if code or bad:
                paths = [w for line in bad for w in line.split()
                         if w.startswith('/')]
                return f'{Path(program).name} {(paths or ["ended early"])[0]}'
        return ''


def mutate(build, row):
    """True, and the test that failed; or False, and why not."""
    path = build.src / row.file
    text = path.read_text()
    path.write_text(row.applied(text))
    try:
        code, out = build.build()
        if code:
            errors = [line for line in out.splitlines() if 'error' in line]
            return False, 'does not compile: ' + ' '.join(errors[:1])
        failed = build.test()
        return bool(failed), failed or 'no test notices it'
    finally:
        path.write_text(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('list', type=Path)
    parser.add_argument('--source', required=True, type=Path)
    parser.add_argument('--check', action='store_true')
    parser.add_argument('--meson', default='meson')
    parser.add_argument('--build', type=Path)
    parser.add_argument('--only', metavar='NAME', nargs='*')
    parser.add_argument('--suite', nargs='+', default=SUITES,
                        help='which tests are to notice it: %(default)s')
    a = parser.parse_args()
    parts, rows = parse(a.list)
    if a.check:
        check(rows, a.source)
        return
    build = Build(a.meson, a.source, a.build.resolve(), parts, a.suite)
    code, out = build.build()
    if code:
        bail('the tests do not build', out)
    failed = build.test()
    if failed:
        bail(f'without any fault, {failed} fails', '')
    chosen = [r for r in rows if not a.only or r.name in a.only]
    print(f'1..{len(chosen)}')
    for number, row in enumerate(chosen, 1):
        why = problem(row, rows, a.source)
        noticed, what = (False, why) if why else mutate(build, row)
        if not noticed:
            print(f'# {row.name}: {what}')
        print(f'{"ok" if noticed else "not ok"} {number} {row.name}'
              + (f' - {what}' if noticed else ''), flush=True)


if __name__ == '__main__':
    main()
