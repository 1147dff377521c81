/*
 * The server's life: from the first descriptor to the last.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

/* Who started us is about to connect, unless it was killed. */
#define FIRST_MS  10000

ImIommufd *server_instance(Server *s)
{
    return s->im;
}

/* --- options ------------------------------------------------------------ */

static const char usage[] =
    "usage: im-iommufd --listen=FD --session=NAME [--device=WHAT,...]\n"
    "                  [--privileged]\n"
    "is started by libim-iommufd.so, see docs/iommufd.rst. WHAT is\n"
    "  func=N        segment 31:16 and requester ID of the function\n"
    "  driver=NAME   vtd (default), smmuv3 or none: the IOMMU before it\n"
    "  pasid-bits=N  0 to 20 (default)\n"
    "  group=N, iommu=N, credit=N, errata=0\n";

static const char valid[] = "--device=WHAT,... and --privileged are options";

static bool server_set_listen(Server *s, const char *value)
{
    char *end;
    guint64 fd = g_ascii_strtoull(value, &end, 10);

    if (!*value || *end || fd > INT_MAX) {
        return false;
    }
    s->listener = (int)fd;
    return fcntl(s->listener, F_SETFL, O_NONBLOCK) == 0 &&
           fcntl(s->listener, F_SETFD, FD_CLOEXEC) == 0;
}

static bool server_set_session(Server *s, const char *value)
{
    return *value && strlen(value) <= WIRE_SESSION && !strchr(value, '/') &&
           strcpy(s->session, value);
}

static bool server_option(Server *s, const char *name, const char *value,
                          char **err)
{
    if (strcmp(name, "device") == 0) {
        return vfio_option(s, value, err);
    }
    if (strcmp(name, "privileged") == 0 && !*value) {
        s->privileged = true;
        return true;
    }
    if (strcmp(name, "listen") == 0  ? server_set_listen(s, value) :
        strcmp(name, "session") == 0 ? server_set_session(s, value) :
                                       s->extras && s->extras->option &&
                                           s->extras->option(name, value)) {
        return true;
    }
    *err = *value ? g_strdup_printf("--%s=%s: no such option or value; %s",
                                    name, value, valid) :
                    g_strdup_printf("--%s: no such option; %s", name, valid);
    return false;
}

static bool server_options(Server *s, int argc, char **argv, char **err)
{
    for (int i = 1; i < argc; i++) {
        g_autofree char *name = NULL;
        const char *value = strchr(argv[i], '=');

        if (!g_str_has_prefix(argv[i], "--")) {
            *err = g_strdup_printf("%s: no such option; %s", argv[i], valid);
            return false;
        }
        name = value ? g_strndup(argv[i] + 2, (gsize)(value - argv[i]) - 2) :
                       g_strdup(argv[i] + 2);
        if (!server_option(s, name, value ? value + 1 : "", err)) {
            return false;
        }
    }
    if (s->listener < 0 || !*s->session) {
        *err = g_strdup(usage);
        return false;
    }
    return true;
}

/* --- beginning and end -------------------------------------------------- */

static void server_init(Server *s, const ServerExtras *extras)
{
    *s = (Server) { .listener = -1, .spare = -1, .epoll = -1, .hups = -1 };
    s->extras = extras;
    s->files = g_hash_table_new(g_int64_hash, g_int64_equal);
    s->nth = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
    s->devices = g_ptr_array_new();
    s->shared = g_ptr_array_new();
    world_init(&s->world);
    /* A descriptor of a server that is gone names no file of the next. */
    if (getrandom(&s->next_file, sizeof(s->next_file), 0) < 0) {
        s->next_file = (uint64_t)getpid();
    }
    s->next_file = s->next_file >> 8 | 1;
}

static void server_more_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool server_start(Server *s, char **err)
{
    struct epoll_event listener = { .events = EPOLLIN, .data.ptr = s };
    struct epoll_event hups = { .events = EPOLLIN, .data.ptr = &s->hups };
    const ImIommufdConfig *config = s->extras ? s->extras->config : NULL;

    signal(SIGPIPE, SIG_IGN);
    server_more_descriptors();
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->hups = epoll_create1(EPOLL_CLOEXEC);
    s->spare = dup(s->listener);
    if (s->epoll < 0 || s->hups < 0 || s->spare < 0 ||
        epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->listener, &listener) < 0 ||
        epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->hups, &hups) < 0) {
        *err = g_strdup(g_strerror(errno));
        return false;
    }
    s->im = im_iommufd_new(config ? config : &IM_IOMMUFD_CONFIG_DEFAULT,
                           &server_port, s, err);
    if (!s->im || !vfio_start(s, err)) {
        return false;
    }
    if (s->extras && s->extras->start) {
        s->extra = s->extras->start(s);
    }
    return true;
}

static void server_stop(Server *s)
{
    const int fds[] = { s->listener, s->spare, s->epoll, s->hups };

    files_free(s);
    if (s->extras && s->extras->stop && s->im) {
        s->extras->stop(s, s->extra);
    }
    if (s->im) {
        im_iommufd_free(s->im);
    }
    vfio_stop(s);
    g_hash_table_destroy(s->files);
    g_hash_table_destroy(s->nth);
    g_ptr_array_unref(s->shared);
    world_free(&s->world);
    for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
}

/* --- between ------------------------------------------------------------ */

/* Nobody holds a descriptor, and nobody is at the door. */
static bool server_idle(Server *s)
{
    unsigned before = s->clients;

    if (!s->seen || s->clients) {
        return false;           /* who has just been told may yet map it */
    }
    files_hung_up(s);
    port_unmapped(s);
    if (g_hash_table_size(s->files)) {
        return false;
    }
    client_accept(s);
    return s->clients == before;
}

static void server_run(Server *s)
{
    struct epoll_event ev;

    while (!server_idle(s)) {
        /* One: what it leads to may end another. */
        int n = epoll_wait(s->epoll, &ev, 1, s->seen ? -1 : FIRST_MS);

        if (n == 0 || (n < 0 && errno != EINTR)) {
            break;
        }
        if (n == 1 && ev.data.ptr == s) {
            client_accept(s);
        } else if (n == 1 && ev.data.ptr == &s->hups) {
            files_hung_up(s);
        } else if (n == 1) {
            client_event(s, ev.data.ptr);
        }
    }
}

int im_iommufd_server_main(int argc, char **argv, const ServerExtras *extras)
{
    g_autofree char *err = NULL;
    Server s;
    bool ok;

    server_init(&s, extras);
    ok = server_options(&s, argc, argv, &err);
    if (ok) {
        detach_begin(s.listener);
        ok = server_start(&s, &err) && detach(&err);
    }
    if (ok) {
        server_run(&s);
    } else {
        fprintf(stderr, "%s: %s\n", argv[0], err ? err : "no memory");
    }
    server_stop(&s);
    return ok ? 0 : 1;
}
