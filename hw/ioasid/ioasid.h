/*
 * The host backend: its objects, and what each part offers the others.
 *
 * The ledger half (ops.c, handle.c, numbers.c, ioasid.c, set.c, pasid.c,
 * dev.c, attach.c, pagereq.c, fault.c, faultq.c, faultlog.c, event.c, enum.c,
 * save.c, restore.c, dump.c, check.c) owns objects, quota, states and queues.
 * The memory half (space.c, map.c,
 * ranges.c, pages.c, dirty.c, format.c, route.c, guest.c, outcome.c,
 * cache.c, inval.c, devtlb.c) owns address spaces and what happens to a
 * request.
 *
 * Memory comes from im_ioasid_alloc() only, which may fail. A command
 * allocates all that it needs before it changes anything.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_IOASID_IOASID_H
#define HW_IOASID_IOASID_H

#include "hw/core/itag.h"
#include "hw/core/link.h"
#include "hw/core/walk.h"
#include "im/im_clause.h"
#include "im/im_ioasid.h"

typedef struct IoSet IoSet;
typedef struct IoPasid IoPasid;
typedef struct IoDev IoDev;
typedef struct IoSpace IoSpace;
typedef struct IoBind IoBind;
typedef struct IoQueue IoQueue;
typedef struct IoMap IoMap;             /* map.c: mappings of a space */
typedef struct IoCaches IoCaches;       /* cache.c: IOTLB, PASID cache */
typedef struct IoFences IoFences;       /* devtlb.c */
typedef struct IoGroups IoGroups;       /* fault.c: tickets */
typedef struct IoGroup IoGroup;         /* fault.c: of page requests */
typedef struct IoHandles IoHandles;     /* handle.c: numbers of a context */
typedef struct IoNumbers IoNumbers;     /* numbers.c: which are taken */
typedef struct IoReplay IoReplay;       /* restore.c */
typedef struct IoTable IoTable;         /* numbers.c: number -> pointer */

#define IO_PRGIS  512

/* First in, first out. */
typedef struct IoFifo {
    ImLink *head;
    ImLink **tail;
} IoFifo;

/* What every object of a context begins with. */
typedef struct IoObject {
    ImuRef ref;
    uint8_t kind;                   /* ImuKind */
    uint32_t users;                 /* objects that refer to it */
    IoSet *set;                     /* NULL: it is a set */
    ImLink in_set;
} IoObject;

/* faultlog.c: requests of a set that were refused, a ring. */
typedef struct IoLog {
    ImuFault fault[IMU_FAULT_LOG_DEPTH];
    uint32_t head, count;
    bool lost;
} IoLog;

struct IoSet {
    IoObject obj;
    ImIoasidCtx *ctx;
    ImuSetCreate cfg;               /* quotas as updated */
    uint32_t count[IMU_PASID_QUARANTINE + 1];   /* PASIDs by state */
    uint32_t charged;               /* all of them */
    uint32_t groups;                /* page request groups outstanding */
    uint32_t tickets;               /* that are known, of old ones too */
    ImLink *objects[IMU_KINDS];
    uint32_t held[IMU_KINDS];       /* how many are in objects */
    ImLink *orphans;                /* PASIDs that it had when it went */
    ImIoasidOwner *owner;           /* who is charged for them, once ctx is
                                       NULL */
    IoNumbers *taken;               /* guest numbers */
    IoTable *gpasids;               /* guest number -> IoPasid */
    ImLink in_gone;
    bool gone;                      /* only its quarantined PASIDs are left,
                                       and ctx is NULL once that is closed */
    uint64_t inv_seq;               /* devtlb.c: of the last one */
    uint64_t ticket;                /* of the last fence */
    IoLog log;
};

struct IoPasid {
    IoObject obj;
    uint32_t gpasid;
    uint32_t hpasid;                /* TRANSLATE with IMU_POOL_GLOBAL */
    uint8_t state;                  /* ImuPasidState */
    ImLink *binds;                  /* with those that ended, see IoBind */
    ImLink cooling;                 /* since its last binding ended */
    uint64_t ripe;                  /* cooling: virtual ns, until when */
    uint32_t drains;                /* invalidations still under way */
    uint32_t active;                /* bindings that did not end */
};

/* An invalidation on its way to a device TLB, or owed. */
typedef struct IoInv {
    uint64_t seq;                   /* of its set */
    IoSet *set;                     /* NULL: nobody waits */
    IoPasid *pasid;                 /* that drains, or NULL */
} IoInv;

/* devtlb.c: what a device owes. All zero: nothing. */
typedef struct IoAtc {
    ImItags itags;
    IoInv inv[IM_ITAGS];            /* of those that are busy */
    bool own;                       /* still to send: without PASID, */
    bool guest;                     /* with PASIDs guest_first to _last, */
    uint32_t guest_first, guest_last;
    ImLink *queue;                  /* and of these bindings */
    IoInv owed;                     /* whose, and since when */
    ImLink in_busy;                 /* while it owes anything */
    bool listed;
} IoAtc;

/* A device of the host, whether bound or not. */
typedef struct IoHostDev {
    ImIoasidDevice cfg;
    IoDev *bound;                   /* NULL: by nobody */
    ImLink in_host;
    ImLink in_bucket;
    IoNumbers *taken;               /* host numbers; cfg.pasid_bits > 0 */
    /* Page request groups that were given up before they were whole: what
     * their last page is answered. A bit for each index. */
    uint64_t invalid[IO_PRGIS / 64];
    uint64_t failure[IO_PRGIS / 64];
    IoAtc atc;
} IoHostDev;

struct IoDev {
    IoObject obj;
    IoHostDev *host;                /* removed: ImIoasid.nothing */
    uint64_t cookie;
    uint32_t groups;                /* outstanding */
    IoGroup *partial[IO_PRGIS];     /* not whole yet, by index */
    IoBind *own;                    /* without PASID, or NULL */
    ImLink *binds;                  /* with PASID */
    ImLink *ended;                  /* with PASID, keep their numbers */
    IoTable *by_hpasid;             /* host number -> IoBind */
    bool ats_failed;                /* an invalidation timed out: no more ATS
                                       until it is bound anew */
};

/*
 * A device, or one of its PASIDs, in a space. One of a PASID that ended
 * stays with the PASID, out of every index, and keeps the host number until
 * the PASID is reclaimed; or for a while, when its device is unbound.
 */
struct IoBind {
    IoDev *dev;                     /* NULL: rests, its device is unbound */
    IoHostDev *host;
    IoPasid *pasid;                 /* NULL: the device itself */
    IoSpace *space;                 /* never NULL; parked or ended: the
                                       blocked one */
    uint32_t flags;                 /* IMU_ATTACH_* */
    uint32_t hpasid;                /* on the bus of this device */
    ImLink *views;                  /* cache.c: what is cached for it */
    ImLink in_queue;                /* devtlb.c: with queued */
    IoPasid *drain;                 /* with queued: that waits, or NULL */
    bool queued;
    uint8_t ats_used;               /* its device TLB may hold something, */
    uint32_t ats_first, ats_last;   /* also with these PASIDs of a guest */
    bool ats_granted;               /* translations, since it has its space */
    bool parked;
    bool ended;
    uint64_t ripe;                  /* rests: virtual ns */
    ImLink *groups;                 /* fault.c */
    ImLink by_dev;                  /* or in the order of those that rest */
    ImLink by_pasid;
    ImLink by_space;
};

struct IoSpace {
    IoObject obj;
    uint8_t kind;                   /* ImuSpaceKind */
    uint8_t format;                 /* ImuFormat */
    uint32_t flags;                 /* IMU_SPACE_* */
    uint32_t tag;
    IoSpace *parent;
    IoQueue *faultq;
    IoMap *map;                     /* MAPPED */
    void *table;                    /* format.c: decoded guest structure */
    bool dirty_on, dirty_new;
    ImLink *binds;
    ImLink *children;               /* spaces nested on it */
    ImLink in_parent;
};

struct IoQueue {
    IoObject obj;
    uint64_t deadline_ns;           /* fault queue */
    ImLink in_host;                 /* while it has groups */
    IoFifo unread;                  /* groups, in order of arrival */
    IoFifo read;
    uint32_t pages;                 /* of unread */
    uint32_t depth;                 /* event queue */
    uint32_t head, count;
    bool lost;
    uint64_t sequence;              /* of the last event, stored or lost */
    ImuEvent *events;
};

struct ImIoasidCtx {
    ImIoasid *host;
    uint32_t flags;
    void *user;
    IoHandles *handles;
    ImLink *sets;
    IoSet *recent;                  /* found last, or NULL */
    uint32_t pasids;                /* charged */
    uint64_t pages;                 /* pinned */
    uint32_t groups;                /* outstanding */
    ImIoasidOwner *owner;           /* or NULL */
    uint32_t committed;             /* of each set the larger of what is
                                       reserved and what is charged */
    uint64_t user_struct;           /* of the command that is obeyed */
    uint32_t user_size;
    bool responded;
    uint32_t moves;                 /* how often it was restored */
    IoReplay *replay;               /* restore.c is obeying a stream */
    ImLink in_host;
};

struct ImIoasid {
    ImIoasidConfig cfg;
    ImIoasidPort port;
    void *opaque;                   /* of the port */
    ImLink *ctxs;
    ImLink *devs;                   /* IoHostDev */
    ImLink **dev_bucket;            /* by func */
    uint32_t dev_buckets;           /* power of two */
    uint32_t dev_count;
    ImLink *owners;                 /* children before their parents */
    ImLink *gone;                   /* sets */
    ImLink *faultqs;                /* that have groups, of all contexts */
    IoNumbers *pool;                /* IMU_POOL_GLOBAL */
    uint32_t pool_committed;        /* as ImIoasidCtx.committed */
    IoFifo cooling;                 /* PASIDs */
    uint32_t quarantined;           /* of them, those in QUARANTINE */
    IoFifo resting;                 /* bindings */
    uint64_t armed;                 /* what the port was told */
    IoCaches *caches;
    IoFences *fences;
    IoGroups *groups;
    IoSpace *blocked;               /* what parked bindings look into */
    IoHostDev *nothing;             /* what removed devices are */
    ImIoasidMiss miss;              /* code 0: none */
    uint64_t waits;                 /* handles of requests that waited */
    uint64_t waits_again;           /* of the one that is asked again, or 0 */
    ImIoasidCounters counters;
};

/* --- memory ------------------------------------------------------------- */

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

static inline void im_fifo_init(IoFifo *f)
{
    f->head = NULL;
    f->tail = &f->head;
}

static inline void im_fifo_in(IoFifo *f, ImLink *n)
{
    im_link_in(f->tail, n);
    f->tail = &n->next;
}

static inline void im_fifo_out(IoFifo *f, ImLink *n)
{
    if (f->tail == &n->next) {
        f->tail = n->pprev;
    }
    im_link_out(n);
}

/* --- ops.c: commands; handle.c: handles --------------------------------- */

/*
 * A command: its structure is in a, complete and zero-extended, reserved
 * members and flags are known to be good. What it leaves there goes back to
 * the user with 0, if the command has out members, and with an error that
 * defines one.
 *
 * Since that may fail, a command that changes state first makes sure of all
 * it needs, leaves its results in a, calls im_ioasid_respond(), and only
 * when that returns 0 changes anything. One that does not respond, or has
 * no out members, is responded for when it returns 0.
 */
typedef int IoCommandFn(ImIoasidCtx *c, void *a);
int im_ioasid_respond(ImIoasidCtx *c, const void *a);

/* -ENOENT: no such object of this kind in this set. */
int im_ioasid_set_of(ImIoasidCtx *c, ImuRef ref, IoSet **set);
int im_ioasid_find(IoSet *set, ImuKind kind, ImuRef ref, IoObject **obj);
/*
 * Number an object of a set (NULL: it is a set): fills in ref, kind and set.
 * -ENOMEM or -ENOSPC (IMU_OBJECTS_MAX). It is found from now on, but not in
 * its set's list yet: im_ioasid_list() does that. unnumber takes it out of
 * either; undo is for a number that nobody was told.
 */
int im_ioasid_number(ImIoasidCtx *c, IoObject *obj, ImuKind kind, IoSet *set);
void im_ioasid_list(IoObject *obj);
void im_ioasid_unnumber(ImIoasidCtx *c, IoObject *obj);
void im_ioasid_number_undo(ImIoasidCtx *c, IoObject *obj);
/* Respond for a command that makes an object, and list it; if it cannot be
 * responded for, take its number back: then the caller frees it. */
int im_ioasid_publish(ImIoasidCtx *c, const void *a, IoObject *obj);
/* Arrays of a command, at user addresses. 0, -EFAULT. */
int im_ioasid_get_user(ImIoasidCtx *c, uint64_t addr, void *buf, size_t n);
int im_ioasid_put_user(ImIoasidCtx *c, uint64_t addr, const void *buf,
                       size_t n);

/* Handlers, one a row of IMU_COMMANDS: im_ioasid_cmd_<NAME in capitals>. */
#define IO_COMMAND_FN(nr, name, type, last)  IoCommandFn im_ioasid_cmd_##name;
IMU_COMMANDS(IO_COMMAND_FN)
#undef IO_COMMAND_FN

/* --- ledger half, for the memory half ----------------------------------- */

/* The binding that a request belongs to, or NULL: func, host PASID. */
IoBind *im_ioasid_bind_of(ImIoasid *h, uint32_t func, bool has_pasid,
                          uint32_t hpasid);
/* Of a set: the PASID object of a guest number, or NULL. */
IoPasid *im_ioasid_by_gpasid(IoSet *set, uint32_t gpasid);
void im_ioasid_event_send(IoSet *set, ImuEventType type, ImuRef object,
                          uint64_t token, uint32_t old_state,
                          uint32_t new_state);

static inline void im_ioasid_event_post(IoSet *set, ImuEventType type,
                                        ImuRef object, uint64_t token,
                                        uint32_t old_state, uint32_t new_state)
{
    if (G_UNLIKELY(set->objects[IMU_KIND_EVQ])) {
        im_ioasid_event_send(set, type, object, token, old_state, new_state);
    }
}

/* A request of a set was refused; LOST and the time are filled in. */
void im_ioasid_log(IoSet *set, const ImuFault *f);

/* Arm the port's alarm for the earliest of all deadlines. */
void im_ioasid_rearm(ImIoasid *h);
/* One of p->drains, which the memory half counts up when it sends an
 * invalidation on behalf of p, is complete or timed out. */
void im_ioasid_drained(ImIoasid *h, IoPasid *p);

/* --- memory half, for the ledger half ----------------------------------- */

/* Whether a space may be bound so: format, width, kind. 0 or -errno. */
int im_ioasid_space_fits(const IoSpace *space, const IoDev *dev,
                         const IoPasid *pasid);
/* A binding begins, changes its space, is parked or ended (its space is the
 * blocked one): what is cached for it goes, its ATC is invalidated unless it
 * begins (old == NULL). p: told by im_ioasid_drained(), or NULL. Called when
 * b is as it will be, before it is freed. Cannot fail. */
void im_ioasid_bind_changed(ImIoasid *h, IoBind *b, const IoSpace *old,
                            IoPasid *p);
/* The memory of a binding is about to be freed: right before that. */
void im_ioasid_bind_freed(ImIoasid *h, IoBind *b);
/* A device is removed or reset: it owes nothing any more. */
void im_ioasid_dev_forgets(ImIoasid *h, IoHostDev *dev);
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
