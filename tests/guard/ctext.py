# SPDX-License-Identifier: GPL-2.0-or-later
"""C as the guards read it: tokens without comments, functions, structures.

Not a compiler: it relies on how this tree is written. A function's braces
stand in column 0, and a type has a capital or follows "struct"."""

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
C_FILES = ('.c', '.h', '.inc')

BLANK = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"'
                   r"|'(?:\\.|[^'\\\n])+'", re.S)
TOKEN = re.compile(r'[A-Za-z_]\w*|\d[\w.]*|->|##|\+\+|--|<<=|>>=|'
                   r'[-+*/%&|^=!<>]=|<<|>>|&&|\|\||[^\s\w]')
FUNCTION = re.compile(
    r'^(?P<type>[A-Za-z_][\w \t*]*?[\s*])(?P<name>\w+)(?P<params>\([^;{}]*\))'
    r'\s*\n\{\n(?P<body>.*?)^\}', re.M | re.S)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.M)
DEFINE = re.compile(r'^[ \t]*#[ \t]*define[ \t]+(\w+)(\([^)]*\))?(.*)$', re.M)


def blank(text):
    """@text without comments and literals, of the same lines."""
    def keep_lines(m):
        word = '""' if m.group().startswith('"') else ' '
        return word + '\n' * m.group().count('\n')
    return BLANK.sub(keep_lines, text)


class Source:
    """A file of C: its text as it is, and .code, without comments."""

    def __init__(self, name, text):
        self.name, self.text = name, text
        self.code = blank(self.text)
        joined = self.code.replace('\\\n', ' ')
        self.macros = {m[1]: m[3] for m in DEFINE.finditer(joined)}
        self.plain = re.sub(r'^[ \t]*#.*$', '', joined, flags=re.M)
        self.tokens = TOKEN.findall(self.plain)
        self.count = Counter(re.findall(r'\w+', joined))

    def includes(self):
        return INCLUDE.findall(self.text)

    def functions(self):
        return FUNCTION.finditer(self.code)


def sources(*tops):
    """Every C file below the directories @tops of the tree."""
    return [Source(str(path.relative_to(ROOT)), path.read_text())
            for top in tops for path in sorted((ROOT / top).rglob('*'))
            if path.suffix in C_FILES]


def closing(tokens, at):
    """The index of what closes the bracket at @at."""
    depth = 0
    for i in range(at, len(tokens)):
        depth += (tokens[i] in '([{') - (tokens[i] in ')]}')
        if depth == 0:
            return i
    return len(tokens)


def opening(tokens, at):
    """The index of what opened the bracket at @at."""
    depth = 0
    for i in range(at, -1, -1):
        depth += (tokens[i] in ')]}') - (tokens[i] in '([{')
        if depth == 0:
            return i
    return 0
