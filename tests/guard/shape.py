#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The sizes of things: what is read at once fits where it is read. Prints
TAP."""

import ast

from ctext import ROOT, sources
from report import report

FILE_LINES = 700
FUNCTION_LINES = 60

CODE = ('hw', 'include', 'tools', 'tests', 'scripts', 'subprojects', 'docs')
KINDS = {'.c', '.h', '.inc', '.py', '.build', '.sh', '.rst'}
GENERATED = 'docs/spec-map.rst'


def files(*kinds):
    for top in CODE:
        for path in sorted((ROOT / top).rglob('*')):
            if path.suffix in kinds and path.is_file():
                yield path.relative_to(ROOT), path.read_text()


def long_files():
    for name, text in files(*KINDS):
        lines = text.count('\n')
        if lines > FILE_LINES and str(name) != GENERATED:
            yield f'{name}: {lines} lines, at most {FILE_LINES}'


def functions_of_c():
    """(where, lines from the signature's first to the closing brace)"""
    for f in sources('hw', 'tools', 'tests'):
        for m in f.functions():
            yield f'{f.name}: {m["name"]}', m.group().count('\n') + 1


def functions_of_python():
    for name, text in files('.py'):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                yield f'{name}: {node.name}', \
                    node.end_lineno - node.lineno + 1


def long_functions(functions):
    count = 0
    for where, lines in functions():
        count += 1
        if lines > FUNCTION_LINES:
            yield f'{where}: {lines} lines, at most {FUNCTION_LINES}'
    if count < 100:
        yield f'only {count} functions were found'


CHECKS = [
    ('no file is too long', long_files),
    ('no function of C is too long', lambda: long_functions(functions_of_c)),
    ('no function of Python is too long',
     lambda: long_functions(functions_of_python)),
]


if __name__ == '__main__':
    report(CHECKS)
