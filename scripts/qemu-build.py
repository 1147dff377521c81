#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU below our build directory: source, graft, configuration, build.

  qemu-build.py prepare   what ./configure calls: take the source, graft ours
                          onto it, run QEMU's own configure
  qemu-build.py build     what ninja calls: graft again if the list changed,
                          run QEMU's ninja, place the emulators

Both do only what is not done yet. A directory appears under its name when it
is complete, so that an interrupted run is simply run again.
"""

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / 'scripts'))
sys.path.insert(0, str(ROOT / 'subprojects' / 'qemu'))
import debfetch                                     # noqa: E402
import graft                                        # noqa: E402

SUITE = 'trixie'
TARGETS = ('x86_64', 'aarch64')
EMULATORS = [f'qemu-system-{t}' for t in TARGETS]

# Where Debian's packages seabios, qemu-system-data, ipxe-qemu and
# qemu-efi-aarch64 put what the emulators load.
FIRMWARE = ['/usr/share/seabios', '/usr/share/qemu', '/usr/lib/ipxe/qemu',
            '/usr/share/qemu-efi-aarch64']

OPTIONS = [
    '--target-list=' + ','.join(f'{t}-softmmu' for t in TARGETS),
    '--without-default-features', '--enable-tcg', '--enable-kvm',
    '--enable-fdt=system', '--enable-pixman', '--disable-docs',
    # what users' command lines name: -netdev user, vhost's kinds
    '--enable-slirp', '--enable-vhost-kernel', '--enable-vhost-net',
    '--enable-vhost-user', '--enable-vhost-vdpa', '--enable-vhost-crypto',
    '--disable-tools', '--disable-install-blobs',
    '--firmwarepath=' + ':'.join(FIRMWARE),
    '--python=/usr/bin/python3',
]


class BuildError(Exception):
    """One line: what is wrong, and what to do."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def write_whole(path, text):
    new = path.with_name(path.name + '.new')
    new.write_text(text)
    new.rename(path)


def read_json(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


class Tree:
    """build/qemu-src (source), build/qemu (QEMU's build directory)."""

    def __init__(self, build):
        self.build = Path(build)
        self.src = self.build / 'qemu-src'
        self.obj = self.build / 'qemu'
        self.origin = self.build / 'qemu-src.json'
        self.config = self.build / 'qemu.json'

    @contextlib.contextmanager
    def locked(self):
        self.build.mkdir(parents=True, exist_ok=True)
        with open(self.build / '.qemu.lock', 'w') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


# The source: one function per place it can come from.

def new_source(tree, origin, make):
    """Have make() fill build/qemu-src, unless it came from @origin before."""
    if read_json(tree.origin).get('origin') == origin and tree.src.is_dir():
        return
    tree.origin.unlink(missing_ok=True)
    make()
    write_whole(tree.origin, json.dumps({'origin': origin}) + '\n')


def source_from_debian(tree):
    def make():
        say('QEMU: fetching the source package')
        store = debfetch.fetch_source('qemu', SUITE)
        say('QEMU: unpacking the source (10 s to a minute)')
        debfetch.unpack_source(store, tree.src)
    new_source(tree, 'debian', make)


def source_from_git(tree, url):
    url, _, ref = url.partition('#')
    series = graft.Graft().series
    ref = ref or f'stable-{series}'

    def clone(new):
        done = subprocess.run(['git', 'clone', '--progress', '--depth=1',
                               f'--branch={ref}', url, str(new)],
                              stdin=subprocess.DEVNULL)
        if done.returncode:
            raise BuildError(f'cannot clone branch {ref} of the QEMU '
                             'repository given: check URL#BRANCH and the '
                             'network')
    new_source(tree, f'git {url} {ref}', lambda: (
        say('QEMU: cloning the source'),
        debfetch.replace_dir(tree.src, clone)))


def files_of(top):
    for at, dirs, names in os.walk(top):
        at = Path(at)
        if at == top:
            dirs[:] = [d for d in dirs if d not in ('.git', 'build')]
        links = [d for d in dirs if (at / d).is_symlink()]
        for name in names + links:
            path = at / name
            st = path.lstat()
            yield str(path.relative_to(top)), [st.st_mtime_ns, st.st_size]


def source_from_dir(tree, given):
    """Copy a tree as it is, and later only what has changed in it."""
    given = Path(given).resolve()
    graft.check_series(given, graft.Graft())
    origin = f'dir {given}'
    known = read_json(tree.origin)
    if known.get('origin') != origin:
        tree.origin.unlink(missing_ok=True)
        shutil.rmtree(tree.src, ignore_errors=True)
        known = {'files': {}}
        say('QEMU: copying the given source')
    files = dict(files_of(given))
    for name in known['files'].keys() - files.keys():
        (tree.src / name).unlink(missing_ok=True)
    for name, state in files.items():
        if known['files'].get(name) != state:
            path = tree.src / name
            path.parent.mkdir(parents=True, exist_ok=True)
            new = path.with_name(path.name + '.im-new')
            shutil.copy2(given / name, new, follow_symlinks=False)
            new.rename(path)
    write_whole(tree.origin, json.dumps({'origin': origin, 'files': files}))


# Configuration and build.

def environment(tree, python_path):
    env = dict(os.environ)
    # Two checkouts on one machine share compiled objects through ccache:
    # paths below the build directory count as relative ones.
    env['CCACHE_BASEDIR'] = str(tree.build)
    env['CCACHE_NOHASHDIR'] = '1'
    env.pop('NINJA_STATUS', None)
    env.pop('MAKEFLAGS', None)
    env.pop('DESTDIR', None)
    if python_path:
        env['PYTHONPATH'] = python_path
    return env


def grafted(tree, source):
    changed = graft.apply(tree.src, source)
    if changed:
        say(f'QEMU: grafted {len(changed)} files: ' + ' '.join(changed))
    return changed


def configured(tree, python_path):
    """Run QEMU's configure, unless it ran to its end with these options."""
    cc = 'ccache gcc' if shutil.which('ccache') else 'gcc'
    command = [str(tree.src / 'configure'), *OPTIONS, f'--cc={cc}']
    state = {'command': command, 'python_path': python_path,
             'source': hashlib.sha256(
                 (tree.src / 'configure').read_bytes()).hexdigest()}
    if read_json(tree.config) == state:
        return
    tree.config.unlink(missing_ok=True)
    for name in ('meson-private', 'meson-info', 'pyvenv'):
        shutil.rmtree(tree.obj / name, ignore_errors=True)
    tree.obj.mkdir(exist_ok=True)
    say('QEMU: configuring (half a minute to two)')
    log = tree.build / 'qemu-configure.log'
    with open(log, 'w') as out:
        # By the relative name, so that objects are the same in any checkout.
        done = subprocess.run(['../qemu-src/configure', *command[1:]],
                              cwd=tree.obj, stdin=subprocess.DEVNULL,
                              stdout=out, stderr=subprocess.STDOUT,
                              env=environment(tree, python_path))
    if done.returncode:
        tail = log.read_text(errors='replace').splitlines()[-12:]
        say('\n'.join('  | ' + line for line in tail))
        raise BuildError(f"QEMU's configure failed: its output is in "
                         f'{log.relative_to(tree.build.parent)}')
    if python_path:     # for QEMU's own reconfiguration, whoever starts it
        for site in (tree.obj / 'pyvenv').glob('lib/python3*/site-packages'):
            (site / 'qemu-pasid-meson.pth').write_text(python_path + '\n')
    write_whole(tree.config, json.dumps(state, indent=1) + '\n')


def run_ninja(tree, state, goals):
    """QEMU's ninja, its progress shown on one line or now and then."""
    tty = sys.stdout.isatty()
    job = subprocess.Popen(['ninja', '-C', str(tree.obj), *goals],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True,
                           errors='replace',
                           env=environment(tree, state.get('python_path')))
    began = shown = time.time()         # nothing is said of a short run
    for line in job.stdout:
        step = re.match(r'\[(\d+)/(\d+)\] ', line)
        if not step:
            if 'no work to do' not in line and 'Entering dir' not in line:
                print(('\r\033[K' if tty else '') + line, end='', flush=True)
            continue
        last = step[1] == step[2] and shown > began
        if last or time.time() - shown > (1 if tty else 10):
            shown = time.time()
            text = f'QEMU: step {step[1]} of {step[2]}'
            print(f'\r\033[K{text}' if tty else text,
                  end='' if tty and not last else '\n', flush=True)
    if job.wait():
        raise BuildError('the emulators were not built: the messages above '
                         'say why')


def place(tree):
    """build/qemu-system-*: the same file under another name, or a copy."""
    for name in EMULATORS:
        made, path = tree.obj / name, tree.build / name
        if path.exists() and path.samefile(made) and not path.is_symlink():
            continue
        new = path.with_name('.' + name)
        new.unlink(missing_ok=True)
        try:
            os.link(made, new)
        except OSError:
            if path.exists() and (path.stat().st_mtime_ns
                                  == made.stat().st_mtime_ns):
                continue
            shutil.copy2(made, new)
        new.rename(path)


def prepare(a):
    tree = Tree(os.path.abspath(a.build))
    with tree.locked():
        if a.qemu_src:
            source_from_dir(tree, a.qemu_src)
        elif a.qemu_git:
            source_from_git(tree, a.qemu_git)
        else:
            source_from_debian(tree)
        version = graft.check_series(tree.src, graft.Graft())
        grafted(tree, a.source)
        configured(tree, a.python_path)
        say(f'QEMU: {version} is ready to build')


def build(a):
    tree = Tree(os.path.abspath(a.build))
    with tree.locked():
        state = read_json(tree.config)
        if not state:
            raise BuildError('QEMU is not configured: run ./configure')
        grafted(tree, a.source)
        run_ninja(tree, state, EMULATORS)
        place(tree)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('what', choices=['prepare', 'build'])
    parser.add_argument('--source', default=ROOT, type=Path)
    parser.add_argument('--build', default=ROOT / 'build')
    parser.add_argument('--qemu-src', metavar='DIR')
    parser.add_argument('--qemu-git', metavar='URL[#BRANCH]')
    parser.add_argument('--python-path', metavar='DIR',
                        help='where a private meson is')
    a = parser.parse_args()
    try:
        {'prepare': prepare, 'build': build}[a.what](a)
    except (BuildError, graft.GraftError, debfetch.FetchError) as e:
        sys.exit(f'qemu: {e}')
    except KeyboardInterrupt:
        sys.exit('qemu: interrupted: run the same command again')


if __name__ == '__main__':
    main()
