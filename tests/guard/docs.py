#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What documents say of the code: docs/route.rst of the routes, step by step
and clause by clause, and LICENSE of each file. Prints TAP."""

import re
import sys
from pathlib import Path

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
MIT, GPL = 'MIT', 'GPL-2.0-or-later'


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


def licensed():
    """{directory: license} as LICENSE names them, by its two paragraphs."""
    text = (ROOT / 'LICENSE').read_text()
    mit, gpl = re.split(r'^GPL-2.0-or-later', text, flags=re.M)[:2]
    names = {}
    for part, which in ((mit, MIT), (gpl.split('Why:')[0], GPL)):
        for name in re.findall(r'[\w/]+/', part.split('Why:')[0]):
            names[name] = which
    names.pop('tests/', None)           # file by file
    return names


def licenses():
    names = licensed()
    dirs = {f'hw/{p.name}/' for p in (ROOT / 'hw').iterdir() if p.is_dir()}
    for missing in sorted(dirs - set(names)):
        yield f'LICENSE does not name {missing}'
    for name, want in names.items():
        if not (ROOT / name).is_dir():
            yield f'LICENSE names {name}, which is not there'
        for path in sorted((ROOT / name).rglob('*')):
            if not path.is_file() or path.suffix in ('.pyc', '.json'):
                continue
            head = path.read_text(errors='replace').split('\n', 15)[:15]
            found = re.search(r'SPDX-License-Identifier: (\S+)',
                              '\n'.join(head))
            if found and found[1] not in (want, 'GPL-2.0'):
                yield f'{path.relative_to(ROOT)}: {found[1]}, in LICENSE {want}'


CHECKS = [
    ('docs/route.rst has the steps and clauses of the code', routes),
    ('the clauses of the routes have tags', sections_have_tags),
    ('LICENSE has the licenses of the files', licenses),
]


def main():
    print(f'1..{len(CHECKS)}')
    failed = 0
    for number, (name, check) in enumerate(CHECKS, 1):
        rows = list(check())
        failed += bool(rows)
        print(f'{"not ok" if rows else "ok"} {number} {name}')
        for row in rows:
            print(f'# {row}')
    sys.exit(failed != 0)


if __name__ == '__main__':
    main()
