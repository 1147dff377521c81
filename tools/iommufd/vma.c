/*
 * The mappings of a process: by a query of one, or by the text of its maps
 * where the kernel is older than that (6.11).
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "process.h"

/* Linux's, of /proc/PID/maps. */
typedef struct MapQuery {
    uint64_t size;
    uint64_t flags;
    uint64_t addr;
    uint64_t start;
    uint64_t end;
    uint64_t vma_flags;
    uint64_t page_size;
    uint64_t offset;
    uint64_t inode;
    uint32_t major;
    uint32_t minor;
    uint32_t name_size;
    uint32_t build_id_size;
    uint64_t name;
    uint64_t build_id;
} MapQuery;

#define MAP_QUERY  _IOWR('f', 17, MapQuery)

enum { VMA_READ = 1, VMA_WRITE = 2, VMA_SHARED = 8 };

bool vma_alive(const Process *p)
{
    char c;

    return p->maps >= 0 && pread(p->maps, &c, 1, 0) == 1;
}

/* --- text --------------------------------------------------------------- */

typedef bool VmaFn(const Vma *vma, void *opaque);

static bool vma_parse(const char *line, Vma *v)
{
    char perm[8];
    unsigned maj, min;

    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %x:%x %" SCNu64,
               &v->start, &v->end, perm, &v->offset, &maj, &min,
               &v->ino) != 7) {
        return false;
    }
    v->dev = makedev(maj, min);
    v->readable = perm[0] == 'r';
    v->writable = perm[1] == 'w';
    v->shared = perm[3] == 's';
    return true;
}

/* Each until fn says that it is enough. */
static bool vma_each(const Process *p, VmaFn *fn, void *opaque)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/maps", p->pid);
    char line[8192];
    bool found = false;
    FILE *f;

    if (!vma_alive(p)) {
        return false;
    }
    f = fopen(path, "re");
    while (f && !found && fgets(line, sizeof(line), f)) {
        Vma v;

        found = vma_parse(line, &v) && fn(&v, opaque);
    }
    if (f) {
        fclose(f);
    }
    return found;
}

typedef struct Wanted {
    uint64_t addr;              /* of Vma covers */
    uint64_t dev, ino, offset;
    Vma found;
} Wanted;

static bool vma_covers(const Vma *v, void *opaque)
{
    Wanted *w = opaque;

    if (w->addr < v->start || w->addr >= v->end) {
        return false;
    }
    w->found = *v;
    return true;
}

static bool vma_maps_offset(const Vma *v, void *opaque)
{
    Wanted *w = opaque;

    if (!v->shared || v->dev != w->dev || v->ino != w->ino ||
        w->offset < v->offset || w->offset - v->offset >= v->end - v->start) {
        return false;
    }
    w->found = *v;
    return true;
}

/* --- one ---------------------------------------------------------------- */

static int vma_query(Process *p, uint64_t addr, Vma *v)
{
    MapQuery q = { .size = sizeof(q), .addr = addr };

    if (ioctl(p->maps, MAP_QUERY, &q) < 0) {
        return -errno;
    }
    *v = (Vma) {
        .start = q.start,
        .end = q.end,
        .offset = q.offset,
        .dev = makedev(q.major, q.minor),
        .ino = q.inode,
        .readable = q.vma_flags & VMA_READ,
        .writable = q.vma_flags & VMA_WRITE,
        .shared = q.vma_flags & VMA_SHARED,
    };
    return 0;
}

int vma_at(Process *p, uint64_t addr, Vma *vma)
{
    Wanted w = { .addr = addr };

    if (!p->no_query) {
        int ret = vma_query(p, addr, vma);

        if (ret != -ENOTTY) {
            return ret ? -EFAULT : 0;
        }
        p->no_query = true;
    }
    if (!vma_each(p, vma_covers, &w)) {
        return -EFAULT;
    }
    *vma = w.found;
    return 0;
}

int vma_of(Process *p, uint64_t dev, uint64_t ino, uint64_t offset,
           uint64_t *addr)
{
    Wanted w = { .dev = dev, .ino = ino, .offset = offset };

    if (!vma_each(p, vma_maps_offset, &w)) {
        return -EFAULT;
    }
    *addr = w.found.start + (offset - w.found.offset);
    return 0;
}
