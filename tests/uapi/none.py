#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A device file behind no IOMMU: addresses are those that GET_PA tells.

Run with libim-iommufd.so preloaded, by own.py. Prints TAP.
"""

import errno
import fcntl
import mmap
import os
import struct

PAGE = mmap.PAGESIZE
BIND, ATTACH = 118, 119
IOAS_ALLOC, IOAS_MAP_FILE, IOAS_GET_PA = 0x81, 0x8f, 0x95


def command(fd, nr, layout, *values):
    arg = bytearray(struct.pack('=I' + layout, 0, *values))
    struct.pack_into('=I', arg, 0, len(arg))
    fcntl.ioctl(fd, ord(';') << 8 | nr, arg)
    return struct.unpack('=I' + layout, arg)[1:]


def error(call, *args):
    try:
        call(*args)
    except OSError as e:
        return e.errno
    return 0


def main():
    iommu = os.open('/dev/iommu', os.O_RDWR)
    device = os.open('/dev/vfio/devices/vfio0', os.O_RDWR)
    memfd = os.memfd_create('guest')
    os.ftruncate(memfd, 2 * PAGE)
    memory = mmap.mmap(memfd, 2 * PAGE)
    _, ioas = command(iommu, IOAS_ALLOC, 'II', 0, 0)

    def where(iova):
        return command(iommu, IOAS_GET_PA, 'IIIQQQ', 0, ioas, 0, iova, PAGE,
                       0)[5]

    command(device, BIND, 'IiI', 0, iommu, 0)
    command(iommu, IOAS_MAP_FILE, 'IIiQQQ', 7, ioas, memfd, 0, 2 * PAGE,
            0x10000)
    rows = [('no-table-no-address', error(where, 0x10000), errno.EOPNOTSUPP)]
    command(device, ATTACH, 'II', 0, ioas)
    rows += [('nothing-mapped', error(where, 0x10000 + 2 * PAGE),
              errno.ENOENT)]
    os.pwrite(device, b'raw', where(0x10000 + PAGE) + 5)
    rows += [('dma-where-it-says', memory[PAGE + 5:PAGE + 8], b'raw'),
             ('not-at-the-iova', error(os.pwrite, device, b'x', 0x10000) != 0,
              True),
             ('the-other-page-is-untouched', bytes(memory[:PAGE]),
              bytes(PAGE))]
    print(f'1..{len(rows)}')
    for n, (name, got, want) in enumerate(rows, 1):
        print(f'{"ok" if got == want else "not ok"} {n} {name}')
        if got != want:
            print(f'# {got!r}, but it should be {want!r}')


main()
