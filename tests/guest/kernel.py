#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Guest kernels: an own-config Linux 7.x, our module for it, stock Debian.

  kernel.py build     fetch, build and place all of them below the build
                      directory, or those of --arch; does nothing that is
                      already done
  kernel.py list      what is recorded, what is cached, what is in place

A kernel is cached under the user's cache directory, named by the hash of what
it was made from (source package, configuration, compiler), so that another
checkout on the same machine finds it.  Every step may be interrupted: a
directory gets its final name only when it is complete, and an interrupted
compilation goes on where it stopped.
"""

import argparse
import fcntl
import hashlib
import lzma
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / 'scripts'))
sys.path.insert(0, str(HERE))
from arch import ARCHES                             # noqa: E402

# What the tests were run with; the stock kernels are in arch.py. When the
# archive no longer has it, the newest package that fits is taken, with a
# warning.
SOURCE = {
    'package': 'linux-source-7.3',
    'tested': '7.3.4-1~bpo13+1',
    'suite': 'trixie-backports',
    'pattern': r'^linux-source-7\.\d+$',
}
# In this order or later in it; what a module depends on is added.
STOCK_MODULES = ['virtio_pci', 'virtio_blk', 'virtio_net', 'nvme', 'e1000e',
                 'ahci', 'sd_mod', 'af_packet']

MODULE_SOURCES = ['main.c', 'space.c', 'job.c', 'device.h', 'pasid_ep.h',
                  'Kbuild']

# Part of the cache's key: raise it when the way a kernel is built changes.
RECIPE = '1'


class Failed(Exception):
    """One line: what is wrong and what to do."""


def say(text):
    """Beside a test's TAP, which is on standard output."""
    print(f'guest: {text}', file=sys.stderr, flush=True)


def cache_dir():
    base = os.environ.get('XDG_CACHE_HOME') or os.path.join(
        os.path.expanduser('~'), '.cache')
    return Path(base) / 'qemu-pasid'


def build_dir():
    return Path(os.environ.get('IM_BUILD_DIR') or ROOT / 'build')


def guest_dir():
    return build_dir() / 'guest'


def arch_dir(arch):
    return guest_dir() / arch.name


def sha256_file(path):
    with open(path, 'rb') as f:
        return hashlib.file_digest(f, 'sha256').hexdigest() \
            if hasattr(hashlib, 'file_digest') \
            else hashlib.sha256(f.read()).hexdigest()


@contextmanager
def locked(path):
    """Two builds at once take turns; the second finds the first's result."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'w', encoding='utf-8') as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say('waiting for another build of the guest kernels')
            fcntl.flock(f, fcntl.LOCK_EX)
        yield


def place(src, dst):
    """Copy SRC to DST unless DST is the same already."""
    dst.parent.mkdir(parents=True, exist_ok=True)
    if dst.exists() and dst.stat().st_size == src.stat().st_size \
            and dst.read_bytes() == src.read_bytes():
        return
    tmp = dst.with_name(f'{dst.name}.{os.getpid()}')
    shutil.copy2(src, tmp)
    tmp.rename(dst)


def fetch(what, debian=None):
    """The path of the recorded package, or of the newest that fits."""
    import debfetch                                 # below scripts/
    try:
        return Path(debfetch.fetch_deb(what['package'], what['suite'],
                                       arch=debian))
    except Exception as first:
        try:
            newest = debfetch.newest(what['pattern'], what['suite'],
                                     arch=debian)
            if not newest or newest == what['package']:
                raise first
            say(f"warning: {what['package']} cannot be fetched ({first}); "
                f"taking {newest}, which was not tested")
            return Path(debfetch.fetch_deb(newest, what['suite'],
                                           arch=debian))
        except Exception as error:
            raise Failed(f"cannot fetch {what['package']}: {error}") from error


def deb_version(deb):
    return subprocess.run(['dpkg-deb', '-f', str(deb), 'Version'], check=True,
                          capture_output=True, text=True).stdout.strip()


def warn_untested(what, deb):
    version = deb_version(deb)
    if version != what['tested']:
        say(f"warning: {deb.name} is not the tested version "
            f"{what['tested']}")
    return version


# --- the own-config kernel --------------------------------------------------

def compiler(arch):
    cc = os.environ.get(arch.cc_env, arch.cc)
    try:
        out = subprocess.run([cc, '--version'], check=True,
                             capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError) as e:
        raise Failed(f'no compiler {cc}: run ./configure --install-deps') \
            from e
    return cc, out.splitlines()[0]


def make_env():
    env = dict(os.environ)
    # ccache through its compiler links: with CC="ccache gcc" kbuild would
    # take the host and the target compiler for two different ones.
    links = Path('/usr/lib/ccache')
    if links.is_dir():
        env['PATH'] = f'{links}:{env["PATH"]}'
        env['CCACHE_NOHASHDIR'] = '1'
        env['CCACHE_BASEDIR'] = str(guest_dir())
    env.update(KBUILD_BUILD_TIMESTAMP='1970-01-01', KBUILD_BUILD_USER='im',
               KBUILD_BUILD_HOST='guest', LC_ALL='C')
    for name in ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'ARCH', 'CROSS_COMPILE'):
        env.pop(name, None)
    return env


class Progress:
    """One line now and then: which step, how far, how long."""

    def __init__(self, name, expected):
        self.name, self.expected = name, expected
        self.count, self.start, self.last = 0, time.monotonic(), 0.0

    def step(self, line):
        if re.match(r'\s+(CC|AS|LD|AR|HOSTCC|GEN|SYNC|CHK|UPD|OBJCOPY)\b',
                    line):
            self.count += 1
        now = time.monotonic()
        if now - self.last >= (2 if sys.stderr.isatty() else 15):
            self.last = now
            self.show()

    def show(self):
        t = int(time.monotonic() - self.start)
        percent = min(99, 100 * self.count // self.expected)
        say(f'{self.name}: {self.count} of about {self.expected} steps '
            f'({percent} %), {t // 60} min {t % 60:02} s')


def run_logged(cmd, log, cwd=None, env=None, progress=None):
    """Run CMD, its output to LOG; on failure the end of LOG is shown."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, 'w', encoding='utf-8', errors='replace') as out:
        with subprocess.Popen(cmd, cwd=cwd, env=env, text=True,
                              errors='replace', stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT,
                              start_new_session=True) as p:
            try:
                for line in p.stdout:
                    out.write(line)
                    if progress:
                        progress.step(line)
            except BaseException:
                os.killpg(p.pid, signal.SIGTERM)
                raise
    if p.returncode:
        tail = log.read_text(encoding='utf-8', errors='replace')
        for line in tail.splitlines()[-25:]:
            print('  | ' + line, file=sys.stderr, flush=True)
        raise Failed(f'"{" ".join(map(str, cmd[:6]))} ..." failed; '
                     f'its whole output is in {log}')


def unpack_source(deb, into, wanted=None):
    """The tree of a linux-source package, or what of it is WANTED (patterns
    below its top), at INTO."""
    if into.exists():
        return
    into.parent.mkdir(parents=True, exist_ok=True)
    tmp = into.with_name(into.name + '.part')
    shutil.rmtree(tmp, ignore_errors=True)
    tmp.mkdir()
    say(f'unpacking {deb.name}')
    deb_tar = subprocess.Popen(['dpkg-deb', '--fsys-tarfile', str(deb)],
                               stdout=subprocess.PIPE)
    with tarfile.open(fileobj=deb_tar.stdout, mode='r|') as outer:
        for member in outer:
            if member.name.endswith('.tar.xz'):
                with open(tmp / 'source.tar.xz', 'wb') as f:
                    shutil.copyfileobj(outer.extractfile(member), f)
    if deb_tar.wait():
        raise Failed(f'{deb} cannot be read: remove it and run again')
    # the first directory is named after the version
    done = subprocess.run(
        ['tar', '-xf', 'source.tar.xz', '--strip-components=1',
         *(['--wildcards', *(f'linux-source-*/{n}' for n in wanted)]
           if wanted else [])],
        cwd=tmp, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise Failed(f'{deb.name} is without what is wanted of it: '
                     f'{done.stderr.splitlines()[0]}')
    (tmp / 'source.tar.xz').unlink()
    tmp.rename(into)


def wanted_config(arch):
    return ''.join((HERE / 'config' / name).read_text(encoding='utf-8')
                   for name in ('common.config', arch.config))


def check_config(wanted, got):
    have = set(got.splitlines())
    lost = [line for line in wanted.splitlines()
            if line.startswith('CONFIG_') and line not in have]
    if lost:
        raise Failed('Kconfig dropped ' + ', '.join(lost) + ': correct '
                     'tests/guest/config for this kernel version')


def own_key(arch, deb):
    cc, version = compiler(arch)
    h = hashlib.sha256()
    for part in (RECIPE, sha256_file(deb), wanted_config(arch), cc, version):
        h.update(part.encode() + b'\0')
    return h.hexdigest()[:20]


def make_command(arch, *where):
    """make in WHERE; the host's programs are not the guest's."""
    cc, _ = compiler(arch)
    host = os.environ.get('IM_GUEST_CC', 'gcc')
    return ['make', *where, f'ARCH={arch.kbuild}',
            f'CROSS_COMPILE={arch.cross}', f'CC={cc}', f'HOSTCC={host}']


def build_own(arch):
    """The own-config kernel: a directory with its image and devel/."""
    deb = fetch(SOURCE)
    version = warn_untested(SOURCE, deb)
    final = cache_dir() / 'kernel' / own_key(arch, deb)
    with locked(final.with_suffix('.lock')), \
            locked(guest_dir() / 'linux.lock'):
        if (final / 'complete').exists():
            return final
        need_tools(['make', 'flex', 'bison', 'bc', 'tar', 'xz'])
        name = f'Linux {version} for {arch.name}'
        logs = guest_dir() / 'logs'
        work = guest_dir() / 'linux'
        src = work / f'src-{version}'
        obj = work / f'obj-{final.name}'
        unpack_source(deb, src)
        obj.mkdir(parents=True, exist_ok=True)
        wanted = wanted_config(arch)
        (obj / 'wanted.config').write_text(wanted, encoding='utf-8')
        env = make_env()
        make = ['nice', *make_command(arch, '-C', str(src), f'O={obj}'),
                f'-j{os.cpu_count() or 1}']
        if not (obj / '.config').exists():
            say(f'configuring {name}')
            run_logged(make + [f'KCONFIG_ALLCONFIG={obj}/wanted.config',
                               'allnoconfig'],
                       logs / f'kernel-config-{arch.name}.log', env=env)
        check_config(wanted, (obj / '.config').read_text(encoding='utf-8'))
        say(f'building {name} (some minutes; can be interrupted)')
        progress = Progress(name, arch.steps)
        progress.count = sum(1 for _ in obj.rglob('*.o'))   # of a run before
        run_logged(make + [arch.target, 'modules'],
                   logs / f'kernel-build-{arch.name}.log', env=env,
                   progress=progress)
        progress.show()
        tmp = final.with_name(final.name + '.part')
        shutil.rmtree(tmp, ignore_errors=True)
        (tmp / 'devel').mkdir(parents=True)
        # Told of a cross compiler it builds programs for the other machine.
        run_logged(make + ['run-command', 'KBUILD_RUN_COMMAND='
                           'env CC="$(HOSTCC)" '
                           '$(srctree)/scripts/package/install-extmod-build '
                           f'{tmp}/devel'],
                   logs / f'kernel-devel-{arch.name}.log', env=env)
        shutil.copy2(obj / arch.image, tmp / arch.target)
        shutil.copy2(obj / '.config', tmp / 'config')
        shutil.copy2(obj / 'System.map', tmp / 'System.map')
        release = (obj / 'include/config/kernel.release').read_text().strip()
        (tmp / 'release').write_text(release + '\n')
        (tmp / 'complete').write_text(f'{version} {arch.name}\n')
        shutil.rmtree(final, ignore_errors=True)
        tmp.rename(final)
        # 2.5 GB that ccache or the package can bring back.
        shutil.rmtree(work, ignore_errors=True)
        say(f'{name} is built')
        return final


def build_module(arch, own):
    """pasid_ep.ko for the kernel in OWN, rebuilt when its source changed."""
    out = arch_dir(arch) / 'module'
    out.mkdir(parents=True, exist_ok=True)
    h = hashlib.sha256(own.name.encode())
    for name in MODULE_SOURCES:
        h.update((HERE / 'module' / name).read_bytes())
    h.update((ROOT / 'include/im/spec/pasid_ep_uapi.h').read_bytes())
    stamp, ko = out / 'stamp', out / 'pasid_ep.ko'
    if ko.exists() and stamp.exists() and stamp.read_text() == h.hexdigest():
        return ko
    for name in MODULE_SOURCES:
        place(HERE / 'module' / name, out / name)
    run_logged(make_command(arch, '-C', str(own / 'devel')) +
               [f'M={out}', f'IM_INCLUDE={ROOT}/include', 'KCFLAGS=-Werror',
                'modules'],
               guest_dir() / f'logs/module-{arch.name}.log', env=make_env())
    stamp.write_text(h.hexdigest())
    say(f'guest module pasid_ep.ko for {arch.name} is built')
    return ko


# --- the stock kernel -------------------------------------------------------

def modinfo(data, field):
    m = re.search(rb'\0' + field.encode() + rb'=([^\0]*)\0', data)
    return m.group(1).decode() if m else ''


def read_module(path):
    data = path.read_bytes()
    if path.suffix == '.xz':
        data = lzma.decompress(data)
    return data


def module_name(path):
    return re.sub(r'\.ko(\.xz)?$', '', path.name).replace('-', '_')


def order_modules(tree, wanted):
    """The modules in WANTED and all they need, in the order to load them."""
    paths = {module_name(p): p for p in tree.rglob('*.ko*')}
    builtin = next(tree.rglob('modules.builtin')).read_text().split()
    builtin = {module_name(Path(b)) for b in builtin}
    order, data = [], {}

    def visit(name):
        name = name.replace('-', '_')
        if name in data or name in builtin:
            return
        if name not in paths:
            raise Failed(f'the stock kernel has no module {name}')
        data[name] = read_module(paths[name])
        for dep in filter(None, modinfo(data[name], 'depends').split(',')):
            visit(dep)
        order.append(name)

    for name in wanted:
        visit(name)
    return [(name, data[name]) for name in order]


def build_stock(arch):
    """Debian's own kernel: a directory with vmlinuz and modules/."""
    deb = fetch(arch.stock, arch.debian)
    version = warn_untested(arch.stock, deb)
    key = hashlib.sha256('\0'.join(
        [RECIPE, sha256_file(deb)] + STOCK_MODULES).encode()).hexdigest()[:20]
    final = cache_dir() / 'kernel' / f'stock-{key}'
    with locked(final.with_suffix('.lock')):
        if (final / 'complete').exists():
            return final
        say(f'unpacking {deb.name}')
        tmp = final.with_name(final.name + '.part')
        shutil.rmtree(tmp, ignore_errors=True)
        (tmp / 'modules').mkdir(parents=True)
        subprocess.run(['dpkg-deb', '-x', str(deb), str(tmp / 'deb')],
                       check=True)
        tree = tmp / 'deb/lib/modules'
        if not tree.exists():
            tree = tmp / 'deb/usr/lib/modules'
        modules = order_modules(tree, STOCK_MODULES)
        for name, data in modules:
            (tmp / 'modules' / f'{name}.ko').write_bytes(data)
        (tmp / 'modules/order').write_text(
            ''.join(f'{name}\n' for name, _ in modules))
        image = next((tmp / 'deb/boot').glob('vmlinuz-*'))
        shutil.copy2(image, tmp / 'vmlinuz')
        config = next((tmp / 'deb/boot').glob('config-*'))
        shutil.copy2(config, tmp / 'config')
        (tmp / 'release').write_text(image.name[len('vmlinuz-'):] + '\n')
        shutil.rmtree(tmp / 'deb')
        (tmp / 'complete').write_text(f'{version} {arch.name}\n')
        shutil.rmtree(final, ignore_errors=True)
        tmp.rename(final)
        return final


# --- what the runner calls --------------------------------------------------

def recipe_of(what, more=''):
    """Of what is known without the package: has anything been changed?"""
    return hashlib.sha256('\0'.join(
        [RECIPE, str(sorted(what.items())), str(STOCK_MODULES), more]
    ).encode()).hexdigest()


def in_place(out, recipe):
    """The cached directory that OUT's files came from, if they did."""
    try:
        known, path = (out / 'made-of').read_text().split()
    except (OSError, ValueError):
        return None
    found = Path(path)
    return found if known == recipe and (found / 'complete').exists() \
        else None


def put_in_place(out, recipe, found, names):
    for name in names:
        place(found / name, out / name)
    (out / 'made-of').write_text(f'{recipe} {found}\n')


def need_tools(names):
    missing = [n for n in names if not shutil.which(n)]
    if missing:
        raise Failed(f'missing: {", ".join(missing)}; run '
                     './configure --install-deps')


def ensure_own(arch, check=False):
    """
    Paths of (kernel image, pasid_ep.ko) below the build directory. CHECK:
    look into the archive again, although nothing of ours has changed.
    """
    cc, version = compiler(arch)
    recipe = recipe_of(SOURCE, wanted_config(arch) + cc + version)
    out = arch_dir(arch) / 'own'
    own = None if check else in_place(out, recipe)
    if not own:
        own = build_own(arch)
        put_in_place(out, recipe, own,
                     [arch.target, 'config', 'release', 'System.map'])
    with locked(arch_dir(arch) / 'module.lock'):
        return out / arch.target, build_module(arch, own)


def ensure_stock(arch, check=False):
    """Paths of (vmlinuz, directory of modules) below the build directory."""
    recipe = recipe_of(arch.stock)
    out = arch_dir(arch) / 'stock'
    stock = None if check else in_place(out, recipe)
    if not stock:
        stock = build_stock(arch)
        put_in_place(out, recipe, stock,
                     ['vmlinuz', 'config', 'release'] +
                     [f'modules/{m.name}'
                      for m in (stock / 'modules').iterdir()])
    return out / 'vmlinuz', out / 'modules'


def command_build(args):
    for arch in [ARCHES[args.arch]] if args.arch else ARCHES.values():
        if args.only in (None, 'own'):
            ensure_own(arch, args.check)
        if args.only in (None, 'stock'):
            ensure_stock(arch, args.check)
        if args.only is None:
            import initramfs
            initramfs.ensure(arch, 'own')
            initramfs.ensure(arch, 'stock')
    if args.stamp:
        stamp = Path(args.stamp)
        if not stamp.exists():
            stamp.write_text('built\n', encoding='utf-8')


def command_list(_args):
    for arch in ARCHES.values():
        for name, what in (('own', SOURCE), ('stock', arch.stock)):
            release = arch_dir(arch) / name / 'release'
            here = release.read_text().strip() if release.exists() else 'none'
            print(f"{arch.name:7} {name:6} recorded {what['package']} "
                  f"{what['tested']} ({what['suite']}); in the build "
                  f"directory: {here}")
    for d in sorted((cache_dir() / 'kernel').glob('*/complete')):
        print(f'cached {d.parent.name}: {d.read_text().strip()}')


def main():
    parser = argparse.ArgumentParser(
        description='build or list the guests\' kernels')
    parser.add_argument('--build-dir', help='default: build/ of the checkout')
    sub = parser.add_subparsers(required=True)
    p = sub.add_parser('build')
    p.add_argument('--only', choices=['own', 'stock'])
    p.add_argument('--arch', choices=list(ARCHES), help='default: all')
    p.add_argument('--check', action='store_true',
                   help='look into the archive even when nothing changed')
    p.add_argument('--stamp', help='file to write when all is built')
    p.set_defaults(run=command_build)
    sub.add_parser('list').set_defaults(run=command_list)
    args = parser.parse_args()
    if args.build_dir:
        os.environ['IM_BUILD_DIR'] = os.path.abspath(args.build_dir)
    # "terminate" unwinds like ^C: what was started here is ended too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        args.run(args)
    except Failed as e:
        sys.exit(f'guest: {e}')
    except KeyboardInterrupt:
        sys.exit('guest: interrupted; run again to go on')


if __name__ == '__main__':
    main()
