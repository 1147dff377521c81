/*
 * A process's connection to the server, and calls over it.
 *
 * It is made when first needed, anew after fork (the parent's is the
 * parent's: the server knows a caller by it) and after anything else that
 * took the descriptor away.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shim.h"

/* Out of the way of programs that count on small numbers. */
#define LOW_FD    500
#define ATTEMPTS  200

static struct {
    pthread_mutex_t mutex;
    int fd;
    dev_t dev;          /* of fd, should somebody close it behind our back */
    ino_t ino;
    pid_t pid;          /* whose it is */
    pid_t server;       /* 0: it has not said yet */
    const sigset_t *blocked;    /* by who calls */
    bool optional;      /* the call: nobody has to answer */
    unsigned waits;
    char session[WIRE_SESSION + 1];
} conn = { .mutex = PTHREAD_MUTEX_INITIALIZER, .fd = -1 };

/* --- what must not happen in the middle of a call ----------------------- */

typedef struct Guard {
    sigset_t signals;
    int cancel;
} Guard;

static void shim_call_guard_begin(Guard *g)
{
    sigset_t all;

    sigfillset(&all);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &g->cancel);
    pthread_sigmask(SIG_BLOCK, &all, &g->signals);
    pthread_mutex_lock(&conn.mutex);
    conn.blocked = &g->signals;
}

static void shim_call_guard_end(const Guard *g)
{
    pthread_mutex_unlock(&conn.mutex);
    pthread_sigmask(SIG_SETMASK, &g->signals, NULL);
    pthread_setcancelstate(g->cancel, NULL);
}

static void shim_call_before_fork(void)
{
    pthread_mutex_lock(&conn.mutex);
}

static void shim_call_after_fork(void)
{
    pthread_mutex_unlock(&conn.mutex);
}

__attribute__((constructor)) static void fork_init(void)
{
    pthread_atfork(shim_call_before_fork, shim_call_after_fork,
                   shim_call_after_fork);
}

/* --- waiting ------------------------------------------------------------ */

/*
 * Signals wait until a call is over, but not for a server that does not
 * answer: every so often those are looked at that came meanwhile.
 */
#define WAIT_US     100000
#define MOST_WAITS  50

/* Somebody stopped it, a debugger for one. */
static bool shim_call_server_stopped(void)
{
    char path[64], text[512] = "";
    const char *after;
    int fd;

    if (conn.server == 0) {
        return true;            /* as good as: nothing is lost with a hello */
    }
    snprintf(path, sizeof(path), "/proc/%d/stat", conn.server);
    fd = real()->openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    if (real()->read(fd, text, sizeof(text) - 1) < 0) {
        text[0] = '\0';
    }
    close(fd);
    after = strrchr(text, ')');
    return after && (after[2] == 'T' || after[2] == 't');
}

static bool shim_call_nothing_by_default(int sig)
{
    return sig == SIGCHLD || sig == SIGCONT || sig == SIGURG || sig == SIGWINCH;
}

/* It ends or stops us, or did, until SIGCONT. */
static void shim_call_let_through(int sig)
{
    sigset_t one;

    sigemptyset(&one);
    sigaddset(&one, sig);
    pthread_sigmask(SIG_UNBLOCK, &one, NULL);
    pthread_sigmask(SIG_BLOCK, &one, NULL);
}

/* A signal is to be handled before the server may answer. */
static bool shim_call_interrupted(void)
{
    sigset_t pending;

    sigpending(&pending);
    for (int sig = 1; sig < NSIG; sig++) {
        struct sigaction act;

        if (sigismember(&pending, sig) != 1 ||
            sigismember(conn.blocked, sig) == 1 ||
            sigaction(sig, NULL, &act) < 0 || act.sa_handler == SIG_IGN) {
            continue;
        }
        if (act.sa_handler != SIG_DFL) {
            if (shim_call_server_stopped()) {
                return true;
            }
        } else if (!shim_call_nothing_by_default(sig)) {
            shim_call_let_through(sig);
        }
    }
    return false;
}

/* What can do without an answer waits for none that does not come. */
static bool shim_call_given_up(void)
{
    return conn.optional && (conn.server ? shim_call_server_stopped() :
                                           ++conn.waits > MOST_WAITS);
}

/* A call that has failed is to be made again. */
static bool shim_call_again(void)
{
    int err = errno;
    bool more = err == EINTR || (err == EAGAIN && !shim_call_interrupted() &&
                                 !shim_call_given_up());

    errno = err;
    return more;
}

static int shim_call_lost(void)
{
    return errno == EAGAIN ? -EINTR : -ECONNRESET;
}

/* --- packets ------------------------------------------------------------ */

/* With a descriptor, or -1. */
static int shim_call_send_request(int fd, const WireRequest *req, int with)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)),
                            .cmsg_level = SOL_SOCKET,
                            .cmsg_type = SCM_RIGHTS } };
    struct iovec iov = { (void *)(uintptr_t)req, sizeof(*req) };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    ssize_t n;

    if (with >= 0) {
        memcpy(CMSG_DATA(&control.head), &with, sizeof(with));
        msg.msg_control = &control;
        msg.msg_controllen = sizeof(control);
    }
    do {
        n = sendmsg(fd, &msg, MSG_NOSIGNAL);
    } while (n < 0 && shim_call_again());
    return n == (ssize_t)sizeof(*req) ? 0 :
           n < 0                      ? shim_call_lost() :
                                        -ECONNRESET;
}

static void shim_call_no_fds(int *fds)
{
    for (unsigned i = 0; fds && i < WIRE_FDS; i++) {
        fds[i] = -1;
    }
}

static void shim_call_take_fds(struct msghdr *msg, int *fds)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(msg);

    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
        memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
    }
}

static int shim_call_receive_reply(int fd, WireReply *reply, int *fds)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(WIRE_FDS * sizeof(int))];
    } control;
    struct iovec iov = { reply, sizeof(*reply) };
    struct msghdr msg = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    ssize_t n;

    do {
        n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
    } while (n < 0 && shim_call_again());
    if (n < 0) {
        return shim_call_lost();
    }
    shim_call_take_fds(&msg, fds);
    return n == (ssize_t)sizeof(*reply) ? 0 : -ECONNRESET;
}

static int shim_call_exchange(int fd, const WireRequest *req, int with,
                              WireReply *reply, int *fds)
{
    int ret = shim_call_send_request(fd, req, with);

    shim_call_no_fds(fds);
    return ret ? ret : shim_call_receive_reply(fd, reply, fds);
}

/* --- the connection ----------------------------------------------------- */

static bool shim_call_conn_is(int fd)
{
    struct stat st;

    return fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == conn.dev &&
           st.st_ino == conn.ino;
}

static void shim_call_conn_drop(void)
{
    if (shim_call_conn_is(conn.fd)) {
        close(conn.fd);
    }
    conn.fd = -1;
}

static void shim_call_say_not_allowed(void)
{
    static int said;

    if (!__atomic_exchange_n(&said, 1, __ATOMIC_RELAXED)) {
        shim_say("the server, process %d, may not read the memory of process "
                 "%d, which is another user's or forbids it: EPERM",
                 conn.server, getpid());
    }
}

/* The server reads our memory, where the system asks who may. */
static int shim_call_hello(int fd, int shown)
{
    static const uint32_t word = WIRE_MAGIC;
    WireRequest req = { .magic = WIRE_MAGIC, .op = WIRE_HELLO };
    WireReply reply;
    int fds[WIRE_FDS];
    int ret = shim_call_exchange(fd, &req, shown, &reply, fds);

    if (ret || reply.value < 0) {
        return ret ? ret : (int)reply.value;
    }
    conn.server = (pid_t)reply.value;
    prctl(PR_SET_PTRACER, (unsigned long)reply.value, 0, 0, 0);
    req.op = WIRE_CHECK;
    req.arg = (uintptr_t)&word;
    ret = shim_call_exchange(fd, &req, -1, &reply, fds);
    if (ret == 0 && reply.value == -EPERM) {
        shim_call_say_not_allowed();
    }
    return ret ? ret : (int)reply.value;
}

static int shim_call_try_connect(const char *session, int shown)
{
    struct sockaddr_un name;
    const struct timeval wait = { 0, WAIT_US };
    WireFile none = { 0 };
    socklen_t len;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    int high, ret;

    if (fd < 0) {
        return -errno;
    }
    strcpy(none.session, session);
    len = wire_name(&name, &none);
    high = fcntl(fd, F_DUPFD_CLOEXEC, LOW_FD);
    if (high >= 0) {
        close(fd);
        fd = high;
    }
    conn.server = 0;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    do {
        ret = connect(fd, (struct sockaddr *)&name, len);
    } while (ret < 0 && shim_call_again());
    if (ret < 0) {
        ret = errno == EAGAIN ? -EINTR : -errno;
    } else {
        ret = shim_call_hello(fd, shown);
    }
    if (ret) {
        close(fd);
        return ret;
    }
    return fd;
}

/* A server that ends as we come refuses or resets: that is as if there were
 * none. One that is about to begin resets when it could not. */
static int shim_call_conn_make(const char *session, bool start, int shown)
{
    const struct timespec ms = { 0, 1000000 };
    unsigned started = 0;
    int fd = -ECONNREFUSED;

    for (unsigned i = 0; i < ATTEMPTS; i++) {
        int ret = 0;

        fd = shim_call_try_connect(session, shown);
        if (fd >= 0 || (fd != -ECONNREFUSED && fd != -ECONNRESET)) {
            return fd;
        }
        if (!start) {
            return -ENODEV;
        }
        if (started < 3) {
            ret = shim_start(session);
            started += ret == 0;
        }
        if (ret == -EADDRINUSE || started == 3) {
            nanosleep(&ms, NULL);
        } else if (ret) {
            return ret;
        }
    }
    return -ENOENT;
}

/* shown: a descriptor of ours that the process has, or -1. */
static int shim_call_conn_ready(const char *session, bool start, int shown)
{
    struct stat st;
    int fd;

    if (conn.pid == getpid() && strcmp(session, conn.session) == 0 &&
        shim_call_conn_is(conn.fd)) {
        return 0;
    }
    shim_call_conn_drop();
    fd = shim_call_conn_make(session, start, shown);
    if (fd < 0) {
        return fd;
    }
    fstat(fd, &st);
    conn.fd = fd;
    conn.dev = st.st_dev;
    conn.ino = st.st_ino;
    conn.pid = getpid();
    strcpy(conn.session, session);
    return 0;
}

bool shim_connected(void)
{
    return conn.fd >= 0;
}

/* Once: a program may go on with what it has for long. */
static void shim_call_say_gone(const char *session)
{
    static int said;

    if (!__atomic_exchange_n(&said, 1, __ATOMIC_RELAXED)) {
        shim_say("the server of session %s has ended, and what was open with "
                 "it: ENODEV; open /dev/iommu anew",
                 session);
    }
}

int shim_call(const char *session, bool start, const WireRequest *req,
              WireReply *reply, int *fds)
{
    int saved = errno;
    int shown = req->file ? req->fd : -1;
    Guard g;
    int ret;

    shim_call_no_fds(fds);
    shim_call_guard_begin(&g);
    conn.optional = req->op == WIRE_CHARGED;
    conn.waits = 0;
    ret = shim_call_conn_ready(session, start, shown);
    if (ret == 0 && (req->op == WIRE_INSTALLED || req->op == WIRE_MAPPED)) {
        shim_call_send_request(conn.fd, req, -1);
    } else if (ret == 0) {
        ret = shim_call_exchange(conn.fd, req, -1, reply, fds);
        if (ret) {
            shim_call_conn_drop(); /* and its answer, which may come yet */
        }
        if (ret && ret != -EINTR) {
            /* Between its last client and its end: there is a next one. */
            ret = shim_call_conn_ready(session, start, shown);
            ret = ret ? ret : shim_call_exchange(conn.fd, req, -1, reply, fds);
        }
    }
    shim_call_guard_end(&g);
    if (req->file &&
        (ret == -ENODEV || (ret == 0 && reply && (reply->flags & WIRE_GONE)))) {
        shim_call_say_gone(session);
    }
    errno = saved;
    return ret;
}
