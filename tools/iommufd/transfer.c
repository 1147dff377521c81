/*
 * Reading and writing: the file's own position or one that is given, one
 * buffer or several, and what Linux's read_write.c refuses before a file is
 * asked.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/uio.h>

#include "internal.h"

#define BUFFERS  1024u          /* UIO_MAXIOV */
#define HIPRI  1u               /* RWF_HIPRI, the one flag that says nothing */

typedef int64_t TransferFn(File *f, const Caller *who, uint64_t addr,
                           size_t len, uint64_t at);

typedef struct Transfer {
    File *file;
    const Caller *who;
    TransferFn *fn;
    uint64_t at;
} Transfer;

/* Each buffer by a call of its own, as Linux has it for files like these. */
static int64_t transfer_in_turn(const Transfer *t, const struct iovec *iov,
                                size_t n)
{
    int64_t done = 0;

    for (size_t i = 0; i < n; i++) {
        size_t len = iov[i].iov_len;
        int64_t ret =
            len ? t->fn(t->file, t->who, (uintptr_t)iov[i].iov_base, len,
                        t->file->ops->stream ? 0 : t->at + (uint64_t)done) :
                  0;

        if (ret < 0) {
            return done ? done : ret;
        }
        done += ret;
        if ((uint64_t)ret < len) {
            break;
        }
    }
    return done;
}

static int64_t transfer_several(const Transfer *t, const WireRequest *req)
{
    struct iovec iov[BUFFERS];
    size_t n = req->number;
    uint64_t bytes = 0;

    if (n > BUFFERS) {
        return -EINVAL;
    }
    if (caller_read(t->who, req->arg, iov, n * sizeof(iov[0]))) {
        return -EFAULT;
    }
    for (size_t i = 0; i < n; i++) {
        if (iov[i].iov_len > SSIZE_MAX) {
            return -EINVAL;
        }
        bytes |= iov[i].iov_len;
    }
    if (bytes && (req->flags & ~HIPRI)) {
        return -EOPNOTSUPP;
    }
    return transfer_in_turn(t, iov, n);
}

int64_t file_transfer(File *f, const Caller *who, const WireRequest *req)
{
    bool read = req->op == WIRE_READ || req->op == WIRE_READV;
    bool vector = req->op == WIRE_READV || req->op == WIRE_WRITEV;
    bool here = req->more == WIRE_HERE;
    int mode = f->flags & O_ACCMODE;
    Transfer t = { f, who, read ? f->ops->read : f->ops->write,
                   here ? f->pos : req->more };
    int64_t ret;

    if (!here && f->ops->stream) {
        return -ESPIPE;
    }
    if (mode != O_RDWR && mode != (read ? O_RDONLY : O_WRONLY)) {
        return -EBADF;
    }
    if (!t.fn) {
        return -EINVAL;
    }
    ret = vector ? transfer_several(&t, req) :
                   t.fn(f, who, req->arg, req->number, t.at);
    if (here && !f->ops->stream && ret > 0) {
        f->pos += (uint64_t)ret;
    }
    return ret;
}
