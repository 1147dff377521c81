/*
 * Calls that wait for a server that somebody has stopped, and signals. Every
 * case has a session, and so a server, of its own.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "own.h"

static const char *self;

/* --- the server --------------------------------------------------------- */

static pid_t server_of(int fd)
{
    struct ucred cred;
    socklen_t len = sizeof(cred);

    CHECK(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0);
    return cred.pid;
}

/* A line of /proc/PID/status, as a number; 0 if the process is gone. */
static uint64_t status(pid_t pid, const char *name, int base)
{
    char path[64], line[256];
    uint64_t value = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f)) {
        if (strncmp(line, name, strlen(name)) == 0) {
            char *text = line + strlen(name) + 2;

            value = base ? strtoull(text, NULL, base) : (uint8_t)*text;
        }
    }
    if (f) {
        fclose(f);
    }
    return value;
}

/* Until this program says so, or has ended, however that was. */
static void stop(pid_t server)
{
    int life[2];
    char c;

    CHECK(pipe(life) == 0);
    if (fork() == 0) {
        close(life[1]);
        (void)!read(life[0], &c, 1);
        kill(server, SIGCONT);
        _exit(0);
    }
    close(life[0]);
    CHECK(kill(server, SIGSTOP) == 0);
    while (status(server, "State", 0) != 'T') {
        sched_yield();
    }
}

/* In a call no signal is let through at once, and outside, all are. */
static void until_it_calls(pid_t pid)
{
    while (!(status(pid, "SigBlk", 16) & 1u << (SIGTERM - 1))) {
        sched_yield();
    }
}

typedef struct Rig {
    int fd;
    pid_t server;
    pid_t caller;
} Rig;

/* A child that calls, while the server is stopped. It exits with the id that
 * it got, or 100 and errno. */
static Rig calling(void (*prepare)(void))
{
    Rig r = { .fd = own_open() };

    own_ioas(r.fd);
    r.server = server_of(r.fd);
    stop(r.server);
    r.caller = own_fork();
    if (r.caller == 0) {
        IoasAlloc a = { .size = sizeof(a) };

        /* In a group whose parents are elsewhere SIGTSTP stops nobody. */
        setpgid(0, 0);
        if (prepare) {
            prepare();
        }
        _exit(ioctl(r.fd, IOAS_ALLOC, &a) == 0 ? (int)a.id : 100 + errno);
    }
    until_it_calls(r.caller);
    return r;
}

static void go_on(const Rig *r)
{
    CHECK(kill(r->server, SIGCONT) == 0);
}

static bool killed_by(pid_t pid, int sig)
{
    int st;

    CHECK(waitpid(pid, &st, 0) == pid);
    return WIFSIGNALED(st) && WTERMSIG(st) == sig;
}

/* --- the cases ---------------------------------------------------------- */

static void ctrl_c_ends_the_program(void)
{
    Rig r = calling(NULL);

    CHECK(kill(r.caller, SIGINT) == 0);
    CHECK(killed_by(r.caller, SIGINT));
    go_on(&r);
    CHECK(own_ioas(r.fd) > 1);
}

static void so_does_any_that_is_fatal(void)
{
    static const int fatal[] = { SIGTERM, SIGHUP, SIGQUIT, SIGALRM, SIGUSR1 };

    for (unsigned i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
        Rig r = calling(NULL);

        CHECK(kill(r.caller, fatal[i]) == 0);
        CHECK(killed_by(r.caller, fatal[i]));
        go_on(&r);
    }
}

static void note(int sig)
{
    (void)!write(STDERR_FILENO, sig == SIGINT ? "handled" : "?", 7);
}

static int handled[2]; /* a pipe that the handler writes to */

static void handle(void)
{
    struct sigaction act = { .sa_handler = note };

    CHECK(dup2(handled[1], STDERR_FILENO) == STDERR_FILENO);
    CHECK(sigaction(SIGINT, &act, NULL) == 0);
}

static void a_handler_makes_it_eintr(void)
{
    char text[8] = "";
    Rig r;

    CHECK(pipe(handled) == 0);
    r = calling(handle);
    CHECK(kill(r.caller, SIGINT) == 0);
    CHECK(own_wait(r.caller) == 100 + EINTR);
    CHECK(read(handled[0], text, 7) == 7 && strcmp(text, "handled") == 0);
    go_on(&r);
    CHECK(own_ioas(r.fd) > 1);
}

/* Signals are looked at in their order: what would have been done for the
 * others has been once the process has stopped. */
static void stop_and_go_on(const Rig *r)
{
    int st;

    CHECK(kill(r->caller, SIGTSTP) == 0);
    CHECK(waitpid(r->caller, &st, WUNTRACED) == r->caller);
    CHECK(WIFSTOPPED(st) && WSTOPSIG(st) == SIGTSTP);
    CHECK(kill(r->caller, SIGCONT) == 0);
    go_on(r);
}

static void ctrl_z_stops_it_and_it_goes_on(void)
{
    Rig r = calling(NULL);

    stop_and_go_on(&r);
    CHECK(own_wait(r.caller) == 2);
}

static void what_says_nothing_ends_nothing(void)
{
    Rig r = calling(NULL);

    CHECK(kill(r.caller, SIGCHLD) == 0);
    stop_and_go_on(&r);
    CHECK(own_wait(r.caller) == 2);
}

static void ignore(void)
{
    signal(SIGINT, SIG_IGN);
}

static void an_ignored_signal_ends_nothing(void)
{
    Rig r = calling(ignore);

    CHECK(kill(r.caller, SIGINT) == 0);
    stop_and_go_on(&r);
    CHECK(own_wait(r.caller) == 2);
}

static void block(void)
{
    sigset_t one;

    sigemptyset(&one);
    sigaddset(&one, SIGINT);
    CHECK(sigprocmask(SIG_BLOCK, &one, NULL) == 0);
}

static void a_blocked_signal_waits(void)
{
    Rig r = calling(block);

    CHECK(kill(r.caller, SIGINT) == 0);
    stop_and_go_on(&r);
    CHECK(own_wait(r.caller) == 2);
}

/* Of a stopped server nobody has to know what is pinned. */
static void status_is_told_without_it(void)
{
    int fd = own_open();
    pid_t server = server_of(fd);

    stop(server);
    CHECK(status(getpid(), "Pid", 10) == (uint64_t)getpid());
    CHECK(status(server, "Pid", 10) == (uint64_t)server);
    CHECK(kill(server, SIGCONT) == 0);
    CHECK(own_ioas(fd) == 1);
}

static void opening_ends_too(void)
{
    int fd = own_open();
    pid_t server = server_of(fd), pid;

    stop(server);
    pid = own_fork();
    if (pid == 0) {
        _exit(open("/dev/iommu", O_RDWR) < 0);
    }
    until_it_calls(pid);
    CHECK(kill(pid, SIGINT) == 0);
    CHECK(killed_by(pid, SIGINT));
    CHECK(kill(server, SIGCONT) == 0);
    CHECK(own_ioas(fd) == 1);
}

/* --- sessions ----------------------------------------------------------- */

static const struct {
    const char *name;
    void (*run)(void);
} inner[] = {
#define CASE(name)  { #name, name }
    CASE(ctrl_c_ends_the_program),
    CASE(so_does_any_that_is_fatal),
    CASE(a_handler_makes_it_eintr),
    CASE(ctrl_z_stops_it_and_it_goes_on),
    CASE(what_says_nothing_ends_nothing),
    CASE(an_ignored_signal_ends_nothing),
    CASE(a_blocked_signal_waits),
    CASE(status_is_told_without_it),
    CASE(opening_ends_too),
#undef CASE
};
#define CASES  (sizeof(inner) / sizeof(inner[0]))

/* In a program of its own, which makes its session. Whoever began us may
 * ignore signals, as nohup does, and a program inherits that. */
static void alone(void)
{
    for (int sig = 1; sig < NSIG; sig++) {
        signal(sig, SIG_DFL);
    }
    unsetenv("IM_IOMMUFD_SESSION");
    execl(self, self, own_case, NULL);
    CHECK(!"to be executed");
}

int main(int argc, char **argv)
{
    Case cases[CASES];

    self = argv[0];
    for (unsigned i = 0; i < CASES; i++) {
        if (argc == 2 && strcmp(argv[1], inner[i].name) == 0) {
            inner[i].run();
            return 0;
        }
        cases[i] = (Case) { inner[i].name, alone };
    }
    return argc == 1 ? own_run(cases, CASES) : 1;
}
