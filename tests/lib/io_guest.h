/*
 * A guest's own tables, in user memory that a parent maps at guest-physical
 * 0 (io_parent()): written with the tests' own encoders.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_IO_GUEST_H
#define TESTS_LIB_IO_GUEST_H

#include "lib/io.h"

/* Arm: an STE of stage 1, and what a CD says of its one table. */
typedef struct IoSte {
    uint64_t cds;               /* guest-physical, of CDs or of their L1 */
    unsigned cdmax, fmt, dss;
    bool ats;
} IoSte;

typedef struct IoCd {
    uint64_t root;              /* guest-physical */
    unsigned g;                 /* log2 of the granule */
    unsigned bits;              /* of input addresses */
    uint16_t asid;
} IoCd;

ImuRef io_smmu(Io *io, ImuRef set, ImuSpaceKind kind, ImuRef parent,
               ImuRef faultq, const IoSte *ste);
void io_cd(Io *io, uint64_t at, const IoCd *cd);
/* Entry i of a first-level CD table at l1: its leaf. */
void io_cd_leaf(Io *io, uint64_t l1, unsigned i, uint64_t leaf);
/* A page of read and write, to a guest-physical address. *next: a free
 * granule for a table, which moves on when one is taken. */
void io_arm_map(Io *io, const IoCd *cd, uint64_t *next, uint64_t va,
                uint64_t gpa);

/* VT-d: a first-stage space; an entry, as above, of 4 or 5 levels. */
ImuRef io_vtd(Io *io, ImuRef set, ImuRef parent, ImuRef faultq, uint64_t root,
              uint32_t flags);
uint64_t io_vtd_entry(Io *io, uint64_t root, unsigned levels, uint64_t *next,
                      uint64_t va, uint64_t table_flags);

/* A quad-word of guest memory. */
uint64_t io_guest_get(Io *io, uint64_t gpa);
void io_guest_set(Io *io, uint64_t gpa, uint64_t val);

#endif /* TESTS_LIB_IO_GUEST_H */
