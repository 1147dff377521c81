# SPDX-License-Identifier: GPL-2.0-or-later
"""Linux's tests of VFIO for the guest: unpacked from the package our kernel is
built of, compiled as they are, never committed."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import kernel
from kernel import Failed, HERE

TESTS = 'tools/testing/selftests'
PROGRAMS = ['vfio_dma_mapping_test', 'vfio_dma_mapping_mmio_test',
            'vfio_iommufd_setup_test', 'vfio_pci_device_test',
            'vfio_pci_device_init_perf_test', 'vfio_pci_driver_test',
            'vfio_pci_sriov_uapi_test']
# Of the package. The tests' drivers have links to registers of the kernel's.
WANTED = [f'{TESTS}/vfio', f'{TESTS}/kselftest*.h', 'tools/include',
          'include/linux/pci_ids.h',
          'tools/arch/*/include', 'include/uapi/linux/iommufd.h',
          'include/uapi/linux/vfio.h', 'drivers/dma/ioat', 'drivers/dma/idxd',
          'drivers/net/ethernet/intel/igb']
# drivers of devices that only x86 has
X86_ONLY = ['ioat', 'dsa']
SHIM = HERE / 'src/shim'
CFLAGS = ['-O2', '-w', '-static', '-pthread', '-D_GNU_SOURCE',
          # headers that are not installed have the kernel's annotations
          '-D__counted_by(m)=', '-D__user=', '-I', 'tools/include',
          '-isystem', 'include/uapi', '-I', TESTS,
          '-I', f'{TESTS}/vfio/lib/include', '-I', str(SHIM)]

# Part of the cache's key: raise it when the lists above change.
RECIPE = '1'


def source():
    """The tree with the tests, unpacked once for this machine."""
    deb = kernel.fetch(kernel.SOURCE)
    kernel.warn_untested(kernel.SOURCE, deb)
    # how debfetch keeps it: by its hash
    tree = kernel.cache_dir() / 'vfio' / f'{deb.parent.name[:20]}-{RECIPE}'
    with kernel.locked(tree.with_suffix('.lock')):
        kernel.unpack_source(deb, tree, WANTED)
    return tree


def library(tree, arch):
    files = sorted((tree / TESTS / 'vfio/lib').rglob('*.c'))
    return [str(f.relative_to(tree)) for f in files
            if arch.kbuild == 'x86' or f.parent.name not in X86_ONLY]


def ensure(arch):
    """Paths of the programs, static, for ARCH."""
    cc, version = kernel.compiler(arch)
    tree = source()
    command = [cc, *CFLAGS, '-I', f'tools/arch/{arch.kbuild}/include']
    h = hashlib.sha256('\0'.join([version, str(tree), *command]).encode())
    for name in ('uuid/uuid.h', 'patience.c'):
        h.update((SHIM / name).read_bytes())
    out = kernel.arch_dir(arch) / f'selftests-{h.hexdigest()[:16]}'
    with kernel.locked(kernel.arch_dir(arch) / 'selftests.lock'):
        if not out.exists():
            compile_all(arch, tree, command, out)
    return [out / name for name in PROGRAMS]


def compile_all(arch, tree, command, out):
    tmp = out.with_name(f'{out.name}.{os.getpid()}')
    tmp.mkdir()
    log = kernel.guest_dir() / f'logs/vfio-{arch.name}.log'
    objects = []
    for name in [*library(tree, arch), str(SHIM / 'patience.c')]:
        objects.append(str(tmp / name.replace('/', '-')[:-1]) + 'o')
        kernel.run_logged([*command, '-c', name, '-o', objects[-1]], log,
                          cwd=tree)
    for name in PROGRAMS:
        kernel.run_logged([*command, f'{TESTS}/vfio/{name}.c', *objects,
                           '-Wl,--wrap=poll', '-o', str(tmp / name)], log,
                          cwd=tree)
    for name in objects:
        os.unlink(name)
    for old in out.parent.glob('selftests-*'):
        if old.is_dir() and old != tmp:
            shutil.rmtree(old)
    tmp.rename(out)
    kernel.say(f'the VFIO tests for {arch.name} are built')
