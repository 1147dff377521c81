#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run one of our programs on /dev/iommu: its rows, and two of our own: that
the server ended with its last client, and that it had nothing to say (a
sanitizer's report, for example)."""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import threading


class Log:
    """A FIFO that every server has open for as long as it runs."""

    def __init__(self, path):
        os.mkfifo(path)
        self.text = ''
        read = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.ours = os.open(path, os.O_WRONLY)
        os.set_blocking(read, True)
        self.thread = threading.Thread(target=self.follow, args=(read,),
                                       daemon=True)
        self.thread.start()

    def follow(self, fd):
        with open(fd, errors='replace') as f:
            self.text = f.read()

    def ended(self, seconds=60):
        """Nobody else has it any more."""
        os.close(self.ours)
        self.thread.join(seconds)
        return not self.thread.is_alive()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--server', required=True)
    parser.add_argument('--shim', required=True)
    parser.add_argument('--options', default='', help="the server's")
    parser.add_argument('program', nargs='+', help='and its arguments')
    a = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix='im-uapi-') as tmp:
        log = Log(f'{tmp}/log')
        env = dict(os.environ, LD_PRELOAD=a.shim,
                   IM_IOMMUFD=f'{a.server} {a.options}'.strip(),
                   IM_IOMMUFD_LOG=f'{tmp}/log',
                   IM_IOMMUFD_SESSION=f'own-{os.getpid()}',
                   IM_IOMMUFD_DEBUGFS=f'{tmp}/debugfs')
        done = subprocess.run(a.program, env=env, text=True,
                              stdout=subprocess.PIPE)
        over = log.ended()
    plan = re.search(r'^1\.\.(\d+)$', done.stdout, re.M)
    if not plan:
        sys.exit('no plan')
    rows = int(plan.group(1))
    print(done.stdout.replace(plan.group(0), f'1..{rows + 2}', 1), end='')
    for line in log.text.splitlines():
        print('# ' + line)
    print(f'{"ok" if over else "not ok"} {rows + 1} the server has ended')
    print(f'{"not ok" if log.text else "ok"} {rows + 2} '
          'it had nothing to say')
    sys.exit(done.returncode or log.text != '' or not over)


if __name__ == '__main__':
    main()
