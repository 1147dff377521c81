# SPDX-License-Identifier: GPL-2.0-or-later
"""What firmware reads of fw_cfg."""

import struct

from harness import expect

COMMAND, BUFFER = 0x1000000, 0x1001000          # in memory


def fw_cfg(vm, key, size, dma=None):
    """By fw_cfg's DMA: select and read. dma: its register, if no port."""
    command, buffer = vm.ram + COMMAND, vm.ram + BUFFER
    vm.write_bytes(command, struct.pack('>IIQ', key << 16 | 8 | 2, size,
                                        buffer))
    if dma is None:
        swap = int.from_bytes(command.to_bytes(4, 'little'), 'big')
        vm.outl(0x514, 0)
        vm.outl(0x518, swap)
    else:
        vm.write_bytes(dma, command.to_bytes(8, 'big'))
    expect(vm.read_bytes(command, 4), bytes(4), 'fw_cfg: done, no error')
    return vm.read_bytes(buffer, size)


def fw_file(vm, wanted, dma=None):
    """A file, found by name in fw_cfg's directory; empty without it."""
    count, = struct.unpack('>I', fw_cfg(vm, 0x19, 4, dma))
    directory = fw_cfg(vm, 0x19, 4 + 64 * count, dma)
    for i in range(count):
        size, key, _, name = struct.unpack_from('>IHH56s', directory,
                                                4 + 64 * i)
        if name.rstrip(b'\0') == wanted:
            return fw_cfg(vm, key, size, dma)
    return b''


def acpi_tables(vm, dma=None):
    return fw_file(vm, b'etc/acpi/tables', dma)


def e820(vm):
    """[(address, length, type)] of a PC's memory map."""
    return list(struct.iter_unpack('<QQI', fw_file(vm, b'etc/e820')))
