/*
 * One set with some of everything in it, and for each command a structure
 * that is right in it: what tests of all commands start from.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_IO_WORLD_H
#define TESTS_LIB_IO_WORLD_H

#include "lib/io.h"

#define IO_WORLD_FS    4u       /* pages of the first-stage table */
#define IO_WORLD_DATA  40u      /* page that IO_FS_VA(0) leads to */
#define IO_WORLD_BUF   50u      /* page for arrays of commands */

typedef struct IoWorld {
    Io *io;
    ImIoasidCtx *ctx;
    unsigned fn;                /* its functions are fn and fn + 1 */
    ImuRef set;
    ImuRef evq;
    ImuRef faultq;              /* of nested */
    ImuRef spare_faultq;
    ImuRef dev;                 /* in parent; bound in nested */
    ImuRef idle_dev;            /* nothing attached */
    ImuRef parent;              /* tracks what is written */
    ImuRef nested;
    ImuRef spare;               /* MAPPED, empty */
    ImuRef block;
    ImuPasidAlloc bound;
    ImuPasidAlloc idle;
    uint32_t hpasid;            /* of bound */
    uint64_t ticket;            /* of a fault that was read */
} IoWorld;

/* In the opener that obeys now, with a set of TRANSLATE and GLOBAL. */
void io_world_init(IoWorld *w, Io *io, unsigned fn);

/* One row for each command. */
typedef struct IoCommand {
    const char *name;
    uint32_t number;
    uint32_t size;
    uint32_t minimum;
    uint32_t flags;             /* that exist */
    bool results;               /* has out members */
} IoCommand;

extern const IoCommand io_commands[];
extern const unsigned io_command_count;

/* A handle that a command takes. */
typedef struct IoHandle {
    uint32_t command;
    const char *member;
    uint32_t offset;
    ImuKind kind;
    bool may_be_none;
} IoHandle;

extern const IoHandle io_handles[];
extern const unsigned io_handle_count;

/* A reserved member. */
typedef struct IoReserved {
    uint32_t command;
    uint32_t offset;
    uint32_t size;
} IoReserved;

unsigned io_reserved(uint32_t command, IoReserved *rows, unsigned room);

typedef union IoAny {
    ImuHead head;
    uint8_t byte[IMU_SIZE_MAX + 64];
#define IO_ANY(nr, name, type, last)  type name;
    IMU_COMMANDS(IO_ANY)
#undef IO_ANY
} IoAny;

/* What succeeds in w. */
void io_good(const IoWorld *w, uint32_t command, IoAny *any);
/* A handle of the kind that exists in w. */
ImuRef io_some(const IoWorld *w, ImuKind kind);

/* SET_QUERY of a set that there is. */
ImuSetQuery io_set_query(Io *io, ImuRef set);
/* Events of a queue, all of them, of which there are room at most. */
unsigned io_events(Io *io, ImuRef set, ImuRef evq, ImuEvent *e, unsigned room);

#endif /* TESTS_LIB_IO_WORLD_H */
