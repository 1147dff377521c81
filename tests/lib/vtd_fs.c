/*
 * SPDX-License-Identifier: MIT
 */
#include <stddef.h>

#include "lib/vtd_fs.h"

#define ADDR  UINT64_C(0x000ffffffffff000)

bool fs_walk(uint64_t root, unsigned levels, uint64_t va, FsRead *read,
             FsJudge *judge, void *opaque, FsWalk *w)
{
    uint64_t table = root;

    *w = (FsWalk) { .top = true, .rw = true, .us = true };
    for (unsigned level = levels; level; level--) {
        unsigned shift = 12 + 9 * (level - 1);
        uint64_t low = (UINT64_C(1) << shift) - 1;

        w->level = level;
        w->top = level == levels;
        w->at = table + 8 * (va >> shift & 0x1ff);
        if (!read(opaque, w, &w->entry)) {
            return false;
        }
        w->rw = w->rw && w->entry & FS_RW;
        w->us = w->us && w->entry & FS_US;
        w->leaf = level == 1 || w->entry & FS_PS;
        w->out = (w->entry & ADDR & ~low) | (va & low);
        if (judge && !judge(opaque, w)) {
            return false;
        }
        if (w->leaf) {
            return true;
        }
        table = w->entry & ADDR;
    }
    return false;
}
