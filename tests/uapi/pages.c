/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded before a test that asks for huge pages: where this machine has
 * none to give, it gets small ones.
 */

#define _GNU_SOURCE
#undef _FILE_OFFSET_BITS
#include <dlfcn.h>
#include <sys/mman.h>

typedef void *MmapFn(void *, size_t, int, int, int, off_t);

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off);
void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off);

static void *with_small(MmapFn *next, void *addr, size_t len, int prot,
                        int flags, int fd, off_t off)
{
    void *p = next(addr, len, prot, flags, fd, off);

    if (p == MAP_FAILED && (flags & MAP_HUGETLB)) {
        p = next(addr, len, prot, flags & ~MAP_HUGETLB, fd, off);
    }
    return p;
}

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
    static MmapFn *next;

    if (!next) {
        next = (MmapFn *)dlsym(RTLD_NEXT, "mmap");
    }
    return with_small(next, addr, len, prot, flags, fd, off);
}

void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
    static MmapFn *next;

    if (!next) {
        next = (MmapFn *)dlsym(RTLD_NEXT, "mmap64");
    }
    return with_small(next, addr, len, prot, flags, fd, off);
}
