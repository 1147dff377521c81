/*
 * What docs/uapi.rst says, as simple as can be: tables and loops, no
 * handles, no caches, no memory of its own. Random commands are given to
 * the backend and to this, and have to have the same results.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_IO_MODEL_H
#define TESTS_LIB_IO_MODEL_H

#include "lib/fuzz.h"
#include "lib/io.h"

#define M_CTXS    2
#define M_SETS    2             /* of an opener */
#define M_PASIDS  48
#define M_SPACES  6
#define M_QUEUES  2
#define M_FUNCS   5
#define M_GROUPS  64
#define M_PAGES   IO_RO_PAGE    /* of a space that are mapped, from 0 */
#define M_FS      4u            /* pages of the one first-stage table */
#define M_CDS     10u           /* of CDs; tables of 0 and 1 follow it */
#define M_CDMAX   2
#define M_ARM_VA  (5 * (uint64_t)IO_PAGE)
#define M_DATA    40u           /* where they lead, or beside it */

enum { M_NONE = -2, M_BLOCKED = -1 };

typedef struct MPasid {
    ImuRef ref;
    ImuPasidState state;
    uint32_t g, h;              /* h == 0: each device has its own */
    bool hot;                   /* was bound since all came to rest */
} MPasid;

typedef struct MSpace {
    bool live;
    ImuRef ref;
    ImuSpaceKind kind;
    ImuFormat format;
    unsigned dss;               /* S1DSS */
    bool parent_flag, dirty_flag, dirty_on;
    int parent, faultq;         /* or M_NONE */
    bool limited, msi;          /* ALLOW: of pages, and of what devices
                                   reserve */
    bool allowed[M_PAGES];
    bool dirty[M_PAGES];
    bool maybe[M_PAGES];        /* dirty, if what is cached is stale */
    int page[M_PAGES];          /* user page, or M_NONE */
    int map[M_PAGES];           /* which mapping */
    bool write[M_PAGES];
} MSpace;

typedef struct MQueue {
    bool live;
    bool brief;                 /* deadline within a rest */
    ImuRef ref;
} MQueue;

typedef struct MDev {
    bool live;
    ImuRef ref;
    int own;                    /* space, M_NONE or M_BLOCKED */
    int space[M_PASIDS];        /* the same, of each PASID */
} MDev;

typedef struct MSet {
    bool live;
    ImuRef ref;
    ImuMapMode mode;
    ImuPool pool;
    uint32_t gmin, gmax, qmax, qres;
    MPasid pasid[M_PASIDS];
    MSpace space[M_SPACES];
    MQueue queue[M_QUEUES];
    MDev dev[M_FUNCS];          /* by function */
    ImuRef evq;
    bool stale;                 /* caches may not be what tables say */
    unsigned events;            /* in it, without fences */
} MSet;

typedef struct MGroup {
    bool live, read;
    MSet *set;
    int func, pasid, queue;     /* pasid: M_NONE: without */
    unsigned pages;
    uint16_t prgi;
    uint64_t ticket;
    uint64_t order;
} MGroup;

typedef struct MCtx {
    ImIoasidCtx *ctx;
    MSet set[M_SETS];
    uint32_t orphans;           /* quarantined PASIDs of sets that are gone */
} MCtx;

typedef struct Model {
    Io *io;
    MCtx ctx[M_CTXS];
    MGroup group[M_GROUPS];
    uint64_t arrivals;
    uint64_t maps;
    uint16_t prgi;
    bool unbound[M_FUNCS];      /* since all came to rest */
    unsigned responses;         /* that must have been sent */
    unsigned sent;              /* that were, in logs since cleared */
    bool talk;
} Model;

Model *model_new(void);
void model_free(Model *m);
/* One random command, or something the device does; checked. */
void model_step(Model *m, uint64_t seed);

/* io_model_state.c: what happens inside. */
uint32_t model_charged(const MSet *s);
uint32_t model_committed(const MCtx *c);
bool model_guest_taken(const MSet *s, uint32_t g);
int model_owner(const Model *m, int func);      /* opener, or M_NONE */
MSet *model_binder(Model *m, int func);
bool model_space_bound(const MSet *s, int space);
bool model_space_is_parent(const MSet *s, int space);
bool model_queue_used(const MSet *s, int queue);
unsigned model_groups(const Model *m, const MSet *s, int func);
void model_answer(Model *m, MGroup *g);
/* Groups of a device and PASID (M_NONE: without) are answered. */
void model_end_groups(Model *m, const MSet *s, int func, int pasid);
void model_detached(Model *m, MSet *s, int func, int pasid);
void model_unbound(Model *m, MSet *s, int func);
void model_pasid_freed(Model *m, MSet *s, int pasid);
void model_destroyed(Model *m, MCtx *c, MSet *s);
void model_rest(Model *m);

/* io_model_walk.c. What a binding that leads to space maps, or NULL. */
const MSpace *model_root(const MSet *s, int space);
/* The device's PASIDs are in its guest's table. */
bool model_table(const MSet *s, int func);
/* Physical address of the memory of the set's opener. */
uint64_t model_memory(const Model *m, const MSet *s);
/* The tables of the opener that obeys. */
void model_guest_begins(Io *io);

#endif /* TESTS_LIB_IO_MODEL_H */
