# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine without a running CPU, driven register by register, and TAP.

Every test gets a fresh machine. Time is virtual and stands still unless a test
moves it, so that a test either passes always or never.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

PATIENCE = 20           # seconds of real time before a test gives up
RAM = 256 << 20

# machine: architecture, where memory begins, ECAM, where BARs are placed,
# more options
MACHINES = {
    'q35': ('x86_64', 0, 0xb0000000, 0xe0000000, ()),
    'virt': ('aarch64', 0x40000000, 0x4010000000, 0x10000000,
             ('-cpu', 'cortex-a57')),
}


class Failure(Exception):
    """What a test expected and did not see."""


class MachineRefused(Exception):
    """QEMU ended before it was ready; the text is its standard error."""


def expect(got, want, what):
    if got != want:
        show = hex if isinstance(got, int) and isinstance(want, int) else repr
        raise Failure(f'{what}: got {show(got)}, expected {show(want)}')


def expect_true(cond, what):
    if not cond:
        raise Failure(what)


def emulator(machine='q35'):
    path = os.environ.get('QTEST_QEMU_BINARY')
    if not path:
        sys.exit('QTEST_QEMU_BINARY is not set: run this by "meson test"')
    arch = MACHINES.get(machine, MACHINES['q35'])[0]
    return path.replace('x86_64', arch)


class Line:
    """A socket of text lines: written at once, read with a buffer."""

    def __init__(self, conn):
        self.conn = conn
        self.readline = conn.makefile('rb').readline
        self.write = conn.sendall


class Machine:
    # what a test asks for, and what it gets
    arguments = staticmethod(lambda args: args)

    def __init__(self, *args, machine='q35', firmware=True):
        kind = machine.split(',')[0]
        _, self.ram, self.ecam, self.window, self.options = \
            MACHINES.get(kind, MACHINES['q35'])
        self.binary, self.firmware = emulator(kind), firmware
        self.dir = tempfile.mkdtemp(prefix='im-qtest-')
        self.process = None
        try:
            self.launch(self.arguments(args), machine)
        except BaseException:
            self.close()
            raise

    def launch(self, args, machine):
        listeners = [self.listen('qtest'), self.listen('qmp')]
        self.log = open(os.path.join(self.dir, 'stderr'), 'w+')
        firmware = os.path.join(self.dir, 'firmware')   # nobody runs it
        with open(firmware, 'wb') as f:
            f.truncate(0x20000)
        command = [self.binary, '-machine', f'{machine},accel=qtest',
                   *self.options, '-m', str(RAM >> 20), '-nodefaults', '-display', 'none',
                   *(['-bios', firmware] if self.firmware else []),
                   '-qtest', f'unix:{self.dir}/qtest', '-qtest-log', 'none',
                   '-qmp', f'unix:{self.dir}/qmp', *args]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log)
        self.qtest, self.qmp_file = [self.accept(s) for s in listeners]
        self.events = []
        self.read_qmp()                             # greeting
        self.qmp('qmp_capabilities')

    def listen(self, name):
        s = socket.socket(socket.AF_UNIX)
        s.bind(os.path.join(self.dir, name))
        s.listen(1)
        s.settimeout(0.05)
        return s

    def accept(self, listener):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                conn, _ = listener.accept()
            except socket.timeout:
                if self.process.poll() is not None:
                    raise MachineRefused(self.output()) from None
                continue
            listener.close()
            conn.settimeout(PATIENCE)
            return Line(conn)
        raise Failure('QEMU did not connect')

    def output(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *rest):
        status = self.process.poll()
        text = self.output()
        self.close()
        if kind is None:
            expect(status, None, 'QEMU ended by itself; it said:\n' + text)

    # QMP

    def read_qmp(self):
        try:
            line = self.qmp_file.readline()
        except ConnectionError:
            line = b''
        if not line:
            self.process.wait(PATIENCE)
            raise MachineRefused(self.output())
        return json.loads(line)

    def try_qmp(self, command, /, **arguments):
        msg = {'execute': command, 'arguments': arguments}
        try:
            self.qmp_file.write(json.dumps(msg).encode() + b'\n')
        except ConnectionError:
            pass                        # read_qmp() says why
        while True:
            reply = self.read_qmp()
            if 'event' not in reply:
                return reply
            self.events.append(reply)

    def qmp(self, command, /, **arguments):
        reply = self.try_qmp(command, **arguments)
        if 'error' in reply:
            raise Failure(f'{command}: {reply["error"]["desc"]}')
        return reply['return']

    def hmp(self, line):
        return self.qmp('human-monitor-command', **{'command-line': line})

    # qtest

    def ask(self, line):
        try:
            self.qtest.write(line.encode() + b'\n')
            answer = self.qtest.readline().decode().split()
        except ConnectionError:
            answer = None
        if not answer:
            raise Failure('QEMU is gone; it said:\n' + self.output())
        expect(answer[0], 'OK', line)
        return int(answer[1], 0) if len(answer) > 1 else None

    def read(self, addr, size):
        return self.ask(f'read{"bwlq"[size.bit_length() - 1]} {addr:#x}')

    def write(self, addr, value, size):
        self.ask(f'write{"bwlq"[size.bit_length() - 1]} {addr:#x} {value:#x}')

    def read_bytes(self, addr, size):
        self.qtest.write(f'read {addr:#x} {size:#x}\n'.encode())
        answer = self.qtest.readline().decode().split()
        return bytes.fromhex(answer[1][2:])

    def write_bytes(self, addr, data):
        self.ask(f'write {addr:#x} {len(data):#x} 0x{data.hex()}')

    def outl(self, port, value):
        self.ask(f'outl {port:#x} {value:#x}')

    def step(self, ns):
        self.ask(f'clock_step {ns}')

    def wait(self, cond, what):
        """Let the main loop run until cond() holds."""
        end = time.monotonic() + PATIENCE
        while not cond():
            if time.monotonic() > end:
                raise Failure(f'never happened: {what}')


def check_refused(args, *names, machine='q35', firmware=True):
    """One line, whose reason names all of these.

    QEMU puts the options in front of the reason: they do not count.
    """
    try:
        with Machine(*args, machine=machine, firmware=firmware):
            pass
    except MachineRefused as e:
        lines = [l for l in str(e).splitlines() if 'rom: file' not in l]
        expect(len(lines), 1, f'lines of the refusal {lines}')
        reason = re.sub(r'^.*?: (-device \S+: )?', '', lines[0])
        for name in names:
            expect_true(name in reason, f'"{name}" in "{reason}"')
        return
    expect_true(False, 'the machine starts: expected a refusal')


class Heap:
    """Guest memory for tables and buffers, zeroed and never reused."""

    def __init__(self, vm, base=0x1000000):
        self.vm = vm
        self.next = vm.ram + base

    def alloc(self, size=0x1000, align=0x1000):
        self.next = (self.next + align - 1) & -align
        addr = self.next
        self.next += size
        expect_true(self.next <= self.vm.ram + RAM, 'the test needs more memory')
        return addr


TESTS = []


def test(fn):
    TESTS.append((fn.__name__.replace('_', '-'), fn, ()))
    return fn


def rows(table):
    """One test a row: (name, arguments...)."""
    def add(fn):
        group = fn.__name__.replace('_', '-')
        for name, *args in table:
            TESTS.append((f'{group}/{name}', fn, tuple(args)))
        return fn
    return add


def main():
    wanted = sys.argv[1:]
    tests = [t for t in TESTS
             if not wanted or any(w in t[0] for w in wanted)]
    print(f'1..{len(tests)}', flush=True)
    failed = 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    for number, (name, fn, args) in enumerate(tests, 1):
        try:
            fn(*args)
            print(f'ok {number} - {name}', flush=True)
        except Exception as e:                      # report, go on
            failed += 1
            print(f'not ok {number} - {name}', flush=True)
            text = str(e) if isinstance(e, Failure) else traceback.format_exc()
            where = traceback.extract_tb(e.__traceback__)
            for frame in where[1:]:
                text += f'\n  {os.path.basename(frame.filename)}:' \
                        f'{frame.lineno}: {frame.line}'
            for line in text.splitlines():
                print(f'# {line}', flush=True)
    sys.exit(failed != 0)
