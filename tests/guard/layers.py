#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The two guards of the layering: what the models include, and what libim.a
asks of and offers to whoever links it. Prints TAP."""

import argparse
import re
import subprocess
from pathlib import Path

from report import report

# Who may include what, besides its own directory: arrows point down only.
BELOW = {
    'hw/core': ['im', 'hw/core'],
    'hw/fmt': ['im', 'hw/core', 'hw/fmt'],
    'hw/vtd': ['im', 'hw/core', 'hw/fmt', 'hw/vtd'],
    'hw/smmuv3': ['im', 'hw/core', 'hw/fmt', 'hw/smmuv3'],
    'hw/ioasid': ['im', 'hw/core', 'hw/fmt', 'hw/ioasid'],
    'hw/viommu': ['im', 'hw/core', 'hw/viommu'],
    'hw/iommufd': ['im', 'hw/core', 'hw/fmt', 'hw/iommufd'],
    'hw/pcie': ['im', 'hw/core', 'hw/fmt', 'hw/pcie'],
    'include/im': ['im'],
}
# C11's headers that a model has a use for; not <time.h> and <threads.h>.
SYSTEM = {'glib.h', 'assert.h', 'errno.h', 'inttypes.h', 'limits.h',
          'stdarg.h', 'stdbool.h', 'stddef.h', 'stdint.h', 'stdio.h',
          'stdlib.h', 'string.h'}

# A model has no clock, no thread and no way out but its port.
DENIED = re.compile(
    r'time|clock_.*|gettimeofday|nanosleep|u?sleep|pthread_.*|thrd_.*|mtx_.*|'
    r'g_(thread|mutex|rec_mutex|rw_lock|cond|timer|timeout|idle|main)_.*|'
    r'g_(get_(monotonic|real)_time|usleep|random_.*|getenv|file_.*|spawn_.*)|'
    r'exit|_exit|getenv|s?rand(om)?|f?open|socket|fork|system')

LISTS = {'hw': ['core', 'fmt', 'vtd', 'smmuv3', 'pcie', 'ioasid', 'viommu',
                'iommufd', 'qemu'],
         'tests': ['lib', 'unit', 'spec', 'fuzz', 'qtest', 'bench']}


def unnamed(root):
    """Folders of models and engines of which no list says a thing."""
    for path in sorted((root / 'hw').iterdir()):
        name = f'hw/{path.name}'
        if path.is_dir() and name != 'hw/qemu' and name not in BELOW:
            yield f'{name}: BELOW does not say what it may include'
        if path.is_dir() and path.name not in LISTS['hw']:
            yield f'{name}: not in LISTS'


def includes(root):
    for top, allowed in BELOW.items():
        for path in sorted((root / top).rglob('*')):
            if path.suffix not in ('.c', '.h', '.inc'):
                continue
            uapi = path.name.endswith('_uapi.h')    # for guests: no libim
            for n, line in enumerate(path.read_text().splitlines(), 1):
                found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)', line)
                if not found:
                    continue
                quote, name = found.groups()
                ok = (name in SYSTEM or uapi and name == 'linux/types.h'
                      if quote == '<' else
                      any(name.startswith(a + '/') for a in allowed))
                if not ok:
                    yield f'{path.relative_to(root)}:{n}: includes {name}'


def halves(root):
    """The IOAS half and the device half of iommufd meet in iommufd.h."""
    for path in sorted((root / 'hw/iommufd').glob('*.[ch]')):
        text = path.read_text()
        if 'hw/iommufd/ioas.h"' in text and 'hw/iommufd/dev_int.h"' in text:
            yield f'{path.relative_to(root)}: of both halves'


def specification(root):
    for path in sorted((root / 'hw/core').glob('*.[ch]')):
        for n, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(r'im/spec/|\bIM_(RULE|CLAUSE)\(', line):
                yield f'{path.relative_to(root)}:{n}: of a specification'


def unlisted(root):
    for top, dirs in LISTS.items():
        for sub in dirs:
            base = root / top / sub
            listing = base / 'meson.build'
            if not listing.exists():
                continue
            lines = re.sub(r'(?m)^\s*#.*$', '', listing.read_text())
            named = set(re.findall(r"'([^']+)'", lines))
            for path in sorted(base.rglob('*.c')):
                name = str(path.relative_to(base))
                if name not in named and name[:-2] not in named:
                    yield f'{path.relative_to(root)}: in no list of {listing}'


def nm(*args):
    done = subprocess.run(['nm', *args], stdout=subprocess.PIPE, text=True,
                          check=True)
    return done.stdout.splitlines()


def needed(binary, library):
    """The file that @binary is linked with as @library."""
    done = subprocess.run(['ldd', binary], stdout=subprocess.PIPE, text=True,
                          check=True)
    return re.search(rf'{re.escape(library)}\S* => (\S+)', done.stdout)[1]


def symbols(archives, probe):
    defined = {s.split()[0] for s in nm('-g', '-P', '--defined-only', *archives)
               if len(s.split()) > 1}
    wanted = {s.split()[0] for s in nm('-u', '-P', *archives)
              if len(s.split()) > 1} - defined
    known = {'_GLOBAL_OFFSET_TABLE_', '__stack_chk_fail'}
    for library in ('libc.so', 'libglib-2.0.so'):
        known |= {re.split('@', s.split()[0])[0] for s in
                  nm('-D', '-P', '--defined-only', needed(probe, library))}
    return defined, wanted, known


def misnamed(defined):
    for name in sorted(defined):
        if not name.startswith(('im_', 'IM_')):     # functions, constants
            yield f'{name}: a public symbol without im_'


def beyond(wanted, known):
    for name in sorted(wanted):
        if name not in known:
            yield f'{name}: neither ours nor of libc or glib'
        elif DENIED.fullmatch(name):
            yield f'{name}: a model has no clock, thread or environment'


def state(archives):
    """Objects that are neither code nor constant."""
    for line in nm('-f', 'sysv', *archives):
        part = [p.strip() for p in line.split('|')]
        if len(part) == 7 and re.match(r'\.t?(data|bss)(?!\.rel\.ro)|\*COM\*',
                                       part[6]):
            yield f'{part[0]}: lives in {part[6]}: models own no globals'


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--source', type=Path, required=True)
    parser.add_argument('--archive', nargs='+')
    parser.add_argument('--probe', help='a program linked with libc and glib')
    a = parser.parse_args()
    checks = [
        ('every-folder-has-its-place', unnamed(a.source)),
        ('includes-point-down-only', includes(a.source)),
        ('engines-know-no-specification', specification(a.source)),
        ('iommufd-has-two-halves', halves(a.source)),
        ('every-source-is-built', unlisted(a.source)),
    ]
    if a.archive:
        defined, wanted, known = symbols(a.archive, a.probe)
        checks += [
            ('public-symbols-start-with-im', misnamed(defined)),
            ('nothing-beyond-libc-and-glib', beyond(wanted, known)),
            ('no-global-state', state(a.archive)),
        ]
    report([(name, lambda rows=rows: rows) for name, rows in checks])


if __name__ == '__main__':
    main()
