#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Packages and sources from the Debian archive, without root.

A private APT does the work: own sources, lists and (empty) status below the
user's cache directory, so that the machine's own APT is never touched, and
Debian's signatures are checked as always. The archive's address is the one
this machine uses.

Everything fetched is kept by its SHA-256 and hashed again before each use.
"""

import argparse
import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LISTS_MAX_AGE = 7 * 24 * 3600
KEYRINGS = ('/usr/share/keyrings/debian-archive-keyring.gpg',
            '/usr/share/keyrings/debian-archive-keyring.pgp')


class FetchError(Exception):
    """One line: what is wrong, and what to do."""


def cache_dir():
    base = os.environ.get('XDG_CACHE_HOME')
    if not base:
        base = os.path.join(os.path.expanduser('~'), '.cache')
    return Path(base) / 'qemu-pasid'


def say(text):
    print('  ' + text, file=sys.stderr, flush=True)


def run(cmd, **kw):
    env = dict(os.environ, LC_ALL='C.UTF-8')
    return subprocess.run(cmd, stdin=subprocess.DEVNULL, text=True, env=env,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw)


def native_arch():
    return run(['dpkg', '--print-architecture']).stdout.strip()


def sha256(path):
    digest = hashlib.sha256()
    with open(path, 'rb') as f:
        while chunk := f.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def sites(security):
    """The addresses of Debian's archive that this machine's APT uses."""
    label = 'Debian-Security' if security else 'Debian'
    ask = ['apt-get', 'indextargets', '--format', '$(SITE)',
           'Created-By: Packages']
    known = run(ask + ['Origin: Debian', f'Label: {label}']).stdout.split()
    if not known:           # no lists yet, so no labels: go by the address
        known = [s for s in run(ask).stdout.split()
                 if ('security' in s) == security]
    if not known:
        what = 'security archive' if security else 'archive'
        raise FetchError(f"no Debian {what} in this machine's APT sources: "
                         'add one to /etc/apt/sources.list.d and run '
                         "'apt-get update'")
    return known[0]


class Apt:
    """A private APT for one suite and one architecture."""

    def __init__(self, suite, component='main', arch=None, security=False):
        self.suite = suite
        self.security = security or suite.endswith('-security')
        if self.security and not suite.endswith('-security'):
            self.suite = suite + '-security'
        self.component = component
        self.arch = arch or native_arch()
        self.dir = (cache_dir() / 'apt'
                    / f'{self.suite}-{component}-{self.arch}')

    def options(self):
        d = self.dir
        opts = {
            'Dir::Etc::sourcelist': d / 'debian.sources',
            'Dir::Etc::sourceparts': d / 'empty',
            'Dir::Etc::preferences': d / 'empty' / 'none',
            'Dir::Etc::preferencesparts': d / 'empty',
            'Dir::State::Lists': d / 'lists',
            'Dir::State::status': d / 'status',
            'Dir::Cache::archives': d / 'archives',
            'Dir::Cache::pkgcache': '',
            'Dir::Cache::srcpkgcache': '',
            'APT::Architecture': self.arch,
            'APT::Architectures': self.arch,
            'APT::Sandbox::User': 'root',
            'APT::Default-Release': '',
            'Acquire::Languages': 'none',
            'Acquire::Retries': '3',
        }
        return [f'-o{k}={v}' for k, v in opts.items()]

    def setup(self):
        keyring = next((k for k in KEYRINGS if os.path.exists(k)), None)
        if not keyring:
            raise FetchError('no Debian archive keys: install the package '
                             'debian-archive-keyring')
        for sub in ('empty', 'lists/partial', 'archives/partial'):
            (self.dir / sub).mkdir(parents=True, exist_ok=True)
        (self.dir / 'status').touch()
        sources = (f'Types: deb deb-src\nURIs: {sites(self.security)}\n'
                   f'Suites: {self.suite}\nComponents: {self.component}\n'
                   f'Signed-By: {keyring}\n')
        path = self.dir / 'debian.sources'
        if not path.exists() or path.read_text() != sources:
            path.write_text(sources)
            self.stamp.unlink(missing_ok=True)

    @property
    def stamp(self):
        return self.dir / 'updated'

    @contextlib.contextmanager
    def locked(self):
        self.dir.mkdir(parents=True, exist_ok=True)
        with open(self.dir / 'lock', 'w') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.setup()
            yield self

    def update(self, force=False):
        """Fetch the package lists, unless they are recent."""
        if not force and self.stamp.exists():
            if time.time() - self.stamp.stat().st_mtime < LISTS_MAX_AGE:
                return False
        say(f'reading the package lists of {self.suite} ({self.arch})')
        done = run(['apt-get', *self.options(), '-q',
                    '-oAPT::Update::Error-Mode=any', 'update'])
        if done.returncode:
            if self.stamp.exists() and not force:
                say(f'lists of {self.suite} are old and the archive cannot '
                    'be reached: going on with them')
                return False
            raise FetchError(f'cannot read the lists of {self.suite}: '
                             f'{reason(done)}; check the network and run '
                             'the same command again')
        self.stamp.touch()
        return True

    def get(self, *args, **kw):
        return run(['apt-get', *self.options(), '-q', *args], **kw)

    def uris(self, *args):
        """What APT would download: (file name, size, SHA-256) each."""
        done = self.get('--print-uris', *args)
        rows = re.findall(r"^'[^']+' (\S+) (\d+) SHA256:([0-9a-f]{64})",
                          done.stdout, re.M)
        if done.returncode or not rows:
            raise FetchError(f'{args[-1]}: not in suite {self.suite} '
                             f'({self.arch}): {reason(done)}')
        return [(n, int(size), digest) for n, size, digest in rows]

    def lookup(self, *args):
        """uris(), with the lists read again when they do not answer."""
        fresh = self.update()
        try:
            return self.uris(*args)
        except FetchError:
            if fresh:
                raise
        self.update(force=True)
        return self.uris(*args)


def reason(done):
    """The first error that APT names."""
    lines = [s for s in done.stderr.splitlines()
             if s.startswith(('E:', 'W:'))]
    return lines[0][2:].strip() if lines else f'status {done.returncode}'


def human(size):
    return f'{size / 1e6:.1f} MB' if size < 1e7 else f'{size / 1e6:.0f} MB'


def download(apt, args, files, store):
    """Let APT download @files into @store, whole or not at all."""
    total = sum(size for _, size, _ in files)
    name = files[0][0]
    say(f'fetching {name} ({human(total)})')
    store.parent.mkdir(parents=True, exist_ok=True)
    for old in apt.dir.glob('new-*'):       # of a run that was killed
        shutil.rmtree(old, ignore_errors=True)
    tmp = Path(tempfile.mkdtemp(prefix='new-', dir=apt.dir))
    try:
        with open(tmp / '.log', 'w') as log:
            env = dict(os.environ, LC_ALL='C.UTF-8')
            job = subprocess.Popen(['apt-get', *apt.options(), '-q', *args],
                                   cwd=tmp, stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log, env=env)
            shown = time.time()
            while job.poll() is None:
                time.sleep(0.1)
                if time.time() - shown > 5:
                    shown = time.time()
                    have = sum(f.stat().st_size for f in tmp.rglob('*')
                               if f.is_file())
                    say(f'fetching {name}: {human(have)} of {human(total)}')
        if job.returncode:
            errors = [s for s in (tmp / '.log').read_text().splitlines()
                      if s.startswith('E:')]
            raise FetchError(f'cannot fetch {name}: '
                             f'{errors[0][2:].strip() if errors else "?"}')
        (tmp / '.log').unlink()
        for file, _, digest in files:
            if sha256(tmp / file) != digest:
                raise FetchError(f'{file}: not the file that the signed '
                                 'lists name; run the same command again')
        if store.exists():
            shutil.rmtree(store)
        tmp.rename(store)
    finally:
        shutil.rmtree(tmp, ignore_errors=True)


def intact(store, files):
    return all((store / n).is_file() and sha256(store / n) == digest
               for n, _, digest in files)


def fetch(apt, args, kind):
    """The directory that holds what @args download, from the cache or not."""
    with apt.locked():
        files = apt.lookup(*args)
        store = cache_dir() / kind / files[0][2]
        if not intact(store, files):
            try:
                download(apt, args, files, store)
            except FetchError:      # the lists may name what is gone by now
                if not apt.update(force=True):
                    raise
                files = apt.uris(*args)
                store = cache_dir() / kind / files[0][2]
                if not intact(store, files):
                    download(apt, args, files, store)
        return store, files


def fetch_deb(package, suite, component='main', arch=None, version=None,
              security=False):
    """Path of the package's .deb file, downloaded if need be."""
    apt = Apt(suite, component, arch, security)
    name = f'{package}={version}' if version else package
    store, files = fetch(apt, ['download', name], 'deb')
    return store / files[0][0]


def fetch_source(package, suite, component='main'):
    """Directory with the source package's .dsc and the files it names."""
    apt = Apt(suite, component)
    store, _ = fetch(apt, ['source', '--download-only', '--only-source',
                           package], 'source')
    return store


def depends(package, suite, component='main', arch=None, security=False):
    """Names on the package's Depends line."""
    with Apt(suite, component, arch, security).locked() as apt:
        apt.update()
        done = run(['apt-cache', *apt.options(), 'show', '--no-all-versions',
                    package])
        line = re.search(r'^Depends: (.*)$', done.stdout, re.M)
        if not line:
            return []
        return [re.split(r'[ :(|]', d.strip())[0]
                for d in line.group(1).split(',')]


def names(pattern, suite, component='main', arch=None, security=False):
    """Names of the suite's packages that match @pattern whole, in order of
    the numbers in them."""
    with Apt(suite, component, arch, security).locked() as apt:
        apt.update()
        done = run(['apt-cache', *apt.options(), 'pkgnames'])
        wanted = re.compile(pattern)
        found = [n for n in done.stdout.split() if wanted.fullmatch(n)]
    return sorted(found, key=lambda n: [int(p) if p.isdigit() else 0
                                        for p in re.findall(r'\d+|\D+', n)])


def newest(pattern, suite, component='main', arch=None, security=False):
    """Of the packages matching @pattern, the one with the highest numbers."""
    found = names(pattern, suite, component, arch, security)
    if not found:
        raise FetchError(f'no package matches {pattern} in {suite}')
    return found[-1]


def replace_dir(dest, fill):
    """Make @dest by fill(directory): the directory appears whole or not."""
    dest = Path(dest)
    dest.parent.mkdir(parents=True, exist_ok=True)
    for old in dest.parent.glob(f'.{dest.name}-*'):
        shutil.rmtree(old, ignore_errors=True)
    tmp = Path(tempfile.mkdtemp(prefix=f'.{dest.name}-', dir=dest.parent))
    try:
        new = tmp / 'new'
        fill(new)
        if dest.exists():
            dest.rename(tmp / 'old')
        new.rename(dest)
    finally:
        shutil.rmtree(tmp, ignore_errors=True)
    return dest


def unpack_deb(deb, dest):
    """Unpack a .deb file's content as @dest (replaced if it exists)."""
    def fill(new):
        done = run(['dpkg-deb', '-x', str(deb), str(new)])
        if done.returncode:
            raise FetchError(f'{Path(deb).name}: cannot be unpacked: '
                             f'{done.stderr.strip()}')
    return replace_dir(dest, fill)


def unpack_source(store, dest):
    """Unpack a source package, Debian's patches applied, as @dest."""
    dsc = next(Path(store).glob('*.dsc'))

    def fill(new):
        # The signed lists vouched for these files already.
        done = run(['dpkg-source', '--no-check', '-x', str(dsc), str(new)])
        if done.returncode:
            raise FetchError(f'{dsc.name}: cannot be unpacked: '
                             f'{done.stderr.strip().splitlines()[-1:]}')
    return replace_dir(dest, fill)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('what', choices=['deb', 'source', 'newest', 'names'])
    parser.add_argument('name', help='package name; for newest and names a '
                                     'regular expression')
    parser.add_argument('--suite', required=True)
    parser.add_argument('--arch')
    parser.add_argument('--version')
    parser.add_argument('--unpack', metavar='DIR')
    a = parser.parse_args()
    try:
        if a.what == 'deb':
            path = fetch_deb(a.name, a.suite, arch=a.arch, version=a.version)
            path = unpack_deb(path, a.unpack) if a.unpack else path
        elif a.what == 'source':
            path = fetch_source(a.name, a.suite)
            path = unpack_source(path, a.unpack) if a.unpack else path
        elif a.what == 'names':
            path = '\n'.join(names(a.name, a.suite, arch=a.arch))
        else:
            path = newest(a.name, a.suite, arch=a.arch)
        print(path)
    except FetchError as e:
        sys.exit(f'fetch: {e}')


if __name__ == '__main__':
    main()
