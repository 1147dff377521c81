/*
 * The host backend: its objects, and what each part offers the others.
 *
 * The ledger half (ops.c, ioasid.c, set.c, pasid.c, dev.c, fault.c,
 * event.c, dump.c, check.c) owns objects, quota, states and queues. The
 * memory half (space.c, map.c, dirty.c, format.c, route.c, cache.c,
 * inval.c) owns address spaces and what happens to a request.
 *
 * Memory comes from im_ioasid_alloc() only, which may fail. A command
 * allocates all that it needs before it changes anything.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_IOASID_IOASID_H
#define HW_IOASID_IOASID_H

#include "hw/core/link.h"
#include "hw/core/walk.h"
#include "im/im_ioasid.h"

typedef struct IoSet IoSet;
typedef struct IoPasid IoPasid;
typedef struct IoDev IoDev;
typedef struct IoSpace IoSpace;
typedef struct IoBind IoBind;
typedef struct IoQueue IoQueue;
typedef struct IoMap IoMap;             /* map.c: mappings of a space */
typedef struct IoCaches IoCaches;       /* cache.c: IOTLB, PASID cache */
typedef struct IoFences IoFences;       /* inval.c */
typedef struct IoGroups IoGroups;       /* fault.c: page request groups */
typedef struct IoHandles IoHandles;     /* ops.c: numbers of a context */

/* What every object of a context begins with. */
typedef struct IoObject {
    ImuRef ref;
    uint8_t kind;                   /* ImuKind */
    uint32_t users;                 /* objects that refer to it */
    IoSet *set;                     /* NULL: it is a set */
    ImLink in_set;
} IoObject;

struct IoSet {
    IoObject obj;
    ImIoasidCtx *ctx;
    ImuSetCreate cfg;               /* quotas as updated */
    uint32_t count[IMU_PASID_QUARANTINE + 1];   /* PASIDs by state */
    uint32_t groups;                /* page request groups outstanding */
    ImLink *objects[IMU_KINDS];
    void *gpasids;                  /* pasid.c: guest number -> IoPasid */
};

struct IoPasid {
    IoObject obj;
    uint32_t gpasid;
    uint32_t hpasid;                /* TRANSLATE with IMU_POOL_GLOBAL */
    uint8_t state;                  /* ImuPasidState */
    ImLink *binds;
    ImLink in_wait;                 /* QUARANTINE: in order of ripeness */
    uint64_t ripe;                  /* virtual ns */
    uint32_t drains;                /* invalidations still under way */
};

/* A device of the host, whether bound or not. */
typedef struct IoHostDev {
    ImIoasidDevice cfg;
    IoDev *bound;
    ImLink in_host;
    void *hpasids;                  /* pasid.c: numbers taken here */
} IoHostDev;

struct IoDev {
    IoObject obj;
    IoHostDev *host;
    uint64_t cookie;
    uint32_t groups;
    IoBind *own;                    /* without PASID, or NULL */
    ImLink *binds;                  /* with PASID */
    void *by_hpasid;                /* host number -> IoBind */
};

/* A device, or one of its PASIDs, in a space. */
struct IoBind {
    IoDev *dev;
    IoPasid *pasid;                 /* NULL: the device itself */
    IoSpace *space;                 /* never NULL; parked: the blocked one */
    uint32_t flags;                 /* IMU_ATTACH_* */
    uint32_t hpasid;                /* on the bus of this device */
    uint32_t tag;                   /* cache.c: of what is cached for it */
    bool parked;
    ImLink by_dev;
    ImLink by_pasid;
    ImLink by_space;
};

struct IoSpace {
    IoObject obj;
    uint8_t kind;                   /* ImuSpaceKind */
    uint8_t format;                 /* ImuFormat */
    uint32_t flags;                 /* IMU_SPACE_* */
    IoSpace *parent;
    IoQueue *faultq;
    IoMap *map;                     /* MAPPED */
    void *table;                    /* format.c: decoded guest structure */
    bool dirty_on;
    ImLink *binds;
};

struct IoQueue {
    IoObject obj;
    uint64_t deadline_ns;           /* fault queue */
    uint32_t depth;                 /* event queue */
    void *entries;                  /* fault.c, event.c */
};

struct ImIoasidCtx {
    ImIoasid *host;
    uint32_t flags;
    void *user;
    IoHandles *handles;
    uint32_t pasids;                /* charged */
    ImLink in_host;
};

struct ImIoasid {
    ImIoasidConfig cfg;
    ImIoasidPort port;
    void *opaque;                   /* of the port */
    ImLink *ctxs;
    ImLink *devs;                   /* IoHostDev */
    void *dev_index;                /* dev.c: func -> IoHostDev */
    void *pool;                     /* pasid.c: IMU_POOL_GLOBAL */
    ImLink *waiting;                /* PASIDs in QUARANTINE */
    IoCaches *caches;
    IoFences *fences;
    IoGroups *groups;
    IoSpace *blocked;               /* what parked bindings look into */
    ImIoasidCounters counters;
};

/* --- memory ---------------------------------------------------------------- */

static inline void *im_ioasid_alloc(ImIoasid *h, size_t bytes)
{
    return h->port.alloc(h->opaque, bytes);
}

static inline void im_ioasid_release(ImIoasid *h, void *p, size_t bytes)
{
    if (p) {
        h->port.free(h->opaque, p, bytes);
    }
}

/* --- ops.c: commands and handles --------------------------------------------- */

/* A command: its structure is in a, complete and zero-extended; what it
 * leaves there goes back to the user with 0 and, for out members that an
 * error defines, with -errno. */
typedef int IoCommandFn(ImIoasidCtx *c, void *a);

/* -ENOENT: no such object of this kind in this set. */
int im_ioasid_set_of(ImIoasidCtx *c, ImuRef ref, IoSet **set);
int im_ioasid_find(IoSet *set, ImuKind kind, ImuRef ref, IoObject **obj);
/* Number an object; -ENOMEM or -ENOSPC. The object is not in its set yet. */
int im_ioasid_number(ImIoasidCtx *c, IoObject *obj, ImuKind kind);
void im_ioasid_unnumber(ImIoasidCtx *c, IoObject *obj);
/* Arrays of a command, at user addresses. 0, -EFAULT. */
int im_ioasid_get_user(ImIoasidCtx *c, uint64_t addr, void *buf, size_t n);
int im_ioasid_put_user(ImIoasidCtx *c, uint64_t addr, const void *buf,
                       size_t n);

/* Handlers, one a row of IMU_COMMANDS: im_ioasid_cmd_<NAME in capitals>. */
#define IO_COMMAND_FN(nr, name, type, last)  IoCommandFn im_ioasid_cmd_##name;
IMU_COMMANDS(IO_COMMAND_FN)
#undef IO_COMMAND_FN

/* --- ledger half, for the memory half ------------------------------------------ */

/* The binding that a request belongs to, or NULL: func, host PASID. */
IoBind *im_ioasid_bind_of(ImIoasid *h, uint32_t func, bool has_pasid,
                          uint32_t hpasid);
/* Of a set: the PASID object of a guest number, or NULL. */
IoPasid *im_ioasid_by_gpasid(IoSet *set, uint32_t gpasid);
void im_ioasid_event_post(IoSet *set, ImuEventType type, ImuRef object,
                          uint64_t token, uint32_t old_state,
                          uint32_t new_state);
/* Arm the port's alarm for the earliest of all deadlines. */
void im_ioasid_rearm(ImIoasid *h);
/* An invalidation that a free waits for is complete. */
void im_ioasid_drained(ImIoasid *h, IoPasid *p);
uint64_t im_ioasid_ledger_deadline(const ImIoasid *h);
void im_ioasid_ledger_due(ImIoasid *h, uint64_t now);

/* --- memory half, for the ledger half ------------------------------------------- */

/* Whether a space may be bound so: format, width, kind. 0 or -errno. */
int im_ioasid_space_fits(const IoSpace *space, const IoDev *dev,
                         const IoPasid *pasid);
/* A binding begins, changes its space, or ends: what is cached for it goes,
 * its ATC is invalidated. p: told by im_ioasid_drained(), or NULL. Cannot
 * fail. */
void im_ioasid_bind_changed(ImIoasid *h, IoBind *b, IoPasid *p);
void im_ioasid_space_free(ImIoasidCtx *c, IoSpace *space);
IoCaches *im_ioasid_caches_new(ImIoasid *h);
void im_ioasid_caches_free(ImIoasid *h, IoCaches *c);
IoFences *im_ioasid_fences_new(ImIoasid *h);
void im_ioasid_fences_free(ImIoasid *h, IoFences *f);
/* Nobody waits for a set's fences and invalidations any more. */
void im_ioasid_fences_forget(ImIoasid *h, IoSet *set);
uint64_t im_ioasid_fence_deadline(const ImIoasid *h);
void im_ioasid_fence_due(ImIoasid *h, uint64_t now);
void im_ioasid_space_dump(const IoSpace *space, GString *out);
/* NULL, or which invariant of spaces, maps or caches does not hold. */
char *im_ioasid_space_check(const ImIoasid *h, const IoSpace *space);

#endif /* HW_IOASID_IOASID_H */
