#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Static functions carry the prefix of their file's subject, so that a name
is one function: for a breakpoint, a profile, a search. Prints TAP."""

import re
from pathlib import Path

from report import report

ROOT = Path(__file__).resolve().parents[2]
TOPS = ('hw', 'tools')
# What a folder's names begin with; a file's own name follows.
FOLDERS = {
    'hw/core': '', 'hw/fmt': '', 'hw/ioasid': 'io_', 'hw/iommufd': 'iof_',
    'hw/pcie': 'ep_', 'hw/qemu': '', 'hw/smmuv3': 'smmu_', 'hw/viommu': 'vi_',
    'hw/vtd': 'vtd_',
    'tools': '', 'tools/iommufd': '',
}
# Files whose subject has another name.
SUBJECTS = {
    'hw/fmt/smmu_cd.c': 'cd_',
    'hw/fmt/smmu_ste.c': 'ste_',
    'hw/fmt/vtd_first.c': 'fs_',
    'hw/fmt/vtd_second.c': 'ss_',
    'hw/ioasid/ioasid.c': 'io_',
    'hw/iommufd/driver_smmu.c': 'iof_smmu_',
    'hw/iommufd/driver_vtd.c': 'iof_vtd_',
    'hw/pcie/ep.c': 'ep_',
    'hw/qemu/im-endpoint-port.c': 'ep_port_',
    'hw/qemu/im-endpoint.c': 'ep_',
    'hw/qemu/im-ioasid-options.c': 'host_options_',
    'hw/qemu/im-ioasid-qmp.c': 'host_qmp_',
    'hw/qemu/im-ioasid-ram.c': 'host_ram_',
    'hw/qemu/im-ioasid-vcmd.c': 'host_vcmd_',
    'hw/qemu/im-ioasid.c': 'host_',
    'hw/qemu/im-qmp.c': '(?:qmp|im_model)_',
    'hw/qemu/im-vtd-irq.c': 'vtdm_irq_',
    'hw/qemu/im-vtd-units.c': 'vtdm_units_',
    'hw/qemu/im-vtd.c': 'vtdm_',
    'hw/smmuv3/smmu.c': 'smmu_',
    'hw/viommu/viommu.c': 'vi_',
    'hw/vtd/vtd.c': 'vtd_',
    'tools/ioasid.c': 'main_',
    'tools/iommufd/raw.h': 'raw_',
}
FUNCTION = re.compile(r'^(?:static|IM_INLINE)\b(?:[^;={}()]|G_GNUC_PRINTF\(.*?\))*?'
                      r'(?<![#\w])(\w+)\((?=[^;{]*[{;])', re.M)
MACROS = ('QLIST_HEAD', 'G_N_ELEMENTS', 'G_GNUC_PRINTF')


def prefix(path):
    subject = path.stem.removeprefix('im-').replace('-', '_')
    folder = FOLDERS.get(str(path.parent), '')
    return SUBJECTS.get(str(path), f'{folder}{subject}_')


def functions():
    for top in TOPS:
        for path in sorted((ROOT / top).rglob('*.[ch]')):
            where = path.relative_to(ROOT)
            for name in dict.fromkeys(FUNCTION.findall(path.read_text())):
                if name not in MACROS:
                    yield where, name


def folders():
    found = {str(path.relative_to(ROOT).parent) for top in TOPS
             for path in (ROOT / top).rglob('*.[ch]')}
    return [f'{name}: FOLDERS does not say how its functions begin'
            for name in sorted(found - set(FOLDERS))]


def strangers():
    for where, name in functions():
        own = 'im_' if where.suffix == '.h' and 'tools' not in str(where) \
            else prefix(where)
        if not re.match(own, name):
            yield f'{where}: {name} should begin with {own}'


def twice():
    seen = {}
    for where, name in functions():
        if seen.setdefault(name, where) != where:
            yield f'{name} is in {seen[name]} and in {where}'


if __name__ == '__main__':
    report([('every folder says how its static functions begin', folders),
            ('static functions have the prefix of their file', strangers),
            ('a name is one function', twice)])
