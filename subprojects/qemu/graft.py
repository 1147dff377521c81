#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Apply graft.list to a QEMU tree.

  graft.py TREE           insert and link what is missing
  graft.py --check TREE   change nothing; fail if anything is missing

Insertions only. A row that is in place is left alone, so that a second run
changes no file and causes no rebuild; a row that has left the list is taken
out again. An anchor that is missing or ambiguous is an error, and then no
file has been changed.
"""

import argparse
import json
import os
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
RECORD = '.im-graft.json'           # in TREE: what is in place


class GraftError(Exception):
    """One line: what is wrong, and where."""


class Graft:
    """What graft.list says."""

    def __init__(self, path=HERE / 'graft.list'):
        self.series = self.tested = None
        self.links = []             # (path in TREE, path in our tree)
        self.rows = []              # (file, 'after' or 'before', anchor, line)
        file = anchor = None
        for number, text in enumerate(path.read_text().splitlines(), 1):
            word, _, rest = text.strip().partition(' ')
            rest = rest.strip()
            if not word or word.startswith('#'):
                continue
            if word == 'series':
                self.series = rest
            elif word == 'tested':
                self.tested = rest
            elif word == 'link':
                self.links.append(tuple(re.split(r'\s*->\s*', rest)))
            elif word == 'file':
                file, anchor = rest, None
            elif word in ('after', 'before') and file:
                anchor = (word, rest)
            elif word == 'insert' and anchor:
                self.rows.append((file, *anchor, rest))
            else:
                raise GraftError(f'{path.name}:{number}: cannot read this row')


def check_series(tree, graft):
    """QEMU's version, if it is of the series that the graft is for."""
    try:
        version = (Path(tree) / 'VERSION').read_text().strip()
    except OSError:
        raise GraftError(f'{tree}: not a QEMU source tree (no file VERSION): '
                         f'give one of series {graft.series}') from None
    if not version.startswith(graft.series + '.'):
        raise GraftError(f'{tree}: this is QEMU {version}, wanted is series '
                         f'{graft.series}: give a tree of that series')
    return version


def indent_of(line):
    return line[:len(line) - len(line.lstrip())]


def insert(lines, file, where, anchor, new):
    """@lines with @new inserted, unless it is there."""
    if any(line.strip() == new for line in lines):
        return lines
    places = [i for i, line in enumerate(lines) if line.strip() == anchor]
    if len(places) != 1:
        found = f'{len(places)} times' if places else 'not'
        raise GraftError(f'{file}: anchor found {found}, wanted once: '
                         f'{anchor}')
    at = places[0]
    text = indent_of(lines[at]) + new + '\n'
    at += where == 'after'
    return lines[:at] + [text] + lines[at:]


def edited(tree, graft, gone):
    """{file: (old text, new text)} of the files that need an edit."""
    edits = {}
    for file, line in gone:
        path = tree / file
        if path.exists():
            old, new = edits.get(file) or (path.read_text(),) * 2
            kept = [s for s in new.splitlines(True) if s.strip() != line]
            edits[file] = old, ''.join(kept)
    for file, where, anchor, line in graft.rows:
        path = tree / file
        if not path.is_file():
            raise GraftError(f'{file}: not in this QEMU tree')
        old, new = edits.get(file) or (path.read_text(),) * 2
        lines = insert(new.splitlines(True), file, where, anchor, line)
        edits[file] = old, ''.join(lines)
    return {f: e for f, e in edits.items() if e[0] != e[1]}


def wrong_links(tree, graft, ours):
    for path, target in graft.links:
        link, goal = tree / path, os.path.abspath(ours / target)
        if not link.is_symlink() and link.exists():
            raise GraftError(f'{path}: QEMU has a file of this name')
        if not link.is_symlink() or os.readlink(link) != goal:
            yield link, goal


def recorded(tree):
    """[file, line] of what an earlier run inserted."""
    try:
        return [tuple(r) for r in json.loads((tree / RECORD).read_text())]
    except (OSError, ValueError):
        return []


def replace(path, text):
    new = path.with_name(path.name + '.im-new')
    new.write_text(text)
    new.chmod(path.stat().st_mode if path.exists() else 0o644)
    new.rename(path)


def apply(tree, ours, check=False, graft=None):
    """Graft @ours onto @tree; the names of what was changed."""
    tree, ours = Path(tree), Path(ours)
    graft = graft or Graft()
    check_series(tree, graft)
    wanted = [(file, line) for file, _, _, line in graft.rows]
    before = recorded(tree)
    edits = edited(tree, graft, [r for r in before if r not in wanted])
    links = list(wrong_links(tree, graft, ours))
    changed = sorted(edits) + [str(p.relative_to(tree)) for p, _ in links]
    if check:
        if changed:
            raise GraftError('not in place: ' + ', '.join(changed))
        return []
    for file, (_, new) in edits.items():
        replace(tree / file, new)
    for link, goal in links:
        link.unlink(missing_ok=True)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(goal)
    if before != wanted:
        replace(tree / RECORD, json.dumps(wanted, indent=1) + '\n')
    return changed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('tree')
    parser.add_argument('--source', default=HERE.parent.parent,
                        help='our own tree (default: where this script is)')
    parser.add_argument('--check', action='store_true')
    a = parser.parse_args()
    try:
        for name in apply(a.tree, a.source, a.check):
            print(f'grafted: {name}')
    except GraftError as e:
        sys.exit(f'graft: {e}')


if __name__ == '__main__':
    main()
