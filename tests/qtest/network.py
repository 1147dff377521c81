# SPDX-License-Identifier: GPL-2.0-or-later
"""What users' command lines name: -netdev user, the kinds of vhost, VFIO."""

import subprocess

from harness import Machine, emulator, expect, expect_true, main, rows

MACHINES = [('x86_64', 'q35'), ('aarch64', 'virt,gic-version=3')]
UNITS = {'q35': 'vtd-model', 'virt,gic-version=3': 'smmuv3-model'}


def asked(machine, *args):
    done = subprocess.run([emulator(machine.split(',')[0]), '-machine',
                           machine, *args], capture_output=True, text=True)
    expect(done.returncode, 0, f'exit status: {done.stderr}')
    return done.stdout


@rows(MACHINES)
def backends(machine):
    names = asked(machine, '-netdev', 'help').split()
    for name in 'user', 'tap', 'vhost-user', 'vhost-vdpa':
        expect_true(name in names, f'{name} in {names}')


@rows(MACHINES)
def devices(machine):
    text = asked(machine, '-device', 'help')
    for name in ('vhost-user-fs-pci', 'vhost-user-blk-pci', 'vhost-vsock-pci',
                 'vhost-scsi-pci', 'vfio-pci'):
        expect_true(f'name "{name}"' in text, f'{name} in -device help')


@rows(MACHINES)
def user_network(machine):
    with Machine('-device', UNITS[machine],
                 '-netdev', 'user,id=n,hostfwd=tcp:127.0.0.1:0-:22',
                 '-device', 'virtio-net-pci,netdev=n,iommu_platform=on,'
                 'disable-legacy=on',
                 machine=machine) as vm:
        text = vm.hmp('info usernet')
        expect_true('HOST_FORWARD' in text, f'a forwarded port in "{text}"')
        expect_true('type=user' in vm.hmp('info network'), 'type=user')


if __name__ == '__main__':
    main()
