# SPDX-License-Identifier: GPL-2.0-or-later
"""The tables of properties in docs/ against what the devices say."""

import re
import subprocess
from pathlib import Path

from harness import emulator, expect, main, rows

DOCS = Path(__file__).resolve().parent.parent.parent / 'docs'

# device: its machine, the option that asks for help, and a device whose
# properties every one of its kind has
DEVICES = {
    'vtd-model': ('q35', '-device', None),
    'smmuv3-model': ('virt', '-device', None),
    'pasid-endpoint': ('q35', '-device', 'edu'),
    'ioasid-host': ('q35', '-object', None),
}
# of QEMU's own devices, in docs/migrating.rst
FOREIGN = {'vtd-model': 'intel-iommu', 'smmuv3-model': 'arm-smmuv3'}


def helped(device, machine, option):
    """{property: (type, description, default or None)}"""
    done = subprocess.run(
        [emulator(machine), *(['-machine', machine] if option == '-device'
                              else []), option, f'{device},help'],
        capture_output=True, text=True)
    expect(done.returncode, 0, f'exit status: {done.stderr}')
    found = {}
    for line in done.stdout.splitlines():
        m = re.match(r'  ([\w-]+)=<(\S+)>(?:\s+- (.*?))?'
                     r'(?: \(default: ([^()]*)\))?$', line)
        if m:
            found[m[1]] = m[2], m[3] or '', m[4]
    return found


def tables(text):
    """Cells of the rows of every simple table; a first cell that is empty
    continues a row, as one that follows a comma does."""
    out, spans, header = [], None, 0
    for line in text.splitlines():
        if re.fullmatch(r'=+( +=+)+', line):
            if spans is None:
                spans = [m.span() for m in re.finditer('=+', line)]
                header = 1
            elif header == 1:
                header = 2
            else:
                spans = None
        elif spans and header == 2:
            cells = [line[a:b].strip() for a, b in spans[:-1]]
            cells.append(line[spans[-1][0]:].strip())
            if out and (not cells[0] or out[-1][0].endswith(',')):
                out[-1] = [f'{x} {y}'.strip() for x, y in zip(out[-1], cells)]
            else:
                out.append(cells)
    return out


def documented(device):
    """{property: default as the page has it}"""
    page = (DOCS / 'system/devices' / f'{device}.rst').read_text()
    section = re.search(r'\nProperties\n-+\n(.*?)(?=\n[^\n]+\n---)', page,
                        re.S)[1]
    return {name: cells[1] for cells in tables(section)
            for name in re.split(r',\s*', cells[0])}


def foreign(device):
    page = (DOCS / 'migrating.rst').read_text()
    return {name for cells in tables(page) if cells[0] == FOREIGN[device]
            for name in re.split(r',\s*', cells[1])}


def own(device):
    machine, option, kin = DEVICES[device]
    common = helped(kin, machine, option) if kin else {}
    return {name: row for name, row in helped(device, machine, option).items()
            if name not in common}


def default_of(kind, text, default):
    """As a page would write it."""
    auto = re.search(r'\bauto: (on|off)$', text)
    said = re.search(r'\bdefault: (\S+?)(?: in [\w-]+,.*)?$', text) \
        or re.search(r'(\w+) \(the default\)', text)
    if default == 'auto' and auto:
        return auto[1]
    return default if default is not None else said[1] if said else 'none'


@rows([(d, d) for d in DEVICES])
def every_property_is_documented(device):
    alien = {n for n, (_, text, _) in own(device).items()
             if text.startswith('of ')}
    expect(sorted(own(device).keys() - alien - documented(device).keys()), [],
           'properties that the page lacks')


@rows([(d, d) for d in DEVICES])
def every_documented_property_exists(device):
    expect(sorted(documented(device).keys() - own(device).keys()), [],
           'properties that the device lacks')


@rows([(d, d) for d in DEVICES])
def defaults_are_documented(device):
    found = own(device)
    for name, said in documented(device).items():
        want = default_of(*found[name])
        if re.fullmatch(r'0x[0-9a-f]+', said):
            want, said = int(want), int(said, 16)
        elif said == 'auto (on)':
            said = 'auto'
        expect(said, want, f'default of {name}')


@rows([(d, d) for d in DEVICES])
def every_property_is_described(device):
    for name, (_, text, _) in own(device).items():
        expect(bool(text) and 'on/off' not in text, True,
               f'{name} has a description')


@rows([(d, d) for d in FOREIGN])
def options_of_qemu_are_documented(device):
    expect(foreign(device),
           {n for n, (_, text, _) in own(device).items()
            if text.startswith(f'of {FOREIGN[device]}: ')},
           'options in docs/migrating.rst')


@rows([(d, d) for d in FOREIGN])
def options_of_qemu_are_known(device):
    """What QEMU's device has in this binary is ours, too, or a row."""
    machine, option, _ = DEVICES[device]
    theirs = helped(FOREIGN[device], machine, option)
    expect(sorted(theirs.keys() - own(device).keys()), [],
           'options that ours does not know')


if __name__ == '__main__':
    main()
