/*
 * Names of sockets. In both the library and the server.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

#define HEAD  offsetof(struct sockaddr_un, sun_path)

#define POLLS "-poll"

socklen_t wire_name(struct sockaddr_un *name, const WireFile *f)
{
    char *text = name->sun_path + 1;    /* abstract: after a 0 */
    size_t room = sizeof(name->sun_path) - 1;
    int n;

    memset(name, 0, sizeof(*name));
    name->sun_family = AF_UNIX;
    if (f->id) {
        n = snprintf(text, room, WIRE_PREFIX "%.*s/%llx%s", WIRE_SESSION,
                     f->session, (unsigned long long)f->id,
                     f->polls ? POLLS : "");
    } else {
        n = snprintf(text, room, WIRE_PREFIX "%.*s", WIRE_SESSION, f->session);
    }
    return (socklen_t)(HEAD + 1 + (size_t)n);
}

static bool wire_parse(const struct sockaddr_un *name, socklen_t len,
                       WireFile *f)
{
    char text[sizeof(name->sun_path) + 1] = "";
    char *slash, *end;

    if (len <= HEAD + 1 + strlen(WIRE_PREFIX) || len > sizeof(*name) ||
        name->sun_family != AF_UNIX || name->sun_path[0] != '\0') {
        return false;
    }
    memcpy(text, name->sun_path + 1, len - HEAD - 1);
    if (strncmp(text, WIRE_PREFIX, strlen(WIRE_PREFIX)) != 0) {
        return false;
    }
    slash = strchr(text + strlen(WIRE_PREFIX), '/');
    if (!slash || slash > text + strlen(WIRE_PREFIX) + WIRE_SESSION) {
        return false;
    }
    f->id = strtoull(slash + 1, &end, 16);
    f->polls = strcmp(end, POLLS) == 0;
    if (!f->id || (*end && !f->polls)) {
        return false;
    }
    *slash = '\0';
    strcpy(f->session, text + strlen(WIRE_PREFIX));
    return true;
}

bool wire_file(int fd, WireFile *f)
{
    struct sockaddr_un name;
    socklen_t len = sizeof(name);
    int saved = errno;
    bool ours;

    ours = getpeername(fd, (struct sockaddr *)&name, &len) == 0 &&
           wire_parse(&name, len, f);
    errno = saved;
    return ours;
}
