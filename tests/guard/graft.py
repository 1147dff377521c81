#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The graft on small trees: repeated, taken back, and refused. Prints TAP."""

import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'subprojects' / 'qemu'))
import graft                                        # noqa: E402


def tree(top, version, **files):
    qemu = Path(top) / 'qemu'
    qemu.mkdir()
    (qemu / 'VERSION').write_text(version + '\n')
    for name, text in files.items():
        (qemu / name).write_text(text)
    return qemu


def apply(qemu, rows, links=(), ours=ROOT):
    wanted = SimpleNamespace(series='10.0', rows=rows, links=links)
    return graft.apply(qemu, ours, graft=wanted)


def refused(qemu, rows, *words, links=()):
    before = {p: p.read_text() for p in qemu.iterdir() if p.is_file()}
    try:
        apply(qemu, rows, links)
    except graft.GraftError as e:
        assert '\n' not in str(e), e
        assert all(w in str(e) for w in words), e
        assert before == {p: p.read_text() for p in qemu.iterdir()
                          if p.is_file()}, 'a file was changed'
        return
    raise AssertionError('not refused')


ROW = ('a', 'after', 'anchor', 'ours')


def inserts_once_with_the_anchors_indentation(top):
    qemu = tree(top, '10.0.3', a='x\n  anchor\ny\n')
    assert apply(qemu, [ROW]) == ['a']
    assert (qemu / 'a').read_text() == 'x\n  anchor\n  ours\ny\n'
    assert apply(qemu, [ROW]) == []


def row_that_left_the_list_is_taken_out(top):
    qemu = tree(top, '10.0.3', a='anchor\n')
    apply(qemu, [ROW])
    assert apply(qemu, []) == ['a']
    assert (qemu / 'a').read_text() == 'anchor\n'


def missing_anchor_is_refused(top):
    qemu = tree(top, '10.0.3', a='x\n')
    refused(qemu, [ROW], 'a:', 'not, wanted once', 'anchor')


def ambiguous_anchor_is_refused(top):
    qemu = tree(top, '10.0.3', a='anchor\nanchor\n')
    refused(qemu, [ROW], 'a:', '2 times', 'anchor')


def later_missing_anchor_leaves_earlier_files_alone(top):
    qemu = tree(top, '10.0.3', a='anchor\n', b='x\n')
    refused(qemu, [ROW, ('b', 'after', 'nowhere', 'ours')], 'b:', 'nowhere')


def other_series_is_refused(top):
    qemu = tree(top, '10.1.0', a='anchor\n')
    refused(qemu, [ROW], '10.1.0', '10.0')


def not_a_qemu_tree_is_refused(top):
    qemu = tree(top, '10.0.3')
    (qemu / 'VERSION').unlink()
    refused(qemu, [], 'not a QEMU source tree')


def link_over_a_file_is_refused(top):
    qemu = tree(top, '10.0.3', a='theirs\n')
    refused(qemu, [], 'a: QEMU has a file', links=[('a', 'hw/qemu')])


def moved_checkout_moves_the_links(top):
    qemu = tree(top, '10.0.3')
    apply(qemu, [], [('a', 'hw/qemu')], '/nowhere')
    apply(qemu, [], [('a', 'hw/qemu')])
    assert (qemu / 'a').resolve() == (ROOT / 'hw/qemu').resolve()


def list_itself_reads(top):
    rows = graft.Graft(ROOT / 'subprojects/qemu/graft.list')
    assert rows.series == '10.0' and rows.rows and rows.links
    lines = [(file, line) for file, _, _, line in rows.rows]
    assert len(set(lines)) == len(lines), 'a line is there twice'


TESTS = [list_itself_reads,
         inserts_once_with_the_anchors_indentation,
         row_that_left_the_list_is_taken_out, missing_anchor_is_refused,
         ambiguous_anchor_is_refused,
         later_missing_anchor_leaves_earlier_files_alone,
         other_series_is_refused, not_a_qemu_tree_is_refused,
         link_over_a_file_is_refused, moved_checkout_moves_the_links]


def main():
    print(f'1..{len(TESTS)}')
    for number, test in enumerate(TESTS, 1):
        with tempfile.TemporaryDirectory() as top:
            try:
                test(top)
                print(f'ok {number} {test.__name__}')
            except (AssertionError, graft.GraftError, OSError) as e:
                print(f'not ok {number} {test.__name__}\n# {e!r}')


if __name__ == '__main__':
    main()
