# SPDX-License-Identifier: GPL-2.0-or-later
"""Linux's iommufd tests: fetched, unpacked and compiled, never committed.

The sources are those of Debian's linux-source packages, verified by APT and
kept by their hash (scripts/debfetch.py). Only the files that the tests consist
of are unpacked, to the user's cache directory. They are compiled as they are;
what a package's own header lacks is supplied beside it (see lacking()).
"""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / 'scripts'))
sys.path.insert(0, str(ROOT / 'tests' / 'guest'))
import debfetch                                     # noqa: E402
import kernel                                       # noqa: E402

# By the name of the tests. The newest is the guests' kernel.
SOURCES = {
    'new': kernel.SOURCE,
    '6.12': {
        'package': 'linux-source-6.12',
        'tested': '6.12.117-1',
        'suites': ['trixie-security', 'trixie'],
    },
}

WANTED = [
    'include/uapi/linux/iommufd.h',
    'include/uapi/linux/vfio.h',
    'drivers/iommu/iommufd/iommufd_test.h',
    'tools/testing/selftests/kselftest.h',
    'tools/testing/selftests/kselftest_harness.h',
    'tools/testing/selftests/iommu/iommufd.c',
    'tools/testing/selftests/iommu/iommufd_fail_nth.c',
    'tools/testing/selftests/iommu/iommufd_utils.h',
]
PROGRAMS = ['iommufd', 'iommufd_fail_nth']

# Part of the cache's key: raise it when the list above changes.
RECIPE = '1'


class Failed(Exception):
    """One line: what is wrong and what to do."""


def note(text):
    print(f'# {text}', flush=True)


def build_dir():
    return Path(os.environ.get('IM_BUILD_DIR') or ROOT / 'build')


def fetch(what):
    """Path of the .deb file of one of SOURCES."""
    try:
        if 'suites' not in what:
            return kernel.fetch(what)
        for suite in what['suites']:
            try:
                return Path(debfetch.fetch_deb(what['package'], suite))
            except debfetch.FetchError as e:
                error = e
        raise Failed(f"cannot fetch {what['package']}: {error}")
    except kernel.Failed as e:
        raise Failed(str(e)) from e


class Linux:
    """One version's test programs and headers."""

    def __init__(self, name):
        what = SOURCES[name]
        deb = fetch(what)
        package = kernel.deb_version(deb)
        tested = what['tested']
        if package.split('~')[0] != tested.split('~')[0]:
            note(f'warning: {deb.name} is not the tested version {tested}')
        self.version = re.search(r'linux-source-([\d.]+)_', deb.name).group(1)
        digest = deb.parent.name        # how debfetch keeps it
        self.tree = debfetch.cache_dir() / 'uapi' / f'{digest[:20]}-{RECIPE}'
        self.tree.parent.mkdir(parents=True, exist_ok=True)
        with kernel.locked(self.tree.with_suffix('.lock')):
            try:
                kernel.unpack_source(deb, self.tree, WANTED)
            except kernel.Failed as e:
                raise Failed(str(e)) from e
        self.out = build_dir() / 'uapi' / self.version
        self.out.mkdir(parents=True, exist_ok=True)

    def text(self, name):
        return (self.tree / name).read_text(encoding='utf-8')

    def lacking(self):
        """What the tests of this package use and its headers do not have.

        Debian's 6.12 got newer tests than headers. Returns arguments of the
        compiler; a header that needs a member more is copied below self.out.
        """
        uapi = self.text('include/uapi/linux/iommufd.h')
        test = self.text('drivers/iommu/iommufd/iommufd_test.h')
        args = [f'-D{name}={value}' for name, value in (
                    ('MOCK_FLAGS_DEVICE_PASID', '(1<<2)'),
                    ('MOCK_PASID_WIDTH', '20'),
                    ('IOMMU_HW_INFO_FLAG_INPUT_TYPE', '(1<<0)'))
                if name not in uapi + test]
        if 'in_data_type' not in uapi:
            uapi, members = re.subn(r'^\t__u32 out_data_type;',
                                    '\tunion {\n\t\t__u32 in_data_type;\n'
                                    '\t\t__u32 out_data_type;\n\t};',
                                    uapi, flags=re.M)
            uapi, names = re.subn(r'^(\s*)IOMMU_HW_INFO_TYPE_NONE = 0,',
                                  r'\g<0>\n\1IOMMU_HW_INFO_TYPE_DEFAULT = 0,',
                                  uapi, flags=re.M)
            if members != 1 or names != 1:
                raise Failed('iommufd.h of this version is of another form: '
                             'correct tests/uapi/linux.py')
            overlay = self.out / 'overlay' / 'linux'
            overlay.mkdir(parents=True, exist_ok=True)
            (overlay / 'iommufd.h').write_text(uapi, encoding='utf-8')
            args += ['-isystem', str(overlay.parent)]
        return args

    def compile(self, program):
        """Path of a test program."""
        cc = os.environ.get('CC', 'gcc').split()
        source = f'tools/testing/selftests/iommu/{program}.c'
        libs = ['-lcap'] if 'sys/capability.h' in self.text(source) else []
        # Headers that are not installed yet have the kernel's annotations.
        command = cc + ['-O2', '-w', '-D_GNU_SOURCE', '-D__counted_by(m)=',
                        '-D__user=', *self.lacking(),
                        '-isystem', 'include/uapi',
                        '-I', 'tools/testing/selftests', source]
        version = subprocess.run([*cc, '--version'], capture_output=True,
                                 text=True).stdout
        key = hashlib.sha256('\0'.join([*command, version, str(self.tree)])
                             .encode()).hexdigest()[:16]
        target = self.out / f'{program}-{key}'
        if not target.exists():
            tmp = self.out / f'.{program}-{os.getpid()}'
            done = subprocess.run([*command, '-o', str(tmp), *libs],
                                  cwd=self.tree, text=True,
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
            if done.returncode:
                print('\n'.join('# ' + s for s in
                                done.stdout.splitlines()[:20]))
                raise Failed(f'{source} of Linux {self.version} does not '
                             'compile')
            tmp.rename(target)
        return target
