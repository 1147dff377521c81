#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The guests' initramfs: busybox, our static programs, modules, init.

The archive is written here, byte for byte the same from the same input, so
it can be compared, and needs neither root nor cpio.
"""

import gzip
import hashlib
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import kernel
import selftests
from kernel import Failed, HERE, ROOT

CFLAGS = ['-std=gnu11', '-D_GNU_SOURCE', '-O2', '-g0', '-static', '-Wall',
          '-Wextra', '-Wshadow', '-Wstrict-prototypes',
          '-Wno-missing-field-initializers', '-Werror']
# For another machine than this one.
BUSYBOX = {
    'package': 'busybox-static',
    'tested': '1:1.37.0-6+b9',
    'suite': 'trixie',
    'pattern': r'^busybox-static$',
}
DIRECTORIES = ['bin', 'dev', 'proc', 'sys', 'tmp', 'mnt', 'modules',
               'selftests']


class Cpio:
    """A cpio archive of the form that Linux unpacks ("newc")."""

    def __init__(self):
        self.data = bytearray()
        self.inode = 0

    def add(self, name, mode, content=b'', rdev=(0, 0)):
        self.inode += 1
        path = name.encode() + b'\0'
        fields = [self.inode, mode, 0, 0, 1, 0, len(content), 0, 0,
                  rdev[0], rdev[1], len(path), 0]
        self.data += b'070701' + b''.join(b'%08X' % f for f in fields)
        self.data += path
        self.data += bytes(-len(self.data) % 4)
        self.data += content
        self.data += bytes(-len(self.data) % 4)

    def finish(self):
        self.add('TRAILER!!!', 0)
        return bytes(self.data)


def static_elf(path):
    """A program that needs no library: no PT_INTERP in its headers."""
    data = path.read_bytes()
    if data[:5] != b'\x7fELF\x02':
        return False
    phoff = int.from_bytes(data[32:40], 'little')
    size = int.from_bytes(data[54:56], 'little')
    count = int.from_bytes(data[56:58], 'little')
    kinds = [int.from_bytes(data[phoff + i * size:phoff + i * size + 4],
                            'little') for i in range(count)]
    return 3 not in kinds


def native(arch):
    """Whether programs for ARCH run here."""
    return os.uname().machine == {'arm64': 'aarch64'}.get(arch.name,
                                                          arch.name)


def busybox(arch):
    """A static one: this machine's, or of the other's package."""
    path = shutil.which('busybox') if native(arch) else foreign_busybox(arch)
    if not path or not static_elf(Path(path)):
        raise Failed('no static busybox: run ./configure --install-deps '
                     '(package busybox-static)')
    return Path(path)


def foreign_busybox(arch):
    out = kernel.arch_dir(arch) / 'busybox'
    if not (out / 'unpacked').exists():
        deb = kernel.fetch(BUSYBOX, arch.debian)
        kernel.warn_untested(BUSYBOX, deb)
        shutil.rmtree(out, ignore_errors=True)
        subprocess.run(['dpkg-deb', '-x', str(deb), str(out)], check=True)
        (out / 'unpacked').touch()
    return next(p for p in (out / 'usr/bin/busybox', out / 'bin/busybox')
                if p.exists())


def programs(arch):
    """Build the test programs; the path of imtest."""
    sources = sorted((HERE / 'src').glob('*.c'))
    inputs = sources + sorted((HERE / 'src').glob('*.h')) + [
        HERE / 'module/pasid_ep.h',
        ROOT / 'include/im/spec/pasid_ep_uapi.h']
    cc, version = kernel.compiler(arch)
    h = hashlib.sha256(f'{version} {CFLAGS}'.encode())
    for path in inputs:
        h.update(path.name.encode() + b'\0' + path.read_bytes())
    out = kernel.arch_dir(arch) / 'imtest'
    stamp = out.with_suffix('.stamp')
    if out.exists() and stamp.exists() and stamp.read_text() == h.hexdigest():
        return out
    out.parent.mkdir(parents=True, exist_ok=True)
    tmp = out.with_suffix(f'.{os.getpid()}')
    done = subprocess.run([cc, *CFLAGS, f'-I{ROOT}/include', '-o', str(tmp),
                           *map(str, sources)], capture_output=True, text=True)
    if done.returncode:
        sys.stderr.write(done.stderr)
        raise Failed('the guest programs do not compile')
    tmp.rename(out)
    stamp.write_text(h.hexdigest())
    return out


def build(arch, modules, selftests):
    """The archive; MODULES are (name, content) in the order to load them,
    SELFTESTS the paths of programs."""
    cpio = Cpio()
    for name in DIRECTORIES:
        cpio.add(name, stat.S_IFDIR | 0o755)
    cpio.add('dev/console', stat.S_IFCHR | 0o600, rdev=(5, 1))
    cpio.add('dev/null', stat.S_IFCHR | 0o666, rdev=(1, 3))
    cpio.add('bin/busybox', stat.S_IFREG | 0o755, busybox(arch).read_bytes())
    cpio.add('bin/imtest', stat.S_IFREG | 0o755, programs(arch).read_bytes())
    cpio.add('init', stat.S_IFREG | 0o755, (HERE / 'init').read_bytes())
    cpio.add('modules/order', stat.S_IFREG | 0o644,
             ''.join(f'{name}\n' for name, _ in modules).encode())
    for name, content in modules:
        cpio.add(f'modules/{name}.ko', stat.S_IFREG | 0o644, content)
    for path in selftests:
        cpio.add(f'selftests/{path.name}', stat.S_IFREG | 0o755,
                 path.read_bytes())
    return gzip.compress(cpio.finish(), 1, mtime=0)


def ensure(arch, which, with_selftests=False):
    """Paths of (kernel image, initramfs) of ARCH's guest 'own' or 'stock'."""
    if which == 'own':
        image, module = kernel.ensure_own(arch)
        modules = [('pasid_ep', module.read_bytes())]
    else:
        image, tree = kernel.ensure_stock(arch)
        order = (tree / 'order').read_text().split()
        modules = [(n, (tree / f'{n}.ko').read_bytes()) for n in order]
    programs_of_linux = selftests.ensure(arch) if with_selftests else []
    top = kernel.arch_dir(arch)
    name = 'selftests.gz' if with_selftests else 'initramfs.gz'
    with kernel.locked(top / f'initramfs-{which}.lock'):
        out = top / which / name
        tmp = out.with_suffix('.new')
        tmp.write_bytes(build(arch, modules, programs_of_linux))
        kernel.place(tmp, out)
        tmp.unlink()
    return image, out
