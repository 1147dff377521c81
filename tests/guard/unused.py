#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What nothing uses: public functions, members of structures, enumerators,
macros, headers. Prints TAP; a row says what to remove."""

import re
from functools import partial
from pathlib import PurePath

import members
from ctext import ROOT, Source, sources
from report import report

OURS = ('hw', 'include', 'tools')
TESTS = ('tests', 'examples')

# Formats of others, whose members are theirs: of the kernel, of QEMU's types.
FOREIGN = {'hw/iommufd/abi.h', 'hw/iommufd/abi_dev.h', 'include/im/spec/',
           'tools/iommufd/vfio.c', 'MapQuery', 'parent_obj', 'parent_class'}

# Tables of a specification, and what a program includes, are whole.
FACTS = ('include/im/spec/', 'hw/iommufd/abi',
         'include/im/im_ioasid_uapi.h', 'include/im/im_ioasid_moving_uapi.h')

# What tests look into a model by, which it has no use for itself.
FOR_TESTS = {
    'im_smmu_cached_translations',      # how much is left of what was cached
    'im_vtd_cached_translations',
}

# What a preloaded library has of the C library's, and a linker's --wrap.
OVERRIDES = ('tools/iommufd/shim', 'tests/guest/src/shim/')
# What programs may call that are not here.
OFFERED = ('include/', 'tools/iommufd/server.h')

DEFINED = re.compile(r'^(?!static\b|IM_INLINE\b)[A-Za-z_][\w \t*]*?[\s*]'
                     r'(\w+)\([^;{}]*\)\s*\n\{', re.M)


def words_of(files):
    """{word: names of the files that have it}"""
    found = {}
    for f in files:
        for word in f.count:
            found.setdefault(word, set()).add(f.name)
    return found


def pastes(files):
    """How macros make words by ##: for each way, a pattern whose groups are
    arguments, the first as long as may be, or as short. A part with _ at the
    paste is what stands there always."""
    made = set()
    for f in files:
        joined = f.code.replace('\\\n', ' ')
        for m in re.finditer(r'\w+(?:\s*##\s*\w+)+', joined):
            parts = re.split(r'\s*##\s*', m.group())
            fixed = [i for i, part in enumerate(parts) if part == '_' or
                     (i == 0 and part.endswith('_')) or
                     (i and i == len(parts) - 1 and part.startswith('_'))]
            for some in (r'(\w+)', r'(\w+?)') if fixed else ():
                made.add(''.join(part if i in fixed else some
                                 for i, part in enumerate(parts)))
    return {re.compile(way) for way in made}


def arguments(files):
    """The words that macros are given."""
    given = set()
    for f in files:
        text = f.code.replace('\\\n', ' ')
        for m in re.finditer(r'\b[A-Z]\w*\(([^;{}]*?)\)', text):
            given.update(re.findall(r'\w+', m[1]))
    return given


class Tree:
    def __init__(self):
        self.ours = sources(*OURS)
        self.tests = sources(*(t for t in TESTS if (ROOT / t).exists()))
        self.all = words_of(self.ours + self.tests)
        self.scripted = set()                   # by scripts, by QEMU's files
        for top, kind in (('tests', '*.py'), ('scripts', '*.py'),
                          ('subprojects', '*')):
            for path in (ROOT / top).rglob(kind):
                if path.is_file():
                    self.scripted |= set(re.findall(r'\w+', path.read_text()))
        self.pastes = pastes(self.ours + self.tests)
        self.given = arguments(self.ours + self.tests)

    def pasted(self, word):
        """Whether a macro may make @word of arguments that the tree has."""
        return any(m and set(m.groups()) <= self.given
                   for m in (way.fullmatch(word) for way in self.pastes))


def used_in_header(f):
    """What the inline functions and the macros of a header call."""
    bodies = [m['body'] for m in f.functions()] + list(f.macros.values())
    return set(re.findall(r'\w+', ' '.join(bodies)))


def functions(tree):
    shown = set().union(*(used_in_header(f) for f in tree.ours + tree.tests
                          if f.name.endswith('.h')))
    public = {word for f in tree.ours for word in f.count
              if f.name.startswith(OFFERED)}
    for f in tree.ours + tree.tests:
        if not f.name.endswith('.c') or f.name.startswith(OVERRIDES):
            continue
        for name in DEFINED.findall(f.code):
            users = {u for u in tree.all[name] - {f.name}
                     if not u.endswith('.h')}
            if name in shown or name in tree.scripted or \
                    tree.pasted(name) or re.match('main$|qmp_', name):
                continue
            if not users:
                yield f'{f.name}: {name} is ' + (
                    'of this file alone: make it static' if f.count[name] > 1
                    else 'never called')
            elif name not in public | FOR_TESTS and f in tree.ours and \
                    all(u.startswith('tests/') for u in users):
                yield f'{f.name}: {name} is called by tests alone'


def foreign(where, name, member):
    return any(where.startswith(x) or x in (name, member) for x in FOREIGN)


def unread(tree):
    types = members.Types(tree.ours)
    read_in_tests = {w for f in tree.tests
                     for w in re.findall(r'(?:->|\.)\s*(\w+)', f.code)}
    for name, member in members.unread(tree.ours, types):
        where = types.where[name]
        if foreign(where, name, member) or \
                (where.startswith('include/') and member in read_in_tests):
            continue                            # an answer, for its users
        yield f'{where}: {name}.{member} is never read'


SAMPLE = Source('sample.c', '''
typedef struct One { int read, written, counted; } One;
typedef struct Two { One one[2]; int written; } Two;

static int f(Two *t)
{
    t->one[1].written = 1;
    t->one[0].counted++;
    return t->written + t->one[0].read;
}
''')


def sample(_tree):
    """Two members of one name are told apart, and writing is no reading."""
    found = set(members.unread([SAMPLE], members.Types([SAMPLE])))
    if found != {('One', 'written'), ('One', 'counted')}:
        yield f'of the sample: {sorted(found)}'


def constants(tree):
    for f in tree.ours:
        if f.name.startswith(FACTS):
            continue
        names = list(f.macros) if not f.name.endswith('.inc') else []
        for m in re.finditer(r'\benum\s*\w*\s*\{([^}]*)\}', f.plain):
            if '(' not in m[1]:                 # not of rows
                names += re.findall(r'(?:^|,)\s*([A-Z_]\w*)', m[1])
        for name in dict.fromkeys(names):
            if f.count[name] < 2 and tree.all[name] == {f.name} and \
                    name not in tree.scripted and not tree.pasted(name):
                yield f'{f.name}: {name} is never used'


def headers(tree):
    included = set()
    for f in tree.ours + tree.tests:
        for name in f.includes():
            included.add(name)
            included.add(f'{PurePath(f.name).parent}/{name}')
            included.add(f'tests/{name}')
            included.add(f'include/{name}')
            included.add(f'hw/qemu/{name.rsplit("/", 1)[-1]}')
    for f in tree.ours + tree.tests:
        path = PurePath(f.name)
        if path.suffix == '.c' or f.name in included:
            continue
        if path.stem not in tree.scripted:
            yield f'{f.name}: nothing includes it'


CHECKS = [
    ('every public function is called by another file', functions),
    ('what is read of a sample is known', sample),
    ('every member of a structure is read', unread),
    ('every macro and enumerator is used', constants),
    ('every header is included', headers),
]


if __name__ == '__main__':
    tree = Tree()
    report([(name, partial(check, tree)) for name, check in CHECKS])
