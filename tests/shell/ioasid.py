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
import tempfile
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
    line = script_of(lines[first:last]).splitlines().index('pasid-alloc') + 2
    assert {'error': 'EDQUOT', 'text': 'the quota is used up',
            'exhausted': 16,
            'line': line} in out, out


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


def help_as_json(shell):
    out = run(shell, 'help\nhelp map\nhelp dma\nhelp nosuch\n', '--json')
    everything, verb, plain, nothing = map(json.loads, out.splitlines())
    names = [c['command'] for c in everything['commands']]
    assert {'map', 'dma', 'help', 'quit'} <= set(names), names
    for name in names:
        one = json.loads(run(shell, f'help {name}\n', '--json'))
        assert one['command'] == name and one['text'], one
    assert verb['clause'] == 'IOASID_CMD_MAP', verb
    words = {w['name']: w for w in verb['words']}
    assert words['flags'] == {'name': 'flags', 'dir': 'in', 'values': [
        'read', 'write', 'exec', 'fixed']}, words
    assert words['iova']['dir'] == 'in/out', words
    assert plain['args'].startswith('FUNCTION read|write ADDRESS'), plain
    assert nothing == {'error': 'nosuch', 'line': 4, 'text':
                       'no such command; help alone lists them'}, nothing
    out = run(shell, 'help nosuch\n', '--echo')
    assert out.endswith('nosuch: no such command; help alone lists them\n')


def lines_are_counted(shell):
    """Where nobody sees the lines of a script."""
    script = '# a remark\n\ncheck\nnonsense\npeek 1\npasid-alloc set=1.1\n'
    said = ['every invariant holds',
            'nonsense: no such command; see help',
            'usage: peek ADDRESS (64 bits of memory)',
            'ENOENT: no such object in this set']
    numbered = said[:1] + [f'line {n}: {t}' for n, t in enumerate(said[1:], 4)]
    assert run(shell, script).splitlines() == numbered
    assert [l for l in run(shell, script, '--echo').splitlines()
            if not l.startswith(PROMPT)] == said
    with tempfile.NamedTemporaryFile('w') as f:
        f.write(script)
        f.flush()
        assert run(shell, '', f.name).splitlines() == numbered
    assert run(shell, '', '-c', 'x') == 'x: no such command; see help\n'


NUMBER_64 = 'is no number from 0 to 0xffffffffffffffff'
NUMBERS = [
    ('set-create quota-max=-1', 'a number from 0 to 4294967295'),
    ('set-create quota-max=4294967296', 'a number from 0 to 4294967295'),
    ('set-create user-token=-1', 'a number from 0 to 0xffffffffffffffff'),
    ('map length=0x10000000000000000', 'from 0 to 0xffffffffffffffff'),
    ('peek -8', f'-8 {NUMBER_64}'),
    ('poke 0 -1', f'-1 {NUMBER_64}'),
    ('dma ep0 read -8', f'-8 {NUMBER_64}'),
    ('dma ep0 read 0 pasid=-1', f'-1 {NUMBER_64}'),
    ('page 0 0 0x10000000000000000', f'0x10000000000000000 {NUMBER_64}'),
]


def numbers(shell):
    for line, why in NUMBERS:
        out = run(shell, line + '\n')
        assert why in out, f'{line}: {out}'


MADE = """e = set-create map-mode=delegated
t = set-create map-mode=translate gpasid-min=1 gpasid-max=9
tp = space-create set=$t kind=mapped flags=parent
set-create gpasid-min=1 gpasid-max=9 quota-max=4
m = space-create kind=mapped flags=dirty
p = space-create kind=mapped flags=parent
b = space-create kind=block
d = dev-bind func=0x100
a = pasid-alloc
q = faultq-create
pt = space-create kind=pasid-table parent=$p
allow space=$m ranges=first:0/last:0xffff
map space=$p flags=read+fixed length=0x1000
"""
# What cannot be, and the word that is to blame.
REASONS = [
    ('set-create pool=global gpasid-min=1 gpasid-max=9', 'pool'),
    ('set-create map-mode=delegated quota-max=1', 'quota-max'),
    ('set-create map-mode=delegated quota-reserved=1', 'quota-reserved'),
    ('set-create map-mode=delegated gpasid-min=1', 'gpasid-min'),
    ('set-create map-mode=delegated gpasid-max=1', 'gpasid-max'),
    ('set-create gpasid-max=1', 'gpasid-min'),
    ('set-create gpasid-min=2 gpasid-max=1', 'gpasid-max'),
    ('set-create gpasid-min=2 gpasid-max=0x100000', 'gpasid-max'),
    ('set-create gpasid-min=1 gpasid-max=9 quota-max=1 quota-reserved=2',
     'quota-reserved'),
    ('set-update quota-max=1 quota-reserved=2', 'quota-reserved'),
    ('set-update set=$e quota-max=1', 'quota-max'),
    ('pasid-alloc min=3 max=2', 'max'),
    ('pasid-alloc min=3 max=20', 'min'),
    ('pasid-alloc flags=fixed min=3 max=4 gpasid=5', 'gpasid'),
    ('pasid-alloc flags=fixed gpasid=20', 'gpasid'),
    ('space-create kind=block flags=parent', 'flags'),
    ('space-create kind=block faultq=$q', 'faultq'),
    ('space-create kind=mapped parent=$p', 'parent'),
    ('space-create kind=mapped format=vtd-first', 'format'),
    ('space-create kind=nested parent=$m format=vtd-first '
     'vtd-first=root:0x1000', 'parent'),
    ('space-create kind=nested parent=$p vtd-first=root:0x1000', 'format'),
    ('space-create kind=pasid-table parent=$p format=vtd-first '
     'vtd-first=root:0x1000', 'format'),
    ('space-create kind=nested parent=$p format=vtd-first '
     'vtd-first=root:0x1001', 'vtd-first'),
    ('space-create kind=nested parent=$p format=vtd-first', 'vtd-first'),
    ('space-create kind=nested parent=$p format=smmu-ste smmu-ste=ste0:1',
     'smmu-ste'),
    ('space-create set=$t kind=pasid-table parent=$tp', 'kind'),
    ('map space=$b flags=read length=0x1000', 'space'),
    ('map space=$m length=0x1000', 'flags'),
    ('map space=$m flags=exec+write length=0x1000', 'flags'),
    ('map space=$m flags=read', 'length'),
    ('map space=$m flags=read length=5', 'length'),
    ('map space=$m flags=read length=0x1000 user=5', 'user'),
    ('map space=$m flags=read+fixed length=0x1000 iova=5', 'iova'),
    ('map space=$m flags=read+fixed length=0x1000 iova=0x10000', 'iova'),
    ('unmap space=$b length=0x1000', 'space'),
    ('unmap space=$m', 'length'),
    ('unmap space=$m length=5', 'length'),
    ('unmap space=$m length=0x1000 iova=5', 'iova'),
    ('copy dst=$b src=$m flags=read length=0x1000', 'dst'),
    ('copy dst=$m src=$b flags=read length=0x1000', 'src'),
    ('copy dst=$m src=$p length=0x1000', 'flags'),
    ('copy dst=$m src=$p flags=exec+write length=0x1000', 'flags'),
    ('copy dst=$m src=$p flags=read', 'length'),
    ('copy dst=$m src=$p flags=read length=5', 'length'),
    ('copy dst=$m src=$p flags=read length=0x1000 src-iova=5', 'src-iova'),
    ('copy dst=$m src=$p flags=read+fixed length=0x1000 dst-iova=5',
     'dst-iova'),
    ('copy dst=$m src=$p flags=read+fixed length=0x1000 dst-iova=0x10000',
     'dst-iova'),
    ('allow space=$b', 'space'),
    ('allow space=$m ranges=first:9/last:0', 'ranges'),
    ('allow space=$m ranges=first:0/last:9,first:5/last:20', 'ranges'),
    ('ranges space=$b', 'space'),
    ('dirty-get space=$m page-size=0x1000', 'length'),
    ('dirty-get space=$m length=0x1000', 'page-size'),
    ('dirty-get space=$m length=0x3000 page-size=0x3000', 'page-size'),
    ('dirty-get space=$m length=0x1001 page-size=0x1000', 'length'),
    ('dirty-get space=$m length=0x1000 iova=5 page-size=0x1000', 'iova'),
    ('dirty-get space=$m length=0x1000 page-size=0x1000', 'space'),
    ('attach dev=$d pasid=$a space=$m', 'pasid'),
    ('attach dev=$d pasid=$a space=$pt flags=pasid', 'space'),
    ('replace dev=$d pasid=$a space=$m', 'pasid'),
    ('detach dev=$d pasid=$a', 'pasid'),
    ('invalidate target=set object=$m gran=all caches=iotlb', 'object'),
    ('invalidate target=set gran=all', 'caches'),
    ('invalidate target=set gran=range caches=pasid-cache', 'caches'),
    ('invalidate target=set gran=all caches=iotlb entries=gpasid:1',
     'entries'),
    ('invalidate target=set gran=pasid caches=iotlb', 'entries'),
    ('invalidate target=set gran=pasid caches=iotlb entries=gpasid:0x100000',
     'entries'),
    ('evq-create', 'depth'),
    ('evq-create depth=65537', 'depth'),
]


def reasons(shell):
    """EINVAL names the word; said right, the command is something else."""
    out = run(shell, MADE + ''.join(f'{line}\n' for line, _ in REASONS),
              '--json').splitlines()
    first = MADE.count('\n') + 1
    by_line = {o['line']: o for o in map(json.loads, out) if 'line' in o}
    for n, (line, word) in enumerate(REASONS, first):
        o = by_line.get(n, {})
        assert (o.get('error'), o.get('word')) == ('EINVAL', word) and \
            o['why'] and o['section'].startswith('ioasid uAPI, 4.'), \
            f'{line}: {o}'
    text = run(shell, MADE + 'map space=$m flags=read length=5\n')
    assert text.endswith('EINVAL: a value that cannot be: length: '
                         'a multiple of 0x1000 '
                         '(IOASID_CMD_MAP: ioasid uAPI, 4.14)\n'), text


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


# What is wrong is named, and what would be right.
TOLD = [
    ('dev-bind func=0x100', 'there is no set yet; set-create makes one'),
    ('set-query set=$s', 'set=$s: no such name; NAME = COMMAND makes one'),
    ('invalidate set=1.1 entries=pasid:$p',
     'pasid=$p: no such name; NAME = COMMAND makes one'),
    ('set-create =3', '=3: say word=value'),
    ('q =', 'q: say NAME = COMMAND, with spaces'),
    ('q = check', 'check: makes no handle to be kept as a name'),
    ('check it', 'it: one word too many; usage: check'),
    ('peek 0 1', '1: one word too many; usage: peek ADDRESS'),
    ('dma ep9 read 0', 'ep9 is no function: ep0 and ep1 are'),
    ('mute ep9 on', 'ep9 is no function: ep0 and ep1 are'),
    ('dma ep0 move 0', 'move is neither read nor write'),
    ('dma ep0 read 4', '4 is no multiple of 8'),
    ('dma ep0 read x', 'x is no number from 0 to 0xffffffffffffffff'),
    ('dma ep0 read 0 pasid=0x100000', '0x100000 is no PASID: at most 0xfffff'),
]


def told(shell):
    for line, what in TOLD:
        out = run(shell, f'{line}\n')
        assert out.endswith(f'{what}\n') and out.count('\n') == 1, (line, out)


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
    for line in run(shell, '\n'.join(lines) + '\n', '--json').splitlines():
        o = json.loads(line)
        assert o.get('error') != 'EINVAL' or 'word' in o, \
            (o, lines[o['line'] - 1])


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


TESTS = [walk_through, as_json, lists_as_json, help_of_everything,
         help_as_json, lines_are_counted, numbers, reasons, mistakes, told, stops,
         random_words, typed]


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
