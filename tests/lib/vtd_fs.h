/*
 * The walk through a first-stage table of VT-d, from 3.6 and 9.7 of the
 * manual, for every test that works out what a unit must answer. What is
 * checked at an entry, and in which memory it is, is the caller's affair.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_VTD_FS_H
#define TESTS_LIB_VTD_FS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/vtd_fields.h"

/* So far: of an entry that is looked at, it included. */
typedef struct FsWalk {
    uint64_t entry;
    uint64_t at;                /* its address */
    unsigned level;             /* 1: PTE */
    bool top, leaf;
    bool rw, us;                /* all entries: R/W, U/S */
    uint64_t out;               /* leaf: where it leads */
} FsWalk;

/* The entry at w->at, the rest of w being of the one above. false: there is
 * none, the walk ends. */
typedef bool FsRead(void *opaque, const FsWalk *w, uint64_t *entry);
/* May the walk go on? w has what it says. NULL: always. */
typedef bool FsJudge(void *opaque, const FsWalk *w);

/* Of levels 4 or 5; va is canonical. false: it ended, w says where. */
bool fs_walk(uint64_t root, unsigned levels, uint64_t va, FsRead *read,
             FsJudge *judge, void *opaque, FsWalk *w);

/* A request that asks for writing, or comes as a user, has its right. */
static inline bool fs_grants(const FsWalk *w, bool write)
{
    return w->us && (w->rw || !write);
}

/* 3.6.2: whether the entry has a flag to be set: A, or D of a page that is
 * written. */
static inline bool fs_lacks_flag(const FsWalk *w, bool write)
{
    return !(w->entry & FS_A) || (w->leaf && write && !(w->entry & FS_D));
}

#endif /* TESTS_LIB_VTD_FS_H */
