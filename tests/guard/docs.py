#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What documents say of the code: docs/route.rst of the routes, step by step
and clause by clause, and the examples of docs/style.rst. Prints TAP."""

import re
import sys
from pathlib import Path

from report import report

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'scripts'))
import specmap                                      # noqa: E402

# heading in docs/route.rst: source, function, document of the clauses
ROUTES = {
    'The route of VT-d': ('hw/vtd/route.c', 'im_vtd_route', 'VT-d'),
    'The route of SMMUv3': ('hw/smmuv3/route.c', 'im_smmu_take_route',
                            'IHI 0070'),
}
SECTION = re.compile(r'\b[1-9]\d*(?:\.\d+)+')


def steps_of_code(source, function):
    """[(step, {sections})], as the function calls them."""
    body = re.search(rf'^void {function}\(.*?^}}', (ROOT / source).read_text(),
                     re.M | re.S).group(0)
    return [(name, set(SECTION.findall(note))) for name, note in
            re.findall(r'(\w+)\(r\)\)?;? *(?:\|\|)? */\* (.*?) \*/', body)]


def steps_of_page(heading):
    page = (ROOT / 'docs/route.rst').read_text()
    part = page[page.index(heading):]
    return [(name, set(SECTION.findall(rest.rsplit('  ', 1)[-1])))
            for name, rest in re.findall(r'^``(\w+)`` +(.*)$',
                                         part[:part.index('The walker') if
                                              'The walker' in part else None],
                                         re.M)]


def routes():
    for heading, (source, function, _) in ROUTES.items():
        code = steps_of_code(source, function)
        if len(code) < 5:
            yield f'{source}: {function} has no steps that can be read'
        page = dict(steps_of_page(heading)[:len(code)])
        if list(page) != [name for name, _ in code]:
            yield f'{heading}: steps {list(page)}, in the code ' \
                  f'{[name for name, _ in code]}'
        for name, sections in code:
            if page.get(name, sections) != sections:
                yield f'{heading}: {name} is {sorted(page[name])}, in the ' \
                      f'code {sorted(sections)}'


def key(section):
    return [int(n) for n in section.split('.')]


def sections_have_tags():
    """A clause lies in what a step names: in a section, or between two."""
    tags = [(document, key(section)) for document, section, _ in
            specmap.declared().values() if re.fullmatch(r'[\d.]+', section)]
    for heading, (source, function, document) in ROUTES.items():
        known = [k for d, k in tags if d.startswith(document)]
        for name, sections in steps_of_code(source, function):
            low, high = min(map(key, sections)), max(map(key, sections))
            if not any(low <= k[:2] <= high or k[:len(low)] == low
                       for k in known):
                yield f'{heading}: {name}: no clause is of {sorted(sections)}'


def quotes():
    """(file, lines) of each example of docs/style.rst."""
    page = (ROOT / 'docs/style.rst').read_text()
    for name, block in re.findall(r'^.. code-block:: \w+\n   :caption: (\S+)\n'
                                  r'\n((?:   .*\n|\n)+)', page, re.M):
        yield name, block


def examples():
    """Each is in the file that it names, white space aside: no example
    outlives its code."""
    count = 0
    for name, block in quotes():
        count += 1
        if not (ROOT / name).is_file():
            yield f'docs/style.rst quotes {name}, which is not there'
            continue
        text = ''.join((ROOT / name).read_text().split())
        if ''.join(block.split()) not in text:
            yield f'docs/style.rst: not in {name}: {block.strip()}'
    if count < 10:
        yield f'docs/style.rst has {count} examples that can be read'


CHECKS = [
    ('docs/route.rst has the steps and clauses of the code', routes),
    ('the clauses of the routes have tags', sections_have_tags),
    ('docs/style.rst quotes the code as it is', examples),
]


if __name__ == '__main__':
    report(CHECKS)
