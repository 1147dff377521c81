/*
 * Names of sockets. In both the library and the server.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

#define HEAD  offsetof(struct sockaddr_un, sun_path)

socklen_t wire_name(struct sockaddr_un *name, const char *session,
                    uint64_t file)
{
    char *text = name->sun_path + 1;    /* abstract: after a 0 */
    size_t room = sizeof(name->sun_path) - 1;
    int n;

    memset(name, 0, sizeof(*name));
    name->sun_family = AF_UNIX;
    if (file) {
        n = snprintf(text, room, WIRE_PREFIX "%.*s/%llx", WIRE_SESSION,
                     session, (unsigned long long)file);
    } else {
        n = snprintf(text, room, WIRE_PREFIX "%.*s", WIRE_SESSION, session);
    }
    return (socklen_t)(HEAD + 1 + (size_t)n);
}

uint64_t wire_file(const struct sockaddr_un *name, socklen_t len,
                   char session[WIRE_SESSION + 1])
{
    char text[sizeof(name->sun_path) + 1] = "";
    char *slash, *end;
    uint64_t file;

    if (len <= HEAD + 1 + strlen(WIRE_PREFIX) || len > sizeof(*name) ||
        name->sun_family != AF_UNIX || name->sun_path[0] != '\0') {
        return 0;
    }
    memcpy(text, name->sun_path + 1, len - HEAD - 1);
    if (strncmp(text, WIRE_PREFIX, strlen(WIRE_PREFIX)) != 0) {
        return 0;
    }
    slash = strchr(text + strlen(WIRE_PREFIX), '/');
    if (!slash || slash > text + strlen(WIRE_PREFIX) + WIRE_SESSION) {
        return 0;
    }
    file = strtoull(slash + 1, &end, 16);
    if (*end || end == slash + 1) {
        return 0;
    }
    *slash = '\0';
    strcpy(session, text + strlen(WIRE_PREFIX));
    return file;
}
