# SPDX-License-Identifier: GPL-2.0-or-later
"""Every command of the monitors that a page shows, run."""

import json
import os
import re
from pathlib import Path

from harness import Failure, Machine, expect_true, main, rows, test

ROOT = Path(os.path.dirname(os.path.abspath(__file__))).parents[1]
PAGES = [ROOT / 'README.rst', *sorted((ROOT / 'docs').rglob('*.rst'))]

PORT = ('-device', 'pcie-root-port,id=rp0,chassis=1')
ENDPOINT = (*PORT, '-device', 'pasid-endpoint,bus=rp0,id=ep0')
Q35 = 'q35', ('-device', 'vtd-model,id=iommu0', *ENDPOINT)
# What the commands of a page are for, by its name.
MACHINES = {
    'smmuv3-model': ('virt,gic-version=3',
                     ('-device', 'smmuv3-model,id=smmu0', *ENDPOINT)),
    'ioasid-host': ('q35', (
        '-object', 'ioasid-host,id=h0', '-device', 'vtd-model',
        '-device', 'pasid-endpoint,id=ep,host=h0,host-rid=0x100')),
}


def monitor_lines(text):
    """'info x-im ...', as a literal in a line or as a line of its own."""
    text = re.sub(r'``[^`]*``', lambda m: ' '.join(m[0].split()), text)
    for line in text.splitlines():
        found = re.findall(r'``(info x-im[^`]*)``', line)
        bare = re.match(r'\s+(info x-im[^`]*)$', line)
        yield from found or ([bare[1]] if bare else [])


def qmp_commands(text):
    """{ "execute": ... }, which may go on for some lines."""
    decoder = json.JSONDecoder()
    for m in re.finditer(r'\{ "execute"', text):
        yield decoder.raw_decode(text, m.start())[0]


def names(text):
    return set(re.findall(r'\bx-im-[a-z-]*[a-z]', text))


def run_page(vm, text):
    known = {c['name'] for c in vm.qmp('query-commands')}
    for name in names(text):
        if f'info {name}' not in text:
            expect_true(name in known, f'QMP has {name}')
    count = 0
    for line in monitor_lines(text):
        said = vm.hmp(line.replace(' ...', ' 01:00.0 0x1000')).strip()
        bad = re.match(r'Error|unknown command|.*Try "help', said)
        expect_true(said and not bad, f'"{line}" works; it says: {said}')
        count += 1
    for command in qmp_commands(text):
        vm.qmp(command['execute'], **command.get('arguments', {}))
        count += 1
    return count


def has_commands(page):
    return 'x-im' in page.read_text()


@rows([(str(p.relative_to(ROOT)), p) for p in PAGES if has_commands(p)])
def page(path):
    machine, options = MACHINES.get(path.stem, Q35)
    with Machine(*options, machine=machine) as vm:
        run_page(vm, path.read_text())


@test
def pages_show_commands():
    """So that the above cannot pass because it finds none."""
    count = sum(len(list(monitor_lines(p.read_text()))) +
                len(list(qmp_commands(p.read_text()))) for p in PAGES)
    expect_true(count >= 20, f'only {count} commands found')


@rows([
    ('monitor', 'see ``info x-im dumb``\n'),
    ('monitor/block', '::\n\n    info x-im explain 01:00.0\n'),
    ('monitor/other-command', '``info x-im-dump``'),
    ('name', 'QMP ``x-im-explains`` shows'),
    ('qmp/argument', '{ "execute": "x-im-explain", "arguments": {} }'),
])
def a_wrong_page_fails(text):
    with Machine(*Q35[1]) as vm:
        try:
            run_page(vm, text)
        except Failure:
            return
    expect_true(False, f'nothing wrong with {text}')


if __name__ == '__main__':
    main()
