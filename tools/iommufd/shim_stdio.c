/*
 * The preloaded library: streams. The C library's own read and write past
 * every function that could stand before them: ours have others below.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#undef _FORTIFY_SOURCE
#undef _FILE_OFFSET_BITS
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim.h"

static int shim_stdio_number(void *cookie)
{
    return (int)(intptr_t)cookie;
}

static ssize_t shim_stdio_stream_read(void *cookie, char *buf, size_t len)
{
    return read(shim_stdio_number(cookie), buf, len);
}

static ssize_t shim_stdio_stream_write(void *cookie, const char *buf,
                                       size_t len)
{
    ssize_t n = write(shim_stdio_number(cookie), buf, len);

    return n < 0 ? 0 : n;       /* which is an error to a stream */
}

static int shim_stdio_stream_seek(void *cookie, off64_t *at, int whence)
{
    (void)cookie, (void)at, (void)whence;
    errno = ESPIPE;
    return -1;
}

static int shim_stdio_stream_close(void *cookie)
{
    return close(shim_stdio_number(cookie));
}

static FILE *shim_stdio_stream_of(int fd, const char *mode)
{
    const cookie_io_functions_t calls = {
        .read = shim_stdio_stream_read,
        .write = shim_stdio_stream_write,
        .seek = shim_stdio_stream_seek,
        .close = shim_stdio_stream_close,
    };
    FILE *f = fopencookie((void *)(intptr_t)fd, mode, calls);

#ifdef __GLIBC__
    if (f) {
        f->_fileno = fd;        /* for fileno() */
    }
#endif
    return f;
}

/* As fopen(3) says; -1: no mode. */
static int shim_stdio_mode_flags(const char *mode)
{
    int flags = strchr(mode, '+') ? O_RDWR : *mode == 'r' ? O_RDONLY : O_WRONLY;

    if (!*mode || !strchr("rwa", *mode)) {
        return -1;
    }
    flags |= *mode == 'w' ? O_CREAT | O_TRUNC : 0;
    flags |= *mode == 'a' ? O_CREAT | O_APPEND : 0;
    flags |= strchr(mode, 'e') ? O_CLOEXEC : 0;
    return flags | (strchr(mode, 'x') ? O_EXCL : 0);
}

/* -2: not ours. */
static int shim_stdio_open_for(const char *path, const char *mode)
{
    int flags = path && mode && path[0] == '/' ? shim_stdio_mode_flags(mode) :
                                                 -1;

    return flags < 0 ? -2 : shim_open(path, flags);
}

static FILE *shim_stdio_do_fopen(const char *path, const char *mode)
{
    int fd = shim_stdio_open_for(path, mode);
    FILE *f;

    if (fd == -2) {
        f = path && mode && mode[0] == 'r' ? fake_status(path) : NULL;
        return f ? f : real()->fopen(path, mode);
    }
    f = fd < 0 ? NULL : shim_stdio_stream_of(fd, mode);
    if (fd >= 0 && !f) {
        close(fd);
    }
    return f;
}

OURS FILE *fopen(const char *path, const char *mode)
{
    return shim_stdio_do_fopen(path, mode);
}

OURS FILE *fopen64(const char *path, const char *mode)
{
    return shim_stdio_do_fopen(path, mode);
}

OURS FILE *fdopen(int fd, const char *mode)
{
    WireFile file;

    return wire_file(fd, &file) ? shim_stdio_stream_of(fd, mode) :
                                  real()->fdopen(fd, mode);
}

/* --- print to a descriptor ---------------------------------------------- */

static int shim_stdio_do_vdprintf(int fd, const char *format, va_list args)
{
    WireFile file;
    char *text;
    int done = 0;
    int len;

    if (!wire_file(fd, &file)) {
        return real()->vdprintf(fd, format, args);
    }
    len = vasprintf(&text, format, args);
    while (len >= 0 && done < len) {
        ssize_t n = write(fd, text + done, (size_t)(len - done));

        if (n <= 0) {
            done = -1;
            break;
        }
        done += (int)n;
    }
    if (len >= 0) {
        free(text);
    }
    return len < 0 ? len : done;
}

OURS int vdprintf(int fd, const char *format, va_list args)
{
    return shim_stdio_do_vdprintf(fd, format, args);
}

OURS int dprintf(int fd, const char *format, ...)
{
    va_list args;
    int ret;

    va_start(args, format);
    ret = shim_stdio_do_vdprintf(fd, format, args);
    va_end(args);
    return ret;
}

/* Fortified programs call these. */
OURS int __vdprintf_chk(int fd, int flag, const char *format, va_list args);
OURS int __vdprintf_chk(int fd, int flag, const char *format, va_list args)
{
    (void)flag;
    return shim_stdio_do_vdprintf(fd, format, args);
}

OURS int __dprintf_chk(int fd, int flag, const char *format, ...);
OURS int __dprintf_chk(int fd, int flag, const char *format, ...)
{
    va_list args;
    int ret;

    (void)flag;
    va_start(args, format);
    ret = shim_stdio_do_vdprintf(fd, format, args);
    va_end(args);
    return ret;
}
