/*
 * Connections of processes, and their requests.
 *
 * Whatever comes over a connection is somebody else's idea: a packet that is
 * not a request, or a reply that nobody takes, ends the connection, and with
 * it nothing else.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"

struct Client {
    Server *server;
    int sock;
    uid_t uid;
    Process *process;
    bool stranger;              /* has yet to show a descriptor of ours */
};

/* --- who asks ----------------------------------------------------------- */

/* RLIMIT_MEMLOCK of a process, RLIM_INFINITY for none. Who may not ask about
 * another user's reads what the system tells everybody. */
static rlim_t client_memlock(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/limits", pid);
    g_autofree char *text = NULL;
    struct rlimit limit;
    unsigned long long n;
    const char *line;

    if (prlimit(pid, RLIMIT_MEMLOCK, NULL, &limit) == 0) {
        return limit.rlim_cur;
    }
    line = g_file_get_contents(path, &text, NULL, NULL) ?
               strstr(text, "Max locked memory") :
               NULL;
    if (!line) {
        return 0;
    }
    line += strlen("Max locked memory");
    return sscanf(line, "%llu", &n) == 1 ? n : RLIM_INFINITY;
}

static void client_privileges(const Client *c, ImIommufdCaller *im)
{
    struct __user_cap_header_struct head = {
        .version = _LINUX_CAPABILITY_VERSION_3,
        .pid = c->process->pid,
    };
    struct __user_cap_data_struct caps[2] = { 0 };
    rlim_t limit = client_memlock(c->process->pid);

    syscall(SYS_capget, &head, caps);
    /* Containers take this one from their root; here root is root. */
    im->may_raise = c->uid == 0 || c->server->privileged ||
                    (caps[0].effective >> CAP_SYS_RESOURCE & 1);
    im->may_lock = caps[0].effective >> CAP_IPC_LOCK & 1;
    im->memlock = c->server->privileged || limit == RLIM_INFINITY ? UINT64_MAX :
                                                                    limit;
}

static void client_caller_init(const Client *c, const WireRequest *req,
                               Caller *who)
{
    *who = (Caller) {
        .im = { .mm = c->process, .uid = c->uid, .opaque = who },
        .server = c->server,
        .process = c->process,
    };
    if (req->op == WIRE_IOCTL) {
        client_privileges(c, &who->im);
    }
}

int caller_read(const Caller *who, uint64_t addr, void *buf, size_t len)
{
    return process_read(who->process, addr, buf, len) ? -EFAULT : 0;
}

int caller_write(const Caller *who, uint64_t addr, const void *buf, size_t len)
{
    return process_write(who->process, addr, buf, len) ? -EFAULT : 0;
}

void *caller_source(const Caller *who)
{
    return who->process;
}

/* --- /dev/iommu --------------------------------------------------------- */

static int64_t client_iommu_ioctl(File *f, const Caller *who, uint32_t request,
                                  uint64_t arg)
{
    const ServerExtras *extras = f->server->extras;
    int64_t ret = -ENOTTY;

    if (extras && extras->before) {
        extras->before(f, who, request, arg);
    }
    if (extras && extras->ioctl) {
        ret = extras->ioctl(f, who, request, arg);
    }
    if (ret == -ENOTTY) {
        ret = im_iommufd_ioctl(f->data, &who->im, request, arg);
    }
    if (extras && extras->after) {
        extras->after(f, who, request, arg, ret);
    }
    return ret;
}

static int client_iommu_mmap(File *f, const Caller *who, uint64_t offset,
                             uint64_t len, int prot, int flags, uint64_t *at)
{
    ImIommufdMmap m;
    int ret;

    ret = im_iommufd_mmap(f->data, offset, len,
                          (flags & MAP_TYPE) != MAP_PRIVATE, prot & PROT_EXEC,
                          &m);
    if (ret) {
        return ret;
    }
    *at = m.offset;
    return port_map(f->server, f, who->process, offset, &m);
}

static void client_iommu_release(File *f)
{
    const ServerExtras *extras = f->server->extras;

    if (extras && extras->closed) {
        extras->closed(f);
    }
    im_iommufd_drop(f->data);
}

const FileOps iommu_file = {
    .name = "iommu",
    .ioctl = client_iommu_ioctl,
    .mmap = client_iommu_mmap,
    .release = client_iommu_release,
};

static int client_iommu_open(Server *s, void **data)
{
    *data = im_iommufd_open(s->im);
    return *data ? 0 : -ENOMEM;
}

ImIommufdFile *server_iommufd(const File *f)
{
    return f->ops == &iommu_file ? f->data : NULL;
}

/* --- requests ----------------------------------------------------------- */

typedef void Handler(Client *c, const Caller *who, const WireRequest *req,
                     WireReply *reply);

static void client_op_hello(Client *c, const Caller *who,
                            const WireRequest *req, WireReply *reply)
{
    (void)c, (void)who, (void)req;
    reply->value = getpid();
}

static void client_op_check(Client *c, const Caller *who,
                            const WireRequest *req, WireReply *reply)
{
    uint32_t word = 0;

    (void)c;
    reply->value = process_read(who->process, req->arg, &word, sizeof(word));
    if (!reply->value && word != WIRE_MAGIC) {
        reply->value = -EFAULT;
    }
}

static int client_open_path(Server *s, const Caller *who, const char *path,
                            const FileOps **ops, void **data)
{
    int ret;

    if (strcmp(path, "/dev/iommu") == 0) {
        *ops = &iommu_file;
        return client_iommu_open(s, data);
    }
    ret = vfio_open(s, who, path, ops, data);
    if (ret == -ENOENT) {
        ret = nth_open(s, who, path, ops, data);
    }
    if (ret == -ENOENT && s->extras && s->extras->open) {
        ret = s->extras->open(s, who, path, ops, data);
    }
    return ret;
}

static void client_op_open(Client *c, const Caller *who, const WireRequest *req,
                           WireReply *reply)
{
    Server *s = c->server;
    const FileOps *ops;
    void *data;

    if (!memchr(req->path, '\0', sizeof(req->path))) {
        reply->value = -ENAMETOOLONG;
        return;
    }
    reply->value = client_open_path(s, who, req->path, &ops, &data);
    if (!reply->value) {
        File *f = server_install(s, ops, data, 0);

        if (f) {
            f->flags = (int)req->number;
        } else {
            File gone = { .server = s, .ops = ops, .data = data };

            ops->release(&gone);
            reply->value = -ENOMEM;
        }
    }
}

/* Of an earlier server, or shut down. */
static File *client_requested(Client *c, const WireRequest *req,
                              WireReply *reply)
{
    File *f = file_find(c->server, req->file);

    if (!f) {
        reply->value = -ENODEV;
        reply->flags |= WIRE_GONE;
    }
    return f;
}

static void client_op_ioctl(Client *c, const Caller *who,
                            const WireRequest *req, WireReply *reply)
{
    File *f = client_requested(c, req, reply);

    if (f) {
        reply->value = f->ops->ioctl ?
                           f->ops->ioctl(f, who, (uint32_t)req->number,
                                         req->arg) :
                           -ENOTTY;
        file_changed(f);
    }
}

static void client_op_transfer(Client *c, const Caller *who,
                               const WireRequest *req, WireReply *reply)
{
    File *f = client_requested(c, req, reply);

    if (f) {
        file_seen(f, c->process, req->fd);
        reply->value = file_transfer(f, who, req);
        file_changed(f);
    }
}

/* The descriptor is sent as a copy, which is closed with the reply. */
static void client_op_mmap(Client *c, const Caller *who, const WireRequest *req,
                           WireReply *reply)
{
    File *f = client_requested(c, req, reply);
    uint64_t at = 0;
    int fd;

    if (!f || !f->ops->mmap) {
        reply->value = -ENODEV;
        return;
    }
    fd = f->ops->mmap(f, who, req->arg, req->number, (int)(uint32_t)req->more,
                      (int)(req->more >> 32), &at);
    fd = fd < 0 ? fd : dup(fd);
    reply->value = fd < 0 ? fd : (int64_t)at;
    if (fd >= 0) {
        c->server->installed[0] = NULL;
        c->server->where[0] = 0;
        c->server->ends[c->server->installs++] = fd;
    }
}

static void client_op_installed(Client *c, const Caller *who,
                                const WireRequest *req, WireReply *reply)
{
    File *f = file_find(c->server, req->file);

    (void)who, (void)reply;
    if (f) {
        file_seen(f, c->process, req->fd);
    }
}

static void client_op_mapped(Client *c, const Caller *who,
                             const WireRequest *req, WireReply *reply)
{
    (void)who, (void)req, (void)reply;
    port_arrived(c->server, c->process, false);
}

static void client_op_charged(Client *c, const Caller *who,
                              const WireRequest *req, WireReply *reply)
{
    Process *p = process_find(&c->server->world, (pid_t)req->number);
    uint64_t pinned = 0, locked = 0;

    (void)who;
    if (p) {
        im_iommufd_charged(c->server->im, p, &pinned, &locked);
    }
    reply->value = (int64_t)pinned;
    reply->extra = locked;
}

/* clang-format off */
static Handler *const handlers[] = {
    [WIRE_HELLO] = client_op_hello,
    [WIRE_CHECK] = client_op_check,
    [WIRE_OPEN] = client_op_open,
    [WIRE_IOCTL] = client_op_ioctl,
    [WIRE_READ] = client_op_transfer,
    [WIRE_WRITE] = client_op_transfer,
    [WIRE_READV] = client_op_transfer,
    [WIRE_WRITEV] = client_op_transfer,
    [WIRE_MMAP] = client_op_mmap,
    [WIRE_INSTALLED] = client_op_installed,
    [WIRE_MAPPED] = client_op_mapped,
    [WIRE_CHARGED] = client_op_charged,
};
/* clang-format on */

/* --- replies ------------------------------------------------------------ */

static bool client_reply_send(Client *c, WireReply *reply)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(WIRE_FDS * sizeof(int))];
    } control = { 0 };
    Server *s = c->server;
    struct iovec iov = { reply, sizeof(*reply) };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    size_t size = s->installs * sizeof(int);

    if (reply->value >= 0 && s->installs) {
        for (unsigned i = 0; i < s->installs; i++) {
            reply->where[i] = s->where[i];
            reply->file[i] = s->installed[i] ? s->installed[i]->id : 0;
        }
        reply->fds = s->installs;
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(&control.head), s->ends, size);
        msg.msg_control = &control;
        msg.msg_controllen = CMSG_SPACE(size);
    }
    return sendmsg(c->sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) ==
           sizeof(*reply);
}

/* Who runs us and the administrator have business here, and else only who
 * was given a descriptor: it is sent with the hello. */
static void client_look_at(Client *c, const WireRequest *req, int fd)
{
    if (c->stranger && req->op == WIRE_HELLO && fd >= 0 &&
        file_of(c->server, fd)) {
        c->stranger = false;
    }
}

static bool client_obey(Client *c, const WireRequest *req)
{
    Server *s = c->server;
    WireReply reply = { 0 };
    bool ok = true;
    Caller who;

    files_hung_up(s);
    port_unmapped(s);
    s->now++;
    client_caller_init(c, req, &who);
    s->failing = nth_of(s, req->tid);
    if (c->stranger) {
        reply.value = -EACCES;
    } else {
        handlers[req->op](c, &who, req, &reply);
    }
    s->failing = NULL;
    if (req->op != WIRE_INSTALLED && req->op != WIRE_MAPPED) {
        ok = client_reply_send(c, &reply) && !c->stranger;
    }
    file_ends_close(s);
    return ok;
}

/* --- connections -------------------------------------------------------- */

static void client_free(Client *c)
{
    close(c->sock);
    port_arrived(c->server, c->process, true);
    c->server->clients--;
    source_drop(&c->process->source);
    g_free(c);
}

/* A packet and the one descriptor that may come with it, else -1. There is
 * room for more than that one: who sends more gets none. */
static ssize_t client_receive(int sock, WireRequest *req, int *fd)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    int fds[sizeof(control) / sizeof(int)];
    size_t n_fds = 0;
    struct iovec iov = { req, sizeof(*req) };
    struct msghdr msg = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    ssize_t n = recvmsg(sock, &msg,
                        MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
    const struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&msg);

    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
        n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(c), n_fds * sizeof(int));
    }
    *fd = n_fds == 1 ? fds[0] : -1;
    for (size_t i = 0; n_fds > 1 && i < n_fds; i++) {
        close(fds[i]);
    }
    return n;
}

void client_event(Server *s, Client *c)
{
    WireRequest req;
    int fd;
    ssize_t n = client_receive(c->sock, &req, &fd);
    bool good;

    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    (void)s;
    good = n == sizeof(req) && req.magic == WIRE_MAGIC &&
           req.op < G_N_ELEMENTS(handlers);
    if (good) {
        client_look_at(c, &req, fd);
    }
    if (fd >= 0) {
        close(fd);              /* before it may hold what it names */
    }
    if (!good || !client_obey(c, &req)) {
        client_free(c);
    }
}

/* There are no more descriptors: let it know at once. */
static void client_refuse(Server *s)
{
    close(s->spare);
    s->spare = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
    if (s->spare >= 0) {
        close(s->spare);
    }
    s->spare = dup(s->listener);
}

static Process *client_admit(Server *s, int sock, uid_t *uid)
{
    struct ucred cred;
    socklen_t len = sizeof(cred);

    if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0) {
        return NULL;
    }
    *uid = cred.uid;
    return process_get(&s->world, cred.pid);
}

void client_accept(Server *s)
{
    int sock = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct epoll_event ev = { .events = EPOLLIN };
    Process *p;
    Client *c;
    uid_t uid;

    if (sock < 0) {
        if (errno == EMFILE || errno == ENFILE) {
            client_refuse(s);
        }
        return;
    }
    p = client_admit(s, sock, &uid);
    if (!p) {
        close(sock);
        return;
    }
    c = g_new0(Client, 1);
    *c = (Client) { s, sock, uid, p, uid != geteuid() && uid != 0 };
    s->clients++;
    s->seen = true;
    ev.data.ptr = c;
    if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, sock, &ev) < 0) {
        client_free(c);
    }
}
