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
BEGINS = 'does not begin: there is no /dev/iommu'
# The server's options, what open is answered, what stderr has.
SERVER = [
    ('', 'open', []),
    ('--device=driver=smmuv3,pasid-bits=8 --privileged', 'open', []),
    ('--device=pasid-bits=21', 'ENOENT',
     ['pasid-bits: say pasid-bits=N, from 0 to 20', BEGINS]),
    ('--device=pasid-bits=-1', 'ENOENT', ['from 0 to 20', BEGINS]),
    ('--device=func=0x100000000', 'ENOENT', ['from 0 to 4294967295', BEGINS]),
    ('--device=credit', 'ENOENT', ['credit: say credit=N', BEGINS]),
    ('--device=driver=amd', 'ENOENT',
     ['say driver=vtd, smmuv3 or none', BEGINS]),
    ('--device=pasids=8', 'ENOENT',
     ['pasids: a device has driver, func, pasid-bits', BEGINS]),
    ('--device=func=1 --device=func=1', 'ENOENT', ['function 0x1', BEGINS]),
    ('--privilege', 'ENOENT',
     ['--privilege: no such option; --device=WHAT,... and --privileged',
      BEGINS]),
    ('--privileged=yes', 'ENOENT', ['--privileged=yes: no such', BEGINS]),
    ('device=func=1', 'ENOENT', ['device=func=1: no such option', BEGINS]),
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


def row(a, env, want, said):
    env = dict(os.environ, LD_PRELOAD=a.shim, **env)
    done = subprocess.run([sys.executable, '-c', OPEN], env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=60)
    good = done.stdout == want + '\n' and all(
        done.stderr.count(s) == 1 for s in said)
    return (good and (bool(said) or not done.stderr),
            done.stdout + done.stderr)


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
        failed = 0
        print(f'1..{len(rows)}')
        for n, (name, env, want, said) in enumerate(rows, 1):
            good, text = row(a, env, want, said)
            failed += not good
            print(f'{"ok" if good else "not ok"} {n} {name}', flush=True)
            for line in [] if good else text.splitlines():
                print(f'# {line}')
    sys.exit(failed != 0)


if __name__ == '__main__':
    main()
