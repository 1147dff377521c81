/*
 * A third IOMMU, of no architecture that is sold: what one consists of when
 * all that libim has for it is taken from there. This page is its
 * specification, tiny.c the model, iommu_tiny.c its place in the tests that
 * every IOMMU passes.
 *
 * A table of 512 spaces, by PASID, says which function each is of and where
 * its one table of 4096 pages is; space 0 is that of requests without PASID.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_TINY_H
#define TESTS_LIB_TINY_H

#include "hw/core/field.h"
#include "im/im_iommu.h"
#include "im/im_port.h"

#define TINY_SPACE_COUNT 512u
#define TINY_TABLE_BITS  12             /* log2 of the entries of a table */
#define TINY_VA_BITS     (TINY_TABLE_BITS + 12)
#define TINY_RING        4096u          /* bytes; entries are of 16 */

/* R(name, bits that software writes, bits that it clears by writing 1, hook),
 * 8 bytes each, in this order from 0. */
#define TINY_REGS(R)                                                      \
    R(CTRL,     1,          0, tiny_changed)                              \
    R(SPACES,   TINY_PAGE,  0, NULL)                                      \
    R(CQ_BASE,  TINY_PAGE,  0, NULL)                                      \
    R(CQ_HEAD,  0,          0, NULL)                                      \
    R(CQ_TAIL,  TINY_INDEX, 0, tiny_commands)                             \
    R(PQ_BASE,  TINY_PAGE,  0, NULL)                                      \
    R(PQ_HEAD,  TINY_INDEX, 0, NULL)                                      \
    R(PQ_TAIL,  0,          0, NULL)                                      \
    R(FAULT,    0,          0, NULL)                                      \
    R(FAULT_AT, 0,          0, NULL)                                      \
    R(STATUS,   0,         15, tiny_commands)
#define TINY_PAGE   IM_BITS(47, 12)
#define TINY_INDEX  (TINY_RING - 16)

#define TINY_REG_ENUM(name, ...)  TINY_R_##name,
typedef enum TinyReg { TINY_REGS(TINY_REG_ENUM) TINY_REG_COUNT } TinyReg;

/* STATUS: what happened. The last two stop the commands. */
#define TINY_FAULTED      1u            /* FAULT and FAULT_AT are valid */
#define TINY_LOST         2u            /* page requests found no room */
#define TINY_LATE         4u            /* a function did not complete */
#define TINY_BAD_COMMAND  8u

#define TINY_SPACE(F, R, I)                                               \
    F(TINY_SPACE, V, 0, 0) R(11, 1) F(TINY_SPACE, ROOT, 47, 12)           \
    F(TINY_SPACE, RID, 63, 48)
#define TINY_PTE(F, R, I)                                                 \
    F(TINY_PTE, V, 0, 0) F(TINY_PTE, W, 1, 1) R(11, 2)                    \
    F(TINY_PTE, ADDR, 47, 12) R(63, 48)
/* Word 0 of commands, faults and page requests; word 1 is the address. */
#define TINY_MSG(F, R, I)                                                 \
    F(TINY_MSG, RID, 15, 0) F(TINY_MSG, PASID, 35, 16)                    \
    F(TINY_MSG, PP, 36, 36) F(TINY_MSG, PRGI, 45, 37)                     \
    F(TINY_MSG, READ, 46, 46) F(TINY_MSG, WRITE, 47, 47)                  \
    F(TINY_MSG, LAST, 48, 48) F(TINY_MSG, CODE, 52, 49)                   \
    F(TINY_MSG, OP, 55, 53) R(63, 56)
IM_LAYOUT(TINY_SPACE);
IM_LAYOUT(TINY_PTE);
IM_LAYOUT(TINY_MSG);

typedef enum TinyOp {
    TINY_INVALIDATE = 1, /* a page of a space; bit 0 of word 1: all, */
    TINY_INVALIDATE_ATC, /* and at the function RID as well */
    TINY_RESPOND,        /* to a group of page requests */
    TINY_WAIT,           /* for the ATCs; then 1 is written at word 1 */
} TinyOp;

/* F(name, text): why a request is refused. */
#define TINY_FAULTS(F)                                                    \
    F(AT, "reserved AT field, malformed, or of ATS while this is off")    \
    F(SPACE, "no space is that of this function and PASID")               \
    F(RANGE, "the address is beyond the space")                           \
    F(ABSENT, "the page is not there")                                    \
    F(ACCESS, "the page may not be written")                              \
    F(TABLE, "a table could not be read, or has a reserved bit set")

typedef struct Tiny Tiny;

Tiny *tiny_new(const ImPort *port, void *host, uint64_t ats_timeout_ns);
extern const ImIommuOps tiny_ops;

#endif /* TESTS_LIB_TINY_H */
