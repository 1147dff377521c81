/*
 * A host for the IOASID backend under test: the rig's memory, clock and
 * log; user memory whose pages are physical ones, and may be touched while
 * pinned only; an allocator that fails when told and knows what is alive.
 *
 * io_obey() is how a test gives a command. It puts the structure between
 * guards in user memory, checks that a failed command left the dump as it
 * was, and the backend's invariants after every one.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_IO_H
#define TESTS_LIB_IO_H

#include <errno.h>

#include "im/im_ioasid.h"
#include "lib/rig.h"

#define IO_PAGE      4096u
#define IO_PAGES     64u                /* of user memory of an opener */
#define IO_RO_PAGE   (IO_PAGES - 2)     /* cannot be written */
#define IO_ARG_PAGE  (IO_PAGES - 1)     /* where io_obey() puts structures */
#define IO_WILD      UINT64_C(0xdead0000beef0000)

#define IO_FUNC0     0x0010u            /* functions that io_new() adds: */
#define IO_FUNCS     6u                 /* IO_FUNC0 + 8 * n */

typedef struct IoUser {
    struct Io *io;
    ImIoasidCtx *ctx;
    uint64_t base;              /* first user address */
    uint64_t pa;                /* its physical address */
    unsigned pins[IO_PAGES];
    unsigned wrote[IO_PAGES];   /* unpinned as dirty */
} IoUser;

typedef struct Io {
    Rig *r;
    ImIoasid *h;
    ImIoasidConfig cfg;
    ImIoasidPort port;

    ImIoasidCtx *ctx;           /* the one that obeys */
    IoUser *user;               /* its memory */
    GPtrArray *users;

    GHashTable *blocks;         /* address -> size */
    uint64_t allocs;
    uint64_t fail_alloc;        /* number of the one that fails */
    uint64_t pins;
    uint64_t fail_pin;
    uint64_t user_accesses;
    uint64_t fail_user;         /* number of the access that fails */
    bool failed;                /* one of them did */
    unsigned bad_frees;
    unsigned unpinned;          /* accesses to user pages that no pin holds */
    uint64_t big;               /* requests above this fail */

    unsigned readable;          /* calls, and the last queue */
    ImuRef readable_queue;

    bool lax;                   /* io_obey() compares no dumps */
    GString *dump;              /* of all, as of now; len 0: not known */
} Io;

ImIoasidConfig io_config(void);
/* A backend with IO_FUNCS functions and one opener. cfg == NULL: that. */
Io *io_new(const ImIoasidConfig *cfg);
void io_free(Io *io);           /* and checks that nothing is left */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Io, io_free)

/* Another opener, which obeys from now on; and back. */
ImIoasidCtx *io_open(Io *io, uint32_t flags);
void io_use(Io *io, ImIoasidCtx *ctx);

/* Page n of the user memory that is in use: user and physical address. */
uint64_t io_at(const Io *io, unsigned page);
uint64_t io_pa(const Io *io, unsigned page);
void io_put(Io *io, uint64_t user, const void *buf, size_t n);
void io_get(Io *io, uint64_t user, void *buf, size_t n);

/* A command at a raw user address, with nothing checked but invariants. */
int io_raw(Io *io, uint32_t command, uint64_t arg);
/* s is of size bytes; head.size is set to that. */
int io_obey(Io *io, uint32_t command, void *s, size_t size);
#define IO_OBEY(nr, name, type, last)                                      \
    static inline int io_##name(Io *io, type *s)                           \
    {                                                                      \
        return io_obey(io, IMU_CMD_##name, s, sizeof(*s));                 \
    }
IMU_COMMANDS(IO_OBEY)
#undef IO_OBEY

/* io_obey() of a structure written in place; the result is the errno. */
#define IO(io, NAME, type, ...)                                            \
    io_##NAME(io, &(type) { __VA_ARGS__ })

const char *io_command_name(uint32_t command);

/* Text of all that the backend holds; g_free() it. */
char *io_dump(Io *io);
/* Of one opener. */
char *io_dump_of(Io *io, ImIoasidCtx *ctx);
void io_same(Io *io, const char *before);

/* The n-th from now fails, once. */
void io_fail_alloc(Io *io, uint64_t n);
void io_fail_pin(Io *io, uint64_t n);
void io_fail_user(Io *io, uint64_t n);

/* --- in one line, asserting success ------------------------------------- */

static inline ImuRef io_none(void)
{
    return (ImuRef) { 0, 0 };
}

static inline bool io_ref_eq(ImuRef a, ImuRef b)
{
    return a.id == b.id && a.gen == b.gen;
}

ImuRef io_set(Io *io, ImuMapMode mode, ImuPool pool);
ImuPasidAlloc io_alloc(Io *io, ImuRef set);
ImuPasidAlloc io_alloc_fixed(Io *io, ImuRef set, uint32_t gpasid);
ImuPasidState io_pasid_free(Io *io, ImuRef set, ImuRef pasid);
/* State; IMU_PASID_FREE when the handle is stale. */
ImuPasidState io_state(Io *io, ImuRef set, ImuRef pasid);
uint32_t io_hpasid(Io *io, ImuRef set, ImuRef pasid);
ImuRef io_bind(Io *io, ImuRef set, unsigned n);         /* IO_FUNCth n */
ImuRef io_mapped(Io *io, ImuRef set, uint32_t flags, ImuRef faultq);
/* Pages of user memory from page on, mapped at iova, all rights. */
void io_map(Io *io, ImuRef set, ImuRef space, unsigned page, unsigned n,
            uint64_t iova);
/* A parent that maps all user memory at guest-physical 0. */
ImuRef io_parent(Io *io, ImuRef set, uint32_t flags);
ImuRef io_faultq(Io *io, ImuRef set, uint64_t deadline_ns);
ImuRef io_evq(Io *io, ImuRef set, uint32_t depth);
/*
 * A first-stage table of four levels in pages page .. page + 3, guest
 * physical as io_parent() has it, and a space of it. io_fs_map(): va, one
 * 4 KiB page, to a guest-physical page; flags as the table has them, with
 * FS_A in every level.
 */
ImuRef io_nested(Io *io, ImuRef set, ImuRef parent, ImuRef faultq,
                 unsigned page);
void io_fs_map(Io *io, unsigned page, uint64_t va, uint64_t gpa,
               uint64_t flags);
#define IO_FS_VA(n)  (UINT64_C(0x8000200000) + (uint64_t)(n) * IO_PAGE)

int io_attach_rc(Io *io, ImuRef set, ImuRef dev, const ImuRef *pasid,
                 ImuRef space, uint32_t flags);
void io_attach(Io *io, ImuRef set, ImuRef dev, const ImuRef *pasid,
               ImuRef space);
int io_replace(Io *io, ImuRef set, ImuRef dev, const ImuRef *pasid,
               ImuRef space);
int io_detach(Io *io, ImuRef set, ImuRef dev, const ImuRef *pasid);
/* Everything of target, or of object. */
int io_inv_all(Io *io, ImuRef set, ImuInvTarget target, ImuRef object,
               uint32_t caches);

/* --- the device's side -------------------------------------------------- */

#define IO_NO_PASID  UINT32_MAX

uint16_t io_func(unsigned n);
/* pasid: host number. */
ImXlat io_dma(Io *io, unsigned n, uint32_t pasid, uint64_t addr,
              ImAccess access);
ImXlat io_ats(Io *io, unsigned n, uint32_t pasid, uint64_t addr,
              ImAccess access);
ImXlat io_translated(Io *io, unsigned n, uint32_t pasid, uint64_t addr,
                     ImAccess access);
bool io_reaches(Io *io, unsigned n, uint32_t pasid, uint64_t addr, uint64_t pa);
/* Explain a page request, which changes nothing, and make it: what was told
 * happens, where memory does not fail. */
ImPageFate io_ask_page(Io *io, const ImPageReq *q, ImStepFn *fn, void *opaque);
void io_page_request(Io *io, unsigned n, uint32_t pasid, uint16_t prgi,
                     uint64_t addr, bool last);
/* Complete every invalidation that is in the log, and clear the log. */
unsigned io_complete(Io *io);
/* Everything that takes time comes to its end. */
void io_settle(Io *io);

#endif /* TESTS_LIB_IO_H */
