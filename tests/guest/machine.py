# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest as the runner sees it: QEMU, its disks and network, its results.

Results come line by line over a serial port of their own, each "im: ...".
The guest waits for an answer at the begin and the end of each scenario, so
that counters are read between them and nothing here depends on time.
"""

import fcntl
import logging
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import kernel
import remap
from arch import X86
from kernel import Failed

TRACE = ['im_unit_fault', 'im_unit_invalidate', 'im_unit_page_request',
         'im_unit_page_response', 'im_unit_ats_invalidate', 'im_unit_reset',
         'pasid_endpoint_event', 'pasid_endpoint_invalidate',
         'pasid_endpoint_response', 'pasid_endpoint_reset',
         'pasid_endpoint_cfg_write']
# Remapped interrupts are delivered by QEMU's IOAPIC and KVM's routes.
KVM = ['-machine', 'q35,kernel-irqchip=split', '-accel', 'kvm',
       '-cpu', 'max']
# Seconds without a line from the guest; a loaded machine is slow.
SILENCE = 180 * float(os.environ.get('IM_TIMEOUT_SCALE', '1'))

# Scenarios that read the disk of virtio-blk.
DISK_USERS = ['virtio-blk', 'busy', 'cpu-off', 'new-cpu']
PATTERN = 0x9e3779b97f4a7c15
MASK = (1 << 64) - 1
DISK_STEP = 256 * 1024
DISK_SIZE = 4 << 20
MAC = '52:54:00:00:00:01'
PEER_MAC = b'\x52\x54\x00\x00\x00\x02'
# Of <linux/if_tun.h>, <linux/if.h> and <linux/sockios.h>.
TUNSETIFF, SIOCSIFFLAGS = 0x400454ca, 0x8914
IFF_TAP_NO_PI_VNET_HDR, IFF_UP = 0x5002, 1


def emulator(arch):
    build = kernel.build_dir()
    found = arch.emulator_path(build)
    if not found:
        raise Failed(f'no {arch.emulator} in {build}: run ninja -C build '
                     'first')
    return found


def uefi_args(arch):
    """Options for a machine that boots by UEFI, with ACPI tables."""
    if not os.access(arch.uefi, os.R_OK):
        raise Failed(f'no UEFI for {arch.name}: run ./configure '
                     '--install-deps')
    return ['-bios', arch.uefi]


def kvm_refuses(image):
    """Why KVM cannot run a guest here: one is started. None: it can."""
    if not os.access('/dev/kvm', os.R_OK | os.W_OK):
        return 'no access to /dev/kvm'
    # Without an initramfs the kernel ends in a panic, which ends QEMU.
    command = [str(emulator(X86)), '-nodefaults', '-no-reboot', *KVM,
               *X86.firmware_args(), '-display', 'none', '-serial', 'stdio',
               '-m', '256M', '-kernel', str(image), '-append',
               'console=ttyS0 panic=-1']
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, errors='replace',
                              timeout=SILENCE / 3, check=False)
    except subprocess.TimeoutExpired:
        return 'a kernel under KVM does not come to its end'
    if 'Linux version' in done.stdout:
        return None
    words = done.stderr.strip().splitlines() or ['no output from a kernel']
    return f'KVM does not run a kernel: {words[0]}'


def qemu_python():
    """QEMU's own Python packages, from the unpacked source."""
    if 'qemu' not in sys.modules:
        for tree in (os.environ.get('IM_QEMU_SRC'),
                     kernel.build_dir() / 'qemu-src'):
            if tree and (Path(tree) / 'python/qemu/machine').is_dir():
                sys.path.insert(0, str(Path(tree) / 'python'))
                break
        else:
            raise Failed("QEMU's Python packages are not below the build "
                         'directory: run ./configure')
    from qemu.machine import QEMUMachine
    for name in ('qemu.machine.machine', 'qemu.qmp'):
        logging.getLogger(name).setLevel(logging.CRITICAL)   # ours says it
    return QEMUMachine


def pattern(seed, length):
    """The endpoint's pattern (docs/specs/pasid-endpoint.rst)."""
    words = []
    x = (seed + 1) * PATTERN & MASK
    for _ in range(length // 8):
        words.append(x ^ x >> 29)
        x = x + PATTERN & MASK
    return struct.pack(f'<{len(words)}Q', *words)


class Fault:
    """A row of x-im-faults: of a request, or of a command."""

    def __init__(self, row):
        self.unit = row['device']
        self.sequence, self.what = row['sequence'], row['what']
        self.hidden = row.get('hidden', False)  # as the software wishes
        self.name = row.get('name', '?')
        self.requester = row.get('requester', 'a command')
        self.address = row.get('address', row.get('words'))
        self.seconds = row['time'] / 1e9

    def __str__(self):
        return f'{self.requester} {self.address} at {self.seconds:.3f} s'


class Function:
    """A PCI function as the guest sees it."""

    def __init__(self, bdf, group, kind, driver):
        self.bdf, self.group, self.type, self.driver = bdf, group, kind, driver


class Boot:
    """A kernel that came up in the guest."""

    def __init__(self, release):
        self.release, self.functions = release, []


LOCKS = {}


def lock_name(path):
    """One process at a time runs a guest of this name, until it ends."""
    if path not in LOCKS:
        LOCKS[path] = open(path, 'w', encoding='utf-8')
        fcntl.flock(LOCKS[path], fcntl.LOCK_EX)


class Disk:
    """An image whose first half holds a pattern, the second is the guest's."""

    def __init__(self, path, seed):
        self.path, self.seed = path, seed
        with open(path, 'wb') as f:
            for at in range(0, DISK_SIZE // 2, DISK_STEP):
                f.write(pattern(seed + at, DISK_STEP))
            f.truncate(DISK_SIZE)

    def check(self):
        """What is wrong with the image after the guest's run, or None."""
        with open(self.path, 'rb') as f:
            for at in range(0, DISK_SIZE, DISK_STEP):
                if f.read(DISK_STEP) != pattern(self.seed + at, DISK_STEP):
                    return f'{self.path.name} is wrong at {at}'
        return None


INVERT = bytes(255 - i for i in range(256))
ETHER_TYPE = b'\x88\xb5'                # for local experiments


def answer(frame):
    """What the other end of a cable sends back: the payload inverted."""
    if frame[12:14] != ETHER_TYPE or frame[6:12] == PEER_MAC:
        return None
    return frame[6:12] + PEER_MAC + frame[12:14] + frame[14:].translate(INVERT)


class Peer:
    """The other end of a network cable: a socket, or our side of a tap."""

    def __init__(self, ours, qemus):
        self.ours, self.qemus = ours, qemus
        os.set_inheritable(qemus.fileno(), True)
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while True:
            try:
                frame = self.ours.recv(65536)
                if not frame:
                    return
                back = answer(frame)
                if back:
                    self.ours.send(back)
            except OSError:
                return

    def launched(self):
        self.qemus.close()
        self.thread.start()

    def close(self):
        try:
            self.ours.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.ours.close()
        if self.thread.is_alive():
            self.thread.join(5)


def socket_peer():
    return Peer(*socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))


def tap_peer():
    """A tap of our own, which vhost-net can serve: frames pass by the host's
    kernel, not by QEMU."""
    tap = open('/dev/net/tun', 'r+b', buffering=0)
    name = fcntl.ioctl(tap, TUNSETIFF, struct.pack(
        '16sH22x', b'im-vhost%d', IFF_TAP_NO_PI_VNET_HDR))[:16].rstrip(b'\0')
    ours = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                         socket.htons(int.from_bytes(ETHER_TYPE, 'big')))
    flags = struct.pack('16sH22x', name, IFF_UP)
    fcntl.ioctl(ours, SIOCSIFFLAGS, flags)
    ours.bind((name.decode(), int.from_bytes(ETHER_TYPE, 'big')))
    return Peer(ours, tap)


class Guest:
    """One run of one guest."""

    def __init__(self, name, arch=X86, iommu=None, memory='768M', cpus=2,
                 cpu=None, trace=None, kvm=False, uefi=False, machine=None):
        self.name, self.arch = name, arch
        self.iommu = iommu or arch.iommu
        self.dir = kernel.guest_dir() / 'logs' / name
        self.dir.parent.mkdir(parents=True, exist_ok=True)
        lock_name(self.dir.with_suffix('.lock'))
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(parents=True)
        self.append = [f'console={arch.consoles[0]}', 'panic=-1',
                       *arch.append.split(), f'im.sync={arch.consoles[1]}']
        self.args = ['-nodefaults', '-no-user-config', '-no-reboot',
                     *(KVM if kvm else
                       [*(['-machine', machine] if machine
                          else arch.machine), '-accel', 'tcg',
                        '-cpu', cpu or arch.cpu]),
                     '-smp', str(cpus), '-m', memory, *arch.firmware_args(),
                     *(uefi_args(arch) if uefi else []),
                     '-D', str(self.dir / 'trace.log')]
        if self.has_counters() or trace:
            for event in TRACE + (trace or []):
                self.args += ['-trace', event]
        self.disks, self.peers, self.lines = [], [], []
        self.buffer, self.last_fault = b'', {}      # by unit
        self.vm = self.results = None
        self.failures, self.crashes, self.ended = [], False, False
        self.boots, self.last_counters, self.boot_faults = [], {}, 0
        self.last_units = {}            # counters of each unit
        # Before every other device: they ask for their IOMMU when created.
        self.args += arch.iommu_args(self.iommu)

    # --- what is plugged in ---

    def endpoint(self, number=0, integrated=False, ids=''):
        """Below a root port of its own, or integrated into the root."""
        bus = 'pcie.0'
        if not integrated:
            bus = f'rp{number}'
            self.args += ['-device', f'pcie-root-port,id={bus},'
                          f'chassis={number + 1},slot={number + 1}']
        self.args += ['-device', f'pasid-endpoint,bus={bus}'
                      f'{ids or self.arch.endpoint}']

    def kexec_disks(self, image, initramfs):
        """The next kernel, padded to whole sectors."""
        for name, path in (('kernel', image), ('initrd', initramfs)):
            data = Path(path).read_bytes()
            img = self.dir / f'{name}.img'
            img.write_bytes(data + bytes(-len(data) % 512))
            self.add_drive(name, img)
            self.args += ['-device', f'virtio-blk-pci,drive={name},'
                          f'serial=im-{name},iommu_platform=on,'
                          'disable-legacy=on']

    def work_disks(self):
        """A disk to swap to, and one for a file system."""
        for n, (name, size) in enumerate((('swap', 256), ('file', 32))):
            path = self.dir / f'{name}.img'
            with open(path, 'wb') as f:
                f.truncate(size << 20)
            self.add_drive(name, path)
            self.args += ['-device', f'virtio-blk-pci,drive={name},'
                          f'serial=im-{name},bus=pcie.0,addr={0x10 + n:#x},'
                          'iommu_platform=on,disable-legacy=on']

    def add_drive(self, name, path):
        self.args += ['-drive', f'if=none,id={name},format=raw,'
                      f'cache=unsafe,file={path}']

    def data_disk(self, name, device, seed):
        path = self.dir / f'{name}.img'
        self.disks.append(Disk(path, seed))
        self.add_drive(name, path)
        self.args += ['-device', device.replace('DRIVE', name)]

    def network(self, name, device, vhost=False):
        peer = tap_peer() if vhost else socket_peer()
        self.peers.append(peer)
        fd = peer.qemus.fileno()
        self.args += ['-netdev', f'tap,id={name},fd={fd},vhost=on' if vhost
                      else f'dgram,id={name},local.type=fd,local.str={fd}',
                      '-device', f'{device},netdev={name},mac={MAC}']

    def ordinary_devices(self, wanted, virtio='', iothread=False, bus='',
                         vhost=False):
        """The devices WANTED, on BUS where a conventional one can be, the
        network of virtio by VHOST; the programs expect these seeds."""
        io = ''
        if iothread:
            self.args += ['-object', 'iothread,id=io0']
            io = ',iothread=io0'
        virtio = f',iommu_platform=on,disable-legacy=on{virtio}'
        slots = [f',bus={bus},addr={n}' if bus else '' for n in (1, 2)]
        if set(wanted) & set(DISK_USERS):
            self.data_disk('vblk', 'virtio-blk-pci,drive=DRIVE' + virtio + io +
                           slots[0], 1 << 40)
        if 'nvme' in wanted:
            self.data_disk('nvme', 'nvme,drive=DRIVE,serial=im-nvme', 2 << 40)
        if 'ahci' in wanted:
            self.args += ['-device', 'ahci,id=sata']
            self.data_disk('sata', 'ide-hd,bus=sata.0,drive=DRIVE', 3 << 40)
        if set(wanted) & {'e1000e', 'new-cpu'}:
            self.network('n0', 'e1000e')
        if 'virtio-net' in wanted:
            self.network('n1', f'virtio-net-pci{virtio}{slots[1]}', vhost)

    # --- running ---

    def start(self, image, initramfs):
        machine = qemu_python()
        ours, qemus = socket.socketpair()
        os.set_inheritable(qemus.fileno(), True)
        self.args += [
            '-chardev', f'file,id=con,path={self.dir / "serial.log"}',
            '-serial', 'chardev:con',
            '-chardev', f'socket,id=res,fd={qemus.fileno()}',
            '-serial', 'chardev:res',
            '-kernel', str(image), '-initrd', str(initramfs),
            '-append', ' '.join(self.append)]
        wrapper = []
        if shutil.which('setpriv'):
            wrapper = ['setpriv', '--pdeathsig', 'KILL', '--']
        # Sockets and temporary files are short-lived: not in the logs.
        self.vm = machine(str(emulator(self.arch)), args=self.args,
                          wrapper=wrapper, name='qemu',
                          base_temp_dir=str(self.dir), log_dir=str(self.dir),
                          qmp_timer=60)
        (self.dir / 'command').write_text(' '.join(
            [str(emulator(self.arch)), *self.args]) + '\n')
        try:
            self.vm.launch()
        except Exception as e:
            log = self.dir / 'qemu.log'
            text = log.read_text().strip() if log.exists() else ''
            code = self.vm.exitcode()
            why = text.splitlines()[-1] if text else f'exit status {code}'
            raise Failed(f'{self.name}: QEMU does not start: {why} (command '
                         f'line in {self.dir}/command)') from e
        finally:
            qemus.close()
        self.results = ours
        for peer in self.peers:
            peer.launched()

    def traced(self, event, words):
        """Whether a trace event of this name says WORDS."""
        with open(self.dir / 'trace.log', errors='replace') as log:
            return any(line.startswith(event + ' ') and words in line
                       for line in log)

    def read_line(self):
        """The guest's next result, without "im: "; None: no more."""
        deadline = time.monotonic() + SILENCE
        while True:
            line, newline, rest = self.buffer.partition(b'\n')
            if newline:
                self.buffer = rest
                text = line.decode(errors='replace').rstrip('\r')
                self.lines.append(text)
                # UEFI leaves half a line on every serial port.
                _, ours, said = text.partition('im: ')
                if ours:
                    return said
                continue
            left = deadline - time.monotonic()
            ready = left > 0 and select.select([self.results], [], [],
                                               left)[0]
            if not ready:
                self.fail(f'no result for {SILENCE:.0f} s')
                return None
            try:
                data = self.results.recv(65536)
            except OSError:
                data = b''
            if not data:
                return None
            self.buffer += data

    def wait_for(self, text):
        """Until the console shows TEXT; no scenario may end before."""
        deadline = time.monotonic() + SILENCE
        while text not in self.serial():
            if select.select([self.results], [], [], 0.2)[0]:
                line = self.read_line()
                if line and line.startswith('begin '):
                    self.go()
                elif line is None and text in self.serial():
                    return
                elif line is None or line.startswith('end '):
                    self.fail(f'the guest got on without "{text}": {line}')
                    return
            if time.monotonic() > deadline:
                self.fail(f'no "{text}" for {SILENCE:.0f} s')
                return

    def moved(self, requests):
        """Wait until devices have made so many more requests."""
        def count():
            unit = self.counters().get(self.arch.iommu_type, {})
            return sum(unit.get(n, 0) for n in remap.REQUESTS)

        enough = count() + requests
        deadline = time.monotonic() + SILENCE
        while count() < enough:
            if time.monotonic() > deadline:
                self.fail(f'devices did not make {requests} requests')
                return

    def go(self):
        self.results.sendall(b'go\n')

    def fail(self, text):
        self.failures.append(text)

    def has_counters(self):
        return self.iommu.partition(',')[0] == self.arch.iommu_type

    def counters(self):
        """{type: {counter: value}}, instances of a type added up."""
        if not self.has_counters():
            return {}
        total, units = {}, {}
        for device in self.vm.cmd('x-im-counters'):
            into = total.setdefault(device['type'], {})
            if device['type'] == self.arch.iommu_type:
                units[device['device']] = {c['name']: c['value']
                                           for c in device['counters']}
            for c in device['counters']:
                into[c['name']] = into.get(c['name'], 0) + c['value']
        self.last_counters, self.last_units = total, units
        return total

    def new_faults(self):
        """The faults since the last call; not those that stalled a request,
        which the kernel served or refused, nor those it wants none of."""
        if not self.has_counters():
            return []
        faults = [f for f in map(Fault, self.vm.cmd('x-im-faults'))
                  if f.sequence > self.last_fault.get(f.unit, 0)]
        for f in faults:
            self.last_fault[f.unit] = f.sequence
        return [f for f in faults
                if not f.hidden and not f.what.startswith('stalled')]

    def booted(self, release, allowed):
        """A kernel is up. What faulted while it came up is its own doing, and
        none of a scenario's."""
        self.boots.append(Boot(release))
        for f in self.new_faults():
            if f.name in allowed or \
                    (f.name, f.requester) in self.arch.boot_faults:
                self.boot_faults += 1
            else:
                self.fail(f'fault {f.name} while Linux {release} boots: {f}')

    def serial(self):
        path = self.dir / 'serial.log'
        return path.read_text(errors='replace') if path.exists() else ''

    def said(self):
        """What the emulator itself has said."""
        path = self.dir / 'qemu.log'
        return path.read_text(errors='replace') if path.exists() else ''

    def kernel_complaints(self):
        signs = ('WARNING:', 'BUG:', 'Oops', 'Kernel panic', 'Call Trace',
                 'blocked for more than', 'hardware is malfunctioning',
                 'an interrupt was lost', 'runs on after STOP')
        # A kernel that was made to crash may complain; its successor not.
        text = self.serial().split('Linux version')[-1] \
            if self.crashes else self.serial()
        return [line.strip() for line in text.splitlines()
                if any(s in line for s in signs)]

    def save_state(self):
        """What the models know, beside the logs."""
        if not self.vm or not self.vm.is_running():
            return
        for command, name in (('x-im-dump', 'dump.txt'),
                              ('x-im-faults', 'faults.txt'),
                              ('x-im-counters', 'counters.txt')):
            try:
                out = self.vm.cmd(command) if self.has_counters() else ''
            except Exception as e:
                out = str(e)
            if isinstance(out, dict):
                out = out.get('human-readable-text', str(out))
            if isinstance(out, list):
                out = ''.join(f'{row}\n' for row in out)
            (self.dir / name).write_text(out)
        with open(self.dir / 'cpus.txt', 'w') as f:
            for line in ['info registers -a', *self.arch.state]:
                try:
                    f.write(self.vm.cmd('human-monitor-command',
                                        command_line=line))
                except Exception as e:
                    f.write(f'{line}: {e}\n')

    def end(self):
        """It would not by itself: so it was to be."""
        self.vm.kill()
        self.ended = True

    def stop(self):
        """End the guest; a guest that powered off leaves nothing to end."""
        if self.vm:
            if self.failures:
                self.save_state()
                self.vm.kill()
            try:
                self.vm.wait(timeout=60)
            except Exception as e:
                self.fail(f'QEMU did not end by itself: {type(e).__name__}')
            code = self.vm.exitcode()
            if code and not ((self.failures or self.ended) and code < 0):
                self.fail(f'QEMU ended with status {code}')
        if self.results:
            self.results.close()
        for peer in self.peers:
            peer.close()
        (self.dir / 'results.log').write_text(
            ''.join(f'{line}\n' for line in self.lines))

    def tidy(self):
        """After success: images and trace are of no use."""
        for path in list(self.dir.glob('*.img')) + [self.dir / 'trace.log']:
            path.unlink(missing_ok=True)
