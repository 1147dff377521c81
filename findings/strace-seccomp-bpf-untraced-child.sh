#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Under "strace -f --seccomp-bpf" a child that is not traced loses the system
# calls that strace looks at.
#
# Software:  strace 6.1 (Debian 12: 6.1-0.1), on the kernel that runs it
# Input:     a program that begins a helper by clone(CLONE_UNTRACED), which
#            opens /dev/null; once without strace, with "strace -f", and with
#            "strace -f --seccomp-bpf", each time -e trace=openat
# Guess:     the same three times: the option makes strace faster, and what is
#            not traced is nobody's business
# Seen:      with --seccomp-bpf the helper's openat() is ENOSYS. The filter is
#            inherited, and without a tracer "ask the tracer" means no.
# So:        a library that begins a helper which must not be traced (a server
#            that answers its own clients) cannot do so below that option.
#
# Wants gcc and ptrace. Fails when what is seen changes.
set -eu
version=6.1-0.1
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
cd "$top"

apt-get download "strace=$version" >log 2>&1 || {
    echo "strace $version cannot be fetched: this is Debian 12's"
    exit 2
}
dpkg-deb -x strace_*.deb root
strace=$top/root/usr/bin/strace
"$strace" -V | head -n 1

cat >helper.c <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    int status;
    long child = syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, 0, 0, 0, 0);

    if (child == 0) {
        long fd = syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY);

        _exit(fd < 0 ? errno : 0);
    }
    waitpid((pid_t)child, &status, 0);
    printf("helper: %s\n", WEXITSTATUS(status) == 0 ? "opened" :
           strerror(WEXITSTATUS(status)));
    return 0;
}
C
gcc -o helper helper.c

failed=0
expect() {      # expect OUTPUT COMMAND...
    want=$1
    shift
    got=$("$@" 2>trace)
    echo "$got    ($(basename "$1")${2:+ $2 $3})"
    [ "$got" = "$want" ] || { echo "changed: it was '$want'"; failed=1; }
}
expect 'helper: opened' ./helper
expect 'helper: opened' "$strace" -f -e trace=openat ./helper
expect 'helper: Function not implemented' \
    "$strace" -f --seccomp-bpf -e trace=openat ./helper
[ $failed = 0 ] && echo "as recorded"
exit $failed
