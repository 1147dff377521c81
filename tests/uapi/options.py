#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What is wrong with the environment is told on stderr, once, with what would
be right.

  options.py --server S --shim L
"""

import argparse
import os
import subprocess
import sys
import tempfile

OPEN = '''
import errno, os
try:
    os.open("/dev/iommu", os.O_RDWR)
    print("open")
except OSError as e:
    print(errno.errorcode[e.errno])
'''
# ROM of a guest: a page that is only read, under a parent.
ROM = '''
import errno, fcntl, os, struct
def command(fd, nr, layout, *values):
    arg = bytearray(struct.pack('=I' + layout, 0, *values))
    struct.pack_into('=I', arg, 0, len(arg))
    fcntl.ioctl(fd, ord(';') << 8 | nr, arg)
    return struct.unpack('=I' + layout, arg)[1:]
fd = os.open('/dev/iommu', os.O_RDWR)
device = os.open('/dev/vfio/devices/vfio0', os.O_RDWR)
rom = os.memfd_create('rom')
os.ftruncate(rom, 4096)
dev = command(device, 118, 'IiI', 0, fd, 0)[2]
ioas = command(fd, 0x81, 'II', 0, 0)[1]
command(fd, 0x89, 'IIIIIIIQ', 1, dev, ioas, 0, 0, 0, 0, 0)
try:
    command(fd, 0x8f, 'IIiQQQ', 5, ioas, rom, 0, 4096, 0x10000)
    print('mapped')
except OSError as e:
    print(errno.errorcode[e.errno])
'''
BEGINS = 'does not begin: there is no /dev/iommu'
# The server's options, what open is answered, what stderr has.
SERVER = [
    ('', 'open', []),
    ('--device=driver=smmuv3,pasid-bits=8 --privileged', 'open', []),
    ('--device=pasid-bits=21', 'ENOENT',
     ['pasid-bits: say pasid-bits=N, from 0 to 20', BEGINS]),
    ('--device=pasid-bits=-1', 'ENOENT', ['from 0 to 20', BEGINS]),
    ('--device=func=0x100000000', 'ENOENT', ['from 0 to 4294967295', BEGINS]),
    ('--device=errata=0', 'open', []),
    ('--device=errata=2', 'ENOENT', ['say errata=N, from 0 to 1', BEGINS]),
    ('--device=driver=smmuv3,errata=0', 'ENOENT',
     ['errata: only driver=vtd has any', BEGINS]),
    ('--device=credit', 'ENOENT', ['credit: say credit=N', BEGINS]),
    ('--device=driver=amd', 'ENOENT',
     ['say driver=vtd, smmuv3 or none', BEGINS]),
    ('--device=pasids=8', 'ENOENT',
     ['pasids: a device has driver, func, pasid-bits', BEGINS]),
    ('--device=func=1 --device=func=1', 'ENOENT', ['func=0x1: another one has it', BEGINS]),
    ('--privilege', 'ENOENT',
     ['--privilege: no such option; --device=WHAT,... and --privileged',
      BEGINS]),
    ('--privileged=yes', 'ENOENT', ['--privileged=yes: no such', BEGINS]),
    ('device=func=1', 'ENOENT', ['device=func=1: no such option', BEGINS]),
]
# What ROM is answered.
ERRATA = [
    ('', 'EINVAL'),
    ('--device=errata=1', 'EINVAL'),
    ('--device=errata=0', 'mapped'),
    ('--device=driver=smmuv3', 'mapped'),
]
# The rest of the environment.
OTHERS = [
    ({'IM_IOMMUFD': '/nowhere'}, 'ENOENT', ['/nowhere cannot be run']),
    ({'IM_IOMMUFD': '/bin/false'}, 'ENOENT', [BEGINS]),
    ({'IM_IOMMUFD': '/bin/true ' + 'x ' * 40}, 'E2BIG',
     ['IM_IOMMUFD is too long: it may have 32 words']),
    ({'IM_IOMMUFD_SESSION': 'a/b'}, 'open',
     ['IM_IOMMUFD_SESSION=a/b is ignored', 'no /']),
    ({'IM_IOMMUFD_SESSION': 'seventeen letters'}, 'open', ['16 characters']),
    ({'IM_IOMMUFD_LOG': '/nowhere/log'}, 'open',
     ['IM_IOMMUFD_LOG=/nowhere/log cannot be written: No such file']),
]


def row(a, env, want, said, script=OPEN):
    env = dict(os.environ, LD_PRELOAD=a.shim, **env)
    done = subprocess.run([sys.executable, '-c', script], env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=60)
    good = done.stdout == want + '\n' and all(
        done.stderr.count(s) == 1 for s in said)
    return (good and (bool(said) or not done.stderr),
            done.stdout + done.stderr)


def by_hand(a):
    """Without the library it says who starts it, and ends."""
    done = subprocess.run([a.server], text=True, stderr=subprocess.PIPE,
                          timeout=60)
    return done.returncode == 1 and 'usage' in done.stderr, done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--server', required=True)
    parser.add_argument('--shim', required=True)
    a = parser.parse_args()
    for name in list(os.environ):
        if name.startswith('IM_IOMMUFD'):
            del os.environ[name]
    with tempfile.TemporaryDirectory(prefix='im-uapi-') as tmp:
        log = {'IM_IOMMUFD_LOG': f'{tmp}/log'}
        rows = [(f'options {options or "none"}',
                 {'IM_IOMMUFD': f'{a.server} {options}'.strip(), **log},
                 want, said) for options, want, said in SERVER]
        rows += [(' '.join(f'{k}={v[:20]}' for k, v in env.items()),
                  {'IM_IOMMUFD': a.server, **log, **env}, want, said)
                 for env, want, said in OTHERS]
        tries = [(name, lambda r=r: row(a, *r)) for name, *r in rows]
        tries += [(f'ROM {options or "none"}',
                   lambda o=options, w=want: row(
                       a, {'IM_IOMMUFD': f'{a.server} {o}'.strip(), **log},
                       w, [], ROM)) for options, want in ERRATA]
        tries += [('by hand', lambda: by_hand(a))]
        failed = 0
        print(f'1..{len(tries)}')
        for n, (name, attempt) in enumerate(tries, 1):
            good, text = attempt()
            failed += not good
            print(f'{"ok" if good else "not ok"} {n} {name}', flush=True)
            for line in [] if good else text.splitlines():
                print(f'# {line}')
    sys.exit(failed != 0)


if __name__ == '__main__':
    main()
