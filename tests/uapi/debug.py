#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A preloaded program below a debugger, and below strace -f.

Neither may get hold of the server: it would stop it, and wait for its client,
which waits for it. Run with libim-iommufd.so preloaded, by own.py:

  debug.py PROGRAM        traced.c
"""

import os
import shutil
import subprocess
import sys
import tempfile

SAID = 'ids 1 2 3'
SECONDS = 100
# Where a breakpoint would kill a child that the debugger does not know.
IN_LIBC = ['close', 'execve', 'fcntl', 'waitpid', 'sigaction']


def run(*command, **env):
    done = subprocess.run(command, env=dict(os.environ, **env), text=True,
                          stdin=subprocess.DEVNULL, timeout=SECONDS,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout


def gdb(program, *commands, **env):
    words = ['gdb', '-nx', '-batch']
    for c in ('set debuginfod enabled off', 'set pagination off', *commands):
        words += ['-ex', c]
    return run(*words, program, **env)


def gdb_runs(program):
    return gdb(program, 'run')


def gdb_breaks_and_steps(program):
    out = gdb(program, 'break main', 'run', 'next', 'print fd', 'next',
              'step', 'finish', 'continue')
    assert '$1 = ' in out and '$1 = -1' not in out, out
    return out


def gdb_alone_is_not_preloaded(program):
    lib = os.environ['LD_PRELOAD']
    return gdb(program, f'set exec-wrapper env LD_PRELOAD={lib}',
               'break alloc', 'run', 'finish', 'continue', 'continue',
               LD_PRELOAD='')


def gdb_follows_children(program):
    return gdb(program, 'set follow-fork-mode child', 'run')


def gdb_breaks_in_the_c_library(program):
    return gdb(program, 'break main', 'run',
               *(f'break {name}' for name in IN_LIBC),
               *(f'ignore {n} 1000' for n in
                 range(2, 2 + len(IN_LIBC))), 'continue')


def strace_follows_children(program):
    with tempfile.NamedTemporaryFile() as log:
        out = run('strace', '-f', '-o', log.name, program)
        text = log.read().decode(errors='replace')
    assert 'execve' in text and 'im-iommufd --listen' not in text, text[-500:]
    return out


def strace_follows_what_is_there(program):
    """The tracer is preloaded, and a client's descriptor is its own."""
    fd = os.open('/dev/iommu', os.O_RDWR)
    try:
        return run('strace', '-f', '-y', '-o', '/dev/null', program)
    finally:
        os.close(fd)


def strace_filters_with_a_server_outside(program):
    """The filter would fail what an untraced server asks of the system."""
    fd = os.open('/dev/iommu', os.O_RDWR)
    try:
        return run('strace', '-f', '--seccomp-bpf', '-e', 'trace=openat',
                   '-o', '/dev/null', program)
    finally:
        os.close(fd)


ROWS = [('gdb', gdb_runs), ('gdb', gdb_breaks_and_steps),
        ('gdb', gdb_alone_is_not_preloaded), ('gdb', gdb_follows_children),
        ('gdb', gdb_breaks_in_the_c_library),
        ('strace', strace_follows_children),
        ('strace', strace_follows_what_is_there),
        ('strace', strace_filters_with_a_server_outside)]


def reason(tool):
    """Why the tool cannot be used here; None: it can."""
    if not shutil.which(tool):
        return f'{tool} is not installed'
    probe = {'gdb': ['gdb', '-nx', '-batch', '-ex', 'run', '/bin/true'],
             'strace': ['strace', '-f', '-o', '/dev/null', '/bin/true']}
    try:
        done = subprocess.run(probe[tool], env=dict(os.environ, LD_PRELOAD=''),
                              stdin=subprocess.DEVNULL, text=True, timeout=60,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired:
        return f'{tool} does not end'
    good = done.returncode == 0 and (tool != 'gdb' or
                                     'exited normally' in done.stdout)
    return None if good else f'{tool} may not trace here'


def main():
    program = sys.argv[1]
    why = {tool: reason(tool) for tool in ('gdb', 'strace')}
    failed = 0
    print(f'1..{len(ROWS)}')
    for n, (tool, row) in enumerate(ROWS, 1):
        name = row.__name__.replace('_', '-')
        if why[tool]:
            print(f'ok {n} {name} # SKIP {why[tool]}', flush=True)
            continue
        try:
            said = row(program)
        except (AssertionError, subprocess.TimeoutExpired) as e:
            said = f'{e}'
        good = SAID in said
        failed += not good
        print(f'{"ok" if good else "not ok"} {n} {name}', flush=True)
        for line in [] if good else said.splitlines()[-30:]:
            print(f'# {line}', flush=True)
    sys.exit(failed != 0)


if __name__ == '__main__':
    main()
