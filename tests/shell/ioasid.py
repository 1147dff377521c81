#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""build/ioasid: the walk-through of README.rst, JSON, mistakes, typing.

  ioasid.py SHELL             test, TAP
  ioasid.py SHELL --write     put the answers into README.rst anew
"""

import json
import os
import pty
import random
import select
import subprocess
import sys
import time
from pathlib import Path

README = Path(__file__).resolve().parent.parent.parent / 'README.rst'
PROMPT = 'ioasid> '
INDENT = '    '


def blocks(lines):
    """(first, last + 1) of the literal block that begins with a prompt."""
    first = next(i for i, l in enumerate(lines)
                 if l.startswith(INDENT + PROMPT))
    last = first
    while last < len(lines) and (lines[last].startswith(INDENT)
                                 or not lines[last].strip()):
        last += 1
    while not lines[last - 1].strip():
        last -= 1
    return first, last


def run(shell, script, *options):
    done = subprocess.run([shell, *options], input=script, timeout=60,
                          capture_output=True, text=True)
    if done.returncode not in (0, 1) or done.stderr:
        raise AssertionError(f'status {done.returncode}: {done.stderr}')
    return done.stdout


def script_of(block):
    return ''.join(l[len(INDENT + PROMPT):] + '\n' for l in block
                   if l.startswith(INDENT + PROMPT))


def walk_through(shell):
    lines = README.read_text().splitlines()
    first, last = blocks(lines)
    want = [l[len(INDENT):] for l in lines[first:last]]
    got = run(shell, script_of(lines[first:last]), '--echo').splitlines()
    for n, (a, b) in enumerate(zip(want + [''] * len(got), got)):
        if a != b:
            raise AssertionError(f'line {n + 1}: README.rst has "{a}", '
                                 f'the shell says "{b}"')
    assert len(want) == len(got), 'README.rst has more lines'


def write(shell):
    lines = README.read_text().splitlines()
    first, last = blocks(lines)
    got = run(shell, script_of(lines[first:last]), '--echo').splitlines()
    lines[first:last] = [INDENT + l if l else '' for l in got]
    README.write_text('\n'.join(lines) + '\n')


def as_json(shell):
    lines = README.read_text().splitlines()
    first, last = blocks(lines)
    out = [json.loads(l) for l in run(shell, script_of(lines[first:last])
                                      + 'state\ncounters\npeek 0\n',
                                      '--json').splitlines()]
    notes = [o['note'] for o in out if 'note' in o]
    assert any('page request' in n for n in notes), notes
    fault = next(o for o in out if 'faults' in o)
    assert fault['faults'][0]['addr'] == 0x7000, fault
    assert {'error': 'EDQUOT', 'text': 'the quota is used up'} in out, out


def lists_as_json(shell):
    out = run(shell, 'set-create gpasid-min=1 gpasid-max=9\n'
              'm = space-create kind=mapped flags=dirty\n'
              'allow space=$m ranges=first:0/last:0xffff,'
              'first:0x100000/last:0x1fffff\n'
              'ranges space=$m\nranges space=$m count=1\n'
              'dirty-set space=$m flags=on\n'
              'dirty-get space=$m length=0x2000 page-size=0x1000\n'
              'event-read queue=2.1\n', '--json').splitlines()
    out = [json.loads(l) for l in out]
    assert out[3]['ranges'] == [{'first': 0, 'last': 0xffff},
                                {'first': 0x100000, 'last': 0x1fffff}], out
    assert out[4]['error'] == 'EMSGSIZE' and out[4]['count'] == 2, out
    assert out[6] == {'bitmap': [0]}, out
    assert out[7]['events'] == [], out


def help_of_everything(shell):
    text = run(shell, 'help\n')
    verbs = [l.split()[0] for l in text.splitlines()
             if l.startswith('  ') and l.strip() and l[2] != ' ']
    assert len(verbs) > 40, verbs
    for verb in verbs:
        assert run(shell, f'help {verb}\n'), verb


MISTAKES = ['', 'set-creat', 'set-create quota', 'set-create quota-max=x',
            'set-create =', 'set-create quota-max=', 'x =', 'x = y',
            'pasid-alloc', 'pasid-alloc set=$none', 'pasid-alloc set=1',
            'invalidate entries=5', 'invalidate entries=gpasid:x',
            'invalidate entries=', 'map flags=read+x', 'dma', 'dma ep0',
            'dma ep9 read 0', 'dma ep0 read 1', 'dma ep0 read 0 pasid=x',
            'dma ep0 read 0 pasid=99999999', 'peek 1', 'peek', 'poke 0',
            'poke 0xfffffffffffffff8 1', 'step', 'step x', 'step 1h',
            'step 99999999999999999999s', 'page 0', 'page 0x3fff000 0 0',
            'page 0x4000000 0 0', 'use', 'mute', 'mute ep0 maybe',
            'explain ep0', 'help nothing', '# a remark', 'quit now']


def mistakes(shell):
    for line in MISTAKES:
        run(shell, f'{line}\n')
        run(shell, f'{line}\n', '--json')
    try:
        run(shell, '', '--none')
    except AssertionError as e:
        assert 'status 2' in str(e), e
    else:
        raise AssertionError('--none is taken')


def stops(shell):
    out = run(shell, 'nonsense\nset-create gpasid-min=1 gpasid-max=9\n', '-e')
    assert 'set=' not in out, out
    done = subprocess.run([shell, '-c', 'check', '-c', 'set-query set=9.9'],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done
    assert done.stdout.splitlines()[0] == 'every invariant holds', done


def random_words(shell):
    """Anything that can be typed: no crash, no hang, every invariant."""
    rng = random.Random(20261121)
    text = run(shell, 'help\n')
    verbs = [l.split()[0] for l in text.splitlines()
             if l.startswith('  ') and l.strip() and l[2] != ' ']
    verbs = [v for v in verbs if v not in ('quit', 'help')]
    words = set()
    for verb in verbs:
        for l in run(shell, f'help {verb}\n').splitlines()[1:]:
            if l.startswith('  '):
                words.add(l.split()[0])
    words = sorted(words)
    values = ['0', '1', '2', '7', '0x1000', '0xffffffffffffffff',
              '4294967295', '1.1', '2.1', '3.1', '4.1', '5.1', 'all', 'range',
              'mapped', 'nested', 'iotlb+devtlb', 'read+write', 'pasid',
              'fixed', 'force', 'space', 'set', 'gpasid:1', 'root:0x1000',
              'first:0/last:9', 'vtd-first', 'translate', 'global', '64']
    lines = ['set-create gpasid-min=1 gpasid-max=9', 'dev-bind func=0x100',
             'space-create kind=mapped flags=parent', 'pasid-alloc']
    for _ in range(3000 // int(os.environ.get('IM_TEST_SHARE', 1))):
        verb = rng.choice(verbs)
        if rng.random() < 0.2:
            line = f'dma ep{rng.randrange(2)} {rng.choice(["read", "write"])}' \
                   f' {rng.choice(["0", "0x1000", "0x7000"])} pasid=' \
                   f'{rng.randrange(4)} {rng.choice(["", "ats"])}'
        else:
            line = ' '.join([verb] + [
                f'{rng.choice(words)}={rng.choice(values)}'
                for _ in range(rng.randrange(5))])
        lines.append(line)
    out = run(shell, '\n'.join(lines) + '\ncheck\n')
    assert out.splitlines()[-1] == 'every invariant holds', out[-300:]


def typed(shell):
    """On a terminal: prompt, completion where there is line editing, end."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ['TERM'] = 'vt100'
        os.execv(shell, [shell])
    seen, end = b'', time.monotonic() + 30

    def until(what, sends=b''):
        nonlocal seen
        if sends:
            os.write(fd, sends)
        while what not in seen:
            ready, _, _ = select.select([fd], [], [], 1)
            if ready:
                try:
                    seen += os.read(fd, 4096)
                except OSError:
                    break
            assert time.monotonic() < end, seen
        assert what in seen, seen

    until(b'ioasid> ')
    seen = b''
    until(b'every invariant holds', b'check\n')
    seen = b''
    until(b'quota-max', b'help set-create\n')
    if b'rl_initialize' in Path(shell).read_bytes():    # line editing
        until(PROMPT.encode())
        seen = b''
        until(b'loc ', b'pasid-al\t')
        seen = b''
        until(b'asid=', b'gp\t')
        seen = b''
        until(b'a number', b'x\n')
    os.write(fd, b'quit\n')
    _, status = os.waitpid(pid, 0)
    assert status == 0, status


TESTS = [walk_through, as_json, lists_as_json, help_of_everything, mistakes,
         stops, random_words, typed]


def no_terminal():
    """Why there is no pseudo-terminal to type on; None: there is one."""
    try:
        for fd in pty.openpty():
            os.close(fd)
    except OSError as e:
        return f'no pseudo-terminal: {e}'
    return None


def main():
    shell = sys.argv[1]
    if '--write' in sys.argv:
        write(shell)
        return
    print(f'1..{len(TESTS)}')
    failed = 0
    for n, test in enumerate(TESTS, 1):
        name = test.__name__.replace('_', '-')
        reason = no_terminal() if test is typed else None
        if reason:
            print(f'ok {n} - {name} # SKIP {reason}', flush=True)
            continue
        try:
            test(shell)
            print(f'ok {n} - {name}', flush=True)
        except Exception as e:                      # report, go on
            failed += 1
            print(f'not ok {n} - {name}', flush=True)
            print('\n'.join(f'# {l}' for l in f'{e!r}'[:2000].splitlines()),
                  flush=True)
    sys.exit(failed != 0)


if __name__ == '__main__':
    main()
