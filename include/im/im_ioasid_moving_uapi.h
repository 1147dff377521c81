/*
 * The uAPI of ioasid-host: what there is, and moving it: a part of
 * im_ioasid_uapi.h, which includes it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_IOASID_MOVING_UAPI_H
#define IM_IOASID_MOVING_UAPI_H

/* --- what there is, and moving it ---------------------------------------- */

typedef enum ImuList {
    IMU_LIST_SETS,
    IMU_LIST_PASIDS,
    IMU_LIST_DEVS,
    IMU_LIST_SPACES,
    IMU_LIST_FAULTQS,
    IMU_LIST_EVQS,
    IMU_LIST_BINDINGS,
    IMU_LIST_MAPPINGS,
} ImuList;

/* One of a list; docs/uapi.rst, 16.1 says what the members are of each. */
typedef struct ImuEntry {
    ImuRef object;              /* bindings and mappings have none */
    ImuRef on;                  /* parent, device, or space mapped in */
    ImuRef of;                  /* fault queue, or PASID */
    ImuRef space;               /* of a binding; 0, 0: parked */
    uint32_t flags;
    uint32_t state;             /* or mode, or kind */
    uint32_t number;
    uint32_t pool;
    uint64_t first;
    uint64_t last;
    uint64_t value;             /* token, cookie, user address, time */
} ImuEntry;

/* Again with the cursor that came back, until count comes back as 0. */
typedef struct ImuEnum {
    ImuHead head;
    ImuRef set;                 /* 0, 0 with IMU_LIST_SETS */
    ImuRef space;               /* with IMU_LIST_MAPPINGS, else 0, 0 */
    uint32_t list;              /* ImuList */
    uint32_t entry_size;
    uint64_t cursor;            /* in: 0 begins; out */
    uint64_t entries;           /* user address of ImuEntry[] */
    uint32_t count;             /* in: room; out */
    uint32_t reserved;
} ImuEnum;

typedef struct ImuQuad {
    uint64_t quad;
} ImuQuad;

#define IMU_SAVE_MOVE  1u       /* it goes away: the context is empty then */

/* The whole context, as records. */
typedef struct ImuSave {
    ImuHead head;
    uint64_t quads;             /* user address of ImuQuad[] */
    uint32_t count;             /* in: room; out: how many there are */
    uint32_t reserved;
} ImuSave;

/* User memory, and a function, that are elsewhere now. */
typedef struct ImuMove {
    uint64_t from;
    uint64_t length;
    uint64_t to;
} ImuMove;

typedef struct ImuFunc {
    uint32_t from;
    uint32_t to;
} ImuFunc;

typedef struct ImuRestore {
    ImuHead head;
    uint64_t quads;             /* user address of ImuQuad[] */
    uint64_t moves;             /* user address of ImuMove[] */
    uint64_t funcs;             /* user address of ImuFunc[] */
    uint32_t count;
    uint32_t move_count;
    uint32_t func_count;
    uint32_t reserved;
} ImuRestore;

/* What a record is: a command of the table below that is obeyed again, whose
 * structure follows; or one of these. */
#define IMU_SAVED_BEGIN    4096u
#define IMU_SAVED_HANDLE   4097u
#define IMU_SAVED_COOLING  4098u
#define IMU_SAVED_FENCES   4099u
#define IMU_SAVED_GIVEN_UP 4100u
#define IMU_SAVED_EVENTS   4101u
#define IMU_SAVED_GROUP    4102u
#define IMU_SAVED_END      4103u

typedef struct ImuSaved {
    uint32_t size;              /* all of it, a multiple of 8 */
    uint32_t what;              /* ImuCommand or IMU_SAVED_* */
    ImuRef object;              /* that is made, or meant */
} ImuSaved;

/* BEGIN: object.id is the first number that nobody had, object.gen is how
 * often the context was restored. HANDLE: a free number and the generation
 * of its next life. COOLING: a PASID whose numbers may be under way. */
typedef struct ImuSavedFences {
    ImuSaved saved;             /* FENCES: a set */
    uint64_t last;              /* ticket */
    uint64_t waiting;           /* the first that was not done; 0: none */
} ImuSavedFences;

typedef struct ImuSavedGivenUp {
    ImuSaved saved;             /* GIVEN_UP: a device */
    uint64_t invalid[8];        /* groups, a bit for each index */
    uint64_t failure[8];
} ImuSavedGivenUp;

/* ImuEvent[count] follow. */
typedef struct ImuSavedEvents {
    ImuSaved saved;             /* EVENTS: an event queue */
    uint64_t sequence;
    uint32_t count;
    uint32_t lost;
} ImuSavedEvents;

#define IMU_SAVED_PASID  1u
#define IMU_SAVED_WHOLE  2u
#define IMU_SAVED_READ   4u

/* { addr with ImuFault.perm in its low bits }, a quad a page, follow. */
typedef struct ImuSavedGroup {
    ImuSaved saved;             /* GROUP: a device */
    uint32_t flags;             /* IMU_SAVED_PASID, WHOLE, READ */
    uint32_t gpasid;
    uint32_t group;
    uint32_t count;             /* pages */
    uint64_t ticket;
    uint64_t left;              /* ns until its deadline */
} ImuSavedGroup;

/* END: nothing follows. */

#endif /* IM_IOASID_MOVING_UAPI_H */
