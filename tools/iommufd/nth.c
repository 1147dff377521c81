/*
 * /proc/self/task/TID/fail-nth: a number n written there fails the n-th
 * allocation from then on in commands of that thread; reading gives how many
 * are left before, 0 when it has failed or was not asked for. As Linux's
 * Documentation/fault-injection says.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

uint64_t *nth_of(Server *s, uint32_t tid)
{
    return g_hash_table_lookup(s->nth, GUINT_TO_POINTER(tid));
}

void *server_alloc(Server *s, size_t bytes)
{
    if (s->failing && *s->failing && --*s->failing == 0) {
        s->failures++;
        return NULL;
    }
    return g_try_malloc0(bytes);
}

uint64_t server_failures(const Server *s)
{
    return s->failures;
}

void server_free(Server *s, void *p, size_t bytes)
{
    (void)s, (void)bytes;
    g_free(p);
}

static int64_t nth_read(File *f, const Caller *who, uint64_t addr, size_t len,
                        uint64_t at)
{
    uint64_t *n = nth_of(who->server, GPOINTER_TO_UINT(f->data));
    char text[32];
    size_t size = (size_t)snprintf(text, sizeof(text), "%" PRIu64 "\n",
                                   n ? *n : 0);

    if (at >= size) {
        return 0;
    }
    size = MIN(size - at, len);
    return caller_write(who, addr, text + at, size) ? -EFAULT : (int64_t)size;
}

static int64_t nth_write(File *f, const Caller *who, uint64_t addr, size_t len,
                         uint64_t at)
{
    char text[32] = "";
    uint64_t *n = nth_of(who->server, GPOINTER_TO_UINT(f->data));
    char *end;
    guint64 value;

    (void)at;
    if (len >= sizeof(text)) {
        return -EINVAL;
    }
    if (caller_read(who, addr, text, len)) {
        return -EFAULT;
    }
    value = g_ascii_strtoull(g_strstrip(text), &end, 10);
    if (*end || end == text || value > G_MAXINT) {
        return -EINVAL;
    }
    if (!n) {
        n = g_new(uint64_t, 1);
        g_hash_table_insert(who->server->nth, f->data, n);
    }
    *n = value;
    return (int64_t)len;
}

static void nth_release(File *f)
{
    g_hash_table_remove(f->server->nth, f->data);
}

static const FileOps nth_file = {
    .name = "fail-nth",
    .read = nth_read,
    .write = nth_write,
    .release = nth_release,
};

/* /proc/self/task/TID/fail-nth, or with a pid in place of self. */
int nth_open(Server *s, const Caller *who, const char *path,
             const FileOps **ops, void **data)
{
    const char *task = strstr(path, "/task/");
    unsigned tid;
    int end = 0;

    (void)s, (void)who;
    if (!g_str_has_prefix(path, "/proc/") || !task ||
        sscanf(task, "/task/%u/fail-nth%n", &tid, &end) != 1 || end == 0 ||
        task[end]) {
        return -ENOENT;
    }
    *ops = &nth_file;
    *data = GUINT_TO_POINTER(tid);
    return 0;
}
