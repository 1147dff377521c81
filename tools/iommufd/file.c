/*
 * Open files and their descriptors.
 *
 * The caller has one end of a socket pair, in as many descriptors and
 * processes as it likes; the other end hangs up with the last of them. Poll
 * needs nobody's help: while the file is readable, an empty packet is in the
 * caller's end, and who cannot write to it finds it full. What writes to it
 * past the library fails, and what reads from it gets nothing.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

void *file_data(const File *f)
{
    return f->data;
}

const FileOps *file_ops(const File *f)
{
    return f->ops;
}

File *file_find(Server *s, uint64_t id)
{
    return g_hash_table_lookup(s->files, &id);
}

/* --- making ------------------------------------------------------------- */

/* So that it is never said to be writable. */
static void file_fill(int end)
{
    static const char bytes[1024];
    int least = 1;

    setsockopt(end, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least));
    while (send(end, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
}

static bool file_pair(Server *s, File *f, int *end)
{
    struct sockaddr_un name;
    WireFile w = { .id = f->id, .polls = f->ops->readable != NULL };
    struct epoll_event ev = { .data.ptr = f };
    socklen_t len;
    int sv[2];

    strcpy(w.session, s->session);
    len = wire_name(&name, &w);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0) {
        return false;
    }
    if (f->ops->readable && !f->ops->write) {
        file_fill(sv[1]);
    }
    if (bind(sv[0], (struct sockaddr *)&name, len) < 0 ||
        shutdown(sv[0], SHUT_RD) < 0 ||
        epoll_ctl(s->hups, EPOLL_CTL_ADD, sv[0], &ev) < 0) {
        close(sv[0]);
        close(sv[1]);
        return false;
    }
    f->sock = sv[0];
    *end = sv[1];
    return true;
}

File *server_install(Server *s, const FileOps *ops, void *data, uint64_t where)
{
    File *f;
    int end;

    if (s->installs == WIRE_FDS) {
        return NULL;
    }
    f = server_alloc(s, sizeof(*f));
    if (!f) {
        return NULL;
    }
    *f = (File) { .server = s,
                  .ops = ops,
                  .data = data,
                  .flags = O_RDWR,
                  .id = s->next_file++ };
    if (!file_pair(s, f, &end)) {
        server_free(s, f, sizeof(*f));
        return NULL;
    }
    g_hash_table_insert(s->files, &f->id, f);
    file_changed(f);
    s->installed[s->installs] = f;
    s->ends[s->installs] = end;
    s->where[s->installs++] = where;
    return f;
}

void file_ends_close(Server *s)
{
    for (unsigned i = 0; i < s->installs; i++) {
        close(s->ends[i]);
    }
    s->installs = 0;
}

/* --- readable ----------------------------------------------------------- */

void file_seen(File *f, Process *p, int fd)
{
    if (f->holder != p) {
        if (f->holder) {
            source_drop(&f->holder->source);
        }
        source_hold(&p->source);
        f->holder = p;
    }
    f->holder_fd = fd;
}

File *file_of(Server *s, int fd)
{
    WireFile w;

    return wire_file(fd, &w) && strcmp(w.session, s->session) == 0 ?
               file_find(s, w.id) :
               NULL;
}

/* A packet is in the caller's end. */
static bool file_told(const File *f)
{
    int bytes = 0;              /* with what the system needs for it */

    return ioctl(f->sock, TIOCOUTQ, &bytes) == 0 && bytes > 0;
}

/* Take the packet back from the caller's end. */
static void file_untell(File *f)
{
    char room[64];
    int fd = f->holder ? process_getfd(f->holder, f->holder_fd) : -1;

    if (fd < 0) {
        return;
    }
    if (file_of(f->server, fd) == f) {
        recv(fd, room, sizeof(room), MSG_DONTWAIT);
    }
    close(fd);
}

void file_changed(File *f)
{
    bool readable = !f->ops->readable || f->ops->readable(f);

    if (readable && !file_told(f)) {
        send(f->sock, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else if (!readable && file_told(f)) {
        file_untell(f);
    }
}

File *server_file(const Caller *who, int fd)
{
    int copy = process_getfd(who->process, fd);
    File *f;

    if (copy < 0) {
        return NULL;
    }
    f = file_of(who->server, copy);
    close(copy);
    return f;
}

int server_getfd(const Caller *who, int fd)
{
    return process_getfd(who->process, fd);
}

/* --- the end ------------------------------------------------------------ */

static void file_release(File *f)
{
    g_hash_table_remove(f->server->files, &f->id);
    close(f->sock);
    if (f->ops->release) {
        f->ops->release(f);
    }
    if (f->holder) {
        source_drop(&f->holder->source);
    }
    server_free(f->server, f, sizeof(*f));
}

void files_hung_up(Server *s)
{
    struct epoll_event ev;

    /* One at a time: a release may be anything. */
    while (epoll_wait(s->hups, &ev, 1, 0) == 1) {
        file_release(ev.data.ptr);
    }
}

void files_free(Server *s)
{
    GHashTableIter it;
    gpointer f;

    for (;;) {
        g_hash_table_iter_init(&it, s->files);
        if (!g_hash_table_iter_next(&it, NULL, &f)) {
            break;
        }
        file_release(f);
    }
}
