#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run one of our programs on /dev/iommu: its rows, and two of our own: that
the server ended with its last client, and that it had nothing to say (a
sanitizer's report, for example)."""

import argparse
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def ended(session, seconds=20):
    """Nobody listens at the session's name any more."""
    for _ in range(seconds * 100):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            try:
                s.connect(f'\0im-iommufd/{session}')
            except ConnectionRefusedError:
                return True
        time.sleep(0.01)        # its end is nobody's to announce
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--server', required=True)
    parser.add_argument('--shim', required=True)
    parser.add_argument('program')
    a = parser.parse_args()
    session = f'own-{os.getpid()}'
    with tempfile.TemporaryDirectory(prefix='im-uapi-') as tmp:
        log = Path(tmp) / 'log'
        env = dict(os.environ, LD_PRELOAD=a.shim, IM_IOMMUFD=a.server,
                   IM_IOMMUFD_LOG=str(log), IM_IOMMUFD_SESSION=session,
                   IM_IOMMUFD_DEBUGFS=f'{tmp}/debugfs')
        done = subprocess.run([a.program], env=env, text=True,
                              stdout=subprocess.PIPE)
        lines = done.stdout.splitlines()
        rows = 0
        for line in lines:
            m = re.match(r'1\.\.(\d+)$', line)
            if m:
                rows = int(m.group(1))
                line = f'1..{rows + 2}'
            print(line)
        if not rows:
            sys.exit('no plan')
        over = ended(session)
        said = log.read_text(errors='replace') if log.exists() else ''
    for line in said.splitlines():
        print('# ' + line)
    print(f'{"ok" if over else "not ok"} {rows + 1} the server has ended')
    print(f'{"not ok" if said else "ok"} {rows + 2} it had nothing to say')
    sys.exit(done.returncode or said != '' or not over)


if __name__ == '__main__':
    main()
